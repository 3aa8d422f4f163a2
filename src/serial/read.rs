//! Reading builders and updates from a map of parameters, as people write it.

use core::fmt;
use std::collections::BTreeSet;
use std::ffi::OsString;
use std::net::{Ipv4Addr, Ipv6Addr};
use std::os::unix::ffi::OsStringExt;

use serde::de::{self, Deserialize, DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};

use crate::builder::JailBuilder;
use crate::jail::Jail;
use crate::network::{Ip4, Ip6, Network};
use crate::param::text::Text;
use crate::param::{self, Kind, Mode, Value};
use crate::settings::Settings;
use crate::update::JailUpdate;
use crate::wire::name;

/// The parameters that `network` stands for.
const NETWORK: [&str; 5] = ["vnet", "ip4", "ip4.addr", "ip6", "ip6.addr"];

/// From a map of parameters: see [`JailUpdate`](crate::JailUpdate#serialised). What the setters would refuse is refused.
impl<'de> Deserialize<'de> for JailBuilder {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let (settings, network) = read(deserializer, Jail::builder().settings)?;
        let mut builder = Jail::builder();
        builder.settings = settings;
        Ok(match network {
            Some(network) => builder.network(network),
            None => builder,
        })
    }
}

/// From a map of parameters: see [`JailUpdate`](crate::JailUpdate#serialised). What the setters would refuse is refused.
impl<'de> Deserialize<'de> for JailUpdate {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let (settings, network) = read(deserializer, Self::new().settings)?;
        let update = Self { settings };
        Ok(match network {
            None => update,
            Some(Network::Shared { ip4: Ip4::Addresses(ip4), ip6: Ip6::Addresses(ip6) }) => {
                update.ip4(ip4).ip6(ip6)
            }
            Some(_) => {
                return Err(de::Error::custom("`network`: only addresses can be changed after creation"));
            }
        })
    }
}

fn read<'de, D: Deserializer<'de>>(
    deserializer: D,
    settings: Settings<'static>,
) -> Result<(Settings<'static>, Option<Network>), D::Error> {
    let is_typed = !deserializer.is_human_readable();
    let mut reading = Reading { settings, is_typed, ..Reading::default() };
    deserializer.deserialize_map(Node { reading: &mut reading, name: String::new() })?;
    reading.finish()
}

/// A map that is being read.
struct Reading {
    settings: Settings<'static>,
    /// The parameters that have been read.
    names: BTreeSet<String>,
    network: Option<Network>,
    allow_only: Option<Vec<String>>,
    optional: Vec<String>,
    /// Whether the format does not describe the types of values.
    is_typed: bool,
}

impl Default for Reading {
    fn default() -> Self {
        Self {
            settings: JailUpdate::new().settings,
            names: BTreeSet::new(),
            network: None,
            allow_only: None,
            optional: Vec::new(),
            is_typed: false,
        }
    }
}

impl Reading {
    fn check<E: de::Error>(&mut self) -> Result<(), E> {
        self.settings.take_mistake().map_or(Ok(()), |mistake| Err(E::custom(mistake)))
    }

    /// Records that a parameter has been read.
    fn note<E: de::Error>(&mut self, name: &str) -> Result<(), E> {
        if self.names.insert(name.to_owned()) {
            return Ok(());
        }
        Err(E::custom(format_args!("duplicate field `{name}`")))
    }

    fn set<E: de::Error>(&mut self, name: &str, value: &Value) -> Result<(), E> {
        self.note(name)?;
        self.settings.set_value(name, value);
        self.check()
    }

    fn grant<E: de::Error>(&mut self, name: &str) -> Result<(), E> {
        let full = if name.starts_with("allow.") { name.to_owned() } else { format!("allow.{name}") };
        self.set(&full, &Value::Bool(true))
    }

    fn finish<E: de::Error>(mut self) -> Result<(Settings<'static>, Option<Network>), E> {
        if let Some(names) = self.allow_only.take() {
            self.settings.set_exact();
            for name in names {
                self.grant(&name)?;
            }
        }
        for name in core::mem::take(&mut self.optional) {
            if !self.names.contains(&name) {
                return Err(E::custom(format_args!("`optional` names `{name}`, which is not set")));
            }
            self.settings.make_optional(&name);
            self.check()?;
        }
        if self.network.is_some() {
            if let Some(name) = NETWORK.into_iter().find(|name| self.names.contains(*name)) {
                return Err(E::custom(format_args!("`network` and `{name}` cannot be combined")));
            }
        }
        Ok((self.settings, self.network))
    }
}

/// A value, or a table of them.
struct Node<'r> {
    reading: &'r mut Reading,
    /// The name so far: empty at the top.
    name: String,
}

impl<'de> DeserializeSeed<'de> for Node<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        let Self { reading, name } = self;
        match &*name {
            "network" => {
                reading.network = Some(Network::deserialize(deserializer)?);
                return reading.note(&name);
            }
            "allow_only" => {
                reading.allow_only = Some(Vec::deserialize(deserializer)?);
                return reading.note(&name);
            }
            "optional" => {
                reading.optional = Vec::deserialize(deserializer)?;
                return reading.note(&name);
            }
            _ => {}
        }
        if !reading.is_typed {
            return deserializer.deserialize_any(Node { reading, name });
        }
        if name::user_key(&name).is_some() {
            let value = Option::<Text>::deserialize(deserializer)?;
            return entry(reading, &name, value);
        }
        let value = match kind(&name)? {
            Kind::Bool => Value::Bool(bool::deserialize(deserializer)?),
            Kind::Int => Value::Int(i32::deserialize(deserializer)?),
            Kind::Ulong => Value::Ulong(u64::deserialize(deserializer)?),
            Kind::Mode => Value::Mode(Mode::deserialize(deserializer)?),
            Kind::Ip4 => Value::Ip4(Vec::<Ipv4Addr>::deserialize(deserializer)?),
            Kind::Ip6 => Value::Ip6(Vec::<Ipv6Addr>::deserialize(deserializer)?),
            Kind::String => Value::String(Text::deserialize(deserializer)?.0),
            Kind::Bytes => Value::Bytes(Vec::<u8>::deserialize(deserializer)?),
        };
        reading.set(&name, &value)
    }
}

fn kind<E: de::Error>(name: &str) -> Result<Kind, E> {
    let unknown =
        format_args!("unknown field `{name}`, expected a parameter of a jail, such as `path`").to_string();
    param::kind_of(name).ok_or_else(|| E::custom(unknown))
}

/// Sets or removes an entry of `meta` or `env`.
fn entry<E: de::Error>(reading: &mut Reading, name: &str, value: Option<Text>) -> Result<(), E> {
    match value {
        Some(Text(value)) => return reading.set(name, &Value::String(value)),
        None if reading.settings.is_update() => reading.settings.remove_key(name),
        None => return Err(E::custom(format_args!("a new jail has no `{name}` to remove"))),
    }
    reading.note(name)?;
    reading.check()
}

impl Node<'_> {
    fn number<E: de::Error>(self, number: i128) -> Result<(), E> {
        let wrong = || E::custom(format_args!("`{}`: {number} is out of range", self.name));
        let value = match kind(&self.name)? {
            Kind::Int => Value::Int(number.try_into().map_err(|_| wrong())?),
            Kind::Ulong => Value::Ulong(number.try_into().map_err(|_| wrong())?),
            Kind::String => Value::String(number.to_string().into()),
            kind => {
                return Err(E::custom(format_args!(
                    "`{}`: a number is not a value of kind {kind:?}",
                    self.name
                )));
            }
        };
        self.reading.set(&self.name, &value)
    }
}

impl<'de> Visitor<'de> for Node<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&*self.name, param::kind_of(&self.name)) {
            ("", _) => f.write_str("a map of parameters of a jail"),
            (name, Some(kind)) => write!(f, "a value of kind {kind:?} for parameter `{name}`"),
            (name, None) => write!(f, "parameters below `{name}`"),
        }
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(key) = map.next_key::<String>()? {
            let name = if self.name.is_empty() { key } else { format!("{}.{key}", self.name) };
            if self.name.is_empty() && name.is_empty() {
                return Err(de::Error::custom("unknown field ``: a parameter has a name"));
            }
            map.next_value_seed(Node { reading: self.reading, name })?;
        }
        Ok(())
    }

    fn visit_bool<E: de::Error>(self, value: bool) -> Result<(), E> {
        match kind(&self.name)? {
            Kind::Bool => self.reading.set(&self.name, &Value::Bool(value)),
            kind => Err(E::custom(format_args!("`{}`: {value} is not a value of kind {kind:?}", self.name))),
        }
    }

    fn visit_i64<E: de::Error>(self, value: i64) -> Result<(), E> {
        self.number(value.into())
    }

    fn visit_u64<E: de::Error>(self, value: u64) -> Result<(), E> {
        self.number(value.into())
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<(), E> {
        let value = Value::parse(kind(&self.name)?, text);
        let value = value.map_err(|error| E::custom(error.about(&self.name)))?;
        self.reading.set(&self.name, &value)
    }

    fn visit_unit<E: de::Error>(self) -> Result<(), E> {
        if name::user_key(&self.name).is_some() {
            return entry(self.reading, &self.name, None);
        }
        Err(E::custom(format_args!("`{}` has no value", self.name)))
    }

    fn visit_none<E: de::Error>(self) -> Result<(), E> {
        self.visit_unit()
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<(), A::Error> {
        if matches!(&*self.name, "allow" | "allow.mount") {
            if self.name == "allow.mount" {
                self.reading.grant(&self.name)?;
            }
            while let Some(permission) = list.next_element::<String>()? {
                let within = permission.strip_prefix("allow.").unwrap_or(&permission);
                let full = if self.name == "allow.mount" { format!("mount.{within}") } else { within.into() };
                self.reading.grant(&full)?;
            }
            return Ok(());
        }
        let value = match kind(&self.name)? {
            Kind::Ip4 => Value::Ip4(elements(list)?),
            Kind::Ip6 => Value::Ip6(elements(list)?),
            Kind::String => Value::String(OsString::from_vec(elements(list)?)),
            Kind::Bytes => Value::Bytes(elements(list)?),
            kind => {
                let name = &self.name;
                return Err(de::Error::custom(format_args!(
                    "`{name}`: a list is not a value of kind {kind:?}"
                )));
            }
        };
        self.reading.set(&self.name, &value)
    }
}

fn elements<'de, T: Deserialize<'de>, A: SeqAccess<'de>>(mut list: A) -> Result<Vec<T>, A::Error> {
    let mut elements = Vec::new();
    while let Some(element) = list.next_element()? {
        elements.push(element);
    }
    Ok(elements)
}
