//! A request, as it is sent and as a transcript writes it.

use std::collections::BTreeMap;
use std::ffi::c_int;

use serde_json::{Value as Json, json};

/// A value to give.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Value {
    /// NULL, with length 0.
    Null,
    /// A string, and a NUL.
    Text(String),
    /// An int.
    Int(c_int),
    /// An unsigned long.
    Long(u64),
    /// Any bytes.
    Bytes(Vec<u8>),
    /// A buffer of this many zero bytes.
    Room(usize),
    /// The descriptor in a slot, as an int.
    Slot(&'static str),
}

impl Value {
    /// How a transcript writes it.
    fn written(&self) -> String {
        match self {
            Self::Null => "-".to_owned(),
            Self::Text(text) => format!("s:{text}"),
            Self::Int(number) => format!("i:{number}"),
            Self::Long(number) => format!("l:{number}"),
            Self::Bytes(bytes) => format!("x{}", hex(bytes)),
            Self::Room(len) => format!("0:{len}"),
            Self::Slot(slot) => (*slot).to_owned(),
        }
    }

    /// Its bytes, `None` for NULL.
    fn bytes(&self, slots: &BTreeMap<&'static str, c_int>) -> Option<Vec<u8>> {
        match self {
            Self::Null => None,
            Self::Text(text) => Some([text.as_bytes(), b"\0"].concat()),
            Self::Int(number) => Some(number.to_ne_bytes().to_vec()),
            Self::Long(number) => Some(number.to_ne_bytes().to_vec()),
            Self::Bytes(bytes) => Some(bytes.clone()),
            Self::Room(len) => Some(vec![0; *len]),
            Self::Slot(slot) => Some(slots.get(slot).copied().unwrap_or(-1).to_ne_bytes().to_vec()),
        }
    }
}

/// A request.
#[derive(Debug, Clone, Default)]
pub(crate) struct Request {
    pub(crate) flags: c_int,
    pub(crate) pairs: Vec<(String, Value)>,
}

impl Request {
    /// Adds a name and a value.
    pub(crate) fn give(&mut self, name: &str, value: Value) -> &mut Self {
        self.pairs.push((name.to_owned(), value));
        self
    }

    /// Whether a name is given.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.pairs.iter().any(|(given, _)| given == name)
    }

    /// The slot that is given as `desc`, which is the last of that name.
    pub(crate) fn slot(&self) -> Option<&'static str> {
        self.pairs.iter().rev().find_map(|(name, value)| match value {
            Value::Slot(slot) if name == "desc" => Some(*slot),
            _ => None,
        })
    }

    /// The names, ended by NUL, and the values, as the kernel gets them.
    pub(crate) fn memory(&self, slots: &BTreeMap<&'static str, c_int>) -> Vec<(Vec<u8>, Option<Vec<u8>>)> {
        let pair = |(name, value): &(String, Value)| ([name.as_bytes(), b"\0"].concat(), value.bytes(slots));
        self.pairs.iter().map(pair).collect()
    }

    /// What a transcript says of the request.
    pub(crate) fn written(&self) -> Json {
        self.pairs.iter().map(|(name, value)| json!([name, value.written()])).collect()
    }
}

/// Bytes in hexadecimal.
pub(crate) fn hex(bytes: &[u8]) -> String {
    let digit = |half: u8| char::from_digit(half.into(), 16);
    bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]).flatten().collect()
}

/// Bytes in hexadecimal, without trailing zero bytes.
pub(crate) fn hex_trimmed(bytes: &[u8]) -> String {
    let len = bytes.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1);
    hex(bytes.get(..len).unwrap_or_default())
}
