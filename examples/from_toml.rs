//! Creates the jails of a TOML file, one per table, and prints what they are.

mod common;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::ExitCode;

use common::Result;
use freebsd_jail::{JailBuilder, JailUpdate};
use lexopt::prelude::*;
use serde::Deserialize;

const HELP: &str = "\
usage: from_toml [-c] FILE

Creates the jails that a TOML file describes and prints each as JSON. They stay. The file has a table for each jail,
named as the jail, with its parameters; the table `defaults` is for all of them:

    [defaults]
    securelevel = 2
    allow_only = [\"suser\", \"reserved_ports\"]

    [www]
    path = \"/usr/jail/www\"
    network = [\"10.0.0.22\", \"2001:db8::22\"]
    host.hostname = \"www.example.org\"

  -c, --check   say what is wrong with the file, and create nothing
      --help    this text";

/// The file's contents.
#[derive(Deserialize)]
struct File {
    #[serde(default)]
    defaults: JailUpdate,
    #[serde(flatten)]
    jails: BTreeMap<String, JailBuilder>,
}

struct Options {
    file: PathBuf,
    check: bool,
}

fn options() -> Result<Option<Options>> {
    let (mut file, mut check) = (None, false);
    let mut parser = lexopt::Parser::from_env();
    while let Some(argument) = parser.next()? {
        match argument {
            Short('c') | Long("check") => check = true,
            Long("help") => return Ok(None),
            Value(word) => file = Some(PathBuf::from(word)),
            _ => return Err(argument.unexpected().into()),
        }
    }
    Ok(Some(Options { file: file.ok_or("there is no file")?, check }))
}

fn main() -> ExitCode {
    common::run("from_toml", HELP, options(), |options, _| {
        let file: File = toml::from_str(&std::fs::read_to_string(&options.file)?)?;
        let mut mistakes = 0;
        let mut jails = Vec::new();
        for (name, jail) in file.jails {
            let jail = jail.with_defaults(&file.defaults).name(&name);
            for mistake in jail.check().err().into_iter().flatten() {
                eprintln!("{name}: {mistake}");
                mistakes += 1;
            }
            jails.push(jail);
        }
        if mistakes > 0 {
            return Ok(ExitCode::FAILURE);
        }
        for jail in jails.iter().filter(|_| !options.check) {
            let jail = jail.create_detached()?;
            println!("{}", serde_json::to_string(&jail.info()?)?);
        }
        Ok(ExitCode::SUCCESS)
    })
}
