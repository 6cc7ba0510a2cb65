"""Security events are pushed to a receiver, each as a signed token (RFC 8417, RFC 8935).

At least once, with the same ``jti``: what waits is in the store, and any process takes it over, by
the store's time where the clock here is ahead.
"""

import asyncio
from contextlib import suppress
from typing import Final, assert_never

from ciba_service.flow.due.jitter import new_jitter
from ciba_service.flow.due.store_time import StoreTime
from ciba_service.flow.security_events.receiver import EventReceiver
from ciba_service.flow.signing import signed
from ciba_service.ports import (
    Clock,
    DueSet,
    KeyRing,
    Outbound,
    OutboundFailure,
    OutboundRequest,
    Randomness,
    SetOutbox,
    SignerUnavailable,
    StoreUnavailable,
    Telemetry,
)
from ciba_service.protocol.security_events.kinds import EventReceiverRefused
from ciba_service.protocol.security_events.push import (
    Accepted,
    Again,
    GivenUp,
    PushAnswer,
    judge_push,
)
from ciba_service.protocol.security_events.record import SecurityEventRecord
from ciba_service.protocol.security_events.security_event_token import SET_TYP, set_claims

__all__ = ["SetPushes"]

_AT_ONCE: Final = 8
_LOOK_SECONDS: Final = 1.0
_DEADLINE_SECONDS: Final = 10.0


class SetPushes:
    """The background task of one receiver."""

    def __init__(
        self,
        receiver: EventReceiver,
        *,
        issuer: str,
        outbox: SetOutbox,
        outbound: Outbound,
        keys: KeyRing,
        random: Randomness,
        store_time: StoreTime,
        clock: Clock,
        arrived: asyncio.Event,
        telemetry: Telemetry,
    ) -> None:
        self._receiver = receiver
        self._issuer = issuer
        self._outbox = outbox
        self._outbound = outbound
        self._keys = keys
        self._random = random
        self._store_time = store_time
        self._clock = clock
        self._arrived = arrived
        self._telemetry = telemetry
        self._said: str | None = None

    async def run(self) -> None:
        """Push until cancelled; a failure of ours is logged once, until there is another."""
        while True:
            self._arrived.clear()
            try:
                pushed = await self.push_due()
                self._said = None
            except (SignerUnavailable, StoreUnavailable) as error:
                pushed = False
                if str(error) != self._said:
                    self._said = str(error)
                    self._telemetry.failure("sets_not_pushed", error, receiver=self._receiver.name)
            if not pushed:
                # What is due again, or was left by another process, sets nothing.
                with suppress(TimeoutError):
                    async with asyncio.timeout(_LOOK_SECONDS):
                        await self._arrived.wait()

    async def push_due(self) -> bool:
        """Make an attempt for each that is due; whether there was any.

        Raises:
            SignerUnavailable, StoreUnavailable: nothing is lost; they come again.
        """
        ahead = await self._store_time.ahead_ms()
        due = await self._outbox.claim(now=self._clock.now_ms() - ahead, limit=_AT_ONCE)
        await asyncio.gather(*(self._push(each, ahead) for each in due))
        return bool(due)

    async def _push(self, due: DueSet, ahead: int) -> None:
        answer = await self._attempt(due.record)
        now = self._clock.now_ms() - ahead
        verdict = judge_push(
            answer,
            attempt=due.attempts + 1,
            now=now,
            until=due.record.at + self._receiver.kept,
            jitter=new_jitter(self._random),
        )
        match verdict:
            case Accepted():
                await self._outbox.finish(due)
            case Again(at=at):
                await self._outbox.put_off(due, until=at)
            case GivenUp(error=error):
                await self._outbox.finish(due)
                self._telemetry.security_event(
                    EventReceiverRefused(
                        receiver=self._receiver.name, event_id=due.record.id, error=error.value
                    )
                )
            case _:
                assert_never(verdict)

    async def _attempt(self, record: SecurityEventRecord) -> PushAnswer | None:
        receiver, signer = self._receiver, self._keys.events_signer
        if signer is None:
            raise SignerUnavailable("there is no key for security events")
        claims = set_claims(record, issuer=self._issuer, audience=receiver.audience)
        token = await signed(signer, typ=SET_TYP, claims=claims)
        result = await self._outbound.send(
            OutboundRequest.push_set(
                receiver.url,
                authorization=None if receiver.token is None else f"Bearer {receiver.token}",
                body=token.encode("ascii"),
                deadline=_DEADLINE_SECONDS,
            )
        )
        if isinstance(result, OutboundFailure):
            self._log(record, failure=result.reason.value, detail=result.detail)
            return None
        self._log(record, status=result.status)
        return PushAnswer(result.status, result.body, result.retry_after)

    def _log(self, record: SecurityEventRecord, **seen: object) -> None:
        self._telemetry.event(
            "set_pushed", receiver=self._receiver.name, event_id=record.id, **seen
        )
