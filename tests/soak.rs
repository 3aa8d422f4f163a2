//! Random operations in many threads, for a given time. At the end nothing is left.
//!
//! `FREEBSD_JAIL_SOAK_SECONDS`: how long (10). `FREEBSD_JAIL_SOAK_THREADS`: how many threads (4).
//! `FREEBSD_JAIL_SOAK_SEED`: where the random numbers begin.

#![allow(clippy::expect_used, clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod common;

use std::collections::BTreeMap;
use std::process::Stdio;
use std::sync::Mutex;
use std::thread;
use std::time::{Duration, Instant};

use common::fork::attach_in_child;
use common::process::alone;
use common::random::Random;
use common::{host, is_root, name};
use freebsd_jail::param::Param;
use freebsd_jail::watch::Follower;
use freebsd_jail::{Allow, ErrorKind, Jail, JailUpdate, OwnedJail, param, sim, snapshot::Snapshot};
use nix::errno::Errno;
use nix::sys::wait::waitpid;

fn setting(variable: &str, default: u64) -> u64 {
    std::env::var(variable).map_or(default, |text| text.parse().expect("a number"))
}

/// The jails and handles of a thread.
struct Worker<'a> {
    random: Random,
    model: Option<sim::Kernel>,
    /// Its jails, with their child jails.
    own: Vec<(OwnedJail, Vec<OwnedJail>)>,
    /// Jails on their way from one thread to another.
    handed: &'a Mutex<Vec<OwnedJail>>,
    done: BTreeMap<&'static str, u64>,
}

type Act = fn(&mut Worker<'_>);

const ACTS: [(&str, Act); 15] = [
    ("create", create),
    ("create", create),
    ("create detached and own", own),
    ("nest", nest),
    ("update", update),
    ("read", read),
    ("list", list),
    ("snapshot", snapshot),
    ("follow", follow),
    ("clone", clone),
    ("hand over", hand_over),
    ("take over", take_over),
    ("run a program", run),
    ("attach in a child", attach),
    ("remove", remove),
];

fn create(worker: &mut Worker<'_>) {
    if worker.own.len() >= 6 {
        return remove(worker);
    }
    let mut builder = Jail::builder().name(name("soak")).path("/").children_max(8).hostname("soak");
    if worker.random.below(2) == 0 {
        builder = builder.allow(Allow::RAW_SOCKETS).securelevel(0);
    }
    if worker.random.below(2) == 0 {
        builder = builder.optional(Param::<String>::new("meta.owner"), "soak");
    }
    worker.own.push((builder.create().expect("created"), Vec::new()));
}

fn own(worker: &mut Worker<'_>) {
    let detached = Jail::builder().name(name("soak")).path("/").create_detached().expect("created");
    let jail = detached.into_owned().expect("owned");
    // Dropped at once, or kept.
    if worker.own.len() < 6 {
        worker.own.push((jail, Vec::new()));
    }
}

fn nest(worker: &mut Worker<'_>) {
    let Some((parent, children)) = worker.random.choose_mut(&mut worker.own) else { return };
    if children.len() > 2 {
        children.pop();
        return;
    }
    match parent.child_builder().name(name("below")).path("/").create() {
        Ok(child) => children.push(child),
        // A jail that is handed over may have no child jails.
        Err(error) => assert_eq!(error.kind(), ErrorKind::LimitExceeded, "{error}"),
    }
}

fn update(worker: &mut Worker<'_>) {
    let number = worker.random.below(1000);
    let Some((jail, children)) = worker.random.choose_mut(&mut worker.own) else { return };
    let update = JailUpdate::new().hostname(format!("host{number}")).deny(Allow::RAW_SOCKETS);
    jail.update(&update).expect("updated");
    if let Some(child) = children.first() {
        child.update(&JailUpdate::new().hostname("below")).expect("updated");
        assert_eq!(child.get(param::HOST_HOSTNAME.utf8()).expect("read"), "below");
    }
    assert_eq!(jail.get(param::HOST_HOSTNAME.utf8()).expect("read"), format!("host{number}"));
}

fn read(worker: &mut Worker<'_>) {
    for (jail, children) in &worker.own {
        assert_eq!(jail.get(param::JID).expect("read"), jail.jid());
        assert_eq!(jail.info().expect("read").jid, jail.jid());
        assert_eq!(jail.children().get(param::JID).count(), children.len());
        assert!(jail.is_alive().expect("asked"));
    }
}

fn list(worker: &mut Worker<'_>) {
    let all = Jail::all().get(param::JID).map(|jid| jid.expect("listed"));
    let all: Vec<_> = all.collect();
    for (jail, _) in &worker.own {
        assert!(all.contains(&jail.jid()));
    }
}

fn snapshot(worker: &mut Worker<'_>) {
    let snapshot = Snapshot::current().expect("taken");
    for (jail, _) in &worker.own {
        assert!(snapshot.iter().any(|entry| entry.jid() == jail.jid()));
    }
}

fn follow(_: &mut Worker<'_>) {
    let mut follower = Follower::new().expect("made");
    while follower.try_next().expect("followed").is_some() {}
}

fn clone(worker: &mut Worker<'_>) {
    let Some((jail, _)) = worker.random.choose_mut(&mut worker.own) else { return };
    let clone = jail.try_clone().expect("cloned");
    let found = Jail::open(jail.jid()).expect("found");
    assert_eq!(found.get(param::NAME).expect("read"), clone.get(param::NAME).expect("read"));
}

/// Gives a jail away, by its descriptor where it has one.
fn hand_over(worker: &mut Worker<'_>) {
    let Some((jail, children)) = worker.own.pop() else { return };
    drop(children);
    let jail = match jail.into_descriptor() {
        Ok(descriptor) => OwnedJail::try_from(descriptor).expect("a jail's"),
        Err(jail) => jail,
    };
    worker.handed.lock().expect("no panic").push(jail);
}

fn take_over(worker: &mut Worker<'_>) {
    if let Some(jail) = worker.handed.lock().expect("no panic").pop() {
        worker.own.push((jail, Vec::new()));
    }
}

fn run(worker: &mut Worker<'_>) {
    let held = worker.random.below(4) == 0;
    let Some((jail, _)) = worker.random.choose_mut(&mut worker.own) else { return };
    let mut command = jail.command("/bin/sh");
    // Not null: a jail has no /dev of its own.
    command.stdin(Stdio::piped());
    if held {
        // Removed while it runs.
        let mut child = command.args(["-c", "exec sleep 60"]).spawn().expect("started");
        let jid = jail.jid();
        worker.own.retain(|(jail, _)| jail.jid() != jid);
        assert!(!child.wait().expect("waited for").success());
        return;
    }
    assert_eq!(command.args(["-c", "exit 7"]).status().expect("started").code(), Some(7));
}

fn attach(worker: &mut Worker<'_>) {
    let model = worker.model.clone();
    let Some((jail, _)) = worker.random.choose_mut(&mut worker.own) else { return };
    // A process attaches to an owned jail only by another handle.
    let clone = jail.try_clone().expect("cloned");
    let jail = Jail::open(clone.jid()).expect("found");
    attach_in_child(model.as_ref(), &jail);
}

fn remove(worker: &mut Worker<'_>) {
    if worker.own.is_empty() {
        return;
    }
    let index = worker.random.index(worker.own.len());
    let (jail, children) = worker.own.swap_remove(index);
    match worker.random.below(3) {
        0 => jail.remove().expect("removed"),
        1 => {
            let outcome = jail.remove_and_wait(Some(Duration::from_secs(60))).expect("removed");
            assert!(outcome.is_done(), "{outcome:?}");
        }
        _ => drop(jail),
    }
    // These were removed before, or with their parent.
    drop(children);
}

/// The names of all jails of this process, including dying ones.
fn left() -> Vec<String> {
    let mine = format!("fj-{}-", std::process::id());
    let names = Jail::all().dying(true).get(param::NAME.utf8()).map(|name| name.expect("read"));
    names.filter(|name| name.starts_with(&mine)).collect()
}

#[test]
fn whatever_is_done_nothing_is_left() {
    if cfg!(target_os = "freebsd") && !is_root() {
        return;
    }
    alone("whatever_is_done_nothing_is_left", || {
        let host = host();
        let model = host.model().cloned();
        if let Some(model) = &model {
            model.allow_exec(true);
        }
        let everywhere = model.as_ref().map(sim::Kernel::install_for_process);
        // Descriptors that are opened once and stay.
        assert_eq!(left(), Vec::<String>::new());
        let before = common::open_descriptors();
        let seconds = setting("FREEBSD_JAIL_SOAK_SECONDS", 10);
        let seed = setting("FREEBSD_JAIL_SOAK_SEED", std::process::id().into());
        println!("{seconds} s, seed {seed}");
        let end = Instant::now() + Duration::from_secs(seconds);
        let handed = Mutex::new(Vec::new());
        let mut all: BTreeMap<&str, u64> = BTreeMap::new();
        thread::scope(|scope| {
            let threads: Vec<_> = (0..setting("FREEBSD_JAIL_SOAK_THREADS", 4))
                .map(|thread| {
                    let (model, handed) = (model.clone(), &handed);
                    scope.spawn(move || {
                        let random = Random::new(seed.wrapping_add(thread));
                        let mut worker =
                            Worker { random, model, own: Vec::new(), handed, done: BTreeMap::new() };
                        while Instant::now() < end {
                            let (what, act) = worker.random.pick(&ACTS);
                            act(&mut worker);
                            *worker.done.entry(what).or_default() += 1;
                        }
                        worker.done
                    })
                })
                .collect();
            for thread in threads {
                for (what, count) in thread.join().expect("no panic") {
                    *all.entry(what).or_default() += count;
                }
            }
        });
        println!("{all:?}");
        drop(handed);
        let deadline = Instant::now() + Duration::from_secs(60);
        while !left().is_empty() {
            assert!(Instant::now() < deadline, "left behind: {:?}", left());
            thread::sleep(Duration::from_millis(50));
        }
        assert_eq!(common::open_descriptors(), before, "descriptors");
        assert_eq!(waitpid(None, None), Err(Errno::ECHILD), "a child is left");
        drop(everywhere);
    });
}
