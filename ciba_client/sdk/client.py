"""The door of the SDK: start an authentication, wait for it, get verified tokens."""

from collections.abc import AsyncGenerator, AsyncIterator, Collection, Mapping, Sequence
from contextlib import AbstractContextManager, aclosing, asynccontextmanager, nullcontext
from types import TracebackType
from typing import Final, Self

import httpx2

from ciba_client.sdk.clock import Clock, SystemClock
from ciba_client.sdk.configuration import ClientConfiguration
from ciba_client.sdk.delivery_mode import TokenDeliveryMode
from ciba_client.sdk.dpop.key import DpopKey, new_dpop_key
from ciba_client.sdk.dpop.nonces import DpopNonces
from ciba_client.sdk.errors import ConfigurationError, InvalidAuthenticationRequest
from ciba_client.sdk.jose.sca_receipt import ScaReceipt
from ciba_client.sdk.notifications.expected import ExpectedNotification
from ciba_client.sdk.notifications.receiver import NotificationReceiver
from ciba_client.sdk.provider.addresses import parse_resource
from ciba_client.sdk.provider.answers import Acknowledgement, AuthReqId
from ciba_client.sdk.provider.connection import ProviderConnection
from ciba_client.sdk.provider.exchange import ExchangeObserver
from ciba_client.sdk.provider.http_client import new_http_client
from ciba_client.sdk.provider.provider import Provider
from ciba_client.sdk.requests.authentication import AuthenticationRequest
from ciba_client.sdk.requests.resource import resource_headers
from ciba_client.sdk.transaction.backchannel_endpoint import BackchannelEndpoint
from ciba_client.sdk.transaction.beginning import Beginning
from ciba_client.sdk.transaction.cancellation import CancelEndpoint
from ciba_client.sdk.transaction.ledger import LedgerEndpoint, LedgerEntry
from ciba_client.sdk.transaction.pending import PendingAuthentication
from ciba_client.sdk.transaction.receipt import ReceiptEndpoint
from ciba_client.sdk.transaction.token_endpoint import TokenEndpoint
from ciba_client.sdk.transaction.token_set import TokenSet

__all__ = ["CibaClient"]

_POLL: Final = TokenDeliveryMode.POLL


class CibaClient:
    """An asynchronous CIBA client in any delivery mode; use it as a context manager.

    One client serves any number of authentications at once. A client that is registered for ping
    or push has a receiver of ``notifications``. ``clock`` and ``transport`` replace time and
    network, for tests or special routes; an ``observer`` sees what is exchanged with the provider,
    secrets and all.

    Raises:
        ConfigurationError: a file of certificates or their key cannot be used, or a client
            registered for poll was given a receiver.
    """

    def __init__(
        self,
        configuration: ClientConfiguration,
        *,
        notifications: NotificationReceiver | None = None,
        clock: Clock | None = None,
        transport: httpx2.AsyncBaseTransport | None = None,
        observer: ExchangeObserver | None = None,
    ) -> None:
        if notifications and configuration.backchannel_token_delivery_mode is _POLL:
            raise ConfigurationError("a client registered for poll gets no notifications")
        self._configuration = configuration
        self._notifications = notifications
        self._clock = clock or SystemClock()
        self._http = new_http_client(configuration, transport)
        self._connection = ProviderConnection(self._http, self._clock, observer)
        self._provider = Provider(
            configuration.issuer,
            self._connection,
            self._clock,
            timeout_seconds=configuration.timeout,
            mutual_tls=configuration.certificate_file is not None,
        )
        self._dpop_key = _dpop_key(configuration)
        self._resource_nonces = DpopNonces()
        is_pushed_to = configuration.backchannel_token_delivery_mode is TokenDeliveryMode.PUSH
        self._backchannel_endpoint = BackchannelEndpoint(
            configuration,
            provider=self._provider,
            connection=self._connection,
            clock=self._clock,
            dpop_key=self._dpop_key if is_pushed_to else None,
        )
        self._cancel_endpoint = CancelEndpoint(
            configuration,
            provider=self._provider,
            connection=self._connection,
            clock=self._clock,
        )
        self._receipt_endpoint = ReceiptEndpoint(
            configuration,
            provider=self._provider,
            connection=self._connection,
            clock=self._clock,
        )
        self._ledger_endpoint = LedgerEndpoint(
            configuration,
            provider=self._provider,
            connection=self._connection,
            clock=self._clock,
        )
        token_endpoint = TokenEndpoint(
            configuration,
            provider=self._provider,
            connection=self._connection,
            clock=self._clock,
            dpop_key=self._dpop_key,
        )
        self._beginning = Beginning(
            token_endpoint, self._cancel_endpoint, self._receipt_endpoint, self._clock
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self._http.aclose()

    @asynccontextmanager
    async def authenticate(
        self,
        *,
        scope: str = "openid",
        login_hint: str | None = None,
        login_hint_token: str | None = None,
        id_token_hint: str | None = None,
        binding_message: str | None = None,
        user_code: str | None = None,
        requested_expiry: int | None = None,
        acr_values: str | None = None,
        authorization_details: Sequence[Mapping[str, object]] = (),
        request_context: Mapping[str, object] | None = None,
        client_notification_token: str | None = None,
        extensions: Mapping[str, object] | None = None,
        required_acr: Collection[str] = (),
    ) -> AsyncIterator[PendingAuthentication]:
        """Ask the provider to authenticate a user (CIBA 7.1); sent once, never repeated.

        ``requested_expiry`` is in seconds, ``authorization_details`` are those of RFC 9396,
        ``request_context`` tells of the consumption device where it is not this client's own
        (FAPI-CIBA 6.2), ``extensions`` are further parameters. The ``user_code`` is forgotten once
        it is sent: ask the user for it each time. Where ``required_acr`` is given, an ID token with
        another ``acr`` is refused (FAPI-CIBA 5.2.3.1).

        With a receiver of notifications the client makes a ``client_notification_token`` for the
        request; give one where notifications arrive elsewhere, and call ``pinged`` or ``pushed``
        when they do. Leaving the block does not cancel the request: ``cancel`` does.

        Raises:
            InvalidAuthenticationRequest: the parameters contradict CIBA 7.1, or there is a user
                code and the client is not registered for them.
            AuthenticationRequestRefused: the provider said no.
            ProviderUnavailable: no answer; the provider may have received the request all the same.
            InvalidProviderResponse: the provider broke the protocol.
        """
        if user_code is not None and not self._configuration.backchannel_user_code_parameter:
            raise InvalidAuthenticationRequest("the client is not registered for user codes")
        with self._expecting(client_notification_token) as notification:
            request = AuthenticationRequest(
                scope=scope,
                login_hint=login_hint,
                login_hint_token=login_hint_token,
                id_token_hint=id_token_hint,
                binding_message=binding_message,
                user_code=user_code,
                requested_expiry=requested_expiry,
                acr_values=acr_values,
                authorization_details=authorization_details,
                request_context=request_context,
                client_notification_token=(
                    notification.token if notification else client_notification_token
                ),
                extensions=extensions or {},
            )
            started = await self._backchannel_endpoint.start(request)
            mode = self._mode(request.client_notification_token)
            del request, user_code  # CIBA 7.1.2: the code is not kept
            pending = self._beginning.begin(
                started.acknowledgement,
                mode=mode,
                sent_at=started.sent_at,
                issued_after=started.at,
                required_acr=required_acr,
            )
            if notification is not None:
                notification.belongs_to(pending.auth_req_id, pending)
            try:
                yield pending
            finally:
                pending.close()

    @asynccontextmanager
    async def resume(
        self,
        auth_req_id: AuthReqId,
        *,
        expires_in: int,
        interval: int = 5,
        required_acr: Collection[str] = (),
    ) -> AsyncIterator[PendingAuthentication]:
        """Wait for an authentication started earlier; ``expires_in`` is in seconds from now.

        In ping mode it polls, too: the token of its notifications has gone with the start.

        Raises:
            ConfigurationError: a client registered for push cannot ask for its tokens.
        """
        if self._configuration.backchannel_token_delivery_mode is TokenDeliveryMode.PUSH:
            raise ConfigurationError("a client registered for push cannot poll (CIBA 11)")
        pending = self._beginning.begin(
            Acknowledgement(auth_req_id, expires_in=expires_in, interval=interval),
            mode=TokenDeliveryMode.POLL,
            sent_at=self._clock.monotonic(),
            issued_after=None,
            required_acr=required_acr,
        )
        try:
            yield pending
        finally:
            pending.close()

    async def cancel(self, auth_req_id: AuthReqId) -> bool:
        """Take a request back that was started earlier; as ``PendingAuthentication.cancel``."""
        return await self._cancel_endpoint.cancel(auth_req_id)

    async def receipt(self, auth_req_id: AuthReqId) -> ScaReceipt:
        """The receipt of a request started earlier; as ``PendingAuthentication.receipt``."""
        return await self._receipt_endpoint.receipt(auth_req_id)

    async def ledger(
        self, auth_req_id: AuthReqId, *, after: int = 0
    ) -> AsyncGenerator[LedgerEntry, None]:
        """What happens to a request at the provider and on the phone, as it happens.

        It ends when nothing more will happen. It may be asked again for what is ``after`` an entry,
        by its number. No standard has such an endpoint, and few providers do.

        Raises:
            ProviderUnavailable: the provider cannot be reached, or the stream broke off.
            InvalidProviderResponse: there is no such endpoint, it refuses, or it tells nonsense.
        """
        async with aclosing(self._ledger_endpoint.entries(auth_req_id, after=after)) as entries:
            async for entry in entries:
                yield entry

    def resource_headers(
        self, tokens: TokenSet, *, method: str, url: str, nonce: str | None = None
    ) -> Mapping[str, str]:
        """The headers for one call of a protected resource (RFC 6750 2.1, RFC 9449 7.1).

        ``nonce`` is the ``DPoP-Nonce`` of the resource server's last answer, if it had one; it is
        kept for later calls. A proof serves once: ask for new headers for each call.

        Raises:
            ConfigurationError: tokens cannot go to such an address, or are bound to another key.
        """
        address = parse_resource(url)
        if nonce is not None:
            self._resource_nonces.remember(address, [nonce])
        return resource_headers(
            tokens,
            method=method,
            url=address,
            dpop_key=self._dpop_key,
            nonce=self._resource_nonces.find(address),
            now=self._clock.now(),
        )

    def _expecting(
        self, given_token: str | None
    ) -> AbstractContextManager[ExpectedNotification | None]:
        mode = self._mode(given_token)
        if self._notifications is None:
            if mode is not _POLL and given_token is None:
                raise InvalidAuthenticationRequest(
                    f"a client registered for {mode} needs a receiver of notifications,"
                    " or a client_notification_token"
                )
            return nullcontext()
        if given_token is not None:
            raise InvalidAuthenticationRequest(
                "with a receiver of notifications the client makes the client_notification_token"
            )
        return self._notifications.expecting(mode)

    def _mode(self, notification_token: str | None) -> TokenDeliveryMode:
        """As registered; else what it must be, if notifications are expected."""
        notified = self._notifications is not None or notification_token is not None
        return self._configuration.backchannel_token_delivery_mode or (
            TokenDeliveryMode.PING if notified else _POLL
        )


def _dpop_key(configuration: ClientConfiguration) -> DpopKey | None:
    if not configuration.dpop_bound_access_tokens:
        return None
    return configuration.dpop_key or new_dpop_key()
