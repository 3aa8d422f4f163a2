//! The open descriptors of this process.
//!
//! Everything here is async-signal-safe.

use core::ffi::c_int;

use super::Errno;

/// The highest descriptor to check if the kernel does not tell how many are open.
const UNCOUNTED: c_int = 1 << 16;

/// Returns the flags of a descriptor, `EBADF` if it is not open.
pub(super) fn flags(fd: c_int) -> Result<c_int, Errno> {
    // SAFETY: F_GETFD takes a number, which need not be open, and touches no memory.
    let flags = unsafe { libc::fcntl(fd, libc::F_GETFD) };
    Errno::check(flags)
}

/// Sets close-on-exec and keeps other flags.
pub(super) fn close_on_exec(fd: c_int, flags: c_int) {
    // SAFETY: F_SETFD takes numbers and touches no memory; the descriptor stays open.
    let result = unsafe { libc::fcntl(fd, libc::F_SETFD, flags | libc::FD_CLOEXEC) };
    debug_assert_eq!(result, 0, "the descriptor is open");
}

/// Returns the kernel's information about an open file.
///
/// # Errors
///
/// `ENOTCAPABLE` if the descriptor lacks the right `CAP_FCNTL`, `EBADF` if it is not open.
#[cfg(target_os = "freebsd")]
pub(super) fn information(fd: c_int) -> Result<libc::kinfo_file, Errno> {
    // SAFETY: the structure consists of integers only, all of which may be zero.
    let mut info: libc::kinfo_file = unsafe { core::mem::zeroed() };
    info.kf_structsize = c_int::try_from(size_of::<libc::kinfo_file>()).map_err(|_| Errno(libc::EINVAL))?;
    // SAFETY: F_KINFO takes a structure of exactly the size that `kf_structsize` says, which is ours, and fills it.
    let result = unsafe { libc::fcntl(fd, libc::F_KINFO, &raw mut info) };
    Errno::check(result).map(|_| info)
}

/// Returns this process's open descriptors with their flags, from the lowest to the highest.
///
/// Calls fcntl(2) for each number, up to the highest open one if the kernel tells how many are open.
pub(super) fn descriptors() -> impl Iterator<Item = (c_int, c_int)> {
    let (count, end) = extent();
    (0..end).filter_map(|fd| Some((fd, flags(fd).ok()?))).take(count)
}

/// Returns how many descriptors are open, and the upper bound of their numbers.
#[cfg(target_os = "freebsd")]
fn extent() -> (usize, c_int) {
    use super::kernel;

    let number = |mib: &[c_int]| {
        let mut value = [0; size_of::<c_int>()];
        kernel::sysctl(mib, Some(&mut value), None).ok().map(|_| c_int::from_ne_bytes(value))
    };
    // Neither fails on supported releases: the first exists since 12.2.
    let open = number(&[libc::CTL_KERN, libc::KERN_PROC, libc::KERN_PROC_NFDS, 0]);
    let most = number(&[libc::CTL_KERN, libc::KERN_MAXFILESPERPROC]).unwrap_or(UNCOUNTED);
    (open.and_then(|open| usize::try_from(open).ok()).unwrap_or(usize::MAX), most)
}

/// Returns how many descriptors are open, if the host tells, and the upper bound of their numbers.
#[cfg(not(target_os = "freebsd"))]
fn extent() -> (usize, c_int) {
    if cfg!(miri) {
        // It has neither call, and knows nothing of descriptors that are not files: none is looked at.
        return (0, 0);
    }
    let mut limit = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
    // SAFETY: the kernel writes one structure, which is ours.
    let result = unsafe { libc::getrlimit(libc::RLIMIT_NOFILE, &raw mut limit) };
    let most = if result == 0 { c_int::try_from(limit.rlim_cur).unwrap_or(UNCOUNTED) } else { UNCOUNTED };
    (count().unwrap_or(usize::MAX), most.min(UNCOUNTED))
}

/// Returns how many descriptors are open: since Linux 6.2 this is the size of this directory, which is 0 before. Other
/// systems lack the directory.
#[cfg(not(target_os = "freebsd"))]
fn count() -> Option<usize> {
    let mut stat = core::mem::MaybeUninit::<libc::stat>::uninit();
    // SAFETY: the path ends in NUL; the kernel writes one structure, which is ours.
    if Errno::check(unsafe { libc::stat(c"/proc/self/fd".as_ptr(), stat.as_mut_ptr()) }).is_err() {
        return None;
    }
    // SAFETY: the call succeeded, and so filled it.
    let stat = unsafe { stat.assume_init() };
    usize::try_from(stat.st_size).ok().filter(|count| *count > 0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs::File;
    use std::os::fd::AsRawFd;

    #[test]
    #[cfg_attr(miri, ignore = "Miri lists no descriptors")]
    fn every_open_descriptor_is_listed_and_no_other() {
        // Other tests open and close theirs at the same time, but not this one.
        let file = File::open("/etc/passwd").expect("opened");
        let high = 900;
        // SAFETY: takes numbers, and touches no memory; nothing has a number this high.
        assert_eq!(unsafe { libc::fcntl(file.as_raw_fd(), libc::F_DUPFD, high) }, high);
        let listed: Vec<_> = descriptors().collect();
        assert!(listed.contains(&(high, 0)), "{listed:?}");
        // SAFETY: closes the copy made above, which nothing else uses.
        assert_eq!(unsafe { libc::close(high) }, 0);
        assert!(descriptors().all(|(fd, _)| fd != high));
        assert_eq!(flags(high), Err(Errno(libc::EBADF)));
    }

    #[test]
    #[cfg_attr(miri, ignore = "Miri lists no descriptors")]
    fn an_open_descriptor_is_listed_with_its_flags() {
        let file = File::open("/etc/passwd").expect("opened");
        let found = descriptors().find(|(fd, _)| *fd == file.as_raw_fd());
        assert_eq!(found, Some((file.as_raw_fd(), libc::FD_CLOEXEC)));
    }
}
