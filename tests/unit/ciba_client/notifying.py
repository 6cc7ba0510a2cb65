"""The provider's side of a ping, and a clock on which nothing happens by itself."""

import asyncio
import json
from collections.abc import Mapping

import httpx2
from starlette.types import Message, Receive, Scope, Send

from ciba_client import NotificationReceiver
from tests.unit.ciba_client.scripted_provider import AUTH_REQ_ID, FakeClock


class StandingClock(FakeClock):
    """A clock that stands still: who sleeps is woken by something else, or never."""

    def __init__(self) -> None:
        super().__init__()
        self.asleep = asyncio.Event()

    async def sleep(self, seconds: float) -> None:
        """Say that somebody sleeps, and let no time pass."""
        self.sleeps.append(seconds)
        self.asleep.set()
        await asyncio.Event().wait()


class Observed:
    """A receiver that a test can see reading."""

    def __init__(self, receiver: NotificationReceiver) -> None:
        self.receiver = receiver
        self.has_read = asyncio.Event()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass everything on."""

        async def observed() -> Message:
            message = await receive()
            if not message.get("more_body"):
                self.has_read.set()
            return message

        await self.receiver(scope, observed, send)


def ping(auth_req_id: object = AUTH_REQ_ID, **members: object) -> bytes:
    """The body of a notification (CIBA 10.2)."""
    return json.dumps({"auth_req_id": auth_req_id, **members}).encode()


def headers_of(token: str, **changes: str) -> dict[str, str]:
    """The headers of a notification."""
    return {"authorization": f"Bearer {token}", "content-type": "application/json", **changes}


async def notify(
    url: str,
    token: str,
    content: bytes | None = None,
    *,
    method: str = "POST",
    headers: Mapping[str, str] | list[tuple[str, str]] | None = None,
) -> httpx2.Response:
    """Send one notification, a good one unless told otherwise."""
    async with httpx2.AsyncClient(trust_env=False) as http:
        return await http.request(
            method,
            url,
            content=ping() if content is None else content,
            headers=headers_of(token) if headers is None else headers,
        )


def said(response: httpx2.Response) -> tuple[int, bytes, dict[str, str]]:
    """All that an answer says, but the time of day."""
    headers = {name: value for name, value in response.headers.items() if name != "date"}
    return response.status_code, response.content, headers
