"""Whoever opens sockets and authenticates on none of them keeps nobody else's phone out."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import pytest
from websockets.asyncio.client import ClientConnection
from websockets.exceptions import InvalidStatus

from ciba_service.sca.messages import CloseCode
from tests.services.running_service import RunningService
from tests.services.service_fixtures import ServiceRunner
from tests.wire.client import WireClient
from tests.wire.phone import WirePhone, WireSocket

STRANGER = {"x-real-ip": "2001:db8:0:1::1"}
STRANGER_AGAIN = {"x-real-ip": "2001:db8:0:1::2"}
NEIGHBOUR = {"x-real-ip": "2001:db8:0:2::1"}
SECTIONS = {
    "server": {"address_header": "X-Real-IP", "max_sockets": 32},
    "mtls": {"base_url": "https://mtls.bank.example", "proxies": ["127.0.0.1"]},
}
PART = 2
"""A sixteenth of all sockets."""


@pytest.fixture
async def behind(run_service: ServiceRunner, till: WireClient) -> AsyncIterator[RunningService]:
    """A service behind a proxy that tells addresses."""
    async with run_service(clients=[till], sections=SECTIONS) as running:
        yield running
        assert running.telemetry.failures == []


async def silent(
    stack: AsyncExitStack, phone: WirePhone, headers: dict[str, str]
) -> list[ClientConnection]:
    """As many sockets without a word as one address may have."""
    opened = [phone.raw_socket(additional_headers=headers) for _ in range(PART)]
    return [await stack.enter_async_context(each) for each in opened]


async def refused(phone: WirePhone, headers: dict[str, str]) -> bool:
    """Whether a handshake from there is answered 503, and when to come again."""
    try:
        async with phone.raw_socket(additional_headers=headers) as socket:
            await socket.recv()
    except InvalidStatus as error:
        answer = error.response
        assert answer.status_code == 503
        assert 0 < int(answer.headers["retry-after"]) <= 3
        assert b"temporarily_unavailable" in answer.body
        return True
    return False


async def test_one_address_has_a_part_of_the_sockets_only(behind: RunningService):
    """Of IPv6 what one subscriber has; everybody else's phone is let in."""
    phone = await behind.enrolled_phone()
    async with AsyncExitStack() as stack:
        await silent(stack, phone, STRANGER)
        assert await refused(phone, STRANGER_AGAIN)
        assert not await refused(phone, NEIGHBOUR)


async def test_what_ended_unknown_counts_for_a_while(behind: RunningService):
    """Its connection may last as long; else garbage would be a way to open many."""
    phone = await behind.enrolled_phone()
    async with AsyncExitStack() as stack:
        for socket in await silent(stack, phone, STRANGER):
            await socket.send("garbage")
            await asyncio.wait_for(socket.wait_closed(), 10)
            assert socket.close_code == CloseCode.MALFORMED
        assert await refused(phone, STRANGER)


async def test_phones_that_authenticated_do_not_count(behind: RunningService):
    """However many there are behind one address."""
    phone = await behind.enrolled_phone()
    async with AsyncExitStack() as stack:
        for _ in range(PART + 1):
            opening = phone.raw_socket(additional_headers=STRANGER)
            socket = WireSocket(await stack.enter_async_context(opening))
            hello = await socket.next("hello")
            await socket.send({"type": "authenticate", "proof": phone.proof(hello["nonce"])})
            await socket.next("welcome")
        await silent(stack, phone, STRANGER)
        assert await refused(phone, STRANGER)


async def test_where_nobody_says_who_it_is_nobody_is_counted(behind: RunningService):
    """Behind a proxy that tells no address there are many."""
    phone = await behind.enrolled_phone()
    async with AsyncExitStack() as stack:
        await silent(stack, phone, {})
        assert not await refused(phone, {})
