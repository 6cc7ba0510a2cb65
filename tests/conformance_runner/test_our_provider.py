"""Our own service passes every check, in each profile and mode that it has."""

import pytest

from ciba_client.conformance.check import Outcome
from ciba_client.conformance.checks.registry import applicable
from ciba_client.conformance.profile import Profile
from ciba_client.sdk.delivery_mode import TokenDeliveryMode
from tests.conformance_runner.our_provider import provider_under_test
from tests.service_fixtures import ServiceRunner

OFFERED = [
    (profile, mode)
    for profile in Profile
    for mode in TokenDeliveryMode
    if profile is Profile.CIBA_CORE or mode is not TokenDeliveryMode.PUSH
]


@pytest.mark.parametrize(("profile", "mode"), OFFERED)
async def test_our_provider_passes(
    run_service: ServiceRunner, profile: Profile, mode: TokenDeliveryMode
):
    """All checks of the profile and mode pass, or say why they do not apply."""
    checks = applicable(profile, mode)
    async with provider_under_test(run_service, profile, mode) as provider:
        results = await provider.results(checks)
    for each in results:
        if each.outcome is not Outcome.PASSED:
            print(
                each.outcome,
                each.check.id,
                "|",
                each.expected,
                "|",
                each.seen,
                "|",
                each.reason,
                [
                    (e.method, e.url[-30:], e.status, e.response_body[:150])
                    for e in each.exchanges[-2:]
                ]
                if each.outcome not in ("skipped",)
                else "",
            )
    bad = [
        each.check.id
        for each in results
        if each.outcome in {Outcome.FAILED, Outcome.ERROR, Outcome.WARNED}
    ]
    assert bad == []
