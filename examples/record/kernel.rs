//! The kernel that is asked, FreeBSD's or the model, and the processes that ask it.

use std::ffi::c_int;
use std::io::{Read, Write};
use std::os::fd::{AsFd, AsRawFd, FromRawFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::time::Duration;

use freebsd_jail::sim;
use freebsd_jail::sim::raw::Errno;
use freebsd_jail::sys::{self, EVFILT_JAIL, EVFILT_JAILDESC};
use nix::sys::signal::{Signal, kill};
use nix::sys::wait::{WaitStatus, waitpid};
use nix::unistd::{ForkResult, Pid};

use super::host;

/// What a call returned: its number, or an errno.
pub(crate) type Answer = Result<c_int, Errno>;

/// The kernel.
#[derive(Debug)]
pub(crate) struct Machine {
    model: Option<(sim::Kernel, sim::Guard)>,
    settle: Duration,
}

/// An event of a queue.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Event {
    pub(crate) udata: usize,
    pub(crate) flags: u16,
    pub(crate) fflags: u32,
    pub(crate) data: i64,
}

/// A process that sleeps in a jail.
#[derive(Debug)]
pub(crate) enum Held {
    Modelled(sim::Process),
    Real(Pid),
}

impl Machine {
    pub(crate) fn new(model: Option<sim::Kernel>, settle: Duration) -> Result<Self, String> {
        if let Some(kernel) = &model {
            kernel.set_hostname("model");
            // A transcript does not tell a module that is built in, as the model has it, from one that was loaded.
            kernel.unload(sim::Module::MacDo);
            kernel.load(sim::Module::MacDo);
            kernel.only_paths();
            kernel.add_directory("/tmp");
            kernel.add_file("/etc/passwd");
            kernel.process().chdir("/tmp").map_err(|errno| errno.to_string())?;
        } else if !nix::unistd::geteuid().is_root() {
            return Err("only root can create jails".to_owned());
        }
        std::env::set_current_dir("/tmp").map_err(|error| format!("/tmp: {error}"))?;
        let model = model.map(|kernel| {
            let guard = kernel.install();
            (kernel, guard)
        });
        Ok(Self { model, settle })
    }

    pub(crate) fn model(&self) -> Option<&sim::Kernel> {
        self.model.as_ref().map(|(kernel, _)| kernel)
    }

    /// Waits for what the kernel finishes in a thread of its own.
    pub(crate) fn settle(&self) {
        if self.model.is_none() {
            std::thread::sleep(self.settle);
        }
    }

    /// Makes a jail_set(2) or jail_get(2), and returns the lengths of the values after it.
    #[allow(clippy::unused_self, reason = "it is the machine that answers")]
    pub(crate) fn request(
        &self,
        set: bool,
        memory: &mut [(Vec<u8>, Option<Vec<u8>>)],
        flags: c_int,
    ) -> (Answer, Vec<usize>) {
        let mut iovecs = Vec::with_capacity(memory.len() * 2);
        for (name, value) in memory {
            iovecs.push(libc::iovec { iov_base: name.as_mut_ptr().cast(), iov_len: name.len() });
            iovecs.push(match value {
                Some(value) => libc::iovec { iov_base: value.as_mut_ptr().cast(), iov_len: value.len() },
                None => libc::iovec { iov_base: std::ptr::null_mut(), iov_len: 0 },
            });
        }
        let count = u32::try_from(iovecs.len()).unwrap_or(u32::MAX);
        let call = if set { sys::jail_set } else { sys::jail_get };
        // SAFETY: the iovecs are this function's; each points at a vector that `memory` borrows uniquely until the
        // call has returned, and has its length, or at nothing. No two of them overlap, and all are initialised.
        let result = unsafe { call(iovecs.as_mut_ptr(), count, flags) };
        let answer = if result == -1 { Err(Errno::last()) } else { Ok(result) };
        (answer, iovecs.iter().skip(1).step_by(2).map(|iovec| iovec.iov_len).collect())
    }

    /// What a call that returns 0 or -1 has returned.
    pub(crate) fn plain(result: c_int) -> Answer {
        if result == -1 { Err(Errno::last()) } else { Ok(result) }
    }

    /// The inode and the mode of a descriptor, and whether it is close-on-exec.
    pub(crate) fn fstat(&self, descriptor: &OwnedFd) -> Result<(u64, u32, i64), Errno> {
        let flags = nix::fcntl::fcntl(descriptor, nix::fcntl::FcntlArg::F_GETFD).map_err(errno)?;
        let close_on_exec = i64::from(flags & libc::FD_CLOEXEC);
        if let Some(model) = self.model() {
            let (mode, inode) =
                model.raw().fstat(descriptor.as_raw_fd()).unwrap_or(Err(Errno(libc::EBADF)))?;
            return Ok((inode, mode, close_on_exec));
        }
        let stat = nix::sys::stat::fstat(descriptor).map_err(errno)?;
        #[allow(clippy::useless_conversion, reason = "their types differ between hosts")]
        Ok((stat.st_ino.into(), stat.st_mode.into(), close_on_exec))
    }

    /// Takes a number that a call has returned as a new descriptor.
    #[allow(clippy::unused_self, reason = "it is the machine's")]
    pub(crate) fn own(&self, number: c_int) -> OwnedFd {
        // SAFETY: the kernel, or the model, has just made the descriptor for this process, and said so by changing
        // the number in the slot; nothing else has taken it.
        unsafe { OwnedFd::from_raw_fd(number) }
    }

    /// Becomes another user.
    pub(crate) fn setuid(&self, uid: u32) -> Answer {
        match self.model() {
            Some(model) => model.raw().setuid(uid).map(|()| 0),
            None => nix::unistd::setuid(uid.into()).map(|()| 0).map_err(errno),
        }
    }

    /// The value of a sysctl.
    pub(crate) fn sysctl(&self, name: &str) -> Result<Vec<u8>, Errno> {
        match self.model() {
            Some(model) => sysctl_of_model(model, name),
            None => host::sysctl(name),
        }
    }

    /// Makes an event queue.
    pub(crate) fn kqueue(&self) -> Result<OwnedFd, Errno> {
        match self.model() {
            Some(model) => model.raw().kqueue(),
            None => host::kqueue(),
        }
    }

    /// Adds a watch to a queue: of a jail descriptor, or of the jail that the process is in. Jails are never watched by
    /// their jids, over which a kernel may panic (T23), nor is the process's own inside a jail (T38).
    pub(crate) fn watch(
        &self,
        queue: &OwnedFd,
        descriptor: Option<&OwnedFd>,
        fflags: u32,
        udata: usize,
    ) -> Result<(), Errno> {
        let (filter, ident) = match descriptor {
            Some(descriptor) => {
                (EVFILT_JAILDESC, usize::try_from(descriptor.as_raw_fd()).unwrap_or(usize::MAX))
            }
            None => (EVFILT_JAIL, 0),
        };
        match self.model() {
            Some(model) => model.raw().kevent_add(queue.as_fd(), filter, ident, fflags, udata),
            None => host::kevent_add(queue, filter, ident, fflags, udata),
        }
    }

    /// Takes an event, if there is one.
    pub(crate) fn event(&self, queue: &OwnedFd) -> Result<Option<Event>, Errno> {
        match self.model() {
            Some(model) => Ok(model.raw().kevent_take(queue.as_fd())?.map(|event| Event {
                udata: event.udata,
                flags: event.flags,
                fflags: event.fflags,
                data: event.data,
            })),
            None => host::kevent_take(queue),
        }
    }

    /// Runs something in a child process, which ends then. Returns its exit status and the signal that killed it.
    pub(crate) fn in_child(&self, body: impl FnOnce()) -> Result<(i32, i32), String> {
        if let Some(model) = self.model() {
            let child = model.process().fork();
            child.run(body);
            let signal = if child.is_running() { 0 } else { libc::SIGKILL };
            child.exit();
            return Ok((0, signal));
        }
        // SAFETY: this program has one thread, so that the child may do everything that its parent may.
        match unsafe { nix::unistd::fork() }.map_err(|error| error.to_string())? {
            ForkResult::Child => {
                body();
                std::process::exit(0);
            }
            ForkResult::Parent { child } => match waitpid(child, None).map_err(|error| error.to_string())? {
                WaitStatus::Exited(_, status) => Ok((status, 0)),
                WaitStatus::Signaled(_, signal, _) => Ok((0, signal as i32)),
                other => Err(format!("{other:?}")),
            },
        }
    }

    /// Starts a process that attaches to a jail and sleeps there, after it has closed what it should not have.
    pub(crate) fn hold(&self, jid: c_int, close: impl FnOnce()) -> Result<(Answer, Held), String> {
        if let Some(model) = self.model() {
            let process = model.process().fork();
            let answer = process.run(|| Self::plain(sys::jail_attach(jid)));
            return Ok((answer, Held::Modelled(process)));
        }
        let failed = |error: std::io::Error| error.to_string();
        let (mut mine, mut theirs) = UnixStream::pair().map_err(failed)?;
        // SAFETY: as in `in_child`.
        match unsafe { nix::unistd::fork() }.map_err(|error| error.to_string())? {
            ForkResult::Child => {
                close();
                drop(mine);
                let number = Self::plain(sys::jail_attach(jid)).map_or_else(|errno| errno.0, |_| 0);
                let _ = theirs.write_all(&number.to_ne_bytes());
                loop {
                    nix::unistd::pause();
                }
            }
            ForkResult::Parent { child } => {
                drop(theirs);
                let mut number = [0; 4];
                mine.read_exact(&mut number).map_err(failed)?;
                let answer = match c_int::from_ne_bytes(number) {
                    0 => Ok(0),
                    number => Err(Errno(number)),
                };
                Ok((answer, Held::Real(child)))
            }
        }
    }
}

impl Held {
    /// Kills the process and waits for it.
    pub(crate) fn end(self) -> Result<(), String> {
        match self {
            Self::Modelled(process) => process.kill(),
            Self::Real(pid) => {
                // It may have been killed with its jail.
                let _ = kill(pid, Signal::SIGKILL);
                waitpid(pid, None).map_err(|error| error.to_string())?;
            }
        }
        Ok(())
    }
}

/// Opens a directory of the process.
pub(crate) fn open_directory(machine: &Machine) -> Result<OwnedFd, String> {
    let file = std::fs::File::open("/").map_err(|error| error.to_string())?;
    if let Some(model) = machine.model() {
        model.process().open_directory();
    }
    Ok(file.into())
}

fn errno(errno: nix::errno::Errno) -> Errno {
    Errno(errno as c_int)
}

fn sysctl_of_model(model: &sim::Kernel, name: &str) -> Result<Vec<u8>, Errno> {
    let mut oid = [0; 96];
    let len = model.raw().sysctl(&[0, 3], Some(&mut oid), Some(name.as_bytes()))?;
    let ints = oid.chunks_exact(size_of::<c_int>()).take(len / size_of::<c_int>());
    let mib: Vec<c_int> = ints.filter_map(|bytes| bytes.try_into().ok()).map(c_int::from_ne_bytes).collect();
    let mut value = vec![0; model.raw().sysctl(&mib, None, None)?];
    let len = model.raw().sysctl(&mib, Some(&mut value), None)?;
    value.truncate(len);
    Ok(value)
}
