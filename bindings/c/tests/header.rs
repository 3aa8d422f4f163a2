//! The checked-in header is the one that the source gives.

use std::path::Path;
use std::{env, fs};

#[test]
fn the_header_is_up_to_date() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut made = Vec::new();
    let config = cbindgen::Config::from_file(folder.join("cbindgen.toml")).expect("read");
    cbindgen::generate_with_config(folder, config).expect("made").write(&mut made);
    // What Rust promises its callers by "# Safety" C takes for granted.
    let made = String::from_utf8(made).expect("UTF-8");
    let file = folder.join("include/fjail.h");
    if env::var_os("UPDATE").is_some() {
        fs::write(file, made).expect("written");
    } else {
        let there = fs::read_to_string(file).expect("read");
        assert!(there == made, "the header is not what the source gives: UPDATE=1 cargo test --test header");
    }
}
