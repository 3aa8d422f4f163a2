import errno
import gc
import os
import pathlib
import subprocess
import threading
from ipaddress import IPv4Address, IPv6Address
from typing import Any

import freebsd_jail
import pytest
from freebsd_jail import Jail, JailError, Model, OwnedJail


def test_an_owned_jail_goes_at_the_end_of_its_block(model: Model) -> None:
    with Jail.create(name="www", path="/") as jail:
        assert isinstance(jail, OwnedJail) and isinstance(jail, Jail)
        assert jail.alive and jail.jid > 0
        assert Jail.open("www").jid == jail.jid == Jail.open(jail.jid).jid
        assert repr(jail) == f"<OwnedJail {jail.jid}>"
    with pytest.raises(freebsd_jail.NotFoundError):
        Jail.open("www")
    with pytest.raises(ValueError, match="closed"):
        jail.remove()
    jail.close()


def test_an_owned_jail_goes_when_its_block_raises(model: Model) -> None:
    with pytest.raises(ZeroDivisionError), Jail.create(name="www", path="/"):
        _ = 1 / 0
    assert Jail.all() == []


def test_a_jail_that_was_removed_in_its_block_is_no_error(model: Model) -> None:
    with Jail.create(path="/") as jail:
        Jail.open(jail.jid).remove()
        assert not jail.alive
        with pytest.raises(freebsd_jail.GoneError):
            jail["name"]


def test_an_owned_jail_goes_with_its_last_reference(model: Model) -> None:
    jail = Jail.create(name="www", path="/")
    clone = jail.clone()
    del jail
    gc.collect()
    assert not clone.alive


def test_a_detached_jail_stays_until_it_is_removed(model: Model) -> None:
    jail = Jail.create_detached(name="www", path="/")
    assert type(jail) is Jail
    del jail
    gc.collect()
    with Jail.open("www").own():
        pass
    assert Jail.all() == []


def test_values_have_types_of_python(model: Model) -> None:
    params: dict[str, Any] = {
        "path": pathlib.Path("/"),
        "host.hostname": b"\xff.example.org",
        "host.hostid": 7,
        "securelevel": 2,
        "ip4.addr": ["10.0.0.2", IPv4Address("10.0.0.1")],
        "ip6.addr": "::2",
        "allow.raw_sockets": True,
        "allow.set_hostname": False,
        "sysvshm": "new",
        "meta.owner": "me",
    }
    with Jail.create(params, name="www") as jail:
        assert jail.read("name", *params) == {
            "name": "www",
            "path": "/",
            "host.hostname": os.fsdecode(b"\xff.example.org"),
            "host.hostid": 7,
            "securelevel": 2,
            "ip4.addr": [IPv4Address("10.0.0.2"), IPv4Address("10.0.0.1")],
            "ip6.addr": [IPv6Address("::2")],
            "allow.raw_sockets": True,
            "allow.set_hostname": False,
            "sysvshm": "new",
            "meta.owner": "me",
        }
        everything = jail.read_everything()
        assert everything["securelevel"] == 2 and everything["allow.raw_sockets"] is True


def test_one_parameter_is_read_and_set_as_an_item(model: Model) -> None:
    with Jail.create({"meta.owner": ""}, path="/", securelevel=1) as jail:
        jail["securelevel"] = 3
        assert jail["securelevel"] == 3
        assert jail["meta.owner"] == ""
        jail["meta.owner"] = None
        with pytest.raises(KeyError, match=r"meta\.owner"):
            jail["meta.owner"]
        assert jail.read("meta.owner") == {"meta.owner": None}


def test_an_update_sets_all_or_nothing(model: Model) -> None:
    with Jail.create(path="/") as jail:
        jail.update({"host.hostname": "www"}, securelevel=2)
        assert jail.read("host.hostname", "securelevel") == {"host.hostname": "www", "securelevel": 2}
        with Jail.create(name="taken", path="/"), pytest.raises(freebsd_jail.AlreadyExistsError):
            jail.update({"host.hostname": "db"}, name="taken")
        assert jail["host.hostname"] == "www"


@pytest.mark.parametrize(
    ("params", "error", "text"),
    [
        ({"securelevel": "2"}, TypeError, "securelevel"),
        ({"securelevel": 1 << 40}, OverflowError, "securelevel"),
        ({"securelevel": None}, ValueError, "securelevel"),
        ({"persist": 1}, TypeError, "persist"),
        ({"ip4.addr": ["::1"]}, ValueError, "other family"),
        ({"ip4.addr": ["nowhere"]}, ValueError, r"ip4\.addr"),
        ({"sysvshm": "maybe"}, ValueError, "sysvshm"),
        ({"no.such": 1}, freebsd_jail.UnknownParameterError, r"no\.such"),
        ({"name": "a\0b"}, freebsd_jail.InvalidValueError, "NUL"),
        ({"cpuset.id": 1}, freebsd_jail.InvalidParameterError, r"cpuset\.id"),
    ],
)
def test_a_mistake_names_its_parameter(
    model: Model, params: dict[str, Any], error: type[Exception], text: str
) -> None:
    with pytest.raises(error, match=text):
        Jail.create({"path": "/", **params})
    assert Jail.all() == []


def test_an_exception_has_what_is_known_of_the_error(model: Model) -> None:
    with Jail.create(name="www", path="/"):
        with pytest.raises(freebsd_jail.AlreadyExistsError) as caught:
            Jail.create(name="www", path="/")
        error = caught.value
        assert isinstance(error, JailError) and isinstance(error, OSError)
        assert (error.errno, error.call) == (errno.EEXIST, "jail_set")
        assert error.message is not None and "www" in error.message
    with pytest.raises(freebsd_jail.InvalidValueError) as refused:
        Jail.create(path="/", name="a\0b")
    assert (refused.value.errno, refused.value.call) == (errno.EINVAL, None)
    assert (refused.value.parameter, refused.value.value) == ("name", '"a\\0b"')


def test_jails_are_listed_in_the_order_of_their_jids(model: Model) -> None:
    with Jail.create({"meta.n": "1", "children.max": 1}, name="a", path="/") as a, Jail.create(path="/") as b:
        with Jail.create(name="a.c", path="/") as c:
            assert [jail.jid for jail in Jail.all()] == [a.jid, b.jid, c.jid]
            assert [jail.jid for jail in a.children()] == [c.jid]
        rows = Jail.read_all("jid", "meta.n")
        assert rows == [{"jid": a.jid, "meta.n": "1"}, {"jid": b.jid, "meta.n": None}]


def test_a_descriptor_hands_the_jail_over(model: Model) -> None:
    jail = Jail.create(name="www", path="/")
    fd = jail.into_fd()
    with pytest.raises(ValueError, match="closed"):
        jail.fileno()
    del jail
    gc.collect()
    with OwnedJail.from_fd(fd) as owner:
        clone = owner.clone()
        copy = Jail.from_fd(os.dup(clone.fileno()))
        assert copy["name"] == "www"
    assert not copy.alive
    with pytest.raises(freebsd_jail.InvalidDescriptorError):
        Jail.from_fd(-1)


def test_waiting_ends_with_the_jail_or_the_time(model: Model) -> None:
    jail = Jail.create_detached(path="/")
    assert jail.wait_gone(0.05) is False
    with pytest.raises(ValueError, match="time"):
        jail.wait_gone(-1)
    remover = threading.Timer(0.2, jail.remove)
    remover.start()  # which needs the interpreter while the other waits
    assert jail.wait_gone() is True
    remover.join()
    assert Jail.create_detached(path="/").remove_and_wait(5) is True


def test_children_are_waited_for_with_the_jail(model: Model) -> None:
    children = [subprocess.Popen(["sleep", duration]) for duration in ("0", "0.2")]
    jail = Jail.create(path="/")
    assert jail.remove_and_reap(children, 20) is True
    assert [child.returncode for child in children] == [0, 0]
    with subprocess.Popen(["sleep", "600"]) as outside:
        # It was removed before, and the child is not in it.
        assert jail.remove_and_reap([outside], 0.2) is False
        outside.kill()


def test_without_descriptors_a_jail_is_owned_all_the_same(old_model: Model) -> None:
    with Jail.create(name="www", path="/") as jail:
        with pytest.raises(freebsd_jail.UnsupportedError) as caught:
            jail.into_fd()
        assert caught.value.errno == errno.ENOSYS
        assert jail["name"] == "www"  # it is as before
        with pytest.raises(freebsd_jail.UnknownParameterError):
            jail.update({"meta.owner": "me"})
    assert Jail.all() == []


def test_this_process_attaches_but_not_to_a_jail_that_it_owns(model: Model) -> None:
    with Jail.create(path="/") as owned, pytest.raises(freebsd_jail.ConflictError):
        owned.attach()
    assert not freebsd_jail.is_jailed()
    jail = Jail.create_detached(path="/")
    jail.attach()
    assert freebsd_jail.is_jailed()


def test_there_is_no_model_of_other_releases() -> None:
    with pytest.raises(ValueError, match=r"1\.0"):
        Model("1.0")
