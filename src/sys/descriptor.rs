//! The `desc` slot, through which descriptors go in and come out.

use core::ffi::c_int;
use std::mem;
use std::os::fd::{AsRawFd, BorrowedFd, OwnedFd};

use super::bindings::{JAIL_CREATE, JAIL_GET_DESC, JAIL_OWN_DESC, JAIL_UPDATE};
use super::zeroed::ZeroedSlot;
use super::{Errno, System, Trap, fd};

/// The value of `desc`: a descriptor for the kernel to use, and the place for a new one.
#[derive(Debug)]
pub(crate) struct DescriptorSlot<'fd> {
    given: Option<BorrowedFd<'fd>>,
    place: Place,
    /// Whether a new descriptor owns a jail that existed before the call.
    precious: bool,
}

/// Where the value is stored.
#[derive(Debug)]
enum Place {
    Here([u8; size_of::<c_int>()]),
    /// In memory that fork(2) does not write-protect.
    Zeroed(ZeroedSlot),
}

impl<'fd> DescriptorSlot<'fd> {
    /// Prepares the slot for a call with these flags, jail_set(2) if it `sets`; without a descriptor it holds -1.
    ///
    /// # Errors
    ///
    /// `ENOMEM` when there is no memory for it.
    pub(crate) fn new(
        system: &System,
        sets: bool,
        flags: c_int,
        given: Option<BorrowedFd<'fd>>,
    ) -> Result<Self, Errno> {
        // jail_get(2) writes after it has released the jail's mutex, and a slot that is only read is harmless.
        let written_locked = sets && flags & (JAIL_GET_DESC | JAIL_OWN_DESC) != 0;
        let zeroed = if written_locked && Trap::T37.is_there(system) { ZeroedSlot::take()? } else { None };
        let number = given.map_or(-1, |fd| fd.as_raw_fd()).to_ne_bytes();
        let place = match zeroed {
            Some(mut slot) => {
                *slot.bytes() = number;
                Place::Zeroed(slot)
            }
            None => Place::Here(number),
        };
        let only_creates = sets && flags & (JAIL_CREATE | JAIL_UPDATE) == JAIL_CREATE;
        let precious = flags & JAIL_OWN_DESC != 0 && !only_creates;
        Ok(Self { given, place, precious })
    }

    /// Returns the value for the request.
    pub(crate) fn bytes(&mut self) -> &mut [u8] {
        match &mut self.place {
            Place::Here(bytes) => bytes,
            Place::Zeroed(slot) => slot.bytes(),
        }
    }

    /// After a successful call, takes the descriptor that the kernel put here, close-on-exec and 3 or above. After any
    /// other call, the slot's value is meaningless.
    ///
    /// `None` where the slot still holds what was given: jail_get(2) with `JAIL_USE_DESC | JAIL_GET_DESC`
    /// returns no new descriptor, and wrapping the old one would close it twice (T2).
    ///
    /// # Errors
    ///
    /// Whatever fcntl(2) says. The descriptor is then closed, unless that would remove a jail that existed before the
    /// call: then it stays open for as long as the process lives.
    pub(crate) fn take(self) -> Result<Option<OwnedFd>, Errno> {
        let bytes = match self.place {
            Place::Here(bytes) => bytes,
            Place::Zeroed(mut slot) => {
                let bytes = *slot.bytes();
                if !slot.is_kept() {
                    // A signal handler forked as the call returned, and this is the child.
                    return Ok(None);
                }
                bytes
            }
        };
        let number = c_int::from_ne_bytes(bytes);
        if number < 0 || self.given.is_some_and(|fd| fd.as_raw_fd() == number) {
            return Ok(None);
        }
        // SAFETY: the slot held -1 or an open descriptor of another number, and only the kernel writes it: so
        // this is a descriptor that the call has just made, and nothing else knows of it.
        let descriptor = unsafe { fd::own(number) };
        fd::keep_new(descriptor).map(Some).map_err(|(descriptor, errno)| {
            if self.precious {
                mem::forget(descriptor);
            }
            errno
        })
    }
}

#[cfg(all(test, feature = "sim"))]
#[allow(clippy::expect_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;
    use crate::sim::{Kernel, Release};
    use crate::sys::bindings::{JAIL_AT_DESC, JAIL_USE_DESC};

    fn is_zeroed(sets: bool, flags: c_int) -> bool {
        let slot = DescriptorSlot::new(&System::current(), sets, flags, None).expect("there is memory");
        matches!(slot.place, Place::Zeroed(_))
    }

    #[test]
    #[cfg_attr(miri, ignore = "it has no such memory")]
    fn t37_what_jail_set_writes_lies_where_fork_does_not_protect_it() {
        let kernel = Kernel::new();
        let _guard = kernel.install();
        assert!(is_zeroed(true, JAIL_CREATE | JAIL_OWN_DESC));
        assert!(is_zeroed(true, JAIL_CREATE | JAIL_AT_DESC | JAIL_GET_DESC));
        assert!(is_zeroed(true, JAIL_UPDATE | JAIL_USE_DESC | JAIL_OWN_DESC));
        // The kernel only reads it, or has released the jail's mutex by then.
        assert!(!is_zeroed(true, JAIL_UPDATE | JAIL_USE_DESC));
        assert!(!is_zeroed(false, JAIL_GET_DESC));
        let older = Kernel::with_release(Release::FREEBSD_14_2);
        let _guard = older.install();
        assert!(!is_zeroed(true, JAIL_CREATE | JAIL_GET_DESC), "there are no descriptors");
    }

    #[test]
    fn t58_a_slot_that_the_kernel_left_alone_holds_no_descriptor() {
        let kernel = Kernel::new();
        let _guard = kernel.install();
        for flags in [JAIL_CREATE | JAIL_OWN_DESC, JAIL_UPDATE] {
            let slot = DescriptorSlot::new(&System::current(), true, flags, None).expect("there is memory");
            assert!(slot.take().expect("nothing to keep").is_none());
        }
    }
}
