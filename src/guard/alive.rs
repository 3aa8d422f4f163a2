//! Checks that the jail of a descriptor is alive.

use core::ffi::c_int;
use std::os::fd::BorrowedFd;

use crate::error::{Call, Error, ErrorKind, Result, Subject};
use crate::flags::GetFlags;
use crate::jid::Jid;
use crate::sys::{System, Trap};
use crate::wire::{At, Draft, Verb};

/// Returns the jid of a descriptor's jail if it is alive. Takes any descriptor.
pub(crate) fn jail_of(system: &System, fd: BorrowedFd<'_>) -> Result<c_int> {
    let verb = Verb::Get(GetFlags::empty());
    Draft::new().call(system, verb, At::Use(fd), Subject::Handle).map(|answer| answer.jid)
}

/// Returns an error if the jail of a descriptor has died, by fstat(2). It must be a jail descriptor.
pub(crate) fn check_alive(system: &System, fd: BorrowedFd<'_>) -> Result<()> {
    match system.fstat(fd) {
        Ok(stat) if stat.ino == 0 => Err(Error::gone()),
        Ok(_) => Ok(()),
        // Capsicum may forbid fstat(2) on the descriptor, but not jail_get(2) (T55).
        Err(errno) if errno.is_not_capable() => jail_of(system, fd).map(drop),
        Err(errno) => Err(Error::os(Call::Fstat, errno, ErrorKind::InvalidDescriptor, "")),
    }
}

/// Refuses `JAIL_AT_DESC` with a jail that has died: some kernels of 15 release one reference too many then (T3). It
/// must be a jail descriptor.
pub(crate) fn check_below(system: &System, fd: BorrowedFd<'_>) -> Result<()> {
    if Trap::T3.is_there(system) { check_alive(system, fd) } else { Ok(()) }
}

/// Returns an error for a new descriptor of an update whose jail died during the update, although it looks alive.
///
/// With `kern.racct.enable` the kernel releases all locks before it binds the descriptor. Only jail_get(2) by the
/// descriptor shows it (T46).
pub(crate) fn check_updated(system: &System, fd: BorrowedFd<'_>) -> Result<()> {
    if !Trap::T46.is_there(system) {
        return Ok(());
    }
    match jail_of(system, fd) {
        Err(error) if error.kind() == ErrorKind::Gone => Err(error),
        // Nothing is known to be wrong, and closing an owning descriptor would remove the jail.
        _ => Ok(()),
    }
}

/// Returns an error unless the descriptor belongs to the living jail of this jid.
pub(crate) fn check_same(system: &System, fd: BorrowedFd<'_>, jid: Jid) -> Result<()> {
    if jail_of(system, fd)? == jid.get() {
        return Ok(());
    }
    Err(Error::refused(
        ErrorKind::InvalidDescriptor,
        "the descriptor was closed and now refers to another jail",
    ))
}
