//! A lock that keeps one thread from attaching while another attaches or starts a program.
//!
//! Attaching changes the process in steps: its root directory, its credential, the list of processes that it is on
//! (`do_jail_attach`). A program that another thread starts in between has the jail's root and the old credential
//! (T43). Two threads that attach to two jails at once may leave the process with the credential of one jail and on the
//! list of the other (T42). So attaching takes this lock for writing, and starting a program takes it for reading until
//! the child has been forked. Nothing else takes it.
//!
//! Without contention it makes no system call. A forked child has a lock of its own, because the threads that may hold
//! the parent's lock do not exist there.

use core::cell::Cell;
use core::ptr;
use core::sync::atomic::{AtomicPtr, AtomicUsize, Ordering};
use std::sync::{OnceLock, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard, TryLockError};

use super::zeroed;

type Lock = RwLock<()>;

/// While it lives, no other thread starts a program or attaches to a jail.
#[derive(Debug)]
#[must_use = "the lock is held only as long as this lives"]
pub(crate) struct Attaching {
    _guard: RwLockWriteGuard<'static, ()>,
}

/// While it lives, no other thread attaches to a jail.
#[derive(Debug)]
#[must_use = "the lock is held only as long as this lives"]
pub(crate) struct Starting {
    _guard: RwLockReadGuard<'static, ()>,
}

/// Waits until no other thread is starting a program or attaching to a jail.
pub(crate) fn attaching() -> Attaching {
    Attaching { _guard: lock().write().unwrap_or_else(PoisonError::into_inner) }
}

/// Does the same without waiting: `None` if another thread is starting a program or attaching to a jail.
pub(crate) fn try_attaching() -> Option<Attaching> {
    match lock().try_write() {
        Ok(guard) => Some(Attaching { _guard: guard }),
        Err(TryLockError::Poisoned(poisoned)) => Some(Attaching { _guard: poisoned.into_inner() }),
        Err(TryLockError::WouldBlock) => None,
    }
}

/// Waits until no other thread is attaching to a jail.
pub(crate) fn starting() -> Starting {
    Starting { _guard: lock().read().unwrap_or_else(PoisonError::into_inner) }
}

thread_local! {
    /// The lock that this thread releases as soon as it has forked, or NULL.
    static UNTIL_FORK: Cell<*const Cell<Option<Starting>>> = const { Cell::new(ptr::null()) };
}

/// Runs `start`, which forks once, with the lock of [`starting`]. The lock is released right after the fork: executing
/// the program may take long, and must not keep other threads from attaching.
///
/// If no fork handler can be registered, the lock is kept until `start` returns.
pub(crate) fn starting_until_forked<R>(start: impl FnOnce() -> R) -> R {
    struct Restore(*const Cell<Option<Starting>>);
    impl Drop for Restore {
        fn drop(&mut self) {
            UNTIL_FORK.set(self.0);
        }
    }
    static REGISTERED: OnceLock<bool> = OnceLock::new();
    let registered = *REGISTERED.get_or_init(|| {
        // SAFETY: the function is never unloaded, and may do in the parent after fork(2) what it does: release a lock
        // that this thread holds.
        unsafe { libc::pthread_atfork(None, Some(forked), None) == 0 }
    });
    let guard = Cell::new(Some(starting()));
    let _restore = registered.then(|| Restore(UNTIL_FORK.replace(&raw const guard)));
    start()
}

/// Called in the parent, on the thread that forked.
extern "C" fn forked() {
    let guard = UNTIL_FORK.try_with(|guard| guard.replace(ptr::null())).unwrap_or(ptr::null());
    // SAFETY: only this thread sets the pointer, to a cell that lives meanwhile and that no other thread uses.
    if let Some(guard) = unsafe { guard.as_ref() } {
        drop(guard.take());
    }
}

/// Locks for this process and its ancestors, so that a forked child need not allocate its own.
static LOCKS: [Lock; 16] = [const { Lock::new(()) }; 16];

/// How many of them are in use.
static TAKEN: AtomicUsize = AtomicUsize::new(0);

/// The lock of this process: NULL in a child until it first asks.
type Place = AtomicPtr<Lock>;

/// Returns this process's lock. Async-signal-safe, unless 16 ancestors of this process have used theirs: then it
/// allocates.
fn lock() -> &'static Lock {
    let place = place();
    let mut lock = place.load(Ordering::Acquire);
    if lock.is_null() {
        let new = match LOCKS.get(TAKEN.fetch_add(1, Ordering::Relaxed)) {
            Some(lock) => lock,
            None => Box::leak(Box::new(Lock::new(()))),
        };
        let new = ptr::from_ref(new).cast_mut();
        lock = match place.compare_exchange(ptr::null_mut(), new, Ordering::AcqRel, Ordering::Acquire) {
            Ok(_) => new,
            // Another thread was faster: use its lock.
            Err(theirs) => theirs,
        };
    }
    // SAFETY: the pointer is NULL or points to one of the locks above or to a leaked one: all live for ever, and are
    // only used by shared reference.
    unsafe { &*lock }
}

/// Returns where the pointer to the lock is stored: in memory that is zeroed in forked children, if the host has it.
fn place() -> &'static Place {
    /// Decided once. A forked child has it at the same address.
    static PLACE: AtomicPtr<Place> = AtomicPtr::new(ptr::null_mut());
    static FIXED: Place = AtomicPtr::new(ptr::null_mut());

    let mut place = PLACE.load(Ordering::Acquire);
    if place.is_null() {
        let new = zeroed::first().map_or(&FIXED, |page| &page.lock);
        let new = ptr::from_ref(new).cast_mut();
        place = match PLACE.compare_exchange(ptr::null_mut(), new, Ordering::AcqRel, Ordering::Acquire) {
            Ok(_) => new,
            Err(theirs) => theirs,
        };
    }
    // SAFETY: it is one of the two, which both live for ever.
    unsafe { &*place }
}

// What needs no more than the crate's interface is in tests/attach_lock.rs.
#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc::channel;
    use std::thread;
    use std::time::Duration;

    #[test]
    #[cfg_attr(miri, ignore = "Miri cannot fork")]
    fn attaching_waits_until_the_program_s_process_is_forked_t43() {
        starting_until_forked(|| {
            let (done, when_done) = channel();
            let attaches = thread::spawn(move || {
                let _attaching = attaching();
                done.send(())
            });
            assert!(when_done.recv_timeout(Duration::from_millis(20)).is_err());
            // SAFETY: the child makes a system call and exits.
            let pid = unsafe { libc::fork() };
            if pid == 0 {
                // SAFETY: it ends the process.
                unsafe { libc::_exit(0) };
            }
            assert!(when_done.recv_timeout(Duration::from_secs(30)).is_ok());
            assert!(attaches.join().is_ok());
            // SAFETY: no status is asked for.
            assert_eq!(unsafe { libc::waitpid(pid, ptr::null_mut(), 0) }, pid);
        });
        drop(attaching());
    }

    #[test]
    #[cfg_attr(miri, ignore = "Miri cannot fork")]
    fn a_forked_child_does_not_wait_for_its_parents_threads() {
        /// Ends a child with 7 if all is well, after it has taken the lock, and after a child of its own has.
        fn generations(left: u32) -> ! {
            // SAFETY: takes a number and touches no memory. A child that waits is killed.
            unsafe { libc::alarm(20) };
            let _attaching = attaching();
            let good = left == 0 || forked(|| generations(left - 1)) == 7;
            // SAFETY: it ends the process.
            unsafe { libc::_exit(if good { 7 } else { 1 }) }
        }
        fn forked(child: impl FnOnce() -> i32) -> i32 {
            // SAFETY: the child makes system calls, computes and exits.
            let pid = unsafe { libc::fork() };
            if pid == 0 {
                child();
            }
            let mut status = 0;
            // SAFETY: the kernel writes one int, which is ours.
            assert_eq!(unsafe { libc::waitpid(pid, &raw mut status, 0) }, pid);
            if libc::WIFEXITED(status) { libc::WEXITSTATUS(status) } else { -status }
        }
        let attaching = attaching();
        assert_eq!(forked(|| generations(3)), 7);
        drop(attaching);
        let _starting = starting();
        assert_eq!(forked(|| generations(0)), 7);
    }
}
