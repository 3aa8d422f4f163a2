//! The kernel's error number.

use core::ffi::c_int;
use core::fmt;
use std::io;

/// An error number of the host, as in `errno`: compare it with `libc::EINVAL` and the other constants.
///
/// The model answers with the host's numbers too, so that `EADDRINUSE` means the same on every host.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Errno(pub c_int);

/// Not permitted in capability mode, by FreeBSD's number: other systems have none.
pub const ECAPMODE: c_int = 94;
/// The descriptor lacks a right; see [`ECAPMODE`].
pub const ENOTCAPABLE: c_int = 93;

impl Errno {
    /// Returns what the last failed system call of this thread left in `errno`.
    #[must_use]
    pub fn last() -> Self {
        // An OS error always has a number; the fallback is arbitrary.
        Self::of(&io::Error::last_os_error(), libc::EINVAL)
    }

    /// Returns the number of an error, or the fallback if the host did not report it.
    pub(crate) fn of(error: &io::Error, fallback: c_int) -> Self {
        Self(error.raw_os_error().unwrap_or(fallback))
    }
}

impl fmt::Display for Errno {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        io::Error::from(*self).fmt(f)
    }
}

impl fmt::Debug for Errno {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Errno({}: {self})", self.0)
    }
}

impl std::error::Error for Errno {}

impl From<Errno> for io::Error {
    fn from(errno: Errno) -> Self {
        Self::from_raw_os_error(errno.0)
    }
}
