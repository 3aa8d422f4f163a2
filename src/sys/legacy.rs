//! jail(2) on the model.

use core::ffi::{CStr, c_char, c_int};
use std::net::{Ipv4Addr, Ipv6Addr};

use super::{Errno, bindings};
use crate::sim;

/// The layout of FreeBSD 4: version 0 has no name, and one IPv4 address in host order.
#[repr(C)]
struct Version0 {
    version: u32,
    path: *const c_char,
    hostname: *const c_char,
    ip_number: u32,
}

/// Gives the model safe views of what jail(2) was given.
///
/// # Safety
///
/// `jail` points at a structure of the version that its first field says. Its strings are NULL or end in NUL,
/// and its addresses are valid for as many as it says. All of it stays as it is during the call.
pub(super) unsafe fn on_model(model: &sim::Kernel, jail: *const bindings::jail) -> Result<c_int, Errno> {
    if jail.is_null() {
        return Err(Errno(libc::EFAULT));
    }
    // SAFETY: every version begins with its number; the caller vouches for the structure.
    let version = unsafe { jail.cast::<u32>().read() };
    if version == 0 {
        // SAFETY: the caller vouches that a structure of version 0 has this layout.
        let jail = unsafe { &*jail.cast::<Version0>() };
        // SAFETY: the caller vouches for the string.
        let path = unsafe { bytes(jail.path) };
        // SAFETY: the caller vouches for the string.
        let hostname = unsafe { bytes(jail.hostname) };
        // The model takes the address as the number says it, as `kern_jail` does with `ntohl`.
        let ip4 = [Ipv4Addr::from_bits(jail.ip_number)];
        return model.jail(&sim::Legacy { version, path, hostname, jailname: None, ip4: &ip4, ip6: &[] });
    }
    if version != 2 {
        // The kernel looks no further than the number.
        return model.jail(&sim::Legacy { version, ..sim::Legacy::default() });
    }
    // SAFETY: the caller vouches that a structure of this version has this layout.
    let jail = unsafe { &*jail };
    // SAFETY: the caller vouches for the string.
    let path = unsafe { bytes(jail.path) };
    // SAFETY: the caller vouches for the string.
    let hostname = unsafe { bytes(jail.hostname) };
    // SAFETY: the caller vouches for the string.
    let jailname = unsafe { bytes(jail.jailname) };
    // SAFETY: the caller vouches for `ip4s` addresses.
    let ip4 =
        unsafe { addresses(jail.ip4, jail.ip4s, |address| Ipv4Addr::from(address.s_addr.to_ne_bytes())) }?;
    // SAFETY: the caller vouches for `ip6s` addresses.
    let ip6 = unsafe { addresses(jail.ip6, jail.ip6s, |address| Ipv6Addr::from(address.s6_addr)) }?;
    model.jail(&sim::Legacy { version, path, hostname, jailname, ip4: &ip4, ip6: &ip6 })
}

/// # Safety
///
/// `string` is NULL, or ends in NUL and stays as it is for the result's life.
unsafe fn bytes<'a>(string: *const c_char) -> Option<&'a [u8]> {
    if string.is_null() {
        return None;
    }
    // SAFETY: the caller vouches for the string.
    Some(unsafe { CStr::from_ptr(string) }.to_bytes())
}

/// Copies addresses, which need not be aligned.
///
/// # Safety
///
/// `first` is valid for reading `count` values of its type.
unsafe fn addresses<C: Copy, T>(first: *const C, count: u32, make: impl Fn(C) -> T) -> Result<Vec<T>, Errno> {
    let count = usize::try_from(count).map_err(|_| Errno(libc::EINVAL))?;
    if first.is_null() && count > 0 {
        return Err(Errno(libc::EFAULT));
    }
    let mut addresses = Vec::new();
    for index in 0..count {
        // SAFETY: the caller vouches for `count` values, of which this is one.
        let place = unsafe { first.add(index) };
        // SAFETY: as above.
        addresses.push(make(unsafe { place.read_unaligned() }));
    }
    Ok(addresses)
}
