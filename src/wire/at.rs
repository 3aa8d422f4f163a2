//! How a call uses a jail descriptor.

use core::ffi::c_int;
use std::os::fd::BorrowedFd;

use crate::sys;

/// How a call uses a jail descriptor. Since FreeBSD 15.0.
#[derive(Debug, Clone, Copy, Default)]
pub enum At<'fd> {
    /// Not at all: the request names the jail, seen from the caller's own.
    #[default]
    None,
    /// The call is about the descriptor's jail (`JAIL_USE_DESC`).
    Use(BorrowedFd<'fd>),
    /// Names and jids are relative to the descriptor's jail, and new jails are created below it (`JAIL_AT_DESC`).
    Below(BorrowedFd<'fd>),
}

impl<'fd> At<'fd> {
    pub(crate) fn flag(self) -> c_int {
        match self {
            Self::None => 0,
            Self::Use(_) => sys::JAIL_USE_DESC,
            Self::Below(_) => sys::JAIL_AT_DESC,
        }
    }

    pub(crate) fn descriptor(self) -> Option<BorrowedFd<'fd>> {
        match self {
            Self::None => None,
            Self::Use(descriptor) | Self::Below(descriptor) => Some(descriptor),
        }
    }
}
