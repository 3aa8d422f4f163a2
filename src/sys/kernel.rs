//! The running kernel's system calls: FreeBSD's, and `ENOSYS` everywhere else.

#[cfg(target_os = "freebsd")]
mod freebsd {
    use core::ffi::{c_int, c_uint};

    use libc::iovec;

    use crate::sys::{Errno, bindings};

    /// The one place that knows how C reports a failure.
    fn check(result: c_int) -> Result<c_int, Errno> {
        if result == -1 { Err(Errno::last()) } else { Ok(result) }
    }

    /// # Safety
    ///
    /// As for [`super::super::jail_set`].
    pub(in crate::sys) unsafe fn jail_set(
        iov: *mut iovec,
        niov: c_uint,
        flags: c_int,
    ) -> Result<c_int, Errno> {
        // SAFETY: the caller vouches for the iovecs and their memory.
        check(unsafe { bindings::jail_set(iov, niov, flags) })
    }

    /// # Safety
    ///
    /// As for [`super::super::jail_get`].
    pub(in crate::sys) unsafe fn jail_get(
        iov: *mut iovec,
        niov: c_uint,
        flags: c_int,
    ) -> Result<c_int, Errno> {
        // SAFETY: the caller vouches for the iovecs and their memory.
        check(unsafe { bindings::jail_get(iov, niov, flags) })
    }

    /// # Safety
    ///
    /// As for [`super::super::jail`].
    pub(in crate::sys) unsafe fn jail(jail: *mut bindings::jail) -> Result<c_int, Errno> {
        // SAFETY: the caller vouches for the structure and what it points at.
        check(unsafe { bindings::jail(jail) })
    }

    pub(in crate::sys) fn jail_attach(jid: c_int) -> Result<(), Errno> {
        // SAFETY: the call takes a number and touches no memory of this process.
        check(unsafe { bindings::jail_attach(jid) }).map(drop)
    }

    pub(in crate::sys) fn jail_remove(jid: c_int) -> Result<(), Errno> {
        // SAFETY: the call takes a number and touches no memory of this process.
        check(unsafe { bindings::jail_remove(jid) }).map(drop)
    }

    /// Must not be called before the probe has said that the kernel has descriptors: an unknown system call
    /// kills the process with SIGSYS.
    pub(in crate::sys) fn jail_attach_jd(fd: c_int) -> Result<(), Errno> {
        // By number, not by symbol: libc has the symbol since FreeBSD 15 only.
        // SAFETY: the call takes a number and touches no memory of this process.
        let result = unsafe { libc::syscall(bindings::SYS_jail_attach_jd, fd) };
        if result == -1 { Err(Errno::last()) } else { Ok(()) }
    }

    /// Must not be called before the probe, as [`jail_attach_jd`].
    pub(in crate::sys) fn jail_remove_jd(fd: c_int) -> Result<(), Errno> {
        // SAFETY: the call takes a number and touches no memory of this process.
        let result = unsafe { libc::syscall(bindings::SYS_jail_remove_jd, fd) };
        if result == -1 { Err(Errno::last()) } else { Ok(()) }
    }

    pub(in crate::sys) fn sysctl(
        mib: &[c_int],
        old: Option<&mut [u8]>,
        new: Option<&[u8]>,
    ) -> Result<usize, Errno> {
        let miblen = c_uint::try_from(mib.len()).map_err(|_| Errno(libc::EINVAL))?;
        let (old, mut oldlen) = match old {
            Some(old) => (old.as_mut_ptr(), old.len()),
            None => (core::ptr::null_mut(), 0),
        };
        let (new, newlen) = match new {
            Some(new) => (new.as_ptr(), new.len()),
            None => (core::ptr::null(), 0),
        };
        // SAFETY: `mib`, `old` and `new` are valid for their lengths for the whole call; the kernel writes into
        // `old`, which is borrowed uniquely, and into `oldlen`, which is ours, and only reads the others.
        let result =
            unsafe { libc::sysctl(mib.as_ptr(), miblen, old.cast(), &raw mut oldlen, new.cast(), newlen) };
        check(result).map(|_| oldlen)
    }
}

#[cfg(target_os = "freebsd")]
pub(super) use freebsd::*;

#[cfg(not(target_os = "freebsd"))]
mod elsewhere {
    use core::ffi::{c_int, c_uint};

    use libc::iovec;

    use crate::sys::{Errno, bindings};

    const UNSUPPORTED: Errno = Errno(libc::ENOSYS);

    #[allow(clippy::unnecessary_wraps)]
    pub(in crate::sys) unsafe fn jail_set(_: *mut iovec, _: c_uint, _: c_int) -> Result<c_int, Errno> {
        Err(UNSUPPORTED)
    }

    pub(in crate::sys) unsafe fn jail_get(_: *mut iovec, _: c_uint, _: c_int) -> Result<c_int, Errno> {
        Err(UNSUPPORTED)
    }

    pub(in crate::sys) unsafe fn jail(_: *mut bindings::jail) -> Result<c_int, Errno> {
        Err(UNSUPPORTED)
    }

    pub(in crate::sys) fn jail_attach(_: c_int) -> Result<(), Errno> {
        Err(UNSUPPORTED)
    }

    pub(in crate::sys) fn jail_remove(_: c_int) -> Result<(), Errno> {
        Err(UNSUPPORTED)
    }

    pub(in crate::sys) fn jail_attach_jd(_: c_int) -> Result<(), Errno> {
        Err(UNSUPPORTED)
    }

    pub(in crate::sys) fn jail_remove_jd(_: c_int) -> Result<(), Errno> {
        Err(UNSUPPORTED)
    }

    pub(in crate::sys) fn sysctl(
        _: &[c_int],
        _: Option<&mut [u8]>,
        _: Option<&[u8]>,
    ) -> Result<usize, Errno> {
        Err(UNSUPPORTED)
    }
}

#[cfg(not(target_os = "freebsd"))]
pub(super) use elsewhere::*;
