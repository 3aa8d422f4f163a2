//! The processors of jails and processes: cpuset_getaffinity(2) and cpuset_setaffinity(2) with `CPU_WHICH_JAIL` and
//! `CPU_WHICH_PID`, in `sys/kern/kern_cpuset.c`.

use core::ffi::c_int;
use std::collections::BTreeSet;

use crate::raw::Errno;

use super::kernel::Kernel;
use super::prison::{HOST, Key};
use super::process::Pid;
use super::state::State;

impl Kernel {
    /// Returns the processors of the jail of a jid, as `cpuset_which` finds it.
    pub(crate) fn jail_cpus(&self, jid: c_int) -> Result<BTreeSet<u32>, Errno> {
        self.begin("cpuset_getaffinity", None)?;
        let (state, pid) = self.enter("cpuset_getaffinity");
        let key = state.find_child(state.prison_of(pid), jid).ok_or(Errno(libc::ESRCH))?;
        Ok(state.prison(key).cpus.clone())
    }

    /// Sets the processors of the jail of a jid: `cpuset_modify`.
    pub(crate) fn set_jail_cpus(&self, jid: c_int, cpus: BTreeSet<u32>) -> Result<(), Errno> {
        self.begin("cpuset_setaffinity", None)?;
        let (mut state, pid) = self.enter("cpuset_setaffinity");
        if cpus.is_empty() {
            return Err(Errno(libc::EDEADLK));
        }
        let key = state.find_child(state.prison_of(pid), jid).ok_or(Errno(libc::ESRCH))?;
        let credential = state.processes.get(pid).credential;
        if !state.is_privileged(state.processes.credential(credential)) {
            return Err(Errno(libc::EPERM));
        }
        let above = state.prison(key).parent.unwrap_or(HOST);
        if !cpus.is_subset(&state.prison(above).cpus) {
            return Err(Errno(libc::EINVAL));
        }
        if !state.may_narrow(key, &cpus) {
            return Err(Errno(libc::EDEADLK));
        }
        state.narrow(key, &cpus);
        state.prison_mut(key).cpus = cpus;
        Ok(())
    }
}

impl State {
    /// Whether each jail below would keep a processor: `cpuset_testupdate`.
    fn may_narrow(&self, key: Key, cpus: &BTreeSet<u32>) -> bool {
        let keeps_some = |pid| self.mask(pid).is_none_or(|mask| !mask.is_disjoint(cpus));
        self.processes.running().filter(|pid| self.prison_of(*pid) == key).all(keeps_some)
            && self.prison(key).children.iter().all(|child| {
                let left = &self.prison(*child).cpus & cpus;
                !left.is_empty() && self.may_narrow(*child, &left)
            })
    }

    /// The processors that a process has restricted itself to, if they are fewer than those of its jail.
    fn mask(&self, pid: Pid) -> Option<&BTreeSet<u32>> {
        let mask = self.processes.get(pid).cpus.as_ref();
        mask.filter(|mask| **mask != self.prison(self.prison_of(pid)).cpus)
    }

    /// Restricts a process: `cpuset_setproc` with a mask.
    pub(super) fn set_process_cpus(&mut self, pid: Pid, cpus: BTreeSet<u32>) -> Result<(), Errno> {
        self.check_running(pid)?;
        if cpus.is_empty() {
            return Err(Errno(libc::EDEADLK));
        }
        if !cpus.is_subset(&self.prison(self.prison_of(pid)).cpus) {
            return Err(Errno(libc::EINVAL));
        }
        if let Some(process) = self.processes.get_mut(pid) {
            process.cpus = Some(cpus);
        }
        Ok(())
    }

    /// Gives a process the processors of a jail, without those that it does without: `cpuset_setproc_update_set`. When
    /// none are left, the kernel refuses it and loses a reference to the jail's cpuset.
    pub(super) fn take_cpus(&mut self, pid: Pid, key: Key) -> Result<(), Errno> {
        let left = self.mask(pid).map(|mask| mask & &self.prison(key).cpus);
        if left.as_ref().is_some_and(BTreeSet::is_empty) {
            let id = self.prison(key).cpuset;
            self.lost_cpusets.insert(id);
            return Err(Errno(libc::EDEADLK));
        }
        if let Some(process) = self.processes.get_mut(pid) {
            process.cpus = left;
        }
        Ok(())
    }

    /// Takes processors away from the jails below: `cpuset_update`.
    fn narrow(&mut self, key: Key, cpus: &BTreeSet<u32>) {
        let inside: Vec<Pid> = self.processes.running().filter(|pid| self.prison_of(*pid) == key).collect();
        for pid in inside {
            let left = self.mask(pid).map(|mask| mask & cpus);
            if let Some(process) = self.processes.get_mut(pid) {
                process.cpus = left;
            }
        }
        for child in self.prison(key).children.clone() {
            let left = &self.prison(child).cpus & cpus;
            self.narrow(child, &left);
            self.prison_mut(child).cpus = left;
        }
    }
}
