//! Writing builders and updates as a flat map of parameters.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;

use serde::ser::{self, Serialize, SerializeMap, Serializer};

use crate::builder::JailBuilder;
use crate::param::text::Text;
use crate::param::{self, Kind, Value};
use crate::settings::Settings;
use crate::update::JailUpdate;
use crate::wire::{Pair, name};

/// As a flat map of parameters: see [`JailUpdate`](crate::JailUpdate#serialised).
///
/// The builder of a child jail cannot be serialised, because the handle of the parent cannot; nor can a mistake, nor a
/// parameter whose type is known neither from the [table](crate::param::TABLE) nor from its name.
impl Serialize for JailBuilder {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if self.is_below() {
            return Err(ser::Error::custom("the handle of the jail's parent cannot be serialised"));
        }
        serialize(&self.settings, serializer)
    }
}

/// As a flat map of parameters: see [`JailUpdate`](crate::JailUpdate#serialised). An entry of `meta` or `env` to be
/// removed has no value.
impl Serialize for JailUpdate {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serialize(&self.settings, serializer)
    }
}

fn serialize<S: Serializer>(settings: &Settings<'_>, serializer: S) -> Result<S::Ok, S::Error> {
    if let Some(mistake) = settings.first_refused() {
        return Err(ser::Error::custom(mistake));
    }
    let granted: Vec<_> = settings.core.names().filter(|name| is_granted(settings, name)).collect();
    let lists = usize::from(settings.is_exact()) + usize::from(!settings.optional().is_empty());
    let entries = settings.core.len() + settings.late().len() - granted.len();
    let mut map = serializer.serialize_map(Some(entries + lists))?;
    for pair in settings.pairs() {
        if !is_granted(settings, pair.name()) {
            entry(&mut map, settings, pair)?;
        }
    }
    if settings.is_exact() {
        map.serialize_entry("allow_only", &granted)?;
    }
    if !settings.optional().is_empty() {
        map.serialize_entry("optional", settings.optional())?;
    }
    map.end()
}

/// Whether a name is that of a permission which is listed in `allow_only`.
fn is_granted(settings: &Settings<'_>, name: &str) -> bool {
    settings.is_exact() && name.starts_with("allow.") && settings.negated(name).is_none()
}

fn entry<M: SerializeMap>(map: &mut M, settings: &Settings<'_>, pair: Pair<'_>) -> Result<(), M::Error> {
    let (name, bytes) = (pair.name(), pair.value());
    if name::user_key(name).is_some() {
        return map.serialize_entry(name, &bytes.map(text));
    }
    if let Some(positive) = settings.negated(name) {
        return map.serialize_entry(&*positive, &false);
    }
    let Some(kind) = param::kind_of(name) else {
        return Err(ser::Error::custom(format_args!("the type of parameter `{name}` is not known")));
    };
    if kind == Kind::Bool {
        return map.serialize_entry(name, &true);
    }
    match Value::decode(kind, bytes.unwrap_or_default(), name) {
        Ok(value) => map.serialize_entry(name, &value),
        Err(error) => Err(ser::Error::custom(error)),
    }
}

fn text(bytes: &[u8]) -> Text {
    Text(OsStr::from_bytes(bytes.strip_suffix(&[0]).unwrap_or(bytes)).to_owned())
}

/// As what it holds: a boolean, a number, a string, or a list. Text that is not UTF-8 is a list of bytes.
impl Serialize for Value {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Bool(value) => value.serialize(serializer),
            Self::Int(value) => value.serialize(serializer),
            Self::Ulong(value) => value.serialize(serializer),
            Self::String(value) => param::text::serialize(value, serializer),
            Self::Ip4(addresses) => addresses.serialize(serializer),
            Self::Ip6(addresses) => addresses.serialize(serializer),
            Self::Mode(mode) => mode.serialize(serializer),
            Self::Bytes(bytes) => bytes.serialize(serializer),
        }
    }
}
