//! The contents of errors: kind, parameter and kernel message.

#![allow(clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

mod common;

use std::os::fd::{AsFd, AsRawFd};

use common::{name, on_every_kernel};
use freebsd_jail::param::{EnforceStatfs, MacDo, Mode};
use freebsd_jail::raw::{self, At};
use freebsd_jail::{
    Allow, Error, ErrorKind, Jail, JailUpdate, Watcher,
    error::Call,
    param,
    raw::{Request, SetFlags},
    sim,
};

#[test]
fn an_error_of_a_caller_s_own_has_its_reason() {
    for error in [
        Error::new(ErrorKind::InvalidRequest, "no such flavour"),
        Error::new(ErrorKind::InvalidRequest, String::from("no such flavour")),
    ] {
        assert_eq!(
            (error.kind(), error.to_string().as_str()),
            (ErrorKind::InvalidRequest, "no such flavour")
        );
    }
}

#[test]
fn t35_a_jail_that_is_named_like_a_text_of_the_kernels_is_only_not_found() {
    on_every_kernel(|_| {
        for name in
            ["dead jail", "descriptor to dead jail", "attach failed", "no jail specified", "a jail is dying"]
        {
            let error = Jail::open(name).expect_err("there is none");
            assert_eq!((error.kind(), error.call()), (ErrorKind::NotFound, Some(Call::JailGet)), "{error}");
            assert_eq!(error.message(), Some(&*format!("jail \"{name}\" not found")));
        }
    });
}

#[test]
fn t35_rules_that_cannot_be_parsed_are_named() {
    on_every_kernel(|_| {
        let jail = Jail::builder().path("/").create().expect("created");
        if jail.get(param::MAC_DO).is_err() {
            println!("skipped: this kernel has no mac_do");
            return;
        }
        let error = jail.update(&JailUpdate::new().mac_do(MacDo::rules("nonsense"))).expect_err("no rules");
        assert_eq!(
            (error.kind(), error.parameter()),
            (ErrorKind::InvalidValue, Some("mac.do.rules")),
            "{error}"
        );
        let text = error.message().expect("the kernel says where");
        assert!(text.starts_with("MAC/do: Parse error") && !text.ends_with('\n'), "{text:?}");
    });
}

#[test]
fn t35_a_text_that_is_too_long_is_not_reported_as_a_path() {
    on_every_kernel(|_| {
        let mut request = Request::new();
        // As long as the kernel's own limit, which is a byte more than it accepts.
        let osrelease = "r".repeat(31);
        request.string("path", "/").and_then(|request| request.flag("persist")).expect("added");
        request.string("osrelease", &osrelease).expect("added");
        let error = raw::jail_set(&mut request, At::None, SetFlags::CREATE).expect_err("too long");
        assert_eq!(
            (error.kind(), error.parameter()),
            (ErrorKind::InvalidValue, Some("osrelease")),
            "{error}"
        );
        assert_eq!(error.errno(), Some(libc::ENAMETOOLONG));
    });
}

#[test]
fn what_the_parent_lacks_is_named() {
    on_every_kernel(|_| {
        let outer = Jail::builder()
            .name(name("lacks"))
            .path("/")
            .children_max(3)
            .securelevel(2)
            .enforce_statfs(EnforceStatfs::RootOnly)
            .create()
            .expect("created");
        let inner = outer.child_builder().path("/").create().expect("created");
        let denied = |result: freebsd_jail::Result<()>, parameter: Option<&str>| {
            let error = result.expect_err("the parent lacks it");
            assert_eq!(
                (error.kind(), error.parameter()),
                (ErrorKind::PermissionDenied, parameter),
                "{error}"
            );
        };
        denied(inner.update(&JailUpdate::new().securelevel(1)), Some("securelevel"));
        denied(
            inner.update(&JailUpdate::new().hostname("h").enforce_statfs(EnforceStatfs::BelowRoot)),
            Some("enforce_statfs"),
        );
        denied(inner.update(&JailUpdate::new().allow(Allow::MLOCK).deny(Allow::SUSER)), Some("allow.mlock"));
        denied(
            inner.update(&JailUpdate::new().securelevel(1).enforce_statfs(EnforceStatfs::BelowRoot)),
            None,
        );
        denied(outer.child_builder().path("/").securelevel(1).create().map(drop), Some("securelevel"));
    });
}

/// A file system on a directory, unmounted and removed when dropped; `None` where there is none to be had.
#[cfg(target_os = "freebsd")]
struct Mounted(std::path::PathBuf);

#[cfg(target_os = "freebsd")]
impl Mounted {
    fn new() -> Option<Self> {
        let path = std::env::temp_dir().join(name("mounted"));
        std::fs::create_dir(&path).expect("made");
        let mounted = Self(path);
        let mount =
            std::process::Command::new("/sbin/mount").args(["-t", "tmpfs", "tmpfs"]).arg(&mounted.0).status();
        match mount {
            Ok(status) if status.success() => Some(mounted),
            why => {
                println!("skipped: no tmpfs can be mounted: {why:?}");
                None
            }
        }
    }

    fn unmount(&self) {
        let _ = std::process::Command::new("/sbin/umount").arg("-f").arg(&self.0).status();
    }
}

#[cfg(target_os = "freebsd")]
impl Drop for Mounted {
    fn drop(&mut self) {
        self.unmount();
        let _ = std::fs::remove_dir(&self.0);
    }
}

#[cfg(target_os = "freebsd")]
#[test]
fn t60_a_jail_whose_root_was_unmounted_is_not_reported_as_removed() {
    common::process::alone("t60_a_jail_whose_root_was_unmounted_is_not_reported_as_removed", || {
        if !common::is_root() {
            return;
        }
        let Some(root) = Mounted::new() else { return };
        let jail = Jail::builder().name(name("t60")).path(&root.0).create_detached().expect("created");
        root.unmount();
        let error = jail.attach().expect_err("it has no root");
        let by_jid = raw::jail_attach(jail.jid()).expect_err("it has no root");
        jail.remove().expect("removed");
        for error in [error, by_jid] {
            assert_eq!(
                (error.kind(), error.errno()),
                (ErrorKind::InvalidPath, Some(libc::ENOTDIR)),
                "{error}"
            );
        }
    });
}

/// Whether this process, which is to be ended afterwards, could be put into capability mode.
#[cfg(target_os = "freebsd")]
fn enter_capability_mode() -> bool {
    // SAFETY: takes nothing and touches no memory.
    let attached = unsafe { libc::cap_enter() } == 0;
    if !attached {
        println!("skipped: no capability mode: {}", std::io::Error::last_os_error());
    }
    attached
}

#[cfg(target_os = "freebsd")]
#[test]
fn t55_in_capability_mode_a_jail_is_not_reported_as_removed() {
    common::process::alone("t55_in_capability_mode_a_jail_is_not_reported_as_removed", || {
        if !common::is_root() {
            return;
        }
        let jail = Jail::builder().name(name("t55")).path("/").create().expect("created");
        if !enter_capability_mode() {
            return;
        }
        for error in [
            jail.get(param::SECURELEVEL).map(drop).expect_err("not allowed"),
            jail.update(&JailUpdate::new().securelevel(1)).expect_err("not allowed"),
            Jail::open(jail.jid()).map(drop).expect_err("not allowed"),
        ] {
            assert_eq!(
                (error.kind(), error.errno()),
                (ErrorKind::NotCapable, Some(libc::ECAPMODE)),
                "{error}"
            );
        }
        if jail.descriptor().is_some() {
            assert!(jail.is_alive().expect("fstat(2) is allowed"));
        }
    });
    if !common::process::is_child("t55_in_capability_mode_a_jail_is_not_reported_as_removed") {
        common::sweep("t55");
    }
}

#[test]
fn a_process_that_may_not_attach_is_told_why() {
    common::process::alone("a_process_that_may_not_attach_is_told_why", || {
        if cfg!(target_os = "freebsd") {
            println!("skipped: only on a model may another user start a test");
            return;
        }
        let host = common::model(sim::Kernel::with_release(sim::Release::FREEBSD_14_2));
        let jail = Jail::builder().path("/").create_detached().expect("created");
        let user = host.model().expect("the model").process().fork();
        user.setuid(1001).expect("another user");
        let refusal = || {
            let error = user.run(|| jail.attach()).expect_err("refused");
            assert_eq!(error.kind(), ErrorKind::PermissionDenied, "{error}");
            error.to_string()
        };
        if common::is_root() {
            assert!(refusal().contains("to attach to no jail"), "{}", refusal());
            nix::unistd::setuid(nix::unistd::Uid::from_raw(1234)).expect("changed");
        }
        assert!(refusal().contains("needs root"), "{}", refusal());
    });
}

#[test]
fn an_error_shows_the_value_and_the_jail() {
    on_every_kernel(|_| {
        let error = Jail::builder().path("/nonexistent/dir").create().expect_err("no such directory");
        assert_eq!(
            (error.kind(), error.value()),
            (ErrorKind::InvalidPath, Some("\"/nonexistent/dir\"")),
            "{error}"
        );
        assert!(error.to_string().contains("\"path\" = \"/nonexistent/dir\""), "{error}");
        let error = Jail::builder().path("/").osreldate(0).create().expect_err("not a date");
        assert_eq!((error.parameter(), error.value()), (Some("osreldate"), Some("0")), "{error}");
        let name = name("shown");
        let error = Jail::open(&name).expect_err("there is none");
        assert_eq!(error.jail(), Some(&*name), "{error}");
        assert_eq!(error.to_string().matches(&name).count(), 1, "{error}");
        for (named, jail) in [(&*name, Some(&*name)), ("", None), ("a\nb", None)] {
            let error = Jail::builder().name(named).path("/nonexistent").create().expect_err("no directory");
            assert_eq!(error.jail(), jail, "{error}");
        }
        let jail = Jail::builder().path("/").create_detached().expect("created");
        jail.remove().expect("removed");
        for error in [jail.get(()).expect_err("gone"), jail.remove().expect_err("gone")] {
            assert_eq!(error.kind(), ErrorKind::Gone);
            assert_eq!(error.jail(), Some(&*jail.jid().to_string()), "{error}");
            assert!(error.to_string().contains(&format!("jail {}", jail.jid())), "{error}");
        }
    });
}

#[test]
fn a_mode_is_shown_by_its_name_and_a_key_of_meta_as_text() {
    on_every_kernel(|_| {
        let outer = Jail::builder().path("/").children_max(1).create().expect("created");
        let error =
            outer.child_builder().path("/").sysvmsg(Mode::Inherit).create().expect_err("not its parent's");
        assert_eq!((error.parameter(), error.value()), (Some("sysvmsg"), Some("Inherit")), "{error}");
        let key = param::Param::<i32>::new("no.such");
        let error = Jail::builder().path("/").set(key, 5).create().expect_err("unknown");
        assert_eq!((error.parameter(), error.value()), (Some("no.such"), None), "{error}");
        // Not every kernel has it.
        if let Err(error) = Jail::builder().path("/").meta("k", "v").create() {
            assert_eq!((error.parameter(), error.value()), (Some("meta.k"), None), "{error}");
        }
    });
    let kernel = sim::Kernel::new();
    let _guard = kernel.install();
    kernel.fault(0, sim::Fault::Errno(libc::EFBIG));
    let mut request = Request::new();
    request.string("path", "/").and_then(|request| request.string("meta.k", "v")).expect("added");
    let error = raw::jail_set(&mut request, At::None, SetFlags::CREATE).expect_err("a fault");
    assert_eq!((error.parameter(), error.value()), (Some("meta.k"), Some("\"v\"")), "{error}");
}

#[test]
fn an_address_in_use_is_shown() {
    on_every_kernel(|_| {
        let address = std::net::Ipv4Addr::new(127, 0, 3, 77);
        let builder = || Jail::builder().path("/").ip4([address, std::net::Ipv4Addr::LOCALHOST]);
        let _first = builder().create().expect("created");
        let error = builder().create().expect_err("both have several");
        assert_eq!(error.kind(), ErrorKind::AddressInUse, "{error}");
        assert_eq!(error.value(), Some("127.0.3.77,127.0.0.1"), "{error}");
    });
}

#[test]
fn a_chain_of_errors_prints_each_fact_once() {
    on_every_kernel(|_| {
        let errors = [
            Jail::open("nosuch").expect_err("there is none"),
            Jail::builder().path("/nonexistent").create().expect_err("no such directory"),
            raw::jail_remove(freebsd_jail::Jid::new(987_654_321).expect("above zero")).expect_err("none"),
        ];
        for error in errors {
            let source = std::error::Error::source(&error).expect("an errno").to_string();
            assert!(!error.to_string().contains(&source), "{error}");
            assert_eq!(format!("{error:#}"), format!("{error}: {source}"));
            assert_eq!(error.errno_or_default(), error.errno().expect("a call failed"));
            let shown = format!("{error:?}");
            assert!(
                shown.starts_with(&format!("Error {{ kind: {:?}, stage: None, ", error.kind())),
                "{shown}"
            );
        }
    });
}

#[test]
fn errors_have_the_nearest_kind_of_std() {
    on_every_kernel(|_| {
        let std = |error: Error| std::io::Error::from(error).kind();
        let outer = Jail::builder().path("/").create().expect("created");
        let full = outer.child_builder().path("/").create().expect_err("it may have none");
        assert_eq!((full.kind(), std(full)), (ErrorKind::LimitExceeded, std::io::ErrorKind::QuotaExceeded));
        for (path, kind) in [
            ("/nonexistent", std::io::ErrorKind::NotFound),
            ("/etc/passwd", std::io::ErrorKind::NotADirectory),
        ] {
            let error = Jail::builder().path(path).create().expect_err("no directory");
            assert_eq!((error.kind(), std(error)), (ErrorKind::InvalidPath, kind), "{path}");
        }
    });
}

#[test]
fn a_network_stack_of_its_own_conflicts_with_addresses() {
    on_every_kernel(|_| {
        let mut request = Request::new();
        request.string("path", "/").and_then(|request| request.flag("persist")).expect("added");
        request
            .int("vnet", 1)
            .and_then(|request| request.ip4("ip4.addr", &[[10, 7, 5, 1].into()]))
            .expect("added");
        let error = raw::jail_set(&mut request, At::None, SetFlags::CREATE).expect_err("both");
        if error.kind() == ErrorKind::UnknownParameter {
            println!("skipped: this kernel has no VIMAGE");
            return;
        }
        assert_eq!((error.kind(), error.parameter()), (ErrorKind::Conflict, Some("vnet")), "{error}");
    });
}

#[test]
fn a_read_whose_values_may_grow_keeps_the_kernels_message() {
    on_every_kernel(|_| {
        let jail = Jail::builder().path("/").create().expect("created");
        let number = Jail::unpinned(jail.jid());
        jail.remove().expect("removed");
        let error = number.get(param::IP4_ADDR).expect_err("it is gone");
        assert!(error.message().is_some_and(|message| message.ends_with("not found")), "{error}");
    });
}

#[test]
fn what_is_set_is_shown_by_debug() {
    let builder = Jail::builder()
        .name("www")
        .deny(Allow::SUSER)
        .addresses(["10.0.0.2".parse().expect("an address"), "fe80::1".parse().expect("an address")])
        .sysvshm(Mode::New)
        .meta("owner", "joe")
        .set_value("some.thing", 1);
    let shown = r#"JailBuilder { parameters: {"name": "www", "allow.suser": false, "ip4.addr": 10.0.0.2, "#;
    let shown =
        format!(r#"{shown}"ip6.addr": fe80::1, "sysvshm": New, "meta.owner": "joe", "some.thing": b"#);
    assert!(format!("{builder:?}").starts_with(&shown), "{builder:?}");
    let update = JailUpdate::new().securelevel(3).allow_only(Allow::MLOCK).remove_meta("owner");
    let update = update.optional(param::ENV, "a=1").hostname("no\0good");
    let shown = r#"JailUpdate { parameters: {"securelevel": 3, "allow.mlock": true, "meta.owner": removed, "#;
    let shown =
        format!(r#"{shown}"env": "a=1"}}, denies_other_permissions: true, optional: ["env"], mistakes: ["#);
    assert!(format!("{update:?}").starts_with(&shown), "{update:?}");
}

#[test]
fn handles_are_shown_by_debug_with_what_they_refer_to() {
    on_every_kernel(|host| {
        let jail = Jail::builder().path("/").create().expect("created");
        let jid = jail.jid();
        assert_eq!(format!("{jid:?}"), format!("Jid({jid})"));
        let shown = format!("{jail:?}");
        assert!(shown.starts_with(&format!("OwnedJail(Jail {{ jid: {jid}, descriptor: ")), "{shown}");
        let system = if host.model().is_some() { "system: model" } else { "system: kernel" };
        assert!(shown.contains(system), "{shown}");
        let mut command = jail.command("/bin/sh");
        // SAFETY: the closure does nothing.
        unsafe { command.pre_exec(|| Ok(())) };
        let shown = format!("{command:?}");
        assert!(shown.contains("1 closures"), "{shown}");
        assert!(shown.starts_with(&format!("JailCommand {{ jail: Jail {{ jid: {jid}, ")), "{shown}");
        assert!(shown.contains("/bin/sh"), "{shown}");
        let shown = format!("{:?}", Jail::all().get(param::JID));
        assert!(shown.starts_with("Values { walk: Walk { "), "{shown}");
        let Ok(watcher) = Watcher::new() else {
            println!("skipped: this kernel reports no events");
            return;
        };
        watcher.watch(&jail).expect("watched");
        jail.set(param::SECURELEVEL, 1).expect("updated");
        let event = watcher.try_next().expect("asked");
        assert!(
            format!("{event:?}").starts_with(&format!("Some(Event {{ jid: Some({jid}), flags: ")),
            "{event:?}"
        );
        let shown = format!("{watcher:?}");
        assert!(
            shown.starts_with(&format!("Watcher {{ queue: {}, ", watcher.as_fd().as_raw_fd())),
            "{shown}"
        );
    });
    assert_eq!(format!("{:?}", param::SECURELEVEL), r#"Param("securelevel")"#);
}

#[test]
fn errors_and_descriptions_cross_a_panic_boundary() {
    fn assert<T: std::panic::UnwindSafe + std::panic::RefUnwindSafe + Send + Sync + 'static>() {}
    assert::<Error>();
    assert_eq!(size_of::<Error>(), size_of::<usize>());
    assert::<freebsd_jail::JailBuilder>();
    assert::<JailUpdate>();
}
