//! The timers of event queues: `EVFILT_TIMER`, `filt_timerexpire` in `sys/kern/kern_event.c`.

use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

use super::errno::Errno;
use super::event::Watch;
use super::kernel::Kernel;
use super::kevent::{EVFILT_TIMER, Kevent};

/// Distinguishes a timer from a later one of another queue with the same descriptor.
pub(super) fn numbered(change: Kevent) -> Kevent {
    static NEXT: AtomicU64 = AtomicU64::new(1);
    if change.filter != EVFILT_TIMER {
        return change;
    }
    Kevent { extra: NEXT.fetch_add(1, Ordering::Relaxed), ..change }
}

impl Kernel {
    /// Starts the clock of a new filter if it is a timer: a thread that makes the queue readable for poll(2). It ends
    /// after the queue.
    pub(super) fn start_timer(&self, watch: Watch, change: Kevent) -> Result<(), Errno> {
        if change.filter != EVFILT_TIMER {
            return Ok(());
        }
        let period = Duration::from_millis(u64::try_from(change.data).unwrap_or(0).max(1));
        let kernel = self.downgrade();
        let tick = move || {
            loop {
                thread::sleep(period);
                let Some(kernel) = kernel.upgrade() else { return };
                if !kernel.state().expire(&watch) {
                    return;
                }
            }
        };
        let started = thread::Builder::new().name("timer".to_owned()).spawn(tick);
        started.map(drop).map_err(|error| Errno::of(&error, libc::EAGAIN))
    }
}
