//! Networks: by name, or as addresses.

use core::fmt;
use core::marker::PhantomData;
use core::str::FromStr;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use serde::de::{self, Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde::ser::{Serialize, SerializeMap, Serializer};

use crate::network::{Ip4, Ip6, Network};

/// The form for formats that do not describe their types: whether the jail has a network stack of its own, and the
/// addresses, `None` if they are inherited.
type Typed = (bool, Option<Vec<Ipv4Addr>>, Option<Vec<Ipv6Addr>>);

/// As `"none"`, `"inherited"` or `"own stack"`, as a list of addresses, or as a map of `ip4` and `ip6`.
impl Serialize for Network {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if !serializer.is_human_readable() {
            let typed: Typed = match self {
                Self::Own => (true, None, None),
                Self::Shared { ip4, ip6 } => (false, listed(ip4.addresses()), listed(ip6.addresses())),
            };
            return typed.serialize(serializer);
        }
        match self {
            Self::Shared { ip4: Ip4::Addresses(_), ip6: Ip6::Addresses(_) } if !self.is_none() => {
                serializer.collect_seq(self.listed())
            }
            Self::Shared { ip4, ip6 } if !self.is_none() && !self.is_inherited() => {
                let mut map = serializer.serialize_map(Some(2))?;
                map.serialize_entry("ip4", ip4)?;
                map.serialize_entry("ip6", ip6)?;
                map.end()
            }
            named => serializer.collect_str(named),
        }
    }
}

fn listed<T: Clone>(addresses: Option<&[T]>) -> Option<Vec<T>> {
    addresses.map(<[T]>::to_vec)
}

impl<'de> Deserialize<'de> for Network {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        if deserializer.is_human_readable() {
            return deserializer.deserialize_any(AsNetwork);
        }
        let (own, ip4, ip6) = Typed::deserialize(deserializer)?;
        Ok(if own {
            Self::Own
        } else {
            let ip4 = ip4.map_or(Ip4::Inherit, Ip4::Addresses);
            Self::Shared { ip4, ip6: ip6.map_or(Ip6::Inherit, Ip6::Addresses) }
        })
    }
}

struct AsNetwork;

impl<'de> Visitor<'de> for AsNetwork {
    type Value = Network;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("`none`, `inherited`, `own stack`, addresses, or a map of `ip4` and `ip6`")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Network, E> {
        text.parse().map_err(E::custom)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Network, A::Error> {
        let mut addresses = Vec::new();
        while let Some(address) = list.next_element::<IpAddr>()? {
            addresses.push(address);
        }
        Ok(Network::addresses(addresses))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Network, A::Error> {
        let (mut ip4, mut ip6) = (None, None);
        while let Some(key) = map.next_key::<String>()? {
            let twice = match &*key {
                "ip4" => ip4.replace(map.next_value()?).is_some(),
                "ip6" => ip6.replace(map.next_value()?).is_some(),
                _ => return Err(de::Error::unknown_field(&key, &["ip4", "ip6"])),
            };
            if twice {
                return Err(de::Error::custom(format_args!("duplicate field `{key}`")));
            }
        }
        Ok(Network::Shared { ip4: ip4.unwrap_or_default(), ip6: ip6.unwrap_or_default() })
    }
}

macro_rules! family {
    ($name:ident, $address:ty) => {
        /// As `"inherited"`, or as a list of addresses.
        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                if !serializer.is_human_readable() {
                    return listed(self.addresses()).serialize(serializer);
                }
                match self {
                    Self::Inherit => serializer.collect_str(self),
                    Self::Addresses(addresses) => addresses.serialize(serializer),
                }
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                if deserializer.is_human_readable() {
                    return deserializer.deserialize_any(AsFamily::<Self, $address>(PhantomData));
                }
                Ok(Option::<Vec<$address>>::deserialize(deserializer)?.map_or(Self::Inherit, Self::Addresses))
            }
        }
    };
}

family!(Ip4, Ipv4Addr);
family!(Ip6, Ipv6Addr);

struct AsFamily<F, T>(PhantomData<(F, T)>);

impl<'de, F, T> Visitor<'de> for AsFamily<F, T>
where
    F: FromStr<Err: fmt::Display> + From<Vec<T>>,
    T: Deserialize<'de>,
{
    type Value = F;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("`none`, `inherited`, or addresses")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<F, E> {
        text.parse().map_err(E::custom)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<F, A::Error> {
        let mut addresses = Vec::new();
        while let Some(address) = list.next_element()? {
            addresses.push(address);
        }
        Ok(F::from(addresses))
    }
}
