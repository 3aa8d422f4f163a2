//! Holders of a removed jail.

#![allow(clippy::expect_used, clippy::indexing_slicing, clippy::panic, reason = "a test fails by panicking")]

mod common;

use std::any::Any;
use std::fs::File;
use std::io::{IoSlice, IoSliceMut};
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd, RawFd};
use std::os::unix::net::UnixStream;
use std::process::Command;
use std::time::Duration;

use common::{Host, jail, model, name, on_every_kernel};
use freebsd_jail::sim::{Fault, Kernel, Release};
use freebsd_jail::watch::{HeldJail, Holders, WaitOutcome};
use freebsd_jail::{Jail, JailUpdate, Jid, Network, Result, param, raw};
use nix::sys::socket::{ControlMessage, ControlMessageOwned, MsgFlags, recvmsg, sendmsg};

const SOON: Duration = Duration::from_millis(50);
/// Longer than anything takes, on an emulated machine too.
const LONG: Duration = Duration::from_secs(60);

const AT_ONCE: Option<Duration> = Some(Duration::ZERO);

const DONE: WaitOutcome = WaitOutcome::Done(());
const TIMED_OUT: WaitOutcome = WaitOutcome::TimedOut(());

#[test]
fn t27_a_wait_that_times_out_lists_the_zombies_that_hold_the_jail() {
    on_every_kernel(|host| {
        let jail = jail("zombies");
        let inmates = [host.inmate(&jail), host.inmate(&jail)];
        let mut pids: Vec<u32> = inmates.iter().map(common::Inmate::pid).collect();
        pids.sort_unstable();
        let jid = jail.jid();
        let WaitOutcome::TimedOut(mut held) = jail.remove_and_wait(Some(SOON)).expect("removed") else {
            panic!("two zombies hold it");
        };
        assert!(held.is_dying());
        assert_eq!(held.jid(), Some(jid));
        let holders = held.holders().expect("listed");
        let mut own: Vec<u32> = holders.own_zombies().collect();
        own.sort_unstable();
        assert_eq!(own, pids);
        assert_eq!(holders.processes.len(), 2);
        assert_eq!(holders.jails, []);
        let text = holders.to_string();
        assert!(text.contains(&format!("process {} (a zombie", pids[0])), "{text}");
        let [first, second] = inmates;
        first.bury();
        assert_eq!(held.wait_gone(Some(SOON)).expect("waited"), TIMED_OUT);
        assert_eq!(held.holders().expect("listed").processes.len(), 1);
        second.bury();
        assert_eq!(held.wait_gone(Some(LONG)).expect("waited"), DONE);
        assert!(held.holders().expect("listed").is_empty());
        assert_eq!(held.wait_gone(None).expect("waited"), DONE);
    });
}

#[test]
fn t27_a_dying_jail_below_holds_the_jails_above() {
    on_every_kernel(|host| {
        let outer = jail("outer");
        let inner = outer.child_builder().name("inner").path("/").create_detached().expect("created");
        let inmate = host.inmate(&inner);
        let WaitOutcome::TimedOut(mut held) = outer.remove_and_wait(Some(SOON)).expect("removed") else {
            panic!("the jail below holds it");
        };
        let holders = held.holders().expect("listed");
        assert_eq!((holders.processes.len(), &holders.jails), (0, &vec![inner.jid()]));
        assert_eq!(holders.to_string(), format!("jail {}", inner.jid()));
        inmate.bury();
        assert_eq!(held.wait_gone(Some(LONG)).expect("waited"), DONE);
    });
}

#[test]
fn a_wait_for_a_living_jail_that_times_out_says_that_it_is_alive() {
    on_every_kernel(|host| {
        let jail = jail("lives");
        let inmate = host.inmate(&jail);
        let WaitOutcome::TimedOut(mut held) = jail.wait_gone(Some(SOON)).expect("waited") else {
            panic!("it lives");
        };
        assert!(!held.is_dying());
        let holders = held.holders().expect("listed");
        let [process] = holders.processes[..] else { panic!("{holders:?}") };
        assert_eq!((process.pid, process.is_zombie), (inmate.pid(), false));
        assert_eq!(holders.own_zombies().count(), 0);
        // It is renamed (unless T40 forbids it) and removed, and is still the same jail.
        if !common::real_kernel_accounts_resources() {
            jail.update(&JailUpdate::new().name(name("renamed"))).expect("renamed");
        }
        jail.remove().expect("removed");
        assert_eq!(held.wait_gone(Some(SOON)).expect("waited"), TIMED_OUT);
        assert!(held.is_dying());
        inmate.bury();
        assert_eq!(held.wait_gone(Some(LONG)).expect("waited"), DONE);
    });
}

#[test]
fn a_jail_that_gets_the_jid_and_the_cpuset_of_a_removed_one_does_not_hold_it() {
    on_every_kernel(|_| {
        let jid = Jid::new(880_105).expect("above zero");
        let create = || Jail::builder().jid(jid).path("/").create().expect("created");
        let first = create();
        let WaitOutcome::TimedOut(mut held) = first.wait_gone(Some(Duration::ZERO)).expect("waited") else {
            panic!("it lives");
        };
        drop(first);
        // It gets the lowest free jid: the same one, unless other jails are created meanwhile.
        let second = create();
        if second.descriptor().is_some() {
            assert_eq!(held.wait_gone(Some(LONG)).expect("waited"), DONE);
            assert!(held.holders().expect("listed").is_empty());
        } else {
            println!("skipped: the jid and the cpuset are all that is known of a jail here");
        }
    });
}

/// What is waited for after the timeout.
#[track_caller]
fn held(outcome: Result<WaitOutcome<(), HeldJail>>) -> HeldJail {
    match outcome.expect("waited") {
        WaitOutcome::TimedOut(held) => held,
        WaitOutcome::Done(()) => panic!("it is gone"),
    }
}

/// Has the model lose a reference to a jail's cpuset (T47), so that it outlives the jail.
fn keep_cpuset(host: &Host, jail: &Jail) {
    jail.set_cpus(&[0].into_iter().collect()).expect("set");
    let process = host.model().expect("a model").process().fork();
    process.set_cpus([1]).expect("restricted");
    process.run(|| raw::jail_attach(jail.jid())).expect_err("no CPU in common");
    process.exit();
}

#[test]
fn t49_a_jail_with_a_network_stack_is_gone_when_its_cpuset_is() {
    for release in [Release::FREEBSD_14_2, Release::FREEBSD_15_1] {
        let host = model(Kernel::with_release(release));
        let with_stack =
            || Jail::builder().path("/").network(Network::own_stack()).create().expect("created");
        assert!(with_stack().remove_and_wait(AT_ONCE).expect("removed").is_done());
        let free = jail("free");
        let sysctls = || host.model().expect("a model").calls().sysctl;
        let before = sysctls();
        assert!(free.remove_and_wait(AT_ONCE).expect("removed").is_done());
        assert_eq!(sysctls(), before, "its cpuset is gone, so nothing is listed");
        let plain = jail("plain");
        keep_cpuset(&host, &plain);
        assert!(plain.remove_and_wait(AT_ONCE).expect("removed").is_done(), "it has no network stack");

        let stack = with_stack();
        keep_cpuset(&host, &stack);
        let mut with_own = held(stack.remove_and_wait(AT_ONCE));
        // The one below may have a network stack.
        let outer = jail("outer");
        keep_cpuset(&host, &outer);
        let _inner = outer.child_builder().path("/").create_detached().expect("created");
        let inmate = host.inmate(&outer);
        let mut with_child = held(outer.remove_and_wait(AT_ONCE));
        inmate.bury();
        // They are found when they are dying.
        let dying = |jail: &Jail, holder: &Jail| {
            keep_cpuset(&host, jail);
            let inmate = host.inmate(holder);
            jail.remove().expect("removed");
            let held = held(jail.wait_gone(AT_ONCE));
            inmate.bury();
            held
        };
        let stack = with_stack();
        let mut found_with_own = dying(&stack, &stack);
        let outer = jail("outer");
        let inner = outer.child_builder().path("/").create_detached().expect("created");
        let mut found_with_child = dying(&outer, &inner);
        let plain = jail("plain");
        assert_eq!(dying(&plain, &plain).wait_gone(AT_ONCE).expect("waited"), DONE);
        let _others = [jail("other"), with_stack()];
        std::thread::sleep(2 * SOON);
        for held in [&mut with_own, &mut with_child, &mut found_with_own, &mut found_with_child] {
            assert_eq!(held.wait_gone(AT_ONCE).expect("waited"), TIMED_OUT, "{held:?}");
        }

        let first = with_stack();
        let cpuset = first.get(param::CPUSET_ID).expect("read");
        let mut reused = held(first.wait_gone(AT_ONCE));
        first.remove().expect("removed");
        let last = with_stack();
        assert_eq!(last.get(param::CPUSET_ID).expect("read"), cpuset);
        if last.descriptor().is_some() {
            let _ = reused.wait_gone(AT_ONCE).expect("waited");
            std::thread::sleep(2 * SOON);
            assert_eq!(reused.wait_gone(AT_ONCE).expect("waited"), DONE, "it is another jail's now");
        }
    }
}

#[test]
fn a_dying_jail_is_known_by_the_last_part_of_its_name() {
    let host = model(Kernel::new());
    let die = |jail: &Jail| {
        let inmate = host.inmate(jail);
        jail.remove().expect("removed");
        inmate
    };
    let outer = jail("outer");
    let inner = outer.child_builder().name("inner").path("/").create_detached().expect("created");
    let inmate = die(&inner);
    let mut nested = held(inner.wait_gone(AT_ONCE));
    outer.update(&JailUpdate::new().name(name("renamed"))).expect("renamed");
    assert_eq!(nested.wait_gone(AT_ONCE).expect("waited"), TIMED_OUT);
    inmate.bury();
    assert_eq!(nested.wait_gone(AT_ONCE).expect("waited"), DONE);

    let first = jail("first");
    let cpuset = first.get(param::CPUSET_ID).expect("read");
    let inmate = die(&first);
    let mut first = held(first.wait_gone(AT_ONCE));
    inmate.bury();
    let second = jail("second");
    assert_eq!(second.get(param::CPUSET_ID).expect("read"), cpuset);
    let _inmate = die(&second);
    assert_eq!(
        first.wait_gone(AT_ONCE).expect("waited"),
        DONE,
        "the cpuset and the path are another jail's now"
    );
}

#[test]
fn a_jail_that_cannot_be_read_is_not_called_gone() {
    let unknown = |name: &str| Fault::Text(libc::EINVAL, format!("unknown parameter: {name}").into());
    let refusals = || [Fault::Text(libc::EPERM, vec![]), unknown("path")];
    for release in [Release::FREEBSD_14_2, Release::FREEBSD_15_1] {
        let host = model(Kernel::with_release(release));
        let kernel = host.model().expect("a model");
        let jail = jail("unread");
        // The kernel may have no network stacks for jails.
        kernel.fault(0, unknown("vnet"));
        let mut living = held(jail.wait_gone(AT_ONCE));
        for refusal in refusals() {
            kernel.fault(0, refusal);
            jail.wait_gone(AT_ONCE).map(drop).expect_err("a fault");
        }
        kernel.fault(0, Fault::Text(libc::EIO, vec![]));
        living.holders().expect_err("a fault");
        assert!(!living.is_dying());
        let inmate = host.inmate(&jail);
        jail.remove().expect("removed");
        assert_eq!(living.holders().expect("listed").processes.len(), 1);
        kernel.fault(0, unknown("vnet"));
        assert_eq!(living.wait_gone(AT_ONCE).expect("waited"), TIMED_OUT);
        for refusal in refusals() {
            kernel.fault(0, refusal);
            living.wait_gone(AT_ONCE).expect_err("a fault");
        }
        inmate.bury();
        assert_eq!(living.wait_gone(AT_ONCE).expect("waited"), DONE);
    }
}

#[test]
fn t48_a_file_opened_inside_holds_the_jail_and_cannot_be_listed() {
    let host = common::host();
    let jail = jail("opened");
    let opened: Box<dyn Any> = if let Some(model) = host.model() {
        let inmate = model.process().fork();
        inmate.run(|| jail.attach()).expect("attached");
        let file = inmate.open_file();
        inmate.kill();
        Box::new(file)
    } else {
        Box::new(opened_inside(&jail))
    };
    let WaitOutcome::TimedOut(mut held) = jail.remove_and_wait(Some(SOON)).expect("removed") else {
        panic!("a file that was opened inside holds it");
    };
    let holders = held.holders().expect("listed");
    assert!(holders.is_empty(), "{holders:?}");
    assert!(holders.to_string().contains("cannot be listed"), "{holders}");
    drop(opened);
    assert_eq!(held.wait_gone(Some(LONG)).expect("waited"), DONE);
}

/// Returns a file that a process in the jail opened, which has ended since.
fn opened_inside(jail: &Jail) -> OwnedFd {
    let (ours, theirs) = UnixStream::pair().expect("a pair");
    let status = Command::new("/usr/sbin/jexec")
        .arg(jail.jid().to_string())
        .arg(std::env::current_exe().expect("this program"))
        .args(["--exact", "child_opens_a_file", "--ignored"])
        .stdin(OwnedFd::from(theirs))
        .status();
    assert!(status.expect("run").success());
    let mut byte = [0];
    let mut room = nix::cmsg_space!([RawFd; 1]);
    let mut into = [IoSliceMut::new(&mut byte)];
    let message =
        recvmsg::<()>(ours.as_raw_fd(), &mut into, Some(&mut room), MsgFlags::empty()).expect("received");
    let found = message.cmsgs().expect("whole").find_map(|sent| match sent {
        ControlMessageOwned::ScmRights(numbers) => numbers.first().copied(),
        _ => None,
    });
    // SAFETY: recvmsg has just made it, and nothing else knows of it.
    unsafe { OwnedFd::from_raw_fd(found.expect("a descriptor")) }
}

#[test]
#[ignore = "run by the test above, in a process of its own"]
fn child_opens_a_file() {
    let file = File::open("/dev/null").expect("opened");
    let numbers = [file.as_raw_fd()];
    let rights = [ControlMessage::ScmRights(&numbers)];
    let bytes = [IoSlice::new(b"1")];
    sendmsg::<()>(std::io::stdin().as_raw_fd(), &bytes, &rights, MsgFlags::empty(), None).expect("sent");
}

#[test]
fn holders_can_be_sent_to_other_threads() {
    fn check<T: Send + Sync>() {}
    check::<HeldJail>();
    check::<Holders>();
}
