//! Dispatches calls to the kernel or to a model of it.

use core::ffi::{c_int, c_uint};
use core::sync::atomic::{AtomicU32, Ordering};
use std::os::fd::{AsRawFd, BorrowedFd};

#[cfg(feature = "sim")]
use freebsd_jail_sim::{self as sim, seam};
use libc::iovec;

use super::features::{Cache, Features};
use super::lock::{self, Attaching};
use super::{Errno, Process, ProcessMark, SetSlot, Slot, bindings, fd, kernel};

/// The kernel that a handle belongs to.
///
/// Taken once, when a handle is made, and kept in it: a model's handle that is sent to another thread must never act on
/// the real kernel's jail of the same jid, and a handle with a descriptor must not assume later that there are no
/// descriptors. Without feature `sim` it has no size.
#[derive(Clone)]
pub(crate) struct System {
    #[cfg(feature = "sim")]
    model: Option<sim::Kernel>,
    /// The features to use, `None` for all that the kernel has.
    #[cfg(feature = "sim")]
    assumed: Option<Features>,
}

/// How many times this process has attached to a jail.
static ENTRIES: AtomicU32 = AtomicU32::new(0);

/// Counts a call that has succeeded, if it attached to a jail.
fn counted<T>(attaches: bool, result: Result<T, Errno>) -> Result<T, Errno> {
    if attaches && result.is_ok() {
        ENTRIES.fetch_add(1, Ordering::Relaxed);
    }
    result
}

/// The fields of fstat(2) for a jail descriptor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct DescriptorStat {
    /// The jail's jid, 0 once it has died.
    pub(crate) ino: u64,
}

/// The maximum length of a sysctl's OID: `CTL_MAXNAME`.
const MIB_MAX: usize = 24;

/// A sysctl's OID.
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
            model: seam::current(),
            #[cfg(feature = "sim")]
            assumed: Features::assumed(),
        }
    }

    /// Returns the mark of the calling process, including the model's process that it acts as.
    pub(crate) fn process(&self) -> ProcessMark {
        #[cfg(feature = "sim")]
        let pid = self.model.as_ref().map_or(0, |model| model.process().pid());
        #[cfg(not(feature = "sim"))]
        let pid = 0;
        ProcessMark::current(pid)
    }

    /// Returns how many times this process has attached to a jail by this crate. A child continues from its parent's
    /// count.
    pub(crate) fn entries() -> u32 {
        ENTRIES.load(Ordering::Relaxed)
    }

    /// Returns the model, and the mark that this thread is inside it.
    ///
    /// # Errors
    ///
    /// `ENOSYS` in a process that was forked from the model's: what it has is a copy.
    #[cfg(feature = "sim")]
    pub(super) fn model(&self) -> Result<Option<(&sim::Kernel, seam::Inside)>, Errno> {
        let Some(model) = self.model.as_ref() else { return Ok(None) };
        let inside = seam::enter(model).ok_or(Errno(libc::ENOSYS))?;
        Ok(Some((model, inside)))
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
    pub(crate) fn jail_set(&self, request: &mut [SetSlot<'_>], flags: c_int) -> Result<c_int, Errno> {
        let (iov, niov) = SetSlot::as_iovecs(request);
        // SAFETY: the slots are the iovecs, borrowed uniquely, and own the borrows of all memory they name: unique ones
        // of the values that are written.
        unsafe { self.jail_set_raw(iov, niov, flags) }
    }

    /// Makes a request of jail_set(2) that attaches, without taking the lock: in a child that was forked for a program,
    /// or by a caller that holds the lock.
    pub(super) fn jail_set_unlocked(&self, request: &mut [Slot<'_>], flags: c_int) -> Result<c_int, Errno> {
        let (iov, niov) = Slot::as_iovecs(request);
        // SAFETY: the slots are the iovecs, borrowed uniquely, and own the borrows of all memory they name.
        unsafe { self.jail_set_raw_unlocked(iov, niov, flags) }
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
        let _attaching = if flags & bindings::JAIL_ATTACH == 0 { None } else { self.attaching() };
        // SAFETY: the caller vouches for the iovecs and their memory.
        unsafe { self.jail_set_raw_unlocked(iov, niov, flags) }
    }

    /// # Safety
    ///
    /// As for [`super::jail_set`].
    unsafe fn jail_set_raw_unlocked(
        &self,
        iov: *mut iovec,
        niov: c_uint,
        flags: c_int,
    ) -> Result<c_int, Errno> {
        let attaches = flags & bindings::JAIL_ATTACH != 0;
        #[cfg(feature = "sim")]
        if let Some((model, _inside)) = self.model()? {
            let mut copies = Vec::new();
            // SAFETY: the caller vouches for the iovecs and their memory.
            let mut pairs = unsafe { model_pairs(iov, niov, Some(&mut copies)) }?;
            return counted(attaches, model.raw().jail_set(&mut pairs, flags).map_err(Errno::from));
        }
        // SAFETY: the caller vouches for the iovecs and their memory.
        counted(attaches, unsafe { kernel::jail_set(iov, niov, flags) })
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
        if let Some((model, _inside)) = self.model()? {
            // SAFETY: the caller vouches for the iovecs and their memory.
            let mut pairs = unsafe { model_pairs(iov, niov, None) }?;
            return Ok(model.raw().jail_get(&mut pairs, flags)?);
        }
        // SAFETY: the caller vouches for the iovecs and their memory.
        unsafe { kernel::jail_get(iov, niov, flags) }
    }

    /// # Safety
    ///
    /// As for [`super::jail`].
    pub(super) unsafe fn jail_raw(&self, jail: *mut bindings::jail) -> Result<c_int, Errno> {
        let _attaching = self.attaching();
        #[cfg(feature = "sim")]
        if let Some((model, _inside)) = self.model()? {
            // SAFETY: the caller vouches for the structure and what it points at.
            return counted(true, unsafe { super::legacy::on_model(model, jail) });
        }
        // SAFETY: the caller vouches for the structure and what it points at.
        counted(true, unsafe { kernel::jail(jail) })
    }

    /// Calls jail_attach(2).
    pub(crate) fn jail_attach(&self, jid: c_int) -> Result<(), Errno> {
        let _attaching = self.attaching();
        #[cfg(feature = "sim")]
        if let Some((model, _inside)) = self.model()? {
            return counted(true, model.raw().jail_attach(jid).map_err(Errno::from));
        }
        counted(true, kernel::jail_attach(jid))
    }

    /// Calls jail_attach(2) without taking the lock, as [`jail_set_unlocked`](Self::jail_set_unlocked) does.
    pub(super) fn jail_attach_unlocked(jid: c_int) -> Result<(), Errno> {
        counted(true, kernel::jail_attach(jid))
    }

    /// Keeps other threads of this process from attaching and from starting programs meanwhile (T42, T43). A modelled
    /// child process has a lock of its own, which nothing else takes.
    #[cfg_attr(not(feature = "sim"), allow(clippy::unnecessary_wraps, reason = "a model's child takes none"))]
    fn attaching(&self) -> Option<Attaching> {
        #[cfg(feature = "sim")]
        if self.model.as_ref().is_some_and(seam::acts_as_forked) {
            return None;
        }
        Some(lock::attaching())
    }

    /// Calls jail_remove(2).
    pub(crate) fn jail_remove(&self, jid: c_int) -> Result<(), Errno> {
        #[cfg(feature = "sim")]
        if let Some((model, _inside)) = self.model()? {
            return Ok(model.raw().jail_remove(jid)?);
        }
        kernel::jail_remove(jid)
    }

    /// Calls jail_attach_jd(2), or fails with `ENOSYS` where the kernel has no descriptors.
    pub(crate) fn jail_attach_jd(&self, fd: BorrowedFd<'_>) -> Result<(), Errno> {
        if !self.has_descriptors() {
            return Err(Errno(libc::ENOSYS));
        }
        let _attaching = self.attaching();
        #[cfg(feature = "sim")]
        if let Some((model, _inside)) = self.model()? {
            return counted(true, model.raw().jail_attach_jd(fd.as_raw_fd()).map_err(Errno::from));
        }
        counted(true, kernel::jail_attach_jd(fd.as_raw_fd()))
    }

    /// Calls jail_remove_jd(2), or fails with `ENOSYS` where the kernel has no descriptors.
    pub(crate) fn jail_remove_jd(&self, fd: BorrowedFd<'_>) -> Result<(), Errno> {
        if !self.has_descriptors() {
            return Err(Errno(libc::ENOSYS));
        }
        #[cfg(feature = "sim")]
        if let Some((model, _inside)) = self.model()? {
            return Ok(model.raw().jail_remove_jd(fd.as_raw_fd())?);
        }
        kernel::jail_remove_jd(fd.as_raw_fd())
    }

    /// Calls sysctl(3) and returns how many bytes it wrote, or would write if `old` is `None`.
    pub(crate) fn sysctl(
        &self,
        mib: &[c_int],
        old: Option<&mut [u8]>,
        new: Option<&[u8]>,
    ) -> Result<usize, Errno> {
        #[cfg(feature = "sim")]
        if let Some((model, _inside)) = self.model()? {
            return Ok(model.raw().sysctl(mib, old, new)?);
        }
        kernel::sysctl(mib, old, new)
    }

    /// Calls fstat(2) on a descriptor that may be a jail's.
    pub(crate) fn fstat(&self, descriptor: BorrowedFd<'_>) -> Result<DescriptorStat, Errno> {
        #[cfg(feature = "sim")]
        if let Some((model, _inside)) = self.model()? {
            if let Some(answer) = model.raw().fstat(descriptor.as_raw_fd()) {
                let (_, ino) = answer?;
                return Ok(DescriptorStat { ino });
            }
        }
        fd::host_fstat(descriptor.as_raw_fd()).map(|stat| DescriptorStat { ino: stat.ino })
    }

    /// Returns those living processes of a jail that this process can see.
    pub(crate) fn processes(&self, jid: c_int) -> Result<Vec<u32>, Errno> {
        // A zombie is not alive: only its status is left.
        let living = |process: &Process| !process.is_zombie;
        let processes = self.processes_and_zombies(jid)?.into_iter();
        Ok(processes.filter(living).map(|process| process.pid).collect())
    }

    /// The same, with zombies.
    pub(crate) fn processes_and_zombies(&self, jid: c_int) -> Result<Vec<Process>, Errno> {
        let mut processes = self.process_table()?;
        processes.retain(|process| process.jid == jid);
        Ok(processes)
    }

    /// Returns all processes, zombies included, that this process can see.
    pub(crate) fn process_table(&self) -> Result<Vec<Process>, Errno> {
        #[cfg(feature = "sim")]
        if let Some((model, _inside)) = self.model()? {
            return Ok(seam::process_table(model).into_iter().map(Process::from).collect());
        }
        super::process::table()
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

    /// Resolves a sysctl name to its OID.
    pub(crate) fn sysctl_mib(&self, name: &str) -> Result<Mib, Errno> {
        // As sysctlnametomib(3): OID {0, 3} resolves names.
        const NAME_TO_MIB: [c_int; 2] = [0, 3];
        const NUMBER: usize = size_of::<c_int>();
        let mut bytes = [[0; NUMBER]; MIB_MAX];
        let len = self.sysctl(&NAME_TO_MIB, Some(bytes.as_flattened_mut()), Some(name.as_bytes()))?;
        let mut mib = Mib { numbers: [0; MIB_MAX], len: 0 };
        for (number, place) in bytes.into_iter().take(len / NUMBER).zip(&mut mib.numbers) {
            *place = c_int::from_ne_bytes(number);
            mib.len += 1;
        }
        Ok(mib)
    }

    /// Whether the kernel has jail descriptors, which came with FreeBSD 15.0.
    pub(crate) fn has_descriptors(&self) -> bool {
        self.features().has_descriptors()
    }

    /// Returns the kernel's features, found out once.
    pub(crate) fn features(&self) -> Features {
        let features = self.all_features();
        #[cfg(feature = "sim")]
        if let Some(assumed) = self.assumed {
            return features.and(assumed);
        }
        features
    }

    /// The same, regardless of what was assumed when the handle was made.
    pub(super) fn all_features(&self) -> Features {
        let known = &self.cache().features;
        known.get().copied().unwrap_or_else(|| {
            let (features, certain) = self.probe();
            if certain {
                let _ = known.set(features);
            }
            features
        })
    }

    /// Returns the cache of this kernel.
    pub(crate) fn cache(&self) -> &Cache {
        static KERNEL: Cache = Cache::new();
        #[cfg(feature = "sim")]
        if let Some(model) = &self.model {
            // It keeps no other value, since each version of this crate has a model of its own.
            return seam::companion(model, Cache::new).unwrap_or(&KERNEL);
        }
        &KERNEL
    }

    /// Calls jail_get(2) with descriptor -1, and returns whether the answer is final. Changes nothing.
    fn probe(&self) -> (Features, bool) {
        let mut desc = (-1 as c_int).to_ne_bytes();
        let mut request = [Slot::new(b"desc\0", Some(&mut desc))];
        features_by(self.jail_get(&mut request, bindings::JAIL_USE_DESC).map(drop))
    }
}

/// Derives the features from the answer about descriptor -1. `EBADF` means that the kernel has descriptors, `EINVAL`
/// that it lacks the flag. Any other answer, as in capability mode, may change.
fn features_by(answer: Result<(), Errno>) -> (Features, bool) {
    match answer {
        Err(Errno(libc::ENOSYS)) => (Features::new(false, false), true),
        Err(Errno(libc::EBADF)) => (Features::new(true, true), true),
        Err(Errno(libc::EINVAL)) => (Features::new(true, false), true),
        _ => (Features::new(true, false), false),
    }
}

/// Whether this process has been refused the copy of a model that it has inherited.
#[cfg(feature = "sim")]
pub(crate) fn is_stranded() -> bool {
    seam::is_stranded()
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
unsafe fn model_pairs(
    iov: *mut iovec,
    niov: c_uint,
    copies: Option<&mut Vec<Vec<u8>>>,
) -> Result<Vec<sim::raw::Pair<'_>>, Errno> {
    // The two checks of `sys_jail_set` and `copyinuio` before anything is read.
    if niov % 2 == 1 || niov > 1024 {
        return Err(Errno(libc::EINVAL));
    }
    let pairs = usize::try_from(niov / 2).map_err(|_| Errno(libc::EINVAL))?;
    // SAFETY: the caller vouches for the iovecs and their memory.
    unsafe { super::slot::views(iov, pairs, copies) }.ok_or(Errno(libc::EFAULT))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_an_answer_that_tells_whether_there_are_descriptors_is_remembered() {
        let with = |errno| features_by(Err(Errno(errno)));
        assert_eq!(with(libc::EBADF), (Features::new(true, true), true));
        assert_eq!(with(libc::EINVAL), (Features::new(true, false), true));
        assert_eq!(with(libc::ENOSYS), (Features::new(false, false), true));
        for errno in [libc::ENOMEM, libc::EPERM, libc::EINTR, 94] {
            assert_eq!(with(errno), (Features::new(true, false), false), "{errno}");
        }
    }
}
