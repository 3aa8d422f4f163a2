//! The table of parameters against what kernels say that they have.

#![allow(clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "a test fails by panicking")]

mod common;

use common::{model, on_every_kernel};
use freebsd_jail::param::{self, Access, Kind, Since};
use freebsd_jail::{Catalog, Jail, JailUpdate, sim};

#[test]
fn the_table_agrees_with_what_the_kernel_describes() {
    on_every_kernel(|host| {
        host.load_modules();
        let catalog = Catalog::current().expect("loaded");
        assert!(!catalog.is_empty() && catalog.iter().count() == catalog.len());
        let mut unknown = Vec::new();
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
            assert_eq!((row.kind, row.access), (described.kind(), described.access()), "{described:?}");
            let size = match row.kind {
                Kind::String if row.max != 0 => Some(row.max),
                // As large as sysctl security.jail.meta_maxbufsize says.
                Kind::String => described.size(),
                Kind::Ip4 => Some(4),
                Kind::Ip6 => Some(16),
                kind => kind.size(),
            };
            assert_eq!(described.size(), size, "{described:?}");
        }
        println!("{} parameters, of which the table lacks {unknown:?}", catalog.len());
        let Some(model) = host.model() else { return };
        assert_eq!(unknown, [""; 0]);
        let release = Since::from_osreldate(model.release().osreldate().try_into().expect("positive"));
        for row in param::TABLE.iter().filter(|row| row.since <= release && row.module.is_none()) {
            assert!(catalog.get(row.name).is_some(), "{release} lacks {}, of {}", row.name, row.since);
        }
        for described in &catalog {
            let since = param::find(described.name()).expect("a row").since;
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
                "integer" => matches!(row.kind, Kind::Bool | Kind::Int | Kind::Mode),
                "unsigned long" => row.kind == Kind::Ulong,
                "string" => {
                    let max: usize = size.parse().expect("a number");
                    row.kind == Kind::String && (row.max == max || (row.max == 0 && max == 4096))
                }
                "opaque" => matches!(row.kind, Kind::Ip4 | Kind::Ip6),
                _ => false,
            };
            assert!(fits, "{release}: {line}");
            assert!(row.since <= release, "{release} has {name}, of {}", row.since);
            names.push(name);
        }
        for row in param::TABLE.iter().filter(|row| row.since <= release && row.module.is_none()) {
            assert!(names.contains(&row.name), "{release} lacks {}, of {}", row.name, row.since);
        }
    }
}

#[test]
fn permissions_can_be_changed_and_counts_cannot() {
    on_every_kernel(|_| {
        let catalog = Catalog::current().expect("loaded");
        let access = |name: &str| catalog.get(name).map(freebsd_jail::Described::access);
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
    // Everything that is can be read at once.
    let jail = Jail::builder().path("/").create().expect("created");
    let keys: Vec<_> = catalog.iter().map(|parameter| (parameter.name(), parameter.kind())).collect();
    assert_eq!(jail.get(&*keys).expect("read").len(), catalog.len());
    jail.update(&JailUpdate::new().hostname("h")).expect("updated");
    assert_eq!(host.model().map(sim::Kernel::sprung), Some(Vec::new()));
}
