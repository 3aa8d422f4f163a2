//! jail(2), which creates a jail and attaches to it: `kern_jail`.

use core::ffi::c_int;
use std::net::{Ipv4Addr, Ipv6Addr};

use crate::raw::{Errno, Pair};

use super::flags::{JAIL_ATTACH, JAIL_CREATE, MAX_AF_IPS, MAXHOSTNAMELEN, MAXPATHLEN};
use super::options::{Options, c_string};
use super::prison::HOST;
use super::process::Pid;
use super::state::State;

/// The argument of [jail(2)]: `struct jail` and `struct jail_v0`.
///
/// Strings are without their NUL, `None` where the pointer is NULL.
///
/// [jail(2)]: https://man.freebsd.org/cgi/man.cgi?query=jail&sektion=2
#[derive(Debug, Clone, Copy, Default)]
pub struct Legacy<'a> {
    /// `JAIL_API_VERSION`, 2, or 0 for the layout of FreeBSD 4.
    pub version: u32,
    /// The root directory.
    pub path: Option<&'a [u8]>,
    /// The host name.
    pub hostname: Option<&'a [u8]>,
    /// The jail's name, which version 0 lacks.
    pub jailname: Option<&'a [u8]>,
    /// The IPv4 addresses; version 0 has one, in host order.
    pub ip4: &'a [Ipv4Addr],
    /// The IPv6 addresses, which version 0 lacks.
    pub ip6: &'a [Ipv6Addr],
}

impl State {
    /// The system call.
    pub(super) fn sys_jail(&mut self, pid: Pid, jail: &Legacy<'_>) -> Result<c_int, Errno> {
        self.check_may_call(pid)?;
        let unspecified = [Ipv4Addr::UNSPECIFIED];
        let (ip4, ip6, jailname) = match jail.version {
            0 => (jail.ip4.get(..1).unwrap_or(&unspecified), Default::default(), None),
            2 => (jail.ip4, jail.ip6, jail.jailname),
            _ => return Err(Errno(libc::EINVAL)),
        };
        if ip4.len() > MAX_AF_IPS || ip6.len() > MAX_AF_IPS {
            return Err(Errno(libc::EINVAL));
        }
        let mut list = Vec::new();
        if self.prison_of(pid) == HOST {
            // On the host, sysctls set the permissions; in the model they have their defaults.
            for permission in self.permissions.iter() {
                let granted = !self.permissions.of_new_jail.and(permission.bit).is_empty();
                let name = if granted { &permission.name } else { &permission.noname };
                list.push((name.clone(), Vec::new()));
            }
            list.push(("enforce_statfs".to_owned(), 2_i32.to_ne_bytes().to_vec()));
        }
        list.push(("path".to_owned(), copied(jail.path, MAXPATHLEN)?));
        list.push(("host.hostname".to_owned(), copied(jail.hostname, MAXHOSTNAMELEN)?));
        if jailname.is_some() {
            list.push(("name".to_owned(), copied(jailname, MAXHOSTNAMELEN)?));
        }
        list.push(("ip4.addr".to_owned(), ip4.iter().flat_map(Ipv4Addr::octets).collect()));
        list.push(("ip6.addr".to_owned(), ip6.iter().flat_map(Ipv6Addr::octets).collect()));
        let how = JAIL_CREATE | JAIL_ATTACH;
        self.check_set_flags(pid, how)?;
        let (jid, _) = self.kern_jail_set(pid, &mut options(list)?, how)?;
        Ok(jid)
    }
}

/// A caller's string with its NUL.
fn copied(string: Option<&[u8]>, max: usize) -> Result<Vec<u8>, Errno> {
    let string = c_string(string.ok_or(Errno(libc::EFAULT))?);
    if string.len() < max { Ok([string, b"\0"].concat()) } else { Err(Errno(libc::ENAMETOOLONG)) }
}

/// A request that the kernel makes itself.
fn options(list: Vec<(String, Vec<u8>)>) -> Result<Options, Errno> {
    let mut list: Vec<_> = list.into_iter().map(|(name, value)| (name + "\0", value.len(), value)).collect();
    let pairs =
        list.iter_mut().map(|(name, len, value)| Pair { name: name.as_bytes(), value: Some(value), len });
    Options::build(&pairs.collect::<Vec<_>>())
}
