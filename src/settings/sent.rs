//! The settings that are sent to a kernel.

use super::{Rest, Settings};
use crate::catalog::permission_names;
use crate::error::Result;
use crate::sys::System;
use crate::wire::{Draft, Wire, name};

/// Parameters that are sent, where they differ from those that were set.
pub(crate) struct Sent<'s> {
    pub(crate) core: Draft<'s>,
    /// Those of modules, if they go apart.
    pub(crate) late: Draft<'static>,
}

impl<'s> Settings<'s> {
    /// Returns the parameters to send to a kernel, `None` if they are those that were set. Those of modules follow the
    /// others, or go `apart`.
    #[inline]
    pub(crate) fn sent(&self, system: &System, apart: bool) -> Result<Option<Box<Sent<'s>>>> {
        match &self.rest {
            Some(rest) if rest.exact.is_some() || rest.leave_out.is_some() || !apart => {
                self.changed(system, apart).map(|sent| Some(Box::new(sent)))
            }
            _ => Ok(None),
        }
    }

    /// Returns a copy of the parameters, to be changed.
    #[inline(never)]
    pub(crate) fn copy(&self) -> Sent<'s> {
        Sent { core: self.core.clone(), late: self.late().clone() }
    }

    #[inline(never)]
    fn changed(&self, system: &System, apart: bool) -> Result<Sent<'s>> {
        let mut sent = self.copy();
        let Rest { leave_out, exact, .. } = *self.rest();
        if let Some(leave_out) = leave_out {
            leave_out(self, system, &mut sent.core);
            leave_out(self, system, &mut sent.late);
        }
        if let Some(deny_others) = exact {
            deny_others(system, &mut sent.core)?;
        }
        if !apart {
            let late = core::mem::replace(&mut sent.late, Draft::new());
            sent.core.append(&late);
        }
        Ok(sent)
    }
}

/// Leaves out what is optional and not in the kernel.
pub(super) fn leave_out(settings: &Settings<'_>, system: &System, draft: &mut Draft<'_>) {
    let mut place = 0;
    while let Some(pair) = draft.pair(place) {
        let name = settings.negated(pair.name());
        let name = name.as_deref().unwrap_or(pair.name());
        let parameter = if name::user_key(name).is_some() { name::text_of(name) } else { name };
        let is_optional = settings.rest().optional.iter().any(|optional| optional == name);
        if is_optional && !system.has_parameter(parameter) {
            draft.remove(place);
        } else {
            place = pair.end();
        }
    }
}

/// Denies all permissions of the kernel that are not set.
pub(super) fn deny_others(system: &System, core: &mut Draft<'_>) -> Result<()> {
    for name in permission_names(system, false)?.iter() {
        if core.collision(name).is_none() {
            core.check_room(name, 0)?;
            core.push(name, Wire::Bool(false));
        }
    }
    Ok(())
}
