//! The jail part of the sysctl tree: names, OIDs, types and descriptions.

use core::cell::OnceCell;
use core::ffi::c_int;
use core::iter;
use std::borrow::Cow;

use super::release::Release;

/// Readable: `CTLFLAG_RD`, and no lock needed.
const RD: u32 = 0x8004_0000;
/// Readable, and as a jail parameter to be given to a new jail only: `CTLFLAG_RDTUN`.
const RDTUN: u32 = 0x800c_0000;
/// Readable and writable: `CTLFLAG_RW`.
const RW: u32 = 0xc004_0000;

/// The types: `CTLTYPE_INT`, `CTLTYPE_STRING`, `CTLTYPE_STRUCT`, `CTLTYPE_UINT`, `CTLTYPE_ULONG`, `CTLTYPE_U8`,
/// `CTLTYPE_U32`.
const INT: u32 = 2;
const STRING: u32 = 3;
const STRUCT: u32 = 5;
const UINT: u32 = 6;
const ULONG: u32 = 8;
const U8: u32 = 10;
const U32: u32 = 15;

/// The source of a leaf's value.
#[derive(Debug, Clone, Copy)]
pub(super) enum Value {
    /// A jail parameter that is an int: 0.
    Int,
    /// A jail parameter that is an unsigned long: 0.
    Ulong,
    /// A jail parameter that is a string: its longest length, as text.
    Len(usize),
    /// A jail parameter that is a list: the size of an element.
    Element(usize),
    /// Whether the process is in a jail.
    Jailed,
    /// Whether the process's jail has its own network stack.
    Vnet,
    /// The most addresses of a jail.
    MaxAddresses,
    /// The longest metadata of a jail.
    MetaMax,
    /// The process's jail's limit of children.
    ChildrenMax,
    /// The number of child jails of the process's jail.
    ChildrenCur,
    /// The process's jail's `enforce_statfs`, or the default of new jails.
    EnforceStatfs,
    /// The process's jail's `devfs_ruleset`, or the default of new jails.
    DevfsRuleset,
    /// The process's jail's `env`.
    Env,
    /// All jails.
    List,
    /// The process's jail's version of FreeBSD, as text.
    OsRelease,
    /// The same as number.
    OsRelDate,
    /// The process's jail's host name.
    Hostname,
    /// The process's jail's domain name.
    Domainname,
    /// The process's jail's host UUID.
    HostUuid,
    /// The process's jail's host id.
    HostId,
    /// The process's jail's securelevel.
    Securelevel,
    /// Whether resource accounting is on.
    Racct,
}

impl Value {
    /// Whether it can be read in capability mode: `CTLFLAG_CAPRD`.
    pub(super) fn in_capability_mode(self) -> bool {
        use Value::{Domainname, HostId, HostUuid, Hostname, OsRelDate, OsRelease};
        matches!(self, OsRelease | OsRelDate | Hostname | Domainname | HostUuid | HostId)
    }
}

/// A name with a value.
#[derive(Debug)]
pub(super) struct Leaf {
    oid: Vec<c_int>,
    /// The components of its name, the last of which is empty for the value of a node.
    name: Vec<String>,
    /// Type and access.
    pub(super) kind: u32,
    pub(super) format: &'static str,
    description: Cow<'static, str>,
    pub(super) value: Value,
}

/// All leaves.
#[derive(Debug)]
pub(super) struct Tree {
    sources: Vec<Source>,
    /// In the order of their OIDs, which are assigned when the tree is first asked: few programs ask it.
    leaves: OnceCell<Vec<Leaf>>,
}

/// A leaf with its full name, without an OID.
#[derive(Debug)]
struct Source {
    name: String,
    kind: u32,
    format: &'static str,
    value: Value,
    description: Cow<'static, str>,
}

/// A leaf's name below a node, type and access, format, where its value is from, and description.
pub(super) type Entry = (&'static str, u32, &'static str, Value, &'static str);

impl Tree {
    /// The tree of a release.
    pub(super) fn of(release: &Release) -> Self {
        let mut sources = Vec::new();
        let mut add = |prefix, entries| sources.extend(sources_of(prefix, entries));
        add("kern.", KERN);
        add("security.jail.", JAIL);
        add("security.jail.param.", PARAM);
        if release.children_sysctls {
            add("security.jail.", JAIL_CHILDREN);
        }
        if release.meta {
            add("security.jail.", JAIL_META);
            add("security.jail.param.", PARAM_META);
        }
        if release.mac_do {
            add("security.jail.param.", PARAM_MAC_DO);
        }
        for name in release.allow {
            // A permission that is also a node has its value in a child with an empty name.
            let dot = if *name == "mount" { "." } else { "" };
            sources.push(permission(name, dot));
        }
        Self { sources, leaves: OnceCell::new() }
    }

    /// Adds parameters of jails, which may change the OIDs of others.
    pub(super) fn add(&mut self, entries: &[Entry]) {
        self.sources.extend(sources_of("security.jail.param.", entries));
        self.leaves.take();
    }

    /// Adds a permission.
    pub(super) fn add_permission(&mut self, name: &str) {
        self.sources.push(permission(name, ""));
        self.leaves.take();
    }

    /// Removes the parameters of a module: those of this name and below it.
    pub(super) fn remove(&mut self, name: &str) {
        self.sources.retain(|source| {
            let below =
                source.name.strip_prefix("security.jail.param.").and_then(|rest| rest.strip_prefix(name));
            below.is_none_or(|rest| !rest.is_empty() && !rest.starts_with('.'))
        });
        self.leaves.take();
    }

    fn leaves(&self) -> &[Leaf] {
        self.leaves.get_or_init(|| numbered(&self.sources))
    }

    /// Returns the leaf of an OID.
    pub(super) fn leaf(&self, oid: &[c_int]) -> Option<&Leaf> {
        self.leaves().iter().find(|leaf| leaf.oid == oid)
    }

    /// Whether an OID has leaves below it.
    pub(super) fn is_node(&self, oid: &[c_int]) -> bool {
        self.leaves().iter().any(|leaf| leaf.oid.len() > oid.len() && leaf.oid.starts_with(oid))
    }

    /// Returns the OID of the next leaf.
    pub(super) fn next(&self, oid: &[c_int]) -> Option<&[c_int]> {
        self.leaves().iter().map(|leaf| leaf.oid.as_slice()).find(|next| *next > oid)
    }

    /// Returns the name of an OID, in which unknown parts stay numbers.
    pub(super) fn name(&self, oid: &[c_int]) -> String {
        let part = |len: usize| {
            let (known, last) = (oid.get(..len)?, len.checked_sub(1)?);
            let leaf = self.leaves().iter().find(|leaf| leaf.oid.starts_with(known));
            Some(leaf.and_then(|leaf| leaf.name.get(last).cloned()).unwrap_or_else(|| number(known)))
        };
        (1..=oid.len()).filter_map(part).collect::<Vec<_>>().join(".")
    }

    /// Returns the OID of a name. A dot at its end is ignored: the value of a node is not found by name.
    pub(super) fn oid(&self, name: &[u8]) -> Option<&[c_int]> {
        let name = super::options::c_string(name);
        let name = core::str::from_utf8(name.strip_suffix(b".").unwrap_or(name)).ok()?;
        let parts: Vec<&str> = name.split('.').collect();
        let leaf = self.leaves().iter().find(|leaf| {
            leaf.name.len() >= parts.len() && leaf.name.iter().zip(&parts).all(|(one, other)| one == other)
        })?;
        leaf.oid.get(..parts.len())
    }

    /// Returns the description of an OID.
    pub(super) fn description(&self, oid: &[c_int]) -> Option<Cow<'static, str>> {
        if let Some(leaf) = self.leaf(oid) {
            return Some(leaf.description.clone());
        }
        // The value of a node has the node's description.
        let value =
            self.leaves().iter().find(|leaf| leaf.oid.len() == oid.len() + 1 && leaf.oid.starts_with(oid))?;
        let named = value.name.last().is_some_and(String::is_empty);
        Some(if named { value.description.clone() } else { self.name(oid).into() })
    }
}

/// The last of some numbers, as text.
fn number(oid: &[c_int]) -> String {
    oid.last().map_or_else(String::new, c_int::to_string)
}

fn sources_of(prefix: &str, entries: &[Entry]) -> impl Iterator<Item = Source> {
    entries.iter().map(move |&(name, kind, format, value, description)| {
        let (name, description) = (format!("{prefix}{name}"), Cow::Borrowed(description));
        Source { name, kind, format, value, description }
    })
}

/// Returns the leaf of a permission, whose name may end in a dot.
fn permission(name: &str, dot: &str) -> Source {
    let description = match name.strip_prefix("mount.") {
        Some(fs) => format!("Jail may mount the {fs} file system").into(),
        None => ALLOW.iter().find(|(known, _)| *known == name).map_or("", |(_, text)| *text).into(),
    };
    let name = format!("security.jail.param.allow.{name}{dot}");
    Source { name, kind: INT | RW, format: "B", value: Value::Int, description }
}

/// Assigns OIDs: fixed ones for `kern`, the others in alphabetical order.
fn numbered(sources: &[Source]) -> Vec<Leaf> {
    let mut paths: Vec<(Vec<&str>, &Source)> =
        sources.iter().map(|source| (source.name.split('.').collect(), source)).collect();
    paths.sort_by(|(one, _), (other, _)| one.cmp(other));
    let mut leaves = Vec::new();
    // The components of the leaf before, with their numbers.
    let mut before: Vec<(&str, c_int)> = Vec::new();
    for (path, source) in paths {
        let same = iter::zip(&before, &path).take_while(|((one, _), other)| one == *other).count();
        let sibling = before.get(same).map_or(256, |(_, number)| number + 1);
        before.truncate(same);
        before.extend(path.iter().copied().skip(same).zip(iter::once(sibling).chain(iter::repeat(256))));
        let number = |(depth, (_, number)): (usize, &(&str, c_int))| {
            let full = || path.get(..=depth).unwrap_or_default().join(".");
            let fixed = FIXED.iter().find(|(fixed, _)| path.first() == Some(&"kern") && *fixed == full());
            fixed.map_or(*number, |(_, number)| *number)
        };
        let Source { kind, format, value, .. } = *source;
        let (oid, name) = (
            before.iter().enumerate().map(number).collect(),
            path.iter().map(|&part| part.to_owned()).collect(),
        );
        leaves.push(Leaf { oid, name, kind, format, description: source.description.clone(), value });
    }
    leaves.sort_by(|one: &Leaf, other| one.oid.cmp(&other.oid));
    leaves
}

/// OIDs that `sys/sysctl.h` fixes.
const FIXED: &[(&str, c_int)] = &[
    ("kern", 1),
    ("kern.osrelease", 2),
    ("kern.securelevel", 9),
    ("kern.hostname", 10),
    ("kern.hostid", 11),
    ("kern.domainname", 22),
    ("kern.osreldate", 24),
    ("kern.hostuuid", 36),
];

const KERN: &[Entry] = &[
    ("osrelease", STRING | RD, "A", Value::OsRelease, "Operating system release"),
    ("osreldate", INT | RD, "I", Value::OsRelDate, "Kernel version"),
    ("securelevel", INT | RW, "I", Value::Securelevel, "Current secure level"),
    ("hostname", STRING | RW, "A", Value::Hostname, "Hostname"),
    ("hostid", ULONG | RW, "LU", Value::HostId, "Host ID"),
    ("domainname", STRING | RW, "A", Value::Domainname, "Name of the current YP/NIS domain"),
    ("hostuuid", STRING | RW, "A", Value::HostUuid, "Host UUID"),
    ("racct.enable", U8 | RDTUN, "CU", Value::Racct, "Enable RACCT/RCTL"),
];

const JAIL: &[Entry] = &[
    ("jailed", INT | RD, "I", Value::Jailed, "Process in jail?"),
    ("vnet", INT | RD, "I", Value::Vnet, "Jail owns vnet?"),
    ("jail_max_af_ips", UINT | RW, "IU", Value::MaxAddresses, "Most addresses of a family in a jail"),
    ("enforce_statfs", INT | RW, "I", Value::EnforceStatfs, "What a jail sees of mounts"),
    ("devfs_ruleset", INT | RD, "I", Value::DevfsRuleset, "Ruleset of devfs in a jail"),
    ("list", STRUCT | RD, "S", Value::List, "List of active jails"),
];

const JAIL_CHILDREN: &[Entry] = &[
    ("children.max", INT | RD, "I", Value::ChildrenMax, "Maximum number of child jails"),
    ("children.cur", INT | RD, "I", Value::ChildrenCur, "Current number of child jails"),
];

const JAIL_META: &[Entry] = &[
    ("meta_maxbufsize", U32 | RW, "IU", Value::MetaMax, "Maximum buffer size of each meta and env"),
    ("env", STRING | RD, "A", Value::Env, "Meta information provided by parent jail"),
];

const PARAM: &[Entry] = &[
    ("jid", INT | RDTUN, "I", Value::Int, "Jail ID"),
    ("parent", INT | RD, "I", Value::Int, "Jail parent ID"),
    ("name", STRING | RW, "A", Value::Len(256), "Jail name"),
    ("path", STRING | RDTUN, "A", Value::Len(1024), "Jail root path"),
    ("securelevel", INT | RW, "I", Value::Int, "Jail secure level"),
    ("osreldate", INT | RDTUN, "I", Value::Int, "Jail value for kern.osreldate and uname -K"),
    ("osrelease", STRING | RDTUN, "A", Value::Len(32), "Jail value for kern.osrelease and uname -r"),
    ("enforce_statfs", INT | RW, "I", Value::Int, "Jail cannot see all mounted file systems"),
    ("devfs_ruleset", INT | RW, "I", Value::Int, "Ruleset for in-jail devfs mounts"),
    ("persist", INT | RW, "B", Value::Int, "Jail persistence"),
    ("vnet", INT | RDTUN, "E,jailsys", Value::Int, "Virtual network stack"),
    ("dying", INT | RD, "B", Value::Int, "Jail is in the process of shutting down"),
    ("children.cur", INT | RD, "I", Value::Int, "Current number of child jails"),
    ("children.max", INT | RW, "I", Value::Int, "Maximum number of child jails"),
    ("host.", INT | RW, "E,jailsys", Value::Int, "Jail host info"),
    ("host.hostname", STRING | RW, "A", Value::Len(256), "Jail hostname"),
    ("host.domainname", STRING | RW, "A", Value::Len(256), "Jail NIS domainname"),
    ("host.hostuuid", STRING | RW, "A", Value::Len(64), "Jail host UUID"),
    ("host.hostid", ULONG | RW, "LU", Value::Ulong, "Jail host ID"),
    ("cpuset.id", INT | RD, "I", Value::Int, "Jail cpuset ID"),
    ("ip4.", INT | RDTUN, "E,jailsys", Value::Int, "Jail IPv4 address virtualization"),
    ("ip4.addr", STRUCT | RW, "S,in_addr,a", Value::Element(4), "Jail IPv4 addresses"),
    (
        "ip4.saddrsel",
        INT | RW,
        "B",
        Value::Int,
        "Do (not) use IPv4 source address selection rather than the primary jail IPv4 address.",
    ),
    ("ip6.", INT | RDTUN, "E,jailsys", Value::Int, "Jail IPv6 address virtualization"),
    ("ip6.addr", STRUCT | RW, "S,in6_addr,a", Value::Element(16), "Jail IPv6 addresses"),
    (
        "ip6.saddrsel",
        INT | RW,
        "B",
        Value::Int,
        "Do (not) use IPv6 source address selection rather than the primary jail IPv6 address.",
    ),
    ("sysvmsg.", INT | RW, "E,jailsys", Value::Int, "SYSV message queues"),
    ("sysvsem.", INT | RW, "E,jailsys", Value::Int, "SYSV semaphores"),
    ("sysvshm.", INT | RW, "E,jailsys", Value::Int, "SYSV shared memory"),
];

const PARAM_META: &[Entry] = &[
    ("meta", STRING | RW, "A,keyvalue", Value::Len(4096), "Jail meta information hidden from the jail"),
    ("env", STRING | RW, "A,keyvalue", Value::Len(4096), "Jail meta information readable by the jail"),
];

/// The parameters of mac_do(4).
pub(super) const PARAM_MAC_DO: &[Entry] = &[
    ("mac.do.", INT | RW, "E,jailsys", Value::Int, "Jail MAC/do parameters"),
    ("mac.do.rules", STRING | RW, "A", Value::Len(1024), "Jail MAC/do rules"),
];

/// The parameters of mac_do(4) in 14.2.
pub(super) const PARAM_MDO: &[Entry] = &[
    ("mdo.", INT | RW, "E,jailsys", Value::Int, "Jail MAC/do parameters"),
    ("mdo.rules", STRING | RW, "A", Value::Len(1024), "Jail MAC/do rules"),
];

/// The parameters of linux_common.
pub(super) const PARAM_LINUX: &[Entry] = &[
    ("linux.", INT | RW, "E,jailsys", Value::Int, "Jail Linux parameters"),
    ("linux.osname", STRING | RW, "A", Value::Len(65), "Jail Linux kernel OS name"),
    ("linux.osrelease", STRING | RW, "A", Value::Len(65), "Jail Linux kernel OS release"),
    ("linux.oss_version", INT | RW, "I", Value::Int, "Jail Linux OSS version"),
];

/// The parameters of zfs.
pub(super) const PARAM_ZFS: &[Entry] = &[
    ("zfs.", INT | RW, "E,jailsys", Value::Int, "Jail ZFS parameters"),
    (
        "zfs.mount_snapshot",
        INT | RW,
        "I",
        Value::Int,
        "Allow mounting snapshots in the .zfs directory for unjailed datasets",
    ),
];

/// The descriptions of the permissions.
const ALLOW: &[(&str, &str)] = &[
    ("set_hostname", "Jail may set hostname"),
    ("sysvipc", "Jail may use SYSV IPC"),
    ("raw_sockets", "Jail may create raw sockets"),
    ("chflags", "Jail may alter system file flags"),
    ("mount", "Jail may mount/unmount jail-friendly file systems in general"),
    ("quotas", "Jail may set file quotas"),
    ("socket_af", "Jail may create sockets other than just UNIX/IPv4/IPv6/route"),
    ("mlock", "Jail may lock (unlock) physical pages in memory"),
    ("reserved_ports", "Jail may bind sockets to reserved ports"),
    ("read_msgbuf", "Jail may read the kernel message buffer"),
    ("unprivileged_proc_debug", "Unprivileged processes may use process debugging facilities"),
    ("suser", "Processes in jail with uid 0 have privilege"),
    ("nfsd", "Mountd/nfsd may run in the jail"),
    ("extattr", "Jail may set system-level filesystem extended attributes"),
    ("adjtime", "Jail may adjust system time"),
    ("settime", "Jail may set system time"),
    ("routing", "Jail may modify routing table"),
    (
        "unprivileged_parent_tampering",
        "Unprivileged parent jail processes may tamper with same-uid processes (signal/debug/cpuset)",
    ),
    ("setaudit", "Jail may set and get audit session state"),
    ("vmm", "Allow use of vmm in a jail"),
    ("vmm_ppt", "Allow use of ppt devices in a jail"),
];
