//! A daemon that reports what happens to all jails, at any depth, with plain poll(2).
//!
//!     watch [--for SECONDS]
//!
//! It runs until it is interrupted, or for some seconds. After the removal of a jail it says when the jail is gone, and
//! what holds it if it is not gone within a second. On FreeBSD it watches the kernel's jails. Anywhere else it shows the
//! same on a model of the kernel, with jails of its own.

use std::collections::BTreeMap;
use std::error::Error;
use std::os::fd::AsFd;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use freebsd_jail::watch::{Followed, FollowedJail, Follower, HeldJail, WaitOutcome, WatchId};
use freebsd_jail::{Jail, JailUpdate, sim};
use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

fn main() -> ExitCode {
    let result =
        arguments().and_then(|end| if cfg!(target_os = "freebsd") { watch(end) } else { on_the_model(end) });
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("watch: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Returns when to end, `None` for never.
fn arguments() -> Result<Option<Instant>, Box<dyn Error>> {
    let mut end = None;
    let mut parser = lexopt::Parser::from_env();
    while let Some(argument) = parser.next()? {
        match argument {
            lexopt::Arg::Long("for") => {
                let seconds = lexopt::ValueExt::parse(&parser.value()?)?;
                end = Instant::now().checked_add(Duration::from_secs(seconds));
            }
            lexopt::Arg::Long("help") => {
                println!("usage: watch [--for SECONDS]");
                std::process::exit(0);
            }
            other => return Err(other.unexpected().into()),
        }
    }
    Ok(end)
}

/// A jail that is followed, and how it is waited for until it is gone.
struct Known {
    jail: FollowedJail,
    held: HeldJail,
    removed: Option<Instant>,
    was_reported: bool,
}

fn watch(end: Option<Instant>) -> Result<(), Box<dyn Error>> {
    let mut follower = Follower::new()?;
    let mut known: BTreeMap<WatchId, Known> = BTreeMap::new();
    if let Some(interval) = follower.interval() {
        println!("this kernel does not report everything: looking every {interval:?}");
    }
    loop {
        // All there is, before waiting for the descriptor.
        while let Some(told) = follower.try_next()? {
            report(&told);
            note(&told, &follower, &mut known)?;
        }
        look_for_ends(&mut known)?;
        let left = end.map(|end| end.saturating_duration_since(Instant::now()));
        if left == Some(Duration::ZERO) {
            return Ok(());
        }
        // The kernel has no event for the end of a dying jail: look again soon.
        let is_any_dying = known.values().any(|known| known.removed.is_some());
        let longest = if is_any_dying { Duration::from_millis(100) } else { Duration::from_secs(60) };
        let timeout = left.map_or(longest, |left| left.min(longest)) + Duration::from_millis(1);
        let mut polled = [PollFd::new(follower.as_fd(), PollFlags::POLLIN)];
        match poll(&mut polled, PollTimeout::try_from(timeout)?) {
            Ok(_) | Err(Errno::EINTR) => {}
            Err(errno) => return Err(errno.into()),
        }
    }
}

fn report(told: &Followed) {
    let jail = |jail: &FollowedJail| format!("jail {} ({})", jail.jid(), jail.name().to_string_lossy());
    match told {
        Followed::Present(seen) => println!("{} is there", jail(seen)),
        Followed::Appeared(seen) => println!("{} was created", jail(seen)),
        Followed::Renamed { jail: seen, from } => println!("{} was {}", jail(seen), from.to_string_lossy()),
        Followed::Changed(seen) => println!("{} was updated", jail(seen)),
        Followed::Attached { jail: seen, pid: Some(pid) } => {
            println!("{}: process {pid} attached", jail(seen));
        }
        Followed::Attached { jail: seen, pid: None } => println!("{}: processes attached", jail(seen)),
        Followed::Removed(seen) => println!("{} was removed", jail(seen)),
        other => println!("{other:?}"),
    }
}

/// Keeps what is needed to know when a jail is gone.
fn note(
    told: &Followed,
    follower: &Follower,
    known: &mut BTreeMap<WatchId, Known>,
) -> Result<(), Box<dyn Error>> {
    let Some(jail) = told.jail().cloned() else { return Ok(()) };
    let id = jail.id();
    if let Some(known) = known.get_mut(&id) {
        known.jail = jail;
        known.removed = matches!(told, Followed::Removed(_)).then(Instant::now);
    } else if let Some(handle) = follower.handle(id) {
        // It lives, unless it is removed right now: then it is gone, or its removal is the next thing to be read.
        if let WaitOutcome::TimedOut(held) = handle.wait_gone(Some(Duration::ZERO))? {
            known.insert(id, Known { jail, held, removed: None, was_reported: false });
        }
    }
    Ok(())
}

fn look_for_ends(known: &mut BTreeMap<WatchId, Known>) -> Result<(), Box<dyn Error>> {
    let mut gone = Vec::new();
    for (id, known) in known.iter_mut() {
        let Some(removed) = known.removed else { continue };
        let name = known.jail.name().to_string_lossy();
        if known.held.wait_gone(Some(Duration::ZERO))?.is_done() {
            println!("jail {} ({name}) is gone", known.jail.jid());
            gone.push(*id);
        } else if removed.elapsed() > Duration::from_secs(1) && !known.was_reported {
            println!("jail {} ({name}) is still held by {}", known.jail.jid(), known.held.holders()?);
            known.was_reported = true;
        }
    }
    known.retain(|id, _| !gone.contains(id));
    Ok(())
}

/// Does the same on a model, where another thread creates, changes and removes jails.
fn on_the_model(end: Option<Instant>) -> Result<(), Box<dyn Error>> {
    let kernel = sim::Kernel::new();
    let _guard = kernel.install();
    println!("this is not FreeBSD: following the jails of a model of its kernel");
    let end = end.or_else(|| Instant::now().checked_add(Duration::from_secs(3)));
    std::thread::scope(|scope| {
        let busy = scope.spawn(|| act(&kernel));
        watch(end)?;
        busy.join().map_or(Ok(()), |acted| acted.map_err(Into::into))
    })
}

fn act(kernel: &sim::Kernel) -> freebsd_jail::Result<()> {
    let _guard = kernel.install();
    let pause = || std::thread::sleep(Duration::from_millis(50));
    pause();
    let outer = Jail::builder().name("outer").path("/").children_max(1).create()?;
    pause();
    let inner = outer.child_builder().name("inner").path("/").create()?;
    pause();
    let process = kernel.process().fork();
    process.run(|| inner.attach())?;
    pause();
    outer.update(&JailUpdate::new().name("renamed"))?;
    pause();
    outer.remove()?;
    std::thread::sleep(Duration::from_millis(1500));
    process.kill(); // its parent waits for it
    Ok(())
}
