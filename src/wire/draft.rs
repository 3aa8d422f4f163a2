//! Names and values on their way to the kernel and back.

use core::ffi::{c_int, c_ulong};
use std::net::{Ipv4Addr, Ipv6Addr};

use super::call::{ERRMSG_LEN, OWN_PAIRS};
use super::pair::{HEAD, NULL, Pair, as_bytes, lengths};
use super::store::Store;
use super::{Wire, name};
use crate::error::{Error, ErrorKind, Result};
use crate::sys::{SetSlot, Slot};

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

/// A request in the making: pairs one after the other, each with its lengths before it.
#[derive(Debug)]
pub(crate) struct Draft<'s> {
    bytes: Store<'s>,
    len: usize,
    /// The [traces](name::trace) of the names; those of names that were removed may stay.
    traces: u64,
}

/// The copy borrows nothing.
impl Clone for Draft<'_> {
    fn clone(&self) -> Self {
        let mut copy = Draft::new();
        copy.append(self);
        copy
    }
}

impl<'s> Draft<'s> {
    pub(crate) const fn new() -> Self {
        Self { bytes: Store::new(), len: 0, traces: 0 }
    }

    /// Reserves space for that many bytes.
    pub(crate) fn with_room(bytes: usize) -> Self {
        Self { bytes: Store::with_room(bytes), ..Self::new() }
    }

    /// Starts in lent memory, which must be all zeros.
    pub(crate) fn lent(memory: &'s mut [u8]) -> Self {
        Self { bytes: Store::lent(memory), ..Self::new() }
    }

    pub(crate) fn len(&self) -> usize {
        self.len
    }

    /// Returns the place of the next pair that is added.
    pub(crate) fn size(&self) -> usize {
        self.bytes.len()
    }

    pub(crate) fn clear(&mut self) {
        self.bytes.clear();
        (self.len, self.traces) = (0, 0);
    }

    /// Appends all pairs of another draft. Nothing is checked here.
    pub(crate) fn append(&mut self, other: &Draft<'_>) {
        let bytes = other.bytes.as_slice();
        self.bytes.grow(bytes.len()).copy_from_slice(bytes);
        self.len += other.len;
        self.traces |= other.traces;
    }

    /// Sets a parameter, and replaces an earlier value.
    pub(crate) fn set(&mut self, name: &str, value: &Wire<'_>) -> Result<()> {
        let trace = name::trace(name.as_bytes());
        if self.traces & trace != 0 {
            self.make_way(name, value.is_null())?;
        }
        self.add(name, trace, value, true)
    }

    /// Removes what a new value replaces.
    #[inline(never)]
    fn make_way(&mut self, name: &str, is_null: bool) -> Result<()> {
        while let Some(earlier) = self.collision(name) {
            let is_boolean = is_null && name::user_key(name).is_none();
            let (one, other) = (name.as_bytes(), earlier.name_bytes());
            let is_opposite = || name::is_negation(one, other) || name::is_negation(other, one);
            if one != other && !(is_boolean && is_opposite()) {
                return Err(name::conflict(name, earlier.name()));
            }
            self.remove(earlier.place);
        }
        Ok(())
    }

    /// Appends a pair. Nothing is checked here.
    pub(crate) fn push(&mut self, name: &str, value: Wire<'_>) {
        let _ = self.add(name, name::trace(name.as_bytes()), &value, false);
    }

    /// Appends a pair, if it fits or need not be checked.
    fn add(&mut self, name: &str, trace: u64, value: &Wire<'_>, check: bool) -> Result<()> {
        let (int, long);
        let (bytes, room): (&[u8], usize) = match *value {
            Wire::Null | Wire::Bool(true) => (&[], NULL),
            Wire::Bool(false) => return self.add_negated(name, trace, check),
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
            Wire::Text(text) => (text, text.len().saturating_add(1)),
            Wire::Padded(text, _) => (text, value.len()),
            Wire::Ip4(addresses) => {
                return self.add_list(name, trace, addresses.iter().map(Ipv4Addr::octets), check);
            }
            Wire::Ip6(addresses) => {
                return self.add_list(name, trace, addresses.iter().map(Ipv6Addr::octets), check);
            }
        };
        let len = if room == NULL { 0 } else { room };
        if check {
            self.check_room(name, len).map_err(|error| error.about(name))?;
        }
        self.traces |= trace;
        self.len += 1;
        // Untouched bytes are zero, such as the NUL after a name or a string.
        let rest = self.bytes.grow(HEAD + name.len() + 1 + len);
        let rest = put(rest, &as_bytes([name.len() + 1, room, len]));
        let rest = put(rest, name.as_bytes());
        put(rest.get_mut(1..).unwrap_or_default(), bytes);
        Ok(())
    }

    /// Appends the name by which a boolean is sent as false.
    #[inline(never)]
    fn add_negated(&mut self, name: &str, trace: u64, check: bool) -> Result<()> {
        let no = b"no";
        let place = self.size();
        self.add(name, trace, &Wire::Space(no.len()), check)?;
        let pair = self.bytes.as_mut_slice().get_mut(place..).unwrap_or_default();
        let rest = put(pair, &as_bytes([name.len() + no.len() + 1, NULL, 0]));
        let (level, last) = name::split_text(name);
        put(put(put(rest, level.as_bytes()), no), last.as_bytes());
        Ok(())
    }

    /// Appends a list of addresses.
    fn add_list<const LEN: usize>(
        &mut self,
        name: &str,
        trace: u64,
        addresses: impl ExactSizeIterator<Item = [u8; LEN]>,
        check: bool,
    ) -> Result<()> {
        let len = LEN * addresses.len();
        self.add(name, trace, &Wire::Space(len), check)?;
        let start = self.size() - len;
        let rest = self.bytes.as_mut_slice().get_mut(start..).unwrap_or_default();
        addresses.fold(rest, |rest, address| put(rest, &address));
        Ok(())
    }

    /// Removes the pair at a place.
    pub(crate) fn remove(&mut self, place: usize) {
        if let Some(end) = self.pair(place).map(|pair| pair.end()) {
            self.bytes.remove(place, end - place);
            self.len -= 1;
        }
    }

    /// Returns all pairs in their order.
    pub(crate) fn pairs(&self) -> impl Iterator<Item = Pair<'_>> {
        let all = self.bytes.as_slice();
        let mut rest = all;
        core::iter::from_fn(move || {
            let (pair, after) = Pair::first(rest, all.len() - rest.len())?;
            rest = after;
            Some(pair)
        })
    }

    /// Returns the pair at a place.
    pub(crate) fn pair(&self, place: usize) -> Option<Pair<'_>> {
        Pair::first(self.bytes.as_slice().get(place..)?, place).map(|(pair, _)| pair)
    }

    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.pairs().map(|pair| pair.name())
    }

    /// Whether there may be a pair of this name, or one that collides with it.
    #[inline]
    fn may_have(&self, name: &str) -> bool {
        self.traces & name::trace(name.as_bytes()) != 0
    }

    /// Returns the pair of exactly this name.
    #[inline]
    pub(crate) fn find(&self, name: &str) -> Option<Pair<'_>> {
        if self.may_have(name) { self.find_by(|other| other == name.as_bytes()) } else { None }
    }

    /// Returns a pair that the kernel would take for the same parameter as this name.
    #[inline]
    pub(crate) fn collision(&self, name: &str) -> Option<Pair<'_>> {
        if self.may_have(name) { self.find_by(|other| name::collide(other, name.as_bytes())) } else { None }
    }

    /// Returns the first pair whose name matches.
    #[inline(never)]
    fn find_by(&self, is: impl Fn(&[u8]) -> bool) -> Option<Pair<'_>> {
        self.pairs().find(|pair| is(pair.name_bytes()))
    }

    /// Whether there is a pair of exactly this name.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.find(name).is_some()
    }

    /// Returns the value of a name.
    pub(crate) fn value(&self, name: &str) -> Option<&[u8]> {
        if self.may_have(name) { self.value_of(name) } else { None }
    }

    #[inline(never)]
    fn value_of(&self, name: &str) -> Option<&[u8]> {
        self.pairs().find(|pair| pair.name_bytes() == name.as_bytes())?.value()
    }

    /// Rewrites a returned `name` and `parent` as the jail with this prefix and jid sees them. Returns whether the
    /// name had the prefix.
    pub(crate) fn make_relative(&mut self, prefix: &[u8], jid: c_int) -> bool {
        let mut inside = false;
        if let Some(name) = self.space_of("name").filter(|name| name.starts_with(prefix)) {
            name.copy_within(prefix.len().., 0);
            inside = true;
        }
        if let Some(parent) = self.space_of("parent").filter(|parent| **parent == jid.to_ne_bytes()) {
            parent.fill(0);
        }
        inside
    }

    /// Writes an answer where the kernel would. Returns whether it fits.
    pub(crate) fn answer(&mut self, place: usize, answer: &[u8]) -> bool {
        let Some(room) = self.space_mut(place).and_then(|space| space.get_mut(..answer.len())) else {
            return false;
        };
        room.copy_from_slice(answer);
        self.set_answer_len(place, answer.len());
        true
    }

    /// Stores a value's length, as the kernel left it.
    fn set_answer_len(&mut self, place: usize, len: usize) {
        let head = self.bytes.as_mut_slice().get_mut(place..).and_then(<[u8]>::first_chunk_mut::<HEAD>);
        if let Some(place) = head.and_then(|head| head.last_chunk_mut()) {
            *place = len.to_ne_bytes();
        }
    }

    /// Returns the space for the value of the pair at a place.
    fn space_mut(&mut self, place: usize) -> Option<&mut [u8]> {
        let pair = self.pair(place)?;
        let (end, room) = (pair.end(), pair.room());
        self.bytes.as_mut_slice().get_mut(end - room..end)
    }

    fn space_of(&mut self, name: &str) -> Option<&mut [u8]> {
        self.space_mut(self.find(name)?.place)
    }

    /// Makes slots of the pairs, as many as there are slots, for a call that reads the values.
    pub(super) fn cut<'a>(&'a self, slots: &mut [SetSlot<'a>]) {
        for (slot, pair) in slots.iter_mut().zip(self.pairs()) {
            *slot = SetSlot::new(pair.terminated, pair.space);
        }
    }

    /// Makes slots of the pairs, as many as there are slots, for a call that writes the values.
    pub(super) fn cut_mut<'a>(&'a mut self, slots: &mut [Slot<'a>]) {
        let mut rest = self.bytes.as_mut_slice();
        for slot in slots {
            // The lengths always fit. If they did not, the kernel would refuse the empty slot.
            let Some((head, tail)) = rest.split_first_chunk_mut() else { return };
            let [name, room, _] = lengths(head);
            let Some((name, tail)) = tail.split_at_mut_checked(name) else { return };
            let is_null = room == NULL;
            let room = if is_null { 0 } else { room };
            let Some((value, tail)) = tail.split_at_mut_checked(room) else { return };
            *slot = Slot::new(name, if is_null { None } else { Some(value) });
            rest = tail;
        }
    }

    /// Stores the values' lengths, as the kernel left them.
    pub(super) fn set_answer_lens(&mut self, lens: &[usize]) {
        let mut place = 0;
        for &len in lens {
            let Some(end) = self.pair(place).map(|pair| pair.end()) else { return };
            self.set_answer_len(place, len);
            place = end;
        }
    }

    /// Returns how many of the kernel's 65,536 bytes the request takes.
    fn weight(&self) -> usize {
        self.bytes.len() + self.len * (PAIR_OVERHEAD - HEAD) + OWN_BYTES
    }

    /// Returns how many bytes its values can still grow by.
    pub(crate) fn room_left(&self) -> usize {
        MAX_BYTES.saturating_sub(self.weight())
    }

    /// Refuses another pair that does not fit the request, before anything is searched or copied.
    pub(crate) fn check_room(&self, name: &str, value: usize) -> Result<()> {
        check_limits(self.len + 1, value.saturating_add(name.len() + 1 + PAIR_OVERHEAD + self.weight()))
    }

    /// Refuses a request that the kernel refuses without a message; FreeBSD 15.0 would free invalid memory.
    pub(crate) fn check_limits(&self) -> Result<()> {
        if self.len == 0 {
            return Err(Error::refused(
                ErrorKind::InvalidRequest,
                "the request is empty: it names no jail and no parameter",
            ));
        }
        check_limits(self.len, self.weight())
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
    Draft::new().check_room(name, value)
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

/// Checks the pairs and the weight of a request.
fn check_limits(pairs: usize, weight: usize) -> Result<()> {
    const MOST: usize = MAX_PAIRS - OWN_PAIRS;
    #[cold]
    fn refuse(pairs: usize, weight: usize) -> Error {
        if pairs > MOST {
            Error::refused(
                ErrorKind::InvalidRequest,
                format_args!("{pairs} parameters are more than the {MOST} that a request can have"),
            )
        } else {
            Error::refused(
                ErrorKind::InvalidRequest,
                format_args!(
                    "the request would take {weight} bytes of the {MAX_BYTES} that the kernel allows"
                ),
            )
        }
    }
    if pairs > MOST || weight > MAX_BYTES { Err(refuse(pairs, weight)) } else { Ok(()) }
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
