//! Jails of a parent in a forked child.

#![allow(clippy::expect_used, clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod common;

use std::os::fd::AsRawFd;
use std::time::Duration;

use common::fork::in_child;
use common::process::alone;
use common::{Host, exists, name, on_every_kernel};
use freebsd_jail::{ErrorKind, Jail, JailUpdate, OwnedJail, param};

fn owned(what: &str) -> OwnedJail {
    Jail::builder().name(name(what)).path("/").create().expect("created")
}

fn kind<T>(result: freebsd_jail::Result<T>) -> ErrorKind {
    result.map(drop).expect_err("refused").kind()
}

/// Runs a closure in a forked child with the parent's handles.
fn forked(test: &str, on: impl Fn(&Host)) {
    alone(test, || on_every_kernel(&on));
}

#[test]
fn an_owner_in_a_forked_child_removes_nothing_and_says_why() {
    forked("an_owner_in_a_forked_child_removes_nothing_and_says_why", |_| {
        let jail = owned("forked");
        let (jid, clone) = (jail.jid(), jail.try_clone().expect("cloned"));
        let descriptor = jail.descriptor().map(|fd| fd.as_raw_fd());
        let mut owner = Some(jail);
        in_child(|| {
            let jail = owner.take().expect("there");
            let other = ErrorKind::OtherProcess;
            assert_eq!(kind(jail.get(param::NAME)), other);
            assert_eq!(kind(jail.info()), other);
            assert_eq!(kind(jail.update(&JailUpdate::new().hostname("x"))), other);
            assert_eq!(kind(jail.attach()), other);
            assert_eq!(kind(jail.try_clone()), other);
            assert_eq!(kind(jail.is_alive()), other);
            assert_eq!(kind(jail.child_builder().name("c").path("/").create()), other);
            assert_eq!(kind(jail.children().next().expect("an error")), other);
            assert_eq!(kind(jail.open_child("c")), other);
            assert_eq!(kind(jail.command("/bin/sh").status()), other);
            assert_eq!(kind(jail.processes()), other);
            assert_eq!(kind(jail.wait_dying(Some(Duration::ZERO))), other);
            assert_eq!(kind(jail.remove_and_wait(None)), other);
            assert_eq!(kind(jail.remove()), other);
            assert!(jail.remove().expect_err("refused").to_string().contains("forked"));
            let jail = jail.into_descriptor().expect_err("there is nothing to hand over");
            drop(jail);
            // Not closed, since its last close would remove the jail.
            if let Some(number) = descriptor {
                // SAFETY: F_GETFD takes a number, which need not be open, and touches no memory.
                assert_ne!(unsafe { libc::fcntl(number, libc::F_GETFD) }, -1);
            }
            assert!(exists(jid));
            // A clone works in both processes.
            assert_eq!(clone.get(param::JID).expect("read"), jid);
        });
        assert!(exists(jid));
        let jail = owner.take().expect("there");
        assert!(jail.is_alive().expect("asked"));
        drop(jail);
        assert!(!exists(jid));
    });
}

#[test]
fn a_child_that_adopts_a_jail_removes_it() {
    forked("a_child_that_adopts_a_jail_removes_it", |host| {
        let mut jail = owned("adopted");
        let jid = jail.jid();
        let clone = jail.try_clone().expect("cloned");
        in_child(|| {
            jail.adopt().expect("adopted");
            assert_eq!(jail.get(param::JID).expect("read"), jid);
            assert_eq!(kind(clone.attach()), ErrorKind::Conflict, "the clone knows of the new owner");
            let fresh = Jail::builder().name(name("fresh")).path("/").create().expect("created");
            fresh.remove().expect("removed");
            in_child(|| assert_eq!(kind(jail.remove()), ErrorKind::OtherProcess));
            jail.remove().expect("removed");
        });
        if host.model().is_some() {
            println!("skipped: a forked child has a model of its own, so the parent's jail is still there");
            return;
        }
        assert!(!exists(jid));
    });
}

#[test]
fn a_jail_that_is_gone_is_not_adopted() {
    forked("a_jail_that_is_gone_is_not_adopted", |_| {
        let mut jail = owned("late");
        jail.adopt().expect("it is this process's already");
        let clone = jail.try_clone().expect("cloned");
        in_child(|| {
            clone.remove().expect("removed");
            assert_eq!(kind(jail.adopt()), ErrorKind::Gone);
            assert_eq!(kind(jail.remove()), ErrorKind::OtherProcess, "it is as it was");
        });
    });
}
