//! Reading the events of a watcher.

use core::iter::FusedIterator;
use std::os::fd::AsFd;
use std::time::Duration;

use super::deadline::Deadline;
use super::watching::queue_error;
use super::{Event, WaitOutcome, Watcher};
use crate::error::{Call, Result};
use crate::sys::Errno;
use crate::sys::event::{Kevent, MAX_EVENTS};

/// # Reading events
impl Watcher {
    /// Waits for the next event. Without a timeout it blocks until one arrives.
    ///
    /// A signal that is caught meanwhile does not end the wait.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::OtherProcess`](crate::ErrorKind::OtherProcess) in a forked child.
    ///
    /// ```
    /// use std::time::Duration;
    ///
    /// use freebsd_jail::{Jail, Watcher};
    /// # use freebsd_jail::sim;
    ///
    /// # fn main() -> freebsd_jail::Result<()> {
    /// # let kernel = sim::Kernel::new();
    /// # let _guard = kernel.install();
    /// let jail = Jail::builder().name("www").path("/").create()?;
    /// let watcher = Watcher::new()?;
    /// watcher.watch(&jail)?;
    /// assert!(watcher.wait(Some(Duration::from_millis(10)))?.is_timed_out());
    /// jail.remove()?;
    /// assert!(watcher.wait(None)?.done().is_some_and(|event| event.is_removed()));
    /// # Ok(())
    /// # }
    /// ```
    pub fn wait(&self, timeout: Option<Duration>) -> Result<WaitOutcome<Event>> {
        let deadline = Deadline::after(timeout);
        let mut room = [Kevent::default()];
        loop {
            let event = self.read(&mut room, deadline.left())?.next();
            match event {
                Some(event) => return Ok(WaitOutcome::Done(event)),
                None if deadline.has_passed() => return Ok(WaitOutcome::TimedOut(())),
                None => {}
            }
        }
    }

    /// Waits for events as [`wait`](Self::wait) does, appends up to 32 pending ones, read by one [kevent(2)], and
    /// returns how many.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::OtherProcess`](crate::ErrorKind::OtherProcess) in a forked child.
    ///
    /// ```
    /// use freebsd_jail::{Jail, Watcher, watch::WaitOutcome};
    /// # use freebsd_jail::sim;
    ///
    /// # fn main() -> freebsd_jail::Result<()> {
    /// # let kernel = sim::Kernel::new();
    /// # let _guard = kernel.install();
    /// let jails = [Jail::builder().path("/").create()?, Jail::builder().path("/").create()?];
    /// let watcher = Watcher::new()?;
    /// for jail in &jails {
    ///     watcher.watch(jail)?;
    /// }
    /// drop(jails);
    /// let mut events = Vec::new();
    /// assert_eq!(watcher.wait_many(&mut events, None)?, WaitOutcome::Done(2));
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// [kevent(2)]: https://man.freebsd.org/cgi/man.cgi?query=kevent&sektion=2
    pub fn wait_many(
        &self,
        events: &mut Vec<Event>,
        timeout: Option<Duration>,
    ) -> Result<WaitOutcome<usize>> {
        let deadline = Deadline::after(timeout);
        let before = events.len();
        let mut room = [Kevent::default(); MAX_EVENTS];
        loop {
            events.extend(self.read(&mut room, deadline.left())?);
            match events.len() - before {
                0 if deadline.has_passed() => return Ok(WaitOutcome::TimedOut(())),
                0 => {}
                count => return Ok(WaitOutcome::Done(count)),
            }
        }
    }

    /// Returns the next event, `None` when there is none now. Does not wait.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::OtherProcess`](crate::ErrorKind::OtherProcess) in a forked child.
    ///
    /// ```
    /// # use freebsd_jail::{Jail, Watcher, sim};
    /// # fn main() -> freebsd_jail::Result<()> {
    /// # let kernel = sim::Kernel::new();
    /// # let _guard = kernel.install();
    /// let watcher = Watcher::new()?;
    /// watcher.watch_own()?;
    /// assert_eq!(watcher.try_next()?, None);
    /// # Ok(())
    /// # }
    /// ```
    pub fn try_next(&self) -> Result<Option<Event>> {
        Ok(self.wait(Some(Duration::ZERO))?.done())
    }

    /// Returns an iterator that waits for each event. It ends only after an error.
    ///
    /// ```no_run
    /// # use freebsd_jail::Watcher;
    /// # fn main() -> freebsd_jail::Result<()> {
    /// let watcher = Watcher::new()?;
    /// watcher.watch_own()?;
    /// for event in watcher.events() {
    ///     println!("{:?}", event?.kinds().collect::<Vec<_>>());
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn events(&self) -> Events<'_> {
        Events { watcher: self, waits: true, ended: false }
    }

    /// Returns an iterator over the pending events, which does not wait.
    ///
    /// ```
    /// # use freebsd_jail::{Jail, JailUpdate, Watcher, sim};
    /// # fn main() -> freebsd_jail::Result<()> {
    /// # let kernel = sim::Kernel::new();
    /// # let _guard = kernel.install();
    /// # let jail = Jail::builder().name("www").path("/").create()?;
    /// let watcher = Watcher::new()?;
    /// watcher.watch(&jail)?;
    /// jail.update(&JailUpdate::new().securelevel(1))?;
    /// assert_eq!(watcher.pending().count(), 1);
    /// # Ok(())
    /// # }
    /// ```
    pub fn pending(&self) -> Events<'_> {
        Events { watcher: self, waits: false, ended: false }
    }

    /// Makes one kevent(2) and returns its events. If a signal is caught, it returns none. Ends the watches of removed
    /// jails.
    fn read<'r>(
        &self,
        room: &'r mut [Kevent],
        timeout: Option<Duration>,
    ) -> Result<impl Iterator<Item = Event> + use<'r>> {
        let events = self.fetch(room, timeout)?.iter().filter_map(Event::of);
        if events.clone().any(|event| event.is_removed()) {
            let mut watches = self.watches();
            for event in events.clone().filter(Event::is_removed) {
                watches.end(event.watch());
            }
        }
        Ok(events)
    }

    /// Makes one kevent(2) and returns its events.
    pub(super) fn fetch<'r>(
        &self,
        room: &'r mut [Kevent],
        timeout: Option<Duration>,
    ) -> Result<&'r [Kevent]> {
        self.check_process()?;
        let count = match self.system.kevent_read(self.queue.as_fd(), room, timeout) {
            Ok(count) => count,
            Err(Errno(libc::EINTR)) => 0,
            Err(errno) => return Err(queue_error(Call::Kevent, errno)),
        };
        Ok(room.get(..count).unwrap_or_default())
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
        let timeout = (!self.waits).then_some(Duration::ZERO);
        let next = self.watcher.wait(timeout).map(WaitOutcome::done).transpose();
        self.ended = !matches!(next, Some(Ok(_)));
        next
    }
}

impl FusedIterator for Events<'_> {}
