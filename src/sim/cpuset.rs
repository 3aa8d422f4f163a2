//! The processors of jails: cpuset_getaffinity(2) and cpuset_setaffinity(2) with `CPU_WHICH_JAIL`, in
//! `sys/kern/kern_cpuset.c`.

use core::ffi::c_int;
use std::collections::BTreeSet;

use crate::sys::Errno;

use super::kernel::Kernel;
use super::prison::{HOST, Key};
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
        self.prison(key).children.iter().all(|child| {
            let left = &self.prison(*child).cpus & cpus;
            !left.is_empty() && self.may_narrow(*child, &left)
        })
    }

    /// Takes processors away from the jails below: `cpuset_update`.
    fn narrow(&mut self, key: Key, cpus: &BTreeSet<u32>) {
        for child in self.prison(key).children.clone() {
            let left = &self.prison(child).cpus & cpus;
            self.narrow(child, &left);
            self.prison_mut(child).cpus = left;
        }
    }
}
