//! The model itself.
//!
//! Answers of real kernels are in the recordings (`tests/replay.rs`), their defects in `tests/sim_traps.rs`.

#![cfg(feature = "sim")]
#![allow(clippy::expect_used, clippy::indexing_slicing, clippy::panic, reason = "a test fails by panicking")]

mod ask;

use std::ffi::c_int;
use std::io::Read;
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;

use ask::*;
use freebsd_jail::raw::{self, GetFlags, Request, SetFlags};
use freebsd_jail::sim::raw::{Errno, Legacy};
use freebsd_jail::sim::{Kernel, Release};

#[test]
fn kernels_stack_and_belong_to_their_thread() {
    let (below, above) = (Kernel::new(), Kernel::new());
    let lookup = |name: &str| {
        let mut request = Request::new();
        request.string("name", name).expect("a name");
        raw::jail_get(&mut request, raw::At::None, GetFlags::empty()).is_ok()
    };
    let _below = below.install();
    create(&below, "below");
    {
        let _above = above.install();
        create(&above, "above");
        assert!(lookup("above") && !lookup("below"));
    }
    assert!(lookup("below") && !lookup("above"));
    let elsewhere = std::thread::spawn(move || lookup("below")).join().expect("the thread ends");
    assert!(!elsewhere, "another thread has no kernel installed");
    let elsewhere = std::thread::spawn(move || exists(&below, 1)).join().expect("the thread ends");
    assert!(elsewhere, "a handle works on any thread");
}

#[test]
fn calls_are_counted() {
    let kernel = Kernel::new();
    create(&kernel, "a");
    assert!(exists(&kernel, 1));
    assert_eq!((kernel.calls().jail_set, kernel.calls().jail_get, kernel.calls().total()), (1, 1, 2));
    kernel.reset_calls();
    kernel.raw().jail_remove(1).expect("it is there");
    assert_eq!((kernel.calls().jail_remove, kernel.calls().total()), (1, 1));
}

#[test]
fn a_process_is_somebody_somewhere() {
    let kernel = Kernel::new();
    let jid = create(&kernel, "a");
    let process = kernel.process().fork();
    process.run(|| kernel.raw().jail_attach(jid)).expect("root may attach");
    assert_eq!((process.jid(), process.uid(), kernel.process().jid()), (jid, 0, 0));
    assert!(!process.run(|| exists(&kernel, jid)), "a jail does not see itself");
    process.setuid(1001).expect("root may become anybody");
    assert_eq!(process.setuid(0).map_err(|error| error.raw_os_error()), Err(Some(libc::EPERM)));
    kernel.raw().jail_remove(jid).expect("it is there");
    assert!(!process.is_running(), "who is in a removed jail is killed");
    assert!(is_dying(&kernel, jid), "nobody has waited for the process yet");
    process.kill();
    assert!(!is_dying(&kernel, jid));
}

#[test]
fn a_process_with_an_open_directory_cannot_attach() {
    let kernel = Kernel::new();
    let jid = create(&kernel, "a");
    let process = kernel.process().fork();
    process.open_directory();
    assert_eq!(process.run(|| kernel.raw().jail_attach(jid)), Err(Errno(libc::EPERM)));
    process.close_directory();
    assert_eq!(process.run(|| kernel.raw().jail_attach(jid)), Ok(()));
}

#[test]
fn a_jail_without_persist_goes_with_its_last_process() {
    let kernel = Kernel::new();
    let process = kernel.process().fork();
    let jid = process.run(|| set(&kernel, CREATE | ATTACH, &[("name", S("brief"))]).jid());
    assert!(exists(&kernel, jid));
    process.exit();
    assert!(!exists(&kernel, jid) && !is_dying(&kernel, jid));
}

#[test]
fn paths_exist_as_added() {
    let kernel = Kernel::new();
    let make = |name: &str, path: &str| {
        let given = [("name", S(name)), ("path", S(path)), ("persist", N)];
        set(&kernel, CREATE, &given).result.map_err(|errno| errno.0)
    };
    assert!(make("a", "/any/path").is_ok());
    assert_eq!(make("b", "/nonexistent"), Err(libc::ENOENT));
    assert_eq!(make("c", "/etc/passwd"), Err(libc::ENOTDIR));
    kernel.only_paths();
    kernel.add_directory("/usr/jail");
    assert_eq!(make("d", "/any/path"), Err(libc::ENOENT));
    let jid = make("e", "/usr//./jail/").expect("it has been added");
    let answer = get(&kernel, 0, &[("jid", I(jid)), ("path", B(1024))]);
    assert_eq!(answer.string(1), "/usr/jail");
}

#[test]
fn the_last_close_of_an_owning_descriptor_removes_the_jail() {
    let kernel = Kernel::new();
    let _guard = kernel.install();
    let mut request = Request::new();
    request.string("name", "owned").expect("a name").flag("persist").expect("a flag");
    let flags = SetFlags::CREATE | SetFlags::OWN_DESC;
    let reply = raw::jail_set(&mut request, raw::At::None, flags).expect("it can be made");
    let descriptor = reply.descriptor.expect("a descriptor was asked for");
    let copy = descriptor.try_clone().expect("it can be copied");
    drop(descriptor);
    assert!(exists(&kernel, 1), "a copy keeps it");
    drop(copy);
    assert!(!exists(&kernel, 1));
}

#[test]
fn a_descriptor_of_a_dead_jail_hangs_up() {
    let kernel = Kernel::new();
    let _guard = kernel.install();
    let mut request = Request::new();
    request.string("name", "a").expect("a name").flag("persist").expect("a flag");
    let flags = SetFlags::CREATE | SetFlags::GET_DESC;
    let reply = raw::jail_set(&mut request, raw::At::None, flags).expect("it can be made");
    let descriptor = reply.descriptor.expect("a descriptor was asked for");
    let watched = descriptor.as_fd().try_clone_to_owned().expect("it can be copied");
    let mut watched = UnixStream::from(watched);
    let mut nothing = [0];
    assert!(watched.read(&mut nothing).is_err(), "nothing to read while the jail lives");
    kernel.raw().jail_remove(1).expect("it is there");
    assert_eq!(watched.read(&mut nothing).expect("a hang-up"), 0);
}

#[test]
fn authority_is_that_of_the_descriptor_s_maker() {
    let kernel = Kernel::new();
    let (jid, roots) = create_with_descriptor(&kernel, "a", GET_DESC);
    let user = kernel.process().fork();
    user.setuid(1001).expect("root may become anybody");
    user.run(|| {
        let users = get(&kernel, GET_DESC, &[("jid", I(jid)), ("desc", I(-1))]);
        users.jid();
        assert_eq!(kernel.raw().jail_remove_jd(users.int(1)), Err(Errno(libc::EPERM)));
        let owning = get(&kernel, OWN_DESC, &[("jid", I(jid)), ("desc", I(-1))]);
        assert_eq!(owning.errno(), libc::EPERM);
        let update = set(&kernel, UPDATE | USE_DESC, &[("desc", I(roots)), ("securelevel", I(1))]);
        assert_eq!(update.jid(), jid);
        assert_eq!(kernel.raw().jail_remove_jd(roots), Ok(()));
    });
    assert_eq!(kernel.raw().fstat(roots), Some(Ok((0o100_000, 0))));
    nix::unistd::close(roots).expect("it is open");
}

#[test]
fn a_killed_owner_takes_its_jail_along() {
    let kernel = Kernel::new();
    let owner = kernel.process().fork();
    let (jid, descriptor) = owner.run(|| create_with_descriptor(&kernel, "a", OWN_DESC));
    assert!(exists(&kernel, jid));
    owner.kill();
    assert!(!exists(&kernel, jid));
    assert_eq!(kernel.raw().jail_remove_jd(descriptor), Err(Errno(libc::EBADF)), "it counts as closed");
    nix::unistd::close(descriptor).expect("the host has it open still");
}

#[test]
fn releases_differ() {
    for (release, has_meta, has_descriptors) in [
        (Release::FREEBSD_13_2, false, false),
        (Release::FREEBSD_14_2, false, false),
        (Release::FREEBSD_14_4, true, false),
        (Release::FREEBSD_15_1, true, true),
    ] {
        let kernel = Kernel::with_release(release);
        let probe = get(&kernel, USE_DESC, &[("desc", I(-1))]);
        assert_eq!(probe.errno(), if has_descriptors { libc::EBADF } else { libc::EINVAL });
        create(&kernel, "a");
        let meta = set(&kernel, UPDATE, &[("name", S("a")), ("meta", S("k=v"))]);
        assert_eq!(meta.result.is_ok(), has_meta);
        let nfsd = set(&kernel, UPDATE, &[("name", S("a")), ("allow.nfsd", N)]);
        assert_eq!(nfsd.result.is_ok(), release != Release::FREEBSD_13_2);
    }
    let kernel = Kernel::with_release(Release::FREEBSD_15_1.named(1_502_000, "15.2-RELEASE"));
    create(&kernel, "a");
    let answer = get(&kernel, 0, &[("jid", I(1)), ("osreldate", I(0)), ("osrelease", B(32))]);
    assert_eq!((answer.int(1), answer.string(2).as_str()), (1_502_000, "15.2-RELEASE"));
}

#[test]
fn before_15_a_dying_jail_keeps_its_jid_and_can_be_revived() {
    let kernel = Kernel::with_release(Release::FREEBSD_13_2);
    let jid = create(&kernel, "a");
    let inmate = kernel.process().fork();
    inmate.run(|| kernel.raw().jail_attach(jid)).expect("root may attach");
    kernel.raw().jail_remove(jid).expect("it is there");
    assert!(is_dying(&kernel, jid));
    let again = [("jid", I(jid)), ("name", S("b")), ("path", S("/")), ("persist", N)];
    assert_eq!(set(&kernel, CREATE, &again).errno(), libc::EEXIST);
    let revive = set(&kernel, UPDATE | DYING, &[("jid", I(jid)), ("persist", N)]);
    assert_eq!(revive.jid(), jid);
    assert!(!is_dying(&kernel, jid));
}

#[test]
fn since_15_a_dying_jail_gives_its_jid_away() {
    let kernel = Kernel::new();
    let jid = create(&kernel, "a");
    let inmate = kernel.process().fork();
    inmate.run(|| kernel.raw().jail_attach(jid)).expect("root may attach");
    kernel.raw().jail_remove(jid).expect("it is there");
    let again = [("jid", I(jid)), ("name", S("b")), ("path", S("/")), ("persist", N)];
    assert_eq!(set(&kernel, CREATE, &again).jid(), jid);
    assert!(!is_dying(&kernel, jid) && is_dying(&kernel, 999_999));
}

#[test]
fn jail_2_creates_a_jail_and_attaches_to_it() {
    let kernel = Kernel::new();
    let process = kernel.process().fork();
    let legacy = Legacy {
        version: 2,
        path: Some(b"/usr/jail"),
        hostname: Some(b"www.example.org"),
        jailname: Some(b"www"),
        ip4: &[[10, 0, 0, 1].into()],
        ip6: &[],
    };
    let jid = process.run(|| kernel.raw().jail(&legacy)).expect("root may");
    assert_eq!((process.jid(), name_of(&kernel, jid).as_str()), (jid, "www"));
    assert_eq!(kernel.raw().jail(&Legacy { version: 1, ..legacy }), Err(Errno(libc::EINVAL)));
    assert_eq!(kernel.raw().jail(&Legacy { path: None, ..legacy }), Err(Errno(libc::EFAULT)));
}

/// Walks through the sysctl tree below a name, as a listing of parameters does.
fn parameters(kernel: &Kernel) -> Vec<(String, u32, Vec<u8>, String)> {
    let ask = |mib: &[c_int], new: Option<&[u8]>| {
        let mut buffer = vec![0; 1024];
        let len = kernel.raw().sysctl(mib, Some(&mut buffer), new)?;
        buffer.truncate(len);
        Ok::<_, Errno>(buffer)
    };
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("text").trim_end_matches('\0').to_owned();
    let root = ints(&ask(&[0, 3], Some(b"security.jail.param")).expect("it is there"));
    let mut at = root.clone();
    let mut found = Vec::new();
    while let Ok(next) = ask(&[[0, 2].as_slice(), &at].concat(), None) {
        at = ints(&next);
        if !at.starts_with(&root) {
            break;
        }
        let name = text(ask(&[[0, 1].as_slice(), &at].concat(), None).expect("it has a name"));
        let format = ask(&[[0, 4].as_slice(), &at].concat(), None).expect("it has a format");
        let kind = u32::from_ne_bytes(format[..4].try_into().expect("4 bytes"));
        let value = ask(&at, None).expect("it has a value");
        let description = text(ask(&[[0, 5].as_slice(), &at].concat(), None).expect("it is described"));
        found.push((name.trim_start_matches("security.jail.param.").to_owned(), kind, value, description));
    }
    found
}

#[test]
fn the_tree_of_parameters_is_the_kernels() {
    let folder = transcripts();
    if !folder.is_dir() {
        println!("skipped: the recordings are not part of the published crate");
        return;
    }
    for (release, folder_name) in [
        (Release::FREEBSD_13_2, "freebsd-13.2"),
        (Release::FREEBSD_14_2, "freebsd-14.2"),
        (Release::FREEBSD_15_1, "freebsd-15.1"),
    ] {
        let table =
            std::fs::read_to_string(folder.join(folder_name).join("parameters.tsv")).expect("a table");
        let recorded: Vec<Vec<&str>> = table
            .lines()
            .filter(|line| !line.starts_with('#'))
            .map(|line| line.split('\t').collect())
            .collect();
        let mut modelled = Vec::new();
        for (name, kind, value, description) in parameters(&Kernel::with_release(release)) {
            let (kind, value) = match kind & 0xf {
                2 => ("integer", c_int::from_ne_bytes(value.try_into().expect("an int")).to_string()),
                3 => ("string", String::from_utf8(value).expect("text").trim_end_matches('\0').to_owned()),
                5 => ("opaque", String::new()),
                8 => ("unsigned long", "0".to_owned()),
                other => panic!("{name} has type {other}"),
            };
            modelled.push(vec![name, kind.to_owned(), value, description]);
        }
        modelled.sort();
        assert_eq!(modelled, recorded, "{folder_name}");
    }
}

/// Returns the folder of the recordings. On another machine than the build's, an environment variable names it.
fn transcripts() -> std::path::PathBuf {
    std::env::var_os("FREEBSD_JAIL_TEST_DATA")
        .map_or_else(|| std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests"), Into::into)
        .join("transcripts")
}
