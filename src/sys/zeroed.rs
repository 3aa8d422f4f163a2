//! Memory that fork(2) neither copies nor shares: the child has zeros in its place.
//!
//! jail_set(2) writes a new descriptor while it holds the jail's mutex (`kern_jail_set`: mtx_lock, then copyout). A
//! page that another thread's fork(2) has just write-protected makes that write fault and may put the thread to sleep
//! with the mutex held, which panics the kernel (T37). Fork leaves a page alone that the child does not inherit.
//!
//! On FreeBSD and Linux the pages are private and anonymous, one for each 64 threads that make such a call at once.
//! They stay mapped for as long as the process lives. Other systems have no such pages and do not need them.

use core::cell::UnsafeCell;
use core::ffi::c_int;
use core::sync::atomic::{AtomicPtr, AtomicU32, AtomicU64, Ordering};
use std::sync::RwLock;

use super::Errno;

/// The number of slots: one for each bit of `taken`.
const SLOTS: usize = 64;

/// The contents of a page. Zero is valid for each field: a forked child starts with it.
#[derive(Debug)]
#[repr(C)]
pub(super) struct Page {
    /// The mark of this process, 0 until it is first used.
    pub(super) process: AtomicU32,
    /// The lock that separates attaching from starting programs, NULL until it is first used.
    pub(super) lock: AtomicPtr<RwLock<()>>,
    /// One bit for each slot that is in use.
    taken: AtomicU64,
    /// The next page, NULL until one is needed.
    next: AtomicPtr<Page>,
    cells: [Cell; SLOTS],
}

/// The storage of a C int.
type Cell = UnsafeCell<[u8; size_of::<c_int>()]>;

// SAFETY: all fields are atomics but the cells, each of which only the thread that has set its bit uses.
unsafe impl Sync for Page {}

/// Room for one C int that fork(2) does not write-protect, until it is dropped.
#[derive(Debug)]
pub(super) struct ZeroedSlot {
    page: &'static Page,
    bit: u64,
    cell: &'static Cell,
}

impl ZeroedSlot {
    /// Takes a slot, `None` if the host has no such memory. Makes a system call only if no page has a free slot.
    ///
    /// # Errors
    ///
    /// `ENOMEM` when a page is needed and cannot be mapped.
    pub(super) fn take() -> Result<Option<Self>, Errno> {
        match mapped().and_then(Page::take) {
            Some(slot) => Ok(Some(slot)),
            None => Self::take_of_any(),
        }
    }

    #[cold]
    fn take_of_any() -> Result<Option<Self>, Errno> {
        let mut page = match first() {
            Ok(page) => page,
            // Linux before 4.14, which does not need it either.
            Err(_) if cfg!(not(target_os = "freebsd")) => return Ok(None),
            Err(errno) => return Err(errno),
        };
        loop {
            if let Some(slot) = page.take() {
                return Ok(Some(slot));
            }
            page = page_at(&page.next)?;
        }
    }

    /// The slot's memory. Writing to it makes the page present, so that the kernel's write does not fault.
    pub(super) fn bytes(&mut self) -> &mut [u8; size_of::<c_int>()] {
        // SAFETY: this thread has set the cell's bit, so nothing else uses it until the bit is cleared, and the borrow of
        // `self` ends before that. Pages stay mapped.
        unsafe { &mut *self.cell.get() }
    }

    /// Whether the memory still has the value that was written: not in a child that a signal handler has forked since.
    pub(super) fn is_kept(&self) -> bool {
        self.page.taken.load(Ordering::Relaxed) & self.bit != 0
    }
}

impl Drop for ZeroedSlot {
    fn drop(&mut self) {
        self.page.taken.fetch_and(!self.bit, Ordering::Release);
    }
}

impl Page {
    /// Takes a free slot, if there is one.
    fn take(&'static self) -> Option<ZeroedSlot> {
        let mut taken = self.taken.load(Ordering::Relaxed);
        loop {
            let index = taken.trailing_ones();
            let cell = self.cells.get(usize::try_from(index).ok()?)?;
            let bit = 1 << index;
            match self.taken.compare_exchange_weak(taken, taken | bit, Ordering::Acquire, Ordering::Relaxed) {
                Ok(_) => return Some(ZeroedSlot { page: self, bit, cell }),
                Err(now) => taken = now,
            }
        }
    }
}

/// Returns the first page, mapping it when it is first needed.
///
/// # Errors
///
/// `ENOMEM` when no page can be mapped, `ENOSYS` if the host has no such memory.
pub(super) fn first() -> Result<&'static Page, Errno> {
    page_at(&FIRST)
}

/// Points to the first page. This pointer is in ordinary memory: a child finds the page at the same address, all zeros.
static FIRST: AtomicPtr<Page> = AtomicPtr::new(core::ptr::null_mut());

/// Returns the first page if there is one.
pub(super) fn mapped() -> Option<&'static Page> {
    let page = FIRST.load(Ordering::Acquire);
    // SAFETY: NULL, or made by `map`: a zeroed mapping as large as a `Page`, aligned to pages, that stays.
    unsafe { page.as_ref() }
}

/// Returns the page that a pointer points to, mapping one if it is NULL.
fn page_at(place: &AtomicPtr<Page>) -> Result<&'static Page, Errno> {
    let mut page = place.load(Ordering::Acquire);
    if page.is_null() {
        page = map()?;
        let null = core::ptr::null_mut();
        if let Err(other) = place.compare_exchange(null, page, Ordering::AcqRel, Ordering::Acquire) {
            unmap(page);
            page = other;
        }
    }
    // SAFETY: only `map` makes such pointers: to a zeroed mapping as large as a `Page`, aligned to pages, that stays.
    Ok(unsafe { &*page })
}

/// Maps a page.
#[cfg(all(any(target_os = "freebsd", target_os = "linux"), not(miri)))]
fn map() -> Result<*mut Page, Errno> {
    let access = libc::PROT_READ | libc::PROT_WRITE;
    let flags = libc::MAP_PRIVATE | libc::MAP_ANON;
    // SAFETY: a new anonymous mapping, wherever the kernel likes: it replaces nothing.
    let address = unsafe { libc::mmap(core::ptr::null_mut(), size_of::<Page>(), access, flags, -1, 0) };
    if address == libc::MAP_FAILED {
        return Err(Errno::last());
    }
    let page = address.cast::<Page>();
    if let Err(errno) = leave_out_of_children(page) {
        unmap(page);
        return Err(errno);
    }
    Ok(page)
}

#[cfg(not(all(any(target_os = "freebsd", target_os = "linux"), not(miri))))]
fn map() -> Result<*mut Page, Errno> {
    Err(Errno(libc::ENOSYS))
}

/// Makes forked children get zeros in place of the page.
#[cfg(all(target_os = "freebsd", not(miri)))]
fn leave_out_of_children(page: *mut Page) -> Result<(), Errno> {
    // Both from `sys/mman.h`: the oldest supported version of the libc crate lacks them.
    unsafe extern "C" {
        fn minherit(address: *mut core::ffi::c_void, len: usize, inherit: c_int) -> c_int;
    }
    const INHERIT_ZERO: c_int = 3;
    // SAFETY: the mapping is ours and as long as that; its contents stay as they are.
    Errno::check(unsafe { minherit(page.cast(), size_of::<Page>(), INHERIT_ZERO) })?;
    // Paging it out would write-protect it, too. If this process may not lock memory, that happens only when memory is
    // very short. SAFETY: as above.
    let _ = unsafe { libc::mlock(page.cast(), size_of::<Page>()) };
    Ok(())
}

#[cfg(all(target_os = "linux", not(miri)))]
fn leave_out_of_children(page: *mut Page) -> Result<(), Errno> {
    // SAFETY: the mapping is ours and as long as that; its contents stay as they are.
    let result = unsafe { libc::madvise(page.cast(), size_of::<Page>(), libc::MADV_WIPEONFORK) };
    Errno::check(result).map(drop)
}

/// Unmaps a page that nothing else uses.
fn unmap(page: *mut Page) {
    // SAFETY: the mapping is this large, and nothing has a pointer into it.
    unsafe { libc::munmap(page.cast(), size_of::<Page>()) };
}

#[cfg(all(test, any(target_os = "freebsd", target_os = "linux"), not(miri)))]
#[allow(clippy::expect_used, reason = "a test fails by panicking")]
pub(super) mod tests {
    use super::*;
    use std::sync::Barrier;

    fn slot() -> ZeroedSlot {
        ZeroedSlot::take().expect("there is memory").expect("this host has such memory")
    }

    /// Forks a child that evaluates the closure and exits, and returns its answer. It does nothing else: other threads
    /// may hold any lock.
    pub(in crate::sys) fn in_child(question: impl FnOnce() -> bool) -> bool {
        // SAFETY: the child uses nothing that a lock protects.
        let pid = unsafe { libc::fork() };
        assert_ne!(pid, -1, "forked");
        if pid == 0 {
            let status = c_int::from(!question());
            // SAFETY: ends the process at once.
            unsafe { libc::_exit(status) };
        }
        let mut status = 0;
        // SAFETY: the kernel writes one int, which is ours.
        assert_eq!(unsafe { libc::waitpid(pid, &raw mut status, 0) }, pid);
        libc::WIFEXITED(status) && libc::WEXITSTATUS(status) == 0
    }

    #[test]
    fn t37_a_child_finds_zeros_where_its_parent_had_a_slot() {
        let mut slot = slot();
        *slot.bytes() = 7_i32.to_ne_bytes();
        assert!(slot.is_kept());
        let zeros = in_child(|| *slot.bytes() == [0; 4] && !slot.is_kept());
        assert!(zeros);
        assert_eq!(*slot.bytes(), 7_i32.to_ne_bytes());
        assert!(slot.is_kept());
        assert!(in_child(|| {
            let own = ZeroedSlot::take();
            matches!(own, Ok(Some(own)) if own.is_kept())
        }));
    }

    #[test]
    fn a_slot_that_was_dropped_is_taken_again() {
        // Other tests have some at the same time.
        let places = (0..2000).map(|_| core::ptr::from_mut(slot().bytes()).addr());
        assert!(places.collect::<std::collections::HashSet<_>>().len() < 1000);
    }

    #[test]
    fn t37_two_slots_are_never_the_same_however_many_there_are() {
        const THREADS: i32 = 4;
        const EACH: i32 = 50;
        let barrier = Barrier::new(4);
        std::thread::scope(|scope| {
            for thread in 0..THREADS {
                let barrier = &barrier;
                scope.spawn(move || {
                    for _ in 0..20 {
                        let numbers = thread * EACH..(thread + 1) * EACH;
                        // More than one page holds, in all threads together.
                        let mut slots: Vec<_> = numbers.clone().map(|number| (number, slot())).collect();
                        for (number, slot) in &mut slots {
                            *slot.bytes() = number.to_ne_bytes();
                        }
                        barrier.wait();
                        for (number, slot) in &mut slots {
                            assert_eq!(*slot.bytes(), number.to_ne_bytes());
                        }
                    }
                });
            }
        });
    }

    #[test]
    fn t37_a_slot_that_is_given_back_is_taken_again() {
        // Other tests take slots meanwhile. If a page were mapped for each take, the slot would differ each time.
        let pages: std::collections::BTreeSet<usize> =
            (0..1000).map(|_| core::ptr::from_ref(slot().page).addr()).collect();
        assert!(pages.len() < 20, "{} pages", pages.len());
    }
}
