//! Distinguishes the model's own work from the crate's.

use core::cell::Cell;

thread_local! {
    static DEPTH: Cell<u32> = const { Cell::new(0) };
}

/// Whether the calling thread is currently inside a model.
///
/// For allocators and profilers that measure what the crate costs: the model's work stands in for the kernel's,
/// which costs a process none of its memory.
#[must_use]
pub fn is_inside() -> bool {
    DEPTH.try_with(Cell::get).is_ok_and(|depth| depth > 0)
}

/// Marks the calling thread as inside a model while it lives.
#[derive(Debug)]
pub struct Inside(());

impl Inside {
    pub(crate) fn enter() -> Self {
        change(|depth| depth + 1);
        Self(())
    }
}

impl Drop for Inside {
    fn drop(&mut self) {
        change(|depth| depth.saturating_sub(1));
    }
}

/// The count may be gone at the end of a thread, when destructors of other thread locals call the model.
fn change(by: impl FnOnce(u32) -> u32) {
    let _ = DEPTH.try_with(|depth| depth.set(by(depth.get())));
}
