//! The `desc` slot, through which descriptors go in and come out.

use core::ffi::c_int;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};

use super::{Errno, Slot, fd};

/// The value of `desc`: a descriptor for the kernel to use, and the place where it puts a new one.
#[derive(Debug)]
pub(crate) struct DescriptorSlot<'fd> {
    given: Option<BorrowedFd<'fd>>,
    bytes: [u8; size_of::<c_int>()],
}

impl<'fd> DescriptorSlot<'fd> {
    /// Prepares the slot; without a descriptor it holds -1.
    pub(crate) fn new(given: Option<BorrowedFd<'fd>>) -> Self {
        let number = given.map_or(-1, |fd| fd.as_raw_fd());
        Self { given, bytes: number.to_ne_bytes() }
    }

    /// Returns the slot for the request.
    pub(crate) fn slot(&mut self) -> Slot<'_> {
        Slot::new(b"desc\0", Some(&mut self.bytes))
    }

    /// After a successful call, takes the descriptor that the kernel put here, with close-on-exec set.
    ///
    /// `None` where the slot still holds what was given: jail_get(2) with `JAIL_USE_DESC | JAIL_GET_DESC`
    /// returns no new descriptor, and wrapping the old one would close it twice.
    ///
    /// # Errors
    ///
    /// Whatever fcntl(2) says; the descriptor is closed then.
    pub(crate) fn take(self) -> Result<Option<OwnedFd>, Errno> {
        let number = c_int::from_ne_bytes(self.bytes);
        if number < 0 || self.given.is_some_and(|fd| fd.as_raw_fd() == number) {
            return Ok(None);
        }
        // SAFETY: the slot held -1 or an open descriptor of another number, and only the kernel writes it: so
        // this is a descriptor that the call has just made, and nothing else knows of it.
        let descriptor = unsafe { fd::own(number) };
        fd::set_close_on_exec(descriptor.as_fd(), true)?;
        Ok(Some(descriptor))
    }
}
