"""The first attempt of an operation, and what becomes of those that find no answer."""

import asyncio
from typing import Any

import pytest

from ciba_service.clock import SystemClock
from ciba_service.ports import StoreUnavailable
from ciba_service.stores.driver.commands import StoreFault, StoreProgrammingError
from ciba_service.stores.driver.observer import Unobserved
from ciba_service.stores.operations import Operations


class Observed(Unobserved):
    """Counts attempts beyond the first, and operations given up."""

    repetitions = 0
    given_up = 0

    def repeated(self) -> None:
        """One more."""
        self.repetitions += 1

    def gave_up(self) -> None:
        """One more."""
        self.given_up += 1


class Scripted:
    """Commands whose replies are written down; None is one that never comes."""

    def __init__(self, *replies: object) -> None:
        self.replies = list(replies)
        self.issued: list[asyncio.Future[Any]] = []
        self.observer = Observed()

    def issue(self, *_: object) -> asyncio.Future[Any]:
        """Answer with the next of them."""
        future = asyncio.get_running_loop().create_future()
        self.issued.append(future)
        reply = self.replies.pop(0)
        if isinstance(reply, Exception):
            future.set_exception(reply)
        elif reply is not None:
            future.set_result(reply)
        return future


def operations(commands: Scripted, deadline_ms: int = 5_000) -> Operations:
    """Operations on these."""
    return Operations(commands, clock=SystemClock(), deadline_ms=deadline_ms)


async def test_an_answer_to_the_first_attempt_is_the_answer():
    """Nothing is sent twice."""
    commands = Scripted("reply")
    assert await operations(commands).call("GET", "k") == "reply"
    assert len(commands.issued) == 1


async def test_a_fault_is_made_good_by_the_next_attempt():
    """The same command is issued again."""
    commands = Scripted(StoreFault("lost"), "reply")
    assert await operations(commands).call("GET", "k") == "reply"
    assert len(commands.issued) == 2
    assert commands.observer.repetitions == 1


async def test_what_repeating_cannot_mend_is_not_repeated():
    """A refusal by Redis is raised at once."""
    commands = Scripted(StoreProgrammingError("no"))
    with pytest.raises(StoreProgrammingError):
        await operations(commands).call("GET", "k")
    assert len(commands.issued) == 1


async def test_an_answer_that_never_comes_is_waited_for_until_the_deadline():
    """Then the store counts as unavailable; the reply that was lost is the cause."""
    commands = Scripted(None)
    with pytest.raises(StoreUnavailable) as raised:
        await operations(commands, deadline_ms=20).call("GET", "k")
    assert isinstance(raised.value.__cause__, StoreFault)
    assert commands.observer.given_up == 1
    assert len(commands.issued) == 1


async def test_who_gives_up_waiting_takes_the_command_along():
    """The future of a caller that was cancelled is cancelled: it need not be sent any more."""
    commands = Scripted(None)
    waiting = asyncio.create_task(operations(commands).call("GET", "k"))
    await asyncio.sleep(0)
    waiting.cancel()
    await asyncio.gather(waiting, return_exceptions=True)
    assert waiting.cancelled()
    assert commands.issued[0].cancelled()


async def test_what_is_asked_of_a_closed_connection_is_unavailable():
    """A request that outlives the service is refused like any without a store, and is no defect."""

    class Closed(Scripted):
        def issue(self, *_: object) -> asyncio.Future[Any]:
            raise StoreFault("the connection to Redis is closed")

    operations = Operations(Closed(), clock=SystemClock(), deadline_ms=100)
    with pytest.raises(StoreUnavailable):
        await operations.call("GET", "key")
