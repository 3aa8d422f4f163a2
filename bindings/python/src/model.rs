//! A model of the kernel, for tests.

use std::sync::{Mutex, PoisonError};

use freebsd_jail::sim::{Kernel, ProcessGuard, Release};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;

/// A model of the kernel in memory. In a with block, the jail calls of all threads of this process go to it.
#[pyclass(frozen, module = "freebsd_jail")]
pub(crate) struct Model {
    kernel: Kernel,
    installed: Mutex<Option<ProcessGuard>>,
}

#[pymethods]
impl Model {
    /// Makes a model of a FreeBSD release, such as "14.2", or of the newest. Programs in its jails run only with
    /// allow_exec, and then on the host: nothing confines them.
    #[new]
    #[pyo3(signature = (release=None, *, allow_exec=false))]
    fn new(release: Option<&str>, allow_exec: bool) -> PyResult<Self> {
        let kernel = match release {
            Some(name) => Kernel::with_release(find(name)?),
            None => Kernel::new(),
        };
        kernel.allow_exec(allow_exec);
        Ok(Self { kernel, installed: Mutex::new(None) })
    }

    /// The calls that would have harmed a real kernel, in words.
    #[getter]
    fn sprung(&self) -> Vec<String> {
        self.kernel.sprung().iter().map(|sprung| format!("{sprung:?}")).collect()
    }

    fn __enter__(slf: Bound<'_, Self>) -> Bound<'_, Self> {
        let model = slf.get();
        *model.installed.lock().unwrap_or_else(PoisonError::into_inner) =
            Some(model.kernel.install_for_process());
        slf
    }

    #[pyo3(signature = (_kind=None, _exception=None, _traceback=None, /))]
    fn __exit__(
        &self,
        _kind: Option<&Bound<'_, PyAny>>,
        _exception: Option<&Bound<'_, PyAny>>,
        _traceback: Option<&Bound<'_, PyAny>>,
    ) {
        self.installed.lock().unwrap_or_else(PoisonError::into_inner).take();
    }
}

fn find(name: &str) -> PyResult<Release> {
    let is_it = |release: &Release| release.osrelease().split('-').next() == Some(name);
    let unknown = || PyValueError::new_err(format!("there is no model of FreeBSD {name}"));
    Release::ALL.into_iter().find(is_it).ok_or_else(unknown)
}
