"""The last step of a request: the challenge is made and the transaction is stored."""

from collections.abc import Awaitable, Callable

import msgspec

from ciba_service.flow.due.due_work import DueWorker
from ciba_service.flow.signing import signed
from ciba_service.ports import (
    Callback,
    KeyRing,
    NewTransaction,
    Randomness,
    StoredRequest,
    TransactionStore,
)
from ciba_service.protocol.client.metadata import Client
from ciba_service.protocol.locale import Locale
from ciba_service.protocol.names import DeliveryMode
from ciba_service.protocol.request.authentication_request import AuthenticationRequest
from ciba_service.protocol.subject_identifiers import SubjectIdentifiers
from ciba_service.protocol.tokens.dpop.binding import Binding
from ciba_service.protocol.tokens.refresh_token import may_have_refresh_token
from ciba_service.protocol.transaction.identifiers import AuthReqId
from ciba_service.sca.challenge import ChallengeContent, new_challenge
from ciba_service.sca.factors.policy import Requirement
from ciba_service.sca.messages import CHALLENGE_TYP
from ciba_service.sca.phones.devices import user_tag

__all__ = ["Draft", "TransactionStart"]


class Draft(msgspec.Struct, frozen=True):
    """A transaction that has a name and a lifetime, in milliseconds, and nothing else yet."""

    transaction_id: str
    created_at: int
    expires_at: int


class TransactionStart:
    """Stores what was found right in every respect; the phones are told later."""

    def __init__(
        self,
        *,
        issuer: str,
        transactions: TransactionStore,
        worker: DueWorker,
        keys: KeyRing,
        ping_on_expiry: bool,
        locale_of: Callable[[str], Awaitable[Locale]],
        subjects: SubjectIdentifiers,
        random: Randomness,
    ) -> None:
        self._issuer = issuer
        self._ping_on_expiry = ping_on_expiry
        self._locale_of = locale_of
        self._subjects = subjects
        self._transactions = transactions
        self._worker = worker
        self._keys = keys
        self._random = random

    async def start(
        self,
        new: Draft,
        subject: str,
        client: Client,
        request: AuthenticationRequest,
        required: Requirement,
        *,
        auth_req_id: AuthReqId,
        binding: Binding,
        challenge: str,
        verification_code: str | None,
        operation: str,
    ) -> None:
        """Store the transaction as PENDING; raises ``StoreUnavailable``."""
        tag, until = user_tag(subject), self._worker.lease(new.created_at)
        await self._transactions.create(
            NewTransaction(
                transaction_id=new.transaction_id,
                client_id=client.client_id,
                user_tag=tag,
                request=StoredRequest(
                    subject=subject,
                    scope=request.scope,
                    acr=required.acr,
                    factors=required.factors,
                    challenge=challenge,
                    details=request.details.granted,
                    claims=request.claims,
                    resources=request.resources,
                    request_context=request.request_context,
                    binding=binding,
                    verification_code=verification_code,
                    passkey_for_pin=required.passkey_for_pin,
                    pairwise_sub=self._subjects.pairwise(client, subject),
                ),
                created_at=new.created_at,
                expires_at=new.expires_at,
                interval_ms=client.polling_interval * 1000,
                callback=_callback(client, request, auth_req_id),
                tells_expiry=self._tells_expiry(client),
                announced_until=until,
            ),
            operation=operation,
        )
        self._worker.announce(new.transaction_id, tag, until)

    def _tells_expiry(self, client: Client) -> bool:
        # CIBA 12: who is pushed has no other way to learn it.
        return client.delivery_mode is DeliveryMode.PUSH or self._ping_on_expiry

    async def challenge(
        self,
        new: Draft,
        subject: str,
        client: Client,
        request: AuthenticationRequest,
        required: Requirement,
    ) -> str:
        """The signed challenge, the same for all phones; raises ``SignerUnavailable``.

        In the language of the user: no client chooses it.
        """
        challenge = new_challenge(
            ChallengeContent(
                issuer=self._issuer,
                transaction_id=new.transaction_id,
                client_name=client.name,
                scope=request.scope,
                binding_message=request.binding_message,
                details=request.details,
                factors=required.factors,
                passkey_for_pin=required.passkey_for_pin,
                issued_at=new.created_at // 1000,
                expires_at=new.expires_at // 1000,
                locale=await self._locale_of(subject),
                lasts=_lasts(client, request),
                logo=None if client.logo is None else client.logo.name,
            ),
            token_bytes=self._random,
        )
        return await signed(self._keys.challenge_signer, typ=CHALLENGE_TYP, claims=challenge)


def _lasts(client: Client, request: AuthenticationRequest) -> bool:
    return may_have_refresh_token(client, has_payment=request.details.payment is not None)


def _callback(
    client: Client, request: AuthenticationRequest, auth_req_id: AuthReqId
) -> Callback | None:
    token = request.client_notification_token
    if client.delivery_mode is DeliveryMode.POLL or token is None:
        return None
    return Callback(auth_req_id=auth_req_id.value, token=token.value, mode=client.delivery_mode)
