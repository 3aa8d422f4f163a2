//! The watches of a watcher and their descriptors.

use std::collections::BTreeMap;
use std::os::fd::OwnedFd;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::WatchId;

/// The watches.
///
/// The descriptors are used only for watching: no other thread can be in a call that uses one when it is closed.
#[derive(Debug, Default)]
pub(super) struct Watches {
    /// The descriptor of each jail that is watched.
    jails: BTreeMap<WatchId, OwnedFd>,
    /// The watch of this process's own jail.
    own: Option<WatchId>,
}

/// An ended watch, and what is left to do.
#[derive(Debug)]
pub(super) enum Ended {
    /// The last descriptor of the watch, which ends it when it is closed.
    Jail { _descriptor: OwnedFd },
    /// The watch of this process's own jail.
    Own,
}

impl Watches {
    /// Returns an id that no other watch of this program has.
    pub(super) fn new_id() -> WatchId {
        static NEXT: AtomicUsize = AtomicUsize::new(1);
        WatchId(NEXT.fetch_add(1, Ordering::Relaxed))
    }

    pub(super) fn add(&mut self, id: WatchId, descriptor: OwnedFd) {
        self.jails.insert(id, descriptor);
    }

    /// Sets the watch of this process's own jail, and ends an earlier one.
    pub(super) fn set_own(&mut self, id: WatchId) {
        self.own = Some(id);
    }

    /// Ends a watch; `None` if it has ended already.
    pub(super) fn end(&mut self, id: WatchId) -> Option<Ended> {
        if self.own == Some(id) {
            self.own = None;
            return Some(Ended::Own);
        }
        self.jails.remove(&id).map(|descriptor| Ended::Jail { _descriptor: descriptor })
    }
}
