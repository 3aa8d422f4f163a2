//! The model's part in starting programs, and its answers about processes.

use core::ffi::c_int;
use std::os::fd::{AsRawFd, BorrowedFd};

use super::errno::Errno;
use super::kernel::Kernel;
use super::process::{INIT, Pid, ProcessState};
use super::seam::ProcessEntry;
use super::user::Process;

impl Kernel {
    /// Whether the calling thread acts as a process other than the first one, which stands for this process.
    pub(crate) fn acts_as_forked(&self) -> bool {
        self.process().number() != INIT
    }

    /// Returns the processes that the calling one can see, including zombies: those of its jail and of the jails below.
    pub(crate) fn process_table(&self) -> Vec<ProcessEntry> {
        let (mut state, this) = self.enter("sysctl");
        state.calls.sysctl += 1;
        let state = &*state;
        let own = state.prison_of(this);
        let seen = |pid: Pid| state.self_and_ancestors(state.prison_of(pid)).contains(&own);
        let process = |(pid, process): (Pid, &ProcessState)| {
            Some(ProcessEntry {
                pid: process.program.or_else(|| u32::try_from(pid).ok())?,
                // The process that this thread acts as has the pid of this program.
                parent: if process.parent == this {
                    Some(std::process::id())
                } else {
                    u32::try_from(process.parent).ok()
                },
                jid: state.prison(state.prison_of(pid)).id,
                uid: state.processes.credential(process.credential).uid,
                is_zombie: process.ended,
            })
        };
        state.processes.all().filter(|(pid, _)| seen(*pid)).filter_map(process).collect()
    }

    /// The root of a numbered cpuset: there are none but those of jails and of the host, each of which is its own.
    pub(crate) fn cpuset_root(&self, id: c_int) -> Result<Option<c_int>, Errno> {
        self.begin("cpuset_getid", None)?;
        let (state, _) = self.enter("cpuset_getid");
        Ok(state.has_cpuset(id).then_some(id))
    }

    /// What poll(2) of a descriptor does before it waits. Notices descriptors that were closed since the last call,
    /// which a kernel does at once.
    pub(crate) fn poll(&self, descriptor: BorrowedFd<'_>) -> Result<(), Errno> {
        let (state, _) = self.enter("poll");
        state.descriptors.check_rights(descriptor.as_raw_fd())
    }

    /// kill(2), by a process that may signal any other. A program gets the signal; a process that is only modelled is
    /// ended by every signal but 0.
    pub(crate) fn kill(&self, pid: u32, signal: c_int) -> Result<(), Errno> {
        let (mut state, _) = self.enter("kill");
        if let Some(answer) = state.signal_program(pid, signal) {
            return answer;
        }
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

impl Kernel {
    /// kill(2) of -1, by a process in a jail: whether there was any other to signal.
    pub(crate) fn kill_all(&self, signal: c_int) -> Result<bool, Errno> {
        if !(0..=128).contains(&signal) {
            return Err(Errno(libc::EINVAL));
        }
        let this = self.process().pid();
        let mut reached = false;
        for process in self.process_table() {
            if process.pid != this && !process.is_zombie {
                reached |= self.kill(process.pid, signal).is_ok();
            }
        }
        Ok(reached)
    }
}

impl Process {
    /// Closes all directories that the process has open.
    pub(crate) fn close_directories(&self) {
        if let Some(process) = self.kernel().state().processes.get_mut(self.number()) {
            process.directories = 0;
        }
    }
}
