//! The rules of mac_do(4), which an update has to repeat (T6).

use std::os::unix::ffi::OsStringExt;

use super::Jail;
use crate::error::{ErrorKind, Result};
use crate::get::Roomy;
use crate::param::{self, Mode};
use crate::sys::Trap;
use crate::wire::{Draft, Wire};

/// Adds the jail's rules of mac_do(4) to an update, unless it sets them itself: the kernel would reset them.
pub(crate) fn carry_rules(jail: &Jail, draft: &mut Draft<'_>) -> Result<()> {
    let system = &jail.system;
    // Beside rules, the kernel would drop a name such as `mac.nodo` (T9). Without them it refuses the update for it.
    if draft.collision(param::MAC_DO.name()).is_some()
        || draft.collision(param::MAC_DO_RULES.name()).is_some()
        || !Trap::T6.is_there(system)
        || !system.has_mac_do()
    {
        return Ok(());
    }
    let (mode, rules) = match jail.get(Roomy((param::MAC_DO, param::MAC_DO_RULES))) {
        Ok(rules) => rules,
        // The module has been unloaded.
        Err(error) if error.kind() == ErrorKind::UnknownParameter => return Ok(()),
        Err(error) => return Err(error),
    };
    match mode {
        Mode::Disable => {}
        Mode::New => {
            draft.push(param::MAC_DO.name(), Wire::Int(mode.number()));
            draft.push(param::MAC_DO_RULES.name(), Wire::Text(&rules.into_vec()));
        }
        // The rules are then the parent's.
        Mode::Inherit => {
            draft.push(param::MAC_DO.name(), Wire::Int(mode.number()));
        }
    }
    Ok(())
}
