//! A new jail with its initial values.

use core::ffi::c_int;

use crate::raw::Errno;

use super::address::Address;
use super::find::Found;
use super::flags::{DEFAULT_HOSTUUID, PrisonFlags};
use super::name::NameBuffer;
use super::options::Options;
use super::prison::{Key, Life, Prison};
use super::request::Request;
use super::state::State;

/// The default `enforce_statfs`: `jail_default_enforce_statfs`.
const DEFAULT_ENFORCE_STATFS: c_int = 2;

impl State {
    /// Makes a jail and adds it to the tree, where it is not visible yet. Its only reference is the caller's.
    pub(super) fn create(
        &mut self,
        opts: &mut Options,
        request: &mut Request,
        mine: Key,
        found: &mut Found,
    ) -> Result<Key, Errno> {
        // T21: the limits are those of the caller's jail and above, not of the new jail's parent.
        let full = |key: &Key| self.prison(*key).childcount >= self.prison(*key).childmax;
        if self.self_and_ancestors(mine).iter().any(full) {
            return Err(opts.error(libc::EPERM, "prison limit exceeded"));
        }
        let exhausted = |opts: &mut Options| opts.error(libc::EAGAIN, "no available jail IDs");
        if let Some(dead) = found.dead {
            let id = self.next_deadid().ok_or_else(|| exhausted(opts))?;
            self.renumber(dead, id);
        }
        if found.jid == 0 {
            found.jid = self.next_prid().ok_or_else(|| exhausted(opts))?;
        }
        found.last_name.get_or_insert_default();
        if request.path.is_none() {
            // T21: without a path the root is that of the caller's jail, wherever the new jail's parent is; and the
            // path is "/", whatever the root is.
            request.path = Some(b"/".to_vec());
        }
        let prison = self.prison_to_be(request, found);
        let key = self.link(prison);
        self.hold(found.parent);
        self.proc_hold(found.parent);
        Ok(key)
    }

    fn prison_to_be(&self, request: &Request, found: &Found) -> Prison {
        let parent = self.prison(found.parent);
        let mut prison = Prison {
            id: found.jid,
            refs: 1,
            urefs: 0,
            flags: PrisonFlags::HOST | PrisonFlags::IP4_SADDRSEL | PrisonFlags::IP6_SADDRSEL,
            parent: Some(found.parent),
            children: Vec::new(),
            childcount: 0,
            childmax: 0,
            allow: self.permissions.of_new_jail.and(parent.allow),
            securelevel: parent.securelevel,
            enforce_statfs: DEFAULT_ENFORCE_STATFS,
            devfs_rsnum: parent.devfs_rsnum,
            life: Life::Invalid,
            osreldate: request.osreldate.unwrap_or(parent.osreldate),
            osrelease: request.osrelease.clone().unwrap_or_else(|| parent.osrelease.clone()),
            hostid: 0,
            name: NameBuffer::new(),
            path: Vec::new(),
            root: Vec::new(),
            hostname: Vec::new(),
            domainname: Vec::new(),
            hostuuid: DEFAULT_HOSTUUID.to_vec(),
            ip4: None,
            ip6: None,
            cpuset: self.free_cpuset(),
            // `cpuset_create_root`.
            cpus: parent.cpus.clone(),
            sysv: [None; 3],
            mac_do: None,
            meta: None,
            env: None,
            racct_name: Vec::new(),
            descriptors: Vec::new(),
        };
        if request.flags.contains(PrisonFlags::VNET) {
            prison.flags.insert(PrisonFlags::VNET);
        } else {
            inherit::<super::address::Ip4>(request, parent, &mut prison);
            inherit::<super::address::Ip6>(request, parent, &mut prison);
        }
        prison
    }
}

/// Gives a new jail its parent's addresses if it inherits them, and none if nothing is set.
fn inherit<T: Address>(request: &Request, parent: &Prison, prison: &mut Prison) {
    if !request.changed.contains(T::USER) {
        prison.flags.insert(T::RESTRICTED | T::USER);
    } else if !request.flags.contains(T::USER) {
        prison.flags.insert(parent.flags & T::RESTRICTED);
        *T::of_mut(prison) = T::of(parent).cloned();
    }
}
