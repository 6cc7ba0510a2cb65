"""Clients as operators see them: those of the configuration, and those that registered."""

from bisect import bisect_right
from collections.abc import Callable, Iterable
from typing import Annotated, Final, Literal

import msgspec

from ciba_service.flow.operators.authentication import ActingOperator
from ciba_service.flow.operators.journal import OperatorJournal
from ciba_service.flow.operators.pages import Page
from ciba_service.ports import Registration, RegistrationStore, Telemetry
from ciba_service.ports.clients.registrations import RegistrationPlace
from ciba_service.protocol.client.metadata import Client
from ciba_service.protocol.instants import instant
from ciba_service.protocol.names import DeliveryMode
from ciba_service.protocol.operators.cursors import cursor, parse_cursor
from ciba_service.protocol.operators.problems import OperatorRefused, Problem
from ciba_service.protocol.profiles import ProfileName
from ciba_service.protocol.security_events.kinds import Actor, ClientRemoved

__all__ = ["ClientDetails", "ClientSummary", "OperatedClients"]


class ClientSummary(msgspec.Struct, frozen=True):
    """A client; ``since`` is when it registered."""

    client_id: str
    name: str
    profile: ProfileName
    delivery_mode: DeliveryMode
    enabled: bool
    origin: Literal["configured", "registered"]
    since: str | None


class ClientDetails(ClientSummary, frozen=True):
    """And what it registered, as far as it decides what the client may do."""

    scope: str = ""
    authorization_details_types: tuple[str, ...] = ()
    notification_endpoint: str | None = None
    jwks_uri: str | None = None
    sector: str | None = None
    shows_certificate: bool = False
    may_refresh: bool = False
    notification_hosts: tuple[str, ...] = ()


class _Place(msgspec.Struct, frozen=True):
    """Those of the configuration come first, by name; then those that ``registered``, by time."""

    registered: bool
    issued_at: Annotated[int, msgspec.Meta(ge=0, le=2**53)]
    client_id: Annotated[str, msgspec.Meta(max_length=255)]


_FIRST_REGISTERED: Final = _Place(registered=True, issued_at=0, client_id="")


class OperatedClients:
    """Lists, shows, disables and removes."""

    def __init__(
        self,
        *,
        configured: Iterable[Client],
        registrations: RegistrationStore,
        new_operation: Callable[[], str],
        journal: OperatorJournal,
        telemetry: Telemetry,
    ) -> None:
        self._configured = {client.client_id: client for client in configured}
        self._names = sorted(self._configured)
        self._registrations = registrations
        self._new_operation = new_operation
        self._journal = journal
        self._telemetry = telemetry

    async def page(self, after: str | None, *, limit: int) -> Page[ClientSummary]:
        """Two round trips at most; raises ``OperatorRefused`` for the cursor."""
        place = None if after is None else parse_cursor(after, _Place)
        if place is not None and place.registered:
            return await self._registered(place, limit)
        first = 0 if place is None else bisect_right(self._names, place.client_id)
        shown = self._names[first : first + limit]
        items = tuple(_summary(self._configured[name]) for name in shown)
        if len(shown) < limit:
            rest = await self._registered(_FIRST_REGISTERED, limit - len(shown))
            return Page(items=(*items, *rest.items), next=rest.next)
        is_last = first + limit >= len(self._names)
        last = _Place(registered=False, issued_at=0, client_id=shown[-1])
        return Page(items=items, next=cursor(_FIRST_REGISTERED if is_last else last))

    async def show(self, client_id: str) -> ClientDetails:
        """One, without keys; raises ``OperatorRefused`` when there is none."""
        configured = self._configured.get(client_id)
        if configured is not None:
            return _details(configured)
        registration = await self._registrations.find(client_id)
        if registration is None:
            raise OperatorRefused(Problem.NOT_FOUND)
        return _details(registration.client, registration)

    async def suspend(self, acting: ActingOperator, client_id: str, *, enabled: bool) -> None:
        """Disable one that registered, or enable it again, now or before; raises as ``remove``.

        Disabled it is unknown everywhere, and what it was granted cannot be used.
        """
        action = "clients enable" if enabled else "clients disable"
        with self._journal.writes(acting, action, client_id=client_id):
            if client_id in self._configured:
                raise OperatorRefused(Problem.CONFIGURED)
            if not await self._registrations.suspend(client_id, enabled=enabled):
                raise OperatorRefused(Problem.NOT_FOUND)

    async def remove(self, acting: ActingOperator, client_id: str) -> None:
        """Remove one that registered; its requests, grants and tokens are over.

        Raises:
            OperatorRefused: there is none, or it stands in the configuration.
        """
        with self._journal.writes(acting, "clients remove", client_id=client_id):
            if client_id in self._configured:
                raise OperatorRefused(Problem.CONFIGURED)
            if not await self._registrations.remove(client_id, operation=self._new_operation()):
                raise OperatorRefused(Problem.NOT_FOUND)
            self._telemetry.event("client_removed", client_id=client_id, by="operator")
            self._telemetry.security_event(ClientRemoved(client_id=client_id, by=Actor.OPERATOR))

    async def _registered(self, after: _Place, limit: int) -> Page[ClientSummary]:
        found, more = await self._registrations.after(
            RegistrationPlace(after.issued_at, after.client_id), limit=limit
        )
        last = None
        if more is not None:
            last = cursor(
                _Place(registered=True, issued_at=more.issued_at, client_id=more.client_id)
            )
        return Page(items=tuple(_summary(each.client, each) for each in found), next=last)


def _summary(client: Client, registration: Registration | None = None) -> ClientSummary:
    return ClientSummary(
        client_id=client.client_id,
        name=client.name,
        profile=client.profile.name,
        delivery_mode=client.delivery_mode,
        enabled=client.enabled,
        origin="configured" if registration is None else "registered",
        since=None if registration is None else instant(registration.issued_at * 1000),
    )


def _details(client: Client, registration: Registration | None = None) -> ClientDetails:
    hosts = frozenset[str]() if registration is None else registration.notification_hosts
    return ClientDetails(
        **msgspec.structs.asdict(_summary(client, registration)),
        scope=" ".join(sorted(client.scope)),
        authorization_details_types=tuple(sorted(client.authorization_details_types)),
        notification_endpoint=client.notification_endpoint,
        jwks_uri=client.jwks_uri,
        sector=client.sector,
        shows_certificate=client.certificate_rule is not None,
        may_refresh=client.may_refresh,
        notification_hosts=tuple(sorted(hosts)),
    )
