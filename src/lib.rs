//! FreeBSD's jail system calls, safely.

#![deny(unsafe_code)]
#![cfg_attr(docsrs, feature(doc_cfg))]

#[cfg(not(unix))]
compile_error!("freebsd-jail wraps system calls of FreeBSD; it builds on any Unix, and on nothing else");

mod builder;
mod error;
mod features;
mod flags;
mod get;
mod jail;
mod jid;
mod list;
mod network;
pub mod param;
pub mod raw;
mod request;
#[cfg(feature = "sim")]
#[cfg_attr(docsrs, doc(cfg(feature = "sim")))]
pub mod sim;
#[allow(unsafe_code)]
pub mod sys;
mod update;

pub use builder::JailBuilder;
pub use error::{Call, Error, ErrorKind, Result};
pub use features::{Features, is_jailed};
pub use flags::{GetFlags, SetFlags};
pub use get::Keys;
pub use jail::{Find, Jail, OwnedJail};
pub use jid::Jid;
pub use list::{Handles, Jails, Listing};
pub use network::{Ip4, Ip6};
pub use param::Mode;
pub use request::Request;
pub use update::JailUpdate;
