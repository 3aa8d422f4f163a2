//! Programs in jails.

use std::ffi::OsString;
use std::os::fd::{IntoRawFd, OwnedFd, RawFd};
use std::os::unix::process::ExitStatusExt;
use std::process::{Child, ExitStatus, Stdio};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread;

use freebsd_jail::Jail;
use pyo3::call::PyCallArgs;
use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyMapping, PyString};

use crate::error::os_error;
use crate::jail::taken;
use crate::time::Deadline;
use crate::value::string;

/// A program to start.
pub(crate) struct Program {
    args: Vec<OsString>,
    user: Option<OsString>,
    directory: Option<OsString>,
    environment: Option<Vec<(OsString, OsString)>>,
}

impl Program {
    pub(crate) fn read(
        args: &Bound<'_, PyAny>,
        user: Option<OsString>,
        cwd: Option<&Bound<'_, PyAny>>,
        env: Option<&Bound<'_, PyMapping>>,
    ) -> PyResult<Self> {
        if args.is_instance_of::<PyString>() || args.is_instance_of::<PyBytes>() {
            return Err(PyTypeError::new_err("args is a list: the program and its arguments"));
        }
        let args = args.try_iter()?.map(|each| string(&each?)).collect::<PyResult<Vec<_>>>()?;
        if args.is_empty() {
            return Err(PyValueError::new_err("args is empty: there is no program"));
        }
        let variable = |item: Bound<'_, PyAny>| -> PyResult<_> {
            let (name, value) = item.extract::<(Bound<'_, PyAny>, Bound<'_, PyAny>)>()?;
            Ok((string(&name)?, string(&value)?))
        };
        let variables = |env: &Bound<'_, PyMapping>| env.items()?.iter().map(variable).collect();
        Ok(Self {
            args,
            user,
            directory: cwd.map(string).transpose()?,
            environment: env.map(variables).transpose()?,
        })
    }

    /// Starts it.
    pub(crate) fn start(self, jail: &Jail, streams: Streams) -> freebsd_jail::Result<Child> {
        let mut args = self.args.into_iter();
        let mut command = jail.command(args.next().unwrap_or_default());
        command.args(args);
        match self.environment {
            Some(variables) => command.env_clear().envs(variables),
            None => command.clean_env(),
        };
        if let Some(user) = self.user {
            command.user(user);
        }
        if let Some(directory) = self.directory {
            command.current_dir(directory);
        }
        let [stdin, stdout, stderr] = streams.0;
        command.stdin(stdin).stdout(stdout).stderr(stderr).spawn()
    }
}

/// The program's standard streams.
pub(crate) struct Streams([Stdio; 3]);

/// This process's ends of the pipes among them.
pub(crate) type Pipes = [Option<OwnedFd>; 3];

/// What these constants of subprocess are.
pub(crate) const PIPE: RawFd = -1;
const STDOUT: RawFd = -2;
const DEVNULL: RawFd = -3;

/// The program's end of a stream.
enum End {
    Inherited,
    Null,
    Descriptor(OwnedFd),
}

impl Streams {
    /// Reads what subprocess takes for each: None, a descriptor, a file or one of its constants.
    pub(crate) fn read(
        py: Python<'_>,
        [stdin, stdout, stderr]: [Option<&Bound<'_, PyAny>>; 3],
    ) -> PyResult<(Self, Pipes)> {
        let [stdin, stdout, stderr] = [descriptor(stdin)?, descriptor(stdout)?, descriptor(stderr)?];
        let (stdin, input) = End::read(py, stdin, true)?;
        let (stdout, output) = End::read(py, stdout, false)?;
        let (stderr, errors) = match stderr {
            Some(STDOUT) => (stdout.copy(py)?, None),
            stderr => End::read(py, stderr, false)?,
        };
        Ok((Self([stdin.into(), stdout.into(), stderr.into()]), [input, output, errors]))
    }
}

impl End {
    fn read(py: Python<'_>, given: Option<RawFd>, is_input: bool) -> PyResult<(Self, Option<OwnedFd>)> {
        Ok(match given {
            None => (Self::Inherited, None),
            Some(DEVNULL) => (Self::Null, None),
            Some(PIPE) => {
                let (read, write) = py.import("os")?.call_method0("pipe")?.extract()?;
                let (read, write) = (taken(read)?, taken(write)?);
                let (end, other) = if is_input { (read, write) } else { (write, read) };
                (Self::Descriptor(end), Some(other))
            }
            Some(descriptor) => (Self::Descriptor(duplicate(py, descriptor)?), None),
        })
    }

    /// Makes another of the same stream, which is the standard output.
    fn copy(&self, py: Python<'_>) -> PyResult<Self> {
        Ok(match self {
            Self::Inherited => Self::Descriptor(duplicate(py, 1)?),
            Self::Null => Self::Null,
            Self::Descriptor(end) => Self::Descriptor(end.try_clone().map_err(|error| os_error(&error))?),
        })
    }
}

impl From<End> for Stdio {
    fn from(end: End) -> Self {
        match end {
            End::Inherited => Self::inherit(),
            End::Null => Self::null(),
            End::Descriptor(end) => end.into(),
        }
    }
}

fn descriptor(given: Option<&Bound<'_, PyAny>>) -> PyResult<Option<RawFd>> {
    let number = |given: &Bound<'_, PyAny>| {
        given.extract().or_else(|_| given.call_method0("fileno").and_then(|number| number.extract()))
    };
    given.map(number).transpose()
}

fn duplicate(py: Python<'_>, descriptor: RawFd) -> PyResult<OwnedFd> {
    taken(py.import("os")?.call_method1("dup", (descriptor,))?.extract()?)
}

/// A child that several threads may wait for. No lock is held while one waits, or runs Python.
pub(crate) struct Shared(Mutex<Child>);

impl Shared {
    pub(crate) fn new(child: Child) -> Self {
        Self(Mutex::new(child))
    }

    fn child(&self) -> MutexGuard<'_, Child> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn poll(&self) -> PyResult<Option<ExitStatus>> {
        self.child().try_wait().map_err(|error| os_error(&error))
    }

    /// Waits for the child. Other threads of Python run meanwhile.
    pub(crate) fn wait(&self, py: Python<'_>, deadline: &mut Deadline) -> PyResult<Option<ExitStatus>> {
        loop {
            if let Some(status) = self.poll()? {
                return Ok(Some(status));
            }
            let Some(slice) = deadline.slice(py)? else { return Ok(None) };
            py.detach(|| thread::sleep(slice));
        }
    }

    /// Kills the child, unless somebody has waited for it: its pid may be another process's then.
    fn kill(&self) -> PyResult<()> {
        let mut child = self.child();
        let killed = match child.try_wait() {
            Ok(None) => child.kill(),
            ended => ended.map(|_| ()),
        };
        killed.map_err(|error| os_error(&error))
    }

    /// Kills the child and waits for it, when something else has failed already.
    pub(crate) fn end(&self, py: Python<'_>) {
        if self.kill().is_ok() {
            // An error is that of the kill.
            let _ = py.detach(|| self.child().wait());
        }
    }
}

/// Returns a status as subprocess has it: below zero for a signal.
pub(crate) fn returncode(status: ExitStatus) -> i32 {
    status.code().or_else(|| status.signal().map(|signal| -signal)).unwrap_or_default()
}

/// Makes an exception of subprocess.
pub(crate) fn subprocess_error<'py>(py: Python<'py>, class: &str, args: impl PyCallArgs<'py>) -> PyErr {
    let exception = py.import("subprocess").and_then(|module| module.getattr(class)?.call1(args));
    exception.map_or_else(|error| error, PyErr::from_value)
}

/// A program that was started in a jail. It holds the jail until it has ended and has been waited for.
#[pyclass(frozen, module = "freebsd_jail")]
pub(crate) struct Process {
    child: Shared,
    args: Py<PyAny>,
    /// The pid. It is no other process's as long as neither poll nor wait has returned a status.
    #[pyo3(get)]
    pid: u32,
    /// This process's end of the pipe, if stdin was PIPE.
    #[pyo3(get)]
    stdin: Option<Py<PyAny>>,
    /// This process's end of the pipe, if stdout was PIPE.
    #[pyo3(get)]
    stdout: Option<Py<PyAny>>,
    /// This process's end of the pipe, if stderr was PIPE.
    #[pyo3(get)]
    stderr: Option<Py<PyAny>>,
}

impl Process {
    pub(crate) fn new(py: Python<'_>, child: Child, args: &Bound<'_, PyAny>, pipes: Pipes) -> PyResult<Self> {
        let pid = child.id();
        let child = Shared::new(child);
        let [stdin, stdout, stderr] = files(py, pipes).inspect_err(|_| child.end(py))?;
        Ok(Self { child, args: args.clone().unbind(), pid, stdin, stdout, stderr })
    }
}

/// Makes files of Python.
fn files(py: Python<'_>, pipes: Pipes) -> PyResult<[Option<Py<PyAny>>; 3]> {
    let open = py.import("io")?.getattr("open")?;
    let file = |pipe: Option<OwnedFd>, mode| {
        let file = pipe.map(|pipe| open.call1((pipe.into_raw_fd(), mode))).transpose();
        file.map(|file| file.map(Bound::unbind))
    };
    let [stdin, stdout, stderr] = pipes;
    Ok([file(stdin, "wb")?, file(stdout, "rb")?, file(stderr, "rb")?])
}

#[pymethods]
impl Process {
    /// Returns the exit status if the program has ended: negative for a signal that killed it. None while it runs.
    fn poll(&self) -> PyResult<Option<i32>> {
        Ok(self.child.poll()?.map(returncode))
    }

    /// Waits until the program has ended, at most so many seconds, and returns its exit status. Raises
    /// subprocess.TimeoutExpired when the time is over; the program goes on.
    #[pyo3(signature = (timeout=None))]
    fn wait(&self, py: Python<'_>, timeout: Option<f64>) -> PyResult<i32> {
        let status = self.child.wait(py, &mut Deadline::after(timeout)?)?;
        let over = || subprocess_error(py, "TimeoutExpired", (&self.args, timeout));
        status.map(returncode).ok_or_else(over)
    }

    /// Sends SIGKILL to the program, unless it has ended. What it has started itself stays in the jail.
    fn kill(&self) -> PyResult<()> {
        self.child.kill()
    }

    fn __enter__(slf: Py<Self>) -> Py<Self> {
        slf
    }

    /// Closes the pipes and waits.
    #[pyo3(signature = (_kind=None, _exception=None, _traceback=None, /))]
    fn __exit__(
        &self,
        py: Python<'_>,
        _kind: Option<&Bound<'_, PyAny>>,
        _exception: Option<&Bound<'_, PyAny>>,
        _traceback: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<()> {
        let pipes = [&self.stdin, &self.stdout, &self.stderr].into_iter().flatten();
        let closed: Vec<_> = pipes.map(|pipe| pipe.call_method0(py, "close")).collect();
        self.wait(py, None)?;
        closed.into_iter().collect::<PyResult<Vec<_>>>().map(|_| ())
    }

    fn __repr__(&self) -> String {
        format!("<Process {}>", self.pid)
    }
}
