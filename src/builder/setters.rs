//! The setters of a builder.

use std::ffi::OsStr;
use std::net::IpAddr;
use std::path::Path;

use super::JailBuilder;
use crate::jid::Jid;
use crate::network::{Ip4, Ip6, Network};
use crate::param::{self, Mode, Sharing};
use crate::settings::module_setters::{entry_setters, ipc_setters, module_setters};
use crate::settings::setters::{
    any_setters, host_setters, limit_setters, permission_setters, source_address_setters,
};
use crate::update::JailUpdate;

/// # Identity
impl JailBuilder {
    /// Sets `name`. Default: the jail's jid.
    ///
    /// `parent.child` is a jail below `parent`, created as by [`Jail::child_builder`](crate::Jail::child_builder). A
    /// name whose last component is a decimal number is refused unless [`jid`](Self::jid) sets the same one. At most
    /// 255 bytes, including the names of the jails above. See [`param::NAME`].
    ///
    /// ```
    /// # use freebsd_jail::{Jail, sim};
    /// # fn main() -> freebsd_jail::Result<()> {
    /// # let kernel = sim::Kernel::new();
    /// # let _guard = kernel.install();
    /// let web = Jail::builder().name("web").path("/").children_max(1).create()?;
    /// let www = Jail::builder().name("web.www").path("/").create()?; // below `web`
    /// assert_eq!(web.open_child("www")?.jid(), www.jid());
    /// # Ok(())
    /// # }
    /// ```
    pub fn name(self, name: impl AsRef<OsStr>) -> Self {
        self.set(param::NAME, name.as_ref())
    }

    /// Sets `jid`. Default: the kernel picks one from 1 to 999,999.
    ///
    /// See [`param::JID`].
    ///
    /// ```
    /// # use freebsd_jail::{Jail, Jid, sim};
    /// # fn main() -> freebsd_jail::Result<()> {
    /// # let kernel = sim::Kernel::new();
    /// # let _guard = kernel.install();
    /// let jid = Jid::new(7).expect("above zero");
    /// let jail = Jail::builder().path("/").jid(jid).name("7").create()?;
    /// assert_eq!(jail.jid(), jid);
    /// # Ok(())
    /// # }
    /// ```
    pub fn jid(self, jid: Jid) -> Self {
        self.set(param::JID, jid)
    }

    /// Sets `path`, the directory that becomes the jail's root. Default: this process's root.
    ///
    /// It must exist, and is looked up from this process's root. A nested jail needs it. At most 1,023 bytes. See
    /// [`param::PATH`].
    ///
    /// ```
    /// # use freebsd_jail::{Jail, param, sim};
    /// # fn main() -> freebsd_jail::Result<()> {
    /// # let kernel = sim::Kernel::new();
    /// # let _guard = kernel.install();
    /// let jail = Jail::builder().path("/usr/jail").create()?;
    /// assert_eq!(jail.get(param::PATH)?.to_str(), Some("/usr/jail"));
    /// # Ok(())
    /// # }
    /// ```
    pub fn path(self, path: impl AsRef<Path>) -> Self {
        self.set(param::PATH, path.as_ref())
    }

    /// Sets `osrelease`, the OS release that the jail reports (`uname -r`), at most 30 bytes.
    ///
    /// For programs that expect another release; nothing else about the system changes. Default: the parent's, on the
    /// host the kernel's own. See [`param::OSRELEASE`].
    ///
    /// ```
    /// # use freebsd_jail::{Jail, param, sim};
    /// # fn main() -> freebsd_jail::Result<()> {
    /// # let kernel = sim::Kernel::new();
    /// # let _guard = kernel.install();
    /// let jail = Jail::builder().path("/").osrelease("14.2-RELEASE").osreldate(1402000).create()?;
    /// assert_eq!(jail.get((param::OSRELEASE.utf8(), param::OSRELDATE))?, ("14.2-RELEASE".into(), 1402000));
    /// # Ok(())
    /// # }
    /// ```
    pub fn osrelease(self, osrelease: impl AsRef<OsStr>) -> Self {
        self.set(param::OSRELEASE, osrelease.as_ref())
    }

    /// Sets `osreldate`, the OS version that the jail reports (`uname -K`), such as 1302001; it cannot be 0.
    ///
    /// The kernel uses it where system calls differ between releases. Default: the parent's, on the host the kernel's
    /// own. See [`param::OSRELDATE`].
    pub fn osreldate(self, osreldate: i32) -> Self {
        self.set(param::OSRELDATE, osreldate)
    }
}

/// # Host names
///
/// ```
/// use freebsd_jail::Jail;
///
/// let described = Jail::builder().hostname("www.example.org").domainname("example.org").hostid(7);
/// assert!(described.check().is_ok());
/// ```
impl JailBuilder {
    host_setters!();
}

/// # Network
impl JailBuilder {
    /// Sets the network. It replaces a network that was set before, by any setter. Default: none.
    ///
    /// Families without addresses are not sent, since that is the default. A network stack of the jail's own needs a
    /// kernel with option `VIMAGE`; its addresses are set inside. See [`param::VNET`], [`param::IP4`],
    /// [`param::IP4_ADDR`], [`param::IP6`] and [`param::IP6_ADDR`].
    ///
    /// ```
    /// # use freebsd_jail::{Jail, Network, sim};
    /// # fn main() -> freebsd_jail::Result<()> {
    /// # let kernel = sim::Kernel::new();
    /// # let _guard = kernel.install();
    /// let own = Jail::builder().path("/").network(Network::own_stack()).create()?;
    /// assert!(own.info()?.network.has_own_stack());
    /// let shared = Jail::builder().path("/").network(Network::inherited()).create()?;
    /// assert!(shared.info()?.network.is_inherited());
    /// # Ok(())
    /// # }
    /// ```
    pub fn network(mut self, network: Network) -> Self {
        for name in ["vnet", "ip4", "ip4.addr", "ip6", "ip6.addr"] {
            self.settings.unset(name);
        }
        match network {
            Network::Own => self.set(param::VNET, Sharing::New),
            Network::Shared { ip4, ip6 } => {
                let with_ip4 = if ip4 == Ip4::NONE { self } else { self.ip4(ip4) };
                if ip6 == Ip6::NONE { with_ip4 } else { with_ip4.ip6(ip6) }
            }
        }
    }

    /// Sets the addresses of a jail that shares its parent's network stack. The first of IPv4, and the first of IPv6,
    /// are the primary ones.
    ///
    /// The same as [`network`](Self::network) of [`Network::addresses`].
    ///
    /// ```
    /// # use freebsd_jail::{Jail, sim};
    /// # fn main() -> freebsd_jail::Result<()> {
    /// # let kernel = sim::Kernel::new();
    /// # let _guard = kernel.install();
    /// let addresses = ["10.0.0.22", "2001:db8::22"].map(|address| address.parse().expect("an address"));
    /// let jail = Jail::builder().path("/").addresses(addresses).create()?;
    /// assert_eq!(jail.info()?.network.to_string(), "10.0.0.22, 2001:db8::22");
    /// # Ok(())
    /// # }
    /// ```
    pub fn addresses(self, addresses: impl IntoIterator<Item = IpAddr>) -> Self {
        self.network(Network::addresses(addresses))
    }

    /// Sets `ip4` or `ip4.addr`, the IPv4 addresses: a list whose first one is primary, none, or all of the parent's.
    /// Default: none.
    ///
    /// For jails whose IPv4 and IPv6 differ. It cannot be combined with a network stack of the jail's own. See
    /// [`param::IP4`] and [`param::IP4_ADDR`].
    ///
    /// ```
    /// use std::net::Ipv4Addr;
    ///
    /// # use freebsd_jail::{Jail, param::{self, Ip4, Mode}, sim};
    /// # fn main() -> freebsd_jail::Result<()> {
    /// # let kernel = sim::Kernel::new();
    /// # let _guard = kernel.install();
    /// let jail = Jail::builder().path("/").ip4([[10, 0, 0, 22].into()]).create()?;
    /// assert_eq!(jail.get(param::IP4_ADDR)?, [Ipv4Addr::new(10, 0, 0, 22)]);
    /// let jail = Jail::builder().path("/").ip4(Ip4::Inherit).create()?;
    /// assert_eq!(jail.get(param::IP4)?, Mode::Inherit);
    /// # Ok(())
    /// # }
    /// ```
    pub fn ip4(mut self, ip4: impl Into<Ip4>) -> Self {
        match ip4.into() {
            Ip4::Addresses(addresses) => self.settings.set_instead("ip4", param::IP4_ADDR, &addresses),
            Ip4::Inherit => self.settings.set_instead("ip4.addr", param::IP4, &Mode::Inherit),
        }
        self
    }

    /// Sets `ip6` or `ip6.addr`, the IPv6 addresses: a list whose first one is primary, none, or all of the parent's.
    /// Default: none.
    ///
    /// For jails whose IPv4 and IPv6 differ. It cannot be combined with a network stack of the jail's own. See
    /// [`param::IP6`] and [`param::IP6_ADDR`].
    pub fn ip6(mut self, ip6: impl Into<Ip6>) -> Self {
        match ip6.into() {
            Ip6::Addresses(addresses) => self.settings.set_instead("ip6", param::IP6_ADDR, &addresses),
            Ip6::Inherit => self.settings.set_instead("ip6.addr", param::IP6, &Mode::Inherit),
        }
        self
    }

    source_address_setters!();
}

/// # Permissions
impl JailBuilder {
    permission_setters!();
}

/// # Limits
///
/// ```
/// use freebsd_jail::{Jail, param::EnforceStatfs};
///
/// let described = Jail::builder().securelevel(2).children_max(3).enforce_statfs(EnforceStatfs::BelowRoot);
/// assert!(described.check().is_ok());
/// ```
impl JailBuilder {
    limit_setters!();
}

/// # System V IPC
impl JailBuilder {
    ipc_setters!();
}

/// # Linux, ZFS and mac_do
impl JailBuilder {
    module_setters!();
}

/// # Metadata
impl JailBuilder {
    entry_setters!();
}

/// # Any parameter
impl JailBuilder {
    any_setters!(Creatable);
}
