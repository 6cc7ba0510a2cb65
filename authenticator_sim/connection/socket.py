"""The phone on its WebSocket: moves frames between the service and the device, and reconnects."""

import asyncio
import contextlib
import ssl
from collections.abc import Callable
from typing import Final, Never

import msgspec
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, WebSocketException
from websockets.typing import Subprotocol

from authenticator_sim.connection.addresses import is_loopback, require_protected
from authenticator_sim.connection.backoff import Backoff
from authenticator_sim.connection.close_codes import AfterClose, after_close
from authenticator_sim.connection.unreachable import why_unreachable
from authenticator_sim.core.device import Device
from authenticator_sim.core.events import (
    Decided,
    DecisionPostponed,
    Disconnected,
    Event,
    FetchCompleted,
    PhoneStopped,
    StopReason,
)
from authenticator_sim.errors import UntrustedService
from authenticator_sim.ports import Clock, RandomBytes
from ciba_service.sca.messages import (
    LARGEST_FRAME,
    SUBPROTOCOL,
    Decide,
    DeviceMessage,
    Shown,
    Welcome,
    decode_service_message,
)

__all__ = ["SocketConnection"]

_HANDSHAKE_SECONDS: Final = 10.0
_CLOSE_SECONDS: Final = 2.0
_STOPS: Final = {
    AfterClose.STOP_REVOKED: StopReason.REVOKED,
    AfterClose.STOP_REPLACED: StopReason.REPLACED,
}


class _NoRedirects(connect):
    """The address of enrolment is the only one: a redirect is a failed handshake."""

    def process_redirect(self, exc: Exception) -> Exception | str:
        return exc


class SocketConnection:
    """Keeps one phone connected until it is stopped.

    ``report`` hears every event, in order. ``submit`` may be called at any time: what cannot be
    sent now goes out on the next connection, since the device keeps it until its outcome.
    """

    def __init__(
        self,
        device: Device,
        *,
        clock: Clock,
        random_bytes: RandomBytes,
        tls: ssl.SSLContext,
        report: Callable[[Event], None],
        handshake_seconds: float = _HANDSHAKE_SECONDS,
    ) -> None:
        """Prepare; raises ``AddressRefused`` for an address without TLS."""
        self._url = require_protected(device.identity.websocket)
        self._device = device
        self._clock = clock
        self._tls = tls
        self._report = report
        self._handshake_seconds = handshake_seconds
        self._reconnects = Backoff(random_bytes)
        self._postponements = Backoff(random_bytes)
        self._socket: ClientConnection | None = None
        self._resending: set[asyncio.Task[None]] = set()

    async def run(self) -> StopReason:
        """Stay connected until the service says that this phone shall stop."""
        renewing = False
        while True:
            code, detail = await self._one_connection()
            after = after_close(code)
            if after in _STOPS:
                self._report(PhoneStopped(_STOPS[after]))
                return _STOPS[after]
            if after is AfterClose.MEND:
                for event in self._device.forget_unanswered():
                    self._report(event)
            at_once = after is AfterClose.NEW_NONCE and not renewing
            renewing = after is AfterClose.NEW_NONCE
            delay_ms = 0 if at_once else self._reconnects.next_delay_ms()
            self._report(Disconnected(delay_ms, code, detail))
            await self._clock.sleep(delay_ms / 1000)

    async def submit(self, decide: Decide) -> None:
        """Send a decision if there is a connection; else the next one begins with it."""
        if self._socket is not None:
            with contextlib.suppress(ConnectionClosed):
                await _send(self._socket, decide)

    async def tell(self, receipt: Shown) -> None:
        """Send a receipt if there is a connection."""
        if self._socket is not None:
            with contextlib.suppress(ConnectionClosed):
                await _send(self._socket, receipt)

    async def _one_connection(self) -> tuple[int | None, str | None]:
        self._device.begin_connection()
        try:
            async with _NoRedirects(
                self._url,
                subprotocols=[Subprotocol(SUBPROTOCOL)],
                ssl=self._tls if self._url.startswith("wss:") else None,
                proxy=None if is_loopback(self._url) else True,
                compression=None,
                open_timeout=self._handshake_seconds,
                close_timeout=_CLOSE_SECONDS,
                max_size=LARGEST_FRAME,
            ) as socket:
                await self._converse(socket)
        except ConnectionClosed as closed:
            return (None if closed.rcvd is None else closed.rcvd.code), None
        except TimeoutError:
            return None, "The service did not answer in time."
        except (OSError, WebSocketException) as error:
            return None, why_unreachable(error)
        except msgspec.DecodeError:
            return None, "The service sent something that is no message."
        except UntrustedService as error:
            return None, str(error)
        finally:
            self._socket = None
            for task in self._resending:
                task.cancel()

    async def _converse(self, socket: ClientConnection) -> Never:
        if socket.subprotocol != SUBPROTOCOL:
            raise UntrustedService("The service does not speak this protocol.")
        async with asyncio.timeout(self._handshake_seconds):
            while self._socket is None:
                await self._next_message(socket)
        while True:
            await self._next_message(socket)

    async def _next_message(self, socket: ClientConnection) -> None:
        frame = await socket.recv()
        if isinstance(frame, bytes):
            raise UntrustedService("The service sent a frame that is not text.")
        message = decode_service_message(frame)
        reaction = self._device.receive(message, now_ms=self._clock.now_ms())
        if isinstance(message, Welcome):
            self._socket = socket
        for event in reaction.events:
            self._notice(event)
            self._report(event)
        for answer in reaction.messages:
            await _send(socket, answer)

    def _notice(self, event: Event) -> None:
        match event:
            case FetchCompleted():
                self._reconnects.reset()
            case Decided():
                self._postponements.reset()
            case DecisionPostponed():
                task = asyncio.create_task(self._resend_later(event.transaction_id))
                self._resending.add(task)
                task.add_done_callback(self._resending.discard)
            case _:
                pass

    async def _resend_later(self, transaction_id: str) -> None:
        await self._clock.sleep(self._postponements.next_delay_ms() / 1000)
        again = self._device.resend(transaction_id)
        if again is not None:
            await self.submit(again)


async def _send(socket: ClientConnection, message: DeviceMessage) -> None:
    await socket.send(msgspec.json.encode(message).decode())
