//! Forked children that continue, as daemons and workers do.

use std::panic::{AssertUnwindSafe, catch_unwind};

use nix::sys::wait::{WaitStatus, waitpid};
use nix::unistd::{ForkResult, fork};

/// Runs a closure in a forked child, and waits for it to end well. To be called in a [process of its own], where no
/// other thread runs.
///
/// [process of its own]: super::process::alone
#[track_caller]
pub fn in_child(body: impl FnOnce()) {
    // SAFETY: no other thread of this process could hold a lock that the child needs.
    match unsafe { fork() }.expect("forked") {
        ForkResult::Child => {
            let result = catch_unwind(AssertUnwindSafe(body));
            // The test harness is the parent's: nothing of it may run here.
            // SAFETY: ends the process at once.
            unsafe { libc::_exit(i32::from(result.is_err())) }
        }
        ForkResult::Parent { child } => {
            let status = waitpid(child, None).expect("waited for");
            assert_eq!(status, WaitStatus::Exited(child, 0), "in the child");
        }
    }
}
