//! What there is to know of a jail, at once.

#![forbid(unsafe_code)]

use core::ffi::c_ulong;
use std::ffi::OsString;
use std::net::{Ipv4Addr, Ipv6Addr};
use std::path::PathBuf;
use std::sync::atomic::{AtomicU8, Ordering};

use crate::error::{ErrorKind, Result};
use crate::jail::Jail;
use crate::jid::Jid;
use crate::param::{self, Mode};

/// What a jail is, as [`Jail::info`] read it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(deny_unknown_fields))]
#[non_exhaustive]
pub struct JailInfo {
    /// The jail's number.
    pub jid: Jid,
    /// Its name, as this process sees it: that of a nested jail starts with those of the jails above it.
    #[cfg_attr(feature = "serde", serde(with = "crate::serial::text"))]
    pub name: OsString,
    /// The jail above, `None` where that is this process's own.
    pub parent: Option<Jid>,
    /// Its root directory.
    #[cfg_attr(feature = "serde", serde(with = "crate::serial::text"))]
    pub path: PathBuf,
    /// Its host name.
    #[cfg_attr(feature = "serde", serde(with = "crate::serial::text"))]
    pub hostname: OsString,
    /// Its NIS domain name.
    #[cfg_attr(feature = "serde", serde(with = "crate::serial::text"))]
    pub domainname: OsString,
    /// Its host's UUID.
    #[cfg_attr(feature = "serde", serde(with = "crate::serial::text"))]
    pub hostuuid: OsString,
    /// Its host's number.
    pub hostid: c_ulong,
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
    /// How much it sees of what is mounted.
    pub enforce_statfs: i32,
    /// Its devfs ruleset.
    pub devfs_ruleset: i32,
    /// What it takes the system's version for.
    #[cfg_attr(feature = "serde", serde(with = "crate::serial::text"))]
    pub osrelease: OsString,
    /// What it takes the system's version number for.
    pub osreldate: i32,
    /// The number of its cpuset.
    pub cpuset: i32,
    /// How many jails are below it.
    pub children_cur: i32,
    /// How many jails may be below it.
    pub children_max: i32,
    /// Whether it stays when it has no processes.
    pub persist: bool,
    /// Whether it is being removed.
    pub dying: bool,
}

/// Which parameters a kernel has that it can be built without, as far as that was found out.
#[derive(Debug)]
pub(crate) struct Options(AtomicU8);

impl Options {
    const INET: u8 = 1;
    const INET6: u8 = 2;
    const VIMAGE: u8 = 4;

    /// Until a kernel says otherwise, it has them all.
    pub(crate) const fn all() -> Self {
        Self(AtomicU8::new(Self::INET | Self::INET6 | Self::VIMAGE))
    }

    /// Returns those that the kernel is thought to have.
    fn get(&self) -> u8 {
        self.0.load(Ordering::Relaxed)
    }

    /// Notes that the kernel does not know a parameter. Says whether that is one of the options that it was asked for,
    /// whatever another thread has found out meanwhile.
    fn lacks(&self, asked: u8, parameter: &str) -> bool {
        let option = match parameter {
            "ip4" | "ip4.addr" => Self::INET,
            "ip6" | "ip6.addr" => Self::INET6,
            "vnet" => Self::VIMAGE,
            _ => return false,
        };
        self.0.fetch_and(!option, Ordering::Relaxed);
        asked & option != 0
    }
}

impl Jail {
    /// Reads the usual things at once.
    ///
    /// Wraps jail_get(2), one call. Of a kernel that was built without IPv4, IPv6 or network stacks of jails' own, the
    /// first time takes one call more for each; the jail has none of it then.
    ///
    /// # Errors
    ///
    /// As [`Jail::get`].
    ///
    /// # FreeBSD versions
    ///
    /// All have what is read. Since 15.0 it is the handle's own jail's; before, that of the jail that has its number.
    ///
    /// ```
    /// # use freebsd_jail::{Jail, sim};
    /// # fn main() -> freebsd_jail::Result<()> {
    /// # let kernel = sim::Kernel::new();
    /// # let _guard = kernel.install();
    /// let jail = Jail::builder().name("www").path("/").hostname("www.example.org").create()?;
    /// let info = jail.info()?;
    /// assert_eq!((info.jid, info.name.to_str()), (jail.jid(), Some("www")));
    /// assert_eq!((info.children_max, info.persist, info.dying), (0, true, false));
    /// # Ok(())
    /// # }
    /// ```
    pub fn info(&self) -> Result<JailInfo> {
        let options = &self.system.cache().options;
        loop {
            let asked = options.get();
            match self.read_info(asked) {
                Err(error)
                    if error.kind() == ErrorKind::UnknownParameter
                        && error.parameter().is_some_and(|name| options.lacks(asked, name)) => {}
                result => return result,
            }
        }
    }

    fn read_info(&self, options: u8) -> Result<JailInfo> {
        let has = |option| options & option != 0;
        let ip4 = has(Options::INET).then_some((param::IP4, param::IP4_ADDR));
        let ip6 = has(Options::INET6).then_some((param::IP6, param::IP6_ADDR));
        let vnet = has(Options::VIMAGE).then_some(param::VNET);
        let names = (
            (param::JID, param::NAME, param::PARENT, param::PATH, param::OSRELEASE),
            (param::HOST_HOSTNAME, param::HOST_DOMAINNAME, param::HOST_HOSTUUID, param::HOST_HOSTID),
        );
        let numbers = (
            (param::SECURELEVEL, param::ENFORCE_STATFS, param::DEVFS_RULESET, param::OSRELDATE),
            (param::CPUSET_ID, param::CHILDREN_CUR, param::CHILDREN_MAX, param::PERSIST, param::DYING),
        );
        let (names, numbers, (ip4, ip6, vnet)) = self.get((names, numbers, (ip4, ip6, vnet)))?;
        let ((jid, name, parent, path, osrelease), (hostname, domainname, hostuuid, hostid)) = names;
        let (levels, (cpuset, children_cur, children_max, persist, dying)) = numbers;
        let (securelevel, enforce_statfs, devfs_ruleset, osreldate) = levels;
        let (ip4, ip4_addr) = ip4.unwrap_or((Mode::Disable, Vec::new()));
        let (ip6, ip6_addr) = ip6.unwrap_or((Mode::Disable, Vec::new()));
        Ok(JailInfo {
            jid,
            name,
            parent,
            path,
            hostname,
            domainname,
            hostuuid,
            hostid,
            ip4,
            ip4_addr,
            ip6,
            ip6_addr,
            vnet: vnet == Some(Mode::New),
            securelevel,
            enforce_statfs,
            devfs_ruleset,
            osrelease,
            osreldate,
            cpuset,
            children_cur,
            children_max,
            persist,
            dying,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_option_that_another_thread_found_missing_is_missing_for_this_one_too() {
        let options = Options::all();
        // Both have asked before either has an answer.
        let (one, other) = (options.get(), options.get());
        assert!(options.lacks(one, "ip6.addr"));
        assert!(options.lacks(other, "ip6"));
        // One that was not asked for is no reason to ask again.
        assert!(!options.lacks(options.get(), "ip6"));
        assert!(!options.lacks(options.get(), "securelevel"));
        assert_eq!(options.get(), Options::INET | Options::VIMAGE);
    }
}
