//! FreeBSD jails for Python. `freebsd_jail.pyi` has the types; a test compares it with the module.

#![deny(unsafe_code)]

mod error;
mod jail;
#[cfg(feature = "sim")]
mod model;
mod process;
mod run;
mod time;
mod value;

use pyo3::prelude::*;

/// FreeBSD jails: create, read, change, remove and attach to them, and start programs in them.
#[pymodule(name = "freebsd_jail")]
mod module {
    use pyo3::prelude::*;

    #[pymodule_export]
    use crate::is_jailed;
    #[pymodule_export]
    use crate::jail::{Jail, OwnedJail};
    #[cfg(feature = "sim")]
    #[pymodule_export]
    use crate::model::Model;
    #[pymodule_export]
    use crate::process::Process;

    #[pymodule_init]
    fn init(module: &Bound<'_, PyModule>) -> PyResult<()> {
        crate::error::add_classes(module)
    }
}

/// Whether this process is in a jail.
#[pyfunction]
fn is_jailed() -> PyResult<bool> {
    error::Raise::raise(freebsd_jail::is_jailed())
}
