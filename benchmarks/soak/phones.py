"""The phones: one socket each, to whichever process, which may end at any moment.

A phone decides one thing at a time, and sends a decision again, to the byte, until it has an
answer: on the next socket, when one ends. So every attempt has an outcome in the end.
"""

import asyncio
import random
import secrets
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final

import msgspec
from cryptography.exceptions import InvalidSignature
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, WebSocketException
from websockets.typing import Subprotocol

from benchmarks.soak.decisions import Identity
from benchmarks.soak.history import NOBODY, History, Kind, Lost, Sent
from benchmarks.soak.plan import Plan
from benchmarks.soak.processes import Processes
from benchmarks.speed.signing import base64url
from ciba_service.sca.messages import SUBPROTOCOL

__all__ = ["Phone"]

_ANSWER_SECONDS: Final = 40.0
_PAUSE: Final = (0.05, 0.3)
_FINAL: Final = {"not_open", "invalid_decision"}
_ENDS_TRYING: Final = {"locked", "paused"}


@dataclass
class _Task:
    """A challenge that waits for its user; what is left to be tried, and what is under way."""

    flow: int
    name: str
    challenge: str
    left: deque[Sent]
    jti: str = ""
    decision: str = ""
    what: Sent | None = None


class Phone:
    """One phone; ``run`` until cancelled."""

    def __init__(
        self,
        identity: Identity,
        processes: Processes,
        history: History,
        *,
        plan_of: Callable[[int, str], Plan],
        decided: Callable[[int], None],
        seed: int,
    ) -> None:
        self._identity = identity
        self._processes = processes
        self._history = history
        self._plan_of = plan_of
        self._decided = decided
        self._chance = random.Random(seed)  # noqa: S311 - a plan, no secret
        self._seen: dict[str, float] = {}
        self._waiting: deque[_Task] = deque()
        self._current: _Task | None = None
        self._socket: ClientConnection | None = None
        self._process = -1
        self._due: asyncio.TimerHandle | None = None
        self._sending: asyncio.Task[None] | None = None

    async def run(self) -> None:
        """Be online as often as a process lets it."""
        while True:
            process = await self._processes.one()
            try:
                await self._online(process)
            except (OSError, WebSocketException, TimeoutError):
                self._lost()
            await asyncio.sleep(self._chance.uniform(*_PAUSE))

    async def flap(self) -> None:
        """Close the socket, and come back by another process."""
        if self._socket is not None:
            await self._socket.close()

    async def _online(self, process: int) -> None:
        url = f"ws://127.0.0.1:{self._processes.door(process).port}/device/ws"
        async with connect(
            url,
            subprotocols=[Subprotocol(SUBPROTOCOL)],
            compression=None,
            ping_interval=None,
            close_timeout=2,
        ) as socket:
            async with asyncio.timeout(_ANSWER_SECONDS):
                hello = msgspec.json.decode(await socket.recv())
                await self._say(
                    socket, type="authenticate", proof=self._identity.session(hello["nonce"])
                )
                await socket.recv()
            self._socket, self._process = socket, process
            try:
                await self._send_current()
                async for frame in socket:
                    await self._hear(msgspec.json.decode(frame))
            except ConnectionClosed:
                pass
            finally:
                self._socket = None
            self._lost()
            if socket.close_code is not None:
                self._history.note(
                    NOBODY, Kind.SOCKET_ENDED, number=socket.close_code, process=process
                )

    async def _hear(self, message: dict[str, Any]) -> None:
        match message["type"]:
            case "challenge":
                self._shown(message["challenge"])
            case "accepted" | "refused":
                await self._told(message)
            case _:
                return

    def _shown(self, challenge: str) -> None:
        try:
            verified = self._identity.service.verify(challenge)
        except (InvalidSignature, KeyError):
            self._history.note(NOBODY, Kind.ODD, "a challenge that does not verify")
            return
        name = verified.transaction_id
        if name in self._seen:
            return
        self._forget_old(verified.exp)
        self._seen[name] = verified.exp
        plan = self._plan_of(int((verified.display.binding_message or "F-1")[1:]), name)
        self._history.note(plan.number, Kind.CHALLENGE, process=self._process)
        if plan.decisions:
            task = _Task(plan.number, name, challenge, deque(plan.decisions))
            loop = asyncio.get_running_loop()
            loop.call_later(plan.thinks, self._thought, task)

    def _forget_old(self, now: float) -> None:
        if len(self._seen) > 200:  # noqa: PLR2004 - bounded, that is all
            self._seen = {name: exp for name, exp in self._seen.items() if exp > now - 300}

    def _thought(self, task: _Task) -> None:
        self._waiting.append(task)
        if self._current is None:
            self._next()

    def _next(self) -> None:
        """Begin with what waits, or go on with what is left of it."""
        current = self._current
        if current is None:
            if not self._waiting:
                return
            current = self._current = self._waiting.popleft()
        current.what = current.left.popleft()
        current.jti = base64url(secrets.token_bytes(12))
        current.decision = self._identity.decision(
            current.challenge, current.name, current.what, current.jti
        )
        self._send_soon()

    def _send_soon(self, seconds: float = 0.0) -> None:
        loop = asyncio.get_running_loop()
        if self._due is not None:
            self._due.cancel()
        self._due = loop.call_later(seconds, self._begin_sending)

    def _begin_sending(self) -> None:
        self._sending = asyncio.get_running_loop().create_task(self._send_current())

    async def _send_current(self) -> None:
        current, socket = self._current, self._socket
        if current is None or socket is None or current.what is None:
            return
        self._history.note(
            current.flow,
            Kind.DECISION_SENT,
            current.what,
            process=self._process,
            detail=current.jti,
        )
        with suppress(ConnectionClosed):
            await self._say(socket, type="decide", decision=current.decision)
        if self._current is current:
            self._send_soon(_ANSWER_SECONDS)

    async def _told(self, message: dict[str, Any]) -> None:
        current = self._current
        if current is None or message["decision"] != current.jti:
            return  # The answer to what was sent twice.
        if message.get("reason") == "unavailable":
            self._history.note(
                current.flow, Kind.DECISION_LOST, Lost.UNAVAILABLE, process=self._process
            )
            self._send_soon(self._chance.uniform(0.2, 0.6))
            return
        if self._due is not None:
            self._due.cancel()
        if message["type"] == "accepted":
            self._outcome(current, Kind.DECISION_ACCEPTED, message["verdict"])
            current.left.clear()
        else:
            reason = message["reason"]
            left = message.get("attempts_left", -1)
            self._outcome(current, Kind.DECISION_REFUSED, reason, left)
            if reason in _FINAL:
                current.left.clear()
            elif reason in _ENDS_TRYING:
                current.left = deque([Sent.DENIAL])
        if not current.left:
            self._current = None
            self._decided(current.flow)
        self._next()

    def _outcome(self, current: _Task, kind: Kind, word: str, number: int = -1) -> None:
        self._history.note(
            current.flow, kind, word, process=self._process, detail=current.jti, number=number
        )

    def _lost(self) -> None:
        if self._current is not None:
            self._history.note(self._current.flow, Kind.DECISION_LOST, process=self._process)

    @staticmethod
    async def _say(socket: ClientConnection, **members: str) -> None:
        await socket.send(msgspec.json.encode(members).decode())
