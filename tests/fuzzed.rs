//! Runs inputs that the fuzzer kept: those that once failed, and those that cover the most.

#![allow(clippy::panic, clippy::unwrap_used, reason = "a test fails by panicking")]

mod fuzz;

use std::fs;
use std::path::PathBuf;

/// Returns the inputs of a target: a line each, in hexadecimal.
fn seeds(target: &str) -> Vec<Vec<u8>> {
    let folder = std::env::var_os("FREEBSD_JAIL_TEST_DATA")
        .map_or_else(|| PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/tests")), PathBuf::from);
    let file = folder.join("seeds").join(format!("{target}.txt"));
    let text = fs::read_to_string(&file).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
    let bytes = |line: &str| {
        let pairs = line.as_bytes().chunks(2);
        pairs.map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap()).collect()
    };
    text.lines().filter(|line| !line.is_empty() && !line.starts_with('#')).map(bytes).collect()
}

fn all(target: &str, run: impl Fn(&[u8])) {
    let seeds = seeds(target);
    assert!(!seeds.is_empty());
    for seed in &seeds {
        run(seed);
    }
    // Variations of them, so that some inputs run that were not chosen.
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    for seed in &seeds {
        let mut other = seed.clone();
        for byte in &mut other {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            if state >> 60 == 0 {
                *byte = (state >> 32).to_le_bytes()[0];
            }
        }
        run(&other);
    }
}

#[test]
fn any_request_is_refused_or_understood() {
    all("request", fuzz::request::run);
}

#[test]
fn any_value_is_read_or_refused() {
    all("values", fuzz::values::run);
}

#[test]
fn builders_and_updates_do_what_the_same_request_does() {
    all("layers", fuzz::layers::run);
}
