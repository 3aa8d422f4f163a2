//! Reading the most used parameters of a jail.

use super::Jail;
use crate::error::{ErrorKind, Result};
use crate::info::JailInfo;
use crate::network::{Ip4, Ip6, Network};
use crate::param::{self, Mode, Sharing};
use crate::sys::Options;

/// Pairs each key with the rest of them.
macro_rules! nested {
    () => { () };
    ($first:expr, $($rest:expr,)*) => { ($first, nested!($($rest,)*)) };
}

/// The pattern of the values of nested keys.
macro_rules! nested_pattern {
    () => { () };
    ($first:ident, $($rest:ident,)*) => { ($first, nested_pattern!($($rest,)*)) };
}

/// Reads each field by the key beside it, in one call.
macro_rules! read_fields {
    ($jail:ident, network = $network:tt { $($field:ident: $key:expr,)* }) => {{
        let ((vnet, ip4, ip6), nested_pattern!($($field,)*)) = $jail.get(($network, nested!($($key,)*)))?;
        let network = if vnet == Some(Sharing::New) {
            Network::Own
        } else {
            // The mode reads as `Disable` of a jail that has addresses of its own, too.
            let ip4 = ip4.map_or(Ip4::NONE, |(mode, addresses)| match mode {
                Mode::Inherit => Ip4::Inherit,
                _ => Ip4::Addresses(addresses),
            });
            let ip6 = ip6.map_or(Ip6::NONE, |(mode, addresses)| match mode {
                Mode::Inherit => Ip6::Inherit,
                _ => Ip6::Addresses(addresses),
            });
            Network::Shared { ip4, ip6 }
        };
        Ok(JailInfo { $($field,)* network })
    }};
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
        read_fields!(self, network = (vnet, ip4, ip6) {
            jid: param::JID,
            name: param::NAME,
            parent: param::PARENT,
            path: param::PATH,
            hostname: param::HOST_HOSTNAME,
            domainname: param::HOST_DOMAINNAME,
            hostuuid: param::HOST_HOSTUUID,
            hostid: param::HOST_HOSTID,
            securelevel: param::SECURELEVEL,
            enforce_statfs: param::ENFORCE_STATFS,
            devfs_ruleset: param::DEVFS_RULESET,
            osrelease: param::OSRELEASE,
            osreldate: param::OSRELDATE,
            cpuset: param::CPUSET_ID,
            children_cur: param::CHILDREN_CUR,
            children_max: param::CHILDREN_MAX,
            persist: param::PERSIST,
            dying: param::DYING,
        })
    }
}
