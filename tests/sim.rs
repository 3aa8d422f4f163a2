//! The model itself: what a test can do with it, and the kernel's mistakes that it makes on purpose.
//!
//! Requests go straight to the model here, past the guards of the rest of the crate. What real kernels answered
//! is in the recordings (`tests/replay.rs`).

#![cfg(feature = "sim")]
#![allow(clippy::expect_used, clippy::indexing_slicing, clippy::panic, reason = "a test fails by panicking")]

use std::ffi::c_int;
use std::io::Read;
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;
use std::time::Duration;

use freebsd_jail::sim::{Event, Filter, Kernel, Legacy, Queue, Release};
use freebsd_jail::sys::{Errno, Pair};
use freebsd_jail::{GetFlags, Request, SetFlags, raw};

const CREATE: c_int = 0x01;
const UPDATE: c_int = 0x02;
const ATTACH: c_int = 0x04;
const DYING: c_int = 0x08;
const USE_DESC: c_int = 0x10;
const AT_DESC: c_int = 0x20;
const GET_DESC: c_int = 0x40;
const OWN_DESC: c_int = 0x80;

/// A value to give.
#[derive(Clone, Copy)]
enum V<'a> {
    /// A string.
    S(&'a str),
    /// An int.
    I(c_int),
    /// Nothing.
    N,
    /// A buffer of so many bytes.
    B(usize),
}
use V::{B, I, N, S};

/// What came back.
struct Answer {
    result: Result<c_int, Errno>,
    text: String,
    values: Vec<Vec<u8>>,
}

impl Answer {
    fn jid(&self) -> c_int {
        self.result.unwrap_or_else(|errno| panic!("{errno}: {}", self.text))
    }

    fn errno(&self) -> c_int {
        self.result.expect_err("the call fails").0
    }

    fn int(&self, index: usize) -> c_int {
        c_int::from_ne_bytes(self.values[index].as_slice().try_into().expect("an int"))
    }

    fn string(&self, index: usize) -> String {
        let bytes = self.values[index].split(|byte| *byte == 0).next().unwrap_or_default();
        String::from_utf8(bytes.to_vec()).expect("text")
    }
}

fn call(kernel: &Kernel, set: bool, flags: c_int, given: &[(&str, V<'_>)]) -> Answer {
    let names: Vec<String> = given.iter().map(|(name, _)| format!("{name}\0")).collect();
    let mut values: Vec<Vec<u8>> = given
        .iter()
        .map(|(_, value)| match value {
            S(text) => format!("{text}\0").into_bytes(),
            I(number) => number.to_ne_bytes().to_vec(),
            N => Vec::new(),
            B(len) => vec![0; *len],
        })
        .collect();
    let mut lens: Vec<usize> = values.iter().map(Vec::len).collect();
    let mut errmsg = [0; 256];
    let mut errmsg_len = errmsg.len();
    let mut request: Vec<Pair<'_>> = Vec::new();
    for ((name, value), len) in names.iter().zip(&mut values).zip(&mut lens) {
        let value = if value.is_empty() { None } else { Some(value.as_mut_slice()) };
        request.push(Pair { name: name.as_bytes(), value, len });
    }
    request.push(Pair { name: b"errmsg\0", value: Some(&mut errmsg), len: &mut errmsg_len });
    let result =
        if set { kernel.jail_set(&mut request, flags) } else { kernel.jail_get(&mut request, flags) };
    drop(request);
    let text = errmsg.split(|byte| *byte == 0).next().unwrap_or_default();
    Answer { result, text: String::from_utf8_lossy(text).into_owned(), values }
}

fn set(kernel: &Kernel, flags: c_int, given: &[(&str, V<'_>)]) -> Answer {
    call(kernel, true, flags, given)
}

fn get(kernel: &Kernel, flags: c_int, given: &[(&str, V<'_>)]) -> Answer {
    call(kernel, false, flags, given)
}

/// Makes a jail that stays.
fn create(kernel: &Kernel, name: &str) -> c_int {
    set(kernel, CREATE, &[("name", S(name)), ("path", S("/")), ("persist", N)]).jid()
}

/// Makes a jail and a descriptor of it.
fn create_with_descriptor(kernel: &Kernel, name: &str, how: c_int) -> (c_int, c_int) {
    let answer =
        set(kernel, CREATE | how, &[("name", S(name)), ("path", S("/")), ("persist", N), ("desc", I(-1))]);
    (answer.jid(), answer.int(3))
}

fn exists(kernel: &Kernel, jid: c_int) -> bool {
    get(kernel, 0, &[("jid", I(jid))]).result.is_ok()
}

fn is_dying(kernel: &Kernel, jid: c_int) -> bool {
    let answer = get(kernel, DYING, &[("jid", I(jid)), ("dying", I(9))]);
    answer.result.is_ok() && answer.int(1) == 1
}

fn name_of(kernel: &Kernel, jid: c_int) -> String {
    let answer = get(kernel, 0, &[("jid", I(jid)), ("name", B(256))]);
    answer.jid();
    answer.string(1)
}

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
    kernel.jail_remove(1).expect("it is there");
    assert_eq!((kernel.calls().jail_remove, kernel.calls().total()), (1, 1));
}

#[test]
fn a_process_is_somebody_somewhere() {
    let kernel = Kernel::new();
    let jid = create(&kernel, "a");
    let process = kernel.process().fork();
    process.run(|| kernel.jail_attach(jid)).expect("root may enter");
    assert_eq!((process.jid(), process.uid(), kernel.process().jid()), (jid, 0, 0));
    assert!(!process.run(|| exists(&kernel, jid)), "a jail does not see itself");
    process.setuid(1001).expect("root may become anybody");
    assert_eq!(process.setuid(0), Err(Errno(libc::EPERM)));
    kernel.jail_remove(jid).expect("it is there");
    assert!(!process.is_running(), "who is in a removed jail is killed");
    assert!(is_dying(&kernel, jid), "nobody has waited for the process yet");
    process.kill();
    assert!(!is_dying(&kernel, jid));
}

#[test]
fn an_open_directory_keeps_a_process_out() {
    let kernel = Kernel::new();
    let jid = create(&kernel, "a");
    let process = kernel.process().fork();
    process.open_directory();
    assert_eq!(process.run(|| kernel.jail_attach(jid)), Err(Errno(libc::EPERM)));
    process.close_directory();
    assert_eq!(process.run(|| kernel.jail_attach(jid)), Ok(()));
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
fn paths_exist_as_told() {
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
    kernel.jail_remove(1).expect("it is there");
    assert_eq!(watched.read(&mut nothing).expect("a hang-up"), 0);
}

#[test]
fn authority_is_that_of_who_made_the_descriptor() {
    let kernel = Kernel::new();
    let (jid, roots) = create_with_descriptor(&kernel, "a", GET_DESC);
    let user = kernel.process().fork();
    user.setuid(1001).expect("root may become anybody");
    user.run(|| {
        let users = get(&kernel, GET_DESC, &[("jid", I(jid)), ("desc", I(-1))]);
        users.jid();
        assert_eq!(kernel.jail_remove_jd(users.int(1)), Err(Errno(libc::EPERM)));
        let owning = get(&kernel, OWN_DESC, &[("jid", I(jid)), ("desc", I(-1))]);
        assert_eq!(owning.errno(), libc::EPERM);
        let update = set(&kernel, UPDATE | USE_DESC, &[("desc", I(roots)), ("securelevel", I(1))]);
        assert_eq!(update.jid(), jid);
        assert_eq!(kernel.jail_remove_jd(roots), Ok(()));
    });
    assert_eq!(kernel.fstat(roots), Some(Ok((0o100_000, 0))));
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
    assert_eq!(kernel.jail_remove_jd(descriptor), Err(Errno(libc::EBADF)), "it counts as closed");
    nix::unistd::close(descriptor).expect("the host has it open still");
}

#[test]
fn releases_differ() {
    for (release, has_descriptors) in
        [(Release::FREEBSD_13_2, false), (Release::FREEBSD_14_3, false), (Release::FREEBSD_15_1, true)]
    {
        let kernel = Kernel::with_release(release);
        let probe = get(&kernel, USE_DESC, &[("desc", I(-1))]);
        assert_eq!(probe.errno(), if has_descriptors { libc::EBADF } else { libc::EINVAL });
        create(&kernel, "a");
        let meta = set(&kernel, UPDATE, &[("name", S("a")), ("meta", S("k=v"))]);
        assert_eq!(meta.result.is_ok(), has_descriptors);
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
    inmate.run(|| kernel.jail_attach(jid)).expect("root may enter");
    kernel.jail_remove(jid).expect("it is there");
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
    inmate.run(|| kernel.jail_attach(jid)).expect("root may enter");
    kernel.jail_remove(jid).expect("it is there");
    let again = [("jid", I(jid)), ("name", S("b")), ("path", S("/")), ("persist", N)];
    assert_eq!(set(&kernel, CREATE, &again).jid(), jid);
    assert!(!is_dying(&kernel, jid) && is_dying(&kernel, 999_999));
}

#[test]
fn jail_2_makes_a_jail_and_enters_it() {
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
    let jid = process.run(|| kernel.jail(&legacy)).expect("root may");
    assert_eq!((process.jid(), name_of(&kernel, jid).as_str()), (jid, "www"));
    assert_eq!(kernel.jail(&Legacy { version: 1, ..legacy }), Err(Errno(libc::EINVAL)));
    assert_eq!(kernel.jail(&Legacy { path: None, ..legacy }), Err(Errno(libc::EFAULT)));
}

/// The ints that lie one after the other in some bytes.
fn ints(bytes: &[u8]) -> Vec<c_int> {
    bytes.chunks_exact(4).map(|chunk| c_int::from_ne_bytes(chunk.try_into().expect("4 bytes"))).collect()
}

/// Walks through the sysctl tree below a name, as those do who list a kernel's parameters.
fn parameters(kernel: &Kernel) -> Vec<(String, u32, Vec<u8>, String)> {
    let ask = |mib: &[c_int], new: Option<&[u8]>| {
        let mut buffer = vec![0; 1024];
        let len = kernel.sysctl(mib, Some(&mut buffer), new)?;
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
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/transcripts");
    if !folder.is_dir() {
        println!("skipped: the recordings are not part of the published crate");
        return;
    }
    for (release, folder_name) in
        [(Release::FREEBSD_13_2, "freebsd-13.2"), (Release::FREEBSD_15_1, "freebsd-15.1")]
    {
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

const CHILD: u32 = 0x8000_0000;
const SET: u32 = 0x4000_0000;
const ATTACHED: u32 = 0x2000_0000;
const REMOVED: u32 = 0x1000_0000;
const MULTI: u32 = 0x0800_0000;
const ANY: u32 = CHILD | SET | ATTACHED | REMOVED;

/// What has happened so far: bits and number of each event.
fn happened(queue: &Queue) -> Vec<(u32, i64)> {
    let events = queue.wait(16, Some(Duration::ZERO));
    events.into_iter().map(|Event { fflags, data, .. }| (fflags, data)).collect()
}

#[test]
fn events_tell_what_happens_to_a_jail() {
    let kernel = Kernel::new();
    let (jid, descriptor) = create_with_descriptor(&kernel, "a", GET_DESC);
    for filter in [Filter::Jail(jid), Filter::Descriptor(descriptor)] {
        let queue = kernel.kqueue().expect("a queue");
        queue.add(filter, ANY).expect("it is there");
        assert_eq!(happened(&queue), []);
        set(&kernel, UPDATE, &[("jid", I(jid)), ("securelevel", I(1))]).jid();
        assert_eq!(happened(&queue), [(SET, 0)]);
        let child = create(&kernel, "a.b");
        assert_eq!(happened(&queue), [(CHILD, child.into())]);
        let process = kernel.process().fork();
        process.run(|| kernel.jail_attach(jid)).expect("root may enter");
        assert_eq!(happened(&queue), [(ATTACHED, process.pid().into())]);
        kernel.jail_remove(child).expect("it is there");
        assert_eq!(happened(&queue), [], "the removal of a child is not told");
        create(&kernel, "a.b");
        create(&kernel, "a.c");
        set(&kernel, UPDATE, &[("jid", I(jid)), ("securelevel", I(1))]).jid();
        assert_eq!(happened(&queue), [(CHILD | SET | MULTI, 0)]);
        for child in ["a.b", "a.c"] {
            let child = get(&kernel, 0, &[("name", S(child))]).jid();
            kernel.jail_remove(child).expect("it is there");
        }
        process.exit();
    }
    nix::unistd::close(descriptor).expect("it is open");
}

#[test]
fn a_removal_is_told_once_and_is_the_last_event() {
    let kernel = Kernel::new();
    let (jid, descriptor) = create_with_descriptor(&kernel, "a", GET_DESC);
    let queue = kernel.kqueue().expect("a queue");
    queue.add(Filter::Jail(jid), REMOVED).expect("it is there");
    queue.add(Filter::Descriptor(descriptor), CHILD).expect("it is there");
    kernel.jail_remove(jid).expect("it is there");
    let event = Event { filter: Filter::Jail(jid), flags: 0x8030, fflags: REMOVED, data: 0 };
    assert_eq!(queue.wait(16, None), [event], "who does not ask for removals gets none");
    assert_eq!(happened(&queue), []);
    assert_eq!(queue.delete(Filter::Jail(jid)), Err(Errno(libc::ENOENT)));
    assert_eq!(queue.add(Filter::Jail(jid), REMOVED), Err(Errno(libc::ENOENT)));
    queue.add(Filter::Descriptor(descriptor), ANY).expect("its jail is dead, the descriptor is not");
    assert_eq!(happened(&queue), [(REMOVED, 0)]);
    nix::unistd::close(descriptor).expect("it is open");
}

#[test]
fn a_jail_watches_itself_and_anybody_watches_what_they_see() {
    let kernel = Kernel::new();
    let user = kernel.process().fork();
    user.setuid(1001).expect("root may become anybody");
    let queue = kernel.kqueue().expect("a queue");
    user.run(|| queue.add(Filter::Jail(0), ANY)).expect("the host is there");
    let jid = create(&kernel, "a");
    assert_eq!(happened(&queue), [(CHILD, jid.into())]);
    let old = Kernel::with_release(Release::FREEBSD_13_2);
    create(&old, "a");
    let queue = old.kqueue().expect("a queue");
    assert_eq!(queue.add(Filter::Jail(1), ANY), Err(Errno(libc::EINVAL)));
}

#[test]
fn a_reader_is_woken() {
    let kernel = Kernel::new();
    let jid = create(&kernel, "a");
    let queue = kernel.kqueue().expect("a queue");
    queue.add(Filter::Jail(jid), ANY).expect("it is there");
    let remover = std::thread::spawn({
        let kernel = kernel.clone();
        move || {
            std::thread::sleep(Duration::from_millis(20));
            kernel.jail_remove(jid)
        }
    });
    assert_eq!(queue.wait(1, Some(Duration::from_secs(60))).len(), 1);
    assert_eq!(remover.join().expect("the thread ends"), Ok(()));
    assert!(kernel.calls().kevent <= 2, "waiting is one call");

    let (jid, descriptor) = create_with_descriptor(&kernel, "b", OWN_DESC);
    queue.add(Filter::Jail(jid), ANY).expect("it is there");
    nix::unistd::close(descriptor).expect("it is open");
    assert_eq!(queue.wait(1, Some(Duration::from_secs(60))).len(), 1, "nobody made a call");
}

#[test]
fn a_queue_is_readable_while_there_are_events() {
    let kernel = Kernel::new();
    let queue = kernel.kqueue().expect("a queue");
    queue.add(Filter::Jail(0), ANY).expect("the host is there");
    let readable = || {
        let mut watched = [nix::poll::PollFd::new(queue.as_fd(), nix::poll::PollFlags::POLLIN)];
        nix::poll::poll(&mut watched, nix::poll::PollTimeout::ZERO).expect("it can be polled") == 1
    };
    assert!(!readable());
    create(&kernel, "a");
    assert!(readable());
    happened(&queue);
    assert!(!readable());
    create(&kernel, "b");
    assert!(readable());
}

#[test]
fn t1_a_failing_read_with_own_desc_removes_the_jail() {
    let kernel = Kernel::new();
    let jid = create(&kernel, "a");
    let answer = get(&kernel, OWN_DESC, &[("jid", I(jid)), ("desc", I(-1)), ("nosuch", I(0))]);
    assert_eq!(answer.errno(), libc::EINVAL);
    assert!(!exists(&kernel, jid));
}

#[test]
fn t2_no_new_descriptor_is_made_of_one_that_is_used() {
    let kernel = Kernel::new();
    let (_, descriptor) = create_with_descriptor(&kernel, "a", GET_DESC);
    let answer = get(&kernel, USE_DESC | GET_DESC, &[("desc", I(descriptor))]);
    assert!(answer.result.is_ok() && answer.int(0) == descriptor);
    nix::unistd::close(descriptor).expect("it is open");
}

#[test]
fn t3_at_desc_with_a_dead_descriptor_is_counted_as_a_corruption() {
    let kernel = Kernel::new();
    let (jid, descriptor) = create_with_descriptor(&kernel, "a", GET_DESC);
    kernel.jail_remove(jid).expect("it is there");
    assert_eq!(kernel.corruptions(), 0);
    let answer = get(&kernel, AT_DESC, &[("desc", I(descriptor)), ("lastjid", I(0))]);
    assert_eq!((answer.errno(), answer.text.as_str()), (libc::ENOENT, "descriptor to dead jail"));
    assert_eq!(kernel.corruptions(), 1);
    nix::unistd::close(descriptor).expect("it is open");
}

#[test]
fn t4_a_nested_jail_is_judged_by_the_callers_jail() {
    for (release, granted) in [(Release::FREEBSD_13_2, false), (Release::FREEBSD_15_1, true)] {
        let kernel = Kernel::with_release(release);
        create(&kernel, "p");
        let jid = create(&kernel, "p.c");
        let by_name = set(&kernel, UPDATE, &[("name", S("p.c")), ("allow.chflags", N)]);
        assert_eq!(by_name.errno(), libc::EPERM, "the parent has not got it");
        let by_jid = set(&kernel, UPDATE, &[("jid", I(jid)), ("allow.chflags", N)]);
        assert_eq!(by_jid.result.is_ok(), granted);
        set(&kernel, UPDATE, &[("jid", I(jid)), ("name", S("d"))]).jid();
        assert_eq!(name_of(&kernel, jid), if granted { "d" } else { "p.d" });
    }
}

#[test]
fn t5_an_update_that_fails_late_has_changed_something() {
    let kernel = Kernel::new();
    let jid = create(&kernel, "a");
    let long = "x".repeat(4096);
    let answer = set(&kernel, UPDATE, &[("jid", I(jid)), ("securelevel", I(2)), ("meta", S(&long))]);
    assert_eq!(answer.errno(), libc::EFBIG);
    assert_eq!(get(&kernel, 0, &[("jid", I(jid)), ("securelevel", I(0))]).int(1), 2);
}

#[test]
fn t6_an_update_takes_rules_away_that_it_does_not_mention() {
    let kernel = Kernel::new();
    let jid = create(&kernel, "a");
    let rules = |kernel: &Kernel| get(kernel, 0, &[("jid", I(jid)), ("mac.do.rules", B(1024))]).string(1);
    set(&kernel, UPDATE, &[("jid", I(jid)), ("mac.do.rules", S("uid=1001>uid=0"))]).jid();
    assert_eq!(rules(&kernel), "uid=1001>uid=0");
    set(&kernel, UPDATE, &[("jid", I(jid)), ("securelevel", I(1))]).jid();
    assert_eq!(rules(&kernel), "");
}

#[test]
fn t7_a_key_needs_room_for_all_that_follows() {
    let kernel = Kernel::new();
    let jid = create(&kernel, "a");
    set(&kernel, UPDATE, &[("jid", I(jid)), ("meta", S("a=1\nb=2\nc=3"))]).jid();
    assert_eq!(get(&kernel, 0, &[("jid", I(jid)), ("meta.a", B(9))]).errno(), libc::EINVAL);
    assert_eq!(get(&kernel, 0, &[("jid", I(jid)), ("meta.a", B(10))]).string(1), "1");
}

#[test]
fn t8_a_value_with_a_newline_forges_a_key() {
    let kernel = Kernel::new();
    let jid = create(&kernel, "a");
    set(&kernel, UPDATE, &[("jid", I(jid)), ("meta.a", S("1\nb=2"))]).jid();
    assert_eq!(get(&kernel, 0, &[("jid", I(jid)), ("meta.b", B(64))]).string(1), "2");
}

#[test]
fn t9_of_two_names_that_mean_one_option_one_is_dropped() {
    let kernel = Kernel::new();
    let jid = create(&kernel, "a");
    set(&kernel, UPDATE, &[("jid", I(jid)), ("env.ro", S("1")), ("env.rw", S("2"))]).jid();
    assert_eq!(get(&kernel, 0, &[("jid", I(jid)), ("env", B(64))]).string(1), "rw=2");
}

#[test]
fn t11_the_list_of_jails_repeats_the_addresses_of_the_one_before() {
    let kernel = Kernel::new();
    let _guard = kernel.install();
    create(&kernel, "none");
    let mut request = Request::new();
    request.string("name", "one").expect("a name").flag("persist").expect("a flag");
    request.ip4("ip4.addr", &[[10, 0, 0, 1].into()]).expect("an address");
    raw::jail_set(&mut request, raw::At::None, SetFlags::CREATE).expect("it can be made");
    let mut number = [0; 64];
    let len = kernel.sysctl(&[0, 3], Some(&mut number), Some(b"security.jail.list")).expect("it is there");
    let list = kernel.sysctl(&ints(&number[..len]), None, None);
    // The newest jail comes first; the other one, which has no address, has the same behind it.
    let xprison = 16 + 1024 + 256 + 256 + 8;
    assert_eq!(list, Ok(2 * (xprison + 4)));
}

#[test]
fn t15_the_later_of_a_name_given_twice_is_the_key() {
    let kernel = Kernel::new();
    create(&kernel, "a");
    let answer = get(&kernel, 0, &[("name", S("a")), ("name", B(64))]);
    assert_eq!((answer.errno(), answer.text.as_str()), (libc::ENOENT, "jail \"\" not found"));
}

#[test]
#[should_panic(expected = "hangs the kernel")]
fn t16_what_hangs_a_kernel_panics() {
    let kernel = Kernel::new();
    create(&kernel, "a");
    get(&kernel, 0, &[("jid", I(1)), ("meta.", B(64))]);
}

#[test]
fn t16_setting_the_same_is_refused() {
    let kernel = Kernel::new();
    let jid = create(&kernel, "a");
    assert_eq!(set(&kernel, UPDATE, &[("jid", I(jid)), ("env.", S("x"))]).errno(), libc::EINVAL);
}

#[test]
fn t17_entering_by_jail_attach_jd_leaves_the_jail_dying_for_ever() {
    let kernel = Kernel::new();
    let (by_call, descriptor) = create_with_descriptor(&kernel, "a", GET_DESC);
    let process = kernel.process().fork();
    process.run(|| kernel.jail_attach_jd(descriptor)).expect("root may enter");
    process.exit();
    kernel.jail_remove(by_call).expect("it is there");
    nix::unistd::close(descriptor).expect("it is open");
    assert!(is_dying(&kernel, by_call));

    let (by_set, descriptor) = create_with_descriptor(&kernel, "b", GET_DESC);
    let process = kernel.process().fork();
    process.run(|| set(&kernel, UPDATE | ATTACH | USE_DESC, &[("desc", I(descriptor))]).jid());
    assert_eq!(process.jid(), by_set);
    process.exit();
    kernel.jail_remove(by_set).expect("it is there");
    nix::unistd::close(descriptor).expect("it is open");
    assert!(!is_dying(&kernel, by_set));
}

#[test]
fn t18_a_creation_that_fails_late_leaves_a_dying_jail() {
    let kernel = Kernel::new();
    create(&kernel, "p");
    let long = "x".repeat(4096);
    let given = [("name", S("p.c")), ("path", S("/")), ("persist", N), ("meta", S(&long))];
    assert_eq!(set(&kernel, CREATE, &given).errno(), libc::EFBIG);
    assert!(is_dying(&kernel, 2));
    assert_eq!(get(&kernel, 0, &[("name", S("p")), ("children.cur", I(9))]).int(1), 1);
    kernel.jail_remove(1).expect("it is there");
    assert!(is_dying(&kernel, 1), "it pins its parent");
}

#[test]
fn t19_renaming_a_nested_jail_corrupts_the_names_below() {
    let kernel = Kernel::with_release(Release::FREEBSD_13_2);
    create(&kernel, "p");
    let middle = create(&kernel, "p.c");
    let below = create(&kernel, "p.c.g");
    set(&kernel, UPDATE, &[("jid", I(middle)), ("name", S("p.dd"))]).jid();
    assert_eq!((name_of(&kernel, middle).as_str(), name_of(&kernel, below).as_str()), ("p.dd", "p..c.g"));
}

#[test]
fn t20_an_update_without_a_name_makes_a_jail() {
    let kernel = Kernel::new();
    let jid = set(&kernel, UPDATE, &[("name", S("")), ("persist", N)]).jid();
    assert_eq!(name_of(&kernel, jid), jid.to_string());
}

#[test]
fn t21_a_nested_jail_is_counted_and_rooted_where_its_maker_is() {
    let kernel = Kernel::new();
    set(&kernel, CREATE, &[("name", S("p")), ("path", S("/usr/jail")), ("persist", N)]).jid();
    let jid = set(&kernel, CREATE, &[("name", S("p.c")), ("persist", N)]).jid();
    let answer = get(&kernel, 0, &[("jid", I(jid)), ("path", B(1024))]);
    assert_eq!(answer.string(1), "/", "outside its parent, and though the parent may have no children");
}

#[test]
fn t22_of_a_name_and_its_negation_the_earlier_is_left_alone() {
    let kernel = Kernel::new();
    create(&kernel, "a");
    let answer = get(&kernel, 0, &[("jid", I(1)), ("persist", I(7)), ("nopersist", I(7))]);
    assert_eq!((answer.jid(), answer.int(1), answer.int(2)), (1, 7, 0));
}
