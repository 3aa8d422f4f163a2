//! Safe bindings for FreeBSD's jail system calls: create, read, update, attach to, watch and remove jails.
//!
//! A jail confines processes: it has a root directory, a name, addresses and permissions. Processes that attach to it
//! cannot leave it, and can reach only what belongs to it. This crate wraps [jail(2)] and the related system calls, and
//! the jail descriptors of FreeBSD 15, for programs that embed jails. It is not a jail manager: it does not read
//! `jail.conf`, and does its work by system calls, not by running [jail(8)].
//!
//! ```
//! use freebsd_jail::{Allow, Jail, JailUpdate, Network, param};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let kernel = freebsd_jail::sim::Kernel::new();
//! # let _guard = kernel.install();
//! let jail = Jail::builder() // nothing happens yet
//!     .name("www")
//!     .path("/usr/jail")
//!     .hostname("www.example.org")
//!     .network(Network::addresses(["10.0.0.22".parse()?]))
//!     .securelevel(2)
//!     .allow(Allow::RAW_SOCKETS)
//!     .create()?; // an `OwnedJail`: removed when dropped, or when this process dies
//!
//! let (name, host) = jail.get((param::NAME, param::HOST_HOSTNAME))?; // one system call
//! jail.set(param::SECURELEVEL, 3)?; // one system call
//! let harden = JailUpdate::new().deny(Allow::RAW_SOCKETS); // for any number of jails
//! jail.update(&harden)?; // one system call
//! for entry in Jail::all().get((param::JID, param::NAME)) { // one sysctl for all jails
//!     let (jid, name) = entry?;
//! }
//! let www = Jail::open("www")?; // by name or jid
//! # assert_eq!((name, host), ("www".into(), "www.example.org".into()));
//! # assert_eq!(www.jid(), jail.jid());
//! # Ok(())
//! # }
//! ```
//!
//! # Where to start
//!
//! | to | use |
//! |---|---|
//! | create a jail | [`Jail::builder`], then [`create`](JailBuilder::create) for an [`OwnedJail`], which is removed when dropped, or [`create_detached`](JailBuilder::create_detached) for a [`Jail`] that stays |
//! | own a jail, or hand it over | [`OwnedJail`], [`Jail::into_owned`], [`OwnedJail::into_descriptor`] |
//! | nest jails | [`Jail::child_builder`], [`Jail::open_child`], [`Jail::children`] |
//! | find a jail, or list all | [`Jail::open`], [`Jail::all`]; [`Snapshot`](snapshot::Snapshot) for all at one moment, dying ones included |
//! | read one | [`Jail::get`] with the keys of [`param`], [`Jail::info`], [`Jail::permissions`] |
//! | read many | [`Jail::all`] with [`Jails::get`] or [`Jails::info`] |
//! | update | [`Jail::set`] for one parameter, [`Jail::update`] with a [`JailUpdate`] for several |
//! | serialise | [`JailBuilder`] and [`JailUpdate`](JailUpdate#serialised), with feature `serde` |
//! | run a program in a jail | [`Jail::command`]; [`Jail::confine`] for a `std::process::Command` you already have |
//! | attach this process, for good | [`Jail::attach`], [`JailBuilder::create_and_attach`] |
//! | remove a jail | drop its [`OwnedJail`], or [`Jail::remove`] |
//! | wait for its end | [`Jail::wait_dying`], [`Jail::wait_gone`]; [`Jail::remove_and_reap`] removes it and waits for this process's children in it |
//! | receive events | [`Watcher`] for chosen jails, since FreeBSD 15; [`Follower`](watch::Follower) for all, on all releases |
//! | query the kernel's features and parameters | [`Features`], [`Catalog`] |
//! | use what the typed layer lacks | [`raw`] and its [`Request`](raw::Request); [`sys`] for C's conventions |
//! | test without root or FreeBSD | feature `sim`: see [Testing without FreeBSD](guide::testing) |
//!
//! The [guides](guide) explain each of these with programs that can be copied.
//!
//! # Guarantees
//!
//! - **Nothing is sent that was not set.** A parameter that is not set has the kernel's default, and some defaults
//!   grant permissions: a jail of which nothing is set may set its host name ([`Allow::SET_HOSTNAME`]), bind ports
//!   below 1024 ([`Allow::RESERVED_PORTS`]), let users debug their processes ([`Allow::UNPRIVILEGED_PROC_DEBUG`]) and
//!   use root's privileges ([`Allow::SUSER`]), where its parent may; FreeBSD 14.4 also grants
//!   [`Allow::UNPRIVILEGED_PARENT_TAMPERING`]. [`allow_only`](JailBuilder::allow_only) sets exactly the permissions
//!   given. A denial is sent as the `no` name, because the kernel ignores a boolean's value.
//! - **Mistakes are found before the call**, with the parameter's name, before anything has changed. Errors of the
//!   kernel keep its message: see [`Error`].
//! - **One system call per operation**, on jails that are not nested: each method says when it takes more.
//! - **A handle is a descriptor** on FreeBSD 15 and later, and never refers to another jail. Before, it is a jid.
//! - **No argument causes a panic**, and no system call is made that the running kernel lacks.
//!
//! # Caveats
//!
//! - Dropping an [`OwnedJail`] removes the jail and kills every process in it.
//! - Before FreeBSD 15, a process that is killed by SIGKILL leaves its owned jails behind. Since 15 the kernel removes
//!   them.
//! - A removed jail stays, dying, while anything holds it, such as a child process that has not been waited for. The
//!   outcome of [`Jail::wait_gone`] [lists](watch::HeldJail::holders) what holds it.
//! - A program in a jail inherits this process's environment, unless [`JailCommand::env_clear`] or
//!   [`JailCommand::clean_env`] removes it.
//! - A process that has a directory open cannot attach, and the error names the directory. [`Jail::command`] can start
//!   programs all the same: the child closes it.
//!
//! # Two things that no library can prevent
//!
//! - The kernel makes descriptors without close-on-exec. The crate sets it at once, and the programs that it starts
//!   inherit none. But a program that another thread starts by other means in between inherits the descriptor.
//! - A descriptor of another jail, in the hands of root inside a jail, is a way out of it.
//!
//! # FreeBSD versions
//!
//! A number such as T6 names a defect or a surprise of the kernel; `docs/kernel.md` in the repository lists them.
//!
//! One binary supports 13.2 to 15: the kernel's features are detected at run time. On other Unix systems the crate
//! builds, and every call fails with [`ErrorKind::Unsupported`], or goes to a model of the kernel if one is installed.
//!
//! # Features
//!
//! - `sim`: a model of the kernel's jail code in memory.
//! - `serde`: builders, updates and values that were read can be serialised.
//! - `tokio`: events of jails, and waiting for their end, as futures (`Jail::wait_gone_async` and others).
//! - `bindgen`: generates the bindings from the machine's headers, or from those below `FREEBSD_JAIL_SYSROOT`, instead
//!   of using the checked-in file.
//!
//! [jail(2)]: https://man.freebsd.org/cgi/man.cgi?query=jail&sektion=2
//! [jail(8)]: https://man.freebsd.org/cgi/man.cgi?query=jail&sektion=8

#![deny(unsafe_code)]
#![cfg_attr(docsrs, feature(doc_cfg))]

#[cfg(not(unix))]
compile_error!("freebsd-jail wraps system calls of FreeBSD; it builds on any Unix, and on nothing else");

// rustdoc shows the methods of a type in the order of modules, and those of a module after its submodules'.
mod builder;

mod jail;

pub mod list;

mod update;

mod allow;
mod catalog;
pub mod cpus;
pub mod error;
pub mod exec;
mod flags;
#[cfg(fuzzing)]
#[doc(hidden)]
pub mod fuzzing;
pub mod get;
mod guard;
#[cfg(any(doc, doctest))]
pub mod guide;
mod info;
mod interface;
mod jailed;
mod jid;
mod legacy;
mod network;
pub mod param;
mod permissions;
pub mod raw;
#[cfg(feature = "serde")]
mod serial;
mod settings;
#[cfg(feature = "sim")]
#[cfg_attr(docsrs, doc(cfg(feature = "sim")))]
pub mod sim;
pub mod snapshot;
#[allow(unsafe_code)]
pub mod sys;
pub mod watch;
mod wire;

pub use allow::Allow;
pub use builder::JailBuilder;
pub use catalog::Catalog;
#[doc(inline)]
pub use error::{Error, ErrorKind, Result};
#[doc(inline)]
pub use exec::JailCommand;
pub use info::JailInfo;
pub use jail::{Jail, OwnedJail};
pub use jailed::is_jailed;
pub use jid::Jid;
#[doc(inline)]
pub use list::Jails;
pub use network::Network;
pub use permissions::Permissions;
pub use sys::features::Features;
pub use update::JailUpdate;
#[doc(inline)]
pub use watch::Watcher;
