//! The parameters `meta` and `env`, and the keys in them: `sys/kern/kern_jailmeta.c`.
//!
//! Each is one text of lines `key=value`. Nothing checks a key for `=` or a value for newlines (T8).

use crate::raw::{Errno, Pair};

use super::options::{Key, Options, c_string, copy_string};
use super::sprung::Effect;
use super::state::State;

/// The parameter that the jail itself cannot read.
pub(super) const META: &str = "meta";
/// The parameter that the jail reads as sysctl `security.jail.env`.
pub(super) const ENV: &str = "env";
/// The longest text: the default of sysctl `security.jail.meta_maxbufsize`.
pub(super) const MAX_LEN: usize = 4096;

/// Marks the known parameters.
pub(super) fn check(opts: &mut Options, module: &str) {
    for mut entry in opts.each() {
        if entry.key_of(module).is_some() {
            entry.mark_seen();
        }
    }
}

/// Makes the new text of a jail, `None` for an empty one.
pub(super) fn set(
    opts: &mut Options,
    module: &str,
    old: Option<Vec<u8>>,
    max: usize,
) -> Result<Option<Vec<u8>>, Errno> {
    let mut text: Option<Hunks> = None;
    for entry in opts.each() {
        let Some(key) = entry.key_of(module) else {
            continue;
        };
        let value = entry.value();
        if value.is_some_and(|value| value.len() > max) {
            return Err(Errno(libc::EFBIG));
        }
        if value.is_some_and(|value| value.last() != Some(&0)) {
            return Err(Errno(libc::EINVAL));
        }
        let hunks = text.get_or_insert_with(|| Hunks::of(old.as_deref()));
        match key {
            Key::Whole => *hunks = Hunks::whole(value.unwrap_or_default()),
            // jail_set refuses the names that hang jail_get (T16).
            Key::One([]) => return Err(Errno(libc::EINVAL)),
            Key::One(key) => {
                hunks.cut(key);
                if let Some(value) = value {
                    hunks.prepend([key, b"=", value].concat());
                }
            }
        }
    }
    match text {
        None => Ok(old),
        Some(hunks) => hunks.join(max),
    }
}

/// Answers with the text or with values in it.
pub(super) fn get(opts: &mut Options, module: &str, text: &[u8]) -> Result<(), Errno> {
    for mut entry in opts.each() {
        match entry.key_of(module) {
            None => {}
            Some(Key::Whole) => {
                if !copy_string(entry.buffer(), text) {
                    return Err(Errno(libc::EINVAL));
                }
                entry.mark_seen();
            }
            Some(Key::One(key)) => {
                let found = values_of(text, key);
                for rest in found {
                    // T7: the buffer has to be larger than all the text that follows, although only one line is copied.
                    let buffer = entry.buffer();
                    let line = rest.split(|byte| *byte == b'\n').next().unwrap_or_default();
                    copy_string(buffer, line);
                    if rest.len() >= buffer.len() {
                        return Err(Errno(libc::EINVAL));
                    }
                    entry.mark_seen();
                }
            }
        }
    }
    Ok(())
}

/// Returns missing keys as length 0.
pub(super) fn clear_missing(opts: &mut Options) {
    for mut entry in opts.each() {
        let keyed = |module| matches!(entry.key_of(module), Some(Key::One(_)));
        if !entry.is_seen() && (keyed(META) || keyed(ENV)) {
            entry.clear();
        }
    }
}

impl State {
    /// T16: a jail_get(2) with an empty key never ends, holding a lock that every jail call needs.
    ///
    /// # Panics
    ///
    /// If the request has a parameter named exactly `meta.` or `env.`.
    pub(super) fn refuse_to_hang(&mut self, request: &[Pair<'_>]) {
        let hangs = request.iter().any(|pair| matches!(c_string(pair.name), b"meta." | b"env."));
        if hangs {
            self.spring(16, Effect::Hang);
        }
        assert!(!hangs, "jail_get with a parameter named \"meta.\" or \"env.\" hangs the kernel");
    }
}

/// Returns the text after each `key=` at the start of a line, to the end of the text.
fn values_of(text: &[u8], key: &[u8]) -> Vec<Vec<u8>> {
    let mut values = Vec::new();
    let mut at = 0;
    while let Some(found) = find(text, key, at) {
        if starts_line(text, found) && text.get(found + key.len()) == Some(&b'=') {
            values.push(text.get(found + key.len() + 1..).unwrap_or_default().to_vec());
        }
        at = found + key.len().max(1);
    }
    values
}

/// Finds a needle in a text, from an offset.
fn find(text: &[u8], needle: &[u8], from: usize) -> Option<usize> {
    let rest = text.get(from..)?;
    if needle.is_empty() {
        return Some(from);
    }
    rest.windows(needle.len()).position(|window| window == needle).map(|at| at + from)
}

fn starts_line(text: &[u8], at: usize) -> bool {
    at == 0 || text.get(at - 1) == Some(&b'\n')
}

/// A text being put together from hunks of bytes, those that are whole lines ended by NUL.
#[derive(Debug)]
struct Hunks(Vec<Vec<u8>>);

impl Hunks {
    /// The text of a jail, without its NUL. An empty text that was set is a line, too.
    fn of(text: Option<&[u8]>) -> Self {
        Self(text.map(|text| [text, b"\0"].concat()).into_iter().collect())
    }

    /// A text that replaces the old one.
    fn whole(value: &[u8]) -> Self {
        Self(if value.len() > 1 { vec![value.to_vec()] } else { Vec::new() })
    }

    fn prepend(&mut self, hunk: Vec<u8>) {
        self.0.insert(0, hunk);
    }

    /// Removes each line that starts with `key=`.
    fn cut(&mut self, key: &[u8]) {
        let mut hunks = Vec::new();
        for hunk in self.0.drain(..) {
            let mut rest = hunk;
            loop {
                let Some(begin) = line_of(&rest, key) else {
                    hunks.push(rest);
                    break;
                };
                let after = rest.split_off(begin);
                hunks.push(rest);
                // The line ends with its newline, or with the hunk; an empty remainder is none.
                let end = after.iter().position(|byte| matches!(byte, 0 | b'\n')).unwrap_or(after.len());
                rest = after.get(end + 1..).unwrap_or_default().to_vec();
                if rest.first().is_none_or(|byte| *byte == 0) {
                    break;
                }
            }
        }
        self.0 = hunks;
    }

    /// The text, if it is not too long.
    fn join(self, max: usize) -> Result<Option<Vec<u8>>, Errno> {
        let len: usize = self.0.iter().map(Vec::len).sum();
        if len > max {
            return Err(Errno(libc::EFBIG));
        }
        let mut text = Vec::with_capacity(len);
        for hunk in self.0.iter().filter(|hunk| !hunk.is_empty()) {
            if let Some(last @ 0) = text.last_mut() {
                *last = b'\n';
            }
            text.extend_from_slice(hunk);
        }
        if len < 2 {
            return Ok(None);
        }
        // The last byte is made the NUL, whatever it was.
        text.pop();
        Ok(Some(c_string(&text).to_vec()))
    }
}

/// Where the line of a key starts in a hunk.
fn line_of(hunk: &[u8], key: &[u8]) -> Option<usize> {
    let mut at = 0;
    while let Some(found) = find(c_string(hunk), key, at) {
        if starts_line(hunk, found) && hunk.get(found + key.len()) == Some(&b'=') {
            return Some(found);
        }
        at = found + key.len().max(1);
    }
    None
}
