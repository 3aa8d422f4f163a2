//! Values of one type as another, and requests that change before they are sent.

#![allow(clippy::expect_used, clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod common;

use std::ffi::OsString;
use std::net::{Ipv4Addr, Ipv6Addr};
use std::path::PathBuf;

use common::{name, on_every_kernel};
use freebsd_jail::param::{self, EnforceStatfs, Mode, Param, Since, Value};
use freebsd_jail::{Error, ErrorKind, Jail, JailUpdate, Jid, raw::Request};

#[test]
fn a_jid_is_a_number_above_zero() {
    let jid = Jid::new(7).unwrap();
    assert_eq!((i32::from(jid), Jid::try_from(7).unwrap(), "7".parse().unwrap()), (7, jid, jid));
    let texts = ["0", "-1", "", "x", "2147483648"].map(|text| text.parse::<Jid>().unwrap_err());
    let numbers = [0, -1, i32::MIN].map(|number| Jid::try_from(number).unwrap_err());
    for error in texts.into_iter().chain(numbers) {
        assert_eq!((error.kind(), error.parameter()), (ErrorKind::InvalidValue, Some("jid")));
    }
}

#[test]
fn a_value_becomes_its_own_type_and_no_other() {
    #[track_caller]
    fn only<T: TryFrom<Value, Error = Error>>(good: &[&Value]) {
        for value in values() {
            match T::try_from(value.clone()) {
                Ok(_) => assert!(good.contains(&&value), "{value:?}"),
                Err(error) => {
                    assert!(!good.contains(&&value), "{value:?}");
                    assert_eq!(error.kind(), ErrorKind::InvalidValue);
                }
            }
        }
    }
    fn values() -> [Value; 9] {
        [
            Value::Bool(true),
            Value::Int(1),
            Value::Int(-1),
            Value::Ulong(7),
            Value::String("a".into()),
            Value::Mode(Mode::New),
            Value::Ip4(vec![Ipv4Addr::LOCALHOST]),
            Value::Ip6(vec![Ipv6Addr::LOCALHOST]),
            Value::Bytes(vec![1]),
        ]
    }
    let [boolean, one, negative, ulong, string, mode, ip4, ip6, bytes] = &values();
    only::<bool>(&[boolean]);
    only::<i32>(&[one, negative]);
    only::<u32>(&[one]);
    only::<Jid>(&[one]);
    only::<EnforceStatfs>(&[one]);
    only::<u64>(&[ulong]);
    only::<OsString>(&[string]);
    only::<String>(&[string]);
    only::<PathBuf>(&[string]);
    only::<Mode>(&[mode]);
    only::<Vec<Ipv4Addr>>(&[ip4]);
    only::<Vec<Ipv6Addr>>(&[ip6]);
    only::<Vec<u8>>(&[bytes]);
    assert_eq!(Value::try_from(7_u32).unwrap(), Value::Int(7));
    assert_eq!(Value::try_from(u32::MAX).unwrap_err().kind(), ErrorKind::InvalidValue);
}

#[test]
fn a_mode_is_a_number_and_a_word_and_a_level_is_a_number() {
    for (mode, number, word) in
        [(Mode::Disable, 0, "disable"), (Mode::New, 1, "new"), (Mode::Inherit, 2, "inherit")]
    {
        assert_eq!((mode.number(), Mode::from_number(number)), (number, Some(mode)));
        assert_eq!((mode.to_string(), word.parse().ok()), (word.to_owned(), Some(mode)));
    }
    assert_eq!(
        (Mode::from_number(3), "on".parse::<Mode>().unwrap_err().kind()),
        (None, ErrorKind::InvalidValue)
    );
    let levels = [EnforceStatfs::All, EnforceStatfs::BelowRoot, EnforceStatfs::RootOnly];
    for (number, level) in (0..).zip(levels) {
        assert_eq!((level.number(), i32::from(level)), (number, number));
        assert_eq!((EnforceStatfs::from_number(number), number.try_into().ok()), (Some(level), Some(level)));
    }
    let error = EnforceStatfs::try_from(3).unwrap_err();
    assert_eq!((error.kind(), error.parameter()), (ErrorKind::InvalidValue, Some("enforce_statfs")));
}

#[test]
fn a_release_has_a_major_and_a_minor_number() {
    let release = Since::new(14, 2);
    assert_eq!((release.major(), release.minor(), release.to_string().as_str()), (14, 2, "14.2"));
    assert!(release > Since::FREEBSD_13_2 && release < Since::FREEBSD_15_1);
}

#[test]
fn what_is_removed_from_a_request_is_not_sent() {
    on_every_kernel(|_| {
        let mut request = Request::default();
        assert!(request.is_empty());
        request.string("name", name("request")).and_then(|request| request.flag("persist")).unwrap();
        request.string("path", "/").unwrap();
        assert_eq!((request.len(), request.is_empty(), request.len_of("path")), (3, false, Some(2)));
        assert_eq!((request.len_of("persist"), request.len_of("nosuch")), (Some(0), None));
        assert!(format!("{request:?}").ends_with(r#""persist": NULL, "path": /\x00}"#), "{request:?}");
        assert!(request.remove("persist") && !request.remove("persist"));
        assert_eq!(request.names().collect::<Vec<_>>(), ["name", "path"]);
        request.clear();
        assert!(request.is_empty() && !request.remove("name"));
    });
}

#[test]
fn addresses_of_both_families_are_updated_at_once() {
    on_every_kernel(|_| {
        let (ip4, ip6) = (Ipv4Addr::new(10, 7, 6, 1), Ipv6Addr::new(0xfd00, 0, 0, 0, 0, 0, 6, 1));
        let jail = Jail::builder().path("/").addresses([ip4.into(), ip6.into()]).create().expect("created");
        let (ip4, ip6) = (Ipv4Addr::new(10, 7, 6, 2), Ipv6Addr::new(0xfd00, 0, 0, 0, 0, 0, 6, 2));
        jail.update(&JailUpdate::default().addresses([ip6.into(), ip4.into()])).expect("updated");
        let read = jail.get((param::IP4_ADDR, param::IP6_ADDR)).expect("read");
        assert_eq!(read, (vec![ip4], vec![ip6]));
    });
}

#[test]
fn the_linux_that_a_jail_reports_is_set() {
    on_every_kernel(|host| {
        host.load_modules();
        let builder = Jail::builder().path("/").linux_osname("Linux").linux_osrelease("5.15.0");
        let jail = match builder.linux_oss_version(0x03_09_00).create() {
            Err(error) if error.kind() == ErrorKind::UnknownParameter => {
                println!("skipped: this kernel has no linux");
                return;
            }
            created => created.expect("created"),
        };
        let keys = (param::LINUX_OSNAME, param::LINUX_OSRELEASE, param::LINUX_OSS_VERSION);
        let read = jail.get(keys).expect("read");
        assert_eq!(read, ("Linux".into(), "5.15.0".into(), 0x03_09_00));
    });
}

#[test]
fn a_key_made_at_run_time_reads_what_the_constant_reads() {
    on_every_kernel(|_| {
        let jail = Jail::builder().path("/").children_max(3).create().expect("created");
        let read = jail.get((Param::<u32, _>::read_only("children.cur"), Param::<u32>::new("children.max")));
        assert_eq!(read.expect("read"), jail.get((param::CHILDREN_CUR, param::CHILDREN_MAX)).expect("read"));
    });
}
