//! The seam to the model of the kernel, `freebsd-jail-sim`: between its types and the crate's, and what it needs of the
//! host.

use core::ffi::c_int;
use std::os::fd::BorrowedFd;
use std::sync::Arc;

pub(crate) use freebsd_jail_sim::seam::{Inmate, close_directories, kill_all};
use freebsd_jail_sim::{Kernel, raw, seam};

use super::event::{Kevent, MAX_EVENTS};
use super::interface::Move;
use super::report::Report;
use super::{Errno, Process, fd};

/// Returns the model that gets the calling thread's calls.
pub(super) fn current() -> Option<Kernel> {
    seam::provide(&Host);
    seam::current()
}

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

/// The host, for the model, which has no unsafe code.
#[derive(Debug)]
struct Host;

impl seam::Host for Host {
    fn file(&self, descriptor: c_int) -> Result<seam::Identity, raw::Errno> {
        let stat = fd::host_fstat(descriptor)?;
        Ok((stat.dev, stat.ino))
    }

    fn clear_close_on_exec(&self, descriptor: BorrowedFd<'_>) -> Result<(), raw::Errno> {
        Ok(fd::set_flags(descriptor, 0)?)
    }

    fn child_state(&self, pid: u32) -> seam::ChildState {
        child_state(pid)
    }

    fn signal_child(&self, pid: u32, signal: c_int) -> Result<(), raw::Errno> {
        Ok(signal_child(pid, signal)?)
    }
}

/// Returns what has become of a child, and leaves it to be waited for. Wraps waitid(2).
#[cfg(any(target_os = "freebsd", target_os = "linux", target_vendor = "apple"))]
fn child_state(pid: u32) -> seam::ChildState {
    let mut info = core::mem::MaybeUninit::<libc::siginfo_t>::zeroed();
    let options = libc::WEXITED | libc::WNOHANG | libc::WNOWAIT;
    #[allow(clippy::useless_conversion, reason = "FreeBSD's id_t is wider, Linux's is the same")]
    let id = libc::id_t::from(pid);
    // SAFETY: the kernel writes one structure, which is ours; any number may be asked for.
    if Errno::check(unsafe { libc::waitid(libc::P_PID, id, info.as_mut_ptr(), options) }).is_err() {
        return seam::ChildState::Gone;
    }
    // SAFETY: it was zeroed, which is valid for its numbers and pointers, and perhaps filled in.
    let info = unsafe { info.assume_init() };
    // Nothing is filled in for one that still runs.
    if info.si_signo == 0 { seam::ChildState::Running } else { seam::ChildState::Zombie }
}

#[cfg(not(any(target_os = "freebsd", target_os = "linux", target_vendor = "apple")))]
fn child_state(pid: u32) -> seam::ChildState {
    if kill(pid, 0).is_ok() { seam::ChildState::Running } else { seam::ChildState::Gone }
}

/// Sends a signal to a child that nobody has waited for, and to nothing else.
fn signal_child(pid: u32, signal: c_int) -> Result<(), Errno> {
    if child_state(pid) == seam::ChildState::Gone { Err(Errno(libc::ESRCH)) } else { kill(pid, signal) }
}

/// Sends a signal to one process. Wraps kill(2).
fn kill(pid: u32, signal: c_int) -> Result<(), Errno> {
    // Only pids of single processes, from 1 on, are passed to kill(2).
    let pid = libc::pid_t::try_from(pid).ok().filter(|pid| *pid > 0).ok_or(Errno(libc::ESRCH))?;
    // SAFETY: takes numbers and touches no memory.
    let result = unsafe { libc::kill(pid, signal) };
    Errno::check(result).map(drop)
}

#[cfg(test)]
#[allow(clippy::expect_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;

    #[test]
    #[cfg_attr(miri, ignore = "Miri executes no program")]
    fn a_signal_reaches_the_child_and_nothing_else() {
        use std::os::unix::process::ExitStatusExt;

        let mut child = std::process::Command::new("sleep").arg("60").spawn().expect("started");
        let pid = child.id();
        assert_eq!(child_state(pid), seam::ChildState::Running);
        assert_eq!(signal_child(pid, libc::SIGKILL), Ok(()));
        assert_eq!(child.wait().expect("waited for").signal(), Some(libc::SIGKILL));
        assert_eq!(signal_child(pid, 0), Err(Errno(libc::ESRCH)));
        // To kill(2), these are groups of processes.
        assert_eq!(kill(0, 0), Err(Errno(libc::ESRCH)));
        assert_eq!(kill(u32::MAX, 0), Err(Errno(libc::ESRCH)));
    }
}
