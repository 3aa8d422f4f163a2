//! The common setters of builders and updates for System V IPC, kernel modules and metadata.

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
        ///
        /// ```
        /// # use freebsd_jail::{Jail, param::{self, Mode}, sim};
        /// # fn main() -> freebsd_jail::Result<()> {
        /// # let kernel = sim::Kernel::new();
        /// # let _guard = kernel.install();
        /// let jail = Jail::builder().path("/").sysvshm(Mode::New).create()?;
        /// assert_eq!(jail.get((param::SYSVSHM, param::SYSVMSG))?, (Mode::New, Mode::Disable));
        /// # Ok(())
        /// # }
        /// ```
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
        ///
        /// ```
        /// # use freebsd_jail::{Jail, JailUpdate, param, sim};
        /// # fn main() -> freebsd_jail::Result<()> {
        /// # let kernel = sim::Kernel::new();
        /// # let _guard = kernel.install();
        /// # kernel.load(sim::Module::Linux);
        /// let jail = Jail::builder().path("/").linux_osrelease("5.15.0").create()?;
        /// jail.update(&JailUpdate::new().linux_osrelease("6.1.0"))?;
        /// assert_eq!(jail.get(param::LINUX_OSRELEASE)?, "6.1.0");
        /// # Ok(())
        /// # }
        /// ```
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
        ///
        /// ```
        /// # use freebsd_jail::{Jail, param, sim};
        /// # fn main() -> freebsd_jail::Result<()> {
        /// # let kernel = sim::Kernel::new();
        /// # let _guard = kernel.install();
        /// # kernel.load(sim::Module::Zfs);
        /// let jail = Jail::builder().path("/").zfs_mount_snapshot(true).create()?;
        /// assert!(jail.get(param::ZFS_MOUNT_SNAPSHOT)?);
        /// # Ok(())
        /// # }
        /// ```
        pub fn zfs_mount_snapshot(self, mount: bool) -> Self {
            self.set(crate::param::ZFS_MOUNT_SNAPSHOT, mount)
        }

        /// Sets `mac.do` and `mac.do.rules`: which users may become others.
        ///
        /// Default for a new jail: none. Needs the module mac_do, since FreeBSD 14.3. See
        /// [`param::MAC_DO`](crate::param::MAC_DO) and
        /// [mac_do(4)](https://man.freebsd.org/cgi/man.cgi?query=mac_do&sektion=4).
        ///
        /// ```
        /// # use freebsd_jail::{Jail, JailUpdate, param::{self, MacDo}, sim};
        /// # fn main() -> freebsd_jail::Result<()> {
        /// # let kernel = sim::Kernel::new();
        /// # let _guard = kernel.install();
        /// let jail = Jail::builder().path("/").mac_do(MacDo::rules("uid=1001>uid=80")).create()?;
        /// assert_eq!(jail.get(param::MAC_DO_RULES)?, "uid=1001>uid=80");
        /// jail.update(&JailUpdate::new().mac_do(MacDo::Disable))?;
        /// assert_eq!(jail.get(param::MAC_DO_RULES)?, "");
        /// # Ok(())
        /// # }
        /// ```
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
        ///
        /// ```
        /// # use freebsd_jail::{Jail, JailUpdate, param::Param, sim};
        /// # fn main() -> freebsd_jail::Result<()> {
        /// # let kernel = sim::Kernel::new();
        /// # let _guard = kernel.install();
        /// let jail = Jail::builder().path("/").meta("owner", "www").create()?;
        /// jail.update(&JailUpdate::new().meta("owner", "db"))?;
        /// assert_eq!(jail.get(Param::<String>::new("meta.owner"))?, "db");
        /// # Ok(())
        /// # }
        /// ```
        pub fn meta(mut self, key: &str, value: impl AsRef<std::ffi::OsStr>) -> Self {
            self.settings.set_key("meta", key, value.as_ref());
            self
        }

        /// Sets the entry `env.KEY`, which the jail can read as sysctl `security.jail.env`. Programs do not get it as
        /// an environment variable.
        ///
        /// The limits are those of [`meta`](Self::meta). The whole text is [`param::ENV`](crate::param::ENV). Since
        /// FreeBSD 14.4.
        ///
        /// ```
        /// # use freebsd_jail::{Jail, param, sim};
        /// # fn main() -> freebsd_jail::Result<()> {
        /// # let kernel = sim::Kernel::new();
        /// # let _guard = kernel.install();
        /// let jail = Jail::builder().path("/").jail_env("stage", "test").create()?;
        /// assert_eq!(jail.get(param::ENV)?, "stage=test");
        /// # Ok(())
        /// # }
        /// ```
        pub fn jail_env(mut self, key: &str, value: impl AsRef<std::ffi::OsStr>) -> Self {
            self.settings.set_key("env", key, value.as_ref());
            self
        }
    };
}

pub(crate) use {entry_setters, ipc_setters, module_setters};
