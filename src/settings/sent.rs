//! The settings that are sent to a kernel.

use super::Settings;
use crate::error::Result;
use crate::sys::System;
use crate::wire::{Draft, Entry, Wire, name};

/// Space for the settings of most jails, so that sending them allocates nothing.
pub(crate) struct Memory {
    bytes: [u8; 1024],
    entries: [Entry; 24],
}

impl Memory {
    pub(crate) fn new() -> Self {
        Self { bytes: [0; 1024], entries: [Entry::default(); 24] }
    }

    pub(crate) fn draft(&mut self) -> Draft<'_> {
        Draft::lent(&mut self.bytes, &mut self.entries)
    }
}

impl Settings<'_> {
    /// Copies the settings for a kernel. Parameters of modules go into a second draft, if there is one.
    pub(crate) fn copy_into(
        &self,
        system: &System,
        core: &mut Draft<'_>,
        apart: Option<&mut Draft<'static>>,
    ) -> Result<()> {
        self.copy(system, &self.core, core);
        self.deny_others(system, core)?;
        match apart {
            Some(late) => self.copy(system, &self.late, late),
            None => self.copy(system, &self.late, core),
        }
        Ok(())
    }

    fn copy(&self, system: &System, from: &Draft<'_>, to: &mut Draft<'_>) {
        let Some(has_parameter) = self.has_parameter.filter(|_| !self.optional.is_empty()) else {
            return to.append(from);
        };
        for index in 0..from.len() {
            let name = from.name(index);
            if !self.is_left_out(name, |name| has_parameter(system, name)) {
                to.push(name, from.wire(index));
            }
        }
    }

    /// Whether a parameter is optional, and the kernel lacks it.
    fn is_left_out(&self, wire_name: &str, has_parameter: impl Fn(&str) -> bool) -> bool {
        let name = self.negated(wire_name);
        let name = name.as_deref().unwrap_or(wire_name);
        let parameter = if name::user_key(name).is_some() { name::text_of(name) } else { name };
        self.optional.iter().any(|optional| optional == name) && !has_parameter(parameter)
    }

    /// Denies all permissions of the kernel that are not set, if requested.
    fn deny_others(&self, system: &System, core: &mut Draft<'_>) -> Result<()> {
        let Some(permission_names) = self.exact else { return Ok(()) };
        for name in permission_names(system, false)?.iter() {
            if core.collision(name).is_none() {
                core.check_room(name, 0)?;
                core.push(name, Wire::Bool(false));
            }
        }
        Ok(())
    }
}
