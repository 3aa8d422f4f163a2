//! Programs of the host that run in modelled jails, and the modelled processes that stand for them.
//!
//! The model checks the host's own children with waitid(2), without reaping them: that is left to their starter.

use core::ffi::c_int;

use crate::sys::{ChildState, Errno, NOTE_JAIL_ATTACH, child_state, signal_child};

use super::process::Pid;
use super::state::State;
use super::user::Process;

/// A modelled process that has attached to a jail for a program that is about to start. Dropping it before that ends
/// it.
#[derive(Debug)]
pub(crate) struct Inmate {
    process: Process,
    started: bool,
}

impl Inmate {
    /// Makes a modelled process in the jail stand for a program.
    pub(crate) fn new(process: Process) -> Self {
        Self { process, started: false }
    }

    /// Records that the program has been started, as a child of this process. If the jail has been removed meanwhile,
    /// kills the program, as the kernel would kill the child.
    pub(crate) fn started(&mut self, program: u32) {
        self.started = true;
        let pid = self.process.number();
        let mut state = self.process.kernel().state();
        state.tell_pid_of_program(pid, program);
        let Some(process) = state.processes.get_mut(pid) else { return };
        process.program = Some(program);
        if process.ended {
            let _ = signal_child(program, libc::SIGKILL);
        }
    }
}

impl Drop for Inmate {
    fn drop(&mut self) {
        if !self.started {
            self.process.exit();
        }
    }
}

impl State {
    /// Updates which programs have ended, and which of them have been waited for.
    pub(super) fn sweep_programs(&mut self) {
        for (pid, program) in self.processes.programs() {
            match child_state(program) {
                ChildState::Running => {}
                ChildState::Zombie => self.end(pid),
                ChildState::Gone => {
                    if let Some(process) = self.processes.get_mut(pid) {
                        process.program = None;
                    }
                    self.end(pid);
                    self.reap(pid);
                }
            }
        }
    }

    /// Sends a signal to the program of a pid; `None` if the pid is no program's.
    pub(super) fn signal_program(&self, program: u32, signal: c_int) -> Option<Result<(), Errno>> {
        let known = self.processes.programs().into_iter().any(|(_, each)| each == program);
        known.then(|| signal_child(program, signal))
    }

    /// Replaces the modelled process's pid in events by the program's, because it attached before the program was
    /// started.
    fn tell_pid_of_program(&mut self, pid: Pid, program: u32) {
        self.replace_data(NOTE_JAIL_ATTACH, pid.into(), program.into());
    }
}
