"""Typed reading of claims."""

from typing import Any

import pytest

from ciba_service.protocol.jose.claims import Claims, InvalidClaimsError

NOW = 1_800_000_000.0


@pytest.mark.parametrize("payload", [b"", b"[]", b'{"a": 1, "a": 2}', b'{"iss": "\xff"}'])
def test_a_payload_that_is_no_claims_set_is_refused(payload: bytes):
    """Claims are one JSON object with unique members."""
    with pytest.raises(InvalidClaimsError):
        Claims.parse(payload)


@pytest.mark.parametrize("value", ["", 5, None, True, ["a"], {"a": "b"}])
def test_a_text_claim_is_a_filled_string(value: Any):
    """Nothing else is taken for text, and the empty string is nothing."""
    with pytest.raises(InvalidClaimsError):
        Claims({"iss": value}).text("iss")


@pytest.mark.parametrize(
    "value", ["1800000000", None, True, [], float("inf"), -1, -(10**400), 10**400, 2**53 + 1]
)
def test_an_instant_is_a_number_of_this_era(value: Any):
    """Strings, booleans and numbers that arithmetic cannot hold are no NumericDate."""
    with pytest.raises(InvalidClaimsError):
        Claims({"exp": value}).seconds("exp")


@pytest.mark.parametrize("value", [None, [], [1], ["a", 1], {"a": 1}, 5])
def test_an_audience_is_a_string_or_a_filled_list_of_strings(value: Any):
    """Any other JSON value is malformed."""
    with pytest.raises(InvalidClaimsError):
        Claims({"aud": value}).audience()


def test_an_audience_stays_as_it_was_sent():
    """A string and an array of one string are told apart."""
    assert Claims({"aud": "a"}).audience() == "a"
    assert Claims({"aud": ["a"]}).audience() == ("a",)


def test_a_jti_is_bounded():
    """512 characters are taken, 513 are not."""
    assert Claims({"jti": "j" * 512}).jti() == "j" * 512
    with pytest.raises(InvalidClaimsError):
        Claims({"jti": "j" * 513}).jti()


@pytest.mark.parametrize(("exp", "is_valid"), [(NOW + 0.001, True), (NOW, False), (NOW - 1, False)])
def test_exp_is_refused_from_its_very_second_on(exp: float, *, is_valid: bool):
    """There is no leeway for what has expired."""
    claims = Claims({"exp": exp})
    if is_valid:
        assert claims.unexpired(NOW) == exp
    else:
        with pytest.raises(InvalidClaimsError):
            claims.unexpired(NOW)


@pytest.mark.clause("fapi2-sp-5.3.2.1-13")
@pytest.mark.parametrize("name", ["iat", "nbf"])
def test_ten_seconds_in_the_future_are_accepted_and_more_are_not(name: str):
    """The skew is exactly ten seconds, so that sixty are refused, too."""
    assert Claims({name: NOW + 10}).not_future(name, NOW) == NOW + 10
    assert Claims({}).not_future(name, NOW) is None
    for seconds in (10.001, 60, 61, 3600):
        with pytest.raises(InvalidClaimsError):
            Claims({name: NOW + seconds}).not_future(name, NOW)
