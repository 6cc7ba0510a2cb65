"""A client asks: authenticate it, understand it, find the user, store the transaction (CIBA 7)."""

from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Final

from ciba_service.flow.account_gate import AccountGate, Parties
from ciba_service.flow.asking.request_budgets import RequestBudgets
from ciba_service.flow.asking.transaction_start import Draft, TransactionStart
from ciba_service.flow.asking.user_code_check import CodeQuestion, UserCodeCheck
from ciba_service.flow.asking.user_resolution import ResolvedHint, UserResolution
from ciba_service.flow.clients.client_authentication import ClientAuthentication, VerifiedClient
from ciba_service.flow.clients.client_request import ClientRequest
from ciba_service.flow.clients.published_keys import PublishedKeys
from ciba_service.flow.clients.sender_constraint import SenderConstraint, VerifiedBinding
from ciba_service.flow.together import outcomes, together
from ciba_service.ports import (
    Clock,
    PromptReservation,
    PromptStore,
    Randomness,
    ReplayKind,
    ReplayStore,
    RiskPolicy,
    SignerUnavailable,
    Situation,
    Telemetry,
    User,
)
from ciba_service.protocol.client.metadata import Client
from ciba_service.protocol.errors import (
    InvalidParameterError,
    InvalidRequestError,
    OAuth2Error,
    PolicyRefusedError,
    Reason,
    UnknownUserIdError,
    cause_of,
)
from ciba_service.protocol.names import DeliveryMode
from ciba_service.protocol.request.authentication_request import (
    AuthenticationRequest,
    parse_authentication_request,
)
from ciba_service.protocol.request.authorization_details import BUILT_IN_TYPES, DetailTypes
from ciba_service.protocol.request.signed_request import RequestReplay
from ciba_service.protocol.security_events.causes import Cause
from ciba_service.protocol.security_events.kinds import (
    Limit,
    PromptRefused,
    RequestObjectRefused,
    UnknownUserAsked,
)
from ciba_service.protocol.tokens.dpop.binding import Binding
from ciba_service.protocol.transaction.gate import DeviceState, Step
from ciba_service.protocol.transaction.identifiers import AuthReqId, new_auth_req_id
from ciba_service.protocol.transaction.lifetime import RequestLifetime
from ciba_service.sca.factors.floors import Asked, Floor, FloorRule, strongest_floor
from ciba_service.sca.factors.policy import Requirement, requirement
from ciba_service.sca.factors.verification_code import new_verification_code
from ciba_service.sca.messages import Factor, transaction_id
from ciba_service.sca.phones.devices import user_tag

__all__ = ["Acknowledgement", "Initiation", "InitiationPolicy"]

_REFUSED: Final[dict[object, Limit]] = {
    PromptReservation.FULL: Limit.OPEN,
    PromptReservation.UNANSWERED: Limit.UNANSWERED,
    PromptReservation.PAUSED: Limit.PAUSED,
    PromptReservation.BLOCKED: Limit.BLOCKED,
}
_UNWANTED: Final = frozenset({PromptReservation.BLOCKED, PromptReservation.PAUSED})


@dataclass(frozen=True, slots=True)
class InitiationPolicy:
    """What the operator decides about requests: lifetimes, floors of authentication, types.

    ``rules`` raise the floor for some requests; ``risk`` is an operator's own rule, which may
    demand more than all that is configured. ``passkeys_count``: they may take the PIN's place.
    """

    issuer: str
    lifetime: RequestLifetime
    floor: str
    require_otp: bool
    require_verification_code: bool = False
    require_passkey: bool = False
    passkeys_count: bool = False
    rules: tuple[FloorRule, ...] = ()
    detail_types: DetailTypes = BUILT_IN_TYPES
    require_request_context: bool = False
    risk: RiskPolicy | None = None


@dataclass(frozen=True, slots=True)
class Acknowledgement:
    """The answer to a request (CIBA 7.3); ``expires_in`` and ``interval`` are in seconds.

    There is no ``interval`` for who does not poll. ``verification_code`` is to be shown on the
    consumption device, where the user must type it on the phone.
    """

    auth_req_id: AuthReqId
    expires_in: int
    interval: int | None
    verification_code: str | None = field(repr=False)


class Initiation:
    """Two round trips: reserve whatever may be used once, then store the transaction.

    A handle made by a phone takes one more, before them: it alone says whose prompt to reserve.
    """

    def __init__(
        self,
        *,
        authentication: ClientAuthentication,
        constraint: SenderConstraint,
        published: PublishedKeys,
        replays: ReplayStore,
        budgets: RequestBudgets,
        resolution: UserResolution,
        codes: UserCodeCheck,
        gate: AccountGate,
        prompts: PromptStore,
        start: TransactionStart,
        policy: InitiationPolicy,
        new_operation: Callable[[], str],
        random: Randomness,
        clock: Clock,
        telemetry: Telemetry,
    ) -> None:
        self._authentication = authentication
        self._constraint = constraint
        self._published = published
        self._replays = replays
        self._budgets = budgets
        self._resolution = resolution
        self._codes = codes
        self._gate = gate
        self._prompts = prompts
        self._start = start
        self._policy = policy
        self._new_operation = new_operation
        self._random = random
        self._clock = clock
        self._telemetry = telemetry

    async def initiate(self, sent: ClientRequest) -> Acknowledgement:
        """Take a request from its form to a stored transaction.

        Raises:
            OAuth2Error: the first that holds; failed authentication is told before all others.
            StoreUnavailable, SignerUnavailable: when they cannot be reached.
        """
        return await self.initiate_for(await self._authentication.verify(sent), sent)

    async def initiate_for(self, verified: VerifiedClient, sent: ClientRequest) -> Acknowledgement:
        """The same for a client that has proved who it is; raises as ``initiate`` does."""
        now = self._clock.now_ms()
        operation = self._new_operation()
        client = verified.client
        request: AuthenticationRequest | None = None
        binding = VerifiedBinding(Binding())
        try:
            binding = self._binding(sent, client)
            client = await self._published.for_request(client, sent.form)
            request = self._parse(sent, client, now)
            required = self._requirement(client, request)
        except OAuth2Error:
            # What is refused is spent like what is not, and the spending is refused first.
            replay = None if request is None else request.replay
            await self._spend(verified, binding, replay, operation)
            raise
        charged = partial(
            self._budgets.charges, client.client_id, request.hint, operation=operation, now=now
        )
        try:
            resolved = await self._resolution.resolve(request, client=client, now=now / 1000)
        except OAuth2Error as error:
            self._tell_unknown(client, error)
            await self._spend(verified, binding, request.replay, operation, *charged())
            raise
        auth_req_id = new_auth_req_id(self._random)
        expires_in = self._policy.lifetime.grant(request.requested_expiry)
        verification_code = self._verification_code(required)
        new = Draft(transaction_id(auth_req_id.value), now, now + expires_in * 1000)
        code = CodeQuestion(client, resolved, request.user_code, operation, now)
        *spent, reservation, may_compare = await outcomes(
            self._authentication.consume(verified, operation=operation),
            *self._proof_spent(binding, operation),
            self._consume_request(client, request.replay, operation),
            *charged(),
            *self._hint_spent(resolved, operation, now),
            self._reserve_prompt(resolved.user, client, new),
            self._codes.reserve(code),
        )
        try:
            _raise_first(*spent, reservation, may_compare)
            subject = await self._askable(resolved.user, client, reservation)
        except BaseException:
            await self._give_back(new, code)
            raise
        try:
            self._codes.verify(code, is_reserved=may_compare is True)
            challenge = await self._start.challenge(new, subject, client, request, required)
        except OAuth2Error:
            await self._prompts.take_back(user_tag(subject), client.client_id, new.transaction_id)
            raise
        except SignerUnavailable:
            await self._give_back(new, code)
            raise
        await together(
            self._start.start(
                new,
                subject,
                client,
                request,
                required,
                auth_req_id=auth_req_id,
                binding=binding.binding,
                challenge=challenge,
                verification_code=verification_code,
                operation=operation,
            ),
            self._codes.succeeded(code),
        )
        self._telemetry.event(
            "transaction_started",
            transaction_id=new.transaction_id,
            client_id=client.client_id,
            delivery_mode=client.delivery_mode.value,
            acr=required.acr,
        )
        return Acknowledgement(
            auth_req_id=auth_req_id,
            expires_in=expires_in,
            interval=_interval(client),
            verification_code=verification_code,
        )

    # Few requests bring either of these: for the others there is nothing to wait for.

    def _proof_spent(
        self, binding: VerifiedBinding, operation: str
    ) -> Sequence[Coroutine[Any, Any, None]]:
        return [self._constraint.consume(binding, operation=operation)] if binding.proof else []

    def _hint_spent(
        self, resolved: ResolvedHint, operation: str, now: int
    ) -> Sequence[Coroutine[Any, Any, None]]:
        counts_once = resolved.replay or resolved.handle
        return (
            [self._resolution.consume(resolved, operation=operation, now=now)]
            if counts_once
            else []
        )

    def _verification_code(self, required: Requirement) -> str | None:
        if Factor.VERIFICATION_CODE not in required.factors:
            return None
        return new_verification_code(self._random)

    def _binding(self, sent: ClientRequest, client: Client) -> VerifiedBinding:
        """What pushed tokens will be bound to; nobody shows it again later (CIBA 5)."""
        if client.delivery_mode is not DeliveryMode.PUSH:
            return VerifiedBinding(Binding())
        return self._constraint.verify(sent, client)

    def _parse(self, sent: ClientRequest, client: Client, now: int) -> AuthenticationRequest:
        try:
            return parse_authentication_request(
                sent.form,
                client=client,
                issuer=self._policy.issuer,
                now=now / 1000,
                resources=client.resources,
                detail_types=self._policy.detail_types,
                require_request_context=self._policy.require_request_context,
            )
        except InvalidRequestError as error:
            cause = cause_of(error)
            if cause is not None:
                self._telemetry.security_event(
                    RequestObjectRefused(cause=cause, client_id=client.client_id, peer=sent.peer)
                )
            raise

    def _requirement(self, client: Client, request: AuthenticationRequest) -> Requirement:
        floor = self._floor(client, request)
        required = requirement(
            floor=floor.acr,
            acr_values=request.wished_acr,
            # PSD2 art. 97(1): access to account information needs it as much as a payment does.
            has_payment=request.details.strong_authentication,
            require_otp=floor.otp or self._is_risky(client, request),
            require_verification_code=floor.verification_code,
            require_passkey=floor.passkey,
            passkeys_count=self._policy.passkeys_count,
        )
        request.claims.verify_acr(required.acr)
        return required

    def _floor(self, client: Client, request: AuthenticationRequest) -> Floor:
        policy, payment = self._policy, request.details.payment
        base = Floor(
            acr=policy.floor,
            otp=policy.require_otp or client.require_otp,
            verification_code=policy.require_verification_code or client.require_verification_code,
            passkey=policy.require_passkey,
        )
        asked = Asked(
            client_id=client.client_id,
            scope=request.scope,
            detail_types=frozenset(detail.type for detail in request.details.granted),
            amount=None if payment is None else payment.instructed_amount,
        )
        return strongest_floor(base, policy.rules, asked)

    def _is_risky(self, client: Client, request: AuthenticationRequest) -> bool:
        if self._policy.risk is None:
            return False
        return self._policy.risk.needs_one_time_code(
            Situation(
                client_id=client.client_id,
                scope=request.scope,
                details=request.details.granted,
                context=request.request_context,
            )
        )

    async def _spend(
        self,
        verified: VerifiedClient,
        binding: VerifiedBinding,
        replay: RequestReplay | None,
        operation: str,
        *charged: Coroutine[Any, Any, None],
    ) -> None:
        spent = await outcomes(
            self._authentication.consume(verified, operation=operation),
            self._constraint.consume(binding, operation=operation),
            self._consume_request(verified.client, replay, operation),
            *charged,
        )
        _raise_first(*spent)

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
            self._telemetry.security_event(
                RequestObjectRefused(cause=Cause.REPLAYED, client_id=client.client_id)
            )
            raise InvalidParameterError("request") from Reason("the request object was used before")

    async def _reserve_prompt(
        self, user: User | None, client: Client, new: Draft
    ) -> PromptReservation | None:
        if user is None or not user.enabled:
            return None
        return await self._prompts.reserve(
            user_tag(user.subject),
            client.client_id,
            new.transaction_id,
            now=new.created_at,
            until=new.expires_at,
        )

    async def _askable(self, user: User | None, client: Client, reservation: object) -> str:
        """The user's subject, if the user can be asked by this client now."""
        self._tell_refused(user, client, reservation)
        if reservation is PromptReservation.FULL:
            raise PolicyRefusedError from Reason("too many prompts of this user are open")
        if reservation is PromptReservation.UNANSWERED:
            raise PolicyRefusedError from Reason("too many prompts since the user last approved")
        has_phone = reservation is not PromptReservation.NO_DEVICE
        # Unknown, disabled, locked, without a phone, and whoever wants nothing to do with this
        # client look the same to it.
        if (
            user is None
            or reservation in _UNWANTED
            or not await self._gate.lets_ask(
                Step.INITIATE,
                Parties(user.subject, client.client_id),
                device=DeviceState.ACTIVE if has_phone else DeviceState.REVOKED,
                is_locked=reservation is PromptReservation.LOCKED,
            )
        ):
            if reservation not in _UNWANTED:
                self._telemetry.security_event(UnknownUserAsked(client_id=client.client_id))
            raise UnknownUserIdError from Reason(f"user not askable: {reservation}")
        if reservation is not PromptReservation.RESERVED:
            raise AssertionError("whoever can be asked has a prompt reserved")
        return user.subject

    def _tell_refused(self, user: User | None, client: Client, reservation: object) -> None:
        limit = _REFUSED.get(reservation)
        if limit is not None and user is not None:
            self._telemetry.security_event(
                PromptRefused(limit=limit, client_id=client.client_id, user=user_tag(user.subject))
            )

    def _tell_unknown(self, client: Client, error: OAuth2Error) -> None:
        if isinstance(error, UnknownUserIdError):
            self._telemetry.security_event(UnknownUserAsked(client_id=client.client_id))

    async def _give_back(self, new: Draft, code: CodeQuestion) -> None:
        """Undo what may be reserved for a request that ends without a word about its code.

        One round trip, whoever the hint led to, and also if nothing was reserved.
        """
        await together(
            self._codes.take_back(code),
            self._prompts.take_back(
                user_tag(code.subject), code.client.client_id, new.transaction_id
            ),
        )


def _interval(client: Client) -> int | None:
    # CIBA 7.3: not for push; never 0, which clients refuse, even where nothing is enforced.
    return None if client.delivery_mode is DeliveryMode.PUSH else max(1, client.polling_interval)


def _raise_first(*outcomes: object) -> None:
    """Of several refusals the first in the order of the arguments is told."""
    for outcome in outcomes:
        if isinstance(outcome, Exception):
            raise outcome
