//! Changing a jail.

#![forbid(unsafe_code)]

mod apply;
mod setters;

use std::os::unix::ffi::OsStringExt;

use crate::error::{ErrorKind, Result};
use crate::jail::Jail;
use crate::param::{self, Mode, Use};
use crate::request::{Draft, Outgoing};
use crate::settings::Settings;
use crate::sys::Trap;

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

/// Adds the jail's rules of mac_do(4) to an update, unless it sets them itself: the kernel would reset them.
pub(crate) fn carry_rules(jail: &Jail, draft: &mut Draft<'_>) -> Result<()> {
    let names = [param::MAC_DO.name(), param::MAC_DO_RULES.name()];
    let system = &jail.system;
    if names.iter().any(|name| draft.position(name).is_some())
        || !Trap::T6.is_there(system)
        || !system.has_mac_do()
    {
        return Ok(());
    }
    let (mode, rules) = match jail.get((param::MAC_DO, param::MAC_DO_RULES)) {
        Ok(rules) => rules,
        // It has been unloaded.
        Err(error) if error.kind() == ErrorKind::UnknownParameter => return Ok(()),
        Err(error) => return Err(error),
    };
    match mode {
        Mode::Disable => {}
        Mode::New => {
            draft.push(&[param::MAC_DO.name()], Outgoing::Bytes(&mode.number().to_ne_bytes()));
            draft.push(&[param::MAC_DO_RULES.name()], Outgoing::Text(&rules.into_vec()));
        }
        // The rules are the parent's then.
        Mode::Inherit => {
            draft.push(&[param::MAC_DO.name()], Outgoing::Bytes(&mode.number().to_ne_bytes()));
        }
    }
    Ok(())
}
