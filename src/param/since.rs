//! The release that introduced a parameter.

use core::fmt;

/// The FreeBSD release that introduced a parameter.
///
/// Informational: the running kernel decides which parameters it has, since builds between releases, kernel options and
/// modules differ. Nothing is refused because of it.
///
/// ```
/// use freebsd_jail::param::{self, Since};
///
/// let meta = param::find("meta").expect("in the table");
/// let since = meta.since().expect("in the table");
/// assert_eq!(since, Since::FREEBSD_14_4);
/// assert!(since > Since::FREEBSD_13_2);
/// assert_eq!(since.to_string(), "14.4");
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Since {
    major: u16,
    minor: u16,
}

impl Since {
    /// FreeBSD 13.2, the oldest release that the crate supports, or any before it.
    pub const FREEBSD_13_2: Self = Self::new(13, 2);
    /// FreeBSD 14.0.
    pub const FREEBSD_14_0: Self = Self::new(14, 0);
    /// FreeBSD 14.3.
    pub const FREEBSD_14_3: Self = Self::new(14, 3);
    /// FreeBSD 14.4, which was released after 15.0: 15.0 has the same parameters.
    pub const FREEBSD_14_4: Self = Self::new(14, 4);
    /// FreeBSD 15.0.
    pub const FREEBSD_15_0: Self = Self::new(15, 0);
    /// FreeBSD 15.1.
    pub const FREEBSD_15_1: Self = Self::new(15, 1);

    /// Makes a release from its numbers.
    #[must_use]
    pub const fn new(major: u16, minor: u16) -> Self {
        Self { major, minor }
    }

    /// Makes a release from a kernel's `kern.osreldate`, such as 1501000.
    #[must_use]
    pub const fn from_osreldate(osreldate: u32) -> Self {
        // Five digits for what comes after the major number: `MMmmxxx`.
        Self { major: (osreldate / 100_000) as u16, minor: (osreldate / 1_000 % 100) as u16 }
    }

    /// Returns the first number: 15 of 15.1.
    #[must_use]
    pub const fn major(self) -> u16 {
        self.major
    }

    /// Returns the second number: 1 of 15.1.
    #[must_use]
    pub const fn minor(self) -> u16 {
        self.minor
    }
}

impl fmt::Display for Since {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.major, self.minor)
    }
}
