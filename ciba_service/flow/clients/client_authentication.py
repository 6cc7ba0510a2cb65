"""Who is asking? A certificate, or an assertion that was never used before (CIBA 7.2 (1))."""

import msgspec

from ciba_service.flow.clients.client_request import ClientRequest
from ciba_service.flow.clients.published_keys import PublishedKeys
from ciba_service.ports import ClientRegistry, Clock, ReplayKind, ReplayStore, SecurityEvents
from ciba_service.ports.request_notes import note_client
from ciba_service.protocol.client.assertion import (
    Audiences,
    PresentedAssertion,
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
from ciba_service.protocol.errors import (
    InvalidClientError,
    Reason,
    TemporarilyUnavailableError,
    cause_of,
)
from ciba_service.protocol.security_events.causes import Cause
from ciba_service.protocol.security_events.kinds import ClientAuthenticationFailed

__all__ = ["ClientAuthentication", "VerifiedClient"]


class VerifiedClient(msgspec.Struct, frozen=True):
    """A client that proved who it is; an ``assertion`` must still be found unused."""

    client: Client
    assertion: VerifiedAssertion | None = None
    peer: str | None = None


class _Claim(msgspec.Struct, frozen=True):
    """A client that exists, and what it signed to prove that it is the one."""

    client: Client
    presented: PresentedAssertion | None = None


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
        events: SecurityEvents,
    ) -> None:
        self._clients = clients
        self._published = published
        self._replays = replays
        self._audiences = audiences
        self._anchors = anchors
        self._clock = clock
        self._events = events

    async def verify(self, request: ClientRequest) -> VerifiedClient:
        """Verify who sent ``request``, by the method it registered.

        RFC 6749 2.3: one method a request. Without an assertion only a certificate is left.

        Raises:
            InvalidClientError: when the client did not prove who it is.
            TemporarilyUnavailableError: when too much of what is under work is its own.
            StoreUnavailable: when a registered client cannot be looked up.
        """
        try:
            claim = await self._claimed(request)
        except InvalidClientError as error:
            self._tell(error, None, request.peer)
            raise
        try:
            verified = await self._proven(request, claim)
        except InvalidClientError as error:
            self._tell(error, claim.client, request.peer)
            raise
        note_client(verified.client.client_id)
        if not request.place.proven(verified.client.client_id):
            # Before its assertion is spent: the same request may be sent again.
            raise TemporarilyUnavailableError from Reason("the client has its share of the places")
        return verified

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
            used = InvalidClientError()
            used.__cause__ = Reason("the client assertion was used before", Cause.REPLAYED)
            self._tell(used, verified.client, verified.peer)
            raise used

    def _tell(self, error: InvalidClientError, client: Client | None, peer: str | None) -> None:
        self._events.security_event(
            ClientAuthenticationFailed(
                cause=cause_of(error) or Cause.MALFORMED,
                client_id=None if client is None else client.client_id,
                peer=peer,
            )
        )

    async def _find(self, client_id: str) -> Client:
        client = await self._clients.find(client_id)
        if client is None or not client.enabled:
            raise InvalidClientError from Reason("the client is unknown or disabled", Cause.UNKNOWN)
        return client

    async def _claimed(self, request: ClientRequest) -> _Claim:
        """Who it says it is: there is such a client, and it may be another."""
        if "client_assertion" in request.form or "client_assertion_type" in request.form:
            presented = parse_assertion(request.form)
            return _Claim(await self._find(presented.client_id), presented)
        return _Claim(await self._find(parse_certificate_client(request.form)))

    async def _proven(self, request: ClientRequest, claim: _Claim) -> VerifiedClient:
        client, presented = claim.client, claim.presented
        if (presented is None) is (client.certificate_rule is None):
            raise InvalidClientError from Reason(
                "the client registered another method", Cause.METHOD
            )
        if presented is not None:
            return await self._verify_assertion(client, presented, request.peer)
        if client.certificate_rule is None:
            raise AssertionError("a client without a rule signs")
        await self._verify_certificate(request, client, client.certificate_rule)
        return VerifiedClient(client, peer=request.peer)

    async def _verify_assertion(
        self, client: Client, presented: PresentedAssertion, peer: str | None
    ) -> VerifiedClient:
        client = await self._published.for_assertion(client, presented.jws)
        now = self._clock.now_ms() / 1000
        assertion = verify_assertion(presented, client=client, audiences=self._audiences, now=now)
        return VerifiedClient(client, assertion, peer)

    async def _verify_certificate(
        self, request: ClientRequest, client: Client, rule: CertificateRule
    ) -> None:
        try:
            chain = PresentedChain.parse(request.certificates) if request.certificates else None
        except InvalidCertificateError as error:
            raise InvalidClientError from Reason(f"client certificate: {error}", Cause.CERTIFICATE)
        if chain is not None:
            rule = await self._published.certificates(client, rule, chain.leaf)
        now = self._clock.now_ms() / 1000
        verify_client_certificate(chain, rule=rule, anchors=self._anchors, now=now)
