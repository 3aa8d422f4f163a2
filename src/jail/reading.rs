//! Finding a jail, and reading its parameters.

use std::os::fd::AsFd;

#[cfg(doc)]
use crate::error::ErrorKind;
use crate::error::{Result, Subject};
use crate::flags::GetFlags;
use crate::get::{self, Found, Key, Keys, Read};
use crate::jid::Jid;
use crate::param;
use crate::sys::System;
use crate::wire::At;

use super::{Jail, NameOrJid, Nested};

/// # Finding and reading
impl Jail {
    /// Finds a jail by its name or jid and makes a handle of it.
    ///
    /// Wraps [jail_get(2)], one call (and the [fcntl(2)] that makes the descriptor close-on-exec).
    ///
    /// # Errors
    ///
    /// [`ErrorKind::NotFound`] when no such jail is visible to this process, [`ErrorKind::Dying`] when it is being
    /// removed, [`ErrorKind::ResourceExhausted`] when the limit of descriptors is reached.
    ///
    /// # FreeBSD versions
    ///
    /// Since 15.0 the handle holds a descriptor; before, the jid.
    ///
    /// ```
    /// # use freebsd_jail::{ErrorKind, Jail, sim};
    /// # fn main() -> freebsd_jail::Result<()> {
    /// # let kernel = sim::Kernel::new();
    /// # let _guard = kernel.install();
    /// let created = Jail::builder().name("www").path("/").create()?;
    /// assert_eq!(Jail::open("www")?.jid(), created.jid());
    /// assert_eq!(Jail::open(created.jid())?.jid(), created.jid());
    /// assert_eq!(Jail::open("nosuch").unwrap_err().kind(), ErrorKind::NotFound);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// [jail_get(2)]: https://man.freebsd.org/cgi/man.cgi?query=jail_get&sektion=2
    /// [fcntl(2)]: https://man.freebsd.org/cgi/man.cgi?query=fcntl&sektion=2
    pub fn open<'n>(find: impl Into<NameOrJid<'n>>) -> Result<Self> {
        let system = System::current();
        let find = find.into();
        let key = find.key()?;
        let has_descriptors = system.has_descriptors();
        let found = get::read(
            Read {
                system: &system,
                flags: if has_descriptors { GetFlags::GET_DESC } else { GetFlags::empty() },
                subject: Subject::Named,
                at: At::None,
                key,
                relative_to: None,
            },
            &param::PARENT,
        )
        .map_err(|error| error.of_jail(find))?;
        Self::found(system, found.jid, found.descriptor, found.values.into())
    }

    /// Makes a handle from a jid, without checking that such a jail exists.
    ///
    /// Every operation uses the jid, and affects whichever jail has it at that time: prefer [`open`](Self::open).
    ///
    /// ```
    /// # use freebsd_jail::{Jail, param, sim};
    /// # fn main() -> freebsd_jail::Result<()> {
    /// # let kernel = sim::Kernel::new();
    /// # let _guard = kernel.install();
    /// let jail = Jail::builder().path("/").securelevel(2).create()?;
    /// let handle = Jail::unpinned(jail.jid());
    /// assert_eq!(handle.get(param::SECURELEVEL)?, 2);
    /// assert!(handle.descriptor().is_none());
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn unpinned(jid: Jid) -> Self {
        Self::new(System::current(), jid, Nested::Unknown)
    }

    /// Returns the jail's jid. It does not change while the jail is alive.
    ///
    /// ```
    /// # use freebsd_jail::{Jail, param, sim};
    /// # fn main() -> freebsd_jail::Result<()> {
    /// # let kernel = sim::Kernel::new();
    /// # let _guard = kernel.install();
    /// let jail = Jail::builder().path("/").create()?;
    /// assert_eq!(jail.get(param::JID)?, jail.jid());
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn jid(&self) -> Jid {
        self.jid
    }

    /// Reads a parameter, or several at once, in one [jail_get(2)].
    ///
    /// A key gives its value, a tuple of keys (up to twelve) a tuple of values, and a slice of names and
    /// [kinds](crate::param::Kind) a `Vec` of [values](crate::param::Value). Only if a value without a fixed limit does
    /// not fit its buffer, the call is repeated with a larger one.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Gone`] when the jail has been removed, [`ErrorKind::UnknownParameter`] when this kernel lacks one
    /// of the parameters (then none is read), [`ErrorKind::InvalidParameter`] for a run-time name that has another type
    /// in the table, [`ErrorKind::Conflict`] for two names that the kernel takes for one.
    ///
    /// # FreeBSD versions
    ///
    /// Since 15.0 the handle's own jail is read; before, the jail that has its jid. The [table](crate::param::TABLE)
    /// lists since which release each parameter exists.
    ///
    /// ```
    /// # use freebsd_jail::{Jail, param, sim};
    /// # fn main() -> freebsd_jail::Result<()> {
    /// # let kernel = sim::Kernel::new();
    /// # let _guard = kernel.install();
    /// let jail = Jail::builder().name("www").path("/").securelevel(2).create()?;
    /// assert_eq!(jail.get(param::SECURELEVEL)?, 2);
    /// let (name, path) = jail.get((param::NAME, param::PATH))?;
    /// assert_eq!(name, "www");
    /// assert_eq!(path.to_str(), Some("/"));
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// [jail_get(2)]: https://man.freebsd.org/cgi/man.cgi?query=jail_get&sektion=2
    pub fn get<K: Keys>(&self, keys: K) -> Result<K::Output> {
        Ok(self.read(&keys)?.values)
    }

    fn read<K: Keys>(&self, keys: &K) -> Result<Found<K::Output>> {
        get::read(self.as_read()?, keys).map_err(|error| self.error(error))
    }

    /// Makes a read of this jail.
    fn as_read(&self) -> Result<Read<'_>> {
        self.check()?;
        let (at, key) = match &self.descriptor {
            Some(descriptor) => (At::Use(descriptor.as_fd()), Key::Descriptor),
            None => (At::None, Key::Jid(self.jid.get())),
        };
        let flags = GetFlags::empty();
        Ok(Read { system: &self.system, flags, subject: Subject::Handle, at, key, relative_to: None })
    }
}
