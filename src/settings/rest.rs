//! What few settings have.

use std::sync::Arc;

use crate::error::{Error, Result};
use crate::sys::System;
use crate::wire::Draft;

type PermissionNames = fn(&System, bool) -> Result<Arc<[String]>>;
type HasParameter = fn(&System, &str) -> bool;

/// What few settings have.
#[derive(Clone)]
pub(super) struct Rest {
    /// The parameters that the kernel's modules set after its own.
    pub(super) late: Draft<'static>,
    /// Booleans that are not in the table and were set to false, since their `no` names are ambiguous.
    pub(super) negated: Vec<String>,
    /// Parameters that are left out if the kernel lacks them.
    pub(super) optional: Vec<String>,
    /// Whether a kernel has a parameter, `None` before any is optional: likewise.
    pub(super) has_parameter: Option<HasParameter>,
    /// Whether all permissions that are not set are denied, and then how they are found: programs that never ask for it
    /// do not contain that code.
    pub(super) exact: Option<PermissionNames>,
    pub(super) mistakes: Vec<Error>,
}

impl Rest {
    pub(super) const fn new() -> Self {
        Self {
            late: Draft::new(),
            negated: Vec::new(),
            optional: Vec::new(),
            has_parameter: None,
            exact: None,
            mistakes: Vec::new(),
        }
    }

    /// Notes that a parameter was set, and whether it is a boolean that was denied and is not in the table.
    pub(super) fn note(&mut self, name: &str, is_denied: bool) {
        self.optional.retain(|other| other != name);
        self.negated.retain(|other| other != name);
        if is_denied {
            self.negated.push(name.to_owned());
        }
    }
}
