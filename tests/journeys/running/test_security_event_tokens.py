"""Security events are pushed to a receiver as signed tokens (RFC 8417, RFC 8935)."""

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from ciba_service.commands.operating.operator_write import operator_write
from ciba_service.protocol.jose.algorithms import SignatureAlgorithm
from ciba_service.protocol.jose.keys import KeySet
from ciba_service.protocol.jose.verification import parse_jws, verify_jws
from ciba_service.protocol.security_events.kinds import FactorsUnlocked
from tests.services.running_service import RunningService
from tests.services.service_fixtures import ServiceRunner
from tests.wire.callback_endpoint import (
    CallbackEndpoint,
    Received,
    answer,
    callback_endpoint,
    outbound_section,
)
from tests.wire.client import WireClient

ACCEPTED = answer("202 Accepted")
ES256 = frozenset({SignatureAlgorithm.ES256})
CREDENTIAL_CHANGE = "https://schemas.openid.net/secevent/caep/event-type/credential-change"


@pytest.fixture
async def siem(tmp_path: Path) -> AsyncIterator[CallbackEndpoint]:
    """A receiver of events."""
    async with callback_endpoint(tmp_path) as serving:
        serving.answers = [ACCEPTED]
        yield serving


def sections(siem: CallbackEndpoint, directory: Path, **receiver: Any) -> dict[str, Any]:
    """A configuration that pushes to it."""
    named = {"name": "siem", "url": siem.url, "token": "receiver-token", **receiver}
    return {
        "outbound": outbound_section(directory),
        "security_events": {"receivers": [named]},
    }


@pytest.fixture
async def bank(
    run_service: ServiceRunner, till: WireClient, siem: CallbackEndpoint, tmp_path: Path
) -> AsyncIterator[RunningService]:
    """A service that pushes what happens."""
    async with run_service(clients=[till], sections=sections(siem, tmp_path)) as running:
        yield running
        assert running.telemetry.failures == []


async def verified(bank: RunningService, pushed: Received) -> dict[str, Any]:
    """The claims of a pushed token, verified as a receiver does: by what is published."""
    metadata = (await bank.http.get("/.well-known/ssf-configuration")).json()
    assert metadata["issuer"] == bank.issuer
    keys = KeySet.parse((await bank.http.get(metadata["jwks_uri"])).json())
    jws = parse_jws(pushed.body.decode())
    verify_jws(jws, keys=keys, algorithms=ES256)
    assert jws.header.typ == "secevent+jwt"
    claims: dict[str, Any] = json.loads(jws.payload)
    return claims


@pytest.mark.clause(
    "rfc8417-2-1", "rfc8417-2-2", "ssf-3-1", "ssf-4-1", "ssf-4-2", "ssf-7-1", "caep-3-1"
)
async def test_a_new_phone_is_told_to_the_receiver(bank: RunningService, siem: CallbackEndpoint):
    """POST of a token that verifies by the published keys, of our issuer, about one event."""
    phone = await bank.enrolled_phone("alice")
    pushed = await siem.next()
    assert pushed.line == "POST /ciba-notification HTTP/1.1"
    assert pushed.headers["content-type"] == "application/secevent+jwt"
    assert pushed.headers["authorization"] == "Bearer receiver-token"
    claims = await verified(bank, pushed)
    assert (claims["iss"], claims["aud"]) == (bank.issuer, siem.url)
    assert claims["sub_id"]["device"] == {"format": "opaque", "id": phone.device_id}
    assert list(claims["events"]) == [CREDENTIAL_CHANGE]
    assert not {"exp", "sub", "nonce"} & claims.keys()
    (line,) = bank.telemetry.named("security_event")
    assert claims["jti"] == line.fields["id"]


@pytest.mark.clause("rfc8417-4-1")
async def test_a_token_about_an_event_opens_nothing(bank: RunningService, siem: CallbackEndpoint):
    """It is neither access token nor hint, and its key is not among those for tokens."""
    await bank.enrolled_phone("alice")
    token = (await siem.next()).body.decode()
    refused = await bank.http.get("/userinfo", headers={"Authorization": f"Bearer {token}"})
    assert (refused.status_code, refused.json()["error"]) == (401, "invalid_token")
    hinted = await bank.till.start(login_hint=None, id_token_hint=token)
    assert hinted.json()["error"] == "unknown_user_id"
    published = (await bank.http.get("/jwks")).json()["keys"]
    assert parse_jws(token).header.kid not in {key["kid"] for key in published}


async def test_a_receiver_that_is_down_gets_it_later(bank: RunningService, siem: CallbackEndpoint):
    """The same token in every claim, as often as it takes."""
    siem.answers = [None, answer("503 Service Unavailable"), ACCEPTED]
    await bank.enrolled_phone("alice")
    first = await verified(bank, await siem.next())
    bank.clock.advance(60)
    second = await verified(bank, await siem.next())
    bank.clock.advance(60)
    assert first == second == await verified(bank, await siem.next())


async def test_what_is_refused_for_good_is_told_and_not_repeated(
    bank: RunningService, siem: CallbackEndpoint
):
    """The operator reads why; the receiver gets the next event nevertheless."""
    refusal = b'{"err": "invalid_request", "description": "no"}'
    siem.answers = [answer("400 Bad Request", body=refusal), ACCEPTED]
    await bank.enrolled_phone("alice")
    await siem.next()
    told = await bank.telemetry.seen("security_event", 2)
    assert (told.fields["kind"], told.fields["error"]) == (
        "event_receiver_refused",
        "invalid_request",
    )
    bank.clock.advance(86_400)
    bob = await bank.enrolled_phone("bob")
    claims = await verified(bank, await siem.next())
    assert claims["sub_id"]["device"]["id"] == bob.device_id


async def test_a_receiver_gets_what_it_wants_and_others_the_rest(
    run_service: ServiceRunner, till: WireClient, siem: CallbackEndpoint, tmp_path: Path
):
    """Kinds may be chosen, and there may be an audience other than the URL."""
    section = sections(
        siem, tmp_path, kinds=["client_authentication_failed"], audience="https://siem.example"
    )
    async with run_service(clients=[till], sections=section) as bank:
        await bank.enrolled_phone("alice")
        await bank.till.post("/token", bank.till.credentials(exp=1))
        claims = await verified(bank, await siem.next())
        (name,) = claims["events"]
        assert name == "urn:ciba-service:security-event:client_authentication_failed"
        assert claims["events"][name]["cause"] == "time"
        assert claims["aud"] == "https://siem.example"
        assert len(siem.received) == 1


async def test_what_an_operator_does_reaches_the_receiver(
    bank: RunningService, siem: CallbackEndpoint
):
    """A command lets its events wait in the store; the service pushes them."""
    stores = bank.service.stores
    async with operator_write(bank.settings, stores, "users unlock", user="tag") as telemetry:
        telemetry.security_event(FactorsUnlocked(user="tag"))
    names = {name for _ in range(2) for name in (await verified(bank, await siem.next()))["events"]}
    own = "urn:ciba-service:security-event:"
    assert names == {f"{own}factors_unlocked", f"{own}operator_wrote"}


async def test_a_private_address_is_not_asked(
    run_service: ServiceRunner, till: WireClient, siem: CallbackEndpoint, tmp_path: Path
):
    """Not even by configuration, unless its network is allowed."""
    section = sections(siem, tmp_path)
    section["outbound"] = {**section["outbound"], "allowed_networks": []}
    async with run_service(clients=[till], sections=section) as bank:
        await bank.enrolled_phone("alice")
        attempted = await bank.telemetry.seen("set_pushed")
        assert attempted.fields["failure"] == "refused_address"
        assert siem.received == []


async def test_without_receivers_nothing_is_published(service: RunningService):
    """There is no transmitter then."""
    for path in ("/.well-known/ssf-configuration", "/security-events/jwks"):
        assert (await service.http.get(path)).status_code == 404
