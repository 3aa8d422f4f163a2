//! Removing a jail in which children of this process run.

use std::io;
use std::process::{Child, ExitStatus};
use std::time::Duration;

use super::deadline::Deadline;
use super::{HeldJail, WaitOutcome};
use crate::error::{ErrorKind, Result};
use crate::jail::Jail;

/// A child process that can be waited for without blocking, for [`Jail::remove_and_reap`].
///
/// Implemented for [`std::process::Child`] and, with the feature `tokio`, for [`tokio::process::Child`].
///
/// [`tokio::process::Child`]: https://docs.rs/tokio/latest/tokio/process/struct.Child.html
pub trait Reap {
    /// Waits for the child if it has ended, and returns its status; `None` while it runs. Never blocks.
    ///
    /// Is not called again once it has returned a status or an error.
    ///
    /// # Errors
    ///
    /// That it cannot be waited for, such as `ECHILD` where another part of the program has done so.
    fn try_reap(&mut self) -> io::Result<Option<ExitStatus>>;
}

impl<C: Reap + ?Sized> Reap for &mut C {
    fn try_reap(&mut self) -> io::Result<Option<ExitStatus>> {
        (**self).try_reap()
    }
}

impl Reap for Child {
    fn try_reap(&mut self) -> io::Result<Option<ExitStatus>> {
        self.try_wait()
    }
}

#[cfg(feature = "tokio")]
#[cfg_attr(docsrs, doc(cfg(feature = "tokio")))]
impl Reap for tokio::process::Child {
    fn try_reap(&mut self) -> io::Result<Option<ExitStatus>> {
        self.try_wait()
    }
}

/// # Removing and reaping
impl Jail {
    /// Removes the jail and the jails below it, kills their processes, waits for these children of this process, and
    /// waits until the jail is gone, as [`wait_gone`](Self::wait_gone) does.
    ///
    /// A killed child holds its jail until its parent waits for it, so [`remove_and_wait`](Self::remove_and_wait) alone
    /// would never end while this process has unreaped children inside.
    ///
    /// The wait is done when the jail is gone **and** each of the children has been reaped: then [`Child::wait`] returns
    /// its status without blocking. What it has written to a pipe can still be read. A child that is not in the jail is
    /// not killed, but waited for as well. A child that can no longer be waited for counts as reaped.
    ///
    /// A jail that has been removed already is no error: the children are reaped, and it is waited for.
    ///
    /// # Errors
    ///
    /// As [`remove`](Self::remove), except [`ErrorKind::Gone`]. No child has been reaped then.
    ///
    /// # FreeBSD versions
    ///
    /// As [`remove_and_wait`](Self::remove_and_wait).
    ///
    /// ```
    /// use std::time::Duration;
    ///
    /// use freebsd_jail::Jail;
    /// use freebsd_jail::watch::WaitOutcome;
    /// # use freebsd_jail::sim;
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let kernel = sim::Kernel::new();
    /// # let _guard = kernel.install();
    /// # kernel.allow_exec(true);
    /// let jail = Jail::builder().path("/").create()?;
    /// let mut server = jail.command("/bin/sleep").arg("1000").spawn()?;
    /// let mut client = jail.command("/bin/sleep").arg("1000").spawn()?;
    /// match jail.remove_and_reap([&mut server, &mut client], Some(Duration::from_secs(10)))? {
    ///     WaitOutcome::Done(()) => println!("gone: {}, {}", server.wait()?, client.wait()?),
    ///     WaitOutcome::TimedOut(mut held) => println!("the jail is held by {}", held.holders()?),
    /// }
    /// # assert!(!client.wait()?.success());
    /// # Ok(())
    /// # }
    /// ```
    #[doc(alias = "waitpid")]
    pub fn remove_and_reap(
        &self,
        children: impl IntoIterator<Item = impl Reap>,
        timeout: Option<Duration>,
    ) -> Result<WaitOutcome<(), HeldJail>> {
        let deadline = Deadline::after(timeout);
        let mut held = HeldJail::of(self)?;
        removed(self.remove())?;
        held.set_removed();
        let mut children = Unreaped::from_iter(children);
        let outcome = deadline.poll(|| children.are_reaped_and_gone(&mut held))?;
        Ok(outcome.or_timed_out(|| held))
    }
}

/// A jail that another has removed is removed.
pub(super) fn removed(result: Result<()>) -> Result<()> {
    result.or_else(|error| if error.kind() == ErrorKind::Gone { Ok(()) } else { Err(error) })
}

/// The children that have not been reaped yet.
pub(super) struct Unreaped<C>(Vec<C>);

impl<C: Reap> FromIterator<C> for Unreaped<C> {
    fn from_iter<I: IntoIterator<Item = C>>(children: I) -> Self {
        Self(children.into_iter().collect())
    }
}

impl<C: Reap> Unreaped<C> {
    /// Reaps those that have ended, and returns whether that were all and nothing is left of the jail.
    pub(super) fn are_reaped_and_gone(&mut self, held: &mut HeldJail) -> Result<bool> {
        self.0.retain_mut(|child| matches!(child.try_reap(), Ok(None)));
        Ok(self.0.is_empty() && held.is_gone()?)
    }
}
