"""Waiting for the outcome to be brought: the provider pushes it, and is never asked (CIBA 10.3)."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final

from ciba_client.sdk.clock import Clock
from ciba_client.sdk.errors import (
    CibaClientError,
    Expired,
    InvalidIdToken,
    InvalidProviderResponse,
    TransactionEnded,
)
from ciba_client.sdk.provider.answers import TokenResponse
from ciba_client.sdk.transaction.alarm import Alarm
from ciba_client.sdk.transaction.events import PollEvent, TokensReceived
from ciba_client.sdk.transaction.token_set import TokenSet

__all__ = ["AwaitedPush"]

# A push for a decision at the last moment may still be on its way, and on its second attempt.
_MARGIN: Final = 60.0


class AwaitedPush:
    """The first push counts: its tokens are verified as it comes, whoever waits for them or not.

    ``expires_at`` is an instant of the clock's monotonic time, ``parse`` reads a push, ``verify``
    the tokens in it.
    """

    interval = None
    awaits_ping = False

    def __init__(
        self,
        *,
        expires_at: float,
        parse: Callable[[bytes], TokenResponse | TransactionEnded],
        verify: Callable[[TokenResponse], Awaitable[TokenSet]],
        clock: Clock,
    ) -> None:
        self._patient_until = expires_at + _MARGIN
        self._parse = parse
        self._verify = verify
        self._clock = clock
        self._alarm = Alarm(clock)
        self._turn = asyncio.Lock()
        self._outcome: TokenSet | CibaClientError | None = None
        self._was_pushed = False

    async def advance(self) -> PollEvent:
        """Wait for the push; raises what it said, or why it could not be used, or ``Expired``."""
        while self._outcome is None:
            seconds = self._patient_until - self._clock.monotonic()
            if seconds > 0:
                await self._alarm.wait(seconds)
            else:
                self.end(Expired("expired_token", "no push came in time", None))
        if isinstance(self._outcome, TokenSet):
            return TokensReceived(self._outcome)
        raise self._outcome

    def pinged(self) -> None:
        """Nothing is asked for: a ping changes nothing."""

    async def pushed(self, body: bytes) -> None:
        """Verify what came and keep it; whatever comes after the first changes nothing."""
        async with self._turn:
            if not self._was_pushed:
                await self._take(body)

    def end(self, error: CibaClientError) -> None:
        """Wait no longer; tokens already verified stay available."""
        if self._outcome is None:
            self._outcome = error
        self._alarm.ring()

    async def _take(self, body: bytes) -> None:
        try:
            pushed = self._parse(body)
            outcome = pushed if isinstance(pushed, TransactionEnded) else await self._verify(pushed)
        except (InvalidIdToken, InvalidProviderResponse) as error:
            self.end(error)
            raise
        if isinstance(self._outcome, CibaClientError):  # left, perhaps while this was verified
            raise self._outcome
        self._outcome, self._was_pushed = outcome, True
        self._alarm.ring()
