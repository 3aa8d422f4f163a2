//! The flags of the calls.

use core::ffi::c_int;

use bitflags::bitflags;

use crate::sys;

bitflags! {
    /// Flags of [jail_set(2)], without those for the use of a descriptor (see [`At`](crate::raw::At)).
    ///
    /// Unknown bits are kept and sent; the kernel refuses those that it does not know.
    ///
    /// [jail_set(2)]: https://man.freebsd.org/cgi/man.cgi?query=jail_set&sektion=2
    #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
    pub struct SetFlags: c_int {
        /// Create the jail.
        const CREATE = sys::JAIL_CREATE;
        /// Update the jail.
        const UPDATE = sys::JAIL_UPDATE;
        /// Attach this process to the jail.
        const ATTACH = sys::JAIL_ATTACH;
        /// Update a jail that is being removed, and so revive it. Ignored since FreeBSD 15.0.
        const DYING = sys::JAIL_DYING;
        /// Return a new descriptor of the jail. Since FreeBSD 15.0.
        const GET_DESC = sys::JAIL_GET_DESC;
        /// Return a new descriptor of the jail that removes it when its last copy is closed. Since FreeBSD 15.0.
        const OWN_DESC = sys::JAIL_OWN_DESC;
        const _ = !0;
    }
}

bitflags! {
    /// Flags of [jail_get(2)], without those for the use of a descriptor (see [`At`](crate::raw::At)).
    ///
    /// Unknown bits are kept and sent; the kernel refuses those that it does not know.
    ///
    /// [jail_get(2)]: https://man.freebsd.org/cgi/man.cgi?query=jail_get&sektion=2
    #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
    pub struct GetFlags: c_int {
        /// Find jails that are being removed, too.
        const DYING = sys::JAIL_DYING;
        /// Return a new descriptor of the jail. Since FreeBSD 15.0.
        const GET_DESC = sys::JAIL_GET_DESC;
        /// Return a new descriptor of the jail that removes it when its last copy is closed. Since FreeBSD 15.0.
        const OWN_DESC = sys::JAIL_OWN_DESC;
        const _ = !0;
    }
}
