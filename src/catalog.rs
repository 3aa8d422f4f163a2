//! The parameters of the running kernel.

use core::ffi::c_int;
use std::sync::Arc;

use crate::error::{Call, Error, ErrorKind, Result};
use crate::get::{Answers, Keys, MANY_ROOM, MAX_TUPLE, Question};
use crate::param::{self, Access, Definition, Kind, Sealed, Value};
use crate::sys::{Errno, System};
use crate::wire::name;

/// The parameters of the running kernel, including those of loaded modules.
///
/// It is read from the sysctl tree `security.jail.param`. It does not include the keys of `meta` and `env`, names that
/// belong to the request itself, and `mdo` and `mdo.rules` of FreeBSD 14.2, whose module panics over them.
///
/// ```
/// # use freebsd_jail::{Catalog, param::{Access, Kind}, sim};
/// # fn main() -> freebsd_jail::Result<()> {
/// # let kernel = sim::Kernel::new();
/// # let _guard = kernel.install();
/// let catalog = Catalog::current()?;
/// let level = catalog.get("securelevel").expect("any kernel has it");
/// assert_eq!((level.kind(), level.access()), (Kind::Int, Access::ReadWrite));
/// for parameter in catalog.iter() {
///     println!("{:<40} {:?}: {}", parameter.name(), parameter.kind(), parameter.description());
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize), serde(transparent))]
pub struct Catalog {
    /// In the order of their names.
    parameters: Vec<Definition>,
}

impl Catalog {
    /// Reads the parameters from the kernel: four calls of [sysctl(3)] per parameter.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Unsupported`] where there are no jails, [`ErrorKind::InvalidAnswer`] if a description has an
    /// unknown format.
    ///
    /// # FreeBSD versions
    ///
    /// All. The contents depend on the running kernel: for example, `meta` and `env` exist since 14.4.
    ///
    /// [sysctl(3)]: https://man.freebsd.org/cgi/man.cgi?query=sysctl&sektion=3
    pub fn current() -> Result<Self> {
        let tree = Tree { system: System::current() };
        let root = tree.find(ROOT)?;
        let mut parameters = Vec::new();
        let mut oid = root.clone();
        while let Some(next) = tree.after(&oid)?.filter(|next| next.starts_with(&root)) {
            oid = next;
            parameters.extend(tree.describe(&oid)?);
        }
        parameters.sort_by(|one, other| one.name.cmp(&other.name));
        Ok(Self { parameters })
    }

    /// Describes one parameter.
    ///
    /// A parameter in the [table](param::TABLE), or a key of `meta` or `env`, is described by its row, without a call.
    /// Any other name takes five calls of [sysctl(3)]. Use it to find out the kind of a parameter that is known only at
    /// run time.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::UnknownParameter`] when the kernel has no such parameter, [`ErrorKind::InvalidParameter`] for a
    /// name that cannot be sent, and as [`current`](Self::current).
    ///
    /// ```
    /// # use freebsd_jail::{Catalog, ErrorKind, param::Kind, sim};
    /// # fn main() -> freebsd_jail::Result<()> {
    /// # let kernel = sim::Kernel::new();
    /// # let _guard = kernel.install();
    /// assert_eq!(Catalog::describe("meta.owner")?.kind(), Kind::String);
    /// assert_eq!(Catalog::describe("nosuch").unwrap_err().kind(), ErrorKind::UnknownParameter);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// [sysctl(3)]: https://man.freebsd.org/cgi/man.cgi?query=sysctl&sektion=3
    pub fn describe(name: &str) -> Result<Definition> {
        name::check(name)?;
        if let Some(row) = param::find(name) {
            return Ok(Definition { name: name.to_owned().into(), ..row.clone() });
        }
        let unknown =
            || Error::refused(ErrorKind::UnknownParameter, "the kernel has no such parameter").about(name);
        let tree = Tree { system: System::current() };
        let path = format!("{ROOT}.{name}");
        let mut oid = tree.oid(&path).map_err(|errno| match errno.0 {
            libc::ENOENT | libc::ENOTDIR | libc::EISDIR | libc::ENAMETOOLONG => unknown(),
            _ => failed(errno, &path),
        })?;
        loop {
            match tree.describe(&oid)? {
                Some(found) if found.name == name => return Ok(found),
                Some(_) => return Err(unknown()),
                // A node that has a value of its own has it in a child without a name, which comes next.
                None => oid = tree.after(&oid)?.ok_or_else(unknown)?,
            }
        }
    }

    /// Returns the parameters in the order of their names.
    pub fn iter(&self) -> core::slice::Iter<'_, Definition> {
        self.parameters.iter()
    }

    /// Returns the parameter of a name.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Definition> {
        let place = self.parameters.binary_search_by(|parameter| parameter.name.as_ref().cmp(name)).ok()?;
        self.parameters.get(place)
    }

    /// Returns how many parameters there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.parameters.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.parameters.is_empty()
    }
}

impl<'c> IntoIterator for &'c Catalog {
    type Item = &'c Definition;
    type IntoIter = core::slice::Iter<'c, Definition>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

/// Returns the names of all permissions that the kernel has. They are read once, or again on request, by four calls of
/// sysctl(3) for each.
pub(crate) fn permission_names(system: &System, anew: bool) -> Result<Arc<[String]>> {
    let known = &system.cache().parameters;
    if let Some(names) = known.permissions().filter(|_| !anew) {
        return Ok(names);
    }
    let tree = Tree { system: system.clone() };
    let root = tree.find(PERMISSIONS)?;
    let mut names = Vec::new();
    let mut oid = root.clone();
    while let Some(next) = tree.after(&oid)?.filter(|next| next.starts_with(&root)) {
        oid = next;
        names.extend(
            tree.describe(&oid)?.filter(|each| each.kind == Kind::Bool).map(|each| each.name.into_owned()),
        );
    }
    let names: Arc<[String]> = names.into();
    known.set_permissions(Arc::clone(&names));
    Ok(names)
}

const ROOT: &str = "security.jail.param";
const PERMISSIONS: &str = "security.jail.param.allow";

/// The sysctl tree, which describes itself below its first number, 0: see `sysctl_root` and its likes in
/// `sys/kern/kern_sysctl.c`.
#[derive(Debug)]
struct Tree {
    system: System,
}

/// A query about a node.
#[derive(Debug, Clone, Copy)]
enum About {
    Name = 1,
    Next = 2,
    Number = 3,
    Format = 4,
    Description = 5,
}

/// The type of a value, the low bits of a node's kind (`CTLTYPE`).
const TYPE_MASK: u32 = 0xf;
const TYPE_NODE: u32 = 1;
const TYPE_INT: u32 = 2;
const TYPE_STRING: u32 = 3;
const TYPE_STRUCT: u32 = 5;
const TYPE_ULONG: u32 = 8;
/// It can be written (`CTLFLAG_WR`).
const WRITABLE: u32 = 0x4000_0000;
/// It can be written when the kernel starts, which is said of a jail's start here (`CTLFLAG_TUN`).
const TUNABLE: u32 = 0x0008_0000;

impl Tree {
    /// Resolves a sysctl name to its OID.
    fn find(&self, name: &str) -> Result<Vec<c_int>> {
        self.oid(name).map_err(|errno| failed(errno, name))
    }

    fn oid(&self, name: &str) -> core::result::Result<Vec<c_int>, Errno> {
        self.ask(&[0, About::Number as c_int], Some(name.as_bytes())).map(|bytes| numbers(&bytes))
    }

    /// Returns the node that comes next in the whole tree.
    fn after(&self, oid: &[c_int]) -> Result<Option<Vec<c_int>>> {
        match self.about(About::Next, oid) {
            Ok(bytes) => Ok(Some(numbers(&bytes))),
            Err(Errno(libc::ENOENT)) => Ok(None),
            Err(errno) => Err(failed(errno, ROOT)),
        }
    }

    /// Describes a node, if it is a parameter.
    fn describe(&self, oid: &[c_int]) -> Result<Option<Definition>> {
        let text = |about| self.about(about, oid).map(|bytes| text(&bytes));
        let name = text(About::Name).map_err(|errno| failed(errno, ROOT))?;
        let Some(name) = name.strip_prefix(ROOT).and_then(|name| name.strip_prefix('.')) else {
            return Ok(None);
        };
        // A node that has a value of its own has it in a child without a name.
        let name = name.strip_suffix('.').unwrap_or(name).to_owned();
        // Those of the module mac_do of FreeBSD 14.2 may be neither read nor set.
        if name::check(&name).is_err() {
            return Ok(None);
        }
        let format = self.about(About::Format, oid).map_err(|errno| failed(errno, &name))?;
        let Some((flags, format)) = format.split_first_chunk() else {
            return Err(odd(&name));
        };
        let flags = u32::from_ne_bytes(*flags);
        if flags & TYPE_MASK == TYPE_NODE {
            return Ok(None);
        }
        let value = self.ask(oid, None).map_err(|errno| failed(errno, &name))?;
        let (kind, max) = kind(flags & TYPE_MASK, &self::text(format), &value).ok_or_else(|| odd(&name))?;
        let access = match (flags & WRITABLE != 0, flags & TUNABLE != 0) {
            (true, _) => Access::ReadWrite,
            (false, true) => Access::CreateOnly,
            (false, false) => Access::ReadOnly,
        };
        // A kernel may be built without descriptions.
        let description = text(About::Description).unwrap_or_default();
        let row = param::find(&name);
        let is_late = param::is_late(&name, row);
        Ok(Some(Definition {
            name: name.into(),
            kind,
            access,
            is_late,
            max,
            range: row.and_then(|row| row.range),
            notes: row.and_then(|row| row.notes),
            description: Some(description.into()),
        }))
    }

    fn about(&self, about: About, oid: &[c_int]) -> core::result::Result<Vec<u8>, Errno> {
        let mut mib = vec![0, about as c_int];
        mib.extend_from_slice(oid);
        self.ask(&mib, None)
    }

    fn ask(&self, mib: &[c_int], new: Option<&[u8]>) -> core::result::Result<Vec<u8>, Errno> {
        let mut value = vec![0; 256];
        loop {
            match self.system.sysctl(mib, Some(&mut value), new) {
                Ok(len) => {
                    value.truncate(len);
                    return Ok(value);
                }
                Err(Errno(libc::ENOMEM)) if value.len() < 64 * 1024 => value.resize(value.len() * 4, 0),
                Err(errno) => return Err(errno),
            }
        }
    }
}

/// Returns the kind of a value and the most bytes of a string, from the type, the format and the sample of a node.
fn kind(ctltype: u32, format: &str, value: &[u8]) -> Option<(Kind, Option<usize>)> {
    let kind = match (ctltype, format.split(',').collect::<Vec<_>>().as_slice()) {
        (TYPE_INT, ["B"]) => Kind::Bool,
        (TYPE_INT, ["E", "jailsys"]) => Kind::Mode,
        (TYPE_INT, _) => Kind::Int,
        (TYPE_ULONG, _) => Kind::Ulong,
        // The sample of a string is the greatest length, in decimal.
        (TYPE_STRING, _) => return Some((Kind::String, text(value).parse().ok().filter(|&max| max != 0))),
        (TYPE_STRUCT, ["S", "in_addr", "a"]) => Kind::Ip4,
        (TYPE_STRUCT, ["S", "in6_addr", "a"]) => Kind::Ip6,
        (TYPE_STRUCT, _) => Kind::Bytes,
        _ => return None,
    };
    Some((kind, None))
}

fn numbers(bytes: &[u8]) -> Vec<c_int> {
    bytes
        .chunks_exact(size_of::<c_int>())
        .filter_map(|each| Some(c_int::from_ne_bytes(each.try_into().ok()?)))
        .collect()
}

fn text(bytes: &[u8]) -> String {
    let text = bytes.split(|&byte| byte == 0).next().unwrap_or_default();
    String::from_utf8_lossy(text).into_owned()
}

fn failed(errno: Errno, name: &str) -> Error {
    match errno.0 {
        libc::ENOSYS => Error::no_jails(Call::Sysctl),
        _ => {
            Error::os(Call::Sysctl, errno, ErrorKind::Other, "asking for the kernel's parameters").about(name)
        }
    }
}

fn odd(name: &str) -> Error {
    Error::refused(ErrorKind::InvalidAnswer, "the kernel describes it in an unknown way").about(name)
}

impl Sealed for &Catalog {}

/// Reads all parameters of the catalog in one call, each value with its name.
///
/// ```
/// # use freebsd_jail::{Catalog, Jail, sim};
/// # fn main() -> freebsd_jail::Result<()> {
/// # let kernel = sim::Kernel::new();
/// # let _guard = kernel.install();
/// let jail = Jail::builder().name("www").path("/").create()?;
/// let catalog = Catalog::current()?;
/// for (name, value) in jail.get(&catalog)? {
///     println!("{name}={value}");
/// }
/// # Ok(())
/// # }
/// ```
impl<'c> Keys for &'c Catalog {
    type Output = Vec<(&'c str, Value)>;

    const ROOM: usize = MANY_ROOM;
    const COUNT: usize = MAX_TUPLE;

    fn ask(&self, question: &mut Question<'_, '_>) -> Result<()> {
        self.iter().try_for_each(|parameter| question.ask_named(parameter.name(), parameter.kind()))
    }

    fn answer(&self, answers: &mut Answers<'_, '_>) -> Result<Self::Output> {
        let value = |parameter: &'c Definition| {
            let name = parameter.name();
            answers.next_named(name, parameter.kind()).map(|value| (name, value))
        };
        self.parameters.iter().map(value).collect()
    }
}
