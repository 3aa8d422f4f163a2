//! The jails below a jail.

#![forbid(unsafe_code)]

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt, OsStringExt};

use super::{Find, Jail, Nested};
use crate::builder::JailBuilder;
use crate::error::{ErrorKind, Result, Subject};
use crate::get::{self, Key, Read};
use crate::list::Jails;
use crate::request::Desc;
use crate::{param, raw, sys};

impl Jail {
    /// Starts describing a jail below this one. Nothing happens before [`create`](JailBuilder::create) or its
    /// likes.
    ///
    /// It counts against the `children.max` of this jail (which is 0 unless it was set) and of the jails above, and it
    /// is allowed no more than this jail has. Its name is relative to this jail's. It needs a path, which is looked up
    /// from this process's root, like any other.
    ///
    /// # FreeBSD versions
    ///
    /// Since 15.0 the kernel creates it from this jail, and checks the limits. Before, it is created by its full name,
    /// of which the kernel checks the limits of this process's own jail and of those above it only: those of the jails
    /// from this one upwards are checked first, with one jail_get(2) each, and two processes that create at once may
    /// exceed them.
    ///
    /// ```
    /// # use freebsd_jail::{Jail, param, sim};
    /// # fn main() -> freebsd_jail::Result<()> {
    /// # let kernel = sim::Kernel::new();
    /// # let _guard = kernel.install();
    /// let outer = Jail::builder().name("outer").path("/").children_max(1).create()?;
    /// let inner = outer.child_builder().name("inner").path("/").create()?;
    /// assert_eq!(inner.get(param::NAME)?, "outer.inner"); // as this process sees it
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn child_builder(&self) -> JailBuilder<'_> {
        JailBuilder::new(Some(self))
    }

    /// Lists the jails directly below this one. Names and `parent` are as this jail sees them.
    ///
    /// # FreeBSD versions
    ///
    /// Since 15.0 the kernel looks from this jail; before, all jails are walked through, and those below are told
    /// by their names.
    #[must_use]
    pub fn children(&self) -> Jails<'_> {
        self.descendants().direct()
    }

    /// Lists the jails below this one, and those below them. Names and `parent` are as this jail sees them.
    ///
    /// # FreeBSD versions
    ///
    /// As [`children`](Self::children).
    #[must_use]
    pub fn descendants(&self) -> Jails<'_> {
        Jails::new(self.system.clone(), Some(self))
    }

    /// Finds a jail below this one by its name, as this jail sees it.
    ///
    /// # Errors
    ///
    /// As [`Jail::open`], and [`ErrorKind::Gone`] when this jail has been removed.
    ///
    /// # FreeBSD versions
    ///
    /// Since 15.0 the kernel looks from this jail; before, the jail is found by its full name, in two calls.
    pub fn open_child(&self, name: impl AsRef<OsStr>) -> Result<Self> {
        self.check()?;
        let name = name.as_ref();
        let key = Find::Name(name).key()?;
        let full;
        let (flags, desc, key) = if let Some(descriptor) = self.descriptor_ref() {
            raw::check_below(&self.system, descriptor)?;
            (sys::JAIL_AT_DESC | sys::JAIL_GET_DESC, Desc::Given(descriptor), key)
        } else {
            full = self.full_name(name)?;
            if self.system.has_descriptors() {
                (sys::JAIL_GET_DESC, Desc::Empty, Key::Name(full.as_bytes()))
            } else {
                (0, Desc::Absent, Key::Name(full.as_bytes()))
            }
        };
        let read =
            Read { system: &self.system, flags, subject: Subject::Named, desc, key, relative_to: None };
        let found = get::read(read, &())?;
        Self::found(self.system.clone(), found.jid, found.descriptor, Nested::Yes)
    }

    /// Returns the name by which this process sees a jail below this one.
    fn full_name(&self, name: &OsStr) -> Result<OsString> {
        let mut full = self.get(param::NAME)?.into_vec();
        full.push(b'.');
        full.extend_from_slice(name.as_bytes());
        let full = OsString::from_vec(full);
        Find::Name(&full).key().map_err(|error| match error.kind() {
            ErrorKind::InvalidValue => {
                error.because("with the names of the jails above it, the name is longer than 255 bytes")
            }
            _ => error,
        })?;
        Ok(full)
    }
}
