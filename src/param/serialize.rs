//! Serialisation of values, kinds and descriptions.

use core::{fmt, ptr};
use std::ffi::OsStr;
use std::net::{Ipv4Addr, Ipv6Addr};

use serde::de::{self, Deserialize, DeserializeSeed, Deserializer, MapAccess, Visitor};
use serde::ser::{Serialize, Serializer};

use super::text::Text;
use super::{Access, Entries, Kind, Mode, Since, Value};

/// Reads a value of this kind.
///
/// ```
/// use freebsd_jail::param::{Kind, Value};
/// use serde::de::DeserializeSeed;
///
/// # fn main() -> Result<(), serde_json::Error> {
/// let value = Value::from(vec![std::net::Ipv4Addr::LOCALHOST]);
/// let json = serde_json::to_value(&value)?;
/// assert_eq!(json, serde_json::json!(["127.0.0.1"]));
/// assert_eq!(Kind::Ip4.deserialize(json)?, value);
/// # Ok(())
/// # }
/// ```
impl<'de> DeserializeSeed<'de> for Kind {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        Ok(match self {
            Self::Bool => Value::Bool(bool::deserialize(deserializer)?),
            Self::Int => Value::Int(i32::deserialize(deserializer)?),
            Self::Ulong => Value::Ulong(u64::deserialize(deserializer)?),
            Self::String => Value::String(Text::deserialize(deserializer)?.0),
            Self::Ip4 => Value::Ip4(Vec::<Ipv4Addr>::deserialize(deserializer)?),
            Self::Ip6 => Value::Ip6(Vec::<Ipv6Addr>::deserialize(deserializer)?),
            Self::Mode => Value::Mode(Mode::deserialize(deserializer)?),
            Self::Bytes => Value::Bytes(Vec::<u8>::deserialize(deserializer)?),
        })
    }
}

impl Serialize for Kind {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(match self {
            Self::Bool => "bool",
            Self::Int => "int",
            Self::Ulong => "ulong",
            Self::String => "string",
            Self::Ip4 => "ip4",
            Self::Ip6 => "ip6",
            Self::Mode => "mode",
            Self::Bytes => "bytes",
        })
    }
}

impl Serialize for Access {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(match self {
            Self::ReadWrite => "read-write",
            Self::CreateOnly => "create-only",
            Self::ReadOnly => "read-only",
        })
    }
}

/// As a map of keys and values.
impl Serialize for Entries {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        // Of several with the same key, the last counts.
        let counts =
            |(key, value): &(&OsStr, &OsStr)| self.get(key).is_some_and(|last| ptr::eq(last, *value));
        let text = |text: &OsStr| Text(text.to_owned());
        let entries: Vec<_> =
            self.iter().filter(counts).map(|(key, value)| (text(key), text(value))).collect();
        serializer.collect_map(entries)
    }
}

/// From a map of keys and values. What [`Entries::new`] refuses is refused.
impl<'de> Deserialize<'de> for Entries {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(AsEntries)
    }
}

struct AsEntries;

impl<'de> Visitor<'de> for AsEntries {
    type Value = Entries;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a map of keys and values")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Entries, A::Error> {
        let mut entries = Vec::new();
        while let Some((Text(key), Text(value))) = map.next_entry()? {
            entries.push((key, value));
        }
        Entries::new(entries).map_err(de::Error::custom)
    }
}

/// The same as its `Display`: `14.4`.
impl Serialize for Since {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}
