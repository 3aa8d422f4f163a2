//! What a jail is allowed to do.

use super::Jail;
use crate::allow::Allow;
use crate::error::{ErrorKind, Result};
#[cfg(doc)]
use crate::param;
use crate::param::{Kind, Value};

impl Jail {
    /// Returns what the jail may do, of what this kernel knows.
    ///
    /// Wraps jail_get(2), one call. The first time on a kernel it takes one call more for each permission that the
    /// kernel lacks; that is remembered. Permissions of modules that are loaded later are not noticed then: ask for
    /// [`param::ALLOW_MOUNT_ZFS`] and its likes one by one.
    ///
    /// # Errors
    ///
    /// As [`Jail::get`].
    ///
    /// ```
    /// # use freebsd_jail::{Allow, Jail, sim};
    /// # fn main() -> freebsd_jail::Result<()> {
    /// # let kernel = sim::Kernel::new();
    /// # let _guard = kernel.install();
    /// let jail = Jail::builder().path("/").allow(Allow::RAW_SOCKETS).deny(Allow::SUSER).create()?;
    /// let may = jail.permissions()?;
    /// assert!(may.contains(Allow::RAW_SOCKETS | Allow::RESERVED_PORTS));
    /// assert!(!may.intersects(Allow::SUSER | Allow::MOUNT));
    /// # Ok(())
    /// # }
    /// ```
    pub fn permissions(&self) -> Result<Allow> {
        let cached = &self.system.cache().permissions;
        let mut extent = cached.get().map_or(Allow::all(), Allow::from_bits_truncate);
        loop {
            let keys: Vec<_> = extent.parameters().map(|name| (name, Kind::Bool)).collect();
            match self.get(&*keys) {
                Ok(values) => {
                    cached.set(extent.bits());
                    let granted = extent.iter().zip(values).filter(|(_, value)| *value == Value::Bool(true));
                    return Ok(granted.map(|(flag, _)| flag).collect());
                }
                Err(error) if error.kind() == ErrorKind::UnknownParameter => {
                    let unknown = error.parameter().and_then(Allow::from_parameter).unwrap_or_default();
                    if !extent.intersects(unknown) {
                        return Err(error);
                    }
                    extent.remove(unknown);
                }
                Err(error) => return Err(error),
            }
        }
    }
}
