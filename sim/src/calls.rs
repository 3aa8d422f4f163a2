//! Counts of system calls.

/// How often each system call of a [`Kernel`](super::Kernel) was made since it started or since
/// [`Kernel::reset_calls`](super::Kernel::reset_calls).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Calls {
    /// [jail_set(2)](https://man.freebsd.org/cgi/man.cgi?query=jail_set&sektion=2).
    pub jail_set: u64,
    /// [jail_get(2)](https://man.freebsd.org/cgi/man.cgi?query=jail_get&sektion=2).
    pub jail_get: u64,
    /// [jail_attach(2)](https://man.freebsd.org/cgi/man.cgi?query=jail_attach&sektion=2).
    pub jail_attach: u64,
    /// [jail_remove(2)](https://man.freebsd.org/cgi/man.cgi?query=jail_remove&sektion=2).
    pub jail_remove: u64,
    /// `jail_attach_jd`.
    pub jail_attach_jd: u64,
    /// `jail_remove_jd`.
    pub jail_remove_jd: u64,
    /// [jail(2)](https://man.freebsd.org/cgi/man.cgi?query=jail&sektion=2).
    pub jail: u64,
    /// [fstat(2)](https://man.freebsd.org/cgi/man.cgi?query=fstat&sektion=2) of one of the model's descriptors.
    pub fstat: u64,
    /// [sysctl(3)](https://man.freebsd.org/cgi/man.cgi?query=sysctl&sektion=3).
    pub sysctl: u64,
    /// [kqueue(2)](https://man.freebsd.org/cgi/man.cgi?query=kqueue&sektion=2).
    pub kqueue: u64,
    /// [kevent(2)](https://man.freebsd.org/cgi/man.cgi?query=kevent&sektion=2).
    pub kevent: u64,
    /// [ioctl(2)](https://man.freebsd.org/cgi/man.cgi?query=ioctl&sektion=2) of a network interface.
    pub ioctl: u64,
}

impl Calls {
    /// The sum of all.
    #[must_use]
    pub const fn total(&self) -> u64 {
        self.jail_set
            + self.jail_get
            + self.jail_attach
            + self.jail_remove
            + self.jail_attach_jd
            + self.jail_remove_jd
            + self.jail
            + self.fstat
            + self.sysctl
            + self.kqueue
            + self.kevent
            + self.ioctl
    }
}
