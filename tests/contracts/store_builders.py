"""Stores over a real server whose randomness and operation ids are the same in every run."""

import asyncio
import itertools
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import Any

from ciba_service.ports import (
    AccessTokenRecord,
    Callback,
    Decided,
    NewTransaction,
    Push,
    RefreshTokenRecord,
    Registration,
    StoredRequest,
    Swap,
    TokenRecord,
)
from ciba_service.protocol.client.registration.metadata import parse_registration
from ciba_service.protocol.client.registration.rules import client_of
from ciba_service.protocol.jose.encoding import base64url
from ciba_service.protocol.jose.keys import parse_verification_key
from ciba_service.protocol.names import CIBA_GRANT_TYPE, DeliveryMode
from ciba_service.protocol.profiles import ProfileName
from ciba_service.protocol.request.authorization_details import (
    PAYMENT_INITIATION,
    AuthorizationDetail,
)
from ciba_service.protocol.request.claims_parameter import ClaimsRequest, RequestedClaim
from ciba_service.protocol.request.request_context import RequestContext
from ciba_service.protocol.tokens.access_token import AccessToken
from ciba_service.protocol.tokens.grant import Grant
from ciba_service.protocol.transaction.state import Event, FailureReason
from ciba_service.sca.factors.attempts import ATTEMPT_LIMIT, AttemptLimits
from ciba_service.sca.factors.passkeys import Passkey
from ciba_service.sca.messages import Factor
from ciba_service.sca.phones.devices import Device, new_device_id, user_tag
from ciba_service.sca.prompting import PromptLimits
from ciba_service.sca.records.evidence import Evidence, EvidenceFacts, Outcome, Statement
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
from ciba_service.stores.driver.commands import Commands
from ciba_service.stores.driver.connection import connect
from ciba_service.stores.driver.target import RedisTarget
from ciba_service.stores.due.callbacks import RedisCallbacks
from ciba_service.stores.due.deliveries import RedisDeliveryLog
from ciba_service.stores.due.due import RedisDueWork
from ciba_service.stores.evidence.evidence_queue import RedisEvidence
from ciba_service.stores.health import RedisHealth
from ciba_service.stores.operations import Operations
from ciba_service.stores.operators.operator_sessions import RedisOperatorSessions
from ciba_service.stores.operators.recent_events import RedisRecentEvents
from ciba_service.stores.operators.set_outbox import RedisSetOutbox
from ciba_service.stores.phones.activations import RedisActivations
from ciba_service.stores.phones.attempts import RedisAttempts
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
from tests.fake_clock import FakeClock
from tests.redis.servers import the_server
from tests.wire.signing import new_key

START = FakeClock().now_ms()
"""Milliseconds since the epoch, an hour ahead, so that no TTL lies in the past."""

TRANSACTION = "AAECAwQFBgcICQoLDA0ODw"
PARTITION = 0
TAG = user_tag("alice")
RING = Ring.of(b"r" * 32)
CLIENT = "till"
LIFETIME_MS = 180_000
EXPIRES_AT = START + LIFETIME_MS
REFRESH_UNTIL = START + 3_600_000
INTERVAL_MS = 5_000
PROMPT_CAP = 5
LIMITS = PromptLimits(
    open_prompts=PROMPT_CAP,
    of_user=60,
    of_client=40,
    window=3_600_000,
    denials=3,
    denial_window=86_400_000,
    pause=300_000,
    longest_pause=3_600_000,
    block=86_400_000,
)
ATTEMPT_LIMITS = AttemptLimits()
PAYEE = "Recognisable Payee Ltd"
RESOURCE = "https://recognisable.example/accounts"
CONTEXT = "recognisable till"
CHALLENGE = "recognisable.challenge.jws"
PASSKEY = Passkey(
    passkey_id="AAECAwQFBgcICQoLDA0ODw",
    public_key=b"recognisable-passkey",
    sign_count=3,
    synced=False,
    backed_up=False,
    registered_at=7,
    order="order",
)

PHONE_JWK = {
    name: value
    for name, value in new_key("ES256").as_dict(private=False).items()
    if name in {"kty", "crv", "x", "y"} and isinstance(value, str)
}


class NoWaiting:
    """``ports.Clock`` for retries: no pause takes any time."""

    def now_ms(self) -> int:
        """It is always the same moment."""
        return START

    async def sleep(self, seconds: float) -> None:
        """Return at once."""


class Counted:
    """Bytes and names that never repeat within a run and are the same in each."""

    def __init__(self, process: int = 0) -> None:
        self._process = process
        self._numbers = itertools.count(1)

    def token_bytes(self, count: int) -> bytes:
        """``count`` bytes."""
        return next(self._numbers).to_bytes(4, "big").rjust(count, b"\x7f")[:count]

    def operation(self) -> str:
        """An operation id."""
        return f"operation-{self._process}-{next(self._numbers)}"


@dataclass(frozen=True)
class Stores:
    """Every store, over one way to one server."""

    commands: Commands
    transactions: RedisTransactions
    grants: RedisGrants
    accesses: RedisAccesses
    payments: RedisPayments
    replays: RedisReplays
    due: RedisDueWork
    evidence: RedisEvidence
    outbox: RedisSetOutbox
    callbacks: RedisCallbacks
    deliveries: RedisDeliveryLog
    ledgers: RedisLedgers
    sca_receipts: RedisScaReceipts
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
    registrations: RedisRegistrations
    operator_sessions: RedisOperatorSessions
    pending: RedisPendingTransactions
    presence: RedisPresence
    recent_events: RedisRecentEvents
    health: RedisHealth


def stores_over(
    commands: Commands,
    *,
    ring: Ring = RING,
    process: int = 0,
    limits: PromptLimits = LIMITS,
    attempt_limits: AttemptLimits = ATTEMPT_LIMITS,
    durable: Commands | None = None,
    deadline_ms: int = 10_000,
) -> Stores:
    """Put the stores on an open connection."""
    counted = Counted(process)
    operations = Operations(commands, clock=NoWaiting(), deadline_ms=deadline_ms, durable=durable)
    sealer = Sealer(ring, counted.token_bytes)
    return Stores(
        commands=commands,
        transactions=RedisTransactions(operations, sealer),
        grants=RedisGrants(operations, sealer),
        accesses=RedisAccesses(operations),
        payments=RedisPayments(operations),
        replays=RedisReplays(operations, NoWaiting()),
        due=RedisDueWork(operations, counted.operation),
        evidence=RedisEvidence(operations, counted.operation),
        outbox=RedisSetOutbox(operations, counted.operation, receiver="siem", kept=3_600_000),
        callbacks=RedisCallbacks(operations, sealer),
        deliveries=RedisDeliveryLog(operations),
        ledgers=RedisLedgers(operations),
        sca_receipts=RedisScaReceipts(operations, sealer),
        budgets=RedisBudgets(operations, sealer),
        prompts=RedisPrompts(operations, limits=limits),
        standing=RedisStanding(operations, limits=limits),
        notices=RedisNotices(operations),
        wake_ups=RedisWakeUps(operations, sealer),
        devices=RedisDevices(operations, sealer, counted.operation),
        waiting_devices=RedisWaitingDevices(operations, sealer),
        attempts=RedisAttempts(operations, limits=attempt_limits),
        user_codes=RedisUserCodeAttempts(operations),
        activations=RedisActivations(
            operations, sealer, random=counted.token_bytes, new_operation=counted.operation
        ),
        login_handles=RedisLoginHandles(operations, sealer, attempt_limit=ATTEMPT_LIMIT),
        registrations=RedisRegistrations(operations),
        operator_sessions=RedisOperatorSessions(operations),
        pending=RedisPendingTransactions(operations),
        presence=RedisPresence(operations),
        recent_events=RedisRecentEvents(operations),
        health=RedisHealth(operations),
    )


@asynccontextmanager
async def stores_at(target: RedisTarget) -> AsyncIterator[Stores]:
    """Stores on a connection of their own, as in another process."""
    commands = Commands(connect(target))
    try:
        yield stores_over(commands)
    finally:
        await commands.aclose()


@asynccontextmanager
async def processes(target: RedisTarget, number: int) -> AsyncIterator[list[Stores]]:
    """So many processes that share a server and nothing else, each sending one at a time."""
    several = [Commands(connect(target), max_batch=1, max_flushes=8) for _ in range(number)]
    try:
        yield [stores_over(each, process=number) for number, each in enumerate(several)]
    finally:
        await asyncio.gather(*(commands.aclose() for commands in several))


def transaction_name(number: int) -> str:
    """A transaction id of our shape, another one for each number."""
    return base64url(number.to_bytes(2, "big") + bytes(14))


def stored_request() -> StoredRequest:
    """What was asked, with texts that can be recognised."""
    return StoredRequest(
        subject="alice",
        scope=("openid",),
        acr="urn:openbanking:psd2:sca",
        factors=(Factor.DEVICE_KEY, Factor.PIN),
        challenge=CHALLENGE,
        details=(AuthorizationDetail(PAYMENT_INITIATION, f'{{"creditorName":"{PAYEE}"}}'),),
        claims=ClaimsRequest(
            id_token=(RequestedClaim("acr", essential=True, values=("a", "b")),),
            userinfo=(RequestedClaim("name"), RequestedClaim("updated_at", values=(7, True))),
        ),
        resources=(RESOURCE, "https://bank.example/cards"),
        request_context=RequestContext(f'{{"till":"{CONTEXT}"}}'),
    )


def new_transaction(
    transaction_id: str = TRANSACTION,
    *,
    expires_at: int = EXPIRES_AT,
    interval_ms: int = INTERVAL_MS,
) -> NewTransaction:
    """A transaction of Alice's at the till."""
    return NewTransaction(
        transaction_id=transaction_id,
        client_id=CLIENT,
        user_tag=TAG,
        request=stored_request(),
        created_at=START,
        expires_at=expires_at,
        interval_ms=interval_ms,
    )


def with_callback(mode: DeliveryMode, transaction_id: str = TRANSACTION) -> NewTransaction:
    """A transaction whose client is to be told, also when nobody decides."""
    callback = Callback("recognisable-auth-req-id", "recognisable-notification-token", mode)
    return replace(new_transaction(transaction_id), callback=callback, tells_expiry=True)


def decided_by(operation: str) -> Decided:
    """What an approval proved."""
    return Decided(
        device_id="recognisable-device",
        operation=operation,
        challenge_hash="recognisable-hash",
        acr="urn:openbanking:psd2:sca",
        amr=("pop", "pin", "mfa"),
        auth_time=START // 1000,
    )


def evidence(transaction_id: str = TRANSACTION) -> Evidence:
    """Evidence of an approval, with texts that can be recognised."""
    facts = EvidenceFacts(
        transaction_id=transaction_id,
        client_id=CLIENT,
        outcome=Outcome.APPROVED,
        at=START,
        verified=(Factor.DEVICE_KEY, Factor.PIN),
        acr="urn:openbanking:psd2:sca",
        amr=("pop", "pin", "mfa"),
        auth_time=START // 1000,
    )
    statement = Statement(
        subject="recognisable-subject",
        device_id="recognisable-device",
        device_key=PHONE_JWK,
        challenge=CHALLENGE,
        decision="recognisable.decision.jws",
    )
    return Evidence(facts, statement)


def granted(transaction_id: str = TRANSACTION) -> Grant:
    """What a redemption grants."""
    return Grant(
        txn=transaction_id,
        client_id=CLIENT,
        subject="recognisable-subject",
        scope=("openid", "recognisable-scope"),
        auth_time=START // 1000,
        acr="urn:openbanking:psd2:sca",
        amr=("pop", "pin", "mfa"),
        challenge_hash="recognisable-hash",
        device_id="recognisable-device",
    )


def access_token(*, jti: str = "recognisable-jti") -> AccessToken:
    """An access token of five minutes."""
    return AccessToken(
        jti=jti,
        aud="https://api.example",
        iat=START // 1000,
        exp=START // 1000 + 300,
        scope=("openid",),
    )


def swap_of(
    event: Event,
    operation: str,
    *,
    now: int = START,
    transaction_id: str = TRANSACTION,
    with_refresh_token: bool = True,
    push: Push | None = None,
) -> Swap:
    """An event with all that goes with it."""
    refresh_token = RefreshTokenRecord(f"refresh by {operation}", REFRESH_UNTIL)
    tokens = TokenRecord(
        grant=granted(transaction_id),
        access_token=AccessTokenRecord(f"access by {operation}", access_token()),
        refresh_token=refresh_token if with_refresh_token else None,
    )
    return Swap(
        transaction_id=transaction_id,
        event=event,
        operation=operation,
        now=now,
        decided=decided_by(operation) if event is Event.APPROVE else None,
        reason=FailureReason.GATE_REFUSED if event is Event.FAIL else None,
        tokens=tokens if event is Event.REDEEM else None,
        push=push,
    )


def registration(client_id: str = "shop", **changed: Any) -> Registration:
    """A client that registered itself."""
    members = {
        "client_name": "Corner shop",
        "grant_types": [CIBA_GRANT_TYPE],
        "backchannel_token_delivery_mode": "poll",
        "jwks": {"keys": [PHONE_JWK]},
        **changed,
    }
    metadata = parse_registration(members)
    return Registration(
        client=client_of(metadata, client_id=client_id, profile=ProfileName.CIBA_CORE),
        metadata=metadata,
        profile=ProfileName.CIBA_CORE,
        token_hash="hash of a token",
        issued_at=START // 1000,
        notification_hosts=frozenset({"shop.example"}),
    )


def new_phone(number: int = 1, *, subject: str = "alice") -> Device:
    """A phone whose secrets can be recognised."""
    tag = user_tag(subject)
    device_id = new_device_id(tag, lambda count: number.to_bytes(count, "big"))
    return Device(
        device_id=device_id,
        subject=subject,
        name=f"Phone {number}",
        enrolled_at=START + number,
        key=parse_verification_key({**PHONE_JWK, "kid": device_id}),
        pin_key=b"recognisable-pin-key-of-32-bytes",
        totp_secret="JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP",
    )


Value = object
"""What a key holds, as its type presents it: text, pairs, or members."""


async def dump(target: RedisTarget) -> dict[bytes, Value]:
    """Everything the server holds, without its TTLs."""
    readers = {
        b"string": lambda key: ("GET", key),
        b"hash": lambda key: ("HGETALL", key),
        b"list": lambda key: ("LRANGE", key, 0, -1),
        b"zset": lambda key: ("ZRANGE", key, 0, -1, "WITHSCORES"),
    }
    async with the_server(target) as server:
        names = sorted([name async for name in server.scan_iter(count=1000)])
        return {
            name: await server.execute_command(*readers[await server.type(name)](name))
            for name in names
        }


async def remove_all(stores: Stores, keys: list[bytes]) -> None:
    """Remove keys; the server goes on knowing the scripts."""
    await asyncio.gather(*(stores.commands.call("DEL", key) for key in keys))
