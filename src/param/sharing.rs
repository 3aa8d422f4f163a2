//! Whether a jail has something of its own or its parent's.

use super::Mode;

/// Whether a jail has something of its own, or its parent's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "lowercase"))]
pub enum Sharing {
    /// The jail has its own.
    New,
    /// The jail has its parent's, now and later.
    Inherit,
}

impl From<Sharing> for Mode {
    fn from(value: Sharing) -> Self {
        match value {
            Sharing::New => Self::New,
            Sharing::Inherit => Self::Inherit,
        }
    }
}
