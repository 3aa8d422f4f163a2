//! The processes of a jail.

use std::ffi::OsString;

use crate::error::{Call, Error, ErrorKind, Result};
use crate::jail::Jail;
use crate::jid::Jid;
use crate::sys::{self, Errno, System};

/// # Processes
impl Jail {
    /// Returns the pids of the processes in this jail that this process can see, without those in jails below it.
    ///
    /// A pid is not a handle: the process may end before the pid is used, and another process may get the pid later.
    ///
    /// Wraps [sysctl(3)] of `kern.proc.proc`, which returns all processes of the system.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Gone`] when the jail has been removed, [`ErrorKind::Unsupported`] where there are no jails.
    ///
    /// ```
    /// # use freebsd_jail::{Jail, sim};
    /// # fn main() -> freebsd_jail::Result<()> {
    /// # let kernel = sim::Kernel::new();
    /// # let _guard = kernel.install();
    /// let jail = Jail::builder().path("/").create()?;
    /// assert!(jail.processes()?.is_empty());
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// [sysctl(3)]: https://man.freebsd.org/cgi/man.cgi?query=sysctl&sektion=3
    #[doc(alias = "pgrep")]
    pub fn processes(&self) -> Result<Vec<u32>> {
        let pids = self.system.processes(self.jid().get()).map_err(unlisted)?;
        // They were found by the jid, which was this jail's if it is still alive.
        if self.is_alive()? { Ok(pids) } else { Err(Error::gone()) }
    }
}

/// The processes of all jails, as one look at the system's table of processes found them.
///
/// For programs that look at many jails: [`Jail::processes`] asks for the whole table each time.
///
/// ```
/// use freebsd_jail::Jail;
/// use freebsd_jail::exec::Processes;
/// # use freebsd_jail::sim;
///
/// # fn main() -> freebsd_jail::Result<()> {
/// # let kernel = sim::Kernel::new();
/// # let _guard = kernel.install();
/// # let _jail = Jail::builder().path("/").create()?;
/// let processes = Processes::current()?;
/// for jail in Jail::all().get(freebsd_jail::param::JID) {
///     let jid = jail?;
///     println!("{jid}: {} processes", processes.of(jid).len());
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize), serde(transparent))]
pub struct Processes(Vec<Process>);

/// A process, as the system's table had it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct Process {
    /// Its process id. It is not a handle: the process may have ended, and another may have the id by now.
    pub pid: u32,
    /// The jail that it is in, `None` on the host.
    pub jid: Option<Jid>,
    /// The process id of its parent, as far as this process can see it.
    pub parent: Option<u32>,
    /// The user id that it acts as.
    pub uid: u32,
    /// The name of its program, at most 19 bytes of it; `None` if the table has none, as on the model.
    #[cfg_attr(feature = "serde", serde(serialize_with = "crate::param::text::serialize_some"))]
    pub command: Option<OsString>,
    /// Whether it is a zombie: it has ended, and its parent has not waited for it.
    pub is_zombie: bool,
}

impl Processes {
    /// Looks at the table. Wraps [sysctl(3)] of `kern.proc.proc`: one call, or three when the table has grown much
    /// since the last time.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Unsupported`] where there are no jails, [`ErrorKind::ResourceExhausted`] when the table keeps
    /// growing while it is read.
    ///
    /// ```
    /// # use freebsd_jail::{exec::Processes, sim};
    /// # fn main() -> freebsd_jail::Result<()> {
    /// # let kernel = sim::Kernel::new();
    /// # let _guard = kernel.install();
    /// let processes = Processes::current()?;
    /// assert!(processes.iter().any(|process| process.jid.is_none()));
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// [sysctl(3)]: https://man.freebsd.org/cgi/man.cgi?query=sysctl&sektion=3
    pub fn current() -> Result<Self> {
        let table = System::current().process_table().map_err(unlisted)?;
        let mut processes: Vec<_> = table.into_iter().map(Process::from).collect();
        processes.sort_unstable_by_key(|process| (process.jid, process.pid));
        Ok(Self(processes))
    }

    /// Returns the processes of a jail, by pid, zombies included; not those in jails below it.
    ///
    /// ```
    /// # use freebsd_jail::{Jail, exec::Processes, sim};
    /// # fn main() -> freebsd_jail::Result<()> {
    /// # let kernel = sim::Kernel::new();
    /// # let _guard = kernel.install();
    /// let jail = Jail::builder().path("/").create()?;
    /// for process in Processes::current()?.of(jail.jid()) {
    ///     println!("{} {:?}", process.pid, process.command);
    /// }
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn of(&self, jid: Jid) -> &[Process] {
        let start = self.0.partition_point(|process| process.jid < Some(jid));
        let rest = self.0.get(start..).unwrap_or_default();
        let end = rest.partition_point(|process| process.jid == Some(jid));
        rest.get(..end).unwrap_or_default()
    }

    /// Returns all processes that this one can see, by jail and pid.
    pub fn iter(&self) -> std::slice::Iter<'_, Process> {
        self.0.iter()
    }
}

impl<'p> IntoIterator for &'p Processes {
    type Item = &'p Process;
    type IntoIter = std::slice::Iter<'p, Process>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl From<sys::Process> for Process {
    fn from(process: sys::Process) -> Self {
        Self {
            pid: process.pid,
            jid: Jid::new(process.jid),
            parent: process.parent,
            uid: process.uid,
            command: process.command,
            is_zombie: process.is_zombie,
        }
    }
}

/// Explains why the table of processes could not be read.
fn unlisted(errno: Errno) -> Error {
    match errno.0 {
        libc::ENOSYS => Error::no_jails(Call::Sysctl),
        libc::ENOMEM => Error::os(Call::Sysctl, errno, ErrorKind::ResourceExhausted, "kern.proc.proc"),
        _ => Error::os(Call::Sysctl, errno, ErrorKind::Other, "kern.proc.proc"),
    }
}
