//! Open directories: a process that has one cannot attach to a jail.

use core::ffi::c_int;
use std::path::PathBuf;

use super::open::{self, descriptors};
use super::{Errno, fd};

/// Returns this process's lowest descriptor that is a directory. With one, the process cannot attach to any jail
/// (`chroot_refuse_vdir_fds`). Async-signal-safe.
pub(crate) fn first_directory() -> Option<c_int> {
    descriptors().map(|(fd, _)| fd).find(|fd| is_directory(*fd))
}

/// Replaces each open directory of this process by a socket, except for standard input, output and error, and returns
/// whether there were any. Async-signal-safe.
///
/// The descriptors stay in use, so that a `File` that still has one of them closes the socket and not a file that was
/// opened since.
///
/// # Safety
///
/// Nothing in this process uses the directories any more: it was forked to execute a program, or to exit if it cannot.
pub(super) unsafe fn replace_directories() -> bool {
    // SAFETY: the call takes numbers and touches no memory.
    let Ok(socket) = Errno::check(unsafe { libc::socket(libc::AF_UNIX, libc::SOCK_STREAM, 0) }) else {
        return false;
    };
    let mut replaced = false;
    for (fd, _) in descriptors().filter(|(fd, _)| *fd > libc::STDERR_FILENO && is_directory(*fd)) {
        // SAFETY: the call takes numbers and touches no memory; the caller vouches that nobody uses the directory.
        if Errno::check(unsafe { libc::dup2(socket, fd) }).is_ok() {
            replaced = true;
            open::close_on_exec(fd, 0);
        }
    }
    // SAFETY: close takes a number, which is that of the socket above, and touches no memory.
    let _ = unsafe { libc::close(socket) };
    replaced
}

#[allow(clippy::useless_conversion, reason = "mode_t has 16 bits on some systems")]
fn is_directory(fd: c_int) -> bool {
    let directory = |stat: fd::Stat| stat.mode & u32::from(libc::S_IFMT) == u32::from(libc::S_IFDIR);
    fd::host_fstat(fd).is_ok_and(directory)
}

/// Returns the path of an open file, if the host knows it.
#[cfg(target_os = "freebsd")]
pub(crate) fn path_of(fd: c_int) -> Option<PathBuf> {
    use core::ffi::CStr;
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt;

    let bytes = open::information(fd).ok()?.kf_path.map(c_char_to_byte);
    let path = CStr::from_bytes_until_nul(&bytes).ok()?.to_bytes();
    (!path.is_empty()).then(|| PathBuf::from(OsStr::from_bytes(path)))
}

#[cfg(target_os = "freebsd")]
#[allow(clippy::cast_sign_loss, clippy::unnecessary_cast, reason = "char is signed on some processors")]
fn c_char_to_byte(char: core::ffi::c_char) -> u8 {
    char as u8
}

/// Returns the path of an open file, if the host knows it.
#[cfg(not(target_os = "freebsd"))]
pub(crate) fn path_of(fd: c_int) -> Option<PathBuf> {
    std::fs::read_link(format!("/proc/self/fd/{fd}")).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs::File;
    use std::os::fd::AsRawFd;

    #[test]
    #[cfg_attr(miri, ignore = "Miri lists no descriptors")]
    fn an_open_directory_is_found() {
        let directory = File::open("/").expect("opened");
        assert!(is_directory(directory.as_raw_fd()));
        let first = first_directory().expect("there is at least that one");
        assert!(is_directory(first));
    }

    #[test]
    #[cfg_attr(miri, ignore = "Miri's descriptors are not the host's")]
    fn the_path_of_a_directory_is_told() {
        let directory = File::open("/").expect("opened");
        if cfg!(any(target_os = "freebsd", target_os = "linux")) {
            assert_eq!(path_of(directory.as_raw_fd()), Some(PathBuf::from("/")));
        }
    }

    #[test]
    #[cfg_attr(miri, ignore = "Miri cannot fork")]
    fn the_number_of_a_replaced_directory_stays_open() {
        let directory = File::open("/").expect("opened");
        let number = directory.as_raw_fd();
        // SAFETY: the child makes system calls and exits.
        let child = unsafe { libc::fork() };
        assert!(child >= 0);
        if child == 0 {
            // SAFETY: this process does nothing but exit.
            let replaced = unsafe { replace_directories() };
            let flags = open::flags(number);
            let good =
                replaced && first_directory().is_none_or(|fd| fd <= 2) && flags == Ok(libc::FD_CLOEXEC);
            // SAFETY: it ends the process.
            unsafe { libc::_exit(if good { 7 } else { 1 }) };
        }
        let mut status = 0;
        // SAFETY: the kernel writes one int, which is ours.
        let waited = unsafe { libc::waitpid(child, &raw mut status, 0) };
        assert_eq!((waited, libc::WIFEXITED(status), libc::WEXITSTATUS(status)), (child, true, 7));
        assert!(is_directory(number));
    }

    #[test]
    fn a_file_is_no_directory() {
        let file = File::open("/etc/passwd").expect("opened");
        assert!(!is_directory(file.as_raw_fd()));
    }
}
