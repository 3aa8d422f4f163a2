//! An owner that is killed at any moment leaves nothing, where the kernel has descriptors.
//!
//! `FREEBSD_JAIL_KILLS`: at how many random moments (500), on a real kernel. On a model every moment between two
//! operations is tried.

#![allow(
    clippy::expect_used,
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

mod common;

use std::mem::ManuallyDrop;
use std::process::Stdio;
use std::thread::sleep;
use std::time::{Duration, Instant};

use common::process::alone;
use common::random::Random;
use common::{host, is_root, model, name, releases};
use freebsd_jail::param::Param;
use freebsd_jail::{Jail, JailUpdate, OwnedJail, Watcher, param, sim};
use nix::sys::signal::{Signal, kill};
use nix::sys::wait::{WaitStatus, waitpid};
use nix::unistd::{ForkResult, fork};

/// The handles of an owner when it is killed: none is dropped.
#[derive(Default)]
struct Held {
    jails: Vec<OwnedJail>,
    clones: Vec<Jail>,
    watchers: Vec<Watcher>,
    /// Whether it runs programs: the model does not let it.
    runs_programs: bool,
}

type Operation = fn(&mut Held);

/// Its operations, one after the other.
const SCRIPT: [Operation; 14] = [
    |held| held.jails.push(Jail::builder().name(name("killed")).path("/").children_max(5).create().unwrap()),
    |held| held.jails.push(held.jails[0].child_builder().name("a").path("/").create().unwrap()),
    |held| {
        let builder = Jail::builder().name(name("killed")).path("/");
        // In a second call, after the creation.
        let meta = Param::<String>::new("meta.owner");
        held.jails.push(builder.optional(meta, "killed").create().unwrap());
    },
    |held| held.jails[0].update(&JailUpdate::new().hostname("updated")).unwrap(),
    |held| held.clones.push(held.jails[0].try_clone().unwrap()),
    |held| held.clones.push(Jail::open(held.jails[2].jid()).unwrap()),
    |held| {
        if let Ok(watcher) = Watcher::new() {
            watcher.watch(&held.jails[0]).unwrap();
            held.watchers.push(watcher);
        }
    },
    |held| assert!(held.jails[0].get((param::JID, param::NAME)).is_ok()),
    |_| assert!(Jail::all().get(param::NAME).all(|name| name.is_ok())),
    |held| {
        let jail = held.jails.pop().unwrap();
        match jail.into_descriptor() {
            Ok(descriptor) => held.jails.push(OwnedJail::try_from(descriptor).unwrap()),
            Err(jail) => held.jails.push(jail),
        }
    },
    |held| {
        if held.runs_programs {
            let mut command = held.jails[0].command("/bin/sh");
            let _ = command.args(["-c", "exit 0"]).stdin(Stdio::piped()).status().unwrap();
        }
    },
    |held| held.jails.pop().unwrap().remove().unwrap(),
    |held| drop(held.jails.pop()),
    |held| held.jails.pop().unwrap().remove().unwrap(),
];

fn run(script: &[Operation], held: &mut Held) {
    for operation in script {
        operation(held);
    }
}

/// The names of the jails of a process, including dying ones.
fn left(pid: i32) -> Vec<String> {
    let theirs = format!("fj-{pid}-");
    let names = Jail::all().dying(true).get(param::NAME.utf8());
    // A jail may go while it is read.
    names.filter_map(Result::ok).filter(|name| name.starts_with(&theirs)).collect()
}

#[test]
fn an_owner_killed_at_any_moment_leaves_nothing() {
    if !cfg!(target_os = "freebsd") {
        println!("skipped: a model does not outlive its process; the next test kills a modelled one");
        return;
    }
    if !is_root() {
        return;
    }
    alone("an_owner_killed_at_any_moment_leaves_nothing", || {
        let host = host();
        if !host.has_descriptors() {
            return;
        }
        let rounds = std::env::var("FREEBSD_JAIL_KILLS").map_or(500, |text| text.parse().expect("a number"));
        let mut random = Random::new(std::process::id().into());
        // The approximate duration of the script.
        let start = Instant::now();
        let mut held = Held { runs_programs: true, ..Held::default() };
        run(&SCRIPT, &mut held);
        let once = u64::try_from(start.elapsed().as_micros()).expect("not long");
        for round in 0..rounds {
            // SAFETY: this process has no other threads.
            match unsafe { fork() }.expect("forked") {
                ForkResult::Child => loop {
                    let mut held = Held { runs_programs: true, ..Held::default() };
                    run(&SCRIPT, &mut held);
                },
                ForkResult::Parent { child } => {
                    sleep(Duration::from_micros(random.below(3 * once)));
                    kill(child, Signal::SIGKILL).expect("killed");
                    let status = waitpid(child, None).expect("waited for");
                    assert_eq!(status, WaitStatus::Signaled(child, Signal::SIGKILL, false), "round {round}");
                    let deadline = Instant::now() + Duration::from_secs(30);
                    while !left(child.as_raw()).is_empty() {
                        assert!(Instant::now() < deadline, "round {round}: {:?}", left(child.as_raw()));
                        sleep(Duration::from_millis(1));
                    }
                }
            }
        }
        println!("{rounds} kills within {} us", 3 * once);
    });
}

#[test]
fn a_modelled_owner_killed_between_any_two_operations_leaves_nothing_on_15() {
    for release in releases() {
        let host = model(sim::Kernel::with_release(release));
        let kernel = host.model().expect("a model");
        for moment in 0..=SCRIPT.len() {
            let owner = kernel.process().fork();
            let mut held = ManuallyDrop::new(Held::default());
            owner.run(|| run(&SCRIPT[..moment], &mut held));
            // Nothing is dropped while it lives.
            owner.kill();
            let left = left(i32::try_from(std::process::id()).expect("a pid"));
            assert_eq!(
                left.is_empty(),
                common::has_descriptors() || held.jails.is_empty(),
                "{release:?}, {moment}: {left:?}"
            );
            // The descriptors belong to this test, even if the model has closed them.
            drop(ManuallyDrop::into_inner(held));
            for name in left {
                let _ = Jail::open(&name).and_then(|jail| jail.remove());
            }
        }
    }
}
