//! The meaning of a failed attach or removal.

use std::path::PathBuf;

use super::{Call, Error, ErrorKind};
use crate::sys::directories::{first_directory, path_of};
use crate::sys::{self, Errno};

/// Why attaching is not permitted.
pub(super) const ATTACHING: &str = "attaching needs root, and no directory may be open in the process";

/// Why no process can attach to a jail.
pub(super) const ROOT_CLOSED: &str = "this process may not search the jail's root directory";

/// Why a jail's root no longer exists.
pub(super) const ROOT_UNMOUNTED: &str =
    "the jail's root is no longer a directory: its file system was unmounted by force";

/// Why a process cannot be moved into a jail's cpuset.
pub(super) const NO_COMMON_CPU: &str = "the process and the jail have no CPU in common: see cpuset(1)";

/// The meaning of `EINVAL` when attaching to an existing jail.
const NO_SUCH_FIB: &str = "the jail's own network stack does not have this process's routing table (setfib(2), \
                           sysctl net.fibs)";

/// Makes the error of a failed jail_attach or jail_attach_jd.
pub(crate) fn attach_error(call: Call, errno: Errno) -> Error {
    match errno.0 {
        libc::ENOSYS => unsupported(call),
        libc::EPERM => Error::os(call, errno, ErrorKind::PermissionDenied, ATTACHING),
        libc::EACCES => Error::os(call, errno, ErrorKind::PermissionDenied, ROOT_CLOSED),
        libc::ENOTDIR => Error::os(call, errno, ErrorKind::InvalidPath, ROOT_UNMOUNTED),
        libc::EINVAL | libc::ENOENT => gone(call, errno),
        libc::EBADF => Error::os(call, errno, ErrorKind::InvalidDescriptor, ""),
        libc::EDEADLK => Error::os(call, errno, ErrorKind::Other, NO_COMMON_CPU),
        libc::EAGAIN => Error::os(call, errno, ErrorKind::Dying, ""),
        _ => Error::os(call, errno, ErrorKind::Other, ""),
    }
}

/// Makes the error of a failed jail_remove or jail_remove_jd.
pub(crate) fn remove_error(call: Call, errno: Errno) -> Error {
    match errno.0 {
        libc::ENOSYS => unsupported(call),
        libc::EPERM => Error::os(call, errno, ErrorKind::PermissionDenied, "removing a jail needs root"),
        libc::EINVAL | libc::ENOENT => gone(call, errno),
        libc::EBADF => Error::os(call, errno, ErrorKind::InvalidDescriptor, ""),
        _ => Error::os(call, errno, ErrorKind::Other, ""),
    }
}

fn unsupported(call: Call) -> Error {
    match call {
        Call::JailAttachJd | Call::JailRemoveJd => Error::no_descriptors(),
        _ => Error::no_jails(call),
    }
}

/// By jid, EINVAL means that there is no such jail; for a descriptor, that it is not a jail descriptor. When attaching
/// it may also mean that the jail lacks the process's routing table.
fn gone(call: Call, errno: Errno) -> Error {
    let (kind, reason) = match (call, errno.0) {
        (Call::JailAttachJd, libc::EINVAL) => (
            ErrorKind::InvalidDescriptor,
            "not a jail descriptor, or the jail's network stack lacks this process's routing table",
        ),
        (Call::JailRemoveJd, libc::EINVAL) => (ErrorKind::InvalidDescriptor, "not a jail descriptor"),
        (Call::JailAttachJd | Call::JailRemoveJd, _) => {
            (ErrorKind::Gone, "the descriptor's jail has been removed")
        }
        (Call::JailAttach, _) => (
            ErrorKind::NotFound,
            "there is no such jail below this process's own, or its network stack does not have this process's \
             routing table",
        ),
        _ => (ErrorKind::NotFound, "no such jail below this process's own"),
    };
    Error::os(call, errno, kind, reason)
}

/// Returns the first open directory of this process, with its path if known.
pub(crate) fn first_open_directory() -> Option<(i32, Option<PathBuf>)> {
    first_directory().map(|fd| (fd, path_of(fd)))
}

/// Explains why this process could not attach to a new jail.
pub(crate) fn explain_own_attach(error: Error) -> Error {
    explain_attach(error, first_open_directory)
}

/// Explains why attaching to a jail failed. `obstacle` finds an open directory, with its path if known.
pub(crate) fn explain_attach(
    error: Error,
    obstacle: impl FnOnce() -> Option<(i32, Option<PathBuf>)>,
) -> Error {
    match (error.errno(), error.call()) {
        (Some(libc::EPERM), _) => {}
        // The kernel has found the jail at this point.
        (Some(libc::EINVAL), Some(Call::JailSet)) if error.message() == Some("attach failed") => {
            return error.with_kind(ErrorKind::Other).because(NO_SUCH_FIB);
        }
        _ => return error.of_handle(),
    }
    match obstacle() {
        Some((fd, path)) => {
            let path = path.map(|path| format!(" {}", path.display())).unwrap_or_default();
            error.because(format_args!(
                "descriptor {fd} is the open directory{path}: a process that has a directory open cannot attach to \
                 a jail"
            ))
        }
        None if sys::child::effective_uid() != 0 => error.because("attaching to a jail needs root"),
        None => {
            error.because("the kernel allows this process, or the descriptor's maker, to attach to no jail")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_refused_attach_is_explained_by_the_routing_table() {
        let error =
            |kind, message| Error::os(Call::JailSet, Errno(libc::EINVAL), kind, "").with_message(message);
        let explained = |error| explain_attach(error, || panic!("only EPERM is about directories"));
        let attach = explained(error(ErrorKind::NotFound, "attach failed"));
        assert_eq!(attach.kind(), ErrorKind::Other);
        assert!(attach.to_string().contains(NO_SUCH_FIB), "{attach}");
        let other = explained(error(ErrorKind::InvalidDescriptor, "not a jail descriptor"));
        assert_eq!(other.kind(), ErrorKind::InvalidDescriptor);
        assert!(!other.to_string().contains(NO_SUCH_FIB), "{other}");
        let by_jid = explained(attach_error(Call::JailAttach, Errno(libc::EINVAL)));
        assert_eq!(by_jid.kind(), ErrorKind::Gone);
    }
}
