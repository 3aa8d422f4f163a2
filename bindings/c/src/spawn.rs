//! Programs in jails.

use core::ffi::{c_char, c_int};
use core::slice;
use std::ffi::OsStr;
use std::os::fd::{BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;

use freebsd_jail::{Error, ErrorKind, JailCommand, Result};

use crate::argument::string;
use crate::jail::{Handle, given};
use crate::outcome::{answer, refused};

/// Starts a program in the jail. Returns 0, or -1 with errno set: the text then names the step that failed. The caller
/// waits for the child with waitpid(2); until then it holds its jail, even a removed one.
///
/// `argv` ends with `NULL`. The program, `argv[0]`, is looked up inside the jail, in the `PATH` of its new environment
/// if it has no slash. `envp`, whose strings are `NAME=value`, ends with `NULL`, too. If it is `NULL` itself, the
/// environment is that of a login, as with `jexec -l`: this process's is not inherited.
///
/// `user` is a user of the host, or `NULL` for this process's. `directory` is a path in the jail, or `NULL` for its root
/// directory. `streams` has three open descriptors, the program's standard input, output and error, or is `NULL` for
/// this process's; they stay open here.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn fjail_spawn(
    jail: *const Handle,
    argv: *const *mut c_char,
    envp: *const *mut c_char,
    user: *const c_char,
    directory: *const c_char,
    streams: *const c_int,
    pid: *mut libc::pid_t,
) -> c_int {
    // SAFETY: the caller owns it, and nothing else uses it during the call.
    let pid = unsafe { pid.as_mut() }.ok_or_else(|| refused("the pid is NULL"));
    let result = pid.and_then(|pid| {
        // SAFETY: as the header asks.
        let mut command = unsafe { command(jail, argv, envp) }?;
        // SAFETY: as the header asks.
        if let Some(user) = unsafe { text(user) } {
            command.user(user);
        }
        // SAFETY: as the header asks.
        if let Some(directory) = unsafe { text(directory) } {
            command.current_dir(directory);
        }
        if !streams.is_null() {
            // SAFETY: the caller owns three, and does not write to them during the call.
            let streams = unsafe { slice::from_raw_parts(streams, 3) };
            // SAFETY: as the header asks.
            unsafe { redirect(&mut command, streams) }?;
        }
        let child = command.spawn()?.id();
        *pid = child.try_into().map_err(|_| Error::from(ErrorKind::InvalidAnswer))?;
        Ok(0)
    });
    answer(result, -1)
}

/// # Safety
///
/// As for `given` and `list`.
unsafe fn command<'j>(
    jail: *const Handle,
    argv: *const *mut c_char,
    envp: *const *mut c_char,
) -> Result<JailCommand<'j>> {
    // SAFETY: as promised.
    let jail = unsafe { given(jail) }?;
    // SAFETY: as promised.
    let mut arguments = unsafe { list(argv) }.ok_or_else(|| refused("the arguments are NULL"))?.into_iter();
    // SAFETY: as promised.
    let variables = unsafe { list(envp) };
    let mut command = jail.command(arguments.next().ok_or_else(|| refused("there is no program"))?);
    command.args(arguments);
    let Some(variables) = variables else {
        command.clean_env();
        return Ok(command);
    };
    command.env_clear();
    for variable in variables {
        let at = variable.as_bytes().iter().position(|byte| *byte == b'=').filter(|at| *at > 0);
        let (name, value) = at.and_then(|at| variable.as_bytes().split_at_checked(at)).ok_or_else(|| {
            Error::new(ErrorKind::InvalidValue, format!("the environment has {variable:?}, not NAME=value"))
        })?;
        command.env(OsStr::from_bytes(name), OsStr::from_bytes(value.get(1..).unwrap_or_default()));
    }
    Ok(command)
}

/// Gives the program these standard streams.
///
/// # Safety
///
/// They are open.
unsafe fn redirect(command: &mut JailCommand<'_>, streams: &[c_int]) -> Result<()> {
    // SAFETY: as promised.
    let copies: Vec<_> = streams.iter().map(|stream| unsafe { copy(*stream) }).collect::<Result<_>>()?;
    if let Ok([stdin, stdout, stderr]) = <[OwnedFd; 3]>::try_from(copies) {
        command.stdin(stdin).stdout(stdout).stderr(stderr);
    }
    Ok(())
}

/// # Safety
///
/// The descriptor is open.
unsafe fn copy(descriptor: c_int) -> Result<OwnedFd> {
    if descriptor < 0 {
        return Err(Error::new(ErrorKind::InvalidDescriptor, "a standard stream is not open"));
    }
    // SAFETY: as promised; the caller does not close it during the call.
    let copy = unsafe { BorrowedFd::borrow_raw(descriptor) }.try_clone_to_owned();
    copy.map_err(|error| match error.raw_os_error() {
        Some(libc::EBADF) => Error::new(ErrorKind::InvalidDescriptor, "a standard stream is not open"),
        _ => Error::new(ErrorKind::ResourceExhausted, "a standard stream cannot be duplicated"),
    })
}

/// Reads strings up to `NULL`.
///
/// # Safety
///
/// `strings` is `NULL`, or a list that ends with `NULL` of strings as for `string`.
unsafe fn list<'a>(strings: *const *mut c_char) -> Option<Vec<&'a OsStr>> {
    let each = (0..).map_while(|index| {
        // SAFETY: it is in the list, whose end has not come yet.
        let pointer = unsafe { strings.wrapping_add(index).read() };
        // SAFETY: as promised.
        unsafe { text(pointer) }
    });
    (!strings.is_null()).then(|| each.collect())
}

/// # Safety
///
/// As for `string`.
unsafe fn text<'a>(pointer: *const c_char) -> Option<&'a OsStr> {
    // SAFETY: as promised.
    unsafe { string(pointer) }.map(|text| OsStr::from_bytes(text.to_bytes()))
}
