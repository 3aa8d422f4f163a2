//! A jail is removed by its owner, once, in its own process.

#![allow(clippy::expect_used, clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod common;

use std::cell::RefCell;
use std::os::fd::{AsFd, OwnedFd};
use std::thread;
use std::time::Duration;

use common::fork::in_child;
use common::process::alone;
use common::{Host, exists, host, name, on_every_kernel};
use freebsd_jail::raw::{self, At};
use freebsd_jail::{
    ErrorKind, Features, Jail, JailUpdate, Jid, OwnedJail, is_jailed, param,
    raw::{GetFlags, Request, SetFlags},
    sim,
};

fn owned(what: &str) -> OwnedJail {
    Jail::builder().name(name(what)).path("/").create().expect("created")
}

/// Whether a jail goes within some seconds.
fn goes(jid: Jid) -> bool {
    (0..500).any(|_| {
        let there = exists(jid);
        if there {
            thread::sleep(Duration::from_millis(10));
        }
        !there
    })
}

fn persistent(what: &str) -> Jail {
    Jail::builder().name(name(what)).path("/").create_detached().expect("created")
}

fn kind<T>(result: freebsd_jail::Result<T>) -> ErrorKind {
    result.map(drop).expect_err("refused").kind()
}

/// Returns a descriptor that owns the jail.
fn owning_descriptor(jid: Jid) -> OwnedFd {
    let mut request = Request::new();
    request.int("jid", jid.get()).expect("a request");
    let reply = raw::jail_get(&mut request, At::None, GetFlags::OWN_DESC).expect("owned");
    reply.descriptor.expect("a descriptor")
}

#[test]
fn t24_taking_ownership_by_a_descriptor_that_owns_already_keeps_the_jail() {
    let host = host();
    if !host.has_descriptors() {
        return;
    }
    let jid = persistent("t24").jid();
    // As it may come over a socket, without knowing that it owns.
    let handle = Jail::try_from(owning_descriptor(jid)).expect("a jail's");
    let owner = handle.into_owned().expect("taken");
    assert!(owner.is_alive().expect("asked"));
    assert_eq!(owner.get(param::JID).expect("read"), jid);
    let descriptor = owner.into_descriptor().expect("there are descriptors");
    assert!(exists(jid), "the first descriptor is kept, or its close would remove the jail");
    drop(OwnedJail::try_from(descriptor).expect("a jail's"));
    assert!(!exists(jid));
}

#[test]
fn ownership_is_handed_over_by_the_descriptor() {
    on_every_kernel(|_| {
        let jail = owned("handed");
        let jid = jail.jid();
        let clone = jail.try_clone().expect("cloned");
        let descriptor = match jail.into_descriptor() {
            Ok(descriptor) => descriptor,
            Err(jail) => {
                assert!(!Features::current().has_descriptors(), "there is a descriptor to hand over");
                assert!(jail.is_alive().expect("asked"), "the owner is still there");
                drop(jail);
                assert!(!exists(jid), "and still owns");
                return;
            }
        };
        assert!(exists(jid), "the one that handed it over does not remove it");
        let receiver = OwnedJail::try_from(descriptor).expect("a jail's");
        assert_eq!(receiver.jid(), jid);
        drop(receiver);
        assert!(!exists(jid));
        assert!(!clone.is_alive().expect("asked"));
    });
}

#[test]
fn a_jail_that_was_handed_over_goes_when_the_descriptor_is_closed() {
    on_every_kernel(|_| {
        let jail = owned("closed");
        let jid = jail.jid();
        if let Ok(descriptor) = jail.into_descriptor() {
            assert!(exists(jid));
            drop(descriptor);
        }
        // A child that another test forks at this moment has a copy of the descriptor until it executes a program.
        assert!(goes(jid), "the jail is still there");
    });
}

#[test]
fn a_handle_of_a_borrowed_descriptor_owns_nothing_whatever_that_one_does() {
    let host = host();
    if !host.has_descriptors() {
        return;
    }
    let jid = persistent("borrowed").jid();
    let owning = owning_descriptor(jid);
    let handle = Jail::try_from(owning.as_fd()).expect("a jail's");
    assert_eq!(handle.get(param::JID).expect("read"), jid);
    let again = handle.try_clone().expect("cloned");
    drop(handle);
    assert!(exists(jid), "a plain handle removes nothing");
    drop(owning);
    assert!(!exists(jid), "the close of the owning descriptor does");
    let dead = again.descriptor().expect("a descriptor");
    assert_eq!(kind(Jail::try_from(dead)), ErrorKind::Gone);
    let file = std::fs::File::open("/etc/passwd").expect("a file");
    assert_eq!(kind(Jail::try_from(file.as_fd())), ErrorKind::InvalidDescriptor);
}

#[test]
fn dropping_a_plain_handle_leaves_the_jail() {
    on_every_kernel(|_| {
        let jail = persistent("plain");
        let jid = jail.jid();
        drop(Jail::open(jid).expect("found"));
        drop(jail.try_clone().expect("cloned"));
        drop(jail);
        assert!(exists(jid));
        Jail::open(jid).expect("found").remove().expect("removed");
    });
}

/// Removes the jail of an owner in some way, gives its jid to another jail, and drops the owner.
fn is_disarmed(jid: i32, remove: impl Fn(&OwnedJail)) {
    on_every_kernel(|_| {
        let jid = Jid::new(jid).expect("above zero");
        let owner = Jail::builder().jid(jid).name(name("first")).path("/").create().expect("created");
        remove(&owner);
        assert!(!exists(jid));
        let next = Jail::builder().jid(jid).name(name("next")).path("/").create().expect("created");
        assert_eq!(kind(owner.remove()), ErrorKind::Gone);
        assert_eq!(kind(owner.get(param::NAME)), ErrorKind::Gone);
        assert_eq!(kind(owner.update(&JailUpdate::new().hostname("wrong"))), ErrorKind::Gone);
        assert_eq!(kind(owner.attach()), ErrorKind::Gone);
        assert_eq!(kind(owner.children().next().expect("an error")), ErrorKind::Gone);
        assert!(!owner.is_alive().expect("asked"));
        drop(owner);
        assert!(next.is_alive().expect("asked"), "the next jail of that jid is none of the owner's");
        assert_eq!(next.get(param::HOST_HOSTNAME).expect("read"), "");
    });
}

#[test]
fn an_owner_whose_jail_was_removed_through_it_removes_no_other() {
    is_disarmed(880_201, |owner| owner.remove().expect("removed"));
}

#[test]
fn an_owner_whose_jail_was_removed_through_a_clone_removes_no_other() {
    is_disarmed(880_202, |owner| owner.try_clone().expect("cloned").remove().expect("removed"));
    is_disarmed(880_203, |owner| {
        let clone = owner.try_clone().expect("cloned").try_clone().expect("cloned");
        clone.remove().expect("removed");
    });
}

#[test]
fn an_owner_whose_jail_was_removed_by_a_function_that_takes_a_jail_removes_no_other() {
    fn end(jail: &Jail) {
        assert!(jail.remove_and_wait(None).expect("removed").is_done());
    }
    is_disarmed(880_204, |owner| end(owner));
}

#[test]
fn an_owner_whose_jail_went_with_an_update_removes_no_other() {
    is_disarmed(880_207, |owner| owner.update(&JailUpdate::new().persist(false)).expect("changed"));
}

#[test]
fn a_nested_jail_may_go_with_an_update_without_an_error() {
    on_every_kernel(|_| {
        let outer = Jail::builder().name(name("outer")).path("/").children_max(1).create().expect("created");
        let inner = outer.child_builder().name("c").path("/").create_detached().expect("created");
        inner.update(&JailUpdate::new().persist(false)).expect("changed");
        assert!(!inner.is_alive().expect("asked"), "it was empty");
        assert_eq!(kind(inner.update(&JailUpdate::new().persist(false))), ErrorKind::Gone);
    });
}

#[test]
fn a_clone_of_a_dropped_owner_removes_no_other_jail() {
    on_every_kernel(|_| {
        let jid = Jid::new(880_205).expect("above zero");
        let owner = Jail::builder().jid(jid).name(name("first")).path("/").create().expect("created");
        let clone = owner.try_clone().expect("cloned");
        drop(owner);
        let next = Jail::builder().jid(jid).name(name("next")).path("/").create().expect("created");
        assert_eq!(kind(clone.remove()), ErrorKind::Gone);
        assert!(next.is_alive().expect("asked"));
    });
}

#[test]
fn an_owner_made_of_a_handle_is_disarmed_by_the_clones_that_handle_had() {
    on_every_kernel(|_| {
        let jid = Jid::new(880_206).expect("above zero");
        let jail = Jail::builder().jid(jid).name(name("first")).path("/").create_detached().expect("created");
        let clone = jail.try_clone().expect("cloned");
        let owner = jail.into_owned().expect("taken");
        clone.remove().expect("removed");
        let next = Jail::builder().jid(jid).name(name("next")).path("/").create().expect("created");
        drop(owner);
        assert!(next.is_alive().expect("asked"));
    });
}

#[test]
fn a_removal_that_fails_leaves_the_owner_armed() {
    for release in common::releases() {
        let host = common::model(sim::Kernel::with_release(release));
        let jail = owned("armed");
        let jid = jail.jid();
        let user = host.model().expect("the model").process().fork();
        user.setuid(1001).expect("root may");
        if jail.descriptor().is_none() {
            assert_eq!(kind(user.run(|| jail.remove())), ErrorKind::PermissionDenied);
            assert!(exists(jid));
        }
        drop(jail);
        assert!(!exists(jid), "{release:?}");
    }
}

#[test]
fn t25_a_process_does_not_attach_to_a_jail_that_it_owns() {
    on_every_kernel(|_| {
        let jail = owned("t25");
        let clone = jail.try_clone().expect("cloned");
        for handle in [&*jail, &clone] {
            let error = handle.attach().expect_err("it would be killed");
            assert_eq!((error.kind(), error.call()), (ErrorKind::Conflict, None));
            let error = handle.command("/bin/sh").exec();
            assert_eq!((error.kind(), error.call()), (ErrorKind::Conflict, None), "{error}");
        }
        assert!(!is_jailed().expect("asked"));
        assert!(jail.is_alive().expect("asked"));
    });
}

#[test]
fn a_process_attaches_to_a_jail_that_it_has_handed_over() {
    alone("a_process_attaches_to_a_jail_that_it_has_handed_over", || {
        let host = host();
        if !host.has_descriptors() {
            return;
        }
        let jail = owned("attach");
        let clone = jail.try_clone().expect("cloned");
        let descriptor = jail.into_descriptor().expect("there are descriptors");
        if host.model().is_some() {
            clone.attach().expect("attached");
            assert!(is_jailed().expect("asked"));
        } else {
            // When it ends, the jail goes.
            in_child(|| {
                clone.attach().expect("attached");
                assert!(is_jailed().expect("asked"));
            });
        }
        drop(descriptor);
    });
}

#[test]
fn a_process_that_is_no_longer_root_changes_jails_of_its_own_level_by_their_descriptors_alone() {
    let test = "a_process_that_is_no_longer_root_changes_jails_of_its_own_level_by_their_descriptors_alone";
    let on = |host: &Host| {
        let outer = Jail::builder().name(name("outer")).path("/").children_max(1).create().expect("created");
        let inner = outer.child_builder().name("c").path("/").create().expect("created");
        let handles = [outer.try_clone().expect("cloned"), inner.try_clone().expect("cloned")];
        let change = || {
            let [outer, inner] = &handles;
            let denied = ErrorKind::PermissionDenied;
            let changed = outer.update(&JailUpdate::new().hostname("changed"));
            if outer.descriptor().is_some() {
                changed.expect("root made the descriptor");
            } else {
                assert_eq!(kind(changed), denied);
            }
            assert_eq!(kind(inner.update(&JailUpdate::new().hostname("changed"))), denied);
            assert_eq!(
                kind(Jail::unpinned(outer.jid()).update(&JailUpdate::new().hostname("changed"))),
                denied
            );
        };
        if let Some(model) = host.model() {
            let user = model.process().fork();
            user.setuid(1001).expect("root may");
            user.run(change);
        } else {
            in_child(|| {
                nix::unistd::setuid(1001.into()).expect("root may");
                change();
            });
        }
    };
    alone(test, || on_every_kernel(on));
}

#[test]
fn t44_removing_closes_no_descriptor() {
    let host = host();
    if !host.has_descriptors() {
        return;
    }
    let jail = owned("t44");
    let before = jail.descriptor().map(|fd| std::os::fd::AsRawFd::as_raw_fd(&fd));
    jail.remove().expect("removed");
    let after = jail.descriptor().expect("a descriptor");
    assert_eq!(Some(std::os::fd::AsRawFd::as_raw_fd(&after)), before);
    nix::fcntl::fcntl(after, nix::fcntl::FcntlArg::F_GETFD).expect("it is open");
}

#[test]
fn t44_threads_may_use_a_jail_that_another_removes() {
    let host = host();
    let rounds = 200;
    let model = host.model();
    for _ in 0..rounds {
        let jail = owned("threads");
        thread::scope(|scope| {
            for _ in 0..2 {
                scope.spawn(|| {
                    let _guard = model.map(sim::Kernel::install);
                    loop {
                        match jail.get(param::SECURELEVEL) {
                            Ok(_) => {}
                            Err(error) if error.kind() == ErrorKind::Gone => break,
                            Err(error) => panic!("{error}"),
                        }
                    }
                });
            }
            scope.spawn(|| {
                let _guard = model.map(sim::Kernel::install);
                jail.remove().expect("removed");
            });
        });
    }
}

#[test]
fn an_owned_jail_in_a_thread_local_goes_with_its_thread() {
    thread_local! {
        static JAIL: RefCell<Option<OwnedJail>> = const { RefCell::new(None) };
    }
    on_every_kernel(|host| {
        let model = host.model();
        let jid = thread::scope(|scope| {
            let thread = scope.spawn(|| {
                JAIL.with_borrow(|jail| assert!(jail.is_none()));
                let _guard = model.map(sim::Kernel::install);
                let jail = owned("local");
                let jid = jail.jid();
                JAIL.set(Some(jail));
                jid
            });
            thread.join().expect("it ended well")
        });
        // The scope has waited for the thread's work, not for its thread locals.
        assert!(goes(jid));
    });
}

#[test]
fn before_15_a_jail_that_this_process_has_attached_to_is_not_called_gone() {
    alone("before_15_a_jail_that_this_process_has_attached_to_is_not_called_gone", || {
        on_every_kernel(|host| {
            let jail = persistent("inside");
            let other = persistent("other");
            let inside = || {
                jail.attach().expect("attached");
                for error in [
                    jail.remove().expect_err("not from inside"),
                    jail.get(param::NAME).expect_err("it is not seen from inside"),
                    jail.is_alive().expect_err("nobody knows"),
                    jail.update(&JailUpdate::new().hostname("x")).expect_err("not from inside"),
                ] {
                    assert_eq!(error.kind(), ErrorKind::NotFound, "{error}");
                    assert!(error.to_string().contains("attached"), "{error}");
                }
            };
            if jail.descriptor().is_some() {
                println!("skipped: this kernel has jail descriptors");
            } else if let Some(model) = host.model() {
                let inmate = model.process().fork();
                inmate.run(inside);
                inmate.exit();
            } else {
                in_child(inside);
            }
            assert!(jail.is_alive().expect("asked"));
            other.remove().expect("removed");
            assert_eq!(kind(other.remove()), ErrorKind::Gone);
            assert_eq!(kind(Jail::unpinned(other.jid()).get(param::NAME)), ErrorKind::Gone);
            jail.remove().expect("removed");
        });
    });
}

#[test]
fn before_15_a_process_that_has_not_attached_is_not_asked_where_it_is() {
    alone("before_15_a_process_that_has_not_attached_is_not_asked_where_it_is", || {
        on_every_kernel(|host| {
            let (jail, other) = (persistent("removed"), persistent("other"));
            let error = host.model().map(|model| {
                model.fault(0, sim::Fault::Errno(libc::EPERM));
                raw::jail_attach(other.jid()).expect_err("refused")
            });
            assert!(error.is_none_or(|error| error.kind() == ErrorKind::PermissionDenied));
            raw::jail_remove(jail.jid()).expect("removed");
            let before = host.calls();
            assert_eq!(kind(jail.get(param::NAME)), ErrorKind::Gone);
            if let (Some(before), Some(after)) = (before, host.calls()) {
                assert_eq!(after.sysctl, before.sysctl);
            }
            other.remove().expect("removed");
        });
    });
}

#[test]
fn t46_a_descriptor_that_an_update_made_is_checked() {
    let host = host();
    if !host.has_descriptors() {
        return;
    }
    let jail = persistent("t46");
    let clone = jail.try_clone().expect("cloned");
    let _ = jail.update(&JailUpdate::new().hostname("once"));
    let carry = u64::from(jail.get(param::MAC_DO).is_ok());
    let before = host.model().map(sim::Kernel::calls);
    let owner = jail.into_owned().expect("taken");
    if let (Some(model), Some(before)) = (host.model(), before) {
        let after = model.calls();
        assert_eq!((after.jail_set - before.jail_set, after.jail_get - before.jail_get), (1, 1 + carry));
    }
    let mut request = Request::new();
    request.flag("persist").expect("a request");
    let before = host.model().map(sim::Kernel::calls);
    let at = At::Use(clone.descriptor().expect("a descriptor"));
    let reply = raw::jail_set(&mut request, at, SetFlags::UPDATE | SetFlags::GET_DESC).expect("set");
    assert!(reply.descriptor.is_some());
    if let (Some(model), Some(before)) = (host.model(), before) {
        assert_eq!(model.calls().jail_get - before.jail_get, 1);
    }
    drop(owner);
}
