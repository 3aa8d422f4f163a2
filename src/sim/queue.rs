//! A kqueue(2) as a test, or the crate, sees it.

use std::io::Read;
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::net::UnixStream;
use std::sync::PoisonError;
use std::time::{Duration, Instant};

use crate::sys::Errno;

use super::events::{Event, Filter, QueueId};
use super::kernel::Kernel;

/// How often a reader that waits looks whether a descriptor has been closed, which nothing tells it of.
const LOOK: Duration = Duration::from_millis(5);

/// A modelled kqueue(2), for events of jails only.
///
/// Its descriptor is readable while there are events to read, but for those that follow from the last close of an
/// owning descriptor: these are there once a call or [`Queue::wait`] has noticed the close.
#[derive(Debug)]
pub struct Queue {
    kernel: Kernel,
    id: QueueId,
    signal: UnixStream,
}

impl Kernel {
    /// kqueue(2): makes a queue.
    ///
    /// # Errors
    ///
    /// `EMFILE` and its like if the host has no descriptors left.
    pub fn kqueue(&self) -> Result<Queue, Errno> {
        let exhausted = |error: std::io::Error| Errno(error.raw_os_error().unwrap_or(libc::EMFILE));
        let (theirs, ours) = UnixStream::pair().map_err(exhausted)?;
        theirs.set_nonblocking(true).map_err(exhausted)?;
        ours.set_nonblocking(true).map_err(exhausted)?;
        let (mut state, pid) = self.enter();
        state.check_running(pid)?;
        state.calls.kqueue += 1;
        let id = state.new_queue(ours);
        drop(state);
        Ok(Queue { kernel: self.clone(), id, signal: theirs })
    }
}

impl Queue {
    /// kevent(2) with `EV_ADD`: watches a jail for some of `NOTE_JAIL_*`.
    ///
    /// # Errors
    ///
    /// `ENOENT` for a jail that there is not or that is dying, `EBADF` and `EINVAL` for what is no jail descriptor,
    /// `EINVAL` on releases without these filters.
    pub fn add(&self, filter: Filter, fflags: u32) -> Result<(), Errno> {
        let (mut state, pid) = self.kernel.enter();
        state.check_running(pid)?;
        state.calls.kevent += 1;
        state.add_note(pid, self.id, filter, fflags)
    }

    /// kevent(2) with `EV_DELETE`: watches no longer.
    ///
    /// # Errors
    ///
    /// `ENOENT` if it was not watched, or not any more because the jail has been removed and that was read.
    pub fn delete(&self, filter: Filter) -> Result<(), Errno> {
        let (mut state, _) = self.kernel.enter();
        state.calls.kevent += 1;
        state.delete_note(self.id, filter)
    }

    /// kevent(2): waits until something has happened, for ever without a timeout, and reads so many events at most;
    /// none if nothing happened in time.
    #[must_use]
    pub fn wait(&self, max: usize, timeout: Option<Duration>) -> Vec<Event> {
        let end = timeout.map(|timeout| Instant::now() + timeout);
        let (mut state, _) = self.kernel.enter();
        state.calls.kevent += 1;
        let happened = state.queues.happened.clone();
        loop {
            let (events, all) = state.read_events(self.id, max);
            if all {
                self.reset_signal();
            }
            let left = end.map_or(LOOK, |end| end.saturating_duration_since(Instant::now()));
            if !events.is_empty() || max == 0 || left.is_zero() {
                return events;
            }
            let waited = happened.wait_timeout(state, left.min(LOOK));
            state = waited.unwrap_or_else(PoisonError::into_inner).0;
            state.sweep();
        }
    }

    /// Makes the descriptor readable no longer.
    fn reset_signal(&self) {
        let mut told = [0; 8];
        while (&self.signal).read(&mut told).is_ok_and(|count| count > 0) {}
    }
}

impl AsFd for Queue {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.signal.as_fd()
    }
}

impl Drop for Queue {
    fn drop(&mut self) {
        self.kernel.state().close_queue(self.id);
    }
}
