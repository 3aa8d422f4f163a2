//! Login classes, which login.conf(5) describes.

use core::ffi::CStr;

/// The capabilities of a login class.
#[derive(Debug)]
pub(crate) struct LoginClass(Record);

#[cfg(target_os = "freebsd")]
type Record = freebsd::Record;
/// There are none elsewhere.
#[cfg(not(target_os = "freebsd"))]
type Record = core::convert::Infallible;

impl LoginClass {
    /// Returns the first of these classes that the host's `/etc/login.conf` has. Wraps cgetent(3).
    pub(crate) fn find(names: &[&CStr]) -> Option<Self> {
        #[cfg(target_os = "freebsd")]
        return names.iter().find_map(|name| freebsd::Record::find(name)).map(Self);
        #[cfg(not(target_os = "freebsd"))]
        {
            let _ = names;
            None
        }
    }

    /// Returns a capability's text. Wraps cgetstr(3).
    pub(crate) fn text(&self, capability: &CStr) -> Option<Vec<u8>> {
        #[cfg(target_os = "freebsd")]
        return self.0.text(capability);
        #[cfg(not(target_os = "freebsd"))]
        {
            let _ = capability;
            match self.0 {}
        }
    }
}

#[cfg(target_os = "freebsd")]
mod freebsd {
    use core::ffi::{CStr, c_char, c_int};
    use core::ptr::{self, NonNull};

    unsafe extern "C" {
        fn cgetent(buffer: *mut *mut c_char, files: *mut *mut c_char, name: *const c_char) -> c_int;
        fn cgetstr(buffer: *mut c_char, capability: *const c_char, text: *mut *mut c_char) -> c_int;
    }

    /// What cgetent(3) allocates.
    #[derive(Debug)]
    pub(super) struct Record(NonNull<c_char>);

    impl Record {
        pub(super) fn find(name: &CStr) -> Option<Self> {
            let mut files = [c"/etc/login.conf".as_ptr().cast_mut(), ptr::null_mut()];
            let mut buffer = ptr::null_mut();
            // SAFETY: both names end in NUL and the list in NULL; all are only read. The pointer is ours.
            let result = unsafe { cgetent(&raw mut buffer, files.as_mut_ptr(), name.as_ptr()) };
            // 1 means a record that refers to a missing one.
            if matches!(result, 0 | 1) { NonNull::new(buffer).map(Self) } else { None }
        }

        pub(super) fn text(&self, capability: &CStr) -> Option<Vec<u8>> {
            let mut text = ptr::null_mut();
            // SAFETY: the record is one that cgetent has made and is only read; the name ends in NUL; the pointer is ours.
            let length = unsafe { cgetstr(self.0.as_ptr(), capability.as_ptr(), &raw mut text) };
            if length < 0 || text.is_null() {
                return None;
            }
            // SAFETY: a string that ends in NUL, which the call has allocated for the caller.
            let bytes = unsafe { CStr::from_ptr(text) }.to_bytes().to_vec();
            // SAFETY: the call has allocated it with malloc(3), and nothing uses it any more.
            unsafe { libc::free(text.cast()) };
            Some(bytes)
        }
    }

    impl Drop for Record {
        fn drop(&mut self) {
            // SAFETY: cgetent has allocated it with malloc(3), and nothing else points to it.
            unsafe { libc::free(self.0.as_ptr().cast()) };
        }
    }
}
