//! What a watcher tells.

#![forbid(unsafe_code)]

use core::fmt;
use core::iter::FusedIterator;

use bitflags::bitflags;

use crate::jid::Jid;
use crate::sys::{self, event::Kevent};

/// Tells what one call of [`Watcher::watch`](super::Watcher::watch) or its like watches from all else that is
/// watched.
///
/// A number that the kernel gives to another jail later does not: with jails of fixed numbers, an event of the one
/// that was removed may be read when the next one is watched already. No two watches of a program have the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct WatchId(pub(super) usize);

bitflags! {
    /// The kinds of an [`Event`], as the kernel tells them: `NOTE_JAIL_*` of `sys/event.h`.
    ///
    /// Bits that the crate does not know are kept. Test bits, do not compare: the kernel joins what has happened
    /// since the last read.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
    pub struct Notes: u32 {
        /// A jail directly below this one was created.
        const CHILD = sys::NOTE_JAIL_CHILD;
        /// The jail was changed by jail_set(2).
        const SET = sys::NOTE_JAIL_SET;
        /// A process entered the jail.
        const ATTACH = sys::NOTE_JAIL_ATTACH;
        /// The jail began to die.
        const REMOVE = sys::NOTE_JAIL_REMOVE;
        /// More than one child was created or process entered since the last read.
        const MULTI = sys::NOTE_JAIL_MULTI;
        const _ = !0;
    }
}

/// What has happened to a jail since its last event: one thing or several, which [`kinds`](Self::kinds) goes
/// through.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Event {
    watch: WatchId,
    jid: Option<Jid>,
    notes: Notes,
    data: i64,
}

/// One of the things that an [`Event`] tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum EventKind {
    /// A jail directly below this one was created, or several were.
    ///
    /// The creation may have failed after all, and the jail may have gone again: open it to know.
    ChildCreated {
        /// Its number; `None` when there were several, or when processes have entered too.
        jid: Option<Jid>,
    },
    /// jail_set(2) was used on the jail. It may have changed nothing, and it may have failed half-way.
    Changed,
    /// A process entered the jail, or several did. A process that is forked by one in the jail does not enter it.
    Entered {
        /// Its number; `None` when there were several, or when jails have been created too.
        pid: Option<u32>,
    },
    /// The jail **began to die**: it cannot be entered, changed or found any more. What is left of it, such as
    /// connections that are still being closed, may keep it dying for long;
    /// [`Jail::wait_gone`](crate::Jail::wait_gone) waits for its end. No more events of it will come.
    Removed,
}

impl Event {
    /// Reads what the kernel gave, `None` where it is of a filter that is not the crate's.
    pub(super) fn of(event: &Kevent) -> Option<Self> {
        if !matches!(event.filter, sys::EVFILT_JAIL | sys::EVFILT_JAILDESC) {
            return None;
        }
        let jid = i32::try_from(event.extra).ok().and_then(Jid::new);
        let notes = Notes::from_bits_retain(event.fflags);
        Some(Self { watch: WatchId(event.udata), jid, notes, data: event.data })
    }

    /// Returns which watch it belongs to.
    #[must_use]
    pub fn watch(&self) -> WatchId {
        self.watch
    }

    /// Returns the jail's number, `None` for the jail that this process is in, the host included.
    #[must_use]
    pub fn jid(&self) -> Option<Jid> {
        self.jid
    }

    /// Returns the kinds as the kernel told them, unknown bits included.
    #[must_use]
    pub fn notes(&self) -> Notes {
        self.notes
    }

    /// Whether more than one child was created or process entered, so that the kernel tells no number of any.
    /// Whoever needs to know them all has to list the [children](crate::Jail::children) then.
    #[must_use]
    pub fn is_several(&self) -> bool {
        self.notes.contains(Notes::MULTI)
    }

    /// Whether the jail began to die.
    #[must_use]
    pub fn is_removed(&self) -> bool {
        self.notes.contains(Notes::REMOVE)
    }

    /// Goes through what has happened, the removal last. The order in which it happened is not known.
    pub fn kinds(&self) -> EventKinds {
        EventKinds { event: *self, left: self.notes }
    }

    /// The number that came with the event, if it belongs to this kind alone.
    fn number(&self, kind: Notes) -> Option<i64> {
        let counted = self.notes & (Notes::CHILD | Notes::ATTACH);
        (counted == kind && !self.is_several()).then_some(self.data)
    }
}

impl fmt::Debug for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Event")
            .field("jid", &self.jid.map(Jid::get))
            .field("notes", &self.notes)
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
    left: Notes,
}

impl EventKinds {
    fn take(&mut self, note: Notes) -> bool {
        let there = self.left.contains(note);
        self.left.remove(note);
        there
    }
}

impl Iterator for EventKinds {
    type Item = EventKind;

    fn next(&mut self) -> Option<EventKind> {
        if self.take(Notes::CHILD) {
            let jid = self.event.number(Notes::CHILD);
            return Some(EventKind::ChildCreated {
                jid: jid.and_then(|jid| i32::try_from(jid).ok()).and_then(Jid::new),
            });
        }
        if self.take(Notes::SET) {
            return Some(EventKind::Changed);
        }
        if self.take(Notes::ATTACH) {
            let pid = self.event.number(Notes::ATTACH);
            return Some(EventKind::Entered { pid: pid.and_then(|pid| u32::try_from(pid).ok()) });
        }
        self.take(Notes::REMOVE).then_some(EventKind::Removed)
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
    fn a_number_belongs_to_the_only_kind_that_has_one() {
        let jid = Jid::new(9);
        assert_eq!(kinds(sys::NOTE_JAIL_CHILD, 9), [EventKind::ChildCreated { jid }]);
        assert_eq!(kinds(sys::NOTE_JAIL_ATTACH, 9), [EventKind::Entered { pid: Some(9) }]);
        assert_eq!(
            kinds(sys::NOTE_JAIL_CHILD | sys::NOTE_JAIL_SET, 9),
            [EventKind::ChildCreated { jid }, EventKind::Changed]
        );
        // Never said by a kernel, and not guessed at.
        assert_eq!(
            kinds(sys::NOTE_JAIL_CHILD | sys::NOTE_JAIL_ATTACH, 9),
            [EventKind::ChildCreated { jid: None }, EventKind::Entered { pid: None }]
        );
    }

    #[test]
    fn several_have_no_number() {
        let several = event(sys::NOTE_JAIL_ATTACH | sys::NOTE_JAIL_MULTI, 0);
        assert!(several.is_several());
        assert_eq!(several.kinds().collect::<Vec<_>>(), [EventKind::Entered { pid: None }]);
    }

    #[test]
    fn unknown_bits_are_kept_and_are_no_kind() {
        let unknown = event(sys::NOTE_JAIL_REMOVE | 1, 0);
        assert_eq!(unknown.notes().bits(), sys::NOTE_JAIL_REMOVE | 1);
        assert_eq!(unknown.kinds().collect::<Vec<_>>(), [EventKind::Removed]);
    }

    #[test]
    fn an_event_of_another_filter_is_none_of_ours() {
        assert_eq!(Event::of(&Kevent { filter: -1, ..Kevent::default() }), None);
    }
}
