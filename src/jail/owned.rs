//! A jail that is removed with its handle.

use core::fmt;
use core::mem;
use core::ops::Deref;
use std::os::fd::{AsFd, OwnedFd};

use super::{Jail, carry_rules, no_descriptor};
use crate::error::{Error, ErrorKind, Result, Subject};
use crate::flags::SetFlags;
use crate::guard::alive;
use crate::sys::ProcessMark;
use crate::wire::{At, Draft, Verb};

/// A jail that is removed when this handle is dropped.
///
/// On FreeBSD 15 and later the handle owns the jail by its descriptor: the kernel removes the jail when the process
/// ends in any way, even by SIGKILL. On older kernels the jail then stays until it is removed by other means.
///
/// Dropping removes the jail by a call on every kernel, because a copy of the descriptor elsewhere (in a child that has
/// been forked but not yet executed its program) would keep it alive. Errors on drop are ignored; call
/// [`remove`](Jail::remove) to see them. A jail that was removed through this handle, a [clone](Jail::try_clone) or a
/// function that takes `&Jail` is not removed again. On drop the kernel ends the jail's processes and may have to
/// destroy network stacks, which blocks the thread for up to a second: asynchronous code should drop it on a thread
/// that may block.
///
/// # Handing the jail over
///
/// [`into_descriptor`](Self::into_descriptor) returns the owning descriptor, for example to send it over a socket. The
/// receiver makes an `OwnedJail` from it with `try_from`. The kernel does not reveal whether a descriptor owns its
/// jail, so the two sides have to agree: make a [`Jail`] from a descriptor that does not own.
///
/// # Forking
///
/// An owner belongs to the process that made it. In a child that was forked since, its methods fail with
/// [`ErrorKind::OtherProcess`], and dropping it there does nothing, so that a child that returns or panics does not
/// remove its parent's jail. The child has a copy of the descriptor, though, and the jail outlives a parent that is
/// killed until the child executes a program or ends.
///
/// - To use the jail in a child, [clone](Jail::try_clone) the handle before the fork: the clone works in both.
/// - To have the child own a jail, create it there.
/// - To become a daemon, do so before creating the jail. If the jail must exist before [daemon(3)] forks, call
///   [`adopt`](Self::adopt) afterwards.
///
/// ```
/// # use freebsd_jail::{ErrorKind, Jail, OwnedJail, sim};
/// # fn main() -> freebsd_jail::Result<()> {
/// # let kernel = sim::Kernel::new();
/// # let _guard = kernel.install();
/// let jail = Jail::builder().name("www").path("/").create()?;
/// if let Ok(descriptor) = jail.into_descriptor() {
///     // The jail stays, and whoever gets the descriptor owns it.
///     let jail = OwnedJail::try_from(descriptor)?;
///     drop(jail);
///     assert_eq!(Jail::open("www").unwrap_err().kind(), ErrorKind::NotFound);
/// }
/// # Ok(())
/// # }
/// ```
///
/// [daemon(3)]: https://man.freebsd.org/cgi/man.cgi?query=daemon&sektion=3
#[must_use = "the jail is removed when this is dropped"]
pub struct OwnedJail {
    jail: Jail,
    /// Another descriptor, whose last close would remove the jail if it owns it.
    beside: Option<OwnedFd>,
}

impl OwnedJail {
    pub(crate) fn new(mut jail: Jail) -> Self {
        let owner = jail.system.process();
        jail.set_owner(Some(owner));
        Self { jail, beside: None }
    }

    /// Hands the jail over: returns the owning descriptor, without removing the jail.
    ///
    /// When the last copy of the descriptor is closed, the kernel removes the jail. Clones of this handle remain valid.
    ///
    /// A handle that came from a descriptor of unknown origin ([`Jail::try_from`], then
    /// [`into_owned`](Jail::into_owned)) leaves that one open for as long as this process lives, because closing it
    /// would remove the jail if it owns it.
    ///
    /// # Errors
    ///
    /// Returns the handle if there is no descriptor to hand over: before FreeBSD 15, which has no descriptors, and in a
    /// process that was forked since the handle was made.
    ///
    /// ```
    /// # use freebsd_jail::{Jail, sim};
    /// # fn main() -> freebsd_jail::Result<()> {
    /// # let kernel = sim::Kernel::new();
    /// # let _guard = kernel.install();
    /// let jail = Jail::builder().name("www").path("/").create()?;
    /// let descriptor = jail.into_descriptor().expect("this kernel has descriptors");
    /// assert!(Jail::open("www").is_ok());
    /// drop(descriptor); // the last copy
    /// assert!(Jail::open("www").is_err());
    /// # Ok(())
    /// # }
    /// ```
    pub fn into_descriptor(mut self) -> core::result::Result<OwnedFd, Self> {
        if !self.is_in_its_process() {
            return Err(self);
        }
        let Some(descriptor) = self.jail.descriptor.take() else { return Err(self) };
        self.jail.set_owner(None);
        mem::forget(self.beside.take());
        Ok(descriptor)
    }

    /// Makes this process the owner, in a child that was forked since the handle was made.
    ///
    /// For programs that become daemons, for example by [daemon(3)], after they have created a jail: the parent exits
    /// without dropping its handle, and the child continues. Does nothing in the process that made the handle.
    ///
    /// If the parent keeps running with its handle, the first of the two to drop its handle removes the jail.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Gone`] when the jail has been removed, [`ErrorKind::InvalidDescriptor`] when the descriptor has
    /// been closed. The handle is then unchanged.
    ///
    /// # FreeBSD versions
    ///
    /// Before 15.0, which has no descriptors, this checks that a jail has the jid.
    ///
    /// ```
    /// # use freebsd_jail::{Jail, sim};
    /// # fn main() -> freebsd_jail::Result<()> {
    /// # let kernel = sim::Kernel::new();
    /// # let _guard = kernel.install();
    /// let mut jail = Jail::builder().path("/").create()?;
    /// // Here the program becomes a daemon, and continues in a child.
    /// jail.adopt()?;
    /// assert!(jail.is_alive()?);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// [daemon(3)]: https://man.freebsd.org/cgi/man.cgi?query=daemon&sektion=3
    pub fn adopt(&mut self) -> Result<()> {
        let process = self.jail.system.process();
        let before = self.jail.owner.replace(process);
        let checked = match self.jail.descriptor() {
            Some(descriptor) => alive::check_same(&self.jail.system, descriptor, self.jail.jid),
            None => self.jail.get(()),
        };
        match checked {
            Ok(()) => self.jail.set_owner(Some(process)),
            Err(_) => self.jail.owner = before,
        }
        checked
    }

    fn is_in_its_process(&self) -> bool {
        self.jail.owner.is_some_and(ProcessMark::is_here)
    }
}

/// # Owning
impl Jail {
    /// Takes ownership: the jail is removed when the returned handle is dropped.
    ///
    /// Wraps [jail_set(2)] with `JAIL_OWN_DESC`, and [jail_get(2)] to check that the jail is alive. jail_get(2) alone
    /// could return an owning descriptor, too, but would remove the jail if it failed afterwards (T1). If [mac_do(4)]
    /// is loaded, one more call reads the jail's rules first and keeps them: the kernel would reset them (T6). A change
    /// of the rules by another process between the two calls is lost: rules that are removed at this moment are
    /// restored. Whether mac_do(4) is loaded is found out once, as [`update`](Jail::update) says.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::PermissionDenied`] when not root, [`ErrorKind::Gone`] when the jail has been removed,
    /// [`ErrorKind::ResourceExhausted`] when the limit of descriptors is reached.
    ///
    /// # FreeBSD versions
    ///
    /// Since 15.0 the kernel also removes the jail when this process ends, which cannot be undone while the descriptor
    /// is open. Before, this only checks that the jail exists.
    ///
    /// ```
    /// # use freebsd_jail::{Jail, sim};
    /// # fn main() -> freebsd_jail::Result<()> {
    /// # let kernel = sim::Kernel::new();
    /// # let _guard = kernel.install();
    /// drop(Jail::builder().name("www").path("/").create_detached()?);
    /// let jail = Jail::open("www")?.into_owned()?;
    /// drop(jail);
    /// assert!(Jail::open("www").is_err());
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// [jail_set(2)]: https://man.freebsd.org/cgi/man.cgi?query=jail_set&sektion=2
    /// [jail_get(2)]: https://man.freebsd.org/cgi/man.cgi?query=jail_get&sektion=2
    /// [mac_do(4)]: https://man.freebsd.org/cgi/man.cgi?query=mac_do&sektion=4
    pub fn into_owned(self) -> Result<OwnedJail> {
        self.check()?;
        if !self.system.has_descriptors() {
            // Without a jail, the next jail that gets the jid would be owned.
            self.get(())?;
            return Ok(OwnedJail::new(self));
        }
        let mut jail = if self.descriptor.is_some() { self } else { self.pin()? };
        let descriptor = jail.descriptor().ok_or_else(no_descriptor)?;
        let verb = Verb::Set(SetFlags::UPDATE | SetFlags::OWN_DESC);
        let mut draft = Draft::new();
        carry_rules(&jail, &mut draft)?;
        let answer = draft.call(&jail.system, verb, At::Use(descriptor), Subject::Handle)?;
        let owning = answer.descriptor.ok_or_else(no_descriptor)?;
        alive::check_updated(&jail.system, owning.as_fd())?;
        let first = jail.descriptor.replace(owning);
        // T24: if the first descriptor owns the jail too, closing it would remove the jail.
        let beside = first.filter(|_| mem::take(&mut jail.foreign));
        let mut owned = OwnedJail::new(jail);
        owned.beside = beside;
        Ok(owned)
    }
}

impl Drop for OwnedJail {
    fn drop(&mut self) {
        if self.jail.owner.is_none() {
            return;
        }
        if !self.is_in_its_process() {
            // The jail belongs to another process. Closing this copy might be the last close.
            mem::forget(self.jail.descriptor.take());
            mem::forget(self.beside.take());
            return;
        }
        if !self.jail.kin.is_removed() {
            // Errors cannot be reported here; call `remove` to see them.
            let _ = self.jail.remove();
        }
        self.jail.set_owner(None);
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

/// The error of an owner in a process other than its own.
pub(super) fn other_process() -> Error {
    Error::refused(
        ErrorKind::OtherProcess,
        "the jail belongs to the process that made this handle, and this process was forked from it: clone the \
         handle before the fork, or call `adopt`",
    )
}
