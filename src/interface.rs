//! The network interfaces of a jail that has a network stack of its own.

use crate::error::{Call, Error, ErrorKind, Result};
use crate::jail::Jail;
use crate::param::{self, Sharing};
use crate::sys::Errno;
use crate::sys::interface::Move;
use crate::sys::trap::Trap;

/// The longest name of an interface (`IFNAMSIZ`, less its NUL).
const NAME_MAX: usize = 15;

/// # Network interfaces
impl Jail {
    /// Moves a network interface from this process's network stack into the jail's own, which exists if the jail was
    /// created with one.
    ///
    /// The interface loses its addresses and is down afterwards. It comes back when the jail is gone, or by
    /// [`reclaim_interface`](Self::reclaim_interface). A removed jail keeps its interfaces until its network stack is
    /// destroyed, which happens last: [`wait_gone`](Self::wait_gone) waits for that.
    ///
    /// Wraps [ioctl(2)] `SIOCSIFVNET`, which takes the jid, between a [jail_get(2)] and, by descriptor, an [fstat(2)].
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidValue`] for an invalid name. [`ErrorKind::InvalidRequest`], before the call, when the jail
    /// has no network stack of its own: if a jail above it has one, the kernel would move the interface there.
    /// [`ErrorKind::Gone`] when the jail has been removed. If that happened during the call, the interface may have
    /// moved, and comes back when the jail is gone. [`ErrorKind::NotFound`] (`ENXIO`) when there is no such interface
    /// here; [`ErrorKind::AlreadyExists`] (`EEXIST`) when the jail has one of that name;
    /// [`ErrorKind::PermissionDenied`] (`EPERM`) when not root; [`ErrorKind::Unsupported`] where there are no jails,
    /// and on a kernel without `VIMAGE`.
    ///
    /// # FreeBSD versions
    ///
    /// All. Before 15.0 it goes into the jail that has the handle's jid.
    ///
    /// ```
    /// use freebsd_jail::{Jail, Network};
    /// # use freebsd_jail::sim;
    ///
    /// # fn main() -> freebsd_jail::Result<()> {
    /// # let kernel = sim::Kernel::new();
    /// # let _guard = kernel.install();
    /// # kernel.add_interface("epair0b");
    /// let jail = Jail::builder().name("router").path("/").network(Network::own_stack()).create()?;
    /// jail.move_interface("epair0b")?; // from `ifconfig epair create`
    /// # let inmate = kernel.process().fork();
    /// # inmate.run(|| jail.attach())?;
    /// # assert_eq!(inmate.interfaces(), ["lo0", "epair0b"]);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// [ioctl(2)]: https://man.freebsd.org/cgi/man.cgi?query=ioctl&sektion=2
    /// [jail_get(2)]: https://man.freebsd.org/cgi/man.cgi?query=jail_get&sektion=2
    /// [fstat(2)]: https://man.freebsd.org/cgi/man.cgi?query=fstat&sektion=2
    #[doc(alias = "SIOCSIFVNET")]
    pub fn move_interface(&self, name: &str) -> Result<()> {
        self.interface(name, Move::Into)
    }

    /// Moves a network interface from the jail's own network stack to this process's.
    ///
    /// The interface loses its addresses and is down afterwards. **One that was created inside the jail is destroyed
    /// with it**, even after being moved.
    ///
    /// Wraps [ioctl(2)] `SIOCSIFRVNET`, which takes the jid, between a [jail_get(2)] with [if_nametoindex(3)] and, by
    /// descriptor, an [fstat(2)].
    ///
    /// # Errors
    ///
    /// As [`move_interface`](Self::move_interface), with the two network stacks exchanged. [`ErrorKind::AlreadyExists`]
    /// when this process's network stack has an interface of that name, found out before the call: the kernel would
    /// make a second one. An interface that is made at the same moment is not noticed.
    ///
    /// # FreeBSD versions
    ///
    /// As [`move_interface`](Self::move_interface).
    ///
    /// ```
    /// use freebsd_jail::{Jail, Network};
    /// # use freebsd_jail::sim;
    ///
    /// # fn main() -> freebsd_jail::Result<()> {
    /// # let kernel = sim::Kernel::new();
    /// # let _guard = kernel.install();
    /// # kernel.add_interface("epair0b");
    /// let jail = Jail::builder().name("router").path("/").network(Network::own_stack()).create()?;
    /// jail.move_interface("epair0b")?;
    /// jail.reclaim_interface("epair0b")?;
    /// # assert_eq!(kernel.process().interfaces(), ["lo0", "epair0b"]);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// [ioctl(2)]: https://man.freebsd.org/cgi/man.cgi?query=ioctl&sektion=2
    /// [jail_get(2)]: https://man.freebsd.org/cgi/man.cgi?query=jail_get&sektion=2
    /// [if_nametoindex(3)]: https://man.freebsd.org/cgi/man.cgi?query=if_nametoindex&sektion=3
    /// [fstat(2)]: https://man.freebsd.org/cgi/man.cgi?query=fstat&sektion=2
    #[doc(alias = "SIOCSIFRVNET")]
    pub fn reclaim_interface(&self, name: &str) -> Result<()> {
        self.interface(name, Move::Back)
    }

    fn interface(&self, name: &str, way: Move) -> Result<()> {
        if name.is_empty() || name.len() > NAME_MAX || name.contains('\0') {
            return Err(Error::refused(
                ErrorKind::InvalidValue,
                format_args!("{name:?} is not an interface name: it must have 1 to 15 bytes and no NUL"),
            ));
        }
        self.check_has_stack()?;
        if way == Move::Back && Trap::T51.is_there(&self.system) {
            let is_taken = self.system.has_interface(name.as_bytes());
            if is_taken.map_err(|errno| self.interface_error(errno, name, way))? {
                return Err(Error::refused(
                    ErrorKind::AlreadyExists,
                    format_args!(
                        "this network stack already has an interface {name}, and the kernel would make a second one"
                    ),
                ));
            }
        }
        self.system
            .move_interface(name.as_bytes(), self.jid().get(), way)
            .map_err(|errno| self.interface_error(errno, name, way))?;
        // The call takes the jid, which was this jail's if the jail is still alive.
        if self.descriptor().is_some() && !self.is_alive()? {
            return Err(Error::refused(
                ErrorKind::Gone,
                format_args!(
                    "the jail was removed while {name} was moved; the interface comes back when the jail is gone"
                ),
            ));
        }
        Ok(())
    }

    /// Refuses a jail without a network stack of its own. T51: the kernel would take that of a jail above.
    fn check_has_stack(&self) -> Result<()> {
        match self.get(param::VNET) {
            Ok(Sharing::New) => Ok(()),
            Ok(_) => Err(Error::refused(
                ErrorKind::InvalidRequest,
                "the jail has no network stack of its own: create it with vnet",
            )),
            Err(error) if error.kind() == ErrorKind::UnknownParameter => {
                Err(error.with_kind(ErrorKind::Unsupported).because(WITHOUT_VIMAGE))
            }
            Err(error) => Err(error),
        }
    }

    fn interface_error(&self, errno: Errno, name: &str, way: Move) -> Error {
        let (here, there) = match way {
            Move::Into => ("here", "in the jail"),
            Move::Back => ("in the jail", "here"),
        };
        let (kind, reason) = match errno.0 {
            libc::ENOSYS => return Error::no_jails(Call::Ioctl),
            // A kernel without VIMAGE does not know the request.
            libc::EINVAL | libc::ENOTTY | libc::EOPNOTSUPP => {
                (ErrorKind::Unsupported, WITHOUT_VIMAGE.to_owned())
            }
            libc::EPERM => (ErrorKind::PermissionDenied, "moving an interface needs root".to_owned()),
            libc::EMFILE | libc::ENFILE => (ErrorKind::ResourceExhausted, String::new()),
            libc::EEXIST => {
                (ErrorKind::AlreadyExists, format!("there is an interface {name} {there} already"))
            }
            libc::ENXIO | libc::ENODEV if self.is_alive().is_ok_and(|alive| !alive) => {
                return Error::os(Call::Ioctl, errno, ErrorKind::NotFound, "").of_handle();
            }
            libc::ENXIO | libc::ENODEV => {
                (ErrorKind::NotFound, format!("there is no interface {name} {here}"))
            }
            _ => (ErrorKind::Other, String::new()),
        };
        let error = Error::os(Call::Ioctl, errno, kind, "");
        if reason.is_empty() { error } else { error.because(reason) }
    }
}

const WITHOUT_VIMAGE: &str = "the kernel was built without VIMAGE, and has no network stacks for jails";
