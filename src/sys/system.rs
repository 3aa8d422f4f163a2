//! Where a call goes: to the kernel, or to a model of one.

use core::ffi::{c_int, c_uint};
use std::os::fd::{AsRawFd, BorrowedFd};

use libc::iovec;

use super::{Errno, Slot, bindings, fd, kernel};
use crate::features::{Cache, Features};
#[cfg(feature = "sim")]
use crate::sim;

/// The kernel that a handle belongs to.
///
/// Taken once, when a handle is made, and kept in it: a handle of a model that is sent to another thread must
/// never act on the real kernel's jail of the same number. Without feature `sim` it has no size.
#[derive(Clone)]
pub(crate) struct System {
    #[cfg(feature = "sim")]
    model: Option<sim::Kernel>,
}

/// What fstat(2) says of a jail descriptor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct DescriptorStat {
    /// The jail's number, 0 once it has died.
    pub(crate) ino: u64,
    /// The file's type and permission bits: a jail descriptor has no type bits.
    pub(crate) mode: u32,
}

/// The most numbers that a sysctl's name stands for: `CTL_MAXNAME`.
const MIB_MAX: usize = 24;

/// What the name of a sysctl stands for.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Mib {
    numbers: [c_int; MIB_MAX],
    len: usize,
}

impl Mib {
    pub(crate) fn as_slice(&self) -> &[c_int] {
        self.numbers.get(..self.len).unwrap_or_default()
    }
}

#[cfg_attr(
    not(feature = "sim"),
    allow(clippy::unused_self, reason = "without models there is one kernel only")
)]
impl System {
    /// Returns the model that is installed on this thread, or else the host's kernel.
    pub(crate) fn current() -> Self {
        Self {
            #[cfg(feature = "sim")]
            model: sim::Kernel::current(),
        }
    }

    /// Returns the model, and the mark that this thread is inside it.
    #[cfg(feature = "sim")]
    pub(super) fn model(&self) -> Option<(&sim::Kernel, sim::Inside)> {
        self.model.as_ref().map(|model| (model, sim::Inside::enter()))
    }

    /// Whether calls go to the same kernel.
    pub(crate) fn is(&self, other: &Self) -> bool {
        #[cfg(feature = "sim")]
        return match (&self.model, &other.model) {
            (Some(this), Some(other)) => this.is(other),
            (this, other) => this.is_none() && other.is_none(),
        };
        #[cfg(not(feature = "sim"))]
        {
            let _ = other;
            true
        }
    }

    /// Makes the request of jail_set(2).
    pub(crate) fn jail_set(&self, request: &mut [Slot<'_>], flags: c_int) -> Result<c_int, Errno> {
        let (iov, niov) = Slot::as_iovecs(request);
        // SAFETY: the slots are the iovecs, borrowed uniquely, and own the borrows of all memory they name.
        unsafe { self.jail_set_raw(iov, niov, flags) }
    }

    /// Makes the request of jail_get(2).
    pub(crate) fn jail_get(&self, request: &mut [Slot<'_>], flags: c_int) -> Result<c_int, Errno> {
        let (iov, niov) = Slot::as_iovecs(request);
        // SAFETY: the slots are the iovecs, borrowed uniquely, and own the borrows of all memory they name.
        unsafe { self.jail_get_raw(iov, niov, flags) }
    }

    /// # Safety
    ///
    /// As for [`super::jail_set`].
    pub(super) unsafe fn jail_set_raw(
        &self,
        iov: *mut iovec,
        niov: c_uint,
        flags: c_int,
    ) -> Result<c_int, Errno> {
        #[cfg(feature = "sim")]
        if let Some((model, _inside)) = self.model() {
            // SAFETY: the caller vouches for the iovecs and their memory.
            let mut pairs = unsafe { model_pairs(iov, niov) }?;
            return model.jail_set(&mut pairs, flags);
        }
        // SAFETY: the caller vouches for the iovecs and their memory.
        unsafe { kernel::jail_set(iov, niov, flags) }
    }

    /// # Safety
    ///
    /// As for [`super::jail_get`].
    pub(super) unsafe fn jail_get_raw(
        &self,
        iov: *mut iovec,
        niov: c_uint,
        flags: c_int,
    ) -> Result<c_int, Errno> {
        #[cfg(feature = "sim")]
        if let Some((model, _inside)) = self.model() {
            // SAFETY: the caller vouches for the iovecs and their memory.
            let mut pairs = unsafe { model_pairs(iov, niov) }?;
            return model.jail_get(&mut pairs, flags);
        }
        // SAFETY: the caller vouches for the iovecs and their memory.
        unsafe { kernel::jail_get(iov, niov, flags) }
    }

    /// # Safety
    ///
    /// As for [`super::jail`].
    pub(super) unsafe fn jail_raw(&self, jail: *mut bindings::jail) -> Result<c_int, Errno> {
        #[cfg(feature = "sim")]
        if let Some((model, _inside)) = self.model() {
            // SAFETY: the caller vouches for the structure and what it points at.
            return unsafe { super::legacy::on_model(model, jail) };
        }
        // SAFETY: the caller vouches for the structure and what it points at.
        unsafe { kernel::jail(jail) }
    }

    /// Calls jail_attach(2).
    pub(crate) fn jail_attach(&self, jid: c_int) -> Result<(), Errno> {
        #[cfg(feature = "sim")]
        if let Some((model, _inside)) = self.model() {
            return model.jail_attach(jid);
        }
        kernel::jail_attach(jid)
    }

    /// Calls jail_remove(2).
    pub(crate) fn jail_remove(&self, jid: c_int) -> Result<(), Errno> {
        #[cfg(feature = "sim")]
        if let Some((model, _inside)) = self.model() {
            return model.jail_remove(jid);
        }
        kernel::jail_remove(jid)
    }

    /// Calls jail_attach_jd(2), or fails with `ENOSYS` where the kernel has no descriptors.
    pub(crate) fn jail_attach_jd(&self, fd: c_int) -> Result<(), Errno> {
        if !self.has_descriptors() {
            return Err(Errno(libc::ENOSYS));
        }
        #[cfg(feature = "sim")]
        if let Some((model, _inside)) = self.model() {
            return model.jail_attach_jd(fd);
        }
        kernel::jail_attach_jd(fd)
    }

    /// Calls jail_remove_jd(2), or fails with `ENOSYS` where the kernel has no descriptors.
    pub(crate) fn jail_remove_jd(&self, fd: c_int) -> Result<(), Errno> {
        if !self.has_descriptors() {
            return Err(Errno(libc::ENOSYS));
        }
        #[cfg(feature = "sim")]
        if let Some((model, _inside)) = self.model() {
            return model.jail_remove_jd(fd);
        }
        kernel::jail_remove_jd(fd)
    }

    /// Calls sysctl(3) and returns how many bytes it wrote, or would write where `old` is `None`.
    pub(crate) fn sysctl(
        &self,
        mib: &[c_int],
        old: Option<&mut [u8]>,
        new: Option<&[u8]>,
    ) -> Result<usize, Errno> {
        #[cfg(feature = "sim")]
        if let Some((model, _inside)) = self.model() {
            return model.sysctl(mib, old, new);
        }
        kernel::sysctl(mib, old, new)
    }

    /// Calls fstat(2) on a descriptor that may be a jail's.
    pub(crate) fn fstat(&self, descriptor: BorrowedFd<'_>) -> Result<DescriptorStat, Errno> {
        #[cfg(feature = "sim")]
        if let Some((model, _inside)) = self.model() {
            if let Some(answer) = model.fstat(descriptor.as_raw_fd()) {
                return answer.map(|(mode, ino)| DescriptorStat { ino, mode });
            }
        }
        fd::host_fstat(descriptor.as_raw_fd()).map(|stat| DescriptorStat { ino: stat.ino, mode: stat.mode })
    }

    /// Returns the processes of a jail, of all that this process can see.
    pub(crate) fn processes(&self, jid: c_int) -> Result<Vec<u32>, Errno> {
        #[cfg(feature = "sim")]
        if let Some((model, _inside)) = self.model() {
            return Ok(model.pids(jid));
        }
        super::process::of_jail(jid)
    }

    /// Sends a signal to a process. Wraps kill(2).
    pub(crate) fn kill(&self, pid: u32, signal: c_int) -> Result<(), Errno> {
        #[cfg(feature = "sim")]
        if let Some((model, _inside)) = self.model() {
            return model.kill(pid, signal);
        }
        super::process::kill(pid, signal)
    }

    /// Returns the model, `None` where the calls go to the host's kernel.
    #[cfg(feature = "sim")]
    pub(crate) fn as_model(&self) -> Option<&sim::Kernel> {
        self.model.as_ref()
    }

    /// Reads a value of fixed size by its name, and returns how many bytes it has.
    pub(crate) fn sysctl_by_name(&self, name: &str, value: &mut [u8]) -> Result<usize, Errno> {
        self.sysctl(self.sysctl_mib(name)?.as_slice(), Some(value), None)
    }

    /// Returns the numbers that a name stands for.
    pub(crate) fn sysctl_mib(&self, name: &str) -> Result<Mib, Errno> {
        // What sysctlnametomib(3) does: node 3 of the tree's own level turns names into numbers.
        const NAME_TO_MIB: [c_int; 2] = [0, 3];
        const NUMBER: usize = size_of::<c_int>();
        let mut bytes = [0; MIB_MAX * NUMBER];
        let len = self.sysctl(&NAME_TO_MIB, Some(&mut bytes), Some(name.as_bytes()))?;
        let mut mib = Mib { numbers: [0; MIB_MAX], len: 0 };
        for (number, place) in bytes.chunks_exact(NUMBER).take(len / NUMBER).zip(&mut mib.numbers) {
            *place = number.try_into().map_or(0, c_int::from_ne_bytes);
            mib.len += 1;
        }
        Ok(mib)
    }

    /// Whether the kernel has jail descriptors, which came with FreeBSD 15.0.
    pub(crate) fn has_descriptors(&self) -> bool {
        self.features().descriptors()
    }

    /// Returns what the kernel has; found out once.
    pub(crate) fn features(&self) -> Features {
        self.all_features().as_assumed()
    }

    /// The same, whatever this thread assumes.
    pub(super) fn all_features(&self) -> Features {
        *self.cache().features.get_or_init(|| self.probe())
    }

    /// Returns where what is found out about this kernel is kept.
    pub(crate) fn cache(&self) -> &Cache {
        static KERNEL: Cache = Cache::new();
        #[cfg(feature = "sim")]
        if let Some(model) = &self.model {
            return model.cache();
        }
        &KERNEL
    }

    /// Asks about descriptor -1: a kernel that has descriptors says that it is not open, an older one that it
    /// knows no such flag. Changes nothing.
    fn probe(&self) -> Features {
        let mut desc = (-1 as c_int).to_ne_bytes();
        let mut request = [Slot::new(b"desc\0", Some(&mut desc))];
        match self.jail_get(&mut request, bindings::JAIL_USE_DESC) {
            Err(Errno(libc::ENOSYS)) => Features::new(false, false),
            Err(Errno(libc::EBADF)) => Features::new(true, true),
            _ => Features::new(true, false),
        }
    }
}

impl core::fmt::Debug for System {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        #[cfg(feature = "sim")]
        if self.model.is_some() {
            return f.write_str("model");
        }
        f.write_str("kernel")
    }
}

/// # Safety
///
/// As for [`super::slot::views`], of `niov` iovecs.
#[cfg(feature = "sim")]
unsafe fn model_pairs<'a>(iov: *mut iovec, niov: c_uint) -> Result<Vec<super::Pair<'a>>, Errno> {
    // The two checks that `sys_jail_set` and `copyinuio` make before anything is read.
    if niov % 2 == 1 || niov > 1024 {
        return Err(Errno(libc::EINVAL));
    }
    let pairs = usize::try_from(niov / 2).map_err(|_| Errno(libc::EINVAL))?;
    // SAFETY: the caller vouches for the iovecs and their memory.
    unsafe { super::slot::views(iov, pairs) }.ok_or(Errno(libc::EFAULT))
}
