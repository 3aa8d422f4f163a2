//! The kernel, and the threads on which it is installed.

use core::any::Any;
use core::cell::{Cell, RefCell};
use core::fmt::Debug;
use core::marker::PhantomData;
use core::panic::{RefUnwindSafe, UnwindSafe};
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, RwLock, Weak};

use super::calls::Calls;
use super::files::Kind;
use super::loadable::Module;
use super::moment::Moments;
use super::prison::HOST;
use super::process::{INIT, Pid};
use super::release::Release;
use super::state::State;
use super::user::Process;

/// A handle of a modelled kernel. Clones refer to the same kernel.
///
/// A new kernel has no jails, and one process: root on the host. See the [module](super) for how to use it.
#[derive(Debug, Clone)]
pub struct Kernel(Arc<Shared>);

/// A weak handle of a kernel.
#[derive(Debug, Clone)]
pub(super) struct WeakKernel(Weak<Shared>);

impl WeakKernel {
    pub(super) fn upgrade(&self) -> Option<Kernel> {
        self.0.upgrade().map(Kernel)
    }
}

/// What a user of a kernel may keep with it.
pub trait Companion: Any + Debug + Send + Sync + UnwindSafe + RefUnwindSafe {
    /// Returns it with its type to be found out: Rust 1.85 does not convert the trait objects.
    fn as_any(&self) -> &dyn Any;
}
impl<T: Any + Debug + Send + Sync + UnwindSafe + RefUnwindSafe> Companion for T {
    fn as_any(&self) -> &dyn Any {
        self
    }
}

#[derive(Debug)]
struct Shared {
    state: Mutex<State>,
    exec: AtomicBool,
    moments: Moments,
    /// What its user keeps with it.
    companion: OnceLock<Box<dyn Companion>>,
    /// The pid of the process in which it was started.
    home: u32,
    /// Whether forked processes may use their copies.
    copies: AtomicBool,
}

thread_local! {
    /// The kernels installed on this thread, the last on top.
    static INSTALLED: RefCell<Vec<Installed>> = const { RefCell::new(Vec::new()) };
    static NEXT_TOKEN: Cell<u64> = const { Cell::new(0) };
}

/// The kernels installed for threads without one of their own, the last on top.
static EVERYWHERE: RwLock<Vec<(u64, Kernel)>> = RwLock::new(Vec::new());
/// How many those are, so that a process without any takes no lock.
static COUNT: AtomicUsize = AtomicUsize::new(0);

/// Whether a copy of a kernel has been refused to this process, which was forked from the kernel's.
static STRANDED: AtomicBool = AtomicBool::new(false);

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
        // At the end of a thread the list may be gone.
        let _ =
            INSTALLED.try_with(|installed| installed.borrow_mut().retain(|each| each.token != self.token));
    }
}

/// Keeps a [`Kernel`] installed for the whole process, until it is dropped on any thread.
#[derive(Debug)]
#[must_use = "the kernel is installed only as long as its guard lives"]
pub struct ProcessGuard {
    token: u64,
}

impl Drop for ProcessGuard {
    fn drop(&mut self) {
        let mut everywhere = EVERYWHERE.write().unwrap_or_else(PoisonError::into_inner);
        everywhere.retain(|(token, _)| *token != self.token);
        COUNT.store(everywhere.len(), Ordering::Release);
    }
}

impl Default for Kernel {
    fn default() -> Self {
        Self::new()
    }
}

impl Kernel {
    /// Starts a kernel of the newest release, [`Release::FREEBSD_15_1`].
    ///
    /// It has mac_do(4) loaded, so that an update carries the jail's rules and takes two calls. A test that counts
    /// [calls](Self::calls) may [unload](Self::unload) [`Module::MacDo`](super::Module::MacDo) first.
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
            companion: OnceLock::new(),
            home: std::process::id(),
            copies: AtomicBool::new(false),
        };
        Self(Arc::new(shared))
    }

    /// Returns the release.
    #[must_use]
    pub fn release(&self) -> Release {
        self.state().release
    }

    /// Sends the calling thread's jail calls to this kernel until the guard is dropped.
    ///
    /// Kernels stack: the one installed last gets the calls. For other threads see
    /// [`install_for_process`](Self::install_for_process).
    pub fn install(&self) -> Guard {
        self.install_as(INIT)
    }

    /// Sends the jail calls of all threads of this process to this kernel until the guard is dropped, including those
    /// of thread pools and of threads that are started later.
    ///
    /// A thread's own [installation](Self::install) comes before it. Tests that run side by side in one process would
    /// share the kernel: install it for the thread there.
    ///
    /// ```
    /// use freebsd_jail::{Jail, sim};
    ///
    /// let _guard = sim::Kernel::new().install_for_process();
    /// let worker = std::thread::spawn(|| Jail::builder().name("www").path("/").create_detached());
    /// worker.join().unwrap()?;
    /// assert!(Jail::open("www").is_ok());
    /// # Ok::<_, freebsd_jail::Error>(())
    /// ```
    pub fn install_for_process(&self) -> ProcessGuard {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let token = NEXT.fetch_add(1, Ordering::Relaxed);
        let mut everywhere = EVERYWHERE.write().unwrap_or_else(PoisonError::into_inner);
        everywhere.push((token, self.clone()));
        COUNT.store(everywhere.len(), Ordering::Release);
        ProcessGuard { token }
    }

    /// Does the same for the calling thread, acting as a process.
    pub(super) fn install_as(&self, pid: Pid) -> Guard {
        let token = NEXT_TOKEN.get();
        NEXT_TOKEN.set(token + 1);
        INSTALLED.with_borrow_mut(|installed| installed.push(Installed { kernel: self.clone(), pid, token }));
        Guard { token, thread: PhantomData }
    }

    /// Returns the kernel that gets the calling thread's calls.
    pub(crate) fn current() -> Option<Self> {
        let own = INSTALLED.try_with(|installed| installed.borrow().last().map(|top| top.kernel.clone()));
        if let Some(kernel) = own.unwrap_or_default() {
            return Some(kernel);
        }
        if COUNT.load(Ordering::Acquire) == 0 {
            return None;
        }
        let everywhere = EVERYWHERE.read().unwrap_or_else(PoisonError::into_inner);
        everywhere.last().map(|(_, kernel)| kernel.clone())
    }

    /// Returns what its user keeps with it, made on first use; `None` if that is a value of another type.
    pub(crate) fn companion<T: Companion>(&self, make: impl FnOnce() -> T) -> Option<&T> {
        let companion = &**self.0.companion.get_or_init(|| Box::new(make()));
        companion.as_any().downcast_ref()
    }

    /// Whether both are handles of one kernel.
    #[must_use]
    pub fn is(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }

    /// Returns the process that the calling thread acts as: the one it switched to last, or else the first process,
    /// root on the host.
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
        // The destructor of another thread local may call this after the list is gone.
        INSTALLED.try_with(find).unwrap_or(INIT)
    }

    /// Returns a weak handle.
    pub(super) fn downgrade(&self) -> WeakKernel {
        WeakKernel(Arc::downgrade(&self.0))
    }

    pub(super) fn moments(&self) -> &Moments {
        &self.0.moments
    }

    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns the state at the start of a call, after the last closes of descriptors have been noticed.
    pub(super) fn enter(&self, call: &'static str) -> (MutexGuard<'_, State>, Pid) {
        let pid = self.current_pid();
        let mut state = self.state();
        state.call = "close";
        state.sweep_programs();
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

    /// Resets the counts.
    pub fn reset_calls(&self) {
        self.state().calls = Calls::default();
    }

    /// Permits programs in jails to run on the host, unconfined. Not permitted by default.
    pub fn allow_exec(&self, allowed: bool) {
        self.0.exec.store(allowed, Ordering::Relaxed);
    }

    /// Whether programs may run, see [`Self::allow_exec`].
    #[must_use]
    pub fn exec_allowed(&self) -> bool {
        self.0.exec.load(Ordering::Relaxed)
    }

    /// Permits real children of this process, made by [fork(2)], to use their copies of the kernel.
    ///
    /// Otherwise each call in a child fails with `ErrorKind::Unsupported`. A copy has
    /// the state at the time of the fork, and neither process sees later changes of the other.
    ///
    /// [fork(2)]: https://man.freebsd.org/cgi/man.cgi?query=fork&sektion=2
    pub fn allow_copies(&self, allowed: bool) {
        self.0.copies.store(allowed, Ordering::Relaxed);
    }

    /// Whether this is the process in which the kernel was started, or one that may use its copy.
    pub(crate) fn may_be_used_here(&self) -> bool {
        let usable = self.0.home == std::process::id() || self.0.copies.load(Ordering::Relaxed);
        if !usable {
            STRANDED.store(true, Ordering::Relaxed);
        }
        usable
    }

    /// Whether this process was refused its copy of a kernel.
    pub(crate) fn is_stranded() -> bool {
        STRANDED.load(Ordering::Relaxed)
    }

    /// Removes every path but `/`: from then on only added paths exist.
    ///
    /// Before that, every absolute path is a directory, except `/nonexistent` with everything below it, which does not
    /// exist, and the file `/etc/passwd`.
    pub fn only_paths(&self) {
        self.state().files.close();
    }

    /// Adds a directory and its parents.
    pub fn add_directory(&self, path: impl AsRef<Path>) {
        self.state().files.add(bytes(path.as_ref()), Kind::Directory);
    }

    /// Adds a file and its parent directories.
    pub fn add_file(&self, path: impl AsRef<Path>) {
        self.state().files.add(bytes(path.as_ref()), Kind::File);
    }

    /// Removes a path and everything below it, as a forced unmount does. Processes can no longer attach to a jail whose
    /// root it was (T60).
    pub fn remove_path(&self, path: impl AsRef<Path>) {
        self.state().files.remove(bytes(path.as_ref()));
    }

    /// Sets the host's own host name.
    pub fn set_hostname(&self, name: impl AsRef<OsStr>) {
        self.state().prison_mut(HOST).hostname = name.as_ref().as_bytes().to_vec();
    }

    /// Loads a module that adds parameters to jails: [kldload(2)]. Only the host gets the permissions that it adds.
    ///
    /// OIDs in the sysctl tree change.
    ///
    /// [kldload(2)]: https://man.freebsd.org/cgi/man.cgi?query=kldload&sektion=2
    pub fn load(&self, module: Module) {
        self.state().load(module);
    }

    /// Unloads a module: [kldunload(2)]. Its parameters become unknown; permissions that it added stay.
    ///
    /// [kldunload(2)]: https://man.freebsd.org/cgi/man.cgi?query=kldunload&sektion=2
    pub fn unload(&self, module: Module) {
        self.state().unload(module);
    }

    /// Sets the tunable `kern.racct.enable`: whether the kernel accounts for the resources that jails use.
    ///
    /// A real kernel reads it at boot, so set it before creating a jail.
    pub fn set_racct(&self, enabled: bool) {
        self.state().racct = enabled;
    }

    /// Sets sysctl `security.jail.meta_maxbufsize`, the maximum length of a jail's `meta` and of its `env`, including
    /// NUL. Longer existing texts stay.
    pub fn set_meta_max(&self, bytes: usize) {
        self.state().meta_max = bytes;
    }
}

fn bytes(path: &Path) -> &[u8] {
    path.as_os_str().as_bytes()
}
