//! A handle of a jail.

use core::fmt;
use std::os::fd::OwnedFd;

use crate::error::{Error, ErrorKind, Result};
use crate::jid::Jid;
use crate::sys::{ProcessMark, System};

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

impl Jail {
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
mod reading;

mod info;

mod open_child;

mod permissions;

mod attach;

mod removal;

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
