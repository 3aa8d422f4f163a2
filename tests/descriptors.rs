//! Jail descriptors of the crate, and the kernel's traps with them.

#![allow(clippy::expect_used, clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod common;

use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd, RawFd};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::{Duration, Instant};

use common::fork::in_child;
use common::process::alone;
use common::{Host, exists, host, model, name, on_every_kernel, releases};
use freebsd_jail::raw::{self, At};
use freebsd_jail::{
    ErrorKind, Features, Jail, JailUpdate, Jid, OwnedJail, Watcher, param,
    raw::{GetFlags, Request, SetFlags},
    sim,
};
use nix::fcntl::{FcntlArg, fcntl};

fn owned(what: &str) -> OwnedJail {
    Jail::builder().name(name(what)).path("/").children_max(2).create().expect("created")
}

fn number(jail: &Jail) -> RawFd {
    jail.descriptor().expect("a descriptor").as_raw_fd()
}

fn is_open(number: RawFd) -> bool {
    // SAFETY: F_GETFD takes a number, which need not be open, and touches no memory.
    unsafe { libc::fcntl(number, libc::F_GETFD) != -1 }
}

#[test]
fn kept_descriptors_are_never_standard_streams() {
    alone("kept_descriptors_are_never_standard_streams", || {
        let host = host();
        if !host.has_descriptors() {
            return;
        }
        // SAFETY: nothing in this process reads its standard input.
        unsafe { libc::close(0) };
        let jail = owned("low");
        assert!(number(&jail) > 2);
        let child = jail.child_builder().name("c").path("/").create_detached().expect("created");
        let opened = Jail::open(jail.jid()).expect("found");
        let below = jail.open_child("c").expect("found");
        let listed = jail.children().next().expect("one").expect("a handle");
        let cloned = jail.try_clone().expect("cloned");
        let again = cloned.try_clone().expect("cloned");
        for handle in [&child, &opened, &below, &listed, &cloned, &again] {
            assert!(number(handle) > 2, "{handle:?}");
        }
        let taken = child.into_owned().expect("taken");
        assert!(number(&taken) > 2);
        let watcher = Watcher::new().expect("a watcher");
        assert!(watcher.as_raw_fd() > 2);
        // A descriptor from elsewhere.
        let low = fcntl(jail.descriptor().expect("a descriptor"), FcntlArg::F_DUPFD(0)).expect("copied");
        assert_eq!(low, 0);
        // SAFETY: the call has just made it, and nothing else owns it.
        let low = unsafe { OwnedFd::from_raw_fd(low) };
        let received = Jail::try_from(low).expect("a jail's");
        assert!(number(&received) > 2);
        assert!(!is_open(0), "it is free again");
        assert_eq!(received.get(param::JID).expect("read"), jail.jid());
    });
}

#[test]
fn a_jail_whose_owning_descriptor_cannot_be_kept_is_not_removed() {
    alone("a_jail_whose_owning_descriptor_cannot_be_kept_is_not_removed", || {
        let host = host();
        if !host.has_descriptors() {
            return;
        }
        let jail = Jail::builder().name(name("kept")).path("/").create_detached().expect("created");
        let jid = jail.jid();
        let file = std::fs::File::open("/dev/null").expect("opened");
        let limit = libc::rlimit { rlim_cur: 64, rlim_max: 64 };
        // SAFETY: the call reads the structure, which is ours.
        assert_eq!(unsafe { libc::setrlimit(libc::RLIMIT_NOFILE, &raw const limit) }, 0);
        let mut all = Vec::new();
        while let Ok(copy) = file.try_clone() {
            all.push(copy);
        }
        // What is free is the standard input, and a number for the model's own end.
        if host.model().is_some() {
            all.pop();
        }
        // SAFETY: nothing in this process reads its standard input.
        unsafe { libc::close(0) };
        let error = jail.into_owned().expect_err("there is no number for the descriptor");
        assert_eq!(
            (error.kind(), error.errno()),
            (ErrorKind::ResourceExhausted, Some(libc::EMFILE)),
            "{error}"
        );
        all.truncate(1);
        assert!(exists(jid), "it is owned until this process ends, and was not removed right away");
        Jail::open(jid).expect("found").remove().expect("removed");
    });
}

#[test]
fn a_descriptor_from_elsewhere_keeps_its_other_flags() {
    const FD_CLOFORK: i32 = 4;
    let host = host();
    if !host.has_descriptors() {
        return;
    }
    if host.model().is_some() {
        println!("skipped: FD_CLOFORK is FreeBSD's");
        return;
    }
    let jail = owned("clofork");
    let copy = jail.try_clone().expect("cloned").into_descriptor().expect("a descriptor");
    // SAFETY: F_SETFD takes an int and touches no memory; the descriptor is open.
    assert_eq!(unsafe { libc::fcntl(copy.as_raw_fd(), libc::F_SETFD, FD_CLOFORK) }, 0);
    let handle = Jail::try_from(copy).expect("a jail's");
    let flags = fcntl(handle.descriptor().expect("a descriptor"), FcntlArg::F_GETFD).expect("open");
    assert_eq!(flags, FD_CLOFORK | libc::FD_CLOEXEC);
}

#[test]
fn t3_flags_that_a_descriptor_belongs_to_are_refused_without_one() {
    on_every_kernel(|host| {
        let before = host.model().map(|model| model.calls().total());
        for bits in [0x20, 0x10, 0x20 | 0x40, 0x20 | 0x10] {
            let mut request = Request::new();
            request.string("name", "nosuch").expect("a request");
            let get = raw::jail_get(&mut request, At::None, GetFlags::from_bits_retain(bits));
            let flags = SetFlags::from_bits_retain(bits) | SetFlags::CREATE;
            let set = raw::jail_set(&mut request, At::None, flags);
            for error in [get.expect_err("refused"), set.expect_err("refused")] {
                assert_eq!((error.kind(), error.call()), (ErrorKind::Conflict, None), "{error}");
            }
        }
        if let Some(model) = host.model() {
            assert_eq!((model.sprung().len(), Some(model.calls().total())), (0, before));
        }
    });
}

#[test]
fn assumed_features_do_not_affect_earlier_handles() {
    let host = host();
    if !host.has_descriptors() {
        return;
    }
    let before = owned("before");
    let jid = before.jid();
    let (clone, kept) = (before.try_clone().expect("cloned"), owned("kept"));
    let assumed = Features::current().without_descriptors().assume();
    before.update(&JailUpdate::new().hostname("changed")).expect("changed");
    assert_eq!(before.get(param::HOST_HOSTNAME.utf8()).expect("read"), "changed");
    assert!(clone.try_clone().expect("cloned").descriptor().is_some());
    assert!(before.child_builder().name("c").path("/").create().expect("created").descriptor().is_some());
    before.remove().expect("removed by its descriptor");
    assert!(!clone.is_alive().expect("asked"));
    let after = owned("after");
    assert!(after.descriptor().is_none());
    drop(kept);
    assert!(!exists(jid));
    drop(assumed);
    assert!(Features::current().has_descriptors());
    // One that was made meanwhile continues without descriptors, too.
    assert!(after.try_clone().expect("cloned").descriptor().is_none());
    assert_eq!(after.get(param::JID).expect("read"), after.jid());
    after.remove().expect("removed");
}

#[test]
fn without_descriptors_an_owner_removes_by_jid() {
    for release in releases() {
        let host = model(sim::Kernel::with_release(release));
        let _assumed = Features::current().without_descriptors().assume();
        let jail = owned("old");
        let jid = jail.jid();
        let jail = jail.into_descriptor().expect_err("there is none");
        drop(jail.try_clone().expect("cloned").into_owned().expect("taken"));
        assert!(!exists(jid));
        drop(jail);
        let calls = host.calls().expect("the model");
        assert_eq!((calls.jail_remove, calls.jail_remove_jd), (1, 0), "{release:?}");
    }
}

/// Runs `body` in a process that is in capability mode.
fn in_capability_mode(host: &Host, body: impl FnOnce()) {
    if let Some(model) = host.model() {
        let process = model.process().fork();
        process.cap_enter();
        process.run(body);
        return;
    }
    in_child(|| {
        #[cfg(target_os = "freebsd")]
        // SAFETY: takes nothing and touches no memory.
        assert_eq!(unsafe { libc::cap_enter() }, 0);
        body();
    });
}

/// Takes all rights from a descriptor.
fn limit(host: &Host, descriptor: BorrowedFd<'_>) {
    if let Some(model) = host.model() {
        model.process().limit_rights(descriptor).expect("limited");
    }
    #[cfg(target_os = "freebsd")]
    if host.model().is_none() {
        let mut none = std::mem::MaybeUninit::uninit();
        // SAFETY: the call writes the structure, which is ours: version 0, and no rights before the 0 that ends them.
        unsafe { libc::__cap_rights_init(0, none.as_mut_ptr(), 0_u64) };
        // SAFETY: the call reads the structure, which is ours; the descriptor is open while it is borrowed.
        let result = unsafe { libc::cap_rights_limit(descriptor.as_raw_fd(), none.as_ptr()) };
        assert_eq!(result, 0);
    }
}

#[test]
fn t55_in_capability_mode_a_jail_is_not_called_gone() {
    alone("t55_in_capability_mode_a_jail_is_not_called_gone", || {
        let host = host();
        if !host.has_descriptors() {
            return;
        }
        let owner = owned("t55");
        let jail = owner.try_clone().expect("cloned");
        in_capability_mode(&host, || {
            for error in [
                jail.get(param::NAME).expect_err("forbidden"),
                jail.update(&JailUpdate::new().hostname("x")).expect_err("forbidden"),
                jail.remove().expect_err("forbidden"),
                jail.attach().expect_err("forbidden"),
                Jail::open(jail.jid()).expect_err("forbidden"),
            ] {
                assert_eq!(error.kind(), ErrorKind::NotCapable, "{error}");
            }
            // fstat(2) is allowed.
            assert!(jail.is_alive().expect("asked"));
        });
        assert!(owner.is_alive().expect("asked"));
    });
}

#[test]
fn t55_a_descriptor_without_the_right_to_fstat_is_checked_by_jail_get() {
    let host = host();
    if !host.has_descriptors() {
        return;
    }
    let owner = owned("rights");
    let handle = owner.try_clone().expect("cloned");
    limit(&host, handle.descriptor().expect("a descriptor"));
    assert!(handle.is_alive().expect("asked"));
    assert_eq!(handle.get(param::JID).expect("read"), owner.jid());
    owner.remove().expect("removed");
    assert!(!handle.is_alive().expect("asked"));
}

#[test]
fn t44_a_removal_beside_a_read_closes_nothing() {
    let host = model(sim::Kernel::new());
    let model = host.model().expect("the model");
    let jail = Arc::new(owned("t44"));
    let same = Arc::clone(&jail);
    model.meanwhile(sim::Moment::Lookup, move || same.remove().expect("removed"));
    let read = jail.get(param::NAME).map(drop);
    assert!(matches!(&read, Err(error) if error.kind() == ErrorKind::Gone), "{read:?}");
    assert!(!model.has_sprung(44));
    drop(jail);
    assert!(!model.has_sprung(44));
}

#[test]
fn t46_a_descriptor_of_a_jail_that_died_during_the_update_is_not_returned() {
    let host = model(sim::Kernel::new());
    let model = host.model().expect("the model");
    model.set_racct(true);
    let remove = |jid: Jid| {
        let kernel = model.clone();
        model.meanwhile(sim::Moment::Bind, move || kernel.raw().jail_remove(jid.get()).expect("removed"));
    };
    let persistent = || Jail::builder().path("/").create_detached().expect("created");
    let jail = persistent();
    remove(jail.jid());
    assert_eq!(jail.into_owned().expect_err("it died").kind(), ErrorKind::Gone);
    for flags in [SetFlags::GET_DESC, SetFlags::OWN_DESC] {
        let jail = persistent();
        remove(jail.jid());
        let mut request = Request::new();
        request.flag("persist").expect("a request");
        let at = At::Use(jail.descriptor().expect("a descriptor"));
        let error = raw::jail_set(&mut request, at, SetFlags::UPDATE | flags).expect_err("it died");
        assert_eq!(error.kind(), ErrorKind::Gone);
    }
    assert_eq!(Jail::all().dying(true).get(param::JID).count(), 0, "nothing keeps them from going");
}

/// How long the tests below run.
fn until() -> Instant {
    let time = if cfg!(target_os = "freebsd") { Duration::from_secs(15) } else { Duration::from_millis(300) };
    Instant::now() + time
}

/// Runs a thread that forks children which exit at once: each fork write-protects this process's memory.
fn fork_until(end: &AtomicBool, count: &AtomicU32) {
    while !end.load(Ordering::Relaxed) {
        // SAFETY: the child makes one system call.
        let pid = unsafe { libc::fork() };
        if pid == 0 {
            // SAFETY: ends the process at once.
            unsafe { libc::_exit(0) };
        }
        assert_ne!(pid, -1, "forked");
        // SAFETY: asks for no status.
        assert_eq!(unsafe { libc::waitpid(pid, std::ptr::null_mut(), 0) }, pid);
        count.fetch_add(1, Ordering::Relaxed);
    }
}

/// Starts a process in a jail that asks for the jail's host name, which takes the jail's mutex, until the jail is removed.
fn ask_from_inside(jail: &Jail) -> libc::pid_t {
    // SAFETY: no other thread runs yet but one that waits, so the child may do whatever its parent may.
    let pid = unsafe { libc::fork() };
    assert_ne!(pid, -1, "forked");
    if pid == 0 {
        let attached = jail.attach().is_ok();
        let mut name = [0; 256];
        // SAFETY: the call writes into the array, which is ours and as long as it says.
        while attached && unsafe { libc::gethostname(name.as_mut_ptr(), name.len()) } == 0 {}
        // SAFETY: ends the process at once.
        unsafe { libc::_exit(1) };
    }
    pid
}

#[test]
fn t37_descriptors_are_made_beside_forks() {
    alone("t37_descriptors_are_made_beside_forks", || {
        let host = host();
        if !host.has_descriptors() {
            return;
        }
        let model = host.model();
        let (end, forks) = (AtomicBool::new(false), AtomicU32::new(0));
        let (made, updated) = (AtomicU32::new(0), AtomicU32::new(0));
        let long = owned("long");
        let jail = long.try_clone().expect("cloned");
        let inside: Vec<_> = (0..2).filter(|_| model.is_none()).map(|_| ask_from_inside(&jail)).collect();
        let while_it_lasts = |act: &mut dyn FnMut()| {
            let _guard = model.map(sim::Kernel::install);
            while !end.load(Ordering::Relaxed) {
                act();
            }
        };
        std::thread::scope(|scope| {
            for _ in 0..2 {
                scope.spawn(|| fork_until(&end, &forks));
            }
            scope.spawn(|| {
                let mut nothing = Request::new();
                nothing.flag("persist").expect("a request");
                while_it_lasts(&mut || {
                    let at = At::Use(jail.descriptor().expect("a descriptor"));
                    let flags = SetFlags::UPDATE | SetFlags::GET_DESC;
                    raw::jail_set(&mut nothing, at, flags).expect("set");
                    updated.fetch_add(1, Ordering::Relaxed);
                });
            });
            scope.spawn(|| {
                while_it_lasts(&mut || {
                    let made_here = owned("made");
                    let handle = made_here.try_clone().expect("cloned");
                    drop(handle.into_owned().expect("taken"));
                    made.fetch_add(1, Ordering::Relaxed);
                });
            });
            scope.spawn(|| {
                while_it_lasts(&mut || assert!(Jail::all().get(param::NAME).flatten().count() > 0));
            });
            let time = until();
            while Instant::now() < time {
                std::thread::sleep(Duration::from_millis(10));
            }
            end.store(true, Ordering::Relaxed);
        });
        let [made, updated, forks] = [made, updated, forks].map(AtomicU32::into_inner);
        println!("{made} jails and {updated} updates beside {forks} forks");
        assert!(made > 0 && updated > 0 && forks > 0);
        drop(long);
        for pid in inside {
            let mut status = 0;
            // SAFETY: the kernel writes one int, which is ours.
            assert_eq!(unsafe { libc::waitpid(pid, &raw mut status, 0) }, pid);
            assert!(libc::WIFSIGNALED(status), "it ran until its jail was removed");
        }
        let prefix = format!("fj-{}-", std::process::id());
        assert!(!common::names().iter().any(|name| name.starts_with(&prefix)), "nothing is left");
    });
}

#[test]
fn t46_a_jail_that_is_removed_while_it_is_owned_does_not_stay_dying() {
    let host = host();
    if !host.has_descriptors() {
        return;
    }
    let (model, time) = (host.model(), until());
    let (mut taken, mut gone) = (0, 0);
    while Instant::now() < time {
        let jail = Jail::builder().name(name("t46")).path("/").create_detached().expect("created");
        let remover = jail.try_clone().expect("cloned");
        let owner = std::thread::scope(|scope| {
            scope.spawn(|| {
                let _guard = model.map(sim::Kernel::install);
                remover.remove().expect("removed");
            });
            jail.into_owned()
        });
        match owner {
            Ok(owner) => {
                assert!(!owner.is_alive().expect("asked"), "it has been removed, and the descriptor says so");
                taken += 1;
            }
            Err(error) if error.kind() == ErrorKind::Gone => gone += 1,
            Err(error) => panic!("{error}"),
        }
    }
    println!("{taken} were taken before they were removed, {gone} were not");
    let ours = |name: &String| name.contains("-t46");
    let dying = Jail::all().dying(true).get(param::NAME.utf8()).flatten().filter(ours).count();
    assert_eq!(dying, 0, "no descriptor keeps a jail from going");
}
