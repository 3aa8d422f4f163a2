//! Runs a program in a jail, as jexec(8) does.

mod common;

use std::ffi::OsString;
use std::process::ExitCode;

use common::{Model, Result};
use lexopt::prelude::*;

const HELP: &str = "\
usage: jexec [-l] [-d DIRECTORY] [-u USER] JAIL [COMMAND [ARGUMENT...]]

Runs a command in a jail, which is given by name or number; /bin/sh, if none is given.

  -d, --directory DIRECTORY   where, as the jail sees it; its root directory else
  -l, --login                 in a clean environment: HOME, PATH, SHELL, TERM and USER alone
  -u, --user USER             as a user of the host's
      --unconfined            off FreeBSD: run the command on this host, where nothing confines it
      --help                  this text";

#[derive(Default)]
struct Options {
    directory: Option<OsString>,
    clean: bool,
    user: Option<OsString>,
    unconfined: bool,
    jail: String,
    command: Vec<OsString>,
}

fn options() -> Result<Option<Options>> {
    let mut options = Options::default();
    let mut parser = lexopt::Parser::from_env();
    while let Some(argument) = parser.next()? {
        match argument {
            Short('d') | Long("directory") => options.directory = Some(parser.value()?),
            Short('l') | Long("login") => options.clean = true,
            Short('u') | Long("user") => options.user = Some(parser.value()?),
            Long("unconfined") => options.unconfined = true,
            Short('h') | Long("help") => return Ok(None),
            Value(jail) => {
                options.jail = jail.string()?;
                // Everything else belongs to the command.
                options.command.extend(parser.raw_args()?);
            }
            _ => return Err(argument.unexpected().into()),
        }
    }
    if options.jail.is_empty() { Err("no jail is given".into()) } else { Ok(Some(options)) }
}

fn main() -> ExitCode {
    common::run("jexec", HELP, options(), |options, model| execute(&options, model))
}

fn execute(options: &Options, model: Option<&Model>) -> Result<ExitCode> {
    if let Some(model) = model {
        model.allow_exec(options.unconfined);
    }
    let jail = common::open(&options.jail, model)?;
    let shell = OsString::from("/bin/sh");
    let (program, arguments) = options.command.split_first().unwrap_or((&shell, &[]));
    let mut command = jail.command(program);
    command.args(arguments);
    if let Some(directory) = &options.directory {
        command.current_dir(directory);
    }
    if let Some(user) = &options.user {
        command.user(user);
    }
    if options.clean {
        let user = options.user.clone().unwrap_or_else(|| "root".into());
        let term = std::env::var_os("TERM").map(|term| ("TERM", term));
        command.env_clear().env("PATH", "/bin:/usr/bin").env("SHELL", "/bin/sh").env("HOME", "/");
        command.env("USER", user).envs(term);
    }
    // The program replaces this process, and takes over its terminal, signals and status.
    Err(command.exec().into())
}
