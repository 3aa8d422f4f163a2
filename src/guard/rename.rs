//! Giving a jail another name.
//!
//! The kernel keeps a jail's name with those of the jails above it, and rewrites the names of the jails below by
//! counting bytes: rightly for a jail of the host's own level, and for no other (T19). An update from above or from
//! elsewhere is judged as if the jail were the caller's child, and drops the names above it (T4, T26). A name that has
//! fewer dots than its jail has jails above is then followed past its end: by a listing from inside, or from a
//! descriptor, and the kernel panics (T39). See `kern_jail_set` and `prison_name` in `sys/kern/kern_jail.c`.
//!
//! So: a jail of the host's level may be renamed; any other only while it has no jails below it and may get none, and
//! by its parent. Inside a jail every jail is such another one, though a direct child reads 0 as its parent.
//!
//! Whether this process is inside a jail takes no call to find out. The host is named "0", as no jail can be, and
//! the kernel takes `0.NAME` for NAME beside a jid or a descriptor only where the caller is on the host (T30);
//! elsewhere it refuses to change the jail's parent, before it changes anything.

use crate::error::{Call, Error, ErrorKind, Result};
use crate::jid::Jid;
use crate::param::{self, Param, ReadOnly, ReadWrite};
use crate::sys::{System, Trap};
use crate::wire::Draft;

/// What makes the kernel take a new name only from the host.
pub(crate) const HOST_PREFIX: &[u8] = b"0.";

/// What the kernel says when it refuses that.
pub(crate) const NOT_FROM_HOST: &str = "cannot change jail's parent";

/// What there is to know of a jail's place.
pub(crate) const FAMILY: FamilyKeys = (param::PARENT, param::CHILDREN_CUR, param::CHILDREN_MAX);

type FamilyKeys = (Key<Option<Jid>, ReadOnly>, Key<u32, ReadOnly>, Key<u32, ReadWrite>);
type Key<T, A> = Param<'static, T, A>;

/// The jail above, if it can be seen from here, how many jails are below, and how many may be.
pub(crate) type Family = (Option<Jid>, u32, u32);

/// Whether it matters to this kernel from where a jail is renamed.
pub(crate) fn is_guarded(system: &System) -> bool {
    [Trap::T4, Trap::T19, Trap::T26, Trap::T39].into_iter().any(|trap| trap.is_there(system))
}

/// Refuses to rename a jail that is not of the host's level, while it has jails below it or may get some.
pub(crate) fn check_family(system: &System, (_, now, most): Family) -> Result<()> {
    let garbles = Trap::T19.is_there(system) || Trap::T39.is_there(system);
    if !garbles || (now == 0 && most == 0) {
        return Ok(());
    }
    Err(refused(format!(
        "a jail that is not of the host's own level can be renamed only while it has no jails below it and may get \
         none, and this one has {now} and may have {most}: the kernel would garble their names, and panic when they \
         are listed (T39); remove them and set `children.max` to 0 before"
    )))
}

/// Refuses to rename a jail while processes are in it or below, where resources are accounted for. Says whether they
/// are: then `below` was asked for the jails below, whose accounts the caller has to see to.
///
/// The kernel clears what processes of the jail, and of those below, follow to their account, and panics where one
/// follows it then (T40). The accounts of the jails below keep their old names (T53), until each is updated itself,
/// whatever that changes, and goes through the same. See `prison_racct_modify` in `sys/kern/kern_jail.c`.
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
            Error::os(Call::Sysctl, errno, ErrorKind::Other, "whether processes run in a jail to be renamed")
        })?;
        // Zombies, too: they leave their account when they are waited for.
        if !processes.is_empty() {
            return Err(refused(format!(
                "kern.racct.enable is set, and jail {jid} has processes, or some that have not been waited for: the \
                 kernel may panic when it is renamed, or a jail above it (T40); end them before, or rename before they \
                 are there"
            )));
        }
    }
    Ok(true)
}

/// What becomes of renaming a jail that is not below the one that this process is in.
pub(crate) fn unseen() -> Error {
    refused(
        "the jail is not below the one that this process is in: the kernel would give it a name below that jail, which \
         it is not (T26); rename it from the host, or from a jail above it",
    )
}

/// What becomes of renaming a jail below another one where this thread assumes that the kernel has no descriptors, and
/// it has (`Features::assume`).
pub(crate) fn needs_descriptors() -> Error {
    refused(
        "this kernel renames a jail below another one rightly by its parent's descriptor only (T4), and this thread \
         assumes that there are none",
    )
}

/// Refuses a new name in a request of the caller's own: which jail it would be given to, and who is asking, is not
/// known well enough.
pub(super) fn refuse(system: &System, draft: &Draft<'_>) -> Result<()> {
    if draft.position("name").is_none() || !is_guarded(system) {
        return Ok(());
    }
    Err(refused(
        "beside a jid or a descriptor it is a new name: the kernel would garble the names of the jails below, or this \
         one's, and panic when they are listed (T39); use `JailUpdate::name`, which renames where that is safe",
    ))
}

fn refused(reason: impl Into<std::borrow::Cow<'static, str>>) -> Error {
    Error::refused(ErrorKind::InvalidRequest, reason).about("name")
}
