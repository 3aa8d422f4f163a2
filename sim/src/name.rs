//! Jail names: the kernel's buffers, and numbers in names.

use core::ffi::c_int;

use super::flags::MAXHOSTNAMELEN;
use super::options::{c_string, copy_string};

/// A jail's full name, in a fixed buffer that ends in NUL, as in the kernel.
///
/// The bytes after the NUL matter: in T4 and T19 wrong offsets make the kernel read and move bytes of an earlier,
/// longer name.
#[derive(Clone)]
pub(super) struct NameBuffer([u8; MAXHOSTNAMELEN]);

impl core::fmt::Debug for NameBuffer {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "{:?}", String::from_utf8_lossy(self.as_bytes()))
    }
}

impl NameBuffer {
    /// An empty name.
    pub(super) const fn new() -> Self {
        Self([0; MAXHOSTNAMELEN])
    }

    /// The name.
    pub(super) fn as_bytes(&self) -> &[u8] {
        c_string(&self.0)
    }

    /// Returns the C string at an offset, which may be after the NUL.
    pub(super) fn at_offset(&self, offset: usize) -> &[u8] {
        c_string(self.0.get(offset..).unwrap_or_default())
    }

    /// Writes another name, leaving the bytes after it.
    pub(super) fn set(&mut self, name: &[u8]) {
        copy_string(&mut self.0, name);
    }

    /// Replaces the parent's component when the parent, whose name was `old` bytes long, has got a name whose
    /// first `new` bytes are to stand here.
    ///
    /// Both lengths are of the parent's last component, although the bytes are taken from its full name: T19.
    pub(super) fn replace_start(&mut self, old: usize, new: usize, parent: &Self) {
        let tail_len = self.at_offset(old).len() + 1;
        let end = (old + tail_len).min(MAXHOSTNAMELEN);
        let moved: Vec<u8> = self.0.get(old..end).unwrap_or_default().to_vec();
        for (to, from) in self.0.iter_mut().skip(new).zip(&moved) {
            *to = *from;
        }
        for (to, from) in self.0.iter_mut().take(new).zip(&parent.0) {
            *to = *from;
        }
    }
}

/// A name's part before its last dot, if it has one, and what follows.
pub(super) fn split(name: &[u8]) -> (Option<&[u8]>, &[u8]) {
    match name.iter().rposition(|byte| *byte == b'.') {
        Some(dot) => {
            let (parent, rest) = name.split_at(dot);
            (Some(parent), rest.get(1..).unwrap_or_default())
        }
        None => (None, name),
    }
}

/// The number that a name starts with, and whether nothing follows: `strtoul` in base 10.
pub(super) fn number(name: &[u8]) -> (u64, bool) {
    let unspaced = name.trim_ascii_start();
    let (negative, digits) = match unspaced.split_first() {
        Some((b'-', rest)) => (true, rest),
        Some((b'+', rest)) => (false, rest),
        _ => (false, unspaced),
    };
    let count = digits.iter().take_while(|byte| byte.is_ascii_digit()).count();
    if count == 0 {
        return (0, name.is_empty());
    }
    let (digits, rest) = digits.split_at(count);
    let value = digits.iter().try_fold(0_u64, |value, digit| {
        value.checked_mul(10)?.checked_add(u64::from(digit.wrapping_sub(b'0')))
    });
    let value = match value {
        None => u64::MAX,
        Some(value) if negative => value.wrapping_neg(),
        Some(value) => value,
    };
    (value, rest.is_empty())
}

/// Returns the jid that a new jail's name requests, 0 if it is not a plain number.
pub(super) fn jid_of_name(name: &[u8]) -> c_int {
    let (_, last) = split(name);
    match number(last) {
        // The kernel keeps the low half of an unsigned long.
        #[allow(clippy::cast_possible_truncation)]
        (value, true) => value as c_int,
        (_, false) => 0,
    }
}

/// Whether a jail of this jid may have this last component: a number may only be the jid, in its plain form.
pub(super) fn may_be_named(last: &[u8], jid: c_int) -> bool {
    let (value, all) = number(last);
    let plain = last.first().is_some_and(|first| (b'1'..=b'9').contains(first));
    // The kernel compares with the jid sign-extended.
    #[allow(clippy::cast_sign_loss)]
    let same = value == i64::from(jid) as u64;
    !all || (same && plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_read_as_the_kernel_reads_them() {
        assert_eq!(number(b"12"), (12, true));
        assert_eq!(number(b"0777"), (777, true));
        assert_eq!(number(b"9x"), (9, false));
        assert_eq!(number(b"-5"), (5_u64.wrapping_neg(), true));
        assert_eq!(number(b""), (0, true));
        assert_eq!(number(b" "), (0, false));
        assert_eq!(number(b"99999999999999999999"), (u64::MAX, true));
        assert_eq!(jid_of_name(b"p.888"), 888);
        assert_eq!(jid_of_name(b"888.p"), 0);
    }

    #[test]
    fn a_numeric_name_must_be_the_jid() {
        assert!(may_be_named(b"7", 7));
        assert!(!may_be_named(b"07", 7));
        assert!(!may_be_named(b"8", 9));
        assert!(may_be_named(b"9x", 9));
    }
}
