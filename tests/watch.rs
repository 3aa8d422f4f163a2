//! Events of jails.

#![allow(clippy::expect_used, clippy::indexing_slicing, clippy::panic, reason = "a test fails by panicking")]

mod common;

use std::collections::BTreeSet;
use std::fs::File;
use std::io::{BufRead, BufReader};
use std::os::fd::AsFd;
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use common::events::{kinds, next, nothing, on_every_kernel_with_events};
use common::process::alone;
use common::{has_descriptors, jail, name, on_every_kernel};
use freebsd_jail::watch::{Event, EventFlags, EventKind, WaitOutcome, WatchId};
use freebsd_jail::{
    ErrorKind, Features, Jail, JailUpdate, Jid, OwnedJail, Watcher, param,
    raw::{self, Request, SetFlags},
    sim,
};
use nix::fcntl::{FcntlArg, FdFlag, fcntl};
use nix::poll::{PollFd, PollFlags, poll};

const SOON: Duration = Duration::from_millis(50);
/// Longer than anything takes, on an emulated machine too.
const LONG: Duration = Duration::from_secs(60);

fn is_readable(watcher: &Watcher) -> bool {
    let mut asked = [PollFd::new(watcher.as_fd(), PollFlags::POLLIN)];
    poll(&mut asked, 0_u8).expect("poll") == 1
}

#[test]
fn a_change_is_reported() {
    on_every_kernel_with_events(|_| {
        let jail = jail("changed");
        let watcher = Watcher::new().expect("a watcher");
        let watch = watcher.watch(&jail).expect("watched");
        nothing(&watcher);
        jail.update(&JailUpdate::new().securelevel(1)).expect("updated");
        let event = next(&watcher);
        assert_eq!(kinds(&event), [EventKind::Changed]);
        assert_eq!(event.jid(), Some(jail.jid()));
        assert_eq!(event.watch(), watch);
        assert!(!event.is_several() && !event.is_removed());
        nothing(&watcher);
        // An update that changes nothing is an event, too.
        jail.update(&JailUpdate::new().securelevel(1)).expect("updated");
        assert_eq!(kinds(&next(&watcher)), [EventKind::Changed]);
    });
}

#[test]
fn a_refused_change_is_not_reported() {
    on_every_kernel_with_events(|_| {
        let (jail, other) = (jail("refused"), jail("taken"));
        let watcher = Watcher::new().expect("a watcher");
        watcher.watch(&jail).expect("watched");
        let taken = other.get(param::NAME).expect("read");
        jail.update(&JailUpdate::new().name(taken)).expect_err("the name is taken");
        nothing(&watcher);
    });
}

#[test]
fn a_created_child_is_reported_with_its_jid() {
    on_every_kernel_with_events(|_| {
        let outer = jail("outer");
        let watcher = Watcher::new().expect("a watcher");
        watcher.watch(&outer).expect("watched");
        let inner = outer.child_builder().name("inner").path("/").children_max(1).create().expect("created");
        let event = next(&watcher);
        assert_eq!(kinds(&event), [EventKind::ChildCreated { jid: Some(inner.jid()) }]);
        assert_eq!(event.jid(), Some(outer.jid()));
        // Grandchildren are not reported, and neither is a child's end.
        let innermost = inner.child_builder().name("innermost").path("/").create().expect("created");
        drop(innermost);
        drop(inner);
        nothing(&watcher);
    });
}

#[test]
fn a_process_that_attaches_is_reported_with_its_pid() {
    on_every_kernel_with_events(|host| {
        let jail = jail("attached");
        let watcher = Watcher::new().expect("a watcher");
        watcher.watch(&jail).expect("watched");
        let inmate = host.inmate(&jail);
        let event = next(&watcher);
        // The way of attaching decides whether that is an update as well.
        let attached: Vec<_> = event.kinds().filter(|kind| *kind != EventKind::Changed).collect();
        assert_eq!(attached, [EventKind::Attached { pid: Some(inmate.pid()) }]);
        nothing(&watcher);
        jail.remove().expect("removed");
        inmate.bury();
    });
}

#[test]
fn several_of_a_kind_are_one_event_without_a_jid_or_pid() {
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
        // Reading resets the event: the next one has its jid again.
        let one_more = outer.child_builder().name("d").path("/").create().expect("created");
        let event = next(&watcher);
        assert_eq!(kinds(&event), [EventKind::ChildCreated { jid: Some(one_more.jid()) }]);
        assert!(!event.is_several());

        let inmates = [host.inmate(&outer), host.inmate(&outer)];
        let event = next(&watcher);
        assert!(event.is_several() && event.flags().contains(EventFlags::ATTACH));
        assert!(kinds(&event).contains(&EventKind::Attached { pid: None }));
        drop(children);
        outer.remove().expect("removed");
        inmates.into_iter().for_each(common::Inmate::bury);
    });
}

#[test]
fn different_kinds_are_one_event() {
    on_every_kernel_with_events(|host| {
        let outer = jail("kinds");
        let same = outer.try_clone().expect("cloned");
        let watcher = Watcher::new().expect("a watcher");
        watcher.watch(&same).expect("watched");
        let inner = outer.child_builder().name("a").path("/").create().expect("created");
        outer.update(&JailUpdate::new().securelevel(1)).expect("updated");
        let event = next(&watcher);
        assert_eq!(kinds(&event), [EventKind::ChildCreated { jid: Some(inner.jid()) }, EventKind::Changed]);

        let _second = outer.child_builder().name("b").path("/").create().expect("created");
        let inmate = host.inmate(&outer);
        outer.update(&JailUpdate::new().securelevel(2)).expect("updated");
        outer.remove().expect("removed");
        let event = next(&watcher);
        // A child and a process share the single data field of an event.
        assert_eq!(
            kinds(&event),
            [
                EventKind::ChildCreated { jid: None },
                EventKind::Changed,
                EventKind::Attached { pid: None },
                EventKind::Removed
            ]
        );
        assert!(event.is_several());
        nothing(&watcher);
        inmate.bury();
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
            jail.update(&JailUpdate::new().securelevel(1)).expect("updated");
        }
        assert!(is_readable(&watcher));
        next(&watcher);
        assert!(is_readable(&watcher), "there is one more");
        next(&watcher);
        assert!(!is_readable(&watcher));
        jails[0].update(&JailUpdate::new().securelevel(1)).expect("updated");
        assert!(is_readable(&watcher));
    });
}

#[test]
fn two_hundred_jails_are_watched_together() {
    on_every_kernel_with_events(|_| {
        const COUNT: usize = 200;
        let watcher = Watcher::new().expect("a watcher");
        let jails: Vec<OwnedJail> = (0..COUNT).map(|_| jail("many")).collect();
        let ids: BTreeSet<WatchId> = jails.iter().map(|jail| watcher.watch(jail).expect("watched")).collect();
        assert_eq!(ids.len(), COUNT);
        let numbers: BTreeSet<Jid> = jails.iter().map(|jail| jail.jid()).collect();

        let drain = |kind: EventKind| {
            let mut events = Vec::new();
            while events.len() < COUNT {
                let before = events.len();
                let count = watcher.wait_many(&mut events, Some(SOON)).expect("read").done();
                assert_eq!(Some(events.len() - before), count, "only {before} events");
            }
            nothing(&watcher);
            assert!(events.iter().all(|event| kinds(event) == [kind]), "{events:?}");
            let told: BTreeSet<WatchId> = events.iter().map(Event::watch).collect();
            assert_eq!((events.len(), &told), (COUNT, &ids));
            assert_eq!(events.iter().filter_map(Event::jid).collect::<BTreeSet<_>>(), numbers);
        };
        for jail in &jails {
            jail.update(&JailUpdate::new().securelevel(1)).expect("updated");
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
            let waiting = scope.spawn(|| watcher.wait(None).expect("waited").done().expect("an event"));
            thread::sleep(SOON);
            jail.update(&JailUpdate::new().securelevel(1)).expect("updated");
            assert_eq!(kinds(&waiting.join().expect("joined")), [EventKind::Changed]);
        });
        let begun = Instant::now();
        assert_eq!(watcher.wait(Some(SOON)).expect("waited"), WaitOutcome::TimedOut(()));
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
            let waiting = scope.spawn(|| watcher.wait(Some(LONG)).expect("waited").done());
            thread::sleep(SOON);
            // No call about jails is made.
            drop(owning);
            assert!(waiting.join().expect("joined").expect("an event").is_removed());
        });
    });
}

#[test]
fn the_removal_of_a_jail_above_is_reported_of_each_jail() {
    on_every_kernel_with_events(|_| {
        let outer = jail("above");
        let inner = outer.child_builder().name("below").path("/").create_detached().expect("created");
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
fn the_host_reports_new_jails() {
    on_every_kernel_with_events(|_| {
        let watcher = Watcher::new().expect("a watcher");
        let first = watcher.watch_own().expect("watched");
        let jail = jail("new");
        let event = next(&watcher);
        assert_eq!((event.jid(), event.watch()), (None, first));
        assert_eq!(kinds(&event), [EventKind::ChildCreated { jid: Some(jail.jid()) }]);
        // Watched again, what has not been read is kept, and comes with the new id.
        let other = self::jail("newer");
        let second = watcher.watch_own().expect("watched");
        let event = next(&watcher);
        assert_eq!(event.watch(), second);
        assert_eq!(kinds(&event), [EventKind::ChildCreated { jid: Some(other.jid()) }]);
        assert!(!watcher.unwatch(first).expect("asked"), "it was replaced");
        assert!(watcher.unwatch(second).expect("unwatched"));
        let _newest = self::jail("newest");
        nothing(&watcher);
    });
}

#[test]
fn a_watch_of_the_host_that_the_kernel_has_ended_ends_all_the_same() {
    let host = common::host();
    let Some(model) = host.model() else {
        println!("skipped: the model alone can make the call fail");
        return;
    };
    let watcher = Watcher::new().expect("a watcher");
    let watch = watcher.watch_own().expect("watched");
    model.fault(0, sim::Fault::Errno(libc::ENOENT));
    assert!(watcher.unwatch(watch).expect("it is gone"));
    assert_eq!(model.faulted(), Some("kevent"));
    let watch = watcher.watch_own().expect("watched");
    model.fault(0, sim::Fault::Errno(libc::ENOMEM));
    assert_eq!(watcher.unwatch(watch).expect_err("it fails").errno(), Some(libc::ENOMEM));
}

#[test]
fn t38_the_own_jail_is_not_watched_inside_a_jail() {
    on_every_kernel_with_events(|host| {
        let outer = jail("inside");
        if let Some(model) = host.model() {
            let inmate = model.process().fork();
            inmate.run(|| outer.attach()).expect("attached");
            let before = model.calls().kevent;
            inmate.run(|| {
                let watcher = Watcher::new().expect("a watcher");
                let error = watcher.watch_own().expect_err("refused");
                assert_eq!((error.kind(), error.call()), (ErrorKind::Unsupported, None));
                assert!(error.to_string().contains("in a jail"), "{error}");
            });
            assert_eq!(model.calls().kevent, before, "the kernel was not asked");
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
    assert_eq!(watcher.watch_own().expect_err("refused").kind(), ErrorKind::Unsupported);
    assert_eq!(watcher.watch_jid(outer).expect_err("it cannot be seen").kind(), ErrorKind::NotFound);
    let inner = Jail::builder().name("inner").path("/").create().expect("created");
    let watch = watcher.watch(&inner).expect("a jail below can be watched");
    drop(inner);
    let event = next(&watcher);
    assert_eq!((kinds(&event), event.watch()), (vec![EventKind::Removed], watch));
}

#[test]
fn t54_a_reported_child_may_not_be_there() {
    on_every_kernel_with_events(|_| {
        let outer = jail("outer");
        let watcher = Watcher::new().expect("a watcher");
        watcher.watch(&outer).expect("watched");
        drop(outer.child_builder().name("gone").path("/").create().expect("created"));
        let created = kinds(&next(&watcher));
        let [EventKind::ChildCreated { jid: Some(jid) }] = created[..] else { panic!("{created:?}") };
        assert_eq!(watcher.watch_jid(jid).expect_err("gone").kind(), ErrorKind::NotFound);
    });
}

#[test]
fn t54_a_jail_whose_creation_fails_is_reported_and_not_there() {
    const TEST: &str = "t54_a_jail_whose_creation_fails_is_reported_and_not_there";
    alone(TEST, || {
        on_every_kernel_with_events(|host| {
            let watcher = Watcher::new().expect("a watcher");
            watcher.watch_own().expect("watched");
            // A process with an open directory cannot attach.
            let _directory = File::open("/").expect("opened");
            if let Some(model) = host.model() {
                model.process().open_directory();
            }
            let refused = Jail::builder()
                .name(name("refused"))
                .path("/")
                .create_and_attach()
                .expect_err("a directory is open");
            assert_eq!(refused.kind(), ErrorKind::PermissionDenied, "{refused}");
            let created = kinds(&next(&watcher));
            let [EventKind::ChildCreated { jid: Some(jid) }] = created[..] else { panic!("{created:?}") };
            assert_eq!(watcher.watch_jid(jid).expect_err("gone").kind(), ErrorKind::NotFound);
        });
    });
}

/// The program of these tests.
fn this_program() -> PathBuf {
    std::env::current_exe().expect("this program")
}

/// Runs one of these tests in a process of its own, with the jid of a jail.
fn run(command: &mut Command, test: &str, jid: &str) {
    let command = command.args(["--exact", test, "--ignored", "--nocapture"]);
    let status = command.env("FREEBSD_JAIL_TEST_JID", jid).current_dir("/").status().expect("run");
    assert!(status.success(), "{test}: {status}");
}

/// The jail of such a process.
fn told() -> Jid {
    std::env::var("FREEBSD_JAIL_TEST_JID").expect("told").parse().expect("a number")
}

#[test]
fn anybody_may_watch_visible_jails() {
    on_every_kernel_with_events(|host| {
        let jail = jail("seen");
        if let Some(model) = host.model() {
            let user = model.process().fork();
            user.setuid(1001).expect("another user");
            let watcher = user.run(|| watch_without_privilege(jail.jid()));
            jail.remove().expect("removed");
            assert_eq!(watcher.pending().count(), 2);
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
    let watcher = watch_without_privilege(told());
    println!("\nwatching");
    for _ in 0..2 {
        assert!(watcher.wait(Some(LONG)).expect("waited").done().expect("an event").is_removed());
    }
}

fn watch_without_privilege(jid: Jid) -> Watcher {
    let jail = Jail::open(jid).expect("opened");
    jail.update(&JailUpdate::new().securelevel(1)).expect_err("without privilege");
    let watcher = Watcher::new().expect("a watcher");
    watcher.watch(&jail).expect("watched");
    watcher.watch_jid(jid).expect("watched");
    watcher.watch_own().expect("watched");
    watcher
}

#[test]
fn kernels_before_15_have_no_events() {
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
    });
}

#[test]
fn a_watcher_waits_in_one_system_call() {
    on_every_kernel_with_events(|host| {
        let watcher = Watcher::new().expect("a watcher");
        watcher.watch_own().expect("watched");
        let before = host.calls();
        assert!(watcher.wait(Some(10 * SOON)).expect("waited").is_timed_out());
        if let (Some(before), Some(model)) = (before, host.model()) {
            assert_eq!(model.calls().total() - before.total(), 1);
        }
    });
}

#[test]
fn without_jails_there_is_nothing_to_watch() {
    if cfg!(target_os = "freebsd") {
        println!("skipped: this host has jails");
        return;
    }
    assert_eq!(Watcher::new().expect_err("no jails").kind(), ErrorKind::Unsupported);
}

#[test]
fn watchers_and_events_go_to_other_threads() {
    fn check<T: Send + Sync>() {}
    check::<Watcher>();
    check::<Event>();
}
