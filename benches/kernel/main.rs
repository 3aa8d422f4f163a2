//! What the crate costs beside hand-written system calls and C's libjail, on a real kernel.
//!
//! `kernel COUNT`, on FreeBSD as root, makes each operation COUNT times with the crate, as often with `libc::jail_set`
//! and `libc::jail_get` on buffers on the stack, and as often with libjail where the machine has it. All take turns in
//! short rounds, in another order each round; what is printed is the median of the rounds. Lines are
//!
//! - `freebsd-jail OP NANOSECONDS`: the crate;
//! - `raw OP NANOSECONDS` and `ratio OP R`: the leanest call by hand, which does not ask for the text of an error;
//! - `raw_errmsg OP NANOSECONDS` and `ratio_errmsg OP R`: the call by hand that does;
//! - `libjail OP NANOSECONDS` and `ratio_libjail OP R`: the same by libjail.
//!
//! Each does the same job: where the kernel has jail descriptors, the hand-written `create_remove` asks for an
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
mod libjail;
#[cfg(target_os = "freebsd")]
mod raw;

#[cfg(target_os = "freebsd")]
fn main() {
    use std::net::Ipv4Addr;
    use std::time::Instant;

    use freebsd_jail::{Features, Jail, OwnedJail, param};

    use libjail::Libjail;
    use raw::ERRMSG;

    const ROUNDS: u32 = 40;
    const ADDRESS: Ipv4Addr = Ipv4Addr::new(10, 99, 0, 1);
    const HOSTNAME: &str = "bench.example.org";

    /// One of those that do an operation.
    type Side<'a> = (&'static str, Box<dyn FnMut() + 'a>);

    /// Has all take turns and prints what they took.
    fn measure(operation: &str, count: u32, mut sides: Vec<Side<'_>>) {
        let each = (count / ROUNDS).max(1);
        // The first of each warms what caches there are.
        for (_, act) in &mut sides {
            act();
        }
        let mut times = vec![Vec::new(); sides.len()];
        for round in 0..ROUNDS as usize {
            for turn in 0..sides.len() {
                let index = (round + turn) % sides.len();
                let act = &mut sides[index].1;
                let start = Instant::now();
                for _ in 0..each {
                    act();
                }
                times[index].push(start.elapsed().as_secs_f64() * 1e9 / f64::from(each));
            }
        }
        let medians: Vec<f64> = times
            .iter_mut()
            .map(|times| {
                times.sort_by(f64::total_cmp);
                let middle = times.len() / 2;
                f64::midpoint(times[middle - 1], times[middle])
            })
            .collect();
        for ((side, _), median) in sides.iter().zip(&medians) {
            println!("{side} {operation} {median:.0}");
            match *side {
                "raw" => println!("ratio {operation} {:.3}", medians[0] / median),
                "raw_errmsg" => println!("ratio_errmsg {operation} {:.3}", medians[0] / median),
                "libjail" => println!("ratio_libjail {operation} {:.3}", medians[0] / median),
                _ => {}
            }
        }
    }

    /// The crate, the leanest call, and the one that asks for the text of an error.
    fn sides<'a>(
        ours: impl FnMut() + 'a,
        lean: impl FnMut() + 'a,
        texts: impl FnMut() + 'a,
    ) -> Vec<Side<'a>> {
        vec![("freebsd-jail", Box::new(ours)), ("raw", Box::new(lean)), ("raw_errmsg", Box::new(texts))]
    }

    /// The same, and libjail where it is.
    fn with_libjail<'a>(
        mut sides: Vec<Side<'a>>,
        library: Option<Libjail>,
        mut act: impl FnMut(Libjail) + 'a,
    ) -> Vec<Side<'a>> {
        if let Some(library) = library {
            sides.push(("libjail", Box::new(move || act(library))));
        }
        sides
    }

    fn a_jail(name: &str) -> OwnedJail {
        Jail::builder()
            .name(name)
            .path("/")
            .hostname(HOSTNAME)
            .ip4([ADDRESS])
            .securelevel(1)
            .create()
            .expect("a jail can be created by root")
    }

    // Cargo's `bench` passes `--bench`.
    let count = std::env::args().skip(1).find(|argument| !argument.starts_with('-'));
    let count = count.map_or(2000, |count| count.parse().expect("kernel COUNT"));
    let has_descriptors = Features::current().has_descriptors();
    let library = Libjail::open();

    let create_remove = || a_jail("bench").remove().expect("removed");
    let by_hand = if has_descriptors {
        sides(
            create_remove,
            || raw::create_remove_owned::<0>("bench"),
            || raw::create_remove_owned::<ERRMSG>("bench"),
        )
    } else {
        sides(create_remove, || raw::create_remove::<0>("bench"), || raw::create_remove::<ERRMSG>("bench"))
    };
    measure("create_remove", count / 4, by_hand);
    let by_jid =
        sides(create_remove, || raw::create_remove::<0>("bench"), || raw::create_remove::<ERRMSG>("bench"));
    let by_jid = with_libjail(by_jid, library, |library| library.create_remove("bench"));
    measure("create_remove_by_jid", count / 4, by_jid);

    let above = Jail::builder().name("bench-above").path("/").children_max(10).create().expect("created");
    let child = "bench-above.child";
    let children = sides(
        || {
            above
                .child_builder()
                .name("child")
                .path("/")
                .create()
                .and_then(|jail| jail.remove())
                .expect("done");
        },
        || raw::create_remove_child::<0>(child),
        || raw::create_remove_child::<ERRMSG>(child),
    );
    measure("child_create_remove", count / 4, children);
    drop(above);

    let jail = a_jail("bench-read");
    let jid = jail.jid().get();
    let opening = || drop(Jail::open("bench-read").expect("opened"));
    let opens = if has_descriptors {
        let (lean, texts) = (raw::open_close::<0>, raw::open_close::<ERRMSG>);
        sides(opening, move || lean("bench-read"), move || texts("bench-read"))
    } else {
        let (lean, texts) = (raw::find::<0>, raw::find::<ERRMSG>);
        sides(
            opening,
            move || assert_eq!(lean("bench-read"), jid),
            move || assert_eq!(texts("bench-read"), jid),
        )
    };
    measure("open_close", count, opens);

    let int = sides(
        || assert_eq!(jail.get(param::SECURELEVEL).expect("read"), 1),
        || assert_eq!(raw::get_int::<0>(jid), 1),
        || assert_eq!(raw::get_int::<ERRMSG>(jid), 1),
    );
    measure("get_int", count, with_libjail(int, library, |library| assert_eq!(library.get_int(jid), 1)));
    let unpinned = Jail::unpinned(jail.jid());
    let int_by_jid = sides(
        || assert_eq!(unpinned.get(param::SECURELEVEL).expect("read"), 1),
        || assert_eq!(raw::get_int::<0>(jid), 1),
        || assert_eq!(raw::get_int::<ERRMSG>(jid), 1),
    );
    measure("get_int_by_jid", count, int_by_jid);
    let string = sides(
        || assert_eq!(jail.get(param::HOST_HOSTNAME).expect("read"), HOSTNAME),
        || assert_eq!(raw::get_string::<0>(jid), HOSTNAME),
        || assert_eq!(raw::get_string::<ERRMSG>(jid), HOSTNAME),
    );
    let string = with_libjail(string, library, |library| assert_eq!(library.get_string(jid), HOSTNAME));
    measure("get_string", count, string);

    let five = |read: fn(i32) -> raw::Five| {
        move || {
            let (name, path, hostname, securelevel, addresses) = read(jid);
            assert_eq!((name.len(), path.len(), hostname.len()), (10, 1, HOSTNAME.len()));
            assert_eq!((securelevel, addresses.as_slice()), (1, &[ADDRESS][..]));
        }
    };
    let ours = || {
        let (name, path, hostname, securelevel, addresses) = jail
            .get((param::NAME, param::PATH, param::HOST_HOSTNAME, param::SECURELEVEL, param::IP4_ADDR))
            .expect("read");
        assert_eq!((name.len(), path.as_os_str().len(), hostname.len()), (10, 1, HOSTNAME.len()));
        assert_eq!((securelevel, addresses.as_slice()), (1, &[ADDRESS][..]));
    };
    measure("get_five", count, sides(ours, five(raw::get_five::<0>), five(raw::get_five::<ERRMSG>)));

    // Where mac_do(4) is loaded, an update carries the jail's rules, and so do the calls by hand. libjail loses them.
    let ours = || jail.set(param::SECURELEVEL, 1).expect("set");
    let (set, sets) = if jail.get(param::MAC_DO).is_ok() {
        let (lean, texts) = (raw::set_int_carrying::<0>, raw::set_int_carrying::<ERRMSG>);
        ("set_int_macdo", sides(ours, move || lean(jid, 1), move || texts(jid, 1)))
    } else {
        let (lean, texts) = (raw::set_int::<0>, raw::set_int::<ERRMSG>);
        ("set_int", sides(ours, move || lean(jid, 1), move || texts(jid, 1)))
    };
    measure(set, count, with_libjail(sets, library, |library| library.set_int(jid, 1)));

    if std::path::Path::new("/usr/bin/true").exists() {
        let ours = || assert!(jail.command("/usr/bin/true").status().expect("started").success());
        let by_hand = || raw::spawn_true(jid);
        measure("spawn_true", count / 20, vec![("freebsd-jail", Box::new(ours)), ("raw", Box::new(by_hand))]);
    }
    drop(jail);

    let some_jails = |count: u32| -> Vec<OwnedJail> {
        let one = |index| Jail::builder().name(format!("bench-{index}")).path("/").create().expect("created");
        (0..count).map(one).collect()
    };
    let jails = some_jails(100);
    let list = || {
        Jail::all()
            .get((param::NAME, param::PATH))
            .map(|entry| entry.expect("read"))
            .filter(|(name, path)| !name.is_empty() && path.as_os_str() == "/")
            .count()
    };
    let lists = sides(
        || assert!(list() >= 100),
        || assert!(raw::list_name_path::<0>() >= 100),
        || assert!(raw::list_name_path::<ERRMSG>() >= 100),
    );
    let lists = with_libjail(lists, library, |library| assert!(library.list_name_path() >= 100));
    measure("list100_name_path", (count / 50).max(80), lists);
    drop(jails);
    let jails = some_jails(1000);
    let list = || Jail::all().get((param::JID, param::NAME)).flatten().count();
    let lists = sides(
        || assert!(list() >= 1000),
        || assert!(raw::list_jid_name::<0>() >= 1000),
        || assert!(raw::list_jid_name::<ERRMSG>() >= 1000),
    );
    measure("list1000_jid_name", (count / 500).max(40), lists);
    drop(jails);
}

#[cfg(not(target_os = "freebsd"))]
fn main() {
    println!("kernel: measures on FreeBSD as root only; the bundle of scripts/freebsd-build has it");
}
