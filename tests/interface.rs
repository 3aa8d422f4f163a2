//! Network interfaces of jails that have a network stack of their own.

#![allow(clippy::expect_used, clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod common;

use std::process::Command;
use std::time::Duration;

use common::{Host, jail, model, name, on_every_kernel, releases};
use freebsd_jail::{Error, ErrorKind, Jail, Network, OwnedJail, error::Call, sim};

/// Longer than anything takes, on an emulated machine too.
const LONG: Duration = Duration::from_secs(60);

const IFCONFIG: &str = "/sbin/ifconfig";

fn with_stack() -> OwnedJail {
    Jail::builder()
        .name(name("vnet"))
        .path("/")
        .network(Network::own_stack())
        .children_max(1)
        .create()
        .expect("created")
}

/// An interface of this test's own, removed when it is dropped.
struct Interface<'h> {
    host: &'h Host,
    name: String,
}

impl<'h> Interface<'h> {
    /// Makes one, if the kernel has interfaces that can be made.
    fn new(host: &'h Host) -> Option<Self> {
        if let Some(model) = host.model() {
            model.add_interface("lo7");
            return Some(Self { host, name: "lo7".to_owned() });
        }
        Some(Self { host, name: ifconfig(&["lo", "create"])? })
    }

    fn is_here(&self) -> bool {
        match self.host.model() {
            Some(model) => model.process().interfaces().contains(&self.name),
            None => Command::new(IFCONFIG).arg(&self.name).output().expect("it ran").status.success(),
        }
    }
}

impl Drop for Interface<'_> {
    fn drop(&mut self) {
        if self.host.model().is_none() {
            // Some tests end without the interface.
            let _ = Command::new(IFCONFIG).args([&self.name, "destroy"]).output();
        }
    }
}

/// Runs ifconfig(8) and returns its output, `None` if it fails.
fn ifconfig(arguments: &[&str]) -> Option<String> {
    let output = Command::new(IFCONFIG).args(arguments).output().ok()?;
    if !output.status.success() {
        println!("skipped: ifconfig {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        return None;
    }
    Some(String::from_utf8(output.stdout).expect("text").trim().to_owned())
}

#[track_caller]
fn refused(error: &Error, kind: ErrorKind, errno: Option<i32>) {
    let call = errno.map(|_| Call::Ioctl);
    assert_eq!((error.kind(), error.errno(), error.call()), (kind, errno, call), "{error}");
}

#[test]
fn a_name_that_no_interface_can_have_is_refused() {
    on_every_kernel(|_| {
        let jail = jail("names");
        for name in ["", "sixteen-byte-nam", "nul\0"] {
            let error = jail.move_interface(name).expect_err("refused");
            refused(&error, ErrorKind::InvalidValue, None);
            assert_eq!(jail.reclaim_interface(name).expect_err("refused").kind(), ErrorKind::InvalidValue);
        }
    });
}

#[test]
fn the_longest_name_of_an_interface_is_sent() {
    on_every_kernel(|_| {
        let jail = with_stack();
        let error = jail.move_interface("fifteen-byte-na").expect_err("there is none");
        refused(&error, ErrorKind::NotFound, Some(libc::ENXIO));
    });
}

#[test]
fn each_errno_of_moving_an_interface_has_its_kind() {
    for release in releases() {
        let host = model(sim::Kernel::with_release(release));
        let kernel = host.model().expect("a model");
        let jail = with_stack();
        for (errno, kind) in [
            (libc::EINVAL, ErrorKind::Unsupported),
            (libc::ENOTTY, ErrorKind::Unsupported),
            (libc::EOPNOTSUPP, ErrorKind::Unsupported),
            (libc::EPERM, ErrorKind::PermissionDenied),
            (libc::EMFILE, ErrorKind::ResourceExhausted),
            (libc::ENFILE, ErrorKind::ResourceExhausted),
            (libc::EEXIST, ErrorKind::AlreadyExists),
            (libc::ENXIO, ErrorKind::NotFound),
            (libc::ENODEV, ErrorKind::NotFound),
            (libc::EIO, ErrorKind::Other),
        ] {
            // The first call reads whether the jail has a network stack.
            kernel.fault(1, sim::Fault::Errno(errno));
            let error = jail.move_interface("lo7").expect_err("the call fails");
            assert_eq!(kernel.faulted(), Some("ioctl"));
            refused(&error, kind, Some(errno));
            kernel.fault(1, sim::Fault::Errno(errno));
            refused(&jail.reclaim_interface("lo7").expect_err("the call fails"), kind, Some(errno));
        }
        kernel.fault(1, sim::Fault::Errno(libc::ENOSYS));
        let error = jail.move_interface("lo7").expect_err("there are no jails");
        refused(&error, ErrorKind::Unsupported, Some(libc::ENOSYS));
        assert!(!error.to_string().contains("VIMAGE"), "{error}");
        kernel.fault(0, sim::Fault::Text(libc::EINVAL, b"unknown parameter: vnet".to_vec()));
        let error = jail.move_interface("lo7").expect_err("no jail has a stack");
        assert_eq!((error.kind(), error.call()), (ErrorKind::Unsupported, Some(Call::JailGet)));
        assert!(error.to_string().contains("VIMAGE"), "{error}");
    }
}

#[test]
fn a_removed_jail_gets_no_interface() {
    on_every_kernel(|host| {
        let jail = with_stack();
        let handles = [Jail::open(jail.jid()).expect("found"), Jail::unpinned(jail.jid())];
        // Dying, it would take one (T51).
        let inmate = host.inmate(&jail);
        jail.remove().expect("removed");
        for handle in handles {
            assert_eq!(handle.move_interface("lo7").expect_err("gone").kind(), ErrorKind::Gone);
            assert_eq!(handle.reclaim_interface("lo7").expect_err("gone").kind(), ErrorKind::Gone);
        }
        inmate.bury();
    });
}

#[test]
fn a_jail_that_is_removed_while_it_gets_an_interface_is_gone() {
    let host = model(sim::Kernel::new());
    let kernel = host.model().expect("a model");
    let jail = with_stack();
    let handle = jail.try_clone().expect("cloned");
    // Without the right to fstat(2), the jail is read once more to see whether it is alive.
    kernel.process().limit_rights(handle.descriptor().expect("a descriptor")).expect("limited");
    let (same, jid) = (kernel.clone(), jail.jid().get());
    kernel.meanwhile(sim::Moment::Lookup, move || {
        let remover = same.clone();
        same.meanwhile(sim::Moment::Lookup, move || remover.raw().jail_remove(jid).expect("removed"));
    });
    kernel.fault(1, sim::Fault::Errno(libc::ENXIO));
    refused(&handle.move_interface("lo7").expect_err("gone"), ErrorKind::Gone, Some(libc::ENXIO));
}

#[test]
fn an_interface_goes_into_a_jail_and_comes_back() {
    on_every_kernel(|host| {
        let Some(interface) = Interface::new(host) else { return };
        let name = interface.name.as_str();
        let jail = with_stack();
        assert!(interface.is_here());
        jail.move_interface(name).expect("moved");
        assert!(!interface.is_here());
        let error = jail.move_interface(name).expect_err("not here");
        refused(&error, ErrorKind::NotFound, Some(libc::ENXIO));
        assert!(error.to_string().contains(&format!("no interface {name} here")), "{error}");
        jail.reclaim_interface(name).expect("moved back");
        assert!(interface.is_here());
        let error = jail.move_interface("lo0").expect_err("each stack has one");
        refused(&error, ErrorKind::AlreadyExists, Some(libc::EEXIST));
        let error = jail.reclaim_interface("nosuch0").expect_err("not there");
        refused(&error, ErrorKind::NotFound, Some(libc::ENXIO));

        jail.move_interface(name).expect("moved");
        assert!(jail.remove_and_wait(Some(LONG)).expect("removed").is_done());
        assert!(interface.is_here(), "it comes back when the jail is gone");
    });
}

#[test]
fn t51_a_jail_without_a_stack_of_its_own_gets_no_interface() {
    on_every_kernel(|host| {
        let Some(interface) = Interface::new(host) else { return };
        let outer = with_stack();
        // The kernel would move it into the outer jail's stack, and report success.
        let inner = outer.child_builder().name("inner").path("/").create().expect("created");
        let beside = jail("beside");
        let before = host.model().map(|model| model.calls().ioctl);
        for jail in [&*inner, &*beside] {
            let error = jail.move_interface(&interface.name).expect_err("no stack of its own");
            refused(&error, ErrorKind::InvalidRequest, None);
            assert!(error.to_string().contains("create it with vnet"), "{error}");
            let error = jail.reclaim_interface(&interface.name).expect_err("no stack of its own");
            refused(&error, ErrorKind::InvalidRequest, None);
        }
        assert_eq!(host.model().map(|model| model.calls().ioctl), before, "found out before the call");
        assert!(interface.is_here());
    });
}

#[test]
fn t51_no_two_interfaces_of_a_stack_get_one_name() {
    on_every_kernel(|host| {
        let Some(interface) = Interface::new(host) else { return };
        let jail = with_stack();
        jail.move_interface(&interface.name).expect("moved");
        // Another one takes its name meanwhile.
        let second = if let Some(model) = host.model() {
            model.add_interface(interface.name.clone());
            None
        } else {
            let Some(second) = Interface::new(host) else { return };
            if second.name != interface.name && ifconfig(&[&second.name, "name", &interface.name]).is_none() {
                return;
            }
            Some(Interface { host, name: interface.name.clone() })
        };
        let error = jail.reclaim_interface(&interface.name).expect_err("the name is taken");
        refused(&error, ErrorKind::AlreadyExists, None);
        if let Some(model) = host.model() {
            let here = model.process().interfaces();
            assert_eq!(here.iter().filter(|name| **name == interface.name).count(), 1, "{here:?}");
        }
        drop(second);
        assert!(jail.remove_and_wait(Some(LONG)).expect("removed").is_done());
    });
}

#[test]
fn t51_an_interface_made_inside_goes_with_the_jail() {
    on_every_kernel(|host| {
        let jail = with_stack();
        let name = if let Some(model) = host.model() {
            let inmate = model.process().fork();
            inmate.run(|| jail.attach()).expect("attached");
            inmate.run(|| model.add_interface("lo9"));
            inmate.kill();
            "lo9".to_owned()
        } else {
            let jid = jail.jid().to_string();
            let made = Command::new("/usr/sbin/jexec").args([&jid, IFCONFIG, "lo", "create"]).output();
            let made = made.expect("jexec");
            if !made.status.success() {
                println!("skipped: {}", String::from_utf8_lossy(&made.stderr));
                return;
            }
            String::from_utf8(made.stdout).expect("text").trim().to_owned()
        };
        let interface = Interface { host, name };
        if interface.is_here() {
            println!("skipped: there is one of that name here");
            core::mem::forget(interface);
            return;
        }
        jail.reclaim_interface(&interface.name).expect("moved");
        assert!(interface.is_here());
        assert!(jail.remove_and_wait(Some(LONG)).expect("removed").is_done());
        assert!(!interface.is_here(), "it was the jail's");
    });
}
