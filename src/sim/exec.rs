//! What starting programs asks of the model, and what is asked about processes.

use core::ffi::c_int;

use crate::sys::Errno;

use super::kernel::Kernel;
use super::process::{INIT, Pid};
use super::user::Process;

impl Kernel {
    /// Whether the calling thread acts as another process than the one that the kernel started with, which is this one.
    pub(crate) fn acts_as_forked(&self) -> bool {
        self.process().pid() != INIT
    }

    /// The running processes of a jail.
    pub(crate) fn pids(&self, jid: c_int) -> Vec<u32> {
        let state = self.state();
        let inside = |pid: Pid| state.prison(state.prison_of(pid)).id == jid;
        let running = state.processes.running();
        running.filter(|pid| inside(*pid)).filter_map(|pid| u32::try_from(pid).ok()).collect()
    }

    /// kill(2), by a process that may signal any other. Every signal ends it, 0 excepted.
    pub(crate) fn kill(&self, pid: u32, signal: c_int) -> Result<(), Errno> {
        let mut state = self.state();
        let pid = Pid::try_from(pid).map_err(|_| Errno(libc::ESRCH))?;
        if state.processes.get(pid).ended {
            return Err(Errno(libc::ESRCH));
        }
        if signal != 0 {
            state.end(pid);
            state.reap(pid);
        }
        Ok(())
    }
}

impl Process {
    /// Closes all directories that the process has open.
    pub(crate) fn close_directories(&self) {
        if let Some(process) = self.kernel().state().processes.get_mut(self.pid()) {
            process.directories = 0;
        }
    }
}
