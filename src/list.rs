//! Listing jails.

use core::fmt;
use core::iter::FusedIterator;
use std::os::unix::ffi::OsStringExt;

use crate::error::{ErrorKind, Result, Subject};
use crate::flags::GetFlags;
use crate::get::{self, Base, Found, Key, Keys, Read};
use crate::guard::alive;
use crate::jail::Jail;
use crate::param;
use crate::sys::System;
use crate::wire::At;

/// # Listing
impl Jail {
    /// Lists the jails that this process can see, in the order of their jids.
    ///
    /// ```
    /// # use freebsd_jail::{Jail, param, sim};
    /// # fn main() -> freebsd_jail::Result<()> {
    /// # let kernel = sim::Kernel::new();
    /// # let _guard = kernel.install();
    /// # let _www = Jail::builder().name("www").path("/").create()?;
    /// for entry in Jail::all().get((param::JID, param::NAME.utf8())) {
    ///     let (jid, name) = entry?;
    ///     println!("{jid} {name}");
    /// }
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn all() -> Jails<'static> {
        Jails::new(System::current(), None)
    }

    /// Lists the jails directly below this one. Names and `parent` are as this jail sees them.
    ///
    /// # FreeBSD versions
    ///
    /// Since 15.0 the kernel looks from this jail; before, all jails are walked through, and those below are told
    /// by their names.
    #[must_use]
    pub fn children(&self) -> Jails<'_> {
        self.descendants().direct()
    }

    /// Lists the jails below this one, and those below them. Names and `parent` are as this jail sees them.
    ///
    /// # FreeBSD versions
    ///
    /// As [`children`](Self::children).
    #[must_use]
    pub fn descendants(&self) -> Jails<'_> {
        Jails::new(self.system.clone(), Some(self))
    }
}

/// Jails to be listed, from [`Jail::all`], [`Jail::children`] and [`Jail::descendants`].
///
/// As an iterator it gives handles; [`get`](Self::get) reads parameters instead. Either way each jail takes one
/// jail_get(2), and the end one more. Jails come in the order of their numbers; one that is created while the list is
/// read may or may not be in it. An error ends the list.
///
/// # FreeBSD versions
///
/// Since 15.0 each handle of the list holds a descriptor, of which a process can have only so many; before, a number.
#[derive(Debug)]
#[must_use = "nothing is listed before it is iterated over"]
pub struct Jails<'p> {
    system: System,
    below: Option<&'p Jail>,
    direct: bool,
    dying: bool,
}

impl<'p> Jails<'p> {
    pub(crate) fn new(system: System, below: Option<&'p Jail>) -> Self {
        Self { system, below, direct: false, dying: false }
    }

    pub(crate) fn direct(mut self) -> Self {
        self.direct = true;
        self
    }

    /// Lists jails that are being removed, too.
    ///
    /// The handles of such a list go by the number: a descriptor of a dying jail would keep it from going.
    ///
    /// # FreeBSD versions
    ///
    /// Since 15.0 a dying jail gets another jid when a new jail asks for the one that it has. A jail to which that
    /// happens while the list is read may be listed twice, or not at all: a jid does not identify a dying jail.
    /// Before, it keeps its jid.
    pub fn dying(mut self, dying: bool) -> Self {
        self.dying = dying;
        self
    }

    /// Reads parameters of each jail.
    ///
    /// The iterator's errors are those of [`Jail::get`], and [`ErrorKind::Gone`] when the jail whose children are
    /// listed has been removed.
    pub fn get<K: Keys>(self, keys: K) -> Listing<'p, K> {
        Listing { walk: Walk::new(self), keys }
    }
}

impl<'p> IntoIterator for Jails<'p> {
    type Item = Result<Jail>;
    type IntoIter = Handles<'p>;

    fn into_iter(self) -> Handles<'p> {
        Handles { walk: Walk::new(self) }
    }
}

/// An iterator over parameters of jails.
#[must_use = "nothing is listed before it is iterated over"]
pub struct Listing<'p, K> {
    walk: Walk<'p>,
    keys: K,
}

impl<K: Keys> Iterator for Listing<'_, K> {
    type Item = Result<K::Output>;

    fn next(&mut self) -> Option<Self::Item> {
        self.walk.next(GetFlags::empty(), &self.keys).map(|found| found.map(|found| found.values))
    }
}

impl<K: Keys> FusedIterator for Listing<'_, K> {}

impl<K> fmt::Debug for Listing<'_, K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Listing").field("walk", &self.walk).finish_non_exhaustive()
    }
}

/// An iterator over handles of jails.
#[derive(Debug)]
#[must_use = "nothing is listed before it is iterated over"]
pub struct Handles<'p> {
    walk: Walk<'p>,
}

impl Iterator for Handles<'_> {
    type Item = Result<Jail>;

    fn next(&mut self) -> Option<Self::Item> {
        let jails = &self.walk.jails;
        // A descriptor comes out of the slot of the one that says below which jail to look, too.
        let pin = jails.system.has_descriptors() && !jails.dying;
        let flags = if pin { GetFlags::GET_DESC } else { GetFlags::empty() };
        let found = match self.walk.next(flags, &param::PARENT)? {
            Ok(found) => found,
            Err(error) => return Some(Err(error)),
        };
        // Seen from the jail above, a direct child has no parent; seen from here it has.
        let nested =
            if self.walk.jails.below.is_some() { crate::jail::Nested::Yes } else { found.values.into() };
        Some(Jail::found(self.walk.jails.system.clone(), found.jid, found.descriptor, nested))
    }
}

impl FusedIterator for Handles<'_> {}

/// The way from one jail to the next.
#[derive(Debug)]
struct Walk<'p> {
    jails: Jails<'p>,
    last: i32,
    ended: bool,
    /// How far the jail below which to look is known, where the kernel cannot look from it.
    base: Option<Base>,
}

impl<'p> Walk<'p> {
    fn new(jails: Jails<'p>) -> Self {
        Self { jails, last: 0, ended: false, base: None }
    }

    fn next<K: Keys>(&mut self, flags: GetFlags, keys: &K) -> Option<Result<Found<K::Output>>> {
        if self.ended {
            return None;
        }
        let result = self.step(flags, keys);
        self.ended = !matches!(result, Ok(Some(_)));
        result.transpose()
    }

    fn step<K: Keys>(&mut self, flags: GetFlags, keys: &K) -> Result<Option<Found<K::Output>>> {
        let mut at = At::None;
        let mut flags = flags;
        if let Some(above) = self.jails.below {
            above.check()?;
            match above.descriptor() {
                Some(descriptor) => at = At::Below(descriptor),
                None if self.base.is_none() => {
                    let mut prefix = above.get(param::NAME)?.into_vec();
                    prefix.push(b'.');
                    self.base = Some(Base { jid: above.jid().get(), prefix });
                }
                None => {}
            }
        }
        if self.jails.dying {
            flags |= GetFlags::DYING;
        }
        loop {
            // Before each call, since the jail may die in between.
            if let Some(descriptor) = self.jails.below.and_then(Jail::descriptor) {
                alive::check_below(&self.jails.system, descriptor)?;
            }
            let read = Read {
                system: &self.jails.system,
                flags,
                subject: Subject::Next,
                at,
                key: Key::After(self.last),
                relative_to: self.base.as_ref(),
            };
            let found = if self.jails.below.is_none() {
                get::read(read, keys).map(|found| (true, found))
            } else {
                self.read_below(read, keys)
            };
            match found {
                Ok((wanted, found)) => {
                    self.last = found.jid;
                    if wanted {
                        return Ok(Some(found));
                    }
                }
                Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
                Err(error) => return Err(error),
            }
        }
    }

    /// Reads the next jail, and says whether it is one below the jail in question.
    fn read_below<K: Keys>(&self, read: Read<'_>, keys: &K) -> Result<(bool, Found<K::Output>)> {
        // Before FreeBSD 15 the kernel lists all jails: those below have the name of the one above before theirs.
        let Found { jid, descriptor, inside, values: (parent, values) } = if self.base.is_some() {
            let Found { jid, descriptor, inside, values: (_, parent, values) } =
                get::read(read, &(param::NAME, param::PARENT, keys))?;
            Found { jid, descriptor, inside, values: (parent, values) }
        } else {
            get::read(read, &(param::PARENT, keys))?
        };
        let is_direct: bool = parent.is_none();
        let wanted = inside && (!self.jails.direct || is_direct);
        Ok((wanted, Found { jid, descriptor, inside, values }))
    }
}
