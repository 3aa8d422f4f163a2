//! The processors that jails may use.

#![allow(clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

mod common;

use std::time::Duration;

use common::{Host, host, jail, name, on_every_kernel};
use freebsd_jail::cpus::CpuSet;
use freebsd_jail::error::Call;
use freebsd_jail::{Error, ErrorKind, Jail, Jid, raw};

fn below(jail: &Jail) -> Jail {
    jail.child_builder().name(name("below")).path("/").create_detached().expect("created")
}

#[test]
fn a_jail_may_use_its_parent_s_cpus_until_it_is_restricted() {
    on_every_kernel(|_| {
        let outer = jail("outer");
        let all = outer.cpus().expect("read");
        let inner = below(&outer);
        assert_eq!(inner.cpus().expect("read"), all);
        let first = all.iter().take(1).collect::<CpuSet>();
        if all.len() < 2 {
            println!("skipped: this host has one CPU");
            return;
        }
        inner.set_cpus(&first).expect("set");
        assert_eq!((inner.cpus().expect("read"), outer.cpus().expect("read")), (first, all));
    });
}

#[test]
fn t56_jails_below_lose_for_good_what_a_jail_loses() {
    on_every_kernel(|_| {
        let outer = jail("outer");
        let all = outer.cpus().expect("read");
        let inner = below(&outer);
        let first = all.iter().take(1).collect::<CpuSet>();
        outer.set_cpus(&first).expect("set");
        assert_eq!(inner.cpus().expect("read"), first);
        outer.set_cpus(&all).expect("set");
        assert_eq!((outer.cpus().expect("read"), inner.cpus().expect("read")), (all, first));
    });
}

#[test]
fn t56_sets_that_cannot_be_are_refused_and_change_nothing() {
    on_every_kernel(|_| {
        let outer = jail("outer");
        let all = outer.cpus().expect("read");
        for cpus in [CpuSet::default(), CpuSet::from_iter([u32::MAX])] {
            let error = outer.set_cpus(&cpus).expect_err("refused");
            assert_eq!((error.kind(), error.call()), (ErrorKind::InvalidValue, None));
        }
        let error = outer.set_cpus(&CpuSet::from_iter([1023])).expect_err("refused");
        assert_eq!((error.kind(), error.call()), (ErrorKind::InvalidValue, Some(Call::CpusetSetaffinity)));
        if all.len() > 1 {
            let inner = below(&outer);
            let (first, rest) =
                (all.iter().take(1).collect::<CpuSet>(), all.iter().skip(1).collect::<CpuSet>());
            inner.set_cpus(&first).expect("set");
            let error = outer.set_cpus(&rest).expect_err("refused");
            assert_eq!((error.kind(), error.errno()), (ErrorKind::InvalidValue, Some(libc::EDEADLK)));
            // More than the parent has.
            outer.set_cpus(&first).expect("set");
            let error = inner.set_cpus(&all).expect_err("refused");
            assert_eq!((error.kind(), error.errno()), (ErrorKind::InvalidValue, Some(libc::EINVAL)));
            outer.set_cpus(&all).expect("set");
        }
        assert_eq!(outer.cpus().expect("read"), all);
    });
}

#[test]
fn t56_a_removed_jail_is_gone_even_if_another_has_its_jid() {
    on_every_kernel(|_| {
        let first = jail("first");
        let same = first.try_clone().expect("cloned");
        let (jid, all) = (first.jid(), first.cpus().expect("read"));
        drop(first);
        assert_eq!(same.cpus().expect_err("gone").kind(), ErrorKind::Gone);
        assert_eq!(same.set_cpus(&all).expect_err("gone").kind(), ErrorKind::Gone);
        let next = Jail::builder().jid(jid).path("/").create().expect("created");
        if next.descriptor().is_some() {
            assert_eq!(same.cpus().expect_err("gone").kind(), ErrorKind::Gone);
            assert_eq!(same.set_cpus(&all).expect_err("gone").kind(), ErrorKind::Gone);
        }
        assert!(raw::jail_remove(next.jid()).is_ok());
    });
}

/// Attaches in a process that restricts itself to one CPU. Returns the error that this fails with.
fn attach_on(host: &Host, cpu: u32, jail: &Jail) -> Option<(ErrorKind, Option<i32>)> {
    let found = |error: Error| (error.kind(), error.errno());
    if let Some(model) = host.model() {
        let process = model.process().fork();
        process.set_cpus([cpu]).expect("restricted");
        let attached = process.run(|| jail.attach());
        process.exit();
        return attached.err().map(found);
    }
    restricted::attach_on(cpu, jail).map(|errno| (ErrorKind::Other, Some(errno)))
}

#[cfg(target_os = "freebsd")]
mod restricted {
    use super::Jail;

    use nix::sys::wait::{WaitStatus, waitpid};
    use nix::unistd::{ForkResult, fork};

    pub(super) fn attach_on(cpu: u32, jail: &Jail) -> Option<i32> {
        // SAFETY: libc looks after its own locks in the child, which makes a few system calls and exits.
        match unsafe { fork() }.expect("forked") {
            ForkResult::Parent { child } => match waitpid(child, None).expect("waited for") {
                WaitStatus::Exited(_, code) => Some(code).filter(|code| *code != 0),
                status => panic!("{status:?}"),
            },
            ForkResult::Child => {
                // SAFETY: zeros are a set without CPUs.
                let mut set: libc::cpuset_t = unsafe { core::mem::zeroed() };
                // SAFETY: the set is ours, and large enough for the number, which the kernel returned.
                unsafe { libc::CPU_SET(cpu as usize, &mut set) };
                let size = size_of::<libc::cpuset_t>();
                let (level, which) = (libc::CPU_LEVEL_WHICH, libc::CPU_WHICH_PID);
                // SAFETY: about this process; the kernel only reads the set.
                let result = unsafe { libc::cpuset_setaffinity(level, which, -1, size, &raw const set) };
                let errno = match jail.attach() {
                    _ if result == -1 => 255,
                    Ok(()) => 0,
                    Err(error) => error.errno().unwrap_or(254),
                };
                // SAFETY: it ends the process.
                unsafe { libc::_exit(errno) }
            }
        }
    }
}

#[cfg(not(target_os = "freebsd"))]
mod restricted {
    pub(super) fn attach_on(_: u32, _: &super::Jail) -> Option<i32> {
        unreachable!("there is a model")
    }
}

#[test]
fn t47_a_process_without_a_cpu_of_the_jail_cannot_attach() {
    on_every_kernel(|host| {
        let jail = jail("disjoint");
        let same = jail.try_clone().expect("cloned");
        let all: Vec<u32> = jail.cpus().expect("read").iter().collect();
        let [first, second, ..] = *all else {
            println!("skipped: this host has one CPU");
            return;
        };
        jail.set_cpus(&CpuSet::from_iter([first])).expect("set");
        assert_eq!(attach_on(host, second, &same), Some((ErrorKind::Other, Some(libc::EDEADLK))));
        assert_eq!(attach_on(host, first, &same), None);
        // The set that the kernel loses then does not hold the jail.
        assert!(jail.remove_and_wait(Some(Duration::from_secs(60))).expect("removed").is_done());
    });
}

#[test]
fn what_a_process_is_left_with_is_part_of_the_jail_s() {
    let host = host();
    let Some(model) = host.model() else {
        println!("skipped: what becomes of a process is asked of the model");
        return;
    };
    let jail = jail("masked");
    let process = model.process().fork();
    assert_eq!(process.set_cpus([]).expect_err("none").raw_os_error(), Some(libc::EDEADLK));
    assert_eq!(process.set_cpus([9]).expect_err("there is none").raw_os_error(), Some(libc::EINVAL));
    process.set_cpus([1, 2]).expect("restricted");
    jail.set_cpus(&CpuSet::from_iter([0, 1, 3])).expect("set");
    process.run(|| jail.attach()).expect("they have CPU 1 in common");
    // It would be left without any.
    let error = jail.set_cpus(&CpuSet::from_iter([0, 3])).expect_err("refused");
    assert_eq!((error.kind(), error.errno()), (ErrorKind::InvalidValue, Some(libc::EDEADLK)));
    jail.set_cpus(&CpuSet::from_iter([0, 1])).expect("set");
    process.exit();
    jail.set_cpus(&CpuSet::from_iter([0])).expect("set");
}

#[test]
fn without_jails_there_are_no_cpus_of_theirs() {
    if cfg!(target_os = "freebsd") {
        println!("skipped: this host has jails");
        return;
    }
    let jail = Jail::unpinned(Jid::new(1).expect("above zero"));
    assert_eq!(jail.cpus().expect_err("no jails").kind(), ErrorKind::Unsupported);
}

#[test]
fn only_root_may_restrict_a_jail() {
    let host = host();
    let Some(model) = host.model() else {
        println!("skipped: another user is modelled only");
        return;
    };
    let jail = jail("restricted");
    let all = jail.cpus().expect("read");
    let user = model.process().fork();
    user.setuid(1001).expect("another user");
    user.run(|| {
        let same = Jail::open(jail.jid()).expect("opened");
        assert_eq!(same.cpus().expect("read"), all);
        assert_eq!(same.set_cpus(&all).expect_err("refused").kind(), ErrorKind::PermissionDenied);
    });
}
