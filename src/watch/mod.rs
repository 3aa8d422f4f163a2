//! Watching jails: kqueue(2) with the filters for jails.

#![forbid(unsafe_code)]

mod event;
mod wait;

use core::iter::FusedIterator;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd, RawFd};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use crate::error::{Call, Error, ErrorKind, Result};
use crate::jail::Jail;
use crate::jid::Jid;
use crate::sys::event::{EV_ADD, EV_DELETE, Kevent, MAX_EVENTS};
use crate::sys::{self, Errno, System};

pub use event::{Event, EventKind, EventKinds, Notes, WatchId};
pub use wait::Waited;

/// Watches jails: tells when they are changed, entered or removed, and when jails are created below them.
///
/// A watcher is an event queue, kqueue(2), to which jails are added; what has happened to them is read from it, one
/// [`Event`] a jail, in which the kernel has joined what happened since the last one. It may be used from several
/// threads at once; each event goes to one of them. It is not inherited over fork(2), and it is close-on-exec. Open
/// queues do not keep the process from entering a jail.
///
/// As [`AsFd`] it can be given to poll(2), or to the event loop of an async runtime: the descriptor is readable while
/// there are events. An event loop has to wait for reading only (kqueue(2) refuses to watch another queue for
/// writing), and when it says that the descriptor is readable, [`try_next`](Self::try_next) is to be called until it
/// returns `None`. Add no filters of other kinds to it: their events are thrown away.
///
/// Jails that vanish before they are watched are not missed if they are created while their parent is watched. A
/// program that follows all jails of its host does this, as `examples/watch.rs` shows: watch its
/// [own jail](Self::watch_own), which tells of new ones; then list those that are there and watch each; and from then
/// on watch each one that an event tells of, listing again when it tells of several. Only direct children are told of.
///
/// # FreeBSD versions
///
/// Since 15.0. [`Watcher::new`] says [`ErrorKind::Unsupported`] on older kernels; the waits,
/// [`Jail::wait_dying`] and [`Jail::wait_gone`], work on all.
///
/// ```
/// use freebsd_jail::{EventKind, Jail, Watcher};
/// # use freebsd_jail::sim;
///
/// # fn main() -> freebsd_jail::Result<()> {
/// # let kernel = sim::Kernel::new();
/// # let _guard = kernel.install();
/// let jail = Jail::builder().name("www").path("/").create()?;
/// let watcher = Watcher::new()?;
/// watcher.watch(&jail)?;
///
/// jail.update().securelevel(2).apply()?;
/// let event = watcher.wait()?;
/// assert_eq!(event.jid(), Some(jail.jid()));
/// assert!(event.kinds().eq([EventKind::Changed]));
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
#[doc(alias = "kqueue")]
#[doc(alias = "EVFILT_JAIL")]
#[doc(alias = "EVFILT_JAILDESC")]
pub struct Watcher {
    system: System,
    queue: OwnedFd,
}

/// All that the kernel can tell of a jail.
const EVERYTHING: Notes = Notes::CHILD.union(Notes::SET).union(Notes::ATTACH).union(Notes::REMOVE);

impl Watcher {
    /// Makes a watcher that watches nothing yet.
    ///
    /// Wraps [kqueue(2)]. Close-on-exec is set right after the queue was made.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Unsupported`] before FreeBSD 15.0 and where there are no jails, found out without asking for a
    /// filter that the kernel does not know; [`ErrorKind::ResourceExhausted`] when no more descriptors can be had.
    ///
    /// [kqueue(2)]: https://man.freebsd.org/cgi/man.cgi?query=kqueue&sektion=2
    pub fn new() -> Result<Self> {
        Self::on(System::current())
    }

    fn on(system: System) -> Result<Self> {
        let features = system.features();
        if !features.descriptors() {
            let reason = if features.jails() {
                "this kernel has no events of jails; FreeBSD has them since 15.0"
            } else {
                "this host has no jails: it is not FreeBSD, and no model of its kernel is installed"
            };
            return Err(Error::refused(ErrorKind::Unsupported, reason));
        }
        let queue = system.kqueue().map_err(|errno| queue_error(Call::Kqueue, errno))?;
        Ok(Self { system, queue })
    }

    /// Watches a jail: by the handle's descriptor where it has one, which cannot be mistaken, else by its number.
    ///
    /// The watch ends when the jail has been removed, and when **this handle** is dropped: what has happened by then
    /// and was not read is lost, the removal included. To be told of a removal that dropping the handle of an
    /// [`OwnedJail`](crate::OwnedJail) brings about, watch a [clone](Jail::try_clone) or the
    /// [number](Self::watch_jid). Watching through the same handle again changes nothing but the id. A jail that was
    /// removed before it is watched by a descriptor gives its event at once.
    ///
    /// Wraps [kevent(2)] with `EVFILT_JAILDESC` or `EVFILT_JAIL`. Needs no privilege.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Gone`] when the handle goes by the number and the jail has been removed,
    /// [`ErrorKind::ResourceExhausted`] when the kernel has no memory, [`ErrorKind::InvalidDescriptor`] when the
    /// handle belongs to another kernel than the watcher, of which one is a model.
    ///
    /// [kevent(2)]: https://man.freebsd.org/cgi/man.cgi?query=kevent&sektion=2
    pub fn watch(&self, jail: &Jail) -> Result<WatchId> {
        self.watch_for(jail, EVERYTHING)
    }

    /// Watches a jail by its number.
    ///
    /// The watch means the jail that has the number now, and ends when that has been removed. It replaces an earlier
    /// watch of the number, which may have meant another jail, and of which what was not read is lost.
    ///
    /// Wraps kevent(2) with `EVFILT_JAIL`, twice. Needs no privilege.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::NotFound`] when no such jail can be seen from here or it is being removed,
    /// [`ErrorKind::ResourceExhausted`] when the kernel has no memory.
    pub fn watch_jid(&self, jid: Jid) -> Result<WatchId> {
        self.watch_number(jid, EVERYTHING)
    }

    /// Watches the jail that this process is in, the host if it is in none: tells of the jails that are created
    /// directly below it. It does not tell of their removal: watch each.
    ///
    /// The events have no [number](Event::jid), since a process cannot know that of its own jail.
    ///
    /// Wraps kevent(2) with `EVFILT_JAIL`. Needs no privilege.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::ResourceExhausted`] when the kernel has no memory.
    pub fn watch_own(&self) -> Result<WatchId> {
        let (filter, ident) = by_number(0);
        self.add(filter, ident, 0, EVERYTHING)
    }

    /// Stops watching what [`watch`](Self::watch) was given; what was not read of it yet is lost. Nothing happens if
    /// it is not watched, or no more.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidDescriptor`] when the handle belongs to another kernel than the watcher.
    pub fn unwatch(&self, jail: &Jail) -> Result<()> {
        let (filter, ident) = self.ident_of(jail)?;
        self.remove(filter, ident)
    }

    /// Stops watching what [`watch_jid`](Self::watch_jid) was given, as [`unwatch`](Self::unwatch) does.
    ///
    /// # Errors
    ///
    /// None are known.
    pub fn unwatch_jid(&self, jid: Jid) -> Result<()> {
        let (filter, ident) = by_number(jid.get());
        self.remove(filter, ident)
    }

    /// Stops watching this process's own jail, as [`unwatch`](Self::unwatch) does.
    ///
    /// # Errors
    ///
    /// None are known.
    pub fn unwatch_own(&self) -> Result<()> {
        let (filter, ident) = by_number(0);
        self.remove(filter, ident)
    }

    /// Waits for the next event; for ever if there will be none.
    ///
    /// A signal that is caught meanwhile does not end the wait.
    ///
    /// # Errors
    ///
    /// None are known.
    pub fn wait(&self) -> Result<Event> {
        loop {
            if let Some(event) = self.next_before(None)? {
                return Ok(event);
            }
        }
    }

    /// Waits for the next event, for some time; `None` when that has passed.
    ///
    /// A signal that is caught meanwhile does not end the wait.
    ///
    /// # Errors
    ///
    /// None are known.
    pub fn wait_timeout(&self, timeout: Duration) -> Result<Option<Event>> {
        // A time that is too far off to be told is never reached.
        self.next_before(Instant::now().checked_add(timeout))
    }

    /// Returns the next event, `None` when there is none now. Does not wait.
    ///
    /// # Errors
    ///
    /// None are known.
    pub fn try_next(&self) -> Result<Option<Event>> {
        let mut events = [Kevent::default()];
        loop {
            let count = self.read(&mut events, Some(Duration::ZERO))?;
            let Some(event) = events.first().filter(|_| count > 0) else { return Ok(None) };
            if let Some(event) = Event::of(event) {
                return Ok(Some(event));
            }
        }
    }

    /// Waits for events as [`wait_timeout`](Self::wait_timeout) does, without a timeout for ever, and appends those
    /// that are there, with one kevent(2) up to 32 of them. Returns how many.
    ///
    /// # Errors
    ///
    /// None are known.
    pub fn wait_many(&self, events: &mut Vec<Event>, timeout: Option<Duration>) -> Result<usize> {
        let deadline = timeout.and_then(|timeout| Instant::now().checked_add(timeout));
        let before = events.len();
        let mut room = [Kevent::default(); MAX_EVENTS];
        loop {
            let count = self.read(&mut room, left(deadline))?;
            events.extend(room.iter().take(count).filter_map(Event::of));
            if events.len() > before || left(deadline) == Some(Duration::ZERO) {
                return Ok(events.len() - before);
            }
        }
    }

    /// Returns an iterator that waits for each event and never ends, but after an error.
    pub fn events(&self) -> Events<'_> {
        Events { watcher: self, waits: true, ended: false }
    }

    /// Returns an iterator over the events that are there; it ends where it would have to wait.
    pub fn pending(&self) -> Events<'_> {
        Events { watcher: self, waits: false, ended: false }
    }

    fn watch_for(&self, jail: &Jail, notes: Notes) -> Result<WatchId> {
        match self.ident_of(jail)? {
            (sys::EVFILT_JAILDESC, ident) => self.add(sys::EVFILT_JAILDESC, ident, jail.jid().get(), notes),
            _ => self.watch_number(jail.jid(), notes).map_err(|error| match error.kind() {
                ErrorKind::NotFound => error.with_kind(ErrorKind::Gone).because("the jail has been removed"),
                _ => error,
            }),
        }
    }

    fn watch_number(&self, jid: Jid, notes: Notes) -> Result<WatchId> {
        let (filter, ident) = by_number(jid.get());
        // A filter whose jail has died stays until its event is read, and adding it again would leave it dead.
        self.remove(filter, ident)?;
        self.add(filter, ident, jid.get(), notes)
    }

    /// Returns by which filter and number a handle's jail is watched.
    fn ident_of(&self, jail: &Jail) -> Result<(i16, usize)> {
        if !self.system.is(&jail.system) {
            return Err(Error::refused(
                ErrorKind::InvalidDescriptor,
                "the jail belongs to another kernel than the watcher",
            ));
        }
        jail.check()?;
        Ok(match jail.descriptor_ref() {
            // A descriptor that is open is not negative.
            Some(descriptor) => (sys::EVFILT_JAILDESC, usize::try_from(descriptor.as_raw_fd()).unwrap_or(0)),
            None => by_number(jail.jid().get()),
        })
    }

    fn add(&self, filter: i16, ident: usize, jid: i32, notes: Notes) -> Result<WatchId> {
        static NEXT: AtomicUsize = AtomicUsize::new(1);
        let id = NEXT.fetch_add(1, Ordering::Relaxed);
        let change = Kevent {
            ident,
            filter,
            flags: EV_ADD,
            fflags: notes.bits(),
            udata: id,
            extra: u64::try_from(jid).unwrap_or(0),
            ..Kevent::default()
        };
        let result = self.system.kevent_change(self.queue.as_fd(), change);
        result.map(|()| WatchId(id)).map_err(|errno| queue_error(Call::Kevent, errno))
    }

    fn remove(&self, filter: i16, ident: usize) -> Result<()> {
        let change = Kevent { ident, filter, flags: EV_DELETE, ..Kevent::default() };
        match self.system.kevent_change(self.queue.as_fd(), change) {
            Ok(()) | Err(Errno(libc::ENOENT)) => Ok(()),
            Err(errno) => Err(queue_error(Call::Kevent, errno)),
        }
    }

    /// Waits for one event until a time, without one for ever.
    fn next_before(&self, deadline: Option<Instant>) -> Result<Option<Event>> {
        let mut events = [Kevent::default()];
        loop {
            let count = self.read(&mut events, left(deadline))?;
            let event = events.first().filter(|_| count > 0).and_then(Event::of);
            if event.is_some() || left(deadline) == Some(Duration::ZERO) {
                return Ok(event);
            }
        }
    }

    /// Makes one kevent(2); a signal is as good as nothing.
    fn read(&self, events: &mut [Kevent], timeout: Option<Duration>) -> Result<usize> {
        match self.system.kevent_read(self.queue.as_fd(), events, timeout) {
            Ok(count) => Ok(count),
            Err(Errno(libc::EINTR)) => Ok(0),
            Err(errno) => Err(queue_error(Call::Kevent, errno)),
        }
    }
}

/// Returns how much time there is until then, `None` for ever.
fn left(deadline: Option<Instant>) -> Option<Duration> {
    deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()))
}

fn by_number(jid: i32) -> (i16, usize) {
    (sys::EVFILT_JAIL, usize::try_from(jid).unwrap_or(0))
}

fn queue_error(call: Call, errno: Errno) -> Error {
    match errno.0 {
        libc::ENOENT => {
            Error::os(call, errno, ErrorKind::NotFound, "there is no such jail below this process's own")
        }
        libc::EMFILE | libc::ENFILE | libc::ENOMEM => {
            Error::os(call, errno, ErrorKind::ResourceExhausted, "")
        }
        libc::EINVAL => {
            Error::os(call, errno, ErrorKind::Unsupported, "this kernel has no such events of jails")
        }
        libc::EBADF => Error::os(call, errno, ErrorKind::InvalidDescriptor, ""),
        _ => Error::os(call, errno, ErrorKind::Other, ""),
    }
}

impl AsFd for Watcher {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.queue.as_fd()
    }
}

impl AsRawFd for Watcher {
    fn as_raw_fd(&self) -> RawFd {
        self.queue.as_raw_fd()
    }
}

/// An iterator over the events of a [`Watcher`], from [`Watcher::events`] and [`Watcher::pending`].
#[derive(Debug)]
#[must_use = "nothing is read before it is iterated over"]
pub struct Events<'w> {
    watcher: &'w Watcher,
    waits: bool,
    ended: bool,
}

impl Iterator for Events<'_> {
    type Item = Result<Event>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.ended {
            return None;
        }
        let next =
            if self.waits { self.watcher.wait().map(Some) } else { self.watcher.try_next() }.transpose();
        self.ended = !matches!(next, Some(Ok(_)));
        next
    }
}

impl FusedIterator for Events<'_> {}
