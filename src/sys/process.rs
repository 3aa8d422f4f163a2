//! The host's processes.

use core::ffi::c_int;

use super::Errno;

/// Sends a signal to one process. Wraps kill(2).
pub(super) fn kill(pid: u32, signal: c_int) -> Result<(), Errno> {
    // Numbers from 1 on are single processes; nothing else gets through.
    let pid = libc::pid_t::try_from(pid).ok().filter(|pid| *pid > 0).ok_or(Errno(libc::ESRCH))?;
    // SAFETY: takes numbers and touches no memory.
    let result = unsafe { libc::kill(pid, signal) };
    if result == -1 { Err(Errno::last()) } else { Ok(()) }
}

/// A process, living or a zombie.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Process {
    pub(crate) pid: u32,
    /// The pid of its parent, as far as this process can see it.
    pub(crate) parent: Option<u32>,
    /// Whether it has ended, and its parent has not waited for it.
    pub(crate) is_zombie: bool,
}

/// Returns the processes of a jail, of all that this process can see.
#[cfg(target_os = "freebsd")]
pub(super) fn of_jail(jid: c_int) -> Result<Vec<Process>, Errno> {
    use core::mem::{offset_of, size_of};

    use libc::kinfo_proc;

    use super::kernel;

    const ALL: [c_int; 3] = [libc::CTL_KERN, libc::KERN_PROC, libc::KERN_PROC_PROC];
    const NUMBER: usize = size_of::<c_int>();
    let is_zombie = |record: &[u8]| {
        record
            .get(offset_of!(kinfo_proc, ki_stat))
            .is_some_and(|stat| core::ffi::c_char::from_ne_bytes([*stat]) == libc::SZOMB)
    };
    let number = |record: &[u8], offset: usize| {
        let bytes = record.get(offset..offset + NUMBER)?;
        Some(c_int::from_ne_bytes(bytes.try_into().ok()?))
    };

    let mut records = Vec::new();
    let mut tries = 0..10;
    loop {
        // The kernel's estimate has room for some more; should that not be enough, it is asked again.
        let room = kernel::sysctl(&ALL, None, None)?;
        records.resize(room + room / 8, 0);
        match kernel::sysctl(&ALL, Some(&mut records), None) {
            Ok(len) => {
                records.truncate(len);
                break;
            }
            // So many processes start that the list outgrows its room time and again. What is there of it is no answer.
            Err(Errno(libc::ENOMEM)) if tries.next().is_some() => records.clear(),
            Err(errno) => return Err(errno),
        }
    }
    let positive = |record: &[u8], offset: usize| {
        number(record, offset).and_then(|number| u32::try_from(number).ok()).filter(|number| *number > 0)
    };
    let mut processes = Vec::new();
    let mut rest = records.as_slice();
    // Each record begins with its own size.
    while let Some(size) = number(rest, offset_of!(kinfo_proc, ki_structsize)) {
        let size = usize::try_from(size).unwrap_or_default();
        let Some((record, tail)) = rest.split_at_checked(size).filter(|_| size > 0) else { break };
        if number(record, offset_of!(kinfo_proc, ki_jid)) == Some(jid) {
            let process = positive(record, offset_of!(kinfo_proc, ki_pid)).map(|pid| Process {
                pid,
                parent: positive(record, offset_of!(kinfo_proc, ki_ppid)),
                is_zombie: is_zombie(record),
            });
            processes.extend(process);
        }
        rest = tail;
    }
    Ok(processes)
}

#[cfg(not(target_os = "freebsd"))]
pub(super) fn of_jail(_: c_int) -> Result<Vec<Process>, Errno> {
    Err(Errno(libc::ENOSYS))
}
