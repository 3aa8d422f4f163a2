//! What the model needs of the host, and std offers only to unsafe code: freebsd-jail provides it with its first call.
//!
//! Until then a new descriptor is close-on-exec. A copy of it is known where the host has `/dev/fd`, which FreeBSD has
//! with fdescfs(5); elsewhere, only the number that the model gave.

use core::ffi::c_int;
use core::fmt::Debug;
use std::fs::{self, File, Metadata};
use std::os::fd::{AsRawFd, BorrowedFd};
use std::os::unix::fs::MetadataExt;
use std::sync::OnceLock;

use super::errno::Errno;

/// Identifies a file: device and inode.
pub type Identity = (u64, u64);

/// What has become of a child of this process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ChildState {
    /// It runs.
    Running,
    /// It has ended, and nobody has waited for it.
    Zombie,
    /// Somebody has waited for it, or it is no child of this process.
    Gone,
}

/// The host that the model's process runs on.
pub trait Host: Debug + Sync {
    /// Identifies the file of a descriptor: fstat(2).
    ///
    /// # Errors
    ///
    /// `EBADF` if it is not open.
    fn file(&self, descriptor: c_int) -> Result<Identity, Errno>;

    /// Has programs inherit a descriptor: fcntl(2).
    ///
    /// # Errors
    ///
    /// Those of the system call.
    fn clear_close_on_exec(&self, descriptor: BorrowedFd<'_>) -> Result<(), Errno>;

    /// Returns what has become of a child, and leaves it to be waited for: waitid(2).
    fn child_state(&self, pid: u32) -> ChildState;

    /// Sends a signal to a child that nobody has waited for, and to nothing else: kill(2).
    ///
    /// # Errors
    ///
    /// `ESRCH` if there is no such child.
    fn signal_child(&self, pid: u32, signal: c_int) -> Result<(), Errno>;
}

static HOST: OnceLock<&'static dyn Host> = OnceLock::new();

/// Provides the host. The first one stays.
pub(super) fn set(host: &'static dyn Host) {
    let _ = HOST.set(host);
}

/// Returns the host, if it was provided.
pub(super) fn get() -> Option<&'static dyn Host> {
    HOST.get().copied()
}

/// Identifies the file of an open descriptor.
pub(super) fn identity(descriptor: BorrowedFd<'_>) -> Result<Identity, Errno> {
    if let Some(host) = get() {
        return host.file(descriptor.as_raw_fd());
    }
    let metadata = descriptor.try_clone_to_owned().and_then(|copy| File::from(copy).metadata());
    metadata.map(identity_in).map_err(|error| Errno::of(&error, libc::EMFILE))
}

/// Identifies the file of a number that may not be open, as far as std can.
pub(super) fn file(number: c_int) -> Option<Identity> {
    if cfg!(miri) {
        // Its descriptors are not the host's.
        return None;
    }
    fs::metadata(format!("/dev/fd/{number}")).ok().map(identity_in)
}

#[allow(clippy::needless_pass_by_value, reason = "for map")]
fn identity_in(metadata: Metadata) -> Identity {
    (metadata.dev(), metadata.ino())
}

/// [`Host::child_state`].
pub(super) fn child_state(pid: u32) -> ChildState {
    get().map_or(ChildState::Gone, |host| host.child_state(pid))
}

/// [`Host::signal_child`].
pub(super) fn signal_child(pid: u32, signal: c_int) -> Result<(), Errno> {
    get().map_or(Err(Errno(libc::ESRCH)), |host| host.signal_child(pid, signal))
}
