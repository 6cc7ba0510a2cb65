"""As many files may be open as connections are allowed, where the system lets it be so."""

import resource
from collections.abc import Iterator

import pytest

from ciba_service.commands.serving.open_files import allow_open_files


@pytest.fixture
def hard() -> Iterator[int]:
    """A soft limit of 512 below the hard one, until the end of the test."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    assert hard == resource.RLIM_INFINITY or hard > 1_024
    resource.setrlimit(resource.RLIMIT_NOFILE, (512, hard))
    yield hard
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def soft() -> int:
    """How many files may be open."""
    return resource.getrlimit(resource.RLIMIT_NOFILE)[0]


@pytest.mark.parametrize(("wanted", "then"), [(1_000, 1_000), (512, 512), (100, 512)])
@pytest.mark.usefixtures("hard")
def test_the_soft_limit_is_raised_and_never_lowered(wanted: int, then: int):
    """What the operator allowed for connections holds without another setting."""
    assert allow_open_files(wanted) == 0
    assert soft() == then


def test_what_the_system_does_not_allow_is_told(hard: int):
    """The limit goes as far as it can; what is missing is for the log."""
    if hard == resource.RLIM_INFINITY:
        assert allow_open_files(2_000_000) == 0
    else:
        assert allow_open_files(hard + 7) == 7
        assert soft() == hard
