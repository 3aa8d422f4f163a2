//! Values whose type is known only at run time.

use core::ffi::c_ulong;
use std::ffi::OsString;
use std::net::{Ipv4Addr, Ipv6Addr};

use super::Mode;
use super::codec::{self, Decode as _};
use crate::error::Result;
use crate::wire::Wire;

/// The format of a parameter's value in a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Kind {
    /// A boolean, set by the name alone: `x`, or `nox` for false. Read as an int.
    Bool,
    /// A C int.
    Int,
    /// A C unsigned long: 8 bytes on 64-bit machines, 4 on others.
    Ulong,
    /// Bytes without NUL; the terminating NUL is added and removed.
    String,
    /// IPv4 addresses.
    Ip4,
    /// IPv6 addresses.
    Ip6,
    /// An int that is a [`Mode`].
    Mode,
    /// Bytes as they are.
    Bytes,
}

/// A value with its kind, for code that determines types at run time, such as bindings of other languages.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Value {
    /// A boolean.
    Bool(bool),
    /// A C int.
    Int(i32),
    /// A C unsigned long.
    Ulong(u64),
    /// Text, which need not be UTF-8.
    String(OsString),
    /// IPv4 addresses, of which the first is primary.
    Ip4(Vec<Ipv4Addr>),
    /// IPv6 addresses, of which the first is primary.
    Ip6(Vec<Ipv6Addr>),
    /// A mode.
    Mode(Mode),
    /// Bytes as they are.
    Bytes(Vec<u8>),
}

impl Value {
    /// Returns the value's kind.
    #[must_use]
    pub const fn kind(&self) -> Kind {
        match self {
            Self::Bool(_) => Kind::Bool,
            Self::Int(_) => Kind::Int,
            Self::Ulong(_) => Kind::Ulong,
            Self::String(_) => Kind::String,
            Self::Ip4(_) => Kind::Ip4,
            Self::Ip6(_) => Kind::Ip6,
            Self::Mode(_) => Kind::Mode,
            Self::Bytes(_) => Kind::Bytes,
        }
    }

    pub(crate) fn wire(&self) -> Wire<'_> {
        match self {
            Self::Bool(value) => Wire::Bool(*value),
            Self::Int(value) => Wire::Int(*value),
            Self::Ulong(value) => Wire::Ulong(*value),
            Self::String(value) => codec::text(value),
            Self::Ip4(value) => Wire::Ip4(value),
            Self::Ip6(value) => Wire::Ip6(value),
            Self::Mode(value) => Wire::Int(value.number()),
            Self::Bytes(value) => Wire::Bytes(value),
        }
    }

    pub(crate) fn decode(kind: Kind, bytes: &[u8], name: &str) -> Result<Self> {
        Ok(match kind {
            Kind::Bool => Self::Bool(bool::decode(bytes, name)?),
            Kind::Int => Self::Int(i32::decode(bytes, name)?),
            Kind::Ulong => Self::Ulong(u64::decode(bytes, name)?),
            Kind::String => Self::String(OsString::decode(bytes, name)?),
            Kind::Ip4 => Self::Ip4(Vec::decode(bytes, name)?),
            Kind::Ip6 => Self::Ip6(Vec::decode(bytes, name)?),
            Kind::Mode => Self::Mode(Mode::decode(bytes, name)?),
            Kind::Bytes => Self::Bytes(bytes.to_vec()),
        })
    }
}

impl Kind {
    /// Returns the size of a kind with a fixed size.
    #[must_use]
    pub const fn size(self) -> Option<usize> {
        match self {
            Self::Bool | Self::Int | Self::Mode => Some(size_of::<i32>()),
            Self::Ulong => Some(size_of::<c_ulong>()),
            Self::String | Self::Ip4 | Self::Ip6 | Self::Bytes => None,
        }
    }
}
