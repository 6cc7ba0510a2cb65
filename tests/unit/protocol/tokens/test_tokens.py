"""What tokens say: ID token, access token and the answer that carries them."""

import base64
import hashlib
import json
import re
from typing import Any

import msgspec
import pytest

from ciba_service.protocol.jose.algorithms import SignatureAlgorithm
from ciba_service.protocol.request.authorization_details import (
    PAYMENT_INITIATION,
    AuthorizationDetail,
)
from ciba_service.protocol.tokens.access_token import AccessToken
from ciba_service.protocol.tokens.claims import (
    PAYMENT_TOKEN_LIFETIME,
    TokenResponse,
    access_token_claims,
    access_token_lifetime,
    id_token_claims,
)
from ciba_service.protocol.tokens.dpop.binding import Binding
from ciba_service.protocol.tokens.grant import Grant
from ciba_service.protocol.tokens.introspection import describe
from ciba_service.protocol.tokens.userinfo import UserClaims
from tests.unit.protocol.registrations import ISSUER

NOW = 1_800_000_000
GRANT = Grant(
    txn="transaction",
    client_id="till",
    subject="alice",
    scope=("openid", "profile"),
    auth_time=NOW - 20,
    acr="urn:openbanking:psd2:sca",
    amr=("pop", "pin", "mfa"),
    challenge_hash="hash",
    device_id="phone",
)
TOKEN = AccessToken(
    jti="jti",
    aud="https://api.example",
    iat=NOW,
    exp=NOW + 300,
    scope=("openid", "profile"),
)
PAYMENT = {
    "type": "payment_initiation",
    "instructedAmount": {"currency": "EUR", "amount": "12.50"},
    "creditorName": "Merchant A",
}
ACCOUNTS = {"type": "account_information", "actions": ["list_accounts"]}
PAID = msgspec.structs.replace(
    GRANT,
    details=(
        AuthorizationDetail(PAYMENT_INITIATION, json.dumps(PAYMENT)),
        AuthorizationDetail("account_information", json.dumps(ACCOUNTS)),
    ),
)


def as_json(value: object) -> dict[str, Any]:
    """What goes over the wire."""
    return dict(json.loads(msgspec.json.encode(value)))


@pytest.mark.clause("oidc-2-1", "oidc-2-3", "oidc-2-4", "oidc-3.1.3.6-1")
@pytest.mark.parametrize(
    ("alg", "digest"),
    [
        (SignatureAlgorithm.ES256, hashlib.sha256(b"token").digest()[:16]),
        (SignatureAlgorithm.PS256, hashlib.sha256(b"token").digest()[:16]),
        (SignatureAlgorithm.EDDSA, hashlib.sha512(b"token").digest()[:32]),
    ],
)
def test_an_id_token_says_who_was_authenticated_when_and_how(
    alg: SignatureAlgorithm, digest: bytes
):
    """It has all required claims, the hash of its access token, and no nonce."""
    claims = as_json(
        id_token_claims(
            GRANT,
            user=UserClaims(),
            issuer=ISSUER,
            access_token="token",
            alg=alg,
            now=NOW,
            lifetime=300,
        )
    )
    assert claims == {
        "iss": ISSUER,
        "sub": "alice",
        "aud": "till",
        "iat": NOW,
        "exp": NOW + 300,
        "auth_time": NOW - 20,
        "acr": "urn:openbanking:psd2:sca",
        "amr": ["pop", "pin", "mfa"],
        "at_hash": base64.urlsafe_b64encode(digest).rstrip(b"=").decode(),
        "txn": "transaction",
    }
    assert re.fullmatch(r"https://[^?#]+", claims["iss"])


@pytest.mark.clause("rfc9068-2.2-1", "rfc9068-2.2.1-1", "rfc9068-2.2.3-1")
def test_an_access_token_says_what_was_granted():
    """It has the claims of RFC 9068, the transaction and the challenge that was approved."""
    claims = as_json(access_token_claims(GRANT, TOKEN, issuer=ISSUER))
    assert claims == {
        "iss": ISSUER,
        "sub": "alice",
        "aud": "https://api.example",
        "client_id": "till",
        "iat": NOW,
        "exp": NOW + 300,
        "jti": "jti",
        "scope": "openid profile",
        "auth_time": NOW - 20,
        "acr": "urn:openbanking:psd2:sca",
        "amr": ["pop", "pin", "mfa"],
        "txn": "transaction",
        "challenge_hash": "hash",
    }


def test_a_token_may_be_for_several_resources():
    """Then ``aud`` is an array."""
    several = msgspec.structs.replace(TOKEN, aud=("https://a.example", "https://b.example"))
    claims = as_json(access_token_claims(GRANT, several, issuer=ISSUER))
    assert claims["aud"] == ["https://a.example", "https://b.example"]
    assert several.audience == {"https://a.example", "https://b.example"}
    assert TOKEN.audience == {"https://api.example"}


@pytest.mark.clause("rfc9396-9-1", "rfc9396-7-1")
def test_details_are_in_access_token_and_answer():
    """As they were asked for, in the names of RFC 9396; without any there is no member."""
    granted = [PAYMENT, ACCOUNTS]
    bound = msgspec.structs.replace(TOKEN, cnf=Binding(jkt="key"))
    token = access_token_claims(PAID, bound, issuer=ISSUER)
    assert as_json(token)["authorization_details"] == granted
    assert as_json(token)["cnf"] == {"jkt": "key"}
    answer = TokenResponse(
        access_token="token",
        token_type="Bearer",
        expires_in=300,
        scope="openid",
        id_token="id",
        authorization_details=bound.stated_details(PAID),
    )
    assert as_json(answer)["authorization_details"] == granted
    plain = msgspec.structs.replace(answer, authorization_details=())
    assert set(as_json(plain)) == {"access_token", "token_type", "expires_in", "scope", "id_token"}


def test_a_token_states_its_own_details_where_it_has_fewer_than_its_grant():
    """In whatever says what it is good for; to have none is not to have all."""
    for narrowed, expected in ((PAID.details[1:], [ACCOUNTS]), ((), None)):
        token = msgspec.structs.replace(TOKEN, narrowed_details=narrowed)
        claims = as_json(access_token_claims(PAID, token, issuer=ISSUER))
        assert claims.get("authorization_details") == expected
        told = as_json(describe(PAID, token, sub="alice", issuer=ISSUER))
        assert told.get("authorization_details") == expected


@pytest.mark.clause("rfc10027-6.1.10-1")
def test_the_token_of_a_payment_is_short_lived():
    """Five minutes at most, and less where less is configured."""
    for constrained in (True, False):
        paid = access_token_lifetime(PAID, 3600, is_constrained=constrained)
        assert paid == PAYMENT_TOKEN_LIFETIME == 300
        assert access_token_lifetime(PAID, 60, is_constrained=constrained) == 60
    informed = msgspec.structs.replace(GRANT, details=PAID.details[1:])
    assert access_token_lifetime(informed, 3600, is_constrained=True) == 3600


@pytest.mark.clause("fapi1-p1-5.2.2-21")
def test_a_token_that_anybody_can_use_lives_less_than_ten_minutes():
    """Whatever is configured; what is bound lives as long as that says."""
    assert access_token_lifetime(GRANT, 3600, is_constrained=False) == 599
    assert access_token_lifetime(GRANT, 300, is_constrained=False) == 300
    assert access_token_lifetime(GRANT, 3600, is_constrained=True) == 3600
