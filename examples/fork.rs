//! Forks beside an owned jail, and hands a jail from a child to its parent.
//!
//! An `OwnedJail` belongs to the process that made it. In a forked child its methods fail and dropping it does nothing,
//! so a child needs something else:
//!
//! 1. to use a jail of its parent, a clone of the handle, made before the fork;
//! 2. to own a jail, it creates one itself, after the fork;
//! 3. to give a jail away, it sends the owning descriptor, or the jid where there are no descriptors.
//!
//! On FreeBSD as root the children are real ones; anywhere else they are processes of the model.
//!
//! `cargo run --example fork`

use std::error::Error;
use std::io::{IoSlice, IoSliceMut};
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd, RawFd};
use std::os::unix::net::UnixStream;

use freebsd_jail::{ErrorKind, Jail, Jid, OwnedJail, is_jailed, param, sim};
use nix::sys::socket::{ControlMessage, ControlMessageOwned, MsgFlags, recvmsg, sendmsg};
use nix::sys::wait::{WaitStatus, waitpid};
use nix::unistd::{ForkResult, fork};

type Result<T> = std::result::Result<T, Box<dyn Error>>;

fn main() -> Result<()> {
    let model = (!cfg!(target_os = "freebsd")).then(sim::Kernel::new);
    let _guard = model.as_ref().map(sim::Kernel::install);
    let jail = Jail::builder().name("shared").path("/").hostname("inside").create()?;
    println!("parent: owns jail {}", jail.jid());

    // The clone does not own the jail, so it works in both processes.
    let clone = jail.try_clone()?;
    in_child(model.as_ref(), || {
        if model.is_none() {
            // The owner belongs to the parent: here its methods fail.
            let refused = jail.remove().map_err(|error| error.kind());
            assert_eq!(refused, Err(ErrorKind::OtherProcess));
        }
        clone.attach()?;
        println!("worker: in the parent's jail by its clone: {}", is_jailed()?);
        Ok(())
    })?;
    assert!(jail.is_alive()?, "the worker has come and gone");

    let (ours, theirs) = UnixStream::pair()?;
    in_child(model.as_ref(), || {
        let made = Jail::builder().name("made").path("/").hostname("handed over").create()?;
        println!("maker: owns jail {}", made.jid());
        hand_over(&theirs, made)
    })?;
    let made = receive(&ours)?;
    println!("parent: owns jail {} now: {}", made.jid(), made.get(param::HOST_HOSTNAME.utf8())?);

    let jids = [jail.jid(), made.jid()];
    drop((jail, made));
    assert!(jids.into_iter().all(|jid| Jail::open(jid).is_err()), "each went with its owner");
    println!("parent: both are gone");
    Ok(())
}

/// Does some work in another process, and waits for it.
fn in_child(model: Option<&sim::Kernel>, work: impl FnOnce() -> Result<()>) -> Result<()> {
    if let Some(model) = model {
        return model.process().fork().run(work);
    }
    // SAFETY: this process has no other threads, so the child may do everything that its parent may.
    match unsafe { fork() }? {
        ForkResult::Child => {
            let result = work();
            if let Err(error) = &result {
                eprintln!("child: {error}");
            }
            // Nothing that is dropped here removes a jail of the parent.
            std::process::exit(i32::from(result.is_err()));
        }
        ForkResult::Parent { child } => match waitpid(child, None)? {
            WaitStatus::Exited(_, 0) => Ok(()),
            status => Err(format!("unexpected end of a child: {status:?}").into()),
        },
    }
}

/// Sends a jail to its new owner.
fn hand_over(socket: &UnixStream, jail: OwnedJail) -> Result<()> {
    let jid = jail.jid().get().to_ne_bytes();
    let bytes = [IoSlice::new(&jid)];
    match jail.into_descriptor() {
        Ok(descriptor) => {
            let descriptors = [descriptor.as_raw_fd()];
            let message = [ControlMessage::ScmRights(&descriptors)];
            // The descriptor keeps the jail while it is in the socket, even if this process ends.
            sendmsg::<()>(socket.as_raw_fd(), &bytes, &message, MsgFlags::empty(), None)?;
        }
        // Before FreeBSD 15 the jail stays when its owner's process ends.
        Err(jail) => {
            std::mem::forget(jail);
            sendmsg::<()>(socket.as_raw_fd(), &bytes, &[], MsgFlags::empty(), None)?;
        }
    }
    Ok(())
}

/// Receives a jail, and becomes its owner.
fn receive(socket: &UnixStream) -> Result<OwnedJail> {
    let mut jid = [0; 4];
    let mut iov = [IoSliceMut::new(&mut jid)];
    let mut space = nix::cmsg_space!([RawFd; 1]);
    let message = recvmsg::<()>(socket.as_raw_fd(), &mut iov, Some(&mut space), MsgFlags::empty())?;
    let descriptor = message.cmsgs()?.find_map(|message| match message {
        ControlMessageOwned::ScmRights(descriptors) => descriptors.first().copied(),
        _ => None,
    });
    Ok(match descriptor {
        // SAFETY: recvmsg has just made it for this process, and nothing else owns it.
        Some(descriptor) => OwnedJail::try_from(unsafe { OwnedFd::from_raw_fd(descriptor) })?,
        None => Jail::open(Jid::try_from(i32::from_ne_bytes(jid))?)?.into_owned()?,
    })
}
