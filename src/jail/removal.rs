//! Removing a jail.

use std::os::fd::AsFd;

use super::Jail;
#[cfg(doc)]
use super::OwnedJail;
use crate::error::{Call, ErrorKind, Result, remove_error};

/// # Removing
impl Jail {
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
}
