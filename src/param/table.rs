//! What is known of each parameter, made of the rows in [`rows`](super::rows).

use std::ffi::OsString;
use std::net::{Ipv4Addr, Ipv6Addr};
use std::path::PathBuf;

use super::access::Marker;
use super::rows::{parameters, since_text};
use super::{Access, Decode, EnforceStatfs, Kind, Mode, Param, Sharing, Since};
use crate::Jid;
use crate::wire::name;

/// The most bytes of a jail's name, its NUL included (`MAXHOSTNAMELEN`).
pub(crate) const NAME_MAX: usize = 256;

/// A row of the table: what is known of a parameter.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct Definition {
    /// The parameter's name.
    pub name: &'static str,
    /// How its value looks on the wire.
    pub kind: Kind,
    /// What may be done with it.
    pub access: Access,
    /// The release that it came with.
    pub since: Since,
    /// The module that has to be loaded, or built into the kernel, for it to exist.
    pub module: Option<&'static str>,
    /// The value of a new jail that is given none.
    pub default: &'static str,
    /// The most bytes that a value may have, a string's NUL included; 0 where only the system's settings limit it.
    pub max: usize,
    /// The least and the greatest value of an integer, or number of a [`Mode`].
    pub range: Option<(i32, i32)>,
    /// What it does, as the constant's documentation has it.
    pub doc: &'static str,
}

impl Definition {
    /// Whether it is a boolean to its users and an int to the kernel.
    pub(crate) fn is_numeric_boolean(&self) -> bool {
        self.kind == Kind::Int && self.range == Some((0, 1))
    }
}

macro_rules! access_text {
    (ReadWrite) => {
        "at creation and later"
    };
    (CreateOnly) => {
        "at creation only"
    };
    (ReadOnly) => {
        "no"
    };
}

macro_rules! define {
    ($(
        $(#[doc = $doc:literal])+
        $constant:ident: $type:ty, $access:ident, $name:literal, default $default:literal, since $since:ident
            $(, kind $kind:ident)? $(, module $module:literal)? $(, max $max:literal)? $(, range $least:tt ..= $most:tt)?;
    )*) => {
        mod definitions {
            use super::*;
            $(pub(super) static $constant: Definition = Definition {
                name: $name,
                kind: { let kind = <$type as Decode>::KIND; $(let kind = { let _ = kind; Kind::$kind };)? kind },
                access: <super::super::$access as Marker>::ACCESS,
                since: Since::$since,
                module: { let module: Option<&'static str> = None; $(let module = { let _ = module; Some($module) };)? module },
                default: $default,
                max: 0 $(+ $max)?,
                range: { let range: Option<(i32, i32)> = None; $(let range = { let _ = range; Some(($least, $most)) };)? range },
                doc: concat!($($doc, "\n"),+),
            };)*
        }

        $(
            $(#[doc = $doc])+
            #[doc = concat!(
                "\n\n| parameter | can be set | default | since FreeBSD | module | manual page |\n|---|---|---|---|---|---|\n| `",
                $name, "` | ", access_text!($access), " | ", $default, " | ", since_text!($since), " | ",
                $($module,)?
                " | [jail(8)](https://man.freebsd.org/cgi/man.cgi?query=jail&sektion=8) |",
            )]
            pub const $constant: Param<'static, $type, super::$access> =
                Param::defined(&definitions::$constant);
        )*

        /// All rows, in the order of the manual page.
        pub const TABLE: &[&Definition] = &[$(&definitions::$constant),*];
    };
}

parameters!(define);

/// Finds the row of a name. A key in `meta` or `env`, such as `meta.owner`, has theirs.
///
/// ```
/// use freebsd_jail::param::{self, Access, Kind};
///
/// let row = param::find("securelevel").expect("in the table");
/// assert_eq!((row.kind, row.access), (Kind::Int, Access::ReadWrite));
/// assert!(param::find("allow.mount.nosuchfs").is_none());
/// ```
#[must_use]
pub fn find(name: &str) -> Option<&'static Definition> {
    let name = match name::user_key(name) {
        Some(_) => name.split('.').next().unwrap_or_default(),
        None => name,
    };
    TABLE.iter().copied().find(|definition| definition.name == name)
}

/// Whether the kernel sets this parameter after the jail has come into being, so that a failure comes late.
///
/// Those are the parameters of modules, `meta` and `env` included, but for permissions and the modes of System V
/// IPC, which are checked before. A name that nothing is known of is taken to be a module's.
pub(crate) fn is_late(name: &str, definition: Option<&Definition>) -> bool {
    let is_text_of_keys = |name: &str| matches!(name, "meta" | "env");
    !name.starts_with("allow.")
        && definition.is_none_or(|definition| definition.module.is_some() || is_text_of_keys(definition.name))
}
