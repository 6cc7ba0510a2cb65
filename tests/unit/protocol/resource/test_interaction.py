"""``x-fapi-interaction-id``: what is echoed and what is made."""

import uuid

import pytest

from ciba_service.protocol.resource.interaction import interaction_id

SENT = "C770aef3-6784-41f7-8e0e-FF5f97bddb3a"


def zeros(count: int) -> bytes:
    """A random source that is none."""
    return bytes(count)


@pytest.mark.clause("fapi1-p1-6.2.1-11")
def test_one_uuid_is_echoed_to_the_letter():
    """Of whatever version, in whatever case."""
    nil = "00000000-0000-0000-0000-000000000000"
    for text in (SENT, SENT.lower(), SENT.upper(), nil):
        assert interaction_id([text], zeros) == text


@pytest.mark.parametrize(
    "lines",
    [
        [], [""], ["word"], [SENT, SENT], [f"{SENT}\n"], [f" {SENT}"], [f"urn:uuid:{SENT}"],
        [SENT.replace("-", "")], [SENT.replace("C", "G")], ["\u0661" * 8 + SENT[8:]],
        ["x" * 100_000],
    ],
)  # fmt: skip
def test_of_anything_else_nothing_is_echoed(lines: list[str]):
    """A UUID of version 4 is made of 128 random bits."""
    made = uuid.UUID(interaction_id(lines, zeros))
    assert (made.version, made.variant) == (4, uuid.RFC_4122)
    assert interaction_id(lines, lambda count: b"\xff" * count) != str(made)
