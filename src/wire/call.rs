//! The call that sends a draft.

use core::ffi::c_int;
use std::os::fd::{AsRawFd, OwnedFd};

use super::at::At;
use super::draft::{Draft, Entry};
use crate::error::{Asked, Call, Error, ErrorKind, Result, Subject};
use crate::flags::{GetFlags, SetFlags};
use crate::sys::{DescriptorSlot, Errno, Slot, System};

/// Space for any of the kernel's messages, and some more.
pub(crate) const ERRMSG_LEN: usize = 1024;

/// Space for the longest message about a parameter of the table.
const SHORT_ERRMSG_LEN: usize = 320;

/// The pairs that the call adds to those of the draft: `desc` and `errmsg`.
pub(crate) const OWN_PAIRS: usize = 2;

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

impl Draft<'_> {
    /// Makes the call. The values hold the kernel's answer afterwards.
    pub(crate) fn call(
        &mut self,
        system: &System,
        verb: Verb,
        at: At<'_>,
        subject: Subject,
    ) -> Result<Answer> {
        self.call_asking(verb.error_text(at), system, verb, at, subject)
    }

    /// Continues after a call without a buffer for the text has failed.
    pub(crate) fn call_again(
        &mut self,
        errno: Errno,
        text: ErrorText,
        system: &System,
        verb: Verb,
        at: At<'_>,
        subject: Subject,
    ) -> Result<Answer> {
        // The meaning of these is clear without a message. And a jail whose creation ran out of memory may stay
        // (T18), so another try may leave a second one.
        if errno.0 == libc::ENOMEM
            || (errno.0 == libc::ENOENT && subject == Subject::Next)
            || (errno.0 == libc::EINVAL && text == ErrorText::UnlessInvalid)
        {
            return Err(self.failure(verb, subject, errno, &[]));
        }
        self.call_for_text(system, verb, at, subject)
    }

    /// Makes the call, and requests the message of an error as `text` says.
    #[inline]
    pub(crate) fn call_asking(
        &mut self,
        text: ErrorText,
        system: &System,
        verb: Verb,
        at: At<'_>,
        subject: Subject,
    ) -> Result<Answer> {
        if text == ErrorText::Always {
            return self.call_for_text(system, verb, at, subject);
        }
        match self.exchange(system, verb, at, None)? {
            Ok(answer) => Ok(answer),
            Err(errno) => self.call_again(errno, text, system, verb, at, subject),
        }
    }

    #[inline(never)]
    fn call_for_text(&mut self, system: &System, verb: Verb, at: At<'_>, subject: Subject) -> Result<Answer> {
        self.call_with(system, verb, at, subject, &mut [0; SHORT_ERRMSG_LEN])
    }

    /// Makes the call with a buffer for the kernel's text, as [`call_asking`](Self::call_asking).
    pub(crate) fn call_with(
        &mut self,
        system: &System,
        verb: Verb,
        at: At<'_>,
        subject: Subject,
        errmsg: &mut [u8],
    ) -> Result<Answer> {
        self.exchange(system, verb, at, Some(errmsg))?
            .map_err(|errno| self.failure(verb, subject, errno, errmsg))
    }

    #[allow(
        clippy::inline_always,
        reason = "the levels between an operation and its call cost more than some of them"
    )]
    #[inline(always)]
    fn exchange(
        &mut self,
        system: &System,
        verb: Verb,
        at: At<'_>,
        errmsg: Option<&mut [u8]>,
    ) -> Result<core::result::Result<Answer, Errno>> {
        let given = at.descriptor();
        // A descriptor alone can be a whole request.
        if self.len() > 0 || !(given.is_some() || verb.makes_descriptor()) {
            self.check_limits()?;
        }
        let mut number = given.map(|fd| fd.as_raw_fd().to_ne_bytes());
        if !verb.makes_descriptor() {
            let desc = number.as_mut().map(<[u8; 4]>::as_mut_slice);
            return Ok(self.send(system, verb, at, desc, errmsg).map(|jid| Answer { jid, descriptor: None }));
        }
        let sets = matches!(verb, Verb::Set(_));
        let mut descriptor = DescriptorSlot::new(system, sets, verb.flags(), given).map_err(|errno| {
            Error::os(Call::Mmap, errno, ErrorKind::ResourceExhausted, "room for a descriptor")
        })?;
        match self.send(system, verb, at, Some(descriptor.bytes()), errmsg) {
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
    fn send<'a>(
        &'a mut self,
        system: &System,
        verb: Verb,
        at: At<'_>,
        desc: Option<&'a mut [u8]>,
        errmsg: Option<&'a mut [u8]>,
    ) -> core::result::Result<c_int, Errno> {
        let flags = verb.flags() | at.flag();
        // Smaller requests are more common.
        match self.len() + OWN_PAIRS {
            0..=4 => self.send_in(system, verb, flags, desc, errmsg, &mut [const { Slot::EMPTY }; 4]),
            5..=10 => self.send_in(system, verb, flags, desc, errmsg, &mut [const { Slot::EMPTY }; 10]),
            11..=20 => self.send_in(system, verb, flags, desc, errmsg, &mut [const { Slot::EMPTY }; 20]),
            count => {
                let mut slots = Vec::new();
                slots.resize_with(count, || Slot::EMPTY);
                self.send_in(system, verb, flags, desc, errmsg, &mut slots)
            }
        }
    }

    /// Makes the call with enough slots.
    fn send_in<'a>(
        &'a mut self,
        system: &System,
        verb: Verb,
        flags: c_int,
        desc: Option<&'a mut [u8]>,
        errmsg: Option<&'a mut [u8]>,
        slots: &mut [Slot<'a>],
    ) -> core::result::Result<c_int, Errno> {
        let all = OWN_PAIRS + self.len();
        let Some(([first, second], rest)) = slots.split_first_chunk_mut() else {
            return Err(Errno(libc::EINVAL));
        };
        cut(self.bytes.as_mut_slice(), self.entries.as_slice(), rest);
        let desc = desc.map(|desc| Slot::new(b"desc\0", Some(desc)));
        let errmsg = errmsg.map(|errmsg| Slot::new(b"errmsg\0", Some(errmsg)));
        let unused = match (desc, errmsg) {
            (Some(desc), Some(errmsg)) => {
                (*first, *second) = (desc, errmsg);
                0
            }
            (Some(slot), None) | (None, Some(slot)) => {
                *second = slot;
                1
            }
            (None, None) => OWN_PAIRS,
        };
        let slots = slots.get_mut(unused..all).unwrap_or_default();
        match verb {
            Verb::Set(_) => system.jail_set(slots, flags),
            Verb::Get(_) => {
                let jid = system.jail_get(slots, flags)?;
                let answers = slots.iter().skip(OWN_PAIRS - unused);
                for (entry, slot) in self.entries.as_mut_slice().iter_mut().zip(answers) {
                    entry.set_answer_len(slot.value_len());
                }
                Ok(jid)
            }
        }
    }

    /// Makes an error from the kernel's answer.
    #[cold]
    fn failure(&self, verb: Verb, subject: Subject, errno: Errno, errmsg: &[u8]) -> Error {
        let text = errmsg.split(|&byte| byte == 0).next().unwrap_or_default();
        let names = |each: &mut dyn FnMut(&str)| self.names().for_each(each);
        Error::from_kernel(verb.call(), errno, text, &Asked { subject, names: &names })
    }
}

/// Makes slots of the arena: each name, then each value, one after the other.
fn cut<'a>(bytes: &'a mut [u8], entries: &[Entry], slots: &mut [Slot<'a>]) {
    let mut rest = bytes;
    for (entry, slot) in entries.iter().zip(slots) {
        // The entries always lie within these bytes. If they did not, the kernel would refuse the empty slot.
        let Some((name, tail)) = rest.split_at_mut_checked(entry.name_room()) else { return };
        let Some((value, tail)) = tail.split_at_mut_checked(entry.value_room()) else { return };
        *slot = Slot::new(name, if entry.is_null() { None } else { Some(value) });
        rest = tail;
    }
}
