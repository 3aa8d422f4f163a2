//! Waiting for the end of a jail.

use core::ffi::c_int;
use std::time::Duration;

use freebsd_jail::watch::WaitOutcome;
use freebsd_jail::{Jail, Result};

use crate::jail::{Handle, given};
use crate::outcome::answer;

/// Waits until the jail begins to die: it has been removed, or its last process has ended and nothing keeps it. The
/// timeout is in milliseconds, -1 for none. Returns 1, or 0 when the time is over, or -1 with errno set.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn fjail_wait_dying(jail: *const Handle, timeout: c_int) -> c_int {
    // SAFETY: as the header asks.
    waited(unsafe { given(jail) }.and_then(|jail| jail.wait_dying(limit(timeout))))
}

/// As `fjail_wait_dying`, but until the jail is gone: nothing holds it any more, and its root can be unmounted. A child
/// of this process in the jail holds it until it is waited for.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn fjail_wait_gone(jail: *const Handle, timeout: c_int) -> c_int {
    // SAFETY: as the header asks.
    waited(unsafe { given(jail) }.and_then(|jail| jail.wait_gone(limit(timeout))))
}

/// `fjail_remove` and `fjail_wait_gone` in one, which miss nothing that happens in between.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn fjail_remove_and_wait(jail: *const Handle, timeout: c_int) -> c_int {
    // SAFETY: as the header asks.
    waited(unsafe { given(jail) }.and_then(|jail| Jail::remove_and_wait(jail, limit(timeout))))
}

fn limit(timeout: c_int) -> Option<Duration> {
    u64::try_from(timeout).ok().map(Duration::from_millis)
}

fn waited<T>(result: Result<WaitOutcome<(), T>>) -> c_int {
    answer(result.map(|outcome| c_int::from(outcome.is_done())), -1)
}
