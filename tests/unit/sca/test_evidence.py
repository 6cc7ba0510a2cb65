"""What a record of evidence holds, and what it still proves without the service."""

import msgspec
import pytest

from ciba_service.protocol.jose.keys import KeySet, parse_verification_key
from ciba_service.sca.decision import parse_decision
from ciba_service.sca.messages import Factor
from ciba_service.sca.records.evidence import (
    EvidenceFacts,
    Outcome,
    Proven,
    Statement,
    new_evidence,
    verify_statement,
)
from ciba_service.stores.service_keys.key_files import FileKeys
from tests.unit.sca.conftest import Enrolled
from tests.unit.sca.test_challenge import challenge as signed_challenge
from tests.wire.signing import claims_of

ALL = Proven(by_phone=True, by_service=True, linked=True)


@pytest.fixture
def challenge(service_keys: FileKeys) -> str:
    """The challenge that was shown."""
    return signed_challenge(service_keys)


@pytest.fixture
def challenge_keys(service_keys: FileKeys) -> KeySet:
    """What challenges are verified with."""
    return KeySet(map(parse_verification_key, service_keys.all_challenge_jwks))


def facts_of(challenge: str, outcome: Outcome = Outcome.APPROVED) -> EvidenceFacts:
    """An approval of it."""
    return EvidenceFacts(
        transaction_id=claims_of(challenge)["transaction_id"],
        client_id="till",
        outcome=outcome,
        at=1,
        verified=(Factor.DEVICE_KEY,),
    )


def statement_of(alice: Enrolled, challenge: str, decision: str) -> Statement:
    """What is kept of a decision."""
    presented = parse_decision(decision)
    evidence = new_evidence(
        facts_of(challenge), presented, device=alice.device, challenge=challenge
    )
    return evidence.statement


@pytest.mark.parametrize("outcome", Outcome)
def test_both_signatures_are_kept_to_the_letter_and_verify(
    alice: Enrolled, challenge: str, challenge_keys: KeySet, outcome: Outcome
):
    """The phone's key is kept beside them, so that nobody need ask the service."""
    phone = alice.phone
    denies = outcome is Outcome.DENIED
    decision = phone.denial(challenge) if denies else phone.approval(challenge)
    statement = statement_of(alice, challenge, decision)
    assert (statement.challenge, statement.decision) == (challenge, decision)
    assert statement.subject == alice.device.subject
    facts = facts_of(challenge, outcome)
    assert verify_statement(facts, statement, challenge_keys=challenge_keys) == ALL


def test_it_shows_nothing_of_itself(alice: Enrolled, challenge: str):
    """A statement in a log line would be personal."""
    assert repr(statement_of(alice, challenge, alice.phone.denial(challenge))) == "Statement(...)"


def test_another_decision_is_not_linked(
    alice: Enrolled, challenge: str, challenge_keys: KeySet, service_keys: FileKeys
):
    """Another challenge, verdict, transaction or phone: one of them wrong is enough."""
    statement = statement_of(alice, challenge, alice.phone.approval(challenge))
    facts = facts_of(challenge)
    unlinked = Proven(by_phone=True, by_service=True, linked=False)
    another = signed_challenge(service_keys)
    for known, told in (
        (facts, msgspec.structs.replace(statement, challenge=another)),
        (facts_of(challenge, Outcome.DENIED), statement),
        (msgspec.structs.replace(facts, transaction_id="A" * 22), statement),
    ):
        assert verify_statement(known, told, challenge_keys=challenge_keys) == unlinked


def test_what_the_phone_did_not_sign_proves_nothing(
    alice: Enrolled, challenge: str, challenge_keys: KeySet
):
    """A signature of another key, or over another kind of object, or none at all."""
    statement = statement_of(alice, challenge, alice.phone.approval(challenge))
    facts = facts_of(challenge)
    for wrong in ("no jws", statement.decision[:-8] + "AAAAAAAA", challenge):
        forged = msgspec.structs.replace(statement, decision=wrong)
        proven = verify_statement(facts, forged, challenge_keys=challenge_keys)
        assert proven == Proven(by_phone=False, by_service=None, linked=False)
    other = alice.phone.decision(challenge, typ="at+jwt", verdict="approve")
    forged = msgspec.structs.replace(statement, decision=other)
    assert not verify_statement(facts, forged, challenge_keys=challenge_keys).by_phone


def test_a_challenge_that_the_service_did_not_sign_is_told(
    alice: Enrolled, challenge: str, challenge_keys: KeySet
):
    """A key that was dropped says nothing; a wrong signature or kind says no."""
    statement = statement_of(alice, challenge, alice.phone.approval(challenge))
    facts = facts_of(challenge)
    assert verify_statement(facts, statement, challenge_keys=KeySet([])).by_service is None
    for wrong in (challenge[:-8] + "AAAAAAAA", statement.decision):
        forged = msgspec.structs.replace(statement, challenge=wrong)
        proven = verify_statement(facts, forged, challenge_keys=challenge_keys)
        assert (proven.by_phone, proven.by_service) == (True, False)
