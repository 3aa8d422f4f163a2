//! What a jail shares with its parent.

use core::fmt;
use core::str::FromStr;

use crate::error::{Error, ErrorKind, Result};
use crate::sys;

/// Whether a jail has its own, its parent's or no instance of something: addresses, System V IPC …
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

    /// Makes a mode from the kernel's number.
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

/// `disable`, `new` or `inherit`, as [jail(8)](https://man.freebsd.org/cgi/man.cgi?query=jail&sektion=8) writes it.
impl fmt::Display for Mode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Disable => "disable",
            Self::New => "new",
            Self::Inherit => "inherit",
        })
    }
}

/// The inverse of its `Display`.
///
/// ```
/// use freebsd_jail::param::Mode;
///
/// assert_eq!("inherit".parse::<Mode>()?, Mode::Inherit);
/// assert_eq!(Mode::New.to_string(), "new");
/// # Ok::<(), freebsd_jail::Error>(())
/// ```
impl FromStr for Mode {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        match text {
            "disable" => Ok(Self::Disable),
            "new" => Ok(Self::New),
            "inherit" => Ok(Self::Inherit),
            _ => Err(Error::refused(
                ErrorKind::InvalidValue,
                format_args!("{text:?} is not `disable`, `new` or `inherit`"),
            )),
        }
    }
}
