//! Values of parameters, from and into Python's types.

use std::ffi::OsString;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::os::unix::ffi::OsStringExt;
use std::path::PathBuf;

use freebsd_jail::param::{Kind, Value};
use freebsd_jail::{Catalog, JailBuilder, JailUpdate};
use pyo3::IntoPyObjectExt;
use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict, PyMapping, PyString};

use crate::error::Raise;

pub(crate) fn to_python(py: Python<'_>, value: Value) -> PyResult<Py<PyAny>> {
    match value {
        Value::Bool(value) => value.into_py_any(py),
        Value::Int(value) => value.into_py_any(py),
        Value::Ulong(value) => value.into_py_any(py),
        // What is not UTF-8 is kept as os.fsdecode() keeps it.
        Value::String(value) => value.into_py_any(py),
        Value::Ip4(value) => value.into_py_any(py),
        Value::Ip6(value) => value.into_py_any(py),
        Value::Bytes(value) => PyBytes::new(py, &value).into_py_any(py),
        value => value.to_string().into_py_any(py),
    }
}

fn from_python(name: &str, kind: Kind, object: &Bound<'_, PyAny>) -> PyResult<Value> {
    let value = match kind {
        Kind::Bool => object.extract().map(Value::Bool),
        Kind::Int => object.extract().map(Value::Int),
        Kind::Ulong => object.extract().map(Value::Ulong),
        Kind::String => string(object).map(Value::String),
        Kind::Ip4 => addresses(object, v4).map(Value::Ip4),
        Kind::Ip6 => addresses(object, v6).map(Value::Ip6),
        Kind::Mode => {
            let mode = object.extract::<String>()?.parse();
            mode.map(Value::Mode).map_err(|_| PyValueError::new_err("neither disable, new nor inherit"))
        }
        Kind::Bytes => object.extract().map(Value::Bytes),
        _ => Err(PyTypeError::new_err("this kind of parameter is not supported")),
    };
    value.map_err(|error| {
        let py = object.py();
        PyErr::from_type(error.get_type(py), format!("parameter {name:?}: {}", error.value(py)))
    })
}

/// Reads a str, bytes or os.PathLike, as os.fsencode() does.
pub(crate) fn string(object: &Bound<'_, PyAny>) -> PyResult<OsString> {
    match object.cast::<PyBytes>() {
        Ok(bytes) => Ok(OsString::from_vec(bytes.as_bytes().to_vec())),
        Err(_) => object.extract().map(PathBuf::into_os_string),
    }
}

fn addresses<T>(object: &Bound<'_, PyAny>, family: fn(IpAddr) -> Option<T>) -> PyResult<Vec<T>> {
    let one = |object: &Bound<'_, PyAny>| {
        let address = object.extract()?;
        family(address).ok_or_else(|| PyValueError::new_err(format!("{address} is of the other family")))
    };
    if object.is_instance_of::<PyString>() || object.hasattr("packed")? {
        return Ok(vec![one(object)?]);
    }
    object.try_iter()?.map(|each| one(&each?)).collect()
}

fn v4(address: IpAddr) -> Option<Ipv4Addr> {
    match address {
        IpAddr::V4(address) => Some(address),
        IpAddr::V6(_) => None,
    }
}

fn v6(address: IpAddr) -> Option<Ipv6Addr> {
    match address {
        IpAddr::V6(address) => Some(address),
        IpAddr::V4(_) => None,
    }
}

/// Parameters with their values. One with `None` is an entry of `meta` or `env` to be removed.
pub(crate) struct Params(Vec<(String, Option<Value>)>);

impl Params {
    pub(crate) fn read(
        params: Option<&Bound<'_, PyMapping>>,
        more: Option<&Bound<'_, PyDict>>,
    ) -> PyResult<Self> {
        let mut all = Vec::new();
        let more = more.map(PyDictMethods::as_mapping);
        for mapping in [params, more].into_iter().flatten() {
            for item in mapping.items()? {
                let (name, object) = item.extract::<(String, Bound<'_, PyAny>)>()?;
                let kind = Catalog::describe(&name).raise()?.kind();
                let value = if object.is_none() { None } else { Some(from_python(&name, kind, &object)?) };
                all.push((name, value));
            }
        }
        Ok(Self(all))
    }

    /// Sets all of them of a jail to be created.
    pub(crate) fn build(self) -> PyResult<JailBuilder> {
        self.0.into_iter().try_fold(freebsd_jail::Jail::builder(), |builder, (name, value)| match value {
            Some(value) => Ok(builder.set_value(&name, value)),
            None => Err(PyValueError::new_err(format!(
                "parameter {name:?}: a new jail has no entry to be removed"
            ))),
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
