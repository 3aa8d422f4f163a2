//! The kernel's defects in the model.
//!
//! The rest of the crate guards against each of them.

#![cfg(feature = "sim")]
#![allow(clippy::expect_used, clippy::indexing_slicing, clippy::panic, reason = "a test fails by panicking")]

mod ask;

use ask::*;
use freebsd_jail::raw::{self, Request, SetFlags};
use freebsd_jail::sim::{Effect, Kernel, Release};

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
    kernel.raw().jail_remove(jid).expect("it is there");
    assert_eq!(kernel.sprung(), []);
    let answer = get(&kernel, AT_DESC, &[("desc", I(descriptor)), ("lastjid", I(0))]);
    assert_eq!((answer.errno(), answer.text.as_str()), (libc::ENOENT, "descriptor to dead jail"));
    let [sprung] = kernel.sprung()[..] else { panic!("{:?}", kernel.sprung()) };
    assert_eq!((sprung.trap, sprung.call, sprung.effect), (Some(3), "jail_get", Effect::Corruption));
    nix::unistd::close(descriptor).expect("it is open");
}

#[test]
fn t4_a_nested_jail_is_compared_with_the_callers_jail() {
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
    for (release, addresses) in
        [(Release::FREEBSD_13_2, 1), (Release::FREEBSD_14_2, 2), (Release::FREEBSD_15_1, 2)]
    {
        let kernel = Kernel::with_release(release);
        let _guard = kernel.install();
        create(&kernel, "none");
        let mut request = Request::new();
        request.string("name", "one").expect("a name").flag("persist").expect("a flag");
        request.ip4("ip4.addr", &[[10, 0, 0, 1].into()]).expect("an address");
        raw::jail_set(&mut request, raw::At::None, SetFlags::CREATE).expect("it can be made");
        // The newest jail comes first. Since 14 the other one, which has no address, is followed by the same addresses.
        let xprison = 16 + 1024 + 256 + 256 + 8;
        assert_eq!(sysctl(&kernel, "security.jail.list", None), Ok(2 * xprison + 4 * addresses));
    }
}

#[test]
fn t15_the_later_of_a_name_given_twice_is_the_key() {
    let kernel = Kernel::new();
    create(&kernel, "a");
    let answer = get(&kernel, 0, &[("name", S("a")), ("name", B(64))]);
    assert_eq!((answer.errno(), answer.text.as_str()), (libc::ENOENT, "jail \"\" not found"));
}

#[test]
fn t16_a_call_that_hangs_a_kernel_panics_the_model() {
    let kernel = Kernel::new();
    create(&kernel, "a");
    let asking = || get(&kernel, 0, &[("jid", I(1)), ("meta.", B(64))]);
    let panicked = std::panic::catch_unwind(std::panic::AssertUnwindSafe(asking)).map(|_| ());
    let text = panicked.expect_err("it panics").downcast::<&str>().map(|text| *text);
    assert!(text.is_ok_and(|text| text.ends_with("hangs the kernel")));
    assert!(kernel.has_sprung(16));
}

#[test]
fn t16_setting_the_same_is_refused() {
    let kernel = Kernel::new();
    let jid = create(&kernel, "a");
    assert_eq!(set(&kernel, UPDATE, &[("jid", I(jid)), ("env.", S("x"))]).errno(), libc::EINVAL);
}

#[test]
fn t17_jail_attach_jd_leaves_the_jail_dying_for_ever() {
    let kernel = Kernel::new();
    let (by_call, descriptor) = create_with_descriptor(&kernel, "a", GET_DESC);
    let process = kernel.process().fork();
    process.run(|| kernel.raw().jail_attach_jd(descriptor)).expect("root may attach");
    process.exit();
    kernel.raw().jail_remove(by_call).expect("it is there");
    nix::unistd::close(descriptor).expect("it is open");
    assert!(is_dying(&kernel, by_call));

    let (by_set, descriptor) = create_with_descriptor(&kernel, "b", GET_DESC);
    let process = kernel.process().fork();
    process.run(|| set(&kernel, UPDATE | ATTACH | USE_DESC, &[("desc", I(descriptor))]).jid());
    assert_eq!(process.jid(), by_set);
    process.exit();
    kernel.raw().jail_remove(by_set).expect("it is there");
    nix::unistd::close(descriptor).expect("it is open");
    assert!(!is_dying(&kernel, by_set));
}

#[test]
fn t18_a_late_failure_of_a_creation_leaves_a_dying_jail() {
    let kernel = Kernel::new();
    create(&kernel, "p");
    let long = "x".repeat(4096);
    let given = [("name", S("p.c")), ("path", S("/")), ("persist", N), ("meta", S(&long))];
    assert_eq!(set(&kernel, CREATE, &given).errno(), libc::EFBIG);
    assert!(is_dying(&kernel, 2));
    assert_eq!(get(&kernel, 0, &[("name", S("p")), ("children.cur", I(9))]).int(1), 1);
    kernel.raw().jail_remove(1).expect("it is there");
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
fn t22_of_a_name_and_its_negation_the_earlier_is_not_answered() {
    let kernel = Kernel::new();
    create(&kernel, "a");
    let answer = get(&kernel, 0, &[("jid", I(1)), ("persist", I(7)), ("nopersist", I(7))]);
    assert_eq!((answer.jid(), answer.int(1), answer.int(2)), (1, 7, 0));
}
