"""``user_code``: when it is needed, and what verifies it (CIBA 7.1.2)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ciba_service.protocol.errors import (
    InvalidRequestError,
    InvalidUserCodeError,
    MissingUserCodeError,
)
from ciba_service.protocol.request.user_code import (
    SALT_BYTES,
    StoredUserCode,
    UserCode,
    demanded_user_code,
    parse_user_code,
    user_code_digest,
    verify_user_code,
)

PEPPER = bytes(range(32))
SALT = bytes(SALT_BYTES)
CODE = UserCode("4711")


def stored(code: str, *, subject: str = "alice", salt: bytes = SALT) -> StoredUserCode:
    """What is kept of a code."""
    return StoredUserCode(salt, user_code_digest(code, subject=subject, salt=salt, pepper=PEPPER))


def demanded(
    presented: UserCode | None, *, asks: bool = True, has: bool = True, static: bool = True
) -> UserCode | None:
    """The code that must verify."""
    return demanded_user_code(
        presented, client_asks_for_codes=asks, user_has_code=has, hint_is_static=static
    )


@pytest.mark.clause("ciba-7.1.2-2", "fapi-ciba-7.2-3")
def test_a_code_that_is_needed_must_be_sent():
    """A user who has one is asked for it by a client that can."""
    with pytest.raises(MissingUserCodeError) as refused:
        demanded(None)
    assert (refused.value.status_code, refused.value.error) == (400, "missing_user_code")


@pytest.mark.clause("ciba-7.1.2-1", "ciba-7.1.2-7")
def test_some_flows_start_without_a_code():
    """Clients that cannot ask, users without one, and hints that are no static identifiers."""
    assert demanded(None, asks=False) is None
    assert demanded(None, has=False) is None
    assert demanded(None, static=False) is None


def test_a_code_that_is_sent_must_verify():
    """Also where none was needed; but of a client that may not ask for codes it is passed over."""
    assert demanded(CODE) == CODE
    assert demanded(CODE, static=False) == CODE
    for has in (True, False):
        assert demanded(CODE, asks=False, has=has) is None


def test_a_code_of_a_user_without_one_is_wrong():
    """So a stranger cannot tell who has one by trying."""
    with pytest.raises(InvalidUserCodeError):
        demanded(CODE, has=False)


@pytest.mark.parametrize(
    ("kept", "presented"),
    [("4711", "4711"), ("Caf\u00e9", "Cafe\u0301"), ("Cafe\u0301", "Caf\u00e9"), ("a b", "a b")],
)
def test_the_right_code_verifies(kept: str, presented: str):
    """However its accents were typed."""
    verify_user_code(UserCode(presented), subject="alice", stored=stored(kept), pepper=PEPPER)


@pytest.mark.clause("ciba-7.1.2-3")
@pytest.mark.parametrize("presented", ["4712", "471", "47110", "a", "4711 "])
def test_a_wrong_code_does_not_verify(presented: str):
    """It is said in one way, whatever differs."""
    with pytest.raises(InvalidUserCodeError) as refused:
        verify_user_code(UserCode(presented), subject="alice", stored=stored("4711"), pepper=PEPPER)
    assert (refused.value.status_code, refused.value.error) == (400, "invalid_user_code")


def test_case_counts():
    """A code is compared to the letter."""
    with pytest.raises(InvalidUserCodeError):
        verify_user_code(UserCode("ABC"), subject="alice", stored=stored("abc"), pepper=PEPPER)


def test_what_is_kept_fits_one_user_and_one_pepper():
    """Moved to another user, or without the key of the service, it verifies nothing."""
    with pytest.raises(InvalidUserCodeError):
        verify_user_code(CODE, subject="bob", stored=stored("4711"), pepper=PEPPER)
    with pytest.raises(InvalidUserCodeError):
        verify_user_code(CODE, subject="alice", stored=stored("4711"), pepper=PEPPER[::-1])
    assert stored("4711").digest != stored("4711", salt=b"1" * SALT_BYTES).digest


@pytest.mark.parametrize("text", ["", "1" * 65, "a\nb", "a\x00", "a\u200bb"])
def test_a_malformed_code_is_refused(text: str):
    """It has 1 to 64 printable characters."""
    with pytest.raises(InvalidRequestError):
        parse_user_code(text)


@given(text=st.text(st.characters(categories=["L", "N", "P"]), min_size=1, max_size=64))
def test_a_code_verifies_against_itself_and_is_never_shown(text: str):
    """Any printable code works; its repr and that of what is kept are masked."""
    code = parse_user_code(text)
    verify_user_code(code, subject="alice", stored=stored(text), pepper=PEPPER)
    assert repr(code) == "UserCode(...)"
    assert repr(stored(text)) == "StoredUserCode()"
