//! What the futures need of the tokio runtime.

use std::io;
use std::sync::Arc;

use tokio::runtime::Handle;

use super::Watcher;
use crate::error::{Call, Error, ErrorKind, Result};
use crate::sys::Errno;
use crate::sys::ready::Ready;

/// An error of ours, or of the runtime.
enum Failure {
    Ours(Error),
    Runtime,
}

impl From<io::Error> for Failure {
    fn from(_: io::Error) -> Self {
        Self::Runtime
    }
}

pub(super) async fn read<T>(ready: &Ready, mut read: impl FnMut() -> Result<Option<T>>) -> Result<T> {
    ready.read(|| read().map_err(Failure::Ours)).await.map_err(|failure| match failure {
        Failure::Ours(error) => error,
        Failure::Runtime => shutting_down(),
    })
}

pub(super) fn register(watcher: &Watcher) -> Result<Ready> {
    runtime()?;
    Ready::new(Arc::clone(&watcher.queue)).map_err(|error| match error.raw_os_error() {
        Some(errno) => {
            let reason = "registering the queue with the tokio runtime";
            Error::os(Call::Kevent, Errno(errno), ErrorKind::ResourceExhausted, reason)
        }
        None => shutting_down(),
    })
}

/// Returns the runtime that the caller is in.
pub(super) fn runtime() -> Result<Handle> {
    Handle::try_current().map_err(|_| {
        Error::refused(ErrorKind::Unsupported, "there is no tokio runtime here; call this in a task of one")
    })
}

pub(super) fn shutting_down() -> Error {
    Error::refused(ErrorKind::Other, "the tokio runtime is shutting down")
}
