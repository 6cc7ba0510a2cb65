"""docs/concepts/profiles.md tells clients what each profile demands of them."""

from pathlib import Path

import pytest

from ciba_service.protocol.profiles import PROFILES, ProfileName

PAGE = (Path(__file__).parents[3] / "docs/concepts/profiles.md").read_text("utf-8")
HEADER, _, *ROWS = [
    [cell.strip(" `") for cell in line.strip("|").split("|")]
    for line in PAGE.splitlines()
    if line.startswith("|")
]


@pytest.mark.parametrize("name", ProfileName)
def test_the_table_says_what_the_profile_demands(name: ProfileName):
    """Its column has the modes, algorithms and demands of the code."""
    column = HEADER.index(name)
    said = {row[0]: row[column] for row in ROWS}
    profile = PROFILES[name]
    assert set(said["delivery"].split(", ")) == profile.delivery_modes
    assert set(said["algorithms"].split(", ")) == profile.algorithms
    assert (said["signed request"] == "always") == profile.demands_signed_request
    context = said["binding_message` or `authorization_details"]
    assert (context == "in every request") == profile.demands_context
