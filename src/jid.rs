//! Jids.

use core::fmt;
use core::num::NonZeroI32;
use core::str::FromStr;

use crate::error::{Error, ErrorKind};

/// The id of a jail: an integer above zero.
///
/// A jid is not a handle. Once the jail has been removed, another jail may get the jid, so an operation by jid may
/// affect the wrong jail; a [`Jail`](crate::Jail) with a descriptor does not have this problem. The kernel picks jids
/// from 1 to 999,999; a caller may request any other one.
///
/// ```
/// use freebsd_jail::Jid;
///
/// let jid = Jid::new(7).expect("above zero");
/// assert_eq!(jid.to_string(), "7");
/// assert_eq!("7".parse::<Jid>()?, jid);
/// assert!(Jid::new(0).is_none());
/// # Ok::<(), freebsd_jail::Error>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Jid(NonZeroI32);

impl Jid {
    /// Makes a jid from an integer above zero.
    #[must_use]
    pub const fn new(jid: i32) -> Option<Self> {
        if jid > 0 {
            match NonZeroI32::new(jid) {
                Some(jid) => Some(Self(jid)),
                None => None,
            }
        } else {
            None
        }
    }

    /// Returns the jid as an integer.
    #[must_use]
    pub const fn get(self) -> i32 {
        self.0.get()
    }
}

impl fmt::Debug for Jid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Jid({})", self.get())
    }
}

impl fmt::Display for Jid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.get(), f)
    }
}

impl From<Jid> for i32 {
    fn from(jid: Jid) -> Self {
        jid.get()
    }
}

impl TryFrom<i32> for Jid {
    type Error = Error;

    fn try_from(jid: i32) -> Result<Self, Error> {
        Self::new(jid)
            .ok_or_else(|| Error::refused(ErrorKind::InvalidValue, "a jid must be above zero").about("jid"))
    }
}

impl FromStr for Jid {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        text.parse::<i32>().ok().and_then(Self::new).ok_or_else(|| {
            Error::refused(ErrorKind::InvalidValue, "a jid must be a decimal number above zero").about("jid")
        })
    }
}
