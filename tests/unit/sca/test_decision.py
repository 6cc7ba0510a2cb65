"""A decision counts only if this phone signed it over exactly this challenge."""

from collections.abc import Callable
from typing import Any

import pytest
from joserfc import jwe
from joserfc.jwk import ECKey

from ciba_service.protocol.jose.encryption import DecryptionKey
from ciba_service.sca.decision import (
    InvalidDecisionError,
    SignedDecision,
    parse_decision,
    verify_decision,
)
from ciba_service.sca.messages import DECISION_TYP, FACTORS_TYP, Verdict
from ciba_service.stores.service_keys.key_files import FileKeys
from tests.unit.sca.conftest import ISSUER, Enrolled
from tests.unit.sca.test_challenge import challenge as signed_challenge
from tests.wire.signing import claims_of, header_of, segment, sign, unsecured

JWE_ALGORITHMS = ["ECDH-ES", "A256GCM", "A128GCM", "DEF"]


@pytest.fixture
def challenge(service_keys: FileKeys) -> str:
    """The challenge that was shown."""
    return signed_challenge(service_keys)


Verify = Callable[..., SignedDecision]


@pytest.fixture
def verify(alice: Enrolled, challenge: str, factors_key: DecryptionKey) -> Verify:
    """Take a decision as the service does: of Alice's phone, about the challenge."""

    def verified(text: str, **changed: Any) -> SignedDecision:
        known = {
            "device": alice.device,
            "issuer": ISSUER,
            "challenge": challenge,
            "encryption_key": factors_key,
        }
        return verify_decision(parse_decision(text), **{**known, **changed})

    return verified


@pytest.mark.clause("sca-art5-3")
def test_an_approval_gives_claims_and_proofs(alice: Enrolled, challenge: str, verify: Verify):
    """What the phone signed and encrypted is what comes out."""
    text = alice.phone.approval(challenge, otp="123456")
    decision = verify(text)
    assert decision.device is alice.device
    assert decision.claims.verdict is Verdict.APPROVE
    assert decision.proofs is not None
    assert decision.proofs.otp == "123456"
    assert decision.operation == parse_decision(text).operation


@pytest.mark.parametrize("reason", ["declined", "not_me"])
def test_a_denial_carries_no_proofs(alice: Enrolled, challenge: str, verify: Verify, reason: str):
    """Declining needs the phone's key and nothing else."""
    decision = verify(alice.phone.denial(challenge, reason))
    assert (decision.proofs, decision.claims.reason) == (None, reason)


def test_the_operation_is_the_exact_bytes(alice: Enrolled, challenge: str):
    """A resent decision is the same operation; another one under the same jti is not."""
    first = alice.phone.denial(challenge, jti="same")
    second = alice.phone.denial(challenge, "not_me", jti="same")
    assert parse_decision(first).operation == parse_decision(first).operation
    assert parse_decision(first).operation != parse_decision(second).operation


def test_what_was_proved_is_not_shown(alice: Enrolled, challenge: str, verify: Verify):
    """Neither the text of a decision nor that of its verified form holds a proof."""
    text = alice.phone.approval(challenge, otp="123456")
    for shown in (repr(parse_decision(text)), repr(verify(text))):
        assert "123456" not in shown
        assert "pin_proof" not in shown


@pytest.mark.parametrize(
    "changed",
    [
        {"aud": "https://other.example"},
        {"aud": ISSUER + "/"},
        {"iss": "A" * 43},
        {"iss": ""},
        {"challenge_hash": "A" * 43},
        {"challenge_hash": ""},
        {"challenge_hash": "é"},
        {"typ": "ciba-session+jwt"},
        {"typ": "JWT"},
    ],
    ids=str,
)
@pytest.mark.clause("sca-art4-5", "sca-art7-1")
@pytest.mark.parametrize("verdict", list(Verdict))
def test_a_decision_for_something_else_is_refused(
    alice: Enrolled, challenge: str, verify: Verify, verdict: Verdict, changed: dict[str, Any]
):
    """Another audience, phone, challenge or type proves nothing, however well it is signed."""
    decide = alice.phone.approval if verdict is Verdict.APPROVE else alice.phone.denial
    with pytest.raises(InvalidDecisionError):
        verify(decide(challenge, **changed))


@pytest.mark.clause("sca-art5-3", "sca-art5-4")
def test_a_decision_about_one_cent_less_is_refused(
    alice: Enrolled, challenge: str, verify: Verify, service_keys: FileKeys
):
    """The approval of another amount is no approval of this one, in either direction."""
    claims = claims_of(challenge)
    claims["display"]["amount"] = "12.49 EUR"
    claims["payments"][0]["amount"] = "12.49"
    cheaper = service_keys.challenge_signer.key.sign(typ="ciba-challenge+jws", claims=claims)
    with pytest.raises(InvalidDecisionError, match="another challenge"):
        verify(alice.phone.approval(cheaper))
    with pytest.raises(InvalidDecisionError, match="another challenge"):
        verify(alice.phone.approval(challenge), challenge=cheaper)


@pytest.mark.clause("sca-art4-5", "sca-art7-1")
def test_another_phones_signature_is_refused(
    alice: Enrolled, other: Enrolled, challenge: str, verify: Verify
):
    """A phone cannot decide in the name of another, nor under its own name for it."""
    other.phone.device_id, own = alice.device.device_id, other.phone.device_id
    with pytest.raises(InvalidDecisionError, match="does not verify"):
        verify(other.phone.approval(challenge))
    other.phone.device_id = own
    with pytest.raises(InvalidDecisionError):
        verify(other.phone.approval(challenge))


def test_a_phone_cannot_claim_to_be_another(
    alice: Enrolled, other: Enrolled, challenge: str, verify: Verify
):
    """A good signature under one's own name does not carry another's in the claims."""
    with pytest.raises(InvalidDecisionError, match="iss or aud"):
        verify(alice.phone.denial(challenge, iss=other.device.device_id))


@pytest.mark.parametrize("header", [{"alg": "none"}, {"alg": "HS256"}, {"alg": "ES384"}], ids=str)
def test_another_algorithm_is_refused(
    alice: Enrolled, challenge: str, verify: Verify, header: dict[str, str]
):
    """Only ES256 by the enrolled key counts; nothing a header asks for is done."""
    parts = alice.phone.approval(challenge).split(".")
    forged = segment({"typ": DECISION_TYP, "kid": alice.device.device_id, **header})
    with pytest.raises(InvalidDecisionError, match="alg"):
        verify(f"{forged}.{parts[1]}.{parts[2]}")


def test_a_key_in_the_header_is_not_followed(
    alice: Enrolled, challenge: str, verify: Verify, foreign_key: ECKey
):
    """Bringing one's own key along changes nothing."""
    claims = claims_of(alice.phone.approval(challenge))
    jwk = {name: str(value) for name, value in foreign_key.as_dict(private=False).items()}
    header = {"alg": "ES256", "typ": DECISION_TYP, "kid": alice.device.device_id, "jwk": jwk}
    with pytest.raises(InvalidDecisionError, match="does not verify"):
        verify(sign(header, claims, foreign_key))


@pytest.mark.parametrize(
    "changed",
    [
        {"verdict": "approve", "factors": None},
        {"verdict": "approve", "reason": "declined"},
        {"verdict": "deny"},
        {"verdict": "deny", "factors": None},
        {"verdict": "deny", "reason": "declined"},
    ],
    ids=["approval without", "approval with reason", "denial with", "no reason", "both"],
)
def test_verdict_and_the_rest_must_fit(
    alice: Enrolled, challenge: str, verify: Verify, changed: dict[str, Any]
):
    """An approval has factors and no reason, a denial a reason and no factors."""
    with pytest.raises(InvalidDecisionError, match="needs"):
        verify(alice.phone.decision(challenge, **{"factors": alice.phone.factors("x"), **changed}))


def test_factors_of_another_decision_are_refused(alice: Enrolled, challenge: str, verify: Verify):
    """Encrypted factors cannot be moved from one decision to another."""
    stolen = claims_of(alice.phone.approval(challenge))["factors"]
    with pytest.raises(InvalidDecisionError, match="another decision"):
        verify(alice.phone.decision(challenge, verdict="approve", factors=stolen))


def encrypted(alice: Enrolled, plaintext: bytes, *, key: ECKey | None = None, **header: str) -> str:
    """A JWE of any header, to the service's key or another."""
    recipient = key or ECKey.import_key(alice.phone.service_keys["encryption"])
    usual = {"alg": "ECDH-ES", "enc": "A256GCM", "typ": FACTORS_TYP}
    return jwe.encrypt_compact({**usual, **header}, plaintext, recipient, algorithms=JWE_ALGORITHMS)


def odd_factors(alice: Enrolled, foreign_key: ECKey) -> dict[str, str]:
    """Factors that do not open, each wrong in its own way."""
    right = encrypted(alice, b'{"jti": "the-jti"}')
    parts = right.split(".")
    return {
        "empty": "",
        "no JWE": "a.b.c.d.e",
        "a JWS": unsecured({"jti": "the-jti"}),
        "not ASCII": right + "é",
        "cut": right[:-5],
        "changed": ".".join([*parts[:3], parts[3][::-1], parts[4]]),
        "too long": encrypted(alice, b'{"jti": "the-jti"}' + b" " * 4_000),
        "another recipient": encrypted(alice, b'{"jti": "the-jti"}', key=foreign_key),
        "another typ": encrypted(alice, b'{"jti": "the-jti"}', typ="ciba-secrets+jwe"),
        "weaker encryption": encrypted(alice, b'{"jti": "the-jti"}', enc="A128GCM"),
        "compressed": encrypted(alice, b'{"jti": "the-jti"}', zip="DEF"),
        "no JSON": encrypted(alice, b"jti"),
        "no UTF-8": encrypted(alice, b'{"jti": "\xff"}'),
        "no jti": encrypted(alice, b"{}"),
        "a repeated proof": encrypted(alice, b'{"jti": "the-jti", "otp": "1", "otp": "2"}'),
        "a number": encrypted(alice, b'{"jti": "the-jti", "otp": 492039}'),
        "nested without end": encrypted(alice, b'{"x": ' + b"[" * 2_000),
        "no ephemeral key": ".".join(
            [segment({"alg": "ECDH-ES", "enc": "A256GCM", "typ": FACTORS_TYP}), *parts[1:]]
        ),
        "a hostile ephemeral key": ".".join(
            [
                segment(
                    {
                        "alg": "ECDH-ES",
                        "enc": "A256GCM",
                        "typ": FACTORS_TYP,
                        "epk": {"kty": "EC", "crv": "P-256", "x": "AA", "y": "AA"},
                    }
                ),
                *parts[1:],
            ]
        ),
        "an ephemeral key that is a list": ".".join(
            [
                segment({"alg": "ECDH-ES", "enc": "A256GCM", "typ": FACTORS_TYP, "epk": [1]}),
                *parts[1:],
            ]
        ),
        "direct encryption": ".".join(
            [segment({"alg": "dir", "enc": "A256GCM", "typ": FACTORS_TYP}), *parts[1:]]
        ),
    }


NAMES = [
    "empty", "no JWE", "a JWS", "not ASCII", "cut", "changed", "too long", "another recipient",
    "another typ", "weaker encryption", "compressed", "no JSON", "no UTF-8", "no jti",
    "a repeated proof", "a number", "nested without end", "no ephemeral key",
    "a hostile ephemeral key", "an ephemeral key that is a list", "direct encryption",
]  # fmt: skip


@pytest.mark.parametrize("name", NAMES)
def test_factors_that_do_not_open_are_refused(
    alice: Enrolled, challenge: str, verify: Verify, foreign_key: ECKey, name: str
):
    """Whatever a phone encrypts, or does not, is refused cleanly."""
    odd = odd_factors(alice, foreign_key)
    assert list(odd) == NAMES
    text = alice.phone.decision(challenge, jti="the-jti", verdict="approve", factors=odd[name])
    with pytest.raises(InvalidDecisionError):
        verify(text)


def test_factors_that_open_are_taken(alice: Enrolled, challenge: str, verify: Verify):
    """The table above can fail: its starting point is accepted."""
    right = encrypted(alice, b'{"jti": "the-jti"}')
    decision = verify(
        alice.phone.decision(challenge, jti="the-jti", verdict="approve", factors=right)
    )
    assert decision.proofs is not None


@pytest.mark.parametrize(
    "changed",
    [
        {"jti": ""},
        {"jti": "x" * 129},
        {"jti": "é"},
        {"jti": "a\0b"},
        {"jti": "a\nb"},
        {"jti": "x\x7f"},
        {"jti": 7},
        {"transaction_id": ""},
        {"transaction_id": "x"},
        {"transaction_id": "x" * 21},
        {"transaction_id": "x" * 23},
        {"transaction_id": "x" * 100_000},
        {"transaction_id": "é" * 22},
        {"transaction_id": "../../../../etc/passwd"},
        {"transaction_id": "}:tx:aaaaaaaaaaaaaaaaa"},
        {"transaction_id": "A" * 21 + "\n"},
        {"transaction_id": "A" * 22 + "\n"},
        {"reason": "bored"},
        {"iat": "now"},
        {"aud": [ISSUER]},
    ],
    ids=lambda changed: str(changed)[:40],
)
def test_a_malformed_decision_is_no_decision(
    alice: Enrolled, challenge: str, changed: dict[str, Any]
):
    """Identifiers of another shape, and odd members, are refused before anything is looked up."""
    with pytest.raises(InvalidDecisionError):
        parse_decision(alice.phone.denial(challenge, **changed))


@pytest.mark.parametrize("verdict", ["maybe", "", "APPROVE", 1])
def test_there_are_two_verdicts(alice: Enrolled, challenge: str, verdict: object):
    """Anything else is no decision."""
    with pytest.raises(InvalidDecisionError):
        parse_decision(alice.phone.decision(challenge, verdict=verdict, reason="declined"))


@pytest.mark.parametrize(
    "text",
    ["", ".", "..", "a.b", "a.b.c.d", "é.é.é", "\0", "{}", "e30.e30.", "e30=.e30=.e30="],
)
def test_what_is_no_jws_is_no_decision(text: str):
    """Any other text is refused cleanly."""
    with pytest.raises(InvalidDecisionError):
        parse_decision(text)


@pytest.mark.parametrize(
    "payload",
    [
        b"", b"[]", b"7", b"{}", b"\xff\xfe", b'{"jti": "\xff"}', b'{"jti": "\\ud800"}',
        b'{"x": ' + b"[" * 3_000,
    ],
    ids=lambda payload: repr(payload[:20]),
)  # fmt: skip
def test_a_payload_that_is_no_decision_is_refused(alice: Enrolled, challenge: str, payload: bytes):
    """A good signature over something else makes no decision."""
    header = header_of(alice.phone.denial(challenge))
    with pytest.raises(InvalidDecisionError):
        parse_decision(sign(header, payload, alice.phone.key))


def test_the_longest_jti_is_taken(alice: Enrolled, challenge: str, verify: Verify):
    """128 printable characters are allowed."""
    assert verify(alice.phone.denial(challenge, jti="~" * 128)).claims.jti == "~" * 128
