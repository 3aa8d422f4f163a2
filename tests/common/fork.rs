//! Forked children that continue, as daemons and workers do.

use std::panic::{AssertUnwindSafe, catch_unwind};

use freebsd_jail::{Jail, sim};
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

/// Forks a child that attaches to a jail and exits: a process of the model, where there is one. May be called while other
/// threads run.
#[track_caller]
pub fn attach_in_child(model: Option<&sim::Kernel>, jail: &Jail) {
    if let Some(model) = model {
        let child = model.process().fork();
        child.run(|| jail.attach()).expect("attached");
        child.exit();
        return;
    }
    // SAFETY: libc looks after its own locks in the child, which makes a system call or two and exits.
    match unsafe { fork() }.expect("forked") {
        ForkResult::Parent { child } => {
            assert_eq!(waitpid(child, None), Ok(WaitStatus::Exited(child, 0)), "a child that attaches");
        }
        ForkResult::Child => {
            let attached = jail.attach();
            // SAFETY: it ends the process.
            unsafe { libc::_exit(attached.err().and_then(|error| error.errno()).unwrap_or(0)) };
        }
    }
}
