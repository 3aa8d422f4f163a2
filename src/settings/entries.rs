//! The lengths of `meta` and `env`.

use super::Settings;
use crate::error::{Error, ErrorKind, Result};
use crate::sys::System;
use crate::wire::name;

/// The most bytes of `meta` and of `env`, unless sysctl `security.jail.meta_maxbufsize` says otherwise.
const META_MAX: usize = 4096;

impl Settings<'_> {
    /// Refuses `meta` and `env` that would become longer than the kernel allows, without reading the jail.
    #[inline]
    pub(crate) fn check_new_texts(&self, system: &System) -> Result<()> {
        if self.rest.is_none() {
            return Ok(());
        }
        // Read only if it matters, since it is rarely raised.
        self.check_texts(&[], &[], |len| len <= META_MAX || len <= system.meta_max())
    }

    /// Refuses `meta` and `env` that would become longer than the kernel allows, together with existing entries. The
    /// kernel checks this only after it has changed other parameters (T5).
    pub(crate) fn check_changed_texts(&self, system: &System, meta: &[u8], env: &[u8]) -> Result<()> {
        let max = system.meta_max();
        self.check_texts(meta, env, |len| len <= max)
    }

    fn check_texts(&self, meta: &[u8], env: &[u8], fits: impl Fn(usize) -> bool) -> Result<()> {
        for (of, text) in [("meta", meta), ("env", env)] {
            let Some(name) = self.late().names().find(|name| is_of(of, name)) else { continue };
            let len = self.len_with(of, text);
            if !fits(len) {
                let reason = format!(
                    "`{of}` would have {len} bytes, more than sysctl security.jail.meta_maxbufsize allows"
                );
                return Err(Error::refused(ErrorKind::InvalidValue, reason).about(name));
            }
        }
        Ok(())
    }

    /// Whether `meta` or `env` or lines of them are set.
    pub(crate) fn has_texts(&self) -> bool {
        self.late().names().any(|name| is_of("meta", name) || is_of("env", name))
    }

    /// Whether lines of `meta` or `env` are set, which are added to existing ones.
    pub(crate) fn has_keys(&self) -> bool {
        self.late().names().any(|name| name::user_key(name).is_some())
    }

    /// Whether only `meta` or only `env` is set: such a text is changed as a whole or not at all.
    pub(crate) fn is_one_text(&self) -> bool {
        self.core.len() == 0
            && ["meta", "env"].iter().any(|of| self.late().names().all(|name| is_of(of, name)))
    }

    /// Returns the new length of `meta` or `env`, if it was `text` before.
    fn len_with(&self, of: &str, text: &[u8]) -> usize {
        let is_key_of = |line: &[u8], key: &str| {
            line.strip_prefix(key.as_bytes()).is_some_and(|rest| rest.first() == Some(&b'='))
        };
        let (mut added, mut is_replaced) = (0, false);
        for pair in self.late().pairs() {
            let value = pair.value().map(<[u8]>::len);
            match key_of(of, pair.name()) {
                Some("") => (added, is_replaced) = (value.unwrap_or(0), true),
                Some(key) => added += value.map_or(0, |len| key.len() + 1 + len),
                None => {}
            }
        }
        if is_replaced || text.is_empty() {
            return added;
        }
        // Empty lines count. Each line ends in a newline, and the last in the NUL.
        let stays = |line: &&[u8]| {
            let mut keys = self.late().names().filter_map(|name| key_of(of, name));
            !keys.any(|key| is_key_of(line, key))
        };
        text.split(|&byte| byte == b'\n').filter(stays).map(|line| line.len() + 1).sum::<usize>() + added
    }
}

/// Whether a name is that of `meta` or `env`, or of a line of it.
fn is_of(of: &str, name: &str) -> bool {
    key_of(of, name).is_some()
}

/// Returns the key of a line of `meta` or `env`, empty for the whole text.
fn key_of<'n>(of: &str, name: &'n str) -> Option<&'n str> {
    let rest = name.strip_prefix(of)?;
    if rest.is_empty() { Some(rest) } else { rest.strip_prefix('.') }
}

impl System {
    /// Returns the most bytes that `meta` and `env` can have.
    fn meta_max(&self) -> usize {
        let mut value = [0; size_of::<u32>()];
        match self.sysctl_by_name("security.jail.meta_maxbufsize", &mut value) {
            Ok(_) => u32::from_ne_bytes(value).try_into().unwrap_or(usize::MAX),
            Err(_) => META_MAX,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::param::{self, Use};

    #[test]
    fn the_new_length_of_a_text_is_computed() {
        let mut settings = Settings::new(Use::Update);
        settings.set_key("meta", "b", "22".as_ref());
        settings.remove_key("meta.gone");
        // b=22 and a=1, a newline between and a NUL behind.
        assert_eq!(settings.len_with("meta", b"a=1\nb=1\ngone=1"), 9);
        assert_eq!(settings.len_with("env", b""), 0);
        assert_eq!(settings.len_with("meta", b"\n\nb=1\n\n"), 9);
        settings.set(param::META, &"x=1");
        assert_eq!(settings.len_with("meta", b"a=1\nb=1"), 4);
    }
}
