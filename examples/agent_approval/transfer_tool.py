"""The tool ``transfer`` of an AI agent: it moves money once a human has approved exactly that.

The agent says how much and to whom. Who pays, and who is asked, is not the agent's to say; the
token is never shown to it, and the bank takes that token for this one payment, once.
"""

import asyncio
import secrets
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from ciba_client import (
    AccessDenied,
    AuthenticationRequestRefused,
    CibaClient,
    CibaClientError,
    Expired,
    PendingAuthentication,
    TokenSet,
    TokenType,
)
from examples.agent_approval.payment_api import (
    Executed,
    PaymentApi,
    PaymentRefused,
    PaymentUncertain,
)

__all__ = ["Outcome", "TransferResult", "TransferTool"]

LETTERS: Final = "BCDFGHJKLMNPQRSTVWXZ"
SECONDS_TO_DECIDE: Final = 120
LONGEST_TOKEN: Final = 300
PSD2_SCA: Final = "urn:openbanking:psd2:sca"

Payment = dict[str, Any]
"""A ``payment_initiation`` of ``authorization_details`` (RFC 9396 2)."""


class Outcome(StrEnum):
    """What became of a transfer."""

    EXECUTED = "executed"
    DECLINED = "declined"
    EXPIRED = "expired"
    REFUSED = "refused"
    UNCERTAIN = "uncertain"


@dataclass(frozen=True, slots=True)
class TransferResult:
    """What the agent is told; ``reason`` is a sentence that it can act on."""

    outcome: Outcome
    reason: str
    payment_id: str | None = None


class TransferTool:
    """Transfers of one payer.

    ``payer`` is the ``login_hint`` of the human who is asked. ``show`` is given what the human has
    to compare with the phone, and shows it where the human talks to the agent.
    """

    def __init__(
        self, client: CibaClient, bank: PaymentApi, *, payer: str, show: Callable[[str], None]
    ) -> None:
        self._client = client
        self._bank = bank
        self._payer = payer
        self._show = show

    async def transfer(
        self, amount: str, currency: str, creditor_iban: str, creditor_name: str
    ) -> TransferResult:
        """Ask the payer, wait for the decision, execute the payment; cancelled, it asks no more."""
        payment: Payment = {
            "type": "payment_initiation",
            "instructedAmount": {"currency": currency, "amount": amount},
            "creditorName": creditor_name,
            "creditorAccount": {"iban": creditor_iban},
        }
        try:
            tokens = await self._approved(payment)
        except AuthenticationRequestRefused as refusal:
            return TransferResult(Outcome.REFUSED, f"The bank does not ask for this: {refusal}")
        except AccessDenied:
            return TransferResult(Outcome.DECLINED, "The payer declined. Do not ask again.")
        except Expired:
            return TransferResult(Outcome.EXPIRED, "The payer did not answer in time.")
        except CibaClientError as error:
            return TransferResult(Outcome.REFUSED, f"There is no approval: {error}")
        return await self._executed(tokens, payment)

    async def _approved(self, payment: Payment) -> TokenSet:
        code = "".join(secrets.choice(LETTERS) for _ in range(5))
        asking = self._client.authenticate(
            login_hint=self._payer,
            binding_message=code,
            authorization_details=[payment],
            requested_expiry=SECONDS_TO_DECIDE,
            required_acr=[PSD2_SCA],
        )
        async with asking as pending:
            self._show(f"Approve on your phone, if it shows {code}.")
            if pending.verification_code is not None:
                self._show(f"Type this on the phone: {pending.verification_code}")
            return await _decision(pending)

    async def _executed(self, tokens: TokenSet, payment: Payment) -> TransferResult:
        if not _is_good_for_this_alone(tokens, payment):
            return TransferResult(Outcome.REFUSED, "The bank granted something else.")
        try:
            executed = await self._bank.execute(tokens, payment)
        except PaymentRefused as refusal:
            return TransferResult(Outcome.REFUSED, f"The bank did not execute it: {refusal}")
        except PaymentUncertain:
            return TransferResult(
                Outcome.UNCERTAIN, "The bank was not heard. Look at the account, do not try again."
            )
        return _told(executed, payment)


async def _decision(pending: PendingAuthentication) -> TokenSet:
    """Wait; whoever stops waiting takes the request off the phone."""
    try:
        return await pending.tokens()
    except asyncio.CancelledError:
        with suppress(CibaClientError):  # out of reach: then it ends by itself
            await pending.cancel()
        raise


def _is_good_for_this_alone(tokens: TokenSet, payment: Payment) -> bool:
    # RFC 9396 7: what was granted counts, not what was asked for.
    return (
        list(tokens.authorization_details) == [payment]
        and tokens.token_type is TokenType.DPOP
        and tokens.expires_in is not None
        and tokens.expires_in <= LONGEST_TOKEN
        and tokens.refresh_token is None
    )


def _told(executed: Executed, payment: Payment) -> TransferResult:
    amount = payment["instructedAmount"]
    sentence = f"{amount['amount']} {amount['currency']} went to {payment['creditorName']}."
    return TransferResult(Outcome.EXECUTED, sentence, executed.payment_id)
