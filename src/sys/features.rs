//! The features of the running kernel.

#[cfg(feature = "sim")]
use core::cell::Cell;
use core::fmt;
#[cfg(feature = "sim")]
use core::marker::PhantomData;
use core::sync::atomic::{AtomicU8, AtomicUsize, Ordering};
use std::sync::OnceLock;

use super::parameters::Parameters;
use super::system::Mib;
use super::{Errno, System};

/// What the running kernel supports, found out once.
///
/// For a single parameter, use [`JailBuilder::optional`](crate::JailBuilder::optional), or ask the
/// [`Catalog`](crate::Catalog).
///
/// ```
/// # use freebsd_jail::{Features, sim};
/// # let kernel = sim::Kernel::with_release(sim::Release::FREEBSD_14_4);
/// # let _guard = kernel.install();
/// let features = Features::current();
/// assert!(features.has_jails() && features.has_meta());
/// assert!(!features.has_descriptors() && !features.has_events());
/// assert_eq!(features.to_string(), "jails, network stacks, metadata");
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
#[allow(clippy::struct_excessive_bools, reason = "each answers a question of its own")]
pub struct Features {
    jails: bool,
    descriptors: bool,
    vnet: bool,
    meta: bool,
}

impl Features {
    /// Returns what the kernel supports. Asks it the first time only, with one [jail_get(2)] that changes nothing and
    /// two calls of [sysctl(3)].
    ///
    /// [jail_get(2)]: https://man.freebsd.org/cgi/man.cgi?query=jail_get&sektion=2
    /// [sysctl(3)]: https://man.freebsd.org/cgi/man.cgi?query=sysctl&sektion=3
    #[must_use]
    pub fn current() -> Self {
        let system = System::current();
        let features = system.features();
        let has = |name| features.jails && system.has_parameter(name);
        Self { vnet: has("vnet"), meta: has("meta"), ..features }
    }

    /// Makes features without those that are parameters.
    pub(crate) const fn new(jails: bool, descriptors: bool) -> Self {
        Self { jails, descriptors, vnet: false, meta: false }
    }

    /// Whether jails exist: on FreeBSD, or with an installed model of it.
    #[must_use]
    pub const fn has_jails(self) -> bool {
        self.jails
    }

    /// Whether a handle is a descriptor, which never refers to another jail, and the kernel removes an
    /// [`OwnedJail`](crate::OwnedJail) whose process is killed: since FreeBSD 15.0.
    #[must_use]
    pub const fn has_descriptors(self) -> bool {
        self.descriptors
    }

    /// Whether a [`Watcher`](crate::Watcher) receives events of jails: since FreeBSD 15.0.
    #[must_use]
    pub const fn has_events(self) -> bool {
        self.descriptors
    }

    /// Whether a jail can have a network stack of its own, [`Network::Own`](crate::Network::Own): with the kernel
    /// option `VIMAGE`, which FreeBSD's own kernels have.
    #[must_use]
    pub const fn has_vnet(self) -> bool {
        self.vnet
    }

    /// Whether jails have metadata, [`META`](crate::param::META) and [`ENV`](crate::param::ENV): since FreeBSD 14.4.
    #[must_use]
    pub const fn has_meta(self) -> bool {
        self.meta
    }
}

#[cfg(feature = "sim")]
thread_local! {
    static ASSUMED: Cell<Option<Features>> = const { Cell::new(None) };
}

#[cfg(feature = "sim")]
impl Features {
    /// Returns the same features without descriptors and events, as an older kernel has them.
    #[must_use]
    pub const fn without_descriptors(self) -> Self {
        Self { descriptors: false, ..self }
    }

    /// If these features have no descriptors, makes the calling thread use none on any kernel until the guard is
    /// dropped, to test how a program behaves on an older kernel. Handles and [`Watcher`](crate::Watcher)s keep the
    /// features that were assumed when they were made.
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

/// Keeps the features of [`Features::assume`] in force until it is dropped.
#[cfg(feature = "sim")]
#[cfg_attr(docsrs, doc(cfg(feature = "sim")))]
#[derive(Debug)]
pub struct Assumed {
    before: Option<Features>,
    /// Not `Send`: the assumption belongs to its thread.
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
    /// Returns the features that the calling thread assumes.
    pub(crate) fn assumed() -> Option<Self> {
        // Nothing is assumed while the thread ends.
        ASSUMED.try_with(Cell::get).unwrap_or_default()
    }

    /// Returns the features in both sets: a call that the kernel lacks would kill the process.
    pub(crate) const fn and(self, other: Self) -> Self {
        Self {
            jails: self.jails && other.jails,
            descriptors: self.descriptors && other.descriptors,
            vnet: self.vnet && other.vnet,
            meta: self.meta && other.meta,
        }
    }
}

impl fmt::Display for Features {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.jails { "jails" } else { "no jails" })?;
        let parts = [
            (self.descriptors, ", descriptors, events"),
            (self.vnet, ", network stacks"),
            (self.meta, ", metadata"),
        ];
        parts.into_iter().filter(|(has, _)| *has).try_for_each(|(_, part)| f.write_str(part))
    }
}

/// Answers of a kernel that are kept: one for the host, and one for each model.
#[derive(Debug)]
pub(crate) struct Cache {
    pub(crate) features: OnceLock<Features>,
    /// Which parameters it has.
    pub(crate) parameters: Parameters,
    /// Whether it has the parameters of optional kernel features.
    pub(crate) options: Options,
    /// Whether mac_do(4) is loaded.
    mac_do: OnceLock<bool>,
    /// `kern.osreldate`, if it can be relied on.
    pub(crate) osreldate: OnceLock<Option<u32>>,
    /// Whether resource accounting is on.
    racct: OnceLock<bool>,
    pub(crate) list: ListCache,
}

/// What is known of sysctl `security.jail.list`.
#[derive(Debug)]
pub(crate) struct ListCache {
    pub(crate) mib: OnceLock<Mib>,
    /// How many bytes to reserve for it: as many as the last list took and some more. 0 until there was one.
    pub(crate) room: AtomicUsize,
}

impl Cache {
    pub(crate) const fn new() -> Self {
        Self {
            features: OnceLock::new(),
            parameters: Parameters::unknown(),
            options: Options::all(),
            mac_do: OnceLock::new(),
            osreldate: OnceLock::new(),
            racct: OnceLock::new(),
            list: ListCache { mib: OnceLock::new(), room: AtomicUsize::new(0) },
        }
    }
}

impl System {
    /// Whether mac_do(4) is loaded, whose rules an update has to carry. Checked once, when first needed: a module that
    /// is loaded later is not noticed.
    pub(crate) fn has_mac_do(&self) -> bool {
        *self.cache().mac_do.get_or_init(|| {
            let answer = self.sysctl_by_name("security.jail.param.mac.do.rules", &mut [0; 32]);
            // If the tree cannot be read, each update finds out for itself.
            !matches!(answer, Err(Errno(libc::ENOENT | libc::ENOSYS)))
        })
    }
}

impl System {
    /// Whether resource accounting is on, which rctl(8) needs: `kern.racct.enable`, fixed at boot. Checked once, when
    /// first needed.
    pub(crate) fn accounts_resources(&self) -> bool {
        *self.cache().racct.get_or_init(|| {
            let mut value = [0; size_of::<i32>()];
            match self.sysctl_by_name("kern.racct.enable", &mut value) {
                Ok(len) => value.iter().take(len).any(|&byte| byte != 0),
                // A kernel without it, or a host without jails. If it cannot be read, assume that it is on: an unneeded
                // guard does less harm than a missing one.
                Err(Errno(libc::ENOENT | libc::ENOSYS)) => false,
                Err(_) => true,
            }
        })
    }

    /// Whether this process is in a jail, `security.jail.jailed`. Never cached: the process may attach to one at any
    /// time.
    pub(crate) fn is_jailed(&self) -> Result<bool, Errno> {
        let mut value = [0; size_of::<i32>()];
        self.sysctl_by_name("security.jail.jailed", &mut value)?;
        Ok(i32::from_ne_bytes(value) != 0)
    }
}

/// Which parameters of optional kernel features a kernel has, as far as known.
#[derive(Debug)]
pub(crate) struct Options(AtomicU8);

impl Options {
    pub(crate) const INET: u8 = 1;
    pub(crate) const INET6: u8 = 2;
    pub(crate) const VIMAGE: u8 = 4;

    /// Until a parameter is refused, the kernel is assumed to have them all.
    pub(crate) const fn all() -> Self {
        Self(AtomicU8::new(Self::INET | Self::INET6 | Self::VIMAGE))
    }

    /// Returns those that the kernel is assumed to have.
    pub(crate) fn get(&self) -> u8 {
        self.0.load(Ordering::Relaxed)
    }

    /// Records that the kernel lacks a parameter. Returns whether that is one of the options that were requested, even
    /// if another thread has recorded it meanwhile.
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
    fn features_are_those_that_the_kernel_was_found_to_have() {
        for (jails, descriptors) in [(false, false), (true, false), (true, true)] {
            let features = Features::new(jails, descriptors);
            assert_eq!((features.has_jails(), features.has_descriptors()), (jails, descriptors));
        }
    }

    #[cfg(feature = "sim")]
    #[test]
    fn of_two_sets_only_common_features_are_left() {
        let none = Features { jails: false, descriptors: false, vnet: false, meta: false };
        let each = [
            Features { jails: true, ..none },
            Features { descriptors: true, ..none },
            Features { vnet: true, ..none },
            Features { meta: true, ..none },
        ];
        for one in each {
            for other in each {
                assert_eq!(one.and(other), if one == other { one } else { none });
            }
        }
    }

    #[test]
    fn an_option_that_another_thread_found_missing_is_missing_here_too() {
        let options = Options::all();
        // Both ask before either has an answer.
        let (one, other) = (options.get(), options.get());
        assert!(options.lacks(one, "ip6.addr"));
        assert!(options.lacks(other, "ip6"));
        // An option that was not requested is no reason to retry.
        assert!(!options.lacks(options.get(), "ip6"));
        assert!(!options.lacks(options.get(), "securelevel"));
        assert_eq!(options.get(), Options::INET | Options::VIMAGE);
    }
}
