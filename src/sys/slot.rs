//! A name and a value as the two iovecs that the kernel reads.

use core::ffi::c_uint;
use core::marker::PhantomData;
use core::ptr::{self, NonNull};

use libc::iovec;

#[cfg(feature = "sim")]
use super::Pair;

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
        let value = match value {
            Some(value) => iovec { iov_len: value.len(), iov_base: value.as_mut_ptr().cast() },
            None => iovec { iov_base: ptr::null_mut(), iov_len: 0 },
        };
        Slot {
            name: iovec { iov_base: name.as_ptr().cast_mut().cast(), iov_len: name.len() },
            value,
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
        // Requests are limited to 512 pairs long before this could overflow.
        let count = c_uint::try_from(slots.len().saturating_mul(2)).unwrap_or(c_uint::MAX);
        (slots.as_mut_ptr().cast(), count)
    }
}

/// Turns the iovecs of a request into safe views for the model.
///
/// `None` if a name or value has a length but no address, for which the kernel returns `EFAULT`.
///
/// # Safety
///
/// `iov` points at `2 * pairs` iovecs that nothing else uses while the views live. The memory that each of them
/// names is valid for that long: that of names for reading, that of values for reading and writing, and no
/// value overlaps anything else.
#[cfg(feature = "sim")]
pub(super) unsafe fn views<'a>(iov: *mut iovec, pairs: usize) -> Option<Vec<Pair<'a>>> {
    let mut views = Vec::with_capacity(pairs);
    for index in 0..pairs {
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
            // SAFETY: the caller vouches for this memory and that no value overlaps anything else.
            (false, len) => Some(unsafe { core::slice::from_raw_parts_mut(value.iov_base.cast(), len) }),
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
