//! What C passes: strings, and names with values.

use core::ffi::{CStr, c_char};
use core::slice;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;

use freebsd_jail::param::{Kind, Value};
use freebsd_jail::{Catalog, Error, ErrorKind, JailBuilder, JailUpdate, Result};

use crate::outcome::refused;

/// A parameter's name and its value as text: a number, `true` or `false`, addresses with commas between them, `disable`,
/// `new` or `inherit`, or a string as it is.
///
/// Without a value (`NULL`) a boolean becomes true, and an update removes the entry `meta.KEY` or `env.KEY`.
#[repr(C)]
pub struct Param {
    pub name: *const c_char,
    pub value: *const c_char,
}

/// Parameters with their values. One without a value is an entry of `meta` or `env` to be removed.
pub(crate) struct Params(Vec<(String, Option<Value>)>);

impl Params {
    /// # Safety
    ///
    /// `params` is `NULL` or has `count` parameters, whose strings are `NULL` or valid C strings.
    pub(crate) unsafe fn read(params: *const Param, count: usize) -> Result<Self> {
        if count == 0 {
            return Ok(Self(Vec::new()));
        }
        if params.is_null() {
            return Err(refused("the parameters are NULL"));
        }
        // SAFETY: the caller owns that many, and does not write to them during the call.
        let params = unsafe { slice::from_raw_parts(params, count) };
        // SAFETY: the strings of each are as promised.
        params.iter().map(|param| unsafe { read_one(param) }).collect::<Result<_>>().map(Self)
    }

    /// Sets all of them of a jail to be created.
    pub(crate) fn build(self, builder: JailBuilder) -> Result<JailBuilder> {
        self.0.into_iter().try_fold(builder, |builder, (name, value)| match value {
            Some(value) => Ok(builder.set_value(&name, value)),
            None => Err(refused_for(&name, "a new jail has no entry to be removed")),
        })
    }

    /// Makes an update of them.
    pub(crate) fn update(self) -> JailUpdate {
        self.0.into_iter().fold(JailUpdate::new(), |update, (name, value)| match value {
            Some(value) => update.set_value(&name, value),
            None => update.remove_entry(&name),
        })
    }
}

/// # Safety
///
/// The parameter's strings are `NULL` or valid C strings.
unsafe fn read_one(param: &Param) -> Result<(String, Option<Value>)> {
    // SAFETY: as promised.
    let name = unsafe { read_name(param.name) }?;
    // SAFETY: as promised.
    let text = unsafe { string(param.value) };
    let definition = Catalog::describe(name)?;
    let value = match text {
        Some(text) => Some(definition.parse(OsStr::from_bytes(text.to_bytes()))?),
        None if definition.kind() == Kind::Bool => Some(Value::Bool(true)),
        None => None,
    };
    Ok((name.to_owned(), value))
}

/// Reads a parameter's name.
///
/// # Safety
///
/// As for `string`.
pub(crate) unsafe fn read_name<'a>(name: *const c_char) -> Result<&'a str> {
    // SAFETY: as promised.
    let name = unsafe { string(name) }.ok_or_else(|| refused("a parameter's name is NULL"))?;
    name.to_str().map_err(|_| refused_for(&name.to_string_lossy(), "no parameter has such a name"))
}

/// # Safety
///
/// `text` is `NULL` or a C string that nobody writes to during the call.
pub(crate) unsafe fn string<'a>(text: *const c_char) -> Option<&'a CStr> {
    if text.is_null() {
        return None;
    }
    // SAFETY: the caller owns the string, which ends in NUL.
    Some(unsafe { CStr::from_ptr(text) })
}

fn refused_for(name: &str, reason: &str) -> Error {
    Error::new(ErrorKind::InvalidParameter, format!("parameter {name:?}: {reason}"))
}
