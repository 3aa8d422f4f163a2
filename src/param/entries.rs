//! `meta` and `env` as maps.

use core::fmt;
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt, OsStringExt};

use super::codec::Sealed;
use super::{Decode, Encode, Kind};
use crate::error::{Error, ErrorKind, Result};
use crate::wire::Wire;

/// All entries of `meta` or `env`, in the order in which the kernel keeps them.
///
/// [`Param::entries`](super::Param::entries) makes a key with this type. Setting it replaces all entries of the jail.
///
/// ```
/// # use freebsd_jail::{Jail, param::{self, Entries}, sim};
/// # fn main() -> freebsd_jail::Result<()> {
/// # let kernel = sim::Kernel::new();
/// # let _guard = kernel.install();
/// let entries = Entries::new([("owner", "www"), ("stage", "test")])?;
/// let jail = Jail::builder().path("/").set(param::META.entries(), &entries).create()?;
/// let read = jail.get(param::META.entries())?;
/// assert_eq!(read.get("owner"), Some("www".as_ref()));
/// assert_eq!(read.iter().count(), 2);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, PartialEq, Eq, Hash, Default)]
pub struct Entries {
    /// Lines `KEY=VALUE`, without a newline after the last.
    text: Vec<u8>,
}

impl Entries {
    /// Makes entries of keys and values. Of two with the same key, the later replaces the earlier.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidValue`] for a key that is empty or contains `=`, a newline or NUL, and for a value that
    /// contains a newline or NUL: the kernel would store such an entry as different ones.
    pub fn new<K: AsRef<OsStr>, V: AsRef<OsStr>>(entries: impl IntoIterator<Item = (K, V)>) -> Result<Self> {
        let mut lines: Vec<(OsString, OsString)> = Vec::new();
        for (key, value) in entries {
            let (key, value) = (key.as_ref(), value.as_ref());
            check(key, value)?;
            lines.retain(|(other, _)| other != key);
            lines.push((key.to_owned(), value.to_owned()));
        }
        let mut text = Vec::new();
        for (key, value) in lines {
            if !text.is_empty() {
                text.push(b'\n');
            }
            text.extend_from_slice(key.as_bytes());
            text.push(b'=');
            text.extend_from_slice(value.as_bytes());
        }
        Ok(Self { text })
    }

    /// Returns the value of a key.
    #[must_use]
    pub fn get(&self, key: impl AsRef<OsStr>) -> Option<&OsStr> {
        // Of several with the same key, the kernel reads the last.
        self.iter().filter(|(other, _)| *other == key.as_ref()).last().map(|(_, value)| value)
    }

    /// Returns the keys with their values. Lines without `=`, which only a text that was set as a whole can have, are
    /// left out.
    pub fn iter(&self) -> impl Iterator<Item = (&OsStr, &OsStr)> {
        self.text.split(|&byte| byte == b'\n').filter_map(|line| {
            let equals = line.iter().position(|&byte| byte == b'=')?;
            let (key, value) = (line.get(..equals)?, line.get(equals + 1..)?);
            Some((OsStr::from_bytes(key), OsStr::from_bytes(value)))
        })
    }

    /// Whether there are no entries.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.iter().next().is_none()
    }
}

fn check(key: &OsStr, value: &OsStr) -> Result<()> {
    let refuse = |reason: &'static str| {
        Err(Error::refused(ErrorKind::InvalidValue, format_args!("the entry {key:?} is refused: {reason}")))
    };
    let has = |text: &OsStr, bytes: &[u8]| text.as_bytes().iter().any(|byte| bytes.contains(byte));
    if key.is_empty() {
        return refuse("a key cannot be empty");
    }
    if has(key, b"=\n\0") {
        return refuse("a key cannot contain `=`, a newline or NUL");
    }
    if has(value, b"\n\0") {
        return refuse("a value cannot contain a newline or NUL");
    }
    Ok(())
}

impl fmt::Debug for Entries {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.iter()).finish()
    }
}

impl Sealed for Entries {}
impl Decode for Entries {
    const KIND: Kind = Kind::String;
    const ROOM: usize = <OsString as Decode>::ROOM;

    fn decode(bytes: &[u8], name: &str) -> Result<Self> {
        OsString::decode(bytes, name).map(|text| Self { text: text.into_vec() })
    }
}
impl Encode<Entries> for Entries {
    fn wire(&self) -> Wire<'_> {
        Wire::Text(&self.text)
    }
}
