//! Creating the jail.

use std::os::fd::BorrowedFd;
use std::os::unix::ffi::OsStrExt;

use super::JailBuilder;
use super::check::split_name;
use crate::error::{Error, ErrorKind, Result, Subject};
use crate::flags::SetFlags;
use crate::guard::alive;
use crate::jail::{Jail, Nested, no_descriptor};
use crate::jid::Jid;
use crate::param;
use crate::settings::{Sent, Settings, unset};
use crate::sys::{System, Trap};
use crate::wire::{Answer, At, Draft, ErrorText, PERSIST, Verb, Wire};

/// How long the jail lives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fate {
    /// It is removed with its handle.
    Owned,
    /// It stays until it is removed.
    Detached,
    /// This process is attached to it, and it is removed with its last process.
    Attached,
}

/// A jail that is being created.
struct Creation<'b> {
    settings: &'b Settings<'static>,
    system: System,
    /// The parameters, if they differ from those that were set. Those of modules go in a second call: if they failed in
    /// the first one, a dying jail would stay for ever.
    changed: Option<Box<Sent<'static>>>,
    /// Whether the first call adds `persist`.
    persists: bool,
    fate: Fate,
}

impl JailBuilder {
    pub(super) fn make(&self, fate: Fate) -> Result<Jail> {
        self.try_to_make(fate).map_err(|error| self.with_name(error))
    }

    /// Names the jail that was not created.
    #[cold]
    fn with_name(&self, error: Error) -> Error {
        let name = self.settings.name().and_then(|name| core::str::from_utf8(name).ok());
        match name.filter(|name| !name.is_empty() && !name.contains(char::is_control)) {
            Some(name) => error.of_jail(name),
            None => error,
        }
    }

    fn try_to_make(&self, fate: Fate) -> Result<Jail> {
        let name = self.settings.name();
        // A jail `parent.child` is created from the parent, so that the kernel counts it there.
        let split = name.and_then(split_name);
        self.first_mistake(name, split.is_some() || self.is_below())?;
        let parent_of_name;
        let parent = if let Some((above, _)) = &split {
            parent_of_name = match self.parent() {
                Some(parent) => parent.open_child(above)?,
                None => Jail::open(above.as_os_str()).map_err(|error| match error.kind() {
                    ErrorKind::NotFound => error.about("name").because("the parent does not exist"),
                    _ => error,
                })?,
            };
            Some(&parent_of_name)
        } else {
            self.parent()
        };
        if let Some(parent) = parent {
            parent.check()?;
        }
        let system = parent.map_or_else(System::current, |parent| parent.system.clone());
        self.settings.check_new_texts(&system)?;
        // If a creation that fails late leaves nothing behind, one call is enough.
        let changed = self.settings.sent(&system, Trap::T18.is_there(&system))?;
        let mut creation = Creation { settings: &self.settings, system, changed, persists: false, fate };
        creation.decide_persistence()?;
        if creation.late().len() > 0 {
            creation.late().check_limits()?;
        }
        if let Some((_, last)) = &split {
            creation.set_name(last.as_bytes());
        }
        match parent {
            Some(parent) => creation.below(parent),
            None => creation.at_this_level(),
        }
    }
}

impl Creation<'_> {
    /// Returns the parameters of the first call.
    fn core(&self) -> &Draft<'static> {
        self.changed.as_ref().map_or(&self.settings.core, |changed| &changed.core)
    }

    /// Returns the parameters of the second call.
    fn late(&self) -> &Draft<'static> {
        match &self.changed {
            Some(changed) => &changed.late,
            None => self.settings.late(),
        }
    }

    fn change(&mut self) -> &mut Sent<'static> {
        self.changed.get_or_insert_with(|| Box::new(self.settings.copy()))
    }

    fn set_name(&mut self, name: &[u8]) {
        let core = &mut self.change().core;
        unset(core, "name");
        core.push("name", Wire::Text(name));
    }

    /// The fate in the first call. A jail that is not complete yet is not attached to.
    fn first_fate(&self) -> Fate {
        if self.late().len() == 0 || self.fate != Fate::Attached { self.fate } else { Fate::Detached }
    }

    /// A jail with a handle needs `persist`; one that is attached to is removed with its last process.
    fn decide_persistence(&mut self) -> Result<()> {
        let first_fate = self.first_fate();
        let set = self.core().collision(PERSIST).map(|pair| (pair.place, pair.name() == PERSIST));
        match (self.fate, set) {
            (_, Some((_, true))) => {}
            (Fate::Attached, _) if first_fate == Fate::Attached => {}
            (Fate::Attached, _) => {
                if let Some((place, _)) = set {
                    self.change().core.remove(place);
                }
                self.persists = true;
                // From the attach on, it is removed with its last process.
                self.change().late.push(PERSIST, Wire::Bool(false));
            }
            (Fate::Owned | Fate::Detached, None) => self.persists = true,
            (Fate::Owned | Fate::Detached, Some(_)) => {
                return Err(Error::refused(
                    ErrorKind::Conflict,
                    "a jail without processes exists only while it is persistent; to remove it with its handle, use \
                     `create`",
                )
                .about(PERSIST));
            }
        }
        Ok(())
    }

    /// Creates the jail at this process's own level.
    fn at_this_level(&mut self) -> Result<Jail> {
        let answer = self.call(At::None)?;
        let jail = Jail::found(self.system.clone(), answer.jid, answer.descriptor, Nested::No)?;
        self.complete(jail, None)
    }

    /// Creates the jail below another one.
    fn below(&mut self, parent: &Jail) -> Result<Jail> {
        if self.system.has_descriptors() {
            let pinned;
            let parent = if parent.descriptor().is_some() {
                parent
            } else {
                pinned = parent.pin()?;
                &pinned
            };
            let descriptor = parent.descriptor().ok_or_else(no_descriptor)?;
            alive::check_below(&self.system, descriptor)?;
            let answer = self.call(At::Below(descriptor));
            let answer = answer.map_err(|error| explain_refusal(error, parent))?;
            let jail = Jail::found(self.system.clone(), answer.jid, answer.descriptor, Nested::Yes)?;
            return self.complete(jail, Some(descriptor));
        }
        // For a jail that is created by its full name, the kernel checks only the limits of this process's own jail and
        // of those above it, and not those of the jails in between (T21).
        let name = parent.get(param::NAME)?;
        if Trap::T21.is_there(&self.system) {
            if let Some((jail, most)) = first_full(parent)? {
                return Err(limit_reached(ErrorKind::LimitExceeded.into(), jail, most));
            }
        }
        let mut full = name.as_bytes().to_vec();
        full.push(b'.');
        let last = self.core().value("name").and_then(|name| name.strip_suffix(&[0]));
        full.extend_from_slice(last.unwrap_or_default());
        param::check_full_name(&full)?;
        self.set_name(&full);
        let answer = self.call(At::None)?;
        let jail = Jail::found(self.system.clone(), answer.jid, answer.descriptor, Nested::Yes)?;
        self.complete(jail, None)
    }

    fn call(&mut self, at: At<'_>) -> Result<Answer> {
        let flags = match self.first_fate() {
            Fate::Attached => SetFlags::ATTACH,
            Fate::Owned | Fate::Detached if !self.system.has_descriptors() => SetFlags::empty(),
            Fate::Owned => SetFlags::OWN_DESC,
            Fate::Detached => SetFlags::GET_DESC,
        };
        // A failure in the kernel's own parameters leaves nothing behind, so the call can be repeated; but not once the
        // process may be in the jail, and not below a jail that may be gone by then (T3).
        let text = match (self.first_fate(), at) {
            (Fate::Owned | Fate::Detached, At::None) => ErrorText::OnFailure,
            _ => ErrorText::Always,
        };
        let answer = self.core().create(text, &self.system, SetFlags::CREATE | flags, at, self.persists);
        answer.map_err(|error| self.settings.by_its_name(error, self.core()))
    }

    /// Makes the second call, and removes the jail if that fails.
    fn complete(&mut self, jail: Jail, parent: Option<BorrowedFd<'_>>) -> Result<Jail> {
        if self.late().len() == 0 {
            return Ok(jail);
        }
        match self.set_late(&jail, parent) {
            Ok(()) => Ok(jail),
            Err(error) => {
                // The first error matters more than one of the removal.
                let _ = jail.remove();
                Err(error)
            }
        }
    }

    fn set_late(&mut self, jail: &Jail, parent: Option<BorrowedFd<'_>>) -> Result<()> {
        let mut flags = SetFlags::UPDATE;
        if self.fate == Fate::Attached {
            flags |= SetFlags::ATTACH;
        }
        let at = match (parent, jail.descriptor()) {
            // From the jail's own parent, like any update of a nested jail.
            (Some(parent), Some(descriptor)) => {
                alive::check_below(&jail.system, parent)?;
                alive::check_alive(&jail.system, descriptor)?;
                At::Below(parent)
            }
            (None, Some(descriptor)) => At::Use(descriptor),
            (_, None) => At::None,
        };
        if !matches!(at, At::Use(_)) {
            self.change().late.push("jid", Wire::Int(jail.jid().get()));
        }
        self.change().late.call(&jail.system, Verb::Set(flags), at, Subject::Handle)?;
        match jail.descriptor() {
            // If the jail is still alive, the jid was its own, and it was this jail that was updated.
            Some(descriptor) if matches!(at, At::Below(_)) => alive::check_alive(&jail.system, descriptor),
            _ => Ok(()),
        }
    }
}

/// Returns the first jail that has reached its limit of child jails, and the limit, from one upwards to this process's
/// own level.
fn first_full(parent: &Jail) -> Result<Option<(Jid, u32)>> {
    let limits = |jail: &Jail| jail.get((param::PARENT, param::CHILDREN_MAX, param::CHILDREN_CUR));
    let mut jid = parent.jid();
    let (mut above, mut most, mut now) = limits(parent)?;
    loop {
        if now >= most {
            return Ok(Some((jid, most)));
        }
        let Some(next) = above else { return Ok(None) };
        jid = next;
        (above, most, now) = limits(&Jail::found(parent.system.clone(), jid.get(), None, Nested::Unknown)?)?;
    }
}

/// Adds which limit was reached, if it may be one.
#[cold]
fn explain_refusal(error: Error, parent: &Jail) -> Error {
    match error.kind() {
        // Without a message it may be either; a limit of 0 is more likely.
        ErrorKind::PermissionDenied if parent.get(param::CHILDREN_MAX).is_ok_and(|max| max == 0) => {
            limit_reached(error.with_kind(ErrorKind::LimitExceeded), parent.jid(), 0)
        }
        ErrorKind::LimitExceeded => explain_limit(error, parent),
        _ => error,
    }
}

fn limit_reached(error: Error, jail: Jid, most: u32) -> Error {
    let error = error.about("children.max");
    match most {
        0 => error.because(format_args!("jail {jail} may have no child jails: set `children.max` of it")),
        1 => error.because(format_args!("jail {jail} has reached its limit of 1 child jail")),
        _ => error.because(format_args!("jail {jail} has reached its limit of {most} child jails")),
    }
}

/// Adds whose limit it was, which the kernel does not report.
fn explain_limit(error: Error, parent: &Jail) -> Error {
    match first_full(parent) {
        Ok(Some((jail, most))) => limit_reached(error, jail, most),
        // Either it is a jail that cannot be seen from here, or there is room again.
        Ok(None) => error
            .about("children.max")
            .because("children.max of the jail that this process is in, or of a jail above it, is reached"),
        // The first error matters more than one of the explanation.
        Err(_) => error
            .about("children.max")
            .because(format_args!("children.max of jail {} or of a jail above it is reached", parent.jid())),
    }
}
