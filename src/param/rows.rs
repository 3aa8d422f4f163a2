//! The table of parameters: the one place that names them.
//!
//! The constants, their documentation and the checks are generated from these rows.

/// Passes all rows except permissions to another macro.
macro_rules! parameters {
    ($callback:ident) => {
        $callback! {
            /// The jail's jid.
            ///
            /// It identifies the jail only while the jail is alive: another jail may get it afterwards. A jid above
            /// 999,999 can be requested, too.
            JID: Jid, CreateOnly, "jid", default "the next free jid from 1 to 999,999", since FREEBSD_13_2, range 1 ..= 2_147_483_647;
            /// The jail's name, at most 255 bytes, including the names of the jails above it.
            ///
            /// `.` separates the levels of nested jails. If the last level is a decimal number, it must be the jid. No
            /// other jail may have the same name.
            ///
            /// [rctl(8)](https://man.freebsd.org/cgi/man.cgi?query=rctl&sektion=8) uses names, too. If a name contains `:`,
            /// its rules apply to another subject. After a rename, the resources of the jails below stay counted under
            /// their old names. With rctl, choose names without `:`, and rename jails before there are rules and while
            /// they have no child jails.
            NAME: OsString, ReadWrite, "name", default "the jid", since FREEBSD_13_2, max 256;
            /// The directory that is the jail's root, at most 1,023 bytes.
            ///
            /// It must exist, and reads back with symbolic links resolved. A jail sees the paths of its child jails
            /// relative to its own root.
            ///
            /// A nested jail that another program created without a path may have `/` here, although its root is
            /// another jail's (T52): do not delete files by the path of a jail that this program did not create.
            PATH: PathBuf, CreateOnly, "path",
                default "the creating process's root", since FREEBSD_13_2, max 1024;
            /// The jail above this one, `None` if that is the jail of the reading process.
            PARENT: Option<Jid>, ReadOnly, "parent", default "where it was created", since FREEBSD_13_2;
            /// Whether the jail has been removed and is still held by processes or other references. This is final.
            DYING: bool, ReadOnly, "dying", default "false", since FREEBSD_13_2;
            /// The secure level inside, sysctl `kern.securelevel`: from -1, insecure, to 3; see
            /// [security(7)](https://man.freebsd.org/cgi/man.cgi?query=security&sektion=7).
            ///
            /// It cannot be below the parent's. Raising it raises it in the jails below too.
            SECURELEVEL: i32, ReadWrite, "securelevel",
                default "the parent's", since FREEBSD_13_2;
            /// The OS release that the jail reports (`uname -r`, sysctl `kern.osrelease`), at most 30 bytes.
            ///
            /// For programs that expect another release; nothing else about the system changes.
            OSRELEASE: OsString, CreateOnly, "osrelease",
                default "the parent's, on the host the kernel's own", since FREEBSD_13_2, max 32;
            /// The OS version that the jail reports (`uname -K`, sysctl `kern.osreldate`), such as 1302001; it cannot
            /// be 0.
            ///
            /// The kernel uses it where system calls differ between releases.
            OSRELDATE: i32, CreateOnly, "osreldate",
                default "the parent's, on the host the kernel's own", since FREEBSD_13_2;
            /// Which mounted file systems are visible inside.
            ///
            /// It cannot be less strict than the parent's.
            ENFORCE_STATFS: EnforceStatfs, ReadWrite, "enforce_statfs",
                default "2", since FREEBSD_13_2, range 0 ..= 2;
            /// The number of the [devfs(8)](https://man.freebsd.org/cgi/man.cgi?query=devfs&sektion=8) ruleset of devfs
            /// mounts inside: 0 to 65,535, where 0 means none.
            ///
            /// A process in a jail can only set 0 or the parent's. The jails below get the same.
            DEVFS_RULESET: i32, ReadWrite, "devfs_ruleset",
                default "the parent's, 0 on the host", since FREEBSD_13_2, range 0 ..= 65535;
            /// Whether the jail stays when it has no processes. Setting it to false removes a jail without processes at
            /// once.
            PERSIST: bool, ReadWrite, "persist",
                default "true for a jail with a handle, otherwise false", since FREEBSD_13_2;
            /// Whether the jail has a network stack of its own, with its own interfaces, addresses and routes
            /// ([`Sharing::New`](crate::param::Sharing::New)), or its parent's
            /// ([`Sharing::Inherit`](crate::param::Sharing::Inherit)).
            ///
            /// A request that says either cannot say anything of [addresses](crate::param::IP4_ADDR). Kernels without
            /// option `VIMAGE` lack it.
            VNET: Sharing, CreateOnly, "vnet", default "inherit", since FREEBSD_13_2, range 1 ..= 2;
            /// How many jails are below this one, at any depth.
            CHILDREN_CUR: u32, ReadOnly, "children.cur", default "0", since FREEBSD_13_2;
            /// How many jails may be below this one, at any depth: from 0 to one less than the parent's.
            ///
            /// Lowering it lowers it in the jails below too; none is removed.
            CHILDREN_MAX: u32, ReadWrite, "children.max",
                default "0", since FREEBSD_13_2, range 0 ..= 2_147_483_647;
            /// Whether the jail has a host name, domain name, UUID and host id of its own
            /// ([`Sharing::New`](crate::param::Sharing::New)), or its parent's
            /// ([`Sharing::Inherit`](crate::param::Sharing::Inherit)).
            ///
            /// Setting any of `host.hostname`, `host.domainname`, `host.hostuuid` and `host.hostid` implies that they
            /// are its own.
            ///
            /// An update to [`Sharing::Inherit`](crate::param::Sharing::Inherit) gives the jail its parent's names. The
            /// jails below that inherit from it keep the old ones until the parent's change (T31).
            HOST: Sharing, ReadWrite, "host", default "new", since FREEBSD_13_2, range 1 ..= 2;
            /// The host name, at most 255 bytes. Jails below that inherit it change with it.
            HOST_HOSTNAME: OsString, ReadWrite, "host.hostname",
                default "empty", since FREEBSD_13_2, max 256;
            /// The NIS domain name, at most 255 bytes. Jails below that inherit it change with it.
            HOST_DOMAINNAME: OsString, ReadWrite, "host.domainname",
                default "empty", since FREEBSD_13_2, max 256;
            /// The host's UUID as text, sysctl `kern.hostuuid`: at most 63 bytes, which the kernel does not parse.
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
            /// It reads as `Disable` if the jail has its own, as `Inherit` if it has its own network stack, and never
            /// as `New`.
            IP4: Mode, CreateOnly, "ip4", default "no addresses", since FREEBSD_13_2;
            /// The jail's IPv4 addresses, of which the first is primary. The others read back sorted.
            ///
            /// An empty list leaves it without IPv4. Its parent must have them all. Jails can share an address only if
            /// each has no other. The maximum number is sysctl `security.jail.jail_max_af_ips`, 255 by default. Only a
            /// jail that was created with addresses of its own, or with none, can have them changed.
            IP4_ADDR: Vec<Ipv4Addr>, ReadWrite, "ip4.addr", default "none", since FREEBSD_13_2;
            /// Whether the usual rules pick the source address of an IPv4 connection, or the primary address is used.
            IP4_SADDRSEL: bool, ReadWrite, "ip4.saddrsel",
                default "true", since FREEBSD_13_2;
            /// Where the jail's IPv6 addresses come from: [`Mode::New`](crate::param::Mode::New) its own
            /// [`ip6.addr`](crate::param::IP6_ADDR), [`Mode::Inherit`](crate::param::Mode::Inherit) all that
            /// the parent has, [`Mode::Disable`](crate::param::Mode::Disable) none.
            ///
            /// It reads as `Disable` if the jail has its own, as `Inherit` if it has its own network stack, and never
            /// as `New`.
            IP6: Mode, CreateOnly, "ip6", default "no addresses", since FREEBSD_13_2;
            /// The jail's IPv6 addresses, of which the first is primary. The others read back sorted.
            ///
            /// An empty list leaves it without IPv6. Its parent must have them all. Jails can share an address only if
            /// each has no other. The maximum number is sysctl `security.jail.jail_max_af_ips`, 255 by default. Only a
            /// jail that was created with addresses of its own, or with none, can have them changed.
            IP6_ADDR: Vec<Ipv6Addr>, ReadWrite, "ip6.addr", default "none", since FREEBSD_13_2;
            /// Whether the usual rules pick the source address of an IPv6 connection, or the primary address is used.
            IP6_SADDRSEL: bool, ReadWrite, "ip6.saddrsel",
                default "true", since FREEBSD_13_2;
            /// What the jail has of System V message queues: [`Mode::Inherit`](crate::param::Mode::Inherit)
            /// all that its parent sees, [`Mode::New`](crate::param::Mode::New) a name space of its own, into
            /// which its parent can see, [`Mode::Disable`](crate::param::Mode::Disable) none.
            ///
            /// The parent must have some. Jails below that share them follow a change.
            ///
            /// An update by which the jail would lose a namespace of its own is refused: the kernel would remove all
            /// its objects, even those in use, and may panic (T41).
            SYSVMSG: Mode, ReadWrite, "sysvmsg", default "disable", since FREEBSD_13_2;
            /// What the jail has of System V semaphores: [`Mode::Inherit`](crate::param::Mode::Inherit) all
            /// that its parent sees, [`Mode::New`](crate::param::Mode::New) a name space of its own, into
            /// which its parent can see, [`Mode::Disable`](crate::param::Mode::Disable) none.
            ///
            /// The parent must have some. Jails below that share them follow a change.
            ///
            /// An update by which the jail would lose a namespace of its own is refused: the kernel would remove all
            /// its objects, even those in use, and may panic (T41).
            SYSVSEM: Mode, ReadWrite, "sysvsem", default "disable", since FREEBSD_13_2;
            /// What the jail has of System V shared memory: [`Mode::Inherit`](crate::param::Mode::Inherit)
            /// all that its parent sees, [`Mode::New`](crate::param::Mode::New) a name space of its own, into
            /// which its parent can see, [`Mode::Disable`](crate::param::Mode::Disable) none.
            ///
            /// The parent must have some. Jails below that share them follow a change.
            ///
            /// An update by which the jail would lose a namespace of its own is refused: the kernel would remove all
            /// its objects, even those in use, and may panic (T41).
            SYSVSHM: Mode, ReadWrite, "sysvshm", default "disable", since FREEBSD_13_2;
            /// Whether the jail has its own names and versions of Linux emulation
            /// ([`Sharing::New`](crate::param::Sharing::New)), or its parent's
            /// ([`Sharing::Inherit`](crate::param::Sharing::Inherit)).
            ///
            /// Setting any of `linux.osname`, `linux.osrelease` and `linux.oss_version` implies that they are its own.
            LINUX: Sharing, ReadWrite, "linux",
                default "inherit", since FREEBSD_13_2, module "linux_common", range 1 ..= 2;
            /// The name of the system that Linux programs see, at most 64 bytes.
            LINUX_OSNAME: OsString, ReadWrite, "linux.osname",
                default "the parent's", since FREEBSD_13_2, module "linux_common", max 65;
            /// The version of Linux that its programs see, such as `5.15.0`, at most 64 bytes.
            LINUX_OSRELEASE: OsString, ReadWrite, "linux.osrelease",
                default "the parent's", since FREEBSD_13_2, module "linux_common", max 65;
            /// The version of the Open Sound System that Linux programs see, such as 198144.
            LINUX_OSS_VERSION: i32, ReadWrite, "linux.oss_version",
                default "the parent's", since FREEBSD_13_2, module "linux_common";
            /// What the jail may do with its ZFS datasets: [`Mode::New`](crate::param::Mode::New) what `zfs.*` says of
            /// it, at first what its parent may, [`Mode::Inherit`](crate::param::Mode::Inherit) what its parent may at
            /// any time. [`Mode::Disable`](crate::param::Mode::Disable) is refused: the kernel has no such thing.
            ZFS: Mode, ReadWrite, "zfs",
                default "new", since FREEBSD_13_2, module "zfs", range 1 ..= 2;
            /// Whether the snapshots below `.zfs` can be read inside.
            ///
            /// On the wire it is an int, 0 or 1, not a boolean: a [`Value`](crate::param::Value) of it can be either.
            /// It reads as false for a jail whose [`zfs`](crate::param::ZFS) is inherited.
            ///
            /// A nested jail cannot have it if its parent lacks it. The kernel checks this only after it has applied
            /// the update's other parameters (T33).
            ZFS_MOUNT_SNAPSHOT: bool, ReadWrite, "zfs.mount_snapshot",
                default "false", since FREEBSD_13_2, kind Int, module "zfs", range 0 ..= 1;
            /// Whether users inside may become others by
            /// [mac_do(4)](https://man.freebsd.org/cgi/man.cgi?query=mac_do&sektion=4):
            /// [`Mode::New`](crate::param::Mode::New) as `mac.do.rules` says,
            /// [`Mode::Inherit`](crate::param::Mode::Inherit) as the parent's rules say,
            /// [`Mode::Disable`](crate::param::Mode::Disable) not at all.
            ///
            /// `New` requires rules, the others forbid them. If the module is loaded, the kernel resets a jail's rules
            /// with every update that does not mention them (T6): an update by this crate reads them first and keeps
            /// them.
            MAC_DO: Mode, ReadWrite, "mac.do", default "disable", since FREEBSD_14_3, module "mac_do";
            /// The rules of [mac_do(4)](https://man.freebsd.org/cgi/man.cgi?query=mac_do&sektion=4), such as
            /// `uid=1001>uid=80`, at most 1,023 bytes. For a jail that inherits, they read as the parent's.
            MAC_DO_RULES: OsString, ReadWrite, "mac.do.rules",
                default "empty", since FREEBSD_14_3, module "mac_do", max 1024;
            /// Text about the jail that it cannot read, in lines `KEY=VALUE`. The maximum length, including NUL, is
            /// sysctl `security.jail.meta_maxbufsize`, 4,096 bytes by default.
            ///
            /// One line is the parameter `meta.KEY`. It takes [`Param::new`](crate::param::Param::new), with an
            /// `OsString`, or an `Option<OsString>` that distinguishes a missing key from an empty value.
            META: OsString, ReadWrite, "meta", default "empty", since FREEBSD_14_4;
            /// Text about the jail that it can read as sysctl `security.jail.env`, in lines `KEY=VALUE`. The maximum
            /// length, including NUL, is sysctl `security.jail.meta_maxbufsize`, 4,096 bytes by default. If the buffer
            /// is too small, the sysctl writes only part of it, without NUL and without an error (T57).
            ///
            /// One line is the parameter `env.KEY`. It takes [`Param::new`](crate::param::Param::new), with an
            /// `OsString`, or an `Option<OsString>` that distinguishes a missing key from an empty value.
            ENV: OsString, ReadWrite, "env", default "empty", since FREEBSD_14_4;
        }
    };
}

/// Passes the rows of permissions to another macro: those of `allow.*`, without the prefix.
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
            /// Whether root inside may open raw sockets, as
            /// [ping(8)](https://man.freebsd.org/cgi/man.cgi?query=ping&sektion=8) and
            /// [traceroute(8)](https://man.freebsd.org/cgi/man.cgi?query=traceroute&sektion=8) do. Sent packets have
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
            /// Whether sockets of any protocol may be opened: otherwise only IPv4, IPv6, local and routing sockets.
            SOCKET_AF: bool, ReadWrite, "allow.socket_af", default "false", since FREEBSD_13_2;
            /// Whether memory may be locked, within the resource limits.
            MLOCK: bool, ReadWrite, "allow.mlock", default "false", since FREEBSD_13_2;
            /// Whether root inside may bind to ports below 1024.
            RESERVED_PORTS: bool, ReadWrite, "allow.reserved_ports",
                default "true, if the parent may", since FREEBSD_13_2;
            /// Whether the kernel's messages, [dmesg(8)](https://man.freebsd.org/cgi/man.cgi?query=dmesg&sektion=8),
            /// may be read inside.
            READ_MSGBUF: bool, ReadWrite, "allow.read_msgbuf", default "false", since FREEBSD_13_2;
            /// Whether users who are not root may debug their processes. The jail may have it even if its parent lacks
            /// it.
            UNPRIVILEGED_PROC_DEBUG: bool, ReadWrite, "allow.unprivileged_proc_debug",
                default "true, if the parent may", since FREEBSD_13_2;
            /// Whether root inside has privileges at all.
            SUSER: bool, ReadWrite, "allow.suser",
                default "true, if the parent may", since FREEBSD_13_2;
            /// Whether the NFS server and related daemons may run inside. This requires a network stack of the jail's
            /// own, a root that is a mount point, and an [`enforce_statfs`](crate::param::ENFORCE_STATFS) above 0.
            /// Kernels without option `VIMAGE` lack it.
            NFSD: bool, ReadWrite, "allow.nfsd", default "false", since FREEBSD_14_0;
            /// Whether root inside may change extended attributes of the system namespace.
            EXTATTR: bool, ReadWrite, "allow.extattr", default "false", since FREEBSD_15_0;
            /// Whether root inside may slew the system's clock, as
            /// [ntpd(8)](https://man.freebsd.org/cgi/man.cgi?query=ntpd&sektion=8) does. The host has the same clock.
            ADJTIME: bool, ReadWrite, "allow.adjtime", default "false", since FREEBSD_15_0;
            /// Whether root inside may set the system's clock, and slew it. The host has the same clock.
            SETTIME: bool, ReadWrite, "allow.settime", default "false", since FREEBSD_15_0;
            /// Whether root inside may change routes, even without a network stack of the jail's own.
            ROUTING: bool, ReadWrite, "allow.routing", default "false", since FREEBSD_14_4;
            /// Whether root inside may set [audit(4)](https://man.freebsd.org/cgi/man.cgi?query=audit&sektion=4) sessions,
            /// and so stop auditing. Kernels without option `AUDIT` lack it.
            SETAUDIT: bool, ReadWrite, "allow.setaudit", default "false", since FREEBSD_15_0;
            /// Whether unprivileged users of the parent may signal, debug and set the CPUs of processes inside that
            /// have the same uid. The jail may have it even if its parent lacks it.
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

/// A release number for documentation.
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
