//! Changing a jail.

#![forbid(unsafe_code)]

mod setters;

use std::os::fd::AsFd;
use std::os::unix::ffi::OsStringExt;

use crate::SetFlags;
use crate::error::{Call, Error, ErrorKind, Result, Subject};
use crate::jail::{Jail, Nested, read_and_pin};
use crate::param::{self, Mode, Use};
use crate::raw;
use crate::request::{Desc, Draft, Outgoing, Verb};
use crate::settings::Settings;
use crate::sys::{self, Trap};

/// A change of a jail, from [`Jail::update`].
///
/// Only what may change after creation can be set. What is not set stays as it is: no default is sent, and nothing
/// that was read before is sent again, but for the rules of mac_do(4), see [`apply`](Self::apply).
///
/// The kernel applies the core's parameters before it asks its modules about theirs, so a change that fails may
/// have been made in part. The crate checks what it can before the call.
#[derive(Debug, Clone)]
#[must_use = "nothing is changed before `apply`"]
pub struct JailUpdate<'j> {
    jail: &'j Jail,
    pub(crate) settings: Settings,
}

/// A change that is for no jail yet: it can be kept, applied to several jails, and written down.
///
/// ```
/// # use freebsd_jail::{Changes, Jail, param, sim};
/// # fn main() -> freebsd_jail::Result<()> {
/// # let kernel = sim::Kernel::new();
/// # let _guard = kernel.install();
/// let harden = Changes::new().set(param::SECURELEVEL, 3).set(param::ALLOW_RAW_SOCKETS, false);
/// for jail in [Jail::builder().path("/").create()?, Jail::builder().path("/").create()?] {
///     jail.update().with(&harden).apply()?;
///     assert_eq!(jail.get(param::SECURELEVEL)?, 3);
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone)]
pub struct Changes {
    pub(crate) settings: Settings,
}

impl<'j> JailUpdate<'j> {
    pub(crate) fn new(jail: &'j Jail) -> Self {
        Self { jail, settings: Settings::with_room(Use::Update, 64, 4) }
    }

    /// Takes over all that the changes set. Where both set a parameter, theirs holds.
    pub fn with(mut self, changes: &Changes) -> Self {
        self.settings.extend(&changes.settings);
        self
    }

    /// Returns what is set, without the jail. Nothing is changed.
    #[must_use]
    pub fn into_changes(self) -> Changes {
        Changes { settings: self.settings }
    }

    /// Makes the change, in one jail_set(2). Where nothing is set, nothing is done.
    ///
    /// A jail below another one takes up to three calls of jail_get(2) and three of fstat(2) more on FreeBSD 15: made
    /// from further above, the kernel would judge the change by what the caller may, and not by what the jail's parent
    /// may, so it is made from the parent. There it goes by the jail's number, and the handle's jail is seen to live
    /// right before and right after. Should it be removed in between, and another jail be created with its number below
    /// the same parent, that one is changed, and this says [`ErrorKind::Gone`].
    ///
    /// Where mac_do(4) is loaded, the kernel would reset the rules of a jail with every update that does not mention
    /// them, so they are read right before and carried, which is one call more. What somebody else changes of the
    /// rules between the two calls is undone: rules that are taken away right then come back. Whether the module is
    /// there is found out at the first update, by sysctl(3), and not again: start a process that changes jails after
    /// it is loaded.
    ///
    /// Keys of `meta` and `env` that are set together with other parameters, or both with each other, take one call
    /// more, too: the texts' lengths are checked before anything changes.
    ///
    /// # Errors
    ///
    /// What a setter found wrong, before any call. [`ErrorKind::Gone`] when the jail has been removed,
    /// [`ErrorKind::PermissionDenied`] when not root or when the jail would be allowed more than its parent,
    /// [`ErrorKind::UnknownParameter`], [`ErrorKind::InvalidValue`], [`ErrorKind::AddressInUse`].
    ///
    /// # Privileges
    ///
    /// By descriptor the kernel asks whether the maker of the descriptor was root, so a process that has become another
    /// user since can still change a jail of its own level. A jail below another one is changed from its parent, of which
    /// this process makes a new descriptor, and by jid the kernel asks about the caller: both need root at that time.
    ///
    /// # FreeBSD versions
    ///
    /// Since 15.0 the handle's own jail is changed, but for the moment described above; before, the jail that has its
    /// number, in one call, nested or not: there the kernel judges it by what its parent may.
    pub fn apply(mut self) -> Result<()> {
        self.settings.take_error()?;
        if self.settings.is_empty() {
            return Ok(());
        }
        self.jail.check()?;
        self.check_name()?;
        self.settings.check()?;
        self.check_texts()?;
        self.settings.join();
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
            Nested::Yes => self.through_parent(jail),
            Nested::No | Nested::Unknown => {
                let Some(descriptor) = jail.descriptor_ref() else { return self.by_jid() };
                self.call(jail, sys::JAIL_USE_DESC, Desc::Given(descriptor))
            }
        }
    }

    /// Checks the lengths of `meta` and `env`, since the kernel would do so after it has changed other things.
    fn check_texts(&self) -> Result<()> {
        let system = &self.jail.system;
        if !self.settings.has_texts() {
            return Ok(());
        }
        // Each of the texts is changed as a whole or not at all; what is set beside it may be changed before.
        if self.settings.is_one_text() || !Trap::T5.is_there(system) {
            return self.settings.check_new_texts(system);
        }
        let (meta, env) = if self.settings.has_keys() {
            match self.jail.get((param::META, param::ENV)) {
                // The kernel says so of what is set, too, before it changes anything.
                Err(error) if error.kind() == ErrorKind::UnknownParameter => return Ok(()),
                texts => texts?,
            }
        } else {
            Default::default()
        };
        self.settings.check_changed_texts(system, &meta.into_vec(), &env.into_vec())
    }

    fn by_jid(mut self) -> Result<()> {
        self.refuse_rename_with_children(self.jail)?;
        let jail = self.jail;
        let may_go = self.settings.core.position("nopersist").is_some();
        self.settings.core.push(&["jid"], Outgoing::Bytes(&jail.jid().get().to_ne_bytes()));
        self.call(jail, 0, Desc::Absent)?;
        if may_go {
            // An empty jail has gone with the change, and another one may be given its jid.
            jail.look_after();
        }
        Ok(())
    }

    /// Makes the change from the jail's parent, as its child of that number.
    fn through_parent(mut self, jail: &Jail) -> Result<()> {
        self.refuse_rename_with_children(jail)?;
        let Some(parent) = jail.get(param::PARENT)? else {
            // It has moved nowhere; this process has moved into its parent.
            let Some(descriptor) = jail.descriptor_ref() else { return self.by_jid() };
            return self.call(jail, sys::JAIL_USE_DESC, Desc::Given(descriptor));
        };
        let (parent, ()) = read_and_pin(&jail.system, parent, &())?;
        raw::check_alive(&jail.system, parent.as_fd())?;
        check_alive(jail)?;
        // An empty jail that is not to persist any more goes with the change.
        let may_go = self.settings.core.position("nopersist").is_some();
        self.settings.core.push(&["jid"], Outgoing::Bytes(&jail.jid().get().to_ne_bytes()));
        self.call(jail, sys::JAIL_AT_DESC, Desc::Given(parent.as_fd()))?;
        // The number was this jail's while it lived: if it lives still, it was this jail that changed.
        if may_go { Ok(()) } else { check_alive(jail) }
    }

    fn call(&mut self, jail: &Jail, flags: i32, desc: Desc<'_>) -> Result<()> {
        let flags = SetFlags::UPDATE.bits() | flags;
        let verb = Verb { call: Call::JailSet, flags, subject: Subject::Handle };
        // As late as can be: what is changed in between is lost.
        carry_rules(jail, &mut self.settings.core)?;
        let result = self.settings.core.call(&jail.system, verb, desc);
        result.map(drop).map_err(|error| jail.gone_or_unseen(self.settings.by_its_name(error)))
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
        self.settings.text("name")
    }

    /// The kernel corrupts the names of the jails below a nested jail that is renamed.
    fn refuse_rename_with_children(&self, jail: &Jail) -> Result<()> {
        if self.new_name().is_none() || !Trap::T19.is_there(&jail.system) {
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

/// Says whether the jail of a handle lives, where it holds a descriptor.
fn check_alive(jail: &Jail) -> Result<()> {
    jail.descriptor_ref().map_or(Ok(()), |descriptor| raw::check_alive(&jail.system, descriptor))
}

/// Adds the jail's rules of mac_do(4) to an update, unless it sets them itself: the kernel would reset them.
pub(crate) fn carry_rules(jail: &Jail, draft: &mut Draft<'_>) -> Result<()> {
    let names = [param::MAC_DO.name(), param::MAC_DO_RULES.name()];
    if names.iter().any(|name| draft.position(name).is_some()) || !jail.system.has_mac_do() {
        return Ok(());
    }
    let (mode, rules) = match jail.get((param::MAC_DO, param::MAC_DO_RULES)) {
        Ok(rules) => rules,
        // It has been unloaded.
        Err(error) if error.kind() == ErrorKind::UnknownParameter => return Ok(()),
        Err(error) => return Err(error),
    };
    match mode {
        Mode::Disable => {}
        Mode::New => {
            draft.push(&[param::MAC_DO.name()], Outgoing::Bytes(&mode.number().to_ne_bytes()));
            draft.push(&[param::MAC_DO_RULES.name()], Outgoing::Text(&rules.into_vec()));
        }
        // The rules are the parent's then.
        Mode::Inherit => {
            draft.push(&[param::MAC_DO.name()], Outgoing::Bytes(&mode.number().to_ne_bytes()));
        }
    }
    Ok(())
}
