//! The permissions of a jail, including those of kernel modules.

use core::fmt;
use core::str::FromStr;
use std::borrow::Cow;
use std::collections::BTreeSet;
use std::convert::Infallible;

use crate::allow::Allow;

/// The permissions of a jail: those with a bit in [`Allow`], and the names of others.
///
/// [`Jail::permissions`](crate::Jail::permissions) returns all permissions of a jail. Names are accepted with or
/// without the prefix `allow.`.
///
/// ```
/// use freebsd_jail::{Allow, Permissions};
///
/// let mut permissions = Permissions::from(Allow::RAW_SOCKETS | Allow::MOUNT);
/// permissions.extend(["mount.tmpfs", "allow.mount.unionfs"]);
/// assert_eq!(permissions.known(), Allow::RAW_SOCKETS | Allow::MOUNT | Allow::MOUNT_TMPFS);
/// assert_eq!(permissions.others().collect::<Vec<_>>(), ["allow.mount.unionfs"]);
/// assert!(permissions.contains(Allow::MOUNT) && permissions.contains_name("mount.unionfs"));
/// assert_eq!(permissions.to_string(), "raw_sockets|mount|mount.tmpfs|mount.unionfs");
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct Permissions {
    known: Allow,
    /// The names of the others, with `allow.`.
    others: BTreeSet<String>,
}

impl Permissions {
    /// Makes an empty set.
    #[must_use]
    pub const fn new() -> Self {
        Self { known: Allow::empty(), others: BTreeSet::new() }
    }

    /// Returns the permissions with a bit in [`Allow`].
    #[must_use]
    pub const fn known(&self) -> Allow {
        self.known
    }

    /// Returns the names of the permissions without a bit in [`Allow`], such as `allow.mount.unionfs`.
    pub fn others(&self) -> impl Iterator<Item = &str> {
        self.others.iter().map(String::as_str)
    }

    /// Returns the names of all, such as `allow.mount`.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.known.parameters().map(|name| name as &str).chain(self.others())
    }

    /// Whether all of these are in the set.
    #[must_use]
    pub const fn contains(&self, permissions: Allow) -> bool {
        self.known.contains(permissions)
    }

    /// Whether a permission of this name is in the set. `allow.` may be left out.
    #[must_use]
    pub fn contains_name(&self, name: &str) -> bool {
        match Allow::from_short_name(name) {
            Some(permission) => self.known.contains(permission),
            None => self.others.contains(&*full(name)),
        }
    }

    /// Whether the set is empty.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.known.is_empty() && self.others.is_empty()
    }
}

fn full(name: &str) -> Cow<'_, str> {
    if name.starts_with("allow.") { name.into() } else { format!("allow.{name}").into() }
}

impl From<Allow> for Permissions {
    fn from(known: Allow) -> Self {
        Self { known, others: BTreeSet::new() }
    }
}

impl<S: AsRef<str>> Extend<S> for Permissions {
    fn extend<I: IntoIterator<Item = S>>(&mut self, names: I) {
        for name in names {
            let name = name.as_ref();
            match Allow::from_short_name(name) {
                Some(permission) => self.known |= permission,
                None => {
                    self.others.insert(full(name).into_owned());
                }
            }
        }
    }
}

impl<S: AsRef<str>> FromIterator<S> for Permissions {
    fn from_iter<I: IntoIterator<Item = S>>(names: I) -> Self {
        let mut permissions = Self::new();
        permissions.extend(names);
        permissions
    }
}

/// The names without `allow.`, separated by `|`.
impl fmt::Display for Permissions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (place, name) in self.names().enumerate() {
            if place > 0 {
                f.write_str("|")?;
            }
            f.write_str(name.strip_prefix("allow.").unwrap_or(name))?;
        }
        Ok(())
    }
}

/// Names separated by `|` or commas, with or without `allow.`.
impl FromStr for Permissions {
    type Err = Infallible;

    fn from_str(text: &str) -> Result<Self, Infallible> {
        Ok(text.split(['|', ',']).map(str::trim).filter(|name| !name.is_empty()).collect())
    }
}
