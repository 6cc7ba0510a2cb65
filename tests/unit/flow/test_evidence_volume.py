"""A thousand approvals: their evidence verifies, and no changed byte is missed."""

import asyncio
import random
import secrets
from dataclasses import replace
from pathlib import Path

import pytest

from ciba_service.clock import SystemClock
from ciba_service.flow.due.evidence_draining import CheckpointRule, EvidenceDrainer
from ciba_service.flow.due.store_time import StoreTime
from ciba_service.protocol.jose.encoding import base64url
from ciba_service.protocol.jose.keys import parse_verification_key
from ciba_service.protocol.transaction.state import Event
from ciba_service.sca.decision import parse_decision
from ciba_service.sca.messages import CHALLENGE_TYP, DECISION_TYP, Factor, challenge_hash
from ciba_service.sca.phones.devices import Device
from ciba_service.sca.records.evidence import (
    Evidence,
    EvidenceFacts,
    Outcome,
    Proven,
    new_evidence,
    verify_statement,
)
from ciba_service.stores.driver.commands import Commands
from ciba_service.stores.driver.connection import connect
from ciba_service.stores.driver.target import RedisTarget
from ciba_service.stores.evidence.evidence_files import FileJournal, evidence_files
from ciba_service.stores.evidence.evidence_reading import find_evidence
from ciba_service.stores.evidence.evidence_seals import EvidenceSeals
from ciba_service.stores.sealing import Sealer
from tests.contracts.store_builders import (
    CLIENT,
    RING,
    START,
    Stores,
    new_phone,
    new_transaction,
    stores_over,
    swap_of,
)
from tests.evidence_chains import KEYS, SIGNER, audit
from tests.fake_clock import FakeClock
from tests.redis.servers import flush_all
from tests.services.recording_telemetry import RecordingTelemetry
from tests.unit.flow.test_evidence_draining import Keys
from tests.wire.signing import new_key, public_jwk, sign

APPROVALS = 1_000
PHONE_KEY = new_key(kid="phone")


def transaction(number: int) -> str:
    """A transaction id; they spread over the partitions."""
    return base64url(number.to_bytes(2, "little") + bytes(14))


def approval(number: int, device: Device) -> Evidence:
    """Evidence of one approval, signed by service and phone."""
    name = transaction(number)
    challenge = SIGNER.sign(typ=CHALLENGE_TYP, claims={"transaction_id": name, "nonce": number})
    claims = {
        "iss": device.device_id,
        "aud": "https://op.example",
        "jti": str(number),
        "iat": START // 1000,
        "transaction_id": name,
        "challenge_hash": challenge_hash(challenge),
        "verdict": "approve",
        "factors": "a.b.c.d.e",
    }
    header = {"alg": "ES256", "typ": DECISION_TYP, "kid": device.device_id}
    facts = EvidenceFacts(
        transaction_id=name,
        client_id=CLIENT,
        outcome=Outcome.APPROVED,
        at=START,
        verified=(Factor.DEVICE_KEY, Factor.PIN),
    )
    presented = parse_decision(sign(header, claims, PHONE_KEY))
    return new_evidence(facts, presented, device=device, challenge=challenge)


async def approve(stores: Stores, number: int, device: Device) -> None:
    """Ask and approve."""
    name = transaction(number)
    await stores.transactions.create(new_transaction(name), operation="create")
    swap = swap_of(Event.APPROVE, "approval", transaction_id=name)
    swapped = await stores.transactions.swap(replace(swap, evidence=approval(number, device)))
    assert swapped.won


@pytest.mark.clause("fapi2-ms-7-1")
async def test_the_evidence_of_a_thousand_approvals(embedded_target: RedisTarget, tmp_path: Path):
    """Every record verifies, every statement opens and proves both signatures; any byte counts."""
    await flush_all(embedded_target)
    commands = Commands(connect(embedded_target))
    stores = stores_over(commands)
    device = replace(new_phone(), key=parse_verification_key(public_jwk(PHONE_KEY)))
    await asyncio.gather(*(approve(stores, number, device) for number in range(APPROVALS)))
    drainer = EvidenceDrainer(
        issuer="https://op.example",
        queue=stores.evidence,
        journal=FileJournal(tmp_path, secrets.token_bytes),
        keys=Keys(),
        rule=CheckpointRule(1, 1),
        store_time=StoreTime(stores.health, SystemClock()),
        clock=FakeClock(),
        telemetry=RecordingTelemetry(),
    )
    await drainer.drain()
    heads = await stores.evidence.heads()
    await commands.aclose()
    (path,) = evidence_files(tmp_path)
    data = path.read_bytes()
    report = audit(data.splitlines(keepends=True), heads=heads)
    assert (report.records, report.unsigned, report.findings) == (APPROVALS, 0, ())
    seals = EvidenceSeals(Sealer(RING, secrets.token_bytes))
    for number in random.sample(range(APPROVALS), 50):
        found = find_evidence(tmp_path, transaction(number))
        assert found is not None
        assert found.key is not None
        statement = seals.open(found.record, found.key)
        proven = verify_statement(found.record.facts, statement, challenge_keys=KEYS)
        assert proven == Proven(by_phone=True, by_service=True, linked=True)
    for position in random.sample(range(len(data)), 10):
        changed = bytearray(data)
        changed[position] ^= 1 << position % 8
        assert audit(bytes(changed).splitlines(keepends=True), heads=heads).findings
