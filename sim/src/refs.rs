//! References: what keeps a jail, how it starts to die, and when it is gone.
//!
//! After `prison_deref`, `prison_deref_kill` and related functions in `sys/kern/kern_jail.c`. The model does at once
//! what the kernel defers to a thread (`taskqueue_jail_remove`).

use crate::kevent::NOTE_JAIL_REMOVE;

use super::flags::{LetGo, PrisonFlags};
use super::prison::{Key, Life};
use super::state::State;

impl State {
    /// Takes a reference: `prison_hold`.
    pub(super) fn hold(&mut self, key: Key) {
        self.prison_mut(key).refs += 1;
    }

    /// Takes a user reference: `prison_proc_hold`.
    pub(super) fn proc_hold(&mut self, key: Key) {
        self.prison_mut(key).urefs += 1;
    }

    /// Drops a reference: `prison_free`.
    pub(super) fn free(&mut self, key: Key) {
        self.let_go(key, LetGo::DEREF);
    }

    /// Drops a user reference: `prison_proc_free`.
    pub(super) fn proc_free(&mut self, key: Key) {
        self.let_go(key, LetGo::DEUREF);
    }

    /// Drops references and may kill: `prison_deref`.
    pub(super) fn let_go(&mut self, mut key: Key, mut flags: LetGo) {
        let mut killed = None;
        loop {
            if flags.contains(LetGo::KILL) {
                // T18: a jail that is not alive yet is not killed, and its references from `persist` stay.
                if self.release.late_failure_leaks && !self.prison(key).is_alive() {
                    flags.remove(LetGo::KILL);
                } else {
                    self.hold_once(key, &mut flags);
                    self.kill(key);
                }
            }
            if flags.contains(LetGo::DEUREF) {
                if self.prison(key).urefs == 1 {
                    self.hold_once(key, &mut flags);
                }
                let prison = self.prison_mut(key);
                prison.urefs -= 1;
                if prison.urefs == 0 && prison.is_alive() {
                    prison.life = Life::Dying;
                    self.clean_up(key);
                }
            }
            if flags.contains(LetGo::KILL) {
                if self.prison(key).urefs > 0 {
                    killed = Some(key);
                }
                flags.remove(LetGo::KILL);
            }
            if flags.contains(LetGo::DEREF) {
                let prison = self.prison_mut(key);
                prison.refs -= 1;
                if prison.refs == 0 {
                    if let Some(parent) = self.unlink(key) {
                        // A jail that is gone releases its references to its parent.
                        key = parent;
                        flags = LetGo::DEREF | LetGo::DEUREF;
                        continue;
                    }
                }
            }
            break;
        }
        if let Some(key) = killed {
            self.kill_processes(key);
        }
    }

    /// Keeps a prison while its last user reference is dropped.
    fn hold_once(&mut self, key: Key, flags: &mut LetGo) {
        if !flags.contains(LetGo::DEREF) {
            self.hold(key);
            flags.insert(LetGo::DEREF);
        }
    }

    /// Makes a jail and all jails below it dying, and clears `persist`: `prison_deref_kill`.
    fn kill(&mut self, key: Key) {
        let prison = self.prison_mut(key);
        prison.urefs += 1;
        prison.life = Life::Dying;
        let mut marked = self.below_while(key, |_, prison| prison.is_alive());
        marked.retain(|each| self.prison(*each).is_alive());
        for each in &marked {
            let prison = self.prison_mut(*each);
            prison.refs += 1;
            prison.urefs += 1;
            prison.life = Life::Dying;
        }
        for each in marked.into_iter().rev() {
            self.clean_up(each);
            self.unpersist(each);
            let prison = self.prison_mut(each);
            prison.urefs -= 1;
            prison.refs -= 1;
            if prison.refs == 0 {
                prison.life = Life::Invalid;
                if let Some(parent) = self.unlink(each) {
                    let parent = self.prison_mut(parent);
                    parent.refs -= 1;
                    parent.urefs -= 1;
                }
            }
        }
        self.clean_up(key);
        self.unpersist(key);
        self.prison_mut(key).urefs -= 1;
    }

    /// Drops the references from `persist`.
    fn unpersist(&mut self, key: Key) {
        let prison = self.prison_mut(key);
        if prison.flags.contains(PrisonFlags::PERSIST) {
            prison.flags.remove(PrisonFlags::PERSIST);
            prison.refs -= 1;
            prison.urefs -= 1;
        }
    }

    /// Does what happens when a jail starts to die: notifies and unbinds its descriptors (`prison_cleanup_locked`), and
    /// removes its System V objects (the modules' `PR_METHOD_REMOVE`).
    fn clean_up(&mut self, key: Key) {
        self.knote(key, NOTE_JAIL_REMOVE, 0);
        for descriptor in core::mem::take(&mut self.prison_mut(key).descriptors) {
            if let Some(maker) = self.descriptors.detach(descriptor) {
                self.free(key);
                // The kernel keeps the maker's credential until the descriptor is closed, which the model cannot notice
                // once it has closed its end.
                self.free_credential(maker);
            }
        }
        self.remove_mac_do(key);
    }
}
