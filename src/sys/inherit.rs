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
/// [mark](freebsd_jail_sim::seam::MARK), a pair of timeouts.
#[cfg(feature = "sim")]
mod model {
    use core::ffi::c_int;

    use freebsd_jail_sim::seam::MARK;
    use libc::{socklen_t, timeval};

    /// Whether a descriptor is a socket with that mark. Async-signal-safe.
    pub(super) fn is_marked(fd: c_int) -> bool {
        [libc::SO_RCVTIMEO, libc::SO_SNDTIMEO].into_iter().zip(MARK).all(|(option, seconds)| {
            let mut timeout = timeval { tv_sec: 0, tv_usec: 0 };
            let mut len = size();
            // SAFETY: the call writes at most as much as `len` says, which is one structure, ours; any number may be
            // asked for.
            let result = unsafe {
                libc::getsockopt(fd, libc::SOL_SOCKET, option, (&raw mut timeout).cast(), &raw mut len)
            };
            result == 0 && u64::try_from(timeout.tv_sec) == Ok(seconds)
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
    use std::os::fd::AsRawFd;
    use std::os::unix::net::UnixStream;
    use std::time::Duration;

    #[test]
    #[cfg_attr(miri, ignore = "it has no options of sockets")]
    fn a_jail_descriptor_of_a_model_differs_from_other_files() {
        let (marked, other) = UnixStream::pair().expect("a pair");
        let [receiving, sending] = freebsd_jail_sim::seam::MARK.map(Duration::from_secs);
        marked.set_read_timeout(Some(receiving)).expect("set");
        assert!(!is_jail_descriptor(marked.as_raw_fd()));
        marked.set_write_timeout(Some(sending)).expect("set");
        assert!(is_jail_descriptor(marked.as_raw_fd()));
        assert!(is_jail_descriptor(marked.try_clone().expect("copied").as_raw_fd()));
        assert!(!is_jail_descriptor(other.as_raw_fd()));
        assert!(!is_jail_descriptor(File::open("/dev/null").expect("opened").as_raw_fd()));
        assert!(!is_jail_descriptor(-1));
    }
}
