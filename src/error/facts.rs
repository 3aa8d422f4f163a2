//! The texts of an error.

use core::fmt::{self, Write as _};
use std::borrow::Cow;

use super::Error;

/// Texts of an error, one after the other in one string: all code that may fail drops errors, so dropping one is short.
#[derive(Debug, Clone)]
pub(super) struct Facts {
    text: String,
    places: [Option<(usize, usize)>; FACTS],
}

#[derive(Debug, Clone, Copy)]
pub(super) enum Fact {
    /// The kernel's message, from `errmsg`.
    Message,
    /// The jail's name or jid.
    Jail,
    Parameter,
    Value,
    /// A reason that is not a text of the crate.
    Reason,
}

const FACTS: usize = Fact::Reason as usize + 1;

impl Facts {
    pub(super) const NONE: Self = Self { text: String::new(), places: [None; FACTS] };

    pub(super) fn get(&self, fact: Fact) -> Option<&str> {
        let &(start, end) = self.places.get(fact as usize)?.as_ref()?;
        self.text.get(start..end)
    }

    /// Adds or replaces a fact.
    #[cold]
    pub(super) fn set(&mut self, fact: Fact, text: fmt::Arguments<'_>) {
        let start = self.text.len();
        // A string takes any text.
        let _ = self.text.write_fmt(text);
        if let Some(place) = self.places.get_mut(fact as usize) {
            *place = Some((start, self.text.len()));
        }
    }

    /// As [`set`](Self::set), of a plain text.
    #[cold]
    pub(super) fn set_text(&mut self, fact: Fact, text: &str) {
        self.set(fact, format_args!("{text}"));
    }

    pub(super) fn forget(&mut self, fact: Fact) {
        if let Some(place) = self.places.get_mut(fact as usize) {
            *place = None;
        }
    }
}

/// A reason for an error: a text of the crate, or one made of several.
pub(crate) trait Reason {
    fn explain(self, error: &mut Error);
}

impl Reason for &'static str {
    #[cold]
    fn explain(self, error: &mut Error) {
        error.0.reason = Some(self);
    }
}

impl Reason for fmt::Arguments<'_> {
    #[cold]
    fn explain(self, error: &mut Error) {
        error.0.reason = self.as_str();
        if error.0.reason.is_none() {
            error.0.facts.set(Fact::Reason, self);
        }
    }
}

impl Reason for String {
    fn explain(self, error: &mut Error) {
        format_args!("{self}").explain(error);
    }
}

impl Reason for Cow<'static, str> {
    fn explain(self, error: &mut Error) {
        match self {
            Cow::Borrowed(text) => text.explain(error),
            Cow::Owned(text) => text.explain(error),
        }
    }
}
