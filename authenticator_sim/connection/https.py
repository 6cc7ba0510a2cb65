"""The phone over HTTPS: one nonce, one signed message, one answer with all its frames."""

from http import HTTPStatus
from posixpath import basename
from urllib.parse import urljoin

import msgspec

from authenticator_sim.connection.http import HttpAnswer, HttpClient
from authenticator_sim.connection.retry import with_retries
from authenticator_sim.core.decoding import MalformedJson, decode_json
from authenticator_sim.core.device import Device
from authenticator_sim.core.events import DecisionPostponed, Event, OrderPostponed
from authenticator_sim.errors import DeviceRevoked, ServiceUnreachable, UntrustedService
from authenticator_sim.ports import Clock, RandomBytes
from ciba_service.sca.messages import (
    AskWakeUp,
    Decide,
    DeviceMessage,
    DevicePath,
    DropWakeUp,
    EndAccess,
    Fetch,
    GiveOrder,
    GiveUp,
    Hello,
    ListAccesses,
    ListDevices,
    ListPasskeys,
    MakePasskey,
    MessageExchange,
    RemovePasskey,
    RenameDevice,
    SetWakeUp,
    Shown,
    decode_service_message,
)

__all__ = ["HttpsConnection"]


_WithoutPin = (
    ListDevices
    | RenameDevice
    | GiveUp
    | Shown
    | MakePasskey
    | ListPasskeys
    | RemovePasskey
    | AskWakeUp
    | SetWakeUp
    | DropWakeUp
)


class HttpsConnection:
    """Fetches and decides without a socket (a phone woken by a push does the same)."""

    def __init__(
        self, device: Device, *, http: HttpClient, clock: Clock, random_bytes: RandomBytes
    ) -> None:
        """Prepare; nothing is sent yet."""
        self._device = device
        self._http = http
        self._clock = clock
        self._random_bytes = random_bytes
        self._messages = device.identity.messages
        self._nonce = urljoin(self._messages, basename(DevicePath.NONCE))

    async def fetch(self) -> tuple[Event, ...]:
        """Ask for every open challenge.

        Raises:
            DeviceRevoked: The service no longer knows this phone.
            ServiceUnreachable: No proper answer after several attempts.
            UntrustedService: The service is another one.
        """
        return await self._with_retries(Fetch())

    async def decide(self, decide: Decide) -> tuple[Event, ...]:
        """Hand in a decision, the same one again until there is an outcome; raises as ``fetch``."""
        return await self._with_retries(decide)

    async def ask_for_handle(self) -> tuple[Event, ...]:
        """Ask for a one-time ``login_hint``; raises as ``fetch``."""
        return await self._with_retries(self._device.ask_for_handle())

    async def list_accesses(self) -> tuple[Event, ...]:
        """Ask for every access that lasts; raises as ``fetch``."""
        return await self._with_retries(ListAccesses())

    async def end_access(self, transaction_id: str) -> tuple[Event, ...]:
        """End an access, until the service has answered; raises as ``fetch``."""
        return await self._with_retries(EndAccess(transaction_id))

    async def tell(self, message: _WithoutPin) -> tuple[Event, ...]:
        """Say something that needs no PIN; raises as ``fetch``."""
        return await self._with_retries(message)

    async def give_order(self, order: GiveOrder) -> tuple[Event, ...]:
        """Hand in an order, the same one again until there is an outcome; raises as ``fetch``."""
        return await self._with_retries(order)

    async def fresh_nonce(self) -> str:
        """A nonce for an order; raises ``ServiceUnreachable`` or ``UntrustedService``."""
        hello = await with_retries(self._hello, clock=self._clock, random_bytes=self._random_bytes)
        if hello.issuer != self._device.identity.issuer:
            raise UntrustedService("The service says it is another issuer.")
        return hello.nonce

    async def _with_retries(self, message: DeviceMessage) -> tuple[Event, ...]:
        return await with_retries(
            lambda: self._attempt(message), clock=self._clock, random_bytes=self._random_bytes
        )

    async def _attempt(self, message: DeviceMessage) -> tuple[Event, ...]:
        body = msgspec.json.encode(message)
        answer = await self._exchange(body)
        if answer.status == HTTPStatus.UNAUTHORIZED:  # the nonce went stale: once more
            answer = await self._exchange(body)
        events = self._received(answer)
        if any(isinstance(event, DecisionPostponed | OrderPostponed) for event in events):
            raise ServiceUnreachable("The service cannot take decisions now.")
        return events

    async def _exchange(self, body: bytes) -> HttpAnswer:
        hello = await self._hello()
        proof = self._device.session_proof(hello, now_ms=self._clock.now_ms(), body=body)
        return await self._http.post(self._messages, body, authorization=f"Device {proof}")

    async def _hello(self) -> Hello:
        answer = await self._http.get(self._nonce)
        if answer.status != HTTPStatus.OK:
            raise ServiceUnreachable(f"The service answered with {answer.status}.")
        try:
            hello = decode_service_message(answer.body)
        except msgspec.DecodeError as error:
            raise ServiceUnreachable("The service answered with something else.") from error
        if not isinstance(hello, Hello):
            raise ServiceUnreachable("The service answered with something else.")
        return hello

    def _received(self, answer: HttpAnswer) -> tuple[Event, ...]:
        if answer.status == HTTPStatus.FORBIDDEN:
            raise DeviceRevoked("The service no longer knows this phone: enrol it anew.")
        if answer.status != HTTPStatus.OK:
            raise ServiceUnreachable(f"The service answered with {answer.status}.")
        try:
            exchange = decode_json(answer.body, MessageExchange)
        except MalformedJson as error:
            raise ServiceUnreachable("The service answered with something else.") from error
        now_ms = self._clock.now_ms()
        return tuple(
            event
            for message in exchange.messages
            for event in self._device.receive(message, now_ms=now_ms).events
        )
