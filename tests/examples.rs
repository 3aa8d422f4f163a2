//! The programs in `examples`, run as a user runs them.
//!
//! They lie beside the folder of this test, where Cargo and the bundle for FreeBSD put them.

#![allow(clippy::expect_used, clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod common;

use std::env;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use common::tree::Tree;
use common::{is_confining, is_root, name};

const PROGRAMS: [&str; 11] = [
    "jail",
    "jls",
    "jexec",
    "supervise",
    "watch",
    "exporter",
    "sandbox",
    "fleet",
    "from_toml",
    "router",
    "dump",
];

/// What each of a few tasks takes: short programs.
const TASKS: [&str; 5] = ["sandbox", "fleet", "from_toml", "router", "dump"];

fn example(program: &str) -> PathBuf {
    let this = env::current_exe().expect("this program");
    let folder = this.parent().and_then(Path::parent).expect("two folders up");
    folder.join("examples").join(program)
}

/// Whether the programs are there. Says so where they are not, since a test is skipped then.
fn are_built() -> bool {
    let missing = PROGRAMS.map(example).into_iter().find(|file| !file.exists());
    if let Some(file) = &missing {
        println!("skipped: {} is not built; `cargo build --examples` builds it", file.display());
    }
    missing.is_none()
}

struct Ran {
    status: ExitStatus,
    stdout: String,
    stderr: String,
}

/// Runs a line as README has it: the program, and its arguments, which are split at spaces but for quoted ones.
#[track_caller]
fn run(line: &str) -> Ran {
    let mut words = words(line).into_iter();
    let program = words.next().expect("a program");
    let output = Command::new(example(&program)).args(words).stdin(Stdio::null()).output().expect("it ran");
    let text = |bytes| String::from_utf8(bytes).expect("text");
    Ran { status: output.status, stdout: text(output.stdout), stderr: text(output.stderr) }
}

/// Does the same, where it must end well, and returns what was printed.
#[track_caller]
fn well(line: &str) -> String {
    let ran = run(line);
    assert!(ran.status.success(), "{line}: {}\n{}{}", ran.status, ran.stdout, ran.stderr);
    ran.stdout.trim_end().to_owned()
}

fn words(line: &str) -> Vec<String> {
    let mut words = Vec::new();
    for (place, part) in line.split('\'').enumerate() {
        if place % 2 == 1 {
            words.push(part.to_owned());
        } else {
            words.extend(part.split_whitespace().map(str::to_owned));
        }
    }
    words
}

#[test]
fn each_example_shows_its_usage() {
    if !are_built() {
        return;
    }
    for program in PROGRAMS {
        let help = well(&format!("{program} --help"));
        assert!(help.starts_with(&format!("usage: {program} ")), "{help}");
        let ran = run(&format!("{program} --no-such-option"));
        assert_eq!(ran.status.code(), Some(1), "{program}");
        assert!(ran.stdout.is_empty() && ran.stderr.contains("usage: "), "{program}: {}", ran.stderr);
    }
}

#[test]
fn none_is_longer_than_150_lines() {
    let Some(folder) = option_env!("CARGO_MANIFEST_DIR").map(|root| Path::new(root).join("examples")) else {
        return;
    };
    if !folder.exists() {
        println!("skipped: the sources are not here");
        return;
    }
    for program in PROGRAMS.into_iter().chain(["fork", "console", "oci", "farm", "untrusted"]) {
        let source = std::fs::read_to_string(folder.join(program).with_extension("rs")).expect("read");
        let lines = source.lines().count();
        let most = if TASKS.contains(&program) { 120 } else { 150 };
        assert!(lines <= most, "{program} has {lines} lines");
    }
}

#[test]
fn a_build_step_runs_in_a_sandbox_that_may_do_nothing() {
    if !are_built() {
        return;
    }
    let ran = run("sandbox --unconfined -- /bin/sh -c 'echo it ran; exit 3'");
    assert_eq!((ran.status.code(), ran.stdout.trim()), (Some(3), "it ran"), "{}", ran.stderr);
    assert!(ran.stderr.contains("network none, may suser"), "{}", ran.stderr);
}

#[test]
fn fifty_jails_are_supervised() {
    if !are_built() {
        return;
    }
    let said = well("fleet -n 50 -s 0.3 /");
    assert!(said.starts_with("50 jails created\n"), "{said}");
    let replaced = if cfg!(target_os = "freebsd") { "0 jails replaced" } else { "1 jails replaced" };
    assert!(said.ends_with(&format!("{replaced}; all have securelevel 3")), "{said}");
}

#[test]
fn jails_are_read_from_a_file_as_its_user_writes_it() {
    if !are_built() {
        return;
    }
    let (www, db) = (name("www"), name("db"));
    let text = format!(
        r#"
        [defaults]
        securelevel = 2
        allow_only = ["suser", "reserved_ports"]
        optional = ["meta.owner"]
        meta.owner = "operations"

        [{www}]
        path = "/"
        network = ["127.0.0.61", "::1"]
        host.hostname = "www.example.org"

        [{db}]
        path = "/"
        network = "127.0.0.62"
        securelevel = 1
        children.max = "3"

        [{db}.host]
        hostname = "db.example.org"
        domainname = "example.org"

        [{db}.allow]
        raw_sockets = true
        "#
    );
    let file = env::temp_dir().join(name("toml"));
    std::fs::write(&file, text).expect("written");
    let path = file.display();
    assert_eq!(well(&format!("from_toml --check {path}")), "");
    let said = well(&format!("from_toml {path}"));
    let jails: Vec<serde_json::Value> =
        said.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    let of = |name: &str| jails.iter().find(|jail| jail["name"] == name).expect("printed");
    assert_eq!(of(&www)["network"], serde_json::json!(["127.0.0.61", "::1"]));
    assert_eq!((&of(&www)["securelevel"], &of(&db)["securelevel"]), (&2.into(), &1.into()));
    assert_eq!((&of(&db)["hostname"], &of(&db)["children_max"]), (&"db.example.org".into(), &3.into()));
    if cfg!(target_os = "freebsd") {
        well(&format!("jail -r {www} {db}"));
    }
    std::fs::write(&file, "[a]\nhostnam = \"x\"\n").expect("written");
    let ran = run(&format!("from_toml {path}"));
    assert!(!ran.status.success() && ran.stderr.contains("hostnam"), "{}", ran.stderr);
    std::fs::write(&file, "[a]\npath = \"/\"\nname = \"x.\"\nhost = \"inherit\"\nhost.hostname = 1\n")
        .expect("written");
    let ran = run(&format!("from_toml {path}"));
    assert!(!ran.status.success(), "{}", ran.stderr);
    std::fs::remove_file(&file).expect("removed");
}

#[test]
fn an_interface_goes_into_a_jail_with_a_network_stack_of_its_own_and_back() {
    if !are_built() {
        return;
    }
    if cfg!(target_os = "freebsd") {
        println!("skipped: there is no interface to give away; tests/interface.rs makes one");
        return;
    }
    let said = well("router epair0b /usr/jail");
    assert_eq!(said, "jail 1: network: own stack\nepair0b is in the jail\nepair0b is back");
}

#[test]
fn all_parameters_of_all_jails_are_printed() {
    if !are_built() {
        return;
    }
    let said: serde_json::Value = serde_json::from_str(&well("dump")).expect("JSON");
    let jails = said.as_array().expect("a list");
    if cfg!(target_os = "freebsd") {
        return;
    }
    assert_eq!(jails.len(), 2);
    for jail in jails {
        assert!(jail.as_object().expect("a map").len() > 50, "{jail}");
        assert_eq!(jail["allow.raw_sockets"], false);
    }
    assert_eq!(
        (&jails[0]["host.hostname"], &jails[1]["name"]),
        (&"www.example.org".into(), &"www.db".into())
    );
}

#[test]
fn a_jail_is_used_in_a_forked_child_and_another_handed_over_by_one() {
    if !are_built() || !example("fork").exists() {
        return;
    }
    let said = well("fork");
    assert!(said.contains("worker: in the parent's jail by its clone: true"), "{said}");
    assert!(said.contains(" now: handed over"), "{said}");
    assert!(said.ends_with("parent: both are gone"), "{said}");
}

#[test]
fn what_the_readme_shows_works_as_it_is_written() {
    const README: &str = include_str!("../README.md");
    const CARGO: &str = "cargo run -q --example ";
    if !are_built() {
        return;
    }
    let lines: Vec<_> = README.lines().filter_map(|line| line.strip_prefix(CARGO)).collect();
    assert!(lines.len() >= 8, "{lines:?}");
    for line in lines {
        let line = line.replacen(" -- ", " ", 1);
        let ran = run(&line);
        println!("{line}\n{}", ran.stdout);
        if !cfg!(target_os = "freebsd") && !ran.status.success() {
            // What executes something, and nothing else.
            assert!(ran.stderr.contains("allow_exec"), "{line}: {}", ran.stderr);
            assert!(line.contains("/bin/sh"), "{line}");
        } else {
            assert!(ran.status.success(), "{line}: {}", ran.stderr);
        }
    }
}

#[test]
fn a_jail_is_created_listed_updated_attached_to_and_removed() {
    if !are_built() {
        return;
    }
    let real = cfg!(target_os = "freebsd");
    let www = name("www");
    let created = well(&format!(
        "jail -c name={www} path=/ host.hostname=www.example.org ip4.addr=127.0.0.41,127.0.0.40 \
         allow.raw_sockets allow.noset_hostname children.max=3 persist"
    ));
    assert_eq!(created, format!("{www}: created"));

    let listed = well("jls");
    assert!(listed.starts_with(" JID "), "{listed}");
    assert!(listed.contains("www.example.org"), "{listed}");
    assert!(well("jls -N").contains(if real { &www } else { "www" }));
    let named = well(&format!("jls -n -j {www} name host.hostname ip4.addr persist"));
    let address = if real { "127.0.0.41,127.0.0.40" } else { "10.0.0.22" };
    assert_eq!(named, format!("name={www} host.hostname=www.example.org ip4.addr={address} persist=true"));
    let all = well(&format!("jls -n -j {www}"));
    for parameter in ["children.max=", "allow.raw_sockets=", "securelevel=", "path=/"] {
        assert!(all.contains(parameter), "{all}");
    }
    if real {
        assert!(all.contains("allow.raw_sockets=true allow.read_msgbuf=false"), "{all}");
        assert!(all.contains("allow.set_hostname=false"), "{all}");
        assert!(all.contains("children.max=3"), "{all}");
    }
    let json: serde_json::Value = serde_json::from_str(&well(&format!("jls --json -j {www}"))).expect("JSON");
    assert_eq!(json[0]["host.hostname"], "www.example.org");
    assert_eq!(json[0]["name"], www.as_str());
    let json = well(&format!("jls --json -j {www} name persist jid"));
    let json: serde_json::Value = serde_json::from_str(&json).expect("JSON");
    assert_eq!(json[0]["persist"], true);
    assert!(json[0]["jid"].is_number());

    assert_eq!(
        well(&format!("jail -m name={www} host.hostname=new.example.org")),
        format!("{www}: modified")
    );
    if real {
        assert_eq!(well(&format!("jexec {www} /bin/sh -c 'hostname; pwd'")), "new.example.org\n/");
        let user = "jexec -u nobody -d /etc";
        assert_eq!(well(&format!("{user} {www} /bin/sh -c 'id -u; pwd'")), "65534\n/etc");
        assert_eq!(run(&format!("jexec {www} /bin/sh -c 'exit 7'")).status.code(), Some(7));
        assert_eq!(well(&format!("jexec -l {www} /bin/sh -c 'echo $HOME $USER $SHELL'")), "/ root /bin/sh");
        let ran = run(&format!("jexec {www} /nonexistent"));
        assert!(ran.stderr.contains("exec: execve"), "{}", ran.stderr);
    } else {
        let ran = run(&format!("jexec {www} /bin/sh"));
        assert_eq!(ran.status.code(), Some(1));
        assert!(ran.stderr.contains("allow_exec"), "{}", ran.stderr);
        assert_eq!(well(&format!("jexec --unconfined -d /etc {www} /bin/sh -c pwd")), "/etc");
    }

    assert_eq!(well(&format!("jail -r {www}")), format!("{www}: removed"));
    if real {
        assert_eq!(run(&format!("jls -j {www}")).status.code(), Some(1));
    }
}

#[test]
fn a_command_runs_in_a_jail_that_goes_after_it() {
    if !are_built() {
        return;
    }
    if !cfg!(target_os = "freebsd") {
        let ran = run("jail / www.example.org 127.0.0.44 /bin/sh -c 'echo it ran'");
        assert_eq!(ran.status.code(), Some(1));
        assert!(ran.stderr.contains("allow_exec") && !ran.stdout.contains("it ran"), "{}", ran.stderr);
        let ran = run("jail --unconfined / www.example.org 127.0.0.44 /bin/sh -c 'echo it ran; exit 3'");
        assert_eq!(ran.status.code(), Some(3));
        assert!(ran.stdout.ends_with("it ran\n"), "{}", ran.stdout);
        return;
    }
    let once = name("once");
    let ran = run(&format!("jail -n {once} / www.example.org 127.0.0.44,::1 /bin/sh -c 'hostname; exit 3'"));
    assert_eq!(ran.status.code(), Some(3));
    assert_eq!(ran.stdout, format!("{once}: created\nwww.example.org\n"), "{}", ran.stderr);
    let ran = run(&format!("jail -u nobody -c name={once} path=/ command=/bin/sh -c 'id -u'"));
    assert_eq!(ran.stdout, format!("{once}: created\n65534\n"), "{}", ran.stderr);
    let ran = run(&format!("jail -c name={once} path=/ command=/nonexistent"));
    assert_eq!(ran.status.code(), Some(1));
    assert!(ran.stderr.contains("exec: execve"), "{}", ran.stderr);
    assert!(!well("jls -N").contains(&once));
}

#[test]
fn contradictory_arguments_are_refused() {
    if !are_built() {
        return;
    }
    for line in [
        "jail",
        "jail -c",
        "jail -c path=/",
        "jail -c path=/ persist no.such.parameter=1",
        "jail -c path=/ persist securelevel=high",
        "jail -c path=/ persist children.cur=1",
        "jail -m securelevel=1",
        "jail / hostname 127.0.0.1",
        "jail / hostname nonsense /bin/sh",
        "jls no.such.parameter",
        "jexec",
        "supervise path=/",
    ] {
        let ran = run(line);
        assert_eq!(ran.status.code(), Some(1), "{line}: {}", ran.stdout);
        assert!(ran.stdout.is_empty() && !ran.stderr.is_empty(), "{line}: {}", ran.stdout);
        assert!(!ran.stderr.contains("panicked"), "{line}: {}", ran.stderr);
    }
}

#[test]
fn devfs_is_mounted_before_and_unmounted_after() {
    if !is_confining() || !is_root() || !are_built() {
        return;
    }
    let tree = Tree::with(&["/bin/sh"]);
    tree.directory("/dev");
    let path = tree.path().display();
    let is_empty = || std::fs::read_dir(tree.path().join("dev")).expect("read").next().is_none();
    let devfs = name("devfs");
    let said = well(&format!(
        "jail -D -n {devfs} {path} h 127.0.0.45 /bin/sh -c 'echo out >/dev/null && echo /dev/null*'"
    ));
    assert!(said.ends_with("\n/dev/null"), "{said}");
    assert!(is_empty());
    well(&format!("jail -c -D name={devfs} path={path} persist"));
    assert!(!is_empty());
    well(&format!("jail -r -D {devfs}"));
    assert!(is_empty());
    // What is not there to be unmounted, or is the host's, is left alone.
    for root in [path.to_string().as_str(), "/"] {
        well(&format!("jail -c name={devfs} path={root} persist"));
        let ran = run(&format!("jail -r -D {devfs}"));
        assert!(!ran.status.success() && ran.stderr.contains("/dev"), "{}", ran.stderr);
        assert!(Path::new("/dev/null").exists());
    }
    assert!(!run(&format!("jail -c -D name={devfs} path=/ persist")).status.success());
}

#[test]
fn devfs_stays_while_the_command_has_left_something_running_and_goes_with_the_jail_t49() {
    if !is_confining() || !is_root() || !are_built() {
        return;
    }
    let tree = Tree::with(&["/bin/sh", "/bin/sleep"]);
    tree.directory("/dev");
    let path = tree.path().display();
    let dev = tree.path().join("dev");
    // The second one has a network stack of its own, which the kernel lets go of last, and its root with it.
    for vnet in ["", "vnet"] {
        let daemon = name("daemon");
        let rc = "sleep 600 >/dev/null 2>&1 </dev/null & exit 0";
        let ran = run(&format!("jail -c -D name={daemon} path={path} {vnet} command=/bin/sh -c '{rc}'"));
        if !vnet.is_empty() && ran.stderr.contains("vnet") {
            println!("skipped: {}", ran.stderr);
            continue;
        }
        assert!(ran.status.success() && ran.stderr.contains("mounted until"), "{}", ran.stderr);
        assert!(dev.join("null").exists());
        let ran = run(&format!("jail -r -D {daemon}"));
        assert!(ran.status.success() && ran.stderr.is_empty(), "{}", ran.stderr);
        assert!(!dev.join("null").exists());
    }
}

/// Starts `supervise`, and waits until it says that the jail is there.
fn supervise(line: &str) -> Child {
    let mut child = Command::new(example("supervise"))
        .args(words(line))
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .expect("started");
    let mut first = String::new();
    let mut stdout = BufReader::new(child.stdout.take().expect("piped"));
    stdout.read_line(&mut first).expect("read");
    assert!(first.ends_with(" created\n"), "{first}");
    // Somebody has to read what else it says.
    thread::spawn(move || stdout.lines().map_while(Result::ok).for_each(drop));
    child
}

/// Waits until something is so, for a while.
#[track_caller]
fn until(what: &str, is_so: impl Fn() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(30);
    while !is_so() {
        assert!(Instant::now() < deadline, "{what}");
        thread::sleep(Duration::from_millis(50));
    }
}

#[test]
fn a_supervised_service_is_started_again_and_ends_with_its_jail() {
    if !are_built() {
        return;
    }
    let service = name("service");
    let log = env::temp_dir().join(name("log"));
    let script = format!("'echo run >>{}'", log.display());
    let mut child = supervise(&format!("--unconfined -t 2 name={service} path=/ -- /bin/sh -c {script}"));
    let runs = || std::fs::read_to_string(&log).map_or(0, |text| text.lines().count());
    until("it runs three times", || runs() >= 3);
    let is_there = || run(&format!("jls -j {service}")).status.success();
    if cfg!(target_os = "freebsd") {
        assert!(is_there());
    }
    signal(&child, nix::sys::signal::Signal::SIGTERM);
    assert!(child.wait().expect("waited for").success());
    if cfg!(target_os = "freebsd") {
        assert!(!is_there());
    }
    std::fs::remove_file(&log).expect("removed");
}

#[test]
fn a_supervised_service_gets_a_signal_before_it_is_killed() {
    if !are_built() {
        return;
    }
    let service = name("service");
    let mut child = supervise(&format!("--unconfined name={service} path=/ -- /bin/sh -c 'exec sleep 1000'"));
    let started = Instant::now();
    signal(&child, nix::sys::signal::Signal::SIGTERM);
    assert!(child.wait().expect("waited for").success());
    assert!(started.elapsed() < Duration::from_secs(4), "it waited for nothing");
}

#[test]
fn a_killed_supervisor_takes_its_jail_along() {
    if !is_confining() || !are_built() || !common::has_descriptors() {
        return;
    }
    let service = name("service");
    let mut child = supervise(&format!("name={service} path=/ -- /bin/sh -c 'exec sleep 1000'"));
    let is_there = || run(&format!("jls -j {service}")).status.success();
    assert!(is_there());
    signal(&child, nix::sys::signal::Signal::SIGKILL);
    child.wait().expect("waited for");
    until("the kernel removes the jail", || !is_there());
}

#[test]
fn what_is_recorded_of_a_kernel_can_be_replayed() {
    if !are_built() {
        return;
    }
    if cfg!(target_os = "freebsd") {
        println!("skipped: it leaves jails dying for ever (T17, T18), which other tests would see");
        return;
    }
    let file = env::temp_dir().join(name("transcript"));
    let path = file.display();
    well(&format!("record --seed 5 --calls 400 {path}"));
    let recorded = std::fs::read_to_string(&file).expect("read");
    let (first, lines) = (recorded.lines().next().expect("a line"), recorded.lines().count());
    assert!(first.contains(r#""call":"kernel""#) && first.contains(r#""osreldate":"#), "{first}");
    assert!(lines > 300, "{lines}");
    let replayed = well(&format!("replay {path}"));
    std::fs::remove_file(&file).expect("removed");
    assert!(replayed.starts_with("calls ") && replayed.ends_with("differences 0"), "{replayed}");
}

fn signal(child: &Child, signal: nix::sys::signal::Signal) {
    let pid = nix::unistd::Pid::from_raw(child.id().try_into().expect("a pid"));
    nix::sys::signal::kill(pid, signal).expect("sent");
}

#[test]
fn what_happens_to_jails_is_reported() {
    if !are_built() {
        return;
    }
    if !cfg!(target_os = "freebsd") {
        let said = well("watch --for 3");
        for line in [
            "jail 2 (outer.inner) was created",
            "jail 2 (renamed.inner) was outer.inner",
            "jail 2 (renamed.inner) was removed",
            "a zombie that process",
            "jail 1 (renamed) is gone",
        ] {
            assert!(said.contains(line), "{line}: {said}");
        }
        return;
    }
    let child = Command::new(example("watch")).args(["--for", "10"]).stdout(Stdio::piped()).spawn();
    let child = child.expect("started");
    thread::sleep(Duration::from_secs(3));
    let name = name("watched");
    well(&format!("jail -c name={name} path=/ persist"));
    thread::sleep(Duration::from_secs(2));
    well(&format!("jail -r {name}"));
    let output = child.wait_with_output().expect("ended");
    let said = String::from_utf8(output.stdout).expect("text");
    for line in ["was created", "was removed", "is gone"] {
        assert!(said.contains(&format!("({name}) {line}")), "{line}: {said}");
    }
}

#[test]
fn metrics_of_jails_are_served() {
    if !are_built() {
        return;
    }
    let exporter = Command::new(example("exporter"))
        .args(["--listen", "127.0.0.1:0"])
        .stdout(Stdio::piped())
        .spawn()
        .expect("started");
    let mut exporter = Ended(exporter);
    let mut first = String::new();
    let stdout = exporter.0.stdout.take().expect("piped");
    BufReader::new(stdout).read_line(&mut first).expect("read");
    let address = first.trim().strip_prefix("serving http://").and_then(|url| url.strip_suffix("/metrics"));
    let address = address.unwrap_or_else(|| panic!("{first}"));
    let metrics = fetch(address, "/metrics");
    assert!(metrics.starts_with("HTTP/1.1 200 OK\r\n"), "{metrics}");
    assert!(metrics.contains("# TYPE freebsd_jail_processes gauge\n"), "{metrics}");
    assert!(fetch(address, "/").starts_with("HTTP/1.1 404 Not Found\r\n"));
    if cfg!(target_os = "freebsd") {
        let name = name("counted");
        well(&format!("jail -c name={name} path=/ persist"));
        let metrics = fetch(address, "/metrics");
        well(&format!("jail -r {name}"));
        assert!(metrics.contains(&format!("name=\"{name}\"}} 0\n")), "{metrics}");
    } else {
        for line in [
            r#"freebsd_jail_info{jid="2",name="www.db",path="/",hostname="a \"quoted\" name"} 1"#,
            r#"freebsd_jail_processes{jid="1",name="www"} 1"#,
            r#"freebsd_jail_processes{jid="2",name="www.db"} 0"#,
            r#"freebsd_jail_children{jid="1",name="www"} 1"#,
        ] {
            assert!(metrics.contains(line), "{line}: {metrics}");
        }
    }
}

/// A program that is ended when this is dropped.
struct Ended(Child);

impl Drop for Ended {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn fetch(address: &str, path: &str) -> String {
    let mut stream = TcpStream::connect(address).expect("connected");
    write!(stream, "GET {path} HTTP/1.1\r\nHost: {address}\r\n\r\n").expect("asked");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("answered");
    answer
}

#[test]
fn limits_outlive_a_jail_and_are_taken_away_by_an_owner_t53() {
    if !are_built() || !example("limits").exists() {
        return;
    }
    let said = well("limits");
    if said.contains("kern.racct.enable") {
        println!("skipped: kern.racct.enable is not set");
        return;
    }
    if cfg!(target_os = "freebsd") {
        assert!(said.lines().any(|line| line.starts_with("after the jail: jail:limits-")), "{said}");
        assert!(said.contains("maxproc:deny=20") && !said.contains("with limits: \n"), "{said}");
    }
    assert!(said.starts_with("refused: ") && said.contains("with limits: "), "{said}");
    assert!(said.ends_with("after the owner: []"), "{said}");
}
