//! What a follower reports.

use core::fmt;
use std::ffi::OsStr;
use std::sync::Arc;

use crate::jid::Jid;
use crate::watch::WatchId;

/// A jail that a [`Follower`](super::Follower) follows.
///
/// ```
/// use freebsd_jail::Jail;
/// use freebsd_jail::watch::{Followed, Follower};
/// # use freebsd_jail::sim;
///
/// # fn main() -> freebsd_jail::Result<()> {
/// # let kernel = sim::Kernel::new();
/// # let _guard = kernel.install();
/// let outer = Jail::builder().name("outer").path("/").children_max(1).create()?;
/// let inner = outer.child_builder().name("inner").path("/").create()?;
/// let follower = Follower::new()?;
/// let found = follower.jails().find(|jail| jail.name() == "outer.inner").expect("followed");
/// assert_eq!((found.jid(), found.parent()), (inner.jid(), Some(outer.jid())));
/// # Ok(())
/// # }
/// ```
#[derive(Clone, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct FollowedJail {
    #[cfg_attr(feature = "serde", serde(skip))]
    pub(super) id: WatchId,
    pub(super) jid: Jid,
    #[cfg_attr(feature = "serde", serde(serialize_with = "crate::param::text::serialize"))]
    pub(super) name: Arc<OsStr>,
    pub(super) parent: Option<Jid>,
}

impl FollowedJail {
    /// Returns the id that identifies the jail among all that were followed. Unlike a jid, it is not reused.
    #[must_use]
    pub fn id(&self) -> WatchId {
        self.id
    }

    /// Returns the jail's jid.
    #[must_use]
    pub fn jid(&self) -> Jid {
        self.jid
    }

    /// Returns the name that the jail had when this was reported, as this process sees it.
    #[must_use]
    pub fn name(&self) -> &OsStr {
        &self.name
    }

    /// Returns the jid of the jail's parent, `None` when the parent is this process's own jail or the host.
    #[must_use]
    pub fn parent(&self) -> Option<Jid> {
        self.parent
    }
}

impl fmt::Debug for FollowedJail {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FollowedJail")
            .field("jid", &self.jid.get())
            .field("name", &self.name)
            .field("parent", &self.parent.map(Jid::get))
            .field("id", &self.id.0)
            .finish()
    }
}

/// A report about a jail that a [`Follower`](super::Follower) follows.
///
/// ```
/// use freebsd_jail::watch::Followed;
///
/// fn line(told: &Followed) -> String {
///     match told {
///         Followed::Present(jail) => format!("{:?} is there", jail.name()),
///         Followed::Appeared(jail) => format!("{:?} was created", jail.name()),
///         Followed::Renamed { jail, from } => format!("{from:?} was renamed to {:?}", jail.name()),
///         Followed::Removed(jail) => format!("{:?} was removed", jail.name()),
///         other => format!("{other:?}"),
///     }
/// }
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "snake_case"))]
#[non_exhaustive]
pub enum Followed {
    /// The jail existed when the follower was made.
    Present(FollowedJail),
    /// The jail was created. Its parent was reported before.
    Appeared(FollowedJail),
    /// The jail, or one above it, was renamed. Other parameters may have been changed, too.
    Renamed {
        /// The jail with its new name.
        jail: FollowedJail,
        /// The name that was reported before.
        #[cfg_attr(feature = "serde", serde(serialize_with = "crate::param::text::serialize"))]
        from: Arc<OsStr>,
    },
    /// [jail_set(2)] was used on the jail. It may have changed nothing.
    ///
    /// [jail_set(2)]: https://man.freebsd.org/cgi/man.cgi?query=jail_set&sektion=2
    Changed(FollowedJail),
    /// One or more processes attached to the jail. A process that is forked by one in the jail does not attach, and
    /// processes that attached before the jail was reported are not reported.
    Attached {
        /// The jail.
        jail: FollowedJail,
        /// The process id, `None` when there were several, or when jails were created in this one at the same time.
        pid: Option<u32>,
    },
    /// The jail began to die, and so did all jails below it, which were reported before. It has the name that was
    /// reported last.
    Removed(FollowedJail),
    /// Jails were created and removed before the follower could look at them, or may have been: see
    /// [`Follower`](super::Follower).
    Missed {
        /// The jid, when one jail was created: it was removed at once, or its creation failed. `None` when several were
        /// created: those that exist are reported by themselves, and others may have been removed.
        jid: Option<Jid>,
        /// The jail below which they were created, `None` for the host.
        parent: Option<Jid>,
    },
}

impl Followed {
    /// Returns the jail that it is about, `None` for [`Missed`](Self::Missed).
    ///
    /// ```
    /// use freebsd_jail::Jail;
    /// use freebsd_jail::watch::Follower;
    /// # use freebsd_jail::sim;
    ///
    /// # fn main() -> freebsd_jail::Result<()> {
    /// # let kernel = sim::Kernel::new();
    /// # let _guard = kernel.install();
    /// # let _www = Jail::builder().name("www").path("/").create()?;
    /// let mut follower = Follower::new()?;
    /// let told = follower.try_next()?.expect("the jail that is there");
    /// assert_eq!(told.jail().map(|jail| jail.name()), Some("www".as_ref()));
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn jail(&self) -> Option<&FollowedJail> {
        match self {
            Self::Present(jail) | Self::Appeared(jail) | Self::Changed(jail) | Self::Removed(jail) => {
                Some(jail)
            }
            Self::Renamed { jail, .. } | Self::Attached { jail, .. } => Some(jail),
            Self::Missed { .. } => None,
        }
    }
}
