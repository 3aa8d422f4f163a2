//! The kernel's defects in the model, T24 and later.
//!
//! Races are in the model's own tests. Answers of real kernels are in the recordings, where they can be recorded.

#![cfg(feature = "sim")]
#![allow(clippy::expect_used, clippy::indexing_slicing, clippy::panic, reason = "a test fails by panicking")]

mod ask;

use ask::*;
use freebsd_jail::sim::raw::Errno;
use freebsd_jail::sim::{Effect, Kernel, Module, Release};
use freebsd_jail::{ErrorKind, Jail, param};

/// The numbers of the recorded traps.
fn sprung(kernel: &Kernel) -> Vec<u8> {
    kernel.sprung().iter().map(|sprung| sprung.trap.expect("a number")).collect()
}

fn close(descriptor: i32) {
    nix::unistd::close(descriptor).expect("it is open");
}

/// Makes a descriptor of an existing jail.
fn describe(kernel: &Kernel, jid: i32, how: i32) -> i32 {
    let answer = get(kernel, how, &[("jid", I(jid)), ("desc", I(-1))]);
    answer.jid();
    answer.int(1)
}

#[test]
fn t24_each_owning_descriptor_removes_the_jail_when_it_is_closed() {
    let kernel = Kernel::new();
    let (jid, first) = create_with_descriptor(&kernel, "a", OWN_DESC);
    let second = describe(&kernel, jid, OWN_DESC);
    close(first);
    assert!(!exists(&kernel, jid));
    close(second);
    let (jid, owning) = create_with_descriptor(&kernel, "b", OWN_DESC);
    close(describe(&kernel, jid, GET_DESC));
    assert!(exists(&kernel, jid), "one that does not own removes nothing");
    close(owning);
}

#[test]
fn t25_a_process_can_remove_its_own_jail_by_descriptor_and_is_killed() {
    let kernel = Kernel::new();
    let (jid, descriptor) = create_with_descriptor(&kernel, "a", GET_DESC);
    let process = kernel.process().fork();
    process.run(|| {
        kernel.raw().jail_attach(jid).expect("attached");
        assert_eq!(kernel.raw().jail_remove(jid), Err(Errno(libc::EINVAL)), "by number it cannot");
        let _ = kernel.raw().jail_remove_jd(descriptor);
    });
    assert!(!process.is_running() && !exists(&kernel, jid));
    close(descriptor);
}

#[test]
fn t26_by_descriptor_another_jail_is_renamed_below_the_callers() {
    let kernel = Kernel::new();
    let inside = create(&kernel, "a");
    let (jid, descriptor) = create_with_descriptor(&kernel, "b", GET_DESC);
    let process = kernel.process().fork();
    process.run(|| {
        kernel.raw().jail_attach(inside).expect("attached");
        let given = [("desc", I(descriptor)), ("name", S("evil"))];
        assert_eq!(set(&kernel, UPDATE | USE_DESC, &given).jid(), jid);
    });
    assert_eq!(name_of(&kernel, jid), "a.evil");
    close(descriptor);
}

#[test]
fn t27_a_zombie_keeps_its_jail_and_is_counted_above() {
    let kernel = Kernel::new();
    let outer = create(&kernel, "p");
    let inner = create(&kernel, "p.c");
    let process = kernel.process().fork();
    process.run(|| kernel.raw().jail_attach(inner)).expect("attached");
    process.die();
    kernel.raw().jail_remove(inner).expect("removed");
    let children = |kernel: &Kernel| get(kernel, 0, &[("jid", I(outer)), ("children.cur", I(9))]).int(1);
    assert!(is_dying(&kernel, inner));
    assert_eq!(children(&kernel), 1);
    process.reap();
    assert!(!is_dying(&kernel, inner));
    assert_eq!(children(&kernel), 0);
}

#[test]
fn t28_a_free_jid_beside_an_existing_name_changes_the_jail_of_that_name() {
    let kernel = Kernel::new();
    let jid = create(&kernel, "a");
    let given = [("jid", I(77)), ("name", S("a")), ("securelevel", I(1))];
    assert_eq!(set(&kernel, CREATE | UPDATE | ATTACH, &given).jid(), jid);
    assert!(!exists(&kernel, 77));
}

#[test]
fn t29_an_update_by_a_numeric_name_is_refused() {
    let kernel = Kernel::new();
    let jid = set(&kernel, CREATE, &[("path", S("/")), ("persist", N)]).jid();
    assert_eq!(name_of(&kernel, jid), jid.to_string());
    let answer = set(&kernel, UPDATE, &[("name", S(&jid.to_string())), ("securelevel", I(1))]);
    assert_eq!(answer.errno(), libc::EINVAL);
    assert_eq!(answer.text, "name cannot be numeric (unless it is the jid)");
}

#[test]
fn t30_a_level_0_means_the_host() {
    let kernel = Kernel::new();
    let jid = create(&kernel, "a");
    set(&kernel, UPDATE, &[("jid", I(jid)), ("name", S("0.x"))]).jid();
    assert_eq!(name_of(&kernel, jid), "x");
}

#[test]
fn t31_a_jail_below_keeps_its_parent_s_old_host_name() {
    let kernel = Kernel::new();
    kernel.set_hostname("box");
    let hostname = |jid: i32| get(&kernel, 0, &[("jid", I(jid)), ("host.hostname", B(64))]).string(1);
    let outer = create(&kernel, "p");
    set(&kernel, UPDATE, &[("jid", I(outer)), ("host.hostname", S("outer"))]).jid();
    let inner = create(&kernel, "p.c");
    set(&kernel, UPDATE, &[("name", S("p.c")), ("host", I(2))]).jid();
    assert_eq!(hostname(inner), "outer");
    set(&kernel, UPDATE, &[("jid", I(outer)), ("host", I(2))]).jid();
    assert_eq!((hostname(outer).as_str(), hostname(inner).as_str()), ("box", "outer"));
}

#[test]
fn t32_a_name_with_no_before_it_swallows_the_kernel_s_own_parameter() {
    let kernel = Kernel::new();
    create(&kernel, "a");
    let answer = get(&kernel, 0, &[("jid", I(1)), ("nojid", I(0))]);
    assert_eq!((answer.errno(), answer.text.as_str()), (libc::ENOENT, "no jail specified"));
}

#[test]
fn t33_zfs_cannot_be_disabled_and_is_compared_with_the_parents_late() {
    for release in Release::ALL {
        let kernel = Kernel::with_release(release);
        kernel.load(Module::Zfs);
        let jid = create(&kernel, "p");
        let read = |jid: i32| {
            let answer = get(&kernel, 0, &[("jid", I(jid)), ("zfs", I(9)), ("zfs.mount_snapshot", I(9))]);
            (answer.int(1), answer.int(2))
        };
        assert_eq!(read(jid), (1, 0), "a new jail has its own");
        let change = |name: &str, given: &[(&str, V<'_>)]| {
            let given = [&[("name", S(name)), ("securelevel", I(1))], given].concat();
            set(&kernel, UPDATE, &given).result.map_err(|errno| errno.0)
        };
        assert_eq!(change("p", &[("zfs", I(0))]), Err(libc::EINVAL));
        assert_eq!(change("p", &[("zfs.mount_snapshot", I(2))]), Err(libc::EINVAL));
        let inner = create(&kernel, "p.c");
        let level = |jid: i32| get(&kernel, 0, &[("jid", I(jid)), ("securelevel", I(9))]).int(1);
        assert_eq!(level(inner), -1);
        assert_eq!(change("p.c", &[("zfs.mount_snapshot", I(1))]), Err(libc::EPERM));
        assert_eq!(level(inner), 1, "T5: late");
        assert_eq!(change("p", &[("zfs.mount_snapshot", I(1))]), Ok(jid), "not compared with the host's");
        assert_eq!(change("p.c", &[("zfs.mount_snapshot", I(1))]), Ok(inner));
        assert_eq!(read(inner), (1, 1));
        assert_eq!(change("p.c", &[("zfs", I(2))]), Ok(inner));
        assert_eq!(read(inner), (2, 0), "0, whatever the parent has");
        kernel.unload(Module::Zfs);
        assert_eq!(change("p", &[("zfs", I(1))]), Err(libc::EINVAL));
    }
}

#[test]
fn t33_a_new_jail_with_more_of_zfs_than_its_parent_fails_late_and_is_left_dying_on_15() {
    for release in Release::ALL {
        let kernel = Kernel::with_release(release);
        kernel.load(Module::Zfs);
        set(&kernel, UPDATE, &[("jid", I(create(&kernel, "p"))), ("children.max", I(9))]).jid();
        let attempt = |name: &str, zfs: i32, snapshots: i32| {
            let given = [("zfs", I(zfs)), ("zfs.mount_snapshot", I(snapshots))];
            let given = [&[("name", S(name)), ("path", S("/")), ("persist", N)], given.as_slice()].concat();
            set(&kernel, CREATE, &given)
        };
        let children = || get(&kernel, 0, &[("name", S("p")), ("children.cur", I(9))]).int(1);
        // The same as the parent's is fine, and a value wins over `zfs` = inherit.
        let same = attempt("p.same", 2, 0).jid();
        assert_eq!(get(&kernel, 0, &[("jid", I(same)), ("zfs", I(9))]).int(1), 1);
        assert_eq!(children(), 1);
        for (tries, zfs) in [(1, 1), (2, 2)] {
            let refused = attempt("p.more", zfs, 1);
            assert_eq!((refused.errno(), refused.text.as_str()), (libc::EPERM, ""));
            // T18: on 15 its references from `persist` stay.
            let left = if release == Release::FREEBSD_15_1 { tries } else { 0 };
            assert_eq!(children(), 1 + left, "{release:?}");
        }
        // One on the host's own level is not compared with anything.
        attempt("top", 1, 1).jid();
    }
}

#[test]
fn t33_the_crate_leaves_no_jail_behind_that_would_have_more_of_zfs_than_its_parent() {
    for release in Release::ALL {
        let kernel = Kernel::with_release(release);
        let _guard = kernel.install();
        kernel.load(Module::Zfs);
        let parent = Jail::builder().path("/").children_max(9).create().expect("created");
        let error = parent
            .child_builder()
            .path("/")
            .set(param::ZFS_MOUNT_SNAPSHOT, true)
            .create()
            .expect_err("more than its parent");
        assert_eq!(
            (error.kind(), error.parameter()),
            (ErrorKind::PermissionDenied, Some("zfs.mount_snapshot"))
        );
        assert_eq!(parent.get(param::CHILDREN_CUR).expect("read"), 0, "{release:?}");
        assert_eq!(kernel.sprung(), []);
    }
}

#[test]
fn a_new_jail_has_a_copy_of_its_parents_linux_settings() {
    let kernel = Kernel::new();
    let before = create(&kernel, "before");
    kernel.load(Module::Linux);
    let read = |jid: i32| {
        let answer = get(&kernel, 0, &[("jid", I(jid)), ("linux", I(9)), ("linux.osrelease", B(65))]);
        (answer.int(1), answer.string(2))
    };
    assert_eq!(read(before), (1, "5.15.0".into()));
    let outer = create(&kernel, "p");
    let given = [("jid", I(outer)), ("linux", I(2)), ("linux.osrelease", S("6.1.0-x"))];
    set(&kernel, UPDATE, &given).jid();
    assert_eq!(read(outer), (1, "6.1.0-x".into()), "a value wins over the mode");
    let inner = create(&kernel, "p.c");
    assert_eq!(read(inner), (1, "6.1.0-x".into()));
    set(&kernel, UPDATE, &[("name", S("p.c")), ("linux", I(2))]).jid();
    set(&kernel, UPDATE, &[("name", S("p")), ("linux.osrelease", S("6.2.0"))]).jid();
    assert_eq!(read(inner), (2, "6.2.0".into()));
    let answer = set(&kernel, UPDATE, &[("name", S("p")), ("linux.osrelease", S("6.2"))]);
    assert_eq!((answer.errno(), answer.text.as_str()), (libc::EINVAL, "linux.osrelease format error"));
}

#[test]
fn t34_a_pair_costs_48_bytes_whatever_the_program() {
    let kernel = Kernel::new();
    create(&kernel, "a");
    let largest = 65_536 - 3 * 48 - "jid\0".len() - 4 - "errmsg\0".len() - 256 - "meta\0".len();
    let ask = |len: usize| get(&kernel, 0, &[("jid", I(1)), ("meta", B(len))]).result;
    assert_eq!(ask(largest), Ok(1));
    assert_eq!(ask(largest + 1), Err(Errno(libc::EINVAL)));
}

#[test]
fn t35_the_text_of_a_module_ends_in_a_newline_and_texts_quote_the_caller() {
    let kernel = Kernel::new();
    create(&kernel, "a");
    let answer = set(&kernel, UPDATE, &[("name", S("a")), ("mac.do.rules", S("nonsense"))]);
    assert_eq!(answer.errno(), libc::EINVAL);
    assert!(answer.text.starts_with("MAC/do: Parse error at index 0: ") && answer.text.ends_with(".\n"));
    let answer = get(&kernel, 0, &[("name", S("dead jail"))]);
    assert_eq!(answer.text, "jail \"dead jail\" not found");
}

#[test]
fn t36_a_nul_in_a_value_hides_and_then_drops_other_keys() {
    let kernel = Kernel::new();
    let jid = create(&kernel, "a");
    let read = || get(&kernel, 0, &[("jid", I(jid)), ("meta", B(64))]).string(1);
    set(&kernel, UPDATE, &[("jid", I(jid)), ("meta", S("old=1"))]).jid();
    set(&kernel, UPDATE, &[("jid", I(jid)), ("meta.k", S("x\0y"))]).jid();
    assert_eq!(read(), "k=x");
    set(&kernel, UPDATE, &[("jid", I(jid)), ("meta.n", S("2"))]).jid();
    assert_eq!(read(), "n=2\nk=x");
}

#[test]
fn an_empty_text_that_was_set_is_a_line_of_its_own() {
    let kernel = Kernel::new();
    let jid = create(&kernel, "a");
    let after = |given: (&str, V<'_>)| {
        set(&kernel, UPDATE, &[("jid", I(jid)), given]).jid();
        get(&kernel, 0, &[("jid", I(jid)), ("meta", B(64))]).string(1)
    };
    assert_eq!(after(("meta", S("\0"))), "");
    assert_eq!(after(("meta.k", S("v"))), "k=v\n");
    assert_eq!(after(("meta", S(""))), "");
    assert_eq!(after(("meta.k", S("v"))), "k=v");
}

#[test]
fn t39_a_garbled_name_panics_the_next_listing_below() {
    for (release, by_listing) in [(Release::FREEBSD_13_2, false), (Release::FREEBSD_15_1, true)] {
        let kernel = Kernel::with_release(release);
        create(&kernel, "p");
        let middle = create(&kernel, "p.longname");
        let below = create(&kernel, "p.longname.g");
        let given =
            [("jid", I(middle)), ("name", S(if release.osreldate() < 1_500_000 { "p.x" } else { "x" }))];
        set(&kernel, UPDATE, &given).jid();
        let name = name_of(&kernel, below);
        assert_ne!(name, "p.x.g");
        assert_eq!(sprung(&kernel), [], "the host skips no dots");
        let inmate = kernel.process().fork();
        inmate.run(|| kernel.raw().jail_attach(middle)).expect("attached");
        inmate.run(|| {
            if by_listing {
                sysctl(&kernel, "security.jail.list", None).expect("listed");
            } else {
                get(&kernel, 0, &[("lastjid", I(0)), ("name", B(256))]).jid();
            }
        });
        let [sprung] = kernel.sprung()[..] else { panic!("{:?}", kernel.sprung()) };
        assert_eq!((sprung.trap, sprung.effect), (Some(39), Effect::Panic));
        assert_eq!(sprung.call, if by_listing { "sysctl" } else { "jail_get" });
    }
}

#[test]
fn t39_a_garbled_name_can_be_repaired_before_it_is_listed() {
    let kernel = Kernel::new();
    create(&kernel, "p");
    let middle = create(&kernel, "p.longname");
    let below = create(&kernel, "p.longname.g");
    let outer = describe(&kernel, 1, GET_DESC);
    let given = [("desc", I(outer)), ("jid", I(middle)), ("name", S("x"))];
    set(&kernel, UPDATE | AT_DESC, &given).jid();
    assert_eq!((name_of(&kernel, middle).as_str(), name_of(&kernel, below).as_str()), ("p.x", "pme.g"));
    // The renamed jail's descriptor, the child's jid, the child's last component.
    let renamed = describe(&kernel, middle, GET_DESC);
    let given = [("desc", I(renamed)), ("jid", I(below)), ("name", S("g"))];
    set(&kernel, UPDATE | AT_DESC, &given).jid();
    assert_eq!(name_of(&kernel, below), "p.x.g");
    let inmate = kernel.process().fork();
    inmate.run(|| {
        kernel.raw().jail_attach(1).expect("attached");
        assert_eq!(name_of(&kernel, below), "x.g");
        sysctl(&kernel, "security.jail.list", None).expect("listed");
    });
    assert_eq!(kernel.sprung(), []);
    close(outer);
    close(renamed);
}

#[test]
fn t40_with_racct_a_jail_that_has_processes_cannot_be_renamed() {
    for release in Release::ALL {
        let kernel = Kernel::with_release(release);
        let enabled = || {
            let mut value = [9];
            sysctl(&kernel, "kern.racct.enable", Some(&mut value)).map(|len| (len, value[0]))
        };
        assert_eq!(enabled(), Ok((1, 0)));
        kernel.set_racct(true);
        assert_eq!(enabled(), Ok((1, 1)));
        let mut int = [9; 4];
        assert_eq!(sysctl(&kernel, "kern.racct.enable", Some(&mut int)), Ok(4), "who wants an int gets one");
        let outer = create(&kernel, "p");
        let inner = create(&kernel, "p.c");
        let rename = |jid: i32, name: &str| set(&kernel, UPDATE, &[("jid", I(jid)), ("name", S(name))]).jid();
        rename(outer, "q");
        assert_eq!(kernel.sprung(), [], "nobody is in it");
        let inmate = kernel.process().fork();
        inmate.run(|| kernel.raw().jail_attach(inner)).expect("attached");
        set(&kernel, UPDATE, &[("jid", I(outer)), ("securelevel", I(1))]).jid();
        assert_eq!(kernel.sprung(), [], "no other name");
        rename(outer, "r");
        assert_eq!(sprung(&kernel), [40], "a process below");
        // T53: the account of the jail below still has its old name, until it is changed itself.
        set(&kernel, UPDATE, &[("name", S("r.c")), ("securelevel", I(1))]).jid();
        assert_eq!(sprung(&kernel), [40, 40]);
        kernel.set_racct(false);
        rename(outer, "s");
        assert_eq!(sprung(&kernel), [40, 40]);
    }
}

#[test]
fn t41_a_living_jail_s_system_v_objects_are_removed() {
    for release in Release::ALL {
        let kernel = Kernel::with_release(release);
        let given = [
            ("name", S("a")),
            ("path", S("/")),
            ("persist", N),
            ("sysvshm", I(1)),
            ("sysvsem", I(1)),
            ("sysvmsg", I(1)),
        ];
        let jid = set(&kernel, CREATE, &given).jid();
        let change = |given: &[(&str, V<'_>)]| {
            let given = [&[("jid", I(jid))], given].concat();
            set(&kernel, UPDATE, &given).jid();
            kernel.sprung().iter().map(|sprung| (sprung.trap, sprung.effect)).collect::<Vec<_>>()
        };
        let (panic, loss) = ((Some(41), Effect::Panic), (Some(41), Effect::Loss));
        assert_eq!(change(&[("sysvshm", I(1)), ("securelevel", I(1))]), [], "it stays as it is");
        assert_eq!(change(&[("sysvsem", I(2))]), [loss]);
        assert_eq!(change(&[("sysvsem", I(1))]), [loss], "from inherited to its own nothing is lost");
        assert_eq!(change(&[("allow.sysvipc", N)]), [loss, panic, loss, loss]);
        assert_eq!(change(&[("allow.nosysvipc", N)]).len(), 4);
    }
}

#[test]
fn t48_a_file_opened_inside_keeps_a_jail() {
    let kernel = Kernel::new();
    let jid = create(&kernel, "a");
    let inmate = kernel.process().fork();
    inmate.run(|| kernel.raw().jail_attach(jid)).expect("attached");
    let file = inmate.open_file();
    inmate.kill();
    kernel.raw().jail_remove(jid).expect("removed");
    assert!(is_dying(&kernel, jid));
    drop(file);
    assert!(!is_dying(&kernel, jid));
}

#[test]
fn t55_in_capability_mode_jail_calls_are_not_permitted() {
    let kernel = Kernel::new();
    let _guard = kernel.install();
    let jail = Jail::builder().path("/").create().expect("created");
    let process = kernel.process().fork();
    process.limit_rights(jail.descriptor().expect("a descriptor")).expect("limited");
    process.run(|| {
        jail.get(param::NAME).expect("a descriptor without rights is good for jail calls");
        process.cap_enter();
        assert_eq!(jail.get(param::NAME).expect_err("not permitted").kind(), ErrorKind::NotCapable);
        let mut value = [0; 64];
        assert_eq!(sysctl(&kernel, "security.jail.list", Some(&mut value)), Err(Errno(libc::EPERM)));
        sysctl(&kernel, "kern.osrelease", Some(&mut value)).expect("read");
    });
}

#[test]
fn t57_a_jails_env_is_cut_without_an_error() {
    let kernel = Kernel::new();
    let jid = create(&kernel, "a");
    set(&kernel, UPDATE, &[("jid", I(jid)), ("env", S("k=value"))]).jid();
    let inmate = kernel.process().fork();
    inmate.run(|| {
        kernel.raw().jail_attach(jid).expect("attached");
        let mut value = [b'#'; 4];
        assert_eq!(sysctl(&kernel, "security.jail.env", Some(&mut value)), Ok(4));
        assert_eq!(&value, b"k=va");
        assert_eq!(sysctl(&kernel, "kern.osrelease", Some(&mut value)), Err(Errno(libc::ENOMEM)));
    });
}

#[test]
fn t59_a_walk_shows_a_dying_jail_twice_if_it_is_renumbered_meanwhile() {
    let kernel = Kernel::new();
    let jid = create(&kernel, "a");
    let inmate = kernel.process().fork();
    inmate.run(|| kernel.raw().jail_attach(jid)).expect("attached");
    kernel.raw().jail_remove(jid).expect("removed");
    let next = |last: i32| get(&kernel, DYING, &[("lastjid", I(last)), ("name", B(256))]);
    let first = next(0);
    assert_eq!((first.jid(), first.string(1).as_str()), (jid, "a"));
    set(&kernel, CREATE, &[("jid", I(jid)), ("path", S("/")), ("persist", N), ("name", S("b"))]).jid();
    let again = next(jid);
    assert_eq!((again.jid(), again.string(1).as_str()), (999_999, "a"));
}

#[test]
fn t60_a_jail_whose_root_was_unmounted_cannot_be_attached_to() {
    let kernel = Kernel::new();
    let given = [("name", S("a")), ("path", S("/usr/jail")), ("persist", N)];
    let jid = set(&kernel, CREATE, &given).jid();
    kernel.remove_path("/usr/jail");
    let inmate = kernel.process().fork();
    assert_eq!(inmate.run(|| kernel.raw().jail_attach(jid)), Err(Errno(libc::ENOTDIR)));
    kernel.raw().jail_remove(jid).expect("removed");
    assert!(!is_dying(&kernel, jid), "a failed attach holds nothing");
}

#[test]
fn since_14_a_network_stack_without_the_routing_table_cannot_be_attached_to() {
    for release in Release::ALL {
        let kernel = Kernel::with_release(release);
        let jid = set(&kernel, CREATE, &[("path", S("/")), ("persist", N), ("vnet", I(1))]).jid();
        let plain = create(&kernel, "plain");
        let process = kernel.process().fork();
        process.set_fib(1);
        let attached = process.fork().run(|| kernel.raw().jail_attach(jid));
        let since_14 = release != Release::FREEBSD_13_2;
        assert_eq!(attached, if since_14 { Err(Errno(libc::EINVAL)) } else { Ok(()) });
        assert_eq!(
            process.run(|| kernel.raw().jail_attach(plain)),
            Ok(()),
            "the host's network stack has it"
        );
    }
}

#[test]
fn mac_do_of_14_2_panics_and_that_of_14_3_does_not() {
    let kernel = Kernel::with_release(Release::FREEBSD_14_2);
    let jid = create(&kernel, "a");
    let update = |name: &str, value| set(&kernel, UPDATE, &[("jid", I(jid)), (name, value)]).result;
    assert_eq!(update("mdo", I(2)), Err(Errno(libc::EINVAL)), "it is not loaded");
    kernel.load(Module::MacDo);
    assert_eq!(update("mac.do", I(2)), Err(Errno(libc::EINVAL)), "it had other names");
    update("mdo", I(2)).expect("changed");
    assert_eq!(kernel.sprung(), []);
    kernel.raw().jail_remove(jid).expect("removed");
    let [sprung] = kernel.sprung()[..] else { panic!("{:?}", kernel.sprung()) };
    assert_eq!((sprung.trap, sprung.call, sprung.effect), (None, "jail_remove", Effect::Panic));
    let jid = create(&kernel, "b");
    let update = |name: &str, value| set(&kernel, UPDATE, &[("jid", I(jid)), (name, value)]).result;
    update("mdo.rules", S("")).expect("the model goes on");
    get(&kernel, 0, &[("jid", I(jid)), ("mdo", B(8))]).jid();
    let effects: Vec<Effect> = kernel.sprung().iter().map(|sprung| sprung.effect).collect();
    assert_eq!(effects, [Effect::Panic, Effect::Panic, Effect::Hang]);

    let kernel = Kernel::with_release(Release::FREEBSD_14_2.named(1_403_000, "14.3-RELEASE"));
    kernel.load(Module::MacDo);
    let jid = create(&kernel, "a");
    set(&kernel, UPDATE, &[("jid", I(jid)), ("mac.do.rules", S("uid=1>uid=2"))]).jid();
    assert_eq!(get(&kernel, 0, &[("jid", I(jid)), ("mac.do", I(9))]).int(1), 1);
    assert_eq!(kernel.sprung(), []);
}

#[test]
fn mac_do_panics_over_a_rule_that_is_from_any() {
    let kernel = Kernel::new();
    let jid = create(&kernel, "a");
    for (rules, panics) in
        [("uid=1>any", 0), ("nonsense", 0), ("any=1>uid=0", 1), ("uid=1>any; * = 2 > any", 2)]
    {
        let _ = set(&kernel, UPDATE, &[("jid", I(jid)), ("mac.do.rules", S(rules))]);
        assert_eq!(kernel.sprung().len(), panics, "{rules}");
    }
    assert!(kernel.sprung().iter().all(|sprung| sprung.trap.is_none() && sprung.effect == Effect::Panic));
}

#[test]
fn on_14_4_tampering_is_allowed_by_default() {
    for (release, default) in [(Release::FREEBSD_14_4, 1), (Release::FREEBSD_15_1, 0)] {
        let kernel = Kernel::with_release(release);
        let jid = create(&kernel, "a");
        let answer = get(&kernel, 0, &[("jid", I(jid)), ("allow.unprivileged_parent_tampering", I(9))]);
        assert_eq!(answer.int(1), default);
    }
}
