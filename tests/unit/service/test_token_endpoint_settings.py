"""Token endpoints elsewhere in the configuration: what is accepted, and what is wrong."""

from pathlib import Path
from typing import Any

import pytest

from ciba_service.protocol.operators.tokens import holder_of
from ciba_service.settings import (
    Doors,
    InvalidSettingsError,
    load_settings,
    parse_settings,
    with_doors,
)
from tests.services.running_service import _toml
from tests.unit.authenticator_sim.certificates import LoopbackCertificate
from tests.wire.client import WireClient
from tests.wire.grants import token_endpoint

HTTPS = "https://op.example"
BANK = token_endpoint("bank", "token", clients=["till"])
SHOPS = token_endpoint("shops", "other")


def text_of(endpoints: list[dict[str, Any]], **listener: Any) -> str:
    """A configuration with these token endpoints."""
    sections: dict[str, Any] = {"token_endpoints": endpoints}
    return _toml(HTTPS, (), (), sections | ({"grants": listener} if listener else {}))


def test_a_token_endpoint_acts_for_its_clients():
    """For those it names, or else for all; its token says which it is."""
    settings = parse_settings(text_of([BANK, SHOPS], port=0), {})
    bank, shops = (endpoint.party() for endpoint in settings.token_endpoints)
    assert (bank.may_act_for("till"), bank.may_act_for("kiosk")) == (True, False)
    assert shops.may_act_for("kiosk")
    for token, expected in (("token", bank), ("other", shops)):
        found = holder_of(token, (bank, shops), now=0)
        assert found is not None
        assert found[0] is expected
    assert holder_of("neither", (bank, shops), now=0) is None
    assert BANK["tokens"][0]["sha256"] not in repr(settings)
    assert parse_settings(text_of([]), {}).token_endpoints == ()


WRONG = {
    "listener for nobody": (text_of([], port=1), "grants goes with"),
    "listener without a port": (text_of([BANK], host="127.0.0.2"), r"grants\.port is needed"),
    "other machines without TLS": (
        text_of([BANK], host="0.0.0.0", port=1),  # noqa: S104 - refused
        "no loopback address",
    ),
    "certificate without key": (text_of([BANK], port=1, tls_certificate="a.pem"), "go together"),
    "a name twice": (text_of([BANK, BANK]), r"token_endpoints\[1\].name is used twice"),
    "a token twice": (
        text_of([BANK, {**SHOPS, "tokens": BANK["tokens"]}]),
        r"token_endpoints\[1\].tokens has a token that is used twice",
    ),
    "no token": (text_of([{**BANK, "tokens": []}]), "tokens"),
    "a token in clear": (text_of([{**BANK, "tokens": [{"sha256": "clear"}]}]), "sha256"),
    "a name with a space": (text_of([{**BANK, "name": "ba nk"}]), "name"),
    "a role": (text_of([{**BANK, "roles": ["read"]}]), "roles"),
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
    config.write_text(text_of([BANK], host="0.0.0.0", port=1, **tls), "utf-8")  # noqa: S104 - not bound
    assert load_settings(config).grants.port == 1
    trusted.key.unlink()
    with pytest.raises(InvalidSettingsError, match=r"grants.tls_certificate: .* cannot be read"):
        load_settings(config)


def test_a_list_is_not_overridden_by_the_environment():
    """Nobody adds a token endpoint by a variable."""
    with pytest.raises(InvalidSettingsError, match="token_endpoints"):
        parse_settings(text_of([BANK]), {"CIBA_TOKEN_ENDPOINTS__NAME": "evil"})


def test_a_backend_alone_is_configured_and_pushes_nothing(till: WireClient):
    """``server.doors``, or whoever embeds the service, says so; push clients do not go with it."""
    doors = {"server": {"doors": "approval_backend"}}
    settings = parse_settings(_toml(HTTPS, [till], (), doors), {})
    assert settings.server.doors is Doors.APPROVAL_BACKEND
    assert with_doors(settings, Doors.WHOLE).server.doors is Doors.WHOLE
    pushed = WireClient(
        "pushed",
        metadata={
            "backchannel_token_delivery_mode": "push",
            "backchannel_client_notification_endpoint": "https://till.example/push",
        },
    )
    whole = parse_settings(_toml(HTTPS, [pushed], (), {}), {})
    with pytest.raises(InvalidSettingsError, match=r"server\.doors"):
        with_doors(whole, Doors.APPROVAL_BACKEND)
