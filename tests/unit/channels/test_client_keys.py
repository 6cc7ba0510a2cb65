"""Key sets behind ``jwks_uri``: one fetch for all, kept for a while, old ones in need."""

import asyncio
import json
from base64 import b64decode
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import pytest

from ciba_service.channels.client_keys import MAXIMUM_ENTRIES, FetchedClientKeys
from ciba_service.ports.outbound import (
    ClientKeysUnavailable,
    FailureReason,
    OutboundFailure,
    OutboundMethod,
    OutboundRequest,
    OutboundResponse,
)
from ciba_service.protocol.client.certificates.certificate import ClientCertificate
from ciba_service.protocol.jose.algorithms import SignatureAlgorithm
from ciba_service.protocol.jose.keys import KeySet
from tests.fake_clock import FakeClock
from tests.services.recording_telemetry import RecordingTelemetry
from tests.unit.protocol.client.certificates.test_registration import jwk
from tests.wire.signing import new_key, public_jwk

URI = "https://till.example/jwks"
ES256 = SignatureAlgorithm.ES256
TIMEOUT = OutboundFailure(FailureReason.TIMEOUT, "no answer within 5 seconds")
HOUR = 3600


def key_set(
    *kids: str, cache_control: str | None = None, keys: list[dict[str, Any]] | None = None
) -> OutboundResponse:
    """An answer with keys of these names."""
    keys = keys or [public_jwk(new_key(kid=kid)) for kid in kids]
    return OutboundResponse(
        status=200,
        content_type="application/jwk-set+json",
        cache_control=cache_control,
        body=json.dumps({"keys": keys}).encode(),
    )


@dataclass
class Elsewhere:
    """``Outbound`` with prepared answers; each waits for the gate, the last one stays."""

    answers: list[OutboundResponse | OutboundFailure] = field(
        default_factory=lambda: [key_set("a")]
    )
    requests: list[OutboundRequest] = field(default_factory=list)
    gate: asyncio.Event = field(default_factory=asyncio.Event)
    asked: asyncio.Event = field(default_factory=asyncio.Event)

    async def send(self, request: OutboundRequest) -> OutboundResponse | OutboundFailure:
        """Answer."""
        self.requests.append(request)
        self.asked.set()
        await self.gate.wait()
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]

    def close(self) -> None:
        """Let nobody through."""
        self.gate.clear()
        self.asked.clear()


@dataclass
class Cupboard:
    """Everything together."""

    elsewhere: Elsewhere = field(default_factory=Elsewhere)
    clock: FakeClock = field(default_factory=FakeClock)
    telemetry: RecordingTelemetry = field(default_factory=RecordingTelemetry)
    keys: FetchedClientKeys = field(init=False)

    def __post_init__(self) -> None:
        self.keys = FetchedClientKeys(self.elsewhere, self.clock, self.telemetry)
        self.elsewhere.gate.set()

    async def find(self, kid: str | None = "a", uri: str = URI) -> KeySet:
        """Ask for a key."""
        return await self.keys.find_keys("till", uri, kid=kid, alg=ES256)

    async def kids(self, kid: str | None = "a") -> set[str | None]:
        """The names of the keys that are told."""
        return {key.kid for key in await self.find(kid)}

    @property
    def fetches(self) -> int:
        """How often the server was asked."""
        return len(self.elsewhere.requests)


@pytest.fixture
async def cupboard() -> AsyncIterator[Cupboard]:
    """Empty."""
    made = Cupboard()
    yield made
    await made.keys.aclose()


async def test_a_key_set_is_fetched_once(cupboard: Cupboard):
    """Whoever asks later gets the same set."""
    assert await cupboard.find() is await cupboard.find()
    (request,) = cupboard.elsewhere.requests
    assert request == OutboundRequest(
        method=OutboundMethod.GET,
        url=URI,
        deadline=5,
        maximum_body=65_536,
        accept="application/jwk-set+json, application/json",
    )
    (event,) = cupboard.telemetry.named("client_keys_fetched")
    assert event.fields == {"client_id": "till", "keys": 1}


@pytest.mark.parametrize(
    ("cache_control", "lifetime"),
    [(None, HOUR), ("max-age=600", 600), ("no-store", 60), ("max-age=9999999", 24 * HOUR)],
)
async def test_a_key_set_is_fetched_anew_after_its_time(
    cupboard: Cupboard, cache_control: str | None, lifetime: int
):
    """As long as its server says, between a minute and a day."""
    cupboard.elsewhere.answers = [key_set("a", cache_control=cache_control), key_set("a", "b")]
    await cupboard.find()
    cupboard.clock.advance(lifetime - 1)
    assert await cupboard.kids() == {"a"}
    cupboard.clock.advance(1)
    assert await cupboard.kids() == {"a", "b"}
    assert cupboard.fetches == 2


async def test_all_who_ask_at_once_share_a_fetch(cupboard: Cupboard):
    """One request, however many wait for it."""
    cupboard.elsewhere.close()
    asking = [asyncio.create_task(cupboard.find()) for _ in range(20)]
    await cupboard.elsewhere.asked.wait()
    cupboard.elsewhere.gate.set()
    assert len({id(keys) for keys in await asyncio.gather(*asking)}) == 1
    assert cupboard.fetches == 1


async def test_whoever_goes_takes_nothing_from_the_others(cupboard: Cupboard):
    """The first asker is cancelled; the fetch goes on for the second."""
    cupboard.elsewhere.close()
    first, second = (asyncio.create_task(cupboard.find()) for _ in range(2))
    await cupboard.elsewhere.asked.wait()
    first.cancel()
    with pytest.raises(asyncio.CancelledError):
        await first
    cupboard.elsewhere.gate.set()
    assert len(await second) == 1
    assert cupboard.fetches == 1


@pytest.mark.clause("oidc-10.1.1-1")
async def test_an_unknown_key_is_looked_for_at_once(cupboard: Cupboard):
    """A client that has changed its keys need not wait until the old set has expired."""
    cupboard.elsewhere.answers = [key_set("a"), key_set("a", "b")]
    await cupboard.find("a")
    assert await cupboard.kids("b") == {"a", "b"}
    assert cupboard.fetches == 2


async def test_an_unknown_key_is_looked_for_once_a_minute(cupboard: Cupboard):
    """Names that do not exist cost the server of the keys one request a minute."""
    for _ in range(5):
        assert await cupboard.kids("nobody") == {"a"}
    assert cupboard.fetches == 2
    cupboard.clock.advance(59)
    await cupboard.find("another")
    assert cupboard.fetches == 2
    cupboard.clock.advance(1)
    await cupboard.find("another")
    assert cupboard.fetches == 3


async def test_all_who_look_for_an_unknown_key_share_a_fetch(cupboard: Cupboard):
    """Also those who ask while it is under way get the new set."""
    cupboard.elsewhere.answers = [key_set("a"), key_set("a", "b")]
    await cupboard.find("a")
    cupboard.elsewhere.close()
    asking = [asyncio.create_task(cupboard.kids("b")) for _ in range(3)]
    await cupboard.elsewhere.asked.wait()
    cupboard.elsewhere.gate.set()
    assert await asyncio.gather(*asking) == [{"a", "b"}] * 3
    assert cupboard.fetches == 2


async def test_without_a_name_a_key_of_the_algorithm_will_do(cupboard: Cupboard):
    """Only when none fits the algorithm the set is fetched anew."""
    await cupboard.find(None)
    await cupboard.find(None)
    assert cupboard.fetches == 1
    await cupboard.keys.find_keys("till", URI, kid=None, alg=SignatureAlgorithm.PS256)
    assert cupboard.fetches == 2


async def test_certificates_are_found_likewise(cupboard: Cupboard):
    """A certificate that is not there yet is looked for."""
    old, new = jwk(), jwk()
    cupboard.elsewhere.answers = [key_set(keys=[old]), key_set(keys=[old, new])]
    for key in (old, new):
        presented = ClientCertificate.parse(b64decode(key["x5c"][0]))
        found = await cupboard.keys.find_certificates("till", URI, presented=presented)
        assert presented in found
    assert cupboard.fetches == 2


REFUSED = {
    "timeout": (TIMEOUT, "timeout: no answer within 5 seconds"),
    "redirect": (OutboundResponse(status=302), "the answer has status 302"),
    "not found": (OutboundResponse(status=404), "the answer has status 404"),
    "no content": (OutboundResponse(status=204), "the answer has status 204"),
    "no key set": (
        OutboundResponse(status=200, content_type="text/html", body=b"<html>"),
        "the content type is not that of a key set",
    ),
    "private key": (
        key_set(keys=[{**public_jwk(new_key()), "d": "AA"}]),
        "a key is private or symmetric",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
async def test_without_any_key_set_it_is_said_so(cupboard: Cupboard, name: str):
    """The reason is told and logged; a server that failed is left alone for ten seconds."""
    answer, reason = REFUSED[name]
    cupboard.elsewhere.answers = [answer, key_set("a")]
    for _ in range(3):
        with pytest.raises(ClientKeysUnavailable, match=f"^{reason}$"):
            await cupboard.find()
    cupboard.clock.advance(9)
    with pytest.raises(ClientKeysUnavailable):
        await cupboard.find()
    assert cupboard.fetches == 1
    (event,) = cupboard.telemetry.named("client_keys_unavailable")
    assert event.fields == {"client_id": "till", "reason": reason}
    cupboard.clock.advance(1)
    assert await cupboard.kids() == {"a"}


async def settled(cupboard: Cupboard) -> None:
    """Let a fetch that nobody waits for end."""
    await asyncio.gather(*cupboard.keys._flights)


async def test_an_old_key_set_is_better_than_none(cupboard: Cupboard):
    """When the server fails, the last set counts for an hour beyond its time, and no longer."""
    cupboard.elsewhere.answers = [key_set("a"), TIMEOUT]
    await cupboard.find()
    cupboard.clock.advance(HOUR)
    assert await cupboard.kids() == {"a"}
    cupboard.clock.advance(HOUR - 1)
    assert await cupboard.kids() == {"a"}
    await settled(cupboard)
    assert cupboard.fetches == 3
    cupboard.clock.advance(1)
    with pytest.raises(ClientKeysUnavailable, match="timeout"):
        await cupboard.find()


async def test_a_server_that_failed_is_not_waited_for(cupboard: Cupboard):
    """While the old set has the key, it is asked again behind the asker's back."""
    cupboard.elsewhere.answers = [key_set("a"), TIMEOUT, key_set("a", "b")]
    await cupboard.find()
    cupboard.clock.advance(HOUR)
    await cupboard.find()
    cupboard.clock.advance(10)
    cupboard.elsewhere.close()
    assert await cupboard.kids() == {"a"}
    await cupboard.elsewhere.asked.wait()
    cupboard.elsewhere.gate.set()
    assert await cupboard.kids("b") == {"a", "b"}
    assert cupboard.fetches == 3


async def test_a_server_that_answers_again_is_waited_for(cupboard: Cupboard):
    """Its failure of yesterday is forgotten: an expired set is not used while it answers."""
    cupboard.elsewhere.answers = [TIMEOUT, key_set("a"), key_set("a", "b")]
    with pytest.raises(ClientKeysUnavailable):
        await cupboard.find()
    cupboard.clock.advance(10)
    assert await cupboard.kids() == {"a"}
    cupboard.clock.advance(HOUR)
    assert await cupboard.kids() == {"a", "b"}


async def test_a_failure_takes_no_fresh_key_set_away(cupboard: Cupboard):
    """An unknown key that could not be looked for leaves the others as they were."""
    cupboard.elsewhere.answers = [key_set("a"), TIMEOUT]
    await cupboard.find()
    assert await cupboard.kids("b") == {"a"}
    assert await cupboard.kids("a") == {"a"}
    assert cupboard.fetches == 2


async def test_no_more_key_sets_are_kept_than_allowed(cupboard: Cupboard):
    """The one that was not asked for the longest time goes first."""
    await cupboard.find(uri="https://first.example/")
    await cupboard.find(uri="https://second.example/")
    for number in range(MAXIMUM_ENTRIES - 2):
        await cupboard.find(uri=f"https://{number}.example/")
    await cupboard.find(uri="https://first.example/")
    assert cupboard.fetches == MAXIMUM_ENTRIES
    await cupboard.find(uri="https://one-more.example/")
    await cupboard.find(uri="https://first.example/")
    assert cupboard.fetches == MAXIMUM_ENTRIES + 1
    await cupboard.find(uri="https://second.example/")
    assert cupboard.fetches == MAXIMUM_ENTRIES + 2


async def test_at_the_end_nothing_is_fetched_any_more(cupboard: Cupboard):
    """What is under way ends, and with it whoever waits."""
    cupboard.elsewhere.close()
    asking = asyncio.create_task(cupboard.find())
    await cupboard.elsewhere.asked.wait()
    await cupboard.keys.aclose()
    with suppress(asyncio.CancelledError):
        await asking
    assert asking.cancelled()
