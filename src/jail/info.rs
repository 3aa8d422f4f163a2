//! Reading the most used parameters of a jail.

use super::Jail;
use crate::error::{ErrorKind, Result};
use crate::info::JailInfo;
use crate::param::{self, Mode};
use crate::sys::Options;

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
