"""``resource``: absolute URIs that tokens may be for (RFC 8707)."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ciba_service.protocol.errors import InvalidTargetError
from ciba_service.protocol.request.resource import narrowed_resources, parse_resources

ACCOUNTS, PAYMENTS, NAME = (
    "https://bank.example/accounts",
    "https://bank.example/payments?v=2",
    "urn:bank:accounts",
)
ALLOWED = frozenset({ACCOUNTS, PAYMENTS, NAME, "https://bank.example/a#b", "/accounts"})


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (None, ()),
        (ACCOUNTS, (ACCOUNTS,)),
        (NAME, (NAME,)),
        ([ACCOUNTS], (ACCOUNTS,)),
        ([PAYMENTS, ACCOUNTS, PAYMENTS], (PAYMENTS, ACCOUNTS)),
    ],
)
def test_allowed_resources_are_taken_in_their_order(value: Any, expected: tuple[str, ...]):
    """One as a string, several in an array, each once."""
    assert parse_resources(value, ALLOWED) == expected


@pytest.mark.parametrize(
    "value",
    [
        *(
            "https://bank.example/a#b",
            "/accounts",
            "accounts",
            "https:",
            "",
            "https://b.example/a b",
        ),
        *(
            "https://b.example/\u00e4",
            "https://b.example/%zz",
            "1https://b.example",
            f"{ACCOUNTS}\n",
        ),
        *("https://bank.example", f"{ACCOUNTS}/", "HTTPS://bank.example/accounts"),
        *([], [5], [[ACCOUNTS]], [ACCOUNTS, None], 5, True, {"0": ACCOUNTS}),
        [ACCOUNTS, "https://other.example"],
        [ACCOUNTS] * 9,
        "https://b.example/" + "a" * 512,
        f"{ACCOUNTS} {PAYMENTS}",
    ],
    ids=lambda value: repr(value)[:50],
)
def test_another_resource_is_an_invalid_target(value: Any):
    """Malformed, relative, with a fragment, unknown, or too many."""
    with pytest.raises(InvalidTargetError) as refused:
        parse_resources(value, ALLOWED | {f"{ACCOUNTS}\n", "https://b.example/a b", ""})
    assert (refused.value.status_code, refused.value.error) == (400, "invalid_target")


def test_without_allowed_resources_none_is_taken():
    """A service that has none refuses all."""
    with pytest.raises(InvalidTargetError):
        parse_resources(ACCOUNTS, frozenset())


@given(st.text())
def test_a_resource_is_an_absolute_uri_even_if_more_is_allowed(text: str):
    """What is configured by mistake is not taken either."""
    try:
        (resource,) = parse_resources(text, frozenset({text}))
    except InvalidTargetError:
        return
    assert resource.isascii()
    assert ":" in resource
    assert "#" not in resource


def test_a_token_request_may_ask_for_part_of_what_was_granted():
    """All of it, or one; what was not granted is an invalid target (RFC 8707 2.2)."""
    assert narrowed_resources(None, ()) == ()
    assert narrowed_resources(None, (ACCOUNTS, PAYMENTS)) == (ACCOUNTS, PAYMENTS)
    assert narrowed_resources(PAYMENTS, (ACCOUNTS, PAYMENTS)) == (PAYMENTS,)
    for granted in ((), (ACCOUNTS,)):
        with pytest.raises(InvalidTargetError):
            narrowed_resources(PAYMENTS, granted)
