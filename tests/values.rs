//! Values from text, their text, and the table of parameters.

#![allow(clippy::expect_used, clippy::unwrap_used, reason = "a test fails by panicking")]

use std::ffi::OsString;
use std::hash::{BuildHasher, RandomState};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::os::unix::ffi::OsStringExt;

use freebsd_jail::cpus::CpuSet;
use freebsd_jail::param::{self, Entries, Ip4, Ip6, Kind, Mode, Sharing, Since, Value};
use freebsd_jail::{Allow, ErrorKind, Network, Permissions};
use proptest::collection::vec;
use proptest::prelude::*;

const ADDRESS: IpAddr = IpAddr::V4(Ipv4Addr::new(10, 0, 0, 1));

#[test]
fn a_row_of_the_table_says_what_its_parameter_takes() {
    let row = |name| param::find(name).expect("in the table");
    assert_eq!((row("enforce_statfs").range(), row("path").range()), (Some(0..=2), None));
    assert_eq!((row("mac.do").module(), row("path").module()), (Some("mac_do"), None));
    assert_eq!((row("securelevel").default(), row("name").max_len()), (Some("the parent's"), Some(256)));
    assert_eq!(row("host.hostname").parse("true").expect("text"), Value::from("true"));
    assert_eq!(row("ip4.saddrsel").parse("false").expect("a boolean"), Value::Bool(false));
    for row in param::TABLE.iter().filter(|row| row.kind() == Kind::Int) {
        let is_boolean = row.range() == Some(0..=1);
        assert_eq!(row.parse("true").ok(), is_boolean.then_some(Value::Int(1)), "{}", row.name());
        assert_eq!(row.parse("false").ok(), is_boolean.then_some(Value::Int(0)), "{}", row.name());
    }
    let shown = format!("{:?}", row("enforce_statfs"));
    assert!(shown.contains(r#"name: "enforce_statfs""#) && shown.contains("range: Some((0, 2))"), "{shown}");
    assert_eq!(param::SECURELEVEL.to_string(), "securelevel");
}

#[test]
fn a_mode_of_two_is_made_from_one_of_three() {
    for (mode, sharing) in
        [(Mode::New, Some(Sharing::New)), (Mode::Inherit, Some(Sharing::Inherit)), (Mode::Disable, None)]
    {
        assert_eq!(Sharing::try_from(Value::Mode(mode)).ok(), sharing);
    }
    assert_eq!(Sharing::try_from(Value::Int(1)).expect_err("a number").kind(), ErrorKind::InvalidValue);
}

#[test]
fn every_permission_of_the_table_is_in_the_set() {
    for row in param::TABLE.iter().filter(|row| row.name().starts_with("allow.")) {
        let flag = Allow::from_parameter(row.name());
        assert_eq!(flag.map(|flag| flag.parameters().collect()), Some(vec![row.name()]));
    }
    assert_eq!(Allow::all().parameters().count(), Allow::all().iter().count());
}

#[test]
fn what_a_set_displays_is_parsed_as_the_same_set() {
    for set in [Allow::empty(), Allow::MOUNT, Allow::RAW_SOCKETS | Allow::MOUNT_TMPFS, Allow::all()] {
        assert_eq!(set.to_string().parse::<Allow>().ok(), Some(set));
    }
    assert_eq!((Allow::RAW_SOCKETS | Allow::MOUNT_TMPFS).to_string(), "raw_sockets|mount.tmpfs");
    assert_eq!(" allow.mount, mlock".parse::<Allow>().ok(), Some(Allow::MOUNT | Allow::MLOCK));
    let error = "mount,raw_socket".parse::<Allow>().unwrap_err();
    assert_eq!((error.kind(), error.parameter()), (ErrorKind::InvalidValue, Some("raw_socket")));
}

#[test]
fn a_set_displays_its_ranges() {
    let mut set = CpuSet::from_iter([7, 0, 2, 1]);
    assert_eq!((set.to_string(), set.len(), set.contains(7)), ("0-2,7".to_owned(), 4, true));
    assert!(!set.contains(3));
    set.extend([4, u32::MAX]);
    assert_eq!(set.to_string(), "0-2,4,7,4294967295");
    assert!(CpuSet::default().is_empty() && !set.is_empty());
    assert_eq!(CpuSet::default().to_string(), "");
}

#[test]
fn text_of_permissions_reads_back() {
    let permissions: Permissions = ["raw_sockets", "allow.mount.unionfs", "beep"].into_iter().collect();
    assert_eq!(permissions.to_string(), "raw_sockets|beep|mount.unionfs");
    assert_eq!(permissions.to_string().parse(), Ok(permissions.clone()));
    assert_eq!("".parse(), Ok(Permissions::new()));
    assert_eq!(permissions.names().count(), 3);
    assert!(permissions.contains_name("allow.beep") && !permissions.contains_name("allow.mlock"));
    assert!(permissions.contains_name("mount.unionfs") && Permissions::new().is_empty());
    assert!(!Permissions::from(Allow::MLOCK).is_empty() && !Permissions::from_iter(["beep"]).is_empty());
}

#[test]
fn releases_are_ordered_and_derived_from_osreldate() {
    assert!(Since::FREEBSD_13_2 < Since::FREEBSD_14_0);
    assert!(Since::FREEBSD_15_0 < Since::FREEBSD_15_1);
    assert_eq!(Since::from_osreldate(1_302_001), Since::FREEBSD_13_2);
    assert_eq!(Since::from_osreldate(1_501_502), Since::FREEBSD_15_1);
}

#[test]
fn a_network_is_what_was_asked_for_and_displays_so() {
    let own = Network::own_stack();
    assert!(own.has_own_stack() && !own.is_none() && !own.is_inherited());
    assert_eq!(own.listed().count(), 0);
    let one = Network::from(ADDRESS);
    assert!(!one.has_own_stack() && !one.is_none() && !one.is_inherited());
    assert_eq!(one.listed().collect::<Vec<_>>(), [ADDRESS]);
    let both: Network = [ADDRESS, Ipv6Addr::LOCALHOST.into()].into_iter().collect();
    for (network, text) in [
        (Network::default(), "none"),
        (Network::inherited(), "inherited"),
        (own, "own stack"),
        (one, "10.0.0.1"),
        (both, "10.0.0.1, ::1"),
    ] {
        assert_eq!(network.to_string(), text);
        assert_eq!(text.parse::<Network>().ok(), Some(network));
    }
    let half = Network::Shared { ip4: Ip4::Inherit, ip6: Ip6::NONE };
    assert_eq!(half.to_string(), "ip4 inherited, ip6 none");
    assert!("10.0.0.1, ::g".parse::<Network>().unwrap_err().to_string().contains("::g"));
}

#[test]
fn addresses_of_one_family_come_from_all_that_lists_them() {
    let address = Ipv4Addr::new(10, 0, 0, 1);
    let listed = Ip4::Addresses(vec![address]);
    for same in [
        Ip4::from(address),
        Ip4::from([address]),
        Ip4::from(&[address][..]),
        Ip4::from(vec![address]),
        [address].into_iter().collect(),
    ] {
        assert_eq!(same, listed);
    }
    for (addresses, texts) in [
        (Ip4::default(), &["none", "disable"][..]),
        (Ip4::Inherit, &["inherited", "inherit"]),
        (listed, &["10.0.0.1", " 10.0.0.1 "]),
    ] {
        assert_eq!(addresses.to_string(), texts[0]);
        for text in texts {
            assert_eq!(text.parse::<Ip4>().ok(), Some(addresses.clone()), "{text}");
        }
    }
    assert!("::1".parse::<Ip4>().is_err() && "10.0.0.1".parse::<Ip6>().is_err());
}

#[test]
fn text_is_parsed_by_the_kind_and_an_error_names_the_parameter() {
    let parse = |name, text| param::find(name).expect("it is in the table").parse(text);
    assert_eq!(parse("securelevel", "2").expect("parsed"), Value::Int(2));
    assert_eq!(parse("persist", "true").expect("parsed"), Value::Bool(true));
    for (text, number) in [("true", 1), ("false", 0), ("1", 1)] {
        assert_eq!(parse("zfs.mount_snapshot", text).expect("parsed"), Value::Int(number), "{text}");
    }
    let error = parse("securelevel", "high").expect_err("no number");
    assert_eq!((error.kind(), error.parameter()), (ErrorKind::InvalidValue, Some("securelevel")));
    assert!(parse("securelevel", "true").is_err());
}

#[test]
fn the_constants_are_listed_by_subject() {
    let page = include_str!("../src/param/mod.rs");
    for row in param::TABLE {
        let constant = match row.name().strip_prefix("allow.") {
            Some(permission) => format!("allow::{}", permission.replace('.', "_").to_uppercase()),
            None => row.name().replace('.', "_").to_uppercase(),
        };
        assert!(constant.starts_with("allow::") || page.contains(&format!("[`{constant}`]")), "{constant}");
    }
}

#[test]
fn keys_of_equal_names_are_equal_and_have_the_same_hash() {
    let hash = RandomState::new();
    let same = param::Param::<u32>::new("securelevel");
    assert!(param::SECURELEVEL == same && param::SECURELEVEL != param::PATH);
    assert_eq!(hash.hash_one(param::SECURELEVEL), hash.hash_one(same));
    assert_ne!(hash.hash_one(param::SECURELEVEL), hash.hash_one(param::PATH));
}

#[test]
fn t8_t36_an_entry_that_would_forge_others_is_refused() {
    for (key, value) in [("", "x"), ("a=b", "x"), ("a\nb", "x"), ("a\0", "x"), ("a", "x\ny"), ("a", "x\0")] {
        assert_eq!(Entries::new([(key, value)]).unwrap_err().kind(), ErrorKind::InvalidValue, "{key:?}");
    }
}

#[test]
fn entries_are_kept_in_order_and_the_last_of_a_key_counts() {
    let entries = Entries::new([("a", "1"), ("b", ""), ("a", "x=y")]).expect("good ones");
    assert_eq!(entries, Entries::new([("b", ""), ("a", "x=y")]).expect("good ones"));
    let values =
        ["a", "b", "c"].map(|key| entries.get(key).map(|value| value.to_string_lossy().into_owned()));
    assert_eq!(values, [Some("x=y".into()), Some(String::new()), None]);
    assert_eq!(format!("{entries:?}"), r#"{"b": "", "a": "x=y"}"#);
    assert!(Entries::default().is_empty() && !entries.is_empty());
}

fn value() -> impl Strategy<Value = Value> {
    prop_oneof![
        any::<bool>().prop_map(Value::Bool),
        any::<i32>().prop_map(Value::Int),
        any::<u32>().prop_map(|value| Value::Ulong(value.into())),
        vec(1..=u8::MAX, 0..300).prop_map(|bytes| Value::String(OsString::from_vec(bytes))),
        vec(any::<Ipv4Addr>(), 0..20).prop_map(Value::Ip4),
        vec(any::<Ipv6Addr>(), 0..20).prop_map(Value::Ip6),
        prop::sample::select(vec![Mode::Disable, Mode::New, Mode::Inherit]).prop_map(Value::Mode),
        vec(any::<u8>(), 0..100).prop_map(Value::Bytes),
    ]
}

proptest! {
    #[test]
    fn what_a_value_displays_is_parsed_as_the_same_value(value in value()) {
        let is_utf8 = !matches!(&value, Value::String(string) if string.to_str().is_none());
        prop_assume!(is_utf8);
        prop_assert_eq!(&Value::parse(value.kind(), value.to_string()).expect("parsed"), &value);
    }

    #[test]
    fn no_text_makes_parsing_panic(text in ".{0,40}") {
        for kind in [Kind::Bool, Kind::Int, Kind::Ulong, Kind::Ip4, Kind::Ip6, Kind::Mode, Kind::Bytes] {
            if let Ok(value) = Value::parse(kind, &text) {
                prop_assert_eq!(value.kind(), kind);
            }
        }
    }

    #[test]
    fn a_value_comes_back_from_json(value in value()) {
        use serde::de::DeserializeSeed;

        let json = serde_json::to_value(&value).expect("serialised");
        prop_assert_eq!(&value.kind().deserialize(json).expect("deserialised"), &value);
    }
}
