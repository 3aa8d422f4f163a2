//! Open directories, which keep a process out of jails.

use core::ffi::c_int;
use std::path::PathBuf;

use super::{Errno, fd};

/// The most descriptor numbers that are looked at where the kernel does not say how many are open.
const UNCOUNTED: c_int = 1 << 16;

/// Returns the lowest descriptor of this process that is a directory, which refuses to enter any jail then
/// (`chroot_refuse_vdir_fds`). Async-signal-safe.
pub(crate) fn first_directory() -> Option<c_int> {
    descriptors().find(|fd| is_directory(*fd))
}

/// Closes this process's directories, but for those that are its standard input, output and error, and says
/// whether there were any. Async-signal-safe.
///
/// # Safety
///
/// Nothing in this process uses the descriptors any more that are closed: it has been forked for a program that
/// it will execute, or else will exit.
pub(super) unsafe fn close_directories() -> bool {
    let mut closed = false;
    for fd in descriptors().filter(|fd| *fd > libc::STDERR_FILENO && is_directory(*fd)) {
        // SAFETY: close takes a number and touches no memory; the caller vouches that nobody uses it.
        closed |= unsafe { libc::close(fd) } == 0;
    }
    closed
}

#[allow(clippy::useless_conversion, reason = "mode_t has 16 bits on some systems")]
fn is_directory(fd: c_int) -> bool {
    let directory = |stat: fd::Stat| stat.mode & u32::from(libc::S_IFMT) == u32::from(libc::S_IFDIR);
    fd::host_fstat(fd).is_ok_and(directory)
}

/// The numbers of this process's open descriptors. It ends with the last that is open where the kernel says how
/// many there are, and with the highest possible one anyway.
fn descriptors() -> impl Iterator<Item = c_int> {
    let (count, end) = extent();
    let mut left = count;
    let mut next = 0;
    core::iter::from_fn(move || {
        while left > 0 && next < end {
            let fd = next;
            next += 1;
            if fd::host_fstat(fd) != Err(Errno(libc::EBADF)) {
                left -= 1;
                return Some(fd);
            }
        }
        None
    })
}

/// How many descriptors are open, and the number above the highest possible one.
#[cfg(target_os = "freebsd")]
fn extent() -> (usize, c_int) {
    use super::kernel;

    let number = |mib: &[c_int]| {
        let mut value = [0; size_of::<c_int>()];
        kernel::sysctl(mib, Some(&mut value), None).ok().map(|_| c_int::from_ne_bytes(value))
    };
    // Without error wherever the crate runs: the first has been there since 12.2.
    let open = number(&[libc::CTL_KERN, libc::KERN_PROC, libc::KERN_PROC_NFDS, 0]);
    let most = number(&[libc::CTL_KERN, libc::KERN_MAXFILESPERPROC]).unwrap_or(UNCOUNTED);
    (open.and_then(|open| usize::try_from(open).ok()).unwrap_or(usize::MAX), most)
}

#[cfg(not(target_os = "freebsd"))]
fn extent() -> (usize, c_int) {
    (usize::MAX, UNCOUNTED)
}

/// Returns the path of an open file, where the host can tell.
#[cfg(target_os = "freebsd")]
pub(crate) fn path_of(fd: c_int) -> Option<PathBuf> {
    use core::ffi::CStr;
    use core::mem::zeroed;
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt;

    // SAFETY: the structure consists of integers only, all of which may be zero.
    let mut info: libc::kinfo_file = unsafe { zeroed() };
    info.kf_structsize = c_int::try_from(size_of::<libc::kinfo_file>()).ok()?;
    // SAFETY: F_KINFO writes at most as much as `kf_structsize` says, which is all of the structure, and ours.
    let result = unsafe { libc::fcntl(fd, libc::F_KINFO, &raw mut info) };
    if result == -1 {
        return None;
    }
    let bytes = info.kf_path.map(c_char_to_byte);
    let path = CStr::from_bytes_until_nul(&bytes).ok()?.to_bytes();
    (!path.is_empty()).then(|| PathBuf::from(OsStr::from_bytes(path)))
}

#[cfg(target_os = "freebsd")]
#[allow(clippy::cast_sign_loss, clippy::unnecessary_cast, reason = "char is signed on some processors")]
fn c_char_to_byte(char: core::ffi::c_char) -> u8 {
    char as u8
}

/// Returns the path of an open file, where the host can tell.
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
    fn an_open_directory_is_found() {
        let directory = File::open("/").expect("opened");
        assert!(is_directory(directory.as_raw_fd()));
        assert!(descriptors().any(|fd| fd == directory.as_raw_fd()));
        let first = first_directory().expect("there is at least that one");
        assert!(is_directory(first));
    }

    #[test]
    fn the_path_of_a_directory_is_told() {
        let directory = File::open("/").expect("opened");
        if cfg!(any(target_os = "freebsd", target_os = "linux")) {
            assert_eq!(path_of(directory.as_raw_fd()), Some(PathBuf::from("/")));
        }
    }

    #[test]
    fn a_file_is_no_directory() {
        let file = File::open("/etc/passwd").expect("opened");
        assert!(!is_directory(file.as_raw_fd()));
    }
}
