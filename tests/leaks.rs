//! No descriptor is left open, and none is closed twice. Alone in its process, because it counts all open descriptors.

#![allow(clippy::expect_used, clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod common;

use common::{name, on_every_kernel, open_descriptors};
use freebsd_jail::{Jail, OwnedJail, param};

#[test]
fn a_thousand_rounds_leave_no_descriptor_open() {
    on_every_kernel(|_| {
        let _keep = Jail::builder().name(name("keep")).path("/").create().expect("created");
        let before = open_descriptors();
        for round in 0..1000 {
            let jail = Jail::builder().name(name("round")).path("/").create().expect("created");
            let open = Jail::open(jail.jid()).expect("found");
            let clone = jail.try_clone().expect("cloned");
            assert_eq!(open.get(param::JID).expect("read"), clone.get(param::JID).expect("read"));
            drop(open.into_owned().expect("taken"));
            match round % 3 {
                0 => assert!(jail.remove().is_err(), "it went with its other owner"),
                1 => drop(jail.into_descriptor()),
                _ => {}
            }
            let jail = Jail::builder().name(name("round")).path("/").create().expect("created");
            if let Some(descriptor) = jail.descriptor() {
                drop(Jail::try_from(descriptor).expect("a jail's"));
                let copy = descriptor.try_clone_to_owned().expect("copied");
                drop(OwnedJail::try_from(copy).expect("a jail's"));
            }
        }
        assert_eq!(open_descriptors(), before);
    });
}
