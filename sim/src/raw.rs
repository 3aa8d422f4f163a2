//! The system calls of the model: requests of names and values, and error numbers.
//!
//! This is for tools that compare the model with recordings of kernels, and for tests that send requests which the
//! crate refuses. **It is not covered by semantic versioning**: it follows the model's implementation. Tests of
//! programs do not need it. Until freebsd-jail makes its first call, of any kernel, new descriptors are close-on-exec.
//!
//! ```
//! use freebsd_jail::sim::{Kernel, raw::Pair};
//!
//! let kernel = Kernel::new();
//! let (mut jid, mut len) = (7_i32.to_ne_bytes(), 4);
//! let mut request = [Pair { name: b"jid\0", value: Some(&mut jid), len: &mut len }];
//! let error = kernel.raw().jail_get(&mut request, 0).unwrap_err();
//! assert_eq!(error.0, libc::ENOENT);
//! ```

use core::ffi::c_int;
use std::os::fd::{BorrowedFd, OwnedFd};

pub use super::errno::Errno;
pub use super::legacy::Legacy;
pub use super::pair::Pair;
pub use super::queue::Event;

use super::fault::spoil_answer;
use super::kernel::Kernel;
use super::kevent::{EV_ADD, EVFILT_JAIL, Kevent};
use super::moment::{self, Moment};
use super::timer;

/// The system calls of a [`Kernel`], from [`Kernel::raw`]. The process that the calling thread acts as makes them.
#[derive(Debug, Clone, Copy)]
pub struct Syscalls<'k>(&'k Kernel);

impl Kernel {
    /// The system calls themselves, for tools that replay recordings. See [`sim::raw`](self).
    #[must_use]
    pub fn raw(&self) -> Syscalls<'_> {
        Syscalls(self)
    }
}

impl Syscalls<'_> {
    /// [jail_set(2)]: makes or changes a jail.
    ///
    /// # Errors
    ///
    /// Those of jail_set(2), with the kernel's message in the request's `errmsg`.
    ///
    /// [jail_set(2)]: https://man.freebsd.org/cgi/man.cgi?query=jail_set&sektion=2
    pub fn jail_set(self, request: &mut [Pair<'_>], flags: c_int) -> Result<c_int, Errno> {
        self.0.begin("jail_set", Some(request))?;
        let _attaching = self.0.attaching_if(flags);
        let early = self.0.early_descriptor(flags);
        let (mut state, pid) = self.0.enter("jail_set");
        state.calls.jail_set += 1;
        state.early = early;
        let result = state.sys_jail_set(pid, request, flags);
        state.drop_early();
        let unbound = state.unbound.take();
        drop(state);
        if let Some(unbound) = unbound {
            self.0.bind(&unbound);
        }
        result
    }

    /// [jail_get(2)]: reads a jail's parameters.
    ///
    /// # Errors
    ///
    /// Those of jail_get(2), with the kernel's message in the request's `errmsg`.
    ///
    /// # Panics
    ///
    /// If the request has a parameter named exactly `meta.` or `env.`, on releases that have these: it would hang the
    /// kernel (T16); [`sprung`](Kernel::sprung) records it.
    ///
    /// [jail_get(2)]: https://man.freebsd.org/cgi/man.cgi?query=jail_get&sektion=2
    pub fn jail_get(self, request: &mut [Pair<'_>], flags: c_int) -> Result<c_int, Errno> {
        let fault = self.0.begin("jail_get", Some(request))?;
        self.0.looked_up("jail_get", moment::number_used(request, flags));
        let (mut state, pid) = self.0.enter("jail_get");
        state.calls.jail_get += 1;
        if state.release.meta {
            state.refuse_to_hang(request);
        }
        let answer = state.sys_jail_get(pid, request, flags);
        spoil_answer(fault.as_ref(), request, answer)
    }

    /// [jail_attach(2)]: attaches the process to a jail.
    ///
    /// # Errors
    ///
    /// Those of jail_attach(2).
    ///
    /// [jail_attach(2)]: https://man.freebsd.org/cgi/man.cgi?query=jail_attach&sektion=2
    pub fn jail_attach(self, jid: c_int) -> Result<(), Errno> {
        self.0.begin("jail_attach", None)?;
        let _attaching = self.0.attaching("jail_attach");
        let (mut state, pid) = self.0.enter("jail_attach");
        state.calls.jail_attach += 1;
        state.sys_jail_attach(pid, jid)
    }

    /// [jail_remove(2)]: removes a jail and those below it, and kills their processes.
    ///
    /// # Errors
    ///
    /// Those of jail_remove(2).
    ///
    /// [jail_remove(2)]: https://man.freebsd.org/cgi/man.cgi?query=jail_remove&sektion=2
    pub fn jail_remove(self, jid: c_int) -> Result<(), Errno> {
        self.0.begin("jail_remove", None)?;
        let (mut state, pid) = self.0.enter("jail_remove");
        state.calls.jail_remove += 1;
        state.sys_jail_remove(pid, jid)
    }

    /// `jail_attach_jd`: attaches the process to a descriptor's jail.
    ///
    /// # Errors
    ///
    /// `EBADF`, `EINVAL` if it is not a jail descriptor, `ENOENT` for a dead jail, `EPERM`; `ENOSYS` if the release has
    /// no descriptors, where a real kernel kills the process.
    pub fn jail_attach_jd(self, fd: c_int) -> Result<(), Errno> {
        self.0.begin("jail_attach_jd", None)?;
        self.0.looked_up("jail_attach_jd", Some(fd));
        let _attaching = self.0.attaching("jail_attach_jd");
        let (mut state, pid) = self.0.enter("jail_attach_jd");
        state.calls.jail_attach_jd += 1;
        state.check_has_descriptors()?;
        state.sys_jail_attach_jd(pid, fd)
    }

    /// `jail_remove_jd`: removes a descriptor's jail.
    ///
    /// # Errors
    ///
    /// As [`Self::jail_attach_jd`].
    pub fn jail_remove_jd(self, fd: c_int) -> Result<(), Errno> {
        self.0.begin("jail_remove_jd", None)?;
        let (mut state, pid) = self.0.enter("jail_remove_jd");
        state.calls.jail_remove_jd += 1;
        state.check_has_descriptors()?;
        state.sys_jail_remove_jd(pid, fd)
    }

    /// [jail(2)]: creates a jail and attaches the process to it.
    ///
    /// # Errors
    ///
    /// Those of jail(2).
    ///
    /// [jail(2)]: https://man.freebsd.org/cgi/man.cgi?query=jail&sektion=2
    pub fn jail(self, jail: &Legacy<'_>) -> Result<c_int, Errno> {
        self.0.begin("jail", None)?;
        let _attaching = self.0.attaching("jail");
        let (mut state, pid) = self.0.enter("jail");
        state.calls.jail += 1;
        state.sys_jail(pid, jail)
    }

    /// [fstat(2)] of a jail descriptor: its mode and inode, or `None` if it does not belong to this kernel.
    ///
    /// For a living jail the mode is `0o100700` and the inode is the jid, for a dead one `0o100000` and 0.
    ///
    /// [fstat(2)]: https://man.freebsd.org/cgi/man.cgi?query=fstat&sektion=2
    #[must_use]
    pub fn fstat(self, fd: c_int) -> Option<Result<(u32, u64), Errno>> {
        let (mut state, _) = self.0.enter("fstat");
        let answer = state.stat_descriptor(fd)?;
        state.calls.fstat += 1;
        drop(state);
        Some(self.0.begin("fstat", None).and(answer))
    }

    /// [setuid(2)]: makes the process another user.
    ///
    /// # Errors
    ///
    /// `EPERM` if the process is not root.
    ///
    /// [setuid(2)]: https://man.freebsd.org/cgi/man.cgi?query=setuid&sektion=2
    pub fn setuid(self, uid: u32) -> Result<(), Errno> {
        let (mut state, pid) = self.0.enter("setuid");
        state.setuid(pid, uid)
    }

    /// [sysctl(3)] by OID: reads into `old` and returns the value's length. Without `old` it only returns the length.
    ///
    /// The tree has `security.jail`, including the parameters, and those names of `kern` that differ between jails. The
    /// OIDs `[0, 1]` to `[0, 5]` return names, the next OID, the OID of the name in `new`, formats and descriptions. No
    /// value can be set.
    ///
    /// # Errors
    ///
    /// `ENOENT` for an unknown OID, `EISDIR` for a node, `ENOMEM` if `old` is too small (it is filled), `EPERM` when a
    /// value is to be set.
    ///
    /// [sysctl(3)]: https://man.freebsd.org/cgi/man.cgi?query=sysctl&sektion=3
    pub fn sysctl(
        self,
        mib: &[c_int],
        mut old: Option<&mut [u8]>,
        new: Option<&[u8]>,
    ) -> Result<usize, Errno> {
        let fault = self.0.begin("sysctl", None)?;
        let (mut state, pid) = self.0.enter("sysctl");
        state.calls.sysctl += 1;
        let len = state.sys_sysctl(pid, mib, old.as_deref_mut(), new)?;
        Ok(fault.map_or(len, |fault| fault.spoil_value(old, len)))
    }

    /// [kqueue(2)]: makes an event queue. It has the filters `EVFILT_JAIL` and `EVFILT_JAILDESC` only.
    ///
    /// # Errors
    ///
    /// `EMFILE` and `ENFILE`.
    ///
    /// [kqueue(2)]: https://man.freebsd.org/cgi/man.cgi?query=kqueue&sektion=2
    pub fn kqueue(self) -> Result<OwnedFd, Errno> {
        self.0.begin("kqueue", None)?;
        let (mut state, pid) = self.0.enter("kqueue");
        state.calls.kqueue += 1;
        state.sys_kqueue(pid)
    }

    /// [kevent(2)] that adds or changes a watch.
    ///
    /// # Errors
    ///
    /// `ENOENT` for a jail that does not exist, `EBADF`, `EINVAL` for another filter, before FreeBSD 15, and if it is
    /// not a jail descriptor.
    ///
    /// [kevent(2)]: https://man.freebsd.org/cgi/man.cgi?query=kevent&sektion=2
    pub fn kevent_add(
        self,
        queue: BorrowedFd<'_>,
        filter: i16,
        ident: usize,
        fflags: u32,
        udata: usize,
    ) -> Result<(), Errno> {
        let change = Kevent { ident, filter, flags: EV_ADD, fflags, udata, ..Kevent::default() };
        self.kevent_change(queue, change)
    }

    /// [kevent(2)] that takes one event, if there is one, and does not wait.
    ///
    /// # Errors
    ///
    /// `EBADF` if it is not a queue of the model.
    ///
    /// [kevent(2)]: https://man.freebsd.org/cgi/man.cgi?query=kevent&sektion=2
    pub fn kevent_take(self, queue: BorrowedFd<'_>) -> Result<Option<Event>, Errno> {
        let mut events = [Kevent::default()];
        let count = self.kevent_read(queue, &mut events, true)?;
        let [Kevent { ident, filter, flags, fflags, data, udata, .. }] = events;
        Ok((count > 0).then_some(Event { ident, filter, flags, fflags, data, udata }))
    }

    /// kevent(2) with a change.
    pub(crate) fn kevent_change(self, queue: BorrowedFd<'_>, change: Kevent) -> Result<(), Errno> {
        self.0.begin("kevent", None)?;
        let (mut state, pid) = self.0.enter("kevent");
        state.calls.kevent += 1;
        let change = timer::numbered(change);
        let Some(watch) = state.sys_kevent_change(pid, queue, change)? else { return Ok(()) };
        if change.filter == EVFILT_JAIL {
            drop(state);
            self.0.reach(Moment::Watch);
            state = self.0.state();
        }
        state.add_knote(&watch);
        drop(state);
        self.0.start_timer(watch, change)
    }

    /// Takes events without waiting, as kevent(2) does each time it wakes up. Only the first time is counted.
    pub(crate) fn kevent_read(
        self,
        queue: BorrowedFd<'_>,
        events: &mut [Kevent],
        first: bool,
    ) -> Result<usize, Errno> {
        if first {
            self.0.begin("kevent", None)?;
        }
        let (mut state, pid) = self.0.enter("kevent");
        state.calls.kevent += u64::from(first);
        state.sys_kevent_read(pid, queue, events)
    }
}
