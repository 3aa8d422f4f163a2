//! Runs tests whose effects cannot be undone in processes of their own.

use std::env;
use std::fs::File;
use std::io::{BufRead, BufReader, Read, Write};
use std::os::fd::AsRawFd;
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};

const VARIABLE: &str = "FREEBSD_JAIL_TEST_ALONE";

/// The exit status that says that the body ran: a program that finds no test of the name exits with 0.
const RAN: i32 = 42;

/// Runs a test's body in a process of its own: this program, started again for this one test.
#[track_caller]
pub fn alone(test: &str, body: impl FnOnce()) {
    if is_child(test) {
        body();
        std::process::exit(RAN);
    }
    let status = again(test).status().expect("started");
    assert_eq!(status.code(), Some(RAN), "in a process of its own: {status}");
}

/// Does the same, and returns the status of the process.
#[track_caller]
pub fn alone_until(test: &str, body: impl FnOnce()) -> Option<ExitStatus> {
    if is_child(test) {
        body();
        return None;
    }
    Some(again(test).status().expect("started"))
}

/// Moves a file to a descriptor number that nothing in this process uses.
pub fn renumbered(file: File, number: i32) -> File {
    if file.as_raw_fd() == number {
        return file;
    }
    // SAFETY: nothing uses the number, as the caller says.
    unsafe { nix::unistd::dup2_raw(&file, number) }.expect("duplicated").into()
}

/// Whether this process has been started for this one test.
pub fn is_child(test: &str) -> bool {
    env::var_os(VARIABLE).is_some_and(|name| name == test)
}

/// The command that starts this program again for one test.
pub fn again(test: &str) -> Command {
    // The file of the test may be a module of a program with several.
    let here = module_path!().strip_suffix("common::process").expect("this module");
    let module = here.split_once("::").expect("a program's name").1;
    let mut command = Command::new(env::current_exe().expect("this program"));
    command.args(["--exact", &format!("{module}{test}"), "--nocapture", "--test-threads=1"]);
    command.env(VARIABLE, test);
    command
}

/// A process of its own that says something and then waits to be let go.
pub struct Talking {
    child: Child,
    stdin: Option<ChildStdin>,
    /// Its message.
    pub said: String,
}

impl Talking {
    /// Starts this program again for one test, and waits for its message.
    #[track_caller]
    pub fn start(test: &str) -> Self {
        let mut child = again(test).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("started");
        let stdin = child.stdin.take();
        let stdout = BufReader::new(child.stdout.take().expect("piped"));
        let mut lines = stdout.lines().map_while(Result::ok);
        let said = lines.find_map(|line| line.split_once("says: ").map(|(_, said)| said.to_owned()));
        Self { child, stdin, said: said.expect("it says something") }
    }

    /// Lets it continue, and waits for it to end.
    #[track_caller]
    pub fn end(mut self) {
        drop(self.stdin.take());
        let status = self.child.wait().expect("waited for");
        assert!(status.success(), "{status}");
    }
}

/// Sends a message to the process that started this one, and waits until it may continue.
pub fn say(text: &str) {
    println!("says: {text}");
    std::io::stdout().flush().expect("said");
    let mut nothing = Vec::new();
    std::io::stdin().read_to_end(&mut nothing).expect("let go");
    // Nothing reads the test harness's output now.
    std::process::exit(0);
}
