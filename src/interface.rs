//! The network interfaces of a jail that has a network stack of its own.

#![forbid(unsafe_code)]

use crate::error::{Call, Error, ErrorKind, Result};
use crate::jail::Jail;
use crate::param::{Mode, Param};
use crate::sys::Errno;
use crate::sys::interface::{Move, move_interface};

/// The longest name of an interface (`IFNAMSIZ`, less its NUL).
const NAME_MAX: usize = 15;

const VNET: Param<'static, Mode> = Param::new("vnet");

impl Jail {
    /// Moves a network interface of this process's network stack into the jail's own, which it has with
    /// `vnet`.
    ///
    /// The interface loses its addresses and is down afterwards. It comes back when the jail is removed, or by
    /// [`reclaim_interface`](Self::reclaim_interface).
    ///
    /// Wraps ioctl(2) `SIOCSIFVNET`, which goes by the jail's number.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidValue`] for a name that no interface can have. [`ErrorKind::Gone`] when the jail has been
    /// removed; [`ErrorKind::NotFound`] (`ENXIO`) when there is no such interface here;
    /// [`ErrorKind::AlreadyExists`] (`EEXIST`) when there is one of that name in the jail;
    /// [`ErrorKind::InvalidRequest`] (`EEXIST`) when the jail has no network stack of its own;
    /// [`ErrorKind::PermissionDenied`] (`EPERM`) when not root; [`ErrorKind::Unsupported`] where there are no jails,
    /// on a kernel without `VIMAGE`, and on the model, which has no interfaces.
    #[doc(alias = "SIOCSIFVNET")]
    pub fn move_interface(&self, name: &str) -> Result<()> {
        self.interface(name, Move::Into)
    }

    /// Moves a network interface of the jail's own network stack back to this process's.
    ///
    /// The interface loses its addresses and is down afterwards.
    ///
    /// Wraps ioctl(2) `SIOCSIFRVNET`, which goes by the jail's number.
    ///
    /// # Errors
    ///
    /// As [`move_interface`](Self::move_interface), with the places exchanged.
    #[doc(alias = "SIOCSIFRVNET")]
    pub fn reclaim_interface(&self, name: &str) -> Result<()> {
        self.interface(name, Move::Back)
    }

    fn interface(&self, name: &str, way: Move) -> Result<()> {
        if name.is_empty() || name.len() > NAME_MAX || name.contains('\0') {
            return Err(Error::refused(
                ErrorKind::InvalidValue,
                "the name of an interface has 1 to 15 bytes, and no NUL",
            ));
        }
        if !self.is_alive()? {
            return Err(Error::refused(ErrorKind::Gone, "the jail has been removed"));
        }
        #[cfg(feature = "sim")]
        if self.system.as_model().is_some() {
            return Err(Error::refused(
                ErrorKind::Unsupported,
                "the model of the kernel has no network interfaces",
            ));
        }
        move_interface(name.as_bytes(), self.jid().get(), way)
            .map_err(|errno| self.interface_error(errno, way))
    }

    fn interface_error(&self, errno: Errno, way: Move) -> Error {
        let (kind, reason) = match errno.0 {
            libc::ENOSYS => (ErrorKind::Unsupported, "this host has no jails"),
            // The request is not known then, by a kernel that has no network stacks to move between.
            libc::EINVAL | libc::ENOTTY | libc::EOPNOTSUPP => {
                (ErrorKind::Unsupported, "the kernel was built without VIMAGE")
            }
            libc::EPERM => (ErrorKind::PermissionDenied, "moving an interface needs root"),
            libc::EEXIST if self.get(VNET).is_ok_and(|vnet| vnet != Mode::New) => (
                ErrorKind::InvalidRequest,
                "the jail has no network stack of its own: it was created without vnet",
            ),
            libc::EEXIST => (ErrorKind::AlreadyExists, "there is an interface of that name where it goes"),
            libc::ENXIO | libc::ENODEV if self.is_alive().is_ok_and(|alive| !alive) => {
                (ErrorKind::Gone, "the jail has been removed")
            }
            libc::ENXIO | libc::ENODEV => match way {
                Move::Into => (ErrorKind::NotFound, "there is no such interface here"),
                Move::Back => (ErrorKind::NotFound, "there is no such interface in the jail"),
            },
            _ => (ErrorKind::Other, ""),
        };
        Error::os(Call::Ioctl, errno, kind, reason)
    }
}
