//! What can be set of a jail to be created.

use core::ffi::c_ulong;
use std::ffi::OsStr;
use std::path::Path;

use super::JailBuilder;
use crate::host::Vnet;
use crate::jid::Jid;
use crate::network::{Ip4, Ip6};
use crate::param::{self, Mode, parameters, since_text};
use crate::setters::{composed_setters, setter};

/// Who the jail is, and what it looks like from outside.
impl JailBuilder<'_> {
    /// Sets `name`. Default: the jail's number.
    ///
    /// `parent.child` names a jail below `parent`; it is then created as by [`Jail::child_builder`](crate::Jail::child_builder). A name whose last
    /// component is a decimal number is refused unless [`jid`](Self::jid) sets the same one. At most 255 bytes, the
    /// names of the jails above included. See [`param::NAME`] and jail(8).
    pub fn name(self, name: impl AsRef<OsStr>) -> Self {
        self.set(param::NAME, name.as_ref())
    }

    /// Sets `jid`: asks for a number. Default: the kernel picks one from 1 to 999,999.
    ///
    /// See [`param::JID`] and jail(8).
    pub fn jid(self, jid: Jid) -> Self {
        self.set(param::JID, jid)
    }

    /// Sets `path`, the directory that becomes the jail's root. Default: this process's root.
    ///
    /// It must exist, and is looked up from this process's root. A jail below another one needs it. At most 1,023
    /// bytes. See [`param::PATH`] and jail(8).
    pub fn path(self, path: impl AsRef<Path>) -> Self {
        self.set(param::PATH, path.as_ref())
    }
}

/// How the jail is connected.
impl JailBuilder<'_> {
    /// Sets `ip4` or `ip4.addr`, the IPv4 addresses: some, the first being the primary one, or none, or all that the
    /// parent has. Default: none.
    ///
    /// See [`param::IP4`], [`param::IP4_ADDR`] and jail(8).
    pub fn ip4(self, ip4: impl Into<Ip4>) -> Self {
        match ip4.into() {
            Ip4::Addresses(addresses) => self.unset("ip4").set(param::IP4_ADDR, addresses),
            Ip4::Disable => self.unset("ip4.addr").set(param::IP4, Mode::Disable),
            Ip4::Inherit => self.unset("ip4.addr").set(param::IP4, Mode::Inherit),
        }
    }

    /// Sets `ip6` or `ip6.addr`, the IPv6 addresses: some, the first being the primary one, or none, or all that the
    /// parent has. Default: none.
    ///
    /// See [`param::IP6`], [`param::IP6_ADDR`] and jail(8).
    pub fn ip6(self, ip6: impl Into<Ip6>) -> Self {
        match ip6.into() {
            Ip6::Addresses(addresses) => self.unset("ip6").set(param::IP6_ADDR, addresses),
            Ip6::Disable => self.unset("ip6.addr").set(param::IP6, Mode::Disable),
            Ip6::Inherit => self.unset("ip6.addr").set(param::IP6, Mode::Inherit),
        }
    }

    /// Sets `vnet`: whose network stack the jail has. Default: its parent's.
    ///
    /// Whichever is set, [`ip4`](Self::ip4) and [`ip6`](Self::ip6) cannot be set too: the addresses of a jail with a
    /// stack of its own are set inside. Takes a kernel with option `VIMAGE`. See [`param::VNET`] and jail(8).
    pub fn vnet(self, vnet: Vnet) -> Self {
        self.set(param::VNET, Mode::from(vnet))
    }
}

/// What is not one parameter in its own type.
impl JailBuilder<'_> {
    composed_setters!(Creatable);

    fn unset(mut self, name: &str) -> Self {
        self.settings.unset(name);
        self
    }
}

macro_rules! setters {
    ($(
        $(#[doc = $doc:literal])+
        $constant:ident: $type:ty, $access:ident, $name:literal, default $default:literal, since $since:ident
            $(, module $module:literal)? $(, max $max:literal)? $(, range $least:tt ..= $most:tt)?
            $(, setter $how:ident $setter:ident)?;
    )*) => {
        /// One parameter each, after the [table](param::TABLE).
        impl JailBuilder<'_> {
            $(setter! {
                $(#[doc = $doc])+
                $constant: $type, $name,
                concat!(
                    "\nDefault: ", $default, ". Since FreeBSD ", since_text!($since),
                    $(". Takes the module ", $module,)?
                    ". See [`param::", stringify!($constant), "`] and jail(8)."
                ),
                [$($how $setter)?]
            })*
        }
    };
}

parameters!(setters);
