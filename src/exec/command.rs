//! A program to run in a jail.

use core::{fmt, mem};
use std::ffi::{OsStr, OsString};
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Output, Stdio};

use super::failure::{failure, lost};
use super::plan::{Wishes, nul};
use crate::error::{Error, ErrorKind, Result, Stage};
use crate::jail::Jail;
use crate::sys::child::{Hook, Plan};
use crate::sys::lock;

/// A program to run in a jail, from [`Jail::command`].
///
/// It wraps [`std::process::Command`] and has the same methods: arguments, environment, standard streams and waiting
/// are std's. The child takes these steps, in this order:
///
/// 1. signals that this process handles get their default effect,
/// 2. a session or process group of its own, if requested, and the routing table,
/// 3. **attaching to the jail**, which changes to the jail's root directory,
/// 4. the working directory, looked up inside the jail,
/// 5. umask and resource limits,
/// 6. supplementary groups, group and user,
/// 7. closures of [`pre_exec`](Self::pre_exec),
/// 8. jail descriptors become close-on-exec,
/// 9. the program, looked up inside the jail, in the `PATH` of its new environment.
///
/// If a step fails, the error has its [`stage`](crate::Error::stage) and errno.
///
/// # What the program inherits
///
/// - The environment, as with std; [`env_clear`](Self::env_clear) removes it. [`user`](Self::user) does not change
///   `HOME`, `USER` and similar variables.
/// - The user, unless another is set: usually root, who is root inside the jail as well.
/// - Signals that are ignored; std resets `SIGPIPE` and the signal mask.
/// - Descriptors that are not close-on-exec, with two exceptions:
///   - **Jail descriptors** are never inherited, not even those of other libraries or in standard streams: a descriptor
///     of another jail is a way out of this one. To give a program one, send it over a socket.
///   - **Directories** may be replaced. A process that has one open cannot attach to a jail. If the kernel refuses the
///     child for that reason, the child replaces each open directory by a socket, close-on-exec or not, except its
///     standard input, output and error, and tries once more. They stay open in this process.
///
/// Until it executes the program, the child has this process's memory and descriptors, inside the jail. The jail's
/// processes cannot trace it meanwhile, and signals do not run this process's handlers in it. They can stop it: **after
/// a `SIGSTOP` that arrives between attaching and executing, [`spawn`](Self::spawn) blocks until the child is continued
/// or killed.** Removing the jail kills it.
///
/// # Threads
///
/// Any number of threads can start programs at once. A program is not started while another thread is in
/// [`Jail::attach`] or in another call that moves this process into a jail: a child that is forked in between would
/// have the jail's root and this process's credential (T43). Each waits only for the other's fork or attach.
///
/// # After the program has ended
///
/// It holds its jail until it has been waited for: a [`Child`] that is dropped without
/// [`wait`](std::process::Child::wait) makes [`Jail::wait_gone`] wait until this process ends. See
/// [there](Jail::wait_gone) for what else may hold a removed jail. Processes that the program has started stay in the
/// jail; [removing](Jail::remove) the jail ends them.
///
/// # Process descriptors
///
/// Programs are not started with process descriptors: std's `Command` calls [fork(2)], not [pdfork(2)], and its [`Child`] waits by pid. The pid is not
/// reused before the child has been waited for. To be notified of its end without waiting for it, use [waitid(2)] with
/// `WNOWAIT`, or [kevent(2)] with `EVFILT_PROC` and `NOTE_EXIT`.
///
/// # On the model
///
/// A jail of the model confines nothing. So no program is executed unless `sim::Kernel::allow_exec` permits programs to
/// run unconfined on the host: otherwise the error is [`ErrorKind::Unsupported`](crate::ErrorKind::Unsupported). The
/// model is asked first whether the process could attach. The child then changes to the host's root directory instead,
/// and all later steps act on the host.
///
/// The model keeps the program in its books until it has been waited for: it is in [`Jail::processes`], removing the
/// jail kills it, and as a zombie it keeps its jail. What the program starts itself is not in them.
///
/// # FreeBSD versions
///
/// Since 15.0 the child attaches by the handle's descriptor with [jail_set(2)], which watchers of the jail see as an
/// update; before, it attaches by jid with [jail_attach(2)]. Where [mac_do(4)] is loaded, the child reads the jail's
/// rules right before and keeps them, see [`Jail::attach`].
///
/// ```no_run
/// use freebsd_jail::Jail;
///
/// # fn main() -> freebsd_jail::Result<()> {
/// let jail = Jail::open("www")?;
/// let output = jail.command("/usr/bin/id").user("www").current_dir("/var/empty").output()?;
/// print!("{}", String::from_utf8_lossy(&output.stdout));
/// # Ok(())
/// # }
/// ```
///
/// [fork(2)]: https://man.freebsd.org/cgi/man.cgi?query=fork&sektion=2
/// [pdfork(2)]: https://man.freebsd.org/cgi/man.cgi?query=pdfork&sektion=2
/// [waitid(2)]: https://man.freebsd.org/cgi/man.cgi?query=waitid&sektion=2
/// [kevent(2)]: https://man.freebsd.org/cgi/man.cgi?query=kevent&sektion=2
/// [jail_set(2)]: https://man.freebsd.org/cgi/man.cgi?query=jail_set&sektion=2
/// [jail_attach(2)]: https://man.freebsd.org/cgi/man.cgi?query=jail_attach&sektion=2
/// [mac_do(4)]: https://man.freebsd.org/cgi/man.cgi?query=mac_do&sektion=4
#[doc(alias = "jexec")]
pub struct JailCommand<'j> {
    pub(super) jail: &'j Jail,
    pub(super) inner: Command,
    pub(super) hook: Hook,
    pub(super) wishes: Wishes,
    pub(super) given: Streams<bool>,
    /// Properties that std's command does not return.
    pub(super) arg0: Option<OsString>,
    pub(super) cleared: bool,
    /// Whether the environment is that of a login.
    pub(super) clean: bool,
    /// The first mistake in the program and its arguments.
    pub(super) mistake: Option<Error>,
}

/// A property of each of the three standard streams.
#[derive(Debug, Default)]
pub(super) struct Streams<T> {
    pub(super) stdin: T,
    pub(super) stdout: T,
    pub(super) stderr: T,
}

/// # Starting a program
impl Jail {
    /// Returns a command that runs a program in this jail. Nothing happens before [`spawn`](JailCommand::spawn),
    /// [`status`](JailCommand::status), [`output`](JailCommand::output) or [`exec`](JailCommand::exec).
    ///
    /// ```
    /// # use freebsd_jail::{ErrorKind, Jail, sim};
    /// # fn main() -> freebsd_jail::Result<()> {
    /// # let kernel = sim::Kernel::new();
    /// # let _guard = kernel.install();
    /// let jail = Jail::builder().path("/").create()?;
    /// # kernel.allow_exec(true);
    /// let output = jail.command("/bin/sh").arg("-c").arg("echo here").output()?;
    /// assert_eq!(output.stdout, b"here\n");
    /// # Ok(())
    /// # }
    /// ```
    #[must_use = "nothing runs before `spawn`, `status`, `output` or `exec`"]
    pub fn command(&self, program: impl AsRef<OsStr>) -> JailCommand<'_> {
        let mut inner = Command::new(&program);
        let hook = Hook::install(&mut inner);
        let mut command = JailCommand {
            jail: self,
            inner,
            hook,
            wishes: Wishes::default(),
            given: Streams::default(),
            arg0: None,
            cleared: false,
            clean: false,
            mistake: None,
        };
        command.check_nul(program.as_ref(), "the program cannot contain NUL");
        command
    }
}

/// # Starting
impl JailCommand<'_> {
    /// Starts the program.
    ///
    /// Its standard streams are this process's by default. Wraps [`Command::spawn`] around [jail_set(2)] or
    /// [jail_attach(2)] in the child.
    ///
    /// # Errors
    ///
    /// With a [`stage`](crate::Error::stage), from the child, which has then ended:
    ///
    /// - `Session`: `EPERM`, for a process group of another session or a terminal that another session controls;
    ///   `ENOTTY` for a standard input that is not a terminal;
    /// - `Attach`: [`Gone`](crate::ErrorKind::Gone) when the jail has been removed,
    ///   [`InvalidDescriptor`](crate::ErrorKind::InvalidDescriptor) (`EBADF`) when another file has the number of the
    ///   jail's descriptor in the child, [`PermissionDenied`](crate::ErrorKind::PermissionDenied) (`EPERM`) when not
    ///   root, or when its standard input is a directory, [`Other`](crate::ErrorKind::Other) when it has no CPU in
    ///   common with the jail (`EDEADLK`), or has a routing table that the jail's own network stack lacks (`EINVAL`);
    /// - `Fib`: [`InvalidValue`](crate::ErrorKind::InvalidValue) (`EINVAL`) for a routing table that the host lacks;
    /// - `Directory`: [`InvalidPath`](crate::ErrorKind::InvalidPath);
    /// - `Limits`: [`PermissionDenied`](crate::ErrorKind::PermissionDenied) (`EPERM`) for a hard limit that is raised
    ///   by a process that is not root;
    /// - `PreExec`: [`Other`](crate::ErrorKind::Other), with the errno of the closure's error;
    /// - `User`: [`PermissionDenied`](crate::ErrorKind::PermissionDenied) (`EPERM`) when not root,
    ///   [`InvalidValue`](crate::ErrorKind::InvalidValue) (`EINVAL`) for more groups than the kernel allows;
    /// - `Exec`: [`NotExecutable`](crate::ErrorKind::NotExecutable).
    ///
    /// Without a stage, from before the fork: [`InvalidValue`](crate::ErrorKind::InvalidValue) for a user that the host
    /// lacks or a string that contains NUL, [`InvalidRequest`](crate::ErrorKind::InvalidRequest) for a user without a
    /// group, [`Conflict`](crate::ErrorKind::Conflict) for settings that exclude each other,
    /// [`ResourceExhausted`](crate::ErrorKind::ResourceExhausted) when the limit of processes, descriptors or memory is
    /// reached, [`Unsupported`](crate::ErrorKind::Unsupported) on the model.
    ///
    /// ```
    /// use freebsd_jail::error::Stage;
    ///
    /// # use freebsd_jail::{Jail, sim};
    /// # fn main() -> freebsd_jail::Result<()> {
    /// # let kernel = sim::Kernel::new();
    /// # let _guard = kernel.install();
    /// # kernel.allow_exec(true);
    /// # let jail = Jail::builder().path("/").create()?;
    /// let mut child = jail.command("/bin/sleep").arg("0").spawn()?;
    /// assert!(child.wait().unwrap().success());
    /// let error = jail.command("/nonexistent").spawn().unwrap_err();
    /// assert_eq!(error.stage(), Some(Stage::Exec));
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// [jail_set(2)]: https://man.freebsd.org/cgi/man.cgi?query=jail_set&sektion=2
    /// [jail_attach(2)]: https://man.freebsd.org/cgi/man.cgi?query=jail_attach&sektion=2
    pub fn spawn(&mut self) -> Result<Child> {
        self.start(Streams { stdin: Stdio::inherit(), stdout: Stdio::inherit(), stderr: Stdio::inherit() })
    }

    /// Runs the program and waits for it.
    ///
    /// # Errors
    ///
    /// As [`spawn`](Self::spawn), and [`Other`](crate::ErrorKind::Other) (`ECHILD`) when the program cannot be waited
    /// for: this process ignores `SIGCHLD`, or is itself in a jail and the program in one that is not below it. A
    /// status other than zero is not an error.
    ///
    /// ```
    /// # use freebsd_jail::{Jail, sim};
    /// # fn main() -> freebsd_jail::Result<()> {
    /// # let kernel = sim::Kernel::new();
    /// # let _guard = kernel.install();
    /// # kernel.allow_exec(true);
    /// # let jail = Jail::builder().path("/").create()?;
    /// let status = jail.command("/bin/sh").args(["-c", "exit 7"]).status()?;
    /// assert_eq!(status.code(), Some(7));
    /// # Ok(())
    /// # }
    /// ```
    pub fn status(&mut self) -> Result<ExitStatus> {
        self.spawn()?.wait().map_err(|error| lost(&error))
    }

    /// Runs the program, waits for it, and returns what it wrote.
    ///
    /// # Errors
    ///
    /// As [`status`](Self::status).
    ///
    /// ```
    /// # use freebsd_jail::{Jail, sim};
    /// # fn main() -> freebsd_jail::Result<()> {
    /// # let kernel = sim::Kernel::new();
    /// # let _guard = kernel.install();
    /// # kernel.allow_exec(true);
    /// # let jail = Jail::builder().path("/").create()?;
    /// let output = jail.command("/bin/echo").arg("here").output()?;
    /// assert_eq!(output.stdout, b"here\n");
    /// # Ok(())
    /// # }
    /// ```
    pub fn output(&mut self) -> Result<Output> {
        let streams = Streams { stdin: Stdio::null(), stdout: Stdio::piped(), stderr: Stdio::piped() };
        self.start(streams)?.wait_with_output().map_err(|error| lost(&error))
    }

    /// Replaces this process by the program, in the jail. Returns only on failure.
    ///
    /// **The steps taken by then are not undone.** This process may be in the jail for good, in another directory and
    /// as another user, and should do little more than report the error and exit. Its directories stay open, so that
    /// any of them makes it fail at [`Stage::Attach`](crate::error::Stage::Attach), and its signal handlers stay until the
    /// program is executed. All its jail descriptors are close-on-exec then, whoever made them.
    ///
    /// As [`Jail::attach`], it waits while another thread forks for a program.
    ///
    /// If this process owns the jail, executing the program would remove the jail and end the program: this is refused
    /// with [`ErrorKind::Conflict`](crate::ErrorKind::Conflict) for an [`OwnedJail`](crate::OwnedJail) and its clones.
    /// Other handles of the jail, from [`Jail::open`], say, do not know of the owner. Before FreeBSD 15 the jail would
    /// stay for ever instead. [`create_detached`](crate::JailBuilder::create_detached) makes one for this purpose,
    /// or [`create_and_attach`](crate::JailBuilder::create_and_attach) one that is removed with its last process.
    ///
    /// ```no_run
    /// # use freebsd_jail::{Jail, sim};
    /// # fn main() -> freebsd_jail::Result<()> {
    /// # let kernel = sim::Kernel::new();
    /// # let _guard = kernel.install();
    /// # kernel.allow_exec(true);
    /// let jail = Jail::open("www")?;
    /// let error = jail.command("/bin/sh").exec();
    /// // Only if it has failed.
    /// eprintln!("{error}");
    /// # Ok(())
    /// # }
    /// ```
    pub fn exec(&mut self) -> Error {
        if self.jail.owns() {
            return Error::refused(
                ErrorKind::Conflict,
                "this process owns the jail, which would be removed, program and all, as soon as it executes one",
            );
        }
        let result = self.run(None, |command| -> io::Result<()> {
            // Held until the end: std takes a lock of its own after this one, as starting a program does.
            let _attaching = lock::attaching();
            Err(command.exec())
        });
        match result {
            Ok(_) => Error::refused(ErrorKind::Other, "exec returned without an error"),
            Err(error) => error,
        }
    }

    /// Starts the program, with these streams where none were set.
    fn start(&mut self, streams: Streams<Stdio>) -> Result<Child> {
        self.give(streams);
        self.start_child(None)
    }

    /// Starts a child that is held.
    pub(super) fn start_held(&mut self, gate: OwnedFd) -> Result<Child> {
        self.give(Streams { stdin: Stdio::inherit(), stdout: Stdio::inherit(), stderr: Stdio::inherit() });
        self.start_child(Some(gate))
    }

    fn start_child(&mut self, gate: Option<OwnedFd>) -> Result<Child> {
        let spawn = |command: &mut Command| lock::starting_until_forked(|| command.spawn());
        let (child, mut plan) = self.run(gate, spawn)?;
        plan.started(child.id());
        Ok(child)
    }

    fn give(&mut self, streams: Streams<Stdio>) {
        let (inner, given) = (&mut self.inner, &self.given);
        if !given.stdin {
            inner.stdin(streams.stdin);
        }
        if !given.stdout {
            inner.stdout(streams.stdout);
        }
        if !given.stderr {
            inner.stderr(streams.stderr);
        }
    }

    #[cfg(test)]
    #[allow(dead_code, reason = "of use on a model only")]
    pub(crate) fn as_std(&mut self) -> &mut Command {
        &mut self.inner
    }

    /// Keeps the mistake of a string that contains NUL, in whose place std's command has another one.
    pub(super) fn check_nul(&mut self, text: &OsStr, reason: &'static str) {
        if self.mistake.is_none() && text.as_bytes().contains(&0) {
            self.mistake = Some(nul(text, reason));
        }
    }

    /// Returns the first mistake in the program, its arguments and its environment.
    pub(super) fn check(&self) -> Result<()> {
        let mut variables = self.inner.get_envs();
        let wrong = variables.find(|(name, value)| {
            let value = value.unwrap_or_default();
            name.as_bytes().contains(&0) || value.as_bytes().contains(&0)
        });
        match (&self.mistake, wrong) {
            (Some(mistake), _) => Err(mistake.clone()),
            (None, Some((name, _))) => Err(nul(name, "a variable of the environment cannot contain NUL")),
            (None, None) => Ok(()),
        }
    }

    fn run<R>(
        &mut self,
        gate: Option<OwnedFd>,
        act: impl FnOnce(&mut Command) -> io::Result<R>,
    ) -> Result<(R, Plan)> {
        self.check()?;
        self.with_clean_env(|command| {
            let mut plan = command.wishes.plan(command.jail)?;
            plan.hold = gate.map(|gate| command.hold(gate)).transpose()?;
            plan.closures = mem::take(&mut command.wishes.closures);
            let inner = &mut command.inner;
            let result = command.hook.run(&mut plan, || act(inner));
            command.wishes.closures = mem::take(&mut plan.closures);
            let error = match result {
                Ok(result) => return Ok((result, plan)),
                Err(error) => failure(&error, &plan, command.jail).of_jail(command.jail.jid()),
            };
            Err(match error.stage() {
                Some(Stage::Exec) => error.of_program(Path::new(command.inner.get_program())),
                _ => error,
            })
        })
    }
}

impl fmt::Debug for JailCommand<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("JailCommand")
            .field("jail", &self.jail)
            .field("command", &self.inner)
            .field("wishes", &self.wishes)
            .finish_non_exhaustive()
    }
}
