"""Which challenges the phone believes."""

import base64
import json

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from joserfc import jws
from joserfc.jwk import ECKey, OctKey

from authenticator_sim.core.challenges import (
    ChallengeRefusal,
    ChallengeRefused,
    verify_challenge,
)
from authenticator_sim.core.identity import DeviceIdentity
from ciba_service.sca.messages import Payment, challenge_hash
from tests.unit.authenticator_sim.scripted_service import NOW_MS, ScriptedBank, b64


def refusal(token: str, identity: DeviceIdentity, now_ms: int = NOW_MS) -> ChallengeRefusal:
    """Why the phone does not believe a challenge."""
    with pytest.raises(ChallengeRefused) as refused:
        verify_challenge(token, identity=identity, now_ms=now_ms)
    return refused.value.reason


def test_an_authentic_challenge_is_believed(bank: ScriptedBank, identity: DeviceIdentity) -> None:
    """Content and hash are those of the exact token."""
    content = bank.challenge()
    token = bank.sign(content)
    verified = verify_challenge(token, identity=identity, now_ms=NOW_MS)
    assert verified.content == content
    assert verified.digest == challenge_hash(token)
    assert verified.seconds_left(NOW_MS) == 180
    assert verified.seconds_left(NOW_MS + 10**9) == 0


def test_a_changed_amount_is_not_believed(bank: ScriptedBank, identity: DeviceIdentity) -> None:
    """One changed digit of the amount breaks the signature."""
    header, payload, signature = bank.offer().split(".")
    text = base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4))
    changed = b64(text.replace(b"12.50", b"12.51"))
    assert changed != payload
    assert refusal(f"{header}.{changed}.{signature}", identity) is ChallengeRefusal.NOT_AUTHENTIC


@pytest.mark.parametrize(
    "header",
    [
        {"typ": "JWT"},
        {"typ": "ciba-decision+jwt"},
        {"kid": "c2"},
        {"kid": "e1"},
        {"cty": "json"},
        {"jku": "https://attacker.example/keys"},
    ],
)
def test_another_header_is_not_believed(
    bank: ScriptedBank, identity: DeviceIdentity, header: dict[str, str]
) -> None:
    """Type and key are exactly the pinned ones, and no further member is understood."""
    token = bank.sign(bank.challenge(), header=header)
    assert refusal(token, identity) is ChallengeRefusal.NOT_AUTHENTIC


def test_another_key_of_the_same_name_is_not_believed(
    bank: ScriptedBank, identity: DeviceIdentity
) -> None:
    """The pinned key verifies, not the name of it."""
    token = bank.sign(bank.challenge(), key=ECKey.generate_key("P-256"))
    assert refusal(token, identity) is ChallengeRefusal.NOT_AUTHENTIC


def test_another_algorithm_is_not_believed(bank: ScriptedBank, identity: DeviceIdentity) -> None:
    """Neither ``none`` nor a MAC keyed with public material."""
    payload = msgspec.json.encode(bank.challenge())
    header = {"alg": "none", "typ": "ciba-challenge+jws", "kid": "c1"}
    unsigned = f"{b64(json.dumps(header).encode())}.{b64(payload)}."
    key = OctKey.import_key(str(identity.service_keys.challenge[0]["x"]))
    mac = jws.serialize_compact({**header, "alg": "HS256"}, payload, key, algorithms=["HS256"])
    for token in (unsigned, mac):
        assert refusal(token, identity) is ChallengeRefusal.NOT_AUTHENTIC


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"v": 2}, ChallengeRefusal.UNKNOWN_VERSION),
        ({"iss": "https://attacker.example"}, ChallengeRefusal.ANOTHER_ISSUER),
        ({"exp": NOW_MS // 1000}, ChallengeRefusal.EXPIRED),
        ({"factors": ("device_key", "palm")}, ChallengeRefusal.MALFORMED),
    ],
)
def test_a_signed_challenge_that_is_not_for_now_and_here_is_not_shown(
    bank: ScriptedBank,
    identity: DeviceIdentity,
    changes: dict[str, object],
    reason: ChallengeRefusal,
) -> None:
    """Version, issuer, expiry and the factors are checked after the signature."""
    assert refusal(bank.offer(**changes), identity) is reason


@pytest.mark.clause("sca-art5-1")
@pytest.mark.parametrize("missing", ["amount", "payee"])
def test_a_payment_without_amount_or_payee_on_display_is_not_shown(
    bank: ScriptedBank, identity: DeviceIdentity, missing: str
) -> None:
    """What the payer could not see, the payer cannot approve."""
    content = bank.challenge()
    display = msgspec.structs.replace(content.display, **{missing: None})
    token = bank.offer(display=display, payments=(Payment("1.00", "EUR", "Mallory"),))
    assert refusal(token, identity) is ChallengeRefusal.PAYMENT_NOT_SHOWN


@given(text=st.one_of(st.text(), st.text("abcXYZ019_-.=", max_size=200)))
def test_no_text_at_all_breaks_the_phone(
    enrolled: tuple[ScriptedBank, DeviceIdentity], text: str
) -> None:
    """Garbage is refused like any forged challenge."""
    assert refusal(text, enrolled[1]) is ChallengeRefusal.NOT_AUTHENTIC
