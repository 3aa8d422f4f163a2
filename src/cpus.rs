//! The processors that a jail may use: [`Jail::cpus`] and [`Jail::set_cpus`].

use core::fmt;
use std::collections::BTreeSet;

use crate::error::{Call, Error, ErrorKind, Result};
use crate::jail::Jail;
use crate::sys::Errno;
use crate::sys::cpuset::{CPU_MAX, Mask};

/// A set of processors, by their numbers from 0.
///
/// ```
/// use freebsd_jail::cpus::CpuSet;
///
/// let cpus = CpuSet::from_iter([0, 1, 2, 7]);
/// assert!(cpus.contains(7));
/// assert_eq!(cpus.to_string(), "0-2,7");
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(transparent))]
pub struct CpuSet(BTreeSet<u32>);

impl CpuSet {
    /// Whether the set has a processor.
    #[must_use]
    pub fn contains(&self, cpu: u32) -> bool {
        self.0.contains(&cpu)
    }

    /// Returns how many processors the set has.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether the set has no processor.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Iterates over the processors, in the order of their numbers.
    pub fn iter(&self) -> impl Iterator<Item = u32> + '_ {
        self.0.iter().copied()
    }
}

impl FromIterator<u32> for CpuSet {
    fn from_iter<I: IntoIterator<Item = u32>>(cpus: I) -> Self {
        Self(cpus.into_iter().collect())
    }
}

impl Extend<u32> for CpuSet {
    fn extend<I: IntoIterator<Item = u32>>(&mut self, cpus: I) {
        self.0.extend(cpus);
    }
}

/// As [cpuset(1)](https://man.freebsd.org/cgi/man.cgi?query=cpuset&sektion=1) takes it: `0-2,7`.
impl fmt::Display for CpuSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut separator = "";
        let mut cpus = self.iter().peekable();
        while let Some(first) = cpus.next() {
            let mut last = first;
            while let Some(next) = cpus.next_if(|next| last.checked_add(1) == Some(*next)) {
                last = next;
            }
            write!(f, "{separator}{first}")?;
            if last != first {
                write!(f, "-{last}")?;
            }
            separator = ",";
        }
        Ok(())
    }
}

/// # CPUs
impl Jail {
    /// Returns the processors that the jail may use.
    ///
    /// Wraps [cpuset_getaffinity(2)] with `CPU_WHICH_JAIL`. Needs no privilege.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Gone`] when the jail has been removed, [`ErrorKind::Unsupported`] where there are no jails.
    ///
    /// ```
    /// # use freebsd_jail::{Jail, sim};
    /// # fn main() -> freebsd_jail::Result<()> {
    /// # let kernel = sim::Kernel::new();
    /// # let _guard = kernel.install();
    /// let jail = Jail::builder().path("/").create()?;
    /// println!("CPUs {}", jail.cpus()?);
    /// # assert!(!jail.cpus()?.is_empty());
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// [cpuset_getaffinity(2)]: https://man.freebsd.org/cgi/man.cgi?query=cpuset_getaffinity&sektion=2
    #[doc(alias = "cpuset_getaffinity")]
    pub fn cpus(&self) -> Result<CpuSet> {
        self.check()?;
        let mask = self.system.jail_cpus(self.jid().get());
        let mask = mask.map_err(|errno| cpus_error(Call::CpusetGetaffinity, errno))?;
        // The call used the jid, which was this jail's if the jail is still alive (T56).
        if self.is_alive()? { Ok(CpuSet(mask.iter().collect())) } else { Err(Error::gone()) }
    }

    /// Restricts the jail to a set of processors, which must be some of its parent's.
    ///
    /// **Narrowing lasts for the jails below**, and for sets that processes in the jail have made: they lose the
    /// processors that the jail loses, and do not get them back when the jail does.
    ///
    /// Wraps [cpuset_setaffinity(2)] with `CPU_WHICH_JAIL`, which goes by the jid: if the jail is removed at this
    /// moment and its jid is reused, the other jail is restricted, and the call returns [`ErrorKind::Gone`].
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidValue`] when the set is empty, has a processor that the parent lacks, or would leave a jail
    /// below without any; [`ErrorKind::PermissionDenied`] when not root, [`ErrorKind::Gone`] when the jail has been
    /// removed.
    ///
    /// ```
    /// use freebsd_jail::Jail;
    /// use freebsd_jail::cpus::CpuSet;
    /// # use freebsd_jail::sim;
    ///
    /// # fn main() -> freebsd_jail::Result<()> {
    /// # let kernel = sim::Kernel::new();
    /// # let _guard = kernel.install();
    /// let jail = Jail::builder().path("/").create()?;
    /// let first = CpuSet::from_iter(jail.cpus()?.iter().take(1));
    /// jail.set_cpus(&first)?;
    /// assert_eq!(jail.cpus()?, first);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// [cpuset_setaffinity(2)]: https://man.freebsd.org/cgi/man.cgi?query=cpuset_setaffinity&sektion=2
    #[doc(alias = "cpuset_setaffinity")]
    pub fn set_cpus(&self, cpus: &CpuSet) -> Result<()> {
        let refuse = |reason: fmt::Arguments<'_>| Err(Error::refused(ErrorKind::InvalidValue, reason));
        if cpus.is_empty() {
            return refuse(format_args!("a jail needs at least one CPU"));
        }
        if let Some(cpu) = cpus.iter().find(|cpu| *cpu >= CPU_MAX) {
            return refuse(format_args!("there is no CPU {cpu}: FreeBSD has at most {CPU_MAX}"));
        }
        self.check()?;
        if !self.is_alive()? {
            return Err(Error::gone());
        }
        let result = self.system.set_jail_cpus(self.jid().get(), &Mask::of(cpus.iter()));
        result.map_err(|errno| cpus_error(Call::CpusetSetaffinity, errno))?;
        if self.is_alive()? { Ok(()) } else { Err(Error::gone()) }
    }
}

fn cpus_error(call: Call, errno: Errno) -> Error {
    let (kind, reason) = match errno.0 {
        libc::ESRCH => (ErrorKind::Gone, "the jail has been removed"),
        libc::EDEADLK => {
            (ErrorKind::InvalidValue, "a jail below, or a set made in the jail, would be left without CPUs")
        }
        libc::EINVAL => (ErrorKind::InvalidValue, "the jail's parent may not use all of these CPUs"),
        libc::EPERM => (ErrorKind::PermissionDenied, ""),
        libc::ENOSYS => return Error::no_jails(call),
        _ => (ErrorKind::Other, ""),
    };
    Error::os(call, errno, kind, reason)
}
