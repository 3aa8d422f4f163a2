//! Changes of a living jail's System V IPC (T41).
//!
//! When a jail loses a namespace of its own, the kernel removes every segment, semaphore and queue of the jail, even
//! those in use. For shared memory it does so without the lock and may panic: `shm_prison_set` and `shm_prison_cleanup`
//! in `sys/kern/sysv_shm.c`. If the mode becomes "disable", the jails below lose theirs as well. Creating a jail is
//! safe.

use super::int;
use crate::error::{Error, ErrorKind, Result};
use crate::param::{Kind, Mode, Value};
use crate::sys::{System, Trap};
use crate::wire::Draft;

/// The parameters of the three modules.
pub(crate) const MODULES: [&str; 3] = ["sysvmsg", "sysvsem", "sysvshm"];

/// The permission that sets all three, unless they are set themselves.
pub(crate) const ALL: &str = "allow.sysvipc";
pub(crate) const NOT_ALL: &str = "allow.nosysvipc";

/// The changes that an update requests.
struct Change {
    modes: [Option<Mode>; 3],
    all: Option<bool>,
}

/// The effect of an update that is not refused.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Effect {
    /// The permission is set as it already is.
    pub(crate) is_idle: bool,
    /// Jails below would lose namespaces of their own, if they have any.
    pub(crate) disables_below: bool,
}

impl Change {
    fn of(draft: &Draft<'_>) -> Option<Self> {
        let has = |name| draft.has(name);
        if !(MODULES.into_iter().any(has) || has(ALL) || has(NOT_ALL)) {
            return None;
        }
        let modes = MODULES.map(|name| int(draft, name).and_then(Mode::from_number));
        let all = if has(ALL) { Some(true) } else { has(NOT_ALL).then_some(false) };
        (all.is_some() || modes.iter().any(Option::is_some)).then_some(Self { modes, all })
    }

    /// Returns the mode of a module after the update.
    fn after(&self, index: usize, now: Mode) -> Mode {
        let set = self.modes.get(index).copied().flatten();
        let all = self.all.map(|all| if all { Mode::Inherit } else { Mode::Disable });
        set.or(all).unwrap_or(now)
    }
}

/// Refuses an update by which its jail would lose a namespace of its own.
///
/// The jail's modes are read in one call, but only if the update could change them.
pub(crate) fn check(
    system: &System,
    draft: &Draft<'_>,
    mut read: impl FnMut(&[(&str, Kind)]) -> Result<Vec<Value>>,
) -> Result<Effect> {
    let Some(change) = Change::of(draft).filter(|_| Trap::T41.is_there(system)) else {
        return Ok(Effect::default());
    };
    let mut keys = vec![(ALL, Kind::Bool), ("children.cur", Kind::Int)];
    keys.extend(MODULES.map(|name| (name, Kind::Mode)));
    let values = loop {
        match read(&keys) {
            // A kernel without this module.
            Err(error) if error.kind() == ErrorKind::UnknownParameter => {
                let unknown = keys.iter().position(|(name, _)| error.parameter() == Some(name));
                match unknown {
                    Some(unknown) => drop(keys.remove(unknown)),
                    None => return Err(error),
                }
            }
            values => break values?,
        }
    };
    let value =
        |name: &str| keys.iter().zip(&values).find(|((key, _), _)| *key == name).map(|(_, value)| value);
    let has_children = value("children.cur").is_some_and(|value| *value != Value::Int(0));
    let mut effect = Effect {
        is_idle: change.all.is_some_and(|all| value(ALL) == Some(&Value::Bool(all))),
        disables_below: false,
    };
    for (index, name) in MODULES.into_iter().enumerate() {
        let Some(Value::Mode(now)) = value(name) else { continue };
        let after = change.after(index, *now);
        let is_set = change.modes.get(index).is_some_and(Option::is_some);
        if *now == Mode::New && after != Mode::New {
            return Err(would_lose(name, is_set));
        }
        effect.is_idle &= is_set || after == *now;
        effect.disables_below |= has_children && after == Mode::Disable && *now != Mode::Disable;
    }
    Ok(effect)
}

fn would_lose(module: &str, is_set: bool) -> Error {
    let instead =
        if is_set { "leave it out".to_owned() } else { format!("set `{module}` to `New` beside it") };
    let reason = format!(
        "the jail has a namespace of its own (`{module}` is `New`): the kernel would remove all its objects, even those \
         in use, and may panic (T41); {instead}, or create the jail anew"
    );
    Error::refused(ErrorKind::InvalidRequest, reason).about(if is_set { module } else { ALL })
}

/// The error for a jail below that has, or may have, a namespace of its own.
pub(crate) fn would_disable_below(draft: &Draft<'_>) -> Error {
    let set = MODULES.into_iter().find(|name| int(draft, name) == Some(Mode::Disable.number()));
    Error::refused(
        ErrorKind::InvalidRequest,
        "jails below may have namespaces of their own, which they would lose: the kernel would remove all their objects, \
         even those in use, and may panic (T41); remove these jails first",
    )
    .about(set.unwrap_or(ALL))
}
