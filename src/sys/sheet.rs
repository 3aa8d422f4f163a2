//! A request of jail_get(2) in memory that the caller lends, usually on its stack.

use core::fmt;
use core::ptr::NonNull;

use super::{Errno, Slot, System};

/// Names and values that go to the kernel from where they were added. What does not fit is not added.
pub(crate) struct Sheet<'m> {
    /// The memory that is left.
    memory: &'m mut [u8],
    slots: &'m mut [Slot<'m>],
    /// What was put into the slots: the kernel writes those.
    rows: &'m mut [Row<'m>],
    len: usize,
}

/// A pair of a [`Sheet`].
#[derive(Clone, Copy)]
pub(crate) struct Row<'m> {
    /// With its NUL.
    name: &'m [u8],
    value: NonNull<u8>,
    room: usize,
}

impl Row<'_> {
    /// A row to be overwritten.
    pub(crate) const EMPTY: Row<'static> = Row { name: &[], value: NonNull::dangling(), room: 0 };
}

impl<'m> Sheet<'m> {
    /// Starts in memory that is all zeros, with as many slots as rows.
    pub(crate) fn new(memory: &'m mut [u8], slots: &'m mut [Slot<'m>], rows: &'m mut [Row<'m>]) -> Self {
        Self { memory, slots, rows, len: 0 }
    }

    /// Adds a name, its NUL included, and a value. Returns whether there was a slot for it.
    pub(crate) fn lend(&mut self, name: &'m [u8], value: &'m mut [u8]) -> bool {
        let (Some(slot), Some(row)) = (self.slots.get_mut(self.len), self.rows.get_mut(self.len)) else {
            return false;
        };
        let room = value.len();
        *slot = Slot::new(name, Some(value));
        *row = Row { name, value: slot.value_start(), room };
        self.len += 1;
        true
    }

    /// Adds a name, and room for its value. Returns whether there was enough memory for it.
    pub(crate) fn push(&mut self, name: &str, room: usize) -> bool {
        let memory = core::mem::take(&mut self.memory);
        let Some((place, rest)) = memory.split_at_mut_checked(name.len() + 1) else { return false };
        let Some((value, rest)) = rest.split_at_mut_checked(room) else { return false };
        self.memory = rest;
        if let Some((_, text)) = place.split_last_mut() {
            text.copy_from_slice(name.as_bytes());
        }
        self.lend(place, value)
    }

    /// Returns the names, without their NULs.
    pub(crate) fn names(&self) -> impl Iterator<Item = &[u8]> {
        self.rows.iter().take(self.len).filter_map(|row| row.name.split_last().map(|(_, name)| name))
    }

    /// Makes the call. The values hold the kernel's answer afterwards.
    pub(crate) fn get(&mut self, system: &System, flags: i32) -> Result<i32, Errno> {
        system.jail_get(self.slots.get_mut(..self.len).unwrap_or_default(), flags)
    }

    /// Returns a value, as far as the kernel says it wrote.
    pub(crate) fn value(&self, index: usize) -> Option<&[u8]> {
        let row = self.rows.get(..self.len)?.get(index)?;
        let len = self.slots.get(index)?.value_len().min(row.room);
        // SAFETY: `lend` has taken the pointer from the value's unique borrow, which has `room` initialised bytes and
        // lasts for 'm. The kernel has written it during a call, and nothing does while `self` is borrowed.
        Some(unsafe { core::slice::from_raw_parts(row.value.as_ptr(), len) })
    }
}

impl fmt::Debug for Sheet<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sheet").field("len", &self.len).finish_non_exhaustive()
    }
}

#[cfg(all(test, feature = "sim"))]
mod tests {
    use super::*;
    use crate::{Jail, sim};

    #[test]
    fn the_kernel_reads_names_and_writes_values_in_the_lent_memory() {
        let kernel = sim::Kernel::new();
        let _guard = kernel.install();
        let jail = Jail::builder().name("www").path("/").create().unwrap();
        let mut jid = jail.jid().get().to_ne_bytes();
        let (mut memory, mut slots, mut rows) = ([0; 64], [const { Slot::EMPTY }; 3], [Row::EMPTY; 3]);
        let mut sheet = Sheet::new(&mut memory, &mut slots, &mut rows);
        assert!(sheet.lend(b"jid\0", &mut jid) && sheet.push("name", 16) && sheet.push("securelevel", 4));
        assert!(!sheet.push("persist", 4), "there is no slot left");
        assert!(sheet.names().eq([&b"jid"[..], b"name", b"securelevel"]));
        for _ in 0..2 {
            assert_eq!(sheet.get(&System::current(), 0), Ok(jail.jid().get()));
            assert!(sheet.value(1).is_some_and(|name| name.starts_with(b"www\0")));
            assert_eq!(sheet.value(2), Some(&(-1_i32).to_ne_bytes()[..]));
        }
        assert_eq!(sheet.value(3), None);
    }

    #[test]
    fn what_is_larger_than_the_memory_is_not_added() {
        for (len, room, fits) in [(3, 4, true), (3, 5, false), (8, 0, false), (7, 0, true)] {
            let (mut memory, mut slots, mut rows) = ([0; 8], [const { Slot::EMPTY }; 1], [Row::EMPTY; 1]);
            let mut sheet = Sheet::new(&mut memory, &mut slots, &mut rows);
            assert_eq!(sheet.push(&"x".repeat(len), room), fits, "{len} and {room}");
        }
    }
}
