//! Waiting for jails to die and to be gone.

#![allow(clippy::expect_used, clippy::indexing_slicing, clippy::panic, reason = "a test fails by panicking")]

mod common;

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use common::{exists, has_descriptors, jail, name, on_every_kernel};
use freebsd_jail::watch::{HeldJail, WaitOutcome};
use freebsd_jail::{ErrorKind, Jail, JailUpdate, Jid, sim};

const SOON: Duration = Duration::from_millis(50);
/// Longer than anything takes, on an emulated machine too.
const LONG: Duration = Duration::from_secs(60);

const DONE: WaitOutcome = WaitOutcome::Done(());
const TIMED_OUT: WaitOutcome = WaitOutcome::TimedOut(());

const SECOND: Duration = Duration::from_secs(1);
const MOST_CALLS: u64 = 30;

#[test]
fn waiting_for_a_removal_ends_with_it() {
    on_every_kernel(|_| {
        for by_number in [false, true] {
            let jail = jail("death");
            let same = if by_number { Jail::unpinned(jail.jid()) } else { jail.try_clone().expect("cloned") };
            assert_eq!(same.wait_dying(Some(Duration::ZERO)).expect("waited"), TIMED_OUT);
            let begun = Instant::now();
            assert_eq!(same.wait_dying(Some(SOON)).expect("waited"), TIMED_OUT);
            assert!(begun.elapsed() >= SOON);
            // Other events are not its end.
            jail.update(&JailUpdate::new().securelevel(1)).expect("updated");
            thread::scope(|scope| {
                let waiting = scope.spawn(|| same.wait_dying(None).expect("waited"));
                thread::sleep(SOON);
                jail.update(&JailUpdate::new().securelevel(2)).expect("updated");
                jail.remove().expect("removed");
                assert!(waiting.join().expect("joined").is_done());
            });
            assert_eq!(same.wait_dying(Some(Duration::ZERO)).expect("waited"), DONE);
            assert!(same.wait_dying(None).expect("waited").is_done());
        }
    });
}

#[test]
fn a_dying_jail_is_not_reported_as_gone() {
    on_every_kernel(|host| {
        let jail = jail("dying");
        let same = jail.try_clone().expect("cloned");
        let inmate = host.inmate(&jail);
        jail.remove().expect("removed");
        // The killed process is a zombie still, and holds the jail.
        assert_eq!(same.wait_dying(None).expect("waited"), DONE);
        assert!(same.wait_gone(Some(Duration::ZERO)).expect("waited").is_timed_out());
        assert!(same.wait_gone(Some(SOON)).expect("waited").is_timed_out());
        thread::scope(|scope| {
            let waiting = scope.spawn(|| same.wait_gone(None).expect("waited"));
            thread::sleep(SOON);
            assert!(!waiting.is_finished());
            inmate.bury();
            assert!(waiting.join().expect("joined").is_done());
        });
        assert!(same.wait_gone(None).expect("waited").is_done());
    });
}

#[test]
fn removing_and_waiting_are_one() {
    on_every_kernel(|host| {
        assert!(jail("one").remove_and_wait(Some(LONG)).expect("removed").is_done());
        let held = jail("held");
        let (jid, same) = (held.jid(), held.try_clone().expect("cloned"));
        let inmate = host.inmate(&held);
        assert!(held.remove_and_wait(Some(SOON)).expect("removed").is_timed_out());
        assert!(!exists(jid));
        inmate.bury();
        assert!(same.wait_gone(Some(LONG)).expect("waited").is_done());
        assert_eq!(same.remove_and_wait(None).expect_err("gone").kind(), ErrorKind::Gone);

        let persistent = Jail::builder().name(name("kept")).path("/").create_detached().expect("created");
        assert!(persistent.remove_and_wait(None).expect("removed").is_done());
    });
}

/// Begins to wait for the end of a living jail.
fn living(jail: &Jail) -> HeldJail {
    match jail.wait_gone(Some(Duration::ZERO)).expect("waited") {
        WaitOutcome::TimedOut(held) => held,
        WaitOutcome::Done(()) => panic!("it lives"),
    }
}

#[test]
fn a_dying_jail_is_not_gone_when_another_jail_gets_its_jid() {
    on_every_kernel(|host| {
        let jid = Jid::new(880_102).expect("above zero");
        let create = || Jail::builder().jid(jid).path("/").create();
        let first = create().expect("created");
        let same = first.try_clone().expect("cloned");
        let inmate = host.inmate(&first);
        thread::scope(|scope| {
            // The wait begins while the jail lives, however late the thread starts.
            let mut held = living(&same);
            let waiting = scope.spawn(move || held.wait_gone(Some(LONG)).expect("waited"));
            thread::sleep(SOON);
            first.remove().expect("removed");
            let second = create();
            if !has_descriptors() {
                let error = second.expect_err("a dying jail keeps its number");
                assert_eq!(error.kind(), ErrorKind::AlreadyExists);
            } else if let Ok(second) = second {
                assert!(exists(jid));
                thread::sleep(10 * SOON);
                assert!(!waiting.is_finished(), "the first one is dying still, under another number");
                // Nor if the new one goes.
                drop(second);
                thread::sleep(10 * SOON);
                assert!(!waiting.is_finished());
            }
            inmate.bury();
            assert!(waiting.join().expect("joined").is_done());
        });
    });
}

#[test]
fn a_jail_that_gets_the_jid_and_the_cpuset_of_a_gone_one_differs_from_it() {
    on_every_kernel(|_| {
        let jid = Jid::new(880_103).expect("above zero");
        let create = || Jail::builder().jid(jid).path("/").create().expect("created");
        let first = create();
        let same = first.try_clone().expect("cloned");
        first.remove().expect("removed");
        assert!(same.wait_gone(Some(LONG)).expect("waited").is_done());
        let _second = create();
        if same.descriptor().is_some() {
            assert!(same.wait_gone(Some(SOON)).expect("waited").is_done());
        } else {
            println!("skipped: a handle is a jid on this kernel, and refers to the new one");
        }
    });
}

#[test]
fn another_dying_jail_of_the_same_name_is_not_waited_for() {
    on_every_kernel(|host| {
        if !has_descriptors() {
            println!("skipped: on this kernel a dying jail keeps its name");
            return;
        }
        let same = name("same");
        let create = || Jail::builder().name(&same).path("/").create().expect("created");
        let first = create();
        let mut held = living(&first);
        let inmate = host.inmate(&first);
        first.remove().expect("removed");
        assert!(held.wait_gone(Some(SOON)).expect("waited").is_timed_out());
        let second = create();
        let other = host.inmate(&second);
        second.remove().expect("removed");
        inmate.bury();
        // It gets the cpuset of the first one.
        let _third = jail("third");
        assert!(held.wait_gone(Some(LONG)).expect("waited").is_done());
        other.bury();
    });
}

/// Counts the system calls of an action on the model, including the sleeps between them.
fn calls(host: &common::Host, action: impl FnOnce()) -> u64 {
    let before = host.calls().map_or(0, |calls| calls.total());
    action();
    let during = host.model().map_or(0, |model| model.calls().total()) - before;
    2 * during
}

#[test]
fn waiting_for_a_removal_does_not_spin() {
    on_every_kernel(|host| {
        let jail = jail("idle");
        let number = Jail::unpinned(jail.jid());
        for handle in [&*jail, &number] {
            let calls = calls(host, || {
                assert_eq!(handle.wait_dying(Some(SECOND)).expect("waited"), TIMED_OUT);
            });
            println!("a second takes {calls} system calls");
            assert!(calls < MOST_CALLS);
        }
    });
}

#[test]
fn waiting_for_the_end_does_not_spin() {
    on_every_kernel(|host| {
        let jail = jail("idle");
        let living = calls(host, || {
            assert!(jail.wait_gone(Some(SECOND)).expect("waited").is_timed_out());
        });
        let same = jail.try_clone().expect("cloned");
        let inmate = host.inmate(&jail);
        jail.remove().expect("removed");
        let dying = calls(host, || {
            assert!(same.wait_gone(Some(SECOND)).expect("waited").is_timed_out());
        });
        println!("a second takes {living} system calls for a living jail, {dying} for a dying one");
        assert!(living < MOST_CALLS && dying < MOST_CALLS);
        inmate.bury();
    });
}

#[test]
fn before_15_a_jail_is_polled() {
    on_every_kernel(|host| {
        if has_descriptors() {
            println!("skipped: this kernel has jail descriptors");
            return;
        }
        let before = host.model().map(sim::Kernel::calls);
        let jail = jail("old");
        let same = jail.try_clone().expect("cloned");
        assert_eq!(same.wait_dying(Some(SOON)).expect("waited"), TIMED_OUT);
        assert!(same.wait_gone(Some(SOON)).expect("waited").is_timed_out());
        thread::scope(|scope| {
            let dying = scope.spawn(|| same.wait_dying(Some(LONG)).expect("waited").is_done());
            let gone = scope.spawn(|| same.wait_gone(Some(LONG)).expect("waited").is_done());
            thread::sleep(SOON);
            jail.remove().expect("removed");
            assert!(dying.join().expect("joined") && gone.join().expect("joined"));
        });
        if let (Some(before), Some(model)) = (before, host.model()) {
            let calls = model.calls();
            assert_eq!((calls.kqueue, calls.kevent), (before.kqueue, before.kevent));
        }
    });
}

#[test]
fn t23_waiting_for_a_removal_registers_nothing_by_jid() {
    on_every_kernel(|host| {
        let jail = jail("pinned");
        let unpinned = Jail::unpinned(jail.jid());
        let before = host.calls();
        assert_eq!(unpinned.wait_dying(Some(Duration::ZERO)).expect("waited"), TIMED_OUT);
        if let (Some(before), Some(model)) = (before, host.model()) {
            let calls = model.calls();
            assert_eq!((calls.kqueue, calls.kevent), (before.kqueue, before.kevent));
            assert_eq!(calls.jail_get, before.jail_get + 1, "it is pinned, or looked at before 15");
        }
    });
}

#[test]
fn a_wait_by_jid_reports_why_it_gets_no_descriptor() {
    let host = common::host();
    let Some(model) = host.model() else {
        println!("skipped: the model alone can make the call fail");
        return;
    };
    let jail = jail("refused");
    let number = Jail::unpinned(jail.jid());
    model.fault(0, sim::Fault::Errno(libc::EPERM));
    let error = number.wait_dying(Some(SOON)).expect_err("refused");
    assert_eq!((model.faulted(), error.errno()), (Some("jail_get"), Some(libc::EPERM)));
    // Without a free descriptor, it polls.
    model.fault(0, sim::Fault::Errno(libc::EMFILE));
    assert_eq!(number.wait_dying(Some(SOON)).expect("waited"), TIMED_OUT);
}

#[test]
fn t55_a_jail_whose_descriptor_may_not_be_polled_is_read_instead() {
    let host = common::host();
    let Some(model) = host.model() else {
        println!("skipped: the model alone can take rights from a descriptor");
        return;
    };
    let jail = jail("rights");
    let same = jail.try_clone().expect("cloned");
    model.process().limit_rights(same.descriptor().expect("a descriptor")).expect("limited");
    assert_eq!(same.wait_dying(Some(SOON)).expect("waited"), TIMED_OUT);
    assert!(same.wait_gone(Some(SOON)).expect("waited").is_timed_out());
    jail.remove().expect("removed");
    assert_eq!(same.wait_dying(Some(LONG)).expect("waited"), DONE);
    assert!(same.wait_gone(Some(LONG)).expect("waited").is_done());
}

#[test]
fn a_jail_that_is_renamed_before_it_is_removed_is_followed_to_another_jid() {
    if common::real_kernel_accounts_resources() {
        println!("skipped: with kern.racct.enable no jail that has processes is renamed (T40)");
        return;
    }
    on_every_kernel(|host| {
        let jid = Jid::new(880_104).expect("above zero");
        let create = || Jail::builder().jid(jid).path("/").create();
        let first = create().expect("created");
        let same = first.try_clone().expect("cloned");
        let inmate = host.inmate(&first);
        thread::scope(|scope| {
            let mut held = living(&same);
            let waiting = scope.spawn(move || held.wait_gone(Some(LONG)).expect("waited").is_done());
            thread::sleep(SOON);
            first.update(&JailUpdate::new().name(name("renamed"))).expect("renamed");
            first.remove().expect("removed");
            // If another jail can get the jid, it does so before the first look or soon after.
            let second = create();
            assert_eq!(second.is_ok(), has_descriptors());
            thread::sleep(10 * SOON);
            assert!(!waiting.is_finished(), "the first one is dying still");
            drop(second);
            inmate.bury();
            assert!(waiting.join().expect("joined"));
        });
    });
}

/// Stops threads when it is dropped, also by a test that fails: otherwise it would wait for them.
struct Stop<'s>(&'s AtomicBool);

impl Drop for Stop<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// Creates and removes jails until it is stopped, eight of which are dying at any time, and returns their number.
fn churn(host: &common::Host, stop: &AtomicBool) -> u32 {
    let mut count = 0;
    let mut dying = VecDeque::new();
    while !stop.load(Ordering::Relaxed) {
        let jail = jail("churn");
        dying.push_back(host.inmate(&jail));
        jail.remove().expect("removed");
        if dying.len() == 8 {
            dying.pop_front().expect("eight").bury();
        }
        count += 1;
    }
    count
}

#[test]
fn a_wait_is_not_held_up_by_other_jails_that_come_and_go() {
    on_every_kernel(|host| {
        let held: Vec<(Jid, common::Inmate)> = (0..64)
            .map(|_| {
                let jail = jail("dying");
                let inmate = host.inmate(&jail);
                let jid = jail.jid();
                jail.remove().expect("removed");
                (jid, inmate)
            })
            .collect();
        let stop = AtomicBool::new(false);
        thread::scope(|scope| {
            let model = host.model().cloned();
            let stop = &stop;
            let stopping = Stop(stop);
            let churning: Vec<_> = (0..4)
                .map(|_| {
                    let model = model.clone();
                    scope.spawn(move || churn(&model.map_or_else(common::host, common::model), stop))
                })
                .collect();
            let begun = Instant::now();
            let mut rounds = 0;
            while rounds < 20 || begun.elapsed() < Duration::from_secs(1) {
                // A jail that is not held, and one that is held for a while.
                let free = jail("free");
                let held = jail("held");
                let inmate = host.inmate(&held);
                let patience = Some(LONG);
                assert!(free.remove_and_wait(patience).expect("removed").is_done(), "it is gone at once");
                let jid = held.jid();
                let WaitOutcome::TimedOut(mut held) =
                    held.remove_and_wait(Some(Duration::ZERO)).expect("removed")
                else {
                    panic!("a zombie holds it");
                };
                // It is not lost among them either, if another jail gets its jid.
                let second = Jail::builder().jid(jid).path("/").create();
                assert_eq!(held.wait_gone(Some(Duration::ZERO)).expect("waited"), TIMED_OUT);
                drop(second);
                assert_eq!(held.wait_gone(Some(Duration::ZERO)).expect("waited"), TIMED_OUT);
                inmate.bury();
                assert_eq!(held.wait_gone(patience).expect("waited"), DONE);
                rounds += 1;
            }
            drop(stopping);
            let churned: u32 = churning.into_iter().map(|thread| thread.join().expect("joined")).sum();
            println!("{rounds} waits beside {churned} jails that came and went, 64 dying");
            assert_ne!(churned, 0);
        });
        for (_, inmate) in held {
            inmate.bury();
        }
    });
}

#[cfg(target_os = "freebsd")]
mod released {
    use std::ffi::CString;
    use std::process::{Command, Stdio};

    use freebsd_jail::{Network, raw};
    use nix::mount::{MntFlags, unmount};

    use super::*;

    /// Runs one of the system's programs, and returns whether it succeeded.
    fn ran(program: &str, arguments: &[&str]) -> bool {
        Command::new(program)
            .args(arguments)
            .stdout(Stdio::null())
            .status()
            .is_ok_and(|status| status.success())
    }

    fn is_here(interface: &str) -> bool {
        let name = CString::new(interface).expect("a name");
        // SAFETY: the call only reads the string, which ends in NUL.
        unsafe { libc::if_nametoindex(name.as_ptr()) != 0 }
    }

    #[test]
    fn t49_once_a_jail_is_gone_its_root_can_be_unmounted_and_its_interfaces_are_back() {
        let root = std::env::temp_dir().join(name("root"));
        let root = root.to_str().expect("UTF-8");
        std::fs::create_dir(root).expect("made");
        let mount = || ran("/sbin/mount", &["-t", "tmpfs", "tmpfs", root]);
        if !mount() || !ran("/sbin/ifconfig", &["lo9", "create"]) {
            println!("skipped: there is no tmpfs or no interface to be had");
            return;
        }
        for round in 0..12 {
            // In every third round, a jail below has the network stack.
            let outer = Jail::builder().name(name("t49")).path(root).children_max(1);
            let (jail, inner) = if round % 3 == 0 {
                let jail = outer.create().expect("created");
                let inner = jail.child_builder().name("inner").path(root).network(Network::own_stack());
                let inner = inner.create_detached().expect("created");
                (jail, Some(inner))
            } else {
                (outer.network(Network::own_stack()).create().expect("created"), None)
            };
            inner.as_ref().unwrap_or(&jail).move_interface("lo9").expect("moved");
            // Asked at once: starting a program would give the kernel time.
            let released = || (unmount(root, MntFlags::empty()), is_here("lo9"));
            // Each second one is removed while another thread waits.
            let (gone, (unmounted, is_here)) = if round % 2 == 0 {
                (jail.remove_and_wait(Some(LONG)).expect("removed").is_done(), released())
            } else {
                let mut held = living(&jail);
                thread::scope(|scope| {
                    scope.spawn(move || {
                        // By jid, the kernel takes both jails off its list before it takes the stack apart.
                        raw::jail_remove(jail.jid()).expect("removed");
                        drop(jail);
                    });
                    (held.wait_gone(Some(LONG)).expect("waited").is_done(), released())
                })
            };
            assert_eq!((gone, unmounted, is_here), (true, Ok(()), true), "round {round}");
            assert!(mount());
        }
        assert!(ran("/sbin/umount", &[root]) && ran("/sbin/ifconfig", &["lo9", "destroy"]));
        std::fs::remove_dir(root).expect("removed");
    }
}

#[test]
fn without_jails_there_is_nothing_to_wait_for() {
    if cfg!(target_os = "freebsd") {
        println!("skipped: this host has jails");
        return;
    }
    let jail = Jail::unpinned(Jid::new(1).expect("above zero"));
    assert_eq!(jail.wait_dying(None).expect_err("no jails").kind(), ErrorKind::Unsupported);
    assert_eq!(jail.wait_gone(None).map(drop).expect_err("no jails").kind(), ErrorKind::Unsupported);
}
