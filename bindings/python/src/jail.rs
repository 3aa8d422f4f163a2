//! Handles of jails.

use std::ffi::OsString;
use std::os::fd::{AsRawFd, FromRawFd, IntoRawFd, OwnedFd, RawFd};
use std::process::Child;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use freebsd_jail::param::Kind;
use freebsd_jail::watch::{HeldJail, WaitOutcome};
use freebsd_jail::{self as native, Catalog, Error, ErrorKind, Jid, get::Present};
use pyo3::exceptions::{PyKeyError, PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict, PyMapping};

use crate::error::{Raise, raised};
use crate::process::{PIPE, Process, Program, Streams};
use crate::run;
use crate::time::Deadline;
use crate::value::{Params, to_python};

/// A handle with or without ownership of its jail.
enum Handle {
    Plain(native::Jail),
    Owned(native::OwnedJail),
}

impl Handle {
    fn jail(&self) -> &native::Jail {
        match self {
            Self::Plain(jail) => jail,
            Self::Owned(jail) => jail,
        }
    }
}

/// A handle of a jail. Dropping it leaves the jail alone.
#[pyclass(frozen, subclass, module = "freebsd_jail")]
pub(crate) struct Jail {
    /// None once it has been closed. A thread that uses it keeps it meanwhile.
    handle: Mutex<Option<Arc<Handle>>>,
    jid: Jid,
}

/// A handle that owns its jail: the jail is removed when the handle is closed, at the end of a with block or by the
/// garbage collector, and when the process ends (FreeBSD 15 and later).
#[pyclass(frozen, extends = Jail, module = "freebsd_jail")]
pub(crate) struct OwnedJail;

impl Jail {
    fn new(handle: Handle) -> Self {
        let jid = handle.jail().jid();
        Self { handle: Mutex::new(Some(Arc::new(handle))), jid }
    }

    fn plain(jail: native::Jail) -> Self {
        Self::new(Handle::Plain(jail))
    }

    fn handle(&self) -> PyResult<Arc<Handle>> {
        let handle = self.handle.lock().unwrap_or_else(PoisonError::into_inner).clone();
        handle.ok_or_else(|| PyValueError::new_err("the handle has been closed"))
    }

    fn take(&self) -> Option<Arc<Handle>> {
        self.handle.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    /// Makes a call of the crate. Other threads of Python run meanwhile.
    fn call<T: Send>(
        &self,
        py: Python<'_>,
        call: impl FnOnce(&native::Jail) -> native::Result<T> + Send,
    ) -> PyResult<T> {
        let handle = self.handle()?;
        py.detach(|| call(handle.jail())).raise()
    }

    /// Waits, and looks now and then whether a signal has arrived and which children have ended.
    fn wait(
        &self,
        py: Python<'_>,
        mut children: Vec<Bound<'_, PyAny>>,
        timeout: Option<f64>,
        first: impl FnOnce(&native::Jail) -> native::Result<WaitOutcome<(), HeldJail>> + Send,
    ) -> PyResult<bool> {
        let mut deadline = Deadline::after(timeout)?;
        let mut outcome = self.call(py, first)?;
        loop {
            let mut running = Vec::new();
            for child in children {
                if child.call_method0("poll")?.is_none() {
                    running.push(child);
                }
            }
            children = running;
            if outcome.is_done() && children.is_empty() {
                return Ok(true);
            }
            let Some(slice) = deadline.slice(py)? else { return Ok(false) };
            match &mut outcome {
                WaitOutcome::Done(()) => py.detach(|| thread::sleep(slice)),
                WaitOutcome::TimedOut(held) => {
                    if py.detach(|| held.wait_gone(Some(slice))).raise()?.is_done() {
                        outcome = WaitOutcome::Done(());
                    }
                }
            }
        }
    }
}

fn owned(py: Python<'_>, jail: native::OwnedJail) -> PyResult<Py<OwnedJail>> {
    Py::new(py, PyClassInitializer::from(Jail::new(Handle::Owned(jail))).add_subclass(OwnedJail))
}

/// Takes a descriptor that Python gives away.
#[allow(unsafe_code)]
pub(crate) fn taken(descriptor: RawFd) -> PyResult<OwnedFd> {
    if descriptor < 0 {
        return Err(raised(&Error::from(ErrorKind::InvalidDescriptor)));
    }
    // SAFETY: the caller gives the descriptor away, as the method's documentation says, and Python keeps no other
    // record of it.
    Ok(unsafe { OwnedFd::from_raw_fd(descriptor) })
}

fn kinds(names: Vec<String>) -> PyResult<Vec<(String, Kind)>> {
    let kind = |name: String| Catalog::describe(&name).map(|definition| (name, definition.kind()));
    names.into_iter().map(kind).collect::<native::Result<_>>().raise()
}

fn dictionary(
    py: Python<'_>,
    entries: impl IntoIterator<Item = (impl AsRef<str>, Option<native::param::Value>)>,
) -> PyResult<Bound<'_, PyDict>> {
    let dict = PyDict::new(py);
    for (name, value) in entries {
        dict.set_item(name.as_ref(), value.map(|value| to_python(py, value)).transpose()?)?;
    }
    Ok(dict)
}

#[pymethods]
impl Jail {
    /// Creates a jail and returns the handle that owns it.
    #[staticmethod]
    #[pyo3(signature = (params=None, /, **more))]
    fn create(
        py: Python<'_>,
        params: Option<&Bound<'_, PyMapping>>,
        more: Option<&Bound<'_, PyDict>>,
    ) -> PyResult<Py<OwnedJail>> {
        let builder = Params::read(params, more)?.build()?;
        owned(py, py.detach(|| builder.create()).raise()?)
    }

    /// Creates a jail that stays until it is removed.
    #[staticmethod]
    #[pyo3(signature = (params=None, /, **more))]
    fn create_detached(
        py: Python<'_>,
        params: Option<&Bound<'_, PyMapping>>,
        more: Option<&Bound<'_, PyDict>>,
    ) -> PyResult<Self> {
        let builder = Params::read(params, more)?.build()?;
        py.detach(|| builder.create_detached()).raise().map(Self::plain)
    }

    /// Finds a jail by its name or jid.
    #[staticmethod]
    fn open(py: Python<'_>, jail: &Bound<'_, PyAny>) -> PyResult<Self> {
        if let Ok(jid) = jail.extract::<i32>() {
            let jid = Jid::new(jid).ok_or_else(|| PyValueError::new_err("a jid is above zero"))?;
            return py.detach(|| native::Jail::open(jid)).raise().map(Self::plain);
        }
        let name = jail
            .extract::<String>()
            .map_err(|_| PyTypeError::new_err("a jail is found by its name, a str, or its jid, an int"))?;
        py.detach(|| native::Jail::open(&name)).raise().map(Self::plain)
    }

    /// Makes a handle of a jail descriptor that does not own its jail. The descriptor is the handle's from now on; it
    /// is closed on an error, too.
    #[staticmethod]
    fn from_fd(fd: RawFd) -> PyResult<Self> {
        native::Jail::try_from(taken(fd)?).raise().map(Self::plain)
    }

    /// Returns handles of the jails that this process can see, in the order of their jids.
    #[staticmethod]
    fn all(py: Python<'_>) -> PyResult<Vec<Self>> {
        let jails = py.detach(|| native::Jail::all().collect::<native::Result<Vec<_>>>()).raise()?;
        Ok(jails.into_iter().map(Self::plain).collect())
    }

    /// Reads parameters of all jails that this process can see: one system call for each jail.
    #[staticmethod]
    #[pyo3(signature = (*names))]
    fn read_all(py: Python<'_>, names: Vec<String>) -> PyResult<Vec<Bound<'_, PyDict>>> {
        let keys = kinds(names)?;
        let rows = py.detach(|| native::Jail::all().get(Present(&keys)).collect::<native::Result<Vec<_>>>());
        let names = || keys.iter().map(|(name, _)| name);
        rows.raise()?.into_iter().map(|row| dictionary(py, names().zip(row))).collect()
    }

    /// The jid.
    #[getter]
    fn jid(&self) -> i32 {
        self.jid.get()
    }

    /// Whether the jail lives: it has not begun to be removed.
    #[getter]
    fn alive(&self, py: Python<'_>) -> PyResult<bool> {
        self.call(py, native::Jail::is_alive)
    }

    /// Returns the handle's descriptor, which stays the handle's. Before FreeBSD 15 there is none.
    fn fileno(&self) -> PyResult<RawFd> {
        let handle = self.handle()?;
        let none = || Error::new(ErrorKind::Unsupported, "the handle goes by the jid and has no descriptor");
        handle.jail().descriptor().map(|descriptor| descriptor.as_raw_fd()).ok_or_else(none).raise()
    }

    /// Reads parameters in one system call. An entry of meta or env that the jail does not have is None.
    #[pyo3(signature = (*names))]
    fn read<'py>(&self, py: Python<'py>, names: Vec<String>) -> PyResult<Bound<'py, PyDict>> {
        let keys = kinds(names)?;
        let values = self.call(py, |jail| jail.get(Present(&keys)))?;
        dictionary(py, keys.iter().map(|(name, _)| name).zip(values))
    }

    /// Reads all parameters that the kernel has, in one system call.
    fn read_everything<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let catalog = py.detach(Catalog::current).raise()?;
        let values = self.call(py, |jail| jail.get(&catalog))?;
        dictionary(py, values.into_iter().map(|(name, value)| (name, Some(value))))
    }

    /// Reads one parameter. An entry of meta or env that the jail does not have raises KeyError.
    fn __getitem__(&self, py: Python<'_>, name: String) -> PyResult<Py<PyAny>> {
        let keys = kinds(vec![name])?;
        let value = self.call(py, |jail| jail.get(Present(&keys)))?.pop().flatten();
        match (value, keys.first()) {
            (Some(value), _) => to_python(py, value),
            (None, key) => Err(PyKeyError::new_err(key.map(|(name, _)| name.clone()))),
        }
    }

    /// Sets one parameter.
    fn __setitem__(&self, py: Python<'_>, name: String, value: &Bound<'_, PyAny>) -> PyResult<()> {
        let more = PyDict::new(py);
        more.set_item(name, value)?;
        self.update(py, None, Some(&more))
    }

    /// Sets parameters, all of them or none. None removes an entry of meta or env.
    #[pyo3(signature = (params=None, /, **more))]
    fn update(
        &self,
        py: Python<'_>,
        params: Option<&Bound<'_, PyMapping>>,
        more: Option<&Bound<'_, PyDict>>,
    ) -> PyResult<()> {
        let update = Params::read(params, more)?.update();
        self.call(py, |jail| jail.update(&update))
    }

    /// Returns handles of the jails directly below this one.
    fn children(&self, py: Python<'_>) -> PyResult<Vec<Self>> {
        let jails = self.call(py, |jail| jail.children().collect::<native::Result<Vec<_>>>())?;
        Ok(jails.into_iter().map(Self::plain).collect())
    }

    /// Makes another handle of the same jail, which does not own it and may be used in a forked child.
    fn clone(&self, py: Python<'_>) -> PyResult<Self> {
        self.call(py, native::Jail::try_clone).map(Self::plain)
    }

    /// Takes ownership: the jail is removed with the handle that is returned.
    fn own(&self, py: Python<'_>) -> PyResult<Py<OwnedJail>> {
        owned(py, self.call(py, |jail| jail.try_clone()?.into_owned())?)
    }

    /// Removes the jail and the jails below it, and kills their processes.
    fn remove(&self, py: Python<'_>) -> PyResult<()> {
        self.call(py, native::Jail::remove)
    }

    /// Removes the jail and waits until the kernel has let go of it, at most so many seconds. Returns whether it has.
    #[pyo3(signature = (timeout=None))]
    fn remove_and_wait(&self, py: Python<'_>, timeout: Option<f64>) -> PyResult<bool> {
        self.wait(py, Vec::new(), timeout, |jail| jail.remove_and_wait(Some(Duration::ZERO)))
    }

    /// Does the same, and waits for children of this process by their method poll, which Process and subprocess.Popen
    /// have: a killed child holds its jail until it has been waited for.
    #[pyo3(signature = (children, timeout=None))]
    fn remove_and_reap(
        &self,
        py: Python<'_>,
        children: Vec<Bound<'_, PyAny>>,
        timeout: Option<f64>,
    ) -> PyResult<bool> {
        let none: [Child; 0] = [];
        self.wait(py, children, timeout, |jail| jail.remove_and_reap(none, Some(Duration::ZERO)))
    }

    /// Waits until the jail has been removed and the kernel has let go of it, at most so many seconds. Returns whether
    /// it has.
    #[pyo3(signature = (timeout=None))]
    fn wait_gone(&self, py: Python<'_>, timeout: Option<f64>) -> PyResult<bool> {
        self.wait(py, Vec::new(), timeout, |jail| jail.wait_gone(Some(Duration::ZERO)))
    }

    /// Moves this process into the jail, for good. No directory may be open in the process, and the handle must not own
    /// the jail.
    fn attach(&self, py: Python<'_>) -> PyResult<()> {
        self.call(py, native::Jail::attach)
    }

    /// Starts a program in the jail, and returns it at once. It is looked up in the jail.
    ///
    /// user is one of the host's, cwd a path in the jail. env is the whole environment; with None it is that of a login,
    /// as jexec -l has it, and nothing of this process's is inherited. Streams are None for this process's, a
    /// descriptor, a file, or subprocess.PIPE, DEVNULL or STDOUT.
    #[pyo3(signature = (args, *, user=None, cwd=None, env=None, stdin=None, stdout=None, stderr=None))]
    #[allow(clippy::too_many_arguments, reason = "Python has them by name")]
    fn spawn(
        &self,
        args: &Bound<'_, PyAny>,
        user: Option<OsString>,
        cwd: Option<&Bound<'_, PyAny>>,
        env: Option<&Bound<'_, PyMapping>>,
        stdin: Option<&Bound<'_, PyAny>>,
        stdout: Option<&Bound<'_, PyAny>>,
        stderr: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<Process> {
        let py = args.py();
        let program = Program::read(args, user, cwd, env)?;
        let (streams, pipes) = Streams::read(py, [stdin, stdout, stderr])?;
        let child = self.call(py, |jail| program.start(jail, streams))?;
        Process::new(py, child, args, pipes)
    }

    /// Runs a program in the jail and waits for it, as subprocess.run does; user, cwd and env are those of spawn.
    ///
    /// When the time is over, the program is killed: what it has started itself stays in the jail.
    #[pyo3(signature = (args, *, user=None, cwd=None, env=None, input=None, capture_output=false, timeout=None, check=false))]
    #[allow(clippy::too_many_arguments, reason = "Python has them by name")]
    fn run<'py>(
        &self,
        args: &Bound<'py, PyAny>,
        user: Option<OsString>,
        cwd: Option<&Bound<'py, PyAny>>,
        env: Option<&Bound<'py, PyMapping>>,
        input: Option<&Bound<'py, PyBytes>>,
        capture_output: bool,
        timeout: Option<f64>,
        check: bool,
    ) -> PyResult<Bound<'py, PyAny>> {
        let py = args.py();
        let limit = (timeout, Deadline::after(timeout)?);
        let program = Program::read(args, user, cwd, env)?;
        let pipe = PIPE.into_pyobject(py)?.into_any();
        let output = Some(&pipe).filter(|_| capture_output);
        let (streams, pipes) = Streams::read(py, [Some(&pipe).filter(|_| input.is_some()), output, output])?;
        let child = self.call(py, |jail| program.start(jail, streams))?;
        run::to_its_end(args, child, pipes, input.map_or(&[], |input| input.as_bytes()), limit, check)
    }

    fn __repr__(slf: &Bound<'_, Self>) -> PyResult<String> {
        Ok(format!("<{} {}>", slf.get_type().name()?, slf.get().jid))
    }
}

#[pymethods]
impl OwnedJail {
    /// Makes the owner of a jail from a descriptor that owns it, as into_fd returns one. The descriptor is the handle's
    /// from now on; it is closed on an error, too.
    #[staticmethod]
    fn from_fd(py: Python<'_>, fd: RawFd) -> PyResult<Py<Self>> {
        owned(py, native::OwnedJail::try_from(taken(fd)?).raise()?)
    }

    /// Hands the jail over: returns the descriptor that owns it, closes the handle and leaves the jail alone. Closing the
    /// last copy of the descriptor removes the jail.
    fn into_fd(slf: &Bound<'_, Self>) -> PyResult<RawFd> {
        let jail = slf.as_super().get();
        let restored = |handle, reason: &'static str| {
            *jail.handle.lock().unwrap_or_else(PoisonError::into_inner) = Some(handle);
            Err(raised(&Error::new(ErrorKind::Unsupported, reason)))
        };
        let handle = jail.take().ok_or_else(|| PyValueError::new_err("the handle has been closed"))?;
        match Arc::try_unwrap(handle) {
            Ok(Handle::Owned(owned)) => owned.into_descriptor().map(IntoRawFd::into_raw_fd).or_else(|owned| {
                let reason = "there is no descriptor: this kernel has none, or the handle belongs to the process that \
                              this one was forked from";
                restored(Arc::new(Handle::Owned(owned)), reason)
            }),
            Ok(plain) => restored(Arc::new(plain), "the handle does not own its jail"),
            Err(shared) => restored(shared, "another thread uses the handle"),
        }
    }

    /// Removes the jail, unless it has been removed, and closes the handle.
    fn close(slf: &Bound<'_, Self>) -> PyResult<()> {
        let Some(handle) = slf.as_super().get().take() else { return Ok(()) };
        let result = slf.py().detach(move || handle.jail().remove());
        match result {
            Err(error) if error.kind() == ErrorKind::Gone => Ok(()),
            result => result.raise(),
        }
    }

    fn __enter__(slf: Py<Self>) -> Py<Self> {
        slf
    }

    #[pyo3(signature = (_kind=None, _exception=None, _traceback=None, /))]
    fn __exit__(
        slf: &Bound<'_, Self>,
        _kind: Option<&Bound<'_, PyAny>>,
        _exception: Option<&Bound<'_, PyAny>>,
        _traceback: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<()> {
        Self::close(slf)
    }
}
