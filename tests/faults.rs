//! Every public function, with every system call that it makes failing in turn: no panic, nothing left behind, the errno
//! arrives, and an owned jail is not lost.
//!
//! Of all calls, errnos and releases, a test tries 400 combinations at random. `FREEBSD_JAIL_FAULTS` is how many to try,
//! or `all`; `FREEBSD_JAIL_FAULTS_SEED` repeats a choice.

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
use std::time::{Duration, Instant};

use common::process::alone;
use common::random::Random;
use freebsd_jail::cpus::CpuSet;
use freebsd_jail::exec::Processes;
use freebsd_jail::param::Param;
use freebsd_jail::sim::{Fault, Kernel, Module, Release};
use freebsd_jail::watch::{Follower, WaitOutcome};
use freebsd_jail::{
    Allow, Catalog, ErrorKind, Jail, JailUpdate, Network, OwnedJail, Result, Watcher, is_jailed, param, raw,
    snapshot::Snapshot,
};

/// What a function works on: an owned jail with a detached one below it, and the model.
struct Given {
    kernel: Kernel,
    jail: OwnedJail,
    below: Jail,
}

type Function = fn(&Given) -> Result<()>;

const SHORT: Option<Duration> = Some(Duration::from_millis(2));

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
        jail.remove().inspect_err(|_| drop(raw::jail_remove(jail.jid())))
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
        given.kernel.add_interface("epair0b");
        let jail = Jail::builder().path("/").network(Network::own_stack()).create()?;
        jail.move_interface("epair0b")
    }),
    ("Jail::reclaim_interface", |given| {
        given.kernel.add_interface("epair0b");
        let jail = Jail::builder().path("/").network(Network::own_stack()).create()?;
        jail.move_interface("epair0b")?;
        jail.reclaim_interface("epair0b")
    }),
    ("Jail::cpus", |given| given.jail.cpus().map(drop)),
    ("Jail::set_cpus", |given| given.below.set_cpus(&CpuSet::from_iter([0]))),
    ("HeldJail", |given| {
        let jail = Jail::builder().path("/").create()?;
        let child = given.kernel.process().fork();
        let attached = child.run(|| raw::jail_attach(jail.jid()));
        let result = attached.and_then(|()| jail.remove_and_wait(SHORT)).and_then(|outcome| match outcome {
            WaitOutcome::TimedOut(mut held) => {
                held.holders()?;
                held.wait_gone(SHORT).map(drop)
            }
            WaitOutcome::Done(()) => Ok(()),
        });
        child.exit();
        result
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
    ("raw::jail", |given| {
        let child = given.kernel.process().fork();
        let result = child.run(|| raw::jail(&raw::LegacyJail::new("/", "www")));
        child.exit();
        result.map(drop)
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
    let _ = kernel.cancel_fault();
    let hit = kernel.faulted();
    let calls = kernel.faultable_calls() - start;
    let context = format!("{name} on {release:?}, {fault:?} after {after}, in {hit:?}: {result:?}");
    assert!(given.jail.is_alive().expect(&context), "{context}: the owned jail is lost");
    let names = Jail::all().dying(true).get(param::NAME.utf8());
    let left: Vec<String> = names.map(|name| name.expect("a name")).collect();
    let processes = Processes::current().expect("listed").iter().count();
    assert_eq!(processes, 1, "{context}: a process is left");
    drop(given);
    let descriptors = open_descriptors() - before;
    assert_eq!(kernel.sprung(), [], "{context}");
    Ran { result, hit, calls, left, descriptors, context }
}

struct Ran {
    result: Result<()>,
    /// The call that the fault hit.
    hit: Option<&'static str>,
    calls: u64,
    /// The jails that there are, before those of the surroundings go.
    left: Vec<String>,
    descriptors: usize,
    context: String,
}

const ERRNOS: [i32; 8] = [
    libc::EMFILE,
    libc::ENFILE,
    libc::EINTR,
    libc::ENOMEM,
    libc::EPERM,
    libc::EINVAL,
    libc::ENOENT,
    // ECAPMODE.
    94,
];

const RELEASES: [Release; 4] =
    [Release::FREEBSD_13_2, Release::FREEBSD_14_2, Release::FREEBSD_14_4, Release::FREEBSD_15_1];

/// A function on a release, one of whose calls fails.
struct Case<'f> {
    name: &'static str,
    function: Function,
    release: Release,
    /// How many calls come before it, which are as usual.
    after: u64,
    fault: &'f Fault,
    /// Whether the function works on this release at all.
    works: bool,
}

/// Returns every call of every function on every release with every fault. Checks that without one, nothing is left.
fn all_cases(faults: &[Fault]) -> Vec<Case<'_>> {
    let mut cases = Vec::new();
    for release in RELEASES {
        for &(name, function) in FUNCTIONS {
            let ran = run(name, function, release, 0, None);
            assert_eq!((ran.descriptors, ran.left.len()), (0, 2), "{} {:?}", ran.context, ran.left);
            for after in 0..ran.calls {
                let works = ran.result.is_ok();
                let case = |fault| Case { name, function, release, after, fault, works };
                cases.extend(faults.iter().map(case));
            }
        }
    }
    cases
}

/// Tries some of all cases, or all of them. `check` returns what is wrong with one.
fn try_out(what: &str, faults: &[Fault], check: impl Fn(&Case<'_>, &Ran) -> Option<String>) {
    let start = Instant::now();
    let mut cases = all_cases(faults);
    let total = cases.len();
    let wanted = std::env::var("FREEBSD_JAIL_FAULTS").unwrap_or_else(|_| "400".to_owned());
    let wanted = if wanted == "all" { total } else { wanted.parse().expect("a number or `all`") };
    let seed = std::env::var("FREEBSD_JAIL_FAULTS_SEED");
    let seed = seed.map_or(std::process::id().into(), |seed| seed.parse().expect("a number"));
    let mut random = Random::new(seed);
    let mut wrong = Vec::new();
    let mut hits = 0;
    for _ in 0..wanted.min(total) {
        let case = cases.swap_remove(random.index(cases.len()));
        let ran = run(case.name, case.function, case.release, case.after, Some(case.fault));
        hits += u32::from(ran.hit.is_some());
        if ran.descriptors != 0 {
            wrong.push(format!("{} descriptors are left: {}", ran.descriptors, ran.context));
        }
        // Where there are no descriptors, a jail whose removal the kernel refuses stays.
        let may_stay = ran.hit == Some("jail_remove") && case.release != Release::FREEBSD_15_1;
        if ran.left.len() > 2 && !may_stay {
            wrong.push(format!("{:?} is left: {}", ran.left, ran.context));
        }
        wrong.extend(check(&case, &ran));
    }
    let tried = total - cases.len();
    println!("{tried} of {total} {what}, seed {seed}, {:.1} s", start.elapsed().as_secs_f32());
    assert!(wrong.is_empty(), "{} of {tried}, seed {seed}:\n{}", wrong.len(), wrong.join("\n"));
    assert!(hits > 0, "no fault has come");
}

#[test]
fn every_function_survives_every_error_of_every_call() {
    alone("every_function_survives_every_error_of_every_call", || {
        let mut faults = Vec::from(ERRNOS.map(Fault::Errno));
        faults.push(Fault::Text(libc::EPERM, vec![0xff; 2000]));
        try_out("errors", &faults, |case, ran| {
            let (Fault::Errno(errno) | Fault::Text(errno, _)) = case.fault else { return None };
            let error = ran.result.as_ref().err().filter(|_| case.works && ran.hit.is_some())?;
            // Where the kernel could not be asked whether it has a parameter, it refuses it when it is sent.
            let is_unasked = ran.hit == Some("sysctl") && error.kind() == ErrorKind::UnknownParameter;
            (!is_unasked && error.errno() != Some(*errno)).then(|| format!("another errno: {}", ran.context))
        });
    });
}

#[test]
fn every_function_survives_answers_of_wrong_lengths_and_garbage() {
    alone("every_function_survives_answers_of_wrong_lengths_and_garbage", || {
        let faults = [Fault::Length(0), Fault::Length(usize::MAX), Fault::Filled(0), Fault::Filled(0xff)];
        try_out("answers", &faults, |_, _| None);
    });
}

/// Counts the open descriptors with low numbers.
fn open_descriptors() -> usize {
    // SAFETY: F_GETFD takes a number, which need not be open, and touches no memory.
    (0..256).filter(|&fd| unsafe { libc::fcntl(fd, libc::F_GETFD) } != -1).count()
}
