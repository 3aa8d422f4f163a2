//! All jails at one moment, including dying ones.

#![allow(clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

mod common;

use common::{host, jail, model, name, on_every_kernel};
use freebsd_jail::{
    ErrorKind, Jail, Jails, OwnedJail, param, sim,
    snapshot::{JailState, Snapshot},
};

#[test]
fn dying_jails_are_listed_on_request() {
    on_every_kernel(|host| {
        let outer = jail("lists");
        let inner = outer.child_builder().name("inner").path("/").create().expect("created");
        let jid = inner.jid();
        let inmate = host.inmate(&inner);
        inner.remove().expect("removed");
        let children = |dying: bool| {
            let children = outer.children().dying(dying).get((param::JID, param::DYING));
            children.map(|child| child.expect("read")).collect::<Vec<_>>()
        };
        assert_eq!(children(false), []);
        assert_eq!(children(true), [(jid, true)]);
        let all = |dying: bool| {
            let all: Vec<Jail> = Jail::all().dying(dying).map(|jail| jail.expect("a handle")).collect();
            all.iter().any(|jail| jail.jid() == jid)
        };
        assert!(!all(false) && all(true));
        inmate.bury();
    });
}

#[test]
fn what_is_read_of_listed_jails_has_dying_ones_in_it() {
    on_every_kernel(|host| {
        let outer = jail("infos");
        let inner = outer.child_builder().name("inner").path("/").hostname("i").create().expect("created");
        let living = outer.child_builder().name("living").path("/").create().expect("created");
        let jid = inner.jid();
        let inmate = host.inmate(&inner);
        inner.remove().expect("removed");
        let infos = |jails: Jails<'_>| jails.info().collect::<Result<Vec<_>, _>>().expect("read");
        let mut alive = living.info().expect("read");
        (alive.name, alive.parent) = ("living".into(), None);
        assert_eq!(infos(outer.children()), [alive]);
        let with_dying = infos(outer.children().dying(true));
        let found = with_dying.iter().find(|info| info.jid == jid).expect("listed");
        assert_eq!(
            (found.dying, found.name.to_str(), found.hostname.to_str()),
            (true, Some("inner"), Some("i"))
        );
        assert_eq!(with_dying.iter().filter(|info| info.dying).count(), 1);
        inmate.bury();
    });
}

#[test]
fn listing_what_is_known_of_jails_takes_one_call_per_jail() {
    for release in common::releases() {
        let host = model(sim::Kernel::with_release(release));
        let jails: Vec<OwnedJail> = (0..5).map(|_| jail("counted")).collect();
        let calls = || host.calls().expect("the model").jail_get;
        // What the kernel was built without is found out once.
        let first = Jail::all().info().collect::<Result<Vec<_>, _>>().expect("read");
        let before = calls();
        let infos = Jail::all().info().collect::<Result<Vec<_>, _>>().expect("read");
        assert_eq!(calls() - before, 6, "one for each, and the end");
        assert_eq!(infos, first);
        assert_eq!(infos, jails.iter().map(|jail| jail.info().expect("read")).collect::<Vec<_>>());
    }
}

#[test]
fn a_snapshot_agrees_with_the_listing() {
    on_every_kernel(|host| {
        let outer = Jail::builder()
            .name(name("outer"))
            .path("/")
            .hostname("outer.example.org")
            .ip4([[127, 0, 0, 1].into(), [127, 0, 0, 2].into()])
            .children_max(2)
            .create()
            .expect("created");
        let _inner = outer.child_builder().name("inner").path("/").hostname("").create().expect("created");
        let _beside = Jail::builder().name(name("beside")).path("/").create().expect("created");
        let dying = jail("dying");
        let jid = dying.jid();
        let inmate = host.inmate(&dying);
        dying.remove().expect("removed");

        let snapshot = Snapshot::current().expect("taken");
        let mut listed: Vec<_> = Jail::all()
            .dying(true)
            .get((param::JID, param::NAME, param::PATH, param::HOST_HOSTNAME, param::DYING))
            .map(|entry| entry.expect("read"))
            .collect();
        let mut seen: Vec<_> = snapshot
            .iter()
            .map(|entry| {
                let dying = match entry.state() {
                    JailState::Alive => false,
                    JailState::Dying => true,
                    other => panic!("{other:?}"),
                };
                assert_eq!(entry.is_alive(), !dying);
                let (name, path, hostname) = (entry.name(), entry.path(), entry.hostname());
                (entry.jid(), name.to_owned(), path.to_owned(), hostname.to_owned(), dying)
            })
            .collect();
        seen.sort();
        listed.sort();
        assert_eq!(seen, listed);
        assert_eq!(snapshot.len(), listed.len());
        assert!(!snapshot.is_empty());
        assert!((&snapshot).into_iter().eq(snapshot.iter()));
        let found = snapshot.into_iter().find(|entry| entry.jid() == jid).expect("dying jails are in it");
        assert_eq!(found.state(), JailState::Dying);
        inmate.bury();
    });
}

#[test]
fn a_snapshot_of_many_jails_is_one_sysctl() {
    let host = host();
    let jails: Vec<OwnedJail> = (0..100).map(|_| jail("snapped")).collect();
    let before = host.calls();
    let snapshot = Snapshot::current().expect("taken");
    if let (Some(before), Some(after)) = (before, host.model().map(sim::Kernel::calls)) {
        assert_eq!(after.total() - before.total(), after.sysctl - before.sysctl);
        // Its OID, its length, its value.
        assert_eq!(after.sysctl - before.sysctl, 3);
    }
    for jail in &jails {
        assert!(snapshot.iter().any(|entry| entry.jid() == jail.jid()));
    }
    // There is room for some more.
    let _more: Vec<OwnedJail> = (0..7).map(|_| jail("more")).collect();
    let before = host.calls();
    let snapshot = Snapshot::current().expect("taken");
    assert!(snapshot.len() >= 107);
    if let (Some(before), Some(after)) = (before, host.model().map(sim::Kernel::calls)) {
        assert_eq!(after.sysctl - before.sysctl, 1);
    }
}

#[test]
fn a_list_that_cannot_be_read_is_an_error_and_an_empty_one_is_none() {
    let host = model(sim::Kernel::new());
    let kernel = host.model().expect("a model");
    for (errno, kind) in [(libc::ENOMEM, ErrorKind::ResourceExhausted), (libc::EIO, ErrorKind::Other)] {
        kernel.fault(0, sim::Fault::Errno(errno));
        let error = Snapshot::current().expect_err("a fault");
        assert_eq!((error.kind(), error.errno(), kernel.faulted()), (kind, Some(errno), Some("sysctl")));
    }
    assert!(Snapshot::current().expect("taken").is_empty());
}

#[test]
fn without_jails_there_is_no_snapshot() {
    if cfg!(target_os = "freebsd") {
        println!("skipped: this host has jails");
        return;
    }
    assert_eq!(Snapshot::current().expect_err("no jails").kind(), ErrorKind::Unsupported);
}

#[test]
fn snapshots_go_to_other_threads() {
    fn check<T: Send + Sync>() {}
    check::<Snapshot>();
}

#[test]
fn a_list_is_the_same_by_one_sysctl_and_by_a_walk() {
    on_every_kernel(|host| {
        let outer = Jail::builder()
            .name(name("outer"))
            .path("/")
            .hostname("outer.example.org")
            .children_max(5)
            .create()
            .expect("created");
        let inherits = outer.child_builder().name("inherits").path("/").create().expect("created");
        let dying = outer.child_builder().name("dying").path("/").hostname("d").create().expect("created");
        let _last = jail("last");
        let inmate = host.inmate(&dying);
        dying.remove().expect("removed");
        let same = || {
            let keys = (param::JID, param::NAME, param::PATH, param::HOST_HOSTNAME);
            let by_sysctl: Vec<_> = Jail::all().get(keys).map(|read| read.expect("read")).collect();
            // The kernel answers the secure level in a walk only.
            let by_walk: Vec<_> = Jail::all()
                .get((keys, param::SECURELEVEL))
                .map(|read| read.map(|(values, _)| values).expect("read"))
                .collect();
            assert_eq!(by_sysctl, by_walk);
            by_sysctl
        };
        let listed = same();
        let ours = [outer.jid(), inherits.jid(), dying.jid()];
        assert_eq!(ours.map(|jid| listed.iter().any(|jail| jail.0 == jid)), [true, true, false]);
        assert!(listed.windows(2).all(|pair| pair[0].0 < pair[1].0));
        // By kinds known at run time, too, and what was begun by handles goes on after them.
        let names = [("name", param::Kind::String)];
        assert_eq!(Jail::all().get(&names[..]).count(), listed.len());
        let mut handles = Jail::all();
        let first = handles.next().expect("there").expect("a handle").jid();
        let rest: Vec<_> = handles.get(param::JID).map(|jid| jid.expect("read")).collect();
        let after: Vec<_> = listed.iter().map(|jail| jail.0).filter(|jid| *jid > first).collect();
        assert_eq!(rest, after);
        inmate.bury();
    });
}
