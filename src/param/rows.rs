//! The table of parameters: the one place that names them.
//!
//! The constants, their documentation and the checks are made of these rows.

/// Hands all rows but those of permissions to another macro.
macro_rules! parameters {
    ($callback:ident) => {
        $callback! {
            /// The jail's number.
            ///
            /// It finds the jail, but only while the jail lives: the kernel may give the number to another
            /// one afterwards. A number above 999,999 may be asked for, too.
            JID: Jid, CreateOnly, "jid", default "the next free number from 1 to 999,999", since FREEBSD_13_2, range 1 ..= 2_147_483_647;
            /// The jail's name, at most 255 bytes, the names of the jails above it included.
            ///
            /// `.` separates the levels of nested jails. A last level that is a decimal number must be the
            /// jail's own. No other jail may have the same name.
            ///
            /// rctl(8) names jails, too: a `:` in a name makes its rules those of another subject, and after a
            /// jail is renamed what the jails below it use stays counted under their old names. Where rules are
            /// used, choose names without `:`, and rename before there are rules, and only jails that have no
            /// jails below them.
            NAME: OsString, ReadWrite, "name", default "the jail's number", since FREEBSD_13_2, max 256;
            /// The directory that is the jail's root, at most 1,023 bytes.
            ///
            /// It must exist, and reads back with symbolic links resolved. A jail reads the paths of those
            /// below it from its own root.
            ///
            /// A nested jail that something else created without a path may read `/` here, though its root is
            /// another jail's: remove no files by the path of a jail that this program did not create.
            PATH: PathBuf, CreateOnly, "path",
                default "the creating process's root", since FREEBSD_13_2, max 1024;
            /// The jail above this one, `None` where that is the reading process's own.
            PARENT: Option<Jid>, ReadOnly, "parent", default "where it was created", since FREEBSD_13_2;
            /// Whether the jail is being removed: processes or other references keep the last of it. There is
            /// no way back.
            DYING: bool, ReadOnly, "dying", default "false", since FREEBSD_13_2;
            /// The secure level inside, sysctl `kern.securelevel`: from -1, insecure, to 3; see
            /// [security(7)](https://man.freebsd.org/cgi/man.cgi?query=security&sektion=7).
            ///
            /// It cannot be below the parent's. Raised, it rises in the jails below too.
            SECURELEVEL: i32, ReadWrite, "securelevel",
                default "the parent's", since FREEBSD_13_2;
            /// What `uname -r` and sysctl `kern.osrelease` say inside, at most 30 bytes.
            ///
            /// For programs that expect another release; nothing else about the system changes.
            OSRELEASE: OsString, CreateOnly, "osrelease",
                default "the parent's, on the host the kernel's own", since FREEBSD_13_2, max 32;
            /// What `uname -K` and sysctl `kern.osreldate` say inside, such as 1302001: any number but 0.
            ///
            /// The kernel goes by it where releases differ in what system calls do.
            OSRELDATE: i32, CreateOnly, "osreldate",
                default "the parent's, on the host the kernel's own", since FREEBSD_13_2;
            /// Which mounted file systems are visible inside.
            ///
            /// It cannot be less strict than the parent's.
            ENFORCE_STATFS: EnforceStatfs, ReadWrite, "enforce_statfs",
                default "2", since FREEBSD_13_2, range 0 ..= 2;
            /// The number of the [devfs(8)](https://man.freebsd.org/cgi/man.cgi?query=devfs&sektion=8)
            /// ruleset that devfs mounts inside get: 0 to 65,535, where 0 is none.
            ///
            /// A process that is in a jail can set 0 or the parent's only. The jails below get the same.
            DEVFS_RULESET: i32, ReadWrite, "devfs_ruleset",
                default "the parent's, 0 on the host", since FREEBSD_13_2, range 0 ..= 65535;
            /// Whether the jail stays when it has no processes. Set to false, a jail without processes goes
            /// at once.
            PERSIST: bool, ReadWrite, "persist",
                default "true for a jail that a handle is made of, else false", since FREEBSD_13_2;
            /// Whether the jail has a network stack of its own, with its own interfaces, addresses and routes
            /// ([`Sharing::New`](crate::param::Sharing::New)), or its parent's
            /// ([`Sharing::Inherit`](crate::param::Sharing::Inherit)).
            ///
            /// A request that says either cannot say anything of [addresses](crate::param::IP4_ADDR). Kernels
            /// without option `VIMAGE` do not have it.
            VNET: Sharing, CreateOnly, "vnet", default "inherit", since FREEBSD_13_2, range 1 ..= 2;
            /// How many jails are below this one, those below them included.
            CHILDREN_CUR: u32, ReadOnly, "children.cur", default "0", since FREEBSD_13_2;
            /// How many jails may be below this one, those below them included: from 0 to one less than the
            /// parent's.
            ///
            /// Lowered, it falls in the jails below too; none is removed.
            CHILDREN_MAX: u32, ReadWrite, "children.max",
                default "0", since FREEBSD_13_2, range 0 ..= 2_147_483_647;
            /// Whether the jail has a host name and its likes of its own
            /// ([`Sharing::New`](crate::param::Sharing::New)), or its parent's
            /// ([`Sharing::Inherit`](crate::param::Sharing::Inherit)).
            ///
            /// Setting any of `host.hostname`, `host.domainname`, `host.hostuuid` and `host.hostid` implies
            /// its own.
            ///
            /// An update to [`Sharing::Inherit`](crate::param::Sharing::Inherit) gives the jail its parent's names, but
            /// not the jails below that inherit from it: they keep the old ones until the parent's change.
            HOST: Sharing, ReadWrite, "host", default "new", since FREEBSD_13_2, range 1 ..= 2;
            /// The host name, at most 255 bytes. Jails below that inherit it change with it.
            HOST_HOSTNAME: OsString, ReadWrite, "host.hostname",
                default "empty", since FREEBSD_13_2, max 256;
            /// The NIS domain name, at most 255 bytes. Jails below that inherit it change with it.
            HOST_DOMAINNAME: OsString, ReadWrite, "host.domainname",
                default "empty", since FREEBSD_13_2, max 256;
            /// The host's UUID as text, sysctl `kern.hostuuid`: at most 63 bytes, which the kernel does not
            /// look into.
            HOST_HOSTUUID: OsString, ReadWrite, "host.hostuuid",
                default "all zeros", since FREEBSD_13_2, max 64;
            /// The host's id, sysctl `kern.hostid`: at most 32 bits on 32-bit machines.
            HOST_HOSTID: u64, ReadWrite, "host.hostid",
                default "0", since FREEBSD_13_2;
            /// The number of the jail's
            /// [cpuset(1)](https://man.freebsd.org/cgi/man.cgi?query=cpuset&sektion=1): the processors that
            /// it may use are changed there.
            CPUSET_ID: i32, ReadOnly, "cpuset.id", default "a set of its own", since FREEBSD_13_2;
            /// Where the jail's IPv4 addresses come from: [`Mode::New`](crate::param::Mode::New) its own
            /// [`ip4.addr`](crate::param::IP4_ADDR), [`Mode::Inherit`](crate::param::Mode::Inherit) all that
            /// the parent has, [`Mode::Disable`](crate::param::Mode::Disable) none.
            ///
            /// It reads as `Disable` where the jail has its own, as `Inherit` where it has a network stack of
            /// its own, and never as `New`.
            IP4: Mode, CreateOnly, "ip4", default "no addresses", since FREEBSD_13_2;
            /// The jail's IPv4 addresses, the first being the primary one. The others come back sorted.
            ///
            /// None at all leaves it without IPv4. Its parent must have them all. An address can be shared by
            /// jails that have that one only. There can be as many as sysctl `security.jail.jail_max_af_ips`
            /// says, 255 by default. Only a jail that was created with addresses of its own, or with none,
            /// can have them changed.
            IP4_ADDR: Vec<Ipv4Addr>, ReadWrite, "ip4.addr", default "none", since FREEBSD_13_2;
            /// Whether the usual rules pick the source address of an IPv4 connection, or the primary address
            /// is taken.
            IP4_SADDRSEL: bool, ReadWrite, "ip4.saddrsel",
                default "true", since FREEBSD_13_2;
            /// Where the jail's IPv6 addresses come from: [`Mode::New`](crate::param::Mode::New) its own
            /// [`ip6.addr`](crate::param::IP6_ADDR), [`Mode::Inherit`](crate::param::Mode::Inherit) all that
            /// the parent has, [`Mode::Disable`](crate::param::Mode::Disable) none.
            ///
            /// It reads as `Disable` where the jail has its own, as `Inherit` where it has a network stack of
            /// its own, and never as `New`.
            IP6: Mode, CreateOnly, "ip6", default "no addresses", since FREEBSD_13_2;
            /// The jail's IPv6 addresses, the first being the primary one. The others come back sorted.
            ///
            /// None at all leaves it without IPv6. Its parent must have them all. An address can be shared by
            /// jails that have that one only. There can be as many as sysctl `security.jail.jail_max_af_ips`
            /// says, 255 by default. Only a jail that was created with addresses of its own, or with none,
            /// can have them changed.
            IP6_ADDR: Vec<Ipv6Addr>, ReadWrite, "ip6.addr", default "none", since FREEBSD_13_2;
            /// Whether the usual rules pick the source address of an IPv6 connection, or the primary address
            /// is taken.
            IP6_SADDRSEL: bool, ReadWrite, "ip6.saddrsel",
                default "true", since FREEBSD_13_2;
            /// What the jail has of System V message queues: [`Mode::Inherit`](crate::param::Mode::Inherit)
            /// all that its parent sees, [`Mode::New`](crate::param::Mode::New) a name space of its own, into
            /// which its parent can see, [`Mode::Disable`](crate::param::Mode::Disable) none.
            ///
            /// The parent must have some. Changed, what the jails below share changes too.
            ///
            /// An update that takes a name space of its own away from a jail is refused: the kernel would remove
            /// all that is in it, under the processes that use it, and may panic over shared memory.
            SYSVMSG: Mode, ReadWrite, "sysvmsg", default "disable", since FREEBSD_13_2;
            /// What the jail has of System V semaphores: [`Mode::Inherit`](crate::param::Mode::Inherit) all
            /// that its parent sees, [`Mode::New`](crate::param::Mode::New) a name space of its own, into
            /// which its parent can see, [`Mode::Disable`](crate::param::Mode::Disable) none.
            ///
            /// The parent must have some. Changed, what the jails below share changes too.
            ///
            /// An update that takes a name space of its own away from a jail is refused: the kernel would remove
            /// all that is in it, under the processes that use it, and may panic over shared memory.
            SYSVSEM: Mode, ReadWrite, "sysvsem", default "disable", since FREEBSD_13_2;
            /// What the jail has of System V shared memory: [`Mode::Inherit`](crate::param::Mode::Inherit)
            /// all that its parent sees, [`Mode::New`](crate::param::Mode::New) a name space of its own, into
            /// which its parent can see, [`Mode::Disable`](crate::param::Mode::Disable) none.
            ///
            /// The parent must have some. Changed, what the jails below share changes too.
            ///
            /// An update that takes a name space of its own away from a jail is refused: the kernel would remove
            /// all that is in it, under the processes that use it, and may panic over shared memory.
            SYSVSHM: Mode, ReadWrite, "sysvshm", default "disable", since FREEBSD_13_2;
            /// Whether the jail has the names and versions of Linux emulation of its own
            /// ([`Sharing::New`](crate::param::Sharing::New)), or its parent's
            /// ([`Sharing::Inherit`](crate::param::Sharing::Inherit)).
            ///
            /// Setting any of `linux.osname`, `linux.osrelease` and `linux.oss_version` implies its own.
            LINUX: Sharing, ReadWrite, "linux",
                default "inherit", since FREEBSD_13_2, module "linux_common", range 1 ..= 2;
            /// The name of the system that Linux programs are told, at most 64 bytes.
            LINUX_OSNAME: OsString, ReadWrite, "linux.osname",
                default "the parent's", since FREEBSD_13_2, module "linux_common", max 65;
            /// The version of Linux that its programs are told, such as `5.15.0`, at most 64 bytes.
            LINUX_OSRELEASE: OsString, ReadWrite, "linux.osrelease",
                default "the parent's", since FREEBSD_13_2, module "linux_common", max 65;
            /// The version of the Open Sound System that Linux programs are told, such as 198144.
            LINUX_OSS_VERSION: i32, ReadWrite, "linux.oss_version",
                default "the parent's", since FREEBSD_13_2, module "linux_common";
            /// What the jail may do with the ZFS datasets that it was given:
            /// [`Mode::New`](crate::param::Mode::New) what `zfs.*` says of it, at first what its parent may,
            /// [`Mode::Inherit`](crate::param::Mode::Inherit) what its parent may at any time.
            /// [`Mode::Disable`](crate::param::Mode::Disable) is refused: the kernel has no such thing.
            ZFS: Mode, ReadWrite, "zfs",
                default "new", since FREEBSD_13_2, module "zfs", range 1 ..= 2;
            /// Whether the snapshots below `.zfs` can be read inside.
            ///
            /// On the wire it is an int, 0 or 1, not a boolean: a [`Value`](crate::param::Value) of it can be either.
            /// It reads as false for a jail whose [`zfs`](crate::param::ZFS) is inherited.
            ///
            /// A nested jail cannot have it where its parent does not. The kernel finds that out only after it has
            /// applied the update's other parameters.
            ZFS_MOUNT_SNAPSHOT: bool, ReadWrite, "zfs.mount_snapshot",
                default "false", since FREEBSD_13_2, kind Int, module "zfs", range 0 ..= 1;
            /// Whether users inside may become others by
            /// [mac_do(4)](https://man.freebsd.org/cgi/man.cgi?query=mac_do&sektion=4):
            /// [`Mode::New`](crate::param::Mode::New) as `mac.do.rules` says,
            /// [`Mode::Inherit`](crate::param::Mode::Inherit) as the parent's rules say,
            /// [`Mode::Disable`](crate::param::Mode::Disable) not at all.
            ///
            /// `New` takes rules, and the others take none. Where the module is loaded, the kernel would
            /// reset a jail's rules with every update that does not mention them: an update by this crate
            /// reads them first, and carries them.
            MAC_DO: Mode, ReadWrite, "mac.do", default "disable", since FREEBSD_14_3, module "mac_do";
            /// The rules of [mac_do(4)](https://man.freebsd.org/cgi/man.cgi?query=mac_do&sektion=4), such as
            /// `uid=1001>uid=80`, at most 1,023 bytes. Those of a jail that inherits read as its parent's.
            MAC_DO_RULES: OsString, ReadWrite, "mac.do.rules",
                default "empty", since FREEBSD_14_3, module "mac_do", max 1024;
            /// Text about the jail that is hidden from it, in lines `KEY=VALUE`: at most what sysctl
            /// `security.jail.meta_maxbufsize` says, 4,096 bytes by default, the NUL included.
            ///
            /// One line is the parameter `meta.KEY`. It takes [`Param::new`](crate::param::Param::new), with
            /// an `OsString`, or an `Option<OsString>` that tells a missing key from an empty value.
            META: OsString, ReadWrite, "meta", default "empty", since FREEBSD_14_4;
            /// Text about the jail that it can read as sysctl `security.jail.env`, in lines `KEY=VALUE`: at
            /// most what sysctl `security.jail.meta_maxbufsize` says, 4,096 bytes by default, the NUL
            /// included. Into a smaller buffer the sysctl writes a part of it, without a NUL and without an
            /// error.
            ///
            /// One line is the parameter `env.KEY`. It takes [`Param::new`](crate::param::Param::new), with
            /// an `OsString`, or an `Option<OsString>` that tells a missing key from an empty value.
            ENV: OsString, ReadWrite, "env", default "empty", since FREEBSD_14_4;
        }
    };
}

/// Hands the rows of permissions to another macro: those of `allow.*`, without the prefix.
macro_rules! permissions {
    ($callback:ident) => {
        $callback! {
            /// Whether root inside may change the host name.
            SET_HOSTNAME: bool, ReadWrite, "allow.set_hostname",
                default "true, if the parent may", since FREEBSD_13_2;
            /// Whether the jail may use System V IPC, of which it sees all that its parent sees.
            ///
            /// Set, it is the same as [`sysvmsg`](crate::param::SYSVMSG), [`sysvsem`](crate::param::SYSVSEM)
            /// and [`sysvshm`](crate::param::SYSVSHM) all being
            /// [`Mode::Inherit`](crate::param::Mode::Inherit), where the request does not set these; set to
            /// false, the same as [`Mode::Disable`](crate::param::Mode::Disable). Prefer those.
            SYSVIPC: bool, ReadWrite, "allow.sysvipc", default "false", since FREEBSD_13_2;
            /// Whether root inside may open raw sockets, as ping(8) and traceroute(8) do. Sent packets bear
            /// the jail's addresses.
            RAW_SOCKETS: bool, ReadWrite, "allow.raw_sockets", default "false", since FREEBSD_13_2;
            /// Whether root inside may change the system's file flags, as far as the secure level allows.
            CHFLAGS: bool, ReadWrite, "allow.chflags", default "false", since FREEBSD_13_2;
            /// Whether root inside may mount file systems of the kinds that have a permission of their own,
            /// such as [`allow.mount.tmpfs`](crate::param::allow::MOUNT_TMPFS). It takes an
            /// [`enforce_statfs`](crate::param::ENFORCE_STATFS) below 2.
            MOUNT: bool, ReadWrite, "allow.mount", default "false", since FREEBSD_13_2;
            /// Whether root inside may set disk quotas, on file systems that others use too.
            QUOTAS: bool, ReadWrite, "allow.quotas", default "false", since FREEBSD_13_2;
            /// Whether sockets of any protocol may be opened: usually only IPv4, IPv6, local and routing ones
            /// may.
            SOCKET_AF: bool, ReadWrite, "allow.socket_af", default "false", since FREEBSD_13_2;
            /// Whether memory may be locked, within the limits of resources.
            MLOCK: bool, ReadWrite, "allow.mlock", default "false", since FREEBSD_13_2;
            /// Whether root inside may bind to ports below 1024.
            RESERVED_PORTS: bool, ReadWrite, "allow.reserved_ports",
                default "true, if the parent may", since FREEBSD_13_2;
            /// Whether the kernel's messages, dmesg(8), may be read inside.
            READ_MSGBUF: bool, ReadWrite, "allow.read_msgbuf", default "false", since FREEBSD_13_2;
            /// Whether users who are not root may debug their processes. The jail may have it though its
            /// parent has not.
            UNPRIVILEGED_PROC_DEBUG: bool, ReadWrite, "allow.unprivileged_proc_debug",
                default "true, if the parent may", since FREEBSD_13_2;
            /// Whether root inside is privileged at all.
            SUSER: bool, ReadWrite, "allow.suser",
                default "true, if the parent may", since FREEBSD_13_2;
            /// Whether the NFS server and its likes may run inside. It takes a network stack of the jail's
            /// own, a root that is a mount point, and an [`enforce_statfs`](crate::param::ENFORCE_STATFS)
            /// above 0. Kernels without option `VIMAGE` do not have it.
            NFSD: bool, ReadWrite, "allow.nfsd", default "false", since FREEBSD_14_0;
            /// Whether root inside may change extended attributes of the system's name space.
            EXTATTR: bool, ReadWrite, "allow.extattr", default "false", since FREEBSD_15_0;
            /// Whether root inside may slew the system's clock, as ntpd(8) does. The host has the same clock.
            ADJTIME: bool, ReadWrite, "allow.adjtime", default "false", since FREEBSD_15_0;
            /// Whether root inside may set the system's clock, and slew it. The host has the same clock.
            SETTIME: bool, ReadWrite, "allow.settime", default "false", since FREEBSD_15_0;
            /// Whether root inside may change routes, though the jail has no network stack of its own.
            ROUTING: bool, ReadWrite, "allow.routing", default "false", since FREEBSD_14_4;
            /// Whether root inside may set audit(4) sessions, and so end their auditing. Kernels without
            /// option `AUDIT` do not have it.
            SETAUDIT: bool, ReadWrite, "allow.setaudit", default "false", since FREEBSD_15_0;
            /// Whether users of the parent who are not root may signal, debug and bind to processors the
            /// processes that the user of the same number has inside. The jail may have it though its parent
            /// has not.
            UNPRIVILEGED_PARENT_TAMPERING: bool, ReadWrite, "allow.unprivileged_parent_tampering",
                default "false, on FreeBSD 14 true", since FREEBSD_14_4;
            /// Whether root inside may mount devfs, filtered by
            /// [`devfs_ruleset`](crate::param::DEVFS_RULESET). It takes
            /// [`allow.mount`](crate::param::allow::MOUNT) and an
            /// [`enforce_statfs`](crate::param::ENFORCE_STATFS) below 2.
            MOUNT_DEVFS: bool, ReadWrite, "allow.mount.devfs", default "false", since FREEBSD_13_2;
            /// Whether root inside may mount fdescfs. It takes [`allow.mount`](crate::param::allow::MOUNT) and
            /// an [`enforce_statfs`](crate::param::ENFORCE_STATFS) below 2.
            MOUNT_FDESCFS: bool, ReadWrite, "allow.mount.fdescfs",
                default "false", since FREEBSD_13_2, module "fdescfs";
            /// Whether root inside may mount file systems in user space. It takes
            /// [`allow.mount`](crate::param::allow::MOUNT) and an
            /// [`enforce_statfs`](crate::param::ENFORCE_STATFS) below 2.
            MOUNT_FUSEFS: bool, ReadWrite, "allow.mount.fusefs",
                default "false", since FREEBSD_13_2, module "fusefs";
            /// Whether root inside may mount linprocfs. It takes [`allow.mount`](crate::param::allow::MOUNT)
            /// and an [`enforce_statfs`](crate::param::ENFORCE_STATFS) below 2.
            MOUNT_LINPROCFS: bool, ReadWrite, "allow.mount.linprocfs",
                default "false", since FREEBSD_13_2, module "linprocfs";
            /// Whether root inside may mount linsysfs. It takes [`allow.mount`](crate::param::allow::MOUNT)
            /// and an [`enforce_statfs`](crate::param::ENFORCE_STATFS) below 2.
            MOUNT_LINSYSFS: bool, ReadWrite, "allow.mount.linsysfs",
                default "false", since FREEBSD_13_2, module "linsysfs";
            /// Whether root inside may mount nullfs. It takes [`allow.mount`](crate::param::allow::MOUNT) and
            /// an [`enforce_statfs`](crate::param::ENFORCE_STATFS) below 2.
            MOUNT_NULLFS: bool, ReadWrite, "allow.mount.nullfs",
                default "false", since FREEBSD_13_2, module "nullfs";
            /// Whether root inside may mount directories that a hypervisor shares. It takes
            /// [`allow.mount`](crate::param::allow::MOUNT) and an
            /// [`enforce_statfs`](crate::param::ENFORCE_STATFS) below 2.
            MOUNT_P9FS: bool, ReadWrite, "allow.mount.p9fs",
                default "false", since FREEBSD_14_4, module "p9fs";
            /// Whether root inside may mount procfs. It takes [`allow.mount`](crate::param::allow::MOUNT) and
            /// an [`enforce_statfs`](crate::param::ENFORCE_STATFS) below 2.
            MOUNT_PROCFS: bool, ReadWrite, "allow.mount.procfs",
                default "false", since FREEBSD_13_2, module "procfs";
            /// Whether root inside may mount tmpfs. It takes [`allow.mount`](crate::param::allow::MOUNT) and
            /// an [`enforce_statfs`](crate::param::ENFORCE_STATFS) below 2.
            MOUNT_TMPFS: bool, ReadWrite, "allow.mount.tmpfs",
                default "false", since FREEBSD_13_2, module "tmpfs";
            /// Whether root inside may mount the ZFS datasets that the jail was given. It takes
            /// [`allow.mount`](crate::param::allow::MOUNT) and an
            /// [`enforce_statfs`](crate::param::ENFORCE_STATFS) below 2.
            MOUNT_ZFS: bool, ReadWrite, "allow.mount.zfs",
                default "false", since FREEBSD_13_2, module "zfs";
            /// Whether root inside may run virtual machines.
            VMM: bool, ReadWrite, "allow.vmm", default "false", since FREEBSD_13_2, module "vmm";
            /// Whether root inside may give physical PCI devices to virtual machines, which is a way out of
            /// the jail.
            VMM_PPT: bool, ReadWrite, "allow.vmm_ppt",
                default "false", since FREEBSD_15_1, module "vmm";
        }
    };
}

/// The number of a release, as documentation has it.
macro_rules! since_text {
    (FREEBSD_13_2) => {
        "13.2 or before"
    };
    (FREEBSD_14_0) => {
        "14.0"
    };
    (FREEBSD_14_3) => {
        "14.3"
    };
    (FREEBSD_14_4) => {
        "14.4"
    };
    (FREEBSD_15_0) => {
        "15.0"
    };
    (FREEBSD_15_1) => {
        "15.1"
    };
}

pub(crate) use {parameters, permissions, since_text};
