//! jail_get(2), from beginning to end: `kern_jail_get`.

use core::ffi::c_int;

use crate::raw::{Errno, Pair};

use super::descriptor::NewDescriptor;
use super::flags::{
    JAIL_ANY_DESC, JAIL_AT_DESC, JAIL_DYING, JAIL_GET_DESC, JAIL_OWN_DESC, JAIL_SYS_DISABLE,
    JAIL_SYS_INHERIT, JAIL_SYS_NEW, JAIL_USE_DESC,
};
use super::meta;
use super::options::{Options, c_string};
use super::prison::Key;
use super::process::Pid;
use super::request::{FLAG_BOOLS, FLAG_MODES};
use super::sprung::Effect;
use super::state::State;

/// The flags of jail_get(2) before 15: `JAIL_DYING`.
const GET_MASK_BEFORE_15: c_int = 0x08;
/// The flags of jail_get(2): `JAIL_GET_MASK`.
const GET_MASK: c_int = 0xf8;

impl State {
    /// The system call.
    pub(super) fn sys_jail_get(
        &mut self,
        pid: Pid,
        request: &mut [Pair<'_>],
        how: c_int,
    ) -> Result<c_int, Errno> {
        self.check_may_call(pid)?;
        let mask = if self.release.descriptors { GET_MASK } else { GET_MASK_BEFORE_15 };
        let both = JAIL_USE_DESC | JAIL_AT_DESC;
        if how & !mask != 0 || how & both == both {
            return Err(Errno(libc::EINVAL));
        }
        let mut opts = Options::build(request)?;
        let mut new = None;
        match self.kern_jail_get(pid, &mut opts, how, &mut new) {
            Ok(jid) => {
                if let Some(new) = new {
                    new.give();
                }
                opts.copy_out(request);
                Ok(jid)
            }
            Err(errno) => {
                if let Some(new) = new {
                    self.drop_descriptor(new);
                }
                opts.copy_out_message(request);
                Err(errno)
            }
        }
    }

    fn kern_jail_get(
        &mut self,
        pid: Pid,
        opts: &mut Options,
        how: c_int,
        new: &mut Option<NewDescriptor>,
    ) -> Result<c_int, Errno> {
        let mut mine = self.prison_of(pid);
        let mut key = None;
        if self.release.descriptors {
            match opts.int("desc")? {
                None if how & (JAIL_AT_DESC | JAIL_GET_DESC | JAIL_OWN_DESC) != 0 => {
                    return Err(opts.error(libc::ENOENT, "missing desc"));
                }
                None => {}
                Some(_) if how & JAIL_ANY_DESC == 0 => {
                    return Err(opts.error(libc::EINVAL, "unexpected desc"));
                }
                // T2: no new descriptor is made of a descriptor's jail, and the slot keeps the old one.
                Some(desc) if how & JAIL_USE_DESC != 0 => key = Some(self.find_used(opts, desc, how)?),
                Some(desc) => {
                    if how & JAIL_AT_DESC != 0 {
                        mine = self.find_at_desc(opts, desc)?;
                    }
                    if how & (JAIL_GET_DESC | JAIL_OWN_DESC) != 0 {
                        *new = Some(self.new_descriptor(pid, how & JAIL_OWN_DESC != 0)?);
                    }
                }
            }
        }
        let key = match key {
            Some(key) => key,
            None => self.find_by_key(opts, mine, how)?,
        };
        if let Some(new) = new {
            opts.set_int("desc", new.number())?;
            self.set_descriptor(new.id(), key);
        }
        if self.name_faults(mine, key, opts.has("name")) {
            self.spring(39, Effect::Panic);
        }
        self.answer(opts, mine, key)?;
        self.get_modules(opts, key)?;
        if self.release.meta {
            meta::clear_missing(opts);
        }
        opts.refuse_unknown()?;
        Ok(self.prison(key).id)
    }

    /// Finds the jail of a descriptor, a dying one only on request.
    fn find_used(&self, opts: &mut Options, desc: c_int, how: c_int) -> Result<Key, Errno> {
        let (key, _) = self.find_desc(opts, desc)?;
        let prison = self.prison(key);
        if !prison.is_alive() && how & JAIL_DYING == 0 {
            return Err(opts.error(libc::ENOENT, format!("jail {} is dying", prison.id)));
        }
        Ok(key)
    }

    /// Finds the jail by the first of `lastjid`, `jid` and `name` that is given.
    fn find_by_key(&self, opts: &mut Options, mine: Key, how: c_int) -> Result<Key, Errno> {
        let visible = |key: Key| self.prison(key).is_alive() || how & JAIL_DYING != 0;
        if let Some(last) = opts.int("lastjid")? {
            let mut later = self.all.iter().filter(|(jid, _)| **jid > last).map(|(_, key)| *key);
            return match later.find(|key| visible(*key) && self.is_below(mine, *key)) {
                Some(key) => Ok(key),
                None => Err(opts.error(libc::ENOENT, format!("no jail after {last}"))),
            };
        }
        if let Some(jid) = opts.int("jid")?.filter(|jid| *jid != 0) {
            return match self.find_child(mine, jid) {
                Some(key) if visible(key) => Ok(key),
                Some(_) => Err(opts.error(libc::ENOENT, format!("jail {jid} is dying"))),
                None => Err(opts.error(libc::ENOENT, format!("jail {jid} not found"))),
            };
        }
        if let Some(bytes) = opts.bytes("name") {
            if bytes.last() != Some(&0) {
                return Err(Errno(libc::EINVAL));
            }
            let name = c_string(bytes).to_vec();
            let because = match self.find_name(mine, &name) {
                Some(key) if visible(key) => return Ok(key),
                Some(_) => "is dying",
                None => "not found",
            };
            let text = [b"jail \"", name.as_slice(), b"\" ", because.as_bytes()].concat();
            return Err(opts.error(libc::ENOENT, text));
        }
        Err(opts.error(libc::ENOENT, "no jail specified"))
    }

    /// Fills in the kernel's own parameters, as the caller's jail sees them.
    fn answer(&self, opts: &mut Options, mine: Key, key: Key) -> Result<(), Errno> {
        let prison = self.prison(key);
        let parent =
            prison.parent.filter(|parent| *parent != mine).map_or(0, |parent| self.prison(parent).id);
        opts.set_int("jid", prison.id)?;
        opts.set_int("parent", parent)?;
        opts.set_string("name", &self.name_seen(mine, key))?;
        opts.set_int("cpuset.id", prison.cpuset)?;
        opts.set_string("path", path_seen(&self.prison(mine).path, &prison.path))?;
        opts.set_part("ip4.addr", prison.ip4.as_deref().unwrap_or_default().as_flattened())?;
        opts.set_part("ip6.addr", prison.ip6.as_deref().unwrap_or_default().as_flattened())?;
        opts.set_int("securelevel", prison.securelevel)?;
        opts.set_int("children.cur", prison.childcount)?;
        opts.set_int("children.max", prison.childmax)?;
        opts.set_string("host.hostname", &prison.hostname)?;
        opts.set_string("host.domainname", &prison.domainname)?;
        opts.set_string("host.hostuuid", &prison.hostuuid)?;
        opts.set("host.hostid", &prison.hostid.to_ne_bytes())?;
        opts.set_int("enforce_statfs", prison.enforce_statfs)?;
        opts.set_int("devfs_ruleset", prison.devfs_rsnum)?;
        for (name, noname, flag) in FLAG_BOOLS {
            answer_bool(opts, name, noname, prison.flags.contains(flag))?;
        }
        for (name, disable, new) in FLAG_MODES {
            let has = prison.flags & (disable | new);
            let mode = match has {
                has if !has.is_empty() && has == disable => JAIL_SYS_DISABLE,
                has if has == new => JAIL_SYS_NEW,
                _ => JAIL_SYS_INHERIT,
            };
            opts.set_int(name, mode)?;
        }
        for permission in self.permissions.iter() {
            let granted = !prison.allow.and(permission.bit).is_empty();
            answer_bool(opts, &permission.name, &permission.noname, granted)?;
        }
        answer_bool(opts, "dying", "nodying", !prison.is_alive())?;
        opts.set_int("osreldate", prison.osreldate)?;
        opts.set_string("osrelease", &prison.osrelease)
    }
}

fn answer_bool(opts: &mut Options, name: &str, noname: &str, value: bool) -> Result<(), Errno> {
    opts.set_int(name, c_int::from(value))?;
    opts.set_int(noname, c_int::from(!value))
}

/// The part of a path that a jail with another path sees: `prison_path`.
pub(super) fn path_seen<'a>(from: &[u8], path: &'a [u8]) -> &'a [u8] {
    if from == b"/" {
        return path;
    }
    match path.strip_prefix(from) {
        Some([]) => b"/",
        Some(rest @ [b'/', ..]) => rest,
        _ => path,
    }
}
