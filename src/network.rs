//! The addresses of a jail.

use std::net::{Ipv4Addr, Ipv6Addr};

macro_rules! addresses {
    ($(#[$doc:meta])* $name:ident, $address:ty) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, Hash)]
        pub enum $name {
            /// These addresses, the first being the primary one. An empty list is the same as
            #[doc = concat!("[`", stringify!($name), "::Disable`].")]
            Addresses(Vec<$address>),
            /// All addresses that the parent has, now and later.
            Inherit,
            /// No address.
            Disable,
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
    };
}

addresses! {
    /// The IPv4 addresses of a jail to be created.
    Ip4, Ipv4Addr
}

addresses! {
    /// The IPv6 addresses of a jail to be created.
    Ip6, Ipv6Addr
}
