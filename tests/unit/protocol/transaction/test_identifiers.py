"""Identifiers, lifetimes and the comparison of secrets."""

import re
import secrets

import pytest

from ciba_service.protocol.comparison import equal_secrets
from ciba_service.protocol.transaction.identifiers import (
    AuthReqId,
    is_transaction_id,
    new_auth_req_id,
    parse_auth_req_id,
)
from ciba_service.protocol.transaction.lifetime import RequestLifetime


@pytest.mark.clause("ciba-7.3-2", "ciba-7.3-3", "rfc6749-10.10-1")
def test_an_auth_req_id_is_256_random_bits():
    """It asks for 32 random bytes and shows all of them in 43 allowed characters."""
    asked: list[int] = []

    def token_bytes(size: int) -> bytes:
        asked.append(size)
        return secrets.token_bytes(size)

    ids = {new_auth_req_id(token_bytes).value for _ in range(100)}
    assert asked == [32] * 100
    assert len(ids) == 100
    assert all(re.fullmatch(r"[A-Za-z0-9_-]{43}", value) for value in ids)


def test_an_auth_req_id_is_masked():
    """It never shows in a log by accident."""
    assert repr(new_auth_req_id(secrets.token_bytes)) == "AuthReqId(...)"


@pytest.mark.parametrize(
    "text", ["", "a" * 42, "a" * 44, "a" * 42 + "=", "ä" * 43, "a" * 43 + "\n"]
)
def test_what_cannot_be_ours_is_not_looked_up(text: str):
    """Another length or alphabet is no auth_req_id."""
    assert parse_auth_req_id(text) is None
    assert parse_auth_req_id("a" * 43) == AuthReqId("a" * 43)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a" * 22, True), ("-_" * 11, True), ("", False), ("a" * 21, False), ("a" * 23, False),
        ("a" * 21 + "=", False), ("ä" * 22, False), ("a" * 22 + "\n", False),
    ],
)  # fmt: skip
def test_the_name_of_a_transaction_is_known_by_its_shape(text: str, *, expected: bool):
    """Whether there is one is another question."""
    assert is_transaction_id(text) is expected


@pytest.mark.clause("ciba-7.1-18", "rfc10027-6.1.2-1")
@pytest.mark.parametrize(
    ("requested", "granted"),
    [
        (None, 180),
        (1, 10),
        (9, 10),
        (10, 10),
        (11, 11),
        (300, 300),
        (600, 600),
        (601, 600),
        (10**400, 600),
    ],
    ids=lambda value: str(value)[:10],
)
def test_a_requested_expiry_is_granted_within_bounds(requested: int | None, granted: int):
    """Ten seconds to ten minutes, and three minutes for who does not ask."""
    assert RequestLifetime().grant(requested) == granted


@pytest.mark.parametrize(
    ("presented", "expected", "is_equal"),
    [
        ("a", "a", True),
        ("a", "b", False),
        ("", "a", False),
        ("ä", "ä", True),
        ("\ud800", "?", False),
        ("\ud800", "\ud800", True),
    ],
    ids=ascii,
)
def test_secrets_are_compared_whatever_they_are(presented: str, expected: str, *, is_equal: bool):
    """Any text can be compared, even one that UTF-8 cannot write."""
    assert equal_secrets(presented, expected) is is_equal
