//! Owned jails whose owner is killed.

#![allow(clippy::expect_used, clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod common;

use std::io::{BufRead, BufReader};
use std::mem::ManuallyDrop;
use std::os::fd::AsRawFd;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use common::{exists, model, name, releases};
use freebsd_jail::{ErrorKind, Features, Jail, Jid, param, sim};

/// Runs in the child process: creates a jail, prints its jid, and waits to be killed.
#[test]
#[ignore = "run by the other tests, in a process of its own"]
fn child_that_owns_a_jail() {
    let jail = Jail::builder().name(name("owner")).path("/").create().expect("created");
    println!("\njail {}", jail.jid());
    std::thread::sleep(Duration::from_secs(60));
    panic!("this process was not killed");
}

/// Starts the child, kills it once it has printed the jid of its jail, and returns the jid.
fn jail_of_a_killed_owner() -> Jid {
    let mut child = Command::new(std::env::current_exe().expect("this program"))
        .args(["--exact", "child_that_owns_a_jail", "--ignored", "--nocapture"])
        .stdout(Stdio::piped())
        .spawn()
        .expect("started");
    let output = BufReader::new(child.stdout.take().expect("piped"));
    let jid = output
        .lines()
        .map(|line| line.expect("text"))
        .find_map(|line| line.strip_prefix("jail ").map(str::to_owned))
        .expect("the jid of a jail");
    let jid = jid.parse().expect("a number");
    assert!(exists(jid), "the owner lives");
    // SIGKILL.
    child.kill().expect("killed");
    child.wait().expect("reaped");
    jid
}

fn is_gone_within(jid: Jid, time: Duration) -> bool {
    let start = Instant::now();
    while start.elapsed() < time {
        if !exists(jid) {
            return true;
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    false
}

#[test]
fn a_killed_owner_leaves_no_jail_where_the_kernel_has_descriptors() {
    if !cfg!(target_os = "freebsd") {
        println!("skipped: a model does not outlive its process; the next test kills a modelled one");
        return;
    }
    let jid = jail_of_a_killed_owner();
    if Features::current().has_descriptors() {
        assert!(is_gone_within(jid, Duration::from_secs(5)), "the kernel removes it");
    } else {
        println!("skipped: this kernel has no jail descriptors, so the jail stays");
        assert!(exists(jid));
        Jail::open(jid).expect("found").remove().expect("removed");
    }
}

#[test]
fn a_killed_modelled_owner_leaves_a_jail_before_15_only() {
    for release in releases() {
        let host = model(sim::Kernel::with_release(release));
        let owner = host.model().expect("the model").process().fork();
        let jail = owner.run(|| Jail::builder().name("owned").path("/").create()).expect("created");
        let jid = jail.jid();
        // The process ends without running any destructor; this one runs later, when there is nothing left to do.
        let jail = ManuallyDrop::new(jail);
        assert!(exists(jid));
        owner.kill();
        assert_eq!(exists(jid), !Features::current().has_descriptors(), "{release:?}");
        drop(ManuallyDrop::into_inner(jail));
    }
}

#[test]
fn dropping_removes_the_jail_though_a_copy_of_its_descriptor_is_about() {
    let host = common::host();
    if !host.has_descriptors() {
        return;
    }
    let jail = Jail::builder().name(name("copy")).path("/").create().expect("created");
    let jid = jail.jid();
    // As a forked child holds it before it executes its program.
    let copy = jail.descriptor().expect("a descriptor").try_clone_to_owned().expect("copied");
    drop(jail);
    assert!(!exists(jid));
    drop(copy);
}

#[test]
fn a_descriptor_that_is_another_jail_s_by_now_is_not_adopted() {
    let host = common::host();
    if !host.has_descriptors() {
        return;
    }
    let create = |what| Jail::builder().name(name(what)).path("/").create().expect("created");
    let (mut jail, other) = (create("adopted"), create("other"));
    jail.adopt().expect("its own");
    let number = jail.descriptor().expect("a descriptor").as_raw_fd();
    // SAFETY: the number is the jail's, whose handle is used no more but to see what becomes of it.
    let replaced = unsafe { nix::unistd::dup2_raw(other.descriptor().expect("a descriptor"), number) };
    let _number = ManuallyDrop::new(replaced.expect("duplicated"));
    assert_eq!(jail.adopt().expect_err("another jail's").kind(), ErrorKind::InvalidDescriptor);
}

#[test]
fn an_owner_is_made_though_nobody_can_tell_whether_the_jail_died_meanwhile() {
    let host = model(sim::Kernel::new());
    let model = host.model().expect("the model");
    model.set_racct(true);
    let jail = || Jail::builder().path("/").create_detached().expect("created");
    // What the kernel has is found out once.
    drop(jail().into_owned().expect("taken"));
    let (jail, other) = (jail(), jail());
    let before = model.faultable_calls();
    drop(jail.into_owned().expect("taken"));
    let calls = model.faultable_calls() - before;
    // The last calls are the look at the jail (T46), and its removal.
    model.fault(calls - 2, sim::Fault::Errno(libc::ENOMEM));
    let owned = other.into_owned().expect("closing the descriptor would remove the jail");
    assert_eq!(model.faulted(), Some("jail_get"));
    assert!(owned.is_alive().expect("asked"));
}

#[test]
fn taken_ownership_holds_like_a_creator_s() {
    for release in releases() {
        let host = model(sim::Kernel::with_release(release));
        let owner = host.model().expect("the model").process().fork();
        let jid = Jail::builder().path("/").create_detached().expect("created").jid();
        let jail = owner.run(|| Jail::open(jid).expect("found").into_owned()).expect("taken");
        assert_eq!(jail.get(param::JID).expect("read"), jid);
        let jail = ManuallyDrop::new(jail);
        owner.kill();
        assert_eq!(exists(jid), !Features::current().has_descriptors(), "{release:?}");
        drop(ManuallyDrop::into_inner(jail));
    }
}
