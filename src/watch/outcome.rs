//! How a wait ended.

/// Whether a wait ended by its event or by its timeout.
///
/// `T` is the result of the wait, such as the next [`Event`](super::Event). `P` is what is known after the timeout: a
/// [`HeldJail`](super::HeldJail) lists what holds a removed jail.
///
/// ```
/// use std::time::Duration;
///
/// use freebsd_jail::Jail;
/// use freebsd_jail::watch::WaitOutcome;
/// # use freebsd_jail::sim;
///
/// # fn main() -> freebsd_jail::Result<()> {
/// # let kernel = sim::Kernel::new();
/// # let _guard = kernel.install();
/// let jail = Jail::builder().name("www").path("/").create()?;
/// match jail.remove_and_wait(Some(Duration::from_secs(5)))? {
///     WaitOutcome::Done(()) => println!("the jail is gone"),
///     WaitOutcome::TimedOut(mut held) => println!("the jail is still held by {}", held.holders()?),
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[must_use = "the timeout may have passed"]
pub enum WaitOutcome<T = (), P = ()> {
    /// The awaited event has happened.
    Done(T),
    /// The timeout passed first.
    TimedOut(P),
}

impl<T, P> WaitOutcome<T, P> {
    /// Whether the awaited event has happened.
    #[must_use]
    pub const fn is_done(&self) -> bool {
        matches!(self, Self::Done(_))
    }

    /// Whether the timeout passed first.
    #[must_use]
    pub const fn is_timed_out(&self) -> bool {
        matches!(self, Self::TimedOut(_))
    }

    /// Returns the result of the wait, `None` if the timeout passed first.
    #[must_use]
    pub fn done(self) -> Option<T> {
        match self {
            Self::Done(value) => Some(value),
            Self::TimedOut(_) => None,
        }
    }

    /// Maps the value of a wait that timed out.
    pub(super) fn or_timed_out<Q>(self, pending: impl FnOnce() -> Q) -> WaitOutcome<T, Q> {
        match self {
            Self::Done(value) => WaitOutcome::Done(value),
            Self::TimedOut(_) => WaitOutcome::TimedOut(pending()),
        }
    }
}
