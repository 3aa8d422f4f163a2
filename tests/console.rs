//! The interactive shell of the example `console`.

#![allow(clippy::expect_used, clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod common;

use std::env;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

use common::{is_confining, name};
use freebsd_jail::Jail;

#[test]
fn a_shell_in_a_jail_has_a_terminal_and_job_control() {
    let this = env::current_exe().expect("this program");
    let program =
        this.parent().and_then(Path::parent).expect("two folders up").join("examples").join("console");
    if !program.exists() {
        println!("skipped: {} is not built; `cargo build --examples` builds it", program.display());
        return;
    }
    let name = name("console");
    let jail = is_confining().then(|| {
        Jail::builder().name(&name).path("/").hostname("inside.example.org").create().expect("created")
    });
    let mut command = Command::new(program);
    command.arg(&name).args((!is_confining()).then_some("--unconfined"));
    let mut child =
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("started");
    let mut input = child.stdin.take().expect("piped");
    // What is echoed differs from what is printed.
    input
        .write_all(b"echo to the termi''nal >/dev/tty; tty -s && echo is a t''ty; set -m && echo job''s\n")
        .expect("written");
    input.write_all(b"hostname; exit 7\n").expect("written");
    let output = child.wait_with_output().expect("waited for");
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert_eq!(output.status.code(), Some(7), "{said}{}", String::from_utf8_lossy(&output.stderr));
    for expected in ["to the terminal", "is a tty", "jobs"] {
        assert!(said.contains(expected), "{expected} in {said}");
    }
    assert!(!said.contains("job control turned off"), "{said}");
    if let Some(jail) = jail {
        assert!(said.contains("inside.example.org"), "{said}");
        jail.remove().expect("removed");
    }
}
