//! Changing a jail.

mod apply;
mod setters;

use crate::jail::Jail;
use crate::param::Use;
use crate::settings::Settings;

/// A change of a jail, from [`Jail::update`].
///
/// Only what may change after creation can be set. What is not set stays as it is: no default is sent, and nothing
/// that was read before is sent again, but for the rules of mac_do(4), see [`apply`](Self::apply).
///
/// The kernel applies the core's parameters before it asks its modules about theirs, so a change that fails may
/// have been made in part. The crate checks what it can before the call.
#[derive(Debug, Clone)]
#[must_use = "nothing is changed before `apply`"]
pub struct JailUpdate<'j> {
    jail: &'j Jail,
    pub(crate) settings: Settings,
}

/// A change that is for no jail yet: it can be kept, applied to several jails, and written down.
///
/// ```
/// # use freebsd_jail::{Changes, Jail, param, sim};
/// # fn main() -> freebsd_jail::Result<()> {
/// # let kernel = sim::Kernel::new();
/// # let _guard = kernel.install();
/// let harden = Changes::new().set(param::SECURELEVEL, 3).set(param::ALLOW_RAW_SOCKETS, false);
/// for jail in [Jail::builder().path("/").create()?, Jail::builder().path("/").create()?] {
///     jail.update().with(&harden).apply()?;
///     assert_eq!(jail.get(param::SECURELEVEL)?, 3);
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone)]
pub struct Changes {
    pub(crate) settings: Settings,
}

/// Changing.
impl Jail {
    /// Starts a change of this jail. Nothing happens before [`apply`](JailUpdate::apply).
    pub fn update(&self) -> JailUpdate<'_> {
        JailUpdate::new(self)
    }
}

impl<'j> JailUpdate<'j> {
    pub(crate) fn new(jail: &'j Jail) -> Self {
        Self { jail, settings: Settings::with_room(Use::Update, 64, 4) }
    }

    /// Takes over all that the changes set. Where both set a parameter, theirs holds.
    pub fn with(mut self, changes: &Changes) -> Self {
        self.settings.extend(&changes.settings);
        self
    }

    /// Returns what is set, without the jail. Nothing is changed.
    #[must_use]
    pub fn into_changes(self) -> Changes {
        Changes { settings: self.settings }
    }
}
