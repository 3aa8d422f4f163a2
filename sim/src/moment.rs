//! Deterministic races: closures that run in the middle of a call, where calls of other threads can come in between.

use core::ffi::c_int;
use core::fmt;
use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use crate::raw::Pair;

use super::descriptor::{DescriptorId, NewDescriptor};
use super::flags::{JAIL_AT_DESC, JAIL_ATTACH, JAIL_GET_DESC, JAIL_OWN_DESC, JAIL_USE_DESC};
use super::kernel::Kernel;
use super::options::c_string;
use super::process::Pid;
use super::sprung::Effect;
use super::state::State;

/// A place in the middle of a call where calls of other threads can come in between. See [`Kernel::meanwhile`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Moment {
    /// [jail_get(2)] by `USE_DESC` or `AT_DESC`, or `jail_attach_jd`, has looked up its descriptor (T44).
    ///
    /// [jail_get(2)]: https://man.freebsd.org/cgi/man.cgi?query=jail_get&sektion=2
    Lookup,
    /// [jail_set(2)] has made the descriptor that it will return, and done nothing else yet (T45).
    ///
    /// [jail_set(2)]: https://man.freebsd.org/cgi/man.cgi?query=jail_set&sektion=2
    NewDescriptor,
    /// A process is attaching to a jail by any call; its credential is still the old one (T42, T43).
    Attach,
    /// An update has been made, and its new descriptor is not bound yet (T46): with [`Kernel::set_racct`] only.
    Bind,
    /// [kevent(2)] has found the jail of a new `EVFILT_JAIL`, which gets no events yet (T23, T38).
    ///
    /// [kevent(2)]: https://man.freebsd.org/cgi/man.cgi?query=kevent&sektion=2
    Watch,
}

/// The closures for the moments.
#[derive(Default)]
pub(super) struct Moments(Mutex<BTreeMap<Moment, Vec<Action>>>);

type Action = Box<dyn FnOnce() + Send>;

impl fmt::Debug for Moments {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Moments").finish_non_exhaustive()
    }
}

impl Moments {
    fn add(&self, moment: Moment, action: Action) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.entry(moment).or_default().push(action);
    }

    fn has(&self, moment: Moment) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).contains_key(&moment)
    }

    fn take(&self, moment: Moment) -> Vec<Action> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(&moment).unwrap_or_default()
    }
}

impl Kernel {
    /// Runs a closure once, in the middle of the next call that reaches a moment.
    ///
    /// It runs on the thread of that call, as the process that makes it; [`Process::run`](super::Process::run) acts as
    /// another one. Its calls stand for those of another thread at that moment.
    ///
    /// ```
    /// use freebsd_jail::{Jail, sim};
    ///
    /// # fn main() -> freebsd_jail::Result<()> {
    /// let kernel = sim::Kernel::new();
    /// let _guard = kernel.install();
    /// let (one, other) = (Jail::builder().path("/").create()?, Jail::builder().path("/").create()?);
    /// let other = other.jid().get();
    /// let same = kernel.clone();
    /// kernel.meanwhile(sim::Moment::Attach, move || same.raw().jail_attach(other).unwrap());
    /// let _ = kernel.raw().jail_attach(one.jid().get());
    /// assert!(kernel.has_sprung(42), "two threads of a process attached to two jails at once");
    /// # Ok(())
    /// # }
    /// ```
    pub fn meanwhile(&self, moment: Moment, action: impl FnOnce() + Send + 'static) {
        self.moments().add(moment, Box::new(action));
    }

    /// Runs the closure of a moment. The kernel must not be locked.
    pub(super) fn reach(&self, moment: Moment) {
        for action in self.moments().take(moment) {
            action();
        }
    }

    /// Marks the process as attaching to a jail while the result lives.
    pub(super) fn attaching(&self, call: &'static str) -> Attaching<'_> {
        let pid = self.current_pid();
        {
            let mut state = self.state();
            state.call = call;
            let threads = state.attaching.entry(pid).or_insert(0);
            *threads += 1;
            if *threads > 1 && state.release.process_lists {
                state.spring(42, Effect::Corruption);
            }
        }
        self.reach(Moment::Attach);
        Attaching { kernel: self, pid }
    }

    /// Does the same if the flags of a jail_set(2) include attaching.
    pub(super) fn attaching_if(&self, flags: c_int) -> Option<Attaching<'_>> {
        (flags & JAIL_ATTACH != 0).then(|| self.attaching("jail_set"))
    }

    /// Looks up the descriptor of a call, as a real kernel does before it looks at the jail.
    pub(super) fn looked_up(&self, call: &'static str, number: Option<c_int>) {
        let Some(number) = number else { return };
        let used = self.state().owning_descriptor(number);
        self.reach(Moment::Lookup);
        if let Some(id) = used {
            let mut state = self.state();
            if state.is_closed(id) {
                // The call makes the last close while it holds the lock that the removal needs.
                state.call = call;
                state.spring(44, Effect::Hang);
            }
        }
    }

    /// Makes the descriptor of a jail_set(2) early, if there is a closure for that moment.
    pub(super) fn early_descriptor(&self, flags: c_int) -> Option<NewDescriptor> {
        if flags & (JAIL_GET_DESC | JAIL_OWN_DESC) == 0 || !self.moments().has(Moment::NewDescriptor) {
            return None;
        }
        let pid = self.current_pid();
        let new = {
            let mut state = self.state();
            if !state.release.descriptors {
                return None;
            }
            state.new_descriptor(pid, flags & JAIL_OWN_DESC != 0).ok()
        };
        self.reach(Moment::NewDescriptor);
        new
    }

    /// Binds the descriptor of an update that has released its jail.
    pub(super) fn bind(&self, unbound: &Unbound) {
        self.reach(Moment::Bind);
        let mut state = self.state();
        state.call = "jail_set";
        state.bind(unbound);
    }
}

/// A process that is attaching to a jail.
#[derive(Debug)]
pub(super) struct Attaching<'a> {
    kernel: &'a Kernel,
    pid: Pid,
}

impl Drop for Attaching<'_> {
    fn drop(&mut self) {
        let mut state = self.kernel.state();
        if let Some(threads) = state.attaching.get_mut(&self.pid) {
            *threads -= 1;
            if *threads == 0 {
                state.attaching.remove(&self.pid);
            }
        }
    }
}

/// A new descriptor that is not bound yet, and its jail, to which it holds a reference.
#[derive(Debug)]
pub(super) struct Unbound {
    pub(super) descriptor: DescriptorId,
    pub(super) key: super::prison::Key,
}

/// Returns the descriptor of a jail_get(2) with `USE_DESC`.
pub(super) fn number_used(request: &[Pair<'_>], flags: c_int) -> Option<c_int> {
    if flags & (JAIL_USE_DESC | JAIL_AT_DESC) == 0 {
        return None;
    }
    let pair = request.iter().rev().find(|pair| c_string(pair.name) == b"desc")?;
    Some(c_int::from_ne_bytes(pair.value.as_deref()?.try_into().ok()?))
}

impl State {
    /// Records a fork. The child of a process that is attaching to a jail has the jail's root and the old credential.
    pub(super) fn note_fork(&mut self, pid: Pid) {
        if self.attaching.contains_key(&pid) {
            self.call = "fork";
            self.spring(43, Effect::Escape);
        }
    }

    /// Drops the descriptor that was made before a call which did not take it.
    pub(super) fn drop_early(&mut self) {
        if let Some(new) = self.early.take() {
            self.drop_descriptor(new);
        }
    }

    fn bind(&mut self, unbound: &Unbound) {
        if !self.prison(unbound.key).is_alive() {
            self.spring(46, Effect::Loss);
        }
        self.set_descriptor(unbound.descriptor, unbound.key);
        self.free(unbound.key);
    }
}
