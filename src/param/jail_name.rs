//! What a jail's name may be, wherever one is given.

use super::NAME_MAX;
use crate::error::{Error, ErrorKind, Result};
use crate::wire::name;

fn refuse(reason: &'static str) -> Result<()> {
    Err(Error::refused(ErrorKind::InvalidValue, reason).about("name"))
}

/// Checks a name, as this process sees it.
pub(crate) fn check_name(name: &[u8]) -> Result<()> {
    match name {
        [] => refuse("a jail's name cannot be empty"),
        name if name.contains(&0) => refuse("a jail's name cannot contain NUL"),
        name if name.len() >= NAME_MAX => refuse("a jail's name has at most 255 bytes"),
        _ => Ok(()),
    }
}

/// Checks a name before which the names of the jails above have been put.
pub(crate) fn check_full_name(name: &[u8]) -> Result<()> {
    check_name(name).map_err(|error| {
        error.because("with the names of the jails above it, the name is longer than 255 bytes")
    })
}

/// Checks a new name of a jail that exists. It is one component; an empty one, or one that ends in a dot, would create
/// a jail.
pub(crate) fn check_new_name(name: &[u8]) -> Result<()> {
    if name.contains(&b'.') {
        return refuse("a jail cannot be moved below another one: give the last component only");
    }
    check_name(name)
}

/// Checks the name of a jail that is to be created, and its jid, where that is set. The kernel takes a numeric name as a
/// request for that jid.
pub(crate) fn check_created_name(name: &[u8], jid: impl FnOnce() -> Option<i32>) -> Result<()> {
    if name.is_empty() {
        return refuse("a jail's name cannot be empty; a jail without one is named by its jid");
    }
    if matches!(name.first(), Some(b'a'..=b'z' | b'A'..=b'Z' | b'_')) && !name.contains(&b'.') {
        return Ok(());
    }
    let last = name.rsplit(|&byte| byte == b'.').next().unwrap_or_default();
    if name.split(|&byte| byte == b'.').rev().skip(1).any(<[u8]>::is_empty) {
        return refuse("a level of the name is empty");
    }
    if name::has_host_level(name) {
        return refuse(name::HOST_LEVEL);
    }
    let digits = last.strip_prefix(b"-").unwrap_or(last);
    if digits.is_empty() || !digits.iter().all(u8::is_ascii_digit) {
        return Ok(());
    }
    match jid() {
        Some(jid) if jid.to_string().as_bytes() == last => Ok(()),
        _ => refuse("a numeric name must equal the jid: set `jid` too"),
    }
}
