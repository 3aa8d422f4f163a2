//! The core of an OCI runtime: create, state, start, exec, kill and delete, each by a process of its own.
//!
//! A container is a jail, and a folder with its gate and the pid of its first process. `delete` removes all of it.

mod common;

use std::fs;
use std::io::{self, ErrorKind::NotFound};
use std::path::{Path, PathBuf};
use std::process::{ExitCode, Stdio};
use std::time::Duration;

use common::Result;
use freebsd_jail::exec::{Gate, Opener, Processes};
use freebsd_jail::watch::WaitOutcome;
use freebsd_jail::{Jail, param};

const HELP: &str = "\
usage: oci FOLDER create ID ROOT PROGRAM [ARGUMENT...]
       oci FOLDER state ID
       oci FOLDER start ID
       oci FOLDER exec ID PROGRAM [ARGUMENT...]
       oci FOLDER kill ID SIGNAL
       oci FOLDER delete ID

Runs containers, whose state is kept in FOLDER.

      --help   this text";

/// A container, which need not exist.
pub(crate) struct Container {
    folder: PathBuf,
    name: String,
}

impl Container {
    pub(crate) fn new(folder: &Path, id: &str) -> Self {
        Self { folder: folder.join(id), name: format!("oci-{id}") }
    }

    /// Creates the jail and a process in it, which waits at the gate.
    pub(crate) fn create(&self, root: &Path, program: &[String]) -> Result<()> {
        // Fails if the container exists, which must then stay as it is.
        fs::create_dir(&self.folder)?;
        self.fill(root, program).inspect_err(|_| drop(self.delete()))
    }

    fn fill(&self, root: &Path, program: &[String]) -> Result<()> {
        let (program, arguments) = program.split_first().ok_or("no program is given")?;
        let jail = Jail::builder().name(&self.name).path(root).create_detached()?;
        let gate = Gate::at(self.folder.join("gate"))?;
        let mut command = jail.command(program);
        command.args(arguments).clean_env().setsid(true);
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let child = command.spawn_held(gate)?;
        // A container either is complete or does not exist.
        fs::write(self.folder.join("pid.new"), child.id().to_string())?;
        Ok(fs::rename(self.folder.join("pid.new"), self.folder.join("pid"))?)
    }

    /// Returns the state's name, and the first process while it exists.
    pub(crate) fn state(&self) -> Result<(&'static str, Option<u32>)> {
        let pid = match fs::read_to_string(self.folder.join("pid")) {
            Ok(pid) => pid.parse()?,
            Err(error) if error.kind() == NotFound && self.folder.exists() => return Ok(("creating", None)),
            Err(error) => return Err(error.into()),
        };
        let jail = match Jail::open(&self.name).map_err(io::Error::from) {
            Ok(jail) => jail,
            Err(error) if error.kind() == NotFound => return Ok(("stopped", None)),
            Err(error) => return Err(error.into()),
        };
        // The pid may have been reused by a process outside of the jail.
        let lives = Processes::current()?.of(jail.jid()).iter().any(|one| one.pid == pid && !one.is_zombie);
        Ok(match (lives, self.folder.join("gate").exists()) {
            (false, _) => ("stopped", None),
            (true, true) => ("created", Some(pid)),
            (true, false) => ("running", Some(pid)),
        })
    }

    /// Lets the process execute its program.
    pub(crate) fn start(&self) -> Result<()> {
        let gate = self.folder.join("gate");
        Opener::at(&gate)?.open()?;
        Ok(fs::remove_file(gate)?)
    }

    /// Runs another program in the container.
    pub(crate) fn exec(&self, program: &[String]) -> Result<ExitCode> {
        let (program, arguments) = program.split_first().ok_or("no program is given")?;
        Ok(common::status(Jail::open(&self.name)?.command(program).args(arguments).clean_env().status()?))
    }

    /// Signals all processes of the container.
    pub(crate) fn kill(&self, signal: i32) -> Result<()> {
        if Jail::open(&self.name)?.signal(signal)? { Ok(()) } else { Err("it has no processes".into()) }
    }

    /// Removes everything that exists of the container.
    pub(crate) fn delete(&self) -> Result<()> {
        let limit = Some(Duration::from_secs(10));
        let outcome = match Jail::open(&self.name).map_err(io::Error::from) {
            Ok(jail) => jail.remove_and_wait(limit)?,
            // Another process may have removed it, such as a `delete` that was killed while it waited.
            Err(error) if error.kind() == NotFound => {
                let mut dying = Jail::all().dying(true).get((param::JID, param::NAME)).flatten();
                let jail = dying.find(|(_, name)| **name == *self.name);
                jail.map_or(Ok(WaitOutcome::Done(())), |(jid, _)| Jail::unpinned(jid).wait_gone(limit))?
            }
            Err(error) => return Err(error.into()),
        };
        if let WaitOutcome::TimedOut(mut held) = outcome {
            return Err(format!("the jail is still held by {}", held.holders()?).into());
        }
        match fs::remove_dir_all(&self.folder) {
            Err(error) if error.kind() != NotFound => Err(error.into()),
            _ => Ok(()),
        }
    }
}

fn options() -> Result<Option<Vec<String>>> {
    let words: Vec<_> = std::env::args().skip(1).collect();
    match words.first().map(String::as_str) {
        Some("--help") => Ok(None),
        Some(option) if option.starts_with('-') => Err(format!("{option} is not an option").into()),
        _ => Ok(Some(words)),
    }
}

#[allow(dead_code, reason = "a test uses all but this")]
fn main() -> ExitCode {
    common::run("oci", HELP, options(), |words, _| run(&words))
}

fn run(words: &[String]) -> Result<ExitCode> {
    let [folder, verb, id, rest @ ..] = words else { return Err("no container is given".into()) };
    let container = Container::new(Path::new(folder), id);
    match (verb.as_str(), rest) {
        ("create", [root, program @ ..]) => container.create(Path::new(root), program)?,
        ("state", []) => println!("{}", container.state()?.0),
        ("start", []) => container.start()?,
        ("exec", program) => return container.exec(program),
        ("kill", [signal]) => container.kill(signal.parse()?)?,
        ("delete", []) => container.delete()?,
        _ => return Err(format!("{verb} is not a command that takes these arguments").into()),
    }
    Ok(ExitCode::SUCCESS)
}
