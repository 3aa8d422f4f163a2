//! Races of a real kernel, forced, and their events.

use core::ffi::c_int;
use std::os::fd::{AsFd, OwnedFd};

use super::flags::{JAIL_ATTACH, JAIL_CREATE, JAIL_GET_DESC, JAIL_OWN_DESC, JAIL_UPDATE, JAIL_USE_DESC};
use super::kevent::{
    EV_ADD, EV_EOF, EVFILT_JAIL, EVFILT_JAILDESC, Kevent, NOTE_JAIL_ATTACH, NOTE_JAIL_CHILD,
    NOTE_JAIL_REMOVE, NOTE_JAIL_SET,
};
use super::raw::{Errno, Pair};
use super::{Effect, Kernel, Moment, Process, Sprung};

const ALL: u32 = NOTE_JAIL_CHILD | NOTE_JAIL_SET | NOTE_JAIL_ATTACH | NOTE_JAIL_REMOVE;

/// Makes a jail_set(2) or jail_get(2) with a name or a jid, and returns the jid and what is in the `desc` slot.
fn call(kernel: &Kernel, flags: c_int, set: bool, key: &str, desc: c_int) -> Result<(c_int, c_int), Errno> {
    let (mut name, mut desc) = (format!("{key}\0").into_bytes(), desc.to_ne_bytes());
    let mut jid = key.parse::<c_int>().unwrap_or(0).to_ne_bytes();
    let (mut name_len, mut jid_len, mut desc_len, mut none) = (name.len(), 4, 4, 0);
    let mut request = Vec::new();
    if jid != [0; 4] {
        request.push(Pair { name: b"jid\0", value: Some(&mut jid), len: &mut jid_len });
    } else if !key.is_empty() {
        request.push(Pair { name: b"name\0", value: Some(&mut name), len: &mut name_len });
    }
    if flags & JAIL_CREATE != 0 {
        request.push(Pair { name: b"persist\0", value: None, len: &mut none });
    }
    if flags & (JAIL_GET_DESC | JAIL_OWN_DESC | JAIL_USE_DESC) != 0 {
        request.push(Pair { name: b"desc\0", value: Some(&mut desc), len: &mut desc_len });
    }
    let result = if set {
        kernel.raw().jail_set(&mut request, flags)
    } else {
        kernel.raw().jail_get(&mut request, flags)
    };
    result.map(|jid| (jid, c_int::from_ne_bytes(desc)))
}

fn create(kernel: &Kernel, name: &str) -> c_int {
    call(kernel, JAIL_CREATE, true, name, -1).expect("created").0
}

/// Makes a jail and a descriptor of it, which the caller closes.
fn create_with(kernel: &Kernel, name: &str, how: c_int) -> (c_int, c_int) {
    call(kernel, JAIL_CREATE | how, true, name, -1).expect("created")
}

fn exists(kernel: &Kernel, jid: c_int) -> bool {
    call(kernel, 0, false, &jid.to_string(), -1).is_ok()
}

fn close(number: c_int) {
    nix::unistd::close(number).expect("it is open");
}

fn watch(kernel: &Kernel, queue: &OwnedFd, filter: i16, ident: c_int) -> Result<(), Errno> {
    let ident = usize::try_from(ident).expect("a number");
    let change = Kevent { ident, filter, flags: EV_ADD, fflags: ALL, ..Kevent::default() };
    kernel.raw().kevent_change(queue.as_fd(), change)
}

/// The flags and data of the events.
fn events(kernel: &Kernel, queue: &OwnedFd) -> Vec<(u32, i64)> {
    let mut events = [Kevent::default(); 8];
    let count = kernel.raw().kevent_read(queue.as_fd(), &mut events, true).expect("read");
    events.iter().take(count).map(|event| (event.fflags, event.data)).collect()
}

fn inmate(kernel: &Kernel, jid: c_int) -> Process {
    let process = kernel.process().fork();
    process.run(|| kernel.raw().jail_attach(jid)).expect("attached");
    process
}

#[test]
fn t23_the_removal_of_a_jail_that_is_being_watched_by_jid_is_never_reported() {
    let kernel = Kernel::new();
    let queue = kernel.raw().kqueue().expect("a queue");
    let jid = create(&kernel, "a");
    watch(&kernel, &queue, EVFILT_JAIL, jid).expect("watched");
    kernel.raw().jail_remove(jid).expect("removed");
    assert_eq!(events(&kernel, &queue), [(NOTE_JAIL_REMOVE, 0)], "a removal that comes later is");
    let jid = create(&kernel, "b");
    let same = kernel.clone();
    kernel.meanwhile(Moment::Watch, move || same.raw().jail_remove(jid).expect("removed"));
    watch(&kernel, &queue, EVFILT_JAIL, jid).expect("watched");
    assert!(!exists(&kernel, jid));
    assert_eq!(events(&kernel, &queue), []);
    let sprung = Sprung { trap: Some(23), call: "kevent", effect: Effect::Panic };
    assert_eq!(kernel.sprung(), [sprung, sprung]);
}

#[test]
fn t23_by_descriptor_nothing_is_lost() {
    let kernel = Kernel::new();
    let queue = kernel.raw().kqueue().expect("a queue");
    let (jid, descriptor) = create_with(&kernel, "a", JAIL_GET_DESC);
    kernel.raw().jail_remove(jid).expect("removed");
    watch(&kernel, &queue, EVFILT_JAILDESC, descriptor).expect("watched");
    assert_eq!(events(&kernel, &queue), [(NOTE_JAIL_REMOVE, 0)]);
    assert_eq!(kernel.sprung(), []);
    close(descriptor);
}

#[test]
fn t38_watching_the_own_jail_is_a_trap_inside_a_jail_only() {
    let kernel = Kernel::new();
    let queue = kernel.raw().kqueue().expect("a queue");
    watch(&kernel, &queue, EVFILT_JAIL, 0).expect("watched");
    let jid = create(&kernel, "a");
    assert_eq!(events(&kernel, &queue), [(NOTE_JAIL_CHILD, jid.into())]);
    assert_eq!(kernel.sprung(), []);
    inmate(&kernel, jid).run(|| {
        let queue = kernel.raw().kqueue().expect("a queue");
        watch(&kernel, &queue, EVFILT_JAIL, 0).expect("watched");
    });
    assert_eq!(kernel.sprung(), [Sprung { trap: Some(38), call: "kevent", effect: Effect::Panic }]);
}

#[test]
fn t42_two_threads_that_attach_to_two_jails_at_once_are_recorded() {
    let kernel = Kernel::new();
    let (one, other) = (create(&kernel, "a"), create(&kernel, "b"));
    let process = kernel.process().fork();
    let thread = process.clone();
    let same = kernel.clone();
    kernel.meanwhile(Moment::Attach, move || {
        let attaching = std::thread::spawn(move || thread.run(|| same.raw().jail_attach(other)));
        attaching.join().expect("the thread ends").expect("attached");
    });
    process.run(|| kernel.raw().jail_attach(one)).expect_err("it is in the other jail now");
    assert_eq!(kernel.sprung(), [Sprung { trap: Some(42), call: "jail_attach", effect: Effect::Corruption }]);
    let kernel = Kernel::new();
    let (one, other) = (create(&kernel, "a"), create(&kernel, "b"));
    inmate(&kernel, one);
    inmate(&kernel, other);
    assert_eq!(kernel.sprung(), [], "two processes, one after the other");
}

#[test]
fn t43_a_program_that_starts_during_an_attach_is_recorded() {
    let kernel = Kernel::new();
    let jid = create(&kernel, "a");
    let process = kernel.process().fork();
    let thread = process.clone();
    kernel.meanwhile(Moment::Attach, move || drop(thread.fork()));
    process.run(|| call(&kernel, JAIL_UPDATE | JAIL_ATTACH, true, "a", -1)).expect("attached");
    assert_eq!(process.jid(), jid);
    assert_eq!(kernel.sprung(), [Sprung { trap: Some(43), call: "fork", effect: Effect::Escape }]);
}

#[test]
fn t44_closing_an_owning_descriptor_that_a_call_is_using_hangs() {
    let kernel = Kernel::new();
    for (name, how, sprung) in [("a", JAIL_GET_DESC, 0), ("b", JAIL_OWN_DESC, 1)] {
        let (_, number) = create_with(&kernel, name, how);
        kernel.meanwhile(Moment::Lookup, move || close(number));
        let _ = call(&kernel, JAIL_USE_DESC, false, "", number);
        assert_eq!(kernel.sprung().len(), sprung);
    }
    assert_eq!(kernel.sprung(), [Sprung { trap: Some(44), call: "jail_get", effect: Effect::Hang }]);
}

#[test]
fn t45_the_descriptor_is_there_before_the_jail() {
    let kernel = Kernel::new();
    let same = kernel.clone();
    let (said, heard) = std::sync::mpsc::channel();
    kernel.meanwhile(Moment::NewDescriptor, move || {
        let made = call(&same, 0, false, "a", -1).is_err();
        said.send(made).expect("heard");
    });
    let (_, number) = create_with(&kernel, "a", JAIL_OWN_DESC);
    assert_eq!(heard.recv(), Ok(true), "there is no jail yet");
    close(number);
    kernel.meanwhile(Moment::NewDescriptor, || {});
    call(&kernel, JAIL_UPDATE | JAIL_GET_DESC, true, "nosuch", -1).expect_err("no jail");
    assert!(!exists(&kernel, 1));
    assert_eq!(kernel.state().descriptors_open(), 0, "a call that fails closes it");
}

#[test]
fn t46_with_racct_an_update_may_bind_its_descriptor_to_a_dead_jail() {
    let kernel = Kernel::new();
    kernel.set_racct(true);
    let jid = create(&kernel, "a");
    let same = kernel.clone();
    kernel.meanwhile(Moment::Bind, move || same.raw().jail_remove(jid).expect("removed"));
    let (_, number) = call(&kernel, JAIL_UPDATE | JAIL_GET_DESC, true, "a", -1).expect("updated");
    assert_eq!(kernel.sprung(), [Sprung { trap: Some(46), call: "jail_set", effect: Effect::Loss }]);
    let jid = u64::try_from(jid).expect("positive");
    assert_eq!(kernel.raw().fstat(number), Some(Ok((0o100_700, jid))), "it looks alive");
    let queue = kernel.raw().kqueue().expect("a queue");
    watch(&kernel, &queue, EVFILT_JAILDESC, number).expect("watched");
    assert_eq!(events(&kernel, &queue), [], "and its removal is never told");
    call(&kernel, JAIL_USE_DESC, false, "", number).expect_err("only jail_get says so");
    close(number);
    assert!(call(&kernel, 0x08, false, &jid.to_string(), -1).is_err(), "it kept the jail dying");
    let _ = create(&kernel, "b");
    let (_, number) = call(&kernel, JAIL_UPDATE | JAIL_GET_DESC, true, "b", -1).expect("updated");
    call(&kernel, JAIL_USE_DESC, false, "", number).expect("alive");
    close(number);
    assert_eq!(kernel.sprung().len(), 1);
}

#[test]
fn t54_a_watch_of_the_own_jail_stays_where_it_was_made() {
    let kernel = Kernel::new();
    let jid = create(&kernel, "a");
    let process = kernel.process().fork();
    process.run(|| {
        let queue = kernel.raw().kqueue().expect("a queue");
        watch(&kernel, &queue, EVFILT_JAIL, 0).expect("watched");
        kernel.raw().jail_attach(jid).expect("attached");
        watch(&kernel, &queue, EVFILT_JAIL, 0).expect("added again");
        kernel.process().set_fib(0);
        let host = kernel.clone();
        let other = std::thread::spawn(move || create(&host, "b")).join().expect("the thread ends");
        assert_eq!(events(&kernel, &queue), [(NOTE_JAIL_CHILD, other.into())], "the host's");
    });
}

#[test]
fn t54_a_child_whose_creation_fails_is_reported() {
    let kernel = Kernel::new();
    let queue = kernel.raw().kqueue().expect("a queue");
    watch(&kernel, &queue, EVFILT_JAIL, 0).expect("watched");
    let process = kernel.process().fork();
    process.open_directory();
    process.run(|| call(&kernel, JAIL_CREATE | JAIL_ATTACH, true, "a", -1)).expect_err("not attached");
    assert_eq!(events(&kernel, &queue), [(NOTE_JAIL_CHILD, 1)]);
    assert!(!exists(&kernel, 1));
}

#[test]
fn t55_only_jail_calls_work_with_a_descriptor_without_rights() {
    const ENOTCAPABLE: c_int = 93;
    const ECAPMODE: c_int = 94;
    let kernel = Kernel::new();
    let (jid, number) = create_with(&kernel, "a", JAIL_GET_DESC);
    let queue = kernel.raw().kqueue().expect("a queue");
    let process = kernel.process().fork();
    process.run(|| {
        process.cap_enter();
        watch(&kernel, &queue, EVFILT_JAILDESC, number).expect("watched");
        assert_eq!(kernel.raw().fstat(number), Some(Ok((0o100_700, 1))));
        let refused = call(&kernel, JAIL_USE_DESC, false, "", number);
        assert_eq!(refused, Err(Errno(ECAPMODE)));
        assert_eq!(kernel.raw().jail_remove_jd(number), Err(Errno(ECAPMODE)));
    });
    process.limit_rights(&queue).expect_err("it is not a jail's");
    kernel.state().descriptors.limit(number).expect("limited");
    assert_eq!(kernel.raw().fstat(number), Some(Err(Errno(ENOTCAPABLE))));
    assert_eq!(watch(&kernel, &queue, EVFILT_JAILDESC, number), Err(Errno(ENOTCAPABLE)));
    assert_eq!(call(&kernel, JAIL_USE_DESC, false, "", number).map(|(jid, _)| jid), Ok(jid));
    close(number);
}

#[test]
fn an_event_of_removal_ends_the_watch() {
    let kernel = Kernel::new();
    let queue = kernel.raw().kqueue().expect("a queue");
    let (jid, number) = create_with(&kernel, "a", JAIL_GET_DESC);
    watch(&kernel, &queue, EVFILT_JAILDESC, number).expect("watched");
    call(&kernel, JAIL_UPDATE, true, "a", -1).expect("updated");
    kernel.raw().jail_remove(jid).expect("removed");
    let mut event = [Kevent::default()];
    assert_eq!(kernel.raw().kevent_read(queue.as_fd(), &mut event, true), Ok(1));
    let [event] = event;
    assert_eq!((event.fflags, event.flags & EV_EOF), (NOTE_JAIL_SET | NOTE_JAIL_REMOVE, EV_EOF));
    assert_eq!(events(&kernel, &queue), []);
    close(number);
}
