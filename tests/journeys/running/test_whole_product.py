"""Service, phone simulator and client SDK together, as people run them."""

import asyncio
import contextlib
from collections.abc import Callable
from pathlib import Path

import httpx2
import pytest

from authenticator_sim.attendants import AnswerAll
from authenticator_sim.connection.addresses import tls_context
from authenticator_sim.connection.enrolment import send_enrolment
from authenticator_sim.connection.http import HttpClient
from authenticator_sim.connection.socket import SocketConnection
from authenticator_sim.core.device import Device
from authenticator_sim.core.events import ChallengeShown, Event
from authenticator_sim.core.identity.enrolment import complete_enrolment, new_enrolment
from authenticator_sim.core.identity.identity import DeviceIdentity
from authenticator_sim.core.identity.pin import Pin, parse_pin
from authenticator_sim.journal import Journal
from authenticator_sim.phone import Phone
from authenticator_sim.ports import system_random
from ciba_client import (
    CibaClient,
    ClientConfiguration,
    SigningKey,
    TokenType,
    parse_signing_key,
)
from tests.client_time import ClientTime
from tests.services.running_service import RunningService
from tests.services.service_fixtures import ServiceRunner
from tests.wire.client import WireClient


class Events:
    """What the simulator reports, kept and passed on."""

    def __init__(self) -> None:
        self.events: list[Event] = []
        self.listeners: list[Callable[[Event], None]] = []

    def append(self, event: Event) -> None:
        """Take one."""
        self.events.append(event)
        for listener in self.listeners:
            listener(event)


def signing_key(client: WireClient) -> SigningKey:
    """The key of a client, as the SDK reads it from a file."""
    return parse_signing_key(client.key.as_pem(private=True), kid="key-1")


async def enrolled(service: RunningService, pin: Pin) -> DeviceIdentity:
    """Enrol the simulator with activation code and second secret; a further phone is approved."""
    pending = new_enrolment(
        issuer=service.issuer,
        activation_code=await service.activation_code("alice", "482913"),
        second_secret="482913",
        name="Simulator",
        now_ms=service.clock.now_ms(),
        random_bytes=system_random,
    )
    async with HttpClient(service.issuer, tls=tls_context(None)) as http:
        answer = await send_enrolment(
            pending, http=http, clock=service.clock, random_bytes=system_random
        )
    await service.approve_waiting("alice")
    return complete_enrolment(pending, answer, pin=pin, random_bytes=system_random)


@pytest.mark.clause("oidc-2-6")
async def test_simulator_and_sdk_meet_at_the_service(
    run_service: ServiceRunner, till: WireClient, tmp_path: Path
):
    """The SDK asks, the simulator approves with PIN and OTP, the SDK verifies its tokens."""
    async with run_service(clients=[till], sections={"policy": {"require_otp": True}}) as service:
        pin = parse_pin("493817")
        heard = Events()
        device = Device(await enrolled(service, pin), random_bytes=system_random)
        connection = SocketConnection(
            device,
            clock=service.clock,
            random_bytes=system_random,
            tls=tls_context(None),
            report=heard.append,
        )
        phone = Phone(device, channel=connection, clock=service.clock, journal=Journal(tmp_path))
        attendant = AnswerAll(phone, approve=True, pin=pin, report=heard.append)
        heard.listeners.append(attendant.notice)
        running = [asyncio.create_task(task) for task in (connection.run(), attendant.run())]
        configuration = ClientConfiguration(
            issuer=service.issuer, client_id=till.client_id, key=signing_key(till)
        )
        async with CibaClient(configuration, clock=ClientTime(service.clock)) as client:
            request = client.authenticate(login_hint="alice", binding_message="W4SCT")
            async with request as pending:
                tokens = await pending.tokens()
        for task in running:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task
    (shown,) = [event for event in heard.events if isinstance(event, ChallengeShown)]
    assert shown.challenge.display.binding_message == "W4SCT"
    assert tokens.id_token.claims["sub"] == "alice"
    assert tokens.id_token.claims["amr"] == ["pop", "pin", "otp", "mfa"]


@pytest.mark.clause("rfc10027-6.1.12-1")
async def test_the_sdk_gets_and_uses_tokens_bound_to_its_key(run_service: ServiceRunner):
    """With the nonces of token endpoint and resource, each asked for once (RFC 9449 8, 9)."""
    bound = {"profile": "fapi2-ciba", "dpop_bound_access_tokens": True}
    speaker = WireClient("speaker", metadata=bound)
    async with run_service(clients=[speaker]) as service:
        alice = await service.enrolled_phone("alice")
        configuration = ClientConfiguration(
            issuer=service.issuer,
            client_id=speaker.client_id,
            key=signing_key(speaker),
            dpop_bound_access_tokens=True,
        )
        async with CibaClient(configuration, clock=ClientTime(service.clock)) as client:
            async with client.authenticate(login_hint="alice", binding_message="W4SCT") as pending:
                await alice.approve_next()
                tokens = await pending.tokens()
            url = f"{service.issuer}/userinfo"
            async with httpx2.AsyncClient() as resource:
                headers = client.resource_headers(tokens, method="GET", url=url)
                refused = await resource.get(url, headers=headers)
                nonce = refused.headers["dpop-nonce"]
                headers = client.resource_headers(tokens, method="GET", url=url, nonce=nonce)
                answer = await resource.get(url, headers=headers)
    assert tokens.token_type is TokenType.DPOP
    assert refused.status_code == 401
    assert (answer.status_code, answer.json()["sub"]) == (200, "alice")
