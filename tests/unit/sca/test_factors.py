"""PIN and codes: always all evaluated, all needed where they are asked for, never told apart."""

import hashlib
import itertools
from dataclasses import replace
from typing import Any

import msgspec
import pyotp
import pytest

from ciba_service.protocol.jose.encoding import base64url
from ciba_service.sca.factors import factors
from ciba_service.sca.factors.factors import (
    NO_STEP,
    FactorEvaluation,
    evaluate_factors,
    matching_totp_step,
)
from ciba_service.sca.factors.passkey_proofs import VerifiedPasskey
from ciba_service.sca.factors.passkeys import Passkey
from ciba_service.sca.messages import (
    DecisionClaims,
    Factor,
    FactorProofs,
    PasskeyAssertion,
    PasskeyAssertionResponse,
    Verdict,
    decision_digest,
    passkey_challenge,
    pin_proof,
)
from tests.unit.sca.conftest import ISSUER, Enrolled

NOW = 1_795_230_015
BOTH = frozenset({Factor.DEVICE_KEY, Factor.PIN, Factor.OTP})
HASH = "h" * 43


def claims_of(alice: Enrolled, **changed: Any) -> DecisionClaims:
    """The claims of an approval."""
    usual = {
        "iss": alice.device.device_id,
        "aud": ISSUER,
        "jti": "the-jti",
        "iat": NOW,
        "transaction_id": "t" * 22,
        "challenge_hash": HASH,
        "verdict": Verdict.APPROVE,
    }
    return DecisionClaims(**{**usual, **changed})


def right_pin(alice: Enrolled, **changed: Any) -> str:
    """The proof that a right PIN gives."""
    claims = claims_of(alice)
    usual = {
        "device_id": alice.device.device_id,
        "challenge_hash": claims.challenge_hash,
        "verdict": claims.verdict,
        "jti": claims.jti,
    }
    return pin_proof(alice.device.pin_key, **{**usual, **changed})


def code(alice: Enrolled, drift: int = 0) -> str:
    """The code of now, or of some steps beside it."""
    return str(pyotp.TOTP(alice.device.totp_secret).generate_otp(NOW // 30 + drift))


def evaluate(
    alice: Enrolled,
    proofs: FactorProofs,
    required: frozenset[Factor] = BOTH,
    *,
    shown: str | None = None,
) -> FactorEvaluation:
    """Evaluate proofs as the service does."""
    return evaluate_factors(
        required=required,
        proofs=proofs,
        claims=claims_of(alice),
        device=alice.device,
        verification_code=shown,
        now=NOW,
    )


@pytest.mark.clause("sca-art4-1")
@pytest.mark.parametrize(("pin", "otp"), list(itertools.product([True, False], repeat=2)))
@pytest.mark.parametrize(
    "required",
    [
        frozenset({Factor.DEVICE_KEY}),
        frozenset({Factor.DEVICE_KEY, Factor.PIN}),
        frozenset({Factor.DEVICE_KEY, Factor.OTP}),
        BOTH,
    ],
    ids=lambda required: "+".join(sorted(required)),
)
def test_every_required_factor_must_hold(
    alice: Enrolled, required: frozenset[Factor], *, pin: bool, otp: bool
):
    """All four combinations of right and wrong, for everything that may be asked for."""
    proofs = FactorProofs(
        jti="the-jti",
        pin_proof=right_pin(alice) if pin else "A" * 43,
        otp=code(alice) if otp else "000000",
    )
    expected = (pin or Factor.PIN not in required) and (otp or Factor.OTP not in required)
    evaluation = evaluate(alice, proofs, required)
    assert evaluation.satisfied(step_was_fresh=True) is expected
    assert (evaluation.pin_verified, evaluation.totp_step != NO_STEP) == (pin, otp)


def test_a_spent_code_is_worth_nothing(alice: Enrolled):
    """A right code that was shown before fails where it is asked for, and only there."""
    proofs = FactorProofs(jti="the-jti", pin_proof=right_pin(alice), otp=code(alice))
    assert not evaluate(alice, proofs).satisfied(step_was_fresh=False)
    only_pin = evaluate(alice, proofs, frozenset({Factor.DEVICE_KEY, Factor.PIN}))
    assert only_pin.satisfied(step_was_fresh=False)


@pytest.mark.parametrize(
    "proofs",
    [
        FactorProofs(jti="the-jti"),
        FactorProofs(jti="the-jti", pin_proof="", otp=""),
        FactorProofs(jti="the-jti", pin_proof="é", otp="é"),
        FactorProofs(jti="the-jti", pin_proof="?" * 43, otp="??????"),
    ],
    ids=["absent", "empty", "not ASCII", "question marks"],
)
def test_odd_proofs_are_wrong_proofs(alice: Enrolled, proofs: FactorProofs):
    """Whatever is sent in place of a proof proves nothing and breaks nothing."""
    evaluation = evaluate(alice, proofs)
    assert (evaluation.pin_verified, evaluation.totp_step) == (False, NO_STEP)
    assert not evaluation.satisfied(step_was_fresh=True)


@pytest.mark.parametrize(("pin", "otp"), list(itertools.product([True, False], repeat=2)))
def test_every_factor_is_evaluated_whatever_the_first_gave(
    alice: Enrolled, monkeypatch: pytest.MonkeyPatch, *, pin: bool, otp: bool
):
    """One PIN and three codes are compared each time, so that time tells nothing apart."""
    compared: list[str] = []
    genuine = factors.equal_secrets

    def counted(presented: str, expected: str) -> bool:
        compared.append(expected)
        return genuine(presented, expected)

    monkeypatch.setattr(factors, "equal_secrets", counted)
    proofs = FactorProofs(
        jti="the-jti",
        pin_proof=right_pin(alice) if pin else None,
        otp=code(alice, -1) if otp else None,
    )
    evaluate(alice, proofs)
    codes = [code(alice, drift) for drift in (-1, 0, 1)]
    assert compared == [right_pin(alice), *codes, "------"]


@pytest.mark.parametrize("given", [True, False])
@pytest.mark.parametrize("pin", [True, False])
def test_the_passkey_is_evaluated_whatever_the_pin_gave(
    alice: Enrolled, monkeypatch: pytest.MonkeyPatch, *, given: bool, pin: bool
):
    """And the PIN and the codes whatever the passkey gave: each is looked at each time."""
    looked: list[str] = []
    for name in ("verify_passkey", "pin_proof", "matching_totp_step", "_is_code"):
        genuine = getattr(factors, name)

        def looking(
            *arguments: Any, name: str = name, genuine: Any = genuine, **named: Any
        ) -> object:
            looked.append(name)
            return genuine(*arguments, **named)

        monkeypatch.setattr(factors, name, looking)
    proofs = FactorProofs(
        jti="the-jti",
        pin_proof=right_pin(alice) if pin else None,
        passkey=PasskeyAssertion("A" * 22, "A" * 22, PasskeyAssertionResponse("", "", ""))
        if given
        else None,
    )
    evaluation = evaluate(alice, proofs, frozenset({Factor.DEVICE_KEY, Factor.PASSKEY}))
    assert sorted(looked) == ["_is_code", "matching_totp_step", "pin_proof", "verify_passkey"]
    assert evaluation.passkey is None
    assert evaluation.passkey_defect
    assert not evaluation.satisfied(step_was_fresh=True, count_was_fresh=True)


def test_a_passkey_whose_count_was_used_before_is_worth_nothing():
    """Where it is asked for, and only there."""
    verified = VerifiedPasskey(Passkey("A" * 22, b"key", 0, False, False, 0, "order"), 5)  # noqa: FBT003
    for required, fresh, expected in (
        ({Factor.PASSKEY}, True, True),
        ({Factor.PASSKEY}, False, False),
        (set[Factor](), False, True),
    ):
        evaluation = FactorEvaluation(
            required=frozenset({Factor.DEVICE_KEY, *required}),
            pin_verified=False,
            totp_step=NO_STEP,
            code_verified=False,
            passkey=verified,
        )
        assert evaluation.satisfied(step_was_fresh=False, count_was_fresh=fresh) is expected


CODE = frozenset({Factor.DEVICE_KEY, Factor.VERIFICATION_CODE})


@pytest.mark.parametrize(
    ("typed", "shown", "holds"),
    [
        ("042187", "042187", True),
        ("42187", "042187", False),
        ("042188", "042187", False),
        (" 042187", "042187", False),
        ("٠٤٢١٨٧", "042187", False),
        ("", "042187", False),
        (None, "042187", False),
        (None, None, False),
        ("", None, False),
        ("------", None, False),
    ],
)
def test_the_code_of_the_other_device_must_be_typed(
    alice: Enrolled, typed: str | None, shown: str | None, *, holds: bool
):
    """Where it is asked for, and to the digit; nothing matches a code that was never shown."""
    proofs = FactorProofs(jti="the-jti", verification_code=typed)
    assert evaluate(alice, proofs, CODE, shown=shown).satisfied(step_was_fresh=False) is holds
    assert evaluate(alice, proofs, frozenset({Factor.DEVICE_KEY}), shown=shown).satisfied(
        step_was_fresh=False
    )


@pytest.mark.clause("sca-art4-4", "sca-art5-2")
@pytest.mark.parametrize(
    "changed",
    [
        {"device_id": "A" * 43},
        {"challenge_hash": "g" * 43},
        {"verdict": Verdict.DENY},
        {"jti": "other-jti"},
    ],
    ids=str,
)
def test_a_pin_proof_is_for_one_decision_only(alice: Enrolled, changed: dict[str, Any]):
    """The proof of another phone, challenge, verdict or decision is wrong here."""
    assert evaluate(alice, FactorProofs(jti="the-jti", pin_proof=right_pin(alice))).pin_verified
    stolen = FactorProofs(jti="the-jti", pin_proof=right_pin(alice, **changed))
    assert not evaluate(alice, stolen).pin_verified


def test_another_pin_key_gives_another_proof(alice: Enrolled):
    """A wrong PIN gives a wrong key and so a wrong proof."""
    right = FactorProofs(jti="the-jti", pin_proof=right_pin(alice))
    changed = replace(alice.device, pin_key=bytes(32))
    assert not evaluate(Enrolled(alice.phone, changed), right).pin_verified


@pytest.mark.parametrize(
    ("drift", "accepted"), [(-2, False), (-1, True), (0, True), (1, True), (2, False)]
)
def test_codes_may_be_one_step_off(alice: Enrolled, drift: int, *, accepted: bool):
    """RFC 6238 5.2: one step back for the user, one ahead for clocks, and no more."""
    step = matching_totp_step(alice.device.totp_secret, code(alice, drift), NOW)
    assert step == (NOW // 30 + drift if accepted else NO_STEP)


@pytest.mark.parametrize(
    "presented", ["", "12345", "1234567", "abcdef", "١٢٣٤٥٦", " 12345", "1e5", "-12345", "\0" * 6]
)
def test_what_is_no_code_matches_no_step(alice: Enrolled, presented: str):
    """Text, other digits and other lengths are never a code."""
    assert matching_totp_step(alice.device.totp_secret, presented, NOW) == NO_STEP


def test_other_spellings_of_the_right_code_are_wrong(alice: Enrolled):
    """The same digits in another script, or with spaces, are another text."""
    right = code(alice)
    arabic = "".join(chr(0x660 + int(digit)) for digit in right)
    for presented in (arabic, f" {right}", f"{right} ", f"{right}\n", right[:3] + " " + right[3:]):
        assert matching_totp_step(alice.device.totp_secret, presented, NOW) == NO_STEP


def test_codes_are_those_of_the_rfc():
    """RFC 6238 appendix B, SHA-1, at 59 seconds: the last six digits of 94287082."""
    seed = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"
    assert matching_totp_step(seed, "287082", 59) == 1
    assert matching_totp_step(seed, "081804", 1_111_111_109) == 37_037_036


def test_a_passkey_confirms_every_member_of_the_decision_but_its_factors(alice: Enrolled):
    """As the page of the protocol puts it, so that a page in a browser computes the same."""
    claims = claims_of(alice, aud="https://op.example", iss="d" * 43)
    said = "\0".join(
        (
            "ciba-decision.v1",
            *("d" * 43, "https://op.example", "the-jti", str(NOW), "t" * 22, HASH, "approve"),
        )
    )
    digest = base64url(hashlib.sha256(said.encode()).digest())
    assert decision_digest(claims) == digest
    assert passkey_challenge(digest) == base64url(
        hashlib.sha256(f"ciba-passkey.v1\0{digest}".encode()).digest()
    )
    changed = {
        "iss": "e" * 43,
        "aud": "https://other.example",
        "jti": "another",
        "iat": NOW + 1,
        "transaction_id": "u" * 22,
        "challenge_hash": "g" * 43,
        "verdict": Verdict.DENY,
    }
    digests = {
        decision_digest(msgspec.structs.replace(claims, **{k: v})) for k, v in changed.items()
    }
    assert len(digests | {digest}) == len(changed) + 1
    assert decision_digest(msgspec.structs.replace(claims, factors="JWE")) == digest
