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
