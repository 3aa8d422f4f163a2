//! What the fuzzer runs, on the model alone: an input is a list of decisions, taken from its bytes.
//!
//! `fuzz/` searches for inputs on which one of these panics. Those that are worth keeping are in `tests/seeds`, and
//! `tests/fuzzed.rs` runs them. No real kernel is ever given any of it: several would not survive.

#![allow(dead_code, unreachable_pub, unused_qualifications, reason = "each program uses its part")]
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::missing_panics_doc,
    clippy::panic,
    missing_docs,
    missing_debug_implementations,
    reason = "a test fails by panicking, and documents nothing"
)]

pub mod layers;
pub mod request;
pub mod values;

use std::ffi::OsString;
use std::net::{Ipv4Addr, Ipv6Addr};
use std::os::unix::ffi::OsStringExt;

use freebsd_jail::param::Value;
use freebsd_jail::{param::Mode, sim};

/// The rest of an input. Where it ends, every decision is the first choice.
pub struct Input<'d>(&'d [u8]);

impl<'d> Input<'d> {
    pub fn new(data: &'d [u8]) -> Self {
        Self(data)
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub fn byte(&mut self) -> u8 {
        let Some((first, rest)) = self.0.split_first() else { return 0 };
        self.0 = rest;
        *first
    }

    /// Returns a number below `end`, which is at most 256.
    pub fn below(&mut self, end: usize) -> usize {
        usize::from(self.byte()) % end
    }

    pub fn is(&mut self) -> bool {
        self.byte() & 1 == 1
    }

    /// Returns an int: small ones more often than others.
    pub fn int(&mut self) -> i32 {
        match self.below(8) {
            0 => i32::from_ne_bytes([self.byte(), self.byte(), self.byte(), self.byte()]),
            1 => i32::MIN,
            2 => i32::MAX,
            _ => i32::from(i8::from_ne_bytes([self.byte()])),
        }
    }

    pub fn bytes(&mut self, most: usize) -> &'d [u8] {
        let len = self.below(most + 1).min(self.0.len());
        let (bytes, rest) = self.0.split_at(len);
        self.0 = rest;
        bytes
    }

    /// Returns a text: mostly a short word, now and then anything, or something long.
    pub fn text(&mut self) -> OsString {
        match self.below(8) {
            0 => OsString::from_vec(self.bytes(40).to_vec()),
            1 => OsString::from_vec(vec![b'x'; usize::from(self.byte()) * 8]),
            2 => "/".into(),
            3 => format!("a.{}", self.below(4)).into(),
            _ => ["a", "b", "c", "d"][self.below(4)].into(),
        }
    }

    /// Returns a name: mostly a parameter's, now and then one with a mistake in it, or anything.
    pub fn name(&mut self) -> String {
        let known = NAMES[self.below(NAMES.len())];
        match self.below(8) {
            0 => String::from_utf8_lossy(self.bytes(40)).into_owned(),
            1 => format!("{known}{}", char::from(self.byte())),
            2 => known
                .rsplit_once('.')
                .map_or_else(|| format!("no{known}"), |(start, last)| format!("{start}.no{last}")),
            _ => known.to_owned(),
        }
    }

    pub fn ip4(&mut self) -> Vec<Ipv4Addr> {
        (0..self.below(5)).map(|_| Ipv4Addr::new(10, 0, 0, self.byte())).collect()
    }

    pub fn ip6(&mut self) -> Vec<Ipv6Addr> {
        (0..self.below(5)).map(|_| Ipv6Addr::new(0xfd00, 0, 0, 0, 0, 0, 0, self.byte().into())).collect()
    }

    pub fn value(&mut self) -> Value {
        match self.below(8) {
            0 | 1 => Value::Bool(self.is()),
            2 => Value::Int(self.int()),
            3 => Value::Ulong(u64::from(self.byte()) as _),
            4 => Value::Ip4(self.ip4()),
            5 => Value::Ip6(self.ip6()),
            6 => Value::Mode([Mode::Disable, Mode::New, Mode::Inherit][self.below(3)]),
            _ => Value::String(self.text()),
        }
    }

    /// Returns a model of a release, with modules or without.
    pub fn kernel(&mut self) -> sim::Kernel {
        let releases = sim::Release::ALL;
        let kernel = sim::Kernel::with_release(releases[self.below(releases.len())]);
        if self.is() {
            kernel.load(sim::Module::Linux);
            kernel.load(sim::Module::Zfs);
            kernel.load(sim::Module::FileSystem("fusefs"));
        }
        kernel
    }
}

/// Parameters of the core and of modules, and some slots that are no parameters.
const NAMES: [&str; 48] = [
    "name",
    "path",
    "jid",
    "lastjid",
    "parent",
    "persist",
    "dying",
    "errmsg",
    "desc",
    "cpuset.id",
    "host",
    "host.hostname",
    "host.domainname",
    "host.hostuuid",
    "host.hostid",
    "ip4",
    "ip4.addr",
    "ip4.saddrsel",
    "ip6",
    "ip6.addr",
    "ip6.saddrsel",
    "vnet",
    "securelevel",
    "enforce_statfs",
    "devfs_ruleset",
    "children.max",
    "children.cur",
    "osrelease",
    "osreldate",
    "sysvmsg",
    "sysvsem",
    "sysvshm",
    "allow.raw_sockets",
    "allow.set_hostname",
    "allow.chflags",
    "allow.mount",
    "allow.mount.devfs",
    "allow.mount.zfs",
    "allow.mlock",
    "allow.settime",
    "meta",
    "meta.key",
    "env",
    "env.key",
    "linux",
    "linux.osname",
    "zfs.mount_snapshot",
    "mac.do",
];

/// Asserts that no request has reached what would have harmed a real kernel. T46 takes a removal at the wrong moment,
/// which can only be noticed afterwards.
pub fn assert_unharmed(kernel: &sim::Kernel) {
    let harm: Vec<_> = kernel.sprung().into_iter().filter(|sprung| sprung.trap != Some(46)).collect();
    assert_eq!(harm, [], "a real kernel would have been harmed");
}
