//! System calls that fail on purpose, to see what becomes of a program then.

use core::ffi::c_int;
use core::iter;

use crate::raw::{Errno, Pair};

use super::kernel::Kernel;
use super::options::c_string;

/// What becomes of a system call. See [`Kernel::fault`].
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Fault {
    /// It does nothing, and fails with this error number.
    Errno(i32),
    /// The same, and these bytes are in `errmsg` as far as it has room for them, without a NUL. A call about parameters
    /// that has no `errmsg` is not the last to fail: the next one does, too.
    Text(i32, Vec<u8>),
    /// It succeeds, and says that each value, or what a sysctl gave, has this length. Other calls are as usual.
    Length(usize),
    /// It succeeds, and the values that [jail_get(2)] gives, or what a sysctl gave, consist of this byte. Other calls
    /// are as usual.
    ///
    /// [jail_get(2)]: https://man.freebsd.org/cgi/man.cgi?query=jail_get&sektion=2
    Filled(u8),
}

/// The fault that is to come.
#[derive(Debug, Default)]
pub(super) struct Faults {
    /// How many calls come before it, and what it is.
    next: Option<(u64, Fault)>,
    /// How many calls there have been.
    calls: u64,
    /// The call that the last fault hit.
    hit: Option<&'static str>,
}

impl Kernel {
    /// Makes one of the next system calls go wrong: after so many others, which are as usual.
    ///
    /// Calls about jails, their CPUs and their interfaces are counted, and [fstat(2)] of the model's descriptors,
    /// [sysctl(3)], [kqueue(2)] and [kevent(2)]. A later fault replaces one that has not come yet.
    ///
    /// ```
    /// use freebsd_jail::{ErrorKind, Jail, sim};
    ///
    /// let kernel = sim::Kernel::new();
    /// let _guard = kernel.install();
    /// let jail = Jail::builder().path("/").create()?;
    /// kernel.fault(0, sim::Fault::Errno(libc::ENOMEM));
    /// let error = jail.info().unwrap_err();
    /// assert_eq!((error.kind(), error.errno()), (ErrorKind::ResourceExhausted, Some(libc::ENOMEM)));
    /// assert!(jail.info().is_ok());
    /// # Ok::<_, freebsd_jail::Error>(())
    /// ```
    ///
    /// [fstat(2)]: https://man.freebsd.org/cgi/man.cgi?query=fstat&sektion=2
    /// [sysctl(3)]: https://man.freebsd.org/cgi/man.cgi?query=sysctl&sektion=3
    /// [kqueue(2)]: https://man.freebsd.org/cgi/man.cgi?query=kqueue&sektion=2
    /// [kevent(2)]: https://man.freebsd.org/cgi/man.cgi?query=kevent&sektion=2
    pub fn fault(&self, after: u64, fault: Fault) {
        let faults = &mut self.state().faults;
        (faults.next, faults.hit) = (Some((after, fault)), None);
    }

    /// Cancels a fault that has not come yet; says whether there was one.
    #[must_use = "a fault that never came has shown nothing"]
    pub fn cancel_fault(&self) -> bool {
        self.state().faults.next.take().is_some()
    }

    /// Returns the name of the system call that the last fault hit, such as `"jail_remove"`. `None` before any has, and
    /// after [`fault`](Self::fault).
    ///
    /// ```
    /// use freebsd_jail::{Jail, sim};
    ///
    /// let kernel = sim::Kernel::new();
    /// let _guard = kernel.install();
    /// kernel.fault(0, sim::Fault::Errno(libc::ENOMEM));
    /// assert_eq!(kernel.faulted(), None);
    /// Jail::open("www").unwrap_err();
    /// assert_eq!(kernel.faulted(), Some("jail_get"));
    /// ```
    #[must_use]
    pub fn faulted(&self) -> Option<&'static str> {
        self.state().faults.hit
    }

    /// How many system calls have been counted towards faults.
    #[must_use]
    pub fn faultable_calls(&self) -> u64 {
        self.state().faults.calls
    }

    /// Counts a call: fails if it is to, and returns what else is to become of it.
    pub(super) fn begin(
        &self,
        call: &'static str,
        request: Option<&mut [Pair<'_>]>,
    ) -> Result<Option<Fault>, Errno> {
        let Some(fault) = self.state().faults.count(call) else { return Ok(None) };
        match fault {
            Fault::Errno(errno) => Err(Errno(errno)),
            Fault::Text(errno, text) => {
                if let Some(pairs) = request {
                    match pairs.iter_mut().find(|pair| c_string(pair.name) == b"errmsg") {
                        Some(pair) => {
                            let room = pair.value.as_deref_mut().unwrap_or_default();
                            for (place, byte) in iter::zip(room, &text) {
                                *place = *byte;
                            }
                        }
                        None => self.state().faults.next = Some((0, Fault::Text(errno, text))),
                    }
                }
                Err(Errno(errno))
            }
            other => Ok(Some(other)),
        }
    }
}

impl Faults {
    fn count(&mut self, call: &'static str) -> Option<Fault> {
        self.calls += 1;
        match &mut self.next {
            Some((0, _)) => {
                self.hit = Some(call);
                self.next.take().map(|(_, fault)| fault)
            }
            Some((after, _)) => {
                *after -= 1;
                None
            }
            None => None,
        }
    }
}

impl Fault {
    /// Spoils the values of a request that has been answered. What identifies a descriptor stays: it is open.
    pub(super) fn spoil(&self, request: &mut [Pair<'_>]) {
        for pair in request.iter_mut().filter(|pair| !matches!(c_string(pair.name), b"desc" | b"errmsg")) {
            match self {
                Self::Length(len) => *pair.len = *len,
                Self::Filled(byte) => pair.value.as_deref_mut().unwrap_or_default().fill(*byte),
                Self::Errno(_) | Self::Text(..) => {}
            }
        }
    }

    /// Spoils the answer of a sysctl, and returns the length that it is said to have.
    pub(super) fn spoil_value(&self, value: Option<&mut [u8]>, len: usize) -> usize {
        match self {
            Self::Length(len) => return *len,
            Self::Filled(byte) => value.unwrap_or_default().fill(*byte),
            Self::Errno(_) | Self::Text(..) => {}
        }
        len
    }
}

/// Spoils the values of a request, if the call has succeeded. The jid that it returned stays: a jail has one whatever else
/// is wrong.
pub(super) fn spoil_answer(
    fault: Option<&Fault>,
    request: &mut [Pair<'_>],
    answer: Result<c_int, Errno>,
) -> Result<c_int, Errno> {
    if let (Some(fault), Ok(_)) = (fault, &answer) {
        fault.spoil(request);
    }
    answer
}
