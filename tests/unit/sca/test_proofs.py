"""How a phone proves itself: enrolment by the key it brings, sessions by the key that is known."""

from dataclasses import replace
from typing import Any

import pytest
from joserfc.jwk import ECKey, OKPKey, RSAKey

from ciba_service.sca.messages import ENROLMENT_TYP, SESSION_TYP
from ciba_service.sca.phones.proofs import (
    InvalidProofError,
    parse_session_proof,
    verify_enrolment,
    verify_session_proof,
)
from tests.unit.sca.conftest import ISSUER, Enrolled
from tests.wire.signing import claims_of, header_of, public_jwk, segment, sign

CODE = "K7QM-2RXP-9D4T"
P256 = ("kty", "crv", "x", "y")
NO_CLAIMS = (b"", b"[]", b"{}", b'{"x": ' + b"[" * 3_000)


def resigned(alice: Enrolled, header: dict[str, Any], key: Any = None, **claims: Any) -> str:
    """An enrolment with another header, by any key."""
    usual = alice.phone.enrolment(CODE)
    merged = {**header_of(usual), **header}
    present = {name: value for name, value in merged.items() if value is not None}
    return sign(present, {**claims_of(usual), **claims}, key or alice.phone.key)


def test_an_enrolment_proves_possession_of_its_key(alice: Enrolled):
    """The key that is to be enrolled signed it; only its public members are kept."""
    verified = verify_enrolment(alice.phone.enrolment(CODE, second_secret="1"), issuer=ISSUER)
    assert verified.claims.activation_code == CODE
    assert verified.claims.second_secret == "1"
    assert verified.jwk == {name: public_jwk(alice.phone.key)[name] for name in P256}
    assert verified.encryption_key.as_dict(private=False) == (
        alice.phone.encryption_key.as_dict(private=False)
    )
    assert CODE not in repr(verified)


def test_what_else_a_key_says_about_itself_is_dropped(alice: Enrolled):
    """Names and uses in the phone's JWK are not stored."""
    jwk = {**header_of(alice.phone.enrolment(CODE))["jwk"], "use": "sig", "x5u": "https://evil"}
    assert verify_enrolment(resigned(alice, {"jwk": jwk}), issuer=ISSUER).jwk.keys() == set(P256)


@pytest.mark.parametrize(
    "changed",
    [
        {"aud": "https://other.example"},
        {"aud": [ISSUER]},
        {"name": ""},
        {"name": " "},
        {"name": " Phone"},
        {"name": "x" * 65},
        {"name": "a\nb"},
        {"name": "a\u202eb"},
        {"name": "\u3164"},
        {"name": "\u2800"},
        {"name": "..."},
        {"name": "Ph\u043ene"},
        {"name": "Phone \U0001f4f1"},
        {"name": 7},
        {"activation_code": None},
        {"activation_code": 7},
        {"encryption_key": None},
        {"encryption_key": "key"},
        {"encryption_key": {}},
        {"encryption_key": {"kty": "EC", "crv": "P-256", "x": "AA", "y": "AA"}},
        {"encryption_key": {"kty": "EC", "crv": "P-256", "x": "é", "y": "é"}},
        {"encryption_key": {"kty": "oct", "k": "AAAA"}},
        {"second_secret": 482913},
        {"jti": None},
        {"iat": "now"},
    ],
    ids=str,
)
def test_an_enrolment_with_odd_claims_is_refused(alice: Enrolled, changed: dict[str, Any]):
    """For another service, unnamed, or with a key that is none."""
    with pytest.raises(InvalidProofError):
        verify_enrolment(
            alice.phone.enrolment(**{"activation_code": CODE, **changed}), issuer=ISSUER
        )


@pytest.mark.parametrize("name", ["x", "x" * 64, "Alices Gerät (2)", "電話"])
def test_a_phone_is_called_by_any_plain_text(alice: Enrolled, name: str):
    """1 to 64 characters, in any script."""
    verified = verify_enrolment(alice.phone.enrolment(CODE, name=name), issuer=ISSUER)
    assert verified.claims.name == name


@pytest.mark.parametrize(
    "encryption_key",
    [
        ECKey.generate_key("P-384", private=False),
        ECKey.generate_key("P-256", private=True),
        OKPKey.generate_key("Ed25519", private=False),
        RSAKey.generate_key(2048, private=False),
    ],
    ids=["another curve", "private", "Ed25519", "RSA"],
)
def test_secrets_go_to_a_public_p256_key_only(alice: Enrolled, encryption_key: Any):
    """Nothing is encrypted to a key of another kind, nor to one that was given away."""
    shown = encryption_key.as_dict(private=encryption_key.is_private)
    members = {name: str(value) for name, value in shown.items()}
    with pytest.raises(InvalidProofError):
        verify_enrolment(alice.phone.enrolment(CODE, encryption_key=members), issuer=ISSUER)


@pytest.mark.parametrize(
    "header",
    [
        {"jwk": None},
        {"jwk": {}},
        {"jwk": {"kty": "EC", "crv": "P-256", "x": "AA", "y": "AA"}},
        {"typ": SESSION_TYP},
        {"typ": None},
        {"kid": "another"},
    ],
    ids=str,
)
def test_an_enrolment_with_an_odd_header_is_refused(alice: Enrolled, header: dict[str, Any]):
    """Without a usable key, of another type, or with what is not understood."""
    with pytest.raises(InvalidProofError):
        verify_enrolment(resigned(alice, header), issuer=ISSUER)


@pytest.mark.parametrize("header", [{"jwk": "key"}, {"jwk": []}, {"crit": ["exp"]}], ids=str)
def test_a_header_nobody_would_sign_is_refused(alice: Enrolled, header: dict[str, Any]):
    """What cannot be understood is refused before its signature matters."""
    first, _, rest = alice.phone.enrolment(CODE).partition(".")
    odd = segment({**header_of(f"{first}.{rest}"), **header})
    with pytest.raises(InvalidProofError):
        verify_enrolment(f"{odd}.{rest}", issuer=ISSUER)


def test_an_enrolment_signed_by_another_key_is_refused(alice: Enrolled, foreign_key: ECKey):
    """Nobody enrols a key he does not have."""
    with pytest.raises(InvalidProofError, match="does not verify"):
        verify_enrolment(resigned(alice, {}, foreign_key), issuer=ISSUER)


@pytest.mark.parametrize("alg", ["EdDSA", "PS256"])
def test_a_signing_key_of_another_kind_is_refused(alice: Enrolled, alg: str):
    """Phones sign with P-256 and nothing else."""
    key: Any = (
        OKPKey.generate_key("Ed25519", private=True)
        if alg == "EdDSA"
        else RSAKey.generate_key(2048, private=True)
    )
    with pytest.raises(InvalidProofError, match="alg"):
        verify_enrolment(resigned(alice, {"alg": alg, "jwk": public_jwk(key)}, key), issuer=ISSUER)


@pytest.mark.parametrize("payload", [*NO_CLAIMS, b'{"name": "\xff"}', b"\xff"])
def test_a_payload_that_is_no_enrolment_is_refused(alice: Enrolled, payload: bytes):
    """Odd JSON and broken UTF-8 are refused cleanly."""
    header = header_of(alice.phone.enrolment(CODE))
    with pytest.raises(InvalidProofError):
        verify_enrolment(sign(header, payload, alice.phone.key), issuer=ISSUER)


@pytest.mark.parametrize("text", ["", "a.b.c", "é.é.é", "....", "\0"])
def test_what_is_no_jws_proves_nothing(text: str):
    """Any other text is refused cleanly, for enrolments and sessions."""
    with pytest.raises(InvalidProofError):
        verify_enrolment(text, issuer=ISSUER)
    with pytest.raises(InvalidProofError):
        parse_session_proof(text)


@pytest.mark.parametrize("payload", [*NO_CLAIMS, b'{"iss": "\xff"}'])
def test_a_payload_that_is_no_session_is_refused(alice: Enrolled, payload: bytes):
    """Odd JSON and broken UTF-8 are refused cleanly."""
    header = header_of(alice.phone.proof("nonce"))
    with pytest.raises(InvalidProofError):
        parse_session_proof(sign(header, payload, alice.phone.key))


@pytest.mark.parametrize("body_hash", [None, "h" * 43])
def test_a_session_proof_of_the_phone_is_accepted(alice: Enrolled, body_hash: str | None):
    """With a body hash over HTTPS, without on a socket."""
    presented = parse_session_proof(alice.phone.proof("nonce", body_hash=body_hash))
    assert presented.claims.nonce == "nonce"
    verify_session_proof(presented, device=alice.device, issuer=ISSUER, body_hash=body_hash)


@pytest.mark.parametrize(
    ("changed", "body_hash"),
    [
        ({"aud": "https://other.example"}, None),
        ({"iss": "A" * 43}, None),
        ({"body_hash": "h" * 43}, None),
        ({}, "h" * 43),
        ({"body_hash": "i" * 43}, "h" * 43),
        ({"body_hash": "é"}, "h" * 43),
    ],
    ids=str,
)
def test_a_session_proof_for_something_else_is_refused(
    alice: Enrolled, changed: dict[str, Any], body_hash: str | None
):
    """Another service, another phone, another body, or one where none was."""
    presented = parse_session_proof(alice.phone.proof("nonce", **changed))
    with pytest.raises(InvalidProofError):
        verify_session_proof(presented, device=alice.device, issuer=ISSUER, body_hash=body_hash)


def test_another_phones_session_proof_is_refused(alice: Enrolled, other: Enrolled):
    """Neither under its own name nor under that of the phone it poses as."""
    presented = parse_session_proof(other.phone.proof("nonce"))
    for device in (alice.device, replace(alice.device, device_id=other.device.device_id)):
        with pytest.raises(InvalidProofError):
            verify_session_proof(presented, device=device, issuer=ISSUER, body_hash=None)


def test_objects_of_one_kind_are_none_of_another(alice: Enrolled):
    """A session proof whose type is an enrolment's or a decision's is refused."""
    usual = alice.phone.proof("nonce")
    for typ in (ENROLMENT_TYP, "ciba-decision+jwt", "JWT", None):
        header = {name: value for name, value in header_of(usual).items() if name != "typ"}
        header |= {"typ": typ} if typ else {}
        presented = parse_session_proof(sign(header, claims_of(usual), alice.phone.key))
        with pytest.raises(InvalidProofError, match="typ"):
            verify_session_proof(presented, device=alice.device, issuer=ISSUER, body_hash=None)
