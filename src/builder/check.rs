//! Mistakes that can be found without the kernel.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;

use super::JailBuilder;
use crate::error::{Error, ErrorKind, Result};
use crate::param;

/// # Checking
impl JailBuilder {
    /// Finds every mistake that can be found without asking the kernel.
    ///
    /// [`create`](Self::create) and the other methods that create return the first of them. No call is made.
    ///
    /// # Errors
    ///
    /// All mistakes, in the order in which they were made, then contradictions between parameters.
    ///
    /// ```
    /// use freebsd_jail::Jail;
    ///
    /// let builder = Jail::builder().hostname("no\0good").devfs_ruleset(-1);
    /// let mistakes = builder.check().unwrap_err();
    /// let parameters: Vec<_> = mistakes.iter().filter_map(|mistake| mistake.parameter()).collect();
    /// assert_eq!(parameters, ["host.hostname", "devfs_ruleset"]);
    /// ```
    pub fn check(&self) -> core::result::Result<(), Vec<Error>> {
        let mistakes = self.mistakes();
        if mistakes.is_empty() { Ok(()) } else { Err(mistakes) }
    }

    /// Returns the first mistake.
    pub(super) fn first_mistake(&self, name: Option<&[u8]>, is_nested: bool) -> Result<()> {
        if is_nested || self.settings.may_have_mistakes() {
            return self.mistakes().into_iter().next().map_or(Ok(()), Err);
        }
        name.map_or(Ok(()), |name| self.check_name(name))
    }

    fn check_name(&self, name: &[u8]) -> Result<()> {
        param::check_created_name(name, || self.settings.int("jid"))
    }

    #[inline(never)]
    fn mistakes(&self) -> Vec<Error> {
        let mut mistakes = self.settings.mistakes();
        mistakes.extend(self.settings.name().and_then(|name| self.check_name(name).err()));
        let has_parent = |name: &[u8]| name.contains(&b'.');
        if (self.is_below() || self.settings.name().is_some_and(has_parent))
            && !self.settings.core.has("path")
        {
            mistakes.push(
                Error::refused(
                    ErrorKind::InvalidParameter,
                    "a nested jail needs a path: without one the kernel would give it this process's root",
                )
                .about("path"),
            );
        }
        mistakes
    }
}

/// Splits a name of the form `parent.child`.
pub(super) fn split_name(name: &[u8]) -> Option<(OsString, OsString)> {
    let dot = name.iter().rposition(|&byte| byte == b'.')?;
    let (above, last) = (name.get(..dot)?, name.get(dot + 1..)?);
    Some((OsStr::from_bytes(above).to_owned(), OsStr::from_bytes(last).to_owned()))
}
