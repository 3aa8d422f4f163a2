//! The core of an OCI runtime, of the example with that name.

#![allow(clippy::expect_used, clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod common;

use std::cell::Cell;
use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use common::{host, is_confining, name};
use freebsd_jail::exec::Processes;
use freebsd_jail::{ErrorKind, Jail};

#[path = "../examples/oci.rs"]
#[allow(dead_code, unreachable_pub, reason = "the example's own")]
mod oci;

/// A folder for containers, removed at the end.
struct Folder(PathBuf);

impl Folder {
    fn new() -> Self {
        let path = env::temp_dir().join(name("oci"));
        fs::create_dir_all(&path).expect("made");
        Self(path)
    }

    fn is_empty(&self) -> bool {
        fs::read_dir(&self.0).expect("read").next().is_none()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn program(script: &str) -> Vec<String> {
    ["/bin/sh", "-c", script].map(str::to_owned).to_vec()
}

fn eventually(what: &str, mut test: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(30);
    while !test() {
        assert!(Instant::now() < deadline, "{what}");
        thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn a_container_lives_from_create_to_delete_each_by_a_process_of_its_own() {
    let host = host();
    if let Some(model) = host.model() {
        model.allow_exec(true);
    }
    let folder = Folder::new();
    let id = name("life");
    // Each is another process on a model as well, whose predecessor has ended.
    let by_another = |act: &dyn Fn(&oci::Container)| {
        let container = oci::Container::new(&folder.0, &id);
        match host.model() {
            Some(model) => {
                let process = model.process().fork();
                process.run(|| act(&container));
                process.exit();
            }
            None => act(&container),
        }
    };
    let state = |expected: &str| {
        by_another(&|container| assert_eq!(container.state().expect("a container").0, expected));
    };
    let first = Cell::new(0);
    let out = folder.0.join("out");
    let script = format!("echo it runs >{}; exec sleep 100", out.display());
    by_another(&|container| {
        assert!(container.state().is_err(), "there is none yet");
        container.create(Path::new("/"), &program(&script)).expect("created");
    });
    by_another(&|container| {
        let error = container.create(Path::new("/"), &program("true")).expect_err("it is there");
        println!("{error}");
        let (state, pid) = container.state().expect("a container");
        assert_eq!(state, "created");
        // It is in the jail before it is started, by its jid.
        let jail = Jail::open(format!("oci-{id}").as_str()).expect("a jail");
        let pid = pid.expect("a process");
        first.set(pid);
        assert!(
            Processes::current().expect("listed").of(jail.jid()).iter().any(|process| process.pid == pid)
        );
    });
    thread::sleep(Duration::from_millis(100));
    assert!(!out.exists(), "it has not been started");
    by_another(&|container| container.start().expect("started"));
    eventually("it runs", || fs::read_to_string(&out).is_ok_and(|text| text == "it runs\n"));
    state("running");
    by_another(&|container| assert!(container.start().is_err(), "it was started"));
    by_another(&|container| {
        let status = container.exec(&program("exit 7")).expect("it ran");
        assert_eq!(format!("{status:?}"), format!("{:?}", std::process::ExitCode::from(7)));
    });
    by_another(&|container| container.kill(libc::SIGKILL).expect("sent"));
    let stopped = Cell::new(false);
    eventually("it is stopped", || {
        by_another(&|container| stopped.set(container.state().expect("a container").0 == "stopped"));
        stopped.get()
    });
    // It is a child of this process, which stands for all runtimes.
    let pid = nix::unistd::Pid::from_raw(first.get().try_into().expect("a pid"));
    nix::sys::wait::waitpid(pid, None).expect("waited for");
    by_another(&|container| container.delete().expect("deleted"));
    by_another(&|container| {
        assert!(container.state().is_err());
        container.delete().expect("nothing is there to be deleted");
    });
    let error = Jail::open(format!("oci-{id}").as_str()).expect_err("removed");
    assert_eq!(error.kind(), ErrorKind::NotFound);
    fs::remove_file(&out).expect("removed");
    assert!(folder.is_empty());
}

#[test]
fn a_container_that_cannot_be_created_leaves_nothing() {
    let host = host();
    if let Some(model) = host.model() {
        model.allow_exec(true);
    }
    let folder = Folder::new();
    let id = name("none");
    let container = oci::Container::new(&folder.0, &id);
    for (root, program) in [("/nonexistent", "/bin/sh"), ("/", "/nonexistent/program")] {
        if root == "/nonexistent" && host.model().is_some() {
            // The model has no such directory that it could lack.
            continue;
        }
        container.create(Path::new(root), &[program.to_owned()]).expect_err("refused");
        assert!(folder.is_empty());
        let error = Jail::open(format!("oci-{id}").as_str()).expect_err("removed");
        assert_eq!(error.kind(), ErrorKind::NotFound);
    }
}

/// Runs the program itself.
fn run(folder: &Folder, words: &[&str]) -> Command {
    let this = env::current_exe().expect("this program");
    let folders = this.parent().and_then(Path::parent).expect("two folders up");
    let mut command = Command::new(folders.join("examples").join("oci"));
    command.arg(&folder.0).args(words).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command
}

#[track_caller]
fn well(folder: &Folder, words: &[&str]) -> Output {
    let mut command = run(folder, words);
    let output = command.stdout(Stdio::piped()).stderr(Stdio::piped()).output().expect("it ran");
    assert!(output.status.success(), "{words:?}: {output:?}");
    output
}

#[test]
fn processes_of_their_own_do_it_all() {
    if !is_confining() {
        return;
    }
    let folder = Folder::new();
    let id = name("program");
    well(&folder, &["create", &id, "/", "/bin/sleep", "100"]);
    assert_eq!(well(&folder, &["state", &id]).stdout, b"created\n");
    well(&folder, &["start", &id]);
    assert_eq!(well(&folder, &["state", &id]).stdout, b"running\n");
    let output = well(&folder, &["exec", &id, "/sbin/sysctl", "-n", "security.jail.jailed"]);
    assert_eq!(output.stdout, b"1\n");
    well(&folder, &["kill", &id, "9"]);
    well(&folder, &["delete", &id]);
    assert!(folder.is_empty());
}

/// A small generator of numbers: xorshift.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % limit
    }
}

#[test]
fn nothing_is_left_after_a_delete_whenever_the_runtime_was_killed() {
    if !is_confining() {
        return;
    }
    let seed = u64::from(std::process::id()) << 32 | 0x9e37_79b9;
    println!("seed {seed}");
    let mut random = Random(seed);
    let folder = Folder::new();
    // How long it takes when it is left alone.
    let id = name("timed");
    let time = |words: &[&str]| {
        let started = Instant::now();
        well(&folder, words);
        u64::try_from(started.elapsed().as_micros()).expect("short")
    };
    let create = time(&["create", &id, "/", "/bin/sleep", "1000"]);
    let start = time(&["start", &id]);
    let delete = time(&["delete", &id]);
    let mut killed = 0;
    let mut reached = [0; 3];
    for round in 0..100 {
        let id = format!("{}-{round}", name("killed"));
        let steps: [(&[&str], u64); 3] = [
            (&["create", &id, "/", "/bin/sleep", "1000"], create),
            (&["start", &id], start),
            (&["delete", &id], delete),
        ];
        let at = round % 3;
        for (words, _) in &steps[..at] {
            well(&folder, words);
        }
        let (words, usual) = steps[at];
        let mut child: Child = run(&folder, words).spawn().expect("started");
        thread::sleep(Duration::from_micros(random.below(usual + usual / 4)));
        child.kill().expect("killed");
        killed += i32::from(child.wait().expect("waited for").code().is_none());
        reached[at] += i32::from(folder.0.join(&id).exists());
        well(&folder, &["delete", &id]);
        assert!(folder.is_empty(), "round {round}");
        let jail = format!("oci-{id}");
        let left = Jail::all().dying(true).get(freebsd_jail::param::NAME);
        let left = left.filter(|name| name.as_ref().is_ok_and(|name| *name == *jail)).count();
        assert_eq!(left, 0, "round {round}");
    }
    // A program that was about to attach fails.
    eventually("no program is left", || {
        let sleeping = |process: &freebsd_jail::exec::Process| {
            let name = process.command.as_deref();
            let other = process.pid != std::process::id() && !process.is_zombie;
            other && name.is_some_and(|name| name == "sleep" || name == "oci")
        };
        !Processes::current().expect("listed").iter().any(sleeping)
    });
    println!("{killed} of 100 were killed, with a folder in {reached:?} of create, start and delete");
    assert!(killed > 10, "too few were killed: {killed}");
}
