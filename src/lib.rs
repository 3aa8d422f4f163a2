//! FreeBSD's jail system calls, safely.

#![deny(unsafe_code)]
#![cfg_attr(docsrs, feature(doc_cfg))]

#[cfg(not(unix))]
compile_error!("freebsd-jail wraps system calls of FreeBSD; it builds on any Unix, and on nothing else");

mod allow;
mod builder;
mod catalog;
mod error;
mod exec;
mod features;
mod flags;
mod get;
mod host;
mod info;
mod interface;
mod jail;
mod jid;
mod legacy;
mod list;
mod network;
pub mod param;
pub mod raw;
mod request;
#[cfg(feature = "serde")]
mod serial;
mod setters;
mod settings;
#[cfg(feature = "sim")]
#[cfg_attr(docsrs, doc(cfg(feature = "sim")))]
pub mod sim;
mod snapshot;
#[allow(unsafe_code)]
pub mod sys;
mod update;
mod watch;

pub use allow::Allow;
pub use builder::JailBuilder;
pub use catalog::{Catalog, Described};
pub use error::{Call, Error, ErrorKind, Result, Stage};
pub use exec::{CommandExt, JailCommand};
pub use features::{Features, is_jailed};
pub use flags::{GetFlags, SetFlags};
pub use get::Keys;
pub use host::{Host, Linux, MacDo, Vnet};
pub use info::JailInfo;
pub use jail::{Find, Jail, OwnedJail};
pub use jid::Jid;
pub use legacy::LegacyJail;
pub use list::{Handles, Jails, Listing};
pub use network::{Ip4, Ip6};
pub use param::Mode;
pub use request::Request;
pub use snapshot::{JailState, Snapshot, SnapshotEntry};
pub use update::{Changes, JailUpdate};
pub use watch::{Event, EventKind, EventKinds, Events, Notes, Waited, WatchId, Watcher};
