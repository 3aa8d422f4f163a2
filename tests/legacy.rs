//! jail(2), which creates a jail and attaches to it.

#![allow(clippy::expect_used, clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod common;

use std::net::{Ipv4Addr, Ipv6Addr};
use std::thread;
use std::time::{Duration, Instant};

use common::process::{Talking, alone, is_child, say};
use common::{exists, host, name, on_every_kernel};
use freebsd_jail::{
    ErrorKind, Jail, Jid,
    error::Call,
    is_jailed,
    param::{self, Mode},
    raw::{self, LegacyJail},
};

/// Makes another process attach to a jail by jail(2), and reads the jail meanwhile.
fn seen_from_outside(test: &str, legacy: &LegacyJail, look: impl Fn(&Jail)) {
    if is_child(test) {
        let jid = raw::jail(legacy).expect("attached");
        assert!(is_jailed().expect("asked"));
        say(&jid.to_string());
        return;
    }
    if cfg!(target_os = "freebsd") {
        let process = Talking::start(test);
        let jid: Jid = process.said.parse().expect("a number");
        look(&Jail::open(jid).expect("found"));
        process.end();
        // The kernel may leave the removal to one of its own threads (`prison_proc_free`).
        let since = Instant::now();
        while exists(jid) {
            assert!(since.elapsed() < Duration::from_secs(10), "it goes with its process");
            thread::sleep(Duration::from_millis(10));
        }
        return;
    }
    on_every_kernel(|host| {
        let process = host.model().expect("a model").process().fork();
        let jid = process.run(|| raw::jail(legacy)).expect("attached");
        assert_eq!(process.jid(), jid.get());
        look(&Jail::open(jid).expect("found"));
        process.exit();
        assert!(!exists(jid), "it goes with its process");
    });
}

#[test]
fn version_2_has_a_name_and_addresses() {
    let ip4 = [Ipv4Addr::new(127, 0, 0, 31), Ipv4Addr::new(127, 0, 0, 30)];
    let legacy =
        LegacyJail::new("/", "version2.example.org").name("fj-legacy-2").ip4(ip4).ip6([Ipv6Addr::LOCALHOST]);
    seen_from_outside("version_2_has_a_name_and_addresses", &legacy, |jail| {
        let (name, path, hostname) =
            jail.get((param::NAME.utf8(), param::PATH, param::HOST_HOSTNAME.utf8())).expect("read");
        assert_eq!((&*name, &*hostname), ("fj-legacy-2", "version2.example.org"));
        assert_eq!(path.to_str(), Some("/"));
        let addresses = jail.get((param::IP4_ADDR, param::IP6_ADDR)).expect("read");
        assert_eq!(addresses, (ip4.to_vec(), vec![Ipv6Addr::LOCALHOST]));
    });
}

#[test]
fn version_2_without_addresses_has_none() {
    let legacy = LegacyJail::new("/", "");
    seen_from_outside("version_2_without_addresses_has_none", &legacy, |jail| {
        let (jid, name, ip4, ip6) =
            jail.get((param::JID, param::NAME.utf8(), param::IP4, param::IP6)).expect("read");
        assert_eq!(name, jid.to_string());
        assert_eq!((ip4, ip6), (Mode::Disable, Mode::Disable));
    });
}

#[test]
fn version_0_has_its_one_address() {
    let address = Ipv4Addr::new(127, 0, 0, 32);
    let legacy = LegacyJail::version_0("/", "version0.example.org", address);
    seen_from_outside("version_0_has_its_one_address", &legacy, |jail| {
        let (hostname, ip4) = jail.get((param::HOST_HOSTNAME.utf8(), param::IP4_ADDR)).expect("read");
        assert_eq!((&*hostname, ip4), ("version0.example.org", vec![address]));
    });
}

#[test]
fn what_the_structure_cannot_hold_is_refused_before_the_call() {
    let host = host();
    let before = host.model().map(|model| model.calls().total());
    let refused = |legacy: LegacyJail, kind: ErrorKind, parameter: Option<&str>| {
        let error = raw::jail(&legacy).expect_err("refused");
        assert_eq!((error.kind(), error.parameter(), error.call()), (kind, parameter, None), "{error}");
    };
    let version_0 = || LegacyJail::version_0("/", "h", Ipv4Addr::LOCALHOST);
    refused(version_0().name("n"), ErrorKind::Conflict, None);
    refused(version_0().ip6([Ipv6Addr::LOCALHOST]), ErrorKind::Conflict, None);
    refused(version_0().ip4([]), ErrorKind::Conflict, None);
    refused(LegacyJail::new("/\0", "h"), ErrorKind::InvalidValue, Some("path"));
    refused(LegacyJail::new("/", "h\0"), ErrorKind::InvalidValue, Some("host.hostname"));
    refused(LegacyJail::new("/", "h").name("\0"), ErrorKind::InvalidValue, Some("name"));
    assert_eq!(host.model().map(|model| model.calls().total()), before);
}

#[test]
fn a_failure_has_its_errno_and_its_kind() {
    alone("a_failure_has_its_errno_and_its_kind", || {
        on_every_kernel(|host| {
            let failed = |legacy: LegacyJail, kind: ErrorKind, errno: i32| {
                let error = raw::jail(&legacy).expect_err("it fails");
                assert_eq!(
                    (error.kind(), error.errno(), error.call()),
                    (kind, Some(errno), Some(Call::Jail)),
                    "{error}"
                );
                error
            };
            failed(LegacyJail::new("/nonexistent", "h"), ErrorKind::InvalidPath, libc::ENOENT);
            failed(LegacyJail::new("/etc/passwd", "h"), ErrorKind::InvalidPath, libc::ENOTDIR);
            let long = "x".repeat(300);
            failed(LegacyJail::new("/", &long), ErrorKind::InvalidValue, libc::ENAMETOOLONG);
            let many: Vec<_> = (0..300_u16)
                .map(|n| Ipv4Addr::from([10, 9, n.to_be_bytes()[0], n.to_be_bytes()[1]]))
                .collect();
            failed(LegacyJail::new("/", "h").ip4(many), ErrorKind::InvalidValue, libc::EINVAL);
            let taken = name("taken");
            let _jail = Jail::builder().name(&taken).path("/").create().expect("created");
            failed(LegacyJail::new("/", "h").name(&taken), ErrorKind::AlreadyExists, libc::EEXIST);
            // None of that has moved this process.
            match host.model() {
                Some(model) => assert_eq!(model.process().jid(), 0),
                None => assert!(!is_jailed().expect("asked")),
            }
            let directory = std::fs::File::open("/etc").expect("opened");
            if let Some(model) = host.model() {
                model.process().open_directory();
            }
            let error = failed(LegacyJail::new("/", "h"), ErrorKind::PermissionDenied, libc::EPERM);
            assert!(error.to_string().contains("is the open directory /etc"), "{error}");
            drop(directory);
        });
    });
}
