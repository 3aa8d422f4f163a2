//! Parameters as text, on the command line and in what is printed.

use freebsd_jail::param::{Kind, Mode, Value};
use freebsd_jail::{Catalog, ErrorKind};

use super::Result;

/// Returns the kind of a parameter's values, `None` if the kernel has no such parameter.
pub fn kind_of(name: &str) -> Result<Option<Kind>> {
    match Catalog::describe(name) {
        Ok(parameter) => Ok(Some(parameter.kind())),
        Err(error) if error.kind() == ErrorKind::UnknownParameter => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// Reads `name=value`, `name` or `noname`, as jail(8) does.
pub fn read(text: &str) -> Result<(String, Value)> {
    let (name, value) = match text.split_once('=') {
        Some((name, value)) => (name, Some(value)),
        None => (text, None),
    };
    let Some(kind) = kind_of(name)? else {
        // `allow.noraw_sockets` is the name of `allow.raw_sockets` being false.
        let (level, last) = name.rsplit_once('.').map_or(("", name), |(level, last)| (level, last));
        let dot = if level.is_empty() { "" } else { "." };
        let positive = last.strip_prefix("no").map(|last| format!("{level}{dot}{last}"));
        return match positive {
            Some(positive) if value.is_none() && kind_of(&positive)? == Some(Kind::Bool) => {
                Ok((positive, Value::Bool(false)))
            }
            _ => Err(format!("unknown parameter: {name}").into()),
        };
    };
    let value = match (kind, value) {
        (Kind::Bool, None) => Value::Bool(true),
        (Kind::Mode, None) => Value::Mode(Mode::New),
        (_, None) => return Err(format!("{name}: a value is missing").into()),
        (kind, Some(text)) => Value::parse(kind, text).map_err(|error| format!("{name}: {error}"))?,
    };
    Ok((name.to_owned(), value))
}
