//! How a jail shares something with its parent.

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
            Self::Disable => 0,
            Self::New => 1,
            Self::Inherit => 2,
        }
    }

    /// Makes a mode of the kernel's number.
    #[must_use]
    pub const fn from_number(number: i32) -> Option<Self> {
        match number {
            0 => Some(Self::Disable),
            1 => Some(Self::New),
            2 => Some(Self::Inherit),
            _ => None,
        }
    }
}
