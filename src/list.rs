//! Lists of jails, and what identifies one.

use core::fmt;
use core::iter::FusedIterator;
use std::os::unix::ffi::OsStringExt;

use crate::error::{ErrorKind, Result, Subject};
use crate::flags::GetFlags;
use crate::get::{self, Base, Form, Found, Key, Keys, Read};
use crate::guard::alive;
use crate::info::JailInfo;
use crate::jail::{Jail, read_known};
use crate::param;
use crate::snapshot::{Living, Record};
use crate::sys::System;
use crate::wire::At;

pub use crate::jail::NameOrJid;

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
    /// Since 15.0 the kernel lists from this jail; before, all jails are listed, and those below are recognised by
    /// their names.
    ///
    /// ```
    /// # use freebsd_jail::{Jail, param, sim};
    /// # fn main() -> freebsd_jail::Result<()> {
    /// # let kernel = sim::Kernel::new();
    /// # let _guard = kernel.install();
    /// let outer = Jail::builder().name("outer").path("/").children_max(2).create()?;
    /// let inner = outer.child_builder().path("/").children_max(1).create()?;
    /// let innermost = inner.child_builder().path("/").create()?;
    /// let jids: Vec<_> = outer.children().get(param::JID).collect::<Result<_, _>>()?;
    /// assert_eq!(jids, [inner.jid()]);
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn children(&self) -> Jails<'_> {
        self.descendants().direct()
    }

    /// Lists the jails below this one, and those below them. Names and `parent` are as this jail sees them.
    ///
    /// # FreeBSD versions
    ///
    /// As [`children`](Self::children).
    ///
    /// ```
    /// # use freebsd_jail::{Jail, sim};
    /// # fn main() -> freebsd_jail::Result<()> {
    /// # let kernel = sim::Kernel::new();
    /// # let _guard = kernel.install();
    /// let outer = Jail::builder().name("outer").path("/").children_max(2).create()?;
    /// let inner = outer.child_builder().path("/").children_max(1).create()?;
    /// let innermost = inner.child_builder().path("/").create()?;
    /// assert_eq!(outer.descendants().count(), 2);
    /// assert_eq!(inner.descendants().count(), 1);
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn descendants(&self) -> Jails<'_> {
        Jails::new(self.system.clone(), Some(self))
    }
}

/// An iterator over jails, from [`Jail::all`], [`Jail::children`] and [`Jail::descendants`].
///
/// It returns handles; [`get`](Self::get) and [`info`](Self::info) return parameters of each jail instead. Each jail
/// takes one [jail_get(2)], and the end one more, unless [`get`](Self::get) says otherwise. Jails come in the order of
/// their jids; one that is created while the list is read may or may not be in it. An error ends the list.
///
/// # FreeBSD versions
///
/// Since 15.0 each handle holds a descriptor, whose number is limited per process; before, a jid.
///
/// ```
/// # use freebsd_jail::{Jail, sim};
/// # fn main() -> freebsd_jail::Result<()> {
/// # let kernel = sim::Kernel::new();
/// # let _guard = kernel.install();
/// # let www = Jail::builder().name("www").path("/").create()?;
/// let jails = Jail::all().collect::<freebsd_jail::Result<Vec<_>>>()?;
/// assert_eq!(jails.len(), 1);
/// # Ok(())
/// # }
/// ```
///
/// [jail_get(2)]: https://man.freebsd.org/cgi/man.cgi?query=jail_get&sektion=2
#[derive(Debug)]
#[must_use = "nothing is listed before it is iterated over"]
pub struct Jails<'p> {
    walk: Walk<'p>,
}

impl<'p> Jails<'p> {
    pub(crate) fn new(system: System, below: Option<&'p Jail>) -> Self {
        let scope = Scope { system, below, direct: false, dying: false };
        Self { walk: Walk { scope, last: 0, ended: false, base: None } }
    }

    pub(crate) fn direct(mut self) -> Self {
        self.walk.scope.direct = true;
        self
    }

    /// Includes jails that are being removed.
    ///
    /// The handles of such a list have only the jid, because a descriptor of a dying jail would hold it. They cannot
    /// read a dying jail; [`get`](Self::get) and [`info`](Self::info) of the list can.
    ///
    /// # FreeBSD versions
    ///
    /// Since 15.0 a dying jail gets another jid when a new jail requests its own. If that happens while the list is
    /// read, the jail may be listed twice or not at all (T59): a jid does not identify a dying jail. Before, it keeps
    /// its jid.
    pub fn dying(mut self, dying: bool) -> Self {
        self.walk.scope.dying = dying;
        self
    }

    /// Reads parameters of each jail.
    ///
    /// If all jails are listed and only jid, name, path or host name are read, one [sysctl(3)] of `security.jail.list`
    /// returns all of them, as of the first call of the iterator. Otherwise each jail takes one [jail_get(2)].
    ///
    /// The iterator's errors are those of [`Jail::get`], and [`ErrorKind::Gone`] when the jail whose children are
    /// listed has been removed.
    ///
    /// ```
    /// # use freebsd_jail::{Jail, param, sim};
    /// # fn main() -> freebsd_jail::Result<()> {
    /// # let kernel = sim::Kernel::new();
    /// # let _guard = kernel.install();
    /// # let www = Jail::builder().name("www").path("/").create()?;
    /// for entry in Jail::all().get((param::JID, param::NAME.utf8())) {
    ///     let (jid, name) = entry?;
    ///     println!("{jid} {name}");
    /// }
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// [sysctl(3)]: https://man.freebsd.org/cgi/man.cgi?query=sysctl&sektion=3
    /// [jail_get(2)]: https://man.freebsd.org/cgi/man.cgi?query=jail_get&sektion=2
    pub fn get<K: Keys>(self, keys: K) -> Values<'p, K> {
        Values { walk: self.walk, keys, moment: None, has_begun: false }
    }

    /// Reads the most used parameters of each jail, as [`Jail::info`]: dying jails of [`dying`](Self::dying), too, which
    /// have [`JailInfo::dying`] set.
    ///
    /// ```
    /// # use freebsd_jail::{Jail, sim};
    /// # fn main() -> freebsd_jail::Result<()> {
    /// # let kernel = sim::Kernel::new();
    /// # let _guard = kernel.install();
    /// # let www = Jail::builder().name("www").path("/").create()?;
    /// for info in Jail::all().dying(true).info() {
    ///     let info = info?;
    ///     println!("{} {:?} dying: {}", info.jid, info.name, info.dying);
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn info(self) -> Infos<'p> {
        Infos { walk: self.walk }
    }
}

impl Iterator for Jails<'_> {
    type Item = Result<Jail>;

    fn next(&mut self) -> Option<Self::Item> {
        let scope = &self.walk.scope;
        // A descriptor comes out of the slot of the one that says below which jail to look, too.
        let pin = scope.system.has_descriptors() && !scope.dying;
        let flags = if pin { GetFlags::GET_DESC } else { GetFlags::empty() };
        let found = match self.walk.next(flags, &param::PARENT)? {
            Ok(found) => found,
            Err(error) => return Some(Err(error)),
        };
        let scope = &self.walk.scope;
        // Seen from the jail above, a direct child has no parent; seen from here it has.
        let nested = if scope.below.is_some() { crate::jail::Nested::Yes } else { found.values.into() };
        Some(Jail::found(scope.system.clone(), found.jid, found.descriptor, nested))
    }
}

impl FusedIterator for Jails<'_> {}

/// An iterator over parameters of jails, from [`Jails::get`].
#[must_use = "nothing is listed before it is iterated over"]
pub struct Values<'p, K> {
    walk: Walk<'p>,
    keys: K,
    /// All jails at the beginning of the list, if that has all requested parameters.
    moment: Option<Moment>,
    has_begun: bool,
}

/// All jails at one moment, and the form into which what is asked of them is filled.
#[derive(Debug)]
struct Moment {
    jails: Living,
    form: Form,
}

impl Moment {
    /// Reads the next jail.
    fn next<K: Keys>(&mut self, last: &mut i32, keys: &K) -> Option<Result<K::Output>> {
        let (jid, record) = self.jails.after(*last)?;
        *last = jid;
        Some(self.form.read(keys, |name| record.get(name)))
    }
}

impl<K: Keys> Iterator for Values<'_, K> {
    type Item = Result<K::Output>;

    fn next(&mut self) -> Option<Self::Item> {
        if !self.has_begun {
            self.has_begun = true;
            let scope = &self.walk.scope;
            if scope.below.is_none() && !scope.dying {
                self.moment = Form::new(&self.keys, Record::size)
                    .and_then(|form| Some(Moment { jails: Living::of(&scope.system)?, form }));
            }
        }
        if let Some(moment) = &mut self.moment {
            if self.walk.ended {
                return None;
            }
            let values = moment.next(&mut self.walk.last, &self.keys);
            self.walk.ended = !matches!(values, Some(Ok(_)));
            return values;
        }
        self.walk.next(GetFlags::empty(), &self.keys).map(|found| found.map(|found| found.values))
    }
}

impl<K: Keys> FusedIterator for Values<'_, K> {}

impl<K> fmt::Debug for Values<'_, K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Values").field("walk", &self.walk).finish_non_exhaustive()
    }
}

/// An iterator over the most used parameters of jails, from [`Jails::info`].
#[derive(Debug)]
#[must_use = "nothing is listed before it is iterated over"]
pub struct Infos<'p> {
    walk: Walk<'p>,
}

impl Iterator for Infos<'_> {
    type Item = Result<JailInfo>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.walk.ended {
            return None;
        }
        let system = self.walk.scope.system.clone();
        let walk = &mut self.walk;
        let info = read_known(&system, |keys| {
            // What failed for an option that the kernel lacks is tried again.
            walk.ended = false;
            walk.next(GetFlags::empty(), keys).map(|found| found.map(|found| found.values)).transpose()
        });
        info.transpose()
    }
}

impl FusedIterator for Infos<'_> {}

/// Which jails are listed.
#[derive(Debug)]
struct Scope<'p> {
    system: System,
    below: Option<&'p Jail>,
    direct: bool,
    dying: bool,
}

/// The state of a listing.
#[derive(Debug)]
struct Walk<'p> {
    scope: Scope<'p>,
    last: i32,
    ended: bool,
    /// How far the jail below which to look is known, where the kernel cannot look from it.
    base: Option<Base>,
}

impl Walk<'_> {
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
        if let Some(above) = self.scope.below {
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
        if self.scope.dying {
            flags |= GetFlags::DYING;
        }
        loop {
            // Before each call, since the jail may die in between.
            if let Some(descriptor) = self.scope.below.and_then(Jail::descriptor) {
                alive::check_below(&self.scope.system, descriptor)?;
            }
            let read = Read {
                system: &self.scope.system,
                flags,
                subject: Subject::Next,
                at,
                key: Key::After(self.last),
                relative_to: self.base.as_ref(),
            };
            let found = if self.scope.below.is_none() {
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
        let wanted = inside && (!self.scope.direct || is_direct);
        Ok((wanted, Found { jid, descriptor, inside, values }))
    }
}
