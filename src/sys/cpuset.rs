//! The CPU sets of jails: cpuset(2).

use core::ffi::c_int;

use super::{Errno, System};

/// The most processors that FreeBSD has: `CPU_MAXSIZE` of 14 and later.
pub(crate) const CPU_MAX: u32 = 1024;

/// A set of processors: `cpuset_t`, whose words are C longs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Mask([core::ffi::c_ulong; MASK_WORDS]);

const BITS: u32 = core::ffi::c_ulong::BITS;
const MASK_WORDS: usize = (CPU_MAX / BITS) as usize;
const _: () = assert!(size_of::<Mask>() == 128);

impl Mask {
    /// Those of the processors that are below [`CPU_MAX`].
    pub(crate) fn of(cpus: impl IntoIterator<Item = u32>) -> Self {
        let mut words = [0; MASK_WORDS];
        for cpu in cpus {
            if let Some(word) = usize::try_from(cpu / BITS).ok().and_then(|at| words.get_mut(at)) {
                *word |= 1 << (cpu % BITS);
            }
        }
        Self(words)
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = u32> + '_ {
        (0..CPU_MAX).filter(|cpu| {
            let word = usize::try_from(cpu / BITS).ok().and_then(|at| self.0.get(at));
            word.is_some_and(|word| word >> (cpu % BITS) & 1 == 1)
        })
    }
}

impl System {
    /// Returns the root of a numbered set, `None` if there is no such set. The set of a jail is its own root.
    ///
    /// Wraps cpuset_getid(2).
    pub(crate) fn cpuset_root(&self, id: c_int) -> Result<Option<c_int>, Errno> {
        #[cfg(feature = "sim")]
        if let Some((model, _inside)) = self.model()? {
            return Ok(freebsd_jail_sim::seam::cpuset_root(model, id)?);
        }
        match root_of(id) {
            Ok(root) => Ok(Some(root)),
            Err(Errno(libc::ESRCH)) => Ok(None),
            Err(errno) => Err(errno),
        }
    }
}

impl System {
    /// Returns the processors of the jail of a jid. Wraps cpuset_getaffinity(2).
    pub(crate) fn jail_cpus(&self, jid: c_int) -> Result<Mask, Errno> {
        #[cfg(feature = "sim")]
        if let Some((model, _inside)) = self.model()? {
            return Ok(Mask::of(freebsd_jail_sim::seam::jail_cpus(model, jid)?));
        }
        get_jail(jid)
    }

    /// Sets the processors of the jail of a jid. Wraps cpuset_setaffinity(2).
    pub(crate) fn set_jail_cpus(&self, jid: c_int, mask: &Mask) -> Result<(), Errno> {
        #[cfg(feature = "sim")]
        if let Some((model, _inside)) = self.model()? {
            return Ok(freebsd_jail_sim::seam::set_jail_cpus(model, jid, mask.iter().collect())?);
        }
        set_jail(jid, mask)
    }
}

#[cfg(target_os = "freebsd")]
fn get_jail(jid: c_int) -> Result<Mask, Errno> {
    let mut mask = Mask::of([]);
    let at = mask.0.as_mut_ptr().cast();
    // SAFETY: the kernel writes `mask`, which is ours, as far as its size says and no further.
    let result = unsafe {
        libc::cpuset_getaffinity(
            libc::CPU_LEVEL_WHICH,
            libc::CPU_WHICH_JAIL,
            jid.into(),
            size_of_val(&mask.0),
            at,
        )
    };
    Errno::check(result).map(|_| mask)
}

#[cfg(target_os = "freebsd")]
fn set_jail(jid: c_int, mask: &Mask) -> Result<(), Errno> {
    let at = mask.0.as_ptr().cast();
    // SAFETY: the kernel reads `mask`, which is borrowed, as far as its size says and no further.
    let result = unsafe {
        libc::cpuset_setaffinity(
            libc::CPU_LEVEL_WHICH,
            libc::CPU_WHICH_JAIL,
            jid.into(),
            size_of_val(&mask.0),
            at,
        )
    };
    Errno::check(result).map(drop)
}

#[cfg(not(target_os = "freebsd"))]
fn get_jail(_: c_int) -> Result<Mask, Errno> {
    Err(Errno(libc::ENOSYS))
}

#[cfg(not(target_os = "freebsd"))]
fn set_jail(_: c_int, _: &Mask) -> Result<(), Errno> {
    Err(Errno(libc::ENOSYS))
}

#[cfg(target_os = "freebsd")]
fn root_of(id: c_int) -> Result<c_int, Errno> {
    let mut root = 0;
    // SAFETY: the call writes one number into `root`, which is ours; any number may be asked for.
    let result =
        unsafe { libc::cpuset_getid(libc::CPU_LEVEL_ROOT, libc::CPU_WHICH_CPUSET, id.into(), &raw mut root) };
    Errno::check(result).map(|_| root)
}

#[cfg(not(target_os = "freebsd"))]
fn root_of(_: c_int) -> Result<c_int, Errno> {
    Err(Errno(libc::ENOSYS))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_cpu_has_a_bit_of_its_own() {
        let cpus = [0, 1, 63, 64, 130, 1023];
        let mask = Mask::of(cpus);
        assert!(mask.iter().eq(cpus));
        assert_eq!(mask.0.map(core::ffi::c_ulong::count_ones).iter().sum::<u32>(), 6);
    }
}
