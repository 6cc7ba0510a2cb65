"""All flows of the playground, within bounds, and who is told of their changes."""

import asyncio
import secrets
from collections import deque
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from typing import Final

import msgspec

from ciba_client.playground.clients import PlaygroundClient
from ciba_client.playground.flow import Flow
from ciba_client.playground.order import HintKind, Order, Unusable
from ciba_client.playground.record import Notified
from ciba_client.sdk.clock import Clock
from ciba_client.sdk.notifications.receiver import NotificationReceiver

__all__ = ["Changes", "Flows"]

_MOST_FLOWS: Final = 24
_MOST_STRAYS: Final = 16


class _Addressed(msgspec.Struct):
    auth_req_id: str = ""


class Changes:
    """What one page has yet to be told: names, each once, however often it changed."""

    def __init__(self) -> None:
        self.ended = False
        self._names: dict[str, None] = {}
        self._woken = asyncio.Event()

    def end(self) -> None:
        """Nothing will change any more."""
        self.ended = True
        self._woken.set()

    def mark(self, name: str) -> None:
        """Something changed about this."""
        self._names[name] = None
        self._woken.set()

    async def next(self) -> list[str]:
        """Wait for changes, and take them."""
        await self._woken.wait()
        self._woken.clear()
        names, self._names = list(self._names), {}
        return names


class Flows:
    """Starts flows and keeps them; the oldest that is over makes room for a new one."""

    def __init__(
        self,
        clients: Mapping[str, PlaygroundClient],
        *,
        receiver: NotificationReceiver,
        clock: Clock,
    ) -> None:
        self._clients = clients
        self._receiver = receiver
        self._clock = clock
        self._flows: dict[str, Flow] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._followers: set[Changes] = set()
        self._strays: deque[Notified] = deque(maxlen=_MOST_STRAYS)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """End all of them with the block."""
        try:
            yield
        finally:
            self.disconnect()
            tasks = list(self._tasks.values())
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    def names(self) -> list[str]:
        """Which there are, the oldest first."""
        return list(self._flows)

    def find(self, name: str) -> Flow | None:
        """A flow, if it is still there."""
        return self._flows.get(name)

    def start(self, order: Order) -> Flow:
        """Begin one; raises ``Unusable``."""
        client = self._clients.get(order.client)
        if client is None:
            raise Unusable("there is no such client")
        order = self._with_hint(order)
        self._make_room()
        flow = Flow(
            secrets.token_urlsafe(9),
            client,
            order,
            receiver=self._receiver,
            clock=self._clock,
            changed=self._changed,
        )
        self._flows[flow.id] = flow
        self._tasks[flow.id] = asyncio.create_task(flow.run())
        self.mark(flow.id)
        return flow

    def forget(self, flow: Flow) -> None:
        """Drop one; what it waits for is not cancelled at the provider."""
        del self._flows[flow.id]
        self._tasks.pop(flow.id).cancel()
        self.mark(flow.id)

    def notified(self, notified: Notified) -> None:
        """The provider called: give it to its flow, or keep it until its flow knows its name."""
        name = _addressed(notified)
        for flow in self._flows.values():
            if name and flow.auth_req_id == name:
                flow.notified(notified)
                return
        self._strays.append(notified)

    def mark(self, name: str) -> None:
        """Tell each page of a change."""
        for follower in self._followers:
            follower.mark(name)

    @contextmanager
    def following(self) -> Iterator[Changes]:
        """Hear of all changes from now on."""
        changes = Changes()
        self._followers.add(changes)
        try:
            yield changes
        finally:
            self._followers.discard(changes)

    def disconnect(self) -> None:
        """Let each page go; those that are still there come back."""
        for follower in self._followers:
            follower.end()

    @property
    def followers(self) -> int:
        """How many pages look."""
        return len(self._followers)

    def _changed(self, flow: Flow) -> None:
        self.mark(flow.id)
        if flow.auth_req_id is None:
            return
        for stray in [each for each in self._strays if _addressed(each) == flow.auth_req_id]:
            self._strays.remove(stray)
            flow.notified(stray)

    def _with_hint(self, order: Order) -> Order:
        """The ID token of an earlier flow in place of its name."""
        if order.hint_kind is not HintKind.ID_TOKEN_HINT or not order.hint_of:
            return order
        earlier = self._flows.get(order.hint_of)
        if earlier is None or earlier.tokens is None:
            raise Unusable("that flow has no ID token")
        return msgspec.structs.replace(order, hint=earlier.tokens.id_token.jwt)

    def _make_room(self) -> None:
        if len(self._flows) < _MOST_FLOWS:
            return
        over = next((flow for flow in self._flows.values() if flow.is_over), None)
        if over is None:
            raise Unusable("too many flows are open: cancel one first")
        self.forget(over)


def _addressed(notified: Notified) -> str:
    try:
        return msgspec.json.decode(notified.exchange.request_body, type=_Addressed).auth_req_id
    except (ValueError, RecursionError):
        return ""
