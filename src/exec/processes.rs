//! The processes of a jail.

use crate::error::{Call, Error, ErrorKind, Result};
use crate::jail::Jail;
use crate::sys::Errno;

impl Jail {
    /// Returns the numbers of the processes that run in this jail, as far as this process may see them; not those
    /// in jails below it.
    ///
    /// A number is not a handle: a process may have ended before its number is used, and after a while another
    /// one has it.
    ///
    /// Wraps sysctl(3) of `kern.proc.proc`, which gives all processes of the system.
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
    #[doc(alias = "pgrep")]
    pub fn processes(&self) -> Result<Vec<u32>> {
        let pids = self.system.processes(self.jid().get()).map_err(|errno| match errno.0 {
            libc::ENOSYS => Error::no_jails(Call::Sysctl),
            libc::ENOMEM => Error::os(Call::Sysctl, errno, ErrorKind::ResourceExhausted, "kern.proc.proc"),
            _ => Error::os(Call::Sysctl, errno, ErrorKind::Other, "kern.proc.proc"),
        })?;
        // They went by the jail's number, which was its own if it lives still.
        if self.is_alive()? { Ok(pids) } else { Err(Error::gone()) }
    }

    /// Sends a signal to all processes of this jail, one after the other, and returns how many there were; 0
    /// only counts those that it could be sent to.
    ///
    /// It reaches those that are there at that moment. One that is started meanwhile may be missed, and processes that
    /// fork faster than they are signalled may go on for ever: a chain of forks outlived 11 rounds of SIGKILL in 88 of 100
    /// tries on 15.1 (T50). Jails below are left alone. **To end all processes for certain, those in jails below too,
    /// [`remove`](Jail::remove) the jail.**
    ///
    /// Wraps kill(2). On the model every signal but 0 ends a process.
    ///
    /// # Errors
    ///
    /// As [`processes`](Self::processes). [`ErrorKind::InvalidValue`] (`EINVAL`) for a signal that there is not,
    /// [`ErrorKind::PermissionDenied`] (`EPERM`) for a process that this one may not signal, after all others have
    /// been sent it.
    #[doc(alias = "kill")]
    pub fn signal(&self, signal: i32) -> Result<usize> {
        let mut reached = 0;
        let mut refused = None;
        for pid in self.processes()? {
            match self.system.kill(pid, signal) {
                Ok(()) => reached += 1,
                // It has ended by itself.
                Err(Errno(libc::ESRCH)) => {}
                Err(errno @ Errno(libc::EPERM)) => refused = Some(errno),
                Err(errno @ Errno(libc::EINVAL)) => {
                    return Err(Error::os(
                        Call::Kill,
                        errno,
                        ErrorKind::InvalidValue,
                        "there is no such signal",
                    ));
                }
                Err(errno) => return Err(Error::os(Call::Kill, errno, ErrorKind::Other, "")),
            }
        }
        match refused {
            Some(errno) => Err(Error::os(Call::Kill, errno, ErrorKind::PermissionDenied, "")),
            None => Ok(reached),
        }
    }
}
