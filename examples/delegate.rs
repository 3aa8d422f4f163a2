//! A privileged process hands a jail to an unprivileged one, which attaches to it.
//!
//! A jail descriptor carries the authority of its maker. Root creates the jail and sends the descriptor over a Unix
//! socket to a process of another user, which attaches to the jail with it. Its user could not do that otherwise.
//!
//! On FreeBSD 15 as root the other process is a child with uid 1001; anywhere else both are processes of the model.
//!
//! `cargo run --example delegate`

use std::error::Error;
use std::io::{IoSlice, IoSliceMut};
use std::os::fd::{AsFd, AsRawFd, FromRawFd, OwnedFd, RawFd};
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt;
use std::process::{Command, Stdio};

use freebsd_jail::{Features, Jail, OwnedJail, is_jailed, param, sim};
use nix::sys::socket::{ControlMessage, ControlMessageOwned, MsgFlags, recvmsg, sendmsg};

type Result<T> = std::result::Result<T, Box<dyn Error>>;

const UNPRIVILEGED: u32 = 1001;

fn main() -> Result<()> {
    if std::env::args().nth(1).as_deref() == Some("--child") {
        return attach(&UnixStream::from(std::io::stdin().as_fd().try_clone_to_owned()?));
    }
    let model = (!cfg!(target_os = "freebsd")).then(sim::Kernel::new);
    let _guard = model.as_ref().map(sim::Kernel::install);
    if !Features::current().has_descriptors() {
        return Err("this kernel has no jail descriptors; FreeBSD has them since 15.0".into());
    }
    let jail = Jail::builder().name("delegated").path("/").hostname("inside").create()?;
    println!("root: created jail {}", jail.jid());
    let (ours, theirs) = UnixStream::pair()?;
    send(&ours, &jail)?;
    match model {
        Some(model) => {
            let process = model.process().fork();
            process.setuid(UNPRIVILEGED)?;
            process.run(|| attach(&theirs))?;
            println!("root: the other process is in jail {} now", process.jid());
            process.exit();
        }
        None => {
            let status = Command::new(std::env::current_exe()?)
                .arg("--child")
                .stdin(Stdio::from(OwnedFd::from(theirs)))
                .uid(UNPRIVILEGED)
                .status()?;
            println!("root: the other process ended, {status}");
        }
    }
    jail.remove()?;
    Ok(())
}

/// Sends a handle's descriptor: that of a clone, which does not own the jail.
fn send(socket: &UnixStream, jail: &OwnedJail) -> Result<()> {
    let handle = jail.try_clone()?;
    let descriptor = handle.descriptor().ok_or("a handle without a descriptor")?.as_raw_fd();
    let descriptors = [descriptor];
    let message = [ControlMessage::ScmRights(&descriptors)];
    sendmsg::<()>(socket.as_raw_fd(), &[IoSlice::new(b"jail")], &message, MsgFlags::empty(), None)?;
    println!("root: sent its descriptor");
    Ok(())
}

/// The unprivileged side.
fn attach(socket: &UnixStream) -> Result<()> {
    let mut bytes = [0; 4];
    let mut iov = [IoSliceMut::new(&mut bytes)];
    let mut space = nix::cmsg_space!([RawFd; 1]);
    let message = recvmsg::<()>(socket.as_raw_fd(), &mut iov, Some(&mut space), MsgFlags::empty())?;
    let received = message.cmsgs()?.find_map(|message| match message {
        ControlMessageOwned::ScmRights(descriptors) => descriptors.first().copied(),
        _ => None,
    });
    // SAFETY: recvmsg has just made it for this process, and nothing else owns it.
    let descriptor = unsafe { OwnedFd::from_raw_fd(received.ok_or("no descriptor came")?) };
    // Checks that it is the descriptor of a living jail.
    let jail = Jail::try_from(descriptor)?;
    println!("other: received jail {}, {}", jail.jid(), jail.get(param::HOST_HOSTNAME.utf8())?);
    match freebsd_jail::raw::jail_attach(jail.jid()) {
        Ok(()) => println!("other: attached by number, as root might"),
        Err(error) => println!("other: by its number: {error}"),
    }
    jail.attach()?;
    println!("other: by its descriptor: attached; in a jail: {}", is_jailed()?);
    Ok(())
}
