"""The door of operators: a listener of its own, where somebody operates over HTTP."""

from collections.abc import Sequence

from starlette.types import ASGIApp

from ciba_service.endpoints.operator.events import EventsEndpoint
from ciba_service.endpoints.operator.gate import OperatorGate
from ciba_service.endpoints.operator.problems import respond_defect
from ciba_service.endpoints.operator.router import Operation, OperatorRouter
from ciba_service.endpoints.operator.served_page import ServedPage
from ciba_service.endpoints.operator.service import ClientsEndpoint, ServiceEndpoint
from ciba_service.endpoints.operator.session import SessionEndpoint
from ciba_service.endpoints.operator.session_cookie import CookieForm
from ciba_service.endpoints.operator.transactions import DeliveriesEndpoint, TransactionsEndpoint
from ciba_service.endpoints.operator.users import DevicesEndpoint, UsersEndpoint
from ciba_service.endpoints.outermost import Outermost
from ciba_service.endpoints.request_log import EndpointNames, ObservedRequests
from ciba_service.flow.asking.sca_receipts import ScaReceipts
from ciba_service.flow.due.redelivery import Redeliveries
from ciba_service.flow.operators.authentication import OperatorAuthentication
from ciba_service.flow.operators.clients import OperatedClients
from ciba_service.flow.operators.deliveries import OperatedDeliveries
from ciba_service.flow.operators.devices import OperatedDevices
from ciba_service.flow.operators.events import OperatedEvents
from ciba_service.flow.operators.journal import OperatorJournal
from ciba_service.flow.operators.service_state import OperatedService
from ciba_service.flow.operators.transactions import OperatedTransactions
from ciba_service.flow.operators.unblocking import Unblocking
from ciba_service.flow.operators.unlocking import Unlocking
from ciba_service.flow.operators.user_reset import UserReset
from ciba_service.flow.operators.user_summaries import UserSummaries
from ciba_service.flow.operators.users import OperatedUsers, UserActs
from ciba_service.flow.phones.activation import Activations
from ciba_service.flow.phones.device_revocation import DeviceRevocation
from ciba_service.flow.phones.lasting_accesses import LastingAccesses
from ciba_service.flow.phones.phone_notices import PhoneNotices
from ciba_service.protocol.operators.origins import AllowedOrigins
from ciba_service.settings import OperatorSettings, Settings
from ciba_service.wiring.parts import Parts
from ciba_service.wiring.phones import device_approval
from ciba_service.wiring.running.health import build_health

__all__ = ["operator_app"]


def operator_app(parts: Parts) -> ASGIApp:
    """The application of that listener; without operators it lets nobody in."""
    surroundings = parts.surroundings
    origins = _origins(parts.settings.operator)
    cookie = CookieForm(is_secure=origins.is_secure)
    authentication = OperatorAuthentication(
        operators=[account.operator() for account in parts.settings.operators],
        sessions=parts.stores.operator_sessions,
        session_ms=parts.settings.operator.session_seconds * 1000,
        random=surroundings.random,
        clock=surroundings.clock,
        telemetry=surroundings.telemetry,
    )
    session = SessionEndpoint(authentication, cookie, surroundings.clock)
    gate = OperatorGate(
        origins=origins,
        authentication=authentication,
        cookie=cookie,
        page=ServedPage(),
        router=OperatorRouter([*session.operations, *_operations(parts)]),
        telemetry=surroundings.telemetry,
    )
    return ObservedRequests(
        Outermost(gate, surroundings.telemetry, respond_defect),
        names=EndpointNames(unknown="/operator"),
        telemetry=parts.log,
        meter=parts.measuring.requests,
        refusal="operator_refused",
    )


def _origins(listener: OperatorSettings) -> AllowedOrigins:
    return AllowedOrigins.of(
        host=listener.host,
        has_tls=listener.tls_certificate is not None,
        base_url=listener.base_url,
    )


def _operations(parts: Parts) -> Sequence[Operation]:
    """All resources."""
    journal = OperatorJournal(parts.surroundings.telemetry)
    revocation = _revocation(parts)
    return (
        *UsersEndpoint(_users(parts, revocation, journal)).operations,
        *DevicesEndpoint(_devices(parts, revocation, journal)).operations,
        *TransactionsEndpoint(_transactions(parts, journal)).operations,
        *DeliveriesEndpoint(_deliveries(parts, journal)).operations,
        *ClientsEndpoint(_clients(parts, journal)).operations,
        *EventsEndpoint(_events(parts)).operations,
        *ServiceEndpoint(_service(parts)).operations,
    )


def _subjects(settings: Settings) -> list[str]:
    return [user.sub for user in settings.users]


def _revocation(parts: Parts) -> DeviceRevocation:
    surroundings = parts.surroundings
    return DeviceRevocation(
        devices=parts.stores.devices,
        notices=PhoneNotices(notices=parts.stores.notices, hub=parts.hub, clock=surroundings.clock),
        clock=surroundings.clock,
        telemetry=surroundings.telemetry,
    )


def _users(parts: Parts, revocation: DeviceRevocation, journal: OperatorJournal) -> OperatedUsers:
    stores, surroundings = parts.stores, parts.surroundings
    return OperatedUsers(
        subjects=_subjects(parts.settings),
        users=parts.users,
        summaries=UserSummaries(
            devices=stores.devices,
            attempts=stores.attempts,
            attempt_limit=parts.settings.limits.failed_attempts,
        ),
        devices=stores.devices,
        standing=stores.standing,
        prompts=stores.prompts,
        ledgers=stores.ledgers,
        accesses=LastingAccesses(
            accesses=stores.accesses,
            grants=stores.grants,
            devices=stores.devices,
            clients=parts.clients,
            detail_types=parts.settings.detail_types,
            locale_of=parts.locale_of,
            clock=surroundings.clock,
            telemetry=surroundings.telemetry,
        ),
        acts=_acts(parts, revocation),
        second_secret=parts.settings.device.second_secret,
        journal=journal,
        clock=surroundings.clock,
    )


def _acts(parts: Parts, revocation: DeviceRevocation) -> UserActs:
    stores, surroundings = parts.stores, parts.surroundings
    unlocking = Unlocking(attempts=stores.attempts, telemetry=surroundings.telemetry)
    activations = Activations(
        activations=stores.activations,
        devices=stores.devices,
        random=surroundings.random,
        clock=surroundings.clock,
        telemetry=surroundings.telemetry,
        phone_url=parts.settings.device.phone_url,
    )
    return UserActs(
        unlocking=unlocking,
        unblocking=Unblocking(standing=stores.standing, telemetry=surroundings.telemetry),
        reset=UserReset(
            devices=stores.devices,
            revocation=revocation,
            approval=device_approval(parts),
            unlocking=unlocking,
            activations=activations,
        ),
        activations=activations,
    )


def _devices(
    parts: Parts, revocation: DeviceRevocation, journal: OperatorJournal
) -> OperatedDevices:
    return OperatedDevices(
        subjects=_subjects(parts.settings),
        devices=parts.stores.devices,
        revocation=revocation,
        waiting=parts.stores.waiting_devices,
        approval=device_approval(parts),
        clock=parts.surroundings.clock,
        journal=journal,
    )


def _transactions(parts: Parts, journal: OperatorJournal) -> OperatedTransactions:
    return OperatedTransactions(
        pending=parts.stores.pending,
        ledgers=parts.stores.ledgers,
        receipts=ScaReceipts(
            store=parts.stores.sca_receipts, keys=parts.keys, clock=parts.surroundings.clock
        ),
        following=parts.following,
        cancelling=parts.cancelling,
        new_operation=parts.surroundings.new_operation,
        journal=journal,
        clock=parts.surroundings.clock,
    )


def _deliveries(parts: Parts, journal: OperatorJournal) -> OperatedDeliveries:
    surroundings = parts.surroundings
    return OperatedDeliveries(
        log=parts.stores.deliveries,
        redeliveries=Redeliveries(
            deliveries=parts.stores.deliveries,
            clock=surroundings.clock,
            telemetry=surroundings.telemetry,
        ),
        worker=parts.worker,
        new_operation=surroundings.new_operation,
        journal=journal,
        clock=surroundings.clock,
    )


def _clients(parts: Parts, journal: OperatorJournal) -> OperatedClients:
    return OperatedClients(
        configured=parts.settings.clients,
        registrations=parts.stores.registrations,
        new_operation=parts.surroundings.new_operation,
        journal=journal,
        telemetry=parts.surroundings.telemetry,
    )


def _events(parts: Parts) -> OperatedEvents:
    return OperatedEvents(
        recent=parts.stores.recent_events,
        streams=parts.streams,
        telemetry=parts.surroundings.telemetry,
    )


def _service(parts: Parts) -> OperatedService:
    return OperatedService(
        issuer=parts.settings.server.issuer,
        keeps_evidence=parts.settings.evidence.enabled,
        evidence=parts.stores.evidence,
        phones=parts.phones,
        held=parts.held,
        streams=parts.streams,
        missing=build_health(parts).missing,
        clock=parts.surroundings.clock,
    )
