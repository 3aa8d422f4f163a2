//! The settings that are sent to a kernel.

use super::Settings;
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
            Some(rest) if rest.exact.is_some() || rest.has_parameter.is_some() || !apart => {
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
        if let Some(has_parameter) = self.rest().has_parameter {
            self.leave_out(&mut sent.core, |name| has_parameter(system, name));
            self.leave_out(&mut sent.late, |name| has_parameter(system, name));
        }
        self.deny_others(system, &mut sent.core)?;
        if !apart {
            let late = core::mem::replace(&mut sent.late, Draft::new());
            sent.core.append(&late);
        }
        Ok(sent)
    }

    /// Leaves out what is optional and not in the kernel.
    fn leave_out(&self, draft: &mut Draft<'_>, has_parameter: impl Fn(&str) -> bool) {
        let mut place = 0;
        while let Some(pair) = draft.pair(place) {
            if self.is_left_out(pair.name(), &has_parameter) {
                draft.remove(place);
            } else {
                place = pair.end();
            }
        }
    }

    /// Whether a parameter is optional, and the kernel lacks it.
    fn is_left_out(&self, wire_name: &str, has_parameter: impl Fn(&str) -> bool) -> bool {
        let name = self.negated(wire_name);
        let name = name.as_deref().unwrap_or(wire_name);
        let parameter = if name::user_key(name).is_some() { name::text_of(name) } else { name };
        self.rest().optional.iter().any(|optional| optional == name) && !has_parameter(parameter)
    }

    /// Denies all permissions of the kernel that are not set, if requested.
    fn deny_others(&self, system: &System, core: &mut Draft<'_>) -> Result<()> {
        let Some(permission_names) = self.rest().exact else { return Ok(()) };
        for name in permission_names(system, false)?.iter() {
            if core.collision(name).is_none() {
                core.check_room(name, 0)?;
                core.push(name, Wire::Bool(false));
            }
        }
        Ok(())
    }
}
