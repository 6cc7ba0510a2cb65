"""The door as it is configured: who is asked is what ``[outbound]`` says."""

import asyncio
import json
import secrets
import socket
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from ciba_service.channels.outbound import resolver
from ciba_service.ports.outbound import ClientKeysUnavailable, FailureReason, OutboundRequest
from ciba_service.protocol.jose.algorithms import SignatureAlgorithm
from ciba_service.settings import OutboundSettings
from ciba_service.wiring.outbound import OutboundParts, OutboundTls, build_outbound
from ciba_service.wiring.surroundings import Surroundings
from tests.fake_clock import FakeClock
from tests.services.recording_telemetry import RecordingTelemetry
from tests.unit.channels.outbound.far_ends import (
    FarEnd,
    answering,
    ca_file,
    far_end,
    server_certificate,
    server_context,
)
from tests.wire.signing import new_key, public_jwk

BODY = json.dumps({"keys": [public_jwk(new_key(kid="a"))]}).encode()
ANSWER = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%b"


def built(settings: OutboundSettings) -> OutboundParts:
    """The door of a service of these settings."""
    surroundings = Surroundings(
        clock=FakeClock(),
        store_clock=FakeClock(),
        random=secrets.token_bytes,
        telemetry=RecordingTelemetry(),
    )
    return build_outbound(settings, OutboundTls(settings), surroundings)


async def find(settings: OutboundSettings, uri: str) -> int:
    """How many keys stand there for a service of these settings."""
    outbound = built(settings)
    try:
        keys = await outbound.client_keys.find_keys(
            "till", uri, kid="a", alg=SignatureAlgorithm.ES256
        )
    finally:
        await outbound.aclose()
    return len(keys)


@asynccontextmanager
async def key_server(directory: Path, *, tls: bool = True) -> AsyncIterator[FarEnd]:
    """Somebody on this machine who publishes a key set."""
    context = server_context(directory, server_certificate(host="localhost")) if tls else None
    async with far_end(answering(ANSWER % (len(BODY), BODY)), context) as server:
        yield server


async def test_a_named_network_with_a_bundle_of_ones_own_is_asked(tmp_path: Path):
    """The name is resolved by the system, the certificate verified by the bundle."""
    settings = OutboundSettings(
        allowed_networks=("127.0.0.0/8", "::1"), ca_bundle=ca_file(tmp_path)
    )
    async with key_server(tmp_path) as server:
        assert await find(settings, server.url("/jwks", host="localhost")) == 1


async def test_names_of_clients_that_are_called_hold_no_key_set_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """However many of them are looked up and find no answer, keys are fetched beside them."""
    may_answer = threading.Event()

    def look_up(host: str, *arguments: Any, **options: Any) -> Any:
        if host.endswith(".example"):
            may_answer.wait(10)
            raise socket.gaierror(socket.EAI_AGAIN, "no answer")
        return real(host, *arguments, **options)

    real = socket.getaddrinfo
    monkeypatch.setattr(resolver.socket, "getaddrinfo", look_up)
    settings = OutboundSettings(
        allowed_networks=("127.0.0.0/8", "::1"), ca_bundle=ca_file(tmp_path)
    )
    outbound = built(settings)
    async with key_server(tmp_path) as server:
        calls = [
            asyncio.create_task(outbound.callbacks.send(_call(f"https://c{number}.example/")))
            for number in range(40)
        ]
        await asyncio.sleep(0)
        keys = await outbound.client_keys.find_keys(
            "till",
            server.url("/jwks", host="localhost"),
            kid="a",
            alg=SignatureAlgorithm.ES256,
        )
        assert len(keys) == 1
        assert not any(call.done() for call in calls)
        may_answer.set()
        reasons = {call.reason for call in await asyncio.gather(*calls)}  # type: ignore[union-attr]
        assert reasons == {FailureReason.UNRESOLVABLE}
    await outbound.aclose()


def _call(url: str) -> OutboundRequest:
    return OutboundRequest.notify(url, authorization="Bearer token", body=b"{}", deadline=10)


async def test_this_machine_is_not_asked_unless_it_is_named(tmp_path: Path):
    """By default only public addresses are open."""
    settings = OutboundSettings(ca_bundle=ca_file(tmp_path))
    async with key_server(tmp_path) as server:
        with pytest.raises(ClientKeysUnavailable, match="refused_address"):
            await find(settings, server.url("/jwks", host="localhost"))
        assert server.connections == 0


async def test_this_machine_is_asked_without_tls_in_development_only(tmp_path: Path):
    """With the switch, and not without."""
    async with key_server(tmp_path, tls=False) as server:
        uri = server.url("/jwks", host="localhost", scheme="http")
        assert await find(OutboundSettings(allow_loopback_http=True), uri) == 1
        with pytest.raises(ClientKeysUnavailable, match="refused_url"):
            await find(OutboundSettings(), uri)


async def test_all_ways_out_believe_the_same():
    """The authorities of the system are read once, and only when they are needed."""
    outbound = built(OutboundSettings())
    assert outbound.callbacks.prepare() is outbound.callbacks.prepare()
    await outbound.aclose()
    tls = OutboundTls(OutboundSettings())
    assert tls() is tls()


def test_a_file_that_is_wrong_is_told_at_the_start(tmp_path: Path):
    """Not by the first callback."""
    with pytest.raises(OSError, match="No such file"):
        OutboundTls(OutboundSettings(ca_bundle=str(tmp_path / "none.pem")))
