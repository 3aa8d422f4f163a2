//! Which parameters a kernel was found to have.

use std::sync::{Arc, Mutex, PoisonError};

use super::{Errno, System};

/// What was found out, until a kernel module changes it.
#[derive(Debug)]
pub(crate) struct Parameters {
    /// Those that were asked for, and whether the kernel has them: few, so that a map would not be faster.
    asked: Mutex<Vec<(Box<str>, bool)>>,
    /// All permissions, once they are known.
    permissions: Mutex<Option<Arc<[String]>>>,
}

impl Parameters {
    pub(super) const fn unknown() -> Self {
        Self { asked: Mutex::new(Vec::new()), permissions: Mutex::new(None) }
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
        let asked = || self.cache().parameters.asked.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, has)) = asked().iter().find(|(known, _)| **known == *name) {
            return *has;
        }
        // Where the tree cannot be asked, the kernel answers when the parameter is sent.
        let has = !matches!(
            self.sysctl_mib(&format!("security.jail.param.{name}")),
            Err(Errno(libc::ENOENT | libc::ENOSYS))
        );
        asked().push((name.into(), has));
        has
    }
}
