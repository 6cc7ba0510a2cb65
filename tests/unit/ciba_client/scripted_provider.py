"""An OpenID Provider that answers as a test tells it to, over real HTTP on loopback."""

import asyncio
import base64
import hashlib
import json
import socket
import ssl
import threading
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl

import uvicorn
from joserfc import jwt
from joserfc.jwk import ECKey
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from ciba_client import CibaClient, TokenSet

ACCESS_TOKEN = "access-token-4711"
AUTH_REQ_ID = "auth-req-id-0815"
CLIENT_ID = "corner-shop"
EPOCH = 1_795_230_000
DISCOVERY = "/.well-known/openid-configuration"


class FakeClock:
    """A clock that moves only when somebody sleeps."""

    def __init__(self) -> None:
        self.elapsed = 0.0
        self.sleeps: list[float] = []

    def now(self) -> float:
        """Seconds since the epoch."""
        return EPOCH + self.elapsed

    def monotonic(self) -> float:
        """Seconds slept so far."""
        return self.elapsed

    async def sleep(self, seconds: float) -> None:
        """Move on at once."""
        self.sleeps.append(seconds)
        self.elapsed += seconds


@dataclass
class Answer:
    """One scripted answer; ``takes`` is how long the provider holds it, on the shared clock."""

    body: object = b""
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    takes: float = 0.0

    def response(self) -> Response:
        """As Starlette sends it."""
        body = self.body if isinstance(self.body, bytes) else json.dumps(self.body).encode()
        return Response(body, self.status, {"content-type": "application/json", **self.headers})


@dataclass
class Received:
    """One request, as it arrived; ``at`` is the clock's monotonic time."""

    path: str
    form: dict[str, str]
    headers: Mapping[str, str]
    at: float


def pending(takes: float = 0.0) -> Answer:
    """The user has not decided yet."""
    return Answer({"error": "authorization_pending"}, 400, takes=takes)


def refusal(code: str, description: str = "", status: int = 400) -> Answer:
    """An OAuth error."""
    return Answer({"error": code, "error_description": description}, status)


def at_hash(access_token: str) -> str:
    """The claim that ties an ID token to an access token."""
    half = hashlib.sha256(access_token.encode()).digest()[:16]
    return base64.urlsafe_b64encode(half).rstrip(b"=").decode()


class ScriptedProvider:
    """Answers from its script; a script with one answer left repeats it."""

    def __init__(self) -> None:
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.issuer = f"http://127.0.0.1:{self._socket.getsockname()[1]}"
        routes = [
            Route(DISCOVERY, self._answer),
            Route("/jwks", self._answer),
            Route("/bc-authorize", self._answer, methods=["POST"]),
            Route("/bc-authorize/cancel", self._answer, methods=["POST"]),
            Route("/bc-authorize/events", self._answer, methods=["POST"]),
            Route("/bc-authorize/receipt", self._answer, methods=["POST"]),
            Route("/sca-receipts/jwks", self._answer),
            Route("/token", self._answer, methods=["POST"]),
        ]
        configuration = uvicorn.Config(Starlette(routes=routes), log_config=None, ws="none")
        self._server = uvicorn.Server(configuration)
        self._thread = threading.Thread(
            target=self._server.run, kwargs={"sockets": [self._socket]}, daemon=True
        )
        self.reset()
        self._thread.start()

    def reset(self) -> None:
        """Back to a script in which all goes well."""
        self.clock = FakeClock()
        self.key = ECKey.generate_key("P-256", {"kid": "op-1", "use": "sig", "alg": "ES256"})
        self.received: list[Received] = []
        self.on_arrival: Callable[[], object] = lambda: None
        self.scripts: dict[str, deque[Answer]] = {}
        self.script(DISCOVERY, Answer(self.metadata()))
        self.script("/jwks", Answer({"keys": [self.key.as_dict(private=False)]}))
        self.script("/bc-authorize", Answer(self.acknowledgement()))
        self.script("/bc-authorize/cancel", Answer(b"", 204))
        self.script("/token", Answer(self.tokens()))

    def script(self, path: str, *answers: Answer) -> None:
        """What to answer at a path, in order."""
        self.scripts[path] = deque(answers)

    def stop(self) -> None:
        """Stop listening."""
        self._server.should_exit = True
        self._thread.join()
        self._socket.close()

    def metadata(self, **changes: object) -> dict[str, Any]:
        """The discovery document; None removes a member."""
        document: dict[str, Any] = {
            "issuer": self.issuer,
            "token_endpoint": f"{self.issuer}/token",
            "backchannel_authentication_endpoint": f"{self.issuer}/bc-authorize",
            "jwks_uri": f"{self.issuer}/jwks",
            "id_token_signing_alg_values_supported": ["ES256", "HS256"],
            **changes,
        }
        return {name: value for name, value in document.items() if value is not None}

    def acknowledgement(self, **changes: object) -> dict[str, Any]:
        """A good answer to an authentication request."""
        return {"auth_req_id": AUTH_REQ_ID, "expires_in": 180, "interval": 5, **changes}

    def tokens(self, **changes: object) -> dict[str, Any]:
        """A good token response."""
        return {
            "access_token": ACCESS_TOKEN,
            "token_type": "Bearer",
            "expires_in": 300,
            "scope": "openid",
            "refresh_token": "refresh-token-4712",
            "id_token": self.id_token(),
            **changes,
        }

    def id_token(
        self,
        *,
        key: ECKey | None = None,
        header: Mapping[str, str] | None = None,
        **changes: object,
    ) -> str:
        """An ID token, by the published key unless told otherwise."""
        claims: dict[str, Any] = {
            "iss": self.issuer,
            "sub": "alice",
            "aud": CLIENT_ID,
            "exp": EPOCH + 600,
            "iat": EPOCH,
            "acr": "urn:openbanking:psd2:sca",
            "at_hash": at_hash(ACCESS_TOKEN),
            **changes,
        }
        return jwt.encode(
            dict(header or {"alg": "ES256", "kid": "op-1"}),
            {name: value for name, value in claims.items() if value is not None},
            key or self.key,
            algorithms=["ES256"],
        )

    def requests_to(self, path: str) -> list[Received]:
        """What arrived at a path."""
        return [request for request in self.received if request.path == path]

    def poll_times(self) -> list[float]:
        """When polls arrived, in seconds of the shared clock."""
        return [request.at for request in self.requests_to("/token")]

    async def _answer(self, request: Request) -> Response:
        form = dict(parse_qsl((await request.body()).decode(), strict_parsing=False))
        path = request.url.path
        self.received.append(Received(path, form, request.headers, self.clock.elapsed))
        self.on_arrival()
        script = self.scripts[path]
        answer = script.popleft() if len(script) > 1 else script[0]
        self.clock.elapsed += answer.takes
        return answer.response()


async def tokens_for(client: CibaClient, **parameters: object) -> TokenSet:
    """One whole flow for alice."""
    async with client.authenticate(login_hint="alice", **parameters) as asked:
        return await asked.tokens()


@asynccontextmanager
async def serving(
    speak: Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[object]],
    context: ssl.SSLContext | None = None,
) -> AsyncIterator[int]:
    """A server on loopback that speaks as told, in no protocol of its own; yields its port."""
    conversations: set[asyncio.Task[object] | None] = set()

    async def converse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        conversations.add(asyncio.current_task())
        await speak(reader, writer)
        writer.close()
        with suppress(OSError):
            await writer.wait_closed()

    server = await asyncio.start_server(converse, "127.0.0.1", 0, ssl=context)
    async with server:
        yield server.sockets[0].getsockname()[1]
    await asyncio.gather(*(task for task in conversations if task is not None))
