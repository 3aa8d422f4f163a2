//! The parameters `mac.do` and `mac.do.rules` of mac_do(4): `sys/security/mac_do/mac_do.c`.

use crate::sys::Errno;

use super::flags::{JAIL_SYS_DISABLE, JAIL_SYS_INHERIT, JAIL_SYS_NEW};
use super::options::{Options, c_string};
use super::prison::Key;
use super::state::State;

/// The longest rules, with their NUL: `MAC_RULE_STRING_LEN`.
const RULES_LEN: usize = 1024;

/// Checks mode and rules against each other.
pub(super) fn check(opts: &mut Options) -> Result<(), Errno> {
    let mode = opts.int("mac.do")?;
    if mode.is_some_and(|mode| !matches!(mode, JAIL_SYS_DISABLE | JAIL_SYS_NEW | JAIL_SYS_INHERIT)) {
        return Err(Errno(libc::EINVAL));
    }
    let Some(rules) = opts.bytes("mac.do.rules") else {
        if mode == Some(JAIL_SYS_NEW) {
            return Err(opts.error(libc::EINVAL, "'mac.do.rules' must be specified given 'mac.do''s value"));
        }
        return Ok(());
    };
    if rules.last() != Some(&0) {
        return Err(opts.error(libc::EINVAL, "'mac.do.rules' not a proper string"));
    }
    if rules.len() > RULES_LEN {
        return Err(opts.error(libc::ENAMETOOLONG, "'mdo.rules' too long"));
    }
    let idle = matches!(mode, Some(JAIL_SYS_DISABLE | JAIL_SYS_INHERIT));
    if idle && !c_string(rules).is_empty() {
        let text = "'mac.do.rules' specified but should not given 'mac.do''s value";
        return Err(opts.error(libc::EINVAL, text));
    }
    Ok(())
}

/// The rules to be set, `None` for the parent's.
///
/// T6: a request that mentions neither mode nor rules takes the rules away.
pub(super) fn rules(opts: &mut Options) -> Result<Option<Vec<u8>>, Errno> {
    let mode = opts.int("mac.do")?;
    if mode == Some(JAIL_SYS_INHERIT) {
        return Ok(None);
    }
    let rules = opts.bytes("mac.do.rules").map(c_string).unwrap_or_default().to_vec();
    let mut at = 0;
    for rule in rules.split(|byte| *byte == b';') {
        if !rule.trim_ascii().is_empty() && !is_rule(rule) {
            let text = format!("MAC/do: Parse error at index {at}: Syntax error\n");
            return Err(opts.error(libc::EINVAL, text));
        }
        at += rule.len() + 1;
    }
    Ok(Some(rules))
}

/// Whether this may be a rule: who, `>` or `:`, and whom to; the model goes no further into it.
fn is_rule(rule: &[u8]) -> bool {
    let mut sides = rule.splitn(2, |byte| matches!(byte, b'>' | b':'));
    let (Some(from), Some(to)) = (sides.next(), sides.next()) else {
        return false;
    };
    let is_id = |side: &[u8]| {
        let side = side.trim_ascii();
        let id = side.strip_prefix(b"uid=").or_else(|| side.strip_prefix(b"gid="));
        id.is_some_and(|id| !id.is_empty() && id.iter().all(u8::is_ascii_digit))
    };
    let is_target = |target: &[u8]| {
        let target = target.trim_ascii();
        let plain = target.strip_prefix(b"+").or_else(|| target.strip_prefix(b"!")).unwrap_or(target);
        matches!(plain, b"any" | b"*" | b"uid=*" | b"gid=*" | b"uid=." | b"gid=.") || is_id(plain)
    };
    is_id(from) && to.split(|byte| *byte == b',').all(is_target)
}

impl State {
    /// Answers with the jail's mode and rules, which may be those of a jail above.
    pub(super) fn get_mac_do(&self, opts: &mut Options, key: Key) -> Result<(), Errno> {
        let above = self.self_and_ancestors(key);
        let found = above.iter().find_map(|each| Some((*each, self.prison(*each).mac_do.as_deref()?)));
        let (mode, rules) = match found {
            Some((owner, rules)) if owner != key => (JAIL_SYS_INHERIT, rules),
            Some((_, rules)) if !rules.is_empty() => (JAIL_SYS_NEW, rules),
            _ => (JAIL_SYS_DISABLE, b"".as_slice()),
        };
        opts.set_int("mac.do", mode)?;
        opts.set_string("mac.do.rules", rules)
    }
}
