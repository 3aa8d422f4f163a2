//! The table of parameters: constants, setters and checks come from it.

#![forbid(unsafe_code)]

use std::ffi::OsString;
use std::net::{Ipv4Addr, Ipv6Addr};
use std::path::PathBuf;

use super::access::Marker;
use super::{Access, Decode, Kind, Mode, Param};
use crate::Jid;

/// The most bytes of a jail's name, its NUL included (`MAXHOSTNAMELEN`).
pub(crate) const NAME_MAX: usize = 256;

/// A row of the table: what is known of a parameter.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct Definition {
    /// The parameter's name.
    pub name: &'static str,
    /// How its value looks on the wire.
    pub kind: Kind,
    /// What may be done with it.
    pub access: Access,
    /// The most bytes that a value may have, a string's NUL included; 0 where only the system's settings limit it.
    pub max: usize,
    /// The least and the greatest value of an integer.
    pub range: Option<(i32, i32)>,
}

macro_rules! parameters {
    ($($(#[$doc:meta])* $constant:ident: $type:ty, $access:ident = $name:literal
        $(, max $max:literal)? $(, range $least:tt ..= $most:tt)?;)*) => {
        mod definitions {
            use super::*;
            $(pub(super) static $constant: Definition = Definition {
                name: $name,
                kind: <$type as Decode>::KIND,
                access: <super::super::$access as Marker>::ACCESS,
                max: 0 $(+ $max)?,
                range: { let range: Option<(i32, i32)> = None; $(let range = { let _ = range; Some(($least, $most)) };)? range },
            };)*
        }

        $($(#[$doc])* pub const $constant: Param<'static, $type, super::$access> =
            Param::defined(&definitions::$constant);)*

        /// All rows, in the order of the manual page.
        pub const TABLE: &[&Definition] = &[$(&definitions::$constant),*];
    };
}

parameters! {
    /// The jail's number.
    JID: Jid, CreateOnly = "jid";
    /// The jail's name; `.` separates the names of nested jails.
    NAME: OsString, ReadWrite = "name", max 256;
    /// The directory that is the jail's root.
    PATH: PathBuf, CreateOnly = "path", max 1024;
    /// The jail above, `None` where that is the caller's own.
    PARENT: Option<Jid>, ReadOnly = "parent";
    /// Whether the jail is being removed.
    DYING: bool, ReadOnly = "dying";
    /// How many of the system's security restrictions hold.
    SECURELEVEL: i32, ReadWrite = "securelevel";
    /// Whether the jail stays when it has no processes.
    PERSIST: bool, ReadWrite = "persist";
    /// How many jails are below this one.
    CHILDREN_CUR: i32, ReadOnly = "children.cur";
    /// How many jails may be below this one.
    CHILDREN_MAX: i32, ReadWrite = "children.max", range 0..=2_147_483_647;
    /// The jail's host name.
    HOST_HOSTNAME: OsString, ReadWrite = "host.hostname", max 256;
    /// Where the jail's IPv4 addresses come from.
    IP4: Mode, CreateOnly = "ip4";
    /// The jail's IPv4 addresses, the first being the primary one.
    IP4_ADDR: Vec<Ipv4Addr>, ReadWrite = "ip4.addr";
    /// Where the jail's IPv6 addresses come from.
    IP6: Mode, CreateOnly = "ip6";
    /// The jail's IPv6 addresses, the first being the primary one.
    IP6_ADDR: Vec<Ipv6Addr>, ReadWrite = "ip6.addr";
}

/// Finds the row of a name.
#[must_use]
pub fn find(name: &str) -> Option<&'static Definition> {
    TABLE.iter().copied().find(|definition| definition.name == name)
}
