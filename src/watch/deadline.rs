//! The end of a wait.

use std::thread;
use std::time::{Duration, Instant};

use super::WaitOutcome;
use crate::error::Result;

/// The end of a wait, `None` without a limit.
#[derive(Debug, Clone, Copy)]
pub(super) struct Deadline(Option<Instant>);

impl Deadline {
    /// A timeout from now. One that is too long for the clock never passes.
    pub(super) fn after(timeout: Option<Duration>) -> Self {
        Self(timeout.and_then(|timeout| Instant::now().checked_add(timeout)))
    }

    /// Returns the time left, `None` without a limit.
    pub(super) fn left(self) -> Option<Duration> {
        self.0.map(|deadline| deadline.saturating_duration_since(Instant::now()))
    }

    pub(super) fn has_passed(self) -> bool {
        self.left() == Some(Duration::ZERO)
    }

    /// Polls until it has happened or the time has passed: often at first, then less often. It looks a dozen times in
    /// the first second, and four times in each further one.
    pub(super) fn poll(self, mut has_happened: impl FnMut() -> Result<bool>) -> Result<WaitOutcome> {
        for pause in self.looks() {
            if has_happened()? {
                return Ok(WaitOutcome::Done(()));
            }
            if let Some(pause) = pause {
                thread::sleep(pause);
            }
        }
        Ok(WaitOutcome::TimedOut(()))
    }

    /// Returns one item for each look: how long to pause after it, `None` after the last. The time is read before the
    /// look, so that the last look comes after the deadline.
    pub(super) fn looks(self) -> impl Iterator<Item = Option<Duration>> + Send {
        let mut pauses = Some(Pauses::default());
        core::iter::from_fn(move || {
            let pause = pauses.as_mut()?.next()?;
            let left = self.left();
            if left == Some(Duration::ZERO) {
                pauses = None;
                return Some(None);
            }
            Some(Some(left.map_or(pause, |left| left.min(pause))))
        })
    }
}

/// How long to pause between one look and the next, without end: short at first, a quarter of a second in the end.
#[derive(Debug)]
struct Pauses(Duration);

impl Default for Pauses {
    fn default() -> Self {
        Self(Duration::from_millis(2))
    }
}

impl Iterator for Pauses {
    type Item = Duration;

    fn next(&mut self) -> Option<Duration> {
        const LONGEST: Duration = Duration::from_millis(250);
        let pause = self.0;
        self.0 = (pause * 2).min(LONGEST);
        Some(pause)
    }
}
