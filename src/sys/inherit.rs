//! Jail descriptors, which no program should inherit.
//!
//! With a descriptor of another jail, root in a jail can leave it, and an owning one keeps its jail alive. The kernel
//! makes them without close-on-exec, and they are in the process's table from the start of jail_set(2) (T45). Setting
//! the flag in the parent is too late for a child that is forked during the call, so the child sets it.

use core::ffi::c_int;

use super::open;

/// Sets close-on-exec on each jail descriptor of this process, whoever made it. Async-signal-safe.
///
/// Takes one fcntl(2) for each number up to the highest open one, and one or two more for each descriptor that is not
/// close-on-exec.
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

/// Checks the type of the file: a descriptor whose jail_set(2) has not returned yet has no jail.
#[cfg(target_os = "freebsd")]
fn is_the_kernels(fd: c_int) -> bool {
    use super::bindings::JAIL_USE_DESC;
    use super::{Errno, Slot, kernel};

    /// `KF_TYPE_JAILDESC` of `sys/user.h`. Kernels without jail descriptors have no such type.
    const JAIL_DESCRIPTOR: c_int = 16;

    match open::information(fd) {
        Ok(information) => information.kf_type == JAIL_DESCRIPTOR,
        // The descriptor lacks `CAP_FCNTL`. Looking up a jail needs no right (`jaildesc_find`), and `EINVAL` means that
        // it is not a jail descriptor.
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

/// The descriptors of a model, which are sockets. A forked child cannot ask the model for them, and identifies them by a
/// pair of timeouts that no program would set.
#[cfg(feature = "sim")]
pub(crate) mod model {
    use core::ffi::c_int;
    use core::ptr;
    use std::os::fd::{AsRawFd, BorrowedFd};

    use libc::{socklen_t, timeval};

    use crate::sys::Errno;

    /// In seconds, within the range of the oldest kernels.
    const MARK: [(c_int, libc::time_t); 2] = [(libc::SO_RCVTIMEO, 1_618_033), (libc::SO_SNDTIMEO, 2_718_281)];

    /// Marks a socket as a jail descriptor.
    pub(crate) fn mark(socket: BorrowedFd<'_>) -> Result<(), Errno> {
        if cfg!(miri) {
            // Miri does not fork.
            return Ok(());
        }
        for (option, seconds) in MARK {
            let timeout = timeval { tv_sec: seconds, tv_usec: 0 };
            // SAFETY: the call reads one structure of the size that it is told, which is ours; the socket is open
            // while it is borrowed.
            Errno::check(unsafe {
                libc::setsockopt(
                    socket.as_raw_fd(),
                    libc::SOL_SOCKET,
                    option,
                    ptr::from_ref(&timeout).cast(),
                    size(),
                )
            })?;
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
    #[cfg_attr(miri, ignore = "it has no options of sockets")]
    fn a_jail_descriptor_of_a_model_differs_from_other_files() {
        let (marked, other) = UnixStream::pair().expect("a pair");
        model::mark(marked.as_fd()).expect("marked");
        assert!(is_jail_descriptor(marked.as_raw_fd()));
        assert!(is_jail_descriptor(marked.try_clone().expect("copied").as_raw_fd()));
        assert!(!is_jail_descriptor(other.as_raw_fd()));
        assert!(!is_jail_descriptor(File::open("/dev/null").expect("opened").as_raw_fd()));
        assert!(!is_jail_descriptor(-1));
    }
}
