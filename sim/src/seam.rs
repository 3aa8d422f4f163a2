//! How freebsd-jail uses the model beyond what its own users see.
//!
//! freebsd-jail depends on exactly this version, so anything here may change with each: it is hidden, and nobody else
//! should use it.

use core::ffi::c_int;
use std::collections::BTreeSet;
use std::os::fd::BorrowedFd;

pub use super::end::MARK;
pub use super::errno::{ECAPMODE, ENOTCAPABLE};
pub use super::flags::{
    JAIL_AT_DESC, JAIL_ATTACH, JAIL_CREATE, JAIL_DYING, JAIL_GET_DESC, JAIL_OWN_DESC, JAIL_SYS_DISABLE,
    JAIL_SYS_INHERIT, JAIL_SYS_NEW, JAIL_UPDATE, JAIL_USE_DESC,
};
pub use super::inside::Inside;
pub use super::kernel::Companion;
pub use super::kevent::{
    EV_ADD, EV_DELETE, EVFILT_JAIL, EVFILT_JAILDESC, EVFILT_TIMER, Kevent, NOTE_JAIL_ATTACH, NOTE_JAIL_CHILD,
    NOTE_JAIL_MULTI, NOTE_JAIL_REMOVE, NOTE_JAIL_SET,
};
pub use super::program::{Inmate, Register};

use super::errno::Errno;
use super::kernel::Kernel;
use super::user::Process;

/// A process, living or a zombie.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ProcessEntry {
    pub pid: u32,
    /// The pid of its parent, as far as the calling process can see it.
    pub parent: Option<u32>,
    /// The jid of its jail, 0 on the host.
    pub jid: c_int,
    /// Its effective user.
    pub uid: u32,
    /// Whether it has ended and its parent has not yet waited for it.
    pub is_zombie: bool,
}

/// The direction in which a network interface is moved.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Move {
    Into,
    Back,
}

/// Returns the kernel that gets the calling thread's calls.
#[must_use]
pub fn current() -> Option<Kernel> {
    Kernel::current()
}

/// Marks the calling thread as inside a model: `None` if the process may not use its copy of this one.
#[must_use]
pub fn enter(kernel: &Kernel) -> Option<Inside> {
    kernel.may_be_used_here().then(Inside::enter)
}

/// Whether this process was refused its copy of a kernel.
#[must_use]
pub fn is_stranded() -> bool {
    Kernel::is_stranded()
}

/// Whether the calling thread acts as a process other than the first one, which stands for this process.
#[must_use]
pub fn acts_as_forked(kernel: &Kernel) -> bool {
    kernel.acts_as_forked()
}

/// Returns what freebsd-jail keeps with a kernel, made on first use; `None` if that is a value of another type.
pub fn companion<T: Companion>(kernel: &Kernel, make: impl FnOnce() -> T) -> Option<&T> {
    let _inside = Inside::enter();
    kernel.companion(make)
}

/// Returns the processes that the calling one can see, including zombies.
#[must_use]
pub fn process_table(kernel: &Kernel) -> Vec<ProcessEntry> {
    kernel.process_table()
}

/// kill(2) of -1: whether there was any other process to signal.
pub fn kill_all(kernel: &Kernel, signal: c_int) -> Result<bool, Errno> {
    kernel.kill_all(signal)
}

/// What poll(2) of a descriptor does before it waits.
pub fn poll(kernel: &Kernel, descriptor: BorrowedFd<'_>) -> Result<(), Errno> {
    kernel.poll(descriptor)
}

/// cpuset_getid(2) of a numbered set; `None` if there is no such set.
pub fn cpuset_root(kernel: &Kernel, id: c_int) -> Result<Option<c_int>, Errno> {
    kernel.cpuset_root(id)
}

/// cpuset_getaffinity(2) of a jail.
pub fn jail_cpus(kernel: &Kernel, jid: c_int) -> Result<BTreeSet<u32>, Errno> {
    kernel.jail_cpus(jid)
}

/// cpuset_setaffinity(2) of a jail.
pub fn set_jail_cpus(kernel: &Kernel, jid: c_int, cpus: BTreeSet<u32>) -> Result<(), Errno> {
    kernel.set_jail_cpus(jid, cpus)
}

/// ioctl(2) with `SIOCSIFVNET` or `SIOCSIFRVNET`.
pub fn move_interface(kernel: &Kernel, name: &[u8], jid: c_int, way: Move) -> Result<(), Errno> {
    kernel.move_interface(name, jid, way)
}

/// Whether the process's network stack has an interface of a name: if_nametoindex(3).
pub fn has_interface(kernel: &Kernel, name: &[u8]) -> Result<bool, Errno> {
    kernel.has_interface(name)
}

/// kevent(2) with a change.
pub fn kevent_change(kernel: &Kernel, queue: BorrowedFd<'_>, change: Kevent) -> Result<(), Errno> {
    kernel.raw().kevent_change(queue, change)
}

/// Takes events without waiting, as kevent(2) does each time it wakes up. Only the first time is counted.
pub fn kevent_read(
    kernel: &Kernel,
    queue: BorrowedFd<'_>,
    events: &mut [Kevent],
    first: bool,
) -> Result<usize, Errno> {
    kernel.raw().kevent_read(queue, events, first)
}

/// Closes all directories that a process has open.
pub fn close_directories(process: &Process) {
    process.close_directories();
}
