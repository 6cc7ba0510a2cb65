"""The PIN rule, and what a stolen keystore does not tell."""

import hashlib
import os

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from authenticator_sim.core.identity.pin import (
    Pin,
    PinKey,
    WrappedPinKey,
    parse_chosen_pin,
    parse_pin,
    unwrap_pin_key,
    wrap_pin_key,
)
from authenticator_sim.errors import InvalidPin

digits = st.text("0123456789", min_size=6, max_size=12)


@given(st.text(max_size=14))
def test_only_six_to_twelve_ascii_digits_are_a_pin(text: str) -> None:
    """Anything else is refused, and the refusal does not repeat the text."""
    if 6 <= len(text) <= 12 and set(text) <= set("0123456789"):
        assert parse_pin(text).digits == text
    else:
        with pytest.raises(InvalidPin, match="A PIN has 6 to 12 digits"):
            parse_pin(text)


@pytest.mark.parametrize("text", ["١٢٣٤٥٦", "12345²", "12 456", "-12345", "123456\n", ""])
def test_digits_of_other_scripts_and_signs_are_refused(text: str) -> None:
    """What Python calls a digit is not enough."""
    with pytest.raises(InvalidPin):
        parse_pin(text)


@pytest.mark.parametrize(
    "trivial",
    [
        "000000",
        "111111111111",
        "123456",
        "456789",
        "567890",
        "98765432",
        "210987",
        "121212",
        "1212121",
        "123123",
        "73917391",
        "112233",
        "159753",
        "147258369",
    ],
)
def test_a_trivial_pin_is_not_chosen(trivial: str) -> None:
    """Equal digits, runs, repeated patterns and the commonest PINs are refused."""
    with pytest.raises(InvalidPin, match="too easy"):
        parse_chosen_pin(trivial)


@given(st.sampled_from("0123456789"), st.integers(6, 12))
def test_no_repetition_of_one_digit_is_chosen(digit: str, length: int) -> None:
    """Whatever the digit and the length."""
    with pytest.raises(InvalidPin):
        parse_chosen_pin(digit * length)


@given(st.integers(0, 9), st.sampled_from([1, -1]), st.integers(6, 12))
def test_no_run_is_chosen(first: int, step: int, length: int) -> None:
    """Upwards or downwards, past nine or zero too."""
    run = "".join(str((first + step * position) % 10) for position in range(length))
    with pytest.raises(InvalidPin):
        parse_chosen_pin(run)


@given(st.text("0123456789", min_size=1, max_size=6), st.integers(6, 12))
def test_no_repeated_pattern_is_chosen(pattern: str, length: int) -> None:
    """A pattern that occurs twice in full is refused, cut off at the end or not."""
    text = (pattern * 12)[: max(length, 2 * len(pattern))]
    with pytest.raises(InvalidPin):
        parse_chosen_pin(text)


@pytest.mark.parametrize("good", ["739154", "100582", "90817264", "271828182845"])
def test_a_pin_without_a_pattern_is_chosen(good: str) -> None:
    """Ordinary PINs pass."""
    assert parse_chosen_pin(good).digits == good


@settings(max_examples=8, deadline=None)
@given(digits, st.binary(min_size=32, max_size=32), st.binary(min_size=16, max_size=16))
def test_the_right_pin_recovers_the_key(pin: str, key: bytes, salt: bytes) -> None:
    """Wrapping and unwrapping with one PIN gives the key back."""
    wrapped = wrap_pin_key(PinKey(key), parse_pin(pin), salt=salt)
    assert unwrap_pin_key(wrapped, parse_pin(pin)).key == key


@settings(max_examples=8, deadline=None)
@given(digits, digits)
@pytest.mark.clause("sca-art6-1", "sca-art9-2")
def test_a_wrong_pin_gives_another_key_of_the_same_length(right: str, wrong: str) -> None:
    """The phone cannot tell: no error, no tag, no shorter key."""
    key = os.urandom(32)
    wrapped = wrap_pin_key(PinKey(key), parse_pin(right), salt=os.urandom(16))
    unwrapped = unwrap_pin_key(wrapped, parse_pin(wrong)).key
    assert len(unwrapped) == 32
    assert (unwrapped == key) is (right == wrong)


def test_the_key_is_wrapped_as_the_protocol_says() -> None:
    """K XOR PBKDF2-HMAC-SHA-256(PIN, salt, 600 000, 32 bytes), and nothing else is stored."""
    key, salt = os.urandom(32), os.urandom(16)
    wrapped = wrap_pin_key(PinKey(key), Pin("739154"), salt=salt)
    mask = hashlib.pbkdf2_hmac("sha256", b"739154", salt, 600_000, 32)
    assert wrapped == WrappedPinKey(salt, bytes(a ^ b for a, b in zip(key, mask, strict=True)))


@pytest.mark.parametrize(("key", "salt"), [(31, 16), (33, 16), (32, 15)])
def test_a_key_or_salt_of_another_length_is_our_mistake(key: int, salt: int) -> None:
    """Lengths are fixed."""
    with pytest.raises(ValueError, match="32 bytes"):
        wrap_pin_key(PinKey(bytes(key)), Pin("739154"), salt=bytes(salt))


@pytest.mark.clause("sca-art6-2")
def test_no_representation_shows_a_secret() -> None:
    """A PIN, its key and its wrapping print as stars wherever they are logged."""
    secrets = (Pin("739154"), PinKey(b"k" * 32), WrappedPinKey(b"s" * 16, b"w" * 32))
    for secret in secrets:
        assert "******" in repr(secret)
        assert not any(part in f"{secret!r}{secret!s}" for part in ("739154", "kkk", "sss", "www"))
