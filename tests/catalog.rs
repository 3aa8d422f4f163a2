//! Compares the table of parameters with kernels.

#![allow(clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "a test fails by panicking")]

mod common;

use common::{host, model, on_every_kernel};
use freebsd_jail::param::{self, Access, Kind, Since, Value};
use freebsd_jail::{Catalog, ErrorKind, Jail, JailUpdate, get::Present, sim};

#[test]
fn the_table_agrees_with_what_the_kernel_describes() {
    on_every_kernel(|host| {
        host.load_modules();
        let catalog = Catalog::current().expect("loaded");
        assert!(!catalog.is_empty() && catalog.iter().count() == catalog.len());
        let mut unknown = Vec::new();
        assert!(catalog.into_iter().eq(catalog.iter()));
        for described in &catalog {
            assert!(
                catalog.get(described.name()) == Some(described),
                "{described:?} is not found by its name"
            );
            assert!(!described.description().is_empty(), "{described:?}");
            let Some(row) = param::find(described.name()) else {
                unknown.push(described.name());
                continue;
            };
            assert_eq!((row.kind(), row.access()), (described.kind(), described.access()), "{described:?}");
            // Without one of its own, a string is as long as sysctl security.jail.meta_maxbufsize says.
            let max = if row.kind() == Kind::String { row.max_len().or(described.max_len()) } else { None };
            assert_eq!(described.max_len(), max, "{described:?}");
        }
        println!("{} parameters, of which the table lacks {unknown:?}", catalog.len());
        let Some(model) = host.model() else { return };
        assert_eq!(unknown, [""; 0]);
        let release = Since::from_osreldate(model.release().osreldate().try_into().expect("positive"));
        for row in param::TABLE
            .iter()
            .filter(|row| row.since().expect("in the table") <= release && row.module().is_none())
        {
            assert!(
                catalog.get(row.name()).is_some(),
                "{release} lacks {}, of {}",
                row.name(),
                row.since().expect("in the table")
            );
        }
        for described in &catalog {
            let since = param::find(described.name()).expect("a row").since().expect("in the table");
            assert!(since <= release, "{release} has {}, of {since}", described.name());
        }
    });
}

#[test]
fn what_the_kernel_describes_can_be_read_as_described() {
    on_every_kernel(|host| {
        host.load_modules();
        let jail = Jail::builder().path("/").create().expect("created");
        for described in &Catalog::current().expect("loaded") {
            let key = (described.name(), described.kind());
            let values = jail.get(&[key][..]).unwrap_or_else(|error| panic!("{key:?}: {error}"));
            assert_eq!(values[0].kind(), described.kind());
        }
    });
}

#[test]
fn the_table_agrees_with_recorded_kernels() {
    for (release, list) in [
        (Since::FREEBSD_13_2, include_str!("transcripts/freebsd-13.2/parameters.tsv")),
        (Since::from_osreldate(1_402_000), include_str!("transcripts/freebsd-14.2/parameters.tsv")),
        (Since::FREEBSD_15_1, include_str!("transcripts/freebsd-15.1/parameters.tsv")),
    ] {
        let mut names = Vec::new();
        for line in list.lines().filter(|line| !line.starts_with('#')) {
            let mut fields = line.split('\t');
            let mut field = || fields.next().expect("four fields");
            let (name, kind, size) = (field(), field(), field());
            let name = name.strip_suffix('.').unwrap_or(name);
            let row = param::find(name).unwrap_or_else(|| panic!("{name} has no row"));
            let fits = match kind {
                "integer" => matches!(row.kind(), Kind::Bool | Kind::Int | Kind::Mode),
                "unsigned long" => row.kind() == Kind::Ulong,
                "string" => {
                    let max: usize = size.parse().expect("a number");
                    row.kind() == Kind::String && row.max_len().unwrap_or(4096) == max
                }
                "opaque" => matches!(row.kind(), Kind::Ip4 | Kind::Ip6),
                _ => false,
            };
            assert!(fits, "{release}: {line}");
            assert!(
                row.since().expect("in the table") <= release,
                "{release} has {name}, of {}",
                row.since().expect("in the table")
            );
            names.push(name);
        }
        for row in param::TABLE
            .iter()
            .filter(|row| row.since().expect("in the table") <= release && row.module().is_none())
        {
            assert!(
                names.contains(&row.name()),
                "{release} lacks {}, of {}",
                row.name(),
                row.since().expect("in the table")
            );
        }
    }
}

#[test]
fn permissions_can_be_changed_and_counts_cannot() {
    on_every_kernel(|_| {
        let catalog = Catalog::current().expect("loaded");
        let access = |name: &str| catalog.get(name).map(param::Definition::access);
        assert_eq!(access("allow.raw_sockets"), Some(Access::ReadWrite));
        assert_eq!(access("allow.mount"), Some(Access::ReadWrite));
        assert_eq!(access("path"), Some(Access::CreateOnly));
        assert_eq!(access("children.cur"), Some(Access::ReadOnly));
        assert_eq!(access("nosuch"), None);
    });
}

#[test]
fn what_the_mac_do_of_14_2_panics_over_is_not_offered() {
    let kernel = sim::Kernel::with_release(sim::Release::FREEBSD_14_2);
    kernel.load(sim::Module::MacDo);
    let host = model(kernel);
    let catalog = Catalog::current().expect("loaded");
    assert_eq!(catalog.iter().find(|parameter| parameter.name().starts_with("mdo")), None);
    // All parameters can be read at once.
    let jail = Jail::builder().path("/").create().expect("created");
    let keys: Vec<_> = catalog.iter().map(|parameter| (parameter.name(), parameter.kind())).collect();
    assert_eq!(jail.get(&*keys).expect("read").len(), catalog.len());
    jail.update(&JailUpdate::new().hostname("h")).expect("updated");
    assert_eq!(host.model().map(sim::Kernel::sprung), Some(Vec::new()));
}

#[test]
fn one_parameter_is_described_without_the_catalog() {
    on_every_kernel(|host| {
        host.load_modules();
        for described in &Catalog::current().expect("asked") {
            assert_eq!(Catalog::describe(described.name()).expect("described").kind(), described.kind());
        }
        for (name, kind) in
            [("meta.owner", Kind::String), ("env.x", Kind::String), ("allow.mlock", Kind::Bool)]
        {
            let described = Catalog::describe(name).expect("described");
            assert_eq!((described.name(), described.kind()), (name, kind));
        }
        // The last is a node without a value of its own.
        for name in ["nosuch", "host.nosuch", "allow.mount.nosuchfs", "host.hostname.x", "children"] {
            let error = Catalog::describe(name).expect_err("there is none");
            assert_eq!((error.kind(), error.parameter()), (ErrorKind::UnknownParameter, Some(name)));
        }
        let error = Catalog::describe("meta.").expect_err("never sent");
        assert_eq!(error.kind(), ErrorKind::InvalidParameter);
    });
}

#[test]
fn a_module_that_the_table_lacks_is_described_by_the_kernel() {
    let kernel = sim::Kernel::new();
    kernel.load(sim::Module::FileSystem("unionfs"));
    let _host = model(kernel);
    assert!(param::find("allow.mount.unionfs").is_none());
    let described = Catalog::describe("allow.mount.unionfs").expect("described");
    assert_eq!((described.kind(), described.access()), (Kind::Bool, Access::ReadWrite));
}

#[test]
fn a_structure_that_nobody_knows_is_bytes() {
    let kernel = sim::Kernel::new();
    kernel.load(sim::Module::FileSystem("unionfs"));
    let _guard = kernel.install();
    // The kernel gives its number, its name, and then its type, 5, and format.
    kernel.fault(2, sim::Fault::Filled(5));
    let described = Catalog::describe("allow.mount.unionfs").expect("described");
    assert_eq!((described.kind(), described.access()), (Kind::Bytes, Access::ReadOnly));
}

#[test]
fn names_of_up_to_64_kib_are_read_into_buffers_that_grow_fourfold() {
    let asked = |len| {
        let kernel = sim::Kernel::new();
        kernel.load(sim::Module::FileSystem("x".repeat(len).leak()));
        let _guard = kernel.install();
        let before = kernel.calls().sysctl;
        Catalog::current().map(|_| kernel.calls().sysctl - before)
    };
    let usual = asked(100).expect("read");
    // The name is read twice, once to find the permissions.
    for (len, steps) in [(900, 1), (4_000, 2), (16_000, 3), (60_000, 4)] {
        assert_eq!(asked(len).expect("read"), usual + 2 * steps, "{len}");
    }
    assert_eq!(asked(70_000).expect_err("too long").errno(), Some(libc::ENOMEM));
}

#[test]
fn a_host_without_jails_has_no_parameters() {
    let kernel = sim::Kernel::new();
    let _guard = kernel.install();
    let errors: [fn() -> Option<freebsd_jail::Error>; 2] =
        [|| Catalog::describe("allow.mount.nosuchfs").err(), || Catalog::current().err()];
    for error in errors {
        for (errno, kind) in [(libc::ENOSYS, ErrorKind::Unsupported), (libc::EIO, ErrorKind::Other)] {
            kernel.fault(0, sim::Fault::Errno(errno));
            let error = error().expect("a fault");
            assert_eq!((error.kind(), error.errno()), (kind, Some(errno)), "{error}");
        }
    }
}

#[test]
fn all_parameters_are_read_in_one_call_each_with_its_name() {
    on_every_kernel(|host| {
        host.load_modules();
        let jail = Jail::builder().path("/").hostname("h.example.org").create().expect("created");
        let catalog = Catalog::current().expect("asked");
        let before = host.model().map(|model| model.calls().jail_get);
        let all = jail.get(&catalog).expect("read");
        if let (Some(model), Some(before)) = (host.model(), before) {
            assert_eq!(model.calls().jail_get, before + 1);
        }
        assert_eq!(all.len(), catalog.len());
        for ((name, value), described) in all.iter().zip(&catalog) {
            assert_eq!((*name, value.kind()), (described.name(), described.kind()));
        }
        assert!(all.contains(&("host.hostname", Value::from("h.example.org"))));
        let listed = Jail::all().get(&catalog).map(|all| all.expect("read"));
        assert!(listed.into_iter().any(|all| all.contains(&("jid", jail.jid().into()))));
    });
}

#[test]
fn names_and_kinds_are_read_from_any_list() {
    on_every_kernel(|_| {
        let jail = Jail::builder().path("/").securelevel(1).create().expect("created");
        let owned = vec![("securelevel".to_owned(), Kind::Int), ("persist".to_owned(), Kind::Bool)];
        let expected = [Value::Int(1), Value::Bool(true)];
        assert_eq!(jail.get(&owned).expect("read"), expected);
        assert_eq!(jail.get(&owned[..]).expect("read"), expected);
        assert_eq!(jail.get([("securelevel", Kind::Int), ("persist", Kind::Bool)]).expect("read"), expected);
        assert_eq!(jail.get(owned).expect("read"), expected);
    });
    // A number that is 0 or 1 may be read as a boolean, and as nothing else.
    let _host = host();
    let jail = Jail::builder().path("/").create().expect("created");
    for row in param::TABLE.iter().filter(|row| row.kind() == Kind::Int && row.range() == Some(0..=1)) {
        let read = |kind| jail.get([(row.name(), kind)]).map_err(|error| error.kind());
        assert_eq!(read(Kind::Ulong), Err(ErrorKind::InvalidParameter));
        assert_ne!(read(Kind::Bool).err(), Some(ErrorKind::InvalidParameter), "{}", row.name());
    }
}

#[test]
fn a_missing_key_is_distinguished_from_an_empty_one() {
    on_every_kernel(|_| {
        let keys = [("meta.empty", Kind::String), ("meta.none", Kind::String), ("persist", Kind::Bool)];
        let builder = Jail::builder().path("/").meta("empty", "");
        match builder.create() {
            Ok(jail) => {
                let expected = [Some(Value::from("")), None, Some(Value::Bool(true))];
                assert_eq!(jail.get(Present(&keys)).expect("read"), expected);
            }
            Err(error) => {
                assert_eq!(error.kind(), ErrorKind::UnknownParameter);
                println!("skipped: this kernel has no meta");
            }
        }
    });
}
