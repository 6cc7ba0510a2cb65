"""Places for exchanges: a dead host keeps its own, many dead hosts keep half of all."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress

import pytest

from ciba_service.channels.outbound import slots as module
from ciba_service.channels.outbound.failure import NoAnswer
from ciba_service.channels.outbound.slots import OutboundLimits, Slots
from ciba_service.ports.outbound import FailureReason


class Broken(Exception):
    """An exchange that failed."""


async def fail(slots: Slots, host: str) -> None:
    """Let an exchange fail."""
    with suppress(Broken):
        async with slots.take(host):
            raise Broken


async def succeed(slots: Slots, host: str) -> None:
    """Let an exchange succeed."""
    async with slots.take(host):
        pass


async def is_free(slots: Slots, host: str) -> bool:
    """Whether an exchange with a host could begin now."""
    taking = asyncio.create_task(succeed(slots, host))
    for _ in range(5):
        await asyncio.sleep(0)
    if taking.done():
        return True
    taking.cancel()
    await asyncio.gather(taking, return_exceptions=True)
    return False


@asynccontextmanager
async def held(slots: Slots, *hosts: str) -> AsyncIterator[None]:
    """Exchanges that go on."""
    async with AsyncExitStack() as stack:
        for host in hosts:
            await stack.enter_async_context(slots.take(host))
        yield


async def test_a_host_has_its_own_places():
    """Those beyond them wait, those of others do not."""
    slots = Slots(OutboundLimits(total=9, per_host=2))
    async with held(slots, "a", "a"):
        assert not await is_free(slots, "a")
        assert await is_free(slots, "b")
    assert await is_free(slots, "a")


async def test_all_hosts_share_a_total():
    """Also hosts that nobody asks yet."""
    slots = Slots(OutboundLimits(total=2, per_host=2))
    async with held(slots, "a", "b"):
        assert not await is_free(slots, "c")
    assert await is_free(slots, "c")


async def test_hosts_that_failed_share_fewer_places():
    """However many are dead, those that answer find room beside them."""
    slots = Slots(OutboundLimits(total=4, per_host=2, suspects=2))
    for host in ("dead-1", "dead-2", "dead-3"):
        await fail(slots, host)
    async with held(slots, "dead-1", "dead-2"):
        assert not await is_free(slots, "dead-3")
        assert await is_free(slots, "alive")
    assert await is_free(slots, "dead-3")


async def test_a_host_that_answers_again_is_like_the_others():
    """Only the last exchange counts."""
    slots = Slots(OutboundLimits(total=4, per_host=2, suspects=1))
    for host in ("dead", "back"):
        await fail(slots, host)
    await succeed(slots, "back")
    async with held(slots, "dead"):
        assert await is_free(slots, "back")


async def test_waiting_for_a_place_is_no_failure():
    """A host is not suspected because others took all places."""
    slots = Slots(OutboundLimits(total=2, per_host=2, suspects=1))
    await fail(slots, "dead")
    async with held(slots, "a", "a"):
        assert not await is_free(slots, "b")
    async with held(slots, "dead"):
        assert await is_free(slots, "b")


async def test_a_host_that_was_not_asked_for_want_of_a_place_is_not_suspected():
    """Its name could not be looked up, by our own limits."""
    slots = Slots(OutboundLimits(total=4, per_host=2, suspects=1))
    for reason, suspected in ((FailureReason.BUSY, []), (FailureReason.UNRESOLVABLE, ["a"])):
        with suppress(NoAnswer):
            async with slots.take("a"):
                raise NoAnswer(reason, "why")
        assert list(slots._suspects) == suspected


async def test_no_host_is_remembered_for_ever(monkeypatch: pytest.MonkeyPatch):
    """Neither those that answered nor more than so many of those that did not."""
    monkeypatch.setattr(module, "_MAXIMUM_SUSPECTS", 2)
    slots = Slots(OutboundLimits())
    await succeed(slots, "alive")
    for host in ("dead-1", "dead-2", "dead-3"):
        await fail(slots, host)
    assert list(slots._suspects) == ["dead-2", "dead-3"]
    assert slots._hosts == {}
