//! Lists what holds a removed jail, as far as possible.

use core::fmt;

use super::HeldJail;
use crate::error::{Call, Error, ErrorKind, Result};
use crate::jid::Jid;
use crate::list::Jails;
use crate::param;
use crate::sys::{Errno, System};

/// Processes and jails that hold a removed jail, from [`HeldJail::holders`].
///
/// `Display` lists them for a message.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct Holders {
    /// The processes in it, zombies included.
    pub processes: Vec<HoldingProcess>,
    /// The jails directly below it, dying ones included.
    pub jails: Vec<Jid>,
}

/// A process that holds a jail.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct HoldingProcess {
    /// Its process id.
    pub pid: u32,
    /// The pid of its parent, if this process can see it.
    pub parent: Option<u32>,
    /// Whether it is a zombie: it has ended and its parent has not yet waited for it.
    pub is_zombie: bool,
}

impl Holders {
    /// Whether nothing was found. See [`HeldJail`] for what cannot be listed.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.processes.is_empty() && self.jails.is_empty()
    }

    /// Returns the zombies that are children of the calling process: they hold the jail until it waits for them.
    pub fn own_zombies(&self) -> impl Iterator<Item = u32> + '_ {
        let this = Some(std::process::id());
        let own = self.processes.iter().filter(move |process| process.is_zombie && process.parent == this);
        own.map(|process| process.pid)
    }
}

/// # What holds it
impl HeldJail {
    /// Lists what holds the jail: the processes in it, zombies included, and the jails below it. Empty if the jail is
    /// gone, or if it is held only by something that cannot be listed.
    ///
    /// Wraps [sysctl(3)] of `kern.proc.proc`, and [jail_get(2)] once per jail. Off FreeBSD the model's processes are
    /// listed.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Unsupported`] where there are no jails, [`ErrorKind::ResourceExhausted`] when the list of processes
    /// keeps growing while it is read.
    ///
    /// ```
    /// use std::time::Duration;
    ///
    /// use freebsd_jail::Jail;
    /// use freebsd_jail::watch::WaitOutcome;
    /// # use freebsd_jail::sim;
    ///
    /// # fn main() -> freebsd_jail::Result<()> {
    /// # let kernel = sim::Kernel::new();
    /// # let _guard = kernel.install();
    /// let jail = Jail::builder().name("www").path("/").create()?;
    /// # let inmate = kernel.process().fork();
    /// # inmate.run(|| jail.attach())?;
    /// // A child in the jail that nobody waits for.
    /// if let WaitOutcome::TimedOut(mut held) = jail.remove_and_wait(Some(Duration::from_millis(50)))? {
    ///     let holders = held.holders()?;
    ///     assert!(holders.processes.iter().all(|process| process.is_zombie));
    ///     assert_eq!(holders.own_zombies().count(), 1);
    /// #   assert_eq!(holders.processes[0].pid, inmate.pid());
    ///     eprintln!("held by {holders}");
    /// }
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// [sysctl(3)]: https://man.freebsd.org/cgi/man.cgi?query=sysctl&sektion=3
    /// [jail_get(2)]: https://man.freebsd.org/cgi/man.cgi?query=jail_get&sektion=2
    pub fn holders(&mut self) -> Result<Holders> {
        // Processes and jails are found by the jid, which a dying jail may lose meanwhile.
        for _ in 0..4 {
            if !self.is_there()? {
                return Ok(Holders::default());
            }
            let jid = self.last_jid();
            let holders =
                Holders { processes: processes(self.system(), jid)?, jails: below(self.system(), jid)? };
            if self.is_there()? && self.last_jid() == jid {
                return Ok(holders);
            }
        }
        Ok(Holders::default())
    }
}

/// Lists the processes of a jail.
fn processes(system: &System, jid: i32) -> Result<Vec<HoldingProcess>> {
    let error = |errno: Errno| {
        let (kind, reason) = match errno.0 {
            libc::ENOSYS => return Error::no_jails(Call::Sysctl),
            libc::ENOMEM => (ErrorKind::ResourceExhausted, "kern.proc.proc"),
            _ => (ErrorKind::Other, "kern.proc.proc"),
        };
        Error::os(Call::Sysctl, errno, kind, reason)
    };
    let processes = system.processes_and_zombies(jid).map_err(error)?;
    let process = |process: crate::sys::Process| HoldingProcess {
        pid: process.pid,
        parent: process.parent,
        is_zombie: process.is_zombie,
    };
    Ok(processes.into_iter().map(process).collect())
}

/// Lists the jails directly below one.
fn below(system: &System, jid: i32) -> Result<Vec<Jid>> {
    let all = Jails::new(system.clone(), None).dying(true).get((param::JID, param::PARENT));
    let mut below = Vec::new();
    for jail in all {
        let (found, parent) = jail?;
        if parent.is_some_and(|parent| parent.get() == jid) {
            below.push(found);
        }
    }
    Ok(below)
}

impl fmt::Display for HoldingProcess {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "process {}", self.pid)?;
        match (self.is_zombie, self.parent) {
            (false, _) => Ok(()),
            (true, None) => f.write_str(" (a zombie that its parent has not waited for)"),
            (true, Some(parent)) => write!(f, " (a zombie that process {parent} has not waited for)"),
        }
    }
}

impl fmt::Display for Holders {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_empty() {
            return f.write_str(
                "something that cannot be listed, such as a descriptor opened inside, a mount or a connection",
            );
        }
        let mut separator = "";
        for process in &self.processes {
            write!(f, "{separator}{process}")?;
            separator = ", ";
        }
        for jail in &self.jails {
            write!(f, "{separator}jail {jail}")?;
            separator = ", ";
        }
        Ok(())
    }
}
