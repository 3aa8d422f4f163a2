//! Checks rules of mac_do(4): `parse_rules` in `sys/security/mac_do/mac_do.c`, with its messages and positions.

/// The error in refused rules, and its position.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Refused {
    pub(super) position: usize,
    pub(super) text: String,
}

type Parsed<T> = Result<T, Refused>;

fn refused<T>(position: usize, text: impl Into<String>) -> Parsed<T> {
    Err(Refused { position, text: text.into() })
}

/// A part of the rules, and where it starts.
#[derive(Debug, Clone, Copy)]
struct Token<'a> {
    at: usize,
    text: &'a [u8],
}

impl Token<'_> {
    /// Takes the text before a delimiter, trimmed. The rest is `None` without a delimiter.
    fn take(rest: &mut Option<Self>, delimiters: &[u8]) -> Option<Self> {
        let all = (*rest)?;
        let blanks = all.text.iter().take_while(|byte| is_blank(**byte)).count();
        let text = all.text.get(blanks..).unwrap_or_default();
        let at = all.at + blanks;
        let end = text.iter().position(|byte| delimiters.contains(byte));
        *rest = end.map(|end| Self { at: at + end + 1, text: text.get(end + 1..).unwrap_or_default() });
        let mut text = text.get(..end.unwrap_or(text.len())).unwrap_or_default();
        while let [start @ .., last] = text {
            if !is_blank(*last) {
                break;
            }
            text = start;
        }
        Some(Self { at, text })
    }

    fn shown(self) -> String {
        String::from_utf8_lossy(self.text).into_owned()
    }

    fn is_any(self) -> bool {
        matches!(self.text, b"*" | b"any")
    }
}

fn is_blank(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t')
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Uid,
    Gid,
    Any,
}

fn kind(token: Token<'_>) -> Option<Kind> {
    match token.text {
        b"uid" => Some(Kind::Uid),
        b"gid" => Some(Kind::Gid),
        b"*" | b"any" => Some(Kind::Any),
        _ => None,
    }
}

/// A clause's flags for a group, as a primary or as a supplementary one.
const PRIMARY: u8 = 1;
const MAY: u8 = 2;
const MUST: u8 = 4;
const MUST_NOT: u8 = 8;
const SUPPLEMENTARY: u8 = MAY | MUST | MUST_NOT;

/// The clauses of one kind so far.
#[derive(Debug, Default)]
struct Clauses {
    /// The ids and their flags.
    ids: Vec<(u32, u8)>,
    /// The flags of the process's own id: `.`.
    current: Option<u8>,
    /// Whether any is allowed, as the user or the primary group, or as a supplementary group.
    any: bool,
    any_supplementary: bool,
    /// Whether there are clauses for primary and for supplementary groups.
    says: u8,
}

impl Clauses {
    fn is_empty(&self) -> bool {
        self.ids.is_empty()
            && self.current.is_none()
            && !self.any
            && !self.any_supplementary
            && self.says == 0
    }
}

/// Combines two clauses for the same group. `None` if they are equal or contradict each other.
fn join(one: u8, other: u8) -> Option<u8> {
    let mut both = one | other;
    if one & other != 0 || (both & MUST_NOT != 0 && both & (MAY | MUST) != 0) {
        return None;
    }
    if both & MUST != 0 {
        both &= !MAY;
    }
    Some(both)
}

/// Checks rules. Returns whether there is at least one.
pub(super) fn check(rules: &[u8]) -> Parsed<bool> {
    let mut rest = Some(Token { at: 0, text: rules });
    let mut found = false;
    while let Some(rule) = Token::take(&mut rest, b";") {
        if !rule.text.is_empty() {
            check_rule(rule)
                .map_err(|refused| Refused { position: refused.position + rule.at, ..refused })?;
            found = true;
        }
    }
    Ok(found)
}

/// Whether the first wrong rule is one from `any`.
///
/// The message has a placeholder for the type without an argument: `parse_single_rule` makes the kernel print from an
/// address that happens to be in a register.
pub(super) fn says_from_any(rules: &[u8]) -> bool {
    let mut rest = Some(Token { at: 0, text: rules });
    while let Some(rule) = Token::take(&mut rest, b";") {
        if rule.text.is_empty() {
            continue;
        }
        let mut parts = Some(rule);
        if Token::take(&mut parts, b"=").is_some_and(Token::is_any) {
            return true;
        }
        if check_rule(rule).is_err() {
            return false;
        }
    }
    false
}

/// Checks one rule. Positions are relative to the rule.
fn check_rule(rule: Token<'_>) -> Parsed<()> {
    let mut rest = Some(Token { at: 0, text: rule.text });
    let from = Token::take(&mut rest, b"=").and_then(kind);
    match from {
        Some(Kind::Uid | Kind::Gid) => {}
        // The kernel does not get to this message (`says_from_any`).
        Some(Kind::Any) => return refused(0, "Type '' not allowed in the \"from\" part of rules."),
        None => return refused(0, "No valid type found."),
    }
    match Token::take(&mut rest, b":>") {
        None => return refused(0, "No ID specified."),
        Some(id) if id.text.is_empty() => return refused(0, "No ID specified."),
        Some(id) if number(id.text).is_none() => {
            return refused(id.at, "Cannot parse a numerical ID (base 10).");
        }
        Some(_) => {}
    }
    let (mut uids, mut gids) = (Clauses::default(), Clauses::default());
    let Some(mut target) = Token::take(&mut rest, b",") else {
        return refused(0, "No target list.");
    };
    loop {
        check_target(target, &mut uids, &mut gids)
            .map_err(|refused| Refused { position: refused.position + target.at, ..refused })?;
        match Token::take(&mut rest, b",") {
            Some(next) => target = next,
            None => break,
        }
    }
    uids.ids.sort_unstable();
    if let Some([(id, _), _]) = uids.ids.windows(2).find(|pair| matches!(pair, [(a, _), (b, _)] if a == b)) {
        return refused(0, format!("Duplicate UID {id}."));
    }
    gids.ids.sort_unstable();
    let mut last: Option<(u32, u8)> = None;
    for (id, says) in gids.ids {
        let says = match last {
            Some((before, said)) if before == id => match join(says, said) {
                Some(both) => both,
                None => return refused(0, format!("Incompatible flags or duplicate GID {id}.")),
            },
            _ => says,
        };
        last = Some((id, says));
    }
    Ok(())
}

/// Checks one clause. Positions are relative to the clause.
fn check_target(target: Token<'_>, uids: &mut Clauses, gids: &mut Clauses) -> Parsed<()> {
    let mut rest = Some(Token { at: 0, text: target.text });
    let Some(mut name) = Token::take(&mut rest, b"=") else {
        return refused(0, "No valid type found.");
    };
    let says = match name.text.first() {
        Some(b'+') => MAY,
        Some(b'!') => MUST,
        Some(b'-') => MUST_NOT,
        _ => 0,
    };
    if says != 0 {
        name = Token { at: name.at + 1, text: name.text.get(1..).unwrap_or_default() };
    }
    let Some(kind) = kind(name) else {
        return refused(0, "No valid type found.");
    };
    if kind != Kind::Gid && says != 0 {
        return refused(name.at, format!("Expected type 'gid' after flags, not '{}'.", name.shown()));
    }
    let id = Token::take(&mut rest, b"");
    let clauses = match (kind, id) {
        (Kind::Any, Some(_)) => {
            return refused(name.at, format!("No '=' and ID allowed after type '{}'.", name.shown()));
        }
        (Kind::Any, None) if !uids.is_empty() || !gids.is_empty() => {
            let shown = name.shown();
            let text =
                format!("Target clause of type '{shown}' coming after another clause (must be alone).");
            return refused(name.at, text);
        }
        (Kind::Any, None) => {
            uids.any = true;
            (gids.any, gids.any_supplementary, gids.says) = (true, true, PRIMARY | SUPPLEMENTARY);
            return Ok(());
        }
        (_, None) => {
            let text = format!("No '=' and ID specification after type '{}'.", name.shown());
            return refused(name.at, text);
        }
        (Kind::Uid, Some(id)) => {
            check_uid(id, uids)?;
            uids
        }
        (Kind::Gid, Some(id)) => {
            check_gid(id, says, gids)?;
            gids
        }
    };
    let id = id.unwrap_or(name);
    if id.is_any() {
        return Ok(());
    }
    let says = if kind == Kind::Gid && says == 0 { PRIMARY } else { says };
    if id.text == b"." {
        clauses.current = match clauses.current {
            None => Some(says),
            Some(said) => match join(says, said) {
                Some(both) => Some(both),
                None => return refused(id.at, "Incompatible flags with prior clause with same target."),
            },
        };
        return Ok(());
    }
    match number(id.text) {
        Some(number) => clauses.ids.push((number, says)),
        None => return refused(id.at, "Cannot parse a numerical ID (base 10)."),
    }
    Ok(())
}

/// Adds a user, and refuses one beside `any`.
fn check_uid(id: Token<'_>, uids: &mut Clauses) -> Parsed<()> {
    if id.is_any() {
        if !uids.is_empty() {
            return refused(id.at, "'any' specified after another UID.");
        }
        uids.any = true;
    } else if uids.any {
        return refused(id.at, "Some UID specified after 'any'.");
    }
    Ok(())
}

/// Adds a group, and refuses one beside `any` of its kind.
fn check_gid(id: Token<'_>, says: u8, gids: &mut Clauses) -> Parsed<()> {
    if id.is_any() {
        match says {
            0 if gids.says & PRIMARY != 0 => {
                return refused(id.at, "'any' specified after another (primary) GID.");
            }
            0 => gids.any = true,
            MAY if gids.says & SUPPLEMENTARY != 0 => {
                return refused(id.at, "'any' with flag '+' specified after another (supplementary) GID.");
            }
            MAY => gids.any_supplementary = true,
            _ => return refused(id.at, "'any' specified with another flag than '+'."),
        }
    } else if says == 0 && gids.any {
        return refused(id.at, "Some (primary) GID specified after 'any'.");
    } else if says == MAY && gids.any_supplementary {
        return refused(id.at, "Some (supplementary) GID specified after 'any' with flag '+'.");
    }
    gids.says |= if says == 0 { PRIMARY } else { SUPPLEMENTARY };
    Ok(())
}

/// Reads an id, which may have a sign: `strtoui_strict`.
fn number(text: &[u8]) -> Option<u32> {
    let text = core::str::from_utf8(text).ok()?;
    let digits = text.strip_prefix(['-', '+']).unwrap_or(text);
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let value: i64 = digits.parse().ok()?;
    let limit = i64::from(u32::MAX);
    let value = if text.starts_with('-') { -value } else { value };
    if value < -limit - 1 || value > limit {
        return None;
    }
    // Negative ones count from the end.
    u32::try_from(value.rem_euclid(limit + 1)).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn well_formed_rules_are_taken() {
        for (rules, any) in [
            ("", false),
            (" ; ;", false),
            ("uid=1001>uid=0", true),
            ("uid=1:any", true),
            ("gid=10>*; uid = 1 > uid = . , gid=.", true),
            ("uid=1>uid=*,gid=*,+gid=*", true),
            ("uid=1>gid=5,+gid=5,!gid=6,-gid=7", true),
            ("uid=-1>uid=4294967295", true),
        ] {
            assert_eq!(check(rules.as_bytes()), Ok(any), "{rules}");
        }
    }

    #[test]
    fn a_rule_from_any_is_found_unless_another_is_refused_before() {
        for rules in ["any = 1 > uid=0", "uid=1>any", " * =5>uid=0", "uid=1>any;any=2>any", "any"] {
            assert_eq!(says_from_any(rules.as_bytes()), rules != "uid=1>any", "{rules}");
        }
        assert!(!says_from_any(b"nonsense;any=1>any"));
    }

    #[test]
    fn the_others_are_refused_as_the_kernel_refuses_them() {
        for (rules, position, text) in [
            ("nonsense", 0, "No valid type found."),
            ("uid", 0, "No ID specified."),
            ("uid=1", 0, "No target list."),
            ("uid=x>uid=0", 4, "Cannot parse a numerical ID (base 10)."),
            ("uid=1>", 6, "No valid type found."),
            ("uid=1>uid", 6, "No '=' and ID specification after type 'uid'."),
            ("uid=1>+uid=1", 7, "Expected type 'gid' after flags, not 'uid'."),
            ("uid=1>uid=1,uid=1", 0, "Duplicate UID 1."),
            ("uid=1>gid=1,gid=1", 0, "Incompatible flags or duplicate GID 1."),
            (
                "uid=1>uid=1,any",
                12,
                "Target clause of type 'any' coming after another clause (must be alone).",
            ),
            ("uid=1>any,uid=1", 14, "Some UID specified after 'any'."),
            ("uid=1>uid=2,uid=*", 16, "'any' specified after another UID."),
            ("uid=1>!gid=*", 11, "'any' specified with another flag than '+'."),
            ("uid=1>uid=2; uid=3>uid=99999999999", 23, "Cannot parse a numerical ID (base 10)."),
        ] {
            assert_eq!(check(rules.as_bytes()), refused(position, text), "{rules}");
        }
    }
}
