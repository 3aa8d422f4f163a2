//! The kernel's defects that the crate guards against: one table, by number and release.
//!
//! Each guard is in one place, names its trap and asks [`Trap::is_there`]. When a release fixes a defect, add its
//! `kern.osreldate` to the trap here: the guard is then lifted on that release.

use super::System;

/// A defect of the kernel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Trap {
    number: u8,
    /// The `kern.osreldate` of the first release that has it, [`EVERY`] for all that the crate supports.
    since: u32,
    /// The `kern.osreldate` of the first kernel without it, one for each major release that has been fixed. A major
    /// release that is not listed is taken to have it.
    fixed: &'static [u32],
}

/// All supported releases.
const EVERY: u32 = 0;

/// The release that introduced jail descriptors. Whether the kernel has those is known without a system call.
const DESCRIPTORS: u32 = 1_500_000;

/// No release is known to fix it.
const NOWHERE: &[u32] = &[];

macro_rules! traps {
    ($($(#[doc = $doc:literal])+ $name:ident: $number:literal, since $since:ident, fixed $fixed:ident;)*) => {
        #[allow(dead_code, reason = "a guard that compares no kernels does not ask")]
        impl Trap {
            $($(#[doc = $doc])+
            pub(crate) const $name: Self = Self { number: $number, since: $since, fixed: $fixed };)*
        }

        /// All of them.
        #[cfg(test)]
        const TRAPS: &[(&str, Trap)] = &[$((stringify!($name), Trap::$name)),*];
    };
}

traps! {
    /// jail_get(2) with `OWN_DESC` that fails removes the jail: `kern_jail_get`.
    T1: 1, since DESCRIPTORS, fixed NOWHERE;
    /// jail_get(2) with `USE_DESC` and `GET_DESC` returns no new descriptor.
    T2: 2, since DESCRIPTORS, fixed NOWHERE;
    /// `AT_DESC` with a descriptor that is dead or no jail's releases one reference too many.
    T3: 3, since DESCRIPTORS, fixed NOWHERE;
    /// An update of a nested jail from above is judged by the caller's jail.
    T4: 4, since DESCRIPTORS, fixed NOWHERE;
    /// An update that fails in a module has already changed other parameters.
    T5: 5, since EVERY, fixed NOWHERE;
    /// An update that does not mention `mac.do` resets the jail's rules. Whether the parameter exists says more than
    /// the release.
    T6: 6, since EVERY, fixed NOWHERE;
    /// jail_attach_jd(2) leaks a reference.
    T17: 17, since DESCRIPTORS, fixed NOWHERE;
    /// A creation that fails in a module leaves a dying jail for ever.
    T18: 18, since DESCRIPTORS, fixed NOWHERE;
    /// Renaming a nested jail corrupts the names of the jails below it.
    T19: 19, since EVERY, fixed NOWHERE;
    /// An update whose name is empty or ends in a dot creates a jail.
    T20: 20, since EVERY, fixed NOWHERE;
    /// A jail created by its full name is not counted by its parent, and takes the caller's root.
    T21: 21, since EVERY, fixed NOWHERE;
    /// Registering `EVFILT_JAIL` by jid beside the jail's removal panics.
    T23: 23, since DESCRIPTORS, fixed NOWHERE;
    /// Closing one of several owning descriptors removes the jail.
    T24: 24, since DESCRIPTORS, fixed NOWHERE;
    /// A process that attached to a jail that it owns is killed with it.
    T25: 25, since DESCRIPTORS, fixed NOWHERE;
    /// An update by `USE_DESC` from inside another jail is judged against, and renamed below, the caller's jail.
    T26: 26, since DESCRIPTORS, fixed NOWHERE;
    /// An update by a numeric name is refused, even if a jail has it.
    T29: 29, since EVERY, fixed NOWHERE;
    /// On the host the name `0.x` renames a jail to `x`.
    T30: 30, since EVERY, fixed NOWHERE;
    /// jail_set(2) writes the descriptor while it holds the jail's mutex, and panics if that page has to be copied.
    T37: 37, since DESCRIPTORS, fixed NOWHERE;
    /// Watching the process's own jail while it is being removed panics.
    T38: 38, since DESCRIPTORS, fixed NOWHERE;
    /// A name with fewer dots than its jail's depth panics the next listing: T4 and T19 make such names.
    T39: 39, since EVERY, fixed NOWHERE;
    /// With `kern.racct.enable`, renaming a jail that has processes panics.
    T40: 40, since EVERY, fixed NOWHERE;
    /// Changing the System V namespace of a living jail removes all its objects, and may panic.
    T41: 41, since EVERY, fixed NOWHERE;
    /// Two threads that attach to two jails at once corrupt the kernel's lists.
    T42: 42, since EVERY, fixed NOWHERE;
    /// A program that another thread starts during an attach gets the jail's root with the old credential.
    T43: 43, since EVERY, fixed NOWHERE;
    /// Closing an owning descriptor that another thread uses hangs every jail call.
    T44: 44, since DESCRIPTORS, fixed NOWHERE;
    /// A new descriptor is inheritable from the start of jail_set(2).
    T45: 45, since DESCRIPTORS, fixed NOWHERE;
    /// With `kern.racct.enable`, an update may return a descriptor of a dying jail that looks alive.
    T46: 46, since DESCRIPTORS, fixed NOWHERE;
    /// An interface that is moved into a jail without a network stack of its own goes to the jail above.
    T51: 51, since EVERY, fixed NOWHERE;
}

impl Trap {
    /// Returns the trap's number, 39 for T39.
    #[allow(dead_code, reason = "most guards have it in their text")]
    pub(crate) const fn number(self) -> u8 {
        self.number
    }

    /// Whether a kernel has the defect.
    ///
    /// Asks the kernel for its release only if the answer depends on it, and once.
    pub(crate) fn is_there(self, system: &System) -> bool {
        match (self.since, self.fixed) {
            (EVERY, []) => true,
            // The kernel has its defects, whatever features a thread assumes.
            (DESCRIPTORS, []) => system.all_features().has_descriptors(),
            // If the release is unknown, assume the defect: an unneeded guard does less harm than a missing one.
            _ => system.osreldate().is_none_or(|release| self.is_in(release)),
        }
    }

    /// Whether a release has it.
    fn is_in(self, release: u32) -> bool {
        let major = |release: u32| release / 100_000;
        let is_fixed = |&fixed: &u32| major(fixed) == major(release) && release >= fixed;
        release >= self.since && !self.fixed.iter().any(is_fixed)
    }
}

impl System {
    /// Returns `kern.osreldate`, read once. `None` inside a jail, where it has the value that the jail's creator set.
    fn osreldate(&self) -> Option<u32> {
        *self.cache().osreldate.get_or_init(|| {
            if self.is_jailed().ok()? {
                return None;
            }
            let mut value = [0; size_of::<u32>()];
            self.sysctl_by_name("kern.osreldate", &mut value).ok().map(|_| u32::from_ne_bytes(value))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_trap_has_the_number_of_its_name() {
        for (name, trap) in TRAPS {
            assert_eq!(*name, format!("T{}", trap.number()));
        }
    }

    #[test]
    fn a_trap_is_gone_in_the_releases_that_are_fixed_and_in_no_others() {
        let trap = Trap { number: 0, since: 1_400_000, fixed: &[1_404_500, 1_502_000] };
        for (release, there) in [
            (1_302_001, false),
            (1_400_000, true),
            (1_404_499, true),
            (1_404_500, false),
            (1_405_000, false),
            (1_500_000, true),
            (1_501_000, true),
            (1_502_000, false),
            (1_600_000, true),
        ] {
            assert_eq!(trap.is_in(release), there, "{release}");
        }
    }

    #[cfg(feature = "sim")]
    #[test]
    fn the_release_is_asked_for_only_where_the_answer_depends_on_it_and_once() {
        use crate::sim::{Kernel, Release};
        for (release, since_15) in [(Release::FREEBSD_13_2, false), (Release::FREEBSD_15_1, true)] {
            let kernel = Kernel::with_release(release);
            let _guard = kernel.install();
            let system = System::current();
            let _ = system.has_descriptors();
            let before = kernel.calls().total();
            for (_, trap) in TRAPS {
                assert_eq!(trap.is_there(&system), trap.since == EVERY || since_15, "{trap:?}");
            }
            assert_eq!(kernel.calls().total(), before);
            let fixed_in_15 = Trap { number: 0, since: EVERY, fixed: &[1_500_000] };
            assert_eq!(fixed_in_15.is_there(&system), !since_15);
            let asked = kernel.calls().total();
            assert!(asked > before);
            assert_eq!(fixed_in_15.is_there(&system), !since_15);
            assert_eq!(kernel.calls().total(), asked);
        }
    }

    #[cfg(feature = "sim")]
    #[test]
    fn inside_a_jail_no_guard_is_lifted() {
        use crate::Jail;
        use crate::sim::Kernel;
        let kernel = Kernel::new();
        let _guard = kernel.install();
        let jail = Jail::builder().path("/").osreldate(1_600_000).create().expect("created");
        let process = kernel.process().fork();
        let fixed = Trap { number: 0, since: EVERY, fixed: &[1_501_000, 1_600_000] };
        process.run(|| {
            jail.attach().expect("attached");
            assert!(fixed.is_there(&System::current()));
        });
    }
}
