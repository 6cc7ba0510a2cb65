"""The bank's API that executes a payment: here the demo resource of ciba-service.

It is the bank that holds the token to its payment: the same amount and payee, and one time only.
"""

from dataclasses import dataclass
from typing import Any, Final

import httpx2

from ciba_client import CibaClient, TokenSet

__all__ = ["Executed", "PaymentApi", "PaymentRefused", "PaymentUncertain"]

ATTEMPTS: Final = 3
SECONDS: Final = 15.0


class PaymentRefused(Exception):
    """The bank says no; the text is its OAuth error code."""


class PaymentUncertain(Exception):
    """Nobody knows whether it was executed: the bank could not be heard."""


@dataclass(frozen=True, slots=True)
class Executed:
    """A payment that was executed; the bank's number of it."""

    payment_id: str


class PaymentApi:
    """The payments of one bank, for one client."""

    def __init__(self, client: CibaClient, http: httpx2.AsyncClient, url: str) -> None:
        self._client = client
        self._http = http
        self._url = url
        self._nonce: str | None = None

    async def execute(self, tokens: TokenSet, payment: dict[str, Any]) -> Executed:
        """Execute the payment of a token; what got lost on its way is sent again.

        Raises:
            PaymentRefused: executed before, another payment than was approved, or a token that is
                no longer good.
            PaymentUncertain: no answer said how it ended.
        """
        was_lost = False
        for _ in range(ATTEMPTS):
            try:
                answer = await self._send(tokens, payment)
            except httpx2.TransportError:
                was_lost = True
                continue
            if answer.is_success:
                return Executed(answer.json()["payment_id"])
            if answer.is_server_error:  # of a proxy, say, that has lost the bank's answer
                was_lost = True
                continue
            error = answer.json()["error"]
            if error == "payment_executed" and was_lost:  # by the request that nobody answered
                return Executed(str(tokens.id_token.claims["txn"]))
            if error != "use_dpop_nonce":
                raise PaymentRefused(error)
        raise PaymentUncertain

    async def _send(self, tokens: TokenSet, payment: dict[str, Any]) -> httpx2.Response:
        headers = self._client.resource_headers(
            tokens, method="POST", url=self._url, nonce=self._nonce
        )
        answer = await self._http.post(self._url, json=payment, headers=headers, timeout=SECONDS)
        self._nonce = answer.headers.get("DPoP-Nonce", self._nonce)
        return answer
