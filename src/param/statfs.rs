//! Which mounted file systems are visible in a jail.

use crate::error::{Error, ErrorKind, Result};

/// Which mounted file systems a jail can see: the parameter `enforce_statfs`.
///
/// The levels are ordered: a later one is stricter. Mounting file systems inside a jail requires
/// [`All`](Self::All) or [`BelowRoot`](Self::BelowRoot).
///
/// ```
/// use freebsd_jail::param::EnforceStatfs;
///
/// assert!(EnforceStatfs::RootOnly > EnforceStatfs::All);
/// assert_eq!(EnforceStatfs::from_number(1), Some(EnforceStatfs::BelowRoot));
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(into = "i32", try_from = "i32"))]
pub enum EnforceStatfs {
    /// All mounted file systems (0).
    All,
    /// Those mounted at or below the jail's root (1).
    BelowRoot,
    /// Only the file system of the jail's root (2). The kernel's default.
    #[default]
    RootOnly,
}

impl EnforceStatfs {
    /// Returns the kernel's number.
    #[must_use]
    pub const fn number(self) -> i32 {
        match self {
            Self::All => 0,
            Self::BelowRoot => 1,
            Self::RootOnly => 2,
        }
    }

    /// Returns the level for the kernel's number.
    #[must_use]
    pub const fn from_number(number: i32) -> Option<Self> {
        match number {
            0 => Some(Self::All),
            1 => Some(Self::BelowRoot),
            2 => Some(Self::RootOnly),
            _ => None,
        }
    }
}

impl From<EnforceStatfs> for i32 {
    fn from(level: EnforceStatfs) -> Self {
        level.number()
    }
}

impl TryFrom<i32> for EnforceStatfs {
    type Error = Error;

    fn try_from(number: i32) -> Result<Self> {
        Self::from_number(number).ok_or_else(|| {
            Error::refused(ErrorKind::InvalidValue, format_args!("{number} is not between 0 and 2"))
                .about("enforce_statfs")
        })
    }
}
