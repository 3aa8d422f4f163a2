//! Permissions as bits.

use core::fmt;
use core::str::FromStr;

use bitflags::bitflags;

use crate::error::{Error, ErrorKind, Result};
use crate::param;

macro_rules! permissions {
    ($($(#[doc = $doc:literal])+ $flag:ident = $bit:literal, $constant:ident;)*) => {
        bitflags! {
            /// Permissions of a jail: its parameters `allow.*`, as a set.
            ///
            /// A jail cannot have a permission that its parent lacks. Permissions outside of the set are neither
            /// granted nor denied. Set permissions of modules that have no bit one at a time, by a
            /// [`Param`](crate::param::Param) or, for file systems, by name.
            ///
            /// ```
            /// use freebsd_jail::Allow;
            ///
            /// let set = Allow::RAW_SOCKETS | Allow::MOUNT | Allow::MOUNT_TMPFS;
            /// let names: Vec<_> = set.parameters().collect();
            /// assert_eq!(names, ["allow.raw_sockets", "allow.mount", "allow.mount.tmpfs"]);
            /// assert_eq!(Allow::from_parameter("allow.mount"), Some(Allow::MOUNT));
            /// ```
            #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
            pub struct Allow: u64 {
                $(
                    $(#[doc = $doc])+
                    ///
                    #[doc = concat!("See [`param::allow::", stringify!($constant), "`](crate::param::allow::", stringify!($constant), ").")]
                    const $flag = 1 << $bit;
                )*
            }
        }

        /// Each permission with its parameter's name.
        const NAMES: &[(Allow, &str)] = &[$((Allow::$flag, param::allow::$constant.name())),*];
    };
}

permissions! {
    /// Root may change the host name. On by default, if the parent has it.
    SET_HOSTNAME = 0, SET_HOSTNAME;
    /// All System V IPC of the parent may be used.
    SYSVIPC = 1, SYSVIPC;
    /// Root may open raw sockets.
    RAW_SOCKETS = 2, RAW_SOCKETS;
    /// Root may change the system's file flags.
    CHFLAGS = 3, CHFLAGS;
    /// Root may mount file systems that have a permission of their own.
    MOUNT = 4, MOUNT;
    /// Root may set disk quotas.
    QUOTAS = 5, QUOTAS;
    /// Sockets of any protocol may be opened.
    SOCKET_AF = 6, SOCKET_AF;
    /// Memory may be locked.
    MLOCK = 7, MLOCK;
    /// Root may bind to ports below 1024. On by default, if the parent has it.
    RESERVED_PORTS = 8, RESERVED_PORTS;
    /// The kernel's messages may be read.
    READ_MSGBUF = 9, READ_MSGBUF;
    /// Users may debug their processes. On by default, if the parent has it.
    UNPRIVILEGED_PROC_DEBUG = 10, UNPRIVILEGED_PROC_DEBUG;
    /// Root has privileges. On by default, if the parent has it.
    SUSER = 11, SUSER;
    /// The NFS server may run. Since FreeBSD 14.0.
    NFSD = 12, NFSD;
    /// Root may change extended attributes of the system namespace. Since FreeBSD 15.0.
    EXTATTR = 13, EXTATTR;
    /// Root may slew the clock. Since FreeBSD 15.0.
    ADJTIME = 14, ADJTIME;
    /// Root may set the clock. Since FreeBSD 15.0.
    SETTIME = 15, SETTIME;
    /// Root may change routes. Since FreeBSD 14.4.
    ROUTING = 16, ROUTING;
    /// Root may set audit sessions. Since FreeBSD 15.0.
    SETAUDIT = 17, SETAUDIT;
    /// Users of the parent may tamper with processes of the same user. Since FreeBSD 14.4, where it is on by default.
    UNPRIVILEGED_PARENT_TAMPERING = 18, UNPRIVILEGED_PARENT_TAMPERING;
    /// Root may run virtual machines. With the module vmm.
    VMM = 19, VMM;
    /// Root may give PCI devices to virtual machines. With the module vmm, since FreeBSD 15.1.
    VMM_PPT = 20, VMM_PPT;
    /// Root may mount devfs.
    MOUNT_DEVFS = 32, MOUNT_DEVFS;
    /// Root may mount fdescfs, once its module is loaded.
    MOUNT_FDESCFS = 33, MOUNT_FDESCFS;
    /// Root may mount file systems in user space, once the module fusefs is loaded.
    MOUNT_FUSEFS = 34, MOUNT_FUSEFS;
    /// Root may mount linprocfs, once its module is loaded.
    MOUNT_LINPROCFS = 35, MOUNT_LINPROCFS;
    /// Root may mount linsysfs, once its module is loaded.
    MOUNT_LINSYSFS = 36, MOUNT_LINSYSFS;
    /// Root may mount nullfs, once its module is loaded.
    MOUNT_NULLFS = 37, MOUNT_NULLFS;
    /// Root may mount p9fs, once its module is loaded.
    MOUNT_P9FS = 38, MOUNT_P9FS;
    /// Root may mount procfs, once its module is loaded.
    MOUNT_PROCFS = 39, MOUNT_PROCFS;
    /// Root may mount tmpfs, once its module is loaded.
    MOUNT_TMPFS = 40, MOUNT_TMPFS;
    /// Root may mount the jail's ZFS datasets, once the module is loaded.
    MOUNT_ZFS = 41, MOUNT_ZFS;
}

impl Allow {
    /// Returns the names of the set's parameters.
    pub fn parameters(self) -> impl Iterator<Item = &'static str> {
        NAMES.iter().filter(move |(flag, _)| self.contains(*flag)).map(|(_, name)| *name)
    }

    /// Returns the permission of a parameter's name.
    #[must_use]
    pub fn from_parameter(name: &str) -> Option<Self> {
        NAMES.iter().find(|(_, other)| *other == name).map(|(flag, _)| *flag)
    }

    /// Returns the permission of a name with or without `allow.` before it.
    pub(crate) fn from_short_name(name: &str) -> Option<Self> {
        let short = short(name);
        NAMES.iter().find(|(_, other)| self::short(other) == short).map(|(flag, _)| *flag)
    }
}

fn short(name: &str) -> &str {
    name.strip_prefix("allow.").unwrap_or(name)
}

/// The names without `allow.`, separated by `|`.
///
/// ```
/// use freebsd_jail::Allow;
///
/// # fn main() -> freebsd_jail::Result<()> {
/// assert_eq!((Allow::RAW_SOCKETS | Allow::MOUNT_TMPFS).to_string(), "raw_sockets|mount.tmpfs");
/// let set: Allow = "allow.raw_sockets, mount.tmpfs".parse()?;
/// assert_eq!(set, Allow::RAW_SOCKETS | Allow::MOUNT_TMPFS);
/// assert!("raw_socket".parse::<Allow>().is_err());
/// # Ok(())
/// # }
/// ```
impl fmt::Display for Allow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (place, name) in self.parameters().enumerate() {
            if place > 0 {
                f.write_str("|")?;
            }
            f.write_str(short(name))?;
        }
        Ok(())
    }
}

/// Names separated by `|` or commas, with or without `allow.`. An unknown name is refused: see
/// [`Permissions`](crate::Permissions).
impl FromStr for Allow {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let names = text.split(['|', ',']).map(str::trim).filter(|name| !name.is_empty());
        names
            .map(|name| {
                let unknown = || Error::refused(ErrorKind::InvalidValue, "unknown permission").about(name);
                Self::from_short_name(name).ok_or_else(unknown)
            })
            .collect()
    }
}
