//! Handles of modelled processes.

use core::ffi::c_int;
use std::io;
use std::os::fd::{AsFd, AsRawFd};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use super::kernel::{Guard, Kernel};
use super::process::{CredentialId, Pid};

/// A modelled process, with a user and a jail.
///
/// It is a handle: dropping it does not end the process. A thread acts as a process while [`Process::enter`]'s guard
/// lives or in [`Process::run`].
#[derive(Debug, Clone)]
pub struct Process {
    kernel: Kernel,
    pid: Pid,
}

impl Process {
    pub(super) fn new(kernel: Kernel, pid: Pid) -> Self {
        Self { kernel, pid }
    }

    pub(super) fn kernel(&self) -> &Kernel {
        &self.kernel
    }

    /// The pid.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.pid.unsigned_abs()
    }

    pub(super) fn number(&self) -> Pid {
        self.pid
    }

    /// Returns its user.
    #[must_use]
    pub fn uid(&self) -> u32 {
        self.kernel.state().processes.credential_of(self.pid).uid
    }

    /// Returns the jid of its jail, 0 for the host.
    #[must_use]
    pub fn jid(&self) -> c_int {
        let state = self.kernel.state();
        state.prison(state.prison_of(self.pid)).id
    }

    /// Whether it has neither exited nor been killed.
    #[must_use]
    pub fn is_running(&self) -> bool {
        !self.kernel.state().processes.get(self.pid).ended
    }

    /// Sends the calling thread's jail calls to the process's kernel, as this process, until the guard is dropped.
    pub fn enter(&self) -> Guard {
        self.kernel.install_as(self.pid)
    }

    /// Runs a closure during which the calling thread acts as this process.
    pub fn run<R>(&self, action: impl FnOnce() -> R) -> R {
        let _guard = self.enter();
        action()
    }

    /// Makes a child: [fork(2)]. It has the same user and jail; the calling thread still acts as its old process.
    ///
    /// [fork(2)]: https://man.freebsd.org/cgi/man.cgi?query=fork&sektion=2
    #[must_use]
    pub fn fork(&self) -> Self {
        let child = {
            let mut state = self.kernel.state();
            state.note_fork(self.pid);
            state.fork(self.pid)
        };
        Self::new(self.kernel.clone(), child)
    }

    /// Changes the user: [setuid(2)].
    ///
    /// # Errors
    ///
    /// `EPERM` if the process is not root, `ESRCH` if it has ended.
    ///
    /// [setuid(2)]: https://man.freebsd.org/cgi/man.cgi?query=setuid&sektion=2
    pub fn setuid(&self, uid: u32) -> io::Result<()> {
        Ok(self.kernel.state().setuid(self.pid, uid)?)
    }

    /// Sets the working directory, against which relative paths are looked up: [chdir(2)].
    ///
    /// # Errors
    ///
    /// `ENOENT`, `ENOTDIR`, `ENAMETOOLONG`.
    ///
    /// [chdir(2)]: https://man.freebsd.org/cgi/man.cgi?query=chdir&sektion=2
    pub fn chdir(&self, path: impl AsRef<Path>) -> io::Result<()> {
        Ok(self.kernel.state().chdir(self.pid, path.as_ref().as_os_str().as_bytes())?)
    }

    /// Sets the routing table: [setfib(2)].
    ///
    /// The host has any number of tables, the network stack of a jail only table 0. Since FreeBSD 14 a process with
    /// another table cannot attach to such a jail.
    ///
    /// [setfib(2)]: https://man.freebsd.org/cgi/man.cgi?query=setfib&sektion=2
    pub fn set_fib(&self, fib: u32) {
        if let Some(process) = self.kernel.state().processes.get_mut(self.pid) {
            process.fib = fib;
        }
    }

    /// Restricts the process to some of the processors that its jail may use: [cpuset_setaffinity(2)] with
    /// `CPU_WHICH_PID`. It cannot attach to a jail that may use none of them.
    ///
    /// # Errors
    ///
    /// `EDEADLK` for none at all, `EINVAL` if its jail may not use all of them, `ESRCH` if it has ended.
    ///
    /// [cpuset_setaffinity(2)]: https://man.freebsd.org/cgi/man.cgi?query=cpuset_setaffinity&sektion=2
    pub fn set_cpus(&self, cpus: impl IntoIterator<Item = u32>) -> io::Result<()> {
        Ok(self.kernel.state().set_process_cpus(self.pid, cpus.into_iter().collect())?)
    }

    /// Opens a directory: the process and its children cannot attach to a jail until they close it.
    pub fn open_directory(&self) {
        self.kernel.state().open_directory(self.pid);
    }

    /// Closes a directory.
    pub fn close_directory(&self) {
        self.kernel.state().close_directory(self.pid);
    }

    /// Enters capability mode, for good: [cap_enter(2)]. Jail calls fail with `ECAPMODE` from then on, and most sysctls
    /// with `EPERM`; [fstat(2)], watching and closing of descriptors still work (T55).
    ///
    /// [cap_enter(2)]: https://man.freebsd.org/cgi/man.cgi?query=cap_enter&sektion=2
    /// [fstat(2)]: https://man.freebsd.org/cgi/man.cgi?query=fstat&sektion=2
    pub fn cap_enter(&self) {
        if let Some(process) = self.kernel.state().processes.get_mut(self.pid) {
            process.capability_mode = true;
        }
    }

    /// Takes all rights from a jail descriptor and its copies: [cap_rights_limit(2)]. From then on [fstat(2)] and
    /// [kevent(2)] fail with `ENOTCAPABLE`, but jail calls do not (T55).
    ///
    /// # Errors
    ///
    /// `EBADF`, and `EINVAL` if it is not a jail descriptor of the model.
    ///
    /// [cap_rights_limit(2)]: https://man.freebsd.org/cgi/man.cgi?query=cap_rights_limit&sektion=2
    /// [fstat(2)]: https://man.freebsd.org/cgi/man.cgi?query=fstat&sektion=2
    /// [kevent(2)]: https://man.freebsd.org/cgi/man.cgi?query=kevent&sektion=2
    pub fn limit_rights(&self, descriptor: impl AsFd) -> io::Result<()> {
        Ok(self.kernel.state().descriptors.limit(descriptor.as_fd().as_raw_fd())?)
    }

    /// Opens a file, a socket or another object: after its removal, the process's jail stays dying until the object is
    /// closed (T48).
    #[must_use]
    pub fn open_file(&self) -> OpenFile {
        let mut state = self.kernel.state();
        let credential = state.processes.get(self.pid).credential;
        state.hold_credential(credential);
        OpenFile { kernel: self.kernel.clone(), credential }
    }

    /// Ends the process and waits for it: [`die`](Self::die) and [`reap`](Self::reap).
    pub fn exit(&self) {
        self.kill();
    }

    /// Ends the process with SIGKILL and waits for it.
    ///
    /// Its descriptors are closed: each one that it made counts as closed, even if copies are open, and calls with it
    /// fail with `EBADF`. So an owning one removes its jail.
    pub fn kill(&self) {
        self.die();
        self.reap();
    }

    /// Ends the process with SIGKILL and leaves a zombie: its jail, once removed, stays dying until the process is
    /// [waited for](Self::reap) (T27).
    pub fn die(&self) {
        let mut state = self.kernel.state();
        state.call = "exit";
        state.end(self.pid);
    }

    /// Waits for the process if it has ended: [wait(2)] by its parent. After that it no longer holds its jail.
    ///
    /// ```
    /// use freebsd_jail::{Jail, sim};
    /// use freebsd_jail::watch::WaitOutcome;
    /// use std::time::Duration;
    ///
    /// # fn main() -> freebsd_jail::Result<()> {
    /// let kernel = sim::Kernel::new();
    /// let _guard = kernel.install();
    /// let jail = Jail::builder().path("/").create()?;
    /// let inmate = kernel.process().fork();
    /// inmate.run(|| jail.attach())?;
    /// // Removing the jail kills the process, and nobody has waited for it.
    /// let outcome = jail.remove_and_wait(Some(Duration::from_millis(20)))?;
    /// let WaitOutcome::TimedOut(mut held) = outcome else { panic!("it is a zombie") };
    /// inmate.reap();
    /// assert!(held.wait_gone(Some(Duration::from_secs(5)))?.done().is_some());
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// [wait(2)]: https://man.freebsd.org/cgi/man.cgi?query=wait&sektion=2
    pub fn reap(&self) {
        self.kernel.state().reap(self.pid);
    }
}

/// An object that a process has opened. Dropping this closes it.
#[derive(Debug)]
#[must_use = "it is closed when it is dropped"]
pub struct OpenFile {
    kernel: Kernel,
    credential: CredentialId,
}

impl Drop for OpenFile {
    fn drop(&mut self) {
        self.kernel.state().free_credential(self.credential);
    }
}
