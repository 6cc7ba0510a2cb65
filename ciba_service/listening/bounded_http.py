"""HTTP/1.1 within bounds: uvicorn's protocol limits neither the size of a head nor its time.

A head that is too large is answered 431, one that is too slow 408, one that is malformed or could
be read in two ways 400, a connection too many 503, always as the JSON of the other errors, and the
connection ends. Trailers are refused: they would be appended to headers that were read before.
"""

import asyncio
from collections.abc import Sized
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, ClassVar, Final, Protocol
from urllib.parse import unquote

import httptools
from uvicorn.protocols.http.flow_control import FlowControl
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from ciba_service.listening.ambiguity import is_ambiguous
from ciba_service.listening.answering import Answering
from ciba_service.listening.glance import is_one_plain_post
from ciba_service.listening.refusals import refusal

__all__ = ["BoundedHttp", "Crowd", "HttpBounds", "http_within"]


class Crowd(Protocol):
    """What says that too much is asked for."""

    @property
    def is_crowded(self) -> bool:
        """Whether anybody would be turned away now; asked before every request."""
        ...

    def lets_pass(self, address: str | None) -> None:
        """What was received from there goes on to the application; None is a unix socket."""
        ...

    def turn_away(self, address: str) -> bytes | None:
        """The whole answer to whatever this address asks; None where it is not simply refused."""
        ...


_PUNCTUATION: Final = 4
"""Bytes of a header line that are neither its name nor its value."""
_QUEUED: Final = 8
"""Requests that may wait for their turn before no more is read, which is when nobody would notice
that the peer has gone."""
_MOST_QUEUED: Final = 512
"""How many may wait at all: one read may hold ten thousand, fifty times as large once parsed."""


@dataclass(frozen=True, slots=True)
class HttpBounds:
    """Sizes in bytes, times in seconds; ``connections`` are those of one server.

    ``message_seconds`` is for what follows a head. ``farewell_seconds`` is how long a peer may
    still send after a refusal, so that it can read it, or leave the last bytes unread.
    """

    head_size: int = 32_768
    head_seconds: float = 10.0
    message_seconds: float = 60.0
    write_seconds: float = 30.0
    farewell_seconds: float = 2.0
    connections: int = 10_000


class HeadRefused(Exception):
    """The head is not taken; ``status`` says why."""

    def __init__(self, status: HTTPStatus) -> None:
        super().__init__(status.phrase)
        self.status = status


class _QueueAwareFlow(FlowControl):
    """Reads no more while as many requests wait as may.

    uvicorn goes on with each answer, and what is read at once may hold thousands of requests.
    """

    def __init__(self, transport: asyncio.Transport, queue: Sized) -> None:
        super().__init__(transport)
        self._queue = queue

    def resume_reading(self) -> None:
        if len(self._queue) < _QUEUED:
            super().resume_reading()


class BoundedHttp(HttpToolsProtocol):
    """One connection; ``http_within`` makes the class for given bounds.

    ``_unparsed`` counts what came since the parser last made something of it: a single header
    line, trailer or chunk extension without end reaches no callback.
    """

    bounds: ClassVar = HttpBounds()
    crowd: ClassVar[Crowd | None] = None

    _in_head = True
    _head_size = 0
    _unparsed = 0
    _refused = False
    _under_work: RequestResponseCycle | None = None
    _deadline: asyncio.TimerHandle | None = None
    _unread: asyncio.TimerHandle | None = None
    _last_resort: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin to wait for a head, if there is room for one more connection."""
        super().connection_made(transport)
        self.flow = _QueueAwareFlow(transport, self.pipeline)
        if len(self.connections) > self.bounds.connections:
            self._refused = True
            transport.write(refusal(HTTPStatus.SERVICE_UNAVAILABLE))
            self._end()
        self._watch()

    def connection_lost(self, exc: Exception | None) -> None:
        """Wait for nothing more."""
        for timer in (self._deadline, self._unread, self._last_resort):
            if timer is not None:
                timer.cancel()
        # uvicorn tells the request that came last, and only that.
        if self._under_work is not None and not self._under_work.response_complete:
            self._under_work.disconnected = True
            self._under_work.message_event.set()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Parse, and stop where a head is longer or takes longer than it may."""
        if self._refused or self._is_turned_away(data):
            return
        self._unset_keepalive_if_required()
        self._unparsed += len(data)
        try:
            self._parse(memoryview(data))
        except httptools.HttpParserError as error:
            cause = error.__context__
            self._refuse(cause.status if isinstance(cause, HeadRefused) else HTTPStatus.BAD_REQUEST)
        if self._unparsed > self.bounds.head_size:
            self._refuse(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE)
        self._watch()

    def on_message_begin(self) -> None:
        """A request begins."""
        self._head_size, self._unparsed = 0, self._unparsed or 1
        super().on_message_begin()

    def on_url(self, url: bytes) -> None:
        """Part of the request line."""
        self._count(len(url))
        self.url += url

    def on_header(self, name: bytes, value: bytes) -> None:
        """A header, or a trailer after the body (RFC 9110 6.5)."""
        if not self._in_head:
            raise HeadRefused(HTTPStatus.BAD_REQUEST)
        self._count(len(name) + len(value))
        name = name.lower()
        if name == b"expect" and value.lower() == b"100-continue":
            self.expect_100_continue = True
        self.headers.append((name, value))

    def on_headers_complete(self) -> None:
        """The head is whole; its message has its own time."""
        version, method = self.parser.get_http_version(), self.parser.get_method()
        if is_ambiguous(method, self.url, version, self.headers):
            raise HeadRefused(HTTPStatus.BAD_REQUEST)
        if not self._is_unwanted_upgrade():
            self._begin(method, version)
            self._in_head, self._unparsed = False, 0
            self._stop_waiting()

    def on_chunk_header(self) -> None:
        """A chunk begins, or the trailers."""
        self._unparsed = 0

    def on_body(self, body: bytes) -> None:
        """Part of the body."""
        self._unparsed = 0
        super().on_body(body)

    def on_message_complete(self) -> None:
        """The message is whole."""
        if not self._is_unwanted_upgrade():
            self._in_head, self._unparsed = True, 0
            self._stop_waiting()
            super().on_message_complete()

    def on_response_complete(self) -> None:
        """One request is answered; a peer that was told to go need not read it to the end."""
        super().on_response_complete()
        if self.transport.is_closing():
            self._end()

    def handle_websocket_upgrade(self) -> None:
        """Hand the connection over."""
        self._refused = True  # nothing that follows is HTTP
        self._stop_waiting_for_reader()
        super().handle_websocket_upgrade()

    def shutdown(self) -> None:
        """The server ends: a request at hand is still answered, nothing is waited for."""
        if self._refused:
            self._end()
        else:
            super().shutdown()

    def pause_writing(self) -> None:
        """What was answered is not read: not for ever."""
        super().pause_writing()
        self._unread = self.loop.call_later(self.bounds.write_seconds, self.transport.abort)

    def resume_writing(self) -> None:
        """It is read again."""
        self._stop_waiting_for_reader()
        super().resume_writing()

    def timeout_keep_alive_handler(self) -> None:
        """Nothing came after an answer."""
        self._end()

    def _is_turned_away(self, data: bytes) -> bool:
        """Whether this is a request that a crowded process refuses whatever is in it.

        To parse it would take as long as the refusal itself, and then less of the process is left
        for those it has let in.
        """
        crowd = self.crowd
        if crowd is None or not self._is_between_requests():
            return False
        address: str | None = None if self.client is None else self.client[0]
        told = None
        # Refusals that nobody reads do not pile up: the application waits until they are read.
        is_read = not self.flow.write_paused
        if crowd.is_crowded and is_read and address is not None and is_one_plain_post(data):
            told = crowd.turn_away(address)
        if told is None:
            crowd.lets_pass(address)
            return False
        self._unset_keepalive_if_required()
        self._stop_waiting()
        self.transport.write(told)
        self._watch()
        return True

    def _is_between_requests(self) -> bool:
        return (
            self._in_head
            and not self._unparsed
            and self._is_idle()
            and not self.transport.is_closing()
        )

    def _begin(self, method: bytes, version: str) -> None:
        """What uvicorn does here, with our own answering."""
        if len(self.pipeline) >= _MOST_QUEUED:
            raise HeadRefused(HTTPStatus.TOO_MANY_REQUESTS)
        self.scope["method"] = method.decode("ascii")
        if version != "1.1":
            self.scope["http_version"] = version
        if self.parser.should_upgrade() and self._should_upgrade():
            if not self._is_idle():  # The answer at hand would be written into the WebSocket.
                raise HeadRefused(HTTPStatus.BAD_REQUEST)
            return
        target = httptools.parse_url(self.url)
        path = target.path.decode("ascii")
        self.scope["path"] = self.root_path + (unquote(path) if "%" in path else path)
        self.scope["raw_path"] = self.root_path.encode("ascii") + target.path
        self.scope["query_string"] = target.query or b""
        before = self.cycle
        self.cycle = Answering(
            scope=self.scope,
            transport=self.transport,
            flow=self.flow,
            logger=self.logger,
            access_logger=self.access_logger,
            access_log=False,
            default_headers=self.server_state.default_headers,
            message_event=asyncio.Event(),
            # RFC 9110 10.1.1: HTTP/1.0 knows no interim answers.
            expect_100_continue=self.expect_100_continue and version != "1.0",
            keep_alive=version != "1.0" and self.parser.should_keep_alive(),
            on_response=self.on_response_complete,
        )
        if before is None or before.response_complete:
            self._start_asgi_task(self.cycle, self.app)
        else:  # a pipelined request waits for its turn
            self.pipeline.appendleft((self.cycle, self.app))
            if len(self.pipeline) >= _QUEUED:
                self.flow.pause_reading()

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: Any) -> None:  # noqa: ANN401 - as inherited
        self._under_work = cycle
        super()._start_asgi_task(cycle, app)

    def _parse(self, data: memoryview) -> None:
        while True:
            try:
                self.parser.feed_data(data)
            except httptools.HttpParserUpgrade as upgrade:
                if self._should_upgrade():
                    self.handle_websocket_upgrade()
                    return
                # RFC 9110 7.8: ignored. This parser would take the body for the next request.
                data, head = data[upgrade.args[0] :], self._head_without_upgrade()
                self.parser = httptools.HttpRequestParser(self)
                self.parser.set_dangerous_leniencies(lenient_data_after_close=True)
                self.parser.feed_data(head)
            else:
                return

    def _should_upgrade(self) -> bool:
        is_opening = (self.parser.get_method(), self.parser.get_http_version()) == (b"GET", "1.1")
        return is_opening and super()._should_upgrade()

    def _is_unwanted_upgrade(self) -> bool:
        return self.parser.should_upgrade() and not self._should_upgrade()

    def _head_without_upgrade(self) -> bytes:
        first = (self.parser.get_method(), self.url)
        version = self.parser.get_http_version().encode("ascii")
        lines = [b"%b: %b\r\n" % line for line in self.headers if line[0] != b"upgrade"]
        return b"".join((b"%b %b HTTP/" % first, version, b"\r\n", *lines, b"\r\n"))

    def _count(self, size: int) -> None:
        self._head_size += size + _PUNCTUATION
        if self._head_size > self.bounds.head_size:
            raise HeadRefused(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE)

    def _is_idle(self) -> bool:
        return self.cycle is None or self.cycle.response_complete

    def _watch(self) -> None:
        """Give the peer a time for whatever is its turn to send."""
        if self._deadline is not None or self._refused or self.transport.is_closing():
            return
        if not self._in_head:
            self._deadline = self.loop.call_later(self.bounds.message_seconds, self._too_slow)
        elif self._unparsed or self._is_idle():
            self._deadline = self.loop.call_later(self.bounds.head_seconds, self._too_slow)

    def _stop_waiting(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _stop_waiting_for_reader(self) -> None:
        if self._unread is not None:
            self._unread.cancel()

    def _too_slow(self) -> None:
        self._deadline = None
        if not self._in_head:
            self._end()
        elif not self._is_idle():
            # Until an earlier request is answered, the head may be waiting for us.
            self._watch()
        elif self._unparsed:
            self._refuse(HTTPStatus.REQUEST_TIMEOUT)
        else:
            self._end()

    def _refuse(self, status: HTTPStatus) -> None:
        if self._refused or self.transport.is_closing():
            return
        self._stop_waiting()
        self._refused = True
        if not self._is_next_to_be_answered():
            self._end()
            return
        self.transport.write(refusal(status))
        if self.cycle is not None:
            self.cycle.disconnected = True
            self.cycle.message_event.set()
        # RFC 9112 9.6: closed at once, with data unread, the refusal might not arrive.
        self.flow.resume_reading()
        if self.transport.can_write_eof():
            self.transport.write_eof()
        self._last_resort = self.loop.call_later(self.bounds.farewell_seconds, self._end)

    def _is_next_to_be_answered(self) -> bool:
        if self._in_head:
            return self._is_idle()
        return not self.pipeline and not self.cycle.response_started

    def _end(self) -> None:
        self.transport.close()
        if self._last_resort is not None:
            self._last_resort.cancel()
        farewell = self.bounds.farewell_seconds
        self._last_resort = self.loop.call_later(farewell, self.transport.abort)


def http_within(bounds: HttpBounds, crowd: Crowd | None = None) -> type[BoundedHttp]:
    """The protocol class for these bounds, as uvicorn takes it."""
    return type("BoundedHttp", (BoundedHttp,), {"bounds": bounds, "crowd": crowd})
