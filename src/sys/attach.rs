//! Attaching to the jail of a descriptor after fork(2), where nothing may be allocated.

use core::ffi::c_int;
use std::os::fd::{AsRawFd, BorrowedFd};

use super::bindings::{
    JAIL_ATTACH, JAIL_SYS_DISABLE, JAIL_SYS_INHERIT, JAIL_SYS_NEW, JAIL_UPDATE, JAIL_USE_DESC,
};
use super::fd::{self, Stat};
use super::{Errno, Slot, System};

/// The longest rules of mac_do(4), with their NUL: `MAC_RULE_STRING_LEN`.
const RULES_LEN: usize = 1024;

/// Has room for all messages of the kernel.
pub(crate) type Errmsg = [u8; 1024];

/// How to attach to the jail of a descriptor.
///
/// Attaching is an update of the jail, which resets its rules of mac_do(4) unless the request carries them. The child
/// reads them right before it attaches, each time: rules read before the fork could have been removed since, and would
/// be restored.
///
/// It has the number of the descriptor only. The process that attaches must have the descriptor open, which
/// [`check`](Self::check) verifies.
#[derive(Debug)]
pub(crate) struct ByDescriptor {
    system: System,
    descriptor: c_int,
    /// The jid of the descriptor's jail.
    jid: c_int,
    /// Whether mac_do(4) is loaded, as far as was known before the fork.
    carries_rules: bool,
}

/// A jail's rules of mac_do(4), as read from the kernel.
pub(crate) struct Rules {
    mode: [u8; size_of::<c_int>()],
    text: [u8; RULES_LEN],
}

impl ByDescriptor {
    pub(crate) fn new(system: System, descriptor: BorrowedFd<'_>, jid: c_int) -> Self {
        let carries_rules = system.has_mac_do();
        Self { system, descriptor: descriptor.as_raw_fd(), jid, carries_rules }
    }

    /// Verifies that the number still is the jail's descriptor: since fork(2), std has set up the standard streams, and
    /// closures may have moved descriptors. Async-signal-safe on the host's kernel.
    ///
    /// # Errors
    ///
    /// `EBADF` if it is another file or not open. A jail that has died is found when the process attaches.
    pub(crate) fn check(&self) -> Result<(), Errno> {
        const REPLACED: Errno = Errno(libc::EBADF);
        let expected = u64::try_from(self.jid).map_err(|_| REPLACED)?;
        match fd::host_fstat(self.descriptor) {
            // What `jaildesc_stat` reports for a living jail and for a dead one.
            Ok(Stat { dev: 0, mode: 0o100_700, ino }) if ino == expected => Ok(()),
            Ok(Stat { dev: 0, mode: 0o100_000, ino: 0 }) => Ok(()),
            #[cfg(target_os = "freebsd")]
            Err(Errno(libc::ENOTCAPABLE)) => match self.read_jid() {
                Ok(jid) if jid != self.jid => Err(REPLACED),
                Err(Errno(libc::EINVAL)) => Err(REPLACED),
                _ => Ok(()),
            },
            _ => Err(REPLACED),
        }
    }

    /// Reads the jid of the descriptor's jail, for which the descriptor needs no rights (`jaildesc_find`).
    #[cfg(target_os = "freebsd")]
    fn read_jid(&self) -> Result<c_int, Errno> {
        let mut descriptor = self.descriptor.to_ne_bytes();
        self.system.jail_get(&mut [Slot::new(b"desc\0", Some(&mut descriptor))], JAIL_USE_DESC)
    }

    /// Reads the rules that the request to attach has to carry. Async-signal-safe on the host's kernel, but not on a
    /// model.
    ///
    /// On failure, `errmsg` has the kernel's message.
    pub(crate) fn rules(&self, errmsg: &mut Errmsg) -> Result<Option<Rules>, Errno> {
        if !self.carries_rules {
            return Ok(None);
        }
        errmsg.fill(0);
        let mut descriptor = self.descriptor.to_ne_bytes();
        let mut rules = Rules { mode: [0; size_of::<c_int>()], text: [0; RULES_LEN] };
        let mut request = [
            Slot::new(b"desc\0", Some(&mut descriptor)),
            Slot::new(b"mac.do\0", Some(&mut rules.mode)),
            Slot::new(b"mac.do.rules\0", Some(&mut rules.text)),
            Slot::new(b"errmsg\0", Some(errmsg)),
        ];
        match self.system.jail_get(&mut request, JAIL_USE_DESC) {
            Ok(_) => Ok(Some(rules)),
            // The module has been unloaded.
            Err(Errno(libc::EINVAL)) if errmsg.starts_with(b"unknown parameter: ") => Ok(None),
            Err(errno) => Err(errno),
        }
    }

    /// Attaches and keeps these rules of the jail. Async-signal-safe, and with a message on failure, as
    /// [`rules`](Self::rules).
    pub(crate) fn attach(&self, rules: Option<Rules>, errmsg: &mut Errmsg) -> Result<(), Errno> {
        const INVALID: Errno = Errno(libc::EINVAL);
        errmsg.fill(0);
        let mut descriptor = self.descriptor.to_ne_bytes();
        let mut request = [
            Slot::new(b"desc\0", Some(&mut descriptor)),
            Slot::new(b"errmsg\0", Some(errmsg)),
            Slot::EMPTY,
            Slot::EMPTY,
        ];
        let mut rules = rules;
        let mut count = 2;
        if let Some(Rules { mode, text }) = &mut rules {
            let [_, _, mode_slot, text_slot] = &mut request;
            match c_int::from_ne_bytes(*mode) {
                // A request without rules leaves the jail without rules.
                JAIL_SYS_DISABLE => {}
                JAIL_SYS_NEW => {
                    let end = text.iter().position(|byte| *byte == 0).ok_or(INVALID)?;
                    *mode_slot = Slot::new(b"mac.do\0", Some(mode));
                    *text_slot = Slot::new(b"mac.do.rules\0", text.get_mut(..=end));
                    count = 4;
                }
                // The rules are then the parent's.
                JAIL_SYS_INHERIT => {
                    *mode_slot = Slot::new(b"mac.do\0", Some(mode));
                    count = 3;
                }
                _ => return Err(INVALID),
            }
        }
        let request = request.get_mut(..count).ok_or(INVALID)?;
        self.system.jail_set_unlocked(request, JAIL_UPDATE | JAIL_ATTACH | JAIL_USE_DESC).map(drop)
    }
}

#[cfg(all(test, feature = "sim"))]
#[allow(clippy::expect_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;
    use crate::param::MacDo;
    use crate::{
        Jail, JailUpdate, OwnedJail,
        param::{self, Mode},
        sim,
    };

    const RULES: &str = "uid=1001>uid=1002";

    /// Attaches as another process of the model, prepared beforehand.
    fn attach(kernel: &sim::Kernel, by_descriptor: &ByDescriptor) -> Result<(), Errno> {
        let child = kernel.process().fork();
        let mut errmsg = [0; 1024];
        let result = child.run(|| {
            let rules = by_descriptor.rules(&mut errmsg)?;
            by_descriptor.attach(rules, &mut errmsg)
        });
        child.exit();
        result
    }

    fn way(jail: &Jail) -> ByDescriptor {
        ByDescriptor::new(jail.system.clone(), jail.descriptor().expect("a descriptor"), jail.jid().get())
    }

    fn left(jail: &Jail) -> (Mode, String) {
        let (mode, rules) = jail.get((param::MAC_DO, param::MAC_DO_RULES.utf8())).expect("read");
        (mode, rules)
    }

    fn jail_with(rules: MacDo) -> OwnedJail {
        Jail::builder().path("/").mac_do(rules).create().expect("created")
    }

    #[test]
    fn attaching_keeps_the_rules_t6() {
        let kernel = sim::Kernel::new();
        let _guard = kernel.install();
        let jail = jail_with(MacDo::rules(RULES));
        attach(&kernel, &way(&jail)).expect("attached");
        assert_eq!(left(&jail), (Mode::New, RULES.to_owned()));
        let longest = format!("{:;<1023}", "uid=1>uid=2");
        jail.update(&JailUpdate::new().mac_do(MacDo::rules(longest.as_str()))).expect("changed");
        attach(&kernel, &way(&jail)).expect("attached");
        assert_eq!(left(&jail), (Mode::New, longest));
        let outer =
            Jail::builder().path("/").children_max(1).mac_do(MacDo::rules(RULES)).create().expect("created");
        let inner = outer.child_builder().path("/").mac_do(MacDo::Inherit).create().expect("created");
        attach(&kernel, &way(&inner)).expect("attached");
        assert_eq!(left(&inner), (Mode::Inherit, RULES.to_owned()));
    }

    #[test]
    fn attaching_brings_no_rules_back_t6() {
        let kernel = sim::Kernel::new();
        let _guard = kernel.install();
        let jail = jail_with(MacDo::rules(RULES));
        let by_descriptor = way(&jail);
        jail.update(&JailUpdate::new().mac_do(MacDo::Disable)).expect("changed");
        attach(&kernel, &by_descriptor).expect("attached");
        assert_eq!(left(&jail).0, Mode::Disable);
        jail.update(&JailUpdate::new().mac_do(MacDo::rules("uid=5>uid=6"))).expect("changed");
        attach(&kernel, &by_descriptor).expect("attached");
        assert_eq!(left(&jail), (Mode::New, "uid=5>uid=6".to_owned()));
    }

    #[test]
    fn a_descriptor_that_is_another_file_is_not_the_jail_s() {
        let kernel = sim::Kernel::new();
        let _guard = kernel.install();
        let jail = jail_with(MacDo::Disable);
        let file = std::fs::File::open("/dev/null").expect("opened");
        for descriptor in [file.as_raw_fd(), -1] {
            let replaced = ByDescriptor { descriptor, ..way(&jail) };
            assert_eq!(replaced.check(), Err(Errno(libc::EBADF)));
        }
    }

    #[test]
    fn where_there_is_no_mac_do_attaching_carries_nothing() {
        let kernel = sim::Kernel::new();
        let _guard = kernel.install();
        let jail = jail_with(MacDo::rules(RULES));
        let by_descriptor = ByDescriptor { carries_rules: false, ..way(&jail) };
        assert!(by_descriptor.rules(&mut [0; 1024]).expect("nothing to read").is_none());
        // The module may be unloaded.
        for (text, is_none) in [("unknown parameter: mac.do", true), ("another", false)] {
            kernel.fault(0, sim::Fault::Text(libc::EINVAL, text.into()));
            assert_eq!(way(&jail).rules(&mut [0; 1024]).is_ok_and(|rules| rules.is_none()), is_none);
        }
        let gone = way(&jail);
        let fd = jail.descriptor().expect("a descriptor").try_clone_to_owned().expect("copied");
        jail.remove().expect("removed");
        let gone = ByDescriptor { descriptor: fd.as_raw_fd(), ..gone };
        assert_eq!(gone.rules(&mut [0; 1024]).err(), Some(Errno(libc::ENOENT)));
    }
}
