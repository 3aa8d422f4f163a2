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
    use core::mem::offset_of;
    use core::sync::atomic::{AtomicUsize, Ordering};

    use libc::kinfo_proc;

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
    let mut processes = Vec::new();
    let mut rest = records.as_slice();
    // Each record begins with its own size.
    while let Some(size) = number(rest, offset_of!(kinfo_proc, ki_structsize)) {
        let size = usize::try_from(size).unwrap_or_default();
        let Some((record, tail)) = rest.split_at_checked(size).filter(|_| size > 0) else { break };
        processes.extend(process(record));
        rest = tail;
    }
    Ok(processes)
}

#[cfg(target_os = "freebsd")]
fn number(record: &[u8], offset: usize) -> Option<c_int> {
    let bytes = record.get(offset..offset + size_of::<c_int>())?;
    Some(c_int::from_ne_bytes(bytes.try_into().ok()?))
}

/// Reads one record: those of a kernel of another version may be shorter.
#[cfg(target_os = "freebsd")]
fn process(record: &[u8]) -> Option<Process> {
    use core::mem::offset_of;
    use std::os::unix::ffi::OsStringExt;

    use libc::kinfo_proc;

    let positive = |offset: usize| {
        number(record, offset).and_then(|number| u32::try_from(number).ok()).filter(|n| *n > 0)
    };
    let state = record.get(offset_of!(kinfo_proc, ki_stat));
    let command = record.get(offset_of!(kinfo_proc, ki_comm)..).map(|rest| {
        rest.iter().copied().take(libc::COMMLEN).take_while(|byte| *byte != 0).collect::<Vec<u8>>()
    });
    Some(Process {
        pid: positive(offset_of!(kinfo_proc, ki_pid))?,
        parent: positive(offset_of!(kinfo_proc, ki_ppid)),
        jid: number(record, offset_of!(kinfo_proc, ki_jid))?,
        uid: number(record, offset_of!(kinfo_proc, ki_uid))?.cast_unsigned(),
        command: command.filter(|name| !name.is_empty()).map(OsString::from_vec),
        is_zombie: state.is_some_and(|state| core::ffi::c_char::from_ne_bytes([*state]) == libc::SZOMB),
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
    Zombie,
    /// Somebody has waited for it, or it is no child of this process.
    Gone,
}

/// Returns what has become of a child, and leaves it to be waited for. Wraps waitid(2).
#[cfg(all(feature = "sim", any(target_os = "freebsd", target_os = "linux", target_vendor = "apple")))]
pub(crate) fn child_state(pid: u32) -> ChildState {
    let mut info = core::mem::MaybeUninit::<libc::siginfo_t>::zeroed();
    let options = libc::WEXITED | libc::WNOHANG | libc::WNOWAIT;
    // SAFETY: the kernel writes one structure, which is ours; any number may be asked for.
    let result = unsafe { libc::waitid(libc::P_PID, pid as libc::id_t, info.as_mut_ptr(), options) };
    if result == -1 {
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
    if result == -1 { Err(Errno::last()) } else { Ok(()) }
}
