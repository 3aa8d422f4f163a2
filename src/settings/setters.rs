//! The common setters of builders and updates: one macro per heading of their pages.

/// Setters of any parameter. `$bound` says which may be set.
macro_rules! any_setters {
    ($bound:ident) => {
        /// Sets a parameter. A second value of the same parameter replaces the first.
        ///
        /// The constants of [`param`](crate::param) are keys for it. [`Param::new`](crate::param::Param::new) makes a
        /// key for any other name, such as one that a kernel module adds.
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
        pub fn optional<T: crate::param::Decode, A: crate::param::$bound>(
            mut self,
            param: crate::param::Param<'_, T, A>,
            value: impl crate::param::Encode<T>,
        ) -> Self {
            self.settings.set_optional(param, &value);
            self
        }

        /// Sets a parameter whose name and type are known only at run time.
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
        /// # use freebsd_jail::{Catalog, JailUpdate, param::Value, sim};
        /// # fn main() -> freebsd_jail::Result<()> {
        /// # let kernel = sim::Kernel::new();
        /// # let _guard = kernel.install();
        /// # let (name, text) = ("securelevel", "2");
        /// let kind = Catalog::describe(name)?.kind();
        /// let update = JailUpdate::new().set_value(name, Value::parse(kind, text)?);
        /// # assert!(update.check().is_ok());
        /// # Ok(())
        /// # }
        /// ```
        pub fn set_parsed(mut self, name: &str, text: &str) -> Self {
            self.settings.set_parsed(name, text);
            self
        }

        /// Adds the settings of an update. Those that are set here take precedence.
        pub fn with_defaults(mut self, update: &JailUpdate) -> Self {
            self.settings.extend_below(&update.settings);
            self
        }

        /// Applies all settings of an update.
        ///
        /// They replace earlier settings, and later setters replace them.
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
        pub fn allow(mut self, permissions: crate::Allow) -> Self {
            self.settings.permit(permissions, true);
            self
        }

        /// Denies the permissions in the set, the parameters `allow.*`. The others are left as they are.
        ///
        /// The jails below lose them too. See [`Allow`](crate::Allow).
        pub fn deny(mut self, permissions: crate::Allow) -> Self {
            self.settings.permit(permissions, false);
            self
        }

        /// Allows exactly these permissions: of all `allow.*` that the kernel has, the others are denied.
        ///
        /// Replaces permissions that were set before; later setters can change them again. The kernel's permissions are
        /// read from the sysctl tree once, as [`Jail::permissions`](crate::Jail::permissions) says. One that the kernel
        /// lacks is an error.
        pub fn allow_only(mut self, permissions: impl Into<crate::Permissions>) -> Self {
            self.settings.permit_only(&permissions.into());
            self
        }

        /// Grants the permission to mount file systems of a type, such as `tmpfs`: the parameter `allow.mount.TYPE`.
        ///
        /// Mounting needs [`Allow::MOUNT`](crate::Allow::MOUNT) and an `enforce_statfs` below 2 as well. The parameter
        /// exists once the file system's module is loaded.
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

/// Setters of System V IPC.
macro_rules! ipc_setters {
    () => {
        /// Sets `sysvmsg`: whether the jail has System V message queues of its own, its parent's, or none.
        ///
        /// The parent must have some. Jails below that share them follow. An update that removes the jail's own queues
        /// is refused (T41). Default for a new jail: none. See [`param::SYSVMSG`](crate::param::SYSVMSG).
        pub fn sysvmsg(self, mode: crate::param::Mode) -> Self {
            self.set(crate::param::SYSVMSG, mode)
        }

        /// Sets `sysvsem`: whether the jail has System V semaphores of its own, its parent's, or none.
        ///
        /// The parent must have some. Jails below that share them follow. An update that removes the jail's own
        /// semaphores is refused (T41). Default for a new jail: none. See [`param::SYSVSEM`](crate::param::SYSVSEM).
        pub fn sysvsem(self, mode: crate::param::Mode) -> Self {
            self.set(crate::param::SYSVSEM, mode)
        }

        /// Sets `sysvshm`: whether the jail has System V shared memory of its own, its parent's, or none.
        ///
        /// The parent must have some. Jails below that share it follow. An update that removes the jail's own memory is
        /// refused (T41). Default for a new jail: none. See [`param::SYSVSHM`](crate::param::SYSVSHM).
        pub fn sysvshm(self, mode: crate::param::Mode) -> Self {
            self.set(crate::param::SYSVSHM, mode)
        }
    };
}

/// Setters of parameters of kernel modules.
macro_rules! module_setters {
    () => {
        /// Sets `linux`: whether the jail has names and versions of Linux emulation of its own, or its parent's.
        ///
        /// Setting one of these implies [`Sharing::New`](crate::param::Sharing::New) and cannot be combined with
        /// [`Sharing::Inherit`](crate::param::Sharing::Inherit). Default for a new jail: its parent's. Needs the module
        /// linux_common. See [`param::LINUX`](crate::param::LINUX).
        pub fn linux(self, linux: crate::param::Sharing) -> Self {
            self.set(crate::param::LINUX, linux)
        }

        /// Sets `linux.osname`, the name of the system that Linux programs see, at most 64 bytes.
        ///
        /// Default for a new jail: the parent's. Needs the module linux_common. See
        /// [`param::LINUX_OSNAME`](crate::param::LINUX_OSNAME).
        pub fn linux_osname(self, osname: impl AsRef<std::ffi::OsStr>) -> Self {
            self.set(crate::param::LINUX_OSNAME, osname.as_ref())
        }

        /// Sets `linux.osrelease`, the version of Linux that its programs see, such as `5.15.0`, at most 64 bytes.
        ///
        /// Default for a new jail: the parent's. Needs the module linux_common. See
        /// [`param::LINUX_OSRELEASE`](crate::param::LINUX_OSRELEASE).
        pub fn linux_osrelease(self, osrelease: impl AsRef<std::ffi::OsStr>) -> Self {
            self.set(crate::param::LINUX_OSRELEASE, osrelease.as_ref())
        }

        /// Sets `linux.oss_version`, the version of the Open Sound System that Linux programs see, such as 198144.
        ///
        /// Default for a new jail: the parent's. Needs the module linux_common. See
        /// [`param::LINUX_OSS_VERSION`](crate::param::LINUX_OSS_VERSION).
        pub fn linux_oss_version(self, version: i32) -> Self {
            self.set(crate::param::LINUX_OSS_VERSION, version)
        }

        /// Sets `zfs`: whether the jail's ZFS settings are its own, or its parent's at any time.
        ///
        /// Default for a new jail: its own, at first equal to its parent's. Needs the module zfs. See
        /// [`param::ZFS`](crate::param::ZFS).
        pub fn zfs(self, mode: crate::param::Mode) -> Self {
            self.set(crate::param::ZFS, mode)
        }

        /// Sets `zfs.mount_snapshot`: whether the snapshots of the jail's ZFS datasets can be read below `.zfs`.
        ///
        /// Default for a new jail: no. Needs the module zfs. See
        /// [`param::ZFS_MOUNT_SNAPSHOT`](crate::param::ZFS_MOUNT_SNAPSHOT).
        pub fn zfs_mount_snapshot(self, mount: bool) -> Self {
            self.set(crate::param::ZFS_MOUNT_SNAPSHOT, mount)
        }

        /// Sets `mac.do` and `mac.do.rules`: which users may become others.
        ///
        /// Default for a new jail: none. Needs the module mac_do, since FreeBSD 14.3. See
        /// [`param::MAC_DO`](crate::param::MAC_DO) and
        /// [mac_do(4)](https://man.freebsd.org/cgi/man.cgi?query=mac_do&sektion=4).
        pub fn mac_do(mut self, value: impl Into<crate::param::MacDo>) -> Self {
            self.settings.mac_do(&value.into());
            self
        }
    };
}

/// Setters of entries of `meta` and `env`.
macro_rules! entry_setters {
    () => {
        /// Sets the metadata entry `meta.KEY`, which the jail cannot read.
        ///
        /// A key contains neither `=` nor a newline, a value no newline. Each of `meta` and `env` is limited to sysctl
        /// `security.jail.meta_maxbufsize`: 4,096 bytes by default. The whole text is
        /// [`param::META`](crate::param::META). Since FreeBSD 14.4.
        pub fn meta(mut self, key: &str, value: impl AsRef<std::ffi::OsStr>) -> Self {
            self.settings.set_key("meta", key, value.as_ref());
            self
        }

        /// Sets the entry `env.KEY`, which the jail can read as sysctl `security.jail.env`. Programs do not get it as
        /// an environment variable.
        ///
        /// The limits are those of [`meta`](Self::meta). The whole text is [`param::ENV`](crate::param::ENV). Since
        /// FreeBSD 14.4.
        pub fn jail_env(mut self, key: &str, value: impl AsRef<std::ffi::OsStr>) -> Self {
            self.settings.set_key("env", key, value.as_ref());
            self
        }
    };
}

pub(crate) use {
    any_setters, entry_setters, host_setters, ipc_setters, limit_setters, module_setters, permission_setters,
    source_address_setters,
};
