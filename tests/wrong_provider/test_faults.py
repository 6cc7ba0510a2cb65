"""Each fault of the provider is found by the check that is meant for it."""

from pathlib import Path

import pytest

from ciba_client.conformance.check import Outcome
from ciba_client.conformance.checks.registry import CHECKS
from tests.wrong_provider.cases import Case
from tests.wrong_provider.judge import judged
from tests.wrong_provider.meant_for import CASES

BY_ID = {check.id: check for check in CHECKS}


@pytest.mark.parametrize("case", CASES, ids=str)
async def test_a_fault_is_found_by_the_check_that_is_meant_for_it(case: Case, certificates: Path):
    """That check alone runs against that fault alone, fails, and says what the matter is."""
    check = BY_ID[case.check]
    (result,) = await judged([check], case.registration, [case.fault], folder=certificates)
    assert result.outcome is (Outcome.WARNED if case.warns else Outcome.FAILED), result
    assert case.says in f"expected {result.expected}, but {result.seen}"
