//! A child that waits for a signal from outside before it executes its program.
//!
//! std's `Command` notices by a pipe that execve(2) has been called, which closes the pipe. A held child closes the
//! pipe before it waits, with all other descriptors that execve(2) would close. So std returns, the child keeps no
//! descriptors of its parent, and it has to execute the program itself.

use core::ffi::{CStr, c_char, c_int};
use core::ptr;
use std::ffi::CString;
use std::os::fd::{AsRawFd, OwnedFd};

use super::{Errno, open};

/// The status of a child whose gate was closed.
const CLOSED: c_int = 125;
/// The status if the program cannot be executed, and if it does not exist, as in shells.
const NOT_EXECUTABLE: c_int = 126;
const NOT_FOUND: c_int = 127;

/// A program, and the gate that is read before it is executed.
#[derive(Debug)]
pub(crate) struct Hold {
    pub(crate) gate: OwnedFd,
    pub(crate) program: Program,
}

/// The arguments of execve(2), allocated before the fork.
#[derive(Debug)]
pub(crate) struct Program {
    /// The paths to try, in this order.
    paths: Vec<CString>,
    /// `argv` and `envp`, up to their NULLs. They point to the strings below.
    arguments: Vec<*const c_char>,
    environment: Vec<*const c_char>,
    /// `argv` of the shell that executes a file without a format, whose path is put into the second place.
    script: Vec<*const c_char>,
    _strings: [Vec<CString>; 2],
}

// SAFETY: the pointers point to the strings beside them, which nothing changes.
unsafe impl Send for Program {}
// SAFETY: as above.
unsafe impl Sync for Program {}

impl Program {
    pub(crate) fn new(paths: Vec<CString>, arguments: Vec<CString>, environment: Vec<CString>) -> Self {
        let pointers = |strings: &[CString]| -> Vec<*const c_char> {
            strings.iter().map(|string| string.as_ptr()).chain([ptr::null()]).collect()
        };
        let following = arguments.iter().skip(1).map(|argument| argument.as_ptr());
        let script = [c"sh".as_ptr(), ptr::null()].into_iter().chain(following).chain([ptr::null()]);
        Self {
            script: script.collect(),
            paths,
            arguments: pointers(&arguments),
            environment: pointers(&environment),
            _strings: [arguments, environment],
        }
    }

    /// Looks for a file that may be executed.
    fn check(&self) -> Result<(), Errno> {
        let mut result = Err(Errno(libc::ENOENT));
        for path in &self.paths {
            // SAFETY: the path ends in NUL, is ours and only read.
            if unsafe { libc::access(path.as_ptr(), libc::X_OK) } == 0 {
                if !is_directory(path) {
                    return Ok(());
                }
                result = Err(Errno(libc::EACCES));
            } else if Errno::last() != Errno(libc::ENOENT) && result == Err(Errno(libc::ENOENT)) {
                result = Err(Errno::last());
            }
        }
        result
    }

    /// Executes the program. Returns only on failure, with the errno that execvp(3) would set.
    ///
    /// A file of unknown format is executed by /bin/sh, as execvp(3) does.
    fn execute(&mut self) -> Errno {
        let mut denied = None;
        let mut last = Errno(libc::ENOENT);
        for path in &self.paths {
            last = self.execve(path, &self.arguments);
            match last.0 {
                libc::EACCES => denied = Some(last),
                libc::ENOENT | libc::ENOTDIR | libc::ELOOP | libc::ENAMETOOLONG => {}
                libc::ENOEXEC => {
                    let path = path.as_ptr();
                    if let Some(place) = self.script.get_mut(1) {
                        *place = path;
                    }
                    return self.execve(c"/bin/sh", &self.script);
                }
                _ => return last,
            }
        }
        denied.unwrap_or(last)
    }

    fn execve(&self, path: &CStr, arguments: &[*const c_char]) -> Errno {
        // SAFETY: the path and all strings end in NUL, both arrays in NULL; all are ours and only read.
        unsafe { libc::execve(path.as_ptr(), arguments.as_ptr(), self.environment.as_ptr()) };
        Errno::last()
    }
}

fn is_directory(path: &CStr) -> bool {
    let mut stat = core::mem::MaybeUninit::<libc::stat>::uninit();
    // SAFETY: the path ends in NUL and is only read; the kernel writes one structure, which is ours.
    if Errno::check(unsafe { libc::stat(path.as_ptr(), stat.as_mut_ptr()) }).is_err() {
        return false;
    }
    // SAFETY: the call succeeded, and so filled it.
    let stat = unsafe { stat.assume_init() };
    stat.st_mode & libc::S_IFMT == libc::S_IFDIR
}

impl Hold {
    /// Checks early whether the program can be found.
    pub(super) fn check(&self) -> Result<(), Errno> {
        self.program.check()
    }

    /// Waits, and executes the program or ends the process. Async-signal-safe.
    pub(super) fn carry_out(&mut self) -> ! {
        let status = match self.wait() {
            Ok(()) if self.program.execute() == Errno(libc::ENOENT) => NOT_FOUND,
            Ok(()) => NOT_EXECUTABLE,
            Err(()) => CLOSED,
        };
        // SAFETY: it ends the process, and runs no handlers of its parent.
        unsafe { libc::_exit(status) }
    }

    /// Waits until something is written to the gate. `Err` if that cannot happen any more.
    fn wait(&self) -> Result<(), ()> {
        let gate = self.gate.as_raw_fd();
        for (fd, flags) in open::descriptors() {
            if fd != gate && flags & libc::FD_CLOEXEC != 0 {
                // SAFETY: takes a number. Nothing in this process uses the descriptor any more: what remains is to wait and
                // to execute, which would close it.
                let _ = unsafe { libc::close(fd) };
            }
        }
        loop {
            // For a FIFO that has not been opened for writing yet, read(2) reports its end, but poll(2) does not.
            let mut asked = libc::pollfd { fd: gate, events: libc::POLLIN, revents: 0 };
            // SAFETY: `asked` is ours, one structure as the call is told.
            let _ = unsafe { libc::poll(&raw mut asked, 1, -1) };
            let mut byte = 0_u8;
            // SAFETY: the kernel writes at most one byte, which is ours.
            match unsafe { libc::read(gate, (&raw mut byte).cast(), 1) } {
                1 => return Ok(()),
                -1 if matches!(Errno::last().0, libc::EINTR | libc::EAGAIN) => {}
                // Interrupted by a signal, or nobody has opened the FIFO yet: poll(2) waits again.
                0 if asked.revents == 0 => {}
                _ => return Err(()),
            }
        }
    }
}
