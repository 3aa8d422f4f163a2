//! How a follower finds jails by events, and by looking at all.

use core::mem;
use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use super::tree::Entry;
use super::{Followed, FollowedJail, Follower};
use crate::error::{ErrorKind, Result};
use crate::jail::{Jail, read_and_pin};
use crate::jid::Jid;
use crate::param;
use crate::snapshot::{Snapshot, SnapshotEntry};
use crate::watch::watches::Watches;
use crate::watch::{Event, EventFlags, EventKind, WatchId};

impl Follower {
    /// Looks at all jails, and follows those that are not followed yet.
    ///
    /// A jail that is created after the list was read is reported by its parent, or by the host. Only a jail that was
    /// just added may have got children before it was watched, which takes another look.
    pub(super) fn look(&mut self) -> Result<()> {
        let snapshot = Snapshot::of(&self.system)?;
        self.look_due = false;
        // A jail comes before those below it.
        for jid in snapshot.iter().filter(|entry| entry.is_alive()).map(SnapshotEntry::jid) {
            let added = self.ensure(jid).inspect_err(|_| self.look_due = true)?;
            if added == Added::Now {
                self.by_look.insert(jid);
            }
        }
        self.say_what_is_missing();
        Ok(())
    }

    /// Says below which jails there were more when they were added than were found by the look after that.
    fn say_what_is_missing(&mut self) {
        // Jails that this look has added are for the next one.
        if self.look_due {
            return;
        }
        for Incomplete { id, jid, children } in mem::take(&mut self.incomplete) {
            let found = self.jails.count_below(id);
            if children.is_none_or(|children| i64::from(children) > found) {
                self.tell(Followed::Missed { jid: None, parent: Some(jid) });
            }
        }
    }

    /// Follows the jail that has a jid now, unless it is followed.
    fn ensure(&mut self, jid: Jid) -> Result<Added> {
        if let Some(entry) = self.jails.find(jid) {
            let id = entry.jail.id;
            if entry.handle.is_alive()? {
                return Ok(Added::Before);
            }
            // Another jail has got the jid. Report the end of the first one first.
            self.settle(id)?;
        }
        self.add(jid)
    }

    /// Starts following the jail that has a jid now.
    fn add(&mut self, jid: Jid) -> Result<Added> {
        // T23: by descriptor, never by jid.
        let read = read_and_pin(&self.system, jid, &(param::NAME, param::PARENT));
        let (descriptor, (name, parent)) = match read {
            Ok(read) => read,
            Err(error) if error.kind() == ErrorKind::Gone => return Ok(Added::Gone),
            Err(error) => return Err(error),
        };
        let above = match parent {
            None => None,
            Some(parent) => {
                if self.ensure(parent)? == Added::Gone {
                    // Then this one is gone as well.
                    return Ok(Added::Gone);
                }
                self.jails.find(parent).map(|entry| entry.jail.id)
            }
        };
        let handle = Jail::found(self.system.clone(), jid.get(), Some(descriptor), parent.into())?;
        let id = Watches::new_id();
        if let Some(descriptor) = handle.descriptor() {
            self.watcher.add_filter(id, jid, descriptor)?;
        }
        // Read again, since only what happens from now on is an event.
        let (name, children) = match handle.get((param::NAME, param::CHILDREN_CUR)) {
            Ok((name, children)) => (name, Some(children)),
            Err(error) if error.kind() == ErrorKind::Gone => (name, None),
            Err(error) => return Err(error),
        };
        // It had jails below it before, or may have had: they are looked for.
        if children != Some(0) {
            self.look_due = true;
            self.incomplete.push(Incomplete { id, jid, children });
        }
        let jail = FollowedJail { id, jid, name: name.into(), parent };
        self.tell(if self.is_first {
            Followed::Present(jail.clone())
        } else {
            Followed::Appeared(jail.clone())
        });
        self.jails.insert(Entry { jail, above, handle, path: PathBuf::new() });
        Ok(Added::Now)
    }

    /// Handles an event. What fails is repeated at the next call.
    pub(super) fn work_off(&mut self, mut event: Event) -> Result<()> {
        self.apply(&mut event).inspect_err(|_| self.backlog.push_front(event))
    }

    fn apply(&mut self, event: &mut Event) -> Result<()> {
        let id = event.watch();
        let followed = self.jails.get(id).map(|entry| entry.jail.clone());
        if event.jid().is_some() && followed.is_none() {
            // It has been reported already.
            return Ok(());
        }
        for kind in event.kinds() {
            match (kind, &followed) {
                (EventKind::ChildCreated { jid }, above) => {
                    self.child(jid, above.as_ref().map(|above| above.jid))?;
                    event.forget(EventFlags::CHILD);
                }
                (EventKind::Changed, Some(jail)) => {
                    self.changed(jail.id)?;
                    event.forget(EventFlags::SET);
                }
                (EventKind::Attached { pid }, Some(_)) => {
                    if let Some(jail) = self.jails.get(id).map(|entry| entry.jail.clone()) {
                        self.tell(Followed::Attached { jail, pid });
                    }
                    event.forget(EventFlags::ATTACH);
                }
                (EventKind::Removed, Some(_)) => self.removed(id)?,
                _ => {}
            }
        }
        Ok(())
    }

    /// A jail was created below another one, or several were.
    fn child(&mut self, jid: Option<Jid>, parent: Option<Jid>) -> Result<()> {
        let Some(jid) = jid else {
            self.look_due = true;
            self.tell(Followed::Missed { jid: None, parent });
            return Ok(());
        };
        let was_seen = self.by_look.remove(&jid);
        if self.ensure(jid)? == Added::Gone && !was_seen {
            self.tell(Followed::Missed { jid: Some(jid), parent });
        }
        Ok(())
    }

    /// A jail was updated: it may have another name, and so may those below it.
    fn changed(&mut self, id: WatchId) -> Result<()> {
        let Some(entry) = self.jails.get(id) else { return Ok(()) };
        let name = match entry.handle.get(param::NAME) {
            Ok(name) => name,
            // The last name is unknown.
            Err(error) if error.kind() == ErrorKind::Gone => entry.jail.name.to_os_string(),
            Err(error) => return Err(error),
        };
        self.renamed(id, name);
        Ok(())
    }

    /// Reports the jails that have another name now, or that one was updated.
    pub(super) fn renamed(&mut self, id: WatchId, name: OsString) {
        let jail = self.jails.get(id).map(|entry| entry.jail.clone());
        let Some(jail) = jail else { return };
        let has_name = *jail.name == *name;
        if has_name {
            self.tell(Followed::Changed(jail));
        }
        for (jail, from) in self.jails.rename(id, name) {
            self.tell(Followed::Renamed { jail, from });
        }
    }

    /// A jail was removed, and those below it before (`prison_deref_kill`).
    fn removed(&mut self, id: WatchId) -> Result<()> {
        for child in self.jails.children(id) {
            self.settle(child)?;
        }
        if let Some(entry) = self.jails.remove(id) {
            self.tell(Followed::Removed(entry.jail));
        }
        Ok(())
    }

    /// Reports the end of a jail that is known to have ended, and all that happened to it before.
    fn settle(&mut self, id: WatchId) -> Result<()> {
        // The kernel reports a removal before descriptors say that the jail is dead (`prison_cleanup_locked`).
        let is_end = |event: &Event| event.watch() == id && event.is_removed();
        while !self.backlog.iter().any(is_end) && self.fetch(Some(Duration::ZERO))? {}
        while self.jails.get(id).is_some() {
            let at = self.backlog.iter().position(|event| event.watch() == id);
            match at.and_then(|at| self.backlog.remove(at)) {
                Some(event) => self.work_off(event)?,
                None => return self.removed(id),
            }
        }
        Ok(())
    }
}

/// A jail that had jails below it when it was added.
#[derive(Debug)]
pub(super) struct Incomplete {
    id: WatchId,
    jid: Jid,
    /// How many, dying ones included; `None` if it was removed before they could be counted.
    children: Option<u32>,
}

/// The outcome of following a jail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Added {
    /// It is now followed.
    Now,
    /// It was followed already.
    Before,
    /// The jail no longer exists.
    Gone,
}
