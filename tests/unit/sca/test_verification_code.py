"""Codes of the consumption device: six digits, each code as likely as any other."""

import secrets

import pytest

from ciba_service.sca.factors.verification_code import new_verification_code


@pytest.mark.clause("nist63b-3.1.3.2-4")
def test_a_code_is_six_digits_of_the_random_generator():
    """Every digit occurs at every place, leading zeros included, and codes do not repeat."""
    codes = {new_verification_code(secrets.token_bytes) for _ in range(1_000)}
    assert len(codes) > 990
    assert all(len(code) == 6 and code.isascii() and code.isdigit() for code in codes)
    for place in range(6):
        assert {code[place] for code in codes} == set("0123456789")


@pytest.mark.parametrize(
    ("drawn", "code"), [(0, "000000"), (42, "000042"), (1_000_001, "000001"), (999_999, "999999")]
)
def test_a_code_has_its_leading_zeros(drawn: int, code: str):
    """It is text, and never shorter."""
    assert new_verification_code(drawn.to_bytes) == code
