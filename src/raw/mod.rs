//! Safe functions that follow the system calls one to one.
//!
//! They add only what safety requires: requests and flags that would corrupt the kernel, remove a jail, or hang are
//! refused, and a new descriptor is close-on-exec when the function returns.
//!
//! The kernel creates it without that flag, at the beginning of the call: a program that another thread starts during
//! the call inherits it, and the kernel has no flag to prevent that (T45). Programs started by
//! [`Jail::command`](crate::Jail::command) or [`Jail::confine`](crate::Jail::confine) do not inherit it: their children
//! mark all jail descriptors, even those of other libraries, before they execute anything.

mod request;

use core::ffi::c_int;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use crate::error::{Call, Error, ErrorKind, Result, Subject, attach_error, remove_error};
use crate::guard::{self, alive};
use crate::jid::Jid;
use crate::param;
use crate::sys::{self, System, Trap};
use crate::wire::{ERRMSG_LEN, Verb};

pub use crate::flags::{GetFlags, SetFlags};
pub use crate::legacy::LegacyJail;
pub use crate::wire::At;
pub use request::Request;

/// The result of a successful [jail_set(2)] or [jail_get(2)].
///
/// [jail_set(2)]: https://man.freebsd.org/cgi/man.cgi?query=jail_set&sektion=2
/// [jail_get(2)]: https://man.freebsd.org/cgi/man.cgi?query=jail_get&sektion=2
#[derive(Debug)]
#[non_exhaustive]
pub struct Reply {
    /// The jail's jid.
    pub jid: Jid,
    /// The new descriptor, if one was requested: close-on-exec is set.
    pub descriptor: Option<OwnedFd>,
}

/// Creates or updates a jail. Wraps [jail_set(2)].
///
/// With [`SetFlags::ATTACH`] it attaches this process to the jail, for good: see [`Jail::attach`](crate::Jail::attach)
/// for its threads.
///
/// # Errors
///
/// Before the call: [`ErrorKind::InvalidRequest`] for an empty or too large request, [`ErrorKind::InvalidValue`] for an
/// update whose `name` is empty or ends in a dot and that has no `jid` (the kernel would create a jail), and for a
/// boolean that has a value (the kernel would take it for true, whatever it is); [`ErrorKind::InvalidRequest`] for an
/// update with a new name, a `name` beside a `jid` or a descriptor (the kernel may garble names and panic, T39:
/// [`JailUpdate::name`](crate::JailUpdate::name) renames where that is safe), and for one by which a living jail would
/// lose a System V namespace of its own (T41), which is read first; [`ErrorKind::Conflict`] for flags that [`At`]
/// stands for; [`ErrorKind::Gone`] when [`At::Below`] is given the descriptor of a jail that died (T3). After it: the
/// kernel's errors, see [`ErrorKind`]; and [`ErrorKind::Gone`] when the jail of a new descriptor is removed during the
/// update.
///
/// # FreeBSD versions
///
/// [`At`] other than `None`, `GET_DESC` and `OWN_DESC` need 15.0; on an older kernel the error is
/// [`ErrorKind::Unsupported`]. An update that returns a descriptor takes one more [jail_get(2)], which checks that the
/// jail is alive: with `kern.racct.enable` the kernel may return the descriptor of one that died (T46).
///
/// [jail_set(2)]: https://man.freebsd.org/cgi/man.cgi?query=jail_set&sektion=2
/// [jail_get(2)]: https://man.freebsd.org/cgi/man.cgi?query=jail_get&sektion=2
#[doc(alias = "JAIL_CREATE")]
#[doc(alias = "JAIL_UPDATE")]
pub fn jail_set(request: &mut Request, at: At<'_>, flags: SetFlags) -> Result<Reply> {
    let system = System::current();
    check_flags(flags.bits())?;
    let verb = Verb::Set(flags);
    check_descriptors(&system, at, verb.makes_descriptor())?;
    guard::check_set(&system, request.as_draft(), at, flags.contains(SetFlags::UPDATE))?;
    let subject = if flags.contains(SetFlags::UPDATE) { Subject::Named } else { Subject::New };
    let reply = make(&system, request, verb, at, subject)?;
    if let Some(descriptor) = reply.descriptor.as_ref().filter(|_| flags.contains(SetFlags::UPDATE)) {
        alive::check_updated(&system, descriptor.as_fd())?;
    }
    Ok(reply)
}

/// Reads parameters of a jail. Wraps [jail_get(2)].
///
/// The jail is named by `jid`, `name` or `lastjid` (the one with the next higher jid) in the request, or by
/// the descriptor. The kernel writes into every value, those included.
///
/// # Errors
///
/// Before the call: [`ErrorKind::InvalidRequest`] for an empty or too large request; [`ErrorKind::Conflict`] for
/// `OWN_DESC` with more than the jail's name or jid (if the call failed after making the descriptor, the kernel would
/// remove the jail), for `GET_DESC` or `OWN_DESC` with `DYING` (the descriptor would pin the dying jail), for both with
/// [`At::Use`] (the kernel returns none), and for flags that [`At`] stands for; [`ErrorKind::Gone`] when [`At::Below`]
/// is given the descriptor of a jail that died. After it: the kernel's errors, see [`ErrorKind`].
///
/// # FreeBSD versions
///
/// As [`jail_set`].
///
/// [jail_get(2)]: https://man.freebsd.org/cgi/man.cgi?query=jail_get&sektion=2
pub fn jail_get(request: &mut Request, at: At<'_>, flags: GetFlags) -> Result<Reply> {
    let system = System::current();
    let verb = Verb::Get(flags);
    let wants = verb.makes_descriptor();
    check_flags(flags.bits())?;
    check_descriptors(&system, at, wants)?;
    let conflict = |reason| Err(Error::refused(ErrorKind::Conflict, reason));
    if wants && flags.contains(GetFlags::DYING) {
        return conflict("a descriptor of a dying jail would hold it");
    }
    if wants && matches!(at, At::Use(_)) {
        return conflict(
            "the kernel returns no new descriptor for a descriptor's jail; duplicate the descriptor",
        );
    }
    if flags.contains(GetFlags::OWN_DESC) && !names_only_a_jail(request) {
        return conflict(
            "a failure after the owning descriptor was made would remove the jail: ask for nothing else",
        );
    }
    let subject = if request.as_draft().has("lastjid") { Subject::Next } else { Subject::Named };
    make(&system, request, verb, at, subject)
}

/// Attaches this process to a jail, for good. Wraps [jail_attach(2)].
///
/// All threads of the process move, and programs that other threads are starting are waited for; see
/// [`Jail::attach`](crate::Jail::attach). Prefer doing it in a child that was forked for it.
///
/// # Errors
///
/// [`ErrorKind::PermissionDenied`] when not root, or when the process has any directory open, close-on-exec or not;
/// [`ErrorKind::NotFound`] (`EINVAL`) when there is no such jail below this process's own, or when the jail's own
/// network stack lacks the process's routing table; the kernel returns the same for both.
///
/// [jail_attach(2)]: https://man.freebsd.org/cgi/man.cgi?query=jail_attach&sektion=2
pub fn jail_attach(jid: Jid) -> Result<()> {
    System::current().jail_attach(jid.get()).map_err(|errno| attach_error(Call::JailAttach, errno))
}

/// Attaches this process to the jail of a descriptor, for good. Wraps [jail_attach_jd(2)].
///
/// On FreeBSD 15.0 and 15.1 this call leaks a reference, whether it succeeds or not, and the jail stays dying for ever
/// once it is removed (T17): use [`Jail::attach`](crate::Jail::attach), which attaches by other means. See there for
/// other threads.
///
/// # Errors
///
/// As [`jail_attach`], and [`ErrorKind::InvalidDescriptor`], [`ErrorKind::Gone`].
///
/// # FreeBSD versions
///
/// Since 15.0; [`ErrorKind::Unsupported`] before, found out without making the call, which would kill the process.
///
/// [jail_attach_jd(2)]: https://man.freebsd.org/cgi/man.cgi?query=jail_attach_jd&sektion=2
pub fn jail_attach_jd(descriptor: BorrowedFd<'_>) -> Result<()> {
    System::current().jail_attach_jd(descriptor).map_err(|errno| attach_error(Call::JailAttachJd, errno))
}

/// Removes a jail, the jails below it, and kills their processes. Wraps [jail_remove(2)].
///
/// # Errors
///
/// [`ErrorKind::PermissionDenied`] when not root, [`ErrorKind::NotFound`] when there is no such jail.
///
/// [jail_remove(2)]: https://man.freebsd.org/cgi/man.cgi?query=jail_remove&sektion=2
pub fn jail_remove(jid: Jid) -> Result<()> {
    System::current().jail_remove(jid.get()).map_err(|errno| remove_error(Call::JailRemove, errno))
}

/// Removes the jail of a descriptor, the jails below it, and kills their processes. Wraps [jail_remove_jd(2)].
///
/// # Errors
///
/// [`ErrorKind::PermissionDenied`] when the descriptor's maker was not root, [`ErrorKind::InvalidDescriptor`],
/// [`ErrorKind::Gone`].
///
/// # FreeBSD versions
///
/// Since 15.0; [`ErrorKind::Unsupported`] before, found out without making the call, which would kill the process.
///
/// [jail_remove_jd(2)]: https://man.freebsd.org/cgi/man.cgi?query=jail_remove_jd&sektion=2
pub fn jail_remove_jd(descriptor: BorrowedFd<'_>) -> Result<()> {
    System::current().jail_remove_jd(descriptor).map_err(|errno| remove_error(Call::JailRemoveJd, errno))
}

/// Creates a jail and attaches this process to it, for good. Wraps [jail(2)], which is deprecated: see [`LegacyJail`]
/// for alternatives.
///
/// All threads of the process move, and programs that other threads are starting are waited for; see
/// [`Jail::attach`](crate::Jail::attach). The jail is removed with its last process.
///
/// # Errors
///
/// [`ErrorKind::PermissionDenied`] (`EPERM`) when not root, or when the process has any directory open;
/// [`ErrorKind::InvalidPath`] (`ENOENT`, `ENOTDIR` …); [`ErrorKind::InvalidValue`] (`EINVAL`, `ENAMETOOLONG`) for
/// addresses, a path or names that the kernel refuses; [`ErrorKind::AlreadyExists`] (`EEXIST`),
/// [`ErrorKind::AddressInUse`] (`EADDRINUSE`). Before the call: [`ErrorKind::InvalidValue`] for a string that contains
/// NUL, [`ErrorKind::Conflict`] for settings that version 0 lacks. There is no kernel message.
///
/// # FreeBSD versions
///
/// Version 0 since 4.0, version 2 since 7.2.
///
/// ```
/// # use freebsd_jail::{is_jailed, raw::{self, LegacyJail}, sim};
/// # fn main() -> freebsd_jail::Result<()> {
/// # let kernel = sim::Kernel::new();
/// # let _guard = kernel.install();
/// let jid = raw::jail(&LegacyJail::new("/usr/jail", "www.example.org").ip4([[10, 0, 0, 22].into()]))?;
/// println!("this process is in jail {jid} now");
/// # Ok(())
/// # }
/// ```
///
/// [jail(2)]: https://man.freebsd.org/cgi/man.cgi?query=jail&sektion=2
pub fn jail(jail: &LegacyJail) -> Result<Jid> {
    jail.create_and_attach()
}

fn make(system: &System, request: &mut Request, verb: Verb, at: At<'_>, subject: Subject) -> Result<Reply> {
    let answer = request
        .draft()
        .as_call(verb)
        .make_with(system, at, subject, &mut [0; ERRMSG_LEN])
        .map_err(|error| param::with_value(error, |name| request.value(name)))?;
    let jid = Jid::try_from(answer.jid)
        .map_err(|error| error.with_kind(ErrorKind::InvalidAnswer).because("the kernel returned no jid"))?;
    Ok(Reply { jid, descriptor: answer.descriptor })
}

/// Refuses the flags that [`At`] stands for: without a descriptor in its slot, `JAIL_AT_DESC` makes the kernels of 15.0
/// and 15.1 release one reference too many (T3).
fn check_flags(flags: c_int) -> Result<()> {
    if flags & (sys::JAIL_USE_DESC | sys::JAIL_AT_DESC) != 0 {
        return Err(Error::refused(
            ErrorKind::Conflict,
            "JAIL_USE_DESC and JAIL_AT_DESC are not given as flags: use At::Use or At::Below",
        ));
    }
    Ok(())
}

/// Refuses flags that an older kernel lacks, and descriptors that would corrupt a newer one.
fn check_descriptors(system: &System, at: At<'_>, wants: bool) -> Result<()> {
    if (wants || !matches!(at, At::None)) && !system.has_descriptors() {
        return Err(Error::no_descriptors());
    }
    if let At::Below(fd) = at {
        // The same as `check_below`, for any descriptor.
        if Trap::T3.is_there(system) {
            alive::jail_of(system, fd)?;
        }
    }
    Ok(())
}

/// Whether the request has only the key of a jail.
fn names_only_a_jail(request: &Request) -> bool {
    request.len() == 1 && request.names().all(|name| matches!(name, "jid" | "name"))
}
