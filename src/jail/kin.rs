//! State that a handle shares with its clones.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering, fence};
use std::sync::{Arc, OnceLock};

use crate::sys::ProcessMark;

/// Whether a handle's jail has been removed, and who owns the jail. Allocates nothing until the handle is cloned.
#[derive(Debug, Default)]
pub(super) struct Kin {
    removed: AtomicBool,
    shared: OnceLock<Arc<Shared>>,
}

/// The state that clones share.
#[derive(Debug, Default)]
struct Shared {
    removed: AtomicBool,
    /// The process that owns the jail by one of the handles, 0 if none does.
    owner: AtomicU64,
}

impl Kin {
    /// Makes the state of a clone. The handle may own the jail or not.
    pub(super) fn join(&self, owner: Option<ProcessMark>) -> Self {
        let shared = self.shared.get_or_init(|| {
            let owner = owner.map_or(0, ProcessMark::number);
            Arc::new(Shared { removed: AtomicBool::new(false), owner: AtomicU64::new(owner) })
        });
        // Either this sees the value stored by `set_removed`, or that sees the shared state.
        fence(Ordering::SeqCst);
        if self.removed.load(Ordering::Relaxed) {
            shared.removed.store(true, Ordering::Relaxed);
        }
        let clone = OnceLock::new();
        let _ = clone.set(Arc::clone(shared));
        Self { removed: AtomicBool::new(false), shared: clone }
    }

    /// Records that the jail has been removed through one of the handles.
    pub(super) fn set_removed(&self) {
        self.removed.store(true, Ordering::Relaxed);
        fence(Ordering::SeqCst);
        if let Some(shared) = self.shared.get() {
            shared.removed.store(true, Ordering::Relaxed);
        }
    }

    /// Whether the jail has been removed through one of the handles.
    pub(super) fn is_removed(&self) -> bool {
        self.removed.load(Ordering::Relaxed)
            || self.shared.get().is_some_and(|shared| shared.removed.load(Ordering::Relaxed))
    }

    /// Records who owns the jail by one of the handles.
    pub(super) fn set_owner(&self, owner: Option<ProcessMark>) {
        if let Some(shared) = self.shared.get() {
            shared.owner.store(owner.map_or(0, ProcessMark::number), Ordering::Relaxed);
        }
    }

    /// Whether a process owns the jail by one of the handles.
    pub(super) fn is_owned_by(&self, process: ProcessMark) -> bool {
        self.shared.get().is_some_and(|shared| shared.owner.load(Ordering::Relaxed) == process.number())
    }
}
