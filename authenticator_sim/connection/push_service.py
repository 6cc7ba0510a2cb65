"""A push service of the phone's own, on this machine: for tests, and for trying out.

It takes what a real one takes (RFC 8030 5, RFC 8292 4.2), and opens it at once, as the phone would.
"""

import asyncio
import socket
from collections.abc import Callable
from typing import Final

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from authenticator_sim.core.events import Event, PushIgnored, Woken
from authenticator_sim.core.identity.push import PushRefused, PushSubscription, verify_sender
from authenticator_sim.core.jose import base64url
from authenticator_sim.loopback import serve_on_loopback
from authenticator_sim.ports import Clock, RandomBytes

__all__ = ["LocalPushService"]

_NAME_BYTES: Final = 16
_LONGEST_BODY: Final = 4_096
_LONGEST_TOPIC: Final = 32


class LocalPushService:
    """Serves one subscription of one phone, for the one who subscribed with ``service_key``."""

    def __init__(
        self,
        listener: socket.socket,
        *,
        subscription: PushSubscription,
        clock: Clock,
        random_bytes: RandomBytes,
        report: Callable[[Event], None],
    ) -> None:
        """Serve on a listening loopback socket; whoever knows the endpoint's path may push."""
        self._listener = listener
        self._subscription = subscription
        self._clock = clock
        self._report = report
        self._path = f"/push/{base64url(random_bytes(_NAME_BYTES))}"
        self._woken = asyncio.Event()
        self.service_key = ""
        self.port: int = listener.getsockname()[1]
        self.endpoint = f"http://127.0.0.1:{self.port}{self._path}"

    async def run(self) -> None:
        """Serve until cancelled."""
        await serve_on_loopback(self.app(), self._listener)

    def app(self) -> Starlette:
        """Make the ASGI application."""
        return Starlette(routes=[Route(self._path, self._push, methods=["POST"])])

    async def next(self) -> None:
        """Sleep until the next push; those that came meanwhile are one."""
        await self._woken.wait()
        self._woken.clear()

    async def _push(self, request: Request) -> Response:
        try:
            _verify_head(request)
            self._verify_sender(request)
            self._subscription.open(await _body(request))
        except PushRefused as refused:
            self._report(PushIgnored(str(refused)))
            return Response(status_code=400)
        self._report(Woken())
        self._woken.set()
        headers = {"Location": f"{self.endpoint}/sent", "TTL": request.headers["ttl"]}
        return Response(status_code=201, headers=headers)

    def _verify_sender(self, request: Request) -> None:
        verify_sender(
            request.headers.get("authorization", ""),
            endpoint=self.endpoint,
            key=self.service_key,
            now=self._clock.now_ms() // 1000,
        )


def _verify_head(request: Request) -> None:
    headers = request.headers
    if headers.get("content-encoding") != "aes128gcm":
        raise PushRefused("the body is not in aes128gcm")
    if not headers.get("ttl", "").isdecimal():
        raise PushRefused("there is no TTL")
    if len(headers.get("topic", "")) > _LONGEST_TOPIC:
        raise PushRefused("the topic is too long")


async def _body(request: Request) -> bytes:
    body = bytearray()
    async for part in request.stream():
        body += part
        if len(body) > _LONGEST_BODY:
            raise PushRefused("the body is too long")
    return bytes(body)
