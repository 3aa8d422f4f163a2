//! Whether the jail of a descriptor lives.

use core::ffi::c_int;
use std::os::fd::BorrowedFd;

use crate::error::{Call, Error, ErrorKind, Result, Subject};
use crate::flags::GetFlags;
use crate::jid::Jid;
use crate::sys::{System, Trap};
use crate::wire::{At, Draft, Verb};

/// Returns the jid of a descriptor's jail, which lives. The descriptor may be anything.
pub(crate) fn jail_of(system: &System, fd: BorrowedFd<'_>) -> Result<c_int> {
    let verb = Verb::Get(GetFlags::empty());
    Draft::new().call(system, verb, At::Use(fd), Subject::Handle).map(|answer| answer.jid)
}

/// Refuses a jail's descriptor whose jail has died, by fstat(2): it must be known to be a jail's.
pub(crate) fn check_alive(system: &System, fd: BorrowedFd<'_>) -> Result<()> {
    match system.fstat(fd) {
        Ok(stat) if stat.ino == 0 => Err(Error::gone()),
        Ok(_) => Ok(()),
        // Capsicum may forbid fstat(2) on the descriptor, but not jail_get(2) (T55).
        Err(errno) if errno.is_not_capable() => jail_of(system, fd).map(drop),
        Err(errno) => Err(Error::os(Call::Fstat, errno, ErrorKind::InvalidDescriptor, "")),
    }
}

/// Refuses to look below a jail that has died: the kernels of 15.0 and 15.1 release one reference too many of it (T3). The
/// descriptor must be known to be a jail's.
pub(crate) fn check_below(system: &System, fd: BorrowedFd<'_>) -> Result<()> {
    if Trap::T3.is_there(system) { check_alive(system, fd) } else { Ok(()) }
}

/// Refuses a descriptor that an update has just made and that says its jail lives, though it died during the update.
///
/// With `kern.racct.enable` the kernel lets go of all locks before it binds the descriptor, and only jail_get(2) by the
/// descriptor tells (T46).
pub(crate) fn check_updated(system: &System, fd: BorrowedFd<'_>) -> Result<()> {
    if !Trap::T46.is_there(system) {
        return Ok(());
    }
    match jail_of(system, fd) {
        Err(error) if error.kind() == ErrorKind::Gone => Err(error),
        // The descriptor is good as far as can be known, and closing one that owns would remove the jail.
        _ => Ok(()),
    }
}

/// Refuses a descriptor that is not of the living jail of this jid.
pub(crate) fn check_same(system: &System, fd: BorrowedFd<'_>, jid: Jid) -> Result<()> {
    if jail_of(system, fd)? == jid.get() {
        return Ok(());
    }
    Err(Error::refused(
        ErrorKind::InvalidDescriptor,
        "the descriptor has been closed, and is another jail's now",
    ))
}
