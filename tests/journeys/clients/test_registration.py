"""Clients register, read, replace and remove themselves (RFC 7591, RFC 7592, CIBA 4)."""

import base64
import json
import re
from collections.abc import AsyncIterator
from typing import Any

import httpx2
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding
from joserfc.jwk import RSAKey

from ciba_service.protocol.jose.encoding import base64url
from ciba_service.stores.keys import registration_key
from tests.services.running_service import RunningService
from tests.services.service_fixtures import ServiceRunner
from tests.unit.protocol.client.certificates.authority import common_name, issue
from tests.wire.client import CIBA, WireClient
from tests.wire.phone import WirePhone
from tests.wire.registration import (
    bearer,
    configure,
    metadata_of,
    permission,
    register,
    registered,
    registration_section,
)
from tests.wire.signing import claims_of, new_key, public_jwk, sign
from tests.wire.tokens import granted, is_active, refresh, resource_server

VOUCHER, STRANGER = new_key(kid="voucher"), new_key(kid="stranger")
DIRECTORY = "https://directory.example"
STATEMENT_ISSUER = {"iss": DIRECTORY, "jwks": {"keys": [public_jwk(VOUCHER)]}}
PING = {
    "backchannel_token_delivery_mode": "ping",
    "backchannel_client_notification_endpoint": "https://shop.example/ping",
}


@pytest.fixture(scope="module")
def teller() -> WireClient:
    """A resource server that asks about tokens."""
    return resource_server()


@pytest.fixture
async def bank(
    run_service: ServiceRunner, till: WireClient, teller: WireClient
) -> AsyncIterator[RunningService]:
    """A service where whoever has an initial access token may register."""
    section = registration_section(software_statement_issuers=[STATEMENT_ISSUER])
    async with run_service(clients=[till, teller], sections={"registration": section}) as running:
        yield running
        assert running.telemetry.failures == []


@pytest.fixture
async def alice(bank: RunningService) -> WirePhone:
    """Alice's phone."""
    return await bank.enrolled_phone("alice")


def refusal(answer: httpx2.Response) -> tuple[int, str]:
    """Status and code; only a 401 asks for a token."""
    assert answer.status_code == 401 or "www-authenticate" not in answer.headers
    return answer.status_code, answer.json()["error"]


def statement(*, key: Any = VOUCHER, **claims: Any) -> str:
    """What the directory says of a client; a claim set to None is left out."""
    said = {"iss": DIRECTORY, "software_id": "4NRB1", **claims}
    present = {name: value for name, value in said.items() if value is not None}
    return sign({"alg": "ES256", "kid": key.kid}, present, key)


@pytest.mark.clause("rfc7591-3.2.1-1", "rfc7592-3-1", "rfc7591-2-3", "rfc7591-3.2.1-2")
async def test_a_client_is_told_what_it_registered(bank: RunningService):
    """201 with everything that holds, also what the provider chose, and no secret."""
    sent = metadata_of(new_key(kid="own"), scope="openid payments", logo_uri="https://shop/logo")
    answer = await register(bank, sent)
    told = answer.json()
    assert answer.status_code == 201
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["cache-control"] == "no-store"
    assert len(told.pop("registration_access_token")) == 43
    client_id = told.pop("client_id")
    assert client_id not in {"till", "api"}
    assert told == {
        **{name: value for name, value in sent.items() if name != "logo_uri"},
        "client_id_issued_at": bank.clock.now(),
        "registration_client_uri": f"{bank.issuer}/register/{client_id}",
        "scope": "openid",
        "subject_type": "public",
        "tls_client_certificate_bound_access_tokens": False,
        "dpop_bound_access_tokens": False,
    }
    assert (await registered(bank))[0].client_id != client_id


async def test_a_registered_client_gets_tokens(bank: RunningService, alice: WirePhone):
    """From registration to tokens and their renewal, as any other client."""
    client, _ = await registered(bank, grant_types=[CIBA, "refresh_token"])
    tokens = await granted(client, alice)
    assert claims_of(tokens["id_token"])["aud"] == client.client_id
    assert (await refresh(client, tokens["refresh_token"])).status_code == 200


async def test_the_endpoint_is_published(bank: RunningService, service: RunningService):
    """registration_endpoint stands in the metadata where registration is on."""
    document = (await bank.http.get("/.well-known/openid-configuration")).json()
    assert document["registration_endpoint"] == f"{bank.issuer}/register"
    assert "refresh_token" in document["grant_types_supported"]
    assert document["scopes_supported"] == ["openid", "profile"]
    assert service.issuer != bank.issuer
    other = (await service.http.get("/.well-known/openid-configuration")).json()
    assert "registration_endpoint" not in other
    assert (await service.http.post("/register", json={})).status_code == 404


@pytest.mark.clause("rfc7591-3-1")
@pytest.mark.parametrize(
    ("token", "challenge"),
    [(None, "Bearer"), ("guessed", 'Bearer error="invalid_token", error_description=')],
    ids=["none", "wrong"],
)
async def test_registration_needs_an_initial_access_token(
    bank: RunningService, token: str | None, challenge: str
):
    """401 with a challenge that has a code only where a token was presented."""
    answer = await register(bank, metadata_of(new_key()), token)
    assert refusal(answer) == (401, "invalid_token")
    assert answer.headers["www-authenticate"].startswith(challenge)
    assert ("error" in answer.headers["www-authenticate"]) == (token is not None)


async def test_anybody_registers_where_that_is_open(run_service: ServiceRunner):
    """In development no token is needed."""
    section = registration_section(open=True, initial_access_tokens=None)
    async with run_service(clients=[], sections={"registration": section}) as playground:
        answer = await register(playground, metadata_of(new_key()), None)
    assert answer.status_code == 201


REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "no mode": (
        {"backchannel_token_delivery_mode": None},
        "backchannel_token_delivery_mode",
    ),
    "unknown mode": (
        {"backchannel_token_delivery_mode": "smoke signals"},
        "backchannel_token_delivery_mode",
    ),
    "no grant": ({"grant_types": ["refresh_token"]}, "grant_types"),
    "no grants": ({"grant_types": None}, "grant_types"),
    "another grant": ({"grant_types": [CIBA, "implicit"]}, "grant_types"),
    "a response type": ({"response_types": ["code"]}, "response_types"),
    "ping without endpoint": (
        {**PING, "backchannel_client_notification_endpoint": None},
        "backchannel_client_notification_endpoint",
    ),
    "http endpoint": (
        {**PING, "backchannel_client_notification_endpoint": "http://shop.example/ping"},
        "backchannel_client_notification_endpoint",
    ),
    "http endpoint on this machine": (
        {**PING, "backchannel_client_notification_endpoint": "http://127.0.0.1:8080/ping"},
        "backchannel_client_notification_endpoint",
    ),
    "endpoint of nobody": (
        {**PING, "backchannel_client_notification_endpoint": "https://["},
        "backchannel_client_notification_endpoint",
    ),
    "both key sets": ({"jwks_uri": "https://shop.example/jwks"}, "jwks_uri"),
    "private key": (
        {"jwks": {"keys": [new_key().as_dict(private=True)]}},
        "jwks",
    ),
    "symmetric key": ({"jwks": {"keys": [{"kty": "oct", "k": "AAAA"}]}}, "jwks"),
    "no keys": ({"jwks": None}, "jwks"),
    "a secret": (
        {"token_endpoint_auth_method": "client_secret_basic"},
        "token_endpoint_auth_method",
    ),
    "pairwise without published keys": ({"subject_type": "pairwise"}, "jwks_uri"),
    "another subject type": ({"subject_type": "transient"}, "subject_type"),
    "encrypted ID tokens": (
        {"id_token_encrypted_response_alg": "RSA-OAEP-256"},
        "id_token_encrypted_response_alg",
    ),
    "encrypted userinfo": (
        {"userinfo_encrypted_response_alg": "ECDH-ES"},
        "userinfo_encrypted_response_alg",
    ),
    "no scope": ({"scope": "payments"}, "scope"),
    "unknown algorithm": ({"id_token_signed_response_alg": "none"}, "id_token_signed_response_alg"),
    "no details": (
        {"authorization_details_types": ["payment_initiation"]},
        "authorization_details_types",
    ),
    "no certificates": (
        {"tls_client_certificate_bound_access_tokens": True},
        "tls_client_certificate_bound_access_tokens",
    ),
    "wrong type": ({"client_name": 7}, "client_name"),
    "deceiving name": ({"client_name": "Bank\u202e"}, "client_name"),
}


@pytest.mark.clause(
    "ciba-4-7", "ciba-4-8", "ciba-4-9", "ciba-4-10", "rfc7591-2-1", "rfc7591-2-2",
    "rfc7591-3.2.2-1", "oidr-2-1",
)  # fmt: skip
@pytest.mark.parametrize("case", REFUSED)
async def test_what_cannot_be_registered_is_named(bank: RunningService, case: str):
    """400 invalid_client_metadata, and the member that is wrong in the description."""
    changed, member = REFUSED[case]
    answer = await register(bank, metadata_of(new_key(), **changed))
    assert refusal(answer) == (400, "invalid_client_metadata")
    assert answer.json() == {
        "error": "invalid_client_metadata",
        "error_description": f"The client metadata is not valid: {member}.",
    }


@pytest.mark.parametrize("body", [b"", b"[]", b"{", b'{"jwks": 1, "jwks": 2}', b"\xff"])
async def test_what_is_no_json_object_is_malformed(bank: RunningService, body: bytes):
    """400 invalid_request, at both endpoints."""
    _, told = await registered(bank)
    for method, path, token in (
        ("POST", "/register", "initial-access-token-of-a-shop"),
        ("PUT", told["registration_client_uri"], told["registration_access_token"]),
    ):
        headers = {"Content-Type": "application/json", **bearer(token)}
        answer = await bank.http.request(method, path, content=body, headers=headers)
        assert refusal(answer) == (400, "invalid_request")


@pytest.mark.parametrize("depth", [32, 920, 934])
async def test_metadata_nested_deeply_are_refused_before_they_are_kept(
    bank: RunningService, depth: int
):
    """400: whoever reads them next may have less of the stack left than whoever parsed them."""
    key = public_jwk(new_key()) | {"odd": 0}
    body = json.dumps(metadata_of(new_key(), jwks={"keys": [key]}))
    nested = body.replace('"odd": 0', f'"odd": {"[" * depth}{"]" * depth}')
    headers = {"Content-Type": "application/json", **bearer("initial-access-token-of-a-shop")}
    answer = await bank.http.post("/register", content=nested, headers=headers)
    assert refusal(answer) == (400, "invalid_request")


async def test_bodies_and_methods_are_bounded(bank: RunningService):
    """Too much is 413, another media type 400, another method 405 with those there are."""
    _, told = await registered(bank)
    address = told["registration_client_uri"]
    headers = bearer(told["registration_access_token"])
    huge = await bank.http.put(address, json={"client_name": "x" * 70_000}, headers=headers)
    form = await bank.http.put(address, data={"client_name": "x"}, headers=headers)
    patch = await bank.http.patch(address, json={}, headers=headers)
    get = await bank.http.get("/register")
    assert [answer.status_code for answer in (huge, form, patch, get)] == [413, 400, 405, 405]
    assert [answer.headers.get("connection") for answer in (huge, form)] == ["close"] * 2
    assert patch.headers["allow"] == "GET, PUT, DELETE"
    assert get.headers["allow"] == "POST"


@pytest.mark.clause("fapi2-sp-6.7-1", "rfc9700-4.15-1")
async def test_nobody_chooses_a_client_id(bank: RunningService):
    """Neither a user's name nor any other: what a client asks for is ignored."""
    answer = await register(bank, metadata_of(new_key(), client_id="alice", sub="alice"))
    assert answer.status_code == 201
    assert re.fullmatch(r"client-[A-Za-z0-9_-]{22}", answer.json()["client_id"])


async def test_a_client_reads_its_registration(bank: RunningService):
    """What it is told is what it was told at first."""
    _, told = await registered(bank)
    answer = await configure(bank, "GET", told)
    assert (answer.status_code, answer.json()) == (200, told)


@pytest.mark.clause("rfc7592-2-1", "rfc7592-2.1-1", "oidr-4.4-1")
@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
async def test_only_the_registration_access_token_opens_it(bank: RunningService, method: str):
    """No token, another client's, and a client that never was: the same 401."""
    _, told = await registered(bank)
    _, other = await registered(bank)
    members = {**metadata_of(new_key()), "client_id": told["client_id"]}
    foreign = other["registration_access_token"]
    nobody = {**told, "registration_client_uri": f"{bank.issuer}/register/nobody"}
    configured = {**told, "registration_client_uri": f"{bank.issuer}/register/till"}
    answers = [
        await configure(bank, method, told, members, token=""),
        await configure(bank, method, told, members, token=foreign),
        await configure(bank, method, nobody, members),
        await configure(bank, method, configured, members),
    ]
    assert {refusal(answer) for answer in answers} == {(401, "invalid_token")}
    assert len({answer.text for answer in answers}) == 1
    assert all(answer.headers["www-authenticate"].startswith("Bearer") for answer in answers)


@pytest.mark.clause("rfc7592-2.2-1")
async def test_an_update_replaces_everything(bank: RunningService, alice: WirePhone):
    """What is not said again is gone, and the new keys count at once."""
    client, told = await registered(bank, scope="openid profile")
    key = new_key(kid="new")
    members = {**metadata_of(key, client_name=None), "client_id": told["client_id"]}
    answer = await configure(bank, "PUT", told, members)
    assert answer.status_code == 200
    now = answer.json()
    assert now["client_name"] == told["client_id"]
    assert now["registration_access_token"] == told["registration_access_token"]
    assert (await configure(bank, "GET", told)).json() == now
    assert refusal(await client.start()) == (401, "invalid_client")
    client.key = key
    assert (await granted(client, alice))["access_token"]


@pytest.mark.clause("oidc-16.18-1")
async def test_an_update_brings_no_access_that_the_user_was_not_told_of(
    bank: RunningService, alice: WirePhone
):
    """Whether access lasts is decided by what the phone showed, not by what is registered later."""
    client, told = await registered(bank)
    auth_req_id = await client.started()
    (challenge,) = await alice.fetch()
    assert "Lasting access" not in str(claims_of(challenge)["display"]["shares"])
    await alice.decide(alice.approval(challenge))
    widened = metadata_of(client.key, grant_types=[CIBA, "refresh_token"])
    members = {**widened, "client_id": client.client_id}
    assert (await configure(bank, "PUT", told, members)).status_code == 200
    tokens = (await client.poll(auth_req_id)).json()
    assert "access_token" in tokens
    assert "refresh_token" not in tokens
    assert "refresh_token" in await granted(client, alice)


async def test_an_access_keeps_the_name_that_the_user_approved(
    bank: RunningService, alice: WirePhone
):
    """A client that calls itself something else afterwards hides behind no other name."""
    client, told = await registered(bank, grant_types=[CIBA, "refresh_token"])
    await granted(client, alice)
    renamed = metadata_of(
        client.key, grant_types=[CIBA, "refresh_token"], client_name="Your own bank"
    )
    members = {**renamed, "client_id": client.client_id}
    assert (await configure(bank, "PUT", told, members)).status_code == 200
    listed = (await alice.send({"type": "list_accesses"})).json()["messages"]
    assert [each["client"] for each in listed if each["type"] == "access"] == ["Corner shop"]


@pytest.mark.clause("rfc7592-2.2-1", "rfc7592-2.2-2")
@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({"client_id": None}, "invalid_client_metadata"),
        ({"client_id": "till"}, "invalid_client_metadata"),
        ({"registration_access_token": "mine"}, "invalid_request"),
        ({"registration_client_uri": "https://shop.example"}, "invalid_request"),
        ({"client_id_issued_at": 1}, "invalid_request"),
        ({"client_secret_expires_at": 0}, "invalid_request"),
        ({"client_secret": "chosen by the client"}, "invalid_request"),
        ({"grant_types": []}, "invalid_client_metadata"),
    ],
    ids=str,
)
async def test_an_update_says_only_what_a_client_may_say(
    bank: RunningService, changed: dict[str, Any], code: str
):
    """400, and the registration is as it was."""
    _, told = await registered(bank)
    members = {**metadata_of(new_key()), "client_id": told["client_id"], **changed}
    assert refusal(await configure(bank, "PUT", told, members)) == (400, code)
    assert (await configure(bank, "GET", told)).json() == told


@pytest.mark.clause("rfc7592-2.3-1", "rfc7592-2.3-2")
async def test_a_removed_client_is_nobody(
    bank: RunningService, alice: WirePhone, teller: WireClient
):
    """204; its requests, refresh tokens and access tokens are worth nothing from then on."""
    metadata = {"grant_types": [CIBA, "refresh_token"], "scope": "openid profile"}
    client, told = await registered(bank, **metadata)
    tokens = await granted(client, alice)
    pending = await client.started()
    answer = await configure(bank, "DELETE", told)
    assert (answer.status_code, answer.content) == (204, b"")
    assert refusal(await client.poll(pending)) == (401, "invalid_client")
    assert refusal(await refresh(client, tokens["refresh_token"])) == (401, "invalid_client")
    assert not await is_active(teller, tokens["access_token"])
    userinfo = await bank.http.get("/userinfo", headers=bearer(tokens["access_token"]))
    assert userinfo.status_code == 401
    assert refusal(await configure(bank, "GET", told)) == (401, "invalid_token")
    assert refusal(await configure(bank, "DELETE", told)) == (401, "invalid_token")


async def test_a_prompt_of_a_removed_client_cannot_be_approved(
    bank: RunningService, alice: WirePhone
):
    """A phone that saw it gets no approval through; others are shown nothing of it."""
    client, told = await registered(bank)
    await client.started()
    (challenge,) = await alice.fetch()
    await configure(bank, "DELETE", told)
    assert await alice.fetch() == []
    assert (await alice.decide(alice.approval(challenge)))["type"] == "refused"


@pytest.mark.clause("rfc7591-2.3-1")
async def test_a_software_statement_goes_before_what_the_client_says(bank: RunningService):
    """Its values count, it is told back as it is, and an update cannot leave it out."""
    text = statement(client_name="Certified shop", client_id="till", exp=bank.clock.now() + 60)
    _, told = await registered(bank, software_statement=text)
    assert told["client_name"] == "Certified shop"
    assert told["software_statement"] == text
    members = {
        **metadata_of(new_key(), client_name="Another"),
        "client_id": told["client_id"],
        "software_statement": None,
    }
    answer = await configure(bank, "PUT", told, members)
    assert answer.json()["client_name"] == "Certified shop"
    newer = {**members, "software_statement": statement(client_name="Newer shop")}
    answer = await configure(bank, "PUT", told, newer)
    assert answer.json()["client_name"] == "Newer shop"


@pytest.mark.clause("rfc7591-2.3-1")
@pytest.mark.parametrize(
    ("text", "code"),
    [
        (statement(key=STRANGER), "invalid_software_statement"),
        (statement(exp=1), "invalid_software_statement"),
        (statement(nbf=4_000_000_000), "invalid_software_statement"),
        (statement(iss=None), "invalid_software_statement"),
        (statement(aud="https://else.example"), "invalid_software_statement"),
        (statement(aud=["https://else.example"]), "invalid_software_statement"),
        (statement(aud=[]), "invalid_software_statement"),
        ("no statement", "invalid_software_statement"),
        (7, "invalid_software_statement"),
        (statement(iss="https://else.example"), "unapproved_software_statement"),
    ],
    ids=[
        *("forged", "over", "not yet", "of nobody", "for another", "for others", "for nobody"),
        *("no JWT", "no text", "of another"),
    ],
)
async def test_a_statement_must_be_of_somebody_trusted(
    bank: RunningService, text: object, code: str
):
    """400 with the codes of RFC 7591 3.2.2."""
    answer = await register(bank, metadata_of(new_key(), software_statement=text))
    assert refusal(answer) == (400, code)


async def test_a_statement_may_say_that_it_is_for_this_service(bank: RunningService):
    """By its issuer identifier or where one registers, also among others (RFC 7519 4.1.3)."""
    names = (bank.issuer, f"{bank.issuer}/register", ["https://else.example", bank.issuer])
    for name in names:
        _, told = await registered(bank, software_statement=statement(aud=name, client_name="Ours"))
        assert told["client_name"] == "Ours"


async def test_a_statement_whose_time_is_over_goes_on_holding(bank: RunningService):
    """A client can still change its keys, whether it leaves the statement out or repeats it."""
    text = statement(client_name="Certified shop", exp=bank.clock.now() + 60)
    _, told = await registered(bank, software_statement=text)
    bank.clock.advance(61)
    for stated in (text, None):
        key = new_key(kid="own")
        members = {
            **metadata_of(key, client_name="Another"),
            "client_id": told["client_id"],
            "software_statement": stated,
        }
        answer = (await configure(bank, "PUT", told, members)).json()
        assert answer["client_name"] == "Certified shop"
        assert answer["jwks"] == {"keys": [public_jwk(key)]}
    later = {**members, "software_statement": statement(exp=bank.clock.now() - 1)}
    answer = await configure(bank, "PUT", told, later)
    assert refusal(answer) == (400, "invalid_software_statement")


@pytest.mark.clause("ciba-14-2")
async def test_callbacks_go_to_hosts_that_somebody_vouches_for(run_service: ServiceRunner):
    """An initial access token may say where callbacks of its clients go, also after an update."""
    section = registration_section(
        initial_access_tokens=[permission(notification_hosts=["shop.example"])]
    )
    async with run_service(clients=[], sections={"registration": section}) as bank:
        elsewhere = {**PING, "backchannel_client_notification_endpoint": "https://victim.example"}
        for endpoint in (
            "https://victim.example",
            "https://shop.example@victim.example",
            "https://[",
        ):
            changed = {**PING, "backchannel_client_notification_endpoint": endpoint}
            answer = await register(bank, metadata_of(new_key(), **changed))
            assert answer.json()["error_description"].endswith(
                "backchannel_client_notification_endpoint."
            )
        ours = {"backchannel_client_notification_endpoint": "https://shop.example/ping"}
        assert (await register(bank, metadata_of(new_key(), **ours))).status_code == 201
        _, told = await registered(bank)
        members = {**metadata_of(new_key(), **elsewhere), "client_id": told["client_id"]}
        answer = await configure(bank, "PUT", told, members)
        assert answer.json()["error_description"].endswith(
            "backchannel_client_notification_endpoint."
        )


async def test_no_token_is_logged(bank: RunningService):
    """Neither the initial access token nor the registration access token."""
    _, told = await registered(bank)
    await configure(bank, "DELETE", told)
    log = repr(bank.telemetry.events)
    assert "client_registered" in log
    assert "initial-access-token-of-a-shop" not in log
    assert told["registration_access_token"] not in log


async def test_push_is_registered_where_the_profile_has_it(
    bank: RunningService, run_service: ServiceRunner
):
    """Clients of CIBA Core may be pushed to, those of FAPI may not."""
    push = {**PING, "backchannel_token_delivery_mode": "push"}
    _, told = await registered(bank, **push)
    assert told["backchannel_token_delivery_mode"] == "push"
    section = registration_section(profile="fapi2-ciba")
    async with run_service(clients=[], sections={"registration": section}) as strict:
        bound = {
            "dpop_bound_access_tokens": True,
            "backchannel_authentication_request_signing_alg": "ES256",
        }
        pinged, pushed = [
            await register(strict, metadata_of(new_key(), **mode, **bound)) for mode in (PING, push)
        ]
    assert pinged.status_code == 201
    assert refusal(pushed) == (400, "invalid_client_metadata")


async def test_what_cannot_be_looked_up_now_is_to_be_tried_again(bank: RunningService):
    """503 with Retry-After at both doors, not a client that is unknown."""
    client, told = await registered(bank)
    await bank.commands.call("HSET", registration_key(client.client_id), "record", b"{}")
    for answer in (await configure(bank, "GET", told), await client.start()):
        assert refusal(answer) == (503, "temporarily_unavailable")
        assert answer.headers["retry-after"] == "1"
    assert [each.name for each in bank.telemetry.failures] == ["store_unavailable"] * 2
    bank.telemetry.failures.clear()


@pytest.fixture
def behind_proxy() -> dict[str, Any]:
    """The sections of a service that is told certificates, without authorities."""
    return {
        "mtls": {"base_url": "https://mtls.op.example", "proxies": ["127.0.0.1"]},
        "registration": registration_section(profile="fapi-ciba", scope="openid accounts"),
    }


async def test_a_certificate_that_nobody_can_validate_is_not_registered(
    run_service: ServiceRunner, behind_proxy: dict[str, Any]
):
    """tls_client_auth needs authorities, which this provider does not have."""
    members = metadata_of(
        new_key(),
        token_endpoint_auth_method="tls_client_auth",
        tls_client_auth_subject_dn="CN=shop",
    )
    async with run_service(clients=[], sections=behind_proxy) as bank:
        answer = await register(bank, members)
    assert answer.json()["error_description"].endswith(": token_endpoint_auth_method.")


async def test_a_fapi_client_registers_with_its_certificate(
    run_service: ServiceRunner, behind_proxy: dict[str, Any]
):
    """As the certification tests do: no scope, no redirect URIs, one key with its certificate."""
    key = rsa.generate_private_key(65_537, 2048)
    certificate = issue(
        common_name("shop"), key, issuer=common_name("shop"), signing_key=key, days=(-1, 36_500)
    )
    der = base64.b64encode(certificate.public_bytes(Encoding.DER)).decode()
    jwk = RSAKey.import_key(key).as_dict(private=False)
    members = {
        "client_name": "Corner shop",
        "grant_types": [CIBA],
        "jwks": {"keys": [{**jwk, "kid": "1", "alg": "PS256", "use": "sig", "x5c": [der]}]},
        "backchannel_user_code_parameter": False,
        "backchannel_token_delivery_mode": "poll",
        "backchannel_authentication_request_signing_alg": "PS256",
        "id_token_signed_response_alg": "PS256",
        "response_types": [],
        "token_endpoint_auth_method": "self_signed_tls_client_auth",
        "tls_client_certificate_bound_access_tokens": True,
    }
    async with run_service(clients=[], sections=behind_proxy) as bank:
        document = (await bank.http.get("/.well-known/openid-configuration")).json()
        assert document["mtls_endpoint_aliases"]["registration_endpoint"] == (
            "https://mtls.op.example/register"
        )
        answer = await register(bank, members)
        told = answer.json()
        assert answer.status_code == 201, answer.text
        assert told["scope"] == "accounts openid"
        assert {name: told[name] for name in members} == members
        client = WireClient(
            told["client_id"],
            alg="PS256",
            key=RSAKey.import_key(key, {"kid": "1", "alg": "PS256"}),
            issuer=bank.issuer,
            clock=bank.clock,
            http=bank.http,
        )
        phone = await bank.enrolled_phone("alice")
        headers = {"Client-Cert": f":{der}:"}
        asked = {
            "client_id": client.client_id,
            "request": client.request_object(scope="openid accounts"),
        }
        started = await client.post("/bc-authorize", asked, headers=headers)
        await phone.approve_next()
        form = {
            "client_id": client.client_id,
            "grant_type": CIBA,
            "auth_req_id": started.json()["auth_req_id"],
        }
        tokens = (await client.post("/token", form, headers=headers)).json()
        assert claims_of(tokens["access_token"])["cnf"].keys() == {"x5t#S256"}


async def test_keys_that_cost_much_to_verify_with_are_not_registered(bank: RunningService):
    """Whoever names such a client in an assertion would hold up everybody else."""
    modulus = public_jwk(new_key("PS256", kid="own"))["n"]
    keys = [{"kty": "RSA", "n": modulus, "e": base64url(b"\x7f" * 200), "kid": "own"}] * 4
    members = metadata_of(new_key(kid="own"), "PS256", jwks={"keys": keys})
    answer = await register(bank, members)
    assert answer.status_code == 400
    assert answer.json()["error"] == "invalid_client_metadata"
