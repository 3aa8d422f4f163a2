//! The lifetime of watches, and their descriptors.

#![allow(clippy::expect_used, clippy::indexing_slicing, clippy::panic, reason = "a test fails by panicking")]

mod common;

use std::collections::BTreeSet;
use std::fs::File;
use std::os::fd::AsRawFd;
use std::sync::Arc;
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use common::events::{kinds, next, nothing, on_every_kernel_with_events};
use common::fork::in_child;
use common::process::{alone, renumbered};
use common::{exists, jail};
use freebsd_jail::watch::{Event, EventKind, WatchId};
use freebsd_jail::{ErrorKind, Jail, JailUpdate, Jid, Watcher, param, raw, sim};

const SOON: Duration = Duration::from_millis(50);
/// Longer than anything takes, on an emulated machine too.
const LONG: Duration = Duration::from_secs(60);

#[test]
fn events_are_appended_and_counted_without_those_before() {
    on_every_kernel_with_events(|_| {
        let jail = jail("many");
        let watcher = Watcher::new().expect("a queue");
        watcher.watch(&jail).expect("watched");
        let mut events = Vec::new();
        assert!(watcher.wait_many(&mut events, Some(SOON)).expect("waited").is_timed_out());
        for level in [0, 1, 2] {
            jail.set(param::SECURELEVEL, level).expect("set");
            assert_eq!(watcher.wait_many(&mut events, Some(LONG)).expect("read").done(), Some(1));
        }
        assert_eq!(events.len(), 3);
    });
}

#[test]
fn a_removal_is_reported_once_and_ends_the_watch() {
    on_every_kernel_with_events(|_| {
        let jail = jail("removed");
        let watcher = Watcher::new().expect("a watcher");
        let watch = watcher.watch(&jail).expect("watched");
        let jid = jail.jid();
        // The handle's own removal is not lost.
        jail.remove().expect("removed");
        let event = next(&watcher);
        assert_eq!(kinds(&event), [EventKind::Removed]);
        assert_eq!((event.jid(), event.watch()), (Some(jid), watch));
        assert!(event.is_removed());
        nothing(&watcher);
        assert!(!watcher.unwatch(watch).expect("asked"), "it has ended");
    });
}

#[test]
fn a_watch_outlives_the_handle_that_it_was_made_with() {
    on_every_kernel_with_events(|_| {
        let jail = jail("outlives");
        let jid = jail.jid();
        let watcher = Watcher::new().expect("a watcher");
        let by_opening = watcher.watch(&Jail::open(jid).expect("opened")).expect("watched");
        let by_jid = watcher.watch(&Jail::unpinned(jid)).expect("watched");
        let mut listed = Vec::new();
        for each in Jail::all() {
            let each = each.expect("listed");
            if each.jid() == jid {
                listed.push(watcher.watch(&each).expect("watched"));
            }
        }
        let by_owner = watcher.watch(&jail).expect("watched");
        jail.update(&JailUpdate::new().securelevel(1)).expect("updated");
        let told: BTreeSet<WatchId> =
            watcher.pending().map(|event| event.expect("an event").watch()).collect();
        let all = BTreeSet::from([by_opening, by_jid, listed[0], by_owner]);
        assert_eq!(told, all);
        // Dropping the owner removes the jail, and its removal is reported.
        drop(jail);
        let told: Vec<Event> = watcher.pending().map(|event| event.expect("an event")).collect();
        assert!(told.iter().all(Event::is_removed), "{told:?}");
        assert_eq!(told.iter().map(Event::watch).collect::<BTreeSet<_>>(), all);
    });
}

#[test]
fn a_watch_holds_no_copy_of_an_owning_descriptor() {
    on_every_kernel_with_events(|host| {
        let watcher = Watcher::new().expect("a watcher");
        let owned = jail("owned");
        watcher.watch(&owned).expect("watched");
        drop(owned.into_descriptor().expect("it has one"));
        assert!(next(&watcher).is_removed());
        // A handle that was made of any descriptor may own its jail.
        let owning = jail("given").into_descriptor().expect("it has one");
        let given = Jail::try_from(owning).expect("a jail's");
        let clone = given.try_clone().expect("cloned");
        watcher.watch(&clone).expect("watched");
        drop((given, clone));
        assert!(next(&watcher).is_removed());
        let Some(model) = host.model() else { return };
        // Others are copied, which takes no call.
        let owned = jail("copied");
        let clone = owned.try_clone().expect("cloned");
        let clone = clone.try_clone().expect("cloned");
        model.reset_calls();
        watcher.watch(&clone).expect("watched");
        assert_eq!(model.calls().jail_get, 0);
        model.fault(0, sim::Fault::Errno(libc::EMFILE));
        let error = watcher.watch(&owned).expect_err("no descriptor");
        assert_eq!(error.kind(), ErrorKind::ResourceExhausted, "{error}");
    });
}

#[test]
fn a_watch_does_not_keep_a_removed_jail_from_going() {
    on_every_kernel_with_events(|_| {
        let jail = jail("goes");
        let jid = jail.jid();
        let watcher = Watcher::new().expect("a watcher");
        let ids = [watcher.watch(&jail).expect("watched"), watcher.watch_jid(jid).expect("watched")];
        assert!(jail.remove_and_wait(Some(LONG)).expect("removed").is_done());
        let found = Jail::all()
            .dying(true)
            .get(param::JID)
            .find(|found| found.as_ref().is_ok_and(|found| *found == jid));
        assert!(found.is_none(), "nothing of it is listed, though no event was read");
        let told: BTreeSet<WatchId> =
            watcher.pending().map(|event| event.expect("an event").watch()).collect();
        assert_eq!(told, BTreeSet::from(ids));
    });
}

/// The number that the next descriptor of this process gets.
fn next_number() -> i32 {
    File::open("/dev/null").expect("opened").as_raw_fd()
}

fn is_open(number: i32) -> bool {
    // SAFETY: takes numbers and touches no memory; any number may be asked about.
    unsafe { libc::fcntl(number, libc::F_GETFD) != -1 }
}

#[test]
fn a_watch_holds_one_descriptor_until_it_ends() {
    alone("a_watch_holds_one_descriptor_until_it_ends", || {
        on_every_kernel_with_events(|_| {
            let watcher = Watcher::new().expect("a watcher");
            let jail = jail("held");
            let dup = next_number();
            let watch = watcher.watch(&jail).expect("watched");
            assert!(is_open(dup));
            assert!(watcher.unwatch(watch).expect("unwatched"));
            assert!(!is_open(dup), "unwatch closes it");

            let own = next_number();
            watcher.watch_jid(jail.jid()).expect("watched");
            assert!(is_open(own));
            jail.remove().expect("removed");
            assert!(is_open(own));
            assert!(next(&watcher).is_removed());
            assert!(!is_open(own), "reading the removal closes it");

            let other = self::jail("other");
            let last = next_number();
            watcher.watch(&other).expect("watched");
            assert!(is_open(last));
            drop(watcher);
            assert!(!is_open(last), "dropping the watcher closes it");
        });
    });
}

#[test]
fn an_ended_watch_reports_nothing_more() {
    on_every_kernel_with_events(|_| {
        let jail = jail("ends");
        let watcher = Watcher::new().expect("a watcher");
        let watch = watcher.watch(&jail).expect("watched");
        jail.update(&JailUpdate::new().securelevel(1)).expect("updated");
        assert!(watcher.unwatch(watch).expect("unwatched"));
        nothing(&watcher);
        assert!(!watcher.unwatch(watch).expect("asked"));
        let other = watcher.watch_jid(jail.jid()).expect("watched");
        assert!(!watcher.unwatch(watch).expect("asked"), "an old id ends no new watch");
        jail.update(&JailUpdate::new().securelevel(2)).expect("updated");
        assert_eq!(next(&watcher).watch(), other);
        assert!(watcher.unwatch(other).expect("unwatched"));
        jail.remove().expect("removed");
        nothing(&watcher);
    });
}

#[test]
fn a_jail_removed_before_it_is_watched_is_reported_as_removed() {
    on_every_kernel_with_events(|_| {
        let jail = jail("before");
        let (same, unpinned) = (jail.try_clone().expect("cloned"), Jail::unpinned(jail.jid()));
        let jid = jail.jid();
        raw::jail_remove(jid).expect("removed");
        let watcher = Watcher::new().expect("a watcher");
        let next_jail = || Jail::builder().jid(jid).path("/").create().expect("created");
        for (handle, _next) in [(&same, None), (&*jail, None), (&*jail, Some(next_jail()))] {
            watcher.watch(handle).expect("watched");
            let event = next(&watcher);
            assert_eq!((kinds(&event), event.jid()), (vec![EventKind::Removed], Some(jid)));
            nothing(&watcher);
        }
        // By jid there is nothing to watch.
        assert_eq!(watcher.watch(&unpinned).expect_err("gone").kind(), ErrorKind::Gone);
        assert_eq!(watcher.watch_jid(jid).expect_err("gone").kind(), ErrorKind::NotFound);
    });
}

#[test]
fn two_jails_of_one_jid_are_distinguished() {
    on_every_kernel_with_events(|_| {
        let jid = Jid::new(880_101).expect("above zero");
        let create = || Jail::builder().jid(jid).path("/").create().expect("created");
        let watcher = Watcher::new().expect("a watcher");

        let first = create();
        let first_watch = watcher.watch_jid(jid).expect("watched");
        first.remove().expect("removed");
        let second = create();
        let second_watch = watcher.watch_jid(jid).expect("watched");
        second.update(&JailUpdate::new().securelevel(1)).expect("updated");
        let event = next(&watcher);
        assert_eq!((event.jid(), event.watch()), (Some(jid), first_watch));
        assert!(event.is_removed());
        let event = next(&watcher);
        assert_eq!((event.jid(), event.watch()), (Some(jid), second_watch));
        assert!(!event.is_removed());
        nothing(&watcher);
    });
}

#[test]
fn each_watch_of_a_jail_has_events_of_its_own() {
    on_every_kernel_with_events(|_| {
        let jail = jail("again");
        let watcher = Watcher::new().expect("a watcher");
        let first = watcher.watch(&jail).expect("watched");
        let second = watcher.watch(&jail).expect("watched");
        assert_ne!(first, second);
        jail.update(&JailUpdate::new().securelevel(1)).expect("updated");
        let told: Vec<_> = watcher.pending().map(|event| event.expect("an event").watch()).collect();
        assert_eq!(told.iter().copied().collect::<BTreeSet<_>>(), BTreeSet::from([first, second]));
        assert_eq!(told.len(), 2);
        assert!(watcher.unwatch(first).expect("unwatched"));
        jail.update(&JailUpdate::new().securelevel(2)).expect("updated");
        assert_eq!(next(&watcher).watch(), second);
        nothing(&watcher);
    });
}

#[test]
fn a_watch_may_be_ended_while_another_thread_waits() {
    on_every_kernel_with_events(|_| {
        let (jail, other) = (jail("ended"), jail("stays"));
        let watcher = Watcher::new().expect("a watcher");
        let watch = watcher.watch(&jail).expect("watched");
        watcher.watch(&other).expect("watched");
        thread::scope(|scope| {
            let waiting = scope.spawn(|| watcher.wait(Some(LONG)).expect("waited").done());
            thread::sleep(SOON);
            assert!(watcher.unwatch(watch).expect("unwatched"));
            jail.remove().expect("removed");
            thread::sleep(SOON);
            other.update(&JailUpdate::new().securelevel(1)).expect("updated");
            let event = waiting.join().expect("joined").expect("an event");
            assert_eq!((kinds(&event), event.jid()), (vec![EventKind::Changed], Some(other.jid())));
        });
    });
}

#[test]
fn a_watcher_may_be_dropped_while_another_thread_waits() {
    on_every_kernel_with_events(|_| {
        let jail = jail("shared");
        let same = jail.try_clone().expect("cloned");
        let watcher = Arc::new(Watcher::new().expect("a watcher"));
        watcher.watch(&same).expect("watched");
        let (sender, receiver) = mpsc::channel();
        let waiting = {
            let watcher = Arc::clone(&watcher);
            thread::spawn(move || {
                for event in watcher.events() {
                    let event = event.expect("an event");
                    sender.send(event).expect("sent");
                    if event.is_removed() {
                        break;
                    }
                }
            })
        };
        thread::sleep(SOON);
        // The waiting thread's share keeps the queue; it goes with that.
        drop(watcher);
        jail.update(&JailUpdate::new().securelevel(1)).expect("updated");
        let told = receiver.recv_timeout(LONG).expect("told");
        assert_eq!(kinds(&told), [EventKind::Changed]);
        jail.remove().expect("removed");
        assert!(receiver.recv_timeout(LONG).expect("told").is_removed());
        waiting.join().expect("joined");
    });
}

#[test]
fn a_dropped_watcher_leaves_the_jails_alone() {
    on_every_kernel_with_events(|_| {
        let jail = jail("unwatched");
        let watcher = Watcher::new().expect("a watcher");
        watcher.watch(&jail).expect("watched");
        jail.update(&JailUpdate::new().securelevel(1)).expect("updated");
        drop(watcher);
        jail.update(&JailUpdate::new().securelevel(2)).expect("updated");
        assert!(jail.is_alive().expect("asked"));
        assert!(exists(jail.jid()));
    });
}

#[test]
fn a_jail_of_another_kernel_is_refused() {
    let of_no_model = Jail::unpinned(Jid::new(1).expect("above zero"));
    let [one, other] = [sim::Kernel::new(), sim::Kernel::new()];
    let here = common::model(one);
    let watcher = Watcher::new().expect("a watcher");
    let there = common::model(other);
    let jail = jail("elsewhere");
    for handle in [&*jail, &Jail::unpinned(jail.jid()), &of_no_model] {
        assert_eq!(watcher.watch(handle).expect_err("elsewhere").kind(), ErrorKind::InvalidDescriptor);
    }
    drop(jail);
    drop(there);
    drop(here);
}

#[test]
fn a_forked_child_has_no_watcher_and_closes_nothing_of_others() {
    const TEST: &str = "a_forked_child_has_no_watcher_and_closes_nothing_of_others";
    alone(TEST, || {
        on_every_kernel_with_events(|_| {
            let jail = jail("forked");
            let watcher = Watcher::new().expect("a watcher");
            let watch = watcher.watch(&jail).expect("watched");
            jail.update(&JailUpdate::new().securelevel(1)).expect("updated");
            let mut watcher = Some(watcher);
            in_child(|| {
                let child = watcher.take().expect("inherited");
                let refused = [
                    child.watch(&jail).map(drop),
                    child.watch_jid(jail.jid()).map(drop),
                    child.watch_own().map(drop),
                    child.unwatch(watch).map(drop),
                    child.wait(Some(Duration::ZERO)).map(drop),
                    child.try_next().map(drop),
                    child.wait_many(&mut Vec::new(), None).map(drop),
                    child.pending().next().expect("an answer").map(drop),
                ];
                for result in refused {
                    let error = result.expect_err("refused");
                    assert_eq!((error.kind(), error.call()), (ErrorKind::OtherProcess, None));
                    assert!(error.to_string().contains("make one there"), "{error}");
                }
                // The number of the queue is another file's now.
                let number = child.as_raw_fd();
                let null = File::open("/dev/null").expect("opened");
                let file = renumbered(null, number);
                drop(child);
                assert!(file.metadata().is_ok(), "dropping the watcher left it open");
            });
            let watcher = watcher.expect("the child took a copy");
            let event = next(&watcher);
            assert_eq!((kinds(&event), event.watch()), (vec![EventKind::Changed], watch));
        });
    });
}

#[test]
fn t54_a_watch_of_the_host_stays_the_host_s_after_the_process_has_attached() {
    on_every_kernel_with_events(|host| {
        let Some(model) = host.model() else {
            println!("skipped: attaching cannot be undone");
            return;
        };
        let outer = jail("attached");
        let process = model.process().fork();
        let watcher = process.run(|| {
            let watcher = Watcher::new().expect("a watcher");
            watcher.watch_own().expect("watched");
            outer.attach().expect("attached");
            assert_eq!(watcher.watch_own().expect_err("refused").kind(), ErrorKind::Unsupported);
            let _inner = Jail::builder().name("inner").path("/").create().expect("created");
            nothing(&watcher);
            watcher
        });
        let beside = jail("beside");
        let event = process.run(|| next(&watcher));
        assert_eq!(kinds(&event), [EventKind::ChildCreated { jid: Some(beside.jid()) }]);
        assert!(process.run(|| watcher.unwatch(event.watch())).expect("unwatched"));
    });
}
