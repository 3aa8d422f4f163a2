//! The descriptor that a handle holds where the kernel has them.

#![forbid(unsafe_code)]

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use super::Jail;
use crate::error::{Error, Result, Subject};
use crate::get::{self, Key, Read};
use crate::request::Desc;
use crate::sys::{self, System};
use crate::{param, raw};

impl Jail {
    /// Returns the jail's descriptor, `None` where the handle goes by the number.
    ///
    /// poll(2) says `POLLHUP` of it once the jail has been removed. Whoever gets a copy may read the jail, and
    /// change, enter and remove it if the maker of the descriptor was root.
    #[must_use]
    pub fn descriptor(&self) -> Option<BorrowedFd<'_>> {
        self.descriptor_ref()
    }

    /// Returns the jail's descriptor for good, `None` where the handle goes by the number.
    #[must_use]
    pub fn into_descriptor(self) -> Option<OwnedFd> {
        self.descriptor
    }
}

/// Makes a handle of a descriptor that came from elsewhere, after asking the kernel with one jail_get(2) whether
/// it is that of a jail that lives.
///
/// Should the descriptor be an owning one, closing its last copy removes the jail, as it would without the handle.
impl TryFrom<OwnedFd> for Jail {
    type Error = Error;

    fn try_from(descriptor: OwnedFd) -> Result<Self> {
        let system = System::current();
        if !system.has_descriptors() {
            return Err(raw::no_descriptors());
        }
        let read = Read {
            system: &system,
            flags: sys::JAIL_USE_DESC,
            subject: Subject::Handle,
            desc: Desc::Given(descriptor.as_fd()),
            key: Key::Descriptor,
            relative_to: None,
        };
        let found = get::read(read, &param::PARENT)?;
        Self::found(system, found.jid, Some(descriptor), found.values.into())
    }
}
