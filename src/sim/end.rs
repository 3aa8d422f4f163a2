//! The model's end of a descriptor: how it notices the last close, and how it signals the holders.
//!
//! A descriptor of the model is a real one, an end of a pair of nonblocking sockets whose other end the model keeps.
//! Miri cannot distinguish such sockets: there it is a file without a name, locked through the descriptor.

use std::os::fd::{BorrowedFd, OwnedFd};

use crate::sys::Errno;

#[cfg(miri)]
use file as imp;
#[cfg(not(miri))]
use socket as imp;

/// The model's end of a descriptor.
#[derive(Debug)]
pub(super) struct End(imp::End);

impl End {
    /// Makes a descriptor for a caller, and the model's end of it.
    ///
    /// # Errors
    ///
    /// `EMFILE`, `ENFILE`.
    pub(super) fn pair() -> Result<(OwnedFd, Self), Errno> {
        let exhausted = |error: std::io::Error| Errno(error.raw_os_error().unwrap_or(libc::EMFILE));
        let (theirs, ours) = imp::pair().map_err(exhausted)?;
        Ok((theirs, Self(ours)))
    }

    /// Whether every copy of the caller's descriptor has been closed.
    pub(super) fn hung_up(&self) -> bool {
        imp::hung_up(&self.0)
    }

    /// Makes the caller's descriptor readable: whether it is.
    pub(super) fn make_readable(&self) -> bool {
        imp::make_readable(&self.0)
    }
}

/// Undoes [`End::make_readable`], by the caller's descriptor: whether it is readable still.
///
/// # Errors
///
/// `EMFILE`, `ENFILE`.
pub(super) fn make_unreadable(descriptor: BorrowedFd<'_>) -> Result<bool, Errno> {
    // What makes it readable is read from a copy of it.
    let copy = descriptor.try_clone_to_owned();
    let copy = copy.map_err(|error| Errno(error.raw_os_error().unwrap_or(libc::EMFILE)))?;
    Ok(imp::make_unreadable(copy))
}

#[cfg(not(miri))]
mod socket {
    use std::io::{ErrorKind, Read, Result, Write};
    use std::os::fd::OwnedFd;
    use std::os::unix::net::UnixStream;

    pub(super) type End = UnixStream;

    pub(super) fn pair() -> Result<(OwnedFd, End)> {
        let (theirs, ours) = UnixStream::pair()?;
        ours.set_nonblocking(true)?;
        theirs.set_nonblocking(true)?;
        Ok((theirs.into(), ours))
    }

    pub(super) fn hung_up(mut end: &End) -> bool {
        let mut ignored = [0; 64];
        loop {
            match end.read(&mut ignored) {
                Ok(0) => return true,
                Ok(_) => {}
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return error.kind() != ErrorKind::WouldBlock,
            }
        }
    }

    /// A byte always fits: there is never more than one.
    pub(super) fn make_readable(mut end: &End) -> bool {
        end.write(&[0]).is_ok()
    }

    pub(super) fn make_unreadable(copy: OwnedFd) -> bool {
        UnixStream::from(copy).read(&mut [0; 16]).is_err()
    }
}

/// poll(2) does not work on these: under Miri the model is polled instead.
#[cfg(miri)]
mod file {
    use std::fs::{self, File};
    use std::io::Result;
    use std::os::fd::OwnedFd;
    use std::sync::atomic::{AtomicU32, Ordering};

    pub(super) type End = File;

    pub(super) fn pair() -> Result<(OwnedFd, End)> {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let path = std::env::temp_dir().join(format!("freebsd-jail-{}-{number}", std::process::id()));
        let theirs = File::create_new(&path)?;
        let ours = File::open(&path);
        fs::remove_file(&path)?;
        // All copies of a descriptor share one lock, which is released when the last of them is closed.
        theirs.lock()?;
        Ok((theirs.into(), ours?))
    }

    pub(super) fn hung_up(end: &End) -> bool {
        end.try_lock().is_ok()
    }

    pub(super) fn make_readable(_: &End) -> bool {
        true
    }

    pub(super) fn make_unreadable(_: OwnedFd) -> bool {
        false
    }
}
