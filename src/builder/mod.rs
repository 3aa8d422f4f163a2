//! Describing and creating a jail.

mod copy;
mod create;
mod setters;

#[cfg(doc)]
use crate::error::ErrorKind;
use crate::error::{Result, explain_own_attach};
use crate::jail::{Jail, OwnedJail};
use crate::jid::Jid;
use crate::param::Use;
use crate::settings::Settings;

use create::Fate;

/// A jail to be created, from [`Jail::builder`] or [`Jail::child_builder`].
///
/// The setters check what they are given, and the first mistake comes back from [`create`](Self::create) or its
/// likes, before any call. What is not set is the kernel's default and is not sent.
///
/// Most setters set one parameter of the [table](crate::param::TABLE); [`set`](Self::set) sets any. Parameters that
/// kernel modules set once the jail has come into being, `meta` and `env` among them, go in a second call on FreeBSD 15,
/// and the jail is removed again if that fails: were they part of the first one and one of them refused, the kernel would
/// leave a jail that is dying for ever, and keeps its parent (T18). Before, all goes in one call.
///
/// With feature `serde` it can be written down, as a map from parameters' names to what was set, and read back.
///
/// Creating a jail consumes its description. Whoever creates the same jail again, as a supervisor does, keeps one and
/// gives away copies of it:
///
/// ```
/// # use freebsd_jail::{Jail, param, sim};
/// # fn main() -> freebsd_jail::Result<()> {
/// # let kernel = sim::Kernel::new();
/// # let _guard = kernel.install();
/// let service = Jail::builder().name("www").path("/usr/jail").hostname("www.example.org");
/// for _restart in 0..3 {
///     let jail = service.clone().create()?;
///     // Run the service, until it ends.
///     assert_eq!(jail.get(param::HOST_HOSTNAME)?, "www.example.org");
///     jail.remove()?; // What it left behind goes with its jail.
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone)]
#[must_use = "nothing is created before `create`, `create_persistent` or `enter`"]
pub struct JailBuilder<'p> {
    parent: Option<&'p Jail>,
    pub(crate) settings: Settings,
}

/// Creating.
impl Jail {
    /// Starts describing a jail of this process's own level. Nothing happens before
    /// [`create`](JailBuilder::create) or its likes.
    #[must_use]
    pub fn builder() -> JailBuilder<'static> {
        JailBuilder::new(None)
    }

    /// Starts describing a jail below this one. Nothing happens before [`create`](JailBuilder::create) or its
    /// likes.
    ///
    /// It counts against the `children.max` of this jail (which is 0 unless it was set) and of the jails above, and it
    /// is allowed no more than this jail has. Its name is relative to this jail's. It needs a path, which is looked up
    /// from this process's root, like any other.
    ///
    /// # FreeBSD versions
    ///
    /// Since 15.0 the kernel creates it from this jail, and checks the limits. Before, it is created by its full name,
    /// of which the kernel checks the limits of this process's own jail and of those above it only: those of the jails
    /// from this one upwards are checked first, with one jail_get(2) each, and two processes that create at once may
    /// exceed them.
    ///
    /// ```
    /// # use freebsd_jail::{Jail, param, sim};
    /// # fn main() -> freebsd_jail::Result<()> {
    /// # let kernel = sim::Kernel::new();
    /// # let _guard = kernel.install();
    /// let outer = Jail::builder().name("outer").path("/").children_max(1).create()?;
    /// let inner = outer.child_builder().name("inner").path("/").create()?;
    /// assert_eq!(inner.get(param::NAME)?, "outer.inner"); // as this process sees it
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn child_builder(&self) -> JailBuilder<'_> {
        JailBuilder::new(Some(self))
    }
}

impl<'p> JailBuilder<'p> {
    pub(crate) fn new(parent: Option<&'p Jail>) -> Self {
        Self { parent, settings: Settings::with_room(Use::Create, 192, 8) }
    }

    /// Whether the jail is to be created below the one of a handle.
    #[cfg(feature = "serde")]
    pub(crate) fn is_below(&self) -> bool {
        self.parent.is_some()
    }

    /// Creates the jail, to be removed when the handle is dropped.
    ///
    /// Wraps jail_set(2) with `JAIL_CREATE`, one call. Parameters of modules, `meta` and `env` take a second one since
    /// FreeBSD 15. A jail below another one may take more: before FreeBSD 15 the parent's name, and the limits of the
    /// jails between this process's own and the new one, have to be asked for.
    ///
    /// # Errors
    ///
    /// What a setter found wrong, before any call. [`ErrorKind::AlreadyExists`], [`ErrorKind::InvalidPath`],
    /// [`ErrorKind::PermissionDenied`] when not root or when the jail would be allowed more than its parent,
    /// [`ErrorKind::LimitExceeded`], [`ErrorKind::AddressInUse`], [`ErrorKind::UnknownParameter`],
    /// [`ErrorKind::NotFound`] when the parent does not exist, [`ErrorKind::Gone`] when the jail of
    /// [`Jail::child_builder`] has been removed.
    ///
    /// # FreeBSD versions
    ///
    /// Since 15.0 the kernel removes the jail when this process ends, however it ends; before, only `Drop` does.
    ///
    /// ```
    /// # use freebsd_jail::{Jail, param, sim};
    /// # fn main() -> freebsd_jail::Result<()> {
    /// # let kernel = sim::Kernel::new();
    /// # let _guard = kernel.install();
    /// let jail = Jail::builder()
    ///     .path("/usr/jail")
    ///     .hostname("www.example.org")
    ///     .ip4([[10, 0, 0, 22].into()])
    ///     .create()?;
    /// assert_eq!(jail.get(param::HOST_HOSTNAME)?, "www.example.org");
    /// # Ok(())
    /// # }
    /// ```
    #[doc(alias = "jail_set")]
    pub fn create(self) -> Result<OwnedJail> {
        self.make(Fate::Owned).map(OwnedJail::new)
    }

    /// Creates a jail that stays, with or without processes, until someone removes it.
    ///
    /// Wraps jail_set(2) with `JAIL_CREATE`, as [`create`](Self::create).
    ///
    /// # Errors
    ///
    /// As [`create`](Self::create).
    ///
    /// # FreeBSD versions
    ///
    /// Since 15.0 the handle holds a descriptor, which does not own the jail; before, the number.
    pub fn create_persistent(self) -> Result<Jail> {
        self.make(Fate::Persistent)
    }

    /// Creates a jail and moves this process into it, for good. The jail goes with its last process.
    ///
    /// All threads of the process move, and programs that other threads are starting are waited for; see
    /// [`Jail::attach`]. The process cannot see its own jail then, so there
    /// is no handle, only the number.
    ///
    /// Wraps jail_set(2) with `JAIL_CREATE | JAIL_ATTACH`, as [`create`](Self::create). Where parameters take a second
    /// call, the jail is created first, as one that stays, and that call enters it and makes it go with its last
    /// process, unless [`persist`](crate::param::PERSIST) was set.
    ///
    /// **A process that is killed between the two calls leaves the jail behind**, without processes, until someone
    /// removes it. An owning descriptor would not do instead: it cannot be disowned, and closing it, as exec does,
    /// would remove the jail that was entered.
    ///
    /// # Errors
    ///
    /// As [`create`](Self::create), and as [`Jail::attach`]: any open directory hinders, and is named. The jail does
    /// not stay then.
    ///
    /// # FreeBSD versions
    ///
    /// Since 15.0 the second call, where there is one, goes by the jail's descriptor, or, for a jail below another one,
    /// from its parent; before, by the jail's number.
    pub fn enter(self) -> Result<Jid> {
        self.make(Fate::Entered).map(|jail| jail.jid()).map_err(|error| {
            // All else was allowed: the jail was there by then, and has gone again.
            if error.message() == Some("attach failed") { explain_own_attach(error) } else { error }
        })
    }
}
