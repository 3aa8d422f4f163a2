//! A model of the jail code of FreeBSD's kernel in memory: the `sim` of [freebsd-jail], whose tests run on it.
//!
//! Use it from there, by `freebsd-jail = { version = "0.1", features = ["sim"] }` among the development dependencies and
//! as `freebsd_jail::sim`, whose page shows how. The two packages are released together.
//!
//! # The calling process
//!
//! By default a thread acts as root on the host. [`Kernel::process`] returns the process that it acts as.
//! [`Process::fork`] makes another one, which may change its user or attach to a jail, and [`Process::run`] acts as it:
//!
//! ```
//! use freebsd_jail::{ErrorKind, Jail, sim};
//!
//! # fn main() -> freebsd_jail::Result<()> {
//! let kernel = sim::Kernel::new();
//! let _guard = kernel.install();
//! let jail = Jail::builder().name("www").path("/usr/jail").create()?;
//!
//! let user = kernel.process().fork();
//! user.setuid(1001).map_err(std::io::Error::from).unwrap();
//! let refused = user.run(|| Jail::builder().name("mine").path("/").create());
//! assert_eq!(refused.map(|_| ()).unwrap_err().kind(), ErrorKind::PermissionDenied);
//!
//! let inmate = kernel.process().fork();
//! inmate.run(|| jail.attach())?;
//! assert_eq!(inmate.jid(), jail.jid().get());
//! jail.remove()?;
//! assert!(!inmate.is_running());
//! # Ok(())
//! # }
//! ```
//!
//! [`Process::kill`] ends a process. If it was the last one of a jail that is not persistent, the jail is removed, and
//! so are the jails whose owning descriptors it made. [`Process::die`] leaves a zombie, and so does removing the jail
//! that a process is in. A zombie keeps its jail dying until [`Process::reap`] waits for it, as its parent would. So
//! does an object that was [opened](Process::open_file) inside.
//!
//! A `Kernel` is a handle: clones refer to the same kernel, on any thread. [`Kernel::install`] sends the calls of one
//! thread to it, [`Kernel::install_for_process`] those of all threads. On a thread where it is not installed its
//! methods act as its first process. Kernels stack; the last one installed gets the calls.
//!
//! # What is modelled
//!
//! [jail_set(2)], [jail_get(2)], [jail_attach(2)], [jail_remove(2)], the two calls by descriptor, [jail(2)], and the
//! sysctls about jails: the parameters and who may set them to which values, inheritance and restrictions, names,
//! addresses, persistence, processes, dying jails, credentials, `meta` and `env`; and the events of [kqueue(2)]. The
//! releases are those of [`Release`]. Recordings of real kernels are replayed against it (`examples/replay`).
//!
//! A jail descriptor is a real one, an end of a pair of sockets. Closing, copying and passing it on are the host's own;
//! [poll(2)] reports a hang-up when the jail has died. The model notices the last close at the beginning of its next
//! call.
//!
//! # The kernel's defects
//!
//! The defects T1 to T60 are modelled where a caller can see them, so that guards against them can be tested. A call
//! that would make a real kernel panic, hang or corrupt its memory does not harm the model: it answers as if nothing
//! had happened, and [`Kernel::sprung`] returns the trap. The exception is T16, after which no kernel answers any call:
//! the model panics.
//!
//! Races happen only on request: [`Kernel::meanwhile`] runs a closure in the middle of a call, where calls of another
//! thread could come in between.
//!
//! Some defects are not modelled:
//!
//! - T37 and T58: how the memory of a request is mapped.
//! - T45, as far as programs inherit descriptors: inheritance is the host's own. A new descriptor exists during the
//!   call, without close-on-exec.
//! - T47: memory that the kernel does not free, but for the CPU set of a jail that refused a process for its mask.
//! - T49: in the model a jail is released as soon as it is gone.
//! - T50: in the model a signal reaches every process.
//! - T53: resources are not counted; only the names of accounts exist, for T40.
//! - The consequences of T42 and T43: they are recorded, and each process is in the jail of its last call.
//!
//! # What is not
//!
//! - **Nothing is confined.** Attaching changes only the model's records: the running program stays where it was, with
//!   all its rights.
//! - **Nothing is executed** in a jail, unless [`Kernel::allow_exec`] says that programs may run, unconfined, on the
//!   host.
//! - There are no files but a list of paths: every absolute path is a directory, but for `/nonexistent` and
//!   `/etc/passwd`, until [`Kernel::only_paths`] is called. There are no symbolic links.
//! - There are no networks except the [names of interfaces](Kernel::add_interface), and no mounts, resource limits or
//!   System V objects behind their parameters. Modules that can be loaded ([`Kernel::load`]) add only their parameters.
//! - The only CPU sets are those of jails and the [mask of a process](Process::set_cpus).
//! - A model exists in one process. Calls in a child of a real [fork(2)] fail, with a reason, unless
//!   [`Kernel::allow_copies`] permits its copy. Use [`Process`] to model forks, kills and other users.
//!
//! [jail_set(2)]: https://man.freebsd.org/cgi/man.cgi?query=jail_set&sektion=2
//! [jail_get(2)]: https://man.freebsd.org/cgi/man.cgi?query=jail_get&sektion=2
//! [jail_attach(2)]: https://man.freebsd.org/cgi/man.cgi?query=jail_attach&sektion=2
//! [jail_remove(2)]: https://man.freebsd.org/cgi/man.cgi?query=jail_remove&sektion=2
//! [jail(2)]: https://man.freebsd.org/cgi/man.cgi?query=jail&sektion=2
//! [kqueue(2)]: https://man.freebsd.org/cgi/man.cgi?query=kqueue&sektion=2
//! [poll(2)]: https://man.freebsd.org/cgi/man.cgi?query=poll&sektion=2
//! [fork(2)]: https://man.freebsd.org/cgi/man.cgi?query=fork&sektion=2
//! [freebsd-jail]: https://docs.rs/freebsd-jail

#![deny(unsafe_code)]

mod address;
mod apply;
mod attach;
mod calls;
mod check;
mod cpuset;
mod create;
mod descriptor;
mod end;
mod errno;
mod event;
mod exec;
mod fault;
mod files;
mod find;
mod flags;
mod get;
#[allow(unsafe_code, reason = "calls that std does not offer")]
mod host;
mod inside;
mod interface;
#[cfg(test)]
#[allow(clippy::expect_used, reason = "a test fails by panicking")]
mod invariants;
mod kernel;
mod kevent;
mod legacy;
mod loadable;
mod mac_do;
mod mac_rules;
mod meta;
mod modules;
mod moment;
mod name;
mod options;
mod pair;
mod permission;
mod prison;
mod process;
mod program;
mod queue;
#[cfg(test)]
#[allow(clippy::expect_used, reason = "a test fails by panicking")]
mod races;
pub mod raw;
mod refs;
mod release;
mod request;
#[doc(hidden)]
pub mod seam;
mod set;
mod sprung;
mod state;
mod sysctl;
mod sysctl_tree;
mod timer;
mod user;

pub use calls::Calls;
pub use fault::Fault;
pub use inside::is_inside;
pub use kernel::{Guard, Kernel, ProcessGuard};
pub use loadable::Module;
pub use moment::Moment;
pub use release::Release;
pub use sprung::{Effect, Sprung};
pub use user::{OpenFile, Process};
