//! The running kernel's system calls: FreeBSD's, and `ENOSYS` everywhere else.

#[cfg(target_os = "freebsd")]
mod freebsd {
    use core::ffi::{c_int, c_uint};
    use core::ptr;
    use std::os::fd::{AsRawFd, BorrowedFd, OwnedFd};
    use std::time::Duration;

    use libc::iovec;

    use crate::sys::event::{Kevent, MAX_EVENTS};
    use crate::sys::{Errno, bindings, fd};

    /// Turns -1 into the errno.
    fn check(result: c_int) -> Result<c_int, Errno> {
        Errno::check(result)
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
        Errno::check(result).map(drop)
    }

    /// Must not be called before the probe, as [`jail_attach_jd`].
    pub(in crate::sys) fn jail_remove_jd(fd: c_int) -> Result<(), Errno> {
        // SAFETY: the call takes a number and touches no memory of this process.
        let result = unsafe { libc::syscall(bindings::SYS_jail_remove_jd, fd) };
        Errno::check(result).map(drop)
    }

    pub(in crate::sys) fn sysctl(
        mib: &[c_int],
        old: Option<&mut [u8]>,
        new: Option<&[u8]>,
    ) -> Result<usize, Errno> {
        let miblen = c_uint::try_from(mib.len()).map_err(|_| Errno(libc::EINVAL))?;
        let (old, mut oldlen) = match old {
            Some(old) => (old.as_mut_ptr(), old.len()),
            None => (ptr::null_mut(), 0),
        };
        let (new, newlen) = match new {
            Some(new) => (new.as_ptr(), new.len()),
            None => (ptr::null(), 0),
        };
        // SAFETY: `mib`, `old` and `new` are valid for their lengths for the whole call; the kernel writes into
        // `old`, which is borrowed uniquely, and into `oldlen`, which is ours, and only reads the others.
        let result =
            unsafe { libc::sysctl(mib.as_ptr(), miblen, old.cast(), &raw mut oldlen, new.cast(), newlen) };
        check(result).map(|_| oldlen)
    }

    /// Makes an event queue, which is not close-on-exec yet: kqueuex(2), which could make it so, is younger than the
    /// oldest FreeBSD that the crate runs on.
    pub(in crate::sys) fn kqueue() -> Result<OwnedFd, Errno> {
        // SAFETY: the call takes nothing and touches no memory of this process.
        let number = check(unsafe { libc::kqueue() })?;
        // SAFETY: the call has just made the descriptor, and nothing else knows of it.
        Ok(unsafe { fd::own(number) })
    }

    /// Changes at most one filter, and takes as many events as there is room for.
    pub(in crate::sys) fn kevent(
        queue: BorrowedFd<'_>,
        change: Option<Kevent>,
        events: &mut [Kevent],
        timeout: Option<Duration>,
    ) -> Result<usize, Errno> {
        let change = change.map(to_kernel);
        let (changes, nchanges) =
            change.as_ref().map_or((ptr::null(), 0), |change| (ptr::from_ref(change), 1));
        let mut room = [to_kernel(Kevent::default()); MAX_EVENTS];
        let nevents = c_int::try_from(events.len().min(room.len())).unwrap_or(0);
        let timeout = timeout.map(to_timespec);
        let timeout = timeout.as_ref().map_or(ptr::null(), ptr::from_ref);
        // SAFETY: `changes` and `timeout` are NULL or point at values of this function's, which the kernel only
        // reads; `room` is this function's too, is as long as `nevents` says or longer, and the kernel writes it.
        // The queue is open while it is borrowed.
        let result = unsafe {
            libc::kevent(queue.as_raw_fd(), changes, nchanges, room.as_mut_ptr(), nevents, timeout)
        };
        let count = usize::try_from(check(result)?).unwrap_or(0);
        for (event, got) in events.iter_mut().zip(room.iter().take(count)) {
            *event = from_kernel(got);
        }
        Ok(count)
    }

    fn to_kernel(event: Kevent) -> libc::kevent {
        libc::kevent {
            ident: event.ident,
            filter: event.filter,
            flags: event.flags,
            fflags: event.fflags,
            data: event.data,
            udata: ptr::without_provenance_mut(event.udata),
            // Of the four, the kernel passes the last two through for every filter.
            ext: [0, 0, event.extra, 0],
        }
    }

    fn from_kernel(raw: &libc::kevent) -> Kevent {
        let [_, _, extra, _] = raw.ext;
        Kevent {
            ident: raw.ident,
            filter: raw.filter,
            flags: raw.flags,
            fflags: raw.fflags,
            data: raw.data,
            udata: raw.udata.addr(),
            extra,
        }
    }

    /// A time that is too long for the kernel becomes a day, after which the caller asks again.
    fn to_timespec(timeout: Duration) -> libc::timespec {
        const DAY: Duration = Duration::from_secs(24 * 60 * 60);
        let timeout = timeout.min(DAY);
        #[allow(clippy::unnecessary_fallible_conversions, reason = "a C long is narrower on some machines")]
        let tv_nsec = core::ffi::c_long::try_from(timeout.subsec_nanos()).unwrap_or(0);
        libc::timespec { tv_sec: libc::time_t::try_from(timeout.as_secs()).unwrap_or(0), tv_nsec }
    }
}

#[cfg(target_os = "freebsd")]
pub(super) use freebsd::*;

#[cfg(not(target_os = "freebsd"))]
mod elsewhere {
    use core::ffi::{c_int, c_uint};
    use std::os::fd::{BorrowedFd, OwnedFd};
    use std::time::Duration;

    use libc::iovec;

    use crate::sys::event::Kevent;
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

    pub(in crate::sys) fn kqueue() -> Result<OwnedFd, Errno> {
        Err(UNSUPPORTED)
    }

    pub(in crate::sys) fn kevent(
        _: BorrowedFd<'_>,
        _: Option<Kevent>,
        _: &mut [Kevent],
        _: Option<Duration>,
    ) -> Result<usize, Errno> {
        Err(UNSUPPORTED)
    }
}

#[cfg(not(target_os = "freebsd"))]
pub(super) use elsewhere::*;
