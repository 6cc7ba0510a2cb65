"""Waiting for the outcome by asking for it, at the pace of polls or of a ping (CIBA 10.1, 10.2)."""

import asyncio
import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from ciba_client.sdk.clock import Clock
from ciba_client.sdk.errors import (
    CibaClientError,
    Expired,
    InvalidProviderResponse,
    ProviderUnavailable,
)
from ciba_client.sdk.provider.answers import (
    Acknowledgement,
    PollAnswer,
    StillPending,
    TokenResponse,
)
from ciba_client.sdk.transaction.alarm import Alarm
from ciba_client.sdk.transaction.events import (
    Pinged,
    PollEvent,
    ProviderBusy,
    SlowedDown,
    StillUndecided,
    TokensReceived,
)
from ciba_client.sdk.transaction.poll_schedule import PollSchedule
from ciba_client.sdk.transaction.token_set import TokenSet

__all__ = ["Polling", "Redemption"]


@dataclass(frozen=True, slots=True)
class Redemption:
    """The two steps that turn an ``auth_req_id`` into tokens; both may be unavailable."""

    poll: Callable[[], Awaitable[PollAnswer]]
    verify: Callable[[TokenResponse], Awaitable[TokenSet]]


class Polling:
    """Polls are sent only while somebody waits, one at a time, however many tasks wait.

    Where a ping is awaited, polls are rare until it comes: they are for pings that get lost.
    """

    def __init__(
        self,
        acknowledgement: Acknowledgement,
        *,
        sent_at: float,
        redemption: Redemption,
        clock: Clock,
        awaits_ping: bool = False,
    ) -> None:
        self._redemption = redemption
        self._clock = clock
        self._schedule = PollSchedule.begin(
            sent_at=sent_at,
            now=clock.monotonic(),
            interval=acknowledgement.interval,
            expires_in=acknowledgement.expires_in,
            awaits_ping=awaits_ping,
        )
        self._pinged = False
        self._alarm = Alarm(clock)
        self._turn = asyncio.Lock()
        self._response: TokenResponse | None = None
        self._tokens: TokenSet | None = None
        self._ended: CibaClientError | None = None
        self._last_failure: ProviderUnavailable | None = None

    @property
    def interval(self) -> float:
        """Seconds between polls now in force."""
        return self._schedule.interval

    @property
    def awaits_ping(self) -> bool:
        """Whether the provider has yet to say that the decision is there (CIBA 10.2)."""
        return self._schedule.awaits_ping

    async def advance(self) -> PollEvent:
        """Wait for the next event; raises whatever ended the wait, to each who asks."""
        # CIBA 10.1: never two overlapping token requests for one auth_req_id.
        async with self._turn:
            if self._tokens is not None:
                return TokensReceived(self._tokens)
            try:
                return await self._wait_and_poll()
            except ProviderUnavailable as failure:
                return self._after(failure)
            except CibaClientError as error:
                self._ended = error
                raise

    def pinged(self) -> None:
        """The provider may be asked at once."""
        self._pinged = True
        self._alarm.ring()

    async def pushed(self, body: bytes) -> None:
        """Nothing is pushed to a client that polls."""
        raise InvalidProviderResponse(f"a push of {len(body)} bytes to a client without push mode")

    def end(self, error: CibaClientError) -> None:
        """Stop polling for good; tokens already verified stay available."""
        self._response = None
        self._alarm.ring()
        if self._tokens is None and self._ended is None:
            self._ended = error

    async def _wait_and_poll(self) -> PollEvent:
        if not await self._wait_until_due():
            return Pinged()
        if self._response is None:
            self._schedule = self._schedule.sent(self._clock.monotonic())
            answer = await self._redemption.poll()
            if isinstance(answer, StillPending):
                return self._after_pending(answer)
            self._schedule = self._schedule.answered()
            self._response = answer
        self._tokens = await self._redemption.verify(self._response)
        self._response = None
        return TokensReceived(self._tokens)

    async def _wait_until_due(self) -> bool:
        """Wait for the next poll; False when a ping came first, which may change its time."""
        while self._ended is None:
            now = self._clock.monotonic()
            if self._pinged and self._schedule.awaits_ping:
                self._schedule = self._schedule.pinged(now)
                return False
            due = self._schedule.next_poll_at(now)
            if due == now:
                return True
            if now >= self._schedule.expires_at:
                if self._response is not None:  # redeemed in time; only its verification is open
                    return True
                raise self._last_failure or Expired("expired_token", "nobody decided in time", None)
            await self._alarm.wait((self._schedule.expires_at if due is None else due) - now)
        raise self._ended

    def _after_pending(self, answer: StillPending) -> PollEvent:
        self._last_failure = None
        if answer is StillPending.SLOW_DOWN:
            self._schedule = self._schedule.slowed_down()
            return SlowedDown(self._schedule.interval, self._next_poll_in())
        self._schedule = self._schedule.answered()
        return StillUndecided(self._next_poll_in())

    def _after(self, failure: ProviderUnavailable) -> PollEvent:
        now = self._clock.monotonic()
        if now >= self._schedule.expires_at:
            raise failure
        self._last_failure = failure
        self._schedule = self._schedule.unavailable(
            now,
            retry_after=failure.retry_after,
            jitter=random.random(),  # noqa: S311 - spreads load, protects nothing
        )
        return ProviderBusy(str(failure), self._next_poll_in())

    def _next_poll_in(self) -> float:
        now = self._clock.monotonic()
        due = self._schedule.next_poll_at(now)
        return max(0.0, self._schedule.not_before - now) if due is None else due - now
