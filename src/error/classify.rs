//! From the kernel's answer to an [`Error`].
//!
//! The texts are those of `kern_jail_set` and `kern_jail_get` in FreeBSD's `sys/kern/kern_jail.c`; both 13.2
//! and 15.1 use the ones matched here.

#![forbid(unsafe_code)]

use super::{Call, Error, ErrorKind, Inner};
use crate::sys::Errno;

/// What the request was about, which decides what "not found" means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Subject {
    /// A jail that the caller named by name or number.
    Named,
    /// The jail of a handle: when it is not found, it has gone.
    Handle,
    /// A jail to be created: what is not found is its parent or its path.
    New,
    /// The next jail of a listing.
    Next,
}

/// What the classification needs to know of the request.
pub(crate) struct Asked<'a> {
    pub(crate) subject: Subject,
    /// Whether the request carries a parameter of this name.
    pub(crate) carries: &'a dyn Fn(&str) -> bool,
}

impl Error {
    /// Makes the error of a failed jail_set or jail_get, from all that the kernel said.
    pub(crate) fn from_kernel(call: Call, errno: Errno, text: &[u8], asked: &Asked<'_>) -> Self {
        let text = String::from_utf8_lossy(text);
        let verdict = match errno.0 {
            _ if errno.is_not_capable() => Verdict::new(ErrorKind::NotCapable),
            libc::ENOSYS => Verdict::new(ErrorKind::Unsupported).because(
                "this host has no jails: it is not FreeBSD, and no model of its kernel is installed",
            ),
            libc::EPERM => permission(call, &text, asked),
            libc::ENOENT => not_found(call, &text, asked),
            libc::EINVAL => invalid(call, &text, asked),
            libc::EEXIST => Verdict::new(ErrorKind::AlreadyExists),
            libc::EADDRINUSE => Verdict::new(ErrorKind::AddressInUse)
                .about(if text.contains("IPv6") { "ip6.addr" } else { "ip4.addr" })
                .because("an address can be shared only by jails that have exactly one each"),
            libc::ENAMETOOLONG if text.is_empty() => too_long(asked),
            libc::EFBIG => Verdict::new(ErrorKind::InvalidValue)
                .about_first(asked, &["meta", "env"])
                .because("longer than sysctl security.jail.meta_maxbufsize allows"),
            libc::ENOTDIR | libc::ELOOP | libc::ENAMETOOLONG | libc::EACCES if call == Call::JailSet => {
                Verdict::new(ErrorKind::InvalidPath).about("path")
            }
            libc::EBADF => Verdict::new(ErrorKind::InvalidDescriptor),
            libc::EMFILE | libc::ENFILE | libc::ENOMEM => Verdict::new(ErrorKind::ResourceExhausted),
            libc::EAGAIN if text.contains("no available jail IDs") => {
                Verdict::new(ErrorKind::ResourceExhausted)
            }
            libc::EAGAIN => {
                Verdict::new(ErrorKind::Dying).because("the jail that this process is in is being removed")
            }
            libc::EDEADLK => Verdict::new(ErrorKind::Other)
                .because("this process may run on none of the processors that the jail may use"),
            _ => Verdict::new(ErrorKind::Other),
        };
        Self(Box::new(Inner {
            kind: verdict.kind,
            stage: None,
            call: Some(call),
            message: (!text.is_empty()).then(|| text.as_ref().into()),
            parameter: verdict.parameter.map(Into::into),
            reason: verdict.reason.map(Into::into),
            source: Some(errno.into()),
        }))
    }
}

/// What the crate makes of an answer.
struct Verdict<'t> {
    kind: ErrorKind,
    parameter: Option<&'t str>,
    reason: Option<&'static str>,
}

impl<'t> Verdict<'t> {
    fn new(kind: ErrorKind) -> Self {
        Self { kind, parameter: None, reason: None }
    }

    fn about(mut self, parameter: &'t str) -> Self {
        self.parameter = Some(parameter);
        self
    }

    /// Names the parameter when the request carries just one of these.
    fn about_first(mut self, asked: &Asked<'_>, names: &[&'t str]) -> Self {
        let mut carried = names.iter().copied().filter(|name| (asked.carries)(name));
        if let (Some(name), None) = (carried.next(), carried.next()) {
            self.parameter = Some(name);
        }
        self
    }

    fn because(mut self, reason: &'static str) -> Self {
        self.reason = Some(reason);
        self
    }
}

fn permission<'t>(call: Call, text: &str, asked: &Asked<'_>) -> Verdict<'t> {
    if text.contains("prison limit exceeded") {
        return Verdict::new(ErrorKind::LimitExceeded).because("children.max of a jail above is reached");
    }
    let verdict = Verdict::new(ErrorKind::PermissionDenied);
    if call == Call::JailGet {
        return verdict.because("not allowed to take ownership of a jail");
    }
    match asked.subject {
        Subject::New => verdict.because(
            "this process is not root, the jail that it is in may have no children, or the new jail would be \
             allowed more than its parent",
        ),
        _ => verdict.because("this process is not root, or the jail would be allowed more than its parent"),
    }
}

fn not_found<'t>(call: Call, text: &str, asked: &Asked<'_>) -> Verdict<'t> {
    if text.ends_with("is dying") {
        let gone = asked.subject == Subject::Handle;
        return Verdict::new(if gone { ErrorKind::Gone } else { ErrorKind::Dying });
    }
    if text.is_empty() {
        // jail_set looks the path up without adding words; jail_get never fails so.
        return if call == Call::JailSet {
            Verdict::new(ErrorKind::InvalidPath).about("path").because("the directory does not exist")
        } else {
            Verdict::new(ErrorKind::NotFound)
        };
    }
    if text.contains("dead jail") {
        return Verdict::new(ErrorKind::Gone);
    }
    match asked.subject {
        Subject::Handle => Verdict::new(ErrorKind::Gone),
        Subject::New => Verdict::new(ErrorKind::NotFound)
            .about("name")
            .because("the parent that the name asks for does not exist"),
        Subject::Named | Subject::Next => Verdict::new(ErrorKind::NotFound),
    }
}

fn invalid<'t>(call: Call, text: &'t str, asked: &Asked<'_>) -> Verdict<'t> {
    if let Some(name) = text.strip_prefix("unknown parameter: ") {
        return Verdict::new(ErrorKind::UnknownParameter)
            .about(name)
            .because("this kernel does not have it, or it is read-only");
    }
    if let Some(name) = text.strip_suffix(" cannot be changed after creation") {
        return Verdict::new(ErrorKind::InvalidParameter).about(name);
    }
    if let Some(name) = text.strip_suffix(" format error") {
        return Verdict::new(ErrorKind::InvalidValue).about(name);
    }
    if text.starts_with("vnet jails cannot have IP") {
        return Verdict::new(ErrorKind::Conflict).about("vnet");
    }
    if text.starts_with("name cannot be numeric") || text.starts_with("cannot change jail's parent") {
        return Verdict::new(ErrorKind::InvalidValue).about("name");
    }
    if text.starts_with("cannot change jid") || text.starts_with("negative jid") {
        return Verdict::new(ErrorKind::InvalidValue).about("jid");
    }
    if text.starts_with("too many IPv4") {
        return Verdict::new(ErrorKind::InvalidValue)
            .about("ip4.addr")
            .because("more than sysctl security.jail.jail_max_af_ips allows");
    }
    if text.starts_with("too many IPv6") {
        return Verdict::new(ErrorKind::InvalidValue)
            .about("ip6.addr")
            .because("more than sysctl security.jail.jail_max_af_ips allows");
    }
    if text.starts_with("new jail must persist or attach") {
        return Verdict::new(ErrorKind::InvalidRequest).about("persist");
    }
    if text.starts_with("osrel") {
        let name = if text.starts_with("osrelease") { "osrelease" } else { "osreldate" };
        return Verdict::new(ErrorKind::InvalidValue).about(name);
    }
    if text.contains("not a jail descriptor") {
        return Verdict::new(ErrorKind::InvalidDescriptor);
    }
    if !text.is_empty() {
        return Verdict::new(ErrorKind::InvalidRequest);
    }
    let verdict = Verdict::new(ErrorKind::InvalidValue);
    if call == Call::JailGet {
        return verdict.because("a buffer is too small or of the wrong size for its parameter");
    }
    let fields = ["ip4.addr", "ip6.addr", "enforce_statfs", "devfs_ruleset", "mac.do.rules"];
    verdict
        .about_first(asked, &fields)
        .because("a value is out of range or of the wrong size, or an address is a broadcast, unspecified or repeated one")
}

fn too_long<'t>(asked: &Asked<'_>) -> Verdict<'t> {
    Verdict::new(ErrorKind::InvalidValue)
        .about_first(asked, &["name", "path", "host.hostname", "host.domainname", "host.hostuuid"])
        .because("longer than the kernel allows, its parents' names included")
}
