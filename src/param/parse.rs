//! Conversions of values to and from text and Rust's types.

use core::fmt;
use core::str::FromStr;
use std::ffi::{OsStr, OsString};
use std::net::{Ipv4Addr, Ipv6Addr};
use std::path::{Path, PathBuf};

use super::{EnforceStatfs, Kind, Mode, Sharing, Value, table};
use crate::error::{Error, ErrorKind, Result};
use crate::jid::Jid;
use crate::wire::name;

impl Value {
    /// Parses text as a value of a kind.
    ///
    /// | kind | text |
    /// |---|---|
    /// | `Bool` | `true` or `1`, `false` or `0` |
    /// | `Int`, `Ulong` | a decimal number |
    /// | `String` | the text as it is, which need not be UTF-8 |
    /// | `Ip4`, `Ip6` | addresses separated by commas; an empty text is an empty list |
    /// | `Mode` | `disable`, `new` or `inherit` |
    /// | `Bytes` | two hexadecimal digits for each byte |
    ///
    /// `Display` is the inverse, except for strings that are not UTF-8.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidValue`] for any other text.
    ///
    /// ```
    /// # use std::net::Ipv4Addr;
    /// # use freebsd_jail::param::{Kind, Value};
    /// let value = Value::parse(Kind::Ip4, "10.0.0.2,10.0.0.1")?;
    /// assert_eq!(value, Value::from(vec![Ipv4Addr::new(10, 0, 0, 2), Ipv4Addr::new(10, 0, 0, 1)]));
    /// assert_eq!(value.to_string(), "10.0.0.2,10.0.0.1");
    /// # Ok::<(), freebsd_jail::Error>(())
    /// ```
    pub fn parse(kind: Kind, text: impl AsRef<OsStr>) -> Result<Self> {
        let text = text.as_ref();
        if kind == Kind::String {
            return Ok(Self::String(text.to_owned()));
        }
        let wrong = || {
            let reason = format!("{text:?} is not a value of kind {kind:?}");
            Error::refused(ErrorKind::InvalidValue, reason)
        };
        let text = text.to_str().ok_or_else(wrong)?;
        let value = match kind {
            Kind::Bool => match text {
                "true" | "1" => Some(Self::Bool(true)),
                "false" | "0" => Some(Self::Bool(false)),
                _ => None,
            },
            Kind::Int => text.parse().ok().map(Self::Int),
            Kind::Ulong => text.parse().ok().map(Self::Ulong),
            Kind::String => None,
            Kind::Ip4 => list(text).map(Self::Ip4),
            Kind::Ip6 => list(text).map(Self::Ip6),
            Kind::Mode => text.parse().ok().map(Self::Mode),
            Kind::Bytes => bytes(text).map(Self::Bytes),
        };
        value.ok_or_else(wrong)
    }
}

fn list<T: FromStr>(text: &str) -> Option<Vec<T>> {
    if text.is_empty() {
        return Some(Vec::new());
    }
    text.split(',').map(|each| each.trim().parse().ok()).collect()
}

fn bytes(text: &str) -> Option<Vec<u8>> {
    let digit = |byte: &u8| char::from(*byte).to_digit(16);
    let pair = |pair: &[u8]| match pair {
        [high, low] => u8::try_from(digit(high)? * 16 + digit(low)?).ok(),
        _ => None,
    };
    text.as_bytes().chunks(2).map(pair).collect()
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bool(value) => value.fmt(f),
            Self::Int(value) => value.fmt(f),
            Self::Ulong(value) => value.fmt(f),
            Self::String(value) => f.pad(&value.to_string_lossy()),
            Self::Ip4(addresses) => write_list(addresses, f),
            Self::Ip6(addresses) => write_list(addresses, f),
            Self::Mode(mode) => mode.fmt(f),
            Self::Bytes(bytes) => bytes.iter().try_for_each(|byte| write!(f, "{byte:02x}")),
        }
    }
}

fn write_list<T: fmt::Display>(list: &[T], f: &mut fmt::Formatter<'_>) -> fmt::Result {
    for (place, each) in list.iter().enumerate() {
        if place > 0 {
            f.write_str(",")?;
        }
        write!(f, "{each}")?;
    }
    Ok(())
}

macro_rules! from {
    ($($type:ty: $value:pat => $to:expr;)*) => {$(
        impl From<$type> for Value {
            fn from($value: $type) -> Self {
                $to
            }
        }
    )*};
}

from! {
    bool: value => Self::Bool(value);
    i32: value => Self::Int(value);
    Jid: value => Self::Int(value.get());
    EnforceStatfs: value => Self::Int(value.number());
    u64: value => Self::Ulong(value);
    Mode: value => Self::Mode(value);
    Sharing: value => Self::Mode(value.into());
    OsString: value => Self::String(value);
    &OsStr: value => Self::String(value.to_owned());
    String: value => Self::String(value.into());
    &str: value => Self::String(value.into());
    PathBuf: value => Self::String(value.into());
    &Path: value => Self::String(value.into());
    Vec<Ipv4Addr>: value => Self::Ip4(value);
    &[Ipv4Addr]: value => Self::Ip4(value.to_vec());
    Vec<Ipv6Addr>: value => Self::Ip6(value);
    &[Ipv6Addr]: value => Self::Ip6(value.to_vec());
    Vec<u8>: value => Self::Bytes(value);
    &[u8]: value => Self::Bytes(value.to_vec());
}

impl From<&Self> for Value {
    fn from(value: &Self) -> Self {
        value.clone()
    }
}

/// Fails for a number that is larger than a C int.
impl TryFrom<u32> for Value {
    type Error = Error;

    fn try_from(value: u32) -> Result<Self> {
        i32::try_from(value).map(Self::Int).map_err(|_| {
            let reason = format!("{value} is more than the {} that it can be", i32::MAX);
            Error::refused(ErrorKind::InvalidValue, reason)
        })
    }
}

macro_rules! try_into {
    ($($type:ty: $pattern:pat $(if $guard:expr)? => $to:expr;)*) => {$(
        /// Fails with [`ErrorKind::InvalidValue`] for a value that is not of this type.
        impl TryFrom<Value> for $type {
            type Error = Error;

            fn try_from(value: Value) -> Result<Self> {
                match value {
                    $pattern => $to,
                    _ => None,
                }
                .ok_or_else(|| {
                    let reason = format!("the value is not of type `{}`", stringify!($type));
                    Error::refused(ErrorKind::InvalidValue, reason)
                })
            }
        }
    )*};
}

try_into! {
    bool: Value::Bool(value) => Some(value);
    i32: Value::Int(value) => Some(value);
    u32: Value::Int(value) => Self::try_from(value).ok();
    Jid: Value::Int(value) => Self::new(value);
    EnforceStatfs: Value::Int(value) => Self::from_number(value);
    u64: Value::Ulong(value) => Some(value);
    Mode: Value::Mode(value) => Some(value);
    OsString: Value::String(value) => Some(value);
    String: Value::String(value) => value.into_string().ok();
    PathBuf: Value::String(value) => Some(value.into());
    Vec<Ipv4Addr>: Value::Ip4(value) => Some(value);
    Vec<Ipv6Addr>: Value::Ip6(value) => Some(value);
    Vec<u8>: Value::Bytes(value) => Some(value);
}

impl TryFrom<Value> for Sharing {
    type Error = Error;

    fn try_from(value: Value) -> Result<Self> {
        match value {
            Value::Mode(Mode::New) => Ok(Self::New),
            Value::Mode(Mode::Inherit) => Ok(Self::Inherit),
            _ => Err(Error::refused(ErrorKind::InvalidValue, "the value is neither `new` nor `inherit`")),
        }
    }
}

/// Returns the kind of a parameter, if the table or its name determines it.
pub(crate) fn kind_of(name: &str) -> Option<Kind> {
    match table::find(name) {
        Some(row) => Some(row.kind),
        // Modules add permissions that are not in the table. `nofoo` would be the denial of `foo`.
        None => {
            let (level, last) = name::split_text(name);
            let is_permission = level.starts_with("allow.") && !last.is_empty();
            let denied = last.strip_prefix("no").map(|last| format!("{level}{last}"));
            (is_permission && denied.is_none_or(|name| table::find(&name).is_none())).then_some(Kind::Bool)
        }
    }
}
