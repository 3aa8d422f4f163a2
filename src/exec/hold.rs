//! Programs that are held in the jail until a gate is opened.

use core::fmt;
use std::ffi::{CString, OsStr};
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::process::Child;

use super::JailCommand;
use super::plan::c_string;
use crate::error::{Call, Error, ErrorKind, Result};
use crate::sys::hold::{Hold, Program};
use crate::sys::{Errno, fd, gate};

/// # Starting behind a gate
impl JailCommand<'_> {
    /// Starts a process that takes all steps but executing the program, and **holds it in the jail until the gate is
    /// opened**.
    ///
    /// When this returns, the child has its user, has run the closures of [`pre_exec`](Self::pre_exec), has found the
    /// program, and has closed the descriptors that [execve(2)] would close. If a step fails, this method returns the
    /// error, as [`spawn`](Self::spawn) does. Then the child waits:
    ///
    /// - When the gate is [opened](Opener::open), it executes the program. If that fails, its status is 127 if the
    ///   program no longer exists, else 126.
    /// - When the gate is closed without having been opened, because every copy of the [`Opener`] was dropped or its
    ///   process ended, it exits with status 125.
    /// - Signals have their default effect; removing the jail kills it.
    ///
    /// The child survives the end of this process if the gate does: the gate of a [FIFO](Gate::at) can be opened by any
    /// process later. Its pid is [`Child::id`]. Dropping the [`Child`] does not end it.
    ///
    /// **Until it executes the program it has a copy of this process's memory**, and the name of this process in
    /// listings. The jail's processes cannot trace it, but root on the host can.
    ///
    /// # Errors
    ///
    /// As [`spawn`](Self::spawn).
    ///
    /// # FreeBSD versions
    ///
    /// As [`spawn`](Self::spawn).
    ///
    /// ```
    /// use freebsd_jail::Jail;
    /// use freebsd_jail::exec::Gate;
    /// # use freebsd_jail::sim;
    ///
    /// # fn main() -> freebsd_jail::Result<()> {
    /// # let kernel = sim::Kernel::new();
    /// # let _guard = kernel.install();
    /// # kernel.allow_exec(true);
    /// let jail = Jail::builder().path("/").create()?;
    /// let (gate, opener) = Gate::new()?;
    /// let mut child = jail.command("/bin/sh").args(["-c", "exit 7"]).spawn_held(gate)?;
    /// println!("process {} waits in the jail", child.id());
    /// opener.open()?;
    /// assert_eq!(child.wait().unwrap().code(), Some(7));
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// [execve(2)]: https://man.freebsd.org/cgi/man.cgi?query=execve&sektion=2
    pub fn spawn_held(&mut self, gate: Gate) -> Result<Child> {
        self.start_held(gate.0)
    }

    /// Prepares the child to execute the program by itself.
    pub(super) fn hold(&self, gate: OwnedFd) -> Result<Hold> {
        const PROGRAM: &str = "a program cannot contain NUL";
        let program = self.get_program();
        let environment = self.environment();
        let paths = if program.as_bytes().contains(&b'/') {
            vec![c_string(program, PROGRAM)?]
        } else if program.is_empty() {
            Vec::new()
        } else {
            let path = environment.iter().find(|(name, _)| name == "PATH").map(|(_, value)| value.as_bytes());
            let folders = path.unwrap_or(DEFAULT_PATH).split(|byte| *byte == b':');
            let candidate = |folder: &[u8]| {
                let folder = if folder.is_empty() { b"." } else { folder };
                c_string(OsStr::from_bytes(&[folder, b"/", program.as_bytes()].concat()), PROGRAM)
            };
            folders.map(candidate).collect::<Result<_>>()?
        };
        let first = self.arg0.as_deref().unwrap_or(program);
        let arguments = std::iter::once(first).chain(self.get_args());
        let arguments = arguments.map(|argument| c_string(argument, "an argument cannot contain NUL"));
        let variable = |(name, value): &(_, _)| {
            let (name, value): (&OsStr, &OsStr) = (AsRef::as_ref(name), AsRef::as_ref(value));
            let text = [name.as_bytes(), b"=", value.as_bytes()].concat();
            c_string(OsStr::from_bytes(&text), "a variable of the environment cannot contain NUL")
        };
        let environment: Result<Vec<CString>> = environment.iter().map(variable).collect();
        Ok(Hold { gate, program: Program::new(paths, arguments.collect::<Result<_>>()?, environment?) })
    }
}

/// Where a program is looked up if its environment has no `PATH`, as in execvp(3).
const DEFAULT_PATH: &[u8] = if cfg!(target_os = "freebsd") {
    b"/sbin:/bin:/usr/sbin:/usr/bin:/usr/local/sbin:/usr/local/bin"
} else {
    b"/bin:/usr/bin"
};

/// What a program of [`JailCommand::spawn_held`] waits for.
///
/// Any descriptor that can be read and polled serves: a byte that arrives opens the gate, the end of the file closes it.
pub struct Gate(OwnedFd);

/// Opens a [`Gate`].
///
/// It is a descriptor, which may be sent to another process. Dropping the last copy closes the gate for good.
pub struct Opener(OwnedFd);

impl Gate {
    /// Makes a gate and its opener. Wraps [socketpair(2)].
    ///
    /// # Errors
    ///
    /// [`ErrorKind::ResourceExhausted`] when the process or the system has no descriptors left.
    ///
    /// ```
    /// # fn main() -> freebsd_jail::Result<()> {
    /// use freebsd_jail::exec::Gate;
    ///
    /// let (gate, opener) = Gate::new()?;
    /// # let _ = (gate, opener);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// [socketpair(2)]: https://man.freebsd.org/cgi/man.cgi?query=socketpair&sektion=2
    pub fn new() -> Result<(Self, Opener)> {
        let (gate, opener) = gate::pair()
            .map_err(|errno| Error::os(Call::Socketpair, errno, ErrorKind::ResourceExhausted, ""))?;
        Ok((Self(gate), Opener(opener)))
    }

    /// Makes a FIFO, which [`Opener::at`] can open in any process of this process's user or of root.
    ///
    /// The path is this process's, not the jail's; keep it out of the jail's reach. It stays after the program has
    /// ended. Wraps [mkfifo(2)] with mode 0600.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::AlreadyExists`] when there is a file at the path, [`ErrorKind::InvalidPath`] when it cannot be
    /// reached, [`ErrorKind::PermissionDenied`], [`ErrorKind::ResourceExhausted`].
    ///
    /// ```
    /// # fn main() -> freebsd_jail::Result<()> {
    /// use freebsd_jail::exec::{Gate, Opener};
    ///
    /// # let path = std::env::temp_dir().join(format!("gate-example-{}", std::process::id()));
    /// let gate = Gate::at(&path)?;
    /// // In this process or another, later:
    /// let opener = Opener::at(&path)?;
    /// # std::fs::remove_file(&path).unwrap();
    /// # let _ = (gate, opener);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// [mkfifo(2)]: https://man.freebsd.org/cgi/man.cgi?query=mkfifo&sektion=2
    pub fn at(path: impl AsRef<Path>) -> Result<Self> {
        let path = path_of(path.as_ref())?;
        gate::make_fifo(&path).map_err(|errno| failed(Call::Mkfifo, errno))?;
        gate::open_reader(&path).map(Self).map_err(|errno| failed(Call::Open, errno))
    }
}

impl Opener {
    /// Opens the FIFO of [`Gate::at`] for writing. The program keeps waiting until [`open`](Self::open).
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Gone`] (`ENXIO`) when no program waits for it, or it is not a FIFO; [`ErrorKind::InvalidPath`] when
    /// it does not exist, [`ErrorKind::PermissionDenied`], [`ErrorKind::ResourceExhausted`].
    ///
    /// ```
    /// use freebsd_jail::ErrorKind;
    /// use freebsd_jail::exec::Opener;
    ///
    /// let error = Opener::at("/nonexistent/gate").unwrap_err();
    /// assert_eq!(error.kind(), ErrorKind::InvalidPath);
    /// ```
    pub fn at(path: impl AsRef<Path>) -> Result<Self> {
        let path = path_of(path.as_ref())?;
        gate::open_writer(&path).map(Self).map_err(|errno| failed(Call::Open, errno))
    }

    /// Opens the gate: the program is executed.
    ///
    /// If several programs wait for one gate, one of them continues. A process that does not ignore `SIGPIPE` (Rust
    /// programs do) may receive it when the program that waits for a FIFO has just ended.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Gone`] (`EPIPE`) when no program waits for it any more.
    ///
    /// ```
    /// # fn main() -> freebsd_jail::Result<()> {
    /// use freebsd_jail::ErrorKind;
    /// use freebsd_jail::exec::Gate;
    ///
    /// let (gate, opener) = Gate::new()?;
    /// drop(gate); // no program ever waits at it
    /// assert_eq!(opener.open().unwrap_err().kind(), ErrorKind::Gone);
    /// # Ok(())
    /// # }
    /// ```
    pub fn open(self) -> Result<()> {
        gate::write(self.0.as_fd()).map_err(|errno| failed(Call::Write, errno))
    }
}

fn path_of(path: &Path) -> Result<CString> {
    c_string(path.as_os_str(), "the path of a gate cannot contain NUL")
}

fn failed(call: Call, errno: Errno) -> Error {
    let (kind, reason) = match errno.0 {
        libc::ENXIO | libc::EPIPE | libc::ECONNRESET | libc::ENOTCONN => {
            (ErrorKind::Gone, "no program waits for the gate")
        }
        libc::EEXIST => (ErrorKind::AlreadyExists, ""),
        libc::ENOENT | libc::ENOTDIR | libc::ELOOP | libc::ENAMETOOLONG => (ErrorKind::InvalidPath, ""),
        libc::EACCES | libc::EPERM | libc::EROFS => (ErrorKind::PermissionDenied, ""),
        libc::EMFILE | libc::ENFILE | libc::ENOSPC | libc::ENOMEM => (ErrorKind::ResourceExhausted, ""),
        _ => (ErrorKind::Other, ""),
    };
    Error::os(call, errno, kind, reason)
}

impl TryFrom<OwnedFd> for Gate {
    type Error = io::Error;

    /// Takes a readable descriptor, and makes it close-on-exec.
    fn try_from(fd: OwnedFd) -> io::Result<Self> {
        Ok(Self(fd::keep_given(fd)?))
    }
}

impl From<OwnedFd> for Opener {
    fn from(fd: OwnedFd) -> Self {
        Self(fd)
    }
}

impl From<Opener> for OwnedFd {
    fn from(opener: Opener) -> Self {
        opener.0
    }
}

impl AsFd for Opener {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

impl fmt::Debug for Gate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Gate").field(&self.0).finish()
    }
}

impl fmt::Debug for Opener {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Opener").field(&self.0).finish()
    }
}
