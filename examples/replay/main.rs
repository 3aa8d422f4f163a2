//! Replays recordings of real kernels against the model, and prints each difference.
//!
//! Nothing is sent to a real kernel, not even where the example runs on FreeBSD: a recording may hold calls that panic or
//! hang one. The model answers those as well.
//!
//! `cargo run --example replay -- [--known FILE] TRANSCRIPT...`, where a transcript is as
//! `tests/transcripts/README.md` describes. The model is of the modelled release that is nearest to the recorded
//! kernel's, which the first line of the transcript tells, or else the name of its folder. A file of known differences
//! has a line `TRANSCRIPT:LINE REASON` for each, the transcript with its folder. Exits 1 if anything else differs.

mod errno;
mod known;
mod player;
mod transcript;

use std::path::PathBuf;
use std::process::ExitCode;

use lexopt::prelude::*;

fn main() -> ExitCode {
    match run() {
        Ok(0) => ExitCode::SUCCESS,
        Ok(_) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("replay: {error}");
            ExitCode::from(2)
        }
    }
}

/// Replays the files of the command line; returns the number of differences.
fn run() -> Result<usize, String> {
    let mut known = known::Known::default();
    let mut files: Vec<PathBuf> = Vec::new();
    let mut arguments = lexopt::Parser::from_env();
    while let Some(argument) = arguments.next().map_err(|error| error.to_string())? {
        match argument {
            Long("known") => {
                let file = arguments.value().map_err(|error| error.to_string())?;
                known.read(file.as_ref())?;
            }
            Short('h') | Long("help") => {
                println!("usage: replay [--known FILE] TRANSCRIPT...");
                return Ok(0);
            }
            Value(file) => files.push(file.into()),
            other => return Err(other.unexpected().to_string()),
        }
    }
    if files.is_empty() {
        return Err("no transcript given".to_owned());
    }
    let (mut calls, mut differences) = (0, 0);
    for file in &files {
        let outcome = player::play(file)?;
        calls += outcome.calls;
        for difference in outcome.differences {
            if let Some(reason) = known.reason(file, difference.line) {
                println!("{}:{}: known: {reason}", file.display(), difference.line);
                continue;
            }
            differences += 1;
            println!("{}:{difference}", file.display());
        }
    }
    println!("calls {calls} differences {differences}");
    Ok(differences)
}
