"""One flow: the SDK at work, and what was seen of it."""

import asyncio
import base64
import hashlib
from collections.abc import Callable
from typing import Any, Final

from ciba_client.playground.clients import PlaygroundClient
from ciba_client.playground.diagram import steps_of
from ciba_client.playground.explained.errors import explain_error
from ciba_client.playground.explained.tokens import Keys, provider_keys
from ciba_client.playground.further import FurtherRequests, published_endpoints
from ciba_client.playground.journal import Journal
from ciba_client.playground.ledger import followed_ledger, skew_of
from ciba_client.playground.order import Order
from ciba_client.playground.purposes import Purpose, purpose_of
from ciba_client.playground.record import Notified, Told
from ciba_client.playground.shown.detail import MessageDetail, detail_of
from ciba_client.playground.shown.program import program_of
from ciba_client.playground.views import FlowState, FlowView, Problem
from ciba_client.sdk.client import CibaClient
from ciba_client.sdk.clock import Clock
from ciba_client.sdk.delivery_mode import TokenDeliveryMode
from ciba_client.sdk.errors import (
    AccessDenied,
    AuthenticationRequestRefused,
    CibaClientError,
    Expired,
    InvalidAuthenticationRequest,
    RequestCancelled,
)
from ciba_client.sdk.notifications.receiver import NotificationReceiver
from ciba_client.sdk.provider.exchange import Exchange
from ciba_client.sdk.transaction.pending import PendingAuthentication
from ciba_client.sdk.transaction.token_set import TokenSet

__all__ = ["Flow"]

_ENDS: Final[tuple[tuple[type[CibaClientError], FlowState], ...]] = (
    (AuthenticationRequestRefused, FlowState.REFUSED),
    (InvalidAuthenticationRequest, FlowState.REFUSED),
    (AccessDenied, FlowState.DENIED),
    (Expired, FlowState.EXPIRED),
    (RequestCancelled, FlowState.CANCELLED),
)
_USES: Final = ("userinfo", "refresh", "introspect", "receipt")


class Flow:
    """Begins with ``run``, which lasts until it is cancelled: its client stays open to look around.

    ``changed`` is called after each change.
    """

    def __init__(
        self,
        identifier: str,
        client: PlaygroundClient,
        order: Order,
        *,
        receiver: NotificationReceiver,
        clock: Clock,
        changed: Callable[["Flow"], None],
    ) -> None:
        self.id = identifier
        self.auth_req_id: str | None = None
        self.state = FlowState.STARTING
        self.tokens: TokenSet | None = None
        self._client = client
        self._title, self._hint = order.title(), order.hint_text()
        self._parameters: dict[str, Any] = dict(order.parameters())
        self._receiver = receiver
        self._clock = clock
        self._changed = changed
        self._configuration = client.for_one_flow()
        self._journal = Journal(clock.now())
        self._pending: PendingAuthentication | None = None
        self._ciba: CibaClient | None = None
        self._expires_at: float | None = None
        self._problem: Problem | None = None
        self._ledger = True
        self._skew: float | None = None
        self._turn = asyncio.Lock()

    @property
    def is_over(self) -> bool:
        """Whether nobody decides any more."""
        return self.state not in {FlowState.STARTING, FlowState.WAITING}

    async def run(self) -> None:
        """Ask, wait, and stay until cancelled."""
        polls = self._client.address is None
        try:
            client = CibaClient(
                self._configuration,
                notifications=None if polls else self._receiver,
                clock=self._clock,
                observer=self,
            )
        except CibaClientError as error:
            self._end(error)
            return
        async with client, asyncio.TaskGroup() as tasks:
            self._ciba = client
            await self._authenticate(client, tasks)
            await asyncio.Event().wait()

    def exchanged(self, exchange: Exchange) -> None:
        """The SDK has asked something (``ExchangeObserver``)."""
        self._journal.add(exchange)
        self._changed(self)

    def notified(self, notified: Notified) -> None:
        """The provider has called."""
        self._journal.add(notified)
        self._changed(self)

    async def cancel(self) -> str:
        """Take the request back; says what became of it."""
        if self._pending is None or self.is_over:
            return "There is nothing to cancel any more."
        cancelled = await self._pending.cancel()
        return "Cancelled." if cancelled else "Too late: it was settled before."

    async def use(self, name: str) -> str:
        """Do one of the things that can be done with its tokens; says how it went."""
        async with self._turn:
            if name not in self._can() or self._ciba is None or self.tokens is None:
                return "That cannot be done with this flow."
            if name == "receipt":
                return await self._receipt()
            async with FurtherRequests(
                self._configuration, client=self._ciba, observer=self, clock=self._clock
            ) as further:
                return await self._use(name, further, self.tokens)

    def detail(self, number: int) -> MessageDetail | None:
        """Everything about one message; None where it is gone."""
        message = self._journal.find(number)
        if message is None:
            return None
        published = {Purpose.KEYS, Purpose.RECEIPT_KEYS}
        sets = (
            each.response_body
            for each in self._journal.exchanges()
            if purpose_of(each) in published
        )
        return detail_of(
            message,
            began_at=self._journal.began_at,
            configuration=self._configuration,
            keys=Keys(own=self._configuration.key.key, provider=provider_keys(sets)),
        )

    def program(self) -> str:
        """The flow as a Python program."""
        return program_of(self._client.settings, self._parameters, address=self._client.address)

    def view(self) -> FlowView:
        """What the page is told."""
        pending, mode = self._pending, self._client.settings.backchannel_token_delivery_mode
        return FlowView(
            id=self.id,
            client=self._client.name,
            mode=mode or TokenDeliveryMode.POLL,
            state=self.state,
            title=self._title,
            hint=self._hint,
            began_at=self._journal.began_at,
            expires_at=self._expires_at,
            interval=None if pending is None else pending.interval,
            verification_code=None if pending is None else pending.verification_code,
            transaction_id=self._transaction_id(),
            subject=None if self.tokens is None else self.tokens.id_token.sub,
            problem=self._problem,
            ledger=self._ledger,
            can=self._can(),
            steps=steps_of(self._journal.messages, began_at=self._journal.began_at),
            left_out=self._journal.left_out,
        )

    async def _authenticate(self, client: CibaClient, tasks: asyncio.TaskGroup) -> None:
        sent_at, parameters = self._clock.now(), self._parameters
        if "user_code" in parameters:  # CIBA 7.1.2: the code is not kept
            self._parameters = {**parameters, "user_code": None}
        try:
            async with client.authenticate(**parameters) as pending:
                self._pending = pending
                self.auth_req_id = pending.auth_req_id.value
                self._expires_at = sent_at + pending.expires_in
                self._become(FlowState.WAITING)
                tasks.create_task(self._follow_ledger(client, pending))
                self.tokens = await pending.tokens()
        except CibaClientError as error:
            self._end(error)
        else:
            self._become(FlowState.DONE)

    async def _follow_ledger(self, client: CibaClient, pending: PendingAuthentication) -> None:
        entries = followed_ledger(client, pending.auth_req_id, clock=self._clock)
        try:
            async for entry in entries:
                if self._skew is None:
                    self._skew = skew_of(entry.at, self._journal.exchanges())
                self._journal.add(Told(entry, entry.at + self._skew))
                self._changed(self)
        except CibaClientError:
            self._ledger = False
            self._changed(self)

    async def _receipt(self) -> str:
        if self._pending is None:
            raise AssertionError("a flow with tokens was pending")
        try:
            receipt = await self._pending.receipt()
        except CibaClientError as error:
            return str(error)
        return f"Receipt of {receipt.txn}, verified."

    async def _use(self, name: str, further: FurtherRequests, tokens: TokenSet) -> str:
        endpoints = published_endpoints(
            self._journal.exchanges(),
            mutual_tls=self._configuration.certificate_file is not None,
        )
        try:
            if name == "userinfo":
                taken = await further.userinfo(tokens, endpoints.userinfo_endpoint)
            elif name == "introspect":
                taken = await further.introspect(tokens, endpoints.introspection_endpoint)
            else:
                fresh = await further.refresh(tokens, endpoints.token_endpoint)
                self.tokens, taken = fresh or tokens, fresh is not None
        except CibaClientError as error:
            return str(error)
        return "Answered: see the diagram." if taken else "Refused: see the diagram."

    def _can(self) -> tuple[str, ...]:
        if self.state is FlowState.WAITING:
            return ("cancel",)
        if self.tokens is None:
            return ()
        refreshable = self.tokens.refresh_token is not None
        return tuple(name for name in _USES if name != "refresh" or refreshable)

    def _transaction_id(self) -> str | None:
        """Its public name: half of the SHA-256 hash of the ``auth_req_id``."""
        if self.auth_req_id is None:
            return None
        digest = hashlib.sha256(self.auth_req_id.encode()).digest()
        return base64.urlsafe_b64encode(digest[:16]).rstrip(b"=").decode()

    def _become(self, state: FlowState) -> None:
        self.state = state
        self._changed(self)

    def _end(self, error: CibaClientError) -> None:
        code, text, explanation = explain_error(error)
        self._problem = Problem(code, text, explanation)
        state = next((state for kind, state in _ENDS if isinstance(error, kind)), FlowState.FAILED)
        self._become(state)
