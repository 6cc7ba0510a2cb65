"""What phones send: frames, proofs, decisions and orders."""

from typing import Any

import msgspec
from hypothesis import example, given
from hypothesis import strategies as st
from joserfc.jwk import ECKey

from ciba_service.protocol.jose.encoding import base64url
from ciba_service.protocol.jose.encryption import DecryptionKey, encrypt_to
from ciba_service.sca.decision import InvalidDecisionError, parse_decision, verify_decision
from ciba_service.sca.factors.factors import evaluate_factors
from ciba_service.sca.messages import (
    DECISION_TYP,
    ENROLMENT_TYP,
    FACTORS_TYP,
    ORDER_FACTORS_TYP,
    ORDER_TYP,
    SESSION_TYP,
    Factor,
    OrderAction,
    challenge_hash,
    decode_device_message,
    decode_service_message,
    order_pin_proof,
)
from ciba_service.sca.phones.nonces import Nonces
from ciba_service.sca.phones.orders import InvalidOrderError, parse_order, proves_pin, verify_order
from ciba_service.sca.phones.proofs import (
    InvalidProofError,
    parse_session_proof,
    verify_enrolment,
    verify_session_proof,
)
from tests.fuzz.budget import fuzzed
from tests.fuzz.hostile import altered, any_text, compact, damaged, documents, outcome
from tests.unit.sca.conftest import ISSUER, enrolled
from tests.wire.signing import public_jwk, sign

SERVICE_KEY = DecryptionKey("factors", ECKey.generate_key("P-256"))
ALICE = enrolled(SERVICE_KEY)
PHONE, DEVICE = ALICE.phone, ALICE.device
NOW = PHONE.clock.now()
CHALLENGE = "header.payload.signature"
NONCES = Nonces(b"k" * 32, lambda length: b"r" * length)
NONCE = NONCES.new_nonce(NOW * 1000)
NAME = "A" * 43

FRAMES: list[dict[str, Any]] = [
    {"type": "authenticate", "proof": "a.b.c"},
    {"type": "decide", "decision": "a.b.c"},
    {"type": "end_access", "transaction_id": "A" * 22},
    {"type": "rename_device", "name": "Phone"},
    {"type": "reject_device", "device_id": NAME, "reason": "not_me"},
    {"type": "remove_passkey", "passkey_id": "A" * 22},
    {
        "type": "set_wake_up",
        "endpoint": "https://push.example/a",
        "p256dh": "A" * 87,
        "auth": "A" * 22,
    },
]
SESSION = {"iss": PHONE.device_id, "aud": ISSUER, "nonce": NONCE, "jti": "j", "iat": NOW}
ENROLMENT: dict[str, Any] = {
    "aud": ISSUER,
    "jti": "j",
    "iat": NOW,
    "activation_code": "ABCD-EFGH",
    "name": "Phone",
    "encryption_key": public_jwk(PHONE.encryption_key),
}
DECISION: dict[str, Any] = {
    "iss": PHONE.device_id,
    "aud": ISSUER,
    "jti": "j",
    "iat": NOW,
    "transaction_id": "A" * 22,
    "challenge_hash": challenge_hash(CHALLENGE),
    "verdict": "approve",
    "factors": PHONE.factors("j", pin_proof="p", otp="123456", verification_code="123456"),
}
PROOFS: dict[str, Any] = {"jti": "j", "pin_proof": "p", "otp": "123456", "verification_code": "1"}
ORDER: dict[str, Any] = {
    "iss": PHONE.device_id,
    "aud": ISSUER,
    "jti": "j",
    "iat": NOW,
    "nonce": NONCE,
    "action": "approve_device",
    "device_id": NAME,
    "key": NAME,
}
ORDER_PROOFS = {"jti": "j", "pin_proof": "p"}


def _signed(typ: str, payload: bytes) -> str:
    return sign({"alg": "ES256", "typ": typ, "kid": PHONE.device_id}, payload, PHONE.key)


def _sealed(typ: str, plaintext: bytes) -> str:
    return encrypt_to(ECKey.import_key(PHONE.service_keys["encryption"]), plaintext, typ=typ)


@fuzzed
@given(st.one_of(*map(documents, FRAMES)))
@example(b'{"type":"fetch","x":' + b"[" * 16_000)
@example(b'{"type":"fetch","type":"decide"}')
def test_a_frame_is_a_message_or_malformed(frame: bytes) -> None:
    """Phone and service read each other's frames alike; what was read can be written."""
    read = outcome(decode_device_message, msgspec.DecodeError)
    message = read(frame)
    if message is not None:
        assert decode_device_message(msgspec.json.encode(message)) == message
    outcome(decode_service_message, msgspec.DecodeError)(frame)


@fuzzed
@given(documents(SESSION))
def test_a_session_proof_of_any_content_is_verified_or_refused(payload: bytes) -> None:
    """A phone that signs nonsense is not let in with it."""
    proof = outcome(parse_session_proof, InvalidProofError)(_signed(SESSION_TYP, payload))
    if proof is not None:
        outcome(verify_session_proof, InvalidProofError)(
            proof, device=DEVICE, issuer=ISSUER, body_hash=None
        )
        NONCES.expiry(proof.claims.nonce, NOW * 1000)


@fuzzed
@given(st.one_of(documents(ENROLMENT), altered({"jwk": public_jwk(PHONE.key)})))
@example({"jwk": public_jwk(PHONE.key) | {"x": ["A"]}})
@example(compact(ENROLMENT | {"encryption_key": {"kty": "EC", "crv": "P-256", "x": "", "y": ""}}))
def test_an_enrolment_of_any_content_is_verified_or_refused(said: Any) -> None:
    """Neither claims nor the key in the header break what enrols."""
    header: dict[str, Any] = {"alg": "ES256", "typ": ENROLMENT_TYP}
    if isinstance(said, bytes):
        text = sign(header | {"jwk": public_jwk(PHONE.key)}, said, PHONE.key)
    else:
        text = ".".join(map(base64url, (compact(header | said), compact(ENROLMENT), b"x" * 64)))
    found = outcome(verify_enrolment, InvalidProofError)(text, issuer=ISSUER)
    if found is not None:
        assert found.claims.aud == ISSUER
        assert len(found.claims.name) <= 64


def _decided(payload: bytes) -> Any:
    presented = outcome(parse_decision, InvalidDecisionError)(_signed(DECISION_TYP, payload))
    if presented is None:
        return None
    return outcome(verify_decision, InvalidDecisionError)(
        presented, device=DEVICE, issuer=ISSUER, challenge=CHALLENGE, encryption_key=SERVICE_KEY
    )


def _evaluated(decision: Any) -> None:
    evaluation = evaluate_factors(
        required=frozenset({Factor.PIN}),
        proofs=decision.proofs,
        claims=decision.claims,
        device=DEVICE,
        verification_code="123456",
        now=NOW,
    )
    assert not evaluation.pin_verified


@fuzzed
@given(documents(DECISION))
@example(compact(DECISION | {"iat": 10**4_000}))
@example(compact(DECISION | {"iat": -(2**63)}))
def test_a_decision_of_any_content_counts_for_its_challenge_or_not_at_all(payload: bytes) -> None:
    """What counts is about this challenge and of this phone; its factors are evaluated then."""
    decision = _decided(payload)
    if decision is not None:
        assert decision.claims.challenge_hash == challenge_hash(CHALLENGE)
        if decision.proofs is not None:
            _evaluated(decision)


@fuzzed
@given(documents(PROOFS))
@example(compact(PROOFS | {"pin_proof": "é" * 1_000, "otp": "\u0661" * 6}))
@example(compact(PROOFS | {"otp": "1" * 3_000}))
def test_factors_of_any_content_prove_nothing(plaintext: bytes) -> None:
    """Whatever was encrypted for the service, it is evaluated, or the decision is refused."""
    factors = _sealed(FACTORS_TYP, plaintext[:2_000])
    decision = _decided(compact(DECISION | {"factors": factors}))
    if decision is not None:
        _evaluated(decision)


@fuzzed
@given(documents(ORDER), documents(ORDER_PROOFS))
@example(compact(ORDER), compact(ORDER_PROOFS | {"pin_key": "A" * 43}))
@example(compact(ORDER | {"action": "change_pin"}), compact(ORDER_PROOFS | {"pin_key": "\u0661"}))
def test_an_order_of_any_content_is_understood_or_refused(claims: bytes, proofs: bytes) -> None:
    """Nothing that a phone orders is done without the proof of its PIN."""
    factors = _sealed(ORDER_FACTORS_TYP, proofs[:2_000])
    if claims.startswith(b'{"iss"') and claims.endswith(b"}"):
        claims = claims[:-1] + b', "factors": "%b"}' % factors.encode()
    presented = outcome(parse_order, InvalidOrderError)(_signed(ORDER_TYP, claims))
    if presented is None:
        return
    order = outcome(verify_order, InvalidOrderError)(
        presented, device=DEVICE, issuer=ISSUER, encryption_key=SERVICE_KEY
    )
    assert order is None or not proves_pin(order)


def test_the_order_that_is_altered_here_is_a_good_one() -> None:
    """With the right proof it would be carried out."""
    proof = order_pin_proof(
        DEVICE.pin_key,
        device_id=DEVICE.device_id,
        nonce=NONCE,
        action=OrderAction.APPROVE_DEVICE,
        target=NAME,
        jti="j",
    )
    factors = _sealed(ORDER_FACTORS_TYP, compact(ORDER_PROOFS | {"pin_proof": proof}))
    presented = parse_order(_signed(ORDER_TYP, compact(ORDER | {"factors": factors})))
    order = verify_order(presented, device=DEVICE, issuer=ISSUER, encryption_key=SERVICE_KEY)
    assert proves_pin(order)


@fuzzed
@given(st.one_of(any_text, damaged(NONCE.encode()).map(lambda data: data.decode("latin-1"))))
def test_a_nonce_is_ours_or_none(text: str) -> None:
    """Whatever comes back, only what was given out counts, and for its time."""
    until = NONCES.expiry(text, NOW * 1000)
    assert until is None or text == NONCE
