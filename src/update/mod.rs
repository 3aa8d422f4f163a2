//! Updating jails.

mod apply;

// rustdoc shows the methods of `JailUpdate` in this order.
mod making;

mod setters;

use core::fmt;

use crate::error::Error;
#[cfg(doc)]
use crate::jail::Jail;
use crate::param;
use crate::settings::Settings;

/// An update of jails: it can be kept, applied to any number of jails, and serialised.
///
/// [`Jail::update`] applies it, and [`JailBuilder::with`](crate::JailBuilder::with) uses it as a profile of new jails.
/// Only what may change after creation can be set. Parameters that are not set stay as they are.
///
/// The setters never fail. Each checks its value, and every mistake is kept: [`Jail::update`] returns the first one
/// before any call, and [`check`](Self::check) lists them all.
///
/// ```
/// # use freebsd_jail::{Allow, Jail, JailUpdate, param, sim};
/// # fn main() -> freebsd_jail::Result<()> {
/// # let kernel = sim::Kernel::new();
/// # let _guard = kernel.install();
/// let harden = JailUpdate::new().securelevel(3).deny(Allow::RAW_SOCKETS);
/// let old = Jail::builder().path("/").allow(Allow::RAW_SOCKETS).create()?;
/// old.update(&harden)?;
/// let new = Jail::builder().path("/").with(&harden).create()?;
/// for jail in [old, new] {
///     assert_eq!(jail.get((param::SECURELEVEL, param::allow::RAW_SOCKETS))?, (3, false));
/// }
/// # Ok(())
/// # }
/// ```
///
/// # Serialised
///
/// With feature `serde` a builder or an update is written as a flat map of parameters: `"host.hostname": "www"`.
/// Reading also accepts nested tables, one address in place of a list, numbers as strings, and the keys `network`
/// (`"none"`, `"inherited"`, `"own stack"`, addresses), `allow` and `allow.mount` (lists of granted permissions),
/// `allow_only` (a list of all permissions to have) and `optional` (a list of parameters that are left out if the
/// kernel lacks them). Values that the setters refuse, and unknown names, are errors that name the parameter.
///
/// ```toml
/// path = "/usr/jail"
/// network = "10.0.0.22"
/// securelevel = 2
///
/// [host]
/// hostname = "www.example.org"
///
/// [allow]
/// raw_sockets = true
/// mount = ["tmpfs", "devfs"]
/// ```
#[derive(Clone)]
#[must_use = "nothing is changed before `Jail::update`"]
pub struct JailUpdate {
    pub(crate) settings: Settings<'static>,
}

/// Returns the first mistake.
#[inline]
fn first_mistake(settings: &Settings<'_>) -> Result<(), Error> {
    if !settings.may_have_mistakes() && !settings.core.has("name") {
        return Ok(());
    }
    mistakes(settings).into_iter().next().map_or(Ok(()), Err)
}

/// Finds every mistake, as [`JailUpdate::check`].
fn mistakes(settings: &Settings<'_>) -> Vec<Error> {
    let mut mistakes = settings.mistakes();
    mistakes.extend(settings.name().and_then(|name| param::check_new_name(name).err()));
    mistakes
}

impl fmt::Debug for JailUpdate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut out = f.debug_struct("JailUpdate");
        self.settings.show(&mut out);
        out.finish()
    }
}

/// Returns an empty update.
impl Default for JailUpdate {
    fn default() -> Self {
        Self::new()
    }
}
