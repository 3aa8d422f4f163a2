//! Processes and their credentials.

use core::ffi::c_int;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::descriptor::DescriptorId;
use super::errno::{ECAPMODE, Errno};
use super::files::Kind;
use super::host::signal_child;
use super::prison::{HOST, Key};
use super::program::Register;
use super::state::State;

/// A process's number.
pub(super) type Pid = c_int;

/// The process that a kernel starts with.
pub(super) const INIT: Pid = 100;

/// The id of a credential.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct CredentialId(u64);

/// A credential: `struct ucred`. It holds its prison.
#[derive(Debug, Clone, Copy)]
pub(super) struct Credential {
    pub(super) uid: u32,
    pub(super) prison: Key,
    refs: u64,
}

/// A process.
#[derive(Debug, Clone)]
pub(super) struct ProcessState {
    /// The process that forked it.
    pub(super) parent: Pid,
    pub(super) credential: CredentialId,
    /// Its root directory, as the host names it.
    pub(super) root: Vec<u8>,
    /// Its working directory, as the host names it.
    pub(super) cwd: Vec<u8>,
    /// How many open descriptors of directories it has.
    pub(super) directories: u32,
    /// Its routing table.
    pub(super) fib: u32,
    /// The processors that it has restricted itself to, `None` for all that its jail may use.
    pub(super) cpus: Option<BTreeSet<u32>>,
    /// Whether it is in capability mode.
    pub(super) capability_mode: bool,
    /// Whether it has ended. It keeps its credential until it is waited for.
    pub(super) ended: bool,
    /// The descriptors that it made.
    pub(super) made: Vec<DescriptorId>,
    /// The program of the host that it stands for, by its pid, until somebody has waited for that.
    pub(super) program: Option<u32>,
}

/// All processes and credentials.
#[derive(Debug)]
pub(super) struct Processes {
    credentials: BTreeMap<CredentialId, Credential>,
    next_credential: u64,
    by_pid: BTreeMap<Pid, ProcessState>,
    next_pid: Pid,
    /// Where programs that other code starts in a jail sign in, with the jail and their parent.
    pub(super) registers: Vec<(Arc<dyn Register>, Key, Pid)>,
    /// A process that does not exist is treated as an ended one.
    nobody: ProcessState,
}

impl Processes {
    /// One process, root on the host.
    pub(super) fn new() -> Self {
        let credential = CredentialId(0);
        let init = ProcessState {
            parent: 0,
            credential,
            root: b"/".to_vec(),
            cwd: b"/".to_vec(),
            directories: 0,
            fib: 0,
            cpus: None,
            capability_mode: false,
            ended: false,
            made: Vec::new(),
            program: None,
        };
        Self {
            // An extra reference keeps this one for ever.
            credentials: BTreeMap::from([(credential, Credential { uid: 0, prison: HOST, refs: 2 })]),
            next_credential: 1,
            nobody: ProcessState { ended: true, ..init.clone() },
            by_pid: BTreeMap::from([(INIT, init)]),
            next_pid: INIT + 1,
            registers: Vec::new(),
        }
    }

    /// A process; an ended one if there is none of this number.
    pub(super) fn get(&self, pid: Pid) -> &ProcessState {
        self.by_pid.get(&pid).unwrap_or(&self.nobody)
    }

    /// A process, mutable.
    pub(super) fn get_mut(&mut self, pid: Pid) -> Option<&mut ProcessState> {
        self.by_pid.get_mut(&pid)
    }

    /// Those that have not ended.
    pub(super) fn running(&self) -> impl Iterator<Item = Pid> {
        self.by_pid.iter().filter(|(_, process)| !process.ended).map(|(pid, _)| *pid)
    }

    /// All of them, including zombies.
    pub(super) fn all(&self) -> impl Iterator<Item = (Pid, &ProcessState)> {
        self.by_pid.iter().map(|(pid, process)| (*pid, process))
    }

    /// The processes that stand for programs, with the programs' pids.
    pub(super) fn programs(&self) -> Vec<(Pid, u32)> {
        self.by_pid.iter().filter_map(|(pid, process)| Some((*pid, process.program?))).collect()
    }

    /// A credential.
    pub(super) fn credential(&self, id: CredentialId) -> Credential {
        let nobody = Credential { uid: u32::MAX, prison: HOST, refs: 0 };
        self.credentials.get(&id).copied().unwrap_or(nobody)
    }

    /// How many credentials and how many running processes hold a prison.
    #[cfg(test)]
    pub(super) fn holding(&self, key: Key) -> (i64, i64) {
        let here = |id: &CredentialId| self.credential(*id).prison == key;
        let running = self.by_pid.values().filter(|process| !process.ended && here(&process.credential));
        let credentials = self.credentials.values().filter(|credential| credential.prison == key);
        (i64::try_from(credentials.count()).unwrap_or(0), i64::try_from(running.count()).unwrap_or(0))
    }

    /// A process's credential.
    pub(super) fn credential_of(&self, pid: Pid) -> Credential {
        self.credential(self.get(pid).credential)
    }
}

impl State {
    /// The prison of a process.
    pub(super) fn prison_of(&self, pid: Pid) -> Key {
        self.processes.credential_of(pid).prison
    }

    /// Whether a credential has the privileges for jail calls: uid 0, unless its jail has `allow.nosuser`. Root inside
    /// a jail has them too (`priv_check_cred`, `prison_priv_check`).
    pub(super) fn is_privileged(&self, credential: Credential) -> bool {
        let allowed = self.prison(credential.prison).allow;
        credential.uid == 0 && !allowed.and(self.permissions.suser).is_empty()
    }

    /// Refuses a process without privilege.
    pub(super) fn check_privilege(&self, pid: Pid) -> Result<(), Errno> {
        if self.is_privileged(self.processes.credential_of(pid)) { Ok(()) } else { Err(Errno(libc::EPERM)) }
    }

    /// Refuses a process that has ended.
    pub(super) fn check_running(&self, pid: Pid) -> Result<(), Errno> {
        if self.processes.get(pid).ended { Err(Errno(libc::ESRCH)) } else { Ok(()) }
    }

    /// Refuses a process in capability mode, too, in which jail calls are not permitted (T55).
    pub(super) fn check_may_call(&self, pid: Pid) -> Result<(), Errno> {
        self.check_running(pid)?;
        if self.processes.get(pid).capability_mode { Err(Errno(ECAPMODE)) } else { Ok(()) }
    }

    /// Makes a credential, which takes over the caller's reference to the prison.
    fn new_credential(&mut self, uid: u32, prison: Key) -> CredentialId {
        let id = CredentialId(self.processes.next_credential);
        self.processes.next_credential += 1;
        self.processes.credentials.insert(id, Credential { uid, prison, refs: 1 });
        id
    }

    /// Takes a reference of a credential: `crhold`.
    pub(super) fn hold_credential(&mut self, id: CredentialId) {
        if let Some(credential) = self.processes.credentials.get_mut(&id) {
            credential.refs += 1;
        }
    }

    /// Drops a reference of a credential, and of its prison with the last: `crfree`.
    pub(super) fn free_credential(&mut self, id: CredentialId) {
        let Some(credential) = self.processes.credentials.get_mut(&id) else {
            return;
        };
        credential.refs = credential.refs.saturating_sub(1);
        if credential.refs == 0 {
            let prison = credential.prison;
            self.processes.credentials.remove(&id);
            self.free(prison);
        }
    }

    /// Sets a process's credential. Returns the old one with its reference.
    fn replace_credential(&mut self, pid: Pid, id: CredentialId) -> Option<CredentialId> {
        let process = self.processes.get_mut(pid)?;
        Some(core::mem::replace(&mut process.credential, id))
    }

    /// Makes a child process: fork(2).
    pub(super) fn fork(&mut self, pid: Pid) -> Pid {
        let parent = self.processes.get(pid);
        let child = ProcessState { parent: pid, made: Vec::new(), program: None, ..parent.clone() };
        let child_pid = self.processes.next_pid;
        self.processes.next_pid += 1;
        self.hold_credential(child.credential);
        if !child.ended {
            let prison = self.processes.credential(child.credential).prison;
            self.proc_hold(prison);
        }
        self.processes.by_pid.insert(child_pid, child);
        child_pid
    }

    /// Changes a process's user: setuid(2) by root.
    pub(super) fn setuid(&mut self, pid: Pid, uid: u32) -> Result<(), Errno> {
        self.check_running(pid)?;
        let old = self.processes.credential_of(pid);
        if old.uid != uid && !self.is_privileged(old) {
            return Err(Errno(libc::EPERM));
        }
        self.hold(old.prison);
        let new = self.new_credential(uid, old.prison);
        if let Some(old) = self.replace_credential(pid, new) {
            self.free_credential(old);
        }
        Ok(())
    }

    /// Moves a process into a jail, which takes over a reference and a user reference of the caller: the end of
    /// `do_jail_attach`.
    pub(super) fn move_process(&mut self, pid: Pid, key: Key) {
        let old = self.processes.credential_of(pid);
        let new = self.new_credential(old.uid, key);
        let root = self.prison(key).root.clone();
        if let Some(process) = self.processes.get_mut(pid) {
            process.root.clone_from(&root);
            process.cwd = root;
        }
        if let Some(id) = self.replace_credential(pid, new) {
            self.proc_free(old.prison);
            self.free_credential(id);
        }
    }

    /// Ends a process: closes its descriptors and removes it from its jail. Its credential, and so a reference to the
    /// jail, stays until [`Self::reap`].
    pub(super) fn end(&mut self, pid: Pid) {
        let Some(process) = self.processes.get_mut(pid).filter(|process| !process.ended) else {
            return;
        };
        process.ended = true;
        process.directories = 0;
        if let Some(program) = process.program {
            // A process that has ended already is not affected.
            let _ = signal_child(program, libc::SIGKILL);
        }
        let made = core::mem::take(&mut process.made);
        for descriptor in made {
            self.abandon_descriptor(descriptor);
        }
        let prison = self.prison_of(pid);
        self.proc_free(prison);
    }

    /// Sets a process's working directory: chdir(2).
    pub(super) fn chdir(&mut self, pid: Pid, path: &[u8]) -> Result<(), Errno> {
        self.check_running(pid)?;
        let process = self.processes.get(pid);
        let (path, kind) = self.files.look_up(&process.root, &process.cwd, path)?;
        if kind != Kind::Directory {
            return Err(Errno(libc::ENOTDIR));
        }
        if let Some(process) = self.processes.get_mut(pid) {
            process.cwd = path;
        }
        Ok(())
    }

    /// Records that a process has opened a directory.
    pub(super) fn open_directory(&mut self, pid: Pid) {
        if let Some(process) = self.processes.get_mut(pid).filter(|process| !process.ended) {
            process.directories += 1;
        }
    }

    /// Records that a process has closed a directory.
    pub(super) fn close_directory(&mut self, pid: Pid) {
        if let Some(process) = self.processes.get_mut(pid) {
            process.directories = process.directories.saturating_sub(1);
        }
    }

    /// Removes a zombie: wait(2).
    pub(super) fn reap(&mut self, pid: Pid) {
        if pid == INIT || !self.processes.get(pid).ended {
            return;
        }
        if let Some(process) = self.processes.by_pid.remove(&pid) {
            self.free_credential(process.credential);
        }
    }

    /// The running processes of a jail and of those below it: `prison_proc_iterate`.
    fn processes_of(&self, key: Key) -> impl Iterator<Item = Pid> {
        let inside = move |pid: &Pid| self.self_and_ancestors(self.prison_of(*pid)).contains(&key);
        self.processes.running().filter(inside)
    }

    /// Whether a process runs in a jail or in one below it.
    pub(super) fn has_processes(&self, key: Key) -> bool {
        self.processes_of(key).next().is_some()
    }

    /// Ends the processes of a jail and of those below it.
    pub(super) fn kill_processes(&mut self, key: Key) {
        let doomed: Vec<Pid> = self.processes_of(key).collect();
        for pid in doomed {
            self.end(pid);
        }
    }
}
