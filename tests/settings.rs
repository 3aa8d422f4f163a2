//! Settings of programs in jails: limits, terminal, environment, and closures in the child.

#![allow(clippy::expect_used, clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod common;

use std::fs::File;
use std::io::{self, Read, Write};
use std::os::fd::{FromRawFd as _, IntoRawFd as _, OwnedFd};
use std::os::unix::process::CommandExt as _;
use std::process::Stdio;
use std::sync::atomic::{AtomicU32, Ordering};

use common::process::{again, alone, is_child};
use common::programs::{executing_host, shell};
use common::{is_confining, is_root, name, on_every_kernel};
use freebsd_jail::exec::{Gate, Resource};
use freebsd_jail::{
    ErrorKind, Jail, JailCommand, OwnedJail,
    error::{Call, Stage},
    param,
};

fn jail() -> OwnedJail {
    Jail::builder().name(name("settings")).path("/").create().expect("created")
}

#[track_caller]
fn output(command: &mut JailCommand<'_>) -> String {
    let output = command.output().expect("it ran");
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout).expect("text").trim_end().to_owned()
}

#[test]
fn the_umask_is_the_program_s() {
    let _host = executing_host();
    let jail = jail();
    assert_eq!(output(shell(&jail, "umask").umask(0o027)), "0027");
    assert_eq!(output(shell(&jail, "umask").umask(0)).trim_start_matches('0'), "");
    let error = shell(&jail, "umask").umask(0o1000).spawn().expect_err("refused");
    assert_eq!((error.kind(), error.stage()), (ErrorKind::InvalidValue, None), "{error}");
}

#[test]
fn resources_are_limited_in_the_program_alone() {
    let _host = executing_host();
    let jail = jail();
    let mut command = shell(&jail, "ulimit -n; ulimit -H -n; ulimit -c");
    command.limit(Resource::OpenFiles, 64, 64).limit(Resource::OpenFiles, 40, 50);
    command.limit(Resource::CoreSize, 0, u64::MAX);
    assert_eq!(output(&mut command), "40\n50\n0");
    assert_ne!(output(&mut shell(&jail, "ulimit -n")), "40");
    // A program that breaks its limit.
    let file = std::env::temp_dir().join(name("limited"));
    let mut command = shell(&jail, "echo too much >\"$FILE\"");
    command.env("FILE", &file).limit(Resource::FileSize, 0, 0).limit(Resource::CoreSize, 0, 0);
    let status = command.status().expect("it ran");
    let size = std::fs::metadata(&file).expect("it was made").len();
    std::fs::remove_file(&file).expect("removed");
    assert_eq!((status.success(), size), (false, 0));
    let error = shell(&jail, "").limit(Resource::OpenFiles, 2, 1).spawn().expect_err("refused");
    assert_eq!((error.kind(), error.stage()), (ErrorKind::InvalidValue, None), "{error}");
}

#[test]
fn each_resource_that_the_host_has_is_limited_by_itself() {
    let _host = executing_host();
    let jail = jail();
    for (resource, limit, ask, shown) in [
        (Resource::CpuTime, 1000, "ulimit -t", "1000"),
        (Resource::Data, 1 << 30, "ulimit -d", "1048576"),
        (Resource::Stack, 4 << 20, "ulimit -s", "4096"),
        (Resource::AddressSpace, 1 << 32, "ulimit -v", "4194304"),
        (Resource::ResidentMemory, 1 << 30, "ulimit -m", "1048576"),
        (Resource::LockedMemory, 8192, "ulimit -l", "8"),
        (Resource::Processes, 500, "(ulimit -u) 2>&- || ulimit -p", "500"),
    ] {
        let said = shell(&jail, ask).limit(resource, limit, limit).output();
        match said {
            Err(error) if error.kind() == ErrorKind::Unsupported && !cfg!(target_os = "linux") => {
                println!("skipped: {error}");
            }
            said => assert_eq!(said.expect("it ran").stdout.trim_ascii(), shown.as_bytes(), "{resource:?}"),
        }
    }
    if !cfg!(target_os = "freebsd") {
        let error = shell(&jail, "").limit(Resource::Swap, 0, 0).spawn().expect_err("only FreeBSD has it");
        assert_eq!((error.kind(), error.stage()), (ErrorKind::Unsupported, None), "{error}");
    }
}

#[test]
fn no_memory_that_a_child_shared_is_left() {
    alone("no_memory_that_a_child_shared_is_left", || {
        let Ok(_) = std::fs::metadata("/proc/self/maps") else {
            println!("skipped: this host does not list what a process has mapped");
            return;
        };
        let _host = executing_host();
        let jail = jail();
        let shared = || {
            assert_eq!(output(&mut shell(&jail, "echo ran")), "ran");
            std::fs::read_to_string("/proc/self/maps").expect("read").matches("/dev/zero (deleted)").count()
        };
        assert_eq!(shared(), shared());
    });
}

#[test]
fn only_root_raises_a_hard_limit_and_an_error_has_its_stage() {
    if !is_root() {
        return;
    }
    alone("only_root_raises_a_hard_limit_and_an_error_has_its_stage", || {
        let _host = executing_host();
        // This process gives up root and then raises its limit. Without root no process attaches to a jail, so only the
        // model gets this far.
        if is_confining() {
            return;
        }
        let jail = jail();
        let lowered = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
        // SAFETY: reads one structure.
        assert_eq!(unsafe { libc::setrlimit(libc::RLIMIT_CORE, &raw const lowered) }, 0);
        nix::unistd::setuid(nix::unistd::Uid::from_raw(1234)).expect("changed");
        let error = shell(&jail, "").limit(Resource::CoreSize, 1, 1).spawn().expect_err("refused");
        assert_eq!(
            (error.stage(), error.call(), error.kind(), error.errno()),
            (Some(Stage::Limits), Some(Call::Setrlimit), ErrorKind::PermissionDenied, Some(libc::EPERM)),
            "{error}"
        );
    });
}

#[test]
fn without_a_group_a_program_stays_in_this_process_s() {
    if !is_root() {
        return;
    }
    alone("without_a_group_a_program_stays_in_this_process_s", || {
        let _host = executing_host();
        let jail = jail();
        nix::unistd::setgid(nix::unistd::Gid::from_raw(2345)).expect("changed");
        assert_eq!(output(shell(&jail, "id -g; id -G").groups([3001])), "2345\n2345 3001");
        let error = shell(&jail, "").uid(1234).spawn().expect_err("refused").to_string();
        assert!(error.contains("in group 2345"), "{error}");
    });
}

#[test]
fn a_program_gets_a_controlling_terminal() {
    let _host = executing_host();
    let jail = jail();
    let (mut master, slave) = terminal();
    let copy = || Stdio::from(slave.try_clone().expect("copied"));
    let mut command =
        shell(&jail, "echo to the terminal >/dev/tty; stty size >/dev/null 2>&1; read line; echo got $line");
    command.stdin(copy()).stdout(copy()).stderr(copy()).controlling_terminal(true);
    let mut child = command.spawn().expect("started");
    drop(command);
    drop(slave);
    master.write_all(b"typed\n").expect("written");
    let mut said = Vec::new();
    // On some systems reading from a closed terminal is an error.
    let _ = master.read_to_end(&mut said);
    let said = String::from_utf8_lossy(&said).replace('\r', "");
    assert!(child.wait().expect("waited for").success(), "{said}");
    assert!(said.contains("to the terminal\n") && said.contains("got typed\n"), "{said}");
}

fn terminal() -> (File, OwnedFd) {
    use nix::fcntl::OFlag;
    use nix::pty::{grantpt, posix_openpt, ptsname, unlockpt};
    use std::os::unix::fs::OpenOptionsExt as _;

    let master = posix_openpt(OFlag::O_RDWR | OFlag::O_NOCTTY | OFlag::O_CLOEXEC).expect("a terminal");
    grantpt(&master).expect("granted");
    unlockpt(&master).expect("unlocked");
    // SAFETY: no other thread of this program asks for the name of a terminal.
    let path = unsafe { ptsname(&master) }.expect("a name");
    let slave =
        File::options().read(true).write(true).custom_flags(libc::O_NOCTTY).open(path).expect("opened");
    // SAFETY: the descriptor is the master's, which gives it up.
    let master = unsafe { File::from_raw_fd(master.into_raw_fd()) };
    (master, slave.into())
}

#[test]
fn a_standard_input_that_is_not_a_terminal_is_refused() {
    let _host = executing_host();
    let jail = jail();
    let mut command = shell(&jail, "");
    let error = command.controlling_terminal(true).stdin(Stdio::null()).spawn().expect_err("refused");
    assert_eq!(
        (error.stage(), error.call(), error.kind()),
        (Some(Stage::Session), Some(Call::Ioctl), ErrorKind::InvalidRequest),
        "{error}"
    );
    let error = shell(&jail, "").controlling_terminal(true).process_group(0).spawn().expect_err("refused");
    assert_eq!(error.kind(), ErrorKind::Conflict);
}

#[test]
fn the_routing_table_is_the_program_s() {
    on_every_kernel(|host| {
        if let Some(model) = host.model() {
            model.allow_exec(true);
        }
        let jail = jail();
        // Each kernel has this one.
        assert_eq!(output(shell(&jail, "echo ran").fib(0)), "ran");
        let error = shell(&jail, "").fib(u32::MAX).spawn().expect_err("refused");
        assert_eq!((error.kind(), error.stage()), (ErrorKind::InvalidValue, None), "{error}");
        if is_confining() {
            assert_eq!(output(shell(&jail, "/sbin/sysctl -n net.my_fibnum").fib(0)), "0");
            let error = shell(&jail, "").fib(60_000).spawn().expect_err("refused");
            assert_eq!(
                (error.stage(), error.call(), error.kind()),
                (Some(Stage::Fib), Some(Call::Setfib), ErrorKind::InvalidValue),
                "{error}"
            );
        }
    });
}

#[test]
fn a_process_with_a_routing_table_that_a_jail_lacks_gets_in_with_another() {
    let host = executing_host();
    let Some(model) = host.model() else {
        println!("skipped: this needs a second routing table, which the test sets on the model only");
        return;
    };
    let jail = Jail::builder().name(name("fib")).path("/").set(param::VNET, param::Sharing::New);
    let jail = jail.create().expect("created");
    model.process().set_fib(1);
    let error = shell(&jail, "").status().expect_err("refused");
    assert_eq!((error.stage(), error.errno()), (Some(Stage::Attach), Some(libc::EINVAL)), "{error}");
    assert!(shell(&jail, "").fib(0).status().expect("it ran").success());
}

// Closures of the caller.

#[test]
fn a_closure_runs_inside_as_the_user_right_before_the_program() {
    let _host = executing_host();
    let jail = jail();
    let mut command = shell(&jail, "umask; pwd");
    command.current_dir("/dev").umask(0);
    if is_root() {
        command.uid(1234).gid(2345);
    }
    let expected = if is_root() { 1234 } else { nix::unistd::geteuid().as_raw() };
    let closure = move || {
        let good = nix::unistd::geteuid().as_raw() == expected;
        // Runs after the other settings.
        let before = nix::sys::stat::umask(nix::sys::stat::Mode::from_bits_truncate(0o31));
        if good && before.is_empty() { Ok(()) } else { Err(io::Error::from_raw_os_error(libc::EDOM)) }
    };
    // SAFETY: the closure makes system calls.
    unsafe { command.pre_exec(closure) };
    for _ in 0..2 {
        assert_eq!(output(&mut command), "0031\n/dev");
    }
}

#[test]
fn closures_run_in_order_and_the_first_error_keeps_the_program_from_running() {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let _host = executing_host();
    let jail = jail();
    let mut command = shell(&jail, "echo it ran >&2");
    // SAFETY: the closures compute.
    unsafe {
        command.pre_exec(|| {
            COUNT.fetch_add(1, Ordering::Relaxed);
            Ok(())
        });
    }
    let second = || {
        let number = if COUNT.load(Ordering::Relaxed) == 1 { libc::EDOM } else { libc::ERANGE };
        Err(io::Error::from_raw_os_error(number))
    };
    // SAFETY: as above.
    unsafe { command.pre_exec(second) };
    // SAFETY: as above.
    unsafe { command.pre_exec(|| Err(io::Error::from_raw_os_error(libc::EMLINK))) };
    let error = command.spawn().expect_err("refused");
    assert_eq!((error.stage(), error.errno()), (Some(Stage::PreExec), Some(libc::EDOM)), "{error}");
    assert!(error.to_string().starts_with("pre_exec: "), "{error}");
    let (gate, _opener) = Gate::new().expect("a gate");
    let error = command.spawn_held(gate).expect_err("refused");
    assert_eq!((error.stage(), error.errno()), (Some(Stage::PreExec), Some(libc::EDOM)), "{error}");
    assert_eq!(COUNT.load(Ordering::Relaxed), 0, "they run in the child");
}

// The environment.

#[test]
fn a_clean_environment_has_home_shell_user_and_term_and_nothing_of_the_caller_s() {
    let _host = executing_host();
    let jail = jail();
    let mut command = jail.command("/usr/bin/env");
    command.env("LOST", "1").clean_env().env("KEPT", "1");
    if is_root() {
        command.user("nobody");
    }
    for _ in 0..2 {
        let said = output(&mut command);
        let names: Vec<_> =
            said.lines().filter_map(|line| line.split_once('=')).map(|(name, _)| name).collect();
        for expected in ["HOME", "SHELL", "USER", "PATH", "KEPT"] {
            assert!(names.contains(&expected), "{expected} in {said}");
        }
        let mine = std::env::vars().map(|(name, _)| name);
        let usual = [
            "HOME",
            "SHELL",
            "USER",
            "PATH",
            "TERM",
            "LANG",
            "MM_CHARSET",
            "MAIL",
            "TZ",
            "MANPATH",
            "BLOCKSIZE",
        ];
        for name in mine.filter(|name| !usual.contains(&name.as_str())) {
            assert!(!names.contains(&name.as_str()), "{name} in {said}");
        }
        assert!(!names.contains(&"LOST"), "{said}");
        if is_root() {
            assert!(said.lines().any(|line| line == "USER=nobody"), "{said}");
        }
    }
    // Variables set afterwards take precedence, and none of the login's stay in the command.
    assert_eq!(command.get_envs().count(), 1);
    command.env("HOME", "/mine");
    assert!(output(&mut command).contains("HOME=/mine"));
    // `env_clear` removes everything.
    command.env_clear();
    assert_eq!(output(&mut command), "");
}

#[test]
fn a_held_program_and_a_std_command_get_the_clean_environment_too() {
    let _host = executing_host();
    let jail = jail();
    let mut command = jail.command("/usr/bin/env");
    command.clean_env().env("A", "a").stdout(Stdio::piped());
    let expected = output(&mut command);
    let (gate, opener) = Gate::new().expect("a gate");
    let child = command.spawn_held(gate).expect("held");
    opener.open().expect("opened");
    let sorted = |text: &str| {
        let mut lines: Vec<_> = text.lines().map(str::to_owned).collect();
        lines.sort();
        lines
    };
    let held = String::from_utf8(child.wait_with_output().expect("waited for").stdout).expect("text");
    assert_eq!(sorted(&held), sorted(&expected));
    let output = command.into_std().expect("converted").output().expect("it ran");
    assert_eq!(sorted(&String::from_utf8(output.stdout).expect("text")), sorted(&expected));
}

#[test]
fn the_login_class_of_the_host_is_asked() {
    if !is_confining() {
        return;
    }
    let jail = jail();
    let said = output(jail.command("/usr/bin/env").clean_env());
    let classes = std::fs::read_to_string("/etc/login.conf").unwrap_or_default();
    if !classes.contains(":mail=/var/mail/$:") || !classes.contains("~/bin:") {
        println!("skipped: /etc/login.conf is not the usual one");
        return;
    }
    let value = |variable: &str| {
        let prefix = format!("{variable}=");
        said.lines().find_map(|line| line.strip_prefix(&prefix)).unwrap_or_default().to_owned()
    };
    assert_eq!(value("MAIL"), format!("/var/mail/{}", value("USER")), "{said}");
    assert!(value("PATH").ends_with(&format!(":{}/bin", value("HOME"))), "{said}");
    assert_eq!(value("BLOCKSIZE"), "K", "{said}");
}

// A command of std.

#[test]
fn a_std_command_does_what_the_command_of_the_jail_does() {
    on_every_kernel(|host| {
        if let Some(model) = host.model() {
            model.allow_exec(true);
        }
        let jail = jail();
        let mut command = shell(&jail, "pwd; umask; echo $A");
        command.current_dir("/dev").umask(0o77).env("A", "a");
        // SAFETY: the closure does nothing.
        unsafe { command.pre_exec(|| Ok(())) };
        let mut command = command.into_std().expect("converted");
        for _ in 0..2 {
            assert_eq!(command.output().expect("it ran").stdout, b"/dev\n0077\na\n");
        }
        // By jid, jail_attach(2) has another number for a jail that is not there.
        let gone = if jail.descriptor().is_some() { libc::ENOENT } else { libc::EINVAL };
        jail.remove().expect("removed");
        let error = command.output().err();
        if is_confining() {
            assert_eq!(error.and_then(|error| error.raw_os_error()), Some(gone));
        }
    });
}

#[test]
fn a_std_command_returns_only_the_errno_of_an_error() {
    let _host = executing_host();
    let jail = jail();
    let mut command = shell(&jail, "");
    command.current_dir("/nonexistent");
    let error = command.into_std().expect("converted").spawn().expect_err("refused");
    assert_eq!(error.raw_os_error(), Some(libc::ENOENT));
    // Mistakes that need no child are found at once.
    let mut command = shell(&jail, "");
    command.user("no such user");
    assert_eq!(command.into_std().expect_err("refused").kind(), ErrorKind::InvalidValue);
}

#[test]
fn a_std_command_executes_in_this_process() {
    const TEST: &str = "a_std_command_executes_in_this_process";
    let jail_name = "freebsd-jail-test-std-exec";
    if is_child(TEST) {
        let _host = executing_host();
        let jail = Jail::builder().name(jail_name).path("/").create_detached().expect("created");
        let mut command = shell(&jail, "exit 7");
        command.stdin(Stdio::null());
        panic!("{}", command.into_std().expect("converted").exec());
    }
    let status = again(TEST).status().expect("started");
    if is_confining() {
        Jail::open(jail_name).expect("it stays").remove().expect("removed");
    }
    assert_eq!(status.code(), Some(7));
}
