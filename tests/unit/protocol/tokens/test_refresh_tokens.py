"""Who gets a refresh token, how long it is good for, and what it may ask for."""

import msgspec
import pytest

from ciba_service.protocol.errors import InvalidScopeError
from ciba_service.protocol.tokens.refresh_token import (
    LONGEST_REFRESH_LIFETIME,
    RefreshLifetime,
    may_have_refresh_token,
    narrowed_scope,
)
from tests.unit.protocol.registrations import registered, signer
from tests.unit.protocol.tokens.test_tokens import GRANT, NOW, PAID
from tests.wire.client import CIBA

DAY = 86_400
APPROVED = GRANT.auth_time


def test_a_refresh_token_ends_when_it_lies_idle():
    """Each use gives it the idle time anew."""
    lifetime = RefreshLifetime(idle=10 * DAY, absolute=90 * DAY)
    first = lifetime.good_until(GRANT, NOW * 1000)
    assert first == (NOW + 10 * DAY) * 1000
    assert lifetime.good_until(GRANT, first - 1) == first - 1 + 10 * DAY * 1000


@pytest.mark.parametrize("absolute", [1, 90 * DAY, 180 * DAY, 181 * DAY, 400 * DAY])
def test_no_use_carries_it_beyond_its_time_since_the_approval(absolute: int):
    """The end counts from strong customer authentication, and is never beyond 180 days."""
    lifetime = RefreshLifetime(idle=10 * DAY, absolute=absolute)
    end = (APPROVED + min(absolute, 180 * DAY)) * 1000
    assert LONGEST_REFRESH_LIFETIME == 180 * DAY
    assert lifetime.good_until(GRANT, end) == end
    assert lifetime.good_until(GRANT, end - 1000) == end


@pytest.mark.clause("rfc9700-4.14-1")
def test_a_payment_has_no_refresh_token():
    """Only a client that registered the grant gets one, and never for a payment."""
    plain = registered(signer(profile="ciba-core"))
    refreshing = registered(signer(profile="ciba-core", grant_types=[CIBA, "refresh_token"]))
    assert not may_have_refresh_token(plain, has_payment=GRANT.has_payment)
    assert may_have_refresh_token(refreshing, has_payment=GRANT.has_payment)
    assert not may_have_refresh_token(refreshing, has_payment=PAID.has_payment)


@pytest.mark.parametrize(
    ("requested", "narrowed"),
    [
        (None, ("openid", "profile")),
        ("openid", ("openid",)),
        ("profile openid", ("openid", "profile")),
        ("profile profile", ("profile",)),
    ],
)
def test_scope_may_be_narrowed(requested: str | None, narrowed: tuple[str, ...]):
    """What is not asked for is left out; who asks for nothing gets all that was granted."""
    assert narrowed_scope(requested, GRANT.scope) == narrowed


@pytest.mark.parametrize("requested", ["email", "openid email", "openid  profile", " ", "openid "])
def test_scope_is_never_widened(requested: str):
    """One token more than was granted, or an empty one, is refused."""
    with pytest.raises(InvalidScopeError):
        narrowed_scope(requested, GRANT.scope)


def test_scope_is_that_of_the_grant():
    """A grant of another scope allows another part."""
    grant = msgspec.structs.replace(GRANT, scope=("openid",))
    with pytest.raises(InvalidScopeError):
        narrowed_scope("profile", grant.scope)
