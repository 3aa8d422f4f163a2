//! Safe bindings for FreeBSD's jail system calls: create, enter, read, change, watch and remove jails.
//!
//! A jail is a directory that becomes `/`, a name, addresses and a set of permissions. Processes that entered it
//! cannot leave, and see and touch only what belongs to it. This crate wraps [jail(2)] and its family, and the
//! jail descriptors that FreeBSD 15 added, for programs that embed jails. It is no jail manager, reads no
//! `jail.conf`, and calls no other program.
//!
//! ```
//! use std::net::Ipv4Addr;
//!
//! use freebsd_jail::{Allow, Jail, param};
//!
//! # fn main() -> freebsd_jail::Result<()> {
//! # let kernel = freebsd_jail::sim::Kernel::new();
//! # let _guard = kernel.install();
//! let jail = Jail::builder() // nothing happens yet
//!     .name("www")
//!     .path("/usr/jail")
//!     .hostname("www.example.org")
//!     .ip4([Ipv4Addr::new(10, 0, 0, 22)])
//!     .securelevel(2)
//!     .allow(Allow::RAW_SOCKETS)
//!     .create()?; // an `OwnedJail`: gone when dropped, or when this process dies
//!
//! let (name, host) = jail.get((param::NAME, param::HOST_HOSTNAME))?; // one system call
//! jail.update().securelevel(3).deny(Allow::RAW_SOCKETS).apply()?; // one system call
//! for entry in Jail::all().get((param::JID, param::NAME)) {
//!     let (jid, name) = entry?; // one system call a jail
//! }
//! let www = Jail::open("www")?; // by name or number
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
//! | create a jail | [`Jail::builder`], [`Jail::child_builder`]; [`create`](JailBuilder::create) gives an [`OwnedJail`], [`create_persistent`](JailBuilder::create_persistent) a [`Jail`] |
//! | find one, or all | [`Jail::open`], [`Jail::all`], [`Jail::children`]; [`Snapshot`] for a cheap overview |
//! | read | [`Jail::get`] with the keys of [`param`], [`Jail::info`], [`Jail::permissions`] |
//! | change | [`Jail::update`], or [`Changes`] for any jail |
//! | run a program in one | [`Jail::command`]; [`Jail::confine`] for a `std::process::Command` you already have |
//! | enter with this process, for good | [`Jail::attach`], [`JailBuilder::enter`] |
//! | remove | drop an [`OwnedJail`], or [`Jail::remove`] |
//! | receive events, follow all jails, wait for the end of one | [`Watcher`], [`watch::Follower`], [`Jail::wait_dying`], [`Jail::wait_gone`] |
//! | know what the kernel has | [`Features`], [`Catalog`] |
//! | do what the typed layer lacks | [`Request`] with [`raw`]; [`sys`] for C's conventions |
//! | test all that without root or FreeBSD | feature `sim` |
//!
//! # What holds everywhere
//!
//! - **Nothing is granted that was not asked for.** What is not set is not sent. A boolean that is false goes as the
//!   `no` name, because the kernel looks at the name alone.
//! - **Mistakes are found before the call**, with the parameter's name, before anything has changed. What only the
//!   kernel can know comes back with all it said: see [`Error`].
//! - **One system call an operation**, on jails that are not nested: each method says where it takes more.
//! - **A handle is a descriptor** on FreeBSD 15 and later, and cannot name another jail. Before, it is a number.
//! - **Nothing panics** over what a caller passes, and no call is made that the running kernel does not know.
//!
//! # Two things that no library can prevent
//!
//! - The kernel makes descriptors without close-on-exec. The crate sets it at once, and the programs it starts get none,
//!   but a program that another thread starts by other means in between inherits the descriptor.
//! - A descriptor of another jail, in the hands of root inside a jail, is a way out of it.
//!
//! # FreeBSD versions
//!
//! 13.2 to 15, by one binary: what a kernel has is found out at run time. On any other Unix the crate builds, and
//! every call fails with [`ErrorKind::Unsupported`], or goes to a model of the kernel where one is installed.
//!
//! # Features
//!
//! - `sim`: a model of the kernel's jail code in memory.
//! - `serde`: builders, changes and what is read can be serialised.
//! - `tokio`: events of jails, and waiting for their end, as futures (`Jail::wait_gone_async` and others).
//! - `bindgen`: generate the bindings from the machine's headers, or from those below `FREEBSD_JAIL_SYSROOT`, instead
//!   of using the file that comes with the crate.
//!
//! [jail(2)]: https://man.freebsd.org/cgi/man.cgi?query=jail&sektion=2

#![deny(unsafe_code)]
#![cfg_attr(docsrs, feature(doc_cfg))]

#[cfg(not(unix))]
compile_error!("freebsd-jail wraps system calls of FreeBSD; it builds on any Unix, and on nothing else");

mod allow;
mod builder;
mod catalog;
mod error;
pub mod exec;
mod flags;
mod get;
mod guard;
mod info;
mod interface;
mod jail;
mod jailed;
mod jid;
mod legacy;
mod list;
mod network;
pub mod param;
pub mod raw;
#[cfg(feature = "serde")]
mod serial;
mod settings;
#[cfg(feature = "sim")]
#[cfg_attr(docsrs, doc(cfg(feature = "sim")))]
pub mod sim;
mod snapshot;
#[allow(unsafe_code)]
pub mod sys;
mod update;
pub mod watch;
mod wire;

pub use allow::Allow;
pub use builder::JailBuilder;
pub use catalog::{Catalog, Described};
pub use error::{Call, Error, ErrorKind, Result, Stage};
pub use exec::JailCommand;
pub use flags::{GetFlags, SetFlags};
pub use get::Keys;
pub use info::JailInfo;
pub use jail::{Find, Jail, OwnedJail};
pub use jailed::is_jailed;
pub use jid::Jid;
pub use legacy::LegacyJail;
pub use list::{Handles, Jails, Listing};
pub use network::{Ip4, Ip6};
pub use param::Mode;
pub use raw::Request;
pub use snapshot::{JailState, Snapshot, SnapshotEntry};
#[cfg(feature = "sim")]
pub use sys::features::Assumed;
pub use sys::features::Features;
pub use update::{Changes, JailUpdate};
pub use watch::Watcher;
