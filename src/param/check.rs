//! Checks values with the table, before they go into a request.

use std::collections::BinaryHeap;
use std::net::{Ipv4Addr, Ipv6Addr};

use super::show::with_wire;
use super::{Access, Definition, Kind, Mode};
use crate::error::{Error, ErrorKind, Reason, Result};
use crate::wire::{self, Wire, name};

/// The use of a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Use {
    Create,
    Update,
}

fn refuse(kind: ErrorKind, reason: impl Reason) -> Result<()> {
    Err(Error::refused(kind, reason))
}

/// Checks a value with the table.
#[inline]
pub(crate) fn check(name: &str, definition: Option<&Definition>, wire: &Wire<'_>, usage: Use) -> Result<()> {
    if definition.is_some_and(|definition| is_surely_good(definition, wire, usage)) {
        return Ok(());
    }
    check_in_full(name, definition, wire, usage)
}

/// Whether a value is one of the commonest that pass [`check_in_full`]: a number in its range, a string that is not too
/// long, or one address, of a parameter of which nothing else is asked.
#[inline]
fn is_surely_good(definition: &Definition, wire: &Wire<'_>, usage: Use) -> bool {
    let may_be_set = match definition.access {
        Access::ReadWrite => true,
        Access::CreateOnly => usage == Use::Create,
        Access::ReadOnly => false,
    };
    may_be_set
        && !definition.is_late
        && match *wire {
            // `osreldate` cannot be 0.
            Wire::Int(value) => {
                value != 0 && definition.range.is_none_or(|(least, most)| least <= value && value <= most)
            }
            // The longest `osrelease` is a byte shorter. `meta` and `env`, also of their keys, have no maximum here.
            Wire::Text(text) => definition.max.is_some_and(|max| text.len() + 1 < max) && !has_nul(text),
            Wire::Ip4([address]) => !address.is_unspecified() && !address.is_broadcast(),
            _ => false,
        }
}

#[inline(never)]
fn check_in_full(name: &str, definition: Option<&Definition>, wire: &Wire<'_>, usage: Use) -> Result<()> {
    // Before looking at the contents: a caller's list may have any length.
    wire::check_alone(name, wire.len())
        .and_then(|()| wire.check_number())
        .and_then(|()| check_use(definition, usage))
        .and_then(|()| check_value(name, definition, *wire).map_err(|error| with_wire(error, *wire)))
        .map_err(|error| error.about(name))
}

fn check_use(definition: Option<&Definition>, usage: Use) -> Result<()> {
    match (definition.map(|definition| definition.access), usage) {
        (Some(Access::ReadOnly), _) => refuse(ErrorKind::InvalidParameter, "this parameter is read-only"),
        (Some(Access::CreateOnly), Use::Update) => {
            refuse(ErrorKind::InvalidParameter, "this parameter is fixed at creation")
        }
        _ => Ok(()),
    }
}

fn check_value(name: &str, definition: Option<&Definition>, wire: Wire<'_>) -> Result<()> {
    match wire {
        Wire::Text(text) => check_text(name, definition, text),
        Wire::Int(0) if name == "osreldate" => refuse(ErrorKind::InvalidValue, "it cannot be 0"),
        Wire::Int(value) => check_range(definition, value),
        // A larger one is refused before.
        Wire::Count(value) => check_range(definition, value.try_into().unwrap_or(i32::MAX)),
        Wire::Ip4(addresses) => check_ip4(addresses),
        Wire::Ip6(addresses) => check_ip6(addresses),
        _ => Ok(()),
    }
}

fn check_range(definition: Option<&Definition>, value: i32) -> Result<()> {
    let Some(definition) = definition else { return Ok(()) };
    match (definition.range, Mode::from_number(value)) {
        (Some((least, most)), _) if (least..=most).contains(&value) => Ok(()),
        (Some(_), Some(mode)) if definition.kind == Kind::Mode => {
            refuse(ErrorKind::InvalidValue, format_args!("it cannot be {mode:?}"))
        }
        (Some((least, most)), _) => {
            refuse(ErrorKind::InvalidValue, format_args!("must be between {least} and {most}"))
        }
        (None, _) => Ok(()),
    }
}

/// Whether a string contains a NUL. Unlike a search, it does not stop at the first, and so compares many bytes at once.
fn has_nul(text: &[u8]) -> bool {
    text.iter().fold(0, |nuls, byte| nuls | u8::from(*byte == 0)) != 0
}

fn check_text(name: &str, definition: Option<&Definition>, text: &[u8]) -> Result<()> {
    if has_nul(text) {
        return refuse(ErrorKind::InvalidValue, "a string cannot contain NUL");
    }
    // The kernel's own release may be a byte longer than the longest that it accepts.
    let nul = if name == "osrelease" { 2 } else { 1 };
    let most = definition.and_then(|definition| definition.max).map(|max| max.saturating_sub(nul));
    if let Some(most) = most.filter(|&most| text.len() > most) {
        return refuse(
            ErrorKind::InvalidValue,
            format_args!("{} bytes are more than the maximum of {most}", text.len()),
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
            return refuse(ErrorKind::InvalidValue, format_args!("{address} is not a host address"));
        }
    }
    check_repetition(addresses)
}

fn check_ip6(addresses: &[Ipv6Addr]) -> Result<()> {
    for address in addresses {
        if address.is_unspecified() {
            return refuse(ErrorKind::InvalidValue, format_args!("{address} is not a host address"));
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
        // A heap's sort takes a tenth of the code of a slice's.
        let sorted = BinaryHeap::from(addresses.to_vec()).into_sorted_vec();
        sorted.windows(2).find_map(|pair| match pair {
            [one, other] if one == other => Some(*one),
            _ => None,
        })
    };
    match twice {
        Some(address) => refuse(ErrorKind::InvalidValue, format_args!("{address} is listed twice")),
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::param::TABLE;

    #[test]
    fn a_list_has_whole_addresses() {
        for (kind, size) in [(Kind::Ip4, 4), (Kind::Ip6, 16)] {
            let fitting = (0..=3 * size).filter(|&len| size_fits(kind, len));
            assert!(fitting.eq([0, size, 2 * size, 3 * size]), "{kind:?}");
        }
        assert!(size_fits(Kind::Int, 4) && !size_fits(Kind::Int, 8));
        assert!(size_fits(Kind::String, 5));
    }

    #[test]
    fn what_is_surely_good_passes_in_full() {
        let step = if cfg!(miri) { 73 } else { 1 };
        let texts: Vec<_> = (0..1100).step_by(step).map(|len| vec![b'x'; len]).collect();
        let numbers = [i32::MIN, -2, -1, 0, 1, 2, 3, 4, 65_535, 65_536, i32::MAX].map(Wire::Int);
        let addresses = [[Ipv4Addr::UNSPECIFIED], [Ipv4Addr::BROADCAST], [Ipv4Addr::LOCALHOST]];
        let mut good = 0;
        for definition in TABLE {
            let texts =
                texts.iter().map(|text| Wire::Text(text)).chain([Wire::Text(b"\0"), Wire::Text(b"\n")]);
            for wire in texts.chain(numbers).chain(addresses.each_ref().map(|address| Wire::Ip4(address))) {
                for usage in [Use::Create, Use::Update] {
                    if is_surely_good(definition, &wire, usage) {
                        check_in_full(&definition.name, Some(definition), &wire, usage).expect("good");
                        good += 1;
                    }
                }
            }
        }
        assert!(good > 1000 / step, "{good}");
    }
}
