//! The descriptor that a handle holds where the kernel has them.

#![forbid(unsafe_code)]

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use super::{Jail, OwnedJail};
use crate::SetFlags;
use crate::error::{Call, Error, ErrorKind, Result, Subject};
use crate::get::{self, Key, Keys, Read};
use crate::jid::Jid;
use crate::request::{Desc, Draft, Verb};
use crate::sys::{self, Errno, System};
use crate::update::carry_rules;
use crate::{param, raw};

impl Jail {
    /// Returns the jail's descriptor, `None` where the handle goes by the number.
    ///
    /// poll(2) says `POLLHUP` of it once the jail has been removed. Whoever gets a copy may read the jail, and,
    /// if the maker of the descriptor was root, change, enter and remove it. A copy of the descriptor of an
    /// [`OwnedJail`] keeps the jail when the owner is killed.
    #[must_use]
    pub fn descriptor(&self) -> Option<BorrowedFd<'_>> {
        self.descriptor_ref()
    }

    /// Returns the jail's descriptor for good, `None` where the handle goes by the number.
    #[must_use]
    pub fn into_descriptor(self) -> Option<OwnedFd> {
        self.descriptor
    }

    /// Whether the jail lives: it has not begun to be removed.
    ///
    /// Wraps fstat(2) by descriptor, which needs no privilege, and jail_get(2) by number.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Unsupported`] where there are no jails.
    ///
    /// # FreeBSD versions
    ///
    /// Since 15.0 it is the handle's own jail that lives or not; before, whichever has its number.
    pub fn is_alive(&self) -> Result<bool> {
        let result = match self.descriptor_ref() {
            Some(descriptor) => raw::check_alive(&self.system, descriptor),
            None => self.get(()),
        };
        match result {
            Ok(()) => Ok(true),
            Err(error) if error.kind() == ErrorKind::Gone => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Makes another handle of the same jail. A handle made of an [`OwnedJail`] does not own the jail.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::ResourceExhausted`] when no more descriptors can be had; [`ErrorKind::Gone`] for an owned
    /// jail that has been removed.
    ///
    /// # FreeBSD versions
    ///
    /// Since 15.0 the clone has a descriptor of its own, if this handle has one; before, it is the number again, and
    /// nothing is asked of the kernel.
    pub fn try_clone(&self) -> Result<Self> {
        let descriptor = match self.descriptor_ref() {
            // A duplicate of an owning descriptor would keep the jail alive, so it takes a new one, which goes by
            // the number: if this jail lives still when that is made, the number was its own.
            Some(owning) if self.owning => {
                let (descriptor, ()) = read_and_pin(&self.system, self.jid, &())?;
                raw::check_alive(&self.system, owning)?;
                Some(descriptor)
            }
            Some(descriptor) => Some(descriptor.try_clone_to_owned().map_err(|error| no_more(&error))?),
            None => None,
        };
        Ok(Self {
            system: self.system.clone(),
            jid: self.jid,
            descriptor,
            nested: self.nested,
            owning: false,
        })
    }

    /// Takes ownership: the jail is removed when the returned handle is dropped.
    ///
    /// Wraps jail_set(2) with `JAIL_OWN_DESC` where there are descriptors. jail_get(2) could give an owning one
    /// too, but would remove the jail if it failed after making it. Where mac_do(4) is loaded, the jail's rules are
    /// read before and carried, which is one call more: the kernel would reset them. What somebody else changes of the
    /// rules between the two calls is undone: rules that are taken away right then come back. Whether mac_do(4) is
    /// loaded is found out once, as [`JailUpdate::apply`](crate::JailUpdate::apply) says.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::PermissionDenied`] when not root, [`ErrorKind::Gone`] when the jail has been removed.
    ///
    /// # FreeBSD versions
    ///
    /// Since 15.0 the kernel removes the jail when this process ends, too, and that cannot be undone while the
    /// descriptor is open. Before, the kernel is asked only whether the jail is there.
    pub fn take_ownership(self) -> Result<OwnedJail> {
        if !self.system.has_descriptors() {
            // Nothing to own would be whichever jail is given the number next.
            self.get(())?;
            return Ok(OwnedJail::new(self));
        }
        let pinned = if self.descriptor.is_some() { self } else { self.pin()? };
        let descriptor = pinned.descriptor_ref().ok_or_else(no_descriptor)?;
        let flags = (SetFlags::UPDATE | SetFlags::OWN_DESC).bits() | sys::JAIL_USE_DESC;
        let verb = Verb { call: Call::JailSet, flags, subject: Subject::Handle };
        let mut draft = Draft::new();
        carry_rules(&pinned, &mut draft)?;
        let answer = draft.call(&pinned.system, verb, Desc::Given(descriptor))?;
        let owning = answer.descriptor.ok_or_else(no_descriptor)?;
        Ok(OwnedJail::new(Self { descriptor: Some(owning), ..pinned }))
    }

    /// Makes a handle of the same jail that holds a descriptor and knows whether the jail is nested.
    pub(crate) fn pin(&self) -> Result<Self> {
        if self.descriptor.is_some() {
            let nested = self.get(param::PARENT)?.into();
            return Ok(Self { nested, ..self.try_clone()? });
        }
        let (descriptor, parent) = read_and_pin(&self.system, self.jid, &param::PARENT)?;
        Ok(Self {
            system: self.system.clone(),
            jid: self.jid,
            descriptor: Some(descriptor),
            nested: parent.into(),
            owning: false,
        })
    }
}

/// Reads the jail of a number, and makes a descriptor of it, in one call.
pub(crate) fn read_and_pin<K: Keys>(system: &System, jid: Jid, keys: &K) -> Result<(OwnedFd, K::Output)> {
    let read = Read {
        system,
        flags: sys::JAIL_GET_DESC,
        subject: Subject::Handle,
        desc: Desc::Empty,
        key: Key::Jid(jid.get()),
        relative_to: None,
    };
    let found = get::read(read, keys)?;
    Ok((found.descriptor.ok_or_else(no_descriptor)?, found.values))
}

/// What a kernel that has descriptors does not do.
pub(crate) fn no_descriptor() -> Error {
    Error::refused(ErrorKind::InvalidAnswer, "the kernel made no descriptor of the jail")
}

fn no_more(error: &io::Error) -> Error {
    let errno = Errno(error.raw_os_error().unwrap_or(libc::EMFILE));
    Error::os(Call::Fcntl, errno, ErrorKind::ResourceExhausted, "duplicating the jail's descriptor")
}

/// Makes a handle of a descriptor that came from elsewhere, after asking the kernel with one jail_get(2) whether
/// it is that of a jail that lives.
///
/// Sets close-on-exec. Should the descriptor be an owning one, closing its last copy removes the jail, as it would
/// without the handle: that includes an error here, which closes it.
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
        // A descriptor that came over a socket may have come without.
        sys::fd::set_close_on_exec(descriptor.as_fd(), true)
            .map_err(|errno| Error::os(Call::Fcntl, errno, ErrorKind::Other, "setting close-on-exec"))?;
        Self::found(system, found.jid, Some(descriptor), found.values.into())
    }
}
