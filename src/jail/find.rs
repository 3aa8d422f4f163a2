//! Keys to find a jail.

use core::fmt;
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;

use crate::error::Result;
use crate::get::Key;
use crate::jid::Jid;
use crate::param;

/// How to find a jail: by its name or its jid.
///
/// Converts from `"www"`, `"www.db"` or a [`Jid`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum NameOrJid<'n> {
    /// By name, as seen from this process's own jail. A name that is a decimal number finds the jail of that jid, as in
    /// [jls(8)].
    ///
    /// [jls(8)]: https://man.freebsd.org/cgi/man.cgi?query=jls&sektion=8
    Name(&'n OsStr),
    /// By jid.
    Jid(Jid),
}

impl<'n> From<&'n str> for NameOrJid<'n> {
    fn from(name: &'n str) -> Self {
        Self::Name(OsStr::new(name))
    }
}

impl<'n> From<&'n String> for NameOrJid<'n> {
    fn from(name: &'n String) -> Self {
        Self::Name(OsStr::new(name))
    }
}

impl<'n> From<&'n OsString> for NameOrJid<'n> {
    fn from(name: &'n OsString) -> Self {
        Self::Name(name)
    }
}

impl<'n> From<&'n OsStr> for NameOrJid<'n> {
    fn from(name: &'n OsStr) -> Self {
        Self::Name(name)
    }
}

impl From<Jid> for NameOrJid<'_> {
    fn from(jid: Jid) -> Self {
        Self::Jid(jid)
    }
}

impl fmt::Display for NameOrJid<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Name(name) => write!(f, "{}", name.to_string_lossy()),
            Self::Jid(jid) => write!(f, "{jid}"),
        }
    }
}

impl<'n> NameOrJid<'n> {
    /// Checks for keys that jail_get(2) would misread, and returns the key.
    pub(crate) fn key(self) -> Result<Key<'n>> {
        let name = match self {
            Self::Jid(jid) => return Ok(Key::Jid(jid.get())),
            Self::Name(name) => name.as_bytes(),
        };
        param::check_name(name)?;
        // Only the jail of that jid may have a number as its name, and it may have been renamed.
        Ok(decimal(name).map_or(Key::Name(name), |jid| Key::Jid(jid.get())))
    }
}

/// Reads a name that is a jid, as the kernel would write it.
fn decimal(name: &[u8]) -> Option<Jid> {
    if matches!(name, [b'0' | b'+', ..]) {
        return None;
    }
    Jid::new(core::str::from_utf8(name).ok()?.parse().ok()?)
}
