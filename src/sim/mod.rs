//! A model of the kernel's jail code, in memory: tests of jail code without root and without FreeBSD.
//!
//! A [`Kernel`] is what a freshly started FreeBSD knows of jails: the host and nothing else. While one is
//! installed on a thread, that thread's calls go to it, through the same memory that a kernel would read and
//! write, and it answers as a kernel of its [`Release`] does: same checks in the same order, same error numbers
//! and texts, same jids. Code under test need not know.
//!
//! ```
//! use freebsd_jail::{ErrorKind, Jail, param, sim};
//!
//! # fn main() -> freebsd_jail::Result<()> {
//! let kernel = sim::Kernel::new();
//! let _guard = kernel.install();
//!
//! let jail = Jail::builder().name("www").path("/usr/jail").hostname("www.example.org").create()?;
//! assert_eq!(jail.get(param::HOST_HOSTNAME.utf8())?, "www.example.org");
//! let taken = Jail::builder().name("www").path("/").create();
//! assert_eq!(taken.map(|_| ()).unwrap_err().kind(), ErrorKind::AlreadyExists);
//! # Ok(())
//! # }
//! ```
//!
//! # Who asks
//!
//! A thread acts as root on the host unless told otherwise. [`Kernel::process`] is the process that it acts as;
//! [`Process::fork`] makes another one, which may become another user or enter a jail, and [`Process::run`] acts as
//! it:
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
//! [`Process::kill`] ends a process, and with it what it alone kept alive: its jail if that was not persistent, and
//! the jails whose owning descriptors it had made. [`Process::die`] leaves a zombie, and so does removing the jail that a
//! process is in. A zombie keeps its jail dying until [`Process::reap`] waits for it, as its parent would. What was
//! [opened](Process::open_file) inside keeps the jail, too.
//!
//! A kernel is a handle: clones mean the same one, on any thread. [`Kernel::install`] sends the calls of one thread to it,
//! [`Kernel::install_for_process`] those of all threads. On a thread where it is not installed its methods
//! act as the process that it started with. Kernels stack; the last one installed gets the calls.
//!
//! # What is modelled
//!
//! jail_set(2), jail_get(2), jail_attach(2), jail_remove(2), the two calls by descriptor, jail(2), and the sysctls
//! about jails: the parameters and who may set them to what, inheritance and restriction, names, addresses,
//! persistence, processes, dying jails, credentials, `meta` and `env`; and the events of jails, to a
//! [`Watcher`](crate::Watcher). The releases are those of [`Release`].
//! Recordings of real kernels are replayed against it (`examples/replay`).
//!
//! A jail descriptor is a real one, an end of a pair of sockets. Closing, copying and passing it on are the
//! host's own; poll(2) tells of a hang-up when the jail has died. The model learns that the last copy has been closed
//! when its next call begins.
//!
//! # The kernel's mistakes
//!
//! They are modelled too where a caller can see them, by their numbers (T1 to T60), so that guards against them can be
//! tested. What would make a real kernel panic, hang or corrupt its memory does none of that here: the model answers
//! the call as if nothing had happened, and [`Kernel::sprung`] says which trap it was. The one exception is T16, after
//! which no kernel answers anything: the model panics.
//!
//! A race is lost only if a test wants it to be: [`Kernel::meanwhile`] runs a closure in the middle of a call, where
//! another thread could have overtaken a real kernel.
//!
//! Some mistakes are out of the model's reach:
//!
//! - T37 and T58: how the memory of a request is mapped.
//! - T45, as far as programs inherit descriptors: this is the host's own, and a new descriptor is there during the
//!   call, without close-on-exec.
//! - T47: memory that the kernel does not free.
//! - T49: here a jail that is gone holds nothing.
//! - T50: here killing reaches every process.
//! - T53: resources are not accounted for, and only the names of accounts are kept, for T40.
//! - T56: CPU sets.
//! - What T42 and T43 leave behind: they are recorded, and the processes are where their last call put them.
//!
//! # What is not
//!
//! - **Nothing is confined.** A process that enters a jail is moved in the model's books; the program that runs is
//!   where it was, with all its rights.
//! - **Nothing is executed** in a jail, unless [`Kernel::allow_exec`] says that programs may run, unconfined, on the
//!   host.
//! - There are no files but a list of paths: every absolute path is a directory, but for `/nonexistent` and
//!   `/etc/passwd`, until [`Kernel::only_paths`] says otherwise. There are no symbolic links.
//! - There are no networks, but for the [names of interfaces](Kernel::add_interface), and no mounts, CPU sets,
//!   resource limits or System V objects behind the parameters that are about them. Modules that can be loaded ([`Kernel::load`]) add their parameters and nothing else. Entering never
//!   fails for CPU sets; it does for a [routing table](Process::set_fib) that the jail's network stack lacks.
//! - A model lives in one process. Calls of a child of a real fork(2) fail, and say why, unless
//!   [`Kernel::allow_copies`] has it use its copy. Forks, kills and other users are to be modelled by [`Process`].

mod address;
mod apply;
mod attach;
mod calls;
mod check;
mod create;
mod descriptor;
mod end;
mod event;
mod exec;
mod files;
mod find;
mod flags;
mod get;
mod inside;
mod interface;
#[cfg(test)]
#[allow(clippy::expect_used, reason = "a test fails by panicking")]
mod invariants;
mod kernel;
mod legacy;
mod loadable;
mod mac_do;
mod mac_rules;
mod meta;
mod modules;
mod moment;
mod name;
mod options;
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
mod set;
mod sprung;
mod state;
mod sysctl;
mod sysctl_tree;
mod timer;
mod user;

pub use calls::Calls;
pub(crate) use inside::Inside;
pub use inside::is_inside;
pub use kernel::{Guard, Kernel, ProcessGuard};
pub use loadable::Module;
pub use moment::Moment;
pub(crate) use program::Inmate;
pub use release::Release;
pub use sprung::{Effect, Sprung};
pub use user::{OpenFile, Process};
