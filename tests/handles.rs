//! Handles never refer to the wrong jail; guards against the kernel's traps.

#![allow(clippy::expect_used, clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod common;

use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::sync::Barrier;

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

use common::{exists, host, model, name, on_every_kernel, releases};
use freebsd_jail::raw::{self, At};
use freebsd_jail::{
    ErrorKind, Features, Jail, JailUpdate, Jid, OwnedJail,
    error::Call,
    param,
    raw::{GetFlags, Request, SetFlags},
    sim,
};

fn jail(what: &str) -> OwnedJail {
    Jail::builder().name(name(what)).path("/").children_max(9).create().expect("created")
}

fn request(build: impl FnOnce(&mut Request) -> freebsd_jail::Result<()>) -> Request {
    let mut request = Request::new();
    build(&mut request).expect("a request");
    request
}

#[test]
fn t1_taking_ownership_asks_for_nothing_else() {
    on_every_kernel(|host| {
        let jail = Jail::builder().name(name("t1")).path("/").create_detached().expect("created");
        let jid = jail.jid();
        if host.has_descriptors() {
            let mut asks_more =
                request(|request| request.int("jid", jid.get())?.space("nosuch", 4).map(drop));
            let error = raw::jail_get(&mut asks_more, At::None, GetFlags::OWN_DESC).expect_err("refused");
            assert_eq!((error.kind(), error.call()), (ErrorKind::Conflict, None));
            let mut names_it_twice =
                request(|request| request.int("jid", jid.get())?.string("name", "x").map(drop));
            let error =
                raw::jail_get(&mut names_it_twice, At::None, GetFlags::OWN_DESC).expect_err("refused");
            assert_eq!((error.kind(), error.call()), (ErrorKind::Conflict, None));
            assert!(exists(jid), "the kernel would have removed it");
            let mut asks_less = request(|request| request.int("jid", jid.get()).map(drop));
            let owning =
                raw::jail_get(&mut asks_less, At::None, GetFlags::OWN_DESC).expect("owned").descriptor;
            drop(owning.expect("a descriptor"));
            assert!(!exists(jid), "the last copy of an owning descriptor is closed");
        } else {
            jail.remove().expect("removed");
        }
        let jail = Jail::builder().name(name("t1")).path("/").create_detached().expect("created");
        let jid = jail.jid();
        let owned = jail.into_owned().expect("taken");
        assert!(exists(jid));
        drop(owned);
        assert!(!exists(jid));
    });
}

#[test]
fn t2_a_slot_that_still_holds_its_input_is_not_wrapped() {
    let host = host();
    if !host.has_descriptors() {
        return;
    }
    let jail = jail("t2");
    let descriptor = jail.descriptor().expect("a descriptor");
    let mut ask = request(|request| request.space("name", 256).map(drop));
    let error = raw::jail_get(&mut ask, At::Use(descriptor), GetFlags::GET_DESC).expect_err("refused");
    assert_eq!((error.kind(), error.call()), (ErrorKind::Conflict, None));
    let reply = raw::jail_get(&mut ask, At::Use(descriptor), GetFlags::empty()).expect("read");
    assert!(reply.descriptor.is_none());
    // jail_set does make a new one.
    let mut nothing = request(|request| request.flag("persist").map(drop));
    let flags = SetFlags::UPDATE | SetFlags::GET_DESC;
    let reply = raw::jail_set(&mut nothing, At::Use(descriptor), flags).expect("set");
    let new = reply.descriptor.expect("a new descriptor");
    assert_ne!(new.as_raw_fd(), descriptor.as_raw_fd());
    drop(new);
    assert!(jail.is_alive().expect("asked"));
}

#[test]
fn t3_nothing_is_looked_up_below_a_dead_jail_or_a_descriptor_that_is_not_a_jail_s() {
    let host = host();
    if !host.has_descriptors() {
        return;
    }
    let outer =
        Jail::builder().name(name("t3")).path("/").children_max(2).create_detached().expect("created");
    let other = Jail::open(outer.jid()).expect("found");
    let dead = other.descriptor().expect("a descriptor");
    outer.remove().expect("removed");
    let gone = ErrorKind::Gone;
    assert_eq!(other.open_child("c").expect_err("dead").kind(), gone);
    assert_eq!(other.child_builder().path("/").create().expect_err("dead").kind(), gone);
    assert_eq!(other.children().next().expect("an error").expect_err("dead").kind(), gone);
    let mut ask = request(|request| request.string("name", "c").map(drop));
    assert_eq!(raw::jail_get(&mut ask, At::Below(dead), GetFlags::empty()).expect_err("dead").kind(), gone);
    let mut ask = request(|request| request.string("name", "c")?.flag("persist").map(drop));
    assert_eq!(raw::jail_set(&mut ask, At::Below(dead), SetFlags::CREATE).expect_err("dead").kind(), gone);
    let file = std::fs::File::open("/etc/passwd").expect("a file");
    let error = raw::jail_get(&mut ask, At::Below(file.as_fd()), GetFlags::empty()).expect_err("no jail");
    assert_eq!(error.kind(), ErrorKind::InvalidDescriptor);
    if let Some(model) = host.model() {
        assert_eq!(model.sprung(), []);
    }
}

#[test]
fn t4_a_nested_jail_is_given_no_more_than_its_parent_has() {
    on_every_kernel(|_| {
        let outer = Jail::builder()
            .name(name("t4"))
            .path("/")
            .securelevel(2)
            .children_max(3)
            .create()
            .expect("created");
        let inner = outer.child_builder().name("c").path("/").securelevel(2).create().expect("created");
        let chflags = param::Param::<bool>::new("allow.chflags");
        let handles = [
            inner.try_clone().expect("cloned"),
            Jail::unpinned(inner.jid()),
            Jail::open(inner.jid()).expect("found"),
        ];
        for handle in handles {
            let error = handle.update(&JailUpdate::new().securelevel(1)).expect_err("less than the parent's");
            assert_eq!(
                (error.kind(), error.errno()),
                (ErrorKind::PermissionDenied, Some(libc::EPERM)),
                "{handle:?}"
            );
            let error =
                handle.update(&JailUpdate::new().set(chflags, true)).expect_err("the parent has it not");
            assert_eq!(error.kind(), ErrorKind::PermissionDenied, "{handle:?}");
            let error = handle.update(&JailUpdate::new().children_max(3)).expect_err("as many as the parent");
            assert_eq!(error.kind(), ErrorKind::PermissionDenied, "{handle:?}");
            assert_eq!(inner.get((param::SECURELEVEL, chflags)).expect("read"), (2, false));
            handle
                .update(&JailUpdate::new().securelevel(3).hostname("inner"))
                .expect("more secure is allowed");
            assert_eq!(
                inner.get((param::SECURELEVEL, param::HOST_HOSTNAME.utf8())).expect("read"),
                (3, "inner".into())
            );
            // The next handle starts afresh.
            handle.update(&JailUpdate::new().securelevel(2)).expect("as the parent's");
        }
    });
}

#[test]
fn t4_a_renamed_nested_jail_keeps_its_parents_name() {
    on_every_kernel(|host| {
        let outer_name = name("t4r");
        let outer = Jail::builder().name(&outer_name).path("/").children_max(3).create().expect("created");
        let inner = outer.child_builder().name("c").path("/").create().expect("created");
        inner.update(&JailUpdate::new().name("renamed")).expect("renamed");
        assert_eq!(inner.get(param::NAME.utf8()).expect("read"), format!("{outer_name}.renamed"));
        if host.model().is_none() && common::real_kernel_accounts_resources() {
            println!("skipped: with kern.racct.enable a jail that has others below it is not renamed");
            return;
        }
        let other = name("t4r-other");
        outer.update(&JailUpdate::new().name(&other)).expect("renamed");
        assert_eq!(inner.get(param::NAME.utf8()).expect("read"), format!("{other}.renamed"));
        let error = inner.update(&JailUpdate::new().name("x.y")).expect_err("it cannot move");
        assert_eq!((error.kind(), error.parameter()), (ErrorKind::InvalidValue, Some("name")));
    });
}

#[test]
fn t10_calls_that_the_kernel_does_not_know_are_not_made() {
    for release in releases() {
        let host = model(sim::Kernel::with_release(release));
        if Features::current().has_descriptors() {
            continue;
        }
        let asked = host.calls().expect("the model");
        let file = std::fs::File::open("/etc/passwd").expect("a file");
        for error in [
            raw::jail_attach_jd(file.as_fd()).expect_err("unsupported"),
            raw::jail_remove_jd(file.as_fd()).expect_err("unsupported"),
            raw::jail_get(&mut Request::new(), At::Use(file.as_fd()), GetFlags::empty())
                .expect_err("unsupported"),
            Jail::try_from(OwnedFd::from(file)).expect_err("unsupported"),
        ] {
            assert_eq!(error.kind(), ErrorKind::Unsupported, "{error}");
        }
        assert_eq!(host.calls().expect("the model"), asked, "{release:?}");
    }
}

#[test]
fn t14_a_handle_does_not_follow_its_jid_to_another_jail() {
    on_every_kernel(|host| {
        let jid = Jid::new(880_014).expect("above zero");
        let first =
            Jail::builder().jid(jid).name(name("first")).path("/").create_detached().expect("created");
        let handle = Jail::open(jid).expect("found");
        first.remove().expect("removed");
        let second = Jail::builder().jid(jid).name(name("second")).path("/").create();
        if !host.has_descriptors() {
            return;
        }
        let second = second.expect("created");
        assert_eq!(handle.get(param::NAME).expect_err("gone").kind(), ErrorKind::Gone);
        assert_eq!(
            handle.update(&JailUpdate::new().hostname("wrong")).expect_err("gone").kind(),
            ErrorKind::Gone
        );
        assert_eq!(handle.attach().expect_err("gone").kind(), ErrorKind::Gone);
        assert!(!handle.is_alive().expect("asked"));
        assert_eq!(handle.remove().expect_err("gone").kind(), ErrorKind::Gone);
        assert!(second.is_alive().expect("asked"));
        assert_eq!(second.get(param::HOST_HOSTNAME).expect("read"), "");
    });
}

#[test]
fn t14_a_nested_jail_is_checked_to_be_alive_around_its_update() {
    let host = host();
    if !host.has_descriptors() {
        return;
    }
    let outer = jail("t14n");
    let jid = Jid::new(880_114).expect("above zero");
    let nested = || outer.child_builder().jid(jid).path("/");
    let first = nested().name("first").create_detached().expect("created");
    first.update(&JailUpdate::new().hostname("first")).expect("updated");
    if let Some(model) = host.model() {
        model.reset_calls();
        first.update(&JailUpdate::new().hostname("again")).expect("updated");
        // The parent and the jail before the call, and the jail after it.
        assert_eq!((model.calls().jail_set, model.calls().fstat), (1, 3));
        // So it is when parameters take a second call; before the first one the parent is checked.
        model.load(sim::Module::Zfs);
        let with_zfs = outer.child_builder().path("/").set(param::ZFS, param::Mode::New);
        model.reset_calls();
        let other = with_zfs.create();
        assert_eq!((model.calls().jail_set, model.calls().fstat), (2, 4));
        drop(other.expect("created"));
    }
    Jail::open(jid).expect("found").remove().expect("removed");
    let second = nested().name("second").create().expect("created");
    assert_eq!(first.update(&JailUpdate::new().hostname("wrong")).expect_err("gone").kind(), ErrorKind::Gone);
    assert_eq!(second.get(param::HOST_HOSTNAME).expect("read"), "");
}

#[test]
fn t17_a_jail_that_was_attached_to_by_its_handle_goes_completely() {
    for release in releases() {
        let host = model(sim::Kernel::with_release(release));
        let jail = jail("t17");
        let jid = jail.jid();
        let child = host.model().expect("the model").process().fork();
        child.run(|| jail.attach()).expect("attached");
        assert_eq!(child.jid(), jid.get());
        child.exit();
        jail.remove().expect("removed");
        let dying = Jail::all().dying(true).get(param::JID).count();
        assert_eq!(dying, 0, "{release:?}");
    }
}

#[test]
fn t17_the_call_that_leaks_stays_available_and_leaks_on_the_model() {
    let host = model(sim::Kernel::new());
    let jail = jail("t17-raw");
    let child = host.model().expect("the model").process().fork();
    child.run(|| raw::jail_attach_jd(jail.descriptor().expect("a descriptor"))).expect("attached");
    child.exit();
    jail.remove().expect("removed");
    assert_eq!(
        Jail::all().dying(true).get(param::DYING).collect::<Result<Vec<_>, _>>().expect("read"),
        [true]
    );
}

#[test]
fn t19_a_nested_jail_with_children_is_not_renamed() {
    on_every_kernel(|_| {
        let outer = jail("t19");
        let inner = outer.child_builder().name("c").path("/").children_max(1).create().expect("created");
        let innermost = inner.child_builder().name("g").path("/").create().expect("created");
        let before = innermost.get(param::NAME).expect("read");
        let error =
            inner.update(&JailUpdate::new().name("dd")).expect_err("its child's name would be corrupted");
        assert_eq!((error.kind(), error.parameter()), (ErrorKind::InvalidRequest, Some("name")));
        assert_eq!(innermost.get(param::NAME).expect("read"), before);
        innermost.remove().expect("removed");
        inner.update(&JailUpdate::new().children_max(0)).expect("updated");
        inner.update(&JailUpdate::new().name("dd")).expect("it has no children now, and may get none");
    });
}

#[test]
fn t20_an_update_that_names_no_jail_creates_none() {
    on_every_kernel(|_| {
        let outer_name = name("t20");
        let outer = Jail::builder().name(&outer_name).path("/").children_max(5).create().expect("created");
        let before = Jail::all().get(param::JID).count();
        for bad in [String::new(), format!("{outer_name}.")] {
            let mut ask = request(|request| request.string("name", &bad)?.flag("persist").map(drop));
            let error = raw::jail_set(&mut ask, At::None, SetFlags::UPDATE).expect_err("it names no jail");
            assert_eq!(
                (error.kind(), error.parameter(), error.call()),
                (ErrorKind::InvalidValue, Some("name"), None)
            );
        }
        // The kernel reads to the first NUL.
        for bad in [&b"\0\0"[..], b"x.\0\0"] {
            let mut ask = request(|request| request.bytes("name", bad)?.flag("persist").map(drop));
            let error = raw::jail_set(&mut ask, At::None, SetFlags::UPDATE).expect_err("it names no jail");
            assert_eq!((error.kind(), error.call()), (ErrorKind::InvalidValue, None), "{bad:?}");
        }
        let mut ask = request(|request| request.space("name", 256)?.flag("persist").map(drop));
        raw::jail_set(&mut ask, At::None, SetFlags::UPDATE).expect_err("it names no jail");
        for bad in ["", "x."] {
            let error = outer.update(&JailUpdate::new().name(bad)).expect_err("no name");
            assert_eq!((error.kind(), error.call()), (ErrorKind::InvalidValue, None));
        }
        // Beside a jid or a descriptor it would be a new name.
        for bad in ["", "x."] {
            let mut by_jid =
                request(|request| request.int("jid", outer.jid().get())?.string("name", bad).map(drop));
            let mut by_descriptor = request(|request| request.string("name", bad).map(drop));
            let beside = [
                Some((&mut by_jid, At::None)),
                outer.descriptor().map(|fd| (&mut by_descriptor, At::Use(fd))),
            ];
            for (ask, at) in beside.into_iter().flatten() {
                let error = raw::jail_set(ask, at, SetFlags::UPDATE).expect_err("a new name");
                assert_eq!(
                    (error.kind(), error.parameter()),
                    (ErrorKind::InvalidRequest, Some("name")),
                    "{error}"
                );
            }
        }
        assert_eq!(Jail::all().get(param::JID).count(), before);
    });
}

#[test]
fn t21_a_nested_jail_needs_a_path_and_counts_against_its_parents_limit() {
    on_every_kernel(|_| {
        let outer_name = name("t21");
        let outer = Jail::builder().name(&outer_name).path("/").children_max(1).create().expect("created");
        for builder in [outer.child_builder().name("c"), Jail::builder().name(format!("{outer_name}.c"))] {
            let error = builder.create().expect_err("it would have this process's root");
            assert_eq!((error.kind(), error.parameter()), (ErrorKind::InvalidParameter, Some("path")));
        }
        let first = outer.child_builder().name("c").path("/").create().expect("created");
        for builder in [outer.child_builder().name("d"), Jail::builder().name(format!("{outer_name}.d"))] {
            let error = builder.path("/").create().expect_err("the limit is reached");
            assert_eq!(error.kind(), ErrorKind::LimitExceeded, "{error}");
            let text = error.to_string();
            assert!(
                text.contains(&format!("jail {}", outer.jid())) && !text.contains("child jails"),
                "{text}"
            );
        }
        // A limit of 0 is the default.
        let error = first.child_builder().name("e").path("/").create().expect_err("no children allowed");
        assert_eq!(error.kind(), ErrorKind::LimitExceeded, "{error}");
        // The kernel's message is kept, if there is one.
        let said = first.descriptor().map(|_| (Call::JailSet, libc::EPERM));
        assert_eq!(error.call().zip(error.errno()), said, "{error}");
        assert!(error.to_string().contains(&format!("jail {} may have no child", first.jid())), "{error}");
        assert_eq!(outer.get(param::CHILDREN_CUR).expect("read"), 1);
    });
}

#[test]
fn t21_the_limits_of_all_jails_above_hold_and_the_one_that_is_reached_is_named() {
    on_every_kernel(|_| {
        let outer_name = name("t21a");
        let outer = Jail::builder().name(&outer_name).path("/").children_max(3).create().expect("created");
        let middle = outer.child_builder().name("b").path("/").children_max(2).create().expect("created");
        let inner = middle.child_builder().name("c").path("/").children_max(1).create().expect("created");
        let by_number = Jail::unpinned(inner.jid());
        // There is room for one below the innermost jail; which jail above it is full changes.
        let is_refused_by = |full: &Jail, most: i32| {
            for builder in [
                inner.child_builder().name("d"),
                by_number.child_builder().name("d"),
                Jail::builder().name(format!("{outer_name}.b.c.d")),
            ] {
                let error = builder.path("/").create().expect_err("the limit is reached");
                assert_eq!(
                    (error.kind(), error.parameter()),
                    (ErrorKind::LimitExceeded, Some("children.max")),
                    "{error}"
                );
                let reason = format!("jail {} has reached its limit of {most} child jail", full.jid());
                assert!(error.to_string().contains(&reason), "{error}");
            }
        };
        let beside = outer.child_builder().name("x").path("/").create().expect("created");
        is_refused_by(&outer, 3);
        assert_eq!(outer.get(param::CHILDREN_CUR).expect("read"), 3);
        beside.remove().expect("removed");
        let beside = middle.child_builder().name("x").path("/").create().expect("created");
        // The nearest one, if several are full.
        is_refused_by(&middle, 2);
        beside.remove().expect("removed");
        let innermost = by_number.child_builder().name("e").path("/").create().expect("there is room");
        is_refused_by(&inner, 1);
        drop(innermost);
    });
}

#[test]
fn t21_the_limit_of_this_process_s_own_jail_is_reported_as_such() {
    for release in releases() {
        let host = model(sim::Kernel::with_release(release));
        let cell = Jail::builder().name(name("t21c")).path("/").children_max(2).create().expect("created");
        let inmate = host.model().expect("the model").process().fork();
        inmate.run(|| {
            cell.attach().expect("attached");
            let first = Jail::builder().name("a").path("/").children_max(1);
            let first = first.create_detached().expect("created");
            Jail::builder().name("b").path("/").create_detached().expect("created");
            let error = first.child_builder().name("c").path("/").create().expect_err("it has two already");
            assert_eq!(error.kind(), ErrorKind::LimitExceeded, "{error}");
            let text = error.to_string();
            assert!(!text.contains(&format!("jail {}", first.jid())), "{text}");
            assert!(text.contains("a jail above"), "{text}");
        });
    }
}

#[test]
fn a_nested_jail_without_a_name_is_named_by_its_jid() {
    on_every_kernel(|_| {
        let outer_name = name("unnamed");
        let outer = Jail::builder().name(&outer_name).path("/").children_max(2).create().expect("created");
        let inner = outer.child_builder().path("/").create().expect("created");
        assert_eq!(inner.get(param::NAME.utf8()).expect("read"), format!("{outer_name}.{}", inner.jid()));
        let other = Jail::builder().name(format!("{outer_name}.")).path("/").create().expect("created");
        assert_eq!(other.get(param::NAME.utf8()).expect("read"), format!("{outer_name}.{}", other.jid()));
    });
}

#[test]
fn a_clone_of_an_owned_jail_does_not_own_it() {
    on_every_kernel(|_| {
        let jail = jail("clone");
        let jid = jail.jid();
        let clone = jail.try_clone().expect("cloned");
        let again = clone.try_clone().expect("cloned");
        drop(clone);
        assert!(exists(jid));
        assert_eq!(again.get(param::JID).expect("read"), jid);
        drop(jail);
        assert!(!exists(jid), "a clone keeps nothing alive");
        assert!(!again.is_alive().expect("asked"));
        // Nor when the owner is closed.
        let jail = common::jail("clone");
        let clone = jail.try_clone().expect("cloned");
        if let Ok(owning) = jail.into_descriptor() {
            drop(owning);
            assert!(!clone.is_alive().expect("asked"), "a clone is no owner");
        }
    });
}

#[test]
fn ownership_of_a_missing_jail_is_not_taken() {
    on_every_kernel(|_| {
        let free = Jid::new(880_099).expect("above zero");
        assert_eq!(Jail::unpinned(free).into_owned().expect_err("there is none").kind(), ErrorKind::Gone);
    });
}

#[test]
fn each_release_has_its_features() {
    let texts = releases().map(|release| {
        let _host = model(sim::Kernel::with_release(release));
        let features = Features::current();
        assert_eq!(features.has_events(), features.has_descriptors());
        assert!(features.has_jails() && features.has_vnet());
        assert_eq!(features.to_string().contains("metadata"), features.has_meta());
        features.to_string()
    });
    let with_all = "jails, descriptors, events, network stacks, metadata";
    let (old, with_meta) = ("jails, network stacks", "jails, network stacks, metadata");
    assert_eq!(texts, [old, old, with_meta, with_all]);
    if !cfg!(target_os = "freebsd") {
        let none = Features::current();
        assert_eq!(none.to_string(), "no jails");
        assert!(!(none.has_jails() || none.has_descriptors() || none.has_vnet() || none.has_meta()));
    }
}

#[test]
fn older_kernels_are_supported_without_descriptors() {
    on_every_kernel(|_| {
        let assumed = Features::current().without_descriptors().assume();
        assert!(!Features::current().has_descriptors());
        let outer = jail("assumed");
        let inner = outer.child_builder().name("c").path("/").create().expect("created");
        assert!(outer.descriptor().is_none() && inner.descriptor().is_none());
        outer.update(&JailUpdate::new().hostname("by-number")).expect("updated");
        assert_eq!(outer.get(param::HOST_HOSTNAME).expect("read"), "by-number");
        assert_eq!(outer.children().get(param::NAME.utf8()).next().expect("one").expect("read"), "c");
        assert_eq!(outer.open_child("c").expect("found").jid(), inner.jid());
        let jid = outer.jid();
        outer.remove().expect("removed");
        assert!(!exists(jid));
        drop(assumed);
    });
}

#[test]
fn a_dropped_handle_whose_jail_has_gone_is_silent() {
    on_every_kernel(|_| {
        let jail = jail("silent");
        Jail::open(jail.jid()).expect("found").remove().expect("removed");
        drop(jail);
    });
}

#[test]
fn only_one_of_two_threads_removes_a_jail() {
    on_every_kernel(|host| {
        let jail = jail("threads");
        let handles = [jail.try_clone().expect("cloned"), jail.try_clone().expect("cloned")];
        let barrier = Barrier::new(2);
        let removed = std::thread::scope(|scope| {
            let threads = handles.map(|handle| {
                let (barrier, model) = (&barrier, host.model());
                scope.spawn(move || {
                    let _guard = model.map(sim::Kernel::install);
                    barrier.wait();
                    match handle.remove() {
                        Ok(()) => true,
                        Err(error) if error.kind() == ErrorKind::Gone => false,
                        Err(error) => panic!("{error}"),
                    }
                })
            });
            threads.map(|thread| thread.join().expect("joined")).iter().filter(|removed| **removed).count()
        });
        assert_eq!(removed, 1);
    });
}

#[test]
fn a_handle_stays_with_the_kernel_that_it_came_from() {
    let first = model(sim::Kernel::new());
    let jail = Jail::builder().name("origin").path("/").create().expect("created");
    let second = model(sim::Kernel::new());
    assert_eq!(jail.get(param::NAME).expect("read from the first model"), "origin");
    assert_eq!(Jail::open("origin").expect_err("not in the second").kind(), ErrorKind::NotFound);
    drop(second);
    // Otherwise a thread without a model would use the model's jid on the host's kernel.
    let jid = jail.jid();
    std::thread::spawn(move || jail.remove()).join().expect("joined").expect("removed from the first model");
    assert!(!exists(jid));
    drop(first);
}

#[test]
fn a_descriptor_from_elsewhere_is_checked() {
    let host = host();
    if !host.has_descriptors() {
        return;
    }
    let jail = jail("elsewhere");
    let copy = jail.try_clone().expect("cloned").into_descriptor().expect("a descriptor");
    let again = Jail::try_from(copy).expect("a jail's");
    assert_eq!(again.jid(), jail.jid());
    let copy = again.into_descriptor().expect("a descriptor");
    jail.remove().expect("removed");
    assert_eq!(Jail::try_from(copy).expect_err("dead").kind(), ErrorKind::Gone);
    let file = std::fs::File::open("/etc/passwd").expect("a file");
    assert_eq!(
        Jail::try_from(OwnedFd::from(file)).expect_err("no jail").kind(),
        ErrorKind::InvalidDescriptor
    );
    if let Some(model) = host.model() {
        let jail = self::jail("beside");
        let process = model.process().fork();
        process.run(|| {
            Jail::builder().path("/").create_and_attach().expect("attached");
            let error = Jail::try_from(jail.descriptor().expect("a descriptor")).expect_err("not below");
            assert_eq!(error.kind(), ErrorKind::NotFound, "{error}");
        });
        process.exit();
    }
}

#[test]
fn descriptors_are_close_on_exec() {
    let host = host();
    if !host.has_descriptors() {
        return;
    }
    let owned = jail("cloexec");
    // As it may come over a socket.
    let bare = owned.try_clone().expect("cloned").into_descriptor().expect("a descriptor");
    let none = nix::fcntl::FdFlag::empty();
    nix::fcntl::fcntl(&bare, nix::fcntl::FcntlArg::F_SETFD(none)).expect("open");
    let handles = [
        Jail::try_from(bare).expect("a jail's"),
        Jail::open(owned.jid()).expect("found"),
        owned.try_clone().expect("cloned"),
        Jail::all().next().expect("one").expect("a handle"),
    ];
    for handle in handles.iter().chain([&*owned]) {
        let descriptor = handle.descriptor().expect("a descriptor");
        let flags = nix::fcntl::fcntl(descriptor, nix::fcntl::FcntlArg::F_GETFD).expect("open");
        assert_eq!(flags & libc::FD_CLOEXEC, libc::FD_CLOEXEC);
    }
}

#[test]
fn poll_reports_that_a_jail_has_been_removed() {
    let host = host();
    if !host.has_descriptors() {
        return;
    }
    let jail = Jail::builder().name(name("poll")).path("/").create_detached().expect("created");
    let watch = jail.try_clone().expect("cloned");
    let descriptor = watch.descriptor().expect("a descriptor");
    let mut fds = [PollFd::new(descriptor, PollFlags::POLLIN)];
    assert_eq!(poll(&mut fds, PollTimeout::ZERO).expect("polled"), 0);
    jail.remove().expect("removed");
    poll(&mut fds, PollTimeout::from(1000_u16)).expect("polled");
    assert!(fds[0].revents().expect("known").contains(PollFlags::POLLHUP));
}

#[test]
fn handles_can_be_sent_and_shared() {
    fn check<T: Send + Sync>() {}
    check::<Jail>();
    check::<OwnedJail>();
    check::<Request>();
    check::<freebsd_jail::Error>();
    check::<freebsd_jail::JailBuilder>();
    check::<sim::Kernel>();
}

#[test]
fn a_thousand_jails_at_once_are_listed_and_removed() {
    on_every_kernel(|_| {
        let jails: Vec<OwnedJail> = (0..1000)
            .map(|_| Jail::builder().name(name("many")).path("/").create().expect("created"))
            .collect();
        let prefix = format!("fj-{}-", std::process::id());
        let ours = |listed: &String| listed.starts_with(&prefix) && listed.ends_with("-many");
        assert_eq!(common::names().iter().filter(|name| ours(name)).count(), 1000);
        drop(jails);
        assert_eq!(common::names().iter().filter(|name| ours(name)).count(), 0);
    });
}
