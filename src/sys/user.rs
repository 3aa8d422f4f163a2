//! The host's users.

use core::ffi::CStr;
use std::ffi::CString;

use libc::{gid_t, uid_t};

use super::Errno;

/// A user of the host's database.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Account {
    pub(crate) uid: uid_t,
    pub(crate) gid: gid_t,
    /// All groups, including `gid`.
    pub(crate) groups: Vec<gid_t>,
    pub(crate) name: CString,
    pub(crate) home: CString,
    pub(crate) shell: CString,
    /// The login class. Empty for the default class, and on hosts without classes.
    pub(crate) class: CString,
}

/// The key of a look-up.
#[derive(Debug, Clone, Copy)]
#[cfg_attr(
    not(any(target_os = "freebsd", target_os = "dragonfly", target_os = "linux")),
    expect(dead_code, reason = "nothing is looked up there")
)]
pub(crate) enum Who<'n> {
    Name(&'n CStr),
    Uid(uid_t),
}

/// Looks up a user: `None` if there is none. Wraps getpwnam_r(3), getpwuid_r(3) and getgrouplist(3).
#[cfg(any(target_os = "freebsd", target_os = "dragonfly", target_os = "linux"))]
pub(crate) fn account(who: Who<'_>) -> Result<Option<Account>, Errno> {
    use core::ffi::c_char;
    use core::mem::MaybeUninit;
    use core::ptr;

    let copy = |text: *const c_char| {
        if text.is_null() {
            return CString::default();
        }
        // SAFETY: what is not NULL of an entry is a string that ends in NUL, in the memory below, which still lives.
        unsafe { CStr::from_ptr(text) }.to_owned()
    };
    let mut memory = vec![0; 1024];
    let mut account = loop {
        let mut entry = MaybeUninit::<libc::passwd>::zeroed();
        let mut found = ptr::null_mut();
        let error = match who {
            // SAFETY: the name ends in NUL and is only read; the entry, the memory for its strings, as long as it
            // says, and the pointer are ours, writable, and live until the entry has been read.
            Who::Name(name) => unsafe {
                libc::getpwnam_r(
                    name.as_ptr(),
                    entry.as_mut_ptr(),
                    memory.as_mut_ptr(),
                    memory.len(),
                    &raw mut found,
                )
            },
            // SAFETY: as above.
            Who::Uid(uid) => unsafe {
                libc::getpwuid_r(uid, entry.as_mut_ptr(), memory.as_mut_ptr(), memory.len(), &raw mut found)
            },
        };
        match error {
            0 if found.is_null() => return Ok(None),
            0 => {
                // SAFETY: it was zeroed, which is valid for its pointers and numbers, and then filled in.
                let entry = unsafe { entry.assume_init() };
                #[cfg(any(target_os = "freebsd", target_os = "dragonfly"))]
                let class = copy(entry.pw_class);
                #[cfg(target_os = "linux")]
                let class = CString::default();
                break Account {
                    uid: entry.pw_uid,
                    gid: entry.pw_gid,
                    groups: vec![0; 64],
                    name: copy(entry.pw_name),
                    home: copy(entry.pw_dir),
                    shell: copy(entry.pw_shell),
                    class,
                };
            }
            libc::ERANGE if memory.len() < 1 << 20 => memory.resize(memory.len() * 4, 0),
            // Some systems report a missing user so.
            libc::ENOENT | libc::ESRCH => return Ok(None),
            error => return Err(Errno(error)),
        }
    };
    let Account { gid, groups, name, .. } = &mut account;
    loop {
        let room = groups.len();
        let mut count = room.try_into().map_err(|_| Errno(libc::EINVAL))?;
        // SAFETY: the name ends in NUL and is only read; the list is as long as `count` says, and both are ours.
        let result = unsafe { libc::getgrouplist(name.as_ptr(), *gid, groups.as_mut_ptr(), &raw mut count) };
        let count = usize::try_from(count).unwrap_or_default();
        if result != -1 {
            groups.truncate(count);
            return Ok(Some(account));
        }
        if room >= 1 << 17 {
            return Err(Errno(libc::EINVAL));
        }
        // Not every system returns the number of groups.
        groups.resize(count.max(room * 2), 0);
    }
}

/// There is no look-up on other systems, which have no jails to start programs in.
#[cfg(not(any(target_os = "freebsd", target_os = "dragonfly", target_os = "linux")))]
pub(crate) fn account(_: Who<'_>) -> Result<Option<Account>, Errno> {
    Err(Errno(libc::ENOSYS))
}

#[cfg(all(test, any(target_os = "freebsd", target_os = "linux")))]
mod tests {
    use super::*;

    #[test]
    #[cfg_attr(miri, ignore = "Miri has no accounts")]
    fn root_is_found_and_nobody_else_of_a_name_that_is_not_there() {
        let root = account(Who::Name(c"root")).expect("looked up").expect("there is a root");
        assert_eq!((root.uid, root.gid), (0, 0));
        assert!(root.groups.contains(&0));
        assert_eq!(root.name.as_c_str(), c"root");
        assert!(!root.home.is_empty());
        assert_eq!(account(Who::Uid(root.uid)).expect("looked up"), Some(root));
        assert_eq!(account(Who::Name(c"no such user")).expect("looked up"), None);
    }
}
