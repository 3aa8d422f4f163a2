//! Waiting for a jail to die, and to be gone, in an async runtime: feature `tokio`.

use core::future::Future;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::time::Duration;

use tokio::time;

use super::deadline::Deadline;
use super::runtime::{read, register, runtime};
use super::watches::Watches;
use super::{Event, HeldJail, WaitOutcome, Watcher};
use crate::error::{ErrorKind, Result};
use crate::jail::{Jail, read_and_pin};
use crate::jid::Jid;
use crate::sys::{Errno, System};

/// # Waiting in asynchronous code
impl Jail {
    /// Waits until the jail begins to die, as [`wait_dying`](Self::wait_dying) does, without blocking the thread.
    ///
    /// Cancel-safe. Takes two descriptors while it waits.
    ///
    /// # Errors
    ///
    /// As [`wait_dying`](Self::wait_dying), and those of [`Watcher::into_async`].
    ///
    /// # Panics
    ///
    /// In a tokio runtime without I/O or without time (`enable_all`).
    ///
    /// ```
    /// use std::time::Duration;
    ///
    /// use freebsd_jail::Jail;
    /// # use freebsd_jail::sim;
    ///
    /// # fn main() -> freebsd_jail::Result<()> {
    /// # let kernel = sim::Kernel::new();
    /// # let _guard = kernel.install();
    /// # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
    /// let jail = Jail::builder().name("www").path("/").create()?;
    /// let soon = Some(Duration::from_millis(10));
    /// assert!(jail.wait_dying_async(soon).await?.is_timed_out());
    /// jail.remove()?;
    /// assert!(jail.wait_dying_async(None).await?.is_done());
    /// # Ok(())
    /// # })
    /// # }
    /// ```
    pub fn wait_dying_async(
        &self,
        timeout: Option<Duration>,
    ) -> impl Future<Output = Result<WaitOutcome>> + Send + '_ {
        self.dying_until(Deadline::after(timeout))
    }

    /// Waits until the jail is gone, as [`wait_gone`](Self::wait_gone) does, without blocking the thread.
    ///
    /// Cancel-safe: dropping the future does nothing to the jail. To go on waiting for the same jail once it is dying,
    /// give a timeout and use the [`HeldJail`] of the outcome: after a dropped wait only the jid is left to recognise a
    /// dying jail by.
    ///
    /// # Errors
    ///
    /// As [`wait_gone`](Self::wait_gone), and those of [`Watcher::into_async`].
    ///
    /// # Panics
    ///
    /// In a tokio runtime without I/O or without time (`enable_all`).
    ///
    /// ```
    /// # use freebsd_jail::{Jail, sim};
    /// # fn main() -> freebsd_jail::Result<()> {
    /// # let kernel = sim::Kernel::new();
    /// # let _guard = kernel.install();
    /// # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
    /// let jail = Jail::builder().name("www").path("/").create()?;
    /// let same = jail.try_clone()?;
    /// let (gone, removed) = tokio::join!(same.wait_gone_async(None), async { jail.remove() });
    /// removed?;
    /// assert!(gone?.is_done());
    /// # Ok(())
    /// # })
    /// # }
    /// ```
    pub fn wait_gone_async(
        &self,
        timeout: Option<Duration>,
    ) -> impl Future<Output = Result<WaitOutcome<(), HeldJail>>> + Send + '_ {
        let deadline = Deadline::after(timeout);
        async move {
            let held = match HeldJail::of_living(self)? {
                Some(mut held) => {
                    if self.dying_until(deadline).await?.is_timed_out() {
                        held.keep_descriptor(self);
                        return Ok(WaitOutcome::TimedOut(held));
                    }
                    held.set_removed();
                    held
                }
                None => match HeldJail::of_dying(&self.system, self.jid().get())? {
                    Some(held) => held,
                    None => return Ok(WaitOutcome::Done(())),
                },
            };
            gone(held, deadline).await
        }
    }

    async fn dying_until(&self, deadline: Deadline) -> Result<WaitOutcome> {
        match self.check() {
            Err(error) if error.kind() == ErrorKind::Gone => return Ok(WaitOutcome::Done(())),
            checked => checked?,
        }
        if self.system.has_descriptors() {
            // T23: by descriptor.
            match self.watched_descriptor() {
                Ok(Some(descriptor)) => {
                    if let Some(outcome) =
                        removed(&self.system, self.jid(), descriptor.as_fd(), deadline).await?
                    {
                        return Ok(outcome);
                    }
                }
                Ok(None) => return Ok(WaitOutcome::Done(())),
                Err(error) if error.kind() == ErrorKind::ResourceExhausted => {}
                Err(error) => return Err(error),
            }
        }
        deadline.look(|| Ok(!self.is_alive()?)).await
    }

    /// Returns a descriptor of the jail to wait on, `None` when it has been removed.
    fn watched_descriptor(&self) -> Result<Option<OwnedFd>> {
        let descriptor = match self.descriptor() {
            Some(_) => self.lasting_descriptor(),
            None => read_and_pin(&self.system, self.jid(), &()).map(|(descriptor, ())| descriptor),
        };
        match descriptor {
            Err(error) if error.kind() == ErrorKind::Gone => Ok(None),
            descriptor => descriptor.map(Some),
        }
    }
}

/// # Waiting in asynchronous code
impl HeldJail {
    /// Goes on waiting until the jail is gone, as [`wait_gone`](Self::wait_gone) does, without blocking the thread.
    ///
    /// Cancel-safe: the same jail can be waited for again.
    ///
    /// # Errors
    ///
    /// As [`Jail::wait_gone_async`].
    ///
    /// # Panics
    ///
    /// In a tokio runtime without I/O or without time (`enable_all`).
    ///
    /// ```
    /// # use std::time::Duration;
    /// # use freebsd_jail::{Jail, sim, watch::WaitOutcome};
    /// # fn main() -> freebsd_jail::Result<()> {
    /// # let kernel = sim::Kernel::new();
    /// # let _guard = kernel.install();
    /// # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
    /// let jail = Jail::builder().path("/").create()?;
    /// let second = Some(Duration::from_secs(1));
    /// if let WaitOutcome::TimedOut(mut held) = jail.remove_and_wait_async(second).await? {
    ///     while held.wait_gone_async(second).await?.is_timed_out() {
    ///         eprintln!("still held by {}", held.holders()?);
    ///     }
    /// }
    /// assert!(!jail.is_alive()?);
    /// # Ok(())
    /// # })
    /// # }
    /// ```
    pub fn wait_gone_async(
        &mut self,
        timeout: Option<Duration>,
    ) -> impl Future<Output = Result<WaitOutcome>> + Send + '_ {
        self.gone_until(Deadline::after(timeout))
    }

    pub(super) async fn gone_until(&mut self, deadline: Deadline) -> Result<WaitOutcome> {
        if let (Some(descriptor), Some(jid)) = (self.living_descriptor(), self.jid()) {
            match removed(self.system(), jid, descriptor.as_fd(), deadline).await? {
                Some(WaitOutcome::TimedOut(())) => return Ok(WaitOutcome::TimedOut(())),
                Some(WaitOutcome::Done(())) => self.set_removed(),
                // It is looked at, then.
                None => {}
            }
        }
        deadline.look(|| self.is_gone()).await
    }
}

async fn gone(mut held: HeldJail, deadline: Deadline) -> Result<WaitOutcome<(), HeldJail>> {
    Ok(held.gone_until(deadline).await?.or_timed_out(|| held))
}

/// Waits for the removal of a descriptor's jail. `None` when it cannot be watched, but may be looked at.
async fn removed(
    system: &System,
    jid: Jid,
    descriptor: BorrowedFd<'_>,
    deadline: Deadline,
) -> Result<Option<WaitOutcome>> {
    let watcher = match watch(system, jid, descriptor) {
        Ok(watcher) => watcher,
        // Its rights do not suffice for an event; they may for a look (T55).
        Err(error) if error.kind() == ErrorKind::ResourceExhausted => return Ok(None),
        Err(error) if error.errno().is_some_and(|errno| Errno(errno).is_not_capable()) => return Ok(None),
        Err(error) => return Err(error),
    };
    let ready = register(&watcher)?;
    let event = read(&ready, || Ok(watcher.try_next()?.filter(Event::is_removed)));
    let outcome = match deadline.left() {
        None => Ok(event.await),
        Some(left) => time::timeout(left, event).await,
    };
    match outcome {
        Ok(event) => event.map(|_| Some(WaitOutcome::Done(()))),
        Err(_) => Ok(Some(WaitOutcome::TimedOut(()))),
    }
}

fn watch(system: &System, jid: Jid, descriptor: BorrowedFd<'_>) -> Result<Watcher> {
    let watcher = Watcher::on(system.clone())?;
    watcher.add_filter(Watches::new_id(), jid, descriptor)?;
    Ok(watcher)
}

impl Deadline {
    /// Looks until it has happened or the time has passed, as [`poll`](Self::poll) does.
    pub(super) async fn look(self, mut has_happened: impl FnMut() -> Result<bool>) -> Result<WaitOutcome> {
        runtime()?;
        for pause in self.looks() {
            if has_happened()? {
                return Ok(WaitOutcome::Done(()));
            }
            if let Some(pause) = pause {
                time::sleep(pause).await;
            }
        }
        Ok(WaitOutcome::TimedOut(()))
    }
}
