"""Every store of a service, on one open connection."""

from dataclasses import dataclass
from functools import partial
from typing import Final

from ciba_service.settings import Settings
from ciba_service.store_access import OpenStore
from ciba_service.stores.asking.budgets import RedisBudgets
from ciba_service.stores.asking.ledger import RedisLedgers
from ciba_service.stores.asking.pending import RedisPendingTransactions
from ciba_service.stores.asking.prompts import RedisPrompts
from ciba_service.stores.asking.sca_receipts import RedisScaReceipts
from ciba_service.stores.asking.standing import RedisStanding
from ciba_service.stores.asking.transactions import RedisTransactions
from ciba_service.stores.asking.user_codes import RedisUserCodeAttempts
from ciba_service.stores.clients.registrations import RedisRegistrations
from ciba_service.stores.clients.replay import RedisReplays
from ciba_service.stores.driver.subscription import Subscription
from ciba_service.stores.due.callbacks import RedisCallbacks
from ciba_service.stores.due.deliveries import RedisDeliveryLog
from ciba_service.stores.due.due import RedisDueWork
from ciba_service.stores.evidence.evidence_queue import RedisEvidence
from ciba_service.stores.health import RedisHealth
from ciba_service.stores.keys import hub_channels
from ciba_service.stores.operators.operator_sessions import RedisOperatorSessions
from ciba_service.stores.operators.recent_events import RedisRecentEvents
from ciba_service.stores.operators.set_outbox import RedisSetOutbox
from ciba_service.stores.phones.activations import RedisActivations
from ciba_service.stores.phones.attempts import RedisAttempts
from ciba_service.stores.phones.broadcast import RedisBroadcast
from ciba_service.stores.phones.devices import RedisDevices
from ciba_service.stores.phones.login_handles import RedisLoginHandles
from ciba_service.stores.phones.notices import RedisNotices
from ciba_service.stores.phones.presence import RedisPresence
from ciba_service.stores.phones.waiting_devices import RedisWaitingDevices
from ciba_service.stores.phones.wake_ups import RedisWakeUps
from ciba_service.stores.sealing import Ring, Sealer
from ciba_service.stores.tokens.accesses import RedisAccesses
from ciba_service.stores.tokens.grants import RedisGrants
from ciba_service.stores.tokens.payments import RedisPayments
from ciba_service.wiring.running.measuring import Measuring
from ciba_service.wiring.surroundings import Surroundings

__all__ = ["Stores", "build_stores"]

_HOUR_MS: Final = 3_600_000
_UNMEASURED: Final = Measuring()


@dataclass(frozen=True, slots=True)
class Stores:
    """Every store, on one connection."""

    transactions: RedisTransactions
    sca_receipts: RedisScaReceipts
    grants: RedisGrants
    accesses: RedisAccesses
    payments: RedisPayments
    replays: RedisReplays
    registrations: RedisRegistrations
    due: RedisDueWork
    evidence: RedisEvidence
    callbacks: RedisCallbacks
    deliveries: RedisDeliveryLog
    ledgers: RedisLedgers
    outboxes: tuple[RedisSetOutbox, ...]
    budgets: RedisBudgets
    prompts: RedisPrompts
    standing: RedisStanding
    devices: RedisDevices
    waiting_devices: RedisWaitingDevices
    notices: RedisNotices
    wake_ups: RedisWakeUps
    attempts: RedisAttempts
    user_codes: RedisUserCodeAttempts
    activations: RedisActivations
    login_handles: RedisLoginHandles
    broadcast: RedisBroadcast
    health: RedisHealth
    readiness: RedisHealth
    subscription: Subscription
    operator_sessions: RedisOperatorSessions
    pending: RedisPendingTransactions
    presence: RedisPresence
    recent_events: RedisRecentEvents


def build_stores(
    settings: Settings,
    store: OpenStore,
    ring: Ring,
    surroundings: Surroundings,
    measuring: Measuring = _UNMEASURED,
) -> Stores:
    """Put the stores on an open connection."""
    within = partial(measuring.operations, store, clock=surroundings.store_clock)
    operations = within(deadline_ms=settings.store.deadline_ms)
    sealer = Sealer(ring, surroundings.random)
    new_operation = surroundings.new_operation
    subscription = Subscription(store.target, store.commands, hub_channels())
    return Stores(
        transactions=RedisTransactions(operations, sealer),
        sca_receipts=RedisScaReceipts(operations, sealer),
        grants=RedisGrants(operations, sealer),
        accesses=RedisAccesses(operations),
        payments=RedisPayments(operations),
        replays=RedisReplays(operations, surroundings.clock),
        registrations=RedisRegistrations(operations),
        due=RedisDueWork(operations, new_operation),
        evidence=RedisEvidence(operations, new_operation),
        callbacks=RedisCallbacks(operations, sealer),
        deliveries=RedisDeliveryLog(operations),
        ledgers=RedisLedgers(operations),
        outboxes=tuple(
            RedisSetOutbox(
                operations,
                new_operation,
                receiver=receiver.name,
                kept=receiver.keep_hours * _HOUR_MS,
            )
            for receiver in settings.security_events.receivers
        ),
        budgets=RedisBudgets(operations, sealer),
        prompts=RedisPrompts(operations, limits=settings.prompt_limits),
        standing=RedisStanding(operations, limits=settings.prompt_limits),
        notices=RedisNotices(operations),
        wake_ups=RedisWakeUps(operations, sealer),
        devices=RedisDevices(operations, sealer, new_operation),
        waiting_devices=RedisWaitingDevices(operations, sealer),
        attempts=RedisAttempts(operations, limits=settings.attempt_limits),
        user_codes=RedisUserCodeAttempts(operations),
        activations=RedisActivations(
            operations, sealer, random=surroundings.random, new_operation=new_operation
        ),
        login_handles=RedisLoginHandles(
            operations, sealer, attempt_limit=settings.limits.failed_attempts
        ),
        broadcast=RedisBroadcast(operations, subscription),
        health=RedisHealth(operations),
        readiness=RedisHealth(within(deadline_ms=settings.store.look_ms)),
        subscription=subscription,
        operator_sessions=RedisOperatorSessions(operations),
        pending=RedisPendingTransactions(operations),
        presence=RedisPresence(operations),
        recent_events=RedisRecentEvents(operations),
    )
