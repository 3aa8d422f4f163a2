//! The pages below `docs` name tests and files that exist, and `docs/kernel.md` has an entry for each trap.

#![allow(clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// What each entry says, in this order.
const PARTS: [&str; 5] = ["Kernel", "Releases", "For you", "Guard", "Tests"];

const TRAPS: usize = 60;

/// Functions of the kernel whose names could be those of tests.
const OF_THE_KERNEL: [&str; 2] = ["jm_osd_method_get", "sys_jail_attach_jd"];

/// Returns the folder of the sources. The tests are also run on machines without it.
fn root() -> Option<&'static Path> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    if root.join("docs/kernel.md").exists() {
        return Some(root);
    }
    println!("skipped: the sources are not on this machine");
    None
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            found.extend(files(&path));
        } else {
            found.push(path);
        }
    }
    found
}

/// Returns the test functions of each source file.
fn tests(root: &Path) -> BTreeMap<String, Vec<String>> {
    let mut tests = BTreeMap::new();
    for path in ["src", "sim/src", "tests"].into_iter().flat_map(|folder| files(&root.join(folder))) {
        if path.extension().is_none_or(|extension| extension != "rs") {
            continue;
        }
        let text = fs::read_to_string(&path).expect("text");
        let mut names = Vec::new();
        let mut is_test = false;
        for line in text.lines().map(str::trim) {
            if line.starts_with("#[") && line.contains("test]") {
                is_test = true;
            } else if let Some(rest) = line.strip_prefix("fn ").filter(|_| is_test) {
                names.push(rest.split('(').next().unwrap_or_default().to_owned());
                is_test = false;
            } else if !line.starts_with("#[") {
                is_test = false;
            }
        }
        let name = path.strip_prefix(root).expect("below").to_string_lossy().into_owned();
        tests.insert(name, names);
    }
    tests
}

/// Returns what stands between backquotes.
fn quoted(text: &str) -> impl Iterator<Item = &str> {
    text.split('`').skip(1).step_by(2)
}

fn is_file(quoted: &str) -> bool {
    !quoted.contains([' ', '*'])
        && ["src/", "sim/src/", "tests/", "examples/", "benches/", "scripts/", "docs/"]
            .iter()
            .any(|folder| quoted.starts_with(folder))
}

/// Whether a quoted word has the form of a test's name: words and underscores, and at least three of these.
fn is_test_name(quoted: &str) -> bool {
    quoted.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_')
        && quoted.matches('_').count() >= 3
        && !OF_THE_KERNEL.contains(&quoted)
}

#[test]
fn every_trap_has_an_entry_with_all_its_parts() {
    let Some(root) = root() else { return };
    let page = fs::read_to_string(root.join("docs/kernel.md")).expect("the page");
    let entries: Vec<&str> = page.split("\n### T").skip(1).collect();
    assert_eq!(entries.len(), TRAPS);
    for (entry, number) in entries.into_iter().zip(1..) {
        assert!(entry.starts_with(&format!("{number}. ")), "T{number}: {entry}");
        let mut rest = entry;
        for part in PARTS {
            let Some((_, after)) = rest.split_once(&format!("\n- **{part}:** ")) else {
                panic!("T{number} has no part {part:?} at its place");
            };
            rest = after;
        }
        let mut named = quoted(rest.split("\n#").next().unwrap_or_default());
        assert!(named.any(is_test_name), "T{number} names no test");
    }
}

#[test]
fn what_the_pages_name_exists() {
    let Some(root) = root() else { return };
    let tests = tests(root);
    for page in files(&root.join("docs")) {
        let text = fs::read_to_string(&page).expect("text");
        let page = page.display();
        let mut file = None;
        let mut named = 0;
        for word in quoted(&text) {
            if is_file(word) {
                assert!(root.join(word).exists(), "{page}: {word} does not exist");
                file = tests.get_key_value(word).map(|(file, _)| file);
            } else if is_test_name(word) {
                named += 1;
                let Some(file) = file else { panic!("{page}: no file is named for {word}") };
                let exists = tests.get(file).is_some_and(|names| names.iter().any(|name| name == word));
                assert!(exists, "{page}: {file} has no test {word}");
            }
        }
        println!("{page}: {named} tests");
    }
}
