//! Jail descriptors: `sys/kern/kern_jaildesc.c`.
//!
//! A modelled descriptor is a real one, of which the model keeps the [other end](super::end). So close, dup, fork and
//! passing it on are the host's own. The model notices the last close at its end, and closes its end when the jail
//! dies, which poll(2) on the descriptor reports as `POLLHUP`.

use core::ffi::c_int;
use std::collections::BTreeMap;
use std::os::fd::{AsFd, AsRawFd, IntoRawFd, OwnedFd};

use super::end::End;
use super::errno::{ENOTCAPABLE, Errno};
use super::flags::LetGo;
use super::host::{self, Identity};
use super::options::Options;
use super::prison::{Key, Life};
use super::process::{CredentialId, Pid};
use super::sprung::Effect;
use super::state::State;

/// The id of a descriptor.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct DescriptorId(u64);

/// A descriptor: `struct jaildesc` and its file.
#[derive(Debug)]
struct Descriptor {
    identity: Identity,
    /// The model's end, dropped when the jail dies.
    end: Option<End>,
    /// The jail, none once it has started to die.
    prison: Option<Key>,
    /// Whether closing it removes the jail.
    owning: bool,
    /// Who made it.
    maker: CredentialId,
    /// Whether its rights have been limited to none.
    limited: bool,
    /// Whether it counts as closed although copies are open: their processes have been killed.
    closed: bool,
}

/// All descriptors.
#[derive(Debug, Default)]
pub(super) struct Descriptors {
    open: BTreeMap<DescriptorId, Descriptor>,
    by_identity: BTreeMap<Identity, DescriptorId>,
    next: u64,
}

/// A descriptor made during a call and not yet returned.
#[derive(Debug)]
pub(super) struct NewDescriptor {
    id: DescriptorId,
    file: OwnedFd,
}

impl NewDescriptor {
    /// Its id.
    pub(super) fn id(&self) -> DescriptorId {
        self.id
    }

    /// The number that the caller will get.
    pub(super) fn number(&self) -> c_int {
        self.file.as_raw_fd()
    }

    /// Leaves it open, for the caller to close.
    pub(super) fn give(self) -> c_int {
        self.file.into_raw_fd()
    }
}

impl Descriptors {
    /// Returns the descriptor of a number, if it is one of the model's.
    fn find(&self, number: c_int) -> Result<Option<(DescriptorId, &Descriptor)>, Errno> {
        let id = self.by_identity.get(&host::file(number)?);
        match id.and_then(|id| Some((*id, self.open.get(id)?))) {
            Some((_, descriptor)) if descriptor.closed => Err(Errno(libc::EBADF)),
            found => Ok(found),
        }
    }

    /// Returns the descriptor of a number, and its jail unless that has started to die.
    pub(super) fn find_jail(&self, number: c_int) -> Result<Option<(DescriptorId, Option<Key>)>, Errno> {
        Ok(self.find(number)?.map(|(id, descriptor)| (id, descriptor.prison)))
    }

    /// Refuses a descriptor without rights, with which only jail calls work (T55).
    pub(super) fn check_rights(&self, number: c_int) -> Result<(), Errno> {
        match self.find(number)? {
            Some((_, descriptor)) if descriptor.limited => Err(Errno(ENOTCAPABLE)),
            _ => Ok(()),
        }
    }

    /// Takes all rights from a descriptor and its copies.
    pub(super) fn limit(&mut self, number: c_int) -> Result<(), Errno> {
        let (id, _) = self.find(number)?.ok_or(Errno(libc::EINVAL))?;
        if let Some(descriptor) = self.open.get_mut(&id) {
            descriptor.limited = true;
        }
        Ok(())
    }

    /// Removes the dying jail from a descriptor. Returns whether it had one.
    pub(super) fn detach(&mut self, id: DescriptorId) -> Option<CredentialId> {
        let descriptor = self.open.get_mut(&id)?;
        descriptor.end = None;
        descriptor.prison.take()?;
        Some(descriptor.maker)
    }
}

impl State {
    /// Closes those descriptors of which every copy has been closed.
    pub(super) fn sweep(&mut self) {
        let all = self.descriptors.open.iter();
        let closed = all.filter(|(_, each)| each.end.as_ref().is_some_and(End::hung_up)).map(|(id, _)| *id);
        for id in closed.collect::<Vec<_>>() {
            self.close_descriptor(id);
        }
    }

    /// Finds the jail of a descriptor and the credential of its maker: `jaildesc_find`.
    pub(super) fn find_descriptor(&self, number: c_int) -> Result<(Key, CredentialId), Errno> {
        let (_, descriptor) = self.descriptors.find(number)?.ok_or(Errno(libc::EINVAL))?;
        let valid = |key: &Key| self.prison(*key).life != Life::Invalid && self.prison(*key).refs > 0;
        match descriptor.prison.filter(valid) {
            Some(key) => Ok((key, descriptor.maker)),
            None => Err(Errno(libc::ENOENT)),
        }
    }

    /// Finds the jail of a descriptor for a call with an `errmsg`.
    pub(super) fn find_desc(&self, opts: &mut Options, number: c_int) -> Result<(Key, CredentialId), Errno> {
        self.find_descriptor(number).map_err(|errno| match errno {
            Errno(libc::ENOENT) => opts.error(libc::ENOENT, "descriptor to dead jail"),
            Errno(errno) => opts.error(errno, "not a jail descriptor"),
        })
    }

    /// Finds the jail below which a call is to look, that of a descriptor given with AT_DESC.
    pub(super) fn find_at_desc(&mut self, opts: &mut Options, number: c_int) -> Result<Key, Errno> {
        let found = self.find_desc(opts, number);
        if found.is_err() && self.release.bad_at_desc_corrupts {
            // T3: kernels without the fix release a reference to the caller's jail here that was never taken. The model
            // only counts it, since otherwise a jail would vanish while it has processes.
            self.spring(3, Effect::Corruption);
        }
        found.map(|(key, _)| key)
    }

    /// How many descriptors there are.
    #[cfg(test)]
    pub(super) fn descriptors_open(&self) -> usize {
        self.descriptors.open.len()
    }

    /// Makes a descriptor without a jail yet: `jaildesc_alloc`.
    pub(super) fn new_descriptor(&mut self, pid: Pid, owning: bool) -> Result<NewDescriptor, Errno> {
        if owning {
            self.check_privilege(pid)?;
        }
        let (theirs, ours) = End::marked_pair()?;
        // The kernel makes jail descriptors without close-on-exec, and so does the model.
        host::clear_close_on_exec(theirs.as_fd())?;
        let identity = host::file(theirs.as_raw_fd())?;
        let maker = self.processes.get(pid).credential;
        self.hold_credential(maker);
        let id = DescriptorId(self.descriptors.next);
        self.descriptors.next += 1;
        if let Some(forgotten) = self.descriptors.by_identity.insert(identity, id) {
            self.descriptors.open.remove(&forgotten);
        }
        let end = Some(ours);
        let descriptor =
            Descriptor { identity, end, prison: None, owning, maker, limited: false, closed: false };
        self.descriptors.open.insert(id, descriptor);
        if let Some(process) = self.processes.get_mut(pid) {
            process.made.push(id);
        }
        Ok(NewDescriptor { id, file: theirs })
    }

    /// Binds a new descriptor to a jail: `jaildesc_set_prison`.
    pub(super) fn set_descriptor(&mut self, id: DescriptorId, key: Key) {
        if let Some(descriptor) = self.descriptors.open.get_mut(&id) {
            descriptor.prison = Some(key);
            self.prison_mut(key).descriptors.push(id);
            self.hold(key);
        }
    }

    /// Returns the descriptor of a number, if its last close removes the jail.
    pub(super) fn owning_descriptor(&self, number: c_int) -> Option<DescriptorId> {
        let (id, descriptor) = self.descriptors.find(number).ok()??;
        (descriptor.owning && descriptor.prison.is_some()).then_some(id)
    }

    /// Whether every copy of a descriptor has been closed.
    pub(super) fn is_closed(&self, id: DescriptorId) -> bool {
        self.descriptors.open.get(&id).is_none_or(|each| each.end.as_ref().is_some_and(End::hung_up))
    }

    /// Closes a new descriptor of a call that fails.
    ///
    /// T1: an owning one that is bound to a jail already removes it.
    pub(super) fn drop_descriptor(&mut self, new: NewDescriptor) {
        let NewDescriptor { id, file } = new;
        drop(file);
        self.close_descriptor(id);
    }

    /// Does what the last close of a descriptor does: `jaildesc_close`.
    pub(super) fn close_descriptor(&mut self, id: DescriptorId) {
        let Some(descriptor) = self.descriptors.open.remove(&id) else {
            return;
        };
        self.descriptors.by_identity.remove(&descriptor.identity);
        let Some(key) = descriptor.prison else {
            // Never bound to a jail. Those of dead jails released their maker when the jail died.
            if descriptor.end.is_some() {
                self.free_credential(descriptor.maker);
            }
            return;
        };
        self.prison_mut(key).descriptors.retain(|each| *each != id);
        self.hold(key);
        self.let_go(key, if descriptor.owning { LetGo::KILL | LetGo::DEREF } else { LetGo::DEREF });
        self.free(key);
        self.free_credential(descriptor.maker);
    }

    /// Closes a descriptor whose holder has been killed, though the host still has copies open.
    pub(super) fn abandon_descriptor(&mut self, id: DescriptorId) {
        let Some(&Descriptor { identity, maker, .. }) = self.descriptors.open.get(&id) else {
            return;
        };
        self.close_descriptor(id);
        let (end, prison, owning, limited, closed) = (None, None, false, false, true);
        let descriptor = Descriptor { identity, end, prison, owning, maker, limited, closed };
        self.descriptors.open.insert(id, descriptor);
        self.descriptors.by_identity.insert(identity, id);
    }

    /// What fstat(2) says of a descriptor, mode and inode; `None` if it is none of the model's.
    pub(super) fn stat_descriptor(&self, number: c_int) -> Option<Result<(u32, u64), Errno>> {
        match self.descriptors.find(number) {
            Ok(found) => found.map(|(_, descriptor)| match descriptor.prison {
                _ if descriptor.limited => Err(Errno(ENOTCAPABLE)),
                Some(key) => Ok((0o100_700, u64::try_from(self.prison(key).id).unwrap_or(0))),
                None => Ok((0o100_000, 0)),
            }),
            // The host returns the same for a number that is not open.
            Err(errno) => host::file(number).is_ok().then_some(Err(errno)),
        }
    }
}
