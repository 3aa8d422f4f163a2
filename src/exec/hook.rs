//! Closures of the caller that run in the child.

use std::io;

use super::JailCommand;

/// # Code in the child
impl JailCommand<'_> {
    /// Adds a closure that runs in the child right before the program is executed: inside the jail, in the working
    /// directory, as the program's user. Closures run in the order in which they were added.
    ///
    /// If one returns an error, the program is not executed, and the error of [`spawn`](Self::spawn) has the
    /// [`stage`](crate::Error::stage) [`PreExec`](crate::error::Stage::PreExec) and the error's errno, `EINVAL` if it
    /// has none.
    ///
    /// With [`exec`](Self::exec) the closures run in this process.
    ///
    /// # Safety
    ///
    /// As for [`CommandExt::pre_exec`](std::os::unix::process::CommandExt::pre_exec) of std: the closure runs after
    /// [fork(2)], where other threads of the parent may have left locks taken for ever. It must be async-signal-safe:
    /// no allocation, no lock, no logging, no panic. It must not close descriptors that it does not own.
    ///
    /// ```
    /// # use freebsd_jail::{Jail, sim};
    /// # fn main() -> freebsd_jail::Result<()> {
    /// # let kernel = sim::Kernel::new();
    /// # let _guard = kernel.install();
    /// # kernel.allow_exec(true);
    /// let jail = Jail::builder().path("/").create()?;
    /// let mut command = jail.command("/bin/sh");
    /// command.args(["-c", "nice"]);
    /// // SAFETY: the closure makes one system call.
    /// unsafe {
    ///     command.pre_exec(|| {
    ///         libc::setpriority(libc::PRIO_PROCESS, 0, 5);
    ///         Ok(())
    ///     });
    /// }
    /// let output = command.output()?;
    /// assert_eq!(output.stdout, b"5\n");
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// [fork(2)]: https://man.freebsd.org/cgi/man.cgi?query=fork&sektion=2
    #[allow(unsafe_code, reason = "a promise of the caller's; the method only keeps the closure")]
    pub unsafe fn pre_exec(
        &mut self,
        closure: impl FnMut() -> io::Result<()> + Send + Sync + 'static,
    ) -> &mut Self {
        self.wishes.closures.0.push(Box::new(closure));
        self
    }
}
