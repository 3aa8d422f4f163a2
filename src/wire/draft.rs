//! Names and values on their way to the kernel and back.

use core::ffi::{c_int, c_ulong};

use super::call::{ERRMSG_LEN, OWN_PAIRS};
use super::store::Store;
use super::{Wire, name};
use crate::error::{Error, ErrorKind, Result};

/// The most pairs that the kernel takes (`UIO_MAXIOV` iovecs).
const MAX_PAIRS: usize = 512;

/// The most memory that a request may take in the kernel (`VFS_MOUNTARG_SIZE_MAX`).
const MAX_BYTES: usize = 64 * 1024;

/// What the kernel adds to each pair: its `struct vfsopt`, which has 28 bytes on a 32-bit kernel.
///
/// A 32-bit program on a 64-bit kernel pays for 64-bit ones (T34): `freebsd32_jail_set` goes through the same
/// `vfs_buildopts`. A program cannot know its kernel at compile time, so it counts on the larger size.
const PAIR_OVERHEAD: usize = 48;

/// The size of `desc` and `errmsg`, which the call adds.
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

    /// Returns the name's length with its NUL.
    pub(super) fn name_room(&self) -> usize {
        self.value - self.start
    }

    pub(super) fn value_room(&self) -> usize {
        self.end - self.value
    }

    pub(super) fn is_null(&self) -> bool {
        self.null
    }

    pub(super) fn set_answer_len(&mut self, len: usize) {
        self.answer_len = len;
    }
}

/// A request in the making: an arena of bytes and the entries that cut it up.
#[derive(Debug)]
pub(crate) struct Draft<'s> {
    pub(super) bytes: Store<'s, u8>,
    pub(super) entries: Store<'s, Entry>,
    /// The [traces](name::trace) of the names; those of names that were removed may stay.
    traces: u64,
}

impl<'s> Draft<'s> {
    pub(crate) const fn new() -> Self {
        Self { bytes: Store::owned(), entries: Store::owned(), traces: 0 }
    }

    /// Reserves space for that many bytes and pairs.
    pub(crate) fn with_room(bytes: usize, pairs: usize) -> Self {
        let bytes = Store::Owned(Vec::with_capacity(bytes));
        Self { bytes, entries: Store::Owned(Vec::with_capacity(pairs)), traces: 0 }
    }

    pub(crate) fn lent(bytes: &'s mut [u8], entries: &'s mut [Entry]) -> Self {
        Self { bytes: Store::lent(bytes), entries: Store::lent(entries), traces: 0 }
    }

    /// Makes a copy that borrows nothing.
    pub(crate) fn to_owned(&self) -> Draft<'static> {
        Draft {
            bytes: Store::Owned(self.bytes.as_slice().to_vec()),
            entries: Store::Owned(self.entries.as_slice().to_vec()),
            traces: self.traces,
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.entries.len()
    }

    /// Returns the bytes of all names and values.
    pub(crate) fn size(&self) -> usize {
        self.bytes.len()
    }

    pub(crate) fn clear(&mut self) {
        self.bytes.clear();
        self.entries.clear();
        self.traces = 0;
    }

    /// Appends all pairs of another draft. Nothing is checked here.
    pub(crate) fn append(&mut self, other: &Draft<'_>) {
        let offset = self.bytes.len();
        self.bytes.extend(other.bytes.as_slice());
        let first = self.entries.len();
        self.entries.extend(other.entries.as_slice());
        if offset > 0 {
            for entry in self.entries.as_mut_slice().iter_mut().skip(first) {
                entry.start += offset;
                entry.value += offset;
                entry.end += offset;
            }
        }
        self.traces |= other.traces;
    }

    /// Sets a parameter, and replaces an earlier value.
    pub(crate) fn set(&mut self, name: &str, value: Wire<'_>) -> Result<()> {
        let trace = name::trace(name.as_bytes());
        if self.traces & trace != 0 {
            self.make_way(name, value.is_null())?;
        }
        self.check_room(name, value.len()).map_err(|error| error.about(name))?;
        self.push_traced(name, trace, value);
        Ok(())
    }

    /// Removes what a new value replaces.
    #[inline(never)]
    fn make_way(&mut self, name: &str, is_null: bool) -> Result<()> {
        while let Some(earlier) = self.collision(name) {
            let is_boolean = is_null && name::user_key(name).is_none();
            let (one, other) = (name.as_bytes(), self.name(earlier).as_bytes());
            let is_opposite = || name::is_negation(one, other) || name::is_negation(other, one);
            if one != other && !(is_boolean && is_opposite()) {
                return Err(name::conflict(name, self.name(earlier)));
            }
            self.remove(earlier);
        }
        Ok(())
    }

    /// Appends a pair. Nothing is checked here.
    pub(crate) fn push(&mut self, name: &str, value: Wire<'_>) {
        self.push_traced(name, name::trace(name.as_bytes()), value);
    }

    fn push_traced(&mut self, name: &str, trace: u64, value: Wire<'_>) {
        let (int, long);
        let (bytes, room): (&[u8], usize) = match value {
            Wire::Null | Wire::Bool(_) => (&[], 0),
            Wire::Space(room) => (&[], room),
            Wire::Int(value) => {
                int = value.to_ne_bytes();
                (&int, int.len())
            }
            Wire::Count(value) => {
                int = value.to_ne_bytes();
                (&int, int.len())
            }
            Wire::Ulong(value) => {
                long = to_ulong(value);
                (&long, long.len())
            }
            Wire::Bytes(bytes) => (bytes, bytes.len()),
            Wire::Text(text) | Wire::Padded(text, _) => (text, value.len()),
            Wire::Ip4(addresses) => (&[], size_of_val(addresses)),
            Wire::Ip6(addresses) => (&[], size_of_val(addresses)),
        };
        let is_negated = matches!(value, Wire::Bool(false));
        let name_len = name.len() + if is_negated { b"no".len() } else { 0 };
        let (start, null) = (self.bytes.len(), value.is_null());
        let value_start = start + name_len + 1;
        let end = value_start + room;
        self.traces |= trace;
        self.entries.push(Entry { start, value: value_start, end, answer_len: room, null });
        // Untouched bytes are zero, such as the NUL after a name or a string.
        if !is_negated && !matches!(value, Wire::Ip4(_) | Wire::Ip6(_)) {
            return self.bytes.put_pair(name.as_bytes(), bytes, room);
        }
        let memory = self.bytes.grow(end - start);
        let rest = if is_negated { put_negation(memory, name) } else { put(memory, name.as_bytes()) };
        let rest = put(rest.get_mut(1..).unwrap_or_default(), bytes);
        match value {
            Wire::Ip4(addresses) => {
                addresses.iter().fold(rest, |rest, address| put(rest, &address.octets()));
            }
            Wire::Ip6(addresses) => {
                addresses.iter().fold(rest, |rest, address| put(rest, &address.octets()));
            }
            _ => {}
        }
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

    /// Returns a value as it goes to the kernel.
    pub(crate) fn wire(&self, index: usize) -> Wire<'_> {
        self.value(index).map_or(Wire::Null, Wire::Bytes)
    }

    /// Returns a pair's name without its NUL.
    pub(crate) fn name(&self, index: usize) -> &str {
        let name = self.entries.as_slice().get(index).and_then(|entry| self.name_of(entry));
        // Names are pushed as text.
        name.and_then(|name| core::str::from_utf8(name).ok()).unwrap_or_default()
    }

    fn name_of(&self, entry: &Entry) -> Option<&[u8]> {
        self.bytes.as_slice().get(entry.start..entry.start + entry.name_len())
    }

    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        (0..self.len()).map(|index| self.name(index))
    }

    /// Whether there may be a pair of this name, or one that collides with it.
    #[inline]
    fn may_have(&self, name: &str) -> bool {
        self.traces & name::trace(name.as_bytes()) != 0
    }

    /// Returns the place of the pair of exactly this name.
    #[inline]
    pub(crate) fn position(&self, name: &str) -> Option<usize> {
        if self.may_have(name) { self.place(|other| other == name.as_bytes()) } else { None }
    }

    /// Returns the place of a pair that the kernel would take for the same parameter as this name.
    #[inline]
    pub(crate) fn collision(&self, name: &str) -> Option<usize> {
        if self.may_have(name) { self.place(|other| name::collide(other, name.as_bytes())) } else { None }
    }

    /// Returns the place of the first pair whose name matches.
    #[inline(never)]
    fn place(&self, is: impl Fn(&[u8]) -> bool) -> Option<usize> {
        self.entries.as_slice().iter().position(|entry| self.name_of(entry).is_some_and(&is))
    }

    /// Returns a value: before a call the one to send, after it the answer, as far as the kernel says that it
    /// wrote. `None` for NULL.
    pub(crate) fn value(&self, index: usize) -> Option<&[u8]> {
        let entry = self.entries.as_slice().get(index)?;
        if entry.null {
            return None;
        }
        let len = entry.answer_len.min(entry.end - entry.value);
        self.bytes.as_slice().get(entry.value..entry.value + len)
    }

    /// Returns the length that the kernel returned for a value; for NULL, the length that the value needs.
    pub(crate) fn answer_len(&self, index: usize) -> Option<usize> {
        self.entries.as_slice().get(index).map(|entry| entry.answer_len)
    }

    /// Rewrites a returned `name` and `parent` as the jail with this prefix and jid sees them. Returns whether the
    /// name had the prefix.
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

    /// Returns the space for a value.
    pub(crate) fn room(&self, index: usize) -> usize {
        self.entries.as_slice().get(index).map_or(0, Entry::value_room)
    }

    /// Writes an answer where the kernel would. Returns whether it fits.
    pub(crate) fn answer(&mut self, index: usize, answer: &[u8]) -> bool {
        let Some(room) = self.value_mut(index).and_then(|value| value.get_mut(..answer.len())) else {
            return false;
        };
        room.copy_from_slice(answer);
        if let Some(entry) = self.entries.as_mut_slice().get_mut(index) {
            entry.answer_len = answer.len();
        }
        true
    }

    fn value_mut(&mut self, index: usize) -> Option<&mut [u8]> {
        let entry = self.entries.as_slice().get(index).copied()?;
        self.bytes.as_mut_slice().get_mut(entry.value..entry.end)
    }

    /// Returns how many of the kernel's 65,536 bytes the request takes.
    fn weight(&self) -> usize {
        self.bytes.len() + self.entries.len() * PAIR_OVERHEAD + OWN_BYTES
    }

    /// Returns how many bytes its values can still grow by.
    pub(crate) fn room_left(&self) -> usize {
        MAX_BYTES.saturating_sub(self.weight())
    }

    /// Refuses another pair that does not fit the request, before anything is searched or copied.
    pub(crate) fn check_room(&self, name: &str, value: usize) -> Result<()> {
        check_pairs(self.entries.len() + 1)?;
        check_weight(self.weight().saturating_add(pair_weight(name, value)))
    }

    /// Refuses a request that the kernel refuses without a message; FreeBSD 15.0 would free invalid memory.
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
}

/// Returns a C unsigned long; [`Wire::check_number`] has checked its size.
#[allow(
    clippy::useless_conversion,
    clippy::unnecessary_fallible_conversions,
    reason = "it is narrower on some machines"
)]
fn to_ulong(value: u64) -> [u8; size_of::<c_ulong>()] {
    c_ulong::try_from(value).unwrap_or(c_ulong::MAX).to_ne_bytes()
}

/// Refuses a pair that fits no request, before anything is searched or copied.
pub(crate) fn check_alone(name: &str, value: usize) -> Result<()> {
    check_weight(OWN_BYTES.saturating_add(pair_weight(name, value)))
}

/// Returns how many of the kernel's 65,536 bytes a pair takes.
fn pair_weight(name: &str, value: usize) -> usize {
    value.saturating_add(name.len()).saturating_add(1 + PAIR_OVERHEAD)
}

/// Copies the name by which a boolean is sent as false, and returns the rest of the slice.
#[inline(never)]
fn put_negation<'m>(room: &'m mut [u8], name: &str) -> &'m mut [u8] {
    let (level, last) = name::split_text(name);
    put(put(put(room, level.as_bytes()), b"no"), last.as_bytes())
}

/// Copies bytes to the start of a slice, and returns the rest.
fn put<'m>(room: &'m mut [u8], bytes: &[u8]) -> &'m mut [u8] {
    match room.split_at_mut_checked(bytes.len()) {
        Some((place, rest)) => {
            place.copy_from_slice(bytes);
            rest
        }
        None => &mut [],
    }
}

fn check_pairs(pairs: usize) -> Result<()> {
    const MOST: usize = MAX_PAIRS - OWN_PAIRS;
    #[cold]
    fn refuse(pairs: usize) -> Error {
        Error::refused(
            ErrorKind::InvalidRequest,
            format_args!("{pairs} parameters are more than the {MOST} that a request can have"),
        )
    }
    if pairs > MOST { Err(refuse(pairs)) } else { Ok(()) }
}

fn check_weight(weight: usize) -> Result<()> {
    #[cold]
    fn refuse(weight: usize) -> Error {
        Error::refused(
            ErrorKind::InvalidRequest,
            format_args!("the request would take {weight} bytes of the {MAX_BYTES} that the kernel allows"),
        )
    }
    if weight > MAX_BYTES { Err(refuse(weight)) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn t34_each_pair_takes_48_bytes_of_the_limit_on_every_target() {
        let mut draft = Draft::new();
        for _ in 0..500 {
            draft.push("x", Wire::Null);
        }
        // The kernel's sum: 48 and the name's and value's lengths for each pair, `desc` and `errmsg` among them.
        let used = 500 * (48 + 2) + (48 + 5 + 4) + (48 + 7 + ERRMSG_LEN);
        let left = 65_536 - used - (48 + 2);
        assert!(draft.check_room("x", left).is_ok());
        assert!(draft.check_room("x", left + 1).is_err());
        draft.push("x", Wire::Space(left));
        assert!(draft.check_limits().is_ok());
        draft.push("x", Wire::Null);
        assert!(draft.check_limits().is_err());
    }
}
