//! The stages of starting a program in a jail.

use core::fmt;

/// The stage at which starting a program in a jail failed.
///
/// The stages are steps of the child, in order. A failure affects only the child.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Stage {
    /// Creating a session, setting its controlling terminal, or joining a process group.
    Session,
    /// Setting the routing table.
    Fib,
    /// Attaching to the jail.
    Attach,
    /// Changing to the working directory, inside the jail.
    Directory,
    /// Setting a resource limit.
    Limits,
    /// Setting supplementary groups, group and user, in this order.
    User,
    /// Running a closure of [`JailCommand::pre_exec`](crate::JailCommand::pre_exec).
    PreExec,
    /// Executing the program.
    Exec,
}

impl Stage {
    /// Returns the stage's name: `"session"`, `"fib"`, `"attach"`, `"directory"`, `"limits"`, `"user"`, `"pre_exec"` or
    /// `"exec"`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Session => "session",
            Self::Fib => "fib",
            Self::Attach => "attach",
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
