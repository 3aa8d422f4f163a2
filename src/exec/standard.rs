//! Conversion into a command of std.

use std::process::Command;

use super::JailCommand;
use crate::error::Result;
use crate::sys::child;

/// # Conversion into a command of std
impl JailCommand<'_> {
    /// Converts the command into std's, for code that requires it: `tokio::process::Command::from` makes it
    /// asynchronous.
    ///
    /// Its children take the same steps as those of this command. The user, the environment of
    /// [`clean_env`](Self::clean_env) and everything else that is looked up before a fork is looked up now. The command
    /// keeps a handle of the jail, which does not own it.
    ///
    /// # What is lost
    ///
    /// - An error is an [`io::Error`](std::io::Error) with the errno of the step that failed in the child: no stage, no
    ///   kind, no kernel message.
    /// - Starting a program is not ordered with another thread's [`Jail::attach`](crate::Jail::attach) (T43): start none
    ///   while a thread attaches.
    /// - [`exec`](std::os::unix::process::CommandExt::exec) of std does not refuse a jail that this process owns, and fails
    ///   with `EAGAIN` while another thread attaches. See [`Jail::confine`](crate::Jail::confine) for the rest.
    /// - [`spawn_held`](Self::spawn_held).
    /// - `current_dir`, `uid`, `gid` and `groups` of std's command act outside of the jail, before the child attaches:
    ///   set them here.
    ///
    /// # Errors
    ///
    /// Those of [`spawn`](Self::spawn) from before the fork, and those of [`Jail::try_clone`](crate::Jail::try_clone).
    ///
    /// ```
    /// # use freebsd_jail::{Jail, sim};
    /// # fn main() -> freebsd_jail::Result<()> {
    /// # let kernel = sim::Kernel::new();
    /// # let _guard = kernel.install();
    /// # kernel.allow_exec(true);
    /// let jail = Jail::builder().path("/").create()?;
    /// let mut command = jail.command("/bin/sh");
    /// command.args(["-c", "pwd"]).current_dir("/dev");
    /// let mut command: std::process::Command = command.into_std()?;
    /// assert_eq!(command.output().unwrap().stdout, b"/dev\n");
    /// # Ok(())
    /// # }
    /// ```
    pub fn into_std(mut self) -> Result<Command> {
        self.check()?;
        let jail = self.jail.try_clone()?;
        let mut plan = self.wishes.plan(&jail)?;
        // Nothing reads it.
        plan.report = None;
        plan.closures = std::mem::take(&mut self.wishes.closures);
        let variables = self.login_environment()?;
        let Self { mut inner, hook, .. } = self;
        inner.envs(variables);
        child::hook_for_good(&mut inner, plan, jail);
        hook.retire();
        Ok(inner)
    }
}
