//! Serialising builders, updates and values that were read, with serde.

mod event;
mod network;
mod read;
mod write;

use serde::de::{self, Deserialize, Deserializer};
use serde::ser::{self, Serialize, Serializer};

use crate::allow::Allow;
use crate::jid::Jid;
use crate::permissions::Permissions;

/// As a number.
impl Serialize for Jid {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_i32(self.get())
    }
}

impl<'de> Deserialize<'de> for Jid {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::try_from(i32::deserialize(deserializer)?).map_err(de::Error::custom)
    }
}

/// As a list of parameters' names.
impl Serialize for Allow {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if !Self::all().contains(*self) {
            return Err(ser::Error::custom("the set has permissions of no name"));
        }
        serializer.collect_seq(self.parameters().collect::<Vec<_>>())
    }
}

/// From a list of names, with or without `allow.`.
impl<'de> Deserialize<'de> for Allow {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let permissions = Permissions::deserialize(deserializer)?;
        match permissions.others().next() {
            Some(name) => Err(de::Error::custom(format_args!("unknown permission `{name}`"))),
            None => Ok(permissions.known()),
        }
    }
}

/// As a list of parameters' names.
impl Serialize for Permissions {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.names().collect::<Vec<_>>())
    }
}

/// From a list of names, with or without `allow.`.
impl<'de> Deserialize<'de> for Permissions {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Vec::<String>::deserialize(deserializer)?.into_iter().collect())
    }
}
