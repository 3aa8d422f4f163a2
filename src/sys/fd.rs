//! What the crate asks of any Unix about a file descriptor.

use core::ffi::c_int;
use core::mem::MaybeUninit;
use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd};
#[cfg(feature = "sim")]
use std::time::Duration;

use super::Errno;

/// What fstat(2) says of a descriptor, as far as the crate asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Stat {
    /// The file's device.
    pub(crate) dev: u64,
    /// The file's inode; of a jail descriptor the jail's number, 0 once the jail has died.
    pub(crate) ino: u64,
    /// The file's type and permission bits.
    pub(crate) mode: u32,
}

/// Asks fstat(2) of a descriptor number, which need not be open.
///
/// # Errors
///
/// `EBADF` when it is not open.
pub(crate) fn host_fstat(fd: c_int) -> Result<Stat, Errno> {
    let mut stat = MaybeUninit::<libc::stat>::uninit();
    // SAFETY: `stat` is ours, writable and as large as the call expects; any number may be asked for.
    let result = unsafe { libc::fstat(fd, stat.as_mut_ptr()) };
    if result == -1 {
        return Err(Errno::last());
    }
    // SAFETY: fstat succeeded, so it has filled the whole structure.
    let stat = unsafe { stat.assume_init() };
    // The widths of these fields differ from one Unix to the next.
    #[allow(clippy::unnecessary_cast, clippy::cast_lossless, clippy::cast_sign_loss)]
    Ok(Stat { dev: stat.st_dev as u64, ino: stat.st_ino as u64, mode: stat.st_mode as u32 })
}

/// Sets or clears close-on-exec, with one fcntl(2): a descriptor has no other flag to lose.
///
/// # Errors
///
/// `EBADF` when it is not open.
pub(crate) fn set_close_on_exec(fd: BorrowedFd<'_>, on: bool) -> Result<(), Errno> {
    let flags = if on { libc::FD_CLOEXEC } else { 0 };
    // SAFETY: F_SETFD takes an int and touches no memory; the descriptor is open while it is borrowed.
    let result = unsafe { libc::fcntl(fd.as_raw_fd(), libc::F_SETFD, flags) };
    if result == -1 { Err(Errno::last()) } else { Ok(()) }
}

/// Waits until there is something to read or the time has passed, as poll(2) does.
///
/// # Errors
///
/// `EINTR` when a signal comes in.
#[cfg(feature = "sim")]
pub(crate) fn wait_readable(fd: BorrowedFd<'_>, timeout: Duration) -> Result<(), Errno> {
    // Rounded up, so that whoever waits for the rest of a timeout does not spin through its last millisecond.
    let timeout = c_int::try_from(timeout.as_nanos().div_ceil(1_000_000)).unwrap_or(c_int::MAX);
    let mut asked = libc::pollfd { fd: fd.as_raw_fd(), events: libc::POLLIN, revents: 0 };
    // SAFETY: `asked` is ours, one structure as the call is told, and valid until it returns.
    let result = unsafe { libc::poll(&raw mut asked, 1, timeout) };
    if result == -1 { Err(Errno::last()) } else { Ok(()) }
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
