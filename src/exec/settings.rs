//! Settings that the child applies before it executes the program.

use std::ffi::OsStr;
use std::path::Path;

use super::JailCommand;
use super::limits::Resource;

/// # Directory, user, session and limits
impl JailCommand<'_> {
    /// Sets the working directory, as a path in the jail. Default: the jail's root directory, from which a relative one
    /// is looked up, too.
    ///
    /// ```
    /// # use freebsd_jail::{Jail, sim};
    /// # fn main() -> freebsd_jail::Result<()> {
    /// # let kernel = sim::Kernel::new();
    /// # let _guard = kernel.install();
    /// # kernel.allow_exec(true);
    /// # let jail = Jail::builder().path("/").create()?;
    /// let output = jail.command("/bin/sh").args(["-c", "pwd"]).current_dir("/dev").output()?;
    /// assert_eq!(output.stdout, b"/dev\n");
    /// # Ok(())
    /// # }
    /// ```
    pub fn current_dir(&mut self, directory: impl AsRef<Path>) -> &mut Self {
        self.wishes.directory = Some(directory.as_ref().to_owned());
        self
    }

    /// Runs the program as a user of the **host's** database: with the user's uid, group and supplementary groups.
    ///
    /// It is looked up before the fork, with [getpwnam(3)] and [getgrouplist(3)]. The jail's own `/etc/passwd` is not
    /// read, because the jail's users may be able to write it. [`gid`](Self::gid) and [`groups`](Self::groups) take
    /// precedence.
    ///
    /// ```no_run
    /// # use freebsd_jail::{Jail, sim};
    /// # fn main() -> freebsd_jail::Result<()> {
    /// # let kernel = sim::Kernel::new();
    /// # let _guard = kernel.install();
    /// # kernel.allow_exec(true);
    /// # let jail = Jail::builder().path("/").create()?;
    /// let output = jail.command("/usr/bin/id").user("nobody").output()?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// [getpwnam(3)]: https://man.freebsd.org/cgi/man.cgi?query=getpwnam&sektion=3
    /// [getgrouplist(3)]: https://man.freebsd.org/cgi/man.cgi?query=getgrouplist&sektion=3
    pub fn user(&mut self, name: impl AsRef<OsStr>) -> &mut Self {
        self.wishes.user = Some(name.as_ref().to_owned());
        self
    }

    /// Runs the program as the user of this uid. The group must be set, too: otherwise it would be this process's,
    /// which is usually root's.
    ///
    /// ```no_run
    /// # use freebsd_jail::{Jail, sim};
    /// # fn main() -> freebsd_jail::Result<()> {
    /// # let kernel = sim::Kernel::new();
    /// # let _guard = kernel.install();
    /// # kernel.allow_exec(true);
    /// # let jail = Jail::builder().path("/").create()?;
    /// let output = jail.command("/usr/bin/id").uid(1001).gid(1001).output()?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn uid(&mut self, uid: u32) -> &mut Self {
        self.wishes.uid = Some(uid);
        self
    }

    /// Runs the program in the group of this gid, without supplementary groups unless [`groups`](Self::groups) sets
    /// them.
    ///
    /// ```no_run
    /// # use freebsd_jail::{Jail, sim};
    /// # fn main() -> freebsd_jail::Result<()> {
    /// # let kernel = sim::Kernel::new();
    /// # let _guard = kernel.install();
    /// # kernel.allow_exec(true);
    /// # let jail = Jail::builder().path("/").create()?;
    /// let output = jail.command("/usr/bin/id").gid(1001).output()?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn gid(&mut self, gid: u32) -> &mut Self {
        self.wishes.gid = Some(gid);
        self
    }

    /// Sets the supplementary groups. The group itself need not be listed, and counts as one of them.
    ///
    /// ```no_run
    /// # use freebsd_jail::{Jail, sim};
    /// # fn main() -> freebsd_jail::Result<()> {
    /// # let kernel = sim::Kernel::new();
    /// # let _guard = kernel.install();
    /// # kernel.allow_exec(true);
    /// # let jail = Jail::builder().path("/").create()?;
    /// let output = jail.command("/usr/bin/id").uid(1001).gid(1001).groups([1002]).output()?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn groups(&mut self, groups: impl IntoIterator<Item = u32>) -> &mut Self {
        self.wishes.groups = Some(groups.into_iter().collect());
        self
    }

    /// Puts the program into a process group, 0 for a new one of its own. A signal to the group reaches the program and
    /// the processes that it starts. Signals of this process's terminal no longer reach it.
    ///
    /// ```
    /// # use freebsd_jail::{Jail, sim};
    /// # fn main() -> freebsd_jail::Result<()> {
    /// # let kernel = sim::Kernel::new();
    /// # let _guard = kernel.install();
    /// # kernel.allow_exec(true);
    /// # let jail = Jail::builder().path("/").create()?;
    /// let mut child = jail.command("/bin/sleep").arg("0").process_group(0).spawn()?;
    /// let group = child.id(); // for killpg(2)
    /// assert!(child.wait().unwrap().success());
    /// # Ok(())
    /// # }
    /// ```
    pub fn process_group(&mut self, group: i32) -> &mut Self {
        self.wishes.process_group = Some(group);
        self
    }

    /// Makes the program the leader of a session of its own, without a terminal.
    ///
    /// ```
    /// # use freebsd_jail::{Jail, sim};
    /// # fn main() -> freebsd_jail::Result<()> {
    /// # let kernel = sim::Kernel::new();
    /// # let _guard = kernel.install();
    /// # kernel.allow_exec(true);
    /// # let jail = Jail::builder().path("/").create()?;
    /// assert!(jail.command("/bin/sleep").arg("0").setsid(true).status()?.success());
    /// # Ok(())
    /// # }
    /// ```
    pub fn setsid(&mut self, setsid: bool) -> &mut Self {
        self.wishes.setsid = setsid;
        self
    }

    /// Makes the program the leader of a session of its own whose controlling terminal is its standard input.
    ///
    /// For an interactive shell, give the standard streams one end of a pseudo-terminal: see the example `console`. The
    /// error's stage is [`Session`](crate::error::Stage::Session) when the standard input is not a terminal (`ENOTTY`),
    /// or is the controlling terminal of another session (`EPERM`).
    ///
    /// Wraps [setsid(2)] and [ioctl(2)] with `TIOCSCTTY`.
    ///
    /// ```no_run
    /// use std::fs::File;
    ///
    /// # use freebsd_jail::{Jail, sim};
    /// # fn main() -> freebsd_jail::Result<()> {
    /// # let kernel = sim::Kernel::new();
    /// # let _guard = kernel.install();
    /// # kernel.allow_exec(true);
    /// # let jail = Jail::builder().path("/").create()?;
    /// let terminal = File::options().read(true).write(true).open("/dev/pts/3").unwrap();
    /// let mut shell = jail.command("/bin/sh");
    /// shell.stdin(terminal.try_clone().unwrap()).stdout(terminal.try_clone().unwrap()).stderr(terminal);
    /// let child = shell.controlling_terminal(true).spawn()?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// [setsid(2)]: https://man.freebsd.org/cgi/man.cgi?query=setsid&sektion=2
    /// [ioctl(2)]: https://man.freebsd.org/cgi/man.cgi?query=ioctl&sektion=2
    pub fn controlling_terminal(&mut self, controlling_terminal: bool) -> &mut Self {
        self.wishes.terminal = controlling_terminal;
        self
    }

    /// Sets the routing table before the child attaches to the jail, as `exec.fib` of [jail(8)] does.
    ///
    /// A process cannot attach to a jail whose own network stack lacks its routing table; `fib(0)` always exists. Wraps
    /// [setfib(2)]. The error's stage is [`Fib`](crate::error::Stage::Fib) when there is no such table (`EINVAL`).
    ///
    /// ```
    /// # use freebsd_jail::{Jail, sim};
    /// # fn main() -> freebsd_jail::Result<()> {
    /// # let kernel = sim::Kernel::new();
    /// # let _guard = kernel.install();
    /// # kernel.allow_exec(true);
    /// # let jail = Jail::builder().path("/").create()?;
    /// assert!(jail.command("/bin/sleep").arg("0").fib(0).status()?.success());
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// [jail(8)]: https://man.freebsd.org/cgi/man.cgi?query=jail&sektion=8
    /// [setfib(2)]: https://man.freebsd.org/cgi/man.cgi?query=setfib&sektion=2
    pub fn fib(&mut self, fib: u32) -> &mut Self {
        self.wishes.fib = Some(fib);
        self
    }

    /// Sets the permission bits that are removed from new files and directories. Default: this process's. Wraps
    /// [umask(2)].
    ///
    /// ```
    /// # use freebsd_jail::{Jail, sim};
    /// # fn main() -> freebsd_jail::Result<()> {
    /// # let kernel = sim::Kernel::new();
    /// # let _guard = kernel.install();
    /// # kernel.allow_exec(true);
    /// # let jail = Jail::builder().path("/").create()?;
    /// let output = jail.command("/bin/sh").args(["-c", "umask"]).umask(0o027).output()?;
    /// assert_eq!(output.stdout, b"0027\n");
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// [umask(2)]: https://man.freebsd.org/cgi/man.cgi?query=umask&sektion=2
    pub fn umask(&mut self, mask: u32) -> &mut Self {
        self.wishes.umask = Some(mask);
        self
    }

    /// Limits a resource: `soft` is the limit in effect, and the program may raise it up to `hard`. `u64::MAX` is no
    /// limit. Default: this process's limits.
    ///
    /// The limits are set inside the jail, before the program becomes its user. They are per process or per user, not
    /// per jail: [rctl(8)] limits jails. Wraps [setrlimit(2)]. The error's stage is
    /// [`Limits`](crate::error::Stage::Limits).
    ///
    /// ```
    /// use freebsd_jail::exec::Resource;
    ///
    /// # use freebsd_jail::{Jail, sim};
    /// # fn main() -> freebsd_jail::Result<()> {
    /// # let kernel = sim::Kernel::new();
    /// # let _guard = kernel.install();
    /// # kernel.allow_exec(true);
    /// # let jail = Jail::builder().path("/").create()?;
    /// let output = jail.command("/bin/sh").args(["-c", "ulimit -n"]).limit(Resource::OpenFiles, 64, 64).output()?;
    /// assert_eq!(output.stdout, b"64\n");
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// [rctl(8)]: https://man.freebsd.org/cgi/man.cgi?query=rctl&sektion=8
    /// [setrlimit(2)]: https://man.freebsd.org/cgi/man.cgi?query=setrlimit&sektion=2
    pub fn limit(&mut self, resource: Resource, soft: u64, hard: u64) -> &mut Self {
        self.wishes.limits.retain(|(other, ..)| *other != resource);
        self.wishes.limits.push((resource, soft, hard));
        self
    }
}
