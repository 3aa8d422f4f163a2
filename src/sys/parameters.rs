//! Which parameters a kernel was found to have.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use super::{Errno, System};

/// What was found out, until a kernel module changes it.
#[derive(Debug)]
pub(crate) struct Parameters {
    /// Those that were asked for, and whether the kernel has them.
    asked: Mutex<BTreeMap<String, bool>>,
    /// All permissions, once they are known.
    permissions: Mutex<Option<Arc<[String]>>>,
}

impl Parameters {
    pub(super) const fn unknown() -> Self {
        Self { asked: Mutex::new(BTreeMap::new()), permissions: Mutex::new(None) }
    }

    pub(crate) fn permissions(&self) -> Option<Arc<[String]>> {
        self.permissions.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(crate) fn set_permissions(&self, names: Arc<[String]>) {
        *self.permissions.lock().unwrap_or_else(PoisonError::into_inner) = Some(names);
    }
}

impl System {
    /// Whether the kernel has a parameter. Asked once for each name, by one sysctl: a module that is loaded later is
    /// not noticed.
    pub(crate) fn has_parameter(&self, name: &str) -> bool {
        let asked = &self.cache().parameters.asked;
        if let Some(has) = asked.lock().unwrap_or_else(PoisonError::into_inner).get(name) {
            return *has;
        }
        // Where the tree cannot be asked, the kernel answers when the parameter is sent.
        let has = !matches!(
            self.sysctl_mib(&format!("security.jail.param.{name}")),
            Err(Errno(libc::ENOENT | libc::ENOSYS))
        );
        asked.lock().unwrap_or_else(PoisonError::into_inner).insert(name.to_owned(), has);
        has
    }
}
