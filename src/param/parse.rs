//! Values from text.

use core::str::FromStr;
use std::ffi::OsString;

use super::{Kind, Mode, Value, table};
use crate::error::{Error, ErrorKind, Result};
use crate::wire::name;

impl Value {
    /// Parses a value of a kind from text, as jail(8) takes it.
    ///
    /// A boolean is `true` or `false`, also `1` or `0`; a mode `new`, `inherit` or `disable`; lists of addresses are
    /// separated by commas; a string is the text itself, and so are bytes.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidValue`] for text that is not a value of the kind.
    ///
    /// ```
    /// use freebsd_jail::param::{Kind, Value};
    ///
    /// # fn main() -> freebsd_jail::Result<()> {
    /// assert_eq!(Value::parse(Kind::Int, "3")?, Value::Int(3));
    /// assert_eq!(Value::parse(Kind::Bool, "false")?, Value::Bool(false));
    /// assert!(Value::parse(Kind::Ip4, "10.0.0.1, nonsense").is_err());
    /// # Ok(())
    /// # }
    /// ```
    pub fn parse(kind: Kind, text: &str) -> Result<Self> {
        let wrong = || {
            let reason = format!("{text:?} is not a value of kind {kind:?}");
            Error::refused(ErrorKind::InvalidValue, reason)
        };
        let value = match kind {
            Kind::Bool => match text {
                "true" | "1" => Some(Self::Bool(true)),
                "false" | "0" => Some(Self::Bool(false)),
                _ => None,
            },
            Kind::Int => text.parse().ok().map(Self::Int),
            Kind::Ulong => text.parse().ok().map(Self::Ulong),
            Kind::Mode => match text {
                "new" => Some(Self::Mode(Mode::New)),
                "inherit" => Some(Self::Mode(Mode::Inherit)),
                "disable" => Some(Self::Mode(Mode::Disable)),
                _ => None,
            },
            Kind::Ip4 => list(text).map(Self::Ip4),
            Kind::Ip6 => list(text).map(Self::Ip6),
            Kind::String => Some(Self::String(OsString::from(text))),
            Kind::Bytes => Some(Self::Bytes(text.as_bytes().to_vec())),
        };
        value.ok_or_else(wrong)
    }
}

impl From<&Self> for Value {
    fn from(value: &Self) -> Self {
        value.clone()
    }
}

/// Parses a list separated by commas. An empty text is an empty list.
fn list<T: FromStr>(text: &str) -> Option<Vec<T>> {
    if text.trim().is_empty() {
        return Some(Vec::new());
    }
    text.split(',').map(|item| item.trim().parse().ok()).collect()
}

/// Returns the kind of a parameter, as far as the table or the name alone tells.
pub(crate) fn kind_of(name: &str) -> Option<Kind> {
    match table::find(name) {
        Some(row) => Some(row.kind),
        // Modules add permissions that the table does not have. `nofoo` would be the denial of `foo`.
        None => {
            let (level, last) = name::split_text(name);
            let is_permission = level.starts_with("allow.") && !last.is_empty();
            let denied = last.strip_prefix("no").map(|last| format!("{level}{last}"));
            (is_permission && denied.is_none_or(|name| table::find(&name).is_none())).then_some(Kind::Bool)
        }
    }
}
