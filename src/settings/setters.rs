//! The common setters of builders and updates: one macro per heading of their pages. The others are in
//! `module_setters`.

/// Setters of any parameter. `$bound` says which may be set.
macro_rules! any_setters {
    ($bound:ident) => {
        /// Sets a parameter. A second value of the same parameter replaces the first.
        ///
        /// The constants of [`param`](crate::param) are keys for it. [`Param::new`](crate::param::Param::new) makes a
        /// key for any other name, such as one that a kernel module adds.
        ///
        /// ```
        /// # use freebsd_jail::{Jail, param::{self, Param}, sim};
        /// # fn main() -> freebsd_jail::Result<()> {
        /// # let kernel = sim::Kernel::new();
        /// # let _guard = kernel.install();
        /// # kernel.load(sim::Module::FileSystem("tmpfs"));
        /// let builder = Jail::builder().path("/").set(param::SECURELEVEL, 2);
        /// let jail = builder.set(Param::<bool>::new("allow.mount.tmpfs"), true).create()?;
        /// assert_eq!(jail.get(param::SECURELEVEL)?, 2);
        /// # Ok(())
        /// # }
        /// ```
        pub fn set<T: crate::param::Decode, A: crate::param::$bound>(
            mut self,
            param: crate::param::Param<'_, T, A>,
            value: impl crate::param::Encode<T>,
        ) -> Self {
            self.settings.set(param, &value);
            self
        }

        /// Sets a parameter that is left out if the kernel lacks it.
        ///
        /// Whether the kernel has it is checked once for each name, by one sysctl, when the jail is created or updated;
        /// a kernel module that is loaded later is not noticed. A denial (`false` for `allow.*`) is refused: a jail
        /// must not get a permission because its kernel is older.
        ///
        /// ```
        /// # use freebsd_jail::{Jail, param::{self, Param}, sim};
        /// # fn main() -> freebsd_jail::Result<()> {
        /// # let kernel = sim::Kernel::new();
        /// # let _guard = kernel.install();
        /// let nosuch = Param::<i32>::new("nosuch.thing");
        /// let jail = Jail::builder().path("/").optional(nosuch, 1).optional(param::SECURELEVEL, 2).create()?;
        /// assert_eq!(jail.get(param::SECURELEVEL)?, 2);
        /// # Ok(())
        /// # }
        /// ```
        pub fn optional<T: crate::param::Decode, A: crate::param::$bound>(
            mut self,
            param: crate::param::Param<'_, T, A>,
            value: impl crate::param::Encode<T>,
        ) -> Self {
            self.settings.set_optional(param, &value);
            self
        }

        /// Sets a parameter whose name and type are known only at run time.
        ///
        /// ```
        /// # use freebsd_jail::{Jail, param::{self, Value}, sim};
        /// # fn main() -> freebsd_jail::Result<()> {
        /// # let kernel = sim::Kernel::new();
        /// # let _guard = kernel.install();
        /// let (name, value) = ("securelevel", Value::Int(2));
        /// let jail = Jail::builder().path("/").set_value(name, value).create()?;
        /// assert_eq!(jail.get(param::SECURELEVEL)?, 2);
        /// # Ok(())
        /// # }
        /// ```
        pub fn set_value(mut self, name: &str, value: impl Into<crate::param::Value>) -> Self {
            self.settings.set_value(name, &value.into());
            self
        }

        /// Sets a parameter from text, which is parsed by the kind of the name:
        /// see [`Value::parse`](crate::param::Value::parse).
        ///
        /// The kind is that of the [table](crate::param::TABLE), a boolean for `allow.*`, and a string for entries of
        /// `meta` and `env`. Any other name is refused, because only the running kernel knows its kind:
        ///
        /// ```
        /// # use freebsd_jail::{Catalog, JailUpdate, sim};
        /// # fn main() -> freebsd_jail::Result<()> {
        /// # let kernel = sim::Kernel::new();
        /// # let _guard = kernel.install();
        /// # let (name, text) = ("securelevel", "2");
        /// let update = JailUpdate::new().set_value(name, Catalog::describe(name)?.parse(text)?);
        /// # assert!(update.check().is_ok());
        /// # Ok(())
        /// # }
        /// ```
        pub fn set_parsed(mut self, name: &str, text: &str) -> Self {
            self.settings.set_parsed(name, text);
            self
        }

        /// Adds the settings of an update. Those that are set here take precedence.
        ///
        /// ```
        /// # use freebsd_jail::{Jail, JailUpdate, param, sim};
        /// # fn main() -> freebsd_jail::Result<()> {
        /// # let kernel = sim::Kernel::new();
        /// # let _guard = kernel.install();
        /// let defaults = JailUpdate::new().securelevel(3).hostname("default");
        /// let jail = Jail::builder().path("/").hostname("www").with_defaults(&defaults).create()?;
        /// assert_eq!(jail.get((param::SECURELEVEL, param::HOST_HOSTNAME.utf8()))?, (3, "www".into()));
        /// # Ok(())
        /// # }
        /// ```
        pub fn with_defaults(mut self, update: &JailUpdate) -> Self {
            self.settings.extend_below(&update.settings);
            self
        }

        /// Applies all settings of an update.
        ///
        /// They replace earlier settings, and later setters replace them.
        ///
        /// ```
        /// # use freebsd_jail::{Jail, JailUpdate, param, sim};
        /// # fn main() -> freebsd_jail::Result<()> {
        /// # let kernel = sim::Kernel::new();
        /// # let _guard = kernel.install();
        /// let harden = JailUpdate::new().securelevel(3).hostname("hardened");
        /// let jail = Jail::builder().path("/").hostname("www").with(&harden).create()?;
        /// assert_eq!(jail.get((param::SECURELEVEL, param::HOST_HOSTNAME.utf8()))?, (3, "hardened".into()));
        /// # Ok(())
        /// # }
        /// ```
        pub fn with(mut self, update: &JailUpdate) -> Self {
            self.settings.extend(&update.settings);
            self
        }
    };
}

/// Setters of the host names in the jail.
macro_rules! host_setters {
    () => {
        /// Sets `host.hostname`, the host name, at most 255 bytes. Jails below that inherit it change with it.
        ///
        /// Default for a new jail: empty. See [`param::HOST_HOSTNAME`](crate::param::HOST_HOSTNAME).
        pub fn hostname(self, hostname: impl AsRef<std::ffi::OsStr>) -> Self {
            self.set(crate::param::HOST_HOSTNAME, hostname.as_ref())
        }

        /// Sets `host.domainname`, the NIS domain name, at most 255 bytes. Jails below that inherit it change with it.
        ///
        /// Default for a new jail: empty. See [`param::HOST_DOMAINNAME`](crate::param::HOST_DOMAINNAME).
        pub fn domainname(self, domainname: impl AsRef<std::ffi::OsStr>) -> Self {
            self.set(crate::param::HOST_DOMAINNAME, domainname.as_ref())
        }

        /// Sets `host.hostuuid`, the host's UUID, sysctl `kern.hostuuid`: at most 63 bytes, which the kernel does not
        /// parse.
        ///
        /// Default for a new jail: all zeros. See [`param::HOST_HOSTUUID`](crate::param::HOST_HOSTUUID).
        pub fn hostuuid(self, hostuuid: impl AsRef<std::ffi::OsStr>) -> Self {
            self.set(crate::param::HOST_HOSTUUID, hostuuid.as_ref())
        }

        /// Sets `host.hostid`, the host's id, sysctl `kern.hostid`.
        ///
        /// Default for a new jail: 0. See [`param::HOST_HOSTID`](crate::param::HOST_HOSTID).
        pub fn hostid(self, hostid: u64) -> Self {
            self.set(crate::param::HOST_HOSTID, hostid)
        }

        /// Sets `host`: whether the jail has a host name, domain name, UUID and host id of its own, or its parent's.
        ///
        /// Setting one of these implies [`Sharing::New`](crate::param::Sharing::New) and cannot be combined with
        /// [`Sharing::Inherit`](crate::param::Sharing::Inherit). Default for a new jail: its own, which are empty. See
        /// [`param::HOST`](crate::param::HOST).
        pub fn host(self, host: crate::param::Sharing) -> Self {
            self.set(crate::param::HOST, host)
        }
    };
}

/// Setters of limits.
macro_rules! limit_setters {
    () => {
        /// Sets `securelevel`, the secure level inside, sysctl `kern.securelevel`: from -1, insecure, to 3; see
        /// [security(7)](https://man.freebsd.org/cgi/man.cgi?query=security&sektion=7).
        ///
        /// It cannot be below the parent's. Raised, it rises in the jails below too. Default for a new jail: the
        /// parent's. See [`param::SECURELEVEL`](crate::param::SECURELEVEL).
        pub fn securelevel(self, level: i32) -> Self {
            self.set(crate::param::SECURELEVEL, level)
        }

        /// Sets `children.max`, how many jails may be below this one, those below them included.
        ///
        /// Lowered, it falls in the jails below too; none is removed. Default for a new jail: 0. See
        /// [`param::CHILDREN_MAX`](crate::param::CHILDREN_MAX).
        ///
        /// ```
        /// # use freebsd_jail::{Jail, JailUpdate, sim};
        /// # fn main() -> freebsd_jail::Result<()> {
        /// # let kernel = sim::Kernel::new();
        /// # let _guard = kernel.install();
        /// let outer = Jail::builder().path("/").children_max(1).create()?;
        /// let _inner = outer.child_builder().path("/").create()?;
        /// assert!(outer.child_builder().path("/").create().is_err());
        /// outer.update(&JailUpdate::new().children_max(2))?;
        /// assert!(outer.child_builder().path("/").create().is_ok());
        /// # Ok(())
        /// # }
        /// ```
        pub fn children_max(self, most: u32) -> Self {
            self.set(crate::param::CHILDREN_MAX, most)
        }

        /// Sets `enforce_statfs`, how much of what is mounted can be seen inside.
        ///
        /// It cannot be below the parent's. Mounting inside needs a value below 2. Default for a new jail: 2, the
        /// strictest. See [`param::ENFORCE_STATFS`](crate::param::ENFORCE_STATFS).
        pub fn enforce_statfs(self, level: crate::param::EnforceStatfs) -> Self {
            self.set(crate::param::ENFORCE_STATFS, level)
        }

        /// Sets `devfs_ruleset`, the [devfs(8)](https://man.freebsd.org/cgi/man.cgi?query=devfs&sektion=8) ruleset of
        /// devfs mounts inside: 0 to 65,535, where 0 is none.
        ///
        /// A process that is in a jail can set 0 or the parent's only. The jails below it get the same. Default for a
        /// new jail: the parent's, 0 on the host. See [`param::DEVFS_RULESET`](crate::param::DEVFS_RULESET).
        pub fn devfs_ruleset(self, ruleset: i32) -> Self {
            self.set(crate::param::DEVFS_RULESET, ruleset)
        }
    };
}

/// Setters of how connections choose their addresses.
macro_rules! source_address_setters {
    () => {
        /// Sets `ip4.saddrsel`: whether the usual rules pick the source address of an IPv4 connection, or the primary
        /// address is used.
        ///
        /// Default for a new jail: true. See [`param::IP4_SADDRSEL`](crate::param::IP4_SADDRSEL).
        pub fn ip4_saddrsel(self, select: bool) -> Self {
            self.set(crate::param::IP4_SADDRSEL, select)
        }

        /// Sets `ip6.saddrsel`: whether the usual rules pick the source address of an IPv6 connection, or the primary
        /// address is used.
        ///
        /// Default for a new jail: true. See [`param::IP6_SADDRSEL`](crate::param::IP6_SADDRSEL).
        pub fn ip6_saddrsel(self, select: bool) -> Self {
            self.set(crate::param::IP6_SADDRSEL, select)
        }
    };
}

/// Setters of permissions.
macro_rules! permission_setters {
    () => {
        /// Grants the permissions in the set, the parameters `allow.*`. The others are left as they are.
        ///
        /// The jail's parent must have them. See [`Allow`](crate::Allow).
        ///
        /// ```
        /// # use freebsd_jail::{Allow, Jail, JailUpdate, sim};
        /// # fn main() -> freebsd_jail::Result<()> {
        /// # let kernel = sim::Kernel::new();
        /// # let _guard = kernel.install();
        /// let jail = Jail::builder().path("/").allow(Allow::RAW_SOCKETS).create()?;
        /// jail.update(&JailUpdate::new().allow(Allow::CHFLAGS))?;
        /// assert!(jail.permissions()?.contains(Allow::RAW_SOCKETS | Allow::CHFLAGS));
        /// # Ok(())
        /// # }
        /// ```
        pub fn allow(mut self, permissions: crate::Allow) -> Self {
            self.settings.permit(permissions, true);
            self
        }

        /// Denies the permissions in the set, the parameters `allow.*`. The others are left as they are.
        ///
        /// The jails below lose them too. See [`Allow`](crate::Allow).
        ///
        /// ```
        /// # use freebsd_jail::{Allow, Jail, JailUpdate, sim};
        /// # fn main() -> freebsd_jail::Result<()> {
        /// # let kernel = sim::Kernel::new();
        /// # let _guard = kernel.install();
        /// let jail = Jail::builder().path("/").deny(Allow::SET_HOSTNAME).create()?;
        /// jail.update(&JailUpdate::new().deny(Allow::SUSER))?;
        /// assert!(!jail.permissions()?.contains(Allow::SUSER));
        /// # Ok(())
        /// # }
        /// ```
        pub fn deny(mut self, permissions: crate::Allow) -> Self {
            self.settings.permit(permissions, false);
            self
        }

        /// Allows exactly these permissions: of all `allow.*` that the kernel has, the others are denied.
        ///
        /// Replaces permissions that were set before; later setters can change them again. The kernel's permissions are
        /// read from the sysctl tree once, as [`Jail::permissions`](crate::Jail::permissions) says. One that the kernel
        /// lacks is an error.
        ///
        /// ```
        /// # use freebsd_jail::{Allow, Jail, JailUpdate, sim};
        /// # fn main() -> freebsd_jail::Result<()> {
        /// # let kernel = sim::Kernel::new();
        /// # let _guard = kernel.install();
        /// let jail = Jail::builder().path("/").allow_only(Allow::SUSER | Allow::RAW_SOCKETS).create()?;
        /// jail.update(&JailUpdate::new().allow_only(Allow::SUSER))?;
        /// assert_eq!(jail.permissions()?, Allow::SUSER.into());
        /// # Ok(())
        /// # }
        /// ```
        pub fn allow_only(mut self, permissions: impl Into<crate::Permissions>) -> Self {
            self.settings.permit_only(&permissions.into());
            self
        }

        /// Grants the permission to mount file systems of a type, such as `tmpfs`: the parameter `allow.mount.TYPE`.
        ///
        /// Mounting needs [`Allow::MOUNT`](crate::Allow::MOUNT) and an `enforce_statfs` below 2 as well. The parameter
        /// exists once the file system's module is loaded.
        ///
        /// ```
        /// # use freebsd_jail::{Allow, Jail, param::EnforceStatfs, sim};
        /// # fn main() -> freebsd_jail::Result<()> {
        /// # let kernel = sim::Kernel::new();
        /// # let _guard = kernel.install();
        /// # kernel.load(sim::Module::FileSystem("tmpfs"));
        /// let jail = Jail::builder().path("/").allow(Allow::MOUNT).allow_mount("tmpfs");
        /// let jail = jail.enforce_statfs(EnforceStatfs::BelowRoot).create()?;
        /// assert!(jail.permissions()?.contains_name("mount.tmpfs"));
        /// # Ok(())
        /// # }
        /// ```
        pub fn allow_mount(mut self, file_system: &str) -> Self {
            self.settings.permit_mount(file_system, true);
            self
        }

        /// Denies the permission to mount file systems of a type: the parameter `allow.mount.TYPE`.
        pub fn deny_mount(mut self, file_system: &str) -> Self {
            self.settings.permit_mount(file_system, false);
            self
        }
    };
}

pub(crate) use {any_setters, host_setters, limit_setters, permission_setters, source_address_setters};
