//! Rules of mac_do(4).

use std::ffi::OsString;

/// Which users in a jail may become others by [mac_do(4)], a kernel module since FreeBSD 14.3.
///
/// [mac_do(4)]: https://man.freebsd.org/cgi/man.cgi?query=mac_do&sektion=4
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum MacDo {
    /// None.
    Disable,
    /// Those that the parent's rules allow, now and later.
    Inherit,
    /// Those that these rules allow, such as `uid=1001>uid=80`.
    Rules(OsString),
}

impl MacDo {
    /// Returns rules of the jail's own.
    ///
    /// ```
    /// use freebsd_jail::param::MacDo;
    ///
    /// assert_eq!(MacDo::rules("uid=1001>uid=80"), MacDo::Rules("uid=1001>uid=80".into()));
    /// ```
    #[must_use]
    pub fn rules(rules: impl Into<OsString>) -> Self {
        Self::Rules(rules.into())
    }
}
