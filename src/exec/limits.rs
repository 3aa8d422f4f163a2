//! Resource limits and other settings of a process.

use crate::error::{Error, ErrorKind, Result};
use crate::sys::child::Limit;

/// A resource that [`JailCommand::limit`](crate::JailCommand::limit) can limit.
///
/// Off FreeBSD, starting a program fails with [`ErrorKind::Unsupported`] for those that the host lacks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Resource {
    /// Processor time, in seconds: `RLIMIT_CPU`.
    CpuTime,
    /// The largest file it may write, in bytes: `RLIMIT_FSIZE`.
    FileSize,
    /// The data segment, in bytes: `RLIMIT_DATA`.
    Data,
    /// The stack, in bytes: `RLIMIT_STACK`.
    Stack,
    /// The largest core file, in bytes: `RLIMIT_CORE`.
    CoreSize,
    /// Resident memory, in bytes: `RLIMIT_RSS`.
    ResidentMemory,
    /// Locked memory, in bytes: `RLIMIT_MEMLOCK`.
    LockedMemory,
    /// Processes **of the user, in all jails together**: `RLIMIT_NPROC`. Root has no such limit.
    Processes,
    /// Open descriptors: `RLIMIT_NOFILE`.
    OpenFiles,
    /// Socket buffers, in bytes, of the user: `RLIMIT_SBSIZE`.
    SocketBuffers,
    /// Address space, in bytes: `RLIMIT_AS`.
    AddressSpace,
    /// Pseudo-terminals of the user: `RLIMIT_NPTS`.
    PseudoTerminals,
    /// Swap space, in bytes, of the user: `RLIMIT_SWAP`.
    Swap,
    /// Kernel event queues of the user: `RLIMIT_KQUEUES`.
    Kqueues,
}

impl Resource {
    /// Returns its number for setrlimit(2).
    #[allow(
        clippy::unnecessary_cast,
        clippy::cast_possible_wrap,
        clippy::unnecessary_wraps,
        reason = "the numbers' type and which there are differ from one Unix to the next"
    )]
    fn number(self) -> Option<i32> {
        Some(match self {
            Self::CpuTime => libc::RLIMIT_CPU as i32,
            Self::FileSize => libc::RLIMIT_FSIZE as i32,
            Self::Data => libc::RLIMIT_DATA as i32,
            Self::Stack => libc::RLIMIT_STACK as i32,
            Self::CoreSize => libc::RLIMIT_CORE as i32,
            Self::OpenFiles => libc::RLIMIT_NOFILE as i32,
            Self::AddressSpace => libc::RLIMIT_AS as i32,
            #[cfg(any(target_os = "freebsd", target_os = "linux"))]
            Self::ResidentMemory => libc::RLIMIT_RSS as i32,
            #[cfg(any(target_os = "freebsd", target_os = "linux"))]
            Self::LockedMemory => libc::RLIMIT_MEMLOCK as i32,
            #[cfg(any(target_os = "freebsd", target_os = "linux"))]
            Self::Processes => libc::RLIMIT_NPROC as i32,
            #[cfg(target_os = "freebsd")]
            Self::SocketBuffers => libc::RLIMIT_SBSIZE,
            #[cfg(target_os = "freebsd")]
            Self::PseudoTerminals => libc::RLIMIT_NPTS,
            #[cfg(target_os = "freebsd")]
            Self::Swap => libc::RLIMIT_SWAP,
            #[cfg(target_os = "freebsd")]
            Self::Kqueues => libc::RLIMIT_KQUEUES,
            #[cfg(not(target_os = "freebsd"))]
            _ => return None,
        })
    }
}

/// Converts a limit for setrlimit(2).
pub(super) fn limit(resource: Resource, soft: u64, hard: u64) -> Result<Limit> {
    if soft > hard {
        return Err(Error::refused(
            ErrorKind::InvalidValue,
            format_args!("limit of {resource:?}: the soft limit {soft} is above the hard limit {hard}"),
        ));
    }
    let number = resource.number().ok_or_else(|| {
        Error::refused(ErrorKind::Unsupported, format_args!("this host has no limit of {resource:?}"))
    })?;
    #[allow(clippy::useless_conversion, reason = "rlim_t is signed on FreeBSD")]
    let value = |value: u64| value.try_into().unwrap_or(libc::RLIM_INFINITY);
    Ok(Limit { resource: number, soft: value(soft), hard: value(hard) })
}

/// Converts a mask for umask(2).
#[allow(clippy::useless_conversion, reason = "mode_t has 16 bits on some systems")]
pub(super) fn umask(mask: u32) -> Result<libc::mode_t> {
    let valid = Some(mask).filter(|mask| *mask <= 0o777).and_then(|mask| mask.try_into().ok());
    valid.ok_or_else(|| {
        Error::refused(
            ErrorKind::InvalidValue,
            format_args!("umask {mask:#o}: only the bits of 0o777 can be set"),
        )
    })
}

/// Converts a routing table's number for setfib(2).
pub(super) fn fib(fib: u32) -> Result<i32> {
    i32::try_from(fib)
        .map_err(|_| Error::refused(ErrorKind::InvalidValue, format_args!("there is no routing table {fib}")))
}
