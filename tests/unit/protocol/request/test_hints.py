"""How a login hint is read: as a name, an e-mail address, a phone number or a handle."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ciba_service.protocol.jose.encoding import base64url
from ciba_service.protocol.request.hints import (
    HANDLE_PREFIX,
    IdentifierKind,
    LoginHint,
    UserIdentifier,
    is_name,
    parse_login_hint,
)

EMAIL, PHONE = IdentifierKind.EMAIL, IdentifierKind.PHONE_NUMBER


@pytest.mark.parametrize(
    ("text", "kind", "value"),
    [
        ("alice@example.org", EMAIL, "alice@example.org"),
        ("Alice.B+till@EXAMPLE.Org", EMAIL, "alice.b+till@example.org"),
        ("J\u00c4N@b.example", EMAIL, "j\u00c4n@b.example"),
        ("+4930123", PHONE, "+4930123"),
        ("+49 (30) 123-456", PHONE, "+4930123456"),
        ("+123456789012345", PHONE, "+123456789012345"),
    ],
)
def test_spellings_of_the_same_are_the_same(text: str, kind: IdentifierKind, value: str):
    """Case of ASCII letters in an address, and separators in a phone number, do not count."""
    assert parse_login_hint(text) == UserIdentifier(kind, value)


@pytest.mark.parametrize(
    "text",
    [
        *("alice", "Alice", " alice", "@example.org", "alice@", "alice@bank", "a@b@c.example"),
        *(
            "a b@c.example",
            "alice@-b.example",
            "alice@b..example",
            'a"b@c.example',
            "a@b_c.example",
        ),
        *("4930123", "00493012345", "+0493012345", "+4930", "+1234567890123456", "+49/30123"),
        *(
            "+49.30.12345",
            "++4930123",
            "+\u0664\u0669\u0663\u0660\u0661\u0662\u0663",
            "+4930\u2010123",
        ),
        *(HANDLE_PREFIX, HANDLE_PREFIX + "A" * 21, HANDLE_PREFIX + "A" * 23),
        *(HANDLE_PREFIX + "A" * 21 + "B", HANDLE_PREFIX + "A" * 21 + "=", HANDLE_PREFIX.upper()),
        *(f"{a}lice@example.or{b}" for a, b in ("\u212ak",) for b in ("\u0261",)),
    ],
)
def test_everything_else_is_a_name_to_the_letter(text: str):
    """What has not exactly the shape of an address, a number or a handle is left as it is."""
    assert parse_login_hint(text) == UserIdentifier(IdentifierKind.NAME, text)


def test_letters_that_fold_into_ascii_stay_what_they_are():
    """A Kelvin sign is no k: nobody gets another one's prompts by a look-alike address."""
    assert parse_login_hint("\u212aim@example.org") != parse_login_hint("kim@example.org")
    assert parse_login_hint("\u017fam@example.org") != parse_login_hint("sam@example.org")


@given(secret=st.binary(min_size=16, max_size=16))
def test_every_handle_is_read_as_one(secret: bytes):
    """128 random bits in base64url after the prefix; case counts."""
    handle = HANDLE_PREFIX + base64url(secret)
    assert parse_login_hint(handle) == UserIdentifier(IdentifierKind.HANDLE, handle)


def test_no_representation_shows_a_handle():
    """Whoever reads it could use it."""
    handle = HANDLE_PREFIX + "A" * 22
    assert "AAA" not in repr((LoginHint(handle), parse_login_hint(handle)))


@given(text=st.text(max_size=255))
def test_reading_twice_is_reading_once(text: str):
    """Any text has one reading, and what was read is in its normal form."""
    found = parse_login_hint(text)
    assert parse_login_hint(found.value) == found


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a", True),
        ("a" * 255, True),
        ("J\u00e4n Doe", True),
        ("", False),
        ("a" * 256, False),
        ("a\tb", False),
        ("a\u202eb", False),
        ("a\u00a0b", False),
    ],
)
def test_a_name_is_short_and_printable(text: str, *, expected: bool):
    """It has 1 to 255 characters, and no controls, format characters or strange spaces."""
    assert is_name(text) is expected
