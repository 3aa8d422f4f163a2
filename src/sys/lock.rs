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

#[cfg(all(test, feature = "sim"))]
#[allow(clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]
mod tests {
    use super::*;
    use std::io::{Read, Write};
    use std::os::unix::net::UnixStream;
    use std::os::unix::process::CommandExt as _;
    use std::process::Command;
    use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
    use std::thread;
    use std::time::Duration;

    use crate::raw::{self, At};
    use crate::{Jail, JailUpdate, flags::SetFlags, legacy::LegacyJail, param, raw::Request, sim, sys};

    /// A function that attaches to a jail.
    type Way = fn(&Jail);

    const WAYS: [(&str, Way); 10] = [
        ("Jail::attach", |jail| jail.attach().expect("attached")),
        ("Jail::attach by jid", |jail| Jail::unpinned(jail.jid()).attach().expect("attached")),
        ("JailBuilder::create_and_attach", |_| {
            let _ = Jail::builder().path("/").create_and_attach().expect("attached");
        }),
        ("raw::jail_attach", |jail| raw::jail_attach(jail.jid()).expect("attached")),
        ("raw::jail_attach_jd", |jail| {
            raw::jail_attach_jd(jail.descriptor().expect("a descriptor")).expect("attached");
        }),
        ("raw::jail", |_| {
            let _ = raw::jail(&LegacyJail::new("/", "legacy")).expect("attached");
        }),
        ("raw::jail_set", |_| {
            let mut request = Request::new();
            request.bytes("path", b"/\0").expect("added");
            let flags = SetFlags::CREATE | SetFlags::ATTACH;
            raw::jail_set(&mut request, At::None, flags).expect("attached");
        }),
        ("sys::jail_attach", |jail| assert_eq!(sys::jail_attach(jail.jid().get()), 0)),
        ("sys::jail", |_| {
            let text = |text: &'static core::ffi::CStr| text.as_ptr().cast_mut();
            let mut jail = sys::jail {
                version: 2,
                path: text(c"/"),
                hostname: text(c"legacy"),
                jailname: ptr::null_mut(),
                ip4s: 0,
                ip6s: 0,
                ip4: ptr::null_mut(),
                ip6: ptr::null_mut(),
            };
            // SAFETY: the structure is ours, its strings end in NUL, and it has no addresses.
            assert!(unsafe { sys::jail(&raw mut jail) } > 0);
        }),
        ("sys::jail_set", |jail| {
            let mut jid = jail.jid().get().to_ne_bytes();
            let mut request = [sys::Slot::new(b"jid\0", Some(&mut jid))];
            let (iov, niov) = sys::Slot::as_iovecs(&mut request);
            // SAFETY: the slot is two iovecs, ours, and so is the memory that they name.
            assert!(unsafe { sys::jail_set(iov, niov, sys::JAIL_UPDATE | sys::JAIL_ATTACH) } > 0);
        }),
    ];

    /// A jail that this process does not own, so that it may attach.
    fn jail() -> Jail {
        Jail::builder().path("/").create_detached().expect("created")
    }

    /// Does something in another thread, on a model of its own where programs may run, and signals when it is done.
    fn elsewhere(act: impl FnOnce() + Send + 'static) -> Receiver<()> {
        let (done, when_done) = channel();
        thread::spawn(move || {
            let kernel = sim::Kernel::new();
            let _guard = kernel.install();
            kernel.allow_exec(true);
            act();
            done.send(()).expect("heard");
        });
        when_done
    }

    #[track_caller]
    fn waits(when_done: &Receiver<()>, what: &str) {
        let heard = when_done.recv_timeout(Duration::from_millis(20));
        assert_eq!(heard, Err(RecvTimeoutError::Timeout), "{what}");
    }

    #[track_caller]
    fn is_done(when_done: &Receiver<()>, what: &str) {
        let long = Duration::from_secs(if cfg!(miri) { 1200 } else { 30 });
        when_done.recv_timeout(long).unwrap_or_else(|error| panic!("{what}: {error}"));
    }

    #[test]
    fn attaching_waits_for_programs_that_are_being_started_t43() {
        let starting = starting();
        let attaching = WAYS.map(|(name, way)| (name, elsewhere(move || way(&jail()))));
        thread::sleep(Duration::from_millis(200));
        for (name, when_done) in &attaching {
            waits(when_done, name);
        }
        drop(starting);
        for (name, when_done) in &attaching {
            is_done(when_done, name);
        }
    }

    #[test]
    fn two_threads_do_not_attach_at_once_t42() {
        let one = attaching();
        let others = WAYS.map(|(name, way)| (name, elsewhere(move || way(&jail()))));
        thread::sleep(Duration::from_millis(200));
        for (name, when_done) in &others {
            waits(when_done, name);
        }
        drop(one);
        for (name, when_done) in &others {
            is_done(when_done, name);
        }
    }

    #[test]
    #[cfg_attr(miri, ignore = "Miri executes no program")]
    fn a_program_is_not_started_while_a_thread_attaches_t43() {
        let attaching = attaching();
        let started = elsewhere(|| assert!(jail().command("/bin/sh").args(["-c", ""]).status().is_ok()));
        thread::sleep(Duration::from_millis(200));
        waits(&started, "starting a program");
        drop(attaching);
        is_done(&started, "starting a program");
    }

    #[test]
    #[cfg_attr(miri, ignore = "Miri cannot fork")]
    fn attaching_waits_until_the_program_s_process_is_forked_t43() {
        starting_until_forked(|| {
            let attaching = elsewhere(|| jail().attach().expect("attached"));
            thread::sleep(Duration::from_millis(200));
            waits(&attaching, "attaching");
            // SAFETY: the child makes a system call and exits.
            let pid = unsafe { libc::fork() };
            if pid == 0 {
                // SAFETY: it ends the process.
                unsafe { libc::_exit(0) };
            }
            is_done(&attaching, "attaching");
            // SAFETY: no status is asked for.
            assert_eq!(unsafe { libc::waitpid(pid, ptr::null_mut(), 0) }, pid);
        });
        drop(attaching());
    }

    #[test]
    #[cfg_attr(miri, ignore = "Miri cannot fork")]
    fn a_program_that_is_slow_to_execute_keeps_no_thread_from_attaching() {
        let (mut here, mut there) = UnixStream::pair().expect("a pair");
        for socket in [&here, &there] {
            socket.set_read_timeout(Some(Duration::from_secs(20))).expect("set");
        }
        let started = elsewhere(move || {
            let jail = jail();
            let mut command = jail.command("/bin/cat");
            command.stdin(std::process::Stdio::piped());
            let wait = move || there.write_all(b"?").and_then(|()| there.read_exact(&mut [0]));
            // SAFETY: the closure makes system calls only.
            unsafe { command.as_std().pre_exec(wait) };
            let mut child = command.spawn().expect("started");
            drop(child.stdin.take());
            assert!(child.wait().expect("waited for").success());
        });
        here.read_exact(&mut [0]).expect("the child is there");
        is_done(&elsewhere(|| jail().attach().expect("attached")), "attaching");
        let another = elsewhere(|| assert!(jail().command("/bin/sh").args(["-c", ""]).status().is_ok()));
        is_done(&another, "another program");
        waits(&started, "the program");
        here.write_all(b"!").expect("written");
        is_done(&started, "the program");
    }

    #[test]
    fn nothing_else_waits_for_a_thread_that_attaches() {
        let _attaching = attaching();
        let other = elsewhere(|| {
            let jail = jail();
            let watcher = crate::Watcher::new().expect("a watcher");
            watcher.watch(&jail).expect("watched");
            jail.update(&JailUpdate::new().hostname("changed")).expect("changed");
            assert_eq!(jail.get(param::HOST_HOSTNAME).expect("read"), "changed");
            assert_eq!(Jail::all().get(param::JID).count(), 1);
            // A child attaches by itself.
            let child = sim::Kernel::current().expect("a model").process().fork();
            child.run(|| jail.attach()).expect("attached");
            jail.remove().expect("removed");
        });
        is_done(&other, "all else");
    }

    #[test]
    #[cfg_attr(miri, ignore = "Miri executes no program")]
    fn exec_by_std_in_this_process_fails_rather_than_waits() {
        let (prepared, when_prepared) = channel();
        let (go, when_to_go) = channel();
        let failed = elsewhere(move || {
            let mut command = Command::new("/nonexistent/program");
            // On a model, this waits for other tests that attach.
            jail().confine(&mut command).expect("prepared");
            prepared.send(()).expect("heard");
            when_to_go.recv().expect("told");
            assert_eq!(command.exec().raw_os_error(), Some(libc::EAGAIN));
        });
        is_done(&when_prepared, "preparing");
        let starting = starting();
        go.send(()).expect("heard");
        is_done(&failed, "exec");
        drop(starting);
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

    #[test]
    fn a_panic_of_one_thread_keeps_no_other_from_attaching() {
        let panicked = thread::spawn(|| {
            let _attaching = attaching();
            panic!("on purpose");
        });
        assert!(panicked.join().is_err());
        drop(attaching());
        drop(starting());
        is_done(&elsewhere(|| jail().attach().expect("attached")), "attaching");
    }
}
