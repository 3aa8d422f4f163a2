//! Parameters of the kernel's modules: System V IPC here, [`meta`](super::meta) and [`mac_do`](super::mac_do) in their
//! own files.
//!
//! They are called in the order in which they register when the kernel starts. Those loaded later come last.

use core::ffi::c_int;

use crate::raw::Errno;

use super::flags::{JAIL_SYS_DISABLE, JAIL_SYS_INHERIT, JAIL_SYS_NEW};
use super::meta;
use super::options::Options;
use super::prison::Key;
use super::sprung::Effect;
use super::state::State;

/// The System V modules in their order, after `sysv_shm.c`, `sysv_sem.c` and `sysv_msg.c`, which do the same.
const SYSV: [&str; 3] = ["sysvshm", "sysvsem", "sysvmsg"];
/// The place of shared memory among them.
const SHM: usize = 0;

impl State {
    /// Makes the modules check their parameters before anything changes: `PR_METHOD_CHECK`.
    pub(super) fn check_modules(&self, opts: &mut Options, key: Key) -> Result<(), Errno> {
        if self.has_early_mac_do() {
            self.check_mac_do(opts)?;
        }
        if self.release.meta {
            meta::check(opts, meta::META);
            meta::check(opts, meta::ENV);
        }
        for (slot, name) in SYSV.iter().enumerate() {
            self.check_sysv(opts, key, slot, name)?;
        }
        if !self.has_early_mac_do() {
            self.check_mac_do(opts)?;
        }
        self.check_loadable(opts)
    }

    /// Notifies the modules of a new jail: `PR_METHOD_CREATE`.
    pub(super) fn create_modules(&mut self, opts: &mut Options, key: Key) -> Result<(), Errno> {
        self.create_mac_do(key);
        self.create_loadable(opts, key)
    }

    /// Makes the modules set their parameters: `PR_METHOD_SET`.
    pub(super) fn set_modules(&mut self, opts: &mut Options, key: Key) -> Result<(), Errno> {
        if self.has_early_mac_do() {
            self.set_mac_do(opts, key)?;
        }
        if self.release.meta {
            let text = meta::set(opts, meta::META, self.prison(key).meta.clone(), self.meta_max)?;
            self.prison_mut(key).meta = text;
            let text = meta::set(opts, meta::ENV, self.prison(key).env.clone(), self.meta_max)?;
            self.prison_mut(key).env = text;
        }
        for (slot, name) in SYSV.iter().enumerate() {
            self.set_sysv(opts, key, slot, name)?;
        }
        if !self.has_early_mac_do() {
            self.set_mac_do(opts, key)?;
        }
        self.set_loadable(opts, key)
    }

    /// Makes the modules answer: `PR_METHOD_GET`.
    pub(super) fn get_modules(&mut self, opts: &mut Options, key: Key) -> Result<(), Errno> {
        if self.has_early_mac_do() {
            self.get_mac_do(opts, key)?;
        }
        let prison = self.prison(key);
        if self.release.meta {
            meta::get(opts, meta::META, prison.meta.as_deref().unwrap_or_default())?;
            meta::get(opts, meta::ENV, prison.env.as_deref().unwrap_or_default())?;
        }
        for (name, root) in SYSV.iter().zip(prison.sysv) {
            let mode = match root {
                None => JAIL_SYS_DISABLE,
                Some(root) if root == key => JAIL_SYS_NEW,
                Some(_) => JAIL_SYS_INHERIT,
            };
            opts.set_int(name, mode)?;
        }
        if !self.has_early_mac_do() {
            self.get_mac_do(opts, key)?;
        }
        self.get_loadable(opts, key)
    }

    /// Returns the jail whose objects a jail uses.
    fn sysv_root(&self, key: Key, slot: usize) -> Option<Key> {
        self.prison(key).sysv.get(slot).copied().flatten()
    }

    /// The same, of the jail's parent.
    fn parents_sysv_root(&self, key: Key, slot: usize) -> Option<Key> {
        self.prison(key).parent.and_then(|parent| self.sysv_root(parent, slot))
    }

    fn check_sysv(&self, opts: &mut Options, key: Key, slot: usize, name: &str) -> Result<(), Errno> {
        match opts.int(name)? {
            None | Some(JAIL_SYS_DISABLE) => Ok(()),
            Some(JAIL_SYS_NEW | JAIL_SYS_INHERIT) => match self.parents_sysv_root(key, slot) {
                Some(_) => Ok(()),
                None => Err(Errno(libc::EPERM)),
            },
            Some(_) => Err(Errno(libc::EINVAL)),
        }
    }

    fn set_sysv(&mut self, opts: &mut Options, key: Key, slot: usize, name: &str) -> Result<(), Errno> {
        let Some(mode) = sysv_mode(opts, name)? else {
            return Ok(());
        };
        let old = self.sysv_root(key, slot);
        let new = match mode {
            JAIL_SYS_DISABLE => None,
            JAIL_SYS_NEW => Some(key),
            _ => self.parents_sysv_root(key, slot),
        };
        if old == new || old.is_none() {
            return self.put_sysv(&[key], slot, new);
        }
        if old == Some(key) {
            self.lose_sysv(slot);
        }
        // The jails below follow: if it is disabled all that have objects, otherwise those that shared them. Jails
        // below one that does not follow do not follow either.
        let follows = |state: &Self, each: Key| match mode {
            JAIL_SYS_DISABLE => state.sysv_root(each, slot).is_some(),
            _ => state.sysv_root(each, slot) == old,
        };
        let mut changed = self.below_while(key, |each, _| follows(self, each));
        changed.retain(|each| follows(self, *each));
        for own in changed.clone() {
            if self.sysv_root(own, slot) == Some(own) {
                self.lose_sysv(slot);
            }
        }
        changed.push(key);
        self.put_sysv(&changed, slot, new)
    }

    /// T41: removes a jail's own objects, even those in use; shared memory without its lock.
    fn lose_sysv(&mut self, slot: usize) {
        self.spring(41, if slot == SHM { Effect::Panic } else { Effect::Loss });
    }

    fn put_sysv(&mut self, keys: &[Key], slot: usize, root: Option<Key>) -> Result<(), Errno> {
        for key in keys {
            let slot = self.prison_mut(*key).sysv.get_mut(slot).ok_or(Errno(libc::EINVAL))?;
            *slot = root;
        }
        Ok(())
    }
}

/// Returns the requested mode, from the module's own parameter or from `allow.sysvipc`.
fn sysv_mode(opts: &mut Options, name: &str) -> Result<Option<c_int>, Errno> {
    if let Some(mode) = opts.int(name)? {
        return Ok(Some(mode));
    }
    if opts.flag("allow.sysvipc") {
        return Ok(Some(JAIL_SYS_INHERIT));
    }
    Ok(opts.flag("allow.nosysvipc").then_some(JAIL_SYS_DISABLE))
}
