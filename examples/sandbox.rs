//! Runs one build step in a sandbox: a jail without a network, with no permissions, that is removed afterwards.

mod common;

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::ExitCode;

use common::{Model, Result};
use freebsd_jail::param::EnforceStatfs;
use freebsd_jail::{Allow, Jail, JailBuilder, Network};
use lexopt::prelude::*;

const HELP: &str = "\
usage: sandbox [-r ROOT] [-d DIRECTORY] [-u USER] -- COMMAND [ARGUMENT...]

Runs an untrusted build step in a jail of its own, which may use root's privileges inside and nothing else: no network,
no mounts, no System V IPC, no raw sockets. What the step leaves running is killed with the jail.

  -r, --root ROOT             the directory that becomes / (default: /)
  -d, --directory DIRECTORY   where to start, as the jail sees it
  -u, --user USER             run the command as a user of the host's
      --unconfined            off FreeBSD: run the command on this host, where nothing confines it
      --help                  this text";

struct Options {
    root: PathBuf,
    directory: Option<OsString>,
    user: Option<OsString>,
    unconfined: bool,
    command: Vec<OsString>,
}

fn options() -> Result<Option<Options>> {
    let mut options = Options {
        root: PathBuf::from("/"),
        directory: None,
        user: None,
        unconfined: false,
        command: Vec::new(),
    };
    let mut parser = lexopt::Parser::from_env();
    while let Some(argument) = parser.next()? {
        match argument {
            Short('r') | Long("root") => options.root = parser.value()?.into(),
            Short('d') | Long("directory") => options.directory = Some(parser.value()?),
            Short('u') | Long("user") => options.user = Some(parser.value()?),
            Long("unconfined") => options.unconfined = true,
            Long("help") => return Ok(None),
            Value(program) => {
                options.command.push(program);
                options.command.extend(parser.raw_args()?);
            }
            _ => return Err(argument.unexpected().into()),
        }
    }
    if options.command.is_empty() {
        return Err("there is no command".into());
    }
    Ok(Some(options))
}

fn main() -> ExitCode {
    common::run("sandbox", HELP, options(), |options, model| run(&options, model))
}

/// Describes the jail, which gets exactly these permissions, whatever the kernel's defaults are.
fn sandbox() -> JailBuilder {
    Jail::builder()
        .network(Network::none())
        .allow_only(Allow::SUSER)
        .enforce_statfs(EnforceStatfs::RootOnly)
        .securelevel(3)
        .hostname("sandbox")
        .optional(freebsd_jail::param::Param::<String>::new("meta.owner"), "sandbox")
}

fn run(options: &Options, model: Option<&Model>) -> Result<ExitCode> {
    if let Some(model) = model {
        model.allow_exec(options.unconfined);
    }
    let builder = sandbox().path(&options.root);
    if let Err(mistakes) = builder.check() {
        return Err(mistakes.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n").into());
    }
    let jail = builder.create()?;
    eprintln!("jail {}: network {}, may {}", jail.jid(), jail.info()?.network, jail.permissions()?);
    let (program, arguments) = options.command.split_first().ok_or("there is no command")?;
    let mut command = jail.command(program);
    command.args(arguments);
    if let Some(user) = &options.user {
        command.user(user);
    }
    if let Some(directory) = &options.directory {
        command.current_dir(directory);
    }
    Ok(common::status(command.status()?))
}
