//! Requests that go straight to the model, without the crate's guards.

#![allow(dead_code, reason = "each test uses its part of this file")]
#![allow(clippy::expect_used, clippy::indexing_slicing, clippy::panic, reason = "a test fails by panicking")]

use std::ffi::c_int;

use freebsd_jail::sim::Kernel;
use freebsd_jail::sim::raw::{Errno, Pair};

pub(crate) const CREATE: c_int = 0x01;
pub(crate) const UPDATE: c_int = 0x02;
pub(crate) const ATTACH: c_int = 0x04;
pub(crate) const DYING: c_int = 0x08;
pub(crate) const USE_DESC: c_int = 0x10;
pub(crate) const AT_DESC: c_int = 0x20;
pub(crate) const GET_DESC: c_int = 0x40;
pub(crate) const OWN_DESC: c_int = 0x80;

/// A value of a request.
#[derive(Clone, Copy)]
pub(crate) enum V<'a> {
    /// A string.
    S(&'a str),
    /// An int.
    I(c_int),
    /// Nothing.
    N,
    /// A buffer of so many bytes.
    B(usize),
}
pub(crate) use V::{B, I, N, S};

/// An answer.
pub(crate) struct Answer {
    pub(crate) result: Result<c_int, Errno>,
    pub(crate) text: String,
    pub(crate) values: Vec<Vec<u8>>,
}

impl Answer {
    pub(crate) fn jid(&self) -> c_int {
        self.result.unwrap_or_else(|errno| panic!("{errno}: {}", self.text))
    }

    pub(crate) fn errno(&self) -> c_int {
        self.result.expect_err("the call fails").0
    }

    pub(crate) fn int(&self, index: usize) -> c_int {
        c_int::from_ne_bytes(self.values[index].as_slice().try_into().expect("an int"))
    }

    pub(crate) fn string(&self, index: usize) -> String {
        let bytes = self.values[index].split(|byte| *byte == 0).next().unwrap_or_default();
        String::from_utf8(bytes.to_vec()).expect("text")
    }
}

fn call(kernel: &Kernel, set: bool, flags: c_int, given: &[(&str, V<'_>)]) -> Answer {
    let names: Vec<String> = given.iter().map(|(name, _)| format!("{name}\0")).collect();
    let mut values: Vec<Vec<u8>> = given
        .iter()
        .map(|(_, value)| match value {
            S(text) => format!("{text}\0").into_bytes(),
            I(number) => number.to_ne_bytes().to_vec(),
            N => Vec::new(),
            B(len) => vec![0; *len],
        })
        .collect();
    let mut lens: Vec<usize> = values.iter().map(Vec::len).collect();
    let mut errmsg = [0; 256];
    let mut errmsg_len = errmsg.len();
    let mut request: Vec<Pair<'_>> = Vec::new();
    for ((name, value), len) in names.iter().zip(&mut values).zip(&mut lens) {
        let value = if value.is_empty() { None } else { Some(value.as_mut_slice()) };
        request.push(Pair { name: name.as_bytes(), value, len });
    }
    request.push(Pair { name: b"errmsg\0", value: Some(&mut errmsg), len: &mut errmsg_len });
    let result = if set {
        kernel.raw().jail_set(&mut request, flags)
    } else {
        kernel.raw().jail_get(&mut request, flags)
    };
    drop(request);
    let text = errmsg.split(|byte| *byte == 0).next().unwrap_or_default();
    Answer { result, text: String::from_utf8_lossy(text).into_owned(), values }
}

pub(crate) fn set(kernel: &Kernel, flags: c_int, given: &[(&str, V<'_>)]) -> Answer {
    call(kernel, true, flags, given)
}

pub(crate) fn get(kernel: &Kernel, flags: c_int, given: &[(&str, V<'_>)]) -> Answer {
    call(kernel, false, flags, given)
}

/// Makes a jail that stays.
pub(crate) fn create(kernel: &Kernel, name: &str) -> c_int {
    set(kernel, CREATE, &[("name", S(name)), ("path", S("/")), ("persist", N)]).jid()
}

/// Makes a jail and a descriptor of it.
pub(crate) fn create_with_descriptor(kernel: &Kernel, name: &str, how: c_int) -> (c_int, c_int) {
    let answer =
        set(kernel, CREATE | how, &[("name", S(name)), ("path", S("/")), ("persist", N), ("desc", I(-1))]);
    (answer.jid(), answer.int(3))
}

pub(crate) fn exists(kernel: &Kernel, jid: c_int) -> bool {
    get(kernel, 0, &[("jid", I(jid))]).result.is_ok()
}

pub(crate) fn is_dying(kernel: &Kernel, jid: c_int) -> bool {
    let answer = get(kernel, DYING, &[("jid", I(jid)), ("dying", I(9))]);
    answer.result.is_ok() && answer.int(1) == 1
}

pub(crate) fn name_of(kernel: &Kernel, jid: c_int) -> String {
    let answer = get(kernel, 0, &[("jid", I(jid)), ("name", B(256))]);
    answer.jid();
    answer.string(1)
}

/// Reads consecutive ints.
pub(crate) fn ints(bytes: &[u8]) -> Vec<c_int> {
    bytes.chunks_exact(4).map(|chunk| c_int::from_ne_bytes(chunk.try_into().expect("4 bytes"))).collect()
}

/// Reads a sysctl by its name, and returns the length of its value.
pub(crate) fn sysctl(kernel: &Kernel, name: &str, old: Option<&mut [u8]>) -> Result<usize, Errno> {
    let mut oid = [0; 96];
    let len = kernel.raw().sysctl(&[0, 3], Some(&mut oid), Some(name.as_bytes()))?;
    kernel.raw().sysctl(&ints(&oid[..len]), old, None)
}
