"""Where clients are called back: an endpoint that fails now and then, by the seed."""

import asyncio
import hashlib
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Final, cast

import msgspec

from benchmarks.soak.history import History, Kind, token_name
from ciba_service.sca.messages import transaction_id

__all__ = ["CallbackEndpoint"]

_HEAD_END: Final = b"\r\n\r\n"
_LENGTH: Final = b"content-length:"
_NO_CONTENT: Final = b"HTTP/1.1 204 No Content\r\n\r\n"
_FAULTS: Final = (
    ("500", b"HTTP/1.1 500 Internal Server Error\r\nContent-Length: 0\r\n\r\n"),
    ("429", b"HTTP/1.1 429 Too Many Requests\r\nRetry-After: 2\r\nContent-Length: 0\r\n\r\n"),
    ("reset", None),
    ("slow", b""),
)
_SLOW_SECONDS: Final = 3.0


class CallbackEndpoint:
    """One for all clients: it remembers nothing but the history."""

    def __init__(
        self,
        history: History,
        *,
        seed: int,
        percent: int,
        flow_of: Callable[[str], int | None],
        called: Callable[[int], None],
    ) -> None:
        self.faults: Counter[str] = Counter()
        self._history = history
        self._seed = seed
        self._percent = percent
        self._flow_of = flow_of
        self._called = called
        self._arrivals: Counter[int] = Counter()

    @asynccontextmanager
    async def served(self, address: str) -> AsyncIterator[str]:
        """Listen at an address; what is yielded is the URL."""
        loop = asyncio.get_running_loop()
        server = await loop.create_server(lambda: _Caller(self), address, 0)
        async with server:
            yield f"http://{address}:{server.sockets[0].getsockname()[1]}/cb"

    def arrived(self, body: bytes) -> tuple[bytes | None, float]:
        """What is answered, and after how long; None breaks the connection."""
        members = msgspec.json.decode(body)
        # A request whose acknowledgement was lost is called back all the same.
        flow = self._flow_of(transaction_id(members["auth_req_id"]))
        if flow is None:
            return _NO_CONTENT, 0.0
        self._arrivals[flow] += 1
        fault, answer = self._fault(flow, self._arrivals[flow])
        self._note(flow, fault or "taken", members, body)
        if fault is None:
            del self._arrivals[flow]
            self._called(flow)
            return answer, 0.0
        self.faults[fault] += 1
        return answer, _SLOW_SECONDS if fault == "slow" else 0.0

    def _fault(self, flow: int, attempt: int) -> tuple[str | None, bytes | None]:
        drawn = hashlib.sha256(f"{self._seed} {flow} {attempt}".encode()).digest()
        if drawn[0] * 100 >= self._percent * 256:
            return None, _NO_CONTENT
        return _FAULTS[drawn[1] % len(_FAULTS)]

    def _note(self, flow: int, word: str, members: dict[str, str], body: bytes) -> None:
        if len(members) == 1:
            self._history.note(flow, Kind.PINGED, word)
            return
        token = members.get("access_token")
        told = token_name(token, members["id_token"]) if token else members.get("error", "")
        name = hashlib.sha256(body).hexdigest()[:16]
        self._history.note(
            flow, Kind.PUSHED, word, detail=told, number=int(token is not None), body=name
        )


class _Caller(asyncio.Protocol):
    """A connection of the service."""

    def __init__(self, endpoint: CallbackEndpoint) -> None:
        self._endpoint = endpoint
        self._received = b""
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)  # uvloop's do not say so

    def data_received(self, data: bytes) -> None:
        self._received += data
        head, found, rest = self._received.partition(_HEAD_END)
        if not found:
            return
        lower = head.lower()
        at = lower.find(_LENGTH)
        length = int(lower[at + len(_LENGTH) :].split(b"\r\n", 1)[0]) if at >= 0 else 0
        if len(rest) < length:
            return
        self._received = rest[length:]
        answer, pause = self._endpoint.arrived(rest[:length])
        if self._transport is None:
            return
        if answer is None:
            self._transport.abort()
        elif pause:
            asyncio.get_running_loop().call_later(pause, self._transport.abort)
        else:
            self._transport.write(answer)
