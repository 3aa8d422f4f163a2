//! The descriptor of a handle.

use core::ffi::c_int;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use super::{Jail, Nested, OwnedJail, no_jid};
use crate::error::{Call, Error, ErrorKind, Result, Subject};
use crate::flags::GetFlags;
use crate::get::{self, Key, Keys, Read};
use crate::guard::alive;
use crate::jid::Jid;
use crate::param;
use crate::sys::{self, Errno, System};
use crate::wire::At;

/// # Descriptors and clones
impl Jail {
    /// Returns the jail's descriptor, `None` if the handle has only the jid.
    ///
    /// [poll(2)] reports `POLLHUP` once the jail has been removed. The holder of a copy can read the jail and, if the
    /// descriptor was made by root, update, attach to and remove it. The descriptor of an [`OwnedJail`] owns the jail:
    /// a copy keeps the jail when the owner is killed, and its last close removes the jail. To give another process
    /// access without ownership, send the descriptor of a [clone](Self::try_clone).
    ///
    /// ```
    /// # use freebsd_jail::{Jail, sim};
    /// # fn main() -> freebsd_jail::Result<()> {
    /// # let kernel = sim::Kernel::new();
    /// # let _guard = kernel.install();
    /// let jail = Jail::builder().path("/").create_detached()?;
    /// let descriptor = jail.descriptor().expect("this kernel has descriptors");
    /// let same = Jail::try_from(descriptor)?;
    /// assert_eq!(same.jid(), jail.jid());
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// [poll(2)]: https://man.freebsd.org/cgi/man.cgi?query=poll&sektion=2
    #[must_use]
    pub fn descriptor(&self) -> Option<BorrowedFd<'_>> {
        self.descriptor.as_ref().map(AsFd::as_fd)
    }

    /// Converts the handle into its descriptor, `None` if the handle has only the jid. It does not own the jail, unless
    /// the handle was made from a descriptor that does.
    ///
    /// ```
    /// # use freebsd_jail::{Jail, sim};
    /// # fn main() -> freebsd_jail::Result<()> {
    /// # let kernel = sim::Kernel::new();
    /// # let _guard = kernel.install();
    /// let jail = Jail::builder().name("www").path("/").create_detached()?;
    /// let descriptor = jail.into_descriptor().expect("this kernel has descriptors");
    /// drop(descriptor);
    /// assert!(Jail::open("www").is_ok()); // it did not own the jail
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn into_descriptor(self) -> Option<OwnedFd> {
        self.descriptor
    }

    /// Whether the jail is alive: its removal has not begun.
    ///
    /// Wraps [fstat(2)] by descriptor, which needs no privilege, and [jail_get(2)] by jid.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Unsupported`] where there are no jails; [`ErrorKind::NotFound`] before FreeBSD 15, when this
    /// process has attached to a jail since the handle was made: the jail cannot be seen from there.
    ///
    /// # FreeBSD versions
    ///
    /// Since 15.0 this is about the handle's own jail; before, about the jail that has its jid.
    ///
    /// ```
    /// # use freebsd_jail::{Jail, sim};
    /// # fn main() -> freebsd_jail::Result<()> {
    /// # let kernel = sim::Kernel::new();
    /// # let _guard = kernel.install();
    /// let jail = Jail::builder().path("/").create()?;
    /// assert!(jail.is_alive()?);
    /// jail.remove()?;
    /// assert!(!jail.is_alive()?);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// [fstat(2)]: https://man.freebsd.org/cgi/man.cgi?query=fstat&sektion=2
    /// [jail_get(2)]: https://man.freebsd.org/cgi/man.cgi?query=jail_get&sektion=2
    pub fn is_alive(&self) -> Result<bool> {
        let result = self.check().and_then(|()| match self.descriptor() {
            Some(descriptor) => alive::check_alive(&self.system, descriptor),
            None => self.get(()),
        });
        match result {
            Ok(()) => Ok(true),
            Err(error) if error.kind() == ErrorKind::Gone => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Makes another handle of the same jail. A clone of an [`OwnedJail`] does not own the jail, and may be used in
    /// other processes.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::ResourceExhausted`] when no more descriptors can be had; [`ErrorKind::Gone`] for an owned
    /// jail that has been removed.
    ///
    /// # FreeBSD versions
    ///
    /// Since 15.0 the clone has a descriptor of its own, if this handle has one. That of an [`OwnedJail`]'s clone is made
    /// by this process, and has its authority. Before, the clone has the jid, and nothing is asked of the kernel.
    ///
    /// ```
    /// # use freebsd_jail::{Jail, sim};
    /// # fn main() -> freebsd_jail::Result<()> {
    /// # let kernel = sim::Kernel::new();
    /// # let _guard = kernel.install();
    /// let owner = Jail::builder().name("www").path("/").create()?;
    /// let clone = owner.try_clone()?;
    /// drop(clone);
    /// assert!(owner.is_alive()?); // only the owner removes the jail
    /// # Ok(())
    /// # }
    /// ```
    pub fn try_clone(&self) -> Result<Self> {
        let mut clone = self.duplicate()?;
        clone.kin = self.kin.join(self.owner);
        Ok(clone)
    }

    /// Makes another handle of the same jail, for use inside the crate: it does not learn what becomes of this one.
    fn duplicate(&self) -> Result<Self> {
        self.check()?;
        let descriptor = match self.descriptor() {
            // A duplicate of an owning descriptor would keep the jail alive, so it takes a new one, which goes by
            // the jid: if this jail lives still when that is made, the jid was its own.
            Some(owning) if self.owner.is_some() => {
                let (descriptor, ()) = read_and_pin(&self.system, self.jid, &())?;
                alive::check_alive(&self.system, owning)?;
                Some(descriptor)
            }
            Some(descriptor) => Some(descriptor.try_clone_to_owned().map_err(|error| no_more(&error))?),
            None => None,
        };
        let foreign = self.foreign && self.owner.is_none();
        Ok(Self {
            descriptor,
            foreign,
            entries: self.entries,
            ..Self::new(self.system.clone(), self.jid, self.nested)
        })
    }

    /// Makes a descriptor of the jail for what outlives this handle. It does not own the jail, as far as that can be had:
    /// of a jail that this process cannot see there are only copies. That of a removed jail is a dead one.
    pub(crate) fn lasting_descriptor(&self) -> Result<OwnedFd> {
        self.check()?;
        let pin = || read_and_pin(&self.system, self.jid, &()).map(|(descriptor, ())| descriptor);
        let Some(descriptor) = self.descriptor() else { return pin() };
        if self.owner.is_some() || self.foreign {
            match pin() {
                // If this jail lives still, the jid was its own.
                Ok(pinned) if alive::check_alive(&self.system, descriptor).is_ok() => return Ok(pinned),
                Err(error) if error.kind() != ErrorKind::Gone => return Err(error),
                _ => {}
            }
        }
        descriptor.try_clone_to_owned().map_err(|error| no_more(&error))
    }

    /// Makes a handle of the same jail that holds a descriptor and knows whether the jail is nested.
    pub(crate) fn pin(&self) -> Result<Self> {
        if self.descriptor.is_some() {
            let nested = self.get(param::PARENT)?.into();
            return Ok(Self { nested, ..self.duplicate()? });
        }
        self.check()?;
        let (descriptor, parent) = read_and_pin(&self.system, self.jid, &param::PARENT)?;
        let descriptor = Some(descriptor);
        Ok(Self { descriptor, ..Self::new(self.system.clone(), self.jid, parent.into()) })
    }
}

/// Reads the jail of a jid, and makes a descriptor of it, in one call.
pub(crate) fn read_and_pin<K: Keys>(system: &System, jid: Jid, keys: &K) -> Result<(OwnedFd, K::Output)> {
    let read = Read {
        system,
        flags: GetFlags::GET_DESC,
        subject: Subject::Handle,
        at: At::None,
        key: Key::Jid(jid.get()),
        relative_to: None,
    };
    let found = get::read(read, keys)?;
    Ok((found.descriptor.ok_or_else(no_descriptor)?, found.values))
}

/// The error for a kernel that returns no descriptor.
pub(crate) fn no_descriptor() -> Error {
    Error::refused(ErrorKind::InvalidAnswer, "the kernel made no descriptor of the jail")
}

fn no_more(error: &io::Error) -> Error {
    let errno = Errno(error.raw_os_error().unwrap_or(libc::EMFILE));
    Error::os(Call::Fcntl, errno, ErrorKind::ResourceExhausted, "duplicating the jail's descriptor")
}

/// Makes a handle from a descriptor that **does not own its jail**. Checks with one [jail_get(2)] that the jail is
/// alive.
///
/// The handle has the authority of the descriptor's maker. Close-on-exec is set.
///
/// The kernel does not reveal whether a descriptor owns its jail. If this one does, its last close removes the jail:
/// when the handle is dropped, or here on an error. Make an [`OwnedJail`] from a descriptor that owns. If you do not
/// know, borrow the descriptor: the handle then gets another one, with this process's authority, and the caller keeps
/// the first.
///
/// # Errors
///
/// [`ErrorKind::InvalidDescriptor`] when the descriptor is not a jail's, [`ErrorKind::Gone`] when its jail has been
/// removed, [`ErrorKind::Unsupported`] before FreeBSD 15.
///
/// [jail_get(2)]: https://man.freebsd.org/cgi/man.cgi?query=jail_get&sektion=2
impl TryFrom<OwnedFd> for Jail {
    type Error = Error;

    fn try_from(descriptor: OwnedFd) -> Result<Self> {
        let system = System::current();
        let (jid, nested) = jail_of(&system, descriptor.as_fd())?;
        // A descriptor from a socket may lack close-on-exec.
        let descriptor = sys::fd::keep_given(descriptor).map_err(|errno| {
            Error::os(Call::Fcntl, errno, ErrorKind::ResourceExhausted, "keeping the descriptor")
        })?;
        Ok(Self { foreign: true, ..Self::found(system, jid, Some(descriptor), nested)? })
    }
}

/// Makes a handle of a descriptor's jail, with a new descriptor that does not own the jail, even if the given one does.
///
/// Takes two [jail_get(2)] and one [fstat(2)]. The handle has this process's authority, and the jail must be visible to
/// this process.
///
/// # Errors
///
/// As for an [`OwnedFd`], and [`ErrorKind::NotFound`] when the jail is not below this process's own.
///
/// [jail_get(2)]: https://man.freebsd.org/cgi/man.cgi?query=jail_get&sektion=2
/// [fstat(2)]: https://man.freebsd.org/cgi/man.cgi?query=fstat&sektion=2
impl TryFrom<BorrowedFd<'_>> for Jail {
    type Error = Error;

    fn try_from(descriptor: BorrowedFd<'_>) -> Result<Self> {
        let system = System::current();
        let (jid, nested) = jail_of(&system, descriptor)?;
        let jid = Jid::try_from(jid).map_err(no_jid)?;
        let own = read_and_pin(&system, jid, &());
        // If the jail is still alive, the jid was its own.
        alive::check_alive(&system, descriptor)?;
        let (own, ()) = own.map_err(|error| match error.kind() {
            ErrorKind::Gone => {
                error.with_kind(ErrorKind::NotFound).because("the jail is not below this process's own")
            }
            _ => error,
        })?;
        Self::found(system, jid.get(), Some(own), nested)
    }
}

/// Makes an owner from a descriptor that **owns its jail**. Checks with one [jail_get(2)] that the jail is alive.
///
/// The jail is removed when the handle is dropped, or here on an error, since that closes the descriptor. The kernel
/// does not reveal whether a descriptor owns its jail. If this one does not, the jail is removed on drop all the same,
/// but stays when this process is killed: use [`Jail::into_owned`] to take ownership.
///
/// # Errors
///
/// As for a [`Jail`].
///
/// [jail_get(2)]: https://man.freebsd.org/cgi/man.cgi?query=jail_get&sektion=2
impl TryFrom<OwnedFd> for OwnedJail {
    type Error = Error;

    fn try_from(descriptor: OwnedFd) -> Result<Self> {
        Jail::try_from(descriptor).map(Self::new)
    }
}

/// Finds the jail of any descriptor.
fn jail_of(system: &System, descriptor: BorrowedFd<'_>) -> Result<(c_int, Nested)> {
    if !system.has_descriptors() {
        return Err(Error::no_descriptors());
    }
    let read = Read {
        system,
        flags: GetFlags::empty(),
        subject: Subject::Handle,
        at: At::Use(descriptor),
        key: Key::Descriptor,
        relative_to: None,
    };
    let found = get::read(read, &param::PARENT)?;
    Ok((found.jid, found.values.into()))
}
