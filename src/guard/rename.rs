//! Checks before a jail is renamed.
//!
//! The kernel stores a jail's full name, and rewrites the names of the jails below by counting bytes. It does so
//! correctly only for a jail of the host's level (T19). An update from above or from elsewhere is judged as if the jail
//! were the caller's child, and loses the prefix of its name (T4, T26). If a name has fewer dots than its jail has
//! jails above, a listing from inside or from a descriptor reads past its end, and the kernel panics (T39). See
//! `kern_jail_set` and `prison_name` in `sys/kern/kern_jail.c`.
//!
//! So a jail of the host's level may be renamed. Any other may be renamed only by its parent, and only while it has no
//! child jails and may get none. Seen from inside a jail every jail is nested, although a direct child reads 0 as its
//! parent.
//!
//! No extra call is needed to find out whether this process is inside a jail. The host is named "0", a name that no
//! jail can have. Beside a jid or a descriptor, the kernel takes `0.NAME` for NAME only if the caller is on the host
//! (T30). Otherwise it refuses to change the jail's parent, before it changes anything.

use crate::error::{Call, Error, ErrorKind, Reason, Result};
use crate::jid::Jid;
use crate::param::{self, Param, ReadOnly, ReadWrite};
use crate::sys::{System, Trap};
use crate::wire::Draft;

/// With this prefix the kernel accepts a new name only from the host.
pub(crate) const HOST_PREFIX: &[u8] = b"0.";

/// The kernel's message when it refuses that.
pub(crate) const NOT_FROM_HOST: &str = "cannot change jail's parent";

/// The keys that describe a jail's place in the tree.
pub(crate) const FAMILY: FamilyKeys = (param::PARENT, param::CHILDREN_CUR, param::CHILDREN_MAX);

type FamilyKeys = (Key<Option<Jid>, ReadOnly>, Key<u32, ReadOnly>, Key<u32, ReadWrite>);
type Key<T, A> = Param<'static, T, A>;

/// The parent, if it can be seen from here; the number of jails below; their limit.
pub(crate) type Family = (Option<Jid>, u32, u32);

/// Whether this kernel has one of the defects for which the caller's place matters.
pub(crate) fn is_guarded(system: &System) -> bool {
    [Trap::T4, Trap::T19, Trap::T26, Trap::T39].into_iter().any(|trap| trap.is_there(system))
}

/// Refuses to rename a nested jail that has child jails or may get some.
pub(crate) fn check_family(system: &System, (_, now, most): Family) -> Result<()> {
    let garbles = Trap::T19.is_there(system) || Trap::T39.is_there(system);
    if !garbles || (now == 0 && most == 0) {
        return Ok(());
    }
    Err(refused(format_args!(
        "a nested jail can be renamed only while it has no child jails and may get none, and this one has {now} and may \
         have {most}: the kernel would garble their names, and may panic when they are listed (T39); remove them and \
         set `children.max` to 0 first"
    )))
}

/// If resource accounting is on, refuses to rename a jail that has processes, or has jails below with processes.
/// Returns whether accounting is on: then the caller has to update the jails below as well, so that their accounts
/// follow.
///
/// The kernel clears the pointer to the jail's account for a moment, and panics if a process follows it then, even one
/// in a jail below (T40). The accounts of the jails below keep their old names until each jail is updated itself (T53),
/// which clears its pointer in the same way. See `prison_racct_modify` in `sys/kern/kern_jail.c`.
pub(crate) fn check_accounts(
    system: &System,
    jid: Jid,
    below: impl FnOnce() -> Result<Vec<Jid>>,
) -> Result<bool> {
    if !Trap::T40.is_there(system) || !system.accounts_resources() {
        return Ok(false);
    }
    for jid in [jid].into_iter().chain(below()?) {
        let processes = system.processes_and_zombies(jid.get()).map_err(|errno| {
            Error::os(
                Call::Sysctl,
                errno,
                ErrorKind::Other,
                "looking for processes in the jail to be renamed",
            )
        })?;
        // Including zombies, which use their account when they are waited for.
        if !processes.is_empty() {
            return Err(refused(format_args!(
                "kern.racct.enable is set, and jail {jid} has processes or zombies: the kernel may panic when this jail \
                 or one above it is renamed (T40); rename it before it has processes"
            )));
        }
    }
    Ok(true)
}

/// The error for renaming a jail that is not below the jail of this process.
pub(crate) fn unseen() -> Error {
    refused(
        "the jail is not below the jail of this process: the kernel would give it a name below that jail (T26); rename \
         it from the host, or from a jail above it",
    )
}

/// The error for renaming a nested jail if this thread assumes that the kernel has no descriptors, although it has
/// (`Features::assume`).
pub(crate) fn needs_descriptors() -> Error {
    refused(
        "this kernel renames a nested jail correctly only by its parent's descriptor (T4), and this thread assumes that \
         the kernel has no descriptors",
    )
}

/// Refuses a new name in a caller's own request: the place of the jail and of the caller are not known well enough.
pub(super) fn refuse(system: &System, draft: &Draft<'_>) -> Result<()> {
    if !draft.has("name") || !is_guarded(system) {
        return Ok(());
    }
    Err(refused(
        "beside a jid or a descriptor this is a new name: the kernel may garble names and panic when they are listed \
         (T39); use `JailUpdate::name`, which renames a jail where that is safe",
    ))
}

fn refused(reason: impl Reason) -> Error {
    Error::refused(ErrorKind::InvalidRequest, reason).about("name")
}
