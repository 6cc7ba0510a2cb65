"""Whether whoever sent a request is still there."""

from typing import Final

from starlette.types import Receive

__all__ = ["until_gone"]

_DISCONNECT: Final = "http.disconnect"


async def until_gone(receive: Receive) -> None:
    """Wait until the sender of a request that was read to its end has gone."""
    while (await receive())["type"] != _DISCONNECT:
        pass
