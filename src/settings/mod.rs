//! The settings of a builder or an update, with the mistakes in them.

mod entries;
mod exclusions;
pub(crate) mod module_setters;
mod rest;
mod sent;
pub(crate) mod setters;
mod shown;

pub(crate) use sent::Sent;

use rest::Rest;

use std::borrow::Cow;
use std::ffi::{OsStr, OsString};

use crate::allow::Allow;
use crate::error::{Error, ErrorKind, Result};
use crate::param::{self, Decode, Definition, Encode, Kind, MacDo, Mode, Param, Use, Value};
use crate::permissions::Permissions;
use crate::wire::{Draft, Pair, Wire, name};

/// Names and values, checked one by one as they are set. Every mistake is kept.
pub(crate) struct Settings<'s> {
    usage: Use,
    /// Whether any mode was set: only modes exclude other parameters.
    has_modes: bool,
    /// The parameters that the kernel checks and sets itself.
    pub(crate) core: Draft<'s>,
    rest: Option<Box<Rest>>,
}

// Its drafts own their memory. Only a draft in borrowed memory would be neither.
impl core::panic::UnwindSafe for Settings<'_> {}
impl core::panic::RefUnwindSafe for Settings<'_> {}

impl Clone for Settings<'static> {
    fn clone(&self) -> Self {
        let Self { usage, has_modes, .. } = *self;
        Self { usage, has_modes, core: self.core.clone(), rest: self.rest.clone() }
    }
}

impl<'s> Settings<'s> {
    pub(crate) const fn new(usage: Use) -> Self {
        Self::with(usage, Draft::new())
    }

    /// Starts with that draft.
    pub(crate) const fn with(usage: Use, core: Draft<'s>) -> Self {
        Self { usage, has_modes: false, core, rest: None }
    }

    fn rest(&self) -> &Rest {
        static NONE: Rest = Rest::new();
        self.rest.as_deref().unwrap_or(&NONE)
    }

    fn rest_mut(&mut self) -> &mut Rest {
        self.rest.get_or_insert_with(|| Box::new(Rest::new()))
    }

    /// Returns the parameters that the kernel's modules set after its own.
    pub(crate) fn late(&self) -> &Draft<'static> {
        &self.rest().late
    }

    /// Returns all parameters.
    pub(crate) fn pairs(&self) -> impl Iterator<Item = Pair<'_>> {
        self.core.pairs().chain(self.late().pairs())
    }

    /// Whether nothing is set. A refused value counts as set.
    pub(crate) fn is_empty(&self) -> bool {
        let Rest { late, exact, mistakes, .. } = self.rest();
        self.core.len() == 0 && late.len() == 0 && exact.is_none() && mistakes.is_empty()
    }

    /// Stores a mistake.
    pub(crate) fn fail(&mut self, error: Error) {
        self.rest_mut().mistakes.push(error);
    }

    fn keep(&mut self, result: Result<()>) {
        if let Err(error) = result {
            self.fail(error);
        }
    }

    /// Whether [`mistakes`](Self::mistakes) may find any.
    pub(crate) fn may_have_mistakes(&self) -> bool {
        self.has_modes || self.rest.as_ref().is_some_and(|rest| !rest.mistakes.is_empty())
    }

    /// Returns all mistakes: refused values, and parameters that exclude each other.
    pub(crate) fn mistakes(&self) -> Vec<Error> {
        let mut mistakes = self.rest().mistakes.clone();
        if self.has_modes {
            self.find_exclusions(&mut mistakes);
        }
        mistakes
    }

    /// Returns the first value that was refused.
    #[cfg(feature = "serde")]
    pub(crate) fn first_refused(&self) -> Option<&Error> {
        self.rest().mistakes.first()
    }

    /// Takes the first value's mistake.
    #[cfg(feature = "serde")]
    pub(crate) fn take_mistake(&mut self) -> Option<Error> {
        let mistakes = &mut self.rest.as_mut()?.mistakes;
        (!mistakes.is_empty()).then(|| mistakes.remove(0))
    }

    /// Whether it is for an existing jail.
    pub(crate) fn is_update(&self) -> bool {
        self.usage == Use::Update
    }

    pub(crate) fn set<T: Decode, A>(&mut self, param: Param<'_, T, A>, value: &impl Encode<T>) {
        let result = param.resolve().and_then(|row| self.put(param.name(), row, value.wire()));
        self.keep(result);
    }

    /// Sets a parameter that takes the place of another one.
    pub(crate) fn set_instead<T: Decode, A>(
        &mut self,
        of: &str,
        param: Param<'_, T, A>,
        value: &impl Encode<T>,
    ) {
        self.unset(of);
        self.set(param, value);
    }

    /// Sets a parameter that is left out if the kernel lacks it.
    pub(crate) fn set_optional<T: Decode, A>(&mut self, param: Param<'_, T, A>, value: &impl Encode<T>) {
        self.set(param, value);
        self.make_optional(param.name());
    }

    /// Marks a parameter to be left out if the kernel lacks it.
    pub(crate) fn make_optional(&mut self, name: &str) {
        let negation = name::negation(name);
        if name.starts_with("allow.") && self.core.has(&negation) {
            let reason = "a denial cannot be optional: deny the permission, or do not set it";
            return self.fail(Error::refused(ErrorKind::InvalidRequest, reason).about(name));
        }
        if [name, &negation].iter().any(|name| self.core.has(name) || self.late().has(name)) {
            let rest = self.rest_mut();
            rest.optional.push(name.to_owned());
            rest.leave_out = Some(sent::leave_out);
        }
    }

    /// Sets a parameter whose type is known only at run time.
    pub(crate) fn set_value(&mut self, name: &str, value: &Value) {
        let result = param::resolve(name, value.kind()).and_then(|row| self.put(name, row, value.wire()));
        self.keep(result);
    }

    /// Sets a parameter from text, by its kind.
    pub(crate) fn set_parsed(&mut self, name: &str, text: &str) {
        let unknown = || {
            let reason = "its type is not known from its name: parse the text by `Catalog::describe(name)?.parse(text)` \
                          and use `set_value`";
            Error::refused(ErrorKind::InvalidParameter, reason).about(name)
        };
        match param::kind_of(name).ok_or_else(unknown).and_then(|kind| Value::parse(kind, text)) {
            Ok(value) => self.set_value(name, &value),
            Err(error) => self.fail(error.about(name)),
        }
    }

    fn put(&mut self, name: &str, row: Option<&Definition>, wire: Wire<'_>) -> Result<()> {
        match (wire, row) {
            // Such as `zfs.mount_snapshot`.
            (Wire::Bool(value), Some(row)) if row.is_numeric_boolean() => {
                return self.put(name, Some(row), Wire::Int(value.into()));
            }
            _ => {}
        }
        param::check(name, row, &wire, self.usage)?;
        self.store(param::is_late(name, row), name, &wire)?;
        self.has_modes |= row.is_some_and(|row| row.kind == Kind::Mode);
        let is_denied = row.is_none() && matches!(wire, Wire::Bool(false));
        if is_denied || self.rest.is_some() {
            self.rest_mut().note(name, is_denied);
        }
        Ok(())
    }

    /// Sets a pair in the draft that it belongs to.
    #[inline]
    fn store(&mut self, is_late: bool, name: &str, wire: &Wire<'_>) -> Result<()> {
        if is_late { self.rest_mut().late.set(name, wire) } else { self.core.set(name, wire) }
    }

    /// Returns the names of the parameters that may be left out.
    #[cfg(feature = "serde")]
    pub(crate) fn optional(&self) -> &[String] {
        &self.rest().optional
    }

    /// Whether all permissions that are not set are denied.
    #[cfg(feature = "serde")]
    pub(crate) fn is_exact(&self) -> bool {
        self.rest().exact.is_some()
    }

    /// Denies all permissions that are not set.
    #[cfg(feature = "serde")]
    pub(crate) fn set_exact(&mut self) {
        self.rest_mut().exact = Some(sent::deny_others);
    }

    /// Allows these permissions and no others.
    pub(crate) fn permit_only(&mut self, permissions: &Permissions) {
        self.forget_permissions();
        self.rest_mut().exact = Some(sent::deny_others);
        for name in permissions.names() {
            self.set(Param::<bool>::new(name), &true);
        }
    }

    fn forget_permissions(&mut self) {
        let mut place = 0;
        while let Some(pair) = self.core.pair(place) {
            if pair.name().starts_with("allow.") {
                self.core.remove(place);
            } else {
                place = pair.end();
            }
        }
        if let Some(rest) = &mut self.rest {
            rest.optional.retain(|name| !name.starts_with("allow."));
            rest.negated.retain(|name| !name.starts_with("allow."));
        }
    }

    /// Returns the boolean that a `no` name denies.
    pub(crate) fn negated<'n>(&'n self, name: &'n str) -> Option<Cow<'n, str>> {
        if param::find(name).is_some() {
            return None;
        }
        let is_it = |other: &&String| name::is_negation(name.as_bytes(), other.as_bytes());
        if let Some(other) = self.rest().negated.iter().find(is_it) {
            return Some(Cow::Borrowed(other));
        }
        let (level, last) = name::split_text(name);
        let positive = format!("{level}{}", last.strip_prefix("no")?);
        param::find(&positive).filter(|row| row.kind == Kind::Bool)?;
        Some(Cow::Owned(positive))
    }

    /// Adds the parameter to an error: a boolean by its own name, not its `no` name; others with their values, which
    /// may have moved to what was sent.
    pub(crate) fn by_its_name(&self, error: Error, sent: &Draft<'_>) -> Error {
        match error.parameter().and_then(|name| self.negated(name)).map(Cow::into_owned) {
            Some(positive) => error.about(&positive),
            None => param::with_value(error, |name| self.value(name).or_else(|| sent.value(name))),
        }
    }

    /// Sets a line `KEY=VALUE` of `meta` or `env`.
    pub(crate) fn set_key(&mut self, of: &str, key: &str, value: &OsStr) {
        self.set(Param::<OsString>::new(&format!("{of}.{key}")), &value);
    }

    /// Removes a line of `meta` or `env`, given by its full name.
    pub(crate) fn remove_key(&mut self, name: &str) {
        let result = param::resolve(name, Kind::String).and_then(|_| self.store(true, name, &Wire::Null));
        self.keep(result);
    }

    /// As [`remove_key`](Self::remove_key), for a name that may be another parameter's.
    pub(crate) fn remove_entry(&mut self, name: &str) {
        if name::user_key(name).is_some() {
            return self.remove_key(name);
        }
        let reason = "only an entry of meta or env can be removed: meta.KEY or env.KEY";
        self.fail(Error::refused(ErrorKind::InvalidParameter, reason).about(name));
    }

    /// Removes a parameter.
    pub(crate) fn unset(&mut self, name: &str) {
        unset(&mut self.core, name);
        if let Some(rest) = &mut self.rest {
            unset(&mut rest.late, name);
            rest.optional.retain(|other| other != name);
        }
    }

    pub(crate) fn permit(&mut self, set: Allow, granted: bool) {
        if !Allow::all().contains(set) {
            let error = Error::refused(ErrorKind::InvalidValue, "the set has permissions of no name");
            return self.fail(error.about("allow"));
        }
        for name in set.parameters() {
            self.set(Param::<bool>::new(name), &granted);
        }
    }

    /// Sets whether a file system may be mounted.
    pub(crate) fn permit_mount(&mut self, file_system: &str, granted: bool) {
        if file_system.is_empty() || file_system.contains('.') {
            let error = Error::refused(ErrorKind::InvalidValue, "a file system's name is one word");
            return self.fail(error.about(&format!("allow.mount.{file_system}")));
        }
        self.set(Param::<bool>::new(&format!("allow.mount.{file_system}")), &granted);
    }

    pub(crate) fn mac_do(&mut self, value: &MacDo) {
        self.unset(param::MAC_DO.name());
        self.unset(param::MAC_DO_RULES.name());
        match value {
            MacDo::Disable => self.set(param::MAC_DO, &Mode::Disable),
            MacDo::Inherit => self.set(param::MAC_DO, &Mode::Inherit),
            MacDo::Rules(rules) => {
                self.set(param::MAC_DO, &Mode::New);
                self.set(param::MAC_DO_RULES, rules);
            }
        }
    }

    /// Applies other settings, which replace these.
    pub(crate) fn extend(&mut self, other: &Settings<'_>) {
        if let Some(exact) = other.rest().exact {
            self.forget_permissions();
            self.rest_mut().exact = Some(exact);
        }
        for (pairs, is_late) in [(&other.core, false), (other.late(), true)] {
            for pair in pairs.pairs() {
                let result = self.take_over(other, pair, is_late);
                self.keep(result);
            }
        }
        self.has_modes |= other.has_modes;
        if !other.rest().mistakes.is_empty() {
            self.rest_mut().mistakes.extend(other.rest().mistakes.iter().cloned());
        }
    }

    /// Adds those of other settings that are not set here.
    pub(crate) fn extend_below(&mut self, other: &Settings<'_>) {
        let own = core::mem::replace(self, Self::new(self.usage));
        self.extend(other);
        self.extend(&own);
    }

    fn take_over(&mut self, other: &Settings<'_>, pair: Pair<'_>, is_late: bool) -> Result<()> {
        let (wire_name, value) = (pair.name(), pair.wire());
        if !self.is_update() && value.is_null() && name::user_key(wire_name).is_some() {
            // A new jail has such an entry only if it is set here.
            self.unset(wire_name);
            return Ok(());
        }
        let name = other.negated(wire_name).unwrap_or(Cow::Borrowed(wire_name));
        self.store(is_late, wire_name, &value)?;
        let others = other.rest();
        let rest = self.rest_mut();
        rest.note(&name, others.negated.iter().any(|negated| *negated == *name));
        if others.optional.iter().any(|optional| *optional == *name) {
            rest.optional.push(name.into_owned());
            rest.leave_out = others.leave_out;
        }
        Ok(())
    }

    /// Returns the jail's name, if it is set.
    pub(crate) fn name(&self) -> Option<&[u8]> {
        self.core.value("name")?.strip_suffix(&[0])
    }

    /// Returns a value's bytes, without the NUL of a string.
    pub(crate) fn text(&self, name: &str) -> Option<&[u8]> {
        self.value(name)?.strip_suffix(&[0])
    }

    #[inline(never)]
    fn value(&self, name: &str) -> Option<&[u8]> {
        self.core.value(name).or_else(|| self.late().value(name))
    }

    pub(crate) fn int(&self, name: &str) -> Option<i32> {
        self.value(name)?.try_into().ok().map(i32::from_ne_bytes)
    }

    #[inline(never)]
    fn mode(&self, name: &str) -> Option<Mode> {
        self.int(name).and_then(Mode::from_number)
    }

    fn first_of<'n>(&self, names: &[&'n str]) -> Option<&'n str> {
        names.iter().copied().find(|name| self.value(name).is_some())
    }
}

/// Removes a parameter from a draft.
pub(crate) fn unset(draft: &mut Draft<'_>, name: &str) {
    if let Some(pair) = draft.find(name) {
        draft.remove(pair.place);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Jail;

    /// The parameters to be sent, in order.
    fn sent(settings: &Settings<'_>) -> Vec<(String, Option<Vec<u8>>)> {
        settings.pairs().map(|pair| (pair.name().to_owned(), pair.value().map(<[u8]>::to_vec))).collect()
    }

    #[test]
    fn nothing_is_sent_that_was_not_set() {
        assert_eq!([sent(&Jail::builder().settings), sent(&Settings::new(Use::Update))], [[], []]);
        let builder = Jail::builder().securelevel(2).allow(Allow::MLOCK).deny(Allow::SUSER).meta("k", "v");
        let expected = [
            ("securelevel", Some(2_i32.to_ne_bytes().to_vec())),
            ("allow.mlock", None),
            ("allow.nosuser", None),
            ("meta.k", Some(b"v\0".to_vec())),
        ];
        assert_eq!(sent(&builder.settings), expected.map(|(name, value)| (name.to_owned(), value)));
    }

    #[test]
    fn a_replaced_value_is_not_sent() {
        let builder = Jail::builder()
            .allow(Allow::MLOCK)
            .deny(Allow::MLOCK)
            .ip4([core::net::Ipv4Addr::LOCALHOST])
            .ip4(crate::network::Ip4::Inherit)
            .mac_do(MacDo::rules("uid=1>uid=2"))
            .mac_do(MacDo::Disable)
            .meta("k", "1")
            .meta("k", "2");
        let names: Vec<_> = sent(&builder.settings).into_iter().map(|(name, _)| name).collect();
        assert_eq!(names, ["allow.nomlock", "ip4", "mac.do", "meta.k"]);
        assert_eq!(sent(&builder.settings).pop().and_then(|(_, value)| value), Some(b"2\0".to_vec()));
    }

    #[test]
    fn a_copy_has_the_same_settings_and_mistakes() {
        let mut settings = Settings::new(Use::Create);
        settings.set(param::SECURELEVEL, &2);
        settings.set(param::IP4, &Mode::Inherit);
        settings.set(Param::<bool>::new("allow.mount.newfs"), &false);
        settings.set_key("meta", "k", "v".as_ref());
        settings.set(param::NAME, &"nul\0");
        let mut copy = settings.clone();
        assert_eq!(
            (sent(&copy), copy.has_modes, &copy.rest().negated),
            (sent(&settings), true, &settings.rest().negated)
        );
        let [mistake, same] = [&copy, &settings].map(|of| of.mistakes().pop().expect("a NUL").to_string());
        assert_eq!(mistake, same);
        // Changing one does not affect the other.
        copy.set(param::SECURELEVEL, &3);
        assert_eq!(settings.int("securelevel"), Some(2));
    }

    #[test]
    fn a_false_permission_is_never_its_name_with_a_value() {
        for name in Allow::all().parameters() {
            let mut settings = Settings::new(Use::Update);
            settings.set(Param::<bool>::new(name), &false);
            settings.set_value(name, &Value::Bool(false));
            let (level, last) = name::split_text(name);
            assert_eq!(sent(&settings), [(format!("{level}no{last}"), None)]);
        }
    }

    #[test]
    fn parameters_of_modules_are_kept_apart() {
        let builder = Jail::builder()
            .set(Param::<i32>::new("new.thing"), 1)
            .set(Param::<bool>::new("allow.mount.newfs"), true)
            .sysvmsg(Mode::New)
            .zfs_mount_snapshot(false)
            .linux_osname("x")
            .jail_env("k", "v");
        let names = |draft: &Draft<'_>| draft.names().map(str::to_owned).collect::<Vec<_>>();
        assert_eq!(names(&builder.settings.core), ["allow.mount.newfs", "sysvmsg"]);
        let late = ["new.thing", "zfs.mount_snapshot", "linux.osname", "env.k"];
        assert_eq!(names(builder.settings.late()), late);
    }
}
