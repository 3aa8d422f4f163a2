from collections.abc import Iterator

import pytest
from freebsd_jail import Model


@pytest.fixture
def model() -> Iterator[Model]:
    """A kernel of the newest release. Nothing that a test does may harm a real one."""
    with Model() as model:
        yield model
    assert model.sprung == []


@pytest.fixture
def running_model() -> Iterator[Model]:
    """A kernel that runs programs, on the host."""
    with Model(allow_exec=True) as model:
        yield model
    assert model.sprung == []


@pytest.fixture
def old_model() -> Iterator[Model]:
    """A kernel that has no descriptors."""
    with Model("14.2") as model:
        yield model
    assert model.sprung == []
