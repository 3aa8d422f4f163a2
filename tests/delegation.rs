//! A privileged process hands a jail's descriptor to an unprivileged one, which attaches to the jail with it.

#![allow(clippy::expect_used, clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod common;

use std::io::{IoSlice, IoSliceMut, Read};
use std::os::fd::{AsFd, AsRawFd, FromRawFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt;
use std::process::{Command, Stdio};

use common::{host, model, name};
use freebsd_jail::{ErrorKind, Features, Jail, JailUpdate, is_jailed, param, sim};
use nix::sys::socket::{ControlMessage, ControlMessageOwned, MsgFlags, recvmsg, sendmsg};

const UNPRIVILEGED: u32 = 1001;

fn send(socket: &UnixStream, descriptor: &impl AsFd) {
    let descriptors = [descriptor.as_fd().as_raw_fd()];
    let message = [ControlMessage::ScmRights(&descriptors)];
    sendmsg::<()>(socket.as_raw_fd(), &[IoSlice::new(b"jail")], &message, MsgFlags::empty(), None)
        .expect("sent");
}

fn receive(socket: &UnixStream) -> OwnedFd {
    let mut bytes = [0; 4];
    let mut iov = [IoSliceMut::new(&mut bytes)];
    let mut space = nix::cmsg_space!([std::os::fd::RawFd; 1]);
    let message =
        recvmsg::<()>(socket.as_raw_fd(), &mut iov, Some(&mut space), MsgFlags::empty()).expect("received");
    let descriptor = message.cmsgs().expect("control messages").find_map(|message| match message {
        ControlMessageOwned::ScmRights(descriptors) => descriptors.first().copied(),
        _ => None,
    });
    // SAFETY: recvmsg has just made it for this process, and nothing else owns it.
    unsafe { OwnedFd::from_raw_fd(descriptor.expect("a descriptor")) }
}

#[test]
fn an_unprivileged_process_attaches_by_a_descriptor_that_root_made() {
    let host = host();
    if !host.has_descriptors() {
        return;
    }
    let jail =
        Jail::builder().name(name("delegated")).path("/").hostname("inside").create().expect("created");
    let (ours, theirs) = UnixStream::pair().expect("a pair");
    let handle = jail.try_clone().expect("cloned");
    send(&ours, &handle.descriptor().expect("a descriptor"));
    if let Some(kernel) = host.model() {
        let process = kernel.process().fork();
        process.setuid(UNPRIVILEGED).expect("root may");
        process.run(|| {
            let by_number = Jail::unpinned(jail.jid());
            let error = raw_attach(&by_number).expect_err("not root");
            assert_eq!(error.kind(), ErrorKind::PermissionDenied);
            attach(receive(&theirs));
        });
        assert_eq!(process.jid(), jail.jid().get());
        process.exit();
    } else {
        let mut child = Command::new(std::env::current_exe().expect("this program"))
            .args(["--exact", "child_that_attaches", "--ignored", "--nocapture"])
            .stdin(Stdio::from(OwnedFd::from(theirs)))
            .stdout(Stdio::piped())
            .uid(UNPRIVILEGED)
            .current_dir("/")
            .spawn()
            .expect("started");
        let mut output = String::new();
        child.stdout.take().expect("piped").read_to_string(&mut output).expect("read");
        assert!(child.wait().expect("reaped").success(), "{output}");
        assert!(output.contains("attached as uid 1001"), "{output}");
    }
    assert!(jail.is_alive().expect("asked"));
}

fn raw_attach(jail: &Jail) -> freebsd_jail::Result<()> {
    freebsd_jail::raw::jail_attach(jail.jid())
}

fn attach(descriptor: OwnedFd) {
    let jail = Jail::try_from(descriptor).expect("a jail's");
    assert_eq!(jail.get(param::HOST_HOSTNAME).expect("read"), "inside");
    assert!(!is_jailed().expect("asked"));
    jail.attach().expect("the maker of the descriptor was root");
    assert!(is_jailed().expect("asked"));
}

/// Runs in the child process, whose standard input is the socket.
#[test]
#[ignore = "run by the test above, in a process of its own"]
fn child_that_attaches() {
    let socket = UnixStream::from(std::io::stdin().as_fd().try_clone_to_owned().expect("a copy"));
    attach(receive(&socket));
    println!("\nattached as uid {}", nix::unistd::getuid());
}

#[test]
fn a_descriptor_that_an_unprivileged_process_made_is_good_for_reading_only() {
    let host = model(sim::Kernel::new());
    assert!(Features::current().has_descriptors());
    let jail = Jail::builder().name("seen").path("/").create().expect("created");
    let process = host.model().expect("the model").process().fork();
    process.setuid(UNPRIVILEGED).expect("root may");
    let handle = process.run(|| Jail::open("seen")).expect("it can be seen");
    // Even for root, the authority is that of its maker.
    assert_eq!(handle.get(param::NAME).expect("read"), "seen");
    let denied = ErrorKind::PermissionDenied;
    assert_eq!(handle.update(&JailUpdate::new().hostname("x")).expect_err("not root's").kind(), denied);
    assert_eq!(handle.attach().expect_err("not root's").kind(), denied);
    assert_eq!(handle.try_clone().expect("cloned").remove().expect_err("not root's").kind(), denied);
    assert!(jail.is_alive().expect("asked"));
}
