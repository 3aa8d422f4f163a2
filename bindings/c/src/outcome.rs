//! How C learns of errors: -1 or `NULL`, errno, and a text for each thread.

use core::ffi::{c_char, c_int};
use std::cell::RefCell;
use std::ffi::CString;

use freebsd_jail::{Error, ErrorKind, Result};

thread_local! {
    static TEXT: RefCell<CString> = RefCell::default();
}

/// Returns the text of the calling thread's last error: empty if there was none. It is valid until the next call of
/// this thread fails.
#[unsafe(no_mangle)]
pub extern "C" fn fjail_errmsg() -> *const c_char {
    TEXT.with_borrow(|text| text.as_ptr())
}

/// Returns the value, or `failed` after errno and the text have been set.
pub(crate) fn answer<T>(result: Result<T>, failed: T) -> T {
    result.unwrap_or_else(|error| {
        keep(&error);
        failed
    })
}

fn keep(error: &Error) {
    let text = format!("{error:#}").replace('\0', "\u{fffd}");
    TEXT.set(CString::new(text).unwrap_or_default());
    // Last: what comes before may change it.
    set_errno(error.errno_or_default());
}

/// Makes the error of an argument that C's types do not rule out.
pub(crate) fn refused(reason: &'static str) -> Error {
    Error::new(ErrorKind::InvalidRequest, reason)
}

fn set_errno(errno: c_int) {
    #[cfg(any(target_os = "netbsd", target_os = "openbsd"))]
    use libc::__errno as location;
    #[cfg(target_os = "linux")]
    use libc::__errno_location as location;
    #[cfg(any(target_os = "freebsd", target_vendor = "apple"))]
    use libc::__error as location;
    // SAFETY: takes nothing, and returns the address of this thread's errno.
    let errno_of_thread = unsafe { location() };
    // SAFETY: it is valid as long as the thread runs, and nothing else holds a reference to it.
    unsafe { *errno_of_thread = errno };
}
