//! Which FreeBSD a model is.

use core::ffi::c_int;

/// A FreeBSD release, as far as its jail code differs from others.
///
/// The two ends of the line, 13.2 and 15.1, are held to what kernels of those releases answered; 14.3 is
/// derived from both. Further releases are one constant each: a copy with the fields that changed.
// Each is a difference of its own, and came or goes with a release of its own.
#[allow(clippy::struct_excessive_bools)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Release {
    pub(super) osreldate: c_int,
    pub(super) osrelease: &'static str,
    /// Jail descriptors, their flags and their system calls.
    pub(super) descriptors: bool,
    /// The parameters `meta` and `env`.
    pub(super) meta: bool,
    /// The module mac_do(4) and its parameters.
    pub(super) mac_do: bool,
    /// T4: an update by jid or descriptor is judged against the caller's jail instead of the jail's parent.
    pub(super) judged_by_caller: bool,
    /// A dying jail keeps its jid and can be revived; since 15 a new jail takes its jid, and it gets another.
    pub(super) dying_keeps_jid: bool,
    /// T18: a new jail that fails late is not alive yet and so escapes its removal.
    pub(super) late_failure_leaks: bool,
    /// Privilege is judged before anything else, flags and the shape of the request included.
    pub(super) privilege_first: bool,
    /// T3: a bad descriptor with AT_DESC drops a reference of the caller's jail that nobody held.
    pub(super) bad_at_desc_corrupts: bool,
    /// The permissions: `allow.` and these.
    pub(super) allow: &'static [&'static str],
}

impl Release {
    /// FreeBSD 13.2: no descriptors, no metadata, and nested jails judged rightly.
    pub const FREEBSD_13_2: Self = Self {
        osreldate: 1_302_001,
        osrelease: "13.2-RELEASE",
        descriptors: false,
        meta: false,
        mac_do: false,
        judged_by_caller: false,
        dying_keeps_jid: true,
        late_failure_leaks: false,
        privilege_first: true,
        bad_at_desc_corrupts: false,
        allow: ALLOW_13,
    };

    /// FreeBSD 14.3: as 13.2, with `allow.nfsd`.
    pub const FREEBSD_14_3: Self =
        Self { osreldate: 1_403_000, osrelease: "14.3-RELEASE", allow: ALLOW_14, ..Self::FREEBSD_13_2 };

    /// FreeBSD 15.1: descriptors, `meta` and `env`.
    pub const FREEBSD_15_1: Self = Self {
        osreldate: 1_501_000,
        osrelease: "15.1-RELEASE",
        descriptors: true,
        meta: true,
        mac_do: true,
        judged_by_caller: true,
        dying_keeps_jid: false,
        late_failure_leaks: true,
        privilege_first: false,
        bad_at_desc_corrupts: true,
        allow: ALLOW_15,
    };

    /// The same release under another `kern.osreldate` and `kern.osrelease`, as builds between releases have.
    #[must_use]
    pub const fn named(self, osreldate: c_int, osrelease: &'static str) -> Self {
        Self { osreldate, osrelease, ..self }
    }

    /// The release's `kern.osreldate`.
    #[must_use]
    pub const fn osreldate(self) -> c_int {
        self.osreldate
    }

    /// The release's `kern.osrelease`.
    #[must_use]
    pub const fn osrelease(self) -> &'static str {
        self.osrelease
    }
}

/// The permissions of 13.2 with the file systems that its generic kernel knows.
const ALLOW_13: &[&str] = &[
    "set_hostname",
    "sysvipc",
    "raw_sockets",
    "chflags",
    "mount",
    "quotas",
    "socket_af",
    "mlock",
    "reserved_ports",
    "read_msgbuf",
    "unprivileged_proc_debug",
    "suser",
    "mount.devfs",
    "mount.fdescfs",
    "mount.nullfs",
    "mount.procfs",
    "mount.tmpfs",
];

/// The permissions of 14.3.
const ALLOW_14: &[&str] = &[
    "set_hostname",
    "sysvipc",
    "raw_sockets",
    "chflags",
    "mount",
    "quotas",
    "socket_af",
    "mlock",
    "reserved_ports",
    "read_msgbuf",
    "unprivileged_proc_debug",
    "suser",
    "nfsd",
    "mount.devfs",
    "mount.fdescfs",
    "mount.nullfs",
    "mount.procfs",
    "mount.tmpfs",
];

/// The permissions of 15.1.
const ALLOW_15: &[&str] = &[
    "set_hostname",
    "sysvipc",
    "raw_sockets",
    "chflags",
    "mount",
    "quotas",
    "socket_af",
    "mlock",
    "reserved_ports",
    "read_msgbuf",
    "unprivileged_proc_debug",
    "suser",
    "nfsd",
    "extattr",
    "adjtime",
    "settime",
    "routing",
    "unprivileged_parent_tampering",
    "setaudit",
    "mount.devfs",
    "mount.fdescfs",
    "mount.nullfs",
    "mount.procfs",
    "mount.tmpfs",
];
