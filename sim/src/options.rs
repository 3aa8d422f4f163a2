//! A request in the kernel: names and values are copied in, answered, and copied out.
//!
//! jail_set(2) and jail_get(2) borrow nmount(2)'s options; the rules here are those of `vfs_buildopts`,
//! `vfs_sanitizeopts` and the small functions about them in FreeBSD's `sys/kern/vfs_mount.c`.

use core::ffi::{c_int, c_ulong};

use crate::raw::{Errno, Pair};

/// The most iovecs that a request may have: `UIO_MAXIOV`.
const IOVECS_MAX: usize = 1024;
/// The most memory that a request may take in the kernel: `VFS_MOUNTARG_SIZE_MAX`.
const MEMORY_MAX: usize = 64 * 1024;
/// The kernel's memory for each option besides its name and value: `sizeof(struct vfsopt)`.
///
/// T34: a 64-bit kernel uses the same size for 32-bit programs.
const OPTION_SIZE: usize = 48;

/// One name and its value.
#[derive(Debug)]
struct Opt {
    /// The name without its NUL.
    name: Vec<u8>,
    /// The value, `None` where the caller gave no bytes.
    value: Option<Vec<u8>>,
    /// The value's length, which an answer may change.
    len: usize,
    /// Its index in the request.
    pos: usize,
    /// Whether the kernel or a module has used it. An unused one is an unknown parameter.
    seen: bool,
}

/// A request's options, in their order, repetitions removed.
#[derive(Debug)]
pub(super) struct Options(Vec<Opt>);

impl Options {
    /// Copies a request in: `copyinuio` and then `vfs_buildopts`.
    pub(super) fn build(request: &[Pair<'_>]) -> Result<Self, Errno> {
        if request.len().saturating_mul(2) > IOVECS_MAX {
            return Err(Errno(libc::EINVAL));
        }
        let mut options = Vec::with_capacity(request.len());
        let mut memory = 0_usize;
        for (pos, pair) in request.iter().enumerate() {
            let len = *pair.len;
            memory = memory.saturating_add(OPTION_SIZE).saturating_add(len).saturating_add(pair.name.len());
            if memory > MEMORY_MAX {
                return Err(Errno(libc::EINVAL));
            }
            if pair.name.last() != Some(&0) {
                return Err(Errno(libc::EINVAL));
            }
            let value = if len == 0 {
                None
            } else {
                let given = pair.value.as_deref().and_then(|value| value.get(..len));
                Some(given.ok_or(Errno(libc::EFAULT))?.to_vec())
            };
            options.push(Opt { name: c_string(pair.name).to_vec(), value, len, pos, seen: false });
        }
        sanitize(&mut options);
        Ok(Self(options))
    }

    /// Whether the request has a name, without marking it as used.
    pub(super) fn has(&self, name: &str) -> bool {
        self.0.iter().any(|opt| opt.name == name.as_bytes())
    }

    fn find(&mut self, name: &[u8]) -> Option<&mut Opt> {
        let found = self.0.iter_mut().find(|opt| opt.name == name)?;
        found.seen = true;
        Some(found)
    }

    /// Reads an integer, which must have exactly the right size: `vfs_copyopt`.
    pub(super) fn int(&mut self, name: &str) -> Result<Option<c_int>, Errno> {
        let bytes = self.sized::<{ size_of::<c_int>() }>(name)?;
        Ok(bytes.map(c_int::from_ne_bytes))
    }

    /// Reads an unsigned long.
    pub(super) fn ulong(&mut self, name: &str) -> Result<Option<c_ulong>, Errno> {
        let bytes = self.sized::<{ size_of::<c_ulong>() }>(name)?;
        Ok(bytes.map(c_ulong::from_ne_bytes))
    }

    fn sized<const N: usize>(&mut self, name: &str) -> Result<Option<[u8; N]>, Errno> {
        let Some(opt) = self.find(name.as_bytes()) else {
            return Ok(None);
        };
        match opt.value.as_deref().map(<[u8; N]>::try_from) {
            Some(Ok(bytes)) => Ok(Some(bytes)),
            _ => Err(Errno(libc::EINVAL)),
        }
    }

    /// The bytes of a value, none for one without: `vfs_getopt`.
    pub(super) fn bytes(&mut self, name: &str) -> Option<&[u8]> {
        let opt = self.find(name.as_bytes())?;
        Some(opt.value.as_deref().unwrap_or_default())
    }

    /// Whether a name was given, whatever its value: `vfs_flagopt`.
    pub(super) fn flag(&mut self, name: &str) -> bool {
        self.find(name.as_bytes()).is_some()
    }

    /// Puts a text into the caller's `errmsg`, cut to its size, and returns the error: `vfs_opterror`.
    pub(super) fn error(&mut self, errno: c_int, text: impl AsRef<[u8]>) -> Errno {
        if let Some(buffer) = self.find(b"errmsg").and_then(|opt| opt.value.as_mut()) {
            copy_string(buffer, text.as_ref());
        }
        Errno(errno)
    }

    /// Sets an integer: `vfs_setopt`.
    pub(super) fn set_int(&mut self, name: &str, value: c_int) -> Result<(), Errno> {
        self.set(name, &value.to_ne_bytes())
    }

    /// Answers with bytes, for which the caller's buffer must have exactly the right size.
    pub(super) fn set(&mut self, name: &str, value: &[u8]) -> Result<(), Errno> {
        let Some(opt) = self.find(name.as_bytes()) else {
            return Ok(());
        };
        match &mut opt.value {
            None => opt.len = value.len(),
            Some(buffer) if buffer.len() == value.len() => buffer.copy_from_slice(value),
            Some(_) => return Err(Errno(libc::EINVAL)),
        }
        Ok(())
    }

    /// Answers with a list that may be shorter than the caller's buffer: `vfs_setopt_part`.
    pub(super) fn set_part(&mut self, name: &str, value: &[u8]) -> Result<(), Errno> {
        let Some(opt) = self.find(name.as_bytes()) else {
            return Ok(());
        };
        if let Some(buffer) = &mut opt.value {
            let Some(start) = buffer.get_mut(..value.len()) else {
                return Err(Errno(libc::EINVAL));
            };
            start.copy_from_slice(value);
        }
        opt.len = value.len();
        Ok(())
    }

    /// Answers with a string, whose length stays the buffer's: `vfs_setopts`.
    pub(super) fn set_string(&mut self, name: &str, value: &[u8]) -> Result<(), Errno> {
        let Some(opt) = self.find(name.as_bytes()) else {
            return Ok(());
        };
        match &mut opt.value {
            None => opt.len = value.len() + 1,
            Some(buffer) => {
                if !copy_string(buffer, value) {
                    return Err(Errno(libc::EINVAL));
                }
            }
        }
        Ok(())
    }

    /// Returns the first unused parameter other than `errmsg`.
    pub(super) fn unknown(&self) -> Option<Vec<u8>> {
        let unseen = self.0.iter().find(|opt| !opt.seen && opt.name != b"errmsg");
        unseen.map(|opt| opt.name.clone())
    }

    /// Refuses a request with an unused parameter.
    pub(super) fn refuse_unknown(&mut self) -> Result<(), Errno> {
        match self.unknown() {
            None => Ok(()),
            Some(name) => Err(self.error(libc::EINVAL, [b"unknown parameter: ", name.as_slice()].concat())),
        }
    }

    /// Returns the index of a parameter in the request: `vfs_getopt_pos`.
    pub(super) fn position(&mut self, name: &str) -> Option<usize> {
        self.find(name.as_bytes()).map(|opt| opt.pos)
    }

    /// Each option to look at in turn, for those parameters whose names are open-ended.
    pub(super) fn each(&mut self) -> impl Iterator<Item = Entry<'_>> {
        self.0.iter_mut().map(|opt| Entry { opt })
    }

    /// Copies the text of `errmsg` out, and nothing else, as a call that fails does.
    pub(super) fn copy_out_message(mut self, request: &mut [Pair<'_>]) {
        let Some(opt) = self.find(b"errmsg") else {
            return;
        };
        let (Some(text), Some(pair)) = (&opt.value, request.get_mut(opt.pos)) else {
            return;
        };
        copy_out(pair, text);
    }

    /// Copies every value and length out but `errmsg`'s, as a jail_get(2) that succeeds does.
    pub(super) fn copy_out(self, request: &mut [Pair<'_>]) {
        for opt in self.0.iter().filter(|opt| opt.name != b"errmsg") {
            let Some(pair) = request.get_mut(opt.pos) else {
                continue;
            };
            if let Some(value) = opt.value.as_deref().and_then(|value| value.get(..opt.len)) {
                copy_out(pair, value);
            }
            *pair.len = opt.len;
        }
    }
}

/// One option, for a module whose parameters are not a fixed list.
#[derive(Debug)]
pub(super) struct Entry<'a> {
    opt: &'a mut Opt,
}

impl Entry<'_> {
    /// What follows a module's name in the parameter's: nothing for the name itself, the key for `name.key`.
    pub(super) fn key_of(&self, module: &str) -> Option<Key<'_>> {
        match self.opt.name.strip_prefix(module.as_bytes())? {
            [] => Some(Key::Whole),
            [b'.', key @ ..] => Some(Key::One(key)),
            _ => None,
        }
    }

    /// The value's bytes, `None` where the caller gave none.
    pub(super) fn value(&self) -> Option<&[u8]> {
        self.opt.value.as_deref()
    }

    /// The value's buffer, to answer into; empty where the caller gave none.
    pub(super) fn buffer(&mut self) -> &mut [u8] {
        self.opt.value.as_deref_mut().unwrap_or_default()
    }

    /// Marks the parameter as used.
    pub(super) fn mark_seen(&mut self) {
        self.opt.seen = true;
    }

    /// Whether the parameter is used.
    pub(super) fn is_seen(&self) -> bool {
        self.opt.seen
    }

    /// Removes the value: the caller gets length 0.
    pub(super) fn clear(&mut self) {
        self.opt.value = None;
        self.opt.len = 0;
        self.opt.seen = true;
    }
}

/// Which part of a module's parameter an option names.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Key<'a> {
    /// The module's name alone.
    Whole,
    /// One key below it.
    One(&'a [u8]),
}

/// The bytes before the first NUL.
pub(super) fn c_string(bytes: &[u8]) -> &[u8] {
    bytes.split(|byte| *byte == 0).next().unwrap_or_default()
}

/// Copies a string and a NUL as far as they fit, as strlcpy(3) does. Returns whether all of it fit.
pub(super) fn copy_string(buffer: &mut [u8], text: &[u8]) -> bool {
    let room = buffer.len().saturating_sub(1).min(text.len());
    for (to, from) in buffer.iter_mut().zip(text.iter().take(room).chain(&[0])) {
        *to = *from;
    }
    text.len() < buffer.len()
}

fn copy_out(pair: &mut Pair<'_>, bytes: &[u8]) {
    if let Some(start) = pair.value.as_deref_mut().and_then(|value| value.get_mut(..bytes.len())) {
        start.copy_from_slice(bytes);
    }
}

/// Keeps the last of those options that mean the same: `vfs_sanitizeopts`.
fn sanitize(options: &mut Vec<Opt>) {
    let mut kept: Vec<Opt> = Vec::with_capacity(options.len());
    for opt in options.drain(..).rev() {
        if !kept.iter().any(|later| same_option(&later.name, &opt.name)) {
            kept.push(opt);
        }
    }
    kept.reverse();
    *options = kept;
}

/// Whether two names are the same option: one may have `no` before its last component, or both may be spellings of
/// read-only and read-write: `vfs_equalopts`.
///
/// T9: the last rule compares only the last component, so `env.ro` and `env.rw` are one option.
fn same_option(one: &[u8], other: &[u8]) -> bool {
    if one == other || negates(one, other) {
        return true;
    }
    let (mut one, mut other) = (one, other);
    while let Some(dot) = one.iter().position(|byte| *byte == b'.') {
        let (Some((head, tail)), Some((other_head, other_tail))) =
            (one.split_at_checked(dot + 1), other.split_at_checked(dot + 1))
        else {
            break;
        };
        if head != other_head {
            break;
        }
        (one, other) = (tail, other_tail);
        if negates(one, other) {
            return true;
        }
    }
    sets_access(one) && sets_access(other)
}

/// Whether one name is the other with `no` before it.
fn negates(one: &[u8], other: &[u8]) -> bool {
    one.strip_prefix(b"no") == Some(other) || other.strip_prefix(b"no") == Some(one)
}

fn sets_access(name: &[u8]) -> bool {
    matches!(name, b"ro" | b"rdonly" | b"norw" | b"rw" | b"noro")
}
