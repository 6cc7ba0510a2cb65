"""Delivery at volume: whatever fails, each callback is delivered or abandoned for a reason."""

from pathlib import Path

import pytest

from tests.resilience.delivery_at_volume import failing_street
from tests.resilience.failing_endpoint import Fault
from tests.services.service_fixtures import ServiceRunner

APPROVALS = 2_000


@pytest.mark.timeout(150)  # of which it takes ten seconds on a core of its own
@pytest.mark.clause("ciba-10.2-1", "ciba-10.3-1")
async def test_no_callback_is_lost_where_one_attempt_of_three_fails(
    run_service: ServiceRunner, tmp_path: Path
):
    """Pings and pushes: delivered once or abandoned, repeated to the letter, tokens included."""
    async with failing_street(run_service, tmp_path, seed="2000") as street:
        await street.approve(APPROVALS, seed=2000)
        await street.until_all_ended()
        await street.hold()
        states, faults = street.states(), street.endpoint.faults
        assert states["delivered"] + states["abandoned too_late"] == APPROVALS
        assert 0 < states["abandoned too_late"] < APPROVALS / 20
        assert faults.keys() == set(Fault)
        attempts = sum(ending.attempts for ending in street.following.ended.values())
        assert 0.25 < faults.total() / attempts < 0.35
