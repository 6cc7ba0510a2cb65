"""``GET /metrics`` on a listener of its own: the text that Prometheus reads, and nothing else.

It is always the plain text format, whatever is asked for: the library would take the version of
OpenMetrics from the request's ``Accept`` into its answer.
"""

import asyncio
from collections.abc import Callable
from http import HTTPStatus
from typing import Final

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4
from starlette.types import Receive, Scope, Send

__all__ = ["MetricsApp"]

_PATH: Final = "/metrics"
_TEXT: Final = "text/plain; charset=utf-8"
_READING: Final = frozenset({"GET", "HEAD"})


class MetricsApp:
    """ASGI application of the listener for metrics; it writes all families of this process."""

    def __init__(self, registry: CollectorRegistry, look: Callable[[], None]) -> None:
        """``look`` brings up to date what is not counted as it happens."""
        self._registry = registry
        self._look = look

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002 - ASGI
        """Answer one request."""
        if scope["path"] != _PATH:
            await _answer(send, HTTPStatus.NOT_FOUND, _TEXT, b"Not found\n")
        elif scope["method"] not in _READING:
            await _answer(send, HTTPStatus.METHOD_NOT_ALLOWED, _TEXT, b"GET only\n")
        else:
            self._look()
            # It takes tens of milliseconds, for which nobody else should have to wait.
            body = await asyncio.to_thread(generate_latest, self._registry)
            await _answer(send, HTTPStatus.OK, CONTENT_TYPE_PLAIN_0_0_4, body)


async def _answer(send: Send, status: HTTPStatus, content_type: str, body: bytes) -> None:
    headers = [
        (b"content-type", content_type.encode("ascii")),
        (b"cache-control", b"no-store"),
        (b"content-length", b"%d" % len(body)),
    ]
    if status is HTTPStatus.METHOD_NOT_ALLOWED:
        headers.append((b"allow", b"GET, HEAD"))
    await send({"type": "http.response.start", "status": int(status), "headers": headers})
    await send({"type": "http.response.body", "body": body})
