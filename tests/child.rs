//! The steps of a child between fork(2) and execve(2).

#![allow(clippy::expect_used, clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod common;

use std::env;
use std::fs::File;
use std::io::{self, Read};
use std::os::fd::{AsRawFd, RawFd};
use std::os::unix::process::{CommandExt as _, ExitStatusExt};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, AtomicI32, Ordering};
use std::thread;

use common::process::{again, alone, is_child};
use common::programs::{allow_exec, executing_host};
use common::{is_confining, name, on_every_kernel};
use freebsd_jail::{Jail, JailCommand, OwnedJail, sim};
use nix::sys::signal::{SaFlags, SigAction, SigHandler, SigSet, Signal, sigaction};

/// A jail of its own whose root is the host's.
fn jail() -> OwnedJail {
    Jail::builder().name(name("child")).path("/").create().expect("created")
}

/// The open descriptors of this process.
fn open() -> Vec<RawFd> {
    // SAFETY: F_GETFD takes a number, which need not be open, and touches no memory.
    (0..1024).filter(|&fd| unsafe { libc::fcntl(fd, libc::F_GETFD) } != -1).collect()
}

/// Those of this process's descriptors that are jail descriptors: on a model, sockets.
fn jail_descriptors() -> Vec<RawFd> {
    let is_one = |fd: &RawFd| {
        let mut stat = std::mem::MaybeUninit::<libc::stat>::uninit();
        // SAFETY: the kernel writes one structure, which is ours.
        if unsafe { libc::fstat(*fd, stat.as_mut_ptr()) } == -1 {
            return false;
        }
        // SAFETY: the call succeeded, and so filled it.
        let stat = unsafe { stat.assume_init() };
        let kind = stat.st_mode & libc::S_IFMT;
        if cfg!(target_os = "freebsd") {
            kind == libc::S_IFREG && stat.st_dev == 0
        } else {
            kind == libc::S_IFSOCK
        }
    };
    open().into_iter().filter(is_one).collect()
}

/// Those that a program would inherit.
fn inheritable_jail_descriptors() -> Vec<RawFd> {
    // SAFETY: F_GETFD takes a number and touches no memory.
    jail_descriptors().into_iter().filter(|&fd| unsafe { libc::fcntl(fd, libc::F_GETFD) } == 0).collect()
}

/// This test program, to run one test in a jail.
fn this_program<'j>(jail: &'j Jail, test: &str) -> JailCommand<'j> {
    let again = again(test);
    let mut command = jail.command(again.get_program());
    command.args(again.get_args()).stdout(Stdio::null());
    command.envs(again.get_envs().filter_map(|(name, value)| Some((name, value?))));
    command
}

// Jail descriptors.

#[test]
fn a_program_started_beside_creations_has_no_jail_descriptor_t45() {
    const TEST: &str = "a_program_started_beside_creations_has_no_jail_descriptor_t45";
    const PROGRAMS: usize = 200;
    if is_child(TEST) {
        std::process::exit(i32::from(!jail_descriptors().is_empty()));
    }
    let host = executing_host();
    if !host.has_descriptors() {
        return;
    }
    let jail = jail();
    let mut command = this_program(&jail, TEST);
    let mut foreign = again(TEST);
    jail.confine(&mut foreign).expect("prepared").stdout(Stdio::null());
    let (model, done) = (host.model(), AtomicBool::new(false));
    let leaks = thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                let _guard = model.map(sim::Kernel::install);
                while !done.load(Ordering::Relaxed) {
                    drop(Jail::builder().name(name("beside")).path("/").create().expect("created"));
                }
            });
        }
        let mut run = |round: usize| {
            let own = round % 2 == 0;
            if own { command.status().expect("ran") } else { foreign.status().expect("ran") }
        };
        let leaks = (0..PROGRAMS).filter(|round| run(*round).code() != Some(0)).count();
        done.store(true, Ordering::Relaxed);
        leaks
    });
    assert_eq!(leaks, 0, "of {PROGRAMS} programs");
}

#[test]
fn a_program_inherits_descriptors_but_no_jail_descriptors_t45() {
    const TEST: &str = "a_program_inherits_descriptors_but_no_jail_descriptors_t45";
    const FILE: &str = "FREEBSD_JAIL_TEST_FILE";
    if let (true, Ok(file)) = (is_child(TEST), env::var(FILE)) {
        let inherited = open().contains(&file.parse().expect("a number"));
        std::process::exit(if inherited && jail_descriptors().is_empty() { 7 } else { 1 });
    }
    alone(TEST, || {
        let host = executing_host();
        if !host.has_descriptors() {
            return;
        }
        let jail = jail();
        // As another library may have it: a descriptor without close-on-exec.
        let other = nix::unistd::dup(jail.descriptor().expect("a descriptor")).expect("duplicated");
        let before = inheritable_jail_descriptors();
        assert!(before.contains(&other.as_raw_fd()), "{before:?}");
        let file = nix::unistd::dup(File::open("/etc/passwd").expect("opened")).expect("duplicated");
        let mut command = this_program(&jail, TEST);
        command.env(FILE, file.as_raw_fd().to_string());
        // It gets none as a standard stream either.
        command.stdin(other.try_clone().expect("copied"));
        assert_eq!(command.status().expect("ran").code(), Some(7));
        assert_eq!(inheritable_jail_descriptors(), before);
    });
}

#[test]
fn a_jail_descriptor_that_was_replaced_in_the_child_is_not_used() {
    /// The descriptor that the child replaces, and its replacement.
    static NUMBERS: [AtomicI32; 2] = [AtomicI32::new(-1), AtomicI32::new(-1)];
    alone("a_jail_descriptor_that_was_replaced_in_the_child_is_not_used", || {
        let host = executing_host();
        if !host.has_descriptors() {
            return;
        }
        let (jail, other) = (jail(), jail());
        let [number, by] = &NUMBERS;
        let replace = move || {
            let [number, by] = [number, by].map(|number| number.load(Ordering::Relaxed));
            // SAFETY: the call takes numbers and touches no memory; it happens in a child.
            if unsafe { libc::dup2(by, number) } == -1 { Err(io::Error::last_os_error()) } else { Ok(()) }
        };
        let mut command = Command::new("/bin/sh");
        command.args(["-c", "exit 5"]);
        // SAFETY: the closure makes one system call.
        unsafe { command.pre_exec(replace) };
        let before = open();
        jail.confine(&mut command).expect("prepared");
        let kept = open().into_iter().find(|fd| !before.contains(fd)).expect("a handle of the command's own");
        let null = File::open("/dev/null").expect("opened");
        let other = other.descriptor().expect("a descriptor").as_raw_fd();
        for (file, replaced) in [(kept, false), (other, true), (null.as_raw_fd(), true)] {
            number.store(kept, Ordering::Relaxed);
            by.store(file, Ordering::Relaxed);
            match command.status() {
                Ok(status) => assert_eq!((status.code(), replaced), (Some(5), false)),
                Err(error) => {
                    assert_eq!((error.raw_os_error(), replaced), (Some(libc::EBADF), true), "{error}");
                }
            }
        }
    });
}

// Signals.

/// The descriptor to which a handler writes, and the process that installed it.
static HANDLER_PIPE: AtomicI32 = AtomicI32::new(-1);

extern "C" fn say(_: libc::c_int) {
    // SAFETY: the call reads one byte, which is a constant.
    let _ = unsafe { libc::write(HANDLER_PIPE.load(Ordering::Relaxed), b"!".as_ptr().cast(), 1) };
}

/// Sets a signal's effect in this process.
fn on(signal: Signal, handler: SigHandler) {
    let action = SigAction::new(handler, SaFlags::empty(), SigSet::empty());
    // SAFETY: the handler makes one system call.
    unsafe { sigaction(signal, &action) }.expect("set");
}

#[test]
fn the_parents_signal_handlers_do_not_run_in_the_jail() {
    alone("the_parents_signal_handlers_do_not_run_in_the_jail", || {
        let (reader, writer) = nix::unistd::pipe().expect("a pipe");
        HANDLER_PIPE.store(writer.as_raw_fd(), Ordering::Relaxed);
        on(Signal::SIGUSR1, SigHandler::Handler(say));
        on(Signal::SIGTERM, SigHandler::Handler(say));
        on(Signal::SIGHUP, SigHandler::SigIgn);
        on_every_kernel(|host| {
            allow_exec(host);
            let jail = jail();
            for (signal, ends) in [(Signal::SIGUSR1, true), (Signal::SIGTERM, true), (Signal::SIGHUP, false)]
            {
                let mut command = Command::new("/bin/sh");
                jail.confine(command.args(["-c", "kill -HUP $$; exit 5"])).expect("prepared");
                // Runs in the jail, whose processes may send signals as well.
                let raise = move || nix::sys::signal::raise(signal).map_err(io::Error::from);
                // SAFETY: the closure makes one system call.
                unsafe { command.pre_exec(raise) };
                let status = command.status().expect("started");
                // Ignored signals stay ignored, in the program as well.
                let expected = if ends { (Some(signal as i32), None) } else { (None, Some(5)) };
                assert_eq!((status.signal(), status.code()), expected, "{signal}");
            }
        });
        // In this process they are as before.
        nix::sys::signal::raise(Signal::SIGHUP).expect("raised");
        nix::sys::signal::raise(Signal::SIGTERM).expect("raised");
        drop(writer);
        let mut said = [0; 8];
        assert_eq!(File::from(reader).read(&mut said).expect("read"), 1);
    });
}

#[test]
fn a_signal_from_the_jail_reaches_none_of_the_parents_handlers() {
    if !is_confining() {
        return;
    }
    alone("a_signal_from_the_jail_reaches_none_of_the_parents_handlers", || {
        let (reader, writer) = nix::unistd::pipe().expect("a pipe");
        HANDLER_PIPE.store(writer.as_raw_fd(), Ordering::Relaxed);
        on(Signal::SIGUSR1, SigHandler::Handler(say));
        let jail = jail();
        let script = "while :; do kill -USR1 -1; done 2>/dev/null";
        let mut signaller = jail.command("/bin/sh");
        // It would reach itself.
        let mut signaller =
            signaller.args(["-c", &format!("trap '' USR1; {script}")]).spawn().expect("started");
        let mut ended = 0;
        for _ in 0..300 {
            let status = jail.command("/bin/sleep").arg("0").status().expect("started");
            ended += i32::from(status.signal() == Some(libc::SIGUSR1));
        }
        signaller.kill().expect("killed");
        signaller.wait().expect("waited for");
        println!("{ended} of 300 programs were signalled");
        assert!(ended > 0, "the signaller reached nobody");
        drop(writer);
        let mut said = Vec::new();
        File::from(reader).read_to_end(&mut said).expect("read");
        assert_eq!(said.len(), 0, "handlers ran in the jail");
    });
}

// Open directories.

#[test]
fn a_process_that_fails_to_be_replaced_keeps_its_descriptors() {
    if !is_confining() {
        return;
    }
    alone("a_process_that_fails_to_be_replaced_keeps_its_descriptors", || {
        let jail = jail();
        let directory = File::open("/etc").expect("opened");
        let mut command = Command::new("/nonexistent/program");
        jail.confine(&mut command).expect("prepared");
        // SAFETY: this process has one thread.
        match unsafe { nix::unistd::fork() }.expect("forked") {
            nix::unistd::ForkResult::Parent { child } => {
                let status = nix::sys::wait::waitpid(child, None).expect("waited for");
                assert_eq!(status, nix::sys::wait::WaitStatus::Exited(child, 7));
                assert!(directory.metadata().expect("open here").is_dir());
            }
            nix::unistd::ForkResult::Child => {
                let error = command.exec();
                let is_open = open().contains(&directory.as_raw_fd());
                let good = error.raw_os_error() == Some(libc::ENOENT) && is_open;
                drop(directory);
                // SAFETY: it ends the process, which must not run the test's end.
                unsafe { libc::_exit(if good { 7 } else { 1 }) };
            }
        }
    });
}
