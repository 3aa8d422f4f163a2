//! Checked values on their way into a request.

use std::net::{Ipv4Addr, Ipv6Addr};

use super::table::Definition;
use super::{Access, Kind, Wire};
use crate::error::{Error, ErrorKind, Result};
use crate::wire::{Draft, Outgoing, name};

/// What a value is sent for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Use {
    Create,
    Update,
}

/// Checks a value by what the table knows, and appends the pair. An earlier value of the parameter is replaced.
pub(crate) fn write(
    draft: &mut Draft<'_>,
    name: &str,
    definition: Option<&Definition>,
    wire: Wire<'_>,
    usage: Use,
) -> Result<()> {
    // Before anything is looked through: a caller's list may be of any length.
    Draft::new()
        .check_room(name, wire.len())
        .and_then(|()| check(name, definition, wire, usage))
        .map_err(|error| error.about(name))?;
    while let Some(earlier) = draft.collision(name) {
        let other = draft.name(earlier);
        if other == name
            || (wire.kind() == Kind::Bool && name::is_negation(other.as_bytes(), name.as_bytes()))
        {
            draft.remove(earlier);
        } else {
            return Err(conflict(name, other));
        }
    }
    draft.check_room(name, wire.len()).map_err(|error| error.about(name))?;
    match wire {
        Wire::Bool(true) => draft.push(&[name], Outgoing::Null),
        // The kernel looks at the name alone: false is said by `no` before the last component.
        Wire::Bool(false) => {
            let (level, last) = name::split_text(name);
            draft.push(&[level, "no", last], Outgoing::Null);
        }
        Wire::Int(value) => draft.push(&[name], Outgoing::Bytes(&value.to_ne_bytes())),
        Wire::Mode(mode) => draft.push(&[name], Outgoing::Bytes(&mode.number().to_ne_bytes())),
        Wire::Ulong(value) => draft.push(&[name], Outgoing::Bytes(&value.to_ne_bytes())),
        Wire::Text(text) => draft.push(&[name], Outgoing::Text(text)),
        Wire::Ip4(addresses) => draft.push(&[name], Outgoing::Ip4(addresses)),
        Wire::Ip6(addresses) => draft.push(&[name], Outgoing::Ip6(addresses)),
        Wire::Bytes(bytes) => draft.push(&[name], Outgoing::Bytes(bytes)),
    }
    Ok(())
}

/// Two parameters of which the kernel would drop one.
pub(crate) fn conflict(name: &str, other: &str) -> Error {
    Error::refused(ErrorKind::Conflict, format!("the kernel takes it and {other:?} for the same parameter"))
        .about(name)
}

fn refuse(kind: ErrorKind, reason: impl Into<std::borrow::Cow<'static, str>>) -> Result<()> {
    Err(Error::refused(kind, reason))
}

fn check(name: &str, definition: Option<&Definition>, wire: Wire<'_>, usage: Use) -> Result<()> {
    if let Some(definition) = definition {
        match (definition.access, usage) {
            (Access::ReadOnly, _) => {
                return refuse(ErrorKind::InvalidParameter, "this parameter is read-only");
            }
            (Access::CreateOnly, Use::Update) => {
                return refuse(ErrorKind::InvalidParameter, "this parameter is fixed at creation");
            }
            _ => {}
        }
    }
    match wire {
        Wire::Text(text) => check_text(name, definition, text),
        Wire::Int(0) if name == "osreldate" => {
            refuse(ErrorKind::InvalidValue, "the kernel takes any number but 0")
        }
        Wire::Int(value) => match definition.and_then(|definition| definition.range) {
            Some((least, most)) if !(least..=most).contains(&value) => {
                refuse(ErrorKind::InvalidValue, format!("{value} is not between {least} and {most}"))
            }
            _ => Ok(()),
        },
        Wire::Mode(mode) => match definition.and_then(|definition| definition.range) {
            Some((least, most)) if !(least..=most).contains(&mode.number()) => {
                refuse(ErrorKind::InvalidValue, format!("it cannot be {mode:?}: a jail has it anyway"))
            }
            _ => Ok(()),
        },
        Wire::Ip4(addresses) => check_ip4(addresses),
        Wire::Ip6(addresses) => check_ip6(addresses),
        Wire::Bool(_) | Wire::Ulong(_) | Wire::Bytes(_) => Ok(()),
    }
}

fn check_text(name: &str, definition: Option<&Definition>, text: &[u8]) -> Result<()> {
    if text.contains(&0) {
        return refuse(ErrorKind::InvalidValue, "a string cannot contain NUL");
    }
    let max = match definition.map_or(0, |definition| definition.max) {
        // The kernel's own may be a byte longer than what it takes.
        max if name == "osrelease" => max - 1,
        max => max,
    };
    if max != 0 && text.len() >= max {
        return refuse(
            ErrorKind::InvalidValue,
            format!("{} bytes are more than the {} that it can have", text.len(), max - 1),
        );
    }
    if name::user_key(name).is_some() && text.contains(&b'\n') {
        return refuse(ErrorKind::InvalidValue, "a newline in a value would forge other keys");
    }
    if name == "mac.do.rules" && name::has_rule_from_any(text) {
        return refuse(ErrorKind::InvalidValue, name::FROM_ANY);
    }
    Ok(())
}

fn check_ip4(addresses: &[Ipv4Addr]) -> Result<()> {
    for address in addresses {
        if address.is_unspecified() || address.is_broadcast() {
            return refuse(ErrorKind::InvalidValue, format!("{address} is no address of a host"));
        }
    }
    check_repetition(addresses)
}

fn check_ip6(addresses: &[Ipv6Addr]) -> Result<()> {
    for address in addresses {
        if address.is_unspecified() {
            return refuse(ErrorKind::InvalidValue, format!("{address} is no address of a host"));
        }
    }
    check_repetition(addresses)
}

/// Refuses a list that has an address twice.
fn check_repetition<T: Copy + Ord + core::fmt::Display>(addresses: &[T]) -> Result<()> {
    /// More are sorted, which takes memory but no time to speak of.
    const FEW: usize = 32;
    let twice = if addresses.len() <= FEW {
        let seen =
            |(index, address): &(usize, &T)| addresses.iter().take(*index).any(|earlier| earlier == *address);
        addresses.iter().enumerate().find(seen).map(|(_, address)| *address)
    } else {
        let mut sorted = addresses.to_vec();
        sorted.sort_unstable();
        sorted.windows(2).find_map(|pair| match pair {
            [one, other] if one == other => Some(*one),
            _ => None,
        })
    };
    match twice {
        Some(address) => refuse(ErrorKind::InvalidValue, format!("{address} stands twice")),
        None => Ok(()),
    }
}

/// Whether a value of this size can be one of this kind, for values that come as bytes.
pub(crate) fn size_fits(kind: Kind, len: usize) -> bool {
    match (kind, kind.size()) {
        (_, Some(size)) => len == size,
        (Kind::Ip4, None) => len % size_of::<Ipv4Addr>() == 0,
        (Kind::Ip6, None) => len % size_of::<Ipv6Addr>() == 0,
        (_, None) => true,
    }
}
