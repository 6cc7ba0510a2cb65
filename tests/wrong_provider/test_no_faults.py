"""Nothing is found where nothing is wrong, and nothing that could be wrong is left out."""

from pathlib import Path

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
    Registration(CORE, POLL, signs=False),
    Registration(CORE, PING, coded=True),
    Registration(CORE, PUSH),
    Registration(FAPI1, POLL, Certificate.AUTHENTICATES, alg="PS256"),
    Registration(FAPI1, PING, Certificate.BINDS),
    Registration(FAPI2, POLL, nonces_at=("/userinfo",)),
    Registration(FAPI2, PING, alg="PS256", nonces_at=("/token", "/userinfo")),
)


@pytest.mark.parametrize("registration", REGISTRATIONS, ids=repr)
async def test_a_provider_that_keeps_the_rules_passes(
    registration: Registration, certificates: Path
):
    """No check fails or warns, none asks for more than the rules; what is skipped is elsewhere."""
    checks = applicable(registration.profile, registration.mode)
    results = await judged(checks, registration, folder=certificates)
    found = [
        (result.check.id, result.outcome, result.expected, result.seen, result.reason)
        for result in results
        if result.outcome not in {Outcome.PASSED, Outcome.SKIPPED}
    ]
    assert not found
    skipped = {result.reason for result in results if result.outcome is Outcome.SKIPPED}
    assert skipped == _reasons_to_skip(registration)


@pytest.mark.parametrize(
    "registration",
    [
        Registration(CORE, POLL, signs=False, differently=True),
        Registration(FAPI2, PING, nonces_at=("/token",), differently=True),
    ],
    ids=repr,
)
async def test_a_provider_that_uses_its_liberties_passes(
    registration: Registration, certificates: Path
):
    """No check asks for one way of doing things where there are two."""
    checks = applicable(registration.profile, registration.mode)
    results = await judged(checks, registration, folder=certificates)
    found = [
        (result.check.id, result.outcome, result.expected, result.seen, result.reason)
        for result in results
        if result.outcome not in {Outcome.PASSED, Outcome.SKIPPED}
    ]
    assert not found


def _reasons_to_skip(registration: Registration) -> set[str]:
    """Each of these is missing in some of the registrations, none in all."""
    certificate, mode = registration.certificate, registration.mode
    plain = certificate is Certificate.NONE
    by_certificate = certificate is Certificate.AUTHENTICATES
    missing = {
        "the client does not use DPoP": registration.profile is not FAPI2,
        "the client has no certificate": plain and mode is not PUSH,
        "there are no mtls_endpoint_aliases": plain,
        "the client authenticates by its certificate": by_certificate,
        "the client does not authenticate by a certificate": not by_certificate,
        "no request.user_code is configured": not registration.coded,
        "there are neither rt_hash nor auth_req_id, which only push mode needs": mode is not PUSH,
        "the client has no RSA key": registration.alg == "ES256"
        and registration.profile is not CORE,
        "the client is registered with unsigned requests": not registration.signs,
    }
    return {reason for reason, applies in missing.items() if applies}


def test_each_check_has_a_fault_that_it_finds():
    """There is no check of which nobody knows whether it can fail."""
    assert {case.check for case in CASES} == {check.id for check in CHECKS}


def test_each_fault_is_found_by_some_check():
    """There is no fault that the provider could have unnoticed."""
    assert {case.fault for case in CASES} == set(Fault)


def test_there_are_many_faults():
    """At least as many as were promised."""
    assert len(Fault) >= 40
