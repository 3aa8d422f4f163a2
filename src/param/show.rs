//! Values in error messages.

use core::fmt;

use super::{Value, find};
use crate::error::{Error, ErrorKind};
use crate::wire::Wire;

/// How many characters of a string are shown.
const SHOWN: usize = 80;

/// Shows strings by `Debug`, and others by `Display`.
struct Shown<'a>(Wire<'a>);

impl fmt::Display for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Wire::Bool(value) => value.fmt(f),
            Wire::Int(value) => value.fmt(f),
            Wire::Ulong(value) => value.fmt(f),
            Wire::Count(value) => value.fmt(f),
            Wire::Text(text) | Wire::Padded(text, _) => {
                let text = String::from_utf8_lossy(text);
                match text.char_indices().nth(SHOWN) {
                    Some((end, _)) => write!(f, "{:?}…", text.get(..end).unwrap_or_default()),
                    None => write!(f, "{text:?}"),
                }
            }
            Wire::Ip4(addresses) => list(f, &mut addresses.iter().map(|address| address as _)),
            Wire::Ip6(addresses) => list(f, &mut addresses.iter().map(|address| address as _)),
            Wire::Null => f.write_str("no value"),
            Wire::Bytes(bytes) => write!(f, "{} bytes", bytes.len()),
            Wire::Space(len) => write!(f, "{len} bytes"),
        }
    }
}

/// Shows as many addresses as fit on a line.
fn list(f: &mut fmt::Formatter<'_>, addresses: &mut dyn Iterator<Item = &dyn fmt::Display>) -> fmt::Result {
    const FEW: usize = 8;
    for (index, address) in addresses.enumerate() {
        let separator = if index == 0 { "" } else { "," };
        if index == FEW {
            return f.write_str(",…");
        }
        write!(f, "{separator}{address}")?;
    }
    Ok(())
}

/// Shows a value as error messages do, a mode by its name.
pub(crate) fn show(value: &Value, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    match value {
        Value::Mode(mode) => write!(f, "{mode:?}"),
        value => write!(f, "{}", Shown(value.wire())),
    }
}

/// Shows the value.
pub(crate) fn with_wire(error: Error, wire: Wire<'_>) -> Error {
    error.with_value(format_args!("{}", Shown(wire)))
}

/// Adds the value of the parameter at fault, if the error may be about the value and its kind is known.
pub(crate) fn with_value<'v>(error: Error, value: impl FnOnce(&str) -> Option<&'v [u8]>) -> Error {
    if error.value().is_some()
        || matches!(error.kind(), ErrorKind::UnknownParameter | ErrorKind::InvalidParameter)
    {
        return error;
    }
    let Some(name) = error.parameter() else { return error };
    let Some(row) = find(name) else { return error };
    match value(name).map(|bytes| Value::decode(row.kind, bytes, name)) {
        Some(Ok(Value::Mode(mode))) => error.with_value(format_args!("{mode:?}")),
        Some(Ok(value)) => with_wire(error, value.wire()),
        _ => error,
    }
}
