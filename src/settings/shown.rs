//! What is set, for `Debug`.

use core::fmt;

use super::Settings;
use crate::param::{self, Kind, Value};
use crate::wire::{Draft, name};

impl Settings<'_> {
    /// Adds the parameters with their values, and whatever else was set.
    pub(crate) fn show(&self, out: &mut fmt::DebugStruct<'_, '_>) {
        out.field("parameters", &Parameters(self));
        if self.exact.is_some() {
            out.field("denies_other_permissions", &true);
        }
        if !self.optional.is_empty() {
            out.field("optional", &self.optional);
        }
        if !self.mistakes.is_empty() {
            out.field("mistakes", &self.mistakes);
        }
    }
}

/// Shows a map of names and values.
struct Parameters<'s>(&'s Settings<'s>);

impl fmt::Debug for Parameters<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut map = f.debug_map();
        for draft in [&self.0.core, &self.0.late] {
            for index in 0..draft.len() {
                let name = draft.name(index);
                match self.0.negated(name) {
                    Some(positive) => map.entry(&positive, &false),
                    None => map.entry(&name, &Shown { draft, index }),
                };
            }
        }
        map.finish()
    }
}

/// Shows a value by the kind of its name.
struct Shown<'s> {
    draft: &'s Draft<'s>,
    index: usize,
}

impl fmt::Debug for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = self.draft.name(self.index);
        let is_entry = name::user_key(name).is_some();
        let Some(bytes) = self.draft.value(self.index) else {
            return f.write_str(if is_entry { "removed" } else { "true" });
        };
        let kind = if is_entry { Some(Kind::String) } else { param::kind_of(name) };
        match kind.map(|kind| Value::decode(kind, bytes, name)) {
            Some(Ok(value)) => param::show(&value, f),
            _ => write!(f, "b\"{}\"", bytes.escape_ascii()),
        }
    }
}
