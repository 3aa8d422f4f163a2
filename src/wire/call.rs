//! The call that sends a draft.

use core::ffi::c_int;
use std::os::fd::{AsRawFd, OwnedFd};

use super::at::At;
use super::draft::Draft;
use crate::error::{Asked, Call, Error, ErrorKind, Result, Subject};
use crate::flags::{GetFlags, SetFlags};
use crate::sys::{DescriptorSlot, Errno, SetSlot, Slot, System};

/// Space for any of the kernel's messages, and some more.
pub(crate) const ERRMSG_LEN: usize = 1024;

/// Space for the longest message about a parameter of the table.
const SHORT_ERRMSG_LEN: usize = 320;

/// The pairs that the call adds to those of the draft: `desc` and `errmsg`.
pub(crate) const OWN_PAIRS: usize = 2;

/// The parameter of a jail that stays without processes.
pub(crate) const PERSIST: &str = "persist";

/// Which of the two calls to make, with its flags except those of [`At`].
#[derive(Debug, Clone, Copy)]
pub(crate) enum Verb {
    Set(SetFlags),
    Get(GetFlags),
}

impl Verb {
    pub(crate) fn call(self) -> Call {
        match self {
            Self::Set(_) => Call::JailSet,
            Self::Get(_) => Call::JailGet,
        }
    }

    pub(crate) fn flags(self) -> c_int {
        match self {
            Self::Set(flags) => flags.bits(),
            Self::Get(flags) => flags.bits(),
        }
    }

    /// Returns when the message is requested, as far as the call alone decides: reading changes nothing, so a failed
    /// read can be repeated. But closing a descriptor that it has made may remove the jail (T1), and below a
    /// descriptor, each call must be preceded by a check that its jail lives (T3).
    pub(crate) fn error_text(self, at: At<'_>) -> ErrorText {
        match (self, at) {
            (Self::Get(_), At::None | At::Use(_)) if !self.makes_descriptor() => ErrorText::OnFailure,
            _ => ErrorText::Always,
        }
    }

    /// Whether a new descriptor is requested.
    pub(crate) fn makes_descriptor(self) -> bool {
        match self {
            Self::Set(flags) => flags.intersects(SetFlags::GET_DESC | SetFlags::OWN_DESC),
            Self::Get(flags) => flags.intersects(GetFlags::GET_DESC | GetFlags::OWN_DESC),
        }
    }
}

/// What a successful call returned.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) jid: c_int,
    pub(crate) descriptor: Option<OwnedFd>,
}

/// When the kernel's message is requested, which costs as much as a quarter of a short call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ErrorText {
    /// With the call.
    Always,
    /// By a second call, after one without it has failed. The second result counts, success included. For calls whose
    /// failure leaves nothing behind.
    OnFailure,
    /// The same, except after `EINVAL`, when the caller repeats the call with larger buffers.
    UnlessInvalid,
}

/// A draft and the call that sends it.
pub(crate) enum DraftCall<'d, 's> {
    /// Of jail_set(2), which only reads the pairs. `persists` adds the parameter of that name.
    Set { draft: &'d Draft<'s>, flags: SetFlags, persists: bool },
    /// Of jail_get(2), which writes them.
    Get { draft: &'d mut Draft<'s>, flags: GetFlags },
}

impl<'s> Draft<'s> {
    pub(crate) fn as_call(&mut self, verb: Verb) -> DraftCall<'_, 's> {
        match verb {
            Verb::Set(flags) => DraftCall::Set { draft: self, flags, persists: false },
            Verb::Get(flags) => DraftCall::Get { draft: self, flags },
        }
    }

    /// Makes the call. The values hold the kernel's answer afterwards.
    pub(crate) fn call(
        &mut self,
        system: &System,
        verb: Verb,
        at: At<'_>,
        subject: Subject,
    ) -> Result<Answer> {
        self.as_call(verb).make(verb.error_text(at), system, at, subject)
    }

    /// Creates a jail. `persists` adds the parameter of that name.
    #[inline]
    pub(crate) fn create(
        &self,
        text: ErrorText,
        system: &System,
        flags: SetFlags,
        at: At<'_>,
        persists: bool,
    ) -> Result<Answer> {
        DraftCall::Set { draft: self, flags, persists }.make(text, system, at, Subject::New)
    }
}

impl DraftCall<'_, '_> {
    fn verb(&self) -> Verb {
        match *self {
            Self::Set { flags, .. } => Verb::Set(flags),
            Self::Get { flags, .. } => Verb::Get(flags),
        }
    }

    fn draft(&self) -> &Draft<'_> {
        match self {
            Self::Set { draft, .. } => draft,
            Self::Get { draft, .. } => draft,
        }
    }

    /// Makes the call, and requests the message of an error as `text` says.
    #[inline]
    pub(crate) fn make(
        &mut self,
        text: ErrorText,
        system: &System,
        at: At<'_>,
        subject: Subject,
    ) -> Result<Answer> {
        if text == ErrorText::Always {
            return self.make_for_text(system, at, subject);
        }
        match self.exchange(system, at, None)? {
            Ok(answer) => Ok(answer),
            Err(errno) => self.make_again(errno, text, system, at, subject),
        }
    }

    /// Continues after the call without a buffer for the text has failed.
    pub(crate) fn make_again(
        &mut self,
        errno: Errno,
        text: ErrorText,
        system: &System,
        at: At<'_>,
        subject: Subject,
    ) -> Result<Answer> {
        // The meaning of these is clear without a message. And a jail whose creation ran out of memory may stay
        // (T18), so another try may leave a second one.
        if errno.0 == libc::ENOMEM
            || (errno.0 == libc::ENOENT && subject == Subject::Next)
            || (errno.0 == libc::EINVAL && text == ErrorText::UnlessInvalid)
        {
            return Err(self.failure(subject, errno, &[]));
        }
        self.make_for_text(system, at, subject)
    }

    #[inline(never)]
    fn make_for_text(&mut self, system: &System, at: At<'_>, subject: Subject) -> Result<Answer> {
        self.make_with(system, at, subject, &mut [0; SHORT_ERRMSG_LEN])
    }

    /// Makes the call with a buffer for the kernel's text.
    pub(crate) fn make_with(
        &mut self,
        system: &System,
        at: At<'_>,
        subject: Subject,
        errmsg: &mut [u8],
    ) -> Result<Answer> {
        self.exchange(system, at, Some(errmsg))?.map_err(|errno| self.failure(subject, errno, errmsg))
    }

    #[allow(
        clippy::inline_always,
        reason = "the levels between an operation and its call cost more than some of them"
    )]
    #[inline(always)]
    fn exchange(
        &mut self,
        system: &System,
        at: At<'_>,
        errmsg: Option<&mut [u8]>,
    ) -> Result<core::result::Result<Answer, Errno>> {
        let (verb, given) = (self.verb(), at.descriptor());
        match self {
            Self::Set { draft, persists: true, .. } => draft.check_room(PERSIST, 0)?,
            // A descriptor alone can be a whole request.
            _ if self.draft().len() == 0 && (given.is_some() || verb.makes_descriptor()) => {}
            _ => self.draft().check_limits()?,
        }
        let mut number = given.map(|fd| fd.as_raw_fd().to_ne_bytes());
        if !verb.makes_descriptor() {
            let desc = number.as_mut().map(<[u8; 4]>::as_mut_slice);
            return Ok(self.send(system, at, desc, errmsg).map(|jid| Answer { jid, descriptor: None }));
        }
        let sets = matches!(self, Self::Set { .. });
        let mut descriptor = DescriptorSlot::new(system, sets, verb.flags(), given).map_err(|errno| {
            Error::os(Call::Mmap, errno, ErrorKind::ResourceExhausted, "room for a descriptor")
        })?;
        match self.send(system, at, Some(descriptor.bytes()), errmsg) {
            Ok(jid) => match descriptor.take() {
                Ok(descriptor) => Ok(Ok(Answer { jid, descriptor })),
                Err(errno) => {
                    let reason = "keeping the jail's descriptor";
                    Err(Error::os(Call::Fcntl, errno, ErrorKind::ResourceExhausted, reason))
                }
            },
            Err(errno) => Ok(Err(errno)),
        }
    }

    /// Makes the call with the draft's pairs and the call's own.
    fn send(
        &mut self,
        system: &System,
        at: At<'_>,
        desc: Option<&mut [u8]>,
        errmsg: Option<&mut [u8]>,
    ) -> core::result::Result<c_int, Errno> {
        let flags = self.verb().flags() | at.flag();
        let own = Own { desc, errmsg };
        // Smaller requests are more common.
        match self {
            Self::Set { draft, persists, .. } => match draft.len() + OWN_PAIRS + 1 {
                0..=5 => set(draft, *persists, own, system, flags, &mut [SetSlot::EMPTY; 5]),
                6..=10 => set(draft, *persists, own, system, flags, &mut [SetSlot::EMPTY; 10]),
                11..=20 => set(draft, *persists, own, system, flags, &mut [SetSlot::EMPTY; 20]),
                count => {
                    let mut slots: Vec<_> = (0..count).map(|_| SetSlot::EMPTY).collect();
                    set(draft, *persists, own, system, flags, &mut slots)
                }
            },
            Self::Get { draft, .. } => {
                let (mut few, mut many) = ([0; 12], Vec::new());
                let lens = if draft.len() <= few.len() {
                    &mut few[..]
                } else {
                    many.resize(draft.len(), 0);
                    &mut many
                };
                let jid = match draft.len() {
                    0..=2 => get(draft, own, system, flags, &mut [Slot::EMPTY; 4], lens),
                    3..=12 => get(draft, own, system, flags, &mut [Slot::EMPTY; 14], lens),
                    len => {
                        let mut slots: Vec<_> = (0..len + OWN_PAIRS).map(|_| Slot::EMPTY).collect();
                        get(draft, own, system, flags, &mut slots, lens)
                    }
                }?;
                draft.set_answer_lens(lens);
                Ok(jid)
            }
        }
    }

    /// Makes an error from the kernel's answer.
    #[cold]
    fn failure(&self, subject: Subject, errno: Errno, errmsg: &[u8]) -> Error {
        let text = errmsg.split(|&byte| byte == 0).next().unwrap_or_default();
        let names = |each: &mut dyn FnMut(&str)| self.draft().names().for_each(each);
        Error::from_kernel(self.verb().call(), errno, text, &Asked { subject, names: &names })
    }
}

/// The values of the call's own pairs.
struct Own<'a> {
    desc: Option<&'a mut [u8]>,
    errmsg: Option<&'a mut [u8]>,
}

impl<'a> Own<'a> {
    /// Puts the pairs into slots, and returns how many there are.
    fn put<S: From<Slot<'a>>>(self, slots: &mut [S]) -> usize {
        let mut count = 0;
        for (name, value) in [(&b"desc\0"[..], self.desc), (b"errmsg\0", self.errmsg)] {
            if let (Some(value), Some(slot)) = (value, slots.get_mut(count)) {
                *slot = Slot::new(name, Some(value)).into();
                count += 1;
            }
        }
        count
    }
}

/// Calls jail_set(2) with the draft's pairs and those of the call, for which there are enough slots.
fn set<'a>(
    draft: &'a Draft<'_>,
    persists: bool,
    own: Own<'a>,
    system: &System,
    flags: c_int,
    slots: &mut [SetSlot<'a>],
) -> core::result::Result<c_int, Errno> {
    draft.cut(slots);
    let mut count = draft.len();
    if let Some(slot) = slots.get_mut(count).filter(|_| persists) {
        *slot = SetSlot::new(b"persist\0", None);
        count += 1;
    }
    count += own.put(slots.get_mut(count..).unwrap_or_default());
    system.jail_set(slots.get_mut(..count).unwrap_or_default(), flags)
}

/// Calls jail_get(2), as [`set`], and stores the lengths of the values.
fn get<'a>(
    draft: &'a mut Draft<'_>,
    own: Own<'a>,
    system: &System,
    flags: c_int,
    slots: &mut [Slot<'a>],
    lens: &mut [usize],
) -> core::result::Result<c_int, Errno> {
    let mut count = draft.len();
    draft.cut_mut(slots);
    count += own.put(slots.get_mut(count..).unwrap_or_default());
    let jid = system.jail_get(slots.get_mut(..count).unwrap_or_default(), flags)?;
    for (len, slot) in lens.iter_mut().zip(slots) {
        *len = slot.value_len();
    }
    Ok(jid)
}
