//! Names and values on their way to the kernel and back.

use core::ffi::c_int;
use std::net::{Ipv4Addr, Ipv6Addr};
use std::os::fd::{BorrowedFd, OwnedFd};

use super::name;
use super::store::Store;
use crate::error::{Asked, Call, Error, ErrorKind, Result, Subject};
use crate::sys::{DescriptorSlot, Errno, Slot, System};

/// As many bytes as any text of the kernel's needs, and then some.
pub(crate) const ERRMSG_LEN: usize = 1024;

/// As many bytes as the longest text needs that is about a parameter of the table.
const SHORT_ERRMSG_LEN: usize = 320;

/// The most pairs that the kernel takes (`UIO_MAXIOV` iovecs).
const MAX_PAIRS: usize = 512;

/// The most memory that a request may take in the kernel (`VFS_MOUNTARG_SIZE_MAX`).
const MAX_BYTES: usize = 64 * 1024;

/// What the kernel adds to each pair: its `struct vfsopt`, which has 28 bytes on a 32-bit kernel.
///
/// A 32-bit program on a 64-bit kernel pays for 64-bit ones (T34): `freebsd32_jail_set` goes through the same
/// `vfs_buildopts`. A program cannot know its kernel at compile time, so it counts on the larger size.
const PAIR_OVERHEAD: usize = 48;

/// Requests of up to this many pairs have their iovecs on the stack; the smaller, the commoner.
const FEW_PAIRS: usize = 5;
const SOME_PAIRS: usize = 8;
const MANY_PAIRS: usize = 16;

/// What the request adds to the caller's pairs: `desc` and `errmsg`.
const OWN_PAIRS: usize = 2;
const OWN_BYTES: usize = 2 * PAIR_OVERHEAD + b"desc\0errmsg\0".len() + size_of::<c_int>() + ERRMSG_LEN;

/// One pair of a draft. Names and values lie one after the other, without gaps.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Entry {
    /// Where the name starts.
    start: usize,
    /// Where the name ends, after its NUL, and the value starts.
    value: usize,
    /// Where the value ends, as it goes to the kernel.
    end: usize,
    /// The value's length, as the kernel left it.
    answer_len: usize,
    /// Whether the value is NULL.
    null: bool,
}

impl Entry {
    /// Returns the name's length without its NUL.
    fn name_len(&self) -> usize {
        (self.value - self.start).saturating_sub(1)
    }
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

    /// Makes room for that many bytes and pairs at once.
    pub(crate) fn with_room(bytes: usize, pairs: usize) -> Self {
        let mut draft = Self::new();
        draft.bytes.reserve(bytes);
        draft.entries.reserve(pairs);
        draft
    }
}

impl<'s> Draft<'s> {
    pub(crate) fn lent(bytes: &'s mut [u8], entries: &'s mut [Entry]) -> Self {
        Self { bytes: Store::lent(bytes), entries: Store::lent(entries) }
    }

    /// Makes a copy that borrows nothing.
    pub(crate) fn to_owned(&self) -> Draft<'static> {
        Draft {
            bytes: Store::Owned(self.bytes.as_slice().to_vec()),
            entries: Store::Owned(self.entries.as_slice().to_vec()),
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.entries.len()
    }

    pub(crate) fn clear(&mut self) {
        self.bytes.clear();
        self.entries.clear();
    }

    /// Appends a pair whose name and value are given in pieces. Nothing is checked here.
    pub(crate) fn push(&mut self, name: &[&str], outgoing: Outgoing<'_>) {
        let start = self.bytes.len();
        for piece in name {
            self.bytes.extend(piece.as_bytes());
        }
        self.bytes.push(0);
        let value = self.bytes.len();
        match outgoing {
            Outgoing::Null => {}
            Outgoing::Bytes(bytes) => self.bytes.extend(bytes),
            Outgoing::Text(text) => {
                self.bytes.extend(text);
                self.bytes.push(0);
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
        let end = self.bytes.len();
        let null = matches!(outgoing, Outgoing::Null);
        self.entries.push(Entry { start, value, end, answer_len: end - value, null });
    }

    /// Appends a pair with room for an answer.
    pub(crate) fn push_space(&mut self, name: &str, room: usize) {
        let start = self.bytes.len();
        let value = start + name.len() + 1;
        let end = value + room;
        self.bytes.extend_with_default(name.as_bytes(), end - start);
        self.entries.push(Entry { start, value, end, answer_len: room, null: false });
    }

    /// Appends a copy of another draft's pair.
    pub(crate) fn push_from(&mut self, other: &Draft<'_>, index: usize) {
        let value = other.value(index).map_or(Outgoing::Null, Outgoing::Bytes);
        self.push(&[other.name(index)], value);
    }

    /// Removes a pair.
    pub(crate) fn remove(&mut self, index: usize) {
        let Some(entry) = self.entries.as_slice().get(index).copied() else { return };
        let len = entry.end - entry.start;
        self.bytes.remove(entry.start, len);
        self.entries.remove(index, 1);
        for later in self.entries.as_mut_slice().iter_mut().skip(index) {
            later.start -= len;
            later.value -= len;
            later.end -= len;
        }
    }

    /// Returns a pair's name without its NUL.
    pub(crate) fn name(&self, index: usize) -> &str {
        self.names().nth(index).unwrap_or_default()
    }

    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        // Names are pushed as text.
        self.name_bytes().map(|name| core::str::from_utf8(name).unwrap_or_default())
    }

    fn name_bytes(&self) -> impl Iterator<Item = &[u8]> {
        let bytes = self.bytes.as_slice();
        let entries = self.entries.as_slice().iter();
        entries.map(|entry| bytes.get(entry.start..entry.start + entry.name_len()).unwrap_or_default())
    }

    /// Returns the place of the pair of exactly this name.
    pub(crate) fn position(&self, name: &str) -> Option<usize> {
        self.place(|len| len == name.len(), |other| other == name.as_bytes())
    }

    /// Returns the place of a pair that the kernel would take for the same parameter as this name.
    pub(crate) fn collision(&self, name: &str) -> Option<usize> {
        let name = name.as_bytes();
        self.place(name::may_collide(name), |other| name::collide(other, name))
    }

    /// Returns the place of a pair whose name has a length, and then is one, that is looked for.
    fn place(&self, len: impl Fn(usize) -> bool, is: impl Fn(&[u8]) -> bool) -> Option<usize> {
        let bytes = self.bytes.as_slice();
        self.entries.as_slice().iter().position(|entry| {
            len(entry.name_len()) && bytes.get(entry.start..entry.start + entry.name_len()).is_some_and(&is)
        })
    }

    /// Returns a value: before a call what goes to the kernel, after it what came back, as far as the kernel
    /// says it wrote. `None` for NULL.
    pub(crate) fn value(&self, index: usize) -> Option<&[u8]> {
        let entry = self.entries.as_slice().get(index)?;
        if entry.null {
            return None;
        }
        let len = entry.answer_len.min(entry.end - entry.value);
        self.bytes.as_slice().get(entry.value..entry.value + len)
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
        self.bytes.as_mut_slice().get_mut(entry.value..entry.end)
    }

    /// Returns what the request takes of the kernel's 65,536 bytes.
    fn weight(&self) -> usize {
        self.bytes.len() + self.entries.len() * PAIR_OVERHEAD + OWN_BYTES
    }

    /// Returns how many bytes its values can still grow by.
    pub(crate) fn room_left(&self) -> usize {
        MAX_BYTES.saturating_sub(self.weight())
    }

    /// Refuses another pair that the request could not hold, before anything is looked through or copied for it.
    pub(crate) fn check_room(&self, name: &str, value: usize) -> Result<()> {
        check_pairs(self.entries.len() + 1)?;
        let pair = value.saturating_add(name.len()).saturating_add(1).saturating_add(PAIR_OVERHEAD);
        check_weight(self.weight().saturating_add(pair))
    }

    /// Refuses what the kernel refuses without a word; FreeBSD 15.0 even frees memory twice over it.
    pub(crate) fn check_limits(&self) -> Result<()> {
        if self.entries.len() == 0 {
            return Err(Error::refused(
                ErrorKind::InvalidRequest,
                "the request is empty: it names no jail and no parameter",
            ));
        }
        check_pairs(self.entries.len())?;
        check_weight(self.weight())
    }

    /// Makes the call. The values hold the kernel's answer afterwards.
    pub(crate) fn call(&mut self, system: &System, verb: Verb, desc: Desc<'_>) -> Result<Answer> {
        self.call_with(system, verb, desc, &mut [0; SHORT_ERRMSG_LEN])
    }

    /// Makes the call, with a buffer for the kernel's text.
    pub(crate) fn call_with(
        &mut self,
        system: &System,
        verb: Verb,
        desc: Desc<'_>,
        errmsg: &mut [u8],
    ) -> Result<Answer> {
        // A descriptor alone can be a whole request.
        if matches!(desc, Desc::Absent) || self.entries.len() > 0 {
            self.check_limits()?;
        }
        let mut descriptor = match desc {
            Desc::Absent => None,
            Desc::Empty => Some(None),
            Desc::Given(fd) => Some(Some(fd)),
        }
        .map(|given| DescriptorSlot::new(system, verb.call == Call::JailSet, verb.flags, given))
        .transpose()
        .map_err(|errno| {
            Error::os(Call::Mmap, errno, ErrorKind::ResourceExhausted, "room for a descriptor")
        })?;
        let count = self.entries.len() + OWN_PAIRS;
        let result = if count <= FEW_PAIRS {
            let mut slots = [const { Slot::EMPTY }; FEW_PAIRS];
            self.call_in(system, verb, descriptor.as_mut(), errmsg, &mut slots)
        } else if count <= SOME_PAIRS {
            let mut slots = [const { Slot::EMPTY }; SOME_PAIRS];
            self.call_in(system, verb, descriptor.as_mut(), errmsg, &mut slots)
        } else if count <= MANY_PAIRS {
            let mut slots = [const { Slot::EMPTY }; MANY_PAIRS];
            self.call_in(system, verb, descriptor.as_mut(), errmsg, &mut slots)
        } else {
            let mut slots = Vec::new();
            slots.resize_with(count, || Slot::EMPTY);
            self.call_in(system, verb, descriptor.as_mut(), errmsg, &mut slots)
        };
        match result {
            Ok(jid) => {
                let descriptor = descriptor.map_or(Ok(None), DescriptorSlot::take).map_err(|errno| {
                    Error::os(
                        Call::Fcntl,
                        errno,
                        ErrorKind::ResourceExhausted,
                        "keeping the jail's descriptor",
                    )
                })?;
                Ok(Answer { jid, descriptor })
            }
            Err(errno) => {
                let text = errmsg.split(|&byte| byte == 0).next().unwrap_or_default();
                let names = || self.names().map(str::to_owned).collect();
                let asked = Asked { subject: verb.subject, names: &names };
                Err(Error::from_kernel(verb.call, errno, text, &asked))
            }
        }
    }

    /// Makes the call with slots that are enough.
    fn call_in<'a>(
        &'a mut self,
        system: &System,
        verb: Verb,
        descriptor: Option<&'a mut DescriptorSlot<'_>>,
        errmsg: &'a mut [u8],
        slots: &mut [Slot<'a>],
    ) -> core::result::Result<c_int, Errno> {
        let mut free = slots.iter_mut();
        cut(self.bytes.as_mut_slice(), self.entries.as_slice(), &mut free);
        let own =
            descriptor.map(DescriptorSlot::slot).into_iter().chain([Slot::new(b"errmsg\0", Some(errmsg))]);
        for slot in own {
            if let Some(place) = free.next() {
                *place = slot;
            }
        }
        let unused = free.len();
        let count = slots.len() - unused;
        let slots = slots.get_mut(..count).unwrap_or_default();
        let result = match verb.call {
            Call::JailSet => system.jail_set(slots, verb.flags),
            _ => system.jail_get(slots, verb.flags),
        };
        for (entry, slot) in self.entries.as_mut_slice().iter_mut().zip(slots.iter()) {
            entry.answer_len = slot.value_len();
        }
        result
    }
}

fn check_pairs(pairs: usize) -> Result<()> {
    const MOST: usize = MAX_PAIRS - OWN_PAIRS;
    if pairs > MOST {
        return Err(Error::refused(
            ErrorKind::InvalidRequest,
            format!("{pairs} parameters are more than the {MOST} that a request can have"),
        ));
    }
    Ok(())
}

fn check_weight(weight: usize) -> Result<()> {
    if weight > MAX_BYTES {
        return Err(Error::refused(
            ErrorKind::InvalidRequest,
            format!("the request would take {weight} bytes of the {MAX_BYTES} that the kernel allows"),
        ));
    }
    Ok(())
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

impl Outgoing<'_> {
    /// Returns how many bytes the value has in a request.
    pub(crate) fn len(&self) -> usize {
        match *self {
            Self::Null => 0,
            Self::Bytes(bytes) => bytes.len(),
            Self::Text(text) => text.len() + 1,
            Self::Space(len) => len,
            Self::Padded(text, room) => text.len().saturating_add(1).max(room),
            Self::Ip4(addresses) => size_of_val(addresses),
            Self::Ip6(addresses) => size_of_val(addresses),
        }
    }
}

/// Makes slots of the arena: each name, then each value, one after the other.
fn cut<'a>(bytes: &'a mut [u8], entries: &[Entry], slots: &mut core::slice::IterMut<'_, Slot<'a>>) {
    let mut rest = bytes;
    for (entry, slot) in entries.iter().zip(slots) {
        // The entries were measured from these bytes; were they not, the kernel would refuse an empty slot.
        let Some((name, tail)) = rest.split_at_mut_checked(entry.value - entry.start) else { return };
        let Some((value, tail)) = tail.split_at_mut_checked(entry.end - entry.value) else { return };
        *slot = Slot::new(name, if entry.null { None } else { Some(value) });
        rest = tail;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn t34_each_pair_takes_48_bytes_of_the_limit_on_every_target() {
        let mut draft = Draft::new();
        for _ in 0..500 {
            draft.push(&["x"], Outgoing::Null);
        }
        // The kernel's sum: 48 and the name's and value's lengths for each pair, `desc` and `errmsg` among them.
        let used = 500 * (48 + 2) + (48 + 5 + 4) + (48 + 7 + ERRMSG_LEN);
        let left = 65_536 - used - (48 + 2);
        assert!(draft.check_room("x", left).is_ok());
        assert!(draft.check_room("x", left + 1).is_err());
        draft.push(&["x"], Outgoing::Space(left));
        assert!(draft.check_limits().is_ok());
        draft.push(&["x"], Outgoing::Null);
        assert!(draft.check_limits().is_err());
    }
}
