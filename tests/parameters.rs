//! Every parameter is set, updated and read back with its type, as far as its access allows.

#![allow(clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "a test fails by panicking")]

mod common;

use std::ffi::OsString;
use std::net::{Ipv4Addr, Ipv6Addr};

use common::{Host, host, model, name, on_every_kernel, releases};
use freebsd_jail::param::{self, Access, EnforceStatfs, Kind, MacDo, Param, Sharing, Since, Value};
use freebsd_jail::{
    Allow, ErrorKind, Features, Jail, JailBuilder, JailUpdate, Network,
    error::Call,
    param::{Ip4, Ip6, Mode},
    sim,
};

/// The values with which a row of the table is tried.
#[derive(Debug, Clone)]
struct Case {
    name: &'static str,
    /// The value at creation, which must read back.
    created: Option<Value>,
    /// The value of the update.
    updated: Option<Value>,
    /// Another parameter to set beside it, since the kernel requires both or neither.
    beside: Option<(&'static str, Value)>,
}

impl Case {
    fn new(name: &'static str, created: Value, updated: Value) -> Self {
        Self { name, created: Some(created), updated: Some(updated), beside: None }
    }

    fn fixed(name: &'static str, created: Value) -> Self {
        Self { name, created: Some(created), updated: None, beside: None }
    }

    fn read_only(name: &'static str) -> Self {
        Self { name, created: None, updated: None, beside: None }
    }

    fn beside(self, name: &'static str, value: Value) -> Self {
        Self { beside: Some((name, value)), ..self }
    }
}

fn text(value: &str) -> Value {
    Value::String(value.into())
}

/// Names that belong to the request and not to a jail: the crate sends them itself.
const REQUESTS_OWN: [&str; 3] = ["lastjid", "desc", "errmsg"];

/// Every parameter that a kernel is known to have.
fn cases() -> Vec<Case> {
    let int = |name, created, updated| Case::new(name, Value::Int(created), Value::Int(updated));
    let mode = |name, created, updated| Case::new(name, Value::Mode(created), Value::Mode(updated));
    let string = |name, created: &str, updated: &str| Case::new(name, text(created), text(updated));
    let mut cases = vec![
        Case::fixed("jid", Value::Int(880_100)),
        string("name", "fj-parameters", "fj-parameters-renamed"),
        Case::fixed("path", text("/")),
        Case::read_only("parent"),
        Case::read_only("dying"),
        int("securelevel", 1, 2),
        Case::fixed("osrelease", text("13.2-TEST")),
        Case::fixed("osreldate", Value::Int(1_302_000)),
        int("enforce_statfs", 1, 0),
        int("devfs_ruleset", 4, 65_535),
        Case::new("persist", Value::Bool(true), Value::Bool(true)),
        Case::fixed("vnet", Value::Mode(Mode::New)),
        Case::read_only("children.cur"),
        int("children.max", 2, 5),
        mode("host", Mode::Inherit, Mode::New),
        string("host.hostname", "one.example.org", "two.example.org"),
        string("host.domainname", "one", ""),
        string("host.hostuuid", "3ad3f2c1-0000-0000-0000-000000000001", "none"),
        Case::new("host.hostid", Value::Ulong(0xffff_fffe), Value::Ulong(1)),
        Case::read_only("cpuset.id"),
        Case::fixed("ip4", Value::Mode(Mode::Inherit)),
        Case::new(
            "ip4.addr",
            Value::Ip4(vec![Ipv4Addr::new(10, 11, 0, 9), Ipv4Addr::new(10, 11, 0, 1)]),
            Value::Ip4(vec![Ipv4Addr::new(10, 11, 0, 3)]),
        ),
        Case::new("ip4.saddrsel", Value::Bool(false), Value::Bool(true)),
        Case::fixed("ip6", Value::Mode(Mode::Inherit)),
        Case::new("ip6.addr", Value::Ip6(vec![Ipv6Addr::LOCALHOST]), Value::Ip6(vec![])),
        Case::new("ip6.saddrsel", Value::Bool(false), Value::Bool(true)),
        mode("sysvmsg", Mode::Inherit, Mode::New),
        mode("sysvsem", Mode::Inherit, Mode::Disable),
        mode("sysvshm", Mode::Inherit, Mode::Disable),
        mode("linux", Mode::Inherit, Mode::New),
        string("linux.osname", "Linux", "GNU"),
        string("linux.osrelease", "5.15.0", "6.1.0"),
        int("linux.oss_version", 198_144, 262_144),
        mode("zfs", Mode::New, Mode::Inherit),
        int("zfs.mount_snapshot", 1, 0).beside("zfs", Value::Mode(Mode::New)),
        mode("mac.do", Mode::Inherit, Mode::Disable),
        string("mac.do.rules", "uid=1001>uid=80", "gid=5>uid=6;uid=7>any"),
        string("meta", "owner=www\nstage=test", "owner=db"),
        string("meta.owner", "www", "db"),
        string("env", "stage=test", ""),
        string("env.stage", "test", "a=b, c"),
    ];
    for name in [
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
        "setaudit",
        "unprivileged_parent_tampering",
        "vmm",
        "vmm_ppt",
        "mount.devfs",
        "mount.nullfs",
        "mount.tmpfs",
        "mount.procfs",
        "mount.fdescfs",
        "mount.linprocfs",
        "mount.linsysfs",
        "mount.fusefs",
        "mount.zfs",
        "mount.p9fs",
    ] {
        let name: &'static str = format!("allow.{name}").leak();
        cases.push(Case::new(name, Value::Bool(true), Value::Bool(false)));
    }
    cases
}

fn builder() -> JailBuilder {
    Jail::builder().path("/")
}

fn read(jail: &Jail, case: &Case) -> freebsd_jail::Result<Value> {
    let kind = param::find(case.name).map_or(Kind::Bool, param::Definition::kind);
    jail.get(&[(case.name, kind)][..]).map(|mut values| values.remove(0))
}

/// Returns why a kernel may lack a parameter, checked on a model.
fn lacking(host: &Host, case: &Case) -> String {
    let row = param::find(case.name).expect("a row");
    if let Some(module) = row.module() {
        return format!("module {module} is not loaded");
    }
    if let Some(model) = host.model() {
        let release = Since::from_osreldate(model.release().osreldate().try_into().expect("positive"));
        assert!(
            row.since().expect("in the table") > release,
            "{} is part of {release} since {}",
            row.name(),
            row.since().expect("in the table")
        );
    }
    format!("it came with FreeBSD {}, or the kernel was built without", row.since().expect("in the table"))
}

/// Asserts that a kernel reports a missing parameter, on every path.
fn lacks(case: &Case) {
    let Some(value) = &case.created else { return };
    let before = common::names();
    let jail = builder().create().expect("created");
    for error in [
        builder().set_value(case.name, value).create().map(drop).expect_err("unknown"),
        read(&jail, case).map(drop).expect_err("unknown"),
        case.updated.as_ref().map_or_else(
            || jail.get(&[(case.name, value.kind())][..]).map(drop).expect_err("unknown"),
            |value| jail.update(&JailUpdate::new().set_value(case.name, value)).expect_err("unknown"),
        ),
    ] {
        assert_eq!(
            (error.kind(), error.parameter()),
            (ErrorKind::UnknownParameter, Some(case.name)),
            "{error}"
        );
    }
    drop(jail);
    assert_eq!(common::names(), before, "a refused jail was left behind");
}

#[test]
fn features_are_what_can_be_used() {
    on_every_kernel(|_| {
        let features = Features::current();
        assert!(features.has_jails());
        assert_eq!(features.has_descriptors(), common::has_descriptors());
        assert_eq!(features.has_events(), freebsd_jail::Watcher::new().is_ok());
        let jail = || Jail::builder().path("/");
        assert_eq!(features.has_meta(), jail().meta("k", "v").create().is_ok());
        assert_eq!(features.has_vnet(), jail().network(Network::own_stack()).create().is_ok());
    });
}

#[test]
fn every_row_of_the_table_is_tried_and_no_other() {
    let cases = cases();
    let plain = |name: &str| !name.starts_with("meta.") && !name.starts_with("env.");
    for case in &cases {
        assert!(param::find(case.name).is_some(), "{} has no row", case.name);
        assert_eq!(cases.iter().filter(|other| other.name == case.name).count(), 1, "{}", case.name);
    }
    for row in param::TABLE {
        let case = cases.iter().find(|case| case.name == row.name());
        let case = case.unwrap_or_else(|| panic!("{} is not tried", row.name()));
        assert_eq!(case.created.is_some(), row.access() != Access::ReadOnly, "{}", row.name());
        assert_eq!(case.updated.is_some(), row.access() == Access::ReadWrite, "{}", row.name());
        assert!(row.description().len() > 20 && row.default().is_some(), "{} has no words", row.name());
        assert!(!REQUESTS_OWN.contains(&row.name()));
    }
    assert_eq!(cases.iter().filter(|case| plain(case.name)).count(), param::TABLE.len());
    assert_eq!(param::TABLE.len(), 70);
}

#[test]
fn every_parameter_is_set_and_reads_back_with_its_type() {
    on_every_kernel(|host| {
        host.load_modules();
        let (mut tried, mut skipped) = (0, 0);
        for case in cases() {
            let probe = builder().create().expect("created");
            if let Err(error) = read(&probe, &case) {
                assert_eq!(error.kind(), ErrorKind::UnknownParameter, "{error}");
                println!("skipped: {}: {}", case.name, lacking(host, &case));
                lacks(&case);
                skipped += 1;
                continue;
            }
            drop(probe);
            tried += 1;
            try_case(&case);
        }
        println!("{tried} parameters tried, {skipped} skipped");
        let newest = host.model().map(|model| model.release() == sim::Release::FREEBSD_15_1);
        assert!(tried >= 45 && (newest != Some(true) || skipped == 0), "{tried} tried, {skipped} skipped");
    });
}

fn try_case(case: &Case) {
    let row = param::find(case.name).expect("a row");
    let Some(created) = &case.created else {
        let jail = builder().create().expect("created");
        assert_eq!(read(&jail, case).expect("read").kind(), row.kind(), "{}", case.name);
        let refused = builder().set_value(case.name, read(&jail, case).expect("read")).create();
        let error = refused.expect_err("read-only");
        assert_eq!((error.kind(), error.parameter()), (ErrorKind::InvalidParameter, Some(case.name)));
        return;
    };
    let mut new = builder();
    if let Some((beside, value)) = &case.beside {
        new = new.set_value(beside, value);
    }
    let jail =
        new.set_value(case.name, created).create().unwrap_or_else(|error| panic!("{}: {error}", case.name));
    assert_eq!(&read(&jail, case).expect("read"), created, "{}", case.name);
    let Some(updated) = &case.updated else {
        let error =
            jail.update(&JailUpdate::new().set_value(case.name, created)).expect_err("fixed at creation");
        assert_eq!((error.kind(), error.parameter()), (ErrorKind::InvalidParameter, Some(case.name)));
        return;
    };
    jail.update(&JailUpdate::new().set_value(case.name, updated))
        .unwrap_or_else(|error| panic!("update of {}: {error}", case.name));
    assert_eq!(&read(&jail, case).expect("read"), updated, "update of {}", case.name);
}

#[test]
fn each_setter_sets_its_parameter() {
    on_every_kernel(|host| {
        let jail = builder()
            .name(name("setters"))
            .hostname("h.example.org")
            .domainname("d")
            .hostuuid("u")
            .hostid(7)
            .ip4([Ipv4Addr::new(10, 11, 1, 1)])
            .ip6(Ip6::Inherit)
            .ip4_saddrsel(false)
            .ip6_saddrsel(false)
            .securelevel(1)
            .children_max(3)
            .enforce_statfs(EnforceStatfs::BelowRoot)
            .devfs_ruleset(4)
            .osrelease("1.2")
            .osreldate(12)
            .sysvmsg(Mode::New)
            .sysvsem(Mode::Inherit)
            .sysvshm(Mode::Disable)
            .allow(Allow::MOUNT | Allow::QUOTAS)
            .deny(Allow::RESERVED_PORTS)
            .allow_mount("devfs")
            .create()
            .expect("created");
        let info = jail.info().expect("read");
        assert_eq!((info.hostname.to_str(), info.domainname.to_str()), (Some("h.example.org"), Some("d")));
        assert_eq!((info.hostuuid.to_str(), info.hostid), (Some("u"), 7));
        let Network::Shared { ip4, ip6 } = info.network else { panic!("{:?}", info.network) };
        assert_eq!((ip4.addresses().map(<[_]>::len), ip6), (Some(1), Ip6::Inherit));
        assert_eq!(
            (info.securelevel, info.children_max, info.enforce_statfs, info.devfs_ruleset),
            (1, 3, EnforceStatfs::BelowRoot, 4)
        );
        assert_eq!((info.osrelease.to_str(), info.osreldate), (Some("1.2"), 12));
        assert_eq!(
            jail.get((
                param::IP4_SADDRSEL,
                param::IP6_SADDRSEL,
                param::SYSVMSG,
                param::SYSVSEM,
                param::SYSVSHM
            ))
            .expect("read"),
            (false, false, Mode::New, Mode::Inherit, Mode::Disable)
        );
        let may = jail.permissions().expect("read");
        assert!(may.contains(Allow::MOUNT | Allow::QUOTAS | Allow::MOUNT_DEVFS | Allow::SUSER));
        assert!(!may.known().intersects(Allow::RESERVED_PORTS | Allow::CHFLAGS));

        jail.update(
            &JailUpdate::new()
                .host(Sharing::Inherit)
                .ip4([])
                .ip4_saddrsel(true)
                .ip6_saddrsel(true)
                .securelevel(2)
                .children_max(1)
                .enforce_statfs(EnforceStatfs::RootOnly)
                .devfs_ruleset(0)
                .sysvmsg(Mode::New)
                .sysvsem(Mode::Disable)
                .sysvshm(Mode::New)
                .allow(Allow::MLOCK)
                .deny(Allow::QUOTAS)
                .deny_mount("devfs")
                .persist(true),
        )
        .expect("updated");
        let (mode, ip4, level) = jail.get((param::HOST, param::IP4_ADDR, param::SECURELEVEL)).expect("read");
        assert_eq!((mode, ip4, level), (Sharing::Inherit, vec![], 2));
        assert_eq!(
            jail.get((param::SYSVMSG, param::SYSVSEM, param::SYSVSHM, param::ENFORCE_STATFS)).expect("read"),
            (Mode::New, Mode::Disable, Mode::New, EnforceStatfs::RootOnly)
        );
        let may = jail.permissions().expect("read");
        assert!(may.contains(Allow::MOUNT | Allow::MLOCK));
        assert!(!may.known().intersects(Allow::QUOTAS | Allow::MOUNT_DEVFS));
        let _ = host;
    });
}

#[test]
fn a_jail_with_a_network_stack_of_its_own_says_so() {
    on_every_kernel(|_| match builder().network(Network::own_stack()).create() {
        Ok(jail) => {
            assert_eq!(jail.info().expect("read").network, Network::Own);
            assert_eq!(jail.get((param::VNET, param::IP4)).expect("read"), (Sharing::New, Mode::Inherit));
            let shared = builder().set(param::VNET, Sharing::Inherit).create().expect("created");
            assert!(shared.info().expect("read").network.is_none());
            let replaced =
                builder().network(Network::own_stack()).copy_from(&shared, &["vnet"]).expect("read");
            let replaced = replaced.create().expect("created");
            assert_eq!(replaced.get(param::VNET).expect("read"), Sharing::Inherit);
        }
        Err(error) if error.kind() == ErrorKind::UnknownParameter => println!("skipped: no VIMAGE: {error}"),
        Err(error) => panic!("{error}"),
    });
}

#[test]
fn what_excludes_each_other_is_refused_and_both_are_named() {
    let _host = host();
    let before = |jail: JailBuilder, parameter: &str, other: &str| {
        let error = jail.create().expect_err("they exclude each other");
        assert_eq!((error.kind(), error.call()), (ErrorKind::Conflict, None), "{error}");
        assert_eq!(error.parameter(), Some(parameter), "{error}");
        assert!(error.to_string().contains(other), "{error}");
    };
    let address = Ipv4Addr::new(10, 11, 2, 1);
    before(builder().network(Network::own_stack()).ip4([address]), "vnet", "ip4.addr");
    before(builder().ip6([Ipv6Addr::LOCALHOST]).set(param::VNET, Sharing::New), "vnet", "ip6.addr");
    before(builder().set(param::VNET, Sharing::Inherit).ip4(Ip4::Inherit), "vnet", "ip4");
    before(builder().network(Network::own_stack()).ip6(Ip6::Inherit), "vnet", "ip6");
    before(builder().host(Sharing::Inherit).hostname("x"), "host", "host.hostname");
    before(builder().linux(Sharing::Inherit).linux_osname("x"), "linux", "linux.osname");
    before(builder().set(param::MAC_DO, Mode::New), "mac.do", "mac.do.rules");
    before(
        builder().mac_do(MacDo::Inherit).set(param::MAC_DO_RULES, "uid=1>uid=2"),
        "mac.do",
        "mac.do.rules",
    );
    let jail = builder().create().expect("created");
    let error = jail
        .update(&JailUpdate::new().host(Sharing::Inherit).hostid(4))
        .expect_err("they exclude each other");
    assert_eq!((error.kind(), error.call(), error.parameter()), (ErrorKind::Conflict, None, Some("host")));
}

#[test]
fn numbers_out_of_range_are_refused_by_name() {
    let _host = host();
    for (name, bad) in [
        ("children.max", -1),
        ("enforce_statfs", -1),
        ("enforce_statfs", 3),
        ("devfs_ruleset", -1),
        ("devfs_ruleset", 65_536),
        ("osreldate", 0),
        ("zfs.mount_snapshot", 2),
        ("jid", 0),
        ("jid", -5),
    ] {
        let error = builder().set_value(name, Value::Int(bad)).create().expect_err("out of range");
        assert_eq!(
            (error.kind(), error.parameter(), error.call()),
            (ErrorKind::InvalidValue, Some(name), None)
        );
        let reason = if name == "osreldate" { "cannot be 0" } else { "must be between" };
        assert!(error.to_string().contains(reason), "{error}");
    }
    for name in ["host", "vnet", "linux"] {
        let error = builder().set_value(name, Value::Mode(Mode::Disable)).create().expect_err("no such mode");
        assert_eq!(
            (error.kind(), error.parameter(), error.call()),
            (ErrorKind::InvalidValue, Some(name), None)
        );
        assert!(error.to_string().contains("it cannot be Disable"), "{error}");
    }
    let error = builder().children_max(u32::MAX).create().expect_err("more than an int");
    assert_eq!((error.kind(), error.parameter()), (ErrorKind::InvalidValue, Some("children.max")));
}

#[test]
fn the_longest_strings_are_taken_and_longer_ones_refused() {
    on_every_kernel(|host| {
        host.load_modules();
        for (row, value) in param::TABLE
            .iter()
            .filter(|row| row.max_len().is_some())
            .map(|row| (row, "x".repeat(row.max_len().expect("a limit") - 1)))
        {
            let max = row.max_len().expect("a limit");
            let value = match row.name() {
                // The kernel accepts a byte less than its own value may have.
                "osrelease" => "x".repeat(max - 2),
                "path" => format!("{:/<1$}", "", max - 1),
                "linux.osrelease" => format!("{:x<1$}", "5.15.0-", max - 1),
                "mac.do.rules" => format!("{:;<1$}", "uid=1>uid=2", max - 1),
                _ => value,
            };
            if row.module().is_some()
                && builder().create().expect("created").get(&[(row.name(), row.kind())][..]).is_err()
            {
                println!("skipped: {}: its module is not loaded", row.name());
                continue;
            }
            let jail = builder()
                .set_value(row.name(), text(&value))
                .create()
                .unwrap_or_else(|e| panic!("{row:?}: {e}"));
            if row.name() != "path" {
                assert_eq!(
                    jail.get(&[(row.name(), Kind::String)][..]).expect("read"),
                    [text(&value)],
                    "{}",
                    row.name()
                );
            }
            drop(jail);
            let error =
                builder().set_value(row.name(), text(&format!("{value}x"))).create().expect_err("too long");
            assert_eq!(
                (error.kind(), error.parameter(), error.call()),
                (ErrorKind::InvalidValue, Some(row.name()), None)
            );
        }
    });
}

#[test]
fn false_never_grants_a_permission() {
    on_every_kernel(|_| {
        let all: Vec<&str> =
            param::TABLE.iter().map(|row| row.name()).filter(|name| name.starts_with("allow.")).collect();
        let probe = builder().create().expect("created");
        let known: Vec<&str> =
            all.into_iter().filter(|name| probe.get(Param::<bool>::new(name)).is_ok()).collect();
        assert!(known.len() >= 17, "{known:?}");
        for name in known {
            let key = Param::<bool>::new(name);
            // A jail that never had it, and one that had.
            let jail = builder().set(key, false).create().expect("created");
            assert!(!jail.get(key).expect("read"), "{name}");
            jail.update(&JailUpdate::new().set(key, false)).expect("updated");
            assert!(!jail.get(key).expect("read"), "{name}");
            drop(jail);
            let jail = builder().set(key, true).create().expect("created");
            assert!(jail.get(key).expect("read"), "{name}");
            jail.update(&JailUpdate::new().set(key, false)).expect("updated");
            assert!(!jail.get(key).expect("read"), "{name}");
            // Of two values the last holds, whichever it is.
            jail.update(&JailUpdate::new().set(key, true).set(key, false)).expect("updated");
            assert!(!jail.get(key).expect("read"), "{name}");
            jail.update(&JailUpdate::new().set(key, false).set(key, true)).expect("updated");
            assert!(jail.get(key).expect("read"), "{name}");
        }
    });
}

#[test]
fn permissions_are_found_once_for_a_kernel() {
    for release in releases() {
        let host = model(sim::Kernel::with_release(release));
        let jail = builder().allow(Allow::MLOCK).deny(Allow::SUSER).create().expect("created");
        let first = jail.permissions().expect("read");
        let other = builder().create().expect("created");
        let before = host.calls().expect("the model").total();
        assert_eq!(jail.permissions().expect("read"), first);
        assert!(!other.permissions().expect("read").contains(Allow::MLOCK));
        assert_eq!(host.calls().expect("the model").total(), before + 2, "one call each");
        assert!(first.contains(Allow::MLOCK | Allow::SET_HOSTNAME) && !first.contains(Allow::SUSER));
    }
}

#[test]
fn a_list_among_many_values_has_its_own_length() {
    on_every_kernel(|_| {
        let address = Ipv4Addr::new(10, 9, 7, 3);
        let jail = builder().ip4([address]).create().expect("created");
        let names = ["jid", "securelevel", "children.max", "children.cur", "devfs_ruleset", "enforce_statfs"];
        let mut keys: Vec<_> = names.iter().map(|name| (*name, Kind::Int)).collect();
        let texts = ["name", "path", "host.hostname", "host.domainname", "host.hostuuid", "osrelease"];
        keys.extend(texts.iter().map(|name| (*name, Kind::String)));
        keys.extend([("persist", Kind::Bool), ("ip4.addr", Kind::Ip4)]);
        let read = jail.get(&*keys).expect("read");
        assert_eq!(read.last(), Some(&Value::Ip4(vec![address])));
    });
}

#[test]
fn permissions_that_cannot_be_read_are_an_error() {
    for release in releases() {
        let host = model(sim::Kernel::with_release(release));
        let jail = builder().create().expect("created");
        jail.permissions().expect("read");
        host.model().expect("the model").fault(0, sim::Fault::Errno(libc::ENOMEM));
        assert_eq!(jail.permissions().expect_err("a fault").errno(), Some(libc::ENOMEM));
    }
}

#[test]
fn an_empty_set_of_permissions_changes_none() {
    on_every_kernel(|_| {
        let jail = builder().allow(Allow::empty()).deny(Allow::empty()).create().expect("created");
        let plain = builder().create().expect("created");
        assert_eq!(jail.permissions().expect("read"), plain.permissions().expect("read"));
    });
}

#[test]
fn bits_that_are_no_permission_are_refused() {
    let _host = host();
    let error = builder().deny(Allow::from_bits_retain(1 << 60)).create().expect_err("no name");
    assert_eq!((error.kind(), error.parameter()), (ErrorKind::InvalidValue, Some("allow")));
}

#[test]
fn copying_from_a_jail_copies_what_is_named_and_nothing_else() {
    on_every_kernel(|_| {
        let one = builder()
            .hostname("one")
            .securelevel(2)
            .children_max(4)
            .allow(Allow::RAW_SOCKETS)
            .deny(Allow::SET_HOSTNAME)
            .create()
            .expect("created");
        let names = ["securelevel", "allow.set_hostname"];
        let two = builder().copy_from(&one, &names).expect("read").create().expect("created");
        assert_eq!(
            two.get((param::SECURELEVEL, param::HOST_HOSTNAME.utf8(), param::CHILDREN_MAX)).expect("read"),
            (2, String::new(), 0)
        );
        assert!(
            !two.permissions().expect("read").known().intersects(Allow::RAW_SOCKETS | Allow::SET_HOSTNAME)
        );
        let error =
            builder().copy_from(&one, &["parent"]).and_then(|jail| jail.create()).expect_err("read-only");
        assert_eq!((error.kind(), error.parameter()), (ErrorKind::InvalidParameter, Some("parent")));
        let error = builder()
            .copy_from(&one, &["no.such"])
            .and_then(|jail| jail.create())
            .expect_err("of no known type");
        assert_eq!((error.kind(), error.parameter()), (ErrorKind::InvalidParameter, Some("no.such")));
    });
}

#[test]
fn copying_inherited_values_copies_them() {
    on_every_kernel(|host| {
        host.load_modules();
        let outer = builder()
            .hostname("outer")
            .children_max(3)
            .set(param::IP4, Mode::Inherit)
            .ip6([Ipv6Addr::new(0xfd00, 0, 0, 0, 0, 0, 0, 0x5a)])
            .create()
            .expect("created");
        let groups: [(&str, &[&str]); 5] = [
            ("host", &["host.hostname", "host.domainname", "host.hostuuid", "host.hostid"]),
            ("linux", &["linux.osname", "linux.osrelease", "linux.oss_version"]),
            ("zfs", &["zfs.mount_snapshot"]),
            ("mac.do", &["mac.do.rules"]),
            ("ip4", &["ip4.addr"]),
        ];
        let inheriting = groups.iter().fold(builder(), |jail, (mode, _)| {
            let has = outer.get(&[(*mode, Kind::Mode)][..]).is_ok();
            if has { jail.set_value(mode, Value::Mode(Mode::Inherit)) } else { jail }
        });
        let one = inheriting.create().expect("created");
        for (mode, values) in groups {
            if one.get(&[(mode, Kind::Mode)][..]).is_err() {
                println!("skipped: this kernel has no {mode}");
                continue;
            }
            let names = [&[mode][..], values].concat();
            for names in [&names[..], &names.iter().copied().rev().collect::<Vec<_>>(), &[mode]] {
                let two = builder().copy_from(&one, names).expect("read").create().expect("created");
                let inherits = two.get(&[(mode, Kind::Mode)][..]).expect("read");
                assert_eq!(inherits, [Value::Mode(Mode::Inherit)], "{mode}");
            }
        }
        // A value alone is that value.
        let two = builder().copy_from(&outer, &["host.hostname"]).expect("read").create().expect("created");
        assert_eq!(two.get(param::HOST_HOSTNAME).expect("read"), "outer");
    });
}

#[test]
fn copying_the_mode_of_addresses_copies_them() {
    on_every_kernel(|_| {
        let (ip4, ip6) = (Ipv4Addr::new(10, 9, 7, 1), Ipv6Addr::new(0xfd00, 0, 0, 0, 0, 0, 7, 1));
        let with = builder().ip4([ip4]).ip6([ip6]).create().expect("created");
        for names in [&["ip4", "ip6"][..], &["ip4.addr", "ip6.addr"], &["ip6.addr", "ip4", "ip6", "ip4.addr"]]
        {
            let copy = builder().copy_from(&with, names).expect("read").create().expect("created");
            let addresses = copy.get((param::IP4_ADDR, param::IP6_ADDR)).expect("read");
            assert_eq!(addresses, (vec![ip4], vec![ip6]), "{names:?}");
        }
        let without = builder().ip4(Ip4::NONE).create().expect("created");
        let copy = builder()
            .ip4([ip4])
            .copy_from(&without, &["ip4", "ip4.addr"])
            .expect("read")
            .create()
            .expect("created");
        assert_eq!(copy.get((param::IP4, param::IP4_ADDR)).expect("read"), (Mode::Disable, vec![]));
        // A network stack of its own excludes addresses, and reads as inheriting them.
        let Ok(stack) = builder().network(Network::own_stack()).create() else {
            println!("skipped: this kernel has no network stacks of jails");
            return;
        };
        let copy = builder()
            .copy_from(&stack, &["vnet", "ip4", "ip4.addr", "ip6"])
            .expect("read")
            .create()
            .expect("created");
        assert_eq!(copy.get(param::VNET).expect("read"), Sharing::New);
        let copy = builder().copy_from(&with, &["vnet", "ip4"]).expect("read").create().expect("created");
        assert_eq!(copy.get((param::VNET, param::IP4_ADDR)).expect("read"), (Sharing::Inherit, vec![ip4]));
        let error = builder()
            .copy_from(&stack, &["ip4"])
            .and_then(|jail| jail.create())
            .expect_err("the host's addresses");
        assert_eq!((error.kind(), error.parameter()), (ErrorKind::Conflict, Some("ip4")), "{error}");
    });
}

#[test]
fn a_kernel_without_network_stacks_of_jails_has_only_addresses_to_copy() {
    let kernel = sim::Kernel::new();
    let _guard = kernel.install();
    let jail = builder().ip4(Ip4::Inherit).create().expect("created");
    kernel.fault(1, sim::Fault::Text(libc::EINVAL, b"unknown parameter: vnet".to_vec()));
    let copy = builder().copy_from(&jail, &["ip4"]).expect("read").create().expect("created");
    assert_eq!(copy.get(param::IP4).expect("read"), Mode::Inherit);
    kernel.fault(1, sim::Fault::Errno(libc::ENOMEM));
    let error = builder().copy_from(&jail, &["ip4"]).map(drop).expect_err("not known");
    assert_eq!(error.kind(), ErrorKind::ResourceExhausted);
}

#[test]
fn t33_zfs_is_a_jails_own_or_its_parents() {
    let host = host();
    host.load_modules();
    let error = builder().zfs(Mode::Disable).create().expect_err("no such thing");
    assert_eq!((error.kind(), error.parameter(), error.call()), (ErrorKind::InvalidValue, Some("zfs"), None));
    match builder().zfs(Mode::Inherit).create() {
        Ok(jail) => assert_eq!(jail.get(param::ZFS).expect("read"), Mode::Inherit),
        Err(error) => println!("skipped: this kernel has no zfs: {error}"),
    }
}

#[test]
fn keys_of_a_text_are_set_read_and_removed() {
    on_every_kernel(|_| {
        let owner = Param::<Option<OsString>>::new("meta.owner");
        let jail = match builder().meta("owner", "www").meta("a.b", "").jail_env("stage", "a=b").create() {
            Ok(jail) => jail,
            Err(error) => {
                assert_eq!(
                    (error.kind(), error.parameter()),
                    (ErrorKind::UnknownParameter, Some("meta.owner"))
                );
                assert!(!Features::current().has_descriptors());
                return;
            }
        };
        let none = Param::<Option<OsString>>::new("meta.none");
        let empty = Param::<Option<OsString>>::new("meta.a.b");
        let stage = Param::<String>::new("env.stage");
        assert_eq!(
            jail.get((owner, none, empty, stage)).expect("read"),
            (Some("www".into()), None, Some("".into()), "a=b".into())
        );
        jail.update(&JailUpdate::new().meta("owner", "db").remove_meta("a.b").remove_jail_env("stage"))
            .expect("updated");
        assert_eq!(jail.get((owner, empty)).expect("read"), (Some("db".into()), None));
        assert_eq!(
            jail.get((param::META.utf8(), param::ENV.utf8())).expect("read"),
            ("owner=db".into(), String::new())
        );
        jail.update(&JailUpdate::new().remove_meta("owner").meta("owner", "last")).expect("updated");
        assert_eq!(jail.get(owner).expect("read"), Some("last".into()));
        jail.update(&JailUpdate::new().meta("owner", "first").remove_meta("owner").remove_meta("none"))
            .expect("updated");
        assert_eq!(jail.get(owner).expect("read"), None);
        let update = JailUpdate::new().meta("owner", "again").jail_env("stage", "b");
        jail.update(&update.remove_entry("meta.owner").remove_entry("env.none")).expect("updated");
        assert_eq!(jail.get((owner, stage)).expect("read"), (None, "b".into()));
        let copy = builder().meta("x", "y").create().expect("created");
        let copy =
            builder().copy_from(&copy, &["meta.x", "meta.owner"]).expect("read").create().expect("created");
        assert_eq!(copy.get(param::META.utf8()).expect("read"), "x=y");
    });
}

#[test]
fn an_update_whose_texts_cannot_be_read_before_is_not_made() {
    for release in releases() {
        let host = model(sim::Kernel::with_release(release));
        let jail = builder().create().expect("created");
        let update = JailUpdate::new().securelevel(1).meta("owner", "me");
        if jail.get(param::META).is_ok() {
            host.model().expect("the model").fault(0, sim::Fault::Errno(libc::ENOMEM));
            assert_eq!(jail.update(&update).expect_err("a fault").errno(), Some(libc::ENOMEM));
        } else {
            // The update's own error says which parameter the kernel lacks.
            let error = jail.update(&update).expect_err("it has no metadata");
            assert_eq!(
                (error.kind(), error.parameter(), error.call()),
                (ErrorKind::UnknownParameter, Some("meta.owner"), Some(Call::JailSet))
            );
        }
        assert_eq!(jail.get(param::SECURELEVEL).expect("read"), -1);
    }
}

#[test]
fn a_change_can_be_kept_and_applied_to_several_jails() {
    on_every_kernel(|_| {
        let changes = JailUpdate::new().set(param::SECURELEVEL, 2).set(param::allow::SUSER, false);
        for _ in 0..2 {
            let jail = builder().create().expect("created");
            jail.update(&JailUpdate::new().hostname("kept").set(param::allow::SUSER, true).with(&changes))
                .expect("updated");
            assert_eq!(jail.get((param::SECURELEVEL, param::allow::SUSER)).expect("read"), (2, false));
            assert_eq!(jail.get(param::HOST_HOSTNAME.utf8()).expect("read"), "kept");
        }
        let wrong = JailUpdate::new().set(param::CHILDREN_MAX, u32::MAX);
        let jail = builder().create().expect("created");
        for _ in 0..2 {
            let error = jail.update(&JailUpdate::new().with(&wrong)).expect_err("out of range");
            assert_eq!((error.kind(), error.parameter()), (ErrorKind::InvalidValue, Some("children.max")));
        }
        assert!(JailUpdate::new().is_empty() && !wrong.is_empty());
        jail.update(&JailUpdate::new().with(&JailUpdate::new())).expect("nothing to do");
    });
}
