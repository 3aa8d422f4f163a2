//! The kernel as a whole: its system calls, and which threads it is installed on.

use core::cell::{Cell, RefCell};
use core::ffi::c_int;
use core::marker::PhantomData;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::sys::{Cache, Errno, Pair};

use super::calls::Calls;
use super::files::Kind;
use super::legacy::Legacy;
use super::loadable::Module;
use super::moment::{self, Moments};
use super::prison::HOST;
use super::process::{INIT, Pid};
use super::release::Release;
use super::state::State;
use super::user::Process;

/// A modelled kernel: a handle of it, of which all clones mean the same one.
///
/// A new kernel has no jails, and one process: root on the host. See the [module](super) on how to use one.
#[derive(Debug, Clone)]
pub struct Kernel(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    state: Mutex<State>,
    exec: AtomicBool,
    moments: Moments,
    /// What the crate has found out about this kernel, which it asks once.
    cache: Cache,
}

thread_local! {
    /// What is installed on this thread, the last on top.
    static INSTALLED: RefCell<Vec<Installed>> = const { RefCell::new(Vec::new()) };
    static NEXT_TOKEN: Cell<u64> = const { Cell::new(0) };
}

/// A kernel, and the process that a thread acts as.
#[derive(Debug)]
struct Installed {
    kernel: Kernel,
    pid: Pid,
    token: u64,
}

/// Keeps a [`Kernel`] installed on the thread that made it, until it is dropped.
#[derive(Debug)]
#[must_use = "the kernel is installed only as long as its guard lives"]
pub struct Guard {
    token: u64,
    /// A guard belongs to its thread.
    thread: PhantomData<*const ()>,
}

impl Drop for Guard {
    fn drop(&mut self) {
        // At a thread's end there may be no list, and nothing to take from it.
        let _ =
            INSTALLED.try_with(|installed| installed.borrow_mut().retain(|each| each.token != self.token));
    }
}

impl Default for Kernel {
    fn default() -> Self {
        Self::new()
    }
}

impl Kernel {
    /// Starts a kernel of the newest release, [`Release::FREEBSD_15_1`].
    #[must_use]
    pub fn new() -> Self {
        Self::with_release(Release::FREEBSD_15_1)
    }

    /// Starts a kernel of a release.
    #[must_use]
    pub fn with_release(release: Release) -> Self {
        let shared = Shared {
            state: Mutex::new(State::new(release)),
            exec: AtomicBool::new(false),
            moments: Moments::default(),
            cache: Cache::new(),
        };
        Self(Arc::new(shared))
    }

    /// Which release this is.
    #[must_use]
    pub fn release(&self) -> Release {
        self.state().release
    }

    /// Sends the calling thread's jail calls to this kernel until the guard is dropped.
    ///
    /// Kernels stack: the one installed last gets the calls. Other threads are not concerned.
    pub fn install(&self) -> Guard {
        self.install_as(INIT)
    }

    /// Does the same, acting as a process.
    pub(super) fn install_as(&self, pid: Pid) -> Guard {
        let token = NEXT_TOKEN.get();
        NEXT_TOKEN.set(token + 1);
        INSTALLED.with_borrow_mut(|installed| installed.push(Installed { kernel: self.clone(), pid, token }));
        Guard { token, thread: PhantomData }
    }

    /// The kernel that the calling thread's calls go to.
    pub(crate) fn current() -> Option<Self> {
        INSTALLED
            .try_with(|installed| installed.borrow().last().map(|top| top.kernel.clone()))
            .unwrap_or_default()
    }

    /// Where the crate keeps what it has found out about this kernel.
    pub(crate) fn cache(&self) -> &Cache {
        &self.0.cache
    }

    /// Whether both are handles of one kernel.
    #[must_use]
    pub fn is(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }

    /// The process that the calling thread acts as: the one it switched to last, or else the process that the
    /// kernel started with, root on the host.
    #[must_use]
    pub fn process(&self) -> Process {
        Process::new(self.clone(), self.current_pid())
    }

    pub(super) fn current_pid(&self) -> Pid {
        let find = |installed: &RefCell<Vec<Installed>>| {
            let installed = installed.borrow();
            let mine = installed.iter().rev().find(|each| each.kernel.is(self));
            mine.map_or(INIT, |each| each.pid)
        };
        // The destructor of another thread local may call when the list is gone already.
        INSTALLED.try_with(find).unwrap_or(INIT)
    }

    pub(super) fn moments(&self) -> &Moments {
        &self.0.moments
    }

    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The state at the start of a call, when the last closes of descriptors have been noticed.
    pub(super) fn enter(&self, call: &'static str) -> (MutexGuard<'_, State>, Pid) {
        let pid = self.current_pid();
        let mut state = self.state();
        state.call = "close";
        state.sweep();
        state.sweep_queues();
        state.call = call;
        (state, pid)
    }

    /// How often each system call was made.
    #[must_use]
    pub fn calls(&self) -> Calls {
        self.state().calls
    }

    /// Starts counting anew.
    pub fn reset_calls(&self) {
        self.state().calls = Calls::default();
    }

    /// Says whether what runs programs in jails may run them, unconfined, on the host.
    pub fn allow_exec(&self, allowed: bool) {
        self.0.exec.store(allowed, Ordering::Relaxed);
    }

    /// Whether programs may be run; not unless [`Self::allow_exec`] has said so.
    #[must_use]
    pub fn exec_allowed(&self) -> bool {
        self.0.exec.load(Ordering::Relaxed)
    }

    /// Forgets every path but `/`, and lets those exist that are added from now on, and no others.
    ///
    /// Before that every absolute path is a directory, but for `/nonexistent` and what is below it, which does
    /// not exist, and for the file `/etc/passwd`.
    pub fn only_paths(&self) {
        self.state().files.close();
    }

    /// Adds a directory and those that lead to it.
    pub fn add_directory(&self, path: impl AsRef<[u8]>) {
        self.state().files.add(path.as_ref(), Kind::Directory);
    }

    /// Adds a file and the directories that lead to it.
    pub fn add_file(&self, path: impl AsRef<[u8]>) {
        self.state().files.add(path.as_ref(), Kind::File);
    }

    /// Removes a path and everything below it, as a forced unmount does. A jail whose root it was can no longer be
    /// entered (T60).
    pub fn remove_path(&self, path: impl AsRef<[u8]>) {
        self.state().files.remove(path.as_ref());
    }

    /// Sets the host's own host name.
    pub fn set_hostname(&self, name: impl AsRef<[u8]>) {
        self.state().prison_mut(HOST).hostname = name.as_ref().to_vec();
    }

    /// Loads a module that adds parameters to jails: kldload(2). Only the host gets the permissions that it adds.
    ///
    /// OIDs in the sysctl tree change.
    pub fn load(&self, module: Module) {
        self.state().load(module);
    }

    /// Unloads a module: kldunload(2). Its parameters become unknown; permissions that it added stay.
    pub fn unload(&self, module: Module) {
        self.state().unload(module);
    }

    /// Sets the tunable `kern.racct.enable`: whether the kernel accounts for the resources that jails use.
    ///
    /// A real kernel reads it at boot, so set it before creating a jail.
    pub fn set_racct(&self, enabled: bool) {
        self.state().racct = enabled;
    }

    /// Sets sysctl `security.jail.meta_maxbufsize`, the most bytes of a jail's `meta` and of its `env`, each with its
    /// NUL. Texts that are longer already stay.
    pub fn set_meta_max(&self, bytes: usize) {
        self.state().meta_max = bytes;
    }

    /// jail_set(2): makes or changes a jail.
    ///
    /// # Errors
    ///
    /// Those of jail_set(2), with the kernel's text in the request's `errmsg`.
    pub fn jail_set(&self, request: &mut [Pair<'_>], flags: c_int) -> Result<c_int, Errno> {
        let _entering = self.entering_if(flags);
        let early = self.early_descriptor(flags);
        let (mut state, pid) = self.enter("jail_set");
        state.calls.jail_set += 1;
        state.early = early;
        let result = state.sys_jail_set(pid, request, flags);
        state.drop_early();
        let unbound = state.unbound.take();
        drop(state);
        if let Some(unbound) = unbound {
            self.bind(&unbound);
        }
        result
    }

    /// jail_get(2): reads a jail's parameters.
    ///
    /// # Errors
    ///
    /// Those of jail_get(2), with the kernel's text in the request's `errmsg`.
    ///
    /// # Panics
    ///
    /// If the request has a parameter named exactly `meta.` or `env.`, on releases that have these: it would hang
    /// the kernel, which [`sprung`](Self::sprung) says, too.
    pub fn jail_get(&self, request: &mut [Pair<'_>], flags: c_int) -> Result<c_int, Errno> {
        self.looked_up("jail_get", moment::number_used(request, flags));
        let (mut state, pid) = self.enter("jail_get");
        state.calls.jail_get += 1;
        if state.release.meta {
            state.refuse_to_hang(request);
        }
        state.sys_jail_get(pid, request, flags)
    }

    /// jail_attach(2): moves the process into a jail.
    ///
    /// # Errors
    ///
    /// Those of jail_attach(2).
    pub fn jail_attach(&self, jid: c_int) -> Result<(), Errno> {
        let _entering = self.entering("jail_attach");
        let (mut state, pid) = self.enter("jail_attach");
        state.calls.jail_attach += 1;
        state.sys_jail_attach(pid, jid)
    }

    /// jail_remove(2): removes a jail and those below it, and kills their processes.
    ///
    /// # Errors
    ///
    /// Those of jail_remove(2).
    pub fn jail_remove(&self, jid: c_int) -> Result<(), Errno> {
        let (mut state, pid) = self.enter("jail_remove");
        state.calls.jail_remove += 1;
        state.sys_jail_remove(pid, jid)
    }

    /// `jail_attach_jd`: moves the process into a descriptor's jail.
    ///
    /// # Errors
    ///
    /// `EBADF`, `EINVAL` for what is no jail descriptor, `ENOENT` for a dead jail, `EPERM`; `ENOSYS` where the
    /// release has no descriptors, which on a real kernel kills the process.
    pub fn jail_attach_jd(&self, fd: c_int) -> Result<(), Errno> {
        self.looked_up("jail_attach_jd", Some(fd));
        let _entering = self.entering("jail_attach_jd");
        let (mut state, pid) = self.enter("jail_attach_jd");
        state.calls.jail_attach_jd += 1;
        state.check_has_descriptors()?;
        state.sys_jail_attach_jd(pid, fd)
    }

    /// `jail_remove_jd`: removes a descriptor's jail.
    ///
    /// # Errors
    ///
    /// As [`Self::jail_attach_jd`].
    pub fn jail_remove_jd(&self, fd: c_int) -> Result<(), Errno> {
        let (mut state, pid) = self.enter("jail_remove_jd");
        state.calls.jail_remove_jd += 1;
        state.check_has_descriptors()?;
        state.sys_jail_remove_jd(pid, fd)
    }

    /// jail(2): makes a jail and moves the process into it.
    ///
    /// # Errors
    ///
    /// Those of jail(2).
    pub fn jail(&self, jail: &Legacy<'_>) -> Result<c_int, Errno> {
        let _entering = self.entering("jail");
        let (mut state, pid) = self.enter("jail");
        state.calls.jail += 1;
        state.sys_jail(pid, jail)
    }

    /// fstat(2) of a jail descriptor: its mode and inode, or `None` if it is none of this kernel's and the host
    /// is to be asked.
    ///
    /// Of a live jail the mode is `0o100700` and the inode the jid, of a dead one `0o100000` and 0.
    #[must_use]
    pub fn fstat(&self, fd: c_int) -> Option<Result<(u32, u64), Errno>> {
        let (mut state, _) = self.enter("fstat");
        let answer = state.stat_descriptor(fd)?;
        state.calls.fstat += 1;
        Some(answer)
    }

    /// sysctl(3) by number: reads into `old` and returns the value's length, or only that if there is no `old`.
    ///
    /// The tree has `security.jail`, the parameters among it, and those names of `kern` that a jail has of its own;
    /// numbers `[0, 1]` to `[0, 5]` ask about names, the next number, the number of the name in `new`, formats and
    /// descriptions. No value can be set.
    ///
    /// # Errors
    ///
    /// `ENOENT` for what there is not, `EISDIR` for a node, `ENOMEM` if `old` is too small and was filled as far as
    /// it goes, `EPERM` for a value to be set.
    pub fn sysctl(&self, mib: &[c_int], old: Option<&mut [u8]>, new: Option<&[u8]>) -> Result<usize, Errno> {
        let (mut state, pid) = self.enter("sysctl");
        state.calls.sysctl += 1;
        state.sys_sysctl(pid, mib, old, new)
    }
}
