//! Compiles a C program with the machine's compiler, links it with the library and runs it.

#![cfg(test)]

use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Where Cargo has put the libraries: beside this test.
fn libraries() -> PathBuf {
    let test = env::current_exe().expect("this test's file");
    test.parent().expect("its folder").to_owned()
}

fn compile_and_run(name: &str, library: &[String]) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"));
    let program = libraries().join(name);
    let compiler = env::var_os("CC").unwrap_or_else(|| "cc".into());
    let status = Command::new(compiler)
        .args([
            "-std=c99",
            "-Wall",
            "-Wextra",
            "-Wpedantic",
            "-Werror",
            "-DFJAIL_SIM",
            "-D_POSIX_C_SOURCE=200809L",
        ])
        .arg("-I")
        .arg(folder.join("include"))
        .arg(folder.join("tests/program.c"))
        .args(library)
        .arg("-o")
        .arg(&program)
        .status()
        .expect("a C compiler");
    assert!(status.success(), "the compiler: {status}");
    let status = Command::new(&program).status().expect("started");
    assert!(status.success(), "{name}: {status}");
}

#[test]
fn a_program_that_is_linked_with_the_shared_library() {
    let folder = libraries().display().to_string();
    compile_and_run(
        "program-shared",
        &[format!("-L{folder}"), format!("-Wl,-rpath,{folder}"), "-lfjail".into()],
    );
}

#[test]
fn a_program_that_the_library_is_part_of() {
    let archive = libraries().join("libfjail.a").display().to_string();
    // What Rust's standard library takes from the system: `rustc --print native-static-libs`.
    let system = if cfg!(target_os = "linux") {
        ["-lgcc_s", "-lpthread", "-lm", "-ldl"].as_slice()
    } else {
        &["-lgcc_s", "-lpthread", "-lm", "-lexecinfo", "-lkvm", "-lmemstat", "-lprocstat", "-lrt", "-lutil"]
    };
    compile_and_run(
        "program-static",
        &[vec![archive], system.iter().map(ToString::to_string).collect()].concat(),
    );
}
