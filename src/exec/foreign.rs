//! Commands that someone else made.

#![forbid(unsafe_code)]

use std::process::Command;

use super::plan;
use crate::error::{Error, ErrorKind, Result};
use crate::jail::Jail;
use crate::sys::child;

mod sealed {
    pub trait Sealed {}
    impl Sealed for std::process::Command {}
}

/// Puts the programs of a [`std::process::Command`] that someone else made into a jail.
///
/// Prefer [`Jail::command`], which can do more and says more: this is for code that only takes or gives a
/// `Command`.
pub trait CommandExt: sealed::Sealed {
    /// Has the programs of this command run in the jail, all that are started from now on: it cannot be undone,
    /// and doing it twice has the child enter one jail from inside the other.
    ///
    /// A failure to enter comes back from `spawn` and its likes as an [`io::Error`](std::io::Error) that has the
    /// error number **and nothing else**: that it was entering that failed cannot be told. `EPERM` is a process
    /// that is not root, a standard stream that is a directory, or a user that was changed too early, `ENOENT` a jail
    /// that has been removed, `EINVAL` the same by number, or a jail whose own network stack does not have the
    /// process's routing table.
    ///
    /// std does some things to the child before it enters, and so outside of the jail:
    ///
    /// - [`uid`](std::os::unix::process::CommandExt::uid) is applied before, when entering is no longer allowed:
    ///   **the child refuses with `EPERM`** when its user is not this process's any more. `gid` is harmless, but
    ///   is applied outside, too.
    /// - [`current_dir`](Command::current_dir) is looked up outside and lost: the program starts in the jail's
    ///   root directory. Where it has been set already, this method refuses.
    /// - Closures of [`pre_exec`](std::os::unix::process::CommandExt::pre_exec) that were registered before this
    ///   call run outside, those registered later inside. One of these may become another user.
    /// - The program itself is looked up inside.
    ///
    /// Where mac_do(4) is loaded, each child reads the jail's rules right before it enters, and carries them; see
    /// [`Jail::attach`].
    ///
    /// Directories that the child has inherited are treated as by [`JailCommand`](crate::JailCommand).
    ///
    /// The command keeps a handle of the jail, which does not own it: an [`OwnedJail`](crate::OwnedJail) that is
    /// dropped before takes the jail with it.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Conflict`] when the command has a working directory; [`ErrorKind::Gone`],
    /// [`ErrorKind::ResourceExhausted`] as [`Jail::try_clone`]; on the model [`ErrorKind::Unsupported`] unless
    /// programs may run, and all that entering may fail with, since there this is asked at once.
    ///
    /// # FreeBSD versions
    ///
    /// As [`JailCommand`](crate::JailCommand).
    ///
    /// ```no_run
    /// use std::process::Command;
    /// use freebsd_jail::{CommandExt, Jail};
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let mut command = Command::new("/bin/hostname");
    /// command.jail(&Jail::open("www")?)?;
    /// let status = command.status()?;
    /// # Ok(())
    /// # }
    /// ```
    fn jail(&mut self, jail: &Jail) -> Result<&mut Command>;
}

impl CommandExt for Command {
    fn jail(&mut self, jail: &Jail) -> Result<&mut Command> {
        if self.get_current_dir().is_some() {
            return Err(Error::refused(
                ErrorKind::Conflict,
                "std would look the working directory up outside of the jail, and entering leaves it: \
                 Jail::command looks it up inside",
            ));
        }
        let jail = jail.try_clone()?;
        let mut plan = plan::entering(&jail)?;
        plan.only_as = Some(child::effective_uid());
        child::hook_for_good(self, plan, jail);
        Ok(self)
    }
}
