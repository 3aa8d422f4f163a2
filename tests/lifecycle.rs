//! The life of a jail, from its creation until it is gone.

#![allow(clippy::expect_used, clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod common;

use std::net::{Ipv4Addr, Ipv6Addr};
use std::path::Path;

use common::{exists, model, name, names, on_every_kernel, releases};
use freebsd_jail::{
    ErrorKind, Jail, JailUpdate, Jid,
    param::{self, Ip4, Ip6, Mode},
    sim,
};

#[test]
fn creating_and_attaching_is_one_call() {
    for release in releases() {
        let host = model(sim::Kernel::with_release(release));
        let model = host.model().expect("the model");
        let process = model.process().fork();
        process.run(|| Jail::builder().path("/").create_and_attach()).expect("attached");
        assert_eq!(model.calls().jail_set, 1, "{release:?}");
        process.exit();
    }
}

#[test]
fn a_created_jail_has_what_it_was_given() {
    on_every_kernel(|_| {
        let name = name("created");
        let jail = Jail::builder()
            .name(&name)
            .path("/")
            .hostname("www.example.org")
            .ip4([Ipv4Addr::new(127, 0, 0, 22)])
            .ip6([Ipv6Addr::LOCALHOST])
            .securelevel(2)
            .children_max(3)
            .create()
            .expect("created");
        let (jid, read_name, path, hostname, ip4, ip6) = jail
            .get((
                param::JID,
                param::NAME,
                param::PATH,
                param::HOST_HOSTNAME,
                param::IP4_ADDR,
                param::IP6_ADDR,
            ))
            .expect("read");
        assert_eq!(jid, jail.jid());
        assert_eq!(read_name, *name);
        assert_eq!(path, Path::new("/"));
        assert_eq!(hostname, "www.example.org");
        assert_eq!(ip4, [Ipv4Addr::new(127, 0, 0, 22)]);
        assert_eq!(ip6, [Ipv6Addr::LOCALHOST]);
        let (securelevel, most, now, parent, dying, persist) = jail
            .get((
                param::SECURELEVEL,
                param::CHILDREN_MAX,
                param::CHILDREN_CUR,
                param::PARENT,
                param::DYING,
                param::PERSIST,
            ))
            .expect("read");
        assert_eq!((securelevel, most, now, parent, dying, persist), (2, 3, 0, None, false, true));
    });
}

#[test]
fn a_jail_without_addresses_differs_from_one_that_inherits() {
    on_every_kernel(|_| {
        let jail = |ip4: Ip4, ip6: Ip6| {
            let jail = Jail::builder()
                .name(name("addresses"))
                .path("/")
                .ip4(ip4.clone())
                .ip6(ip6)
                .create()
                .expect("created");
            let network = jail.info().expect("read").network;
            assert_eq!((network.is_none(), network.is_inherited()), (ip4 == Ip4::NONE, ip4 == Ip4::Inherit));
            jail.get((param::IP4, param::IP6, param::IP4_ADDR)).expect("read")
        };
        assert_eq!(jail(Ip4::NONE, Ip6::NONE), (Mode::Disable, Mode::Disable, vec![]));
        let (ip4, ip6, _) = jail(Ip4::Inherit, Ip6::Inherit);
        assert_eq!((ip4, ip6), (Mode::Inherit, Mode::Inherit));
    });
}

#[test]
fn many_addresses_outgrow_the_first_buffer_and_all_come_back() {
    on_every_kernel(|_| {
        let ip4: Vec<Ipv4Addr> = (1..=100).map(|last| Ipv4Addr::new(10, 7, 7, last)).collect();
        let ip6: Vec<Ipv6Addr> =
            (1..=100).map(|last| Ipv6Addr::new(0xfd00, 0, 0, 0, 0, 0, 7, last)).collect();
        let jail = Jail::builder()
            .name(name("many"))
            .path("/")
            .ip4(ip4.clone())
            .ip6(ip6.clone())
            .create()
            .expect("created");
        assert_eq!(jail.get((param::IP4_ADDR, param::IP6_ADDR)).expect("read"), (ip4, ip6));
    });
}

#[test]
fn eight_addresses_of_a_family_fit_into_the_first_buffer() {
    let host = common::host();
    let ip4: Vec<Ipv4Addr> = (1..=8).map(|last| Ipv4Addr::new(10, 7, 9, last)).collect();
    let ip6: Vec<Ipv6Addr> = (1..=8).map(|last| Ipv6Addr::new(0xfd00, 0, 0, 0, 0, 0, 9, last)).collect();
    let builder = Jail::builder().name(name("eight")).path("/").ip4(ip4.clone()).ip6(ip6.clone());
    let jail = builder.create().expect("created");
    let before = host.calls();
    assert_eq!(jail.get(param::IP4_ADDR).expect("read"), ip4);
    assert_eq!(jail.get(param::IP6_ADDR).expect("read"), ip6);
    if let (Some(before), Some(after)) = (before, host.calls()) {
        assert_eq!(after.jail_get - before.jail_get, 2);
    }
}

#[test]
fn the_first_address_stays_the_primary_one() {
    on_every_kernel(|_| {
        let [first, second, third] = [9, 3, 5].map(|last| Ipv4Addr::new(10, 7, 8, last));
        let jail = Jail::builder()
            .name(name("primary"))
            .path("/")
            .ip4([first, third, second])
            .create()
            .expect("created");
        assert_eq!(jail.get(param::IP4_ADDR).expect("read"), [first, second, third]);
    });
}

#[test]
fn an_update_changes_what_it_names_and_nothing_else() {
    on_every_kernel(|_| {
        let jail = Jail::builder()
            .name(name("update"))
            .path("/")
            .hostname("old")
            .ip4([Ipv4Addr::new(10, 7, 9, 1)])
            .ip6([Ipv6Addr::new(0xfd00, 0, 0, 0, 0, 0, 9, 1)])
            .create()
            .expect("created");
        let before = jail.get((param::NAME, param::IP4_ADDR, param::CHILDREN_MAX)).expect("read");
        jail.update(&JailUpdate::new().hostname("new").securelevel(2)).expect("updated");
        assert_eq!(
            jail.get((param::HOST_HOSTNAME.utf8(), param::SECURELEVEL)).expect("read"),
            ("new".into(), 2)
        );
        assert_eq!(jail.get((param::NAME, param::IP4_ADDR, param::CHILDREN_MAX)).expect("read"), before);
        let other = Ipv4Addr::new(10, 7, 9, 2);
        jail.update(&JailUpdate::new().ip4([other])).expect("updated");
        assert_eq!(jail.get(param::IP4_ADDR).expect("read"), [other]);
        let other = Ipv6Addr::new(0xfd00, 0, 0, 0, 0, 0, 9, 2);
        jail.update(&JailUpdate::new().ip6([other])).expect("updated");
        assert_eq!(jail.get(param::IP6_ADDR).expect("read"), [other]);
        let renamed = name("renamed");
        jail.update(&JailUpdate::new().name(&renamed)).expect("renamed");
        assert_eq!(Jail::open(&renamed).expect("found").jid(), jail.jid());
    });
}

#[test]
fn one_parameter_is_set_whether_the_kernel_or_a_module_has_it() {
    on_every_kernel(|_| {
        let jail = Jail::builder().path("/").create().expect("created");
        jail.set(param::SECURELEVEL, 2).expect("set");
        let renamed = name("one");
        jail.set(param::NAME, renamed.as_str()).expect("renamed");
        let read = jail.get((param::SECURELEVEL, param::NAME)).expect("read");
        assert_eq!(read, (2, renamed.as_str().into()));
        if jail.get(param::META).is_err() {
            println!("skipped: this kernel has no meta");
            return;
        }
        jail.set(param::META, "k=v").expect("set");
        assert_eq!(jail.get(param::META).expect("read"), "k=v");
    });
}

#[test]
fn an_update_of_nothing_does_nothing() {
    on_every_kernel(|_| {
        let jail = Jail::builder().name(name("nothing")).path("/").create().expect("created");
        jail.update(&JailUpdate::new()).expect("nothing to do");
    });
}

#[test]
fn a_dropped_owned_jail_is_gone() {
    on_every_kernel(|_| {
        let jail = Jail::builder().name(name("dropped")).path("/").create().expect("created");
        let jid = jail.jid();
        assert!(exists(jid));
        drop(jail);
        assert!(!exists(jid));
    });
}

#[test]
fn a_persistent_jail_stays_until_it_is_removed() {
    on_every_kernel(|_| {
        let jail = Jail::builder().name(name("persistent")).path("/").create_detached().expect("created");
        let jid = jail.jid();
        drop(jail);
        assert!(exists(jid));
        Jail::open(jid).expect("found").remove().expect("removed");
        assert!(!exists(jid));
    });
}

#[test]
fn removal_reports_what_it_found() {
    on_every_kernel(|_| {
        let jail = Jail::builder().name(name("reported")).path("/").create().expect("created");
        let other = Jail::open(jail.jid()).expect("found");
        jail.remove().expect("removed");
        assert_eq!(other.remove().expect_err("it has gone").kind(), ErrorKind::Gone);
    });
}

#[test]
fn every_operation_on_a_removed_jail_says_that_it_is_gone() {
    on_every_kernel(|_| {
        let jail =
            Jail::builder().name(name("gone")).path("/").children_max(2).create_detached().expect("created");
        let other = Jail::open(jail.jid()).expect("found");
        jail.remove().expect("removed");
        let gone = ErrorKind::Gone;
        assert_eq!(other.get(param::NAME).expect_err("gone").kind(), gone);
        assert_eq!(other.get(param::SECURELEVEL).expect_err("gone").kind(), gone);
        assert_eq!(other.update(&JailUpdate::new().securelevel(1)).expect_err("gone").kind(), gone);
        assert_eq!(
            other.children().get(param::JID).next().expect("an error").expect_err("gone").kind(),
            gone
        );
        assert_eq!(other.child_builder().name("c").path("/").create().expect_err("gone").kind(), gone);
        assert!(!other.is_alive().expect("asked"));
    });
}

#[test]
fn a_second_jail_of_the_same_name_is_refused() {
    on_every_kernel(|_| {
        let name = name("twice");
        let _first = Jail::builder().name(&name).path("/").create().expect("created");
        let error = Jail::builder().name(&name).path("/").create().expect_err("it exists");
        assert_eq!(error.kind(), ErrorKind::AlreadyExists);
        assert_eq!(error.errno(), Some(libc::EEXIST));
        assert_eq!(error.message(), Some(&*format!("jail \"{name}\" already exists")));
    });
}

#[test]
fn a_kept_description_creates_the_same_jail_again_and_again() {
    on_every_kernel(|_| {
        let outer = Jail::builder().name(name("kept")).path("/").children_max(1).create().expect("created");
        let inner = outer.child_builder().name("c").path("/").hostname("c.example.org").securelevel(1);
        let harden = JailUpdate::new().set(param::SECURELEVEL, 2);
        for _ in 0..3 {
            let jail = inner.clone().create().expect("created");
            let before = jail.get((param::HOST_HOSTNAME.utf8(), param::SECURELEVEL)).expect("read");
            assert_eq!(before, ("c.example.org".into(), 1));
            jail.update(&JailUpdate::new().with(&harden.clone()).clone()).expect("updated");
            assert_eq!(jail.get(param::SECURELEVEL).expect("read"), 2);
            jail.remove().expect("removed");
        }
        // Settings of a copy do not affect the original; a mistake is in both.
        let wrong = inner.clone().hostname("nul\0");
        for builder in [wrong.clone(), wrong] {
            assert_eq!(builder.create().expect_err("a mistake").parameter(), Some("host.hostname"));
        }
        let jail = inner.create().expect("it has made no mistake");
        assert_eq!(jail.get(param::HOST_HOSTNAME.utf8()).expect("read"), "c.example.org");
    });
}

#[test]
fn a_missing_path_and_a_missing_parent_are_different_errors() {
    on_every_kernel(|_| {
        let error =
            Jail::builder().name(name("path")).path("/nonexistent/directory").create().expect_err("no path");
        assert_eq!((error.kind(), error.parameter()), (ErrorKind::InvalidPath, Some("path")));
        let error = Jail::builder().name(name("no.child")).path("/").create().expect_err("no parent");
        assert_eq!((error.kind(), error.parameter()), (ErrorKind::NotFound, Some("name")));
    });
}

#[test]
fn a_jail_is_found_by_name_and_by_jid() {
    on_every_kernel(|_| {
        let name = name("found");
        let jail = Jail::builder().name(&name).path("/").create().expect("created");
        assert_eq!(Jail::open(&name).expect("found").jid(), jail.jid());
        assert_eq!(Jail::open(jail.jid()).expect("found").jid(), jail.jid());
        assert_eq!(Jail::open(&jail.jid().to_string()).expect("found").jid(), jail.jid());
        assert_eq!(Jail::unpinned(jail.jid()).get(param::NAME).expect("read"), *name);
        assert_eq!(Jail::open("no-such-jail").expect_err("none").kind(), ErrorKind::NotFound);
        let free = Jid::new(i32::MAX).expect("above zero");
        assert_eq!(Jail::open(free).expect_err("none").kind(), ErrorKind::NotFound);
    });
}

#[test]
fn a_jail_can_be_created_with_a_given_jid() {
    on_every_kernel(|_| {
        let jid = Jid::new(880_001).expect("above zero");
        let jail = Jail::builder().jid(jid).path("/").create().expect("created");
        assert_eq!(jail.jid(), jid);
        assert_eq!(jail.get(param::NAME).expect("read"), "880001");
    });
}

#[test]
fn all_lists_every_jail_once_in_order_of_jids() {
    on_every_kernel(|_| {
        let ours: Vec<String> = (0..5).map(|_| name("listed")).collect();
        let jails: Vec<_> =
            ours.iter().map(|name| Jail::builder().name(name).path("/").create().expect("created")).collect();
        let listed = names();
        for name in &ours {
            assert_eq!(listed.iter().filter(|listed| *listed == name).count(), 1, "{name} in {listed:?}");
        }
        let numbers: Vec<Jid> = Jail::all().get(param::JID).map(|jid| jid.expect("a number")).collect();
        assert!(numbers.is_sorted());
        let handles: Vec<Jid> = Jail::all().map(|jail| jail.expect("a handle").jid()).collect();
        assert_eq!(handles, numbers);
        drop(jails);
        assert!(!names().iter().any(|name| ours.contains(name)));
    });
}

#[test]
fn nested_jails_are_listed_as_the_jail_above_sees_them() {
    on_every_kernel(|_| {
        let outer = Jail::builder().name(name("outer")).path("/").children_max(5).create().expect("created");
        let inner = outer.child_builder().name("inner").path("/").children_max(3).create().expect("created");
        let innermost = inner.child_builder().name("innermost").path("/").create().expect("created");
        let _beside = Jail::builder().name(name("beside")).path("/").create().expect("created");

        let children: Vec<_> = outer
            .children()
            .get((param::JID, param::NAME.utf8(), param::PARENT))
            .map(|child| child.expect("read"))
            .collect();
        assert_eq!(children, [(inner.jid(), "inner".to_owned(), None)]);
        let descendants: Vec<_> = outer
            .descendants()
            .get((param::NAME.utf8(), param::PARENT))
            .map(|child| child.expect("read"))
            .collect();
        assert_eq!(
            descendants,
            [("inner".to_owned(), None), ("inner.innermost".to_owned(), Some(inner.jid()))]
        );
        let handles: Vec<Jid> = outer.descendants().map(|jail| jail.expect("a handle").jid()).collect();
        assert_eq!(handles, [inner.jid(), innermost.jid()]);
        assert_eq!(outer.open_child("inner").expect("found").jid(), inner.jid());
        assert_eq!(outer.open_child("inner.innermost").expect("found").jid(), innermost.jid());
        assert_eq!(outer.open_child("nosuch").expect_err("none").kind(), ErrorKind::NotFound);
        assert_eq!(outer.get(param::CHILDREN_CUR).expect("read"), 2);
    });
}

#[test]
fn removing_a_jail_removes_those_below_it() {
    on_every_kernel(|_| {
        let outer = Jail::builder().name(name("above")).path("/").children_max(1).create().expect("created");
        let inner = outer.child_builder().name("below").path("/").create().expect("created");
        let jid = inner.jid();
        outer.remove().expect("removed");
        assert!(!exists(jid));
        assert_eq!(inner.remove().expect_err("gone").kind(), ErrorKind::Gone);
    });
}

#[test]
fn a_jail_named_by_its_parent_is_created_below_it() {
    on_every_kernel(|_| {
        let outer_name = name("named");
        let outer = Jail::builder().name(&outer_name).path("/").children_max(1).create().expect("created");
        let inner = Jail::builder().name(format!("{outer_name}.inner")).path("/").create().expect("created");
        assert_eq!(
            inner.get((param::NAME.utf8(), param::PARENT)).expect("read"),
            (format!("{outer_name}.inner"), Some(outer.jid()))
        );
    });
}

#[test]
fn strings_that_are_not_utf_8_survive() {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt;
    on_every_kernel(|_| {
        let hostname = OsStr::from_bytes(b"h\xf6st");
        let jail =
            Jail::builder().name(name("bytes")).path("/").hostname(hostname).create().expect("created");
        assert_eq!(jail.get(param::HOST_HOSTNAME).expect("read"), hostname);
        let error = jail.get(param::HOST_HOSTNAME.utf8()).expect_err("not UTF-8");
        assert_eq!((error.kind(), error.parameter()), (ErrorKind::InvalidAnswer, Some("host.hostname")));
    });
}
