//! Traps of the kernel that need no check before a call.

#![allow(clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

mod common;

use std::path::{Path, PathBuf};

use common::{host, model, name, on_every_kernel};
use freebsd_jail::sim::raw::Pair;
use freebsd_jail::{ErrorKind, Jail, JailUpdate, param, raw::SetFlags, sim};

#[test]
fn t29_a_jail_named_by_its_jid_is_updated() {
    on_every_kernel(|_| {
        let jail = Jail::builder().path("/").create().expect("created");
        let jid = jail.jid();
        assert_eq!(jail.get(param::NAME.utf8()).expect("read"), jid.to_string());
        for handle in [Jail::open(jid), Jail::open(&*jid.to_string())] {
            handle.expect("found").update(&JailUpdate::new().hostname("updated")).expect("updated");
        }
        assert_eq!(jail.get(param::HOST_HOSTNAME).expect("read"), "updated");
    });
}

#[test]
fn t47_a_mistake_is_found_without_a_creation_that_fails() {
    let host = host();
    let before = host.model().map(sim::Kernel::calls);
    let too_long = "x".repeat(300);
    let builder = || Jail::builder().name(name("t47")).path("/");
    for (builder, parameter) in [
        (builder().hostname(too_long), "host.hostname"),
        (builder().name("4711"), "name"),
        (builder().devfs_ruleset(65_536), "devfs_ruleset"),
    ] {
        let error = builder.create().expect_err("refused");
        assert_eq!((error.kind(), error.parameter()), (ErrorKind::InvalidValue, Some(parameter)), "{error}");
        assert_eq!(error.call(), None, "{error}");
    }
    assert_eq!(host.model().map(|model| model.calls().jail_set), before.map(|calls| calls.jail_set));
}

#[test]
fn t52_a_nested_jail_that_another_program_made_without_a_path_reads_a_root_that_is_not_its_own() {
    let host = model(sim::Kernel::new());
    let kernel = host.model().expect("a model");
    let outer_name = name("t52");
    let outer =
        Jail::builder().name(&outer_name).path("/usr/jail").children_max(1).create().expect("created");
    let mut full = format!("{outer_name}.c\0").into_bytes();
    let mut lens = [full.len(), 0];
    let [full_len, none] = &mut lens;
    let mut pairs = [
        Pair { name: b"name\0", value: Some(&mut full), len: full_len },
        Pair { name: b"persist\0", value: None, len: none },
    ];
    kernel.raw().jail_set(&mut pairs, SetFlags::CREATE.bits()).expect("created");
    let paths: Vec<PathBuf> = outer.children().get(param::PATH).map(|path| path.expect("listed")).collect();
    assert_eq!(paths, [Path::new("/")], "and not a directory below /usr/jail");
}
