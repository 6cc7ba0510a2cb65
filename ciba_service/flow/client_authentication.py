"""Who is asking? A certificate, or an assertion that was never used before (CIBA 7.2 (1))."""

from dataclasses import dataclass

from ciba_service.flow.client_request import ClientRequest
from ciba_service.flow.published_keys import PublishedKeys
from ciba_service.ports import ClientRegistry, Clock, ReplayKind, ReplayStore
from ciba_service.protocol.client.assertion import (
    Audiences,
    VerifiedAssertion,
    parse_assertion,
    verify_assertion,
)
from ciba_service.protocol.client.certificates.anchors import TrustAnchors
from ciba_service.protocol.client.certificates.authentication import (
    parse_certificate_client,
    verify_client_certificate,
)
from ciba_service.protocol.client.certificates.certificate import (
    InvalidCertificateError,
    PresentedChain,
)
from ciba_service.protocol.client.certificates.registration import CertificateRule
from ciba_service.protocol.client.metadata import Client
from ciba_service.protocol.errors import InvalidClientError, Reason

__all__ = ["ClientAuthentication", "VerifiedClient"]


@dataclass(frozen=True, slots=True)
class VerifiedClient:
    """A client that proved who it is; an ``assertion`` must still be found unused."""

    client: Client
    assertion: VerifiedAssertion | None = None


class ClientAuthentication:
    """Two halves: ``verify`` looks the client up, ``consume`` spends the assertion.

    They are apart so that the spending can share a round trip with what comes next. Whoever calls
    ``verify`` must await ``consume`` before anything is answered.
    """

    def __init__(
        self,
        *,
        clients: ClientRegistry,
        published: PublishedKeys,
        replays: ReplayStore,
        audiences: Audiences,
        anchors: TrustAnchors | None,
        clock: Clock,
    ) -> None:
        self._clients = clients
        self._published = published
        self._replays = replays
        self._audiences = audiences
        self._anchors = anchors
        self._clock = clock

    async def verify(self, request: ClientRequest) -> VerifiedClient:
        """Verify who sent ``request``, by the method it registered.

        RFC 6749 2.3: one method a request. Without an assertion only a certificate is left.

        Raises:
            InvalidClientError: when the client did not prove who it is.
            StoreUnavailable: when a registered client cannot be looked up.
        """
        if "client_assertion" in request.form or "client_assertion_type" in request.form:
            return await self._verify_assertion(request)
        client = await self._find(parse_certificate_client(request.form))
        if client.certificate_rule is None:
            raise InvalidClientError from Reason("the client registered private_key_jwt")
        await self._verify_certificate(request, client, client.certificate_rule)
        return VerifiedClient(client)

    async def consume(self, verified: VerifiedClient, *, operation: str) -> None:
        """Spend the assertion, if any; raises ``InvalidClientError`` when it was spent before."""
        assertion = verified.assertion
        if assertion is None:
            return
        fresh = await self._replays.reserve(
            ReplayKind.CLIENT_ASSERTION,
            assertion.client.client_id,
            assertion.jti,
            operation=operation,
            until=int(assertion.expires_at * 1000),
        )
        if not fresh:
            raise InvalidClientError from Reason("the client assertion was used before")

    async def _find(self, client_id: str) -> Client:
        client = await self._clients.find(client_id)
        if client is None or not client.enabled:
            raise InvalidClientError from Reason("the client is unknown or disabled")
        return client

    async def _verify_assertion(self, request: ClientRequest) -> VerifiedClient:
        presented = parse_assertion(request.form)
        client = await self._find(presented.client_id)
        if client.certificate_rule is not None:
            raise InvalidClientError from Reason("the client registered mutual TLS")
        client = await self._published.for_assertion(client, presented.jws)
        now = self._clock.now_ms() / 1000
        assertion = verify_assertion(presented, client=client, audiences=self._audiences, now=now)
        return VerifiedClient(client, assertion)

    async def _verify_certificate(
        self, request: ClientRequest, client: Client, rule: CertificateRule
    ) -> None:
        try:
            chain = PresentedChain.parse(request.certificates) if request.certificates else None
        except InvalidCertificateError as error:
            raise InvalidClientError from Reason(f"client certificate: {error}")
        if chain is not None:
            rule = await self._published.certificates(client, rule, chain.leaf)
        now = self._clock.now_ms() / 1000
        verify_client_certificate(chain, rule=rule, anchors=self._anchors, now=now)
