//! Confining a command that somebody else made.

use std::process::Command;

use super::plan;
use crate::error::{Error, ErrorKind, Result};
use crate::jail::Jail;
use crate::sys::child;

/// # Confining a command
impl Jail {
    /// Makes every process that a [`std::process::Command`] starts attach to the jail first, for code that takes or
    /// gives a `Command`. Prefer [`command`](Self::command), which can do more and reports more.
    ///
    /// This cannot be undone. Calling it twice makes the child attach to one jail from inside the other.
    ///
    /// A failure to attach comes back from `spawn`, `status` or `output` as an [`io::Error`](std::io::Error) that has
    /// the error number **and nothing else**, not even that attaching failed. `EPERM` means a process that is not root,
    /// a standard stream that is a directory, or a user that was changed too early; `ENOENT` a jail that has been
    /// removed; `EINVAL` the same by jid, or a jail whose own network stack does not have the process's routing table;
    /// `EBADF` that a closure has replaced the jail's descriptor by another file.
    ///
    /// std takes some steps in the child before it attaches, and so outside of the jail:
    ///
    /// - [`uid`](std::os::unix::process::CommandExt::uid) is applied before, when attaching is no longer allowed:
    ///   **the child refuses with `EPERM`** when its user is not this process's any more. `gid` is harmless, but
    ///   is applied outside, too.
    /// - [`current_dir`](Command::current_dir) is looked up outside and then lost: the program starts in the jail's
    ///   root directory. If it is set already, this method returns an error.
    /// - Closures of [`pre_exec`](std::os::unix::process::CommandExt::pre_exec) that were registered before this
    ///   call run outside, those registered later inside. One of these may become another user.
    /// - The program itself is looked up inside.
    ///
    /// Where [mac_do(4)] is loaded, each child reads the jail's rules right before it attaches, and carries them; see
    /// [`attach`](Self::attach).
    ///
    /// Signal handlers, jail descriptors and directories of the child are treated as by
    /// [`JailCommand`](crate::JailCommand), and a `SIGSTOP` from inside the jail blocks `spawn` as there.
    ///
    /// The command keeps a handle of the jail, which does not own it: dropping the [`OwnedJail`](crate::OwnedJail)
    /// removes the jail all the same.
    ///
    /// # What only `Jail::command` does
    ///
    /// - It keeps a program from being started while another thread of this process is attaching to a jail; see
    ///   [`attach`](Self::attach).
    /// - std's [`exec`](std::os::unix::process::CommandExt::exec), called by the process that called this method,
    ///   leaves that process's directories and signal handlers alone, as
    ///   [`JailCommand::exec`](crate::JailCommand::exec) does, and fails with `EAGAIN` instead of waiting for another
    ///   thread. A process that has been forked since by other means is taken for a child of `spawn`: when `exec` fails
    ///   in it, its signal handlers are gone, and where the kernel refused to let it in because of its directories,
    ///   there are sockets in their places. [`JailCommand::exec`](crate::JailCommand::exec) knows the two apart.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Conflict`] when the command has a working directory; [`ErrorKind::Gone`],
    /// [`ErrorKind::ResourceExhausted`] as [`try_clone`](Self::try_clone); on the model [`ErrorKind::Unsupported`]
    /// unless programs may run, and all that attaching may fail with, since there the kernel is asked at once.
    ///
    /// # FreeBSD versions
    ///
    /// As [`JailCommand`](crate::JailCommand).
    ///
    /// ```no_run
    /// use std::process::Command;
    /// use freebsd_jail::Jail;
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let mut command = Command::new("/bin/hostname");
    /// Jail::open("www")?.confine(&mut command)?;
    /// let status = command.status()?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// [mac_do(4)]: https://man.freebsd.org/cgi/man.cgi?query=mac_do&sektion=4
    pub fn confine<'c>(&self, command: &'c mut Command) -> Result<&'c mut Command> {
        if command.get_current_dir().is_some() {
            return Err(Error::refused(
                ErrorKind::Conflict,
                "std would look the working directory up outside of the jail, and attaching leaves it: \
                 Jail::command looks it up inside",
            ));
        }
        let jail = self.try_clone()?;
        let mut plan = plan::attaching(&jail)?;
        plan.only_as = Some(child::effective_uid());
        child::hook_for_good(command, plan, jail);
        Ok(command)
    }
}
