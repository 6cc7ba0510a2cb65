"""One authentication in progress: waits, polls, verifies (CIBA 10.1)."""

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
    time, however many tasks await them. A final error is raised to each of them.
    """

    def __init__(
        self,
        acknowledgement: Acknowledgement,
        *,
        sent_at: float,
        redemption: Redemption,
        clock: Clock,
    ) -> None:
        self._acknowledgement = acknowledgement
        self._redemption = redemption
        self._clock = clock
        self._schedule = PollSchedule.begin(
            sent_at=sent_at,
            now=clock.monotonic(),
            interval=acknowledgement.interval,
            expires_in=acknowledgement.expires_in,
        )
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

    def close(self) -> None:
        """Stop polling for good; tokens already verified stay available."""
        self._response = None
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
        await self._wait_until_due()
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

    async def _wait_until_due(self) -> None:
        while self._ended is None:
            now = self._clock.monotonic()
            due = self._schedule.next_poll_at(now)
            if due == now:
                return
            if now >= self._schedule.expires_at:
                if self._response is not None:  # redeemed in time; only its verification is open
                    return
                raise self._last_failure or Expired("expired_token", "nobody decided in time", None)
            await self._clock.sleep((self._schedule.expires_at if due is None else due) - now)
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
        return max(0.0, self._schedule.not_before - self._clock.monotonic())
