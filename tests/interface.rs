//! Network interfaces of jails that have a network stack of their own.

#![allow(clippy::expect_used, clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod common;

use std::process::Command;

use common::{is_confining, name, on_every_kernel};
use freebsd_jail::param::{CreateOnly, Param};
use freebsd_jail::{Call, ErrorKind, Jail, Mode, OwnedJail};

const IFCONFIG: &str = "/sbin/ifconfig";

fn with_vnet() -> OwnedJail {
    let vnet: Param<'_, Mode, CreateOnly> = Param::new("vnet");
    Jail::builder().name(name("vnet")).path("/").set(vnet, Mode::New).create().expect("created")
}

fn is_here(interface: &str) -> bool {
    Command::new(IFCONFIG).arg(interface).output().expect("it ran").status.success()
}

#[test]
fn a_name_that_no_interface_can_have_is_refused() {
    on_every_kernel(|_| {
        let jail = Jail::builder().name(name("names")).path("/").create().expect("created");
        for name in ["", "sixteen-byte-nam", "nul\0"] {
            let error = jail.move_interface(name).expect_err("refused");
            assert_eq!((error.kind(), error.call()), (ErrorKind::InvalidValue, None));
            assert_eq!(jail.reclaim_interface(name).expect_err("refused").kind(), ErrorKind::InvalidValue);
        }
    });
}

#[test]
fn a_removed_jail_gets_no_interface() {
    on_every_kernel(|_| {
        let jail = Jail::builder().name(name("gone")).path("/").create().expect("created");
        let handle = Jail::open(jail.jid()).expect("found");
        jail.remove().expect("removed");
        assert_eq!(handle.move_interface("em0").expect_err("gone").kind(), ErrorKind::Gone);
        assert_eq!(handle.reclaim_interface("em0").expect_err("gone").kind(), ErrorKind::Gone);
    });
}

#[test]
fn the_model_has_no_interfaces_and_says_so() {
    let _host = common::model(freebsd_jail::sim::Kernel::new());
    let error = with_vnet().move_interface("em0").expect_err("refused");
    assert_eq!(error.kind(), ErrorKind::Unsupported);
    assert!(error.to_string().contains("model"), "{error}");
}

#[test]
fn an_interface_goes_into_a_jail_and_comes_back() {
    if !is_confining() {
        return;
    }
    let Ok(created) = Command::new(IFCONFIG).args(["epair", "create"]).output() else {
        println!("skipped: there is no {IFCONFIG}");
        return;
    };
    if !created.status.success() {
        println!("skipped: no pair of interfaces can be made: {}", String::from_utf8_lossy(&created.stderr));
        return;
    }
    let interface = String::from_utf8(created.stdout).expect("text").trim().to_owned();
    let failed = |error: freebsd_jail::Error, kind: ErrorKind, errno: i32| {
        assert_eq!(
            (error.kind(), error.errno(), error.call()),
            (kind, Some(errno), Some(Call::Ioctl)),
            "{error}"
        );
    };
    {
        let jail = with_vnet();
        assert!(is_here(&interface));
        jail.move_interface(&interface).expect("moved");
        assert!(!is_here(&interface));
        failed(jail.move_interface(&interface).expect_err("not here"), ErrorKind::NotFound, libc::ENXIO);
        jail.reclaim_interface(&interface).expect("moved back");
        assert!(is_here(&interface));
        failed(jail.reclaim_interface(&interface).expect_err("not there"), ErrorKind::NotFound, libc::ENXIO);
        failed(jail.move_interface("lo0").expect_err("each has one"), ErrorKind::AlreadyExists, libc::EEXIST);

        let shared = Jail::builder().name(name("shared")).path("/").create().expect("created");
        failed(
            shared.move_interface(&interface).expect_err("no stack of its own"),
            ErrorKind::InvalidRequest,
            libc::EEXIST,
        );
        failed(
            shared.reclaim_interface(&interface).expect_err("no stack of its own"),
            ErrorKind::InvalidRequest,
            libc::EEXIST,
        );
    }
    assert!(Command::new(IFCONFIG).args([&interface, "destroy"]).status().expect("it ran").success());
}
