//! What is set, for `Debug`.

use core::fmt;

use super::{Rest, Settings};
use crate::param::{self, Kind, Value};
use crate::wire::{Pair, name};

impl Settings<'_> {
    /// Adds the parameters with their values, and whatever else was set.
    pub(crate) fn show(&self, out: &mut fmt::DebugStruct<'_, '_>) {
        out.field("parameters", &Parameters(self));
        let Rest { optional, exact, mistakes, .. } = self.rest();
        if exact.is_some() {
            out.field("denies_other_permissions", &true);
        }
        if !optional.is_empty() {
            out.field("optional", optional);
        }
        if !mistakes.is_empty() {
            out.field("mistakes", mistakes);
        }
    }
}

/// Shows a map of names and values.
struct Parameters<'s>(&'s Settings<'s>);

impl fmt::Debug for Parameters<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut map = f.debug_map();
        for pair in self.0.pairs() {
            let name = pair.name();
            match self.0.negated(name) {
                Some(positive) => map.entry(&positive, &false),
                None => map.entry(&name, &Shown(pair)),
            };
        }
        map.finish()
    }
}

/// Shows a value by the kind of its name.
struct Shown<'s>(Pair<'s>);

impl fmt::Debug for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = self.0.name();
        let is_entry = name::user_key(name).is_some();
        let Some(bytes) = self.0.value() else {
            return f.write_str(if is_entry { "removed" } else { "true" });
        };
        let kind = if is_entry { Some(Kind::String) } else { param::kind_of(name) };
        match kind.map(|kind| Value::decode(kind, bytes, name)) {
            Some(Ok(value)) => param::show(&value, f),
            _ => write!(f, "b\"{}\"", bytes.escape_ascii()),
        }
    }
}
