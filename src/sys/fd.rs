//! File descriptors, on any Unix.

use core::ffi::{c_int, c_short};
use core::mem::MaybeUninit;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd};
use std::time::Duration;

use super::{ENOTCAPABLE, Errno};

/// The fields of fstat(2) that the crate uses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Stat {
    /// The file's device.
    pub(crate) dev: u64,
    /// The file's inode; for a jail descriptor the jid, 0 once the jail has died.
    pub(crate) ino: u64,
    /// The file's type and permission bits.
    pub(crate) mode: u32,
}

/// Calls fstat(2) on a descriptor number, which need not be open.
///
/// # Errors
///
/// `EBADF` when it is not open.
pub(crate) fn host_fstat(fd: c_int) -> Result<Stat, Errno> {
    let mut stat = MaybeUninit::<libc::stat>::uninit();
    // SAFETY: `stat` is ours, writable and as large as the call expects; any number may be asked for.
    Errno::check(unsafe { libc::fstat(fd, stat.as_mut_ptr()) })?;
    // SAFETY: fstat succeeded, so it has filled the whole structure.
    let stat = unsafe { stat.assume_init() };
    // The widths of these fields differ from one Unix to the next.
    #[allow(clippy::unnecessary_cast, clippy::cast_lossless, clippy::cast_sign_loss)]
    Ok(Stat { dev: stat.st_dev as u64, ino: stat.st_ino as u64, mode: stat.st_mode as u32 })
}

/// The first number above standard input, output and error. Starting a program replaces the lower ones.
const FIRST_FREE: c_int = 3;

/// Makes a new descriptor close-on-exec, and moves it to 3 or above.
///
/// # Errors
///
/// `EMFILE` when it has to be moved and no descriptor is free. It returns the descriptor.
pub(crate) fn keep_new(fd: OwnedFd) -> Result<OwnedFd, (OwnedFd, Errno)> {
    if fd.as_raw_fd() < FIRST_FREE {
        return copy_above(fd.as_fd()).map_err(|errno| (fd, errno));
    }
    // It has no other flag that could be lost.
    match set_flags(fd.as_fd(), libc::FD_CLOEXEC) {
        Ok(()) => Ok(fd),
        Err(errno) => Err((fd, errno)),
    }
}

/// Makes a descriptor from elsewhere close-on-exec, and moves it to 3 or above. Keeps its other flags, such as
/// `FD_CLOFORK`.
///
/// # Errors
///
/// `EMFILE` when it has to be moved and no descriptor is free. It closes the descriptor.
pub(crate) fn keep_given(fd: OwnedFd) -> Result<OwnedFd, Errno> {
    let flags = flags(fd.as_fd())?;
    let fd = if fd.as_raw_fd() < FIRST_FREE { copy_above(fd.as_fd())? } else { fd };
    set_flags(fd.as_fd(), flags | libc::FD_CLOEXEC)?;
    Ok(fd)
}

/// Makes a copy with a number of 3 or above, close-on-exec.
fn copy_above(fd: BorrowedFd<'_>) -> Result<OwnedFd, Errno> {
    // SAFETY: F_DUPFD_CLOEXEC takes an int and touches no memory; the descriptor is open while it is borrowed.
    let number = Errno::check(unsafe { libc::fcntl(fd.as_raw_fd(), libc::F_DUPFD_CLOEXEC, FIRST_FREE) })?;
    // SAFETY: the call has just made it, and nothing else knows of it.
    Ok(unsafe { own(number) })
}

fn flags(fd: BorrowedFd<'_>) -> Result<c_int, Errno> {
    // SAFETY: F_GETFD touches no memory; the descriptor is open while it is borrowed.
    let flags = unsafe { libc::fcntl(fd.as_raw_fd(), libc::F_GETFD) };
    Errno::check(flags)
}

/// Sets the descriptor's flags, all of them.
pub(crate) fn set_flags(fd: BorrowedFd<'_>, flags: c_int) -> Result<(), Errno> {
    if cfg!(miri) {
        // Miri executes no program and lacks the call.
        return Ok(());
    }
    // SAFETY: F_SETFD takes an int and touches no memory; the descriptor is open while it is borrowed.
    let result = unsafe { libc::fcntl(fd.as_raw_fd(), libc::F_SETFD, flags) };
    Errno::check(result).map(drop)
}

/// Waits until there is something to read or the time has passed, as poll(2) does.
///
/// # Errors
///
/// `EINTR` when a signal comes in.
#[cfg(feature = "sim")]
pub(crate) fn wait_readable(fd: BorrowedFd<'_>, timeout: Duration) -> Result<(), Errno> {
    if cfg!(miri) {
        // Miri lacks poll(2). The caller checks again after this.
        std::thread::sleep(timeout);
        return Ok(());
    }
    poll(fd, libc::POLLIN, Some(timeout)).map(drop)
}

/// Waits until a descriptor reports a hang-up, as that of a removed jail does, or the time has passed. Returns whether
/// it does.
///
/// # Errors
///
/// `EINTR` when a signal comes in, `ENOTCAPABLE` for a descriptor whose rights have been limited to less than
/// `CAP_EVENT`.
pub(crate) fn wait_hung_up(fd: BorrowedFd<'_>, timeout: Option<Duration>) -> Result<bool, Errno> {
    if cfg!(miri) {
        // As above.
        std::thread::sleep(timeout.unwrap_or_default());
        return Ok(false);
    }
    let said = poll(fd, 0, timeout)?;
    if said & libc::POLLNVAL != 0 {
        // The descriptor is open, since it is borrowed.
        return Err(Errno(ENOTCAPABLE));
    }
    Ok(said & libc::POLLHUP != 0)
}

/// Calls poll(2) on one descriptor, without a limit if there is no timeout, and returns the reported events.
fn poll(fd: BorrowedFd<'_>, events: c_short, timeout: Option<Duration>) -> Result<c_short, Errno> {
    // Rounded up, so that waiting for the rest of a timeout does not spin during its last millisecond.
    let timeout = timeout
        .map_or(-1, |timeout| c_int::try_from(timeout.as_nanos().div_ceil(1_000_000)).unwrap_or(c_int::MAX));
    let mut asked = libc::pollfd { fd: fd.as_raw_fd(), events, revents: 0 };
    // SAFETY: `asked` is ours, one structure as the call is told, and valid until it returns.
    Errno::check(unsafe { libc::poll(&raw mut asked, 1, timeout) })?;
    Ok(asked.revents)
}

/// Takes ownership of a descriptor that a system call has just made.
///
/// # Safety
///
/// `fd` is open and nothing else owns it.
pub(crate) unsafe fn own(fd: c_int) -> OwnedFd {
    // SAFETY: the caller vouches that it is open and unowned.
    unsafe { OwnedFd::from_raw_fd(fd) }
}
