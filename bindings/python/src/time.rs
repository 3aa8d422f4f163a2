//! Time limits.

use std::time::{Duration, Instant};

use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;

/// The end of a wait, which goes on in slices: signals are looked for in between.
pub(crate) struct Deadline {
    end: Option<Instant>,
    slice: Duration,
}

/// A program that ends at once is noticed soon, and one that runs for long costs little.
const FIRST: Duration = Duration::from_millis(1);
const LONGEST: Duration = Duration::from_millis(50);

impl Deadline {
    /// So many seconds from now, or never.
    pub(crate) fn after(timeout: Option<f64>) -> PyResult<Self> {
        let limit = timeout.map(Duration::try_from_secs_f64).transpose();
        let limit = limit.map_err(|_| PyValueError::new_err("the timeout is not a time"))?;
        Ok(Self { end: limit.and_then(|limit| Instant::now().checked_add(limit)), slice: FIRST })
    }

    /// Starts with short slices again.
    pub(crate) fn wait_for_another(&mut self) {
        self.slice = FIRST;
    }

    /// Returns how long to wait before the next look, `None` once the time is over. Handlers of signals run.
    pub(crate) fn slice(&mut self, py: Python<'_>) -> PyResult<Option<Duration>> {
        py.check_signals()?;
        let left = |end: Instant| end.saturating_duration_since(Instant::now());
        let slice = self.end.map_or(self.slice, |end| left(end).min(self.slice));
        self.slice = (self.slice * 2).min(LONGEST);
        Ok(Some(slice).filter(|slice| !slice.is_zero()))
    }
}
