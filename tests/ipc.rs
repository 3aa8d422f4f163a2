//! System V objects of a living jail are not removed while processes use them (T41).

#![allow(clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

mod common;

use common::{Host, model, name, on_every_kernel, releases};
use freebsd_jail::param::Param;
use freebsd_jail::raw::{self, At};
use freebsd_jail::{
    Allow, ErrorKind, Jail, JailBuilder, JailUpdate, Result,
    error::Call,
    param::{self, Mode},
    raw::{Request, SetFlags},
    sim,
};

const MODULES: [Param<'static, Mode>; 3] = [param::SYSVMSG, param::SYSVSEM, param::SYSVSHM];
const MODES: (Param<'static, Mode>, Param<'static, Mode>, Param<'static, Mode>) =
    (param::SYSVMSG, param::SYSVSEM, param::SYSVSHM);

fn builder() -> JailBuilder {
    Jail::builder().name(name("ipc")).path("/")
}

fn with(mode: Mode) -> JailBuilder {
    builder().sysvmsg(mode).sysvsem(mode).sysvshm(mode)
}

/// Whether the kernel has all three modules. Prints a notice if not, since a test is then skipped.
fn has_modules() -> bool {
    let has = builder().create().expect("created").get(MODES).is_ok();
    if !has {
        println!("skipped: this kernel has no System V IPC");
    }
    has
}

#[track_caller]
fn refused(parameter: &str, result: Result<()>) {
    let error = result.expect_err("it must not be taken away");
    assert_eq!((error.kind(), error.parameter()), (ErrorKind::InvalidRequest, Some(parameter)), "{error}");
    assert_eq!(error.call(), None, "{error}");
    assert!(error.to_string().contains("T41"), "{error}");
}

#[track_caller]
fn unharmed(host: &Host) {
    if let Some(model) = host.model() {
        assert_eq!(model.sprung(), []);
    }
}

#[test]
fn t41_an_update_that_removes_a_namespace_is_refused() {
    on_every_kernel(|host| {
        if !has_modules() {
            return;
        }
        let jail = with(Mode::New).create().expect("created");
        for key in MODULES {
            for mode in [Mode::Inherit, Mode::Disable] {
                refused(key.name(), jail.update(&JailUpdate::new().securelevel(1).set(key, mode)));
                refused(key.name(), Jail::unpinned(jail.jid()).update(&JailUpdate::new().set(key, mode)));
            }
        }
        refused("allow.sysvipc", jail.update(&JailUpdate::new().securelevel(1).allow(Allow::SYSVIPC)));
        refused("allow.sysvipc", jail.update(&JailUpdate::new().securelevel(1).deny(Allow::SYSVIPC)));
        // What is set beside it counts.
        refused("allow.sysvipc", jail.update(&JailUpdate::new().deny(Allow::SYSVIPC).sysvmsg(Mode::New)));
        let keeping = JailUpdate::new().sysvmsg(Mode::New).sysvsem(Mode::New).sysvshm(Mode::New);
        jail.update(&keeping.allow(Allow::SYSVIPC)).expect("nothing is taken away");
        assert_eq!(jail.get(MODES).expect("read"), (Mode::New, Mode::New, Mode::New));
        assert_eq!(jail.get((param::SECURELEVEL, param::allow::SYSVIPC)).expect("read"), (-1, true));
        unharmed(host);
    });
}

#[test]
fn t41_a_namespace_can_be_given_and_shared_ones_can_change() {
    on_every_kernel(|host| {
        if !has_modules() {
            return;
        }
        let jail = builder().create().expect("created");
        assert_eq!(jail.get(MODES).expect("read"), (Mode::Disable, Mode::Disable, Mode::Disable));
        jail.update(&JailUpdate::new().allow(Allow::SYSVIPC)).expect("nothing to lose");
        assert_eq!(jail.get(MODES).expect("read"), (Mode::Inherit, Mode::Inherit, Mode::Inherit));
        jail.update(&JailUpdate::new().deny(Allow::SYSVIPC)).expect("nothing of its own to lose");
        assert_eq!(jail.get(MODES).expect("read"), (Mode::Disable, Mode::Disable, Mode::Disable));
        jail.update(&JailUpdate::new().sysvshm(Mode::New).sysvsem(Mode::Inherit)).expect("nothing to lose");
        jail.update(&JailUpdate::new().sysvshm(Mode::New).sysvsem(Mode::New)).expect("nothing to lose");
        assert_eq!(jail.get(MODES).expect("read"), (Mode::Disable, Mode::New, Mode::New));
        unharmed(host);
    });
}

#[test]
fn t41_namespaces_of_jails_below_do_not_go_with_the_parent_s() {
    on_every_kernel(|host| {
        if !has_modules() {
            return;
        }
        let outer = with(Mode::Inherit).children_max(3).create().expect("created");
        let inner =
            outer.child_builder().path("/").children_max(1).sysvshm(Mode::Inherit).create().expect("created");
        let innermost = inner.child_builder().path("/").sysvshm(Mode::New).create().expect("created");
        outer.update(&JailUpdate::new().sysvmsg(Mode::Inherit)).expect("nothing is disabled");
        refused("sysvshm", outer.update(&JailUpdate::new().sysvshm(Mode::Disable)));
        let mut request = Request::new();
        request.int("jid", outer.jid().get()).and_then(|request| request.int("sysvshm", 0)).expect("added");
        refused("sysvshm", raw::jail_set(&mut request, At::None, SetFlags::UPDATE).map(drop));
        refused(
            "allow.sysvipc",
            outer.update(&JailUpdate::new().deny(Allow::SYSVIPC).sysvmsg(Mode::Inherit)),
        );
        // One that shares the parent's follows it.
        innermost.remove().expect("removed");
        outer.update(&JailUpdate::new().sysvshm(Mode::Disable)).expect("nothing of their own to lose");
        assert_eq!(inner.get(param::SYSVSHM).expect("read"), Mode::Disable);
        unharmed(host);
    });
}

#[test]
fn t41_raw_removes_no_namespace() {
    on_every_kernel(|host| {
        if !has_modules() {
            return;
        }
        let own = name("ipcraw");
        let jail = with(Mode::New).name(&own).create().expect("created");
        let ask = |key: &str, parameter: &str, value: Option<i32>| {
            let mut request = Request::new();
            match key {
                "jid" => request.int("jid", jail.jid().get()).expect("a jid"),
                "name" => request.string("name", &own).expect("a name"),
                _ => &mut request,
            };
            match value {
                Some(value) => request.int(parameter, value),
                None => request.flag(parameter),
            }
            .expect("added");
            let at = jail.descriptor().filter(|_| key.is_empty()).map_or(At::None, At::Use);
            raw::jail_set(&mut request, at, SetFlags::UPDATE).map(drop)
        };
        let keys = if jail.descriptor().is_some() { &["jid", "name", ""][..] } else { &["jid", "name"] };
        for key in keys {
            refused("sysvshm", ask(key, "sysvshm", Some(2)));
            refused("sysvsem", ask(key, "sysvsem", Some(0)));
            refused("allow.sysvipc", ask(key, "allow.sysvipc", None));
            refused("allow.sysvipc", ask(key, "allow.nosysvipc", None));
            ask(key, "sysvmsg", Some(1)).expect("as it is");
            ask(key, "securelevel", Some(1)).expect("something else");
        }
        assert_eq!(jail.get(MODES).expect("read"), (Mode::New, Mode::New, Mode::New));
        // A jail that does not exist yet can be created with any modes.
        let mut request = Request::new();
        request.string("name", name("ipcraw")).and_then(|request| request.int("sysvshm", 0)).expect("added");
        let error = raw::jail_set(&mut request, At::None, SetFlags::UPDATE).expect_err("there is none");
        assert_eq!(error.kind(), ErrorKind::NotFound, "{error}");
        // A name that is too long for any jail is left to the kernel.
        let mut request = Request::new();
        request.bytes("name", &[b'n'; 256]).and_then(|request| request.int("sysvshm", 0)).expect("added");
        let error = raw::jail_set(&mut request, At::None, SetFlags::UPDATE).expect_err("too long");
        assert_eq!((error.kind(), error.call()), (ErrorKind::InvalidValue, Some(Call::JailSet)), "{error}");
        unharmed(host);
    });
}

#[test]
fn t41_a_kernel_may_lack_a_module_and_modes_that_cannot_be_read_are_not_ignored() {
    let host = model(sim::Kernel::new());
    let kernel = host.model().expect("a model");
    let lacks = || kernel.fault(0, sim::Fault::Text(libc::EINVAL, b"unknown parameter: sysvmsg".to_vec()));
    let (none, own) = (builder().create().expect("created"), with(Mode::New).create().expect("created"));
    let before = kernel.calls().jail_set;
    lacks();
    none.update(&JailUpdate::new().deny(Allow::SYSVIPC)).expect("as it was");
    assert_eq!(kernel.calls().jail_set, before);
    lacks();
    refused("sysvshm", own.update(&JailUpdate::new().sysvshm(Mode::Inherit)));
    kernel.fault(0, sim::Fault::Filled(0xff));
    let error = own.update(&JailUpdate::new().sysvshm(Mode::Inherit)).expect_err("no modes");
    assert_eq!((error.kind(), kernel.faulted()), (ErrorKind::InvalidAnswer, Some("jail_get")), "{error}");
    unharmed(&host);
}

#[test]
fn t41_a_permission_that_is_as_it_was_is_not_sent() {
    for release in releases() {
        let host = model(sim::Kernel::with_release(release));
        let (none, all) =
            (builder().create().expect("created"), with(Mode::Inherit).create().expect("created"));
        all.update(&JailUpdate::new().allow(Allow::SYSVIPC)).expect("updated");
        let sets = || host.calls().expect("the model").jail_set;
        let before = sets();
        none.update(&JailUpdate::new().deny(Allow::SYSVIPC)).expect("as it was");
        all.update(&JailUpdate::new().allow(Allow::SYSVIPC)).expect("as it was");
        assert_eq!(sets(), before, "{release:?}");
        // What stands beside it is.
        none.update(&JailUpdate::new().deny(Allow::SYSVIPC | Allow::SET_HOSTNAME)).expect("updated");
        assert_eq!(sets(), before + 1);
        assert!(!none.get(param::allow::SET_HOSTNAME).expect("read"));
        // The permission may differ from what the modules have.
        none.update(&JailUpdate::new().sysvmsg(Mode::Inherit).sysvsem(Mode::Inherit).sysvshm(Mode::Inherit))
            .expect("updated");
        none.update(&JailUpdate::new().allow(Allow::SYSVIPC)).expect("updated");
        assert!(none.get(param::allow::SYSVIPC).expect("read"));
        // Reading the modes takes one call, which other updates do not take.
        let calls = || host.calls().expect("the model").jail_get;
        let carry = u64::from(none.get(param::MAC_DO).is_ok());
        let before = calls();
        none.update(&JailUpdate::new().sysvmsg(Mode::New)).expect("updated");
        assert_eq!(calls() - before, 1 + carry, "{release:?}");
        let before = calls();
        none.update(&JailUpdate::new().securelevel(1)).expect("updated");
        assert_eq!(calls() - before, carry, "{release:?}");
    }
}
