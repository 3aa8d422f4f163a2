//! What can be changed of a jail.

use std::ffi::OsStr;
use std::net::{Ipv4Addr, Ipv6Addr};

use super::{Changes, JailUpdate};
use crate::param::{self, Use};
use crate::settings::Settings;
use crate::settings::setters::{
    any_setters, entry_setters, host_setters, ipc_setters, limit_setters, module_setters, permission_setters,
    source_address_setters,
};

/// Who the jail is, and how it is connected.
impl JailUpdate<'_> {
    /// Changes `name`: the last component of it, for a jail below another. A number must be the jail's own.
    ///
    /// At most 255 bytes, the names of the jails above included. See [`param::NAME`] and jail(8).
    ///
    /// # What is refused
    ///
    /// The kernel renames a jail of the host's own level with all that is below it. The jails below any other one it
    /// garbles the names of, and it panics when they are listed from inside or by a descriptor (T19, T39). So a jail
    /// below another one, or any jail if this process is inside one, is renamed only while its `children.cur` and
    /// `children.max` are both 0. A jail that is not below the one that this process is in is not renamed at all (T26).
    ///
    /// With `kern.racct.enable`, which rctl(8) needs, the kernel may panic over the processes of a jail that is renamed,
    /// and of those below (T40). There a jail is renamed only while no process is in any of them, zombies included. **One
    /// that enters between this look and the renaming is not covered.** The tunable is read once per process; where it is
    /// set, each new name takes a look at the processes, and a call or two for each jail below: an update that changes
    /// nothing but the name of its account, which the kernel leaves behind (T53).
    ///
    /// Each refusal is an [`ErrorKind::InvalidRequest`](crate::ErrorKind::InvalidRequest), before anything is changed.
    ///
    /// # A tree that another program garbled
    ///
    /// Read from the host, the name of a jail that was renamed wrongly, or of one below it, does not begin with that of
    /// the jail above it and a dot. Until that is repaired do not list these jails, from inside or by
    /// [`Jail::children`](crate::Jail::children) of a jail above, and do not read
    /// `security.jail.list` inside. From the host, open each by its jid and give it its last component again by this
    /// method, from the top down. (On FreeBSD 15 that is jail_set(2) with `JAIL_AT_DESC`, the descriptor of the jail
    /// above, the jid and the name.) It is refused for a jail that has jails below: remove those by their jids before.
    pub fn name(self, name: impl AsRef<OsStr>) -> Self {
        self.set(param::NAME, name.as_ref())
    }

    /// Changes `ip4.addr`, the IPv4 addresses, the first being the primary one; none at all leaves the jail without.
    ///
    /// Only a jail that was created with addresses of its own, or with none, can have them changed. The jails below
    /// lose what it loses. See [`param::IP4_ADDR`] and jail(8).
    pub fn ip4(self, addresses: impl AsRef<[Ipv4Addr]>) -> Self {
        self.set(param::IP4_ADDR, addresses.as_ref())
    }

    /// Changes `ip6.addr`, the IPv6 addresses, the first being the primary one; none at all leaves the jail without.
    ///
    /// Only a jail that was created with addresses of its own, or with none, can have them changed. The jails below
    /// lose what it loses. See [`param::IP6_ADDR`] and jail(8).
    pub fn ip6(self, addresses: impl AsRef<[Ipv6Addr]>) -> Self {
        self.set(param::IP6_ADDR, addresses.as_ref())
    }

    /// Changes `persist`: whether the jail stays when it has no processes. Set to false, an empty jail goes at once.
    ///
    /// See [`param::PERSIST`] and jail(8).
    pub fn persist(self, persist: bool) -> Self {
        self.set(param::PERSIST, persist)
    }

    /// Removes a key from the text that is hidden from the jail: `meta.KEY`. One that is not there is no error.
    ///
    /// Since FreeBSD 14.4. See [`param::META`] and jail(8).
    pub fn remove_meta(mut self, key: &str) -> Self {
        self.settings.remove_key(&format!("meta.{key}"));
        self
    }

    /// Removes a key from the text that the jail can read: `env.KEY`. One that is not there is no error.
    ///
    /// Since FreeBSD 14.4. See [`param::ENV`] and jail(8).
    pub fn remove_jail_env(mut self, key: &str) -> Self {
        self.settings.remove_key(&format!("env.{key}"));
        self
    }
}

/// # Host names
impl JailUpdate<'_> {
    host_setters!();
}

/// # Source addresses
impl JailUpdate<'_> {
    source_address_setters!();
}

/// # Permissions
impl JailUpdate<'_> {
    permission_setters!();
}

/// # Limits
impl JailUpdate<'_> {
    limit_setters!();
}

/// # System V IPC
impl JailUpdate<'_> {
    ipc_setters!();
}

/// # Linux, ZFS and mac_do
impl JailUpdate<'_> {
    module_setters!();
}

/// # Metadata
impl JailUpdate<'_> {
    entry_setters!();
}

/// # Any parameter
impl JailUpdate<'_> {
    any_setters!(Updatable);
}

impl Changes {
    /// Makes a change of nothing.
    #[must_use]
    pub const fn new() -> Self {
        Self { settings: Settings::new(Use::Update) }
    }

    /// Sets a parameter, as [`JailUpdate::set`]. What is wrong about it is told by [`JailUpdate::apply`].
    #[must_use]
    pub fn set<T: param::Decode, A: param::Updatable>(
        mut self,
        param: param::Param<'_, T, A>,
        value: impl param::Encode<T>,
    ) -> Self {
        self.settings.set(param, &value);
        self
    }

    /// Whether nothing is set.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.settings.is_empty()
    }
}

impl Default for Changes {
    fn default() -> Self {
        Self::new()
    }
}
