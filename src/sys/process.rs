//! The host's processes.

use core::ffi::c_int;
use std::ffi::OsString;

use super::Errno;

/// A process, living or a zombie.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Process {
    pub(crate) pid: u32,
    /// The pid of its parent, as far as this process can see it.
    pub(crate) parent: Option<u32>,
    /// The jid of its jail, 0 on the host.
    pub(crate) jid: c_int,
    /// Its effective user.
    pub(crate) uid: u32,
    /// The name of its program.
    pub(crate) command: Option<OsString>,
    /// Whether it has ended and its parent has not yet waited for it.
    pub(crate) is_zombie: bool,
}

/// Returns all processes that this process can see, with one sysctl unless the table has grown much since the last time.
#[cfg(target_os = "freebsd")]
pub(super) fn table() -> Result<Vec<Process>, Errno> {
    use core::sync::atomic::{AtomicUsize, Ordering};

    use super::kernel;

    const ALL: [c_int; 3] = [libc::CTL_KERN, libc::KERN_PROC, libc::KERN_PROC_PROC];
    /// How large the last answer was. At first, about 120 processes.
    static LAST: AtomicUsize = AtomicUsize::new(1 << 17);

    let mut records = Vec::new();
    let mut room = LAST.load(Ordering::Relaxed);
    let mut tries = 0..10;
    loop {
        // With room for some more than there were.
        room += room / 8;
        records.resize(room, 0);
        match kernel::sysctl(&ALL, Some(&mut records), None) {
            Ok(len) => {
                records.truncate(len);
                LAST.store(len.max(1 << 12), Ordering::Relaxed);
                break;
            }
            // What is there of it is no answer.
            Err(Errno(libc::ENOMEM)) if tries.next().is_some() => {
                records.clear();
                room = kernel::sysctl(&ALL, None, None)?.max(room);
            }
            Err(errno) => return Err(errno),
        }
    }
    Ok(in_records(&records, &OFFSETS))
}

/// Where the fields of `struct kinfo_proc` are that the crate reads.
#[cfg(any(target_os = "freebsd", fuzzing))]
pub(crate) struct Offsets {
    pub(crate) size: usize,
    pub(crate) pid: usize,
    pub(crate) parent: usize,
    pub(crate) jid: usize,
    pub(crate) uid: usize,
    pub(crate) command: usize,
    pub(crate) state: usize,
}

#[cfg(target_os = "freebsd")]
const OFFSETS: Offsets = Offsets {
    size: core::mem::offset_of!(libc::kinfo_proc, ki_structsize),
    pid: core::mem::offset_of!(libc::kinfo_proc, ki_pid),
    parent: core::mem::offset_of!(libc::kinfo_proc, ki_ppid),
    jid: core::mem::offset_of!(libc::kinfo_proc, ki_jid),
    uid: core::mem::offset_of!(libc::kinfo_proc, ki_uid),
    command: core::mem::offset_of!(libc::kinfo_proc, ki_comm),
    state: core::mem::offset_of!(libc::kinfo_proc, ki_stat),
};

/// Reads records that each begin with their own size.
#[cfg(any(target_os = "freebsd", fuzzing))]
pub(crate) fn in_records(records: &[u8], offsets: &Offsets) -> Vec<Process> {
    let mut processes = Vec::new();
    let mut rest = records;
    while let Some(size) = number(rest, offsets.size) {
        let size = usize::try_from(size).unwrap_or_default();
        let Some((record, tail)) = rest.split_at_checked(size).filter(|_| size > 0) else { break };
        processes.extend(process(record, offsets));
        rest = tail;
    }
    processes
}

#[cfg(any(target_os = "freebsd", fuzzing))]
fn number(record: &[u8], offset: usize) -> Option<c_int> {
    record.get(offset..)?.first_chunk().copied().map(c_int::from_ne_bytes)
}

/// Reads one record: those of a kernel of another version may be shorter.
#[cfg(any(target_os = "freebsd", fuzzing))]
fn process(record: &[u8], offsets: &Offsets) -> Option<Process> {
    use std::os::unix::ffi::OsStringExt;

    // `COMMLEN` of sys/user.h and `SZOMB` of sys/proc.h.
    const COMMAND_LEN: usize = 19;
    const ZOMBIE: u8 = 5;

    let positive = |offset: usize| {
        number(record, offset).and_then(|number| u32::try_from(number).ok()).filter(|n| *n > 0)
    };
    let command = record.get(offsets.command..).map(|rest| {
        rest.iter().copied().take(COMMAND_LEN).take_while(|byte| *byte != 0).collect::<Vec<u8>>()
    });
    Some(Process {
        pid: positive(offsets.pid)?,
        parent: positive(offsets.parent),
        jid: number(record, offsets.jid)?,
        uid: u32::from_ne_bytes(number(record, offsets.uid)?.to_ne_bytes()),
        command: command.filter(|name| !name.is_empty()).map(OsString::from_vec),
        is_zombie: record.get(offsets.state) == Some(&ZOMBIE),
    })
}

#[cfg(not(target_os = "freebsd"))]
pub(super) fn table() -> Result<Vec<Process>, Errno> {
    Err(Errno(libc::ENOSYS))
}

/// What has become of a child of this process.
#[cfg(feature = "sim")]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ChildState {
    Running,
    /// It has ended, and nobody has waited for it.
    #[cfg_attr(
        not(any(target_os = "freebsd", target_os = "linux", target_vendor = "apple")),
        expect(dead_code, reason = "signal 0 does not tell it from one that runs")
    )]
    Zombie,
    /// Somebody has waited for it, or it is no child of this process.
    Gone,
}

/// Returns what has become of a child, and leaves it to be waited for. Wraps waitid(2).
#[cfg(all(feature = "sim", any(target_os = "freebsd", target_os = "linux", target_vendor = "apple")))]
pub(crate) fn child_state(pid: u32) -> ChildState {
    let mut info = core::mem::MaybeUninit::<libc::siginfo_t>::zeroed();
    let options = libc::WEXITED | libc::WNOHANG | libc::WNOWAIT;
    #[allow(clippy::useless_conversion, reason = "FreeBSD's id_t is wider, Linux's is the same")]
    let id = libc::id_t::from(pid);
    // SAFETY: the kernel writes one structure, which is ours; any number may be asked for.
    if Errno::check(unsafe { libc::waitid(libc::P_PID, id, info.as_mut_ptr(), options) }).is_err() {
        return ChildState::Gone;
    }
    // SAFETY: it was zeroed, which is valid for its numbers and pointers, and perhaps filled in.
    let info = unsafe { info.assume_init() };
    // Nothing is filled in for one that still runs.
    if info.si_signo == 0 { ChildState::Running } else { ChildState::Zombie }
}

#[cfg(all(feature = "sim", not(any(target_os = "freebsd", target_os = "linux", target_vendor = "apple"))))]
pub(crate) fn child_state(pid: u32) -> ChildState {
    if kill(pid, 0).is_ok() { ChildState::Running } else { ChildState::Gone }
}

/// Sends a signal to a child that nobody has waited for, and to nothing else.
#[cfg(feature = "sim")]
pub(crate) fn signal_child(pid: u32, signal: c_int) -> Result<(), Errno> {
    if child_state(pid) == ChildState::Gone { Err(Errno(libc::ESRCH)) } else { kill(pid, signal) }
}

/// Sends a signal to one process. Wraps kill(2).
#[cfg(feature = "sim")]
fn kill(pid: u32, signal: c_int) -> Result<(), Errno> {
    // Only pids of single processes, from 1 on, are passed to kill(2).
    let pid = libc::pid_t::try_from(pid).ok().filter(|pid| *pid > 0).ok_or(Errno(libc::ESRCH))?;
    // SAFETY: takes numbers and touches no memory.
    let result = unsafe { libc::kill(pid, signal) };
    Errno::check(result).map(drop)
}

#[cfg(all(test, feature = "sim", not(miri)))]
#[allow(clippy::expect_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;
    use std::os::unix::process::ExitStatusExt;
    use std::process::Command;

    #[test]
    fn a_signal_reaches_the_child_and_nothing_else() {
        let mut child = Command::new("sleep").arg("60").spawn().expect("started");
        let pid = child.id();
        assert_eq!(child_state(pid), ChildState::Running);
        assert_eq!(signal_child(pid, libc::SIGKILL), Ok(()));
        assert_eq!(child.wait().expect("waited for").signal(), Some(libc::SIGKILL));
        assert_eq!(signal_child(pid, 0), Err(Errno(libc::ESRCH)));
        // To kill(2), these are groups of processes.
        assert_eq!(kill(0, 0), Err(Errno(libc::ESRCH)));
        assert_eq!(kill(u32::MAX, 0), Err(Errno(libc::ESRCH)));
    }
}
