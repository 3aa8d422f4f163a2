//! The setters that a builder and an update have in common, most of them made of the table of parameters.

/// Makes the setter of a row of the table that asks for one.
macro_rules! setter {
    ($(#[doc = $doc:literal])+ $constant:ident: $type:ty, $name:literal, $note:expr, []) => {};
    ($(#[doc = $doc:literal])+ $constant:ident: $type:ty, $name:literal, $note:expr, [text $setter:ident]) => {
        #[doc = concat!("Sets `", $name, "`.\n")]
        $(#[doc = $doc])+
        #[doc = $note]
        pub fn $setter(self, value: impl AsRef<std::ffi::OsStr>) -> Self {
            self.set($crate::param::$constant, value.as_ref())
        }
    };
    ($(#[doc = $doc:literal])+ $constant:ident: $type:ty, $name:literal, $note:expr, [value $setter:ident]) => {
        #[doc = concat!("Sets `", $name, "`.\n")]
        $(#[doc = $doc])+
        #[doc = $note]
        pub fn $setter(self, value: $type) -> Self {
            self.set($crate::param::$constant, value)
        }
    };
}

/// Makes the setters that are not one parameter of the table in its own type. `$bound` says what may be set.
macro_rules! composed_setters {
    ($bound:ident) => {
        /// Sets a parameter. A second value of the same one replaces the first.
        ///
        /// The constants of [`param`](crate::param) are keys for it, and
        /// [`Param::new`](crate::param::Param::new) makes one of any other name, such as what a kernel module has
        /// added.
        ///
        /// ```
        /// # use freebsd_jail::{Jail, param::{self, Param}};
        /// let beep = Param::<bool>::new("allow.beep");
        /// let builder = Jail::builder().set(param::CHILDREN_MAX, 3).set(beep, true);
        /// ```
        pub fn set<T: param::Decode, A: param::$bound>(
            mut self,
            param: param::Param<'_, T, A>,
            value: impl param::Encode<T>,
        ) -> Self {
            self.settings.set(param, &value);
            self
        }

        /// Sets a parameter whose type is known at run time only, as [`set`](Self::set).
        ///
        /// ```
        /// # use freebsd_jail::{Jail, param::Value};
        /// let builder = Jail::builder().set_value("children.max", &Value::Int(3));
        /// ```
        pub fn set_value(mut self, name: &str, value: &param::Value) -> Self {
            self.settings.set_value(name, value);
            self
        }

        /// Sets `host`: whose host name, domain name, UUID and number the jail has.
        ///
        /// Setting one of these implies [`Host::New`](crate::Host::New), and excludes
        /// [`Host::Inherit`](crate::Host::Inherit). Default: its own, which are empty. See
        /// [`param::HOST`](crate::param::HOST) and jail(8).
        pub fn host(self, host: crate::Host) -> Self {
            self.set(param::HOST, param::Mode::from(host))
        }

        /// Sets `linux`: whose names and versions of Linux emulation the jail has.
        ///
        /// Setting one of these implies [`Linux::New`](crate::Linux::New), and excludes
        /// [`Linux::Inherit`](crate::Linux::Inherit). Default: its parent's. Takes the module linux_common. See
        /// [`param::LINUX`](crate::param::LINUX) and jail(8).
        pub fn linux(self, linux: crate::Linux) -> Self {
            self.set(param::LINUX, param::Mode::from(linux))
        }

        /// Sets `zfs.mount_snapshot`: whether the snapshots of the jail's ZFS datasets can be looked into.
        ///
        /// Default: no. Takes the module zfs. See [`param::ZFS_MOUNT_SNAPSHOT`](crate::param::ZFS_MOUNT_SNAPSHOT)
        /// and jail(8).
        pub fn zfs_mount_snapshot(self, mount: bool) -> Self {
            self.set(param::ZFS_MOUNT_SNAPSHOT, i32::from(mount))
        }

        /// Sets `mac.do` and `mac.do.rules`: which users may become others.
        ///
        /// Default: none may. Takes the module mac_do, since FreeBSD 14.3. See [`param::MAC_DO`](crate::param::MAC_DO)
        /// and mac_do(4).
        ///
        /// ```
        /// # use freebsd_jail::{Jail, MacDo};
        /// let builder = Jail::builder().mac_do(MacDo::rules("uid=1001>uid=80"));
        /// ```
        pub fn mac_do(mut self, value: impl Into<crate::MacDo>) -> Self {
            self.settings.mac_do(&value.into());
            self
        }

        /// Grants permissions: the parameters `allow.*` of the set. The others are left as they are.
        ///
        /// The jail's parent must have them. See [`Allow`](crate::Allow) and jail(8).
        ///
        /// ```
        /// # use freebsd_jail::{Allow, Jail};
        /// let builder = Jail::builder().allow(Allow::RAW_SOCKETS | Allow::MLOCK).deny(Allow::SET_HOSTNAME);
        /// ```
        pub fn allow(mut self, permissions: crate::Allow) -> Self {
            self.settings.permit(permissions, true);
            self
        }

        /// Takes permissions away: the parameters `allow.*` of the set. The others are left as they are.
        ///
        /// The jails below lose them too. See [`Allow`](crate::Allow) and jail(8).
        pub fn deny(mut self, permissions: crate::Allow) -> Self {
            self.settings.permit(permissions, false);
            self
        }

        /// Grants the permission to mount file systems of a kind: `allow.mount.` and its name, such as `tmpfs`.
        ///
        /// It takes [`Allow::MOUNT`](crate::Allow::MOUNT) and an `enforce_statfs` below 2 as well. The parameter exists
        /// once the file system's module is loaded.
        ///
        /// ```
        /// # use freebsd_jail::{Allow, Jail};
        /// let builder = Jail::builder().enforce_statfs(1).allow(Allow::MOUNT).allow_mount("tmpfs");
        /// ```
        pub fn allow_mount(mut self, file_system: &str) -> Self {
            self.settings.permit_mount(file_system, true);
            self
        }

        /// Takes the permission away to mount file systems of a kind: `allow.mount.` and its name.
        pub fn deny_mount(mut self, file_system: &str) -> Self {
            self.settings.permit_mount(file_system, false);
            self
        }

        /// Sets a key of the text that is hidden from the jail: `meta.KEY`.
        ///
        /// A key has neither `=` nor a newline, a value no newline. Both texts are limited to what sysctl
        /// `security.jail.meta_maxbufsize` says: 4,096 bytes by default. The whole text is
        /// [`param::META`](crate::param::META). Since FreeBSD 14.4. See jail(8).
        ///
        /// ```
        /// # use freebsd_jail::{Jail, param::Param, sim};
        /// # fn main() -> freebsd_jail::Result<()> {
        /// # let kernel = sim::Kernel::new();
        /// # let _guard = kernel.install();
        /// let jail = Jail::builder().path("/").meta("owner", "www").env("stage", "test").create()?;
        /// assert_eq!(jail.get(Param::<String>::new("meta.owner"))?, "www");
        /// # Ok(())
        /// # }
        /// ```
        pub fn meta(mut self, key: &str, value: impl AsRef<std::ffi::OsStr>) -> Self {
            self.settings.set_key("meta", key, value.as_ref());
            self
        }

        /// Sets a key of the text that the jail can read as sysctl `security.jail.env`: `env.KEY`.
        ///
        /// As [`meta`](Self::meta). The whole text is [`param::ENV`](crate::param::ENV).
        pub fn env(mut self, key: &str, value: impl AsRef<std::ffi::OsStr>) -> Self {
            self.settings.set_key("env", key, value.as_ref());
            self
        }
    };
}

pub(crate) use {composed_setters, setter};
