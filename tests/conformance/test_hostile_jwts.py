"""JWTs made to do harm, as client assertion, as signed request and as DPoP proof (RFC 8725).

Each is refused with the one error of its place, soon, and leaves nothing behind.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass

import httpx2
import pytest

from tests.conformance.hostile_jwts import ANYWHERE, NAMED_KEYS, PROOF_KEYS, Bend, Claims, Header
from tests.conformance.refusals import assert_refused
from tests.services.running_service import RunningService
from tests.services.service_fixtures import ServiceRunner
from tests.wire.client import ASSERTION_TYPE, CIBA, WireClient
from tests.wire.dpop import WireDpop
from tests.wire.phone import WirePhone
from tests.wire.signing import sign

PATIENCE = 10
BOUND = {"profile": "fapi2-ciba", "dpop_bound_access_tokens": True}
TOKEN_REQUEST = {"grant_type": CIBA, "auth_req_id": "a" * 43}
MEGABYTE = 1_000_000


@pytest.fixture(scope="module")
def speaker() -> WireClient:
    """A client whose tokens are bound to a DPoP key."""
    return WireClient("speaker", metadata=BOUND)


@pytest.fixture
async def bank(run_service: ServiceRunner, speaker: WireClient) -> AsyncIterator[RunningService]:
    """A service that nothing here may break."""
    async with run_service(clients=[speaker]) as running:
        yield running
        assert running.telemetry.failures == []


@pytest.fixture
async def alice(bank: RunningService) -> WirePhone:
    """Alice's phone."""
    return await bank.enrolled_phone("alice")


async def asserted_there(client: WireClient, jwt: str) -> httpx2.Response:
    """As client assertion at the backchannel endpoint."""
    form = {"client_assertion_type": ASSERTION_TYPE, "client_assertion": jwt}
    return await client.post("/bc-authorize", {**form, "request": client.request_object()})


async def asserted_here(client: WireClient, jwt: str) -> httpx2.Response:
    """As client assertion at the token endpoint."""
    form = {"client_assertion_type": ASSERTION_TYPE, "client_assertion": jwt}
    return await client.post("/token", {**form, **TOKEN_REQUEST})


async def requested(client: WireClient, jwt: str) -> httpx2.Response:
    """As signed request."""
    return await client.post("/bc-authorize", {**client.credentials(), "request": jwt})


async def proved(client: WireClient, jwt: str) -> httpx2.Response:
    """As DPoP proof."""
    form = {**client.credentials(), **TOKEN_REQUEST}
    return await client.post("/token", form, headers={"DPoP": jwt})


def assertion_of(client: WireClient) -> tuple[Header, Claims]:
    """Header and claims of an assertion that would be accepted."""
    who = {"iss": client.client_id, "sub": client.client_id, "aud": client.issuer}
    times = {"iat": client.now(), "exp": client.now() + 60}
    return client.header(), {**who, **times, "jti": "assertion"}


def request_of(client: WireClient) -> tuple[Header, Claims]:
    """Header and claims of a signed request that would be accepted."""
    now = client.now()
    times = {"iat": now, "nbf": now, "exp": now + 60, "jti": "request"}
    asked = {"scope": "openid", "login_hint": "alice", "binding_message": "W4SCT"}
    return client.header(), {"iss": client.client_id, "aud": client.issuer, **times, **asked}


def proof_of(client: WireClient) -> tuple[Header, Claims]:
    """Header and claims of a proof that would be accepted but for its nonce."""
    claims = {"jti": "proof", "htm": "POST", "htu": f"{client.issuer}/token", "iat": client.now()}
    return {"typ": "dpop+jwt", "alg": "ES256", "jwk": WireDpop(key=client.key).jwk}, claims


@dataclass(frozen=True)
class Place:
    """Where a JWT is sent, what a good one says there, and how a bad one and a good one fare."""

    send: Callable[[WireClient, str], Awaitable[httpx2.Response]]
    content: Callable[[WireClient], tuple[Header, Claims]]
    refusal: tuple[int, str]
    good: tuple[int, str | None]
    bends: Mapping[str, Bend]


EVERYTHING = {**ANYWHERE, **NAMED_KEYS}
PLACES = {
    "assertion-at-backchannel": Place(
        asserted_there, assertion_of, (401, "invalid_client"), (200, None), EVERYTHING
    ),
    "assertion-at-token": Place(
        asserted_here,
        assertion_of,
        (401, "invalid_client"),
        (400, "invalid_dpop_proof"),
        EVERYTHING,
    ),
    "request": Place(requested, request_of, (400, "invalid_request"), (200, None), EVERYTHING),
    "proof": Place(
        proved,
        proof_of,
        (400, "invalid_dpop_proof"),
        (400, "use_dpop_nonce"),
        {**ANYWHERE, **PROOF_KEYS},
    ),
}
EVERYWHERE = pytest.mark.parametrize("place", PLACES.values(), ids=PLACES)


@EVERYWHERE
@pytest.mark.clause("rfc8725-3.10-1", "rfc8725-3.3-1", "rfc8725-3.1-1")
async def test_a_hostile_jwt_is_refused_and_nothing_happens(
    bank: RunningService, speaker: WireClient, alice: WirePhone, place: Place
):
    """Its own error whatever the trick; at the end a good one fares as ever, with the same jti."""
    header, claims = place.content(speaker)
    for name, bend in place.bends.items():
        async with asyncio.timeout(PATIENCE):
            answer = await place.send(speaker, bend(header, claims, speaker.key))
        assert (name, answer.status_code) == (name, place.refusal[0]), answer.text
        assert_refused(answer, *place.refusal)
    assert await alice.fetch() == []
    good = await place.send(speaker, sign(header, claims, speaker.key))
    assert (good.status_code, good.json().get("error")) == place.good
    assert bank.telemetry.failures == []


@EVERYWHERE
async def test_a_megabyte_is_refused_soon(bank: RunningService, speaker: WireClient, place: Place):
    """413 for a form and 431 for a header, before any of it is read as a JWT."""
    header, claims = place.content(speaker)
    jwts = (
        sign(header, {**claims, "noise": "n" * MEGABYTE}, speaker.key),
        sign({**header, "noise": "n" * MEGABYTE}, claims, speaker.key),
        "." * MEGABYTE,
    )
    for jwt in jwts:
        async with asyncio.timeout(PATIENCE):
            answer = await place.send(speaker, jwt)
        assert answer.status_code == (431 if place.send is proved else 413)
        assert answer.json()["error"] == "invalid_request"
    assert bank.telemetry.failures == []
