//! Values in any bytes, as a kernel might answer: each type reads them or refuses them.

use freebsd_jail::param::Param;
use freebsd_jail::{param::Mode, raw::Request};
use std::ffi::OsString;
use std::net::{Ipv4Addr, Ipv6Addr};
use std::path::PathBuf;

use super::Input;

/// Puts the same bytes into a request under a name that the table does not know, and reads them as every type.
pub fn run(data: &[u8]) {
    let mut input = Input::new(data);
    let bytes = input.bytes(255);
    let mut request = Request::new();
    let name = "module.value";
    request.bytes(name, bytes).expect("any bytes under an unknown name");
    assert_eq!(request.value(name), Some(bytes));

    let number = request.read(Param::<i32>::new(name)).ok();
    assert_eq!(number, bytes.try_into().ok().map(i32::from_ne_bytes));
    let switch = request.read(Param::<bool>::new(name)).ok();
    assert!(switch.is_none() || bytes.len() == 4);
    let _ = request.read(Param::<Mode>::new(name));
    let _ = request.read(Param::<u64>::new(name));

    let end = bytes.iter().position(|byte| *byte == 0).unwrap_or(bytes.len());
    if let Ok(text) = request.read(Param::<OsString>::new(name)) {
        assert_eq!(text.as_encoded_bytes(), &bytes[..end]);
    }
    if let Ok(path) = request.read(Param::<PathBuf>::new(name)) {
        assert_eq!(path.as_os_str().as_encoded_bytes(), &bytes[..end]);
    }
    if let Ok(text) = request.read(Param::<String>::new(name)) {
        assert_eq!(text.as_bytes(), &bytes[..end]);
    }

    let ip4 = request.read(Param::<Vec<Ipv4Addr>>::new(name)).ok();
    assert_eq!(ip4, octets::<4, _>(bytes));
    let ip6 = request.read(Param::<Vec<Ipv6Addr>>::new(name)).ok();
    assert_eq!(ip6, octets::<16, _>(bytes));
}

/// Returns the bytes as addresses, `None` if they are no whole number of them.
fn octets<const N: usize, A: From<[u8; N]>>(bytes: &[u8]) -> Option<Vec<A>> {
    let chunks = bytes.chunks_exact(N);
    let whole = chunks.remainder().is_empty();
    whole.then(|| chunks.filter_map(|chunk| chunk.try_into().ok()).map(<[u8; N]>::into).collect())
}
