//! The kernel's traps with parameters, and how the crate avoids them.

#![allow(clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "a test fails by panicking")]

mod common;

use std::ffi::OsString;

use common::{host, model, name, on_every_kernel, releases};
use freebsd_jail::param::{Kind, MacDo, Param, Value};
use freebsd_jail::{
    Allow, ErrorKind, Jail, JailBuilder, JailUpdate,
    param::{self, Mode},
    sim,
};

const RULES: &str = "uid=1001>uid=80";

fn builder() -> JailBuilder {
    Jail::builder().path("/")
}

/// Whether the kernel has a parameter. Prints a notice if not, since a test is then skipped.
fn has<T: param::Decode, A>(key: Param<'_, T, A>) -> bool {
    let has = builder().create().expect("created").get(key).is_ok();
    if !has {
        println!("skipped: this kernel has no {key}");
    }
    has
}

/// Sets rules of mac_do(4), if it is loaded.
fn with_rules(jail: JailBuilder) -> JailBuilder {
    if has(param::MAC_DO) { jail.mac_do(MacDo::rules(RULES)) } else { jail }
}

fn all_jails() -> usize {
    let all: Result<Vec<_>, _> = Jail::all().dying(true).get(param::JID).collect();
    all.expect("listed").len()
}

/// Asserts that a mistake was found before any call, and its parameter.
#[track_caller]
fn refused(kind: ErrorKind, parameter: &str, result: freebsd_jail::Result<()>) {
    let error = result.expect_err("a mistake");
    assert_eq!((error.kind(), error.parameter(), error.call()), (kind, Some(parameter), None), "{error}");
}

#[test]
fn t5_an_update_whose_text_is_too_long_changes_nothing() {
    on_every_kernel(|_| {
        if !has(param::META) {
            return;
        }
        let jail = builder().meta("kept", "k".repeat(3000)).create().expect("created");
        for (what, update) in [
            ("a value", JailUpdate::new().securelevel(2).meta("big", "x".repeat(4096))),
            ("a whole text", JailUpdate::new().securelevel(2).set(param::ENV, "x".repeat(4096))),
            ("a value beside what is there", JailUpdate::new().securelevel(2).meta("big", "x".repeat(1100))),
            (
                "several values",
                JailUpdate::new()
                    .securelevel(2)
                    .jail_env("a", "x".repeat(2100))
                    .jail_env("b", "x".repeat(2100)),
            ),
        ] {
            let error = jail.update(&update).expect_err("too long");
            assert_eq!((error.kind(), error.errno()), (ErrorKind::InvalidValue, None), "{what}: {error}");
            assert_eq!(jail.get(param::SECURELEVEL).expect("read"), -1, "{what} was applied in part");
        }
        // Empty lines count.
        jail.update(&JailUpdate::new().set(param::ENV, "\n".repeat(4000))).expect("updated");
        let error = jail
            .update(&JailUpdate::new().securelevel(2).jail_env("k", "v".repeat(100)))
            .expect_err("too long");
        assert_eq!((error.kind(), error.errno()), (ErrorKind::InvalidValue, None), "{error}");
        assert_eq!(jail.get(param::SECURELEVEL).expect("read"), -1);
        jail.update(&JailUpdate::new().set(param::ENV, "")).expect("updated");
        // A replacement may be as long as the old text.
        jail.update(&JailUpdate::new().securelevel(2).meta("kept", "l".repeat(4000))).expect("updated");
        jail.update(&JailUpdate::new().securelevel(2).remove_meta("kept").meta("new", "l".repeat(4000)))
            .expect("updated");
        assert_eq!(jail.get(param::META).expect("read").len(), 4004);
        // The longest of all: 4,096 bytes with its NUL.
        jail.update(&JailUpdate::new().set(param::META, "m".repeat(4095))).expect("updated");
        jail.update(&JailUpdate::new().remove_meta("nothing").hostname("h")).expect("updated");
        assert_eq!(jail.get(param::META).expect("read").len(), 4095);
    });
}

#[test]
fn t5_a_limit_that_was_lowered_or_raised_is_the_limit() {
    on_every_kernel(|host| {
        if !has(param::META) {
            return;
        }
        let jail = builder().create().expect("created");
        let too_long = |update: JailUpdate| {
            let error = jail.update(&update).expect_err("too long");
            assert_eq!((error.kind(), error.errno()), (ErrorKind::InvalidValue, None), "{error}");
            assert_eq!(jail.get(param::SECURELEVEL).expect("read"), -1, "it was applied in part");
        };
        // A whole text replaces what there was, which is not read.
        let carry = u64::from(jail.get(param::MAC_DO).is_ok());
        let before = host.calls();
        jail.update(&JailUpdate::new().hostname("h").set(param::META, "k=v")).expect("updated");
        if let (Some(before), Some(after)) = (before, host.calls()) {
            assert_eq!(after.jail_get - before.jail_get, carry);
        }
        let Some(low) = host.set_meta_max(64) else { return };
        too_long(JailUpdate::new().securelevel(1).meta("k", "v".repeat(63)));
        too_long(JailUpdate::new().securelevel(1).set(param::ENV, "v".repeat(64)));
        too_long(JailUpdate::new().securelevel(1).meta("k", "v").jail_env("k", "v".repeat(62)));
        // Alone it changes nothing else, so the kernel reports it.
        let error = jail.update(&JailUpdate::new().set(param::ENV, "v".repeat(64))).expect_err("too long");
        assert_eq!((error.kind(), error.errno()), (ErrorKind::InvalidValue, Some(libc::EFBIG)), "{error}");
        jail.update(&JailUpdate::new().hostname("h").meta("k", "v".repeat(61))).expect("as long as can be");
        drop(low);
        let Some(_high) = host.set_meta_max(10_000) else { return };
        jail.update(&JailUpdate::new().hostname("i").set(param::META, "v".repeat(9_000)))
            .expect("not too long");
        assert_eq!(jail.get(param::META).expect("read").len(), 9_000);
        too_long(JailUpdate::new().securelevel(1).set(param::META, "v".repeat(10_000)));
    });
}

#[test]
fn t5_a_text_that_is_too_long_leaves_the_other_text_alone() {
    on_every_kernel(|_| {
        if !has(param::META) {
            return;
        }
        let long = "e".repeat(3000);
        let jail = builder().meta("kept", &long).jail_env("kept", &long).create().expect("created");
        for (what, parameter, update) in [
            ("env beside meta", "env.b", JailUpdate::new().meta("k", "v").jail_env("b", &long)),
            ("meta beside env", "meta.b", JailUpdate::new().jail_env("k", "v").meta("b", &long)),
            ("meta beside all of env", "meta.b", JailUpdate::new().set(param::ENV, "k=v").meta("b", &long)),
            (
                "env beside what meta loses",
                "env.b",
                JailUpdate::new().remove_meta("kept").jail_env("b", &long),
            ),
            (
                "env beside another module's",
                "env.b",
                JailUpdate::new().mac_do(MacDo::Inherit).jail_env("b", &long),
            ),
        ] {
            let error = jail.update(&update).expect_err("too long");
            assert_eq!(
                (error.kind(), error.parameter(), error.errno()),
                (ErrorKind::InvalidValue, Some(parameter), None),
                "{what}: {error}"
            );
            let (meta, env) = jail.get((param::META.utf8(), param::ENV.utf8())).expect("read");
            assert_eq!((meta, env), (format!("kept={long}"), format!("kept={long}")), "{what}");
        }
        // A single text is changed as a whole, so the kernel reports the error.
        let error = jail.update(&JailUpdate::new().meta("k", "v").meta("b", &long)).expect_err("too long");
        assert_eq!((error.kind(), error.errno()), (ErrorKind::InvalidValue, Some(libc::EFBIG)));
        assert_eq!(jail.get(param::META.utf8()).expect("read"), format!("kept={long}"));
        jail.update(&JailUpdate::new().meta("k", "v").jail_env("k", "v")).expect("short enough");
    });
}

#[test]
fn t6_rules_of_mac_do_survive_an_update_of_something_else() {
    on_every_kernel(|_| {
        if !has(param::MAC_DO) {
            return;
        }
        let outer =
            builder().name(name("t6")).mac_do(MacDo::rules(RULES)).children_max(9).create().expect("created");
        let inner = |mac_do| outer.child_builder().path("/").mac_do(mac_do).create().expect("created");
        let keys = (param::MAC_DO, param::MAC_DO_RULES);
        for (jail, mode, rules) in [
            (inner(MacDo::rules("uid=5>uid=6")), Mode::New, "uid=5>uid=6"),
            (inner(MacDo::Inherit), Mode::Inherit, RULES),
            (inner(MacDo::Disable), Mode::Disable, ""),
            (outer.child_builder().path("/").create().expect("created"), Mode::Disable, ""),
            (builder().mac_do(MacDo::rules(RULES)).create().expect("created"), Mode::New, RULES),
        ] {
            let expected = (mode, OsString::from(rules));
            assert_eq!(jail.get(keys).expect("read"), expected);
            jail.update(&JailUpdate::new().hostname("other")).expect("updated");
            assert_eq!(jail.get(keys).expect("read"), expected, "after an update");
            Jail::unpinned(jail.jid()).update(&JailUpdate::new().hostname("more")).expect("updated");
            assert_eq!(jail.get(keys).expect("read"), expected, "after an update by number");
            let jail = Jail::open(jail.jid()).expect("found").into_owned().expect("taken");
            assert_eq!(jail.get(keys).expect("read"), expected, "after taking ownership");
        }
        // Rules that are set take effect.
        outer.update(&JailUpdate::new().mac_do(MacDo::Disable)).expect("updated");
        assert_eq!(outer.get(keys).expect("read"), (Mode::Disable, OsString::new()));
        outer.update(&JailUpdate::new().set(param::MAC_DO_RULES, RULES)).expect("updated");
        assert_eq!(outer.get(keys).expect("read"), (Mode::New, OsString::from(RULES)));
    });
}

#[test]
fn t6_rules_are_not_looked_for_once_the_module_is_unloaded_and_not_lost_when_that_fails() {
    for release in releases() {
        let kernel = sim::Kernel::with_release(release);
        kernel.load(sim::Module::MacDo);
        let host = model(kernel);
        let kernel = host.model().expect("one");
        if !has(param::MAC_DO) {
            continue;
        }
        let jail = builder().mac_do(MacDo::rules(RULES)).create().expect("created");
        let update = JailUpdate::new().hostname("h");
        // Whether there is the module is found out once.
        jail.update(&JailUpdate::new().securelevel(0)).expect("updated");
        kernel.fault(0, sim::Fault::Errno(libc::ENOMEM));
        assert_eq!(jail.update(&update).expect_err("not read").kind(), ErrorKind::ResourceExhausted);
        assert_eq!(jail.get((param::HOST_HOSTNAME, param::MAC_DO)).expect("read"), ("".into(), Mode::New));
        kernel.fault(0, sim::Fault::Text(libc::EINVAL, b"unknown parameter: mac.do".to_vec()));
        jail.update(&update).expect("updated");
        assert_eq!(jail.get(param::HOST_HOSTNAME).expect("read"), "h");
    }
}

#[test]
fn t6_a_name_that_rules_of_mac_do_would_replace_is_refused() {
    on_every_kernel(|_| {
        let jail = builder().create().expect("created");
        for name in ["mac.nodo", "nomac.do", "mac.do.norules"] {
            let error = jail.update(&JailUpdate::new().set_value(name, "b")).expect_err("no parameter");
            assert_eq!((error.kind(), error.parameter()), (ErrorKind::UnknownParameter, Some(name)));
        }
    });
}

#[test]
fn t6_rules_of_mac_do_survive_an_attach() {
    let host = host();
    let Some(kernel) = host.model() else {
        println!("skipped: attaching cannot be undone");
        return;
    };
    let jail = builder().mac_do(MacDo::rules(RULES)).create().expect("created");
    let process = kernel.process().fork();
    process.run(|| jail.attach().expect("attached"));
    assert_eq!(process.jid(), jail.jid().get());
    assert_eq!(jail.get((param::MAC_DO, param::MAC_DO_RULES)).expect("read"), (Mode::New, RULES.into()));
}

#[test]
fn t7_a_key_is_read_though_much_text_follows_it() {
    on_every_kernel(|_| {
        if !has(param::META) {
            return;
        }
        let jail = builder()
            .meta("big", "b".repeat(3500))
            .jail_env("big", "e".repeat(4000))
            .create()
            .expect("created");
        // A key that is set later comes first.
        jail.update(&JailUpdate::new().meta("small", "one").jail_env("small", "two")).expect("updated");
        let (meta, env) = (Param::<String>::new("meta.small"), Param::<Option<OsString>>::new("env.small"));
        assert_eq!(jail.get((meta, param::NAME, env)).expect("read").0, "one");
        assert_eq!(jail.get(env).expect("read"), Some("two".into()));
        let both = jail.get(&[("env.big", Kind::String), ("meta.small", Kind::String)][..]).expect("read");
        assert_eq!(both, [Value::String("e".repeat(4000).into()), Value::String("one".into())]);
        let listed: Vec<_> = Jail::all().get((param::JID, meta)).map(|jail| jail.expect("read")).collect();
        assert!(listed.contains(&(jail.jid(), "one".to_owned())));
    });
}

#[test]
fn t7_any_number_of_keys_is_read_at_once() {
    on_every_kernel(|_| {
        if !has(param::META) {
            return;
        }
        let full: Vec<_> = (0..100).map(|index| format!("meta.key{index:02}")).collect();
        let value = |index: usize| format!("{index:02}{}", "v".repeat(28));
        let meta: Vec<_> = (0..100).map(|index| format!("key{index:02}={}", value(index))).collect();
        let jail = builder()
            .set(param::META, meta.join("\n"))
            .jail_env("e", "f".repeat(3000))
            .create()
            .expect("created");
        for count in [15, 16, 17, 40, 100] {
            let keys: Vec<_> = full.iter().take(count).map(|name| (name.as_str(), Kind::String)).collect();
            let values = jail.get(&*keys).expect("read");
            let expected: Vec<_> = (0..count).map(|index| Value::String(value(index).into())).collect();
            assert_eq!(values, expected, "{count} keys");
        }
        // More than a request has room for, beside the whole texts, a key that is missing and something else.
        let mut keys: Vec<_> = (0..6).flat_map(|_| &full).map(|name| (name.as_str(), Kind::String)).collect();
        let many: Vec<_> = (0..600).map(|index| format!("env.none{index}")).collect();
        keys.extend(many.iter().map(|name| (name.as_str(), Kind::String)));
        keys.extend([("meta", Kind::String), ("env.e", Kind::String), ("persist", Kind::Bool)]);
        let values = jail.get(&*keys).expect("read");
        assert_eq!(values.len(), keys.len());
        assert_eq!(values[199], Value::String(value(99).into()));
        assert_eq!(values[600], Value::String("".into()));
        let last: Vec<_> = values.iter().rev().take(3).collect();
        let expected = [
            Value::Bool(true),
            Value::String("f".repeat(3000).into()),
            Value::String(meta.join("\n").into()),
        ];
        assert_eq!(last, expected.iter().collect::<Vec<_>>());
        // They are copied alike.
        let names: Vec<_> = full.iter().map(String::as_str).chain(["env.none"]).collect();
        let copy = builder().copy_from(&jail, &names).expect("read").create().expect("created");
        let lines = |text: String| text.lines().map(str::to_owned).collect::<std::collections::BTreeSet<_>>();
        assert_eq!(lines(copy.get(param::META.utf8()).expect("read")), meta.into_iter().collect());
        assert_eq!(copy.get(param::ENV).expect("read"), "");
    });
}

#[test]
fn t7_a_key_reads_the_same_alone_and_among_many() {
    const LINES: [&str; 12] =
        ["a=1", "ab=2", "b=", "a", "=a", "a=a=b", "xa=4", "ab", "", "a=5", "b=a=6", "x a=7"];
    const KEYS: [&str; 5] = ["meta.a", "meta.ab", "meta.b", "meta.xa", "meta.x a"];
    on_every_kernel(|_| {
        if !has(param::META) {
            return;
        }
        let jail = builder().create().expect("created");
        let many: Vec<_> = KEYS.iter().cycle().take(400).map(|name| (*name, Kind::String)).collect();
        let mut state = 7_u32;
        for _ in 0..60 {
            let mut lines = Vec::new();
            for _ in 0..6 {
                state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                lines.push(LINES[(state >> 16) as usize % LINES.len()]);
            }
            let text = lines.join("\n");
            jail.update(&JailUpdate::new().set(param::META, &text)).expect("updated");
            let alone: Vec<_> =
                KEYS.iter().map(|name| jail.get(Param::<String>::new(name)).expect("read")).collect();
            let among: Vec<_> = jail.get(&*many).expect("read").into_iter().take(KEYS.len()).collect();
            let expected: Vec<_> = alone.into_iter().map(|value| Value::String(value.into())).collect();
            assert_eq!(among, expected, "{text:?}");
        }
    });
}

#[test]
fn t7_texts_are_read_as_long_as_a_request_can_hold_them() {
    on_every_kernel(|host| {
        if !has(param::META) {
            return;
        }
        let Some(_high) = host.set_meta_max(60_000) else { return };
        let jail = builder().create().expect("created");
        let (meta, env) = ("m".repeat(20_000), "e".repeat(28_000));
        jail.update(&JailUpdate::new().meta("k", &meta)).expect("updated");
        jail.update(&JailUpdate::new().jail_env("k", &env).jail_env("small", "1")).expect("updated");
        let key = |name| Param::<String>::new(name);
        let (k, name, all, small) =
            jail.get((key("meta.k"), param::NAME, param::ENV, key("env.small"))).expect("read");
        assert_eq!(
            (k, name, all.len(), small.as_str()),
            (meta, jail.get(param::NAME).expect("read"), 28_010, "1")
        );
        // No request has room for both.
        jail.update(&JailUpdate::new().meta("k", "m".repeat(50_000))).expect("updated");
        assert_eq!(jail.get(param::META).expect("alone").len(), 50_002);
        let error = jail.get((param::META, param::ENV)).expect_err("too much");
        assert!(error.to_string().contains("larger than a request can hold"), "{error}");
    });
}

#[test]
fn values_that_no_request_can_hold_are_refused_as_too_large() {
    on_every_kernel(|_| {
        let jail = builder().create().expect("created");
        let names: Vec<_> = (0..600).map(|index| format!("new.thing{index}")).collect();
        let keys: Vec<_> = names.iter().map(|name| (name.as_str(), Kind::Int)).collect();
        let error = jail.get(&*keys).expect_err("too many");
        assert_eq!((error.kind(), error.call()), (ErrorKind::InvalidRequest, None), "{error}");
    });
}

#[test]
fn t8_keys_and_values_that_forge_others_are_refused() {
    let _host = host();
    let jail = builder().create().expect("created");
    for (key, value, kind) in [
        ("a=b", "c", ErrorKind::InvalidParameter),
        ("a\nb", "c", ErrorKind::InvalidParameter),
        ("", "c", ErrorKind::InvalidParameter),
        ("a\0b", "c", ErrorKind::InvalidParameter),
        ("a", "b\nc=d", ErrorKind::InvalidValue),
        ("a", "b\0c", ErrorKind::InvalidValue),
    ] {
        let (meta, env) = (format!("meta.{key}"), format!("env.{key}"));
        refused(kind, &meta, builder().meta(key, value).create().map(drop));
        refused(kind, &env, builder().jail_env(key, value).create().map(drop));
        refused(kind, &meta, jail.update(&JailUpdate::new().meta(key, value)));
        refused(kind, &env, jail.update(&JailUpdate::new().jail_env(key, value)));
        refused(kind, &meta, jail.update(&JailUpdate::new().set(Param::<String>::new(&meta), value)));
        refused(kind, &env, jail.update(&JailUpdate::new().set_value(&env, Value::String(value.into()))));
        if kind == ErrorKind::InvalidParameter {
            refused(kind, &meta, jail.update(&JailUpdate::new().remove_meta(key)));
            refused(kind, &env, jail.update(&JailUpdate::new().remove_jail_env(key)));
            refused(kind, &meta, jail.update(&JailUpdate::new().remove_entry(&meta)));
            refused(kind, &env, jail.update(&JailUpdate::new().remove_entry(&env)));
        }
    }
    for name in ["", "meta", "env", "securelevel", "ip4.addr", "metal.a"] {
        let update = JailUpdate::new().remove_entry(name).hostname("changed");
        refused(ErrorKind::InvalidParameter, name, jail.update(&update));
    }
    // A number would not end in NUL.
    let number = jail.update(&JailUpdate::new().set(Param::<i32>::new("meta.a"), 1));
    refused(ErrorKind::InvalidParameter, "meta.a", number);
}

#[test]
fn t9_keys_of_which_the_kernel_would_drop_one_are_refused_together() {
    let _host = host();
    let jail = builder().create().expect("created");
    for (one, other) in [
        ("foo", "nofoo"),
        ("a.foo", "a.nofoo"),
        ("ro", "rw"),
        ("rdonly", "norw"),
        ("noro", "rdonly"),
        ("rw", "norw"),
    ] {
        for (one, other) in [(one, other), (other, one)] {
            let (meta, env) = (format!("meta.{other}"), format!("env.{other}"));
            let conflict = ErrorKind::Conflict;
            refused(conflict, &meta, builder().meta(one, "1").meta(other, "2").create().map(drop));
            refused(conflict, &env, builder().jail_env(one, "1").jail_env(other, "2").create().map(drop));
            refused(conflict, &meta, jail.update(&JailUpdate::new().meta(one, "1").meta(other, "2")));
            refused(conflict, &meta, jail.update(&JailUpdate::new().meta(one, "1").remove_meta(other)));
            refused(
                conflict,
                &env,
                jail.update(&JailUpdate::new().remove_jail_env(one).jail_env(other, "2")),
            );
            let changes = JailUpdate::new().jail_env(other, "2");
            refused(conflict, &env, jail.update(&JailUpdate::new().jail_env(one, "1").with(&changes)));
            let keys = [Param::<String>::new(&env), Param::new(&meta)];
            let twin = format!("env.{one}");
            refused(conflict, &env, jail.get((Param::<String>::new(&twin), keys[0])).map(drop));
        }
    }
}

#[test]
fn t9_keys_that_only_look_alike_are_taken_together() {
    on_every_kernel(|_| {
        if !has(param::META) {
            return;
        }
        let jail = builder()
            .meta("foo", "1")
            .jail_env("nofoo", "2")
            .meta("rose", "3")
            .meta("row", "4")
            .jail_env("rw", "5")
            .create()
            .expect("created");
        let key = |name| jail.get(Param::<String>::new(name)).expect("read");
        assert_eq!(
            ["meta.foo", "env.nofoo", "meta.rose", "meta.row", "env.rw"].map(key),
            ["1", "2", "3", "4", "5"]
        );
    });
}

#[test]
fn t18_a_creation_that_fails_late_leaves_no_jail() {
    on_every_kernel(|_| {
        let outer = builder().name(name("t18")).children_max(5).create().expect("created");
        let before = all_jails();
        let long = "x".repeat(4097);
        for make in [
            &(|jail: JailBuilder| jail.create().map(drop))
                as &dyn Fn(JailBuilder) -> freebsd_jail::Result<()>,
            &|jail| jail.create_detached().map(drop),
            &|jail| jail.create_and_attach().map(drop),
        ] {
            for jail in [builder, || builder().jid(freebsd_jail::Jid::new(880_018).expect("above zero"))] {
                make(jail().meta("k", &long)).expect_err("too long");
                make(jail().set(param::ENV, &long)).expect_err("too long");
                make(jail().mac_do(MacDo::rules("nonsense"))).expect_err("no rules");
                make(jail().hostname("h").set(Param::<i32>::new("nosuch.thing"), 1)).expect_err("unknown");
                assert_eq!(all_jails(), before, "a jail was left behind");
            }
            make(outer.child_builder().path("/").mac_do(MacDo::rules("nonsense"))).expect_err("no rules");
            assert_eq!(all_jails(), before, "a nested jail was left behind");
            assert_eq!(outer.get(param::CHILDREN_CUR).expect("read"), 0);
        }
        let error = builder().set(Param::<i32>::new("nosuch.thing"), 1).create().expect_err("unknown");
        assert_eq!((error.kind(), error.parameter()), (ErrorKind::UnknownParameter, Some("nosuch.thing")));
    });
}

#[test]
fn t18_texts_that_are_too_long_are_refused_before_any_call() {
    let host = host();
    if !has(param::META) {
        return;
    }
    let calls = || host.model().map(sim::Kernel::calls).map(|calls| (calls.jail_set, calls.jail_get));
    let before = calls();
    for jail in [
        builder().meta("k", "x".repeat(4095)),
        builder().jail_env("a", "x".repeat(2048)).jail_env("b", "x".repeat(2048)),
        builder().set(param::META, "x".repeat(4096)),
    ] {
        let error = jail.create().expect_err("too long");
        assert_eq!((error.kind(), error.call()), (ErrorKind::InvalidValue, None), "{error}");
    }
    assert_eq!(calls(), before);
    drop(builder().set(param::META, "x".repeat(4095)).create().expect("just short enough"));
    drop(builder().meta("k", "x".repeat(4093)).create().expect("just short enough"));
}

#[test]
fn t18_late_parameters_take_a_second_call_where_they_would_leave_a_dying_jail() {
    for release in releases() {
        let host = model(sim::Kernel::with_release(release));
        let _ = freebsd_jail::Features::current();
        if !has(param::META) {
            continue;
        }
        let calls = || host.calls().map(|calls| (calls.jail_set, calls.total())).expect("the model");
        let jail = with_rules(builder().meta("a", "1").jail_env("b", "2"));
        let before = calls();
        let jail = jail.create().expect("created");
        let made = if jail.descriptor().is_some() { 2 } else { 1 };
        assert_eq!(calls(), (before.0 + made, before.1 + made));
        assert_eq!(jail.get(param::META).expect("read"), "a=1");
    }
}

#[test]
fn a_jail_created_and_attached_to_has_its_late_parameters_and_goes_with_its_last_process() {
    for release in releases() {
        let host = model(sim::Kernel::with_release(release));
        if !has(param::META) {
            continue;
        }
        let kernel = host.model().expect("a model");
        let outer = builder().children_max(3).create().expect("created");
        let rules = has(param::MAC_DO);
        for (jail, stays) in [
            (with_rules(builder().meta("k", "v")), false),
            (with_rules(outer.child_builder().path("/").meta("k", "v")), false),
            (with_rules(builder().meta("k", "v")).set(param::PERSIST, true), true),
            (with_rules(builder().meta("k", "v")).set(param::PERSIST, false), false),
        ] {
            let process = kernel.process().fork();
            let jid = process.run(|| jail.create_and_attach().expect("attached"));
            assert_eq!(process.jid(), jid.get());
            let handle = Jail::open(jid).expect("it is there");
            assert_eq!(handle.get(Param::<String>::new("meta.k")).expect("read"), "v");
            if rules {
                assert_eq!(handle.get(param::MAC_DO_RULES).expect("read"), RULES);
            }
            assert_eq!(handle.get(param::PERSIST).expect("read"), stays);
            process.exit();
            assert_eq!(handle.is_alive().expect("asked"), stays);
            if stays {
                handle.remove().expect("removed");
            }
        }
        // A jail to which the process cannot attach is not left behind either.
        let before = all_jails();
        let process = kernel.process().fork();
        process.open_directory();
        let error =
            process.run(|| builder().meta("k", "v").create_and_attach()).expect_err("a directory is open");
        assert_eq!(error.kind(), ErrorKind::PermissionDenied);
        assert_eq!(all_jails(), before);
        assert_eq!(process.jid(), 0);
    }
}

#[test]
fn loading_a_module_grants_nothing() {
    on_every_kernel(|_| {
        let jail = builder().allow_mount("devfs").deny_mount("tmpfs").create().expect("created");
        let may = jail.permissions().expect("read");
        assert!(
            may.contains(Allow::MOUNT_DEVFS) && !may.known().intersects(Allow::MOUNT_TMPFS | Allow::MOUNT)
        );
        for bad in ["", "a.b", "no\0pe"] {
            let error = builder().allow_mount(bad).create().expect_err("no name");
            assert_eq!((error.parameter(), error.call()), (Some(&*format!("allow.mount.{bad}")), None));
        }
        let error = builder().allow_mount("nosuchfs").create().expect_err("unknown");
        assert_eq!(
            (error.kind(), error.parameter()),
            (ErrorKind::UnknownParameter, Some("allow.mount.nosuchfs"))
        );
        let error = builder().deny_mount("nosuchfs").create().expect_err("unknown");
        assert_eq!(
            (error.kind(), error.parameter()),
            (ErrorKind::UnknownParameter, Some("allow.mount.nosuchfs"))
        );
    });
}

#[test]
fn rules_from_any_user_which_panic_mac_do_are_refused() {
    on_every_kernel(|host| {
        for rules in ["any=1>uid=0", "*", "uid=1>uid=2; any=1>uid=0", "uid=1>uid=2;\t* = 1>uid=0"] {
            let set = || builder().mac_do(MacDo::rules(rules));
            refused(ErrorKind::InvalidValue, "mac.do.rules", set().create().map(drop));
            let mut request = freebsd_jail::raw::Request::new();
            refused(ErrorKind::InvalidValue, "mac.do.rules", request.string("mac.do.rules", rules).map(drop));
            let rules = [rules.as_bytes(), b"\0"].concat();
            refused(ErrorKind::InvalidValue, "mac.do.rules", request.bytes("mac.do.rules", &rules).map(drop));
        }
        if has(param::MAC_DO) {
            drop(
                builder()
                    .mac_do(MacDo::rules("uid=1001>any"))
                    .create()
                    .expect("any may be where it leads to"),
            );
        }
        if let Some(model) = host.model() {
            assert_eq!(model.sprung(), []);
        }
    });
}
