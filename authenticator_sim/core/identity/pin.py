"""The PIN: which ones may be chosen, and how the PIN key is stored so that a thief learns nothing.

The key is uniformly random, so every PIN unwraps it to some key of the same length: only the
service can tell the right one, and it counts attempts (PSD2 RTS art. 6, NIST SP 800-63B 3.2.10).
"""

import hashlib
import itertools
from dataclasses import dataclass
from typing import Final

from authenticator_sim.errors import InvalidPin
from ciba_service.sca.messages import PIN_KEY_BYTES

__all__ = [
    "MAX_DIGITS",
    "MIN_DIGITS",
    "ROUNDS",
    "SALT_BYTES",
    "Pin",
    "PinKey",
    "WrappedPinKey",
    "other_pin",
    "parse_chosen_pin",
    "parse_pin",
    "unwrap_pin_key",
    "wrap_pin_key",
]

MIN_DIGITS: Final = 6
MAX_DIGITS: Final = 12
SALT_BYTES: Final = 16
ROUNDS: Final = 600_000

# The rule below catches runs and repetitions; these are the commonest of the rest.
_COMMONEST: Final = frozenset(
    {
        "112233", "332211", "123321", "654456", "102030", "112358", "121314", "135790", "142536",
        "147258", "147852", "159357", "159753", "246810", "258456", "314159", "520131", "789456",
        "852456", "951753", "963852", "1314520", "5201314", "11223344", "12344321", "12345679",
        "14725836", "31415926", "147258369", "1122334455",
    }
)  # fmt: skip


@dataclass(frozen=True, slots=True, repr=False)
class Pin:
    """Six to twelve digits; made by ``parse_pin`` only."""

    digits: str

    def __repr__(self) -> str:
        return "Pin(******)"


@dataclass(frozen=True, slots=True, repr=False)
class PinKey:
    """The 32 bytes that prove a PIN; from a wrong PIN come 32 wrong bytes."""

    key: bytes

    def __repr__(self) -> str:
        return "PinKey(******)"


@dataclass(frozen=True, slots=True, repr=False)
class WrappedPinKey:
    """What the phone stores: the PIN key XOR a key derived from the PIN. No tag, no length."""

    salt: bytes
    wrapped: bytes

    def __repr__(self) -> str:
        return "WrappedPinKey(******)"


def parse_pin(text: str) -> Pin:
    """Take a PIN as entered; raises ``InvalidPin``."""
    if not (MIN_DIGITS <= len(text) <= MAX_DIGITS and text.isascii() and text.isdecimal()):
        raise InvalidPin(f"A PIN has {MIN_DIGITS} to {MAX_DIGITS} digits.")
    return Pin(text)


def other_pin(pin: Pin) -> Pin:
    """A PIN that is certainly wrong: the last digit is another one."""
    return Pin(f"{pin.digits[:-1]}{(int(pin.digits[-1]) + 1) % 10}")


def parse_chosen_pin(text: str) -> Pin:
    """Take a new PIN; raises ``InvalidPin`` for one that is easily guessed (art. 6(1))."""
    pin = parse_pin(text)
    if _is_repetition(text) or _is_run(text) or text in _COMMONEST:
        raise InvalidPin("This PIN is too easy to guess: choose digits without a pattern.")
    return pin


def _is_repetition(digits: str) -> bool:
    return any(
        all(digit == digits[position % period] for position, digit in enumerate(digits))
        for period in range(1, len(digits) // 2 + 1)
    )


def _is_run(digits: str) -> bool:
    steps = {(ord(after) - ord(before)) % 10 for before, after in itertools.pairwise(digits)}
    return steps in ({1}, {9})


def wrap_pin_key(key: PinKey, pin: Pin, *, salt: bytes) -> WrappedPinKey:
    """Hide the PIN key behind the PIN, under a fresh 16-byte salt."""
    if len(key.key) != PIN_KEY_BYTES or len(salt) != SALT_BYTES:
        raise ValueError("a PIN key has 32 bytes and its salt 16")
    return WrappedPinKey(salt=salt, wrapped=_xor_derived(key.key, pin, salt))


def unwrap_pin_key(wrapped: WrappedPinKey, pin: Pin) -> PinKey:
    """Recover the PIN key; takes some tenths of a second, and never fails for a wrong PIN."""
    return PinKey(_xor_derived(wrapped.wrapped, pin, wrapped.salt))


def _xor_derived(data: bytes, pin: Pin, salt: bytes) -> bytes:
    mask = hashlib.pbkdf2_hmac("sha256", pin.digits.encode("ascii"), salt, ROUNDS, PIN_KEY_BYTES)
    return bytes(left ^ right for left, right in zip(data, mask, strict=True))
