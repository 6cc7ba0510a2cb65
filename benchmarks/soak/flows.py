"""Flows as their clients live them: each asks, waits, asks again, by its plan."""

import asyncio
import random
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, TypeVar

from benchmarks.soak.clients import Client, Tokens
from benchmarks.soak.history import Answered, History, Kind
from benchmarks.soak.plan import Plan
from benchmarks.soak.processes import Processes
from benchmarks.soak.wire import Door, NotSent
from ciba_service.sca.messages import transaction_id

__all__ = ["Flows"]

_T = TypeVar("_T")

_PAUSE: Final = (0.02, 0.2)
_PATIENCE: Final = 1.5
"""Seconds after which a client that waits for nothing in particular polls again."""
_LAST_SECONDS: Final = 75.0
"""For how long after the expiry a client goes on asking."""
_WAIT: Final = 8
_PING_SECONDS: Final = 60.0
_TERMINAL: Final = {
    Answered.TOKENS.value,
    Answered.DENIED.value,
    Answered.EXPIRED.value,
    Answered.INVALID.value,
}


@dataclass
class _Signals:
    """What a flow waits for."""

    decided: asyncio.Event = field(default_factory=asyncio.Event)
    called: asyncio.Event = field(default_factory=asyncio.Event)


class Flows:
    """All flows: ``run`` lives one of them."""

    def __init__(
        self,
        *,
        processes: Processes,
        history: History,
        plan: Callable[[int], Plan],
        user_name: Callable[[int], str],
        seed: int,
    ) -> None:
        self.ended = 0
        self._processes = processes
        self._history = history
        self._clients: Mapping[str, Sequence[Client]] = {}
        self._plan = plan
        self._user_name = user_name
        self._names: dict[str, int] = {}
        self._signals: dict[int, _Signals] = {}
        self._chance = random.Random(seed)  # noqa: S311 - no secret

    def take_clients(self, clients: Mapping[str, Sequence[Client]]) -> None:
        """Whose flows they are, by delivery mode."""
        self._clients = clients

    def seen(self, number: int, name: str) -> Plan:
        """A phone or a client has learnt which transaction a flow is."""
        self._names[name] = number
        return self._plan(number)

    def flow_of(self, name: str) -> int | None:
        """The flow of a transaction that somebody has seen."""
        return self._names.get(name)

    def decided(self, number: int) -> None:
        """A phone is done with it."""
        if number in self._signals:
            self._signals[number].decided.set()

    def called(self, number: int) -> None:
        """Its client was called back."""
        if number in self._signals:
            self._signals[number].called.set()

    async def run(self, number: int) -> None:
        """Live one to its end."""
        plan = self._plan(number)
        choice = self._clients[plan.mode]
        one = _Flow(self, plan, choice[number % len(choice)], self._signals)
        self._signals[number] = one.signals
        try:
            await one.live(self._user_name(plan.user))
        finally:
            del self._signals[number]
            self.ended += 1

    async def at_a_process(
        self, ask: Callable[[int, Door], Awaitable[_T]], besides: int = -1
    ) -> tuple[int, _T]:
        """Ask one after the other until the request was sent; which one that was."""
        while True:
            process = await self._processes.one(besides)
            try:
                return process, await ask(process, self._processes.door(process))
            except NotSent:
                await self.pause()

    async def pause(self) -> None:
        """A moment."""
        await asyncio.sleep(self._chance.uniform(*_PAUSE))

    @property
    def history(self) -> History:
        """Where everything is written down."""
        return self._history


class _Flow:
    """One of them."""

    def __init__(
        self, flows: Flows, plan: Plan, client: Client, signals: dict[int, _Signals]
    ) -> None:
        self.signals = signals.get(plan.number) or _Signals()
        self._flows = flows
        self._plan = plan
        self._client = client
        self._name = ""
        self._began = time.monotonic()

    async def live(self, user: str) -> None:
        """Ask, and follow the plan."""
        plan = self._plan
        self._note(Kind.START_SENT, plan.mode, detail=user, number=plan.expiry)
        _, name = await self._flows.at_a_process(
            lambda process, door: self._client.start(process, door, plan, user)
        )
        if name is None:
            await self._flows.pause()
            return
        self._name = name
        self._flows.seen(plan.number, transaction_id(name))
        if plan.client.cancels_early:
            await self._cancel()
        elif plan.mode == "push":
            await self._push()
        else:
            await self._polled()

    async def _polled(self) -> None:
        plan = self._plan
        if plan.client.never_asks or plan.client.cancels_late:
            await self._until(self.signals.decided, plan.expiry)
        if plan.client.never_asks:
            self._note(Kind.LEFT)
            return
        if plan.client.cancels_late:
            await self._cancel()
            return
        if plan.mode == "ping":
            await self._until(self.signals.called, min(_PING_SECONDS, plan.expiry))
        elif not plan.waits:
            await self._until(self.signals.decided, _PATIENCE)
        if plan.client.vanishes_at_poll:
            await self._until(self.signals.decided, plan.expiry)
            await self._flows.at_a_process(
                lambda process, door: self._client.ask_and_leave(
                    process, door, plan.number, self._name
                )
            )
            await self._flows.pause()
        await self._to_the_end()

    async def _to_the_end(self) -> None:
        plan = self._plan
        if plan.client.asks_twice_at_once:
            await self._until(self.signals.decided, plan.expiry)
            answers = await asyncio.gather(self._ask(), self._ask())
            if any(each in _TERMINAL for each in answers):
                return
        last = self._began + plan.expiry + _LAST_SECONDS
        while time.monotonic() < last:
            answer = await self._ask(wait=_WAIT if plan.waits else 0)
            if answer in _TERMINAL:
                if plan.asks_again:
                    await self._ask()
                return
            if answer is None:
                await self._flows.pause()
            elif not plan.waits:
                await self._until(self.signals.decided, _PATIENCE)
                await self._flows.pause()

    async def _ask(self, wait: int = 0) -> str | None:
        process, answer = await self._flows.at_a_process(
            lambda process, door: self._client.ask(
                process, door, self._plan.number, self._name, wait=wait
            )
        )
        if not isinstance(answer, Tokens):
            return answer
        if self._plan.uses:
            await self._use(answer, process)
        return Answered.TOKENS

    async def _use(self, tokens: Tokens, issued_by: int) -> None:
        await self._flows.at_a_process(
            lambda process, door: self._client.use(process, door, self._plan.number, tokens),
            besides=issued_by,
        )

    async def _push(self) -> None:
        plan = self._plan
        if plan.client.cancels_late:
            await self._until(self.signals.decided, plan.expiry)
            await self._cancel()
            return
        await self._until(self.signals.called, plan.expiry + _LAST_SECONDS)

    async def _cancel(self) -> None:
        """Until somebody says what became of it; and then ask, where one may ask."""
        await self._flows.pause()
        for _ in range(200):
            _, heard = await self._flows.at_a_process(
                lambda process, door: self._client.cancel(
                    process, door, self._plan.number, self._name
                )
            )
            if heard:
                break
            await self._flows.pause()
        if self._plan.mode != "push":
            await self._to_the_end()
        elif self._flows.history.flows[self._plan.number][-1].kind is Kind.CANCEL_REFUSED:
            await self._until(self.signals.called, self._plan.expiry + _LAST_SECONDS)

    async def _until(self, signal: asyncio.Event, seconds: float) -> None:
        try:
            async with asyncio.timeout(seconds):
                await signal.wait()
        except TimeoutError:
            return

    def _note(self, kind: Kind, word: str = "", *, detail: str = "", number: int = -1) -> None:
        self._flows.history.note(self._plan.number, kind, word, detail=detail, number=number)
