//! Makes a read: selects the jail, grows the buffers, and decodes the answer.

use core::ffi::c_int;
use std::os::fd::{AsRawFd, OwnedFd};

use super::{Answered, Answers, Asked, Growth, Keys, NAME_ROOM, Places, Question};
use crate::error::{Error, ErrorKind, Result, Subject};
use crate::flags::GetFlags;
use crate::param;
use crate::sys::{Errno, Row, Sheet, Slot, System};
use crate::wire::{At, Draft, ErrorText, Verb, Wire, name};

/// Which jail is read.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Key<'k> {
    /// The jail of the call's descriptor.
    Descriptor,
    Jid(c_int),
    /// The jail with the next higher jid.
    After(c_int),
    Name(&'k [u8]),
}

impl Key<'_> {
    fn write(self, draft: &mut Draft<'_>) {
        match self {
            Self::Descriptor => {}
            Self::Jid(jid) => draft.push("jid", Wire::Int(jid)),
            Self::After(jid) => draft.push("lastjid", Wire::Int(jid)),
            // The kernel writes the jail's full name back, which may be longer than the key.
            Self::Name(name) => draft.push("name", Wire::Padded(name, param::NAME_MAX)),
        }
    }
}

/// A read: where, how, and of which jail.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Read<'r> {
    pub(crate) system: &'r System,
    pub(crate) flags: GetFlags,
    pub(crate) subject: Subject,
    pub(crate) at: At<'r>,
    pub(crate) key: Key<'r>,
    /// The jail that names and parents shall be relative to, if the kernel returns them relative to one further above.
    pub(crate) relative_to: Option<&'r Base>,
}

impl Read<'_> {
    /// Returns the jail's key, if the message of an error can be requested by a second call and the answers are
    /// returned as they come.
    fn plain_key(&self) -> Option<(&'static [u8], [u8; size_of::<c_int>()])> {
        let is_plain =
            self.relative_to.is_none() && Verb::Get(self.flags).error_text(self.at) == ErrorText::OnFailure;
        let (name, number): (&[u8], _) = match (self.key, self.at) {
            _ if !is_plain => return None,
            (Key::Descriptor, At::Use(descriptor)) => (b"desc\0", descriptor.as_raw_fd()),
            (Key::Jid(jid), At::None) => (b"jid\0", jid),
            (Key::After(jid), At::None) => (b"lastjid\0", jid),
            _ => return None,
        };
        Some((name, number.to_ne_bytes()))
    }
}

/// A jail that the names of those below shall be relative to.
#[derive(Debug, Clone)]
pub(crate) struct Base {
    pub(crate) jid: c_int,
    /// Its name, as this process sees it, and a dot.
    pub(crate) prefix: Vec<u8>,
}

/// What a read returned.
#[derive(Debug)]
pub(crate) struct Found<T> {
    pub(crate) jid: c_int,
    pub(crate) descriptor: Option<OwnedFd>,
    /// Whether the jail is below the one that its name shall be relative to.
    pub(crate) inside: bool,
    pub(crate) values: T,
}

/// Keys and what they read, whatever their type.
trait Reading {
    fn ask(&self, question: &mut Question<'_, '_>) -> Result<()>;
    fn answer(&mut self, answers: &mut Answers<'_, '_>) -> Result<()>;
}

struct Values<'k, K: Keys> {
    keys: &'k K,
    values: Option<K::Output>,
}

impl<K: Keys> Reading for Values<'_, K> {
    fn ask(&self, question: &mut Question<'_, '_>) -> Result<()> {
        self.keys.ask(question)
    }

    fn answer(&mut self, answers: &mut Answers<'_, '_>) -> Result<()> {
        self.values = Some(self.keys.answer(answers)?);
        Ok(())
    }
}

/// Reads the keys' values in one call, and repeats it only if a value does not fit its buffer.
pub(crate) fn read<K: Keys>(read: Read<'_>, keys: &K) -> Result<Found<K::Output>> {
    let mut reading = Values { keys, values: None };
    // Beside the keys there is at most the jail's own.
    let Found { jid, descriptor, inside, .. } = match const { (K::ROOM + NAME_ROOM, K::COUNT) } {
        (0..=64, 0..=1) => read_in::<64, 2>(&read, &mut reading),
        (0..=320, 0..=5) => read_in::<320, 6>(&read, &mut reading),
        (0..=1792, _) => read_in::<1792, 13>(&read, &mut reading),
        _ => read_in::<6144, 13>(&read, &mut reading),
    }?;
    let missing = || Error::refused(ErrorKind::InvalidAnswer, "the answer is missing");
    Ok(Found { jid, descriptor, inside, values: reading.values.ok_or_else(missing)? })
}

/// A read whose answers do not come from jail_get(2).
#[derive(Debug)]
pub(crate) struct Form {
    draft: Draft<'static>,
    places: Places,
}

impl Form {
    /// Makes one for keys whose names are all known there, with the sizes of their answers. `None` for other keys, and
    /// for requests that cannot be sent.
    pub(crate) fn new<K: Keys>(keys: &K, size: fn(&str) -> Option<usize>) -> Option<Self> {
        let mut draft = Draft::with_room(K::ROOM);
        let mut places = Places::none();
        let mut question = Question {
            request: Asked::Draft { draft: &mut draft, places: &mut places },
            growth: Growth::Limit,
            growable: 0,
            has_user_keys: false,
        };
        keys.ask(&mut question).ok()?;
        let all_fit = draft.pairs().all(|pair| size(pair.name()).is_some_and(|size| size <= pair.room()));
        all_fit.then_some(Self { draft, places })
    }

    /// Reads the keys' values from what `answer` returns for each name.
    pub(crate) fn read<'a, K: Keys>(
        &mut self,
        keys: &K,
        answer: impl Fn(&str) -> Option<&'a [u8]>,
    ) -> Result<K::Output> {
        let mut place = 0;
        while let Some(pair) = self.draft.pair(place) {
            let (name, next) = (pair.name(), pair.end());
            let Some(bytes) = answer(name).filter(|bytes| bytes.len() <= pair.room()) else {
                let error = Error::refused(ErrorKind::InvalidAnswer, "the answer is missing");
                return Err(error.about(name));
            };
            self.draft.answer(place, bytes);
            place = next;
        }
        let places = self.places.as_slice().iter();
        keys.answer(&mut Answers::new(Answered::Draft { draft: &self.draft, places }))
    }
}

/// Reads with stack memory for this many bytes and pairs; a larger request goes to the heap.
fn read_in<const BYTES: usize, const PAIRS: usize>(
    read: &Read<'_>,
    reading: &mut dyn Reading,
) -> Result<Found<()>> {
    let mut failure = None;
    if let Some((name, mut number)) = read.plain_key() {
        let (mut memory, mut slots) = ([0; BYTES], [const { Slot::EMPTY }; PAIRS]);
        let mut rows = [Row::EMPTY; PAIRS];
        let mut sheet = Sheet::new(&mut memory, &mut slots, &mut rows);
        sheet.lend(name, &mut number);
        match read_plainly(&mut sheet, read, reading) {
            Ok(jid) => {
                reading.answer(&mut Answers::new(Answered::Sheet { sheet: &sheet, next: 1 }))?;
                return Ok(Found { jid, descriptor: None, inside: true, values: () });
            }
            Err(errno) => failure = errno,
        }
    }
    read_fully::<BYTES>(read, reading, failure)
}

/// The traces of those keys of a jail that can also be read.
const OWN_TRACES: u64 = name::trace(b"jid") | name::trace(b"lastjid");

/// Reads into a sheet, without requesting the message of an error. Fails without an errno, and without a call, if
/// something does not fit.
fn read_plainly(
    sheet: &mut Sheet<'_>,
    read: &Read<'_>,
    reading: &dyn Reading,
) -> core::result::Result<c_int, Option<Errno>> {
    let mut question = Question {
        request: Asked::Sheet { sheet, traces: OWN_TRACES, is_fit: true },
        growth: Growth::Usual,
        growable: 0,
        has_user_keys: false,
    };
    let asked = reading.ask(&mut question);
    match question.request {
        Asked::Sheet { sheet, is_fit: true, .. } if asked.is_ok() => {
            sheet.get(read.system, Verb::Get(read.flags).flags() | read.at.flag()).map_err(Some)
        }
        _ => Err(None),
    }
}

/// Reads what [`read_plainly`] cannot read, or failed to.
#[inline(never)]
fn read_fully<const BYTES: usize>(
    read: &Read<'_>,
    reading: &mut dyn Reading,
    failure: Option<Errno>,
) -> Result<Found<()>> {
    read_on(&mut [0; BYTES], read, reading, failure)
}

/// Reads with that memory, which is all zeros.
fn read_on(
    bytes: &mut [u8],
    read: &Read<'_>,
    reading: &mut dyn Reading,
    mut failure: Option<Errno>,
) -> Result<Found<()>> {
    let mut growth = Growth::Usual;
    let verb = Verb::Get(read.flags);
    let mut text = verb.error_text(read.at);
    let mut is_first = true;
    loop {
        if !is_first {
            bytes.fill(0);
        }
        is_first = false;
        let mut draft = Draft::lent(bytes);
        read.key.write(&mut draft);
        let mut places = Places::none();
        let request = Asked::Draft { draft: &mut draft, places: &mut places };
        let mut question = Question { request, growth, growable: 0, has_user_keys: false };
        let asked = reading.ask(&mut question);
        let Question { growable, has_user_keys, .. } = question;
        if growth == Growth::Rest(0) && asked.is_ok() && growable > 0 {
            growth = Growth::Rest(draft.room_left() / growable);
            continue;
        }
        // A larger request has other names for keys of `meta` and `env`, and the message would quote them.
        if text == ErrorText::OnFailure && growable > 0 && !has_user_keys {
            text = ErrorText::UnlessInvalid;
        }
        let found = asked.and_then(|()| match failure.take() {
            Some(errno) => draft.as_call(verb).make_again(errno, text, read.system, read.at, read.subject),
            None => draft.as_call(verb).make(text, read.system, read.at, read.subject),
        });
        match found {
            Ok(found) => {
                let inside = match read.relative_to {
                    Some(base) => draft.make_relative(&base.prefix, base.jid),
                    None => true,
                };
                let places = places.as_slice().iter();
                reading.answer(&mut Answers::new(Answered::Draft { draft: &draft, places }))?;
                return Ok(Found { jid: found.jid, descriptor: found.descriptor, inside, values: () });
            }
            // EINVAL without a message means that a buffer was too small.
            Err(error) if growable > 0 && error.is_wordless_einval() => match growth.next() {
                Some(next) => (growth, text) = (next, ErrorText::Always),
                None => return Err(error.because("the values are larger than a request can hold")),
            },
            // The buffers were too many or too large for a request.
            Err(error) if error.is_oversize() && growth == Growth::Usual && has_user_keys => {
                growth = Growth::Limit;
            }
            Err(error) if error.is_oversize() && matches!(growth, Growth::Limit | Growth::Raised) => {
                growth = Growth::Rest(0);
            }
            Err(error) => return Err(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fits<K: Keys>(keys: &K) -> bool {
        let (mut memory, mut slots, mut rows) = ([0; 64], [const { Slot::EMPTY }; 2], [Row::EMPTY; 2]);
        let sheet = &mut Sheet::new(&mut memory, &mut slots, &mut rows);
        let request = Asked::Sheet { sheet, traces: 0, is_fit: true };
        let mut question = Question { request, growth: Growth::Usual, growable: 0, has_user_keys: false };
        keys.ask(&mut question).unwrap();
        matches!(question.request, Asked::Sheet { is_fit: true, .. })
    }

    #[test]
    fn a_sheet_holds_what_fits_and_no_name_twice() {
        assert!(fits(&(param::SECURELEVEL, param::CHILDREN_MAX)));
        assert!(!fits(&(param::SECURELEVEL, param::CHILDREN_MAX, param::JID)));
        assert!(!fits(&param::PATH));
        assert!(!fits(&(param::SECURELEVEL, param::SECURELEVEL)));
    }

    #[test]
    fn a_jail_is_found_plainly_by_its_jid_and_not_by_its_name() {
        let plain = |key, flags| {
            let (system, subject) = (&System::current(), Subject::Handle);
            Read { system, flags, subject, at: At::None, key, relative_to: None }.plain_key()
        };
        let flags = GetFlags::empty();
        assert_eq!(plain(Key::Jid(7), flags), Some((&b"jid\0"[..], 7_i32.to_ne_bytes())));
        assert_eq!(plain(Key::After(0), flags), Some((&b"lastjid\0"[..], 0_i32.to_ne_bytes())));
        assert_eq!(plain(Key::Name(b"www"), flags), None);
    }
}
