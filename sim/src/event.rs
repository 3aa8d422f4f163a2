//! Event queues with the filters for jails: `filt_jail` and related functions in `sys/kern/kern_event.c`, and
//! `jaildesc_kqops_event` in `sys/kern/kern_jaildesc.c`.
//!
//! A modelled queue is a real descriptor, as a modelled jail descriptor is. It is readable while the queue has events,
//! so that poll(2) and event loops work as with a kqueue. There are no filters but the two and a timer. Unlike the
//! kernel's, a queue is inherited by a child process.

use core::ffi::c_int;
use std::collections::{BTreeMap, VecDeque};
use std::os::fd::{AsRawFd, BorrowedFd, OwnedFd};

use super::descriptor::DescriptorId;
use super::end::{self, End};
use super::errno::Errno;
use super::host::{self, Identity};
use super::kevent::{
    EV_ADD, EV_CLEAR, EV_DELETE, EV_DROP, EV_EOF, EV_ONESHOT, EVFILT_JAIL, EVFILT_JAILDESC, EVFILT_TIMER,
    Kevent, NOTE_JAIL_ATTACH, NOTE_JAIL_CHILD, NOTE_JAIL_MULTI, NOTE_JAIL_REMOVE,
};
use super::prison::{HOST, Key};
use super::process::Pid;
use super::sprung::Effect;
use super::state::State;

/// Identifies a filter of a queue: filter and ident.
type Filter = (i16, usize);

/// All event queues.
#[derive(Debug, Default)]
pub(super) struct Queues {
    open: BTreeMap<Identity, Queue>,
}

/// An event queue: `struct kqueue`.
#[derive(Debug)]
struct Queue {
    /// The model's end, by which the caller's is made readable.
    end: End,
    knotes: BTreeMap<Filter, Knote>,
    /// The filters that have events, in the order in which they got them.
    ready: VecDeque<Filter>,
    /// Whether the caller's end is readable.
    told: bool,
}

/// A filter and its pending event: `struct knote`.
#[derive(Debug)]
struct Knote {
    /// The caller's values, with the event in `flags`, `fflags` and `data`.
    event: Kevent,
    /// The requested kinds of events.
    wanted: u32,
    /// The jail, none once it has started to die.
    prison: Option<Key>,
    /// The descriptor by which the jail is watched.
    descriptor: Option<DescriptorId>,
    /// Whether it has an event to be read.
    queued: bool,
}

/// A filter that is being added, and its jail.
#[derive(Debug)]
pub(super) struct Watch {
    queue: Identity,
    change: Kevent,
    prison: Option<Key>,
    descriptor: Option<DescriptorId>,
}

impl Knote {
    /// Records an event. Returns whether there is something to report.
    fn note(&mut self, kind: u32, number: c_int) -> bool {
        let event = &mut self.event;
        if self.wanted & kind != 0 {
            event.fflags |= kind;
            if kind == NOTE_JAIL_CHILD || kind == NOTE_JAIL_ATTACH {
                if event.data != 0 {
                    event.fflags |= NOTE_JAIL_MULTI;
                }
                event.data = if event.fflags & NOTE_JAIL_MULTI != 0 { 0 } else { number.into() };
            }
        }
        if kind == NOTE_JAIL_REMOVE {
            event.flags |= EV_EOF | EV_ONESHOT;
            if event.fflags == 0 {
                event.flags |= EV_DROP;
            }
            self.prison = None;
            return true;
        }
        event.fflags != 0
    }
}

impl Queue {
    fn enqueue(&mut self, filter: Filter) {
        if let Some(knote) = self.knotes.get_mut(&filter).filter(|knote| !knote.queued) {
            knote.queued = true;
            self.ready.push_back(filter);
        }
        if !self.told && !self.ready.is_empty() {
            self.told = self.end.make_readable();
        }
    }

    fn forget(&mut self, filter: Filter) -> Option<Knote> {
        self.ready.retain(|each| *each != filter);
        self.knotes.remove(&filter)
    }

    /// Takes the next event, skipping those that are to be dropped.
    fn take(&mut self) -> Option<Kevent> {
        loop {
            let filter = self.ready.pop_front()?;
            let Some(knote) = self.knotes.get_mut(&filter) else { continue };
            knote.queued = false;
            let event = knote.event;
            if event.flags & EV_ONESHOT != 0 {
                self.knotes.remove(&filter);
            } else {
                knote.event.fflags = 0;
                knote.event.data = 0;
            }
            if event.flags & EV_DROP == 0 {
                return Some(event);
            }
        }
    }
}

impl State {
    /// kqueue(2).
    pub(super) fn sys_kqueue(&mut self, pid: Pid) -> Result<OwnedFd, Errno> {
        self.check_running(pid)?;
        let (theirs, ours) = End::pair()?;
        let queue = Queue { end: ours, knotes: BTreeMap::new(), ready: VecDeque::new(), told: false };
        self.queues.open.insert(host::file(theirs.as_raw_fd())?, queue);
        Ok(theirs)
    }

    /// kevent(2) with one change. Its result is added by [`Self::add_knote`].
    pub(super) fn sys_kevent_change(
        &mut self,
        pid: Pid,
        queue: BorrowedFd<'_>,
        change: Kevent,
    ) -> Result<Option<Watch>, Errno> {
        self.check_running(pid)?;
        let queue = host::file(queue.as_raw_fd())?;
        if !self.queues.open.contains_key(&queue) {
            return Err(Errno(libc::EBADF));
        }
        let is_known = match change.filter {
            EVFILT_JAIL | EVFILT_JAILDESC => self.release.descriptors,
            filter => filter == EVFILT_TIMER,
        };
        if !is_known {
            return Err(Errno(libc::EINVAL));
        }
        let filter = (change.filter, change.ident);
        let found = if change.filter == EVFILT_JAILDESC {
            Some(self.descriptor_to_watch(change.ident)?)
        } else {
            None
        };
        let known = |state: &mut Self| {
            state.queues.open.get_mut(&queue).map(|queue| queue.knotes.contains_key(&filter))
        };
        match (known(self) == Some(true), change.flags & EV_ADD != 0, change.flags & EV_DELETE != 0) {
            (true, _, true) => {
                if let Some(queue) = self.queues.open.get_mut(&queue) {
                    queue.forget(filter);
                }
                Ok(None)
            }
            (true, _, false) => {
                if let Some(knote) =
                    self.queues.open.get_mut(&queue).and_then(|queue| queue.knotes.get_mut(&filter))
                {
                    knote.wanted = change.fflags;
                    knote.event.udata = change.udata;
                }
                Ok(None)
            }
            (false, false, _) => Err(Errno(libc::ENOENT)),
            (false, true, _) => self.find_watched(pid, queue, change, found).map(Some),
        }
    }

    /// Finds the jail of a new filter: the start of `filt_jailattach` and `jaildesc_kqfilter`.
    fn find_watched(
        &mut self,
        pid: Pid,
        queue: Identity,
        change: Kevent,
        found: Option<(DescriptorId, Option<Key>)>,
    ) -> Result<Watch, Errno> {
        let mine = self.prison_of(pid);
        let prison = match found {
            Some((_, prison)) => prison,
            None if change.filter == EVFILT_TIMER => None,
            None if change.ident == 0 => {
                if mine != HOST {
                    self.spring(38, Effect::Panic);
                }
                Some(mine)
            }
            None => {
                let jid = c_int::try_from(change.ident).map_err(|_| Errno(libc::ENOENT))?;
                let alive = |key: &Key| self.prison(*key).is_alive();
                let key = self.find_child(mine, jid).filter(alive).ok_or(Errno(libc::ENOENT))?;
                self.spring(23, Effect::Panic);
                Some(key)
            }
        };
        Ok(Watch { queue, change, prison, descriptor: found.map(|(id, _)| id) })
    }

    /// Adds a filter: the end of `filt_jailattach` and `jaildesc_kqfilter`.
    ///
    /// T23: the filter of a jail that was removed since it was found gets no events.
    pub(super) fn add_knote(&mut self, watch: &Watch) {
        let Watch { queue, change, prison, descriptor } = *watch;
        let event =
            Kevent { flags: change.flags & !(EV_ADD | EV_DELETE) | EV_CLEAR, fflags: 0, data: 0, ..change };
        let mut knote = Knote { event, wanted: change.fflags, prison, descriptor, queued: false };
        // A descriptor whose jail died before reports it at once.
        let is_dead = prison.is_none() && change.filter != EVFILT_TIMER;
        let tell = is_dead && knote.note(NOTE_JAIL_REMOVE, 0);
        if let Some(queue) = self.queues.open.get_mut(&queue) {
            let filter = (change.filter, change.ident);
            queue.knotes.insert(filter, knote);
            if tell {
                queue.enqueue(filter);
            }
        }
    }

    /// kevent(2) that takes events and does not wait.
    pub(super) fn sys_kevent_read(
        &mut self,
        pid: Pid,
        descriptor: BorrowedFd<'_>,
        events: &mut [Kevent],
    ) -> Result<usize, Errno> {
        self.check_running(pid)?;
        let queue =
            self.queues.open.get_mut(&host::file(descriptor.as_raw_fd())?).ok_or(Errno(libc::EBADF))?;
        let mut count = 0;
        for place in events {
            let Some(event) = queue.take() else { break };
            *place = event;
            count += 1;
        }
        if queue.told && queue.ready.is_empty() {
            queue.told = end::make_unreadable(descriptor)?;
        }
        Ok(count)
    }

    /// Replaces a number in events of a kind that have not been read.
    pub(super) fn replace_data(&mut self, kind: u32, old: i64, new: i64) {
        let knotes = self.queues.open.values_mut().flat_map(|queue| queue.knotes.values_mut());
        for knote in knotes.filter(|knote| knote.event.fflags & kind != 0 && knote.event.data == old) {
            knote.event.data = new;
        }
    }

    /// Reports an event to the watches of a jail: `prison_knote`.
    pub(super) fn knote(&mut self, key: Key, kind: u32, number: c_int) {
        for queue in self.queues.open.values_mut() {
            let mine = queue.knotes.iter_mut().filter(|(_, knote)| knote.prison == Some(key));
            let told: Vec<Filter> =
                mine.filter_map(|(filter, knote)| knote.note(kind, number).then_some(*filter)).collect();
            for filter in told {
                queue.enqueue(filter);
            }
        }
    }

    /// A period of a timer has passed: `filt_timerexpire`. Returns whether it still exists.
    pub(super) fn expire(&mut self, watch: &Watch) -> bool {
        self.sweep_queues();
        let filter = (watch.change.filter, watch.change.ident);
        let Some(queue) = self.queues.open.get_mut(&watch.queue) else { return false };
        let Some(knote) =
            queue.knotes.get_mut(&filter).filter(|knote| knote.event.extra == watch.change.extra)
        else {
            return false;
        };
        knote.event.data += 1;
        queue.enqueue(filter);
        true
    }

    /// Forgets the queues that have been closed, and the filters whose descriptors have been: `knote_fdclose`.
    pub(super) fn sweep_queues(&mut self) {
        self.queues.open.retain(|_, queue| !queue.end.hung_up());
        let descriptors = &self.descriptors;
        let means = |number: usize, id: DescriptorId| {
            let found = c_int::try_from(number).ok().map(|number| descriptors.find_jail(number));
            matches!(found, Some(Ok(Some((found, _)))) if found == id)
        };
        for queue in self.queues.open.values_mut() {
            let closed = queue
                .knotes
                .iter()
                .filter(|((_, ident), knote)| knote.descriptor.is_some_and(|id| !means(*ident, id)));
            let closed: Vec<Filter> = closed.map(|(filter, _)| *filter).collect();
            for filter in closed {
                queue.forget(filter);
            }
        }
    }

    /// Finds the descriptor of a number, and its jail unless that has started to die.
    fn descriptor_to_watch(&self, number: usize) -> Result<(DescriptorId, Option<Key>), Errno> {
        let number = c_int::try_from(number).map_err(|_| Errno(libc::EBADF))?;
        self.descriptors.check_rights(number)?;
        self.descriptors.find_jail(number)?.ok_or(Errno(libc::EINVAL))
    }
}
