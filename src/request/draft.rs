//! Names and values on their way to the kernel and back.

#![forbid(unsafe_code)]

use core::ffi::c_int;
use std::net::{Ipv4Addr, Ipv6Addr};
use std::os::fd::{BorrowedFd, OwnedFd};

use super::name;
use super::store::Store;
use crate::error::{Asked, Call, Error, ErrorKind, Result, Subject};
use crate::sys::{DescriptorSlot, Slot, System};

/// As many bytes as the kernel's longest text needs, and then some.
pub(crate) const ERRMSG_LEN: usize = 1024;

/// The most pairs that the kernel takes (`UIO_MAXIOV` iovecs).
const MAX_PAIRS: usize = 512;

/// The most memory that a request may take in the kernel (`VFS_MOUNTARG_SIZE_MAX`).
const MAX_BYTES: usize = 64 * 1024;

/// What the kernel adds to each pair (its `struct vfsopt`).
const PAIR_OVERHEAD: usize = if size_of::<usize>() == 8 { 48 } else { 28 };

/// Requests of up to this many pairs have their iovecs on the stack.
const STACK_PAIRS: usize = 16;

/// What the request adds to the caller's pairs: `desc` and `errmsg`.
const OWN_PAIRS: usize = 2;
const OWN_BYTES: usize = 2 * PAIR_OVERHEAD + b"desc\0errmsg\0".len() + size_of::<c_int>() + ERRMSG_LEN;

/// One pair of a draft. Names and values lie one after the other, without gaps.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Entry {
    /// Where the name starts.
    start: usize,
    /// The name's length, its NUL included.
    name_len: usize,
    /// The value's length, as it goes to the kernel.
    value_len: usize,
    /// The value's length, as the kernel left it.
    answer_len: usize,
    /// Whether the value is NULL.
    null: bool,
}

/// A request in the making: an arena of bytes and the entries that cut it up.
#[derive(Debug)]
pub(crate) struct Draft<'s> {
    bytes: Store<'s, u8>,
    entries: Store<'s, Entry>,
}

/// Which call to make, with its flags, and what the jail is to the caller.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Verb {
    pub(crate) call: Call,
    pub(crate) flags: c_int,
    pub(crate) subject: Subject,
}

/// What a successful call returned.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) jid: c_int,
    pub(crate) descriptor: Option<OwnedFd>,
}

/// How the `desc` slot is used.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Desc<'fd> {
    /// There is none.
    Absent,
    /// It is there for a new descriptor only.
    Empty,
    /// It holds this one, and maybe takes a new one.
    Given(BorrowedFd<'fd>),
}

impl Draft<'static> {
    pub(crate) const fn new() -> Self {
        Self { bytes: Store::owned(), entries: Store::owned() }
    }
}

impl<'s> Draft<'s> {
    pub(crate) fn lent(bytes: &'s mut [u8], entries: &'s mut [Entry]) -> Self {
        Self { bytes: Store::lent(bytes), entries: Store::lent(entries) }
    }

    pub(crate) fn len(&self) -> usize {
        self.entries.len()
    }

    pub(crate) fn clear(&mut self) {
        self.bytes.clear();
        self.entries.clear();
    }

    /// Makes room for that many more bytes and pairs at once.
    pub(crate) fn reserve(&mut self, bytes: usize, pairs: usize) {
        self.bytes.reserve(bytes);
        self.entries.reserve(pairs);
    }

    /// Appends a pair whose name and value are given in pieces. Nothing is checked here.
    pub(crate) fn push(&mut self, name: &[&str], value: Outgoing<'_>) {
        let start = self.bytes.len();
        for piece in name {
            self.bytes.extend(piece.as_bytes());
        }
        self.bytes.extend(&[0]);
        let name_len = self.bytes.len() - start;
        match value {
            Outgoing::Null => {}
            Outgoing::Bytes(bytes) => self.bytes.extend(bytes),
            Outgoing::Text(text) => {
                self.bytes.extend(text);
                self.bytes.extend(&[0]);
            }
            Outgoing::Space(len) => self.bytes.extend_default(len),
            Outgoing::Padded(text, room) => {
                self.bytes.extend(text);
                self.bytes.extend_default(room.saturating_sub(text.len()).max(1));
            }
            Outgoing::Ip4(addresses) => {
                for address in addresses {
                    self.bytes.extend(&address.octets());
                }
            }
            Outgoing::Ip6(addresses) => {
                for address in addresses {
                    self.bytes.extend(&address.octets());
                }
            }
        }
        let value_len = self.bytes.len() - start - name_len;
        let null = matches!(value, Outgoing::Null);
        self.entries.extend(&[Entry { start, name_len, value_len, answer_len: value_len, null }]);
    }

    /// Removes a pair.
    pub(crate) fn remove(&mut self, index: usize) {
        let Some(entry) = self.entries.as_slice().get(index).copied() else { return };
        let len = entry.name_len + entry.value_len;
        self.bytes.remove(entry.start, len);
        self.entries.remove(index, 1);
        for later in self.entries.as_mut_slice().iter_mut().skip(index) {
            later.start -= len;
        }
    }

    /// Returns a pair's name without its NUL.
    pub(crate) fn name(&self, index: usize) -> &str {
        self.entries.as_slice().get(index).map_or("", |entry| self.name_of(entry))
    }

    fn name_of(&self, entry: &Entry) -> &str {
        let end = entry.start + entry.name_len.saturating_sub(1);
        let bytes = self.bytes.as_slice().get(entry.start..end).unwrap_or_default();
        // Names are pushed as text.
        core::str::from_utf8(bytes).unwrap_or_default()
    }

    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.entries.as_slice().iter().map(|entry| self.name_of(entry))
    }

    /// Returns the place of the pair of exactly this name.
    pub(crate) fn position(&self, name: &str) -> Option<usize> {
        self.names().position(|other| other == name)
    }

    /// Returns the place of a pair that the kernel would take for the same parameter as this name.
    pub(crate) fn collision(&self, name: &str) -> Option<usize> {
        self.names().position(|other| name::collide(other, name))
    }

    /// Returns a value: before a call what goes to the kernel, after it what came back, as far as the kernel
    /// says it wrote. `None` for NULL.
    pub(crate) fn value(&self, index: usize) -> Option<&[u8]> {
        let entry = self.entries.as_slice().get(index)?;
        if entry.null {
            return None;
        }
        let start = entry.start + entry.name_len;
        let len = entry.answer_len.min(entry.value_len);
        self.bytes.as_slice().get(start..start + len)
    }

    /// Returns the length that the kernel left with a value, which of a NULL one is what it would need.
    pub(crate) fn answer_len(&self, index: usize) -> Option<usize> {
        self.entries.as_slice().get(index).map(|entry| entry.answer_len)
    }

    /// Rewrites a `name` and a `parent` that came back as the jail of this prefix and number sees them.
    /// Says whether it had the prefix.
    pub(crate) fn make_relative(&mut self, prefix: &[u8], jid: c_int) -> bool {
        let mut inside = false;
        let name = self.position("name").and_then(|place| self.value_mut(place));
        if let Some(name) = name.filter(|name| name.starts_with(prefix)) {
            name.copy_within(prefix.len().., 0);
            inside = true;
        }
        let parent = self.position("parent").and_then(|place| self.value_mut(place));
        if let Some(parent) = parent.filter(|parent| **parent == jid.to_ne_bytes()) {
            parent.fill(0);
        }
        inside
    }

    fn value_mut(&mut self, index: usize) -> Option<&mut [u8]> {
        let entry = self.entries.as_slice().get(index).copied()?;
        let start = entry.start + entry.name_len;
        self.bytes.as_mut_slice().get_mut(start..start + entry.value_len)
    }

    /// Returns what the request takes of the kernel's 65,536 bytes.
    fn weight(&self) -> usize {
        self.bytes.len() + self.entries.len() * PAIR_OVERHEAD + OWN_BYTES
    }

    /// Refuses what the kernel refuses without a word; FreeBSD 15.0 even frees memory twice over it.
    fn check_limits(&self) -> Result<()> {
        if self.entries.len() == 0 {
            return Err(Error::refused(
                ErrorKind::InvalidRequest,
                "the request is empty: it names no jail and no parameter",
            ));
        }
        if self.entries.len() + OWN_PAIRS > MAX_PAIRS {
            return Err(Error::refused(
                ErrorKind::InvalidRequest,
                format!(
                    "{} parameters are more than the {} that a request can have",
                    self.entries.len(),
                    MAX_PAIRS - OWN_PAIRS
                ),
            ));
        }
        if self.weight() > MAX_BYTES {
            return Err(Error::refused(
                ErrorKind::InvalidRequest,
                format!(
                    "the request takes {} of the {MAX_BYTES} bytes that the kernel allows",
                    self.weight()
                ),
            ));
        }
        Ok(())
    }

    /// Makes the call. The values hold the kernel's answer afterwards.
    pub(crate) fn call(&mut self, system: &System, verb: Verb, desc: Desc<'_>) -> Result<Answer> {
        if matches!(desc, Desc::Absent) || self.entries.len() > 0 {
            self.check_limits()?;
        }
        let mut errmsg = [0; ERRMSG_LEN];
        let mut descriptor = DescriptorSlot::new(match desc {
            Desc::Given(fd) => Some(fd),
            Desc::Absent | Desc::Empty => None,
        });
        let has_desc = !matches!(desc, Desc::Absent);
        let result = {
            let mut on_stack = [const { Slot::EMPTY }; STACK_PAIRS];
            let mut on_heap = Vec::new();
            let pairs = self.entries.len();
            let count = pairs + usize::from(has_desc) + 1;
            let slots = match on_stack.get_mut(..count) {
                Some(slots) => slots,
                None => {
                    on_heap.resize_with(count, || Slot::EMPTY);
                    on_heap.as_mut_slice()
                }
            };
            let (mine, own) = slots.split_at_mut(pairs);
            cut(self.bytes.as_mut_slice(), self.entries.as_slice(), mine);
            let mut own = own.iter_mut();
            if has_desc {
                if let Some(slot) = own.next() {
                    *slot = descriptor.slot();
                }
            }
            if let Some(slot) = own.next() {
                *slot = Slot::new(b"errmsg\0", Some(&mut errmsg));
            }
            let result = match verb.call {
                Call::JailSet => system.jail_set(slots, verb.flags),
                _ => system.jail_get(slots, verb.flags),
            };
            for (entry, slot) in self.entries.as_mut_slice().iter_mut().zip(slots.iter()) {
                entry.answer_len = slot.value_len();
            }
            result
        };
        match result {
            Ok(jid) => {
                let descriptor = descriptor.take().map_err(|errno| {
                    Error::os(Call::Fcntl, errno, ErrorKind::Other, "setting close-on-exec")
                })?;
                Ok(Answer { jid, descriptor })
            }
            Err(errno) => {
                let text = errmsg.split(|&byte| byte == 0).next().unwrap_or_default();
                let carries = |name: &str| self.position(name).is_some();
                let asked = Asked { subject: verb.subject, carries: &carries };
                Err(Error::from_kernel(verb.call, errno, text, &asked))
            }
        }
    }
}

/// A value on its way into a draft.
#[derive(Clone, Copy)]
pub(crate) enum Outgoing<'a> {
    /// NULL with length 0: a boolean, whose name says it all, or the question how long a value is.
    Null,
    Bytes(&'a [u8]),
    /// Text, to which the NUL is added.
    Text(&'a [u8]),
    /// Room for an answer.
    Space(usize),
    /// Text that the kernel answers with other text of at most that many bytes.
    Padded(&'a [u8], usize),
    /// Addresses, which go in network order.
    Ip4(&'a [Ipv4Addr]),
    Ip6(&'a [Ipv6Addr]),
}

/// Makes slots of the arena: each name, then each value, one after the other.
fn cut<'a>(bytes: &'a mut [u8], entries: &[Entry], slots: &mut [Slot<'a>]) {
    let mut rest = bytes;
    for (entry, slot) in entries.iter().zip(slots) {
        // The entries were measured from these bytes; were they not, the kernel would refuse an empty slot.
        let Some((name, tail)) = rest.split_at_mut_checked(entry.name_len) else { return };
        let Some((value, tail)) = tail.split_at_mut_checked(entry.value_len) else { return };
        *slot = Slot::new(name, if entry.null { None } else { Some(value) });
        rest = tail;
    }
}
