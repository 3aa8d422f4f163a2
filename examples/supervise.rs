//! Keeps a service running in a jail of its own, which is removed when this program exits or is killed.

mod common;

use std::ffi::OsString;
use std::process::{Child, ExitCode};
use std::thread;
use std::time::{Duration, Instant};

use common::{Model, Result, parameter};
use freebsd_jail::Jail;
use lexopt::prelude::*;
use signal_hook::consts::{SIGCHLD, SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

const HELP: &str = "\
usage: supervise [-u USER] [-d DIRECTORY] [-t SECONDS] PARAMETER[=VALUE]... -- COMMAND [ARGUMENT...]

Creates a jail with these parameters, runs a command in it, and runs it again when it ends. On SIGTERM, SIGINT or
SIGHUP the processes in the jail get SIGTERM and some seconds; then the jail is removed, and what is left in it
killed. Since FreeBSD 15 the kernel removes the jail, too, should this program be killed.

  -u, --user USER             run the command as a user of the host's
  -d, --directory DIRECTORY   where, as the jail sees it
  -t, --timeout SECONDS       how long processes may take to end (5)
      --unconfined            off FreeBSD: run the command on this host, where nothing confines it
      --help                  this text";

/// A service that ends sooner than this is not started again at once.
const SOON: Duration = Duration::from_secs(1);

struct Options {
    user: Option<OsString>,
    directory: Option<OsString>,
    timeout: Duration,
    unconfined: bool,
    parameters: Vec<String>,
    program: OsString,
    arguments: Vec<OsString>,
}

fn options() -> Result<Option<Options>> {
    let (mut user, mut directory, mut timeout, mut unconfined) = (None, None, 5, false);
    let (mut words, mut command) = (Vec::new(), Vec::new());
    let mut parser = lexopt::Parser::from_env();
    loop {
        if parser.try_raw_args().is_some_and(|raw| raw.peek().is_some_and(|next| next == "--")) {
            command.extend(parser.raw_args()?.skip(1));
        }
        let Some(argument) = parser.next()? else { break };
        match argument {
            Short('u') | Long("user") => user = Some(parser.value()?),
            Short('d') | Long("directory") => directory = Some(parser.value()?),
            Short('t') | Long("timeout") => timeout = parser.value()?.parse()?,
            Long("unconfined") => unconfined = true,
            Short('h') | Long("help") => return Ok(None),
            Value(word) => words.push(word.string()?),
            _ => return Err(argument.unexpected().into()),
        }
    }
    if command.is_empty() {
        return Err("there is no command after `--`".into());
    }
    let program = command.remove(0);
    let timeout = Duration::from_secs(timeout);
    Ok(Some(Options { user, directory, timeout, unconfined, parameters: words, program, arguments: command }))
}

fn main() -> ExitCode {
    common::run("supervise", HELP, options(), |options, model| supervise(&options, model))
}

fn supervise(options: &Options, model: Option<&Model>) -> Result<ExitCode> {
    if let Some(model) = model {
        model.allow_exec(options.unconfined);
    }
    // From now on no signal ends this process before the jail is removed.
    let mut signals = Signals::new([SIGCHLD, SIGHUP, SIGINT, SIGTERM])?;
    let mut builder = Jail::builder();
    for word in &options.parameters {
        let (name, value) = parameter::read(word)?;
        builder = builder.set_value(&name, &value);
    }
    let jail = builder.create()?;
    println!("jail {} created", jail.jid());
    let mut started = Instant::now();
    let mut service = start(&jail, options)?;
    loop {
        for signal in signals.wait() {
            if signal != SIGCHLD {
                println!("signal {signal}");
                return end(&jail, service, options.timeout);
            }
        }
        if let Some(status) = service.try_wait()? {
            println!("{status}; starting it again");
            thread::sleep(SOON.saturating_sub(started.elapsed()));
            started = Instant::now();
            service = start(&jail, options)?;
        }
    }
}

fn start(jail: &Jail, options: &Options) -> Result<Child> {
    let mut command = jail.command(&options.program);
    // Only this process handles the terminal's signals.
    command.args(&options.arguments).process_group(0);
    if let Some(user) = &options.user {
        command.user(user);
    }
    if let Some(directory) = &options.directory {
        command.current_dir(directory);
    }
    Ok(command.spawn()?)
}

fn end(jail: &Jail, mut service: Child, timeout: Duration) -> Result<ExitCode> {
    let deadline = Instant::now() + timeout;
    jail.signal(SIGTERM)?;
    while Instant::now() < deadline && (service.try_wait()?.is_none() || !jail.processes()?.is_empty()) {
        thread::sleep(Duration::from_millis(50));
    }
    if jail.remove_and_reap([&mut service], Some(Duration::from_secs(10)))?.is_timed_out() {
        return Err("the jail has been removed, and something still holds it".into());
    }
    println!("jail removed: {}", service.wait()?);
    Ok(ExitCode::SUCCESS)
}
