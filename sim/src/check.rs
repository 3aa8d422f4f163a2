//! The last checks of a jail_set(2), against the jail and the one it is compared with, before anything changes.

use crate::raw::Errno;

use super::address::{Address, Ip4, Ip6, parent_has};
use super::find::Found;
use super::flags::{MAXHOSTNAMELEN, PrisonFlags};
use super::name;
use super::options::Options;
use super::prison::{HOST, Key};
use super::process::Pid;
use super::request::Request;
use super::state::State;

/// How a jail's name changes.
#[derive(Debug)]
pub(super) struct Naming {
    /// The new last component.
    pub(super) last: Vec<u8>,
    /// The length of the old one, as the kernel computes it.
    pub(super) old_len: usize,
}

impl State {
    /// Refuses changes that an existing jail does not allow.
    pub(super) fn check_existing(
        &self,
        opts: &mut Options,
        request: &Request,
        key: Key,
    ) -> Result<(), Errno> {
        let has = self.prison(key).flags;
        if has.contains(PrisonFlags::VNET)
            && request.changed.intersects(PrisonFlags::IP4_USER | PrisonFlags::IP6_USER)
        {
            return Err(opts.error(libc::EINVAL, "vnet jails cannot have IP address restrictions"));
        }
        for (name, flag) in [("ip4", PrisonFlags::IP4_USER), ("ip6", PrisonFlags::IP6_USER)] {
            if (request.changed & (request.flags ^ has)).contains(flag) {
                return Err(opts.error(libc::EINVAL, format!("{name} cannot be changed after creation")));
            }
        }
        Ok(())
    }

    /// Refuses values that are looser than the parent's, addresses of other jails, and invalid names.
    pub(super) fn check(
        &self,
        pid: Pid,
        opts: &mut Options,
        request: &mut Request,
        found: &Found,
        key: Key,
    ) -> Result<Option<Naming>, Errno> {
        let refused = Err(Errno(libc::EPERM));
        let parent = self.prison(found.parent);
        if request.securelevel.is_some_and(|level| level < parent.securelevel) {
            return refused;
        }
        if request.childmax.is_some_and(|max| max >= parent.childmax) {
            return refused;
        }
        if request.enforce_statfs.is_some_and(|level| level < parent.enforce_statfs) {
            return refused;
        }
        if let Some(ruleset) = &mut request.devfs_rsnum {
            if !(0..=65535).contains(ruleset) {
                return Err(Errno(libc::EINVAL));
            }
            if self.prison_of(pid) != HOST {
                if *ruleset > 0 && *ruleset != parent.devfs_rsnum {
                    return refused;
                }
                *ruleset = parent.devfs_rsnum;
            }
        }
        self.check_addresses::<Ip4>(opts, request.ip4.as_ref(), found, key, "IPv4 addresses clash")?;
        self.check_addresses::<Ip6>(opts, request.ip6.as_ref(), found, key, "IPv6 addresses clash")?;
        let naming = self.check_name(opts, found, key)?;
        let excess = request.allow.without(parent.allow).without(self.permissions.not_compared);
        if excess.is_empty() { Ok(naming) } else { refused }
    }

    fn check_addresses<T: Address>(
        &self,
        opts: &mut Options,
        list: Option<&Vec<T>>,
        found: &Found,
        key: Key,
        clash: &str,
    ) -> Result<(), Errno> {
        let Some(list) = list else { return Ok(()) };
        let parent = self.prison(found.parent);
        if parent.flags.contains(T::RESTRICTED) && !parent_has(T::of(parent), list) {
            return Err(Errno(libc::EPERM));
        }
        if self.addresses_clash(found.parent, key, list) {
            return Err(opts.error(libc::EADDRINUSE, clash));
        }
        Ok(())
    }

    fn check_name(&self, opts: &mut Options, found: &Found, key: Key) -> Result<Option<Naming>, Errno> {
        let Some(last) = &found.last_name else {
            return Ok(None);
        };
        let last = if last.is_empty() {
            found.jid.to_string().into_bytes()
        } else if name::may_be_named(last, found.jid) {
            last.clone()
        } else {
            return Err(opts.error(libc::EINVAL, "name cannot be numeric (unless it is the jid)"));
        };
        // T4: if the prefix is not that of the jail's own parent, the old length is wrong.
        let prefix = self.prefix_len(found.parent);
        let old_len = self.prison(key).name.at_offset(prefix).len();
        if prefix + last.len() + 1 > MAXHOSTNAMELEN {
            return Err(Errno(libc::ENAMETOOLONG));
        }
        let grown = |below: &Key| {
            let len = self.prison(*below).name.as_bytes().len();
            len.wrapping_add(last.len()).wrapping_sub(old_len)
        };
        if self.below(key).iter().any(|below| grown(below) >= MAXHOSTNAMELEN) {
            return Err(Errno(libc::ENAMETOOLONG));
        }
        Ok(Some(Naming { last, old_len }))
    }
}
