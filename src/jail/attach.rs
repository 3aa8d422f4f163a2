//! Entering a jail with this process.

use std::os::fd::AsFd;
use std::path::PathBuf;

#[cfg(doc)]
use super::OwnedJail;
use super::{Jail, carry_rules};
use crate::SetFlags;
#[cfg(doc)]
use crate::builder::JailBuilder;
use crate::error::{
    Call, Error, ErrorKind, Result, Subject, attach_error, explain_attach, first_open_directory,
};
#[cfg(doc)]
use crate::update::JailUpdate;
use crate::wire::{At, Draft, Verb};

/// # Attaching this process
impl Jail {
    /// Moves this process into the jail, for good: there is no way back.
    ///
    /// **All threads of the process move.** To run a program in a jail, use [`command`](Self::command), which enters in a
    /// child.
    ///
    /// The kernel moves the process in steps: its root directory first, its credential after that. The crate lets one
    /// thread at a time enter, by whatever function, since two that enter two jails at once may leave the process with the
    /// credential of one and on the list of the other, where neither's removal ends it (T42). And it lets none enter while
    /// a [`command`](Self::command) is being started, since a child that is forked in the middle has the jail's root and
    /// the host's credential: of 2,068 attaches on 15.1, 14 had the host's root execute a program of the jail's (T43). So
    /// this method waits while another thread forks for a program, and such a fork waits for this method.
    ///
    /// **What others start is not ordered**: programs of [`std::process::Command`], with
    /// those of [`confine`](Self::confine) too, of other libraries, and forks of your own. Start none while a thread enters.
    ///
    /// A forked child may enter, whatever its parent's threads were doing. This method is not async-signal-safe: in the
    /// child of a process with threads, which includes closures of
    /// [`pre_exec`](std::os::unix::process::CommandExt::pre_exec), it may find the allocator's lock taken for ever. Use
    /// [`command`](Self::command) there, or [`sys::jail_attach`](crate::sys::jail_attach). A signal handler must not call it
    /// at all.
    ///
    /// Wraps jail_set(2) with `JAIL_ATTACH` by descriptor, and jail_attach(2) by jid; jail_attach_jd(2) is
    /// not used, since it leaks a reference on FreeBSD 15.0 and 15.1. By descriptor, where mac_do(4) is loaded, the
    /// jail's rules are read before and carried, which is one call more: the kernel would reset them. What somebody
    /// else changes of the rules between the two calls is undone: rules that are taken away right then come back.
    /// Whether mac_do(4) is loaded is found out once, as [`update`](Self::update) says.
    ///
    /// A process cannot enter a jail that it owns: the jail, and the process in it, would go when the handle is dropped or
    /// the process executes a program (T25). That is refused for an [`OwnedJail`] and its clones. Other handles of the
    /// same jail, from [`open`](Self::open), say, do not know of the owner: do not enter by one. To enter a jail that goes
    /// with its last process, use [`JailBuilder::create_and_attach`]; a child that was forked may enter by a clone.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Conflict`] when this process owns the jail.
    /// [`ErrorKind::PermissionDenied`] (`EPERM`) when not root (by descriptor: when its maker was not), **or when
    /// the process has any directory open**, close-on-exec or not: the error names the descriptor, and the
    /// directory if the kernel knows its path. [`ErrorKind::Gone`] when the jail has been removed.
    /// [`ErrorKind::NotFound`] by jid, when this process has entered another jail since the handle was made.
    /// [`ErrorKind::InvalidPath`] (`ENOTDIR`) when the file system of the jail's root was unmounted by force.
    /// [`ErrorKind::Other`] when the process may run on none of the jail's processors (`EDEADLK`), or when the jail's
    /// own network stack does not have the process's routing table (`EINVAL`). A failed attempt may leave the process
    /// in the jail's cpuset.
    ///
    /// # FreeBSD versions
    ///
    /// Since 15.0 the handle's own jail is entered; before, the jail that has its jid.
    #[doc(alias = "jail_attach")]
    pub fn attach(&self) -> Result<()> {
        self.check()?;
        if self.owns() {
            return Err(Error::refused(ErrorKind::Conflict, OWNED));
        }
        self.enter()
    }

    /// Enters without asking who owns the jail.
    pub(crate) fn enter(&self) -> Result<()> {
        let result = match &self.descriptor {
            Some(descriptor) => {
                let mut draft = Draft::new();
                carry_rules(self, &mut draft)?;
                draft
                    .call(&self.system, Verb::Set(ENTER), At::Use(descriptor.as_fd()), Subject::Handle)
                    .map(drop)
            }
            None => {
                self.system.jail_attach(self.jid.get()).map_err(|errno| attach_error(Call::JailAttach, errno))
            }
        };
        result.map_err(|error| attaching_error(error, self, first_open_directory).of_jail(self.jid))
    }
}

/// Why a process does not enter its own jail (T25).
const OWNED: &str = "this process owns the jail and would be killed with it, when the owner is dropped or a program is \
                     executed: create the jail with `enter`, or with `create_detached`";

/// What `EINVAL` may mean when entering a jail by its jid, which a jail had right afterwards.
const NO_JAIL_OR_NO_SUCH_FIB: &str = "either no jail had the jid just then, though one has it now, or the jail's \
                                      own network stack does not have this process's routing table (setfib(2), \
                                      sysctl net.fibs)";

/// How jail_set(2) enters the jail of a descriptor.
const ENTER: SetFlags = SetFlags::UPDATE.union(SetFlags::ATTACH);

/// Explains why attaching to a handle's jail failed. `obstacle` finds an open directory, with its path where that is
/// known.
pub(crate) fn attaching_error(
    error: Error,
    jail: &Jail,
    obstacle: impl FnOnce() -> Option<(i32, Option<PathBuf>)>,
) -> Error {
    // By jid, the errno does not tell whether the kernel has found the jail.
    if (error.errno(), error.call()) != (Some(libc::EINVAL), Some(Call::JailAttach)) {
        return explain_attach(error, obstacle);
    }
    match jail.is_alive() {
        Ok(false) => error.of_handle(),
        Err(unseen) if unseen.kind() == ErrorKind::NotFound => jail.gone_or_unseen(error.of_handle()),
        _ => error.with_kind(ErrorKind::Other).because(NO_JAIL_OR_NO_SUCH_FIB),
    }
}

#[cfg(all(test, feature = "sim"))]
mod tests {
    use super::*;
    use crate::sim;
    use crate::sys::Errno;

    #[test]
    fn einval_of_entering_by_jid_is_gone_only_if_the_jail_is() {
        let kernel = sim::Kernel::new();
        let _guard = kernel.install();
        let jail = Jail::builder().path("/").create_detached().expect("created");
        let refused = |jail: &Jail| {
            let error = attach_error(Call::JailAttach, Errno(libc::EINVAL));
            attaching_error(error, jail, || None)
        };
        let by_jid = Jail::unpinned(jail.jid());
        let error = refused(&by_jid);
        assert_eq!((error.kind(), error.errno()), (ErrorKind::Other, Some(libc::EINVAL)));
        assert!(error.to_string().contains("routing table"), "{error}");
        assert!(error.to_string().contains("no jail had the jid"), "{error}");
        jail.remove().expect("removed");
        let error = refused(&by_jid);
        assert_eq!((error.kind(), error.errno()), (ErrorKind::Gone, Some(libc::EINVAL)));
        assert!(error.to_string().contains("removed"), "{error}");
    }

    #[test]
    fn a_jail_that_cannot_be_seen_from_inside_another_is_not_taken_for_a_removed_one() {
        let kernel = sim::Kernel::with_release(sim::Release::FREEBSD_14_2);
        let _guard = kernel.install();
        let jail = || Jail::builder().path("/").create_detached().expect("created");
        let (one, other) = (jail(), jail());
        one.attach().expect("entered");
        let error = other.attach().expect_err("it is not below the first");
        assert_eq!((error.kind(), error.errno()), (ErrorKind::NotFound, Some(libc::EINVAL)));
        assert!(error.to_string().contains("has entered a jail since"), "{error}");
    }
}
