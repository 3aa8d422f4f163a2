//! Watching jails.

use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::watches::{Ended, Watches};
use super::{EventFlags, WatchId, Watcher};
use crate::error::{Call, Error, ErrorKind, Result};
use crate::jail::{Jail, read_and_pin};
use crate::jid::Jid;
use crate::sys::event::{EV_ADD, EV_DELETE, EVFILT_TIMER, Kevent};
use crate::sys::trap::Trap;
use crate::sys::{self, Errno, System};

/// All events that the kernel can report about a jail.
const EVERYTHING: EventFlags =
    EventFlags::CHILD.union(EventFlags::SET).union(EventFlags::ATTACH).union(EventFlags::REMOVE);

/// A day, in milliseconds.
const LONGEST_PERIOD: i64 = 86_400_000;

/// # Watching
impl Watcher {
    /// Makes a watcher that watches nothing yet.
    ///
    /// Wraps [kqueue(2)], and sets close-on-exec right after.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Unsupported`] before FreeBSD 15.0 and where there are no jails, found out without asking for a
    /// filter that the kernel does not know; [`ErrorKind::ResourceExhausted`] when no more descriptors can be had.
    ///
    /// ```
    /// use freebsd_jail::{ErrorKind, Watcher};
    /// # use freebsd_jail::sim;
    ///
    /// # let kernel = sim::Kernel::with_release(sim::Release::FREEBSD_13_2);
    /// # let _guard = kernel.install();
    /// match Watcher::new() {
    ///     Ok(watcher) => drop(watcher),
    ///     Err(error) if error.kind() == ErrorKind::Unsupported => println!("this kernel has no events of jails"),
    ///     Err(error) => eprintln!("{error}"),
    /// }
    /// ```
    ///
    /// [kqueue(2)]: https://man.freebsd.org/cgi/man.cgi?query=kqueue&sektion=2
    pub fn new() -> Result<Self> {
        let system = System::current();
        let features = system.features();
        if !features.has_descriptors() {
            let reason = if features.has_jails() {
                "this kernel has no events of jails; FreeBSD has them since 15.0"
            } else {
                "this host has no jails: it is not FreeBSD, and no model of its kernel is installed"
            };
            return Err(Error::refused(ErrorKind::Unsupported, reason));
        }
        Self::on(system)
    }

    /// Makes a queue, on any release.
    pub(super) fn on(system: System) -> Result<Self> {
        let queue = system.kqueue().map_err(|errno| queue_error(Call::Kqueue, errno))?;
        Ok(Self { system, queue: Arc::new(queue), watches: Mutex::default() })
    }

    /// Watches a jail until its removal has been read, or until [`unwatch`](Self::unwatch).
    ///
    /// The handle may be dropped. Watching a jail again makes a second watch, with events of its own. For a jail that
    /// has been removed already, the removal is reported at once.
    ///
    /// Wraps [kevent(2)] with `EVFILT_JAILDESC`, on a descriptor of its own: a duplicate of the handle's, or a new one
    /// if the handle's may own the jail. If this process cannot see the jail because it is in another one, it is always
    /// a duplicate: if that owns the jail, the jail stays as long as the watch. Needs no privilege.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Gone`] when the handle has no descriptor (as [`Jail::unpinned`] makes it) and there is no jail of
    /// its jid, [`ErrorKind::ResourceExhausted`] when the process has no more descriptors or the kernel no memory,
    /// [`ErrorKind::InvalidDescriptor`] when one of the handle and the watcher belongs to a model and the other does
    /// not, or to another model.
    ///
    /// ```
    /// use freebsd_jail::{Jail, Watcher};
    /// # use freebsd_jail::sim;
    ///
    /// # fn main() -> freebsd_jail::Result<()> {
    /// # let kernel = sim::Kernel::new();
    /// # let _guard = kernel.install();
    /// # let _www = Jail::builder().name("www").path("/").create()?;
    /// let watcher = Watcher::new()?;
    /// for jail in Jail::all() {
    ///     watcher.watch(&jail?)?; // the handle is dropped, the watch stays
    /// }
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// [kevent(2)]: https://man.freebsd.org/cgi/man.cgi?query=kevent&sektion=2
    pub fn watch(&self, jail: &Jail) -> Result<WatchId> {
        self.check_process()?;
        if !self.system.is(&jail.system) {
            return Err(Error::refused(
                ErrorKind::InvalidDescriptor,
                "the jail belongs to another kernel than the watcher",
            ));
        }
        self.add(jail.jid(), jail.lasting_descriptor()?)
    }

    /// Watches the jail that has a jid now, as [`watch`](Self::watch) does.
    ///
    /// Wraps [jail_get(2)], which makes a descriptor of the jail, and [kevent(2)] with `EVFILT_JAILDESC`.
    /// `EVFILT_JAIL`, which takes a jid, is not used: if it is registered at the moment of a removal, the removal is
    /// lost and the kernel may panic (T23). Needs no privilege.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::NotFound`] when no such jail can be seen from here or it is being removed,
    /// [`ErrorKind::ResourceExhausted`] when the process has no more descriptors or the kernel no memory.
    ///
    /// ```
    /// # use freebsd_jail::{Jail, Watcher, sim};
    /// # fn main() -> freebsd_jail::Result<()> {
    /// # let kernel = sim::Kernel::new();
    /// # let _guard = kernel.install();
    /// # let jail = Jail::builder().name("www").path("/").create()?;
    /// # let jid = jail.jid();
    /// let watcher = Watcher::new()?;
    /// let watch = watcher.watch_jid(jid)?;
    /// jail.remove()?;
    /// assert_eq!(watcher.try_next()?.map(|event| event.watch()), Some(watch));
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// [jail_get(2)]: https://man.freebsd.org/cgi/man.cgi?query=jail_get&sektion=2
    /// [kevent(2)]: https://man.freebsd.org/cgi/man.cgi?query=kevent&sektion=2
    pub fn watch_jid(&self, jid: Jid) -> Result<WatchId> {
        self.check_process()?;
        // T23: by descriptor, never by jid.
        let pinned = read_and_pin(&self.system, jid, &());
        let (descriptor, ()) = pinned.map_err(|error| match error.kind() {
            ErrorKind::Gone => error.with_kind(ErrorKind::NotFound),
            _ => error,
        })?;
        self.add(jid, descriptor)
    }

    /// Watches the host: reports the jails that are created directly below it. It does not report their removal: watch
    /// each.
    ///
    /// The events have no [jid](super::Event::jid). Calling it again ends the earlier watch and keeps the events that have not
    /// been read. If this process attaches to a jail later, the watch stays the host's.
    ///
    /// Wraps [kevent(2)] with `EVFILT_JAIL`. Needs no privilege.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Unsupported`] **when this process is in a jail**: the kernel would panic if that jail was removed
    /// at this moment (T38). In a jail, watch its child jails, or the jail itself by a descriptor that was made
    /// outside. [`ErrorKind::ResourceExhausted`] when the kernel has no memory.
    ///
    /// ```
    /// use freebsd_jail::{Jail, Watcher, watch::EventKind};
    /// # use freebsd_jail::sim;
    ///
    /// # fn main() -> freebsd_jail::Result<()> {
    /// # let kernel = sim::Kernel::new();
    /// # let _guard = kernel.install();
    /// let watcher = Watcher::new()?;
    /// watcher.watch_own()?;
    /// let jail = Jail::builder().name("www").path("/").create()?;
    /// let event = watcher.try_next()?.expect("the new jail");
    /// assert!(event.kinds().eq([EventKind::ChildCreated { jid: Some(jail.jid()) }]));
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// [kevent(2)]: https://man.freebsd.org/cgi/man.cgi?query=kevent&sektion=2
    pub fn watch_own(&self) -> Result<WatchId> {
        self.check_process()?;
        if Trap::T38.is_there(&self.system) && crate::jailed::is_jailed_on(&self.system)? {
            return Err(Error::refused(
                ErrorKind::Unsupported,
                "this process is in a jail: the kernel panics when a process registers for events of its own jail \
                 while that is removed; watch it by a descriptor made outside the jail, or its child jails",
            ));
        }
        let mut watches = self.watches();
        let id = Watches::new_id();
        self.change_own(EV_ADD, wanted(id, 0))?;
        watches.set_own(id);
        Ok(id)
    }

    /// Ends a watch. Its unread events are lost. Returns whether it existed: a watch ends by itself once the removal of
    /// its jail has been read.
    ///
    /// Wraps [close(2)] of the watch's descriptor, and [kevent(2)] for the host's.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::OtherProcess`] in a forked child.
    ///
    /// ```
    /// # use freebsd_jail::{Jail, Watcher, sim};
    /// # fn main() -> freebsd_jail::Result<()> {
    /// # let kernel = sim::Kernel::new();
    /// # let _guard = kernel.install();
    /// # let jail = Jail::builder().name("www").path("/").create()?;
    /// let watcher = Watcher::new()?;
    /// let watch = watcher.watch(&jail)?;
    /// assert!(watcher.unwatch(watch)?);
    /// jail.remove()?;
    /// assert_eq!(watcher.try_next()?, None);
    /// assert!(!watcher.unwatch(watch)?);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// [close(2)]: https://man.freebsd.org/cgi/man.cgi?query=close&sektion=2
    /// [kevent(2)]: https://man.freebsd.org/cgi/man.cgi?query=kevent&sektion=2
    pub fn unwatch(&self, watch: WatchId) -> Result<bool> {
        self.check_process()?;
        let mut watches = self.watches();
        match watches.end(watch) {
            None => Ok(false),
            // Closing the descriptor ends its filter (`knote_fdclose`), under the lock: another thread's new watch must
            // not get its number before.
            Some(Ended::Jail { .. }) => Ok(true),
            Some(Ended::Own) => match self.change_own(EV_DELETE, Kevent::default()) {
                Err(error) if error.errno() != Some(libc::ENOENT) => Err(error),
                _ => Ok(true),
            },
        }
    }

    /// Adds a watch by a descriptor, which it owns.
    fn add(&self, jid: Jid, descriptor: OwnedFd) -> Result<WatchId> {
        let id = Watches::new_id();
        // Locked before the filter is added, since another thread may read its event at once and end the watch.
        let mut watches = self.watches();
        self.add_filter(id, jid, descriptor.as_fd())?;
        watches.add(id, descriptor);
        Ok(id)
    }

    /// Adds the filter for the jail of a descriptor, which ends when that is closed.
    pub(super) fn add_filter(&self, id: WatchId, jid: Jid, descriptor: BorrowedFd<'_>) -> Result<()> {
        // A descriptor that is open is not negative.
        let ident = usize::try_from(descriptor.as_raw_fd()).unwrap_or(0);
        self.change(Kevent { ident, filter: sys::EVFILT_JAILDESC, flags: EV_ADD, ..wanted(id, jid.get()) })
    }

    /// Adds a periodic timer to the queue.
    pub(super) fn add_timer(&self, period: Duration) -> Result<()> {
        let data = i64::try_from(period.as_millis()).unwrap_or(i64::MAX).clamp(1, LONGEST_PERIOD);
        let timer = Kevent { filter: EVFILT_TIMER, flags: EV_ADD, data, ..Kevent::default() };
        self.change(timer)
    }

    /// Adds or deletes the filter for this process's own jail, whose ident is 0.
    fn change_own(&self, flags: u16, change: Kevent) -> Result<()> {
        self.change(Kevent { filter: sys::EVFILT_JAIL, flags, ..change })
    }

    pub(super) fn change(&self, change: Kevent) -> Result<()> {
        let result = self.system.kevent_change(self.queue.as_fd(), change);
        result.map_err(|errno| queue_error(Call::Kevent, errno))
    }

    pub(super) fn watches(&self) -> MutexGuard<'_, Watches> {
        self.watches.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns an error in a process that did not make the queue.
    pub(super) fn check_process(&self) -> Result<()> {
        if self.queue.is_here() {
            return Ok(());
        }
        Err(Error::refused(
            ErrorKind::OtherProcess,
            "the watcher belongs to the process that made it: a forked child does not inherit kqueue(2); make one \
             there",
        ))
    }
}

/// A change of a filter.
fn wanted(id: WatchId, jid: i32) -> Kevent {
    let extra = u64::try_from(jid).unwrap_or(0);
    Kevent { fflags: EVERYTHING.bits(), udata: id.0, extra, ..Kevent::default() }
}

pub(super) fn queue_error(call: Call, errno: Errno) -> Error {
    let (kind, reason) = match errno.0 {
        libc::EMFILE | libc::ENFILE | libc::ENOMEM => (ErrorKind::ResourceExhausted, ""),
        libc::EINVAL => (ErrorKind::Unsupported, "this kernel has no such events of jails"),
        libc::EBADF => (ErrorKind::InvalidDescriptor, ""),
        _ => (ErrorKind::Other, ""),
    };
    Error::os(call, errno, kind, reason)
}
