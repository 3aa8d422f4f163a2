//! Properties of all values, tested with random ones.

#![allow(clippy::useless_conversion, reason = "a C unsigned long is narrower on some machines")]

use core::ffi::c_ulong;
use std::ffi::OsString;
use std::net::{Ipv4Addr, Ipv6Addr};
use std::os::unix::ffi::OsStringExt;
use std::path::PathBuf;

use proptest::collection::vec;
use proptest::prelude::*;

use super::{Decode, Encode, EnforceStatfs, Mode, Sharing, Value};
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
    assert_eq!(wired(Value::decode(T::KIND, &bytes, "x").expect("decoded").wire()), bytes);
}

fn string() -> impl Strategy<Value = OsString> {
    vec(1..=u8::MAX, 0..300).prop_map(OsString::from_vec)
}

fn mode() -> impl Strategy<Value = Mode> {
    prop::sample::select(vec![Mode::Disable, Mode::New, Mode::Inherit])
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
}
