//! A name and a value in a draft.

use super::Wire;

/// The lengths that stand before each name: the name's with its NUL, the value's, and the value's as the kernel left it.
pub(super) const HEAD: usize = 3 * size_of::<usize>();

/// In place of the value's length: the value is NULL.
pub(super) const NULL: usize = usize::MAX;

/// A pair of a draft.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Pair<'d> {
    /// Where it begins in the draft, until an earlier one is removed.
    pub(crate) place: usize,
    /// With its NUL.
    pub(super) terminated: &'d [u8],
    /// All of the space, `None` for NULL.
    pub(super) space: Option<&'d [u8]>,
    /// The value's length, as the kernel left it. For NULL, the length that the value needs.
    pub(crate) answer_len: usize,
}

impl<'d> Pair<'d> {
    /// Splits the first pair off the bytes of a draft.
    pub(super) fn first(bytes: &'d [u8], place: usize) -> Option<(Self, &'d [u8])> {
        let (head, rest) = bytes.split_first_chunk()?;
        let [name, room, answer_len] = lengths(head);
        let (terminated, rest) = rest.split_at_checked(name)?;
        if room == NULL {
            return Some((Self { place, terminated, space: None, answer_len }, rest));
        }
        let (space, rest) = rest.split_at_checked(room)?;
        Some((Self { place, terminated, space: Some(space), answer_len }, rest))
    }

    /// Returns the name's bytes without the NUL.
    pub(super) fn name_bytes(&self) -> &'d [u8] {
        self.terminated.split_last().map_or(&[], |(_, name)| name)
    }

    /// Returns the name.
    pub(crate) fn name(&self) -> &'d str {
        // Names are pushed as text.
        core::str::from_utf8(self.name_bytes()).unwrap_or_default()
    }

    /// Returns the value: before a call the one to send, after it the answer, as far as the kernel says that it wrote.
    /// `None` for NULL.
    pub(crate) fn value(&self) -> Option<&'d [u8]> {
        self.space.map(|space| space.get(..self.answer_len).unwrap_or(space))
    }

    /// Returns the value as it goes to the kernel.
    pub(crate) fn wire(&self) -> Wire<'d> {
        self.value().map_or(Wire::Null, Wire::Bytes)
    }

    /// Returns the space for the value.
    pub(crate) fn room(&self) -> usize {
        self.space.map_or(0, <[u8]>::len)
    }

    /// Returns the place of the next pair.
    pub(crate) fn end(&self) -> usize {
        self.place + HEAD + self.terminated.len() + self.room()
    }
}

/// Reads what stands before a name.
pub(super) fn lengths(head: &[u8; HEAD]) -> [usize; 3] {
    let mut lengths = [0; 3];
    for (length, bytes) in lengths.iter_mut().zip(head.chunks_exact(size_of::<usize>())) {
        *length = bytes.try_into().map_or(0, usize::from_ne_bytes);
    }
    lengths
}

/// Returns what stands before a name.
pub(super) fn as_bytes(lengths: [usize; 3]) -> [u8; HEAD] {
    let mut head = [0; HEAD];
    for (bytes, length) in head.chunks_exact_mut(size_of::<usize>()).zip(lengths) {
        bytes.copy_from_slice(&length.to_ne_bytes());
    }
    head
}
