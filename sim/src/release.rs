//! The releases of a model.

use core::ffi::c_int;
use core::fmt;

/// A FreeBSD release, by the differences in its jail code.
///
/// 13.2, 14.2 and 15.1 are checked against recorded answers of kernels of those releases. 14.4 is written from its
/// source and has not been compared with a kernel.
///
/// There is no constant for 14.3, whose system calls and parameters are those of 14.2, but for [mac_do(4)]: a model of
/// 14.2 that [`Self::named`] gives the `kern.osreldate` 1403000 has 14.3's [`Module::MacDo`](super::Module::MacDo).
///
/// [mac_do(4)]: https://man.freebsd.org/cgi/man.cgi?query=mac_do&sektion=4
// Each is a separate difference, which begins or ends with some release.
#[allow(clippy::struct_excessive_bools)]
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Release {
    pub(super) osreldate: c_int,
    pub(super) osrelease: &'static str,
    /// Jail descriptors, their flags and their system calls, and events of jails.
    pub(super) descriptors: bool,
    /// The parameters `meta` and `env`.
    pub(super) meta: bool,
    /// The module mac_do(4) and its parameters, built in.
    pub(super) mac_do: bool,
    /// T4: an update by jid or descriptor is judged against the caller's jail instead of the jail's parent.
    pub(super) judged_by_caller: bool,
    /// A dying jail keeps its jid and can be revived; since 15 a new jail takes its jid, and it gets another.
    pub(super) dying_keeps_jid: bool,
    /// T18: a new jail that fails late is not alive yet and so is not removed.
    pub(super) late_failure_leaks: bool,
    /// Privilege is checked before anything else, even flags and the shape of the request.
    pub(super) privilege_first: bool,
    /// T3: a bad descriptor with AT_DESC drops a reference to the caller's jail that was never taken.
    pub(super) bad_at_desc_corrupts: bool,
    /// T11: `security.jail.list` returns the size of its buffer as the number of a jail's addresses.
    pub(super) list_repeats_addresses: bool,
    /// The sysctls `security.jail.children.*`.
    pub(super) children_sysctls: bool,
    /// Attaching to another network stack checks that it has the process's routing table.
    pub(super) checks_fib: bool,
    /// Each jail has a list of its processes, which T42 corrupts.
    pub(super) process_lists: bool,
    /// The host has `allow.unprivileged_parent_tampering`, and so does a new jail by default.
    pub(super) tampering_by_default: bool,
    /// The Linux version of linux_common(4).
    pub(super) linux: &'static str,
    /// The permissions: `allow.` and these.
    pub(super) allow: &'static [&'static str],
}

impl fmt::Debug for Release {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Release").field(&self.osreldate).field(&self.osrelease).finish()
    }
}

impl Release {
    /// FreeBSD 13.2: no descriptors and no metadata; nested jails are compared with their parents.
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
        list_repeats_addresses: false,
        children_sysctls: false,
        checks_fib: false,
        process_lists: false,
        tampering_by_default: false,
        linux: "4.4.0",
        allow: ALLOW_13,
    };

    /// FreeBSD 14.2: as 13.2, with `allow.nfsd`.
    pub const FREEBSD_14_2: Self = Self {
        osreldate: 1_402_000,
        osrelease: "14.2-RELEASE",
        list_repeats_addresses: true,
        children_sysctls: true,
        checks_fib: true,
        process_lists: true,
        linux: "5.15.0",
        allow: ALLOW_14,
        ..Self::FREEBSD_13_2
    };

    /// FreeBSD 14.4: as 14.2, with `meta` and `env`, `allow.routing` and `allow.unprivileged_parent_tampering`.
    ///
    /// By source only; not compared with a kernel of this release.
    pub const FREEBSD_14_4: Self = Self {
        osreldate: 1_404_000,
        osrelease: "14.4-RELEASE",
        meta: true,
        tampering_by_default: true,
        allow: ALLOW_14_4,
        ..Self::FREEBSD_14_2
    };

    /// FreeBSD 15.1: descriptors, events, and more permissions.
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
        ..Self::FREEBSD_14_2
    };

    /// The modelled releases, the oldest first.
    pub const ALL: [Self; 4] =
        [Self::FREEBSD_13_2, Self::FREEBSD_14_2, Self::FREEBSD_14_4, Self::FREEBSD_15_1];

    /// Returns the modelled release that is nearest to a kernel's `kern.osreldate`: of the same major release the
    /// newest that is not newer, or the oldest.
    ///
    /// It keeps its own `kern.osreldate`; [`Self::named`] changes it.
    #[must_use]
    pub fn nearest(osreldate: c_int) -> Self {
        let major = |release: &Self| release.osreldate / 100_000;
        let older = Self::ALL.into_iter().rev().find(|release| release.osreldate <= osreldate);
        match older {
            Some(release) if major(&release) == osreldate / 100_000 => release,
            _ => {
                let same = Self::ALL.into_iter().find(|release| major(release) == osreldate / 100_000);
                same.or(older).unwrap_or(Self::FREEBSD_13_2)
            }
        }
    }

    /// Returns the release with another `kern.osreldate` and `kern.osrelease`, as builds between releases have.
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

/// The permissions of 13.2 with the file systems of its generic kernel.
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

/// The permissions of 14.2.
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

/// The permissions of 14.4.
const ALLOW_14_4: &[&str] = &[
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
    "routing",
    "unprivileged_parent_tampering",
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kernel_has_a_nearest_release() {
        for (osreldate, nearest) in [
            (1_204_000, Release::FREEBSD_13_2),
            (1_302_001, Release::FREEBSD_13_2),
            (1_305_000, Release::FREEBSD_13_2),
            (1_400_097, Release::FREEBSD_14_2),
            (1_403_000, Release::FREEBSD_14_2),
            (1_404_500, Release::FREEBSD_14_4),
            (1_500_068, Release::FREEBSD_15_1),
            (1_501_502, Release::FREEBSD_15_1),
            (1_600_000, Release::FREEBSD_15_1),
        ] {
            assert_eq!(Release::nearest(osreldate), nearest, "{osreldate}");
        }
    }
}
