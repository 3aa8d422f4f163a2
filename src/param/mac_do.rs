//! Rules of mac_do(4).

use std::ffi::OsString;

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
    /// use freebsd_jail::param::MacDo;
    ///
    /// assert_eq!(MacDo::rules("uid=1001>uid=80"), MacDo::Rules("uid=1001>uid=80".into()));
    /// ```
    #[must_use]
    pub fn rules(rules: impl Into<OsString>) -> Self {
        Self::Rules(rules.into())
    }
}
