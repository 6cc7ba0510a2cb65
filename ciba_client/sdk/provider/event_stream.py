"""Server-sent events as they come (WHATWG HTML 9.2), within bounds."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Final

from ciba_client.sdk.errors import InvalidProviderResponse

__all__ = ["EVENT_STREAM", "ServerSentEvent", "parse_event_stream"]

EVENT_STREAM: Final = "text/event-stream"
_LONGEST_EVENT: Final = 16 * 1024


@dataclass(frozen=True, slots=True)
class ServerSentEvent:
    """One event; its data as it came."""

    name: str
    data: str


async def parse_event_stream(chunks: AsyncIterator[bytes]) -> AsyncIterator[ServerSentEvent]:
    """Yield what is whole; comments and fields nobody asks for are passed over.

    Raises:
        InvalidProviderResponse: an event is too large, or no UTF-8.
    """
    unread = b""
    async for chunk in chunks:
        *whole, unread = (unread + chunk).replace(b"\r\n", b"\n").split(b"\n\n")
        if len(unread) > _LONGEST_EVENT:
            raise InvalidProviderResponse("an event of the provider is too large")
        for group in whole:
            if (event := _event(group)) is not None:
                yield event


def _event(group: bytes) -> ServerSentEvent | None:
    try:
        lines = group.decode().split("\n")
    except UnicodeDecodeError as error:
        raise InvalidProviderResponse("an event of the provider is no UTF-8") from error
    name, data = "message", list[str]()
    for line in lines:
        field, _, value = line.partition(":")
        value = value.removeprefix(" ")
        if field == "event":
            name = value
        elif field == "data":
            data.append(value)
    return ServerSentEvent(name, "\n".join(data)) if data else None
