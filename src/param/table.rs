//! The table and the constants, generated from the rows in [`rows`](super::rows).

use std::borrow::Cow;
use std::ffi::OsString;
use std::net::{Ipv4Addr, Ipv6Addr};
use std::path::PathBuf;

use super::access::Marker;
use super::definition::{Notes, NotesPlace};
use super::rows::{parameters, permissions, since_text};
use super::{
    CreateOnly, Decode, Definition, EnforceStatfs, Kind, Mode, Param, ReadOnly, ReadWrite, Sharing, Since,
};
use crate::Jid;
use crate::wire::name;

/// The maximum length of a jail's name, including NUL (`MAXHOSTNAMELEN`).
pub(crate) const NAME_MAX: usize = 256;

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
    (permissions $is_permission:literal: $(
        $(#[doc = $doc:literal])+
        $constant:ident: $type:ty, $access:ident, $name:literal, default $default:literal, since $since:ident
            $(, kind $kind:ident)? $(, module $module:literal)? $(, max $max:literal)? $(, range $least:tt ..= $most:tt)?;
    )*) => {
        /// The places of the rows.
        #[allow(non_camel_case_types, clippy::upper_case_acronyms, reason = "they have the names of the constants")]
        enum Row { $($constant),* }

        pub(super) static ROWS: [Definition; [$(Row::$constant),*].len()] = [$(Definition {
            name: Cow::Borrowed($name),
            kind: { let kind = <$type as Decode>::KIND; $(let kind = { let _ = kind; Kind::$kind };)? kind },
            access: <$access as Marker>::ACCESS,
            is_late: {
                let module: Option<&str> = None;
                $(let module = { let _ = module; Some($module) };)?
                // `meta` and `env` are set by a part of the kernel that is made as a module.
                !$is_permission && (module.is_some() || matches!($name.as_bytes(), b"meta" | b"env"))
            },
            max: { let max: Option<usize> = None; $(let max = { let _ = max; Some($max) };)? max },
            range: { let range: Option<(i32, i32)> = None; $(let range = { let _ = range; Some(($least, $most)) };)? range },
            notes: Some(NotesPlace { is_permission: $is_permission, row: Row::$constant as u8 }),
            description: None,
        }),*];

        pub(super) static NOTES: [Notes; ROWS.len()] = [$(Notes {
            since: Since::$since,
            module: { let module: Option<&str> = None; $(let module = { let _ = module; Some($module) };)? module },
            default: $default,
            doc: concat!($($doc, "\n"),+),
        }),*];

        $(
            $(#[doc = $doc])+
            #[doc = concat!(
                "\n\n| parameter | can be set | default | since FreeBSD | module | manual page |\n|---|---|---|---|---|---|\n| `",
                $name, "` | ", access_text!($access), " | ", $default, " | ", since_text!($since), " | ",
                $($module,)?
                " | [jail(8)](https://man.freebsd.org/cgi/man.cgi?query=jail&sektion=8) |",
            )]
            #[allow(clippy::indexing_slicing, reason = "it is evaluated when the crate is compiled")]
            pub const $constant: Param<'static, $type, $access> =
                Param::defined($name, &ROWS[Row::$constant as usize]);
        )*
    };
}

/// Permissions: the parameters `allow.*`.
///
/// [`Allow`](crate::Allow) is the same as a set.
pub mod allow {
    use super::{
        Cow, Decode, Definition, Marker, Notes, NotesPlace, Param, ReadWrite, Since, permissions, since_text,
    };

    macro_rules! rows {
        ($($row:tt)*) => { define! { permissions true: $($row)* } };
    }

    permissions!(rows);
}

macro_rules! rows {
    ($($row:tt)*) => { define! { permissions false: $($row)* } };
}

parameters!(rows);

/// All parameters that the crate knows, except the keys of `meta` and `env`. Permissions come last.
#[allow(clippy::indexing_slicing, reason = "it is evaluated when the crate is compiled")]
pub const TABLE: &[&Definition] = &{
    let mut all = [&ROWS[0]; ROWS.len() + allow::ROWS.len()];
    let mut place = 1;
    while place < all.len() {
        all[place] = if place < ROWS.len() { &ROWS[place] } else { &allow::ROWS[place - ROWS.len()] };
        place += 1;
    }
    all
};

/// Returns the notes of a row.
#[allow(clippy::indexing_slicing, reason = "only rows have such places")]
pub(super) const fn notes(place: NotesPlace) -> &'static Notes {
    let rows: &[Notes] = if place.is_permission { &allow::NOTES } else { &NOTES };
    &rows[place.row as usize]
}

/// Finds the row of a name. A key in `meta` or `env`, such as `meta.owner`, has the row of `meta` or `env`.
///
/// ```
/// use freebsd_jail::param::{self, Access, Kind};
///
/// let row = param::find("securelevel").expect("in the table");
/// assert_eq!((row.kind(), row.access()), (Kind::Int, Access::ReadWrite));
/// assert!(param::find("allow.mount.nosuchfs").is_none());
/// ```
#[must_use]
pub fn find(name: &str) -> Option<&'static Definition> {
    let name = match name::user_key(name) {
        Some(_) => name::text_of(name),
        None => name,
    };
    // Not through `TABLE`, a list of references that only programs have that use it.
    let rows: &[Definition] = if name.starts_with("allow.") { &allow::ROWS } else { &ROWS };
    rows.iter().find(|definition| definition.name == name)
}

/// Whether the kernel sets this parameter after creating the jail, so that a failure comes late (T18).
///
/// Those are the parameters of modules, including `meta` and `env`, except permissions and the modes of System V IPC,
/// which are checked before. An unknown name is assumed to be a module's.
pub(crate) fn is_late(name: &str, definition: Option<&Definition>) -> bool {
    match definition {
        Some(definition) => definition.is_late,
        None => !name.starts_with("allow."),
    }
}
