//! How a jail shares something with its parent.

use crate::sys;

/// How a jail shares something with its parent: addresses, the host's names, System V IPC …
///
/// The kernel's `JAIL_SYS_DISABLE`, `JAIL_SYS_NEW` and `JAIL_SYS_INHERIT`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "lowercase"))]
pub enum Mode {
    /// The jail has none of it.
    Disable,
    /// The jail has its own.
    New,
    /// The jail shares its parent's.
    Inherit,
}

impl Mode {
    /// Returns the kernel's number.
    #[must_use]
    pub const fn number(self) -> i32 {
        match self {
            Self::Disable => sys::JAIL_SYS_DISABLE,
            Self::New => sys::JAIL_SYS_NEW,
            Self::Inherit => sys::JAIL_SYS_INHERIT,
        }
    }

    /// Makes a mode of the kernel's number.
    #[must_use]
    pub const fn from_number(number: i32) -> Option<Self> {
        match number {
            sys::JAIL_SYS_DISABLE => Some(Self::Disable),
            sys::JAIL_SYS_NEW => Some(Self::New),
            sys::JAIL_SYS_INHERIT => Some(Self::Inherit),
            _ => None,
        }
    }
}
