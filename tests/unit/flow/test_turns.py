"""Turns: so many at once for a name, some more in line, and no name holds another up."""

import asyncio

from ciba_service.flow.due.turns import Turns

PATIENT, IMPATIENT = 60.0, 0.0


class Visitor:
    """Somebody who comes for a turn, and keeps it until told to leave."""

    def __init__(self, turns: Turns, name: str = "a") -> None:
        self._turns, self._name = turns, name
        self._leaves = asyncio.Event()
        self._got_it = asyncio.Event()
        self._visit = asyncio.create_task(self._stay())

    @classmethod
    async def come(cls, turns: Turns, name: str = "a") -> "Visitor":
        """Be in line before anybody else comes."""
        visitor = cls(turns, name)
        await asyncio.sleep(0)
        return visitor

    async def _stay(self) -> None:
        async with self._turns.turn(self._name, patience=PATIENT) as has_turn:
            assert has_turn
            self._got_it.set()
            await self._leaves.wait()

    async def got_it(self) -> None:
        """Wait until it is this one's turn."""
        async with asyncio.timeout(10):
            await self._got_it.wait()

    async def leave(self) -> None:
        """End the turn."""
        self._leaves.set()
        await self._visit

    async def lose_heart(self) -> None:
        """Leave the line."""
        self._visit.cancel()
        await asyncio.wait({self._visit})


async def gets_a_turn(turns: Turns, name: str = "a", *, patience: float = IMPATIENT) -> bool:
    """Whether there is one for whoever waits so long."""
    async with asyncio.timeout(10), turns.turn(name, patience=patience) as granted:
        return granted


async def test_so_many_have_a_turn_at_once_and_others_follow_in_their_order():
    """Each name for itself."""
    turns = Turns(at_once=2, waiting=2)
    first, second, third, fourth = [await Visitor.come(turns) for _ in range(4)]
    await first.got_it()
    await second.got_it()
    assert await gets_a_turn(turns, "b")
    await second.leave()
    await third.got_it()
    await first.leave()
    await fourth.got_it()
    assert not await gets_a_turn(turns)
    await third.leave()
    await fourth.leave()
    assert await gets_a_turn(turns)


async def test_whoever_finds_the_line_full_is_sent_away_at_once():
    """However patient."""
    turns = Turns(at_once=1, waiting=1)
    has, waits = await Visitor.come(turns), await Visitor.come(turns)
    assert not await gets_a_turn(turns, patience=PATIENT)
    await has.leave()
    await waits.leave()


async def test_whoever_went_without_a_turn_leaves_everything_as_it_was():
    """Sent away, out of patience or cancelled: the line is as long as before, and goes on."""
    turns = Turns(at_once=1, waiting=1)
    has = await Visitor.come(turns)
    for _ in range(3):
        assert not await gets_a_turn(turns)
    cancelled = await Visitor.come(turns)
    assert not await gets_a_turn(turns, patience=PATIENT)
    await cancelled.lose_heart()
    assert not await gets_a_turn(turns)
    waits = await Visitor.come(turns)
    assert not await gets_a_turn(turns, patience=PATIENT)
    await has.leave()
    await waits.got_it()
    assert not await gets_a_turn(turns)
    await waits.leave()
    assert await gets_a_turn(turns)
