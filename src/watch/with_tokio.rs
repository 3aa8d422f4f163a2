//! Watching and following in an async runtime: feature `tokio`.

use core::future::Future;

use super::runtime::{read, register};
use super::{Event, Followed, Follower, Watcher};
#[cfg(doc)]
use crate::error::ErrorKind;
use crate::error::Result;
use crate::sys::ready::Ready;

/// A [`Watcher`] whose events can be awaited, from [`Watcher::into_async`].
///
/// ```
/// use freebsd_jail::{Jail, Watcher};
/// # use freebsd_jail::sim;
///
/// # fn main() -> freebsd_jail::Result<()> {
/// # let kernel = sim::Kernel::new();
/// # let _guard = kernel.install();
/// # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
/// let jail = Jail::builder().name("www").path("/").create()?;
/// let watcher = Watcher::new()?.into_async()?;
/// watcher.get_ref().watch(&jail)?;
/// jail.remove()?;
/// assert!(watcher.wait().await?.is_removed());
/// # Ok(())
/// # })
/// # }
/// ```
#[derive(Debug)]
pub struct AsyncWatcher {
    // Dropped first: the runtime lets go of the queue while it is open.
    ready: Ready,
    watcher: Watcher,
}

/// A [`Follower`] that can be awaited, from [`Follower::into_async`].
///
/// ```
/// use freebsd_jail::Jail;
/// use freebsd_jail::watch::{Followed, Follower};
/// # use freebsd_jail::sim;
///
/// # fn main() -> freebsd_jail::Result<()> {
/// # let kernel = sim::Kernel::new();
/// # let _guard = kernel.install();
/// # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
/// let mut follower = Follower::new()?.into_async()?;
/// let _www = Jail::builder().name("www").path("/").create()?;
/// assert!(matches!(follower.wait().await?, Followed::Appeared(jail) if jail.name() == "www"));
/// # Ok(())
/// # })
/// # }
/// ```
#[derive(Debug)]
pub struct AsyncFollower {
    // Dropped first: the runtime lets go of the queue while it is open.
    ready: Ready,
    follower: Follower,
}

/// # In an async runtime
impl Watcher {
    /// Registers the watcher with the tokio runtime that the caller is in.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Unsupported`] outside of a runtime, [`ErrorKind::ResourceExhausted`] when the runtime cannot watch
    /// more descriptors.
    ///
    /// # Panics
    ///
    /// In a runtime without I/O (`enable_io`).
    ///
    /// ```
    /// use freebsd_jail::{ErrorKind, Watcher};
    /// # use freebsd_jail::sim;
    ///
    /// # fn main() -> freebsd_jail::Result<()> {
    /// # let kernel = sim::Kernel::new();
    /// # let _guard = kernel.install();
    /// let outside = Watcher::new()?.into_async();
    /// assert_eq!(outside.unwrap_err().kind(), ErrorKind::Unsupported);
    /// # Ok(())
    /// # }
    /// ```
    pub fn into_async(self) -> Result<AsyncWatcher> {
        Ok(AsyncWatcher { ready: register(&self)?, watcher: self })
    }
}

impl AsyncWatcher {
    /// Waits for the next event. Several tasks can wait; each event goes to one of them.
    ///
    /// Cancel-safe: nothing is lost if the future is dropped.
    ///
    /// # Errors
    ///
    /// As [`Watcher::wait`], and [`ErrorKind::Other`] when the runtime is shutting down.
    ///
    /// ```
    /// # use freebsd_jail::{Jail, Watcher, sim, watch::EventKind};
    /// # fn main() -> freebsd_jail::Result<()> {
    /// # let kernel = sim::Kernel::new();
    /// # let _guard = kernel.install();
    /// # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
    /// let watcher = Watcher::new()?.into_async()?;
    /// watcher.get_ref().watch_own()?;
    /// let (event, jail) = tokio::join!(watcher.wait(), async { Jail::builder().path("/").create() });
    /// let jid = Some(jail?.jid());
    /// assert!(event?.kinds().eq([EventKind::ChildCreated { jid }]));
    /// # Ok(())
    /// # })
    /// # }
    /// ```
    pub fn wait(&self) -> impl Future<Output = Result<Event>> + Send + '_ {
        read(&self.ready, || self.watcher.try_next())
    }

    /// Returns the watcher, to watch and unwatch jails.
    ///
    /// ```
    /// # use freebsd_jail::{Jail, Watcher, sim};
    /// # fn main() -> freebsd_jail::Result<()> {
    /// # let kernel = sim::Kernel::new();
    /// # let _guard = kernel.install();
    /// # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
    /// let jail = Jail::builder().path("/").create()?;
    /// let watcher = Watcher::new()?.into_async()?;
    /// let watch = watcher.get_ref().watch(&jail)?;
    /// assert!(watcher.get_ref().unwatch(watch)?);
    /// # Ok(())
    /// # })
    /// # }
    /// ```
    #[must_use]
    pub fn get_ref(&self) -> &Watcher {
        &self.watcher
    }

    /// Takes the watcher out of the runtime.
    ///
    /// ```
    /// # use freebsd_jail::{Watcher, sim};
    /// # fn main() -> freebsd_jail::Result<()> {
    /// # let kernel = sim::Kernel::new();
    /// # let _guard = kernel.install();
    /// # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
    /// let watcher = Watcher::new()?.into_async()?.into_inner();
    /// assert_eq!(watcher.try_next()?, None);
    /// # Ok(())
    /// # })
    /// # }
    /// ```
    #[must_use]
    pub fn into_inner(self) -> Watcher {
        self.watcher
    }
}

/// # In an async runtime
impl Follower {
    /// Registers the follower with the tokio runtime that the caller is in.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Unsupported`] outside of a runtime, [`ErrorKind::ResourceExhausted`] when the runtime cannot watch
    /// more descriptors.
    ///
    /// # Panics
    ///
    /// In a runtime without I/O (`enable_io`).
    ///
    /// ```
    /// use freebsd_jail::watch::{Followed, Follower};
    /// # use freebsd_jail::{Jail, sim};
    ///
    /// # fn main() -> freebsd_jail::Result<()> {
    /// # let kernel = sim::Kernel::new();
    /// # let _guard = kernel.install();
    /// # let _www = Jail::builder().name("www").path("/").create()?;
    /// # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
    /// let mut follower = Follower::new()?.into_async()?;
    /// assert!(matches!(follower.wait().await?, Followed::Present(_)));
    /// # Ok(())
    /// # })
    /// # }
    /// ```
    pub fn into_async(self) -> Result<AsyncFollower> {
        Ok(AsyncFollower { ready: register(self.watcher())?, follower: self })
    }
}

impl AsyncFollower {
    /// Waits for what happens next.
    ///
    /// Cancel-safe: nothing is lost if the future is dropped.
    ///
    /// # Errors
    ///
    /// As [`Follower::wait`], and [`ErrorKind::Other`] when the runtime is shutting down.
    ///
    /// ```
    /// # use freebsd_jail::{Jail, sim, watch::{Followed, Follower}};
    /// # fn main() -> freebsd_jail::Result<()> {
    /// # let kernel = sim::Kernel::new();
    /// # let _guard = kernel.install();
    /// # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
    /// let mut follower = Follower::new()?.into_async()?;
    /// let create = async { Jail::builder().name("www").path("/").create() };
    /// let (told, jail) = tokio::join!(follower.wait(), create);
    /// assert!(matches!(told?, Followed::Appeared(followed) if followed.jid() == jail?.jid()));
    /// # Ok(())
    /// # })
    /// # }
    /// ```
    pub fn wait(&mut self) -> impl Future<Output = Result<Followed>> + Send + '_ {
        read(&self.ready, || self.follower.try_next())
    }

    /// Returns the follower, for [`Follower::jails`] and [`Follower::handle`].
    ///
    /// ```
    /// # use freebsd_jail::{Jail, sim, watch::Follower};
    /// # fn main() -> freebsd_jail::Result<()> {
    /// # let kernel = sim::Kernel::new();
    /// # let _guard = kernel.install();
    /// # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
    /// let _www = Jail::builder().name("www").path("/").create()?;
    /// let follower = Follower::new()?.into_async()?;
    /// assert_eq!(follower.get_ref().jails().count(), 1);
    /// # Ok(())
    /// # })
    /// # }
    /// ```
    #[must_use]
    pub fn get_ref(&self) -> &Follower {
        &self.follower
    }

    /// Takes the follower out of the runtime.
    ///
    /// ```
    /// # use freebsd_jail::{sim, watch::Follower};
    /// # fn main() -> freebsd_jail::Result<()> {
    /// # let kernel = sim::Kernel::new();
    /// # let _guard = kernel.install();
    /// # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
    /// let mut follower = Follower::new()?.into_async()?.into_inner();
    /// assert_eq!(follower.try_next()?, None);
    /// # Ok(())
    /// # })
    /// # }
    /// ```
    #[must_use]
    pub fn into_inner(self) -> Follower {
        self.follower
    }
}
