//! Watching and waiting beside removals in another thread.

#![allow(clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

mod common;

use std::hint::spin_loop;
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use common::events::on_every_kernel_with_events;
use common::name;
use freebsd_jail::{ErrorKind, Jail, Jid, Watcher, raw};

/// Longer than anything takes, on an emulated machine too.
const LONG: Duration = Duration::from_secs(60);

/// How long one test runs: FREEBSD_JAIL_TEST_SECONDS, or 9 on a real kernel, 1 on a model. When jails were watched by
/// jid, a real kernel panicked within 20,000 rounds.
fn duration() -> Duration {
    let asked = std::env::var("FREEBSD_JAIL_TEST_SECONDS").ok();
    let seconds = asked.map(|seconds| seconds.parse().expect("a number of seconds"));
    Duration::from_secs(seconds.unwrap_or(if cfg!(target_os = "freebsd") { 9 } else { 1 }))
}

/// Runs rounds, each with a jail that another thread removes at some moment, and returns their number.
fn beside_removals(host: &common::Host, mut round: impl FnMut(Jid)) -> u32 {
    let model = host.model().cloned();
    let (sender, receiver) = mpsc::channel::<(Jid, u32)>();
    thread::scope(|scope| {
        scope.spawn(move || {
            let _host = model.map_or_else(common::host, common::model);
            for (jid, delay) in receiver {
                for _ in 0..delay {
                    spin_loop();
                }
                raw::jail_remove(jid).expect("removed");
            }
        });
        let begun = Instant::now();
        let mut rounds = 0;
        while begun.elapsed() < duration() {
            let jail = Jail::builder().name(name("race")).path("/").create_detached().expect("created");
            sender.send((jail.jid(), rounds * 37 % 4000)).expect("sent");
            round(jail.jid());
            rounds += 1;
        }
        drop(sender);
        rounds
    })
}

#[test]
fn t23_a_jail_that_is_removed_while_it_is_being_watched_is_reported() {
    on_every_kernel_with_events(|host| {
        let watcher = Watcher::new().expect("a watcher");
        let mut still_there = 0;
        let rounds = beside_removals(host, |jid| match watcher.watch_jid(jid) {
            Ok(watch) => {
                still_there += 1;
                let event =
                    watcher.wait(Some(LONG)).expect("waited").done().expect("the removal is not lost");
                assert_eq!((event.watch(), event.is_removed()), (watch, true));
            }
            Err(error) => assert_eq!(error.kind(), ErrorKind::NotFound, "{error}"),
        });
        println!("{still_there} of {rounds} jails were still there when they were watched");
        assert_ne!(still_there, 0);
        assert_eq!(watcher.try_next().expect("asked"), None);
    });
}

#[test]
fn t23_a_wait_by_jid_ends_with_a_removal_at_the_same_moment() {
    on_every_kernel_with_events(|host| {
        let rounds = beside_removals(host, |jid| {
            let outcome = Jail::unpinned(jid).wait_dying(Some(LONG)).expect("waited");
            assert!(outcome.is_done(), "the removal is not lost");
        });
        println!("{rounds} jails");
        assert_ne!(rounds, 0);
    });
}
