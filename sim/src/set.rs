//! jail_set(2), from beginning to end: `kern_jail_set`.

use core::ffi::c_int;

use crate::kevent::{NOTE_JAIL_CHILD, NOTE_JAIL_SET};
use crate::raw::{Errno, Pair};

use super::descriptor::NewDescriptor;
use super::flags::{
    JAIL_ANY_DESC, JAIL_AT_DESC, JAIL_ATTACH, JAIL_CREATE, JAIL_GET_DESC, JAIL_OWN_DESC, JAIL_UPDATE,
    JAIL_USE_DESC, LetGo,
};
use super::moment::Unbound;
use super::options::Options;
use super::prison::{Key, Life};
use super::process::Pid;
use super::sprung::Effect;
use super::state::State;

/// The flags of jail_set(2) before 15: up to `JAIL_DYING`.
const SET_MASK_BEFORE_15: c_int = 0x0f;
/// The flags of jail_set(2): `JAIL_SET_MASK`.
const SET_MASK: c_int = 0xff;

/// The jail below which to look, and the request's descriptors.
#[derive(Debug)]
struct Place {
    /// The jail below which jails are looked up and made.
    mine: Key,
    /// The descriptor given, -1 for none.
    desc: c_int,
    /// The new descriptor.
    new: Option<NewDescriptor>,
}

impl State {
    /// The system call.
    pub(super) fn sys_jail_set(
        &mut self,
        pid: Pid,
        request: &mut [Pair<'_>],
        how: c_int,
    ) -> Result<c_int, Errno> {
        self.check_may_call(pid)?;
        self.check_set_flags(pid, how)?;
        let mut opts = Options::build(request)?;
        match self.kern_jail_set(pid, &mut opts, how) {
            Ok((jid, new)) => {
                if let Some(new) = new {
                    give(new, &mut opts, request);
                }
                Ok(jid)
            }
            Err(errno) => {
                opts.copy_out_message(request);
                Err(errno)
            }
        }
    }

    /// Checks before the request is read.
    pub(super) fn check_set_flags(&self, pid: Pid, how: c_int) -> Result<(), Errno> {
        if self.release.privilege_first {
            self.check_privilege(pid)?;
        }
        let below_descriptor = self.release.descriptors && how & JAIL_AT_DESC != 0;
        if how & JAIL_CREATE != 0 && !below_descriptor && self.prison(self.prison_of(pid)).childmax == 0 {
            return Err(Errno(libc::EPERM));
        }
        let mask = if self.release.descriptors { SET_MASK } else { SET_MASK_BEFORE_15 };
        let both = JAIL_USE_DESC | JAIL_AT_DESC;
        if how & !mask != 0 || how & both == both {
            return Err(Errno(libc::EINVAL));
        }
        Ok(())
    }

    /// Carries out a request; also for jail(2), whose requests the kernel makes itself.
    pub(super) fn kern_jail_set(
        &mut self,
        pid: Pid,
        opts: &mut Options,
        how: c_int,
    ) -> Result<(c_int, Option<NewDescriptor>), Errno> {
        if how & (JAIL_CREATE | JAIL_UPDATE) == 0 {
            return Err(opts.error(libc::EINVAL, "no valid operation (create or update)"));
        }
        let mut place = self.place(pid, opts, how)?;
        match self.set_at(pid, opts, how, &place) {
            Ok(jid) => Ok((jid, place.new)),
            Err(errno) => {
                if let Some(new) = place.new.take() {
                    self.drop_descriptor(new);
                }
                Err(errno)
            }
        }
    }

    /// Reads the given descriptor and makes the requested one.
    fn place(&mut self, pid: Pid, opts: &mut Options, how: c_int) -> Result<Place, Errno> {
        let mut place = Place { mine: self.prison_of(pid), desc: -1, new: None };
        if !self.release.descriptors {
            return Ok(place);
        }
        match opts.int("desc")? {
            None if how & JAIL_ANY_DESC != 0 => {
                return Err(opts.error(libc::ENOENT, "missing desc"));
            }
            None => {}
            Some(_) if how & JAIL_ANY_DESC == 0 => {
                return Err(opts.error(libc::EINVAL, "unexpected desc"));
            }
            Some(desc) => {
                place.desc = desc;
                if how & JAIL_AT_DESC != 0 {
                    place.mine = self.find_at_desc(opts, desc)?;
                    if how & JAIL_CREATE != 0 && self.prison(place.mine).childmax == 0 {
                        return Err(Errno(libc::EPERM));
                    }
                }
                if how & (JAIL_GET_DESC | JAIL_OWN_DESC) != 0 {
                    place.new = Some(match self.early.take() {
                        Some(new) => new,
                        None => self.new_descriptor(pid, how & JAIL_OWN_DESC != 0)?,
                    });
                }
            }
        }
        Ok(place)
    }

    /// Finds or makes the jail and changes it. Releases it at the end in any case.
    fn set_at(&mut self, pid: Pid, opts: &mut Options, how: c_int, place: &Place) -> Result<c_int, Errno> {
        if how & JAIL_USE_DESC == 0 {
            self.check_privilege(pid)?;
        }
        let mut request = self.read_request(pid, opts, how)?;
        let mut found = self.find(opts, &mut request, place.mine, place.desc, how)?;
        let root = match &request.path {
            Some(path) => path.clone(),
            None => self.prison(place.mine).root.clone(),
        };
        let created = found.key.is_none();
        let key = match found.key {
            Some(key) => {
                self.hold(key);
                key
            }
            None => self.create(opts, &mut request, place.mine, &mut found)?,
        };
        let mut let_go = LetGo::DEREF;
        let mut changing = false;
        let outcome = (|| {
            if !created {
                self.check_existing(opts, &request, key)?;
            }
            let naming = self.check(pid, opts, &mut request, &found, key)?;
            self.check_modules(opts, key)?;
            opts.refuse_unknown()?;
            changing = true;
            // A revived jail is treated as a new one.
            let born = created || (self.release.dying_keeps_jid && !self.prison(key).is_alive());
            self.apply(&request, found.parent, root, naming.as_ref(), key, &mut let_go);
            if born {
                let_go.insert(LetGo::KILL);
            }
            if self.racct && created {
                let name = self.prison(key).name.as_bytes().to_vec();
                self.prison_mut(key).racct_name = name;
            }
            if born {
                self.create_modules(opts, key)?;
            }
            self.set_modules(opts, key)?;
            if born {
                self.knote(found.parent, NOTE_JAIL_CHILD, found.jid);
                self.prison_mut(key).life = Life::Alive;
            }
            if how & JAIL_ATTACH != 0 {
                self.do_jail_attach(pid, key).map_err(|Errno(errno)| opts.error(errno, "attach failed"))?;
            }
            if self.racct && !created {
                self.modify_racct(key);
            }
            if let Some(new) = &place.new {
                if self.racct && !created {
                    // T46: all locks are released before the descriptor is bound.
                    self.hold(key);
                    self.unbound = Some(Unbound { descriptor: new.id(), key });
                } else {
                    self.set_descriptor(new.id(), key);
                }
            }
            let_go.remove(LetGo::KILL);
            Ok(self.prison(key).id)
        })();
        if changing && !created {
            // Reported even if the call fails, since something may have changed.
            self.knote(key, NOTE_JAIL_SET, 0);
        }
        self.let_go(key, let_go);
        outcome
    }
}

impl State {
    /// Moves the account to the jail's new name, if it has one: `prison_racct_modify`.
    ///
    /// T40: the pointer to the account, which processes of the jail and of the jails below follow, is cleared
    /// meanwhile. T53: the accounts of the jails below keep their names until each jail is changed itself.
    fn modify_racct(&mut self, key: Key) {
        let name = self.prison(key).name.as_bytes().to_vec();
        if self.prison(key).racct_name == name {
            return;
        }
        self.prison_mut(key).racct_name = name;
        if self.has_processes(key) {
            self.spring(40, Effect::Panic);
        }
    }
}

/// Writes the number of the new descriptor into the caller's slot, if there is one.
fn give(new: NewDescriptor, opts: &mut Options, request: &mut [Pair<'_>]) {
    let pair = opts.position("desc").and_then(|pos| request.get_mut(pos));
    let Some(slot) = pair.and_then(|pair| pair.value.as_deref_mut()) else {
        return;
    };
    if let Some(slot) = slot.get_mut(..size_of::<c_int>()) {
        slot.copy_from_slice(&new.give().to_ne_bytes());
    }
}
