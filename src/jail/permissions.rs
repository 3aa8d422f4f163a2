//! The permissions of a jail.

use super::Jail;
use crate::catalog::permission_names;
use crate::error::{ErrorKind, Result};
use crate::param::{Kind, Value};
use crate::permissions::Permissions;

/// # Permissions
impl Jail {
    /// Returns the jail's permissions, of all permissions that this kernel has.
    ///
    /// Wraps [jail_get(2)], one call. The first time on a kernel the names of its permissions are read from the sysctl
    /// tree `security.jail.param.allow`, by four calls of [sysctl(3)] for each, and remembered. A permission of a
    /// module that is loaded later is not noticed: read it by its name.
    ///
    /// # Errors
    ///
    /// As [`Jail::get`] and [`Catalog`](crate::Catalog).
    ///
    /// ```
    /// # use freebsd_jail::{Allow, Jail, sim};
    /// # fn main() -> freebsd_jail::Result<()> {
    /// # let kernel = sim::Kernel::new();
    /// # let _guard = kernel.install();
    /// let jail = Jail::builder().path("/").allow(Allow::RAW_SOCKETS).deny(Allow::SUSER).create()?;
    /// let may = jail.permissions()?;
    /// assert!(may.contains(Allow::RAW_SOCKETS | Allow::RESERVED_PORTS));
    /// assert!(!may.contains(Allow::SUSER) && !may.contains_name("mount.tmpfs"));
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// [jail_get(2)]: https://man.freebsd.org/cgi/man.cgi?query=jail_get&sektion=2
    /// [sysctl(3)]: https://man.freebsd.org/cgi/man.cgi?query=sysctl&sektion=3
    pub fn permissions(&self) -> Result<Permissions> {
        let read = |anew| -> Result<Permissions> {
            let names = permission_names(&self.system, anew)?;
            let keys: Vec<_> = names.iter().map(|name| (name.as_str(), Kind::Bool)).collect();
            let values = self.get(&*keys)?;
            let granted = keys.iter().zip(values).filter(|(_, value)| *value == Value::Bool(true));
            Ok(granted.map(|((name, _), _)| *name).collect())
        };
        match read(false) {
            // A module has been unloaded since.
            Err(error) if error.kind() == ErrorKind::UnknownParameter => read(true),
            permissions => permissions,
        }
    }
}

#[cfg(all(test, feature = "sim"))]
#[allow(clippy::expect_used, reason = "a test fails by panicking")]
mod tests {
    use crate::{Jail, sim};

    #[test]
    fn the_names_are_found_anew_if_one_of_them_is_unknown() {
        let kernel = sim::Kernel::new();
        let _guard = kernel.install();
        let jail = Jail::builder().path("/").create().expect("created");
        let before = jail.permissions().expect("read");
        jail.system.cache().parameters.set_permissions(["allow.gone".to_owned()].into());
        assert_eq!(jail.permissions().expect("read"), before);
    }
}
