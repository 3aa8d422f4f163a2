//! Reading parameters: keys in, typed values out, one [jail_get(2)].
//!
//! [jail_get(2)]: https://man.freebsd.org/cgi/man.cgi?query=jail_get&sektion=2

mod read;

use crate::error::{Error, ErrorKind, Result};
use crate::param::{self, Decode, Kind, Param, Sealed, Value};
use crate::sys::Sheet;
use crate::wire::{Draft, Wire, name};

pub(crate) use read::{Base, Form, Found, Key, Read, read};

/// The most keys of a tuple.
pub(crate) const MAX_TUPLE: usize = 12;

/// Stack memory for keys whose number is known only at run time.
pub(crate) const MANY_ROOM: usize = 1024;

/// The bytes reserved for a name; longer names move the request to the heap.
const NAME_ROOM: usize = 24;

/// What can be read in one call: a key, a tuple of up to twelve, a list of names and kinds, or all of a
/// [`Catalog`](crate::Catalog). Sealed.
pub trait Keys: Sealed {
    /// The value or values, in the order of the keys.
    type Output;

    #[doc(hidden)]
    const ROOM: usize;

    #[doc(hidden)]
    const COUNT: usize;

    #[doc(hidden)]
    fn ask(&self, question: &mut Question<'_, '_>) -> Result<()>;

    #[doc(hidden)]
    fn answer(&self, answers: &mut Answers<'_, '_>) -> Result<Self::Output>;
}

/// A read in the making.
#[derive(Debug)]
pub struct Question<'d, 's> {
    request: Asked<'d, 's>,
    growth: Growth,
    /// How many buffers are smaller than their values may be.
    growable: usize,
    /// Whether a key of `meta` or `env` is requested.
    has_user_keys: bool,
}

/// Where the names and the space for the values go.
#[derive(Debug)]
enum Asked<'d, 's> {
    /// Into borrowed memory, in the order of the keys. If something does not fit, nothing is sent.
    Sheet {
        sheet: &'d mut Sheet<'s>,
        traces: u64,
        is_fit: bool,
    },
    Draft {
        draft: &'d mut Draft<'s>,
        places: &'d mut Places,
    },
}

/// The sizes of the buffers for values without a fixed limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Growth {
    /// As large as most values need. Each key of `meta` and `env` has its own.
    Usual,
    /// As large as the kernel's own limits. Keys of `meta` and `env` are read as the whole text from here on: for each
    /// key the kernel requires space for everything after it (T7), more than a request can hold for many keys.
    Limit,
    /// Four times that, for raised limits.
    Raised,
    /// The space of a request, divided: this many bytes each.
    Rest(usize),
}

impl Growth {
    fn next(self) -> Option<Self> {
        match self {
            Self::Usual => Some(Self::Limit),
            Self::Limit => Some(Self::Raised),
            Self::Raised => Some(Self::Rest(0)),
            Self::Rest(_) => None,
        }
    }

    /// Returns the size of the buffer of a value that has no fixed limit.
    fn room(self, kind: Kind, usual: usize) -> usize {
        let limit = match kind {
            // Unless sysctl security.jail.jail_max_af_ips was raised.
            Kind::Ip4 => 255 * 4,
            Kind::Ip6 => 255 * 16,
            _ => 4096,
        };
        match self {
            Self::Usual => usual,
            Self::Limit => limit,
            Self::Raised => 4 * limit,
            // A list holds whole addresses.
            Self::Rest(room) => room - room % 16,
        }
    }
}

/// Where in the request each key's value is, in the order of the keys.
#[derive(Debug)]
enum Places {
    Few { places: [usize; MAX_TUPLE], len: usize },
    Many(Vec<usize>),
}

impl Places {
    fn none() -> Self {
        Self::Few { places: [0; MAX_TUPLE], len: 0 }
    }

    fn push(&mut self, place: usize) {
        match self {
            Self::Few { places, len } => match places.get_mut(*len) {
                Some(free) => {
                    *free = place;
                    *len += 1;
                }
                None => {
                    let mut many = places.to_vec();
                    many.push(place);
                    *self = Self::Many(many);
                }
            },
            Self::Many(places) => places.push(place),
        }
    }

    fn as_slice(&self) -> &[usize] {
        match self {
            Self::Few { places, len } => places.get(..*len).unwrap_or_default(),
            Self::Many(places) => places,
        }
    }
}

impl Question<'_, '_> {
    /// Requests a parameter whose name and kind are known only at run time.
    pub(crate) fn ask_named(&mut self, name: &str, kind: Kind) -> Result<()> {
        let max = param::resolve(name, kind)?.and_then(|definition| definition.max);
        self.ask(name, kind, 256, max)
    }

    fn ask(&mut self, name: &str, kind: Kind, usual: usize, max: Option<usize>) -> Result<()> {
        match &mut self.request {
            Asked::Sheet { sheet, traces, is_fit } => {
                let trace = name::trace(name.as_bytes());
                let collides = *traces & trace != 0 && collides(sheet, name);
                *traces |= trace;
                if collides || !sheet.push(name, kind.size().or(max).unwrap_or(usual)) {
                    *is_fit = false;
                }
                Ok(())
            }
            Asked::Draft { .. } => self.ask_in_draft(name, kind, usual, max),
        }
    }

    fn ask_in_draft(&mut self, name: &str, kind: Kind, usual: usize, max: Option<usize>) -> Result<()> {
        let Asked::Draft { draft, places } = &mut self.request else { return Ok(()) };
        let (mut name, mut usual, mut max) = (name, usual, max);
        if name::user_key(name).is_some() {
            self.has_user_keys = true;
            if self.growth != Growth::Usual {
                (name, usual, max) = (name::text_of(name), 4096, None);
            }
        }
        // A name that is already in the request, such as the jail's key, is answered from that slot: if a name is
        // given twice, the kernel answers only the last one.
        if let Some(other) = draft.collision(name) {
            if other.name() != name {
                return Err(name::conflict(name, other.name()));
            }
            places.push(other.place);
            return Ok(());
        }
        let room = match (kind.size(), max) {
            (Some(size), _) => size,
            (None, Some(max)) => max,
            (None, None) => {
                self.growable += 1;
                self.growth.room(kind, usual)
            }
        };
        draft.check_room(name, room).map_err(|error| error.about(name))?;
        places.push(draft.size());
        draft.push(name, Wire::Space(room));
        Ok(())
    }
}

#[inline(never)]
fn collides(sheet: &Sheet<'_>, name: &str) -> bool {
    sheet.names().any(|other| name::collide(other, name.as_bytes()))
}

/// The answers of a read.
#[derive(Debug)]
pub struct Answers<'d, 's> {
    answered: Answered<'d, 's>,
    /// The value of a key that was cut out of the whole text.
    cut: Vec<u8>,
}

#[derive(Debug)]
enum Answered<'d, 's> {
    /// In the order of the keys, from this place on.
    Sheet {
        sheet: &'d Sheet<'s>,
        next: usize,
    },
    Draft {
        draft: &'d Draft<'s>,
        places: core::slice::Iter<'d, usize>,
    },
}

impl<'d, 's> Answers<'d, 's> {
    fn new(answered: Answered<'d, 's>) -> Self {
        Self { answered, cut: Vec::new() }
    }

    /// Returns the answer to [`Question::ask_named`].
    pub(crate) fn next_named(&mut self, name: &str, kind: Kind) -> Result<Value> {
        Value::decode(kind, self.next(name)?, name)
    }

    fn next(&mut self, name: &str) -> Result<&[u8]> {
        let answer = match &mut self.answered {
            Answered::Sheet { sheet, next } => {
                *next += 1;
                sheet.value(*next - 1)
            }
            Answered::Draft { draft, places } => places.next().and_then(|&place| {
                let pair = draft.pair(place)?;
                let bytes = pair.value()?;
                match name::user_key(name) {
                    Some(key) if pair.name() != name => {
                        self.cut = value_of_key(bytes, key);
                        Some(self.cut.as_slice())
                    }
                    _ => Some(bytes),
                }
            }),
        };
        answer.ok_or_else(|| Error::refused(ErrorKind::InvalidAnswer, "the answer is missing").about(name))
    }
}

/// Returns what the kernel would answer for a key of `meta` or `env`, from the whole text: nothing if there is no such
/// key, and the last of several. See `jm_osd_method_get` in `sys/kern/kern_jailmeta.c`.
fn value_of_key(text: &[u8], key: &str) -> Vec<u8> {
    let text = text.split(|&byte| byte == 0).next().unwrap_or_default();
    let mut lines = text.split(|&byte| byte == b'\n').rev();
    let value = lines.find_map(|line| line.strip_prefix(key.as_bytes())?.strip_prefix(b"="));
    value.map(|value| [value, b"\0"].concat()).unwrap_or_default()
}

impl<T, A> Sealed for Param<'_, T, A> {}
impl<T: Decode, A> Keys for Param<'_, T, A> {
    type Output = T;

    const ROOM: usize = T::ROOM + NAME_ROOM;
    const COUNT: usize = 1;

    fn ask(&self, question: &mut Question<'_, '_>) -> Result<()> {
        let max = self.resolve()?.and_then(|definition| definition.max);
        question.ask(self.name(), T::KIND, T::ROOM, max)
    }

    fn answer(&self, answers: &mut Answers<'_, '_>) -> Result<T> {
        T::decode(answers.next(self.name())?, self.name())
    }
}

macro_rules! tuple {
    ($($key:ident $index:tt),*) => {
        impl<$($key: Keys),*> Sealed for ($($key,)*) {}
        impl<$($key: Keys),*> Keys for ($($key,)*) {
            type Output = ($($key::Output,)*);

            const ROOM: usize = 0 $(+ $key::ROOM)*;
            const COUNT: usize = 0 $(+ $key::COUNT)*;

            #[allow(unused_variables)]
            fn ask(&self, question: &mut Question<'_, '_>) -> Result<()> {
                $(self.$index.ask(question)?;)*
                Ok(())
            }

            #[allow(unused_variables)]
            fn answer(&self, answers: &mut Answers<'_, '_>) -> Result<Self::Output> {
                Ok(($(self.$index.answer(answers)?,)*))
            }
        }
    };
}

tuple!();
tuple!(A 0);
tuple!(A 0, B 1);
tuple!(A 0, B 1, C 2);
tuple!(A 0, B 1, C 2, D 3);
tuple!(A 0, B 1, C 2, D 3, E 4);
tuple!(A 0, B 1, C 2, D 3, E 4, F 5);
tuple!(A 0, B 1, C 2, D 3, E 4, F 5, G 6);
tuple!(A 0, B 1, C 2, D 3, E 4, F 5, G 6, H 7);
tuple!(A 0, B 1, C 2, D 3, E 4, F 5, G 6, H 7, I 8);
tuple!(A 0, B 1, C 2, D 3, E 4, F 5, G 6, H 7, I 8, J 9);
tuple!(A 0, B 1, C 2, D 3, E 4, F 5, G 6, H 7, I 8, J 9, K 10);
tuple!(A 0, B 1, C 2, D 3, E 4, F 5, G 6, H 7, I 8, J 9, K 10, L 11);

impl<K: Keys> Keys for &K {
    type Output = K::Output;

    const ROOM: usize = K::ROOM;
    const COUNT: usize = K::COUNT;

    fn ask(&self, question: &mut Question<'_, '_>) -> Result<()> {
        K::ask(self, question)
    }

    fn answer(&self, answers: &mut Answers<'_, '_>) -> Result<K::Output> {
        K::answer(self, answers)
    }
}

/// Keys with a value larger than most, which is still read into stack memory.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Roomy<K>(pub(crate) K);

impl<K> Sealed for Roomy<K> {}
impl<K: Keys> Keys for Roomy<K> {
    type Output = K::Output;

    const ROOM: usize = if K::ROOM < 1536 { 1536 } else { K::ROOM };
    const COUNT: usize = K::COUNT;

    fn ask(&self, question: &mut Question<'_, '_>) -> Result<()> {
        self.0.ask(question)
    }

    fn answer(&self, answers: &mut Answers<'_, '_>) -> Result<K::Output> {
        self.0.answer(answers)
    }
}

/// A key that may be left out.
impl<K: Keys> Keys for Option<K> {
    type Output = Option<K::Output>;

    const ROOM: usize = K::ROOM;
    const COUNT: usize = K::COUNT;

    fn ask(&self, question: &mut Question<'_, '_>) -> Result<()> {
        self.as_ref().map_or(Ok(()), |key| key.ask(question))
    }

    fn answer(&self, answers: &mut Answers<'_, '_>) -> Result<Self::Output> {
        self.as_ref().map(|key| key.answer(answers)).transpose()
    }
}

impl<S: AsRef<str>> Sealed for [(S, Kind)] {}
impl<S: AsRef<str>> Keys for &[(S, Kind)] {
    type Output = Vec<Value>;

    const ROOM: usize = MANY_ROOM;
    const COUNT: usize = MAX_TUPLE;

    fn ask(&self, question: &mut Question<'_, '_>) -> Result<()> {
        self.iter().try_for_each(|(name, kind)| question.ask_named(name.as_ref(), *kind))
    }

    fn answer(&self, answers: &mut Answers<'_, '_>) -> Result<Vec<Value>> {
        self.iter().map(|(name, kind)| answers.next_named(name.as_ref(), *kind)).collect()
    }
}

/// As a slice of names and kinds.
macro_rules! list {
    ([$($generics:tt)*] $list:ty) => {
        impl<$($generics)*> Sealed for $list {}
        impl<$($generics)*> Keys for $list {
            type Output = Vec<Value>;

            const ROOM: usize = MANY_ROOM;
            const COUNT: usize = MAX_TUPLE;

            fn ask(&self, question: &mut Question<'_, '_>) -> Result<()> {
                self.as_slice().ask(question)
            }

            fn answer(&self, answers: &mut Answers<'_, '_>) -> Result<Vec<Value>> {
                self.as_slice().answer(answers)
            }
        }
    };
}

list!([S: AsRef<str>] Vec<(S, Kind)>);
list!([S: AsRef<str>, const N: usize] [(S, Kind); N]);

/// Names and kinds, where a key of `meta` or `env` that the jail lacks reads as `None`.
///
/// In a plain slice of names and kinds, such a key reads as an empty string.
///
/// ```
/// # use freebsd_jail::{Jail, get::Present, param::{Kind, Value}, sim};
/// # fn main() -> freebsd_jail::Result<()> {
/// # let kernel = sim::Kernel::new();
/// # let _guard = kernel.install();
/// let jail = Jail::builder().path("/").meta("note", "").create()?;
/// let keys = [("meta.note", Kind::String), ("meta.owner", Kind::String)];
/// assert_eq!(jail.get(Present(&keys))?, [Some(Value::from("")), None]);
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Present<'k, S>(pub &'k [(S, Kind)]);

impl<S: AsRef<str>> Sealed for Present<'_, S> {}
impl<S: AsRef<str>> Keys for Present<'_, S> {
    type Output = Vec<Option<Value>>;

    const ROOM: usize = MANY_ROOM;
    const COUNT: usize = MAX_TUPLE;

    fn ask(&self, question: &mut Question<'_, '_>) -> Result<()> {
        self.0.ask(question)
    }

    fn answer(&self, answers: &mut Answers<'_, '_>) -> Result<Self::Output> {
        let value = |(name, kind): &(S, Kind)| {
            let name = name.as_ref();
            let bytes = answers.next(name)?;
            let is_missing = bytes.is_empty() && name::user_key(name).is_some();
            if is_missing { Ok(None) } else { Value::decode(*kind, bytes, name).map(Some) }
        };
        self.0.iter().map(value).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buffers_grow_to_the_limits_then_beyond_then_to_what_is_left() {
        let rooms = |kind| {
            let growths = core::iter::successors(Some(Growth::Usual), |growth| growth.next());
            let rest = Growth::Rest(1000);
            growths.chain([rest]).map(|growth| growth.room(kind, 64)).collect::<Vec<_>>()
        };
        assert_eq!(rooms(Kind::Ip4), [64, 1020, 4080, 0, 992]);
        assert_eq!(rooms(Kind::Ip6), [64, 4080, 16320, 0, 992]);
        assert_eq!(rooms(Kind::String), [64, 4096, 16384, 0, 992]);
    }

    #[test]
    fn t7_a_key_is_found_in_the_whole_text_as_the_kernel_finds_it() {
        let text = b"a=1\nab=2\nb=x a=3\nempty=\nc\ntwice=1\ntwice=2\nlast=9\0garbage\na=7";
        for (key, value) in [
            ("a", Some("1")),
            ("ab", Some("2")),
            ("b", Some("x a=3")),
            ("empty", Some("")),
            ("twice", Some("2")),
            ("last", Some("9")),
            ("c", None),
            ("x a", None),
            ("nosuch", None),
        ] {
            let found = value_of_key(text, key);
            assert_eq!(
                found,
                value.map(|value| [value.as_bytes(), b"\0"].concat()).unwrap_or_default(),
                "{key}"
            );
        }
        assert_eq!(value_of_key(b"\0", "a"), b"".as_slice());
    }
}
