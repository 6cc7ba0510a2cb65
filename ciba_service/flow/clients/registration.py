"""Clients register, read, replace and remove themselves (RFC 7591, RFC 7592)."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from http import HTTPStatus
from typing import Final

from ciba_service.ports import (
    Clock,
    FailureReason,
    Outbound,
    OutboundFailure,
    OutboundRequest,
    OutboundResponse,
    Randomness,
    Registration,
    RegistrationStore,
    Telemetry,
)
from ciba_service.ports.outbound import REFUSED_ADDRESSES
from ciba_service.protocol.client.metadata import InvalidMetadataError
from ciba_service.protocol.client.registration.rules import (
    Registered,
    RegistrationPolicy,
    register,
)
from ciba_service.protocol.client.registration.software_statement import (
    StatementIssuer,
    with_software_statement,
)
from ciba_service.protocol.client.registration.update import verify_update
from ciba_service.protocol.client.sector import (
    InvalidSectorError,
    parse_sector_document,
    vouching_uri,
)
from ciba_service.protocol.comparison import equal_secrets
from ciba_service.protocol.errors import (
    InvalidClientMetadataError,
    InvalidRegistrationTokenError,
    MissingInitialAccessTokenError,
    Reason,
    TemporarilyUnavailableError,
)
from ciba_service.protocol.jose.encoding import base64url
from ciba_service.protocol.security_events.causes import Cause
from ciba_service.protocol.security_events.kinds import (
    Actor,
    AttemptedUse,
    ClientRegistered,
    ClientRemoved,
    ClientReplaced,
    OutboundRefused,
    RegistrationRefused,
)
from ciba_service.protocol.tokens.dpop.authorization import TokenScheme, parse_authorization
from ciba_service.protocol.tokens.token_text import token_hash

__all__ = ["InitialAccessToken", "KnownRegistration", "Registrations"]

_ID_BYTES: Final = 16
_TOKEN_BYTES: Final = 32


@dataclass(frozen=True, slots=True)
class InitialAccessToken:
    """Permission to register: its holder's name, its hash, and the hosts vouched for."""

    name: str
    hash: str = field(repr=False)
    notification_hosts: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class KnownRegistration:
    """A registration for its client: with the access token that opens it (RFC 7592 3)."""

    registration: Registration
    access_token: str = field(repr=False)


class Registrations:
    """What the registration and the configuration endpoint do.

    ``initial_access_tokens`` is None where anybody may register; ``audiences`` are the names by
    which a software statement may call this service.
    """

    def __init__(
        self,
        *,
        store: RegistrationStore,
        outbound: Outbound,
        policy: RegistrationPolicy,
        initial_access_tokens: Sequence[InitialAccessToken] | None,
        statement_issuers: tuple[StatementIssuer, ...],
        audiences: frozenset[str],
        new_operation: Callable[[], str],
        random: Randomness,
        clock: Clock,
        telemetry: Telemetry,
    ) -> None:
        self._store = store
        self._outbound = outbound
        self._policy = policy
        self._initial_access_tokens = initial_access_tokens
        self._statement_issuers = statement_issuers
        self._audiences = audiences
        self._new_operation = new_operation
        self._random = random
        self._clock = clock
        self._telemetry = telemetry

    async def register(
        self, authorization: Sequence[str], members: Mapping[str, object]
    ) -> KnownRegistration:
        """Register a client (RFC 7591 3); ``authorization`` are the lines of that header.

        Raises:
            MissingInitialAccessTokenError: when none is presented, and one is needed.
            InvalidRegistrationTokenError: when it is not one of those configured.
            InvalidClientMetadataError: naming the member that cannot be registered.
            InvalidSoftwareStatementError, UnapprovedSoftwareStatementError: for the statement.
            TemporarilyUnavailableError: when too much is fetched already.
            StoreUnavailable: when the store cannot be reached.
        """
        granted = self._granted(authorization)
        client_id = f"client-{base64url(self._random(_ID_BYTES))}"
        access_token = base64url(self._random(_TOKEN_BYTES))
        registered = await self._decide(
            members, client_id, self._policy, granted.notification_hosts
        )
        registration = Registration(
            client=registered.client,
            metadata=registered.metadata,
            profile=self._policy.profile,
            token_hash=token_hash(access_token),
            issued_at=self._clock.now_ms() // 1000,
            notification_hosts=granted.notification_hosts,
        )
        await self._store.add(registration)
        self._telemetry.event("client_registered", client_id=client_id, granted_by=granted.name)
        self._telemetry.security_event(
            ClientRegistered(client_id=client_id, granted_by=granted.name)
        )
        return KnownRegistration(registration, access_token)

    async def read(self, authorization: Sequence[str], client_id: str) -> KnownRegistration:
        """The registration as it stands (RFC 7592 2.1).

        Raises:
            InvalidRegistrationTokenError: also when there is no such client (RFC 7592 2.1).
            StoreUnavailable: when the store cannot be reached.
        """
        access_token = _presented(authorization)
        found = await self._store.find(client_id)
        # Unknown and another's look the same, so that nobody learns which clients there are.
        if access_token is None or found is None:
            self._telemetry.security_event(RegistrationRefused(cause=Cause.UNKNOWN))
            raise InvalidRegistrationTokenError from Reason("no token, or no such client")
        if not equal_secrets(token_hash(access_token), found.token_hash):
            self._telemetry.security_event(
                RegistrationRefused(cause=Cause.FOREIGN, client_id=client_id)
            )
            raise InvalidRegistrationTokenError from Reason("the token is another's")
        return KnownRegistration(found, access_token)

    async def replace(
        self, authorization: Sequence[str], client_id: str, members: Mapping[str, object]
    ) -> KnownRegistration:
        """Replace all of the metadata (RFC 7592 2.2).

        Raises:
            InvalidRegistrationTokenError: as for ``read``, and when it is removed meanwhile.
            InvalidRequestError: when it says what only the provider may say.
            InvalidClientMetadataError: naming the member that cannot be registered.
            InvalidSoftwareStatementError, UnapprovedSoftwareStatementError: for the statement.
            TemporarilyUnavailableError: when too much is fetched already.
            StoreUnavailable: when the store cannot be reached.
        """
        known = await self.read(authorization, client_id)
        before = known.registration
        try:
            verify_update(members, client_id=client_id)
        except InvalidMetadataError as error:
            raise InvalidClientMetadataError(error.member) from Reason(str(error))
        taken = before.metadata.software_statement
        if members.get("software_statement") is None:
            # What was vouched for goes on holding: leaving it out does not lift it.
            members = {**members, "software_statement": taken}
        policy = replace(self._policy, profile=before.profile)
        registered = await self._decide(
            members, client_id, policy, before.notification_hosts, taken=taken
        )
        registration = replace(before, client=registered.client, metadata=registered.metadata)
        if not await self._store.replace(registration, operation=self._new_operation()):
            raise InvalidRegistrationTokenError from Reason("the client was removed meanwhile")
        self._telemetry.event("client_replaced", client_id=client_id)
        self._telemetry.security_event(ClientReplaced(client_id=client_id))
        return KnownRegistration(registration, known.access_token)

    async def remove(self, authorization: Sequence[str], client_id: str) -> None:
        """Remove the client; its requests, grants and tokens are over (RFC 7592 2.3).

        Raises:
            InvalidRegistrationTokenError: as for ``read``.
            StoreUnavailable: when the store cannot be reached.
        """
        await self.read(authorization, client_id)
        await self._store.remove(client_id, operation=self._new_operation())
        self._telemetry.event("client_removed", client_id=client_id)
        self._telemetry.security_event(ClientRemoved(client_id=client_id, by=Actor.CLIENT))

    def _granted(self, authorization: Sequence[str]) -> InitialAccessToken:
        if self._initial_access_tokens is None:
            return _ANYBODY
        presented = _presented(authorization)
        if presented is None:
            raise MissingInitialAccessTokenError from Reason("no initial access token")
        hashed = token_hash(presented)
        for known in self._initial_access_tokens:
            if equal_secrets(hashed, known.hash):
                return known
        self._telemetry.security_event(RegistrationRefused(cause=Cause.UNKNOWN))
        raise InvalidRegistrationTokenError from Reason("the initial access token is not known")

    async def _decide(
        self,
        members: Mapping[str, object],
        client_id: str,
        policy: RegistrationPolicy,
        notification_hosts: frozenset[str],
        *,
        taken: str | None = None,
    ) -> Registered:
        vouched = with_software_statement(
            members,
            issuers=self._statement_issuers,
            audiences=self._audiences,
            now=self._clock.now_ms() / 1000,
            taken=taken,
        )
        try:
            registered = register(
                vouched,
                client_id=client_id,
                policy=policy,
                notification_hosts=notification_hosts,
            )
            await self._verify_sector(registered)
        except InvalidMetadataError as error:
            raise InvalidClientMetadataError(error.member) from Reason(str(error))
        return registered

    async def _verify_sector(self, registered: Registered) -> None:
        """Whoever names a sector is named there (CIBA 4, OpenID Connect Registration 5)."""
        uri, client = registered.metadata.sector_identifier_uri, registered.client
        if uri is None:
            return
        answer = await self._outbound.send(OutboundRequest.fetch(uri, accept="application/json"))
        if isinstance(answer, OutboundFailure):
            self._tell_refused(answer, client.client_id)
            if answer.reason is FailureReason.BUSY:
                raise TemporarilyUnavailableError from Reason("too much is fetched already")
            raise InvalidMetadataError(f"sector_identifier_uri: {answer.detail}")
        if answer.status != HTTPStatus.OK:
            raise InvalidMetadataError(f"sector_identifier_uri was answered {answer.status}")
        vouching = vouching_uri(client.delivery_mode, client.jwks_uri, client.notification_endpoint)
        if vouching not in _listed(answer):
            raise InvalidMetadataError("sector_identifier_uri does not list the client")

    def _tell_refused(self, failure: OutboundFailure, client_id: str) -> None:
        address = REFUSED_ADDRESSES.get(failure.reason)
        if address is not None:
            self._telemetry.security_event(
                OutboundRefused(use=AttemptedUse.SECTOR, address=address, client_id=client_id)
            )


_ANYBODY: Final = InitialAccessToken(name="anybody", hash="")


def _listed(answer: OutboundResponse) -> frozenset[str]:
    try:
        return parse_sector_document(answer.content_type, answer.body)
    except InvalidSectorError as error:
        raise InvalidMetadataError(str(error)) from error


def _presented(authorization: Sequence[str]) -> str | None:
    presented = parse_authorization(authorization)
    if presented is None or presented.scheme is not TokenScheme.BEARER:
        return None
    return presented.text
