"""``/device/ws``: one phone on a WebSocket (docs/device-protocol.md).

Accept first, then close with a documented code: a phone can read a close code and not a failed
handshake. Frames of a phone are answered one after the other, which is the back-pressure.
"""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import ClassVar

import msgspec
from starlette.types import Receive, Scope, Send
from starlette.websockets import WebSocket, WebSocketDisconnect, WebSocketDisconnected

from ciba_service.endpoints.device.asked import Asked
from ciba_service.endpoints.device.connection_names import ConnectionNames
from ciba_service.endpoints.device.rumours import rumour
from ciba_service.flow.deciding.conversation import Conversation
from ciba_service.flow.phones.device_sessions import DeviceSessions
from ciba_service.flow.phones.key_announcements import KeyAnnouncements, KeyNews
from ciba_service.listening.admission.strangers import stranger_of
from ciba_service.listening.peer import peer_address
from ciba_service.ports import (
    Announcement,
    AnnouncementKind,
    Clock,
    DeviceHub,
    StoreUnavailable,
    Telemetry,
)
from ciba_service.protocol.errors import InvalidDeviceProofError
from ciba_service.sca.decision import InvalidDecisionError, parse_decision
from ciba_service.sca.messages import (
    LARGEST_FRAME,
    SUBPROTOCOL,
    Authenticate,
    CloseCode,
    Decide,
    DeviceMessage,
    GiveOrder,
    OrderRefusal,
    OrderRefused,
    RefusalReason,
    Refused,
    ServiceMessage,
    Welcome,
    decode_device_message,
)
from ciba_service.sca.phones.devices import Device, DeviceNotApproved, DeviceRevoked
from ciba_service.sca.phones.frame_budget import FrameBudget
from ciba_service.sca.phones.orders import InvalidOrderError, parse_order

__all__ = ["DeviceSocket", "Patience", "SocketSteps"]


class DeviceProtocolError(Exception):
    """The socket ends, with this close code."""

    def __init__(self, code: CloseCode) -> None:
        super().__init__(code.name)
        self.code = code


@dataclass(frozen=True, slots=True)
class SocketSteps:
    """The steps a socket calls."""

    sessions: DeviceSessions
    conversation: Conversation
    announcements: KeyAnnouncements
    hub: DeviceHub
    new_operation: Callable[[], str]


@dataclass(frozen=True, slots=True)
class Patience:
    """How many seconds a phone has to authenticate, and to take a frame that is sent to it.

    ``enrolment`` is how long the socket of a phone stays that was revoked while nothing was said.
    """

    authenticate: float = 10.0
    send: float = 10.0
    enrolment: float = 60.0


class DeviceSocket:
    """The ASGI endpoint: one call a socket."""

    patience: ClassVar = Patience()

    def __init__(
        self, steps: SocketSteps, clock: Clock, telemetry: Telemetry, *, capacity: int
    ) -> None:
        """``capacity`` is how many may be open at once in this process."""
        self._capacity = capacity
        self._open = 0
        self._steps = steps
        self._clock = clock
        self._telemetry = telemetry
        self._connections = ConnectionNames(clock, steps.new_operation)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one socket until either side ends it."""
        socket = WebSocket(scope, receive, send)
        offered = SUBPROTOCOL in scope.get("subprotocols", [])
        await socket.accept(SUBPROTOCOL if offered else None)
        if not offered:
            await self._close(socket, CloseCode.MALFORMED)
            return
        if self._open >= self._capacity:
            await self._close(socket, CloseCode.UNAVAILABLE)
            return
        self._open += 1
        try:
            await self._serve(socket)
        finally:
            self._open -= 1

    async def _serve(self, socket: WebSocket) -> None:
        try:
            await self._converse(socket)
        except* DeviceProtocolError as group:
            await self._close(socket, _first_code(group))
        except* WebSocketDisconnect:
            self._telemetry.event("device_disconnected")

    async def _converse(self, socket: WebSocket) -> None:
        device = await self._authenticate(socket)
        stranger = stranger_of(socket.scope)
        if stranger is not None:
            stranger.known()
        connection = self._connections.next()
        news, asked = KeyNews(self._steps.announcements), Asked()
        try:
            async with self._steps.hub.attach(device.tag, device.device_id, connection) as inbox:
                self._telemetry.event("device_connected", device_id=device.device_id)
                async with asyncio.TaskGroup() as tasks:
                    tasks.create_task(self._listen(socket, device, asked))
                    tasks.create_task(self._watch(socket, device, news))
                    async for announcement in inbox:
                        frames = await self._frames(device, announcement, asked)
                        asked.note(frames)
                        # Whoever is to believe a challenge must know its key.
                        for message in (*await news.unsaid(), *frames):
                            await self._send(socket, message)
        except* StoreUnavailable:
            raise DeviceProtocolError(CloseCode.UNAVAILABLE) from None
        except* DeviceRevoked:
            raise DeviceProtocolError(CloseCode.REVOKED) from None

    async def _authenticate(self, socket: WebSocket) -> Device:
        await self._send(socket, self._steps.sessions.greet())
        try:
            async with asyncio.timeout(self.patience.authenticate):
                message = await _receive(socket)
        except TimeoutError:
            raise DeviceProtocolError(CloseCode.TOO_SLOW) from None
        if not isinstance(message, Authenticate):
            raise DeviceProtocolError(CloseCode.MALFORMED)
        try:
            device = await self._steps.sessions.authenticate(
                message.proof,
                body_hash=None,
                operation=self._steps.new_operation(),
                peer=peer_address(socket.scope),
            )
        except InvalidDeviceProofError as error:
            self._telemetry.event("device_proof_refused", reason=str(error.__cause__))
            raise DeviceProtocolError(CloseCode.NOT_AUTHENTICATED) from None
        except DeviceRevoked:
            raise DeviceProtocolError(CloseCode.REVOKED) from None
        except DeviceNotApproved:
            raise DeviceProtocolError(CloseCode.NOT_APPROVED) from None
        except StoreUnavailable:
            raise DeviceProtocolError(CloseCode.UNAVAILABLE) from None
        welcome = Welcome(device_id=device.device_id, server_time=self._clock.now_ms())
        await self._send(socket, welcome)
        return device

    async def _listen(self, socket: WebSocket, device: Device, asked: Asked) -> None:
        budget = FrameBudget()
        while True:
            message = await _receive(socket)
            if not budget.spend(self._clock.now_ms()):
                raise DeviceProtocolError(CloseCode.TOO_MANY_FRAMES)
            replies = await self._replies(device, message)
            asked.note(replies)
            for reply in replies:
                await self._send(socket, reply)

    async def _replies(self, device: Device, message: DeviceMessage) -> list[ServiceMessage]:
        if isinstance(message, Authenticate):
            raise DeviceProtocolError(CloseCode.MALFORMED)
        try:
            return await self._steps.conversation.replies(device, message)
        except (InvalidDecisionError, InvalidOrderError):
            raise DeviceProtocolError(CloseCode.MALFORMED) from None
        except StoreUnavailable:
            if isinstance(message, Decide | GiveOrder):
                return [_unavailable(message)]
            raise

    async def _watch(self, socket: WebSocket, device: Device, news: KeyNews) -> None:
        # The word of a revocation may be lost; without the store there is nothing to read either.
        while True:
            await self._clock.sleep(self.patience.enrolment)
            with suppress(StoreUnavailable):
                await self._steps.conversation.verify_enrolled(device)
                for message in await news.unsaid():
                    await self._send(socket, message)

    async def _frames(
        self, device: Device, announcement: Announcement, asked: Asked
    ) -> list[ServiceMessage]:
        conversation = self._steps.conversation
        match announcement.kind:
            case AnnouncementKind.RESYNC:
                return await conversation.catch_up(device, asked.names)
            case AnnouncementKind.OFFER:
                offer = await conversation.offer(device, announcement.about)
                if offer is None:
                    return []
                asked.offered(announcement.about)
                return [offer]
            case AnnouncementKind.WAITING:
                return await conversation.waiting(device, announcement.about)
            case AnnouncementKind.REPLACED:
                raise DeviceProtocolError(CloseCode.REPLACED)
            case _:
                await conversation.verify_enrolled(device)  # the store knows, a rumour does not
                return rumour(device, announcement)

    async def _send(self, socket: WebSocket, message: ServiceMessage) -> None:
        try:
            async with asyncio.timeout(self.patience.send):
                await socket.send_text(msgspec.json.encode(message).decode())
        except TimeoutError:
            raise DeviceProtocolError(CloseCode.TOO_SLOW) from None
        except WebSocketDisconnected:  # Another of this socket's tasks met it before.
            raise WebSocketDisconnect from None

    async def _close(self, socket: WebSocket, code: CloseCode) -> None:
        self._telemetry.event("device_socket_closed", close_code=code.value)
        try:
            async with asyncio.timeout(self.patience.send):
                await socket.close(code, code.name.lower())
        except (TimeoutError, RuntimeError, WebSocketDisconnect):
            return  # The phone was gone before.


async def _receive(socket: WebSocket) -> DeviceMessage:
    message = await socket.receive()
    if message["type"] == "websocket.disconnect":
        raise WebSocketDisconnect
    text = message.get("text")
    # Servers that are not ours may let larger frames in.
    if text is None or len(text) > LARGEST_FRAME:
        raise DeviceProtocolError(CloseCode.MALFORMED)
    try:
        return decode_device_message(text)
    except msgspec.DecodeError:
        raise DeviceProtocolError(CloseCode.MALFORMED) from None


def _unavailable(message: Decide | GiveOrder) -> ServiceMessage:
    if isinstance(message, GiveOrder):
        return OrderRefused(parse_order(message.order).claims.jti, OrderRefusal.UNAVAILABLE)
    claims = parse_decision(message.decision).claims
    return Refused(
        transaction_id=claims.transaction_id,
        decision=claims.jti,
        reason=RefusalReason.UNAVAILABLE,
    )


def _first_code(group: BaseExceptionGroup[DeviceProtocolError]) -> CloseCode:
    first = group.exceptions[0]
    return _first_code(first) if isinstance(first, BaseExceptionGroup) else first.code
