"""Which claims a scope covers, and how a resource asks for a token."""

import json
from typing import Any

import msgspec
import pytest

from ciba_service.protocol.errors import InsufficientScopeError, InvalidTokenError
from ciba_service.protocol.tokens.bearer_challenge import bearer_challenge
from ciba_service.protocol.tokens.userinfo import (
    SCOPE_CLAIMS,
    Address,
    UserClaims,
    chosen_claims,
    granted_claims,
)

KNOWN = UserClaims(
    name="Alice Example",
    birthdate="1990-01-01",
    updated_at=1_700_000_000,
    email="alice@example.org",
    email_verified=True,
    address=Address(country="DE"),
    phone_number="+49301234567",
    phone_number_verified=False,
)


def told(*scope: str, known: UserClaims = KNOWN) -> dict[str, Any]:
    """The answer for a scope."""
    return dict(json.loads(msgspec.json.encode(granted_claims("alice", scope, known))))


def test_openid_alone_tells_the_subject():
    """Nothing that was not granted is told, and a scope of ours covers no claim."""
    assert told("openid", "accounts") == {"sub": "alice"}


def test_each_scope_tells_its_claims():
    """As OpenID Connect Core 5.4 assigns them; what is not known is left out."""
    assert told("openid", "profile") == {
        "sub": "alice",
        "name": "Alice Example",
        "birthdate": "1990-01-01",
        "updated_at": 1_700_000_000,
    }
    assert told("openid", "email", "phone", "address") == {
        "sub": "alice",
        "email": "alice@example.org",
        "email_verified": True,
        "address": {"country": "DE"},
        "phone_number": "+49301234567",
        "phone_number_verified": False,
    }
    assert told("openid", *SCOPE_CLAIMS, known=UserClaims()) == {"sub": "alice"}


def test_every_claim_belongs_to_one_scope():
    """None is told by accident, and none can never be told."""
    covered = [name for claims in SCOPE_CLAIMS.values() for name in claims]
    assert sorted(covered) == sorted(UserClaims.__struct_fields__)


def test_without_openid_nothing_is_told():
    """Not even the subject."""
    with pytest.raises(InsufficientScopeError):
        granted_claims("alice", ("profile",), KNOWN)


def test_a_claim_is_chosen_by_name_where_the_scope_covers_it():
    """Neither more than was named nor more than the scope reaches; empty members stay away."""
    names = ("email", "address", "phone_number", "sub")
    assert chosen_claims(names, ("openid", "email", "address"), KNOWN) == UserClaims(
        email=KNOWN.email, address=KNOWN.address
    )
    assert chosen_claims(names, ("openid",), KNOWN) == UserClaims()
    assert chosen_claims((), ("openid", "email"), KNOWN) == UserClaims()
    assert chosen_claims(("email",), ("email",), UserClaims()) == UserClaims()


@pytest.mark.clause("rfc6750-3-1")
def test_a_challenge_names_the_error_only_if_there_was_a_token():
    """Scheme alone; with the error; with the scope that is missing."""
    assert bearer_challenge() == "Bearer"
    assert bearer_challenge(InvalidTokenError()) == (
        'Bearer error="invalid_token", error_description="The access token is not valid here."'
    )
    assert bearer_challenge(InsufficientScopeError("openid")).endswith(', scope="openid"')
