//! Mistakes of a caller are refused with the parameter's name, before any system call.

#![allow(clippy::expect_used, clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod common;

use std::net::{Ipv4Addr, Ipv6Addr};

use common::host;
use freebsd_jail::param::{Kind, Mode, Param, Value};
use freebsd_jail::raw::{self, At};
use freebsd_jail::{
    Error, ErrorKind, Jail, JailBuilder, JailUpdate, Result,
    param::{self, Ip4},
    raw::{GetFlags, Request, SetFlags},
};

/// Asserts that something is refused before any call.
#[track_caller]
fn refused<T: std::fmt::Debug>(
    kind: ErrorKind,
    parameter: Option<&str>,
    act: impl FnOnce() -> Result<T>,
) -> Error {
    let host = host();
    // The kernel's features are found out once, by a separate call.
    let _ = freebsd_jail::Features::current();
    let before = host.model().map(|model| model.calls().total());
    let error = act().expect_err("it is wrong");
    assert_eq!((error.kind(), error.parameter()), (kind, parameter), "{error}");
    assert_eq!(error.call(), None, "{error}");
    assert_eq!(error.errno(), None, "{error}");
    assert_eq!(host.model().map(|model| model.calls().total()), before, "{error}");
    assert!(error.to_string().len() > 20, "{error} says too little");
    error
}

fn builder() -> JailBuilder {
    Jail::builder().path("/")
}

#[test]
fn a_nul_inside_a_string_is_refused() {
    for (name, jail) in [
        ("name", builder().name("a\0b")),
        ("path", builder().path("/tmp\0/x")),
        ("host.hostname", builder().hostname("a\0")),
        // As many as would cancel each other.
        ("host.domainname", builder().domainname("\0a\0")),
    ] {
        refused(ErrorKind::InvalidValue, Some(name), || jail.create());
    }
    let error =
        refused(ErrorKind::InvalidValue, Some("name"), || Request::new().string("name", "a\0b").map(drop));
    assert_eq!(error.value(), Some(r#""a\0b""#));
    refused(ErrorKind::InvalidValue, Some("name"), || Jail::open("a\0b"));
    let legacy = raw::LegacyJail::new("/", "a\0b");
    let error = refused(ErrorKind::InvalidValue, Some("host.hostname"), || raw::jail(&legacy));
    assert_eq!(error.value(), Some(r#""a\0b""#));
}

#[test]
fn an_empty_name_is_refused() {
    for name in ["", ".", ".a", "a..b"] {
        refused(ErrorKind::InvalidValue, Some("name"), || builder().name(name).create());
    }
    refused(ErrorKind::InvalidValue, Some("name"), || Jail::open(""));
}

#[test]
fn a_nul_inside_a_parameters_name_is_refused() {
    refused(ErrorKind::InvalidParameter, Some("persist\0x"), || Request::new().flag("persist\0x").map(drop));
    let key = Param::<bool>::new("allow.x\0y");
    refused(ErrorKind::InvalidParameter, Some("allow.x\0y"), || builder().set(key, true).create());
}

#[test]
fn an_over_long_string_is_refused() {
    for (name, jail) in [
        ("name", builder().name("n".repeat(256))),
        ("path", builder().path(format!("/{}", "p".repeat(1023)))),
        ("host.hostname", builder().hostname("h".repeat(256))),
    ] {
        refused(ErrorKind::InvalidValue, Some(name), || jail.create());
    }
    refused(ErrorKind::InvalidValue, Some("name"), || {
        Request::new().string("name", "n".repeat(256)).map(drop)
    });
    refused(ErrorKind::InvalidValue, Some("name"), || Jail::open(&"n".repeat(256)));
}

#[test]
fn the_longest_strings_are_taken() {
    let _host = host();
    let name = format!("{:n<255}", common::name("long"));
    let jail = builder().name(&name).hostname("h".repeat(255)).create().expect("just short enough");
    assert_eq!(
        jail.get((param::NAME, param::HOST_HOSTNAME)).expect("read"),
        (name.into(), "h".repeat(255).into())
    );
}

#[test]
fn a_name_that_is_too_long_with_its_parent_s_is_refused() {
    common::on_every_kernel(|_| {
        let name = format!("{:n<200}", common::name("long"));
        let outer = builder().name(name).children_max(1).create().expect("created");
        let inner = outer.child_builder().name("c".repeat(60)).path("/");
        let error = inner.create().expect_err("too long");
        assert_eq!(error.kind(), ErrorKind::InvalidValue, "{error}");
        if outer.descriptor().is_none() {
            assert_eq!((error.call(), error.parameter()), (None, Some("name")));
            assert!(error.to_string().contains("with the names of the jails above it"), "{error}");
        }
    });
}

#[test]
fn a_number_as_a_name_is_refused_unless_it_is_the_jid() {
    for name in ["7", "0777", "-5", "0"] {
        refused(ErrorKind::InvalidValue, Some("name"), || builder().name(name).create());
    }
    let jid = freebsd_jail::Jid::new(880_007).expect("above zero");
    refused(ErrorKind::InvalidValue, Some("name"), || builder().name("880008").jid(jid).create());
    let _host = host();
    let jail = builder().name("880007").jid(jid).create().expect("its own number");
    assert_eq!(jail.get(param::NAME).expect("read"), "880007");
    assert_eq!(builder().name("-").create().expect("no number").get(param::NAME).expect("read"), "-");
}

#[test]
fn an_empty_level_in_a_name_is_refused() {
    for name in [".child", "a..b"] {
        refused(ErrorKind::InvalidValue, Some("name"), || builder().name(name).create());
    }
}

#[test]
fn too_many_parameters_are_refused() {
    let mut request = Request::new();
    for index in 0..509 {
        request.flag(&format!("allow.x{index}")).expect("a name");
    }
    let large = refused(ErrorKind::InvalidRequest, Some("meta"), || request.space("meta", 65_000).map(drop));
    assert!(large.to_string().contains("the request would take"), "{large}");
    request.flag("allow.x509").expect("a name");
    let many = refused(ErrorKind::InvalidRequest, Some("allow.y"), || request.flag("allow.y").map(drop));
    assert!(many.to_string().contains("511 parameters are more than the 510"), "{many}");
    assert_eq!(request.len(), 510);
    let many = |jail: JailBuilder| (0..2_000).fold(jail, |jail, index| jail.meta(&format!("k{index}"), "v"));
    refused(ErrorKind::InvalidRequest, Some("meta.k510"), || many(builder()).create());
    let removing = |update: JailUpdate| {
        let _host = host();
        let jail = builder().create().expect("created");
        jail.update(&(0..2_000).fold(update, |update, index| update.remove_jail_env(&format!("k{index}"))))
    };
    let error = removing(JailUpdate::new()).expect_err("too many");
    assert_eq!((error.kind(), error.parameter()), (ErrorKind::InvalidRequest, Some("env.k510")));
}

#[test]
fn what_one_parameter_may_not_be_another_may() {
    for (name, text) in [
        ("name", "www"),
        ("host.hostname", "0.www"),
        ("host.hostname", "two\nlines"),
        ("host.hostname", "any>uid=1"),
        ("mac.do.rules", "uid=1>uid=2"),
        ("meta.rule", "any>uid=1"),
    ] {
        let mut request = Request::new();
        request.string(name, text).unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(request.value(name), Some([text.as_bytes(), b"\0"].concat().as_slice()));
    }
}

#[test]
fn what_a_creation_adds_to_the_most_parameters_is_refused_before_any_call() {
    // As many as a second call can have, and what attaching adds.
    let most = (0..510).fold(builder(), |jail, index| jail.meta(&format!("k{index}"), "v"));
    refused(ErrorKind::InvalidRequest, None, || most.create_and_attach());
    // With the path, as many as the first call can have.
    let most = (0..509).fold(builder(), |jail, index| jail.allow_mount(&format!("x{index}")));
    refused(ErrorKind::InvalidRequest, None, || most.create());
}

#[test]
fn too_many_bytes_are_refused() {
    for len in [65_000, 65_536, usize::MAX / 2, usize::MAX] {
        let mut request = Request::new();
        request.int("jid", 1).expect("a number");
        let error = refused(ErrorKind::InvalidRequest, Some("meta"), || request.space("meta", len).map(drop));
        assert!(error.to_string().contains("bytes"), "{error}");
        // Nothing of it is left.
        assert_eq!(request.names().collect::<Vec<_>>(), ["jid"]);
    }
    let text = "x".repeat(70_000);
    refused(ErrorKind::InvalidRequest, Some("new.text"), || {
        Request::new().string("new.text", &text).map(drop)
    });
    refused(ErrorKind::InvalidRequest, Some("new.text"), || {
        builder().set(Param::<String>::new("new.text"), &text).create()
    });
}

#[test]
fn a_list_that_no_request_can_hold_is_refused() {
    let (ip4, ip6): (Vec<_>, Vec<_>) =
        (1..=80_000).map(|bits: u32| (Ipv4Addr::from_bits(bits), Ipv6Addr::from_bits(bits.into()))).unzip();
    refused(ErrorKind::InvalidRequest, Some("ip4.addr"), || builder().ip4(ip4.clone()).create());
    refused(ErrorKind::InvalidRequest, Some("ip6.addr"), || builder().ip6(ip6.clone()).create());
    refused(ErrorKind::InvalidRequest, Some("ip4.addr"), || Request::new().ip4("ip4.addr", &ip4).map(drop));
    refused(ErrorKind::InvalidRequest, Some("ip6.addr"), || Request::new().ip6("ip6.addr", &ip6).map(drop));
    // The contents of one that it can hold are checked, and those of no other.
    let mut twice = ip4;
    twice.push(Ipv4Addr::UNSPECIFIED);
    refused(ErrorKind::InvalidRequest, Some("ip4.addr"), || builder().ip4(twice.clone()).create());
    twice.truncate(12_000);
    twice.push(Ipv4Addr::from_bits(7));
    let error = refused(ErrorKind::InvalidValue, Some("ip4.addr"), || builder().ip4(twice).create());
    assert!(error.to_string().contains("0.0.0.7"), "{error}");
    // Of a short one, the first address that comes again is named.
    let short = [8, 9, 9, 8].map(Ipv4Addr::from_bits);
    let error = refused(ErrorKind::InvalidValue, Some("ip4.addr"), || builder().ip4(short).create());
    assert!(error.to_string().contains("0.0.0.9"), "{error}");
}

#[test]
fn the_largest_request_that_the_limits_allow_reaches_the_kernel() {
    let _host = host();
    let mut request = Request::new();
    for index in 0..510 {
        request.flag(&format!("x{index}")).expect("a name");
    }
    let error = raw::jail_get(&mut request, At::None, GetFlags::empty()).expect_err("names no jail");
    assert_eq!((error.kind(), error.message()), (ErrorKind::NotFound, Some("no jail specified")));
    refused(ErrorKind::InvalidRequest, Some("one.more"), || request.flag("one.more").map(drop));
}

#[test]
fn an_empty_request_is_refused() {
    refused(ErrorKind::InvalidRequest, None, || {
        raw::jail_set(&mut Request::new(), At::None, SetFlags::CREATE)
    });
    refused(ErrorKind::InvalidRequest, None, || {
        raw::jail_get(&mut Request::new(), At::None, GetFlags::empty())
    });
}

#[test]
fn a_value_of_the_wrong_size_is_refused() {
    let name = "securelevel";
    refused(ErrorKind::InvalidValue, Some(name), || Request::new().ulong(name, 1).map(drop));
    refused(ErrorKind::InvalidValue, Some(name), || Request::new().bytes(name, &[0; 3]).map(drop));
    refused(ErrorKind::InvalidValue, Some(name), || Request::new().space(name, 8).map(drop));
    refused(ErrorKind::InvalidValue, Some(name), || Request::new().string(name, "abc").map(drop));
    refused(ErrorKind::InvalidValue, Some("ip4.addr"), || {
        Request::new().bytes("ip4.addr", &[0; 6]).map(drop)
    });
    refused(ErrorKind::InvalidValue, Some("ip6.addr"), || Request::new().space("ip6.addr", 20).map(drop));
}

#[test]
fn t16_the_names_that_hang_the_kernel_are_refused_on_every_path() {
    for name in ["meta.", "env."] {
        let bad = ErrorKind::InvalidParameter;
        refused(bad, Some(name), || Request::new().flag(name).map(drop));
        refused(bad, Some(name), || Request::new().int(name, 1).map(drop));
        refused(bad, Some(name), || Request::new().string(name, "x").map(drop));
        refused(bad, Some(name), || Request::new().bytes(name, &[1]).map(drop));
        refused(bad, Some(name), || Request::new().space(name, 64).map(drop));
        let key = Param::<String>::new(name);
        refused(bad, Some(name), || builder().set(key, "x").create());
        let _host = host();
        let jail = builder().name(common::name("t16")).create().expect("created");
        for error in [
            jail.get(key).map(drop).expect_err("refused"),
            jail.get((param::NAME, key)).map(drop).expect_err("refused"),
            jail.get(&[(name, Kind::String)][..]).map(drop).expect_err("refused"),
            jail.update(&JailUpdate::new().set(key, "x")).expect_err("refused"),
            Jail::all().get(key).next().expect("an error").expect_err("refused"),
        ] {
            assert_eq!((error.kind(), error.parameter(), error.call()), (bad, Some(name), None));
        }
    }
}

#[test]
fn the_names_that_panic_the_mac_do_of_14_2_are_refused_on_every_path() {
    for name in ["mdo", "mdo.rules"] {
        let kind = ErrorKind::InvalidParameter;
        refused(kind, Some(name), || Request::new().flag(name).map(drop));
        refused(kind, Some(name), || Request::new().string(name, "").map(drop));
        refused(kind, Some(name), || Request::new().int(name, 2).map(drop));
        refused(kind, Some(name), || Request::new().space(name, 64).map(drop));
        refused(kind, Some(name), || builder().set(Param::<String>::new(name), "").create());
        refused(kind, Some(name), || builder().set_value(name, Value::Mode(Mode::Inherit)).create());
        let _host = host();
        let jail = builder().create().expect("created");
        for error in [
            jail.update(&JailUpdate::new().set(Param::<Mode>::new(name), Mode::Inherit))
                .expect_err("refused"),
            jail.get(Param::<Mode>::new(name)).expect_err("refused"),
            jail.get(&[(name, Kind::String)][..]).expect_err("refused"),
            builder().copy_from(&jail, &[name]).and_then(|jail| jail.create()).expect_err("refused"),
        ] {
            assert_eq!((error.kind(), error.parameter(), error.call()), (kind, Some(name), None), "{error}");
        }
    }
}

#[test]
fn t32_the_no_form_of_a_parameter_that_is_not_a_boolean_is_refused() {
    for name in ["noerrmsg", "nodesc", "nojid", "noname", "nolastjid"] {
        let kind = ErrorKind::InvalidParameter;
        refused(kind, Some(name), || Request::new().flag(name).map(drop));
        refused(kind, Some(name), || Request::new().string(name, "x").map(drop));
        refused(kind, Some(name), || builder().set(Param::<bool>::new(name), true).create());
        refused(kind, Some(name), || builder().set(Param::<String>::new(name), "x").create());
    }
}

#[test]
fn t30_a_level_that_names_the_host_is_refused() {
    for name in ["0.x", "a.0.x", "0.0"] {
        refused(ErrorKind::InvalidValue, Some("name"), || Request::new().string("name", name).map(drop));
        refused(ErrorKind::InvalidValue, Some("name"), || {
            Request::new().bytes("name", format!("{name}\0pad").as_bytes()).map(drop)
        });
        refused(ErrorKind::InvalidValue, Some("name"), || builder().name(name).create());
    }
    for name in ["0x.y", "10.y", "y.0x"] {
        Request::new().string("name", name).expect("not the host's");
    }
}

#[test]
fn t36_a_text_with_a_nul_inside_is_refused() {
    for name in ["meta", "env", "meta.k", "env.k"] {
        for bytes in [&b"a\0b\0"[..], b"a\0\0", b"a"] {
            refused(ErrorKind::InvalidValue, Some(name), || Request::new().bytes(name, bytes).map(drop));
        }
        Request::new().bytes(name, b"a\0").expect("a string");
        Request::new().bytes(name, b"").expect("none");
        Request::new().space(name, 64).expect("room for an answer");
    }
}

#[test]
fn t8_a_newline_in_a_value_is_refused_everywhere() {
    for name in ["meta.a", "env.a"] {
        refused(ErrorKind::InvalidValue, Some(name), || Request::new().string(name, "1\nb=2").map(drop));
        refused(ErrorKind::InvalidValue, Some(name), || Request::new().bytes(name, b"1\nb=2\0").map(drop));
        let key = Param::<String>::new(name);
        refused(ErrorKind::InvalidValue, Some(name), || builder().set(key, "1\nb=2").create());
    }
}

#[test]
fn a_boolean_with_a_value_is_not_sent() {
    for name in ["allow.raw_sockets", "allow.noraw_sockets", "allow.mount.nosuchfs", "persist", "nopersist"] {
        refused(ErrorKind::InvalidValue, Some(name), || {
            let mut request = Request::new();
            request.int("jid", 1)?.int(name, 0)?;
            raw::jail_set(&mut request, At::None, SetFlags::UPDATE)
        });
    }
    let _host = host();
    let jail = builder().name(common::name("boolean")).create().expect("created");
    let mut request = Request::new();
    request
        .int("jid", jail.jid().get())
        .and_then(|request| request.space("allow.raw_sockets", 4))
        .expect("a request");
    raw::jail_get(&mut request, At::None, GetFlags::empty()).expect("read");
    assert_eq!(request.value("allow.raw_sockets"), Some(&[0; 4][..]));
    // A value that was read as false is not sent back as true.
    let error = raw::jail_set(&mut request, At::None, SetFlags::UPDATE).expect_err("it has a value");
    assert_eq!((error.kind(), error.parameter()), (ErrorKind::InvalidValue, Some("allow.raw_sockets")));
}

#[test]
fn the_key_of_listings_is_refused_as_a_parameter() {
    let key = Param::<i32>::new("lastjid");
    common::on_every_kernel(|_| {
        let _first = builder().name(common::name("first")).create().expect("created");
        let jail = builder().name(common::name("lastjid")).create().expect("created");
        for handle in [Jail::open(jail.jid()).expect("found"), Jail::unpinned(jail.jid())] {
            for error in [
                handle.get((param::JID, key)).map(drop).expect_err("it would be another jail's"),
                handle
                    .get(&[("jid", Kind::Int), ("lastjid", Kind::Int)][..])
                    .map(drop)
                    .expect_err("the same"),
                Jail::all().get(key).next().expect("an error").map(drop).expect_err("the same"),
            ] {
                assert_eq!(
                    (error.kind(), error.parameter(), error.call()),
                    (ErrorKind::InvalidParameter, Some("lastjid"), None)
                );
            }
        }
    });
}

#[test]
fn t22_a_name_beside_its_no_form_is_refused() {
    refused(ErrorKind::Conflict, Some("nopersist"), || {
        let mut request = Request::new();
        request.flag("persist")?.flag("nopersist").map(drop)
    });
    refused(ErrorKind::Conflict, Some("allow.mount"), || {
        let mut request = Request::new();
        request.flag("allow.nomount")?.flag("allow.mount").map(drop)
    });
    let _host = host();
    let jail = builder().name(common::name("t22")).create().expect("created");
    let both = [("allow.x", Kind::Bool), ("allow.nox", Kind::Bool)];
    let error = jail.get(&both[..]).expect_err("one of them would look answered");
    assert_eq!((error.kind(), error.call()), (ErrorKind::Conflict, None));
}

#[test]
fn t15_a_repeated_name_is_refused_by_a_request_and_answered_once_by_get() {
    refused(ErrorKind::Conflict, Some("name"), || {
        let mut request = Request::new();
        request.string("name", "a")?.string("name", "b").map(drop)
    });
    let _host = host();
    let name = common::name("t15");
    let jail = builder().name(&name).create().expect("created");
    for handle in [Jail::open(&name).expect("found"), Jail::unpinned(jail.jid())] {
        let (first, second, jid, again) =
            handle.get((param::NAME, param::NAME.utf8(), param::JID, param::JID)).expect("read");
        assert_eq!((first.to_str(), &second, jid, again), (Some(&*name), &name, jail.jid(), jail.jid()));
    }
}

#[test]
fn the_requests_own_slots_cannot_be_added() {
    for name in ["errmsg", "desc", ""] {
        refused(ErrorKind::InvalidParameter, Some(name), || Request::new().space(name, 64).map(drop));
    }
}

#[test]
fn addresses_that_no_host_has_are_refused() {
    for addresses in [
        vec![Ipv4Addr::UNSPECIFIED],
        vec![Ipv4Addr::BROADCAST],
        vec![Ipv4Addr::LOCALHOST, Ipv4Addr::LOCALHOST],
    ] {
        refused(ErrorKind::InvalidValue, Some("ip4.addr"), || builder().ip4(addresses).create());
    }
    for addresses in [vec![Ipv6Addr::UNSPECIFIED], vec![Ipv6Addr::LOCALHOST, Ipv6Addr::LOCALHOST]] {
        refused(ErrorKind::InvalidValue, Some("ip6.addr"), || builder().ip6(addresses).create());
    }
}

#[test]
fn inherited_addresses_with_addresses_of_ones_own_are_refused() {
    refused(ErrorKind::Conflict, Some("ip4"), || {
        builder().ip4(Ip4::Inherit).set(param::IP4_ADDR, [Ipv4Addr::LOCALHOST]).create()
    });
}

#[test]
fn modes_that_exclude_each_other_are_refused() {
    refused(ErrorKind::Conflict, Some("vnet"), || {
        Jail::builder().set(param::VNET, param::Sharing::New).set(param::IP4, Mode::Inherit).create()
    });
    let profile = JailUpdate::new().host(param::Sharing::Inherit);
    refused(ErrorKind::Conflict, Some("host"), || Jail::builder().with(&profile).hostname("www").create());
}

#[test]
fn a_negative_number_of_children_is_refused() {
    refused(ErrorKind::InvalidValue, Some("children.max"), || builder().children_max(u32::MAX).create());
}

#[test]
fn a_number_of_any_type_has_the_parameter_s_range() {
    let key = Param::<u32>::new("devfs_ruleset");
    refused(ErrorKind::InvalidValue, Some("devfs_ruleset"), || builder().set(key, 65_536).create());
}

#[test]
fn a_known_name_with_another_type_is_refused() {
    let key = Param::<i32>::new("persist");
    refused(ErrorKind::InvalidParameter, Some("persist"), || builder().set(key, 0).create());
    let key = Param::<bool>::new("securelevel");
    refused(ErrorKind::InvalidParameter, Some("securelevel"), || builder().set(key, true).create());
    let key = Param::<bool>::new("nopersist");
    refused(ErrorKind::InvalidParameter, Some("nopersist"), || builder().set(key, false).create());
}

#[test]
fn a_permission_that_is_no_boolean_is_refused() {
    let key = Param::<i32>::new("allow.mount.nosuchfs");
    let error =
        refused(ErrorKind::InvalidParameter, Some("allow.mount.nosuchfs"), || builder().set(key, 0).create());
    assert!(error.to_string().contains("grant"), "{error}");
}

#[test]
fn a_run_time_name_keeps_the_tables_access() {
    let parent = Param::<Option<freebsd_jail::Jid>>::new("parent");
    let children = Param::<i32>::new("children.cur");
    refused(ErrorKind::InvalidParameter, Some("children.cur"), || builder().set(children, 3).create());
    let _host = host();
    let jail = builder().name(common::name("access")).create().expect("created");
    assert_eq!(jail.get((parent, children)).expect("read"), (None, 0));
    let path = Param::<std::path::PathBuf>::new("path");
    let error = jail.update(&JailUpdate::new().set(path, "/tmp")).expect_err("fixed at creation");
    assert_eq!(
        (error.kind(), error.parameter(), error.call()),
        (ErrorKind::InvalidParameter, Some("path"), None)
    );
}

#[test]
fn an_owned_jail_that_does_not_persist_is_refused() {
    refused(ErrorKind::Conflict, Some("persist"), || builder().set(param::PERSIST, false).create());
}

#[test]
fn the_first_of_several_mistakes_is_returned() {
    refused(ErrorKind::InvalidValue, Some("children.max"), || {
        builder().children_max(u32::MAX).name("a\0").create()
    });
}
