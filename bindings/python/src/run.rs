//! Running a program to its end.

use std::fs::File;
use std::io::{ErrorKind, Read, Write};
use std::os::fd::{AsRawFd, OwnedFd, RawFd};
use std::process::Child;

use pyo3::prelude::*;
use pyo3::types::PyBytes;

use crate::error::os_error;
use crate::process::{Pipes, Shared, returncode, subprocess_error};
use crate::time::Deadline;

/// Gives a program its input, takes its output and waits for it, as subprocess.run does.
pub(crate) fn to_its_end<'py>(
    args: &Bound<'py, PyAny>,
    child: Child,
    pipes: Pipes,
    input: &[u8],
    (timeout, mut deadline): (Option<f64>, Deadline),
    check: bool,
) -> PyResult<Bound<'py, PyAny>> {
    let py = args.py();
    let child = Shared::new(child);
    let mut talk = Talk::new(pipes, input);
    let ended = match talk.until_all_closed(py, &mut deadline) {
        Ok(true) => {
            deadline.wait_for_another();
            child.wait(py, &mut deadline)
        }
        Ok(false) => Ok(None),
        Err(error) => Err(error),
    };
    let [output, errors] = talk.outputs.map(|output| output.map(|output| PyBytes::new(py, &output.bytes)));
    match ended {
        Ok(Some(status)) if check && !status.success() => {
            Err(subprocess_error(py, "CalledProcessError", (returncode(status), args, output, errors)))
        }
        Ok(Some(status)) => py.import("subprocess")?.getattr("CompletedProcess")?.call1((
            args,
            returncode(status),
            output,
            errors,
        )),
        Ok(None) => {
            child.end(py);
            Err(subprocess_error(py, "TimeoutExpired", (args, timeout, output, errors)))
        }
        Err(error) => {
            child.end(py);
            Err(error)
        }
    }
}

/// What goes through the pipes.
struct Talk<'a> {
    input: Option<File>,
    /// The rest of the input.
    rest: &'a [u8],
    outputs: [Option<Output>; 2],
}

struct Output {
    /// None once all has been read.
    pipe: Option<File>,
    bytes: Vec<u8>,
}

impl<'a> Talk<'a> {
    fn new([input, output, errors]: Pipes, rest: &'a [u8]) -> Self {
        let read = |pipe: OwnedFd| Output { pipe: Some(pipe.into()), bytes: Vec::new() };
        let input = input.filter(|_| !rest.is_empty()).map(File::from);
        Self { input, rest, outputs: [output.map(read), errors.map(read)] }
    }

    /// Writes and reads until all pipes are closed. Returns false when the time is over. Other threads run while Python
    /// polls.
    fn until_all_closed(&mut self, py: Python<'_>, deadline: &mut Deadline) -> PyResult<bool> {
        let select = py.import("select")?;
        let (readable, writable) = (select.getattr("POLLIN")?, select.getattr("POLLOUT")?);
        // So much can be written at once without blocking where anything can.
        let most = select.getattr("PIPE_BUF")?.extract()?;
        loop {
            let poll = select.call_method0("poll")?;
            let pipes = self.outputs.iter().flatten().filter_map(|output| output.pipe.as_ref());
            let pipes =
                pipes.map(|pipe| (pipe, &readable)).chain(self.input.iter().map(|pipe| (pipe, &writable)));
            let mut open = 0;
            for (pipe, event) in pipes {
                poll.call_method1("register", (pipe.as_raw_fd(), event))?;
                open += 1;
            }
            if open == 0 {
                return Ok(true);
            }
            let Some(slice) = deadline.slice(py)? else { return Ok(false) };
            let ready = poll.call_method1("poll", (slice.as_secs_f64() * 1000.0,))?;
            for (descriptor, _) in ready.extract::<Vec<(RawFd, i32)>>()? {
                self.write_to(descriptor, most)?;
                self.read_from(descriptor)?;
            }
        }
    }

    fn write_to(&mut self, descriptor: RawFd, most: usize) -> PyResult<()> {
        let Some(pipe) = self.input.as_mut().filter(|pipe| pipe.as_raw_fd() == descriptor) else {
            return Ok(());
        };
        let written = pipe.write(self.rest.get(..most).unwrap_or(self.rest));
        match written {
            Ok(written) => self.rest = self.rest.get(written..).unwrap_or_default(),
            // The program reads no more.
            Err(error) if error.kind() == ErrorKind::BrokenPipe => self.rest = &[],
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(os_error(&error)),
        }
        if self.rest.is_empty() {
            self.input = None;
        }
        Ok(())
    }

    fn read_from(&mut self, descriptor: RawFd) -> PyResult<()> {
        let is_it = |pipe: &&mut File| pipe.as_raw_fd() == descriptor;
        for output in self.outputs.iter_mut().flatten() {
            let Some(pipe) = output.pipe.as_mut().filter(is_it) else { continue };
            let mut chunk = [0; 16 * 1024];
            match pipe.read(&mut chunk) {
                Ok(0) => output.pipe = None,
                Ok(read) => output.bytes.extend_from_slice(chunk.get(..read).unwrap_or_default()),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(os_error(&error)),
            }
        }
        Ok(())
    }
}
