"""One authentication in progress: wait for its outcome, or take it back (CIBA 10)."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Protocol

from ciba_client.sdk.delivery_mode import TokenDeliveryMode
from ciba_client.sdk.errors import CibaClientError, RequestCancelled, TransactionFailed
from ciba_client.sdk.jose.sca_receipt import ScaReceipt
from ciba_client.sdk.provider.answers import Acknowledgement, AuthReqId
from ciba_client.sdk.transaction.events import PollEvent, TokensReceived
from ciba_client.sdk.transaction.token_set import TokenSet

__all__ = ["PendingAuthentication", "Waiting"]


class Waiting(Protocol):
    """How one delivery mode waits."""

    @property
    def interval(self) -> float | None:
        """Seconds between polls, where there are any."""
        ...

    @property
    def awaits_ping(self) -> bool:
        """Whether the provider has yet to say that the decision is there."""
        ...

    async def advance(self) -> PollEvent:
        """Wait for the next event; raises whatever ended the wait, to each who asks."""
        ...

    def pinged(self) -> None:
        """The provider says that the decision is there."""
        ...

    async def pushed(self, body: bytes) -> None:
        """The provider has sent the outcome."""
        ...

    def end(self, error: CibaClientError) -> None:
        """Wait no longer; tokens already verified stay available."""
        ...


class PendingAuthentication:
    """The user is being asked; ``tokens()`` waits for the answer, ``events()`` also tells of it.

    The same in each delivery mode. Nothing runs in the background: polls are sent only while one of
    the two is awaited. A final error is raised to each task that waits. Leaving the block cancels
    nothing: the user may still decide, and another process may wait on.
    """

    def __init__(
        self,
        acknowledgement: Acknowledgement,
        *,
        mode: TokenDeliveryMode,
        waiting: Waiting,
        send_cancellation: Callable[[], Awaitable[bool]],
        fetch_receipt: Callable[[], Awaitable[ScaReceipt]],
    ) -> None:
        self._acknowledgement = acknowledgement
        self._mode = mode
        self._waiting = waiting
        self._send_cancellation = send_cancellation
        self._fetch_receipt = fetch_receipt
        self._cancelling = asyncio.Lock()
        self._cancelled = False

    @property
    def auth_req_id(self) -> AuthReqId:
        """The handle of this transaction; a secret (CIBA 7.3)."""
        return self._acknowledgement.auth_req_id

    @property
    def expires_in(self) -> int:
        """Seconds from the request until it expires, as acknowledged."""
        return self._acknowledgement.expires_in

    @property
    def verification_code(self) -> str | None:
        """Six digits to show to the user, who types them on the phone; None where none are asked.

        Whoever sees them can help an attacker's request along: show them, and log them nowhere.
        """
        return self._acknowledgement.verification_code

    @property
    def delivery_mode(self) -> TokenDeliveryMode:
        """How the outcome comes."""
        return self._mode

    @property
    def interval(self) -> float | None:
        """Seconds between polls now in force; None in push mode."""
        return self._waiting.interval

    @property
    def awaits_ping(self) -> bool:
        """Whether the provider has yet to say that the decision is there (CIBA 10.2)."""
        return self._waiting.awaits_ping

    async def tokens(self) -> TokenSet:
        """Wait for the user's decision; in push mode for the push, until a minute after the expiry.

        Raises:
            TransactionEnded: declined, expired, cancelled, or refused otherwise.
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

    async def cancel(self) -> bool:
        """Take the request back: prompts vanish, no tokens are issued, who waits hears of it.

        Returns False where it was settled before (denied, redeemed, failed, expired, and in push
        mode delivered): then nothing changes, and ``tokens()`` says how. It may be repeated.

        Raises:
            CancellationRefused: the provider does not know the request, or not as this client's.
            ProviderUnavailable: no answer; it may be cancelled all the same.
            InvalidProviderResponse: the provider broke the protocol, or cancels nothing.
        """
        async with self._cancelling:
            cancelled = await self._send_cancellation()
            if cancelled:
                self._cancelled = True
                self._waiting.end(RequestCancelled())
            return cancelled

    async def receipt(self) -> ScaReceipt:
        """The provider's signed receipt of the approval, verified; ask once the tokens are there.

        It can be had until ten minutes after the expiry, and says the same each time.

        Raises:
            ReceiptRefused: ``not_approved``, or the provider does not know the request any more.
            InvalidScaReceipt: it does not prove what it must.
            ProviderUnavailable: no answer; ask again.
            InvalidProviderResponse: the provider broke the protocol, or gives no receipts.
        """
        return await self._fetch_receipt()

    def pinged(self) -> None:
        """The provider has notified this client: who waits asks for the tokens at once.

        A ``NotificationReceiver`` calls it; a program whose notifications arrive elsewhere does so
        itself, in the event loop of this client. Once is enough, more often changes nothing.
        """
        self._waiting.pinged()

    async def pushed(self, body: bytes) -> None:
        """The provider has pushed this body to this client; the first that comes counts.

        As ``pinged``: a program whose notifications arrive elsewhere calls it itself, once it has
        verified the notification token. Acknowledge the push when it returns.

        Raises:
            InvalidIdToken: the tokens do not prove what they must; ``tokens()`` raises it, too.
            InvalidProviderResponse: likewise for what is no push of this request.
            ProviderUnavailable: it cannot be verified at the moment; nothing has changed.
            CibaClientError: nobody waits for it any more.
        """
        await self._waiting.pushed(body)

    def close(self) -> None:
        """Stop waiting for good; tokens already verified stay available."""
        self._waiting.end(CibaClientError("the authentication was left before its end"))

    async def _advance(self) -> PollEvent:
        try:
            return await self._waiting.advance()
        except TransactionFailed as error:
            async with self._cancelling:  # the poll may have heard of it before who cancelled
                if self._cancelled:
                    raise RequestCancelled from error
            raise
