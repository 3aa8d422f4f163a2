//! Exceptions: one for each kind of error.

use std::io;

use freebsd_jail::error::{Call, Stage};
use freebsd_jail::{Error, ErrorKind};
use pyo3::create_exception;
use pyo3::exceptions::PyOSError;
use pyo3::prelude::*;
use pyo3::types::PyType;

create_exception!(
    freebsd_jail,
    JailError,
    PyOSError,
    "A failed operation on jails.\n\nBesides errno and strerror it has: message, the kernel's own text; parameter and \
     value, those at fault; jail, the name or jid; call, the system call; stage, the step of starting a program. Each \
     is None where it is not known."
);

macro_rules! classes {
    ($($class:ident $kind:ident $doc:literal;)*) => {
        $(create_exception!(freebsd_jail, $class, JailError, $doc);)*

        /// Returns the class of a kind. Kinds that are newer than this file have that of all.
        fn class(py: Python<'_>, kind: ErrorKind) -> Bound<'_, PyType> {
            match kind {
                $(ErrorKind::$kind => py.get_type::<$class>(),)*
                _ => py.get_type::<JailError>(),
            }
        }

        pub(crate) fn add_classes(module: &Bound<'_, PyModule>) -> PyResult<()> {
            let py = module.py();
            module.add("JailError", py.get_type::<JailError>())?;
            $(module.add(stringify!($class), py.get_type::<$class>())?;)*
            Ok(())
        }
    };
}

classes! {
    UnsupportedError Unsupported "The kernel cannot do this, or there are no jails at all.";
    PermissionDeniedError PermissionDenied "Not root, or more than the parent jail allows.";
    NotFoundError NotFound "No such jail can be seen from here.";
    GoneError Gone "The jail of this handle has been removed.";
    DyingError Dying "The jail is being removed.";
    AlreadyExistsError AlreadyExists "A jail of that name or jid exists.";
    UnknownParameterError UnknownParameter "The running kernel has no such parameter.";
    InvalidParameterError InvalidParameter "A parameter's name is malformed, or it may not be used this way.";
    InvalidValueError InvalidValue "A parameter's value is malformed, out of range or too long.";
    ConflictError Conflict "Two parameters exclude each other.";
    InvalidRequestError InvalidRequest "A request is too large or empty.";
    InvalidPathError InvalidPath "The jail's path is not a directory, or cannot be reached.";
    NotExecutableError NotExecutable "A program cannot be executed in the jail.";
    AddressInUseError AddressInUse "Another jail uses the address.";
    LimitExceededError LimitExceeded "A jail has as many jails below it as it may have.";
    InvalidDescriptorError InvalidDescriptor "The descriptor is not open, or not a jail's.";
    OtherProcessError OtherProcess "The handle belongs to the process that this one was forked from.";
    NotCapableError NotCapable "Capsicum forbids the call.";
    ResourceExhaustedError ResourceExhausted "No more descriptors, memory or jids can be had.";
    InvalidAnswerError InvalidAnswer "The kernel's answer could not be understood.";
}

/// Makes the exception of an error.
pub(crate) fn raised(error: &Error) -> PyErr {
    Python::attach(|py| exception(py, error).unwrap_or_else(|failed| failed))
}

fn exception(py: Python<'_>, error: &Error) -> PyResult<PyErr> {
    let exception = class(py, error.kind()).call1((error.errno_or_default(), error.to_string()))?;
    exception.setattr("message", error.message())?;
    exception.setattr("parameter", error.parameter())?;
    exception.setattr("value", error.value())?;
    exception.setattr("jail", error.jail())?;
    exception.setattr("call", error.call().map(Call::name))?;
    exception.setattr("stage", error.stage().map(Stage::name))?;
    Ok(PyErr::from_value(exception))
}

/// Makes the exception of an error of the operating system: a class below `OSError`, by errno.
pub(crate) fn os_error(error: &io::Error) -> PyErr {
    PyOSError::new_err((error.raw_os_error(), error.to_string()))
}

/// An error of the crate on its way to Python.
pub(crate) trait Raise<T> {
    fn raise(self) -> PyResult<T>;
}

impl<T> Raise<T> for freebsd_jail::Result<T> {
    fn raise(self) -> PyResult<T> {
        self.map_err(|error| raised(&error))
    }
}
