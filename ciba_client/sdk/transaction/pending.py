"""One authentication in progress: waits, polls or is pinged, verifies (CIBA 10)."""

import asyncio
import random
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass

from ciba_client.sdk.clock import Clock
from ciba_client.sdk.errors import CibaClientError, Expired, ProviderUnavailable
from ciba_client.sdk.provider.answers import (
    Acknowledgement,
    AuthReqId,
    PollAnswer,
    StillPending,
    TokenResponse,
)
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

__all__ = ["PendingAuthentication", "Redemption"]


@dataclass(frozen=True, slots=True)
class Redemption:
    """The two steps that turn an ``auth_req_id`` into tokens; both may be unavailable."""

    poll: Callable[[], Awaitable[PollAnswer]]
    verify: Callable[[TokenResponse], Awaitable[TokenSet]]


class PendingAuthentication:
    """The user is being asked; ``tokens()`` waits for the answer, ``events()`` also tells of it.

    Nothing runs in the background: polls are sent only while one of the two is awaited, one at a
    time, however many tasks await them. A final error is raised to each of them. Where a ping is
    awaited, polls are rare until it comes: they are for pings that get lost.
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
        self._acknowledgement = acknowledgement
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
        self._woken = asyncio.Event()
        self._turn = asyncio.Lock()
        self._response: TokenResponse | None = None
        self._tokens: TokenSet | None = None
        self._ended: CibaClientError | None = None
        self._last_failure: ProviderUnavailable | None = None

    @property
    def auth_req_id(self) -> AuthReqId:
        """The handle of this transaction; a secret (CIBA 7.3)."""
        return self._acknowledgement.auth_req_id

    @property
    def expires_in(self) -> int:
        """Seconds from the request until it expires, as acknowledged."""
        return self._acknowledgement.expires_in

    @property
    def interval(self) -> float:
        """Seconds between polls now in force."""
        return self._schedule.interval

    @property
    def awaits_ping(self) -> bool:
        """Whether the provider has yet to say that the decision is there (CIBA 10.2)."""
        return self._schedule.awaits_ping

    async def tokens(self) -> TokenSet:
        """Wait for the user's decision.

        Raises:
            TransactionEnded: declined, expired, or refused otherwise.
            ProviderUnavailable: the time ran out while the provider could not be reached.
            InvalidIdToken: the tokens were issued but prove nothing.
            InvalidProviderResponse: the provider broke the protocol.
        """
        while True:
            event = await self._advance()
            if isinstance(event, TokensReceived):
                return event.tokens

    async def events(self) -> AsyncIterator[PollEvent]:
        """Wait likewise, and yield what happens; the last event is ``TokensReceived``."""
        while True:
            event = await self._advance()
            yield event
            if isinstance(event, TokensReceived):
                return

    def pinged(self) -> None:
        """The provider has notified this client: who waits asks for the tokens at once.

        A ``NotificationReceiver`` calls it; a program whose notifications arrive elsewhere does so
        itself, in the event loop of this client. Once is enough, more often changes nothing.
        """
        self._pinged = True
        self._woken.set()

    def close(self) -> None:
        """Stop polling for good; tokens already verified stay available."""
        self._response = None
        self._woken.set()
        if self._tokens is None and self._ended is None:
            self._ended = CibaClientError("the authentication was left before its end")

    async def _advance(self) -> PollEvent:
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
            await self._pause((self._schedule.expires_at if due is None else due) - now)
        raise self._ended

    async def _pause(self, seconds: float) -> None:
        """Let time pass until ``pinged`` or ``close`` is called."""
        self._woken.clear()
        timer = asyncio.ensure_future(self._clock.sleep(seconds))
        woken = asyncio.ensure_future(self._woken.wait())
        try:
            done, _ = await asyncio.wait({timer, woken}, return_when=asyncio.FIRST_COMPLETED)
            if timer in done:
                timer.result()
        finally:
            timer.cancel()
            woken.cancel()
            await asyncio.gather(timer, woken, return_exceptions=True)

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
