//! The settings that are sent to a kernel.

use super::Settings;
use crate::error::Result;
use crate::sys::System;
use crate::wire::{Draft, Entry, Wire, name};

/// Space for a copy of settings, so that sending them allocates nothing.
pub(crate) struct Memory<const BYTES: usize, const PAIRS: usize> {
    bytes: [u8; BYTES],
    entries: [Entry; PAIRS],
}

/// Enough for most jails.
pub(crate) type Large = Memory<1024, 24>;

/// Enough for a few settings, and for those that a call adds. It takes less time to clear.
pub(crate) type Small = Memory<192, 8>;

impl<const BYTES: usize, const PAIRS: usize> Memory<BYTES, PAIRS> {
    pub(crate) fn new() -> Self {
        Self { bytes: [0; BYTES], entries: [Entry::default(); PAIRS] }
    }

    pub(crate) fn draft(&mut self) -> Draft<'_> {
        Draft::lent(&mut self.bytes, &mut self.entries)
    }
}

impl Small {
    /// Whether the settings most likely fit; others go to the heap.
    pub(crate) fn fits(settings: &Settings<'_>) -> bool {
        let (pairs, bytes) = [&settings.core, &settings.late]
            .iter()
            .fold((0, 0), |(pairs, bytes), draft| (pairs + draft.len(), bytes + draft.size()));
        settings.exact.is_none() && pairs <= 5 && bytes <= 160
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
        if from.len() == 0 {
            return;
        }
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
