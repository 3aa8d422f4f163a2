//! Writing jails down and reading them back, with serde.
//!
//! What is set of a jail is a map: from parameters' names to their values. An unknown name is refused with that name.

mod set;

use core::fmt;

use serde::de::{self, Deserialize, Deserializer, SeqAccess, Visitor};
use serde::ser::{Serialize, Serializer};

use crate::allow::Allow;
use crate::jid::Jid;

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
            return Err(serde::ser::Error::custom("the set has permissions of no name"));
        }
        serializer.collect_seq(self.parameters().collect::<Vec<_>>())
    }
}

impl<'de> Deserialize<'de> for Allow {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Names;

        impl<'de> Visitor<'de> for Names {
            type Value = Allow;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a list of permissions, such as `allow.raw_sockets`")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut names: A) -> Result<Allow, A::Error> {
                let mut set = Allow::empty();
                while let Some(name) = names.next_element::<String>()? {
                    let unknown = || de::Error::custom(format_args!("unknown permission `{name}`"));
                    set |= Allow::from_parameter(&name).ok_or_else(unknown)?;
                }
                Ok(set)
            }
        }

        deserializer.deserialize_seq(Names)
    }
}
