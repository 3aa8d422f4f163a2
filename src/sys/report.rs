//! How a forked child reports to its parent, in shared memory.

use core::ptr::{self, NonNull};
use core::sync::atomic::{AtomicI32, AtomicU8, AtomicU32, Ordering};

use super::Errno;

/// How many bytes of the kernel's message are kept.
const TEXT: usize = 1024;

/// How many pids are kept until somebody reads them.
#[cfg(feature = "sim")]
const PIDS: usize = 256;

/// The steps of a child, in order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u32)]
pub(crate) enum Step {
    /// None yet: what failed was not one of the child's own steps.
    None,
    Setsid,
    Setpgid,
    Terminal,
    Fib,
    /// Checking the descriptor of the jail.
    Check,
    /// Reading the rules that the request to attach has to carry.
    Rules,
    Attach,
    Chdir,
    Limit,
    Setgroups,
    Setgid,
    Setuid,
    /// Running the caller's closures.
    Closure,
    Exec,
    /// Signalling the jail's processes, instead of executing a program.
    Kill,
    /// The child has done all that it had to.
    Done,
}

impl Step {
    const ALL: [Self; 17] = [
        Self::None,
        Self::Setsid,
        Self::Setpgid,
        Self::Terminal,
        Self::Fib,
        Self::Check,
        Self::Rules,
        Self::Attach,
        Self::Chdir,
        Self::Limit,
        Self::Setgroups,
        Self::Setgid,
        Self::Setuid,
        Self::Closure,
        Self::Exec,
        Self::Kill,
        Self::Done,
    ];
}

/// The shared memory: atomics, because two processes use it. Zero is valid for each.
#[repr(C)]
struct Page {
    step: AtomicU32,
    errno: AtomicI32,
    /// One more than the number of the open directory that prevents attaching.
    obstacle: AtomicI32,
    text: [AtomicU8; TEXT],
    /// How many children have signed in.
    #[cfg(feature = "sim")]
    count: AtomicU32,
    /// The pids of the last ones, 0 once they were taken.
    #[cfg(feature = "sim")]
    pids: [AtomicU32; PIDS],
    /// Whether there are pids that were not taken yet.
    #[cfg(feature = "sim")]
    has_pids: AtomicU8,
}

/// A page that a process and the children that it forks share.
#[derive(Debug)]
pub(crate) struct Report(NonNull<Page>);

// SAFETY: the page is ours alone until `Drop` unmaps it, and has nothing but atomics in it.
unsafe impl Send for Report {}
// SAFETY: as above.
unsafe impl Sync for Report {}

impl Report {
    /// Maps a page. Wraps mmap(2).
    pub(crate) fn new() -> Result<Self, Errno> {
        // SAFETY: a new anonymous mapping at an address chosen by the kernel: it replaces nothing.
        let address = unsafe {
            libc::mmap(
                ptr::null_mut(),
                size_of::<Page>(),
                libc::PROT_READ | libc::PROT_WRITE,
                libc::MAP_SHARED | libc::MAP_ANON,
                -1,
                0,
            )
        };
        if address == libc::MAP_FAILED {
            return Err(Errno::last());
        }
        NonNull::new(address.cast()).map(Self).ok_or(Errno(libc::ENOMEM))
    }

    fn page(&self) -> &Page {
        // SAFETY: the mapping is as large as a `Page` and aligned to pages, was zeroed by the kernel, which is a
        // valid `Page`, and stays until `self` is dropped; only atomics are in it.
        unsafe { self.0.as_ref() }
    }

    /// Records the step that begins. Async-signal-safe, as are the other setters.
    pub(crate) fn reach(&self, step: Step) {
        self.page().step.store(step as u32, Ordering::Release);
    }

    /// Records the errno of the failure.
    pub(crate) fn fail(&self, errno: Errno) {
        self.page().errno.store(errno.0, Ordering::Release);
    }

    /// Records the open directory that prevents attaching.
    pub(super) fn obstructed(&self, fd: i32) {
        self.page().obstacle.store(fd.saturating_add(1), Ordering::Release);
    }

    /// Keeps the kernel's message.
    pub(super) fn say(&self, text: &[u8]) {
        for (place, byte) in self.page().text.iter().zip(text) {
            place.store(*byte, Ordering::Release);
        }
    }

    /// Adds the pid of this process.
    #[cfg(feature = "sim")]
    pub(super) fn sign_in(&self) {
        let page = self.page();
        let at = page.count.fetch_add(1, Ordering::AcqRel) as usize % PIDS;
        if let Some(place) = page.pids.get(at) {
            place.store(std::process::id(), Ordering::Release);
        }
        page.has_pids.store(1, Ordering::Release);
    }

    /// Takes the pids that were added since the last time.
    #[cfg(feature = "sim")]
    pub(super) fn take_pids(&self) -> Vec<u32> {
        if self.page().has_pids.swap(0, Ordering::AcqRel) == 0 {
            return Vec::new();
        }
        let pids = self.page().pids.iter().map(|pid| pid.swap(0, Ordering::AcqRel));
        pids.filter(|pid| *pid != 0).collect()
    }

    /// Returns the last step that began.
    pub(crate) fn step(&self) -> Step {
        let reached = self.page().step.load(Ordering::Acquire);
        Step::ALL.into_iter().find(|step| *step as u32 == reached).unwrap_or(Step::None)
    }

    /// Returns the errno with which that step failed, `None` if the child saw no failure.
    pub(crate) fn errno(&self) -> Option<Errno> {
        Some(self.page().errno.load(Ordering::Acquire)).filter(|errno| *errno != 0).map(Errno)
    }

    /// Returns the open directory that prevents attaching.
    pub(crate) fn obstacle(&self) -> Option<i32> {
        self.page().obstacle.load(Ordering::Acquire).checked_sub(1).filter(|fd| *fd >= 0)
    }

    /// Returns the kernel's message, up to its NUL.
    pub(crate) fn text(&self) -> Vec<u8> {
        let bytes = self.page().text.iter().map(|byte| byte.load(Ordering::Acquire));
        bytes.take_while(|byte| *byte != 0).collect()
    }
}

impl Drop for Report {
    fn drop(&mut self) {
        // SAFETY: `new` mapped this much at this address, and no borrow of it outlives `self`.
        let result = unsafe { libc::munmap(self.0.as_ptr().cast(), size_of::<Page>()) };
        debug_assert_eq!(result, 0, "munmap of our own page");
    }
}

// Miri has no shared memory.
#[cfg(all(test, not(miri)))]
mod tests {
    use super::*;

    #[test]
    fn a_new_report_is_empty() {
        let report = Report::new().expect("a page");
        assert_eq!(report.step(), Step::None);
        assert_eq!(report.errno(), None);
        assert_eq!(report.obstacle(), None);
        assert!(report.text().is_empty());
    }

    #[cfg(feature = "sim")]
    #[test]
    fn pids_are_taken_once() {
        let report = Report::new().expect("a page");
        assert!(report.take_pids().is_empty());
        report.sign_in();
        report.sign_in();
        assert_eq!(report.take_pids(), [std::process::id(); 2]);
        assert!(report.take_pids().is_empty());
        (0..2 * PIDS).for_each(|_| report.sign_in());
        assert_eq!(report.take_pids().len(), PIDS);
    }

    #[test]
    fn a_report_returns_what_was_recorded() {
        let report = Report::new().expect("a page");
        for step in Step::ALL {
            report.reach(step);
            assert_eq!(report.step(), step);
        }
        report.fail(Errno(libc::EPERM));
        report.obstructed(0);
        report.say(&[b'x'; 2 * TEXT]);
        assert_eq!(report.errno(), Some(Errno(libc::EPERM)));
        assert_eq!(report.obstacle(), Some(0));
        assert_eq!(report.text(), [b'x'; TEXT]);
    }
}
