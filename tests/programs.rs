//! Programs are processes of their jail, from when they are started until they have been waited for.

#![allow(clippy::expect_used, clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod common;

use std::os::unix::process::ExitStatusExt;
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use common::{Host, exists, host, jail, name, on_every_kernel};
use freebsd_jail::exec::Processes;
use freebsd_jail::watch::{EventKind, WaitOutcome};
use freebsd_jail::{ErrorKind, Jail, JailUpdate, Watcher};

fn on_every_kernel_with_programs(test: impl Fn(&Host)) {
    on_every_kernel(|host| {
        if let Some(model) = host.model() {
            model.allow_exec(true);
        }
        test(host);
    });
}

/// Starts a program that does nothing for a minute.
fn idle(jail: &Jail) -> Child {
    let mut command = jail.command("/bin/sleep");
    command.arg("60").stdin(Stdio::inherit()).spawn().expect("started")
}

/// Waits until something is so.
fn eventually(what: &str, is_so: impl Fn() -> bool) {
    let start = Instant::now();
    while !is_so() {
        assert!(start.elapsed() < Duration::from_secs(20), "{what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

#[test]
fn a_program_is_among_the_processes_of_its_jail_until_it_is_waited_for() {
    on_every_kernel_with_programs(|_| {
        let (one, other) = (jail("one"), jail("other"));
        let mut first = idle(&one);
        let mut second = idle(&other);
        assert_eq!(one.processes().expect("listed"), [first.id()]);
        assert_eq!(other.processes().expect("listed"), [second.id()]);
        first.kill().expect("killed");
        first.wait().expect("waited for");
        assert!(one.processes().expect("listed").is_empty());
        assert_eq!(other.processes().expect("listed"), [second.id()]);
        second.kill().expect("killed");
        second.wait().expect("waited for");
    });
}

#[test]
fn without_jails_there_are_no_processes_of_theirs() {
    if cfg!(target_os = "freebsd") {
        println!("skipped: this host has jails");
        return;
    }
    assert_eq!(Processes::current().expect_err("no jails").kind(), ErrorKind::Unsupported);
    let _host = host();
    let processes = Processes::current().expect("listed");
    assert_eq!((&processes).into_iter().count(), processes.iter().count());
    assert!(processes.iter().count() > 0);
}

#[test]
fn a_signal_reaches_the_programs_of_a_jail() {
    on_every_kernel_with_programs(|_| {
        let (one, other) = (jail("one"), jail("other"));
        let mut program = idle(&one);
        let mut spared = idle(&other);
        assert!(one.signal(0).expect("asked"));
        assert!(one.signal(libc::SIGTERM).expect("sent"));
        assert_eq!(program.wait().expect("waited for").signal(), Some(libc::SIGTERM));
        assert!(spared.try_wait().expect("asked").is_none(), "another jail's goes on");
        assert!(!one.signal(libc::SIGTERM).expect("sent"), "nobody is there");
        drop(other);
        assert_eq!(spared.wait().expect("waited for").signal(), Some(libc::SIGKILL));
    });
}

#[test]
fn a_program_that_handles_a_signal_goes_on() {
    on_every_kernel_with_programs(|_| {
        let jail = jail("handler");
        let mut command = jail.command("/bin/sh");
        // If this process ends first, nothing is left to read, and the loop ends as well.
        let script = "trap : TERM; echo ready; i=0; while [ $i -lt 10000 ]; do read line; i=$((i+1)); done";
        command.args(["-c", script]);
        let mut program = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("started");
        let mut ready = String::new();
        let stdout = program.stdout.as_mut().expect("piped");
        std::io::BufRead::read_line(&mut std::io::BufReader::new(stdout), &mut ready).expect("a line");
        assert!(jail.signal(libc::SIGTERM).expect("sent"));
        std::thread::sleep(Duration::from_millis(50));
        assert_eq!(jail.processes().expect("listed"), [program.id()]);
        jail.remove().expect("removed");
        assert_eq!(program.wait().expect("waited for").signal(), Some(libc::SIGKILL));
    });
}

#[test]
fn t27_removing_a_jail_ends_its_programs_and_a_zombie_keeps_it() {
    on_every_kernel_with_programs(|_| {
        let jail = jail("removed");
        let jid = jail.jid();
        let mut program = idle(&jail);
        let outcome = jail.remove_and_wait(Some(Duration::from_millis(300))).expect("removed");
        assert!(!exists(jid));
        let WaitOutcome::TimedOut(mut held) = outcome else { panic!("its program has not been waited for") };
        let holders = loop {
            let holders = held.holders().expect("listed");
            if holders.processes.iter().all(|process| process.is_zombie) {
                break holders;
            }
            std::thread::sleep(Duration::from_millis(5));
        };
        assert_eq!(holders.own_zombies().collect::<Vec<_>>(), [program.id()]);
        assert_eq!(program.wait().expect("waited for").signal(), Some(libc::SIGKILL));
        let outcome = held.wait_gone(Some(Duration::from_secs(20))).expect("waited");
        assert!(outcome.done().is_some(), "it is gone");
    });
}

#[test]
fn a_jail_without_persist_goes_with_its_last_program() {
    on_every_kernel_with_programs(|_| {
        let jail = Jail::builder().name(name("last")).path("/").create_detached().expect("created");
        let jid = jail.jid();
        let mut program = idle(&jail);
        jail.update(&JailUpdate::new().persist(false)).expect("it has a process");
        assert!(exists(jid));
        program.kill().expect("killed");
        program.wait().expect("waited for");
        eventually("it goes", || !exists(jid));
    });
}

#[test]
fn a_watcher_reports_the_pid_of_a_program() {
    on_every_kernel_with_programs(|host| {
        if !host.has_descriptors() {
            return;
        }
        let jail = jail("watched");
        let watcher = Watcher::new().expect("a watcher");
        watcher.watch(&jail).expect("watched");
        let mut program = idle(&jail);
        let event = watcher.wait(Some(Duration::from_secs(5))).expect("read").done().expect("an event");
        let attached: Vec<_> = event.kinds().filter(|kind| *kind != EventKind::Changed).collect();
        assert_eq!(attached, [EventKind::Attached { pid: Some(program.id()) }]);
        program.kill().expect("killed");
        program.wait().expect("waited for");
    });
}

#[test]
fn a_program_that_cannot_be_started_is_in_no_jail() {
    on_every_kernel_with_programs(|_| {
        let jail = jail("missing");
        let error = jail.command("/nonexistent/program").spawn().expect_err("there is none");
        assert_eq!(error.kind(), ErrorKind::NotExecutable);
        assert!(jail.processes().expect("listed").is_empty());
        let outcome = jail.remove_and_wait(Some(Duration::from_secs(5))).expect("removed");
        assert!(outcome.done().is_some(), "nothing holds it");
    });
}
