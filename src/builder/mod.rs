//! Building a jail.

mod create;

// rustdoc shows the methods of `JailBuilder` in this order.
mod setters;

mod copy;

mod check;

use core::fmt;
use std::sync::Arc;

#[cfg(doc)]
use crate::allow::Allow;
#[cfg(doc)]
use crate::error::ErrorKind;
use crate::error::{Result, explain_own_attach};
use crate::jail::{Jail, OwnedJail};
use crate::jid::Jid;
use crate::param::Use;
use crate::settings::Settings;
use crate::wire::Draft;

use create::Fate;

/// A jail to be created, from [`Jail::builder`] or [`Jail::child_builder`].
///
/// The setters never fail. Each checks its value, and every mistake is kept: [`create`](Self::create) and the other
/// methods that create return the first one before any call, and [`check`](Self::check) lists them all.
///
/// A parameter that is not set is not sent, and so has the kernel's default. **The defaults grant permissions**: a jail
/// of which nothing is set may set its host name ([`Allow::SET_HOSTNAME`]), bind ports below 1024
/// ([`Allow::RESERVED_PORTS`]), let users debug their processes ([`Allow::UNPRIVILEGED_PROC_DEBUG`]) and use root's
/// privileges ([`Allow::SUSER`]), where its parent may. [`allow_only`](Self::allow_only) sets exactly the permissions
/// given.
///
/// A builder can be used any number of times. It owns what it needs: one from [`Jail::child_builder`] holds a
/// descriptor of the parent, which keeps a removed parent dying until the builder is dropped.
///
/// On FreeBSD 15, parameters of kernel modules, including `meta` and `env`, are set by a second call, and the jail is
/// removed again if that fails. If one of them failed in the first call, the kernel would leave a jail that stays dying
/// for ever and keeps its parent (T18). Before, one call is enough.
///
/// With feature `serde` it can be serialised, as a map of parameters: see [`JailUpdate`](crate::JailUpdate#serialised).
///
/// ```
/// # use freebsd_jail::{Jail, Network, param, sim};
/// # fn main() -> freebsd_jail::Result<()> {
/// # let kernel = sim::Kernel::new();
/// # let _guard = kernel.install();
/// let service = Jail::builder().name("www").path("/usr/jail").network(Network::inherited());
/// for _restart in 0..3 {
///     let jail = service.create()?;
///     // Run the service, until it ends.
///     assert!(jail.info()?.network.is_inherited());
/// jail.remove()?; // Its remaining processes go with the jail.
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
#[must_use = "nothing is created before `create`, `create_detached` or `create_and_attach`"]
pub struct JailBuilder {
    parent: Parent,
    pub(crate) settings: Settings<'static>,
}

/// Where to create the jail.
#[derive(Debug, Clone)]
enum Parent {
    /// At this process's own level.
    Own,
    /// Below a jail.
    Jail(Arc<Jail>),
    /// Below a jail whose handle could not be cloned. The error is among the settings.
    Lost,
}

/// # Creating
impl Jail {
    /// Returns a builder for a jail at this process's own level. Nothing happens before [`create`](JailBuilder::create)
    /// or another method that creates.
    ///
    /// ```
    /// # use freebsd_jail::{Jail, sim};
    /// # fn main() -> freebsd_jail::Result<()> {
    /// # let kernel = sim::Kernel::new();
    /// # let _guard = kernel.install();
    /// let builder = Jail::builder().name("www").path("/usr/jail");
    /// assert!(Jail::open("www").is_err()); // nothing has happened yet
    /// let jail = builder.create()?;
    /// assert_eq!(Jail::open("www")?.jid(), jail.jid());
    /// # Ok(())
    /// # }
    /// ```
    pub fn builder() -> JailBuilder {
        JailBuilder::new(Parent::Own)
    }

    /// Returns a builder for a jail below this one. Nothing happens before [`create`](JailBuilder::create) or another
    /// method that creates.
    ///
    /// It counts against the `children.max` of this jail (which is 0 unless it was set) and of the jails above, and has
    /// no more permissions than this jail. Its name is relative to this jail's. It needs a path, which is looked up
    /// from this process's root.
    ///
    /// The builder holds a [clone](Self::try_clone) of this handle. If cloning fails, the methods that create return
    /// the error.
    ///
    /// # FreeBSD versions
    ///
    /// Since 15.0 the kernel creates it from this jail, and checks the limits. Before, it is created by its full name,
    /// and the kernel checks only the limits of this process's own jail and of those above it. The limits of the jails
    /// from this one upwards are checked first, with one [jail_get(2)] each; two processes that create at once may
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
    ///
    /// [jail_get(2)]: https://man.freebsd.org/cgi/man.cgi?query=jail_get&sektion=2
    pub fn child_builder(&self) -> JailBuilder {
        match self.try_clone() {
            Ok(parent) => JailBuilder::new(Parent::Jail(Arc::new(parent))),
            Err(error) => {
                let mut builder = JailBuilder::new(Parent::Lost);
                builder.settings.fail(error);
                builder
            }
        }
    }
}

impl fmt::Debug for JailBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut out = f.debug_struct("JailBuilder");
        if let Some(parent) = self.parent() {
            out.field("parent", parent);
        }
        self.settings.show(&mut out);
        out.finish()
    }
}

/// Returns an empty builder, as [`Jail::builder`] does.
impl Default for JailBuilder {
    fn default() -> Self {
        Jail::builder()
    }
}

/// # Creating
impl JailBuilder {
    fn new(parent: Parent) -> Self {
        Self { parent, settings: Settings::with(Use::Create, Draft::with_room(256)) }
    }

    fn parent(&self) -> Option<&Jail> {
        match &self.parent {
            Parent::Jail(parent) => Some(parent),
            Parent::Own | Parent::Lost => None,
        }
    }

    /// Whether the jail will be created below a handle's jail.
    pub(crate) fn is_below(&self) -> bool {
        !matches!(self.parent, Parent::Own)
    }

    /// Creates the jail, which is removed when the handle is dropped. It stays while it has no processes.
    ///
    /// Wraps [jail_set(2)] with `JAIL_CREATE`, one call. Parameters of modules, `meta` and `env` take a second one
    /// since FreeBSD 15. A nested jail may take more: before FreeBSD 15 the parent's name and the limits of the jails
    /// in between have to be read.
    ///
    /// # Errors
    ///
    /// The first mistake that [`check`](Self::check) finds, before any call. [`ErrorKind::AlreadyExists`],
    /// [`ErrorKind::InvalidPath`], [`ErrorKind::PermissionDenied`] when not root or when the jail would have more
    /// permissions than its parent, [`ErrorKind::LimitExceeded`], [`ErrorKind::AddressInUse`],
    /// [`ErrorKind::UnknownParameter`], [`ErrorKind::NotFound`] when the parent does not exist, [`ErrorKind::Gone`]
    /// when the jail of [`Jail::child_builder`] has been removed.
    ///
    /// # FreeBSD versions
    ///
    /// Since 15.0 the kernel removes the jail when this process ends in any way; before, only `Drop` does.
    ///
    /// ```
    /// # use freebsd_jail::{Jail, param, sim};
    /// # fn main() -> freebsd_jail::Result<()> {
    /// # let kernel = sim::Kernel::new();
    /// # let _guard = kernel.install();
    /// let jail = Jail::builder()
    ///     .path("/usr/jail")
    ///     .hostname("www.example.org")
    ///     .addresses(["10.0.0.22".parse().expect("an address")])
    ///     .create()?;
    /// assert_eq!(jail.get(param::HOST_HOSTNAME)?, "www.example.org");
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// [jail_set(2)]: https://man.freebsd.org/cgi/man.cgi?query=jail_set&sektion=2
    #[doc(alias = "jail_set")]
    pub fn create(&self) -> Result<OwnedJail> {
        self.make(Fate::Owned).map(OwnedJail::new)
    }

    /// Creates a jail that stays, with or without processes, until it is removed.
    ///
    /// Wraps [jail_set(2)] with `JAIL_CREATE`, as [`create`](Self::create).
    ///
    /// # Errors
    ///
    /// As [`create`](Self::create).
    ///
    /// # FreeBSD versions
    ///
    /// Since 15.0 the handle holds a descriptor, which does not own the jail; before, the jid.
    ///
    /// ```
    /// # use freebsd_jail::{Jail, sim};
    /// # fn main() -> freebsd_jail::Result<()> {
    /// # let kernel = sim::Kernel::new();
    /// # let _guard = kernel.install();
    /// drop(Jail::builder().name("www").path("/usr/jail").create_detached()?);
    /// Jail::open("www")?.remove()?; // it is still there
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// [jail_set(2)]: https://man.freebsd.org/cgi/man.cgi?query=jail_set&sektion=2
    pub fn create_detached(&self) -> Result<Jail> {
        self.make(Fate::Detached)
    }

    /// Creates a jail and attaches this process to it, for good. The jail is removed with its last process.
    ///
    /// All threads of the process move, and programs that other threads are starting are waited for; see
    /// [`Jail::attach`]. Afterwards the process cannot see its own jail, so it returns no handle, only the jid.
    ///
    /// Wraps [jail_set(2)] with `JAIL_CREATE | JAIL_ATTACH`, as [`create`](Self::create). If parameters take a second
    /// call, the first one creates a jail that stays. The second one attaches, and makes the jail go with its last
    /// process, unless [`persist`](crate::param::PERSIST) was set.
    ///
    /// **A process that is killed between the two calls leaves the jail behind**, without processes, until it is
    /// removed. An owning descriptor would not help: ownership cannot be given up, and closing the descriptor, as exec
    /// does, would remove the jail.
    ///
    /// # Errors
    ///
    /// As [`create`](Self::create), and as [`Jail::attach`]: fails if the process has a directory open; the error names
    /// it. In that case the jail does not stay.
    ///
    /// # FreeBSD versions
    ///
    /// Since 15.0 a second call uses the jail's descriptor or, for a nested jail, its parent's; before, the jid.
    ///
    /// ```no_run
    /// # fn main() -> freebsd_jail::Result<()> {
    /// use freebsd_jail::{Jail, is_jailed};
    ///
    /// let jid = Jail::builder().path("/usr/jail").create_and_attach()?;
    /// println!("this process is in jail {jid}");
    /// assert!(is_jailed()?);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// [jail_set(2)]: https://man.freebsd.org/cgi/man.cgi?query=jail_set&sektion=2
    pub fn create_and_attach(&self) -> Result<Jid> {
        self.make(Fate::Attached).map(|jail| jail.jid()).map_err(|error| {
            // Everything else was permitted: the jail had been created, and is gone again.
            if error.message() == Some("attach failed") { explain_own_attach(error) } else { error }
        })
    }
}
