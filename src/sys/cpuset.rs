//! The CPU sets of jails: cpuset(2).

use core::ffi::c_int;

use super::{Errno, System};

impl System {
    /// Returns the root of a numbered set, `None` if there is no such set. The set of a jail is its own root.
    ///
    /// Wraps cpuset_getid(2).
    pub(crate) fn cpuset_root(&self, id: c_int) -> Result<Option<c_int>, Errno> {
        #[cfg(feature = "sim")]
        if let Some((model, _inside)) = self.model()? {
            return Ok(model.cpuset_root(id));
        }
        match root_of(id) {
            Ok(root) => Ok(Some(root)),
            Err(Errno(libc::ESRCH)) => Ok(None),
            Err(errno) => Err(errno),
        }
    }
}

#[cfg(target_os = "freebsd")]
fn root_of(id: c_int) -> Result<c_int, Errno> {
    let mut root = 0;
    // SAFETY: the call writes one number into `root`, which is ours; any number may be asked for.
    let result =
        unsafe { libc::cpuset_getid(libc::CPU_LEVEL_ROOT, libc::CPU_WHICH_CPUSET, id.into(), &raw mut root) };
    if result == -1 { Err(Errno::last()) } else { Ok(root) }
}

#[cfg(not(target_os = "freebsd"))]
fn root_of(_: c_int) -> Result<c_int, Errno> {
    Err(Errno(libc::ENOSYS))
}
