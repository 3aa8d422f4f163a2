//! What there is to know of a jail, at once.

use std::ffi::OsString;
use std::net::{Ipv4Addr, Ipv6Addr};
use std::path::PathBuf;

#[cfg(doc)]
use crate::jail::Jail;
use crate::jid::Jid;
#[cfg(doc)]
use crate::param;
use crate::param::{EnforceStatfs, Mode};

/// What a jail is, as [`Jail::info`] read it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(deny_unknown_fields))]
#[non_exhaustive]
pub struct JailInfo {
    /// The jail's number.
    pub jid: Jid,
    /// Its name, as this process sees it: that of a nested jail starts with those of the jails above it.
    #[cfg_attr(feature = "serde", serde(with = "crate::param::text"))]
    pub name: OsString,
    /// The jail above, `None` where that is this process's own.
    pub parent: Option<Jid>,
    /// Its root directory.
    #[cfg_attr(feature = "serde", serde(with = "crate::param::text"))]
    pub path: PathBuf,
    /// Its host name.
    #[cfg_attr(feature = "serde", serde(with = "crate::param::text"))]
    pub hostname: OsString,
    /// Its NIS domain name.
    #[cfg_attr(feature = "serde", serde(with = "crate::param::text"))]
    pub domainname: OsString,
    /// Its host's UUID.
    #[cfg_attr(feature = "serde", serde(with = "crate::param::text"))]
    pub hostuuid: OsString,
    /// Its host's id.
    pub hostid: u64,
    /// Where its IPv4 addresses come from, as the kernel reads it: see [`param::IP4`].
    pub ip4: Mode,
    /// Its IPv4 addresses, the first being the primary one.
    pub ip4_addr: Vec<Ipv4Addr>,
    /// Where its IPv6 addresses come from, as the kernel reads it: see [`param::IP6`].
    pub ip6: Mode,
    /// Its IPv6 addresses, the first being the primary one.
    pub ip6_addr: Vec<Ipv6Addr>,
    /// Whether it has a network stack of its own.
    pub vnet: bool,
    /// Its secure level.
    pub securelevel: i32,
    /// Which mounted file systems it can see.
    pub enforce_statfs: EnforceStatfs,
    /// Its devfs ruleset.
    pub devfs_ruleset: i32,
    /// What it takes the system's version for.
    #[cfg_attr(feature = "serde", serde(with = "crate::param::text"))]
    pub osrelease: OsString,
    /// What it takes the system's version number for.
    pub osreldate: i32,
    /// The number of its cpuset.
    pub cpuset: i32,
    /// How many jails are below it.
    pub children_cur: u32,
    /// How many jails may be below it.
    pub children_max: u32,
    /// Whether it stays when it has no processes.
    pub persist: bool,
    /// Whether it is being removed.
    pub dying: bool,
}
