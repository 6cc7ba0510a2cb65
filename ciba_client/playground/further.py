"""What a client does with its tokens: userinfo, refresh, introspection."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from types import TracebackType
from typing import Final, Self

import msgspec

from ciba_client.sdk.client import CibaClient
from ciba_client.sdk.clock import Clock
from ciba_client.sdk.configuration import ClientConfiguration
from ciba_client.sdk.errors import InvalidProviderResponse
from ciba_client.sdk.provider.addresses import parse_endpoint
from ciba_client.sdk.provider.connection import FormRequest, ProviderAnswer, ProviderConnection
from ciba_client.sdk.provider.exchange import Exchange, ExchangeObserver
from ciba_client.sdk.provider.http_client import new_http_client
from ciba_client.sdk.requests.client_authentication import client_authentication
from ciba_client.sdk.transaction.token_set import TokenSet

__all__ = ["FurtherRequests", "PublishedEndpoints", "published_endpoints"]

_OK: Final = 200
_UNAUTHORIZED: Final = 401


class PublishedEndpoints(msgspec.Struct, frozen=True):
    """What the provider's metadata says of what is not needed for a flow itself."""

    token_endpoint: str = ""
    userinfo_endpoint: str = ""
    introspection_endpoint: str = ""


class _Aliased(msgspec.Struct):
    mtls_endpoint_aliases: dict[str, str] = {}


class _Refreshed(msgspec.Struct):
    access_token: str
    refresh_token: str | None = None


class _Refused(msgspec.Struct):
    error: str = ""


def published_endpoints(exchanges: Sequence[Exchange], *, mutual_tls: bool) -> PublishedEndpoints:
    """From the discovery that a flow began with; empty where there was none."""
    body = next((each.response_body for each in exchanges if "/.well-known/" in each.url), b"{}")
    try:
        published = msgspec.json.decode(body, type=PublishedEndpoints)
        aliases = msgspec.json.decode(body, type=_Aliased).mtls_endpoint_aliases
    except (ValueError, RecursionError):
        return PublishedEndpoints()
    if not mutual_tls:
        return published
    known = {name: aliases[name] for name in published.__struct_fields__ if name in aliases}
    return msgspec.structs.replace(published, **known)


class FurtherRequests:
    """Requests with the tokens of one flow; what they bring is seen by the observer."""

    def __init__(
        self,
        configuration: ClientConfiguration,
        *,
        client: CibaClient,
        observer: ExchangeObserver,
        clock: Clock,
    ) -> None:
        self._configuration = configuration
        self._client = client
        self._http = new_http_client(configuration, None)
        self._connection = ProviderConnection(self._http, clock, observer)
        self._clock = clock

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self._http.aclose()

    async def userinfo(self, tokens: TokenSet, endpoint: str) -> bool:
        """Show the access token at the userinfo endpoint; whether it was taken."""
        url = self._usable("userinfo_endpoint", endpoint)
        answer = await self._get(tokens, url, nonce=None)
        nonce = self._connection.nonces.find(url)
        if answer.status == _UNAUTHORIZED and nonce is not None:
            answer = await self._get(tokens, url, nonce=nonce)
        return answer.status == _OK

    async def refresh(self, tokens: TokenSet, endpoint: str) -> TokenSet | None:
        """Get a further access token; None where it was refused."""
        url = self._usable("token_endpoint", endpoint)

        def form() -> dict[str, str]:
            return {"grant_type": "refresh_token", "refresh_token": tokens.refresh_token or ""}

        answer = await self._post(url, form)
        if answer.status != _OK:
            return None
        try:
            fresh = msgspec.json.decode(answer.body, type=_Refreshed)
        except (ValueError, RecursionError) as error:
            raise InvalidProviderResponse("the provider's answer is malformed") from error
        return replace(
            tokens,
            access_token=fresh.access_token,
            refresh_token=fresh.refresh_token or tokens.refresh_token,
        )

    async def introspect(self, tokens: TokenSet, endpoint: str) -> bool:
        """Ask whether the access token counts; whether there was an answer."""
        url = self._usable("introspection_endpoint", endpoint)
        answer = await self._post(url, lambda: {"token": tokens.access_token})
        return answer.status == _OK

    def _usable(self, name: str, endpoint: str) -> str:
        return parse_endpoint(name, endpoint, issuer=self._configuration.issuer)

    async def _get(self, tokens: TokenSet, url: str, *, nonce: str | None) -> ProviderAnswer:
        headers = self._client.resource_headers(tokens, method="GET", url=url, nonce=nonce)
        return await self._connection.get(
            url, timeout_seconds=self._configuration.timeout, headers=headers
        )

    async def _post(self, url: str, form: Callable[[], dict[str, str]]) -> ProviderAnswer:
        answer = await self._send(url, form())
        if _error(answer) == "use_dpop_nonce":
            answer = await self._send(url, form())
        return answer

    async def _send(self, url: str, parameters: dict[str, str]) -> ProviderAnswer:
        now, key = self._clock.now(), self._configuration.dpop_key
        headers = {}
        if key is not None:
            nonce = self._connection.nonces.find(url)
            headers["DPoP"] = key.proof(method="POST", url=url, now=now, nonce=nonce)
        authentication = client_authentication(self._configuration, now=now)
        request = FormRequest(url, {**parameters, **authentication}, headers)
        return await self._connection.post(request, timeout_seconds=self._configuration.timeout)


def _error(answer: ProviderAnswer) -> str:
    if answer.status == _OK:
        return ""
    try:
        return msgspec.json.decode(answer.body, type=_Refused).error
    except (ValueError, RecursionError):
        return ""
