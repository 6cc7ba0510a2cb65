"""The phone over HTTPS against a scripted service, and enrolment over the same way."""

import asyncio
import os
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace

import msgspec
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from authenticator_sim.connection.addresses import tls_context
from authenticator_sim.connection.enrolment import send_enrolment
from authenticator_sim.connection.http import HttpClient
from authenticator_sim.connection.https import HttpsConnection
from authenticator_sim.core.device import Device
from authenticator_sim.core.events import ChallengeShown, Decided, DecisionRefused, FetchCompleted
from authenticator_sim.core.identity.enrolment import new_enrolment
from authenticator_sim.core.identity.identity import DeviceIdentity
from authenticator_sim.errors import (
    AddressRefused,
    DeviceRevoked,
    EnrolmentRefused,
    ServiceUnreachable,
    UntrustedService,
)
from ciba_service.sca.messages import DenialReason, EnrolmentAnswer, Hello, RefusalReason, Welcome
from tests.unit.authenticator_sim.doubles import FakeClock
from tests.unit.authenticator_sim.scripted_service import (
    ACTIVATION_CODE,
    DEVICE_ID,
    MALFORMED_JSON,
    NOW_MS,
    ScriptedBank,
    ScriptedHttpService,
    serving,
)


@dataclass
class Reachable:
    """A phone and the service it reaches over HTTP."""

    device: Device
    https: HttpsConnection
    service: ScriptedHttpService

    async def deny(self) -> tuple[object, ...]:
        """Decline the open request."""
        decide = self.device.deny("tx-1", reason=DenialReason.NOT_ME, now_ms=NOW_MS)
        return await self.https.decide(decide)


async def passing_time(clock: FakeClock) -> None:
    """Wake every sleeper at once, for ever."""
    while True:
        await clock.pass_next_sleep()


@pytest.fixture
async def flowing_clock(clock: FakeClock) -> AsyncIterator[FakeClock]:
    """A clock on which every pause is over at once."""
    task = asyncio.create_task(passing_time(clock))
    yield clock
    task.cancel()
    await asyncio.wait({task})


@pytest.fixture
async def reachable(
    identity: DeviceIdentity, bank: ScriptedBank, flowing_clock: FakeClock
) -> AsyncIterator[Reachable]:
    """Start the service."""
    service = ScriptedHttpService(bank)
    async with serving(service.app()) as base:
        device = Device(
            replace(identity, messages=f"{base}/device/messages"), random_bytes=os.urandom
        )
        async with HttpClient(base, tls=tls_context(None)) as http:
            https = HttpsConnection(device, http=http, clock=flowing_clock, random_bytes=os.urandom)
            yield Reachable(device, https, service)


async def test_fetch_shows_every_open_challenge(reachable: Reachable, bank: ScriptedBank) -> None:
    """The frames are those of a socket, and the proof covers the body."""
    reachable.service.open = {name: bank.offer(name) for name in ("tx-1", "tx-2")}
    events = await reachable.https.fetch()
    shown = [event.transaction_id for event in events if isinstance(event, ChallengeShown)]
    assert shown == ["tx-1", "tx-2"]
    assert events[-1] == FetchCompleted(("tx-1", "tx-2"))


async def test_a_decision_gets_its_outcome(reachable: Reachable, bank: ScriptedBank) -> None:
    """Accepted in the answer."""
    reachable.service.open = {"tx-1": bank.offer()}
    await reachable.https.fetch()
    (decided,) = await reachable.deny()
    assert isinstance(decided, Decided)
    assert decided.reason is DenialReason.NOT_ME


async def test_a_stale_nonce_is_replaced_once(reachable: Reachable) -> None:
    """A 401 leads to a new nonce; the scripted service refuses a nonce used twice."""
    reachable.service.statuses = [401]
    assert await reachable.https.fetch() == (FetchCompleted(()),)


async def test_a_lost_answer_gets_the_identical_decision_again(
    reachable: Reachable, bank: ScriptedBank
) -> None:
    """To the byte, with a new session proof."""
    reachable.service.open = {"tx-1": bank.offer()}
    await reachable.https.fetch()
    reachable.service.statuses = [503, 502]
    (decided,) = await reachable.deny()
    assert isinstance(decided, Decided)
    assert len(reachable.service.decisions) == 3
    assert len(set(reachable.service.decisions)) == 1


async def test_unavailable_gets_the_identical_decision_again(
    reachable: Reachable, bank: ScriptedBank
) -> None:
    """``refused`` with ``unavailable`` is no outcome."""
    reachable.service.open = {"tx-1": bank.offer()}
    await reachable.https.fetch()
    reachable.service.refusals = [(RefusalReason.UNAVAILABLE, None)]
    assert isinstance((await reachable.deny())[0], Decided)
    assert len(set(reachable.service.decisions)) == 1


async def test_a_refusal_is_an_outcome(reachable: Reachable, bank: ScriptedBank) -> None:
    """It is not tried again."""
    reachable.service.open = {"tx-1": bank.offer()}
    await reachable.https.fetch()
    reachable.service.refusals = [(RefusalReason.FACTORS, 4)]
    assert await reachable.deny() == (DecisionRefused("tx-1", RefusalReason.FACTORS, 4),)
    assert len(reachable.service.decisions) == 1


async def test_a_revoked_phone_is_told_so(reachable: Reachable) -> None:
    """And does not try again."""
    reachable.service.statuses = [403, 200]
    with pytest.raises(DeviceRevoked, match="enrol it anew"):
        await reachable.https.fetch()
    assert reachable.service.statuses == [200]


async def test_after_five_attempts_the_phone_gives_up(reachable: Reachable) -> None:
    """With the last status."""
    reachable.service.statuses = [500] * 4 + [429]
    with pytest.raises(ServiceUnreachable, match="429"):
        await reachable.https.fetch()


@pytest.mark.parametrize(
    "nonce",
    [b"503", msgspec.json.encode(Welcome(DEVICE_ID, NOW_MS)), *filter(None, MALFORMED_JSON)],
)
async def test_a_nonce_that_is_none_is_refused(reachable: Reachable, nonce: bytes) -> None:
    """Another status, another form, another message."""
    reachable.service.nonce_answer = nonce
    with pytest.raises(ServiceUnreachable):
        await reachable.https.fetch()


async def test_another_issuer_gets_no_proof(reachable: Reachable) -> None:
    """At once, without another attempt."""
    hello = Hello("https://attacker.example", "n")
    reachable.service.nonce_answer = msgspec.json.encode(hello)
    with pytest.raises(UntrustedService):
        await reachable.https.fetch()


@pytest.mark.parametrize("answer", [b'{"messages": [{"type": "riddle"}]}', *MALFORMED_JSON])
async def test_an_answer_that_is_none_is_refused(reachable: Reachable, answer: bytes) -> None:
    """Cleanly."""
    reachable.service.answer = answer
    with pytest.raises(ServiceUnreachable, match="something else"):
        await reachable.https.fetch()


async def test_an_endless_answer_is_cut_off(reachable: Reachable) -> None:
    """A megabyte is more than the protocol needs."""
    reachable.service.answer = b" " * (1024 * 1024 + 1)
    with pytest.raises(ServiceUnreachable, match="too long"):
        await reachable.https.fetch()


async def enrol_at(service: ScriptedHttpService, base: str, clock: FakeClock) -> EnrolmentAnswer:
    """Enrol at a service under its real address."""
    service.bank.issuer = base
    pending = new_enrolment(
        issuer=base,
        activation_code=ACTIVATION_CODE,
        second_secret=None,
        name="Tablet",
        now_ms=NOW_MS,
        random_bytes=os.urandom,
    )
    async with HttpClient(base, tls=tls_context(None)) as http:
        return await send_enrolment(pending, http=http, clock=clock, random_bytes=os.urandom)


@pytest.fixture
async def enrolling() -> AsyncIterator[tuple[ScriptedHttpService, str]]:
    """A service that enrols."""
    service = ScriptedHttpService(ScriptedBank())
    async with serving(service.app()) as base:
        yield service, base


async def test_a_lost_enrolment_answer_is_asked_for_with_the_same_bytes(
    enrolling: tuple[ScriptedHttpService, str], flowing_clock: FakeClock
) -> None:
    """The activation code is not lost with it."""
    service, base = enrolling
    service.enrolment_statuses = [503, 502]
    answer = await enrol_at(service, base, flowing_clock)
    assert answer.device_id == DEVICE_ID
    assert len(service.enrolments) == 3
    assert len(set(service.enrolments)) == 1


async def test_a_wrong_code_is_not_tried_twice(
    enrolling: tuple[ScriptedHttpService, str], flowing_clock: FakeClock
) -> None:
    """The fifth wrong second secret would burn the code."""
    service, base = enrolling
    service.enrolment_statuses = [400, 201]
    with pytest.raises(EnrolmentRefused, match="did not accept"):
        await enrol_at(service, base, flowing_clock)
    assert len(service.enrolments) == 1


@pytest.mark.parametrize("answer", [b"{}", *MALFORMED_JSON])
async def test_an_enrolment_answer_that_is_none_is_refused(
    enrolling: tuple[ScriptedHttpService, str], flowing_clock: FakeClock, answer: bytes
) -> None:
    """After several attempts."""
    service, base = enrolling
    service.answer = answer
    with pytest.raises(ServiceUnreachable, match="something else"):
        await enrol_at(service, base, flowing_clock)


@pytest.mark.parametrize(
    ("name", "url"),
    [
        ("websocket", "ws://op.example/device/ws"),
        ("messages", "http://op.example/device/messages"),
        ("websocket", "https://op.example/device/ws"),
        ("messages", "wss://op.example/device/messages"),
    ],
)
async def test_a_service_may_not_send_the_phone_astray(
    enrolling: tuple[ScriptedHttpService, str],
    flowing_clock: FakeClock,
    bank: ScriptedBank,
    identity: DeviceIdentity,
    name: str,
    url: str,
) -> None:
    """Addresses in the answer are protected, and of the right kind."""
    service, base = enrolling
    answer = EnrolmentAnswer(
        device_id=DEVICE_ID,
        issuer=base,
        subject="alice",
        websocket=identity.websocket,
        messages=identity.messages,
        keys=bank.service_keys,
        secrets="",
    )
    tampered = msgspec.structs.replace(answer, **{name: url})
    service.answer = msgspec.json.encode(tampered)
    with pytest.raises(AddressRefused):
        await enrol_at(service, base, flowing_clock)


async def test_redirects_are_not_followed() -> None:
    """The answer is the redirect."""

    async def away(_request: Request) -> Response:
        return RedirectResponse("/there")

    async with (
        serving(Starlette(routes=[Route("/here", away)])) as base,
        HttpClient(base, tls=tls_context(None)) as http,
    ):
        assert (await http.get(f"{base}/here")).status == 307


async def test_nobody_there_is_said_plainly() -> None:
    """Without details of the network."""
    base = "http://127.0.0.1:9"
    async with HttpClient(base, tls=tls_context(None)) as http:
        with pytest.raises(ServiceUnreachable, match="cannot be reached"):
            await http.get(base)
        with pytest.raises(AddressRefused):
            await http.get("http://op.example")
