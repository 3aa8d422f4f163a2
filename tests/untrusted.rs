//! The sandbox of the example `untrusted`, and what tries to break it.

#![allow(clippy::expect_used, clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod common;

use std::fs;
use std::net::{TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::{Command, Output};
use std::time::{Duration, Instant};

use common::tree::Tree;
use common::{host, is_confining, is_root};
use freebsd_jail::exec::Processes;
use freebsd_jail::{Jail, param};

#[path = "../examples/untrusted.rs"]
#[allow(dead_code, unreachable_pub, reason = "the example's own")]
mod untrusted;

const PROGRAMS: [&str; 7] = [
    "/bin/sh",
    "/bin/sleep",
    "/bin/hostname",
    "/usr/bin/id",
    "/usr/bin/env",
    "/usr/bin/touch",
    "/sbin/sysctl",
];

/// A tree with programs, whose view can be mounted. Says so where there is none, since a test is skipped then.
fn tree() -> Option<Tree> {
    if !is_confining() || !is_root() {
        return None;
    }
    let well = |program: &str, arguments: &[&str]| {
        Command::new(program).args(arguments).output().is_ok_and(|output| output.status.success())
    };
    if !well("/sbin/kldstat", &["-q", "-m", "nullfs"]) && !well("/sbin/kldload", &["nullfs"]) {
        println!("skipped: there is no nullfs");
        return None;
    }
    let programs: Vec<_> =
        PROGRAMS.into_iter().filter(|program| fs::exists(program).unwrap_or(false)).collect();
    let tree = Tree::with(&programs);
    for library in fs::read_dir("/usr/lib").expect("read").map(|entry| entry.expect("an entry").path()) {
        let name = library.file_name().expect("a name").to_string_lossy().into_owned();
        if ["libpam.so", "libbsm.so", "libutil.so"].iter().any(|wanted| name.starts_with(wanted)) {
            tree.directory("/usr/lib");
            fs::copy(&library, tree.path().join("usr/lib").join(name)).expect("copied");
        }
    }
    // What a shell reads for programs in the background.
    tree.directory("/dev");
    tree.file("/dev/null", "");
    tree.directory("/writable");
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o777);
    fs::set_permissions(tree.path().join("writable"), mode).expect("made writable for all");
    fs::set_permissions(tree.path(), std::os::unix::fs::PermissionsExt::from_mode(0o755)).expect("opened");
    Some(tree)
}

fn run_for(tree: &Tree, script: &str, time: Duration) -> Option<Output> {
    let sandbox = untrusted::Sandbox { root: tree.path().to_owned(), user: "nobody".into(), time };
    sandbox.run(&"/bin/sh".into(), &["-c".into(), script.into()]).expect("it ran")
}

fn run(tree: &Tree, script: &str) -> Output {
    let output = run_for(tree, script, Duration::from_secs(60)).expect("in time");
    println!("{script}: {output:?}");
    output
}

#[track_caller]
fn says(tree: &Tree, script: &str) -> String {
    let output = run(tree, script);
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout).expect("text").trim_end().to_owned()
}

/// Sees that nothing is left of any sandbox of this process.
#[track_caller]
fn nothing_is_left(tree: &Tree) {
    let prefix = std::env::temp_dir().join(format!("untrusted-{}-", std::process::id()));
    let prefix = prefix.to_string_lossy().into_owned();
    let path = |path: freebsd_jail::Result<PathBuf>| path.expect("read").to_string_lossy().into_owned();
    let jails: Vec<_> =
        Jail::all().dying(true).get(param::PATH).map(path).filter(|path| path.starts_with(&prefix)).collect();
    assert!(jails.is_empty(), "{jails:?}");
    let mounts = Command::new("/sbin/mount").arg("-p").output().expect("mount");
    let mounts = String::from_utf8_lossy(&mounts.stdout).into_owned();
    assert!(!mounts.contains(&*tree.path().to_string_lossy()), "{mounts}");
    let folders =
        fs::read_dir(std::env::temp_dir()).expect("read").map(|entry| entry.expect("an entry").path());
    let folders: Vec<_> = folders.filter(|path| path.to_string_lossy().starts_with(&prefix)).collect();
    assert!(folders.is_empty(), "{folders:?}");
    let sleeping =
        |process: &&freebsd_jail::exec::Process| process.command.as_deref() == Some("sleep".as_ref());
    let processes = Processes::current().expect("listed");
    assert_eq!(processes.iter().filter(sleeping).count(), 0, "{processes:?}");
}

// One test, since each looks at the whole system for what it has left.
#[test]
fn a_sandbox_cannot_be_broken() {
    let Some(tree) = tree() else { return };
    network(&tree);
    root(&tree);
    user(&tree);
    permissions(&tree);
    environment(&tree);
    limits(&tree);
    time(&tree);
    nothing_is_left(&tree);
}

fn network(tree: &Tree) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("bound");
    listener.set_nonblocking(true).expect("set");
    let port = listener.local_addr().expect("bound").port();
    // This program itself, which tries it.
    let this = std::env::current_exe().expect("this program");
    fs::copy(&this, tree.path().join("bin/connects")).expect("copied");
    let tries = "--exact connects_where_it_is_told_to --nocapture --test-threads=1";
    // The same outside gets through, so that the failure inside means something.
    let outside =
        Command::new(&this).args(tries.split(' ')).env("PORT", port.to_string()).output().expect("it ran");
    assert!(String::from_utf8_lossy(&outside.stdout).contains("connected: true"), "{outside:?}");
    let _ = listener.accept().expect("somebody has connected");
    let said = says(tree, &format!("PORT={port} /bin/connects {tries}"));
    assert!(said.contains("connected: false"), "{said}");
    assert!(listener.accept().is_err(), "nobody has connected");
}

#[test]
fn connects_where_it_is_told_to() {
    let Ok(port) = std::env::var("PORT") else {
        println!("skipped: this is what another test runs in a sandbox");
        return;
    };
    let connected = TcpStream::connect(("127.0.0.1", port.parse().expect("a port")));
    println!("connected: {}", connected.is_ok());
}

fn root(tree: &Tree) {
    let output = run(tree, "echo broken >/writable/file");
    assert!(!output.status.success());
    assert!(String::from_utf8_lossy(&output.stderr).contains("Read-only"), "{output:?}");
    assert!(!run(tree, "touch /bin/sh /tmp/file").status.success());
    assert!(!tree.path().join("writable/file").exists());
    // Neither is there anything of the host's.
    assert_eq!(says(tree, "cd /../..; echo *"), says(tree, "cd /; echo *"));
    assert!(!says(tree, "echo /*").contains("/etc"));
}

fn user(tree: &Tree) {
    let expected = Command::new("/usr/bin/id").args(["-u", "nobody"]).output().expect("id");
    let expected = String::from_utf8(expected.stdout).expect("text");
    assert_eq!(says(tree, "id -u"), expected.trim_end());
    // A program that becomes root where it can.
    let shell = tree.path().join("bin/suid");
    fs::copy("/usr/bin/id", &shell).expect("copied");
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o4755);
    fs::set_permissions(&shell, mode).expect("made set-user-id");
    let outside = run_as_nobody(&shell);
    assert_eq!(outside, "0", "it works outside");
    assert_eq!(says(tree, "/bin/suid -u"), expected.trim_end());
}

fn run_as_nobody(program: &std::path::Path) -> String {
    use std::os::unix::process::CommandExt as _;
    let output = Command::new(program).arg("-u").uid(65534).gid(65534).output().expect("it ran");
    String::from_utf8(output.stdout).expect("text").trim_end().to_owned()
}

fn permissions(tree: &Tree) {
    // What the kernel answers in a jail is what that jail may do.
    let names =
        ["allow_raw_sockets", "set_hostname_allowed", "sysvipc_allowed", "chflags_allowed", "mount_allowed"];
    for name in names {
        assert_eq!(says(tree, &format!("/sbin/sysctl -n security.jail.{name}")), "0", "{name}");
    }
    assert!(!run(tree, "hostname broken").status.success());
    assert_eq!(says(tree, "/sbin/sysctl -n security.jail.jailed kern.securelevel"), "1\n3");
}

fn environment(tree: &Tree) {
    assert_eq!(
        says(
            tree,
            "env | while read line; do case $line in PWD=*|_=*|OLDPWD=*) ;; *) echo $line;; esac; done"
        ),
        "PATH=/bin:/usr/bin:/sbin".replace(":/sbin", "")
    );
}

fn limits(tree: &Tree) {
    let output = run(tree, "a=xxxxxxxxxxxxxxxx; while :; do a=$a$a; done");
    assert!(!output.status.success(), "it had as much memory as it wanted");
    assert_eq!(says(tree, "ulimit -n; ulimit -c; ulimit -u"), "64\n0\n32");
    let output = run(tree, "n=0; while [ $n -lt 100 ]; do sleep 20 & n=$((n + 1)); done");
    assert!(String::from_utf8_lossy(&output.stderr).contains("ork"), "it had as many processes as it wanted");
    nothing_is_left(tree);
}

fn time(tree: &Tree) {
    let started = Instant::now();
    let script = "(trap '' TERM HUP; exec sleep 1000) & (trap '' TERM HUP INT; sleep 1000; sleep 1000)";
    assert!(run_for(tree, script, Duration::from_secs(2)).is_none(), "its time was over");
    assert!(started.elapsed() < Duration::from_secs(30), "{:?}", started.elapsed());
    nothing_is_left(tree);
    // What is left running by a program that ends holds nobody up longer.
    let output = run_for(tree, "sleep 1000 >&- 2>&- & exit 7", Duration::from_secs(60)).expect("in time");
    assert_eq!(output.status.code(), Some(7));
    nothing_is_left(tree);
}

#[test]
fn a_sandbox_runs_a_program_and_ends_one_that_takes_too_long() {
    if is_confining() {
        println!("skipped: this is of the model; see the other test");
        return;
    }
    if !is_root() {
        return;
    }
    let host = host();
    host.model().expect("a model").allow_exec(true);
    let run = |script: &str, millis| {
        let time = Duration::from_millis(millis);
        let sandbox = untrusted::Sandbox { root: "/".into(), user: "nobody".into(), time };
        sandbox.run(&"/bin/sh".into(), &["-c".into(), script.into()]).expect("it ran")
    };
    let output = run("echo $PATH; id -u; exit 7", 60_000).expect("in time");
    assert_eq!(output.status.code(), Some(7));
    assert!(output.stdout.starts_with(b"/bin:/usr/bin\n"), "{output:?}");
    assert!(run("exec sleep 1000", 300).is_none(), "its time was over");
    assert_eq!(Jail::all().dying(true).get(param::JID).count(), 0);
}
