//! What the crate costs beside hand-written system calls, on a real kernel.
//!
//! `kernel COUNT`, on FreeBSD as root, makes each operation COUNT times with the crate and as often with
//! `libc::jail_set` and `libc::jail_get` on buffers on the stack. The two take turns in short rounds, the one that
//! begins changing from round to round; what is printed is the median of the rounds. Lines are
//! `freebsd-jail OP NANOSECONDS`, `raw OP NANOSECONDS` and `ratio OP R`.
//!
//! Both do the same job: where the kernel has jail descriptors, the hand-written `create_remove` asks for an
//! owning one, makes it close-on-exec, removes the jail by it and closes it, as the crate does.
//! `create_remove_by_jid` is the same without descriptors: what a jail costs that is not to go with its process,
//! against the crate's owned one.

#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::too_many_lines,
    reason = "a measurement that fails has no result"
)]

#[cfg(target_os = "freebsd")]
mod raw;

#[cfg(target_os = "freebsd")]
fn main() {
    use std::net::Ipv4Addr;
    use std::time::Instant;

    use freebsd_jail::{Jail, JailUpdate, OwnedJail, param};

    const ROUNDS: u32 = 40;
    const ADDRESS: Ipv4Addr = Ipv4Addr::new(10, 99, 0, 1);

    /// Makes both sides take turns and prints what they took.
    fn measure(operation: &str, count: u32, mut ours: impl FnMut(), mut raw: impl FnMut()) {
        let each = (count / ROUNDS).max(1);
        let time = |act: &mut dyn FnMut()| {
            let start = Instant::now();
            for _ in 0..each {
                act();
            }
            start.elapsed().as_secs_f64() * 1e9 / f64::from(each)
        };
        // The first of each warms what caches there are.
        ours();
        raw();
        let (mut crate_times, mut raw_times) = (Vec::new(), Vec::new());
        for round in 0..ROUNDS {
            if round % 2 == 0 {
                crate_times.push(time(&mut ours));
                raw_times.push(time(&mut raw));
            } else {
                raw_times.push(time(&mut raw));
                crate_times.push(time(&mut ours));
            }
        }
        let median = |times: &mut Vec<f64>| {
            times.sort_by(f64::total_cmp);
            let middle = times.len() / 2;
            f64::midpoint(times[middle - 1], times[middle])
        };
        let (ours, raw) = (median(&mut crate_times), median(&mut raw_times));
        println!("freebsd-jail {operation} {ours:.0}");
        println!("raw {operation} {raw:.0}");
        println!("ratio {operation} {:.3}", ours / raw);
    }

    fn a_jail(name: &str) -> OwnedJail {
        Jail::builder()
            .name(name)
            .path("/")
            .hostname("bench.example.org")
            .ip4([ADDRESS])
            .securelevel(1)
            .create()
            .expect("a jail can be created by root")
    }

    // Cargo's `bench` passes `--bench`.
    let count = std::env::args().skip(1).find(|argument| !argument.starts_with('-'));
    let count = count.map_or(2000, |count| count.parse().expect("kernel COUNT"));
    let has_descriptors = freebsd_jail::Features::current().descriptors();

    measure(
        "create_remove",
        count / 4,
        || a_jail("bench").remove().expect("removed"),
        || if has_descriptors { raw::create_remove_owned("bench") } else { raw::create_remove("bench") },
    );
    measure(
        "create_remove_by_jid",
        count / 4,
        || a_jail("bench").remove().expect("removed"),
        || raw::create_remove("bench"),
    );

    let jail = a_jail("bench-read");
    let jid = jail.jid().get();
    measure(
        "get_int",
        count,
        || assert_eq!(jail.get(param::SECURELEVEL).expect("read"), 1),
        || assert_eq!(raw::get_int(jid), 1),
    );
    let by_jid = Jail::unpinned(jail.jid());
    measure(
        "get_int_by_jid",
        count,
        || assert_eq!(by_jid.get(param::SECURELEVEL).expect("read"), 1),
        || assert_eq!(raw::get_int(jid), 1),
    );
    measure(
        "get_string",
        count,
        || assert_eq!(jail.get(param::HOST_HOSTNAME).expect("read"), "bench.example.org"),
        || assert_eq!(raw::get_string(jid), "bench.example.org"),
    );
    measure(
        "get_five",
        count,
        || {
            let (name, path, hostname, securelevel, addresses) = jail
                .get((param::NAME, param::PATH, param::HOST_HOSTNAME, param::SECURELEVEL, param::IP4_ADDR))
                .expect("read");
            assert_eq!((name.len(), path.as_os_str().len(), hostname.len()), (10, 1, 17));
            assert_eq!((securelevel, addresses.as_slice()), (1, &[ADDRESS][..]));
        },
        || {
            let (name, path, hostname, securelevel, addresses) = raw::get_five(jid);
            assert_eq!((name.len(), path.len(), hostname.len()), (10, 1, 17));
            assert_eq!((securelevel, addresses.as_slice()), (1, &[ADDRESS][..]));
        },
    );
    measure(
        "set_int",
        count,
        || jail.update(&JailUpdate::new().securelevel(1)).expect("set"),
        || raw::set_int(jid, 1),
    );
    drop(jail);

    let jails: Vec<OwnedJail> = (0..100)
        .map(|index| Jail::builder().name(format!("bench-{index}")).path("/").create().expect("created"))
        .collect();
    let list = || {
        Jail::all()
            .get((param::NAME, param::PATH))
            .map(|entry| entry.expect("read"))
            .filter(|(name, path)| !name.is_empty() && path.as_os_str() == "/")
            .count()
    };
    measure(
        "list100_name_path",
        (count / 50).max(80),
        || assert!(list() >= 100),
        || assert!(raw::list_name_path() >= 100),
    );
    drop(jails);
}

#[cfg(not(target_os = "freebsd"))]
fn main() {
    println!("kernel: measures on FreeBSD as root only; the bundle of scripts/freebsd-build has it");
}
