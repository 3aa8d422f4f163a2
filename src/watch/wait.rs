//! Waiting for a jail to die, and to be gone.

#![forbid(unsafe_code)]

use core::ffi::c_int;
use std::thread;
use std::time::{Duration, Instant};

use super::{Notes, Watcher, left};
use crate::error::{ErrorKind, Result, Subject};
use crate::get::{self, Key, Read};
use crate::jail::Jail;
use crate::param;
use crate::request::Desc;
use crate::snapshot::{JailState, Snapshot};
use crate::sys::{self, System};

/// What came first: what was waited for, or the end of the time that there was.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[must_use = "the time may have passed"]
pub enum Waited {
    /// The jail has begun to die, or is gone, whichever was waited for.
    Removed,
    /// The time passed, and it has not.
    TimedOut,
}

impl Waited {
    /// Whether what was waited for has happened.
    #[must_use]
    pub const fn is_removed(self) -> bool {
        matches!(self, Self::Removed)
    }
}

impl Jail {
    /// Waits until the jail begins to die: since then nobody can enter, change or find it. A jail that has died
    /// already is not waited for.
    ///
    /// Without a timeout it waits for ever; with one of zero it looks once.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Unsupported`] where there are no jails.
    ///
    /// # FreeBSD versions
    ///
    /// Since 15.0 the kernel tells at once, by an event (kqueue(2); where no more descriptors can be had the jail is
    /// looked at instead). Before, the jail is looked at with jail_get(2), at first every few milliseconds and in the
    /// end four times a second, so that it may take that long to be noticed; and there a handle is a number, so the
    /// wait goes on if another jail has been given the number between two looks.
    ///
    /// ```
    /// use std::time::Duration;
    ///
    /// use freebsd_jail::{Jail, Waited};
    /// # use freebsd_jail::sim;
    ///
    /// # fn main() -> freebsd_jail::Result<()> {
    /// # let kernel = sim::Kernel::new();
    /// # let _guard = kernel.install();
    /// let jail = Jail::builder().name("www").path("/").create()?;
    /// let same = jail.try_clone()?;
    /// assert_eq!(same.wait_dying(Some(Duration::from_millis(10)))?, Waited::TimedOut);
    /// jail.remove()?;
    /// assert_eq!(same.wait_dying(None)?, Waited::Removed);
    /// # Ok(())
    /// # }
    /// ```
    pub fn wait_dying(&self, timeout: Option<Duration>) -> Result<Waited> {
        self.wait_dying_until(Deadline::after(timeout))
    }

    /// Waits until the jail is gone: it has begun to die, and nothing holds it any more. A jail may stay dying for
    /// long, as when connections that it had are still being closed; the kernel has no event for the end.
    ///
    /// Without a timeout it waits for ever; with one of zero it looks once. Gone means that the kernel does not list
    /// the jail any more, dying ones included. Whoever let go of it last may still be releasing its root directory and
    /// its network stack at that moment, which takes the kernel some milliseconds at most.
    ///
    /// **Which jail is waited for** is certain if it lives when the wait begins: it is known then by its cpuset
    /// (`cpuset.id`), of which each jail has its own until it is gone. So the wait does not end too early when the
    /// dying jail's number is given to a new one, which FreeBSD 15 does by giving the dying jail another number. It
    /// may end late if a new jail gets the cpuset of one that has just gone and is removed itself before the next
    /// look.
    ///
    /// If the jail is dying already when the wait begins, all that is left to know it by is its number. The jail that
    /// is dying under that number is waited for, and if there is none the jail counts as gone. On FreeBSD 15 that is
    /// wrong if a new jail has been given the number before; so begin the wait while the jail lives, or use
    /// [`remove_and_wait`](Self::remove_and_wait). Before 15 a dying jail keeps its number, and that is as certain;
    /// only a jail that is revived (`JAIL_DYING`) is taken for gone.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Unsupported`] where there are no jails.
    ///
    /// # FreeBSD versions
    ///
    /// All. The dying jail is looked at with jail_get(2), at first every few milliseconds and in the end four times a
    /// second, and if it has another number, found by sysctl(3) of `security.jail.list`.
    pub fn wait_gone(&self, timeout: Option<Duration>) -> Result<Waited> {
        let deadline = Deadline::after(timeout);
        let remains = match Remains::of_living(self)? {
            Some(remains) => {
                if self.wait_dying_until(deadline)? == Waited::TimedOut {
                    return Ok(Waited::TimedOut);
                }
                remains
            }
            None => match Remains::of_dying(&self.system, self.jid().get())? {
                Some(remains) => remains,
                None => return Ok(Waited::Removed),
            },
        };
        remains.wait(deadline)
    }

    /// Removes the jail, the jails below it, kills their processes, and waits until the jail is gone, as
    /// [`wait_gone`](Self::wait_gone) does. [`Waited::TimedOut`] says that it has been removed and is still dying.
    ///
    /// # Errors
    ///
    /// As [`remove`](Self::remove).
    ///
    /// # FreeBSD versions
    ///
    /// Since 15.0 the handle's own jail is removed and waited for; before, the jail that has its number.
    pub fn remove_and_wait(&self, timeout: Option<Duration>) -> Result<Waited> {
        let deadline = Deadline::after(timeout);
        let remains = Remains::of_living(self)?;
        self.remove()?;
        remains.map_or(Ok(Waited::Removed), |remains| remains.wait(deadline))
    }

    fn wait_dying_until(&self, deadline: Deadline) -> Result<Waited> {
        if self.system.has_descriptors() {
            match self.wait_for_event(deadline) {
                Err(error) if error.kind() == ErrorKind::ResourceExhausted => {}
                result => return result,
            }
        }
        deadline.poll(|| Ok(!self.is_alive()?))
    }

    fn wait_for_event(&self, deadline: Deadline) -> Result<Waited> {
        let watcher = Watcher::on(self.system.clone())?;
        match watcher.watch_for(self, Notes::REMOVE) {
            Ok(_) => {}
            Err(error) if error.kind() == ErrorKind::Gone => return Ok(Waited::Removed),
            Err(error) => return Err(error),
        }
        let event = match deadline.0 {
            Some(deadline) => watcher.next_before(Some(deadline))?,
            None => Some(watcher.wait()?),
        };
        Ok(if event.is_some() { Waited::Removed } else { Waited::TimedOut })
    }
}

/// By what a dying jail is known.
#[derive(Debug)]
struct Remains {
    system: System,
    /// The number that it had last.
    jid: c_int,
    /// The number of its cpuset, which it keeps, and which no other jail has, until it is gone.
    cpuset: c_int,
}

impl Remains {
    /// Takes down by what the jail of a handle can be known, while it lives.
    fn of_living(jail: &Jail) -> Result<Option<Self>> {
        match jail.get(param::CPUSET_ID) {
            Ok(cpuset) => Ok(Some(Self { system: jail.system.clone(), jid: jail.jid().get(), cpuset })),
            Err(error) if error.kind() == ErrorKind::Gone => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// The same of the jail that is dying under a number.
    fn of_dying(system: &System, jid: c_int) -> Result<Option<Self>> {
        let read = Read {
            system,
            flags: sys::JAIL_DYING,
            subject: Subject::Named,
            desc: Desc::Absent,
            key: Key::Jid(jid),
            relative_to: None,
        };
        match get::read(read, &(param::CPUSET_ID, param::DYING)) {
            Ok(found) => {
                let (cpuset, dying) = found.values;
                Ok(dying.then(|| Self { system: system.clone(), jid, cpuset }))
            }
            Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::Dying) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Waits until it is gone; it has begun to die.
    fn wait(mut self, deadline: Deadline) -> Result<Waited> {
        deadline.poll(|| Ok(!self.are_there()?))
    }

    /// Looks for the jail, first where it was seen last.
    fn are_there(&mut self) -> Result<bool> {
        if self.is_this(Self::of_dying(&self.system, self.jid)?.as_ref()) {
            return Ok(true);
        }
        if !self.system.has_descriptors() {
            // A dying jail kept its number on those kernels.
            return Ok(false);
        }
        // One list of all, so that the jail is in it under whichever number it has at that moment.
        let mut uncertain = false;
        for entry in &Snapshot::of(&self.system)? {
            if entry.state() == JailState::Dying {
                let jid = entry.jid().get();
                let found = Self::of_dying(&self.system, jid)?;
                if self.is_this(found.as_ref()) {
                    self.jid = jid;
                    return Ok(true);
                }
                // One that has gone since, or this one, which has been given yet another number: the next look tells.
                uncertain |= found.is_none();
            }
        }
        Ok(uncertain)
    }

    fn is_this(&self, found: Option<&Self>) -> bool {
        found.is_some_and(|found| found.cpuset == self.cpuset)
    }
}

/// The time until which to wait, `None` for ever.
#[derive(Debug, Clone, Copy)]
struct Deadline(Option<Instant>);

impl Deadline {
    fn after(timeout: Option<Duration>) -> Self {
        // A time that is too far off to be told is never reached.
        Self(timeout.and_then(|timeout| Instant::now().checked_add(timeout)))
    }

    /// Looks until it has happened or the time has passed, at first often and then less and less so. The first second
    /// has a dozen looks, each further one four.
    fn poll(self, mut has_happened: impl FnMut() -> Result<bool>) -> Result<Waited> {
        const LONGEST: Duration = Duration::from_millis(250);
        let mut pause = Duration::from_millis(2);
        loop {
            let left = left(self.0);
            if has_happened()? {
                return Ok(Waited::Removed);
            }
            // Looked at after the time had passed, so that the end of it is not missed.
            if left == Some(Duration::ZERO) {
                return Ok(Waited::TimedOut);
            }
            thread::sleep(left.map_or(pause, |left| left.min(pause)));
            pause = (pause * 2).min(LONGEST);
        }
    }
}
