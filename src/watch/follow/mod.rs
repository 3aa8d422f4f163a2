//! Following all jails, at any depth.

mod look;
mod poll;
mod told;
mod tree;

use core::fmt;
use core::iter::FusedIterator;
use std::collections::{BTreeSet, VecDeque};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, RawFd};
use std::time::Duration;

use super::deadline::Deadline;
use super::{Event, WaitOutcome, WatchId, Watcher};
use crate::error::{Error, ErrorKind, Result};
use crate::jail::Jail;
use crate::jid::Jid;
use crate::sys::System;
use crate::sys::event::{EVFILT_TIMER, Kevent, MAX_EVENTS};

pub use told::{Followed, FollowedJail};
use tree::Tree;

/// Follows all jails that this process can see, at any depth: reports the existing ones, and then what happens.
///
/// First come the jails that are [`Present`](Followed::Present) when the follower is made. Then it reports each jail
/// that [appears](Followed::Appeared), is [renamed](Followed::Renamed), [changed](Followed::Changed), [attached
/// to](Followed::Attached) and [removed](Followed::Removed). Each jail is reported before those below it and removed
/// after them. [`FollowedJail::id`] identifies a jail even if its jid is reused.
///
/// As [`AsFd`] a follower can be given to [poll(2)] or to an event loop, for reading only. **Call
/// [`try_next`](Self::try_next) until it returns `None` before waiting on the descriptor**, at first and each time it
/// is readable: what has been read already does not make it readable.
///
/// # When it falls behind
///
/// No living jail is ever missed, however late the follower reads: kernel and follower need memory per jail, not per
/// event. What happens to one jail between two reads is combined:
///
/// - Several updates are reported once, a rename with the last name only.
/// - Several processes that attach are reported once, without a pid.
/// - A jail that is created and removed before it was looked at no longer has a name. It is reported as
///   [`Missed`](Followed::Missed), with its jid if it was the only one created below its parent. If several were
///   created below one parent, those that are alive are reported as usual, and a `Missed` without jid says that there
///   may have been others. Nothing is known of jails that came and went below a jail before that was looked at.
/// - If the jail was renamed and then removed, the removal has the name that was reported before.
///
/// The order of what happens to different jails is otherwise not kept.
///
/// # Errors
///
/// After an error nothing is lost: the next call continues where the failed one stopped. When the process has no more
/// descriptors ([`ErrorKind::ResourceExhausted`]), close some and call again.
///
/// # FreeBSD versions
///
/// All. Since 15.0 the kernel reports events, and the follower holds one descriptor per jail, which does not hold a
/// removed jail.
///
/// Before 15.0 there are no events: the follower **polls** with one [sysctl(3)] per [interval](Self::interval). It
/// reports jails that appear, are renamed and are removed, and never [`Changed`](Followed::Changed),
/// [`Attached`](Followed::Attached) or [`Missed`](Followed::Missed); a jail that comes and goes between two looks is
/// not noticed. A jail is recognised by its jid and its path: one that has both of a jail removed since the last look
/// is taken for that jail.
///
/// In a jail, since 15.0, new jails directly below the process's own are found by polling (the kernel can panic when a
/// process watches its own jail), and all else by events.
///
/// ```
/// use freebsd_jail::Jail;
/// use freebsd_jail::watch::{Followed, Follower};
/// # use freebsd_jail::sim;
///
/// # fn main() -> freebsd_jail::Result<()> {
/// # let kernel = sim::Kernel::new();
/// # let _guard = kernel.install();
/// # let www = Jail::builder().name("www").path("/").create()?;
/// let mut follower = Follower::new()?;
/// assert!(matches!(follower.try_next()?, Some(Followed::Present(jail)) if jail.name() == "www"));
///
/// let db = Jail::builder().name("db").path("/").create()?;
/// assert!(matches!(follower.try_next()?, Some(Followed::Appeared(jail)) if jail.jid() == db.jid()));
///
/// db.remove()?;
/// assert!(matches!(follower.try_next()?, Some(Followed::Removed(jail)) if jail.name() == "db"));
/// # Ok(())
/// # }
/// ```
///
/// [poll(2)]: https://man.freebsd.org/cgi/man.cgi?query=poll&sektion=2
/// [sysctl(3)]: https://man.freebsd.org/cgi/man.cgi?query=sysctl&sektion=3
pub struct Follower {
    system: System,
    // Dropped before the jails' descriptors: closing the queue ends all filters at once.
    watcher: Watcher,
    jails: Tree,
    /// Events that were read and not yet handled.
    backlog: VecDeque<Event>,
    /// Reports that have not been returned yet.
    told: VecDeque<Followed>,
    /// Whether a look at all jails is due.
    look_due: bool,
    /// Whether this is the first look.
    is_first: bool,
    /// Jails found by a look, whose creation the kernel has reported or will report.
    by_look: BTreeSet<Jid>,
    /// Jails whose jails below may not all have been found.
    incomplete: Vec<look::Incomplete>,
    /// How often to look at all jails, if events do not report new ones.
    interval: Option<Duration>,
    /// Whether there are events.
    has_events: bool,
    /// How many times this process had attached to a jail when the follower was made on the host; `None` in a jail.
    entries: Option<u32>,
}

/// How often a follower polls by default.
const INTERVAL: Duration = Duration::from_secs(1);

/// # Following
impl Follower {
    /// Makes a follower, which looks at all jails at once. If it has to poll, it does so once a second.
    ///
    /// Wraps [kqueue(2)], [sysctl(3)] of `security.jail.list`, and since FreeBSD 15.0 two [jail_get(2)] and one
    /// [kevent(2)] per jail. Needs no privilege.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Unsupported`] where there are no jails, [`ErrorKind::ResourceExhausted`] when the process has too
    /// few descriptors.
    ///
    /// ```
    /// use freebsd_jail::watch::Follower;
    /// # use freebsd_jail::sim;
    ///
    /// # fn main() -> freebsd_jail::Result<()> {
    /// # let kernel = sim::Kernel::new();
    /// # let _guard = kernel.install();
    /// let mut follower = Follower::new()?;
    /// assert_eq!(follower.try_next()?, None); // there are no jails
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// [kqueue(2)]: https://man.freebsd.org/cgi/man.cgi?query=kqueue&sektion=2
    /// [sysctl(3)]: https://man.freebsd.org/cgi/man.cgi?query=sysctl&sektion=3
    /// [jail_get(2)]: https://man.freebsd.org/cgi/man.cgi?query=jail_get&sektion=2
    /// [kevent(2)]: https://man.freebsd.org/cgi/man.cgi?query=kevent&sektion=2
    pub fn new() -> Result<Self> {
        Self::with_interval(INTERVAL)
    }

    /// Makes a follower that polls with an interval where it has to. At least a millisecond is waited.
    ///
    /// # Errors
    ///
    /// As [`new`](Self::new).
    ///
    /// ```
    /// use std::time::Duration;
    ///
    /// use freebsd_jail::watch::Follower;
    /// # use freebsd_jail::sim;
    ///
    /// # fn main() -> freebsd_jail::Result<()> {
    /// # let kernel = sim::Kernel::with_release(sim::Release::FREEBSD_14_2);
    /// # let _guard = kernel.install();
    /// let follower = Follower::with_interval(Duration::from_millis(200))?;
    /// assert_eq!(follower.interval(), Some(Duration::from_millis(200)));
    /// # Ok(())
    /// # }
    /// ```
    pub fn with_interval(interval: Duration) -> Result<Self> {
        let system = System::current();
        let features = system.features();
        // Fails where there are no jails.
        let is_jailed = crate::jailed::is_jailed_on(&system)?;
        let watcher = Watcher::on(system.clone())?;
        let has_events = features.has_descriptors();
        let interval = if has_events && !is_jailed {
            // Before the first look, so that no jail is created between the two.
            watcher.watch_own()?;
            None
        } else {
            let interval = interval.max(Duration::from_millis(1));
            watcher.add_timer(interval)?;
            Some(interval)
        };
        let mut follower = Self {
            entries: (!is_jailed).then(System::entries),
            system,
            watcher,
            jails: Tree::default(),
            backlog: VecDeque::new(),
            told: VecDeque::new(),
            look_due: true,
            is_first: true,
            by_look: BTreeSet::new(),
            incomplete: Vec::new(),
            interval,
            has_events,
        };
        while follower.look_due {
            follower.look_at_all()?;
        }
        follower.is_first = false;
        Ok(follower)
    }

    /// Returns how often the follower polls, `None` when events report everything.
    ///
    /// ```
    /// # use freebsd_jail::{sim, watch::Follower};
    /// # fn main() -> freebsd_jail::Result<()> {
    /// # let kernel = sim::Kernel::new();
    /// # let _guard = kernel.install();
    /// let follower = Follower::new()?;
    /// if let Some(interval) = follower.interval() {
    ///     println!("changes may be noticed {interval:?} late");
    /// }
    /// # assert_eq!(follower.interval(), None);
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn interval(&self) -> Option<Duration> {
        self.interval
    }

    /// Returns the next report, `None` when there is none now. Does not wait.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::ResourceExhausted`] when the process has no more descriptors, [`ErrorKind::OtherProcess`] in a
    /// forked child, [`ErrorKind::Unsupported`] when the process has attached to a jail since: make a new follower
    /// there.
    ///
    /// ```
    /// # use freebsd_jail::{Jail, sim, watch::Follower};
    /// # fn main() -> freebsd_jail::Result<()> {
    /// # let kernel = sim::Kernel::new();
    /// # let _guard = kernel.install();
    /// # let _www = Jail::builder().name("www").path("/").create()?;
    /// let mut follower = Follower::new()?;
    /// while let Some(told) = follower.try_next()? {
    ///     println!("{told:?}");
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn try_next(&mut self) -> Result<Option<Followed>> {
        Ok(self.wait(Some(Duration::ZERO))?.done())
    }

    /// Waits for the next report. Without a timeout it blocks until one arrives.
    ///
    /// A signal that is caught meanwhile does not end the wait.
    ///
    /// # Errors
    ///
    /// As [`try_next`](Self::try_next).
    ///
    /// ```
    /// use std::time::Duration;
    ///
    /// use freebsd_jail::Jail;
    /// use freebsd_jail::watch::{Followed, Follower};
    /// # use freebsd_jail::sim;
    ///
    /// # fn main() -> freebsd_jail::Result<()> {
    /// # let kernel = sim::Kernel::new();
    /// # let _guard = kernel.install();
    /// let mut follower = Follower::new()?;
    /// assert!(follower.wait(Some(Duration::from_millis(10)))?.is_timed_out());
    /// let _www = Jail::builder().name("www").path("/").create()?;
    /// assert!(matches!(follower.wait(None)?.done(), Some(Followed::Appeared(_))));
    /// # Ok(())
    /// # }
    /// ```
    pub fn wait(&mut self, timeout: Option<Duration>) -> Result<WaitOutcome<Followed>> {
        let deadline = Deadline::after(timeout);
        loop {
            self.advance()?;
            if let Some(told) = self.told.pop_front() {
                return Ok(WaitOutcome::Done(told));
            }
            let left = deadline.left();
            if !self.fetch(left)? && left == Some(Duration::ZERO) {
                return Ok(WaitOutcome::TimedOut(()));
            }
        }
    }

    /// Returns an iterator that waits for each report. It ends only after an error.
    ///
    /// ```no_run
    /// # use freebsd_jail::watch::Follower;
    /// # fn main() -> freebsd_jail::Result<()> {
    /// let mut follower = Follower::new()?;
    /// for told in follower.events() {
    ///     println!("{:?}", told?);
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn events(&mut self) -> FollowedEvents<'_> {
        FollowedEvents { follower: self, waits: true, ended: false }
    }

    /// Returns an iterator over the pending reports, which does not wait.
    ///
    /// ```
    /// # use freebsd_jail::{Jail, sim, watch::Follower};
    /// # fn main() -> freebsd_jail::Result<()> {
    /// # let kernel = sim::Kernel::new();
    /// # let _guard = kernel.install();
    /// # let _www = Jail::builder().name("www").path("/").create()?;
    /// let mut follower = Follower::new()?;
    /// assert_eq!(follower.pending().count(), 1);
    /// # Ok(())
    /// # }
    /// ```
    pub fn pending(&mut self) -> FollowedEvents<'_> {
        FollowedEvents { follower: self, waits: false, ended: false }
    }

    /// Iterates over the jails that are followed, as far as events have been read.
    ///
    /// ```
    /// # use freebsd_jail::{Jail, sim, watch::Follower};
    /// # fn main() -> freebsd_jail::Result<()> {
    /// # let kernel = sim::Kernel::new();
    /// # let _guard = kernel.install();
    /// # let _www = Jail::builder().name("www").path("/").create()?;
    /// let follower = Follower::new()?;
    /// for jail in follower.jails() {
    ///     println!("{} {:?}", jail.jid(), jail.name());
    /// }
    /// # assert_eq!(follower.jails().count(), 1);
    /// # Ok(())
    /// # }
    /// ```
    pub fn jails(&self) -> impl Iterator<Item = &FollowedJail> {
        self.jails.entries().map(|entry| &entry.jail)
    }

    /// Returns a handle of a jail that is followed, `None` once its removal has been read.
    ///
    /// # FreeBSD versions
    ///
    /// Since 15.0 it cannot refer to another jail; before, it goes by the jid.
    ///
    /// ```
    /// use freebsd_jail::{Jail, param};
    /// use freebsd_jail::watch::{Followed, Follower};
    /// # use freebsd_jail::sim;
    ///
    /// # fn main() -> freebsd_jail::Result<()> {
    /// # let kernel = sim::Kernel::new();
    /// # let _guard = kernel.install();
    /// # let _www = Jail::builder().name("www").path("/").hostname("www.example.org").create()?;
    /// let mut follower = Follower::new()?;
    /// while let Some(told) = follower.try_next()? {
    ///     if let Some(jail) = told.jail().and_then(|jail| follower.handle(jail.id())) {
    ///         println!("{:?}", jail.get(param::HOST_HOSTNAME)?);
    ///     }
    /// }
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn handle(&self, id: WatchId) -> Option<&Jail> {
        self.jails.get(id).map(|entry| &entry.handle)
    }

    #[cfg(feature = "tokio")]
    pub(super) fn watcher(&self) -> &Watcher {
        &self.watcher
    }

    /// Handles events that were read until there is something to return.
    fn advance(&mut self) -> Result<()> {
        while self.told.is_empty() {
            if self.look_due {
                self.look_at_all()?;
            } else if let Some(event) = self.backlog.pop_front() {
                self.work_off(event)?;
            } else {
                break;
            }
        }
        Ok(())
    }

    fn look_at_all(&mut self) -> Result<()> {
        if self.has_events { self.look() } else { self.compare() }
    }

    /// Reads events, in one kevent(2), and returns whether there were any.
    fn fetch(&mut self, timeout: Option<Duration>) -> Result<bool> {
        self.check_place()?;
        let mut room = [Kevent::default(); MAX_EVENTS];
        let events = self.watcher.fetch(&mut room, timeout)?;
        if events.is_empty() {
            // All creations that a look has seen have been read.
            self.by_look.clear();
        }
        self.look_due |= events.iter().any(|event| event.filter == EVFILT_TIMER);
        self.backlog.extend(events.iter().filter_map(Event::of));
        Ok(!events.is_empty())
    }

    fn tell(&mut self, told: Followed) {
        self.told.push_back(told);
    }

    /// Returns an error if this process can no longer see the followed jails.
    fn check_place(&mut self) -> Result<()> {
        let entries = System::entries();
        if self.entries.is_none_or(|before| before == entries) {
            return Ok(());
        }
        if crate::jailed::is_jailed_on(&self.system)? {
            return Err(Error::refused(
                ErrorKind::Unsupported,
                "this process has attached to a jail since the follower was made, and no longer sees the jails that it \
                 follows; make a new one",
            ));
        }
        // It was another process, or a forked child of a model.
        self.entries = Some(entries);
        Ok(())
    }
}

impl fmt::Debug for Follower {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Follower")
            .field("watcher", &self.watcher)
            .field("interval", &self.interval)
            .field("jails", &self.jails().collect::<Vec<_>>())
            .finish_non_exhaustive()
    }
}

impl AsFd for Follower {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.watcher.as_fd()
    }
}

impl AsRawFd for Follower {
    fn as_raw_fd(&self) -> RawFd {
        self.watcher.as_raw_fd()
    }
}

/// An iterator over what a [`Follower`] reports, from [`Follower::events`] and [`Follower::pending`].
#[derive(Debug)]
#[must_use = "nothing is read before it is iterated over"]
pub struct FollowedEvents<'f> {
    follower: &'f mut Follower,
    waits: bool,
    ended: bool,
}

impl Iterator for FollowedEvents<'_> {
    type Item = Result<Followed>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.ended {
            return None;
        }
        let timeout = (!self.waits).then_some(Duration::ZERO);
        let next = self.follower.wait(timeout).map(WaitOutcome::done).transpose();
        self.ended = !matches!(next, Some(Ok(_)));
        next
    }
}

impl FusedIterator for FollowedEvents<'_> {}
