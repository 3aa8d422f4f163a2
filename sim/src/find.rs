//! Finds the jail of a jail_set(2), or the place of a new one.

use core::ffi::c_int;

use crate::raw::Errno;

use super::flags::{JAIL_ATTACH, JAIL_CREATE, JAIL_DYING, JAIL_UPDATE, JAIL_USE_DESC, PrisonFlags};
use super::name;
use super::options::Options;
use super::prison::Key;
use super::request::Request;
use super::state::State;

/// What the search came to.
#[derive(Debug)]
pub(super) struct Found {
    /// The jail, none if a new one is to be made.
    pub(super) key: Option<Key>,
    /// The jail that the request is judged against, which is a new jail's parent.
    pub(super) parent: Key,
    /// The jid given, or that of the jail found by descriptor.
    pub(super) jid: c_int,
    /// The last component of the name given.
    pub(super) last_name: Option<Vec<u8>>,
    /// A dying jail that has the jid of the new one and must give it up.
    pub(super) dead: Option<Key>,
}

impl State {
    /// Finds the jail of a request, below `mine`.
    pub(super) fn find(
        &mut self,
        opts: &mut Options,
        request: &mut Request,
        mine: Key,
        desc: c_int,
        how: c_int,
    ) -> Result<Found, Errno> {
        let operation = how & (JAIL_CREATE | JAIL_UPDATE);
        let mut jid = request.jid;
        if let (JAIL_CREATE, 0, Some(name)) = (operation, jid, &request.name) {
            jid = name::jid_of_name(name);
        }
        if !self.prison(mine).is_alive() {
            return Err(Errno(libc::EAGAIN));
        }
        let mut found = Found { key: None, parent: mine, jid, last_name: None, dead: None };
        if how & JAIL_USE_DESC != 0 {
            self.find_by_descriptor(opts, desc, how, &mut found)?;
        } else if jid < 0 {
            return Err(opts.error(libc::EINVAL, "negative jid"));
        } else if jid != 0 && self.release.dying_keeps_jid {
            self.find_by_jid_before_15(opts, request, mine, how, &mut found)?;
        } else if jid != 0 {
            self.find_by_jid(opts, mine, operation, &mut found)?;
        }
        match request.name.clone() {
            Some(name) => self.find_by_name(opts, &name, mine, how, &mut found)?,
            None if operation == JAIL_UPDATE && found.key.is_none() => {
                return Err(opts.error(libc::ENOENT, "update specified no jail"));
            }
            None => {}
        }
        Ok(found)
    }

    /// The jail is the descriptor's, and the authority is that of the descriptor's maker.
    fn find_by_descriptor(
        &self,
        opts: &mut Options,
        desc: c_int,
        how: c_int,
        found: &mut Found,
    ) -> Result<(), Errno> {
        let (key, maker) = self.find_desc(opts, desc)?;
        if !self.is_privileged(self.processes.credential(maker)) {
            return Err(Errno(libc::EPERM));
        }
        let id = self.prison(key).id;
        if how & (JAIL_CREATE | JAIL_UPDATE) == JAIL_CREATE {
            return Err(opts.error(libc::EEXIST, format!("jail {id} already exists")));
        }
        if !self.prison(key).is_alive() {
            return Err(opts.error(libc::ENOENT, format!("jail {id} is dying")));
        }
        if found.jid != 0 && found.jid != id {
            return Err(opts.error(libc::EINVAL, "cannot change jid"));
        }
        found.jid = id;
        found.key = Some(key);
        Ok(())
    }

    /// Finds the jail by the jid. A dying jail loses its jid to a new one.
    ///
    /// T4: the jail is compared with the caller's jail, even if it is not a direct child.
    fn find_by_jid(
        &self,
        opts: &mut Options,
        mine: Key,
        operation: c_int,
        found: &mut Found,
    ) -> Result<(), Errno> {
        let jid = found.jid;
        match self.all.get(&jid) {
            Some(key) if self.prison(*key).is_alive() => found.key = Some(*key),
            dead => found.dead = dead.copied(),
        }
        if operation == JAIL_CREATE && found.key.is_some() {
            return Err(opts.error(libc::EEXIST, format!("jail {jid} already exists")));
        }
        let missing = match found.key {
            None => operation == JAIL_UPDATE,
            Some(key) => !self.is_below(mine, key),
        };
        if missing { Err(opts.error(libc::ENOENT, format!("jail {jid} not found"))) } else { Ok(()) }
    }

    /// The same before 15: the jail is compared with its parent, and a dying jail keeps its jid and can be revived.
    fn find_by_jid_before_15(
        &self,
        opts: &mut Options,
        request: &mut Request,
        mine: Key,
        how: c_int,
        found: &mut Found,
    ) -> Result<(), Errno> {
        let jid = found.jid;
        let operation = how & (JAIL_CREATE | JAIL_UPDATE);
        let Some(key) = self.all.get(&jid).copied() else {
            return match operation {
                JAIL_UPDATE => Err(opts.error(libc::ENOENT, format!("jail {jid} not found"))),
                _ => Ok(()),
            };
        };
        if operation == JAIL_CREATE {
            return Err(opts.error(libc::EEXIST, format!("jail {jid} already exists")));
        }
        if !self.is_below(mine, key) {
            return Err(opts.error(libc::ENOENT, format!("jail {jid} not found")));
        }
        found.parent = self.prison(key).parent.unwrap_or(mine);
        let dying = [found.parent, key].into_iter().find(|each| !self.prison(*each).is_alive());
        match dying {
            Some(each) if each == key && how & JAIL_DYING != 0 => {
                let revived = how & JAIL_ATTACH != 0 || request.flags.contains(PrisonFlags::PERSIST);
                if revived && request.name.is_none() {
                    // Another jail may have taken its name meanwhile, which setting it again will show.
                    request.name = Some(self.name_seen(mine, key));
                }
            }
            Some(each) => {
                let id = self.prison(each).id;
                return Err(opts.error(libc::ENOENT, format!("jail {id} is dying")));
            }
            None => {}
        }
        found.key = Some(key);
        Ok(())
    }

    /// The jail has the name; or, if a jail is found already or to be made, no other one has.
    fn find_by_name(
        &self,
        opts: &mut Options,
        name: &[u8],
        mine: Key,
        how: c_int,
        found: &mut Found,
    ) -> Result<(), Errno> {
        let quoted =
            |before: &str, name: &[u8], after: &str| [before.as_bytes(), name, after.as_bytes()].concat();
        let (prefix, last) = name::split(name);
        if let Some(prefix) = prefix {
            if found.key.is_some() {
                if self.prison(found.parent).name.as_bytes() != prefix {
                    return Err(opts.error(libc::EINVAL, "cannot change jail's parent"));
                }
            } else {
                let Some(parent) = self.find_name(mine, prefix) else {
                    return Err(opts.error(libc::ENOENT, quoted("jail \"", prefix, "\" not found")));
                };
                if !self.prison(parent).is_alive() {
                    return Err(opts.error(libc::ENOENT, quoted("jail \"", prefix, "\" is dying")));
                }
                found.parent = parent;
            }
        }
        found.last_name = Some(last.to_vec());
        if last.is_empty() {
            // T20: nothing is looked up, so an update makes a new jail.
            return Ok(());
        }
        let operation = how & (JAIL_CREATE | JAIL_UPDATE);
        let offset = self.prefix_len(found.parent);
        let mut dead = None;
        for child in &self.prison(found.parent).children {
            let prison = self.prison(*child);
            if Some(*child) == found.key || prison.name.at_offset(offset) != last {
                continue;
            }
            if !prison.is_alive() {
                dead = Some(*child);
                continue;
            }
            if operation == JAIL_CREATE || found.key.is_some() {
                return Err(opts.error(libc::EEXIST, quoted("jail \"", name, "\" already exists")));
            }
            found.key = Some(*child);
            break;
        }
        match dead.filter(|_| found.key.is_none() && operation != JAIL_CREATE && self.release.dying_keeps_jid)
        {
            Some(dead) if how & JAIL_DYING != 0 => found.key = Some(dead),
            Some(_) if operation == JAIL_UPDATE => {
                return Err(opts.error(libc::ENOENT, quoted("jail \"", name, "\" is dying")));
            }
            _ if operation == JAIL_UPDATE && found.key.is_none() => {
                return Err(opts.error(libc::ENOENT, quoted("jail \"", name, "\" not found")));
            }
            _ => {}
        }
        Ok(())
    }
}
