//! Network interfaces: their names and network stacks.
//!
//! After `if_vmove_loan`, `if_vmove_reclaim` and `vnet_if_return` in `sys/net/if.c`.

use core::ffi::c_int;

use super::errno::Errno;
use super::kernel::Kernel;
use super::prison::Key;
use super::process::Pid;
use super::seam::Move;
use super::state::State;
use super::user::Process;

/// The interface that each network stack has from the start and that cannot be moved.
const LOOPBACK: &str = "lo0";

/// A network interface, `lo0` of each stack excepted.
#[derive(Debug)]
pub(super) struct Interface {
    name: String,
    /// The jail in whose network stack it was made, to which it returns.
    home: Key,
    /// The jail in whose network stack it is.
    place: Key,
}

impl Kernel {
    /// Makes a network interface in the network stack of the process that the calling thread acts as, as
    /// `ifconfig NAME create` does.
    ///
    /// Each network stack has `lo0` from the start.
    pub fn add_interface(&self, name: impl Into<String>) {
        let (mut state, pid) = self.enter("ioctl");
        let place = state.stack_of(state.prison_of(pid));
        state.interfaces.push(Interface { name: name.into(), home: place, place });
    }

    /// ioctl(2) with `SIOCSIFVNET` or `SIOCSIFRVNET`.
    pub(crate) fn move_interface(&self, name: &[u8], jid: c_int, way: Move) -> Result<(), Errno> {
        self.begin("ioctl", None)?;
        let (mut state, pid) = self.enter("ioctl");
        state.calls.ioctl += 1;
        state.move_interface(pid, name, jid, way)
    }

    /// Whether the process's network stack has an interface of a name: if_nametoindex(3).
    pub(crate) fn has_interface(&self, name: &[u8]) -> Result<bool, Errno> {
        self.begin("ioctl", None)?;
        let (mut state, pid) = self.enter("ioctl");
        state.calls.ioctl += 1;
        let place = state.stack_of(state.prison_of(pid));
        Ok(state.has_interface(place, name))
    }
}

impl Process {
    /// The names of the network interfaces that the process sees: those of its jail's network stack.
    #[must_use]
    pub fn interfaces(&self) -> Vec<String> {
        let state = self.kernel().state();
        let place = state.stack_of(state.prison_of(self.number()));
        let here = state.interfaces.iter().filter(|interface| interface.place == place);
        core::iter::once(LOOPBACK.to_owned()).chain(here.map(|interface| interface.name.clone())).collect()
    }
}

impl State {
    fn has_interface(&self, place: Key, name: &[u8]) -> bool {
        name == LOOPBACK.as_bytes() || self.find_interface(place, name).is_some()
    }

    fn find_interface(&self, place: Key, name: &[u8]) -> Option<usize> {
        self.interfaces.iter().position(|each| each.place == place && each.name.as_bytes() == name)
    }

    fn move_interface(&mut self, pid: Pid, name: &[u8], jid: c_int, way: Move) -> Result<(), Errno> {
        self.check_running(pid)?;
        self.check_privilege(pid)?;
        let here = self.stack_of(self.prison_of(pid));
        if way == Move::Into && !self.has_interface(here, name) {
            return Err(Errno(libc::ENXIO));
        }
        // A dying jail is found as well; for a jail without a network stack of its own, the jail above it is used
        // (T51).
        let jail = self.find_child(self.prison_of(pid), jid).ok_or(Errno(libc::ENXIO))?;
        let there = self.stack_of(jail);
        let (from, to) = match way {
            Move::Into => (here, there),
            Move::Back => (there, here),
        };
        if way == Move::Back && !self.has_interface(from, name) {
            return Err(Errno(libc::ENXIO));
        }
        // On the way back, the kernel does not check whether the name is taken (T51).
        if from == to || way == Move::Into && self.has_interface(to, name) {
            return Err(Errno(libc::EEXIST));
        }
        let index = self.find_interface(from, name).ok_or(Errno(libc::ENODEV))?;
        if let Some(interface) = self.interfaces.get_mut(index) {
            interface.place = to;
        }
        Ok(())
    }

    /// Destroys a network stack: removes the interfaces that were made in it, wherever they are, and returns the others
    /// to where they were made.
    pub(super) fn release_interfaces(&mut self, stack: Key) {
        self.interfaces.retain(|interface| interface.home != stack);
        for interface in self.interfaces.iter_mut().filter(|interface| interface.place == stack) {
            interface.place = interface.home;
        }
    }
}
