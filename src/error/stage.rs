//! How far a program came that was to be started in a jail.

use core::fmt;

/// What was being done for a program that was to run in a jail when it failed.
///
/// The stages come one after the other, in the child, which has changed nothing but itself when one fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Stage {
    /// Making a session, taking its controlling terminal, or joining a process group.
    Session,
    /// Setting the routing table.
    Fib,
    /// Entering the jail.
    Enter,
    /// Changing to the working directory, inside the jail.
    Directory,
    /// Setting a resource limit.
    Limits,
    /// Becoming the user: supplementary groups, group and user, in this order.
    User,
    /// Running a closure of [`JailCommand::pre_exec`](crate::JailCommand::pre_exec).
    PreExec,
    /// Executing the program.
    Exec,
}

impl Stage {
    /// Returns the stage's name: `"session"`, `"fib"`, `"enter"`, `"directory"`, `"limits"`, `"user"`, `"pre_exec"` or
    /// `"exec"`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Session => "session",
            Self::Fib => "fib",
            Self::Enter => "enter",
            Self::Directory => "directory",
            Self::Limits => "limits",
            Self::User => "user",
            Self::PreExec => "pre_exec",
            Self::Exec => "exec",
        }
    }
}

impl fmt::Display for Stage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
