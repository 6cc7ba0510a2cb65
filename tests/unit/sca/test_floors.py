"""Floors by client, scope, type and amount only ever add up."""

import itertools
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from ciba_service.protocol.request.authorization_details import InstructedAmount
from ciba_service.sca.factors.floors import Asked, Floor, FloorRule, strongest_floor
from ciba_service.sca.factors.policy import ACR_TABLE, PSD2_CA, PSD2_SCA, requirement
from ciba_service.sca.messages import Factor

STRENGTH = list(ACR_TABLE)
BASE = Floor(acr=PSD2_CA, otp=False, verification_code=False)
HIGH = Floor(acr=PSD2_SCA, otp=True, verification_code=True, passkey=True)
AMOUNTS = (None, *(InstructedAmount(c, a) for c in ("EUR", "USD") for a in ("99.99", "100", "101")))
ASKED = [
    Asked(client, scope, frozenset(types), amount)
    for client, scope, types, amount in itertools.product(
        ("till", "other"), (("openid",), ("openid", "pay")), ((), ("payment_initiation",)), AMOUNTS
    )
]
CONDITIONS = [
    {"client": client, "scope": scope, "type": type_, "min_amount": amount, "currency": currency}
    for client, scope, type_, (amount, currency) in itertools.product(
        (None, "till"),
        (None, "pay"),
        (None, "payment_initiation"),
        ((None, None), (Decimal("100.00"), "EUR")),
    )
]


def test_a_rule_applies_when_all_its_conditions_hold():
    """Every combination of conditions against every sort of request."""
    for condition, asked in itertools.product(CONDITIONS, ASKED):
        rule = FloorRule(**condition, acr=PSD2_SCA, otp=True, verification_code=True, passkey=True)
        has_amount = asked.amount in {
            InstructedAmount("EUR", "100"),
            InstructedAmount("EUR", "101"),
        }
        expected = (
            (condition["client"] is None or asked.client_id == "till")
            and (condition["scope"] is None or asked.scope == ("openid", "pay"))
            and (condition["type"] is None or bool(asked.detail_types))
            and (condition["min_amount"] is None or has_amount)
        )
        found = strongest_floor(BASE, [rule], asked)
        assert found == (HIGH if expected else BASE), (condition, asked)


rules = st.lists(
    st.builds(
        FloorRule,
        client=st.sampled_from([None, "till", "other"]),
        scope=st.sampled_from([None, "pay"]),
        type=st.sampled_from([None, "payment_initiation"]),
        acr=st.sampled_from([None, *STRENGTH]),
        otp=st.booleans(),
        verification_code=st.booleans(),
    ),
    max_size=5,
)
bases = st.builds(
    Floor, acr=st.sampled_from(STRENGTH), otp=st.booleans(), verification_code=st.booleans()
)


@given(base=bases, rules=rules, asked=st.sampled_from(ASKED))
def test_each_rule_that_applies_is_satisfied(base: Floor, rules: list[FloorRule], asked: Asked):
    """Neither the base nor another rule takes anything back, and nothing else is added."""
    found = strongest_floor(base, rules, asked)
    applying = [rule for rule in rules if rule.applies_to(asked)]
    named = [base.acr, *(rule.acr for rule in applying if rule.acr)]
    assert all(STRENGTH.index(found.acr) >= STRENGTH.index(acr) for acr in named)
    assert found.acr in named
    assert found.otp is any((base.otp, *(rule.otp for rule in applying)))
    assert found.verification_code is any(
        (base.verification_code, *(rule.verification_code for rule in applying))
    )


@given(
    base=bases,
    rules=rules,
    asked=st.sampled_from(ASKED),
    wished=st.lists(st.sampled_from([*STRENGTH, "urn:x"])),
)
def test_no_wish_lowers_a_floor(
    base: Floor, rules: list[FloorRule], asked: Asked, wished: list[str]
):
    """Whatever a client wishes for, all that the floor demands is asked for."""
    floor = strongest_floor(base, rules, asked)
    required = requirement(
        floor=floor.acr,
        acr_values=tuple(wished),
        has_payment=False,
        require_otp=floor.otp,
        require_verification_code=floor.verification_code,
    )
    demanded = set(ACR_TABLE[floor.acr])
    demanded |= {Factor.OTP} if floor.otp else set()
    demanded |= {Factor.VERIFICATION_CODE} if floor.verification_code else set()
    assert demanded <= set(required.factors)
