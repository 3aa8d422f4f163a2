//! jail(2), which FreeBSD keeps for programs from before 8.0.

use std::ffi::{CString, OsStr, OsString};
use std::net::{Ipv4Addr, Ipv6Addr};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use crate::error::{Call, Error, ErrorKind, Result, explain_own_attach};
use crate::jid::Jid;
use crate::sys::{Errno, System};

/// The arguments of [jail(2)], for [`raw::jail`](crate::raw::jail), which creates a jail and attaches the process to
/// it.
///
/// **The manual calls it deprecated.** The following does the same, with better errors:
///
/// ```no_run
/// # fn main() -> freebsd_jail::Result<()> {
/// use freebsd_jail::Jail;
/// use std::net::Ipv4Addr;
///
/// let www = Jail::builder().path("/usr/jail").hostname("www.example.org").ip4(Ipv4Addr::new(10, 0, 0, 22));
/// www.create_and_attach()?;
/// # Ok(())
/// # }
/// ```
///
/// There is one difference: on the host, a jail of jail(2) gets its permissions and `enforce_statfs` from sysctls such
/// as `security.jail.allow_raw_sockets`.
///
/// [jail(2)]: https://man.freebsd.org/cgi/man.cgi?query=jail&sektion=2
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[must_use = "nothing is created before `raw::jail`"]
pub struct LegacyJail {
    version: Version,
    path: PathBuf,
    hostname: OsString,
    name: Option<OsString>,
    ip4: Vec<Ipv4Addr>,
    ip6: Vec<Ipv6Addr>,
}

/// The layouts of the structure. 1 never was in a release.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Version {
    Zero,
    Two,
}

impl LegacyJail {
    /// Makes arguments of version 2 (`JAIL_API_VERSION`), without a name and addresses.
    ///
    /// ```
    /// # use freebsd_jail::{is_jailed, raw::{self, LegacyJail}, sim};
    /// # fn main() -> freebsd_jail::Result<()> {
    /// # let kernel = sim::Kernel::new();
    /// # let _guard = kernel.install();
    /// raw::jail(&LegacyJail::new("/usr/jail", "www.example.org"))?;
    /// assert!(is_jailed()?);
    /// # Ok(())
    /// # }
    /// ```
    pub fn new(path: impl AsRef<Path>, hostname: impl AsRef<OsStr>) -> Self {
        Self {
            version: Version::Two,
            path: path.as_ref().to_owned(),
            hostname: hostname.as_ref().to_owned(),
            name: None,
            ip4: Vec::new(),
            ip6: Vec::new(),
        }
    }

    /// Makes arguments of version 0, of FreeBSD 4, which has one IPv4 address and nothing else.
    ///
    /// ```
    /// # use freebsd_jail::{is_jailed, raw::{self, LegacyJail}, sim};
    /// # fn main() -> freebsd_jail::Result<()> {
    /// # let kernel = sim::Kernel::new();
    /// # let _guard = kernel.install();
    /// let old = LegacyJail::version_0("/usr/jail", "www.example.org", [10, 0, 0, 22].into());
    /// raw::jail(&old)?;
    /// assert!(is_jailed()?);
    /// # Ok(())
    /// # }
    /// ```
    pub fn version_0(path: impl AsRef<Path>, hostname: impl AsRef<OsStr>, address: Ipv4Addr) -> Self {
        Self { version: Version::Zero, ip4: vec![address], ..Self::new(path, hostname) }
    }

    /// Sets the name. Default: the jid.
    ///
    /// ```
    /// # use freebsd_jail::{Jail, is_jailed, param, raw::{self, LegacyJail}, sim};
    /// # fn main() -> freebsd_jail::Result<()> {
    /// # let kernel = sim::Kernel::new();
    /// # let _guard = kernel.install();
    /// # let host = kernel.process().fork();
    /// let jail = LegacyJail::new("/usr/jail", "www.example.org").name("www");
    /// let jid = raw::jail(&jail)?;
    /// assert!(is_jailed()?);
    /// # assert_eq!(host.run(|| Jail::open(jid)?.get(param::NAME))?, "www");
    /// # Ok(())
    /// # }
    /// ```
    pub fn name(mut self, name: impl AsRef<OsStr>) -> Self {
        self.name = Some(name.as_ref().to_owned());
        self
    }

    /// Sets the IPv4 addresses, of which the first is primary. Default: none.
    ///
    /// ```
    /// use std::net::Ipv4Addr;
    ///
    /// # use freebsd_jail::{Jail, is_jailed, param, raw::{self, LegacyJail}, sim};
    /// # fn main() -> freebsd_jail::Result<()> {
    /// # let kernel = sim::Kernel::new();
    /// # let _guard = kernel.install();
    /// # let host = kernel.process().fork();
    /// let jail = LegacyJail::new("/usr/jail", "www.example.org").ip4([Ipv4Addr::new(10, 0, 0, 22)]);
    /// let jid = raw::jail(&jail)?;
    /// assert!(is_jailed()?);
    /// # assert_eq!(host.run(|| Jail::open(jid)?.get(param::IP4_ADDR))?, [Ipv4Addr::new(10, 0, 0, 22)]);
    /// # Ok(())
    /// # }
    /// ```
    pub fn ip4(mut self, addresses: impl Into<Vec<Ipv4Addr>>) -> Self {
        self.ip4 = addresses.into();
        self
    }

    /// Sets the IPv6 addresses, of which the first is primary. Default: none.
    ///
    /// ```
    /// use std::net::Ipv6Addr;
    ///
    /// # use freebsd_jail::{Jail, is_jailed, param, raw::{self, LegacyJail}, sim};
    /// # fn main() -> freebsd_jail::Result<()> {
    /// # let kernel = sim::Kernel::new();
    /// # let _guard = kernel.install();
    /// # let host = kernel.process().fork();
    /// let jail = LegacyJail::new("/usr/jail", "www.example.org").ip6([Ipv6Addr::LOCALHOST]);
    /// let jid = raw::jail(&jail)?;
    /// assert!(is_jailed()?);
    /// # assert_eq!(host.run(|| Jail::open(jid)?.get(param::IP6_ADDR))?, [Ipv6Addr::LOCALHOST]);
    /// # Ok(())
    /// # }
    /// ```
    pub fn ip6(mut self, addresses: impl Into<Vec<Ipv6Addr>>) -> Self {
        self.ip6 = addresses.into();
        self
    }

    /// Makes the call. See [`raw::jail`](crate::raw::jail).
    pub(crate) fn create_and_attach(&self) -> Result<Jid> {
        let path = c_string(self.path.as_os_str(), "path")?;
        let hostname = c_string(&self.hostname, "host.hostname")?;
        let name = self.name.as_deref().map(|name| c_string(name, "name")).transpose()?;
        let system = System::current();
        let answer = match (self.version, self.ip4.as_slice()) {
            (Version::Two, ip4) => system.jail(&path, &hostname, name.as_deref(), ip4, &self.ip6),
            (Version::Zero, [address]) if name.is_none() && self.ip6.is_empty() => {
                system.jail_version_0(&path, &hostname, *address)
            }
            (Version::Zero, _) => {
                return Err(Error::refused(
                    ErrorKind::Conflict,
                    "version 0 of jail(2) has exactly one IPv4 address, no IPv6 address and no name",
                ));
            }
        };
        let jid = answer.map_err(|errno| self.error(errno))?;
        Jid::try_from(jid)
            .map_err(|error| error.with_kind(ErrorKind::InvalidAnswer).because("the kernel returned no jid"))
    }

    /// The kernel returns an errno and no message.
    fn error(&self, errno: Errno) -> Error {
        let os = |kind, reason| Error::os(Call::Jail, errno, kind, reason);
        match errno.0 {
            libc::ENOSYS => Error::no_jails(Call::Jail),
            libc::EPERM => {
                let reason = "creating a jail and attaching to it needs root";
                explain_own_attach(os(ErrorKind::PermissionDenied, reason))
            }
            libc::EINVAL => os(
                ErrorKind::InvalidValue,
                "more addresses than sysctl security.jail.jail_max_af_ips allows, a broadcast, unspecified or \
                 repeated one, or a number as the name",
            ),
            libc::EEXIST => os(ErrorKind::AlreadyExists, "a jail of that name exists").about("name"),
            libc::ENOENT if self.has_parent() => {
                os(ErrorKind::NotFound, "the path, or the parent in the name, does not exist")
            }
            libc::ENOENT | libc::ENOTDIR | libc::ELOOP | libc::EACCES => {
                os(ErrorKind::InvalidPath, "").about("path")
            }
            libc::ENAMETOOLONG => {
                os(ErrorKind::InvalidValue, "the path, the host name or the name is too long")
            }
            libc::EADDRINUSE => os(ErrorKind::AddressInUse, ""),
            libc::EAGAIN => os(ErrorKind::ResourceExhausted, "there are no more jail numbers"),
            libc::ENOMEM => os(ErrorKind::ResourceExhausted, ""),
            _ => os(ErrorKind::Other, ""),
        }
    }

    fn has_parent(&self) -> bool {
        self.name.as_deref().is_some_and(|name| name.as_bytes().contains(&b'.'))
    }
}

fn c_string(text: &OsStr, parameter: &str) -> Result<CString> {
    CString::new(text.as_bytes()).map_err(|_| {
        Error::refused(ErrorKind::InvalidValue, "a string cannot contain NUL")
            .about(parameter)
            .with_value(format_args!("{text:?}"))
    })
}
