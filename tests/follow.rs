//! Following all jails.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test fails by panicking"
)]

mod common;

use std::fs::File;
use std::os::fd::{AsFd, AsRawFd};
use std::time::{Duration, Instant};

use common::events::on_every_kernel_with_events;
use common::fork::in_child;
use common::process::alone;
use common::{Host, has_descriptors, jail, name, on_every_kernel, real_kernel_accounts_resources, sweep};
use freebsd_jail::watch::{Followed, FollowedJail, Follower};
use freebsd_jail::{ErrorKind, Jail, JailUpdate, Jid, param, raw, sim};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::resource::{Resource, getrlimit, setrlimit};

/// Longer than anything takes, on an emulated machine too.
const LONG: Duration = Duration::from_secs(60);
/// How often a follower polls in these tests.
const INTERVAL: Duration = Duration::from_millis(20);

/// Makes a follower, and reads what it reports of the jails that are there.
fn follower() -> Follower {
    let mut follower = Follower::with_interval(INTERVAL).expect("a follower");
    while let Some(told) = follower.try_next().expect("asked") {
        assert!(matches!(told, Followed::Present(_)), "{told:?}");
    }
    follower
}

/// The next report, which has to come.
#[track_caller]
fn next(follower: &mut Follower) -> Followed {
    follower.wait(Some(LONG)).expect("waited").done().expect("a report")
}

/// Checks that there is no report, where it would have been made by now.
#[track_caller]
fn nothing(follower: &mut Follower) {
    let patience = if follower.interval().is_some() { 3 * INTERVAL } else { Duration::ZERO };
    assert_eq!(follower.wait(Some(patience)).expect("waited").done(), None);
}

#[track_caller]
fn appeared(follower: &mut Follower) -> FollowedJail {
    match next(follower) {
        Followed::Appeared(jail) => jail,
        other => panic!("{other:?}"),
    }
}

fn rename(jail: &Jail, to: &str) {
    jail.update(&JailUpdate::new().name(to)).expect("renamed");
}

fn touch(jail: &Jail) {
    jail.update(&JailUpdate::new().securelevel(1)).expect("updated");
}

fn below(jail: &Jail, name: &str) -> Jail {
    jail.child_builder().name(name).path("/").create_detached().expect("created")
}

#[test]
fn jails_that_are_there_are_reported_at_first_those_above_others_before_them() {
    on_every_kernel(|_| {
        let outer = jail("outer");
        let inner = below(&outer, "inner");
        let mut follower = Follower::with_interval(INTERVAL).expect("a follower");
        let outer_name = outer.get(param::NAME).expect("read");
        let mut told = Vec::new();
        while let Some(Followed::Present(jail)) = follower.try_next().expect("asked") {
            told.push(jail);
        }
        let at = |jid: Jid| told.iter().position(|jail| jail.jid() == jid).expect("reported");
        let (above, nested) = (&told[at(outer.jid())], &told[at(inner.jid())]);
        assert!(at(outer.jid()) < at(inner.jid()));
        assert_eq!((above.name(), above.parent()), (&*outer_name, None));
        assert_eq!(nested.name(), format!("{}.inner", outer_name.to_str().expect("text")).as_str());
        assert_eq!(nested.parent(), Some(outer.jid()));
        assert_eq!(told.len(), Jail::all().get(param::JID).count());
        assert_eq!(follower.jails().count(), told.len());
        nothing(&mut follower);
    });
}

#[test]
fn what_happens_to_a_jail_is_reported() {
    on_every_kernel(|host| {
        let mut follower = follower();
        let (first, second) = (name("first"), name("second"));
        let jail = Jail::builder().name(&first).path("/").create().expect("created");
        let seen = appeared(&mut follower);
        assert_eq!((seen.jid(), seen.name(), seen.parent()), (jail.jid(), first.as_ref(), None));
        let shown = format!("{seen:?}");
        assert!(shown.contains(&first) && shown.contains(&jail.jid().to_string()), "{shown}");
        assert_eq!(follower.handle(seen.id()).expect("a handle").jid(), jail.jid());

        rename(&jail, &second);
        let Followed::Renamed { jail: seen, from } = next(&mut follower) else { panic!("not renamed") };
        assert_eq!((&*from, seen.name()), (first.as_ref(), second.as_ref()));
        if follower.interval().is_none() {
            touch(&jail);
            assert_eq!(next(&mut follower), Followed::Changed(seen.clone()));
            let inmate = host.inmate(&jail);
            // The model's process attaches by descriptor, which is an update, too.
            let told: Vec<_> = std::iter::from_fn(|| follower.try_next().expect("asked")).collect();
            let attached = Followed::Attached { jail: seen.clone(), pid: Some(inmate.pid()) };
            assert!(told.contains(&attached), "{told:?}");
            assert!(told.iter().all(|told| *told == attached || *told == Followed::Changed(seen.clone())));
            raw::jail_remove(jail.jid()).expect("removed");
            inmate.bury();
        }
        drop(jail);
        assert_eq!(next(&mut follower), Followed::Removed(seen.clone()));
        assert!(follower.handle(seen.id()).is_none());
        nothing(&mut follower);
    });
}

#[test]
fn the_reports_are_iterated_over() {
    on_every_kernel_with_events(|_| {
        let mut follower = follower();
        let create = |follower: &mut Follower| {
            let jail = jail("iterated");
            let seen = follower.events().next().expect("a report").expect("read");
            assert_eq!(seen.jail().map(FollowedJail::jid), Some(jail.jid()));
            jail
        };
        drop([create(&mut follower), create(&mut follower)]);
        let mut pending = follower.pending();
        for _ in 0..2 {
            let told = pending.next().expect("a report").expect("read");
            assert!(matches!(told, Followed::Removed(_)), "{told:?}");
        }
        assert!(pending.next().is_none());
        let _jail = jail("later");
        assert!(pending.next().is_none(), "it has ended");
    });
}

#[test]
fn a_rename_is_reported_of_the_jails_below_too() {
    on_every_kernel(|_| {
        let mut follower = follower();
        let outer = jail("outer");
        let seen = appeared(&mut follower);
        let inner = outer.child_builder().name("inner").path("/").children_max(1);
        let inner = inner.create_detached().expect("created");
        let seen_inner = appeared(&mut follower);
        below(&inner, "most");
        let seen_most = appeared(&mut follower);
        assert_eq!(seen_most.parent(), Some(inner.jid()));
        let to = name("renamed");
        rename(&outer, &to);
        let names = [to.clone(), format!("{to}.inner"), format!("{to}.inner.most")];
        for (before, name) in [&seen, &seen_inner, &seen_most].into_iter().zip(names) {
            let Followed::Renamed { jail, from } = next(&mut follower) else { panic!("not renamed") };
            assert_eq!((jail.id(), jail.name(), &*from), (before.id(), name.as_ref(), before.name()));
        }
        if real_kernel_accounts_resources() {
            // Those below were updated as well, so that their accounts follow (T40).
            while let Some(reported) = follower.try_next().expect("asked") {
                assert!(matches!(reported, Followed::Changed(_)), "{reported:?}");
            }
        }
        nothing(&mut follower);
        // Those below are removed first, with the names that they had.
        drop(outer);
        let removed: Vec<_> = (0..3).map(|_| next(&mut follower)).collect();
        let ids = [seen_most.id(), seen_inner.id(), seen.id()];
        for (told, id) in removed.iter().zip(ids) {
            assert!(matches!(told, Followed::Removed(jail) if jail.id() == id), "{removed:?}");
            assert!(told.jail().is_some_and(|jail| jail.name().to_str().unwrap().starts_with(&to)));
        }
        nothing(&mut follower);
    });
}

#[test]
fn t14_a_jail_that_gets_the_jid_of_a_removed_one_is_another() {
    on_every_kernel(|_| {
        let mut follower = follower();
        let jid = Jid::new(880_201).expect("above zero");
        let create = |path: &str, what: &str| {
            Jail::builder().jid(jid).name(name(what)).path(path).create().expect("created")
        };
        let first = create("/", "first");
        let seen = appeared(&mut follower);
        assert!(first.remove_and_wait(Some(LONG)).expect("removed").is_done());
        // Where there are no events, only another path tells that it is another jail.
        let second = create("/tmp", "second");
        assert_eq!(next(&mut follower), Followed::Removed(seen.clone()));
        let other = appeared(&mut follower);
        assert_eq!((other.jid(), seen.jid()), (jid, jid));
        assert_ne!(other.id(), seen.id());
        assert_eq!(other.name(), &*second.get(param::NAME).expect("read"));
        drop(second);
        assert_eq!(next(&mut follower), Followed::Removed(other));
        nothing(&mut follower);
    });
}

#[test]
fn t14_the_end_of_a_jail_is_reported_before_the_next_one_with_its_jid_is_found() {
    on_every_kernel_with_events(|_| {
        let mut follower = follower();
        let jid = Jid::new(880_202).expect("above zero");
        let create =
            |what: &str| Jail::builder().jid(jid).name(name(what)).path("/").create().expect("created");
        let first = create("first");
        let seen = appeared(&mut follower);
        let beside = jail("beside");
        appeared(&mut follower);
        // Two that are created at once have to be looked for, at the next call.
        let _both = [jail("one"), jail("other")];
        drop(beside);
        assert_eq!(next(&mut follower), Followed::Missed { jid: None, parent: None });
        touch(&first);
        drop(first);
        let _second = create("second");
        let told = std::iter::from_fn(|| follower.try_next().expect("asked"));
        let told: Vec<_> = told.filter(|told| told.jail().is_some_and(|jail| jail.jid() == jid)).collect();
        let [changed, removed, Followed::Appeared(other)] = &*told else { panic!("{told:?}") };
        assert_eq!(*changed, Followed::Changed(seen.clone()));
        assert_eq!(*removed, Followed::Removed(seen.clone()));
        assert_ne!(other.id(), seen.id());
    });
}

#[test]
fn an_error_of_any_call_is_returned_and_the_report_comes_later() {
    on_every_kernel_with_events(|host| {
        let Some(model) = host.model() else {
            println!("skipped: only calls to a model fail when they are asked to");
            return;
        };
        let mut follower = follower();
        let fails = |follower: &mut Follower, after| {
            model.fault(after, sim::Fault::Errno(libc::ENOMEM));
            assert_eq!(follower.try_next().expect_err("a fault").errno(), Some(libc::ENOMEM), "{after}");
        };
        // The queue is read, and the jail twice, with a filter in between.
        for after in 0..4 {
            let late = jail("late");
            fails(&mut follower, after);
            let seen = appeared(&mut follower);
            assert_eq!(seen.jid(), late.jid());
            touch(&late);
            fails(&mut follower, after % 2);
            assert_eq!(next(&mut follower), Followed::Changed(seen.clone()));
            drop(late);
            assert_eq!(next(&mut follower), Followed::Removed(seen));
        }
        // What was reported of several kinds at once is not reported again.
        let outer = jail("outer");
        let seen = appeared(&mut follower);
        let _both = ["one", "other"].map(|name| below(&outer, name));
        touch(&outer);
        fails(&mut follower, 1);
        let told: Vec<_> = std::iter::from_fn(|| follower.try_next().expect("asked")).collect();
        let missed = Followed::Missed { jid: None, parent: Some(outer.jid()) };
        assert_eq!(told.iter().filter(|told| **told == missed).count(), 1, "{told:?}");
        assert_eq!(
            told.iter().filter(|told| **told == Followed::Changed(seen.clone())).count(),
            1,
            "{told:?}"
        );
    });
}

#[test]
fn a_follower_does_not_keep_a_removed_jail_from_going() {
    on_every_kernel_with_events(|_| {
        let jail = jail("goes");
        let mut follower = follower();
        assert!(jail.remove_and_wait(Some(LONG)).expect("removed").is_done());
        assert!(matches!(next(&mut follower), Followed::Removed(seen) if seen.jid() == jail.jid()));
    });
}

#[test]
fn several_jails_created_at_once_are_all_reported() {
    on_every_kernel(|_| {
        let mut follower = follower();
        let outer = jail("outer");
        let mut jids = vec![outer.jid()];
        jids.extend(["one", "two", "three"].map(|name| below(&outer, name).jid()));
        let beside = jail("beside");
        jids.push(beside.jid());
        let mut seen = Vec::new();
        while seen.len() < jids.len() {
            match next(&mut follower) {
                Followed::Appeared(jail) => seen.push(jail.jid()),
                // It cannot know that there were no others.
                Followed::Missed { jid: None, .. } => assert!(follower.interval().is_none()),
                other => panic!("{other:?}"),
            }
        }
        let at = |jid: Jid| seen.iter().position(|seen| *seen == jid).expect("reported");
        assert!(jids[1..4].iter().all(|below| at(outer.jid()) < at(*below)), "{seen:?}");
        seen.sort_unstable();
        assert_eq!(seen, jids);
        nothing(&mut follower);
    });
}

#[test]
fn t54_a_jail_that_was_removed_before_it_was_looked_at_is_reported_as_missed() {
    on_every_kernel_with_events(|_| {
        let mut follower = follower();
        let short = jail("short");
        let jid = short.jid();
        drop(short);
        assert_eq!(next(&mut follower), Followed::Missed { jid: Some(jid), parent: None });
        nothing(&mut follower);

        drop([jail("one"), jail("other")]);
        assert_eq!(next(&mut follower), Followed::Missed { jid: None, parent: None });
        nothing(&mut follower);
    });
}

#[test]
fn t54_a_jail_that_is_removed_after_it_was_looked_at_is_not_reported_as_missed() {
    on_every_kernel_with_events(|host| {
        let mut follower = follower();
        let _both = [jail("one"), jail("other")];
        assert_eq!(next(&mut follower), Followed::Missed { jid: None, parent: None });
        let third = jail("third");
        let seen: Vec<_> = (0..3).map(|_| appeared(&mut follower)).collect();
        let seen = seen.into_iter().find(|seen| seen.jid() == third.jid()).expect("it was looked for");
        drop(third);
        assert_eq!(next(&mut follower), Followed::Removed(seen));
        nothing(&mut follower);
        // One that is removed while it is read has the name that was read first.
        let Some(model) = host.model() else { return };
        let short = Jail::builder().path("/").create_detached().expect("created");
        let (kernel, jid) = (model.clone(), short.jid());
        model.meanwhile(sim::Moment::Lookup, move || kernel.raw().jail_remove(jid.get()).expect("removed"));
        let seen = appeared(&mut follower);
        assert_eq!((seen.jid(), seen.name()), (jid, jid.to_string().as_ref()));
        let told: Vec<_> = std::iter::from_fn(|| follower.try_next().expect("asked")).collect();
        assert!(told.contains(&Followed::Removed(seen)), "{told:?}");
    });
}

#[test]
fn a_jail_that_counts_more_jails_below_it_than_are_found_may_hide_some() {
    on_every_kernel_with_events(|host| {
        let mut follower = follower();
        let outer = jail("outer");
        let inner = below(&outer, "inner");
        let inmate = host.inmate(&inner);
        inner.remove().expect("removed");
        // A dying jail counts, but is not found.
        assert_eq!(outer.get(param::CHILDREN_CUR).expect("read"), 1);
        assert_eq!(appeared(&mut follower).jid(), outer.jid());
        assert_eq!(next(&mut follower), Followed::Missed { jid: None, parent: Some(outer.jid()) });
        nothing(&mut follower);
        inmate.bury();
    });
}

#[test]
fn a_rename_and_a_removal_at_once_are_reported_with_the_name_known_before() {
    on_every_kernel_with_events(|_| {
        let mut follower = follower();
        let jail = jail("known");
        let seen = appeared(&mut follower);
        rename(&jail, &name("unknown"));
        drop(jail);
        assert_eq!(next(&mut follower), Followed::Changed(seen.clone()));
        assert_eq!(next(&mut follower), Followed::Removed(seen));
        nothing(&mut follower);
    });
}

#[test]
fn poll_reports_a_follower_as_readable() {
    on_every_kernel(|_| {
        let mut follower = follower();
        let readable = |follower: &Follower, timeout: Duration| {
            let mut polled = [PollFd::new(follower.as_fd(), PollFlags::POLLIN)];
            poll(&mut polled, PollTimeout::try_from(timeout).expect("short")).expect("polled") == 1
        };
        if follower.interval().is_none() {
            assert!(!readable(&follower, Duration::ZERO));
        }
        assert_eq!(follower.as_raw_fd(), follower.as_fd().as_raw_fd());
        let jail = jail("polled");
        let begun = Instant::now();
        let told = loop {
            assert!(readable(&follower, LONG), "not readable in {:?}", begun.elapsed());
            if let Some(told) = follower.try_next().expect("asked") {
                break told;
            }
        };
        assert!(matches!(told, Followed::Appeared(seen) if seen.jid() == jail.jid()));
    });
}

#[test]
fn kernels_without_events_are_polled() {
    on_every_kernel(|_| {
        let mut follower = follower();
        assert_eq!(follower.interval(), (!has_descriptors()).then_some(INTERVAL));
        let zero = Follower::with_interval(Duration::ZERO).expect("a follower");
        assert_eq!(zero.interval(), (!has_descriptors()).then_some(Duration::from_millis(1)));
        let mut patient = Follower::with_interval(LONG).expect("a follower");
        while patient.try_next().expect("asked").is_some() {}
        if patient.interval().is_some() {
            let _later = jail("later");
            assert_eq!(patient.wait(Some(2 * INTERVAL)).expect("waited").done(), None);
        }
        // The tests of what kernels have create a jail.
        while follower.wait(Some(2 * INTERVAL)).expect("waited").is_done() {}
    });
}

#[test]
fn a_dying_jail_is_not_there() {
    on_every_kernel(|host| {
        let jail = jail("dying");
        let inmate = host.inmate(&jail);
        jail.remove().expect("removed");
        let mut follower = Follower::with_interval(INTERVAL).expect("a follower");
        let is_it = |told: Followed| told.jail().is_some_and(|seen| seen.jid() == jail.jid());
        assert!(!follower.pending().any(|told| is_it(told.expect("asked"))));
        inmate.bury();
    });
}

#[test]
fn a_follower_goes_on_after_the_process_had_no_more_descriptors() {
    const TEST: &str = "a_follower_goes_on_after_the_process_had_no_more_descriptors";
    alone(TEST, || {
        on_every_kernel_with_events(|_| {
            let mut follower = follower();
            let jails: Vec<Jail> = (0..4).map(|_| Jail::unpinned(persistent())).collect();
            let mut files = Vec::new();
            let (soft, hard) = getrlimit(Resource::RLIMIT_NOFILE).expect("asked");
            setrlimit(Resource::RLIMIT_NOFILE, 64.min(soft), hard).expect("set");
            while let Ok(file) = File::open("/dev/null") {
                files.push(file);
            }
            let mut seen = Vec::new();
            let mut refused = 0;
            while seen.len() < jails.len() {
                match follower.try_next() {
                    Ok(Some(Followed::Appeared(jail))) => seen.push(jail.jid()),
                    Ok(Some(Followed::Missed { jid: None, .. })) => {}
                    Ok(other) => panic!("{other:?}"),
                    Err(error) => {
                        assert_eq!(error.kind(), ErrorKind::ResourceExhausted, "{error}");
                        refused += 1;
                        files.pop().expect("there is room at last");
                    }
                }
            }
            setrlimit(Resource::RLIMIT_NOFILE, soft, hard).expect("set");
            assert_ne!(refused, 0);
            seen.sort_unstable();
            assert_eq!(seen, jails.iter().map(Jail::jid).collect::<Vec<_>>());
            nothing(&mut follower);
            for jail in &jails {
                jail.remove().expect("removed");
            }
        });
    });
}

fn persistent() -> Jid {
    Jail::builder().name(name("stays")).path("/").create_detached().expect("created").jid()
}

#[test]
fn a_forked_child_follows_nothing() {
    const TEST: &str = "a_forked_child_follows_nothing";
    alone(TEST, || {
        on_every_kernel(|_| {
            let mut follower = follower();
            in_child(|| {
                let error = follower.try_next().expect_err("refused");
                assert_eq!(error.kind(), ErrorKind::OtherProcess, "{error}");
            });
        });
    });
}

/// Follows the jails below the one that this process is in.
fn follow_inside() {
    let mut follower = follower();
    assert_eq!(follower.interval(), Some(INTERVAL));
    let one = Jail::builder().name("one").path("/").children_max(1).create().expect("created");
    let seen = appeared(&mut follower);
    assert_eq!((seen.jid(), seen.name(), seen.parent()), (one.jid(), "one".as_ref(), None));
    let inner = below(&one, "inner");
    let seen_inner = appeared(&mut follower);
    assert_eq!((seen_inner.name(), seen_inner.parent()), ("one.inner".as_ref(), Some(one.jid())));
    if has_events(&follower, seen.id()) {
        touch(&one);
        assert_eq!(next(&mut follower), Followed::Changed(seen.clone()));
    }
    inner.remove().expect("removed");
    assert_eq!(next(&mut follower), Followed::Removed(seen_inner));
    drop(one);
    assert_eq!(next(&mut follower), Followed::Removed(seen));
}

fn has_events(follower: &Follower, id: freebsd_jail::watch::WatchId) -> bool {
    follower.handle(id).is_some_and(|jail| jail.descriptor().is_some())
}

/// Runs something in a process that is in a jail which may have others below it.
fn inside(host: &Host, what: &str, body: impl FnOnce()) {
    let outer =
        Jail::builder().name(name(what)).path("/").children_max(5).create_detached().expect("created");
    if let Some(model) = host.model() {
        let process = model.process().fork();
        process.run(|| {
            outer.attach().expect("attached");
            body();
        });
        process.exit();
    } else {
        let same = outer.try_clone().expect("cloned");
        in_child(move || {
            same.attach().expect("attached");
            drop(same);
            body();
        });
    }
    outer.remove().expect("removed");
}

#[test]
fn t38_in_a_jail_new_jails_are_found_by_polling() {
    const TEST: &str = "t38_in_a_jail_new_jails_are_found_by_polling";
    alone(TEST, || on_every_kernel(|host| inside(host, "inside", follow_inside)));
    sweep("inside");
}

#[test]
fn t54_a_follower_fails_after_its_process_has_attached_to_a_jail() {
    const TEST: &str = "t54_a_follower_fails_after_its_process_has_attached_to_a_jail";
    alone(TEST, || {
        on_every_kernel(|host| {
            let outer = Jail::builder().name(name("attached")).path("/").create_detached().expect("created");
            let jid = outer.jid();
            let body = move || {
                let mut follower = follower();
                outer.attach().expect("attached");
                let error = follower.try_next().expect_err("refused");
                assert_eq!(error.kind(), ErrorKind::Unsupported, "{error}");
                assert!(error.to_string().contains("make a new one"), "{error}");
            };
            match host.model() {
                Some(model) => model.process().fork().run(body),
                None => in_child(body),
            }
            raw::jail_remove(jid).expect("removed");
        });
    });
}

#[test]
fn without_jails_there_is_nothing_to_follow() {
    if cfg!(target_os = "freebsd") {
        println!("skipped: this host has jails");
        return;
    }
    assert_eq!(Follower::new().expect_err("no jails").kind(), ErrorKind::Unsupported);
}

#[test]
fn followers_go_to_other_threads() {
    fn check<T: Send + Sync>() {}
    check::<Follower>();
    check::<Followed>();
}
