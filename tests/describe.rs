//! Builders, updates, networks and permissions: what is asked for is what there is.

#![allow(clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "a test fails by panicking")]

mod common;

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use common::{host, name, names, on_every_kernel};
use freebsd_jail::param::{self, EnforceStatfs, Kind, Param, Sharing, Value};
use freebsd_jail::{
    Allow, Catalog, ErrorKind, Jail, JailBuilder, JailInfo, JailUpdate, Network, Permissions, param::Ip4,
};
use proptest::prelude::*;
use serde_json::{from_value, to_value};

/// What the kernel allows a jail of which nothing is set, on some release.
fn defaults() -> Allow {
    Allow::SET_HOSTNAME
        | Allow::RESERVED_PORTS
        | Allow::UNPRIVILEGED_PROC_DEBUG
        | Allow::SUSER
        | Allow::UNPRIVILEGED_PARENT_TAMPERING
}

#[test]
fn a_builder_creates_any_number_of_jails_and_survives_a_failure() {
    on_every_kernel(|_| {
        let name = name("again");
        let builder = Jail::builder().name(&name).path("/").securelevel(1);
        let first = builder.create().expect("created");
        let error = builder.create().expect_err("the name is in use");
        assert_eq!(error.kind(), ErrorKind::AlreadyExists, "{error}");
        first.remove().expect("removed");
        let second = builder.create().expect("created");
        assert_eq!(second.get(param::SECURELEVEL).expect("read"), 1);
    });
}

#[test]
fn all_mistakes_are_found_before_any_call() {
    let host = host();
    let before = host.model().map(freebsd_jail::sim::Kernel::calls);
    let builder = Jail::builder()
        .name("a..b")
        .hostname("no\0good")
        .devfs_ruleset(-1)
        .host(Sharing::Inherit)
        .domainname("example.org")
        .network(Network::own_stack())
        .ip4(Ip4::Inherit);
    let mistakes = builder.check().expect_err("many mistakes");
    let parameters: Vec<_> = mistakes.iter().map(|mistake| mistake.parameter().unwrap_or_default()).collect();
    assert_eq!(parameters, ["host.hostname", "devfs_ruleset", "host", "vnet", "name", "path"]);
    let first = builder.create().expect_err("the first of them");
    assert_eq!(first.parameter(), Some("host.hostname"));
    assert_eq!(host.model().map(freebsd_jail::sim::Kernel::calls), before);
    let mistakes = JailUpdate::new().name("").hostname("no\0good").check().expect_err("two mistakes");
    assert_eq!(mistakes.len(), 2);
    Jail::builder().path("/").check().expect("no mistake");
}

#[test]
fn a_child_builder_does_not_own_its_parent() {
    on_every_kernel(|_| {
        let outer = Jail::builder().name(name("outer")).path("/").children_max(2).create().expect("created");
        let (jid, inner) = (outer.jid(), outer.child_builder().path("/"));
        // Were it a copy of the descriptor that owns, dropping it would remove the parent (T24).
        drop(inner.clone());
        assert!(outer.is_alive().expect("asked"));
        let child = inner.create().expect("created");
        assert_eq!(child.get(param::PARENT).expect("read"), Some(jid));
        drop(outer);
        assert!(!common::exists(jid), "the builder does not keep the jail");
        let error = inner.create().expect_err("the parent has gone");
        assert_eq!(error.kind(), ErrorKind::Gone, "{error}");
    });
}

#[test]
fn exactly_these_permissions_are_granted() {
    on_every_kernel(|_| {
        for only in [Allow::empty(), Allow::SUSER, Allow::RAW_SOCKETS | Allow::MOUNT | Allow::MOUNT_DEVFS] {
            let builder = Jail::builder().path("/").allow(Allow::MLOCK).allow_only(only);
            let jail = builder.create().expect("created");
            assert_eq!(jail.permissions().expect("read"), only.into());
            let more = builder.allow(Allow::QUOTAS).create().expect("created");
            assert_eq!(more.permissions().expect("read"), (only | Allow::QUOTAS).into());
            jail.update(&JailUpdate::new().allow_only(Allow::CHFLAGS)).expect("updated");
            assert_eq!(jail.permissions().expect("read"), Allow::CHFLAGS.into());
        }
        let before = names();
        let unknown: Permissions = ["suser", "nosuchthing"].into_iter().collect();
        let error = Jail::builder().path("/").allow_only(unknown).create().expect_err("no such permission");
        assert_eq!(error.parameter(), Some("allow.nosuchthing"), "{error}");
        assert_eq!(names(), before);
    });
}

#[test]
fn a_permission_without_a_bit_is_seen() {
    let host = host();
    let Some(model) = host.model() else { return };
    model.load(freebsd_jail::sim::Module::FileSystem("unionfs"));
    let jail = Jail::builder().path("/").allow_mount("unionfs").create().expect("created");
    let may = jail.permissions().expect("read");
    assert!(may.contains_name("mount.unionfs"), "{may}");
    assert_eq!(may.others().collect::<Vec<_>>(), ["allow.mount.unionfs"]);
    jail.update(&JailUpdate::new().allow_only(may.clone())).expect("updated");
    assert_eq!(jail.permissions().expect("read"), may);
}

#[test]
fn what_a_kernel_lacks_is_left_out_where_that_was_said() {
    on_every_kernel(|_| {
        let owner = Param::<String>::new("meta.owner");
        let nothing = Param::<i32>::new("nosuch.thing");
        let builder = Jail::builder().path("/").optional(owner, "www").optional(nothing, 1);
        let jail = builder.create().expect("created");
        match jail.get(owner) {
            Ok(value) => assert_eq!(value, "www"),
            Err(error) => assert_eq!(error.kind(), ErrorKind::UnknownParameter, "{error}"),
        }
        let error = builder.set(nothing, 1).create().expect_err("not optional any more");
        assert_eq!(error.kind(), ErrorKind::UnknownParameter, "{error}");
        let denial = Jail::builder().path("/").optional(param::allow::SUSER, false);
        let error = denial.create().expect_err("a denial must not be left out");
        assert_eq!((error.kind(), error.call()), (ErrorKind::InvalidRequest, None), "{error}");
    });
}

#[test]
fn a_profile_is_replaced_by_what_is_set_later_and_defaults_by_what_is_set_before() {
    on_every_kernel(|_| {
        let profile = JailUpdate::new().securelevel(2).hostname("profile").allow_only(Allow::SUSER);
        let jail = Jail::builder().path("/").hostname("before").with(&profile).securelevel(1);
        let jail = jail.create().expect("created");
        let read = jail.get((param::SECURELEVEL, param::HOST_HOSTNAME.utf8())).expect("read");
        assert_eq!(read, (1, "profile".into()));
        assert_eq!(jail.permissions().expect("read"), Allow::SUSER.into());
        let jail = Jail::builder().path("/").hostname("before").with_defaults(&profile);
        let jail = jail.create().expect("created");
        let read = jail.get((param::SECURELEVEL, param::HOST_HOSTNAME.utf8())).expect("read");
        assert_eq!(read, (2, "before".into()));
    });
}

#[test]
fn names_known_at_run_time_are_set_by_value_and_by_text() {
    on_every_kernel(|_| {
        let builder = Jail::builder()
            .set_parsed("path", "/")
            .set_parsed("securelevel", "2")
            .set_parsed("allow.mlock", "true")
            .set_parsed("ip4.addr", "10.13.0.1, 10.13.0.2")
            .set_value("children.max", Value::Int(3));
        let jail = builder.create().expect("created");
        assert_eq!(jail.get((param::SECURELEVEL, param::CHILDREN_MAX)).expect("read"), (2, 3));
        assert_eq!(jail.get(param::IP4_ADDR).expect("read").len(), 2);
        for (name, text) in [("securelevel", "high"), ("nosuch.thing", "1"), ("allow.mlock", "maybe")] {
            let error = Jail::builder().path("/").set_parsed(name, text).create().expect_err("refused");
            assert_eq!((error.parameter(), error.call()), (Some(name), None), "{error}");
            assert_eq!(error.to_string().contains("Catalog::describe"), name == "nosuch.thing", "{error}");
        }
        jail.set(param::SECURELEVEL, 3).expect("updated");
        assert_eq!(jail.get(param::SECURELEVEL).expect("read"), 3);
    });
}

#[test]
fn what_people_write_is_read() {
    let read = |text: &str| toml::from_str::<JailBuilder>(text).map(|jail| to_value(jail).expect("written"));
    let nested = "network = '10.0.0.1'\nsecurelevel = '2'\nmeta.version = 3\n[host]\nhostname = 'x'\n\
                  [allow]\nraw_sockets = true\nmount = ['tmpfs', 'devfs']\n[children]\nmax = 2";
    assert_eq!(
        read(nested).expect("read"),
        serde_json::json!({
            "securelevel": 2, "host.hostname": "x", "allow.raw_sockets": true, "allow.mount": true,
            "allow.mount.tmpfs": true, "allow.mount.devfs": true, "children.max": 2, "ip4.addr": ["10.0.0.1"],
            "meta.version": "3",
        })
    );
    for (text, named) in [
        ("network = 'none'\nip4.addr = '10.0.0.1'", "ip4.addr"),
        ("optional = ['securelevel']", "securelevel"),
        ("host.name = 'x'", "host.name"),
        ("securelevel = 99999999999", "securelevel"),
        ("allow_only = ['mlock']\nallow.mlock = true", "allow.mlock"),
        ("persist = 1", "persist"),
    ] {
        let error = read(text).expect_err("refused").to_string();
        assert!(error.contains(named), "{text}: {error}");
    }
    let update: JailUpdate = toml::from_str("network = ['::1']\nallow = ['mlock']").expect("read");
    let written = serde_json::json!({"ip4.addr": [], "ip6.addr": ["::1"], "allow.mlock": true});
    assert_eq!(to_value(update).expect("written"), written);
    toml::from_str::<JailUpdate>("network = 'own stack'").expect_err("fixed at creation");
    for text in ["none", "inherited", "own stack", "10.0.0.1, ::1"] {
        let network: Network = text.parse().expect("a network");
        assert_eq!(
            (network.to_string(), from_value(to_value(&network).expect("written")).ok()),
            (text.into(), Some(network))
        );
    }
}

/// One thing that is set, by every way to set it.
#[derive(Debug, Clone)]
enum Setting {
    Level(i32),
    Children(u32),
    Statfs(EnforceStatfs),
    Hostname(String),
    Ruleset(i32),
    Allow(Allow),
    Deny(Allow),
    Only(Allow),
    Ip4(Vec<Ipv4Addr>),
    Select(bool),
}

impl Setting {
    /// Returns the parameters that it names, as far as they can be told by name.
    fn named(&self) -> Vec<&'static str> {
        match self {
            Self::Level(_) => vec!["securelevel"],
            Self::Children(_) => vec!["children.max"],
            Self::Statfs(_) => vec!["enforce_statfs"],
            Self::Hostname(_) => vec!["host", "host.hostname"],
            Self::Ruleset(_) => vec!["devfs_ruleset"],
            Self::Allow(set) | Self::Deny(set) => set.parameters().collect(),
            Self::Only(_) => Allow::all().parameters().collect(),
            Self::Ip4(_) => vec!["ip4", "ip4.addr"],
            Self::Select(_) => vec!["ip4.saddrsel"],
        }
    }
}

macro_rules! apply {
    ($to:expr, $settings:expr) => {
        $settings.iter().fold($to, |to, setting| match setting {
            Setting::Level(level) => to.securelevel(*level),
            Setting::Children(most) => to.children_max(*most),
            Setting::Statfs(level) => to.enforce_statfs(*level),
            Setting::Hostname(name) => to.hostname(name),
            Setting::Ruleset(ruleset) => to.devfs_ruleset(*ruleset),
            Setting::Allow(set) => to.allow(*set),
            Setting::Deny(set) => to.deny(*set),
            Setting::Only(set) => to.allow_only(*set),
            Setting::Ip4(addresses) => to.ip4(addresses.clone()),
            Setting::Select(select) => to.ip4_saddrsel(*select),
        })
    };
}

fn permissions() -> impl Strategy<Value = Allow> {
    let known = Allow::MLOCK
        | Allow::RAW_SOCKETS
        | Allow::SUSER
        | Allow::SET_HOSTNAME
        | Allow::MOUNT
        | Allow::QUOTAS
        | Allow::RESERVED_PORTS;
    any::<u64>().prop_map(move |bits| Allow::from_bits_truncate(bits) & known)
}

fn setting() -> impl Strategy<Value = Setting> {
    prop_oneof![
        (-3..5).prop_map(Setting::Level),
        prop_oneof![0..9_u32, Just(u32::MAX)].prop_map(Setting::Children),
        (0..3).prop_map(|level| Setting::Statfs(EnforceStatfs::from_number(level).expect("a level"))),
        "[a-z\0]{0,300}".prop_map(Setting::Hostname),
        (-1..70_000).prop_map(Setting::Ruleset),
        permissions().prop_map(Setting::Allow),
        permissions().prop_map(Setting::Deny),
        permissions().prop_map(Setting::Only),
        proptest::collection::vec((0..3_u8).prop_map(|last| Ipv4Addr::new(10, 14, 0, last)), 0..3)
            .prop_map(Setting::Ip4),
        any::<bool>().prop_map(Setting::Select),
    ]
}

fn settings() -> impl Strategy<Value = Vec<Setting>> {
    proptest::collection::vec(setting(), 0..6)
}

/// Reads all that the kernel has of a jail.
fn all(jail: &Jail) -> BTreeMap<String, Value> {
    let catalog = Catalog::current().expect("asked");
    let keys: Vec<(&str, Kind)> = catalog.iter().map(|each| (each.name(), each.kind())).collect();
    let values = jail.get(&*keys).expect("read");
    keys.iter().map(|(name, _)| (*name).to_owned()).zip(values).collect()
}

fn config() -> ProptestConfig {
    ProptestConfig { cases: 100, failure_persistence: None, ..ProptestConfig::default() }
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn a_builder_errs_or_grants_what_was_asked_and_never_more(settings in settings()) {
        let _host = host();
        let before = names();
        let builder = apply!(Jail::builder().path("/"), settings);
        let checked = builder.check();
        let jail = match builder.create() {
            Ok(jail) => jail,
            Err(error) => {
                prop_assert_eq!(names(), before, "a failed creation leaves no jail");
                prop_assert_eq!(checked.is_err(), error.call().is_none());
                return Ok(());
            }
        };
        prop_assert!(checked.is_ok());
        let (mut asked, mut denied, mut only) = (Allow::empty(), Allow::empty(), false);
        let info = jail.info().expect("read");
        // The last value of each counts.
        let mut meant: BTreeMap<&str, String> = BTreeMap::new();
        for setting in &settings {
            match setting {
                Setting::Level(level) => drop(meant.insert("level", level.max(&-1).to_string())),
                Setting::Children(most) => drop(meant.insert("children", most.to_string())),
                Setting::Statfs(level) => drop(meant.insert("statfs", format!("{level:?}"))),
                Setting::Hostname(name) => drop(meant.insert("hostname", name.clone())),
                Setting::Ruleset(ruleset) => drop(meant.insert("ruleset", ruleset.to_string())),
                Setting::Allow(set) => (asked, denied) = (asked | *set, denied - *set),
                Setting::Deny(set) => (asked, denied) = (asked - *set, denied | *set),
                Setting::Only(set) => (asked, denied, only) = (*set, Allow::empty(), true),
                Setting::Ip4(addresses) => {
                    drop(meant.insert("network", Network::addresses(addresses.iter().copied().map(IpAddr::from)).to_string()));
                }
                Setting::Select(_) => {}
            }
        }
        for (what, value) in meant {
            let read = match what {
                "level" => info.securelevel.to_string(),
                "children" => info.children_max.to_string(),
                "statfs" => format!("{:?}", info.enforce_statfs),
                "hostname" => info.hostname.to_string_lossy().into_owned(),
                "ruleset" => info.devfs_ruleset.to_string(),
                _ => info.network.to_string(),
            };
            prop_assert_eq!(read, value, "{}", what);
        }
        let may = jail.permissions().expect("read");
        prop_assert!(may.contains(asked), "{} lacks {}", may, asked);
        prop_assert!(!may.known().intersects(denied), "{} has {}", may, denied);
        let most = if only { asked } else { asked | defaults() };
        prop_assert!(most.contains(may.known()) && may.others().count() == 0, "{} is more than {}", may, most);
        let again: JailInfo = from_value(to_value(&info).expect("written")).expect("read");
        prop_assert_eq!(again, info);
    }

    #[test]
    fn an_update_never_changes_what_it_did_not_name(first in settings(), second in settings()) {
        let _host = host();
        let Ok(jail) = apply!(Jail::builder().path("/"), first).create() else { return Ok(()) };
        let before = all(&jail);
        let updated = jail.update(&apply!(JailUpdate::new(), second));
        let named: Vec<_> = second.iter().flat_map(Setting::named).collect();
        for (name, value) in all(&jail) {
            let is_permission = name.starts_with("allow.") && second.iter().any(|each| matches!(each, Setting::Only(_)));
            if !named.contains(&&*name) && !is_permission {
                prop_assert_eq!(&before[&name], &value, "{} after {:?}", name, updated);
            }
        }
    }

    #[test]
    fn what_is_serialised_reads_back_the_same(settings in settings(), optional in any::<bool>(), v6 in any::<u128>()) {
        let builder = apply!(Jail::builder().path("/").name("x"), settings);
        let builder = if v6 == 0 { builder } else { builder.ip6([Ipv6Addr::from(v6)]) };
        let builder = if optional { builder.optional(Param::<String>::new("meta.k"), "v") } else { builder };
        let update = apply!(JailUpdate::new().remove_meta("gone"), settings);
        match to_value(&builder) {
            Ok(written) => {
                let again: JailBuilder = from_value(written.clone()).expect("read");
                prop_assert_eq!(to_value(&again).expect("written"), written);
            }
            Err(error) => prop_assert!(builder.check().is_err(), "{}", error),
        }
        match to_value(&update) {
            Ok(written) => {
                let again: JailUpdate = from_value(written.clone()).expect("read");
                prop_assert_eq!(to_value(&again).expect("written"), written);
            }
            Err(error) => prop_assert!(update.check().is_err(), "{}", error),
        }
    }
}
