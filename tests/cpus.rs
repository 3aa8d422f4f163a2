//! The processors that jails may use.

#![allow(clippy::expect_used, reason = "a test fails by panicking")]

mod common;

use common::{host, jail, name, on_every_kernel};
use freebsd_jail::cpus::CpuSet;
use freebsd_jail::error::Call;
use freebsd_jail::{ErrorKind, Jail, raw};

fn below(jail: &Jail) -> Jail {
    jail.child_builder().name(name("below")).path("/").create_detached().expect("created")
}

#[test]
fn a_jail_may_use_its_parent_s_cpus_until_it_is_restricted() {
    on_every_kernel(|_| {
        let outer = jail("outer");
        let all = outer.cpus().expect("read");
        let inner = below(&outer);
        assert_eq!(inner.cpus().expect("read"), all);
        let first = all.iter().take(1).collect::<CpuSet>();
        if all.len() < 2 {
            println!("skipped: this host has one CPU");
            return;
        }
        inner.set_cpus(&first).expect("set");
        assert_eq!((inner.cpus().expect("read"), outer.cpus().expect("read")), (first, all));
    });
}

#[test]
fn t56_jails_below_lose_for_good_what_a_jail_loses() {
    on_every_kernel(|_| {
        let outer = jail("outer");
        let all = outer.cpus().expect("read");
        let inner = below(&outer);
        let first = all.iter().take(1).collect::<CpuSet>();
        outer.set_cpus(&first).expect("set");
        assert_eq!(inner.cpus().expect("read"), first);
        outer.set_cpus(&all).expect("set");
        assert_eq!((outer.cpus().expect("read"), inner.cpus().expect("read")), (all, first));
    });
}

#[test]
fn t56_sets_that_cannot_be_are_refused_and_change_nothing() {
    on_every_kernel(|_| {
        let outer = jail("outer");
        let all = outer.cpus().expect("read");
        for cpus in [CpuSet::default(), CpuSet::from_iter([u32::MAX])] {
            let error = outer.set_cpus(&cpus).expect_err("refused");
            assert_eq!((error.kind(), error.call()), (ErrorKind::InvalidValue, None));
        }
        let error = outer.set_cpus(&CpuSet::from_iter([1023])).expect_err("refused");
        assert_eq!((error.kind(), error.call()), (ErrorKind::InvalidValue, Some(Call::CpusetSetaffinity)));
        if all.len() > 1 {
            let inner = below(&outer);
            let (first, rest) =
                (all.iter().take(1).collect::<CpuSet>(), all.iter().skip(1).collect::<CpuSet>());
            inner.set_cpus(&first).expect("set");
            let error = outer.set_cpus(&rest).expect_err("refused");
            assert_eq!((error.kind(), error.errno()), (ErrorKind::InvalidValue, Some(libc::EDEADLK)));
            // More than the parent has.
            outer.set_cpus(&first).expect("set");
            let error = inner.set_cpus(&all).expect_err("refused");
            assert_eq!((error.kind(), error.errno()), (ErrorKind::InvalidValue, Some(libc::EINVAL)));
            outer.set_cpus(&all).expect("set");
        }
        assert_eq!(outer.cpus().expect("read"), all);
    });
}

#[test]
fn t56_a_removed_jail_is_gone_even_if_another_has_its_jid() {
    on_every_kernel(|_| {
        let first = jail("first");
        let same = first.try_clone().expect("cloned");
        let (jid, all) = (first.jid(), first.cpus().expect("read"));
        drop(first);
        assert_eq!(same.cpus().expect_err("gone").kind(), ErrorKind::Gone);
        assert_eq!(same.set_cpus(&all).expect_err("gone").kind(), ErrorKind::Gone);
        let next = Jail::builder().jid(jid).path("/").create().expect("created");
        if next.descriptor().is_some() {
            assert_eq!(same.cpus().expect_err("gone").kind(), ErrorKind::Gone);
            assert_eq!(same.set_cpus(&all).expect_err("gone").kind(), ErrorKind::Gone);
        }
        assert!(raw::jail_remove(next.jid()).is_ok());
    });
}

#[test]
fn only_root_may_restrict_a_jail() {
    let host = host();
    let Some(model) = host.model() else {
        println!("skipped: another user is modelled only");
        return;
    };
    let jail = jail("restricted");
    let all = jail.cpus().expect("read");
    let user = model.process().fork();
    user.setuid(1001).expect("another user");
    user.run(|| {
        let same = Jail::open(jail.jid()).expect("opened");
        assert_eq!(same.cpus().expect("read"), all);
        assert_eq!(same.set_cpus(&all).expect_err("refused").kind(), ErrorKind::PermissionDenied);
    });
}
