//! Renaming a jail: done where the kernel does it correctly, and otherwise refused.

#![allow(clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "a test fails by panicking")]

mod common;

use std::os::fd::AsRawFd;

use common::{Host, host, model, name, names, on_every_kernel, process, releases};
use freebsd_jail::raw::{self, At};
use freebsd_jail::sim::raw::Pair;
use freebsd_jail::sys;
use freebsd_jail::{
    Error, ErrorKind, Features, Jail, JailBuilder, JailUpdate, OwnedJail, param,
    raw::{Request, SetFlags},
    sim,
};

fn builder(name: &str) -> JailBuilder {
    Jail::builder().name(name).path("/")
}

/// Asserts that a new name was refused because of a trap, without a call that changes anything.
#[track_caller]
fn refused(trap: &str, result: freebsd_jail::Result<()>) -> Error {
    let error = result.expect_err("it must not be renamed");
    assert_eq!((error.kind(), error.parameter()), (ErrorKind::InvalidRequest, Some("name")), "{error}");
    assert!(error.to_string().contains(trap), "{error}");
    error
}

/// Asserts that no call would have harmed a real kernel.
#[track_caller]
fn unharmed(host: &Host) {
    if let Some(model) = host.model() {
        assert_eq!(model.sprung(), []);
    }
}

/// Runs a separate process that prepares something, attaches to a jail, and acts there. Everything goes with it.
fn inside<T>(test: &str, jail: &JailBuilder, prepare: impl FnOnce() -> T, act: impl FnOnce(T)) {
    let host = host();
    let whole = || {
        let prepared = prepare();
        jail.create_and_attach().expect("attached");
        act(prepared);
    };
    if let Some(model) = host.model() {
        let process = model.process().fork();
        process.run(whole);
        process.exit();
        unharmed(&host);
    } else if common::is_root() {
        process::alone(test, whole);
    }
}

#[test]
fn t39_a_nested_jail_that_has_or_may_get_jails_below_is_not_renamed() {
    on_every_kernel(|host| {
        let outer_name = name("t39");
        let outer = builder(&outer_name).children_max(5).create().expect("created");
        let inner =
            outer.child_builder().name("longname").path("/").children_max(1).create().expect("created");
        let by_number = Jail::unpinned(inner.jid());
        let by_name = Jail::open(&format!("{outer_name}.longname")).expect("found");
        let all = || [&*inner, &by_number, &by_name];
        let innermost = inner.child_builder().name("g").path("/").create().expect("created");
        for jail in all() {
            let error = refused("T39", jail.update(&JailUpdate::new().name("x").securelevel(1)));
            assert!(error.to_string().contains("has 1 and may have 1"), "{error}");
        }
        innermost.remove().expect("removed");
        for jail in all() {
            let error = refused("T39", jail.update(&JailUpdate::new().name("x").securelevel(1)));
            assert!(error.to_string().contains("has 0 and may have 1"), "{error}");
        }
        let keys = (param::NAME.utf8(), param::SECURELEVEL);
        assert_eq!(
            inner.get(keys).expect("read"),
            (format!("{outer_name}.longname"), -1),
            "nothing was changed"
        );
        inner.update(&JailUpdate::new().children_max(0)).expect("updated");
        for (jail, new) in all().into_iter().zip(["x", "y", "z"]) {
            jail.update(&JailUpdate::new().name(new)).expect("it can get no jails below");
            assert_eq!(inner.get(param::NAME.utf8()).expect("read"), format!("{outer_name}.{new}"));
        }
        let listed: Vec<_> =
            outer.children().get(param::NAME.utf8()).map(|name| name.expect("listed")).collect();
        assert_eq!(listed, ["z"]);
        unharmed(host);
    });
}

#[test]
fn a_jail_of_the_hosts_level_is_renamed_with_the_jails_below_it() {
    on_every_kernel(|host| {
        let (old, new) = (name("old"), name("a-longer-name"));
        let outer = builder(&old).children_max(5).create().expect("created");
        let inner = outer.child_builder().name("c").path("/").children_max(1).create().expect("created");
        let innermost = inner.child_builder().name("g").path("/").create().expect("created");
        let read = || innermost.get(param::NAME.utf8()).expect("read");
        assert_eq!(read(), format!("{old}.c.g"));
        for jail in [&*outer, &Jail::unpinned(outer.jid())] {
            jail.update(&JailUpdate::new().name(&new).hostname("beside")).expect("renamed");
            assert_eq!(read(), format!("{new}.c.g"));
            jail.update(&JailUpdate::new().name(&old)).expect("renamed");
            assert_eq!(read(), format!("{old}.c.g"));
        }
        assert_eq!(outer.get(param::HOST_HOSTNAME).expect("read"), "beside");
        assert!(names().contains(&format!("{old}.c")));
        unharmed(host);
    });
}

#[test]
fn a_new_name_may_be_as_long_as_any_and_may_be_the_jid() {
    on_every_kernel(|_| {
        let jail = builder(&name("long")).create().expect("created");
        for len in [252, 253, 254, 255] {
            let long = format!("{:n<len$}", name("long"));
            jail.update(&JailUpdate::new().name(&long)).expect("renamed");
            assert_eq!(jail.get(param::NAME.utf8()).expect("read"), long);
        }
        let number = jail.jid().to_string();
        jail.update(&JailUpdate::new().name(&number)).expect("renamed");
        assert_eq!(jail.get(param::NAME.utf8()).expect("read"), number);
        let error = jail.update(&JailUpdate::new().name("4711")).expect_err("not its own");
        assert_eq!((error.kind(), error.parameter()), (ErrorKind::InvalidValue, Some("name")), "{error}");
    });
}

#[test]
fn a_name_that_is_taken_is_quoted_as_it_was_given() {
    on_every_kernel(|_| {
        let (one, other) = (name("one"), name("other"));
        let jail = builder(&one).create().expect("created");
        let _other = builder(&other).create().expect("created");
        let error = jail.update(&JailUpdate::new().name(&other)).expect_err("there is one");
        assert_eq!(error.kind(), ErrorKind::AlreadyExists, "{error}");
        assert_eq!(error.message(), Some(&*format!("jail \"{other}\" already exists")));
        assert_eq!(jail.get(param::NAME.utf8()).expect("read"), one);
    });
}

#[test]
fn renaming_takes_no_call_to_find_out_the_caller_s_place() {
    for release in releases() {
        let host = model(sim::Kernel::with_release(release));
        let jail = builder(&name("calls")).children_max(1).create().expect("created");
        let nested = jail.child_builder().path("/").create().expect("created");
        // Found out once.
        jail.update(&JailUpdate::new().name(name("once"))).expect("renamed");
        let calls = || host.calls().expect("the model");
        let carry = u64::from(jail.get(param::MAC_DO).is_ok());
        let before = calls();
        jail.update(&JailUpdate::new().name(name("calls"))).expect("renamed");
        let descriptor = jail.descriptor().is_some();
        let looks = u64::from(!descriptor);
        let after = calls();
        assert_eq!(after.jail_set - before.jail_set, 1, "{release:?}");
        assert_eq!(after.total() - before.total(), 1 + carry + looks, "{release:?}");
        let before = calls();
        nested.update(&JailUpdate::new().name("n")).expect("renamed");
        let after = calls();
        // By descriptor: its place, its parent's descriptor, and whether both are alive, the jail once more at the end.
        let looks = if descriptor { 5 } else { 1 };
        assert_eq!(after.jail_set - before.jail_set, 1, "{release:?}");
        assert_eq!(after.total() - before.total(), 1 + carry + looks, "{release:?}");
    }
}

#[test]
fn an_error_of_any_call_of_a_renaming_is_returned() {
    let fails = |model: &sim::Kernel, jail: &Jail| {
        let rename = || jail.update(&JailUpdate::new().name(name("fails")));
        rename().expect("renamed");
        let before = model.faultable_calls();
        rename().expect("renamed");
        for after in 0..model.faultable_calls() - before {
            model.fault(after, sim::Fault::Errno(libc::ENOMEM));
            let error = rename().expect_err("a call fails");
            assert_eq!(error.errno(), Some(libc::ENOMEM), "{after}: {error}");
        }
    };
    for (release, accounts) in releases().into_iter().flat_map(|release| [(release, false), (release, true)])
    {
        let host = model(sim::Kernel::with_release(release));
        let model = host.model().expect("the model");
        // The accounts of the jails below are moved then.
        model.set_racct(accounts);
        let outer = builder(&name("outer")).children_max(2).create().expect("created");
        let inner = outer.child_builder().path("/").create_detached().expect("created");
        fails(model, &inner);
        fails(model, &outer);
        let process = model.process().fork();
        process.run(|| {
            builder(&name("cell")).children_max(9).create_and_attach().expect("attached");
            fails(model, &builder("leaf").create().expect("created"));
        });
        process.exit();
        if accounts {
            let rename = || outer.update(&JailUpdate::new().name(name("outer")));
            let before = model.faultable_calls();
            rename().expect("renamed");
            let gone = format!("jail {} not found", inner.jid()).into_bytes();
            model.fault(model.faultable_calls() - before - 1, sim::Fault::Text(libc::ENOENT, gone));
            rename().expect("the jail below may have gone by the time that its account is moved");
        }
    }
}

#[test]
fn t39_inside_a_jail_only_jails_that_can_get_none_below_are_renamed() {
    let test = "t39_inside_a_jail_only_jails_that_can_get_none_below_are_renamed";
    inside(
        test,
        &builder(&name("t39i")).children_max(9),
        || (),
        |()| {
            let child = |name: &str, most| {
                Jail::builder().name(name).path("/").children_max(most).create().expect("created")
            };
            let (leaf, may, has) = (child("leaf", 0), child("may", 1), child("has", 1));
            let below = has.child_builder().name("below").path("/").create().expect("created");
            for jail in [&may, &has] {
                assert_eq!(jail.get(param::PARENT).expect("read"), None, "it looks as if it were not nested");
                refused("T39", jail.update(&JailUpdate::new().name("x")));
                refused("T39", Jail::unpinned(jail.jid()).update(&JailUpdate::new().name("x")));
            }
            leaf.update(&JailUpdate::new().name("renamed")).expect("a leaf");
            Jail::unpinned(leaf.jid()).update(&JailUpdate::new().name("again")).expect("a leaf");
            below.update(&JailUpdate::new().name("b")).expect("a leaf");
            let mut listed = names();
            listed.sort();
            assert_eq!(listed, ["again", "has", "has.b", "may"]);
        },
    );
}

#[test]
fn t26_a_jail_that_is_not_below_is_not_renamed_from_inside_another() {
    let test = "t26_a_jail_that_is_not_below_is_not_renamed_from_inside_another";
    let (inner, other) = (name("t26a"), name("t26b"));
    let prepare = || {
        let jail = builder(&other).children_max(1).create().expect("created");
        let nested = jail.child_builder().name("c").path("/").create().expect("created");
        (jail, nested)
    };
    inside(test, &builder(&inner).children_max(9), prepare, |(jail, nested): (OwnedJail, OwnedJail)| {
        if jail.descriptor().is_none() {
            // By its jid it cannot be seen from here at all.
            let error = jail.update(&JailUpdate::new().name("evil")).expect_err("not seen");
            assert!(matches!(error.kind(), ErrorKind::NotFound | ErrorKind::Gone), "{error}");
            return;
        }
        refused("T26", jail.update(&JailUpdate::new().name("evil").securelevel(1)));
        nested.update(&JailUpdate::new().name("evil")).expect_err("its parent cannot be seen");
        // By descriptor, the kernel returns the full name to a process that is not above.
        let keys = (param::NAME.utf8(), param::SECURELEVEL);
        assert_eq!(jail.get(keys).expect("read"), (other.clone(), -1));
        assert_eq!(nested.get(param::NAME.utf8()).expect("read"), format!("{other}.c"));
        assert_eq!(names(), [""; 0], "nothing is below this jail");
        // Other parameters are left to the kernel, with the authority of the descriptor's maker.
        jail.update(&JailUpdate::new().securelevel(1)).expect("updated");
    });
    if !process::is_child(test) {
        common::sweep("t26b");
    }
}

#[test]
fn t39_raw_renames_no_jail() {
    on_every_kernel(|host| {
        let own = name("t39raw");
        let jail = builder(&own).create().expect("created");
        let ask = |jid: bool, name: Option<&str>| {
            let mut request = Request::new();
            if jid {
                request.int("jid", jail.jid().get()).expect("a jid");
            }
            if let Some(name) = name {
                request.string("name", name).expect("a name");
            }
            request.int("securelevel", 1).expect("a level");
            request
        };
        for flags in [SetFlags::UPDATE, SetFlags::UPDATE | SetFlags::CREATE] {
            refused("T39", raw::jail_set(&mut ask(true, Some("new")), At::None, flags).map(drop));
            if let Some(descriptor) = jail.descriptor() {
                for jid in [false, true] {
                    let at = At::Use(descriptor);
                    refused("T39", raw::jail_set(&mut ask(jid, Some("new")), at, flags).map(drop));
                }
            }
        }
        assert_eq!(jail.get((param::NAME.utf8(), param::SECURELEVEL)).expect("read"), (own.clone(), -1));
        // Either alone is the key.
        raw::jail_set(&mut ask(false, Some(&own)), At::None, SetFlags::UPDATE).expect("by name");
        raw::jail_set(&mut ask(true, None), At::None, SetFlags::UPDATE).expect("by jid");
        // A jid of 0 means none.
        let mut request = ask(false, Some(&own));
        request.int("jid", 0).expect("a jid");
        raw::jail_set(&mut request, At::None, SetFlags::UPDATE).expect("by name");
        unharmed(host);
    });
}

#[test]
fn t39_a_garbled_tree_is_repaired_before_it_is_listed() {
    for release in releases() {
        let host = model(sim::Kernel::with_release(release));
        let kernel = host.model().expect("a model");
        let outer_name = name("p");
        let outer = builder(&outer_name).children_max(5).create().expect("created");
        let middle =
            outer.child_builder().name("longname").path("/").children_max(1).create().expect("created");
        let below = middle.child_builder().name("g").path("/").create().expect("created");
        let read = || below.get(param::NAME.utf8()).expect("read");
        // As another program does it.
        let mut jid = middle.jid().get().to_ne_bytes();
        let (mut desc, at) = match outer.descriptor() {
            Some(descriptor) => (descriptor.as_raw_fd().to_ne_bytes(), sys::JAIL_AT_DESC),
            None => ([0; 4], 0),
        };
        // From above it is the full name, from the parent the last component.
        let mut new = if at == 0 { format!("{outer_name}.x\0").into_bytes() } else { b"x\0".to_vec() };
        let mut lens = [jid.len(), new.len(), desc.len()];
        let [jid_len, new_len, desc_len] = &mut lens;
        let mut pairs = vec![
            Pair { name: b"jid\0", value: Some(&mut jid), len: jid_len },
            Pair { name: b"name\0", value: Some(&mut new), len: new_len },
        ];
        if at != 0 {
            pairs.push(Pair { name: b"desc\0", value: Some(&mut desc), len: desc_len });
        }
        kernel.raw().jail_set(&mut pairs, SetFlags::UPDATE.bits() | at).expect("done");
        assert_eq!(middle.get(param::NAME.utf8()).expect("read"), format!("{outer_name}.x"));
        assert_ne!(read(), format!("{outer_name}.x.g"), "garbled");
        // The jail below, by its last component.
        below.update(&JailUpdate::new().name("g")).expect("a leaf");
        assert_eq!(read(), format!("{outer_name}.x.g"));
        let listed: Vec<_> =
            outer.descendants().get(param::NAME.utf8()).map(|name| name.expect("listed")).collect();
        assert_eq!(listed, ["x", "x.g"]);
        unharmed(&host);
    }
}

#[test]
fn t4_a_nested_jail_is_not_renamed_by_its_jid_where_that_would_garble_its_name() {
    let host = host();
    let outer = builder(&name("t4")).children_max(1).create().expect("created");
    let inner = outer.child_builder().name("c").path("/").create().expect("created");
    if inner.descriptor().is_none() {
        println!("skipped: this kernel compares it with its own parent");
        return;
    }
    let _assumed = Features::current().without_descriptors().assume();
    refused("T4", Jail::unpinned(inner.jid()).update(&JailUpdate::new().name("d")));
    let other = name("t4");
    Jail::unpinned(outer.jid()).update(&JailUpdate::new().name(&other)).expect("of the host's level");
    assert_eq!(inner.get(param::NAME.utf8()).expect("read"), format!("{other}.c"));
    unharmed(&host);
}

#[test]
fn t40_while_resources_are_accounted_for_only_empty_jails_are_renamed() {
    on_every_kernel(|host| {
        if !host.accounts_resources() {
            return;
        }
        let jail = builder(&name("t40")).children_max(2).create().expect("created");
        let by_number = Jail::unpinned(jail.jid());
        jail.update(&JailUpdate::new().name(name("t40"))).expect("nobody is in it");
        let inmate = host.inmate(&jail);
        for jail in [&*jail, &by_number] {
            refused("T40", jail.update(&JailUpdate::new().name(name("t40"))));
            jail.update(&JailUpdate::new().hostname("other")).expect("no new name");
        }
        if host.model().is_none() {
            // A zombie uses its account when it is waited for.
            let pid = nix::unistd::Pid::from_raw(inmate.pid().try_into().expect("a pid"));
            nix::sys::signal::kill(pid, nix::sys::signal::Signal::SIGKILL).expect("killed");
            std::thread::sleep(std::time::Duration::from_millis(200));
            assert!(jail.processes().expect("read").is_empty());
            refused("T40", jail.update(&JailUpdate::new().name(name("t40"))));
        }
        inmate.bury();
        by_number.update(&JailUpdate::new().name(name("t40"))).expect("nobody is in it any more");
        let below = jail.child_builder().path("/").children_max(1).create().expect("created");
        let furthest = below.child_builder().path("/").create().expect("created");
        for jail in [&*jail, &by_number] {
            jail.update(&JailUpdate::new().name(name("t40"))).expect("nobody is in any of them");
        }
        // The account of a jail below has the new name, and so is kept when the jail is updated while it has processes.
        let inmate = host.inmate(&furthest);
        furthest.update(&JailUpdate::new().securelevel(1)).expect("no new name");
        below.update(&JailUpdate::new().securelevel(1)).expect("no new name");
        for jail in [&*jail, &by_number] {
            refused("T40", jail.update(&JailUpdate::new().name(name("t40"))));
        }
        refused("T40", furthest.update(&JailUpdate::new().name("c")));
        inmate.bury();
        furthest.update(&JailUpdate::new().name("c")).expect("nobody is in it any more");
        unharmed(host);
    });
}
