//! A signal to all processes of a jail, from a child that is in it.

use core::ffi::c_int;
use core::ptr;

use super::child::Plan;
use super::report::{Report, Step};
use super::{Errno, lock};

/// Forks a child that carries out the plan, which attaches to a jail, and that signals every process there. `Err` where
/// no child could be made; what else came of it is in the plan's report.
///
/// The child calls kill(2) only if attaching has succeeded: on the host, -1 means all processes.
pub(crate) fn broadcast(plan: &mut Plan, signal: c_int) -> Result<(), Errno> {
    if plan.attach.is_outside() || plan.report.is_none() {
        return Err(Errno(libc::ENOSYS));
    }
    let pid = lock::starting_until_forked(|| {
        // SAFETY: the child makes system calls, computes and exits: see `inside`.
        unsafe { libc::fork() }
    });
    match Errno::check(pid)? {
        0 => inside(plan, signal),
        pid => {
            // SAFETY: no status is asked for. Where it fails, somebody else has waited for the child, or nobody need.
            while Errno::check(unsafe { libc::waitpid(pid, ptr::null_mut(), 0) }) == Err(Errno(libc::EINTR)) {
            }
            Ok(())
        }
    }
}

/// What the child does. Async-signal-safe.
fn inside(plan: &mut Plan, signal: c_int) -> ! {
    for fd in 0..=libc::STDERR_FILENO {
        // SAFETY: takes a number. Nothing in this child uses its standard streams, of which a directory would keep it out.
        let _ = unsafe { libc::close(fd) };
    }
    if plan.carry_out().is_ok() {
        let reach = |step| plan.report.iter().for_each(|report: &Report| report.reach(step));
        reach(Step::Kill);
        // SAFETY: takes numbers and touches no memory.
        if unsafe { libc::kill(-1, signal) } == 0 {
            reach(Step::Done);
        } else {
            let errno = Errno::last();
            plan.report.iter().for_each(|report| report.fail(errno));
        }
    }
    // SAFETY: it ends the process, and runs nothing of its parent's.
    unsafe { libc::_exit(0) }
}
