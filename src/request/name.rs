//! Which names a request may carry.

#![forbid(unsafe_code)]

use crate::error::{Error, ErrorKind, Result};

/// Refuses names that the kernel would misread, or that the crate sends itself.
///
/// `meta.` and `env.` are refused because jail_get(2) never returns from them on FreeBSD 15.
pub(crate) fn check(name: &str) -> Result<()> {
    let refuse = |reason| Err(Error::refused(ErrorKind::InvalidParameter, reason).about(name));
    match name {
        "" => return refuse("a parameter has a name"),
        "meta." | "env." => return refuse("a key is missing after the dot; the kernel would hang"),
        "errmsg" => return refuse("the request has its own slot for the kernel's text"),
        "desc" => return refuse("descriptors are passed beside the request, not in it"),
        _ => {}
    }
    if name.contains('\0') {
        return refuse("a name cannot contain NUL");
    }
    if user_key(name).is_some_and(|key| key.contains(['=', '\n'])) {
        return refuse("a key cannot contain `=` or a newline, which would forge other keys");
    }
    Ok(())
}

/// Returns KEY of `meta.KEY` and `env.KEY`.
pub(crate) fn user_key(name: &str) -> Option<&str> {
    name.strip_prefix("meta.").or_else(|| name.strip_prefix("env."))
}

/// Whether the kernel would keep only one of these two names in one request.
///
/// That is so when they are the same, when one has `no` before a component where the other has not and all else
/// is alike (`allow.mount`, `allow.nomount`), and, for the sake of mount(2), of any two of `ro`, `rdonly`,
/// `norw`, `rw` and `noro`. See `vfs_equalopts` in FreeBSD's `sys/kern/vfs_mount.c`.
pub(crate) fn collide(a: &str, b: &str) -> bool {
    let (mut a, mut b) = (a, b);
    if a == b {
        return true;
    }
    loop {
        if a.strip_prefix("no") == Some(b) || b.strip_prefix("no") == Some(a) {
            return true;
        }
        match (a.split_once('.'), b.split_once('.')) {
            (Some((level, rest)), Some((same, other))) if level == same => (a, b) = (rest, other),
            _ => return is_read_only_option(a) && is_read_only_option(b),
        }
    }
}

/// Whether `name` is `base` with `no` before its last component, which is how a boolean is sent as false.
pub(crate) fn is_negation(name: &str, base: &str) -> bool {
    let (level, last) = split(name);
    let (base_level, base_last) = split(base);
    level == base_level && last.strip_prefix("no") == Some(base_last)
}

/// Whether mount(2) takes this for an option on read-only mounting, which a jail's parameters share code with.
fn is_read_only_option(name: &str) -> bool {
    matches!(name, "ro" | "rdonly" | "norw" | "rw" | "noro")
}

/// Splits a name into what precedes its last component, the dot included, and that component.
pub(crate) fn split(name: &str) -> (&str, &str) {
    name.rfind('.').and_then(|dot| name.split_at_checked(dot + 1)).unwrap_or(("", name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn t16_the_names_that_hang_the_kernel_are_refused() {
        for name in ["meta.", "env."] {
            assert_eq!(check(name).unwrap_err().kind(), ErrorKind::InvalidParameter);
        }
        check("meta.owner").unwrap();
        check("meta").unwrap();
    }

    #[test]
    fn t8_a_key_that_forges_others_is_refused() {
        for name in ["meta.a=b", "env.a\nb"] {
            assert_eq!(check(name).unwrap_err().parameter(), Some(name));
        }
    }

    #[test]
    fn t9_t22_names_of_which_the_kernel_keeps_one_collide() {
        for (a, b) in [
            ("persist", "persist"),
            ("persist", "nopersist"),
            ("allow.nomount", "allow.mount"),
            ("allow.mount.nozfs", "allow.mount.zfs"),
            ("meta.nofoo.bar", "meta.foo.bar"),
            ("ro", "rw"),
            ("allow.mount", "noallow.mount"),
            ("env.noro", "env.rdonly"),
        ] {
            assert!(collide(a, b) && collide(b, a), "{a} {b}");
        }
        for (a, b) in [("name", "path"), ("nfs", "nosuch"), ("allow.nomount", "mount")] {
            assert!(!collide(a, b), "{a} {b}");
        }
    }
}
