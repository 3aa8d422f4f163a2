//! A name and a value as the two iovecs that the kernel reads.

use core::ffi::c_uint;
use core::marker::PhantomData;
use core::ptr::{self, NonNull};

#[cfg(feature = "sim")]
use freebsd_jail_sim::raw::Pair;
use libc::iovec;

/// One name and value of a request: two iovecs side by side, as jail_set(2) and jail_get(2) want them.
///
/// A slice of slots is an array of twice as many iovecs, so its count is even by construction. The value's
/// memory is borrowed uniquely, because jail_get writes into every value it is given, keys included; the name's
/// is only read.
#[repr(C)]
pub(crate) struct Slot<'a> {
    name: iovec,
    value: iovec,
    memory: PhantomData<(&'a [u8], &'a mut [u8])>,
}

impl<'a> Slot<'a> {
    /// A slot to be overwritten; sent as it is, the kernel refuses it.
    pub(crate) const EMPTY: Slot<'static> = Slot {
        name: iovec { iov_base: ptr::null_mut(), iov_len: 0 },
        value: iovec { iov_base: ptr::null_mut(), iov_len: 0 },
        memory: PhantomData,
    };

    /// Points at a name, its NUL included, and at a value, `None` being NULL with length 0.
    pub(crate) fn new(name: &'a [u8], value: Option<&'a mut [u8]>) -> Self {
        Self::at(name, value.map(|value| (value.as_mut_ptr(), value.len())))
    }

    /// Points at a name and at so many bytes from there.
    fn at(name: &'a [u8], value: Option<(*mut u8, usize)>) -> Self {
        let (start, len) = value.unwrap_or((ptr::null_mut(), 0));
        Slot {
            name: iovec { iov_base: name.as_ptr().cast_mut().cast(), iov_len: name.len() },
            value: iovec { iov_base: start.cast(), iov_len: len },
            memory: PhantomData,
        }
    }

    /// Returns the value's length as the kernel left it.
    pub(crate) fn value_len(&self) -> usize {
        self.value.iov_len
    }

    /// Returns where the value begins, which of NULL is nowhere.
    pub(super) fn value_start(&self) -> NonNull<u8> {
        NonNull::new(self.value.iov_base.cast()).unwrap_or(NonNull::dangling())
    }

    /// Returns the slots as the system call takes them.
    pub(crate) fn as_iovecs(slots: &mut [Slot<'a>]) -> (*mut iovec, c_uint) {
        (slots.as_mut_ptr().cast(), iovecs_of(slots.len()))
    }
}

/// Requests are limited to 512 pairs long before this could overflow.
fn iovecs_of(slots: usize) -> c_uint {
    c_uint::try_from(slots.saturating_mul(2)).unwrap_or(c_uint::MAX)
}

/// A slot of jail_set(2), which writes into two values only, `desc` and `errmsg`: it reads all others from memory that
/// may be shared.
#[repr(transparent)]
pub(crate) struct SetSlot<'a>(Slot<'a>);

impl<'a> SetSlot<'a> {
    /// A slot to be overwritten; sent as it is, the kernel refuses it.
    pub(crate) const EMPTY: SetSlot<'static> = SetSlot(Slot::EMPTY);

    /// Points at a name, its NUL included, and at a value that is only read, `None` being NULL with length 0. Those of
    /// the values that are written make an empty slot.
    pub(crate) fn new(name: &'a [u8], value: Option<&'a [u8]>) -> Self {
        if is_written(name) {
            return Self::EMPTY;
        }
        Self(Slot::at(name, value.map(|value| (value.as_ptr().cast_mut(), value.len()))))
    }

    /// Returns the slots as the system call takes them.
    pub(super) fn as_iovecs(slots: &mut [Self]) -> (*mut iovec, c_uint) {
        (slots.as_mut_ptr().cast(), iovecs_of(slots.len()))
    }
}

impl<'a> From<Slot<'a>> for SetSlot<'a> {
    fn from(slot: Slot<'a>) -> Self {
        Self(slot)
    }
}

/// Whether jail_set(2) writes into the value of this name, which ends at its first NUL.
fn is_written(name: &[u8]) -> bool {
    matches!(name, [b'd', b'e', b's', b'c', 0, ..] | [b'e', b'r', b'r', b'm', b's', b'g', 0, ..])
}

/// Turns the iovecs of a request into safe views for the model. For jail_set(2) there is space for copies of the values,
/// which are then read there.
///
/// `None` if a name or value has a length but no address, for which the kernel returns `EFAULT`.
///
/// # Safety
///
/// `iov` points at `2 * pairs` iovecs that nothing else uses while the views live. The memory that each of them
/// names is valid for that long: that of names for reading, that of values for reading and, if the call writes them,
/// for writing, and then no value overlaps anything else.
#[cfg(feature = "sim")]
pub(super) unsafe fn views(
    iov: *mut iovec,
    pairs: usize,
    copies: Option<&mut Vec<Vec<u8>>>,
) -> Option<Vec<Pair<'_>>> {
    let mut views = Vec::with_capacity(pairs);
    let mut copies = copies.into_iter().flat_map(|copies| {
        copies.resize(pairs, Vec::new());
        copies.iter_mut()
    });
    for index in 0..pairs {
        let copy = copies.next();
        // SAFETY: the caller vouches for `2 * pairs` iovecs at `iov`, of which this is one.
        let name = unsafe { iov.add(2 * index) };
        // SAFETY: as above.
        let value = unsafe { iov.add(2 * index + 1) };
        // SAFETY: as above; nothing writes a name's iovec.
        let name = unsafe { &*name };
        // SAFETY: as above; each value's iovec is borrowed once only.
        let value = unsafe { &mut *value };
        let name: &[u8] = match (name.iov_base.is_null(), name.iov_len) {
            (_, 0) => &[],
            (true, _) => return None,
            // SAFETY: the caller vouches for this memory, and nothing writes a name.
            (false, len) => unsafe { core::slice::from_raw_parts(name.iov_base.cast(), len) },
        };
        let bytes: Option<&mut [u8]> = match (value.iov_base.is_null(), value.iov_len) {
            (true, 0) => None,
            (true, _) => return None,
            (false, len) => match copy {
                Some(copy) if !is_written(name) => {
                    // SAFETY: the caller vouches for this memory, which nothing writes.
                    copy.extend_from_slice(unsafe {
                        core::slice::from_raw_parts(value.iov_base.cast(), len)
                    });
                    Some(copy)
                }
                // SAFETY: the caller vouches for this memory and that no value overlaps anything else.
                _ => Some(unsafe { core::slice::from_raw_parts_mut(value.iov_base.cast(), len) }),
            },
        };
        views.push(Pair { name, value: bytes, len: &mut value.iov_len });
    }
    Some(views)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slot_is_two_iovecs() {
        assert_eq!(size_of::<Slot<'_>>(), 2 * size_of::<iovec>());
        assert_eq!(align_of::<Slot<'_>>(), align_of::<iovec>());
    }

    #[test]
    fn what_jail_set_writes_is_not_taken_from_shared_memory() {
        for name in [&b"desc\0"[..], b"errmsg\0", b"desc\0\0"] {
            assert_eq!(SetSlot::new(name, Some(&[0; 4])).0.name.iov_len, 0);
        }
        for name in [&b"path\0"[..], b"description\0"] {
            let slot = SetSlot::new(name, Some(&[1; 4])).0;
            assert_eq!((slot.name.iov_len, slot.value_len()), (name.len(), 4));
        }
    }

    #[test]
    fn a_null_value_has_length_zero() {
        let slot = Slot::new(b"persist\0", None);
        assert_eq!(slot.value_len(), 0);
        assert!(slot.value.iov_base.is_null());
    }

    #[test]
    fn an_empty_value_is_not_null() {
        let mut nothing = [0u8; 0];
        let slot = Slot::new(b"ip4.addr\0", Some(&mut nothing));
        assert_eq!(slot.value_len(), 0);
        assert!(!slot.value.iov_base.is_null());
    }
}
