"""What the page can ask: files, the stream of changes, and a few actions."""

import asyncio
import re
from collections.abc import AsyncIterator, Mapping
from typing import Annotated, Any, Final

import msgspec
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from ciba_client.hostile import EndpointAnswer
from ciba_client.playground.clients import ClientCard, PlaygroundClient
from ciba_client.playground.flow import Flow
from ciba_client.playground.flows import Changes, Flows
from ciba_client.playground.order import Unusable, parse_order
from ciba_client.playground.switch import NotificationEndpoint
from ciba_client.playground.views import FlowView
from ciba_client.playground.web.files import PageFile
from ciba_client.sdk.clock import Clock
from ciba_client.sdk.errors import CibaClientError

__all__ = ["playground_site"]

_LARGEST_BODY: Final = 64 * 1024
_READ_SECONDS: Final = 10.0
_MOST_PAGES: Final = 8
_HEARTBEAT: Final = 15.0
_NUMBER: Final = re.compile("[0-9]{1,9}", re.ASCII)
_ENDPOINT: Final = "(endpoint)"
"""No flow has such a name."""


class _Hello(msgspec.Struct, frozen=True):
    now: float
    clients: tuple[ClientCard, ...]
    login_hint: str
    answers: tuple[str, ...]
    answer: str | None
    flows: tuple[FlowView, ...]


class _Switched(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    answer: EndpointAnswer | None


class _Use(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    name: Annotated[str, msgspec.Meta(max_length=32)]


def playground_site(
    page: Mapping[str, PageFile],
    *,
    clients: Mapping[str, PlaygroundClient],
    login_hint: str,
    flows: Flows,
    endpoint: NotificationEndpoint,
    clock: Clock,
) -> Starlette:
    """The application behind the gate; ``login_hint`` is what the form begins with."""
    site = _Site(page, clients, login_hint=login_hint, flows=flows, endpoint=endpoint, clock=clock)
    return Starlette(
        routes=[
            Route("/api/stream", site.stream),
            Route("/api/flows", site.start, methods=["POST"]),
            Route("/api/flows/{name}/messages/{number}", site.message),
            Route("/api/flows/{name}/program", site.program),
            Route("/api/flows/{name}/cancel", site.cancel, methods=["POST"]),
            Route("/api/flows/{name}/use", site.use, methods=["POST"]),
            Route("/api/flows/{name}/forget", site.forget, methods=["POST"]),
            Route("/api/endpoint", site.switch, methods=["POST"]),
            Route("/{path:path}", site.file),
        ],
        exception_handlers={HTTPException: _refused},
    )


class _Site:
    """One function for each address."""

    def __init__(
        self,
        page: Mapping[str, PageFile],
        clients: Mapping[str, PlaygroundClient],
        *,
        login_hint: str,
        flows: Flows,
        endpoint: NotificationEndpoint,
        clock: Clock,
    ) -> None:
        self._page = page
        self._clients = clients
        self._login_hint = login_hint
        self._flows = flows
        self._endpoint = endpoint
        self._clock = clock

    async def file(self, request: Request) -> Response:
        """A file of the page."""
        found = self._page.get(request.url.path)
        if found is None:
            raise HTTPException(404, "There is no such file.")
        return Response(found.content, headers={"content-type": found.media_type})

    async def stream(self, request: Request) -> Response:  # noqa: ARG002 - what Starlette passes
        """Everything as it is, then every change, as server-sent events."""
        if self._flows.followers >= _MOST_PAGES:
            raise HTTPException(503, "Too many pages are open.")
        return StreamingResponse(self._events(), media_type="text/event-stream")

    async def start(self, request: Request) -> Response:
        """Begin a flow."""
        try:
            flow = self._flows.start(parse_order(await _body(request)))
        except Unusable as error:
            raise HTTPException(400, str(error)) from error
        return _json({"id": flow.id}, 201)

    async def message(self, request: Request) -> Response:
        """Everything about one message."""
        flow, number = self._flow(request), request.path_params["number"]
        detail = flow.detail(int(number)) if _NUMBER.fullmatch(number) else None
        if detail is None:
            raise HTTPException(404, "This message was left out.")
        return _json(detail)

    async def program(self, request: Request) -> Response:
        """The flow as a program."""
        return _json({"text": self._flow(request).program()})

    async def cancel(self, request: Request) -> Response:
        """Take a request back."""
        await _body(request)
        try:
            return _json({"text": await self._flow(request).cancel()})
        except CibaClientError as error:
            raise HTTPException(502, str(error)) from error

    async def use(self, request: Request) -> Response:
        """Do something with tokens."""
        wanted = _parse(await _body(request), _Use)
        return _json({"text": await self._flow(request).use(wanted.name)})

    async def forget(self, request: Request) -> Response:
        """Drop a flow from the list."""
        await _body(request)
        self._flows.forget(self._flow(request))
        return _json({"text": "Forgotten."})

    async def switch(self, request: Request) -> Response:
        """Let the notification endpoint misbehave, or behave again."""
        self._endpoint.answer = _parse(await _body(request), _Switched).answer
        self._flows.mark(_ENDPOINT)
        return _json({"answer": self._endpoint.answer})

    def _flow(self, request: Request) -> Flow:
        flow = self._flows.find(request.path_params["name"])
        if flow is None:
            raise HTTPException(404, "This flow was forgotten.")
        return flow

    async def _events(self) -> AsyncIterator[bytes]:
        with self._flows.following() as changes:
            yield _event("hello", self._hello())
            while not changes.ended:
                for name in await _next(changes):
                    yield self._change(name)
                yield b":\n\n"

    def _hello(self) -> _Hello:
        flows = (self._flows.find(name) for name in self._flows.names())
        return _Hello(
            now=self._clock.now(),
            clients=tuple(client.card() for client in self._clients.values()),
            login_hint=self._login_hint,
            answers=tuple(EndpointAnswer),
            answer=self._endpoint.answer,
            flows=tuple(flow.view() for flow in flows if flow is not None),
        )

    def _change(self, name: str) -> bytes:
        if name == _ENDPOINT:
            return _event("endpoint", {"answer": self._endpoint.answer})
        flow = self._flows.find(name)
        return _event("gone", {"id": name}) if flow is None else _event("flow", flow.view())


async def _next(changes: Changes) -> list[str]:
    """What changed; nothing after a while, so that who has gone is noticed."""
    try:
        async with asyncio.timeout(_HEARTBEAT):
            return await changes.next()
    except TimeoutError:
        return []


async def _body(request: Request) -> bytes:
    if request.headers.get("content-type", "").partition(";")[0].strip() != "application/json":
        raise HTTPException(415, "Send JSON.")
    content = bytearray()
    try:
        async with asyncio.timeout(_READ_SECONDS):
            async for chunk in request.stream():
                content += chunk
                if len(content) > _LARGEST_BODY:
                    raise HTTPException(413, "This is too large.")
    except (TimeoutError, ClientDisconnect) as error:
        raise HTTPException(408, "This took too long.") from error
    return bytes(content)


def _parse(body: bytes, kind: type[Any]) -> Any:  # noqa: ANN401 - typed by who calls
    try:
        return msgspec.json.decode(body, type=kind)
    except (ValueError, RecursionError) as error:
        raise HTTPException(400, "This is not what was expected.") from error


def _event(name: str, data: object) -> bytes:
    return b"event: %s\ndata: %s\n\n" % (name.encode("ascii"), msgspec.json.encode(data))


def _json(content: object, status: int = 200) -> Response:
    return Response(msgspec.json.encode(content), status, media_type="application/json")


async def _refused(_: Request, error: Exception) -> Response:
    match error:
        case HTTPException(detail=text, status_code=status, headers=headers):
            return JSONResponse({"error": text}, status, headers)
        case _:
            raise AssertionError("Starlette gives it refusals only")
