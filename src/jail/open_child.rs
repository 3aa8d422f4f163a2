//! Opening a child jail.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt, OsStringExt};

use super::{Jail, NameOrJid, Nested};
use crate::error::{Result, Subject};
use crate::flags::GetFlags;
use crate::get::{self, Key, Read};
use crate::guard::alive;
use crate::param;
use crate::wire::At;

/// # Finding a child jail
impl Jail {
    /// Finds a jail below this one by its name, as this jail sees it.
    ///
    /// # Errors
    ///
    /// As [`Jail::open`], and [`ErrorKind::Gone`](crate::ErrorKind::Gone) when this jail has been removed.
    ///
    /// # FreeBSD versions
    ///
    /// Since 15.0 the kernel looks up the name relative to this jail; before, the jail is found by its full name, in
    /// two calls.
    ///
    /// ```
    /// # use freebsd_jail::{Jail, sim};
    /// # fn main() -> freebsd_jail::Result<()> {
    /// # let kernel = sim::Kernel::new();
    /// # let _guard = kernel.install();
    /// let outer = Jail::builder().name("outer").path("/").children_max(1).create()?;
    /// let inner = outer.child_builder().name("inner").path("/").create()?;
    /// assert_eq!(outer.open_child("inner")?.jid(), inner.jid());
    /// assert_eq!(Jail::open("outer.inner")?.jid(), inner.jid());
    /// # Ok(())
    /// # }
    /// ```
    pub fn open_child(&self, name: impl AsRef<OsStr>) -> Result<Self> {
        self.check()?;
        let name = name.as_ref();
        let key = NameOrJid::Name(name).key()?;
        let full;
        let (at, key) = if let Some(descriptor) = self.descriptor() {
            alive::check_below(&self.system, descriptor)?;
            (At::Below(descriptor), key)
        } else {
            full = self.full_name(name)?;
            (At::None, Key::Name(full.as_bytes()))
        };
        let flags = if self.system.has_descriptors() { GetFlags::GET_DESC } else { GetFlags::empty() };
        let read = Read { system: &self.system, flags, subject: Subject::Named, at, key, relative_to: None };
        let found = get::read(read, &())?;
        Self::found(self.system.clone(), found.jid, found.descriptor, Nested::Yes)
    }

    /// Returns the name by which this process sees a jail below this one.
    fn full_name(&self, name: &OsStr) -> Result<OsString> {
        let mut full = self.get(param::NAME)?.into_vec();
        full.push(b'.');
        full.extend_from_slice(name.as_bytes());
        let full = OsString::from_vec(full);
        param::check_full_name(full.as_bytes())?;
        Ok(full)
    }
}
