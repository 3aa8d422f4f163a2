//! Removing jails whose processes are children of this one.

#![allow(clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

mod common;

use std::io::{self, Read};
use std::os::unix::process::ExitStatusExt;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use common::programs::{on_every_executing_kernel, shell};
use common::{exists, jail, name};
use freebsd_jail::watch::{Reap, WaitOutcome};
use freebsd_jail::{ErrorKind, Jail, raw};
use nix::sys::wait::waitpid;
use nix::unistd::Pid;

const SOON: Duration = Duration::from_millis(300);
/// Longer than anything takes, on an emulated machine too.
const LONG: Duration = Duration::from_secs(60);

fn idle(jail: &Jail) -> Child {
    shell(jail, "exec sleep 600").spawn().expect("started")
}

/// A process of the host, which no removal kills.
fn outsider() -> Child {
    Command::new("/bin/sleep").arg("600").spawn().expect("started")
}

fn end(mut child: Child) {
    child.kill().expect("killed");
    child.wait().expect("waited for");
}

#[track_caller]
fn is_killed(child: &mut Child) {
    let status = child.try_wait().expect("waited for").expect("its status was read");
    assert_eq!(status.signal(), Some(libc::SIGKILL));
}

#[test]
fn t27_children_are_reaped_and_their_statuses_and_output_can_be_read() {
    on_every_executing_kernel(|_| {
        let outer = Jail::builder().name(name("reaped")).path("/").children_max(1).create().expect("created");
        let inner = outer.child_builder().name("inner").path("/").create_detached().expect("created");
        let mut speaker = shell(&outer, "echo spoken; exec sleep 600");
        let mut speaker = speaker.stdout(Stdio::piped()).spawn().expect("started");
        let mut word = [0; 7];
        speaker.stdout.as_mut().expect("piped").read_exact(&mut word).expect("read");
        let mut below = idle(&inner);
        assert!(outer.remove_and_reap([&mut speaker, &mut below], Some(LONG)).expect("removed").is_done());
        is_killed(&mut speaker);
        is_killed(&mut below);
        assert_eq!((&word, speaker.wait_with_output().expect("read").stdout.len()), (b"spoken\n", 0));
        assert!(!exists(outer.jid()));
    });
}

#[test]
fn what_an_ended_child_has_written_can_be_read() {
    on_every_executing_kernel(|_| {
        let jail = jail("written");
        let mut child = shell(&jail, "echo written; exit 3").stdout(Stdio::piped()).spawn().expect("started");
        while child.try_wait().expect("asked").is_none() {
            std::thread::sleep(Duration::from_millis(5));
        }
        assert!(jail.remove_and_reap([&mut child], Some(LONG)).expect("removed").is_done());
        let output = child.wait_with_output().expect("read");
        assert_eq!((output.status.code(), &*output.stdout), (Some(3), &b"written\n"[..]));
    });
}

#[test]
fn a_jail_that_another_has_removed_is_waited_for_all_the_same() {
    on_every_executing_kernel(|_| {
        let jail = jail("removed");
        let (jid, mut children) = (jail.jid(), vec![idle(&jail), idle(&jail)]);
        raw::jail_remove(jid).expect("removed");
        assert!(jail.remove_and_reap(&mut children, Some(LONG)).expect("reaped").is_done());
        children.iter_mut().for_each(is_killed);
        // The owner does not remove the next jail of the jid.
        let next = Jail::builder().jid(jid).path("/").create().expect("created");
        assert!(jail.remove_and_reap(&mut children, None).expect("reaped").is_done());
        drop(jail);
        assert!(next.is_alive().expect("asked"));
    });
}

#[test]
fn a_child_that_is_not_in_the_jail_is_waited_for_until_the_timeout() {
    on_every_executing_kernel(|_| {
        let jail = jail("outside");
        let (mut inside, mut outside) = (idle(&jail), outsider());
        for removed_before in [false, true] {
            let begun = Instant::now();
            let outcome = jail.remove_and_reap([&mut outside, &mut inside], Some(SOON)).expect("removed");
            let WaitOutcome::TimedOut(mut held) = outcome else { panic!("a child runs on") };
            assert!((SOON..LONG).contains(&begun.elapsed()));
            assert!(held.is_dying());
            is_killed(&mut inside);
            assert!(held.wait_gone(Some(LONG)).expect("waited").is_done(), "{removed_before}");
            assert!(held.holders().expect("listed").is_empty());
            assert!(outside.try_wait().expect("asked").is_none());
        }
        end(outside);
    });
}

#[test]
fn a_child_that_was_not_named_holds_the_jail() {
    on_every_executing_kernel(|_| {
        let jail = jail("unnamed");
        let (mut named, mut unnamed) = (idle(&jail), idle(&jail));
        let outcome = jail.remove_and_reap([&mut named], Some(SOON)).expect("removed");
        let WaitOutcome::TimedOut(mut held) = outcome else { panic!("a zombie holds it") };
        is_killed(&mut named);
        assert_eq!(held.holders().expect("listed").own_zombies().collect::<Vec<_>>(), [unnamed.id()]);
        unnamed.wait().expect("waited for");
        assert!(held.wait_gone(Some(LONG)).expect("waited").is_done());
    });
}

#[test]
fn a_child_that_was_waited_for_elsewhere_counts_as_reaped() {
    on_every_executing_kernel(|_| {
        let jail = jail("elsewhere");
        let mut child = shell(&jail, "exit 0").spawn().expect("started");
        let pid = i32::try_from(child.id()).expect("a pid");
        waitpid(Pid::from_raw(pid), None).expect("waited for");
        assert!(jail.remove_and_reap([&mut child], Some(LONG)).expect("removed").is_done());
        assert_eq!(child.wait().expect_err("it was waited for").raw_os_error(), Some(libc::ECHILD));
    });
}

/// A child that counts how often it is asked for, and what it answers after some times.
struct Counted {
    asked: u32,
    runs: u32,
    fails: bool,
}

impl Reap for Counted {
    fn try_reap(&mut self) -> io::Result<Option<ExitStatus>> {
        self.asked += 1;
        match (self.asked > self.runs, self.fails) {
            (false, _) => Ok(None),
            (true, false) => Ok(Some(ExitStatus::from_raw(0))),
            (true, true) => Err(io::Error::from_raw_os_error(libc::ECHILD)),
        }
    }
}

#[test]
fn no_child_is_waited_for_again_once_it_was_reaped() {
    on_every_executing_kernel(|host| {
        let counted = |runs, fails| Counted { asked: 0, runs, fails };
        let held = jail("counted");
        let inmate = host.inmate(&held);
        let (mut at_once, mut fails, mut soon) = (counted(0, false), counted(0, true), counted(2, false));
        let children: [&mut dyn Reap; 3] = [&mut at_once, &mut fails, &mut soon];
        assert!(held.remove_and_reap(children, Some(SOON)).expect("removed").is_timed_out());
        assert_eq!((at_once.asked, fails.asked, soon.asked), (1, 1, 3));
        inmate.bury();
        // With a timeout of zero it looks once.
        let mut never = counted(u32::MAX, false);
        let outcome = jail("once").remove_and_reap([&mut never], Some(Duration::ZERO)).expect("removed");
        assert!(outcome.is_timed_out());
        assert_eq!(never.asked, 1);
    });
}

#[test]
fn without_children_it_removes_and_waits() {
    on_every_executing_kernel(|_| {
        let none: [Child; 0] = [];
        assert!(jail("none").remove_and_reap(none, Some(LONG)).expect("removed").is_done());
    });
}

#[test]
fn a_removal_that_is_refused_reaps_nothing() {
    on_every_executing_kernel(|host| {
        let Some(model) = host.model() else {
            println!("skipped: another user is modelled only");
            return;
        };
        let jail = jail("refused");
        let mut child = shell(&jail, "exit 0").spawn().expect("started");
        let user = model.process().fork();
        user.setuid(1001).expect("another user");
        let mut counted = Counted { asked: 0, runs: 0, fails: false };
        let refused = user.run(|| {
            let same = Jail::open(jail.jid()).expect("opened");
            same.remove_and_reap([&mut counted], None).map(drop).expect_err("refused")
        });
        assert_eq!((refused.kind(), counted.asked), (ErrorKind::PermissionDenied, 0));
        assert!(child.wait().expect("waited for").success());
    });
}

#[test]
fn a_command_of_std_starts_children_of_the_jail() {
    on_every_executing_kernel(|_| {
        let jail = jail("std");
        let mut command = Command::new("/bin/sleep");
        jail.confine(command.arg("600")).expect("confined");
        let mut first = command.spawn().expect("started");
        let mut second =
            shell(&jail, "exec sleep 600").into_std().expect("converted").spawn().expect("started");
        let mut pids = jail.processes().expect("listed");
        pids.sort_unstable();
        let mut expected = [first.id(), second.id()];
        expected.sort_unstable();
        assert_eq!(pids, expected);
        assert!(jail.remove_and_reap([&mut first, &mut second], Some(LONG)).expect("removed").is_done());
        is_killed(&mut first);
        is_killed(&mut second);
    });
}
