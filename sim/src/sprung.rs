//! A list of the calls that would have harmed a real kernel. The model answers them and goes on.

use super::kernel::Kernel;
use super::state::State;

/// The harm that a call does to a kernel.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Effect {
    /// The kernel panics.
    Panic,
    /// Jail calls of any process never return.
    Hang,
    /// The kernel's memory or reference counts are corrupted.
    Corruption,
    /// Objects of a jail or its processes are lost, or a removed jail stays dying for ever.
    Loss,
    /// A program of the jail runs with the credential of the host.
    Escape,
}

/// A call that would have harmed a real kernel. See [`Kernel::sprung`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Sprung {
    /// The number of the trap: 39 for T39. `None` for those of [mac_do(4)], which have none.
    ///
    /// [mac_do(4)]: https://man.freebsd.org/cgi/man.cgi?query=mac_do&sektion=4
    pub trap: Option<u8>,
    /// The system call: `jail_set`, `jail_get`, `jail_attach`, `jail_remove`, `jail_attach_jd`, `jail_remove_jd`,
    /// `jail`, `kevent`, `sysctl` or `close`.
    pub call: &'static str,
    /// The harm done.
    pub effect: Effect,
}

impl Kernel {
    /// Returns the calls so far that would have harmed a real kernel of this release, oldest first.
    ///
    /// The model answers such a call and goes on. A test can assert that the code under test makes none:
    ///
    /// ```
    /// use freebsd_jail::{Jail, sim};
    ///
    /// # fn main() -> freebsd_jail::Result<()> {
    /// let kernel = sim::Kernel::new();
    /// let _guard = kernel.install();
    /// let jail = Jail::builder().path("/").create()?;
    /// // ... the code under test
    /// # drop(jail);
    /// assert_eq!(kernel.sprung(), []);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// | trap | when it is recorded |
    /// |---|---|
    /// | T3 | `AT_DESC` with a bad descriptor, or one whose jail has died |
    /// | T16 | jail_get with a malformed name below `meta` or `env`; the model panics as well |
    /// | T23 | `EVFILT_JAIL` is added by jid, whether or not a removal comes in between |
    /// | T38 | `EVFILT_JAIL` with ident 0 is added inside a jail, whether or not the jail is removed at that moment |
    /// | T39 | a name with fewer dots than its jail's depth is returned, by jail_get or `security.jail.list` |
    /// | T40 | with [`set_racct`](Self::set_racct), a jail is given another name while it or a jail below has a process |
    /// | T41 | a living jail's own System V objects are removed: a panic with `sysvshm`, a loss with the others |
    /// | T42 | a process starts to attach to a jail while another thread of it is attaching to one |
    /// | T43 | a process forks while another thread of it is attaching to a jail |
    /// | T44 | an owning descriptor is closed for the last time while another thread's call uses it |
    /// | T46 | with `set_racct`, an update binds its descriptor to a jail that was removed meanwhile |
    /// | none | rules of [mac_do(4)] are from `any` or `*`; or, in 14.2, one of its parameters is used in a way that panics |
    ///
    /// T37 is never recorded: the model does not see how the memory of the `desc` slot is mapped.
    ///
    /// [mac_do(4)]: https://man.freebsd.org/cgi/man.cgi?query=mac_do&sektion=4
    #[must_use]
    pub fn sprung(&self) -> Vec<Sprung> {
        self.state().sprung.clone()
    }

    /// Whether a trap of this number has been sprung.
    #[must_use]
    pub fn has_sprung(&self, trap: u8) -> bool {
        self.state().sprung.iter().any(|sprung| sprung.trap == Some(trap))
    }
}

impl State {
    /// Records that the call being made springs a trap.
    pub(super) fn spring(&mut self, trap: impl Into<Option<u8>>, effect: Effect) {
        self.sprung.push(Sprung { trap: trap.into(), call: self.call, effect });
    }
}
