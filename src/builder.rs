//! Describing and creating a jail.

#![forbid(unsafe_code)]

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use crate::SetFlags;
use crate::error::{Call, Error, ErrorKind, Result, Subject};
use crate::jail::{Jail, Nested, OwnedJail};
use crate::jid::Jid;
use crate::network::{Ip4, Ip6};
use crate::param::{self, Creatable, Decode, Encode, Mode, Param, Use, Wire};
use crate::raw;
use crate::request::{Answer, Desc, Draft, Outgoing, Verb};
use crate::sys::{self, System};

/// A jail to be created, from [`Jail::builder`] or [`Jail::child_builder`].
///
/// The setters check what they are given, and the first mistake comes back from [`create`](Self::create) or its
/// likes, before any call. What is not set is the kernel's default and is not sent.
#[derive(Debug)]
#[must_use = "nothing is created before `create`, `create_persistent` or `enter`"]
pub struct JailBuilder<'p> {
    parent: Option<&'p Jail>,
    draft: Draft<'static>,
    error: Option<Error>,
}

/// What becomes of the jail once it is created.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fate {
    /// It goes with its handle.
    Owned,
    /// It stays until it is removed.
    Persistent,
    /// This process enters it, and it goes with its last process.
    Entered,
}

impl<'p> JailBuilder<'p> {
    pub(crate) fn new(parent: Option<&'p Jail>) -> Self {
        Self { parent, draft: Draft::with_room(192, 8), error: None }
    }

    /// Sets a parameter. A second value of the same one replaces the first.
    ///
    /// ```
    /// # use freebsd_jail::{Jail, param};
    /// let builder = Jail::builder().set(param::PATH, "/usr/jail").set(param::CHILDREN_MAX, 3);
    /// ```
    pub fn set<T: Decode, A: Creatable>(self, param: Param<'_, T, A>, value: impl Encode<T>) -> Self {
        let definition = match param.resolve() {
            Ok(definition) => definition,
            Err(error) => return self.keep(error),
        };
        self.write(param.name(), definition, value.wire())
    }

    fn write(mut self, name: &str, definition: Option<&param::Definition>, wire: Wire<'_>) -> Self {
        match param::write(&mut self.draft, name, definition, wire, Use::Create) {
            Ok(()) => self,
            Err(error) => self.keep(error),
        }
    }

    /// Keeps the first error for the end.
    fn keep(mut self, error: Error) -> Self {
        self.error.get_or_insert(error);
        self
    }

    fn unset(mut self, name: &str) -> Self {
        if let Some(place) = self.draft.position(name) {
            self.draft.remove(place);
        }
        self
    }

    /// Sets the name. Default: the jail's number.
    ///
    /// `parent.child` names a jail below `parent`; it is then created as by [`Jail::child_builder`]. A name whose last component is a
    /// decimal number is refused unless [`jid`](Self::jid) sets the same one.
    pub fn name(self, name: impl AsRef<OsStr>) -> Self {
        self.set(param::NAME, name.as_ref())
    }

    /// Asks for a number. Default: the kernel picks one.
    pub fn jid(self, jid: Jid) -> Self {
        self.set(param::JID, jid)
    }

    /// Sets the directory that becomes the jail's root. Default: this process's root.
    ///
    /// It must exist, and is looked up from this process's root. A jail below another one needs it.
    pub fn path(self, path: impl AsRef<Path>) -> Self {
        self.set(param::PATH, path.as_ref())
    }

    /// Sets the host name, and gives the jail host identifiers of its own. Default: empty.
    pub fn hostname(self, hostname: impl AsRef<OsStr>) -> Self {
        self.set(param::HOST_HOSTNAME, hostname.as_ref())
    }

    /// Sets the IPv4 addresses: some, the first being the primary one, or none, or all that the parent has.
    /// Default: none.
    pub fn ip4(self, ip4: impl Into<Ip4>) -> Self {
        match ip4.into() {
            Ip4::Addresses(addresses) => self.unset("ip4").set(param::IP4_ADDR, addresses),
            Ip4::Disable => self.unset("ip4.addr").set(param::IP4, Mode::Disable),
            Ip4::Inherit => self.unset("ip4.addr").set(param::IP4, Mode::Inherit),
        }
    }

    /// Sets the IPv6 addresses: some, the first being the primary one, or none, or all that the parent has.
    /// Default: none.
    pub fn ip6(self, ip6: impl Into<Ip6>) -> Self {
        match ip6.into() {
            Ip6::Addresses(addresses) => self.unset("ip6").set(param::IP6_ADDR, addresses),
            Ip6::Disable => self.unset("ip6.addr").set(param::IP6, Mode::Disable),
            Ip6::Inherit => self.unset("ip6.addr").set(param::IP6, Mode::Inherit),
        }
    }

    /// Sets the secure level, which cannot be below the parent's. Default: the parent's.
    pub fn securelevel(self, level: i32) -> Self {
        self.set(param::SECURELEVEL, level)
    }

    /// Sets how many jails may be below this one. Default: 0. It must be less than the parent's.
    pub fn children_max(self, children: i32) -> Self {
        self.set(param::CHILDREN_MAX, children)
    }

    /// Creates the jail, to be removed when the handle is dropped.
    ///
    /// Wraps jail_set(2) with `JAIL_CREATE`, one call. A jail below another one may take more: before FreeBSD 15
    /// the parent's name and limit have to be asked for.
    ///
    /// # Errors
    ///
    /// What a setter found wrong, before any call. [`ErrorKind::AlreadyExists`], [`ErrorKind::InvalidPath`],
    /// [`ErrorKind::PermissionDenied`] when not root or when the jail would be allowed more than its parent,
    /// [`ErrorKind::LimitExceeded`], [`ErrorKind::AddressInUse`], [`ErrorKind::UnknownParameter`],
    /// [`ErrorKind::NotFound`] when the parent does not exist, [`ErrorKind::Gone`] when the jail of
    /// [`Jail::child_builder`] has been removed.
    ///
    /// # FreeBSD versions
    ///
    /// Since 15.0 the kernel removes the jail when this process ends, however it ends; before, only `Drop` does.
    ///
    /// ```
    /// # use freebsd_jail::{Jail, param, sim};
    /// # fn main() -> freebsd_jail::Result<()> {
    /// # let kernel = sim::Kernel::new();
    /// # let _guard = kernel.install();
    /// let jail = Jail::builder()
    ///     .path("/usr/jail")
    ///     .hostname("www.example.org")
    ///     .ip4([[10, 0, 0, 22].into()])
    ///     .create()?;
    /// assert_eq!(jail.get(param::HOST_HOSTNAME)?, "www.example.org");
    /// # Ok(())
    /// # }
    /// ```
    #[doc(alias = "jail_set")]
    pub fn create(self) -> Result<OwnedJail> {
        self.make(Fate::Owned).map(OwnedJail::new)
    }

    /// Creates a jail that stays, with or without processes, until someone removes it.
    ///
    /// Wraps jail_set(2) with `JAIL_CREATE`, as [`create`](Self::create).
    ///
    /// # Errors
    ///
    /// As [`create`](Self::create).
    pub fn create_persistent(self) -> Result<Jail> {
        self.make(Fate::Persistent)
    }

    /// Creates a jail and moves this process into it, for good. The jail goes with its last process.
    ///
    /// All threads of the process move; see [`Jail::attach`]. The process cannot see its own jail then, so there
    /// is no handle, only the number.
    ///
    /// Wraps jail_set(2) with `JAIL_CREATE | JAIL_ATTACH`, as [`create`](Self::create).
    ///
    /// # Errors
    ///
    /// As [`create`](Self::create), and as [`Jail::attach`]: any open directory hinders.
    pub fn enter(self) -> Result<Jid> {
        self.make(Fate::Entered).map(|jail| jail.jid())
    }

    fn make(mut self, fate: Fate) -> Result<Jail> {
        if let Some(error) = self.error.take() {
            return Err(error);
        }
        self.check_name()?;
        self.check_addresses()?;
        self.decide_persistence(fate)?;
        // What `parent.child` names is created from the parent, which is what makes the kernel count it.
        let parent_of_name;
        if let Some((above, last)) = self.split_name() {
            self.require_path()?;
            parent_of_name = match self.parent {
                Some(parent) => parent.open_child(&above)?,
                None => Jail::open(above.as_os_str()).map_err(|error| match error.kind() {
                    ErrorKind::NotFound => error.about("name").because("the parent does not exist"),
                    _ => error,
                })?,
            };
            self = self.unset("name");
            if !last.is_empty() {
                self.draft.push(&["name"], Outgoing::Text(last.as_bytes()));
            }
            return self.make_below(&parent_of_name, fate);
        }
        match self.parent {
            Some(parent) => {
                self.require_path()?;
                self.make_below(parent, fate)
            }
            None => {
                let system = System::current();
                let answer = self.call(&system, fate, 0, Desc::Absent)?;
                Jail::found(system, answer.jid, answer.descriptor, Nested::No)
            }
        }
    }

    /// Creates the jail below another one.
    fn make_below(mut self, parent: &Jail, fate: Fate) -> Result<Jail> {
        let system = parent.system.clone();
        let answer = if system.has_descriptors() {
            let pinned;
            let parent = if parent.descriptor_ref().is_some() {
                parent
            } else {
                pinned = parent.pin()?;
                &pinned
            };
            let Some(descriptor) = parent.descriptor_ref() else {
                return Err(Error::refused(
                    ErrorKind::InvalidAnswer,
                    "the kernel made no descriptor of the parent",
                ));
            };
            // The kernels of 15.0 and 15.1 release one reference too many of a jail that has died.
            raw::check_alive(&system, descriptor)?;
            self.call(&system, fate, sys::JAIL_AT_DESC, Desc::Given(descriptor)).map_err(|error| {
                match error.kind() {
                    // Without text it may be either; the limit of 0 is the commoner.
                    ErrorKind::PermissionDenied
                        if parent.get(param::CHILDREN_MAX).is_ok_and(|max| max == 0) =>
                    {
                        limit_error(parent, 0)
                    }
                    ErrorKind::LimitExceeded => error.because(format!(
                        "children.max of jail {} or of a jail above it is reached",
                        parent.jid()
                    )),
                    _ => error,
                }
            })?
        } else {
            // The kernel does not count a jail that is created by its full name against the parent's limit.
            let (name, most, now) = parent.get((param::NAME, param::CHILDREN_MAX, param::CHILDREN_CUR))?;
            if now >= most {
                return Err(limit_error(parent, most));
            }
            let last = self.draft.position("name").and_then(|place| self.draft.value(place));
            let mut full = name.as_bytes().to_vec();
            full.push(b'.');
            full.extend_from_slice(last.and_then(|last| last.strip_suffix(&[0])).unwrap_or_default());
            self = self.unset("name");
            if full.len() >= param::NAME_MAX {
                return Err(Error::refused(
                    ErrorKind::InvalidValue,
                    "with the names of the jails above it, the name is longer than 255 bytes",
                )
                .about("name"));
            }
            self.draft.push(&["name"], Outgoing::Text(&full));
            self.call(&system, fate, 0, Desc::Absent)?
        };
        Jail::found(system, answer.jid, answer.descriptor, Nested::Yes)
    }

    fn call(&mut self, system: &System, fate: Fate, flags: i32, desc: Desc<'_>) -> Result<Answer> {
        let mut flags = SetFlags::CREATE.bits() | flags;
        let mut desc = desc;
        match fate {
            Fate::Entered => flags |= sys::JAIL_ATTACH,
            Fate::Owned | Fate::Persistent if !system.has_descriptors() => {}
            Fate::Owned | Fate::Persistent => {
                flags |= if fate == Fate::Owned { sys::JAIL_OWN_DESC } else { sys::JAIL_GET_DESC };
                if matches!(desc, Desc::Absent) {
                    desc = Desc::Empty;
                }
            }
        }
        let verb = Verb { call: Call::JailSet, flags, subject: Subject::New };
        self.draft.call(system, verb, desc)
    }

    /// A jail that is held by a handle needs `persist`; one that is entered goes with its last process.
    fn decide_persistence(&mut self, fate: Fate) -> Result<()> {
        let refuse = |reason| Err(Error::refused(ErrorKind::Conflict, reason).about("persist"));
        match (self.draft.collision("persist").map(|place| self.draft.name(place)), fate) {
            (Some("persist"), _) | (None, Fate::Entered) => Ok(()),
            (Some(_), Fate::Entered) => Ok(()),
            (Some(_), Fate::Owned | Fate::Persistent) => refuse(
                "a jail without processes exists only while it is persistent; to go with its handle, `create` it",
            ),
            (None, Fate::Owned | Fate::Persistent) => {
                self.draft.push(&["persist"], Outgoing::Null);
                Ok(())
            }
        }
    }

    fn require_path(&self) -> Result<()> {
        if self.draft.position("path").is_some() {
            return Ok(());
        }
        Err(Error::refused(
            ErrorKind::InvalidParameter,
            "a jail below another one needs a path: without, the kernel would give it this process's root",
        )
        .about("path"))
    }

    /// Returns the name without its NUL.
    fn name_bytes(&self) -> Option<&[u8]> {
        self.draft.value(self.draft.position("name")?)?.strip_suffix(&[0])
    }

    /// Splits `parent.child`, where the name is of that form.
    fn split_name(&self) -> Option<(std::ffi::OsString, std::ffi::OsString)> {
        let name = self.name_bytes()?;
        let dot = name.iter().rposition(|&byte| byte == b'.')?;
        let (above, last) = (name.get(..dot)?, name.get(dot + 1..)?);
        Some((OsStr::from_bytes(above).to_owned(), OsStr::from_bytes(last).to_owned()))
    }

    /// A number as a name asks for that number, whether it was meant so or not.
    fn check_name(&self) -> Result<()> {
        let Some(name) = self.name_bytes() else { return Ok(()) };
        let refuse = |reason| Err(Error::refused(ErrorKind::InvalidValue, reason).about("name"));
        let last = name.rsplit(|&byte| byte == b'.').next().unwrap_or_default();
        if name.split(|&byte| byte == b'.').rev().skip(1).any(<[u8]>::is_empty) {
            return refuse("a level of the name is empty");
        }
        let digits = last.strip_prefix(b"-").unwrap_or(last);
        if digits.is_empty() || !digits.iter().all(u8::is_ascii_digit) {
            return Ok(());
        }
        let jid = self.draft.position("jid").and_then(|place| self.draft.value(place));
        let jid = jid.and_then(|jid| jid.try_into().ok()).map(i32::from_ne_bytes);
        match jid {
            Some(jid) if jid.to_string().as_bytes() == last => Ok(()),
            _ => refuse("a name that is a number must be that of the jail: set `jid` to it"),
        }
    }

    fn check_addresses(&self) -> Result<()> {
        for (mode, addresses) in [("ip4", "ip4.addr"), ("ip6", "ip6.addr")] {
            let value = self.draft.position(mode).and_then(|place| self.draft.value(place));
            let is_new = value.is_none_or(|value| *value == Mode::New.number().to_ne_bytes());
            if !is_new && self.draft.position(addresses).is_some() {
                return Err(Error::refused(
                    ErrorKind::Conflict,
                    format!("a jail that has its parent's addresses or none cannot have `{addresses}`"),
                )
                .about(mode));
            }
        }
        Ok(())
    }
}

fn limit_error(parent: &Jail, most: i32) -> Error {
    Error::refused(
        ErrorKind::LimitExceeded,
        format!("jail {} may have {most} jails below it (children.max), and has them", parent.jid()),
    )
    .about("children.max")
}
