"""What goes wrong, one task a kind, all drawn from the seed and counted."""

import asyncio
import random
from collections import Counter
from collections.abc import Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final

from benchmarks.soak.history import FAILOVER, NOBODY, History, Kind
from benchmarks.soak.jumping_service import ClockHand
from benchmarks.soak.killing_proxy import KillingProxy, When
from benchmarks.soak.phones import Phone
from benchmarks.soak.processes import Processes
from benchmarks.soak.stores import Store

__all__ = ["Fault", "Faults"]


class Fault(StrEnum):
    """A kind of fault that is injected from outside the flows."""

    KILLS = "kills"
    POINTS = "points"
    TERMINATIONS = "terminations"
    REDIS_KILLS = "redis-kills"
    REDIS_STOPS = "redis-stops"
    FAILOVERS = "failovers"
    FLAPS = "flaps"
    CLOCKS = "clocks"


_PAUSES: Final[Mapping[Fault, tuple[float, float]]] = {
    Fault.KILLS: (3.0, 7.0),
    Fault.POINTS: (2.0, 5.0),
    Fault.TERMINATIONS: (4.0, 9.0),
    Fault.REDIS_KILLS: (12.0, 25.0),
    Fault.REDIS_STOPS: (8.0, 20.0),
    Fault.FAILOVERS: (1.0, 4.0),
    Fault.FLAPS: (0.05, 0.5),
    Fault.CLOCKS: (2.0, 6.0),
}
_POINT_SECONDS: Final = 20.0
_FURTHEST_MS: Final = 15_000


@dataclass
class Faults:
    """Whatever there is to break; ``seed`` says when and what."""

    processes: Processes
    store: Store
    phones: Sequence[Phone]
    proxies: Mapping[int, KillingProxy]
    hands: Mapping[int, ClockHand]
    history: History
    seed: int
    slower: float = 1.0
    """By how much the pauses between faults are longer."""
    counts: Counter[str] = field(default_factory=Counter)
    _changing: set[int] = field(default_factory=set)
    _failing: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def inject(self, kinds: Sequence[Fault]) -> None:
        """Until cancelled."""
        makers: dict[Fault, Callable[[random.Random], Coroutine[Any, Any, None]]] = {
            Fault.KILLS: self._kill,
            Fault.POINTS: self._kill_at_a_point,
            Fault.TERMINATIONS: self._terminate,
            Fault.REDIS_KILLS: self._kill_redis,
            Fault.REDIS_STOPS: self._stop_redis,
            Fault.FAILOVERS: self._fail_over,
            Fault.FLAPS: self._flap,
            Fault.CLOCKS: self._set_a_clock,
        }
        async with asyncio.TaskGroup() as tasks:
            for kind in kinds:
                tasks.create_task(self._again_and_again(kind, makers[kind]))

    async def repair(self) -> None:
        """Everything as it was, so that whatever is open can end."""
        self.store.go_on()
        await self.store.start()
        self.history.note(NOBODY, Kind.STORE_WORKS)
        for proxy in self.proxies.values():
            proxy.disarm()
        for process, hand in self.hands.items():
            hand.set(0)
            self.history.note(NOBODY, Kind.CLOCK, process=process, number=0)
        ended = [each.number for each in self.processes.all if not each.is_ready]
        await asyncio.gather(*map(self.processes.restart, ended))

    async def _again_and_again(
        self, kind: Fault, make: Callable[[random.Random], Coroutine[Any, Any, None]]
    ) -> None:
        chance = random.Random(f"{self.seed} {kind}")  # noqa: S311 - no secret
        shortest, longest = _PAUSES[kind]
        while True:
            await asyncio.sleep(chance.uniform(shortest, longest) * self.slower)
            await make(chance)

    def _victim(self, chance: random.Random) -> int | None:
        """A process that runs and that nobody else is about to end; another one is left."""
        ready = [each.number for each in self.processes.all if each.is_ready]
        free = [number for number in ready if number not in self._changing]
        return chance.choice(free) if len(ready) > 1 and free else None

    async def _kill(self, chance: random.Random) -> None:
        victim = self._victim(chance)
        if victim is None:
            return
        self._changing.add(victim)
        if self.processes.kill(victim):
            self.counts["kill -9 at random"] += 1
            await self._back(victim)
        self._changing.discard(victim)

    async def _kill_at_a_point(self, chance: random.Random) -> None:
        for number, proxy in self.proxies.items():
            ready = [each.number for each in self.processes.all if each.is_ready]
            if number in self._changing or number not in ready or len(ready) == 1:
                continue
            self._changing.add(number)
            when = chance.choice(list(When))
            proxy.arm(when)
            if await self._died(number):
                self.counts[f"kill -9 {when} a script"] += 1
                await self._back(number)
            proxy.disarm()
            self._changing.discard(number)

    async def _died(self, number: int) -> bool:
        one = self.processes.all[number]
        for _ in range(int(_POINT_SECONDS / 0.02)):
            if not one.is_ready:
                return True
            await asyncio.sleep(0.02)
        return False

    async def _terminate(self, chance: random.Random) -> None:
        victim = self._victim(chance)
        if victim is None:
            return
        self._changing.add(victim)
        await self.processes.terminate(victim)
        self.counts["SIGTERM"] += 1
        await self._back(victim)
        self._changing.discard(victim)

    async def _back(self, number: int) -> None:
        """Start it again; it may have to wait for a store that is away."""
        await self.processes.restart(number)

    async def _kill_redis(self, chance: random.Random) -> None:
        await self._fail("kill -9 of Redis, restarted on its file", "killed", chance)

    async def _fail_over(self, chance: random.Random) -> None:
        await self._fail("kill -9 of a master of Redis, with failover", FAILOVER, chance)

    async def _fail(self, what: str, how: str, chance: random.Random) -> None:
        async with self._failing:
            self.history.note(NOBODY, Kind.STORE_FAILS, how)
            self.counts[what] += 1
            await self.store.fail(chance)
            self.history.note(NOBODY, Kind.STORE_WORKS)

    async def _stop_redis(self, chance: random.Random) -> None:
        async with self._failing:
            self.history.note(NOBODY, Kind.STORE_FAILS, "stopped")
            self.store.stop()
            self.counts["Redis stopped for up to 3 s"] += 1
            try:
                await asyncio.sleep(chance.uniform(0.3, 3.0))
            finally:
                self.store.go_on()
            self.history.note(NOBODY, Kind.STORE_WORKS)

    async def _flap(self, chance: random.Random) -> None:
        phone = chance.choice(self.phones)
        self.counts["phones that closed their socket"] += 1
        await phone.flap()

    async def _set_a_clock(self, chance: random.Random) -> None:
        process, hand = chance.choice(list(self.hands.items()))
        offset = chance.choice((0, chance.randrange(-_FURTHEST_MS, _FURTHEST_MS)))
        hand.set(offset)
        self.counts["clock jumps of a process by up to 15 s"] += 1
        self.history.note(NOBODY, Kind.CLOCK, process=process, number=abs(offset) // 1000 + 1)
