//! A model of the kernel's jail code in memory, to test programs without root and without FreeBSD.
//!
//! A new [`Kernel`] has no jails. While it is installed on a thread, that thread's jail calls go to it, through the
//! same memory that a kernel would read and write. It answers as a kernel of its [`Release`] does: same checks in the
//! same order, same error numbers and messages, same jids. The code under test need not be changed.
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
//! [`Process`] models other users and processes. **Nothing is confined:** attaching changes only the model's records,
//! and no program runs in a jail, unless [`Kernel::allow_exec`] has programs run, unconfined, on the host.
//!
//! The model is a package of its own, and uses nothing of this crate. The documentation of [freebsd-jail-sim] says what
//! it has and what it lacks.
//!
//! [freebsd-jail-sim]: https://docs.rs/freebsd-jail-sim

pub use crate::sys::features::Assumed;
#[doc(inline)]
pub use freebsd_jail_sim::{
    Calls, Effect, Fault, Guard, Kernel, Module, Moment, OpenFile, Process, ProcessGuard, Release, Sprung,
    is_inside, raw,
};
