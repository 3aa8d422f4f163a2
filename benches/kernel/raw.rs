//! The operations by hand: what one would write in C, with every buffer on the stack.

use std::ffi::{CStr, CString, OsString, c_int, c_void};
use std::net::Ipv4Addr;
use std::os::fd::{FromRawFd, OwnedFd};
use std::os::unix::ffi::OsStringExt;

use libc::iovec;

/// As large as the crate's.
const ERRMSG: usize = 320;

const GET_DESC_OWNING: c_int = 0x80;

fn name(name: &'static CStr) -> iovec {
    iovec { iov_base: name.as_ptr().cast_mut().cast(), iov_len: name.to_bytes_with_nul().len() }
}

fn value<T: ?Sized>(value: &mut T) -> iovec {
    iovec { iov_len: size_of_val(value), iov_base: std::ptr::from_mut(value).cast::<c_void>() }
}

fn null() -> iovec {
    iovec { iov_base: std::ptr::null_mut(), iov_len: 0 }
}

fn set(iov: &mut [iovec], flags: c_int) -> c_int {
    let count = u32::try_from(iov.len()).expect("few");
    // SAFETY: each iovec names memory of the caller's that lives and is not used otherwise during the call.
    let jid = unsafe { libc::jail_set(iov.as_mut_ptr(), count, flags) };
    assert_ne!(jid, -1, "jail_set: {}", std::io::Error::last_os_error());
    jid
}

fn get(iov: &mut [iovec], flags: c_int) -> c_int {
    let count = u32::try_from(iov.len()).expect("few");
    // SAFETY: each iovec names memory of the caller's that lives and is not used otherwise during the call.
    unsafe { libc::jail_get(iov.as_mut_ptr(), count, flags) }
}

fn text(bytes: &[u8]) -> OsString {
    OsString::from_vec(CStr::from_bytes_until_nul(bytes).expect("a NUL").to_bytes().to_vec())
}

/// Creates a jail, with `desc` if `descriptor` is there, and returns its number.
fn create(jail: &str, descriptor: Option<&mut c_int>) -> c_int {
    let jail = CString::new(jail).expect("no NUL");
    let mut jail_name = [0_u8; 64];
    jail_name[..jail.as_bytes().len()].copy_from_slice(jail.as_bytes());
    let name_len = jail.as_bytes_with_nul().len();
    let mut path = *b"/\0";
    let mut hostname = *b"bench.example.org\0";
    let mut address = Ipv4Addr::new(10, 99, 0, 1).octets();
    let mut securelevel: c_int = 1;
    let mut errmsg = [0_u8; ERRMSG];
    let mut iov = [null(); 16];
    let pairs = [
        (name(c"name"), value(&mut jail_name[..name_len])),
        (name(c"path"), value(&mut path)),
        (name(c"host.hostname"), value(&mut hostname)),
        (name(c"ip4.addr"), value(&mut address)),
        (name(c"securelevel"), value(&mut securelevel)),
        (name(c"persist"), null()),
        (name(c"errmsg"), value(&mut errmsg)),
    ];
    for (place, (name, value)) in iov.chunks_exact_mut(2).zip(pairs) {
        place.copy_from_slice(&[name, value]);
    }
    match descriptor {
        Some(descriptor) => {
            iov[14] = name(c"desc");
            iov[15] = value(descriptor);
            set(&mut iov, libc::JAIL_CREATE | GET_DESC_OWNING)
        }
        None => set(&mut iov[..14], libc::JAIL_CREATE),
    }
}

pub(crate) fn create_remove(jail: &str) {
    let jid = create(jail, None);
    // SAFETY: takes a number.
    assert_eq!(unsafe { libc::jail_remove(jid) }, 0);
}

pub(crate) fn create_remove_owned(jail: &str) {
    const SYS_JAIL_REMOVE_JD: c_int = 598;
    let mut descriptor = -1;
    create(jail, Some(&mut descriptor));
    // SAFETY: takes numbers.
    assert_eq!(unsafe { libc::fcntl(descriptor, libc::F_SETFD, libc::FD_CLOEXEC) }, 0);
    // SAFETY: takes a number; the descriptor shows that the kernel knows the call.
    assert_eq!(unsafe { libc::syscall(SYS_JAIL_REMOVE_JD, descriptor) }, 0);
    // SAFETY: the kernel has just made it, and nothing else knows of it.
    drop(unsafe { OwnedFd::from_raw_fd(descriptor) });
}

pub(crate) fn get_int(jid: c_int) -> c_int {
    let mut jid = jid;
    let mut securelevel: c_int = 0;
    let mut errmsg = [0_u8; ERRMSG];
    let mut iov = [
        name(c"jid"),
        value(&mut jid),
        name(c"securelevel"),
        value(&mut securelevel),
        name(c"errmsg"),
        value(&mut errmsg),
    ];
    assert_ne!(get(&mut iov, 0), -1);
    securelevel
}

pub(crate) fn get_string(jid: c_int) -> OsString {
    let mut jid = jid;
    let mut hostname = [0_u8; 256];
    let mut errmsg = [0_u8; ERRMSG];
    let mut iov = [
        name(c"jid"),
        value(&mut jid),
        name(c"host.hostname"),
        value(&mut hostname),
        name(c"errmsg"),
        value(&mut errmsg),
    ];
    assert_ne!(get(&mut iov, 0), -1);
    text(&hostname)
}

pub(crate) fn get_five(jid: c_int) -> (OsString, OsString, OsString, c_int, Vec<Ipv4Addr>) {
    let mut jid = jid;
    let mut jail_name = [0_u8; 256];
    let mut path = [0_u8; 1024];
    let mut hostname = [0_u8; 256];
    let mut securelevel: c_int = 0;
    let mut addresses = [[0_u8; 4]; 8];
    let mut errmsg = [0_u8; ERRMSG];
    let mut iov = [
        name(c"jid"),
        value(&mut jid),
        name(c"name"),
        value(&mut jail_name),
        name(c"path"),
        value(&mut path),
        name(c"host.hostname"),
        value(&mut hostname),
        name(c"securelevel"),
        value(&mut securelevel),
        name(c"ip4.addr"),
        value(&mut addresses),
        name(c"errmsg"),
        value(&mut errmsg),
    ];
    assert_ne!(get(&mut iov, 0), -1);
    let count = iov[11].iov_len / 4;
    let addresses = addresses[..count].iter().copied().map(Ipv4Addr::from).collect();
    (text(&jail_name), text(&path), text(&hostname), securelevel, addresses)
}

pub(crate) fn set_int(jid: c_int, level: c_int) {
    let mut jid = jid;
    let mut level = level;
    let mut errmsg = [0_u8; ERRMSG];
    let mut iov = [
        name(c"jid"),
        value(&mut jid),
        name(c"securelevel"),
        value(&mut level),
        name(c"errmsg"),
        value(&mut errmsg),
    ];
    set(&mut iov, libc::JAIL_UPDATE);
}

pub(crate) fn list_name_path() -> usize {
    let mut last = 0;
    let mut count = 0;
    loop {
        let mut jail_name = [0_u8; 256];
        let mut path = [0_u8; 1024];
        let mut errmsg = [0_u8; ERRMSG];
        let mut iov = [
            name(c"lastjid"),
            value(&mut last),
            name(c"name"),
            value(&mut jail_name),
            name(c"path"),
            value(&mut path),
            name(c"errmsg"),
            value(&mut errmsg),
        ];
        let jid = get(&mut iov, 0);
        if jid == -1 {
            assert_eq!(std::io::Error::last_os_error().raw_os_error(), Some(libc::ENOENT));
            return count;
        }
        let (jail_name, path) = (text(&jail_name), text(&path));
        count += usize::from(!jail_name.is_empty() && path == "/");
        last = jid;
    }
}
