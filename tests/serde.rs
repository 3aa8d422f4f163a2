//! Serialisation of builders, updates and values, both ways.

#![allow(clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "a test fails by panicking")]

mod common;

use std::ffi::{OsStr, OsString};
use std::net::{Ipv4Addr, Ipv6Addr};
use std::os::unix::ffi::OsStrExt;

use common::{host, name, on_every_kernel};
use freebsd_jail::cpus::CpuSet;
use freebsd_jail::exec::Processes;
use freebsd_jail::param::{Entries, Kind, MacDo, Param, Sharing, Value};
use freebsd_jail::{
    Allow, Catalog, Jail, JailBuilder, JailInfo, JailUpdate, Jid, Network, Permissions, Watcher,
    param::{self, Ip4, Ip6, Mode},
    snapshot::Snapshot,
    watch::Holders,
};
use serde::de::{self, DeserializeOwned, IntoDeserializer, Visitor};
use serde::{Deserialize, Deserializer, Serialize, forward_to_deserialize_any};
use serde_json::{Value as Json, from_value, json, to_value};

/// All settings of a builder that do not exclude each other.
fn full() -> JailBuilder {
    Jail::builder()
        .name("written")
        .jid(Jid::new(880_200).expect("above zero"))
        .path("/")
        .hostname("www.example.org")
        .hostid(0xffff_ffff)
        .ip4([Ipv4Addr::new(10, 12, 0, 2), Ipv4Addr::new(10, 12, 0, 1)])
        .ip6([Ipv6Addr::LOCALHOST])
        .ip4_saddrsel(false)
        .securelevel(2)
        .osreldate(1_302_000)
        .sysvmsg(Mode::New)
        .allow(Allow::RAW_SOCKETS)
        .deny(Allow::SET_HOSTNAME)
        .allow_mount("nosuchfs")
        .deny_mount("xfs")
        .set(param::PERSIST, true)
        .meta("owner", "www")
        .jail_env("stage", "")
        .mac_do(MacDo::rules("uid=1>uid=2"))
}

fn full_json() -> Json {
    json!({
        "name": "written", "jid": 880_200, "path": "/", "host.hostname": "www.example.org",
        "host.hostid": 0xffff_ffff_u32, "ip4.addr": ["10.12.0.2", "10.12.0.1"], "ip6.addr": ["::1"],
        "ip4.saddrsel": false, "securelevel": 2, "osreldate": 1_302_000, "sysvmsg": "new",
        "allow.raw_sockets": true, "allow.set_hostname": false, "allow.mount.nosuchfs": true,
        "allow.mount.xfs": false, "persist": true, "meta.owner": "www", "env.stage": "", "mac.do": "new",
        "mac.do.rules": "uid=1>uid=2",
    })
}

#[test]
fn a_builder_is_a_map_of_what_was_set_and_of_nothing_else() {
    assert_eq!(to_value(Jail::builder()).expect("written"), json!({}));
    assert_eq!(to_value(Jail::builder().securelevel(1)).expect("written"), json!({"securelevel": 1}));
    assert_eq!(to_value(full()).expect("written"), full_json());
    let builder: JailBuilder = from_value(full_json()).expect("read");
    assert_eq!(to_value(builder).expect("written"), full_json());
}

#[test]
fn what_replaces_settings_leaves_others_as_they_were() {
    let optional = |jail: JailBuilder| jail.optional(param::META, "a=1");
    let only = optional(Jail::builder().optional(param::allow::MLOCK, true));
    let only = only.set(Param::<bool>::new("new.flag"), false).allow_only(Allow::SUSER);
    assert_eq!(
        to_value(only).expect("written"),
        json!({"meta": "a=1", "new.flag": false, "allow_only": ["allow.suser"], "optional": ["meta"]})
    );
    assert_eq!(
        to_value(optional(Jail::builder()).mac_do(MacDo::Disable)).expect("written"),
        json!({"meta": "a=1", "mac.do": "disable", "optional": ["meta"]})
    );
    let profile = JailUpdate::new().deny_mount("xfs").optional(param::META, "a=1").remove_jail_env("b");
    let written = json!({"allow.mount.xfs": false, "meta": "a=1", "env.b": null, "optional": ["meta"]});
    assert_eq!(to_value(JailUpdate::new().with(&profile)).expect("written"), written);
    // A new jail has nothing to remove.
    assert_eq!(
        to_value(Jail::builder().jail_env("b", "1").with(&profile)).expect("written"),
        json!({"allow.mount.xfs": false, "meta": "a=1", "optional": ["meta"]})
    );
}

#[test]
fn a_builder_that_was_read_creates_the_same_jail() {
    on_every_kernel(|_| {
        let written = to_value(
            Jail::builder()
                .path("/")
                .hostname("same")
                .ip4([Ipv4Addr::new(10, 12, 1, 1)])
                .ip6(Ip6::Inherit)
                .deny(Allow::SUSER)
                .children_max(2),
        )
        .expect("written");
        let builder: JailBuilder = from_value(written).expect("read");
        let jail = builder.create().expect("created");
        let info = jail.info().expect("read");
        assert_eq!(
            (info.hostname.to_str(), info.network.to_string()),
            (Some("same"), "ip4 10.12.1.1, ip6 inherited".into())
        );
        assert_eq!((info.children_max, info.securelevel), (2, -1));
        assert!(!jail.permissions().expect("read").contains(Allow::SUSER));
    });
}

#[test]
fn an_unknown_field_is_refused_with_its_name() {
    for name in [
        "host_name",
        "hostname",
        "allow.noraw_sockets",
        "nopersist",
        "meta.",
        "allow.mount.",
        "desc",
        "errmsg",
        "lastjid",
        "",
    ] {
        let error =
            from_value::<JailBuilder>(json!({"path": "/", name: "x"})).expect_err("unknown").to_string();
        assert!(error.contains(name) && error.len() > 10, "{name}: {error}");
        let error = from_value::<JailUpdate>(json!({ name: "x" })).expect_err("unknown").to_string();
        assert!(error.contains(name), "{name}: {error}");
    }
    for (wrong, expected) in [
        (json!(7), "a map of parameters of a jail"),
        (json!({"persist": 0.5}), "a value of kind Bool for parameter `persist`"),
    ] {
        let error = from_value::<JailBuilder>(wrong).expect_err("of another type").to_string();
        assert!(error.contains(expected), "{error}");
    }
    let _host = host();
    let jail = Jail::builder().path("/").create().expect("created");
    let read = jail.info().expect("read");
    let mut info = to_value(&read).expect("written");
    info["colour"] = json!("blue");
    assert_eq!(from_value::<JailInfo>(info).expect("what a newer one has is left out"), read);
    let old: JailInfo =
        from_value(json!({"jid": 7, "name": "old"})).expect("what is missing has its default");
    assert!(old.jid.get() == 7 && old.name == "old" && old.network.is_none());
}

#[test]
fn what_the_setters_refuse_is_refused() {
    for (map, name) in [
        (json!({"parent": 1}), "parent"),
        (json!({"children.cur": 1}), "children.cur"),
        (json!({"children.max": -1}), "children.max"),
        (json!({"jid": 0}), "jid"),
        (json!({"host": "disable"}), "host"),
        (json!({"meta.a": "b\nc=d"}), "meta.a"),
        (json!({"meta.a=b": "c"}), "meta.a=b"),
        (json!({"env.a": null}), "env.a"),
        (json!({"ip4.addr": ["0.0.0.0"]}), "ip4.addr"),
    ] {
        let error = from_value::<JailBuilder>(map).expect_err("refused").to_string();
        assert!(error.contains(name), "{error}");
    }
    for (map, name) in
        [(json!({"path": "/"}), "path"), (json!({"vnet": "new"}), "vnet"), (json!({"jid": 5}), "jid")]
    {
        let error = from_value::<JailUpdate>(map).expect_err("fixed at creation").to_string();
        assert!(error.contains(name), "{error}");
    }
    for map in [json!({"securelevel": "high"}), json!({"persist": 1}), json!({"ip4": "new!"}), json!([1])] {
        from_value::<JailBuilder>(map).expect_err("of another type");
    }
    let error = from_value::<JailInfo>(json!({"jid": 7, "name": true})).expect_err("no text").to_string();
    assert!(error.contains("a string, or a list of bytes"), "{error}");
    let twice = r#"{"securelevel": 1, "securelevel": 2}"#;
    let error = serde_json::from_str::<JailBuilder>(twice).expect_err("twice").to_string();
    assert!(error.contains("duplicate field `securelevel`"), "{error}");
}

#[test]
fn what_cannot_be_read_back_is_not_written() {
    let _host = host();
    let jail = Jail::builder().path("/").children_max(1).create().expect("created");
    to_value(jail.child_builder().path("/")).expect_err("its parent is a handle");
    let error =
        to_value(Jail::builder().set(Param::<i32>::new("nosuch.thing"), 1)).expect_err("of no known type");
    assert!(error.to_string().contains("nosuch.thing"), "{error}");
    let error = to_value(Jail::builder().children_max(u32::MAX)).expect_err("a mistake").to_string();
    assert!(error.contains("children.max"), "{error}");
}

#[test]
fn a_change_is_written_without_its_jail_and_applied_to_any() {
    on_every_kernel(|_| {
        let jail =
            || Jail::builder().path("/").hostname("old").allow(Allow::MLOCK).create().expect("created");
        let (one, other) = (jail(), jail());
        let update = JailUpdate::new().securelevel(1).deny(Allow::MLOCK).host(Sharing::Inherit).ip4([]);
        let written = to_value(&update).expect("written");
        let expected = json!({"securelevel": 1, "allow.mlock": false, "host": "inherit", "ip4.addr": []});
        assert_eq!(written, expected);
        drop(update);
        let changes: JailUpdate = from_value(written).expect("read");
        assert_eq!(to_value(&changes).expect("written"), expected);
        other.update(&JailUpdate::new().with(&changes)).expect("updated");
        assert_eq!(other.get((param::SECURELEVEL, param::HOST)).expect("read"), (1, Sharing::Inherit));
        assert!(!other.permissions().expect("read").contains(Allow::MLOCK));
        assert_eq!(one.get(param::SECURELEVEL).expect("read"), -1);

        let keys = JailUpdate::new().meta("a", "1").remove_meta("b").remove_jail_env("c");
        let expected = json!({"meta.a": "1", "meta.b": null, "env.c": null});
        assert_eq!(to_value(&keys).expect("written"), expected);
        let changes: JailUpdate = from_value(expected.clone()).expect("read");
        assert_eq!(to_value(&changes).expect("written"), expected);
    });
}

#[test]
fn what_was_read_is_written_and_read_back() {
    on_every_kernel(|_| {
        let odd = OsStr::from_bytes(b"h\xf6st");
        let jail = Jail::builder()
            .path("/")
            .hostname(odd)
            .ip4([Ipv4Addr::new(10, 12, 2, 1)])
            .children_max(1)
            .create()
            .expect("created");
        let child = jail.child_builder().path("/").create().expect("created");
        for info in [jail.info().expect("read"), child.info().expect("read")] {
            let written = to_value(&info).expect("written");
            assert_eq!(from_value::<JailInfo>(written).expect("read"), info);
        }
        let written = to_value(jail.info().expect("read")).expect("written");
        assert_eq!(written["hostname"], json!([0x68, 0xf6, 0x73, 0x74]));
        assert_eq!((&written["network"], &written["parent"]), (&json!(["10.12.2.1"]), &Json::Null));
    });
}

#[test]
fn text_that_is_not_utf_8_survives() {
    let odd = OsString::from(OsStr::from_bytes(b"\xff/x"));
    let builder = Jail::builder().path(&odd).meta("k", &odd);
    let written = to_value(builder).expect("written");
    assert_eq!(written, json!({"path": [255, 47, 120], "meta.k": [255, 47, 120]}));
    let again = to_value(from_value::<JailBuilder>(written.clone()).expect("read")).expect("written");
    assert_eq!(again, written);
}

#[test]
fn entries_are_a_map() {
    let entries = Entries::new([("owner", "www"), ("note", "a=b")]).expect("good ones");
    let written = to_value(&entries).expect("written");
    assert_eq!(written, json!({"owner": "www", "note": "a=b"}));
    assert_eq!(to_value(from_value::<Entries>(written.clone()).expect("read")).expect("written"), written);
    for wrong in
        [json!({"": "x"}), json!({"a=b": "x"}), json!({"a": "1\nb=2"}), json!({"a": 1}), json!("a=1")]
    {
        from_value::<Entries>(wrong).expect_err("refused");
    }
    let error = from_value::<Entries>(json!(7)).expect_err("no map").to_string();
    assert!(error.contains("a map of keys and values"), "{error}");
    // As far as it is text, what a jail has been given as a whole can be written too.
    let _host = host();
    let jail =
        Jail::builder().path("/").optional(param::META, "a=1\n\nnonsense\na=2").create().expect("created");
    match jail.get(param::META.entries()) {
        Ok(read) => assert_eq!(to_value(read).expect("written"), json!({"a": "2"})),
        Err(error) => println!("skipped: no metadata on this kernel: {error}"),
    }
}

#[test]
fn small_values_have_plain_forms() {
    assert_eq!(to_value(Mode::Inherit).expect("written"), json!("inherit"));
    assert_eq!(
        to_value(Allow::MOUNT | Allow::SUSER).expect("written"),
        json!(["allow.mount", "allow.suser"])
    );
    assert_eq!(from_value::<Allow>(json!(["allow.suser"])).expect("read"), Allow::SUSER);
    let error = from_value::<Allow>(json!(["allow.sudo"])).expect_err("unknown").to_string();
    assert!(error.contains("allow.sudo"), "{error}");
    assert_eq!(from_value::<Jid>(json!(7)).expect("read").get(), 7);
    from_value::<Jid>(json!(0)).expect_err("not above zero");
}

#[test]
fn every_parameter_that_can_be_set_can_be_written() {
    for row in param::TABLE.iter().filter(|row| row.access() != param::Access::ReadOnly) {
        let name = row.name();
        let value = match row.kind() {
            Kind::Bool => Value::Bool(false),
            Kind::Int => Value::Int(1),
            Kind::Ulong => Value::Ulong(1),
            Kind::Mode => Value::Mode(Mode::Inherit),
            Kind::Ip4 => Value::Ip4(vec![Ipv4Addr::LOCALHOST]),
            Kind::Ip6 => Value::Ip6(vec![]),
            _ => Value::String("text".into()),
        };
        let written = to_value(Jail::builder().set_value(row.name(), &value)).expect(name);
        assert_eq!(
            written.as_object().map(|map| map.keys().collect::<Vec<_>>()),
            Some(vec![&row.name().to_owned()])
        );
        let again = to_value(from_value::<JailBuilder>(written.clone()).expect(name)).expect(name);
        assert_eq!(again, written);
    }
}

#[test]
fn all_that_is_read_can_be_serialised() {
    let host = host();
    host.load_modules();
    let jail = Jail::builder().name(name("all")).path("/").hostname("h").create().expect("created");
    let snapshot = to_value(Snapshot::current().expect("read")).expect("written");
    let entry =
        snapshot.as_array().and_then(|list| list.iter().find(|entry| entry["jid"] == jail.jid().get()));
    let entry = entry.expect("listed");
    assert_eq!(
        (&entry["hostname"], &entry["state"], &entry["path"]),
        (&json!("h"), &json!("alive"), &json!("/"))
    );
    let catalog = to_value(Catalog::current().expect("read")).expect("written");
    assert!(catalog.as_array().is_some_and(|list| list.len() > 30), "{catalog}");
    let permissions = jail.permissions().expect("read");
    let written = to_value(&permissions).expect("written");
    assert_eq!(from_value::<Permissions>(written).expect("read"), permissions);
    let keys = [("securelevel", Kind::Int), ("host.hostname", Kind::String), ("persist", Kind::Bool)];
    let row = to_value(jail.get(&keys[..]).expect("read")).expect("written");
    assert_eq!(row, json!([-1, "h", true]));
    let cpus = jail.cpus().expect("read");
    assert_eq!(from_value::<CpuSet>(to_value(&cpus).expect("written")).expect("read"), cpus);
    let processes = to_value(Processes::current().expect("read")).expect("written");
    let this = processes
        .as_array()
        .and_then(|list| list.iter().find(|each| each["pid"] == std::process::id() || each["jid"].is_null()));
    assert_eq!(this.expect("this process")["is_zombie"], json!(false));
    let holders = to_value(Holders::default()).expect("written");
    assert_eq!(holders, json!({"processes": [], "jails": []}));
    let watched = Watcher::new().and_then(|watcher| {
        watcher.watch(&jail)?;
        jail.set(param::SECURELEVEL, 0)?;
        watcher.pending().collect::<freebsd_jail::Result<Vec<_>>>()
    });
    match watched {
        Ok(events) => {
            let written = to_value(events).expect("written");
            assert_eq!(written, json!([{"jid": jail.jid().get(), "kinds": ["changed"]}]));
        }
        Err(error) => println!("skipped: no events on this kernel: {error}"),
    }
}

#[test]
fn a_network_is_a_name_or_addresses_or_a_map_of_both_families() {
    let (ip4, ip6) = (Ipv4Addr::new(10, 0, 0, 1), Ipv6Addr::LOCALHOST);
    for (network, written) in [
        (Network::none(), json!("none")),
        (Network::inherited(), json!("inherited")),
        (Network::own_stack(), json!("own stack")),
        (Network::addresses([ip4.into(), ip6.into()]), json!(["10.0.0.1", "::1"])),
        (Network::Shared { ip4: Ip4::Inherit, ip6: Ip6::NONE }, json!({"ip4": "inherited", "ip6": []})),
        (
            Network::Shared { ip4: ip4.into(), ip6: Ip6::Inherit },
            json!({"ip4": ["10.0.0.1"], "ip6": "inherited"}),
        ),
    ] {
        assert_eq!(to_value(&network).expect("written"), written);
        assert_eq!(from_value::<Network>(written).expect("read"), network);
    }
    let missing: Network = from_value(json!({"ip6": "::1"})).expect("read");
    assert_eq!(missing, Network::Shared { ip4: Ip4::NONE, ip6: ip6.into() });
    for (wrong, named) in [
        (r#"{"ip4": "none", "ip4": "none"}"#, "duplicate field `ip4`"),
        (r#"{"ip5": "none"}"#, "ip5"),
        (r#""nowhere""#, "nowhere"),
        ("7", "own stack"),
        (r#"{"ip4": 7}"#, "inherited"),
    ] {
        let error = serde_json::from_str::<Network>(wrong).expect_err("refused").to_string();
        assert!(error.contains(named), "{wrong}: {error}");
    }
}

/// A value of a format that tells those that are there from those that are not.
struct Maybe(Option<&'static str>);

impl<'de> Deserializer<'de> for Maybe {
    type Error = de::value::Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Self::Error> {
        match self.0 {
            Some(text) => visitor.visit_some(text.into_deserializer()),
            None => visitor.visit_none(),
        }
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option unit unit_struct
        newtype_struct seq tuple tuple_struct map struct enum identifier ignored_any
    }
}

impl IntoDeserializer<'_, de::value::Error> for Maybe {
    type Deserializer = Self;

    fn into_deserializer(self) -> Self {
        self
    }
}

#[test]
fn a_value_that_may_be_missing_is_read() {
    let read = |entries: &[(&'static str, Option<&'static str>)]| {
        let entries = entries.iter().map(|(name, value)| (*name, Maybe(*value)));
        JailUpdate::deserialize(de::value::MapDeserializer::new(entries))
            .map(|update| to_value(update).expect("written"))
    };
    let update = read(&[("host.hostname", Some("h")), ("meta.k", Some("v")), ("meta.old", None)]);
    assert_eq!(update, Ok(json!({"host.hostname": "h", "meta.k": "v", "meta.old": null})));
    let error = read(&[("host.hostname", None)]).expect_err("a name").to_string();
    assert!(error.contains("`host.hostname` has no value"), "{error}");
}

/// Writes a value in a format that does not describe its types, and reads it back.
fn there_and_back<T: Serialize + DeserializeOwned>(value: &T) -> T {
    let bytes = postcard::to_allocvec(value).expect("written");
    let (again, rest) = postcard::take_from_bytes(&bytes).expect("read");
    assert!(rest.is_empty(), "{rest:?}");
    again
}

#[test]
fn a_format_without_types_gives_back_what_was_written() {
    assert_eq!(to_value(there_and_back(&full())).expect("written"), full_json());
    let odd = OsStr::from_bytes(b"\xff/x");
    let update = JailUpdate::new().hostname(odd).remove_meta("old").meta("new", odd);
    assert_eq!(to_value(there_and_back(&update)).expect("written"), to_value(&update).expect("written"));
    let whole = Jail::builder().set(param::META, "a=1").allow_only(Allow::SUSER);
    assert_eq!(to_value(there_and_back(&whole)).expect("written"), to_value(&whole).expect("written"));
    let optional = Jail::builder().path("/").optional(param::META, "a=1");
    let again = there_and_back(&optional);
    assert_eq!(to_value(again).expect("written"), json!({"path": "/", "meta": "a=1", "optional": ["meta"]}));
    for network in [
        Network::none(),
        Network::inherited(),
        Network::own_stack(),
        Network::addresses([Ipv4Addr::LOCALHOST.into(), Ipv6Addr::LOCALHOST.into()]),
        Network::Shared { ip4: Ip4::Inherit, ip6: Ip6::NONE },
        Network::Shared { ip4: Ip4::NONE, ip6: Ip6::Inherit },
    ] {
        assert_eq!(there_and_back(&network), network);
        if let Network::Shared { ip4, ip6 } = network {
            assert_eq!((there_and_back(&ip4), there_and_back(&ip6)), (ip4, ip6));
        }
    }
    on_every_kernel(|_| {
        let jail = Jail::builder().path("/").hostname(odd).children_max(1).create().expect("created");
        let info = jail.info().expect("read");
        assert_eq!(there_and_back(&info), info);
    });
}

#[test]
fn a_format_without_types_refuses_what_no_parameter_takes() {
    /// A map as postcard writes it.
    fn map(name: &str, value: &[u8]) -> Vec<u8> {
        let mut bytes = vec![1, u8::try_from(name.len()).expect("short")];
        bytes.extend_from_slice(name.as_bytes());
        bytes.extend_from_slice(value);
        bytes
    }
    let read = |bytes: &[u8]| {
        postcard::from_bytes::<JailUpdate>(bytes).map(|update| to_value(update).expect("written"))
    };
    assert_eq!(read(&map("securelevel", &[2])).expect("read"), json!({"securelevel": 1}));
    assert_eq!(read(&map("meta.k", &[1, 1, b'v'])).expect("read"), json!({"meta.k": "v"}));
    assert_eq!(read(&map("meta.k", &[0])).expect("read"), json!({"meta.k": null}));
    for refused in [
        map("no such parameter", &[2]),
        map("securelevel", &[2, 0])[..13].to_vec(),
        map("allow.suser", &[2]),
        map("allow.suser", &[]),
        map("mac.do", &[9]),
        map("network", &[1, 0, 0]),
        map("optional", &[1, 4, b'm', b'e', b't', b'a']),
    ] {
        read(&refused).expect_err("refused");
    }
    let removed = map("meta.k", &[0]);
    postcard::from_bytes::<JailBuilder>(&removed).map(drop).expect_err("a new jail has nothing to remove");
}
