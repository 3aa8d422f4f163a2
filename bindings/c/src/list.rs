//! The jails that there are.

use core::ffi::{c_char, c_int};
use core::ptr;
use std::ffi::CString;
use std::os::unix::ffi::OsStringExt;

use freebsd_jail::{Error, ErrorKind, Jail, Result, param};

use crate::outcome::{answer, refused};

/// The jails that this process could see when the list was made, in the order of their jids.
pub struct List(Vec<(c_int, CString)>);

/// Lists the jails that this process can see. Returns `NULL` with errno set on an error.
#[unsafe(no_mangle)]
pub extern "C" fn fjail_list_new() -> *mut List {
    answer(read().map(|list| Box::into_raw(Box::new(list))), ptr::null_mut())
}

fn read() -> Result<List> {
    let jails = Jail::all().get((param::JID, param::NAME)).map(|entry| {
        let (jid, name) = entry?;
        let name = CString::new(name.into_vec()).map_err(|_| Error::from(ErrorKind::InvalidAnswer))?;
        Ok((jid.get(), name))
    });
    jails.collect::<Result<_>>().map(List)
}

/// Returns how many jails there are in a list.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn fjail_list_count(list: *const List) -> usize {
    // SAFETY: as the header asks.
    unsafe { list.as_ref() }.map_or(0, |list| list.0.len())
}

/// Returns the jid of a jail of a list, counted from 0, or -1 with errno set where there is none.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn fjail_list_jid(list: *const List, place: usize) -> c_int {
    // SAFETY: as the header asks.
    answer(unsafe { entry(list, place) }.map(|(jid, _)| *jid), -1)
}

/// Returns the name of a jail of a list, counted from 0, or `NULL` with errno set where there is none. It is valid until
/// the list is freed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn fjail_list_name(list: *const List, place: usize) -> *const c_char {
    // SAFETY: as the header asks.
    answer(unsafe { entry(list, place) }.map(|(_, name)| name.as_ptr()), ptr::null())
}

/// # Safety
///
/// `list` is `NULL` or a list that has not been freed.
unsafe fn entry<'a>(list: *const List, place: usize) -> Result<&'a (c_int, CString)> {
    // SAFETY: it came from `fjail_list_new`, and is freed after this call.
    let list = unsafe { list.as_ref() }.ok_or_else(|| refused("the list is NULL"))?;
    list.0.get(place).ok_or_else(|| refused("the list has no such entry"))
}

/// Frees a list. Does nothing with `NULL`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn fjail_list_free(list: *mut List) {
    if !list.is_null() {
        // SAFETY: it came from `fjail_list_new`, and is not used again.
        drop(unsafe { Box::from_raw(list) });
    }
}
