//! The same jails by two ways: with builders and updates on one model, with requests on another of the same release.
//! What the typed layer lets through must do what the same request does, with the same errors.

use freebsd_jail::param::Value;
use freebsd_jail::raw::{self, At};
use freebsd_jail::{
    Jail, JailUpdate, Jid, OwnedJail,
    raw::{GetFlags, Request, SetFlags},
    sim,
};
use std::os::fd::OwnedFd;

use super::{Input, assert_unharmed};

/// The most jails at once: reading each of them takes time, and a few meet in every way.
const JAILS_MAX: usize = 6;

/// One way, and the other.
struct Worlds {
    typed: sim::Kernel,
    raw: sim::Kernel,
    jails: Vec<(OwnedJail, Option<OwnedFd>)>,
}

pub fn run(data: &[u8]) {
    let mut input = Input::new(data);
    let mut again = Input::new(data);
    let mut worlds = Worlds { typed: input.kernel(), raw: again.kernel(), jails: Vec::new() };
    while !input.is_empty() {
        match input.below(8) {
            0..3 if worlds.jails.len() < JAILS_MAX => create(&mut input, &mut worlds),
            0..=3 => {
                if !worlds.jails.is_empty() {
                    let place = input.below(worlds.jails.len());
                    let (jail, descriptor) = worlds.jails.swap_remove(place);
                    let jid = jail.jid();
                    // That it is gone already is found out before the call.
                    let typed = within(&worlds.typed, || jail.remove());
                    let raw = within(&worlds.raw, || raw::jail_remove(jid));
                    assert_eq!(typed.is_ok(), raw.is_ok(), "removing jail {jid}");
                    drop(descriptor);
                }
            }
            _ => update(&mut input, &mut worlds),
        }
        compare(&worlds);
    }
    assert_unharmed(&worlds.typed);
    within(&worlds.typed, || worlds.jails.clear());
}

fn within<T>(kernel: &sim::Kernel, act: impl FnOnce() -> T) -> T {
    let _guard = kernel.install();
    act()
}

fn settings(input: &mut Input<'_>) -> Vec<(String, Value)> {
    let mut settings: Vec<(String, Value)> = Vec::new();
    for _ in 0..=input.below(5) {
        let (name, value) = (input.name(), input.value());
        // Of several that mean one parameter a builder sends the last; a request refuses the second.
        if settings.iter().all(|(other, _)| plain(other) != plain(&name)) {
            settings.push((name, value));
        }
    }
    settings
}

/// Returns the parameter that a name stands for: `x` for `nox`.
fn plain(name: &str) -> String {
    match name.rsplit_once('.') {
        Some((start, last)) => format!("{start}.{}", last.strip_prefix("no").unwrap_or(last)),
        None => name.strip_prefix("no").unwrap_or(name).to_owned(),
    }
}

/// A request as jail(8) would send it: a boolean goes by its name.
fn request_of(settings: &[(String, Value)]) -> freebsd_jail::Result<Request> {
    let mut request = Request::new();
    for (name, value) in settings {
        match value {
            // A switch that the kernel takes as an int.
            Value::Bool(value) if name == "zfs.mount_snapshot" => request.int(name, i32::from(*value))?,
            Value::Bool(true) => request.flag(name)?,
            Value::Bool(false) => {
                let negative = name
                    .rsplit_once('.')
                    .map_or_else(|| format!("no{name}"), |(start, last)| format!("{start}.no{last}"));
                request.flag(&negative)?
            }
            Value::Int(value) => request.int(name, *value)?,
            Value::Ulong(value) => request.ulong(name, *value)?,
            Value::String(value) => request.string(name, value)?,
            Value::Ip4(value) => request.ip4(name, value)?,
            Value::Ip6(value) => request.ip6(name, value)?,
            Value::Mode(value) => request.int(name, value.number())?,
            other => panic!("{other:?} is not among the inputs"),
        };
    }
    Ok(request)
}

fn create(input: &mut Input<'_>, worlds: &mut Worlds) {
    let mut settings = settings(input);
    if settings.iter().all(|(name, _)| plain(name) != "path") {
        settings.push(("path".into(), Value::String("/".into())));
    }
    let typed = within(&worlds.typed, || {
        let mut builder = Jail::builder();
        for (name, value) in &settings {
            builder = builder.set_value(name, value);
        }
        builder.create()
    });
    let typed = match typed {
        Ok(jail) => Ok(jail),
        Err(error) => match error.errno() {
            // Refused before the call.
            None => return align(worlds),
            errno => Err(errno),
        },
    };
    let raw = within(&worlds.raw, || {
        let mut request = request_of(&settings).expect("what the builder took is no bad request");
        let mut flags = SetFlags::CREATE;
        if worlds.raw.release() == sim::Release::FREEBSD_15_1 {
            flags |= SetFlags::OWN_DESC;
        }
        if settings.iter().all(|(name, _)| plain(name) != "persist") {
            request.flag("persist").expect("an owned jail persists");
        }
        raw::jail_set(&mut request, At::None, flags).map_err(|error| error.errno())
    });
    match (typed, raw) {
        (Ok(jail), Ok(reply)) => {
            assert_eq!(jail.jid(), reply.jid);
            worlds.jails.push((jail, reply.descriptor));
        }
        (typed, raw) => {
            assert_eq!(
                typed.map(|jail| jail.jid()),
                raw.map(|reply| reply.jid),
                "creating with {settings:?}"
            );
            align(worlds);
        }
    }
}

/// Makes the next jids of both models the same: a creation that fails has used one, and the typed layer may repeat it to
/// find out the reason.
fn align(worlds: &Worlds) {
    let next = |kernel| {
        within(kernel, || {
            let mut request = Request::new();
            request.flag("persist").expect("a name").string("path", "/").expect("a path");
            let jid = raw::jail_set(&mut request, At::None, SetFlags::CREATE).expect("created").jid;
            raw::jail_remove(jid).expect("removed");
            jid
        })
    };
    let (mut typed, mut raw) = (next(&worlds.typed), next(&worlds.raw));
    while typed != raw {
        if typed < raw {
            typed = next(&worlds.typed);
        } else {
            raw = next(&worlds.raw);
        }
    }
}

fn update(input: &mut Input<'_>, worlds: &mut Worlds) {
    let settings = settings(input);
    if worlds.jails.is_empty() {
        return;
    }
    let (jail, _) = &worlds.jails[input.below(worlds.jails.len())];
    let mut update = JailUpdate::new();
    for (name, value) in &settings {
        update = update.set_value(name, value);
    }
    let typed = within(&worlds.typed, || jail.update(&update));
    let typed = match typed {
        Ok(()) => Ok(()),
        Err(error) => match error.errno() {
            None => return,
            errno => Err(errno),
        },
    };
    if settings.iter().any(|(name, _)| plain(name) == "name") {
        // Names are changed by the typed layer alone (T39).
        let renamed = within(&worlds.raw, || Jail::open(jail.jid())?.update(&update));
        assert_eq!(
            typed,
            renamed.map_err(|error| error.errno()),
            "updating {} with {settings:?}",
            jail.jid()
        );
        return;
    }
    let raw = within(&worlds.raw, || {
        let mut request = request_of(&settings).expect("what the update took is no bad request");
        request.int("jid", jail.jid().get()).expect("an update sets no jid");
        raw::jail_set(&mut request, At::None, SetFlags::UPDATE).map(drop).map_err(|error| error.errno())
    });
    assert_eq!(typed, raw, "updating jail {} with {settings:?}", jail.jid());
}

/// Reads what both models know of each jail.
fn compare(worlds: &Worlds) {
    for (jail, _) in &worlds.jails {
        let typed = within(&worlds.typed, || state(jail.jid()));
        let raw = within(&worlds.raw, || state(jail.jid()));
        assert_eq!(typed, raw, "jail {}", jail.jid());
    }
}

fn state(jid: Jid) -> Option<Vec<Vec<u8>>> {
    let texts = ["name", "path", "host.hostname", "host.domainname", "host.hostuuid", "osrelease"];
    let numbers = [
        "host",
        "securelevel",
        "enforce_statfs",
        "devfs_ruleset",
        "children.max",
        "ip4",
        "ip6",
        "osreldate",
        "allow.raw_sockets",
        "allow.set_hostname",
        "allow.chflags",
        "allow.mount",
        "allow.mount.devfs",
        "allow.mlock",
        "allow.settime",
        "ip4.saddrsel",
        "ip6.saddrsel",
        "sysvmsg",
        "vnet",
    ];
    let mut request = Request::new();
    request.int("jid", jid.get()).ok()?;
    for name in texts {
        let len = match name {
            "path" => 1024,
            "host.hostuuid" => 64,
            "osrelease" => 32,
            _ => 256,
        };
        request.space(name, len).ok()?;
    }
    for name in numbers {
        request.space(name, 4).ok()?;
    }
    request.space("ip4.addr", 64).ok()?;
    request.space("ip6.addr", 256).ok()?;
    raw::jail_get(&mut request, At::None, GetFlags::empty()).ok()?;
    let value = |name: &&str| {
        let bytes = request.value(name).unwrap_or_default();
        let len = request.len_of(name).unwrap_or_default().min(bytes.len());
        bytes[..len].to_vec()
    };
    Some(texts.iter().chain(&numbers).chain(&["ip4.addr", "ip6.addr"]).map(value).collect())
}
