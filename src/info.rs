//! The most used parameters of a jail.

use std::ffi::OsString;
use std::path::PathBuf;

#[cfg(doc)]
use crate::jail::Jail;
use crate::jid::Jid;
use crate::network::Network;
use crate::param::EnforceStatfs;

/// The most used parameters of a jail, from [`Jail::info`].
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct JailInfo {
    /// The jail's jid.
    pub jid: Jid,
    /// Its name, as this process sees it: a nested jail's starts with those of the jails above it.
    #[cfg_attr(feature = "serde", serde(default, with = "crate::param::text"))]
    pub name: OsString,
    /// The parent, `None` if it is this process's own jail.
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
    /// The OS release it reports (`uname -r`).
    #[cfg_attr(feature = "serde", serde(default, with = "crate::param::text"))]
    pub osrelease: OsString,
    /// The OS version it reports (`uname -K`).
    #[cfg_attr(feature = "serde", serde(default))]
    pub osreldate: i32,
    /// The id of its cpuset.
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
