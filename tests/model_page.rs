//! `docs/model.md` says of the model what it is.

#![cfg(feature = "sim")]
#![allow(clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use freebsd_jail::sim::{Calls, Kernel, Module, Release};
use freebsd_jail::{Catalog, Jail};

/// Returns the page. The tests are also run on machines without it.
fn page() -> Option<String> {
    let page = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/model.md")).ok();
    if page.is_none() {
        println!("skipped: the sources are not on this machine");
    }
    page
}

/// Returns what stands between back quotes in a text.
fn quoted(text: &str) -> BTreeSet<&str> {
    text.split('`').skip(1).step_by(2).collect()
}

/// Returns the rows of the table below a heading, each with its cells.
fn table<'p>(page: &'p str, heading: &str) -> Vec<Vec<&'p str>> {
    let (_, section) = page.split_once(&format!("\n## {heading}\n")).expect("there is such a heading");
    let section = section.split_once("\n## ").map_or(section, |(section, _)| section);
    let rows = section.lines().filter(|line| line.starts_with("| ")).skip(1);
    rows.map(|row| row.trim_matches('|').split('|').map(str::trim).collect()).collect()
}

fn cell<'p>(row: &[&'p str], index: usize) -> &'p str {
    row.get(index).copied().expect("a cell")
}

#[test]
fn each_release_of_the_model_and_each_recording_is_named() {
    let Some(page) = page() else { return };
    let rows = table(&page, "Releases");
    let models: BTreeSet<_> = rows.iter().flat_map(|row| quoted(cell(row, 0))).collect();
    let released: Vec<String> = Release::ALL.iter().map(|release| format!("{release:?}")).collect();
    assert_eq!(rows.len(), released.len(), "{models:?}, {released:?}");
    let named: BTreeSet<_> = rows.iter().flat_map(|row| quoted(cell(row, 2))).collect();
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/transcripts");
    for name in &named {
        let is_there = folder.join(name).exists() || !folder.join("freebsd-15.1/get.jsonl").exists();
        assert!(is_there, "{name}");
    }
    for entry in fs::read_dir(&folder).expect("a folder") {
        let name = entry.expect("an entry").file_name().into_string().expect("text");
        let is_recording = folder.join(&name).is_dir() && name != "recorded";
        assert!(!is_recording || named.contains(name.as_str()), "{name} is not named");
    }
}

#[test]
fn each_call_that_is_counted_is_named() {
    let Some(page) = page() else { return };
    let named: BTreeSet<_> = table(&page, "System calls")
        .iter()
        .map(|row| cell(row, 0).split('`').nth(1).expect("a name"))
        .collect();
    // Its `Debug` lists the fields.
    let counted = format!("{:?}", Calls::default());
    let counted: BTreeSet<_> = counted
        .trim_start_matches("Calls {")
        .split(',')
        .filter_map(|field| field.split(':').next())
        .map(str::trim)
        .collect();
    assert_eq!(named, counted);
}

#[test]
fn each_module_has_the_parameters_that_are_named() {
    let Some(page) = page() else { return };
    for row in table(&page, "Parameters") {
        let module = match cell(&row, 0).trim_matches('`') {
            "mac_do" => Module::MacDo,
            "linux" => Module::Linux,
            "zfs" => Module::Zfs,
            "vmm" => Module::Vmm,
            "file systems" | "none" => continue,
            other => panic!("there is no module {other}"),
        };
        let kernel = Kernel::new();
        let _guard = kernel.install();
        kernel.unload(module);
        let before = names();
        kernel.load(module);
        let after = names();
        let named: BTreeSet<String> = quoted(cell(&row, 1)).into_iter().map(str::to_owned).collect();
        for name in &named {
            assert!(after.contains(name), "{name}");
        }
        let added: BTreeSet<_> = after.difference(&before).cloned().collect();
        assert!(added.is_subset(&named), "{added:?} is not all named");
    }
}

/// The names of the parameters of the installed model.
fn names() -> BTreeSet<String> {
    let _jail = Jail::builder().path("/").create().expect("created");
    Catalog::current().expect("asked").iter().map(|entry| entry.name().to_owned()).collect()
}
