//! The kind of an error for each errno of a call that returns no message.

#![allow(clippy::expect_used, reason = "a test fails by panicking")]

use std::io;

use freebsd_jail::error::Call;
use freebsd_jail::raw::{self, LegacyJail};
use freebsd_jail::sim::{Fault, Kernel, Release};
use freebsd_jail::{Error, ErrorKind, Jail, Result, Watcher};

/// A jail that this process does not own, so that it may attach.
fn jail() -> Jail {
    Jail::builder().path("/").create_detached().expect("created")
}

/// The error of a call that fails with an errno.
fn failing<T>(kernel: &Kernel, errno: i32, call: impl FnOnce() -> Result<T>) -> Error {
    kernel.fault(0, Fault::Errno(errno));
    let error = call().map(drop).expect_err("a fault");
    assert!(!kernel.cancel_fault());
    error
}

#[test]
fn a_call_by_descriptor_that_the_kernel_lacks_is_distinguished_from_a_host_without_jails() {
    let kernel = Kernel::new();
    let _guard = kernel.install();
    let jail = jail();
    let descriptor = jail.descriptor().expect("a descriptor");
    for error in [
        failing(&kernel, libc::ENOSYS, || raw::jail_attach_jd(descriptor)),
        failing(&kernel, libc::ENOSYS, || raw::jail_remove_jd(descriptor)),
    ] {
        assert_eq!((error.kind(), error.errno()), (ErrorKind::Unsupported, None));
    }
    for error in [
        failing(&kernel, libc::ENOSYS, || raw::jail_attach(jail.jid())),
        failing(&kernel, libc::ENOSYS, || raw::jail_remove(jail.jid())),
    ] {
        assert_eq!((error.kind(), error.errno()), (ErrorKind::Unsupported, Some(libc::ENOSYS)));
    }
}

#[test]
fn each_errno_of_attaching_and_removing_has_its_kind() {
    let kernel = Kernel::new();
    let _guard = kernel.install();
    let jail = jail();
    let descriptor = jail.descriptor().expect("a descriptor");
    for (errno, attaching, removing) in [
        (libc::EPERM, ErrorKind::PermissionDenied, ErrorKind::PermissionDenied),
        (libc::EACCES, ErrorKind::PermissionDenied, ErrorKind::Other),
        (libc::ENOTDIR, ErrorKind::InvalidPath, ErrorKind::Other),
        (libc::EINVAL, ErrorKind::InvalidDescriptor, ErrorKind::InvalidDescriptor),
        (libc::ENOENT, ErrorKind::Gone, ErrorKind::Gone),
        (libc::EBADF, ErrorKind::InvalidDescriptor, ErrorKind::InvalidDescriptor),
        (libc::EAGAIN, ErrorKind::Dying, ErrorKind::Other),
        (libc::EDEADLK, ErrorKind::Other, ErrorKind::Other),
        (libc::EIO, ErrorKind::Other, ErrorKind::Other),
    ] {
        let attach = failing(&kernel, errno, || raw::jail_attach_jd(descriptor));
        let remove = failing(&kernel, errno, || raw::jail_remove_jd(descriptor));
        assert_eq!((attach.kind(), remove.kind()), (attaching, removing), "{attach} {remove}");
    }
    for error in [
        failing(&kernel, libc::EINVAL, || raw::jail_attach(jail.jid())),
        failing(&kernel, libc::EINVAL, || raw::jail_remove(jail.jid())),
    ] {
        assert_eq!(error.kind(), ErrorKind::NotFound);
    }
    let no_cpu = failing(&kernel, libc::EDEADLK, || raw::jail_attach(jail.jid())).to_string();
    assert!(no_cpu.contains("have no CPU in common"), "{no_cpu}");
}

#[test]
fn each_errno_of_the_old_call_has_its_kind() {
    let kernel = Kernel::new();
    let _guard = kernel.install();
    let jail = LegacyJail::new("/", "www");
    for (errno, kind, parameter) in [
        (libc::ENOSYS, ErrorKind::Unsupported, None),
        (libc::EPERM, ErrorKind::PermissionDenied, None),
        (libc::EINVAL, ErrorKind::InvalidValue, None),
        (libc::EEXIST, ErrorKind::AlreadyExists, Some("name")),
        (libc::ENOENT, ErrorKind::InvalidPath, Some("path")),
        (libc::ENOTDIR, ErrorKind::InvalidPath, Some("path")),
        (libc::ELOOP, ErrorKind::InvalidPath, Some("path")),
        (libc::EACCES, ErrorKind::InvalidPath, Some("path")),
        (libc::ENAMETOOLONG, ErrorKind::InvalidValue, None),
        (libc::EADDRINUSE, ErrorKind::AddressInUse, None),
        (libc::EAGAIN, ErrorKind::ResourceExhausted, None),
        (libc::ENOMEM, ErrorKind::ResourceExhausted, None),
        (libc::EIO, ErrorKind::Other, None),
    ] {
        let error = failing(&kernel, errno, || raw::jail(&jail));
        assert_eq!((error.kind(), error.errno(), error.parameter()), (kind, Some(errno), parameter));
    }
    // Either of two things may be missing.
    let nested = LegacyJail::new("/", "www").name("a.b");
    let error = failing(&kernel, libc::ENOENT, || raw::jail(&nested));
    assert_eq!((error.kind(), error.parameter()), (ErrorKind::NotFound, None));
}

#[test]
fn a_jail_that_cannot_be_seen_from_inside_another_is_not_reported_as_removed() {
    let kernel = Kernel::with_release(Release::FREEBSD_14_2);
    let _guard = kernel.install();
    let (one, other) = (jail(), jail());
    one.attach().expect("attached");
    let error = other.attach().expect_err("it is not below the first");
    assert_eq!((error.kind(), error.errno()), (ErrorKind::NotFound, Some(libc::EINVAL)));
    assert!(error.to_string().contains("has attached to a jail since"), "{error}");
    let error = failing(&kernel, libc::ENOMEM, || other.remove());
    assert_eq!(error.kind(), ErrorKind::Other);
}

#[test]
fn a_removed_jail_is_gone_for_a_process_that_has_attached_to_another() {
    let kernel = Kernel::new();
    let _guard = kernel.install();
    let (one, other) = (jail(), jail());
    let inmate = kernel.process().fork();
    inmate.run(|| one.attach()).expect("attached");
    raw::jail_remove(other.jid()).expect("removed");
    assert_eq!(inmate.run(|| other.remove()).expect_err("removed").kind(), ErrorKind::Gone);
    inmate.exit();
}

#[test]
fn a_call_is_named_as_in_its_manual_page() {
    for (call, name) in [
        (Call::Jail, "jail"),
        (Call::JailSet, "jail_set"),
        (Call::JailGet, "jail_get"),
        (Call::JailAttachJd, "jail_attach_jd"),
        (Call::JailRemove, "jail_remove"),
        (Call::JailRemoveJd, "jail_remove_jd"),
        (Call::CpusetGetaffinity, "cpuset_getaffinity"),
        (Call::Execve, "execve"),
    ] {
        assert_eq!(call.to_string(), name);
    }
}

#[test]
fn each_errno_of_a_queue_has_its_kind() {
    let kernel = Kernel::new();
    let _guard = kernel.install();
    let jail = jail();
    let watcher = Watcher::new().expect("a watcher");
    for (errno, kind) in [
        (libc::EMFILE, ErrorKind::ResourceExhausted),
        (libc::ENFILE, ErrorKind::ResourceExhausted),
        (libc::ENOMEM, ErrorKind::ResourceExhausted),
        (libc::EINVAL, ErrorKind::Unsupported),
        (libc::EBADF, ErrorKind::InvalidDescriptor),
        (libc::EIO, ErrorKind::Other),
    ] {
        for error in [failing(&kernel, errno, || watcher.watch(&jail)), failing(&kernel, errno, Watcher::new)]
        {
            assert_eq!((error.kind(), error.errno()), (kind, Some(errno)), "{error}");
        }
    }
}

#[test]
fn each_kind_has_its_errno_its_kind_of_std_and_its_own_text() {
    let mut texts = std::collections::BTreeSet::new();
    for (kind, io_kind, errno) in [
        (ErrorKind::Unsupported, io::ErrorKind::Unsupported, libc::ENOSYS),
        (ErrorKind::PermissionDenied, io::ErrorKind::PermissionDenied, libc::EPERM),
        (ErrorKind::NotFound, io::ErrorKind::NotFound, libc::ENOENT),
        (ErrorKind::Gone, io::ErrorKind::NotFound, libc::ENOENT),
        (ErrorKind::Dying, io::ErrorKind::NotFound, libc::ENOENT),
        (ErrorKind::AlreadyExists, io::ErrorKind::AlreadyExists, libc::EEXIST),
        (ErrorKind::UnknownParameter, io::ErrorKind::InvalidInput, libc::EINVAL),
        (ErrorKind::InvalidParameter, io::ErrorKind::InvalidInput, libc::EINVAL),
        (ErrorKind::InvalidValue, io::ErrorKind::InvalidInput, libc::EINVAL),
        (ErrorKind::Conflict, io::ErrorKind::InvalidInput, libc::EINVAL),
        (ErrorKind::InvalidRequest, io::ErrorKind::InvalidInput, libc::EINVAL),
        (ErrorKind::InvalidPath, io::ErrorKind::NotFound, libc::ENOENT),
        (ErrorKind::NotExecutable, io::ErrorKind::NotFound, libc::ENOEXEC),
        (ErrorKind::AddressInUse, io::ErrorKind::AddrInUse, libc::EADDRINUSE),
        (ErrorKind::LimitExceeded, io::ErrorKind::QuotaExceeded, libc::EPERM),
        (ErrorKind::InvalidDescriptor, io::ErrorKind::InvalidInput, libc::EBADF),
        (ErrorKind::OtherProcess, io::ErrorKind::InvalidInput, libc::EPERM),
        (ErrorKind::NotCapable, io::ErrorKind::PermissionDenied, 93),
        (ErrorKind::ResourceExhausted, io::ErrorKind::OutOfMemory, libc::ENOMEM),
        (ErrorKind::InvalidAnswer, io::ErrorKind::InvalidData, libc::EIO),
        (ErrorKind::Other, io::ErrorKind::Other, libc::EIO),
    ] {
        let error = Error::from(kind);
        assert_eq!((error.errno(), error.errno_or_default()), (None, errno), "{kind:?}");
        assert_eq!(io::Error::from(error).kind(), io_kind, "{kind:?}");
        let text = kind.to_string();
        assert!(!text.is_empty() && texts.insert(text), "{kind:?}");
    }
}
