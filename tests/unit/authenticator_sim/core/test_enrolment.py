"""Enrolment: proof of possession out, pinned keys and wrapped secrets in."""

import json
import os
from dataclasses import replace

import msgspec
import pytest
from joserfc.jwk import ECKey, OKPKey

from authenticator_sim.core import jose
from authenticator_sim.core.identity.enrolment import (
    PendingEnrolment,
    complete_enrolment,
    new_enrolment,
)
from authenticator_sim.core.identity.pin import Pin, unwrap_pin_key
from authenticator_sim.errors import UntrustedService
from ciba_service.sca.messages import EnrolmentAnswer, ServiceKeys, TotpParameters
from tests.unit.authenticator_sim.scripted_service import (
    ACTIVATION_CODE,
    ISSUER,
    MALFORMED_JSON,
    NOW_MS,
    PIN,
    SECOND_SECRET,
    ScriptedBank,
    b64,
    public,
)


def pending(second_secret: str | None = SECOND_SECRET) -> PendingEnrolment:
    """Begin an enrolment."""
    return new_enrolment(
        issuer=ISSUER,
        activation_code=ACTIVATION_CODE,
        second_secret=second_secret,
        name="Alice's phone",
        now_ms=NOW_MS,
        random_bytes=os.urandom,
    )


def test_the_phone_proves_both_secrets_and_its_keys() -> None:
    """The request carries what the protocol page shows, signed by the key in its header."""
    bank = ScriptedBank()
    bank.enrol(pending().body)
    assert bank.enrolment["activation_code"] == ACTIVATION_CODE
    assert bank.enrolment["second_secret"] == SECOND_SECRET
    assert bank.enrolment["name"] == "Alice's phone"
    assert bank.enrolment["iat"] == NOW_MS // 1000


def test_no_second_secret_is_left_out() -> None:
    """Absent members are left out, never null."""
    bank = ScriptedBank()
    bank.enrol(pending(second_secret=None).body)
    assert "second_secret" not in bank.enrolment


def test_the_phone_keeps_what_the_service_gave() -> None:
    """Keys are pinned, the PIN key comes back with the PIN, the seed is kept."""
    bank, enrolment = ScriptedBank(), pending()
    answer = bank.enrol(enrolment.body)
    identity = complete_enrolment(enrolment, answer, pin=Pin(PIN), random_bytes=os.urandom)
    assert identity.service_keys == bank.service_keys
    assert identity.totp == bank.totp
    assert unwrap_pin_key(identity.pin_key, Pin(PIN)).key == bank.pin_key
    assert identity.subject == "alice"


def _tampered(bank: ScriptedBank, enrolment: PendingEnrolment) -> dict[str, EnrolmentAnswer]:
    good = bank.enrol(enrolment.body)
    key = enrolment.encryption_key
    private = {name: str(value) for name, value in bank.challenge_key.as_dict(private=True).items()}
    okp = {n: str(v) for n, v in OKPKey.generate_key("Ed25519").as_dict(private=False).items()}
    nameless = {n: v for n, v in public(bank.challenge_key, "c1").items() if n != "kid"}
    off_curve = {**public(bank.challenge_key, "c1"), "y": b64(b"\1" * 32)}
    pinned = bank.service_keys.encryption
    loose_ends = b64(b"x" * 32)[:-1] + "B"

    def keys(*challenge: dict[str, str]) -> EnrolmentAnswer:
        return msgspec.structs.replace(good, keys=ServiceKeys(challenge, pinned))

    def secrets(token: str) -> EnrolmentAnswer:
        return msgspec.structs.replace(good, secrets=token)

    seedless = ScriptedBank()
    seedless.totp = TotpParameters(secret="JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP", algorithm="MD5")
    return {
        "another issuer": msgspec.structs.replace(good, issuer="https://other.example"),
        "no device id": msgspec.structs.replace(good, device_id=""),
        "odd device id": msgspec.structs.replace(good, device_id="a\0b"),
        "no challenge key": keys(),
        "private challenge key": keys({**private, "kid": "c1"}),
        "key of another kind": keys({**okp, "kid": "c1"}),
        "nameless key": keys(nameless),
        "point off the curve": keys(off_curve),
        "secrets to another phone": secrets(bank.secrets_for(ECKey.generate_key("P-256"))),
        "secrets of another type": secrets(bank.secrets_for(key, typ="ciba-factors+jwe")),
        "short PIN key": secrets(bank.secrets_for(key, pin_key=b64(b"short"))),
        "PIN key that is no base64url": secrets(bank.secrets_for(key, pin_key="****")),
        "PIN key with loose ends": secrets(bank.secrets_for(key, pin_key=loose_ends)),
        "unknown seed algorithm": secrets(seedless.secrets_for(key)),
        "garbage": secrets("a.b.c.d.e"),
    }


@pytest.mark.parametrize("name", sorted(_tampered(ScriptedBank(), pending())))
def test_an_answer_that_cannot_be_right_is_refused(name: str) -> None:
    """Nothing is pinned that the phone could not use or should not trust."""
    bank, enrolment = ScriptedBank(), pending()
    answer = _tampered(bank, enrolment)[name]
    with pytest.raises(UntrustedService):
        complete_enrolment(enrolment, answer, pin=Pin(PIN), random_bytes=os.urandom)


@pytest.mark.parametrize("plaintext", MALFORMED_JSON)
def test_secrets_that_are_none_are_refused(plaintext: bytes) -> None:
    """Broken text and bottomless nesting, too."""
    bank, enrolment = ScriptedBank(), pending()
    token = bank.secrets_for(enrolment.encryption_key, plaintext=plaintext)
    answer = msgspec.structs.replace(bank.enrol(enrolment.body), secrets=token)
    with pytest.raises(UntrustedService):
        complete_enrolment(enrolment, answer, pin=Pin(PIN), random_bytes=os.urandom)


@pytest.mark.parametrize("header", [*MALFORMED_JSON, b'{"alg": "\xff"}'])
def test_an_encrypted_object_without_a_header_is_refused(header: bytes) -> None:
    """Whatever stands in its place."""
    token = f"{b64(header)}..{b64(b'i' * 12)}.AAAA.{b64(b't' * 16)}"
    with pytest.raises(jose.JoseRefused):
        jose.decrypt(token, key=ECKey.generate_key("P-256"), typ="ciba-secrets+jwe")


def test_no_representation_shows_a_secret() -> None:
    """Neither the pending enrolment nor the phone prints its keys."""
    bank, enrolment = ScriptedBank(), pending()
    answer = bank.enrol(enrolment.body)
    identity = complete_enrolment(enrolment, answer, pin=Pin(PIN), random_bytes=os.urandom)
    private = str(enrolment.signing_key.as_dict(private=True)["d"])
    for value in (enrolment, identity, replace(identity, name="x")):
        for secret in (ACTIVATION_CODE, SECOND_SECRET, bank.totp.secret, private):
            assert secret not in repr(value)


@pytest.mark.parametrize(
    "header",
    [
        {"alg": "ECDH-ES", "enc": "A256GCM", "typ": "ciba-secrets+jwe"},
        {"alg": "ECDH-ES", "enc": "A256GCM", "typ": "ciba-secrets+jwe", "epk": {}},
        {"alg": "ECDH-ES", "enc": "A128GCM", "typ": "ciba-secrets+jwe", "epk": {"kty": "EC"}},
        {"alg": "dir", "enc": "A256GCM", "typ": "ciba-secrets+jwe", "epk": {"kty": "EC"}},
        {"alg": "ECDH-ES", "enc": "A256GCM", "typ": "ciba-secrets+jwe", "epk": {}, "zip": "DEF"},
    ],
)
def test_an_encrypted_object_with_another_header_is_refused(header: dict[str, object]) -> None:
    """Whatever is missing or unexpected in it, the refusal is the same."""
    token = ".".join((b64(json.dumps(header).encode()), "", b64(b"i" * 12), "AAAA", b64(b"t" * 16)))
    with pytest.raises(jose.JoseRefused):
        jose.decrypt(token, key=ECKey.generate_key("P-256"), typ="ciba-secrets+jwe")
