//! Events of jails: what a kqueue(2) remembers of them until it is read.
//!
//! After `filt_jail` in `sys/kern/kern_event.c`, `jaildesc_kqops_event` in `sys/kern/kern_jaildesc.c`, and the
//! calls of `prison_knote`.

use core::ffi::c_int;
use std::collections::BTreeMap;
use std::io::Write;
use std::os::unix::net::UnixStream;
use std::sync::{Arc, Condvar};

use crate::sys::Errno;

use super::descriptor::DescriptorId;
use super::prison::Key;
use super::process::Pid;
use super::state::State;

/// A jail was made below: `NOTE_JAIL_CHILD`.
const NOTE_CHILD: u32 = 0x8000_0000;
/// A request to change the jail got as far as changing it: `NOTE_JAIL_SET`.
const NOTE_SET: u32 = 0x4000_0000;
/// A process entered the jail: `NOTE_JAIL_ATTACH`.
const NOTE_ATTACH: u32 = 0x2000_0000;
/// The jail started to die: `NOTE_JAIL_REMOVE`.
const NOTE_REMOVE: u32 = 0x1000_0000;
/// More than one child or process since the last time: `NOTE_JAIL_MULTI`.
const NOTE_MULTI: u32 = 0x0800_0000;

/// Once told, forgotten: `EV_ONESHOT`.
const EV_ONESHOT: u16 = 0x0010;
/// What was told is reset: `EV_CLEAR`.
const EV_CLEAR: u16 = 0x0020;
/// Nothing more will come: `EV_EOF`.
const EV_EOF: u16 = 0x8000;

/// What to watch, and by which filter.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Filter {
    /// `EVFILT_JAIL`: the jail of a jid, or of the process itself for 0.
    Jail(c_int),
    /// `EVFILT_JAILDESC`: the jail of a descriptor.
    Descriptor(c_int),
}

/// An event: a `struct kevent` of one of these filters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Event {
    /// What was watched.
    pub filter: Filter,
    /// `EV_CLEAR`; `EV_EOF` and `EV_ONESHOT` too once the jail has been removed.
    pub flags: u16,
    /// What happened: `NOTE_JAIL_*` bits.
    pub fflags: u32,
    /// The jid of the one child or the number of the one process, 0 if there were several.
    pub data: i64,
}

/// Something that can happen to a jail.
#[derive(Debug, Clone, Copy)]
pub(super) enum Hint {
    /// A jail was made below it.
    Child(c_int),
    /// It was changed, if only perhaps.
    Set,
    /// A process entered it.
    Attach(Pid),
    /// It started to die.
    Remove,
}

impl Hint {
    fn event(self) -> u32 {
        match self {
            Self::Child(_) => NOTE_CHILD,
            Self::Set => NOTE_SET,
            Self::Attach(_) => NOTE_ATTACH,
            Self::Remove => NOTE_REMOVE,
        }
    }

    /// What the event tells besides itself.
    fn told(self) -> Option<c_int> {
        match self {
            Self::Child(number) | Self::Attach(number) => Some(number),
            Self::Set | Self::Remove => None,
        }
    }
}

/// Which jail a note is attached to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Target {
    Prison(Key),
    Descriptor(DescriptorId),
}

/// What a queue watches and what has happened to it: `struct knote`.
#[derive(Debug)]
struct Note {
    /// `None` once the jail has started to die.
    target: Option<Target>,
    wanted: u32,
    flags: u16,
    fflags: u32,
    data: i64,
    /// Whether there is something to tell.
    active: bool,
}

impl Note {
    /// Takes note of what happened; `false` if the note is of no use any more.
    fn happen(&mut self, hint: Hint) -> bool {
        let event = hint.event();
        if self.wanted & event != 0 {
            self.fflags |= event;
            if let Some(told) = hint.told() {
                if self.data != 0 {
                    self.fflags |= NOTE_MULTI;
                }
                self.data = if self.fflags & NOTE_MULTI == 0 { told.into() } else { 0 };
            }
        }
        self.active = self.fflags != 0;
        if let Hint::Remove = hint {
            self.target = None;
            self.flags |= EV_EOF | EV_ONESHOT;
            return self.active;
        }
        true
    }
}

/// Which queue.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct QueueId(u64);

/// A queue's notes, and the end of a pair of sockets by which its reader is told that there is something to read.
#[derive(Debug)]
struct QueueState {
    notes: BTreeMap<Filter, Note>,
    signal: UnixStream,
    signalled: bool,
}

/// All queues.
#[derive(Debug, Default)]
pub(super) struct Queues {
    open: BTreeMap<QueueId, QueueState>,
    next: u64,
    /// Wakes those who wait for events.
    pub(super) happened: Arc<Condvar>,
}

impl State {
    /// Makes a queue.
    pub(super) fn new_queue(&mut self, signal: UnixStream) -> QueueId {
        let id = QueueId(self.queues.next);
        self.queues.next += 1;
        self.queues.open.insert(id, QueueState { notes: BTreeMap::new(), signal, signalled: false });
        id
    }

    /// Closes a queue.
    pub(super) fn close_queue(&mut self, id: QueueId) {
        self.queues.open.remove(&id);
    }

    /// Starts to watch, or changes what is watched for: `EV_ADD`.
    pub(super) fn add_note(
        &mut self,
        pid: Pid,
        id: QueueId,
        filter: Filter,
        wanted: u32,
    ) -> Result<(), Errno> {
        if !self.release.descriptors {
            return Err(Errno(libc::EINVAL));
        }
        let queue = self.queues.open.get_mut(&id).ok_or(Errno(libc::EBADF))?;
        if let Some(note) = queue.notes.get_mut(&filter) {
            note.wanted = wanted;
            return Ok(());
        }
        let mut dead = false;
        let target = match filter {
            Filter::Jail(0) => Target::Prison(self.prison_of(pid)),
            Filter::Jail(jid) => {
                let found = self.find_child(self.prison_of(pid), jid);
                let alive = found.filter(|key| self.prison(*key).is_alive());
                Target::Prison(alive.ok_or(Errno(libc::ENOENT))?)
            }
            Filter::Descriptor(number) => {
                let (descriptor, alive) = self.watched_descriptor(number)?;
                dead = !alive;
                Target::Descriptor(descriptor)
            }
        };
        let mut note =
            Note { target: Some(target), wanted, flags: EV_CLEAR, fflags: 0, data: 0, active: false };
        // The removal of a jail that has died before is told at once.
        if dead && !note.happen(Hint::Remove) {
            return Ok(());
        }
        if let Some(queue) = self.queues.open.get_mut(&id) {
            queue.notes.insert(filter, note);
        }
        self.signal();
        Ok(())
    }

    /// Watches no longer: `EV_DELETE`.
    pub(super) fn delete_note(&mut self, id: QueueId, filter: Filter) -> Result<(), Errno> {
        let queue = self.queues.open.get_mut(&id).ok_or(Errno(libc::EBADF))?;
        queue.notes.remove(&filter).map(|_| ()).ok_or(Errno(libc::ENOENT))
    }

    /// Reads what has happened, as much as is asked for; says too whether that was all.
    pub(super) fn read_events(&mut self, id: QueueId, max: usize) -> (Vec<Event>, bool) {
        let mut events = Vec::new();
        let Some(queue) = self.queues.open.get_mut(&id) else { return (events, true) };
        queue.notes.retain(|filter, note| {
            if !note.active || events.len() == max {
                return true;
            }
            let Note { flags, fflags, data, .. } = *note;
            events.push(Event { filter: *filter, flags, fflags, data });
            (note.fflags, note.data, note.active) = (0, 0, false);
            flags & EV_ONESHOT == 0
        });
        let all = !queue.notes.values().any(|note| note.active);
        if all {
            queue.signalled = false;
        }
        (events, all)
    }

    /// Tells those who watch a jail what happened to it: `prison_knote`.
    pub(super) fn knote(&mut self, key: Key, hint: Hint) {
        let descriptors = &self.prison(key).descriptors.clone();
        let concerned = |target: Option<Target>| match target {
            Some(Target::Prison(watched)) => watched == key,
            Some(Target::Descriptor(watched)) => descriptors.contains(&watched),
            None => false,
        };
        for queue in self.queues.open.values_mut() {
            queue.notes.retain(|_, note| !concerned(note.target) || note.happen(hint));
        }
        self.signal();
    }

    /// Forgets the notes of a descriptor that has been closed.
    pub(super) fn forget_notes(&mut self, descriptor: DescriptorId) {
        for queue in self.queues.open.values_mut() {
            queue.notes.retain(|_, note| note.target != Some(Target::Descriptor(descriptor)));
        }
    }

    /// Wakes the readers of queues that have something to tell.
    fn signal(&mut self) {
        for queue in self.queues.open.values_mut() {
            if !queue.signalled && queue.notes.values().any(|note| note.active) {
                // A reader that has gone need not be told.
                queue.signalled = queue.signal.write(&[0]).is_ok();
            }
        }
        self.queues.happened.notify_all();
    }
}
