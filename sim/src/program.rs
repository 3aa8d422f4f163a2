//! Programs of the host that run in modelled jails, and the modelled processes that stand for them.
//!
//! The model checks the host's own children with waitid(2), without reaping them: that is left to their starter.

use core::ffi::c_int;
use core::fmt::Debug;
use std::sync::Arc;

use super::errno::Errno;
use super::host::{ChildState, child_state, signal_child};
use super::kevent::NOTE_JAIL_ATTACH;
use super::prison::Key;
use super::process::Pid;
use super::state::State;
use super::user::Process;

/// Where programs sign in that other code starts in a jail.
pub trait Register: Debug + Send + Sync {
    /// Takes the pids of those that have signed in since the last time.
    fn take_pids(&self) -> Vec<u32>;
}

/// A modelled process that has attached to a jail for a program that is about to start. Dropping it before that ends
/// it.
#[derive(Debug)]
pub struct Inmate {
    process: Process,
    started: bool,
}

impl Inmate {
    /// Makes a modelled process in the jail stand for a program.
    #[must_use]
    pub fn new(process: Process) -> Self {
        Self { process, started: false }
    }

    /// Leaves the jail again. The programs that other code starts in its place sign in at `register`, as long as somebody
    /// else has it too.
    pub fn leave_to(self, register: Arc<dyn Register>) {
        let mut state = self.process.kernel().state();
        let pid = self.process.number();
        let (jail, parent) = (state.prison_of(pid), state.processes.get(pid).parent);
        state.processes.registers.push((register, jail, parent));
    }

    /// Records that the program has been started, as a child of this process. If the jail has been removed meanwhile,
    /// kills the program, as the kernel would kill the child.
    pub fn started(&mut self, program: u32) {
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
    /// Attaches the programs that have signed in since the last call.
    fn attach_programs(&mut self) {
        if self.processes.registers.is_empty() {
            return;
        }
        for (register, jail, parent) in self.processes.registers.clone() {
            for program in register.take_pids() {
                self.attach_program(program, jail, parent);
            }
        }
        // The others are gone with their commands.
        self.processes.registers.retain(|(register, ..)| Arc::strong_count(register) > 1);
    }

    fn attach_program(&mut self, program: u32, jail: Key, parent: Pid) {
        // One that is gone is answered with the host.
        if self.prison(jail).id == 0 || !self.prison(jail).is_alive() {
            // The kernel would not have let it in.
            let _ = signal_child(program, libc::SIGKILL);
            return;
        }
        let pid = self.fork(parent);
        if let Some(process) = self.processes.get_mut(pid) {
            process.directories = 0;
        }
        match self.do_jail_attach(pid, jail) {
            Ok(()) => {
                self.tell_pid_of_program(pid, program);
                if let Some(process) = self.processes.get_mut(pid) {
                    process.program = Some(program);
                }
            }
            Err(_) => {
                self.end(pid);
                self.reap(pid);
                let _ = signal_child(program, libc::SIGKILL);
            }
        }
    }

    /// Updates which programs have ended, and which of them have been waited for.
    pub(super) fn sweep_programs(&mut self) {
        self.attach_programs();
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
