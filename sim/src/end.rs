//! The model's end of a descriptor: how it notices the last close, and how it signals the holders.
//!
//! A descriptor of the model is a real one, an end of a pair of nonblocking sockets whose other end the model keeps.
//! Miri cannot distinguish such sockets: there it is a file without a name, locked through the descriptor.

use std::os::fd::{BorrowedFd, OwnedFd};

use super::errno::Errno;

#[cfg(miri)]
use file as imp;
#[cfg(not(miri))]
use socket as imp;

/// The mark of a jail descriptor: its timeouts for receiving and sending, in seconds. No program would set these, and
/// they are within the range of the oldest kernels.
pub const MARK: [u64; 2] = [1_618_033, 2_718_281];

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
        let (theirs, ours) = imp::pair().map_err(exhausted)?;
        Ok((theirs, Self(ours)))
    }

    /// The same for a jail descriptor, which a forked child that cannot ask the model identifies by its [`MARK`].
    pub(super) fn marked_pair() -> Result<(OwnedFd, Self), Errno> {
        let (theirs, ours) = Self::pair()?;
        Ok((imp::mark(theirs).map_err(exhausted)?, ours))
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
    Ok(imp::make_unreadable(copy.map_err(exhausted)?))
}

#[allow(clippy::needless_pass_by_value, reason = "for map_err")]
fn exhausted(error: std::io::Error) -> Errno {
    Errno::of(&error, libc::EMFILE)
}

#[cfg(not(miri))]
mod socket {
    use std::io::{ErrorKind, Read, Result, Write};
    use std::os::fd::OwnedFd;
    use std::os::unix::net::UnixStream;
    use std::time::Duration;

    pub(super) type End = UnixStream;

    pub(super) fn pair() -> Result<(OwnedFd, End)> {
        let (theirs, ours) = UnixStream::pair()?;
        ours.set_nonblocking(true)?;
        theirs.set_nonblocking(true)?;
        Ok((theirs.into(), ours))
    }

    pub(super) fn mark(theirs: OwnedFd) -> Result<OwnedFd> {
        let theirs = UnixStream::from(theirs);
        let [receiving, sending] = super::MARK.map(Duration::from_secs);
        theirs.set_read_timeout(Some(receiving))?;
        theirs.set_write_timeout(Some(sending))?;
        Ok(theirs.into())
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

    /// Miri does not fork.
    #[allow(clippy::unnecessary_wraps, reason = "as for sockets")]
    pub(super) fn mark(theirs: OwnedFd) -> Result<OwnedFd> {
        Ok(theirs)
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
