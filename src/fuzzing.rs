//! What reads a kernel's lists and events, for the fuzzer alone: no other build has it.

use crate::sys::event::Kevent;
use crate::sys::process::{Offsets, in_records};
use crate::{snapshot, watch};

/// Reads `security.jail.list`.
pub fn snapshot(bytes: &[u8]) {
    if let Some(entries) = snapshot::parse(bytes) {
        assert!(entries.len() * size_of::<crate::sys::xprison>() <= bytes.len());
    }
}

/// Reads `kern.proc.proc`, with records that are laid out as FreeBSD's but shorter.
pub fn processes(bytes: &[u8]) {
    let offsets = Offsets { size: 0, pid: 4, parent: 8, jid: 12, uid: 16, command: 20, state: 39 };
    for process in in_records(bytes, &offsets) {
        assert!(process.pid > 0 && process.parent != Some(0));
        assert!(process.command.is_none_or(|name| (1..=19).contains(&name.len())));
    }
}

/// Reads one event of kevent(2), and all that it says.
pub fn event(bytes: &[u8]) {
    let mut rest =
        bytes.chunks_exact(8).map(|bytes| u64::from_ne_bytes(bytes.try_into().unwrap_or_default()));
    let mut number = || rest.next().unwrap_or_default();
    #[allow(clippy::cast_possible_truncation, clippy::cast_possible_wrap, reason = "any bits will do")]
    let kevent = Kevent {
        ident: number() as usize,
        filter: if bytes.len() % 2 == 0 { crate::sys::EVFILT_JAIL } else { crate::sys::EVFILT_JAILDESC },
        flags: number() as u16,
        fflags: number() as u32,
        data: number() as i64,
        udata: number() as usize,
        extra: number(),
    };
    watch::read_any(&kevent);
}
