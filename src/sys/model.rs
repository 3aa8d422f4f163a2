//! The seam to the model of the kernel, `freebsd-jail-sim`: between its types and the crate's.

use std::os::fd::BorrowedFd;
use std::sync::Arc;

pub(crate) use freebsd_jail_sim::seam::{Inmate, close_directories, kill_all};
use freebsd_jail_sim::{Kernel, raw, seam};

use super::event::{Kevent, MAX_EVENTS};
use super::interface::Move;
use super::report::Report;
use super::{Errno, Process};

impl From<raw::Errno> for Errno {
    fn from(errno: raw::Errno) -> Self {
        Self(errno.0)
    }
}

impl From<Errno> for raw::Errno {
    fn from(errno: Errno) -> Self {
        Self(errno.0)
    }
}

impl From<Kevent> for seam::Kevent {
    fn from(event: Kevent) -> Self {
        let Kevent { ident, filter, flags, fflags, data, udata, extra } = event;
        Self { ident, filter, flags, fflags, data, udata, extra }
    }
}

impl From<seam::Kevent> for Kevent {
    fn from(event: seam::Kevent) -> Self {
        let seam::Kevent { ident, filter, flags, fflags, data, udata, extra } = event;
        Self { ident, filter, flags, fflags, data, udata, extra }
    }
}

impl From<Move> for seam::Move {
    fn from(way: Move) -> Self {
        match way {
            Move::Into => Self::Into,
            Move::Back => Self::Back,
        }
    }
}

impl From<seam::ProcessEntry> for Process {
    fn from(process: seam::ProcessEntry) -> Self {
        let seam::ProcessEntry { pid, parent, jid, uid, is_zombie } = process;
        Self { pid, parent, jid, uid, command: None, is_zombie }
    }
}

/// Takes events without waiting, as kevent(2) does each time it wakes up.
pub(super) fn kevent_read(
    model: &Kernel,
    kq: BorrowedFd<'_>,
    events: &mut [Kevent],
    first: bool,
) -> Result<usize, Errno> {
    let mut theirs = [seam::Kevent::default(); MAX_EVENTS];
    let room = theirs.get_mut(..events.len()).ok_or(Errno(libc::EINVAL))?;
    let count = seam::kevent_read(model, kq, room, first)?;
    for (place, event) in events.iter_mut().zip(theirs).take(count) {
        *place = event.into();
    }
    Ok(count)
}

/// Leaves the jail to the children of a command that other code starts. Returns where they sign in; `None` if there is
/// no memory for that.
pub(super) fn leave_register(inmate: Inmate) -> Option<Arc<Report>> {
    let register = Arc::new(Report::new().ok()?);
    inmate.leave_to(register.clone());
    Some(register)
}

impl seam::Register for Report {
    fn take_pids(&self) -> Vec<u32> {
        Self::take_pids(self)
    }
}
