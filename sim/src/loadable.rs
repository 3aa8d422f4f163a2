//! Loadable modules that add parameters to jails: `linux_prison_check` and the functions beside it in
//! `sys/compat/linux/linux_mib.c`, `zfs_jailparam_check` and those beside it in OpenZFS's `zfs_vfsops.c`, and the
//! permissions that file systems add by `prison_add_allow`. No kernel with these modules was recorded.

use core::ffi::c_int;
use std::collections::BTreeMap;

use crate::raw::Errno;

use super::flags::{JAIL_SYS_INHERIT, JAIL_SYS_NEW};
use super::mac_do::MacDo;
use super::options::{Options, c_string};
use super::prison::{HOST, Key};
use super::release::Release;
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
    /// mac_do: `mac.do` and `mac.do.rules` since 14.3. 14.2 has it with `mdo` and `mdo.rules`, which panic the
    /// kernel; the releases before have none. The model of 15.1 has it from its start.
    MacDo,
    /// A file system: `allow.mount.` and this name.
    FileSystem(&'static str),
}

/// The state of the loaded modules. A jail without an entry has its parent's.
#[derive(Debug, Default)]
pub(super) struct Loadable {
    linux: Option<BTreeMap<Key, Linux>>,
    /// `zfs.mount_snapshot` of those that have ZFS parameters of their own.
    zfs: Option<BTreeMap<Key, c_int>>,
    pub(super) mac_do: MacDo,
}

impl Loadable {
    /// The modules of a new kernel.
    pub(super) fn of(release: &Release) -> Self {
        Self {
            mac_do: if release.mac_do { MacDo::New { built_in: true } } else { MacDo::None },
            ..Self::default()
        }
    }
}

#[derive(Debug, Clone)]
struct Linux {
    osname: Vec<u8>,
    osrelease: Vec<u8>,
    oss_version: c_int,
}

impl State {
    /// Loads a module, once. Existing jails each get a copy of the host's settings.
    pub(super) fn load(&mut self, module: Module) {
        match module {
            Module::Linux => {
                if self.loadable.linux.is_none() {
                    let own = Linux {
                        osname: b"Linux".into(),
                        osrelease: self.release.linux.into(),
                        oss_version: 0x03_06_00,
                    };
                    let all = self.prisons().map(|key| (key, own.clone()));
                    self.loadable.linux = Some(all.collect());
                    self.tree.add(PARAM_LINUX);
                }
            }
            Module::Zfs => {
                if self.loadable.zfs.is_none() {
                    self.loadable.zfs = Some(self.prisons().map(|key| (key, 0)).collect());
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
            Module::MacDo => self.load_mac_do(),
            Module::FileSystem(name) => self.add_permission(&format!("mount.{name}")),
        }
    }

    /// Unloads a module. Its permissions stay, as in a real kernel.
    pub(super) fn unload(&mut self, module: Module) {
        match module {
            Module::Linux => {
                self.loadable.linux = None;
                self.tree.remove("linux");
            }
            Module::Zfs => {
                self.loadable.zfs = None;
                self.tree.remove("zfs");
            }
            Module::MacDo => self.unload_mac_do(),
            Module::Vmm | Module::FileSystem(_) => {}
        }
    }

    /// Adds a permission that only the host has: `prison_add_allow`.
    fn add_permission(&mut self, name: &str) {
        if let Some(bit) = self.permissions.add(name) {
            let host = self.prison_mut(HOST);
            host.allow = host.allow.with(bit);
            self.tree.add_permission(name);
        }
    }

    pub(super) fn check_loadable(&self, opts: &mut Options) -> Result<(), Errno> {
        if self.loadable.linux.is_some() {
            check_mode(opts, "linux")?;
            check_utsname(opts, "linux.osname", "linux.osname too long")?;
            if let Some(osrelease) = check_utsname(opts, "linux.osrelease", "linux.osrelease too long")? {
                if !is_linux_release(&osrelease) {
                    return Err(opts.error(libc::EINVAL, "linux.osrelease format error"));
                }
            }
            opts.int("linux.oss_version")?;
        }
        if self.loadable.zfs.is_some() {
            check_mode(opts, "zfs")?;
            if opts.int("zfs.mount_snapshot")?.is_some_and(|value| !matches!(value, 0 | 1)) {
                return Err(Errno(libc::EINVAL));
            }
        }
        Ok(())
    }

    /// Gives a new jail a copy of its parent's settings, unless it inherits them.
    pub(super) fn create_loadable(&mut self, opts: &mut Options, key: Key) -> Result<(), Errno> {
        let above = self.self_and_ancestors(key);
        if let Some(all) = self.loadable.linux.as_mut() {
            if opts.int("linux")? != Some(JAIL_SYS_INHERIT) {
                own(all, &above);
            }
        }
        if let Some(all) = self.loadable.zfs.as_mut() {
            if opts.int("zfs")? != Some(JAIL_SYS_INHERIT) {
                own(all, &above);
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
            if let Some(own) = changed(all, &above, mode, sets) {
                own.osname = osname.unwrap_or_else(|| own.osname.clone());
                own.osrelease = osrelease.unwrap_or_else(|| own.osrelease.clone());
                own.oss_version = oss_version.unwrap_or(own.oss_version);
            }
        }
        if let Some(all) = &mut self.loadable.zfs {
            let mode = opts.int("zfs")?;
            let mount_snapshot = opts.int("zfs.mount_snapshot")?;
            // T33: it is compared with the parent's only here, after other changes, and not with the host's.
            let parents = above.get(1).filter(|parent| **parent != HOST);
            if let (Some(_), Some(wanted)) = (parents, mount_snapshot) {
                let has = above.iter().skip(1).find_map(|each| all.get(each));
                if has.is_some_and(|has| *has < wanted) {
                    return Err(Errno(libc::EPERM));
                }
            }
            if let Some(own) = changed(all, &above, mode, mount_snapshot.is_some()) {
                *own = mount_snapshot.unwrap_or(*own);
            }
        }
        Ok(())
    }

    pub(super) fn get_loadable(&self, opts: &mut Options, key: Key) -> Result<(), Errno> {
        let mode = |own: bool| if own { JAIL_SYS_NEW } else { JAIL_SYS_INHERIT };
        let above = self.self_and_ancestors(key);
        if let Some(all) = &self.loadable.linux {
            opts.set_int("linux", mode(all.contains_key(&key)))?;
            if let Some(has) = above.iter().find_map(|each| all.get(each)) {
                opts.set_string("linux.osname", &has.osname)?;
                opts.set_string("linux.osrelease", &has.osrelease)?;
                opts.set_int("linux.oss_version", has.oss_version)?;
            }
        }
        if let Some(all) = &self.loadable.zfs {
            opts.set_int("zfs", mode(all.contains_key(&key)))?;
            // For a jail that inherits, the kernel returns 0, whatever its parent has.
            opts.set_int("zfs.mount_snapshot", all.get(&key).copied().unwrap_or(0))?;
        }
        Ok(())
    }
}

/// Gives a jail its own settings or its parent's, and returns its own to be changed. Settings take precedence over the
/// mode.
fn changed<'a, T: Clone>(
    all: &'a mut BTreeMap<Key, T>,
    above: &[Key],
    mode: Option<c_int>,
    sets: bool,
) -> Option<&'a mut T> {
    match (mode, sets) {
        (Some(JAIL_SYS_INHERIT), false) => {
            all.remove(above.first()?);
            None
        }
        (None, false) => None,
        _ => own(all, above),
    }
}

/// Returns a jail's own settings, at first a copy of those that it has inherited.
fn own<'a, T: Clone>(all: &'a mut BTreeMap<Key, T>, above: &[Key]) -> Option<&'a mut T> {
    let key = above.first()?;
    if !all.contains_key(key) {
        let copy = above.iter().find_map(|each| all.get(each).cloned())?;
        all.insert(*key, copy);
    }
    all.get_mut(key)
}

/// Checks a mode that cannot be disabled.
fn check_mode(opts: &mut Options, name: &str) -> Result<(), Errno> {
    match opts.int(name)? {
        None | Some(JAIL_SYS_NEW | JAIL_SYS_INHERIT) => Ok(()),
        Some(_) => Err(Errno(libc::EINVAL)),
    }
}

/// Checks a name or version of Linux, and returns it.
fn check_utsname(opts: &mut Options, name: &str, too_long: &str) -> Result<Option<Vec<u8>>, Errno> {
    let Some(value) = opts.bytes(name) else { return Ok(None) };
    if value.last() != Some(&0) {
        return Err(Errno(libc::EINVAL));
    }
    if value.len() > UTSNAME_LEN {
        return Err(opts.error(libc::ENAMETOOLONG, too_long));
    }
    Ok(Some(c_string(value).to_vec()))
}

/// Whether this is a version of Linux, three numbers and perhaps a dash and more: `linux_map_osrel`.
fn is_linux_release(text: &[u8]) -> bool {
    let Ok(text) = core::str::from_utf8(text) else { return false };
    let (version, more) = text.split_once('-').map_or((text, None), |(version, more)| (version, Some(more)));
    let mut numbers = version.split('.').map(str::parse::<u16>);
    let three = (numbers.next(), numbers.next(), numbers.next(), numbers.next());
    let (Some(Ok(major)), Some(Ok(_)), Some(Ok(_)), None) = three else { return false };
    major >= 1 && more != Some("")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_of_linux_has_three_numbers() {
        for good in ["5.15.0", "3.2.0-generic", "1.0.0"] {
            assert!(is_linux_release(good.as_bytes()), "{good}");
        }
        for bad in ["", "5", "5.15", "5.15.", "5.15.0.1", "0.9.0", "5.15.0-", "x.1.2", "5.15.0x"] {
            assert!(!is_linux_release(bad.as_bytes()), "{bad}");
        }
    }
}
