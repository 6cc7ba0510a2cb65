"""The phone without a socket: a push wakes it, it fetches over HTTPS, and decides there."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from typing import Final

from authenticator_sim.connection.https import HttpsConnection
from authenticator_sim.connection.push_service import LocalPushService
from authenticator_sim.core.device import Device
from authenticator_sim.core.events import (
    Event,
    FetchFailed,
    PhoneStopped,
    PushListening,
    StopReason,
    WakeUpKept,
    WakeUpWays,
)
from authenticator_sim.core.identity.push import PushSubscription
from authenticator_sim.errors import DeviceRevoked, ServiceUnreachable, UsageError
from ciba_service.sca.messages import AskWakeUp, Decide, DropWakeUp, SetWakeUp, Shown

__all__ = ["PushedConnection"]

_LEAVING_SECONDS: Final = 2.0


class PushedConnection:
    """Sleeps between pushes until it is stopped; ``report`` hears every event, in order."""

    def __init__(
        self,
        device: Device,
        *,
        https: HttpsConnection,
        push_service: LocalPushService,
        subscription: PushSubscription,
        report: Callable[[Event], None],
    ) -> None:
        """Prepare; the address is registered by ``run``."""
        self._device = device
        self._https = https
        self._push_service = push_service
        self._subscription = subscription
        self._report = report

    async def run(self) -> StopReason:
        """Sleep, look, sleep, until the service knows this phone no more.

        Raises:
            UsageError: The service sends no pushes, or none to this machine.
            PhoneError: It cannot be told where to push to.
        """
        serving = asyncio.create_task(self._push_service.run())
        try:
            await self._register()
            return await self._look_and_sleep()
        finally:
            serving.cancel()
            with suppress(asyncio.CancelledError):
                await serving

    async def submit(self, decide: Decide) -> None:
        """Hand a decision in; raises ``PhoneError``."""
        for event in await self._https.decide(decide):
            self._report(event)

    async def tell(self, receipt: Shown) -> None:
        """Say that a challenge is in front of the user; nothing depends on it."""
        with suppress(ServiceUnreachable, DeviceRevoked):
            await self._https.tell(receipt)

    async def leave(self) -> None:
        """Be woken no more; nothing depends on it."""
        with suppress(ServiceUnreachable, DeviceRevoked, TimeoutError):
            async with asyncio.timeout(_LEAVING_SECONDS):
                await self._told(DropWakeUp())

    async def _register(self) -> None:
        ways = await self._told(AskWakeUp())
        keys = [event.web_push_key for event in ways if isinstance(event, WakeUpWays)]
        if not keys or keys[0] is None:
            raise UsageError("The service sends no pushes (wake_up.web_push).")
        self._push_service.service_key = keys[0]
        self._report(PushListening(self._push_service.port))
        answers = await self._told(self._subscription.registration(self._push_service.endpoint))
        if not any(isinstance(event, WakeUpKept) for event in answers):
            raise UsageError("The service does not push to this machine.")

    async def _look_and_sleep(self) -> StopReason:
        while True:
            try:
                await self._look()
            except DeviceRevoked:
                self._report(PhoneStopped(StopReason.REVOKED))
                return StopReason.REVOKED
            except ServiceUnreachable as error:
                self._report(FetchFailed(str(error)))  # the next push makes it look again
            await self._push_service.next()

    async def _look(self) -> None:
        self._device.begin_connection()  # what is not listed now is gone
        for event in await self._https.fetch():
            self._report(event)

    async def _told(self, message: AskWakeUp | SetWakeUp | DropWakeUp) -> tuple[Event, ...]:
        events = await self._https.tell(message)
        for event in events:
            self._report(event)
        return events
