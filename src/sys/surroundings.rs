//! What a child changes of its own surroundings: its terminal, routing table and limits. All of it is async-signal-safe.

use core::ffi::c_int;

use super::Errno;

/// A resource limit, as setrlimit(2) takes it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Limit {
    pub(crate) resource: c_int,
    pub(crate) soft: libc::rlim_t,
    pub(crate) hard: libc::rlim_t,
}

/// Makes the standard input the controlling terminal of this process's session.
pub(super) fn set_controlling_terminal() -> Result<(), Errno> {
    // SAFETY: the request takes an int, which other systems read and FreeBSD does not, and touches no memory.
    #[allow(clippy::useless_conversion, reason = "the request's type differs from one Unix to the next")]
    Errno::check(unsafe { libc::ioctl(libc::STDIN_FILENO, libc::TIOCSCTTY.into(), 0) }).map(drop)
}

#[cfg(target_os = "freebsd")]
pub(super) fn set_fib(fib: c_int) -> Result<(), Errno> {
    unsafe extern "C" {
        safe fn setfib(fib: c_int) -> c_int;
    }
    Errno::check(setfib(fib)).map(drop)
}

#[cfg(not(target_os = "freebsd"))]
pub(super) fn set_fib(_: c_int) -> Result<(), Errno> {
    Err(Errno(libc::ENOSYS))
}

pub(super) fn set_limit(limit: Limit) -> Result<(), Errno> {
    let value = libc::rlimit { rlim_cur: limit.soft, rlim_max: limit.hard };
    #[allow(clippy::useless_conversion, reason = "the resource's type differs from one Unix to the next")]
    let resource = limit.resource.try_into().map_err(|_| Errno(libc::EINVAL))?;
    // SAFETY: the kernel reads one structure, which is ours.
    Errno::check(unsafe { libc::setrlimit(resource, &raw const value) }).map(drop)
}
