//! One jail: `struct prison`.

use core::ffi::{c_int, c_ulong};
use std::collections::BTreeSet;

use super::address::{Ip4, Ip6};
use super::descriptor::DescriptorId;
use super::flags::{DEFAULT_HOSTUUID, JAIL_MAX, PrisonFlags};
use super::name::NameBuffer;
use super::permission::{Allow, Permissions};
use super::release::Release;

/// The id of a prison, which is never reused, unlike a jid.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Key(pub(super) u64);

/// The host's own prison, `prison0`.
pub(super) const HOST: Key = Key(0);

/// How many processors the host has.
const CPUS: u32 = 4;

/// The state of a prison: `enum prison_state`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Life {
    /// Being created and not yet visible, or left over from a failed creation (T18).
    Invalid,
    /// Alive.
    Alive,
    /// Removed, and still held.
    Dying,
}

/// A jail; the fields are those of `struct prison` in `sys/jail.h`.
#[derive(Debug, Clone)]
pub(super) struct Prison {
    pub(super) id: c_int,
    /// The references to the prison's memory: `pr_ref`.
    pub(super) refs: i64,
    /// The references that keep the jail alive, from processes, persistence and children: `pr_uref`.
    pub(super) urefs: i64,
    pub(super) flags: PrisonFlags,
    pub(super) parent: Option<Key>,
    /// The children, the newest first.
    pub(super) children: Vec<Key>,
    pub(super) childcount: c_int,
    pub(super) childmax: c_int,
    pub(super) allow: Allow,
    pub(super) securelevel: c_int,
    pub(super) enforce_statfs: c_int,
    pub(super) devfs_rsnum: c_int,
    pub(super) life: Life,
    pub(super) osreldate: c_int,
    pub(super) osrelease: Vec<u8>,
    pub(super) hostid: c_ulong,
    pub(super) name: NameBuffer,
    /// The path as reported, which may differ from the root (see `root`).
    pub(super) path: Vec<u8>,
    /// The root directory, as the host names it.
    pub(super) root: Vec<u8>,
    pub(super) hostname: Vec<u8>,
    pub(super) domainname: Vec<u8>,
    pub(super) hostuuid: Vec<u8>,
    pub(super) ip4: Option<Vec<Ip4>>,
    pub(super) ip6: Option<Vec<Ip6>>,
    pub(super) cpuset: c_int,
    /// The processors of its cpuset.
    pub(super) cpus: BTreeSet<u32>,
    /// The jails whose System V objects it uses: shared memory, semaphores, message queues.
    pub(super) sysv: [Option<Key>; 3],
    /// Rules of mac_do(4), `None` if they are the parent's.
    pub(super) mac_do: Option<Vec<u8>>,
    pub(super) meta: Option<Vec<u8>>,
    pub(super) env: Option<Vec<u8>>,
    /// The name of its account of resources; empty without accounting.
    pub(super) racct_name: Vec<u8>,
    /// The descriptors of this jail.
    pub(super) descriptors: Vec<DescriptorId>,
}

impl Prison {
    /// The host: `prison0`.
    pub(super) fn host(release: &Release, permissions: &Permissions) -> Self {
        let mut name = NameBuffer::new();
        name.set(b"0");
        Self {
            id: 0,
            // The kernel's own processes, and the one that the model starts with.
            refs: 2,
            urefs: 2,
            flags: PrisonFlags::HOST
                | PrisonFlags::VNET
                | PrisonFlags::IP4_SADDRSEL
                | PrisonFlags::IP6_SADDRSEL,
            parent: None,
            children: Vec::new(),
            childcount: 0,
            childmax: JAIL_MAX,
            allow: permissions.of_host,
            securelevel: -1,
            enforce_statfs: 0,
            devfs_rsnum: 0,
            life: Life::Alive,
            osreldate: release.osreldate,
            osrelease: release.osrelease.as_bytes().to_vec(),
            hostid: 0,
            name,
            path: b"/".to_vec(),
            root: b"/".to_vec(),
            hostname: Vec::new(),
            domainname: Vec::new(),
            hostuuid: DEFAULT_HOSTUUID.to_vec(),
            ip4: None,
            ip6: None,
            cpuset: 0,
            cpus: (0..CPUS).collect(),
            sysv: [Some(HOST); 3],
            mac_do: Some(Vec::new()),
            meta: None,
            env: None,
            racct_name: Vec::new(),
            descriptors: Vec::new(),
        }
    }

    /// Whether it is neither being made nor dying: `prison_isalive`.
    pub(super) fn is_alive(&self) -> bool {
        self.life == Life::Alive
    }
}
