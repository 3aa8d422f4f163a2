//! Runs an untrusted program: without network, on a read-only root, as another user, with a clean environment, resource
//! limits and a time limit. Nothing of it is left afterwards.

mod common;

use std::ffi::OsString;
use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{ExitCode, Output, Stdio};
use std::thread;
use std::time::{Duration, Instant};

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
        // Only if it is empty: if it is still mounted, the files are the folder's.
        let _ = fs::remove_dir(&self.0);
    }
}

/// Reads all that is written to a pipe, and returns what waits for its end.
fn read(mut pipe: impl Read + Send + 'static) -> impl FnOnce() -> Vec<u8> {
    let mut all = Vec::new();
    let reading = thread::spawn(move || pipe.read_to_end(&mut all).map_or_else(|_| Vec::new(), |_| all));
    || reading.join().unwrap_or_default()
}

impl Sandbox {
    /// Runs a program, and returns what it wrote; `None` if the time was over before it had ended.
    pub(crate) fn run(&self, program: &OsString, arguments: &[OsString]) -> Result<Option<Output>> {
        let view = View::of(&self.root)?;
        let jail = Jail::builder()
            .path(&view.0)
            .network(Network::none())
            // Root in the jail becomes the user. No user becomes root: the view has no set-user-id programs.
            .allow_only(Allow::SUSER)
            .securelevel(3)
            .create()?;
        let mut command = jail.command(program);
        command.args(arguments).user(&self.user).setsid(true).umask(0o077);
        command.env_clear().env("PATH", "/bin:/usr/bin");
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
        let mut child = command.spawn()?;
        let (stdout, stderr) = (child.stdout.take().map(read), child.stderr.take().map(read));
        let deadline = Instant::now() + self.time;
        while child.try_wait()?.is_none() && Instant::now() < deadline {
            thread::sleep(Duration::from_millis(10));
        }
        let in_time = child.try_wait()?.is_some();
        // Processes that it has left are killed, too, which closes the pipes. Then the view can be unmounted.
        let ended = jail.remove_and_reap([&mut child], Some(Duration::from_secs(10)))?;
        if let WaitOutcome::TimedOut(mut held) = ended {
            return Err(format!("the jail is held by {}", held.holders()?).into());
        }
        drop(view);
        let (stdout, stderr) =
            (stdout.map_or_else(Vec::new, |read| read()), stderr.map_or_else(Vec::new, |read| read()));
        Ok(in_time.then_some(Output { status: child.wait()?, stdout, stderr }))
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
