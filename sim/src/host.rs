//! What the model asks of the host and std does not offer: a descriptor's file and flags, and children.
//!
//! All unsafe code of the model is here.

use core::ffi::c_int;
use core::mem::MaybeUninit;
use std::os::fd::{AsRawFd, BorrowedFd};

use super::errno::Errno;

/// Identifies a file: device and inode.
pub(super) type Identity = (u64, u64);

/// What has become of a child of this process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ChildState {
    Running,
    /// It has ended, and nobody has waited for it.
    #[cfg_attr(
        not(any(target_os = "freebsd", target_os = "linux", target_vendor = "apple")),
        expect(dead_code, reason = "signal 0 does not tell it from one that runs")
    )]
    Zombie,
    /// Somebody has waited for it, or it is no child of this process.
    Gone,
}

/// Turns -1 into the errno.
fn check(result: c_int) -> Result<(), Errno> {
    if result == -1 { Err(Errno::last()) } else { Ok(()) }
}

/// Identifies the file of a number, which need not be open. Wraps fstat(2).
pub(super) fn file(number: c_int) -> Result<Identity, Errno> {
    let mut stat = MaybeUninit::<libc::stat>::uninit();
    // SAFETY: `stat` is ours, writable and as large as the call expects; any number may be asked for.
    check(unsafe { libc::fstat(number, stat.as_mut_ptr()) })?;
    // SAFETY: fstat succeeded, so it has filled the whole structure.
    let stat = unsafe { stat.assume_init() };
    #[allow(
        clippy::unnecessary_cast,
        clippy::cast_lossless,
        clippy::cast_sign_loss,
        reason = "the widths differ from one Unix to the next"
    )]
    Ok((stat.st_dev as u64, stat.st_ino as u64))
}

/// Has programs inherit a descriptor.
pub(super) fn clear_close_on_exec(descriptor: BorrowedFd<'_>) -> Result<(), Errno> {
    if cfg!(miri) {
        // Miri executes no program and lacks the call.
        return Ok(());
    }
    // SAFETY: F_SETFD takes an int and touches no memory; the descriptor is open while it is borrowed.
    check(unsafe { libc::fcntl(descriptor.as_raw_fd(), libc::F_SETFD, 0) })
}

/// Returns what has become of a child, and leaves it to be waited for. Wraps waitid(2).
#[cfg(any(target_os = "freebsd", target_os = "linux", target_vendor = "apple"))]
pub(super) fn child_state(pid: u32) -> ChildState {
    let mut info = MaybeUninit::<libc::siginfo_t>::zeroed();
    let options = libc::WEXITED | libc::WNOHANG | libc::WNOWAIT;
    #[allow(clippy::useless_conversion, reason = "FreeBSD's id_t is wider, Linux's is the same")]
    let id = libc::id_t::from(pid);
    // SAFETY: the kernel writes one structure, which is ours; any number may be asked for.
    if check(unsafe { libc::waitid(libc::P_PID, id, info.as_mut_ptr(), options) }).is_err() {
        return ChildState::Gone;
    }
    // SAFETY: it was zeroed, which is valid for its numbers and pointers, and perhaps filled in.
    let info = unsafe { info.assume_init() };
    // Nothing is filled in for one that still runs.
    if info.si_signo == 0 { ChildState::Running } else { ChildState::Zombie }
}

#[cfg(not(any(target_os = "freebsd", target_os = "linux", target_vendor = "apple")))]
pub(super) fn child_state(pid: u32) -> ChildState {
    if kill(pid, 0).is_ok() { ChildState::Running } else { ChildState::Gone }
}

/// Sends a signal to a child that nobody has waited for, and to nothing else.
pub(super) fn signal_child(pid: u32, signal: c_int) -> Result<(), Errno> {
    if child_state(pid) == ChildState::Gone { Err(Errno(libc::ESRCH)) } else { kill(pid, signal) }
}

/// Sends a signal to one process. Wraps kill(2).
fn kill(pid: u32, signal: c_int) -> Result<(), Errno> {
    // Only pids of single processes, from 1 on, are passed to kill(2).
    let pid = libc::pid_t::try_from(pid).ok().filter(|pid| *pid > 0).ok_or(Errno(libc::ESRCH))?;
    // SAFETY: takes numbers and touches no memory.
    let result = unsafe { libc::kill(pid, signal) };
    check(result)
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
        assert_eq!(child_state(pid), ChildState::Running);
        assert_eq!(signal_child(pid, libc::SIGKILL), Ok(()));
        assert_eq!(child.wait().expect("waited for").signal(), Some(libc::SIGKILL));
        assert_eq!(signal_child(pid, 0), Err(Errno(libc::ESRCH)));
        // To kill(2), these are groups of processes.
        assert_eq!(kill(0, 0), Err(Errno(libc::ESRCH)));
        assert_eq!(kill(u32::MAX, 0), Err(Errno(libc::ESRCH)));
    }
}
