//! The operations with C's libjail, where the machine has it: opened at run time, so that the program needs none.

use std::ffi::{CStr, OsString, c_char, c_int, c_void};
use std::os::unix::ffi::OsStringExt;

/// `jail_getv(3)` and `jail_setv(3)`: flags, then names and values, then NULL.
type Variadic = unsafe extern "C" fn(c_int, ...) -> c_int;

/// The functions of libjail that take strings.
#[derive(Clone, Copy)]
pub(crate) struct Libjail {
    getv: Variadic,
    setv: Variadic,
}

const END: *const c_char = std::ptr::null();

impl Libjail {
    /// Opens the library, which stays open.
    pub(crate) fn open() -> Option<Self> {
        // SAFETY: the names are strings that end in NUL; the library's initialisers are those of the base system.
        let library = unsafe { libc::dlopen(c"libjail.so.1".as_ptr(), libc::RTLD_NOW) };
        if library.is_null() {
            return None;
        }
        let find = |name: &CStr| -> Option<Variadic> {
            // SAFETY: the library is open, and the name ends in NUL.
            let symbol = unsafe { libc::dlsym(library, name.as_ptr()) };
            // SAFETY: both functions are declared so in <jail.h>; a null pointer is None.
            unsafe { std::mem::transmute::<*mut c_void, Option<Variadic>>(symbol) }
        };
        Some(Self { getv: find(c"jail_getv")?, setv: find(c"jail_setv")? })
    }

    pub(crate) fn get_int(self, jid: c_int) -> c_int {
        self.get(jid, c"securelevel").to_str().expect("digits").parse().expect("a number")
    }

    pub(crate) fn get_string(self, jid: c_int) -> OsString {
        OsString::from_vec(self.get(jid, c"host.hostname").to_bytes().to_vec())
    }

    fn get(self, jid: c_int, parameter: &CStr) -> std::ffi::CString {
        let jid = format!("{jid}\0");
        let mut value = [0_u8; 1024];
        let value = value.as_mut_ptr().cast::<c_char>();
        // SAFETY: names and values are strings that end in NUL; the value has the 1,024 bytes that libjail fills.
        let got = unsafe { (self.getv)(0, c"jid".as_ptr(), jid.as_ptr(), parameter.as_ptr(), value, END) };
        assert_ne!(got, -1);
        // SAFETY: libjail ends the value in a NUL.
        unsafe { CStr::from_ptr(value) }.to_owned()
    }

    pub(crate) fn set_int(self, jid: c_int, level: c_int) {
        let (jid, level) = (format!("{jid}\0"), format!("{level}\0"));
        let name = c"securelevel".as_ptr();
        // SAFETY: names and values are strings that end in NUL.
        let set = unsafe {
            (self.setv)(libc::JAIL_UPDATE, c"jid".as_ptr(), jid.as_ptr(), name, level.as_ptr(), END)
        };
        assert_ne!(set, -1);
    }

    pub(crate) fn create_remove(self, jail: &str) {
        let jail = format!("{jail}\0");
        // SAFETY: names and values are strings that end in NUL; `persist` takes none, which is NULL and so would end the
        // list: it is given the value that libjail reads as "yes".
        let jid = unsafe {
            (self.setv)(
                libc::JAIL_CREATE,
                c"name".as_ptr(),
                jail.as_ptr(),
                c"path".as_ptr(),
                c"/".as_ptr(),
                c"host.hostname".as_ptr(),
                c"bench.example.org".as_ptr(),
                c"ip4.addr".as_ptr(),
                c"10.99.0.1".as_ptr(),
                c"securelevel".as_ptr(),
                c"1".as_ptr(),
                c"persist".as_ptr(),
                c"true".as_ptr(),
                END,
            )
        };
        assert_ne!(jid, -1);
        // SAFETY: takes a number.
        assert_eq!(unsafe { libc::jail_remove(jid) }, 0);
    }

    /// Lists as jls(8) does: from each jid to the next.
    pub(crate) fn list_name_path(self) -> usize {
        let mut last = 0;
        let mut count = 0;
        loop {
            let text = format!("{last}\0");
            let (mut name, mut path) = ([0_u8; 1024], [0_u8; 1024]);
            // SAFETY: as for `get`.
            last = unsafe {
                (self.getv)(
                    0,
                    c"lastjid".as_ptr(),
                    text.as_ptr(),
                    c"name".as_ptr(),
                    name.as_mut_ptr(),
                    c"path".as_ptr(),
                    path.as_mut_ptr(),
                    END,
                )
            };
            if last == -1 {
                return count;
            }
            count += usize::from(name[0] != 0 && path[0] == b'/');
        }
    }
}
