//! Events of jails, and waiting for them to die and to be gone.
//!
//! - A [`Follower`] reports what happens to all jails, at any depth, on all releases.
//! - A [`Watcher`] reports what the kernel reports of the jails that you choose, since FreeBSD 15.0.
//! - [`Jail::wait_dying`] and [`Jail::wait_gone`] wait for the end of one jail and work on all releases.
//!
//! Watchers and followers are [`AsFd`], for [poll(2)] and event loops: `examples/watch.rs` shows it. With the feature
//! `tokio` they and the waits can be awaited.
//!
//! [poll(2)]: https://man.freebsd.org/cgi/man.cgi?query=poll&sektion=2

mod deadline;
mod event;
mod outcome;
#[cfg(feature = "tokio")]
mod runtime;
mod watches;

// rustdoc shows the methods of a type in this order.
mod watching;

mod read;

mod follow;

mod held;
mod holders;

mod wait;

mod reap;

#[cfg(feature = "tokio")]
mod with_tokio;

#[cfg(feature = "tokio")]
mod wait_with_tokio;

#[cfg(feature = "tokio")]
mod removal_with_tokio;

use core::fmt;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, RawFd};
use std::sync::{Arc, Mutex};

#[cfg(doc)]
use crate::error::ErrorKind;
#[cfg(doc)]
use crate::jail::Jail;
use crate::sys::System;
use crate::sys::event::Queue;

#[cfg(fuzzing)]
pub(crate) use event::read_any;
pub use event::{Event, EventFlags, EventKind, EventKinds, WatchId};
pub use follow::{Followed, FollowedEvents, FollowedJail, Follower};
pub use held::HeldJail;
pub use holders::{Holders, HoldingProcess};
pub use outcome::WaitOutcome;
pub use read::Events;
pub use reap::Reap;
use watches::Watches;
#[cfg(feature = "tokio")]
#[cfg_attr(docsrs, doc(cfg(feature = "tokio")))]
pub use with_tokio::{AsyncFollower, AsyncWatcher};

/// Watches jails: reports when they are updated or removed, when processes attach to them, and when jails are created
/// below them.
///
/// A watcher is an event queue, [kqueue(2)], to which jails are added with [`watch`](Self::watch). Each event read from
/// it is about one jail; the kernel combines what has happened to that jail since its last event. A watcher can be used
/// from several threads at once; each event goes to one of them. Open queues do not keep the process from attaching to
/// a jail.
///
/// **A watch lasts until the removal of its jail has been read, or until [`unwatch`](Self::unwatch)**, even if its
/// handle is dropped. Each watch has a descriptor of its own, which does not keep a removed jail dying.
///
/// As [`AsFd`] a watcher can be given to [poll(2)], or to the event loop of an async runtime: the descriptor is
/// readable while there are events. An event loop must wait for reading only (kqueue(2) refuses to watch another queue
/// for writing). When it reports that the descriptor is readable, call [`try_next`](Self::try_next) until it returns
/// `None`. Add no filters of your own to it: their events are discarded.
///
/// If the parent of a jail is watched, you learn of the jail even if it is removed before you can watch it, since its
/// creation is reported. Only direct children are reported; to follow all jails of a host use a [`Follower`].
///
/// # In a forked child
///
/// kqueue(2) is not inherited by a forked child, where the queue's number is free and may be given to another file. In
/// a child every method returns an error, and dropping the watcher closes no queue. Make a new watcher there. [`AsFd`]
/// cannot fail: do not use it in a child.
///
/// # FreeBSD versions
///
/// Since 15.0. [`Watcher::new`] returns [`ErrorKind::Unsupported`] on older kernels; the waits, [`Jail::wait_dying`]
/// and [`Jail::wait_gone`], work on all.
///
/// ```
/// use freebsd_jail::{Jail, JailUpdate, Watcher, watch::EventKind};
/// # use freebsd_jail::sim;
///
/// # fn main() -> freebsd_jail::Result<()> {
/// # let kernel = sim::Kernel::new();
/// # let _guard = kernel.install();
/// let jail = Jail::builder().name("www").path("/").create()?;
/// let jid = jail.jid();
/// let watcher = Watcher::new()?;
/// watcher.watch(&jail)?;
///
/// jail.update(&JailUpdate::new().securelevel(2))?;
/// let event = watcher.try_next()?.expect("the change");
/// assert_eq!(event.jid(), Some(jid));
/// assert!(event.kinds().eq([EventKind::Changed]));
///
/// jail.remove()?;
/// assert!(watcher.try_next()?.expect("the removal").is_removed());
/// # Ok(())
/// # }
/// ```
///
/// [kqueue(2)]: https://man.freebsd.org/cgi/man.cgi?query=kqueue&sektion=2
/// [poll(2)]: https://man.freebsd.org/cgi/man.cgi?query=poll&sektion=2
#[doc(alias = "kqueue")]
#[doc(alias = "EVFILT_JAIL")]
#[doc(alias = "EVFILT_JAILDESC")]
pub struct Watcher {
    system: System,
    queue: Arc<Queue>,
    // Dropped after the queue, whose closing ends all watches at once.
    watches: Mutex<Watches>,
}

impl fmt::Debug for Watcher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Watcher")
            .field("queue", &self.queue.as_fd().as_raw_fd())
            .field("system", &self.system)
            .finish_non_exhaustive()
    }
}

impl AsFd for Watcher {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.queue.as_fd()
    }
}

impl AsRawFd for Watcher {
    fn as_raw_fd(&self) -> RawFd {
        self.queue.as_fd().as_raw_fd()
    }
}
