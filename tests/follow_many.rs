//! Two hundred jails followed while eight threads create, nest, rename, attach and remove: what is reported equals what
//! was done.

#![allow(clippy::expect_used, clippy::indexing_slicing, clippy::panic, reason = "a test fails by panicking")]

mod common;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;
use std::time::Duration;

use common::{on_every_kernel, real_kernel_accounts_resources};
use freebsd_jail::watch::{Followed, FollowedJail, Follower, WatchId};
use freebsd_jail::{Jail, JailUpdate, Jid, param, sim};
use nix::sys::wait::{WaitStatus, waitpid};
use nix::unistd::{ForkResult, fork};

const THREADS: usize = 8;
/// Each thread's jails: a third of them lie below another one.
const JAILS: usize = 25;
/// Longer than anything takes, on an emulated machine too.
const LONG: Duration = Duration::from_secs(120);
const INTERVAL: Duration = Duration::from_millis(5);

/// A thread's names begin with its number.
fn prefix(thread: usize) -> String {
    format!("fj-{}-many{thread}-", std::process::id())
}

/// Which thread's a jail is.
fn thread_of(jail: &FollowedJail) -> Option<usize> {
    let name = jail.name().to_str()?;
    (0..THREADS).find(|&thread| name.starts_with(&prefix(thread)))
}

fn install(model: Option<&sim::Kernel>) -> Option<sim::Guard> {
    model.map(sim::Kernel::install)
}

/// Has a process attach to a jail and end, and returns its pid. Not by an owner, which is of its own process.
fn attach(model: Option<&sim::Kernel>, jail: &Jail) -> u32 {
    if let Some(model) = model {
        let child = model.process().fork();
        child.run(|| jail.attach()).expect("attached");
        let pid = child.pid();
        child.exit();
        return pid;
    }
    // SAFETY: the child makes system calls and exits; it allocates only if attaching fails.
    match unsafe { fork() }.expect("forked") {
        ForkResult::Parent { child } => {
            assert_eq!(waitpid(child, None), Ok(WaitStatus::Exited(child, 0)), "a child that attaches");
            child.as_raw().try_into().expect("a pid")
        }
        ForkResult::Child => {
            let attached = jail.attach();
            // SAFETY: it ends the process.
            unsafe { libc::_exit(i32::from(attached.is_err())) };
        }
    }
}

/// A thread that does one thing at a time, and compares what is reported of it.
struct Worker<'m> {
    model: Option<&'m sim::Kernel>,
    thread: usize,
    reports: Receiver<Followed>,
    has_events: bool,
    may_rename: bool,
    names: usize,
}

impl Worker<'_> {
    fn name(&mut self) -> String {
        self.names += 1;
        format!("{}{}", prefix(self.thread), self.names)
    }

    #[track_caller]
    fn report(&self) -> Followed {
        self.reports.recv_timeout(LONG).expect("a report")
    }

    #[track_caller]
    fn appeared(&self, jail: &Jail, name: &str, parent: Option<Jid>) -> FollowedJail {
        let Followed::Appeared(seen) = self.report() else { panic!("{name} has not appeared") };
        assert_eq!((seen.jid(), seen.name(), seen.parent()), (jail.jid(), name.as_ref(), parent));
        seen
    }

    /// Lets jails come and go, and returns how many there were.
    fn work(&mut self) -> usize {
        let mut jails = Vec::new();
        while jails.len() < JAILS {
            let name = self.name();
            let outer = Jail::builder().name(&name).path("/").children_max(1).create().expect("created");
            let mut seen = vec![self.appeared(&outer, &name, None)];
            let mut inner = None;
            if jails.len() % 2 == 0 {
                let child = outer.child_builder().name("inner").path("/").create_detached().expect("created");
                seen.push(self.appeared(&child, &format!("{name}.inner"), Some(outer.jid())));
                inner = Some(child);
            }
            if self.may_rename {
                self.rename(&outer, &mut seen);
            }
            if self.has_events {
                outer.update(&JailUpdate::new().securelevel(1)).expect("updated");
                assert_eq!(self.report(), Followed::Changed(seen[0].clone()));
                let attached = inner.unwrap_or_else(|| outer.try_clone().expect("cloned"));
                self.attach(&attached, &seen[seen.len() - 1]);
            }
            jails.push((outer, seen));
        }
        let count = jails.iter().map(|(_, seen)| seen.len()).sum();
        for (jail, seen) in jails {
            jail.remove().expect("removed");
            for seen in seen.into_iter().rev() {
                assert_eq!(self.report(), Followed::Removed(seen));
            }
        }
        count
    }

    fn rename(&mut self, outer: &Jail, seen: &mut [FollowedJail]) {
        let to = self.name();
        outer.update(&JailUpdate::new().name(&to)).expect("renamed");
        for (at, seen) in seen.iter_mut().enumerate() {
            let Followed::Renamed { jail, from } = self.report() else { panic!("{to} was not renamed") };
            let name = if at == 0 { to.clone() } else { format!("{to}.inner") };
            assert_eq!((jail.id(), jail.jid(), &*from), (seen.id(), seen.jid(), seen.name()));
            assert_eq!(jail.name(), name.as_str());
            *seen = jail;
        }
    }

    fn attach(&self, jail: &Jail, seen: &FollowedJail) {
        let pid = attach(self.model, jail);
        let attached = Followed::Attached { jail: seen.clone(), pid: Some(pid) };
        // Attaching by descriptor is an update, too.
        let mut told = [self.report(), self.report()];
        if told[0] == attached {
            told.reverse();
        }
        assert_eq!(told, [Followed::Changed(seen.clone()), attached]);
    }
}

#[test]
fn what_is_reported_of_two_hundred_jails_is_what_eight_threads_did() {
    on_every_kernel(|host| {
        let mut follower = Follower::with_interval(INTERVAL).expect("a follower");
        while follower.try_next().expect("asked").is_some() {}
        let has_events = follower.interval().is_none();
        // T40.
        let may_rename = host.model().is_some() || !real_kernel_accounts_resources();
        let model = host.model();
        let (count, reports) = thread::scope(|scope| {
            let mut senders: Vec<Sender<Followed>> = Vec::new();
            let mut threads = Vec::new();
            for thread in 0..THREADS {
                let (sender, receiver) = channel();
                senders.push(sender);
                threads.push(scope.spawn(move || {
                    let _guard = install(model);
                    let mut worker =
                        Worker { model, thread, reports: receiver, has_events, may_rename, names: 0 };
                    let count = worker.work();
                    assert!(worker.reports.try_recv().is_err(), "nothing more");
                    count
                }));
            }
            let mut reports = 0_usize;
            while !threads.iter().all(thread::ScopedJoinHandle::is_finished) {
                let told = follower.wait(Some(Duration::from_millis(50))).expect("waited").done();
                match told {
                    None => {}
                    // Two threads have created jails of the host's at once: it cannot know that there were no others.
                    Some(Followed::Missed { jid: None, parent: None }) => assert!(has_events),
                    Some(told) => {
                        let thread = told.jail().and_then(thread_of);
                        let thread = thread.unwrap_or_else(|| panic!("{told:?} was not done"));
                        reports += 1;
                        // A thread that has failed says why.
                        let _ = senders[thread].send(told);
                    }
                }
            }
            let count: usize = threads.into_iter().map(|thread| thread.join().expect("joined")).sum();
            (count, reports)
        });
        println!("{count} jails, {reports} reports");
        assert!(count >= 200);
        assert_eq!(follower.jails().count(), 0, "all have been removed");
    });
}

/// What a thread has done with one jail.
#[derive(Debug, Clone)]
struct Done {
    names: Vec<String>,
    parent: Option<Jid>,
    is_removed: bool,
}

/// Creates, nests, renames, attaches and removes without waiting for any report.
fn hurry(model: Option<&sim::Kernel>, thread: usize, may_rename: bool) -> BTreeMap<(Jid, String), Done> {
    let mut done = BTreeMap::new();
    for round in 0..JAILS {
        let name = format!("{}{round}", prefix(thread));
        let outer = Jail::builder().name(&name).path("/").children_max(1).create_detached().expect("created");
        let mut names = vec![name.clone()];
        let mut inner = None;
        if round % 2 == 0 {
            inner = Some(outer.child_builder().name("inner").path("/").create_detached().expect("created"));
        }
        if may_rename && round % 3 == 0 {
            names.push(format!("{name}-renamed"));
            outer.update(&JailUpdate::new().name(&names[1])).expect("renamed");
        }
        if round % 5 == 0 {
            attach(model, inner.as_ref().unwrap_or(&outer));
        }
        let is_removed = round % 4 != 0;
        if is_removed {
            outer.remove().expect("removed");
        }
        if let Some(inner) = inner {
            let names: Vec<String> = names.iter().map(|name| format!("{name}.inner")).collect();
            let first = names[0].clone();
            done.insert((inner.jid(), first), Done { names, parent: Some(outer.jid()), is_removed });
        }
        done.insert((outer.jid(), name), Done { names, parent: None, is_removed });
    }
    done
}

/// What was reported, of each jail.
#[derive(Debug, Default)]
struct Reported {
    jails: BTreeMap<WatchId, (FollowedJail, Vec<Followed>)>,
    missed: BTreeSet<Jid>,
    missed_below: BTreeSet<Option<Jid>>,
}

impl Reported {
    fn add(&mut self, told: Followed) {
        match told {
            Followed::Missed { jid: Some(jid), .. } => drop(self.missed.insert(jid)),
            Followed::Missed { jid: None, parent } => drop(self.missed_below.insert(parent)),
            Followed::Appeared(jail) => {
                if let Some(parent) = jail.parent() {
                    let is_parent = |seen: &&(FollowedJail, Vec<Followed>)| seen.0.jid() == parent;
                    assert!(self.jails.values().any(|seen| is_parent(&seen)), "{jail:?} before its parent");
                }
                let before = self.jails.insert(jail.id(), (jail, Vec::new()));
                assert!(before.is_none(), "{before:?}");
            }
            told => {
                let id = told.jail().expect("of a jail").id();
                let (jail, reports) = self.jails.get_mut(&id).unwrap_or_else(|| panic!("{told:?}"));
                assert!(!matches!(reports.last(), Some(Followed::Removed(_))), "{told:?} after the removal");
                if let Followed::Renamed { from, .. } = &told {
                    assert_eq!(&**from, jail.name(), "{told:?}");
                }
                *jail = told.jail().expect("of a jail").clone();
                reports.push(told);
            }
        }
    }
}

#[test]
fn a_follower_that_falls_behind_knows_all_jails_that_are_there() {
    on_every_kernel(|host| {
        let mut follower = Follower::with_interval(INTERVAL).expect("a follower");
        while follower.try_next().expect("asked").is_some() {}
        let has_events = follower.interval().is_none();
        let may_rename = host.model().is_some() || !real_kernel_accounts_resources();
        let model = host.model();
        let mut reported = Reported::default();
        let mut done = BTreeMap::new();
        thread::scope(|scope| {
            let threads: Vec<_> = (0..THREADS)
                .map(|thread| {
                    scope.spawn(move || {
                        let _guard = install(model);
                        hurry(model, thread, may_rename)
                    })
                })
                .collect();
            while !threads.iter().all(thread::ScopedJoinHandle::is_finished) {
                if let Some(told) = follower.wait(Some(Duration::from_millis(5))).expect("waited").done() {
                    reported.add(told);
                }
            }
            for thread in threads {
                done.extend(thread.join().expect("joined"));
            }
        });
        while let Some(told) = follower.wait(Some(Duration::from_secs(1))).expect("waited").done() {
            reported.add(told);
        }
        check(&done, &reported, has_events);
        let there: BTreeSet<(Jid, String)> =
            Jail::all().get((param::JID, param::NAME.utf8())).map(|jail| jail.expect("listed")).collect();
        let known: BTreeSet<(Jid, String)> = follower
            .jails()
            .map(|jail| (jail.jid(), jail.name().to_str().expect("text").to_owned()))
            .collect();
        assert_eq!(known, there);
        println!("{} jails, {} of them missed", done.len(), done.len() - reported.jails.len());
        for jid in Jail::all().get((param::JID, param::NAME.utf8(), param::PARENT)) {
            let (jid, name, parent) = jid.expect("listed");
            if parent.is_none() && name.starts_with(&format!("fj-{}-many", std::process::id())) {
                Jail::unpinned(jid).remove().expect("removed");
            }
        }
    });
}

/// Compares what was done with what was reported.
fn check(done: &BTreeMap<(Jid, String), Done>, reported: &Reported, has_events: bool) {
    let mut left = done.clone();
    for (jail, reports) in reported.jails.values() {
        let name = jail.name().to_str().expect("text");
        let key = left.iter().find(|((jid, _), done)| {
            *jid == jail.jid() && done.names.iter().any(|each| each == name) && done.parent == jail.parent()
        });
        let key = key.map_or_else(|| panic!("{jail:?} was not created"), |(key, _)| key.clone());
        let done = left.remove(&key).expect("found");
        let is_removed = matches!(reports.last(), Some(Followed::Removed(_)));
        assert_eq!(is_removed, done.is_removed, "{jail:?}");
        if !is_removed {
            assert_eq!(Some(name), done.names.last().map(String::as_str));
        }
    }
    for ((jid, name), done) in left {
        assert!(done.is_removed, "{name} is there and was not reported");
        // One below a jail that was missed cannot be known.
        let is_said = reported.missed.contains(&jid)
            || reported.missed_below.contains(&done.parent)
            || done
                .parent
                .is_some_and(|parent| !reported.jails.values().any(|(jail, _)| jail.jid() == parent));
        assert!(!has_events || is_said, "{name} was missed and that was not said");
    }
}
