//! A handle of a jail.

use core::fmt;
use std::os::fd::{AsFd, OwnedFd};

use crate::error::{Call, Error, ErrorKind, Result, Subject, remove_error};
use crate::flags::GetFlags;
use crate::get::{self, Found, Key, Keys, Read};
use crate::jid::Jid;
use crate::param;
use crate::sys::{ProcessMark, System};
use crate::wire::At;

pub(crate) use attach::attaching_error;
pub(crate) use carry::carry_rules;
pub(crate) use descriptor::{no_descriptor, read_and_pin};
pub use find::NameOrJid;
pub(crate) use info::read_known;
use kin::Kin;
pub use owned::OwnedJail;

/// A handle of a jail.
///
/// On FreeBSD 15 and later it holds a jail descriptor, which always refers to the same jail: once that jail has been
/// removed, every operation fails with [`ErrorKind::Gone`], even if its jid has been reused. Older kernels have no
/// descriptors; there the handle holds the jid, and refers to whichever jail has the jid now.
///
/// Dropping a handle does not affect the jail; dropping an [`OwnedJail`] removes it. The kernel does not reveal whether
/// a descriptor from elsewhere owns its jail, so you have to know: use `Jail::try_from` for one that does not,
/// `OwnedJail::try_from` for one that does.
///
/// A handle is not confined by the jail of its holder: on FreeBSD 15, root inside a jail can leave it with a descriptor
/// of another jail. Do not pass one into a jail.
///
/// The descriptor is close-on-exec, but the kernel puts it into the process's table when the creation or the look-up
/// *begins*, without that flag. A program that another thread starts meanwhile by [`Jail::command`] or
/// [`Jail::confine`] does not inherit it: their children find jail descriptors by themselves. **One that is started by
/// other means, such as a plain [`std::process::Command`], may inherit it**: on 15.1, 850 of 1,863 programs started
/// beside creations in another thread did. If the descriptor owns the jail, such a program keeps the jail. If a program
/// must be started that way, create and open no jail meanwhile.
///
pub struct Jail {
    pub(crate) system: System,
    jid: Jid,
    descriptor: Option<OwnedFd>,
    nested: Nested,
    /// Whether the descriptor came from elsewhere and so may own the jail.
    foreign: bool,
    /// The process that owns the jail by this handle, if this is an [`OwnedJail`]'s.
    owner: Option<ProcessMark>,
    kin: Kin,
    /// How many times this process had attached to a jail when the handle was made.
    entries: u32,
}

/// Whether a jail is below another one that this process can see. An update of such a jail has to be made from its
/// parent: from further above, the kernel compares it with the caller's jail, and not with the parent (T4).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Nested {
    Yes,
    No,
    /// Not known yet.
    Unknown,
}

impl From<Option<Jid>> for Nested {
    fn from(parent: Option<Jid>) -> Self {
        if parent.is_some() { Self::Yes } else { Self::No }
    }
}

/// # Finding, reading and removing
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

    /// Makes a handle that has only the jid.
    fn new(system: System, jid: Jid, nested: Nested) -> Self {
        Self {
            system,
            jid,
            descriptor: None,
            nested,
            foreign: false,
            owner: None,
            kin: Kin::default(),
            entries: System::entries(),
        }
    }

    /// Makes a handle from the result of a call.
    pub(crate) fn found(
        system: System,
        jid: i32,
        descriptor: Option<OwnedFd>,
        nested: Nested,
    ) -> Result<Self> {
        let jid = Jid::try_from(jid).map_err(no_jid)?;
        Ok(Self { descriptor, ..Self::new(system, jid, nested) })
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

    /// Removes the jail, the jails below it, and kills their processes.
    ///
    /// The jail begins to die; it may take the kernel a while to let go of the last of it: see
    /// [`wait_gone`](Self::wait_gone). If the jail or one below it has a network stack of its own, the call blocks for
    /// up to a second while the kernel destroys it, and cannot be interrupted by a signal: asynchronous code should
    /// call it on a thread that may block. The handle stays valid, and its methods fail with [`ErrorKind::Gone`] from
    /// then on. An [`OwnedJail`] whose jail was removed this way, through itself, a clone or a borrow, does not remove
    /// it again on drop.
    ///
    /// Wraps [jail_remove_jd(2)] or [jail_remove(2)].
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Gone`] when it has been removed already, [`ErrorKind::PermissionDenied`] when not root,
    /// [`ErrorKind::OtherProcess`] for an [`OwnedJail`] in a process that was forked since it was made.
    ///
    /// # FreeBSD versions
    ///
    /// Since 15.0 the handle's own jail is removed, even from inside, which kills this process. Before, the jail that
    /// has its jid is removed. From inside that fails with [`ErrorKind::NotFound`], and the jail stays. If another
    /// process has removed the jail and its jid has been reused, the other jail is removed.
    ///
    /// ```
    /// # use freebsd_jail::{ErrorKind, Jail, sim};
    /// # fn main() -> freebsd_jail::Result<()> {
    /// # let kernel = sim::Kernel::new();
    /// # let _guard = kernel.install();
    /// let jail = Jail::builder().name("www").path("/").create_detached()?;
    /// jail.remove()?;
    /// assert!(Jail::open("www").is_err());
    /// assert_eq!(jail.remove().unwrap_err().kind(), ErrorKind::Gone);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// [jail_remove_jd(2)]: https://man.freebsd.org/cgi/man.cgi?query=jail_remove_jd&sektion=2
    /// [jail_remove(2)]: https://man.freebsd.org/cgi/man.cgi?query=jail_remove&sektion=2
    #[doc(alias = "jail_remove")]
    pub fn remove(&self) -> Result<()> {
        self.check()?;
        let result = match &self.descriptor {
            // By a call and not by closing the descriptor, which other threads may be using (T44).
            Some(descriptor) => self
                .system
                .jail_remove_jd(descriptor.as_fd())
                .map_err(|errno| remove_error(Call::JailRemoveJd, errno)),
            None => {
                self.system.jail_remove(self.jid.get()).map_err(|errno| remove_error(Call::JailRemove, errno))
            }
        };
        let result = result.map_err(|error| self.error(error.of_handle()));
        if result.as_ref().map_or_else(|error| error.kind() == ErrorKind::Gone, |()| true) {
            self.kin.set_removed();
        }
        result
    }

    /// Returns an error for an owner in a process other than its own, and for a handle by jid whose jail was removed
    /// through it or a clone: another jail may have the jid now.
    pub(crate) fn check(&self) -> Result<()> {
        if self.owner.is_some_and(|owner| !owner.is_here()) {
            return Err(owned::other_process());
        }
        if self.descriptor.is_none() && self.kin.is_removed() {
            return Err(Error::gone().of_jail(self.jid));
        }
        Ok(())
    }

    /// Checks whether the jail has gone, so that neither this handle nor a clone uses the next jail with its jid.
    pub(crate) fn look_after(&self) {
        if let Ok(false) = self.is_alive() {
            self.kin.set_removed();
        }
    }

    /// Whether this process owns the jail, by this handle or by the one that this is a clone of.
    pub(crate) fn owns(&self) -> bool {
        let process = self.system.process();
        !self.kin.is_removed() && (self.owner == Some(process) || self.kin.is_owned_by(process))
    }

    /// Sets the process that owns the jail by this handle.
    fn set_owner(&mut self, owner: Option<ProcessMark>) {
        self.owner = owner;
        self.kin.set_owner(owner);
    }

    /// Converts it into the error of an operation on this jail.
    #[cold]
    pub(crate) fn error(&self, error: Error) -> Error {
        self.gone_or_unseen(error).of_jail(self.jid)
    }

    /// If a jail is not found by its jid, finds out whether it is gone or this process has attached to it.
    pub(crate) fn gone_or_unseen(&self, error: Error) -> Error {
        if error.kind() != ErrorKind::Gone || self.descriptor.is_some() || self.entries == System::entries() {
            return error;
        }
        match self.system.is_jailed() {
            Ok(true) => error.with_kind(ErrorKind::NotFound).because(
                "this process has attached to a jail since the handle was made, and sees from there only the jails below \
                 it: the jail may be the one that it is in",
            ),
            _ => error,
        }
    }

    pub(crate) fn nested(&self) -> Nested {
        self.nested
    }
}

// rustdoc shows the methods of `Jail` in this order.
mod find;
mod kin;

mod info;

mod open_child;

mod permissions;

mod attach;

mod descriptor;

mod owned;

mod carry;

pub(super) fn no_jid(error: Error) -> Error {
    error.with_kind(ErrorKind::InvalidAnswer).because("the kernel returned no jid")
}

/// So that a function with an `impl AsRef<Jail>` accepts a [`Jail`], an [`OwnedJail`] and references to them.
impl AsRef<Self> for Jail {
    fn as_ref(&self) -> &Self {
        self
    }
}

impl fmt::Debug for Jail {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Jail")
            .field("jid", &self.jid.get())
            .field("descriptor", &self.descriptor)
            .field("nested", &self.nested)
            .field("system", &self.system)
            .finish_non_exhaustive()
    }
}
