//! A value on its way into a request.

use core::ffi::c_ulong;
use std::net::{Ipv4Addr, Ipv6Addr};

use crate::error::{Error, ErrorKind, Result};

/// A value on its way into a request, borrowed from what the caller gave.
#[derive(Debug, Clone, Copy)]
pub enum Wire<'a> {
    /// NULL with length 0: asks for the length of a value, or removes a key of `meta` or `env`.
    Null,
    /// A boolean. It has no value either: the kernel looks at the name alone, which gets `no` for false.
    Bool(bool),
    Int(i32),
    /// An int that is not negative.
    Count(u32),
    /// A C unsigned long.
    Ulong(u64),
    /// A string; the NUL that ends it is added.
    Text(&'a [u8]),
    /// Addresses, which go in network order.
    Ip4(&'a [Ipv4Addr]),
    Ip6(&'a [Ipv6Addr]),
    Bytes(&'a [u8]),
    /// Zeroed space for an answer.
    Space(usize),
    /// A string that the kernel replaces by its answer, with space for that many bytes.
    Padded(&'a [u8], usize),
}

impl Wire<'_> {
    /// Returns how many bytes the value has in a request.
    pub(crate) fn len(&self) -> usize {
        match *self {
            Self::Null | Self::Bool(_) => 0,
            Self::Int(_) | Self::Count(_) => size_of::<i32>(),
            Self::Ulong(_) => size_of::<c_ulong>(),
            Self::Text(text) => text.len().saturating_add(1),
            Self::Ip4(addresses) => size_of_val(addresses),
            Self::Ip6(addresses) => size_of_val(addresses),
            Self::Bytes(bytes) => bytes.len(),
            Self::Space(room) => room,
            Self::Padded(text, room) => text.len().saturating_add(1).max(room),
        }
    }

    /// Refuses a number that its C type cannot hold.
    #[allow(
        clippy::useless_conversion,
        clippy::unnecessary_fallible_conversions,
        reason = "a C unsigned long is narrower on some machines"
    )]
    pub(crate) fn check_number(&self) -> Result<()> {
        let (number, most) = match *self {
            Self::Count(value) if i32::try_from(value).is_err() => (u64::from(value), i32::MAX.to_string()),
            Self::Ulong(value) if c_ulong::try_from(value).is_err() => (value, c_ulong::MAX.to_string()),
            _ => return Ok(()),
        };
        let reason = format!("{number} is more than the {most} that it can be");
        Err(Error::refused(ErrorKind::InvalidValue, reason))
    }

    /// Whether the name alone is the value.
    pub(crate) fn is_null(&self) -> bool {
        matches!(self, Self::Null | Self::Bool(_))
    }
}
