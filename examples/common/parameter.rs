//! Parameters as text, on the command line and in what is printed.

use std::ffi::OsString;

use freebsd_jail::param::{self, Kind, Value};
use freebsd_jail::{Catalog, Described, Mode};

use super::Result;

/// Says what kind of values a parameter has.
pub fn kind(name: &str) -> Result<Option<Kind>> {
    if let Some(row) = param::find(name) {
        return Ok(Some(row.kind));
    }
    if name.starts_with("meta.") || name.starts_with("env.") {
        return Ok(Some(Kind::String));
    }
    // What a module has added, only the kernel knows.
    Ok(Catalog::current()?.get(name).map(Described::kind))
}

/// Reads `name=value`, `name` or `noname`, as jail(8) does.
pub fn read(text: &str) -> Result<(String, Value)> {
    let (name, value) = match text.split_once('=') {
        Some((name, value)) => (name, Some(value)),
        None => (text, None),
    };
    let Some(kind) = kind(name)? else {
        // `allow.noraw_sockets` is the name of `allow.raw_sockets` being false.
        let (level, last) = name.rsplit_once('.').map_or(("", name), |(level, last)| (level, last));
        let dot = if level.is_empty() { "" } else { "." };
        let positive = last.strip_prefix("no").map(|last| format!("{level}{dot}{last}"));
        return match positive {
            Some(positive) if value.is_none() && kind(&positive)? == Some(Kind::Bool) => {
                Ok((positive, Value::Bool(false)))
            }
            _ => Err(format!("unknown parameter: {name}").into()),
        };
    };
    let wrong = || format!("{name}: {:?} is no value of it", value.unwrap_or_default());
    let value = match (kind, value) {
        (Kind::Bool, None | Some("1" | "true")) => Value::Bool(true),
        (Kind::Bool, Some("0" | "false")) => Value::Bool(false),
        (Kind::Mode, None | Some("new")) => Value::Mode(Mode::New),
        (Kind::Mode, Some("inherit")) => Value::Mode(Mode::Inherit),
        (Kind::Mode, Some("disable")) => Value::Mode(Mode::Disable),
        (Kind::Int, Some(number)) => Value::Int(number.parse().map_err(|_| wrong())?),
        (Kind::Ulong, Some(number)) => Value::Ulong(number.parse().map_err(|_| wrong())?),
        (Kind::String, Some(text)) => Value::String(OsString::from(text)),
        (Kind::Ip4, Some(list)) => Value::Ip4(addresses(list).map_err(|_| wrong())?),
        (Kind::Ip6, Some(list)) => Value::Ip6(addresses(list).map_err(|_| wrong())?),
        _ => return Err(wrong().into()),
    };
    Ok((name.to_owned(), value))
}

fn addresses<T: std::str::FromStr>(list: &str) -> std::result::Result<Vec<T>, T::Err> {
    list.split(',').filter(|address| !address.is_empty()).map(str::parse).collect()
}

/// Writes a value as jls(8) does.
pub fn text(value: &Value) -> String {
    fn joined<T: ToString>(list: &[T]) -> String {
        list.iter().map(T::to_string).collect::<Vec<_>>().join(",")
    }
    match value {
        Value::Bool(value) => value.to_string(),
        Value::Int(number) => number.to_string(),
        Value::Ulong(number) => number.to_string(),
        Value::String(text) => text.to_string_lossy().into_owned(),
        Value::Ip4(list) => joined(list),
        Value::Ip6(list) => joined(list),
        Value::Mode(mode) => format!("{mode:?}").to_lowercase(),
        other => format!("{other:?}"),
    }
}

/// Makes JSON of a value: numbers, booleans and lists as such, all else as text.
pub fn json(value: &Value) -> serde_json::Value {
    match value {
        Value::Bool(value) => (*value).into(),
        Value::Int(number) => (*number).into(),
        Value::Ulong(number) => (*number).into(),
        Value::Ip4(list) => list.iter().map(ToString::to_string).collect(),
        Value::Ip6(list) => list.iter().map(ToString::to_string).collect(),
        other => text(other).into(),
    }
}
