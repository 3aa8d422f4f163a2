//! Errors of jail operations.

mod attach;
mod classify;
mod facts;
mod kind;
mod stage;

use core::fmt;
use core::mem::ManuallyDrop;
use core::panic::{RefUnwindSafe, UnwindSafe};
use std::borrow::Cow;
use std::io;
use std::path::Path;

use crate::sys::Errno;

pub(crate) use attach::{
    attach_error, explain_attach, explain_own_attach, first_open_directory, remove_error,
};
pub(crate) use classify::{Asked, Subject};
pub(crate) use facts::Reason;
use facts::{Fact, Facts};
pub use kind::{Call, ErrorKind};
pub use stage::Stage;

const REMOVED: &str = "the jail has been removed";

/// The result of an operation on jails.
pub type Result<T> = core::result::Result<T, Error>;

/// An error of a jail operation, with the failed call, the kernel's message, and the jail and parameter.
///
/// As large as a pointer, so that a `Result` stays small. Match on [`kind`](Self::kind); the other methods give
/// details. `Display` prints all of them except the errno's text, which is in [`source`](core::error::Error::source):
/// `{:#}` adds it.
///
/// Converting it into an [`io::Error`] keeps the kind and the text, but [`io::Error::raw_os_error`] is then `None`:
/// call [`errno`](Self::errno) first.
///
/// ```
/// use freebsd_jail::{ErrorKind, Jail};
///
/// let error = Jail::builder().name("no\0good").path("/").create().unwrap_err();
/// assert_eq!(error.kind(), ErrorKind::InvalidValue);
/// assert_eq!(error.parameter(), Some("name"));
/// assert_eq!(error.value(), Some(r#""no\0good""#));
/// assert_eq!(error.call(), None); // found before any system call
/// assert_eq!(error.to_string(), r#"parameter "name" = "no\0good": a string cannot contain NUL"#);
/// ```
pub struct Error(Box<Inner>);

#[derive(Debug)]
struct Inner {
    kind: ErrorKind,
    stage: Option<Stage>,
    call: Option<Call>,
    errno: Option<Errno>,
    /// The crate's own text: the reason, if the kernel gave none, or an alternative.
    reason: Option<&'static str>,
    facts: Facts,
    program: Option<Box<Path>>,
    /// The errno, for `source`. It owns nothing, so that there is nothing to drop.
    source: Option<ManuallyDrop<io::Error>>,
}

impl Error {
    /// Makes an error of a kind, with a reason for `Display`.
    ///
    /// For tests of programs that handle errors of this crate, and for code that wraps it.
    ///
    /// ```
    /// use freebsd_jail::{Error, ErrorKind};
    ///
    /// let error = Error::new(ErrorKind::AddressInUse, "10.0.0.1 is taken");
    /// assert_eq!((error.kind(), error.to_string().as_str()), (ErrorKind::AddressInUse, "10.0.0.1 is taken"));
    /// assert_eq!(Error::from(ErrorKind::Gone).to_string(), "the jail has been removed");
    /// ```
    pub fn new(kind: ErrorKind, reason: impl Into<Cow<'static, str>>) -> Self {
        Self::refused(kind, reason.into())
    }

    /// A mistake of the caller, found before any system call.
    pub(crate) fn refused(kind: ErrorKind, reason: impl Reason) -> Self {
        Self::from(kind).because(reason)
    }

    /// A failure of a call other than jail_set and jail_get, which has no message.
    pub(crate) fn os(call: Call, errno: Errno, kind: ErrorKind, reason: &'static str) -> Self {
        let (kind, reason) =
            if errno.is_not_capable() { (ErrorKind::NotCapable, classify::CAPSICUM) } else { (kind, reason) };
        let error = Self::of_call(call, errno, kind);
        if reason.is_empty() { error } else { error.because(reason) }
    }

    fn of_call(call: Call, errno: Errno, kind: ErrorKind) -> Self {
        let mut error = Self::from(kind);
        error.0.call = Some(call);
        error.with_errno(errno)
    }

    /// The error of every call on a host without FreeBSD and without a model.
    pub(crate) fn no_jails(call: Call) -> Self {
        Self::os(call, Errno(libc::ENOSYS), ErrorKind::Unsupported, classify::no_jails())
    }

    /// The error of calls by descriptor before FreeBSD 15.
    pub(crate) fn no_descriptors() -> Self {
        Self::refused(
            ErrorKind::Unsupported,
            "this kernel has no jail descriptors; FreeBSD has them since 15.0",
        )
    }

    /// The error of a handle whose jail has been removed.
    pub(crate) fn gone() -> Self {
        Self::refused(ErrorKind::Gone, REMOVED)
    }

    /// Converts it into the error of a handle, for which `NotFound` means that the jail has been removed.
    pub(crate) fn of_handle(self) -> Self {
        match self.kind() {
            ErrorKind::NotFound => self.with_kind(ErrorKind::Gone).because(REMOVED),
            _ => self,
        }
    }

    /// Names the parameter at fault.
    #[cold]
    pub(crate) fn about(mut self, parameter: &str) -> Self {
        self.0.facts.set_text(Fact::Parameter, parameter);
        self
    }

    /// Adds the value of the parameter at fault: `Debug` for strings, otherwise `Display`.
    #[cold]
    pub(crate) fn with_value(mut self, value: fmt::Arguments<'_>) -> Self {
        self.0.facts.set(Fact::Value, value);
        self
    }

    /// Adds the jail, unless there is one already.
    pub(crate) fn of_jail(mut self, jail: impl fmt::Display) -> Self {
        if self.jail().is_none() {
            self.0.facts.set(Fact::Jail, format_args!("{jail}"));
        }
        self
    }

    /// Adds the program.
    pub(crate) fn of_program(mut self, program: &Path) -> Self {
        self.0.program = Some(program.into());
        self
    }

    /// Replaces the kind, if a caller inside the crate knows more.
    pub(crate) fn with_kind(mut self, kind: ErrorKind) -> Self {
        self.0.kind = kind;
        self
    }

    /// Adds or replaces the crate's own text.
    pub(crate) fn because(mut self, reason: impl Reason) -> Self {
        reason.explain(&mut self);
        self
    }

    /// Replaces the kernel's message, if a caller inside the crate knows which name it should quote.
    pub(crate) fn with_message(mut self, message: &str) -> Self {
        self.0.facts.set_text(Fact::Message, message);
        self
    }

    /// Adds the errno of an operation that is not a call of the crate.
    pub(crate) fn with_errno(mut self, errno: Errno) -> Self {
        self.0.errno = Some(errno);
        self.0.source = Some(source(errno));
        self
    }

    /// Adds the stage of starting a program.
    pub(crate) fn at(mut self, stage: Stage) -> Self {
        self.0.stage = Some(stage);
        self
    }

    /// Returns the error's kind, to match on.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        self.0.kind
    }

    /// Returns the errno, `None` when the mistake was found before any system call.
    #[must_use]
    pub fn errno(&self) -> Option<i32> {
        self.0.errno.map(|errno| errno.0)
    }

    /// Returns the errno of the failed call, or that of the [kind](ErrorKind::errno) when no call was made: for
    /// bindings whose callers need an errno for every error.
    ///
    /// ```
    /// use freebsd_jail::Jail;
    ///
    /// let error = Jail::open("no\0good").unwrap_err();
    /// assert_eq!((error.errno(), error.errno_or_default()), (None, libc::EINVAL));
    /// ```
    #[must_use]
    pub fn errno_or_default(&self) -> i32 {
        self.errno().unwrap_or_else(|| self.kind().errno())
    }

    /// Returns the kernel's message, which only some errors have.
    #[must_use]
    pub fn message(&self) -> Option<&str> {
        self.0.facts.get(Fact::Message)
    }

    /// Returns the name or jid of the jail, if there is one.
    #[must_use]
    pub fn jail(&self) -> Option<&str> {
        self.0.facts.get(Fact::Jail)
    }

    /// Returns the name of the parameter at fault, if known.
    #[must_use]
    pub fn parameter(&self) -> Option<&str> {
        self.0.facts.get(Fact::Parameter)
    }

    /// Returns the value at fault, if known: that of the parameter (a path, an address, a number), or the argument or
    /// working directory of a program. A string is quoted and escaped as by `Debug`.
    #[must_use]
    pub fn value(&self) -> Option<&str> {
        self.0.facts.get(Fact::Value)
    }

    /// Returns the program, `None` when the error is not about starting one.
    #[must_use]
    pub fn program(&self) -> Option<&Path> {
        self.0.program.as_deref()
    }

    /// Returns the system call that failed, `None` when the mistake was found before any call.
    #[must_use]
    pub fn call(&self) -> Option<Call> {
        self.0.call
    }

    /// Returns the stage at which starting a program in a jail failed, `None` when the error is about something else,
    /// or the child was not created.
    #[must_use]
    pub fn stage(&self) -> Option<Stage> {
        self.0.stage
    }

    fn reason(&self) -> Option<&str> {
        self.0.reason.or_else(|| self.0.facts.get(Fact::Reason))
    }

    /// Whether the request was too large.
    pub(crate) fn is_oversize(&self) -> bool {
        self.0.call.is_none() && self.0.kind == ErrorKind::InvalidRequest
    }

    /// Whether the kernel returned EINVAL without a message, which for a read means that a buffer was too small.
    pub(crate) fn is_wordless_einval(&self) -> bool {
        self.message().is_none() && self.errno() == Some(libc::EINVAL)
    }
}

fn source(errno: Errno) -> ManuallyDrop<io::Error> {
    ManuallyDrop::new(errno.into())
}

impl From<ErrorKind> for Error {
    /// Makes an error with only a kind, which `Display` describes.
    #[cold]
    fn from(kind: ErrorKind) -> Self {
        Self(Box::new(Inner {
            kind,
            stage: None,
            call: None,
            errno: None,
            reason: None,
            facts: Facts::NONE,
            program: None,
            source: None,
        }))
    }
}

impl Clone for Error {
    fn clone(&self) -> Self {
        let Inner { kind, stage, call, errno, reason, ref facts, ref program, source: _ } = *self.0;
        let (facts, program, source) = (facts.clone(), program.clone(), errno.map(source));
        Self(Box::new(Inner { kind, stage, call, errno, reason, facts, program, source }))
    }
}

// `io::Error` is neither, because it may contain any error. This one contains an errno.
impl UnwindSafe for Error {}
impl RefUnwindSafe for Error {}

impl core::error::Error for Error {
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        self.0.source.as_ref().map(|source| &**source as _)
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Error")
            .field("kind", &self.kind())
            .field("stage", &self.stage())
            .field("call", &self.call())
            .field("errno", &self.0.errno)
            .field("message", &self.message())
            .field("jail", &self.jail())
            .field("parameter", &self.parameter())
            .field("value", &self.value())
            .field("program", &self.program())
            .field("reason", &self.reason())
            .finish()
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Inner { kind, stage, call, program, source, .. } = &*self.0;
        let (message, reason) = (self.message(), self.reason());
        let alternate = f.alternate();
        let mut separator = "";
        let mut part = |text: fmt::Arguments<'_>| {
            let result = f.write_str(separator).and_then(|()| f.write_fmt(text));
            separator = ": ";
            result
        };
        // Each fact once: the kernel's message may already contain some.
        let is_said = |fact: &str| message.is_some_and(|message| message.contains(fact));
        if let Some(stage) = stage {
            part(format_args!("{stage}"))?;
        }
        if let Some(call) = call {
            part(format_args!("{call}"))?;
        }
        let is_named = |jail: &&str| is_said(&format!("jail {jail} ")) || is_said(&format!("\"{jail}\""));
        if let Some(jail) = self.jail().filter(|jail| !is_named(jail)) {
            part(format_args!("jail {jail}"))?;
        }
        if let Some(program) = program {
            part(format_args!("{}", program.display()))?;
        }
        match (self.parameter(), self.value()) {
            (Some(parameter), Some(value)) => part(format_args!("parameter {parameter:?} = {value}"))?,
            (None, Some(value)) => part(format_args!("{value}"))?,
            (Some(parameter), None) if !is_said(parameter) => part(format_args!("parameter {parameter:?}"))?,
            _ => {}
        }
        match (message, reason) {
            (Some(message), Some(reason)) => part(format_args!("{message}: {reason}"))?,
            (Some(message), None) => part(format_args!("{message}"))?,
            (None, Some(reason)) => part(format_args!("{reason}"))?,
            (None, None) => part(format_args!("{kind}"))?,
        }
        match source {
            Some(source) if alternate => part(format_args!("{}", **source)),
            _ => Ok(()),
        }
    }
}

impl From<Error> for io::Error {
    fn from(error: Error) -> Self {
        let kind = match (error.kind(), &error.0.source) {
            // std's text for a program or a path is more exact.
            (ErrorKind::NotExecutable | ErrorKind::InvalidPath, Some(source)) => source.kind(),
            (kind, _) => kind.io_kind(),
        };
        Self::new(kind, error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_fact_is_printed_once() {
        let errno = Errno(libc::ENOENT);
        let error = Error::of_call(Call::JailGet, errno, ErrorKind::NotFound)
            .with_message("jail \"www\" not found")
            .of_jail("www");
        assert_eq!(error.to_string(), "jail_get: jail \"www\" not found");
        let source = core::error::Error::source(&error).expect("an errno").to_string();
        assert!(!error.to_string().contains(&source));
        assert_eq!(format!("{error:#}"), format!("{error}: {source}"));
        let error = Error::of_call(Call::JailSet, errno, ErrorKind::InvalidPath)
            .about("path")
            .with_value(format_args!("{:?}", "/nosuch"));
        assert_eq!(error.to_string(), "jail_set: parameter \"path\" = \"/nosuch\": invalid path");
        let unknown = Error::of_call(Call::JailSet, errno, ErrorKind::UnknownParameter)
            .with_message("unknown parameter: x.y")
            .about("x.y");
        assert_eq!(unknown.to_string(), "jail_set: unknown parameter: x.y");
    }

    #[test]
    fn a_copy_has_everything() {
        let error = Error::os(Call::Execve, Errno(libc::ENOEXEC), ErrorKind::NotExecutable, "reason")
            .at(Stage::Exec)
            .with_message("text")
            .of_jail(7)
            .about("name")
            .with_value(format_args!("1"))
            .of_program(Path::new("/bin/sh"));
        let copy = error.clone();
        assert_eq!(format!("{copy:?} {copy:#}"), format!("{error:?} {error:#}"));
        assert_eq!(copy.errno(), Some(libc::ENOEXEC));
        assert_eq!(
            (copy.jail(), copy.value(), copy.program()),
            (Some("7"), Some("1"), Some(Path::new("/bin/sh")))
        );
    }
}
