//! What can go wrong, and everything that is known about it.

mod attach;
mod classify;
mod kind;
mod stage;

use core::fmt;
use std::borrow::Cow;
use std::io;

use crate::sys::Errno;

pub(crate) use attach::{
    ATTACHING, attach_error, explain_attach, explain_own_attach, first_open_directory, remove_error,
};
pub(crate) use classify::{Asked, Subject};
pub use kind::{Call, ErrorKind};
pub use stage::Stage;

const REMOVED: &str = "the jail has been removed";

/// The result of an operation on jails.
pub type Result<T> = core::result::Result<T, Error>;

/// An error of a jail operation: which call failed, what the kernel said, and which parameter it is about.
///
/// As large as a pointer, so that a `Result` stays small. [`kind`](Self::kind) is what to match on; the other
/// methods keep what was said. Converting it into an [`io::Error`] keeps the kind and the text, but
/// [`io::Error::raw_os_error`] is `None` then: ask [`errno`](Self::errno) before.
///
/// ```
/// use freebsd_jail::{ErrorKind, Jail};
///
/// let error = Jail::builder().name("no\0good").path("/").create().unwrap_err();
/// assert_eq!(error.kind(), ErrorKind::InvalidValue);
/// assert_eq!(error.parameter(), Some("name"));
/// assert_eq!(error.call(), None); // found before any system call
/// ```
#[derive(thiserror::Error)]
#[error(transparent)]
pub struct Error(Box<Inner>);

#[derive(Debug, thiserror::Error)]
struct Inner {
    kind: ErrorKind,
    stage: Option<Stage>,
    call: Option<Call>,
    /// The kernel's text, from `errmsg`.
    message: Option<Box<str>>,
    parameter: Option<Box<str>>,
    /// What the crate has to say: the reason where the kernel gave none, or what to do about it.
    reason: Option<Cow<'static, str>>,
    source: Option<io::Error>,
}

impl Error {
    /// A mistake of the caller's, found before any system call.
    pub(crate) fn refused(kind: ErrorKind, reason: impl Into<Cow<'static, str>>) -> Self {
        Self(Box::new(Inner {
            kind,
            stage: None,
            call: None,
            message: None,
            parameter: None,
            reason: Some(reason.into()),
            source: None,
        }))
    }

    /// A failure of a call that is no jail_set or jail_get and so has no text.
    pub(crate) fn os(call: Call, errno: Errno, kind: ErrorKind, reason: &'static str) -> Self {
        let (kind, reason) =
            if errno.is_not_capable() { (ErrorKind::NotCapable, classify::CAPSICUM) } else { (kind, reason) };
        Self(Box::new(Inner {
            kind,
            stage: None,
            call: Some(call),
            message: None,
            parameter: None,
            reason: (!reason.is_empty()).then_some(Cow::Borrowed(reason)),
            source: Some(errno.into()),
        }))
    }

    /// Why every call fails where there is neither FreeBSD nor a model of its kernel.
    pub(crate) fn no_jails(call: Call) -> Self {
        Self::os(call, Errno(libc::ENOSYS), ErrorKind::Unsupported, classify::NO_JAILS)
    }

    /// Why nothing is done by descriptor before FreeBSD 15.
    pub(crate) fn no_descriptors() -> Self {
        Self::refused(
            ErrorKind::Unsupported,
            "this kernel has no jail descriptors; FreeBSD has them since 15.0",
        )
    }

    /// Why a handle of a removed jail does nothing.
    pub(crate) fn gone() -> Self {
        Self::refused(ErrorKind::Gone, REMOVED)
    }

    /// Makes it the error of a handle, for which `NotFound` means that the jail has been removed.
    pub(crate) fn of_handle(self) -> Self {
        match self.kind() {
            ErrorKind::NotFound => self.with_kind(ErrorKind::Gone).because(REMOVED),
            _ => self,
        }
    }

    /// Names the parameter at fault.
    pub(crate) fn about(mut self, parameter: &str) -> Self {
        self.0.parameter = Some(parameter.into());
        self
    }

    /// Replaces the kind, where a caller inside the crate knows better.
    pub(crate) fn with_kind(mut self, kind: ErrorKind) -> Self {
        self.0.kind = kind;
        self
    }

    /// Adds or replaces what the crate has to say.
    pub(crate) fn because(mut self, reason: impl Into<Cow<'static, str>>) -> Self {
        self.0.reason = Some(reason.into());
        self
    }

    /// Replaces the kernel's text, where a caller inside the crate knows which name it was to quote.
    pub(crate) fn with_message(mut self, message: &str) -> Self {
        self.0.message = Some(message.into());
        self
    }

    /// Makes a copy, for a mistake that is told more than once.
    pub(crate) fn again(&self) -> Self {
        let Inner { kind, stage, call, message, parameter, reason, source } = &*self.0;
        let source = source.as_ref().and_then(io::Error::raw_os_error).map(io::Error::from_raw_os_error);
        Self(Box::new(Inner {
            kind: *kind,
            stage: *stage,
            call: *call,
            message: message.clone(),
            parameter: parameter.clone(),
            reason: reason.clone(),
            source,
        }))
    }

    /// Adds the error number of something that is no call of the crate's.
    pub(crate) fn with_errno(mut self, errno: Errno) -> Self {
        self.0.source = Some(errno.into());
        self
    }

    /// Says at which stage of starting a program it happened.
    pub(crate) fn at(mut self, stage: Stage) -> Self {
        self.0.stage = Some(stage);
        self
    }

    /// Returns what kind of error this is: the thing to match on.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        self.0.kind
    }

    /// Returns the host's error number, `None` when no system call was made.
    #[must_use]
    pub fn errno(&self) -> Option<i32> {
        self.0.source.as_ref().and_then(io::Error::raw_os_error)
    }

    /// Returns the kernel's own text, which it has for some errors only.
    #[must_use]
    pub fn message(&self) -> Option<&str> {
        self.0.message.as_deref()
    }

    /// Returns the name of the parameter at fault, where that is known.
    #[must_use]
    pub fn parameter(&self) -> Option<&str> {
        self.0.parameter.as_deref()
    }

    /// Returns the system call that failed, `None` when the mistake was found before any call.
    #[must_use]
    pub fn call(&self) -> Option<Call> {
        self.0.call
    }

    /// Returns how far a program came that was to be started in a jail, `None` when the error is of something
    /// else, or the child was not even made.
    #[must_use]
    pub fn stage(&self) -> Option<Stage> {
        self.0.stage
    }

    /// Whether the request was too large to be made.
    pub(crate) fn is_oversize(&self) -> bool {
        self.0.call.is_none() && self.0.kind == ErrorKind::InvalidRequest
    }

    /// Whether the kernel said EINVAL without a text, which of a read means that a buffer was too small.
    pub(crate) fn is_wordless_einval(&self) -> bool {
        self.0.message.is_none() && self.errno() == Some(libc::EINVAL)
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Error")
            .field("kind", &self.0.kind)
            .field("stage", &self.0.stage)
            .field("call", &self.0.call)
            .field("errno", &self.errno())
            .field("message", &self.0.message)
            .field("parameter", &self.0.parameter)
            .field("reason", &self.0.reason)
            .finish()
    }
}

impl fmt::Display for Inner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut separator = "";
        let mut part = |f: &mut fmt::Formatter<'_>, text: fmt::Arguments<'_>| {
            let result = f.write_str(separator).and_then(|()| f.write_fmt(text));
            separator = ": ";
            result
        };
        if let Some(stage) = self.stage {
            part(f, format_args!("{stage}"))?;
        }
        if let Some(call) = self.call {
            part(f, format_args!("{call}"))?;
        }
        if let Some(parameter) = &self.parameter {
            part(f, format_args!("parameter {parameter:?}"))?;
        }
        if let Some(message) = &self.message {
            part(f, format_args!("{message}"))?;
        }
        if let Some(reason) = &self.reason {
            part(f, format_args!("{reason}"))?;
        }
        if let Some(source) = &self.source {
            part(f, format_args!("{source}"))?;
        }
        Ok(())
    }
}

impl From<Error> for io::Error {
    fn from(error: Error) -> Self {
        let kind = match (error.kind(), &error.0.source) {
            // What is wrong with a program, std says more exactly.
            (ErrorKind::NotExecutable, Some(source)) => source.kind(),
            (kind, _) => kind.io_kind(),
        };
        Self::new(kind, error)
    }
}
