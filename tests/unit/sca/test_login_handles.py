"""Login handles are random, short, and read as what they are."""

from hypothesis import given
from hypothesis import strategies as st

from ciba_service.protocol.request.hints import IdentifierKind, parse_login_hint
from ciba_service.sca.phones.login_handles import new_login_handle


@given(secret=st.binary(min_size=16, max_size=16))
def test_a_handle_holds_128_random_bits_and_is_read_as_a_handle(secret: bytes):
    """Whatever the bits are: sixteen bytes are asked for, and all of them count."""
    asked: list[int] = []
    handle = new_login_handle(lambda count: asked.append(count) or secret)
    assert asked == [16]
    assert len(handle) == 34
    assert parse_login_hint(handle).kind is IdentifierKind.HANDLE
    assert new_login_handle(lambda _: bytes(16)) == handle or secret != bytes(16)
