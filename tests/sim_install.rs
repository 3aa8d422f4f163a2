//! Installing a model: on a thread, in a whole process, but not in a forked one.

#![cfg(feature = "sim")]
#![allow(clippy::expect_used, clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod common;

use std::thread;

use common::fork::in_child;
use common::process::alone;
use freebsd_jail::{ErrorKind, Jail, is_jailed, param, sim};

fn names() -> Vec<String> {
    Jail::all().get(param::NAME.utf8()).map(|name| name.expect("a name")).collect()
}

#[test]
fn one_installation_serves_every_thread_until_its_guard_goes() {
    alone("one_installation_serves_every_thread_until_its_guard_goes", || {
        let kernel = sim::Kernel::new();
        // Started before the installation.
        let (ask, asked) = std::sync::mpsc::channel::<()>();
        let early = thread::spawn(move || {
            asked.recv().expect("asked");
            names()
        });
        let guard = kernel.install_for_process();
        let jail = thread::spawn(|| Jail::builder().name("www").path("/").create_detached());
        let jail = jail.join().expect("ended").expect("created");
        ask.send(()).expect("it waits");
        assert_eq!(early.join().expect("ended"), ["www"]);
        assert_eq!(jail.get(param::NAME.utf8()).expect("read"), "www");
        let own = thread::spawn(|| {
            let _guard = sim::Kernel::new().install();
            names()
        });
        assert!(own.join().expect("ended").is_empty(), "a thread's own kernel comes first");
        let above = sim::Kernel::new();
        let second = above.install_for_process();
        assert!(names().is_empty(), "the last one installed gets the calls");
        thread::spawn(|| drop(second)).join().expect("ended");
        assert_eq!(names(), ["www"]);
        drop(guard);
        if cfg!(target_os = "freebsd") {
            println!("skipped: what is asked now goes to the host's kernel");
            return;
        }
        let error = thread::spawn(is_jailed).join().expect("ended").expect_err("there is no kernel");
        assert_eq!(error.kind(), ErrorKind::Unsupported);
        assert_eq!(jail.get(param::NAME.utf8()).expect("a handle keeps its kernel"), "www");
    });
}

#[test]
fn a_forked_child_gets_an_error_that_the_model_stayed_with_its_parent() {
    alone("a_forked_child_gets_an_error_that_the_model_stayed_with_its_parent", || {
        let kernel = sim::Kernel::new();
        let _guard = kernel.install();
        let jail = Jail::builder().name("www").path("/").create_detached().expect("created");
        in_child(|| {
            for error in [
                jail.get(param::NAME).map(drop).expect_err("a handle"),
                Jail::open("www").map(drop).expect_err("a name"),
                Jail::builder().path("/").create().map(drop).expect_err("a new jail"),
                is_jailed().map(drop).expect_err("a sysctl"),
            ] {
                assert_eq!(error.kind(), ErrorKind::Unsupported, "{error}");
                assert!(error.to_string().contains("forked"), "{error}");
            }
        });
        assert_eq!(jail.get(param::NAME.utf8()).expect("read"), "www");
        kernel.allow_copies(true);
        in_child(|| {
            assert_eq!(jail.get(param::NAME.utf8()).expect("read"), "www");
            jail.remove().expect("removed from the copy");
        });
        assert_eq!(jail.get(param::NAME.utf8()).expect("read"), "www");
    });
}
