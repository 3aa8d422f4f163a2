//! Conversions between Rust's types and the kernel's bytes.

use core::ffi::c_ulong;
use std::ffi::{CStr, OsStr, OsString};
use std::net::{Ipv4Addr, Ipv6Addr};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};

use super::{EnforceStatfs, Kind, Mode, Sharing};
use crate::Jid;
use crate::error::{Error, ErrorKind, Result};
use crate::wire::Wire;

mod sealed {
    /// Seals traits, so that they can grow.
    pub trait Sealed {}
}
pub(crate) use sealed::Sealed;

/// A type that a parameter's value can be read as. Sealed.
pub trait Decode: Sealed + Sized {
    /// The format of the value.
    const KIND: Kind;

    /// The maximum size of a value in bytes, or its usual size if there is no maximum.
    #[doc(hidden)]
    const ROOM: usize;

    #[doc(hidden)]
    fn decode(bytes: &[u8], name: &str) -> Result<Self>;
}

/// A type that a parameter of type `T` can be set from. Sealed.
#[diagnostic::on_unimplemented(
    message = "a parameter of type `{T}` cannot be set from `{Self}`",
    label = "not a value for a parameter of type `{T}`"
)]
pub trait Encode<T>: Sealed {
    #[doc(hidden)]
    fn wire(&self) -> Wire<'_>;
}

/// The text of a string.
pub(crate) fn text(value: &OsStr) -> Wire<'_> {
    Wire::Text(value.as_bytes())
}

fn unexpected(name: &str, bytes: &[u8]) -> Error {
    Error::refused(
        ErrorKind::InvalidAnswer,
        format_args!("the kernel's answer of {} bytes has an unexpected format", bytes.len()),
    )
    .about(name)
}

fn until_nul<'b>(bytes: &'b [u8], name: &str) -> Result<&'b [u8]> {
    // A key that the jail lacks (`meta.KEY`) reads as length 0.
    if bytes.is_empty() {
        return Ok(bytes);
    }
    CStr::from_bytes_until_nul(bytes).map(CStr::to_bytes).map_err(|_| unexpected(name, bytes))
}

fn octets<const N: usize>(bytes: &[u8], name: &str) -> Result<impl Iterator<Item = [u8; N]>> {
    let (chunks, rest) = (bytes.chunks_exact(N), bytes.len() % N);
    if rest != 0 {
        return Err(unexpected(name, bytes));
    }
    Ok(chunks.filter_map(|chunk| <[u8; N]>::try_from(chunk).ok()))
}

impl Sealed for bool {}
impl Decode for bool {
    const KIND: Kind = Kind::Bool;
    const ROOM: usize = size_of::<i32>();

    fn decode(bytes: &[u8], name: &str) -> Result<Self> {
        Ok(i32::decode(bytes, name)? != 0)
    }
}
impl Encode<bool> for bool {
    fn wire(&self) -> Wire<'_> {
        Wire::Bool(*self)
    }
}

impl Sealed for i32 {}
impl Decode for i32 {
    const KIND: Kind = Kind::Int;
    const ROOM: usize = size_of::<Self>();

    fn decode(bytes: &[u8], name: &str) -> Result<Self> {
        bytes.try_into().map(Self::from_ne_bytes).map_err(|_| unexpected(name, bytes))
    }
}
impl Encode<i32> for i32 {
    fn wire(&self) -> Wire<'_> {
        Wire::Int(*self)
    }
}

impl Sealed for u32 {}
impl Decode for u32 {
    const KIND: Kind = Kind::Int;
    const ROOM: usize = size_of::<i32>();

    fn decode(bytes: &[u8], name: &str) -> Result<Self> {
        // The kernel stores a negative limit as it is, and treats it as 0: see `kern_jail_set` in
        // `sys/kern/kern_jail.c`.
        i32::decode(bytes, name).map(|value| Self::try_from(value).unwrap_or(0))
    }
}
impl Encode<u32> for u32 {
    fn wire(&self) -> Wire<'_> {
        Wire::Count(*self)
    }
}

impl Sealed for u64 {}
impl Decode for u64 {
    const KIND: Kind = Kind::Ulong;
    const ROOM: usize = size_of::<c_ulong>();

    #[allow(clippy::useless_conversion, reason = "a C unsigned long is narrower on some machines")]
    fn decode(bytes: &[u8], name: &str) -> Result<Self> {
        let value = bytes.try_into().map(c_ulong::from_ne_bytes);
        value.map(Self::from).map_err(|_| unexpected(name, bytes))
    }
}
impl Encode<u64> for u64 {
    fn wire(&self) -> Wire<'_> {
        Wire::Ulong(*self)
    }
}

impl Sealed for EnforceStatfs {}
impl Decode for EnforceStatfs {
    const KIND: Kind = Kind::Int;
    const ROOM: usize = size_of::<i32>();

    fn decode(bytes: &[u8], name: &str) -> Result<Self> {
        Self::from_number(i32::decode(bytes, name)?).ok_or_else(|| unexpected(name, bytes))
    }
}
impl Encode<EnforceStatfs> for EnforceStatfs {
    fn wire(&self) -> Wire<'_> {
        Wire::Int(self.number())
    }
}

impl Sealed for Sharing {}
impl Decode for Sharing {
    const KIND: Kind = Kind::Mode;
    const ROOM: usize = size_of::<i32>();

    fn decode(bytes: &[u8], name: &str) -> Result<Self> {
        match Mode::decode(bytes, name)? {
            Mode::New => Ok(Self::New),
            Mode::Inherit => Ok(Self::Inherit),
            Mode::Disable => Err(unexpected(name, bytes)),
        }
    }
}
impl Encode<Sharing> for Sharing {
    fn wire(&self) -> Wire<'_> {
        Wire::Int(Mode::from(*self).number())
    }
}

impl Sealed for Jid {}
impl Decode for Jid {
    const KIND: Kind = Kind::Int;
    const ROOM: usize = size_of::<i32>();

    fn decode(bytes: &[u8], name: &str) -> Result<Self> {
        Self::new(i32::decode(bytes, name)?).ok_or_else(|| unexpected(name, bytes))
    }
}
impl Encode<Jid> for Jid {
    fn wire(&self) -> Wire<'_> {
        Wire::Int(self.get())
    }
}

impl<T: Sealed> Sealed for Option<T> {}
impl Decode for Option<Jid> {
    const KIND: Kind = Kind::Int;
    const ROOM: usize = size_of::<i32>();

    fn decode(bytes: &[u8], name: &str) -> Result<Self> {
        i32::decode(bytes, name).map(Jid::new)
    }
}

impl Sealed for Mode {}
impl Decode for Mode {
    const KIND: Kind = Kind::Mode;
    const ROOM: usize = size_of::<i32>();

    fn decode(bytes: &[u8], name: &str) -> Result<Self> {
        Self::from_number(i32::decode(bytes, name)?).ok_or_else(|| unexpected(name, bytes))
    }
}
impl Encode<Mode> for Mode {
    fn wire(&self) -> Wire<'_> {
        Wire::Int(self.number())
    }
}

impl Sealed for OsString {}
impl Decode for OsString {
    const KIND: Kind = Kind::String;
    const ROOM: usize = 256;

    fn decode(bytes: &[u8], name: &str) -> Result<Self> {
        until_nul(bytes, name).map(|text| Self::from_vec(text.to_vec()))
    }
}

/// A key in `meta` or `env`: `None` if the jail lacks it.
impl Decode for Option<OsString> {
    const KIND: Kind = Kind::String;
    const ROOM: usize = 256;

    fn decode(bytes: &[u8], name: &str) -> Result<Self> {
        if bytes.is_empty() {
            return Ok(None);
        }
        OsString::decode(bytes, name).map(Some)
    }
}

impl Sealed for PathBuf {}
impl Decode for PathBuf {
    const KIND: Kind = Kind::String;
    const ROOM: usize = 1024;

    fn decode(bytes: &[u8], name: &str) -> Result<Self> {
        OsString::decode(bytes, name).map(Self::from)
    }
}

impl Sealed for String {}
impl Decode for String {
    const KIND: Kind = Kind::String;
    const ROOM: usize = 256;

    fn decode(bytes: &[u8], name: &str) -> Result<Self> {
        let text = until_nul(bytes, name)?;
        core::str::from_utf8(text).map(Into::into).map_err(|_| {
            Error::refused(ErrorKind::InvalidAnswer, "the value is not UTF-8; read it as an `OsString`")
                .about(name)
        })
    }
}

/// All string types set all string parameters.
macro_rules! text_from {
    ($($from:ty),* $(,)?) => {$(
        impl Encode<OsString> for $from {
            fn wire(&self) -> Wire<'_> {
                text(self.as_ref())
            }
        }
        impl Encode<PathBuf> for $from {
            fn wire(&self) -> Wire<'_> {
                text(self.as_ref())
            }
        }
        impl Encode<String> for $from {
            fn wire(&self) -> Wire<'_> {
                text(self.as_ref())
            }
        }
        impl Encode<Option<OsString>> for $from {
            fn wire(&self) -> Wire<'_> {
                text(self.as_ref())
            }
        }
    )*};
}

impl Sealed for str {}
impl Sealed for OsStr {}
impl Sealed for Path {}
impl<T: Sealed + ?Sized> Sealed for &T {}
text_from!(str, String, OsStr, OsString, Path, PathBuf);

impl<T, V: Encode<T> + ?Sized> Encode<T> for &V {
    fn wire(&self) -> Wire<'_> {
        V::wire(self)
    }
}

impl Sealed for Vec<Ipv4Addr> {}
impl Decode for Vec<Ipv4Addr> {
    const KIND: Kind = Kind::Ip4;
    const ROOM: usize = 8 * 4;

    fn decode(bytes: &[u8], name: &str) -> Result<Self> {
        octets::<4>(bytes, name).map(|all| all.map(Ipv4Addr::from).collect())
    }
}

impl Sealed for Vec<Ipv6Addr> {}
impl Decode for Vec<Ipv6Addr> {
    const KIND: Kind = Kind::Ip6;
    const ROOM: usize = 8 * 16;

    fn decode(bytes: &[u8], name: &str) -> Result<Self> {
        octets::<16>(bytes, name).map(|all| all.map(Ipv6Addr::from).collect())
    }
}

impl Sealed for [Ipv4Addr] {}
impl Encode<Vec<Ipv4Addr>> for [Ipv4Addr] {
    fn wire(&self) -> Wire<'_> {
        Wire::Ip4(self)
    }
}
impl Encode<Vec<Ipv4Addr>> for Vec<Ipv4Addr> {
    fn wire(&self) -> Wire<'_> {
        Wire::Ip4(self)
    }
}
impl<const N: usize> Sealed for [Ipv4Addr; N] {}
impl<const N: usize> Encode<Vec<Ipv4Addr>> for [Ipv4Addr; N] {
    fn wire(&self) -> Wire<'_> {
        Wire::Ip4(self)
    }
}

impl Sealed for [Ipv6Addr] {}
impl Encode<Vec<Ipv6Addr>> for [Ipv6Addr] {
    fn wire(&self) -> Wire<'_> {
        Wire::Ip6(self)
    }
}
impl Encode<Vec<Ipv6Addr>> for Vec<Ipv6Addr> {
    fn wire(&self) -> Wire<'_> {
        Wire::Ip6(self)
    }
}
impl<const N: usize> Sealed for [Ipv6Addr; N] {}
impl<const N: usize> Encode<Vec<Ipv6Addr>> for [Ipv6Addr; N] {
    fn wire(&self) -> Wire<'_> {
        Wire::Ip6(self)
    }
}

impl Sealed for Vec<u8> {}
impl Decode for Vec<u8> {
    const KIND: Kind = Kind::Bytes;
    const ROOM: usize = 256;

    fn decode(bytes: &[u8], _: &str) -> Result<Self> {
        Ok(bytes.to_vec())
    }
}
impl Encode<Vec<u8>> for Vec<u8> {
    fn wire(&self) -> Wire<'_> {
        Wire::Bytes(self)
    }
}
impl Sealed for [u8] {}
impl Encode<Vec<u8>> for [u8] {
    fn wire(&self) -> Wire<'_> {
        Wire::Bytes(self)
    }
}
