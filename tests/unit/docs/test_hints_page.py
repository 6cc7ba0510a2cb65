"""docs/hints.md tells clients what the code accepts."""

import re
from pathlib import Path

import pytest

from ciba_service.protocol.request.hints import HANDLE_PREFIX, MAXIMUM_NAME_LENGTH
from ciba_service.protocol.request.login_hint_token import DEFAULT_MAXIMUM_LIFETIME
from ciba_service.protocol.request.parameters import AUTHENTICATION_PARAMETERS
from ciba_service.sca.phones.login_handles import HANDLE_LIFETIME_MS
from ciba_service.settings import LoginHintIssuerSettings, RequestSettings

ROOT = Path(__file__).parents[3]
PAGE = (ROOT / "docs/hints.md").read_text("utf-8")


@pytest.mark.clause("ciba-7.2-9")
def test_clients_are_told_types_issuers_and_ages_of_hints():
    """A row for each hint, with the algorithms, bounds and defaults that hold."""
    rows = dict(re.findall(r"^\| `(\w+)` \|(.*)\|$", PAGE, re.MULTILINE))
    assert rows.keys() == {name for name in AUTHENTICATION_PARAMETERS if "hint" in name}
    issuer = LoginHintIssuerSettings(iss="https://finder.example", jwks={})
    assert re.findall(r"`((?:[EP]S|Ed)\w+)`", rows["login_hint_token"]) == list(issuer.algorithms)
    assert f"({DEFAULT_MAXIMUM_LIFETIME} seconds" in rows["login_hint_token"]
    assert "[[login_hint_issuers]]" in rows["login_hint_token"]
    assert f" {RequestSettings().id_token_hint_days} days" in rows["id_token_hint"]
    assert f"at most {MAXIMUM_NAME_LENGTH} characters" in PAGE
    assert f"`{HANDLE_PREFIX}`" in rows["login_hint"]
    assert f"within {HANDLE_LIFETIME_MS // 1000} seconds" in rows["login_hint"]


def test_clients_find_the_page():
    """The front page leads to it."""
    assert "(docs/hints.md)" in (ROOT / "README.md").read_text("utf-8")
