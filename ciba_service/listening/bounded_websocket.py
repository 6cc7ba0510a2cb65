"""The opening of a WebSocket within bounds: uvicorn waits for ever after one that it cannot read.

What is refused before the application sees it, or by the application, is answered as JSON; the
library's own text would repeat what was sent.
"""

import logging
from http import HTTPStatus
from typing import Any

from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.exceptions import InvalidState
from websockets.http11 import Response
from websockets.server import ServerProtocol

from ciba_service.listening.refusals import MEDIA_TYPE, refusal, refusal_body

__all__ = ["BoundedWebSocket"]


class _Handshake(ServerProtocol):
    """Refuses in JSON."""

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


class BoundedWebSocket(WebSocketsSansIOProtocol):
    """One WebSocket, without extensions."""

    def __init__(self, *arguments: Any, **options: Any) -> None:  # noqa: ANN401 - as uvicorn has it
        super().__init__(*arguments, **options)
        # What is said of connections that end after an answer is not for one that becomes a socket.
        self.default_headers = [each for each in self.default_headers if each[0] != b"connection"]
        self.conn = _Handshake(
            max_size=self.config.ws_max_size, logger=logging.getLogger("uvicorn.error")
        )

    def data_received(self, data: bytes) -> None:
        """The first data is a whole head, from ``BoundedHttp``: it opens the WebSocket or ends."""
        super().data_received(data)
        if not self.handshake_initiated and not self.transport.is_closing():
            answer = b"".join(self.conn.data_to_send())
            self.transport.write(answer or refusal(HTTPStatus.BAD_REQUEST))
            self.transport.close()

    def shutdown(self) -> None:
        """The server ends; who is just going needs no word of it, and must not stop the others'."""
        try:
            super().shutdown()
        except InvalidState:
            self.transport.close()
