"""Our own service passes every check, in each profile and mode that it has."""

import pytest

from ciba_client.conformance.check import Check, Outcome, Result
from ciba_client.conformance.checks import hints, parameters, request_objects, transport
from ciba_client.conformance.checks.registry import applicable
from ciba_client.conformance.profile import Profile
from ciba_client.sdk.delivery_mode import TokenDeliveryMode
from tests.conformance_runner.our_provider import provider_under_test
from tests.services.service_fixtures import ServiceRunner

CORE, FAPI, FAPI2 = Profile.CIBA_CORE, Profile.FAPI_CIBA, Profile.FAPI2_CIBA
POLL, PING, PUSH = TokenDeliveryMode.POLL, TokenDeliveryMode.PING, TokenDeliveryMode.PUSH
PARTS = [
    (CORE, POLL, lambda check: check.profiles >= {CORE, FAPI}),
    (FAPI, POLL, lambda check: CORE not in check.profiles),
    (FAPI, PING, lambda check: POLL not in check.modes),
    (FAPI2, POLL, lambda check: check.id.startswith(("proof-", "access-token"))),
    (CORE, PUSH, lambda check: PING not in check.modes),
]
"""Each check at least once, and where it may differ again; ``make conformance`` runs all of all."""


def complaints(results: tuple[Result, ...]) -> list[str]:
    """What did not go well, and why."""
    return [
        f"{each.outcome} {each.check.id}: expected {each.expected}, {each.seen} {each.reason}"
        for each in results
        if each.outcome not in {Outcome.PASSED, Outcome.SKIPPED}
    ]


@pytest.mark.timeout(180)
@pytest.mark.parametrize(("profile", "mode", "is_meant"), PARTS)
async def test_our_provider_passes(
    run_service: ServiceRunner,
    profile: Profile,
    mode: TokenDeliveryMode,
    is_meant: object,
):
    """Nothing fails, nothing is warned of, and everything can be judged."""
    assert callable(is_meant)
    checks: tuple[Check, ...] = tuple(filter(is_meant, applicable(profile, mode)))
    async with provider_under_test(run_service, profile, mode) as provider:
        results = await provider.results(checks)
    assert complaints(results) == []
    assert [each.check for each in results] == list(checks)
    assert len([each for each in results if each.outcome is Outcome.PASSED]) > len(checks) // 2


async def test_our_provider_passes_with_unsigned_requests(run_service: ServiceRunner):
    """From a client that is registered so, with each parameter for itself in the form."""
    checks = (*parameters.CHECKS, *hints.CHECKS, *transport.CHECKS, *request_objects.CHECKS)
    offered = tuple(each for each in applicable(CORE, POLL) if each in checks)
    async with provider_under_test(run_service, CORE, POLL, signed=False) as provider:
        results = await provider.results(offered)
    assert complaints(results) == []
    skipped = {each.check for each in results if each.outcome is Outcome.SKIPPED}
    assert skipped >= {each for each in request_objects.CHECKS if each in offered}
    assert not skipped & {*hints.CHECKS, *transport.CHECKS}
