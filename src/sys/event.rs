//! Event queues of the kernel or of a model: kqueue(2) and kevent(2).

use core::mem::ManuallyDrop;
#[cfg(miri)]
use std::os::fd::AsRawFd;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::time::{Duration, Instant};

#[cfg(feature = "sim")]
use freebsd_jail_sim::seam;

#[cfg(feature = "sim")]
use super::model;
use super::{Errno, ProcessMark, System, fd, kernel};

/// The fields of `struct kevent` that the crate uses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Kevent {
    /// What is watched: a jid or a descriptor.
    pub(crate) ident: usize,
    /// The filter.
    pub(crate) filter: i16,
    /// The action or the state: `EV_ADD` and the other flags.
    pub(crate) flags: u16,
    /// The filter's own flags, such as `NOTE_JAIL_SET`.
    pub(crate) fflags: u32,
    /// The filter's own value.
    pub(crate) data: i64,
    /// A value chosen by the caller and returned with the events; adding the filter again changes it.
    pub(crate) udata: usize,
    /// Another such value, which stays as it was when the filter was first added.
    pub(crate) extra: u64,
}

/// Add a filter, or change the existing one: `EV_ADD` in `sys/event.h`, as are the others.
pub(crate) const EV_ADD: u16 = 0x0001;
/// Delete a filter.
pub(crate) const EV_DELETE: u16 = 0x0002;
/// The filter that tells the time, by default in milliseconds: `EVFILT_TIMER`.
pub(crate) const EVFILT_TIMER: i16 = -7;

#[cfg(target_os = "freebsd")]
const _: () = assert!(EVFILT_TIMER == libc::EVFILT_TIMER);

/// How long a reader on the model sleeps at a time.
#[cfg(feature = "sim")]
const LOOK: Duration = Duration::from_millis(5);

/// How many events one call takes at most.
pub(crate) const MAX_EVENTS: usize = 32;

/// An event queue, which belongs to the process that made it: a forked child does not inherit it, and its number may be
/// another file there.
#[derive(Debug)]
pub(crate) struct Queue {
    descriptor: ManuallyDrop<OwnedFd>,
    process: ProcessMark,
}

impl Queue {
    /// Whether the calling process made it.
    pub(crate) fn is_here(&self) -> bool {
        self.process.is_here()
    }
}

impl AsFd for Queue {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.descriptor.as_fd()
    }
}

impl Drop for Queue {
    fn drop(&mut self) {
        if self.is_here() {
            // SAFETY: it is dropped here alone, once, and not used afterwards.
            unsafe { ManuallyDrop::drop(&mut self.descriptor) };
        }
    }
}

impl System {
    /// Makes an event queue, close-on-exec and with a number of 3 or above.
    pub(crate) fn kqueue(&self) -> Result<Queue, Errno> {
        let keep = |queue| {
            let kept = fd::keep_new(queue).map_err(|(_, errno)| errno)?;
            Ok(Queue { descriptor: ManuallyDrop::new(kept), process: self.process() })
        };
        #[cfg(feature = "sim")]
        if let Some((model, _inside)) = self.model()? {
            return keep(model.raw().kqueue()?);
        }
        keep(kernel::kqueue()?)
    }

    /// Adds, changes or deletes one filter.
    pub(crate) fn kevent_change(&self, kq: BorrowedFd<'_>, change: Kevent) -> Result<(), Errno> {
        #[cfg(feature = "sim")]
        if let Some((model, _inside)) = self.model()? {
            return Ok(seam::kevent_change(model, kq, change.into())?);
        }
        kernel::kevent(kq, Some(change), &mut [], Some(Duration::ZERO)).map(drop)
    }

    /// Waits for events and takes at most [`MAX_EVENTS`] of them; without a timeout it waits until one arrives.
    ///
    /// Fails with `EINTR` when a signal comes in.
    pub(crate) fn kevent_read(
        &self,
        kq: BorrowedFd<'_>,
        events: &mut [Kevent],
        timeout: Option<Duration>,
    ) -> Result<usize, Errno> {
        #[cfg(feature = "sim")]
        if self.model()?.is_some() {
            return self.kevent_read_of_model(kq, events, timeout);
        }
        kernel::kevent(kq, None, events, timeout)
    }

    /// Does what the kernel does: checks the queue, and sleeps until it has an event.
    #[cfg(feature = "sim")]
    fn kevent_read_of_model(
        &self,
        kq: BorrowedFd<'_>,
        events: &mut [Kevent],
        timeout: Option<Duration>,
    ) -> Result<usize, Errno> {
        let deadline = timeout.and_then(|timeout| Instant::now().checked_add(timeout));
        let mut first = true;
        loop {
            let count = match self.model()? {
                Some((model, _inside)) => model::kevent_read(model, kq, events, first)?,
                None => 0,
            };
            first = false;
            let left = deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()));
            if count > 0 || left == Some(Duration::ZERO) {
                return Ok(count);
            }
            // A model is not notified of the last close of an owning descriptor, so it has to check.
            fd::wait_readable(kq, left.map_or(LOOK, |left| left.min(LOOK)))?;
        }
    }

    /// Waits until the jail of a descriptor has been removed or the time has passed, and returns whether it was
    /// removed.
    pub(crate) fn wait_removed(
        &self,
        descriptor: BorrowedFd<'_>,
        timeout: Option<Duration>,
    ) -> Result<bool, Errno> {
        let deadline = timeout.and_then(|timeout| Instant::now().checked_add(timeout));
        loop {
            let left = deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()));
            #[cfg(feature = "sim")]
            let nap = match self.model()? {
                Some((model, _inside)) => {
                    seam::poll(model, descriptor)?;
                    #[cfg(miri)]
                    if model
                        .raw()
                        .fstat(descriptor.as_raw_fd())
                        .is_some_and(|stat| stat.is_ok_and(|(_, ino)| ino == 0))
                    {
                        return Ok(true);
                    }
                    Some(left.map_or(LOOK, |left| left.min(LOOK)))
                }
                None => None,
            };
            #[cfg(not(feature = "sim"))]
            let nap: Option<Duration> = None;
            match fd::wait_hung_up(descriptor, nap.or(left)) {
                Ok(false) if left == Some(Duration::ZERO) => return Ok(false),
                // A signal, or a part of the time.
                Ok(false) | Err(Errno(libc::EINTR)) => {}
                result => return result,
            }
        }
    }
}
