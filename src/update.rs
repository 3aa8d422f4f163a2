//! Changing a jail.

#![forbid(unsafe_code)]

use std::ffi::OsStr;
use std::net::{Ipv4Addr, Ipv6Addr};
use std::os::fd::AsFd;

use crate::SetFlags;
use crate::error::{Call, Error, ErrorKind, Result, Subject};
use crate::get::{self, Key, Read};
use crate::jail::{Jail, Nested};
use crate::param::{self, Decode, Encode, Param, Updatable, Use, Wire};
use crate::raw;
use crate::request::{Desc, Draft, Outgoing, Verb};
use crate::sys;

/// A change of a jail, from [`Jail::update`].
///
/// Only what may change after creation can be set. What is not set stays as it is: no default is sent.
///
/// The kernel applies the core's parameters before it asks its modules about theirs, so a change that fails may
/// have been made in part. The crate checks what it can before the call.
#[derive(Debug)]
#[must_use = "nothing is changed before `apply`"]
pub struct JailUpdate<'j> {
    jail: &'j Jail,
    draft: Draft<'static>,
    error: Option<Error>,
}

impl<'j> JailUpdate<'j> {
    pub(crate) fn new(jail: &'j Jail) -> Self {
        Self { jail, draft: Draft::with_room(64, 4), error: None }
    }

    /// Sets a parameter. A second value of the same one replaces the first.
    pub fn set<T: Decode, A: Updatable>(self, param: Param<'_, T, A>, value: impl Encode<T>) -> Self {
        let definition = match param.resolve() {
            Ok(definition) => definition,
            Err(error) => return self.keep(error),
        };
        self.write(param.name(), definition, value.wire())
    }

    fn write(mut self, name: &str, definition: Option<&param::Definition>, wire: Wire<'_>) -> Self {
        match param::write(&mut self.draft, name, definition, wire, Use::Update) {
            Ok(()) => self,
            Err(error) => self.keep(error),
        }
    }

    /// Keeps the first error for `apply`.
    fn keep(mut self, error: Error) -> Self {
        self.error.get_or_insert(error);
        self
    }

    /// Changes the jail's name: the last component of it, for a jail below another.
    pub fn name(self, name: impl AsRef<OsStr>) -> Self {
        self.set(param::NAME, name.as_ref())
    }

    /// Changes the host name.
    pub fn hostname(self, hostname: impl AsRef<OsStr>) -> Self {
        self.set(param::HOST_HOSTNAME, hostname.as_ref())
    }

    /// Changes the IPv4 addresses, the first being the primary one; none at all leaves the jail without.
    ///
    /// Only a jail that was created with addresses of its own can have them changed.
    pub fn ip4(self, addresses: impl AsRef<[Ipv4Addr]>) -> Self {
        self.set(param::IP4_ADDR, addresses.as_ref())
    }

    /// Changes the IPv6 addresses, the first being the primary one; none at all leaves the jail without.
    ///
    /// Only a jail that was created with addresses of its own can have them changed.
    pub fn ip6(self, addresses: impl AsRef<[Ipv6Addr]>) -> Self {
        self.set(param::IP6_ADDR, addresses.as_ref())
    }

    /// Raises the secure level. It rises in the jails below too, and can never be lowered below the parent's.
    pub fn securelevel(self, level: i32) -> Self {
        self.set(param::SECURELEVEL, level)
    }

    /// Changes how many jails may be below this one.
    pub fn children_max(self, children: i32) -> Self {
        self.set(param::CHILDREN_MAX, children)
    }

    /// Changes whether the jail stays when it has no processes. Set to false, an empty jail goes at once.
    pub fn persist(self, persist: bool) -> Self {
        self.set(param::PERSIST, persist)
    }

    /// Makes the change, in one jail_set(2). Where nothing is set, nothing is done.
    ///
    /// A jail below another one takes up to three calls more on FreeBSD 15: made from further above, the kernel
    /// would judge the change by what the caller may, and not by what the jail's parent may, so it is made from
    /// the parent.
    ///
    /// # Errors
    ///
    /// What a setter found wrong, before any call. [`ErrorKind::Gone`] when the jail has been removed,
    /// [`ErrorKind::PermissionDenied`] when not root or when the jail would be allowed more than its parent,
    /// [`ErrorKind::UnknownParameter`], [`ErrorKind::InvalidValue`], [`ErrorKind::AddressInUse`].
    pub fn apply(mut self) -> Result<()> {
        if let Some(error) = self.error.take() {
            return Err(error);
        }
        if self.draft.len() == 0 {
            return Ok(());
        }
        self.check_name()?;
        if !self.jail.system.has_descriptors() {
            return self.by_jid();
        }
        // Where the kernel has descriptors, a handle that goes by the number knows too little: pin it first.
        let pinned;
        let jail = if self.jail.descriptor_ref().is_some() && self.jail.nested() != Nested::Unknown {
            self.jail
        } else {
            pinned = self.jail.pin()?;
            &pinned
        };
        match jail.nested() {
            Nested::Yes => self.from_parent(jail),
            Nested::No | Nested::Unknown => {
                let Some(descriptor) = jail.descriptor_ref() else { return self.by_jid() };
                self.call(jail, sys::JAIL_USE_DESC, Desc::Given(descriptor))
            }
        }
    }

    fn by_jid(mut self) -> Result<()> {
        self.refuse_rename_with_children(self.jail)?;
        let jail = self.jail;
        self.draft.push(&["jid"], Outgoing::Bytes(&jail.jid().get().to_ne_bytes()));
        self.call(jail, 0, Desc::Absent)
    }

    /// Makes the change from the jail's parent, as its child of that number.
    fn from_parent(mut self, jail: &Jail) -> Result<()> {
        self.refuse_rename_with_children(jail)?;
        let Some(parent) = jail.get(param::PARENT)? else {
            // It has moved nowhere; this process has moved into its parent.
            let Some(descriptor) = jail.descriptor_ref() else { return self.by_jid() };
            return self.call(jail, sys::JAIL_USE_DESC, Desc::Given(descriptor));
        };
        let read = Read {
            system: &jail.system,
            flags: sys::JAIL_GET_DESC,
            subject: Subject::Handle,
            desc: Desc::Empty,
            key: Key::Jid(parent.get()),
            relative_to: None,
        };
        let Some(parent) = get::read(read, &())?.descriptor else {
            return Err(Error::refused(
                ErrorKind::InvalidAnswer,
                "the kernel made no descriptor of the parent",
            ));
        };
        raw::check_alive(&jail.system, parent.as_fd())?;
        self.draft.push(&["jid"], Outgoing::Bytes(&jail.jid().get().to_ne_bytes()));
        self.call(jail, sys::JAIL_AT_DESC, Desc::Given(parent.as_fd()))?;
        // The number was this jail's while it lived: if it lives still, it was this jail that changed.
        match jail.descriptor_ref() {
            Some(descriptor) => raw::check_alive(&jail.system, descriptor),
            None => Ok(()),
        }
    }

    fn call(&mut self, jail: &Jail, flags: i32, desc: Desc<'_>) -> Result<()> {
        let flags = SetFlags::UPDATE.bits() | flags;
        let verb = Verb { call: Call::JailSet, flags, subject: Subject::Handle };
        self.draft.call(&jail.system, verb, desc).map(drop)
    }

    /// A new name is one component. An empty one, or one that ends in a dot, would create a jail.
    fn check_name(&self) -> Result<()> {
        let Some(name) = self.new_name() else { return Ok(()) };
        let refuse = |reason| Err(Error::refused(ErrorKind::InvalidValue, reason).about("name"));
        match name {
            [] => refuse("a jail's name is not empty"),
            _ if name.contains(&b'.') => {
                refuse("a jail cannot be moved below another one: give the last component only")
            }
            _ => Ok(()),
        }
    }

    fn new_name(&self) -> Option<&[u8]> {
        let value = self.draft.value(self.draft.position("name")?)?;
        value.strip_suffix(&[0])
    }

    /// The kernel corrupts the names of the jails below a nested jail that is renamed.
    fn refuse_rename_with_children(&self, jail: &Jail) -> Result<()> {
        if self.new_name().is_none() {
            return Ok(());
        }
        let (parent, children) = jail.get((param::PARENT, param::CHILDREN_CUR))?;
        if parent.is_some() && children > 0 {
            return Err(Error::refused(
                ErrorKind::InvalidRequest,
                "a jail below another one cannot be renamed while it has jails below itself: the kernel would corrupt their names",
            )
            .about("name"));
        }
        Ok(())
    }
}
