//! Creating the jail.

use std::ffi::{OsStr, OsString};
use std::os::fd::BorrowedFd;
use std::os::unix::ffi::OsStrExt;

use super::JailBuilder;
use crate::SetFlags;
use crate::error::{ATTACHING, Error, ErrorKind, Result, Subject};
use crate::guard::alive;
use crate::jail::{Jail, Nested, no_descriptor};
use crate::jid::Jid;
use crate::param;
use crate::sys::{System, Trap};
use crate::wire::{Answer, At, Draft, Verb, Wire, name};

/// What becomes of the jail once it is created.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fate {
    /// It goes with its handle.
    Owned,
    /// It stays until it is removed.
    Persistent,
    /// This process enters it, and it goes with its last process.
    Entered,
}

/// What is left to be done once the jail exists.
#[derive(Debug)]
struct Rest {
    fate: Fate,
    /// What modules set, in a call of its own: were it part of the first one and failed, a dying jail would stay for
    /// ever.
    late: Draft<'static>,
}

impl Rest {
    /// What the first call makes of the jail. One that is not complete yet is not entered.
    fn first_fate(&self) -> Fate {
        if self.late.len() == 0 || self.fate != Fate::Entered { self.fate } else { Fate::Persistent }
    }
}

impl JailBuilder<'_> {
    pub(super) fn make(mut self, fate: Fate) -> Result<Jail> {
        self.settings.take_error()?;
        self.check_name()?;
        self.settings.check()?;
        // What `parent.child` names is created from the parent, which is what makes the kernel count it.
        let parent_of_name;
        let parent = if let Some((above, last)) = self.split_name() {
            self.require_path()?;
            parent_of_name = match self.parent {
                Some(parent) => parent.open_child(&above)?,
                None => Jail::open(above.as_os_str()).map_err(|error| match error.kind() {
                    ErrorKind::NotFound => error.about("name").because("the parent does not exist"),
                    _ => error,
                })?,
            };
            self.settings.unset("name");
            if !last.is_empty() {
                self.settings.core.push("name", Wire::Text(last.as_bytes()));
            }
            Some(&parent_of_name)
        } else {
            self.parent
        };
        if let Some(parent) = parent {
            parent.check()?;
        }
        let system = parent.map_or_else(System::current, |parent| parent.system.clone());
        let rest = self.split(&system, fate)?;
        match parent {
            Some(parent) => {
                self.require_path()?;
                self.make_below(system, parent, rest)
            }
            None => {
                let answer = self.call(&system, rest.first_fate(), At::None)?;
                complete(Jail::found(system, answer.jid, answer.descriptor, Nested::No)?, None, rest)
            }
        }
    }

    /// Creates the jail below another one.
    fn make_below(mut self, system: System, parent: &Jail, rest: Rest) -> Result<Jail> {
        if system.has_descriptors() {
            let pinned;
            let parent = if parent.descriptor().is_some() {
                parent
            } else {
                pinned = parent.pin()?;
                &pinned
            };
            let descriptor = parent.descriptor().ok_or_else(no_descriptor)?;
            alive::check_below(&system, descriptor)?;
            let answer = self.call(&system, rest.first_fate(), At::Below(descriptor)).map_err(|error| {
                match error.kind() {
                    // Without text it may be either; the limit of 0 is the commoner.
                    ErrorKind::PermissionDenied
                        if parent.get(param::CHILDREN_MAX).is_ok_and(|max| max == 0) =>
                    {
                        error
                            .with_kind(ErrorKind::LimitExceeded)
                            .about("children.max")
                            .because(limit_reached(parent.jid(), 0))
                    }
                    ErrorKind::LimitExceeded => explain_limit(error, parent),
                    _ => error,
                }
            })?;
            let jail = Jail::found(system, answer.jid, answer.descriptor, Nested::Yes)?;
            return complete(jail, Some(descriptor), rest);
        }
        // Of a jail that is created by its full name, the kernel asks the limits of this process's own jail and of
        // those above it only, and not those of the jails between it and the new one (T21).
        let name = parent.get(param::NAME)?;
        if Trap::T21.is_there(&system) {
            if let Some((jail, most)) = first_full(parent)? {
                return Err(limit_error(jail, most));
            }
        }
        let mut full = name.as_bytes().to_vec();
        full.push(b'.');
        full.extend_from_slice(self.settings.text("name").unwrap_or_default());
        self.settings.unset("name");
        if full.len() >= param::NAME_MAX {
            return Err(Error::refused(
                ErrorKind::InvalidValue,
                "with the names of the jails above it, the name is longer than 255 bytes",
            )
            .about("name"));
        }
        self.settings.core.push("name", Wire::Text(&full));
        let answer = self.call(&system, rest.first_fate(), At::None)?;
        complete(Jail::found(system, answer.jid, answer.descriptor, Nested::Yes)?, None, rest)
    }

    fn call(&mut self, system: &System, fate: Fate, at: At<'_>) -> Result<Answer> {
        let flags = match fate {
            Fate::Entered => SetFlags::ATTACH,
            Fate::Owned | Fate::Persistent if !system.has_descriptors() => SetFlags::empty(),
            Fate::Owned => SetFlags::OWN_DESC,
            Fate::Persistent => SetFlags::GET_DESC,
        };
        let verb = Verb::Set(SetFlags::CREATE | flags);
        let answer = self.settings.core.call(system, verb, at, Subject::New);
        answer.map_err(|error| self.settings.by_its_name(error))
    }

    /// Splits off what goes in the second call, checks it, and decides on `persist`.
    fn split(&mut self, system: &System, fate: Fate) -> Result<Rest> {
        let mut late = Draft::new();
        let settings = &mut self.settings;
        settings.check_new_texts(system)?;
        if Trap::T18.is_there(system) {
            core::mem::swap(&mut late, &mut settings.late);
        } else {
            // A creation that fails late leaves nothing behind here.
            settings.join();
        }
        let mut rest = Rest { fate, late };
        self.decide_persistence(&mut rest)?;
        if rest.late.len() > 0 {
            rest.late.check_limits()?;
        }
        Ok(rest)
    }

    /// A jail that is held by a handle needs `persist`; one that is entered goes with its last process.
    fn decide_persistence(&mut self, rest: &mut Rest) -> Result<()> {
        let core = &mut self.settings.core;
        let place = core.collision("persist");
        let set = place.map(|place| core.name(place) == "persist");
        match (rest.fate, set) {
            (_, Some(true)) => {}
            (Fate::Entered, _) if rest.first_fate() == Fate::Entered => {}
            (Fate::Entered, _) => {
                if let Some(place) = place {
                    core.remove(place);
                }
                core.push("persist", Wire::Bool(true));
                // From when it is entered on, it goes with its last process.
                rest.late.push("persist", Wire::Bool(false));
            }
            (Fate::Owned | Fate::Persistent, None) => core.push("persist", Wire::Bool(true)),
            (Fate::Owned | Fate::Persistent, Some(false)) => {
                return Err(Error::refused(
                    ErrorKind::Conflict,
                    "a jail without processes exists only while it is persistent; to go with its handle, `create` it",
                )
                .about("persist"));
            }
        }
        Ok(())
    }

    fn require_path(&self) -> Result<()> {
        if self.settings.core.position("path").is_some() {
            return Ok(());
        }
        Err(Error::refused(
            ErrorKind::InvalidParameter,
            "a jail below another one needs a path: without, the kernel would give it this process's root",
        )
        .about("path"))
    }

    /// Splits `parent.child`, where the name is of that form.
    fn split_name(&self) -> Option<(OsString, OsString)> {
        let name = self.settings.text("name")?;
        let dot = name.iter().rposition(|&byte| byte == b'.')?;
        let (above, last) = (name.get(..dot)?, name.get(dot + 1..)?);
        Some((OsStr::from_bytes(above).to_owned(), OsStr::from_bytes(last).to_owned()))
    }

    /// A number as a name asks for that number, whether it was meant so or not.
    fn check_name(&self) -> Result<()> {
        let Some(name) = self.settings.text("name") else { return Ok(()) };
        let refuse = |reason| Err(Error::refused(ErrorKind::InvalidValue, reason).about("name"));
        let last = name.rsplit(|&byte| byte == b'.').next().unwrap_or_default();
        if name.split(|&byte| byte == b'.').rev().skip(1).any(<[u8]>::is_empty) {
            return refuse("a level of the name is empty");
        }
        if name::has_host_level(name) {
            return refuse(name::HOST_LEVEL);
        }
        let digits = last.strip_prefix(b"-").unwrap_or(last);
        if digits.is_empty() || !digits.iter().all(u8::is_ascii_digit) {
            return Ok(());
        }
        match self.settings.int("jid") {
            Some(jid) if jid.to_string().as_bytes() == last => Ok(()),
            _ => refuse("a name that is a number must be that of the jail: set `jid` to it"),
        }
    }
}

/// Sets what goes in the second call, and removes the jail if that fails.
fn complete(jail: Jail, parent: Option<BorrowedFd<'_>>, mut rest: Rest) -> Result<Jail> {
    if rest.late.len() == 0 {
        return Ok(jail);
    }
    match set_late(&jail, parent, &mut rest) {
        Ok(()) => Ok(jail),
        Err(error) => {
            // What failed is more telling than what the removal may say.
            let _ = jail.remove();
            Err(error)
        }
    }
}

fn set_late(jail: &Jail, parent: Option<BorrowedFd<'_>>, rest: &mut Rest) -> Result<()> {
    let mut flags = SetFlags::UPDATE;
    if rest.fate == Fate::Entered {
        flags |= SetFlags::ATTACH;
    }
    let at = match (parent, jail.descriptor()) {
        // From the jail's own parent, as any update of a nested jail.
        (Some(parent), Some(descriptor)) => {
            alive::check_below(&jail.system, parent)?;
            alive::check_alive(&jail.system, descriptor)?;
            At::Below(parent)
        }
        (None, Some(descriptor)) => At::Use(descriptor),
        (_, None) => At::None,
    };
    if !matches!(at, At::Use(_)) {
        rest.late.push("jid", Wire::Int(jail.jid().get()));
    }
    rest.late.call(&jail.system, Verb::Set(flags), at, Subject::Handle).map_err(|error| {
        match (error.kind(), rest.fate) {
            (ErrorKind::PermissionDenied, Fate::Entered) => error.because(ATTACHING),
            _ => error,
        }
    })?;
    match jail.descriptor() {
        // The number was this jail's while it lived: if it lives still, it was this jail that changed.
        Some(descriptor) if matches!(at, At::Below(_)) => alive::check_alive(&jail.system, descriptor),
        _ => Ok(()),
    }
}

/// Returns the first jail that may have no more jails below it, and how many it may have, from one upwards to this
/// process's own level.
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

fn limit_error(jail: Jid, most: u32) -> Error {
    Error::refused(ErrorKind::LimitExceeded, limit_reached(jail, most)).about("children.max")
}

fn limit_reached(jail: Jid, most: u32) -> String {
    match most {
        0 => format!("jail {jail} may have no child jails: set `children.max` of it"),
        1 => format!("jail {jail} has reached its limit of 1 child jail"),
        _ => format!("jail {jail} has reached its limit of {most} child jails"),
    }
}

/// Says whose limit it was, which the kernel does not.
fn explain_limit(error: Error, parent: &Jail) -> Error {
    let reason = match first_full(parent) {
        Ok(Some((jail, most))) => limit_reached(jail, most),
        // Either it is one that cannot be seen from here, or there is room again.
        Ok(None) => {
            "children.max of the jail that this process is in, or of a jail above it, is reached".into()
        }
        // What failed is more telling than why the explanation did.
        Err(_) => format!("children.max of jail {} or of a jail above it is reached", parent.jid()),
    };
    error.about("children.max").because(reason)
}
