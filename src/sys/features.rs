//! What the running kernel has.

#[cfg(feature = "sim")]
use core::cell::Cell;
use core::fmt;
#[cfg(feature = "sim")]
use core::marker::PhantomData;
use core::sync::atomic::{AtomicU8, AtomicU64, Ordering};
use std::sync::OnceLock;

use super::{Errno, System};

/// What the running kernel has, found out by asking it once.
///
/// ```
/// # use freebsd_jail::{Features, sim};
/// # let kernel = sim::Kernel::with_release(sim::Release::FREEBSD_13_2);
/// # let _guard = kernel.install();
/// let features = Features::current();
/// assert!(features.jails());
/// assert!(!features.descriptors());
/// println!("{features}");
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Features {
    jails: bool,
    descriptors: bool,
}

impl Features {
    /// Returns what the kernel has. Asks it the first time only, with one jail_get(2) that changes nothing.
    #[must_use]
    pub fn current() -> Self {
        System::current().features()
    }

    pub(crate) const fn new(jails: bool, descriptors: bool) -> Self {
        Self { jails, descriptors }
    }

    /// Whether there are jails at all: FreeBSD, or an installed model of it.
    #[must_use]
    pub const fn jails(self) -> bool {
        self.jails
    }

    /// Whether there are jail descriptors and events of jails, which came with FreeBSD 15.0.
    #[must_use]
    pub const fn descriptors(self) -> bool {
        self.descriptors
    }
}

#[cfg(feature = "sim")]
thread_local! {
    static ASSUMED: Cell<Option<Features>> = const { Cell::new(None) };
}

#[cfg(feature = "sim")]
impl Features {
    /// Returns the same without descriptors: what an older kernel has.
    #[must_use]
    pub const fn without_descriptors(self) -> Self {
        Self { descriptors: false, ..self }
    }

    /// Restricts the calling thread to these features of any kernel until the guard is dropped: for tests of what a
    /// program does on an older one. A handle, a [`Watcher`](crate::Watcher) and the like keep to what was assumed when
    /// they were made.
    ///
    /// ```
    /// # fn main() -> freebsd_jail::Result<()> {
    /// # let kernel = freebsd_jail::sim::Kernel::new();
    /// # let _guard = kernel.install();
    /// use freebsd_jail::{Features, Jail};
    ///
    /// let _assumed = Features::current().without_descriptors().assume();
    /// let jail = Jail::builder().path("/").create()?;
    /// assert!(jail.descriptor().is_none());
    /// # Ok(())
    /// # }
    /// ```
    #[must_use = "it is assumed only as long as the guard lives"]
    pub fn assume(self) -> Assumed {
        Assumed { before: ASSUMED.replace(Some(self)), thread: PhantomData }
    }
}

/// Keeps what [`Features::assume`] was told, until it is dropped.
#[cfg(feature = "sim")]
#[cfg_attr(docsrs, doc(cfg(feature = "sim")))]
#[derive(Debug)]
pub struct Assumed {
    before: Option<Features>,
    /// It belongs to its thread.
    thread: PhantomData<*const ()>,
}

#[cfg(feature = "sim")]
impl Drop for Assumed {
    fn drop(&mut self) {
        ASSUMED.set(self.before);
    }
}

#[cfg(feature = "sim")]
impl Features {
    /// Returns what the calling thread assumes.
    pub(crate) fn assumed() -> Option<Self> {
        // At a thread's end, nothing.
        ASSUMED.try_with(Cell::get).unwrap_or_default()
    }

    /// Returns what both this kernel and another have: a call that the kernel does not know kills.
    pub(crate) const fn and(self, other: Self) -> Self {
        Self { jails: self.jails && other.jails, descriptors: self.descriptors && other.descriptors }
    }
}

impl fmt::Display for Features {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match (self.jails, self.descriptors) {
            (false, _) => "no jails",
            (true, false) => "jails",
            (true, true) => "jails, jail descriptors",
        })
    }
}

/// What is asked of a kernel once: each model has one of these, and so has the host.
#[derive(Debug)]
pub(crate) struct Cache {
    pub(crate) features: OnceLock<Features>,
    /// Which permissions it knows.
    pub(crate) permissions: Extent,
    /// Whether it has parameters that a kernel can be built without.
    pub(crate) options: Options,
    /// Whether mac_do(4) is there.
    mac_do: OnceLock<bool>,
    /// `kern.osreldate`, where it can be relied on.
    pub(crate) osreldate: OnceLock<Option<u32>>,
    /// Whether resources are accounted for.
    racct: OnceLock<bool>,
}

impl Cache {
    pub(crate) const fn new() -> Self {
        Self {
            features: OnceLock::new(),
            permissions: Extent::unknown(),
            options: Options::all(),
            mac_do: OnceLock::new(),
            osreldate: OnceLock::new(),
            racct: OnceLock::new(),
        }
    }
}

impl System {
    /// Whether mac_do(4) is there, whose rules an update has to carry. Asked once, when it is first needed: a module
    /// that is loaded later is not noticed.
    pub(crate) fn has_mac_do(&self) -> bool {
        *self.cache().mac_do.get_or_init(|| {
            let answer = self.sysctl_by_name("security.jail.param.mac.do.rules", &mut [0; 32]);
            // Where the tree cannot be asked, each update finds out for itself.
            !matches!(answer, Err(Errno(libc::ENOENT | libc::ENOSYS)))
        })
    }
}

impl System {
    /// Whether resources are accounted for, as rctl(8) needs it: `kern.racct.enable`, which is set when the kernel
    /// starts. Asked once, when it is first needed.
    pub(crate) fn accounts_resources(&self) -> bool {
        *self.cache().racct.get_or_init(|| {
            let mut value = [0; size_of::<i32>()];
            match self.sysctl_by_name("kern.racct.enable", &mut value) {
                Ok(len) => value.iter().take(len).any(|&byte| byte != 0),
                // A kernel without it, or no kernel at all. Where it cannot be asked, a guard too many is better.
                Err(Errno(libc::ENOENT | libc::ENOSYS)) => false,
                Err(_) => true,
            }
        })
    }

    /// Whether this process is in a jail, `security.jail.jailed`. Never asked ahead: it may enter one at any time.
    pub(crate) fn is_jailed(&self) -> Result<bool, Errno> {
        let mut value = [0; size_of::<i32>()];
        self.sysctl_by_name("security.jail.jailed", &mut value)?;
        Ok(i32::from_ne_bytes(value) != 0)
    }
}

/// Which permissions a kernel knows, as bits of `Allow`, once that was found out.
#[derive(Debug)]
pub(crate) struct Extent(AtomicU64);

impl Extent {
    /// Set once it is known: no permission has this bit.
    const KNOWN: u64 = 1 << 63;

    const fn unknown() -> Self {
        Self(AtomicU64::new(0))
    }

    pub(crate) fn get(&self) -> Option<u64> {
        Some(self.0.load(Ordering::Relaxed)).filter(|bits| *bits != 0).map(|bits| bits & !Self::KNOWN)
    }

    pub(crate) fn set(&self, bits: u64) {
        self.0.store(bits | Self::KNOWN, Ordering::Relaxed);
    }
}

/// Which parameters a kernel has that it can be built without, as far as that was found out.
#[derive(Debug)]
pub(crate) struct Options(AtomicU8);

impl Options {
    pub(crate) const INET: u8 = 1;
    pub(crate) const INET6: u8 = 2;
    pub(crate) const VIMAGE: u8 = 4;

    /// Until a kernel says otherwise, it has them all.
    pub(crate) const fn all() -> Self {
        Self(AtomicU8::new(Self::INET | Self::INET6 | Self::VIMAGE))
    }

    /// Returns those that the kernel is thought to have.
    pub(crate) fn get(&self) -> u8 {
        self.0.load(Ordering::Relaxed)
    }

    /// Notes that the kernel does not know a parameter. Says whether that is one of the options that it was asked for,
    /// whatever another thread has found out meanwhile.
    pub(crate) fn lacks(&self, asked: u8, parameter: &str) -> bool {
        let option = match parameter {
            "ip4" | "ip4.addr" => Self::INET,
            "ip6" | "ip6.addr" => Self::INET6,
            "vnet" => Self::VIMAGE,
            _ => return false,
        };
        self.0.fetch_and(!option, Ordering::Relaxed);
        asked & option != 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_option_that_another_thread_found_missing_is_missing_for_this_one_too() {
        let options = Options::all();
        // Both have asked before either has an answer.
        let (one, other) = (options.get(), options.get());
        assert!(options.lacks(one, "ip6.addr"));
        assert!(options.lacks(other, "ip6"));
        // One that was not asked for is no reason to ask again.
        assert!(!options.lacks(options.get(), "ip6"));
        assert!(!options.lacks(options.get(), "securelevel"));
        assert_eq!(options.get(), Options::INET | Options::VIMAGE);
    }
}
