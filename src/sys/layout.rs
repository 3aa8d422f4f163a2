//! The sizes that the kernel uses, asserted when the crate is compiled.
//!
//! The bindings are one file for all architectures, so bindgen's own layout tests, which are for one, are left out.
//! Only the width of a pointer differs.

use super::bindings::{cpusetid_t, jail, xprison};
use core::mem::offset_of;
use libc::{in_addr, in6_addr, iovec};

// jail(2) copies in this many bytes, whatever the caller's definition of the struct.
#[cfg(target_pointer_width = "64")]
const _: () = assert!(size_of::<jail>() == 56);
#[cfg(target_pointer_width = "32")]
const _: () = assert!(size_of::<jail>() == 32);

// Another alignment would add or remove padding.
const _: () = assert!(align_of::<jail>() == size_of::<usize>());

// The kernel chooses the layout by the version, so the version must come first.
const _: () = assert!(offset_of!(jail, version) == 0);

// The first pointer after a 32-bit member shows the padding that the ABI puts between them.
const _: () = assert!(offset_of!(jail, path) == size_of::<usize>());

// The counts share a word on LP64 and take one each on ILP32; the addresses follow.
const _: () = assert!(offset_of!(jail, ip4s) == 4 * size_of::<usize>());
const _: () = assert!(offset_of!(jail, ip4) == 4 * size_of::<usize>() + 8);

// `security.jail.list` gives records of this size on every architecture, with addresses behind.
const _: () = assert!(size_of::<xprison>() == 1560);
const _: () = assert!(align_of::<xprison>() == 4);

// A jid, a state and a cpuset fill the words between the version and the path, without padding.
const _: () = assert!(size_of::<cpusetid_t>() == 4);
const _: () = assert!(offset_of!(xprison, pr_path) == 16);

// MAXPATHLEN and MAXHOSTNAMELEN, which the kernel was built with.
const _: () = assert!(offset_of!(xprison, pr_host) == 16 + 1024);
const _: () = assert!(offset_of!(xprison, pr_name) == 16 + 1024 + 256);
const _: () = assert!(offset_of!(xprison, pr_ip4s) == 16 + 1024 + 2 * 256);

// libc's iovec stands in for the header's: a pointer and a length, in this order.
const _: () = assert!(size_of::<iovec>() == 2 * size_of::<usize>());
const _: () = assert!(offset_of!(iovec, iov_base) == 0);

// An `ip4.addr` or `ip6.addr` value is counted in these, and so is what follows an xprison.
const _: () = assert!(size_of::<in_addr>() == 4);
const _: () = assert!(size_of::<in6_addr>() == 16);
