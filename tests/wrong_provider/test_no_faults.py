"""Nothing is found where nothing is wrong, and nothing that could be wrong is left out."""

import pytest

from ciba_client import TokenDeliveryMode
from ciba_client.conformance.check import Outcome
from ciba_client.conformance.checks.registry import CHECKS, applicable
from ciba_client.conformance.profile import Profile
from tests.wrong_provider.cases import Certificate, Registration
from tests.wrong_provider.faults import Fault
from tests.wrong_provider.judge import judged
from tests.wrong_provider.meant_for import CASES

POLL, PING, PUSH = TokenDeliveryMode.POLL, TokenDeliveryMode.PING, TokenDeliveryMode.PUSH
CORE, FAPI1, FAPI2 = Profile.CIBA_CORE, Profile.FAPI_CIBA, Profile.FAPI2_CIBA

REGISTRATIONS = (
    Registration(CORE, POLL),
    Registration(CORE, POLL, signs=False),
    Registration(CORE, PING, coded=True),
    Registration(CORE, PUSH),
    Registration(FAPI1, POLL, Certificate.AUTHENTICATES, alg="PS256"),
    Registration(FAPI1, PING, Certificate.BINDS),
    Registration(FAPI2, POLL),
    Registration(FAPI2, PING, alg="PS256"),
)

NEVER_FAILED: dict[str, str] = {}
"""Checks that no fault makes fail, and why that is so."""


@pytest.mark.parametrize("registration", REGISTRATIONS, ids=repr)
async def test_a_provider_that_keeps_the_rules_passes(registration: Registration):
    """No check fails, warns or breaks off: none asks for more than the rules do."""
    results = await judged(applicable(registration.profile, registration.mode), registration)
    found = [
        (result.check.id, result.outcome, result.expected, result.seen, result.reason)
        for result in results
        if result.outcome not in {Outcome.PASSED, Outcome.SKIPPED}
    ]
    assert not found


async def test_no_check_is_skipped_in_every_registration():
    """Whatever the runner looks at is there to be looked at, in one of the registrations at least."""
    ran = {
        result.check.id
        for registration in REGISTRATIONS
        for result in await judged(
            applicable(registration.profile, registration.mode), registration
        )
        if result.outcome is Outcome.PASSED
    }
    assert ran == {check.id for check in CHECKS}


def test_each_check_has_a_fault_that_it_finds():
    """There is no check of which nobody knows whether it can fail."""
    assert {case.check for case in CASES} ^ NEVER_FAILED.keys() == {check.id for check in CHECKS}


def test_each_fault_is_found_by_some_check():
    """There is no fault that the provider could have unnoticed."""
    assert {case.fault for case in CASES} == set(Fault)


def test_there_are_many_faults():
    """At least as many as were promised."""
    assert len(Fault) >= 40
