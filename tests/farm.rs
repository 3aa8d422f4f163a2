//! The build farm of the example with that name.

#![allow(clippy::expect_used, clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod common;

use std::fs;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::thread;
use std::time::{Duration, Instant};

use common::process::alone;
use common::{is_confining, name};
use freebsd_jail::{Jail, param, sim};

#[path = "../examples/farm.rs"]
#[allow(dead_code, unreachable_pub, reason = "the example's own")]
mod farm;

use farm::{Farm, Outcome};

/// Runs a test in a process of its own, in which all threads have the kernel.
fn on_a_kernel(test: &str, body: impl FnOnce()) {
    alone(test, || {
        let model = (!is_confining()).then(sim::Kernel::new);
        let _guard = model.as_ref().map(|model| {
            model.allow_exec(true);
            model.install_for_process()
        });
        body();
        let prefix = format!("farm-{}-", std::process::id());
        let left = Jail::all().dying(true).get(param::NAME).map(|name| name.expect("read"));
        let left: Vec<_> = left.filter(|name| name.to_string_lossy().starts_with(&prefix)).collect();
        assert!(left.is_empty(), "{left:?}");
    });
}

fn farm(jobs: usize, time: Duration) -> Farm {
    let logs = std::env::temp_dir().join(name("farm"));
    fs::create_dir_all(&logs).expect("made");
    Farm { root: PathBuf::from("/"), logs, jobs, time, cancelled: Arc::default() }
}

fn builds(scripts: &[&str]) -> Vec<String> {
    scripts.iter().map(|script| (*script).to_owned()).collect()
}

#[test]
fn builds_run_and_what_they_say_is_kept() {
    on_a_kernel("builds_run_and_what_they_say_is_kept", || {
        let farm = farm(3, Duration::from_secs(60));
        let scripts: Vec<_> = (0..8).map(|number| format!("echo build {number}; exit {number}")).collect();
        let outcomes = farm.run(&scripts);
        for (number, outcome) in outcomes.iter().enumerate() {
            let Outcome::Done(status) = outcome else { panic!("{outcome:?}") };
            assert_eq!(status.code(), i32::try_from(number).ok());
            let log = fs::read_to_string(farm.logs.join(format!("{number}.log"))).expect("a log");
            assert_eq!(log, format!("build {number}\n"));
        }
        assert_eq!(outcomes.len(), 8);
        fs::remove_dir_all(&farm.logs).expect("removed");
    });
}

#[test]
fn a_build_that_takes_too_long_is_ended() {
    on_a_kernel("a_build_that_takes_too_long_is_ended", || {
        let farm = farm(2, Duration::from_secs(5));
        let started = Instant::now();
        let outcomes = farm.run(&builds(&["exec sleep 1000", "exit 0", "sleep 1000 & exec sleep 1000"]));
        assert!(started.elapsed() < Duration::from_secs(60));
        assert_eq!([outcomes.first(), outcomes.get(2)], [Some(&Outcome::TimedOut); 2]);
        assert!(matches!(outcomes.get(1), Some(Outcome::Done(status)) if status.success()), "{outcomes:?}");
        fs::remove_dir_all(&farm.logs).expect("removed");
    });
}

#[test]
fn a_farm_that_is_cancelled_ends_all_builds() {
    on_a_kernel("a_farm_that_is_cancelled_ends_all_builds", || {
        let farm = farm(2, Duration::from_secs(600));
        let cancelled = Arc::clone(&farm.cancelled);
        let cancelling = thread::spawn(move || {
            thread::sleep(Duration::from_millis(500));
            cancelled.store(true, Ordering::Relaxed);
        });
        let outcomes = farm.run(&builds(&["exec sleep 1000"; 4]));
        cancelling.join().expect("joined");
        assert!(outcomes.iter().all(|outcome| *outcome == Outcome::Cancelled), "{outcomes:?}");
        fs::remove_dir_all(&farm.logs).expect("removed");
    });
}

#[test]
fn a_build_that_cannot_start_fails_and_the_others_go_on() {
    on_a_kernel("a_build_that_cannot_start_fails_and_the_others_go_on", || {
        let farm = farm(1, Duration::from_secs(60));
        let outcomes = farm.run(&builds(&["nul\0inside", "exit 0"]));
        let failed = matches!(outcomes.first(), Some(Outcome::Failed(reason)) if reason.contains("NUL"));
        assert!(failed, "{outcomes:?}");
        assert!(matches!(outcomes.get(1), Some(Outcome::Done(status)) if status.success()), "{outcomes:?}");
        fs::remove_dir_all(&farm.logs).expect("removed");
    });
}
