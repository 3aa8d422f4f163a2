//! Settings that the child applies before it executes the program.

use std::ffi::OsStr;
use std::path::Path;

use super::JailCommand;
use super::limits::Resource;

/// Settings that the child applies.
impl JailCommand<'_> {
    /// Sets the working directory, as a path in the jail. Default: the jail's root directory, from which a relative one
    /// is looked up, too.
    pub fn current_dir(&mut self, directory: impl AsRef<Path>) -> &mut Self {
        self.wishes.directory = Some(directory.as_ref().to_owned());
        self
    }

    /// Runs the program as a user of the **host's** database: with the user's uid, group and supplementary groups.
    ///
    /// It is looked up before the fork, with getpwnam(3) and getgrouplist(3). The jail's own `/etc/passwd` is not read,
    /// because the jail's users may be able to write it. [`gid`](Self::gid) and [`groups`](Self::groups) take
    /// precedence.
    pub fn user(&mut self, name: impl AsRef<OsStr>) -> &mut Self {
        self.wishes.user = Some(name.as_ref().to_owned());
        self
    }

    /// Runs the program as the user of this uid. The group must be set, too: otherwise it would be this process's,
    /// which is usually root's.
    pub fn uid(&mut self, uid: u32) -> &mut Self {
        self.wishes.uid = Some(uid);
        self
    }

    /// Runs the program in the group of this gid, without supplementary groups unless [`groups`](Self::groups) sets
    /// them.
    pub fn gid(&mut self, gid: u32) -> &mut Self {
        self.wishes.gid = Some(gid);
        self
    }

    /// Sets the supplementary groups. The group itself need not be listed, and counts as one of them.
    pub fn groups(&mut self, groups: impl IntoIterator<Item = u32>) -> &mut Self {
        self.wishes.groups = Some(groups.into_iter().collect());
        self
    }

    /// Puts the program into a process group, 0 for a new one of its own. A signal to the group reaches the program and
    /// the processes that it starts. Signals of this process's terminal no longer reach it.
    pub fn process_group(&mut self, group: i32) -> &mut Self {
        self.wishes.process_group = Some(group);
        self
    }

    /// Makes the program the leader of a session of its own, without a terminal.
    pub fn setsid(&mut self, setsid: bool) -> &mut Self {
        self.wishes.setsid = setsid;
        self
    }

    /// Makes the program the leader of a session of its own whose controlling terminal is its standard input.
    ///
    /// For an interactive shell, give the standard streams one end of a pseudo-terminal: see the example `console`. The
    /// error's stage is [`Session`](crate::Stage::Session) when the standard input is not a terminal (`ENOTTY`), or is
    /// the controlling terminal of another session (`EPERM`).
    ///
    /// Wraps setsid(2) and ioctl(2) with `TIOCSCTTY`.
    pub fn controlling_terminal(&mut self, controlling_terminal: bool) -> &mut Self {
        self.wishes.terminal = controlling_terminal;
        self
    }

    /// Sets the routing table before the child attaches to the jail, as `exec.fib` of jail(8) does.
    ///
    /// A process cannot attach to a jail whose own network stack lacks its routing table; `fib(0)` always exists. Wraps
    /// setfib(2). The error's stage is [`Fib`](crate::Stage::Fib) when there is no such table (`EINVAL`).
    pub fn fib(&mut self, fib: u32) -> &mut Self {
        self.wishes.fib = Some(fib);
        self
    }

    /// Sets the permission bits that are removed from new files and directories. Default: this process's. Wraps
    /// umask(2).
    pub fn umask(&mut self, mask: u32) -> &mut Self {
        self.wishes.umask = Some(mask);
        self
    }

    /// Limits a resource: `soft` is the limit in effect, and the program may raise it up to `hard`. `u64::MAX` is no
    /// limit. Default: this process's limits.
    ///
    /// The limits are set inside the jail, before the program becomes its user. They are per process or per user, not per
    /// jail: rctl(8) limits jails. Wraps setrlimit(2). The error's stage is [`Limits`](crate::Stage::Limits).
    pub fn limit(&mut self, resource: Resource, soft: u64, hard: u64) -> &mut Self {
        self.wishes.limits.retain(|(other, ..)| *other != resource);
        self.wishes.limits.push((resource, soft, hard));
        self
    }
}
