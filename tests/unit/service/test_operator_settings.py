"""Operators in the configuration: what is accepted, and every way to get it wrong."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from ciba_service.cli import main
from ciba_service.protocol.operators.tokens import Role, verify_token
from ciba_service.settings import InvalidSettingsError, load_settings, parse_settings
from tests.services.running_service import _toml
from tests.unit.authenticator_sim.certificates import LoopbackCertificate
from tests.wire.operator import operator

HTTPS = "https://op.example"
ANNA = operator("anna", "token", "write")
BERT = operator("bert", "other", "read")
HASH = ANNA["tokens"][0]["sha256"]


def text_of(operators: list[dict[str, Any]], **listener: Any) -> str:
    """A configuration with these operators."""
    sections: dict[str, Any] = {"operators": operators}
    return _toml(HTTPS, (), (), sections | ({"operator": listener} if listener else {}))


def test_operators_have_roles_and_tokens_that_may_end():
    """A time is written with its offset from UTC; without operators there is nothing."""
    text = (
        text_of([BERT])
        + '''
[[operators]]
name = "carl"
roles = ["read", "write"]
tokens = [{ sha256 = "'''
        + HASH
        + """", expires = 2030-01-01T00:00:00+01:00 }]
"""
    )
    bert, carl = (account.operator() for account in parse_settings(text, {}).operators)
    assert (bert.name, bert.roles, bert.may(Role.WRITE)) == ("bert", {Role.READ}, False)
    assert carl.may(Role.WRITE)
    assert carl.may(Role.READ)
    ends = int(datetime(2029, 12, 31, 23, tzinfo=UTC).timestamp() * 1000)
    assert carl.tokens[0].expires_at == ends
    assert verify_token("token", (bert, carl), now=ends - 1) is not None
    assert verify_token("token", (bert, carl), now=ends) is None
    assert HASH not in repr(carl) + repr(parse_settings(text, {}).operators)
    assert parse_settings(text_of([]), {}).operators == ()


WRONG = {
    "listener without operators": (text_of([], port=1), "operator goes with"),
    "other machines without TLS": (text_of([ANNA], host="0.0.0.0"), "no loopback address"),  # noqa: S104 - refused
    "certificate without key": (text_of([ANNA], tls_certificate="a.pem"), "go together"),
    "a proxy without TLS": (text_of([ANNA], base_url="http://localhost"), "must be an https"),
    "a proxy with a path": (text_of([ANNA], base_url="https://a.example/x"), "without a path"),
    "a proxy that is no URL": (text_of([ANNA], base_url="a.example"), "operator.base_url must be"),
    "long sessions": (text_of([ANNA], session_seconds=43_201), "operator.session_seconds"),
    "a name twice": (text_of([ANNA, ANNA]), r"operators\[1\].name is used twice"),
    "a token twice": (
        text_of([ANNA, {**BERT, "tokens": ANNA["tokens"]}]),
        r"operators\[1\].tokens has a token that is used twice",
    ),
    "no token": (text_of([{**ANNA, "tokens": []}]), "tokens"),
    "no role": (text_of([{**ANNA, "roles": []}]), "roles"),
    "another role": (text_of([{**ANNA, "roles": ["admin"]}]), "roles"),
    "a token in clear": (text_of([operator("anna", "a", "read", sha256="clear")]), "sha256"),
    "a time of nowhere": (
        text_of([operator("anna", "a", "read", expires="2030-01-01T00:00:00")]),
        "expires",
    ),
    "a name with a space": (text_of([{**ANNA, "name": "an na"}]), "name"),
}


@pytest.mark.parametrize("case", WRONG)
def test_what_is_wrong_stops_the_start(case: str):
    """The refusal names the key, and never repeats a token."""
    text, reason = WRONG[case]
    with pytest.raises(InvalidSettingsError, match=reason) as refusal:
        parse_settings(text, {})
    assert "clear" not in str(refusal.value)


def test_other_machines_may_come_by_tls(tmp_path: Path):
    """The files are looked at before the start."""
    trusted = LoopbackCertificate.write(tmp_path)
    config = tmp_path / "ciba.toml"
    tls = {"tls_certificate": str(trusted.chain), "tls_key": str(trusted.key)}
    config.write_text(text_of([ANNA], host="0.0.0.0", **tls), "utf-8")  # noqa: S104 - not bound
    assert load_settings(config).operator.host == "0.0.0.0"  # noqa: S104 - not bound
    trusted.key.unlink()
    with pytest.raises(InvalidSettingsError, match=r"operator.tls_certificate: .* cannot be read"):
        load_settings(config)


def test_a_new_token_is_printed_once_with_its_hash(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    """What is printed for the configuration is what it takes."""
    config = tmp_path / "ciba.toml"
    config.write_text(text_of([]), "utf-8")
    assert main(["operators", "token", "--config", str(config)]) == 0
    told = capsys.readouterr().out
    token = told.split()[2]
    assert len(token) == 43
    stanza = told.partition("[[operators]]")[2]
    (account,) = parse_settings(text_of([]) + "\n[[operators]]" + stanza, {}).operators
    assert verify_token(token, (account.operator(),), now=0) is not None
    assert main(["operators", "token", "--json", "--config", str(config)]) == 0
    assert token not in capsys.readouterr().out
