//! Runs a program that is not trusted: without network, on a read-only root, as another user, with an environment, limits
//! and a time of its own. Nothing of it is left afterwards.

mod common;

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{ExitCode, Output, Stdio};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::thread;
use std::time::Duration;

use common::Result;
use freebsd_jail::exec::Resource;
use freebsd_jail::watch::WaitOutcome;
use freebsd_jail::{Allow, Jail, Network};
use lexopt::prelude::*;

const HELP: &str = "\
usage: untrusted [-t SECONDS] [-u USER] ROOT PROGRAM [ARGUMENT...]

Runs a program in a jail whose root is a read-only view of ROOT.

  -t, --time SECONDS   how long it may take, 10 by default
  -u, --user USER      as whom, nobody by default
      --unconfined     off FreeBSD: run it on this host, where nothing confines it
      --help           this text";

pub(crate) struct Sandbox {
    pub(crate) root: PathBuf,
    pub(crate) user: OsString,
    pub(crate) time: Duration,
}

/// A read-only view of a folder, until it is dropped.
struct View(PathBuf);

impl View {
    fn of(folder: &Path) -> Result<Self> {
        let name = format!("untrusted-{}-{:?}", std::process::id(), thread::current().id());
        let view = std::env::temp_dir().join(name);
        fs::create_dir(&view)?;
        let view = Self(view);
        #[cfg(target_os = "freebsd")]
        nix::mount::Nmount::new()
            .str_opt(c"fstype", c"nullfs")
            .str_opt_owned("fspath", &view.0)
            .str_opt_owned("target", folder)
            .nmount(nix::mount::MntFlags::MNT_RDONLY | nix::mount::MntFlags::MNT_NOSUID)?;
        #[cfg(not(target_os = "freebsd"))]
        let _ = folder;
        Ok(view)
    }
}

impl Drop for View {
    fn drop(&mut self) {
        #[cfg(target_os = "freebsd")]
        let _ = nix::mount::unmount(&self.0, nix::mount::MntFlags::MNT_FORCE);
        // Not with what is in it: should it still be mounted, that is the folder's.
        let _ = fs::remove_dir(&self.0);
    }
}

impl Sandbox {
    /// Runs a program, and returns what it wrote; `None` if its time was over before it and all that it started had ended.
    pub(crate) fn run(&self, program: &OsString, arguments: &[OsString]) -> Result<Option<Output>> {
        let view = View::of(&self.root)?;
        let jail = Jail::builder()
            .path(&view.0)
            .network(Network::none())
            // Root in the jail becomes the user, and nobody there becomes root: the view has no set-user-id programs.
            .allow_only(Allow::SUSER)
            .securelevel(3)
            .create()?;
        let mut command = jail.command(program);
        command
            .args(arguments)
            .user(&self.user)
            .env_clear()
            .env("PATH", "/bin:/usr/bin")
            .setsid(true)
            .umask(0o077);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        for (resource, limit) in [
            (Resource::AddressSpace, 256 << 20),
            (Resource::CoreSize, 0),
            (Resource::CpuTime, self.time.as_secs() + 1),
            (Resource::FileSize, 1 << 20),
            (Resource::OpenFiles, 64),
            (Resource::Processes, 32),
        ] {
            command.limit(resource, limit, limit);
        }
        let child = command.spawn()?;
        let (done, when_done) = channel::<()>();
        // Removing the jail ends everybody in it, and so closes the pipes.
        let end = || jail.remove_and_wait(Some(Duration::from_secs(10)));
        let (output, early) = thread::scope(|scope| {
            let watch =
                move || (when_done.recv_timeout(self.time) == Err(RecvTimeoutError::Timeout)).then(end);
            let watching = scope.spawn(watch);
            let output = child.wait_with_output();
            drop(done);
            (output, watching.join().unwrap_or(None))
        });
        let timed_out = early.is_some();
        // What it has left running goes, too. The view can be unmounted as soon as the jail has gone.
        if let WaitOutcome::TimedOut(mut held) = early.unwrap_or_else(end)? {
            return Err(format!("the jail is held by {}", held.holders()?).into());
        }
        drop(view);
        Ok(Some(output?).filter(|_| !timed_out))
    }
}

fn options() -> Result<Option<(Sandbox, bool, Vec<OsString>)>> {
    let (mut unconfined, mut words) = (false, Vec::new());
    let mut sandbox = Sandbox { root: PathBuf::new(), user: "nobody".into(), time: Duration::from_secs(10) };
    let mut parser = lexopt::Parser::from_env();
    while let Some(argument) = parser.next()? {
        match argument {
            Short('t') | Long("time") => sandbox.time = Duration::from_secs(parser.value()?.parse()?),
            Short('u') | Long("user") => sandbox.user = parser.value()?,
            Long("unconfined") => unconfined = true,
            Short('h') | Long("help") => return Ok(None),
            Value(root) => {
                sandbox.root = root.into();
                words.extend(parser.raw_args()?);
            }
            _ => return Err(argument.unexpected().into()),
        }
    }
    if words.is_empty() { Err("no program is given".into()) } else { Ok(Some((sandbox, unconfined, words))) }
}

#[allow(dead_code, reason = "a test uses all but this")]
fn main() -> ExitCode {
    common::run("untrusted", HELP, options(), |(sandbox, unconfined, words), model| {
        if let Some(model) = model {
            model.allow_exec(unconfined);
        }
        let (program, arguments) = words.split_first().ok_or("no program is given")?;
        let output = sandbox.run(program, arguments)?.ok_or("its time was over")?;
        print!("{}", String::from_utf8_lossy(&output.stdout));
        eprint!("{}", String::from_utf8_lossy(&output.stderr));
        Ok(common::status(output.status))
    })
}
