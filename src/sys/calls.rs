//! The seven functions, with C's conventions.

use core::ffi::{c_int, c_uint};
use std::os::fd::BorrowedFd;

use libc::iovec;

use super::{Errno, System, bindings};

/// What [jail(2)](https://man.freebsd.org/cgi/man.cgi?query=jail&sektion=2) takes. [`jail`](fn@jail) is the call.
#[allow(non_camel_case_types)]
pub type jail = bindings::jail;

/// Creates or changes a jail. Wraps [jail_set(2)].
///
/// Returns the jid, or -1 with `errno` set.
///
/// # Safety
///
/// Until the call returns, `iov` points at `niov` iovecs, valid for reading and writing, and each of them at as much
/// initialised memory as it says, valid for reading and, if it is the value of `desc` or `errmsg`, for writing. Nothing
/// else uses the iovecs or those two values meanwhile, and these overlap nothing. All other memory is only read.
///
/// With `JAIL_GET_DESC` or `JAIL_OWN_DESC`, the value of `desc` must be in memory that a [fork(2)] of another thread
/// does not write-protect, as after [minherit(2)] with `INHERIT_ZERO`: otherwise the kernels of 15.0 and 15.1 may panic
/// (T37). [`raw::jail_set`](crate::raw::jail_set) sees to that; this function passes on what it is given.
///
/// [jail_set(2)]: https://man.freebsd.org/cgi/man.cgi?query=jail_set&sektion=2
/// [fork(2)]: https://man.freebsd.org/cgi/man.cgi?query=fork&sektion=2
/// [minherit(2)]: https://man.freebsd.org/cgi/man.cgi?query=minherit&sektion=2
pub unsafe fn jail_set(iov: *mut iovec, niov: c_uint, flags: c_int) -> c_int {
    // SAFETY: the caller vouches for the iovecs and their memory.
    in_c(unsafe { System::current().jail_set_raw(iov, niov, flags) })
}

/// Reads parameters of a jail. Wraps [jail_get(2)].
///
/// Returns the jid, or -1 with `errno` set. The kernel writes into every value, those that name the jail included, and
/// into the iovecs themselves. Some malformed names below `meta` and `env` hang the kernels of FreeBSD 15 (T16); this
/// function does not check for them.
///
/// # Safety
///
/// As for [`jail_set`], but what holds for its two values holds for all: each is written, those that name the jail
/// included. `desc` may be anywhere in memory.
///
/// [jail_get(2)]: https://man.freebsd.org/cgi/man.cgi?query=jail_get&sektion=2
pub unsafe fn jail_get(iov: *mut iovec, niov: c_uint, flags: c_int) -> c_int {
    // SAFETY: the caller vouches for the iovecs and their memory.
    in_c(unsafe { System::current().jail_get_raw(iov, niov, flags) })
}

/// Creates a jail and attaches this process to it. Wraps [jail(2)], which FreeBSD keeps for old programs. Waits for
/// other threads as [`Jail::attach`](crate::Jail::attach) does.
///
/// Returns the jid, or -1 with `errno` set.
///
/// # Safety
///
/// `jail` points at a structure whose strings are NULL or end in NUL, and whose address pointers are valid for
/// `ip4s` and `ip6s` addresses, until the call returns.
///
/// [jail(2)]: https://man.freebsd.org/cgi/man.cgi?query=jail&sektion=2
pub unsafe fn jail(jail: *mut bindings::jail) -> c_int {
    // SAFETY: the caller vouches for the structure and what it points at.
    in_c(unsafe { System::current().jail_raw(jail) })
}

/// Attaches this process to a jail, for good. Wraps [jail_attach(2)].
///
/// Returns 0, or -1 with `errno` set. Waits for other threads as [`Jail::attach`](crate::Jail::attach) does.
///
/// Async-signal-safe in a forked child, unless the crate has the feature `sim`: it allocates nothing, and the lock that
/// it takes there is the child's own.
///
/// [jail_attach(2)]: https://man.freebsd.org/cgi/man.cgi?query=jail_attach&sektion=2
#[must_use = "a failed attach leaves the process outside"]
pub fn jail_attach(jid: c_int) -> c_int {
    in_c(System::current().jail_attach(jid).map(|()| 0))
}

/// Removes a jail and kills its processes. Wraps [jail_remove(2)].
///
/// Returns 0, or -1 with `errno` set.
///
/// [jail_remove(2)]: https://man.freebsd.org/cgi/man.cgi?query=jail_remove&sektion=2
#[must_use = "a failed removal leaves the jail"]
pub fn jail_remove(jid: c_int) -> c_int {
    in_c(System::current().jail_remove(jid).map(|()| 0))
}

/// Attaches this process to the jail of a descriptor, for good. Wraps [jail_attach_jd(2)].
///
/// Returns 0, or -1 with `errno` set: `ENOSYS` before FreeBSD 15. Waits for other threads as
/// [`Jail::attach`](crate::Jail::attach) does. On FreeBSD 15.0 and 15.1 the call leaks a reference, and the jail stays
/// dying for ever once it is removed; [`Jail::attach`](crate::Jail::attach) avoids that.
///
/// [jail_attach_jd(2)]: https://man.freebsd.org/cgi/man.cgi?query=jail_attach_jd&sektion=2
#[must_use = "a failed attach leaves the process outside"]
pub fn jail_attach_jd(fd: BorrowedFd<'_>) -> c_int {
    in_c(System::current().jail_attach_jd(fd).map(|()| 0))
}

/// Removes the jail of a descriptor and kills its processes, this one too if it is in the jail. Wraps
/// [jail_remove_jd(2)].
///
/// Returns 0, or -1 with `errno` set: `ENOSYS` before FreeBSD 15.
///
/// [jail_remove_jd(2)]: https://man.freebsd.org/cgi/man.cgi?query=jail_remove_jd&sektion=2
#[must_use = "a failed removal leaves the jail"]
pub fn jail_remove_jd(fd: BorrowedFd<'_>) -> c_int {
    in_c(System::current().jail_remove_jd(fd).map(|()| 0))
}

/// Turns a result into what C expects.
fn in_c(result: Result<c_int, Errno>) -> c_int {
    match result {
        Ok(value) => value,
        Err(errno) => {
            errno.set();
            -1
        }
    }
}
