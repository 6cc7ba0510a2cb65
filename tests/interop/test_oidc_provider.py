"""node-oidc-provider, in process of its own, under the conformance runner."""

import re
from pathlib import Path

import pytest

from ciba_client.conformance.check import Outcome
from ciba_client.conformance.profile import Profile
from ciba_client.sdk.delivery_mode import TokenDeliveryMode
from tests.interop.node_provider import judged_node_provider

PAGE = Path(__file__).parents[2] / "docs" / "conformance-runner.md"
CHAPTER = "## node-oidc-provider"
FAILED, WARNED = Outcome.FAILED, Outcome.WARNED

FINDINGS = {
    "backchannel-assertion-wrong-type": WARNED,
    "backchannel-assertion-not-a-jwt": WARNED,
    "backchannel-assertion-another-client-id": WARNED,
    "request-replayed": WARNED,
    "request-parameters-outside": FAILED,
    "request-parameter-not-a-string": FAILED,
    "poll-slow-down": WARNED,
}
OF_FAPI1 = {"resource-interaction-id": FAILED, "resource-interaction-id-generated": FAILED}
OF_FAPI2 = {"proof-replayed": WARNED}


@pytest.mark.parametrize(
    ("profile", "mode", "findings"),
    [
        (Profile.CIBA_CORE, TokenDeliveryMode.PING, FINDINGS),
        (Profile.FAPI_CIBA, TokenDeliveryMode.POLL, FINDINGS | OF_FAPI1),
        (Profile.FAPI2_CIBA, TokenDeliveryMode.PING, FINDINGS | OF_FAPI2),
    ],
)
async def test_what_is_found_is_what_was_found_before(
    profile: Profile, mode: TokenDeliveryMode, findings: dict[str, Outcome], tmp_path: Path
):
    """A finding that is new, and one that has gone, show; all else passes or does not apply."""
    results = await judged_node_provider(profile, mode, tmp_path)
    found = {
        result.check.id: result.outcome
        for result in results
        if result.outcome not in {Outcome.PASSED, Outcome.SKIPPED}
    }
    assert found == findings
    assert sum(result.outcome is Outcome.PASSED for result in results) > 150


def test_the_page_tells_of_each_finding():
    """What is written down is what is found, no more and no less."""
    chapter = PAGE.read_text("utf-8").partition(CHAPTER)[2].partition("\n## ")[0]
    told = dict(re.findall(r"^\| `([a-z0-9-]+)` \| (\w+) \|", chapter, re.MULTILINE))
    assert told == {
        name: str(outcome) for name, outcome in (FINDINGS | OF_FAPI1 | OF_FAPI2).items()
    }
