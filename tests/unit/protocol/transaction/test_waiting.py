"""How long a client is willing to wait, and how long it is held (RFC 7240, CIBA 10.1)."""

import pytest

from ciba_service.protocol.request.preference import preferred_wait
from ciba_service.protocol.transaction.waiting import applied_wait, holding_ms


@pytest.mark.parametrize(
    ("lines", "seconds"),
    [
        (("wait=10",), 10),
        (("respond-async, wait=10",), 10),
        (("return=minimal", 'WAIT = "7" ; x=y'), 7),
        (("wait=3, wait=9",), 3),
        (("wait=0",), 0),
    ],
)
def test_the_first_wait_counts(lines: tuple[str, ...], seconds: int):
    """In any line, spelling and company."""
    assert preferred_wait(lines) == seconds


@pytest.mark.parametrize(
    "line",
    ["", "wait", "wait=", "wait=-1", "wait=1.5", "wait=x", "wait=1234567890", "waiting=3", "=3",
     "wait=\u0663", "wait=soon, wait=5"],
)  # fmt: skip
def test_what_is_no_wait_is_ignored(line: str):
    """Nothing a client says here refuses its request."""
    assert preferred_wait([line]) is None
    assert preferred_wait([]) is None


def test_a_request_decides_for_itself():
    """It may shorten or refuse what its client registered; nobody waits longer than 25 seconds."""
    assert applied_wait(None, registered=20) == 20
    assert applied_wait(3, registered=20) == 3
    assert applied_wait(0, registered=20) == 0
    assert applied_wait(600, registered=0) == 25


def test_the_answer_comes_within_the_wait():
    """Half a second is left for the way back."""
    assert [holding_ms(wait) for wait in (0, 1, 25)] == [0, 500, 24_500]
