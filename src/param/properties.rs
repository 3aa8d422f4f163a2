//! Properties of all values, tested with random ones.

#![allow(clippy::useless_conversion, reason = "a C unsigned long is narrower on some machines")]

use core::ffi::c_ulong;
use std::ffi::OsString;
use std::net::{Ipv4Addr, Ipv6Addr};
use std::os::unix::ffi::OsStringExt;
use std::path::PathBuf;

use proptest::collection::vec;
use proptest::prelude::*;

use super::{Decode, Encode, EnforceStatfs, Kind, Mode, Sharing, Value};
use crate::jid::Jid;
use crate::wire::{Draft, Wire};

/// Writes a value into a request, and returns its bytes there. A boolean has none, and is read as an int.
fn wired(wire: Wire<'_>) -> Vec<u8> {
    let mut draft = Draft::new();
    match wire {
        Wire::Bool(value) => draft.push("x", Wire::Int(value.into())),
        wire => draft.push("x", wire),
    }
    assert!(matches!(wire, Wire::Bool(_)) || draft.value("x").map(<[u8]>::len) == Some(wire.len()));
    draft.value("x").map(<[u8]>::to_vec).unwrap_or_default()
}

fn comes_back<T: Decode + Encode<T> + PartialEq + core::fmt::Debug>(value: &T) {
    let bytes = wired(value.wire());
    assert_eq!(T::KIND.size().unwrap_or(bytes.len()), bytes.len());
    assert_eq!(T::decode(&bytes, "x").expect("decoded"), *value);
}

fn string() -> impl Strategy<Value = OsString> {
    vec(1..=u8::MAX, 0..300).prop_map(OsString::from_vec)
}

fn mode() -> impl Strategy<Value = Mode> {
    prop::sample::select(vec![Mode::Disable, Mode::New, Mode::Inherit])
}

fn value() -> impl Strategy<Value = Value> {
    prop_oneof![
        any::<bool>().prop_map(Value::Bool),
        any::<i32>().prop_map(Value::Int),
        any::<c_ulong>().prop_map(|value| Value::Ulong(value.into())),
        string().prop_map(Value::String),
        vec(any::<Ipv4Addr>(), 0..20).prop_map(Value::Ip4),
        vec(any::<Ipv6Addr>(), 0..20).prop_map(Value::Ip6),
        mode().prop_map(Value::Mode),
        vec(any::<u8>(), 0..100).prop_map(Value::Bytes),
    ]
}

/// Few cases under Miri, which is a thousand times slower and has no files for those that failed.
fn config() -> ProptestConfig {
    if cfg!(miri) {
        ProptestConfig { cases: 4, failure_persistence: None, ..ProptestConfig::default() }
    } else {
        ProptestConfig::default()
    }
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn numbers_come_back(int: i32, count in 0..=i32::MAX as u32, ulong: c_ulong, boolean: bool) {
        comes_back(&int);
        comes_back(&count);
        comes_back::<u64>(&ulong.into());
        comes_back(&boolean);
    }

    #[test]
    fn jids_modes_and_levels_come_back(jid in 1..=i32::MAX, mode in mode(), level in 0..=2_i32) {
        comes_back(&Jid::new(jid).expect("positive"));
        comes_back(&mode);
        comes_back(&EnforceStatfs::from_number(level).expect("a level"));
        comes_back(&if mode == Mode::New { Sharing::New } else { Sharing::Inherit });
    }

    #[test]
    fn strings_come_back(string in string(), text in "[^\\x00]{0,80}") {
        comes_back(&PathBuf::from(&string));
        comes_back(&string);
        comes_back(&text);
    }

    #[test]
    fn lists_come_back(ip4 in vec(any::<Ipv4Addr>(), 0..99), ip6 in vec(any::<Ipv6Addr>(), 0..99), bytes: Vec<u8>) {
        comes_back(&ip4);
        comes_back(&ip6);
        comes_back(&bytes);
    }

    #[test]
    fn a_value_comes_back_from_the_wire(value in value()) {
        prop_assert_eq!(&Value::decode(value.kind(), &wired(value.wire()), "x").expect("decoded"), &value);
    }

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

    #[cfg(feature = "serde")]
    #[test]
    fn a_value_comes_back_from_json(value in value()) {
        use serde::de::DeserializeSeed;

        let json = serde_json::to_value(&value).expect("serialised");
        prop_assert_eq!(&value.kind().deserialize(json).expect("deserialised"), &value);
    }
}
