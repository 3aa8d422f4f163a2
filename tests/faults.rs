//! Every public function, with every system call that it makes failing in turn: no panic, nothing left behind, the error
//! number arrives, and an owned jail is not lost.

#![cfg(feature = "sim")]
#![allow(
    clippy::expect_used,
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

mod common;

use std::process::Command;
use std::time::Duration;

use common::process::alone;
use freebsd_jail::exec::Processes;
use freebsd_jail::param::Param;
use freebsd_jail::sim::{Fault, Kernel, Module, Release};
use freebsd_jail::watch::Follower;
use freebsd_jail::{
    Allow, Catalog, Jail, JailUpdate, OwnedJail, Result, Watcher, is_jailed, param, raw, snapshot::Snapshot,
};

/// What a function works on: an owned jail with a detached one below it, and the model.
struct Given {
    kernel: Kernel,
    jail: OwnedJail,
    below: Jail,
}

type Function = fn(&Given) -> Result<()>;

const SHORT: Option<Duration> = Some(Duration::from_millis(10));

/// Waits end by their time, too.
const FUNCTIONS: &[(&str, Function)] = &[
    ("JailBuilder::create", |_| Jail::builder().name("new").path("/").create().map(drop)),
    ("JailBuilder::create with meta", |_| {
        let meta = Param::<String>::new("meta.owner");
        Jail::builder().name("new").path("/").optional(meta, "me").create().map(drop)
    }),
    ("JailBuilder::create_detached", |_| {
        let jail = Jail::builder().path("/").create_detached()?;
        // Nobody else removes it.
        jail.remove().inspect_err(|_| jail.remove().expect("removed"))
    }),
    ("JailBuilder::create_and_attach", |given| {
        let child = given.kernel.process().fork();
        let result = child.run(|| Jail::builder().path("/").create_and_attach());
        child.exit();
        result.map(drop)
    }),
    ("JailBuilder::copy_from", |given| {
        Jail::builder().path("/").copy_from(&given.jail, &["securelevel"])?.create().map(drop)
    }),
    ("JailBuilder::create below", |given| {
        given.jail.child_builder().name("new").path("/").create().map(drop)
    }),
    ("JailBuilder::create below with zfs", |given| {
        given.jail.child_builder().path("/").set(param::ZFS, param::Mode::New).create().map(drop)
    }),
    ("Jail::open by name", |_| Jail::open("given").map(drop)),
    ("Jail::open by jid", |given| Jail::open(given.jail.jid()).map(drop)),
    ("Jail::open_child", |given| given.jail.open_child("below").map(drop)),
    ("Jail::get", |given| given.jail.get((param::NAME, param::PATH, param::SECURELEVEL)).map(drop)),
    ("Jail::get below", |given| given.below.get(param::HOST_HOSTNAME).map(drop)),
    ("Jail::info", |given| given.jail.info().map(drop)),
    ("Jail::permissions", |given| given.jail.permissions().map(drop)),
    ("Jail::update", |given| given.jail.update(&JailUpdate::new().hostname("new").allow(Allow::CHFLAGS))),
    ("Jail::update below", |given| given.below.update(&JailUpdate::new().hostname("new"))),
    ("Jail::update of meta", |given| {
        given.jail.update(&JailUpdate::new().optional(Param::<String>::new("meta.owner"), "me"))
    }),
    ("Jail::all", |_| Jail::all().get((param::JID, param::NAME)).try_for_each(|jail| jail.map(drop))),
    ("Jail::children", |given| given.jail.children().get(param::NAME).try_for_each(|jail| jail.map(drop))),
    ("Jail::descendants", |given| {
        given.jail.descendants().get(param::NAME).try_for_each(|jail| jail.map(drop))
    }),
    ("Jail::try_clone", |given| given.jail.try_clone().map(drop)),
    ("Jail::is_alive", |given| given.jail.is_alive().map(drop)),
    ("Jail::into_owned", |_| {
        let jail = Jail::builder().path("/").create_detached()?;
        let other = jail.try_clone();
        match jail.into_owned() {
            Ok(owned) => owned.remove(),
            Err(error) => {
                // The caller has another handle still, and removes it.
                let _ = other.map(|jail| jail.remove());
                Err(error)
            }
        }
    }),
    ("OwnedJail::into_descriptor", |_| {
        let jail = Jail::builder().path("/").create()?;
        match jail.into_descriptor() {
            Ok(descriptor) => OwnedJail::try_from(descriptor).map(drop),
            Err(jail) => jail.remove(),
        }
    }),
    ("Jail::remove", |_| Jail::builder().path("/").create()?.remove()),
    ("Jail::remove_and_wait", |_| Jail::builder().path("/").create()?.remove_and_wait(SHORT).map(drop)),
    ("Jail::wait_dying", |given| given.jail.wait_dying(SHORT).map(drop)),
    ("Jail::wait_gone", |given| given.jail.wait_gone(SHORT).map(drop)),
    ("Jail::attach", |given| {
        let clone = Jail::open(given.jail.jid())?;
        let child = given.kernel.process().fork();
        let result = child.run(|| clone.attach());
        child.exit();
        result
    }),
    ("Jail::processes", |given| given.jail.processes().map(drop)),
    ("Processes::current", |_| Processes::current().map(drop)),
    ("Jail::signal", |given| given.jail.signal(0).map(drop)),
    ("JailCommand::status", |given| given.jail.command("/bin/sh").args(["-c", ":"]).status().map(drop)),
    ("JailCommand::spawn", |given| {
        let mut child = given.jail.command("/bin/sh").args(["-c", ":"]).spawn()?;
        child.wait().expect("waited for");
        Ok(())
    }),
    ("Jail::confine", |given| {
        let mut command = Command::new("/bin/sh");
        given.jail.confine(command.args(["-c", ":"])).map(drop)
    }),
    ("Jail::move_interface", |given| {
        given.jail.move_interface("nosuch0").or(given.jail.is_alive().map(drop))
    }),
    ("Watcher", |given| {
        let watcher = Watcher::new()?;
        watcher.watch(&given.jail)?;
        given.jail.update(&JailUpdate::new().hostname("new"))?;
        watcher.wait(SHORT).map(drop)
    }),
    ("Follower", |_| {
        let mut follower = Follower::new()?;
        while follower.try_next()?.is_some() {}
        Ok(())
    }),
    ("Snapshot::current", |_| Snapshot::current().map(drop)),
    ("Catalog::current", |_| Catalog::current().map(drop)),
    ("is_jailed", |_| is_jailed().map(drop)),
    ("raw::jail_attach", |given| {
        let child = given.kernel.process().fork();
        let result = child.run(|| raw::jail_attach(given.below.jid()));
        child.exit();
        result
    }),
    ("raw::jail_remove", |_| {
        let jail = Jail::builder().path("/").create()?;
        raw::jail_remove(jail.jid())
    }),
];

/// Makes a function's surroundings, runs it, and sees that nothing of it is left.
fn run(name: &str, function: Function, release: Release, after: u64, fault: Option<&Fault>) -> Ran {
    let kernel = Kernel::with_release(release);
    kernel.allow_exec(true);
    kernel.load(Module::Zfs);
    let _guard = kernel.install();
    let before = open_descriptors();
    let jail = Jail::builder().name("given").path("/").children_max(9).create().expect("created");
    let below = jail.child_builder().name("below").path("/").create_detached().expect("created");
    let given = Given { kernel: kernel.clone(), jail, below };
    let start = kernel.faultable_calls();
    if let Some(fault) = fault {
        kernel.fault(after, fault.clone());
    }
    let result = function(&given);
    let missed = kernel.cancel_fault();
    let calls = kernel.faultable_calls() - start;
    let context = format!("{name} on {release:?}, {fault:?} after {after}: {result:?}");
    assert!(given.jail.is_alive().expect(&context), "{context}: the owned jail is lost");
    let names = Jail::all().dying(true).get(param::NAME.utf8());
    let left: Vec<String> = names.map(|name| name.expect("a name")).collect();
    let processes = Processes::current().expect("listed").iter().count();
    assert_eq!(processes, 1, "{context}: a process is left");
    drop(given);
    let descriptors = open_descriptors() - before;
    assert_eq!(kernel.sprung(), [], "{context}");
    Ran { result, hit: fault.is_some() && !missed, calls, left, descriptors, context }
}

struct Ran {
    result: Result<()>,
    /// Whether the fault came.
    hit: bool,
    calls: u64,
    /// The jails that there are, before those of the surroundings go.
    left: Vec<String>,
    descriptors: usize,
    context: String,
}

const ERRNOS: [i32; 3] = [
    libc::EMFILE,
    libc::EPERM,
    // ECAPMODE.
    94,
];

#[test]
fn every_function_survives_every_error_of_every_call() {
    alone("every_function_survives_every_error_of_every_call", || {
        let mut wrong = Vec::new();
        let mut tried = 0;
        for release in [Release::FREEBSD_15_1] {
            for (name, function) in FUNCTIONS {
                let calls = run(name, *function, release, 0, None);
                if calls.descriptors != 0 || calls.left.len() != 2 {
                    wrong.push(format!("without a fault: {} {:?}", calls.context, calls.left));
                }
                for after in 0..calls.calls {
                    let texts = [libc::EPERM];
                    let texts = texts.map(|errno| (errno, Fault::Text(errno, vec![0xff; 2000])));
                    for (errno, fault) in
                        ERRNOS.map(|errno| (errno, Fault::Errno(errno))).into_iter().chain(texts)
                    {
                        tried += 1;
                        let ran = run(name, *function, release, after, Some(&fault));
                        check(&ran, errno, &mut wrong);
                    }
                }
            }
        }
        println!("{tried} faults");
        assert!(wrong.is_empty(), "{} of {tried}:\n{}", wrong.len(), wrong.join("\n"));
    });
}

fn check(ran: &Ran, errno: i32, wrong: &mut Vec<String>) {
    if ran.descriptors != 0 {
        wrong.push(format!("{} descriptors are left: {}", ran.descriptors, ran.context));
    }
    if ran.left.len() > 2 {
        wrong.push(format!("{:?} is left: {}", ran.left, ran.context));
    }
    if let (true, Err(error)) = (ran.hit, &ran.result) {
        if error.errno() != Some(errno) {
            wrong.push(format!("another error number: {}", ran.context));
        }
    }
}

#[test]
fn every_function_survives_answers_of_wrong_lengths_and_garbage() {
    alone("every_function_survives_answers_of_wrong_lengths_and_garbage", || {
        let faults = [Fault::Length(0), Fault::Length(usize::MAX), Fault::Filled(0), Fault::Filled(0xff)];
        let mut wrong = Vec::new();
        let mut tried = 0;
        for release in [Release::FREEBSD_15_1] {
            for (name, function) in FUNCTIONS {
                let calls = run(name, *function, release, 0, None).calls;
                for after in 0..calls {
                    for fault in &faults {
                        tried += 1;
                        let ran = run(name, *function, release, after, Some(fault));
                        if ran.descriptors != 0 || ran.left.len() > 2 {
                            wrong.push(format!(
                                "{} descriptors, {:?}: {}",
                                ran.descriptors, ran.left, ran.context
                            ));
                        }
                    }
                }
            }
        }
        println!("{tried} answers");
        assert!(wrong.is_empty(), "{} of {tried}:\n{}", wrong.len(), wrong.join("\n"));
    });
}

/// Counts the open descriptors with low numbers.
fn open_descriptors() -> usize {
    // SAFETY: F_GETFD takes a number, which need not be open, and touches no memory.
    (0..256).filter(|&fd| unsafe { libc::fcntl(fd, libc::F_GETFD) } != -1).count()
}
