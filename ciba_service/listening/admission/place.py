"""The place of one request, from the end of its body to the head of its answer."""

from collections.abc import Awaitable, Callable, Iterator, Mapping, MutableMapping
from contextlib import contextmanager
from typing import Any, Final

from starlette.types import Message, Send

from ciba_service.listening.admission.gate import Gate, Shed
from ciba_service.ports.admission import NOWHERE, RequestPlace

__all__ = ["Place", "place_of", "put_place"]

_PLACE: Final = "ciba_service.place"
_START: Final = "http.response.start"


class Place:
    """``ports.RequestPlace`` of a request from ``address``, whose turn is that of ``key``.

    ``on_status`` is told how it was answered.
    """

    __slots__ = ("_address", "_client_id", "_gate", "_is_held", "_key", "_on_status", "_send")

    def __init__(
        self,
        gate: Gate,
        address: str,
        key: str,
        send: Send,
        on_status: Callable[[int], None] | None = None,
    ) -> None:
        self._on_status = on_status
        self._gate = gate
        self._address = address
        self._key = key
        self._send = send
        self._client_id: str | None = None
        self._is_held = False

    async def begin(self) -> bool:
        """See ``RequestPlace``."""
        if not self._is_held:
            self._is_held = await self._gate.let_in(self._key)
        return self._is_held

    def send(self, message: Message) -> Awaitable[None]:
        """Answer; with the first of it the work is done."""
        if self._is_held:
            self.leave()
        if self._on_status is not None and message["type"] == _START:
            self._on_status(message["status"])
        return self._send(message)

    def leave(self) -> None:
        """The work is done, if it was begun."""
        if self._is_held:
            self._is_held = False
            self._give_up()

    @contextmanager
    def aside(self) -> Iterator[None]:
        """See ``RequestPlace``."""
        if not self._is_held:
            yield
            return
        self._give_up()
        try:
            yield
        finally:
            self._gate.enter()
            if self._client_id is not None:
                self._gate.shares.enter_again(self._client_id)

    def proven(self, client_id: str) -> bool:
        """See ``RequestPlace``."""
        gate = self._gate
        if not self._is_held or self._client_id is not None:
            return True
        # All that are let in, where the limit has fallen meanwhile: they are not to blame for it.
        places = max(gate.limit, gate.in_work)
        if not gate.shares.enter(client_id, self._address, places=places, crowded=gate.is_crowded):
            gate.refused(Shed.SHARE)
            return False
        self._client_id = client_id
        return True

    def _give_up(self) -> None:
        if self._client_id is not None:
            self._gate.shares.leave(self._client_id)
        self._gate.leave()


def put_place(scope: MutableMapping[str, Any], place: Place) -> None:
    """The request of this scope has this place."""
    scope[_PLACE] = place


def place_of(scope: Mapping[str, Any]) -> RequestPlace:
    """The place of the request of an ASGI scope; of other servers' requests nothing is bounded."""
    place: RequestPlace = scope.get(_PLACE, NOWHERE)
    return place
