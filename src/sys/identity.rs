//! Distinguishes a process from its forked children.

use core::num::{NonZeroU32, NonZeroU64};
use core::sync::atomic::{AtomicU8, AtomicU32, Ordering};

use super::zeroed::{self, Page};

/// Identifies a process among its descendants, which inherit its memory. Unrelated processes may have the same mark.
///
/// A process finds its mark in memory that its children do not inherit. So this takes no system call, and a process
/// that gets the pid of an ended one is not confused with it.
///
/// The processes of a model share one memory: each has its own mark, and all of them belong to one host process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ProcessMark(NonZeroU64);

/// How processes are distinguished, decided on first use.
static MODE: AtomicU8 = AtomicU8::new(UNDECIDED);

const UNDECIDED: u8 = 0;
/// By a number in memory that is zeroed in children.
const BY_PAGE: u8 = 1;
/// By the pid, if the host has no such memory.
const BY_PID: u8 = 2;

/// The bits of a mark for the host's process; the bits below are for the model's.
const HOST_SHIFT: u32 = 32;

impl ProcessMark {
    /// Returns the mark of the calling process, acting as the model's process of this pid; 0 on the kernel.
    pub(crate) fn current(model_pid: u32) -> Self {
        let host = NonZeroU64::from(host_process()).get() << HOST_SHIFT;
        Self(NonZeroU64::MIN.saturating_add((host | u64::from(model_pid)).saturating_sub(1)))
    }

    /// Whether the calling process is the host process of this mark.
    pub(crate) fn is_here(self) -> bool {
        self.number() >> HOST_SHIFT == u64::from(host_process().get())
    }

    /// Returns the number that stands for it, never 0.
    pub(crate) fn number(self) -> u64 {
        self.0.get()
    }
}

fn host_process() -> NonZeroU32 {
    let number = zeroed::mapped().map_or(0, |page| page.process.load(Ordering::Relaxed));
    NonZeroU32::new(number).unwrap_or_else(find_host_process)
}

/// Does the same on first use.
#[cold]
fn find_host_process() -> NonZeroU32 {
    if MODE.load(Ordering::Relaxed) == UNDECIDED {
        let mode = if zeroed::first().is_ok() { BY_PAGE } else { BY_PID };
        let _ = MODE.compare_exchange(UNDECIDED, mode, Ordering::Relaxed, Ordering::Relaxed);
    }
    match (MODE.load(Ordering::Relaxed), zeroed::mapped()) {
        (BY_PAGE, Some(page)) => number_in(page),
        // No process has pid 0.
        _ => NonZeroU32::new(std::process::id()).unwrap_or(NonZeroU32::MAX),
    }
}

/// Returns the number in the page. Chooses one if there is none, different from those of this process's ancestors.
fn number_in(page: &Page) -> NonZeroU32 {
    // In ordinary memory, so that a child continues from its parent's count.
    static LAST: AtomicU32 = AtomicU32::new(0);
    loop {
        if let Some(number) = NonZeroU32::new(page.process.load(Ordering::Relaxed)) {
            return number;
        }
        let next = LAST.fetch_add(1, Ordering::Relaxed).wrapping_add(1);
        let _ = page.process.compare_exchange(0, next, Ordering::Relaxed, Ordering::Relaxed);
    }
}

#[cfg(all(test, any(target_os = "freebsd", target_os = "linux"), not(miri)))]
mod tests {
    use super::*;
    use crate::sys::zeroed::tests::in_child;

    #[test]
    fn a_process_differs_from_its_children_and_grandchildren() {
        let parent = ProcessMark::current(0);
        assert!(parent.is_here());
        assert_eq!(parent.number() >> HOST_SHIFT, 1, "it is counted, and has no pid");
        assert_eq!(ProcessMark::current(0), parent);
        let told = in_child(|| {
            let child = ProcessMark::current(0);
            let told = !parent.is_here() && child.is_here() && child != parent;
            told && in_child(|| {
                let grandchild = ProcessMark::current(0);
                !parent.is_here() && !child.is_here() && grandchild.is_here()
            })
        });
        assert!(told);
        assert!(parent.is_here());
    }

    #[test]
    fn the_processes_of_a_model_differ_and_belong_to_one_host_process() {
        let (one, other) = (ProcessMark::current(1), ProcessMark::current(2));
        assert_ne!(one, other);
        assert!(one.is_here() && other.is_here());
        assert_ne!(one.number(), 0);
    }
}
