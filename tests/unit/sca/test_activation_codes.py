"""Activation codes and second secrets as people read and type them."""

import itertools
import re
import secrets

import pytest

from ciba_service.sca.factors.activation import (
    ACTIVATION_LIFETIME_MS,
    new_activation_code,
    new_second_secret,
    normal_code,
)

ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"


def test_codes_are_three_groups_of_four():
    """As in K7QM-2RXP-9D4T, without letters that are misread or make words."""
    for _ in range(200):
        code = new_activation_code(secrets.token_bytes)
        assert re.fullmatch(rf"[{ALPHABET}]{{4}}(-[{ALPHABET}]{{4}}){{2}}", code)


def test_every_character_is_uniform_over_the_alphabet():
    """Twelve characters of five bits each: every byte gives one, each equally often."""
    asked: list[int] = []

    def constant(byte: int) -> str:
        def token_bytes(count: int) -> bytes:
            asked.append(count)
            return bytes([byte]) * count

        return normal_code(new_activation_code(token_bytes))

    given = ["".join(constant(byte)) for byte in range(256)]
    assert set(asked) == {12}
    assert sorted(given) == sorted(character * 12 for character in ALPHABET for _ in range(8))


def test_second_secrets_are_six_digits():
    """Leading zeros stay, the whole range is used, and the source is the one given."""
    assert new_second_secret(bytes) == "000000"
    assert new_second_secret(lambda count: (999_999).to_bytes(count, "big")) == "999999"
    assert new_second_secret(lambda count: (1_000_007).to_bytes(count, "big")) == "000007"
    made = {new_second_secret(secrets.token_bytes) for _ in range(200)}
    assert all(re.fullmatch("[0-9]{6}", secret) for secret in made)
    assert len(made) > 150


@pytest.mark.parametrize(
    "typed",
    ["K7QM-21XP-90D4", "k7qm21xp90d4", " K7QM 2IXP 9OD4 ", "k7qm-2lxp-9od4", "K7QM\t-21XP\n-90D4"],
)
def test_codes_may_be_typed_as_they_are_read(typed: str):
    """Case, spaces and hyphens do not matter, nor letters that look like digits."""
    assert normal_code(typed) == "K7QM21XP90D4"


def test_a_made_code_is_its_own_normal_form():
    """Nothing a code is made of is changed, except for the hyphens."""
    for _ in range(50):
        code = new_activation_code(secrets.token_bytes)
        assert normal_code(code) == code.replace("-", "") == normal_code(normal_code(code))


@pytest.mark.parametrize("typed", ["", "-", "é", "ß" * 9, "\0", "🂡", "x" * 10_000])
def test_anything_typed_has_a_normal_form(typed: str):
    """Odd input is another code and never an error."""
    assert isinstance(normal_code(typed), str)


def test_codes_live_ten_minutes():
    """The lifetime is in milliseconds."""
    assert ACTIVATION_LIFETIME_MS == 10 * 60 * 1000
    assert len(set(itertools.chain(ALPHABET))) == 32
