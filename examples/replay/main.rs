//! Replays recordings of real kernels against the model, and prints what the model answers otherwise.
//!
//! `cargo run --example replay -- [--known FILE] TRANSCRIPT...`, where a transcript is as
//! `tests/transcripts/README.md` describes. A file of known differences has a line `TRANSCRIPT:LINE REASON` for
//! each, the transcript with its folder. Exits 1 if anything else differs.

mod player;
mod transcript;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
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

/// Replays what the command line names; returns how much differs.
fn run() -> Result<usize, String> {
    let mut known = BTreeMap::new();
    let mut files: Vec<PathBuf> = Vec::new();
    let mut arguments = lexopt::Parser::from_env();
    while let Some(argument) = arguments.next().map_err(|error| error.to_string())? {
        match argument {
            Long("known") => {
                let file = arguments.value().map_err(|error| error.to_string())?;
                known.extend(read_known(Path::new(&file))?);
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
            let player::Difference { line, call, expected, got } = difference;
            let place = format!("{}:{line}", file.display());
            if let Some(reason) =
                known.iter().find_map(|(known, reason)| place.ends_with(known).then_some(reason))
            {
                println!("{place}: {call}: known: {reason}");
                continue;
            }
            differences += 1;
            println!("{place}: {call}: expected {expected}, got {got}");
        }
    }
    println!("calls {calls} differences {differences}");
    Ok(differences)
}

/// Reads the differences that are accepted, each with its reason.
fn read_known(path: &Path) -> Result<BTreeMap<String, String>, String> {
    let text = std::fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))?;
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
    let parse = |line: &str| match line.split_once(char::is_whitespace) {
        Some((place, reason)) => Ok((format!("/{place}"), reason.trim().to_owned())),
        None => Err(format!("{}: no reason given: {line}", path.display())),
    };
    lines.map(parse).collect()
}
