//! The kind of an error for each errno of a call that returns no message.

#![allow(clippy::expect_used, reason = "a test fails by panicking")]

use std::fs::File;
use std::io;
use std::net::Ipv4Addr;
use std::os::fd::AsFd;

use freebsd_jail::error::Call;
use freebsd_jail::raw::{self, At, GetFlags, LegacyJail, Request, SetFlags};
use freebsd_jail::sim::{Fault, Kernel, Release};
use freebsd_jail::{Error, ErrorKind, Features, Jail, Result, Watcher, sys};

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
fn calls_as_in_c_return_minus_one_and_set_errno() {
    for release in [Release::FREEBSD_14_2, Release::FREEBSD_15_1] {
        let kernel = Kernel::with_release(release);
        let _guard = kernel.install();
        let failed = |result: i32| (result, io::Error::last_os_error().raw_os_error());
        let file = File::open("/").expect("opened");
        let wrong = if Features::current().has_descriptors() { libc::EINVAL } else { libc::ENOSYS };
        assert_eq!(failed(sys::jail_attach_jd(file.as_fd())), (-1, Some(wrong)));
        assert_eq!(failed(sys::jail_remove_jd(file.as_fd())), (-1, Some(wrong)));
        let jid = jail().jid().get();
        assert_eq!(failed(sys::jail_attach(jid + 1)), (-1, Some(libc::EINVAL)));
        assert_eq!(failed(sys::jail_remove(jid + 1)), (-1, Some(libc::EINVAL)));
        assert_eq!(sys::jail_remove(jid), 0);
        assert_eq!(failed(sys::jail_remove(jid)), (-1, Some(libc::EINVAL)));
        for errno in [libc::EPERM, libc::EBUSY] {
            kernel.fault(0, Fault::Errno(errno));
            assert_eq!(failed(sys::jail_remove(1)), (-1, Some(errno)));
        }
    }
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
    let not_seen = failing(&kernel, libc::EINVAL, || raw::jail_attach(jail.jid())).to_string();
    assert!(not_seen.contains("routing table"), "{not_seen}");
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

/// A message of the kernel, the names that were sent, and the error's kind, parameter and some of its text.
type Answer = (&'static str, &'static str, ErrorKind, &'static str, &'static str);

/// Sends parameters for a new jail, and has the kernel refuse them with an errno and each message.
fn refuse(errno: i32, answers: &[Answer]) {
    let kernel = Kernel::new();
    let _guard = kernel.install();
    for &(message, names, kind, parameter, text) in answers {
        let mut request = Request::new();
        for name in names.split(' ') {
            let added = match name {
                "ip4.addr" => request.ip4(name, &[Ipv4Addr::LOCALHOST]),
                "securelevel" | "enforce_statfs" => request.int(name, 1),
                _ if name.starts_with("allow.") => request.flag(name),
                _ => request.string(name, "x"),
            };
            added.expect("added");
        }
        kernel.fault(0, Fault::Text(errno, message.into()));
        let error = raw::jail_set(&mut request, At::None, SetFlags::CREATE).expect_err("a fault");
        assert_eq!((kernel.faulted(), error.errno()), (Some("jail_set"), Some(errno)));
        let found =
            (error.message().unwrap_or_default(), error.kind(), error.parameter().unwrap_or_default());
        assert_eq!(found, (message, kind, parameter), "{error} of {names}");
        assert!(error.to_string().contains(text), "{error} of {names}");
    }
}

#[test]
fn each_errno_of_a_creation_has_its_kind() {
    let (invalid, path) = (ErrorKind::InvalidValue, ErrorKind::InvalidPath);
    refuse(libc::ENOSYS, &[("", "path", ErrorKind::Unsupported, "", "no jails")]);
    refuse(libc::EEXIST, &[("jail \"x\" already exists", "path", ErrorKind::AlreadyExists, "", "")]);
    refuse(
        libc::EADDRINUSE,
        &[
            ("IPv4 addresses clash", "path", ErrorKind::AddressInUse, "ip4.addr", "exactly one"),
            ("IPv6 addresses clash", "path", ErrorKind::AddressInUse, "ip6.addr", "exactly one"),
        ],
    );
    refuse(
        libc::ENAMETOOLONG,
        &[
            ("", "path securelevel", invalid, "path", "longer than the kernel"),
            ("", "path name", invalid, "", "longer than the kernel"),
            ("osrelease string must be 1-31 bytes long", "path", invalid, "osrelease", ""),
            ("linux.osname too long", "path", invalid, "linux.osname", ""),
            ("linux.osrelease too long", "path", invalid, "linux.osrelease", ""),
            ("'mdo.rules' too long", "path", invalid, "mac.do.rules", ""),
        ],
    );
    refuse(
        libc::EFBIG,
        &[
            ("", "path meta", invalid, "meta", "meta_maxbufsize"),
            ("", "path env.k", invalid, "env.k", "meta_maxbufsize"),
            ("", "path env meta.k", invalid, "", "meta_maxbufsize"),
            ("", "path metal", invalid, "", "meta_maxbufsize"),
        ],
    );
    for errno in [libc::ENOTDIR, libc::ELOOP, libc::EACCES] {
        refuse(errno, &[("", "path", path, "path", "")]);
    }
    refuse(
        libc::ENOENT,
        &[
            ("", "path", path, "path", "directory does not exist"),
            ("jail \"x\" not found", "name", ErrorKind::NotFound, "name", "the parent in the name"),
            ("jail \"x\" is dying", "name", ErrorKind::Dying, "", ""),
            ("a name is dying", "name", ErrorKind::NotFound, "name", ""),
            ("descriptor to dead jail", "name", ErrorKind::Gone, "", ""),
        ],
    );
    refuse(libc::EBADF, &[("", "path", ErrorKind::InvalidDescriptor, "", "")]);
    for errno in [libc::EMFILE, libc::ENFILE, libc::ENOMEM] {
        refuse(errno, &[("", "path", ErrorKind::ResourceExhausted, "", "")]);
    }
    refuse(libc::EDEADLK, &[("", "path", ErrorKind::Other, "", "no CPU in common")]);
    refuse(
        libc::EAGAIN,
        &[
            ("no available jail IDs", "path", ErrorKind::ResourceExhausted, "", ""),
            ("", "path", ErrorKind::Dying, "", "is being removed"),
        ],
    );
    refuse(libc::EIO, &[("", "path", ErrorKind::Other, "", "")]);
}

#[test]
fn a_creation_that_is_not_permitted_names_what_may_be_the_reason() {
    let denied = ErrorKind::PermissionDenied;
    refuse(
        libc::EPERM,
        &[
            ("prison limit exceeded", "path", ErrorKind::LimitExceeded, "", "children.max"),
            ("", "path securelevel", denied, "securelevel", "may have no children"),
            ("", "allow.nomlock allow.quotas", denied, "allow.quotas", "may have no children"),
            ("", "path ip4.addr securelevel", denied, "", "may have no children"),
            ("attach failed", "path", denied, "", "no directory may be open"),
        ],
    );
    refuse(libc::EACCES, &[("attach failed", "path", denied, "", "may not search")]);
    refuse(libc::ENOTDIR, &[("attach failed", "path", ErrorKind::InvalidPath, "", "no longer a directory")]);
    refuse(libc::EDEADLK, &[("attach failed", "path", ErrorKind::Other, "", "no CPU in common")]);
    refuse(libc::EAGAIN, &[("attach failed", "path", ErrorKind::Dying, "", "")]);
    refuse(libc::EIO, &[("attach failed", "path", ErrorKind::Other, "", "")]);
}

#[test]
fn each_message_about_a_value_has_its_kind_and_its_parameter() {
    let (invalid, conflict) = (ErrorKind::InvalidValue, ErrorKind::Conflict);
    refuse(
        libc::EINVAL,
        &[
            ("unknown parameter: x.y", "path", ErrorKind::UnknownParameter, "x.y", "lacks it"),
            ("vnet cannot be changed after creation", "path", ErrorKind::InvalidParameter, "vnet", ""),
            ("vnet jails cannot have IP address restrictions", "path", conflict, "vnet", ""),
            ("name cannot be numeric (unless it is the jid)", "path", invalid, "name", ""),
            ("cannot change jail's parent", "path", invalid, "name", ""),
            ("cannot change jid", "path", invalid, "jid", ""),
            ("negative jid", "path", invalid, "jid", ""),
            ("too many IPv4 addresses", "path", invalid, "ip4.addr", "jail_max_af_ips"),
            ("too many IPv6 addresses", "path", invalid, "ip6.addr", "jail_max_af_ips"),
            ("osreldate cannot be 0", "path", invalid, "osreldate", ""),
            ("new jail must persist or attach", "path", ErrorKind::InvalidRequest, "persist", ""),
            ("not a jail descriptor", "path", ErrorKind::InvalidDescriptor, "", ""),
            ("MAC/do: Parse error at index 1", "path", invalid, "mac.do.rules", ""),
            ("'mac.do.rules' not a proper string", "path", invalid, "mac.do.rules", ""),
            ("'mac.do.rules' must be specified given 'mac.do''s value", "path", conflict, "mac.do", ""),
            ("linux.osrelease format error", "path", invalid, "linux.osrelease", ""),
            ("something new", "path", ErrorKind::InvalidRequest, "", ""),
            ("", "path ip4.addr", invalid, "ip4.addr", "out of range"),
            ("", "path ip4.addr enforce_statfs", invalid, "", "out of range"),
        ],
    );
}

#[test]
fn each_answer_to_a_question_has_its_kind() {
    let kernel = Kernel::new();
    let _guard = kernel.install();
    for (errno, message, kind, reason) in [
        (libc::EPERM, "", ErrorKind::PermissionDenied, "ownership"),
        (libc::ENOENT, "", ErrorKind::NotFound, ""),
        (libc::ENOENT, "jail \"x\" not found", ErrorKind::NotFound, ""),
        (libc::ENOENT, "jail \"x\" is dying", ErrorKind::Dying, ""),
        (libc::EINVAL, "", ErrorKind::InvalidValue, "a buffer is too small"),
        (libc::EACCES, "", ErrorKind::Other, ""),
    ] {
        let mut request = Request::new();
        request.string("name", "x").expect("added");
        kernel.fault(0, Fault::Text(errno, message.into()));
        let error = raw::jail_get(&mut request, At::None, GetFlags::empty()).expect_err("a fault");
        assert_eq!((error.kind(), error.parameter(), error.errno()), (kind, None, Some(errno)), "{error}");
        assert!(error.to_string().contains(reason), "{error}");
    }
}

#[test]
fn a_jail_that_cannot_be_seen_from_inside_another_is_not_reported_as_removed() {
    let kernel = Kernel::with_release(Release::FREEBSD_14_2);
    let _guard = kernel.install();
    let (one, other) = (jail(), jail());
    one.attach().expect("attached");
    for handle in [&other.try_clone().expect("cloned"), &other] {
        let error = handle.attach().expect_err("it is not below the first");
        assert_eq!((error.kind(), error.errno()), (ErrorKind::NotFound, Some(libc::EINVAL)));
        assert!(error.to_string().contains("has attached to a jail since"), "{error}");
    }
    let error = failing(&kernel, libc::ENOMEM, || other.remove());
    assert_eq!(error.kind(), ErrorKind::Other);
}

#[test]
fn a_jail_that_cannot_be_read_after_a_failed_attach_is_not_reported_as_removed() {
    let kernel = Kernel::with_release(Release::FREEBSD_14_2);
    let _guard = kernel.install();
    let jail = jail();
    let process = kernel.process().fork();
    process.cap_enter();
    let error = process.run(|| failing(&kernel, libc::EINVAL, || jail.attach()));
    assert_eq!((error.kind(), error.errno()), (ErrorKind::Other, Some(libc::EINVAL)));
    assert!(error.to_string().contains("either no jail had the jid"), "{error}");
    process.exit();
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
