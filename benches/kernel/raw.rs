//! The operations by hand: what one would write in C, with every buffer on the stack.
//!
//! `TEXT` is the size of the buffer for the text of an error: [`ERRMSG`], or 0 for a call that does not ask for one,
//! which is the leanest there is.

use std::ffi::{CStr, CString, OsString, c_int, c_void};
use std::net::Ipv4Addr;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::os::unix::ffi::OsStringExt;

use libc::iovec;

/// As large as the crate's.
pub(crate) const ERRMSG: usize = 320;

/// Returns the iovecs to send: without the last two, which ask for the text, where it has no room.
fn lean<const TEXT: usize>(iov: &mut [iovec]) -> &mut [iovec] {
    let len = if TEXT == 0 { iov.len() - 2 } else { iov.len() };
    &mut iov[..len]
}

const GET_DESC: c_int = 0x40;
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

/// Creates a jail, with `desc` if `descriptor` is there, and returns its jid.
fn create<const TEXT: usize>(jail: &str, descriptor: Option<&mut c_int>) -> c_int {
    let jail = CString::new(jail).expect("no NUL");
    let mut jail_name = [0_u8; 64];
    jail_name[..jail.as_bytes().len()].copy_from_slice(jail.as_bytes());
    let name_len = jail.as_bytes_with_nul().len();
    let mut path = *b"/\0";
    let mut hostname = *b"bench.example.org\0";
    let mut address = Ipv4Addr::new(10, 99, 0, 1).octets();
    let mut securelevel: c_int = 1;
    let mut errmsg = [0_u8; TEXT];
    let mut iov = [
        name(c"name"),
        value(&mut jail_name[..name_len]),
        name(c"path"),
        value(&mut path),
        name(c"host.hostname"),
        value(&mut hostname),
        name(c"ip4.addr"),
        value(&mut address),
        name(c"securelevel"),
        value(&mut securelevel),
        name(c"persist"),
        null(),
        null(),
        null(),
        null(),
        null(),
    ];
    let mut len = 12;
    let mut flags = libc::JAIL_CREATE;
    if let Some(descriptor) = descriptor {
        iov[len..len + 2].copy_from_slice(&[name(c"desc"), value(descriptor)]);
        flags |= GET_DESC_OWNING;
        len += 2;
    }
    if TEXT != 0 {
        iov[len..len + 2].copy_from_slice(&[name(c"errmsg"), value(&mut errmsg)]);
        len += 2;
    }
    set(&mut iov[..len], flags)
}

fn remove_by_descriptor(descriptor: c_int) {
    const SYS_JAIL_REMOVE_JD: c_int = 598;
    // SAFETY: takes a number; the descriptor shows that the kernel knows the call.
    assert_eq!(unsafe { libc::syscall(SYS_JAIL_REMOVE_JD, descriptor) }, 0);
}

/// Takes a descriptor that the kernel has just made, and that nothing else knows of.
fn keep(descriptor: c_int) -> OwnedFd {
    // SAFETY: takes numbers.
    assert_eq!(unsafe { libc::fcntl(descriptor, libc::F_SETFD, libc::FD_CLOEXEC) }, 0);
    // SAFETY: as said.
    unsafe { OwnedFd::from_raw_fd(descriptor) }
}

pub(crate) fn create_remove<const TEXT: usize>(jail: &str) {
    let jid = create::<TEXT>(jail, None);
    // SAFETY: takes a number.
    assert_eq!(unsafe { libc::jail_remove(jid) }, 0);
}

pub(crate) fn create_remove_owned<const TEXT: usize>(jail: &str) {
    let mut descriptor = -1;
    create::<TEXT>(jail, Some(&mut descriptor));
    let descriptor = keep(descriptor);
    remove_by_descriptor(descriptor.as_raw_fd());
}

/// Creates a jail below another one and removes it: by its full name, without a descriptor.
pub(crate) fn create_remove_child<const TEXT: usize>(full_name: &str) {
    let full_name = CString::new(full_name).expect("no NUL");
    let mut jail_name = [0_u8; 64];
    jail_name[..full_name.as_bytes().len()].copy_from_slice(full_name.as_bytes());
    let name_len = full_name.as_bytes_with_nul().len();
    let mut path = *b"/\0";
    let mut errmsg = [0_u8; TEXT];
    let mut iov = [
        name(c"name"),
        value(&mut jail_name[..name_len]),
        name(c"path"),
        value(&mut path),
        name(c"persist"),
        null(),
        name(c"errmsg"),
        value(&mut errmsg),
    ];
    let jid = set(lean::<TEXT>(&mut iov), libc::JAIL_CREATE);
    // SAFETY: takes a number.
    assert_eq!(unsafe { libc::jail_remove(jid) }, 0);
}

/// Opens a descriptor of a jail by its name and closes it.
pub(crate) fn open_close<const TEXT: usize>(jail: &str) {
    let mut jail_name = [0_u8; 256];
    jail_name[..jail.len()].copy_from_slice(jail.as_bytes());
    let mut descriptor: c_int = -1;
    let mut errmsg = [0_u8; TEXT];
    let mut iov = [
        name(c"name"),
        value(&mut jail_name),
        name(c"desc"),
        value(&mut descriptor),
        name(c"errmsg"),
        value(&mut errmsg),
    ];
    assert_ne!(get(lean::<TEXT>(&mut iov), GET_DESC), -1);
    drop(keep(descriptor));
}

/// Reads the jid of a jail by its name, which is what opens a jail where there are no descriptors.
pub(crate) fn find<const TEXT: usize>(jail: &str) -> c_int {
    let mut jail_name = [0_u8; 256];
    jail_name[..jail.len()].copy_from_slice(jail.as_bytes());
    let mut errmsg = [0_u8; TEXT];
    let mut iov = [name(c"name"), value(&mut jail_name), name(c"errmsg"), value(&mut errmsg)];
    get(lean::<TEXT>(&mut iov), 0)
}

/// Starts `/usr/bin/true` in a jail and waits for it: fork, attach, exec.
pub(crate) fn spawn_true(jid: c_int) {
    let program = c"/usr/bin/true";
    let arguments = [program.as_ptr(), std::ptr::null()];
    // SAFETY: the child makes system calls only and ends.
    let pid = unsafe { libc::fork() };
    if pid == 0 {
        // SAFETY: takes a number.
        if unsafe { libc::jail_attach(jid) } == 0 {
            // SAFETY: the arguments are strings that end in NUL, in a list that ends in NULL.
            unsafe { libc::execv(program.as_ptr(), arguments.as_ptr()) };
        }
        // SAFETY: takes a number, and ends the child.
        unsafe { libc::_exit(126) };
    }
    let mut status = 0;
    // SAFETY: the kernel writes one int, which is ours.
    assert_eq!(unsafe { libc::waitpid(pid, &raw mut status, 0) }, pid);
    assert_eq!(status, 0);
}

pub(crate) fn get_int<const TEXT: usize>(jid: c_int) -> c_int {
    let mut jid = jid;
    let mut securelevel: c_int = 0;
    let mut errmsg = [0_u8; TEXT];
    let mut iov = [
        name(c"jid"),
        value(&mut jid),
        name(c"securelevel"),
        value(&mut securelevel),
        name(c"errmsg"),
        value(&mut errmsg),
    ];
    assert_ne!(get(lean::<TEXT>(&mut iov), 0), -1);
    securelevel
}

pub(crate) fn get_string<const TEXT: usize>(jid: c_int) -> OsString {
    let mut jid = jid;
    let mut hostname = [0_u8; 256];
    let mut errmsg = [0_u8; TEXT];
    let mut iov = [
        name(c"jid"),
        value(&mut jid),
        name(c"host.hostname"),
        value(&mut hostname),
        name(c"errmsg"),
        value(&mut errmsg),
    ];
    assert_ne!(get(lean::<TEXT>(&mut iov), 0), -1);
    text(&hostname)
}

/// A name, a path, a host name, a secure level and addresses.
pub(crate) type Five = (OsString, OsString, OsString, c_int, Vec<Ipv4Addr>);

pub(crate) fn get_five<const TEXT: usize>(jid: c_int) -> Five {
    let mut jid = jid;
    let mut jail_name = [0_u8; 256];
    let mut path = [0_u8; 1024];
    let mut hostname = [0_u8; 256];
    let mut securelevel: c_int = 0;
    let mut addresses = [[0_u8; 4]; 8];
    let mut errmsg = [0_u8; TEXT];
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
    assert_ne!(get(lean::<TEXT>(&mut iov), 0), -1);
    let count = iov[11].iov_len / 4;
    let addresses = addresses[..count].iter().copied().map(Ipv4Addr::from).collect();
    (text(&jail_name), text(&path), text(&hostname), securelevel, addresses)
}

pub(crate) fn set_int<const TEXT: usize>(jid: c_int, level: c_int) {
    let mut jid = jid;
    let mut level = level;
    let mut errmsg = [0_u8; TEXT];
    let mut iov = [
        name(c"jid"),
        value(&mut jid),
        name(c"securelevel"),
        value(&mut level),
        name(c"errmsg"),
        value(&mut errmsg),
    ];
    set(lean::<TEXT>(&mut iov), libc::JAIL_UPDATE);
}

/// The same where mac_do(4) is loaded: repeats the jail's rules, which the kernel would reset.
pub(crate) fn set_int_carrying<const TEXT: usize>(jid: c_int, level: c_int) {
    let mut jid = jid;
    let mut level = level;
    let mut mode: c_int = 0;
    let mut rules = [0_u8; 1024];
    let mut errmsg = [0_u8; TEXT];
    let mut iov = [
        name(c"jid"),
        value(&mut jid),
        name(c"mac.do"),
        value(&mut mode),
        name(c"mac.do.rules"),
        value(&mut rules),
        name(c"errmsg"),
        value(&mut errmsg),
    ];
    assert_ne!(get(lean::<TEXT>(&mut iov), 0), -1);
    let len = CStr::from_bytes_until_nul(&rules).expect("a NUL").to_bytes_with_nul().len();
    let mut iov = [
        name(c"jid"),
        value(&mut jid),
        name(c"securelevel"),
        value(&mut level),
        name(c"mac.do"),
        value(&mut mode),
        name(c"mac.do.rules"),
        value(&mut rules[..len]),
        null(),
        null(),
    ];
    // Disabled is what the kernel makes of it without; rules that are inherited are named by the mode alone.
    let mut count = match mode {
        0 => 4,
        1 => 8,
        _ => 6,
    };
    if TEXT != 0 {
        iov[count..count + 2].copy_from_slice(&[name(c"errmsg"), value(&mut errmsg)]);
        count += 2;
    }
    set(&mut iov[..count], libc::JAIL_UPDATE);
}

pub(crate) fn list_name_path<const TEXT: usize>() -> usize {
    let mut last = 0;
    let mut count = 0;
    loop {
        let mut jail_name = [0_u8; 256];
        let mut path = [0_u8; 1024];
        let mut errmsg = [0_u8; TEXT];
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
        let jid = get(lean::<TEXT>(&mut iov), 0);
        if jid == -1 {
            assert_eq!(std::io::Error::last_os_error().raw_os_error(), Some(libc::ENOENT));
            return count;
        }
        let (jail_name, path) = (text(&jail_name), text(&path));
        count += usize::from(!jail_name.is_empty() && path == "/");
        last = jid;
    }
}

pub(crate) fn list_jid_name<const TEXT: usize>() -> usize {
    let mut last = 0;
    let mut count = 0;
    loop {
        let mut jail_name = [0_u8; 256];
        let mut errmsg = [0_u8; TEXT];
        let mut iov = [
            name(c"lastjid"),
            value(&mut last),
            name(c"name"),
            value(&mut jail_name),
            name(c"errmsg"),
            value(&mut errmsg),
        ];
        last = get(lean::<TEXT>(&mut iov), 0);
        if last == -1 {
            assert_eq!(std::io::Error::last_os_error().raw_os_error(), Some(libc::ENOENT));
            return count;
        }
        count += usize::from(!text(&jail_name).is_empty());
    }
}
