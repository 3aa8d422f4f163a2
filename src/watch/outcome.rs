//! How a wait ended.

/// How a wait ended: by what was waited for, or by its timeout.
///
/// `T` is what was waited for, such as the next [`Event`](super::Event). `P` is what is known when the timeout has
/// passed: a [`HeldJail`](super::HeldJail) tells what keeps a removed jail from going.
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
    /// What was waited for has happened.
    Done(T),
    /// The timeout passed first.
    TimedOut(P),
}

impl<T, P> WaitOutcome<T, P> {
    /// Whether what was waited for has happened.
    #[must_use]
    pub const fn is_done(&self) -> bool {
        matches!(self, Self::Done(_))
    }

    /// Whether the timeout passed first.
    #[must_use]
    pub const fn is_timed_out(&self) -> bool {
        matches!(self, Self::TimedOut(_))
    }

    /// Returns what was waited for, `None` if the timeout passed first.
    #[must_use]
    pub fn done(self) -> Option<T> {
        match self {
            Self::Done(value) => Some(value),
            Self::TimedOut(_) => None,
        }
    }

    /// Replaces what is known of a wait that timed out.
    pub(super) fn or_timed_out<Q>(self, pending: impl FnOnce() -> Q) -> WaitOutcome<T, Q> {
        match self {
            Self::Done(value) => WaitOutcome::Done(value),
            Self::TimedOut(_) => WaitOutcome::TimedOut(pending()),
        }
    }
}
