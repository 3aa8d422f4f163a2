//! A parameter's name with the type of its value.

use core::fmt;
use core::hash::{Hash, Hasher};
use core::marker::PhantomData;
use std::ffi::OsString;

use super::table;
use super::{CreateOnly, Decode, Definition, Kind, ReadOnly, ReadWrite};
use crate::error::{Error, ErrorKind, Result};
use crate::wire::name;

/// The name of a parameter, with the type of its value and its access.
///
/// The constants of [`param`](crate::param) are such keys. [`Param::new`] makes a key of any other name, such as one
/// that a kernel module adds. A name that is in the table must be used with the table's type, and a name below `allow.`
/// is a boolean: anything else is refused when the key is used, since the kernel looks only at the name and would grant
/// the permission whatever the value.
///
/// Two keys are equal if their names are.
///
/// ```
/// use freebsd_jail::param::Param;
///
/// const MOUNT_FUSE: Param<'_, bool> = Param::new("allow.mount.fusefs");
/// assert_eq!(MOUNT_FUSE.name(), "allow.mount.fusefs");
/// ```
pub struct Param<'n, T, A = ReadWrite> {
    name: &'n str,
    definition: Option<&'static Definition>,
    marker: PhantomData<fn() -> (T, A)>,
}

impl<'n, T> Param<'n, T> {
    /// Makes the key of a parameter that can be set at creation, changed later, and read.
    ///
    /// Whether the kernel has the parameter is found out when the key is used.
    ///
    /// ```
    /// # use freebsd_jail::{Jail, param::Param, sim};
    /// # fn main() -> freebsd_jail::Result<()> {
    /// # let kernel = sim::Kernel::new();
    /// # let _guard = kernel.install();
    /// let owner = Param::<String>::new("meta.owner");
    /// let jail = Jail::builder().path("/").set(owner, "www").create()?;
    /// assert_eq!(jail.get(owner)?, "www");
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub const fn new(name: &'n str) -> Self {
        Self::of(name)
    }
}

impl<'n, T> Param<'n, T, CreateOnly> {
    /// Makes the key of a parameter that can be set at creation only, and read.
    ///
    /// ```
    /// use freebsd_jail::{Jail, param::Param};
    ///
    /// let builder = Jail::builder().set(Param::<String, _>::create_only("osrelease"), "13.2-RELEASE");
    /// ```
    #[must_use]
    pub const fn create_only(name: &'n str) -> Self {
        Self::of(name)
    }
}

impl<'n, T> Param<'n, T, ReadOnly> {
    /// Makes the key of a parameter that can only be read.
    ///
    /// ```
    /// use freebsd_jail::param::Param;
    ///
    /// let cpuset = Param::<i32, _>::read_only("cpuset.id");
    /// assert_eq!(cpuset.to_string(), "cpuset.id");
    /// ```
    #[must_use]
    pub const fn read_only(name: &'n str) -> Self {
        Self::of(name)
    }
}

impl<'n, T, A> Param<'n, T, A> {
    const fn of(name: &'n str) -> Self {
        Self { name, definition: None, marker: PhantomData }
    }

    /// Returns the parameter's name.
    #[must_use]
    pub const fn name(&self) -> &'n str {
        self.name
    }
}

impl<T, A> Param<'static, T, A> {
    /// A key of the table.
    pub(super) const fn defined(name: &'static str, definition: &'static Definition) -> Self {
        Self { name, definition: Some(definition), marker: PhantomData }
    }
}

impl<'n, A> Param<'n, OsString, A> {
    /// Returns the same key with [`Entries`](super::Entries) as its type: for [`META`](super::META) and
    /// [`ENV`](super::ENV).
    #[must_use]
    pub const fn entries(self) -> Param<'n, super::Entries, A> {
        Param { name: self.name, definition: self.definition, marker: PhantomData }
    }

    /// Returns the same key with [`String`] as its type: reading a value that is not UTF-8 then fails.
    ///
    /// ```
    /// use freebsd_jail::param::{self, Param};
    ///
    /// const NAME: Param<'_, String> = param::NAME.utf8();
    /// ```
    #[must_use]
    pub const fn utf8(self) -> Param<'n, String, A> {
        Param { name: self.name, definition: self.definition, marker: PhantomData }
    }
}

impl<T: Decode, A> Param<'_, T, A> {
    /// Returns the table's row, if there is one, after checking that the name may be used with this type.
    pub(crate) fn resolve(&self) -> Result<Option<&'static Definition>> {
        match self.definition {
            Some(definition) => Ok(Some(definition)),
            None => resolve(self.name, T::KIND),
        }
    }
}

/// Looks up a run-time name, and checks that it may be used with values of this kind.
pub(crate) fn resolve(name: &str, kind: Kind) -> Result<Option<&'static Definition>> {
    name::check(name)?;
    let refuse =
        |reason: fmt::Arguments<'_>| Err(Error::refused(ErrorKind::InvalidParameter, reason).about(name));
    if name == "lastjid" {
        // The kernel evaluates it before the jid, and would read another jail.
        return refuse(format_args!("it selects the next jail and is not a parameter: list jails instead"));
    }
    if let Some(definition) = table::find(name) {
        if definition.kind != kind && !(kind == Kind::Bool && definition.is_numeric_boolean()) {
            return refuse(format_args!("its values are of kind {:?}, not {kind:?}", definition.kind));
        }
        return Ok(Some(definition));
    }
    let (level, last) = name::split_text(name);
    if let Some(base) = last.strip_prefix("no") {
        let base = format!("{level}{base}");
        if table::find(&base).is_some_and(|definition| definition.kind == Kind::Bool) {
            return refuse(format_args!("use {base:?} with the value false"));
        }
    }
    if name.starts_with("allow.") && kind != Kind::Bool {
        return refuse(format_args!(
            "a permission is a boolean: the kernel would grant it whatever the value of kind {kind:?}"
        ));
    }
    Ok(None)
}

impl<T, A> Clone for Param<'_, T, A> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T, A> Copy for Param<'_, T, A> {}

impl<T, A, U, B> PartialEq<Param<'_, U, B>> for Param<'_, T, A> {
    fn eq(&self, other: &Param<'_, U, B>) -> bool {
        self.name == other.name
    }
}

impl<T, A> Eq for Param<'_, T, A> {}

impl<T, A> Hash for Param<'_, T, A> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.name.hash(state);
    }
}

impl<T, A> fmt::Debug for Param<'_, T, A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Param").field(&self.name).finish()
    }
}

impl<T, A> fmt::Display for Param<'_, T, A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}
