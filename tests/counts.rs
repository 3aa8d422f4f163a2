//! One jail call per operation, no sysctl, and no allocation where none is needed.

#![allow(clippy::expect_used, clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod common;

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::net::Ipv4Addr;

use common::{Host, host, name};
use freebsd_jail::exec::Processes;
use freebsd_jail::{Jail, JailUpdate, Jid, OwnedJail, param, sim};

/// Counts the allocations of each thread, without those of the model.
struct Counting;

thread_local! {
    static ALLOCATIONS: Cell<u64> = const { Cell::new(0) };
}

fn count() {
    if !sim::is_inside() {
        ALLOCATIONS.set(ALLOCATIONS.get() + 1);
    }
}

// SAFETY: all work is done by the system's allocator; counting neither allocates nor fails.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count();
        // SAFETY: the caller keeps the contract, which is the system allocator's too.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, memory: *mut u8, layout: Layout) {
        // SAFETY: as for `alloc`.
        unsafe { System.dealloc(memory, layout) }
    }

    unsafe fn realloc(&self, memory: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        count();
        // SAFETY: as for `alloc`.
        unsafe { System.realloc(memory, layout, size) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// Returns how often memory was allocated in `act`.
fn allocations<T>(act: impl FnOnce() -> T) -> (u64, T) {
    let before = ALLOCATIONS.get();
    let result = act();
    (ALLOCATIONS.get() - before, result)
}

/// Returns the calls that `act` makes, as `(jail_set, jail_get, jail_attach and both removals, all)`.
fn calls<T>(host: &Host, act: impl FnOnce() -> T) -> Option<((u64, u64, u64, u64), T)> {
    let model = host.model()?;
    let before = model.calls();
    let result = act();
    let after = model.calls();
    let other = |calls: &sim::Calls| {
        calls.jail_attach + calls.jail_remove + calls.jail_attach_jd + calls.jail_remove_jd
    };
    let made = (
        after.jail_set - before.jail_set,
        after.jail_get - before.jail_get,
        other(&after) - other(&before),
        after.total() - before.total(),
    );
    Some((made, result))
}

fn a_jail() -> OwnedJail {
    Jail::builder()
        .name(name("count"))
        .path("/")
        .hostname("www.example.org")
        .ip4([Ipv4Addr::new(10, 9, 9, 1)])
        .securelevel(1)
        .children_max(2)
        .create()
        .expect("created")
}

#[test]
fn the_counter_counts() {
    assert_eq!(allocations(|| Box::new(1)).0, 1);
    assert_eq!(allocations(|| 1).0, 0);
}

#[test]
fn each_operation_is_one_call_on_every_release() {
    for release in common::releases() {
        let host = common::model(sim::Kernel::with_release(release));
        let _ = freebsd_jail::Features::current();
        let count = |act: &mut dyn FnMut()| calls(&host, act).expect("the model").0;

        let mut jail = None;
        assert_eq!(count(&mut || jail = Some(a_jail())), (1, 0, 0, 1), "create on {release:?}");
        let jail = jail.expect("created");
        assert_eq!(count(&mut || drop(Jail::open(jail.jid()))), (0, 1, 0, 1), "open on {release:?}");
        assert_eq!(count(&mut || drop(jail.get(param::SECURELEVEL))), (0, 1, 0, 1), "get on {release:?}");
        let five = (param::NAME, param::PATH, param::HOST_HOSTNAME, param::SECURELEVEL, param::IP4_ADDR);
        assert_eq!(count(&mut || drop(jail.get(five))), (0, 1, 0, 1), "get five on {release:?}");
        // If mac_do(4) is loaded, which is found out once, an update carries the rules that it has read first.
        let carry = u64::from(jail.get(param::MAC_DO).is_ok());
        jail.update(&JailUpdate::new().hostname("once")).expect("set");
        assert_eq!(
            count(&mut || jail.update(&JailUpdate::new().securelevel(2)).expect("set")),
            (1, carry, 0, 1 + carry),
            "update on {release:?}"
        );
        let mut listed = 0;
        let list =
            count(&mut || listed = Jail::all().get((param::JID, param::NAME)).map(Result::unwrap).count());
        // One sysctl for all, which is three calls: for its number, the length and the list.
        assert_eq!((listed, list), (1, (0, 0, 0, 3)), "list of what one sysctl has on {release:?}");
        let list = count(&mut || listed = Jail::all().get(param::NAME).map(Result::unwrap).count());
        // Its number is known by now, and so is how much room it takes.
        assert_eq!((listed, list), (1, (0, 0, 0, 1)), "another list on {release:?}");
        let list = count(&mut || {
            listed = Jail::all().get((param::JID, param::SECURELEVEL)).map(Result::unwrap).count();
        });
        assert_eq!((listed, list), (1, (0, 2, 0, 2)), "list on {release:?}");
        let mut jail = Some(jail);
        assert_eq!(
            count(&mut || jail.take().expect("there").remove().expect("removed")),
            (0, 0, 1, 1),
            "remove on {release:?}"
        );
        let mut jail = Some(a_jail());
        assert_eq!(count(&mut || drop(jail.take())), (0, 0, 1, 1), "drop on {release:?}");
        let owned = a_jail();
        // A process does not attach to a jail by the handle that owns it.
        let jail = Jail::open(owned.jid()).expect("found");
        let attaching = if jail.descriptor().is_some() { (1, carry, 0, 1 + carry) } else { (0, 0, 1, 1) };
        assert_eq!(count(&mut || jail.attach().expect("attached")), attaching, "attach on {release:?}");
    }
}

#[test]
fn a_list_of_children_takes_as_many_calls_as_jails_and_few_more() {
    for release in common::releases() {
        let host = common::model(sim::Kernel::with_release(release));
        let jail = Jail::builder().path("/").children_max(3).create().expect("created");
        let children = [(); 3].map(|()| jail.child_builder().path("/").create().expect("created"));
        let mut listed = 0;
        let (made, ()) =
            calls(&host, || listed = jail.children().get(param::JID).map(Result::unwrap).count())
                .expect("the model");
        // Before 15 all jails are read, the one above too, and first its name; on 15 those below alone, each time after
        // asking whether it is alive. The last call finds no more.
        let has_descriptors = release == sim::Release::FREEBSD_15_1;
        let expected = if has_descriptors { (0, 4, 0, 8) } else { (0, 6, 0, 6) };
        assert_eq!((listed, made), (children.len(), expected), "{release:?}");
    }
}

#[test]
fn a_list_that_outgrows_its_buffer_takes_one_call_more() {
    let host = host();
    let jail = Jail::builder()
        .name(name("grow"))
        .path("/")
        .ip4((1..=50).map(|last| Ipv4Addr::new(10, 9, 8, last)).collect::<Vec<_>>())
        .create()
        .expect("created");
    let Some((made, addresses)) = calls(&host, || jail.get(param::IP4_ADDR).expect("read")) else { return };
    assert_eq!((made, addresses.len()), ((0, 2, 0, 2), 50));
}

#[test]
fn reading_integers_allocates_nothing() {
    let _host = host();
    let jail = a_jail();
    let by_jid = Jail::unpinned(jail.jid());
    for jail in [&*jail, &by_jid] {
        let _ = jail.get(param::SECURELEVEL);
        let (allocated, level) = allocations(|| jail.get(param::SECURELEVEL));
        assert_eq!((allocated, level.expect("read")), (0, 1));
        let keys = (
            param::JID,
            param::SECURELEVEL,
            param::CHILDREN_MAX,
            param::CHILDREN_CUR,
            param::PERSIST,
            param::DYING,
            param::PARENT,
            param::IP4,
        );
        let (allocated, values) = allocations(|| jail.get(keys));
        assert_eq!(allocated, 0);
        assert_eq!(values.expect("read").0, jail.jid());
    }
}

#[test]
fn reading_a_string_allocates_the_string_alone() {
    let _host = host();
    let jail = a_jail();
    let (allocated, hostname) = allocations(|| jail.get(param::HOST_HOSTNAME));
    assert_eq!((allocated, hostname.expect("read").to_str()), (1, Some("www.example.org")));
    let (allocated, five) = allocations(|| {
        jail.get((param::NAME, param::PATH, param::HOST_HOSTNAME, param::SECURELEVEL, param::IP4_ADDR))
    });
    assert_eq!((allocated, five.expect("read").3), (4, 1));
}

#[test]
fn other_operations_allocate_a_small_constant() {
    let _host = host();
    let _ = a_jail();
    // The builder's two lists, and the name that is made up here.
    let (created, jail) = allocations(a_jail);
    println!("create: {created} allocations");
    assert!(created <= 4, "create: {created}");
    let described = Jail::builder().path("/").meta("k", "v");
    let (created, with_meta) = allocations(|| described.create());
    println!("create with meta: {created} allocations");
    match with_meta {
        Ok(_) => assert!(created <= 3, "create with meta: {created}"),
        Err(error) => assert_eq!(error.kind(), freebsd_jail::ErrorKind::UnknownParameter, "{error}"),
    }
    let (updated, result) = allocations(|| jail.update(&JailUpdate::new().securelevel(2)));
    result.expect("set");
    println!("update: {updated} allocations");
    assert!(updated <= 2, "update: {updated}");
    let _ = jail.set(param::SECURELEVEL, 2);
    let (set, result) = allocations(|| jail.set(param::SECURELEVEL, 2));
    result.expect("set");
    println!("set: {set} allocations");
    assert_eq!(set, 0);
    let (removed, result) = allocations(|| jail.remove());
    result.expect("removed");
    assert_eq!(removed, 0);
}

#[test]
fn listing_takes_as_many_calls_however_many_jails_there_are_where_one_sysctl_has_all() {
    let host = common::model(sim::Kernel::new());
    let mut jails = Vec::new();
    let mut counted = Vec::new();
    for many in [10, 100, 1000] {
        let missing = many - jails.len();
        let one = |_| Jail::builder().name(name("many")).path("/").create_detached().expect("created");
        jails.extend((0..missing).map(one));
        let mut listed = 0;
        let keys = (param::JID, param::NAME, param::PATH, param::HOST_HOSTNAME);
        let list = || listed = Jail::all().get(keys).map(Result::unwrap).count();
        counted.push(calls(&host, list).expect("the model").0);
        assert_eq!(listed, many);
        let walk = || listed = Jail::all().get(param::SECURELEVEL).map(Result::unwrap).count();
        let calls_of_walk = u64::try_from(many).expect("few") + 1;
        assert_eq!(calls(&host, walk).expect("the model").0, (0, calls_of_walk, 0, calls_of_walk));
        assert_eq!(listed, many);
    }
    assert_eq!(counted, [(0, 0, 0, 3); 3]);
}

#[test]
fn a_listing_allocates_nothing_of_its_own() {
    let _host = host();
    let _jails: Vec<_> =
        (0..10).map(|_| Jail::builder().name(name("list")).path("/").create().expect("created")).collect();
    let _ = Jail::all().get(param::SECURELEVEL).count();
    let (allocated, count) = allocations(|| Jail::all().get(param::SECURELEVEL).flatten().count());
    // The end of the list is the kernel's error, which is one box, one text and one source.
    assert!(allocated <= 4 && count >= 10, "{allocated} allocations for {count} jails");
}

#[test]
fn the_processes_of_a_thousand_jails_take_one_sysctl() {
    let host = common::model(sim::Kernel::new());
    let model = host.model().expect("a model");
    let jail = |_| Jail::builder().name(name("many")).path("/").create_detached().expect("created").jid();
    let jails: Vec<_> = (0..1000).map(jail).collect();
    let attach = |jid: &Jid| {
        let child = model.process().fork();
        child.run(|| Jail::open(*jid).and_then(|jail| jail.attach())).expect("attached");
        child
    };
    let inside: Vec<_> = jails.iter().map(attach).collect();
    let ((_, _, _, all), processes) =
        calls(&host, || Processes::current().expect("listed")).expect("a model");
    assert_eq!(all, 1);
    let before = model.calls();
    for (jid, child) in jails.iter().zip(&inside) {
        let found: Vec<_> = processes.of(*jid).iter().map(|process| process.pid).collect();
        assert_eq!(found, [child.pid()]);
    }
    assert_eq!(model.calls().total(), before.total());
}
