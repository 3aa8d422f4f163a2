//! The constants of `sys/jail.h` that the model uses.

use core::ffi::c_int;

use bitflags::bitflags;

/// Create a jail.
pub const JAIL_CREATE: c_int = 0x01;
/// Change a jail.
pub const JAIL_UPDATE: c_int = 0x02;
/// Attach to the jail.
pub const JAIL_ATTACH: c_int = 0x04;
/// Find dying jails.
pub const JAIL_DYING: c_int = 0x08;
/// The jail is the descriptor's.
pub const JAIL_USE_DESC: c_int = 0x10;
/// Jails are looked up and made below the descriptor's.
pub const JAIL_AT_DESC: c_int = 0x20;
/// Return a new descriptor.
pub const JAIL_GET_DESC: c_int = 0x40;
/// Return a new descriptor whose last close removes the jail.
pub const JAIL_OWN_DESC: c_int = 0x80;
/// All flags for descriptors.
pub(super) const JAIL_ANY_DESC: c_int = JAIL_USE_DESC | JAIL_AT_DESC | JAIL_GET_DESC | JAIL_OWN_DESC;

/// The largest jid that the kernel picks, and the host's limit of children.
pub(super) const JAIL_MAX: c_int = 999_999;

/// A mode parameter's value: the jail has none.
pub const JAIL_SYS_DISABLE: c_int = 0;
/// A mode parameter's value: the jail has its own.
pub const JAIL_SYS_NEW: c_int = 1;
/// A mode parameter's value: the jail has its parent's.
pub const JAIL_SYS_INHERIT: c_int = 2;

/// The longest name of a jail or a host, with its NUL.
pub(super) const MAXHOSTNAMELEN: usize = 256;
/// The longest path, with its NUL.
pub(super) const MAXPATHLEN: usize = 1024;
/// The longest host UUID, with its NUL.
pub(super) const HOSTUUIDLEN: usize = 64;
/// The longest `osrelease`, with its NUL; the kernel wants one byte less.
pub(super) const OSRELEASELEN: usize = 32;
/// The host UUID of a jail that was given none.
pub(super) const DEFAULT_HOSTUUID: &[u8] = b"00000000-0000-0000-0000-000000000000";
/// The most addresses of one family in a jail: the default of `security.jail.jail_max_af_ips`.
pub(super) const MAX_AF_IPS: usize = 255;

bitflags! {
    /// A prison's `pr_flags`.
    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    pub(super) struct PrisonFlags: u32 {
        /// Lives without processes.
        const PERSIST = 0x0000_0001;
        /// Has a host name of its own.
        const HOST = 0x0000_0002;
        /// Has IPv4 addresses of its own, or none.
        const IP4_USER = 0x0000_0004;
        /// Has IPv6 addresses of its own, or none.
        const IP6_USER = 0x0000_0008;
        /// Has a network stack of its own.
        const VNET = 0x0000_0010;
        /// Chooses IPv4 source addresses as the host does.
        const IP4_SADDRSEL = 0x0000_0080;
        /// Chooses IPv6 source addresses as the host does.
        const IP6_SADDRSEL = 0x0000_0100;
        /// This jail or one above restricts IPv4.
        const IP4 = 0x0200_0000;
        /// This jail or one above restricts IPv6.
        const IP6 = 0x0400_0000;
    }
}

bitflags! {
    /// What letting go of a prison does: the `PD_*` flags of `prison_deref`.
    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    pub(super) struct LetGo: u8 {
        /// Drop a reference.
        const DEREF = 0x01;
        /// Drop a user reference.
        const DEUREF = 0x02;
        /// Remove the jail and what is below it, and kill its processes.
        const KILL = 0x04;
    }
}
