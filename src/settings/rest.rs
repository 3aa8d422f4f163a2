//! What few settings have.

use super::Settings;
use crate::error::{Error, Result};
use crate::sys::System;
use crate::wire::Draft;

/// Leaves out of a draft what is optional and not in the kernel.
pub(super) type LeaveOut = fn(&Settings<'_>, &System, &mut Draft<'_>);

/// Denies all permissions of the kernel that are not set in a draft.
pub(super) type DenyOthers = fn(&System, &mut Draft<'_>) -> Result<()>;

/// What few settings have.
#[derive(Clone)]
pub(super) struct Rest {
    /// The parameters that the kernel's modules set after its own.
    pub(super) late: Draft<'static>,
    /// Booleans that are not in the table and were set to false, since their `no` names are ambiguous.
    pub(super) negated: Vec<String>,
    /// Parameters that are left out if the kernel lacks them.
    pub(super) optional: Vec<String>,
    /// How they are left out, `None` before any is optional: programs that never ask for it do not contain that code.
    pub(super) leave_out: Option<LeaveOut>,
    /// Whether all permissions that are not set are denied, and then how: likewise.
    pub(super) exact: Option<DenyOthers>,
    pub(super) mistakes: Vec<Error>,
}

impl Rest {
    pub(super) const fn new() -> Self {
        Self {
            late: Draft::new(),
            negated: Vec::new(),
            optional: Vec::new(),
            leave_out: None,
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
