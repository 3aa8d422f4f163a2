//! The kinds of errors, and the calls that may fail.

use core::fmt;
use std::io;

use crate::sys::ENOTCAPABLE;

/// The kind of an [`Error`](crate::Error).
///
/// An errno alone is ambiguous: `ENOENT` of [jail_set(2)] may be about the path, the parent or the jail, and `EINVAL`
/// of [jail_attach(2)] usually means that the jail is gone. The kind resolves this.
///
/// [jail_set(2)]: https://man.freebsd.org/cgi/man.cgi?query=jail_set&sektion=2
/// [jail_attach(2)]: https://man.freebsd.org/cgi/man.cgi?query=jail_attach&sektion=2
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The host lacks the call: it is not FreeBSD and no model is installed (`ENOSYS`), or the kernel is too old.
    Unsupported,
    /// Not root, or a value looser than the parent jail allows (`EPERM`).
    PermissionDenied,
    /// No jail of that name or jid is visible to this process (`ENOENT`; for [jail_attach(2)] and [jail_remove(2)] by
    /// jid `EINVAL`).
    ///
    /// [jail_attach(2)]: https://man.freebsd.org/cgi/man.cgi?query=jail_attach&sektion=2
    /// [jail_remove(2)]: https://man.freebsd.org/cgi/man.cgi?query=jail_remove&sektion=2
    NotFound,
    /// The jail of this handle has been removed.
    Gone,
    /// The jail is being removed and can no longer be changed or be a parent (`ENOENT` "… is dying").
    Dying,
    /// A jail of that name or jid exists (`EEXIST`).
    AlreadyExists,
    /// The running kernel lacks the parameter, or a read-only one was set (`EINVAL` "unknown parameter").
    UnknownParameter,
    /// A parameter's name is malformed, reserved, or may not be used this way, as a create-only one on an update.
    InvalidParameter,
    /// A parameter's value is malformed, out of range, too long or of the wrong size (`EINVAL`, `ENAMETOOLONG`,
    /// `EFBIG`).
    InvalidValue,
    /// Two parameters of one request exclude each other.
    Conflict,
    /// A request has too many parameters or bytes for the kernel, or none at all.
    InvalidRequest,
    /// The jail's path, or the working directory of a program in it, does not exist, is not a directory, or cannot be
    /// reached (`ENOENT`, `ENOTDIR`, `ELOOP` …).
    InvalidPath,
    /// A program cannot be executed: it does not exist in the jail, has an unknown format, or is not executable
    /// (`ENOENT`, `ENOTDIR`, `EACCES`, `ENOEXEC` …).
    NotExecutable,
    /// An address is in use by another jail, and one of the two has more addresses (`EADDRINUSE`): jails can share an
    /// address only if each of them has no other.
    AddressInUse,
    /// A jail has reached its limit of child jails (`EPERM` "prison limit exceeded", or without a message if the limit
    /// is 0).
    LimitExceeded,
    /// The descriptor is not open or is not a jail descriptor (`EBADF`, `EINVAL`).
    InvalidDescriptor,
    /// The handle belongs to the process that made it, and this process was forked from it.
    OtherProcess,
    /// Capsicum forbids the call: the process is in capability mode (`ECAPMODE`), or the descriptor lacks the right
    /// (`ENOTCAPABLE`). The state of the jail is unknown.
    NotCapable,
    /// The process or the system is out of descriptors, memory or jids (`EMFILE`, `ENFILE`, `ENOMEM`, `EAGAIN`).
    ResourceExhausted,
    /// The kernel's answer is malformed, for example a string without NUL.
    InvalidAnswer,
    /// Any other error: see the errno.
    Other,
}

impl ErrorKind {
    /// Returns the nearest kind of std.
    #[must_use]
    pub fn io_kind(self) -> io::ErrorKind {
        match self {
            Self::Unsupported => io::ErrorKind::Unsupported,
            Self::PermissionDenied | Self::NotCapable => io::ErrorKind::PermissionDenied,
            Self::LimitExceeded => io::ErrorKind::QuotaExceeded,
            Self::NotFound | Self::Gone | Self::Dying | Self::InvalidPath | Self::NotExecutable => {
                io::ErrorKind::NotFound
            }
            Self::AlreadyExists => io::ErrorKind::AlreadyExists,
            Self::UnknownParameter
            | Self::InvalidParameter
            | Self::InvalidValue
            | Self::Conflict
            | Self::InvalidRequest
            | Self::InvalidDescriptor
            | Self::OtherProcess => io::ErrorKind::InvalidInput,
            Self::AddressInUse => io::ErrorKind::AddrInUse,
            Self::ResourceExhausted => io::ErrorKind::OutOfMemory,
            Self::InvalidAnswer => io::ErrorKind::InvalidData,
            Self::Other => io::ErrorKind::Other,
        }
    }

    /// Returns an errno for this kind: the kernel's, or the nearest one for mistakes that are found before any system
    /// call.
    ///
    /// Several kinds share an errno, as in the kernel.
    #[must_use]
    pub fn errno(self) -> i32 {
        match self {
            Self::Unsupported => libc::ENOSYS,
            Self::PermissionDenied | Self::LimitExceeded | Self::OtherProcess => libc::EPERM,
            Self::NotFound | Self::Gone | Self::Dying | Self::InvalidPath => libc::ENOENT,
            Self::AlreadyExists => libc::EEXIST,
            Self::UnknownParameter
            | Self::InvalidParameter
            | Self::InvalidValue
            | Self::Conflict
            | Self::InvalidRequest => libc::EINVAL,
            Self::NotExecutable => libc::ENOEXEC,
            Self::AddressInUse => libc::EADDRINUSE,
            Self::InvalidDescriptor => libc::EBADF,
            Self::NotCapable => ENOTCAPABLE,
            Self::ResourceExhausted => libc::ENOMEM,
            Self::InvalidAnswer | Self::Other => libc::EIO,
        }
    }
}

impl fmt::Display for ErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Unsupported => "not supported by this kernel",
            Self::PermissionDenied => "permission denied",
            Self::NotFound => "not found",
            Self::Gone => "the jail has been removed",
            Self::Dying => "the jail is being removed",
            Self::AlreadyExists => "already exists",
            Self::UnknownParameter => "unknown parameter",
            Self::InvalidParameter => "invalid parameter",
            Self::InvalidValue => "invalid value",
            Self::Conflict => "parameters exclude each other",
            Self::InvalidRequest => "invalid request",
            Self::InvalidPath => "invalid path",
            Self::NotExecutable => "the program cannot be executed",
            Self::AddressInUse => "address in use",
            Self::LimitExceeded => "limit of child jails reached",
            Self::InvalidDescriptor => "not a jail descriptor",
            Self::OtherProcess => "the handle belongs to another process",
            Self::NotCapable => "not permitted in capability mode",
            Self::ResourceExhausted => "out of descriptors, memory or jids",
            Self::InvalidAnswer => "unexpected answer from the kernel",
            Self::Other => "the call failed",
        })
    }
}

/// The system call that an [`Error`](crate::Error) comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Call {
    /// [jail(2)](https://man.freebsd.org/cgi/man.cgi?query=jail&sektion=2)
    Jail,
    /// [jail_set(2)](https://man.freebsd.org/cgi/man.cgi?query=jail_set&sektion=2)
    JailSet,
    /// [jail_get(2)](https://man.freebsd.org/cgi/man.cgi?query=jail_get&sektion=2)
    JailGet,
    /// [jail_attach(2)](https://man.freebsd.org/cgi/man.cgi?query=jail_attach&sektion=2)
    JailAttach,
    /// [jail_attach_jd(2)](https://man.freebsd.org/cgi/man.cgi?query=jail_attach_jd&sektion=2)
    JailAttachJd,
    /// [jail_remove(2)](https://man.freebsd.org/cgi/man.cgi?query=jail_remove&sektion=2)
    JailRemove,
    /// [jail_remove_jd(2)](https://man.freebsd.org/cgi/man.cgi?query=jail_remove_jd&sektion=2)
    JailRemoveJd,
    /// [fcntl(2)](https://man.freebsd.org/cgi/man.cgi?query=fcntl&sektion=2)
    Fcntl,
    /// [fstat(2)](https://man.freebsd.org/cgi/man.cgi?query=fstat&sektion=2)
    Fstat,
    /// [sysctl(3)](https://man.freebsd.org/cgi/man.cgi?query=sysctl&sektion=3)
    Sysctl,
    /// [kqueue(2)](https://man.freebsd.org/cgi/man.cgi?query=kqueue&sektion=2)
    Kqueue,
    /// [kevent(2)](https://man.freebsd.org/cgi/man.cgi?query=kevent&sektion=2)
    Kevent,
    /// [cpuset_getaffinity(2)](https://man.freebsd.org/cgi/man.cgi?query=cpuset_getaffinity&sektion=2)
    CpusetGetaffinity,
    /// [cpuset_setaffinity(2)](https://man.freebsd.org/cgi/man.cgi?query=cpuset_setaffinity&sektion=2)
    CpusetSetaffinity,
    /// [setsid(2)](https://man.freebsd.org/cgi/man.cgi?query=setsid&sektion=2)
    Setsid,
    /// [setpgid(2)](https://man.freebsd.org/cgi/man.cgi?query=setpgid&sektion=2)
    Setpgid,
    /// [setfib(2)](https://man.freebsd.org/cgi/man.cgi?query=setfib&sektion=2)
    Setfib,
    /// [chdir(2)](https://man.freebsd.org/cgi/man.cgi?query=chdir&sektion=2)
    Chdir,
    /// [setrlimit(2)](https://man.freebsd.org/cgi/man.cgi?query=setrlimit&sektion=2)
    Setrlimit,
    /// [setgroups(2)](https://man.freebsd.org/cgi/man.cgi?query=setgroups&sektion=2)
    Setgroups,
    /// [setgid(2)](https://man.freebsd.org/cgi/man.cgi?query=setgid&sektion=2)
    Setgid,
    /// [setuid(2)](https://man.freebsd.org/cgi/man.cgi?query=setuid&sektion=2)
    Setuid,
    /// [execve(2)](https://man.freebsd.org/cgi/man.cgi?query=execve&sektion=2)
    Execve,
    /// [fork(2)](https://man.freebsd.org/cgi/man.cgi?query=fork&sektion=2)
    Fork,
    /// [wait(2)](https://man.freebsd.org/cgi/man.cgi?query=wait&sektion=2)
    Wait,
    /// [kill(2)](https://man.freebsd.org/cgi/man.cgi?query=kill&sektion=2)
    Kill,
    /// [mkfifo(2)](https://man.freebsd.org/cgi/man.cgi?query=mkfifo&sektion=2)
    Mkfifo,
    /// [mmap(2)](https://man.freebsd.org/cgi/man.cgi?query=mmap&sektion=2)
    Mmap,
    /// [open(2)](https://man.freebsd.org/cgi/man.cgi?query=open&sektion=2)
    Open,
    /// [poll(2)](https://man.freebsd.org/cgi/man.cgi?query=poll&sektion=2)
    Poll,
    /// [socketpair(2)](https://man.freebsd.org/cgi/man.cgi?query=socketpair&sektion=2)
    Socketpair,
    /// [write(2)](https://man.freebsd.org/cgi/man.cgi?query=write&sektion=2)
    Write,
    /// [getpwnam(3)](https://man.freebsd.org/cgi/man.cgi?query=getpwnam&sektion=3)
    Getpwnam,
    /// [ioctl(2)](https://man.freebsd.org/cgi/man.cgi?query=ioctl&sektion=2)
    Ioctl,
}

impl Call {
    /// Returns the call's name, as its manual page has it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Jail => "jail",
            Self::JailSet => "jail_set",
            Self::JailGet => "jail_get",
            Self::JailAttach => "jail_attach",
            Self::JailAttachJd => "jail_attach_jd",
            Self::JailRemove => "jail_remove",
            Self::JailRemoveJd => "jail_remove_jd",
            Self::Fcntl => "fcntl",
            Self::Fstat => "fstat",
            Self::Sysctl => "sysctl",
            Self::Kqueue => "kqueue",
            Self::Kevent => "kevent",
            Self::CpusetGetaffinity => "cpuset_getaffinity",
            Self::CpusetSetaffinity => "cpuset_setaffinity",
            Self::Setsid => "setsid",
            Self::Setpgid => "setpgid",
            Self::Setfib => "setfib",
            Self::Chdir => "chdir",
            Self::Setrlimit => "setrlimit",
            Self::Setgroups => "setgroups",
            Self::Setgid => "setgid",
            Self::Setuid => "setuid",
            Self::Execve => "execve",
            Self::Fork => "fork",
            Self::Wait => "wait",
            Self::Kill => "kill",
            Self::Mkfifo => "mkfifo",
            Self::Mmap => "mmap",
            Self::Open => "open",
            Self::Poll => "poll",
            Self::Socketpair => "socketpair",
            Self::Write => "write",
            Self::Getpwnam => "getpwnam",
            Self::Ioctl => "ioctl",
        }
    }
}

impl fmt::Display for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
