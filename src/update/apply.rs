//! Updating a jail.

use core::mem;
use std::os::fd::AsFd;
use std::os::unix::ffi::OsStringExt;

use super::JailUpdate;
use crate::error::{Call, Error, ErrorKind, Result, Subject};
use crate::flags::GetFlags;
use crate::flags::SetFlags;
use crate::get::{self, Key, Read};
use crate::guard::alive;
use crate::guard::{ipc, rename};
use crate::jail::{Jail, Nested, carry_rules, read_and_pin};
use crate::jid::Jid;
use crate::param::{self, Decode, Encode, Mode, Param, Updatable, Use};
use crate::settings::{Settings, unset};
use crate::sys::Trap;
use crate::wire::{At, Draft, ErrorText, Verb, Wire};

/// # Updating
impl Jail {
    /// Updates the jail, in one [jail_set(2)]. Does nothing if nothing is set.
    ///
    /// Parameters that the update does not name stay as they are: no default is sent, and no value that was read
    /// before, except the rules of [mac_do(4)], see below.
    ///
    /// **An update that fails may have been made in part** (T5): the kernel applies its own parameters before those of
    /// its modules. The crate checks what it can before the call, but only the kernel finds a `zfs.mount_snapshot`
    /// above the parent's, and malformed rules of mac_do(4).
    ///
    /// ```
    /// # use freebsd_jail::{Allow, Jail, JailUpdate, param, sim};
    /// # fn main() -> freebsd_jail::Result<()> {
    /// # let kernel = sim::Kernel::new();
    /// # let _guard = kernel.install();
    /// let jail = Jail::builder().path("/").securelevel(1).allow(Allow::MLOCK).create()?;
    /// jail.update(&JailUpdate::new().securelevel(2).deny(Allow::MLOCK))?;
    /// assert_eq!(jail.get((param::SECURELEVEL, param::allow::MLOCK))?, (2, false));
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Where it takes more calls
    ///
    /// On FreeBSD 15 a nested jail takes up to three more calls of [jail_get(2)] and of [fstat(2)]. From further above,
    /// the kernel would compare the update with the caller's jail and not with the jail's parent (T4), so the update is
    /// made from the parent, by the jail's jid. The handle's jail is checked to be alive right before and right after,
    /// unless it is removed by losing [`persist`](JailUpdate::persist). If it is removed in between, and another jail gets
    /// its jid below the same parent, that one is updated, and the result is [`ErrorKind::Gone`].
    ///
    /// If mac_do(4) is loaded, the kernel resets the rules of a jail with every update that does not mention them (T6).
    /// So one more call reads them right before, and the update keeps them. A change of the rules by another process
    /// between the two calls is lost: rules that are removed at this moment are restored. Whether the module is loaded
    /// is found out at the first update, by [sysctl(3)], and not again: load it before you start a process that updates
    /// jails.
    ///
    /// Entries of `meta` and `env` that are set together with other parameters, or with each other, take one more call,
    /// and sysctl `security.jail.meta_maxbufsize`: the lengths of the texts are checked before anything changes.
    ///
    /// An update of `allow.sysvipc`, `sysvmsg`, `sysvsem` or `sysvshm` takes one more call, which reads the jail's
    /// modes. It is refused if the jail, or one below it, would lose a namespace of its own (T41). A permission that
    /// would not change is not sent. For a new name see [`JailUpdate::name`].
    ///
    /// # Errors
    ///
    /// The first mistake that [`JailUpdate::check`] finds, before any call. [`ErrorKind::Gone`] when the jail has been
    /// removed, [`ErrorKind::PermissionDenied`] when not root or when the jail would have more permissions than its
    /// parent, [`ErrorKind::InvalidRequest`] for an update that would harm the kernel or the jail's processes, with an
    /// alternative; [`ErrorKind::UnknownParameter`], [`ErrorKind::InvalidValue`], [`ErrorKind::AddressInUse`].
    ///
    /// # Privileges
    ///
    /// By descriptor the kernel checks whether the descriptor's maker was root, so a process that has changed its user
    /// since can still update a jail of its own level. For a nested jail this process makes a new descriptor of the
    /// parent, and by jid the kernel checks the caller: both need root at that time.
    ///
    /// # FreeBSD versions
    ///
    /// Since 15.0 the handle's own jail is updated, except in the case described above. Before, it is the jail that has
    /// its jid, in one call, nested or not: there the kernel compares it with its parent.
    ///
    /// [jail_set(2)]: https://man.freebsd.org/cgi/man.cgi?query=jail_set&sektion=2
    /// [mac_do(4)]: https://man.freebsd.org/cgi/man.cgi?query=mac_do&sektion=4
    /// [jail_get(2)]: https://man.freebsd.org/cgi/man.cgi?query=jail_get&sektion=2
    /// [fstat(2)]: https://man.freebsd.org/cgi/man.cgi?query=fstat&sektion=2
    /// [sysctl(3)]: https://man.freebsd.org/cgi/man.cgi?query=sysctl&sektion=3
    #[doc(alias = "jail_set")]
    pub fn update(&self, update: &JailUpdate) -> Result<()> {
        self.apply(&update.settings)
    }

    #[inline(never)]
    fn apply(&self, settings: &Settings<'_>) -> Result<()> {
        super::first_mistake(settings)?;
        if settings.is_empty() {
            return Ok(());
        }
        self.check()?;
        check_texts(self, settings)?;
        let core = match settings.sent(&self.system, false)? {
            Some(sent) => sent.core,
            None => settings.core.clone(),
        };
        Change { jail: self, settings, core }.apply()
    }

    /// Updates with settings that are not needed afterwards, most of which are sent from where they are.
    fn apply_own(&self, settings: &mut Settings<'_>) -> Result<()> {
        if settings.late().len() > 0 || settings.core.has("name") {
            return self.apply(settings);
        }
        if settings.may_have_mistakes() {
            super::first_mistake(settings)?;
        }
        self.check()?;
        let core = mem::replace(&mut settings.core, Draft::new());
        Change { jail: self, settings, core }.apply()
    }

    /// Updates one parameter, in one [jail_set(2)], as [`update`](Self::update).
    ///
    /// # Errors
    ///
    /// As [`update`](Self::update).
    ///
    /// ```
    /// # use freebsd_jail::{Jail, param, sim};
    /// # fn main() -> freebsd_jail::Result<()> {
    /// # let kernel = sim::Kernel::new();
    /// # let _guard = kernel.install();
    /// let jail = Jail::builder().path("/").create()?;
    /// jail.set(param::SECURELEVEL, 3)?;
    /// assert_eq!(jail.get(param::SECURELEVEL)?, 3);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// [jail_set(2)]: https://man.freebsd.org/cgi/man.cgi?query=jail_set&sektion=2
    pub fn set<T: Decode, A: Updatable>(&self, param: Param<'_, T, A>, value: impl Encode<T>) -> Result<()> {
        // Enough for any but a long string, which goes to the heap.
        let mut memory = [0; 128];
        let mut settings = Settings::with(Use::Update, Draft::lent(&mut memory));
        settings.set(param, &value);
        self.apply_own(&mut settings)
    }
}

/// Checks the lengths of `meta` and `env`, since the kernel would do so after it has changed other things (T5).
fn check_texts(jail: &Jail, settings: &Settings<'_>) -> Result<()> {
    let system = &jail.system;
    if !settings.has_texts() {
        return Ok(());
    }
    // Each text is changed as a whole or not at all, but other parameters may be changed before it.
    if settings.is_one_text() || !Trap::T5.is_there(system) {
        return settings.check_new_texts(system);
    }
    let (meta, env) = if settings.has_keys() {
        match jail.get((param::META, param::ENV)) {
            // The kernel reports the same for the update, before it changes anything.
            Err(error) if error.kind() == ErrorKind::UnknownParameter => return Ok(()),
            texts => texts?,
        }
    } else {
        Default::default()
    };
    settings.check_changed_texts(system, &meta.into_vec(), &env.into_vec())
}

/// An update of a jail that is being made.
struct Change<'u, 'd> {
    jail: &'u Jail,
    settings: &'u Settings<'u>,
    /// The parameters to send.
    core: Draft<'d>,
}

impl Change<'_, '_> {
    fn apply(mut self) -> Result<()> {
        self.spare_name_spaces()?;
        if self.core.len() == 0 {
            return Ok(());
        }
        // If the kernel has descriptors, make one for a handle that has only the jid.
        let pinned;
        let jail = if !self.jail.system.has_descriptors() || self.jail.descriptor().is_some() {
            self.jail
        } else {
            pinned = self.jail.pin()?;
            &pinned
        };
        match self.new_name().map(<[u8]>::to_vec) {
            Some(name) => self.rename(jail, &name),
            // By descriptor it would be compared with this process's jail (T4).
            None if jail.descriptor().is_some()
                && jail.nested() == Nested::Yes
                && Trap::T4.is_there(&jail.system) =>
            {
                match jail.get(param::PARENT)? {
                    Some(parent) => self.below(jail, parent),
                    // This process has attached to its parent.
                    None => self.by_handle(jail),
                }
            }
            None => self.by_handle(jail),
        }
    }

    /// Protects the System V namespaces of the jail and of those below (T41).
    fn spare_name_spaces(&mut self) -> Result<()> {
        let jail = self.jail;
        let effect = ipc::check(&jail.system, &self.core, |keys| jail.get(keys))?;
        if effect.disables_below {
            let keys = (param::SYSVMSG, param::SYSVSEM, param::SYSVSHM);
            for modes in jail.descendants().dying(true).get(keys) {
                let modes: [Mode; 3] = modes?.into();
                if modes.contains(&Mode::New) {
                    return Err(ipc::would_disable_below(&self.core));
                }
            }
        }
        if effect.is_idle {
            unset(&mut self.core, ipc::ALL);
            unset(&mut self.core, ipc::NOT_ALL);
        }
        Ok(())
    }

    /// Makes the change by the handle's descriptor or jid.
    fn by_handle(&mut self, jail: &Jail) -> Result<()> {
        match jail.descriptor() {
            Some(descriptor) => self.call(jail, At::Use(descriptor)),
            None => {
                self.set_jid(jail);
                self.call(jail, At::None)?;
                if self.may_go() {
                    // The change may have removed an empty jail, and another one may get its jid.
                    jail.look_after();
                }
                Ok(())
            }
        }
    }

    /// Makes the change from the jail's parent, as its child of that jid.
    fn below(&mut self, jail: &Jail, parent: Jid) -> Result<()> {
        if jail.descriptor().is_none() {
            // There it is compared with the jail's own parent.
            return self.by_handle(jail);
        }
        let (parent, ()) = read_and_pin(&jail.system, parent, &())?;
        alive::check_below(&jail.system, parent.as_fd())?;
        self.by_jid(jail, At::Below(parent.as_fd()))
    }

    /// Makes the change by the jid of a handle that has a descriptor.
    fn by_jid(&mut self, jail: &Jail, at: At<'_>) -> Result<()> {
        check_alive(jail)?;
        self.set_jid(jail);
        self.call(jail, at)?;
        // If the jail is still alive, the jid was its own, and it was this jail that changed.
        match check_alive(jail) {
            Err(error) if self.may_go() && error.kind() == ErrorKind::Gone => Ok(()),
            checked => checked,
        }
    }

    /// Whether the change removes an empty jail.
    fn may_go(&self) -> bool {
        self.core.has("nopersist")
    }

    fn set_jid(&mut self, jail: &Jail) {
        if !self.core.has("jid") {
            self.core.push("jid", Wire::Int(jail.jid().get()));
        }
    }

    fn call(&mut self, jail: &Jail, at: At<'_>) -> Result<()> {
        // As late as possible, because changes in between are lost.
        carry_rules(jail, &mut self.core)?;
        // A repeated update sets the same values that the failed one may have set. But the jid may be another jail's by
        // then.
        let text = if matches!(at, At::Use(_)) { ErrorText::OnFailure } else { ErrorText::Always };
        let verb = Verb::Set(SetFlags::UPDATE);
        let result = self.core.as_call(verb).make(text, &jail.system, at, Subject::Handle);
        result.map(drop).map_err(|error| jail.error(self.settings.by_its_name(error, &self.core)))
    }
}

/// A new name: the rules are [`rename`]'s.
impl Change<'_, '_> {
    fn new_name(&self) -> Option<&[u8]> {
        self.core.find("name")?;
        self.settings.text("name")
    }

    fn set_name(&mut self, name: &[u8]) {
        unset(&mut self.core, "name");
        self.core.push("name", Wire::Text(name));
    }

    fn rename(&mut self, jail: &Jail, name: &[u8]) -> Result<()> {
        // A handle with a descriptor knows whether its jail is nested.
        let known = match jail.nested() {
            Nested::No if jail.descriptor().is_some() => None,
            _ => Some(jail.get(rename::FAMILY)?),
        };
        let parent = known.and_then(|(parent, ..)| parent);
        if let Some(family) = known.filter(|_| parent.is_some()) {
            rename::check_family(&jail.system, family)?;
            if jail.descriptor().is_none() && Trap::T4.is_there(&jail.system) {
                return Err(rename::needs_descriptors());
            }
        }
        let mut below = Vec::new();
        rename::check_accounts(&jail.system, jail.jid(), || {
            below = jail.descendants().dying(true).get(param::JID).collect::<Result<_>>()?;
            Ok(below.clone())
        })?;
        match parent {
            Some(parent) => self.below(jail, parent),
            None => self.rename_from_host(jail, name, known),
        }?;
        below.into_iter().try_for_each(|jid| move_account(jail, jid))
    }

    /// Renames a jail that appears to be of the host's level.
    fn rename_from_host(&mut self, jail: &Jail, name: &[u8], known: Option<rename::Family>) -> Result<()> {
        let prefixed = [rename::HOST_PREFIX, name].concat();
        if !rename::is_guarded(&jail.system) {
            return self.by_handle(jail);
        }
        if prefixed.len() < param::NAME_MAX {
            self.set_name(&prefixed);
            match self.by_handle(jail) {
                Err(error) if error.message() == Some(rename::NOT_FROM_HOST) => self.set_name(name),
                Err(error) => return Err(without_prefix(error, name)),
                Ok(()) => return Ok(()),
            }
        }
        let is_jailed = jail
            .system
            .is_jailed()
            .map_err(|errno| Error::os(Call::Sysctl, errno, ErrorKind::Other, "security.jail.jailed"))?;
        if is_jailed { self.rename_from_inside(jail, known) } else { self.by_handle(jail) }
    }

    /// Renames a jail from inside another one, which must be above it.
    fn rename_from_inside(&mut self, jail: &Jail, known: Option<rename::Family>) -> Result<()> {
        let Some(descriptor) = jail.descriptor() else {
            let family = known.map_or_else(|| jail.get(rename::FAMILY), Ok)?;
            rename::check_family(&jail.system, family)?;
            return self.by_handle(jail);
        };
        let read = Read {
            system: &jail.system,
            flags: GetFlags::empty(),
            subject: Subject::Named,
            at: At::None,
            key: Key::Jid(jail.jid().get()),
            relative_to: None,
        };
        let seen = get::read(read, &rename::FAMILY);
        // If the jail is alive, the jid was its own.
        alive::check_alive(&jail.system, descriptor)?;
        let family = match seen {
            Ok(found) => found.values,
            Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::Dying) => {
                return Err(rename::unseen());
            }
            Err(error) => return Err(error),
        };
        rename::check_family(&jail.system, family)?;
        match family {
            (Some(parent), ..) => self.below(jail, parent),
            (None, ..) => self.by_jid(jail, At::None),
        }
    }
}

/// Updates a jail below a renamed one, without changing anything: this moves its account to its new name, while it has
/// no processes that would follow the old one.
fn move_account(renamed: &Jail, jid: Jid) -> Result<()> {
    let jail = Jail::found(renamed.system.clone(), jid.get(), None, Nested::Unknown)?;
    let mut draft = Draft::new();
    draft.push("jid", Wire::Int(jid.get()));
    let verb = Verb::Set(SetFlags::UPDATE);
    let moved = carry_rules(&jail, &mut draft)
        .and_then(|()| draft.call(&jail.system, verb, At::None, Subject::Handle));
    match moved {
        // It has been removed meanwhile.
        Err(error) if error.kind() == ErrorKind::Gone => Ok(()),
        moved => moved.map(drop),
    }
}

/// Makes the kernel's message quote the requested name.
fn without_prefix(error: Error, name: &[u8]) -> Error {
    let name = String::from_utf8_lossy(name);
    let quoted = format!("jail \"0.{name}\" already exists");
    if error.message() == Some(quoted.as_str()) {
        return error.with_message(&format!("jail \"{name}\" already exists"));
    }
    error
}

/// Checks that the jail of a handle is alive, if it has a descriptor.
fn check_alive(jail: &Jail) -> Result<()> {
    jail.descriptor().map_or(Ok(()), |descriptor| alive::check_alive(&jail.system, descriptor))
}
