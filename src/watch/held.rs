//! A removed jail that something still holds: how it is recognised, and when it is gone.

use core::ffi::c_int;
use std::ffi::{OsStr, OsString};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::WaitOutcome;
use super::deadline::Deadline;
use crate::error::{ErrorKind, Result, Subject};
use crate::flags::GetFlags;
use crate::get::{self, Key, Read};
use crate::guard::alive;
use crate::jail::Jail;
use crate::jid::Jid;
use crate::param::{self, Sharing};
use crate::snapshot::{JailState, Snapshot};
use crate::sys::System;
use crate::wire::At;

/// A jail that was not gone when the timeout of a wait passed, from [`Jail::wait_gone`], [`Jail::remove_and_wait`] and
/// [`Jail::remove_and_reap`].
///
/// It is dying, unless [`is_dying`](Self::is_dying) is false: then it has not been removed. A dying jail cannot be
/// changed or attached to, but it counts as a child of the jails above it, and holds them as well.
/// [`holders`](Self::holders) lists what holds it, as far as known; [`wait_gone`](Self::wait_gone) continues to wait
/// for the same jail.
///
/// # What holds a removed jail
///
/// Removing a jail kills its processes. Other references hold it until they are closed or end:
///
/// - **A child that has not been waited for.** A killed process stays as a zombie, and its jail with it, until its
///   parent calls [wait(2)]. A program that starts processes in a jail has to wait for each of them, for which there is
///   [`Jail::remove_and_reap`]. A child made by [pdfork(2)] holds the jail until [waitpid(2)], or until its descriptor
///   is closed.
/// - A descriptor that was opened inside and is held outside: of a directory, a device, a socket, a pipe, shared memory
///   or a jail.
/// - A file system that was mounted inside, until it is unmounted.
/// - System V shared memory, semaphores and message queues of a jail that uses its parent's.
/// - A jail below it that is itself still held.
/// - A TCP connection that is still being closed; the kernel ends it after some time.
///
/// Only the processes and the jails can be listed.
///
/// # FreeBSD versions
///
/// All. Since 15.0, the `HeldJail` of a jail that has not been removed yet holds a descriptor, which does not keep the
/// jail. Before, a jail is recognised by its jid, cpuset and path alone: one that has not been removed yet may be
/// confused with a later one that has all three.
///
/// [wait(2)]: https://man.freebsd.org/cgi/man.cgi?query=wait&sektion=2
/// [pdfork(2)]: https://man.freebsd.org/cgi/man.cgi?query=pdfork&sektion=2
/// [waitpid(2)]: https://man.freebsd.org/cgi/man.cgi?query=waitpid&sektion=2
#[derive(Debug, Clone)]
pub struct HeldJail {
    system: System,
    /// The jid that was seen last.
    jid: c_int,
    /// The id of its cpuset. It keeps the id until it is gone, and no other jail has it.
    cpuset: c_int,
    /// Its root directory, which cannot change.
    path: PathBuf,
    /// The last component of its name, known once it has been seen dying: then it cannot change any more.
    name: Option<OsString>,
    /// Whether it or a jail below has a network stack, which the kernel destroys only after the jail has left the list.
    may_have_stack: bool,
    /// Whether it has been removed, as far as known.
    is_dying: bool,
    /// Its descriptor, if the kernel has descriptors and the jail was alive when the wait timed out.
    descriptor: Option<Arc<OwnedFd>>,
    /// When it was first seen to have left the list of jails.
    gone_since: Option<Instant>,
}

/// The result of a look at the kernel's jails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Look {
    /// The jail exists.
    There,
    /// It does not.
    Gone,
    /// A jail that may have been this one vanished between two calls.
    Unclear,
}

/// What is read of a jail to recognise it.
struct Seen {
    cpuset: c_int,
    path: PathBuf,
    name: OsString,
    is_dying: bool,
    may_have_stack: bool,
}

/// How often an unclear look is repeated at once. After that, the jail is assumed to exist until the next look.
const LOOKS: usize = 16;

/// How long to wait, after the jail has left the list, for its network stack to be destroyed.
const RELEASE: Duration = Duration::from_secs(2);

/// After this time, the cpuset may be another jail's.
const REUSED: Duration = Duration::from_millis(60);

/// # Waiting
impl HeldJail {
    /// Records how to recognise the jail of a handle, while it is alive. `None` if it has been removed.
    pub(super) fn of_living(jail: &Jail) -> Result<Option<Self>> {
        let read = |vnet| jail.get((param::CPUSET_ID, param::PATH, param::CHILDREN_CUR, vnet));
        let read = match read(Some(param::VNET)) {
            Err(error) if is_without_vnet(&error) => read(None),
            read => read,
        };
        match read {
            Ok((cpuset, path, children, vnet)) => Ok(Some(Self {
                system: jail.system.clone(),
                jid: jail.jid().get(),
                cpuset,
                path,
                name: None,
                may_have_stack: vnet == Some(Sharing::New) || children > 0,
                is_dying: false,
                descriptor: None,
                gone_since: None,
            })),
            Err(error) if error.kind() == ErrorKind::Gone => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// The same for the dying jail that has a jid.
    pub(super) fn of_dying(system: &System, jid: c_int) -> Result<Option<Self>> {
        let seen = Seen::read(system, jid)?.filter(|seen| seen.is_dying);
        Ok(seen.map(|seen| Self {
            system: system.clone(),
            jid,
            cpuset: seen.cpuset,
            name: Some(last_component(&seen.name).to_owned()),
            path: seen.path,
            may_have_stack: seen.may_have_stack,
            is_dying: true,
            descriptor: None,
            gone_since: None,
        }))
    }

    /// The same for a jail that lives, is dying, or has gone.
    pub(super) fn of(jail: &Jail) -> Result<Self> {
        let found = match Self::of_living(jail)? {
            None => Self::of_dying(&jail.system, jail.jid().get())?,
            living => living,
        };
        Ok(found.unwrap_or_else(|| Self {
            system: jail.system.clone(),
            jid: jail.jid().get(),
            cpuset: 0,
            path: PathBuf::new(),
            name: None,
            may_have_stack: false,
            is_dying: true,
            descriptor: None,
            gone_since: Some(Instant::now()),
        }))
    }

    /// Returns the jid under which the jail was seen last.
    ///
    /// # FreeBSD versions
    ///
    /// Since 15.0 a dying jail gets another jid when a new jail requests its own.
    ///
    /// ```
    /// # use std::time::Duration;
    /// # use freebsd_jail::{Jail, sim, watch::WaitOutcome};
    /// # fn main() -> freebsd_jail::Result<()> {
    /// # let kernel = sim::Kernel::new();
    /// # let _guard = kernel.install();
    /// let jail = Jail::builder().path("/").create()?;
    /// # let inmate = kernel.process().fork();
    /// # inmate.run(|| jail.attach())?;
    /// // A child in the jail that nobody waits for holds it.
    /// if let WaitOutcome::TimedOut(held) = jail.remove_and_wait(Some(Duration::ZERO))? {
    ///     assert_eq!(held.jid(), Some(jail.jid()));
    /// }
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn jid(&self) -> Option<Jid> {
        Jid::new(self.jid)
    }

    /// Whether the jail has been removed, as far as known.
    ///
    /// ```
    /// # use std::time::Duration;
    /// # use freebsd_jail::{Jail, sim, watch::WaitOutcome};
    /// # fn main() -> freebsd_jail::Result<()> {
    /// # let kernel = sim::Kernel::new();
    /// # let _guard = kernel.install();
    /// let jail = Jail::builder().path("/").create()?;
    /// if let WaitOutcome::TimedOut(held) = jail.wait_gone(Some(Duration::ZERO))? {
    ///     assert!(!held.is_dying()); // nobody has removed the jail
    /// }
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn is_dying(&self) -> bool {
        self.is_dying
    }

    /// Continues to wait until the jail is gone, as [`Jail::wait_gone`] does.
    ///
    /// # Errors
    ///
    /// As [`Jail::wait_gone`].
    ///
    /// ```
    /// use std::time::Duration;
    ///
    /// use freebsd_jail::Jail;
    /// use freebsd_jail::watch::WaitOutcome;
    /// # use freebsd_jail::sim;
    ///
    /// # fn main() -> freebsd_jail::Result<()> {
    /// # let kernel = sim::Kernel::new();
    /// # let _guard = kernel.install();
    /// let jail = Jail::builder().name("www").path("/").create()?;
    /// let second = Some(Duration::from_secs(1));
    /// if let WaitOutcome::TimedOut(mut held) = jail.remove_and_wait(second)? {
    ///     while held.wait_gone(second)?.is_timed_out() {
    ///         eprintln!("still held by {}", held.holders()?);
    ///     }
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn wait_gone(&mut self, timeout: Option<Duration>) -> Result<WaitOutcome> {
        self.wait(Deadline::after(timeout))
    }

    pub(super) fn wait(&mut self, deadline: Deadline) -> Result<WaitOutcome> {
        if let Some(descriptor) = &self.descriptor {
            match self.system.wait_removed(descriptor.as_fd(), deadline.left()) {
                Ok(false) => return Ok(WaitOutcome::TimedOut(())),
                Ok(true) => self.set_removed(),
                // Poll instead.
                Err(_) => {}
            }
        }
        deadline.poll(|| self.is_gone())
    }

    /// Whether the jail does not exist any more, and the kernel has released what it had.
    pub(super) fn is_gone(&mut self) -> Result<bool> {
        Ok(!self.is_there()? && self.is_released()?)
    }

    /// Keeps a descriptor to wait for the removal of a living jail, if the kernel has descriptors. So another jail that
    /// gets the jid and the cpuset later is not confused with it.
    pub(super) fn keep_descriptor(&mut self, jail: &Jail) {
        if self.system.has_descriptors() {
            self.descriptor = jail.lasting_descriptor().ok().map(Arc::new);
        }
    }

    /// Records that the jail has been removed: a living jail is another one.
    pub(super) fn set_removed(&mut self) {
        self.is_dying = true;
        self.descriptor = None;
    }

    /// Looks for the jail, even under another jid, and updates `jid`.
    pub(super) fn is_there(&mut self) -> Result<bool> {
        if self.gone_since.is_some() {
            return Ok(false);
        }
        if let Some(descriptor) = &self.descriptor {
            match alive::check_alive(&self.system, descriptor.as_fd()) {
                Err(error) if error.kind() == ErrorKind::Gone => self.set_removed(),
                alive => return alive.map(|()| true),
            }
        }
        let mut others = Vec::new();
        for _ in 0..LOOKS {
            match self.look(&mut others)? {
                Look::There => return Ok(true),
                Look::Gone => {
                    self.gone_since = Some(Instant::now());
                    return Ok(false);
                }
                Look::Unclear => {}
            }
        }
        Ok(true)
    }

    /// `others` has jails that an earlier look found to be different ones.
    fn look(&mut self, others: &mut Vec<(Jid, OsString)>) -> Result<Look> {
        if let Some(seen) = self.see(self.jid)? {
            self.note(self.jid, &seen);
            return Ok(Look::There);
        }
        // Before 15 a dying jail keeps its jid.
        if !self.system.has_descriptors() || !self.has_cpuset() {
            return Ok(Look::Gone);
        }
        // Since 15 it may have got another one. The list of all jails is made under the kernel's lock
        // (`sysctl_jail_list`), so it has the jail under its current jid.
        let mut look = Look::Gone;
        for entry in &Snapshot::of(&self.system)? {
            let name_fits = self.name.as_ref().is_none_or(|name| name == last_component(entry.name()));
            let is_other = others.iter().any(|(jid, name)| *jid == entry.jid() && name == entry.name());
            if entry.state() != JailState::Dying || entry.path() != self.path || !name_fits || is_other {
                continue;
            }
            let jid = entry.jid().get();
            match Seen::read(&self.system, jid)? {
                Some(seen) if self.is(&seen) => {
                    self.note(jid, &seen);
                    return Ok(Look::There);
                }
                Some(seen) if seen.is_dying => others.push((entry.jid(), seen.name)),
                // It is gone or has yet another jid, which the next look shows.
                _ => look = Look::Unclear,
            }
        }
        Ok(look)
    }

    /// Whether the jail's cpuset still exists and is a jail's: the root of a set made by cpuset(2) is another set.
    ///
    /// The kernel releases it last (`prison_deref`), so without it the jail is certainly gone.
    fn has_cpuset(&self) -> bool {
        // If the call fails, nothing is known.
        self.system.cpuset_root(self.cpuset).map_or(true, |root| root == Some(self.cpuset))
    }

    /// Whether the kernel has released the network stacks and the root of a jail that has left the list.
    fn is_released(&self) -> Result<bool> {
        let since = self.gone_since.map_or(RELEASE, |since| since.elapsed());
        if !self.may_have_stack || since >= RELEASE || !self.has_cpuset() {
            return Ok(true);
        }
        if since < REUSED {
            return Ok(false);
        }
        // The id may be another jail's now.
        let key = (param::JID, param::CPUSET_ID);
        let mut jails = crate::list::Jails::new(self.system.clone(), None).dying(true).get(key);
        jails
            .find_map(|jail| jail.map(|(_, id)| (id == self.cpuset).then_some(())).transpose())
            .transpose()
            .map(|found| found.is_some())
    }

    /// Reads the jail of a jid if it is this one.
    fn see(&self, jid: c_int) -> Result<Option<Seen>> {
        Ok(Seen::read(&self.system, jid)?.filter(|seen| self.is(seen)))
    }

    /// Whether a jail that was read is this one. Once this one has been removed, a living one is not.
    fn is(&self, seen: &Seen) -> bool {
        let name_fits = self.name.as_ref().is_none_or(|name| name == last_component(&seen.name));
        seen.cpuset == self.cpuset && seen.path == self.path && name_fits && (seen.is_dying || !self.is_dying)
    }

    fn note(&mut self, jid: c_int, seen: &Seen) {
        self.jid = jid;
        self.may_have_stack |= seen.may_have_stack;
        if seen.is_dying {
            self.set_removed();
            self.name = Some(last_component(&seen.name).to_owned());
        }
    }

    /// Returns the descriptor by which the removal of a jail that lives can be waited for.
    #[cfg(feature = "tokio")]
    pub(super) fn living_descriptor(&self) -> Option<Arc<OwnedFd>> {
        self.descriptor.clone()
    }

    pub(super) fn system(&self) -> &System {
        &self.system
    }

    pub(super) fn last_jid(&self) -> c_int {
        self.jid
    }
}

impl Seen {
    /// Reads the jail of a jid, even a dying one.
    fn read(system: &System, jid: c_int) -> Result<Option<Self>> {
        let read = |vnet| {
            let read = Read {
                system,
                flags: GetFlags::DYING,
                subject: Subject::Named,
                at: At::None,
                key: Key::Jid(jid),
                relative_to: None,
            };
            let keys = (param::CPUSET_ID, param::PATH, param::NAME, param::DYING, param::CHILDREN_CUR, vnet);
            get::read(read, &keys)
        };
        let found = match read(Some(param::VNET)) {
            Err(error) if is_without_vnet(&error) => read(None),
            found => found,
        };
        match found {
            Ok(found) => {
                let (cpuset, path, name, is_dying, children, vnet) = found.values;
                let may_have_stack = vnet == Some(Sharing::New) || children > 0;
                Ok(Some(Self { cpuset, path, name, is_dying, may_have_stack }))
            }
            Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::Dying) => Ok(None),
            Err(error) => Err(error),
        }
    }
}

/// Whether a read failed because the kernel was built without VIMAGE.
fn is_without_vnet(error: &crate::error::Error) -> bool {
    error.kind() == ErrorKind::UnknownParameter && error.parameter() == Some("vnet")
}

/// Returns the part of a name that stays when a jail above is renamed.
fn last_component(name: &OsStr) -> &OsStr {
    let bytes = name.as_bytes();
    let start = bytes.iter().rposition(|&byte| byte == b'.').map_or(0, |dot| dot + 1);
    OsStr::from_bytes(bytes.get(start..).unwrap_or_default())
}
