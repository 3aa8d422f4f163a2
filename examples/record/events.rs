//! Event queues: what is watched, and what they report.

use std::os::fd::OwnedFd;
use std::rc::Rc;

use freebsd_jail::sim::raw::Errno;
use freebsd_jail::sys::{
    NOTE_JAIL_ATTACH, NOTE_JAIL_CHILD, NOTE_JAIL_MULTI, NOTE_JAIL_REMOVE, NOTE_JAIL_SET,
};
use serde_json::{Value as Json, json};

use super::kernel::Event;
use super::recorder::{Place, Recorder, SLOTS};

/// The slot of the queue.
const QUEUE: &str = "@q";
/// The least number that stands for a descriptor's watch.
const UDATA: usize = 100;

impl Recorder {
    /// Makes a queue, adds a watch to it, or takes its events. A child has no queue.
    pub(super) fn events(&mut self) -> Result<(), String> {
        if !self.descriptors || self.place != Place::Host {
            return Ok(());
        }
        let Some(queue) = self.queue.clone() else {
            let made = self.machine.kqueue();
            let answer = made.as_ref().map(|_| 0).map_err(|errno| *errno);
            self.queue = made.ok().map(Rc::new);
            return self.note(json!({"call": "kqueue", "desc": QUEUE}), answer);
        };
        if self.random.percent(45) { self.watch(&queue) } else { self.take_events(&queue) }
    }

    fn watch(&mut self, queue: &OwnedFd) -> Result<(), String> {
        let mut fflags = 0;
        for note in [NOTE_JAIL_CHILD, NOTE_JAIL_SET, NOTE_JAIL_ATTACH, NOTE_JAIL_REMOVE] {
            if self.random.percent(75) {
                fflags |= note;
            }
        }
        let place = self.random.below(SLOTS.len() + 1);
        let udata = UDATA + self.random.below(900);
        let slot = SLOTS.get(place).copied();
        let descriptor = slot.and_then(|slot| self.slots.get(slot).cloned());
        if slot.is_some() && descriptor.is_none() {
            return Ok(());
        }
        let answer = self.machine.watch(queue, descriptor.as_deref(), fflags, udata);
        let on = slot.unwrap_or("own");
        let line = json!({"call": "watch", "queue": QUEUE, "on": on, "fflags": fflags, "udata": udata});
        self.note(line, answer.map(|()| 0))
    }

    pub(super) fn take_events(&mut self, queue: &OwnedFd) -> Result<(), String> {
        let mut told = Vec::new();
        let answer = loop {
            match self.machine.event(queue) {
                Ok(Some(event)) => told.push(shown(event)),
                Ok(None) => break Ok(0),
                Err(errno) => break Err::<_, Errno>(errno),
            }
        };
        self.note(json!({"call": "events", "queue": QUEUE, "events": told}), answer)
    }

    /// Takes what is left, and closes the queue.
    pub(super) fn end_events(&mut self) -> Result<(), String> {
        let Some(queue) = self.queue.clone() else { return Ok(()) };
        self.take_events(&queue)?;
        self.queue = None;
        drop(queue);
        self.note(json!({"call": "close", "desc": QUEUE}), Ok(0))
    }
}

/// How a transcript writes an event. The pid of a process is another on the model.
fn shown(event: Event) -> Json {
    let Event { udata, flags, fflags, data } = event;
    let pid =
        fflags & NOTE_JAIL_ATTACH != 0 && fflags & (NOTE_JAIL_CHILD | NOTE_JAIL_MULTI) == 0 && data != 0;
    let data = if pid { json!("pid") } else { json!(data) };
    json!([udata, flags, fflags, data])
}
