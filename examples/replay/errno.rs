//! Names of error numbers, as transcripts write them.

/// The name of an error number, which is the host's.
pub(crate) fn name(errno: i32) -> String {
    let names = [
        (libc::EPERM, "EPERM"),
        (libc::ENOENT, "ENOENT"),
        (libc::ESRCH, "ESRCH"),
        (libc::EBADF, "EBADF"),
        (libc::ENOMEM, "ENOMEM"),
        (libc::EFAULT, "EFAULT"),
        (libc::EEXIST, "EEXIST"),
        (libc::ENOTDIR, "ENOTDIR"),
        (libc::EINVAL, "EINVAL"),
        (libc::ENFILE, "ENFILE"),
        (libc::EMFILE, "EMFILE"),
        (libc::EFBIG, "EFBIG"),
        (libc::EAGAIN, "EAGAIN"),
        (libc::EDEADLK, "EDEADLK"),
        (libc::ENAMETOOLONG, "ENAMETOOLONG"),
        (libc::EADDRINUSE, "EADDRINUSE"),
        (libc::ENOSYS, "ENOSYS"),
    ];
    let name = names.into_iter().find(|(number, _)| *number == errno);
    name.map_or_else(|| format!("error {errno}"), |(_, name)| name.to_owned())
}
