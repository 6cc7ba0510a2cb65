"""What a phone signed says one thing, to us and to whoever reads it after us."""

import json
from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from ciba_service.protocol.jose.encoding import MalformedEncodingError
from ciba_service.sca.decision import InvalidDecisionError, parse_decision
from ciba_service.sca.messages import ORDER_TYP, DecisionClaims
from ciba_service.sca.phones.orders import InvalidOrderError, parse_order
from ciba_service.sca.phones.proofs import InvalidProofError, parse_session_proof, verify_enrolment
from ciba_service.sca.signed_members import read_members
from ciba_service.stores.service_keys.key_files import FileKeys
from tests.unit.sca.conftest import ISSUER, Enrolled
from tests.unit.sca.test_challenge import challenge
from tests.wire.signing import claims_of, header_of, sign

ORDER = {
    "iss": "A" * 43,
    "aud": ISSUER,
    "jti": "once",
    "iat": 1,
    "nonce": "nonce",
    "action": "revoke_device",
    "device_id": "B" * 43,
    "factors": "factors",
}


def said_twice(alice: Enrolled, signed: str, name: str, first: object) -> str:
    """The same, signed again, with ``first`` as another value of a member before its own."""
    rest = json.dumps(claims_of(signed)).encode()
    payload = b"{" + json.dumps(name).encode() + b":" + json.dumps(first).encode() + b"," + rest[1:]
    return sign(header_of(signed), payload, alice.phone.key)


def refused(read: Callable[[str], Any], signed: str, error: type[ValueError]) -> None:
    """Hold that it is refused for being ambiguous."""
    with pytest.raises(error, match="repeated"):
        read(signed)


@pytest.mark.clause("sca-art4-5", "sca-art5-5")
@pytest.mark.parametrize(
    ("name", "first"), [("verdict", "deny"), ("transaction_id", "A" * 22), ("verdict", "approve")]
)
def test_a_decision_with_two_meanings_is_none(
    alice: Enrolled, service_keys: FileKeys, name: str, first: str
):
    """Who reads the first value would find a denial where tokens were issued."""
    approval = alice.phone.approval(challenge(service_keys))
    refused(parse_decision, said_twice(alice, approval, name, first), InvalidDecisionError)


def test_neither_is_an_order(alice: Enrolled):
    """What is to be revoked is said once."""
    header = {"alg": "ES256", "typ": ORDER_TYP, "kid": alice.device.device_id}
    order = sign(header, ORDER, alice.phone.key)
    assert parse_order(order).claims.device_id == "B" * 43
    refused(parse_order, said_twice(alice, order, "device_id", "C" * 43), InvalidOrderError)


def test_neither_is_a_proof(alice: Enrolled):
    """Of a session, or of a new phone's key."""
    proof = said_twice(alice, alice.phone.proof("nonce"), "aud", "https://other.example")
    refused(parse_session_proof, proof, InvalidProofError)
    enrolment = said_twice(alice, alice.phone.enrolment("CODE"), "aud", "https://other.example")
    refused(lambda text: verify_enrolment(text, issuer=ISSUER), enrolment, InvalidProofError)


def test_members_that_nobody_knows_may_be_there(alice: Enrolled, service_keys: FileKeys):
    """Phones of a later version say more."""
    claims = claims_of(alice.phone.approval(challenge(service_keys)))
    read = read_members(json.dumps({**claims, "later": [1]}).encode(), DecisionClaims)
    assert read == msgspec.convert(claims, DecisionClaims)


@pytest.mark.parametrize("content", [b"", b"[]", b"null", b'{"iss": "\xff"}', b'{"iss": NaN}'])
def test_what_is_no_object_is_refused(content: bytes):
    """Cleanly, whatever it is."""
    with pytest.raises(MalformedEncodingError):
        read_members(content, DecisionClaims)
