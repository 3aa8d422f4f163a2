//! Records what a kernel answers to random jail calls, as a transcript that `replay` compares with the model.
//!
//! `record [--seed N] [--calls N] [--settle MS] [FILE]`, as root on FreeBSD, on a machine without jails: best a
//! virtual one, freshly booted. The transcript is as `tests/transcripts/README.md` describes, and goes to standard
//! output unless there is a FILE. The same seed makes the same calls, as far as the kernel answers alike.
//!
//! Calls that are known to panic or hang a kernel are left out. All jails are removed at the end; those that the kernel
//! leaks (T17, T18) stay dying until the machine is rebooted.
//!
//! On another host a model answers, and the transcript only shows that the program works.

mod choice;
#[path = "../replay/errno.rs"]
mod errno;
mod events;
mod harm;
mod host;
mod kernel;
mod random;
mod recorder;
mod request;
mod values;

use std::fs::File;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use freebsd_jail::sim;
use lexopt::prelude::*;

use kernel::Machine;
use recorder::Recorder;

const HELP: &str = "\
usage: record [--seed N] [--calls N] [--settle MS] [FILE]

Records what the kernel answers to random jail calls. Takes root, and a machine without jails.

  --seed N      which calls (1)
  --calls N     how many (1000)
  --settle MS   how long to wait where the kernel finishes something by itself (20)";

struct Options {
    seed: u64,
    calls: usize,
    settle: Duration,
    file: PathBuf,
}

fn options() -> Result<Option<Options>, String> {
    let mut options =
        Options { seed: 1, calls: 1000, settle: Duration::from_millis(20), file: "/dev/stdout".into() };
    let mut arguments = lexopt::Parser::from_env();
    let failed = |error: lexopt::Error| error.to_string();
    while let Some(argument) = arguments.next().map_err(failed)? {
        match argument {
            Long("seed") => options.seed = arguments.value().and_then(|it| it.parse()).map_err(failed)?,
            Long("calls") => options.calls = arguments.value().and_then(|it| it.parse()).map_err(failed)?,
            Long("settle") => {
                let time = arguments.value().and_then(|it| it.parse()).map_err(failed)?;
                options.settle = Duration::from_millis(time);
            }
            Short('h') | Long("help") => return Ok(None),
            Value(file) => options.file = file.into(),
            other => return Err(other.unexpected().to_string()),
        }
    }
    Ok(Some(options))
}

fn main() -> ExitCode {
    let result = match options() {
        Ok(None) => {
            println!("{HELP}");
            return ExitCode::SUCCESS;
        }
        Ok(Some(options)) => run(&options),
        Err(error) => Err(error),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("record: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(options: &Options) -> Result<(), String> {
    let model = (!cfg!(target_os = "freebsd")).then(|| {
        eprintln!("record: this is not FreeBSD: a model of its kernel answers");
        sim::Kernel::new()
    });
    let file = File::create(&options.file).map_err(|error| format!("{}: {error}", options.file.display()))?;
    let machine = Machine::new(model, options.settle)?;
    let mut recorder = Recorder::new(machine, file, options.seed)?;
    recorder.record(options.calls)
}
