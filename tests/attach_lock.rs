//! No two threads attach at once, and none attaches while another one starts a program: each thread has a model of its
//! own, since the lock is the process's.

#![allow(clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt as _;
use std::process::Command;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use freebsd_jail::raw::{self, At, LegacyJail, Request, SetFlags};
use freebsd_jail::sim::{Kernel, Moment};
use freebsd_jail::{Jail, JailUpdate, Watcher, param, sys};

/// A function that attaches to a jail.
type Way = fn(&Jail);

const WAYS: [(&str, Way); 10] = [
    ("Jail::attach", |jail| jail.attach().expect("attached")),
    ("Jail::attach by jid", |jail| Jail::unpinned(jail.jid()).attach().expect("attached")),
    ("JailBuilder::create_and_attach", |_| {
        let _ = Jail::builder().path("/").create_and_attach().expect("attached");
    }),
    ("raw::jail_attach", |jail| raw::jail_attach(jail.jid()).expect("attached")),
    ("raw::jail_attach_jd", |jail| {
        raw::jail_attach_jd(jail.descriptor().expect("a descriptor")).expect("attached");
    }),
    ("raw::jail", |_| {
        let _ = raw::jail(&LegacyJail::new("/", "legacy")).expect("attached");
    }),
    ("raw::jail_set", |_| {
        let mut request = Request::new();
        request.bytes("path", b"/\0").expect("added");
        let flags = SetFlags::CREATE | SetFlags::ATTACH;
        raw::jail_set(&mut request, At::None, flags).expect("attached");
    }),
    ("sys::jail_attach", |jail| assert_eq!(sys::jail_attach(jail.jid().get()), 0)),
    ("sys::jail", |_| {
        let text = |text: &'static core::ffi::CStr| text.as_ptr().cast_mut();
        let mut jail = sys::jail {
            version: 2,
            path: text(c"/"),
            hostname: text(c"legacy"),
            jailname: core::ptr::null_mut(),
            ip4s: 0,
            ip6s: 0,
            ip4: core::ptr::null_mut(),
            ip6: core::ptr::null_mut(),
        };
        // SAFETY: the structure is ours, its strings end in NUL, and it has no addresses.
        assert!(unsafe { sys::jail(&raw mut jail) } > 0);
    }),
    ("sys::jail_set", |jail| {
        let mut jid = jail.jid().get().to_ne_bytes();
        let iovec =
            |bytes: &mut [u8]| libc::iovec { iov_base: bytes.as_mut_ptr().cast(), iov_len: bytes.len() };
        let mut request = [iovec(&mut b"jid\0".to_owned()), iovec(&mut jid)];
        // SAFETY: the two iovecs are ours, and so is the memory that they name.
        assert!(unsafe { sys::jail_set(request.as_mut_ptr(), 2, sys::JAIL_UPDATE | sys::JAIL_ATTACH) } > 0);
    }),
];

/// A jail that this process does not own, so that it may attach.
fn jail() -> Jail {
    Jail::builder().path("/").create_detached().expect("created")
}

fn start_program(jail: &Jail) {
    assert!(jail.command("/bin/sh").args(["-c", ""]).status().is_ok());
}

/// A thread in the middle of an attach, until this is dropped.
struct Held {
    release: Option<Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Drop for Held {
    fn drop(&mut self) {
        drop(self.release.take());
        let ended = self.thread.take().map(JoinHandle::join);
        assert!(thread::panicking() || ended.is_some_and(|ended| ended.is_ok()));
    }
}

/// Does something in another thread, and stops it in the middle of its first attach.
fn held(act: fn(&Jail)) -> Held {
    let (reached, when_reached) = channel();
    let (release, when_released) = channel::<()>();
    let thread = thread::spawn(move || {
        let kernel = Kernel::new();
        let _guard = kernel.install();
        kernel.allow_exec(true);
        let jail = jail();
        kernel.meanwhile(Moment::Attach, move || {
            reached.send(()).expect("heard");
            let _ = when_released.recv();
        });
        act(&jail);
    });
    when_reached.recv_timeout(Duration::from_secs(30)).expect("it attaches");
    Held { release: Some(release), thread: Some(thread) }
}

/// A thread that is attaching.
fn attaching() -> Held {
    held(|jail| jail.attach().expect("attached"))
}

/// A thread that is starting a program.
fn starting() -> Held {
    held(start_program)
}

/// Does something in another thread, on a model of its own where programs may run, and signals when it is done.
fn elsewhere(act: impl FnOnce() + Send + 'static) -> Receiver<()> {
    let (done, when_done) = channel();
    thread::spawn(move || {
        let kernel = Kernel::new();
        let _guard = kernel.install();
        kernel.allow_exec(true);
        act();
        done.send(()).expect("heard");
    });
    when_done
}

#[track_caller]
fn waits(when_done: &Receiver<()>, what: &str) {
    let heard = when_done.recv_timeout(Duration::from_millis(20));
    assert_eq!(heard, Err(RecvTimeoutError::Timeout), "{what}");
}

#[track_caller]
fn is_done(when_done: &Receiver<()>, what: &str) {
    when_done.recv_timeout(Duration::from_secs(30)).unwrap_or_else(|error| panic!("{what}: {error}"));
}

/// Checks that each way to attach waits as long as something is held.
fn all_ways_wait_for(held: Held) {
    let attaching = WAYS.map(|(name, way)| (name, elsewhere(move || way(&jail()))));
    thread::sleep(Duration::from_millis(200));
    for (name, when_done) in &attaching {
        waits(when_done, name);
    }
    drop(held);
    for (name, when_done) in &attaching {
        is_done(when_done, name);
    }
}

#[test]
fn attaching_waits_for_programs_that_are_being_started_t43() {
    all_ways_wait_for(starting());
}

#[test]
fn two_threads_do_not_attach_at_once_t42() {
    all_ways_wait_for(attaching());
}

#[test]
fn a_program_is_not_started_while_a_thread_attaches_t43() {
    let attaching = attaching();
    let started = elsewhere(|| start_program(&jail()));
    thread::sleep(Duration::from_millis(200));
    waits(&started, "starting a program");
    drop(attaching);
    is_done(&started, "starting a program");
}

#[test]
fn a_program_that_is_slow_to_execute_keeps_no_thread_from_attaching() {
    let (mut here, mut there) = UnixStream::pair().expect("a pair");
    for socket in [&here, &there] {
        socket.set_read_timeout(Some(Duration::from_secs(20))).expect("set");
    }
    let started = elsewhere(move || {
        let jail = jail();
        let mut command = jail.command("/bin/cat");
        command.stdin(std::process::Stdio::piped());
        let wait = move || there.write_all(b"?").and_then(|()| there.read_exact(&mut [0]));
        // SAFETY: the closure makes system calls only.
        unsafe { command.pre_exec(wait) };
        let mut child = command.spawn().expect("started");
        drop(child.stdin.take());
        assert!(child.wait().expect("waited for").success());
    });
    here.read_exact(&mut [0]).expect("the child is there");
    is_done(&elsewhere(|| jail().attach().expect("attached")), "attaching");
    is_done(&elsewhere(|| start_program(&jail())), "another program");
    waits(&started, "the program");
    here.write_all(b"!").expect("written");
    is_done(&started, "the program");
}

#[test]
fn nothing_else_waits_for_a_thread_that_attaches() {
    let _attaching = attaching();
    let other = elsewhere(|| {
        let jail = jail();
        let watcher = Watcher::new().expect("a watcher");
        watcher.watch(&jail).expect("watched");
        jail.update(&JailUpdate::new().hostname("changed")).expect("changed");
        assert_eq!(jail.get(param::HOST_HOSTNAME).expect("read"), "changed");
        assert_eq!(Jail::all().get(param::JID).count(), 1);
        jail.remove().expect("removed");
    });
    is_done(&other, "all else");
}

#[test]
fn a_child_of_a_model_has_a_lock_of_its_own() {
    let _attaching = attaching();
    let (done, when_done) = channel();
    thread::spawn(move || {
        let kernel = Kernel::new();
        let _guard = kernel.install();
        let jail = jail();
        kernel.process().fork().run(|| jail.attach()).expect("attached");
        done.send(()).expect("heard");
    });
    is_done(&when_done, "the child");
}

#[test]
fn exec_by_std_in_this_process_fails_rather_than_waits() {
    let (prepared, when_prepared) = channel();
    let (go, when_to_go) = channel();
    let failed = elsewhere(move || {
        let mut command = Command::new("/nonexistent/program");
        // On a model, this waits for other tests that attach.
        jail().confine(&mut command).expect("prepared");
        prepared.send(()).expect("heard");
        when_to_go.recv().expect("told");
        assert_eq!(command.exec().raw_os_error(), Some(libc::EAGAIN));
    });
    is_done(&when_prepared, "preparing");
    let starting = starting();
    go.send(()).expect("heard");
    is_done(&failed, "exec");
    drop(starting);
}

#[test]
fn a_panic_of_one_thread_keeps_no_other_from_attaching() {
    let panicked = thread::spawn(|| {
        let kernel = Kernel::new();
        let _guard = kernel.install();
        let jail = jail();
        kernel.meanwhile(Moment::Attach, || panic!("on purpose"));
        let _ = jail.attach();
    });
    assert!(panicked.join().is_err());
    is_done(&elsewhere(|| jail().attach().expect("attached")), "attaching");
    is_done(&elsewhere(|| start_program(&jail())), "a program");
}
