"""Which factors are asked for, and what may be said about them afterwards."""

import itertools

import pytest

from ciba_service.sca.factors.policy import (
    ACR_TABLE,
    PSD2_CA,
    PSD2_SCA,
    amr_of,
    chosen_factors,
    reachable_acrs,
    requirement,
)
from ciba_service.sca.messages import Factor

KEY, PIN, OTP, PASSKEY = Factor.DEVICE_KEY, Factor.PIN, Factor.OTP, Factor.PASSKEY
STRENGTH = [PSD2_CA, PSD2_SCA]


@pytest.mark.parametrize(
    ("floor", "wished", "has_payment", "expected"),
    [
        (PSD2_CA, (), False, PSD2_CA),
        (PSD2_CA, (PSD2_CA,), False, PSD2_CA),
        (PSD2_CA, (PSD2_SCA,), False, PSD2_SCA),
        (PSD2_CA, (PSD2_CA, PSD2_SCA), False, PSD2_SCA),
        (PSD2_CA, ("urn:unknown",), False, PSD2_CA),
        (PSD2_CA, ("",), False, PSD2_CA),
        (PSD2_CA, (), True, PSD2_SCA),
        (PSD2_CA, (PSD2_CA,), True, PSD2_SCA),
        (PSD2_SCA, (), False, PSD2_SCA),
        (PSD2_SCA, (PSD2_CA,), False, PSD2_SCA),
        (PSD2_SCA, (PSD2_CA,), True, PSD2_SCA),
    ],
)
@pytest.mark.parametrize("require_otp", [True, False])
def test_the_strongest_wins(
    floor: str, wished: tuple[str, ...], expected: str, *, has_payment: bool, require_otp: bool
):
    """Floor, wish and payment can each only raise the requirement; the code comes on top."""
    needed = requirement(
        floor=floor, acr_values=wished, has_payment=has_payment, require_otp=require_otp
    )
    assert needed.acr == expected
    assert set(needed.factors) == ACR_TABLE[expected] | ({OTP} if require_otp else set())
    assert needed.factors[0] is KEY


@pytest.mark.parametrize("require_passkey", [True, False])
@pytest.mark.parametrize("floor", STRENGTH)
def test_what_is_reachable_is_what_some_wish_comes_to(floor: str, *, require_passkey: bool):
    """No acr is named that every request would exceed, and none is left out."""
    reached = {
        requirement(
            floor=floor,
            acr_values=wished,
            has_payment=False,
            require_otp=False,
            require_passkey=require_passkey,
        ).acr
        for wished in ((), *((acr,) for acr in STRENGTH))
    }
    reachable = reachable_acrs(floor=floor, require_passkey=require_passkey)
    assert reachable == tuple(acr for acr in STRENGTH if acr in reached)


@pytest.mark.clause("sca-art4-1")
@pytest.mark.parametrize("require_otp", [True, False])
def test_strong_authentication_is_possession_and_knowledge(*, require_otp: bool):
    """What is called strong has elements of two categories; a code is never the second."""
    for floor, has_payment in ((PSD2_SCA, False), (PSD2_CA, True)):
        needed = requirement(
            floor=floor, acr_values=(), has_payment=has_payment, require_otp=require_otp
        )
        assert {KEY, PIN} <= set(needed.factors)


def test_no_wish_lowers_anything():
    """Whatever is wished for, the result is at least the floor."""
    for floor, wish in itertools.product(STRENGTH, ["", "0", PSD2_CA, PSD2_SCA, "urn:x"]):
        needed = requirement(floor=floor, acr_values=(wish,), has_payment=False, require_otp=False)
        assert STRENGTH.index(needed.acr) >= STRENGTH.index(floor)


@pytest.mark.parametrize(
    ("factors", "expected"),
    [
        ((KEY,), ("pop",)),
        ((KEY, OTP), ("pop", "otp")),
        ((KEY, PIN), ("pop", "pin", "mfa")),
        ((KEY, PIN, OTP), ("pop", "pin", "otp", "mfa")),
        ((KEY, PASSKEY), ("pop", "user", "mfa")),
        ((KEY, PASSKEY, OTP), ("pop", "user", "otp", "mfa")),
    ],
)
def test_amr_says_what_happened(factors: tuple[Factor, ...], expected: tuple[str, ...]):
    """Registered words (RFC 8176); two of one category are not `mfa`."""
    assert amr_of(factors) == expected


@pytest.mark.clause("sca-art4-1")
@pytest.mark.parametrize("floor", STRENGTH)
@pytest.mark.parametrize("require_otp", [True, False])
def test_a_passkey_that_is_demanded_is_the_second_category(floor: str, *, require_otp: bool):
    """Nothing may take its place, and what it makes of the request is called strong."""
    needed = requirement(
        floor=floor,
        acr_values=(),
        has_payment=False,
        require_otp=require_otp,
        require_passkey=True,
        passkeys_count=True,
    )
    assert needed.acr == PSD2_SCA
    assert needed.factors == ((KEY, PASSKEY, OTP) if require_otp else (KEY, PASSKEY))
    assert not needed.passkey_for_pin


@pytest.mark.parametrize(
    ("floor", "count", "expected"),
    [(PSD2_SCA, True, True), (PSD2_SCA, False, False), (PSD2_CA, True, False)],
)
def test_a_passkey_may_take_the_place_of_a_pin_that_is_asked_for(
    floor: str, *, count: bool, expected: bool
):
    """Where passkeys count at all."""
    needed = requirement(
        floor=floor, acr_values=(), has_payment=False, require_otp=False, passkeys_count=count
    )
    assert needed.passkey_for_pin is expected
    assert PASSKEY not in needed.factors


def test_who_hands_in_a_passkey_has_chosen_it():
    """Where it may be chosen; what is left is never one or the other."""
    asked = (KEY, PIN, OTP)
    for may, has in itertools.product((True, False), repeat=2):
        chosen = chosen_factors(asked, passkey_for_pin=may, has_passkey=has)
        assert chosen == ((KEY, PASSKEY, OTP) if may and has else asked)
