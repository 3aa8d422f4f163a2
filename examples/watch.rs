//! Reports what happens to all jails, at any depth, with plain poll(2), until it is interrupted.
//!
//! After the removal of a jail it reports when the jail is gone, and until then, each second, what holds it.

mod common;

use std::collections::BTreeMap;
use std::os::fd::AsFd;
use std::process::ExitCode;
use std::thread::{scope, sleep};
use std::time::{Duration, Instant};

use common::{Model, Result};
use freebsd_jail::watch::{Followed, FollowedJail, Follower, HeldJail, WaitOutcome, WatchId};
use freebsd_jail::{Jail, JailUpdate, sim};
use lexopt::prelude::*;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

const HELP: &str = "\
usage: watch [--for SECONDS]

Reports what happens to all jails. Off FreeBSD, to jails of a model of its kernel.

      --for SECONDS  end after this time
      --help         this text";

fn options() -> Result<Option<Duration>> {
    let mut time = Duration::MAX;
    let mut parser = lexopt::Parser::from_env();
    while let Some(argument) = parser.next()? {
        match argument {
            Long("for") => time = Duration::from_secs(parser.value()?.parse()?),
            Long("help") => return Ok(None),
            _ => return Err(argument.unexpected().into()),
        }
    }
    Ok(Some(time))
}

fn main() -> ExitCode {
    common::run("watch", HELP, options(), |time, model| {
        let end = Instant::now().checked_add(time);
        model.map_or_else(|| watch(end), |model| on_the_model(end, model)).map(|()| ExitCode::SUCCESS)
    })
}

/// A jail that is followed, and the wait for its end.
struct Known {
    jail: FollowedJail,
    held: HeldJail,
    removed: Option<Instant>,
}

fn watch(end: Option<Instant>) -> Result<()> {
    let mut follower = Follower::new()?;
    let mut known: BTreeMap<WatchId, Known> = BTreeMap::new();
    loop {
        // Handle everything before waiting for the descriptor.
        while let Some(told) = follower.try_next()? {
            report(&told);
            note(&told, &follower, &mut known)?;
        }
        known.retain(|_, known| !known.is_gone().unwrap_or(true));
        let left = end.map(|end| end.saturating_duration_since(Instant::now()));
        if left == Some(Duration::ZERO) {
            return Ok(());
        }
        // The kernel has no event for the end of a dying jail: look again soon.
        let longest = if known.values().any(|known| known.removed.is_some()) { 100 } else { 60_000 };
        let longest = Duration::from_millis(longest);
        let timeout = left.map_or(longest, |left| left.min(longest)) + Duration::from_millis(1);
        let mut polled = [PollFd::new(follower.as_fd(), PollFlags::POLLIN)];
        poll(&mut polled, PollTimeout::try_from(timeout)?)?;
    }
}

fn report(told: &Followed) {
    let jail = |jail: &FollowedJail| format!("jail {} ({})", jail.jid(), jail.name().to_string_lossy());
    match told {
        Followed::Present(seen) => println!("{} is there", jail(seen)),
        Followed::Appeared(seen) => println!("{} was created", jail(seen)),
        Followed::Renamed { jail: seen, from } => println!("{} was {}", jail(seen), from.to_string_lossy()),
        Followed::Changed(seen) => println!("{} was updated", jail(seen)),
        Followed::Attached { jail: seen, pid } => println!("{pid:?} attached to {}", jail(seen)),
        Followed::Removed(seen) => println!("{} was removed", jail(seen)),
        other => println!("{other:?}"),
    }
}

/// Keeps what identifies the jail until it is gone.
fn note(told: &Followed, follower: &Follower, known: &mut BTreeMap<WatchId, Known>) -> Result<()> {
    let Some(jail) = told.jail().cloned() else { return Ok(()) };
    let id = jail.id();
    if let Some(known) = known.get_mut(&id) {
        known.jail = jail;
        known.removed = matches!(told, Followed::Removed(_)).then(Instant::now);
    } else if let Some(handle) = follower.handle(id) {
        if let WaitOutcome::TimedOut(held) = handle.wait_gone(Some(Duration::ZERO))? {
            known.insert(id, Known { jail, held, removed: None });
        }
    }
    Ok(())
}

impl Known {
    /// Reports that a removed jail is gone, or what holds it. Returns whether it is gone.
    fn is_gone(&mut self) -> Result<bool> {
        let Some(removed) = self.removed else { return Ok(false) };
        let is_gone = self.held.wait_gone(Some(Duration::ZERO))?.is_done();
        let name = self.jail.name().to_string_lossy();
        if is_gone {
            println!("jail {} ({name}) is gone", self.jail.jid());
        } else if removed.elapsed() > Duration::from_secs(1) {
            println!("jail {} ({name}) is still held by {}", self.jail.jid(), self.held.holders()?);
            self.removed = Some(Instant::now());
        }
        Ok(is_gone)
    }
}

/// Does the same on a model, where another thread creates, changes and removes jails.
fn on_the_model(end: Option<Instant>, model: &Model) -> Result<()> {
    let kernel = model.kernel();
    scope(|scope| {
        let acting = scope.spawn(|| act(kernel));
        watch(end)?;
        acting.join().map_or(Ok(()), |acted| Ok(acted?))
    })
}

fn act(kernel: &sim::Kernel) -> freebsd_jail::Result<()> {
    let _guard = kernel.install();
    let pause = || sleep(Duration::from_millis(50));
    let outer = Jail::builder().name("outer").path("/").children_max(1).create()?;
    pause();
    let inner = outer.child_builder().name("inner").path("/").create()?;
    let process = kernel.process().fork();
    pause();
    process.run(|| inner.attach())?;
    outer.update(&JailUpdate::new().name("renamed"))?;
    pause();
    outer.remove()?;
    sleep(Duration::from_millis(1500));
    process.kill(); // its parent waits for it
    Ok(())
}
