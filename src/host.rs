//! What a jail shares with its parent or has of its own.

use std::ffi::OsString;

use crate::param::Mode;

macro_rules! shared_or_own {
    ($(#[doc = $doc:literal])+ $name:ident, $inherit:literal, $new:literal) => {
        $(#[doc = $doc])+
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum $name {
            #[doc = $inherit]
            Inherit,
            #[doc = $new]
            New,
        }

        impl From<$name> for Mode {
            fn from(value: $name) -> Self {
                match value {
                    $name::Inherit => Self::Inherit,
                    $name::New => Self::New,
                }
            }
        }
    };
}

shared_or_own! {
    /// Whose host name, domain name, UUID and number a jail has.
    Host,
    "Its parent's, now and later.",
    "Its own: those that are set, and empty ones else."
}

shared_or_own! {
    /// Whose network stack a jail has.
    Vnet,
    "Its parent's, with the addresses that the jail is given.",
    "Its own, with its own interfaces, addresses and routes; at first it has a loopback interface alone."
}

shared_or_own! {
    /// Whose names and versions of Linux emulation a jail has.
    Linux,
    "Its parent's, now and later.",
    "Its own: those that are set, and else what its parent had when it was created."
}

/// Who may become whom in a jail by [mac_do(4)], a kernel module since FreeBSD 14.3.
///
/// [mac_do(4)]: https://man.freebsd.org/cgi/man.cgi?query=mac_do&sektion=4
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum MacDo {
    /// Nobody.
    Disable,
    /// Whoever the parent's rules let, now and later.
    Inherit,
    /// Whoever these rules let, such as `uid=1001>uid=80`.
    Rules(OsString),
}

impl MacDo {
    /// Rules of the jail's own.
    ///
    /// ```
    /// use freebsd_jail::MacDo;
    ///
    /// assert_eq!(MacDo::rules("uid=1001>uid=80"), MacDo::Rules("uid=1001>uid=80".into()));
    /// ```
    #[must_use]
    pub fn rules(rules: impl Into<OsString>) -> Self {
        Self::Rules(rules.into())
    }
}
