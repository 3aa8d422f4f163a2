//! Removing jails in an async runtime, and waiting until they are gone: feature `tokio`.

use core::future::Future;
use std::time::Duration;

use super::deadline::Deadline;
use super::reap::{Reap, Unreaped, removed};
use super::runtime::{runtime, shutting_down};
use super::{HeldJail, WaitOutcome};
use crate::error::Result;
use crate::jail::Jail;

/// # Removing in asynchronous code
impl Jail {
    /// Removes the jail and waits until it is gone, as [`remove_and_wait`](Self::remove_and_wait) does, without blocking
    /// the thread.
    ///
    /// The removal itself may block for up to a second, where network stacks have to be taken apart: it is made on the
    /// runtime's threads for blocking work. An [`OwnedJail`](crate::OwnedJail) that was removed so is not removed again
    /// on drop.
    ///
    /// **Not undone by cancelling**: the removal begins when the future is polled first, and dropping the future after
    /// that ends the waiting only.
    ///
    /// # Errors
    ///
    /// As [`remove`](Self::remove), and [`ErrorKind::Unsupported`](crate::ErrorKind::Unsupported) outside of a runtime.
    ///
    /// # Panics
    ///
    /// In a tokio runtime without time (`enable_all`).
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
    /// # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
    /// let jail = Jail::builder().name("www").path("/").create()?;
    /// match jail.remove_and_wait_async(Some(Duration::from_secs(5))).await? {
    ///     WaitOutcome::Done(()) => println!("the jail is gone"),
    ///     WaitOutcome::TimedOut(mut held) => println!("the jail is still held by {}", held.holders()?),
    /// }
    /// # Ok(())
    /// # })
    /// # }
    /// ```
    pub fn remove_and_wait_async(
        &self,
        timeout: Option<Duration>,
    ) -> impl Future<Output = Result<WaitOutcome<(), HeldJail>>> + Send + '_ {
        let deadline = Deadline::after(timeout);
        async move {
            let held = HeldJail::of_living(self)?;
            self.remove_elsewhere().await?;
            match held {
                None => Ok(WaitOutcome::Done(())),
                Some(mut held) => {
                    held.set_removed();
                    Ok(held.gone_until(deadline).await?.or_timed_out(|| held))
                }
            }
        }
    }

    /// Removes the jail, waits for these children of this process, and waits until the jail is gone, as
    /// [`remove_and_reap`](Self::remove_and_reap) does, without blocking the thread.
    ///
    /// The children are std's or tokio's: [`JailCommand::into_std`](crate::JailCommand::into_std) makes a command for
    /// `tokio::process::Command::from`. The removal is made as by
    /// [`remove_and_wait_async`](Self::remove_and_wait_async), and is **not undone by cancelling**. Children that have not
    /// been reaped when the future is dropped can be waited for as before.
    ///
    /// # Errors
    ///
    /// As [`remove_and_reap`](Self::remove_and_reap), and [`ErrorKind::Unsupported`](crate::ErrorKind::Unsupported)
    /// outside of a runtime.
    ///
    /// # Panics
    ///
    /// In a tokio runtime without time (`enable_all`).
    ///
    /// ```
    /// use std::time::Duration;
    ///
    /// use freebsd_jail::Jail;
    /// # use freebsd_jail::sim;
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let kernel = sim::Kernel::new();
    /// # let _guard = kernel.install();
    /// # kernel.allow_exec(true);
    /// # tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
    /// let jail = Jail::builder().path("/").create()?;
    /// let mut command = jail.command("/bin/sleep");
    /// command.arg("1000");
    /// let mut child = tokio::process::Command::from(command.into_std()?).spawn()?;
    /// let ended = jail.remove_and_reap_async([&mut child], Some(Duration::from_secs(10))).await?;
    /// assert!(ended.is_done());
    /// println!("{}", child.wait().await?);
    /// # Ok(())
    /// # })
    /// # }
    /// ```
    pub fn remove_and_reap_async(
        &self,
        children: impl IntoIterator<Item = impl Reap + Send>,
        timeout: Option<Duration>,
    ) -> impl Future<Output = Result<WaitOutcome<(), HeldJail>>> + Send {
        let deadline = Deadline::after(timeout);
        let mut children = Unreaped::from_iter(children);
        async move {
            let mut held = HeldJail::of(self)?;
            removed(self.remove_elsewhere().await)?;
            held.set_removed();
            let outcome = deadline.look(|| children.are_reaped_and_gone(&mut held)).await?;
            Ok(outcome.or_timed_out(|| held))
        }
    }

    /// Removes the jail on a thread that may block.
    async fn remove_elsewhere(&self) -> Result<()> {
        let runtime = runtime()?;
        match self.try_clone() {
            Ok(same) => runtime.spawn_blocking(move || same.remove()).await.map_err(|_| shutting_down())?,
            // Without a free descriptor. Other errors are those of the removal, too.
            Err(_) => self.remove(),
        }
    }
}
