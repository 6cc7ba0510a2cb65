"""One notification as it arrives (CIBA 10.2, 10.3.1, 12), read within bounds."""

import asyncio
import hashlib
from dataclasses import dataclass, field
from enum import Enum
from typing import Annotated, Final

import msgspec
from msgspec import UNSET
from starlette.requests import Request

__all__ = ["Notification", "NotificationRefused", "Push", "Refusal", "read_notification"]

_LARGEST_BODY: Final = 64 * 1024
_LONGEST_ID: Final = 4096


class Refusal(Enum):
    """Why a notification was not taken: HTTP status and a constant text."""

    METHOD = (405, "a notification is a POST request")
    TOKEN = (401, "the notification token and the auth_req_id do not belong together here")
    MEDIA_TYPE = (415, "a notification is application/json")
    TOO_LARGE = (413, "the notification is too large")
    TOO_SLOW = (408, "the notification did not arrive in time")
    MALFORMED = (400, "the notification is not a JSON object with an auth_req_id")
    PUSH = (400, "this is a push notification, and only pings are taken here")
    PING = (400, "this is a ping notification, and only pushes are taken here")
    UNUSABLE = (400, "the push does not prove what it must, and nothing of it is used")
    SETTLED = (409, "another push has settled the request")
    LEFT = (410, "nobody waits for the outcome of the request any more")
    TOO_EARLY = (503, "the request that the notification belongs to is not acknowledged yet")
    UNVERIFIABLE = (503, "the push cannot be verified at the moment")

    def __init__(self, status: int, text: str) -> None:
        self.status = status
        self.text = text


class NotificationRefused(Exception):
    """A notification that is not taken."""

    def __init__(self, refusal: Refusal) -> None:
        super().__init__(refusal.text)
        self.refusal = refusal


@dataclass(frozen=True, slots=True)
class Push:
    """What only a push has: its body, and a digest of all that makes it this push and no other.

    The same tokens, or the same error, are the same push, however the JSON is written.
    """

    body: bytes = field(repr=False)
    identity: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Notification:
    """What came, a ping where there is no ``push``: nothing of it is verified yet."""

    token: str = field(repr=False)
    auth_req_id: str = field(repr=False)
    push: Push | None = None


class _Body(msgspec.Struct):
    auth_req_id: Annotated[str, msgspec.Meta(min_length=1, max_length=_LONGEST_ID)]
    # The members of a push (CIBA 10.3.1, 12). Others that a ping must not have are passed over.
    access_token: object = UNSET
    id_token: object = UNSET
    refresh_token: object = UNSET
    error: object = UNSET

    def push(self, content: bytes) -> Push | None:
        members = {
            name: value
            for name in ("access_token", "id_token", "refresh_token", "error")
            if (value := getattr(self, name)) is not UNSET
        }
        if not members:
            return None
        return Push(content, hashlib.sha256(msgspec.json.encode(members)).digest())


async def read_notification(request: Request, *, timeout_seconds: float) -> Notification:
    """Read one notification; its body must arrive within ``timeout_seconds``.

    Raises:
        NotificationRefused: it is none, or too large or too slow.
        ClientDisconnect: whoever sent it has gone.
    """
    if request.method != "POST":
        raise NotificationRefused(Refusal.METHOD)
    token = _bearer_token(request)
    if _content_type(request) != "application/json":
        raise NotificationRefused(Refusal.MEDIA_TYPE)
    try:
        async with asyncio.timeout(timeout_seconds):
            content = await _read(request)
    except TimeoutError as error:
        raise NotificationRefused(Refusal.TOO_SLOW) from error
    try:
        body = msgspec.json.decode(content, type=_Body)
        return Notification(token, body.auth_req_id, body.push(content))
    except (ValueError, RecursionError) as error:
        raise NotificationRefused(Refusal.MALFORMED) from error


def _bearer_token(request: Request) -> str:
    """The one bearer token (CIBA 10.2, RFC 6750 2.1); more than one is none."""
    values = request.headers.getlist("authorization")
    scheme, _, token = values[0].partition(" ") if len(values) == 1 else ("", "", "")
    if scheme.lower() != "bearer" or not token:
        raise NotificationRefused(Refusal.TOKEN)
    return token


def _content_type(request: Request) -> str:
    """The media type without its parameters; of two, none."""
    values = request.headers.getlist("content-type")
    return values[0].partition(";")[0].strip().lower() if len(values) == 1 else ""


async def _read(request: Request) -> bytes:
    content = bytearray()
    async for chunk in request.stream():
        content += chunk
        if len(content) > _LARGEST_BODY:
            raise NotificationRefused(Refusal.TOO_LARGE)
    return bytes(content)
