//! Waiting for a jail to die, and to be gone.

use std::os::fd::{AsFd, OwnedFd};
use std::time::Duration;

use super::deadline::Deadline;
use super::{HeldJail, WaitOutcome};
use crate::error::{Call, Error, ErrorKind, Result};
use crate::jail::{Jail, read_and_pin};

/// # Waiting
impl Jail {
    /// Waits until the jail begins to die: from then on it cannot be attached to, changed or found. Returns at once if
    /// it has been removed already.
    ///
    /// Without a timeout it waits until the jail is removed; with a timeout of zero it looks once. Signals do not end
    /// the wait.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Unsupported`] where there are no jails.
    ///
    /// # FreeBSD versions
    ///
    /// Since 15.0 it wraps [poll(2)] on the handle's descriptor, one system call. A handle made by [`Jail::unpinned`]
    /// has none: one is made of the jail that has the jid, which is watched then. If the process has no more
    /// descriptors, if that of the handle lacks the right `CAP_EVENT` ([capsicum(4)]), and before 15.0, the jail is
    /// polled with [jail_get(2)], every few milliseconds at first and four times a second in the end, so the removal
    /// may be noticed late. Without a descriptor only the jid identifies the jail: the wait continues if another jail
    /// gets the jid between two looks.
    ///
    /// [capsicum(4)]: https://man.freebsd.org/cgi/man.cgi?query=capsicum&sektion=4
    /// [poll(2)]: https://man.freebsd.org/cgi/man.cgi?query=poll&sektion=2
    ///
    /// ```
    /// use std::time::Duration;
    ///
    /// use freebsd_jail::Jail;
    /// # use freebsd_jail::sim;
    ///
    /// # fn main() -> freebsd_jail::Result<()> {
    /// # let kernel = sim::Kernel::new();
    /// # let _guard = kernel.install();
    /// let jail = Jail::builder().name("www").path("/").create()?;
    /// let same = jail.try_clone()?;
    /// assert!(same.wait_dying(Some(Duration::from_millis(10)))?.is_timed_out());
    /// jail.remove()?;
    /// assert!(same.wait_dying(None)?.is_done());
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// [jail_get(2)]: https://man.freebsd.org/cgi/man.cgi?query=jail_get&sektion=2
    pub fn wait_dying(&self, timeout: Option<Duration>) -> Result<WaitOutcome> {
        self.wait_dying_until(Deadline::after(timeout))
    }

    /// Waits until the jail is gone: it has been removed, and nothing holds it any more.
    ///
    /// **A removed jail may stay for ever**: an unreaped child process keeps it, and so do descriptors opened inside.
    /// [`HeldJail`] has the list. When the timeout passes, the outcome has a `HeldJail`, which lists what still holds
    /// the jail and can continue the wait. The kernel has no event for the end of a jail, so the jail is polled every
    /// few milliseconds at first, and four times a second in the end.
    ///
    /// Without a timeout it waits until the jail is gone; with a timeout of zero it looks once.
    ///
    /// **Gone includes released.** When the kernel no longer lists a jail, dying ones included, it may still be
    /// destroying its network stack, or that of a jail below, for some tenths of a second. Until then, the interfaces
    /// that were moved into the jail are not back, and its root cannot be unmounted (`EBUSY`). The wait includes that
    /// time, up to two seconds.
    ///
    /// **Which jail is waited for** is certain if it is alive when the wait begins: it is recognised by its cpuset
    /// (`cpuset.id`), its path and its name. So the wait does not end too early when a new jail gets the dying jail's
    /// jid, for which FreeBSD 15 renumbers the dying jail. It may end late if a new jail of the same path gets the
    /// cpuset of the one that has just gone, and is itself dying at the next look.
    ///
    /// If the jail is already dying when the wait begins, it is recognised only by its jid: this waits for the dying
    /// jail of that jid. If there is none, the jail counts as gone, although the kernel may still be releasing it. On
    /// FreeBSD 15 that is wrong if a new jail has got the jid before. So begin the wait while the jail is alive, or use
    /// [`remove_and_wait`](Self::remove_and_wait). Before 15 a dying jail keeps its jid.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Unsupported`] where there are no jails.
    ///
    /// # FreeBSD versions
    ///
    /// All. Wraps [jail_get(2)], [cpuset_getid(2)] and, if the dying jail may have another jid, [sysctl(3)] of
    /// `security.jail.list`. Before 15.0 a jail that is revived with `JAIL_DYING` counts as gone.
    ///
    /// ```
    /// # use freebsd_jail::{Jail, sim};
    /// # fn main() -> freebsd_jail::Result<()> {
    /// # let kernel = sim::Kernel::new();
    /// # let _guard = kernel.install();
    /// let jail = Jail::builder().name("www").path("/").create()?;
    /// let same = jail.try_clone()?;
    /// jail.remove()?;
    /// assert!(same.wait_gone(None)?.is_done());
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// [jail_get(2)]: https://man.freebsd.org/cgi/man.cgi?query=jail_get&sektion=2
    /// [cpuset_getid(2)]: https://man.freebsd.org/cgi/man.cgi?query=cpuset_getid&sektion=2
    /// [sysctl(3)]: https://man.freebsd.org/cgi/man.cgi?query=sysctl&sektion=3
    pub fn wait_gone(&self, timeout: Option<Duration>) -> Result<WaitOutcome<(), HeldJail>> {
        let deadline = Deadline::after(timeout);
        let held = match HeldJail::of_living(self)? {
            Some(mut held) => {
                if self.wait_dying_until(deadline)?.is_timed_out() {
                    held.keep_descriptor(self);
                    return Ok(WaitOutcome::TimedOut(held));
                }
                held.set_removed();
                held
            }
            None => match HeldJail::of_dying(&self.system, self.jid().get())? {
                Some(held) => held,
                None => return Ok(WaitOutcome::Done(())),
            },
        };
        wait(held, deadline)
    }

    /// Removes the jail and the jails below it, kills their processes, and waits until the jail is gone, as
    /// [`wait_gone`](Self::wait_gone) does.
    ///
    /// When the timeout passes, the jail has been removed and is still dying. Without a timeout this **never returns**
    /// if the calling process is the parent of a process in the jail and does not wait for it:
    /// [`remove_and_reap`](Self::remove_and_reap) does.
    ///
    /// # Errors
    ///
    /// As [`remove`](Self::remove).
    ///
    /// # FreeBSD versions
    ///
    /// Since 15.0 the handle's own jail is removed and waited for; before, the jail that has its jid.
    ///
    /// ```
    /// # use freebsd_jail::{Jail, sim};
    /// # fn main() -> freebsd_jail::Result<()> {
    /// # let kernel = sim::Kernel::new();
    /// # let _guard = kernel.install();
    /// let jail = Jail::builder().name("www").path("/").create_detached()?;
    /// assert!(jail.remove_and_wait(None)?.is_done());
    /// # Ok(())
    /// # }
    /// ```
    pub fn remove_and_wait(&self, timeout: Option<Duration>) -> Result<WaitOutcome<(), HeldJail>> {
        let deadline = Deadline::after(timeout);
        let held = HeldJail::of_living(self)?;
        self.remove()?;
        held.map_or(Ok(WaitOutcome::Done(())), |mut held| {
            held.set_removed();
            wait(held, deadline)
        })
    }

    fn wait_dying_until(&self, deadline: Deadline) -> Result<WaitOutcome> {
        match self.check() {
            Err(error) if error.kind() == ErrorKind::Gone => return Ok(WaitOutcome::Done(())),
            checked => checked?,
        }
        if self.system.has_descriptors() {
            // T23: EVFILT_JAIL, by jid, may lose the removal and panic the kernel. By descriptor poll(2) is enough.
            let pinned;
            let descriptor = match self.descriptor() {
                Some(descriptor) => Some(descriptor),
                None => match read_and_pin(&self.system, self.jid(), &()) {
                    Ok((descriptor, ())) => {
                        pinned = descriptor;
                        Some(OwnedFd::as_fd(&pinned))
                    }
                    Err(error) if error.kind() == ErrorKind::Gone => return Ok(WaitOutcome::Done(())),
                    Err(error) if error.kind() == ErrorKind::ResourceExhausted => None,
                    Err(error) => return Err(error),
                },
            };
            if let Some(descriptor) = descriptor {
                match self.system.wait_removed(descriptor, deadline.left()) {
                    Ok(true) => return Ok(WaitOutcome::Done(())),
                    Ok(false) => return Ok(WaitOutcome::TimedOut(())),
                    // It lacks the right for poll(2), but jail_get(2) may work (T55).
                    Err(errno) if errno.is_not_capable() => {}
                    Err(errno) => return Err(Error::os(Call::Poll, errno, ErrorKind::Other, "")),
                }
            }
        }
        deadline.poll(|| Ok(!self.is_alive()?))
    }
}

fn wait(mut held: HeldJail, deadline: Deadline) -> Result<WaitOutcome<(), HeldJail>> {
    Ok(held.wait(deadline)?.or_timed_out(|| held))
}
