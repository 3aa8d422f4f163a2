//! Handles of jails.

use core::ffi::{c_char, c_int};
use core::ptr;
use std::ffi::{CString, OsStr, OsString};
use std::os::fd::{AsRawFd, FromRawFd, IntoRawFd, OwnedFd};
use std::os::unix::ffi::{OsStrExt, OsStringExt};

use freebsd_jail::param::Value;
use freebsd_jail::{Catalog, Error, ErrorKind, Jail, OwnedJail, Result, get::Present};

use crate::argument::{Param, Params, read_name, string};
use crate::outcome::{answer, refused};

/// A handle of a jail. On FreeBSD 15 and later it cannot name another jail, even if the jid is reused.
///
/// One that owns its jail removes it when it is freed. The kernel removes the jail of such a handle when the process
/// ends, however it ends (since FreeBSD 15). Several threads may use a handle; one of them frees it.
pub enum Handle {
    Plain(Jail),
    Owned(OwnedJail),
    /// Only while a handle is being released.
    Released,
}

impl Handle {
    fn jail(&self) -> Result<&Jail> {
        match self {
            Self::Plain(jail) => Ok(jail),
            Self::Owned(jail) => Ok(jail),
            Self::Released => Err(refused(NO_HANDLE)),
        }
    }

    fn into_descriptor(self) -> core::result::Result<OwnedFd, Self> {
        match self {
            Self::Plain(jail) if jail.descriptor().is_some() => {
                // There is one, so the handle is not lost.
                jail.into_descriptor().ok_or(Self::Released)
            }
            Self::Owned(jail) => jail.into_descriptor().map_err(Self::Owned),
            other => Err(other),
        }
    }
}

const NO_HANDLE: &str = "the handle is NULL";

fn boxed(result: Result<Handle>) -> *mut Handle {
    answer(result.map(|handle| Box::into_raw(Box::new(handle))), ptr::null_mut())
}

/// # Safety
///
/// `jail` is `NULL` or a handle that has not been freed.
pub(crate) unsafe fn given<'a>(jail: *const Handle) -> Result<&'a Jail> {
    // SAFETY: it came from `boxed`, and is freed after this call.
    let handle = unsafe { jail.as_ref() };
    handle.ok_or_else(|| refused(NO_HANDLE))?.jail()
}

fn status(result: Result<()>) -> c_int {
    answer(result.map(|()| 0), -1)
}

/// Creates a jail. Returns a handle that owns it, or `NULL` with errno set.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn fjail_create(params: *const Param, count: usize) -> *mut Handle {
    // SAFETY: as the header asks.
    let params = unsafe { Params::read(params, count) };
    boxed(params.and_then(|params| params.build(Jail::builder())?.create()).map(Handle::Owned))
}

/// Creates a jail that stays until it is removed. Returns a handle that does not own it, or `NULL` with errno set.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn fjail_create_detached(params: *const Param, count: usize) -> *mut Handle {
    // SAFETY: as the header asks.
    let params = unsafe { Params::read(params, count) };
    boxed(params.and_then(|params| params.build(Jail::builder())?.create_detached()).map(Handle::Plain))
}

/// Finds a jail by its name, or by its jid in decimal. Returns a handle that does not own it, or `NULL` with errno set.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn fjail_open(name: *const c_char) -> *mut Handle {
    // SAFETY: as the header asks.
    let name = unsafe { string(name) }.ok_or_else(|| refused("the jail's name is NULL"));
    boxed(name.and_then(|name| Jail::open(OsStr::from_bytes(name.to_bytes()))).map(Handle::Plain))
}

/// Makes another handle of the same jail, which does not own it and may be used in a forked child.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn fjail_clone(jail: *const Handle) -> *mut Handle {
    // SAFETY: as the header asks.
    boxed(unsafe { given(jail) }.and_then(Jail::try_clone).map(Handle::Plain))
}

/// Makes a handle of a jail descriptor that does not own its jail. The descriptor is the handle's from now on: it is
/// closed on an error, too.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn fjail_from_descriptor(descriptor: c_int) -> *mut Handle {
    // SAFETY: as the header asks.
    boxed(unsafe { taken(descriptor) }.and_then(Jail::try_from).map(Handle::Plain))
}

/// Makes a handle that owns its jail of a jail descriptor that owns it, as `fjail_release` returns one. The descriptor is
/// the handle's from now on: it is closed on an error, too.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn fjail_from_owning_descriptor(descriptor: c_int) -> *mut Handle {
    // SAFETY: as the header asks.
    boxed(unsafe { taken(descriptor) }.and_then(OwnedJail::try_from).map(Handle::Owned))
}

/// # Safety
///
/// Nothing else closes or uses the descriptor afterwards.
unsafe fn taken(descriptor: c_int) -> Result<OwnedFd> {
    if descriptor < 0 {
        return Err(Error::from(ErrorKind::InvalidDescriptor));
    }
    // SAFETY: as promised.
    Ok(unsafe { OwnedFd::from_raw_fd(descriptor) })
}

/// Frees a handle. If it owns its jail, the jail is removed: call `fjail_remove` before to see an error of that. Does
/// nothing with `NULL`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn fjail_free(jail: *mut Handle) {
    if !jail.is_null() {
        // SAFETY: it came from `boxed`, and is not used again.
        drop(unsafe { Box::from_raw(jail) });
    }
}

/// Returns the handle's descriptor, frees the handle and leaves the jail alone. If the handle owned the jail, the
/// descriptor does now: closing the last copy removes the jail. On an error, -1 with errno set, the handle is as before;
/// FreeBSD has descriptors since 15.0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn fjail_release(jail: *mut Handle) -> c_int {
    if jail.is_null() {
        return answer(Err(refused(NO_HANDLE)), -1);
    }
    // SAFETY: it came from `boxed`. No other thread uses it.
    let mut handle = unsafe { Box::from_raw(jail) };
    match core::mem::replace(&mut *handle, Handle::Released).into_descriptor() {
        Ok(descriptor) => descriptor.into_raw_fd(),
        Err(before) => {
            *handle = before;
            // Its address is the one that the caller has.
            let _ = Box::into_raw(handle);
            let reason = "there is no descriptor to be released: this kernel has none, or the handle belongs to the \
                          process that this one was forked from";
            answer(Err(Error::new(ErrorKind::Unsupported, reason)), -1)
        }
    }
}

/// Returns the handle's descriptor, which stays the handle's, or -1 with errno set where it has none. poll(2) reports
/// `POLLHUP` of it once the jail has been removed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn fjail_descriptor(jail: *const Handle) -> c_int {
    // SAFETY: as the header asks.
    let jail = unsafe { given(jail) };
    let none = || Error::new(ErrorKind::Unsupported, "the handle goes by the jid and has no descriptor");
    answer(jail.and_then(|jail| Ok(jail.descriptor().ok_or_else(none)?.as_raw_fd())), -1)
}

/// Returns the jid, or -1 with errno set.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn fjail_jid(jail: *const Handle) -> c_int {
    // SAFETY: as the header asks.
    answer(unsafe { given(jail) }.map(|jail| jail.jid().get()), -1)
}

/// Reads a parameter as text, which is freed by `fjail_string_free`. Returns `NULL` with errno set on an error: `ENOENT`
/// also for an entry `meta.KEY` or `env.KEY` that the jail does not have.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn fjail_get(jail: *const Handle, name: *const c_char) -> *mut c_char {
    // SAFETY: as the header asks.
    let jail = unsafe { given(jail) };
    // SAFETY: as the header asks.
    let name = unsafe { read_name(name) };
    answer(jail.and_then(|jail| get(jail, name?)).map(CString::into_raw), ptr::null_mut())
}

fn get(jail: &Jail, name: &str) -> Result<CString> {
    let kind = Catalog::describe(name)?.kind();
    let value = jail.get(Present(&[(name, kind)]))?.pop().flatten();
    let value =
        value.ok_or_else(|| Error::new(ErrorKind::NotFound, format!("the jail has no entry {name:?}")))?;
    let text = match value {
        // As it is: it need not be UTF-8.
        Value::String(text) => text,
        value => OsString::from(value.to_string()),
    };
    CString::new(text.into_vec())
        .map_err(|_| Error::new(ErrorKind::InvalidAnswer, format!("the value of {name:?} contains NUL")))
}

/// Frees a string that `fjail_get` returned. Does nothing with `NULL`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn fjail_string_free(text: *mut c_char) {
    if !text.is_null() {
        // SAFETY: it came from `CString::into_raw`, and is not used again.
        drop(unsafe { CString::from_raw(text) });
    }
}

/// Sets parameters of a jail, all of them or none. Returns 0, or -1 with errno set.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn fjail_set(jail: *const Handle, params: *const Param, count: usize) -> c_int {
    // SAFETY: as the header asks.
    let jail = unsafe { given(jail) };
    // SAFETY: as the header asks.
    let params = unsafe { Params::read(params, count) };
    status(jail.and_then(|jail| jail.update(&params?.update())))
}

/// Removes the jail and the jails below it, and kills their processes. The handle has to be freed still. Returns 0, or
/// -1 with errno set.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn fjail_remove(jail: *const Handle) -> c_int {
    // SAFETY: as the header asks.
    status(unsafe { given(jail) }.and_then(Jail::remove))
}

/// Moves this process into the jail, for good. No directory may be open in the process, and the handle must not own the
/// jail: use `fjail_clone` before fork(2), and attach in the child. Returns 0, or -1 with errno set.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn fjail_attach(jail: *const Handle) -> c_int {
    // SAFETY: as the header asks.
    status(unsafe { given(jail) }.and_then(Jail::attach))
}
