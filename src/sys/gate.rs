//! What a held program waits for: a pair of sockets, or a FIFO.

use core::ffi::{CStr, c_int};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::os::unix::net::UnixStream;

use super::{Errno, fd};

/// Makes a pair of sockets: the end from which the program reads, and the end that is written to.
pub(crate) fn pair() -> Result<(OwnedFd, OwnedFd), Errno> {
    let number = |error: std::io::Error| Errno(error.raw_os_error().unwrap_or(libc::EIO));
    let (gate, opener) = UnixStream::pair().map_err(number)?;
    Ok((fd::keep_given(gate.into())?, fd::keep_given(opener.into())?))
}

/// Makes a FIFO that only its owner may open. Wraps mkfifo(2).
pub(crate) fn make_fifo(path: &CStr) -> Result<(), Errno> {
    // SAFETY: the path ends in NUL, is ours and only read.
    let result = unsafe { libc::mkfifo(path.as_ptr(), 0o600) };
    Errno::check(result).map(drop)
}

/// Opens a FIFO for reading, without waiting for a writer.
pub(crate) fn open_reader(path: &CStr) -> Result<OwnedFd, Errno> {
    open(path, libc::O_RDONLY)
}

/// Opens a FIFO for writing.
///
/// # Errors
///
/// `ENXIO` if no process has it open for reading, or if it is not a FIFO.
pub(crate) fn open_writer(path: &CStr) -> Result<OwnedFd, Errno> {
    open(path, libc::O_WRONLY)
}

#[allow(clippy::useless_conversion, reason = "mode_t has 16 bits on some systems")]
fn open(path: &CStr, mode: c_int) -> Result<OwnedFd, Errno> {
    let flags = mode | libc::O_NONBLOCK | libc::O_CLOEXEC | libc::O_NOFOLLOW | libc::O_NOCTTY;
    // SAFETY: the path ends in NUL, is ours and only read; the file is not created, so that no mode is read.
    let number = Errno::check(unsafe { libc::open(path.as_ptr(), flags) })?;
    // SAFETY: the call has just made it, and nothing else knows of it.
    let file = unsafe { fd::own(number) };
    let kind = fd::host_fstat(number)?.mode & u32::from(libc::S_IFMT);
    if kind == u32::from(libc::S_IFIFO) { fd::keep_given(file) } else { Err(Errno(libc::ENXIO)) }
}

/// Writes one byte. A socket causes no SIGPIPE; with a FIFO or a pipe it cannot be prevented.
pub(crate) fn write(opener: BorrowedFd<'_>) -> Result<(), Errno> {
    let fd = opener.as_fd().as_raw_fd();
    let byte = 1_u8;
    loop {
        // SAFETY: the kernel reads one byte, which is ours; the descriptor is open while it is borrowed.
        let mut written = Errno::check(unsafe { libc::send(fd, (&raw const byte).cast(), 1, NO_SIGNAL) });
        if written == Err(Errno(libc::ENOTSOCK)) {
            // SAFETY: as above.
            written = Errno::check(unsafe { libc::write(fd, (&raw const byte).cast(), 1) });
        }
        if written != Err(Errno(libc::EINTR)) {
            return written.map(drop);
        }
    }
}

#[cfg(not(target_vendor = "apple"))]
const NO_SIGNAL: c_int = libc::MSG_NOSIGNAL;
#[cfg(target_vendor = "apple")]
const NO_SIGNAL: c_int = 0;
