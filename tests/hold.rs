//! Programs that are held in the jail until a gate is opened.

#![allow(clippy::expect_used, clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod common;

use std::fs::File;
use std::io::{BufRead, BufReader, Read, Write};
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::os::unix::process::ExitStatusExt;
use std::path::PathBuf;
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use common::process::{again, alone, is_child, renumbered};
use common::programs::{executing_host, on_every_executing_kernel, shell};
use common::{is_confining, is_root, name};
use freebsd_jail::exec::{Gate, Opener};
use freebsd_jail::{ErrorKind, Jail, JailCommand, OwnedJail, error::Stage};

fn jail() -> OwnedJail {
    Jail::builder().name(name("hold")).path("/").create().expect("created")
}

/// A path for a FIFO, which is removed at the end.
struct Fifo(PathBuf);

impl Fifo {
    fn new(what: &str) -> Self {
        let path = std::env::temp_dir().join(format!("{}-{what}", name("gate")));
        let _ = std::fs::remove_file(&path);
        Self(path)
    }
}

impl Drop for Fifo {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

/// Whether a child still exists after a while.
fn still_waits(child: &mut Child) -> bool {
    std::thread::sleep(Duration::from_millis(100));
    child.try_wait().expect("asked").is_none()
}

#[test]
fn a_held_program_is_executed_when_its_gate_is_opened() {
    on_every_executing_kernel(|_| {
        let jail = jail();
        let (gate, opener) = Gate::new().expect("a gate");
        let mut command = shell(&jail, "echo \"$0 $1 $A\"; exit 7");
        command.args(["zero", "one"]).env_clear().env("A", "a").stdout(Stdio::piped());
        let mut child = command.spawn_held(gate).expect("held");
        assert!(still_waits(&mut child));
        opener.open().expect("opened");
        let output = child.wait_with_output().expect("waited for");
        assert_eq!((output.status.code(), output.stdout.as_slice()), (Some(7), b"zero one a\n".as_slice()));
    });
}

#[test]
fn a_held_program_exits_when_its_gate_is_closed() {
    let _host = executing_host();
    let jail = jail();
    let (gate, opener) = Gate::new().expect("a gate");
    let mut child = shell(&jail, "echo it ran >&2").spawn_held(gate).expect("held");
    let copy = Opener::from(opener.as_fd().try_clone_to_owned().expect("copied"));
    drop(opener);
    assert!(still_waits(&mut child), "another copy is open");
    drop(copy);
    assert_eq!(child.wait().expect("waited for").code(), Some(125));
}

#[test]
fn a_fifo_is_opened_by_its_path() {
    let _host = executing_host();
    let jail = jail();
    let fifo = Fifo::new("path");
    let gate = Gate::at(&fifo.0).expect("made");
    assert_eq!(Gate::at(&fifo.0).expect_err("it is there").kind(), ErrorKind::AlreadyExists);
    let mut child = shell(&jail, "exit 7").spawn_held(gate).expect("held");
    assert!(still_waits(&mut child), "nobody has opened it yet");
    // Another name that leads to it is not followed.
    let link = Fifo(fifo.0.with_extension("link"));
    std::os::unix::fs::symlink(&fifo.0, &link.0).expect("made");
    let errno = Opener::at(&link.0).expect_err("a symbolic link").errno();
    assert!(matches!(errno, Some(libc::ELOOP | libc::EMLINK)), "{errno:?}");
    let opener = Opener::at(&fifo.0).expect("somebody waits");
    assert!(still_waits(&mut child), "nobody has written yet");
    opener.open().expect("opened");
    assert_eq!(child.wait().expect("waited for").code(), Some(7));
    assert_eq!(Opener::at(&fifo.0).expect_err("nobody waits").kind(), ErrorKind::Gone);

    let fifo = Fifo::new("closed");
    let mut child = shell(&jail, "exit 7").spawn_held(Gate::at(&fifo.0).expect("made")).expect("held");
    drop(Opener::at(&fifo.0).expect("somebody waits"));
    assert_eq!(child.wait().expect("waited for").code(), Some(125));
}

#[test]
fn a_gate_without_a_waiting_program_cannot_be_opened() {
    let (gate, opener) = Gate::new().expect("a gate");
    drop(gate);
    let error = opener.open().expect_err("nobody waits");
    assert_eq!(error.kind(), ErrorKind::Gone, "{error}");
    let file = Fifo::new("file");
    File::create(&file.0).expect("made");
    assert_eq!(Opener::at(&file.0).expect_err("no FIFO").kind(), ErrorKind::Gone);
    let error = Opener::at("/nonexistent/gate").expect_err("not there");
    assert_eq!(error.kind(), ErrorKind::InvalidPath, "{error}");
    assert_eq!(Gate::at("/nul\0inside").expect_err("refused").kind(), ErrorKind::InvalidValue);
}

#[test]
fn a_gate_that_cannot_be_had_is_an_error_of_its_kind() {
    alone("a_gate_that_cannot_be_had_is_an_error_of_its_kind", || {
        if is_root() {
            nix::unistd::setuid(nix::unistd::Uid::from_raw(1234)).expect("changed");
        }
        let error = Gate::at("/gate").expect_err("only root may make it");
        assert_eq!(error.kind(), ErrorKind::PermissionDenied, "{error}");
        let (gate, opener) = Gate::new().expect("a gate");
        assert!(format!("{gate:?} {opener:?}").starts_with("Gate(OwnedFd"), "{gate:?}");
        assert!(format!("{opener:?}").starts_with("Opener(OwnedFd"), "{opener:?}");
        let fifo = Fifo::new("exhausted");
        nix::sys::resource::setrlimit(nix::sys::resource::Resource::RLIMIT_NOFILE, 3, 3).expect("limited");
        let error = Gate::at(&fifo.0).expect_err("no more descriptors");
        assert_eq!(error.kind(), ErrorKind::ResourceExhausted, "{error}");
    });
}

#[test]
fn what_fails_before_the_hold_comes_back_with_its_stage() {
    on_every_executing_kernel(|_| {
        let jail = jail();
        let fails = |command: &mut JailCommand<'_>, stage: Stage, kind: ErrorKind| {
            let (gate, _opener) = Gate::new().expect("a gate");
            let error = command.spawn_held(gate).expect_err("refused");
            assert_eq!((error.stage(), error.kind()), (Some(stage), kind), "{error}");
        };
        let sh = || shell(&jail, "echo it ran >&2");
        fails(sh().current_dir("/nonexistent"), Stage::Directory, ErrorKind::InvalidPath);
        fails(&mut jail.command("/nonexistent"), Stage::Exec, ErrorKind::NotExecutable);
        fails(&mut jail.command("no such program"), Stage::Exec, ErrorKind::NotExecutable);
        fails(&mut jail.command("/dev"), Stage::Exec, ErrorKind::NotExecutable);
        fails(&mut jail.command("/etc/passwd"), Stage::Exec, ErrorKind::NotExecutable);
        fails(&mut jail.command(""), Stage::Exec, ErrorKind::NotExecutable);
        let (gate, _opener) = Gate::new().expect("a gate");
        let error = sh().arg("nul\0inside").spawn_held(gate).expect_err("refused");
        assert_eq!((error.stage(), error.kind()), (None, ErrorKind::InvalidValue), "{error}");
        let handle = Jail::open(jail.jid()).expect("found");
        drop(sh());
        jail.remove().expect("removed");
        fails(&mut shell(&handle, "echo it ran >&2"), Stage::Attach, ErrorKind::Gone);
    });
}

#[test]
fn a_program_is_found_in_the_path_that_it_is_given() {
    let _host = executing_host();
    let jail = jail();
    let run = |path: Option<&str>| {
        let mut command = jail.command("sh");
        command.args(["-c", "exit 7"]).env_clear().envs(path.map(|path| ("PATH", path)));
        let (gate, opener) = Gate::new().expect("a gate");
        let mut child = command.spawn_held(gate)?;
        opener.open().expect("opened");
        Ok::<_, freebsd_jail::Error>(child.wait().expect("waited for").code())
    };
    assert_eq!(run(Some("/nonexistent:/bin")).expect("found"), Some(7));
    assert_eq!(run(None).expect("found in the default path"), Some(7));
    assert_eq!(run(Some("/nonexistent")).expect_err("not there").kind(), ErrorKind::NotExecutable);
    // As execvp(3) has it: what may not be executed is passed over, but is the error if nothing else is found.
    let folder = Fifo::new("folder");
    std::fs::create_dir(&folder.0).expect("made");
    let plain = folder.0.join("sh");
    std::fs::write(&plain, "exit 1").expect("written");
    let folder = folder.0.to_str().expect("text");
    assert_eq!(run(Some(&format!("{folder}:/bin"))).expect("found"), Some(7));
    let errno = |path: &str| run(Some(path)).expect_err("not executable").errno();
    assert_eq!(errno(&format!("/nonexistent:{folder}:/nonexistent")), Some(libc::EACCES));
    assert_eq!(errno(&format!("/etc/passwd:{folder}")), Some(libc::ENOTDIR));
    std::fs::remove_file(plain).expect("removed");
    std::fs::remove_dir(folder).expect("removed");
}

#[test]
fn a_script_without_an_interpreter_is_the_shell_s_as_execvp_has_it() {
    let _host = executing_host();
    let jail = jail();
    let script = Fifo::new("script");
    std::fs::write(&script.0, "exit $1\n").expect("written");
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    std::fs::set_permissions(&script.0, mode).expect("made executable");
    let (gate, opener) = Gate::new().expect("a gate");
    let mut child = jail.command(&script.0).arg("9").spawn_held(gate).expect("held");
    opener.open().expect("opened");
    assert_eq!(child.wait().expect("waited for").code(), Some(9));
    // One that is taken away while the child waits.
    let (gate, opener) = Gate::new().expect("a gate");
    let mut child = jail.command(&script.0).arg("9").spawn_held(gate).expect("held");
    std::fs::remove_file(&script.0).expect("removed");
    opener.open().expect("opened");
    assert_eq!(child.wait().expect("waited for").code(), Some(127));
    // One that may no longer be executed.
    std::fs::write(&script.0, "exit $1\n").expect("written");
    std::fs::set_permissions(&script.0, std::os::unix::fs::PermissionsExt::from_mode(0o755)).expect("set");
    let (gate, opener) = Gate::new().expect("a gate");
    let mut child = jail.command(&script.0).arg("9").spawn_held(gate).expect("held");
    std::fs::set_permissions(&script.0, std::os::unix::fs::PermissionsExt::from_mode(0o644)).expect("set");
    opener.open().expect("opened");
    assert_eq!(child.wait().expect("waited for").code(), Some(126));
}

#[test]
fn a_held_program_has_the_descriptors_that_it_inherits() {
    alone("a_held_program_has_the_descriptors_that_it_inherits", || {
        let _host = executing_host();
        let jail = jail();
        let _nine = renumbered(File::open("/etc/passwd").expect("opened"), 9);
        let hold = || {
            let (gate, opener) = Gate::new().expect("a gate");
            let mut child = shell(&jail, ": <&9 && exit 7").spawn_held(gate).expect("held");
            opener.open().expect("opened");
            assert_eq!(child.wait().expect("waited for").code(), Some(7));
        };
        hold();
        // The pipe by which std waits for a program has one of these numbers then.
        for number in [libc::STDIN_FILENO, libc::STDOUT_FILENO] {
            // SAFETY: takes a number, which nothing in this process uses any more.
            assert_eq!(unsafe { libc::close(number) }, 0);
        }
        hold();
    });
}

#[test]
fn a_held_program_has_nothing_of_its_parent_s_open_t45() {
    let _host = executing_host();
    let jail = jail();
    // The owner of another jail: a copy would keep that jail alive.
    let other = jail_with_pipe();
    let (gate, opener) = Gate::new().expect("a gate");
    let mut child = jail.command("/bin/cat").stdin(Stdio::piped()).spawn_held(gate).expect("held");
    drop(other.1);
    let mut end = Vec::new();
    let mut reader = other.2;
    reader.read_to_end(&mut end).expect("its writer is closed everywhere");
    drop(other.0);
    opener.open().expect("opened");
    drop(child.stdin.take());
    assert!(child.wait().expect("waited for").success());
}

fn jail_with_pipe() -> (OwnedJail, File, File) {
    let (reader, writer) = pipe();
    (jail(), writer, reader)
}

fn pipe() -> (File, File) {
    let (reader, writer) = nix::unistd::pipe2(nix::fcntl::OFlag::O_CLOEXEC).expect("a pipe");
    (reader.into(), writer.into())
}

#[test]
fn removing_the_jail_ends_a_held_program() {
    if !is_confining() {
        return;
    }
    let jail = jail();
    let fifo = Fifo::new("removed");
    let mut child = shell(&jail, "").spawn_held(Gate::at(&fifo.0).expect("made")).expect("held");
    assert_eq!(jail.processes().expect("listed"), [child.id()], "it is in the jail from the start");
    jail.remove().expect("removed");
    assert_eq!(child.wait().expect("waited for").signal(), Some(libc::SIGKILL));
    assert_eq!(Opener::at(&fifo.0).expect_err("nobody waits").kind(), ErrorKind::Gone);
}

#[test]
fn a_held_program_has_become_its_user() {
    if !is_confining() || !is_root() {
        return;
    }
    let jail = jail();
    let (gate, opener) = Gate::new().expect("a gate");
    let mut child = shell(&jail, "exit 7").user("nobody").spawn_held(gate).expect("held");
    let ps = std::process::Command::new("/bin/ps")
        .args(["-o", "user=", "-o", "jid=", "-p", &child.id().to_string()])
        .output()
        .expect("ps");
    let said = String::from_utf8(ps.stdout).expect("text");
    let words: Vec<_> = said.split_whitespace().collect();
    assert_eq!(words, ["nobody", &jail.jid().to_string()]);
    opener.open().expect("opened");
    assert_eq!(child.wait().expect("waited for").code(), Some(7));
}

/// Holds a program, prints its pid, and is killed without having opened the gate.
const MAKER: &str = "a_held_program_survives_the_end_of_its_maker_and_is_let_go_by_another_process";

#[test]
fn a_held_program_survives_the_end_of_its_maker_and_is_let_go_by_another_process() {
    if is_child(MAKER) {
        let _host = executing_host();
        let jail = Jail::builder().name(name("survivor")).path("/").create_detached().expect("created");
        let fifo = PathBuf::from(std::env::var_os("FIFO").expect("set"));
        let out = fifo.with_extension("out");
        let mut command = shell(&jail, "echo it ran as $$ >\"$OUT\"");
        command.env("OUT", out).stdin(Stdio::null()).stdout(Stdio::null()).setsid(true);
        #[allow(clippy::zombie_processes, reason = "this process is killed before")]
        let child = command.spawn_held(Gate::at(&fifo).expect("made")).expect("held");
        println!("says: {} {}", child.id(), jail.jid());
        std::io::stdout().flush().expect("said");
        nix::sys::signal::raise(nix::sys::signal::Signal::SIGKILL).expect("killed");
    }
    let fifo = Fifo::new("survivor");
    let out = Fifo(fifo.0.with_extension("out"));
    let mut maker = again(MAKER).env("FIFO", &fifo.0).stdout(Stdio::piped()).spawn().expect("started");
    let lines = BufReader::new(maker.stdout.take().expect("piped")).lines();
    let said = lines
        .map_while(Result::ok)
        .find_map(|line| line.split_once("says: ").map(|(_, said)| said.to_owned()));
    let said = said.expect("said");
    let (pid, jid) = said.split_once(' ').expect("two numbers");
    assert_eq!(maker.wait().expect("waited for").signal(), Some(libc::SIGKILL));
    if is_confining() {
        let jail = Jail::open(jid.parse::<freebsd_jail::Jid>().expect("a jid")).expect("it stays");
        assert_eq!(jail.processes().expect("listed"), [pid.parse::<u32>().expect("a pid")]);
    }
    Opener::at(&fifo.0).expect("it waits").open().expect("opened");
    let deadline = Instant::now() + Duration::from_secs(30);
    let expected = format!("it ran as {pid}\n");
    while std::fs::read_to_string(&out.0).ok().as_deref() != Some(&expected) {
        assert!(Instant::now() < deadline, "it does not run");
        std::thread::sleep(Duration::from_millis(20));
    }
    if is_confining() {
        let jail = Jail::open(jid.parse::<freebsd_jail::Jid>().expect("a jid")).expect("it stays");
        jail.remove().expect("removed");
    }
}

#[test]
fn any_descriptor_that_can_be_read_is_a_gate() {
    let _host = executing_host();
    let jail = jail();
    let (reader, mut writer) = pipe();
    let gate = Gate::try_from(OwnedFd::from(reader)).expect("taken");
    let mut child = shell(&jail, "exit 7").spawn_held(gate).expect("held");
    assert!(still_waits(&mut child));
    writer.write_all(b"!").expect("written");
    assert_eq!(child.wait().expect("waited for").code(), Some(7));
}

#[test]
fn signals_of_a_held_program_have_their_default_effect() {
    alone("signals_of_a_held_program_have_their_default_effect", || {
        extern "C" fn handler(_: i32) {}
        let action = nix::sys::signal::SigAction::new(
            nix::sys::signal::SigHandler::Handler(handler),
            nix::sys::signal::SaFlags::empty(),
            nix::sys::signal::SigSet::empty(),
        );
        // SAFETY: the handler does nothing.
        unsafe { nix::sys::signal::sigaction(nix::sys::signal::Signal::SIGTERM, &action) }.expect("set");
        let _host = executing_host();
        let jail = jail();
        let (gate, opener) = Gate::new().expect("a gate");
        assert!(opener.as_fd().as_raw_fd() > 2);
        let mut child = shell(&jail, "exit 7").spawn_held(gate).expect("held");
        let pid = nix::unistd::Pid::from_raw(child.id().try_into().expect("a pid"));
        nix::sys::signal::kill(pid, nix::sys::signal::Signal::SIGTERM).expect("sent");
        assert_eq!(child.wait().expect("waited for").signal(), Some(libc::SIGTERM));
        assert_eq!(opener.open().expect_err("gone").kind(), ErrorKind::Gone);
    });
}
