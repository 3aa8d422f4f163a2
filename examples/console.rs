//! Opens an interactive shell in a jail, on a terminal of its own.

mod common;

use std::ffi::OsString;
use std::fs::File;
use std::io::{self, Read, Write};
use std::os::fd::AsFd;
use std::os::unix::fs::OpenOptionsExt as _;
use std::process::ExitCode;
use std::thread;

use common::{Model, Result};
use lexopt::prelude::*;
use nix::fcntl::OFlag;
use nix::pty::{PtyMaster, grantpt, posix_openpt, ptsname, unlockpt};
use nix::sys::termios::{SetArg, Termios, cfmakeraw, tcgetattr, tcsetattr};

const HELP: &str = "\
usage: console [-u USER] JAIL

Gives a login shell in a jail, which is given by name or jid.

  -u, --user USER    as a user of the host's
      --unconfined   off FreeBSD: give a shell on this host, where nothing confines it
      --help         this text";

#[derive(Default)]
struct Options {
    user: Option<OsString>,
    unconfined: bool,
    jail: String,
}

fn options() -> Result<Option<Options>> {
    let mut options = Options::default();
    let mut parser = lexopt::Parser::from_env();
    while let Some(argument) = parser.next()? {
        match argument {
            Short('u') | Long("user") => options.user = Some(parser.value()?),
            Long("unconfined") => options.unconfined = true,
            Long("help") => return Ok(None),
            Value(jail) if options.jail.is_empty() => options.jail = jail.string()?,
            _ => return Err(argument.unexpected().into()),
        }
    }
    if options.jail.is_empty() { Err("no jail is given".into()) } else { Ok(Some(options)) }
}

fn main() -> ExitCode {
    common::run("console", HELP, options(), |options, model| console(&options, model))
}

fn console(options: &Options, model: Option<&Model>) -> Result<ExitCode> {
    if let Some(model) = model {
        model.allow_exec(options.unconfined);
    }
    let jail = common::open(&options.jail, model)?;
    let (master, terminal) = terminal()?;
    let mut command = jail.command("/bin/sh");
    command.clean_env().arg("-i").arg0("-sh").controlling_terminal(true);
    command.stdin(terminal.try_clone()?).stdout(terminal.try_clone()?).stderr(terminal);
    if let Some(user) = &options.user {
        command.user(user);
    }
    let mut shell = command.spawn()?;
    // Only the shell has copies of the terminal now: its output ends when they are closed.
    drop(command);

    let _raw = Raw::set();
    let input = File::from(master.as_fd().try_clone_to_owned()?);
    // It ends with this process: nothing interrupts a thread that reads.
    thread::spawn(move || copy(&mut io::stdin(), &input));
    copy(&mut File::from(master.as_fd().try_clone_to_owned()?), &mut io::stdout());
    Ok(common::status(shell.wait()?))
}

/// Makes a pseudo-terminal.
fn terminal() -> Result<(PtyMaster, File)> {
    let master = posix_openpt(OFlag::O_RDWR | OFlag::O_NOCTTY | OFlag::O_CLOEXEC)?;
    grantpt(&master)?;
    unlockpt(&master)?;
    // SAFETY: this program still has one thread, so no other asks for a terminal's name.
    let path = unsafe { ptsname(&master) }?;
    let terminal = File::options().read(true).write(true).custom_flags(OFlag::O_NOCTTY.bits()).open(path)?;
    Ok((master, terminal))
}

/// Copies data as it arrives, until the end. On some systems a terminal ends with an error.
fn copy(from: &mut impl Read, mut to: impl Write) {
    let mut buffer = [0; 4096];
    while let Ok(count @ 1..) = from.read(&mut buffer) {
        let bytes = buffer.get(..count).unwrap_or_default();
        if to.write_all(bytes).and_then(|()| to.flush()).is_err() {
            return;
        }
    }
}

/// This process's own terminal, in raw mode until this is dropped.
struct Raw(Termios);

impl Raw {
    fn set() -> Option<Self> {
        let before = tcgetattr(io::stdin()).ok()?;
        let mut raw = before.clone();
        cfmakeraw(&mut raw);
        tcsetattr(io::stdin(), SetArg::TCSANOW, &raw).ok()?;
        Some(Self(before))
    }
}

impl Drop for Raw {
    fn drop(&mut self) {
        let _ = tcsetattr(io::stdin(), SetArg::TCSANOW, &self.0);
    }
}
