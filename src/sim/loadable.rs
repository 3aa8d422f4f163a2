//! Modules that can be loaded, as far as they add parameters to jails: `linux_prison_check` and its likes in
//! `sys/compat/linux/linux_mib.c`, and the permissions that file systems add by `prison_add_allow`.
//!
//! This follows the manual page jail(8); no recording of a kernel with these modules was at hand.

use core::ffi::c_int;
use std::collections::BTreeMap;

use crate::sys::Errno;

use super::flags::{JAIL_SYS_INHERIT, JAIL_SYS_NEW};
use super::options::{Options, c_string};
use super::prison::{HOST, Key};
use super::state::State;
use super::sysctl_tree::{PARAM_LINUX, PARAM_ZFS};

/// The longest name and version of Linux, with their NUL: `LINUX_MAX_UTSNAME`.
const UTSNAME_LEN: usize = 65;

/// A kernel module that adds parameters to jails, to be loaded by [`Kernel::load`](super::Kernel::load).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Module {
    /// linux_common: `linux`, `linux.osname`, `linux.osrelease`, `linux.oss_version`.
    Linux,
    /// zfs: `zfs`, `zfs.mount_snapshot`, `allow.mount.zfs`.
    Zfs,
    /// vmm: `allow.vmm`, and `allow.vmm_ppt` since 15.1.
    Vmm,
    /// A file system: `allow.mount.` and this name.
    FileSystem(&'static str),
}

/// What the loaded modules know of jails. A jail that is not there has its parent's.
#[derive(Debug, Default)]
pub(super) struct Loadable {
    linux: Option<BTreeMap<Key, Linux>>,
    zfs: Option<BTreeMap<Key, Zfs>>,
}

#[derive(Debug, Clone)]
struct Linux {
    osname: Vec<u8>,
    osrelease: Vec<u8>,
    oss_version: c_int,
}

#[derive(Debug, Clone, Copy)]
struct Zfs {
    mode: c_int,
    mount_snapshot: c_int,
}

impl State {
    /// Loads a module; a second time nothing happens.
    pub(super) fn load(&mut self, module: Module) {
        match module {
            Module::Linux => {
                if self.loadable.linux.is_none() {
                    let own = Linux {
                        osname: b"Linux".into(),
                        osrelease: b"5.15.0".into(),
                        oss_version: 0x03_06_00,
                    };
                    self.loadable.linux = Some(BTreeMap::from([(HOST, own)]));
                    self.tree.add(PARAM_LINUX);
                }
            }
            Module::Zfs => {
                if self.loadable.zfs.is_none() {
                    let own = Zfs { mode: JAIL_SYS_NEW, mount_snapshot: 0 };
                    self.loadable.zfs = Some(BTreeMap::from([(HOST, own)]));
                    self.tree.add(PARAM_ZFS);
                }
                self.add_permission("mount.zfs");
            }
            Module::Vmm => {
                self.add_permission("vmm");
                if self.release.osreldate() >= 1_501_000 {
                    self.add_permission("vmm_ppt");
                }
            }
            Module::FileSystem(name) => self.add_permission(&format!("mount.{name}")),
        }
    }

    /// Adds a permission, which the host has and no other jail: `prison_add_allow`.
    fn add_permission(&mut self, name: &str) {
        if let Some(bit) = self.permissions.add(name) {
            let host = self.prison_mut(HOST);
            host.allow = host.allow.with(bit);
            self.tree.add_permission(name);
        }
    }

    pub(super) fn check_loadable(&self, opts: &mut Options) -> Result<(), Errno> {
        if self.loadable.linux.is_some() {
            mode(opts, "linux", &[JAIL_SYS_NEW, JAIL_SYS_INHERIT])?;
            for (name, too_long) in
                [("linux.osname", "linux.osname too long"), ("linux.osrelease", "linux.osrelease too long")]
            {
                let Some(value) = opts.bytes(name) else { continue };
                if value.last() != Some(&0) {
                    return Err(Errno(libc::EINVAL));
                }
                if value.len() > UTSNAME_LEN {
                    return Err(opts.error(libc::ENAMETOOLONG, too_long));
                }
            }
            opts.int("linux.oss_version")?;
        }
        if self.loadable.zfs.is_some() {
            mode(opts, "zfs", &[JAIL_SYS_NEW, JAIL_SYS_INHERIT])?;
            if opts.int("zfs.mount_snapshot")?.is_some_and(|value| !matches!(value, 0 | 1)) {
                return Err(Errno(libc::EINVAL));
            }
        }
        Ok(())
    }

    pub(super) fn set_loadable(&mut self, opts: &mut Options, key: Key) -> Result<(), Errno> {
        let above = self.self_and_ancestors(key);
        if let Some(all) = &mut self.loadable.linux {
            let mode = opts.int("linux")?;
            let osname = opts.bytes("linux.osname").map(|value| c_string(value).to_vec());
            let osrelease = opts.bytes("linux.osrelease").map(|value| c_string(value).to_vec());
            let oss_version = opts.int("linux.oss_version")?;
            let sets = osname.is_some() || osrelease.is_some() || oss_version.is_some();
            if mode == Some(JAIL_SYS_INHERIT) {
                all.remove(&key);
            } else if mode.is_some() || sets {
                if let Some(mut own) = above.iter().find_map(|each| all.get(each).cloned()) {
                    own.osname = osname.unwrap_or(own.osname);
                    own.osrelease = osrelease.unwrap_or(own.osrelease);
                    own.oss_version = oss_version.unwrap_or(own.oss_version);
                    all.insert(key, own);
                }
            }
        }
        if let Some(all) = &mut self.loadable.zfs {
            let mode = opts.int("zfs")?;
            let mount_snapshot = opts.int("zfs.mount_snapshot")?;
            if mode == Some(JAIL_SYS_INHERIT) {
                all.remove(&key);
            } else if mode.is_some() || mount_snapshot.is_some() {
                let old = all.get(&key).map_or(0, |own| own.mount_snapshot);
                let own =
                    Zfs { mode: mode.unwrap_or(JAIL_SYS_NEW), mount_snapshot: mount_snapshot.unwrap_or(old) };
                all.insert(key, own);
            }
        }
        Ok(())
    }

    pub(super) fn get_loadable(&self, opts: &mut Options, key: Key) -> Result<(), Errno> {
        let above = self.self_and_ancestors(key);
        if let Some(all) = &self.loadable.linux {
            opts.set_int("linux", if all.contains_key(&key) { JAIL_SYS_NEW } else { JAIL_SYS_INHERIT })?;
            if let Some(has) = above.iter().find_map(|each| all.get(each)) {
                opts.set_string("linux.osname", &has.osname)?;
                opts.set_string("linux.osrelease", &has.osrelease)?;
                opts.set_int("linux.oss_version", has.oss_version)?;
            }
        }
        if let Some(all) = &self.loadable.zfs {
            opts.set_int("zfs", all.get(&key).map_or(JAIL_SYS_INHERIT, |own| own.mode))?;
            if let Some(has) = above.iter().find_map(|each| all.get(each)) {
                opts.set_int("zfs.mount_snapshot", has.mount_snapshot)?;
            }
        }
        Ok(())
    }
}

/// Checks a mode that may not be any.
fn mode(opts: &mut Options, name: &str, allowed: &[c_int]) -> Result<(), Errno> {
    match opts.int(name)? {
        Some(mode) if !allowed.contains(&mode) => Err(Errno(libc::EINVAL)),
        _ => Ok(()),
    }
}
