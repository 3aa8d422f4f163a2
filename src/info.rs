//! What there is to know of a jail, at once.

use std::ffi::OsString;
use std::path::PathBuf;

#[cfg(doc)]
use crate::jail::Jail;
use crate::jid::Jid;
use crate::network::Network;
use crate::param::EnforceStatfs;

/// What a jail is, as [`Jail::info`] read it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct JailInfo {
    /// The jail's number.
    pub jid: Jid,
    /// Its name, as this process sees it: that of a nested jail starts with those of the jails above it.
    #[cfg_attr(feature = "serde", serde(default, with = "crate::param::text"))]
    pub name: OsString,
    /// The jail above, `None` where that is this process's own.
    #[cfg_attr(feature = "serde", serde(default))]
    pub parent: Option<Jid>,
    /// Its root directory.
    #[cfg_attr(feature = "serde", serde(default, with = "crate::param::text"))]
    pub path: PathBuf,
    /// Its host name.
    #[cfg_attr(feature = "serde", serde(default, with = "crate::param::text"))]
    pub hostname: OsString,
    /// Its NIS domain name.
    #[cfg_attr(feature = "serde", serde(default, with = "crate::param::text"))]
    pub domainname: OsString,
    /// Its host's UUID.
    #[cfg_attr(feature = "serde", serde(default, with = "crate::param::text"))]
    pub hostuuid: OsString,
    /// Its host's id.
    #[cfg_attr(feature = "serde", serde(default))]
    pub hostid: u64,
    /// Its network.
    #[cfg_attr(feature = "serde", serde(default))]
    pub network: Network,
    /// Its secure level.
    #[cfg_attr(feature = "serde", serde(default))]
    pub securelevel: i32,
    /// Which mounted file systems it can see.
    #[cfg_attr(feature = "serde", serde(default))]
    pub enforce_statfs: EnforceStatfs,
    /// Its devfs ruleset.
    #[cfg_attr(feature = "serde", serde(default))]
    pub devfs_ruleset: i32,
    /// What it takes the system's version for.
    #[cfg_attr(feature = "serde", serde(default, with = "crate::param::text"))]
    pub osrelease: OsString,
    /// What it takes the system's version number for.
    #[cfg_attr(feature = "serde", serde(default))]
    pub osreldate: i32,
    /// The number of its cpuset.
    #[cfg_attr(feature = "serde", serde(default))]
    pub cpuset: i32,
    /// How many jails are below it.
    #[cfg_attr(feature = "serde", serde(default))]
    pub children_cur: u32,
    /// How many jails may be below it.
    #[cfg_attr(feature = "serde", serde(default))]
    pub children_max: u32,
    /// Whether it stays when it has no processes.
    #[cfg_attr(feature = "serde", serde(default))]
    pub persist: bool,
    /// Whether it is being removed.
    #[cfg_attr(feature = "serde", serde(default))]
    pub dying: bool,
}
