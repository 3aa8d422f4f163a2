//! The model's constants are those of FreeBSD's headers, from which the crate's bindings are generated.

use freebsd_jail::sys;
use freebsd_jail_sim::seam;

#[test]
fn the_constants_are_those_of_the_headers() {
    for (ours, theirs) in [
        (seam::JAIL_CREATE, sys::JAIL_CREATE),
        (seam::JAIL_UPDATE, sys::JAIL_UPDATE),
        (seam::JAIL_ATTACH, sys::JAIL_ATTACH),
        (seam::JAIL_DYING, sys::JAIL_DYING),
        (seam::JAIL_USE_DESC, sys::JAIL_USE_DESC),
        (seam::JAIL_AT_DESC, sys::JAIL_AT_DESC),
        (seam::JAIL_GET_DESC, sys::JAIL_GET_DESC),
        (seam::JAIL_OWN_DESC, sys::JAIL_OWN_DESC),
        (seam::JAIL_SYS_DISABLE, sys::JAIL_SYS_DISABLE),
        (seam::JAIL_SYS_NEW, sys::JAIL_SYS_NEW),
        (seam::JAIL_SYS_INHERIT, sys::JAIL_SYS_INHERIT),
    ] {
        assert_eq!(ours, theirs);
    }
    for (ours, theirs) in [
        (seam::NOTE_JAIL_CHILD, sys::NOTE_JAIL_CHILD),
        (seam::NOTE_JAIL_SET, sys::NOTE_JAIL_SET),
        (seam::NOTE_JAIL_ATTACH, sys::NOTE_JAIL_ATTACH),
        (seam::NOTE_JAIL_REMOVE, sys::NOTE_JAIL_REMOVE),
        (seam::NOTE_JAIL_MULTI, sys::NOTE_JAIL_MULTI),
    ] {
        assert_eq!(ours, theirs);
    }
    assert_eq!([seam::EVFILT_JAIL, seam::EVFILT_JAILDESC], [sys::EVFILT_JAIL, sys::EVFILT_JAILDESC]);
}

#[cfg(target_os = "freebsd")]
#[test]
fn the_constants_that_libc_has_are_the_same() {
    assert_eq!([seam::EV_ADD, seam::EV_DELETE], [libc::EV_ADD, libc::EV_DELETE]);
    assert_eq!(seam::EVFILT_TIMER, libc::EVFILT_TIMER);
    assert_eq!([seam::ECAPMODE, seam::ENOTCAPABLE], [libc::ECAPMODE, libc::ENOTCAPABLE]);
}
