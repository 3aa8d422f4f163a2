//! Many operations in many threads at once, for a given time.
//!
//! FREEBSD_JAIL_TEST_SECONDS: how long (20 on a real kernel, 1 on a model).

#![allow(clippy::expect_used, clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod common;

use std::net::Ipv4Addr;
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use common::fork::attach_in_child;
use common::process::alone;
use common::programs::executing_host;
use common::tree::Tree;
use common::{is_root, name, open_descriptors, real_kernel_accounts_resources};
use freebsd_jail::{Allow, ErrorKind, Jail, JailUpdate, Watcher, error::Call, param, sim};
use nix::sys::wait::{WaitStatus, waitpid};
use nix::unistd::{ForkResult, fork};

/// How long the tests run.
fn duration() -> Duration {
    let asked = std::env::var("FREEBSD_JAIL_TEST_SECONDS").ok();
    let seconds = asked.map(|seconds| seconds.parse().expect("a number of seconds"));
    Duration::from_secs(seconds.unwrap_or(if cfg!(target_os = "freebsd") { 20 } else { 1 }))
}

/// Shared by all threads: the model, if it is one, and two jails that stay.
struct Common {
    model: Option<sim::Kernel>,
    jails: [Jail; 2],
    /// Whether resource accounting is on: then renaming a jail while processes attach may panic the kernel (T40).
    accounts: bool,
}

impl Common {
    fn jail(&self, round: usize) -> &Jail {
        let [one, other] = &self.jails;
        if round % 2 == 0 { one } else { other }
    }
}

/// Creates, nests and removes jails.
fn create(_: &Common, round: usize) {
    let builder = Jail::builder().name(name("created")).path("/").ip4([Ipv4Addr::new(127, 0, 0, 61)]);
    let jail = builder.children_max(2).create().expect("created");
    let child = jail.child_builder().name("below").path("/").create_detached().expect("created");
    assert_eq!(jail.children().get(param::JID).map(Result::unwrap).collect::<Vec<_>>(), [child.jid()]);
    if round % 8 == 0 {
        let gone = jail.remove_and_wait(Some(Duration::from_secs(60))).expect("removed");
        assert!(gone.is_done(), "{gone:?}");
    } else {
        jail.remove().expect("removed");
    }
}

/// Starts programs.
fn start(common: &Common, round: usize) {
    let jail = common.jail(round / 2);
    let status = if round % 2 == 0 {
        jail.command("/bin/sh").args(["-c", "exit 7"]).status().expect("started")
    } else {
        let mut command = Command::new("/bin/sh");
        jail.confine(command.args(["-c", "exit 7"])).expect("prepared").status().expect("started")
    };
    assert_eq!(status.code(), Some(7));
}

/// Attaches to jails, in forked children.
fn attach(common: &Common, round: usize) {
    attach_in_child(common.model.as_ref(), common.jail(round));
}

/// Renames a jail without processes, and reads the names of all.
fn rename(_: &Common, _: usize) {
    let jail = Jail::builder().name(name("first")).path("/").create().expect("created");
    for _ in 0..5 {
        let new = name("renamed");
        jail.update(&JailUpdate::new().name(&new)).expect("renamed");
        assert_eq!(jail.get(param::NAME.utf8()).expect("read"), new);
        assert!(Jail::all().get(param::NAME.utf8()).map(|name| name.expect("read")).any(|name| name == new));
    }
}

/// Watches jails that are updated and removed.
fn watch(common: &Common, _: usize) {
    let watcher = match Watcher::new() {
        Ok(watcher) => watcher,
        Err(error) if error.kind() == ErrorKind::Unsupported => {
            thread::sleep(Duration::from_millis(10));
            return;
        }
        Err(error) => panic!("{error}"),
    };
    for jail in &common.jails {
        watcher.watch(jail).expect("watched");
    }
    let short = Jail::builder().name(name("watched")).path("/").create().expect("created");
    let by_jid = watcher.watch_jid(short.jid()).expect("watched");
    short.update(&JailUpdate::new().hostname("changed")).expect("changed");
    let clone = short.try_clone().expect("cloned");
    thread::scope(|scope| {
        let model = common.model.as_ref();
        scope.spawn(move || {
            let _guard = model.map(sim::Kernel::install);
            drop(short);
        });
        assert!(clone.wait_dying(Some(Duration::from_secs(30))).expect("waited").is_done());
    });
    loop {
        let event = watcher.wait(Some(Duration::from_secs(30))).expect("waited").done().expect("an event");
        if event.watch() == by_jid && event.is_removed() {
            return;
        }
    }
}

/// Updates and reads jails to which others attach.
fn change(common: &Common, round: usize) {
    let jail = common.jail(round);
    let host = format!("host-{round}.example.org");
    let update = JailUpdate::new().hostname(&host);
    let update =
        if round % 4 < 2 { update.allow(Allow::RAW_SOCKETS) } else { update.deny(Allow::RAW_SOCKETS) };
    // It has no namespace for System V objects, so this removes nothing (T41).
    jail.update(&update.deny(Allow::SYSVIPC)).expect("updated");
    if !common.accounts {
        jail.update(&JailUpdate::new().name(name("stays"))).expect("renamed");
    }
    assert_eq!(jail.get(param::HOST_HOSTNAME.utf8()).expect("read"), host);
    assert!(jail.get((param::NAME, param::PATH, param::CHILDREN_CUR)).is_ok());
    jail.processes().expect("listed");
    jail.signal(0).expect("asked");
}

type Act = fn(&Common, usize);

const ACTS: [(&str, Act); 7] = [
    ("create", create),
    ("start", start),
    ("start again", start),
    ("attach", attach),
    ("rename", rename),
    ("watch", watch),
    ("change", change),
];

/// The names of all jails of this process, including dying ones.
fn left() -> Vec<String> {
    let mine = format!("fj-{}-", std::process::id());
    let names = Jail::all().dying(true).get(param::NAME.utf8()).map(|name| name.expect("read"));
    names.filter(|name| name.starts_with(&mine)).collect()
}

#[track_caller]
fn nothing_is_left() {
    let deadline = Instant::now() + Duration::from_secs(30);
    while !left().is_empty() {
        assert!(Instant::now() < deadline, "left behind: {:?}", left());
        thread::sleep(Duration::from_millis(50));
    }
}

#[test]
fn threads_create_start_attach_rename_watch_and_update_side_by_side() {
    if cfg!(target_os = "freebsd") && !is_root() {
        return;
    }
    alone("threads_create_start_attach_rename_watch_and_update_side_by_side", || {
        let host = executing_host();
        let before = open_descriptors();
        let jail = || Jail::builder().name(name("stays")).path("/").create_detached().expect("created");
        let accounts = real_kernel_accounts_resources();
        let common = Common { model: host.model().cloned(), jails: [jail(), jail()], accounts };
        let end = Instant::now() + duration();
        thread::scope(|scope| {
            for (what, act) in ACTS {
                let common = &common;
                scope.spawn(move || {
                    let _guard = common.model.as_ref().map(sim::Kernel::install);
                    let mut rounds = 0;
                    while Instant::now() < end {
                        act(common, rounds);
                        rounds += 1;
                    }
                    println!("{what}: {rounds} rounds");
                    assert!(rounds > 0, "{what}");
                });
            }
        });
        for jail in common.jails {
            jail.remove().expect("removed");
        }
        nothing_is_left();
        assert_eq!(open_descriptors(), before);
        assert_eq!(waitpid(None, None), Err(nix::errno::Errno::ECHILD), "a child is left");
    });
}

/// Attaches to two jails at once while threads start programs in a third. Returns how many were started.
fn attach_at_once(model: Option<&sim::Kernel>, ways_in: [&Jail; 2], third: &Jail) -> usize {
    let attached = AtomicBool::new(false);
    thread::scope(|scope| {
        let starters = [(); 2].map(|()| {
            scope.spawn(|| {
                let _guard = model.map(sim::Kernel::install);
                let (mut started, mut rounds_left) = (0, 3);
                while rounds_left > 0 {
                    rounds_left -= usize::from(attached.load(Ordering::Relaxed));
                    let mut command = third.command("/bin/sh");
                    match command.args(["-c", "[ -e /marker ]"]).status() {
                        Ok(status) => {
                            assert!(status.success() || model.is_some(), "a program outside of its jail");
                            started += 1;
                        }
                        // From inside one jail, a child in another cannot be waited for (`p_canwait`).
                        Err(error) if error.call() == Some(Call::Wait) => {
                            assert_eq!(error.errno(), Some(libc::ECHILD), "{error}");
                            started += 1;
                        }
                        // By jid, the third jail cannot be seen from inside.
                        Err(error) => assert_eq!(error.kind(), ErrorKind::NotFound, "{error}"),
                    }
                }
                started
            })
        });
        let attaching = ways_in.map(|jail| {
            scope.spawn(|| {
                let _guard = model.map(sim::Kernel::install);
                jail.attach()
            })
        });
        let results = attaching.map(|thread| thread.join().expect("no panic"));
        attached.store(true, Ordering::Relaxed);
        assert!(results.iter().any(Result::is_ok), "{results:?}");
        for error in results.into_iter().filter_map(Result::err) {
            // From inside the one, the other cannot be seen by its jid.
            assert_eq!(error.kind(), ErrorKind::NotFound, "{error}");
        }
        starters.into_iter().map(|thread| thread.join().expect("no panic")).sum()
    })
}

#[test]
fn a_process_attaches_to_two_jails_at_once_while_its_threads_start_programs_t42_t43() {
    if cfg!(target_os = "freebsd") && !is_root() {
        return;
    }
    alone("a_process_attaches_to_two_jails_at_once_while_its_threads_start_programs_t42_t43", || {
        let tree = cfg!(target_os = "freebsd").then(|| Tree::with(&["/bin/sh"]));
        let empty = cfg!(target_os = "freebsd").then(|| Tree::with(&[]));
        if let Some(tree) = &tree {
            tree.file("/marker", "the third jail's root\n");
        }
        let root = |tree: &Option<Tree>| tree.as_ref().map_or("/".into(), |tree| tree.path().to_owned());
        let end = Instant::now() + duration();
        let mut rounds = 0;
        while Instant::now() < end {
            let host = executing_host();
            let jail = |tree| {
                Jail::builder().name(name("attached")).path(root(tree)).create_detached().expect("created")
            };
            let (one, other, third) = (jail(&empty), jail(&empty), jail(&tree));
            if let Some(model) = host.model() {
                assert!(attach_at_once(Some(model), [&one, &other], &third) > 0);
            } else {
                // SAFETY: this process has one thread.
                match unsafe { fork() }.expect("forked") {
                    ForkResult::Parent { child } => {
                        assert_eq!(waitpid(child, None), Ok(WaitStatus::Exited(child, 7)));
                    }
                    ForkResult::Child => {
                        attach_at_once(None, [&one, &other], &third);
                        // SAFETY: it ends the process.
                        unsafe { libc::_exit(7) };
                    }
                }
                for jail in [one, other, third] {
                    jail.remove().expect("removed");
                }
                nothing_is_left();
            }
            rounds += 1;
        }
        println!("{rounds} rounds");
    });
}
