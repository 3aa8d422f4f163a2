//! The tree of the jails that a follower knows.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::PathBuf;
use std::sync::Arc;

use super::FollowedJail;
use crate::jail::Jail;
use crate::jid::Jid;
use crate::watch::WatchId;

/// A jail that is followed.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) jail: FollowedJail,
    /// The jail above it.
    pub(super) above: Option<WatchId>,
    /// A handle that does not own the jail. It goes by the jid where there are no descriptors.
    pub(super) handle: Jail,
    /// Its root directory, if needed to recognise it.
    pub(super) path: PathBuf,
}

/// All jails that are followed.
#[derive(Debug, Default)]
pub(super) struct Tree {
    entries: BTreeMap<WatchId, Entry>,
    by_jid: BTreeMap<Jid, WatchId>,
}

impl Tree {
    pub(super) fn get(&self, id: WatchId) -> Option<&Entry> {
        self.entries.get(&id)
    }

    pub(super) fn find(&self, jid: Jid) -> Option<&Entry> {
        self.by_jid.get(&jid).and_then(|id| self.entries.get(id))
    }

    pub(super) fn entries(&self) -> impl Iterator<Item = &Entry> {
        self.entries.values()
    }

    pub(super) fn insert(&mut self, entry: Entry) {
        self.by_jid.insert(entry.jail.jid, entry.jail.id);
        self.entries.insert(entry.jail.id, entry);
    }

    /// Forgets a jail, which closes its descriptor.
    pub(super) fn remove(&mut self, id: WatchId) -> Option<Entry> {
        let entry = self.entries.remove(&id)?;
        if self.by_jid.get(&entry.jail.jid) == Some(&id) {
            self.by_jid.remove(&entry.jail.jid);
        }
        Some(entry)
    }

    /// Returns the jails directly below one.
    pub(super) fn children(&self, id: WatchId) -> Vec<WatchId> {
        let below = self.entries.iter().filter(|(_, entry)| entry.above == Some(id));
        below.map(|(id, _)| *id).collect()
    }

    /// Returns how many jails are below one, at any depth.
    pub(super) fn count_below(&self, id: WatchId) -> i64 {
        let mut count = 0;
        let mut left = self.children(id);
        while let Some(id) = left.pop() {
            count += 1;
            left.extend(self.children(id));
        }
        count
    }

    /// Sets the new name of a jail and of the jails below it. Returns each renamed jail with its old name, parents
    /// first.
    pub(super) fn rename(&mut self, id: WatchId, name: OsString) -> Vec<(FollowedJail, Arc<OsStr>)> {
        let mut renamed = Vec::new();
        let mut left = vec![(id, name)];
        while let Some((id, name)) = left.pop() {
            for child in self.children(id).into_iter().rev() {
                if let Some(entry) = self.entries.get(&child) {
                    left.push((child, below(&name, last_component(&entry.jail.name))));
                }
            }
            if let Some(entry) = self.entries.get_mut(&id).filter(|entry| *entry.jail.name != *name) {
                let before = std::mem::replace(&mut entry.jail.name, name.into());
                renamed.push((entry.jail.clone(), before));
            }
        }
        renamed
    }
}

/// Returns the part of a name that stays when a jail above is renamed.
fn last_component(name: &OsStr) -> &OsStr {
    name.as_bytes().rsplit(|&byte| byte == b'.').next().map_or(name, OsStr::from_bytes)
}

/// Returns the name of the jail above, according to a name.
pub(super) fn name_above(name: &OsStr) -> Option<&OsStr> {
    let dot = name.as_bytes().iter().rposition(|&byte| byte == b'.')?;
    name.as_bytes().get(..dot).map(OsStr::from_bytes)
}

/// Returns the full name of a jail below another.
fn below(above: &OsStr, component: &OsStr) -> OsString {
    let mut name = above.as_bytes().to_vec();
    name.push(b'.');
    name.extend_from_slice(component.as_bytes());
    OsString::from_vec(name)
}
