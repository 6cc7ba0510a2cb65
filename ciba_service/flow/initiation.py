"""A client asks: authenticate it, understand it, find the user, store the transaction (CIBA 7)."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

from ciba_service.flow.account_gate import AccountGate, Parties
from ciba_service.flow.client_authentication import ClientAuthentication
from ciba_service.flow.client_request import ClientRequest
from ciba_service.flow.due_work import DueWorker
from ciba_service.ports import (
    Clock,
    KeyRing,
    NewTransaction,
    PromptReservation,
    PromptStore,
    Randomness,
    ReplayKind,
    ReplayStore,
    StoredRequest,
    Telemetry,
    TransactionStore,
    User,
    UserDirectory,
)
from ciba_service.protocol.client.metadata import Client
from ciba_service.protocol.errors import (
    InvalidRequestError,
    OAuth2Error,
    PolicyRefusedError,
    Reason,
    UnknownUserIdError,
)
from ciba_service.protocol.request.authentication_request import (
    AuthenticationRequest,
    parse_authentication_request,
)
from ciba_service.protocol.request.authorization_details import BUILT_IN_TYPES, DetailTypes
from ciba_service.protocol.request.hints import LoginHint
from ciba_service.protocol.request.signed_request import RequestReplay
from ciba_service.protocol.transaction.gate import DeviceState, Step
from ciba_service.protocol.transaction.identifiers import AuthReqId, new_auth_req_id
from ciba_service.protocol.transaction.lifetime import RequestLifetime
from ciba_service.sca.challenge import ChallengeContent, new_challenge
from ciba_service.sca.devices import user_tag
from ciba_service.sca.messages import transaction_id
from ciba_service.sca.policy import Requirement, requirement

__all__ = ["Acknowledgement", "Initiation", "InitiationPolicy"]


@dataclass(frozen=True, slots=True)
class InitiationPolicy:
    """What the operator decides about requests: lifetimes, the floor of authentication, types."""

    issuer: str
    lifetime: RequestLifetime
    floor: str
    require_otp: bool
    detail_types: DetailTypes = BUILT_IN_TYPES


@dataclass(frozen=True, slots=True)
class Acknowledgement:
    """The answer to a request (CIBA 7.3); ``expires_in`` and ``interval`` are in seconds."""

    auth_req_id: AuthReqId
    expires_in: int
    interval: int


class Initiation:
    """Two round trips: reserve whatever may be used once, then store the transaction."""

    def __init__(
        self,
        *,
        authentication: ClientAuthentication,
        replays: ReplayStore,
        users: UserDirectory,
        gate: AccountGate,
        prompts: PromptStore,
        transactions: TransactionStore,
        worker: DueWorker,
        keys: KeyRing,
        policy: InitiationPolicy,
        new_operation: Callable[[], str],
        random: Randomness,
        clock: Clock,
        telemetry: Telemetry,
    ) -> None:
        self._authentication = authentication
        self._replays = replays
        self._users = users
        self._gate = gate
        self._prompts = prompts
        self._transactions = transactions
        self._worker = worker
        self._keys = keys
        self._policy = policy
        self._new_operation = new_operation
        self._random = random
        self._clock = clock
        self._telemetry = telemetry

    async def initiate(self, sent: ClientRequest) -> Acknowledgement:
        """Take a request from its form to a stored transaction.

        Raises:
            OAuth2Error: the first that holds; failed authentication is told before all others.
            StoreUnavailable: when the store cannot be reached.
        """
        now = self._clock.now_ms()
        operation = self._new_operation()
        verified = self._authentication.verify(sent)
        client = verified.client
        try:
            request = parse_authentication_request(
                sent.form,
                client=client,
                issuer=self._policy.issuer,
                now=now / 1000,
                detail_types=self._policy.detail_types,
            )
            hint = _login_hint(request)
            required = self._requirement(client, request)
        except OAuth2Error:
            await self._authentication.consume(verified, operation=operation)
            raise
        auth_req_id = new_auth_req_id(self._random)
        expires_in = self._policy.lifetime.grant(request.requested_expiry)
        new = _Draft(transaction_id(auth_req_id.value), now, now + expires_in * 1000)
        user = self._users.find(hint)
        consumed, unused, reservation = await asyncio.gather(
            self._authentication.consume(verified, operation=operation),
            self._consume_request(client, request.replay, operation),
            self._reserve_prompt(user, new),
            return_exceptions=True,
        )
        try:
            _raise_first(consumed, unused, reservation)
        except BaseException:
            if user is not None and reservation is PromptReservation.RESERVED:
                await self._prompts.release(user_tag(user.subject), new.transaction_id)
            raise
        subject = self._askable(user, client, reservation)
        await self._store(new, subject, client, request, required, operation=operation)
        self._telemetry.event(
            "transaction_started",
            transaction_id=new.transaction_id,
            client_id=client.client_id,
        )
        return Acknowledgement(
            auth_req_id=auth_req_id,
            expires_in=expires_in,
            interval=client.polling_interval,
        )

    def _requirement(self, client: Client, request: AuthenticationRequest) -> Requirement:
        required = requirement(
            floor=self._policy.floor,
            acr_values=request.wished_acr,
            # PSD2 art. 97(1): access to account information needs it as much as a payment does.
            has_payment=request.details.strong_authentication,
            require_otp=self._policy.require_otp or client.require_otp,
        )
        request.claims.verify_acr(required.acr)
        return required

    async def _consume_request(
        self, client: Client, replay: RequestReplay | None, operation: str
    ) -> None:
        if replay is None:
            return
        fresh = await self._replays.reserve(
            ReplayKind.REQUEST_OBJECT,
            client.client_id,
            replay.jti,
            operation=operation,
            until=int(replay.expires_at * 1000),
        )
        if not fresh:
            raise InvalidRequestError from Reason("the request object was used before")

    async def _reserve_prompt(self, user: User | None, new: "_Draft") -> PromptReservation | None:
        if user is None or not user.enabled:
            return None
        return await self._prompts.reserve(
            user_tag(user.subject),
            new.transaction_id,
            now=new.created_at,
            until=new.expires_at,
        )

    def _askable(self, user: User | None, client: Client, reservation: object) -> str:
        """The user's subject, if the user can be asked by this client now."""
        if reservation is PromptReservation.FULL:
            raise PolicyRefusedError from Reason("too many prompts of this user are open")
        has_phone = reservation is not PromptReservation.NO_DEVICE
        # Unknown, disabled, locked and without a phone look the same to the client.
        if user is None or not self._gate.lets_ask(
            Step.INITIATE,
            Parties(user.subject, client.client_id),
            device=DeviceState.ACTIVE if has_phone else DeviceState.REVOKED,
            is_locked=reservation is PromptReservation.LOCKED,
        ):
            raise UnknownUserIdError from Reason(f"user not askable: {reservation}")
        if reservation is not PromptReservation.RESERVED:
            raise AssertionError("whoever can be asked has a prompt reserved")
        return user.subject

    async def _store(
        self,
        new: "_Draft",
        subject: str,
        client: Client,
        request: AuthenticationRequest,
        required: Requirement,
        *,
        operation: str,
    ) -> None:
        challenge = new_challenge(
            ChallengeContent(
                issuer=self._policy.issuer,
                transaction_id=new.transaction_id,
                client_name=client.name,
                scope=request.scope,
                binding_message=request.binding_message,
                details=request.details,
                factors=required.factors,
                issued_at=new.created_at // 1000,
                expires_at=new.expires_at // 1000,
            ),
            key=self._keys.challenge_key,
            token_bytes=self._random,
        )
        await self._transactions.create(
            NewTransaction(
                transaction_id=new.transaction_id,
                client_id=client.client_id,
                user_tag=user_tag(subject),
                request=StoredRequest(
                    subject=subject,
                    scope=request.scope,
                    acr=required.acr,
                    factors=required.factors,
                    challenge=challenge,
                    details=request.details.granted,
                ),
                created_at=new.created_at,
                expires_at=new.expires_at,
                interval_ms=client.polling_interval * 1000,
            ),
            operation=operation,
        )
        self._worker.nudge(new.transaction_id)


@dataclass(frozen=True, slots=True)
class _Draft:
    """A transaction that has a name and a lifetime, in milliseconds, and nothing else yet."""

    transaction_id: str
    created_at: int
    expires_at: int


def _login_hint(request: AuthenticationRequest) -> LoginHint:
    if not isinstance(request.hint, LoginHint):
        raise InvalidRequestError from Reason("the hint is of a kind that is not supported")
    return request.hint


def _raise_first(*outcomes: object) -> None:
    """Of several refusals the first in the order of the arguments is told."""
    for outcome in outcomes:
        if isinstance(outcome, BaseException):
            raise outcome
