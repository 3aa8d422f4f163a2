//! Event queues in tokio's event loop.

use std::io;
use std::os::fd::{AsFd, AsRawFd, RawFd};
use std::sync::Arc;

use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

use super::event::Queue;

/// An event queue that is registered with the tokio runtime.
#[derive(Debug)]
pub(crate) struct Ready(AsyncFd<Shared>);

/// A share of an event queue, whose descriptor stays open and the same as long as this lives.
#[derive(Debug)]
struct Shared(Arc<Queue>);

impl AsRawFd for Shared {
    fn as_raw_fd(&self) -> RawFd {
        self.0.as_fd().as_raw_fd()
    }
}

impl Ready {
    /// Registers a queue with the runtime that the caller is in. Panics outside of one, and in one without I/O.
    pub(crate) fn new(queue: Arc<Queue>) -> io::Result<Self> {
        // For reading only: kqueue(2) refuses to watch another queue for writing.
        // SAFETY: the share keeps the queue, which has the same open descriptor until it is dropped.
        let ready = unsafe { AsyncFd::register_with_interest(Shared(queue), Interest::READABLE) }?;
        Ok(Self(ready))
    }

    /// Reads until there is something, and waits whenever there is nothing. The only place where it waits is one where
    /// nothing has been read.
    pub(crate) async fn read<T, E: From<io::Error>>(
        &self,
        mut read: impl FnMut() -> Result<Option<T>, E>,
    ) -> Result<T, E> {
        // What has been read already does not make the queue readable.
        if let Some(item) = read()? {
            return Ok(item);
        }
        loop {
            let mut ready = self.0.readable().await?;
            match read()? {
                Some(item) => return Ok(item),
                // Only now has everything been read: the runtime may wait for the next time.
                None => ready.clear_ready(),
            }
        }
    }
}
