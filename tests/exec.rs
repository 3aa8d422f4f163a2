//! Programs in jails.

#![allow(clippy::expect_used, clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod common;

use std::fs::File;
use std::io::{Read, Write};
use std::os::fd::AsRawFd;
use std::os::unix::process::{CommandExt as _, ExitStatusExt};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use common::process::{alone, alone_until};
use common::programs::{executing_host, on_every_executing_kernel, shell};
use common::tree::Tree;
use common::{host, is_confining, is_root, model, name, on_every_kernel, releases};
use freebsd_jail::exec::{Gate, Processes};
use freebsd_jail::param::MacDo;
use freebsd_jail::{
    Error, ErrorKind, Jail, JailCommand, JailUpdate, OwnedJail,
    error::{Call, Stage},
    is_jailed,
    param::{self, Mode},
    sim,
};

/// A jail of its own whose root is the host's.
fn jail() -> OwnedJail {
    Jail::builder().name(name("exec")).path("/").create().expect("created")
}

/// What a program wrote, after it has ended well.
#[track_caller]
fn output(command: &mut JailCommand<'_>) -> String {
    let output = command.output().expect("it ran");
    assert!(output.status.success(), "{output:?}");
    assert!(output.stderr.is_empty(), "{output:?}");
    String::from_utf8(output.stdout).expect("text").trim_end().to_owned()
}

#[track_caller]
fn failed(error: &Error, stage: Stage, kind: ErrorKind, call: Call, errno: i32) {
    assert_eq!(
        (error.stage(), error.kind(), error.call(), error.errno()),
        (Some(stage), kind, Some(call), Some(errno)),
        "{error}"
    );
    assert!(error.to_string().starts_with(stage.name()), "{error}");
}

/// The call by which a child attaches to the jail of a handle.
fn attaching(jail: &Jail) -> Call {
    if jail.descriptor().is_some() { Call::JailSet } else { Call::JailAttach }
}

// What comes of a program.

#[test]
fn output_and_exit_status_come_back() {
    on_every_executing_kernel(|_| {
        let jail = jail();
        let output = shell(&jail, "echo out; echo err >&2; exit 7").output().expect("it ran");
        assert_eq!(output.stdout, b"out\n");
        assert_eq!(output.stderr, b"err\n");
        assert_eq!(output.status.code(), Some(7));
        let status = shell(&jail, "kill -9 $$").status().expect("it ran");
        assert_eq!(status.signal(), Some(9));
    });
}

#[test]
fn arguments_environment_and_streams_are_stds() {
    let _host = executing_host();
    let jail = jail();
    let mut command = jail.command("/bin/sh");
    command.env_clear().env("A", "1").envs([("B", "2"), ("C", "3")]).env_remove("B");
    command.args(["-c", "read line; echo $0 $1 $A $B $C $line", "zero"]).arg("one");
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
    assert_eq!(command.get_program(), "/bin/sh");
    assert_eq!(command.get_args().count(), 4);
    assert_eq!(command.get_envs().count(), 2, "{:?}", command.get_envs());
    let mut child = command.spawn().expect("started");
    child.stdin.take().expect("piped").write_all(b"typed\n").expect("written");
    let mut said = String::new();
    child.stdout.take().expect("piped").read_to_string(&mut said).expect("read");
    assert!(child.wait().expect("waited for").success());
    assert_eq!(said, "zero one 1 3 typed\n");
}

#[test]
fn a_command_can_run_several_times() {
    let _host = executing_host();
    let jail = jail();
    let mut command = jail.command("/bin/sh");
    command.args(["-c", "pwd"]).current_dir("/dev");
    for _ in 0..3 {
        assert_eq!(output(&mut command), "/dev");
    }
    // Closures of earlier rounds would still go to the earlier directory, and last.
    command.current_dir("/etc");
    assert_eq!(output(&mut command), "/etc");
    command.current_dir("/nonexistent");
    assert_eq!(command.output().expect_err("no such directory").stage(), Some(Stage::Directory));
    command.current_dir("/dev");
    assert_eq!(output(&mut command), "/dev");
}

#[test]
fn the_parent_stays_outside_of_the_jail_t13() {
    on_every_executing_kernel(|host| {
        let jail = jail();
        assert_eq!(output(&mut shell(&jail, "echo inside")), "inside");
        if let Some(model) = host.model() {
            assert_eq!(model.process().jid(), 0);
        } else {
            assert!(!is_jailed().expect("asked"));
        }
    });
}

#[test]
fn a_program_inherits_no_descriptor_that_is_close_on_exec() {
    alone("a_program_inherits_no_descriptor_that_is_close_on_exec", || {
        let _host = executing_host();
        let jail = jail();
        let open = "for fd in 3 4 5 6 7 8 9; do if (: <&$fd) 2>/dev/null; then echo $fd; fi; done";
        let file = File::open("/etc/passwd").expect("opened");
        // The program that started the tests may have left some open, and without the flag.
        // SAFETY: F_GETFD takes a number, which need not be open, and touches no memory.
        let left = (3..=9).filter(|&fd| unsafe { libc::fcntl(fd, libc::F_GETFD) } == 0);
        let left: Vec<String> = left.map(|fd| fd.to_string()).collect();
        assert_eq!(output(&mut shell(&jail, open)).lines().collect::<Vec<_>>(), left);
        if file.as_raw_fd() > 9 {
            println!("skipped: the shell cannot name the descriptor, since lower ones are in use");
        }
    });
}

// What a program sees.

#[test]
fn a_program_sees_the_root_hostname_and_directory_of_its_jail_t12() {
    if !is_confining() {
        return;
    }
    let tree = Tree::with(&["/bin/sh", "/bin/pwd", "/bin/hostname"]);
    tree.file("/marker", "the jail's own root\n");
    tree.directory("/only/inside");
    let jail = Jail::builder()
        .name(name("tree"))
        .path(tree.path())
        .hostname("inside.example.org")
        .create()
        .expect("created");
    let script = "read line </marker && echo \"$line\" && hostname && /bin/pwd && echo /*";
    let everything = "/bin /lib /libexec /marker /only /tmp";
    assert_eq!(
        output(&mut shell(&jail, script)),
        format!("the jail's own root\ninside.example.org\n/\n{everything}")
    );
    // The directory is there inside only, and a relative one starts at the jail's root.
    for directory in ["/only/inside", "only/inside"] {
        assert_eq!(output(shell(&jail, "/bin/pwd").current_dir(directory)), "/only/inside");
    }
    // What is there outside only is not found.
    let outside = shell(&jail, "/bin/pwd").current_dir(tree.path()).output().expect_err("not inside");
    failed(&outside, Stage::Directory, ErrorKind::InvalidPath, Call::Chdir, libc::ENOENT);
    // Nor is a program: `PATH` is searched inside.
    let id = jail.command("id").env("PATH", "/usr/bin").status().expect_err("not inside");
    failed(&id, Stage::Exec, ErrorKind::NotExecutable, Call::Execve, libc::ENOENT);
    assert_eq!(output(jail.command("hostname").env("PATH", "/nothing:/bin")), "inside.example.org");
}

#[test]
fn a_program_starts_in_the_root_directory() {
    on_every_executing_kernel(|_| {
        let jail = jail();
        assert_eq!(output(&mut shell(&jail, "pwd")), "/");
        assert_eq!(output(shell(&jail, "pwd").current_dir("/dev")), "/dev");
    });
}

// As whom a program runs.

#[test]
fn a_program_runs_as_the_user_given_by_uid_t12() {
    if !is_root() {
        return;
    }
    on_every_executing_kernel(|_| {
        let jail = jail();
        let script = "id -u; id -ru; id -g; id -rg; id -G";
        let mut command = shell(&jail, script);
        command.uid(1234).gid(2345).groups([3001, 3002, 2345]).current_dir("/dev");
        assert_eq!(output(&mut command), "1234\n1234\n2345\n2345\n2345 3001 3002");
        // Of this process's groups none is left.
        assert_eq!(output(shell(&jail, script).uid(1234).gid(2345)), "1234\n1234\n2345\n2345\n2345");
        assert_eq!(output(shell(&jail, "id -u; id -G").gid(2345)), "0\n2345");
        assert_eq!(output(shell(&jail, "id -u; id -G").groups([3001])), "0\n0 3001");
    });
}

#[test]
fn a_program_runs_as_the_user_given_by_name() {
    if !is_root() {
        return;
    }
    let _host = executing_host();
    let jail = jail();
    for user in ["nobody", "root", "daemon"] {
        let script = format!("for what in -u -g -G; do id $what {user}; done");
        let expected = Command::new("/bin/sh").arg("-c").arg(&script).output().expect("it ran");
        let expected = String::from_utf8(expected.stdout).expect("text");
        assert_eq!(output(shell(&jail, "id -u; id -g; id -G").user(user)), expected.trim_end(), "{user}");
    }
    let mut command = shell(&jail, "id -u; id -g; id -G");
    command.user("nobody").gid(2345).groups([]);
    let uid = Command::new("/bin/sh").args(["-c", "id -u nobody"]).output().expect("it ran").stdout;
    let uid = String::from_utf8(uid).expect("text");
    assert_eq!(output(&mut command), format!("{uid}2345\n2345"));
}

#[test]
fn the_host_knows_the_user_and_not_the_jail() {
    if !is_confining() {
        return;
    }
    // There is no user database in it at all.
    let tree = Tree::with(&["/bin/sh"]);
    let jail = Jail::builder().name(name("nobody")).path(tree.path()).create().expect("created");
    assert!(jail.command("/bin/sh").args(["-c", "exit 0"]).user("nobody").status().expect("ran").success());
}

#[test]
fn an_invalid_user_is_refused_before_anything_runs() {
    let _host = executing_host();
    let jail = jail();
    let refused = |command: &mut JailCommand<'_>, kind: ErrorKind| {
        let error = command.status().expect_err("refused");
        assert_eq!((error.kind(), error.stage(), error.errno()), (kind, None, None), "{error}");
    };
    let sh = || shell(&jail, "echo it ran");
    refused(sh().user("no such user"), ErrorKind::InvalidValue);
    refused(sh().user("nul\0inside"), ErrorKind::InvalidValue);
    refused(sh().uid(1234), ErrorKind::InvalidRequest);
    refused(sh().user("nobody").uid(1234), ErrorKind::Conflict);
    refused(sh().setsid(true).process_group(0), ErrorKind::Conflict);
    refused(sh().current_dir("/nul\0inside"), ErrorKind::InvalidValue);
}

#[test]
fn a_nul_is_reported_with_the_string_that_has_it() {
    let _host = executing_host();
    let jail = jail();
    let sh = || shell(&jail, "echo it ran");
    for (command, what) in [
        (&mut jail.command("nul\0inside"), "the program"),
        (sh().arg("nul\0inside"), "an argument"),
        (sh().args(["-c", "nul\0inside"]), "an argument"),
        (sh().arg0("nul\0inside"), "an argument"),
        (sh().env("A", "x").env("nul\0inside", ""), "a variable"),
        (sh().env("nul\0inside", "x"), "a variable"),
        (sh().current_dir("nul\0inside"), "a working directory"),
    ] {
        for error in [command.spawn().map(drop), command.spawn_held(Gate::new().expect("made").0).map(drop)] {
            let error = error.expect_err("refused");
            assert_eq!((error.kind(), error.value()), (ErrorKind::InvalidValue, Some("\"nul\\0inside\"")));
            assert!(error.to_string().contains(what), "{error}");
        }
    }
    // The value of a variable may be a secret, and is not shown.
    let error = sh().env("KEY", "secret\0").spawn().expect_err("refused");
    assert_eq!(error.value(), Some("\"KEY\""), "{error}");
    assert!(sh().env("KEY", "secret\0").env_remove("KEY").status().expect("it ran").success());
}

#[test]
fn a_session_and_a_process_group_are_the_programs_own() {
    let _host = executing_host();
    let jail = jail();
    let mut group = jail.command("/bin/cat");
    let mut child = waiting(group.process_group(0));
    assert_eq!(group_and_session(&child).0, child.id());
    assert_ne!(group_and_session(&child).1, child.id());
    end(&mut child);
    let mut session = jail.command("/bin/cat");
    let mut child = waiting(session.setsid(true));
    assert_eq!(group_and_session(&child), (child.id(), child.id()));
    end(&mut child);
}

fn group_and_session(child: &Child) -> (u32, u32) {
    let pid = nix::unistd::Pid::from_raw(child.id().try_into().expect("a pid"));
    let number = |pid: nix::unistd::Pid| u32::try_from(pid.as_raw()).expect("above zero");
    (
        number(nix::unistd::getpgid(Some(pid)).expect("asked")),
        number(nix::unistd::getsid(Some(pid)).expect("asked")),
    )
}

/// Starts a program that waits for its standard input to be closed.
fn waiting(command: &mut JailCommand<'_>) -> Child {
    command.stdin(Stdio::piped()).stdout(Stdio::null()).spawn().expect("started")
}

fn end(child: &mut Child) {
    drop(child.stdin.take());
    assert!(child.wait().expect("waited for").success());
}

// How it fails.

#[test]
fn attaching_to_a_removed_jail_says_that_it_is_gone() {
    on_every_executing_kernel(|_| {
        let jail = jail();
        let handle = Jail::open(jail.jid()).expect("found");
        jail.remove().expect("removed");
        let error = shell(&handle, "echo it ran").status().expect_err("gone");
        assert_eq!((error.stage(), error.kind()), (Some(Stage::Attach), ErrorKind::Gone), "{error}");
        assert!(error.errno().is_some());
        let by_number = Jail::unpinned(handle.jid());
        let error = shell(&by_number, "echo it ran").status().expect_err("gone");
        assert_eq!((error.stage(), error.kind()), (Some(Stage::Attach), ErrorKind::Gone), "{error}");
    });
}

#[test]
fn a_handle_without_descriptor_attaches_by_jid() {
    on_every_executing_kernel(|_| {
        let jail = jail();
        let by_number = Jail::unpinned(jail.jid());
        assert_eq!(output(&mut shell(&by_number, "echo inside")), "inside");
    });
}

#[test]
fn each_stage_that_fails_is_reported() {
    on_every_executing_kernel(|_| {
        let jail = jail();
        let mut elsewhere = jail.command("/bin/cat");
        let mut elsewhere = waiting(elsewhere.setsid(true));
        let group = elsewhere.id().try_into().expect("a number");
        let error = shell(&jail, "exit").process_group(group).status().expect_err("of another session");
        failed(&error, Stage::Session, ErrorKind::PermissionDenied, Call::Setpgid, libc::EPERM);
        end(&mut elsewhere);
        let error = shell(&jail, "exit").current_dir("/nonexistent").status().expect_err("not there");
        failed(&error, Stage::Directory, ErrorKind::InvalidPath, Call::Chdir, libc::ENOENT);
        assert_eq!(error.value(), Some("\"/nonexistent\""), "{error}");
        let error = shell(&jail, "exit").current_dir("/etc/passwd").status().expect_err("a file");
        failed(&error, Stage::Directory, ErrorKind::InvalidPath, Call::Chdir, libc::ENOTDIR);
        assert!(error.to_string().contains("\"/etc/passwd\""), "{error}");
        assert_eq!(std::io::Error::from(error).kind(), std::io::ErrorKind::NotADirectory);
        let error = jail.command("/nonexistent/program").status().expect_err("not there");
        failed(&error, Stage::Exec, ErrorKind::NotExecutable, Call::Execve, libc::ENOENT);
        assert_eq!(error.program(), Some(Path::new("/nonexistent/program")));
        assert_eq!(std::io::Error::from(error).kind(), std::io::ErrorKind::NotFound);
        let error = jail.command("/etc/passwd").status().expect_err("no program");
        failed(&error, Stage::Exec, ErrorKind::NotExecutable, Call::Execve, libc::EACCES);
        assert_eq!(std::io::Error::from(error).kind(), std::io::ErrorKind::PermissionDenied);
        if is_root() {
            // More groups than any kernel takes.
            let error = shell(&jail, "exit").groups(0..70_000).status().expect_err("too many");
            failed(&error, Stage::User, ErrorKind::InvalidValue, Call::Setgroups, libc::EINVAL);
        }
        // A later stage is not tried.
        let mut command = jail.command("/nonexistent/program");
        assert_eq!(
            command.current_dir("/nonexistent").status().expect_err("not there").stage(),
            Some(Stage::Directory)
        );
    });
}

#[test]
fn a_process_that_is_not_root_fails_to_attach() {
    if !is_root() {
        return;
    }
    alone("a_process_that_is_not_root_fails_to_attach", || {
        on_every_executing_kernel(|host| {
            let jail = jail();
            // By number: a descriptor has the authority of its maker, who was root.
            let by_number = Jail::unpinned(jail.jid());
            if let Some(model) = host.model() {
                let nobody = model.process().fork();
                nobody.setuid(1234).expect("root may");
                let error = nobody.run(|| shell(&by_number, "exit").status()).expect_err("not root");
                assert_eq!(
                    (error.stage(), error.errno()),
                    (Some(Stage::Attach), Some(libc::EPERM)),
                    "{error}"
                );
                nobody.exit();
            } else {
                nix::unistd::seteuid(1234.into()).expect("root may");
                let result = shell(&by_number, "exit").status();
                nix::unistd::seteuid(0.into()).expect("root was saved");
                let error = result.expect_err("not root");
                failed(&error, Stage::Attach, ErrorKind::PermissionDenied, Call::JailAttach, libc::EPERM);
                assert!(error.to_string().contains("root"), "{error}");
            }
        });
    });
}

#[test]
fn nothing_is_executed_on_a_model_without_permission() {
    for release in releases() {
        let host = model(sim::Kernel::with_release(release));
        let jail = jail();
        let refused = |error: &Error| {
            assert_eq!((error.kind(), error.stage(), error.errno()), (ErrorKind::Unsupported, None, None));
            assert!(error.to_string().contains("allow_exec"), "{error}");
        };
        let mut command = jail.command("/nonexistent/program");
        refused(&command.spawn().expect_err("refused"));
        refused(&command.status().expect_err("refused"));
        refused(&command.output().expect_err("refused"));
        refused(&Jail::open(jail.jid()).expect("found").command("/nonexistent/program").exec());
        refused(&jail.confine(&mut Command::new("/nonexistent/program")).expect_err("refused"));
        host.model().expect("a model").allow_exec(true);
        assert_eq!(command.spawn().expect_err("no such program").stage(), Some(Stage::Exec));
    }
}

// Open directories.

#[test]
fn an_open_directory_of_the_parent_does_not_hinder_a_program() {
    alone("an_open_directory_of_the_parent_does_not_hinder_a_program", || {
        on_every_executing_kernel(|host| {
            let jail = jail();
            let directory = File::open("/etc").expect("opened");
            let another = File::open("/bin").expect("opened");
            // It is not closed in the program only, as any other descriptor that is close-on-exec.
            let inherited = nix::unistd::dup(&another).expect("duplicated");
            if let Some(model) = host.model() {
                model.process().open_directory();
            }
            let open = "for fd in 3 4 5 6 7 8 9; do if (: <&$fd) 2>/dev/null; then echo $fd; fi; done";
            let left = output(&mut shell(&jail, open));
            if host.model().is_none() {
                assert_eq!(left, "");
            }
            let mut command = Command::new("/bin/sh");
            jail.confine(command.args(["-c", "exit 5"])).expect("prepared");
            assert_eq!(command.status().expect("it ran").code(), Some(5));
            // They are open here still.
            for file in [&directory, &another] {
                assert!(file.metadata().expect("open").is_dir());
            }
            drop(inherited);
            if let Some(model) = host.model() {
                model.process().close_directory();
            }
        });
    });
}

#[test]
fn attaching_names_the_open_directory_that_prevents_it() {
    alone("attaching_names_the_open_directory_that_prevents_it", || {
        on_every_kernel(|host| {
            let jail = jail();
            let directory = File::open("/etc").expect("opened");
            if let Some(model) = host.model() {
                model.process().open_directory();
            }
            let named = format!("descriptor {} is the open directory /etc:", directory.as_raw_fd());
            let by_number = Jail::unpinned(jail.jid());
            let opened = Jail::open(jail.jid()).expect("found");
            for handle in [opened, by_number] {
                let error = handle.attach().expect_err("a directory is open");
                assert_eq!((error.kind(), error.errno()), (ErrorKind::PermissionDenied, Some(libc::EPERM)));
                assert!(error.to_string().contains(&named), "{error}");
            }
            let error = Jail::open(jail.jid()).expect("found").command("/bin/sh").exec();
            if host.model().is_none() {
                failed(&error, Stage::Attach, ErrorKind::PermissionDenied, attaching(&jail), libc::EPERM);
                assert!(error.to_string().contains(&named), "{error}");
            }
            let name = name("attached");
            let error =
                Jail::builder().name(&name).path("/").create_and_attach().expect_err("a directory is open");
            assert_eq!((error.kind(), error.errno()), (ErrorKind::PermissionDenied, Some(libc::EPERM)));
            assert!(error.to_string().contains(&named), "{error}");
            // It is gone as if it had not been.
            assert_eq!(Jail::open(&name).expect_err("not there").kind(), ErrorKind::NotFound);
            if let Some(model) = host.model() {
                model.process().close_directory();
            } else {
                assert!(!is_jailed().expect("asked"));
            }
        });
    });
}

#[test]
fn a_program_with_a_directory_as_standard_input_cannot_attach() {
    if !is_confining() {
        return;
    }
    let jail = jail();
    let directory = File::open("/etc").expect("opened");
    let error = shell(&jail, "exit").stdin(directory).status().expect_err("a directory");
    failed(&error, Stage::Attach, ErrorKind::PermissionDenied, attaching(&jail), libc::EPERM);
    assert!(error.to_string().contains("descriptor 0 is the open directory"), "{error}");
}

// This process itself.

#[test]
fn this_process_can_be_replaced_by_a_program_in_a_jail() {
    const NAME: &str = "fj-exec-replaced";
    let status = alone_until("this_process_can_be_replaced_by_a_program_in_a_jail", || {
        let _host = executing_host();
        let jail =
            Jail::builder().name(NAME).path("/").hostname("inside").create_detached().expect("created");
        let script =
            if cfg!(target_os = "freebsd") { "[ $(hostname) = inside ] && exit 42" } else { "exit 42" };
        panic!("{}", shell(&jail, script).exec());
    });
    if let Some(status) = status {
        if cfg!(target_os = "freebsd") {
            Jail::open(NAME).expect("it stays").remove().expect("removed");
        }
        assert_eq!(status.code(), Some(42));
    }
}

#[test]
fn a_process_that_owns_the_jail_is_not_replaced() {
    let _host = executing_host();
    if !common::has_descriptors() {
        println!("skipped: nothing tells an owned jail from another one");
        return;
    }
    let jail = jail();
    // If it were, this test would fail.
    assert_eq!(shell(&jail, "exit 1").exec().kind(), ErrorKind::Conflict);
}

#[test]
fn this_process_can_create_a_jail_and_attach_to_it() {
    alone("this_process_can_create_a_jail_and_attach_to_it", || {
        let host = host();
        let jid = Jail::builder()
            .name(name("attached"))
            .path("/")
            .hostname("inside")
            .create_and_attach()
            .expect("attached");
        match host.model() {
            Some(model) => assert_eq!(model.process().jid(), jid.get()),
            None => assert!(is_jailed().expect("asked")),
        }
        // From inside, one's own jail cannot be seen.
        assert_eq!(Jail::open(jid).expect_err("this one").kind(), ErrorKind::NotFound);
    });
}

// Commands that someone else made.

#[test]
fn a_foreign_command_runs_inside() {
    on_every_executing_kernel(|host| {
        let jail = Jail::builder()
            .name(name("foreign"))
            .path("/")
            .hostname("inside.example.org")
            .create()
            .expect("created");
        let mut command = Command::new("/bin/sh");
        jail.confine(command.args(["-c", "hostname; pwd"])).expect("prepared");
        let output = command.output().expect("it ran");
        let said = String::from_utf8(output.stdout).expect("text");
        if host.model().is_none() {
            assert_eq!(said, "inside.example.org\n/\n");
        } else {
            assert!(said.ends_with("\n/\n"), "{said}");
        }
        // It holds a handle of its own, which does not own the jail.
        drop(jail);
        if host.model().is_none() {
            let error = command.status().expect_err("gone");
            assert!(matches!(error.raw_os_error(), Some(libc::EINVAL | libc::ENOENT)), "{error}");
        }
    });
}

#[test]
fn a_foreign_command_whose_user_was_changed_first_is_refused_t12() {
    if !is_root() {
        return;
    }
    on_every_executing_kernel(|_| {
        let jail = jail();
        let mut command = Command::new("/bin/sh");
        jail.confine(command.args(["-c", "exit 0"]).uid(1234)).expect("prepared");
        assert_eq!(command.status().expect_err("refused").raw_os_error(), Some(libc::EPERM));
        // The order of the two calls makes no difference: std applies its own first.
        let mut command = Command::new("/bin/sh");
        jail.confine(command.args(["-c", "exit 0"])).expect("prepared").uid(1234);
        assert_eq!(command.status().expect_err("refused").raw_os_error(), Some(libc::EPERM));
    });
}

#[test]
fn a_foreign_command_with_a_directory_is_refused_t12() {
    on_every_executing_kernel(|_| {
        let jail = jail();
        let mut command = Command::new("/bin/sh");
        let error = jail.confine(command.current_dir("/dev")).expect_err("refused");
        assert_eq!(error.kind(), ErrorKind::Conflict);
        // Set later it cannot be seen, and has no effect.
        let mut command = Command::new("/bin/sh");
        jail.confine(command.args(["-c", "pwd"])).expect("prepared").current_dir("/dev");
        assert_eq!(command.output().expect("it ran").stdout, b"/\n");
    });
}

#[test]
fn closures_of_a_foreign_command_run_in_their_order() {
    if !is_root() {
        return;
    }
    on_every_executing_kernel(|_| {
        let jail = jail();
        let become_somebody = || nix::unistd::setuid(1234.into()).map_err(std::io::Error::from);
        let mut command = Command::new("/bin/sh");
        command.args(["-c", "id -u"]);
        jail.confine(&mut command).expect("prepared");
        // SAFETY: it makes one system call, and an error of its number.
        unsafe { command.pre_exec(become_somebody) };
        assert_eq!(command.output().expect("it ran").stdout, b"1234\n");
        let mut command = Command::new("/bin/sh");
        command.args(["-c", "id -u"]);
        // SAFETY: as above.
        unsafe { command.pre_exec(become_somebody) };
        jail.confine(&mut command).expect("prepared");
        assert_eq!(command.status().expect_err("refused").raw_os_error(), Some(libc::EPERM));
    });
}

// Processes.

#[test]
fn the_processes_of_a_jail_are_listed_and_signalled() {
    on_every_executing_kernel(|host| {
        let jail = jail();
        let other = Jail::builder().name(name("other")).path("/").create().expect("created");
        assert!(jail.processes().expect("listed").is_empty());
        if let Some(model) = host.model() {
            let child = model.process().fork();
            child.run(|| jail.attach()).expect("attached");
            assert_eq!(jail.processes().expect("listed"), [child.pid()]);
            assert_eq!(other.processes().expect("listed"), [0_u32; 0]);
            assert!(jail.signal(0).expect("asked"));
            assert!(child.is_running());
            assert!(jail.signal(libc::SIGTERM).expect("sent"));
            assert!(!child.is_running());
        } else {
            let mut commands: Vec<_> = (0..3).map(|_| jail.command("/bin/cat")).collect();
            let mut children: Vec<_> = commands.iter_mut().map(waiting).collect();
            let mut beside = other.command("/bin/cat");
            let mut beside = waiting(&mut beside);
            let mut pids: Vec<_> = children.iter().map(Child::id).collect();
            let mut listed = jail.processes().expect("listed");
            pids.sort_unstable();
            listed.sort_unstable();
            assert_eq!(listed, pids);
            assert_eq!(other.processes().expect("listed"), [beside.id()]);
            assert!(jail.signal(0).expect("asked"));
            assert_eq!(jail.signal(12345).expect_err("no such signal").kind(), ErrorKind::InvalidValue);
            assert!(jail.signal(libc::SIGTERM).expect("sent"));
            for child in &mut children {
                assert_eq!(child.wait().expect("waited for").signal(), Some(libc::SIGTERM));
            }
            end(&mut beside);
        }
        assert!(jail.processes().expect("listed").is_empty());
        assert!(!jail.signal(libc::SIGTERM).expect("nobody is there"));
        let gone = Jail::open(jail.jid()).expect("found");
        jail.remove().expect("removed");
        assert_eq!(gone.processes().expect_err("gone").kind(), ErrorKind::Gone);
        assert_eq!(gone.signal(0).expect_err("gone").kind(), ErrorKind::Gone);
    });
}

#[test]
fn a_signal_reaches_the_jails_below_and_nobody_else() {
    on_every_executing_kernel(|host| {
        let jail = Jail::builder().name(name("above")).path("/").children_max(1).create().expect("created");
        let below = jail.child_builder().name("below").path("/").create().expect("created");
        let beside = Jail::builder().name(name("beside")).path("/").create().expect("created");
        if let Some(model) = host.model() {
            let inside = |jail: &Jail| {
                let child = model.process().fork();
                child.run(|| Jail::open(jail.jid()).and_then(|jail| jail.attach())).expect("attached");
                child
            };
            let [above, below, beside] = [inside(&jail), inside(&below), inside(&beside)];
            assert!(jail.signal(libc::SIGTERM).expect("sent"));
            assert_eq!([above, below, beside].map(|child| child.is_running()), [false, false, true]);
            assert!(model.process().is_running());
        } else {
            let start = |jail: &Jail| waiting(&mut jail.command("/bin/cat"));
            let (mut first, mut second, mut other) = (start(&jail), start(&below), start(&beside));
            let mut outside = Command::new("/bin/cat").stdin(Stdio::piped()).spawn().expect("started");
            assert!(jail.signal(libc::SIGUSR1).expect("sent"));
            for child in [&mut first, &mut second] {
                assert_eq!(child.wait().expect("waited for").signal(), Some(libc::SIGUSR1));
            }
            end(&mut other);
            end(&mut outside);
        }
    });
}

#[test]
fn a_signal_needs_a_process_that_may_attach_and_reaches_nobody_without() {
    if !is_root() || !is_confining() {
        return;
    }
    alone("a_signal_needs_a_process_that_may_attach_and_reaches_nobody_without", || {
        let jail = jail();
        let mut child = waiting(&mut jail.command("/bin/cat"));
        let by_number = Jail::unpinned(jail.jid());
        // A directory does not hinder it, not even as the standard input.
        let _directory = File::open("/").expect("opened");
        assert!(jail.signal(0).expect("asked"));
        assert!(by_number.signal(0).expect("asked"));
        nix::unistd::seteuid(nix::unistd::Uid::from_raw(1234)).expect("changed");
        let error = by_number.signal(libc::SIGKILL).expect_err("refused");
        assert_eq!(
            (error.kind(), error.stage()),
            (ErrorKind::PermissionDenied, Some(Stage::Attach)),
            "{error}"
        );
        nix::unistd::seteuid(nix::unistd::Uid::from_raw(0)).expect("changed");
        assert!(child.try_wait().expect("asked").is_none());
        end(&mut child);
    });
}

#[test]
fn the_processes_of_all_jails_are_seen_at_once() {
    on_every_executing_kernel(|host| {
        let (one, other) = (jail(), Jail::builder().name(name("other")).path("/").create().expect("created"));
        if let Some(model) = host.model() {
            let child = model.process().fork();
            child.run(|| Jail::open(one.jid()).and_then(|jail| jail.attach())).expect("attached");
            child.setuid(1001).expect("changed");
            let processes = Processes::current().expect("listed");
            let [process] = processes.of(one.jid()) else { panic!("{processes:?}") };
            assert_eq!((process.pid, process.uid, process.jid), (child.pid(), 1001, Some(one.jid())));
            assert_eq!((process.parent, process.is_zombie), (Some(std::process::id()), false));
            assert!(processes.of(other.jid()).is_empty());
            assert!(processes.iter().any(|process| process.jid.is_none()));
        } else {
            let mut command = one.command("/bin/cat");
            let mut child = waiting(command.uid(1001).gid(1001));
            let mut zombie = other.command("/bin/sh").args(["-c", "exit 0"]).spawn().expect("started");
            let deadline = Instant::now() + Duration::from_secs(20);
            let processes = loop {
                let processes = Processes::current().expect("listed");
                if processes.of(other.jid()).iter().all(|process| process.is_zombie) {
                    break processes;
                }
                assert!(Instant::now() < deadline, "{processes:?}");
                thread::sleep(Duration::from_millis(20));
            };
            let [process] = processes.of(one.jid()) else { panic!("{processes:?}") };
            assert_eq!((process.pid, process.uid, process.jid), (child.id(), 1001, Some(one.jid())));
            assert_eq!((process.parent, process.is_zombie), (Some(std::process::id()), false));
            assert_eq!(process.command.as_deref(), Some("cat".as_ref()));
            let [process] = processes.of(other.jid()) else { panic!("{processes:?}") };
            assert_eq!((process.pid, process.is_zombie), (zombie.id(), true));
            let this = processes.iter().find(|process| process.pid == std::process::id()).expect("this one");
            assert_eq!(this.jid, None);
            end(&mut child);
            assert!(zombie.wait().expect("waited for").success());
        }
        assert!(Processes::current().expect("listed").of(other.jid()).is_empty());
    });
}

#[test]
fn removing_a_jail_ends_its_programs() {
    if !is_confining() {
        return;
    }
    let jail = jail();
    let mut command = jail.command("/bin/cat");
    let mut child = waiting(&mut command);
    drop(command);
    jail.remove().expect("removed");
    assert_eq!(child.wait().expect("waited for").signal(), Some(libc::SIGKILL));
}

#[test]
fn a_jail_that_was_attached_to_by_descriptor_goes_when_it_is_removed_t17() {
    if !is_confining() {
        return;
    }
    let jail = jail();
    let jid = jail.jid();
    for _ in 0..3 {
        assert_eq!(output(&mut shell(&jail, "echo inside")), "inside");
        assert!(jail.command("/nonexistent").status().is_err());
    }
    jail.remove().expect("removed");
    let deadline = Instant::now() + Duration::from_secs(10);
    let dying = || Jail::all().dying(true).get(param::JID).any(|other| other.expect("a number") == jid);
    while dying() {
        assert!(Instant::now() < deadline, "it stays dying");
        thread::sleep(Duration::from_millis(50));
    }
}

/// Creates a jail with rules of mac_do(4), or says that the kernel has not loaded it.
fn jail_with_rules() -> Option<OwnedJail> {
    let rules = MacDo::rules("uid=1001>uid=1002");
    match Jail::builder().name(name("rules")).path("/").mac_do(rules).create() {
        Ok(jail) => Some(jail),
        Err(error) if error.kind() == ErrorKind::UnknownParameter => {
            println!("skipped: mac_do is not loaded");
            None
        }
        Err(error) => panic!("{error}"),
    }
}

#[test]
fn attaching_keeps_the_rules_of_mac_do_t6() {
    on_every_executing_kernel(|host| {
        let Some(jail) = jail_with_rules() else { return };
        let left = || jail.get((param::MAC_DO, param::MAC_DO_RULES.utf8())).expect("read");
        let before = left();
        assert_eq!(before.0, Mode::New);
        assert_eq!(output(&mut shell(&jail, "echo inside")), "inside");
        assert_eq!(left(), before);
        if let Some(model) = host.model() {
            let child = model.process().fork();
            child.run(|| jail.attach()).expect("attached");
            assert_eq!(left(), before);
            child.exit();
        }
    });
}

#[test]
fn attaching_restores_no_removed_rules_of_mac_do_t6() {
    on_every_executing_kernel(|_| {
        let Some(jail) = jail_with_rules() else { return };
        let left = || jail.get((param::MAC_DO, param::MAC_DO_RULES.utf8())).expect("read");
        let mut own = shell(&jail, "exit 0");
        let mut foreign = Command::new("/bin/sh");
        jail.confine(foreign.args(["-c", "exit 0"])).expect("prepared");
        let mut start_both = || {
            assert!(own.status().expect("it ran").success());
            assert!(foreign.status().expect("it ran").success());
        };
        start_both();
        assert_eq!(left().0, Mode::New);
        jail.update(&JailUpdate::new().mac_do(MacDo::Disable)).expect("taken away");
        start_both();
        assert_eq!(left(), (Mode::Disable, String::new()));
        jail.update(&JailUpdate::new().mac_do(MacDo::rules("uid=5>uid=6"))).expect("given");
        start_both();
        assert_eq!(left(), (Mode::New, "uid=5>uid=6".to_owned()));
    });
}

/// Takes a host with more than one routing table: `sysctl net.fibs=2`.
#[cfg(target_os = "freebsd")]
#[test]
fn a_missing_routing_table_is_not_reported_as_a_removed_jail() {
    unsafe extern "C" {
        // Of libc.so since FreeBSD 7.1, and not of the crate `libc`.
        safe fn setfib(fib: libc::c_int) -> libc::c_int;
    }
    alone("a_missing_routing_table_is_not_reported_as_a_removed_jail", || {
        if common::osreldate() < 1_400_000 {
            println!("skipped: before FreeBSD 14 the kernel does not check the routing table");
            return;
        }
        let jail = match Jail::builder()
            .name(name("fib"))
            .path("/")
            .network(freebsd_jail::Network::own_stack())
            .create()
        {
            Ok(jail) => jail,
            Err(error) => {
                println!("skipped: {error}");
                return;
            }
        };
        // The host's highest table, where it has more than the one that a network stack begins with.
        if !(1..16).rev().any(|fib| setfib(fib) == 0) {
            println!("skipped: there is only one routing table: sysctl net.fibs");
            return;
        }
        for handle in [&Jail::open(jail.jid()).expect("found"), &Jail::unpinned(jail.jid())] {
            for error in [
                handle.attach().expect_err("refused"),
                shell(handle, "exit 0").status().expect_err("refused"),
            ] {
                assert_eq!((error.kind(), error.errno()), (ErrorKind::Other, Some(libc::EINVAL)), "{error}");
                assert!(error.to_string().contains("routing table"), "{error}");
            }
        }
        assert!(jail.is_alive().expect("asked"));
    });
}

#[cfg(target_os = "freebsd")]
#[test]
fn a_program_can_be_traced_again_once_it_runs() {
    let jail = jail();
    let mut command = jail.command("/bin/cat");
    let mut child = waiting(&mut command);
    let mut status: libc::c_int = 77;
    let pid = child.id().into();
    // SAFETY: the kernel writes one int, which is ours.
    let result =
        unsafe { libc::procctl(libc::P_PID, pid, libc::PROC_TRACE_STATUS, (&raw mut status).cast()) };
    assert_eq!((result, status), (0, 0));
    end(&mut child);
}

#[test]
fn two_hundred_programs_start_while_other_threads_allocate() {
    alone("two_hundred_programs_start_while_other_threads_allocate", || {
        let _host = executing_host();
        let jail = jail();
        let done = AtomicBool::new(false);
        let started = Instant::now();
        thread::scope(|scope| {
            for seed in 0..2_usize {
                let done = &done;
                scope.spawn(move || {
                    let mut kept = Vec::new();
                    let mut size = seed + 1;
                    while !done.load(Ordering::Relaxed) {
                        size = size * 31 % 65_537 + 1;
                        kept.push(vec![1_u8; size]);
                        if kept.len() > 64 {
                            kept.swap_remove(size % 64);
                        }
                        // The environment has a lock of its own.
                        let _ = std::env::var_os("PATH");
                    }
                });
            }
            for round in 0..200 {
                let mut command = jail.command("/bin/sh");
                command.args(["-c", "exit 3"]).current_dir("/dev");
                let status = command.status().unwrap_or_else(|error| panic!("round {round}: {error}"));
                assert_eq!(status.code(), Some(3));
            }
            done.store(true, Ordering::Relaxed);
        });
        println!("200 programs in {:?}", started.elapsed());
    });
}
