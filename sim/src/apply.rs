//! Applies the changes of a permitted jail_set(2), to the jail and to those below it.

use super::address::{Ip4, Ip6};
use super::check::Naming;
use super::flags::{LetGo, PrisonFlags};
use super::prison::{HOST, Key};
use super::request::Request;
use super::state::State;

impl State {
    /// Sets the kernel's own parameters; modules follow.
    ///
    /// T5: this is not undone if a module fails.
    pub(super) fn apply(
        &mut self,
        request: &Request,
        judge: Key,
        root: Vec<u8>,
        naming: Option<&Naming>,
        key: Key,
        let_go: &mut LetGo,
    ) {
        if request.flags.contains(PrisonFlags::IP4_USER) {
            self.set_addresses::<Ip4>(key, request.ip4.clone());
        }
        if request.flags.contains(PrisonFlags::IP6_USER) {
            self.set_addresses::<Ip6>(key, request.ip6.clone());
        }
        self.apply_limits(request, key);
        if let Some(naming) = naming {
            self.rename(judge, naming, key);
        }
        if let Some(path) = &request.path {
            let prison = self.prison_mut(key);
            prison.path.clone_from(path);
            prison.root = root;
        }
        self.apply_host(request, key);
        self.apply_permissions(request, key);
        self.apply_flags(request, key, let_go);
    }

    /// Sets the numbers, and adjusts those of the jails below.
    fn apply_limits(&mut self, request: &Request, key: Key) {
        let below = self.below(key);
        if let Some(level) = request.securelevel {
            self.prison_mut(key).securelevel = level;
            for each in &below {
                let prison = self.prison_mut(*each);
                prison.securelevel = prison.securelevel.max(level);
            }
        }
        if let Some(max) = request.childmax {
            self.prison_mut(key).childmax = max;
            for each in &below {
                let level = self.level(key, *each);
                let prison = self.prison_mut(*each);
                if prison.childmax > max.saturating_sub(level) {
                    prison.childmax = if max > level { max - level } else { 0 };
                }
            }
        }
        if let Some(level) = request.enforce_statfs {
            self.prison_mut(key).enforce_statfs = level;
            for each in &below {
                let prison = self.prison_mut(*each);
                prison.enforce_statfs = prison.enforce_statfs.max(level);
            }
        }
        if let Some(ruleset) = request.devfs_rsnum {
            for each in core::iter::once(&key).chain(&below) {
                self.prison_mut(*each).devfs_rsnum = ruleset;
            }
        }
    }

    /// Sets the name, below the jail against which the request was checked, and this component in the names of the
    /// jails below.
    fn rename(&mut self, judge: Key, naming: &Naming, key: Key) {
        let full = if judge == HOST {
            naming.last.clone()
        } else {
            [self.prison(judge).name.as_bytes(), b".", &naming.last].concat()
        };
        let prison = self.prison_mut(key);
        prison.name.set(&full);
        let name = prison.name.clone();
        for each in self.below(key) {
            self.prison_mut(each).name.replace_start(naming.old_len, naming.last.len(), &name);
        }
    }

    /// Sets the host's names and numbers, or takes them from the parent.
    fn apply_host(&mut self, request: &Request, key: Key) {
        if (request.changed - request.flags).contains(PrisonFlags::HOST) {
            let prison = self.prison(key);
            if let Some(parent) = prison.parent.filter(|_| prison.flags.contains(PrisonFlags::HOST)) {
                let parent = self.prison(parent).clone();
                let prison = self.prison_mut(key);
                prison.hostname = parent.hostname;
                prison.domainname = parent.domainname;
                prison.hostuuid = parent.hostuuid;
                prison.hostid = parent.hostid;
            }
            return;
        }
        let mut sharing = self.below_while(key, |_, prison| !prison.flags.contains(PrisonFlags::HOST));
        sharing.retain(|each| !self.prison(*each).flags.contains(PrisonFlags::HOST));
        for each in core::iter::once(key).chain(sharing) {
            let prison = self.prison_mut(each);
            if let Some(hostname) = &request.hostname {
                prison.hostname.clone_from(hostname);
            }
            if let Some(domainname) = &request.domainname {
                prison.domainname.clone_from(domainname);
            }
            if let Some(hostuuid) = &request.hostuuid {
                prison.hostuuid.clone_from(hostuuid);
            }
            if let Some(hostid) = request.hostid {
                prison.hostid = hostid;
            }
        }
    }

    /// Sets the permissions. Those denied are denied to the jails below as well.
    fn apply_permissions(&mut self, request: &Request, key: Key) {
        let prison = self.prison_mut(key);
        prison.allow = prison.allow.without(request.allow_changed).with(request.allow);
        let taken = request.allow_changed.without(request.allow);
        for each in self.below(key) {
            let prison = self.prison_mut(each);
            prison.allow = prison.allow.without(taken);
        }
    }

    /// Sets the flags; persistence is a reference of each kind.
    fn apply_flags(&mut self, request: &Request, key: Key, let_go: &mut LetGo) {
        let prison = self.prison_mut(key);
        if (request.changed & (request.flags ^ prison.flags)).contains(PrisonFlags::PERSIST) {
            if request.flags.contains(PrisonFlags::PERSIST) {
                prison.refs += 1;
                prison.urefs += 1;
            } else {
                prison.refs -= 1;
                let_go.insert(LetGo::DEUREF);
            }
        }
        prison.flags = (prison.flags - request.changed) | request.flags;
    }
}
