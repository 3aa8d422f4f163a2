//! What is set of a jail: a map from parameters' names to their values.

use core::ffi::c_ulong;
use core::fmt;
use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::net::{Ipv4Addr, Ipv6Addr};
use std::os::unix::ffi::OsStrExt;

use serde::de::{self, Deserialize, DeserializeSeed, Deserializer, MapAccess, Visitor};
use serde::ser::{self, Serialize, SerializeMap, Serializer};

use crate::builder::JailBuilder;
use crate::param::text::Text;
use crate::param::{self, Kind, Mode, Value};
use crate::settings::Settings;
use crate::update::{Changes, JailUpdate};
use crate::wire::{Draft, name};

/// As a map from parameters' names to their values.
///
/// A jail below the one of a handle cannot be written down, since the handle cannot; nor can a parameter whose type
/// the [table](crate::param::TABLE) does not tell.
impl Serialize for JailBuilder<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if self.is_below() {
            return Err(ser::Error::custom("the handle of the jail's parent cannot be written down"));
        }
        serialize(&self.settings, serializer)
    }
}

/// From a map; what the setters would refuse is refused.
impl<'de> Deserialize<'de> for JailBuilder<'_> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut builder = Self::new(None);
        deserializer.deserialize_map(Fields(&mut builder.settings))?;
        Ok(builder)
    }
}

/// As a map from parameters' names to their values. A key of `meta` or `env` that is to be removed has none.
impl Serialize for Changes {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serialize(&self.settings, serializer)
    }
}

/// From a map; what the setters would refuse is refused.
impl<'de> Deserialize<'de> for Changes {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut changes = Self::new();
        deserializer.deserialize_map(Fields(&mut changes.settings))?;
        Ok(changes)
    }
}

/// As its [`Changes`]: the jail is not written down.
impl Serialize for JailUpdate<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serialize(&self.settings, serializer)
    }
}

fn serialize<S: Serializer>(settings: &Settings, serializer: S) -> Result<S::Ok, S::Error> {
    if let Some(error) = settings.error() {
        return Err(ser::Error::custom(error));
    }
    let mut map = serializer.serialize_map(Some(settings.core.len() + settings.late.len()))?;
    for draft in [&settings.core, &settings.late] {
        for index in 0..draft.len() {
            entry(&mut map, settings, draft, index)?;
        }
    }
    map.end()
}

fn entry<M: SerializeMap>(
    map: &mut M,
    settings: &Settings,
    draft: &Draft<'_>,
    index: usize,
) -> Result<(), M::Error> {
    let name = draft.name(index);
    let bytes = draft.value(index);
    if name::user_key(name).is_some() {
        return map.serialize_entry(name, &bytes.map(text));
    }
    if let Some(positive) = settings.negated(name) {
        return map.serialize_entry(&*positive, &false);
    }
    let Some(kind) = kind(name) else {
        return Err(ser::Error::custom(format_args!("the type of parameter `{name}` is not known")));
    };
    let bytes = bytes.unwrap_or_default();
    match Value::decode(kind, bytes, name) {
        _ if kind == Kind::Bool => map.serialize_entry(name, &true),
        Ok(Value::Int(value)) => map.serialize_entry(name, &value),
        Ok(Value::Ulong(value)) => map.serialize_entry(name, &value),
        Ok(Value::Mode(mode)) => map.serialize_entry(name, &mode),
        Ok(Value::Ip4(addresses)) => map.serialize_entry(name, &addresses),
        Ok(Value::Ip6(addresses)) => map.serialize_entry(name, &addresses),
        Ok(Value::String(value)) => map.serialize_entry(name, &Text(value)),
        Ok(Value::Bool(_) | Value::Bytes(_)) => {
            Err(ser::Error::custom(format_args!("parameter `{name}` cannot be written down")))
        }
        Err(error) => Err(ser::Error::custom(error)),
    }
}

/// Returns the kind of a parameter, as far as the table or the name alone tells.
fn kind(name: &str) -> Option<Kind> {
    match param::find(name) {
        Some(row) => Some(row.kind),
        // Of file systems there are more than the table knows.
        None => {
            let file_system = name.strip_prefix("allow.mount.")?;
            (!file_system.is_empty() && !file_system.contains('.')).then_some(Kind::Bool)
        }
    }
}

fn text(bytes: &[u8]) -> Text {
    Text(OsStr::from_bytes(bytes.strip_suffix(&[0]).unwrap_or(bytes)).to_owned())
}

/// Reads a map into what is set.
struct Fields<'s>(&'s mut Settings);

impl<'de> Visitor<'de> for Fields<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a map from parameters of a jail to their values")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let mut names = BTreeSet::new();
        while let Some(name) = map.next_key::<String>()? {
            if name::user_key(&name).is_some() {
                match map.next_value::<Option<Text>>()? {
                    Some(Text(value)) => self.0.set_value(&name, &Value::String(value)),
                    None if self.0.is_update() => self.0.remove_key(&name),
                    None => {
                        return Err(de::Error::custom(format_args!("a new jail has no `{name}` to remove")));
                    }
                }
            } else {
                let unknown = || {
                    de::Error::custom(format_args!(
                        "unknown field `{name}`, expected a parameter of a jail, such as `path`"
                    ))
                };
                let kind = kind(&name).ok_or_else(unknown)?;
                let value = map.next_value_seed(OfKind(kind))?;
                self.0.set_value(&name, &value);
            }
            if let Err(error) = self.0.take_error() {
                return Err(de::Error::custom(error));
            }
            if let Some(name) = names.replace(name) {
                return Err(de::Error::custom(format_args!("duplicate field `{name}`")));
            }
        }
        Ok(())
    }
}

/// A value whose kind is known.
struct OfKind(Kind);

impl<'de> DeserializeSeed<'de> for OfKind {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        Ok(match self.0 {
            Kind::Bool => Value::Bool(bool::deserialize(deserializer)?),
            Kind::Int => Value::Int(i32::deserialize(deserializer)?),
            Kind::Ulong => Value::Ulong(c_ulong::deserialize(deserializer)?),
            Kind::Mode => Value::Mode(Mode::deserialize(deserializer)?),
            Kind::Ip4 => Value::Ip4(Vec::<Ipv4Addr>::deserialize(deserializer)?),
            Kind::Ip6 => Value::Ip6(Vec::<Ipv6Addr>::deserialize(deserializer)?),
            Kind::String => Value::String(Text::deserialize(deserializer)?.0),
            Kind::Bytes => Value::Bytes(Vec::<u8>::deserialize(deserializer)?),
        })
    }
}
