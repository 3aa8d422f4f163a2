//! The kernel's error number.

use core::ffi::c_int;
use core::fmt;
use std::io;

/// An error number of the host, as in `errno`.
#[derive(Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
#[error("{}", io::Error::from_raw_os_error(*.0))]
pub(crate) struct Errno(pub(crate) c_int);

/// Not permitted in capability mode. Off FreeBSD only the model returns it, with FreeBSD's number.
pub(crate) const ECAPMODE: c_int = 94;
/// The descriptor lacks a right; see [`ECAPMODE`].
pub(crate) const ENOTCAPABLE: c_int = 93;

impl Errno {
    /// Returns what the last failed system call of this thread left in `errno`.
    pub(crate) fn last() -> Self {
        // An OS error always has a number; the fallback is arbitrary.
        Self(io::Error::last_os_error().raw_os_error().unwrap_or(libc::EINVAL))
    }
}

impl fmt::Debug for Errno {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Errno({}: {self})", self.0)
    }
}

impl From<Errno> for io::Error {
    fn from(errno: Errno) -> Self {
        Self::from_raw_os_error(errno.0)
    }
}

impl Errno {
    /// Returns what a system call returned, or the errno if that is -1.
    pub(super) fn check<T: PartialEq + From<i8>>(result: T) -> Result<T, Self> {
        if result == T::from(-1) { Err(Self::last()) } else { Ok(result) }
    }

    /// Whether Capsicum forbids the call: the process is in capability mode (`ECAPMODE`), or the descriptor lacks the
    /// right (`ENOTCAPABLE`).
    pub(crate) fn is_not_capable(self) -> bool {
        matches!(self.0, ECAPMODE | ENOTCAPABLE)
    }

    /// Stores the number in this thread's `errno`.
    pub(super) fn set(self) {
        let place = location();
        if !place.is_null() {
            // SAFETY: libc's `errno` of this thread, which no other thread uses.
            unsafe { place.write(self.0) };
        }
    }
}

/// Returns a pointer to this thread's `errno`, NULL on a Unix that this crate does not know.
fn location() -> *mut c_int {
    #[cfg(any(target_os = "freebsd", target_vendor = "apple"))]
    // SAFETY: takes nothing and returns a pointer that is valid while the thread lives.
    let place = unsafe { libc::__error() };
    #[cfg(any(target_os = "linux", target_os = "dragonfly"))]
    // SAFETY: takes nothing and returns a pointer that is valid while the thread lives.
    let place = unsafe { libc::__errno_location() };
    #[cfg(any(target_os = "android", target_os = "netbsd", target_os = "openbsd"))]
    // SAFETY: takes nothing and returns a pointer that is valid while the thread lives.
    let place = unsafe { libc::__errno() };
    #[cfg(any(target_os = "illumos", target_os = "solaris"))]
    // SAFETY: takes nothing and returns a pointer that is valid while the thread lives.
    let place = unsafe { libc::___errno() };
    #[cfg(not(any(
        target_os = "freebsd",
        target_vendor = "apple",
        target_os = "linux",
        target_os = "dragonfly",
        target_os = "android",
        target_os = "netbsd",
        target_os = "openbsd",
        target_os = "illumos",
        target_os = "solaris"
    )))]
    let place = core::ptr::null_mut();
    place
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_errno_is_shown_as_the_host_describes_it() {
        let errno = Errno(libc::ENOENT);
        let text = io::Error::from_raw_os_error(libc::ENOENT).to_string();
        assert!(!text.is_empty());
        assert_eq!(errno.to_string(), text);
        assert_eq!(format!("{errno:?}"), format!("Errno({}: {text})", libc::ENOENT));
    }
}
