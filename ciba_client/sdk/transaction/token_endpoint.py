"""What turns an ``auth_req_id`` into tokens: a poll or a push, and their verification."""

from ciba_client.sdk.clock import Clock
from ciba_client.sdk.configuration import ClientConfiguration
from ciba_client.sdk.dpop.key import DpopKey
from ciba_client.sdk.errors import DpopNonceDemanded, TransactionEnded, UnknownSigningKey
from ciba_client.sdk.jose.algorithms import SignatureAlgorithm
from ciba_client.sdk.jose.id_token import IdToken, IdTokenExpectations, verify_id_token
from ciba_client.sdk.provider.answers import (
    AuthReqId,
    PollAnswer,
    TokenResponse,
    TokenType,
    parse_poll_answer,
    parse_push,
)
from ciba_client.sdk.provider.connection import ProviderConnection
from ciba_client.sdk.provider.metadata import ProviderMetadata
from ciba_client.sdk.provider.provider import Provider
from ciba_client.sdk.requests.token import token_request
from ciba_client.sdk.transaction.token_set import TokenSet

__all__ = ["TokenEndpoint"]


class TokenEndpoint:
    """The token endpoint of one provider, for one client."""

    def __init__(
        self,
        configuration: ClientConfiguration,
        *,
        provider: Provider,
        connection: ProviderConnection,
        clock: Clock,
        dpop_key: DpopKey | None,
    ) -> None:
        self._configuration = configuration
        self._provider = provider
        self._connection = connection
        self._clock = clock
        self._dpop_key = dpop_key

    async def poll(self, auth_req_id: AuthReqId) -> PollAnswer:
        """Ask once; raises what ``parse_poll_answer`` raises, or ``ProviderUnavailable``."""
        metadata = await self._provider.metadata()
        nonce = self._connection.nonces.find(metadata.token_endpoint)
        try:
            return await self._poll(auth_req_id, metadata, nonce)
        except DpopNonceDemanded:
            # RFC 9449 8: the refusal brought the nonce to use.
            fresh = self._connection.nonces.find(metadata.token_endpoint)
            if self._dpop_key is None or fresh == nonce:
                raise
            return await self._poll(auth_req_id, metadata, fresh)

    def parse_push(
        self, body: bytes, *, auth_req_id: AuthReqId
    ) -> TokenResponse | TransactionEnded:
        """Read a push as far as nothing must be asked; raises ``InvalidProviderResponse``."""
        return parse_push(body, auth_req_id=auth_req_id, token_type=self._token_type)

    async def verify(
        self,
        response: TokenResponse,
        *,
        auth_req_id: AuthReqId,
        required_acr: frozenset[str],
        issued_after: float | None,
        was_pushed: bool,
    ) -> TokenSet:
        """Verify the ID token that came with the others; ``issued_after`` is in seconds.

        What was pushed must be tied together and to the request by the ID token (CIBA 10.3.1).

        Raises:
            InvalidIdToken: it does not prove what it must.
            ProviderUnavailable: the keys to verify it with cannot be fetched.
        """
        metadata = await self._provider.metadata()
        expected = IdTokenExpectations(
            issuer=self._configuration.issuer,
            client_id=self._configuration.client_id,
            algorithms=self._expected_algorithms(metadata),
            auth_req_id=auth_req_id.value,
            access_token=response.access_token,
            refresh_token=response.refresh_token,
            bindings_required=was_pushed,
            required_acr=required_acr,
            issued_after=issued_after,
        )
        return TokenSet(
            access_token=response.access_token,
            token_type=self._token_type,
            expires_in=response.expires_in,
            scope=response.scope,
            refresh_token=response.refresh_token,
            id_token=await self._verified(response.id_token, expected),
            authorization_details=response.authorization_details,
        )

    @property
    def _token_type(self) -> TokenType:
        return TokenType.BEARER if self._dpop_key is None else TokenType.DPOP

    async def _poll(
        self, auth_req_id: AuthReqId, metadata: ProviderMetadata, nonce: str | None
    ) -> PollAnswer:
        request = token_request(
            auth_req_id,
            configuration=self._configuration,
            metadata=metadata,
            dpop_key=self._dpop_key,
            nonce=nonce,
            now=self._clock.now(),
        )
        answer = await self._connection.post(
            request, timeout_seconds=self._configuration.token_timeout
        )
        return parse_poll_answer(answer, token_type=self._token_type)

    def _expected_algorithms(self, metadata: ProviderMetadata) -> frozenset[SignatureAlgorithm]:
        registered = self._configuration.id_token_signed_response_alg
        return (
            metadata.id_token_signing_algorithms if registered is None else frozenset({registered})
        )

    async def _verified(self, jwt: str, expected: IdTokenExpectations) -> IdToken:
        keys = await self._provider.keys()
        try:
            return verify_id_token(jwt, keys=keys, expected=expected, now=self._clock.now())
        except UnknownSigningKey:  # the provider may have changed its keys: look once more
            keys = await self._provider.keys(other_than=keys)
            return verify_id_token(jwt, keys=keys, expected=expected, now=self._clock.now())
