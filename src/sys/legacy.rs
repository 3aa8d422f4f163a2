//! The structures of jail(2).

use core::ffi::{CStr, c_char, c_int};
use core::ptr;
use std::net::{Ipv4Addr, Ipv6Addr};

use libc::{in_addr, in6_addr};

use super::{Errno, System, bindings};
#[cfg(feature = "sim")]
use freebsd_jail_sim as sim;

/// The layout of FreeBSD 4: version 0 has no name, and one IPv4 address in host order.
#[repr(C)]
struct Version0 {
    version: u32,
    path: *const c_char,
    hostname: *const c_char,
    ip_number: u32,
}

impl System {
    /// Calls jail(2) with version 2 of its structure.
    pub(crate) fn jail(
        &self,
        path: &CStr,
        hostname: &CStr,
        name: Option<&CStr>,
        ip4: &[Ipv4Addr],
        ip6: &[Ipv6Addr],
    ) -> Result<c_int, Errno> {
        let count = |count: usize| u32::try_from(count).map_err(|_| Errno(libc::EINVAL));
        let (ip4s, ip6s) = (count(ip4.len())?, count(ip6.len())?);
        let mut ip4: Vec<in_addr> =
            ip4.iter().map(|address| in_addr { s_addr: u32::from_ne_bytes(address.octets()) }).collect();
        let mut ip6: Vec<in6_addr> =
            ip6.iter().map(|address| in6_addr { s6_addr: address.octets() }).collect();
        let mut jail = bindings::jail {
            version: bindings::JAIL_API_VERSION as u32,
            path: path.as_ptr().cast_mut(),
            hostname: hostname.as_ptr().cast_mut(),
            jailname: name.map_or(ptr::null_mut(), |name| name.as_ptr().cast_mut()),
            ip4s,
            ip6s,
            ip4: ip4.as_mut_ptr(),
            ip6: ip6.as_mut_ptr(),
        };
        // SAFETY: the structure says version 2 and is that one; its strings end in NUL, its lists are as long as
        // it says, all are borrowed or ours until the call returns, and the kernel writes none.
        unsafe { self.jail_raw(&raw mut jail) }
    }

    /// Calls jail(2) with version 0 of its structure.
    pub(crate) fn jail_version_0(
        &self,
        path: &CStr,
        hostname: &CStr,
        address: Ipv4Addr,
    ) -> Result<c_int, Errno> {
        let mut jail = Version0 {
            version: 0,
            path: path.as_ptr(),
            hostname: hostname.as_ptr(),
            ip_number: address.to_bits(),
        };
        // SAFETY: the structure says version 0 and is that one, of which no more is read than it has; its strings
        // end in NUL, are borrowed until the call returns, and the kernel writes none.
        unsafe { self.jail_raw((&raw mut jail).cast()) }
    }
}

/// Gives the model safe views of the arguments of jail(2).
///
/// # Safety
///
/// `jail` points at a structure of the version that its first field says. Its strings are NULL or end in NUL,
/// and its addresses are valid for as many as it says. All of it stays as it is during the call.
#[cfg(feature = "sim")]
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
        // The model takes the address in host order, as `kern_jail` does with `ntohl`.
        let ip4 = [Ipv4Addr::from_bits(jail.ip_number)];
        let legacy = sim::raw::Legacy { version, path, hostname, jailname: None, ip4: &ip4, ip6: &[] };
        return Ok(model.raw().jail(&legacy)?);
    }
    if version != 2 {
        // The kernel reads no more than the version.
        return Ok(model.raw().jail(&sim::raw::Legacy { version, ..sim::raw::Legacy::default() })?);
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
    Ok(model.raw().jail(&sim::raw::Legacy { version, path, hostname, jailname, ip4: &ip4, ip6: &ip6 })?)
}

/// # Safety
///
/// `string` is NULL, or ends in NUL and stays as it is for the result's life.
#[cfg(feature = "sim")]
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
#[cfg(feature = "sim")]
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
