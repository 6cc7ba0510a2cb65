"""Which address is connected to: the one that was checked, or none."""

import asyncio
import socket
from contextlib import ExitStack

import pytest

from ciba_service.channels.outbound import OutboundLimits, SystemResolver
from ciba_service.channels.outbound import resolver as resolver_module
from ciba_service.channels.outbound.failure import NoAnswer
from ciba_service.ports.outbound import FailureReason, OutboundFailure, OutboundResponse
from tests.unit.channels.outbound.far_ends import (
    HOST,
    JSON,
    Names,
    Street,
    head_of,
    ip_name,
    server_certificate,
)


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1",
        "10.0.0.1",
        "169.254.169.254",
        "100.64.0.1",
        "0.0.0.0",  # noqa: S104 - to be refused
        "::1",
        "fe80::1",
        "fe80::1%lo",
        "fd00:ec2::254",
        "::ffff:127.0.0.1",
        "2002:7f00:1::",
        "64:ff9b::7f00:1",
    ],
)
async def test_an_address_that_is_not_public_is_refused(street: Street, address: str):
    """Nobody is asked there, whatever name leads to it."""
    far = await street.far_end()
    door = street.door(allowed=(), names=Names({HOST: [(address,)]}))
    assert await door.fetch(far.url("/secret?secret=1")) == OutboundFailure(
        FailureReason.REFUSED_ADDRESS, f"{HOST} is no address to be asked"
    )
    assert far.connections == 0


@pytest.mark.parametrize("host", ["127.0.0.1", "[::1]", "[::ffff:127.0.0.1]", "[2002:7f00:1::]"])
async def test_an_address_in_the_url_is_checked_likewise(street: Street, host: str):
    """Without a name there is nothing to resolve, but as much to refuse."""
    far, door = await street.far_end(), street.door(allowed=())
    assert await door.failure(far.url(host=host)) is FailureReason.REFUSED_ADDRESS
    assert far.connections == 0


async def test_one_refused_address_refuses_the_host(street: Street):
    """A host that has an allowed address and another is not asked at either."""
    far = await street.far_end()
    door = street.door(allowed=["127.0.0.1"], names=Names({HOST: [("127.0.0.1", "127.0.0.2")]}))
    assert await door.failure(far.url()) is FailureReason.REFUSED_ADDRESS
    assert far.connections == 0


async def test_a_name_server_that_changes_its_mind_is_asked_once(street: Street):
    """The address that was checked is connected to: a second answer could lead anywhere."""
    far = await street.far_end()
    door = street.door(allowed=["127.0.0.1"], names=Names({HOST: [("127.0.0.1",), ("127.0.0.2",)]}))
    assert isinstance(await door.fetch(far.url()), OutboundResponse)
    assert door.names.asked == [HOST]


async def test_a_new_connection_is_checked_anew(street: Street):
    """A name that led to an allowed address yesterday leads nowhere else today."""
    far = await street.far_end()
    door = street.door(
        allowed=["127.0.0.1"],
        names=Names({HOST: [("127.0.0.1",), ("127.0.0.2",)]}),
        limits=OutboundLimits(keep_alive=0),
    )
    assert isinstance(await door.fetch(far.url()), OutboundResponse)
    assert await door.failure(far.url()) is FailureReason.REFUSED_ADDRESS
    assert far.connections == 1


async def test_the_next_address_is_tried(street: Street):
    """A host with a dead address is reached at its other one."""
    far = await street.far_end()
    door = street.door(names=Names({HOST: [("127.0.0.2", "127.0.0.1")]}))
    assert isinstance(await door.fetch(far.url()), OutboundResponse)


async def test_an_address_that_swallows_everything_leaves_time_for_the_next(street: Street):
    """No attempt to connect takes all of the time."""
    far = await street.far_end()
    door = street.door(names=Names({HOST: [("127.0.0.2", "127.0.0.1")]}))
    with ExitStack() as sockets:
        full = sockets.enter_context(socket.socket())
        full.bind(("127.0.0.2", far.port))
        full.listen(0)
        for _ in range(3):  # whoever comes after them gets no answer from the system
            waiting = sockets.enter_context(socket.socket())
            waiting.settimeout(0)
            waiting.connect_ex(full.getsockname())
        assert isinstance(await door.fetch(far.url(), deadline=1.5), OutboundResponse)
        alone = street.door(names=Names({HOST: [("127.0.0.2",)]}))
        assert await alone.failure(far.url(), deadline=0.4) is FailureReason.CONNECT_FAILED


async def test_a_host_that_does_not_answer_is_told_so(street: Street):
    """Nobody listens on the port."""
    far = await street.far_end()
    door = street.door(names=Names({HOST: [("127.0.0.2", "127.0.0.3")]}))
    assert await door.fetch(far.url("/secret?secret=1")) == OutboundFailure(
        FailureReason.CONNECT_FAILED, f"{HOST} port {far.port} does not answer"
    )


async def test_a_host_that_is_not_there_is_told_so(street: Street):
    """A name without addresses."""
    assert await street.door(names=Names({})).fetch(f"https://{HOST}/") == OutboundFailure(
        FailureReason.UNRESOLVABLE, f"{HOST} has no address"
    )


@pytest.mark.parametrize(
    "url",
    [
        "http://keys.till.example/",
        "ftp://keys.till.example/",
        "https://me@keys.till.example/",
        "https://keys.till.example/#fragment",
        "keys.till.example",
        "",
    ],
)
async def test_only_https_urls_are_asked(street: Street, url: str):
    """Neither name servers nor anybody else hears of any other."""
    door = street.door()
    assert await door.failure(url) is FailureReason.REFUSED_URL
    assert door.names.asked == []


async def test_loopback_may_be_asked_without_tls_in_development(street: Street):
    """With the switch on, http leads to this machine without any allowed network."""
    far = await street.far_end(tls=False)
    names = Names({"localhost": [("127.0.0.1",)]})
    door = street.door(allowed=(), names=names, allow_loopback_http=True)
    for host in ("127.0.0.1", "localhost"):
        assert isinstance(await door.fetch(far.url(host=host, scheme="http")), OutboundResponse)


@pytest.mark.parametrize("address", ["198.51.100.1", "10.0.0.1", "9.9.9.9", "nonsense"])
async def test_no_other_machine_is_asked_without_tls(street: Street, address: str):
    """The switch opens loopback, whatever else is allowed."""
    names = Names({HOST: [(address,)]})
    door = street.door(
        allowed=["198.51.100.1", "10.0.0.0/8"], names=names, allow_loopback_http=True
    )
    assert await door.failure(f"http://{HOST}/") is FailureReason.REFUSED_ADDRESS


async def test_a_dead_host_holds_nobody_else(street: Street):
    """Many requests to a host that never answers take no place from those to another."""
    arrived = asyncio.Semaphore(0)

    async def silent(reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None:
        await head_of(reader)
        arrived.release()
        await asyncio.Event().wait()

    dead_certificate = server_certificate(names=[ip_name("127.0.0.1")])
    dead, far = await street.far_end(silent, dead_certificate), await street.far_end(JSON)
    door = street.door(limits=OutboundLimits(total=3, per_host=2))
    asking = [
        asyncio.create_task(door.fetch(dead.url(host="127.0.0.1"), deadline=30)) for _ in range(20)
    ]
    for _ in range(2):
        await arrived.acquire()
    for _ in range(5):
        assert isinstance(await door.fetch(far.url()), OutboundResponse)
    assert dead.connections == 2
    for task in asking:
        task.cancel()
    await asyncio.gather(*asking, return_exceptions=True)


async def test_waiting_for_a_place_counts(street: Street):
    """A request that gets none within its deadline ends with it, and takes none afterwards."""
    arrived, gate = asyncio.Event(), asyncio.Event()

    async def slow(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while await head_of(reader):
            arrived.set()
            await gate.wait()
            writer.write(JSON)

    far = await street.far_end(slow)
    door = street.door(limits=OutboundLimits(per_host=1))
    first = asyncio.create_task(door.fetch(far.url()))
    await arrived.wait()
    assert await door.failure(far.url(), deadline=0.05) is FailureReason.TIMEOUT
    gate.set()
    assert isinstance(await first, OutboundResponse)
    assert isinstance(await door.fetch(far.url()), OutboundResponse)
    assert len(far.requests) == 2


async def test_the_system_knows_this_machine():
    """Its own name is found, each address once."""
    resolver = SystemResolver()
    one, other = await asyncio.gather(*[resolver.addresses("localhost") for _ in range(2)])
    assert one is other
    assert "127.0.0.1" in one
    assert len(set(one)) == len(one)
    assert await resolver.addresses("localhost") == one
    resolver.close()


async def test_the_system_knows_no_other(monkeypatch: pytest.MonkeyPatch):
    """A name that is not found has no address."""

    def nobody(*_: object, **__: object) -> list[object]:
        raise socket.gaierror(socket.EAI_NONAME, "no such name")

    monkeypatch.setattr(resolver_module.socket, "getaddrinfo", nobody)
    resolver = SystemResolver()
    with pytest.raises(NoAnswer) as caught:
        await resolver.addresses(HOST)
    assert caught.value.failure.reason is FailureReason.UNRESOLVABLE
    resolver.close()
