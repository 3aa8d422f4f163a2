//! A build farm: parallel builds, each in a jail of its own that is removed when the build ends.

mod common;

use std::collections::VecDeque;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Child, ExitCode, ExitStatus, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use common::Result;
use freebsd_jail::exec::Resource;
use freebsd_jail::watch::WaitOutcome;
use freebsd_jail::{Jail, Network};
use lexopt::prelude::*;
use signal_hook::consts::{SIGINT, SIGTERM};

const HELP: &str = "\
usage: farm [-j JOBS] [-t SECONDS] ROOT LOGS COMMAND...

Runs shell commands, each in a jail of its own below ROOT, and writes what they say to files in LOGS.

  -j, --jobs JOBS      how many at once, 2 by default
  -t, --time SECONDS   how long each may take, 60 by default
      --unconfined     off FreeBSD: run them on this host, where nothing confines them
      --help           this text";

pub(crate) struct Farm {
    pub(crate) root: PathBuf,
    pub(crate) logs: PathBuf,
    pub(crate) jobs: usize,
    pub(crate) time: Duration,
    pub(crate) cancelled: Arc<AtomicBool>,
}

/// The result of a build.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    Done(ExitStatus),
    TimedOut,
    Cancelled,
    Failed(String),
}

impl Farm {
    /// Runs all builds, and returns their results in order.
    pub(crate) fn run(&self, builds: &[String]) -> Vec<Outcome> {
        let waiting: Mutex<VecDeque<_>> = Mutex::new(builds.iter().enumerate().collect());
        let mut outcomes: Vec<_> = thread::scope(|scope| {
            let work = || {
                let next = || waiting.lock().unwrap_or_else(PoisonError::into_inner).pop_front();
                let mut outcomes = Vec::new();
                while let Some((number, script)) = next() {
                    let outcome = self.build(number, script);
                    outcomes
                        .push((number, outcome.unwrap_or_else(|error| Outcome::Failed(error.to_string()))));
                }
                outcomes
            };
            let workers: Vec<_> = (0..self.jobs).map(|_| scope.spawn(work)).collect();
            workers.into_iter().flat_map(|worker| worker.join().unwrap_or_default()).collect()
        });
        outcomes.sort_by_key(|(number, _)| *number);
        outcomes.into_iter().map(|(_, outcome)| outcome).collect()
    }

    fn build(&self, number: usize, script: &str) -> Result<Outcome> {
        if self.cancelled.load(Ordering::Relaxed) {
            return Ok(Outcome::Cancelled);
        }
        let log = File::create(self.logs.join(format!("{number}.log")))?;
        let name = format!("farm-{}-{number}", std::process::id());
        // Removed with everything in it, even if this process is killed.
        let jail = Jail::builder().name(name).path(&self.root).network(Network::none()).create()?;
        let mut command = jail.command("/bin/sh");
        command.args(["-c", script]).clean_env().setsid(true).limit(Resource::CoreSize, 0, 0);
        command.stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log);
        let mut child = command.spawn()?;
        let outcome = self.watch(&mut child);
        // Kills everything that it has started. Its status can still be read.
        match jail.remove_and_reap([&mut child], Some(Duration::from_secs(20)))? {
            WaitOutcome::TimedOut(mut held) => Err(format!("the jail is held by {}", held.holders()?).into()),
            WaitOutcome::Done(()) => outcome,
        }
    }

    /// Waits for a build until its time is over.
    fn watch(&self, child: &mut Child) -> Result<Outcome> {
        let deadline = Instant::now() + self.time;
        loop {
            if let Some(status) = child.try_wait()? {
                return Ok(Outcome::Done(status));
            }
            if self.cancelled.load(Ordering::Relaxed) {
                return Ok(Outcome::Cancelled);
            }
            if Instant::now() >= deadline {
                return Ok(Outcome::TimedOut);
            }
            thread::sleep(Duration::from_millis(20));
        }
    }
}

fn options() -> Result<Option<(Farm, bool, Vec<String>)>> {
    let (mut jobs, mut time, mut unconfined, mut words) = (2, 60, false, Vec::new());
    let mut parser = lexopt::Parser::from_env();
    while let Some(argument) = parser.next()? {
        match argument {
            Short('j') | Long("jobs") => jobs = parser.value()?.parse()?,
            Short('t') | Long("time") => time = parser.value()?.parse()?,
            Long("unconfined") => unconfined = true,
            Short('h') | Long("help") => return Ok(None),
            Value(word) => words.push(word.string()?),
            _ => return Err(argument.unexpected().into()),
        }
    }
    let [root, logs, builds @ ..] = words.as_slice() else { return Err("no folders are given".into()) };
    let (root, logs) = (Path::new(root).to_owned(), Path::new(logs).to_owned());
    let farm = Farm { root, logs, jobs, time: Duration::from_secs(time), cancelled: Arc::default() };
    Ok(Some((farm, unconfined, builds.to_vec())))
}

#[allow(dead_code, reason = "a test uses all but this")]
fn main() -> ExitCode {
    common::run("farm", HELP, options(), |(farm, unconfined, builds), model| {
        if let Some(model) = model {
            model.allow_exec(unconfined);
        }
        for signal in [SIGINT, SIGTERM] {
            signal_hook::flag::register(signal, Arc::clone(&farm.cancelled))?;
        }
        let outcomes = farm.run(&builds);
        builds.iter().zip(&outcomes).for_each(|(build, outcome)| println!("{build}: {outcome:?}"));
        let good = |outcome: &Outcome| matches!(outcome, Outcome::Done(status) if status.success());
        Ok(if outcomes.iter().all(good) { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    })
}
