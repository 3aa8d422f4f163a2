//! Events and waits in a tokio runtime.

#![allow(clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

mod common;

use core::future::Future;
use core::pin::pin;
use core::task::{Context, Poll, Waker};
use std::os::unix::process::ExitStatusExt;
use std::time::{Duration, Instant};

use common::events::{kinds, on_every_kernel_with_events};
use common::fork::in_child;
use common::process::alone;
use common::programs::{on_every_executing_kernel, shell};
use common::{host, jail, model, on_every_kernel};
use freebsd_jail::watch::{
    AsyncFollower, AsyncWatcher, EventKind, Followed, Follower, HeldJail, WaitOutcome,
};
use freebsd_jail::{ErrorKind, Jail, JailUpdate, OwnedJail, Watcher, raw, sim};
use tokio::runtime::{Builder, Runtime};
use tokio::time::{sleep, timeout};

/// Longer than anything takes, on an emulated machine too.
const LONG: Duration = Duration::from_secs(60);
const SOON: Duration = Duration::from_millis(20);
const INTERVAL: Duration = Duration::from_millis(10);

fn runtime() -> Runtime {
    Builder::new_current_thread().enable_all().build().expect("a runtime")
}

fn touch(jail: &Jail, level: i32) {
    jail.update(&JailUpdate::new().securelevel(level)).expect("updated");
}

/// Polls a future so many times, letting the runtime do its work before each but the first, and drops it. Returns what
/// it was ready with.
async fn drop_after<F: Future>(polls: usize, future: F) -> Option<F::Output> {
    let mut future = pin!(future);
    let mut context = Context::from_waker(Waker::noop());
    for poll in 0..polls {
        if poll > 0 {
            sleep(Duration::from_millis(3)).await;
        }
        if let Poll::Ready(output) = future.as_mut().poll(&mut context) {
            return Some(output);
        }
    }
    None
}

/// How many times futures are polled at most before they are dropped. All here wait at fewer places.
const POLLS: usize = 6;

#[test]
fn a_watcher_can_be_awaited() {
    on_every_kernel_with_events(|_| {
        runtime().block_on(async {
            let jail = jail("awaited");
            let watcher = Watcher::new().expect("a watcher").into_async().expect("registered");
            let watch = watcher.get_ref().watch(&jail).expect("watched");
            let act = async {
                sleep(SOON).await;
                touch(&jail, 1);
            };
            let (event, ()) = tokio::join!(timeout(LONG, watcher.wait()), act);
            let event = event.expect("in time").expect("an event");
            assert_eq!((kinds(&event), event.watch()), (vec![EventKind::Changed], watch));
            jail.remove().expect("removed");
            assert!(timeout(LONG, watcher.wait()).await.expect("in time").expect("an event").is_removed());
            assert!(timeout(SOON, watcher.wait()).await.is_err(), "nothing more");
            assert!(watcher.into_inner().try_next().expect("asked").is_none());
        });
    });
}

#[test]
fn dropping_a_watcher_s_future_loses_nothing() {
    on_every_kernel_with_events(|_| {
        runtime().block_on(async {
            let jail = jail("cancelled");
            let watcher = Watcher::new().expect("a watcher").into_async().expect("registered");
            watcher.get_ref().watch(&jail).expect("watched");
            for polls in 0..POLLS {
                assert!(drop_after(polls, watcher.wait()).await.is_none(), "there is no event");
                let level = i32::try_from(polls).expect("small");
                touch(&jail, level);
                let early = drop_after(polls, watcher.wait()).await;
                let event = match early {
                    Some(event) => event,
                    None => timeout(LONG, watcher.wait()).await.expect("in time"),
                };
                assert_eq!(kinds(&event.expect("an event")), [EventKind::Changed], "after {polls} polls");
            }
        });
    });
}

#[test]
fn dropping_a_follower_s_future_loses_nothing() {
    on_every_kernel(|_| {
        runtime().block_on(async {
            let follower = Follower::with_interval(INTERVAL).expect("a follower");
            let mut follower = follower.into_async().expect("registered");
            while timeout(SOON, follower.wait()).await.is_ok() {}
            for polls in 0..POLLS {
                assert!(drop_after(polls, follower.wait()).await.is_none(), "nothing has happened");
                let jail = jail("cancelled");
                let jid = jail.jid();
                let told = next(&mut follower, polls).await;
                assert!(matches!(&told, Followed::Appeared(seen) if seen.jid() == jid), "{told:?}");
                drop(jail);
                let told = next(&mut follower, polls).await;
                assert!(matches!(&told, Followed::Removed(seen) if seen.jid() == jid), "{told:?}");
            }
            assert_eq!(follower.get_ref().jails().filter(|seen| seen.parent().is_some()).count(), 0);
        });
    });
}

/// What comes next, after one future was dropped that had been polled so many times.
async fn next(follower: &mut AsyncFollower, polls: usize) -> Followed {
    let told = match drop_after(polls, follower.wait()).await {
        Some(told) => told,
        None => timeout(LONG, follower.wait()).await.expect("in time"),
    };
    told.expect("a report")
}

#[test]
fn the_end_of_a_jail_can_be_awaited() {
    on_every_kernel(|host| {
        runtime().block_on(async {
            let jail = jail("ends");
            let same = jail.try_clone().expect("cloned");
            assert!(same.wait_dying_async(Some(SOON)).await.expect("waited").is_timed_out());
            let WaitOutcome::TimedOut(mut held) = same.wait_gone_async(Some(SOON)).await.expect("waited")
            else {
                panic!("it is there");
            };
            assert!(!held.is_dying());
            let inmate = host.inmate(&jail);
            let act = async {
                sleep(SOON).await;
                jail.remove().expect("removed");
            };
            let (dying, ()) = tokio::join!(same.wait_dying_async(Some(LONG)), act);
            assert!(dying.expect("waited").is_done());
            // A zombie holds it.
            assert!(held.wait_gone_async(Some(SOON)).await.expect("waited").is_timed_out());
            assert!(held.is_dying());
            let act = async {
                sleep(SOON).await;
                inmate.bury();
            };
            let (gone, ()) = tokio::join!(held.wait_gone_async(Some(LONG)), act);
            assert!(gone.expect("waited").is_done());
            assert!(same.wait_gone_async(None).await.expect("waited").is_done());
        });
    });
}

#[test]
fn a_wait_that_can_get_no_event_looks_and_other_errors_are_returned() {
    let host = model(sim::Kernel::new());
    let model = host.model().expect("the model");
    let jail = Jail::builder().path("/").create_detached().expect("created");
    let by_jid = Jail::unpinned(jail.jid());
    let wait = |jail: &Jail| runtime().block_on(jail.wait_dying_async(Some(SOON)));
    // By jid it needs a descriptor first; then a queue, and a filter.
    for (jail, calls) in [(&jail, 2), (&by_jid, 3)] {
        model.reset_calls();
        assert!(wait(jail).expect("waited").is_timed_out());
        assert_eq!(model.calls().fstat, 0, "an event is waited for");
        for after in 0..calls {
            model.fault(after, sim::Fault::Errno(libc::EMFILE));
            assert!(wait(jail).expect("it looks").is_timed_out(), "{after}");
            model.fault(after, sim::Fault::Errno(libc::EIO));
            assert_eq!(wait(jail).expect_err("a fault").errno(), Some(libc::EIO), "{after}");
        }
        // A descriptor that lacks the right.
        model.fault(calls - 1, sim::Fault::Errno(93));
        assert!(wait(jail).expect("it looks").is_timed_out());
    }
    let clone = by_jid.try_clone().expect("cloned");
    jail.remove().expect("removed");
    assert!(wait(&by_jid).expect("waited").is_done());
    assert_eq!(clone.remove().expect_err("gone").kind(), ErrorKind::Gone);
    assert!(wait(&by_jid).expect("waited").is_done());
}

#[test]
fn a_forked_child_does_not_wait_by_its_parent_s_owner() {
    alone("a_forked_child_does_not_wait_by_its_parent_s_owner", || {
        let _host = host();
        let owned = jail("owned");
        in_child(|| {
            let waited = runtime().block_on(owned.wait_dying_async(Some(SOON)));
            assert_eq!(waited.expect_err("the parent's").kind(), ErrorKind::OtherProcess);
        });
    });
}

#[test]
fn dropping_a_wait_leaves_the_jail_alone_and_the_next_one_ends() {
    on_every_kernel(|_| {
        runtime().block_on(async {
            for polls in 0..POLLS {
                let jail = jail("waits");
                let same = jail.try_clone().expect("cloned");
                assert!(drop_after(polls, same.wait_dying_async(None)).await.is_none());
                assert!(drop_after(polls, same.wait_gone_async(None)).await.is_none());
                let WaitOutcome::TimedOut(mut held) =
                    same.wait_gone_async(Some(Duration::ZERO)).await.expect("waited")
                else {
                    panic!("it is there");
                };
                assert!(drop_after(polls, held.wait_gone_async(None)).await.is_none());
                assert!(jail.is_alive().expect("asked"));
                jail.remove().expect("removed");
                assert!(
                    timeout(LONG, same.wait_dying_async(None))
                        .await
                        .expect("in time")
                        .expect("waited")
                        .is_done()
                );
                assert!(
                    timeout(LONG, held.wait_gone_async(None))
                        .await
                        .expect("in time")
                        .expect("waited")
                        .is_done()
                );
            }
        });
    });
}

#[test]
fn an_owner_removes_and_waits_without_blocking() {
    on_every_kernel(|host| {
        runtime().block_on(async {
            let jail = jail("owned");
            let jid = jail.jid();
            let inmate = host.inmate(&jail);
            let removed = jail.remove_and_wait_async(Some(SOON)).await.expect("removed");
            let WaitOutcome::TimedOut(mut held) = removed else { panic!("a zombie holds it") };
            assert!(held.is_dying());
            assert_eq!(held.holders().expect("listed").processes.len(), 1);
            inmate.bury();
            assert!(held.wait_gone_async(Some(LONG)).await.expect("waited").is_done());
            // Dropping the owner does not remove the next jail of the jid.
            let next = Jail::builder().jid(jid).path("/").create().expect("created");
            drop(jail);
            assert!(next.is_alive().expect("asked"));
            assert!(next.remove_and_wait_async(Some(LONG)).await.expect("removed").is_done());
            let again = next.remove_and_wait_async(None).await.expect_err("removed before");
            assert_eq!(again.kind(), ErrorKind::Gone);
        });
    });
}

#[test]
fn a_removal_that_was_begun_is_made_even_if_its_future_is_dropped() {
    on_every_kernel(|_| {
        runtime().block_on(async {
            for polls in 0..POLLS {
                let jail = jail("dropped");
                let jid = jail.jid();
                let outcome = drop_after(polls, jail.remove_and_wait_async(None)).await;
                if polls == 0 {
                    assert!(outcome.is_none());
                    assert!(jail.is_alive().expect("asked"), "it had not begun");
                    continue;
                }
                let dying = jail.wait_dying_async(Some(LONG)).await.expect("waited");
                assert!(dying.is_done(), "after {polls} polls");
                assert!(raw::jail_remove(jid).is_err() || outcome.is_none());
            }
        });
    });
}

#[test]
fn dropping_a_wait_for_a_dying_jail_leaves_it_to_the_next_one() {
    on_every_kernel(|host| {
        runtime().block_on(async {
            let jail = jail("dying");
            let same = jail.try_clone().expect("cloned");
            let inmate = host.inmate(&jail);
            let WaitOutcome::TimedOut(mut held) = jail.remove_and_wait(Some(SOON)).expect("removed") else {
                panic!("a zombie holds it")
            };
            for polls in 0..POLLS {
                assert!(drop_after(polls, same.wait_gone_async(None)).await.is_none());
                assert!(drop_after(polls, held.wait_gone_async(None)).await.is_none());
            }
            inmate.bury();
            assert!(held.wait_gone_async(Some(LONG)).await.expect("waited").is_done());
            assert!(same.wait_gone_async(Some(LONG)).await.expect("waited").is_done());
        });
    });
}

/// A program in the jail, as a child of tokio's.
fn idle(jail: &Jail) -> tokio::process::Child {
    let command = shell(jail, "exec sleep 600").into_std().expect("converted");
    tokio::process::Command::from(command).spawn().expect("started")
}

#[test]
fn children_are_reaped_without_blocking() {
    on_every_executing_kernel(|_| {
        runtime().block_on(async {
            let jail = jail("reaped");
            let mut children = [idle(&jail), idle(&jail)];
            let mut other = shell(&jail, "exec sleep 600").spawn().expect("started");
            assert!(
                jail.remove_and_reap_async([&mut other], Some(SOON)).await.expect("removed").is_timed_out()
            );
            // On a slow machine it has not ended by then, and would hold the jail.
            assert_eq!(other.wait().expect("waited for").signal(), Some(libc::SIGKILL));
            let outcome = jail.remove_and_reap_async(&mut children, Some(LONG)).await;
            assert!(outcome.expect("reaped").is_done());
            for mut child in children {
                let status = timeout(LONG, child.wait()).await.expect("in time").expect("waited for");
                assert_eq!(status.signal(), Some(libc::SIGKILL));
            }
        });
    });
}

#[test]
fn a_child_outside_of_the_jail_is_awaited_until_the_timeout() {
    on_every_executing_kernel(|_| {
        runtime().block_on(async {
            let jail = jail("outside");
            let mut outside = tokio::process::Command::new("/bin/sleep").arg("600").spawn().expect("started");
            let outcome = jail.remove_and_reap_async([&mut outside], Some(SOON)).await.expect("removed");
            let WaitOutcome::TimedOut(mut held) = outcome else { panic!("a child runs on") };
            assert!(held.wait_gone_async(Some(Duration::ZERO)).await.expect("waited").is_done());
            outside.kill().await.expect("killed");
        });
    });
}

#[test]
fn dropping_a_removal_that_reaps_leaves_the_children_to_the_next_one() {
    on_every_executing_kernel(|_| {
        runtime().block_on(async {
            for polls in 0..POLLS {
                let jail = jail("dropped");
                let mut children = [idle(&jail), idle(&jail)];
                drop_after(polls, jail.remove_and_reap_async(&mut children, None)).await;
                if polls == 0 {
                    assert!(jail.is_alive().expect("asked"), "it had not begun");
                }
                let outcome = jail.remove_and_reap_async(&mut children, Some(LONG)).await;
                assert!(outcome.expect("reaped").is_done(), "after {polls} polls");
                for child in &mut children {
                    let status = child.try_wait().expect("waited for").expect("its status was read");
                    assert_eq!(status.signal(), Some(libc::SIGKILL));
                }
            }
        });
    });
}

#[test]
fn other_tasks_go_on_while_one_waits() {
    on_every_kernel(|_| {
        runtime().block_on(async {
            let jails: Vec<OwnedJail> = (0..20).map(|_| jail("many")).collect();
            let begun = Instant::now();
            let waits: Vec<_> = jails
                .iter()
                .map(|jail| {
                    let same = jail.try_clone().expect("cloned");
                    tokio::spawn(
                        async move { same.wait_gone_async(Some(LONG)).await.expect("waited").is_done() },
                    )
                })
                .collect();
            sleep(SOON).await;
            drop(jails);
            for wait in waits {
                assert!(wait.await.expect("joined"));
            }
            assert!(begun.elapsed() < LONG);
        });
    });
}

#[test]
fn outside_of_a_runtime_it_is_refused() {
    on_every_kernel_with_events(|_| {
        let jail = jail("outside");
        let refused =
            |error: freebsd_jail::Error| assert_eq!(error.kind(), ErrorKind::Unsupported, "{error}");
        refused(Watcher::new().expect("a watcher").into_async().expect_err("refused"));
        refused(Follower::new().expect("a follower").into_async().expect_err("refused"));
        let mut context = Context::from_waker(Waker::noop());
        let dying = pin!(jail.wait_dying_async(None)).poll(&mut context);
        let Poll::Ready(Err(error)) = dying else { panic!("{dying:?}") };
        refused(error);
        let removed = pin!(jail.remove_and_wait_async(None)).poll(&mut context);
        let Poll::Ready(Err(error)) = removed else { panic!("not refused") };
        refused(error);
        let none: [std::process::Child; 0] = [];
        let removed = pin!(jail.remove_and_reap_async(none, None)).poll(&mut context);
        let Poll::Ready(Err(error)) = removed else { panic!("not refused") };
        refused(error);
        assert!(jail.is_alive().expect("asked"), "it was refused before anything was done");
    });
}

#[test]
fn futures_go_to_other_threads() {
    fn check<T: Send>(_: Option<T>) {}
    fn of<A, T: Send>(_: impl Fn(A) -> T) {}
    check::<AsyncWatcher>(None);
    check::<AsyncFollower>(None);
    of(|watcher: &'static AsyncWatcher| watcher.wait());
    of(|follower: &'static mut AsyncFollower| follower.wait());
    of(|jail: &'static Jail| jail.wait_dying_async(None));
    of(|jail: &'static Jail| jail.wait_gone_async(None));
    of(|jail: &'static Jail| jail.remove_and_wait_async(None));
    of(|(jail, child): (&'static Jail, tokio::process::Child)| jail.remove_and_reap_async([child], None));
    of(|held: &'static mut HeldJail| held.wait_gone_async(None));
}
