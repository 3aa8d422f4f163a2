//! Makes an [`Error`] from the kernel's answer.
//!
//! The texts are those of `kern_jail_set` and `kern_jail_get` in FreeBSD's `sys/kern/kern_jail.c`, of
//! `linux_prison_check` in `sys/compat/linux/linux_mib.c` and of `mac_do_jail_check` and `mac_do_jail_set` in
//! `sys/security/mac_do/mac_do.c`. Some quote names that a caller chose (T35), so messages are compared as a whole, or
//! by the part before the quotation.

use super::{Call, Error, ErrorKind, Fact, attach};
use crate::sys::Errno;

/// The subject of a request, which decides what "not found" means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Subject {
    /// A jail that the caller named by name or jid.
    Named,
    /// The jail of a handle: if it is not found, it is gone.
    Handle,
    /// A jail to be created: its parent or its path is not found.
    New,
    /// The next jail of a listing.
    Next,
}

/// The properties of a request that matter for the classification.
pub(crate) struct Asked<'a> {
    pub(crate) subject: Subject,
    pub(crate) names: &'a Names<'a>,
}

/// Calls a function with each name of the request's parameters.
type Names<'a> = dyn Fn(&mut dyn FnMut(&str)) + 'a;

/// Why a call fails everywhere but on FreeBSD.
pub(super) fn no_jails() -> &'static str {
    #[cfg(feature = "sim")]
    if crate::sys::is_stranded() {
        return "this process was forked from the one in which the model of the kernel is: model its processes by \
                sim::Process::fork, or have the copy of the model used by sim::Kernel::allow_copies(true)";
    }
    "this host has no jails: it is not FreeBSD, and no model of its kernel is installed"
}

/// Why a call fails in capability mode, or with a descriptor whose rights are limited.
pub(super) const CAPSICUM: &str = "this process is in capability mode, or the descriptor's rights do not include \
                                   this: see capsicum(4)";

impl Error {
    /// Makes the error of a failed jail_set or jail_get.
    pub(crate) fn from_kernel(call: Call, errno: Errno, text: &[u8], asked: &Asked<'_>) -> Self {
        // A module's message may end in a newline.
        let text = String::from_utf8_lossy(text.trim_ascii());
        let verdict = if errno.is_not_capable() {
            Verdict::new(ErrorKind::NotCapable).because(CAPSICUM)
        } else if text == "attach failed" {
            attaching(errno)
        } else if let Some(verdict) = of_module(&text) {
            verdict
        } else {
            of_number(call, errno, &text, asked.subject)
        };
        let mut error = Self::of_call(call, errno, verdict.kind);
        if !text.is_empty() {
            error = error.with_message(&text);
        }
        error.0.reason = verdict.reason;
        match verdict.parameter {
            Parameter::Unknown => error,
            Parameter::Named(name) => error.about(name),
            Parameter::Only(is) => error.about_only(asked, is),
        }
    }

    /// Names the parameter if the request has exactly one of these.
    fn about_only(self, asked: &Asked<'_>, is: fn(&str) -> bool) -> Self {
        let (mut count, mut named) = (0, self);
        (asked.names)(&mut |name| {
            if is(name) {
                count += 1;
                named.0.facts.set_text(Fact::Parameter, name);
            }
        });
        if count > 1 {
            named.0.facts.forget(Fact::Parameter);
        }
        named
    }
}

/// The classification of an answer.
#[derive(Clone, Copy)]
struct Verdict<'t> {
    kind: ErrorKind,
    parameter: Parameter<'t>,
    reason: Option<&'static str>,
}

/// The parameter at fault.
#[derive(Clone, Copy)]
enum Parameter<'t> {
    Unknown,
    Named(&'t str),
    /// The only one of these in the request, if there is exactly one.
    Only(fn(&str) -> bool),
}

impl<'t> Verdict<'t> {
    fn new(kind: ErrorKind) -> Self {
        Self { kind, parameter: Parameter::Unknown, reason: None }
    }

    fn about(self, parameter: &'t str) -> Self {
        Self { parameter: Parameter::Named(parameter), ..self }
    }

    fn about_only(self, is: fn(&str) -> bool) -> Self {
        Self { parameter: Parameter::Only(is), ..self }
    }

    fn because(self, reason: &'static str) -> Self {
        Self { reason: Some(reason), ..self }
    }
}

fn of_number(call: Call, errno: Errno, text: &str, subject: Subject) -> Verdict<'_> {
    match errno.0 {
        libc::ENOSYS => Verdict::new(ErrorKind::Unsupported).because(no_jails()),
        libc::EPERM => permission(call, text, subject),
        libc::ENOENT => not_found(call, text, subject),
        libc::EINVAL => invalid(call, text),
        libc::EEXIST => Verdict::new(ErrorKind::AlreadyExists),
        libc::EADDRINUSE => Verdict::new(ErrorKind::AddressInUse)
            .about(if text == "IPv6 addresses clash" { "ip6.addr" } else { "ip4.addr" })
            .because("an address can be shared only by jails that have exactly one each"),
        libc::ENAMETOOLONG => too_long(text),
        libc::EFBIG => Verdict::new(ErrorKind::InvalidValue)
            .about_only(is_text_of_keys)
            .because("longer than sysctl security.jail.meta_maxbufsize allows"),
        libc::ENOTDIR | libc::ELOOP | libc::EACCES if call == Call::JailSet => {
            Verdict::new(ErrorKind::InvalidPath).about("path")
        }
        libc::EBADF => Verdict::new(ErrorKind::InvalidDescriptor),
        libc::EMFILE | libc::ENFILE | libc::ENOMEM => Verdict::new(ErrorKind::ResourceExhausted),
        libc::EDEADLK => Verdict::new(ErrorKind::Other).because(attach::NO_COMMON_CPU),
        libc::EAGAIN if text == "no available jail IDs" => Verdict::new(ErrorKind::ResourceExhausted),
        libc::EAGAIN => Verdict::new(ErrorKind::Dying).because("the jail of this process is being removed"),
        _ => Verdict::new(ErrorKind::Other),
    }
}

/// The meaning of a failed attach as part of another call.
fn attaching(errno: Errno) -> Verdict<'static> {
    match errno.0 {
        libc::EPERM => Verdict::new(ErrorKind::PermissionDenied).because(attach::ATTACHING),
        libc::EACCES => Verdict::new(ErrorKind::PermissionDenied).because(attach::ROOT_CLOSED),
        libc::ENOTDIR => Verdict::new(ErrorKind::InvalidPath).because(attach::ROOT_UNMOUNTED),
        libc::EDEADLK => Verdict::new(ErrorKind::Other).because(attach::NO_COMMON_CPU),
        libc::EAGAIN => Verdict::new(ErrorKind::Dying),
        _ => Verdict::new(ErrorKind::Other),
    }
}

/// Messages of modules about their parameters, with any errno.
fn of_module(text: &str) -> Option<Verdict<'_>> {
    let invalid = Verdict::new(ErrorKind::InvalidValue);
    if text.starts_with("MAC/do: Parse error") {
        return Some(invalid.about("mac.do.rules"));
    }
    Some(match text {
        "'mac.do.rules' must be specified given 'mac.do''s value"
        | "'mac.do.rules' specified but should not given 'mac.do''s value" => {
            Verdict::new(ErrorKind::Conflict).about("mac.do")
        }
        "'mac.do.rules' not a proper string" | "'mdo.rules' too long" => invalid.about("mac.do.rules"),
        "linux.osname too long" => invalid.about("linux.osname"),
        "linux.osrelease too long" | "linux.osrelease format error" => invalid.about("linux.osrelease"),
        _ => return None,
    })
}

fn permission(call: Call, text: &str, subject: Subject) -> Verdict<'_> {
    if text == "prison limit exceeded" {
        return Verdict::new(ErrorKind::LimitExceeded).because("children.max of a jail above is reached");
    }
    let verdict = Verdict::new(ErrorKind::PermissionDenied);
    if call == Call::JailGet {
        return verdict.because("not allowed to take ownership of a jail");
    }
    match subject {
        Subject::New => verdict.about_only(is_limited_by_parent).because(
            "this process is not root, the jail that it is in may have no children, or the new jail would be \
             allowed more than its parent",
        ),
        _ => verdict
            .about_only(is_limited_by_parent)
            .because("this process is not root, or the jail would have more permissions than its parent"),
    }
}

/// Whether the kernel compares a parameter with the jail's parent and fails without a message.
fn is_limited_by_parent(name: &str) -> bool {
    const OTHERS: [&str; 10] = [
        "securelevel",
        "children.max",
        "enforce_statfs",
        "devfs_ruleset",
        "ip4.addr",
        "ip6.addr",
        "sysvmsg",
        "sysvsem",
        "sysvshm",
        "zfs.mount_snapshot",
    ];
    match name.strip_prefix("allow.") {
        // A denied permission cannot be the reason.
        Some(_) => {
            let last = name.as_bytes().rsplit(|&byte| byte == b'.').next();
            !last.is_some_and(|last| last.starts_with(b"no"))
        }
        None => OTHERS.contains(&name),
    }
}

fn is_text_of_keys(name: &str) -> bool {
    let rest = name.strip_prefix("meta").or_else(|| name.strip_prefix("env"));
    rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
}

fn not_found(call: Call, text: &str, subject: Subject) -> Verdict<'_> {
    if text.is_empty() {
        // jail_set looks up the path without a message; jail_get never fails in this way.
        return if call == Call::JailSet {
            Verdict::new(ErrorKind::InvalidPath).about("path").because("the directory does not exist")
        } else {
            Verdict::new(ErrorKind::NotFound)
        };
    }
    if text == "descriptor to dead jail" {
        return Verdict::new(ErrorKind::Gone);
    }
    // "jail "NAME" not found" also ends in words of the kernel, not of the caller.
    let is_dying = text.starts_with("jail ") && text.ends_with(" is dying");
    match subject {
        Subject::Handle => Verdict::new(ErrorKind::Gone),
        _ if is_dying => Verdict::new(ErrorKind::Dying),
        Subject::New => {
            Verdict::new(ErrorKind::NotFound).about("name").because("the parent in the name does not exist")
        }
        Subject::Named | Subject::Next => Verdict::new(ErrorKind::NotFound),
    }
}

fn invalid(call: Call, text: &str) -> Verdict<'_> {
    const CHECKED: [&str; 4] = ["ip4.addr", "ip6.addr", "enforce_statfs", "devfs_ruleset"];
    if let Some(name) = text.strip_prefix("unknown parameter: ") {
        return Verdict::new(ErrorKind::UnknownParameter)
            .about(name)
            .because("this kernel lacks it, or it is read-only");
    }
    if let Some(name) = text.strip_suffix(" cannot be changed after creation") {
        return Verdict::new(ErrorKind::InvalidParameter).about(name);
    }
    let value = |name: &'static str| Verdict::new(ErrorKind::InvalidValue).about(name);
    match text {
        "" => {}
        "vnet jails cannot have IP address restrictions" => {
            return Verdict::new(ErrorKind::Conflict).about("vnet");
        }
        "name cannot be numeric (unless it is the jid)" | "cannot change jail's parent" => {
            return value("name");
        }
        "cannot change jid" | "negative jid" => return value("jid"),
        "too many IPv4 addresses" => {
            return value("ip4.addr").because("more than sysctl security.jail.jail_max_af_ips allows");
        }
        "too many IPv6 addresses" => {
            return value("ip6.addr").because("more than sysctl security.jail.jail_max_af_ips allows");
        }
        "osreldate cannot be 0" => return value("osreldate"),
        "new jail must persist or attach" => {
            return Verdict::new(ErrorKind::InvalidRequest).about("persist");
        }
        "not a jail descriptor" => return Verdict::new(ErrorKind::InvalidDescriptor),
        _ => return Verdict::new(ErrorKind::InvalidRequest),
    }
    let verdict = Verdict::new(ErrorKind::InvalidValue);
    if call == Call::JailGet {
        return verdict.because("a buffer is too small or of the wrong size for its parameter");
    }
    verdict
        .about_only(|name| CHECKED.contains(&name))
        .because("a value is out of range or of the wrong size, or an address is a broadcast, unspecified or repeated one")
}

fn too_long(text: &str) -> Verdict<'_> {
    const STRINGS: [&str; 5] = ["name", "path", "host.hostname", "host.domainname", "host.hostuuid"];
    let verdict = Verdict::new(ErrorKind::InvalidValue);
    if text.starts_with("osrelease string must be ") {
        return verdict.about("osrelease");
    }
    verdict
        .about_only(|name| STRINGS.contains(&name))
        .because("longer than the kernel allows, its parents' names included")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(call: Call, errno: i32, text: &str, subject: Subject, carried: &[&str]) -> Error {
        let names = |each: &mut dyn FnMut(&str)| carried.iter().for_each(|name| each(name));
        Error::from_kernel(call, Errno(errno), text.as_bytes(), &Asked { subject, names: &names })
    }

    #[track_caller]
    fn set(errno: i32, text: &str, carried: &[&str], kind: ErrorKind, parameter: Option<&str>) {
        let error = error(Call::JailSet, errno, text, Subject::Handle, carried);
        assert_eq!((error.kind(), error.parameter()), (kind, parameter), "{error}");
        assert_eq!(error.errno(), Some(errno));
        assert_eq!(error.message(), Some(text.trim()).filter(|text| !text.is_empty()));
    }

    #[test]
    fn t35_a_message_that_quotes_a_name_is_not_confused_with_another_one() {
        for name in
            ["dead jail", "descriptor to dead jail", "not a jail descriptor", "x\" is dying", "attach failed"]
        {
            let text = format!("jail \"{name}\" not found");
            let error = error(Call::JailGet, libc::ENOENT, &text, Subject::Named, &["name"]);
            assert_eq!((error.kind(), error.message()), (ErrorKind::NotFound, Some(text.as_str())), "{name}");
        }
        let dying = error(Call::JailGet, libc::ENOENT, "jail \"a b\" is dying", Subject::Named, &["name"]);
        assert_eq!(dying.kind(), ErrorKind::Dying);
        let dead = error(Call::JailGet, libc::ENOENT, "descriptor to dead jail", Subject::Named, &[]);
        assert_eq!(dead.kind(), ErrorKind::Gone);
        let unknown = "unknown parameter: path cannot be changed after creation";
        set(
            libc::EINVAL,
            unknown,
            &[],
            ErrorKind::UnknownParameter,
            Some("path cannot be changed after creation"),
        );
    }

    #[test]
    fn t35_a_message_of_a_module_names_its_parameter_and_has_no_newline() {
        let invalid = ErrorKind::InvalidValue;
        set(libc::EINVAL, "MAC/do: Parse error at index 3: No '>'\n", &[], invalid, Some("mac.do.rules"));
        set(libc::ENAMETOOLONG, "'mdo.rules' too long", &[], invalid, Some("mac.do.rules"));
        set(libc::ENAMETOOLONG, "linux.osname too long", &["name"], invalid, Some("linux.osname"));
        set(libc::EINVAL, "linux.osrelease format error", &[], invalid, Some("linux.osrelease"));
        let osrelease = "osrelease string must be 1-31 bytes long";
        set(libc::ENAMETOOLONG, osrelease, &["path"], invalid, Some("osrelease"));
        set(libc::ENAMETOOLONG, "", &["path", "securelevel"], invalid, Some("path"));
        set(libc::ENAMETOOLONG, "", &["path", "name"], invalid, None);
    }

    #[test]
    fn t35_an_attach_that_failed_is_not_about_the_path() {
        for (errno, kind) in [
            (libc::EACCES, ErrorKind::PermissionDenied),
            (libc::EPERM, ErrorKind::PermissionDenied),
            (libc::ENOTDIR, ErrorKind::InvalidPath),
            (libc::EDEADLK, ErrorKind::Other),
        ] {
            set(errno, "attach failed", &["path"], kind, None);
        }
        set(libc::EACCES, "", &["path"], ErrorKind::InvalidPath, Some("path"));
    }

    #[test]
    fn a_parameter_that_the_parent_forbids_is_named_if_there_is_only_one() {
        let denied = ErrorKind::PermissionDenied;
        set(libc::EPERM, "", &["jid", "securelevel", "host.hostname"], denied, Some("securelevel"));
        set(libc::EPERM, "", &["allow.mount.zfs", "allow.nomlock"], denied, Some("allow.mount.zfs"));
        set(libc::EPERM, "", &["securelevel", "enforce_statfs"], denied, None);
        set(libc::EPERM, "", &["host.hostname"], denied, None);
        set(libc::EFBIG, "", &["meta.key", "securelevel"], ErrorKind::InvalidValue, Some("meta.key"));
    }
}
