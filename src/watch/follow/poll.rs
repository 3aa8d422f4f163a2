//! How a follower finds changes without events: by comparing two looks.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsStr;

use super::tree::{Entry, name_above};
use super::{Followed, FollowedJail, Follower};
use crate::error::Result;
use crate::jail::{Jail, Nested};
use crate::jid::Jid;
use crate::snapshot::{Snapshot, SnapshotEntry};
use crate::watch::WatchId;
use crate::watch::watches::Watches;

impl Follower {
    /// Compares the existing jails with the earlier ones.
    pub(super) fn compare(&mut self) -> Result<()> {
        // All at one moment, under the kernel's lock (`sysctl_jail_list`): no name of a parent is newer than its child's.
        let snapshot = Snapshot::of(&self.system)?;
        self.look_due = false;
        let alive = || snapshot.iter().filter(|entry| entry.is_alive());
        let by_jid: BTreeMap<Jid, &SnapshotEntry> = alive().map(|entry| (entry.jid(), entry)).collect();
        let by_name: BTreeMap<&OsStr, Jid> = alive().map(|entry| (entry.name(), entry.jid())).collect();
        for id in self.ended(&by_jid) {
            if let Some(entry) = self.jails.remove(id) {
                self.tell(Followed::Removed(entry.jail));
            }
        }
        // A jail comes before those below it.
        for found in alive() {
            match self.jails.find(found.jid()).map(|entry| (entry.jail.id, *entry.jail.name == *found.name()))
            {
                Some((_, true)) => {}
                Some((id, false)) => self.renamed(id, found.name().to_os_string()),
                None => {
                    let parent = name_above(found.name()).and_then(|name| by_name.get(name)).copied();
                    self.appeared(found, parent)?;
                }
            }
        }
        Ok(())
    }

    /// Returns the jails that no longer exist, child jails first.
    fn ended(&self, there: &BTreeMap<Jid, &SnapshotEntry>) -> Vec<WatchId> {
        // A jail has a higher id than the one above it.
        let mut ended = BTreeSet::new();
        for entry in self.jails.entries() {
            let is_same = there.get(&entry.jail.jid).is_some_and(|found| found.path() == entry.path);
            if !is_same || entry.above.is_some_and(|above| ended.contains(&above)) {
                ended.insert(entry.jail.id);
            }
        }
        ended.into_iter().rev().collect()
    }

    fn appeared(&mut self, found: &SnapshotEntry, parent: Option<Jid>) -> Result<()> {
        let nested = Nested::from(parent);
        let jail =
            FollowedJail { id: Watches::new_id(), jid: found.jid(), name: found.name().into(), parent };
        self.tell(if self.is_first {
            Followed::Present(jail.clone())
        } else {
            Followed::Appeared(jail.clone())
        });
        self.jails.insert(Entry {
            above: parent.and_then(|parent| self.jails.find(parent)).map(|entry| entry.jail.id),
            handle: Jail::found(self.system.clone(), jail.jid.get(), None, nested)?,
            path: found.path().to_owned(),
            jail,
        });
        Ok(())
    }
}
