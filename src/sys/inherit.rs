//! Jail descriptors, which no program should inherit.
//!
//! Whoever has one of another jail has a way out of its own, and one that owns keeps its jail from going. The kernel
//! makes them without close-on-exec, and puts them into the process's table when jail_set(2) begins (T45): whatever
//! the parent does about that comes too late for a child that is forked meanwhile. So the child looks by itself.

use core::ffi::c_int;

use super::open;

/// Sets close-on-exec on each jail descriptor of this process, whoever made it. Async-signal-safe.
///
/// What is close-on-exec already is not looked at: this takes one fcntl(2) for each number up to the highest open one,
/// and one or two more for each descriptor that would be inherited.
pub(super) fn withhold_jail_descriptors() {
    for (fd, flags) in open::descriptors() {
        if flags & libc::FD_CLOEXEC == 0 && is_jail_descriptor(fd) {
            open::close_on_exec(fd, flags);
        }
    }
}

fn is_jail_descriptor(fd: c_int) -> bool {
    #[cfg(feature = "sim")]
    if model::is_marked(fd) {
        return true;
    }
    is_the_kernels(fd)
}

/// Asks by kind: while the call that makes a descriptor runs, the descriptor has no jail yet.
#[cfg(target_os = "freebsd")]
fn is_the_kernels(fd: c_int) -> bool {
    use super::bindings::JAIL_USE_DESC;
    use super::{Errno, Slot, kernel};

    /// `KF_TYPE_JAILDESC` of `sys/user.h`. Kernels without jail descriptors know no such kind.
    const JAIL_DESCRIPTOR: c_int = 16;

    match open::information(fd) {
        Ok(information) => information.kf_type == JAIL_DESCRIPTOR,
        // Its rights have been limited so far that it tells nothing; looking a jail up by it needs none
        // (`jaildesc_find`). `EINVAL` means that it is not a jail descriptor.
        Err(Errno(libc::ENOTCAPABLE)) => {
            let mut descriptor = fd.to_ne_bytes();
            let mut request = [Slot::new(b"desc\0", Some(&mut descriptor))];
            let (iov, niov) = Slot::as_iovecs(&mut request);
            // SAFETY: the slot is two iovecs, ours, and so is the memory that they name.
            let found = unsafe { kernel::jail_get(iov, niov, JAIL_USE_DESC) };
            found != Err(Errno(libc::EINVAL))
        }
        Err(_) => false,
    }
}

#[cfg(not(target_os = "freebsd"))]
fn is_the_kernels(_: c_int) -> bool {
    false
}

/// The descriptors of a model, which are sockets: what tells them from others in a forked child, where the model
/// cannot be asked, is a pair of timeouts that nobody else would set.
#[cfg(feature = "sim")]
pub(crate) mod model {
    use core::ffi::c_int;
    use core::ptr;
    use std::os::fd::{AsRawFd, BorrowedFd};

    use libc::{socklen_t, timeval};

    use crate::sys::Errno;

    /// In seconds, and such that the oldest kernels take them.
    const MARK: [(c_int, libc::time_t); 2] = [(libc::SO_RCVTIMEO, 1_618_033), (libc::SO_SNDTIMEO, 2_718_281)];

    /// Marks a socket as a jail descriptor.
    pub(crate) fn mark(socket: BorrowedFd<'_>) -> Result<(), Errno> {
        for (option, seconds) in MARK {
            let timeout = timeval { tv_sec: seconds, tv_usec: 0 };
            // SAFETY: the call reads one structure of the size that it is told, which is ours; the socket is open
            // while it is borrowed.
            let result = unsafe {
                libc::setsockopt(
                    socket.as_raw_fd(),
                    libc::SOL_SOCKET,
                    option,
                    ptr::from_ref(&timeout).cast(),
                    size(),
                )
            };
            if result == -1 {
                return Err(Errno::last());
            }
        }
        Ok(())
    }

    /// Whether a descriptor is a socket with that mark. Async-signal-safe.
    pub(super) fn is_marked(fd: c_int) -> bool {
        MARK.iter().all(|(option, seconds)| {
            let mut timeout = timeval { tv_sec: 0, tv_usec: 0 };
            let mut len = size();
            // SAFETY: the call writes at most as much as `len` says, which is one structure, ours; any number may be
            // asked for.
            let result = unsafe {
                libc::getsockopt(fd, libc::SOL_SOCKET, *option, (&raw mut timeout).cast(), &raw mut len)
            };
            result == 0 && timeout.tv_sec == *seconds
        })
    }

    #[allow(clippy::cast_possible_truncation, reason = "it has 16 bytes at most")]
    const fn size() -> socklen_t {
        size_of::<timeval>() as socklen_t
    }
}

#[cfg(all(test, feature = "sim"))]
mod tests {
    use super::*;
    use std::fs::File;
    use std::os::fd::{AsFd, AsRawFd};
    use std::os::unix::net::UnixStream;

    #[test]
    fn a_model_s_jail_descriptor_is_told_from_other_files() {
        let (marked, other) = UnixStream::pair().expect("a pair");
        model::mark(marked.as_fd()).expect("marked");
        assert!(is_jail_descriptor(marked.as_raw_fd()));
        assert!(is_jail_descriptor(marked.try_clone().expect("copied").as_raw_fd()));
        assert!(!is_jail_descriptor(other.as_raw_fd()));
        assert!(!is_jail_descriptor(File::open("/dev/null").expect("opened").as_raw_fd()));
        assert!(!is_jail_descriptor(-1));
    }
}
