//! The events of a watcher.

use core::fmt;
use core::iter::FusedIterator;

use bitflags::bitflags;

use crate::jid::Jid;
use crate::sys::{self, event::Kevent};

/// Identifies one watch of a [`Watcher`](super::Watcher), or one jail of a [`Follower`](super::Follower).
///
/// A jid would not: jids are reused, so an event of a removed jail can be read when another jail with its jid is
/// already watched. No two watches of a program have the same id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct WatchId(pub(super) usize);

bitflags! {
    /// The kinds of an [`Event`] as the kernel reports them: `NOTE_JAIL_*` of `sys/event.h`.
    ///
    /// Unknown bits are kept. Test single bits, do not compare: the kernel combines the events since the last read.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
    pub struct EventFlags: u32 {
        /// A jail directly below this one was created.
        const CHILD = sys::NOTE_JAIL_CHILD;
        /// The jail was changed by [jail_set(2)](https://man.freebsd.org/cgi/man.cgi?query=jail_set&sektion=2).
        const SET = sys::NOTE_JAIL_SET;
        /// A process attached to the jail.
        const ATTACH = sys::NOTE_JAIL_ATTACH;
        /// The jail began to die.
        const REMOVE = sys::NOTE_JAIL_REMOVE;
        /// More than one child was created or process attached since the last read.
        const MULTI = sys::NOTE_JAIL_MULTI;
        const _ = !0;
    }
}

/// Reports what has happened to a jail since its last event. [`kinds`](Self::kinds) iterates over it.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Event {
    watch: WatchId,
    jid: Option<Jid>,
    flags: EventFlags,
    data: i64,
}

/// One of the things that an [`Event`] reports.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "snake_case"))]
#[non_exhaustive]
pub enum EventKind {
    /// A jail directly below this one was created, or several were.
    ///
    /// There may be no such jail: the kernel reports the creation before its last steps, which can fail, and the jail
    /// may have been removed since. To find out, open it.
    ChildCreated {
        /// Its jid; `None` when there were several, or when processes attached as well.
        jid: Option<Jid>,
    },
    /// [jail_set(2)] was used on the jail. It may have changed nothing, and it may have failed halfway.
    ///
    /// [jail_set(2)]: https://man.freebsd.org/cgi/man.cgi?query=jail_set&sektion=2
    Changed,
    /// One or more processes attached to the jail. A process that is forked by one in the jail does not attach.
    Attached {
        /// Its pid; `None` when there were several, or when jails were created as well.
        pid: Option<u32>,
    },
    /// The jail **began to die**: processes cannot attach to it, and it cannot be changed or found. It may stay dying
    /// for long: see [`HeldJail`](super::HeldJail). [`Jail::wait_gone`](crate::Jail::wait_gone) waits until it is gone.
    /// The watch has ended: no more events of this jail follow.
    Removed,
}

/// Reads whatever an event says; for the fuzzer.
#[cfg(fuzzing)]
pub(crate) fn read_any(event: &Kevent) {
    if let Some(event) = Event::of(event) {
        assert!(event.kinds().count() <= 32);
        assert!(!format!("{event:?}").is_empty());
    }
}

impl Event {
    /// Converts the kernel's event, `None` if its filter is not the crate's.
    pub(super) fn of(event: &Kevent) -> Option<Self> {
        if !matches!(event.filter, sys::EVFILT_JAIL | sys::EVFILT_JAILDESC) {
            return None;
        }
        let jid = i32::try_from(event.extra).ok().and_then(Jid::new);
        let flags = EventFlags::from_bits_retain(event.fflags);
        Some(Self { watch: WatchId(event.udata), jid, flags, data: event.data })
    }

    /// Returns the watch to which it belongs.
    #[must_use]
    pub fn watch(&self) -> WatchId {
        self.watch
    }

    /// Returns the jail's jid, `None` for the host.
    #[must_use]
    pub fn jid(&self) -> Option<Jid> {
        self.jid
    }

    /// Returns the kinds as the kernel reported them, unknown bits included.
    #[must_use]
    pub fn flags(&self) -> EventFlags {
        self.flags
    }

    /// Whether more than one child was created or process attached. The kernel then reports no jid or pid: list the
    /// [children](crate::Jail::children).
    #[must_use]
    pub fn is_several(&self) -> bool {
        self.flags.contains(EventFlags::MULTI)
    }

    /// Whether the jail began to die.
    #[must_use]
    pub fn is_removed(&self) -> bool {
        self.flags.contains(EventFlags::REMOVE)
    }

    /// Iterates over the kinds, the removal last. The order in which they happened is not known.
    pub fn kinds(&self) -> EventKinds {
        EventKinds { event: *self, left: self.flags }
    }

    /// Removes the kinds that have been handled.
    pub(super) fn forget(&mut self, kind: EventFlags) {
        self.flags.remove(kind);
    }

    /// The event's jid or pid, if it belongs to this kind alone.
    fn number(&self, kind: EventFlags) -> Option<i64> {
        let counted = self.flags & (EventFlags::CHILD | EventFlags::ATTACH);
        (counted == kind && !self.is_several()).then_some(self.data)
    }
}

impl fmt::Debug for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Event")
            .field("jid", &self.jid.map(Jid::get))
            .field("flags", &self.flags)
            .field("data", &self.data)
            .field("watch", &self.watch.0)
            .finish()
    }
}

/// An iterator over the [kinds](EventKind) of an [`Event`].
#[derive(Debug, Clone)]
#[must_use = "iterators do nothing unless iterated over"]
pub struct EventKinds {
    event: Event,
    left: EventFlags,
}

impl EventKinds {
    fn take(&mut self, note: EventFlags) -> bool {
        let there = self.left.contains(note);
        self.left.remove(note);
        there
    }
}

impl Iterator for EventKinds {
    type Item = EventKind;

    fn next(&mut self) -> Option<EventKind> {
        if self.take(EventFlags::CHILD) {
            let jid = self.event.number(EventFlags::CHILD);
            return Some(EventKind::ChildCreated {
                jid: jid.and_then(|jid| i32::try_from(jid).ok()).and_then(Jid::new),
            });
        }
        if self.take(EventFlags::SET) {
            return Some(EventKind::Changed);
        }
        if self.take(EventFlags::ATTACH) {
            let pid = self.event.number(EventFlags::ATTACH);
            return Some(EventKind::Attached { pid: pid.and_then(|pid| u32::try_from(pid).ok()) });
        }
        self.take(EventFlags::REMOVE).then_some(EventKind::Removed)
    }
}

impl FusedIterator for EventKinds {}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(fflags: u32, data: i64) -> Event {
        let raw = Kevent { filter: sys::EVFILT_JAIL, udata: 3, fflags, data, extra: 7, ..Kevent::default() };
        Event::of(&raw).expect("a jail's event")
    }

    fn kinds(fflags: u32, data: i64) -> Vec<EventKind> {
        event(fflags, data).kinds().collect()
    }

    #[test]
    fn a_jid_or_pid_belongs_to_the_only_kind_that_has_one() {
        let jid = Jid::new(9);
        assert_eq!(kinds(sys::NOTE_JAIL_CHILD, 9), [EventKind::ChildCreated { jid }]);
        assert_eq!(kinds(sys::NOTE_JAIL_ATTACH, 9), [EventKind::Attached { pid: Some(9) }]);
        assert_eq!(
            kinds(sys::NOTE_JAIL_CHILD | sys::NOTE_JAIL_SET, 9),
            [EventKind::ChildCreated { jid }, EventKind::Changed]
        );
        // No kernel reports this, so there is no guess.
        assert_eq!(
            kinds(sys::NOTE_JAIL_CHILD | sys::NOTE_JAIL_ATTACH, 9),
            [EventKind::ChildCreated { jid: None }, EventKind::Attached { pid: None }]
        );
    }

    #[test]
    fn several_have_no_jid_or_pid() {
        let several = event(sys::NOTE_JAIL_ATTACH | sys::NOTE_JAIL_MULTI, 0);
        assert!(several.is_several());
        assert_eq!(several.kinds().collect::<Vec<_>>(), [EventKind::Attached { pid: None }]);
    }

    #[test]
    fn unknown_bits_are_kept_and_are_no_kind() {
        let unknown = event(sys::NOTE_JAIL_REMOVE | 1, 0);
        assert_eq!(unknown.flags().bits(), sys::NOTE_JAIL_REMOVE | 1);
        assert_eq!(unknown.kinds().collect::<Vec<_>>(), [EventKind::Removed]);
    }

    #[test]
    fn an_event_of_another_filter_is_ignored() {
        assert_eq!(Event::of(&Kevent { filter: -1, ..Kevent::default() }), None);
    }
}
