//! Checks of requests that a real kernel handles wrongly: one place for each rule, for updates and [`raw`](crate::raw)
//! alike.

pub(crate) mod alive;
pub(crate) mod ipc;
pub(crate) mod rename;

use crate::error::{Error, ErrorKind, Result, Subject};
use crate::flags::GetFlags;
use crate::get::{self, Key, Read};
use crate::param::{self, Kind};
use crate::sys::{System, Trap};
use crate::wire::{At, Draft, name};

/// Checks a request of [`raw::jail_set`](crate::raw::jail_set).
pub(crate) fn check_set(system: &System, request: &Draft<'_>, at: At<'_>, is_update: bool) -> Result<()> {
    check_booleans(request)?;
    if !is_update {
        return Ok(());
    }
    let uses_descriptor = matches!(at, At::Use(_));
    if !uses_descriptor && Trap::T20.is_there(system) {
        check_update_key(request)?;
    }
    if uses_descriptor || has_jid(request) {
        rename::refuse(system, request)?;
    }
    let Some(key) = key(request, uses_descriptor) else { return Ok(()) };
    let read = Read { system, flags: GetFlags::empty(), subject: Subject::Named, at, key, relative_to: None };
    match ipc::check(system, request, |keys| get::read(read, &keys).map(|found| found.values)) {
        Ok(effect) if effect.disables_below => Err(ipc::would_disable_below(request)),
        // There is no such jail. The update reports that itself, unless it creates one.
        Err(error) if error.call().is_some() => Ok(()),
        checked => checked.map(drop),
    }
}

/// Returns how jail_get(2) finds the jail of an update.
fn key<'r>(request: &'r Draft<'_>, uses_descriptor: bool) -> Option<Key<'r>> {
    if uses_descriptor {
        return Some(Key::Descriptor);
    }
    if has_jid(request) {
        return int(request, "jid").map(Key::Jid);
    }
    key_name(request).map(Key::Name)
}

fn has_jid(request: &Draft<'_>) -> bool {
    value(request, "jid").is_some_and(|jid| jid.iter().any(|&byte| byte != 0))
}

/// Returns the request's name. The kernel reads to the first NUL, whatever the buffer's size.
fn key_name<'r>(request: &'r Draft<'_>) -> Option<&'r [u8]> {
    value(request, "name").and_then(|name| name.split(|&byte| byte == 0).next())
}

/// Refuses an update that would create a jail (T20): one whose name ends where a component should stand.
fn check_update_key(request: &Draft<'_>) -> Result<()> {
    let refuse = |reason| Err(Error::refused(ErrorKind::InvalidValue, reason).about("name"));
    match key_name(request) {
        Some([]) if !has_jid(request) => refuse("an update needs the name of a jail"),
        Some([.., b'.']) if !has_jid(request) => refuse("the name of a jail cannot end in a dot"),
        _ => Ok(()),
    }
}

/// Refuses a boolean with a value: the kernel looks at the name only, and would grant a permission that is set to 0.
fn check_booleans(request: &Draft<'_>) -> Result<()> {
    let is_bool = |name: &str| param::find(name).is_some_and(|definition| definition.kind == Kind::Bool);
    for name in request.names() {
        let (level, last) = name::split_text(name);
        let boolean = name.starts_with("allow.")
            || is_bool(name)
            || last.strip_prefix("no").is_some_and(|last| is_bool(&format!("{level}{last}")));
        if boolean && value(request, name).is_some() {
            return Err(Error::refused(
                ErrorKind::InvalidValue,
                "the kernel looks at a boolean's name only, and takes it for true whatever its value: add it \
                 without one, with `no` before its last component for false",
            )
            .about(name));
        }
    }
    Ok(())
}

fn value<'r>(draft: &'r Draft<'_>, name: &str) -> Option<&'r [u8]> {
    draft.value(name)
}

/// Returns the int of a pair.
fn int(draft: &Draft<'_>, name: &str) -> Option<i32> {
    value(draft, name)?.try_into().ok().map(i32::from_ne_bytes)
}
