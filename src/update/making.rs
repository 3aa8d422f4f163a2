//! Making and checking an update.

use super::{JailUpdate, mistakes};
use crate::error::Error;
use crate::param::Use;
use crate::settings::Settings;
use crate::wire::Draft;

/// # Making and checking
impl JailUpdate {
    /// Makes an empty update.
    pub fn new() -> Self {
        Self { settings: Settings::with(Use::Update, Draft::with_room(128)) }
    }

    /// Whether nothing is set. An update that holds a refused value is not empty.
    ///
    /// ```
    /// use freebsd_jail::JailUpdate;
    ///
    /// assert!(JailUpdate::new().is_empty());
    /// assert!(!JailUpdate::new().hostname("no\0good").is_empty());
    /// ```
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.settings.is_empty()
    }

    /// Finds every mistake that can be found without asking the kernel. No call is made.
    ///
    /// # Errors
    ///
    /// All mistakes, in the order in which they were made, then contradictions between parameters.
    ///
    /// ```
    /// use freebsd_jail::JailUpdate;
    ///
    /// let mistakes = JailUpdate::new().name("a.b").hostname("no\0good").check().unwrap_err();
    /// assert_eq!(mistakes.len(), 2);
    /// ```
    pub fn check(&self) -> Result<(), Vec<Error>> {
        let mistakes = mistakes(&self.settings);
        if mistakes.is_empty() { Ok(()) } else { Err(mistakes) }
    }
}
