//! The kernel's error number.

use core::ffi::c_int;
use core::fmt;
use std::io;

/// An error number of the host, as `errno` holds it: compare with `libc::EINVAL` and its like.
///
/// The model answers with the host's numbers too, so that `EADDRINUSE` means the same on every host.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Errno(pub c_int);

impl Errno {
    /// Returns what the last failed system call of this thread left in `errno`.
    #[must_use]
    pub fn last() -> Self {
        // A raw error always has a number; EINVAL would be as good as any other answer here.
        Self(io::Error::last_os_error().raw_os_error().unwrap_or(libc::EINVAL))
    }
}

impl fmt::Debug for Errno {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Errno({}: {self})", self.0)
    }
}

impl fmt::Display for Errno {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&io::Error::from_raw_os_error(self.0), f)
    }
}

impl From<Errno> for io::Error {
    fn from(errno: Errno) -> Self {
        Self::from_raw_os_error(errno.0)
    }
}
