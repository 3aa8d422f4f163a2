//! Values for parameters, and buffers to read them: most of them valid, some not.

use std::ffi::c_int;

use freebsd_jail::param::{self, Access, Definition, Kind};

use super::random::Random;
use super::request::Value;

/// Names of jails: such as there may be, below each other, and such as there cannot be.
pub(crate) const NAMES: [&str; 27] = [
    "a",
    "b",
    "c",
    "d",
    "a",
    "b",
    "c",
    "d",
    "a.x",
    "a.y",
    "b.x",
    "c.x",
    "a.x.k",
    "b.x.k",
    "c.long-name",
    "d.e",
    "",
    ".",
    "a.",
    ".a",
    "a..b",
    "7",
    "1001",
    "0777",
    "-5",
    "9z",
    "b.1002",
];

/// Keys of `meta` and `env`.
const KEYS: [&str; 5] = ["k", "kk", "a.b", "ro", "x=y"];
const TEXTS: [&str; 6] = ["", "v", "www.example.org", "k=v", "k=v\nkk=w", "a b\tc"];
const RULES: [&str; 12] = [
    "",
    ";",
    "uid=1001>uid=0",
    "uid=1001:uid=0,gid=0",
    "gid=10>uid=*; uid=2>any",
    "uid=1>gid=5,+gid=6,!gid=7",
    "uid=1>uid=1,uid=1",
    "uid=1>gid=1,gid=1",
    "uid=x>uid=0",
    "uid=1>uid=2,uid=*",
    "uid=1>",
    "nonsense",
];
const PATHS: [&str; 8] = ["/", "/tmp", "/", "/tmp/.", "tmp", "/no", "/etc/passwd", ""];
const LINUX: [&str; 5] = ["5.15.0", "6.1.2-x", "3", "0.1.2", "4.4.0-"];

/// What a round is about, so that its jails come to have much of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Theme {
    Permissions,
    Limits,
    Addresses,
    Host,
    Texts,
    Modules,
}

impl Theme {
    pub(crate) const ALL: [Self; 6] =
        [Self::Permissions, Self::Limits, Self::Addresses, Self::Host, Self::Texts, Self::Modules];

    /// Whether a parameter belongs to it.
    pub(crate) fn has(self, row: &Definition) -> bool {
        let node = row.name().split('.').next().unwrap_or_default();
        match self {
            Self::Permissions => node == "allow",
            Self::Limits => {
                matches!(node, "securelevel" | "children" | "enforce_statfs" | "devfs_ruleset" | "persist")
            }
            Self::Addresses => matches!(node, "ip4" | "ip6" | "vnet"),
            Self::Host => matches!(node, "host" | "osrelease" | "osreldate"),
            Self::Texts => matches!(node, "meta" | "env"),
            Self::Modules => matches!(node, "mac" | "linux" | "zfs" | "sysvmsg" | "sysvsem" | "sysvshm"),
        }
    }
}

/// One value for a parameter of a jail that is to be made or changed.
pub(crate) fn to_set(random: &mut Random, name: &str, row: &Definition) -> Value {
    if random.percent(3) {
        return wrong(random);
    }
    let int = |random: &mut Random, list: &[c_int]| Value::Int(random.pick(list).unwrap_or(0));
    let text = |random: &mut Random, list: &[&str]| Value::Text(random.pick(list).unwrap_or("").to_owned());
    match (name, row.kind()) {
        ("jid", _) => int(random, &[0, 77, 78, 79, 1001, -1]),
        ("securelevel", _) => int(random, &[-1, 0, 0, 1, 2, 3]),
        ("children.max", _) => int(random, &[0, 1, 2, 5, 9, -1]),
        ("enforce_statfs", _) => int(random, &[0, 1, 2, 2, 2, 3]),
        ("devfs_ruleset", _) => int(random, &[0, 0, 4, 4, 5, 65_535, 65_536]),
        ("osreldate", _) => int(random, &[1_302_001, 1_500_000, 0, -7]),
        ("zfs.mount_snapshot", _) => int(random, &[0, 1, 1, 2]),
        ("path", _) => text(random, &PATHS),
        ("mac.do.rules", _) => text(random, &RULES),
        ("linux.osrelease", _) => text(random, &LINUX),
        ("host.hostuuid", _) => text(random, &["00000000-0000-0000-0000-000000000001", "x", ""]),
        (_, Kind::Bool) => random
            .pick(&[0, 1])
            .map_or(Value::Null, |value| if random.percent(80) { Value::Null } else { Value::Int(value) }),
        (_, Kind::Mode) => int(random, &[0, 1, 1, 1, 2, 2, 2, 2]),
        (_, Kind::Int) => int(random, &[0, 1, 2, -1, 65_536]),
        (_, Kind::Ulong) => Value::Long(random.pick(&[0, 7, u64::MAX]).unwrap_or(0)),
        (_, Kind::String) if random.percent(2) => Value::Bytes(b"x\0y\0".to_vec()),
        (_, Kind::String) if random.percent(2) => Value::Text("x".repeat(random.below(5000))),
        (_, Kind::String) => text(random, &TEXTS),
        (_, Kind::Ip4) => Value::Bytes(addresses(random, &[10, 0, 0], &[1, 2, 3, 4, 5])),
        (_, Kind::Ip6) => Value::Bytes(addresses(random, &[0xfd; 15], &[1, 2, 3, 4, 5])),
        _ => Value::Null,
    }
}

/// A buffer for the value of a parameter.
pub(crate) fn to_read(random: &mut Random, row: &Definition) -> Value {
    match random.below(100) {
        0..6 => return Value::Null,
        6..10 => return Value::Room(random.below(70)),
        _ => {}
    }
    let count = random.below(4);
    match row.kind() {
        Kind::Bool | Kind::Int | Kind::Mode => Value::Room(4),
        Kind::Ulong => Value::Room(8),
        Kind::String => Value::Room(row.max_len().unwrap_or(256)),
        Kind::Ip4 => Value::Room(4 * count),
        Kind::Ip6 => Value::Room(16 * count),
        _ => Value::Room(4),
    }
}

/// A random value.
fn wrong(random: &mut Random) -> Value {
    match random.below(5) {
        0 => Value::Null,
        1 => Value::Bytes(vec![b'x'; random.below(9)]),
        2 => Value::Int(c_int::MIN),
        3 => Value::Room(random.below(12)),
        _ => Value::Text("x".repeat(random.below(300))),
    }
}

/// A list of addresses, which may hold one twice, or one that cannot be.
fn addresses(random: &mut Random, start: &[u8], ends: &[u8]) -> Vec<u8> {
    let mut list = Vec::new();
    for _ in 0..random.pick(&[0, 1, 1, 2, 3]).unwrap_or(0) {
        list.extend(start);
        list.extend(random.pick(ends));
    }
    if random.percent(2) {
        list.extend(vec![if random.percent(50) { 0 } else { 255 }; start.len() + 1]);
    }
    list
}

/// A parameter of these, under one of its names: with `no`, or with a key.
pub(crate) fn name_of(random: &mut Random, row: &Definition) -> String {
    match (row.name(), row.kind()) {
        ("meta" | "env", _) if random.percent(60) => {
            format!("{}.{}", row.name(), random.pick(&KEYS).unwrap_or("k"))
        }
        (name, Kind::Bool) if random.percent(35) => match name.rsplit_once('.') {
            Some((start, last)) => format!("{start}.no{last}"),
            None => format!("no{name}"),
        },
        (name, _) => name.to_owned(),
    }
}

/// The rows of those parameters that this kernel has.
pub(crate) fn rows(has: impl Fn(&str) -> bool) -> Vec<&'static Definition> {
    let rows = param::TABLE.iter().copied();
    // Whose CPU set it is depends on what else runs on the machine.
    rows.filter(|row| has(row.name()) && row.name() != "cpuset.id").collect()
}

/// Whether a parameter can be given to a jail that is made, or to one that is changed.
pub(crate) fn is_settable(row: &Definition, new: bool) -> bool {
    row.access() == Access::ReadWrite || (new && row.access() == Access::CreateOnly)
}
