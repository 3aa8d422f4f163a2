import errno
import os
import pathlib
import pwd
import signal
import subprocess
import threading
from collections.abc import Iterator
from subprocess import DEVNULL, PIPE, STDOUT
from typing import Any

import freebsd_jail
import pytest
from freebsd_jail import Jail, Model, OwnedJail


@pytest.fixture
def jail(running_model: Model) -> Iterator[OwnedJail]:
    with Jail.create(name="www", path="/") as jail:
        yield jail


def sh(script: str) -> list[str]:
    return ["/bin/sh", "-c", script]


def test_a_program_is_started_and_waited_for(jail: Jail) -> None:
    process = jail.spawn(sh("read line; exit 7"), stdin=PIPE)
    assert process.poll() is None
    assert repr(process) == f"<Process {process.pid}>"
    os.kill(process.pid, 0)
    assert process.stdin is not None and process.stdout is None and process.stderr is None
    process.stdin.close()
    assert process.wait() == 7 == process.wait(0) == process.poll()
    with pytest.raises(ProcessLookupError):
        os.kill(process.pid, 0)


def test_a_signal_is_a_negative_status(jail: Jail) -> None:
    process = jail.spawn(["sleep", "1000"])
    process.kill()
    assert process.wait() == -signal.SIGKILL == process.poll()
    process.kill()  # which does nothing now
    assert jail.run(sh("kill -TERM $$")).returncode == -signal.SIGTERM


def test_a_wait_is_over_in_time_and_leaves_the_program(jail: Jail) -> None:
    process = jail.spawn(["sleep", "1000"])
    with pytest.raises(subprocess.TimeoutExpired) as caught:
        process.wait(0.05)
    assert (caught.value.cmd, caught.value.timeout) == (["sleep", "1000"], 0.05)
    with pytest.raises(ValueError, match="time"):
        process.wait(-1)
    assert process.poll() is None
    killer = threading.Timer(0.1, process.kill)
    killer.start()  # which needs the interpreter and the process while the other waits
    assert process.wait() == -signal.SIGKILL
    killer.join()


def test_a_wait_ends_with_a_signal_whose_handler_raises(jail: Jail) -> None:
    def handler(*_: Any) -> None:
        raise InterruptedError

    process = jail.spawn(["sleep", "1000"])
    before = signal.signal(signal.SIGALRM, handler)
    try:
        with pytest.raises(InterruptedError):
            signal.setitimer(signal.ITIMER_REAL, 0.1)
            process.wait()
        with pytest.raises(InterruptedError):
            signal.setitimer(signal.ITIMER_REAL, 0.1)
            jail.run(["sleep", "1000"], capture_output=True)
    finally:
        signal.signal(signal.SIGALRM, before)
    process.kill()
    process.wait()
    with pytest.raises(ChildProcessError):  # run has left none
        os.waitpid(-1, os.WNOHANG)


def test_a_block_closes_the_pipes_and_waits(jail: Jail) -> None:
    with jail.spawn(["cat"], stdin=PIPE, stdout=PIPE) as process:
        assert process.stdin is not None and process.stdout is not None
        process.stdin.write(b"here\n")
        process.stdin.flush()
        assert process.stdout.readline() == b"here\n"
    assert process.stdin.closed and process.stdout.closed
    assert process.poll() == 0


def test_streams_are_those_of_subprocess(
    jail: Jail, tmp_path: pathlib.Path, capfd: pytest.CaptureFixture[str]
) -> None:
    both = sh("echo out; echo err >&2")
    with jail.spawn(both, stdout=PIPE, stderr=PIPE) as process:
        assert process.stdout is not None and process.stderr is not None
        assert (process.stdout.read(), process.stderr.read()) == (b"out\n", b"err\n")
    with jail.spawn(both, stdout=PIPE, stderr=STDOUT) as process:
        assert process.stdout is not None and process.stderr is None
        assert process.stdout.read() == b"out\nerr\n"
    with (tmp_path / "log").open("wb") as log:
        assert jail.spawn(both, stdout=log, stderr=STDOUT).wait() == 0
        assert jail.spawn(both, stdout=log.fileno(), stderr=DEVNULL).wait() == 0
        assert jail.spawn(both, stdout=DEVNULL, stderr=STDOUT).wait() == 0
        assert jail.spawn(sh("read line"), stdin=DEVNULL).wait() == 1
        os.fstat(log.fileno())  # it is still open here
    assert (tmp_path / "log").read_bytes() == b"out\nerr\nout\n"
    assert tuple(capfd.readouterr()) == ("", "")
    with pytest.raises(OSError) as caught:
        jail.spawn(both, stdout=1000000)
    assert caught.value.errno == errno.EBADF


def test_streams_are_this_process_s_by_default(jail: Jail, capfd: pytest.CaptureFixture[str]) -> None:
    assert jail.run(sh("echo out; echo err >&2")).stdout is None
    assert jail.spawn(sh("echo too"), stderr=STDOUT).wait() == 0
    assert tuple(capfd.readouterr()) == ("out\ntoo\n", "err\n")


def test_the_environment_is_not_inherited(jail: Jail, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECRET", "x")

    def environment(**more: Any) -> dict[bytes, bytes]:
        lines = jail.run(["/usr/bin/env"], capture_output=True, check=True, **more).stdout.splitlines()
        return dict(line.split(b"=", 1) for line in lines)

    clean = environment()
    assert b"SECRET" not in clean and b"/bin" in clean[b"PATH"]
    assert clean[b"HOME"] == os.fsencode(pwd.getpwuid(os.geteuid()).pw_dir)
    assert environment(env={}) == {}
    assert environment(env={"A": "1=2", "B": b"\xff"}) == {b"A": b"1=2", b"B": b"\xff"}
    assert environment(env=os.environ)[b"SECRET"] == b"x"
    assert jail.spawn(sh('test "$A" = 1 && test -z "$SECRET"'), env={"A": "1"}).wait() == 0


def test_arguments_and_the_directory_are_text_bytes_or_paths(jail: Jail, tmp_path: pathlib.Path) -> None:
    args: list[Any] = ["/bin/echo", b"\xff", pathlib.Path("/x"), "\udcfe"]
    assert jail.run(args, capture_output=True).stdout == b"\xff /x \xfe\n"
    assert jail.run(["pwd"], capture_output=True).stdout == b"/\n"
    here = os.fsencode(tmp_path.resolve())
    for cwd in (tmp_path, str(tmp_path), here):
        assert jail.run(["pwd"], cwd=cwd, capture_output=True).stdout == here + b"\n"


def test_another_user(jail: Jail) -> None:
    if os.geteuid() == 0:
        ran = jail.run(["id", "-u"], user="nobody", capture_output=True)
        assert int(ran.stdout) == pwd.getpwnam("nobody").pw_uid
    else:
        with pytest.raises(freebsd_jail.PermissionDeniedError) as caught:
            jail.run(["id", "-u"], user="nobody")
        assert caught.value.stage == "user"
    with pytest.raises(freebsd_jail.InvalidValueError, match="no such user"):
        jail.spawn(["id"], user="no such user")


def test_what_run_returns_and_raises_is_of_subprocess(jail: Jail) -> None:
    args = sh("echo out; echo err >&2; exit 3")
    ran = jail.run(args, capture_output=True)
    assert isinstance(ran, subprocess.CompletedProcess)
    assert (ran.args, ran.returncode, ran.stdout, ran.stderr) == (args, 3, b"out\n", b"err\n")
    with pytest.raises(subprocess.CalledProcessError) as caught:
        jail.run(args, capture_output=True, check=True)
    error = caught.value
    assert (error.cmd, error.returncode, error.stdout, error.stderr) == (args, 3, b"out\n", b"err\n")
    assert jail.run(["true"], check=True).returncode == 0


def test_input_and_output_of_any_size(jail: Jail) -> None:
    much = bytes(range(256)) * 4096
    assert jail.run(["cat"], input=much, capture_output=True).stdout == much
    copies = jail.run(sh("tee /dev/stderr"), input=much, capture_output=True)
    assert copies.stdout == copies.stderr == much
    assert jail.run(["cat"], input=b"", capture_output=True).stdout == b""
    assert jail.run(["true"], input=much).returncode == 0  # it reads nothing
    with pytest.raises(TypeError):
        jail.run(["cat"], input="text")  # type: ignore[arg-type]


def test_run_kills_and_reaps_what_takes_too_long(jail: Jail) -> None:
    args = sh("echo $$; exec sleep 1000")
    for captured in (True, False):
        with pytest.raises(subprocess.TimeoutExpired) as caught:
            jail.run(args, timeout=0.3, capture_output=captured)
        assert (caught.value.cmd, caught.value.timeout) == (args, 0.3)
        with pytest.raises(ChildProcessError):  # no child is left
            os.waitpid(-1, os.WNOHANG)
    with pytest.raises(subprocess.TimeoutExpired) as caught:
        jail.run(args, timeout=1, capture_output=True)
    assert caught.value.stderr == b"" and caught.value.output is not None
    with pytest.raises(ProcessLookupError):
        os.kill(int(caught.value.output), 0)


def test_other_threads_run_meanwhile(jail: Jail) -> None:
    args = ["sleep", "0.3"]
    for wait in (lambda: jail.run(args, capture_output=True), lambda: jail.spawn(args).wait()):
        counted, end = 0, threading.Event()

        def count() -> None:
            nonlocal counted
            while not end.wait(0.01):
                counted += 1

        thread = threading.Thread(target=count)
        thread.start()
        wait()
        end.set()
        thread.join()
        assert counted > 5


@pytest.mark.parametrize(
    ("args", "more", "error", "stage", "text"),
    [
        (["/nosuch"], {}, freebsd_jail.NotExecutableError, "exec", "/nosuch"),
        (["true"], {"env": {"PATH": "/nosuch"}}, freebsd_jail.NotExecutableError, "exec", "true"),
        (["true"], {"cwd": "/nosuch"}, freebsd_jail.InvalidPathError, "directory", "/nosuch"),
        (["true", "a\0b"], {}, freebsd_jail.InvalidValueError, None, "NUL"),
    ],
)
def test_a_failure_names_its_stage(
    jail: Jail, args: list[str], more: dict[str, Any], error: type[freebsd_jail.JailError], stage: Any, text: str
) -> None:
    for start in (jail.spawn, jail.run):
        with pytest.raises(error, match=text) as caught:
            start(args, **more)
        assert caught.value.stage == stage
        assert stage is None or str(stage) in str(caught.value)


def test_mistakes_in_arguments(jail: Jail) -> None:
    with pytest.raises(TypeError, match="list"):
        jail.spawn("true")
    with pytest.raises(ValueError, match="empty"):
        jail.run([])
    with pytest.raises(ValueError, match="time"):
        jail.run(["true"], timeout=-1)
    with pytest.raises(TypeError):
        jail.spawn([1])  # type: ignore[list-item]


def test_removing_the_jail_kills_and_reaps_the_children(jail: OwnedJail) -> None:
    children = [jail.spawn(["sleep", "1000"]), jail.spawn(["sleep", "1000"])]
    assert jail.remove_and_wait(0.2) is False  # it is held by those
    assert jail.remove_and_reap(children, 10) is True
    assert [child.wait(0) for child in children] == [-signal.SIGKILL] * 2
    with pytest.raises(freebsd_jail.GoneError):
        jail.run(["true"])


def test_a_model_runs_no_program_unless_it_may(model: Model) -> None:
    with Jail.create(path="/") as jail:
        with pytest.raises(freebsd_jail.UnsupportedError, match="runs no program"):
            jail.run(["true"])
