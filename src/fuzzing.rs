//! What reads a kernel's lists and events, for the fuzzer alone: no other build has it.

use core::mem::offset_of;

use crate::sys::event::Kevent;
use crate::sys::process::{Offsets, in_records};
use crate::sys::{XPRISON_VERSION, xprison};
use crate::{snapshot, watch};

/// Reads `security.jail.list`, both ways. An even first byte begins the list itself; after an odd one, every eight bytes
/// describe a record, since random bytes would hardly be any.
pub fn snapshot(bytes: &[u8]) {
    let Some((first, rest)) = bytes.split_first() else { return };
    let list = if first % 2 == 0 { rest.to_vec() } else { list_of(rest) };
    if let Some(entries) = snapshot::parse(&list) {
        assert!(entries.len() * size_of::<xprison>() <= list.len());
    }
    let len = list.len();
    let Some(living) = snapshot::Living::parse(list) else { return };
    let (mut jid, mut count) = (i32::MIN, 0);
    while let Some((next, record)) = living.after(jid) {
        assert!(next > jid);
        for name in ["jid", "name", "path", "host.hostname", "other"] {
            let value = record.get(name);
            assert!(value.is_none_or(|value| Some(value.len()) <= snapshot::Record::size(name)));
        }
        (jid, count) = (next, count + 1);
    }
    assert!(count * size_of::<xprison>() <= len);
}

/// Makes a list: of each record its version, jid, state, addresses, a string's length and what fills the rest.
fn list_of(bytes: &[u8]) -> Vec<u8> {
    let mut list = Vec::new();
    for chunk in bytes.chunks(8) {
        let byte = |place: usize| chunk.get(place).copied().unwrap_or_default();
        let start = list.len();
        list.resize(start + size_of::<xprison>(), byte(7));
        let mut put = |offset: usize, value: i32| {
            if let Some(place) = list.get_mut(start + offset..).and_then(<[u8]>::first_chunk_mut) {
                *place = value.to_ne_bytes();
            }
        };
        put(offset_of!(xprison, pr_version), XPRISON_VERSION + i32::from(byte(0) == u8::MAX));
        put(offset_of!(xprison, pr_id), i32::from(byte(1).cast_signed()));
        put(offset_of!(xprison, pr_state), i32::from(byte(2) % 4));
        put(offset_of!(xprison, pr_ip4s), if byte(3) == u8::MAX { -1 } else { byte(3).into() });
        put(offset_of!(xprison, pr_ip6s), if byte(4) == u8::MAX { -1 } else { byte(4).into() });
        for offset in
            [offset_of!(xprison, pr_name), offset_of!(xprison, pr_path), offset_of!(xprison, pr_host)]
        {
            put(offset + usize::from(byte(5)), 0);
        }
        let addresses = 4 * usize::from(byte(3)) + 16 * usize::from(byte(4));
        list.resize(list.len() + addresses.saturating_sub(usize::from(byte(6) == u8::MAX)), byte(6));
    }
    list
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
