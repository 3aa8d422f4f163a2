//! Which names a request may carry.

use crate::error::{Error, ErrorKind, Result};

/// Refuses names that the kernel would misread, or that the crate sends itself.
///
/// `meta.` and `env.` are refused because jail_get(2) never returns from them on FreeBSD 15 (T16), `mdo` because the
/// module mac_do of FreeBSD 14.2 panics over it: see `mac_do_prison_set` in its `sys/security/mac_do/mac_do.c`.
///
/// The `no` form of what the kernel looks up itself replaces it in the request or is swallowed (T32): see
/// `vfs_equalopts` in `sys/kern/vfs_mount.c`.
pub(crate) fn check(name: &str) -> Result<()> {
    let refuse = |reason| Err(Error::refused(ErrorKind::InvalidParameter, reason).about(name));
    match name {
        "" => return refuse("a parameter has a name"),
        "meta." | "env." => return refuse("a key is missing after the dot; the kernel would hang"),
        "errmsg" => return refuse("the request has its own slot for the kernel's text"),
        "desc" => return refuse("descriptors are passed beside the request, not in it"),
        "noerrmsg" | "nodesc" | "nojid" | "noname" | "nolastjid" => {
            return refuse(
                "it is not a boolean: the kernel would drop it, or the parameter without `no`, unnoticed",
            );
        }
        "mdo" | "mdo.rules" => {
            return refuse(
                "FreeBSD 14.2 panics over it; since 14.3 the parameters are `mac.do` and `mac.do.rules`",
            );
        }
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

/// Two parameters of which the kernel would drop one.
pub(crate) fn conflict(name: &str, other: &str) -> Error {
    Error::refused(
        ErrorKind::Conflict,
        format_args!("the kernel takes it and {other:?} for the same parameter"),
    )
    .about(name)
}

/// Why [`has_host_level`] is refused.
pub(crate) const HOST_LEVEL: &str =
    "no jail is named \"0\": on the host, the kernel would drop this level unnoticed";

/// Whether a jail's name has a level `0` above its last one (T30). The kernel calls the host `0`, and so reads
/// `0.x` as `x` there: see `kern_jail_set` in `sys/kern/kern_jail.c`.
pub(crate) fn has_host_level(name: &[u8]) -> bool {
    let name = name.split(|&byte| byte == 0).next().unwrap_or_default();
    name.split(|&byte| byte == b'.').rev().skip(1).any(|level| level == b"0")
}

/// Why [`has_rule_from_any`] is refused.
pub(crate) const FROM_ANY: &str =
    "a rule names a user or a group before `>`: FreeBSD panics over `any` or `*` there";

/// Whether rules of mac_do(4) contain one from any user. The kernel refuses it with a message that has a placeholder
/// for the type, and passes no argument for it: see `parse_single_rule` in `sys/security/mac_do/mac_do.c`.
pub(crate) fn has_rule_from_any(rules: &[u8]) -> bool {
    let rules = rules.split(|&byte| byte == 0).next().unwrap_or_default();
    rules.split(|&byte| byte == b';').any(|rule| {
        let from = rule.split(|&byte| byte == b'=').next().unwrap_or_default();
        matches!(from.trim_ascii(), b"any" | b"*")
    })
}

/// Returns KEY of `meta.KEY` and `env.KEY`.
pub(crate) fn user_key(name: &str) -> Option<&str> {
    name.strip_prefix("meta.").or_else(|| name.strip_prefix("env."))
}

/// Returns `meta` of `meta.KEY`, and `env` of `env.KEY`.
pub(crate) fn text_of(name: &str) -> &'static str {
    if name.starts_with("meta") { "meta" } else { "env" }
}

/// Whether the kernel would keep only one of these two names in one request.
///
/// These are: equal names; names that differ only by a `no` before a component (`allow.mount`, `allow.nomount`); and,
/// because of mount(2), any two of `ro`, `rdonly`, `norw`, `rw` and `noro`. See `vfs_equalopts` in FreeBSD's
/// `sys/kern/vfs_mount.c`.
pub(crate) fn collide(a: &[u8], b: &[u8]) -> bool {
    match a.len().abs_diff(b.len()) {
        0 if a == b => return true,
        // A `no` has two bytes.
        2 if is_negation_somewhere(a, b) => return true,
        _ => {}
    }
    // Few names end like those five; only these are split.
    if !(ends_read_only(a) && ends_read_only(b)) {
        return false;
    }
    let ((level, last), (other_level, other_last)) = (split(a), split(b));
    is_read_only_option(last) && is_read_only_option(other_last) && level == other_level
}

fn ends_read_only(name: &[u8]) -> bool {
    matches!(name, [.., b'r', b'o' | b'w'] | [.., b'l', b'y'])
}

/// Returns a bit that a name shares with all names that [collide](collide) with it: a `no` has two bytes, and does not
/// change the last byte. Only the names of read-only options may end in different bytes, and an empty component's `no`.
pub(crate) const fn trace(name: &[u8]) -> u64 {
    match name {
        [] | [.., b'.' | b'o' | b'w' | b'y'] => 1,
        [.., last] => 1 << (2 * (*last as usize % 32) + name.len() % 2),
    }
}

/// Whether one name is the other with `no` before one of its components.
fn is_negation_somewhere(a: &[u8], b: &[u8]) -> bool {
    let (long, short) = if a.len() > b.len() { (a, b) } else { (b, a) };
    let common = long.iter().zip(short).take_while(|(a, b)| a == b).count();
    // The `no` is where they begin to differ, or before: the rest may begin with `no` itself, as in `nonodes`.
    (0..=common).any(|start| {
        let begins = start == 0 || long.get(start - 1) == Some(&b'.');
        let rest = long.get(start..).and_then(|rest| rest.strip_prefix(b"no"));
        begins && rest.is_some() && rest == short.get(start..)
    })
}

/// Whether `name` is `base` with `no` before its last component, which is how a boolean is sent as false.
pub(crate) fn is_negation(name: &[u8], base: &[u8]) -> bool {
    let (level, last) = split(name);
    let (base_level, base_last) = split(base);
    level == base_level && last.strip_prefix(b"no") == Some(base_last)
}

/// Whether mount(2), which shares its code with jail parameters, reads this as an option of read-only mounting.
fn is_read_only_option(name: &[u8]) -> bool {
    matches!(name, b"ro" | b"rdonly" | b"norw" | b"rw" | b"noro")
}

/// Splits a name into what precedes its last component, the dot included, and that component.
pub(crate) fn split(name: &[u8]) -> (&[u8], &[u8]) {
    let dot = name.iter().rposition(|&byte| byte == b'.');
    dot.and_then(|dot| name.split_at_checked(dot + 1)).unwrap_or((&[], name))
}

/// Returns the name by which a boolean is sent as false.
pub(crate) fn negation(name: &str) -> String {
    let (level, last) = split_text(name);
    format!("{level}no{last}")
}

/// [`split`] for text.
pub(crate) fn split_text(name: &str) -> (&str, &str) {
    name.split_at_checked(split(name.as_bytes()).0.len()).unwrap_or(("", name))
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
    fn t32_the_no_form_of_a_parameter_that_is_not_a_boolean_is_refused() {
        for name in ["errmsg", "desc", "jid", "name", "lastjid"] {
            let negated = format!("no{name}");
            assert_eq!(check(&negated).unwrap_err().parameter(), Some(negated.as_str()));
        }
        check("nopersist").unwrap();
    }

    #[test]
    fn what_panics_the_mac_do_of_14_2_is_refused() {
        for name in ["mdo", "mdo.rules"] {
            assert_eq!(check(name).unwrap_err().kind(), ErrorKind::InvalidParameter);
        }
        check("mac.do").unwrap();
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
            ("ly", "noly"),
            ("allow.", "allow.no"),
            ("", "no"),
        ] {
            let (x, y) = (a.as_bytes(), b.as_bytes());
            assert!(collide(x, y) && collide(y, x), "{a} {b}");
            assert_eq!(trace(x), trace(y), "{a} {b}");
        }
        for (a, b) in [
            ("name", "path"),
            ("nfs", "nosuch"),
            ("allow.nomount", "mount"),
            ("env.euro", "env.rw"),
            ("euro", "only"),
        ] {
            assert!(!collide(a.as_bytes(), b.as_bytes()), "{a} {b}");
        }
    }
}
