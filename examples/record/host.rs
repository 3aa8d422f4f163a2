//! What is asked of FreeBSD beside jail calls: sysctls and event queues.

#[cfg(target_os = "freebsd")]
mod freebsd {
    use std::ffi::{CString, c_int};
    use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
    use std::ptr;

    use freebsd_jail::sim::raw::Errno;

    use super::super::kernel::Event;

    fn check(result: c_int) -> Result<c_int, Errno> {
        if result == -1 { Err(Errno::last()) } else { Ok(result) }
    }

    /// The value of a sysctl.
    pub(crate) fn sysctl(name: &str) -> Result<Vec<u8>, Errno> {
        let name = CString::new(name).map_err(|_| Errno(libc::EINVAL))?;
        let mut value = vec![0_u8; 64 * 1024];
        let mut len = value.len();
        // SAFETY: the name ends in NUL, and the value is this function's and as long as `len` says, which the kernel
        // changes to what it has written.
        let result = unsafe {
            libc::sysctlbyname(name.as_ptr(), value.as_mut_ptr().cast(), &raw mut len, ptr::null(), 0)
        };
        check(result)?;
        value.truncate(len);
        Ok(value)
    }

    pub(crate) fn kqueue() -> Result<OwnedFd, Errno> {
        // SAFETY: the call takes nothing and touches no memory of this process.
        let number = check(unsafe { libc::kqueue() })?;
        // SAFETY: the call has just made the descriptor, and nothing else knows of it.
        Ok(unsafe { OwnedFd::from_raw_fd(number) })
    }

    pub(crate) fn kevent_add(
        queue: &OwnedFd,
        filter: i16,
        ident: usize,
        fflags: u32,
        udata: usize,
    ) -> Result<(), Errno> {
        let mut change = empty();
        change.ident = ident;
        change.filter = filter;
        change.flags = libc::EV_ADD;
        change.fflags = fflags;
        change.udata = ptr::without_provenance_mut(udata);
        // SAFETY: the kernel reads the one change and writes no events.
        let result =
            unsafe { libc::kevent(queue.as_raw_fd(), &raw const change, 1, ptr::null_mut(), 0, ptr::null()) };
        check(result).map(drop)
    }

    pub(crate) fn kevent_take(queue: &OwnedFd) -> Result<Option<Event>, Errno> {
        let mut event = empty();
        let at_once = libc::timespec { tv_sec: 0, tv_nsec: 0 };
        // SAFETY: the kernel writes at most the one event, which is this function's, and reads the timeout.
        let result =
            unsafe { libc::kevent(queue.as_raw_fd(), ptr::null(), 0, &raw mut event, 1, &raw const at_once) };
        let (udata, data) = (event.udata.addr(), event.data);
        let event = Event { udata, flags: event.flags, fflags: event.fflags, data };
        Ok((check(result)? > 0).then_some(event))
    }

    fn empty() -> libc::kevent {
        libc::kevent {
            ident: 0,
            filter: 0,
            flags: 0,
            fflags: 0,
            data: 0,
            udata: ptr::null_mut(),
            ext: [0; 4],
        }
    }
}

#[cfg(target_os = "freebsd")]
pub(crate) use freebsd::*;

#[cfg(not(target_os = "freebsd"))]
mod elsewhere {
    use std::os::fd::OwnedFd;

    use freebsd_jail::sim::raw::Errno;

    use super::super::kernel::Event;

    pub(crate) fn sysctl(_: &str) -> Result<Vec<u8>, Errno> {
        Err(Errno(libc::ENOSYS))
    }

    pub(crate) fn kqueue() -> Result<OwnedFd, Errno> {
        Err(Errno(libc::ENOSYS))
    }

    pub(crate) fn kevent_add(_: &OwnedFd, _: i16, _: usize, _: u32, _: usize) -> Result<(), Errno> {
        Err(Errno(libc::ENOSYS))
    }

    pub(crate) fn kevent_take(_: &OwnedFd) -> Result<Option<Event>, Errno> {
        Err(Errno(libc::ENOSYS))
    }
}

#[cfg(not(target_os = "freebsd"))]
pub(crate) use elsewhere::*;
