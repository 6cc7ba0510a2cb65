"""The door of the SDK: start an authentication, wait for it, get verified tokens."""

import ssl
from collections.abc import AsyncIterator, Collection, Mapping
from contextlib import asynccontextmanager
from types import TracebackType
from typing import Final, Self

import httpx2

from ciba_client.sdk.clock import Clock, SystemClock
from ciba_client.sdk.configuration import ClientConfiguration
from ciba_client.sdk.errors import ConfigurationError, UnknownSigningKey
from ciba_client.sdk.jose.algorithms import SignatureAlgorithm
from ciba_client.sdk.jose.id_token import IdTokenExpectations, verify_id_token
from ciba_client.sdk.provider.addresses import is_loopback
from ciba_client.sdk.provider.answers import (
    Acknowledgement,
    AuthReqId,
    PollAnswer,
    TokenResponse,
    parse_acknowledgement,
    parse_poll_answer,
)
from ciba_client.sdk.provider.connection import ProviderConnection
from ciba_client.sdk.provider.metadata import ProviderMetadata
from ciba_client.sdk.provider.provider import Provider
from ciba_client.sdk.requests.authentication import AuthenticationRequest
from ciba_client.sdk.requests.backchannel import backchannel_request
from ciba_client.sdk.requests.token import token_request
from ciba_client.sdk.transaction.pending import PendingAuthentication, Redemption
from ciba_client.sdk.transaction.token_set import TokenSet

__all__ = ["CibaClient"]

_HEADERS: Final = {
    "Accept": "application/json",
    "Accept-Encoding": "identity",
    "User-Agent": "ciba-client",
}


class CibaClient:
    """An asynchronous CIBA client in poll mode; use it as a context manager.

    One client serves any number of authentications at once. ``clock`` and ``transport`` replace
    time and network, for tests or special routes.

    Raises:
        ConfigurationError: the file of certificate authorities cannot be used.
    """

    def __init__(
        self,
        configuration: ClientConfiguration,
        *,
        clock: Clock | None = None,
        transport: httpx2.AsyncBaseTransport | None = None,
    ) -> None:
        self._configuration = configuration
        self._clock = clock or SystemClock()
        self._http = _http_client(configuration, transport)
        self._connection = ProviderConnection(self._http, self._clock)
        self._provider = Provider(
            configuration.issuer,
            self._connection,
            self._clock,
            timeout_seconds=configuration.timeout,
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
        extensions: Mapping[str, object] | None = None,
        required_acr: Collection[str] = (),
    ) -> AsyncIterator[PendingAuthentication]:
        """Ask the provider to authenticate a user (CIBA 7.1); sent once, never repeated.

        ``requested_expiry`` is in seconds. ``extensions`` are further parameters, such as
        ``authorization_details``. Where ``required_acr`` is given, an ID token with another ``acr``
        is refused (FAPI-CIBA 5.2.3.1).

        Raises:
            InvalidAuthenticationRequest: the parameters contradict CIBA 7.1.
            AuthenticationRequestRefused: the provider said no.
            ProviderUnavailable: no answer; the provider may have received the request all the same.
            InvalidProviderResponse: the provider broke the protocol.
        """
        request = AuthenticationRequest(
            scope=scope,
            login_hint=login_hint,
            login_hint_token=login_hint_token,
            id_token_hint=id_token_hint,
            binding_message=binding_message,
            user_code=user_code,
            requested_expiry=requested_expiry,
            acr_values=acr_values,
            extensions=extensions or {},
        )
        metadata = await self._provider.metadata()
        await self._provider.keys()  # no one is asked for a token that could not be verified
        started_at, sent_at = self._clock.now(), self._clock.monotonic()
        form = backchannel_request(
            request, configuration=self._configuration, metadata=metadata, now=started_at
        )
        answer = await self._connection.post(form, timeout_seconds=self._configuration.timeout)
        acknowledgement = parse_acknowledgement(answer)
        redemption = self._redemption(
            acknowledgement.auth_req_id, required_acr=required_acr, issued_after=started_at
        )
        pending = PendingAuthentication(
            acknowledgement, sent_at=sent_at, redemption=redemption, clock=self._clock
        )
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
        """Wait for an authentication started earlier; ``expires_in`` is in seconds from now."""
        pending = PendingAuthentication(
            Acknowledgement(auth_req_id, expires_in=expires_in, interval=interval),
            sent_at=self._clock.monotonic(),
            redemption=self._redemption(auth_req_id, required_acr=required_acr, issued_after=None),
            clock=self._clock,
        )
        try:
            yield pending
        finally:
            pending.close()

    def _redemption(
        self,
        auth_req_id: AuthReqId,
        *,
        required_acr: Collection[str],
        issued_after: float | None,
    ) -> Redemption:
        async def poll() -> PollAnswer:
            form = token_request(
                auth_req_id,
                configuration=self._configuration,
                metadata=await self._provider.metadata(),
                now=self._clock.now(),
            )
            answer = await self._connection.post(
                form, timeout_seconds=self._configuration.token_timeout
            )
            return parse_poll_answer(answer)

        async def verify(response: TokenResponse) -> TokenSet:
            metadata = await self._provider.metadata()
            expected = IdTokenExpectations(
                issuer=self._configuration.issuer,
                client_id=self._configuration.client_id,
                algorithms=self._expected_algorithms(metadata),
                auth_req_id=auth_req_id.value,
                access_token=response.access_token,
                required_acr=frozenset(required_acr),
                issued_after=issued_after,
            )
            return await self._verified(response, expected)

        return Redemption(poll=poll, verify=verify)

    def _expected_algorithms(self, metadata: ProviderMetadata) -> frozenset[SignatureAlgorithm]:
        registered = self._configuration.id_token_signed_response_alg
        return (
            metadata.id_token_signing_algorithms if registered is None else frozenset({registered})
        )

    async def _verified(self, response: TokenResponse, expected: IdTokenExpectations) -> TokenSet:
        keys = await self._provider.keys()
        try:
            id_token = verify_id_token(
                response.id_token, keys=keys, expected=expected, now=self._clock.now()
            )
        except UnknownSigningKey:  # the provider may have changed its keys: look once more
            keys = await self._provider.keys(other_than=keys)
            id_token = verify_id_token(
                response.id_token, keys=keys, expected=expected, now=self._clock.now()
            )
        return TokenSet(
            access_token=response.access_token,
            token_type=response.token_type,
            expires_in=response.expires_in,
            scope=response.scope,
            refresh_token=response.refresh_token,
            id_token=id_token,
        )


def _http_client(
    configuration: ClientConfiguration, transport: httpx2.AsyncBaseTransport | None
) -> httpx2.AsyncClient:
    verify: ssl.SSLContext | bool = True
    if configuration.ca_file is not None:
        try:
            verify = ssl.create_default_context(cafile=configuration.ca_file)
        except OSError as error:  # ssl.SSLError is one
            raise ConfigurationError("the file of certificate authorities is unusable") from error
    return httpx2.AsyncClient(
        headers=_HEADERS,
        verify=verify,
        transport=transport,
        # Proxies of the environment are honoured, except for a provider on this computer.
        trust_env=not is_loopback(configuration.issuer),
    )
