//! Shared by the tests: their kernel, and unique names.
//!
//! On FreeBSD, as root, this is the host's kernel, elsewhere a model of it. Only this file knows which.

#![allow(dead_code, unreachable_pub, unused_imports, reason = "each test uses its part of this file")]
#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::missing_panics_doc,
    reason = "a test fails by panicking"
)]

pub mod events;
pub mod fork;
mod inmate;
pub mod process;
pub mod programs;
pub mod random;
pub mod tree;

use std::sync::atomic::{AtomicU32, Ordering};

use freebsd_jail::{ErrorKind, Jail, Jid, OwnedJail, param, sim};

pub use inmate::Inmate;

/// The kernel of a test, while it is held.
#[must_use]
pub struct Host {
    model: Option<sim::Kernel>,
    _guard: Option<sim::Guard>,
}

/// Returns the kernel: FreeBSD's own, or else a model of the newest release.
pub fn host() -> Host {
    if cfg!(target_os = "freebsd") {
        return Host { model: None, _guard: None };
    }
    model(sim::Kernel::new())
}

/// Installs a model on any host, for tests of a certain release.
pub fn model(kernel: sim::Kernel) -> Host {
    // Tests that fork know that the child has a copy.
    kernel.allow_copies(true);
    let guard = kernel.install();
    Host { model: Some(kernel), _guard: Some(guard) }
}

/// The model's releases, for tests of what must hold on all of them.
pub fn releases() -> [sim::Release; 4] {
    sim::Release::ALL
}

/// Runs a test on the host's kernel, or else on a model of each release.
pub fn on_every_kernel(test: impl Fn(&Host)) {
    if cfg!(target_os = "freebsd") {
        test(&host());
        return;
    }
    for release in releases() {
        println!("on {release:?}");
        test(&model(sim::Kernel::with_release(release)));
    }
}

impl Drop for Host {
    /// Checks that no call to a model would have harmed a real kernel.
    fn drop(&mut self) {
        if let Some(model) = self.model.as_ref().filter(|_| !std::thread::panicking()) {
            // T46 needs a removal at the wrong moment, which can only be noticed afterwards.
            let harm = model.sprung().into_iter().filter(|sprung| sprung.trap != Some(46));
            assert_eq!(harm.collect::<Vec<_>>(), [], "a real kernel would have been harmed");
        }
    }
}

impl Host {
    /// Returns the model, `None` on a real kernel.
    pub fn model(&self) -> Option<&sim::Kernel> {
        self.model.as_ref()
    }

    /// Loads every module that adds parameters to jails, on a model; a real kernel has those that it has.
    pub fn load_modules(&self) {
        let Some(model) = &self.model else { return };
        for module in [sim::Module::Linux, sim::Module::Zfs, sim::Module::Vmm] {
            model.load(module);
        }
        for file_system in ["fusefs", "linprocfs", "linsysfs"] {
            model.load(sim::Module::FileSystem(file_system));
        }
        if model.release() == sim::Release::FREEBSD_15_1 {
            model.load(sim::Module::FileSystem("p9fs"));
        }
    }

    /// Returns how many system calls the model has answered. Prints a notice on a real kernel.
    pub fn calls(&self) -> Option<sim::Calls> {
        if self.model.is_none() {
            println!("skipped: only the model counts system calls");
        }
        self.model.as_ref().map(sim::Kernel::calls)
    }

    /// Sets sysctl `security.jail.meta_maxbufsize`, until the returned value is dropped. Prints a notice if there is
    /// none, since a test is then skipped.
    pub fn set_meta_max(&self, bytes: usize) -> Option<MetaMax> {
        if let Some(model) = &self.model {
            model.set_meta_max(bytes);
            return Some(MetaMax(Some(model.clone())));
        }
        let set = set_real_meta_max(bytes);
        if !set {
            println!("skipped: security.jail.meta_maxbufsize cannot be set");
        }
        set.then_some(MetaMax(None))
    }

    /// Turns on resource accounting on a model. On a real kernel it is fixed at boot: prints a notice if it is off,
    /// since a test is then skipped.
    pub fn accounts_resources(&self) -> bool {
        if let Some(model) = &self.model {
            model.set_racct(true);
            return true;
        }
        let enabled = real_kernel_accounts_resources();
        if !enabled {
            println!("skipped: kern.racct.enable is not set");
        }
        enabled
    }

    /// Whether the kernel has jail descriptors. Prints a notice if not, since a test is then skipped.
    #[allow(clippy::unused_self, reason = "it is a question to the kernel")]
    pub fn has_descriptors(&self) -> bool {
        let has = has_descriptors();
        if !has {
            println!("skipped: this kernel has no jail descriptors");
        }
        has
    }
}

/// Sets the usual limit of `meta` and `env` again when dropped.
#[must_use]
pub struct MetaMax(Option<sim::Kernel>);

impl Drop for MetaMax {
    fn drop(&mut self) {
        match &self.0 {
            Some(model) => model.set_meta_max(4096),
            None => assert!(set_real_meta_max(4096), "the limit stays low"),
        }
    }
}

fn set_real_meta_max(bytes: usize) -> bool {
    let setting = format!("security.jail.meta_maxbufsize={bytes}");
    let set = std::process::Command::new("/sbin/sysctl").arg("-q").arg(setting).output();
    set.is_ok_and(|output| output.status.success())
}

/// Whether it is a real kernel with resource accounting.
pub fn real_kernel_accounts_resources() -> bool {
    let asked = std::process::Command::new("/sbin/sysctl").args(["-n", "kern.racct.enable"]).output();
    asked.is_ok_and(|output| output.stdout.trim_ascii() == b"1")
}

/// Whether this process is root. Prints a notice if not, since a test is then skipped.
pub fn is_root() -> bool {
    let root = nix::unistd::geteuid().is_root();
    if !root {
        println!("skipped: this process is not root");
    }
    root
}

/// Whether jails confine. Prints a notice if not, since a test is then skipped.
pub fn is_confining() -> bool {
    let real = cfg!(target_os = "freebsd");
    if !real {
        println!("skipped: the model confines nothing");
    }
    real
}

/// Whether the kernel has jail descriptors.
pub fn has_descriptors() -> bool {
    let probe = Jail::builder().name(name("probe")).path("/").create_detached().expect("a jail");
    let has = probe.descriptor().is_some();
    probe.remove().expect("removed");
    has
}

/// Returns the kernel's `kern.osreldate`.
#[cfg(target_os = "freebsd")]
pub fn osreldate() -> u32 {
    let mut value = 0_u32;
    let mut len = size_of_val(&value);
    let (value_at, len_at) = ((&raw mut value).cast(), &raw mut len);
    // SAFETY: the name ends in NUL; the kernel writes one number, which is ours, and its length.
    let result =
        unsafe { libc::sysctlbyname(c"kern.osreldate".as_ptr(), value_at, len_at, std::ptr::null(), 0) };
    assert_eq!(result, 0, "kern.osreldate");
    value
}

/// Returns a name that no other test uses, and that no earlier run has left.
pub fn name(what: &str) -> String {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    format!("fj-{}-{}-{what}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed))
}

/// Creates a jail that may have jails below it.
pub fn jail(what: &str) -> OwnedJail {
    Jail::builder().name(name(what)).path("/").children_max(50).create().expect("created")
}

/// Whether a jail of this jid can be seen.
pub fn exists(jid: Jid) -> bool {
    match Jail::open(jid) {
        Ok(_) => true,
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::Dying) => false,
        Err(error) => panic!("opening {jid}: {error}"),
    }
}

/// Removes jails whose names end in `what`, for processes that could not remove them, in a jail or in capability mode:
/// before FreeBSD 15 they stay.
pub fn sweep(what: &str) {
    if !cfg!(target_os = "freebsd") {
        return;
    }
    for jail in Jail::all() {
        let jail = jail.expect("a jail");
        let name = jail.get(param::NAME.utf8());
        if name.is_ok_and(|name| name.starts_with("fj-") && name.ends_with(&format!("-{what}"))) {
            jail.remove().expect("removed");
        }
    }
}

/// Returns the names of all jails that can be seen.
pub fn names() -> Vec<String> {
    Jail::all().get(param::NAME.utf8()).map(|name| name.expect("a name")).collect()
}

/// Counts the process's open descriptors, by trying each number.
pub fn open_descriptors() -> usize {
    // SAFETY: F_GETFD takes a number, which need not be open, and touches no memory.
    (0..4096).filter(|&fd| unsafe { libc::fcntl(fd, libc::F_GETFD) } != -1).count()
}
