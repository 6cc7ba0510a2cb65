"""Which address is connected to: the one that was checked, or none."""

import asyncio
import socket
import sys
import threading
from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from ciba_service.channels.outbound import OutboundLimits, ResolverLimits, SystemResolver
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
        assert await alone.failure(far.url(), deadline=1) is FailureReason.CONNECT_FAILED


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


async def test_a_request_that_finds_no_place_was_not_sent(street: Street):
    """It waits for half of its deadline, says that we are busy, and takes no place afterwards."""
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
    assert await door.failure(far.url(), deadline=0.05) is FailureReason.BUSY
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


async def test_waiting_takes_nothing_from_the_time_of_an_exchange(street: Street):
    """Whoever got a place late still has the whole deadline for the answer."""
    gates = [asyncio.Event() for _ in range(2)]
    arrived: asyncio.Queue[None] = asyncio.Queue()

    async def slow(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while await head_of(reader):
            arrived.put_nowait(None)
            await gates.pop(0).wait()
            writer.write(JSON)

    far = await street.far_end(slow)
    door = street.door(limits=OutboundLimits(per_host=1))
    first_gate, second_gate = gates
    first = asyncio.create_task(door.fetch(far.url(), deadline=10))
    await arrived.get()
    loop = asyncio.get_running_loop()
    second = asyncio.create_task(door.fetch(far.url(), deadline=2))
    began = loop.time()
    loop.call_later(0.6, first_gate.set)
    await arrived.get()
    assert loop.time() - began >= 0.59
    loop.call_later(1.6, second_gate.set)
    assert isinstance(await second, OutboundResponse)
    assert isinstance(await first, OutboundResponse)


@pytest.fixture
def name_server(monkeypatch: pytest.MonkeyPatch) -> Iterator[threading.Event]:
    """A system that answers about ``slow…`` when it may, and about others at once."""
    may_answer = threading.Event()

    def answer(host: str, *_: object, **__: object) -> list[object]:
        if host.startswith("slow") and not may_answer.wait(10):
            raise AssertionError("nobody let it answer")
        return [(None, None, None, "", ("192.0.2.1", 0))]

    monkeypatch.setattr(resolver_module.socket, "getaddrinfo", answer)
    yield may_answer
    may_answer.set()


LIMITS = ResolverLimits(usual=2, slow=1, slow_seconds=0.02, patience=0.05)


async def all_asked(resolver: SystemResolver, names: list[str]) -> list[asyncio.Task[object]]:
    """Ask for all at once, and see to it that each has begun."""
    asking: list[asyncio.Task[object]] = [
        asyncio.create_task(resolver.addresses(name)) for name in names
    ]
    for _ in range(5):
        await asyncio.sleep(0)
    return asking


async def test_names_that_are_slow_leave_places_to_others(name_server: threading.Event):
    """Once known to be slow they share a place of their own; a good name is found beside them."""
    resolver = SystemResolver(LIMITS)
    names = ["slow-1", "slow-2"]
    first = await all_asked(resolver, names)
    asyncio.get_running_loop().call_later(0.03, name_server.set)
    await asyncio.gather(*first)
    name_server.clear()
    again = await all_asked(resolver, names)
    for number in range(5):
        assert await resolver.addresses(f"good-{number}") == ("192.0.2.1",)
    with pytest.raises(NoAnswer) as caught:
        await again[1]
    assert caught.value.failure.reason is FailureReason.BUSY
    name_server.set()
    assert await again[0] == ("192.0.2.1",)
    resolver.close()


async def test_a_name_that_answers_in_time_again_is_slow_no_more(name_server: threading.Event):
    """Its last answer counts."""
    resolver = SystemResolver(LIMITS)
    first = await all_asked(resolver, ["slow-1"])
    asyncio.get_running_loop().call_later(0.03, name_server.set)
    await asyncio.gather(*first)
    await resolver.addresses("slow-1")
    name_server.clear()
    asking = await all_asked(resolver, ["slow-1", "slow-2"])
    with pytest.raises(NoAnswer) as caught:
        await resolver.addresses("good")
    assert caught.value.failure.reason is FailureReason.BUSY
    name_server.set()
    await asyncio.gather(*asking)
    resolver.close()


async def test_how_many_slow_names_are_known_is_bounded(
    name_server: threading.Event, monkeypatch: pytest.MonkeyPatch
):
    """The first one is forgotten, and asked for beside good ones again."""
    monkeypatch.setattr(resolver_module, "_MOST_SLOW_NAMES", 1)
    name_server.set()
    resolver = SystemResolver(ResolverLimits(usual=1, slow=1, slow_seconds=0.0, patience=0.05))
    await resolver.addresses("slow-1")
    await resolver.addresses("slow-2")
    name_server.clear()
    asking = await all_asked(resolver, ["slow-1", "slow-2"])
    name_server.set()
    assert await asyncio.gather(*asking) == [("192.0.2.1",)] * 2
    resolver.close()


async def test_questions_end_with_the_resolver(name_server: threading.Event):
    """Whoever waits is told so at once; the thread is left alone."""
    resolver = SystemResolver(LIMITS)
    (asking,) = await all_asked(resolver, ["slow-1"])
    resolver.close()
    with pytest.raises(asyncio.CancelledError):
        await asking
    name_server.set()


SILENT = """
import asyncio, socket, time
from ciba_service.channels.outbound import SystemResolver

async def main():
    resolver, asked = SystemResolver(), asyncio.Event()
    loop = asyncio.get_running_loop()
    def never(*_, **__):
        loop.call_soon_threadsafe(asked.set)
        time.sleep(600)
    socket.getaddrinfo = never
    asking = asyncio.create_task(resolver.addresses("slow.example"))
    await asked.wait()
    resolver.close()

asyncio.run(main())
"""


async def test_no_process_waits_at_its_end_for_a_name_server():
    """Whoever lets its name server say nothing must not hold up a restart."""
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", SILENT)
    async with asyncio.timeout(30):
        assert await process.wait() == 0


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
