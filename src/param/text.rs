//! Text that need not be UTF-8: serialised as a string if it is, otherwise as a list of bytes.

use core::fmt;
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt, OsStringExt};

use serde::de::{self, Deserialize, Deserializer, SeqAccess, Visitor};
use serde::ser::{Serialize, Serializer};

/// Text of a jail.
#[derive(Debug)]
pub(crate) struct Text(pub(crate) OsString);

impl Serialize for Text {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serialize(&self.0, serializer)
    }
}

impl<'de> Deserialize<'de> for Text {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserialize(deserializer).map(Self)
    }
}

/// For the attribute `with` of fields.
pub(crate) fn serialize<S: Serializer>(text: impl AsRef<OsStr>, serializer: S) -> Result<S::Ok, S::Error> {
    let text = text.as_ref();
    match text.to_str() {
        _ if !serializer.is_human_readable() => serializer.serialize_bytes(text.as_bytes()),
        Some(text) => serializer.serialize_str(text),
        None => serializer.collect_seq(text.as_bytes()),
    }
}

/// For fields that may have no text.
#[allow(clippy::ref_option, reason = "serde passes a reference to the field")]
pub(crate) fn serialize_some<S: Serializer>(
    text: &Option<OsString>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    text.clone().map(Text).serialize(serializer)
}

/// For the attribute `with` of fields.
pub(crate) fn deserialize<'de, D: Deserializer<'de>, T: From<OsString>>(
    deserializer: D,
) -> Result<T, D::Error> {
    let bytes = if deserializer.is_human_readable() {
        deserializer.deserialize_any(Bytes)
    } else {
        deserializer.deserialize_byte_buf(Bytes)
    };
    bytes.map(|bytes| OsString::from_vec(bytes).into())
}

struct Bytes;

impl<'de> Visitor<'de> for Bytes {
    type Value = Vec<u8>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a string, or a list of bytes")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Vec<u8>, E> {
        Ok(text.as_bytes().to_vec())
    }

    fn visit_bytes<E: de::Error>(self, bytes: &[u8]) -> Result<Vec<u8>, E> {
        Ok(bytes.to_vec())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Vec<u8>, A::Error> {
        let mut bytes = Vec::new();
        while let Some(byte) = list.next_element()? {
            bytes.push(byte);
        }
        Ok(bytes)
    }
}
