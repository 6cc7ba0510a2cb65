"""The place of a request among those under work in this process."""

from contextlib import AbstractContextManager, nullcontext
from typing import Final, Protocol

__all__ = ["NOWHERE", "RequestPlace"]


class RequestPlace(Protocol):
    """That of one request."""

    async def begin(self) -> bool:
        """The work begins: take a place, unless there is one already; False when there is none.

        Whoever reads a body does so once it has it, so that slow senders take no place.
        """
        ...

    def aside(self) -> AbstractContextManager[None]:
        """While it waits for something to happen elsewhere it takes no place from others."""
        ...

    def proven(self, client_id: str) -> bool:
        """It is this client's; False when the process is crowded and the client has its share."""
        ...


class _Nowhere:
    """The place of what no server of ours let in: it bounds nothing."""

    async def begin(self) -> bool:
        return True

    def aside(self) -> AbstractContextManager[None]:
        return nullcontext()

    def proven(self, client_id: str) -> bool:  # noqa: ARG002 - as the port has it
        return True


NOWHERE: Final[RequestPlace] = _Nowhere()
