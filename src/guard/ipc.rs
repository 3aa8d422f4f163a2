//! Changing what a living jail has of System V IPC (T41).
//!
//! When a jail loses a name space of its own, the kernel removes every segment, semaphore and queue of the jail, those
//! that processes use too, and does so unlocked for shared memory, which panics beside a process in shmget(2):
//! `shm_prison_set` and `shm_prison_cleanup` in `sys/kern/sysv_shm.c`. The jails below lose theirs with it when there is
//! to be none at all. A jail that is only being created has nothing to lose.

use super::int;
use crate::error::{Error, ErrorKind, Result};
use crate::param::{Kind, Mode, Value};
use crate::sys::{System, Trap};
use crate::wire::Draft;

/// The parameters of the three modules.
pub(crate) const MODULES: [&str; 3] = ["sysvmsg", "sysvsem", "sysvshm"];

/// The permission that stands for all three where they are not set.
pub(crate) const ALL: &str = "allow.sysvipc";
pub(crate) const NOT_ALL: &str = "allow.nosysvipc";

/// What an update asks for.
struct Change {
    modes: [Option<Mode>; 3],
    all: Option<bool>,
}

/// What an update does, beside what it would have to be refused for.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Effect {
    /// Neither permission changes anything.
    pub(crate) is_idle: bool,
    /// Jails below would lose name spaces of their own, if they have any.
    pub(crate) disables_below: bool,
}

impl Change {
    fn of(draft: &Draft<'_>) -> Option<Self> {
        let has = |name| draft.position(name).is_some();
        let modes = MODULES.map(|name| int(draft, name).and_then(Mode::from_number));
        let all = if has(ALL) { Some(true) } else { has(NOT_ALL).then_some(false) };
        (all.is_some() || modes.iter().any(Option::is_some)).then_some(Self { modes, all })
    }

    /// Returns what a module's mode becomes.
    fn after(&self, index: usize, now: Mode) -> Mode {
        let set = self.modes.get(index).copied().flatten();
        let all = self.all.map(|all| if all { Mode::Inherit } else { Mode::Disable });
        set.or(all).unwrap_or(now)
    }
}

/// Refuses an update that would take a name space of its own away from its jail.
///
/// What the jail has is read if the update is of that kind at all, in one call.
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
            Err(error) if error.kind() == ErrorKind::UnknownParameter && keys.len() > 2 => {
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
        "the jail has a name space of its own (`{module}` is `New`): the kernel would remove all that is in it, under \
         the processes that use it, and may panic over shared memory (T41); {instead}, or create the jail anew"
    );
    Error::refused(ErrorKind::InvalidRequest, reason).about(if is_set { module } else { ALL })
}

/// What is refused where a jail below has, or may have, a name space of its own.
pub(crate) fn would_disable_below(draft: &Draft<'_>) -> Error {
    let set = MODULES.into_iter().find(|name| int(draft, name) == Some(Mode::Disable.number()));
    Error::refused(
        ErrorKind::InvalidRequest,
        "jails below may have name spaces of their own, which would go with it: the kernel would remove all that is in \
         them, under the processes that use it, and may panic over shared memory (T41); remove these jails before",
    )
    .about(set.unwrap_or(ALL))
}
