"""Pings go over TLS, to whoever has the certificate of the host, or not at all (CIBA 9)."""

import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from ipaddress import IPv4Address
from pathlib import Path

import pytest
from cryptography import x509

from ciba_service.settings import InvalidSettingsError, parse_settings
from ciba_service.stores.keys import partition_of
from tests.services.recording_telemetry import Event
from tests.services.running_service import USERS, RunningService, _toml
from tests.services.service_fixtures import ServiceRunner
from tests.unit.channels.outbound.far_ends import far_end, server_certificate, server_context
from tests.unit.listening.tls.listeners import ALWAYS, write_pem
from tests.unit.protocol.client.certificates.authority import alternative, key, self_signed
from tests.wire.callback_endpoint import ADDRESS, CallbackEndpoint, outbound_section
from tests.wire.client import WireClient

TOKEN = "notify-me-with-this-token"
HOST = x509.IPAddress(IPv4Address(ADDRESS))
GOOD = server_certificate(names=[HOST])
BAD = {
    "self-signed": self_signed(
        "shop", owner="far", extensions=[alternative(HOST)], days=ALWAYS
    ),
    "of an authority that is not in the bundle": server_certificate(names=[HOST], signer="others"),
    "of another host": server_certificate(names=[x509.IPAddress(IPv4Address("127.0.0.2"))]),
    "expired": server_certificate(names=[HOST], days=(-30, -11)),
}  # fmt: skip


@asynccontextmanager
async def pinging(
    run_service: ServiceRunner,
    directory: Path,
    context: ssl.SSLContext,
) -> AsyncIterator[tuple[RunningService, CallbackEndpoint]]:
    """A service that pings a shop, with a bundle of one authority, and a request approved."""
    endpoint = CallbackEndpoint()
    async with far_end(endpoint, context) as server:
        metadata = {
            "backchannel_token_delivery_mode": "ping",
            "backchannel_client_notification_endpoint": server.url("/ping", host=ADDRESS),
        }
        shop = WireClient("shop", metadata=metadata)
        sections = {"outbound": outbound_section(directory), "delivery": {"callback_delay_ms": 0}}
        async with run_service(clients=[shop], sections=sections) as bank:
            phone = await bank.enrolled_phone("alice")
            await shop.started(client_notification_token=TOKEN)
            await phone.approve_next()
            yield bank, endpoint


async def attempted(bank: RunningService, number: int) -> Event:
    """The ``number``-th attempt, made at its time; what was written down then comes after it."""
    if number > 1:
        due = (await bank.telemetry.seen("callback_due", number - 1)).fields
        bank.clock.advance((int(str(due["again_at"])) - bank.clock.now_ms()) / 1000)
        await bank.service.worker.work_off(partition_of(str(due["transaction_id"])))
    return await bank.telemetry.seen("callback_attempted", number)


@pytest.mark.clause("ciba-9-1")
@pytest.mark.parametrize("name", BAD)
async def test_whoever_lacks_the_certificate_of_the_host_hears_nothing(
    run_service: ServiceRunner, tmp_path: Path, name: str
):
    """Each attempt ends in the handshake; it is tried again, and given up at last."""
    context = server_context(tmp_path, BAD[name])
    async with pinging(run_service, tmp_path, context) as (bank, endpoint):
        number = 0
        while not bank.telemetry.named("callback_abandoned"):
            number += 1
            assert (await attempted(bank, number)).fields["failure"] == "tls_failed"
            # An attempt is followed by another that is due, or by the end.
            while len(bank.telemetry.named("callback_due")) < number:
                if bank.telemetry.named("callback_abandoned"):
                    break
                await bank.telemetry.next()
        assert number > 1
        (abandoned,) = bank.telemetry.named("callback_abandoned")
        assert (abandoned.fields["reason"], abandoned.fields["attempts"]) == ("too_late", number)
        assert endpoint.received == []
        assert bank.telemetry.failures == []


@pytest.mark.clause("ciba-9-1")
async def test_a_certificate_that_is_put_right_is_believed(
    run_service: ServiceRunner, tmp_path: Path
):
    """The same server, with a certificate of the configured authority: the ping arrives."""
    context = server_context(tmp_path, BAD["expired"])
    async with pinging(run_service, tmp_path, context) as (bank, endpoint):
        assert (await attempted(bank, 1)).fields["failure"] == "tls_failed"
        context.load_cert_chain(*write_pem(tmp_path, "mended", [GOOD], key(owner="far")))
        assert (await attempted(bank, 2)).fields["status"] == 204
        assert (await endpoint.next()).headers["authorization"] == f"Bearer {TOKEN}"
        await bank.telemetry.seen("callback_delivered")


@pytest.mark.clause("ciba-9-1")
@pytest.mark.parametrize("issuer", ["https://op.example", "http://127.0.0.1:8080"])
def test_without_tls_no_client_is_called(issuer: str):
    """Such an endpoint stops the start; only development may say otherwise of its own machine."""
    metadata = {
        "backchannel_token_delivery_mode": "ping",
        "backchannel_client_notification_endpoint": "http://127.0.0.1/ping",
    }
    text = _toml(issuer, [WireClient("shop", metadata=metadata)], USERS, {})
    with pytest.raises(InvalidSettingsError, match="backchannel_client_notification_endpoint"):
        parse_settings(text, {})
