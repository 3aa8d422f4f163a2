//! Requests that are not sent, because they panic, hang or corrupt a kernel.
//!
//! Races take two threads, and this program has one (T42 to T44). Jails are watched by descriptor, or from the host
//! (T23, T38). The memory of a request has just been written when the kernel gets it, so that none of its pages has to
//! be copied then (T37).

use std::ffi::c_int;

use freebsd_jail::sys::{
    JAIL_AT_DESC, JAIL_CREATE, JAIL_GET_DESC, JAIL_OWN_DESC, JAIL_UPDATE, JAIL_USE_DESC,
};

use super::request::{Request, Value};

/// What may have happened to the names of jails.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Names {
    /// Each has as many levels as its jail is deep.
    #[default]
    Whole,
    /// A jail was renamed, which may have corrupted its name or those below it. Such names are followed by invalid
    /// pointers wherever they are read from inside a jail, or below a descriptor (T4, T19, T39).
    Suspect,
}

impl Names {
    /// Notes a jail_set(2).
    pub(crate) fn after(self, request: &Request) -> Self {
        let by_number = request.has("jid") || request.flags & JAIL_USE_DESC != 0;
        let renames = request.flags & JAIL_UPDATE != 0 && request.has("name") && by_number;
        if renames { Self::Suspect } else { self }
    }
}

/// The kernel that is asked.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Build {
    pub(crate) osreldate: c_int,
    /// Whether resource accounting is on.
    pub(crate) racct: bool,
    /// Whether it was built with `options INVARIANTS`, and panics if a check fails.
    pub(crate) checked: bool,
}

/// What a request is judged by besides itself.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Circumstances {
    pub(crate) build: Build,
    pub(crate) names: Names,
    /// Whether the process is in a jail.
    pub(crate) inside: bool,
    /// Whether the descriptor given is of a jail that lives.
    pub(crate) alive: bool,
}

/// Whether a request must not be sent.
pub(crate) fn is_harmful(set: bool, request: &Request, now: Circumstances) -> bool {
    let names = || request.pairs.iter().map(|(name, _)| name.as_str());
    let below = request.flags & JAIL_AT_DESC != 0;
    // T16.
    if names().any(|name| matches!(name, "meta." | "env.")) {
        return true;
    }
    // mac_do(4) of 14.2 panics over its parameters, and later ones over a rule that is said to be from any.
    let from_any = |(name, value): &(String, Value)| name == "mac.do.rules" && is_from_any(value);
    if names().any(|name| name.starts_with("mdo")) || request.pairs.iter().any(from_any) {
        return true;
    }
    // T3.
    if below && request.has("desc") && !now.alive {
        return true;
    }
    // T39.
    if now.names == Names::Suspect && (below || now.inside) {
        return true;
    }
    // T40: an account is moved while processes follow their way to it.
    if set && now.build.racct && Names::Whole.after(request) == Names::Suspect {
        return true;
    }
    // T46.
    if set
        && now.build.racct
        && request.flags & JAIL_UPDATE != 0
        && request.flags & (JAIL_GET_DESC | JAIL_OWN_DESC) != 0
    {
        return true;
    }
    // T41: only a new jail's System V objects can be chosen without harm.
    let system_v = |name: &str| matches!(name, "sysvshm" | "allow.sysvipc" | "allow.nosysvipc");
    if set && request.flags & JAIL_UPDATE != 0 && names().any(system_v) {
        return true;
    }
    // T18: what a creation that fails late leaves behind must not be found by a kernel that checks itself.
    let late = |name: &str| matches!(name.split('.').next(), Some("meta" | "env" | "mac" | "zfs"));
    if set && now.build.checked && request.flags & JAIL_CREATE != 0 && names().any(late) {
        return true;
    }
    // A request that is refused for its size has 15.0 free memory that was never taken.
    if (1_500_000..1_501_000).contains(&now.build.osreldate) && size(request) > 60_000 {
        return true;
    }
    // A process that removes its own jail cannot record anything afterwards (T25).
    now.inside && request.flags & JAIL_OWN_DESC != 0
}

/// Whether rules of mac_do(4) have one that is not from a user or a group.
fn is_from_any(value: &Value) -> bool {
    let Value::Text(rules) = value else { return false };
    let from = |rule: &str| rule.split('=').next().is_some_and(|from| matches!(from.trim(), "any" | "*"));
    rules.split(';').any(from)
}

/// About how much memory a request takes in the kernel.
fn size(request: &Request) -> usize {
    let value = |value: &Value| match value {
        Value::Text(text) => text.len() + 1,
        Value::Bytes(bytes) => bytes.len(),
        Value::Room(len) => *len,
        Value::Null => 0,
        Value::Int(_) | Value::Long(_) | Value::Slot(_) => 8,
    };
    request.pairs.iter().map(|(name, given)| 49 + name.len() + value(given)).sum()
}
