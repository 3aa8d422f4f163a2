//! Attaching this process to a jail.

use std::os::fd::AsFd;
use std::path::PathBuf;

#[cfg(doc)]
use super::OwnedJail;
use super::{Jail, carry_rules};
#[cfg(doc)]
use crate::builder::JailBuilder;
use crate::error::{
    Call, Error, ErrorKind, Result, Subject, attach_error, explain_attach, first_open_directory,
};
use crate::flags::SetFlags;
#[cfg(doc)]
use crate::update::JailUpdate;
use crate::wire::{At, Draft, Verb};

/// # Attaching this process
impl Jail {
    /// Attaches this process to the jail, for good.
    ///
    /// **All threads of the process move.** To run a program in a jail, use [`command`](Self::command), which attaches
    /// in a child.
    ///
    /// The kernel moves the process in steps: its root directory first, its credential after that. If two threads
    /// attached to two jails at once, the process could get the credential of one jail and the place on the list of the
    /// other, and removing either would not end it (T42). If a child was forked in between, it would have the jail's
    /// root and the host's credential: in 14 of 2,068 attaches on 15.1, the host's root executed a program of the jail
    /// (T43). So the crate's functions attach in one thread at a time, and not while a [`command`](Self::command) is
    /// being forked. This method waits while another thread forks for a program, and such a fork waits for this method.
    ///
    /// **Programs that are started by other means do not wait**: those of [`std::process::Command`], even with
    /// [`confine`](Self::confine), those of other libraries, and forks of your own. Start none while a thread attaches.
    ///
    /// A forked child may attach, whatever its parent's threads were doing. This method is not async-signal-safe: in
    /// the child of a process with threads, which includes closures of
    /// [`pre_exec`](std::os::unix::process::CommandExt::pre_exec), the allocator's lock may be taken for ever. Use
    /// [`command`](Self::command) there, or [`sys::jail_attach`](crate::sys::jail_attach). A signal handler must not
    /// call it at all.
    ///
    /// Wraps [jail_set(2)] with `JAIL_ATTACH` by descriptor, and [jail_attach(2)] by jid; [jail_attach_jd(2)] is not
    /// used, because it leaks a reference on FreeBSD 15.0 and 15.1 (T17). By descriptor, if [mac_do(4)] is loaded, one
    /// more call reads the jail's rules first and keeps them: the kernel would reset them (T6). A change of the rules
    /// by another process between the two calls is lost: rules that are removed at this moment are restored. Whether
    /// mac_do(4) is loaded is found out once, as [`update`](Self::update) says.
    ///
    /// A process cannot attach to a jail that it owns: the jail would be removed, and the process killed, when the
    /// handle is dropped or the process executes a program (T25). This is refused for an [`OwnedJail`] and its clones.
    /// It is not noticed for other handles of the same jail, for example from [`open`](Self::open): do not attach by
    /// one. For a jail that is removed with its last process, use [`JailBuilder::create_and_attach`]. A forked child may
    /// attach by a clone.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Conflict`] when this process owns the jail. [`ErrorKind::PermissionDenied`] (`EPERM`) when not root
    /// (by descriptor: when its maker was not), **or when the process has any directory open**, close-on-exec or not:
    /// the error names the descriptor, and the directory if the kernel knows its path. [`ErrorKind::Gone`] when the
    /// jail has been removed. [`ErrorKind::NotFound`] by jid, when this process has attached to another jail since the
    /// handle was made. [`ErrorKind::InvalidPath`] (`ENOTDIR`) when the file system of the jail's root was unmounted by
    /// force. [`ErrorKind::Other`] when the process and the jail have no CPU in common (`EDEADLK`), or when the jail's
    /// own network stack does not have the process's routing table (`EINVAL`). A failed attach may leave the process in
    /// the jail's cpuset.
    ///
    /// # FreeBSD versions
    ///
    /// Since 15.0 the process attaches to the handle's own jail; before, to the jail that has its jid.
    ///
    /// ```
    /// # use freebsd_jail::{Jail, is_jailed, sim};
    /// # fn main() -> freebsd_jail::Result<()> {
    /// # let kernel = sim::Kernel::new();
    /// # let _guard = kernel.install();
    /// let jail = Jail::builder().name("www").path("/").create_detached()?;
    /// jail.attach()?;
    /// assert!(is_jailed()?);
    /// assert!(Jail::open("www").is_err()); // a process does not see its own jail
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// [jail_set(2)]: https://man.freebsd.org/cgi/man.cgi?query=jail_set&sektion=2
    /// [jail_attach(2)]: https://man.freebsd.org/cgi/man.cgi?query=jail_attach&sektion=2
    /// [jail_attach_jd(2)]: https://man.freebsd.org/cgi/man.cgi?query=jail_attach_jd&sektion=2
    /// [mac_do(4)]: https://man.freebsd.org/cgi/man.cgi?query=mac_do&sektion=4
    #[doc(alias = "jail_attach")]
    pub fn attach(&self) -> Result<()> {
        self.check()?;
        if self.owns() {
            return Err(Error::refused(ErrorKind::Conflict, OWNED));
        }
        self.attach_even_owned()
    }

    /// Attaches without checking who owns the jail.
    pub(crate) fn attach_even_owned(&self) -> Result<()> {
        let result = match &self.descriptor {
            Some(descriptor) => {
                let mut draft = Draft::new();
                carry_rules(self, &mut draft)?;
                draft
                    .call(&self.system, Verb::Set(ATTACH_FLAGS), At::Use(descriptor.as_fd()), Subject::Handle)
                    .map(drop)
            }
            None => {
                self.system.jail_attach(self.jid.get()).map_err(|errno| attach_error(Call::JailAttach, errno))
            }
        };
        result.map_err(|error| attaching_error(error, self, first_open_directory).of_jail(self.jid))
    }
}

/// Why a process cannot attach to a jail that it owns (T25).
const OWNED: &str = "this process owns the jail and would be killed with it when the owner is dropped or a program is \
                     executed: create the jail with `create_and_attach` or `create_detached`";

/// The meaning of `EINVAL` when attaching by a jid that a jail had right afterwards.
const NO_JAIL_OR_NO_SUCH_FIB: &str = "either no jail had the jid at that moment, though one has it now, or the jail's \
                                      own network stack lacks this process's routing table (setfib(2), \
                                      sysctl net.fibs)";

/// The flags with which jail_set(2) attaches to the jail of a descriptor.
const ATTACH_FLAGS: SetFlags = SetFlags::UPDATE.union(SetFlags::ATTACH);

/// Explains why attaching to a handle's jail failed. `obstacle` finds an open directory, with its path where that is
/// known.
pub(crate) fn attaching_error(
    error: Error,
    jail: &Jail,
    obstacle: impl FnOnce() -> Option<(i32, Option<PathBuf>)>,
) -> Error {
    // By jid, the errno does not show whether the kernel found the jail.
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
    fn einval_of_attaching_by_jid_is_gone_only_if_the_jail_is() {
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
}
