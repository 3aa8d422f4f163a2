//! The parameters of a jail: names, types and access.
//!
//! A constant of this module is a key for [`Jail::get`](crate::Jail::get) and, if its access permits, for `set` of
//! [`JailBuilder`](crate::JailBuilder::set) and [`JailUpdate`](crate::JailUpdate::set). It has the type of its value,
//! so a number cannot be sent in place of a string. A use that its access forbids does not compile:
//!
//! ```compile_fail,E0277
//! # use freebsd_jail::{Jail, JailUpdate, param};
//! # fn f(jail: &Jail) -> freebsd_jail::Result<()> {
//! jail.update(&JailUpdate::new().set(param::PATH, "/elsewhere"))?; // fixed at creation
//! # Ok(()) }
//! ```
//!
//! ```compile_fail,E0277
//! # use freebsd_jail::{Jail, param};
//! Jail::builder().set(param::CHILDREN_CUR, 3); // read-only
//! ```
//!
//! ```
//! # use freebsd_jail::{Jail, JailUpdate, param};
//! # fn f(jail: &Jail) -> freebsd_jail::Result<()> {
//! jail.update(&JailUpdate::new().set(param::SECURELEVEL, 2))?;
//! # Ok(()) }
//! # let builder = Jail::builder().set(param::PATH, "/usr/jail").set(param::CHILDREN_MAX, 3);
//! ```
//!
//! Neither does a value of the wrong type:
//!
//! ```compile_fail,E0277
//! # use freebsd_jail::{Jail, param};
//! Jail::builder().set(param::SECURELEVEL, "2"); // a number
//! ```
//!
//! ```compile_fail,E0277
//! # use freebsd_jail::{JailUpdate, param};
//! JailUpdate::new().set(param::allow::SUSER, 0); // a boolean
//! ```
//!
//! ```
//! # use freebsd_jail::{Jail, JailUpdate, param};
//! let builder = Jail::builder().set(param::SECURELEVEL, 2);
//! let changes = JailUpdate::new().set(param::allow::SUSER, false);
//! ```
//!
//! # Parameters by subject
//!
//! | subject | constants |
//! |---|---|
//! | identity | [`JID`], [`NAME`], [`PATH`], [`PARENT`], [`DYING`], [`PERSIST`], [`CHILDREN_CUR`], [`CHILDREN_MAX`] |
//! | host | [`HOST`], [`HOST_HOSTNAME`], [`HOST_DOMAINNAME`], [`HOST_HOSTUUID`], [`HOST_HOSTID`], [`OSRELEASE`], [`OSRELDATE`] |
//! | limits | [`SECURELEVEL`], [`ENFORCE_STATFS`], [`DEVFS_RULESET`], [`CPUSET_ID`] |
//! | network | [`VNET`], [`IP4`], [`IP4_ADDR`], [`IP4_SADDRSEL`], [`IP6`], [`IP6_ADDR`], [`IP6_SADDRSEL`] |
//! | permissions | [`allow`], a module of its own |
//! | System V IPC | [`SYSVMSG`], [`SYSVSEM`], [`SYSVSHM`] |
//! | Linux emulation | [`LINUX`], [`LINUX_OSNAME`], [`LINUX_OSRELEASE`], [`LINUX_OSS_VERSION`] |
//! | ZFS | [`ZFS`], [`ZFS_MOUNT_SNAPSHOT`] |
//! | [mac_do(4)] | [`MAC_DO`], [`MAC_DO_RULES`] |
//! | metadata | [`META`], [`ENV`] |
//!
//! # Parameters at run time
//!
//! [`TABLE`] has a [`Definition`] of each, and [`find`] looks a name up. A kernel that lacks a parameter returns
//! [`ErrorKind::UnknownParameter`](crate::ErrorKind::UnknownParameter).
//!
//! Kernel modules add parameters: [`Param::new`] makes a key of any name, and [`Catalog`](crate::Catalog) lists those
//! of the running kernel. Each entry of `meta` and `env` is a parameter, too:
//!
//! ```
//! # use freebsd_jail::{Jail, param::Param, sim};
//! # fn main() -> freebsd_jail::Result<()> {
//! # let kernel = sim::Kernel::new();
//! # let _guard = kernel.install();
//! let jail = Jail::builder().path("/").meta("owner", "www").create()?;
//! assert_eq!(jail.get(Param::<String>::new("meta.owner"))?, "www");
//! # Ok(())
//! # }
//! ```
//!
//! [mac_do(4)]: https://man.freebsd.org/cgi/man.cgi?query=mac_do&sektion=4

mod access;
mod check;
mod codec;
mod definition;
mod entries;
mod jail_name;
mod key;
mod mac_do;
mod mode;
mod parse;
#[cfg(test)]
#[allow(clippy::expect_used, reason = "a test fails by panicking")]
mod properties;
mod rows;
#[cfg(feature = "serde")]
mod serialize;
mod sharing;
mod show;
mod since;
mod statfs;
pub(crate) mod table;
#[cfg(feature = "serde")]
pub(crate) mod text;
mod value;

pub use crate::network::{Ip4, Ip6};
pub use access::{Access, Creatable, CreateOnly, ReadOnly, ReadWrite, Updatable};
pub(crate) use check::{Use, check, size_fits};
pub(crate) use codec::Sealed;
pub use codec::{Decode, Encode};
pub use definition::Definition;
pub use entries::Entries;
pub(crate) use jail_name::{check_created_name, check_full_name, check_name, check_new_name};
pub use key::Param;
pub(crate) use key::resolve;
pub use mac_do::MacDo;
pub use mode::Mode;
pub(crate) use parse::kind_of;
pub use sharing::Sharing;
pub(crate) use show::{show, with_value, with_wire};
pub use since::Since;
pub use statfs::EnforceStatfs;
pub(crate) use table::is_late;
pub use table::*;
pub use value::{Kind, Value};
