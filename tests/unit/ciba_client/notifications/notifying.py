"""The provider's side of pings and pushes, and a clock on which nothing happens by itself."""

import asyncio
import base64
import json
from collections.abc import Iterator, Mapping

import httpx2
from starlette.types import Message, Receive, Scope, Send

from ciba_client import NotificationReceiver
from tests.unit.ciba_client.scripted_provider import (
    AUTH_REQ_ID,
    FakeClock,
    ScriptedProvider,
    at_hash,
)

REFRESH_TOKEN = "refresh-token-4712"
AUTH_REQ_ID_CLAIM = "urn:openid:params:jwt:claim:auth_req_id"
RT_HASH_CLAIM = "urn:openid:params:jwt:claim:rt_hash"


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


def bound_id_token(provider: ScriptedProvider, **changes: object) -> str:
    """An ID token that ties together what is pushed; a claim set to None is left out."""
    claims = {AUTH_REQ_ID_CLAIM: AUTH_REQ_ID, RT_HASH_CLAIM: at_hash(REFRESH_TOKEN), **changes}
    return provider.id_token(**claims)


def push(provider: ScriptedProvider, **changes: object) -> bytes:
    """A good push of tokens (CIBA 10.3.1); a member set to None is left out."""
    body = {
        "auth_req_id": AUTH_REQ_ID,
        **provider.tokens(id_token=bound_id_token(provider)),
        **changes,
    }
    return json.dumps({name: value for name, value in body.items() if value is not None}).encode()


def sent_tokens(provider: ScriptedProvider) -> Iterator[str]:
    """The notification tokens of all authentication requests, out of their request objects."""
    for request in provider.requests_to("/bc-authorize"):
        payload = request.form["request"].split(".")[1]
        yield json.loads(base64.urlsafe_b64decode(payload + "=="))["client_notification_token"]


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
