//! kqueue(2) and kevent(2), as the model's callers see them.

use std::os::fd::{BorrowedFd, OwnedFd};

use crate::sys::event::{EV_ADD, Kevent};
use crate::sys::{EVFILT_JAIL, Errno};

use super::kernel::Kernel;
use super::moment::Moment;

/// What kevent(2) tells: the fields of `struct kevent`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Event {
    /// What is watched: a jid, or the number of a descriptor.
    pub ident: usize,
    /// `EVFILT_JAIL` or `EVFILT_JAILDESC`.
    pub filter: i16,
    /// `EV_EOF` and its like.
    pub flags: u16,
    /// `NOTE_JAIL_SET` and its like.
    pub fflags: u32,
    /// The jid of a new jail, or the pid of a process that entered, if there was one of them alone.
    pub data: i64,
    /// What was given when the watch was added last.
    pub udata: usize,
}

impl Kernel {
    /// kqueue(2): makes an event queue. Its filters are `EVFILT_JAIL` and `EVFILT_JAILDESC`, and no others.
    ///
    /// # Errors
    ///
    /// `EMFILE` and `ENFILE`.
    pub fn kqueue(&self) -> Result<OwnedFd, Errno> {
        let (mut state, pid) = self.enter("kqueue");
        state.calls.kqueue += 1;
        state.sys_kqueue(pid)
    }

    /// kevent(2) that adds a watch, or changes what one is to tell.
    ///
    /// # Errors
    ///
    /// `ENOENT` for a jail that is not there, `EBADF`, `EINVAL` for another filter, before FreeBSD 15, and for what is
    /// no jail descriptor.
    pub fn kevent_add(
        &self,
        queue: BorrowedFd<'_>,
        filter: i16,
        ident: usize,
        fflags: u32,
        udata: usize,
    ) -> Result<(), Errno> {
        let change = Kevent { ident, filter, flags: EV_ADD, fflags, udata, ..Kevent::default() };
        self.kevent_change(queue, change)
    }

    /// kevent(2) that takes one event, if there is one, and does not wait.
    ///
    /// # Errors
    ///
    /// `EBADF` for what is not a queue of the model's.
    pub fn kevent_take(&self, queue: BorrowedFd<'_>) -> Result<Option<Event>, Errno> {
        let mut events = [Kevent::default()];
        let count = self.kevent_read(queue, &mut events, true)?;
        let [Kevent { ident, filter, flags, fflags, data, udata, .. }] = events;
        Ok((count > 0).then_some(Event { ident, filter, flags, fflags, data, udata }))
    }

    /// kevent(2) with a change.
    pub(crate) fn kevent_change(&self, queue: BorrowedFd<'_>, change: Kevent) -> Result<(), Errno> {
        let (mut state, pid) = self.enter("kevent");
        state.calls.kevent += 1;
        let Some(watch) = state.sys_kevent_change(pid, queue, change)? else { return Ok(()) };
        if change.filter == EVFILT_JAIL {
            drop(state);
            self.reach(Moment::Watch);
            state = self.state();
        }
        state.add_knote(&watch);
        Ok(())
    }

    /// Takes events without waiting, as kevent(2) does each time it wakes up; the first time is what is counted.
    pub(crate) fn kevent_read(
        &self,
        queue: BorrowedFd<'_>,
        events: &mut [Kevent],
        first: bool,
    ) -> Result<usize, Errno> {
        let (mut state, pid) = self.enter("kevent");
        state.calls.kevent += u64::from(first);
        state.sys_kevent_read(pid, queue, events)
    }
}
