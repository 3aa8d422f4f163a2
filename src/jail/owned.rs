//! A jail that goes when its handle goes.

#![forbid(unsafe_code)]

use core::fmt;
use core::ops::Deref;

use super::Jail;
use crate::error::Result;

/// A jail that is removed when this handle is dropped.
///
/// On FreeBSD 15 and later the handle owns the jail by its descriptor: the kernel removes the jail when the
/// process ends, however it ends, by SIGKILL too. On older kernels nothing happens then, and the jail stays
/// until someone removes it.
///
/// Dropping removes the jail by a call on every kernel, because a copy of the descriptor elsewhere (in a child
/// that has been forked but not yet executed its program) would keep it alive. Errors of it are lost, and a jail
/// that has gone already is none; [`remove`](Self::remove) tells.
#[must_use = "the jail is removed when this is dropped"]
pub struct OwnedJail {
    jail: Jail,
    armed: bool,
}

impl OwnedJail {
    pub(crate) fn new(mut jail: Jail) -> Self {
        jail.owning = jail.descriptor.is_some();
        Self { jail, armed: true }
    }

    /// Removes the jail now, and says whether that worked.
    ///
    /// # Errors
    ///
    /// As [`Jail::remove`]. [`ErrorKind::Gone`](crate::ErrorKind::Gone) says that someone else has removed it.
    ///
    /// # FreeBSD versions
    ///
    /// As [`Jail::remove`]: before 15.0, should someone else have removed the jail and another one have got its number,
    /// that one is removed.
    pub fn remove(mut self) -> Result<()> {
        self.armed = false;
        self.jail.remove_by_call()
    }
}

impl Drop for OwnedJail {
    fn drop(&mut self) {
        if self.armed {
            // Nobody is left to tell; whoever wants to know calls `remove`.
            let _ = self.jail.remove_by_call();
        }
    }
}

impl Deref for OwnedJail {
    type Target = Jail;

    fn deref(&self) -> &Jail {
        &self.jail
    }
}

impl AsRef<Jail> for OwnedJail {
    fn as_ref(&self) -> &Jail {
        &self.jail
    }
}

impl fmt::Debug for OwnedJail {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("OwnedJail").field(&self.jail).finish()
    }
}
