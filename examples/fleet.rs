//! Keeps many equal jails: creates them from one description, hardens them by one update, and replaces removed ones.

mod common;

use std::collections::BTreeMap;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use common::Result;
use freebsd_jail::{Allow, ErrorKind, Jail, JailBuilder, JailUpdate, OwnedJail, param};
use lexopt::prelude::*;

const HELP: &str = "\
usage: fleet [-n COUNT] [-s SECONDS] PATH

Creates jails worker0, worker1 and so on with the root PATH, hardens them all, and checks them every tenth of a second:
one that was removed is created again. After SECONDS all are removed.

  -n, --count COUNT       how many jails (50)
  -s, --seconds SECONDS   how long to supervise them (1)
      --help              this text";

struct Options {
    count: usize,
    seconds: f64,
    path: String,
}

fn options() -> Result<Option<Options>> {
    let (mut count, mut seconds, mut path) = (50, 1.0, None);
    let mut parser = lexopt::Parser::from_env();
    while let Some(argument) = parser.next()? {
        match argument {
            Short('n') | Long("count") => count = parser.value()?.parse()?,
            Short('s') | Long("seconds") => seconds = parser.value()?.parse()?,
            Long("help") => return Ok(None),
            Value(word) => path = Some(word.string()?),
            _ => return Err(argument.unexpected().into()),
        }
    }
    Ok(Some(Options { count, seconds, path: path.ok_or("there is no path")? }))
}

fn main() -> ExitCode {
    common::run("fleet", HELP, options(), |options, model| {
        let mut fleet = Fleet::new(&options)?;
        fleet.check()?;
        println!("{} jails created", fleet.jails.len());
        if model.is_some() {
            // On the model nothing else removes one.
            Jail::open("worker0")?.remove()?;
        }
        let end = Instant::now() + Duration::from_secs_f64(options.seconds);
        let mut replaced = 0;
        while Instant::now() < end {
            replaced += fleet.check()?;
            std::thread::sleep(Duration::from_millis(100));
        }
        println!("{replaced} jails replaced; all have securelevel {}", fleet.lowest_level()?);
        Ok(ExitCode::SUCCESS)
    })
}

struct Fleet {
    /// The description of all jails.
    common: JailBuilder,
    /// The update that is applied when they run.
    harden: JailUpdate,
    jails: BTreeMap<String, Option<OwnedJail>>,
}

impl Fleet {
    fn new(options: &Options) -> Result<Self> {
        let common = Jail::builder().path(&options.path).deny(Allow::SET_HOSTNAME);
        let harden = JailUpdate::new().securelevel(3).deny(Allow::UNPRIVILEGED_PROC_DEBUG);
        // Find mistakes now, and not after half of the jails have been created.
        common.check().map_err(|mistakes| format!("{mistakes:?}"))?;
        harden.check().map_err(|mistakes| format!("{mistakes:?}"))?;
        let jails = (0..options.count).map(|index| (format!("worker{index}"), None)).collect();
        Ok(Self { common, harden, jails })
    }

    /// Creates the jails that are missing, and returns how many.
    fn check(&mut self) -> Result<usize> {
        let mut created = 0;
        for (name, place) in &mut self.jails {
            if place.as_ref().map_or(Ok(false), |jail| jail.is_alive())? {
                continue;
            }
            let jail = match self.common.clone().name(name).hostname(name).create() {
                Ok(jail) => jail,
                // The old one is still dying, or the name is in use: try again in the next round.
                Err(error) if error.kind() == ErrorKind::AlreadyExists => continue,
                Err(error) => return Err(error.into()),
            };
            jail.update(&self.harden)?;
            created += 1;
            // Drops the handle of a removed jail.
            *place = Some(jail);
        }
        Ok(created)
    }

    fn lowest_level(&self) -> Result<i32> {
        let levels = self.jails.values().flatten().map(|jail| jail.get(param::SECURELEVEL));
        Ok(levels.collect::<freebsd_jail::Result<Vec<_>>>()?.into_iter().min().unwrap_or(-1))
    }
}
