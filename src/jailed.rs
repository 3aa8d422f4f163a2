//! Whether this process is in a jail.

use crate::error::{Call, Error, ErrorKind, Result};
use crate::sys::System;

/// Whether this process is in a jail. A process cannot see its own jail: no call lists or reads it.
///
/// Wraps [sysctl(3)] of `security.jail.jailed`.
///
/// # Errors
///
/// [`ErrorKind::Unsupported`] where there are no jails.
///
/// ```
/// # use freebsd_jail::sim;
/// # fn main() -> freebsd_jail::Result<()> {
/// # let kernel = sim::Kernel::new();
/// # let _guard = kernel.install();
/// assert!(!freebsd_jail::is_jailed()?);
/// # Ok(())
/// # }
/// ```
///
/// [sysctl(3)]: https://man.freebsd.org/cgi/man.cgi?query=sysctl&sektion=3
pub fn is_jailed() -> Result<bool> {
    is_jailed_on(&System::current())
}

/// Whether this process is in a jail of a kernel.
pub(crate) fn is_jailed_on(system: &System) -> Result<bool> {
    system.is_jailed().map_err(|errno| match errno.0 {
        libc::ENOSYS => Error::no_jails(Call::Sysctl),
        _ => Error::os(Call::Sysctl, errno, ErrorKind::Other, "security.jail.jailed"),
    })
}
