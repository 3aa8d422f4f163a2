//! The request of a jail_set(2), read from its options and checked as far as possible without the jail.
//!
//! The order is that of `kern_jail_set`: it decides which of two errors a caller gets.

use core::ffi::{c_int, c_ulong};

use crate::raw::Errno;

use super::address::{Address, Ip4, Ip6, sorted};
use super::files::Kind;
use super::flags::{
    HOSTUUIDLEN, JAIL_ATTACH, JAIL_CREATE, JAIL_SYS_DISABLE, JAIL_SYS_INHERIT, JAIL_SYS_NEW, JAIL_UPDATE,
    MAX_AF_IPS, MAXHOSTNAMELEN, OSRELEASELEN, PrisonFlags,
};
use super::options::{Options, c_string};
use super::permission::Allow;
use super::process::Pid;
use super::state::State;

/// The booleans that are flags of a prison: `pr_flag_bool`.
pub(super) const FLAG_BOOLS: [(&str, &str, PrisonFlags); 3] = [
    ("persist", "nopersist", PrisonFlags::PERSIST),
    ("ip4.saddrsel", "ip4.nosaddrsel", PrisonFlags::IP4_SADDRSEL),
    ("ip6.saddrsel", "ip6.nosaddrsel", PrisonFlags::IP6_SADDRSEL),
];

/// The modes that are flags of a prison, with the flag of a mode that can be disabled: `pr_flag_jailsys`.
pub(super) const FLAG_MODES: [(&str, PrisonFlags, PrisonFlags); 4] = [
    ("host", PrisonFlags::empty(), PrisonFlags::HOST),
    ("vnet", PrisonFlags::empty(), PrisonFlags::VNET),
    ("ip4", PrisonFlags::IP4_USER, PrisonFlags::IP4_USER),
    ("ip6", PrisonFlags::IP6_USER, PrisonFlags::IP6_USER),
];

/// A request, without the parameters that modules read themselves.
#[derive(Debug)]
pub(super) struct Request {
    pub(super) jid: c_int,
    pub(super) securelevel: Option<c_int>,
    pub(super) childmax: Option<c_int>,
    pub(super) enforce_statfs: Option<c_int>,
    pub(super) devfs_rsnum: Option<c_int>,
    /// Flags to be set.
    pub(super) flags: PrisonFlags,
    /// Flags to change.
    pub(super) changed: PrisonFlags,
    /// Permissions to be granted.
    pub(super) allow: Allow,
    /// Permissions to change.
    pub(super) allow_changed: Allow,
    pub(super) name: Option<Vec<u8>>,
    pub(super) hostname: Option<Vec<u8>>,
    pub(super) domainname: Option<Vec<u8>>,
    pub(super) hostuuid: Option<Vec<u8>>,
    pub(super) hostid: Option<c_ulong>,
    /// The addresses. An empty list differs from a missing one only by `flags`.
    pub(super) ip4: Option<Vec<Ip4>>,
    pub(super) ip6: Option<Vec<Ip6>>,
    pub(super) osrelease: Option<Vec<u8>>,
    pub(super) osreldate: Option<c_int>,
    /// The root directory, as the host names it.
    pub(super) path: Option<Vec<u8>>,
}

impl State {
    /// Reads and checks a request.
    pub(super) fn read_request(&self, pid: Pid, opts: &mut Options, how: c_int) -> Result<Request, Errno> {
        let update = how & JAIL_UPDATE != 0;
        let jid = opts.int("jid")?.unwrap_or(0);
        let securelevel = opts.int("securelevel")?;
        let childmax = opts.int("children.max")?;
        let enforce_statfs = opts.int("enforce_statfs")?;
        if enforce_statfs.is_some_and(|value| !(0..=2).contains(&value)) {
            return Err(Errno(libc::EINVAL));
        }
        let devfs_rsnum = opts.int("devfs_ruleset")?;
        let (mut flags, mut changed) = read_flags(opts)?;
        if how & (JAIL_CREATE | JAIL_ATTACH) == JAIL_CREATE && !flags.contains(PrisonFlags::PERSIST) {
            return Err(opts.error(libc::EINVAL, "new jail must persist or attach"));
        }
        for (name, flag) in
            [("vnet", PrisonFlags::VNET), ("ip4", PrisonFlags::IP4_USER), ("ip6", PrisonFlags::IP6_USER)]
        {
            if update && changed.contains(flag) {
                return Err(fixed(opts, name));
            }
        }
        let (allow, allow_changed) = self.read_permissions(opts);
        let name = read_string(opts, "name", MAXHOSTNAMELEN)?;
        let hostname = read_string(opts, "host.hostname", MAXHOSTNAMELEN)?;
        let domainname = read_string(opts, "host.domainname", MAXHOSTNAMELEN)?;
        let hostuuid = read_string(opts, "host.hostuuid", HOSTUUIDLEN)?;
        let hostid = opts.ulong("host.hostid")?;
        if hostname.is_some() || domainname.is_some() || hostuuid.is_some() || hostid.is_some() {
            flags.insert(PrisonFlags::HOST);
            changed.insert(PrisonFlags::HOST);
        }
        let ip4 =
            read_addresses::<Ip4>(opts, "ip4.addr", "too many IPv4 addresses", &mut flags, &mut changed)?;
        let ip6 =
            read_addresses::<Ip6>(opts, "ip6.addr", "too many IPv6 addresses", &mut flags, &mut changed)?;
        let restricted = changed.intersects(PrisonFlags::IP4_USER | PrisonFlags::IP6_USER);
        if changed.contains(PrisonFlags::VNET) && restricted {
            return Err(opts.error(libc::EINVAL, "vnet jails cannot have IP address restrictions"));
        }
        let osrelease = read_osrelease(opts, update)?;
        let osreldate = opts.int("osreldate")?;
        if osreldate.is_some() && update {
            return Err(fixed(opts, "osreldate"));
        }
        if osreldate == Some(0) {
            return Err(opts.error(libc::EINVAL, "osreldate cannot be 0"));
        }
        let path = self.read_path(pid, opts, update)?;
        Ok(Request {
            jid,
            securelevel,
            childmax,
            enforce_statfs,
            devfs_rsnum,
            flags,
            changed,
            allow,
            allow_changed,
            name,
            hostname,
            domainname,
            hostuuid,
            hostid,
            ip4,
            ip6,
            osrelease,
            osreldate,
            path,
        })
    }

    /// Reads the permissions: the name alone counts, whatever the value.
    fn read_permissions(&self, opts: &mut Options) -> (Allow, Allow) {
        let (mut granted, mut changed) = (Allow::NONE, Allow::NONE);
        for permission in self.permissions.iter() {
            if opts.flag(&permission.name) {
                granted = granted.with(permission.bit);
            }
            if opts.flag(&permission.noname) {
                changed = changed.with(permission.bit);
            }
        }
        (granted, changed.with(granted))
    }

    /// Reads the path and finds the directory, relative to the caller's root and directory.
    fn read_path(&self, pid: Pid, opts: &mut Options, update: bool) -> Result<Option<Vec<u8>>, Errno> {
        let Some(bytes) = opts.bytes("path") else {
            return Ok(None);
        };
        let path = terminated(bytes).map(<[u8]>::to_vec);
        if update {
            return Err(fixed(opts, "path"));
        }
        let process = self.processes.get(pid);
        match self.files.look_up(&process.root, &process.cwd, &path?)? {
            (path, Kind::Directory) => Ok(Some(path)),
            (_, Kind::File) => Err(Errno(libc::ENOTDIR)),
        }
    }
}

/// Refuses to change a parameter that is fixed at creation.
fn fixed(opts: &mut Options, name: &str) -> Errno {
    opts.error(libc::EINVAL, format!("{name} cannot be changed after creation"))
}

/// Reads the booleans and modes that are flags.
fn read_flags(opts: &mut Options) -> Result<(PrisonFlags, PrisonFlags), Errno> {
    let (mut flags, mut changed) = (PrisonFlags::empty(), PrisonFlags::empty());
    for (name, noname, flag) in FLAG_BOOLS {
        if opts.flag(name) {
            flags.insert(flag);
        }
        if opts.flag(noname) {
            changed.insert(flag);
        }
    }
    changed.insert(flags);
    for (name, disable, new) in FLAG_MODES {
        match opts.int(name)? {
            None => continue,
            Some(JAIL_SYS_DISABLE) if !disable.is_empty() => flags.insert(disable),
            Some(JAIL_SYS_NEW) => flags.insert(new),
            Some(JAIL_SYS_INHERIT) => {}
            Some(_) => return Err(Errno(libc::EINVAL)),
        }
        changed.insert(disable | new);
    }
    Ok((flags, changed))
}

/// A value's bytes up to its NUL, which must be its last byte.
fn terminated(bytes: &[u8]) -> Result<&[u8], Errno> {
    if bytes.last() == Some(&0) { Ok(c_string(bytes)) } else { Err(Errno(libc::EINVAL)) }
}

/// Reads a string of no more than so many bytes, its NUL included.
fn read_string(opts: &mut Options, name: &str, max: usize) -> Result<Option<Vec<u8>>, Errno> {
    let Some(bytes) = opts.bytes(name) else {
        return Ok(None);
    };
    let string = terminated(bytes)?;
    if bytes.len() > max { Err(Errno(libc::ENAMETOOLONG)) } else { Ok(Some(string.to_vec())) }
}

/// Reads an address list, which gives the jail its own list, even if it is empty.
fn read_addresses<T: Address>(
    opts: &mut Options,
    name: &str,
    too_many: &str,
    flags: &mut PrisonFlags,
    changed: &mut PrisonFlags,
) -> Result<Option<Vec<T>>, Errno> {
    let Some(bytes) = opts.bytes(name) else {
        return Ok(None);
    };
    if bytes.len() % size_of::<T>() != 0 {
        return Err(Errno(libc::EINVAL));
    }
    flags.insert(T::USER);
    changed.insert(T::USER);
    let list = T::read(bytes);
    if list.is_empty() {
        return Ok(None);
    }
    if list.len() > MAX_AF_IPS {
        return Err(opts.error(libc::EINVAL, too_many));
    }
    sorted(list).map(Some).ok_or(Errno(libc::EINVAL))
}

fn read_osrelease(opts: &mut Options, update: bool) -> Result<Option<Vec<u8>>, Errno> {
    let Some(bytes) = opts.bytes("osrelease") else {
        return Ok(None);
    };
    let len = bytes.len();
    let string = terminated(bytes).map(<[u8]>::to_vec);
    if update {
        return Err(fixed(opts, "osrelease"));
    }
    let string = string?;
    if len >= OSRELEASELEN {
        let text = format!("osrelease string must be 1-{} bytes long", OSRELEASELEN - 1);
        return Err(opts.error(libc::ENAMETOOLONG, text));
    }
    Ok(Some(string))
}
