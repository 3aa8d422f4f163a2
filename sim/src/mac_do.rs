//! The parameters `mac.do` and `mac.do.rules` of mac_do(4): `sys/security/mac_do/mac_do.c`.

use std::collections::BTreeSet;

use crate::raw::Errno;

use super::flags::{JAIL_SYS_DISABLE, JAIL_SYS_INHERIT, JAIL_SYS_NEW};
use super::mac_rules::{self, Refused};
use super::options::{Options, c_string};
use super::prison::Key;
use super::sprung::Effect;
use super::state::State;
use super::sysctl_tree::{PARAM_MAC_DO, PARAM_MDO};

/// The longest rules, with their NUL: `MAC_RULE_STRING_LEN`.
const RULES_LEN: usize = 1024;

/// Checks mode and rules against each other.
fn check(opts: &mut Options) -> Result<(), Errno> {
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
fn rules(opts: &mut Options) -> Result<Option<Vec<u8>>, Errno> {
    let mode = opts.int("mac.do")?;
    if mode == Some(JAIL_SYS_INHERIT) {
        return Ok(None);
    }
    let rules = opts.bytes("mac.do.rules").map(c_string).unwrap_or_default().to_vec();
    match mac_rules::check(&rules) {
        Ok(_) => Ok(Some(rules)),
        Err(Refused { position, text }) => {
            Err(opts.error(libc::EINVAL, format!("MAC/do: Parse error at index {position}: {text}\n")))
        }
    }
}

/// The version of mac_do(4).
#[derive(Debug, Default)]
pub(super) enum MacDo {
    /// Not loaded.
    #[default]
    None,
    /// The version of 14.2, with the jails that inherit their rules.
    Old(BTreeSet<Key>),
    /// The version of 14.3 and later, built into the kernel or loaded.
    New { built_in: bool },
}

impl State {
    /// Loads the module. Existing jails get empty rules of their own: `mac_do_init`.
    pub(super) fn load_mac_do(&mut self) {
        match (&self.loadable.mac_do, self.release.osreldate()) {
            (MacDo::None, 1_403_000..) => {
                self.loadable.mac_do = MacDo::New { built_in: false };
                self.tree.add(PARAM_MAC_DO);
                for key in self.prisons().collect::<Vec<_>>() {
                    self.prison_mut(key).mac_do = Some(Vec::new());
                }
            }
            (MacDo::None, 1_402_000..) => {
                self.loadable.mac_do = MacDo::Old(BTreeSet::new());
                self.tree.add(PARAM_MDO);
            }
            _ => {}
        }
    }

    pub(super) fn unload_mac_do(&mut self) {
        self.loadable.mac_do = MacDo::None;
        self.tree.remove("mac");
        self.tree.remove("mdo");
    }

    /// Whether the module is called before the others, because it was loaded at boot.
    pub(super) fn has_early_mac_do(&self) -> bool {
        matches!(self.loadable.mac_do, MacDo::New { built_in: true })
    }

    /// Makes the module check its parameters.
    pub(super) fn check_mac_do(&self, opts: &mut Options) -> Result<(), Errno> {
        match self.loadable.mac_do {
            MacDo::None => Ok(()),
            MacDo::Old(_) => check_old(opts),
            MacDo::New { .. } => check(opts),
        }
    }

    /// Gives a new jail no rules.
    pub(super) fn create_mac_do(&mut self, key: Key) {
        if let MacDo::New { .. } = self.loadable.mac_do {
            self.prison_mut(key).mac_do = Some(Vec::new());
        }
    }

    /// Makes the module set its parameters.
    pub(super) fn set_mac_do(&mut self, opts: &mut Options, key: Key) -> Result<(), Errno> {
        match &mut self.loadable.mac_do {
            MacDo::None => {}
            MacDo::Old(inherits) => {
                let mode = opts.int("mdo")?;
                if opts.flag("mdo.rules") || mode == Some(JAIL_SYS_NEW) {
                    inherits.remove(&key);
                    // A mutex that is held once is released twice: `mac_do_alloc_prison`.
                    self.spring(None, Effect::Panic);
                } else if mode == Some(JAIL_SYS_INHERIT) {
                    inherits.insert(key);
                }
            }
            MacDo::New { .. } => {
                if mac_rules::says_from_any(opts.bytes("mac.do.rules").map(c_string).unwrap_or_default()) {
                    self.spring(None, Effect::Panic);
                }
                let rules = rules(opts)?;
                self.prison_mut(key).mac_do = rules;
            }
        }
        Ok(())
    }

    /// Notifies the module of a jail that starts to die: `mac_do_prison_remove` of 14.2.
    pub(super) fn remove_mac_do(&mut self, key: Key) {
        let MacDo::Old(inherits) = &mut self.loadable.mac_do else { return };
        if inherits.remove(&key) {
            self.spring(None, Effect::Panic);
        }
    }

    /// Answers with the jail's mode and rules, which may be those of a jail above.
    pub(super) fn get_mac_do(&mut self, opts: &mut Options, key: Key) -> Result<(), Errno> {
        match self.loadable.mac_do {
            MacDo::None => return Ok(()),
            MacDo::Old(_) => {
                // The mode is uninitialised memory of the kernel's stack. After a wrong size a mutex stays locked.
                if opts.set_int("mdo", 0).and(opts.set_string("mdo.rules", b"")).is_err() {
                    self.spring(None, Effect::Hang);
                }
                return Ok(());
            }
            MacDo::New { .. } => {}
        }
        let above = self.self_and_ancestors(key);
        let found = above.iter().find_map(|each| Some((*each, self.prison(*each).mac_do.as_deref()?)));
        let (mode, rules) = match found {
            Some((owner, rules)) if owner != key => (JAIL_SYS_INHERIT, rules),
            Some((_, rules)) if mac_rules::check(rules) == Ok(true) => (JAIL_SYS_NEW, rules),
            found => (JAIL_SYS_DISABLE, found.map_or(b"".as_slice(), |(_, rules)| rules)),
        };
        opts.set_int("mac.do", mode)?;
        opts.set_string("mac.do.rules", rules)
    }
}

/// Checks the parameters of 14.2.
fn check_old(opts: &mut Options) -> Result<(), Errno> {
    match opts.int("mdo")? {
        None | Some(JAIL_SYS_NEW | JAIL_SYS_INHERIT) => {}
        Some(_) => return Err(Errno(libc::EINVAL)),
    }
    match opts.bytes("mdo.rules").map(<[u8]>::len) {
        Some(len) if len > RULES_LEN => Err(opts.error(libc::ENAMETOOLONG, "mdo.rules too long")),
        _ => Ok(()),
    }
}
