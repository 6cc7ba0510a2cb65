"""What the door of the clients and the door of the phones have in common."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import Final

from ciba_service.channels.hub import SocketHub
from ciba_service.endpoints.request_log import RequestTelemetry
from ciba_service.flow.account_gate import AccountGate
from ciba_service.flow.asking.cancelling import Cancelling
from ciba_service.flow.asking.ledger_following import LedgerFollowing
from ciba_service.flow.asking.open_streams import OpenStreams
from ciba_service.flow.clients.known_clients import KnownClients
from ciba_service.flow.due.delivery import CallbackDelivery
from ciba_service.flow.due.due_work import DueWorker
from ciba_service.flow.due.evidence_draining import EvidenceDrainer
from ciba_service.flow.due.settlement import Settlement
from ciba_service.flow.due.store_time import StoreTime
from ciba_service.flow.due.wake_ups import WakeUps
from ciba_service.flow.granting.access_index import AccessIndex
from ciba_service.flow.granting.held_polls import HeldPolls
from ciba_service.flow.granting.push import Pushes
from ciba_service.flow.operators.events import EVENTS_PLACE
from ciba_service.flow.phones.presence import ConnectedPhones
from ciba_service.listening.admission.gate import Gate
from ciba_service.ports import ClientRegistry, Telemetry, User, UserDirectory
from ciba_service.protocol.locale import Locale
from ciba_service.protocol.metadata import Endpoints
from ciba_service.protocol.request.user_code import (
    SALT_BYTES,
    StoredUserCode,
    user_code_digest,
)
from ciba_service.protocol.subject_identifiers import PAIRWISE_PURPOSE, SubjectIdentifiers
from ciba_service.settings import Settings, UserSettings
from ciba_service.stores.clients.configured import ConfiguredClients, ConfiguredUsers
from ciba_service.stores.keys import partition_of
from ciba_service.wiring.doors.issuing import Issuing, build_issuing
from ciba_service.wiring.host_ports import (
    HostClients,
    HostNotifier,
    HostPorts,
    HostTokens,
    HostUsers,
)
from ciba_service.wiring.outbound import OutboundParts, OutboundTls, build_outbound
from ciba_service.wiring.running.admission import build_gate
from ciba_service.wiring.running.evidence import build_drainer
from ciba_service.wiring.running.measuring import Measuring
from ciba_service.wiring.running.security_events import EventParts, build_events, watched
from ciba_service.wiring.running.wake_up import build_wake_ups
from ciba_service.wiring.service_keys import ServiceKeys
from ciba_service.wiring.stores import Stores
from ciba_service.wiring.surroundings import Surroundings

__all__ = ["USER_CODE_PEPPER", "Parts", "build_parts", "configured_users"]

USER_CODE_PEPPER: Final = "user-codes"
_UNMEASURED: Final = Measuring()
_NO_HOST: Final = HostPorts()


@dataclass(frozen=True, slots=True)
class Parts:
    """The one instance of everything that more than one step uses.

    ``log`` is the telemetry below that of the surroundings: what tells of requests at their end;
    ``leaving`` is set when the process will end.
    """

    settings: Settings
    stores: Stores
    keys: ServiceKeys
    surroundings: Surroundings
    host: HostPorts
    endpoints: Endpoints
    users: UserDirectory
    user_list: ConfiguredUsers
    locale_of: Callable[[str], Awaitable[Locale]]
    configured: ConfiguredClients
    clients: ClientRegistry
    subjects: SubjectIdentifiers
    outbound: OutboundParts
    gate: AccountGate
    issuing: Issuing
    hub: SocketHub
    phones: ConnectedPhones
    delivery: CallbackDelivery
    wake_ups: WakeUps | None
    worker: DueWorker
    events: EventParts
    drainer: EvidenceDrainer
    held: HeldPolls
    streams: OpenStreams
    following: LedgerFollowing
    cancelling: Cancelling
    log: Telemetry
    measuring: Measuring
    leaving: asyncio.Event
    admission: Gate


def build_parts(
    settings: Settings,
    stores: Stores,
    keys: ServiceKeys,
    surroundings: Surroundings,
    measuring: Measuring = _UNMEASURED,
    *,
    host: HostPorts = _NO_HOST,
) -> Parts:
    """Build what is shared."""
    streams = OpenStreams(
        clock=surroundings.clock,
        capacity=settings.server.max_event_streams,
        of_client=settings.server.max_event_streams_of_client,
    )
    surroundings = measuring.surroundings(surroundings)
    tls = OutboundTls(settings.outbound)
    events = build_events(
        settings,
        stores,
        keys,
        surroundings,
        tls=tls,
        measuring=measuring,
        on_arrival=partial(streams.look_again, EVENTS_PLACE),
    )
    surroundings = watched(surroundings, measuring.security_events(events.recorder))
    log = surroundings.telemetry
    surroundings = replace(surroundings, telemetry=RequestTelemetry(log))
    held = HeldPolls(
        transactions=stores.transactions,
        clock=surroundings.clock,
        capacity=settings.server.max_held_polls,
        of_client=settings.server.max_held_polls_of_client,
    )

    def look_again(transaction_id: str | None) -> None:
        held.look_again(transaction_id)
        streams.look_again(transaction_id)

    hub = SocketHub(stores.broadcast, on_settled=look_again, on_announced=measuring.announced)
    user_list = ConfiguredUsers(configured_users(settings, keys, surroundings))
    seconds = settings.store.deadline_ms / 1000
    users = user_list if host.users is None else HostUsers(host.users, seconds)

    async def locale_of(subject: str) -> Locale:
        user = await users.find_subject(subject)
        return settings.device.locale if user is None else user.locale

    configured = ConfiguredClients(settings.clients)
    clients = _clients(
        settings,
        stores,
        configured if host.clients is None else HostClients(host.clients, seconds),
    )
    outbound = build_outbound(settings.outbound, tls, surroundings, measuring)
    gate = AccountGate(
        users=users,
        clients=clients,
        devices=stores.devices,
        attempts=stores.attempts,
        attempt_limit=settings.limits.failed_attempts,
    )
    issuing = build_issuing(
        settings,
        stores,
        keys,
        surroundings,
        users=users,
        gate=gate,
        writing=None if host.tokens is None else HostTokens(host.tokens, seconds),
    )
    delivery = CallbackDelivery(
        due=stores.due,
        callbacks=stores.callbacks,
        pushes=_pushes(stores, issuing, surroundings),
        gate=gate,
        outbound=measuring.outbound(
            outbound.callbacks if host.notifier is None else HostNotifier(host.notifier), "callback"
        ),
        timeout=settings.delivery.answer_timeout_ms,
        random=surroundings.random,
        clock=surroundings.clock,
        telemetry=surroundings.telemetry,
    )
    wake_ups = build_wake_ups(
        settings,
        stores,
        keys,
        surroundings,
        outbound=measuring.outbound(outbound.wake_ups, "wake_up"),
        gate=gate,
    )
    worker = DueWorker(
        due=stores.due,
        transactions=stores.transactions,
        settlement=_settlement(settings, stores, issuing.index, hub, surroundings),
        ledgers=stores.ledgers,
        hub=hub,
        delivery=delivery,
        wake_ups=wake_ups,
        partition_of=partition_of,
        store_time=StoreTime(stores.health, surroundings.store_clock),
        clock=surroundings.clock,
        telemetry=surroundings.telemetry,
    )
    return Parts(
        settings=settings,
        stores=stores,
        keys=keys,
        surroundings=surroundings,
        endpoints=Endpoints(
            settings.server.issuer,
            settings.mtls.base_url,
            takes_registrations=settings.registration.enabled,
        ),
        host=host,
        users=users,
        user_list=user_list,
        locale_of=locale_of,
        configured=configured,
        clients=clients,
        subjects=SubjectIdentifiers(keys.ring.derive(PAIRWISE_PURPOSE)),
        outbound=outbound,
        gate=gate,
        issuing=issuing,
        hub=hub,
        phones=ConnectedPhones(
            store=stores.presence,
            process=surroundings.new_operation(),
            here=hub.connected,
            clock=surroundings.clock,
        ),
        delivery=delivery,
        wake_ups=wake_ups,
        worker=worker,
        events=events,
        drainer=build_drainer(settings, stores, keys, surroundings),
        held=held,
        streams=streams,
        following=LedgerFollowing(
            ledgers=stores.ledgers,
            streams=streams,
            clock=surroundings.clock,
            telemetry=surroundings.telemetry,
        ),
        cancelling=Cancelling(
            transactions=stores.transactions,
            worker=worker,
            clock=surroundings.clock,
            telemetry=surroundings.telemetry,
        ),
        log=log,
        measuring=measuring,
        leaving=asyncio.Event(),
        admission=build_gate(settings, log, measuring),
    )


def _settlement(
    settings: Settings,
    stores: Stores,
    accesses: AccessIndex,
    hub: SocketHub,
    surroundings: Surroundings,
) -> Settlement:
    """What follows once a prompt is no longer open."""
    return Settlement(
        transactions=stores.transactions,
        prompts=stores.prompts,
        attempts=stores.attempts,
        standing=stores.standing,
        accesses=accesses,
        hub=hub,
        limits=settings.prompt_limits,
        callback_delay=settings.delivery.callback_delay_ms,
        clock=surroundings.clock,
        telemetry=surroundings.telemetry,
    )


def _pushes(stores: Stores, issuing: Issuing, surroundings: Surroundings) -> Pushes:
    return Pushes(
        transactions=stores.transactions,
        callbacks=stores.callbacks,
        completion=issuing.completion,
        grants=stores.grants,
        index=issuing.index,
        new_operation=surroundings.new_operation,
        clock=surroundings.clock,
        telemetry=surroundings.telemetry,
    )


def _clients(settings: Settings, stores: Stores, configured: ClientRegistry) -> ClientRegistry:
    if not settings.registration.enabled:
        return configured
    return KnownClients(configured=configured, registrations=stores.registrations)


def configured_users(
    settings: Settings, keys: ServiceKeys, surroundings: Surroundings
) -> list[tuple[User, tuple[str, ...]]]:
    """Users of a configuration with their further names."""
    return [
        (_user(user, settings, keys, surroundings), user.login_hints) for user in settings.users
    ]


def _user(
    user: UserSettings, settings: Settings, keys: ServiceKeys, surroundings: Surroundings
) -> User:
    return User(
        user.sub,
        enabled=user.enabled,
        claims=user.claims,
        user_code=_user_code(user, keys, surroundings),
        locale=user.locale or settings.device.locale,
    )


def _user_code(
    settings: UserSettings, keys: ServiceKeys, surroundings: Surroundings
) -> StoredUserCode | None:
    if settings.user_code is None:
        return None
    salt = surroundings.random(SALT_BYTES)
    pepper = keys.ring.derive(USER_CODE_PEPPER)
    digest = user_code_digest(settings.user_code, subject=settings.sub, salt=salt, pepper=pepper)
    return StoredUserCode(salt=salt, digest=digest)
