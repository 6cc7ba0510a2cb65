"""Clients behind one host, as behind a gateway: a dead one holds up no other."""

import asyncio
from pathlib import Path

from tests.services.service_fixtures import ServiceRunner
from tests.wire.callback_endpoint import CallbackEndpoint, callback_endpoint, outbound_section
from tests.wire.client import WireClient

TOKEN = "notify-me-with-this-token"
OPEN_PROMPTS = 5


def pinged(client_id: str, endpoint: CallbackEndpoint) -> WireClient:
    """A client that is pinged."""
    return WireClient(
        client_id,
        metadata={
            "backchannel_token_delivery_mode": "ping",
            "backchannel_client_notification_endpoint": endpoint.url,
        },
    )


async def test_a_dead_client_leaves_room_for_others_on_its_host(
    run_service: ServiceRunner, tmp_path: Path
):
    """All its places are taken by callbacks that nobody answers; a neighbour is pinged at once."""
    async with callback_endpoint(tmp_path) as well, callback_endpoint(tmp_path) as dead:
        dead.may_answer.clear()
        clients = [pinged("well", well), pinged("dead", dead)]
        sections = {"outbound": outbound_section(tmp_path), "delivery": {"callback_delay_ms": 0}}
        async with run_service(clients=clients, sections=sections) as bank:
            phone = await bank.enrolled_phone("alice")
            for _ in range(OPEN_PROMPTS):
                await bank.clients["dead"].started(client_notification_token=TOKEN)
                await phone.approve_next()
            auth_req_id = await bank.clients["well"].started(client_notification_token=TOKEN)
            await phone.approve_next()
            async with asyncio.timeout(3):  # a place on a busy host is waited for five
                assert (await well.next()).json == {"auth_req_id": auth_req_id}
            assert len(dead.received) < OPEN_PROMPTS
