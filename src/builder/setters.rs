//! What can be set of a jail to be created.

#![forbid(unsafe_code)]

use core::ffi::c_ulong;
use std::ffi::OsStr;
use std::path::Path;

use super::JailBuilder;
use crate::error::{Error, ErrorKind, Result};
use crate::get::Present;
use crate::host::Vnet;
use crate::jail::Jail;
use crate::jid::Jid;
use crate::network::{Ip4, Ip6};
use crate::param::{self, Kind, Mode, parameters, since_text};
use crate::setters::{composed_setters, setter};

/// Who the jail is, and what it looks like from outside.
impl JailBuilder<'_> {
    /// Sets `name`. Default: the jail's number.
    ///
    /// `parent.child` names a jail below `parent`; it is then created as by [`Jail::child_builder`]. A name whose last
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

    /// Sets what another jail has, of the parameters named and of no others. Reads them in one jail_get(2), now.
    ///
    /// Each name must be in the [table](param::TABLE) as one that can be set, or be a permission `allow.*`, or a key of
    /// `meta` or `env`, of which one that the jail lacks is left out.
    ///
    /// ```
    /// # use freebsd_jail::{Jail, param, sim};
    /// # fn main() -> freebsd_jail::Result<()> {
    /// # let kernel = sim::Kernel::new();
    /// # let _guard = kernel.install();
    /// let one = Jail::builder().path("/").hostname("one").securelevel(2).create()?;
    /// let two = Jail::builder().path("/").copy_from(&one, &["securelevel"]).create()?;
    /// assert_eq!(two.get((param::SECURELEVEL, param::HOST_HOSTNAME.text()))?, (2, String::new()));
    /// # Ok(())
    /// # }
    /// ```
    pub fn copy_from(mut self, jail: &Jail, names: &[&str]) -> Self {
        if let Err(error) = self.try_copy_from(jail, names) {
            self.settings.fail(error);
        }
        self
    }

    fn try_copy_from(&mut self, jail: &Jail, names: &[&str]) -> Result<()> {
        let mut keys = Vec::with_capacity(names.len());
        for &name in names {
            let kind = match param::find(name) {
                Some(row) => row.kind,
                None if name.starts_with("allow.") => Kind::Bool,
                None => {
                    let reason = "its type is known neither by the table nor by its name";
                    return Err(Error::refused(ErrorKind::InvalidParameter, reason).about(name));
                }
            };
            keys.push((name, kind));
        }
        let values = jail.get(Present(&keys))?;
        for ((name, _), value) in keys.iter().zip(values) {
            if let Some(value) = value {
                self.settings.set_value(name, &value);
            }
        }
        Ok(())
    }

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
