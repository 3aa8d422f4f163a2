//! Watching jails, and waiting for their end.

#![allow(clippy::expect_used, clippy::indexing_slicing, clippy::panic, reason = "a test fails by panicking")]

mod common;

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader};
use std::os::fd::AsFd;
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use common::{exists, has_descriptors, host, name, on_every_kernel};
use freebsd_jail::{
    ErrorKind, Event, EventKind, Features, Jail, JailState, Jid, Notes, OwnedJail, Request, SetFlags,
    Snapshot, Waited, WatchId, Watcher, param, raw, sim,
};
use nix::fcntl::{FcntlArg, FdFlag, fcntl};
use nix::poll::{PollFd, PollFlags, poll};

const SOON: Duration = Duration::from_millis(50);
/// Longer than anything takes, on an emulated machine too.
const LONG: Duration = Duration::from_secs(60);

fn jail(what: &str) -> OwnedJail {
    Jail::builder().name(name(what)).path("/").children_max(50).create().expect("created")
}

fn kinds(event: &Event) -> Vec<EventKind> {
    event.kinds().collect()
}

/// The next event, which has to be there.
fn next(watcher: &Watcher) -> Event {
    watcher.try_next().expect("asked").expect("an event")
}

fn nothing(watcher: &Watcher) {
    assert_eq!(watcher.try_next().expect("asked"), None);
}

fn is_readable(watcher: &Watcher) -> bool {
    let mut asked = [PollFd::new(watcher.as_fd(), PollFlags::POLLIN)];
    poll(&mut asked, 0_u8).expect("poll") == 1
}

/// Runs a test on every kernel that has events.
fn on_every_kernel_with_events(test: impl Fn(&common::Host)) {
    on_every_kernel(|host| {
        if host.has_descriptors() {
            test(host);
        }
    });
}

#[test]
fn a_change_is_told() {
    on_every_kernel_with_events(|_| {
        let jail = jail("changed");
        let watcher = Watcher::new().expect("a watcher");
        let watch = watcher.watch(&jail).expect("watched");
        nothing(&watcher);
        jail.update().securelevel(1).apply().expect("updated");
        let event = next(&watcher);
        assert_eq!(kinds(&event), [EventKind::Changed]);
        assert_eq!(event.jid(), Some(jail.jid()));
        assert_eq!(event.watch(), watch);
        assert!(!event.is_several() && !event.is_removed());
        nothing(&watcher);
        // One that changes nothing is told as well.
        jail.update().securelevel(1).apply().expect("updated");
        assert_eq!(kinds(&next(&watcher)), [EventKind::Changed]);
    });
}

#[test]
fn a_refused_change_is_none() {
    on_every_kernel_with_events(|_| {
        let (jail, other) = (jail("refused"), jail("taken"));
        let watcher = Watcher::new().expect("a watcher");
        watcher.watch(&jail).expect("watched");
        let taken = other.get(param::NAME).expect("read");
        jail.update().name(taken).apply().expect_err("the name is taken");
        nothing(&watcher);
    });
}

#[test]
fn a_created_child_is_told_with_its_number() {
    on_every_kernel_with_events(|_| {
        let outer = jail("outer");
        let watcher = Watcher::new().expect("a watcher");
        watcher.watch(&outer).expect("watched");
        let inner = outer.child_builder().name("inner").path("/").children_max(1).create().expect("created");
        let event = next(&watcher);
        assert_eq!(kinds(&event), [EventKind::ChildCreated { jid: Some(inner.jid()) }]);
        assert_eq!(event.jid(), Some(outer.jid()));
        // Grandchildren are not told of, and neither is a child's end.
        let innermost = inner.child_builder().name("innermost").path("/").create().expect("created");
        drop(innermost);
        drop(inner);
        nothing(&watcher);
    });
}

#[test]
fn a_process_that_enters_is_told_with_its_number() {
    on_every_kernel_with_events(|host| {
        let jail = jail("entered");
        let watcher = Watcher::new().expect("a watcher");
        watcher.watch(&jail).expect("watched");
        let inmate = host.inmate(&jail);
        let event = next(&watcher);
        // How it was entered decides whether that is a change, too.
        let entered: Vec<_> = event.kinds().filter(|kind| *kind != EventKind::Changed).collect();
        assert_eq!(entered, [EventKind::Entered { pid: Some(inmate.pid()) }]);
        nothing(&watcher);
        jail.remove().expect("removed");
        inmate.bury();
    });
}

#[test]
fn a_removal_is_told_once() {
    on_every_kernel_with_events(|_| {
        let jail = jail("removed");
        let watcher = Watcher::new().expect("a watcher");
        let same = jail.try_clone().expect("cloned");
        watcher.watch(&same).expect("watched");
        let jid = jail.jid();
        jail.remove().expect("removed");
        let event = next(&watcher);
        assert_eq!(kinds(&event), [EventKind::Removed]);
        assert_eq!(event.jid(), Some(jid));
        assert!(event.is_removed());
        nothing(&watcher);
        watcher.unwatch(&same).expect("that it has ended is no error");
    });
}

#[test]
fn the_removal_of_a_jail_above_is_told_of_each_jail() {
    on_every_kernel_with_events(|_| {
        let outer = jail("above");
        let inner = outer.child_builder().name("below").path("/").create_persistent().expect("created");
        let watcher = Watcher::new().expect("a watcher");
        let ids = [outer.jid(), inner.jid()].map(|jid| watcher.watch_jid(jid).expect("watched"));
        outer.remove().expect("removed");
        let mut told: Vec<_> = watcher.pending().map(|event| event.expect("an event")).collect();
        told.sort_by_key(Event::watch);
        assert!(told.iter().all(|event| kinds(event) == [EventKind::Removed]), "{told:?}");
        assert_eq!(told.iter().map(Event::watch).collect::<Vec<_>>(), ids);
    });
}

#[test]
fn this_process_s_own_jail_tells_of_new_jails() {
    on_every_kernel_with_events(|_| {
        let watcher = Watcher::new().expect("a watcher");
        let watch = watcher.watch_own().expect("watched");
        let jail = jail("new");
        let event = next(&watcher);
        assert_eq!(kinds(&event), [EventKind::ChildCreated { jid: Some(jail.jid()) }]);
        assert_eq!((event.jid(), event.watch()), (None, watch));
        watcher.unwatch_own().expect("unwatched");
        let _other = self::jail("newer");
        nothing(&watcher);
    });
}

#[test]
fn inside_a_jail_own_means_that_jail() {
    on_every_kernel_with_events(|host| {
        let outer = jail("inside");
        let _beside = jail("beside");
        if let Some(model) = host.model() {
            let inmate = model.process().fork();
            inmate.run(|| outer.attach()).expect("attached");
            inmate.run(|| watch_from_inside(outer.jid()));
        } else {
            let jid = outer.jid().to_string();
            run(Command::new("/usr/sbin/jexec").arg(&jid).arg(this_program()), "child_inside", &jid);
        }
    });
}

#[test]
#[ignore = "run by the test above, in a process of its own"]
fn child_inside() {
    watch_from_inside(told());
}

fn watch_from_inside(outer: Jid) {
    let watcher = Watcher::new().expect("a watcher");
    watcher.watch_own().expect("watched");
    assert_eq!(watcher.watch_jid(outer).expect_err("it cannot be seen").kind(), ErrorKind::NotFound);
    let inner = Jail::builder().name("inner").path("/").create().expect("created");
    let event = next(&watcher);
    assert_eq!(kinds(&event), [EventKind::ChildCreated { jid: Some(inner.jid()) }]);
    assert_eq!(event.jid(), None);
}

/// The program of these tests.
fn this_program() -> PathBuf {
    std::env::current_exe().expect("this program")
}

/// Runs one of these tests in a process of its own, which is told of a jail.
fn run(command: &mut Command, test: &str, jid: &str) {
    let command = command.args(["--exact", test, "--ignored", "--nocapture"]);
    let status = command.env("FREEBSD_JAIL_TEST_JID", jid).current_dir("/").status().expect("run");
    assert!(status.success(), "{test}: {status}");
}

/// The jail that such a process is told of.
fn told() -> Jid {
    std::env::var("FREEBSD_JAIL_TEST_JID").expect("told").parse().expect("a number")
}

#[test]
fn several_of_a_kind_are_told_at_once_without_a_number() {
    on_every_kernel_with_events(|host| {
        let outer = jail("several");
        let watcher = Watcher::new().expect("a watcher");
        watcher.watch(&outer).expect("watched");
        let children =
            ["a", "b", "c"].map(|name| outer.child_builder().name(name).path("/").create().expect("created"));
        let event = next(&watcher);
        assert_eq!(kinds(&event), [EventKind::ChildCreated { jid: None }]);
        assert!(event.is_several());
        nothing(&watcher);
        // What was read is forgotten: the next one has its number again.
        let one_more = outer.child_builder().name("d").path("/").create().expect("created");
        let event = next(&watcher);
        assert_eq!(kinds(&event), [EventKind::ChildCreated { jid: Some(one_more.jid()) }]);
        assert!(!event.is_several());

        let inmates = [host.inmate(&outer), host.inmate(&outer)];
        let event = next(&watcher);
        assert!(event.is_several() && event.notes().contains(Notes::ATTACH));
        assert!(kinds(&event).contains(&EventKind::Entered { pid: None }));
        drop(children);
        outer.remove().expect("removed");
        inmates.into_iter().for_each(common::Inmate::bury);
    });
}

#[test]
fn different_kinds_are_told_at_once() {
    on_every_kernel_with_events(|host| {
        let outer = jail("kinds");
        let same = outer.try_clone().expect("cloned");
        let watcher = Watcher::new().expect("a watcher");
        watcher.watch(&same).expect("watched");
        let inner = outer.child_builder().name("a").path("/").create().expect("created");
        outer.update().securelevel(1).apply().expect("updated");
        let event = next(&watcher);
        assert_eq!(kinds(&event), [EventKind::ChildCreated { jid: Some(inner.jid()) }, EventKind::Changed]);

        let _second = outer.child_builder().name("b").path("/").create().expect("created");
        let inmate = host.inmate(&outer);
        outer.update().securelevel(2).apply().expect("updated");
        outer.remove().expect("removed");
        let event = next(&watcher);
        // A child and a process share the one number that an event has.
        assert_eq!(
            kinds(&event),
            [
                EventKind::ChildCreated { jid: None },
                EventKind::Changed,
                EventKind::Entered { pid: None },
                EventKind::Removed
            ]
        );
        assert!(event.is_several());
        nothing(&watcher);
        inmate.bury();
    });
}

#[test]
fn a_jail_removed_before_it_is_watched_says_so() {
    on_every_kernel_with_events(|_| {
        let jail = jail("before");
        let (same, number) = (jail.try_clone().expect("cloned"), Jail::from_jid(jail.jid()));
        let jid = jail.jid();
        jail.remove().expect("removed");
        let watcher = Watcher::new().expect("a watcher");
        watcher.watch(&same).expect("watched");
        let event = next(&watcher);
        assert_eq!((kinds(&event), event.jid()), (vec![EventKind::Removed], Some(jid)));
        nothing(&watcher);
        // By number there is nothing to be watched.
        assert_eq!(watcher.watch(&number).expect_err("gone").kind(), ErrorKind::Gone);
        assert_eq!(watcher.watch_jid(jid).expect_err("gone").kind(), ErrorKind::NotFound);
    });
}

#[test]
fn a_watch_ends_with_the_handle_and_when_it_is_told_to() {
    on_every_kernel_with_events(|_| {
        let jail = jail("ends");
        let same = jail.try_clone().expect("cloned");
        let watcher = Watcher::new().expect("a watcher");
        watcher.watch(&same).expect("watched");
        jail.update().securelevel(1).apply().expect("updated");
        watcher.unwatch(&same).expect("unwatched");
        nothing(&watcher);
        watcher.unwatch(&same).expect("once more");

        watcher.watch(&same).expect("watched");
        jail.update().securelevel(1).apply().expect("updated");
        drop(same);
        nothing(&watcher);

        watcher.watch_jid(jail.jid()).expect("watched");
        watcher.unwatch_jid(jail.jid()).expect("unwatched");
        jail.remove().expect("removed");
        nothing(&watcher);
    });
}

#[test]
fn the_removal_by_dropping_the_watched_handle_is_told_by_number_only() {
    on_every_kernel_with_events(|_| {
        let watcher = Watcher::new().expect("a watcher");
        let jail = jail("dropped");
        let by_handle = watcher.watch(&jail).expect("watched");
        let by_number = watcher.watch_jid(jail.jid()).expect("watched");
        drop(jail);
        let told: Vec<_> = watcher.pending().map(|event| event.expect("an event").watch()).collect();
        assert_eq!(told, [by_number]);
        assert_ne!(by_handle, by_number);
    });
}

#[test]
fn two_jails_of_one_number_are_told_apart() {
    on_every_kernel_with_events(|_| {
        let jid = Jid::new(880_101).expect("above zero");
        let create = || Jail::builder().jid(jid).path("/").create().expect("created");
        let watcher = Watcher::new().expect("a watcher");

        let first = create();
        let same = first.try_clone().expect("cloned");
        let first_watch = watcher.watch(&same).expect("watched");
        first.remove().expect("removed");
        let second = create();
        let second_watch = watcher.watch(&second).expect("watched");
        let event = next(&watcher);
        assert_eq!((event.jid(), event.watch()), (Some(jid), first_watch));
        second.update().securelevel(1).apply().expect("updated");
        let event = next(&watcher);
        assert_eq!((event.jid(), event.watch()), (Some(jid), second_watch));

        // By number, the new watch replaces one whose last event was not read.
        watcher.unwatch(&second).expect("unwatched");
        watcher.watch_jid(jid).expect("watched");
        second.remove().expect("removed");
        let third = create();
        let third_watch = watcher.watch_jid(jid).expect("watched");
        third.update().securelevel(1).apply().expect("updated");
        let event = next(&watcher);
        assert_eq!((kinds(&event), event.watch()), (vec![EventKind::Changed], third_watch));
        nothing(&watcher);
    });
}

#[test]
fn watching_again_gives_another_id_and_no_second_event() {
    on_every_kernel_with_events(|_| {
        let jail = jail("again");
        let watcher = Watcher::new().expect("a watcher");
        let first = watcher.watch(&jail).expect("watched");
        let second = watcher.watch(&jail).expect("watched");
        assert_ne!(first, second);
        jail.update().securelevel(1).apply().expect("updated");
        let event = next(&watcher);
        assert_eq!((event.jid(), event.watch()), (Some(jail.jid()), second));
        nothing(&watcher);
    });
}

#[test]
fn the_watcher_s_descriptor_is_readable_while_there_are_events() {
    on_every_kernel_with_events(|_| {
        let watcher = Watcher::new().expect("a watcher");
        let flags = fcntl(watcher.as_fd(), FcntlArg::F_GETFD).expect("fcntl");
        assert!(FdFlag::from_bits_retain(flags).contains(FdFlag::FD_CLOEXEC));
        let jails = [jail("readable"), jail("too")];
        for jail in &jails {
            watcher.watch(jail).expect("watched");
        }
        assert!(!is_readable(&watcher));
        for jail in &jails {
            jail.update().securelevel(1).apply().expect("updated");
        }
        assert!(is_readable(&watcher));
        next(&watcher);
        assert!(is_readable(&watcher), "there is one more");
        next(&watcher);
        assert!(!is_readable(&watcher));
        jails[0].update().securelevel(1).apply().expect("updated");
        assert!(is_readable(&watcher));
    });
}

#[test]
fn two_hundred_jails_are_watched_together() {
    on_every_kernel_with_events(|_| {
        const COUNT: usize = 200;
        let watcher = Watcher::new().expect("a watcher");
        let jails: Vec<OwnedJail> = (0..COUNT).map(|_| jail("many")).collect();
        let handles: Vec<Jail> = jails.iter().map(|jail| jail.try_clone().expect("cloned")).collect();
        let ids: BTreeSet<WatchId> =
            handles.iter().map(|jail| watcher.watch(jail).expect("watched")).collect();
        assert_eq!(ids.len(), COUNT);
        let numbers: BTreeSet<Jid> = handles.iter().map(Jail::jid).collect();

        let drain = |kind: EventKind| {
            let mut events = Vec::new();
            while events.len() < COUNT {
                let before = events.len();
                let count = watcher.wait_many(&mut events, Some(SOON)).expect("read");
                assert_eq!(events.len(), before + count);
                assert_ne!(count, 0, "only {before} events");
            }
            nothing(&watcher);
            assert!(events.iter().all(|event| kinds(event) == [kind]), "{events:?}");
            let told: BTreeSet<WatchId> = events.iter().map(Event::watch).collect();
            assert_eq!((events.len(), &told), (COUNT, &ids));
            assert_eq!(events.iter().filter_map(Event::jid).collect::<BTreeSet<_>>(), numbers);
        };
        for jail in &jails {
            jail.update().securelevel(1).apply().expect("updated");
        }
        drain(EventKind::Changed);
        drop(jails);
        drain(EventKind::Removed);
    });
}

#[test]
fn a_waiting_thread_is_woken_by_an_event() {
    on_every_kernel_with_events(|_| {
        let jail = jail("woken");
        let watcher = Watcher::new().expect("a watcher");
        watcher.watch(&jail).expect("watched");
        thread::scope(|scope| {
            let waiting = scope.spawn(|| watcher.wait().expect("an event"));
            thread::sleep(SOON);
            jail.update().securelevel(1).apply().expect("updated");
            assert_eq!(kinds(&waiting.join().expect("joined")), [EventKind::Changed]);
        });
        let begun = Instant::now();
        assert_eq!(watcher.wait_timeout(SOON).expect("waited"), None);
        assert!(begun.elapsed() >= SOON);
    });
}

#[test]
fn closing_an_owning_descriptor_wakes_a_waiting_thread() {
    on_every_kernel_with_events(|_| {
        let mut request = Request::new();
        request.string("name", name("closed")).expect("a name");
        request.string("path", "/").expect("a path").flag("persist").expect("persistent");
        let flags = SetFlags::CREATE | SetFlags::OWN_DESC;
        let reply = raw::jail_set(&mut request, raw::At::None, flags).expect("created");
        let owning = reply.descriptor.expect("a descriptor");
        let watcher = Watcher::new().expect("a watcher");
        watcher.watch_jid(reply.jid).expect("watched");
        thread::scope(|scope| {
            let waiting = scope.spawn(|| watcher.wait_timeout(LONG).expect("waited"));
            thread::sleep(SOON);
            // No call about jails is made.
            drop(owning);
            assert!(waiting.join().expect("joined").expect("an event").is_removed());
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
        jail.update().securelevel(1).apply().expect("updated");
        let told = receiver.recv_timeout(LONG).expect("told");
        assert_eq!(kinds(&told), [EventKind::Changed]);
        jail.remove().expect("removed");
        assert!(receiver.recv_timeout(LONG).expect("told").is_removed());
        waiting.join().expect("joined");
    });
}

#[test]
fn a_watched_handle_may_be_dropped_while_another_thread_waits() {
    on_every_kernel_with_events(|_| {
        let (jail, other) = (jail("gone"), jail("stays"));
        let watcher = Watcher::new().expect("a watcher");
        watcher.watch(&jail).expect("watched");
        watcher.watch(&other).expect("watched");
        thread::scope(|scope| {
            let waiting = scope.spawn(|| watcher.wait_timeout(LONG).expect("waited"));
            thread::sleep(SOON);
            drop(jail);
            thread::sleep(SOON);
            other.update().securelevel(1).apply().expect("updated");
            let mut event = waiting.join().expect("joined").expect("an event");
            if event.is_removed() {
                // Removal and close are two calls: a reader that waits may come in between.
                event = watcher.wait_timeout(LONG).expect("waited").expect("an event");
            }
            assert_eq!((kinds(&event), event.jid()), (vec![EventKind::Changed], Some(other.jid())));
        });
    });
}

#[test]
fn a_dropped_watcher_leaves_the_jails_alone() {
    on_every_kernel_with_events(|_| {
        let jail = jail("unwatched");
        let watcher = Watcher::new().expect("a watcher");
        watcher.watch(&jail).expect("watched");
        jail.update().securelevel(1).apply().expect("updated");
        drop(watcher);
        jail.update().securelevel(2).apply().expect("updated");
        assert!(jail.is_alive().expect("asked"));
        assert!(exists(jail.jid()));
    });
}

#[test]
fn a_jail_of_another_kernel_is_refused() {
    let [one, other] = [sim::Kernel::new(), sim::Kernel::new()];
    let here = common::model(one);
    let watcher = Watcher::new().expect("a watcher");
    let there = common::model(other);
    let jail = jail("elsewhere");
    for handle in [&*jail, &Jail::from_jid(jail.jid())] {
        assert_eq!(watcher.watch(handle).expect_err("elsewhere").kind(), ErrorKind::InvalidDescriptor);
        assert_eq!(watcher.unwatch(handle).expect_err("elsewhere").kind(), ErrorKind::InvalidDescriptor);
    }
    drop(jail);
    drop(there);
    drop(here);
}

#[test]
fn anybody_may_watch_what_they_see() {
    on_every_kernel_with_events(|host| {
        let jail = jail("seen");
        if let Some(model) = host.model() {
            let user = model.process().fork();
            user.setuid(1001).expect("another user");
            let (same, watcher) = user.run(|| watch_without_privilege(jail.jid()));
            jail.remove().expect("removed");
            assert_eq!(watcher.pending().count(), 2);
            drop(same);
        } else {
            let mut child = Command::new(this_program())
                .args(["--exact", "child_without_privilege", "--ignored", "--nocapture"])
                .env("FREEBSD_JAIL_TEST_JID", jail.jid().to_string())
                .current_dir("/")
                .uid(65534)
                .stdout(Stdio::piped())
                .spawn()
                .expect("started");
            let mut output = BufReader::new(child.stdout.take().expect("piped")).lines();
            assert!(output.any(|line| line.expect("text") == "watching"));
            jail.remove().expect("removed");
            output.for_each(|line| println!("{}", line.expect("text")));
            assert!(child.wait().expect("ended").success());
        }
    });
}

#[test]
#[ignore = "run by the test above, in a process of its own"]
fn child_without_privilege() {
    let (_same, watcher) = watch_without_privilege(told());
    println!("\nwatching");
    for _ in 0..2 {
        assert!(watcher.wait_timeout(LONG).expect("waited").expect("an event").is_removed());
    }
}

fn watch_without_privilege(jid: Jid) -> (Jail, Watcher) {
    let jail = Jail::open(jid).expect("opened");
    jail.update().securelevel(1).apply().expect_err("without privilege");
    let watcher = Watcher::new().expect("a watcher");
    watcher.watch(&jail).expect("watched");
    watcher.watch_jid(jid).expect("watched");
    watcher.watch_own().expect("watched");
    (jail, watcher)
}

#[test]
fn kernels_before_15_have_waits_and_no_events() {
    on_every_kernel(|host| {
        if has_descriptors() {
            println!("skipped: this kernel has events");
            return;
        }
        let _ = Features::current();
        let before = host.model().map(sim::Kernel::calls);
        let error = Watcher::new().expect_err("no events");
        assert_eq!((error.kind(), error.call()), (ErrorKind::Unsupported, None));
        // Found out without a call: such a kernel is sent no filter that it does not know.
        assert_eq!(host.model().map(sim::Kernel::calls), before);

        let jail = jail("old");
        let same = jail.try_clone().expect("cloned");
        assert_eq!(same.wait_dying(Some(SOON)).expect("waited"), Waited::TimedOut);
        assert_eq!(same.wait_gone(Some(SOON)).expect("waited"), Waited::TimedOut);
        thread::scope(|scope| {
            let waits = [
                scope.spawn(|| same.wait_dying(Some(LONG)).expect("waited")),
                scope.spawn(|| same.wait_gone(Some(LONG)).expect("waited")),
            ];
            thread::sleep(SOON);
            jail.remove().expect("removed");
            for wait in waits {
                assert_eq!(wait.join().expect("joined"), Waited::Removed);
            }
        });
        if let (Some(before), Some(model)) = (before, host.model()) {
            let calls = model.calls();
            assert_eq!((calls.kqueue, calls.kevent), (before.kqueue, before.kevent));
        }
    });
}

#[test]
fn waiting_for_death_ends_with_it() {
    on_every_kernel(|_| {
        for by_number in [false, true] {
            let jail = jail("death");
            let same = if by_number { Jail::from_jid(jail.jid()) } else { jail.try_clone().expect("cloned") };
            assert_eq!(same.wait_dying(Some(Duration::ZERO)).expect("waited"), Waited::TimedOut);
            let begun = Instant::now();
            assert_eq!(same.wait_dying(Some(SOON)).expect("waited"), Waited::TimedOut);
            assert!(begun.elapsed() >= SOON);
            // What else happens to it is no end.
            jail.update().securelevel(1).apply().expect("updated");
            thread::scope(|scope| {
                let waiting = scope.spawn(|| same.wait_dying(None).expect("waited"));
                thread::sleep(SOON);
                jail.update().securelevel(2).apply().expect("updated");
                jail.remove().expect("removed");
                assert_eq!(waiting.join().expect("joined"), Waited::Removed);
            });
            assert_eq!(same.wait_dying(Some(Duration::ZERO)).expect("waited"), Waited::Removed);
            assert!(same.wait_dying(None).expect("waited").is_removed());
        }
    });
}

#[test]
fn dying_is_not_taken_for_gone() {
    on_every_kernel(|host| {
        let jail = jail("dying");
        let same = jail.try_clone().expect("cloned");
        let inmate = host.inmate(&jail);
        jail.remove().expect("removed");
        // The killed process is a zombie still, and holds the jail.
        assert_eq!(same.wait_dying(None).expect("waited"), Waited::Removed);
        assert_eq!(same.wait_gone(Some(Duration::ZERO)).expect("waited"), Waited::TimedOut);
        assert_eq!(same.wait_gone(Some(SOON)).expect("waited"), Waited::TimedOut);
        thread::scope(|scope| {
            let waiting = scope.spawn(|| same.wait_gone(None).expect("waited"));
            thread::sleep(SOON);
            assert!(!waiting.is_finished());
            inmate.bury();
            assert_eq!(waiting.join().expect("joined"), Waited::Removed);
        });
        assert_eq!(same.wait_gone(None).expect("waited"), Waited::Removed);
    });
}

#[test]
fn removing_and_waiting_are_one() {
    on_every_kernel(|host| {
        assert_eq!(jail("one").remove_and_wait(Some(LONG)).expect("removed"), Waited::Removed);
        let held = jail("held");
        let (jid, same) = (held.jid(), held.try_clone().expect("cloned"));
        let inmate = host.inmate(&held);
        assert_eq!(held.remove_and_wait(Some(SOON)).expect("removed"), Waited::TimedOut);
        assert!(!exists(jid));
        inmate.bury();
        assert_eq!(same.wait_gone(Some(LONG)).expect("waited"), Waited::Removed);
        assert_eq!(same.remove_and_wait(None).expect_err("gone").kind(), ErrorKind::Gone);

        let persistent = Jail::builder().name(name("kept")).path("/").create_persistent().expect("created");
        assert!(persistent.remove_and_wait(None).expect("removed").is_removed());
    });
}

#[test]
fn a_dying_jail_is_not_taken_for_gone_when_its_number_is_given_away() {
    on_every_kernel(|host| {
        let jid = Jid::new(880_102).expect("above zero");
        let create = || Jail::builder().jid(jid).path("/").create();
        let first = create().expect("created");
        let same = first.try_clone().expect("cloned");
        let inmate = host.inmate(&first);
        thread::scope(|scope| {
            let waiting = scope.spawn(|| same.wait_gone(Some(LONG)).expect("waited"));
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
            assert_eq!(waiting.join().expect("joined"), Waited::Removed);
        });
    });
}

#[test]
fn a_jail_that_gets_the_number_and_the_cpuset_of_a_gone_one_is_another() {
    on_every_kernel(|_| {
        let jid = Jid::new(880_103).expect("above zero");
        let create = || Jail::builder().jid(jid).path("/").create().expect("created");
        let first = create();
        let same = first.try_clone().expect("cloned");
        first.remove().expect("removed");
        assert_eq!(same.wait_gone(Some(LONG)).expect("waited"), Waited::Removed);
        let _second = create();
        if same.descriptor().is_some() {
            assert_eq!(same.wait_gone(Some(SOON)).expect("waited"), Waited::Removed);
        } else {
            println!("skipped: a handle is a number on this kernel, and means the new one");
        }
    });
}

/// The system calls of an action, where they can be counted: those that the model answered, and as many sleeps as
/// there may have been between them.
fn calls(host: &common::Host, action: impl FnOnce()) -> u64 {
    let before = host.calls().map_or(0, |calls| calls.total());
    action();
    let during = host.model().map_or(0, |model| model.calls().total()) - before;
    2 * during
}

const SECOND: Duration = Duration::from_secs(1);
const MOST_CALLS: u64 = 30;

#[test]
fn waiting_for_death_is_no_busy_loop() {
    on_every_kernel(|host| {
        let jail = jail("idle");
        let number = Jail::from_jid(jail.jid());
        for handle in [&*jail, &number] {
            let calls = calls(host, || {
                assert_eq!(handle.wait_dying(Some(SECOND)).expect("waited"), Waited::TimedOut);
            });
            println!("a second takes {calls} system calls");
            assert!(calls < MOST_CALLS);
        }
    });
}

#[test]
fn waiting_for_the_end_is_no_busy_loop() {
    on_every_kernel(|host| {
        let jail = jail("idle");
        let living = calls(host, || {
            assert_eq!(jail.wait_gone(Some(SECOND)).expect("waited"), Waited::TimedOut);
        });
        let same = jail.try_clone().expect("cloned");
        let inmate = host.inmate(&jail);
        jail.remove().expect("removed");
        let dying = calls(host, || {
            assert_eq!(same.wait_gone(Some(SECOND)).expect("waited"), Waited::TimedOut);
        });
        println!("a second takes {living} system calls for a living jail, {dying} for a dying one");
        assert!(living < MOST_CALLS && dying < MOST_CALLS);
        inmate.bury();
    });
}

#[test]
fn a_watcher_waits_in_one_system_call() {
    on_every_kernel_with_events(|host| {
        let watcher = Watcher::new().expect("a watcher");
        watcher.watch_own().expect("watched");
        let calls = calls(host, || {
            assert_eq!(watcher.wait_timeout(SECOND).expect("waited"), None);
        });
        assert!(calls <= 2, "{calls}");
    });
}

#[test]
fn dying_jails_are_listed_on_request() {
    on_every_kernel(|host| {
        let outer = jail("lists");
        let inner = outer.child_builder().name("inner").path("/").create().expect("created");
        let jid = inner.jid();
        let inmate = host.inmate(&inner);
        inner.remove().expect("removed");
        let children = |dying: bool| {
            let children = outer.children().dying(dying).get((param::JID, param::DYING));
            children.map(|child| child.expect("read")).collect::<Vec<_>>()
        };
        assert_eq!(children(false), []);
        assert_eq!(children(true), [(jid, true)]);
        let all = |dying: bool| {
            let all: Vec<Jail> =
                Jail::all().dying(dying).into_iter().map(|jail| jail.expect("a handle")).collect();
            all.iter().any(|jail| jail.jid() == jid)
        };
        assert!(!all(false) && all(true));
        inmate.bury();
    });
}

#[test]
fn a_snapshot_agrees_with_the_listing() {
    on_every_kernel(|host| {
        let outer = Jail::builder()
            .name(name("outer"))
            .path("/")
            .hostname("outer.example.org")
            .ip4([[127, 0, 0, 1].into(), [127, 0, 0, 2].into()])
            .children_max(2)
            .create()
            .expect("created");
        let _inner = outer.child_builder().name("inner").path("/").hostname("").create().expect("created");
        let _beside = Jail::builder().name(name("beside")).path("/").create().expect("created");
        let dying = jail("dying");
        let jid = dying.jid();
        let inmate = host.inmate(&dying);
        dying.remove().expect("removed");

        let snapshot = Snapshot::take().expect("taken");
        let mut listed: Vec<_> = Jail::all()
            .dying(true)
            .get((param::JID, param::NAME, param::PATH, param::HOST_HOSTNAME, param::DYING))
            .map(|entry| entry.expect("read"))
            .collect();
        let mut seen: Vec<_> = snapshot
            .iter()
            .map(|entry| {
                let dying = match entry.state() {
                    JailState::Alive => false,
                    JailState::Dying => true,
                    other => panic!("{other:?}"),
                };
                assert_eq!(entry.is_alive(), !dying);
                let (name, path, hostname) = (entry.name(), entry.path(), entry.hostname());
                (entry.jid(), name.to_owned(), path.to_owned(), hostname.to_owned(), dying)
            })
            .collect();
        seen.sort();
        listed.sort();
        assert_eq!(seen, listed);
        assert_eq!(snapshot.len(), listed.len());
        assert!(!snapshot.is_empty());
        let found = snapshot.into_iter().find(|entry| entry.jid() == jid).expect("dying jails are in it");
        assert_eq!(found.state(), JailState::Dying);
        inmate.bury();
    });
}

#[test]
fn a_snapshot_of_many_jails_is_one_sysctl() {
    let host = host();
    let jails: Vec<OwnedJail> = (0..100).map(|_| jail("snapped")).collect();
    let before = host.calls();
    let snapshot = Snapshot::take().expect("taken");
    if let (Some(before), Some(after)) = (before, host.model().map(sim::Kernel::calls)) {
        assert_eq!(after.total() - before.total(), after.sysctl - before.sysctl);
        // Its numbers, its length, itself.
        assert_eq!(after.sysctl - before.sysctl, 3);
    }
    for jail in &jails {
        assert!(snapshot.iter().any(|entry| entry.jid() == jail.jid()));
    }
}

#[test]
fn without_jails_there_is_nothing_to_watch() {
    if cfg!(target_os = "freebsd") {
        println!("skipped: this host has jails");
        return;
    }
    assert_eq!(Watcher::new().expect_err("no jails").kind(), ErrorKind::Unsupported);
    assert_eq!(Snapshot::take().expect_err("no jails").kind(), ErrorKind::Unsupported);
    let jail = Jail::from_jid(Jid::new(1).expect("above zero"));
    assert_eq!(jail.wait_dying(None).expect_err("no jails").kind(), ErrorKind::Unsupported);
    assert_eq!(jail.wait_gone(None).expect_err("no jails").kind(), ErrorKind::Unsupported);
}

#[test]
fn watchers_and_events_go_to_other_threads() {
    fn check<T: Send + Sync>() {}
    check::<Watcher>();
    check::<Event>();
    check::<Snapshot>();
}
