//! The network of a jail.

use core::fmt;
use core::str::FromStr;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use crate::error::{Error, ErrorKind, Result};

/// The network of a jail: none, its parent's, some of its parent's addresses, or a network stack of its own.
///
/// The same value describes a jail to be created ([`JailBuilder::network`](crate::JailBuilder::network)) and one that
/// was read ([`JailInfo::network`](crate::JailInfo::network)).
///
/// ```
/// use std::net::IpAddr;
///
/// use freebsd_jail::{Jail, Network};
/// # use freebsd_jail::sim;
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let kernel = sim::Kernel::new();
/// # let _guard = kernel.install();
/// let addresses: [IpAddr; 2] = ["10.0.0.22".parse()?, "2001:db8::22".parse()?];
/// for network in
///     [Network::none(), Network::inherited(), Network::addresses(addresses), Network::own_stack()]
/// {
///     let jail = Jail::builder().path("/usr/jail").network(network.clone()).create()?;
///     assert_eq!(jail.info()?.network, network);
/// }
/// assert_eq!(Network::addresses(addresses).to_string(), "10.0.0.22, 2001:db8::22");
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Network {
    /// A network stack of its own, with its own interfaces, addresses and routes.
    Own,
    /// The parent's network stack, with these of its addresses.
    Shared {
        /// The IPv4 addresses.
        ip4: Ip4,
        /// The IPv6 addresses.
        ip6: Ip6,
    },
}

impl Network {
    /// Returns a network without any address, the default of a new jail.
    #[must_use]
    pub const fn none() -> Self {
        Self::Shared { ip4: Ip4::NONE, ip6: Ip6::NONE }
    }

    /// Returns the parent's network: all addresses that the parent has, now and later.
    #[must_use]
    pub const fn inherited() -> Self {
        Self::Shared { ip4: Ip4::Inherit, ip6: Ip6::Inherit }
    }

    /// Returns a network with these addresses. The first IPv4 address and the first IPv6 address are primary.
    #[must_use]
    pub fn addresses(addresses: impl IntoIterator<Item = IpAddr>) -> Self {
        let (mut ip4, mut ip6) = (Vec::new(), Vec::new());
        for address in addresses {
            match address {
                IpAddr::V4(address) => ip4.push(address),
                IpAddr::V6(address) => ip6.push(address),
            }
        }
        Self::Shared { ip4: Ip4::Addresses(ip4), ip6: Ip6::Addresses(ip6) }
    }

    /// Returns a network stack of the jail's own. At first it has only a loopback interface.
    #[must_use]
    pub const fn own_stack() -> Self {
        Self::Own
    }

    /// Whether the jail has no network: no address, and no network stack of its own.
    #[must_use]
    pub fn is_none(&self) -> bool {
        *self == Self::none()
    }

    /// Whether the jail has all addresses of its parent.
    #[must_use]
    pub fn is_inherited(&self) -> bool {
        *self == Self::inherited()
    }

    /// Whether the jail has a network stack of its own.
    #[must_use]
    pub const fn has_own_stack(&self) -> bool {
        matches!(self, Self::Own)
    }

    /// Returns the addresses that are listed: those of IPv4, then those of IPv6. Inherited addresses are not listed.
    pub fn listed(&self) -> impl Iterator<Item = IpAddr> {
        let (ip4, ip6) = match self {
            Self::Own => (&[][..], &[][..]),
            Self::Shared { ip4, ip6 } => {
                (ip4.addresses().unwrap_or_default(), ip6.addresses().unwrap_or_default())
            }
        };
        let ip4 = ip4.iter().copied().map(IpAddr::from);
        ip4.chain(ip6.iter().copied().map(IpAddr::from))
    }
}

/// None.
impl Default for Network {
    fn default() -> Self {
        Self::none()
    }
}

impl From<IpAddr> for Network {
    fn from(address: IpAddr) -> Self {
        Self::addresses([address])
    }
}

impl FromIterator<IpAddr> for Network {
    fn from_iter<I: IntoIterator<Item = IpAddr>>(addresses: I) -> Self {
        Self::addresses(addresses)
    }
}

/// `none`, `inherited`, `own stack`, or addresses separated by commas.
///
/// ```
/// use freebsd_jail::Network;
///
/// # fn main() -> freebsd_jail::Result<()> {
/// assert_eq!("own stack".parse::<Network>()?, Network::own_stack());
/// assert_eq!("10.0.0.1, ::1".parse::<Network>()?.listed().count(), 2);
/// # Ok(())
/// # }
/// ```
impl FromStr for Network {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        Ok(match text.trim() {
            "none" => Self::none(),
            "inherited" | "inherit" => Self::inherited(),
            "own stack" | "own" | "new" => Self::own_stack(),
            text => Self::addresses(parse::<IpAddr>(text)?),
        })
    }
}

fn parse<T: FromStr>(text: &str) -> Result<Vec<T>> {
    let wrong = |item: &str| {
        let reason = format!("{item:?} is not an address, nor a network such as `none` or `inherited`");
        Error::refused(ErrorKind::InvalidValue, reason)
    };
    text.split(',').map(str::trim).map(|item| item.parse().map_err(|_| wrong(item))).collect()
}

/// `none`, `inherited`, `own stack`, or the addresses.
impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Own => f.write_str("own stack"),
            _ if self.is_none() => f.write_str("none"),
            _ if self.is_inherited() => f.write_str("inherited"),
            Self::Shared { ip4: Ip4::Addresses(ip4), ip6: Ip6::Addresses(ip6) } => {
                join(f, ip4.iter().copied().map(IpAddr::from).chain(ip6.iter().copied().map(IpAddr::from)))
            }
            Self::Shared { ip4, ip6 } => write!(f, "ip4 {ip4}, ip6 {ip6}"),
        }
    }
}

fn join(f: &mut fmt::Formatter<'_>, list: impl Iterator<Item = impl fmt::Display>) -> fmt::Result {
    for (place, item) in list.enumerate() {
        if place > 0 {
            f.write_str(", ")?;
        }
        write!(f, "{item}")?;
    }
    Ok(())
}

macro_rules! addresses {
    ($(#[$doc:meta])* $name:ident, $address:ty) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, Hash)]
        pub enum $name {
            /// All addresses that the parent has, now and later.
            Inherit,
            /// These addresses, of which the first is primary. An empty list means no address.
            Addresses(Vec<$address>),
        }

        impl $name {
            /// No address.
            pub const NONE: Self = Self::Addresses(Vec::new());

            /// Returns the addresses, `None` if they are inherited.
            #[must_use]
            pub fn addresses(&self) -> Option<&[$address]> {
                match self {
                    Self::Inherit => None,
                    Self::Addresses(addresses) => Some(addresses),
                }
            }
        }

        /// No address.
        impl Default for $name {
            fn default() -> Self {
                Self::NONE
            }
        }

        impl From<Vec<$address>> for $name {
            fn from(addresses: Vec<$address>) -> Self {
                Self::Addresses(addresses)
            }
        }

        impl From<&[$address]> for $name {
            fn from(addresses: &[$address]) -> Self {
                Self::Addresses(addresses.to_vec())
            }
        }

        impl<const N: usize> From<[$address; N]> for $name {
            fn from(addresses: [$address; N]) -> Self {
                Self::Addresses(addresses.to_vec())
            }
        }

        impl From<$address> for $name {
            fn from(address: $address) -> Self {
                Self::Addresses(vec![address])
            }
        }

        impl FromIterator<$address> for $name {
            fn from_iter<I: IntoIterator<Item = $address>>(addresses: I) -> Self {
                Self::Addresses(addresses.into_iter().collect())
            }
        }

        /// `none`, `inherited`, or addresses separated by commas.
        impl FromStr for $name {
            type Err = Error;

            fn from_str(text: &str) -> Result<Self> {
                Ok(match text.trim() {
                    "inherited" | "inherit" => Self::Inherit,
                    "none" | "disable" => Self::NONE,
                    text => Self::Addresses(parse(text)?),
                })
            }
        }

        /// `none`, `inherited`, or the addresses.
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                match self {
                    Self::Inherit => f.write_str("inherited"),
                    Self::Addresses(addresses) if addresses.is_empty() => f.write_str("none"),
                    Self::Addresses(addresses) => join(f, addresses.iter()),
                }
            }
        }
    };
}

addresses! {
    /// The IPv4 addresses of a jail that shares its parent's network stack.
    Ip4, Ipv4Addr
}

addresses! {
    /// The IPv6 addresses of a jail that shares its parent's network stack.
    Ip6, Ipv6Addr
}
