//! Attaching to and removing jails: jail_attach(2), jail_remove(2) and the calls by descriptor.

use core::ffi::c_int;

use crate::kevent::NOTE_JAIL_ATTACH;
use crate::raw::Errno;

use super::files::Kind;
use super::flags::{LetGo, PrisonFlags};
use super::prison::{HOST, Key};
use super::process::Pid;
use super::state::State;

impl State {
    /// jail_attach(2).
    pub(super) fn sys_jail_attach(&mut self, pid: Pid, jid: c_int) -> Result<(), Errno> {
        self.check_may_call(pid)?;
        self.check_privilege(pid)?;
        match self.find_child(self.prison_of(pid), jid) {
            Some(key) if self.prison(key).is_alive() => self.do_jail_attach(pid, key),
            _ => Err(Errno(libc::EINVAL)),
        }
    }

    /// `jail_attach_jd`.
    pub(super) fn sys_jail_attach_jd(&mut self, pid: Pid, number: c_int) -> Result<(), Errno> {
        self.check_may_call(pid)?;
        let (key, maker) = self.find_descriptor(number)?;
        if !self.is_privileged(self.processes.credential(maker)) {
            return Err(Errno(libc::EPERM));
        }
        if !self.prison(key).is_alive() {
            return Err(Errno(libc::EINVAL));
        }
        // T17: the reference from the look-up is lost here, whether the attach succeeds or not.
        self.hold(key);
        self.do_jail_attach(pid, key)
    }

    /// jail_remove(2).
    pub(super) fn sys_jail_remove(&mut self, pid: Pid, jid: c_int) -> Result<(), Errno> {
        self.check_may_call(pid)?;
        self.check_privilege(pid)?;
        let key = self.find_child(self.prison_of(pid), jid).ok_or(Errno(libc::EINVAL))?;
        self.remove(key);
        Ok(())
    }

    /// `jail_remove_jd`.
    pub(super) fn sys_jail_remove_jd(&mut self, pid: Pid, number: c_int) -> Result<(), Errno> {
        self.check_may_call(pid)?;
        let (key, maker) = self.find_descriptor(number)?;
        if !self.is_privileged(self.processes.credential(maker)) {
            return Err(Errno(libc::EPERM));
        }
        self.remove(key);
        Ok(())
    }

    /// Refuses the calls by descriptor on releases without descriptors.
    pub(super) fn check_has_descriptors(&self) -> Result<(), Errno> {
        if self.release.descriptors { Ok(()) } else { Err(Errno(libc::ENOSYS)) }
    }

    /// Removes a jail, the jails below it and their processes. A dying jail stays as it is.
    fn remove(&mut self, key: Key) {
        if self.prison(key).is_alive() {
            self.hold(key);
            self.let_go(key, LetGo::KILL | LetGo::DEREF);
        }
    }

    /// Moves a process into a jail: `do_jail_attach`.
    pub(super) fn do_jail_attach(&mut self, pid: Pid, key: Key) -> Result<(), Errno> {
        self.hold(key);
        self.proc_hold(key);
        if self.release.checks_fib && !self.has_fib(pid, key) {
            self.let_go(key, LetGo::DEREF | LetGo::DEUREF);
            return Err(Errno(libc::EINVAL));
        }
        if let Err(errno) = self.take_cpus(pid, key) {
            self.let_go(key, LetGo::DEREF | LetGo::DEUREF);
            return Err(errno);
        }
        if self.files.kind(&self.prison(key).root) != Some(Kind::Directory) {
            // The root's file system has been unmounted by force (`change_dir`).
            self.let_go(key, LetGo::DEREF | LetGo::DEUREF);
            return Err(Errno(libc::ENOTDIR));
        }
        if self.processes.get(pid).directories > 0 {
            // An open directory would be a way out of the jail (`chroot_refuse_vdir_fds`).
            self.let_go(key, LetGo::DEREF | LetGo::DEUREF);
            return Err(Errno(libc::EPERM));
        }
        self.move_process(pid, key);
        self.knote(key, NOTE_JAIL_ATTACH, pid);
        Ok(())
    }

    /// Whether a jail's network stack has the process's routing table: `rtables_check_proc_fib`. This is not checked if
    /// the process keeps its network stack.
    fn has_fib(&self, pid: Pid, key: Key) -> bool {
        let stack = self.stack_of(key);
        stack == HOST || stack == self.stack_of(self.prison_of(pid)) || self.processes.get(pid).fib == 0
    }

    /// Returns the jail whose network stack a jail uses.
    pub(super) fn stack_of(&self, key: Key) -> Key {
        let above = self.self_and_ancestors(key);
        above.into_iter().find(|each| self.prison(*each).flags.contains(PrisonFlags::VNET)).unwrap_or(HOST)
    }
}
