//! The setters of an update.

use std::ffi::OsStr;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::JailUpdate;
use crate::param;
use crate::settings::module_setters::{entry_setters, ipc_setters, module_setters};
use crate::settings::setters::{
    any_setters, host_setters, limit_setters, permission_setters, source_address_setters,
};

/// # Identity
impl JailUpdate {
    /// Sets `name`; for a nested jail, its last component. A number must be the jail's own jid.
    ///
    /// At most 255 bytes, including the names of the jails above. See [`param::NAME`] and [jail(8)].
    ///
    /// # What is refused
    ///
    /// The kernel renames a jail of the host's level together with the jails below it. If it renames a nested jail, it
    /// garbles the names of the jails below, and may panic when they are listed from inside or by a descriptor (T19,
    /// T39). So a nested jail, or any jail if this process is inside one, is renamed only while its `children.cur` and
    /// `children.max` are both 0. A jail that is not below the jail of this process is never renamed (T26).
    ///
    /// With `kern.racct.enable`, which [rctl(8)] needs, the kernel may panic if a renamed jail, or one below it, has
    /// processes (T40). Then a jail is renamed only while none of them has a process or a zombie. **A process that
    /// attaches between this check and the rename is not covered.** The tunable is read once per process. If it is set,
    /// each rename reads the list of processes, and makes a call or two for each jail below, which only update the name
    /// of its account (T53).
    ///
    /// A refusal is [`ErrorKind::InvalidRequest`](crate::ErrorKind::InvalidRequest), before anything changes.
    ///
    /// # A tree that another program garbled
    ///
    /// Read from the host, a garbled name does not begin with the name of the jail above it and a dot. Until it is
    /// repaired, do not list such jails from inside or by [`Jail::children`](crate::Jail::children) of a jail above,
    /// and do not read `security.jail.list` inside. To repair it, open each jail by its jid, from the host, and set its
    /// last component again by this method, from the top down. (On FreeBSD 15 this is [jail_set(2)] with
    /// `JAIL_AT_DESC`, the parent's descriptor, the jid and the name.) This is refused for a jail that has child jails:
    /// remove those by their jids first.
    ///
    /// ```
    /// # use freebsd_jail::{Jail, JailUpdate, sim};
    /// # fn main() -> freebsd_jail::Result<()> {
    /// # let kernel = sim::Kernel::new();
    /// # let _guard = kernel.install();
    /// let jail = Jail::builder().name("old").path("/").create()?;
    /// jail.update(&JailUpdate::new().name("new"))?;
    /// assert_eq!(Jail::open("new")?.jid(), jail.jid());
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// [jail(8)]: https://man.freebsd.org/cgi/man.cgi?query=jail&sektion=8
    /// [rctl(8)]: https://man.freebsd.org/cgi/man.cgi?query=rctl&sektion=8
    /// [jail_set(2)]: https://man.freebsd.org/cgi/man.cgi?query=jail_set&sektion=2
    pub fn name(self, name: impl AsRef<OsStr>) -> Self {
        self.set(param::NAME, name.as_ref())
    }

    /// Sets `persist`: whether the jail stays when it has no processes. Set to false, it removes an empty jail at once.
    ///
    /// See [`param::PERSIST`] and [jail(8)].
    ///
    /// ```
    /// # use freebsd_jail::{Jail, JailUpdate, sim};
    /// # fn main() -> freebsd_jail::Result<()> {
    /// # let kernel = sim::Kernel::new();
    /// # let _guard = kernel.install();
    /// let jail = Jail::builder().path("/").create_detached()?;
    /// jail.update(&JailUpdate::new().persist(false))?; // it has no processes
    /// assert!(!jail.is_alive()?);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// [jail(8)]: https://man.freebsd.org/cgi/man.cgi?query=jail&sektion=8
    pub fn persist(self, persist: bool) -> Self {
        self.set(param::PERSIST, persist)
    }
}

/// # Network
///
/// ```
/// use std::net::Ipv4Addr;
///
/// use freebsd_jail::{Jail, JailUpdate};
/// # use freebsd_jail::sim;
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let kernel = sim::Kernel::new();
/// # let _guard = kernel.install();
/// let jail = Jail::builder().path("/").addresses(["10.0.0.1".parse()?]).create()?;
/// jail.update(&JailUpdate::new().ip4([Ipv4Addr::new(10, 0, 0, 2)]).ip4_saddrsel(false))?;
/// assert_eq!(jail.info()?.network.to_string(), "10.0.0.2");
/// # Ok(())
/// # }
/// ```
impl JailUpdate {
    /// Sets `ip4.addr`, the IPv4 addresses, of which the first is primary; an empty list removes all.
    ///
    /// Only a jail that was created with addresses of its own, or with none, can have them changed. Addresses that it
    /// loses are removed from the jails below. See [`param::IP4_ADDR`].
    pub fn ip4(self, addresses: impl IntoIterator<Item = Ipv4Addr>) -> Self {
        self.set(param::IP4_ADDR, addresses.into_iter().collect::<Vec<_>>())
    }

    /// Sets `ip6.addr`, the IPv6 addresses, of which the first is primary; an empty list removes all.
    ///
    /// Only a jail that was created with addresses of its own, or with none, can have them changed. Addresses that it
    /// loses are removed from the jails below. See [`param::IP6_ADDR`].
    pub fn ip6(self, addresses: impl IntoIterator<Item = Ipv6Addr>) -> Self {
        self.set(param::IP6_ADDR, addresses.into_iter().collect::<Vec<_>>())
    }

    /// Sets `ip4.addr` and `ip6.addr`: all addresses of the jail. An address that is not listed is removed.
    ///
    /// As [`ip4`](Self::ip4) and [`ip6`](Self::ip6), which set the addresses of one family.
    ///
    /// ```
    /// # use freebsd_jail::{Jail, JailUpdate, sim};
    /// # fn main() -> freebsd_jail::Result<()> {
    /// # let kernel = sim::Kernel::new();
    /// # let _guard = kernel.install();
    /// let addresses = |text: &str| text.parse().ok();
    /// let jail = Jail::builder().path("/").addresses(addresses("10.0.0.1")).create()?;
    /// jail.update(&JailUpdate::new().addresses(addresses("2001:db8::1")))?;
    /// assert_eq!(jail.info()?.network.to_string(), "2001:db8::1");
    /// # Ok(())
    /// # }
    /// ```
    pub fn addresses(self, addresses: impl IntoIterator<Item = IpAddr>) -> Self {
        let (mut ip4, mut ip6) = (Vec::new(), Vec::new());
        for address in addresses {
            match address {
                IpAddr::V4(address) => ip4.push(address),
                IpAddr::V6(address) => ip6.push(address),
            }
        }
        self.ip4(ip4).ip6(ip6)
    }

    source_address_setters!();
}

/// # Host names
///
/// ```
/// use freebsd_jail::JailUpdate;
///
/// let described = JailUpdate::new().hostname("www.example.org").domainname("example.org").hostid(7);
/// assert!(described.check().is_ok());
/// ```
impl JailUpdate {
    host_setters!();
}

/// # Permissions
impl JailUpdate {
    permission_setters!();
}

/// # Limits
///
/// ```
/// use freebsd_jail::{JailUpdate, param::EnforceStatfs};
///
/// let described = JailUpdate::new().securelevel(2).children_max(3).enforce_statfs(EnforceStatfs::BelowRoot);
/// assert!(described.check().is_ok());
/// ```
impl JailUpdate {
    limit_setters!();
}

/// # System V IPC
impl JailUpdate {
    ipc_setters!();
}

/// # Linux, ZFS and mac_do
impl JailUpdate {
    module_setters!();
}

/// # Metadata
impl JailUpdate {
    entry_setters!();

    /// Removes the metadata entry `meta.KEY`, if it exists.
    ///
    /// Since FreeBSD 14.4. See [`param::META`].
    ///
    /// ```
    /// # use freebsd_jail::{Jail, JailUpdate, param, sim};
    /// # fn main() -> freebsd_jail::Result<()> {
    /// # let kernel = sim::Kernel::new();
    /// # let _guard = kernel.install();
    /// let jail = Jail::builder().path("/").meta("owner", "www").meta("stage", "test").create()?;
    /// jail.update(&JailUpdate::new().remove_meta("owner"))?;
    /// assert_eq!(jail.get(param::META)?, "stage=test");
    /// # Ok(())
    /// # }
    /// ```
    pub fn remove_meta(mut self, key: &str) -> Self {
        self.settings.remove_key(&format!("meta.{key}"));
        self
    }

    /// Removes the entry `env.KEY`, if it exists.
    ///
    /// Since FreeBSD 14.4. See [`param::ENV`].
    ///
    /// ```
    /// # use freebsd_jail::{Jail, JailUpdate, param, sim};
    /// # fn main() -> freebsd_jail::Result<()> {
    /// # let kernel = sim::Kernel::new();
    /// # let _guard = kernel.install();
    /// let jail = Jail::builder().path("/").jail_env("stage", "test").create()?;
    /// jail.update(&JailUpdate::new().remove_jail_env("stage"))?;
    /// assert_eq!(jail.get(param::ENV)?, "");
    /// # Ok(())
    /// # }
    /// ```
    pub fn remove_jail_env(mut self, key: &str) -> Self {
        self.settings.remove_key(&format!("env.{key}"));
        self
    }

    /// Removes the entry `meta.KEY` or `env.KEY`, if it exists, given by the parameter's whole name.
    ///
    /// Since FreeBSD 14.4. Any other name makes the update fail with
    /// [`ErrorKind::InvalidParameter`](crate::ErrorKind::InvalidParameter).
    ///
    /// ```
    /// # use freebsd_jail::{Jail, JailUpdate, param, sim};
    /// # fn main() -> freebsd_jail::Result<()> {
    /// # let kernel = sim::Kernel::new();
    /// # let _guard = kernel.install();
    /// let jail = Jail::builder().path("/").meta("owner", "www").meta("stage", "test").create()?;
    /// let unwanted = ["meta.owner", "meta.stage"];
    /// jail.update(&unwanted.iter().fold(JailUpdate::new(), |update, name| update.remove_entry(name)))?;
    /// assert_eq!(jail.get(param::META)?, "");
    /// # Ok(())
    /// # }
    /// ```
    pub fn remove_entry(mut self, name: &str) -> Self {
        self.settings.remove_entry(name);
        self
    }
}

/// # Any parameter
impl JailUpdate {
    any_setters!(Updatable);
}
