"""What a client gets, verified with nothing but the published documents (OIDC, RFC 9068, 9396)."""

import base64
import hashlib
import json
from dataclasses import dataclass
from typing import Any

import pytest
from joserfc import jws
from joserfc.jwk import KeySet

from tests.services.running_service import RunningService
from tests.services.service_fixtures import ServiceRunner
from tests.unit.protocol.registrations import key_for
from tests.wire.client import WireClient
from tests.wire.phone import WirePhone
from tests.wire.signing import claims_of, header_of

PAYMENT = {
    "type": "payment_initiation",
    "instructedAmount": {"currency": "EUR", "amount": "12.50"},
    "creditorName": "Merchant A",
}


@dataclass(frozen=True)
class Issued:
    """A token response and its tokens, verified."""

    content: dict[str, Any]
    headers: Any
    id_token: dict[str, Any]
    access_token: dict[str, Any]


async def issued(service: RunningService, phone: WirePhone, **claims: Any) -> Issued:
    """Ask, approve, collect, and verify both signatures with the published keys."""
    auth_req_id = await service.till.started(**claims)
    await phone.approve_next()
    answer = await service.till.poll(auth_req_id)
    assert answer.status_code == 200, answer.text
    keys = KeySet.import_key_set((await service.http.get("/jwks")).json())
    content = answer.json()
    for name in ("id_token", "access_token"):
        assert header_of(content[name])["kid"]
        jws.deserialize_compact(content[name], keys, algorithms=["ES256", "PS256"])
    return Issued(
        content=content,
        headers=answer.headers,
        id_token=claims_of(content["id_token"]),
        access_token=claims_of(content["access_token"]),
    )


@pytest.mark.clause(
    "oidc-3.1.3.3-1",
    "oidc-3.1.3.3-2",
    "rfc6749-5.1-1",
    "fapi1-p1-5.2.2-14",
    "ciba-10.1.1-1",
    "fapi-ciba-5.2.2-4",
)
async def test_tokens_are_answered_as_json_and_not_cached(
    service: RunningService, phone: WirePhone
):
    """A bearer token, its lifetime, its scope and an ID token."""
    tokens = await issued(service, phone, scope="profile openid")
    assert tokens.headers["content-type"] == "application/json"
    assert tokens.headers["cache-control"] == "no-store"
    members = {"access_token", "token_type", "expires_in", "scope", "id_token"}
    assert set(tokens.content) == members
    assert tokens.content["token_type"] == "Bearer"
    assert tokens.content["expires_in"] == 300
    assert tokens.content["scope"] == "profile openid"


@pytest.mark.clause(
    "oidc-2-3", "oidc-2-4", "oidc-2-5", "oidc-2-6", "oidc-2-7", "oidc-3.1.3.6-1",
    "fapi1-p1-5.2.2.1-6", "fapi2-sp-5.3.2.3-1", "oidc-10.1-1", "ciba-10.3-7",
)  # fmt: skip
async def test_an_id_token_names_the_user_and_the_authentication(
    service: RunningService, phone: WirePhone
):
    """Issuer, audience, times, acr, amr and at_hash; no nonce, no key in the header."""
    tokens = await issued(service, phone)
    now, digest = service.clock.now(), hashlib.sha256(tokens.content["access_token"].encode())
    assert tokens.id_token["iss"] == service.issuer
    assert (tokens.id_token["sub"], tokens.id_token["aud"]) == ("alice", "till")
    assert (tokens.id_token["iat"], tokens.id_token["exp"]) == (now, now + 300)
    assert tokens.id_token["auth_time"] == now
    assert tokens.id_token["acr"] == "urn:openbanking:psd2:sca"
    assert set(tokens.id_token["amr"]) == {"pop", "pin", "mfa"}
    half = base64.urlsafe_b64encode(digest.digest()[:16]).rstrip(b"=").decode()
    assert tokens.id_token["at_hash"] == half
    assert not {"nonce", "c_hash", "s_hash"} & tokens.id_token.keys()
    assert not any(name.startswith("urn:openid:params:jwt:claim:") for name in tokens.id_token)
    assert set(header_of(tokens.content["id_token"])) == {"alg", "kid", "typ"}


@pytest.mark.clause(
    "rfc9068-2.1-1", "rfc9068-2.2-1", "rfc9068-2.2.1-1", "rfc9068-2.2.3-1", "rfc8725-3.11-1"
)
async def test_an_access_token_is_a_typed_jwt(service: RunningService, phone: WirePhone):
    """at+jwt with the claims of RFC 9068, the same authentication as in the ID token."""
    tokens = await issued(service, phone)
    assert header_of(tokens.content["access_token"])["typ"] == "at+jwt"
    token = tokens.access_token
    assert token["iss"] == service.issuer
    assert (token["sub"], token["client_id"], token["scope"]) == ("alice", "till", "openid")
    assert token["exp"] - token["iat"] == 300
    assert isinstance(token["aud"], str)
    for name in ("auth_time", "acr", "amr", "txn"):
        assert token[name] == tokens.id_token[name]


@pytest.mark.clause("fapi1-p1-5.2.2-16", "fapi2-sp-5.4.1-4")
async def test_every_access_token_is_another(service: RunningService, phone: WirePhone):
    """Its jti has 128 random bits."""
    first = await issued(service, phone)
    second = await issued(service, phone)
    assert first.access_token["jti"] != second.access_token["jti"]
    assert len(first.access_token["jti"]) == 22


@pytest.mark.clause("rfc9396-7-1", "rfc9396-9-1")
async def test_an_approved_payment_is_in_challenge_answer_and_token(
    service: RunningService, phone: WirePhone
):
    """The phone was shown it, the client is told, the resource server can read it."""
    auth_req_id = await service.till.started(authorization_details=[PAYMENT], scope="openid")
    (challenge,) = await phone.fetch()
    shown = json.dumps(claims_of(challenge))
    assert "12.50" in shown
    assert "Merchant A" in shown
    await phone.decide(phone.approval(challenge))
    content = (await service.till.poll(auth_req_id)).json()
    assert content["authorization_details"] == [PAYMENT]
    assert claims_of(content["access_token"])["authorization_details"] == [PAYMENT]


@pytest.mark.clause("ciba-7.1-9", "fapi-ciba-5.2.2-8", "ciba-7.1-10")
@pytest.mark.parametrize(
    "acr_values",
    ["urn:openbanking:psd2:sca", "unknown urn:openbanking:psd2:ca", "unknown", ""],
)
async def test_an_acr_is_returned_and_never_lowered(
    service: RunningService, phone: WirePhone, acr_values: str
):
    """A wish can raise the floor; unknown and weaker ones change nothing."""
    tokens = await issued(service, phone, acr_values=acr_values)
    assert tokens.id_token["acr"] == "urn:openbanking:psd2:sca"


@pytest.mark.clause("fapi2-ms-5.6.1-1", "rfc8725-3.1-1")
@pytest.mark.parametrize("alg", ["ES256", "PS256"])
async def test_an_id_token_has_the_registered_algorithm(run_service: ServiceRunner, alg: str):
    """Whatever the client signs with."""
    metadata = {"id_token_signed_response_alg": alg}
    client = WireClient("till", key=key_for("ES256"), metadata=metadata)
    async with run_service(clients=[client]) as service:
        tokens = await issued(service, await service.enrolled_phone())
        assert header_of(tokens.content["id_token"])["alg"] == alg
