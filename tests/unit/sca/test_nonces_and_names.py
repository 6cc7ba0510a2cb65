"""Nonces that need no store, names of phones, attempts, and frames."""

import base64
import secrets

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ciba_service.protocol.jose.encoding import base64url
from ciba_service.sca.factors.attempts import (
    ATTEMPT_LIMIT,
    Attempt,
    AttemptLimits,
    LockedError,
    PausedError,
    reserve_attempt,
    seconds_until,
)
from ciba_service.sca.messages import (
    Authenticate,
    Decide,
    EnrolmentClaims,
    EnrolmentSecrets,
    FactorProofs,
    Fetch,
    Hello,
    TotpParameters,
    body_hash,
    decode_device_message,
    decode_service_message,
)
from ciba_service.sca.phones.devices import new_device_id, user_tag_of
from ciba_service.sca.phones.nonces import NONCE_LIFETIME_MS, Nonces
from tests.unit.sca.conftest import TAG, Enrolled

NOW = 1_795_230_000_000


@pytest.fixture
def nonces() -> Nonces:
    """Nonces under some key."""
    return Nonces(b"k" * 32, secrets.token_bytes)


def test_a_nonce_is_good_for_five_minutes(nonces: Nonces):
    """Until the very end of its time, in any process with the same key."""
    nonce = nonces.new_nonce(NOW)
    end = NOW + NONCE_LIFETIME_MS
    elsewhere = Nonces(b"k" * 32, secrets.token_bytes)
    assert NONCE_LIFETIME_MS == 300_000
    assert nonces.expiry(nonce, NOW) == end
    assert elsewhere.expiry(nonce, end - 1) == end
    assert nonces.expiry(nonce, end) is None


@pytest.mark.clause("nist63b-3.2.7-1")
def test_no_two_nonces_are_alike(nonces: Nonces):
    """Not even at the same instant."""
    assert len({nonces.new_nonce(NOW) for _ in range(100)}) == 100


def test_a_nonce_of_another_key_is_not_ours(nonces: Nonces):
    """Nobody else can make one."""
    foreign = Nonces(b"x" * 32, secrets.token_bytes).new_nonce(NOW)
    assert nonces.expiry(foreign, NOW) is None


def test_a_changed_nonce_is_not_ours(nonces: Nonces):
    """Neither its time nor anything else can be changed, added or left out."""
    nonce = nonces.new_nonce(NOW)
    raw = base64.urlsafe_b64decode(nonce + "==")
    for position in range(len(raw)):
        changed = bytearray(raw)
        changed[position] ^= 1
        assert nonces.expiry(base64url(bytes(changed)), NOW) is None
    for length in range(len(raw)):
        assert nonces.expiry(base64url(raw[:length]), NOW) is None
    for other in (base64url(raw + b"\0"), nonce + "=", nonce[:-1] + "_", f" {nonce}"):
        assert nonces.expiry(other, NOW) is None


@given(text=st.text())
def test_any_text_is_no_nonce(text: str):
    """Hostile input is never ours and never an error."""
    assert Nonces(b"k" * 32, secrets.token_bytes).expiry(text, NOW) is None


@given(tail=st.binary(min_size=16, max_size=16))
def test_a_phones_name_begins_with_its_users_tag(tail: bytes):
    """One look-up finds both; the rest is random."""
    device_id = new_device_id(TAG, lambda _: tail)
    assert user_tag_of(device_id) == TAG
    assert len(device_id) == 43


@given(text=st.text())
def test_other_text_is_no_phones_name(text: str):
    """Hostile names belong to nobody and are never an error."""
    assert user_tag_of(text) is None


@pytest.mark.parametrize(
    "name",
    ["A" * 42, "A" * 44, "A" * 42 + "B", "A" * 43 + "=", "A" * 43 + "\n", "A" * 42 + "+", "A" * 22],
)
def test_a_name_of_almost_the_right_shape_is_no_phones(name: str):
    """Too short, too long, padded, or with bits left over."""
    assert user_tag_of(name) is None


def test_a_phone_does_not_show_its_secrets(alice: Enrolled):
    """Neither PIN key nor seed is in its text."""
    assert "pin_key" not in repr(alice.device)
    assert alice.device.totp_secret not in repr(alice.device)


@pytest.mark.clause("sca-art4-7")
def test_the_sixth_attempt_is_none():
    """Five are given, counting down; from then on the factors are locked."""
    given_attempts = [reserve_attempt(used, 7, AttemptLimits()) for used in range(ATTEMPT_LIMIT)]
    assert given_attempts == [Attempt(number, reserved_at=7) for number in (1, 2, 3, 4, 5)]
    assert [attempt.left for attempt in given_attempts] == [4, 3, 2, 1, 0]
    for used in (5, 6, 100):
        with pytest.raises(LockedError):
            reserve_attempt(used, 7, AttemptLimits())


@pytest.mark.clause("sca-art4-10")
def test_the_last_attempt_may_have_to_wait():
    """From the one before it, and no other attempt does; as many as the operator says."""
    limits = AttemptLimits(attempts=3, pause=1000)
    assert reserve_attempt(1, 7, limits, last_but_one_at=6).left == 1
    assert reserve_attempt(2, 1007, limits, last_but_one_at=7) == Attempt(3, 1007, limit=3)
    for now, seconds in ((7, 1), (6, 2), (1006, 1)):
        with pytest.raises(PausedError) as paused:
            reserve_attempt(2, now, limits, last_but_one_at=7)
        assert seconds_until(paused.value.until, now) == seconds
    with pytest.raises(LockedError):
        reserve_attempt(3, 5000, limits)


@pytest.mark.parametrize(
    ("frame", "message"),
    [
        ('{"type": "fetch"}', Fetch()),
        (b'{"type": "decide", "decision": "x"}', Decide("x")),
        (b'{"proof": "x", "type": "authenticate"}', Authenticate("x")),
    ],
)
def test_frames_of_phones_are_read(frame: str | bytes, message: object):
    """Text or bytes, in any order of members."""
    assert decode_device_message(frame) == message


@pytest.mark.parametrize(
    "frame",
    [
        b"", b"[]", b"{}", b"null", b'{"type": "hello"}', b'{"type": "decide"}', b"\xff",
        b'{"type": "decide", "decision": 7}', b'{"type": "decide", "decision": "\xff"}',
        b'{"type": "\xff"}', '{"type": "decide", "decision": "\\ud800"}', '{"type": "fetch"',
        '{"type": "decide", "decision": "\ud800"}', "[" * 10_000,
    ],
)  # fmt: skip
def test_a_malformed_frame_is_one_kind_of_error(frame: str | bytes):
    """Whatever is wrong with it, its type, its JSON or its UTF-8."""
    for decode in (decode_device_message, decode_service_message):
        with pytest.raises(msgspec.DecodeError):
            decode(frame)


def test_frames_of_the_service_are_read():
    """The phone reads what the service sends."""
    frame = msgspec.json.encode(Hello(issuer="https://op.example", nonce="n"))
    assert decode_service_message(frame) == Hello("https://op.example", "n")


@pytest.mark.parametrize(
    "message",
    [
        FactorProofs(jti="j", pin_proof="secret", otp="secret"),
        TotpParameters("secret"),
        EnrolmentSecrets("secret", TotpParameters("secret")),
        EnrolmentClaims("aud", "jti", 0, "secret", "name", {"x": "secret"}, "secret"),
    ],
    ids=lambda message: type(message).__name__,
)
def test_a_message_does_not_show_its_secrets(message: object):
    """What carries proofs, seeds or codes is masked in every text made of it."""
    assert "secret" not in f"{message!r} {message}"


def test_a_body_is_known_by_its_hash():
    """SHA-256 of the bytes, unpadded base64url (here of the empty body)."""
    assert body_hash(b"") == "47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU"
