//! What std's command has, too: arguments, environment and streams.

use std::ffi::OsStr;
use std::os::unix::process::CommandExt as _;
use std::process::{CommandArgs, CommandEnvs, Stdio};

use super::JailCommand;

/// Why an argument is refused.
const ARGUMENT: &str = "an argument cannot contain NUL";

/// # Arguments, environment and streams
impl JailCommand<'_> {
    /// Adds an argument.
    ///
    /// ```
    /// # use freebsd_jail::{Jail, sim};
    /// # fn main() -> freebsd_jail::Result<()> {
    /// # let kernel = sim::Kernel::new();
    /// # let _guard = kernel.install();
    /// # kernel.allow_exec(true);
    /// # let jail = Jail::builder().path("/").create()?;
    /// let output = jail.command("/bin/echo").arg("one").arg("two words").output()?;
    /// assert_eq!(output.stdout, b"one two words\n");
    /// # Ok(())
    /// # }
    /// ```
    pub fn arg(&mut self, arg: impl AsRef<OsStr>) -> &mut Self {
        self.check_nul(arg.as_ref(), ARGUMENT);
        self.inner.arg(arg);
        self
    }

    /// Adds arguments.
    ///
    /// ```
    /// # use freebsd_jail::{Jail, sim};
    /// # fn main() -> freebsd_jail::Result<()> {
    /// # let kernel = sim::Kernel::new();
    /// # let _guard = kernel.install();
    /// # kernel.allow_exec(true);
    /// # let jail = Jail::builder().path("/").create()?;
    /// let output = jail.command("/bin/echo").args(["one", "two"]).output()?;
    /// assert_eq!(output.stdout, b"one two\n");
    /// # Ok(())
    /// # }
    /// ```
    pub fn args(&mut self, args: impl IntoIterator<Item = impl AsRef<OsStr>>) -> &mut Self {
        for arg in args {
            self.arg(arg);
        }
        self
    }

    /// Sets `argv[0]`. Default: the program as given.
    ///
    /// ```
    /// # use freebsd_jail::{Jail, sim};
    /// # fn main() -> freebsd_jail::Result<()> {
    /// # let kernel = sim::Kernel::new();
    /// # let _guard = kernel.install();
    /// # kernel.allow_exec(true);
    /// # let jail = Jail::builder().path("/").create()?;
    /// let output = jail.command("/bin/sh").arg0("login").args(["-c", "echo $0"]).output()?;
    /// assert_eq!(output.stdout, b"login\n");
    /// # Ok(())
    /// # }
    /// ```
    pub fn arg0(&mut self, arg: impl AsRef<OsStr>) -> &mut Self {
        self.check_nul(arg.as_ref(), ARGUMENT);
        self.inner.arg0(&arg);
        self.arg0 = Some(arg.as_ref().to_owned());
        self
    }

    /// Sets a variable of the environment.
    ///
    /// ```
    /// # use freebsd_jail::{Jail, sim};
    /// # fn main() -> freebsd_jail::Result<()> {
    /// # let kernel = sim::Kernel::new();
    /// # let _guard = kernel.install();
    /// # kernel.allow_exec(true);
    /// # let jail = Jail::builder().path("/").create()?;
    /// let output = jail.command("/bin/sh").args(["-c", "echo $LANG"]).env("LANG", "C").output()?;
    /// assert_eq!(output.stdout, b"C\n");
    /// # Ok(())
    /// # }
    /// ```
    pub fn env(&mut self, key: impl AsRef<OsStr>, value: impl AsRef<OsStr>) -> &mut Self {
        self.inner.env(key, value);
        self
    }

    /// Sets variables of the environment.
    ///
    /// ```
    /// # use freebsd_jail::{Jail, sim};
    /// # fn main() -> freebsd_jail::Result<()> {
    /// # let kernel = sim::Kernel::new();
    /// # let _guard = kernel.install();
    /// # kernel.allow_exec(true);
    /// # let jail = Jail::builder().path("/").create()?;
    /// let output = jail.command("/bin/sh").args(["-c", "echo $A$B"]).envs([("A", "1"), ("B", "2")]).output()?;
    /// assert_eq!(output.stdout, b"12\n");
    /// # Ok(())
    /// # }
    /// ```
    pub fn envs(
        &mut self,
        variables: impl IntoIterator<Item = (impl AsRef<OsStr>, impl AsRef<OsStr>)>,
    ) -> &mut Self {
        self.inner.envs(variables);
        self
    }

    /// Removes a variable from the environment.
    ///
    /// ```
    /// # use freebsd_jail::{Jail, sim};
    /// # fn main() -> freebsd_jail::Result<()> {
    /// # let kernel = sim::Kernel::new();
    /// # let _guard = kernel.install();
    /// # kernel.allow_exec(true);
    /// # let jail = Jail::builder().path("/").create()?;
    /// let output = jail.command("/bin/sh").args(["-c", "echo $HOME"]).env_remove("HOME").output()?;
    /// assert_eq!(output.stdout, b"\n");
    /// # Ok(())
    /// # }
    /// ```
    pub fn env_remove(&mut self, key: impl AsRef<OsStr>) -> &mut Self {
        self.inner.env_remove(key);
        self
    }

    /// Removes all variables of this process's environment.
    ///
    /// ```
    /// # use freebsd_jail::{Jail, sim};
    /// # fn main() -> freebsd_jail::Result<()> {
    /// # let kernel = sim::Kernel::new();
    /// # let _guard = kernel.install();
    /// # kernel.allow_exec(true);
    /// # let jail = Jail::builder().path("/").create()?;
    /// let output = jail.command("/usr/bin/env").env_clear().env("A", "1").output()?;
    /// assert_eq!(output.stdout, b"A=1\n");
    /// # Ok(())
    /// # }
    /// ```
    pub fn env_clear(&mut self) -> &mut Self {
        self.inner.env_clear();
        self.cleared = true;
        self.clean = false;
        self
    }

    /// Sets the standard input. With a directory the program cannot attach to the jail.
    ///
    /// ```
    /// use std::process::Stdio;
    ///
    /// # use freebsd_jail::{Jail, sim};
    /// # fn main() -> freebsd_jail::Result<()> {
    /// # let kernel = sim::Kernel::new();
    /// # let _guard = kernel.install();
    /// # kernel.allow_exec(true);
    /// # let jail = Jail::builder().path("/").create()?;
    /// let mut child = jail.command("/bin/cat").stdin(Stdio::piped()).spawn()?;
    /// drop(child.stdin.take());
    /// assert!(child.wait().unwrap().success());
    /// # Ok(())
    /// # }
    /// ```
    pub fn stdin(&mut self, stdin: impl Into<Stdio>) -> &mut Self {
        self.inner.stdin(stdin);
        self.given.stdin = true;
        self
    }

    /// Sets the standard output.
    ///
    /// ```
    /// use std::process::Stdio;
    ///
    /// # use freebsd_jail::{Jail, sim};
    /// # fn main() -> freebsd_jail::Result<()> {
    /// # let kernel = sim::Kernel::new();
    /// # let _guard = kernel.install();
    /// # kernel.allow_exec(true);
    /// # let jail = Jail::builder().path("/").create()?;
    /// let child = jail.command("/bin/echo").arg("out").stdout(Stdio::piped()).spawn()?;
    /// assert_eq!(child.wait_with_output().unwrap().stdout, b"out\n");
    /// # Ok(())
    /// # }
    /// ```
    pub fn stdout(&mut self, stdout: impl Into<Stdio>) -> &mut Self {
        self.inner.stdout(stdout);
        self.given.stdout = true;
        self
    }

    /// Sets the standard error.
    ///
    /// ```
    /// use std::process::Stdio;
    ///
    /// # use freebsd_jail::{Jail, sim};
    /// # fn main() -> freebsd_jail::Result<()> {
    /// # let kernel = sim::Kernel::new();
    /// # let _guard = kernel.install();
    /// # kernel.allow_exec(true);
    /// # let jail = Jail::builder().path("/").create()?;
    /// let status = jail.command("/bin/sh").args(["-c", "echo lost >&2"]).stderr(Stdio::null()).status()?;
    /// assert!(status.success());
    /// # Ok(())
    /// # }
    /// ```
    pub fn stderr(&mut self, stderr: impl Into<Stdio>) -> &mut Self {
        self.inner.stderr(stderr);
        self.given.stderr = true;
        self
    }

    /// Returns the program.
    ///
    /// ```
    /// # use freebsd_jail::{Jail, sim};
    /// # fn main() -> freebsd_jail::Result<()> {
    /// # let kernel = sim::Kernel::new();
    /// # let _guard = kernel.install();
    /// # kernel.allow_exec(true);
    /// # let jail = Jail::builder().path("/").create()?;
    /// assert_eq!(jail.command("/bin/sh").get_program(), "/bin/sh");
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn get_program(&self) -> &OsStr {
        self.inner.get_program()
    }

    /// Returns the arguments.
    ///
    /// ```
    /// # use freebsd_jail::{Jail, sim};
    /// # fn main() -> freebsd_jail::Result<()> {
    /// # let kernel = sim::Kernel::new();
    /// # let _guard = kernel.install();
    /// # kernel.allow_exec(true);
    /// # let jail = Jail::builder().path("/").create()?;
    /// let mut command = jail.command("/bin/echo");
    /// command.args(["one", "two"]);
    /// assert!(command.get_args().eq(["one", "two"]));
    /// # Ok(())
    /// # }
    /// ```
    pub fn get_args(&self) -> CommandArgs<'_> {
        self.inner.get_args()
    }

    /// Returns the variables that were set and removed.
    ///
    /// ```
    /// # use freebsd_jail::{Jail, sim};
    /// # fn main() -> freebsd_jail::Result<()> {
    /// # let kernel = sim::Kernel::new();
    /// # let _guard = kernel.install();
    /// # kernel.allow_exec(true);
    /// # let jail = Jail::builder().path("/").create()?;
    /// let mut command = jail.command("/usr/bin/env");
    /// command.env("A", "1").env_remove("B");
    /// assert_eq!(command.get_envs().count(), 2);
    /// # Ok(())
    /// # }
    /// ```
    pub fn get_envs(&self) -> CommandEnvs<'_> {
        self.inner.get_envs()
    }
}
