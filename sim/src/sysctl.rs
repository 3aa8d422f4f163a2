//! sysctl(3): queries about the tree, and values.

use core::ffi::c_int;

use crate::raw::Errno;

use super::flags::{MAX_AF_IPS, PrisonFlags};
use super::prison::{HOST, Key, Life};
use super::process::Pid;
use super::sprung::Effect;
use super::state::State;
use super::sysctl_tree::Value;

/// The kind of a node: `CTLTYPE_NODE`, readable and writable.
const NODE_KIND: u32 = 0xc000_0001;
/// The version of what `security.jail.list` returns: `XPRISON_VERSION`.
const XPRISON_VERSION: c_int = 3;

impl State {
    /// The system call: reads into `old` and returns how long the value is.
    pub(super) fn sys_sysctl(
        &mut self,
        pid: Pid,
        mib: &[c_int],
        old: Option<&mut [u8]>,
        new: Option<&[u8]>,
    ) -> Result<usize, Errno> {
        self.check_running(pid)?;
        let value = match mib {
            [0, what, rest @ ..] => self.about(*what, rest, new)?,
            _ => self.value_at(pid, mib, new)?,
        };
        let Some(old) = old else { return Ok(value.len()) };
        let open = mib.first() == Some(&0)
            || self.tree.leaf(mib).is_some_and(|leaf| leaf.value.in_capability_mode());
        if self.processes.get(pid).capability_mode && !open {
            return Err(Errno(libc::EPERM));
        }
        let leaf = self.tree.leaf(mib).map(|leaf| leaf.value);
        // With room for an int, it returns an int: `sysctl_handle_bool`.
        let is_bool = matches!(leaf, Some(Value::Racct)) && old.len() == size_of::<c_int>();
        let value = if is_bool { int(self.racct.into()) } else { value };
        // T57: `jm_sysctl_env` does not check whether its text fits.
        let cuts = matches!(leaf, Some(Value::Env));
        let fits = value.len().min(old.len());
        if let (Some(to), Some(from)) = (old.get_mut(..fits), value.get(..fits)) {
            to.copy_from_slice(from);
        }
        if fits < value.len() && !cuts { Err(Errno(libc::ENOMEM)) } else { Ok(fits) }
    }

    /// Queries about the tree: `sysctl_sysctl_name` and related functions in `kern_sysctl.c`.
    fn about(&self, what: c_int, oid: &[c_int], new: Option<&[u8]>) -> Result<Vec<u8>, Errno> {
        let missing = Errno(libc::ENOENT);
        match what {
            1 => Ok([self.tree.name(oid).as_bytes(), b"\0"].concat()),
            2 | 7 => self.tree.next(oid).map(ints).ok_or(missing),
            3 => self.tree.oid(new.ok_or(missing)?).map(ints).ok_or(missing),
            4 => {
                let (kind, format) = match self.tree.leaf(oid) {
                    Some(leaf) => (leaf.kind, leaf.format),
                    None if self.tree.is_node(oid) => (NODE_KIND, "N"),
                    None => return Err(missing),
                };
                Ok([&kind.to_ne_bytes(), format.as_bytes(), b"\0"].concat())
            }
            5 => {
                let description = self.tree.description(oid).ok_or(missing)?;
                Ok([description.as_bytes(), b"\0"].concat())
            }
            _ => Err(missing),
        }
    }

    /// Returns the value of an OID in the process's jail.
    fn value_at(&mut self, pid: Pid, oid: &[c_int], new: Option<&[u8]>) -> Result<Vec<u8>, Errno> {
        let Some(leaf) = self.tree.leaf(oid) else {
            return Err(Errno(if self.tree.is_node(oid) { libc::EISDIR } else { libc::ENOENT }));
        };
        if new.is_some() {
            // The model's values cannot be set by sysctl.
            return Err(Errno(libc::EPERM));
        }
        let (value, mine) = (leaf.value, self.prison_of(pid));
        if matches!(value, Value::List)
            && self.below(mine).iter().any(|each| self.name_faults(mine, *each, true))
        {
            self.spring(39, Effect::Panic);
        }
        Ok(self.value_of(value, mine))
    }

    fn value_of(&self, value: Value, mine: Key) -> Vec<u8> {
        let prison = self.prison(mine);
        let on_host = |default: c_int, own: c_int| int(if mine == HOST { default } else { own });
        match value {
            Value::Int => int(0),
            Value::Ulong => (0 as core::ffi::c_ulong).to_ne_bytes().to_vec(),
            Value::Len(len) => string(len.to_string().as_bytes()),
            Value::Element(size) => size.to_ne_bytes().to_vec(),
            Value::Jailed => int((mine != HOST).into()),
            Value::Vnet => int((mine != HOST && prison.flags.contains(PrisonFlags::VNET)).into()),
            Value::MaxAddresses => MAX_AF_IPS.try_into().map_or_else(|_| Vec::new(), int),
            Value::MetaMax => self.meta_max.try_into().map_or_else(|_| Vec::new(), int),
            Value::ChildrenMax => int(prison.childmax),
            Value::ChildrenCur => int(prison.childcount),
            Value::EnforceStatfs => on_host(2, prison.enforce_statfs),
            Value::DevfsRuleset => on_host(0, prison.devfs_rsnum),
            Value::Env => string(prison.env.as_deref().unwrap_or_default()),
            Value::List => self.xprisons(mine),
            Value::OsRelease => string(&prison.osrelease),
            Value::OsRelDate => int(prison.osreldate),
            Value::Hostname => string(&prison.hostname),
            Value::Domainname => string(&prison.domainname),
            Value::HostUuid => string(&prison.hostuuid),
            Value::HostId => prison.hostid.to_ne_bytes().to_vec(),
            Value::Securelevel => int(prison.securelevel),
            Value::Racct => vec![self.racct.into()],
        }
    }

    /// `security.jail.list`: a `struct xprison` and its addresses for each jail, `sysctl_jail_list`.
    ///
    /// T11: since 14 the number of addresses is the maximum of all jails so far, and the addresses are those of the
    /// last jail that had any. The cpuset is never set; the order is the tree's; dying jails are included.
    fn xprisons(&self, mine: Key) -> Vec<u8> {
        let mut list = Vec::new();
        let (mut ip4, mut ip6): (Vec<u8>, Vec<u8>) = (Vec::new(), Vec::new());
        for key in self.below(mine) {
            let prison = self.prison(key);
            if !self.release.list_repeats_addresses {
                ip4.clear();
                ip6.clear();
            }
            keep(&mut ip4, prison.ip4.as_deref().map(<[_]>::as_flattened));
            keep(&mut ip6, prison.ip6.as_deref().map(<[_]>::as_flattened));
            let state = match prison.life {
                Life::Invalid => 0,
                Life::Alive => 1,
                Life::Dying => 2,
            };
            for number in [XPRISON_VERSION, prison.id, state, 0] {
                list.extend(number.to_ne_bytes());
            }
            let path = super::get::path_seen(&self.prison(mine).path, &prison.path);
            field(&mut list, path, super::flags::MAXPATHLEN);
            field(&mut list, &prison.hostname, super::flags::MAXHOSTNAMELEN);
            field(&mut list, &self.name_seen(mine, key), super::flags::MAXHOSTNAMELEN);
            for count in [ip4.len() / 4, ip6.len() / 16] {
                list.extend(u32::try_from(count).unwrap_or(u32::MAX).to_ne_bytes());
            }
            list.extend_from_slice(&ip4);
            list.extend_from_slice(&ip6);
        }
        list
    }
}

/// Puts addresses at the start of a buffer that only grows.
fn keep(buffer: &mut Vec<u8>, addresses: Option<&[u8]>) {
    let addresses = addresses.unwrap_or_default();
    if buffer.len() < addresses.len() {
        buffer.resize(addresses.len(), 0);
    }
    for (to, from) in buffer.iter_mut().zip(addresses) {
        *to = *from;
    }
}

/// A string in a field of fixed size.
fn field(list: &mut Vec<u8>, text: &[u8], size: usize) {
    let mut bytes = text.to_vec();
    bytes.resize(size, 0);
    list.extend(bytes);
}

fn int(value: c_int) -> Vec<u8> {
    value.to_ne_bytes().to_vec()
}

fn ints(oid: &[c_int]) -> Vec<u8> {
    oid.iter().flat_map(|number| number.to_ne_bytes()).collect()
}

fn string(text: &[u8]) -> Vec<u8> {
    [text, b"\0"].concat()
}
