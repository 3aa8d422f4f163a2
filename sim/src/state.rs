//! The state of a modelled kernel, and walks through its tree of jails.

use core::ffi::c_int;
use std::collections::{BTreeMap, BTreeSet};

use super::calls::Calls;
use super::descriptor::{Descriptors, NewDescriptor};
use super::event::Queues;
use super::fault::Faults;
use super::files::Files;
use super::flags::JAIL_MAX;
use super::interface::Interface;
use super::loadable::Loadable;
use super::moment::Unbound;
use super::permission::Permissions;
use super::prison::{HOST, Key, Prison};
use super::process::{Pid, Processes};
use super::release::Release;
use super::sprung::Sprung;
use super::sysctl_tree::Tree;

/// A kernel's state, behind the lock of its [`Kernel`](super::Kernel).
#[derive(Debug)]
pub(super) struct State {
    pub(super) release: Release,
    pub(super) permissions: Permissions,
    pub(super) tree: Tree,
    pub(super) loadable: Loadable,
    host: Prison,
    prisons: BTreeMap<Key, Prison>,
    /// `allprison`: every jail by its jid.
    pub(super) all: BTreeMap<c_int, Key>,
    next_key: u64,
    lastprid: c_int,
    lastdeadid: c_int,
    pub(super) processes: Processes,
    pub(super) descriptors: Descriptors,
    pub(super) queues: Queues,
    pub(super) files: Files,
    pub(super) calls: Calls,
    pub(super) faults: Faults,
    /// The call being made.
    pub(super) call: &'static str,
    pub(super) sprung: Vec<Sprung>,
    pub(super) interfaces: Vec<Interface>,
    /// The processes that are attaching to a jail, with the number of threads that do so.
    pub(super) attaching: BTreeMap<Pid, u32>,
    /// The descriptor that the current call will return, made early.
    pub(super) early: Option<NewDescriptor>,
    /// The descriptor that the current call binds after it has released all locks.
    pub(super) unbound: Option<Unbound>,
    /// Whether resource accounting is on: the tunable `kern.racct.enable`.
    pub(super) racct: bool,
    /// The cpusets that stay without a jail, since the kernel lost a reference to them (T47).
    pub(super) lost_cpusets: BTreeSet<c_int>,
    /// The longest `meta` and `env`: sysctl `security.jail.meta_maxbufsize`.
    pub(super) meta_max: usize,
}

impl State {
    /// Makes the state of a new kernel.
    pub(super) fn new(release: Release) -> Self {
        let permissions = Permissions::of(&release);
        Self {
            host: Prison::host(&release, &permissions),
            tree: Tree::of(&release),
            loadable: Loadable::of(&release),
            release,
            permissions,
            prisons: BTreeMap::new(),
            all: BTreeMap::new(),
            next_key: 1,
            lastprid: 0,
            lastdeadid: 0,
            processes: Processes::new(),
            descriptors: Descriptors::default(),
            queues: Queues::default(),
            files: Files::default(),
            calls: Calls::default(),
            faults: Faults::default(),
            call: "",
            sprung: Vec::new(),
            interfaces: Vec::new(),
            attaching: BTreeMap::new(),
            early: None,
            unbound: None,
            racct: false,
            lost_cpusets: BTreeSet::new(),
            meta_max: super::meta::MAX_LEN,
        }
    }

    /// Returns a prison. References keep every key valid; an invalid one would mean the host.
    pub(super) fn prison(&self, key: Key) -> &Prison {
        self.prisons.get(&key).unwrap_or(&self.host)
    }

    /// Every prison, the host's included.
    pub(super) fn prisons(&self) -> impl Iterator<Item = Key> {
        core::iter::once(HOST).chain(self.prisons.keys().copied())
    }

    /// A prison, mutable.
    pub(super) fn prison_mut(&mut self, key: Key) -> &mut Prison {
        self.prisons.get_mut(&key).unwrap_or(&mut self.host)
    }

    /// Adds a new prison below its parent and to the list of all.
    pub(super) fn link(&mut self, prison: Prison) -> Key {
        let key = Key(self.next_key);
        self.next_key += 1;
        self.all.insert(prison.id, key);
        if let Some(parent) = prison.parent {
            self.prison_mut(parent).children.insert(0, key);
            for above in self.self_and_ancestors(parent) {
                self.prison_mut(above).childcount += 1;
            }
        }
        self.prisons.insert(key, prison);
        key
    }

    /// Takes a prison out of the tree and the list; returns its parent.
    pub(super) fn unlink(&mut self, key: Key) -> Option<Key> {
        let prison = self.prisons.remove(&key)?;
        self.release_interfaces(key);
        self.all.remove(&prison.id);
        let parent = prison.parent?;
        self.prison_mut(parent).children.retain(|child| *child != key);
        for above in self.self_and_ancestors(parent) {
            self.prison_mut(above).childcount -= 1;
        }
        Some(parent)
    }

    /// A prison and those above it, up to the host.
    pub(super) fn self_and_ancestors(&self, key: Key) -> Vec<Key> {
        core::iter::successors(Some(key), |key| self.prison(*key).parent).collect()
    }

    /// Whether one prison is somewhere below another: `prison_ischild`.
    pub(super) fn is_below(&self, above: Key, key: Key) -> bool {
        self.self_and_ancestors(key).iter().skip(1).any(|each| *each == above)
    }

    /// Returns the prisons below one, parents before their children, the newest child first. If `enter` is false for a
    /// prison, those below it are left out: `FOREACH_PRISON_DESCENDANT`.
    pub(super) fn below_while(&self, key: Key, mut enter: impl FnMut(Key, &Prison) -> bool) -> Vec<Key> {
        let mut found = Vec::new();
        let mut todo: Vec<Key> = self.prison(key).children.iter().rev().copied().collect();
        while let Some(next) = todo.pop() {
            found.push(next);
            let prison = self.prison(next);
            if enter(next, prison) {
                todo.extend(prison.children.iter().rev());
            }
        }
        found
    }

    /// All prisons below one.
    pub(super) fn below(&self, key: Key) -> Vec<Key> {
        self.below_while(key, |_, _| true)
    }

    /// Returns how many levels a prison is below another.
    pub(super) fn level(&self, above: Key, key: Key) -> c_int {
        let steps = self.self_and_ancestors(key).iter().take_while(|each| **each != above).count();
        c_int::try_from(steps).unwrap_or(c_int::MAX)
    }

    /// The part of a prison's name that another one sees: `prison_name`.
    pub(super) fn name_seen(&self, from: Key, key: Key) -> Vec<u8> {
        if from == key {
            return b"0".to_vec();
        }
        let mut name = self.prison(key).name.as_bytes();
        if self.is_below(from, key) {
            for _ in 1..self.self_and_ancestors(from).len() {
                // Without the prefix, which T4 and T19 remove, the kernel follows an invalid pointer (`name_faults`).
                // The model returns the rest of the name.
                name = match name.iter().position(|byte| *byte == b'.') {
                    Some(dot) => name.get(dot + 1..).unwrap_or_default(),
                    None => name,
                };
            }
        }
        name.to_vec()
    }

    /// Whether `prison_name` follows an invalid pointer for this name: it skips a dot for each level of the other
    /// prison, without a check (T39).
    ///
    /// If the name is not read, a missing last dot is harmless.
    pub(super) fn name_faults(&self, from: Key, key: Key, wanted: bool) -> bool {
        if from == key || !self.is_below(from, key) {
            return false;
        }
        let skipped = self.self_and_ancestors(from).len() - 1;
        let dots = self.prison(key).name.as_bytes().split(|byte| *byte == b'.').count() - 1;
        dots + usize::from(!wanted) < skipped
    }

    /// How many bytes of a name come before what is below this prison: none for the host.
    pub(super) fn prefix_len(&self, key: Key) -> usize {
        if key == HOST { 0 } else { self.prison(key).name.as_bytes().len() + 1 }
    }

    /// Looks for a name as seen from a prison; one that is alive before one that is not: `prison_find_name`.
    pub(super) fn find_name(&self, from: Key, name: &[u8]) -> Option<Key> {
        let offset = self.prefix_len(from);
        let mut dead = None;
        for key in self.below(from) {
            let prison = self.prison(key);
            if prison.name.at_offset(offset) == name {
                if prison.is_alive() {
                    return Some(key);
                }
                dead = Some(key);
            }
        }
        dead
    }

    /// Looks for a jid below a prison: `prison_find_child`.
    pub(super) fn find_child(&self, from: Key, jid: c_int) -> Option<Key> {
        let key = *self.all.get(&jid)?;
        self.is_below(from, key).then_some(key)
    }

    /// Returns the next free jid: `get_next_prid`.
    pub(super) fn next_prid(&mut self) -> Option<c_int> {
        let mut jid = self.lastprid % JAIL_MAX + 1;
        let mut maxid = JAIL_MAX;
        // A first pass from the proposed jid to the end, then one from 1 to where the first began.
        'passes: loop {
            for taken in self.all.range(jid..).map(|(id, _)| *id) {
                if taken > jid {
                    break 'passes;
                }
                jid += 1;
                if jid > maxid {
                    if self.lastprid == maxid || self.lastprid == 0 {
                        return None;
                    }
                    jid = 1;
                    maxid = self.lastprid;
                    continue 'passes;
                }
            }
            break;
        }
        self.lastprid = jid;
        Some(jid)
    }

    /// Returns the next jid for a dying jail that loses its own, from the end backwards: `get_next_deadid`.
    pub(super) fn next_deadid(&mut self) -> Option<c_int> {
        let mut id = if self.lastdeadid == 0 { JAIL_MAX } else { self.lastdeadid - 1 };
        let mut minid = 1;
        'passes: loop {
            for taken in self.all.range(..=id).rev().map(|(taken, _)| *taken) {
                if taken < id {
                    break 'passes;
                }
                id -= 1;
                if id < minid {
                    if self.lastdeadid == minid || self.lastdeadid == 0 {
                        return None;
                    }
                    id = JAIL_MAX;
                    minid = self.lastdeadid;
                    continue 'passes;
                }
            }
            break;
        }
        self.lastdeadid = id;
        Some(id)
    }

    /// Changes a prison's jid.
    pub(super) fn renumber(&mut self, key: Key, id: c_int) {
        let old = core::mem::replace(&mut self.prison_mut(key).id, id);
        self.all.remove(&old);
        self.all.insert(id, key);
    }

    /// Whether a jail's cpuset has this number.
    pub(super) fn has_cpuset(&self, id: c_int) -> bool {
        self.host.cpuset == id
            || self.lost_cpusets.contains(&id)
            || self.prisons.values().any(|prison| prison.cpuset == id)
    }

    /// The lowest number that no prison's cpuset has.
    pub(super) fn free_cpuset(&self) -> c_int {
        let taken: BTreeSet<c_int> = self.prisons.values().map(|prison| prison.cpuset).collect();
        (3..c_int::MAX)
            .find(|id| !taken.contains(id) && !self.lost_cpusets.contains(id))
            .unwrap_or(c_int::MAX)
    }
}
