//! Descriptions of parameters.

use core::fmt;
use core::ops::RangeInclusive;
use std::borrow::Cow;
use std::ffi::OsStr;

use super::{Access, Kind, Since, Value, table};
use crate::error;
#[cfg(doc)]
use crate::error::ErrorKind;

/// A description of a parameter: a row of the [table](super::TABLE), or the running kernel's description in a
/// [`Catalog`](crate::Catalog).
///
/// [`since`](Self::since) and [`module`](Self::module) are informational: the running kernel decides.
///
/// ```
/// use freebsd_jail::param::{self, Access, Kind, Since};
///
/// let level = param::find("securelevel").expect("it is in the table");
/// assert_eq!((level.kind(), level.access()), (Kind::Int, Access::ReadWrite));
/// assert_eq!((level.since(), level.module()), (Some(Since::FREEBSD_13_2), None));
/// assert_eq!(level.default(), Some("the parent's"));
/// ```
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Definition {
    pub(crate) name: Cow<'static, str>,
    pub(crate) kind: Kind,
    pub(crate) access: Access,
    /// Whether the kernel sets it [after creating the jail](table::is_late).
    pub(crate) is_late: bool,
    /// The most bytes of a string, its NUL included.
    pub(crate) max: Option<usize>,
    pub(crate) range: Option<(i32, i32)>,
    /// Where the rest of its row is.
    pub(crate) notes: Option<NotesPlace>,
    /// The kernel's description. `None` for the table's.
    pub(crate) description: Option<Box<str>>,
}

/// The part of a row that the crate itself does not use. It is kept apart, so that only programs that ask for it contain
/// it.
#[derive(Debug)]
pub(super) struct Notes {
    pub(super) since: Since,
    pub(super) module: Option<&'static str>,
    pub(super) default: &'static str,
    /// In rustdoc's markup.
    pub(super) doc: &'static str,
}

/// A place in one of the two lists of notes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct NotesPlace {
    pub(super) is_permission: bool,
    pub(super) row: u8,
}

impl Definition {
    /// Returns the parameter's name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Returns the format of its value.
    #[must_use]
    pub const fn kind(&self) -> Kind {
        self.kind
    }

    /// Returns how it can be used.
    #[must_use]
    pub const fn access(&self) -> Access {
        self.access
    }

    /// Returns the release that introduced it, if known.
    #[must_use]
    pub const fn since(&self) -> Option<Since> {
        match self.notes {
            Some(place) => Some(table::notes(place).since),
            None => None,
        }
    }

    /// Returns the kernel module that it belongs to, `None` if it is part of the kernel or unknown.
    #[must_use]
    pub const fn module(&self) -> Option<&str> {
        match self.notes {
            Some(place) => table::notes(place).module,
            None => None,
        }
    }

    /// Returns the default for a new jail, in words, if known.
    #[must_use]
    pub const fn default(&self) -> Option<&str> {
        match self.notes {
            Some(place) => Some(table::notes(place).default),
            None => None,
        }
    }

    /// Returns the most bytes that a string can have, its NUL included. `None` if only the system's settings limit it,
    /// and for other kinds.
    #[must_use]
    pub const fn max_len(&self) -> Option<usize> {
        self.max
    }

    /// Returns the values that an integer can have, or the numbers of a [`Mode`](super::Mode). `None` if the crate knows
    /// of no limit.
    #[must_use]
    pub fn range(&self) -> Option<RangeInclusive<i32>> {
        self.range.map(|(least, most)| least..=most)
    }

    /// Returns what the parameter does, as plain text: one line for each paragraph.
    #[must_use]
    pub fn description(&self) -> String {
        let doc = self.notes.map(|place| table::notes(place).doc);
        plain(self.description.as_deref().or(doc).unwrap_or_default())
    }

    /// Parses text as a value of the parameter, as [`Value::parse`] does by its [kind](Self::kind). `true` and `false` are
    /// also read where the kernel has the numbers 1 and 0.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidValue`] for any other text; the error names the parameter.
    ///
    /// ```
    /// # use freebsd_jail::{Catalog, Jail, param, sim};
    /// # fn main() -> freebsd_jail::Result<()> {
    /// # let kernel = sim::Kernel::new();
    /// # let _guard = kernel.install();
    /// let (name, text) = ("securelevel", "2"); // as a user gives them
    /// let value = Catalog::describe(name)?.parse(text)?;
    /// let jail = Jail::builder().path("/").set_value(name, value).create()?;
    /// assert_eq!(jail.get(param::SECURELEVEL)?, 2);
    /// # Ok(())
    /// # }
    /// ```
    pub fn parse(&self, text: impl AsRef<OsStr>) -> error::Result<Value> {
        let text = text.as_ref();
        match text.to_str() {
            Some("true") if self.is_numeric_boolean() => Ok(Value::Int(1)),
            Some("false") if self.is_numeric_boolean() => Ok(Value::Int(0)),
            _ => Value::parse(self.kind, text).map_err(|error| error.about(&self.name)),
        }
    }

    /// Whether it is a boolean that the kernel takes as an int.
    pub(crate) fn is_numeric_boolean(&self) -> bool {
        self.kind == Kind::Int && self.range == Some((0, 1))
    }
}

/// Converts documentation to plain text: one line for each paragraph, links without targets.
fn plain(doc: &str) -> String {
    let mut text = String::with_capacity(doc.len());
    for line in doc.lines().map(str::trim) {
        match (line.is_empty(), text.ends_with('\n') || text.is_empty()) {
            (true, false) => text.push('\n'),
            (true, true) => {}
            (false, starts) => {
                if !starts {
                    text.push(' ');
                }
                text.push_str(line);
            }
        }
    }
    while let Some((before, words, after)) = link(&text) {
        text = [before, words, after].concat();
    }
    text.truncate(text.trim_end().len());
    text
}

/// Finds the first `[words](target)`, and splits around it.
fn link(text: &str) -> Option<(&str, &str, &str)> {
    let (before, rest) = text.split_once("](")?;
    let (before, words) = before.rsplit_once('[')?;
    let (_, after) = rest.split_once(')')?;
    Some((before, words, after))
}

/// What `Debug` and serde show: everything, wherever it is.
mod shown {
    use super::{Access, Kind, Since};

    #[derive(Debug)]
    #[cfg_attr(feature = "serde", derive(serde::Serialize))]
    #[allow(dead_code, reason = "it is read by what is derived")]
    pub(super) struct Definition<'d> {
        pub(super) name: &'d str,
        pub(super) kind: Kind,
        pub(super) access: Access,
        pub(super) since: Option<Since>,
        pub(super) module: Option<&'d str>,
        pub(super) default: Option<&'d str>,
        pub(super) max: Option<usize>,
        pub(super) range: Option<(i32, i32)>,
        pub(super) description: String,
    }
}

impl Definition {
    fn shown(&self) -> shown::Definition<'_> {
        let Self { kind, access, max, range, .. } = *self;
        let (name, since, module) = (self.name(), self.since(), self.module());
        let (default, description) = (self.default(), self.description());
        shown::Definition { name, kind, access, since, module, default, max, range, description }
    }
}

impl fmt::Debug for Definition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.shown().fmt(f)
    }
}

#[cfg(feature = "serde")]
impl serde::Serialize for Definition {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.shown().serialize(serializer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::param;

    #[test]
    fn a_description_reads_outside_of_rustdoc() {
        for row in param::TABLE {
            let text = row.description();
            assert!(text.len() > 20 && !text.contains("](") && !text.contains("::param"), "{text}");
            assert!(!text.contains("  ") && text.ends_with(['.', ')']), "{text:?}");
        }
        let text = plain(" See\n [mac_do(4)](https://example.org/?a=b) and [`x`](crate::x).\n\n More.\n");
        assert_eq!(text, "See mac_do(4) and `x`.\nMore.");
    }
}
