"""A WebSocket within bounds: uvicorn waits for ever for some peers, and takes any number of frames.

What is refused before the application sees it, or by the application, is answered as JSON; the
library's own text would repeat what was sent. Pings and parts of messages never reach the
application, so they are counted here; and a connection ends however little of it is read.
"""

import asyncio
import logging
from http import HTTPStatus
from typing import Any, ClassVar, Final

from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.exceptions import InvalidState, ProtocolError
from websockets.frames import CloseCode as WebSocketCode
from websockets.frames import Frame
from websockets.http11 import Response
from websockets.server import ServerProtocol

from ciba_service.listening.refusals import MEDIA_TYPE, refusal, refusal_body
from ciba_service.sca.messages import CloseCode
from ciba_service.sca.phones.frame_budget import FrameBudget

__all__ = ["BoundedWebSocket"]

# Of all kinds: well beyond the messages that a phone may send, each in several parts.
_FRAMES_PER_SECOND: Final = 64
_BURST: Final = 256


class _Connection(ServerProtocol):
    """Refuses in JSON, and stops reading where there are too many frames."""

    def __init__(self, **options: Any) -> None:  # noqa: ANN401 - as the library has it
        super().__init__(**options)
        self._budget = FrameBudget(_BURST, _FRAMES_PER_SECOND)
        self._loop = asyncio.get_running_loop()

    def reject(self, status: HTTPStatus | int, text: str) -> Response:
        """Without the text, which says what was wrong in the words of whoever sent it."""
        response = super().reject(status, text)
        response.body = refusal_body(HTTPStatus(status))
        for name, value in (
            ("Content-Type", MEDIA_TYPE),
            ("Content-Length", str(len(response.body))),
        ):
            del response.headers[name]
            response.headers[name] = value
        response.headers["Cache-Control"] = "no-store"
        return response

    def recv_frame(self, frame: Frame) -> None:
        """Take one frame; nothing behind the last one that is too many is parsed."""
        if not self._budget.spend(int(self._loop.time() * 1000)):
            code = CloseCode.TOO_MANY_FRAMES
            self.fail(code, code.name.lower())
            raise ProtocolError(code.name)
        super().recv_frame(frame)


class BoundedWebSocket(WebSocketsSansIOProtocol):
    """One WebSocket, without extensions."""

    farewell_seconds: ClassVar = 10.0
    """How long the last words may wait for their reader once the application has ended."""

    _last_resort: asyncio.TimerHandle | None = None

    def __init__(self, *arguments: Any, **options: Any) -> None:  # noqa: ANN401 - as uvicorn has it
        super().__init__(*arguments, **options)
        # What is said of connections that end after an answer is not for one that becomes a socket.
        self.default_headers = [each for each in self.default_headers if each[0] != b"connection"]
        self.conn = _Connection(
            max_size=self.config.ws_max_size, logger=logging.getLogger("uvicorn.error")
        )

    def connection_lost(self, exc: Exception | None) -> None:
        """Wait for nothing more."""
        if self._last_resort is not None:
            self._last_resort.cancel()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """The first data is a whole head, from ``BoundedHttp``: it opens the WebSocket or ends."""
        super().data_received(data)
        if not self.handshake_initiated and not self.transport.is_closing():
            answer = b"".join(self.conn.data_to_send())
            self.transport.write(answer or refusal(HTTPStatus.BAD_REQUEST))
            self.transport.close()

    async def send(self, message: Any) -> None:  # noqa: ANN401 - an ASGI message
        """Whoever left before it was let in has left; uvicorn would go on to expect the opening."""
        await super().send(message)
        if message["type"] == "websocket.accept" and not self.handshake_complete:
            self.handshake_complete = self.disconnected = True

    def send_receive_event_to_app(self) -> None:
        """Text that is no UTF-8 ends the WebSocket; uvicorn would log it as a fault of ours."""
        if self.curr_msg_data_type == "text" and not self.close_sent:
            try:
                b"".join(self.frames).decode()
            except UnicodeDecodeError:
                if self.handshake_complete:
                    self.conn.send_close(WebSocketCode.INVALID_DATA)
                self.handle_parser_exception()
                return
        super().send_receive_event_to_app()

    def handle_parser_exception(self) -> None:
        """The peer broke the protocol: what the application still says is for nobody."""
        if self.conn.close_sent is None:  # It did so before it was let in.
            self.transport.abort()
            return
        super().handle_parser_exception()
        self.disconnected = True

    def keepalive_timeout(self) -> None:
        """The peer is gone, or reads nothing: what waits for it is not kept."""
        super().keepalive_timeout()
        self.transport.abort()

    def on_task_complete(self, task: asyncio.Task[None]) -> None:
        """The application has ended; the connection does so, too, whether it is read or not."""
        super().on_task_complete(task)
        if self not in self.connections:
            return
        self._last_resort = self.loop.call_later(self.farewell_seconds, self.transport.abort)

    def shutdown(self) -> None:
        """The server ends; who is just going needs no word of it, and must not stop the others'."""
        try:
            super().shutdown()
        except InvalidState:
            self.transport.close()
